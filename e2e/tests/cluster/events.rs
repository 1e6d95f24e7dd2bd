//! Events: `ingress-semantics` 21.

use gatewright_e2e::cluster::{Install, Setup, World, app, eventually, holds_for, ingress};
use gatewright_e2e::on_proxies;
use gatewright_e2e::proxies::Proxy;
use serde_json::json;
use std::time::Duration;

/// What events call the proxy.
fn title(proxy: Proxy) -> &'static str {
    if proxy.is_nginx() { "NGINX" } else { "HAProxy" }
}

fn wait_event(world: &World, namespace: &str, kind: &str, name: &str, beginning: &str) {
    eventually(&format!("{kind} {name} has the event {beginning:?}"), || {
        let events = world.events(namespace, kind, name);
        if events.iter().any(|event| event.starts_with(beginning)) { Ok(()) } else { Err(events.join("\n")) }
    });
}

#[test]
fn events_that_may_not_be_written_are_left_out_and_all_else_works() {
    let world = World::shared();
    let install = Install::on(Proxy::HAPROXY_2_6, world, "mute");
    // Its own namespace takes events of the controller itself.
    let ns = "mute-shop";
    world.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: mute-shop}\n");
    install.restrict(|rule| rule["resources"] != json!(["events"]));
    world.apply(&app(ns, "app", &["10.244.6.21"]));
    world.apply(&ingress(ns, "web", "mute", "mute.test", "app"));
    let controller = install.start(&["--publish-status-address=192.0.2.103"]);
    controller.wait_live().wait_pod("mute.test", "10.244.6.21");
    eventually("the reason is in the log", || {
        let log = controller.log();
        if log.contains("cannot create resource") && log.contains("events") { Ok(()) } else { Err(log) }
    });
    eventually("the status is written", || if world.addresses(ns, "web").is_empty() { Err(String::new()) } else { Ok(()) });
}

on_proxies! {
    [nginx_1_30 = NGINX_1_30, haproxy_3_2 = HAPROXY_3_2]

    fn ingresses_are_told_when_they_are_live_and_what_is_wrong(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "told");
        let ns = &*install.name;
        install.pod(ns, "192.0.2.101");
        world.apply(&app(ns, "app", &["10.244.6.1"]));
        world.apply(&ingress(ns, "web", ns, "told.test", "app"));
        world.apply(&ingress(ns, "broken", ns, "broken.test", "nobody"));
        let controller = install.start(&[&format!("--configmap={ns}/gatewright")]);
        controller.wait_live();
        wait_event(world, ns, "Ingress", "web", "Sync: live in revision ");
        wait_event(world, ns, "Ingress", "broken", "NoService: spec.rules[0].http.paths[0].backend");
        wait_event(world, ns, "ConfigMap", "gatewright", &format!("CREATE: ConfigMap {ns}/gatewright"));
        wait_event(world, ns, "Pod", ns, &format!("RELOAD: {} reload triggered", title(proxy)));
        let uid = world.object("Ingress", ns, "web")["metadata"]["uid"].clone();
        let events = world.objects("Event", ns);
        let of_web = events.iter().find(|event| event["involvedObject"]["name"] == "web").unwrap();
        assert_eq!(
            (&of_web["involvedObject"]["uid"], &of_web["type"], &of_web["source"]["component"]),
            (&uid, &json!("Normal"), &json!("gatewright"))
        );
        // The next change is the same event once more.
        world.patch("Ingress", ns, "web", &json!({"metadata": {"annotations": {"nginx.ingress.kubernetes.io/ssl-redirect": "false"}}}));
        eventually("the event is counted up", || {
            let events = world.objects("Event", ns);
            let of_web: Vec<_> = events.iter().filter(|event| event["involvedObject"]["name"] == "web").collect();
            if of_web.len() == 1 && of_web[0]["count"] == 2 { Ok(()) } else { Err(format!("{of_web:?}")) }
        });
    }
}

on_proxies! {
    [nginx_1_22 = NGINX_1_22, haproxy_2_6 = HAPROXY_2_6]

    fn a_value_of_an_annotation_that_cannot_be_read_is_a_warning(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "unread");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.6.31"]));
        world.apply(&ingress(ns, "web", ns, "unread.test", "app"));
        world.patch("Ingress", ns, "web", &json!({"metadata": {"annotations": {"nginx.ingress.kubernetes.io/proxy-read-timeout": "soon"}}}));
        let controller = install.start(&[]);
        controller.wait_live();
        wait_event(world, ns, "Ingress", "web", "AnnotationParsingFailed: ");
        let events = world.objects("Event", ns);
        let failed = events.iter().find(|event| event["reason"] == "AnnotationParsingFailed").unwrap();
        assert_eq!((&failed["type"], &failed["involvedObject"]["name"]), (&json!("Warning"), &json!("web")));
        assert!(failed["message"].as_str().is_some_and(|message| message.contains("proxy-read-timeout")), "{failed}");
        controller.wait_pod("unread.test", "10.244.6.31");
    }

    fn rld_1_2_a_configuration_that_cannot_be_used_is_a_warning_and_the_old_one_serves(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "refused");
        let ns = &*install.name;
        install.pod(ns, "192.0.2.104");
        world.apply(&app(ns, "app", &["10.244.6.41"]));
        world.apply(&app(ns, "other", &["10.244.6.42"]));
        world.apply(&ingress(ns, "web", ns, "refused.test", "app"));
        // The real proxy, but for its checks while a file says no.
        let folder = tempfile::tempdir().unwrap();
        let (program, no) = (folder.path().join("proxy"), folder.path().join("no"));
        let refusing = format!(
            "#!/bin/sh\ncase \" $* \" in *\" {} \"*) [ ! -e '{}' ] || exit 1 ;; esac\nexec '{}' \"$@\"\n",
            if proxy.is_nginx() { "-t" } else { "-c" },
            no.display(),
            proxy.program().display()
        );
        // Not by this process: another thread's child could hold it open for writing when it is started.
        let write = r#"printf '%s' "$2" >"$1" && chmod 755 "$1""#;
        let written = std::process::Command::new("sh").args(["-c", write, "write"]).arg(&program).arg(refusing).status().unwrap();
        assert!(written.success());
        let controller = install.start_with(Setup { program: Some(&program), ..Setup::default() });
        controller.wait_live().wait_pod("refused.test", "10.244.6.41");
        let successful = |wanted: f64| {
            eventually(&format!("config_last_reload_successful is {wanted}"), || {
                let now = controller.metric("nginx_ingress_controller_config_last_reload_successful{");
                if now == Some(wanted) { Ok(()) } else { Err(format!("{now:?}")) }
            });
        };
        successful(1.0);
        std::fs::write(&no, "").unwrap();
        world.apply(&ingress(ns, "more", ns, "more.test", "other"));
        successful(0.0);
        wait_event(world, ns, "Pod", ns, &format!("RELOAD: Error reloading {}: the proxy refused revision", title(proxy)));
        let events = world.objects("Event", ns);
        assert!(events.iter().any(|event| event["reason"] == "RELOAD" && event["type"] == "Warning"), "{events:?}");
        controller.wait_pod("refused.test", "10.244.6.41");
        std::fs::remove_file(&no).unwrap();
        successful(1.0);
        controller.wait_pod("more.test", "10.244.6.42");
    }
}

on_proxies! {
    [nginx_1_28 = NGINX_1_28, haproxy_3_0 = HAPROXY_3_0]

    fn sync_events_can_be_switched_off(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "untold");
        let ns = &*install.name;
        install.pod(ns, "192.0.2.102");
        world.apply(&ingress(ns, "broken", ns, "broken.test", "nobody"));
        let controller = install.start(&["--disable-sync-events"]);
        controller.wait_live();
        wait_event(world, ns, "Pod", ns, "RELOAD");
        holds_for(Duration::from_secs(1), "nothing is told", || {
            let events = world.events(ns, "Ingress", "broken");
            if events.is_empty() { Ok(()) } else { Err(events.join("\n")) }
        });
    }
}
