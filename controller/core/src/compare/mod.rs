//! What two inputs do differently with traffic: hosts, routes, certificates, policies, endpoints, settings.
//!
//! Only meaning is compared; how it is spelt in manifests or in a proxy's files does not matter here.

mod facts;
mod hosts;
mod openness;
mod policies;

use crate::model::{Backend, Model};
use crate::names::ObjectRef;
use crate::state::Ingress;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One of two inputs, translated.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// What the proxy shall do.
    pub model: &'a Model,
    /// The Ingresses that are served.
    pub served: &'a [Arc<Ingress>],
    /// The data of the main ConfigMap.
    pub config: &'a BTreeMap<String, String>,
}

/// What kind of thing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A virtual host.
    Host,
    /// Request paths of a host.
    Route,
    /// What a host's handshakes are answered with.
    Certificate,
    /// An annotation of an Ingress whose routes are there before and after.
    Policy,
    /// The endpoints of a backend.
    Backend,
    /// A key of the main ConfigMap.
    Setting,
}

/// How it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It was not there before.
    Added,
    /// It is not there afterwards.
    Removed,
    /// It is another.
    Changed,
}

/// What a change means for who may reach what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// More requests get through than before.
    Opens,
    /// Fewer requests get through than before.
    Closes,
    /// A protection is another one; nobody but a person can tell.
    Unclear,
}

/// One change. Texts are one line each, escaped and short.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// What changes.
    pub subject: Subject,
    /// The hosts that it concerns, `_` for unknown ones; empty when it concerns all, or none directly.
    pub hosts: Vec<String>,
    /// Path, annotation, backend or key.
    pub name: String,
    /// How it changes.
    pub kind: Kind,
    /// What was; empty when nothing was.
    pub from: String,
    /// What is; empty when nothing is.
    pub to: String,
    /// Who asked for what is, or, if nothing is, for what was.
    pub by: Option<ObjectRef>,
    /// What it means for who may reach what.
    pub effect: Option<Effect>,
}

/// Compares two inputs. Sorted by subject, then host and name; equal inputs give nothing.
#[must_use]
pub fn compare(old: Side<'_>, new: Side<'_>, annotations_prefix: &str) -> Vec<Change> {
    let mut changes = hosts::compare(old, new, annotations_prefix);
    changes.extend(backends(old.model, new.model));
    changes.extend(policies::settings(old.config, new.config));
    changes.sort();
    changes
}

/// Endpoints of backends that are there before and after; that a backend comes or goes shows in the routes to it.
fn backends(old: &Model, new: &Model) -> Vec<Change> {
    let both = old.backends.iter().filter_map(|(id, old)| Some((id, old, new.backends.get(id)?)));
    let there = |backend: &Backend| !backend.endpoints.is_empty();
    let changed = both.filter(|(_, old, new)| old.endpoints != new.endpoints && there(old) && there(new));
    let change = |(id, old, new): (&crate::model::BackendId, &Arc<_>, &Arc<_>)| Change {
        subject: Subject::Backend,
        hosts: Vec::new(),
        name: id.to_string(),
        kind: Kind::Changed,
        from: facts::endpoints(old),
        to: facts::endpoints(new),
        by: None,
        effect: None,
    };
    changed.map(change).collect()
}
