//! The settings of a class laid over those of the main ConfigMap, and which of them it may not decide.

use super::found::Found;
use super::{ClassConfig, Defaults, settle};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::names::{HeaderName, ObjectRef, shown};
use crate::settings::{self, Config, POLICY_KEY, Policy, SnippetKey};
use crate::translate::annotations::{self, Given, Objects, Policies};
use crate::translate::config::{self, finding};
use crate::translate::quarantine::asks_to_protect;
use crate::translate::{Input, config_objects, policy_names};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Keys of parameters that are not for their class to decide, and why.
pub(super) type Wide<'f> = BTreeMap<&'f str, &'static str>;

/// Which parameters have set a key of the proxy as a whole.
pub(super) type Owners<'f> = BTreeMap<&'f str, &'f ObjectRef>;

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
pub(super) struct Overlay<'a, 'd> {
    pub(super) input: Input<'a>,
    /// The main ConfigMap, with the keys of the proxy as a whole that classes add.
    pub(super) main: BTreeMap<String, String>,
    /// What `main` says.
    pub(super) alone: Config,
    /// The main ConfigMap closes every route.
    pub(super) all_closed: bool,
    pub(super) diagnostics: &'d mut Vec<Diagnostic>,
}

impl Overlay<'_, '_> {
    fn over_main(&self, data: &BTreeMap<String, String>) -> (Config, Vec<settings::Problem>) {
        let mut all = self.main.clone();
        // Policies add up; no class gets rid of the main one.
        all.extend(data.iter().filter(|(key, _)| *key != POLICY_KEY).map(|(key, value)| (key.clone(), value.clone())));
        let (config, mut problems) = settings::read(self.input.settings, &all);
        problems.retain(|problem| problem.key != POLICY_KEY && data.contains_key(&problem.key));
        (config, problems)
    }

    /// The keys of these parameters that are not for the class to decide, and why.
    pub(super) fn wide_keys<'f>(&self, found: &'f Found<'_>) -> Wide<'f> {
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
    pub(super) fn take_wide<'f>(&mut self, found: &'f [Found<'_>], wide: &[Wide<'f>]) -> (Owners<'f>, BTreeSet<ObjectRef>) {
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
        self.diagnostics.push(Diagnostic::new(code, object.clone(), config::field(object.kind, key), message).help(help));
    }

    pub(super) fn of_class(&mut self, found: &Found<'_>, wide: &Wide<'_>, closed: bool) -> Arc<ClassConfig> {
        let data: BTreeMap<String, String> =
            found.settings.iter().filter(|(key, _)| !wide.contains_key(key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect();
        let (mut config, problems) = self.over_main(&data);
        config.closed |= closed || found.closed || self.all_closed;
        // What the main ConfigMap says of them is said there.
        let own = data.keys().any(|key| SnippetKey::ALL.iter().any(|own| own.as_str() == key)).then_some(&found.object);
        config_objects::snippets(self.input, &mut config, own, self.diagnostics);
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
                let field = config::field(found.object.kind, key);
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
