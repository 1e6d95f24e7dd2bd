//! Ingresses that the proxy refused, although we did not.

use crate::diagnostic::{Code, Diagnostic};
use crate::names::{Kind, ObjectName, ObjectRef};
use crate::state::Ingress;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The verdicts. Each is about one version of an Ingress, by content: a changed Ingress gets a new chance.
#[derive(Debug, Clone, Default)]
pub struct Quarantine {
    verdicts: BTreeMap<ObjectName, Verdict>,
}

#[derive(Debug, Clone)]
struct Verdict {
    digest: u128,
    reason: String,
    last_accepted: Option<Arc<Ingress>>,
}

impl Quarantine {
    /// Sets an Ingress aside. `last_accepted` is the version that is served instead, if there was one.
    pub fn set_aside(&mut self, ingress: &Ingress, reason: String, last_accepted: Option<Arc<Ingress>>) {
        let verdict = Verdict { digest: ingress.digest, reason, last_accepted };
        self.verdicts.insert(ingress.meta.name.clone(), verdict);
    }

    /// Forgets the verdicts on Ingresses that `still_there` does not know in the refused version.
    pub fn forget_others(&mut self, still_there: impl Fn(&ObjectName) -> Option<u128>) {
        self.verdicts.retain(|name, verdict| still_there(name) == Some(verdict.digest));
    }

    /// Whether this version of an Ingress is set aside.
    #[must_use]
    pub fn holds(&self, ingress: &Ingress) -> bool {
        self.verdicts.get(&ingress.meta.name).is_some_and(|verdict| verdict.digest == ingress.digest)
    }

    /// How many Ingresses are set aside.
    #[must_use]
    pub fn len(&self) -> usize {
        self.verdicts.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.verdicts.is_empty()
    }

    /// The version of an Ingress to serve: itself, an older one with a finding, or none with a finding.
    pub(super) fn version_of<'a>(&'a self, ingress: &'a Arc<Ingress>) -> (Option<&'a Arc<Ingress>>, Option<Diagnostic>) {
        match self.verdicts.get(&ingress.meta.name) {
            Some(verdict) if verdict.digest == ingress.digest => {
                let object = ObjectRef::new(Kind::Ingress, ingress.meta.name.clone());
                let finding = Diagnostic::new(Code::RefusedByProxy, object, "", verdict.reason.clone())
                    .help("change the Ingress; this version will not be tried again");
                (verdict.last_accepted.as_ref(), Some(finding))
            }
            _ => (Some(ingress), None),
        }
    }
}
