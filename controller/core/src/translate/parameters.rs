//! The settings of each IngressClass: the main ConfigMap, and over it what `spec.parameters` of the class names.
//!
//! A key of the parameters that is also an annotation is a default of that annotation, for every Ingress of the class. A
//! key that holds for the proxy as a whole cannot differ between classes: the main ConfigMap decides, then the first
//! class by name that is not in the hands of a namespace.

mod found;
mod named;
mod overlay;

use super::annotations::Policies;
use super::class::Classes;
use super::config::{Said, Written, cut, finding};
use super::{Input, Wanted, policy_names};
use crate::diagnostic::Diagnostic;
use crate::model::{Globals, digest_of};
use crate::names::{Kind, ObjectRef};
use crate::settings::{self, Config};
use crate::state::GatewrightParameters;
use found::{Found, find};
use overlay::{Overlay, Wide};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Annotations that an Ingress has unless it says otherwise, by full name.
pub(super) type Defaults = BTreeMap<Box<str>, Box<str>>;

/// What the operator asked for, for the Ingresses of one class.
#[derive(Debug)]
pub(super) struct ClassConfig {
    pub(super) config: Config,
    pub(super) defaults: Defaults,
    /// What holds for an Ingress without annotations.
    pub(super) plain: Arc<Policies>,
    pub(super) digest: u128,
}

impl ClassConfig {
    fn new(config: Config, defaults: Defaults) -> Arc<Self> {
        let digest = digest_of(&(&config, &defaults));
        let plain = Arc::new(Policies::of(&config));
        Arc::new(Self { config, defaults, plain, digest })
    }
}

/// The settings of every class.
#[derive(Debug)]
pub(super) struct ByClass {
    /// Of Ingresses whose class says nothing, and of the proxy as a whole.
    pub(super) main: Arc<ClassConfig>,
    classes: BTreeMap<Box<str>, Arc<ClassConfig>>,
    /// What was said of them by whom, without what the proxy refused.
    pub(super) said: Said,
    /// The objects that classes name, by class.
    pub(super) objects: BTreeMap<Box<str>, ObjectRef>,
    /// What settings ask for the proxy as a whole, without the objects that they name.
    pub(super) configured: Arc<Globals>,
    /// Hash of all of them.
    pub(super) digest: u128,
}

impl ByClass {
    /// The settings of a class; `None`: an Ingress without one.
    pub(super) fn of(&self, class: Option<&str>) -> &Arc<ClassConfig> {
        class.and_then(|class| self.classes.get(class)).unwrap_or(&self.main)
    }
}

/// Reads the settings of all classes that are ours.
pub(super) fn read(input: Input<'_>, classes: &Classes<'_>, wanted: &mut Wanted, diagnostics: &mut Vec<Diagnostic>) -> ByClass {
    let mut said = Said::new();
    let written = super::config::main(input, wanted, &mut said, diagnostics);
    let ours = classes.ours(input.snapshot);
    let found: Vec<Found<'_>> = ours.filter_map(|class| find(class, input, &written.data, (wanted, &mut said), diagnostics)).collect();
    let Configs { main, configured, of_classes } = configs(input, (&found, written), (wanted, &mut said), diagnostics);
    let by_class: BTreeMap<_, _> = found.iter().map(|found| found.class.into()).zip(of_classes).collect();
    let objects = found.iter().map(|found| (found.class.into(), found.object.clone())).collect();
    let main = ClassConfig::new(main, Defaults::new());
    let digests: Vec<_> = by_class.iter().map(|(name, config)| (name, config.digest)).collect();
    let digest = digest_of(&(main.digest, digests));
    ByClass { main, classes: by_class, said, objects, configured, digest }
}

/// What is wrong with parameters that no class names, as if one of the operator's did.
#[must_use]
pub fn unnamed(input: Input<'_>, parameters: &GatewrightParameters) -> Vec<Diagnostic> {
    let object = ObjectRef::new(Kind::GatewrightParameters, parameters.meta.name.clone());
    let (mut wanted, mut said, mut diagnostics) = (Wanted::default(), Said::new(), Vec::new());
    let written = super::config::main(input, &mut wanted, &mut said, &mut diagnostics);
    let (settings, policy) = (parameters.settings.clone(), parameters.policy.as_ref());
    let closed = parameters.cut_at.is_some();
    diagnostics.extend(parameters.cut_at.as_ref().map(|field| cut(object.clone(), field)));
    let found = Found { class: "", object: object.clone(), settings, policy, of_operator: true, closed };
    let _ = configs(input, (&[found], written), (&mut wanted, &mut said), &mut diagnostics);
    // The rest is said without these parameters, too.
    diagnostics.retain(|finding| finding.object.as_ref() == Some(&object));
    diagnostics
}

/// What the settings of all objects together come to.
struct Configs {
    /// For Ingresses whose class says nothing, and for the proxy as a whole.
    main: Config,
    /// Of the latter, what does not come from objects that settings name.
    configured: Arc<Globals>,
    /// Of each class whose parameters were found, in the order of these.
    of_classes: Vec<Arc<ClassConfig>>,
}

fn configs(
    input: Input<'_>,
    (found, Written { data: main_data, closed: all_closed }): (&[Found<'_>], Written),
    named: (&mut Wanted, &mut Said),
    diagnostics: &mut Vec<Diagnostic>,
) -> Configs {
    let alone = settings::read(input.settings, &main_data).0;
    let mut overlay = Overlay { input, main: main_data.clone(), alone, all_closed, diagnostics };
    let wide: Vec<Wide<'_>> = found.iter().map(|found| overlay.wide_keys(found)).collect();
    let (owners, closed) = overlay.take_wide(found, &wide);
    super::config::say(input, &overlay.main, &main_data, overlay.diagnostics);
    let of_class = |(found, wide): (&Found<'_>, &Wide<'_>)| overlay.of_class(found, wide, closed.contains(&found.object));
    let of_classes = found.iter().zip(&wide).map(of_class).collect();
    let problems = settle(input, &mut overlay.alone);
    let mut main = overlay.alone;
    main.closed |= all_closed;
    let configured = Arc::new(main.globals.clone());
    let object = input.settings.config_map.as_ref().map(|name| ObjectRef::new(Kind::ConfigMap, name.clone()));
    let owner = |key: &str| owners.get(key).copied().or(object.as_ref());
    super::config_objects::read(input, &mut main, owner, named, diagnostics);
    super::config_objects::snippets(input, &mut main, object.as_ref(), diagnostics);
    diagnostics.extend(object.iter().flat_map(|object| problems.iter().map(|problem| finding(object, problem))));
    Configs { main, configured, of_classes }
}

/// Settles the names of policies. One that cannot be settled closes every route.
fn settle(input: Input<'_>, config: &mut Config) -> Vec<settings::Problem> {
    let policies = std::mem::take(&mut config.policies).into_iter();
    let settled = policies.map(|policy| policy_names::settled(policy, &input.settings.annotations_prefix));
    settled.filter_map(|policy| config.add_policy(policy).err()).collect()
}
