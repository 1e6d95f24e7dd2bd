//! `auth-tls-secret` and its kin: certificates of clients.

use super::{Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::{Authority, ClientAuth, ClientCertificates, ClientErrorPage, VerifyClient};
use crate::names::{Kind, TextRegex, UriPath, UrlText, shown};
use std::sync::Arc;

const NAMES: [&str; 6] = [
    "auth-tls-secret",
    "auth-tls-verify-client",
    "auth-tls-verify-depth",
    "auth-tls-error-page",
    "auth-tls-pass-certificate-to-upstream",
    "auth-tls-match-cn",
];

/// Those whose bad values leave the default.
const DEFAULTED: [&str; 2] = [NAMES[1], NAMES[2]];

pub(super) const FEATURE: Feature = Feature {
    name: "Certificates of clients",
    keys: &[
        Key::new(
            NAMES[0],
            Value::Object(Kind::Secret),
            Scope::Host,
            "The Secret with the authorities (`ca.crt`) whose certificates clients of the hosts need, and what they have revoked \
             (`ca.crl`); written `namespace/name`. If it cannot be used, every request to the hosts is answered 403. All other \
             `auth-tls-*` annotations need it. Plain HTTP is not checked. Of several Ingresses of a host the oldest decides; the \
             routes of one that would keep out more answer 503.",
        )
        .refused_when_bad()
        .ranked(Tier::A, Risk::Medium)
        .on_bad_value(OnBadValue::CloseRoute),
        Key::new(
            NAMES[1],
            Value::Word(&["on", "off", "optional", "optional_no_ca"]),
            Scope::Host,
            "Whether a client needs a certificate; without a good one it is answered 400.",
        )
        .ranked(Tier::A, Risk::Medium)
        .default("on"),
        Key::new(NAMES[2], Value::Integer, Scope::Host, "So many authorities may stand between a certificate and those of `ca.crt`.")
            .default("1"),
        Key::new(
            NAMES[3],
            Value::Other("an `http` or `https` URL, or a path"),
            Scope::Host,
            "Where clients without a good certificate go in place of 400: a URL by redirect (302), a path of the host at once.",
        )
        .refused_when_bad()
        .ranked(Tier::B, Risk::High)
        .on_bad_value(OnBadValue::CloseRoute),
        Key::new(NAMES[4], Value::Bool, Scope::Host, "Endpoints get the certificate in `ssl-client-cert`, percent-encoded.")
            .refused_when_bad()
            .default("false")
            .on_bad_value(OnBadValue::CloseRoute),
        Key::new(
            NAMES[5],
            Value::Other("`CN=` and a regular expression"),
            Scope::Host,
            "What the subject of the certificate has to match somewhere; otherwise 403, on plain HTTP as well.",
        )
        .refused_when_bad()
        .ranked(Tier::B, Risk::High)
        .on_bad_value(OnBadValue::CloseRoute),
    ],
    apply,
};

/// Whether a mistake in an annotation of this name lets nobody into the hosts.
pub(super) fn denies(name: &str, policies: &Policies) -> bool {
    FEATURE.keys.iter().any(|key| key.name == name) && policies.host.client_auth == Some(ClientAuth::Denied)
}

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    if given.refuse_empty("auth-tls-secret") {
        policies.host.client_auth = Some(ClientAuth::Denied);
    }
    if given.text("auth-tls-secret").is_none() {
        return;
    }
    let verify = given.word(
        "auth-tls-verify-client",
        &[
            ("on", VerifyClient::Required),
            ("off", VerifyClient::Off),
            ("optional", VerifyClient::Optional),
            ("optional_no_ca", VerifyClient::OptionalOfAny),
        ],
    );
    let verify = verify.unwrap_or(VerifyClient::Required);
    let depth = given.verify_depth("auth-tls-verify-depth");
    let error_page = error_page(given);
    let pass_certificate = given.bool("auth-tls-pass-certificate-to-upstream").unwrap_or(false);
    let subject = subject(given);
    let authority = authority(given);
    // Of how certificates are checked the default is the strictest that can be said, and so opens nothing.
    if NAMES.iter().any(|name| given.is_bad(name) && !DEFAULTED.contains(name)) {
        policies.host.client_auth = Some(ClientAuth::Denied);
        return;
    }
    let Some(authority) = authority else { return };
    policies.host.client_auth = Some(ClientAuth::Checked(ClientCertificates {
        authority: authority.id.clone(),
        has_revocations: authority.revocations.is_some(),
        verify,
        depth,
        error_page,
        pass_certificate,
        subject,
    }));
    policies.authority = Some(Arc::new(authority));
}

fn authority(given: &mut Given<'_>) -> Option<Authority> {
    const NAME: &str = "auth-tls-secret";
    let text = given.text(NAME)?;
    if !text.contains('/') {
        given.refuse(NAME, format_args!("{} has no namespace", shown(text)), "write namespace/name");
        return None;
    }
    let name = given.object(NAME)?;
    let Some(secret) = given.objects.secret(&name) else {
        given.miss(NAME, Kind::Secret, &name);
        return None;
    };
    secret
        .authority
        .clone()
        .map_err(|why| given.refuse(NAME, format_args!("Secret {name} holds no authority: {why}"), "put PEM certificates into ca.crt"))
        .ok()
}

fn error_page(given: &mut Given<'_>) -> Option<ClientErrorPage> {
    const NAME: &str = "auth-tls-error-page";
    let text = given.text(NAME)?;
    if text.starts_with("http://") || text.starts_with("https://") {
        return given.parsed(NAME, UrlText::new).map(ClientErrorPage::Url);
    }
    if text.starts_with('/') {
        return given.parsed(NAME, UriPath::new).map(ClientErrorPage::Path);
    }
    given.refuse(NAME, format_args!("{} is neither a URL nor a path", shown(text)), "use a URL such as https://a.example/error, or a path");
    None
}

fn subject(given: &mut Given<'_>) -> Option<TextRegex> {
    const NAME: &str = "auth-tls-match-cn";
    let text = given.text(NAME)?;
    if !text.starts_with("CN=") {
        given.refuse(NAME, format_args!("{} does not begin with CN=", shown(text)), "use CN= and an expression");
        return None;
    }
    given.parsed(NAME, TextRegex::new)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read_in, snapshot};
    use super::*;
    use crate::settings::Settings;
    use serde_json::json;

    fn read(pairs: &[(&str, &str)]) -> (Policies, Vec<String>) {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["ca".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
        let secret = |name: &str, data: serde_json::Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "shop"}, "stringData": data});
        let world = snapshot(&[secret("ca", json!({"ca.crt": certificate})), secret("none", json!({"tls.crt": "x"}))]);
        let (policies, said) = read_in(&Settings::default(), &world, pairs);
        (policies.unwrap(), said)
    }

    fn checked(pairs: &[(&str, &str)]) -> ClientCertificates {
        let (policies, said) = read(&[&[("auth-tls-secret", "shop/ca")], pairs].concat());
        assert!(!policies.closed && said.iter().all(|one| one.contains("the value is empty")), "{pairs:?}: {said:?}");
        match policies.host.client_auth.clone().unwrap() {
            ClientAuth::Checked(checked) if checked.authority == policies.authority.as_ref().unwrap().id => checked,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_part_reaches_the_host() {
        let plain = checked(&[]);
        assert_eq!((plain.verify, plain.depth, plain.has_revocations, plain.pass_certificate), (VerifyClient::Required, 1, false, false));
        for (word, verify) in
            [("off", VerifyClient::Off), ("optional", VerifyClient::Optional), ("optional_no_ca", VerifyClient::OptionalOfAny)]
        {
            assert_eq!(checked(&[("auth-tls-verify-client", word)]).verify, verify);
        }
        let depth = |value| checked(&[("auth-tls-verify-depth", value)]).depth;
        assert_eq!([depth("2"), depth("100"), depth("")], [2, 100, 1]);
        assert!(matches!(checked(&[("auth-tls-error-page", "http://h.test/error")]).error_page, Some(ClientErrorPage::Url(_))));
        assert!(matches!(checked(&[("auth-tls-error-page", "/error")]).error_page, Some(ClientErrorPage::Path(_))));
        assert!(checked(&[("auth-tls-pass-certificate-to-upstream", "true")]).pass_certificate);
        assert_eq!(checked(&[("auth-tls-match-cn", "CN=(a|authtls)")]).subject.unwrap().as_str(), "CN=(a|authtls)");
    }

    #[test]
    fn what_cannot_be_used_closes_the_routes_and_denies_the_host() {
        for (name, value) in [
            ("auth-tls-secret", "ca"),
            ("auth-tls-secret", "shop/missing"),
            ("auth-tls-secret", "shop/none"),
            ("auth-tls-secret", "other/ca"),
            ("auth-tls-error-page", "javascript:x"),
            ("auth-tls-error-page", "https://a.test/\"; return 418"),
            ("auth-tls-pass-certificate-to-upstream", "yes"),
            ("auth-tls-match-cn", "admin"),
            ("auth-tls-match-cn", "CN=("),
            ("auth-tls-match-cn", "CN=a\"){}"),
        ] {
            let mut pairs = vec![("auth-tls-secret", "shop/ca"), (name, value)];
            pairs.drain(..usize::from(name == "auth-tls-secret"));
            let (policies, said) = read(&pairs);
            assert!(policies.closed && policies.host.client_auth == Some(ClientAuth::Denied), "{name}: {value}");
            assert!(said.len() == 1 && said[0].starts_with(&format!("{name}: ")), "{said:?}");
        }
    }

    #[test]
    fn a_certificate_is_asked_for_in_the_strictest_way_when_it_is_not_clear_how() {
        for (name, value) in [
            ("auth-tls-verify-client", "yes"),
            ("auth-tls-verify-client", "optional_no_ca; return 418"),
            ("auth-tls-verify-depth", "0"),
            ("auth-tls-verify-depth", "-3"),
            ("auth-tls-verify-depth", "1; return 418"),
            ("auth-tls-verify-depth", "99999999999999999999"),
        ] {
            let (policies, said) = read(&[("auth-tls-secret", "shop/ca"), (name, value)]);
            let Some(ClientAuth::Checked(checked)) = policies.host.client_auth.clone() else { panic!("{name}: {value}") };
            assert_eq!((policies.closed, checked.verify, checked.depth), (false, VerifyClient::Required, 1), "{name}: {value}");
            assert!(said.len() == 1 && said[0].starts_with(&format!("{name}: ")), "{said:?}");
        }
    }

    #[test]
    fn a_huge_depth_is_told() {
        let (policies, said) = read(&[("auth-tls-secret", "shop/ca"), ("auth-tls-verify-depth", "101")]);
        let depth = policies.host.client_auth.map(|auth| if let ClientAuth::Checked(checked) = auth { checked.depth } else { 0 });
        assert_eq!((depth, said.len()), (Some(100), 1), "{said:?}");
    }

    #[test]
    fn without_a_secret_the_rest_does_nothing() {
        let (policies, said) = read(&[("auth-tls-match-cn", "x")]);
        assert!(policies.host.client_auth.is_none() && !policies.closed);
        assert_eq!(said, ["auth-tls-match-cn: without auth-tls-secret it does nothing (served)"]);
    }

    #[test]
    fn an_empty_secret_lets_nobody_in() {
        let (policies, said) = read(&[("auth-tls-secret", " ")]);
        assert_eq!((policies.host.client_auth, policies.closed), (Some(ClientAuth::Denied), true));
        assert_eq!(said, ["auth-tls-secret: the value is empty (host answers 403)"]);
    }
}
