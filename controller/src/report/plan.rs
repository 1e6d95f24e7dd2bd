//! Which object gets which status and which event. Pure: looks at what is live and what was told, writes nothing.

use gatewright_core::diagnostic::{Code, Diagnostic, Severity};
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use gatewright_core::state::{Ingress, LoadBalancerAddress};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What is live, and what is wrong.
#[derive(Debug, Clone, Default)]
pub(crate) struct News {
    /// Number of the live revision that this process made; 0 before the first.
    pub(crate) revision: u64,
    /// How many revisions the proxy had to load.
    pub(crate) loads: u64,
    /// The Ingresses that the live revision serves.
    pub(crate) served: Arc<[Arc<Ingress>]>,
    /// What is wrong with objects.
    pub(crate) findings: Arc<[Finding]>,
    /// The ConfigMaps of the flags.
    pub(crate) config_maps: Vec<(Subject, u128)>,
    /// Why the newest candidate is not live; empty when it is.
    pub(crate) trouble: Arc<str>,
}

/// A finding about an object that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What is wrong.
    pub(crate) diagnostic: Diagnostic,
    /// `uid` of its object.
    pub(crate) uid: Box<str>,
}

/// Whom an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    /// `apiVersion`.
    pub(crate) api_version: &'static str,
    /// `kind`.
    pub(crate) kind: &'static str,
    /// Namespace and name.
    pub(crate) name: ObjectName,
    /// `uid`; without one, `kubectl describe` does not show the event.
    pub(crate) uid: Box<str>,
}

impl Subject {
    /// The object of this name; `None` for kinds that nobody tells anything.
    pub(crate) fn of(object: &ObjectRef, uid: &str) -> Option<Self> {
        let api_version = match object.kind {
            Kind::Ingress | Kind::IngressClass => "networking.k8s.io/v1",
            Kind::Service | Kind::Secret | Kind::ConfigMap | Kind::Endpoints => "v1",
            Kind::EndpointSlice => "discovery.k8s.io/v1",
            Kind::GatewrightParameters => "gatewright.dev/v1alpha1",
            Kind::Namespace => return None,
        };
        Some(Self { api_version, kind: object.kind.as_str(), name: object.name.clone(), uid: uid.into() })
    }
}

impl Subject {
    /// Where its events are: those of objects in no namespace are in `default`.
    pub(crate) fn event_namespace(&self) -> &str {
        Some(self.name.namespace()).filter(|namespace| !namespace.is_empty()).unwrap_or("default")
    }
}

/// An event to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedEvent {
    /// Whom it is about.
    pub(crate) subject: Subject,
    /// Something is wrong.
    pub(crate) warning: bool,
    /// One word for machines.
    pub(crate) reason: String,
    /// One sentence for people.
    pub(crate) message: String,
    /// Sent again with another message it is still the same event, counted up.
    pub(crate) same_again: bool,
}

/// What the world was told already.
#[derive(Debug, Default)]
pub(super) struct Reported {
    served: HashMap<ObjectName, u128>,
    findings: HashSet<Diagnostic>,
    config_maps: HashMap<Subject, u128>,
}

/// Findings of one object that become events, at most: the rest is in `/api/v1/diagnostics`.
const FINDINGS_PER_OBJECT: usize = 10;

impl Reported {
    /// What is new since the last time: Ingresses that went live in another version, ConfigMaps, findings.
    pub(super) fn news(&mut self, news: &News) -> Vec<PlannedEvent> {
        let mut told = Vec::new();
        let served: HashMap<_, _> = news.served.iter().map(|ingress| (ingress.meta.name.clone(), ingress.digest)).collect();
        if news.revision > 0 {
            let changed = news.served.iter().filter(|ingress| self.served.get(&ingress.meta.name) != Some(&ingress.digest));
            told.extend(changed.filter_map(|ingress| went_live(ingress, news.revision)));
            self.served = served;
        }
        for (subject, digest) in &news.config_maps {
            let before = self.config_maps.insert(subject.clone(), *digest);
            if before != Some(*digest) {
                told.push(config_map(subject, before.is_none()));
            }
        }
        let mut per_object = HashMap::<&ObjectRef, usize>::new();
        for finding in news.findings.iter().filter(|finding| !self.findings.contains(&finding.diagnostic)) {
            let Some(object) = &finding.diagnostic.object else { continue };
            let count = per_object.entry(object).or_default();
            *count += 1;
            if *count <= FINDINGS_PER_OBJECT {
                told.extend(wrong(&finding.diagnostic, object, &finding.uid));
            }
        }
        self.findings = news.findings.iter().map(|finding| finding.diagnostic.clone()).collect();
        told
    }

    /// Takes all this for told: another replica tells it.
    pub(super) fn skip(&mut self, news: &News) {
        self.news(news);
    }

    /// This replica begins to tell. What has no address yet was told by nobody, and what is wrong may be news too.
    pub(super) fn begin(&mut self, news: &News) {
        for ingress in news.served.iter().filter(|ingress| ingress.addresses.is_empty()) {
            self.served.remove(&ingress.meta.name);
        }
        self.findings.clear();
        self.config_maps.clear();
    }
}

fn went_live(ingress: &Ingress, revision: u64) -> Option<PlannedEvent> {
    let object = ObjectRef::new(Kind::Ingress, ingress.meta.name.clone());
    Some(PlannedEvent {
        subject: Subject::of(&object, &ingress.meta.uid)?,
        warning: false,
        reason: "Sync".to_owned(),
        message: format!("live in revision {revision}"),
        same_again: true,
    })
}

fn config_map(subject: &Subject, first: bool) -> PlannedEvent {
    PlannedEvent {
        subject: subject.clone(),
        warning: false,
        reason: if first { "CREATE" } else { "UPDATE" }.to_owned(),
        message: format!("ConfigMap {}", subject.name),
        same_again: false,
    }
}

/// An event about what is wrong; the reason is the name of the code, but for annotations that of ingress-nginx.
fn wrong(diagnostic: &Diagnostic, object: &ObjectRef, uid: &str) -> Option<PlannedEvent> {
    if diagnostic.severity == Severity::Note {
        return None;
    }
    let reason = match diagnostic.code {
        Code::BadAnnotation | Code::UnsupportedAnnotation | Code::UnsupportedProtection | Code::RefusedAnnotation => {
            "AnnotationParsingFailed".to_owned()
        }
        code => format!("{code:?}"),
    };
    let Diagnostic { code, field, message, help, outcome, .. } = diagnostic;
    let field = if field.is_empty() { String::new() } else { format!("{field}: ") };
    let help = if help.is_empty() { String::new() } else { format!("; {help}") };
    Some(PlannedEvent {
        subject: Subject::of(object, uid)?,
        warning: true,
        reason,
        message: format!("{field}{message}{help} ({outcome}, {code})"),
        same_again: false,
    })
}

/// The Ingresses whose status has to be another one, with the addresses it shall hold.
///
/// `served` shall hold `addresses`; `left` were served before and are no longer, and only what we wrote is taken back.
pub(super) fn statuses(
    served: &[Arc<Ingress>],
    left: &[Arc<Ingress>],
    addresses: &[LoadBalancerAddress],
) -> Vec<(Arc<Ingress>, Vec<LoadBalancerAddress>)> {
    let wanted: BTreeSet<_> = addresses.iter().collect();
    let is_ours = |ingress: &&Arc<Ingress>| ingress.addresses.iter().collect::<BTreeSet<_>>() == wanted;
    let filled = served.iter().filter(|ingress| !is_ours(ingress)).map(|ingress| (Arc::clone(ingress), addresses.to_vec()));
    let emptied = left.iter().filter(|ingress| !ingress.addresses.is_empty()).filter(is_ours);
    filled.chain(emptied.map(|ingress| (Arc::clone(ingress), Vec::new()))).collect()
}

/// Empties the status of all that have one.
pub(super) fn emptied(served: &[Arc<Ingress>]) -> Vec<(Arc<Ingress>, Vec<LoadBalancerAddress>)> {
    served.iter().filter(|ingress| !ingress.addresses.is_empty()).map(|ingress| (Arc::clone(ingress), Vec::new())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewright_core::state::{Object, decode};
    use serde_json::json;

    fn ingress(name: &str, path: &str, addresses: &[&str]) -> Arc<Ingress> {
        let addresses: Vec<_> = addresses.iter().map(|ip| json!({"ip": ip})).collect();
        let object = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}")},
            "spec": {"rules": [{"http": {"paths": [{"path": path, "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}}]},
            "status": {"loadBalancer": {"ingress": addresses}}});
        match decode(object).unwrap().unwrap() {
            Object::Ingress(ingress) => ingress,
            other => panic!("{other:?}"),
        }
    }

    fn address(ip: &str) -> LoadBalancerAddress {
        LoadBalancerAddress { ip: ip.into(), hostname: "".into() }
    }

    fn news(revision: u64, served: Vec<Arc<Ingress>>, findings: Vec<Finding>) -> News {
        News { revision, served: served.into(), findings: findings.into(), ..News::default() }
    }

    fn finding(code: Code, name: &str) -> Finding {
        let object = ObjectRef::new(Kind::Ingress, ObjectName::new("shop", name).unwrap());
        let diagnostic = Diagnostic::new(code, object, "spec.rules[0].host", "it is odd").help("mend it");
        Finding { diagnostic, uid: "uid".into() }
    }

    fn lines(told: &[PlannedEvent]) -> Vec<String> {
        told.iter().map(|told| format!("{} {} {}", told.subject.name, told.reason, told.message)).collect()
    }

    #[test]
    fn only_ingresses_that_changed_are_told_that_they_are_live() {
        let mut reported = Reported::default();
        let (a, b) = (ingress("a", "/", &[]), ingress("b", "/", &[]));
        assert_eq!(reported.news(&news(0, vec![a.clone()], vec![])), [], "nothing is live yet");
        let first = reported.news(&news(1, vec![a.clone(), b], vec![]));
        assert_eq!(lines(&first), ["shop/a Sync live in revision 1", "shop/b Sync live in revision 1"]);
        assert_eq!(first[0].subject.uid, "uid-a".into());
        let second = reported.news(&news(2, vec![a, ingress("b", "/x", &[])], vec![]));
        assert_eq!(lines(&second), ["shop/b Sync live in revision 2"]);
    }

    #[test]
    fn findings_are_told_once_and_again_when_they_come_back() {
        let mut reported = Reported::default();
        let bad = || vec![finding(Code::BadHost, "a"), finding(Code::BadAnnotation, "b"), finding(Code::ServesUnknownHosts, "c")];
        let told = reported.news(&news(1, vec![], bad()));
        assert_eq!(
            lines(&told),
            [
                "shop/a BadHost spec.rules[0].host: it is odd; mend it (host left out, GW0201)",
                "shop/b AnnotationParsingFailed spec.rules[0].host: it is odd; mend it (default kept, GW0501)",
            ]
        );
        assert_eq!(reported.news(&news(2, vec![], bad())), []);
        assert_eq!(reported.news(&news(3, vec![], vec![])), []);
        assert_eq!(reported.news(&news(4, vec![], bad())).len(), 2);
    }

    #[test]
    fn one_object_with_many_mistakes_does_not_flood_the_events() {
        let many = (0..100).map(|n| {
            let mut finding = finding(Code::BadPath, "a");
            finding.diagnostic.field = format!("spec.rules[{n}]");
            finding
        });
        assert_eq!(Reported::default().news(&news(1, vec![], many.collect())).len(), FINDINGS_PER_OBJECT);
    }

    #[test]
    fn a_new_leader_tells_what_nobody_was_told() {
        let mut reported = Reported::default();
        let now = news(5, vec![ingress("old", "/", &["1.1.1.1"]), ingress("new", "/", &[])], vec![finding(Code::BadHost, "x")]);
        reported.skip(&now);
        reported.begin(&now);
        assert_eq!(lines(&reported.news(&now))[0], "shop/new Sync live in revision 5");
        assert_eq!(reported.news(&now), []);
    }

    #[test]
    fn config_maps_are_told_like_ingress_nginx_does() {
        let object = ObjectRef::new(Kind::ConfigMap, ObjectName::new("sys", "settings").unwrap());
        let subject = Subject::of(&object, "uid").unwrap();
        let mut reported = Reported::default();
        let with = |digest| News { config_maps: vec![(subject.clone(), digest)], ..News::default() };
        assert_eq!(lines(&reported.news(&with(1))), ["sys/settings CREATE ConfigMap sys/settings"]);
        assert_eq!(reported.news(&with(1)), []);
        assert_eq!(lines(&reported.news(&with(2))), ["sys/settings UPDATE ConfigMap sys/settings"]);
    }

    #[test]
    fn only_statuses_that_differ_are_written() {
        let wanted = [address("1.1.1.1"), address("2.2.2.2")];
        let served = [ingress("same", "/", &["2.2.2.2", "1.1.1.1"]), ingress("none", "/", &[]), ingress("other", "/", &["3.3.3.3"])];
        let plan = statuses(&served, &[], &wanted);
        let names: Vec<_> = plan.iter().map(|(ingress, addresses)| (ingress.meta.name.name(), addresses.len())).collect();
        assert_eq!(names, [("none", 2), ("other", 2)]);
        assert_eq!(statuses(&served, &[], &[]).len(), 2, "a pending load balancer empties the status");
    }

    #[test]
    fn cls_21_only_what_we_wrote_is_taken_back() {
        let left = [ingress("ours", "/", &["1.1.1.1"]), ingress("theirs", "/", &["9.9.9.9"]), ingress("none", "/", &[])];
        let plan = statuses(&[], &left, &[address("1.1.1.1")]);
        assert_eq!(plan.iter().map(|(ingress, to)| (ingress.meta.name.name(), to.len())).collect::<Vec<_>>(), [("ours", 0)]);
        assert_eq!(emptied(&left).len(), 2);
    }
}
