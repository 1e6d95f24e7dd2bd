//! Metrics: section 25 of the reference.

use gatewright_e2e::client::{admin, send};
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::wait::{until, until_eq};
use gatewright_e2e::world::{World, who};

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
        if !proxy.is_nginx() {
            assert!(world.log().contains("--enable-metrics counts requests of nginx only"), "it is said that nothing is counted");
            assert!(!metrics().contains("nginx_ingress_controller_requests"));
            return;
        }
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
        let wanted = proxy.is_nginx().then_some(1.0);
        until_eq("the one", &wanted, || value("requests", &[r#"ingress="a""#, r#"canary="""#]));
        until_eq("the other", &wanted, || value("requests", &[r#"ingress="a""#, "-s2-80\""]));
    }

    fn met_2_hosts_that_are_not_configured_are_told_on_demand(proxy) {
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let asked = |world: World| {
            assert_eq!([who("other.test", "/"), who("h.test", "/")], ["404", "s"]);
            if proxy.is_nginx() {
                until_eq("the host that is configured", &Some(1.0), || value("requests", &[r#"host="h.test""#]));
            }
            world
        };
        let without = asked(World::of(proxy).arg("--enable-metrics").manifest("i.yaml", &objects).start());
        assert!(!metrics().contains("other.test"));
        drop(without);
        let with = World::of(proxy).arg("--enable-metrics").arg("--metrics-per-undefined-host").manifest("i.yaml", &objects).start();
        let _with = asked(with);
        let wanted = proxy.is_nginx().then_some(1.0);
        until_eq("the other host", &wanted, || value("requests", &[r#"host="other.test""#, r#"status="404""#]));
    }

    fn requests_are_counted_where_they_are_not_logged_and_nothing_is_told_without_the_flag(proxy) {
        let unlogged = ingress("a").annotation("enable-access-log", "false").prefix("h.test", "/", "s");
        let objects = [running("s"), vec![unlogged]].concat();
        let world = World::of(proxy).arg("--enable-metrics").arg("--report-status-classes").manifest("i.yaml", &objects).start();
        assert_eq!(who("h.test", "/"), "s");
        let wanted = proxy.is_nginx().then_some(1.0);
        until_eq("the request", &wanted, || value("requests", &[r#"ingress="a""#, r#"status="2xx""#]));
        drop(world);
        let _world = World::of(proxy).manifest("i.yaml", &objects).start();
        assert_eq!(who("h.test", "/"), "s");
        assert!(!metrics().contains("nginx_ingress_controller_requests"));
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
