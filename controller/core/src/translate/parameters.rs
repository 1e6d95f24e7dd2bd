//! The settings of each IngressClass: the main ConfigMap, and over it what `spec.parameters` of the class names.
//!
//! A key of the parameters that is also an annotation is a default of that annotation, for every Ingress of the class. A
//! key that holds for the proxy as a whole cannot differ between classes: the main ConfigMap decides, then the first
//! class by name that is not in the hands of a namespace.

mod named;

use self::named::object_of;
use super::annotations::{self, Given, Objects, Policies};
use super::class::Classes;
use super::config::{Said, Written, closes, cut, finding, last_of, mended};
use super::fields::Fault;
use super::quarantine::asks_to_protect;
use super::{Input, Wanted, policy_names};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::model::{Globals, digest_of};
use crate::names::{HeaderName, Kind, ObjectRef, shown};
use crate::settings::{self, Config, POLICY_KEY, Policy, SnippetKey};
use crate::state::{GatewrightParameters, IngressClass, ParametersScope};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
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

/// Keys of parameters that are not for their class to decide, and why.
type Wide<'f> = BTreeMap<&'f str, &'static str>;

/// Which parameters have set a key of the proxy as a whole.
type Owners<'f> = BTreeMap<&'f str, &'f ObjectRef>;

/// The parameters of a class, as they were found.
struct Found<'a> {
    class: &'a str,
    object: ObjectRef,
    /// Without what the proxy refused.
    settings: BTreeMap<String, String>,
    policy: Option<&'a Value>,
    /// Not in the hands of a namespace: keys of the proxy as a whole may come from here.
    of_operator: bool,
    /// Some of it cannot be read, and may keep somebody out.
    closed: bool,
}

/// Reads the settings of all classes that are ours.
pub(super) fn read(input: Input<'_>, classes: &Classes<'_>, wanted: &mut Wanted, diagnostics: &mut Vec<Diagnostic>) -> ByClass {
    let mut said = Said::new();
    let written = super::config::main(input, wanted, &mut said, diagnostics);
    let ours = classes.ours(input.snapshot);
    let found: Vec<Found<'_>> = ours.filter_map(|class| find(class, input, &written.data, (wanted, &mut said), diagnostics)).collect();
    let (main, configured, configs) = configs(input, (&found, written), (wanted, &mut said), diagnostics);
    let by_class: BTreeMap<_, _> = found.iter().map(|found| found.class.into()).zip(configs).collect();
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

/// The settings of the proxy as a whole, with and without what objects say that they name, and those of each class whose parameters were found.
fn configs(
    input: Input<'_>,
    (found, Written { data: main_data, closed: all_closed }): (&[Found<'_>], Written),
    named: (&mut Wanted, &mut Said),
    diagnostics: &mut Vec<Diagnostic>,
) -> (Config, Arc<Globals>, Vec<Arc<ClassConfig>>) {
    let alone = settings::read(input.settings, &main_data).0;
    let mut reader = Reader { input, main: main_data.clone(), alone, all_closed, diagnostics };
    let wide: Vec<Wide<'_>> = found.iter().map(|found| reader.wide_keys(found)).collect();
    let (owners, closed) = reader.take_wide(found, &wide);
    super::config::say(input, &reader.main, &main_data, reader.diagnostics);
    let of_class = |(found, wide): (&Found<'_>, &Wide<'_>)| reader.of_class(found, wide, closed.contains(&found.object));
    let configs = found.iter().zip(&wide).map(of_class).collect();
    let problems = settle(input, &mut reader.alone);
    let mut main = reader.alone;
    main.closed |= all_closed;
    let configured = Arc::new(main.globals.clone());
    let object = input.settings.config_map.as_ref().map(|name| ObjectRef::new(Kind::ConfigMap, name.clone()));
    let owner = |key: &str| owners.get(key).copied().or(object.as_ref());
    super::config_objects::read(input, &mut main, owner, named, diagnostics);
    super::config_objects::snippets(input, &mut main, object.as_ref(), diagnostics);
    diagnostics.extend(object.iter().flat_map(|object| problems.iter().map(|problem| finding(object, problem))));
    (main, configured, configs)
}

/// Settles the names of policies. One that cannot be settled closes every route.
fn settle(input: Input<'_>, config: &mut Config) -> Vec<settings::Problem> {
    let policies = std::mem::take(&mut config.policies).into_iter();
    let settled = policies.map(|policy| policy_names::settled(policy, &input.settings.annotations_prefix));
    settled.filter_map(|policy| config.add_policy(policy).err()).collect()
}

/// Where the parameters of a class are; says what keeps them from being used.
fn find<'a>(
    class: &'a IngressClass,
    input: Input<'a>,
    main: &BTreeMap<String, String>,
    (wanted, said): (&mut Wanted, &mut Said),
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Found<'a>> {
    let own = || ObjectRef::new(Kind::IngressClass, class.meta.name.clone());
    if let Some(field) = &class.cut_at {
        diagnostics.push(cut(own(), field));
        let class = class.meta.name.name();
        return Some(Found { class, object: own(), settings: BTreeMap::new(), policy: None, of_operator: false, closed: true });
    }
    let given = class.parameters.as_ref()?;
    let of_operator = given.scope == ParametersScope::Cluster;
    let found = object_of(given, input).and_then(|object| {
        let class = class.meta.name.name();
        let Some((written, policy)) = written_of(&object, &own(), input, wanted, diagnostics)? else { return Ok(None) };
        let Written { data: settings, closed } = mended(input, &object, written, main, said, diagnostics);
        Ok(Some(Found { class, object, settings, policy, of_operator, closed }))
    });
    found.map_err(|fault| diagnostics.push(fault.at("spec.parameters", &own()))).ok().flatten()
}

/// What is written in an object that a class names, or was when it was read last; `None`: it may not be read, and never was.
/// The error: there is none.
fn written_of<'a>(
    object: &ObjectRef,
    class: &ObjectRef,
    input: Input<'a>,
    wanted: &mut Wanted,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Option<(Written, Option<&'a Value>)>, Fault> {
    let (there, is_forbidden) = (there(object, input, wanted, diagnostics), input.settings.forbidden.contains(object));
    let mut say = |fault: Fault, outcome| diagnostics.push(fault.at("spec.parameters", class).outcome(outcome));
    if let Some(There { settings, policy, closed }) = there {
        if is_forbidden {
            say(forbidden(object, true), Outcome::Quarantined);
        }
        let (data, policy) = with_policy(settings, policy);
        return Ok(Some((Written { data, closed }, policy)));
    }
    let last = last_of(input, object);
    if is_forbidden {
        // Of one that said nothing, that is known.
        let last = last.or_else(|| input.quarantine.accepted_settings_of(object).map(|_| Written::default()));
        say(forbidden(object, last.is_some()), if last.is_some() { Outcome::Quarantined } else { Outcome::Served });
        return Ok(last.map(|last| (last, None)));
    }
    let missing = |instead| {
        let message = format!("{object} does not exist; {instead}");
        Fault::new(Code::NoParameters, "", message, "create it; it is used as soon as it is there")
    };
    let Some(last) = last else { return Err(missing("the class is served without it")) };
    say(missing("what it said last still counts"), Outcome::Quarantined);
    Ok(Some((last, None)))
}

/// The API server does not tell what a class names. That is no reason to forget what it has told before.
fn forbidden(object: &ObjectRef, is_known: bool) -> Fault {
    let message = if is_known {
        format!("{object} may not be read any more; what it said last still counts")
    } else {
        format!("{object} may not be read; the class is served without it")
    };
    Fault::new(Code::Forbidden, "", message, "grant the verbs list and watch on it, or name another")
}

/// Settings with the policy beside them as one of them, so that it is remembered and kept as they are; where there is one of
/// both kinds, the other stays where it is.
fn with_policy<'a>(settings: &BTreeMap<String, String>, policy: Option<&'a Value>) -> (BTreeMap<String, String>, Option<&'a Value>) {
    let mut data = settings.clone();
    match policy {
        Some(policy) if !data.contains_key(POLICY_KEY) => {
            data.insert(POLICY_KEY.to_owned(), policy.to_string());
            (data, None)
        }
        policy => (data, policy),
    }
}

/// What an object says that a class names.
struct There<'a> {
    settings: &'a BTreeMap<String, String>,
    policy: Option<&'a Value>,
    /// Some of it cannot be read, and may keep somebody out.
    closed: bool,
}

/// Looks for an object that a class names.
fn there<'a>(object: &ObjectRef, input: Input<'a>, wanted: &mut Wanted, diagnostics: &mut Vec<Diagnostic>) -> Option<There<'a>> {
    let name = &object.name;
    if object.kind == Kind::ConfigMap {
        wanted.config_maps.insert(name.clone());
        wanted.settings.insert(name.clone());
        let map = input.snapshot.config_map(name)?;
        return Some(There { settings: &map.data, policy: None, closed: closes(map, diagnostics) });
    }
    wanted.parameters.insert(name.clone());
    let own = input.snapshot.parameters_of(name)?;
    diagnostics.extend(own.cut_at.as_ref().map(|field| cut(object.clone(), field)));
    Some(There { settings: &own.settings, policy: own.policy.as_ref(), closed: own.cut_at.is_some() })
}

/// What holds for the proxy as a whole, and the objects that say more of it; and whether namespaces share theirs, which is
/// for none of them to say.
fn wide(config: &Config) -> impl PartialEq {
    (&config.globals, &config.request_headers_from, &config.response_headers_from, &config.dh_params_from, config.shares_objects)
}

/// Why a class lets its Ingresses do more than the main ConfigMap does, which is for no namespace to say: what it may do
/// itself is decided there. A snippet of the class stands in place of the main one, so none can add to that: what is added could
/// undo what is there, such as a header, or who is kept out.
fn looser(class: &Config, main: &Config) -> Option<&'static str> {
    let is_applied = |(key, text): (&SnippetKey, &String)| class.snippets.get(key) == Some(text);
    let is_allowed = |header: &HeaderName| main.allowed_response_headers.contains(header);
    let does_more = class.risk_level > main.risk_level
        || (class.reads_snippets && !main.reads_snippets)
        || (main.snippets_unknown && !class.snippets_unknown)
        || (main.strict_path_types && !class.strict_path_types)
        || !main.word_blocklist.iter().all(|word| class.word_blocklist.contains(word))
        || !class.allowed_response_headers.iter().all(is_allowed);
    if does_more {
        return Some("would let Ingresses do more than the main ConfigMap does");
    }
    (!main.snippets.iter().all(is_applied)).then_some("would stand in place of the directives that the main ConfigMap has in this key")
}

/// Reads the data of classes over that of the main ConfigMap.
struct Reader<'a, 'd> {
    input: Input<'a>,
    /// The main ConfigMap, with the keys of the proxy as a whole that classes add.
    main: BTreeMap<String, String>,
    /// What `main` says.
    alone: Config,
    /// The main ConfigMap closes every route.
    all_closed: bool,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl Reader<'_, '_> {
    fn over_main(&self, data: &BTreeMap<String, String>) -> (Config, Vec<settings::Problem>) {
        let mut all = self.main.clone();
        // Policies add up; no class gets rid of the main one.
        all.extend(data.iter().filter(|(key, _)| *key != POLICY_KEY).map(|(key, value)| (key.clone(), value.clone())));
        let (config, mut problems) = settings::read(self.input.settings, &all);
        problems.retain(|problem| problem.key != POLICY_KEY && data.contains_key(&problem.key));
        (config, problems)
    }

    /// The keys of these parameters that are not for the class to decide, and why.
    fn wide_keys<'f>(&self, found: &'f Found<'_>) -> Wide<'f> {
        let why = |key: &str, value: &str| {
            let one = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            let one = self.over_main(&one).0;
            if annotations::key(key).is_none() && wide(&one) != wide(&self.alone) {
                return Some("holds for the proxy as a whole");
            }
            if found.of_operator { None } else { looser(&one, &self.alone) }
        };
        found.settings.iter().filter_map(|(key, value)| Some((key.as_str(), why(key, value)?))).collect()
    }

    /// Takes keys of the proxy as a whole where nobody has set them yet, and says where they are not taken.
    /// The answer is who has set which, and whose protections are not taken: their classes are closed.
    fn take_wide<'f>(&mut self, found: &'f [Found<'_>], wide: &[Wide<'f>]) -> (Owners<'f>, BTreeSet<ObjectRef>) {
        let mut closed = BTreeSet::new();
        let mut owners = Owners::new();
        for (found, keys) in found.iter().zip(wide) {
            for (key, why) in keys.iter().map(|(key, why)| (*key, *why)) {
                let value = &found.settings[key];
                let reason = match owners.get(key) {
                    Some(owner) if self.main.get(key) != Some(value) => format!("{owner} decides it"),
                    Some(_) => continue,
                    None if self.main.contains_key(key) => "the main ConfigMap decides it".to_owned(),
                    None if !found.of_operator => "parameters in the hands of a namespace cannot decide it".to_owned(),
                    None => {
                        owners.insert(key, &found.object);
                        self.main.insert(key.to_owned(), value.clone());
                        continue;
                    }
                };
                let message = format!("{key} {why}; {reason}");
                let protects = asks_to_protect(key, value);
                let code = if protects { Code::UnsupportedProtection } else { Code::UnsupportedSetting };
                self.say(&found.object, code, key, message, "set it in the main ConfigMap");
                if protects {
                    closed.insert(found.object.clone());
                }
            }
        }
        self.alone = settings::read(self.input.settings, &self.main).0;
        (owners, closed)
    }

    fn say(&mut self, object: &ObjectRef, code: Code, key: &str, message: String, help: &str) {
        self.diagnostics.push(Diagnostic::new(code, object.clone(), super::config::field(object.kind, key), message).help(help));
    }

    fn of_class(&mut self, found: &Found<'_>, wide: &Wide<'_>, closed: bool) -> Arc<ClassConfig> {
        let data: BTreeMap<String, String> =
            found.settings.iter().filter(|(key, _)| !wide.contains_key(key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect();
        let (mut config, problems) = self.over_main(&data);
        config.closed |= closed || found.closed || self.all_closed;
        // What the main ConfigMap says of them is said there.
        let own = data.keys().any(|key| SnippetKey::ALL.iter().any(|own| own.as_str() == key)).then_some(&found.object);
        super::config_objects::snippets(self.input, &mut config, own, self.diagnostics);
        self.diagnostics.extend(problems.iter().map(|problem| finding(&found.object, problem)));
        // What is wrong with those of the main ConfigMap is said there.
        let _ = settle(self.input, &mut config);
        let policies = found.policy.map(Policy::read).into_iter().chain(data.get(POLICY_KEY).map(|text| Policy::parse(text)));
        let prefix = &self.input.settings.annotations_prefix;
        let policies = policies.map(|read| read.and_then(|policy| policy_names::settled(policy, prefix)));
        let bad = policies.filter_map(|policy| config.add_policy(policy).err());
        self.diagnostics.extend(bad.map(|problem| finding(&found.object, &problem)));
        let is_default = |key: &str, value: &str| {
            let one = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            annotations::key(key).is_some() && self.over_main(&one).0.globals != self.alone.globals
        };
        let prefix = &self.input.settings.annotations_prefix;
        let good = data.iter().filter(|(key, value)| !problems.iter().any(|p| p.key == **key) && is_default(key, value));
        let defaults = good.map(|(key, value)| (format!("{prefix}/{key}").into(), value.as_str().into())).collect();
        let mut defaults = self.usable(defaults, &config, found);
        if !found.of_operator {
            self.bound(&mut defaults, &config, found);
        }
        ClassConfig::new(config, defaults)
    }

    /// What is in the hands of a namespace keeps to the limits of policies, as its Ingresses do.
    fn bound(&mut self, defaults: &mut Defaults, config: &Config, found: &Found<'_>) {
        let prefix = format!("{}/", self.input.settings.annotations_prefix);
        for policy in &config.policies {
            for (name, value) in defaults.iter_mut() {
                let key = name.strip_prefix(&prefix).unwrap_or(name);
                let Some(limit) = policy.limits.get(key).filter(|limit| annotations::exceeds(key, value, limit)) else { continue };
                let message = format!("{key}: {} is above the limit of {}, which is used", shown(value), limit.text);
                let field = super::config::field(found.object.kind, key);
                let finding = Diagnostic::new(Code::AgainstPolicy, found.object.clone(), field, message).outcome(Outcome::KeptDefault);
                if policy.report_only {
                    self.diagnostics.push(finding.only_reported());
                } else {
                    self.diagnostics.push(finding.help(annotations::ASK));
                    *value = limit.value.to_string().into();
                }
            }
        }
    }

    /// The defaults that the annotations of their names take; the others are said once, and not on every Ingress.
    fn usable(&mut self, defaults: Defaults, config: &Config, found: &Found<'_>) -> Defaults {
        if self.faults(&defaults, config, found).is_empty() {
            return defaults;
        }
        let prefix = format!("{}/", self.input.settings.annotations_prefix);
        let mut usable = Defaults::new();
        for (name, value) in defaults {
            let one = Defaults::from([(name.clone(), value.clone())]);
            let faults = self.faults(&one, config, found);
            let key = name.strip_prefix(&prefix).unwrap_or(&name).to_owned();
            if let Some(fault) = faults.into_iter().next() {
                self.say(&found.object, Code::BadSetting, &key, fault.message, &fault.help);
            } else {
                usable.insert(name, value);
            }
        }
        usable
    }

    fn faults(&self, defaults: &Defaults, config: &Config, found: &Found<'_>) -> Vec<Diagnostic> {
        let Input { snapshot, settings, .. } = self.input;
        let given = Given::new(&settings.annotations_prefix, found.object.name.namespace(), defaults, Objects::new(snapshot));
        annotations::read(given, (config, &Arc::new(Policies::of(config))), settings, &found.object).diagnostics
    }
}
