//! What two inputs do differently with traffic: hosts, routes, certificates, policies, endpoints, settings.
//!
//! Only meaning is compared; how it is spelt in manifests or in a proxy's files does not matter here.

mod backends;
mod classes;
mod facts;
mod guards;
mod host_pair;
mod hosts;
mod openness;
mod others;
mod parts;
mod policies;
mod ports;
mod routes;
mod services;
mod serving;
mod settings;
mod shape;
mod texts;

use crate::model::{Credentials, Model};
use crate::names::ObjectRef;
use crate::settings::Settings as Flags;
use crate::state::Snapshot;
use crate::translate::Translation;
use serde::Serialize;

/// One of two inputs, translated.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The result of translating [`Side::snapshot`].
    pub translation: &'a Translation,
    /// The objects that were translated.
    pub snapshot: &'a Snapshot,
    /// What the flags ask for.
    pub settings: &'a Flags,
}

impl<'a> Side<'a> {
    const fn model(self) -> &'a Model {
        &self.translation.model
    }
}

/// What kind of thing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A virtual host, or how its paths are taken.
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
    /// The endpoints of a backend, or to whom a Service leads.
    Backend,
    /// A port that is forwarded as it is.
    Stream,
    /// A host whose TLS connections are passed on as they are.
    Passthrough,
    /// An IngressClass.
    Class,
    /// A key of the main ConfigMap or of the parameters of a class, or what else holds for the proxy as a whole.
    Setting,
}

/// What kind of change it is.
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
    /// Path, annotation, backend, port, user, class or key.
    pub name: String,
    /// What kind of change it is.
    pub kind: Kind,
    /// What was; empty when nothing was.
    pub from: String,
    /// What is; empty when nothing is.
    pub to: String,
    /// Who asked for what is, or, if nothing is, for what was.
    pub by: Option<ObjectRef>,
    /// Whether access becomes wider or narrower by it; `None`: it has nothing to do with access.
    pub effect: Option<Effect>,
}

/// Compares two inputs. Sorted by subject, then host and name; equal inputs give nothing.
#[must_use]
pub fn compare(old: Side<'_>, new: Side<'_>) -> Vec<Change> {
    let settings = settings::Settings::new(old, new);
    let services = services::Services::new(old.snapshot, new.snapshot);
    let hosts::Compared { mut changes, renamed } = hosts::compare(old, new, (&settings, &services), &new.settings.annotations_prefix);
    let before = old.model();
    // Without `..`, so that no part of the model is forgotten; hosts are compared above, with their certificates and users, and
    // what holds for the proxy as a whole with the settings.
    let Model { globals: _, hosts: _, backends: _, certificates: _, streams, passthrough: _, credentials, default_certificate: _ } =
        new.model();
    let of_settings = settings.changes();
    changes.extend(settings.behind(&of_settings));
    changes.extend(of_settings);
    changes.extend(classes::compare(old, new));
    changes.extend(services::compare(old, new));
    changes.extend(backends::compare(before, new.model(), &renamed, &services));
    changes.extend(ports::streams(&before.streams, streams, &services));
    changes.extend(ports::passthrough(before, new.model(), &services));
    // Authorities and identities go by their content, which hosts and backends name.
    let Credentials { accounts, authorities: _, identities: _ } = credentials;
    changes.extend(others::users(&before.credentials.accounts, accounts, new.model()));
    changes.extend(others::default_certificate(before, new.model()));
    changes.sort();
    // Endpoints of a Service may be those of several backends.
    changes.dedup();
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
