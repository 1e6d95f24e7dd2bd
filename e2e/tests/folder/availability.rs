//! Requests that flow while revisions come and go, and big inputs.

use gatewright_e2e::client::{certificate, connect, connect_at, get, get_over_tls};
use gatewright_e2e::echo::{self, PORTS, end, new_pod, new_pod_that_ends, revive};
use gatewright_e2e::http1::Request;
use gatewright_e2e::load::while_doing;
use gatewright_e2e::manifest::{IngressWords, ingress, secret, service, service_with, slice, slice_with, text};
use gatewright_e2e::net::{Namespace, on_a_thread_of_its_own};
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::tls::Pair;
use gatewright_e2e::wait::{until, until_at_last};
use gatewright_e2e::world::{World, who, workers_of};
use gatewright_e2e::{on_every_proxy, on_every_version};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Lets requests flow while `change` works.
fn none_is_lost(proxy: Proxy, change: impl FnOnce()) {
    while_doing(proxy, "busy.test", "s", change).none_was_lost();
}

/// A Service whose pods come and go.
struct Rolling<'w> {
    world: &'w World,
    running: BTreeSet<Ipv4Addr>,
}

impl<'w> Rolling<'w> {
    /// The world runs with these pods.
    fn begin(world: &'w World, pods: &[Ipv4Addr]) -> Self {
        // With its first probe HAProxy loads a section.
        world.sync("probe.yaml");
        Self { world, running: pods.iter().copied().collect() }
    }

    fn objects(pods: &[Ipv4Addr]) -> [Value; 3] {
        let pods: Vec<IpAddr> = pods.iter().map(|pod| (*pod).into()).collect();
        [service("s"), slice("s", &pods), ingress("busy").prefix("busy.test", "/", "s")]
    }

    /// Goes over to these pods. The others end as soon as that is live and their last answers are given; nobody may ask them from
    /// then on.
    fn go_over_to(&mut self, pods: &[Ipv4Addr]) {
        let wanted: BTreeSet<Ipv4Addr> = pods.iter().copied().collect();
        wanted.difference(&self.running).for_each(|pod| assert_eq!(revive(*pod), 0, "{pod} has ended, and was still asked"));
        let before = workers_of(self.world.proxy_pid());
        self.world.apply("busy.yaml", &Self::objects(pods));
        if self.world.proxy.is_nginx() {
            // A worker knows the pods that there were at its start.
            self.world.until_gone(&before);
        }
        self.running.difference(&wanted).for_each(|pod| end(*pod));
        self.running = wanted;
    }

    /// At the end of all: those that have ended were left alone.
    fn nobody_else_is_asked(&self, pods: &[Ipv4Addr]) {
        let ended = pods.iter().filter(|pod| !self.running.contains(pod));
        ended.for_each(|pod| assert_eq!(revive(*pod), 0, "{pod} has ended, and was still asked"));
    }
}

/// A Service, its pod and an Ingress of a namespace.
fn running_in(namespace: &str, ingress: Value) -> Vec<Value> {
    running("s").into_iter().chain([ingress]).map(|object| object.within(namespace)).collect()
}

/// Without it, nobody would notice a request to a pod that has left.
#[test]
fn a_pod_that_has_ended_resets_who_asks_and_counts_it() {
    on_a_thread_of_its_own(|| {
        let _net = Namespace::make(None);
        echo::start();
        let pod = new_pod_that_ends("s");
        let open = || connect_at(pod.into(), PORTS[0]).unwrap();
        let ask = |stream: &mut TcpStream| Request::get("h.test", "/").send(stream, false).map(|answer| answer.word());
        let mut kept = open();
        assert_eq!([ask(&mut kept).unwrap(), ask(&mut open()).unwrap()], ["s", "s"]);
        end(pod);
        assert!(ask(&mut kept).is_err(), "it is closed");
        assert_eq!(ask(&mut open()).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!((revive(pod), ask(&mut open()).unwrap(), revive(pod)), (1, "s".to_owned(), 0));
    });
}

on_every_version! {
    fn no_request_is_lost_in_a_hundred_reloads(proxy) {
        const RELOADS: u64 = 100;
        let busy = [running("s"), vec![ingress("busy").prefix("busy.test", "/", "s")]].concat();
        let world = World::of(proxy).manifest("busy.yaml", &busy).start();
        let (master, begun) = (world.proxy_pid(), world.loads());
        let mut workers = Vec::new();
        none_is_lost(proxy, || {
            // The pace is the controller's: the next change follows as soon as the one before is live.
            for round in (1..).take_while(|_| world.loads() < begun + RELOADS) {
                workers = workers_of(master);
                world.load("other.yaml", &[ingress("other").prefix("other.test", "/", "s").to_be_loaded(round)]);
            }
        });
        assert_eq!(world.proxy_pid(), master, "it is still the same proxy");
        world.until_gone(&workers);
    }

    fn no_request_is_lost_when_pods_come_and_go(proxy) {
        let pods: Vec<_> = (0..3).map(|_| new_pod_that_ends("s")).collect();
        let world = World::of(proxy).manifest("busy.yaml", &Rolling::objects(&pods)).start();
        let mut rolling = Rolling::begin(&world, &pods);
        none_is_lost(proxy, || {
            for round in 0..12 {
                rolling.go_over_to(&[pods[round % 3], pods[(round + 1) % 3]]);
            }
        });
        rolling.nobody_else_is_asked(&pods);
    }

    fn no_request_is_lost_from_one_pod_to_a_hundred_and_back(proxy) {
        let pods: Vec<_> = (0..100).map(|_| new_pod_that_ends("s")).collect();
        let world = World::of(proxy).manifest("busy.yaml", &Rolling::objects(&pods[..1])).start();
        let mut rolling = Rolling::begin(&world, &pods[..1]);
        let before = workers_of(world.proxy_pid());
        none_is_lost(proxy, || {
            // At once, in steps, and each of them replaced.
            for some in [0..100, 0..1, 0..10, 0..50, 50..100, 0..100, 99..100] {
                rolling.go_over_to(&pods[some]);
            }
        });
        rolling.nobody_else_is_asked(&pods);
        assert_eq!(get("busy.test", "/").unwrap().echo()["address"], pods[99].to_string());
        if !proxy.is_nginx() {
            assert_eq!(workers_of(world.proxy_pid()), before, "the workers are those from before: nothing was reloaded");
        }
    }

    fn no_request_is_lost_while_a_host_is_a_wildcard_and_while_a_port_has_another_name(proxy) {
        let pods = [(); 3].map(|()| new_pod("s"));
        let objects = |host: &str, port: &str, pods: &[Ipv4Addr]| {
            let endpoints: Vec<_> = pods.iter().map(|pod| json!({"addresses": [pod]})).collect();
            [
                service_with("s", &json!({"ports": [{"name": port, "port": 80, "targetPort": port}]})),
                slice_with("s-1", "s", &json!(endpoints), &json!([{"name": port, "port": 8080}])),
                ingress("busy").prefix(host, "/", "s"),
            ]
        };
        let world = World::of(proxy).manifest("busy.yaml", &objects("busy.test", "http", &pods)).start();
        // With its first probe HAProxy loads a section.
        world.sync("probe.yaml");
        none_is_lost(proxy, || {
            for host in ["*.test", "busy.test", "*.test", "busy.test"] {
                world.apply("busy.yaml", &objects(host, "http", &pods));
            }
            let loads = world.loads();
            for round in 0..6 {
                let [old, new] = if round % 2 == 0 { ["http", "web"] } else { ["web", "http"] };
                world.apply("busy.yaml", &objects("busy.test", old, &pods[..2]));
                world.apply("busy.yaml", &objects("busy.test", new, &pods[1..]));
            }
            assert!(proxy.is_nginx() || world.loads() == loads, "endpoints need no reload, whatever their port is called");
        });
    }

    fn who_changes_on_and_on_and_holds_old_workers_keeps_no_other_namespace_waiting(proxy) {
        let evil = |round| running_in("evil", ingress("on").prefix("evil.test", "/", "s").to_be_loaded(round));
        let good = |round| running_in("good", ingress("now-and-then").prefix("good.test", "/", "s").to_be_loaded(round));
        let world = World::of(proxy).manifest("evil.yaml", &evil(0)).manifest("good.yaml", &good(0)).start();
        let mut held = Vec::new();
        for round in 1..=6 {
            // A body that never comes keeps the workers that wait for it.
            let mut stream = connect(80).unwrap();
            stream.write_all(b"POST / HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 9\r\n\r\n").unwrap();
            held.push(stream);
            until("another worker has it", || who("evil.test", "/") == "s");
            world.load("evil.yaml", &evil(round));
        }
        // Four generations more than slow nothing down: it would wait sixteen times as long as usual.
        let (begun, before) = (Instant::now(), world.loads());
        world.write("evil.yaml", &text(&evil(7)));
        world.load("good.yaml", &good(1));
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        assert!(world.loads() <= before + 2);
    }

    fn rld_6_and_tls_20_nothing_changes_when_nothing_changed(proxy) {
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).manifest("i.yaml", &objects).start();
        world.sync("probe.yaml");
        let before = world.revision();
        world.write("i.yaml", &format!("# only a comment more\n{}", text(&objects)));
        // TLS-20: an unrelated Secret, and an Ingress of somebody else.
        let mut foreign = ingress("foreign").prefix("f.test", "/", "s");
        foreign["spec"]["ingressClassName"] = "foreign".into();
        let unrelated = secret("bystander", &Pair::new(&["x.test"]));
        world.write("unrelated.yaml", &text(&[unrelated, foreign]));
        world.sync("probe.yaml");
        assert_eq!(world.revision(), before + 1, "only the probe");
        assert!(!world.log().contains("bystander"), "nobody speaks of it: {}", world.log());
    }
}

/// Opens TLS connections to `busy.test`, each for one request, until `done`; how many, and what went wrong.
fn shake_hands_until(done: &AtomicBool) -> (usize, Vec<String>) {
    let (mut count, mut lost) = (0, Vec::new());
    while !done.load(Ordering::Relaxed) {
        match get_over_tls("busy.test", "/") {
            Ok(answer) if answer.word() == "s" => count += 1,
            Ok(answer) => lost.push(answer.word()),
            Err(error) => lost.push(error.to_string()),
        }
    }
    (count, lost)
}

on_every_version! {
    fn no_handshake_is_lost_in_a_hundred_renewals_of_a_certificate_and_nothing_reloads(proxy) {
        const RENEWALS: usize = 100;
        let pair = || Pair::new(&["busy.test"]);
        let route = ingress("busy").prefix("busy.test", "/", "s").tls(&["busy.test"], "busy");
        let world = World::of(proxy).manifest("i.yaml", &[running("s"), vec![route]].concat()).manifest("s.yaml", &[secret("busy", &pair())]).start();
        let workers = || workers_of(world.proxy_pid());
        let (before, done) = (workers(), AtomicBool::new(false));
        let seen = std::thread::scope(|scope| {
            let askers = [(); 3].map(|()| scope.spawn(|| shake_hands_until(&done)));
            let renewed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let mut last = pair();
                for _ in 0..RENEWALS {
                    last = pair();
                    let before = world.revision();
                    world.write("s.yaml", &text(&[secret("busy", &last)]));
                    until("it is live", || world.revision() > before);
                }
                until("the last one is shown", || certificate(Some("busy.test")).is_ok_and(|shown| shown == last.der));
            }));
            done.store(true, Ordering::Relaxed);
            let seen = askers.map(|asker| asker.join().unwrap());
            renewed.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            seen
        });
        let lost: Vec<_> = seen.iter().flat_map(|(_, lost)| lost).collect();
        let count: usize = seen.iter().map(|(count, _)| count).sum();
        assert!(count > RENEWALS && lost.is_empty(), "{} of {count} were lost: {lost:?}", lost.len());
        // Those of the start may have been on their way out.
        let new: Vec<_> = workers().into_iter().filter(|worker| !before.contains(worker)).collect();
        assert!(new.is_empty(), "the workers are those from before: nothing was reloaded; new: {new:?}");
    }
}

on_every_proxy! {
    fn rld_5_hosts_with_certificates_that_come_and_go_leave_no_memory_behind(proxy) {
        const HOSTS: usize = 1000;
        const ROUNDS: usize = 5;
        let world = World::of(proxy).manifest("s.yaml", &running("s")).start();
        let pair = Pair::new(&["*.many.test"]);
        let objects = (0..HOSTS).flat_map(|n| {
            let (name, host) = (format!("n{n}"), format!("n{n}.many.test"));
            [secret(&name, &pair), ingress(&name).prefix(&host, "/", "s").tls(&[&host], &name)]
        });
        // Compact: a debug build reads it.
        let many: String = objects.map(|object| format!("---\n{object}\n")).collect();
        let resident_kib = || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", world.controller_pid())).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
            line.split_whitespace().next().unwrap().parse::<u64>().unwrap()
        };
        let after: Vec<u64> = (0..ROUNDS)
            .map(|_| {
                world.write("many.yaml", &many);
                until_at_last("the last host is there", || who("n999.many.test", "/") == "308");
                world.remove("many.yaml");
                until_at_last("it is gone", || who("n999.many.test", "/") == "404");
                resident_kib()
            })
            .collect();
        // The first rounds fill what is kept between revisions; a leak would go on.
        const SLACK_KIB: u64 = 16 << 10;
        assert!(after[ROUNDS - 1] < after[1] + after[1] / 8 + SLACK_KIB, "it grows: {after:?} KiB");
    }

    fn ten_thousand_ingresses_are_served_from_the_start(proxy) {
        const COUNT: usize = 10_000;
        const SERVICES: usize = 100;
        let world = World::of(proxy).build();
        let services = (0..SERVICES).flat_map(|n| running(&format!("s{n}")));
        let ingresses = (0..COUNT).map(|n| {
            let (name, host, service) = (format!("n{n}"), format!("n{n}.many.test"), format!("s{}", n % SERVICES));
            ingress(&name).prefix(&host, "/", &service).prefix(&host, "/b", &service)
        });
        // Compact: a debug build reads it.
        let objects: String = services.chain(ingresses).map(|object| format!("---\n{object}\n")).collect();
        world.write("many.yaml", &objects);
        world.start_controller();
        until_at_last("the first, the middle and the last answer", || {
            [0, 5_055, 9_999].iter().all(|n| who(&format!("n{n}.many.test"), "/b") == format!("s{}", n % SERVICES))
        });
        assert_eq!(who("unknown.many.test", "/"), "404");
        world.write("more.yaml", &text(&[ingress("more").prefix("more.many.test", "/", "s1")]));
        until_at_last("a change goes live", || who("more.many.test", "/") == "s1");
        assert_eq!(who("n9998.many.test", "/"), "s98");
    }

    fn hosts_of_one_ingress_may_be_many(proxy) {
        let many = (0..5000).fold(ingress("many"), |ingress, n| ingress.prefix(&format!("n{n}.test"), "/", "s"));
        let world = World::of(proxy).manifest("i.yaml", &[running("s"), vec![many]].concat()).start();
        assert_eq!([who("n0.test", "/"), who("n2500.test", "/"), who("n4999.test", "/"), who("n5000.test", "/")], ["s", "s", "s", "404"]);
        world.apply("more.yaml", &[ingress("more").prefix("more.test", "/", "s")]);
        assert_eq!([who("more.test", "/"), who("n4999.test", "/")], ["s", "s"]);
    }
}
