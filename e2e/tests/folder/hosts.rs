//! Hosts: merging, order, conflicts, wildcards.

use gatewright_e2e::client::{get, send};
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, ingress};
use gatewright_e2e::on_every_version;
use gatewright_e2e::site::{Site, all_running};
use gatewright_e2e::world::who;
use serde_json::Value;

on_every_version! {
    fn ann_4_1_aliases_are_names_any_labels_before_one_and_expressions(proxy) {
        let site = Site::of(proxy, "aliases");
        let names = "plain.names.test, *.star.names.test, ~^n[0-9]+[.]names[.]test$";
        let first = ingress("first").prefix(&site.host("first"), "/", "first").annotation("server-alias", names);
        site.apply(&[all_running(&["first"]), vec![first]].concat());
        for (host, wanted) in [
            ("plain.names.test", "first"),
            ("PLAIN.names.test", "first"),
            ("a.star.names.test", "first"),
            ("b.a.star.names.test", "first"),
            ("n12.names.test", "first"),
            ("star.names.test", "404"),
            ("nx.names.test", "404"),
            ("a.plain.names.test", "404"),
        ] {
            assert_eq!(who(host, "/"), wanted, "{host}");
        }
    }

    fn mrg_1_ingresses_of_two_namespaces_share_a_host(proxy) {
        let site = Site::of(proxy, "mrg-1");
        let h = site.host("h");
        let other = |object: Value| object.within("mrg-1-other");
        let mut objects = all_running(&["s1"]);
        objects.extend(all_running(&["s2"]).into_iter().map(other));
        objects.push(ingress("a").created(1).prefix(&h, "/a", "s1"));
        objects.push(other(ingress("b").created(2).prefix(&h, "/b", "s2")));
        site.apply(&objects);
        assert_eq!([who(&h, "/a"), who(&h, "/b"), who(&h, "/")], ["s1", "s2", "404"]);
    }

    fn mrg_2_to_7_the_oldest_wins_a_path_and_type(proxy) {
        let site = Site::of(proxy, "mrg-2");
        let [h2, h3, h4, h5, h6, h7] = ["h2", "h3", "h4", "h5", "h6", "h7"].map(|name| site.host(name));
        let objects = |with_first: bool| {
            let mut objects = all_running(&["s1", "s2", "s3", "s4"]);
            if with_first {
                objects.push(ingress("2a").created(1).prefix(&h2, "/a", "s1"));
            }
            objects.extend([
                ingress("2b").created(2).prefix(&h2, "/a", "s2"),
                ingress("3a").created(1).path(&h3, "/a", "ImplementationSpecific", "s1"),
                ingress("3b").created(2).prefix(&h3, "/a", "s2"),
                ingress("4a").created(1).prefix(&h4, "/a", "s1"),
                ingress("4b").created(2).path(&h4, "/a", "Exact", "s2"),
                ingress("5a").created(1).prefix(&h5, "/a", "s1"),
                ingress("5b").created(1).prefix(&h5, "/a", "s2"),
                ingress("6a").created(1).prefix(&h6, "/a", "s1"),
                ingress("6b").created(2).prefix(&h6, "/", "s2").annotation("upstream-vhost", "b.example"),
                ingress("7a").created(1).path(&h7, "/a", "Exact", "s1"),
                ingress("7b").created(2).prefix(&h7, "/a", "s2"),
                ingress("7c").created(3).path(&h7, "/a", "Exact", "s3"),
                ingress("7d").created(4).prefix(&h7, "/a", "s4"),
            ]);
            objects
        };
        site.apply(&objects(true));
        assert_eq!(who(&h2, "/a"), "s1", "MRG-2");
        assert_eq!(who(&h3, "/a"), "s1", "MRG-3");
        assert_eq!([who(&h4, "/a"), who(&h4, "/a/x")], ["s2", "s1"], "MRG-4");
        assert_eq!(who(&h5, "/a"), "s2", "MRG-5: of equal age, the greater name");
        assert_eq!(who(&h6, "/other"), "s2", "MRG-6");
        let host_of = |target: &str| get(&h6, target).unwrap().received("Host").unwrap();
        assert_eq!([host_of("/other"), host_of("/a")], ["b.example", &*h6], "MRG-6: with the annotations of its own Ingress");
        assert_eq!([who(&h7, "/a"), who(&h7, "/a/x")], ["s1", "s2"], "MRG-7");
        assert!(site.diagnostics().iter().any(|line| line.contains("mrg-2/2b")), "who lost is told: {:?}", site.diagnostics());
        site.apply(&objects(false));
        assert_eq!(who(&h2, "/a"), "s2", "MRG-2: once the oldest is gone");
    }

    fn mrg_8_prefixes_that_differ_in_a_slash_live_side_by_side(proxy) {
        let site = Site::of(proxy, "mrg-8");
        let h = site.host("h");
        site.apply(&[all_running(&["s1", "s2"]), vec![ingress("a").prefix(&h, "/foo", "s1").prefix(&h, "/foo/", "s2")]].concat());
        assert_eq!([who(&h, "/foo"), who(&h, "/foo/"), who(&h, "/foo/x")], ["s1", "s2", "s2"]);
    }

    fn hst_1_2_11_hosts_have_their_own_services(proxy) {
        let site = Site::of(proxy, "hst-1");
        let [first, second] = ["first", "second"].map(|name| site.host(name));
        let [named, other] = ["named", "other-named"].map(|name| site.host(name));
        let by_name = ingress("b").prefix(&named, "/", "s1").prefix(&other, "/", "s2").annotation("upstream-vhost", "$service_name.svc.test");
        site.apply(&[all_running(&["s1", "s2"]), vec![ingress("a").prefix(&first, "/", "s1").prefix(&second, "/", "s2"), by_name]].concat());
        let told = |host: &str| get(host, "/").unwrap().received("Host").unwrap();
        assert_eq!([told(&named), told(&other)], ["s1.svc.test", "s2.svc.test"], "HST-11: the Service of the rule that matches");
        assert_eq!([who(&first, "/"), who(&second, "/"), who(&site.host("other"), "/")], ["s1", "s2", "404"]);
        let upper = first.to_uppercase();
        assert_eq!([who(&format!("{upper}:8080"), "/"), who(&format!("{first}."), "/")], ["s1", "s1"]);
        let seen = get(&format!("{first}:8080"), "/").unwrap();
        assert_eq!(seen.received("Host"), Some(format!("{first}:8080")), "the backend sees the host as it was asked for");
    }

    fn hst_3_to_8_a_wildcard_is_one_label_and_never_beats_an_exact_host(proxy) {
        let site = Site::of(proxy, "hst-3");
        let parent = site.host("foo");
        let of = |label: &str| format!("{label}.{parent}");
        let wild = ingress("w").prefix(&of("*"), "/", "w");
        site.apply(&[all_running(&["w", "e"]), vec![wild, ingress("e").prefix(&of("exact"), "/x", "e")]].concat());
        assert_eq!(who(&of("bar"), "/"), "w", "HST-3");
        assert_eq!([who(&of("baz.bar"), "/"), who(&parent, "/")], ["404", "404"], "HST-4, HST-5");
        assert_eq!([who(&of("exact"), "/x"), who(&of("exact"), "/y")], ["e", "404"], "HST-6: the choice of a host is final");
        assert_eq!([who(&format!("{}:8080", of("BAR")), "/"), who(&format!("{}.", of("bar")), "/")], ["w", "w"], "HST-7, HST-8");
    }

    fn requests_without_a_known_host_get_404(proxy) {
        let site = Site::of(proxy, "hst-none");
        site.apply(&[all_running(&["s"]), vec![ingress("a").prefix(&site.host("h"), "/", "s")]].concat());
        for request in [Request::get("127.0.0.1", "/"), Request::get("nobody.test", "/"), Request::get("xn--nobody.test:80", "/a?b")] {
            assert_eq!(send(&request).unwrap().status, 404, "{request:?}");
        }
        assert_eq!(send(&Request::new("GET", "/").header("X-Forwarded-Host", &site.host("h")).header("Host", "x.test")).unwrap().status, 404);
    }

    fn many_and_long_hosts_fit_the_tables(proxy) {
        let site = Site::of(proxy, "hst-long");
        let label = "a".repeat(60);
        let long = format!("{label}.{label}.{label}.{}", site.host("h"));
        let many = (0..300).fold(ingress("many"), |ingress, n| ingress.prefix(&site.host(&format!("n{n}")), "/", "s"));
        site.apply(&[all_running(&["s"]), vec![many, ingress("long").prefix(&long, "/", "s")]].concat());
        assert_eq!([who(&long, "/"), who(&site.host("n0"), "/"), who(&site.host("n299"), "/")], ["s", "s", "s"]);
    }
}
