//! While the API server is away: what is served goes on, also after a restart of the controller; and what follows.

use crate::status::leads;
use gatewright_e2e::cluster::{
    Asked, Audit, Controller, Install, Setup, World, app, documents, eventually, get, holds_for, ingress, program, slice,
};
use gatewright_e2e::{on_each_kind, on_proxies};
use serde_json::json;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Asks a host over and over while `change` works; every request that was not answered by a pod. `change` may wait until
/// so many more have been answered.
fn while_asking(controller: &Controller<'_>, host: &str, change: impl FnOnce(&dyn Fn(usize))) -> Vec<String> {
    let (done, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let asker = scope.spawn(|| {
            let mut lost = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let answer = controller.get(host, "/");
                if answer.pod() == "-" {
                    lost.push(format!("{} {}", answer.status, answer.body));
                } else {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
            lost
        });
        let answered = |more: usize| {
            let wanted = count.load(Ordering::Relaxed) + more;
            eventually("requests are answered", || if count.load(Ordering::Relaxed) >= wanted { Ok(()) } else { Err(String::new()) });
        };
        let changed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| change(&answered)));
        done.store(true, Ordering::Relaxed);
        let lost = asker.join().unwrap();
        changed.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        lost
    })
}

fn answers(controller: &Controller<'_>, host: &str, pod: &str) {
    let answer = controller.get(host, "/");
    assert_eq!((answer.status, answer.pod()), (200, pod), "{}", answer.body);
}

/// More Ingresses than two pages hold, most of them nobody's.
const MANY: usize = 1100;

/// Ingresses of nobody, with names between those of the first and the last one.
fn fill(world: &World, ns: &str) {
    let objects: Vec<_> =
        (0..MANY).map(|n| documents(&ingress(ns, &format!("m-{n:04}"), "nobody", "nobody.test", "app")).remove(0)).collect();
    world.create_all(&objects);
}

on_proxies! {
    [nginx_1_28 = NGINX_1_28, haproxy_2_6 = HAPROXY_2_6]

    fn lists_come_in_pages_where_the_api_server_does_not_stream_them(proxy) {
        let audit = Audit::of(&[("networking.k8s.io", "ingresses")]);
        let world = World::start_with(&audit.flags(&["--feature-gates=WatchList=false"]));
        let install = Install::of(proxy, &world, "pages");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.7.21"]));
        fill(&world, ns);
        for name in ["a", "m-0700-own", "z"] {
            world.apply(&ingress(ns, name, ns, &format!("{name}.test"), "app"));
        }
        let controller = install.start(&[]);
        controller.wait_live();
        for name in ["a", "m-0700-own", "z"] {
            controller.wait_pod(&format!("{name}.test"), "10.244.7.21");
        }
        let account = format!("system:serviceaccount:{ns}:gatewright");
        let asked = audit.asked(&account, "ingresses");
        let pages: Vec<&Asked> = asked.iter().filter(|asked| asked.verb == "list" && asked.status == 200).collect();
        let bound: usize = pages.iter().map(|page| page.value("limit").parse::<usize>().unwrap()).sum();
        assert!(pages.len() >= 3 && bound >= MANY + 3, "{pages:#?}");
        let begun = pages.iter().filter(|page| page.value("continue").is_empty()).count();
        assert!(begun >= 1 && pages.len() - begun >= 2, "the first page asks for none, the others go on: {pages:#?}");
        let streamed = |asked: &&Asked| asked.value("sendInitialEvents") == "true";
        assert!(!asked.iter().filter(streamed).any(|asked| asked.status == 200), "nothing was streamed: {asked:#?}");
        world.delete("Ingress", ns, "m-0700-own");
        controller.wait_status("m-0700-own.test", "/", 404);
        controller.expect_status("z.test", "/", 200).unwrap();

        // Commands that look once have pages of their own.
        drop(controller);
        let before = audit.asked(&account, "ingresses").len();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, world.kubeconfig(&world.token(ns, "gatewright")).to_string()).unwrap();
        let classes = [format!("--ingress-class={ns}"), format!("--controller-class={}", install.controller_class())];
        let ran = Command::new(program()).args(["explain", "http://z.test/", "-f", "cluster"]).args(classes).env("KUBECONFIG", &kubeconfig).output();
        let ran = ran.unwrap();
        let told = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success() && told.contains(&format!("{ns}/z")), "{told} {}", String::from_utf8_lossy(&ran.stderr));
        let pages = audit.asked(&account, "ingresses").split_off(before);
        let goes_on = pages.iter().filter(|page| !page.value("continue").is_empty()).count();
        assert!(goes_on >= 1 && pages.len() == goes_on + 1 && pages.iter().all(|page| page.verb == "list"), "{pages:#?}");
    }
}

on_proxies! {
    [haproxy_3_0 = HAPROXY_3_0]

    fn lists_are_streamed_where_the_api_server_does_it(proxy) {
        let audit = Audit::of(&[("networking.k8s.io", "ingresses"), ("discovery.k8s.io", "endpointslices")]);
        let world = World::start_with(&audit.flags(&[]));
        let install = Install::of(proxy, &world, "streamed");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.7.22"]));
        world.apply(&ingress(ns, "web", ns, "web.test", "app"));
        let controller = install.start(&[]);
        controller.wait_live().wait_pod("web.test", "10.244.7.22");
        for resource in ["ingresses", "endpointslices"] {
            let asked = audit.asked(&format!("system:serviceaccount:{ns}:gatewright"), resource);
            let streamed = asked.iter().filter(|asked| asked.verb == "watch" && asked.value("sendInitialEvents") == "true" && asked.status == 200);
            assert!(streamed.count() >= 1 && asked.iter().all(|asked| asked.verb != "list"), "{resource}: {asked:#?}");
        }
        drop(controller);
    }
}

on_each_kind! {
    fn sta_8_traffic_flows_while_the_api_server_and_etcd_are_killed_and_all_is_restored_when_they_are_back(proxy) {
        let world = World::start();
        let install = Install::of(proxy, &world, "killed");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.7.51"]));
        world.apply(&ingress(ns, "web", ns, "web.test", "app"));
        let controller = install.start(&["--publish-status-address=192.0.2.251"]);
        controller.wait_live().wait_pod("web.test", "10.244.7.51");
        let has_status = |ingress: &str| {
            eventually(&format!("{ingress} has its address"), || {
                let addresses = world.addresses(ns, ingress);
                if addresses == ["192.0.2.251"] { Ok(()) } else { Err(format!("{addresses:?}")) }
            });
        };
        has_status("web");
        let lost = while_asking(&controller, "web.test", |answered| {
            for round in 0..3 {
                let (name, pod) = (format!("later-{round}"), format!("10.244.7.{}", 52 + round));
                world.kill_etcd();
                if round != 1 {
                    world.kill_api_server();
                }
                answered(50);
                world.start_etcd();
                if round != 1 {
                    world.start_api_server();
                }
                eventually("etcd is used again", || {
                    let object = documents(&ingress(ns, &name, ns, &format!("{name}.test"), "app")).remove(0);
                    world.apply_object(&object).map_err(|error| error.to_string())
                });
                world.apply(&slice(ns, "app", &[&pod]));
                controller.wait_pod(&format!("{name}.test"), &pod);
                controller.wait_pod("web.test", &pod);
                has_status(&name);
            }
        });
        assert!(lost.is_empty(), "{} requests were lost: {:?}", lost.len(), &lost[..lost.len().min(5)]);

        // The Lease and the status go while the controller does not see it, and the API server with them, for so long that
        // it leads no more.
        controller.freeze();
        world.delete("Lease", ns, "gatewright-leader");
        world.patch_status("Ingress", ns, "web", &json!({"loadBalancer": {"ingress": null}}));
        world.kill_api_server();
        controller.thaw();
        eventually("it leads no more", || if leads(&controller) { Err(controller.log()) } else { Ok(()) });
        answers(&controller, "web.test", "10.244.7.54");
        world.start_api_server();
        has_status("web");
        eventually("it leads again", || if leads(&controller) { Ok(()) } else { Err(controller.log()) });
        eventually("the Lease is held again", || {
            let lease = world.object("Lease", ns, "gatewright-leader");
            if lease["spec"]["holderIdentity"] == ns { Ok(()) } else { Err(lease.to_string()) }
        });
        drop(controller);
    }

    fn the_last_good_revision_is_served_while_the_api_server_is_away_and_after_an_own_restart(proxy) {
        let world = World::start();
        let install = Install::of(proxy, &world, "outage");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.7.1"]));
        world.apply(&ingress(ns, "web", ns, "web.test", "app"));
        let flags = &["--publish-status-address=192.0.2.201"];
        let kubeconfig = world.kubeconfig(&world.token(ns, "gatewright"));
        let mut first = install.start_with(Setup { flags, kubeconfig: Some(kubeconfig.clone()), ..Setup::default() });
        first.wait_live().wait_pod("web.test", "10.244.7.1");
        let revision = first.revision()["revision"].clone();

        world.kill_api_server();
        answers(&first, "web.test", "10.244.7.1");
        world.start_api_server();
        holds_for(Duration::from_secs(3), "lists that are made again change nothing", || {
            let now = first.revision();
            if now["revision"] == revision { first.expect_status("web.test", "/", 200) } else { Err(now.to_string()) }
        });
        world.apply(&slice(ns, "app", &["10.244.7.2"]));
        first.wait_pod("web.test", "10.244.7.2");
        world.apply(&ingress(ns, "second", ns, "second.test", "app"));
        first.wait_pod("second.test", "10.244.7.2");

        // A crash of the controller while the API server is away.
        world.kill_api_server();
        first.kill();
        let again = install.start_with(Setup {
            flags,
            kubeconfig: Some(kubeconfig),
            state: Some(&first.state),
            ports: Some(&first),
            ..Setup::default()
        });
        eventually("the last good revision is served again", || again.expect_status("second.test", "/", 200));
        answers(&again, "web.test", "10.244.7.2");
        eventually("it says which lists it waits for", || {
            let ready = get(again.admin, "localhost", "/readyz")?;
            assert_eq!(ready.status, 503, "{}", ready.body);
            if ready.body.contains("the list of Ingress of all namespaces") { Ok(()) } else { Err(ready.body) }
        });

        world.start_api_server();
        world.apply(&slice(ns, "app", &["10.244.7.3"]));
        again.wait_live().wait_pod("web.test", "10.244.7.3");
        assert!(again.revision()["revision"].as_u64() > revision.as_u64());
        drop(again);
        drop(first);
    }

    /// A token of a ServiceAccount that is bound to an object ends with it, as one of a Pod does.
    fn a_token_that_ends_under_running_watches_is_exchanged_for_the_one_in_the_file(proxy) {
        let world = World::start();
        let install = Install::of(proxy, &world, "exchanged");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.7.41"]));
        world.apply(&ingress(ns, "web", ns, "web.test", "app"));
        world.apply(&format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: bound, namespace: {ns}}}\n"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let write = |token: &str| {
            std::fs::write(folder.path().join("new"), token).unwrap();
            std::fs::rename(folder.path().join("new"), &file).unwrap();
        };
        write(&world.token_bound_to(ns, "gatewright", Some("bound")));
        let kubeconfig = Some(world.kubeconfig_with_file(&file));
        let controller = install.start_with(Setup { kubeconfig, ..Setup::default() });
        controller.wait_live().wait_pod("web.test", "10.244.7.41");

        world.delete("Secret", ns, "bound");
        // An API server that is started again has ended all watches, and believes no token without a look at it.
        world.kill_api_server();
        world.start_api_server();
        world.apply(&ingress(ns, "later", ns, "later.test", "app"));
        eventually("it is told that its token is none any more", || {
            let log = controller.log();
            if log.contains("Unauthorized") { Ok(()) } else { Err(log) }
        });
        answers(&controller, "web.test", "10.244.7.41");
        assert_eq!(controller.get("later.test", "/").status, 404, "what follows is not seen");

        write(&world.token(ns, "gatewright"));
        controller.wait_pod("later.test", "10.244.7.41");
        world.apply(&slice(ns, "app", &["10.244.7.42"]));
        controller.wait_pod("web.test", "10.244.7.42");
        drop(controller);
    }
}

on_proxies! {
    [nginx_1_22 = NGINX_1_22, haproxy_2_6 = HAPROXY_2_6]

    fn a_version_that_the_api_server_has_forgotten_begins_a_new_list(proxy) {
        let world = World::start();
        let install = Install::of(proxy, &world, "forgotten");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.7.31"]));
        world.apply(&ingress(ns, "gone", ns, "gone.test", "app"));
        let controller = install.start(&[]);
        controller.wait_live().wait_pod("gone.test", "10.244.7.31");
        controller.freeze();
        world.kill_api_server();
        world.start_api_server();
        world.delete("Ingress", ns, "gone");
        world.apply(&ingress(ns, "later", ns, "later.test", "app"));
        // What this one remembers of the past begins after both changes.
        world.kill_api_server();
        world.start_api_server();
        controller.thaw();
        controller.wait_pod("later.test", "10.244.7.31");
        controller.wait_status("gone.test", "/", 404);
        let log = controller.log();
        assert!(log.contains("too old resource version"), "it was told 410: {log}");
        drop(controller);
    }
}

on_proxies! {
    [nginx_1_28 = NGINX_1_28, haproxy_3_0 = HAPROXY_3_0]

    fn tokens_are_read_again_when_they_are_no_longer_accepted(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "tokens");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.7.11"]));
        world.apply(&ingress(ns, "web", ns, "tokens.test", "app"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "a-token-that-nobody-accepts").unwrap();
        let kubeconfig = world.kubeconfig_with_file(&file);
        let controller = install.start_with(Setup { kubeconfig: Some(kubeconfig), ..Setup::default() });
        eventually("it is told that it is nobody", || {
            let log = controller.log();
            if log.contains("Unauthorized") { Ok(()) } else { Err(log) }
        });
        std::fs::write(&file, world.token(ns, "gatewright")).unwrap();
        controller.wait_live().wait_pod("tokens.test", "10.244.7.11");
    }
}
