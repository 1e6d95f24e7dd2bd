//! The objects that settings name: headers for all routes, parameters of TLS.

use super::annotations::snippet::{Meaning, Places};
use super::annotations::{Objects, done_without, lacking, snippet, stricter, without_effect, without_unsaid};
use super::config::Said;
use super::{Input, Wanted};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::names::variable::{LABELS, SUBDOMAIN};
use crate::names::{HeaderName, Kind, ObjectName, ObjectRef, VariableText, shown};
use crate::settings::{Config, Kept, LimitZones, SnippetKey};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reads them into the configuration. `owner`: who has set a key.
pub(super) fn read<'o>(
    input: Input<'_>,
    config: &mut Config,
    owner: impl Fn(&str) -> Option<&'o ObjectRef>,
    (wanted, said): (&mut Wanted, &mut Said),
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut reader = Reader { input, owner, wanted, said, diagnostics };
    if let Some(name) = config.request_headers_from.clone() {
        config.globals.request_headers = reader.headers("proxy-set-headers", &name, |_| false);
    }
    if let Some(name) = config.response_headers_from.clone() {
        config.globals.response_headers = reader.headers("add-headers", &name, HeaderName::is_the_proxys);
    }
    if let Some(name) = config.dh_params_from.clone() {
        Arc::make_mut(&mut reader.wanted.secrets).insert(name.clone());
        let key = "ssl-dh-param";
        match input.snapshot.secret(&name).map(|secret| secret.dh_params.clone()) {
            Some(Ok(params)) => config.globals.tls.dh_params = Some(params),
            Some(Err(why)) => {
                reader.say(
                    key,
                    &format!("Secret {name} cannot be used: {why}"),
                    "put PEM parameters of at least 2048 bits into dhparam.pem",
                );
            }
            None => reader.miss(key, Kind::Secret, &name),
        }
    }
}

/// Reads the snippets; what is wrong with them is said on `object`.
pub(super) fn snippets(input: Input<'_>, config: &mut Config, object: Option<&ObjectRef>, diagnostics: &mut Vec<Diagnostic>) {
    let looser = snippet::looser_switches(&config.globals);
    for (key, text) in config.snippets.clone() {
        let (read, unsaid) = match meaning_of((input, &looser), key, &text, &config.limit_zones) {
            Ok((meaning, unsaid)) => (Ok(meaning), unsaid),
            Err(why) => (Err(why), Vec::new()),
        };
        let finding = |code, message: String, help: &str| {
            let object = object?;
            let field = super::config::field(object.kind, key.as_str());
            Some(Diagnostic::new(code, object.clone(), field, format!("{}: {message}", key.as_str())).help(help))
        };
        for message in unsaid {
            let said = finding(Code::UnsupportedSetting, message, "leave it for another proxy, or use another variable");
            diagnostics.extend(said.map(|said| said.outcome(Outcome::Served)));
        }
        for message in read.iter().flat_map(|meaning| done_without(meaning, &text, input.settings.unknown_directives)) {
            diagnostics.extend(finding(Code::UnsupportedSetting, message, "remove it").map(|finding| finding.outcome(Outcome::Served)));
        }
        for message in read.iter().flat_map(|meaning| without_effect(meaning, &text)) {
            diagnostics.extend(finding(Code::UnsupportedSetting, message, "remove it").map(|finding| finding.outcome(Outcome::Served)));
        }
        match read.and_then(|meaning| if key == SnippetKey::Auth { for_service(&meaning, &text, config) } else { Ok(Some(meaning)) }) {
            Ok(None) => {}
            // The inner one goes before what is there of the outer ones.
            Ok(Some(meaning)) => {
                if key == SnippetKey::Http {
                    config.limit_zones = Arc::new(meaning.zones());
                }
                meaning.apply(&mut config.route);
            }
            Err(why) => {
                let closes = is_protection(key, &text, config);
                config.closed |= closes;
                let refused = finding(Code::BadSetting, why, "use other keys that say the same, and remove it");
                diagnostics.extend(refused.map(|mut refused| {
                    if closes {
                        refused.close("; every route answers 503, for it may keep somebody out");
                    }
                    refused
                }));
            }
        }
    }
}

/// Whether one that is not applied may keep somebody out. Where no service decides, none is told anything.
fn is_protection(key: SnippetKey, text: &str, config: &Config) -> bool {
    match key {
        SnippetKey::Auth => config.global_auth.is_some() && snippet::may_be_decided_by(text, &config.limit_zones),
        _ => snippet::key_may_keep_out(text, &config.limit_zones),
    }
}

/// What holds instead of a snippet that may keep somebody out and is not applied, when `last` held before; `None`: nothing does.
pub(super) fn kept_snippet(input: Input<'_>, key: &str, text: &str, last: Option<&str>, data: &BTreeMap<String, String>) -> Option<Kept> {
    let key = SnippetKey::ALL.into_iter().find(|own| own.as_str() == key)?;
    let outermost = data.get(SnippetKey::Http.as_str()).and_then(|text| snippet::read_outermost(text, &LimitZones::new()).ok());
    let zones = outermost.map(|meaning| meaning.zones()).unwrap_or_default();
    let looser = snippet::looser_switches(&crate::settings::read(input.settings, data).0.globals);
    let refused = |text: &str| {
        let read = meaning_of((input, &looser), key, text, &zones);
        match read.map(|(meaning, _)| key != SnippetKey::Auth || meaning.only_request_headers().is_some()) {
            Ok(true) => None,
            Ok(false) => Some(Places::of(text).not_for_services()),
            Err(why) => Some(why),
        }
    };
    let why = refused(text)?;
    let protects = match key {
        SnippetKey::Auth => data.get("global-auth-url").is_some_and(|url| !url.is_empty()) && snippet::may_be_decided_by(text, &zones),
        _ => snippet::may_keep_out(text, &zones),
    };
    let value = last.filter(|last| protects && !last.is_empty() && refused(last).is_none())?.to_owned();
    let help = "use other keys that say the same, and remove it".to_owned();
    Some(Kept { value, message: format!("{}: {why}; its value before still counts", key.as_str()), help })
}

/// What one of them asks of every route, and what is said of headers that are not sent; `looser`: see [`stricter`].
fn meaning_of(
    (input, looser): (Input<'_>, &[&str]),
    key: SnippetKey,
    text: &str,
    zones: &LimitZones,
) -> Result<(Meaning, Vec<String>), String> {
    let mut meaning = if key == SnippetKey::Http { snippet::read_outermost(text, zones) } else { snippet::read(text, zones) }?;
    if meaning.rewrites_paths() && key != SnippetKey::Location {
        return Err(Places::of(text).too_late());
    }
    if !meaning.host_rewrites().is_empty() {
        return Err(Places::of(text).found_already());
    }
    if meaning.has_locations() && key != SnippetKey::Server {
        return Err(Places::of(text).too_wide());
    }
    if meaning.told_name().is_some() {
        return Err(Places::of(text).say_of(&["proxy_ssl_name", "grpc_ssl_name"], "endpoints of all routes have no name in common"));
    }
    if key == SnippetKey::Auth && meaning.texts().any(|text| text.uses(&[SUBDOMAIN])) {
        return Err(Places::of(text).say_of_variable(SUBDOMAIN, "$subdomain is not known to services"));
    }
    if let Some(why) = stricter(&meaning, text, looser) {
        return Err(why);
    }
    let unsaid = match key {
        // The service may decide by a header, and is asked with all of them or not at all.
        SnippetKey::Auth => Vec::new(),
        _ => without_unsaid(&mut meaning, text, |text| input.settings.lacks_variable(text).map(str::to_owned)),
    };
    let lacking = lacking(&meaning, text, input.settings.unknown_directives, |text| input.settings.lacks_variable(text));
    lacking.map_or(Ok((meaning, unsaid)), Err)
}

/// What the service that decides about all routes is sent as well.
fn for_service(meaning: &Meaning, text: &str, config: &mut Config) -> Result<Option<Meaning>, String> {
    let headers = meaning.only_request_headers().ok_or_else(|| Places::of(text).not_for_services())?;
    let auth = config.global_auth.as_mut().ok_or("there is no global-auth-url, so it does nothing")?;
    Arc::make_mut(auth).request_headers.extend(headers);
    Ok(None)
}

struct Reader<'i, 'o, F> {
    input: Input<'i>,
    owner: F,
    wanted: &'o mut Wanted,
    said: &'o mut Said,
    diagnostics: &'o mut Vec<Diagnostic>,
}

impl<'r, F: Fn(&str) -> Option<&'r ObjectRef>> Reader<'_, '_, F> {
    fn say(&mut self, key: &str, message: &str, help: &str) {
        self.find(Code::BadSetting, key, message, help);
    }

    /// What a key names does not exist, or cannot be read.
    fn miss(&mut self, key: &str, kind: Kind, name: &ObjectName) {
        let (lack, help) = Objects::new(self.input.snapshot).lack_of(kind, name);
        self.find(Code::of_missing(kind), key, &format!("{kind} {name} {lack}"), help);
    }

    fn find(&mut self, code: Code, key: &str, message: &str, help: &str) {
        let Some(object) = (self.owner)(key) else { return };
        let field = super::config::field(object.kind, key);
        let finding = Diagnostic::new(code, object.clone(), field, format!("{key}: {message}"));
        self.diagnostics.push(finding.help(help).outcome(Outcome::KeptDefault));
    }

    /// The headers in the data of a ConfigMap. One that cannot be sent, or that `is_own` of the proxy, is said there; it stays what it
    /// was, if it was anything.
    fn headers(&mut self, key: &str, name: &ObjectName, is_own: fn(&HeaderName) -> bool) -> Vec<(HeaderName, VariableText)> {
        self.wanted.config_maps.insert(name.clone());
        let Some(map) = Objects::new(self.input.snapshot).config_map(name) else {
            self.miss(key, Kind::ConfigMap, name);
            return Vec::new();
        };
        self.diagnostics.extend(super::config::unread(map, Outcome::SkippedEntry));
        let object = ObjectRef::new(Kind::ConfigMap, name.clone());
        let data = super::config::without_refused(self.input, &object, &map.data, self.diagnostics);
        let last = self.input.quarantine.accepted_settings_of(&object);
        let (mut headers, mut held) = (Vec::new(), BTreeMap::new());
        for (header, value) in &data {
            let (read, value) = match self.header(header, value, is_own) {
                Ok(read) => (Some(read), value),
                Err((message, help)) => {
                    let before =
                        last.and_then(|last| last.get(header)).filter(|last| !self.input.quarantine.refuses(&object, header, last));
                    let before = before.and_then(|last| Some((self.header(header, last, is_own).ok()?, last)));
                    let field = format!("data[{}]", shown(header).trim_matches('"'));
                    let (message, outcome) = match before {
                        Some(_) => (format!("{message}; its value before still counts"), Outcome::Quarantined),
                        None => (message, Outcome::SkippedEntry),
                    };
                    self.diagnostics.push(Diagnostic::new(Code::BadSetting, object.clone(), field, message).help(help).outcome(outcome));
                    before.map_or((None, value), |(read, last)| (Some(read), last))
                }
            };
            if let Some(read) = read {
                headers.push(read);
                held.insert(header.clone(), value.clone());
            }
        }
        // The object may say more than that: it may be the main ConfigMap, or hold headers of both kinds.
        let said = self.said.entry(object).or_default();
        held.into_iter().for_each(|(header, value)| _ = said.entry(header).or_insert(value));
        headers
    }

    fn header(
        &self,
        name: &str,
        value: &str,
        is_own: fn(&HeaderName) -> bool,
    ) -> Result<(HeaderName, VariableText), (String, &'static str)> {
        const HELP: &str = "use a name such as X-Frame-Options";
        let header = HeaderName::settable(name).map_err(|bad| (bad.0, HELP))?;
        if is_own(&header) {
            return Err((format!("the header {header} is the proxy's own, and stays as it is"), "remove it"));
        }
        let text = VariableText::parse(value.trim()).map_err(|bad| (bad.0, "use text, and variables such as $remote_addr"))?;
        // Those about the Ingress are known in every route.
        let filled = text.filled(|name| LABELS.contains(&name).then_some("label"));
        match self.input.settings.lacks_variable(&filled) {
            Some(variable) => Err((format!("the header {header} is left out: this proxy has no ${variable}"), "use another variable")),
            None => Ok((header, text)),
        }
    }
}
