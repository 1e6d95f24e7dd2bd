//! What the cluster says → what the proxy shall do, and what was wrong with it.
//!
//! ```text
//! parameters  the main ConfigMap, and what classes name        → ByClass
//! reading     one Ingress: hosts, paths, annotations           → Reading      kept by content hash
//! tls         readings of one host, Secrets                    → certificate  kept by identity
//! hosts       readings of one host, backends, certificates     → Host         kept by identity or content hash
//! backends    Service ports                                    → Backend      kept by content hash
//! ```
//!
//! What is kept from the time before is kept by a hash of all that it was made from, or together with all of it, so that
//! dropping it costs time and nothing else. Each step hands on which of its results are others than before, by host; the
//! next one looks at these, and at those of which something else has changed that they are made from.

pub mod admission;
mod agreement;
pub mod annotations;
mod backends;
mod claims;
mod class;
mod config;
mod config_objects;
mod credentials;
mod endpoints;
mod fields;
mod forbidden;
mod further_names;
mod groups;
mod host_policy;
mod hosts;
mod in_use;
pub mod left_out;
mod parameters;
mod passthrough;
mod paths;
mod permits;
mod policy_names;
mod quarantine;
mod reading;
mod readings;
mod screen;
mod servers;
mod stand_in;
mod streams;
mod tls;
mod wishes;

pub use class::{is_own_class, nearest_class};
pub use fields::refused_by_api;
pub use parameters::unnamed as unnamed_parameters;
pub use quarantine::{Quarantine, Setting};
pub use screen::in_scope;

use crate::cores::Cores;
use crate::diagnostic::Diagnostic;
use crate::model::{Certificate, Credentials, Globals, Model};
use crate::names::{ObjectName, ObjectRef};
use crate::settings::Settings;
use crate::state::{Ingress, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All that translation looks at.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// What the cluster says.
    pub snapshot: &'a Snapshot,
    /// What the operator asked for on the command line.
    pub settings: &'a Settings,
    /// Ingresses and settings that the proxy refused.
    pub quarantine: &'a Quarantine,
    /// Certificate for handshakes that no host claims, when none is configured.
    pub self_signed: &'a Arc<Certificate>,
    /// The time, in seconds since 1970: certificates that end soon are reported.
    pub now_s: i64,
}

/// What translation gives.
#[derive(Debug, Clone)]
pub struct Translation {
    /// What the proxy shall do.
    pub model: Model,
    /// What was wrong, sorted, without duplicates.
    pub diagnostics: Vec<Diagnostic>,
    /// What else has to be known to translate completely.
    pub wanted: Wanted,
    /// The Ingresses that are served, oldest first; quarantined ones in the version that is served.
    pub served: Arc<[Arc<Ingress>]>,
    /// The settings that hold, by the object that says them: the main ConfigMap, and the parameters of classes.
    pub settings: BTreeMap<ObjectRef, BTreeMap<String, String>>,
    /// The parameters of classes that name some which are there, by class.
    pub parameters: BTreeMap<Box<str>, ObjectRef>,
    /// What settings ask for the proxy as a whole, without what the objects say that they name.
    pub configured: Arc<Globals>,
}

/// Objects and names that some object refers to. Sources that do not give everything give these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Secrets with key pairs.
    pub secrets: Arc<BTreeSet<ObjectName>>,
    /// ConfigMaps that settings or Ingresses name.
    pub config_maps: BTreeSet<ObjectName>,
    /// The ConfigMaps among [`Wanted::config_maps`] that hold settings: of all routes, or of those of a class.
    pub settings: BTreeSet<ObjectName>,
    /// GatewrightParameters of IngressClasses.
    pub parameters: BTreeSet<ObjectName>,
    /// DNS names of Services of type ExternalName.
    pub dns_names: BTreeSet<Box<str>>,
}

impl Wanted {
    /// Whether the other one holds all the objects of this one.
    #[must_use]
    pub fn is_part_of(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.secrets, &other.secrets) || self.secrets.is_subset(&other.secrets))
            && self.config_maps.is_subset(&other.config_maps)
            && self.parameters.is_subset(&other.parameters)
    }
}

/// Translates, and remembers what it can use again.
#[derive(Debug, Default)]
pub struct Translator {
    readings: readings::Readings,
    wishes: wishes::Wishes,
    claims: claims::Claims,
    certificates: tls::Decided,
    backends: backends::Memo,
    hosts: hosts::Built,
}

impl Translator {
    /// Reads Ingresses on so many cores.
    #[must_use]
    pub fn on(self, cores: Cores) -> Self {
        Self { readings: self.readings.on(cores), ..self }
    }

    /// Translates everything.
    ///
    /// Total and deterministic: a broken object yields a diagnostic and nothing else, and equal inputs give equal
    /// results, whatever was translated before.
    pub fn translate(&mut self, input: Input<'_>) -> Translation {
        let mut wanted = Wanted::default();
        let mut diagnostics = Vec::new();
        let classes = class::Classes::new(input.snapshot, input.settings);
        endpoints::strays(input, &mut diagnostics);
        let by_class = parameters::read(input, &classes, &mut wanted, &mut diagnostics);
        let config = &by_class.main.config;
        let streams = streams::read(input, config, &mut wanted, &mut diagnostics);
        let change = self.readings.update(input, (&classes, &by_class), &mut wanted, &mut diagnostics);
        self.wishes.update(&change);
        let mut touched = self.claims.update(&change);
        self.claims.update_shut(self.readings.shut(), &mut touched);
        self.claims.say_unused_defaults(&mut diagnostics);
        let recertified = self.certificates.update(input, &self.claims, &touched, &mut diagnostics);
        let Self { readings, wishes, claims, certificates: decided, backends, hosts } = self;
        let (claims, certificates) = (&*claims, decided.certificates(input));
        let agreement = agree(input.settings, readings, claims, wishes, &mut diagnostics);
        let (passthrough_port, passthrough) = passthrough::decide(input, config, (claims, wishes.passthrough > 0), &mut diagnostics);
        let mut backends = backends.begin(input, config);
        let names = further_names::decide(&input.settings.annotations_prefix, (claims, wishes.names > 0), certificates, &mut diagnostics);
        let world = hosts::World { config, settings: input.settings, certificates, names: &names, agreement: &agreement };
        let touched = hosts::Touched { claims: &touched, certificates: &recertified };
        let hosts = hosts.update(world, claims, touched, &mut backends, &mut diagnostics);
        let mut globals = config.globals.clone();
        globals.default_backend = backends.default_backend(&mut diagnostics);
        globals.listeners.passthrough_port = passthrough_port;
        let backends = backends.finish(&mut wanted.dns_names);
        let credentials = if wishes.credentials > 0 { credentials::of(readings, input, &mut diagnostics) } else { Credentials::default() };
        let default_certificate;
        (default_certificate, wanted.secrets) = self.certificates.finish(&wanted.secrets);
        Translation {
            model: Model {
                globals: Arc::new(globals),
                hosts,
                backends,
                certificates: self.certificates.used(),
                streams,
                passthrough,
                credentials,
                default_certificate,
            },
            diagnostics: sorted(diagnostics),
            wanted,
            served: self.readings.served(),
            settings: by_class.said,
            parameters: by_class.objects,
            configured: by_class.configured,
        }
    }
}

/// What holds for whole Service ports.
fn agree<'a>(
    settings: &Settings,
    readings: &'a readings::Readings,
    claims: &'a claims::Claims,
    wishes: &wishes::Wishes,
    diagnostics: &mut Vec<Diagnostic>,
) -> agreement::Agreement<'a> {
    if wishes.agreement == 0 {
        return agreement::Agreement::default();
    }
    let readings: Vec<_> = readings.iter().collect();
    agreement::Agreement::of(&settings.annotations_prefix, &readings, claims, diagnostics)
}

fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_unstable();
    diagnostics.dedup();
    diagnostics
}
