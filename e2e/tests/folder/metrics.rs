//! Metrics: section 25 of the reference.

use gatewright_e2e::client::{admin, connect, send};
use gatewright_e2e::echo;
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, ingress, service, slice};
use gatewright_e2e::net::on_a_thread_of_its_own;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::wait::{until, until_eq};
use gatewright_e2e::world::{World, who};
use gatewright_e2e::{on_every_proxy, on_every_version};
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

    fn paths_are_told_as_they_are_written(proxy) {
        let regex = ingress("r").annotation("use-regex", "true").prefix("r.test", "/a:b/[a-z]+\\.(x|y)$", "s");
        let _world = World::of(proxy).arg("--enable-metrics").manifest("i.yaml", &[running("s"), vec![regex]].concat()).start();
        assert_eq!(who("r.test", "/a:b/c.x"), "s");
        until_eq("the path", &Some(1.0), || value("requests", &[r#"ingress="r""#, r#"path="/a:b/[a-z]+\\.(x|y)$""#]));
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
        assert!(world.log().contains("built without its Prometheus exporter"), "{}", world.log());
        assert_eq!([who("h.test", "/"), who("other.test", "/gatewright/metrics")], ["s", "404"]);
        until_eq("the request", &Some(1.0), || value("requests", &[r#"ingress="a""#]));
        assert!(!metrics().contains("haproxy_"));
    });
}

/// Sends `text`, and leaves once the pod has been asked for the first time, or for one time more.
fn leave_after(stream: &mut dyn Write, pod: std::net::Ipv4Addr, text: &[u8]) {
    let before = echo::asked(pod).len();
    stream.write_all(text).unwrap();
    until("the pod has the request", || echo::asked(pod).len() > before);
}

on_every_version! {
    fn clients_that_do_not_wait_are_told_as_such_in_metrics_and_in_the_log(proxy) {
        let pod = echo::new_pod_that_keeps("slow");
        let objects = [service("slow"), slice("slow", &[pod.into()]), ingress("slow").prefix("slow.test", "/", "slow")];
        let world = World::of(proxy).arg("--enable-metrics").manifest("i.yaml", &objects).start();
        let counted = |method: &str, status: &str| {
            value("requests", &[r#"ingress="slow""#, &format!("method=\"{method}\""), &format!("status=\"{status}\"")])
        };
        let logged = |target: &str, status: &str| {
            let log = world.log();
            log.lines().any(|line| line.contains(&format!("{target} HTTP/1.1\" {status} ")))
        };
        leave_after(&mut connect(80).unwrap(), pod, b"GET /?wait_ms=3000&get HTTP/1.1\r\nHost: slow.test\r\n\r\n");
        until_eq("with nothing in its request", &Some(1.0), || counted("GET", "499"));
        until("it is logged", || logged("&get", "499"));
        leave_after(&mut connect(80).unwrap(), pod, b"POST /?wait_ms=3000&post HTTP/1.1\r\nHost: slow.test\r\nContent-Length: 3\r\n\r\nabc");
        until_eq("with a body", &Some(1.0), || counted("POST", "499"));
        until("it is logged", || logged("&post", "499"));
        let chunks = "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
        leave_after(&mut connect(80).unwrap(), pod, format!("POST /?wait_ms=3000&chunks HTTP/1.1\r\nHost: slow.test\r\n{chunks}0\r\n\r\n").as_bytes());
        until_eq("with chunks", &Some(2.0), || counted("POST", "499"));
        // HAProxy 2.6 cannot tell them from those whose chunks are none.
        until("it is logged", || logged("&chunks", if proxy == Proxy::HAPROXY_2_6 { "400" } else { "499" }));

        // These are still there, and are told what is wrong.
        let asked = Request::get("slow.test", "/?status=400").send(&mut connect(80).unwrap(), true).unwrap();
        assert_eq!((asked.status, asked.echo()["service"].as_str()), (400, Some("slow")), "the pod says so");
        let mut broken = connect(80).unwrap();
        broken.write_all(format!("POST /?wait_ms=1000 HTTP/1.1\r\nHost: slow.test\r\n{chunks}").as_bytes()).unwrap();
        // It has to be on its way before the rest comes.
        std::thread::sleep(std::time::Duration::from_millis(300));
        broken.write_all(b"no chunk\r\n").unwrap();
        let told = Answer::read(&mut broken, false).map(|answer| answer.status);
        // HAProxy 3.2 closes the connection without a word.
        assert_eq!(told.ok(), Some(400).filter(|_| proxy != Proxy::HAPROXY_3_2));
        for method in ["GET", "POST"] {
            until_eq(method, &Some(1.0), || counted(method, "400"));
        }
        assert_eq!([counted("GET", "499"), counted("POST", "499")], [Some(1.0), Some(2.0)]);
    }
}
