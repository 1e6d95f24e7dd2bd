//! What goes wrong: bad objects, processes that are killed, a full disk.

use gatewright_e2e::client::{admin, admin_json, certificate, connect, get, send as client_send};
use gatewright_e2e::echo::new_pod;
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, class, config_map, ingress, service, slice, text};
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::wait::{until, until_eq, until_some};
use gatewright_e2e::world::{World, gatewright, path, send, who, workers_of};
use gatewright_e2e::{on_every_proxy, on_every_version, tls};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

/// Two hundred good Ingresses.
fn two_hundred() -> Vec<Value> {
    let many = (0..200).map(|n| ingress(&format!("good-{n}")).created(n).prefix(&format!("g{n}.test"), "/", "s"));
    running("s").into_iter().chain(many).collect()
}

/// Objects with something hostile in them, each on hosts of its own or on those of others.
fn hostile() -> Vec<Value> {
    let with_path = |name: &str, path: &str| ingress(name).created(3000).path("g7.test", path, "ImplementationSpecific", "s");
    let mut objects: Vec<Value> = [
        "/a\";}} server { listen 81; } #",
        "/b\nreturn 418;",
        "/c\0d",
        "no-slash",
        "/e{f}$host",
        "/\u{7}bell",
        "/x\\",
        "/%zz",
        "/'",
        "/`id`",
        "/${jndi:x}",
        "/\r\nX: y",
        "/a//b/../c",
        "/%[src]",
        "/%[env(HOME)]",
        "/\"${HOME}\"",
        "/${HOME}",
        "/#c",
        "/a\\ b",
        "/{",
        "/}",
        "/{ src }",
        "/%{+Q}o",
    ]
    .iter()
    .enumerate()
    .map(|(n, path)| with_path(&format!("path-{n}"), path))
    .collect();
    let hosts =
        ["g8.test; return 418", "a b.test", "-x.test", "UPPER.test", "*.*.test", "127.0.0.1", "x..test", "ü.test", "*", "g9.test\n"];
    objects.extend(hosts.iter().enumerate().map(|(n, host)| ingress(&format!("host-{n}")).prefix(host, "/", "s")));
    objects.extend(hostile_words());
    objects.push(ingress("long-host").prefix(&format!("{}.test", "a".repeat(300)), "/", "s"));
    objects.push(ingress("long-path").prefix("g10.test", &format!("/{}", "p".repeat(100_000)), "s"));
    objects.push(ingress("annotation").prefix("g11.test", "/x", "s").annotation("rewrite-target", &"\n;}{".repeat(250_000)));
    objects.push(ingress("nul-port").prefix("nul-port.test", "/", "s:0"));
    objects.push(ingress("odd-service").prefix("odd-service.test", "/", "../../etc:x y"));
    objects.push(ingress("odd-secret").prefix("odd-secret.test", "/", "s").tls(&["odd-secret.test"], "../x"));
    let mut types = ingress("types");
    types["spec"]["rules"] = json!([{"host": 7, "http": {"paths": "x"}}]);
    let mut empty = ingress("empty");
    empty["spec"] = json!({"ingressClassName": "gatewright", "rules": [{"host": "empty.test", "http": {"paths": [{}]}}]});
    objects.extend([types, empty, json!({"kind": "Ingress"}), json!({"apiVersion": "v1", "kind": 3}), json!([1, 2]), Value::Null]);
    objects
}

/// Objects with words that mean something in a proxy's files, in all places that take words.
fn hostile_words() -> Vec<Value> {
    const WORDS: [&str; 10] = ["%[src]", "%[env(HOME)]", "\"${HOME}\"", "\\", "a#b", "# c", "{", "}", "{ src }", "%{+Q}o"];
    const ANNOTATIONS: [(&str, &str); 13] = [
        ("app-root", "/"),
        ("permanent-redirect", "https://x.test/"),
        ("rewrite-target", "/"),
        ("upstream-vhost", ""),
        ("upstream-hash-by", ""),
        ("x-forwarded-prefix", "/"),
        ("session-cookie-name", ""),
        ("server-alias", ""),
        ("cors-allow-origin", "https://"),
        ("proxy-cookie-path", "/a /"),
        ("auth-url", "http://x.test/"),
        ("whitelist-source-range", ""),
        ("custom-headers", "default/"),
    ];
    let of_word = |(n, word): (usize, &&str)| {
        let annotated = ANNOTATIONS.iter().map(move |(key, begin)| {
            ingress(&format!("{key}-{n}")).prefix(&format!("{key}-{n}.test"), "/", "s").annotation(key, &format!("{begin}{word}"))
        });
        let host = format!("{word}.test");
        let expression = ingress(&format!("expression-{n}")).annotation("use-regex", "true");
        annotated.collect::<Vec<_>>().into_iter().chain([
            ingress(&format!("word-{n}")).prefix(&host, "/", "s").tls(&[&host], ""),
            expression.path(&format!("expression-{n}.test"), &format!("/{word}"), "ImplementationSpecific", "s"),
        ])
    };
    WORDS.iter().enumerate().flat_map(of_word).collect()
}

/// Every file of a folder and of those in it, as text.
fn files_below(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let read = |file: PathBuf| {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        (file, text)
    };
    files.into_iter().map(read).chain(folders.iter().flat_map(|folder| files_below(folder))).collect()
}

fn all_good_are_served() {
    for n in [0, 7, 8, 10, 11, 100, 199] {
        assert_eq!(who(&format!("g{n}.test"), "/"), "s", "g{n}.test");
    }
}

/// Each of the [`hostile`] objects is told with its own mistake, and nobody else is.
fn each_bad_object_is_told(world: &World) {
    const KEYS: [&str; 10] = [
        "x-forwarded-prefix",
        "whitelist-source-range",
        "session-cookie-name",
        "server-alias",
        "rewrite-target",
        "proxy-cookie-path",
        "permanent-redirect",
        "custom-headers",
        "auth-url",
        "app-root",
    ];
    let all = |count: usize, code: &'static str, name: &'static str, part: &'static str| {
        (0..count).map(move |n| (code, format!("default/{name}-{n}"), part))
    };
    // `/'` is a path that may be served, and UPPER.test is a host.
    let paths = all(23, "GW0202", "path", "path ").filter(|(_, object, _)| object != "default/path-8");
    let hosts = all(10, "GW0201", "host", "host ").filter(|(_, object, _)| object != "default/host-3");
    let words = KEYS.iter().flat_map(|key| all(10, "GW0501", key, key)).chain(all(10, "GW0505", "cors-allow-origin", "cors-allow-origin"));
    let others = [
        ("GW0201", "default/long-host", "is not a DNS name"),
        ("GW0202", "default/long-path", "has 100001 bytes; at most 2048 are served"),
        ("GW0501", "default/annotation", "the value has 1000000 bytes; at most 65536 are read"),
        ("GW0302", "default/nul-port", "names no port"),
        ("GW0302", "default/odd-service", "\"../../etc\" is not an object name"),
        ("GW0401", "default/odd-secret", "\"../x\" is not an object name"),
        ("GW0302", "default/empty", "the backend names no Service"),
        ("GW0002", "default/types", "7 is a number, where a text belongs"),
        ("GW0002", "default/types", "\"x\" is a text, where a list belongs"),
        ("GW0002", "/", "the object has no apiVersion"),
        ("GW0002", "/", "the object has no kind"),
        ("GW0001", "/", "a list stands where an object is expected"),
    ];
    let others = others.map(|(code, object, part)| (code, object.to_owned(), part));
    let wanted: Vec<_> = paths.chain(hosts).chain(words).chain(others).collect();
    let is_told = |lines: &[String], (code, object, part): &(&str, String, &str)| {
        let mut lines = lines.iter().filter(|line| line.starts_with(code) && line.contains(&format!("{object}: ")));
        lines.any(|line| line.contains(part))
    };
    until_eq("each bad object is told", &Vec::new(), || {
        let lines = world.diagnostics();
        wanted.iter().filter(|wanted| !is_told(&lines, wanted)).collect::<Vec<_>>()
    });
    let of_good: Vec<_> = world.diagnostics().into_iter().filter(|line| line.contains("Ingress default/good-")).collect();
    assert!(of_good.is_empty(), "{of_good:?}");
}

fn with_one_host(proxy: Proxy) -> World {
    World::of(proxy).manifest("i.yaml", &[running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat()).start()
}

on_every_version! {
    fn bad_objects_among_two_hundred_hurt_nobody_else(proxy) {
        let world = World::of(proxy).manifest("good.yaml", &two_hundred()).start();
        all_good_are_served();
        for (n, object) in hostile().into_iter().enumerate() {
            world.write(&format!("bad-{n}.yaml"), &text(&[object]));
        }
        world.sync("probe.yaml");
        all_good_are_served();
        assert_eq!([who("odd-service.test", "/"), who("nul-port.test", "/")], ["404", "404"], "they cost their own path");
        each_bad_object_is_told(&world);
        assert!(world.diagnostics().iter().all(|line| line.len() < 2000), "nobody's megabyte is repeated");
        world.apply("later.yaml", &[ingress("later").prefix("later.test", "/", "s")]);
        assert_eq!(who("later.test", "/"), "s", "changes still go live");
        let published = files_below(&fs::canonicalize(world.state().join("current")).unwrap());
        let holds = |part: &str| published.iter().any(|(_, text)| text.contains(part));
        assert!(holds("g199.test"), "these are the files: {:?}", published.iter().map(|(file, _)| file).collect::<Vec<_>>());
        for (file, text) in &published {
            assert!(!text.contains("return 418") && !text.contains("listen 81"), "user text became configuration: {}", file.display());
        }
    }

    fn bad_objects_at_the_start_hurt_nobody_else(proxy) {
        let world = World::of(proxy).manifest("good.yaml", &two_hundred()).manifest("bad.yaml", &hostile()).start();
        all_good_are_served();
        drop(world);
    }

    fn a_killed_controller_leaves_its_proxy_and_takes_over_again(proxy) {
        let world = with_one_host(proxy);
        let master = world.proxy_pid();
        for round in 0..3 {
            world.end_controller(Signal::SIGKILL);
            assert_eq!(who("h.test", "/"), "s", "the proxy goes on");
            let host = format!("r{round}.test");
            world.write("r.yaml", &text(&[ingress("r").prefix(&host, "/", "s")]));
            world.start_controller();
            until_eq("what changed meanwhile is live", &"s".to_owned(), || who(&host, "/"));
            assert_eq!(who("h.test", "/"), "s");
        }
        world.until_ready();
        assert_eq!(world.proxy_pid(), master, "the proxy does not notice");
    }

    fn most_hosts_go_at_once_and_what_is_left_is_served(proxy) {
        let world = with_one_host(proxy);
        // Each with a section of its own.
        let host = |n| ingress(&format!("i{n}")).prefix(&format!("h{n}.test"), "/", "s").annotation("proxy-body-size", &format!("{}", 9000 + n));
        let hosts = |from: usize| (from..200).map(host).collect::<Vec<_>>();
        for from in [0, 199, 0, 199] {
            world.write("many.yaml", &text(&hosts(from)));
            until("all is as it is written", || who("h199.test", "/") == "s" && (who("h0.test", "/") == "s") == (from == 0));
        }
        assert_eq!(who("h.test", "/"), "s");
    }

    fn a_killed_proxy_is_started_again(proxy) {
        let world = with_one_host(proxy);
        let master = world.proxy_pid();
        send(master, Signal::SIGKILL);
        until("there is another one", || world.proxy_pid() != master && who("h.test", "/") == "s");
        world.apply("b.yaml", &[ingress("b").prefix("b.test", "/", "s")]);
        assert_eq!([who("h.test", "/"), who("b.test", "/")], ["s", "s"]);
    }

    fn a_restart_serves_the_last_good_revision_before_the_folder_is_read(proxy) {
        let world = with_one_host(proxy);
        let shown = certificate(None).unwrap();
        assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
        assert_eq!(who("h.test", "/"), "nobody", "the proxy has ended with its controller");
        let away = world.outside().join("away");
        fs::rename(world.manifests(), &away).unwrap();
        world.start_controller();
        until_eq("the last good revision is served", &"s".to_owned(), || who("h.test", "/"));
        assert_eq!(admin("/readyz").unwrap().status, 503, "but it is not ready");
        fs::rename(&away, world.manifests()).unwrap();
        world.until_ready();
        assert_eq!((who("h.test", "/"), certificate(None).unwrap()), ("s".to_owned(), shown), "with the same certificate");
    }

    fn shd_3_requests_in_flight_finish_at_the_end(proxy) {
        let world = with_one_host(proxy);
        std::thread::scope(|scope| {
            let slow = scope.spawn(|| get("h.test", "/?wait_ms=1500"));
            // It has to be with the backend before the signal.
            std::thread::sleep(std::time::Duration::from_millis(300));
            assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
            let answer = slow.join().unwrap().unwrap();
            assert_eq!((answer.status, answer.word().as_str()), (200, "s"));
        });
        assert_eq!(who("h.test", "/"), "nobody");
    }
}

/// One key of `settings`, which give the class, too, is refused by the proxy; the others hold. `place` is the name of the
/// object, and the field.
fn a_refused_setting(proxy: Proxy, place: [&str; 2], settings: impl Fn(&[(&str, &str)]) -> Vec<Value>) {
    // Each of these words is known; that they mean no cipher at all is for the proxy to find out.
    const NONE: &str = "HIGH:!ALL";
    let settings = |ciphers: &str, further: &[(&str, &str)]| settings(&[&[("ssl-ciphers", ciphers)], further].concat());
    let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
    let builder = || World::of(proxy).without_class().arg("--configmap=default/settings").manifest("i.yaml", &objects);
    let told = || {
        let all = admin_json("/api/v1/diagnostics");
        let refused = all.as_array().into_iter().flatten().filter(|finding| finding["code"] == "GW0701");
        let words = |finding: &Value| {
            [&finding["object"]["name"], &finding["field"], &finding["outcome"]].map(|word| word.as_str().unwrap().to_owned())
        };
        refused.map(words).collect::<Vec<_>>()
    };
    let told_as = |outcome: &str| vec![[place[0], place[1], outcome].map(str::to_owned)];
    let world = builder().manifest("c.yaml", &settings("HIGH", &[])).start();
    assert_eq!(told(), Vec::<[String; 3]>::new());
    world.apply("c.yaml", &settings(NONE, &[("proxy-body-size", "1")]));
    until_eq("it is told", &told_as("quarantined"), told);
    let post = || client_send(&Request::new("POST", "/").header("Host", "h.test").body(b"abc")).unwrap().status;
    until_eq("other settings hold", &413, post);
    world.apply("c.yaml", &settings("HIGH", &[]));
    until_eq("it is mended", &Vec::new(), told);
    assert_eq!(post(), 200);
    drop(world);

    // From the start, with one Ingress and with several.
    let refused = settings(NONE, &[("proxy-body-size", "1")]);
    let more = ["b", "c"].map(|name| ingress(name).prefix(&format!("{name}.test"), "/", "s"));
    for more in [&[], &more[..]] {
        let world = builder().manifest("more.yaml", more).manifest("c.yaml", &refused).start();
        assert_eq!((who("h.test", "/"), post()), ("s".to_owned(), 413), "{} more", more.len());
        assert!(more.is_empty() || ["b.test", "c.test"].map(|host| who(host, "/")) == ["s", "s"]);
        assert_eq!(told(), told_as("kept-default"), "{} more", more.len());
        drop(world);
    }

    // An Ingress that says so itself is to blame itself.
    let own = ingress("own").prefix("own.test", "/", "s").annotation("ssl-ciphers", NONE);
    let world = builder().manifest("more.yaml", &[own]).manifest("c.yaml", &settings("HIGH", &[("proxy-body-size", "1")])).start();
    assert_eq!((who("h.test", "/"), post()), ("s".to_owned(), 413));
    assert_eq!(told(), [["own", "", "skipped-object"]]);
    drop(world);
}

on_every_proxy! {
    fn a_controller_killed_at_any_moment_of_a_change_recovers(proxy) {
        let world = with_one_host(proxy);
        let moments = [0, 5, 20, 60, 120, 250, 400].into_iter().flat_map(|wait| [(wait, false), (wait, true)]);
        for (round, (wait, to_be_loaded)) in moments.enumerate() {
            let before = workers_of(world.proxy_pid());
            let changed = ingress("r").prefix(&format!("r{round}.test"), "/", "s");
            world.write("r.yaml", &text(&[if to_be_loaded { changed.to_be_loaded(round) } else { changed }]));
            // The moment is what is tested, so it is waited for, not a condition.
            std::thread::sleep(std::time::Duration::from_millis(wait));
            world.end_controller(Signal::SIGKILL);
            until_eq("what was served is served", &"s".to_owned(), || who("h.test", "/"));
            world.start_controller();
            until_eq("the change is live", &"s".to_owned(), || who(&format!("r{round}.test"), "/"));
            let is_loaded = workers_of(world.proxy_pid()).iter().any(|worker| !before.contains(worker));
            assert!(is_loaded || !to_be_loaded, "it takes another worker");
        }
        world.until_ready();
        let unfinished = || {
            let entries = fs::read_dir(world.state().join("revisions")).unwrap().flatten();
            entries.map(|entry| entry.file_name().into_string().unwrap()).filter(|name| name.starts_with(".tmp") && name != ".tmp-seed").collect::<Vec<_>>()
        };
        until_eq("nothing is left over but what the next revision begins with", &Vec::new(), unfinished);
    }

    fn shd_1_2_health_says_so_before_the_proxy_is_stopped(proxy) {
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).arg("--shutdown-grace-period=5").manifest("i.yaml", &objects).start();
        assert_eq!(admin("/healthz").unwrap().status, 200);
        let begun = std::time::Instant::now();
        send(world.controller_pid(), Signal::SIGTERM);
        until("health is denied at once", || admin("/healthz").is_ok_and(|answer| answer.status == 500));
        assert_eq!(who("h.test", "/"), "s", "SHD-1: while requests are still served");
        assert_eq!(world.end_controller(Signal::SIGTERM), Some(0), "a second signal is as good as none");
        assert!(begun.elapsed().as_secs() < 60, "SHD-2: an idle proxy does not take its time");
        assert_eq!(who("h.test", "/"), "nobody");
    }

    fn shd_2_idle_clients_are_not_waited_for(proxy) {
        let world = World::of(proxy).manifest("i.yaml", &[running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat()).start();
        let (mut plain, mut secure) = (connect(80).unwrap(), tls::connect(connect(443).unwrap(), Some("h.test"), &[]).unwrap());
        let request = Request::get("h.test", "/");
        assert_eq!([request.send(&mut plain, false).unwrap().status, request.send(&mut secure, false).unwrap().status], [200; 2]);
        let begun = std::time::Instant::now();
        let slow = std::thread::spawn(|| get("h.test", "/?wait_ms=4000"));
        // It has to be with the backend before the signal.
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
        assert!(begun.elapsed().as_secs() < 20, "nobody waits for the next request of an idle client: {:?}", begun.elapsed());
        assert_eq!(slow.join().unwrap().unwrap().status, 200, "a request that is running has its time");
        assert!(world.log().matches("Exiting Master process").count() <= 1, "HAProxy is told once");
    }

    fn shd_4_requests_that_take_too_long_are_cut(proxy) {
        let settings = config_map("settings", &[("worker-shutdown-timeout", "1s")]);
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s"), settings]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        std::thread::scope(|scope| {
            let slow = scope.spawn(|| get("h.test", "/?wait_ms=25000"));
            // It has to be with the backend before the signal.
            std::thread::sleep(std::time::Duration::from_millis(300));
            assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
            assert_eq!(who("h.test", "/"), "nobody");
            assert!(!slow.join().unwrap().is_ok_and(|answer| answer.status == 200), "it did not get its answer");
        });
    }

    fn who_interrupts_twice_waits_for_no_request(proxy) {
        let world = with_one_host(proxy);
        std::thread::scope(|scope| {
            let slow = scope.spawn(|| get("h.test", "/?wait_ms=25000"));
            // It has to be with the backend before the signal.
            std::thread::sleep(std::time::Duration::from_millis(300));
            send(world.controller_pid(), Signal::SIGINT);
            until("the proxy is drained", || world.log().contains("stopping"));
            assert_eq!(world.end_controller(Signal::SIGINT), Some(0));
            assert_eq!(who("h.test", "/"), "nobody");
            assert!(!slow.join().unwrap().is_ok_and(|answer| answer.status == 200), "it did not get its answer");
        });
    }

    fn a_full_disk_stops_changes_and_nothing_else(proxy) {
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).state_size("8m").manifest("i.yaml", &objects).build();
        world.start_controller();
        until("it is ready", || admin("/readyz").is_ok_and(|answer| answer.status == 200));
        // The folder is mounted for the controller alone; this is how it sees it.
        let filler = format!("/proc/{}/root{}/filler", world.controller_pid(), path(&world.state()));
        let filled = fs::write(&filler, vec![b'x'; 16 << 20]);
        assert!(filled.is_err(), "the disk is full");
        world.write("b.yaml", &text(&[ingress("b").prefix("b.test", "/", "s")]));
        until("it is told", || world.log().contains("the last good revision keeps serving"));
        assert_eq!([who("h.test", "/"), who("b.test", "/")], ["s", "404"]);
        assert_eq!(admin("/healthz").unwrap().status, 200);
        fs::remove_file(&filler).unwrap();
        until_eq("with space the change goes live", &"s".to_owned(), || who("b.test", "/"));
    }

    fn a_full_disk_stops_changes_of_endpoints_and_nothing_else(proxy) {
        let pods = [(); 2].map(|()| new_pod("s"));
        let objects = |pod: Ipv4Addr| [service("s"), slice("s", &[pod.into()]), ingress("a").prefix("h.test", "/", "s")];
        let asked = || get("h.test", "/").ok().and_then(|answer| answer.echo()["address"].as_str().map(str::to_owned)).unwrap_or_default();
        let world = World::of(proxy).state_size("8m").manifest("i.yaml", &objects(pods[0])).start();
        let filler = format!("/proc/{}/root{}/filler", world.controller_pid(), path(&world.state()));
        assert!(fs::write(&filler, vec![b'x'; 16 << 20]).is_err(), "the disk is full");
        world.write("i.yaml", &text(&objects(pods[1])));
        until("it is told", || world.log().contains("the last good revision keeps serving"));
        until_eq("the endpoint from before is asked", &pods[0].to_string(), asked);
        (0..20).for_each(|_| assert_eq!(asked(), pods[0].to_string()));
        assert_eq!(admin("/healthz").unwrap().status, 200);
        fs::remove_file(&filler).unwrap();
        until_eq("with space the change goes live", &pods[1].to_string(), asked);
        world.until_ready();
        (0..20).for_each(|_| assert_eq!(asked(), pods[1].to_string()));
    }

    fn a_port_of_somebody_else_is_told_by_its_flag(proxy) {
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).manifest("i.yaml", &objects).build();
        let told = "--http-port: port 80 is in use by another process";
        let other = TcpListener::bind("0.0.0.0:80").unwrap();
        let refused = world.spawn("run", &["--manifests", &path(&world.manifests())]).wait().unwrap();
        assert!(refused.code() == Some(2) && world.log().contains(told), "at the start: {}", world.log());
        drop(other);
        world.start_controller();
        world.until_ready();

        // Later: somebody takes the port in the moment in which the proxy dies.
        let before = world.log().matches(told).count();
        send(world.controller_pid(), Signal::SIGSTOP);
        killpg(Pid::from_raw(world.proxy_pid().try_into().unwrap()), Signal::SIGKILL).unwrap();
        let other = until_some("the port is free", || TcpListener::bind("0.0.0.0:80").ok());
        send(world.controller_pid(), Signal::SIGCONT);
        until("it is told that it cannot listen", || admin("/readyz").is_ok_and(|answer| String::from_utf8_lossy(&answer.body).contains(told)));
        assert_eq!(admin("/healthz").unwrap().status, 500);
        until("and logged", || world.log().matches(told).count() > before);
        drop(other);
        until_eq("it serves again", &"s".to_owned(), || who("h.test", "/"));
        world.until_ready();
    }

    fn a_setting_that_the_proxy_refuses_is_told_by_its_key_and_holds_nothing_up(proxy) {
        a_refused_setting(proxy, ["settings", "data[ssl-ciphers]"], |data| vec![class(), config_map("settings", data)]);
    }

    fn parameters_of_a_class_that_the_proxy_refuses_are_told_by_their_key_and_hold_nothing_up(proxy) {
        a_refused_setting(proxy, ["edge", "spec.settings[ssl-ciphers]"], |data| {
            let mut class = class();
            class["spec"]["parameters"] = json!({"apiGroup": "gatewright.dev", "kind": "GatewrightParameters", "name": "edge"});
            let settings: serde_json::Map<_, _> = data.iter().map(|&(key, value)| (key.to_owned(), value.into())).collect();
            let parameters = json!({"apiVersion": "gatewright.dev/v1alpha1", "kind": "GatewrightParameters",
                "metadata": {"name": "edge"}, "spec": {"settings": settings}});
            vec![class, parameters]
        });
    }

    fn ports_that_are_taken_are_told(proxy) {
        let world = with_one_host(proxy);
        let (state, program) = (path(&world.outside().join("state")), path(&proxy.program()));
        let words = [&path(&gatewright()), "run", "--manifests", &path(&world.manifests()), "--state-dir", &state];
        let of_proxy = ["--proxy", proxy.kind, "--proxy-binary", &program];
        let words: Vec<_> = words.iter().chain(&of_proxy).map(ToString::to_string).collect();
        let second = world.launch(&words).wait().unwrap();
        assert_eq!(second.code(), Some(2));
        assert!(world.log().contains("could not listen on port 10254"), "the port is named");
        assert_eq!(who("h.test", "/"), "s");
    }

    fn a_second_controller_in_a_state_folder_is_told_who_has_it_and_spoils_nothing(proxy) {
        let world = with_one_host(proxy);
        let before = files_below(&world.state().join("revisions"));
        let others: [&[&str]; 2] = [&[], &["--http-port=8180", "--https-port=8543", "--status-port=10356", "--healthz-port=10355"]];
        for (told, ports) in (1..).zip(others) {
            let manifests = path(&world.manifests());
            let words = [&["--manifests", manifests.as_str()], ports].concat();
            assert_eq!(world.spawn("run", &words).wait().unwrap().code(), Some(2), "{ports:?}");
            let holder = format!("is in use by another controller, process {} on ", world.controller_pid());
            assert_eq!(world.log().matches(&holder).count(), told, "{ports:?}: {}", world.log());
        }
        let program = path(&proxy.program());
        let words = [&path(&gatewright()), "supervise", "--state-dir", &path(&world.state()), "--proxy", proxy.kind, "--", &program];
        assert_eq!(world.launch(&words.map(str::to_owned)).wait().unwrap().code(), Some(2));
        let holder = format!("is in use by another supervisor, process {} on ", world.controller_pid());
        assert!(world.log().contains(&holder), "{}", world.log());
        assert!(files_below(&world.state().join("revisions")) == before, "all files are as they were");
        world.apply("b.yaml", &[ingress("b").prefix("b.test", "/", "s")]);
        assert_eq!([who("h.test", "/"), who("b.test", "/")], ["s", "s"]);

        // What a killed one has left in the lock keeps nobody out.
        let killed = world.controller_pid();
        world.end_controller(Signal::SIGKILL);
        world.start_controller();
        world.until_ready();
        let lock = fs::read_to_string(world.state().join("lock")).unwrap();
        assert!(lock.starts_with(&format!("process {} on ", world.controller_pid())) && world.controller_pid() != killed, "{lock}");
    }

    fn a_start_that_fails_leaves_no_proxy_behind(proxy) {
        let world = with_one_host(proxy);
        world.end_controller(Signal::SIGTERM);
        let (manifests, none) = (path(&world.manifests()), path(&world.outside().join("none")));
        let webhook = ["--validating-webhook=:8443", "--validating-webhook-certificate", &none, "--validating-webhook-key", &none];
        let words = [&["--manifests", manifests.as_str()], &webhook[..]].concat();
        assert_eq!(world.spawn("run", &words).wait().unwrap().code(), Some(2), "{}", world.log());
        assert!(world.log().matches("beginning with the last good revision").count() == 1, "it was served already: {}", world.log());
        assert!(connect(80).is_err(), "nobody listens any more");
        world.start_controller();
        world.until_ready();
        assert_eq!(who("h.test", "/"), "s");
    }

    fn another_controller_on_the_same_ports_is_told_and_takes_no_request(proxy) {
        let world = with_one_host(proxy);
        let (state, manifests) = (world.outside().join("state"), world.outside().join("manifests"));
        fs::create_dir(&manifests).unwrap();
        let program = proxy.program();
        let second = |more: &[&str]| {
            let fixed = ["run", "--manifests", &path(&manifests), "--state-dir", &path(&state), "--healthz-port", "10355"].map(str::to_owned);
            let proxy = ["--proxy", proxy.kind, "--proxy-binary", &path(&program)].map(str::to_owned);
            let more = more.iter().map(|word| (*word).to_owned());
            let words: Vec<_> = [path(&gatewright())].into_iter().chain(fixed).chain(proxy).chain(more).collect();
            world.launch(&words).wait().unwrap()
        };
        // The master of nginx and its sockets, which others could share, are of the first one.
        let told = |flag: &str, port: u16| format!("--{flag}: port {port} is in use by another process");
        assert_eq!(second(&["--status-port", "10356"]).code(), Some(2));
        for (flag, port) in [("http-port", 80), ("https-port", 443)] {
            assert!(world.log().contains(&told(flag, port)), "{flag}: {}", world.log());
        }
        assert_eq!(second(&["--http-port", "8180", "--https-port", "8543"]).code(), Some(2));
        assert!(world.log().contains(&told("status-port", 10246)), "{}", world.log());
        for _ in 0..50 {
            assert_eq!(who("h.test", "/"), "s");
        }
    }
}
