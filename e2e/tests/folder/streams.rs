//! TCP services, and headers for all routes that ConfigMaps name.

use gatewright_e2e::client::{connect, connect_at, get};
use gatewright_e2e::echo::new_pod;
use gatewright_e2e::http1::Request;
use gatewright_e2e::load::while_doing;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, service_with, slice_with, text};
use gatewright_e2e::site::{all_running, running};
use gatewright_e2e::wait::{until, until_eq};
use gatewright_e2e::world::{World, who};
use gatewright_e2e::{on_every_proxy, on_every_version, on_proxies};
use serde_json::json;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::time::Duration;

/// Which Service answers behind a port; `begin` is sent first.
fn behind(port: u16, begin: &str) -> String {
    let ask = || {
        let mut tcp = connect(port)?;
        tcp.write_all(begin.as_bytes())?;
        Request::get("any.test", "/").send(&mut tcp, true)
    };
    ask().map_or_else(|_| "nobody".to_owned(), |answer| answer.echo()["service"].as_str().unwrap_or("no echo").to_owned())
}

/// What comes back for a datagram to a port of an address of the loopback.
fn answer_of(address: impl Into<IpAddr>, port: u16) -> String {
    let address = address.into();
    let ask = || {
        let socket = UdpSocket::bind((address, 0))?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        socket.connect((address, port))?;
        socket.send(b"question")?;
        let mut answer = [0; 512];
        let length = socket.recv(&mut answer)?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    };
    ask().unwrap_or_else(|_| "nobody".to_owned())
}

on_every_version! {
    fn l4_1_to_4_7_tcp_services_are_forwarded(proxy) {
        let map = |data: &[(&str, &str)]| config_map("tcp", data);
        let begin = map(&[("9000", "default/a:80"), ("9001", "default/a:80:PROXY"), ("80", "default/a:80"), ("9002", "default/none:80")]);
        let settings = config_map("settings", &[("log-format-stream", "$remote_addr \"$protocol\" $status $upstream_addr")]);
        let world = World::of(proxy).arg("--tcp-services-configmap=default/tcp").arg("--configmap=default/settings").manifest("t.yaml", &[begin, settings]).manifest("s.yaml", &all_running(&["a", "b"])).start();
        let said = world.diagnostics();
        if !proxy.forwards_tcp() {
            assert!(said.iter().any(|line| line.contains("stream module")), "{said:?}");
            return assert_eq!(behind(9000, ""), "nobody");
        }
        until_eq("L4-1", &"a".to_owned(), || behind(9000, ""));
        assert!(connect_at(Ipv6Addr::LOCALHOST.into(), 9000).is_ok(), "over IPv6 too");
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

    fn l4_5_a_name_outside_is_forwarded_to(proxy) {
        let world = World::of(proxy).arg("--tcp-services-configmap=default/tcp").build();
        world.hosts(&format!("{} outside.example", new_pod("outside")));
        let spec = json!({"type": "ExternalName", "externalName": "outside.example", "ports": [{"port": 5353, "targetPort": 8080}]});
        world.write("t.yaml", &text(&[config_map("tcp", &[("5353", "default/outside:5353")]), service_with("outside", &spec)]));
        world.start_controller();
        world.until_ready();
        let expected = if proxy.forwards_tcp() { "outside" } else { "nobody" };
        until_eq("L4-5", &expected.to_owned(), || behind(5353, ""));
    }

    fn l4_6_datagrams_are_forwarded_by_nginx_alone(proxy) {
        let world = World::of(proxy).arg("--udp-services-configmap=default/udp").build();
        let pod = new_pod("dns");
        let server = UdpSocket::bind((pod, 53)).unwrap();
        std::thread::spawn(move || {
            let mut question = [0; 512];
            while let Ok((length, from)) = server.recv_from(&mut question) {
                let _ = server.send_to(&[b"answer to ", &question[..length]].concat(), from);
            }
        });
        let ports = json!([{"name": "dns", "port": 53, "protocol": "UDP"}]);
        let dns = service_with("dns", &json!({"ports": [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53}]}));
        let slice = slice_with("dns-1", "dns", &json!([{"addresses": [pod]}]), &ports);
        world.write("u.yaml", &text(&[config_map("udp", &[("5300", "default/dns:53")]), dns, slice]));
        world.start_controller();
        world.until_ready();
        if proxy.is_nginx() && proxy.forwards_tcp() {
            let answers = ["answer to question"; 2].map(str::to_owned);
            return until_eq("L4-6", &answers, || [answer_of(Ipv4Addr::LOCALHOST, 5300), answer_of(Ipv6Addr::LOCALHOST, 5300)]);
        }
        let said = world.diagnostics();
        assert!(said.iter().any(|line| line.contains("5300") || line.contains("udp")), "{said:?}");
        assert_eq!(answer_of(Ipv4Addr::LOCALHOST, 5300), "nobody");
    }
}

on_every_proxy! {
    fn headers_of_config_maps_are_for_all_routes(proxy) {
        let main = config_map("settings", &[("proxy-set-headers", "default/in"), ("add-headers", "default/out")]);
        let given = [main, config_map("in", &[("X-In", "in $remote_addr"), ("Content-Length", "5")]), config_map("out", &[("X-Out", "100%"), ("X-At", "at $request_uri $uri")])];
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("c.yaml", &given).manifest("i.yaml", &objects).start();
        let answer = get("h.test", "/?header=X-Out:endpoint").unwrap();
        assert_eq!((answer.received("X-In").as_deref(), answer.header("X-Out")), (Some("in 127.0.0.1"), Some("100%")));
        assert_eq!((answer.header("X-At"), get("h.test", "/a").unwrap().header("X-At")), (Some("at /?header=X-Out:endpoint /"), Some("at /a /a")));
        assert!(world.diagnostics().iter().any(|line| line.contains("Content-Length")), "a framing header is left out");
        world.apply("c.yaml", &[&given[..2], &[config_map("out", &[("X-Out", "later")])]].concat());
        until_eq("what they say may change", &Some("later".to_owned()), || get("h.test", "/").ok()?.header("X-Out").map(str::to_owned));
    }
}

on_proxies! {
    [nginx_1_22 = NGINX_1_22, nginx_1_28 = NGINX_1_28, haproxy_2_6 = HAPROXY_2_6, haproxy_3_2 = HAPROXY_3_2]

    fn a_port_that_another_process_holds_is_left_out_until_it_is_free(proxy) {
        let tcp = config_map("tcp", &[("9000", "default/a:80"), ("9001", "default/a:80")]);
        let host = |name: &str| ingress(name).prefix(&format!("{name}.test"), "/", "a");
        let world = World::of(proxy).arg("--tcp-services-configmap=default/tcp").manifest("s.yaml", &running("a")).build();
        let hold = |port: u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
        let says = |port: u16| world.diagnostics().iter().any(|line| line.contains(&format!("port {port} is in use by another process")));

        let held = hold(9000);
        world.write("t.yaml", &text(&[tcp.clone(), host("first")]));
        world.start_controller();
        until_eq("at a start", &"a".to_owned(), || who("first.test", "/"));
        until_eq("others go on", &"a".to_owned(), || behind(9001, ""));
        until("it is said", || says(9000));
        drop(held);
        until_eq("it is free", &"a".to_owned(), || behind(9000, ""));
        until("nobody speaks of it", || !says(9000));

        world.apply("t.yaml", &[config_map("tcp", &[]), host("first")]);
        until("nobody listens", || connect(9000).is_err());
        let held = hold(9000);
        while_doing(proxy, "first.test", "a", || {
            world.apply("t.yaml", &[tcp.clone(), host("first"), host("second")]);
            assert_eq!((who("second.test", "/"), behind(9001, "")), ("a".to_owned(), "a".to_owned()));
            assert!(says(9000), "{:?}", world.diagnostics());
        }).none_was_lost();
        drop(held);
        until_eq("it is free again", &"a".to_owned(), || behind(9000, ""));
    }
}
