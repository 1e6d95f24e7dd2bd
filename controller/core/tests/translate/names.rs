//! Certificates, aliases, and the names beside a host.

use crate::world::{World, annotated, check, ingress, secret, services, with};
use gatewright_core::diagnostic::Code;
use gatewright_core::model::{CertificateId, HostCertificate};
use gatewright_core::names::{HostPattern, ObjectName};
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
fn a_host_that_no_section_names_is_told_why_it_has_no_certificate_of_its_own() {
    let said = |sections: Value, default: Option<&str>| {
        let ingress = with(ingress("a", 1, &[("a.w.test", &[("/", "Prefix", "s1")])]), "/spec/tls", sections);
        let secrets = [secret("exact", &["a.w.test"]), secret("wild", &["*.w.test"]), secret("other", &["o.test"])];
        let mut world = World::new(&[services(), secrets.to_vec(), vec![ingress]].concat());
        world.settings.default_ssl_certificate = default.map(|name| ObjectName::new("default", name).unwrap());
        let told = world.translate().diagnostics.into_iter().filter(|finding| finding.code != Code::NoClassInInput);
        told.map(|finding| format!("{}: {}", finding.field, finding.message)).collect::<Vec<_>>()
    };
    let missing = |n: usize| format!("spec.tls[{n}].secretName: Secret default/ghost does not exist");
    let other = "spec.tls[0].secretName: the certificate in Secret default/other is for \"o.test\", not for host a.w.test".to_owned();
    for (sections, expected) in [
        (json!([{"secretName": "ghost"}]), vec![missing(0)]),
        (json!([{"secretName": "other"}, {"secretName": "ghost"}]), vec![missing(1)]),
        (json!([{"hosts": ["*.w.test"], "secretName": "ghost"}]), vec![missing(0)]),
        (json!([{"secretName": "other"}]), vec![other.clone()]),
        (json!([{"hosts": ["o.test"], "secretName": "other"}]), vec![other]),
        (
            json!([{"secretName": "other"}, {"hosts": ["o.test"], "secretName": "other"}]),
            vec!["spec.tls: none of the certificates is for host a.w.test".to_owned()],
        ),
        (json!([{"secretName": "other"}, {"secretName": "wild"}]), vec![]),
        (json!([{"secretName": "other"}, {}]), vec![]),
        (json!([{"secretName": "ghost"}, {}]), vec![missing(0)]),
        (json!([{"hosts": ["o.test"]}]), vec![]),
    ] {
        assert_eq!(said(sections.clone(), None), expected, "{sections}");
        assert_eq!(said(sections.clone(), Some("other")), expected, "{sections}: a default that is for another host");
        let without: Vec<_> = expected.iter().filter(|one| one.contains("exist")).cloned().collect();
        assert_eq!(said(sections.clone(), Some("wild")), without, "{sections}: the default is for the host");
    }
}

#[test]
fn what_is_said_of_a_host_follows_what_the_default_certificate_is_for() {
    let ingress = with(ingress("a", 1, &[("a.w.test", &[("/", "Prefix", "s1")])]), "/spec/tls", json!([{"secretName": "other"}]));
    let mut world = World::new(&[services(), vec![secret("default", &["*.w.test"]), secret("other", &["o.test"]), ingress]].concat());
    world.settings.default_ssl_certificate = Some(ObjectName::new("default", "default").unwrap());
    assert!(!world.codes().contains(&Code::UncoveredHost));
    world.apply(secret("default", &["o.test"]));
    assert!(world.codes().contains(&Code::UncoveredHost));
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

#[test]
fn a_name_that_redirects_is_nobodys_alias() {
    let one = annotated(ingress("one", 2, &[("a.test", &[("/", "Prefix", "s1")])]), &[("from-to-www-redirect", "true")]);
    let two = annotated(ingress("two", 1, &[("z.test", &[("/", "Prefix", "s2")])]), &[("server-alias", "www.a.test, b.test")]);
    let translation = World::new(&[services(), vec![one, two]].concat()).translate();
    let redirecting = &translation.model.hosts[&HostPattern::parse("www.a.test").unwrap()];
    assert!(redirecting.routes[0].policy.redirect.is_some());
    let aliases = translation.model.hosts[&HostPattern::parse("z.test").unwrap()].policy.aliases.clone().unwrap_or_default();
    assert_eq!(aliases.iter().map(|alias| alias.name.to_string()).collect::<Vec<_>>(), ["b.test"]);
    let told: Vec<_> = translation.diagnostics.iter().filter(|finding| finding.code == Code::IgnoredAlias).collect();
    assert!(told.len() == 1 && told[0].message.contains("www.a.test redirects to host a.test"), "{told:?}");
}
