//! The addresses that are listened on: both families unless something says otherwise, the same on every proxy.

use gatewright_e2e::client::connect_at;
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, secret, text};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::tls::{self, Pair};
use gatewright_e2e::wait::until_eq;
use gatewright_e2e::world::{Builder, World};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V4_TOO: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// What a request to an address comes to: the client address that a pod is told, or the status of another answer.
fn seen(address: IpAddr, host: &str) -> String {
    told(|| Request::get(host, "/").send(&mut connect_at(address, 80)?, true))
}

/// The same over HTTPS.
fn seen_over_tls(address: IpAddr, host: &str) -> String {
    told(|| Request::get(host, "/").send(&mut tls::connect(connect_at(address, 443)?, Some(host), &[])?, true))
}

fn told(ask: impl Fn() -> io::Result<Answer>) -> String {
    match ask() {
        Ok(answer) => answer.received("X-Real-IP").unwrap_or_else(|| answer.status.to_string()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => "nobody".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// A host of one pod, and the settings of the controller in a file of their own.
fn world(proxy: Proxy, settings: &[(&str, &str)]) -> Builder {
    let objects = [
        running("s"),
        vec![
            secret("a", &Pair::new(&["a.test"])),
            ingress("a").prefix("a.test", "/", "s").tls(&["a.test"], "a").annotation("ssl-redirect", "false"),
            ingress("six").prefix("six.test", "/", "s").annotation("whitelist-source-range", "::1/128"),
        ],
    ]
    .concat();
    World::of(proxy)
        .arg("--configmap=default/settings")
        .manifest("c.yaml", &[config_map("settings", settings)])
        .manifest("i.yaml", &objects)
}

on_every_proxy! {
    fn clients_of_both_families_are_served_unless_ipv6_is_disabled(proxy) {
        let world = world(proxy, &[]).start();
        for address in [V4, V6] {
            assert_eq!([seen(address, "a.test"), seen_over_tls(address, "a.test")], [address.to_string(), address.to_string()]);
        }
        assert_eq!([seen(V4, "six.test"), seen(V6, "six.test")], ["403", "::1"]);
        world.apply("c.yaml", &[config_map("settings", &[("disable-ipv6", "true")])]);
        until_eq("it is disabled", &["nobody"; 2].map(str::to_owned), || [seen(V6, "a.test"), seen_over_tls(V6, "a.test")]);
        assert_eq!([seen(V4, "a.test"), seen_over_tls(V4, "a.test")], ["127.0.0.1"; 2]);
        world.apply("c.yaml", &[config_map("settings", &[])]);
        until_eq("and enabled again", &["::1"; 2].map(str::to_owned), || [seen(V6, "a.test"), seen_over_tls(V6, "a.test")]);
    }

    fn where_addresses_are_given_nobody_listens_on_others(proxy) {
        let world = world(proxy, &[("bind-address", "127.0.0.1,::1")]).start();
        let all = || [V4, V4_TOO, V6].map(|address| [seen(address, "a.test"), seen_over_tls(address, "a.test")].join(" "));
        let [on_four, on_six, nobody] = ["127.0.0.1 127.0.0.1", "::1 ::1", "nobody nobody"].map(str::to_owned);
        assert_eq!(all(), [&on_four, &nobody, &on_six].map(Clone::clone));
        world.apply("c.yaml", &[config_map("settings", &[("bind-address", "127.0.0.1,::1"), ("disable-ipv6", "true")])]);
        until_eq("addresses of IPv6 are disabled too", &[&on_four, &nobody, &nobody].map(Clone::clone), all);
        // All of IPv6, and nothing of IPv4: the probe of a whole change is not reached there.
        world.write("c.yaml", &text(&[config_map("settings", &[("bind-address", "[::]")])]));
        until_eq("all of IPv6", &[&nobody, &nobody, &on_six].map(Clone::clone), all);
    }

    fn a_flag_says_whether_ipv6_is_listened_on(proxy) {
        let _world = world(proxy, &[]).arg("--ipv6=false").start();
        assert_eq!([seen(V4, "a.test"), seen(V6, "a.test")], ["127.0.0.1", "nobody"]);
    }
}
