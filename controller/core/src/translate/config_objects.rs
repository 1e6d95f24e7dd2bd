//! The objects that settings name: headers for all routes, parameters of TLS.

use super::annotations::directives::{Meaning, Places};
use super::annotations::{Objects, REMARKED, directives, done_without, lacking, stricter, without_effect, without_unsaid};
use super::config::{Said, accepted, unread, without_refused};
use super::{Input, Wanted};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::names::variable::{LABELS, SUBDOMAIN};
use crate::names::{HeaderName, Kind, ObjectName, ObjectRef, VariableText, shown};
use crate::settings::values::Mistake;
use crate::settings::{Config, Kept, LimitZones, SnippetKey};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

const HELP: &str = "use other keys that say the same, and remove it";

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
        config.globals.request_headers = reader.headers("proxy-set-headers", &name, Way::ToEndpoints);
    }
    if let Some(name) = config.response_headers_from.clone() {
        config.globals.response_headers = reader.headers("add-headers", &name, Way::ToClients);
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
    let looser = directives::looser_switches(&config.globals);
    for (key, text) in config.snippets.clone() {
        let read = meaning_of((input, &looser), key, &text, &config.limit_zones);
        let finding = |code, message: String, help: &str| {
            let object = object?;
            let field = super::config::field(object.kind, key.as_str());
            Some(Diagnostic::new(code, object.clone(), field, format!("{}: {message}", key.as_str())).help(help))
        };
        if let Ok(Applied { meaning, left_out, unsaid }) = &read {
            let outcome = if *meaning == Meaning::default() { Outcome::KeptDefault } else { Outcome::SkippedEntry };
            let left_out = left_out.iter().map(|why| (Code::BadSetting, why.clone(), HELP, outcome));
            let unsaid = unsaid.iter().map(|why| (why.clone(), "leave it for another proxy, or use another variable"));
            let without = done_without(meaning, &text, input.settings.unknown_directives);
            let without = without.into_iter().chain(without_effect(meaning, &text)).map(|why| (why, "remove it"));
            let remarks = meaning.remarks().iter().map(|why| (why.clone(), REMARKED));
            let served = unsaid.chain(without).chain(remarks).map(|(why, help)| (Code::UnsupportedSetting, why, help, Outcome::Served));
            let all = left_out.chain(served).filter_map(|(code, why, help, outcome)| Some(finding(code, why, help)?.outcome(outcome)));
            diagnostics.extend(all);
        }
        let for_routes = |Applied { meaning, .. }: Applied| match key {
            SnippetKey::Auth => for_service(&meaning, &text, config),
            _ => Ok(Some(meaning)),
        };
        match read.and_then(for_routes) {
            Ok(None) => {}
            // The inner one goes before what is there of the outer ones.
            Ok(Some(meaning)) => {
                if key == SnippetKey::Http {
                    config.limit_zones = Arc::new(meaning.zones());
                }
                meaning.apply(&mut config.route);
            }
            Err(why) => {
                let closes = is_protection(key, &text, &config.limit_zones, config.global_auth.is_some());
                config.closed |= closes;
                let refused = finding(Code::BadSetting, why, HELP);
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
fn is_protection(key: SnippetKey, text: &str, zones: &LimitZones, has_service: bool) -> bool {
    match key {
        SnippetKey::Auth => has_service && directives::may_be_decided_by(text, zones),
        _ => directives::key_may_keep_out(text, zones),
    }
}

/// What holds instead of a snippet that may keep somebody out and is not applied, when `last` held before; `None`: nothing does.
/// `all`: what holds beside it.
pub(super) fn kept_snippet(input: Input<'_>, key: &str, text: &str, last: Option<&str>, all: &BTreeMap<String, String>) -> Option<Kept> {
    let key = SnippetKey::ALL.into_iter().find(|own| own.as_str() == key)?;
    let config = crate::settings::read(input.settings, all).0;
    let looser = directives::looser_switches(&config.globals);
    let outermost = config.snippets.get(&SnippetKey::Http);
    let outermost = outermost.and_then(|text| meaning_of((input, &looser), SnippetKey::Http, text, &LimitZones::new()).ok());
    let zones = outermost.map(|applied| applied.meaning.zones()).unwrap_or_default();
    let refused = |text: &str| {
        let read = meaning_of((input, &looser), key, text, &zones);
        match read.map(|applied| key != SnippetKey::Auth || applied.meaning.only_request_headers().is_some()) {
            Ok(true) => None,
            Ok(false) => Some(Places::of(text).not_for_services()),
            Err(why) => Some(why),
        }
    };
    let why = refused(text)?;
    // One that cannot be read may be kept as well.
    let has_service = all.get("global-auth-url").is_some_and(|url| !url.is_empty());
    let protects = is_protection(key, text, &zones, has_service);
    let value = last.filter(|last| protects && !last.is_empty() && refused(last).is_none())?.to_owned();
    Some(Kept { value, message: format!("{}: {why}; its value before still counts", key.as_str()), help: HELP.to_owned() })
}

/// How a snippet is applied.
struct Applied {
    meaning: Meaning,
    /// Why it is not all of it: directives that keep nobody out are left out.
    left_out: Option<String>,
    /// What is said of headers that are not sent.
    unsaid: Vec<String>,
}

/// What one of them asks of every route; `looser`: see [`stricter`].
fn meaning_of(circumstances: (Input<'_>, &[&str]), key: SnippetKey, text: &str, zones: &LimitZones) -> Result<Applied, String> {
    let why = match directives::read_key(key, text, zones).and_then(|all| checked(circumstances, key, text, all)) {
        Ok((meaning, unsaid)) => return Ok(Applied { meaning, left_out: None, unsaid }),
        // The service is told all or nothing.
        Err(why) if key == SnippetKey::Auth => return Err(why),
        Err(why) => why,
    };
    let part = directives::rests(key, text, zones).into_iter().find_map(|rest| checked(circumstances, key, text, rest).ok());
    let (meaning, unsaid) = part.ok_or_else(|| why.clone())?;
    let left_out = if meaning == Meaning::default() { why } else { format!("{why}; the directives beside such count") };
    Ok(Applied { meaning, left_out: Some(left_out), unsaid })
}

/// Whether a meaning can be that of a key, and of what it is without headers that are not sent, which are said.
fn checked(
    (input, looser): (Input<'_>, &[&str]),
    key: SnippetKey,
    text: &str,
    mut meaning: Meaning,
) -> Result<(Meaning, Vec<String>), String> {
    if meaning.sign_in().is_some() {
        return Err(Places::of(text).signs_in("each route has its own; the key global-auth-signin has a meaning"));
    }
    if meaning.rewrites_paths() && key != SnippetKey::Location {
        return Err(Places::of(text).too_late());
    }
    if !meaning.searches().is_empty() {
        return Err(Places::of(text).say_of(&["rewrite"], "with last, or without a flag, it is for the routes of one Ingress"));
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

/// Where headers are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToEndpoints,
    ToClients,
}

/// The header of this name, if no endpoint shall get one that nobody could say.
fn dropped(name: &str) -> Option<HeaderName> {
    HeaderName::settable(name).ok().filter(|name| !name.is_told())
}

struct Reader<'i, 'o, F> {
    input: Input<'i>,
    owner: F,
    wanted: &'o mut Wanted,
    said: &'o mut Said,
    diagnostics: &'o mut Vec<Diagnostic>,
}

impl<'i, 'r, F: Fn(&str) -> Option<&'r ObjectRef>> Reader<'i, '_, F> {
    fn say(&mut self, key: &str, message: &str, help: &str) {
        self.find(Code::BadSetting, key, format!("{key}: {message}"), help, Outcome::KeptDefault);
    }

    /// What a key names does not exist, or cannot be read.
    fn miss(&mut self, key: &str, kind: Kind, name: &ObjectName) {
        let (lack, help) = Objects::new(self.input.snapshot).lack_of(kind, name);
        self.find(Code::of_missing(kind), key, format!("{key}: {kind} {name} {lack}"), help, Outcome::KeptDefault);
    }

    fn find(&mut self, code: Code, key: &str, message: String, help: &str, outcome: Outcome) {
        let Some(object) = (self.owner)(key) else { return };
        let field = super::config::field(object.kind, key);
        self.diagnostics.push(Diagnostic::new(code, object.clone(), field, message).help(help).outcome(outcome));
    }

    /// The data of a ConfigMap, also of one that is gone; `None`: there is none.
    fn data_of(&mut self, key: &str, object: &ObjectRef) -> Option<Cow<'i, BTreeMap<String, String>>> {
        self.wanted.config_maps.insert(object.name.clone());
        let snapshot = self.input.snapshot;
        if let Some(map) = Objects::new(snapshot).config_map(&object.name) {
            self.diagnostics.extend(unread(map, Outcome::SkippedEntry));
            return Some(Cow::Borrowed(&map.data));
        }
        let Some(last) = accepted(self.input, object) else {
            self.miss(key, Kind::ConfigMap, &object.name);
            return None;
        };
        let message = format!("{key}: {object} does not exist; what it said last still counts");
        self.find(Code::MissingConfigMap, key, message, "create it again, or name another", Outcome::Quarantined);
        Some(Cow::Owned(last.data))
    }

    /// The headers in the data of a ConfigMap. One that cannot be sent is said there; it stays what it was, if it was anything.
    /// Endpoints get no other one in its place: a client could say it.
    fn headers(&mut self, key: &str, name: &ObjectName, way: Way) -> Vec<(HeaderName, VariableText)> {
        let object = ObjectRef::new(Kind::ConfigMap, name.clone());
        let Some(all) = self.data_of(key, &object) else { return Vec::new() };
        let last = self.input.quarantine.accepted_settings_of(&object);
        let data = without_refused(self.input, &object, &all, self.diagnostics);
        let (mut headers, mut held) = (Vec::new(), BTreeMap::new());
        for (header, value) in &data {
            let (read, value) = match self.header(header, value, way) {
                Ok(read) => (Some(read), value),
                Err(Mistake { message, help }) => {
                    let before =
                        last.and_then(|last| last.get(header)).filter(|last| !self.input.quarantine.refuses(&object, header, last));
                    let before = before.and_then(|last| Some((self.header(header, last, way).ok()?, last)));
                    let field = format!("data[{}]", shown(header).trim_matches('"'));
                    let (message, outcome) = match before {
                        Some(_) => (format!("{message}; its value before still counts"), Outcome::Quarantined),
                        None if way == Way::ToEndpoints && dropped(header).is_some() => {
                            (format!("{message}; endpoints do not get it from clients either"), Outcome::SkippedEntry)
                        }
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
        if way == Way::ToEndpoints {
            let unsaid = all.keys().filter(|name| !held.contains_key(*name)).filter_map(|name| dropped(name));
            let unsaid: Vec<_> = unsaid.filter(|name| !headers.iter().any(|(own, _)| own.is_same(name))).collect();
            headers.extend(unsaid.into_iter().map(|name| (name, VariableText::default())));
        }
        // The object may say more than that: it may be the main ConfigMap, or hold headers of both kinds.
        let said = self.said.entry(object).or_default();
        held.into_iter().for_each(|(header, value)| _ = said.entry(header).or_insert(value));
        headers
    }

    fn header(&self, name: &str, value: &str, way: Way) -> Result<(HeaderName, VariableText), Mistake> {
        const HELP: &str = "use a name such as X-Frame-Options";
        let header = HeaderName::settable(name).map_err(|bad| Mistake::new(bad.0, HELP))?;
        if way == Way::ToClients && header.is_the_proxys() {
            return Err(Mistake::new(format!("the header {header} is the proxy's own, and stays as it is"), "remove it"));
        }
        let text = VariableText::parse(value.trim()).map_err(|bad| Mistake::new(bad.0, "use text, and variables such as $remote_addr"))?;
        // Those about the Ingress are known in every route.
        let filled = text.filled(|name| LABELS.contains(&name).then_some("label"));
        match self.input.settings.lacks_variable(&filled) {
            Some(variable) => {
                Err(Mistake::new(format!("the header {header} is left out: this proxy has no ${variable}"), "use another variable"))
            }
            None => Ok((header, text)),
        }
    }
}
