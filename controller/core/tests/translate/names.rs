//! Certificates, aliases, and the names beside a host.

use crate::world::{World, annotated, check, ingress, secret, services, with};
use gatewright_core::diagnostic::Code;
use gatewright_core::model::{CertificateId, HostCertificate};
use gatewright_core::translate::Translation;
use serde_json::{Value, json};

#[test]
fn tls_certificates_and_redirects() {
    let tls = |object, sections: Value| with(object, "/spec/tls", sections);
    let plain = || ingress("a", 1, &[("a.w.test", &[("/", "Prefix", "s1")])]);
    let own = |translation: &Translation, host: &str| {
        let host = translation.model.hosts.iter().find(|(pattern, _)| pattern.to_string() == host).unwrap().1;
        (host.certificate.clone(), host.routes[0].https_redirect.is_some())
    };
    let id = |name: &str| HostCertificate::Own(CertificateId::of_secret("default", name));
    for (case, sections, expected, code) in [
        ("TLS-1", json!([{"hosts": ["a.w.test"], "secretName": "exact"}]), id("exact"), None),
        ("TLS-2", json!([{"hosts": ["a.w.test"], "secretName": "ghost"}]), HostCertificate::Default, Some(Code::NoSecret)),
        ("TLS-8", json!([{"hosts": ["a.w.test"], "secretName": "other"}]), HostCertificate::Default, Some(Code::UncoveredHost)),
        ("TLS-9", json!([{"secretName": "exact"}]), id("exact"), None),
        ("TLS-10", json!([{"hosts": ["*.w.test"], "secretName": "wild"}]), id("wild"), None),
        ("RED-6", json!([{}]), HostCertificate::Default, None),
        ("TLS bad name", json!([{"hosts": ["a.w.test"], "secretName": "../x"}]), HostCertificate::Default, Some(Code::BadSecretName)),
    ] {
        let secrets = [secret("exact", &["a.w.test"]), secret("wild", &["*.w.test"]), secret("other", &["o.test"])];
        let mut world = World::new(&[services(), secrets.to_vec(), vec![tls(plain(), sections)]].concat());
        let translation = world.translate();
        assert_eq!(own(&translation, "a.w.test"), (expected, true), "{case}");
        assert!(code.is_none_or(|code| translation.diagnostics.iter().any(|d| d.code == code)), "{case}: {:?}", translation.diagnostics);
    }
    let mut none = World::new(&[services(), vec![plain()]].concat());
    assert_eq!(own(&none.translate(), "a.w.test"), (HostCertificate::Unclaimed, false), "RED-5");
    let wild = tls(ingress("w", 2, &[("*.w.test", &[("/", "Prefix", "s2")])]), json!([{"hosts": ["*.w.test"], "secretName": "ghost"}]));
    none.apply(wild);
    assert_eq!(own(&none.translate(), "a.w.test"), (HostCertificate::Unclaimed, true), "RED-9");
    none.apply(with(plain(), "/metadata/annotations", json!({"nginx.ingress.kubernetes.io/ssl-redirect": "false"})));
    assert!(!own(&none.translate(), "a.w.test").1, "RED-17");
    let acme = ingress("acme", 3, &[("a.w.test", &[("/.well-known/acme-challenge/tok", "Exact", "s3")])]);
    none.apply(tls(plain(), json!([{}])));
    none.apply(acme);
    assert_eq!(none.picture()[0], "a.w.test =/.well-known/acme-challenge/tok → default-s3-80", "RED-16");
}

#[test]
fn aliases_give_way_to_hosts_and_to_the_first_who_has_them() {
    let one = annotated(ingress("one", 1, &[("a.test", &[("/", "Prefix", "s1")])]), &[("server-alias", "b.test, c.test, a.test")]);
    let two = annotated(ingress("two", 2, &[("b.test", &[("/", "Prefix", "s2")])]), &[("server-alias", "c.test, d.test")]);
    let objects = [services(), vec![one, two]].concat();
    let mut world = World::new(&objects);
    let model = world.translate().model;
    let aliases: Vec<String> = model
        .hosts
        .iter()
        .flat_map(|(host, it)| it.policy.aliases.iter().flatten().map(move |alias| format!("{} of {host}", alias.name)))
        .collect();
    assert_eq!(aliases, ["c.test of a.test", "d.test of b.test"]);
    assert_eq!(world.codes().iter().filter(|code| **code == Code::IgnoredAlias).count(), 2);
}

#[test]
fn an_alias_without_certificate_is_redirected_by_its_own_right() {
    let tls =
        with(ingress("one", 1, &[("a.test", &[("/", "Prefix", "s1")])]), "/spec/tls", json!([{"hosts": ["a.test"], "secretName": "pair"}]));
    let tls = annotated(tls, &[("server-alias", "b.test, c.test")]);
    check(&[secret("pair", &["a.test", "b.test"]), tls], &["a.test /* → default-s1-80 https", "c.test /* → default-s1-80"]);
}

#[test]
fn www_is_redirected_unless_it_is_a_host() {
    let on = &[("from-to-www-redirect", "true")];
    let one = annotated(ingress("one", 1, &[("a.test", &[("/", "Prefix", "s1")]), ("www.b.test", &[("/", "Prefix", "s1")])]), on);
    let both = annotated(ingress("both", 2, &[("c.test", &[("/", "Prefix", "s2")]), ("www.c.test", &[("/", "Prefix", "s2")])]), on);
    let objects = [services(), vec![one, both]].concat();
    let model = World::new(&objects).translate().model;
    let redirecting: Vec<String> = model
        .hosts
        .iter()
        .filter(|(_, host)| host.routes.iter().any(|route| route.policy.redirect.is_some()))
        .map(|(pattern, _)| pattern.to_string())
        .collect();
    assert_eq!(redirecting, ["b.test", "www.a.test"]);
}
