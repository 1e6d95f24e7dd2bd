//! Hosts: merging, order, conflicts, wildcards.

use gatewright_e2e::manifest::{IngressWords, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{Site, all_running};
use gatewright_e2e::world::who;

on_every_proxy! {
    fn mrg_1_ingresses_of_two_namespaces_share_a_host(proxy) {
        let site = Site::of(proxy, "mrg-1");
        let h = site.host("h");
        let other = |object: serde_json::Value| object.within("mrg-1-other");
        let mut objects = all_running(&["s1"]);
        objects.extend(all_running(&["s2"]).into_iter().map(other));
        objects.push(ingress("a").created(1).prefix(&h, "/a", "s1"));
        objects.push(other(ingress("b").created(2).prefix(&h, "/b", "s2")));
        site.apply(&objects);
        assert_eq!([who(&h, "/a"), who(&h, "/b"), who(&h, "/")], ["s1", "s2", "404"]);
    }
}
