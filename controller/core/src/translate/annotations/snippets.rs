//! Snippets: nginx configuration in annotations. It is read, and each directive with a meaning becomes a wish like any other;
//! none is ever copied. They are off unless the operator has switched them on.

use super::amounts;
use super::directives::{self, Answers, Known, Meaning, Places};
use super::{Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::{EarlyAnswer, Extra, Protocol};
use crate::names::variable::{LABELS, SUBDOMAIN};
use crate::names::{HeaderName, HostName, VariableText};
use crate::settings::auth::response_headers;
use crate::settings::{AnnotationRule, LimitZones};
use std::cell::LazyCell;
use std::sync::Arc;

const SNIPPET: Value = Value::Other("directives of nginx");
/// The snippet for the routes of an Ingress.
const FOR_ROUTES: &str = "configuration-snippet";
/// The snippet for whole hosts.
const OF_HOST: &str = "server-snippet";
/// The snippet for what the service that decides is asked.
const FOR_SERVICE: &str = "auth-snippet";

pub(super) const FEATURE: Feature = Feature {
    name: "Snippets",
    keys: &[
        Key::new(
            FOR_ROUTES,
            SNIPPET,
            Scope::Route,
            "Directives for the routes of the Ingress. They need `allow-snippet-annotations: \"true\"` and `annotations-risk-level: Critical` \
             in the main ConfigMap. Read are headers (`add_header`, `proxy_set_header`, `proxy_hide_header`, `more_*_headers` with `-s`, `-t` and `-a`; with \
             `auth_request_set`, what the service of `auth-url` has answered), `return`, \
             `rewrite` with `break`, `redirect` or `permanent`, or to a URL (with `last`, or without a flag, where the new path is for sure of the \
             same route and no rule fits it once more; else the route answers 503), `location` with `return`, or `allow` and `deny`, for some \
             paths of the routes, `if` with one of these behind headers and `set` (what groups of \
             its expression match may stand in `return`), or with headers and `expires` alone (as in nginx, of several the last one that \
             holds decides, and one with `add_header` is in place of those outside), `set` (variables that are set in `if` may be compared \
             with a text, and stand in headers), `allow`, `deny`, `satisfy` and `limit_except` with `allow` and `deny`, `limit_req` and `limit_conn` (their zones stand in `http-snippet`) and their statuses, times, sizes and \
             buffers, `proxy_next_upstream`, `proxy_redirect`, `limit_rate`, `proxy_cookie_*`, `proxy_ssl_name` with `proxy_ssl_server_name on`, \
             `error_page 401 =302` with a URL, or with a location of `server-snippet` with a name that returns 302 and one (where a service \
             decides; it is what `auth-signin` is, without a parameter), \
             `expires`, `default_type`, `charset`, `access_log off`; they work on every proxy. What holds for the proxy as a whole and keeps nobody out, such as \
             `large_client_header_buffers`, has no effect, and is told; so has `error_page` with a path. \
             `underscores_in_headers`, `ignore_invalid_headers` and `ssl_session_tickets` may not be stricter than the main ConfigMap. \
             A header with a variable that \
             a proxy has no word for is not sent, and is told. Where a proxy has no `limit_rate_after`, \
             `client_body_timeout`, `send_timeout`, `proxy_pass_header`, `proxy_http_version 1.0` or details of `gzip`, it does without and says so. nginx reads `sub_filter` and its kin, too, and \
             nearly everything for namespaces of `--raw-snippet-namespaces`. With any other directive the \
             Ingress is left out.",
        )
        .ranked(Tier::A, Risk::Critical)
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            OF_HOST,
            SNIPPET,
            Scope::Host,
            "The same for all routes of the hosts; of several Ingresses of a host the oldest with one decides. `location` is read, too, \
             with `return`, or `allow` and `deny`, and headers and `expires` of these, inside; without `return`, whoever may ask is answered 404, for there are no files: it answers before the paths of rules are looked at, and without the protections of \
             routes, as in nginx. A Service is asked by rules of Ingresses only, not by `proxy_pass` in a `location`. Where the Ingress is left out, and the snippet may keep somebody out, all routes of its hosts \
             answer 503.",
        )
        .ranked(Tier::A, Risk::Critical)
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            FOR_SERVICE,
            SNIPPET,
            Scope::Route,
            "Headers (`proxy_set_header`) for the service that `auth-url` names.",
        )
        .ranked(Tier::B, Risk::Critical)
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new("stream-snippet", SNIPPET, Scope::Ingress, "Not read; an Ingress with one is left out. Use the ConfigMap of TCP services.")
            .ranked(Tier::C, Risk::Critical)
            .on_bad_value(OnBadValue::SkipIngress),
    ],
    apply,
};

/// Whether a snippet that is not applied may have kept somebody out.
pub(super) fn guards(name: &str, text: &str) -> bool {
    let zones = LimitZones::new();
    match name {
        FOR_ROUTES | OF_HOST => directives::may_keep_out(text, &zones),
        FOR_SERVICE => directives::may_be_decided_by(text, &zones),
        _ => false,
    }
}

/// Whether a snippet says something of who is kept out, and how protections are joined.
pub(super) fn protects(name: &str, text: &str) -> bool {
    let concerns = || directives::concerns_protections(text, &LimitZones::new());
    guards(name, text) || name == FOR_SERVICE || ([FOR_ROUTES, OF_HOST].contains(&name) && concerns())
}

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    if !policies.reads_snippets {
        return say_unread(given, policies);
    }
    for_routes(given, policies);
    for_host(given, policies);
    for_service(given, policies);
    if given.text("stream-snippet").is_some() {
        given.refuse("stream-snippet", "streams are not configured by snippets", "use the ConfigMap of --tcp-services-configmap");
    }
}

/// Says of one of them that none is read.
fn say_unread(given: &mut Given<'_>, policies: &Policies) {
    let guard = |key: &&Key| given.raw(key.name).is_some_and(|text| guards(key.name, text));
    if let Some(key) = FEATURE.keys.iter().filter(|_| policies.snippets_unknown).find(guard) {
        const UNKNOWN: &str = "whether snippets are allowed cannot be read, and it may keep somebody out";
        given.refuse(key.name, UNKNOWN, "mend allow-snippet-annotations in the main ConfigMap");
    } else if let Some(key) = FEATURE.keys.iter().find(|key| given.says(key.name)) {
        given.note(key.name, "snippets are not allowed, so it does nothing", "set allow-snippet-annotations in the main ConfigMap");
    }
}

/// What holds for the routes of the Ingress.
fn for_routes(given: &mut Given<'_>, policies: &mut Policies) {
    let Some(meaning) = read(given, FOR_ROUTES) else { return };
    let text = given.raw(FOR_ROUTES).unwrap_or_default();
    if let Some((key, names)) = meaning.conflict(|key| given.says(key)) {
        let why = format!("{key} says something else of the same");
        return given.refuse(FOR_ROUTES, Places::of(text).say_of(names, &why), "keep one of them");
    }
    if let Some(sign_in) = meaning.sign_in() {
        match &mut policies.route().external_auth {
            None => {
                let why = Places::of(text).signs_in("no service is asked that could answer 401");
                return given.refuse(FOR_ROUTES, why, "add auth-url, or remove it");
            }
            // Of two the first counts, and that is the annotation's.
            Some(auth) if auth.sign_in.is_some() => {
                given.note(FOR_ROUTES, Places::of(text).signs_in("it does nothing, for auth-signin says where clients go"), "remove it");
            }
            Some(auth) => Arc::make_mut(auth).sign_in = Some(sign_in.clone()),
        }
    }
    if !meaning.searches().is_empty() && given.says("rewrite-target") {
        let why = "rewrite-target says something else of the same, for the new path";
        return given.refuse(FOR_ROUTES, Places::of(text).say_of(&["rewrite"], why), "keep one of them");
    }
    policies.searches = meaning.searches().iter().map(|search| search.clone().in_snippet(text)).collect();
    policies.told_name = meaning.told_name().cloned();
    say_untold_name(given, policies, text);
    meaning.apply(policies.route());
}

/// Says of a name for endpoints that it is not told them.
fn say_untold_name(given: &mut Given<'_>, policies: &Policies, text: &str) {
    const DIRECTIVES: &[&str] = &["proxy_ssl_name", "grpc_ssl_name"];
    let Some(name) = &policies.told_name else { return };
    let speaks_tls = matches!(policies.backend.protocol, Some(Protocol::Https | Protocol::AutoHttp | Protocol::Grpcs));
    if !speaks_tls {
        let message = Places::of(text).say_of(DIRECTIVES, "the endpoints speak no TLS, so it does nothing");
        given.note(FOR_ROUTES, message, "set backend-protocol to HTTPS, or remove it");
    } else if is_overruled(name, policies) {
        let why = format!("{name} is not told: certificates of endpoints are checked, and have to be for the name of proxy-ssl-name");
        let help = "set proxy-ssl-name to that name, with proxy-ssl-server-name on, and remove it";
        given.note(FOR_ROUTES, Places::of(text).say_of(DIRECTIVES, &why), help);
    }
}

/// What the service that decides is told.
fn for_service(given: &mut Given<'_>, policies: &mut Policies) {
    let Some(meaning) = read(given, FOR_SERVICE) else { return };
    let text = given.raw(FOR_SERVICE).unwrap_or_default();
    if meaning.texts().any(|text| text.uses(&[SUBDOMAIN])) {
        let message = Places::of(text).say_of_variable(SUBDOMAIN, "$subdomain is not known to services");
        return given.refuse(FOR_SERVICE, message, "use $host");
    }
    match (meaning.only_request_headers(), &mut policies.route().external_auth) {
        (None, _) => given.refuse(FOR_SERVICE, Places::of(text).not_for_services(), "remove the rest"),
        (Some(headers), Some(auth)) => Arc::make_mut(auth).request_headers.extend(headers),
        (Some(_), None) => given.note(FOR_SERVICE, "there is no auth-url, so it does nothing", "remove it"),
    }
}

/// Whether the annotation for the name of endpoints, whose certificates are checked, says another one.
fn is_overruled(name: &HostName, policies: &Policies) -> bool {
    let tls = policies.backend.tls.as_ref().filter(|tls| tls.verify.is_some());
    tls.is_some_and(|tls| tls.name.as_ref() != Some(name) || !tls.tells_name)
}

/// What holds for the routes of other Ingresses, too.
fn for_host(given: &mut Given<'_>, policies: &mut Policies) {
    const HELP: &str = "write it into configuration-snippet";
    const OPENS: &str = "with any the routes of other Ingresses would be open to more than they say";
    let text = given.raw(OF_HOST).unwrap_or_default();
    let places = || Places::of(text);
    match read(given, OF_HOST) {
        Some(meaning) if meaning.sign_in().is_some() => given.refuse(OF_HOST, places().signs_in("each route has its own"), HELP),
        Some(meaning) if meaning.rewrites_paths() => given.refuse(OF_HOST, places().too_late(), HELP),
        Some(meaning) if meaning.joins_protections() => given.refuse(OF_HOST, places().say_of(&["satisfy"], OPENS), HELP),
        Some(meaning) => {
            let texts = [text, given.raw(FOR_ROUTES).unwrap_or_default()];
            if let Some(name) = meaning.unused_location(&texts) {
                let message = places().say_of_word("location", name, "no error leads to it, so it does nothing");
                given.note(OF_HOST, message, "write error_page with = and its name into configuration-snippet, or remove it");
            }
            policies.server_snippet = Some(meaning);
        }
        None => {}
    }
}

/// What stands in for an Ingress that is left out: where its snippet for whole hosts may keep somebody out of the routes of
/// others, these hosts are closed.
pub(super) fn in_place_of_refused(given: &Given<'_>, plain: &Policies) -> Option<Policies> {
    let is_open = |text: &str| !directives::may_keep_out(text, &given.limit_zones);
    let may_be_read = plain.reads_snippets || plain.snippets_unknown;
    if !may_be_read || !given.has(OF_HOST) || given.raw(OF_HOST).is_some_and(is_open) {
        return None;
    }
    // Its paths are what they are in any case.
    let use_regex = given.raw("use-regex").is_some_and(|text| text.trim() == "true") || given.says("rewrite-target");
    Some(Policies { closed: true, use_regex, server_snippet: Some(Meaning::closing()), ..plain.clone() })
}

fn read(given: &mut Given<'_>, name: &'static str) -> Option<Meaning> {
    // Its lines are counted as they are written.
    let text = given.text(name).map(|trimmed| given.raw(name).unwrap_or(trimmed))?;
    let raw = given.raw_snippets && name == FOR_ROUTES;
    let zones = Arc::clone(&given.limit_zones);
    // What the server sets is known to its locations, and so are its locations with names.
    let known = if name == FOR_ROUTES { given.raw(OF_HOST).map(directives::known_of) } else { None }.unwrap_or_default();
    let known = Known { answered: answers_without_a_name(given), is_of_routes: name == FOR_ROUTES, ..known };
    let read = if raw { directives::read_raw(text, &zones, known) } else { directives::read_within(text, &zones, known) };
    // A service that decides may decide by a header, and is asked with all of them or not at all.
    let read = read.map(|mut meaning| {
        if name == FOR_SERVICE {
            return meaning;
        }
        for message in without_unsaid(&mut meaning, text, |text| given.lacks_variable(text).map(str::to_owned)) {
            given.note(name, message, "leave it for another proxy, or use another variable");
        }
        meaning
    });
    let read = read.and_then(|meaning| match lacking(&meaning, text, given.unknown_directives, |text| given.lacks_variable(text)) {
        None => Ok(meaning),
        Some(why) => Err(why),
    });
    let read = read.and_then(|meaning| stricter(&meaning, text, &given.looser_switches).map_or(Ok(meaning), Err));
    match read {
        Ok(mut meaning) => {
            cut(given, name, &mut meaning);
            deny(given, name, &mut meaning, text);
            tell(given, name, &meaning, text);
            Some(meaning)
        }
        Err(why) => {
            given.refuse(name, why, "use annotations that say the same, and remove it");
            None
        }
    }
}

/// Takes headers out that the proxy has no word for, which cost nothing but themselves; what is said of each. A client must not
/// tell an endpoint what the proxy does not.
pub(in crate::translate) fn without_unsaid(
    meaning: &mut Meaning,
    text: &str,
    lacks: impl Fn(&VariableText) -> Option<String>,
) -> Vec<String> {
    let dropped = meaning.drop_unsaid(|text| lacks(&labelled(text)));
    let say = |(header, variable): (HeaderName, String)| {
        Places::of(text).say_of_variable(&variable, &format!("this proxy has no ${variable}, so the header {header} is not sent"))
    };
    dropped.into_iter().map(say).collect()
}

/// The same with something in place of what stands for the route, which is filled in later.
fn labelled(text: &VariableText) -> VariableText {
    text.filled(|name| LABELS.contains(&name).then_some("label"))
}

/// What is done in another way than it is written.
fn tell(given: &mut Given<'_>, name: &'static str, meaning: &Meaning, text: &str) {
    let places = LazyCell::new(|| Places::of(text));
    for directive in &meaning.extra.raw {
        let why = format!("{} is passed to the proxy as it is written, as --raw-snippet-namespaces allows", directive.name);
        given.note(name, places.say_of_raw(directive, &why), "use annotations that say the same");
    }
    for message in without_effect(meaning, text) {
        given.note(name, message, "remove it");
    }
    for message in meaning.remarks() {
        given.note(name, message, REMARKED);
    }
    for message in done_without(meaning, text, given.unknown_directives) {
        given.note(name, message, "remove it, or leave it for another proxy");
    }
}

/// What would do where a location has no answer.
pub(in crate::translate) const REMARKED: &str = "write return for another answer, or a rule of an Ingress to ask a Service";

/// What has no effect on any proxy.
pub(in crate::translate) fn without_effect(meaning: &Meaning, text: &str) -> Vec<String> {
    let places = LazyCell::new(|| Places::of(text));
    let directive = |(directive, why): (&str, &str)| places.say_of(&[directive], &format!("{directive} has no effect: {why}"));
    let header =
        |header: &HeaderName| places.say_of_header(header.as_str(), &format!("the header {header} is the proxy's own, and stays as it is"));
    let name = |directive: &str| {
        let why = format!("{directive} has no effect: a name is told where proxy_ssl_name and proxy_ssl_server_name on ask for it");
        places.say_of(&[directive, &directive.replace("proxy", "grpc")], &why)
    };
    let directives = meaning.without().map(directive);
    directives.chain(meaning.own_headers().iter().map(header)).chain(meaning.half_a_name().map(name)).collect()
}

/// What a proxy does without.
pub(in crate::translate) fn done_without(meaning: &Meaning, text: &str, unknown: &[&str]) -> Vec<String> {
    let comforts = meaning.comforts().filter(|directive| unknown.contains(directive));
    let say = |directive: &str| {
        let kin = format!("{directive}_");
        Places::of(text).say_of(&[directive, &kin], &format!("this proxy cannot follow {directive}, and does without"))
    };
    comforts.map(say).collect()
}

/// What is more than policies let an annotation say is no more in a snippet.
fn cut(given: &mut Given<'_>, name: &'static str, meaning: &mut Meaning) {
    amounts::cut(given.policies, meaning.amounts(), |key, limit, policy| {
        let message = format!("what it says of {key} is above the limit of {}, which is used", limit.text);
        given.exceed(name, message, policy.report_only);
    });
}

/// What policies keep the namespace from when an annotation says it is no more in a snippet; a protection closes, as that of an
/// annotation does.
fn deny(given: &mut Given<'_>, name: &'static str, meaning: &mut Meaning, text: &str) {
    let namespace = given.namespace();
    for policy in given.policies {
        let holds = |rule: &&AnnotationRule| rule.namespaces.as_ref().is_none_or(|all| all.iter().any(|own| own.matches(namespace)));
        let is_denied = |annotation: &str| policy.annotations.iter().filter(holds).any(|rule| super::is_among(&rule.denied, annotation));
        for denial in meaning.denied(&is_denied) {
            let why = format!("namespace {namespace} may not use the annotation {}, which says the same", denial.annotation);
            let answer = match (policy.report_only, denial.protects, name) {
                (true, ..) => None,
                (false, false, _) => Some(OnBadValue::KeepDefault),
                // Of the host nothing would be left that keeps anybody out.
                (false, true, OF_HOST) => Some(OnBadValue::SkipIngress),
                (false, true, _) => Some(OnBadValue::CloseRoute),
            };
            given.deny(name, Places::of(text).say_of(denial.directives, &why), answer);
            if answer.is_some() {
                meaning.without_denied(denial);
            }
        }
    }
}

/// `$authHeader0` and so on: what ingress-nginx calls the headers of `auth-response-headers`.
fn answers_without_a_name(given: &Given<'_>) -> Answers {
    let headers = given.text("auth-response-headers").and_then(|text| response_headers(text).ok()).unwrap_or_default();
    headers.into_iter().enumerate().map(|(n, header)| (format!("authheader{n}"), header)).collect()
}

/// Why a snippet is refused that asks for more protection than the proxy as a whole has; `looser`: switches with the looser value.
pub(in crate::translate) fn stricter(meaning: &Meaning, text: &str, looser: &[&str]) -> Option<String> {
    let (name, why) = meaning.stricter(looser)?;
    Some(Places::of(text).say_of(&[name], &format!("{why}, and says otherwise")))
}

/// Why a proxy cannot do what a snippet asks for: it has no word for a variable, or cannot follow a directive without which
/// answers would be other ones. Variables that stand for the route are filled in later, but for those in conditions.
pub(in crate::translate) fn lacking(
    meaning: &Meaning,
    text: &str,
    unknown: &[&str],
    lacks: impl Fn(&VariableText) -> Option<&str>,
) -> Option<String> {
    let Extra { answers, rewrites, .. } = &meaning.extra;
    let conditions = answers.iter().flat_map(EarlyAnswer::conditions).chain(rewrites.iter().filter_map(|rewrite| rewrite.when.as_ref()));
    let mut conditions = conditions.chain(meaning.extra.chosen());
    let lacks = |text: &VariableText| lacks(text).map(str::to_owned);
    let in_conditions = conditions.find_map(|when| lacks(&when.variable));
    if let Some(variable) = in_conditions.or_else(|| meaning.texts().find_map(|text| lacks(&labelled(text)))) {
        return Some(Places::of(text).say_of_variable(&variable, &format!("this proxy has no ${variable}")));
    }
    let directive = meaning.special().find(|directive| unknown.contains(directive))?;
    let (places, why) = (Places::of(text), format!("this proxy cannot follow {directive}"));
    Some(match directive.split_once(' ') {
        Some((name, part)) => places.say_of_word(name, part, &why),
        None => places.say_of(&[directive, &format!("{directive}_")], &why),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read_configured, snapshot};
    use crate::model::RoutePolicy;
    use crate::settings::Settings;

    const ON: &[(&str, &str)] = &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")];

    #[test]
    fn both_switches_are_needed() {
        let pair = [("configuration-snippet", "add_header A b;")];
        let read = |config: &[(&str, &str)]| read_configured(&Settings::default(), config, &snapshot(&[]), &pair);
        assert!(read(&[]).0.is_none() && read(&ON[..1]).0.is_none(), "the risk is too high");
        let (policies, said) = read(&ON[1..]);
        assert!(policies.unwrap().route.extra.is_none() && said.len() == 1, "{said:?}");
        let (policies, said) = read(ON);
        assert_eq!((policies.unwrap().route.extra.as_ref().unwrap().answer_headers.len(), said), (1, vec![]));
    }

    #[test]
    fn a_snippet_that_may_keep_somebody_out_is_not_done_without_where_the_switch_cannot_be_read() {
        let config = [("allow-snippet-annotations", "ture"), ON[1]];
        let read = |name, text| read_configured(&Settings::default(), &config, &snapshot(&[]), &[(name, text)]);
        for name in ["configuration-snippet", "server-snippet"] {
            let (policies, said) = read(name, "allow 10.0.0.0/8; deny all;");
            assert!(
                policies.is_none_or(|policies| policies.closed) && said[0].contains("whether snippets are allowed cannot be read"),
                "{name}: {said:?}"
            );
            assert!(read(name, "add_header A b;").0.is_some(), "{name}: nobody is kept out by it");
        }
    }

    #[test]
    fn what_has_no_meaning_leaves_the_ingress_out_and_is_named() {
        for (name, value) in [
            ("configuration-snippet", "root /etc;"),
            ("stream-snippet", "server {}"),
            ("auth-snippet", "return 200;"),
            ("server-snippet", "satisfy any;"),
            ("server-snippet", "rewrite ^/a /b break;"),
        ] {
            let (policies, said) = read_configured(&Settings::default(), ON, &snapshot(&[]), &[(name, value)]);
            assert!(policies.is_none() && said.len() == 1 && said[0].starts_with(name), "{name}: {said:?}");
        }
    }

    #[test]
    fn a_switch_that_protects_is_refused_where_the_proxy_as_a_whole_is_looser() {
        let read = |key: &str, value: &str, text: &str| {
            let config: Vec<_> = [ON, &[(key, value)]].concat();
            let (policies, said) = read_configured(&Settings::default(), &config, &snapshot(&[]), &[("configuration-snippet", text)]);
            (policies.is_some(), said.join("\n"))
        };
        for (key, [strict, loose], directive, [strict_word, loose_word]) in [
            ("enable-underscores-in-headers", ["false", "true"], "underscores_in_headers", ["off", "on"]),
            ("ignore-invalid-headers", ["true", "false"], "ignore_invalid_headers", ["ON", "off"]),
            ("ssl-session-tickets", ["false", "true"], "ssl_session_tickets", ["off", "on"]),
        ] {
            let (asks, loosens) = (format!("expires 1h;\n{directive} {strict_word};"), format!("{directive} {loose_word};"));
            let (is_served, said) = read(key, loose, &asks);
            let place = format!("line 2, column 1: \"{directive}\": the key {key} of the main ConfigMap");
            assert!(!is_served && said.contains(&place) && said.contains("and says otherwise"), "{said}");
            for (value, text) in [(strict, &asks), (strict, &loosens), (loose, &loosens)] {
                let (is_served, said) = read(key, value, text);
                assert!(is_served && said.contains("has no effect"), "{key} {value} {text}: {said}");
            }
        }
        assert!(read("server-tokens", "true", "server_tokens off;").0, "it keeps nobody from anything");
    }

    #[test]
    fn headers_are_hidden_by_their_beginnings_where_the_proxy_can() {
        let read = |unknown_directives: &'static [&'static str], text: &str| {
            let settings = Settings { unknown_directives, ..Settings::default() };
            let (policies, said) = read_configured(&settings, ON, &snapshot(&[]), &[("configuration-snippet", text)]);
            (policies.map(|policies| policies.route.extra.as_ref().unwrap().hidden_beginnings.len()), said)
        };
        let text = "more_clear_headers A;\nmore_clear_headers 'X-*' X-Y;";
        assert_eq!(read(&[], text), (Some(1), vec![]));
        let (policies, said) = read(&["more_clear_headers *"], text);
        assert!(
            policies.is_none()
                && said[0].contains("line 2, column 1: \"more_clear_headers\": this proxy cannot follow more_clear_headers *"),
            "{said:?}"
        );
        for bad in ["*", "Co*", "x*y", "X-**", "content-length*"] {
            assert!(read(&[], &format!("more_clear_headers {bad};")).0.is_none(), "{bad}");
        }
        assert!(read(&[], "proxy_hide_header X-*;").0.is_none(), "it has no such sign");
    }

    #[test]
    fn what_a_proxy_is_told_in_another_way_is_said() {
        let settings = Settings { unknown_directives: &["gzip_comp_level"], ..Settings::default() };
        let (policies, said) = read_configured(&settings, ON, &snapshot(&[]), &[("configuration-snippet", "gzip on; gzip_comp_level 5;")]);
        assert!(policies.is_some() && said.len() == 1 && said[0].contains("cannot follow gzip_comp_level, and does without"), "{said:?}");
    }

    #[test]
    fn headers_that_a_proxy_has_no_word_for_cost_themselves() {
        let settings = Settings { unknown_variables: vec!["upstream_addr", "ssl_client_escaped_cert"], ..Settings::default() };
        let text = "add_header X-Up $upstream_addr;\nadd_header X-A b;\nproxy_set_header X-Cert $ssl_client_escaped_cert;";
        let (policies, said) = read_configured(&settings, ON, &snapshot(&[]), &[("configuration-snippet", text)]);
        let extra = policies.unwrap().route.extra.clone().unwrap();
        let answers: Vec<_> = extra.answer_headers.iter().map(|header| header.name.to_string()).collect();
        assert_eq!(answers, ["X-A"]);
        assert_eq!(extra.request_headers[0].value.literal(), Some(""), "no client says it");
        let [up, cert] = &said[..] else { panic!("{said:?}") };
        assert!(up.contains("line 1, column 1: \"add_header\": this proxy has no $upstream_addr, so the header X-Up is not sent"), "{up}");
        assert!(cert.contains("line 3, column 1: ") && cert.contains("the header X-Cert is not sent"), "{cert}");
        let asked = [("auth-snippet", "proxy_set_header X-C $ssl_client_escaped_cert;"), ("auth-url", "http://auth.shop.svc/")];
        let (policies, said) = read_configured(&settings, ON, &snapshot(&[]), &asked);
        assert!(policies.is_none() && said.iter().any(|said| said.contains("this proxy has no $ssl_client_escaped_cert")), "{said:?}");
        let returned = [("configuration-snippet", "return 200 $upstream_addr;")];
        assert!(read_configured(&settings, ON, &snapshot(&[]), &returned).0.is_none(), "an answer would be another one");
    }

    #[test]
    fn what_the_snippet_of_a_host_sets_is_known_to_that_of_its_routes() {
        let read = |host: &str, route: &str| {
            let pairs = [("server-snippet", host), ("configuration-snippet", route)];
            let (policies, said) = read_configured(&Settings::default(), ON, &snapshot(&[]), &pairs);
            let extra = policies.and_then(|policies| policies.route.extra.clone());
            let value = extra.map(|extra| extra.answer_headers[0].value.clone());
            (value.map(|value| value.literal().unwrap_or("?").to_owned()), said)
        };
        assert_eq!(read("set $x a; set $Y \"${x}b\";", "add_header X $x-$y;"), (Some("a-ab".to_owned()), vec![]));
        assert_eq!(read("set $x a;", "set $x c; add_header X $x;").0.as_deref(), Some("c"));
        assert_eq!(read("set $x $host;", "add_header X $x;").0.as_deref(), Some("?"));
        for host in ["set $z a;", "set $x a; if ($arg_a) { set $x b; }", "if ($arg_a) { set $x b; }", "set $host a;"] {
            let (value, said) = read(host, "add_header X $x;");
            assert!(value.is_none() && said.iter().any(|said| said.contains("\"$x\" is not a variable")), "{host}: {said:?}");
        }
    }

    #[test]
    fn endpoints_that_speak_tls_are_told_a_name() {
        let text = ("configuration-snippet", "proxy_ssl_server_name on;\nproxy_ssl_name a.example;\nproxy_ssl_verify off;");
        let read = |pairs: &[(&str, &str)]| read_configured(&Settings::default(), ON, &snapshot(&[]), pairs);
        let (policies, said) = read(&[text, ("backend-protocol", "HTTPS")]);
        assert_eq!((policies.unwrap().told_name.unwrap().to_string(), said), ("a.example".to_owned(), vec![]));
        assert!(read(&[text]).1[0].contains("the endpoints speak no TLS"));
        assert_eq!(read(&[("server-snippet", text.1)]).1, Vec::<String>::new(), "the endpoints of all routes of the host are");
        let variable = read(&[("configuration-snippet", "proxy_ssl_name $host;"), ("backend-protocol", "HTTPS")]).1;
        assert!(variable[0].contains("\"$host\" differs from request to request"), "{variable:?}");
        for bad in ["proxy_ssl_name $host;", "proxy_ssl_verify on;", "proxy_ssl_certificate /a;"] {
            assert!(read(&[("configuration-snippet", bad), ("backend-protocol", "HTTPS")]).0.is_none(), "{bad}");
        }
    }

    /// Of one whose block is wrong the place is its own, or that of the directive inside.
    #[test]
    fn whatever_is_said_of_a_directive_names_its_place() {
        let settings = Settings {
            raw_snippet_namespaces: vec!["shop".to_owned(), "default".to_owned()],
            unknown_directives: &["gzip_vary", "sub_filter"],
            unknown_variables: vec!["msec"],
            ..Settings::default()
        };
        let told = |settings: &Settings, pairs: &[(&str, &str)]| read_configured(settings, ON, &snapshot(&[]), pairs).1;
        let plain = Settings { raw_snippet_namespaces: Vec::new(), ..settings.clone() };
        for (text, place, why) in [
            ("\nexpires 1h;\n  sub_filter a b;", "line 3, column 3: \"sub_filter\"", "this proxy cannot follow sub_filter"),
            ("expires 1h; add_header A \"$msec\";", "line 1, column 13: \"add_header\"", "this proxy has no $msec"),
            ("set $a ${msec};\nadd_header A $a;", "line 1, column 1: \"set\"", "this proxy has no $msec"),
            ("allow 10.0.0.0/8;\n\tdeny 10.1.0.0/16;\ndeny all;", "line 2, column 2: \"deny\"", "in one order only"),
            ("allow 10.0.0.0/8;\nallow 11.0.0.0/8;", "line 2, column 1: \"allow\"", "in one order only"),
            ("expires 1h;\n limit_req zone=none;", "line 2, column 2: \"limit_req\"", "there is no zone"),
            (" sub_filter_types *;", "line 1, column 2: \"sub_filter_types\"", "there is no sub_filter"),
            ("expires 1h;\nlimit_conn_zone $remote_addr zone=a:1m;", "line 2, column 1: \"limit_conn_zone\"", "zones are not defined here"),
            ("if ($arg_a) {\n  add_header Server x;\n  return 403;\n}", "line 2, column 3: \"add_header\"", "the proxy's own"),
            ("expires 1h;\n  location /a { root /x; }", "line 2, column 17: \"root\"", "only return"),
            ("expires 1h;\n  location { deny all; }", "line 2, column 3: \"location\"", "there is no path"),
            ("gzip on;\ngzip_vary off;", "line 2, column 1: \"gzip_vary\"", "cannot follow gzip_vary, and does without"),
            ("expires 1h;\n keepalive_timeout 5;", "line 2, column 2: \"keepalive_timeout\"", "keepalive_timeout has no effect"),
            ("root /a;", "line 1, column 1: \"root\"", "no meaning"),
        ] {
            let said = told(&plain, &[("configuration-snippet", text)]);
            let begin = format!("configuration-snippet: {place}: ");
            assert!(matches!(&said[..], [one] if one.starts_with(&begin) && one.contains(why)), "{text}: {said:?}");
        }
        let both = [("configuration-snippet", "expires 1h; deny 10.0.0.1;"), ("denylist-source-range", "10.0.0.2")];
        assert!(told(&plain, &both)[0].starts_with("configuration-snippet: line 1, column 13: \"deny\": denylist-source-range"));
        for (name, text, place) in [
            ("server-snippet", "expires 1h; satisfy any;", "line 1, column 13: \"satisfy\""),
            ("server-snippet", "expires 1h;\nrewrite ^/a /b break;", "line 2, column 1: \"rewrite\""),
            ("auth-snippet", "proxy_set_header A b; return 200;", "line 1, column 23: \"return\""),
        ] {
            let said = told(&plain, &[("auth-url", "http://auth.example/"), (name, text)]);
            assert!(said.iter().any(|said| said.starts_with(&format!("{name}: {place}: "))), "{text}: {said:?}");
        }
        let said = told(&settings, &[("configuration-snippet", "expires 1h;\nmp4_buffer_size 1m;\n mp4_buffer_size 2m;")]);
        let places = ["line 2, column 1: \"mp4_buffer_size\": mp4_buffer_size is passed", "line 3, column 2: "];
        assert!(said.len() == 2 && places.iter().zip(&said).all(|(place, said)| said.contains(place)), "{said:?}");
    }

    #[test]
    fn a_protection_of_a_host_that_is_not_applied_closes_it() {
        let too_long = format!("deny all; #{}", "x".repeat(70_000));
        for text in [
            "location /a { deny all; proxy_pass http://b; }",
            "if ($arg_a) { return 403; } root /etc;",
            "if ($arg_a) { return  403; } root /etc;",
            "if ($arg_a) { return\t403; } root /etc;",
            "if ($arg_a) { return \"403\"; } root /etc;",
            "if ($http_x = \"\") { return 302 https://login.test/; } root /x;",
            "if ($http_x) { return 403; } rewrite ^/a /b break;",
            "if ($http_x) { rewrite ^ /login break; }",
            "rewrite ^/admin(.*) /forbidden$1 last;",
            "rewrite ^/admin /forbidden last; root /x;",
            "deny 10.0.0.0/8; satisfy any;",
            "auth_basic x;",
            "deny all; }",
            "x",
            &too_long,
        ] {
            closes(&[("server-snippet", text)], text);
        }
    }

    #[test]
    fn a_protection_of_a_host_outlives_mistakes_beside_it() {
        for beside in [("configuration-snippet", "root /x;"), ("stream-snippet", "x"), ("auth-snippet", "return 200;")] {
            closes(&[("server-snippet", "deny all;"), beside], beside.0);
            closes(&[("server-snippet", "limit_conn few 1;"), beside], beside.0);
            let pairs = [("server-snippet", "add_header A b; # deny all"), beside];
            let (policies, said) = read_configured(&Settings::default(), ON, &snapshot(&[]), &pairs);
            assert!(policies.is_none() && said.len() == 1, "nobody is kept out: {said:?}");
        }
        let config = [ON, &[("annotation-value-word-blocklist", "evil")][..]].concat();
        let pairs = [("server-snippet", "deny all;"), ("app-root", "/evil")];
        let (policies, said) = read_configured(&Settings::default(), &config, &snapshot(&[]), &pairs);
        assert!(policies.unwrap().server_snippet.is_some() && said[0].ends_with("(route answers 503)"), "{said:?}");
    }

    /// The routes of the host answer 503, and it is told.
    #[track_caller]
    fn closes(pairs: &[(&str, &str)], case: &str) {
        let (policies, said) = read_configured(&Settings::default(), ON, &snapshot(&[]), pairs);
        let (policies, mut route) = (policies.unwrap(), RoutePolicy::default());
        policies.server_snippet.as_ref().unwrap().apply_below(&mut route);
        let is_told = |said: &String| {
            said.ends_with("every route of its hosts answers 503, for server-snippet may keep somebody out (route answers 503)")
        };
        assert!(policies.closed && said.iter().all(is_told) && !said.is_empty(), "{case}: {said:?}");
        assert_eq!(route.extra.unwrap().answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [503], "{case}");
    }

    #[test]
    fn named_namespaces_may_say_what_has_no_meaning() {
        let settings = Settings { raw_snippet_namespaces: vec!["shop".to_owned(), "default".to_owned()], ..Settings::default() };
        let read = |settings: &Settings, text| read_configured(settings, ON, &snapshot(&[]), &[("configuration-snippet", text)]);
        let text = "mp4_buffer_size 1m;\nadd_header A b;\nlimit_except GET { auth_basic off; }";
        let (policies, said) = read(&settings, text);
        let extra = policies.unwrap().route.extra.clone().unwrap();
        assert_eq!((extra.raw.len(), extra.answer_headers.len(), extra.answers.len(), said.len()), (2, 1, 0, 2), "{said:?}");
        for (refused, why) in [
            ("root /etc;", "column 1: \"root\": it reads files, writes them or runs code"),
            ("limit_except GET { include /etc/passwd; }", "column 20: \"include\": it reads files"),
            ("content_by_lua_block { x; }", "no code is run here"),
            ("if ($arg_a) { add_header Server x; }", "the proxy's own"),
            ("location /a { rewrite ^ /../etc/passwd break; }", "\"location\": a proxy that looks for files might find some behind it"),
            ("if ($http_x) { dav_methods PUT; }", "accepted inside"),
            ("types { text/css css; }", "\"types\": it is for files"),
            ("limit_except GET { a/b c; }", "\"a/b\": it is no name of a directive"),
            ("proxy_pass http://other.example;", "the route has one already"),
            ("scgi_pass 127.0.0.1:9;", "the route has one already"),
        ] {
            let (policies, said) = read(&settings, refused);
            assert!(policies.is_none() && said[0].contains(why), "{refused}: {said:?}");
        }
        assert!(read(&Settings { unknown_directives: &["raw"], ..settings }, text).0.is_none(), "not where the proxy cannot follow");
        assert!(read(&Settings::default(), text).0.is_none());
    }

    #[test]
    fn headers_that_endpoints_are_told_have_the_names_of_ingress_nginx() {
        let text = "proxy_set_header 'X-Forwarded-User' $authHeader1;";
        let read = |headers| {
            let pairs = [("auth-url", "http://auth.example/"), ("auth-response-headers", headers), ("configuration-snippet", text)];
            let (policies, said) = read_configured(&Settings::default(), ON, &snapshot(&[]), &pairs);
            (
                policies.map(|policies| policies.route.told_answers().iter().map(|header| header.as_str().to_owned()).collect::<Vec<_>>()),
                said,
            )
        };
        assert_eq!(read("X-Token, X-User"), (Some(vec!["X-Token".to_owned(), "X-User".to_owned()]), vec![]));
        assert!(read("X-Token").0.is_none(), "there is no second one");
    }

    /// As the guides of Authelia have it.
    #[test]
    fn a_snippet_says_where_clients_sign_in() {
        const AUTH: (&str, &str) = ("auth-url", "http://auth.example/");
        let read = |pairs: &[(&str, &str)]| {
            let (policies, said) = read_configured(&Settings::default(), ON, &snapshot(&[]), pairs);
            let sign_in = policies.and_then(|policies| policies.route.external_auth.as_ref()?.sign_in.clone());
            (sign_in.map(|sign_in| (sign_in.url.variables().count(), sign_in.url.answered().count(), sign_in.joint)), said)
        };
        let url = "error_page 401 =302 https://auth.example/?rd=$scheme://$http_host$request_uri;";
        assert_eq!(read(&[AUTH, ("configuration-snippet", url)]), (Some((3, 0, None)), vec![]));
        let answered = "auth_request_set $to $upstream_http_location;\nerror_page 401 =302 $to;";
        assert_eq!(read(&[AUTH, ("configuration-snippet", answered)]), (Some((0, 1, None)), vec![]));
        let both = [AUTH, ("auth-signin", "https://own.example/?rd=x"), ("configuration-snippet", url)];
        let (sign_in, said) = read(&both);
        assert_eq!(sign_in, Some((0, 0, None)), "the annotation counts");
        assert!(said.len() == 1 && said[0].contains("line 1, column 1: \"error_page\": it does nothing, for auth-signin"), "{said:?}");
        for (name, text, why) in [
            ("server-snippet", url, "each route has its own"),
            ("configuration-snippet", "error_page 401 =302 $http_x;", "is not a URL that clients can be sent to"),
            ("configuration-snippet", "error_page 401 =303 https://a.test/;", "custom-http-errors"),
        ] {
            let said = read(&[AUTH, (name, text)]).1;
            assert!(said.iter().any(|said| said.contains(why)), "{text}: {said:?}");
        }
        let said = read(&[("configuration-snippet", url)]).1;
        assert!(said[0].contains("no service is asked that could answer 401"), "{said:?}");
    }

    #[test]
    fn a_service_that_decides_gets_the_headers_of_its_snippet() {
        let pairs = [("auth-url", "http://auth.example/"), ("auth-snippet", "proxy_set_header X-A b;")];
        let (policies, said) = read_configured(&Settings::default(), ON, &snapshot(&[]), &pairs);
        assert_eq!(policies.unwrap().route.external_auth.as_ref().unwrap().request_headers.len(), 1, "{said:?}");
    }
}
