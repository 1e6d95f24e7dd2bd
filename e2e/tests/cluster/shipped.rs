//! The Pod of the chart, started as a kubelet would start it: its own command lines, users, volumes and token.

use crate::release::Release;
use gatewright_e2e::cluster::{Answer, Images, World, app, eventually, get, get_tls, ingress, key_pair_secret};
use gatewright_e2e::tls::Pair;
use nix::sys::signal::Signal;
use serde_json::json;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// Serves, takes changes, loses its controller and gets another one, and ends when it is told to.
fn lives(release: &Release, address: &str, images: Option<&Images>) {
    let (world, ns) = (release.world, release.name);
    let host = |name: &str| format!("{name}.{ns}.test");
    world.apply(&app(ns, "app", &[address]));
    world.apply(&ingress(ns, "one", ns, &host("one"), "app"));
    let mut pod = release.pod(images);
    release.wait_ready();
    release.wait_pod(&host("one"), address);
    world.apply(&ingress(ns, "two", ns, &host("two"), "app"));
    release.wait_pod(&host("two"), address);
    pod.end("controller", Signal::SIGKILL);
    assert_eq!(release.get(&host("one")).map(|answer| answer.status), Ok(200), "the proxy needs no controller");
    pod.start_again("controller");
    release.wait_ready();
    world.apply(&ingress(ns, "three", ns, &host("three"), "app"));
    release.wait_pod(&host("three"), address);
    eventually("it is told what is live", || {
        let events = world.events(ns, "Ingress", "one");
        if events.iter().any(|text| text.contains("live in revision")) { Ok(()) } else { Err(format!("{events:?}")) }
    });
    assert!(!pod.log("controller").contains("is forbidden"), "{}", pod.log("controller"));
    assert!(pod.end("controller", Signal::SIGTERM).success(), "{}", pod.log("controller"));
    pod.end("proxy", Signal::SIGQUIT);
    assert!(release.get(&host("one")).is_err(), "nobody listens any more");
}

#[test]
fn the_pod_with_nginx_serves_as_it_is_shipped() {
    lives(&Release::install("shipped-nginx", 15_000, &[]), "10.244.9.1", None);
}

#[test]
fn the_pod_with_haproxy_serves_as_it_is_shipped() {
    lives(&Release::install("shipped-haproxy", 15_010, &["proxy.kind=haproxy"]), "10.244.9.2", None);
}

#[test]
fn the_pod_that_knows_signals_only_serves_as_it_is_shipped() {
    lives(&Release::install("shipped-signal", 15_020, &["proxy.mode=signal"]), "10.244.9.3", None);
    lives(&Release::install("shipped-usr2", 15_070, &["proxy.mode=signal", "proxy.kind=haproxy"]), "10.244.9.7", None);
}

#[test]
fn the_pod_of_a_daemonset_serves_as_it_is_shipped() {
    let release = Release::install("shipped-daemon", 15_160, &["controller.kind=DaemonSet"]);
    assert!(release.objects.iter().all(|object| object["kind"] != "Deployment"), "it has no other Pods");
    lives(&release, "10.244.9.8", None);
}

#[test]
fn the_pod_of_a_daemonset_serves_on_ports_of_the_node() {
    let values = [
        "controller.kind=DaemonSet",
        "controller.hostNetwork=true",
        "controller.hostPort.enabled=true",
        "controller.hostPort.ports.http=15180",
        "controller.hostPort.ports.https=15181",
        "controller.containerPort.http=15185",
        "controller.containerPort.https=15186",
        "controller.service.enabled=false",
        "proxy.kind=haproxy",
    ];
    lives(&Release::install("shipped-node", 15_180, &values), "10.244.9.9", None);
}

#[test]
fn the_pod_listens_below_1024_without_a_capability_and_names_these_ports() {
    let low = ["controller.containerPort.http=880", "controller.containerPort.https=444"];
    for (name, kind, address) in [("shipped-low", "nginx", "10.244.9.10"), ("shipped-lower", "haproxy", "10.244.9.11")] {
        let kind = format!("proxy.kind={kind}");
        let mut release = Release::install(name, 15_190, &[&low[..], &[&kind]].concat());
        (release.ports[0], release.ports[1]) = (880, 444);
        release.world.apply(&app(name, "app", &[address]));
        let www = "metadata: {annotations: {nginx.ingress.kubernetes.io/from-to-www-redirect: 'true'}, ";
        release.world.apply(&ingress(name, "low", name, "low.test", "app").replace("metadata: {", www));
        let mut pod = release.pod(None);
        release.wait_ready();
        release.wait_pod("low.test", address);
        let place = |answer: Answer| answer.header("location").unwrap_or_default().to_owned();
        assert_eq!(place(get(880, "www.low.test", "/foo").unwrap()), "http://low.test:880/foo");
        assert_eq!(place(get_tls(444, "www.low.test", "/foo").unwrap()), "https://low.test:443/foo", "where clients reach it");
        assert!(pod.end("controller", Signal::SIGTERM).success(), "{}", pod.log("controller"));
        pod.end("proxy", if kind.ends_with("nginx") { Signal::SIGQUIT } else { Signal::SIGUSR1 });
    }
}

#[test]
fn the_pod_serves_one_namespace_with_roles_and_without_secrets() {
    let values = ["controller.scope.enabled=true", "rbac.scope=true", "rbac.secrets=false"];
    let release = Release::install("shipped-narrow", 15_030, &values);
    let (world, ns) = (release.world, release.name);
    world.apply(&app(ns, "app", &["10.244.9.4"]));
    let pair = Pair::new(&["tls.narrow.test"]);
    world.apply(&key_pair_secret(ns, "pair", "kubernetes.io/tls", &(pair.certificate.clone(), pair.key.clone())));
    for (name, more) in [
        ("web", ""),
        ("tls", ""),
        ("closed", ", nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: users"),
    ] {
        // IngressClasses may not be read, so only the annotation counts.
        let text = ingress(ns, name, ns, &format!("{name}.narrow.test"), "app").replace(&format!("  ingressClassName: {ns}\n"), "");
        let text = text.replace("metadata: {", &format!("metadata: {{annotations: {{kubernetes.io/ingress.class: {ns}{more}}}, "));
        world.apply(&if name == "tls" { text + "  tls: [{hosts: [tls.narrow.test], secretName: pair}]\n" } else { text });
    }
    let _pod = release.pod(None);
    release.wait_ready();
    release.wait_pod("web.narrow.test", "10.244.9.4");
    eventually("TLS is answered, with a certificate of nobody's", || match get_tls(release.ports[1], "tls.narrow.test", "/") {
        Ok(answer) if answer.pod() == "10.244.9.4" && answer.certificate != pair.der => Ok(()),
        other => Err(format!("{other:?}")),
    });
    release.wait_all("passwords cannot be read", &[("closed.narrow.test", "/", "503")]);
}

/// A host, and who asks there: `anna:one` and `anna:two` in base64.
fn asked_by(host: &str, user: &str) -> String {
    format!("{host}\r\nAuthorization: Basic {user}")
}

const ANNA_ONE: &str = "YW5uYTpvbmU=";
const ANNA_TWO: &str = "YW5uYTp0d28=";

#[test]
fn the_pod_takes_secrets_from_volumes_and_may_read_none() {
    let values = [
        "controller.secretVolumes[0].secret=shipped-shop/pair",
        "controller.secretVolumes[0].volume.secret.secretName=shop-pair",
        "controller.secretVolumes[1].secret=shipped-shop/users",
        "controller.secretVolumes[1].volume.secret.secretName=shop-users",
    ];
    let release = Release::install("shipped-files", 15_090, &values);
    let (world, ns, shop) = (release.world, release.name, "shipped-shop");
    world.apply(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {shop}}}\n"));
    world.apply(&app(shop, "app", &["10.244.9.41"]));
    let host = "files.test";
    let protected = "metadata: {annotations: {nginx.ingress.kubernetes.io/auth-type: basic, \
                     nginx.ingress.kubernetes.io/auth-secret: users, nginx.ingress.kubernetes.io/ssl-redirect: 'false'}, ";
    let web = ingress(shop, "web", ns, host, "app").replace("metadata: {", protected);
    world.apply(&format!("{web}  tls: [{{hosts: [{host}], secretName: pair}}]\n"));
    // What the API has under these names is not what counts.
    let foreign = Pair::new(&[host]);
    world.apply(&key_pair_secret(shop, "pair", "kubernetes.io/tls", &(foreign.certificate, foreign.key)));
    let put = |password: &str| {
        let pair = Pair::new(&[host]);
        world.apply(&key_pair_secret(ns, "shop-pair", "kubernetes.io/tls", &(pair.certificate, pair.key)));
        world.apply(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: shop-users, namespace: {ns}}}\nstringData: {{auth: 'anna:{{PLAIN}}{password}'}}\n"
        ));
        pair.der
    };
    let served = |certificate: &[u8], user: &str| {
        eventually(&format!("{user} is let in under the certificate of the volume"), || {
            match get_tls(release.ports[1], host, "/").and_then(|shown| Ok((shown, release.get(&asked_by(host, user))?))) {
                Ok((shown, answer)) if shown.certificate == certificate && shown.status == 401 && answer.pod() == "10.244.9.41" => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
    };
    let first = put("one");
    let pod = release.pod(None);
    release.wait_ready();
    served(&first, ANNA_ONE);
    let second = put("two");
    pod.renew_secrets(ns);
    served(&second, ANNA_TWO);
    assert_eq!(release.get(&asked_by(host, ANNA_ONE)).map(|answer| answer.status), Ok(401));
    let account = release.objects.iter().find(|object| object["kind"] == "ServiceAccount").unwrap();
    let user = format!("system:serviceaccount:{ns}:{}", account["metadata"]["name"].as_str().unwrap());
    for (namespace, names) in [(None, json!([])), (Some(shop), json!(["pair"])), (Some(ns), json!(["shop-pair"]))] {
        for verb in ["get", "list", "watch"] {
            let rule = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": [verb], "resourceNames": names});
            assert!(!world.may(&user, namespace, &rule), "{namespace:?}: {verb}");
        }
    }
    let log = pod.log("controller");
    assert!(!log.contains("does not permit") && !log.contains("is forbidden"), "{log}");
}

#[test]
fn the_pod_reads_secrets_where_values_or_a_namespace_let_it() {
    let [named, later] = ["shipped-named", "shipped-later"];
    for name in [named, later] {
        World::shared().apply(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n"));
    }
    let release = Release::install("shipped-opted", 15_150, &["rbac.secretNamespaces={shipped-named}"]);
    let (world, ns) = (release.world, release.name);
    let pair = Pair::new(&["shipped-named.test", "shipped-later.test"]);
    for (name, pod) in [(named, "10.244.9.61"), (later, "10.244.9.62")] {
        world.apply(&app(name, "app", &[pod]));
        world.apply(&key_pair_secret(name, "pair", "kubernetes.io/tls", &(pair.certificate.clone(), pair.key.clone())));
        let web = ingress(name, "web", ns, &format!("{name}.test"), "app");
        world.apply(&format!("{web}  tls: [{{hosts: [{name}.test], secretName: pair}}]\n"));
    }
    let _pod = release.pod(None);
    release.wait_ready();
    let shown = |name: &str, expected: bool| {
        eventually(&format!("{name} is served, with its certificate: {expected}"), || {
            match get_tls(release.ports[1], &format!("{name}.test"), "/") {
                Ok(answer) if answer.status == 200 && (answer.certificate == pair.der) == expected => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
    };
    shown(named, true);
    shown(later, false);
    let user = format!("system:serviceaccount:{ns}:{ns}-gatewright");
    let may = |namespace| world.may(&user, namespace, &json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}));
    assert_eq!([None, Some(ns), Some(later), Some(named)].map(may), [false, false, false, true]);
    eventually("it is said on the Ingress", || {
        let events = world.events(later, "Ingress", "web");
        if events.iter().any(|text| text.contains("Secret shipped-later/pair")) { Ok(()) } else { Err(format!("{events:?}")) }
    });
    let rules = json!([{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["pair"], "verbs": ["list", "watch"]}]);
    for object in [
        json!({"kind": "Role", "metadata": {"name": "let-in", "namespace": later}, "rules": rules}),
        json!({"kind": "RoleBinding", "metadata": {"name": "let-in", "namespace": later},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "let-in"},
            "subjects": [{"kind": "ServiceAccount", "name": format!("{ns}-gatewright"), "namespace": ns}]}),
    ] {
        let mut object = object;
        object["apiVersion"] = json!("rbac.authorization.k8s.io/v1");
        world.apply_object(&object).unwrap();
    }
    shown(later, true);
}

#[test]
fn the_pod_serves_the_namespaces_that_are_named_and_no_others() {
    let names = ["shipped-in-a", "shipped-in-b", "shipped-out"];
    for name in names {
        World::shared().apply(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n"));
    }
    let values =
        ["controller.scope.enabled=true", "controller.scope.namespaces={shipped-in-b,shipped-in-a}", "controller.config.hsts=false"];
    let release = Release::install("shipped-some", 15_080, &values);
    let world = release.world;
    let pair = Pair::new(&["shipped-in-b.test"]);
    for (at, name) in names.into_iter().enumerate() {
        world.apply(&app(name, "app", &[&format!("10.244.9.{}", 31 + at)]));
        world.apply(&key_pair_secret(name, "pair", "kubernetes.io/tls", &(pair.certificate.clone(), pair.key.clone())));
        let web = ingress(name, "web", release.name, &format!("{name}.test"), "app");
        world.apply(&if at == 1 { web + "  tls: [{hosts: [shipped-in-b.test], secretName: pair}]\n" } else { web });
    }
    let pod = release.pod(None);
    release.wait_ready();
    release.wait_pod("shipped-in-a.test", "10.244.9.31");
    eventually("the certificate of a Secret there is shown", || match get_tls(release.ports[1], "shipped-in-b.test", "/") {
        Ok(answer)
            if answer.certificate == pair.der && answer.pod() == "10.244.9.32" && answer.header("strict-transport-security").is_none() =>
        {
            Ok(())
        }
        other => Err(format!("{other:?}")),
    });
    assert_eq!(release.get("shipped-out.test").map(|answer| answer.status), Ok(404), "{}", pod.log("controller"));
}

/// The image for CI reviews a change in a repository that belongs to another user, as runners leave it.
fn reviews(images: &Images) {
    let folder = World::shared().new_folder("review");
    let web = |host: &str| ingress("shop", "web", "gatewright", host, "app");
    let shell = |script: &str| {
        let mut git = Command::new("sh");
        git.args(["-e", "-c", script]).current_dir(&folder).env("HOME", &folder).env("GIT_CONFIG_COUNT", "2");
        git.envs([("GIT_CONFIG_KEY_0", "user.name"), ("GIT_CONFIG_VALUE_0", "a"), ("GIT_CONFIG_KEY_1", "user.email")]);
        assert!(git.env("GIT_CONFIG_VALUE_1", "a@b.test").status().unwrap().success(), "{script}");
    };
    fs::create_dir(folder.join("deploy")).unwrap();
    fs::write(folder.join("deploy/web.yaml"), web("shop.test")).unwrap();
    shell("git init -q -b main; git add -A; git commit -q -m one");
    fs::write(folder.join("deploy/web.yaml"), web("other.test")).unwrap();
    shell("chown -R 1000:1000 .");
    let review = images.in_ci(&folder, &["gatewright-review", "main", "deploy"]);
    assert!(review.contains("`host shop.test`") && review.contains("`host other.test`"), "{review}");
}

#[test]
fn the_images_are_built_and_serve_as_the_pod_starts_them() {
    let images = Images::build(World::shared());
    let (added, [size, base]) = images.added();
    // Not by `println!`, which shows nothing of a test that passes.
    let own = size.saturating_sub(base);
    writeln!(
        std::io::stdout(),
        "image of the controller: {} MiB, {} MiB more than its base, all in this build of the program",
        size >> 20,
        own >> 20
    )
    .unwrap();
    assert_eq!(added, ["usr/local/bin/gatewright"], "as docs/guides/permissions.md says");
    let started = images.configuration();
    assert_eq!(started["User"], "101:101", "{started}");
    assert_eq!((&started["Entrypoint"], &started["Cmd"]), (&json!(["/usr/local/bin/gatewright"]), &json!(["run"])), "{started}");
    for of_root in ["ExposedPorts", "Volumes", "Env"] {
        assert!(!started[of_root].to_string().contains("gatewright"), "nothing is to be written or opened by itself: {started}");
    }
    reviews(&images);
    lives(&Release::install("shipped-image", 15_040, &[]), "10.244.9.5", Some(&images));
    lives(&Release::install("shipped-other", 15_050, &["proxy.kind=haproxy"]), "10.244.9.6", Some(&images));
}

/// An example of the README, in this namespace where its objects have one.
fn example(name: &str, namespace: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples").join(format!("{name}.yaml"));
    let text = fs::read_to_string(path).unwrap();
    text.replace("kind: Ingress\nmetadata:\n", &format!("kind: Ingress\nmetadata:\n  namespace: {namespace}\n"))
}

#[test]
fn the_examples_of_tutorials_work_through_the_chart() {
    let values = [
        "controller.scope.enabled=true",
        "controller.watchIngressWithoutClass=true",
        "controller.ingressClassResource.controllerValue=gatewright.dev/ingress",
        "controller.publishService.enabled=false",
        "controller.extraArgs.publish-status-address=192.0.2.15",
    ];
    let release = Release::install("shipped-tutorial", 15_060, &values);
    let (world, ns) = (release.world, release.name);
    let _alone = crate::default_class();
    let (s1, s2) = ("10.244.9.21", "10.244.9.22");
    for (name, address) in [("testsvc", "10.244.9.23"), ("test", "10.244.9.24"), ("s1", s1), ("s2", s2)] {
        world.apply(&app(ns, name, &[address]));
    }
    let pair = Pair::new(&["foo.bar.com"]);
    world.apply(&key_pair_secret(ns, "testsecret", "Opaque", &(pair.certificate.clone(), pair.key.clone())));
    let _pod = release.pod(None);
    release.wait_ready();
    let show = |file: &str, ingress: &str, expected: &[(&str, &str, &str)]| {
        let text = example(file, ns);
        // The API server learns by a watch of its own that there is no default class any more.
        eventually(&format!("{file} is taken as it is"), || {
            world.apply(&text);
            let class = &world.object("Ingress", ns, ingress)["spec"]["ingressClassName"];
            if class.is_string() == text.contains("ingressClassName") {
                return Ok(());
            }
            world.delete("Ingress", ns, ingress);
            Err(class.to_string())
        });
        release.wait_all(file, expected);
        eventually(&format!("{file}: the ADDRESS is filled in"), || match world.addresses(ns, ingress) {
            addresses if addresses == ["192.0.2.15"] => Ok(()),
            other => Err(format!("{other:?}")),
        });
    };
    show("single-service", "test-ingress", &[("any.host", "/", "10.244.9.23")]);
    world.delete("Ingress", ns, "test-ingress");
    show("path", "path", &[("any.host", "/testpath", "10.244.9.24"), ("any.host", "/other", "404")]);
    world.delete("Ingress", ns, "path");
    show("fan-out", "fan-out", &[("foo.bar.com", "/foo", s1), ("foo.bar.com", "/bar", s2), ("foo.bar.com", "/", "404")]);
    world.delete("Ingress", ns, "fan-out");
    show("virtual-hosts", "virtual-hosts", &[("foo.bar.com", "/", s1), ("bar.foo.com", "/", s2), ("bar.baz.com", "/", "404")]);
    show("virtual-hosts-edited", "virtual-hosts", &[("foo.bar.com", "/", s1), ("bar.foo.com", "/", s2), ("bar.baz.com", "/", s2)]);
    world.delete("Ingress", ns, "virtual-hosts");
    for file in ["tls", "tls-without-hosts"] {
        show(file, file, &[("foo.bar.com", "/", "308")]);
        eventually(&format!("{file}: the certificate of the Secret is shown"), || match get_tls(release.ports[1], "foo.bar.com", "/") {
            Ok(answer) if answer.certificate == pair.der && answer.pod() == s1 => Ok(()),
            other => Err(format!("{other:?}")),
        });
        world.delete("Ingress", ns, file);
    }
    show("ingress-class", "external", &[("foo.bar.com", "/", s1)]);
}
