//! TCP services, and headers for all routes that ConfigMaps name.

use gatewright_e2e::client::{connect, get};
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::{all_running, running};
use gatewright_e2e::wait::{until, until_eq};
use gatewright_e2e::world::World;
use std::io::Write;

/// Which Service answers behind a port; `begin` is sent first.
fn behind(port: u16, begin: &str) -> String {
    let ask = || {
        let mut tcp = connect(port)?;
        tcp.write_all(begin.as_bytes())?;
        Request::get("any.test", "/").send(&mut tcp, true)
    };
    ask().map_or_else(|_| "nobody".to_owned(), |answer| answer.echo()["service"].as_str().unwrap_or("no echo").to_owned())
}

/// The newest nginx comes without its stream module.
fn forwards_tcp(proxy: Proxy) -> bool {
    !proxy.is_nginx() || proxy.is_oldest()
}

on_every_proxy! {
    fn l4_1_to_4_7_tcp_services_are_forwarded(proxy) {
        let map = |data: &[(&str, &str)]| config_map("tcp", data);
        let begin = map(&[("9000", "default/a:80"), ("9001", "default/a:80:PROXY"), ("80", "default/a:80"), ("9002", "default/none:80")]);
        let settings = config_map("settings", &[("log-format-stream", "$remote_addr \"$protocol\" $status $upstream_addr")]);
        let world = World::of(proxy).arg("--tcp-services-configmap=default/tcp").arg("--configmap=default/settings").manifest("t.yaml", &[begin, settings]).manifest("s.yaml", &all_running(&["a", "b"])).start();
        let said = world.diagnostics();
        if !forwards_tcp(proxy) {
            assert!(said.iter().any(|line| line.contains("stream module")), "{said:?}");
            return assert_eq!(behind(9000, ""), "nobody");
        }
        until_eq("L4-1", &"a".to_owned(), || behind(9000, ""));
        until_eq("L4-3", &"a".to_owned(), || behind(9001, "PROXY TCP4 192.168.0.1 192.168.0.11 56324 9001\r\n"));
        assert_eq!(behind(9002, ""), "nobody");
        let mentions = |text: &str| said.iter().any(|line| line.contains(text));
        assert!(mentions("port 80 is used by") && mentions("Service default/none does not exist"), "L4-4: {said:?}");
        world.apply("t.yaml", &[map(&[("9000", "default/b:80")])]);
        until_eq("L4-2", &"b".to_owned(), || behind(9000, ""));
        until_eq("a port that is gone is closed", &"nobody".to_owned(), || behind(9001, ""));
        world.apply("s.yaml", &running("a"));
        until("L4-7: without endpoints the port is closed", || connect(9000).is_err());
        world.apply("s.yaml", &all_running(&["a", "b"]));
        until_eq("L4-7: and open again", &"b".to_owned(), || behind(9000, ""));
    }

    fn headers_of_config_maps_are_for_all_routes(proxy) {
        let main = config_map("settings", &[("proxy-set-headers", "default/in"), ("add-headers", "default/out")]);
        let given = [main, config_map("in", &[("X-In", "in $remote_addr"), ("Content-Length", "5")]), config_map("out", &[("X-Out", "100%")])];
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("c.yaml", &given).manifest("i.yaml", &objects).start();
        let answer = get("h.test", "/?header=X-Out:endpoint").unwrap();
        assert_eq!((answer.received("X-In").as_deref(), answer.header("X-Out")), (Some("in 127.0.0.1"), Some("100%")));
        assert!(world.diagnostics().iter().any(|line| line.contains("Content-Length")), "a framing header is left out");
        world.apply("c.yaml", &[&given[..2], &[config_map("out", &[("X-Out", "later")])]].concat());
        until_eq("what they say may change", &Some("later".to_owned()), || get("h.test", "/").ok()?.header("X-Out").map(str::to_owned));
    }
}
