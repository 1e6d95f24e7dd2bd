//! Which Secrets are asked for: those of type `kubernetes.io/tls`, and those that something refers to, each by its name.

use gatewright_e2e::cluster::{Asked, Audit, Controller, Install, World, app, eventually, ingress, key_pair_secret};
use gatewright_e2e::proxies::Proxy;
use serde_json::json;
use std::collections::BTreeSet;

/// A Secret with one user, as an Ingress refers to it.
fn users(ns: &str, name: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {ns}}}\nstringData: {{auth: 'anna:{{PLAIN}}secret'}}\n")
}

/// An Ingress that lets only users of a Secret in.
fn protected(ns: &str, class: &str, host: &str, secret: &str) -> String {
    let annotations = format!(
        "metadata: {{annotations: {{nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: {secret}}}, "
    );
    ingress(ns, secret, class, host, "app").replace("metadata: {", &annotations)
}

/// What was asked for of Secrets by whoever is not the administrator: `VERB selector`, and the status of the answer.
fn asked(audit: &Audit, account: &str) -> BTreeSet<(String, u64)> {
    let what = |asked: Asked| {
        let selector = Some(asked.value("fieldSelector")).filter(|selector| !selector.is_empty()).unwrap_or("everything");
        (format!("{} {selector} {}", asked.verb, asked.name).trim_end().to_owned(), asked.status)
    };
    audit.asked(account, "secrets").into_iter().map(what).collect()
}

fn closed(controller: &Controller<'_>, host: &str, status: u16) {
    controller.wait_status(host, "/", status);
}

#[test]
fn no_other_secret_is_asked_for_and_named_ones_may_be_all_that_is_permitted() {
    let audit = Audit::of(&[("", "secrets")]);
    let world = World::start_with(&audit.flags(&[]));
    let ns = "secrets";
    let install = Install::on(Proxy::HAPROXY_3_0, &world, ns);
    world.apply(&app(ns, "app", &["10.244.9.1"]));
    let pair = world.authority().issue(&["tls.test"]);
    world.apply(&key_pair_secret(ns, "pair", "kubernetes.io/tls", &pair));
    world.apply(&format!("{}  tls: [{{hosts: [tls.test], secretName: pair}}]\n", ingress(ns, "web", ns, "tls.test", "app")));
    for name in ["known", "unknown", "bystander"] {
        world.apply(&users(ns, name));
    }
    world.apply(&protected(ns, ns, "known.test", "known"));
    let account = format!("system:serviceaccount:{ns}:gatewright");

    let controller = install.start(&["--publish-status-address=192.0.2.9"]);
    controller.wait_live();
    closed(&controller, "known.test", 401);
    let seen = asked(&audit, &account);
    let selectors: BTreeSet<_> = seen.iter().map(|(what, _)| what.as_str()).collect();
    let allowed = BTreeSet::from([
        "watch type=kubernetes.io/tls",
        "list type=kubernetes.io/tls",
        "watch metadata.name=known known",
        "list metadata.name=known known",
    ]);
    assert!(selectors.is_subset(&allowed) && selectors.iter().any(|what| what.contains("metadata.name")), "{selectors:#?}");
    drop(controller);

    // The same with nothing but one Secret, by its name.
    install.restrict(|rule| rule["resources"] != json!(["secrets"]));
    let named = |names: &[&str]| json!([{"apiGroups": [""], "resources": ["secrets"], "resourceNames": names, "verbs": ["list", "watch"]}]);
    install.allow_in(ns, &named(&["known"]));
    world.apply(&protected(ns, ns, "unknown.test", "unknown"));
    let controller = install.start(&[
        "--publish-status-address=192.0.2.9",
        "--disable-leader-election",
        "--disable-sync-events",
        "--update-status=false",
    ]);
    controller.wait_live();
    closed(&controller, "known.test", 401);
    closed(&controller, "unknown.test", 503);
    let told = controller.diagnostics();
    for part in ["Secret of namespace secrets may not be read", "Secret secrets/unknown may not be read"] {
        assert!(told.iter().any(|line| line.starts_with("GW0006") && line.contains(part)), "{part}: {told:#?}");
    }
    assert!(!told.iter().any(|line| line.contains("secrets/known may not")), "{told:#?}");
    // A name that is permitted later is used without a restart.
    install.allow_in(ns, &named(&["known", "unknown"]));
    closed(&controller, "unknown.test", 401);
    eventually("nobody has asked for the others", || {
        let seen = asked(&audit, &account);
        if seen.iter().any(|(what, _)| what.contains("bystander") || what.contains("everything")) {
            Err(format!("{seen:#?}"))
        } else {
            Ok(())
        }
    });
}
