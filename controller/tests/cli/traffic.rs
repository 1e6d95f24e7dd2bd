//! `diff`: what becomes of requests when routes, hosts, settings and Services change, and by whom.

use crate::diff::{changes, changes_with, object};
use crate::world::{ingress, service};

const AUTH: &[(&str, &str)] = &[("auth-type", "basic"), ("auth-secret", "cred")];
const REGEX: &[(&str, &str)] = &[("use-regex", "true")];
const AUTH_REGEX: &[(&str, &str)] = &[("auth-type", "basic"), ("auth-secret", "cred"), ("use-regex", "true")];

/// An Ingress of a host with these annotations, and these paths as expressions or prefixes.
fn ruled(name: &str, host: &str, annotations: &[(&str, &str)], paths: &[&str]) -> String {
    let annotations: String =
        annotations.iter().map(|(name, value)| format!("    nginx.ingress.kubernetes.io/{name}: {value:?}\n")).collect();
    let kind = if paths.iter().any(|path| path.contains(['(', '$', '*', '['])) { "ImplementationSpecific" } else { "Prefix" };
    let path =
        |path: &&str| format!("      - {{path: {path:?}, pathType: {kind}, backend: {{service: {{name: cart, port: {{number: 80}}}}}}}}\n");
    let paths: String = paths.iter().map(path).collect();
    let host = if host.is_empty() { String::new() } else { format!("host: {host:?}\n    ") };
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {name}\n  namespace: shop\n  annotations:\n{annotations}    \
         about: test\nspec:\n  rules:\n  - {host}http:\n      paths:\n{paths}---\n"
    )
}

/// What all of them need.
fn rest() -> String {
    service("cart") + &object("Secret", "cred", "stringData", &[("auth", "anna:$apr1$xyz$abc")])
}

fn told(old: &[String], new: &[String]) -> Vec<String> {
    changes(&(old.concat() + &rest()), &(new.concat() + &rest()))
}

#[test]
fn expressions_come_and_go_and_are_told_with_what_they_open() {
    let main = |paths: &[&str]| ruled("main", "a.test", REGEX, paths);
    assert_eq!(told(&[main(&["/"])], &[main(&["/", "/foo/(.*)"])]), ["route ~/foo/(.*):  → Service shop/cart:80 [-] main"]);
    assert_eq!(told(&[main(&["/", "/foo/(.*)"])], &[main(&["/"])]), ["route ~/foo/(.*): Service shop/cart:80 →  [-] main"]);
    assert_eq!(
        told(&[main(&["/a/(.*)"])], &[main(&["/b/(.*)"])]),
        [
            "route ~/a/(.*): Service shop/cart:80 →  [closes] main",
            "route ~/b/(.*):  → Service shop/cart:80, with use-regex \"true\" [opens] main"
        ]
    );
    // Whoever takes everything takes what is protected, too.
    let guarded = ruled("guarded", "a.test", AUTH, &["/"]);
    assert_eq!(
        told(&[main(&["/pub$"]), guarded.clone()], &[main(&["/.*"]), guarded.clone()]),
        ["route ~/.*:  → Service shop/cart:80, with use-regex \"true\" [opens] main", "route ~/pub$: Service shop/cart:80 →  [-] main"]
    );
    let closing = ruled("closing", "a.test", AUTH_REGEX, &["/adm[ei]n"]);
    assert_eq!(
        told(&[main(&["/"])], &[main(&["/"]), closing.clone()]),
        ["route ~/adm[ei]n: Service shop/cart:80 → Service shop/cart:80, with auth-secret \"cred\", \
          auth-type \"basic\" [closes] closing"]
    );
    // Some of its requests were open before, and some not.
    let both = [main(&["/ad"]), ruled("adm", "a.test", AUTH_REGEX, &["/adm[ei]n/x"]), ruled("rest", "a.test", AUTH, &["/"])];
    let more = [&both[..], &[ruled("more", "a.test", AUTH_REGEX, &["/a[de](.*)"])]].concat();
    assert_eq!(
        told(&both, &more),
        ["route ~/a[de](.*):  → Service shop/cart:80, with auth-secret \"cred\", auth-type \"basic\", use-regex \"true\" [unclear] more"]
    );
}

#[test]
fn paths_that_become_expressions_are_the_same_paths() {
    let of = |annotations: &[(&str, &str)]| ruled("main", "a.test", annotations, &["/", "/api"]);
    let expected = ["host a.test: literal paths → regular expressions [unclear] main", "policy use-regex:  → \"true\" [-] main"];
    assert_eq!(told(&[of(&[])], &[of(REGEX)]), expected);
}

#[test]
fn requests_of_a_host_that_goes_are_somebody_elses() {
    let guarded = ruled("guarded", "a.x.test", AUTH, &["/"]);
    let opened = "route /*: Service shop/cart:80, with auth-secret \"cred\", auth-type \"basic\" → Service shop/cart:80 [opens] other";
    let closed = "route /*: Service shop/cart:80 → Service shop/cart:80, with auth-secret \"cred\", auth-type \"basic\" [closes] guarded";
    let alias = ruled("other", "b.test", &[("server-alias", "a.x.test")], &["/"]);
    for other in [ruled("other", "*.x.test", &[], &["/"]), ruled("other", "", &[], &["/"])] {
        let (with, without) = ([guarded.clone(), other.clone()], [other]);
        assert_eq!(told(&with, &without), ["host a.x.test:  →  [-] guarded", opened]);
        assert_eq!(told(&without, &with), ["host a.x.test:  →  [-] guarded", closed]);
    }
    let taken = told(&[guarded.clone(), ruled("other", "b.test", &[], &["/"])], &[alias]);
    assert!(taken.iter().any(|line| line.starts_with("route /*:") && line.ends_with("[opens] other")), "{taken:#?}");
    assert_eq!(
        told(&[guarded.clone(), ruled("z", "z.test", &[], &["/"])], &[ruled("z", "z.test", &[], &["/"])]),
        ["host a.x.test:  →  [-] guarded", "route /*: Service shop/cart:80 →  [closes] guarded"]
    );
    // Nor are Services needed to see it.
    let wild = ruled("other", "*.x.test", &[], &["/"]);
    let secret = object("Secret", "cred", "stringData", &[("auth", "anna:$apr1$xyz$abc")]);
    assert_eq!(
        changes_with(&(guarded + &wild + &secret), &(wild + &secret), &[]),
        ["host a.x.test:  →  [-]".to_owned(), opened.replace(" other", "")]
    );
    // What the host leaves to nobody, its wildcard has from now on.
    let part = ruled("part", "a.x.test", &[], &["/part"]);
    let wild = ruled("wild", "*.x.test", &[], &["/"]);
    assert_eq!(
        told(&[part.clone(), wild.clone()], &[wild]),
        [
            "host a.x.test:  →  [-] part",
            "route /*:  → Service shop/cart:80 [opens] wild",
            "route /part, /part/*: Service shop/cart:80 →  [-] part",
        ]
    );
}

#[test]
fn requests_for_a_further_name_of_a_host_are_told_with_what_guarded_them() {
    let open = |alias: &'static str| ruled("open", "a.test", &[("server-alias", alias)], &["/"]);
    let wild = ruled("wild", "*.x.test", AUTH, &["/"]);
    let guarded = "Service shop/cart:80, with auth-secret \"cred\", auth-type \"basic\"";
    let with = "Service shop/cart:80, with server-alias";
    assert_eq!(
        told(&[open("b.test")], &[open("b.test,c.test")]),
        [
            format!("route /*:  → {with} \"b.test,c.test\" [opens] open"),
            "policy server-alias: \"b.test\" → \"b.test,c.test\" [-] open".to_owned()
        ]
    );
    assert_eq!(
        told(&[open("b.test"), wild.clone()], &[open("b.test,c.x.test"), wild.clone()]),
        [
            format!("route /*: {guarded} → {with} \"b.test,c.x.test\" [opens] open"),
            "policy server-alias: \"b.test\" → \"b.test,c.x.test\" [-] open".to_owned()
        ]
    );
    assert_eq!(
        told(&[open("b.test,c.x.test"), wild.clone()], &[open("b.test"), wild]),
        [
            format!("route /*: {with} \"b.test,c.x.test\" → {guarded} [closes] wild"),
            "policy server-alias: \"b.test,c.x.test\" → \"b.test\" [-] open".to_owned()
        ]
    );
    // Whoever has a name of its own takes it.
    let own = ruled("own", "b.test", AUTH, &["/"]);
    assert_eq!(
        told(&[open("b.test")], &[open("b.test"), own]),
        ["host b.test:  →  [-] own".to_owned(), format!("route /*: {with} \"b.test\" → {guarded} [closes] own")]
    );
    // From one host to another.
    let other = |alias: &'static str| ruled("other", "d.test", &[AUTH, &[("server-alias", alias)]].concat(), &["/"]);
    let moved = told(&[open("b.test,c.test"), other("e.test")], &[open("b.test"), other("e.test,c.test")]);
    assert!(moved.iter().any(|line| line.starts_with("route /*:") && line.ends_with("[closes] other")), "{moved:#?}");
}

#[test]
fn a_path_that_another_ingress_takes_is_told_with_what_guards_it() {
    let main = ruled("main", "a.test", AUTH, &["/"]);
    let with = "Service shop/cart:80, with auth-secret \"cred\", auth-type \"basic\"";
    assert_eq!(
        told(std::slice::from_ref(&main), &[main.clone(), ruled("more", "a.test", &[], &["/secret"])]),
        [format!("route /secret, /secret/*: {with} → Service shop/cart:80 [opens] more")]
    );
    let two = ruled("main", "a.test", AUTH, &["/", "/secret"]);
    assert_eq!(told(&[main], std::slice::from_ref(&two)), ["route /secret, /secret/*:  → Service shop/cart:80 [-] main"]);
    // It was a path before, of an Ingress that is still there.
    let moved = [ruled("main", "a.test", AUTH, &["/"]), ruled("more", "a.test", &[], &["/secret"])];
    assert_eq!(told(std::slice::from_ref(&two), &moved), [format!("route /secret, /secret/*: {with} → Service shop/cart:80 [opens] more")]);
    let renamed = told(&[two], &[ruled("other", "a.test", &[], &["/", "/secret"])]);
    assert_eq!(renamed, ["policy auth-secret: \"cred\" →  [-] other", "policy auth-type: \"basic\" →  [opens] other"]);
}

#[test]
fn what_a_name_does_nothing_without_has_no_effect_without_it() {
    let of = |annotations: &[(&str, &str)]| [ruled("front", "a.test", annotations, &["/"])];
    // Beside another change; alone, what does nothing changes nothing.
    let more = |annotations: &[(&'static str, &'static str)]| [annotations, &[("proxy-read-timeout", "7")]].concat();
    let timeout = "policy proxy-read-timeout:  → \"7\" [-] front";
    for (before, after, expected) in [
        (&[("auth-typ", "basic")][..], &[][..], "policy auth-typ: \"basic\" →  [-] front"),
        (
            &[("limit-rps", "5")],
            &[("limit-rps", "5"), ("limit-allowlist", "10.0.0.0/8")],
            "policy limit-allowlist:  → \"10.0.0.0/8\" [opens] front",
        ),
        (&[], &[("limit-allowlist", "10.0.0.0/8")], "policy limit-allowlist:  → \"10.0.0.0/8\" [-] front"),
        (&[("satisfy", "any")], &[], "policy satisfy: \"any\" →  [-] front"),
    ] {
        let mut expected = vec![expected, timeout];
        expected.sort_unstable();
        assert_eq!(told(&of(before), &of(&more(after))), expected);
    }
    let configured = |annotations: &[(&str, &str)], data: &[(&str, &str)]| {
        of(annotations).concat() + &rest() + &object("ConfigMap", "main", "data", data)
    };
    let (flags, off) = (["--configmap", "shop/main"], [("enable-global-auth", "false")]);
    for (data, expected) in [
        ([("global-auth-url", "http://10.2.0.1/")], &["policy enable-global-auth:  → \"false\" [opens]"][..]),
        ([("keep-alive", "9")], &[]),
    ] {
        assert_eq!(changes_with(&configured(&[], &data), &configured(&off, &data), &flags), expected);
    }
    let everywhere = changes_with(
        &configured(AUTH, &[("keep-alive", "9")]),
        &configured(AUTH, &[("keep-alive", "9"), ("no-auth-locations", "/")]),
        &flags,
    );
    assert_eq!(everywhere, ["setting no-auth-locations:  → \"/\" [opens]"]);
    let whitelisted = [("whitelist-source-range", "10.0.0.0/8")];
    for (annotations, key, effect) in [
        (&whitelisted[..], "use-forwarded-headers", "opens"),
        (&[], "use-forwarded-headers", "unclear"),
        (&[], "allow-snippet-annotations", "opens"),
        (&[], "allow-cross-namespace-resources", "opens"),
    ] {
        let found = changes_with(
            &configured(annotations, &[("keep-alive", "9")]),
            &configured(annotations, &[("keep-alive", "9"), (key, "true")]),
            &flags,
        );
        assert!(found.contains(&format!("setting {key}:  → \"true\" [{effect}]")), "{found:#?}");
    }
    let misspelt = changes_with(&configured(&[], &[]), &configured(&[], &[("whitelist-source-rnage", "10.0.0.0/8")]), &flags);
    assert!(misspelt.is_empty(), "nobody knows it, which a finding tells: {misspelt:#?}");
}

#[test]
fn parameters_of_a_class_are_told_by_their_object_and_key() {
    let class = |name: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {{name: {name}}}\nspec:\n  controller: gatewright.dev/ingress\n  \
             parameters: {{apiGroup: gatewright.dev, kind: GatewrightParameters, name: {name}, namespace: shop, scope: Namespace}}\n---\n"
        )
    };
    let parameters = |name: &str, settings: &str, policy: &str| {
        format!(
            "apiVersion: gatewright.dev/v1alpha1\nkind: GatewrightParameters\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  settings: \
             {{{settings}}}\n{policy}---\n"
        )
    };
    let of = |class: &str| ruled("front", "a.test", &[], &["/"]).replace("spec:\n", &format!("spec:\n  ingressClassName: {class}\n"));
    let base = of("one") + &class("one") + &class("two") + &rest() + &parameters("two", "", "");
    let (narrow, wide) =
        ("whitelist-source-range: 10.0.0.0/8", "whitelist-source-range: \"10.0.0.0/8,10.9.0.0/16,11.0.0.0/8\", proxy-read-timeout: \"7\"");
    let with = |settings: &str, policy: &str| base.clone() + &parameters("one", settings, policy);
    assert_eq!(
        changes(&with(narrow, ""), &with(wide, "")),
        [
            "setting proxy-read-timeout:  → \"7\" [-] one",
            "setting whitelist-source-range: \"10.0.0.0/8\" → \"10.0.0.0/8,10.9.0.0/16,11.0.0.0/8\" [opens] one",
        ]
    );
    let swapped = changes(&with(narrow, ""), &with(narrow, "").replace("Parameters, name: one", "Parameters, name: two"));
    assert_eq!(swapped, ["setting whitelist-source-range: \"10.0.0.0/8\" →  [opens] one"]);
    let deleted = changes_with(&with(narrow, ""), &base, &[]);
    assert_eq!(deleted, ["setting whitelist-source-range: \"10.0.0.0/8\" →  [opens]"]);
    let ruled = changes(&with("", "  policy: {hosts: [{names: [a.test], namespaces: [shop]}]}\n"), &with("", ""));
    assert!(ruled.len() == 1 && ruled[0].starts_with("setting policy: \"{") && ruled[0].ends_with("→  [opens] one"), "{ruled:#?}");
    // What holds for the proxy as a whole is told by its key, and not once more.
    let other = changes(&with("keep-alive: \"9\"", ""), &with("keep-alive: \"10\"", ""));
    assert_eq!(other, ["setting keep-alive: \"9\" → \"10\" [-] one"]);
    let old = with(narrow, "");
    let switched = changes(&old, &old.replace("ingressClassName: one", "ingressClassName: two"));
    assert_eq!(switched, ["policy ingressClassName: \"one\" → \"two\" [unclear] front"]);
}

#[test]
fn a_service_that_leads_elsewhere_is_told_as_it_is_written() {
    let base = ingress("front", "a.test", "/", "web");
    let web = |spec: &str| {
        base.clone() + &format!("apiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: shop}}\nspec: {{{spec}}}\n---\n")
    };
    let pods = |app: &str, target: &str| web(&format!("selector: {{app: {app}}}, ports: [{{port: 80, targetPort: {target}}}]"));
    let named = |name: &str| web(&format!("type: ExternalName, externalName: {name}, ports: [{{port: 80}}]"));
    let long = |end: &str| format!("x.{}.{}{end}.test", "a".repeat(60), "a".repeat(60));
    for (old, new, expected) in [
        (named("a.test"), named("b.test"), "backend Service shop/web: DNS name a.test → DNS name b.test [unclear] web"),
        (pods("a", "80"), named("b.test"), "backend Service shop/web: pods with app=a → DNS name b.test [unclear] web"),
        (named("b.test"), pods("a", "80"), "backend Service shop/web: DNS name b.test → pods with app=a [unclear] web"),
        (pods("a", "8080"), pods("a", "9090"), "backend Service shop/web:80: targetPort 8080 → targetPort 9090 [unclear] web"),
        (pods("a", "8080"), pods("a", "http"), "backend Service shop/web:80: targetPort 8080 → targetPort http [unclear] web"),
        (
            named(&long("b")),
            named(&long("c")),
            "backend Service shop/web: …aaaaaaaaaaaaaaaaaaaab.test → …aaaaaaaaaaaaaaaaaaaac.test [unclear] web",
        ),
        (pods("a", "80"), pods("b", "80"), "backend Service shop/web: pods with app=a → pods with app=b [unclear] web"),
    ] {
        assert_eq!(changes(&old, &new), [expected]);
        let unused = |text: String| text.replace("{name: web, port", "{name: other, port");
        assert_eq!(changes(&unused(old), &unused(new)), [""; 0], "nobody is led there");
    }
}

#[test]
fn a_port_of_another_number_is_told_of_the_service() {
    let base = ingress("front", "a.test", "/", "web").replace("number: 80", "name: http");
    let web = |port: u16| {
        let spec = format!("selector: {{app: a}}, ports: [{{name: http, port: {port}, targetPort: 8080}}]");
        base.clone() + &format!("apiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: shop}}\nspec: {{{spec}}}\n---\n")
    };
    assert_eq!(
        changes(&web(80), &web(81)),
        ["backend Service shop/web:80: port 80, targetPort 8080 → port 81, targetPort 8080 [unclear] web"]
    );
}

#[test]
fn classes_that_go_or_become_the_default_are_told() {
    let class = |name: &str, controller: &str, is_default: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {{name: {name}, annotations: \
             {{ingressclass.kubernetes.io/is-default-class: \"{is_default}\"}}}}\nspec: {{controller: {controller}}}\n---\n"
        )
    };
    let own = |is_default| class("own", "gatewright.dev/ingress", is_default);
    let front = ingress("front", "a.test", "/", "cart").replace("spec:\n", "spec:\n  ingressClassName: own\n") + &service("cart");
    let told = |old: &str, new: &str| changes(&(front.clone() + old), &(front.clone() + new));
    let (named, default) = ("of Ingresses that name it", "of new Ingresses without a class, too");
    assert_eq!(told(&own("false"), &own("true")), [format!("class own: {named} → {default} [unclear] own")]);
    assert_eq!(told(&own("true"), &own("TRUE")), [format!("class own: {default} → {named} [unclear] own")]);
    let other = |is_default| own("false") + &class("other", "example.com/other", is_default);
    assert_eq!(told(&other("false"), &other("true")), [format!("class other: {named} → {default} [unclear] other")]);
    assert_eq!(told(&own("false"), &other("false")), [""; 0], "nobody gets another one");
    assert_eq!(told(&own("false"), &other("true")), [format!("class other:  → {default} [unclear] other")]);
    // Without any class the input is taken whole, which in the cluster it is not.
    for is_default in ["false", "true"] {
        assert_eq!(told(&own(is_default), ""), ["class own: controller gatewright.dev/ingress →  [unclear] own"]);
    }
}

#[test]
fn names_with_www_are_redirected() {
    let of = |annotations: &[(&str, &str)]| [ruled("front", "a.test", annotations, &["/"])];
    assert_eq!(
        told(&of(&[]), &of(&[("from-to-www-redirect", "true")])),
        ["host www.a.test:  →  [-] front", "route /*:  → 308 to the same on a.test, with from-to-www-redirect \"true\" [-] front",]
    );
}
