//! Certificates from Secrets: `ingress-semantics` 11.

use gatewright_e2e::cluster::{Controller, Install, Setup, World, app, eventually, ingress, key_pair_secret};
use gatewright_e2e::on_each_kind;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// An Ingress with a TLS section.
fn with_tls(namespace: &str, name: &str, class: &str, host: &str, secret: &str) -> String {
    format!("{}  tls: [{{hosts: [{host}], secretName: {secret}}}]\n", ingress(namespace, name, class, host, "app"))
}

fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

fn wait_certificate(controller: &Controller<'_>, host: &str, pem: &str) {
    eventually(&format!("{host} has the certificate"), || {
        let answer = controller.get_tls(host, "/");
        if answer.status == 200 && answer.certificate == der(pem) { Ok(()) } else { Err(format!("{} {}", answer.status, answer.body)) }
    });
}

on_each_kind! {
    fn tls_1_2_4_to_7_secrets_come_change_break_and_go(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "secrets");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.3.1"]));
        let controller = install.start(&[]);
        controller.wait_live();
        for (host, kind) in [("tls.test", "kubernetes.io/tls"), ("opaque.test", "Opaque")] {
            let name = host.replace('.', "-");
            world.apply(&with_tls(ns, &name, ns, host, &name));
            eventually("the host is served with the default certificate: TLS-2", || {
                let answer = controller.get_tls(host, "/");
                if answer.status == 200 { Ok(()) } else { Err(format!("{} {}", answer.status, answer.body)) }
            });
            // RED-4. Workers of the revision before may still take connections.
            controller.wait_status(host, "/", 308);
            let first = world.authority().issue(&[host]);
            world.apply(&key_pair_secret(ns, &name, kind, &first));
            wait_certificate(&controller, host, &first.0);
            let second = world.authority().issue(&[host]);
            world.apply(&key_pair_secret(ns, &name, kind, &second));
            wait_certificate(&controller, host, &second.0);
            // TLS-6
            world.apply(&key_pair_secret(ns, &name, kind, &("garbage".to_owned(), second.1.clone())));
            eventually("the broken Secret is said", || {
                let said = controller.diagnostics();
                if said.iter().any(|text| text.starts_with("GW0403")) { Ok(()) } else { Err(format!("{said:?}")) }
            });
            // Workers of nginx keep a certificate for some seconds, so the first one may be seen once more.
            wait_certificate(&controller, host, &second.0);
            world.delete("Secret", ns, &name);
            eventually("the default certificate is served: TLS-7", || {
                let answer = controller.get_tls(host, "/");
                if answer.status == 200 && answer.certificate != der(&second.0) { Ok(()) } else { Err(answer.body) }
            });
        }
    }

    fn tls_1_the_first_revision_after_a_restart_has_all_certificates(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "restart");
        let ns = &*install.name;
        let pair = world.authority().issue(&["restart.test"]);
        world.apply(&app(ns, "app", &["10.244.3.11"]));
        world.apply(&key_pair_secret(ns, "pair", "Opaque", &pair));
        world.apply(&with_tls(ns, "web", ns, "restart.test", "pair"));
        let flags = &[&*format!("--watch-namespace={ns}")];
        let mut first = install.start(flags);
        first.wait_live();
        assert_eq!(first.revision()["revision"], 1, "no revision without the Secret went before: {}", first.log());
        assert_eq!(first.get_tls("restart.test", "/").certificate, der(&pair.0));
        first.stop();
        // Meanwhile the certificate is renewed, and a second host comes with one of its own.
        let [renewed, other] = [world.authority().issue(&["restart.test"]), world.authority().issue(&["other.test"])];
        world.apply(&key_pair_secret(ns, "pair", "Opaque", &renewed));
        world.apply(&key_pair_secret(ns, "other", "Opaque", &other));
        world.apply(&with_tls(ns, "other", ns, "other.test", "other"));
        let again = install.start_with(Setup { flags, state: Some(&first.state), ports: Some(&first), ..Setup::default() });
        wait_certificate(&again, "restart.test", &renewed.0);
        again.wait_live();
        assert_eq!(again.get_tls("other.test", "/").certificate, der(&other.0));
        assert_eq!(again.revision()["revision"], 2, "nor after the restart: {}", again.log());
    }

    fn tls_8_and_17_the_default_certificate_comes_from_the_flag(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "fallback");
        let ns = &*install.name;
        let pair = world.authority().issue(&["anything.test"]);
        world.apply(&key_pair_secret(ns, "default", "kubernetes.io/tls", &pair));
        let controller = install.start(&[&format!("--default-ssl-certificate={ns}/default")]);
        controller.wait_live();
        eventually("unknown hosts get it", || {
            let answer = controller.get_tls("unknown.test", "/");
            if answer.status == 404 && answer.certificate == der(&pair.0) { Ok(()) } else { Err(answer.body) }
        });
    }
}
