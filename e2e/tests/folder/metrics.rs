//! Metrics: section 25 of the reference.

use gatewright_e2e::client::{admin, connect, send};
use gatewright_e2e::echo;
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, ingress, service, slice};
use gatewright_e2e::net::on_a_thread_of_its_own;
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::wait::{until, until_eq};
use gatewright_e2e::world::{World, who};
use std::io::Write;
use std::process::Command;

fn metrics() -> String {
    String::from_utf8(admin("/metrics").unwrap().body).unwrap()
}

/// The value of the only series of this name with all these labels.
fn value(name: &str, labels: &[&str]) -> Option<f64> {
    let text = metrics();
    let start = format!("nginx_ingress_controller_{name}{{");
    let mut lines = text.lines().filter(|line| line.starts_with(&start) && labels.iter().all(|label| line.contains(label)));
    let line = lines.next()?;
    assert_eq!(lines.next(), None, "{name} {labels:?} is one series");
    line.rsplit(' ').next()?.parse().ok()
}

on_every_proxy! {
    fn met_1_3_4_requests_are_counted_by_route_until_it_is_gone(proxy) {
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/x", "s"), ingress("w").prefix("*.w.test", "/", "s")]].concat();
        let world = World::of(proxy).arg("--enable-metrics").arg("--exclude-socket-metrics=request_size").manifest("i.yaml", &objects).start();
        assert_eq!([who("h.test", "/x/1"), who("a.w.test", "/"), who("h.test", "/other")], ["s", "s", "404"]);
        let labels = [r#"ingress="a""#, r#"service="s""#, r#"path="/x""#, r#"status="200""#, r#"method="GET""#, r#"host="h.test""#];
        until_eq("the request is counted", &Some(1.0), || value("requests", &labels));
        until_eq("under the wildcard", &Some(1.0), || value("requests", &[r#"ingress="w""#, r#"host="*.w.test""#]));
        let unmatched = [r#"service="""#, r#"path="/""#, r#"status="404""#, r#"host="h.test""#];
        until_eq("what no rule matches", &Some(1.0), || value("requests", &unmatched));
        for name in ["request_duration_seconds", "response_duration_seconds", "header_duration_seconds", "response_size", "bytes_sent"] {
            assert_eq!(value(&format!("{name}_count"), &labels), Some(1.0), "{name}");
        }
        assert!(!metrics().contains("request_size"), "MET-1");
        world.apply("i.yaml", &[running("s"), vec![ingress("w").prefix("*.w.test", "/", "s")]].concat());
        until("MET-4: the series of the Ingress that is gone are too", || !metrics().contains(r#"ingress="a""#));
        assert_eq!(value("requests", &[r#"ingress="w""#]), Some(1.0), "those of others stay");
    }

    fn requests_that_went_to_a_canary_are_told_apart(proxy) {
        let canary = ingress("c").annotation("canary", "true").annotation("canary-by-header", "x-c").prefix("h.test", "/", "s2");
        let objects = [running("s"), running("s2"), vec![ingress("a").prefix("h.test", "/", "s"), canary]].concat();
        let _world = World::of(proxy).arg("--enable-metrics").manifest("i.yaml", &objects).start();
        assert_eq!(who("h.test", "/"), "s");
        assert_eq!(send(&Request::get("h.test", "/").header("X-C", "always")).unwrap().word(), "s2");
        until_eq("the one", &Some(1.0), || value("requests", &[r#"ingress="a""#, r#"canary="""#]));
        until_eq("the other", &Some(1.0), || value("requests", &[r#"ingress="a""#, "-s2-80\""]));
    }

    fn met_2_hosts_that_are_not_configured_are_told_on_demand(proxy) {
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let asked = |world: World| {
            assert_eq!([who("other.test", "/"), who("h.test", "/")], ["404", "s"]);
            until_eq("the host that is configured", &Some(1.0), || value("requests", &[r#"host="h.test""#]));
            world
        };
        let without = asked(World::of(proxy).arg("--enable-metrics").manifest("i.yaml", &objects).start());
        assert!(!metrics().contains("other.test"));
        drop(without);
        let with = World::of(proxy).arg("--enable-metrics").arg("--metrics-per-undefined-host").manifest("i.yaml", &objects).start();
        let _with = asked(with);
        until_eq("the other host", &Some(1.0), || value("requests", &[r#"host="other.test""#, r#"status="404""#]));
    }

    fn requests_are_counted_where_they_are_not_logged_and_nothing_is_told_without_the_flag(proxy) {
        let unlogged = ingress("a").annotation("enable-access-log", "false").prefix("h.test", "/", "s");
        let objects = [running("s"), vec![unlogged]].concat();
        let world = World::of(proxy).arg("--enable-metrics").arg("--report-status-classes").manifest("i.yaml", &objects).start();
        assert_eq!(who("h.test", "/"), "s");
        until_eq("the request", &Some(1.0), || value("requests", &[r#"ingress="a""#, r#"status="2xx""#]));
        drop(world);
        let _world = World::of(proxy).manifest("i.yaml", &objects).start();
        assert_eq!(who("h.test", "/"), "s");
        assert!(!metrics().contains("nginx_ingress_controller_requests"));
    }

    fn paths_are_told_as_they_are_written_and_clients_that_did_not_wait_are_counted(proxy) {
        let regex = ingress("r").annotation("use-regex", "true").prefix("r.test", "/a:b/[a-z]+\\.(x|y)$", "s");
        let pod = echo::new_pod_that_keeps("slow");
        let slow = vec![service("slow"), slice("slow", &[pod.into()]), ingress("slow").prefix("slow.test", "/", "slow")];
        let objects = [running("s"), vec![regex], slow].concat();
        let world = World::of(proxy).arg("--enable-metrics").manifest("i.yaml", &objects).start();
        assert_eq!(who("r.test", "/a:b/c.x"), "s");
        until_eq("the path", &Some(1.0), || value("requests", &[r#"ingress="r""#, r#"path="/a:b/[a-z]+\\.(x|y)$""#]));
        let mut impatient = connect(80).unwrap();
        impatient.write_all(b"GET /?wait_ms=3000 HTTP/1.1\r\nHost: slow.test\r\n\r\n").unwrap();
        until("the pod has the request", || !echo::asked(pod).is_empty());
        drop(impatient);
        // HAProxy has no status for them alone.
        let status = if proxy.is_nginx() { r#"status="499""# } else { r#"status="400""# };
        until_eq("the client", &Some(1.0), || value("requests", &[r#"ingress="slow""#, status]));
        drop(world);
    }

    fn what_haproxy_counts_itself_is_told_where_metrics_are_asked_for_and_to_no_client(proxy) {
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).arg("--enable-metrics").manifest("i.yaml", &objects).start();
        let public = || {
            let text = metrics();
            let line = text.lines().find_map(|line| line.strip_prefix(r#"haproxy_frontend_http_requests_total{proxy="public"} "#))?;
            line.parse::<f64>().ok()
        };
        let before = public();
        assert_eq!(before.is_some(), !proxy.is_nginx());
        assert_eq!(["/", "/metrics", "/gatewright/metrics"].map(|path| who("h.test", path)), ["s", "s", "s"]);
        assert_eq!(public().zip(before).map(|(after, before)| after >= before + 3.0), before.map(|_| true));
        for host in ["other.test", "localhost", "127.0.0.1:10246"] {
            assert_eq!(["/metrics", "/gatewright/metrics"].map(|path| who(host, path)), ["404", "404"], "{host}");
        }
        assert!(!metrics().contains("haproxy_server_"), "its size does not grow with the pods");
        drop(world);
        let _world = World::of(proxy).manifest("i.yaml", &objects).start();
        let asked = |target: &str| Request::get("localhost", target).send(&mut connect(10246).unwrap(), true).unwrap().status;
        assert_eq!((asked("/gatewright/metrics"), asked("/gatewright/revision")), (404, 200));
        assert!(!metrics().contains("haproxy_"));
    }

    fn the_controller_tells_of_orphans_and_certificates(proxy) {
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s"), ingress("b").prefix("b.test", "/", "nothing")]].concat();
        let _world = World::of(proxy).manifest("i.yaml", &objects).start();
        assert_eq!(value("orphan_ingress", &[r#"ingress="b""#, r#"type="no-service""#]), Some(1.0));
        assert_eq!(value("orphan_ingress", &[r#"ingress="a""#, r#"type="no-service""#]), Some(0.0));
        assert_eq!(value("orphan_ingress", &[r#"ingress="a""#, r#"type="no-endpoint""#]), Some(0.0));
        assert!(value("ssl_expire_time_seconds", &[r#"host="_""#]).is_some_and(|end| end > 1.7e9));
        assert_eq!(value("ssl_certificate_info", &[r#"host="_""#, r#"public_key_algorithm="ECDSA""#]), Some(1.0));
    }

    fn what_nginx_says_of_itself_is_told_and_what_the_system_says_of_its_processes(proxy) {
        let _world = World::of(proxy).manifest("i.yaml", &[running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat()).start();
        assert_eq!(who("h.test", "/"), "s");
        let told = |name: &str| value(&format!("nginx_process_{name}"), &[]);
        if !proxy.is_nginx() {
            assert_eq!(told("num_procs"), None);
            return;
        }
        assert!(value("nginx_process_connections", &[r#"state="active""#]).is_some_and(|active| active >= 1.0));
        assert!(value("nginx_process_connections_total", &[r#"state="handled""#]).is_some_and(|handled| handled >= 1.0));
        assert!(told("requests_total").is_some_and(|requests| requests >= 1.0));
        assert!(told("num_procs").is_some_and(|processes| processes >= 2.0));
        assert!(told("resident_memory_bytes").is_some_and(|bytes| bytes > 0.0) && told("cpu_seconds_total").is_some());
        assert!(told("oldest_start_time_seconds").is_some_and(|start| start > 1.7e9));
    }
}

#[test]
fn a_haproxy_without_its_exporter_is_told_and_its_requests_are_counted() {
    on_a_thread_of_its_own(|| {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("haproxy");
        let real = Proxy::HAPROXY_2_6.program().display().to_string();
        let without =
            "#!/bin/sh\n[ \"$1\" != -vv ] || exec sh -c '\"$0\" -vv | grep -v prometheus-exporter' PROGRAM\nexec PROGRAM \"$@\"\n";
        // Not by this process: another thread's child could hold it open for writing when it is started.
        let write = r#"printf '%s' "$2" >"$1" && chmod 755 "$1""#;
        let written =
            Command::new("sh").args(["-c", write, "write"]).arg(&program).arg(without.replace("PROGRAM", &real)).status().unwrap();
        assert!(written.success());
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(Proxy::HAPROXY_2_6).program(&program).arg("--enable-metrics").manifest("i.yaml", &objects).start();
        assert!(world.log().contains("built without its exporter"), "{}", world.log());
        assert_eq!([who("h.test", "/"), who("other.test", "/gatewright/metrics")], ["s", "404"]);
        until_eq("the request", &Some(1.0), || value("requests", &[r#"ingress="a""#]));
        assert!(!metrics().contains("haproxy_"));
    });
}
