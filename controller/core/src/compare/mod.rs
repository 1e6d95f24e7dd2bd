//! What two inputs do differently with traffic: hosts, routes, certificates, policies, endpoints, settings.
//!
//! Only meaning is compared; how it is spelt in manifests or in a proxy's files does not matter here.

mod backends;
mod facts;
mod hosts;
mod openness;
mod others;
mod parts;
mod policies;
mod ports;

use crate::model::{Credentials, Globals, Model};
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
    /// What that alone asks for the proxy as a whole.
    pub configured: &'a Globals,
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
    /// An annotation of an Ingress whose routes are there before and after, or what stands behind it.
    Policy,
    /// Requests of a route that go elsewhere.
    Canary,
    /// A user that may log in.
    User,
    /// The endpoints of a backend.
    Backend,
    /// A port that is forwarded as it is.
    Stream,
    /// A host whose TLS connections are passed on as they are.
    Passthrough,
    /// A key of the main ConfigMap, or what else holds for the proxy as a whole.
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
    /// Path, annotation, backend, port, user or key.
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
    let hosts::Compared { mut changes, renamed } = hosts::compare(old, new, annotations_prefix);
    // Without `..`, so that no part of the model is forgotten; hosts are compared above, with their certificates and users.
    let Model { globals: _, hosts: _, backends: _, certificates: _, streams, passthrough, credentials, default_certificate: _ } = new.model;
    changes.extend(others::globals(old, new));
    changes.extend(backends::compare(old.model, new.model, &renamed));
    changes.extend(ports::streams(&old.model.streams, streams));
    changes.extend(ports::passthrough(&old.model.passthrough, passthrough));
    // Authorities and identities go by their content, which hosts and backends name.
    let Credentials { accounts, authorities: _, identities: _ } = credentials;
    changes.extend(others::users(&old.model.credentials.accounts, accounts, new.model));
    changes.extend(others::default_certificate(old.model, new.model));
    changes.extend(policies::settings(old.config, new.config));
    changes.sort();
    changes
}

/// How something changes that was and is described so.
const fn kind_of(from: &str, to: &str) -> Kind {
    match (from.is_empty(), to.is_empty()) {
        (true, _) => Kind::Added,
        (_, true) => Kind::Removed,
        _ => Kind::Changed,
    }
}
