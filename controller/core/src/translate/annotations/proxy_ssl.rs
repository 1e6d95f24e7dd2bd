//! `proxy-ssl-secret` and its kin: TLS to the endpoints.

use super::{Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::{Authority, Identity, Protocol, TlsVersions, UpstreamTls, Verify};
use crate::names::{CipherList, HostName, Kind, shown};
use crate::state::Secret;
use std::sync::Arc;

const SECRET: &str = "proxy-ssl-secret";
const VERIFY: &str = "proxy-ssl-verify";
const NAME: &str = "proxy-ssl-name";

pub(super) const FEATURE: Feature = Feature {
    name: "TLS to endpoints",
    keys: &[
        Key::new(
            SECRET,
            Value::Object(Kind::Secret),
            Scope::Backend,
            "The Secret with the certificate that endpoints are shown (`tls.crt`, `tls.key`), and with the authorities that theirs are \
             checked with (`ca.crt`); written `namespace/name`. All other `proxy-ssl-*` annotations need it, and endpoints that speak TLS. \
             Ingresses of the same host and namespace without one have the same, if their endpoints speak TLS, unless \
             `proxy-ssl-location-only` is set in the main ConfigMap: of the oldest with authorities, else of the youngest.",
        )
        .refused_when_bad()
        .ranked(Tier::B, Risk::Medium)
        .on_bad_value(OnBadValue::CloseRoute),
        Key::new(VERIFY, Value::Word(&["on", "off"]), Scope::Backend, "Certificates of endpoints are checked; `ca.crt` has to be there.")
            .ranked(Tier::B, Risk::Low)
            .default("off"),
        Key::new(
            "proxy-ssl-verify-depth",
            Value::Integer,
            Scope::Backend,
            "So many authorities may stand between a certificate and `ca.crt`.",
        )
        .ranked(Tier::C, Risk::Low)
        .default("1"),
        Key::new(NAME, Value::Other("a DNS name"), Scope::Backend, "The name that the certificate of an endpoint has to be for.")
            .ranked(Tier::B, Risk::High),
        Key::new("proxy-ssl-server-name", Value::Word(&["on", "off"]), Scope::Backend, "The name is told in the handshake.")
            .ranked(Tier::B, Risk::Low)
            .default("off"),
        Key::new(
            "proxy-ssl-ciphers",
            Value::Other("names of OpenSSL, separated by `:`"),
            Scope::Backend,
            "Ciphers for TLS 1.2; needs `ca.crt`.",
        )
        .ranked(Tier::C, Risk::Medium),
        Key::new("proxy-ssl-protocols", Value::Words(&["TLSv1.2", "TLSv1.3"]), Scope::Backend, "Versions of TLS; needs `ca.crt`.")
            .ranked(Tier::C, Risk::Low)
            .default("TLSv1.2"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let verify = given.on_off(VERIFY).unwrap_or(false);
    let depth = given.verify_depth("proxy-ssl-verify-depth");
    let name = given.parsed(NAME, HostName::new);
    let tells_name = given.on_off("proxy-ssl-server-name").unwrap_or(false);
    let ciphers = given.parsed("proxy-ssl-ciphers", CipherList::new);
    let versions = versions(given).unwrap_or(TlsVersions { tls12: true, tls13: false });
    if given.text(SECRET).is_none() {
        return;
    }
    let Some(secret) = secret(given) else { return };
    let identity = secret.key_pair.as_ref().ok().map(|pair| Identity::new(Arc::clone(&pair.pem)));
    let authority = authority(given, secret, identity.is_some(), verify);
    if given.is_bad(SECRET) || given.is_bad(VERIFY) && authority.is_none() && verify {
        return;
    }
    if !matches!(policies.backend.protocol, Some(Protocol::Https | Protocol::AutoHttp | Protocol::Grpcs)) {
        let message = "the endpoints speak no TLS, so the Secret is not used";
        return given.note(SECRET, message, "set backend-protocol to HTTPS, or remove it");
    }
    if verify && name.is_none() {
        let message = "no certificate is for the name that is looked for, so no endpoint is spoken to";
        given.note(VERIFY, message, "set proxy-ssl-name to the name in the certificates of the endpoints");
    }
    policies.backend().tls = Some(Arc::new(UpstreamTls {
        identity: identity.as_ref().map(|identity| identity.id.clone()),
        verify: authority.as_ref().filter(|_| verify).map(|authority| Verify { authority: authority.id.clone(), depth }),
        name,
        tells_name,
        ciphers: ciphers.filter(|_| authority.is_some()),
        versions: authority.as_ref().map(|_| versions),
    }));
    policies.identity = identity.map(Arc::new);
    policies.upstream_authority = authority.filter(|_| verify).map(Arc::new);
}

fn secret<'a>(given: &mut Given<'a>) -> Option<&'a Secret> {
    let text = given.text(SECRET)?;
    if !text.contains('/') {
        given.refuse(SECRET, format_args!("{} has no namespace", shown(text)), "write namespace/name");
        return None;
    }
    let name = given.object(SECRET)?;
    let secret = given.objects.secret(&name);
    if secret.is_none() {
        given.miss(SECRET, Kind::Secret, &name);
    }
    secret.map(|secret| &**secret)
}

/// The authorities of the Secret. It has to hold a certificate or authorities, and the latter when something is checked.
fn authority(given: &mut Given<'_>, secret: &Secret, has_identity: bool, verify: bool) -> Option<Authority> {
    const HELP: &str = "put tls.crt and tls.key, or PEM certificates of authorities as ca.crt, into the Secret";
    match &secret.authority {
        Ok(authority) => Some(authority.clone()),
        Err(why) if verify => {
            let message = format!("certificates of endpoints cannot be checked with Secret {}: {why}", secret.meta.name);
            given.refuse_as(OnBadValue::CloseRoute, VERIFY, message, "put PEM certificates of authorities into ca.crt");
            None
        }
        Err(_) if has_identity => None,
        Err(_) => {
            given.refuse(SECRET, format_args!("Secret {} holds neither a key pair nor authorities", secret.meta.name), HELP);
            None
        }
    }
}

fn versions(given: &mut Given<'_>) -> Option<TlsVersions> {
    const NAME: &str = "proxy-ssl-protocols";
    let text = given.text(NAME)?;
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    if let Some(word) = words.iter().find(|word| !["TLSv1.2", "TLSv1.3"].contains(word)) {
        given.refuse(NAME, format_args!("{} is not a version that is spoken", shown(word)), "use TLSv1.2, TLSv1.3 or both");
        return None;
    }
    Some(TlsVersions { tls12: words.contains(&"TLSv1.2"), tls13: words.contains(&"TLSv1.3") })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read_in, snapshot};
    use super::*;
    use crate::settings::Settings;
    use serde_json::json;

    const HTTPS: (&str, &str) = ("backend-protocol", "HTTPS");

    fn read(pairs: &[(&str, &str)]) -> (Policies, Vec<String>) {
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = rcgen::CertificateParams::new(vec!["ca".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
        let secret = |name: &str, data: serde_json::Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "shop"}, "stringData": data});
        let world = snapshot(&[
            secret("both", json!({"ca.crt": pem, "tls.crt": pem, "tls.key": key.serialize_pem()})),
            secret("pair", json!({"tls.crt": pem, "tls.key": key.serialize_pem()})),
            secret("ca", json!({"ca.crt": pem})),
            secret("none", json!({"x": "y"})),
        ]);
        let (policies, said) = read_in(&Settings::default(), &world, pairs);
        (policies.unwrap(), said)
    }

    fn tls(pairs: &[(&str, &str)]) -> UpstreamTls {
        let (policies, said) = read(&[&[HTTPS], pairs].concat());
        assert_eq!((policies.closed, said), (false, vec![]), "{pairs:?}");
        UpstreamTls::clone(policies.backend.tls.as_ref().unwrap())
    }

    #[test]
    fn every_part_reaches_the_backend() {
        let both = (SECRET, "shop/both");
        let plain = tls(&[both]);
        assert!(plain.identity.is_some() && plain.verify.is_none() && plain.name.is_none() && !plain.tells_name);
        assert_eq!(plain.versions, Some(TlsVersions { tls12: true, tls13: false }));
        let verified = tls(&[both, (VERIFY, "on"), (NAME, "In.test"), ("proxy-ssl-server-name", "on"), ("proxy-ssl-verify-depth", "3")]);
        assert_eq!((verified.verify.unwrap().depth, verified.name.unwrap().as_str(), verified.tells_name), (3, "in.test", true));
        let more = tls(&[both, ("proxy-ssl-protocols", "TLSv1.3 TLSv1.2"), ("proxy-ssl-ciphers", "HIGH")]);
        assert_eq!((more.versions, more.ciphers.unwrap().as_str()), (Some(TlsVersions { tls12: true, tls13: true }), "HIGH"));
        let pair = tls(&[(SECRET, "shop/pair"), ("proxy-ssl-ciphers", "HIGH")]);
        assert!(pair.identity.is_some() && pair.ciphers.is_none() && pair.versions.is_none(), "without ca.crt");
    }

    #[test]
    fn what_cannot_be_checked_closes() {
        for pairs in [
            &[(SECRET, "both")][..],
            &[(SECRET, "shop/missing")],
            &[(SECRET, "other/both")],
            &[(SECRET, "shop/none")],
            &[(SECRET, "shop/pair"), (VERIFY, "on"), (NAME, "a.test")],
        ] {
            let (policies, said) = read(&[&[HTTPS], pairs].concat());
            assert!(policies.closed && policies.backend.tls.is_none() && said.len() == 1, "{pairs:?}: {said:?}");
        }
    }

    #[test]
    fn bad_values_are_left_out_and_what_does_nothing_is_said() {
        for (name, value) in [
            (VERIFY, "yes"),
            (NAME, "a.example; return 418"),
            ("proxy-ssl-verify-depth", "one"),
            ("proxy-ssl-verify-depth", "0"),
            ("proxy-ssl-verify-depth", "101"),
            ("proxy-ssl-server-name", "true"),
            ("proxy-ssl-ciphers", "A;B"),
            ("proxy-ssl-protocols", "TLSv1.2; include x"),
        ] {
            let (policies, said) = read(&[HTTPS, (SECRET, "shop/both"), (name, value)]);
            assert!(!policies.closed && policies.backend.tls.is_some() && said.len() == 1, "{name}: {said:?}");
        }
        assert_eq!(read(&[HTTPS, (NAME, "a.example; return 418")]).1.len(), 1, "without the Secret, too");
        for pairs in [&[(SECRET, "shop/both")][..], &[HTTPS, (SECRET, "shop/both"), (VERIFY, "on")]] {
            assert_eq!(read(pairs).1.len(), 1, "{pairs:?}");
        }
        assert_eq!(read(&[HTTPS, (VERIFY, "on")]).1, ["proxy-ssl-verify: without proxy-ssl-secret it does nothing (served)"]);
    }
}
