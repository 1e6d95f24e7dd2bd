//! `auth-url` and its kin: a service decides whether a request may pass.

use super::directives::names_of_answers;
use super::{Class, Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::{AuthCache, AuthMethod, ExternalAuth, SignIn, UpstreamKeepalive};
use crate::names::variable::LABELS;
use crate::names::{BadText, HeaderName, Kind, VariableText, shown};
use crate::settings::auth;
use crate::settings::values::Mistake;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const FEATURE: Feature = Feature {
    name: "External authentication",
    keys: &[
        Key::new(
            "auth-url",
            Value::Other("an `http` or `https` URL, with variables"),
            Scope::Route,
            "A service that is asked about every request: any 2xx lets it pass, 401 and 403 are answered to the client, everything else \
             is 500. `$host` may stand in place of the host. How long it is waited for is said by `proxy-connect-timeout` and \
             `proxy-read-timeout` of the ConfigMap, for all Ingresses alike; at most 20 minutes where an agent asks. All other `auth-*` \
             annotations here need it.",
        )
        .refused_when_bad()
        .ranked(Tier::A, Risk::High)
        .configured("global-auth-url", "")
        .on_bad_value(OnBadValue::CloseRoute),
        Key::new("auth-method", Value::Word(AuthMethod::NAMES), Scope::Route, "The method that the service is asked with.")
            .ranked(Tier::B, Risk::Low)
            .configured("global-auth-method", "GET")
            .on_bad_value(OnBadValue::CloseRoute),
        Key::new(
            "auth-signin",
            Value::Other("an `http` or `https` URL or a path, with variables"),
            Scope::Route,
            "Where clients are sent (302) in place of 401, with the URL that they asked for as a parameter. Names that snippets give to \
             headers of the service's answer with `auth_request_set` may stand in it.",
        )
        .ranked(Tier::A, Risk::High)
        .configured("global-auth-signin", ""),
        Key::new("auth-signin-redirect-param", Value::Text(Class::Basic), Scope::Route, "The name of that parameter.")
            .ranked(Tier::B, Risk::Medium)
            .configured("global-auth-signin-redirect-param", "rd"),
        Key::new(
            "auth-response-headers",
            Value::List(Class::Headers),
            Scope::Route,
            "Headers of the service's answer that endpoints get in place of the client's.",
        )
        .ranked(Tier::A, Risk::Medium)
        .configured("global-auth-response-headers", "")
        .on_bad_value(OnBadValue::CloseRoute),
        Key::new("auth-request-redirect", Value::Text(Class::Url), Scope::Route, "What the service gets as `X-Auth-Request-Redirect`.")
            .ranked(Tier::B, Risk::Medium)
            .configured("global-auth-request-redirect", "the target of the request")
            .on_bad_value(OnBadValue::CloseRoute),
        Key::new("auth-proxy-set-headers", Value::Object(Kind::ConfigMap), Scope::Route, "Further headers for the service.")
            .ranked(Tier::B, Risk::Medium)
            .on_bad_value(OnBadValue::CloseRoute),
        Key::new(
            "auth-cache-key",
            Value::Text(Class::Variable),
            Scope::Route,
            "Keeps answers of the service, by this text, the route and the credentials of the client.",
        )
        .ranked(Tier::B, Risk::Medium)
        .configured("global-auth-cache-key", ""),
        Key::new(
            "auth-cache-duration",
            Value::Other("status codes or `any`, then a time; such items separated by commas"),
            Scope::Route,
            "How long they are kept.",
        )
        .ranked(Tier::B, Risk::Medium)
        .configured("global-auth-cache-duration", auth::USUAL_TIMES)
        .on_bad_value(OnBadValue::CloseRoute),
        Key::new("auth-keepalive", Value::Integer, Scope::Route, "Idle connections to the service; 0: none.")
            .ranked(Tier::C, Risk::Low)
            .default("0"),
        Key::new(
            "auth-keepalive-share-vars",
            Value::Bool,
            Scope::Route,
            "Has no effect: service and endpoint always get the same request id.",
        )
        .ranked(Tier::C, Risk::Low)
        .default("false"),
        Key::new("auth-keepalive-requests", Value::Integer, Scope::Route, "Requests of one such connection; 0: none is kept.")
            .ranked(Tier::C, Risk::Low)
            .default("1000"),
        Key::new("auth-keepalive-timeout", Value::Seconds, Scope::Route, "How long such a connection is kept; 0: none is.")
            .ranked(Tier::C, Risk::Low)
            .default("60"),
        Key::new(
            "auth-always-set-cookie",
            Value::Bool,
            Scope::Route,
            "Cookies of the service reach the client whatever the status of the answer, and not only with success and redirects.",
        )
        .ranked(Tier::C, Risk::Low)
        .configured("global-auth-always-set-cookie", "false")
        .on_bad_value(OnBadValue::CloseRoute),
        Key::new("enable-global-auth", Value::Bool, Scope::Route, "Whether `global-auth-url` of the ConfigMap holds for the Ingress.")
            .ranked(Tier::B, Risk::Low)
            .default("true"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    if given.bool("enable-global-auth") == Some(false) {
        policies.route().external_auth = None;
        policies.lost.auth = false;
    }
    if given.refuse_empty("auth-url") {
        return;
    }
    let Some(url) = read(given, "auth-url", auth::service_url) else { return };
    let auth = ExternalAuth {
        url,
        method: method(given),
        sign_in: sign_in(given, policies.reads_snippets),
        response_headers: read(given, "auth-response-headers", auth::response_headers).unwrap_or_default(),
        request_headers: request_headers(given),
        redirect_target: read(given, "auth-request-redirect", auth::redirect_target),
        cache: cache(given),
        always_set_cookie: given.bool("auth-always-set-cookie").unwrap_or(false),
        keepalive: keepalive(given),
    };
    let _ = given.bool("auth-keepalive-share-vars");
    policies.route().external_auth = Some(Arc::new(auth));
    policies.lost.auth = false;
}

fn read<T>(given: &mut Given<'_>, name: &'static str, reader: fn(&str) -> Result<T, Mistake>) -> Option<T> {
    let text = given.text(name)?;
    reader(text).map_err(|Mistake { message, help }| given.refuse(name, message, help)).ok()
}

fn method(given: &mut Given<'_>) -> Option<AuthMethod> {
    let text = given.words("auth-method")?;
    let method = AuthMethod::new(text);
    if method.is_none() {
        given.refuse("auth-method", format_args!("{} is not known", shown(text)), format!("use one of {}", AuthMethod::NAMES.join(", ")));
    }
    method
}

/// The URL may have what snippets name of the service's answer.
fn sign_in(given: &mut Given<'_>, reads_snippets: bool) -> Option<SignIn> {
    let parameter = read(given, "auth-signin-redirect-param", auth::parameter).unwrap_or_else(|| "rd".to_owned());
    let text = given.text("auth-signin")?;
    let snippets = ["server-snippet", "configuration-snippet", "auth-snippet"].map(|name| given.text(name).filter(|_| reads_snippets));
    let named: BTreeMap<_, _> = snippets.into_iter().flatten().flat_map(names_of_answers).collect();
    let answered = |name: &str| named.get(&name.to_ascii_lowercase()).cloned();
    auth::sign_in_with_answers(text, &parameter, answered)
        .map_err(|Mistake { message, help }| given.refuse("auth-signin", message, help))
        .ok()
}

fn request_headers(given: &mut Given<'_>) -> Vec<(HeaderName, VariableText)> {
    const NAME: &str = "auth-proxy-set-headers";
    let Some(name) = given.object(NAME) else { return Vec::new() };
    let Some(map) = given.objects.config_map(&name) else {
        given.miss(NAME, Kind::ConfigMap, &name);
        return Vec::new();
    };
    let mut headers = Vec::new();
    for (key, value) in &map.data {
        if let Some(variable) = value_of(value).ok().and_then(|value| lacking(given, &value)) {
            given.refuse(NAME, format_args!("ConfigMap {name}: this proxy has no ${variable}"), "use another variable");
            return Vec::new();
        }
        let header = auth::header(key);
        let value = value_of(value).map_err(|bad| Mistake::new(bad.0, "use text on one line and variables such as $host"));
        match header.and_then(|header| Ok((header, value?))) {
            Ok(header) => headers.push(header),
            Err(Mistake { message, help }) => {
                given.refuse(NAME, format_args!("ConfigMap {name}: {message}"), help);
                return Vec::new();
            }
        }
    }
    headers
}

/// Of a header, as it stands in a ConfigMap.
fn value_of(text: &str) -> Result<VariableText, BadText> {
    VariableText::parse(text.trim_end_matches(['\n', '\r']))
}

/// The first variable that the proxy has no word for; those that stand for the route are filled in.
fn lacking(given: &Given<'_>, text: &VariableText) -> Option<String> {
    let filled = text.filled(|name| LABELS.contains(&name).then_some("label"));
    given.lacks_variable(&filled).map(str::to_owned)
}

/// Without one, every request is decided by itself.
fn cache(given: &mut Given<'_>) -> Option<AuthCache> {
    const KEY: &str = "auth-cache-key";
    let times = read(given, "auth-cache-duration", auth::cache_times);
    let key = read(given, KEY, auth::cache_key)?;
    if let Some(variable) = lacking(given, &key) {
        given.refuse(KEY, format_args!("this proxy has no ${variable}, so no answer is kept"), "use another variable");
        return None;
    }
    let usual = || auth::cache_times(auth::USUAL_TIMES).unwrap_or_default();
    Some(AuthCache { key, times: times.unwrap_or_else(usual) })
}

/// 0 and less: no connection is kept.
fn keepalive(given: &mut Given<'_>) -> UpstreamKeepalive {
    const MOST: u64 = 10_000;
    let mut number = |name, usual| given.integer(name).map_or(usual, |number| u64::try_from(number).unwrap_or(0));
    let (connections, requests, timeout_s) =
        (number("auth-keepalive", 0), number("auth-keepalive-requests", 1000), number("auth-keepalive-timeout", 60));
    if connections == 0 || requests == 0 || timeout_s == 0 {
        return UpstreamKeepalive::none();
    }
    UpstreamKeepalive { connections: connections.min(MOST), requests, timeout_s, ..UpstreamKeepalive::default() }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read_configured, read_in, snapshot};
    use super::*;
    use crate::settings::Settings;
    use serde_json::json;

    fn read(pairs: &[(&str, &str)]) -> (Policies, Vec<String>) {
        let map = |name: &str, data: serde_json::Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": data});
        let world = snapshot(&[
            map("good", json!({"X-A": "1'; return 418; #", "X-Host": "$host\n"})),
            map("framing", json!({"Transfer-Encoding": "chunked"})),
            map("name", json!({"X-A' '1'; return 418; #": "1"})),
            map("value", json!({"X-A": "a\nb"})),
        ]);
        let (policies, said) = read_in(&Settings::default(), &world, pairs);
        (policies.unwrap(), said)
    }

    fn auth(pairs: &[(&str, &str)]) -> ExternalAuth {
        let (policies, said) = read(&[&[("auth-url", "http://auth.test/verify")], pairs].concat());
        assert_eq!((policies.closed, said), (false, vec![]), "{pairs:?}");
        policies.route.external_auth.as_deref().unwrap().clone()
    }

    #[test]
    fn every_part_reaches_the_route() {
        let plain = auth(&[]);
        assert!(plain.method.is_none() && plain.sign_in.is_none() && plain.cache.is_none() && plain.keepalive.connections == 0);
        assert_eq!(auth(&[("auth-method", "POST")]).method.map(AuthMethod::as_str), Some("POST"));
        let sign_in = auth(&[("auth-signin", "http://$host/auth/start"), ("auth-signin-redirect-param", "orig")]).sign_in.unwrap();
        assert_eq!(sign_in.joint.as_deref(), Some("?orig="));
        assert_eq!(auth(&[("auth-response-headers", "X-User, X-Email")]).response_headers.len(), 2);
        assert_eq!(auth(&[("auth-request-redirect", "http://a.test/?x=1")]).redirect_target.as_deref(), Some("http://a.test/?x=1"));
        assert_eq!(auth(&[("auth-proxy-set-headers", "shop/good")]).request_headers.len(), 2);
        assert_eq!(auth(&[("auth-cache-key", "$remote_user")]).cache.unwrap().times.len(), 1);
        assert!(auth(&[("auth-cache-duration", "200 1s")]).cache.is_none());
        assert!(auth(&[("auth-always-set-cookie", "true")]).always_set_cookie);
        let kept = |pairs: &[(&str, &str)]| auth(&[&[("auth-keepalive", "10")], pairs].concat()).keepalive.connections;
        assert_eq!((kept(&[]), kept(&[("auth-keepalive-requests", "0")]), kept(&[("auth-keepalive-timeout", "-1")])), (10, 0, 0));
    }

    #[test]
    fn the_url_to_sign_in_may_have_what_snippets_name() {
        let text = "auth_request_set $auth_resp_jwt $upstream_http_x_vouch_jwt;";
        let url = "https://vouch.test/login?url=$scheme://$http_host$request_uri&token=$auth_resp_jwt";
        let signs_in = |snippet: &str, config: &[(&str, &str)], url: &str| {
            let pairs = [("auth-url", "http://auth.test/"), ("auth-signin", url), (snippet, text)];
            let (policies, said) = read_configured(&Settings::default(), config, &snapshot(&[]), &pairs);
            let headers = |sign_in: SignIn| sign_in.url.answered().map(|header| header.as_str().to_owned()).collect::<Vec<_>>();
            (policies.unwrap().route.external_auth.as_ref().unwrap().sign_in.clone().map(headers), said)
        };
        let on = [("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")];
        for snippet in ["auth-snippet", "configuration-snippet", "server-snippet"] {
            assert_eq!(signs_in(snippet, &on, url), (Some(vec!["x-vouch-jwt".to_owned()]), vec![]), "{snippet}");
        }
        assert!(signs_in("auth-snippet", &on[1..], url).0.is_none(), "snippets are not read");
        let (none, said) = signs_in("auth-snippet", &on, "https://vouch.test/?token=$auth_resp_other");
        assert!(none.is_none() && said[0].contains("$auth_resp_other"), "{said:?}");
    }

    #[test]
    fn variables_that_the_proxy_lacks_are_said() {
        let settings = Settings { unknown_variables: vec!["msec", "namespace", "proxy_upstream_name"], ..Settings::default() };
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "shop"},
            "data": {"X-A": "$namespace", "X-B": "${proxy_upstream_name}"}});
        let read =
            |pair: (&str, &str)| read_in(&settings, &snapshot(std::slice::from_ref(&map)), &[("auth-url", "http://auth.test/"), pair]);
        let (policies, said) = read(("auth-cache-key", "$remote_user$msec"));
        let policies = policies.unwrap();
        assert!(!policies.closed && policies.route.external_auth.as_ref().unwrap().cache.is_none());
        assert_eq!(said, ["auth-cache-key: this proxy has no $msec, so no answer is kept (default kept)"]);
        let (policies, said) = read(("auth-proxy-set-headers", "shop/m"));
        assert!(policies.unwrap().closed, "the service may decide by it");
        assert_eq!(said, ["auth-proxy-set-headers: ConfigMap shop/m: this proxy has no $proxy_upstream_name (route answers 503)"]);
    }

    #[test]
    fn what_would_weaken_the_protection_closes_the_routes() {
        for (name, value) in [
            ("auth-url", "http://invalid..auth.url"),
            ("auth-url", "http://auth.example/ ; return 418; #"),
            ("auth-url", "https://$http_x_evil/"),
            ("auth-method", "get"),
            ("auth-method", "GET; return 418"),
            ("auth-response-headers", "X-User, a b"),
            ("auth-request-redirect", "$request_uri"),
            ("auth-proxy-set-headers", "shop/none"),
            ("auth-proxy-set-headers", "other/good"),
            ("auth-proxy-set-headers", "framing"),
            ("auth-proxy-set-headers", "name"),
            ("auth-proxy-set-headers", "value"),
            ("auth-cache-duration", "bogus"),
            ("auth-always-set-cookie", "yes"),
        ] {
            let mut pairs = vec![("auth-url", "http://auth.test/"), (name, value)];
            pairs.drain(..usize::from(name == "auth-url"));
            let (policies, said) = read(&pairs);
            assert!(policies.closed, "{name}: {value}");
            assert!(said.len() == 1 && said[0].starts_with(&format!("{name}: ")), "{said:?}");
        }
    }

    #[test]
    fn what_only_adds_comfort_is_left_out() {
        for (name, value) in [
            ("auth-signin", "https://a.test/?rd=$uri"),
            ("auth-signin", "//evil.test"),
            ("auth-signin-redirect-param", "a&b"),
            ("auth-cache-key", "$remote_user; return 418"),
            ("auth-keepalive", "8; } server { listen 9999; } #"),
            ("auth-keepalive-requests", "many"),
            ("auth-keepalive-share-vars", "maybe"),
            ("enable-global-auth", "no"),
        ] {
            let pairs = [("auth-url", "http://auth.test/"), (name, value)];
            let (policies, said) = read(&pairs);
            let auth = policies.route.external_auth.clone().unwrap();
            assert!(!policies.closed && auth.cache.is_none() && auth.sign_in.is_none(), "{name}: {value}");
            assert_eq!(said.len(), 1, "{name}: {value}");
        }
    }

    #[test]
    fn without_a_url_the_rest_does_nothing() {
        let pairs = [("auth-signin", "http://a.test/"), ("auth-method", "x")];
        let (policies, said) = read(&pairs);
        assert!(policies.route.external_auth.is_none() && !policies.closed);
        assert_eq!(said, ["method", "signin"].map(|name| format!("auth-{name}: without auth-url it does nothing (served)")));
    }
}
