//! Hosts whose paths are regular expressions.

use gatewright_e2e::client::{get, send};
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, ingress, text};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{Site, all_running, running};
use gatewright_e2e::wait::until;
use gatewright_e2e::world::{World, who};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

const ANY: &str = "ImplementationSpecific";

/// A name, an expression, and what requests for paths are answered.
type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

on_every_proxy! {
    fn rgx_1_to_4_expressions_match_from_the_beginning(proxy) {
        let site = Site::of(proxy, "rgx-1");
        let cases: [Case; 4] = [
            ("rgx-1", "/id/[0-9]+", &[("/id/1", "s"), ("/id/123a", "s"), ("/id/aaa", "404")]),
            ("rgx-2", "/id/[0-9]+$", &[("/id/1", "s"), ("/id/123a", "404")]),
            ("rgx-3", "/id/[0-9]{3}$", &[("/id/99", "404"), ("/id/123", "s"), ("/id/9999", "404")]),
            (
                "rgx-4",
                "/id/[0-9]+/post/[a-zA-Z]+$",
                &[("/id/123/post/abc", "s"), ("/id/123/post/abc123", "404"), ("/id/abc/post/abc", "404"), ("/ID/1/POST/a", "s")],
            ),
        ];
        let ingresses = cases.map(|(name, path, _)| ingress(name).path(&site.host(name), path, ANY, "s").annotation("use-regex", "true"));
        site.apply(&[all_running(&["s"]), ingresses.to_vec()].concat());
        for (name, _, requests) in cases {
            for (target, wanted) in requests {
                assert_eq!(who(&site.host(name), target), *wanted, "{name} {target}");
            }
        }
    }

    fn rgx_5_to_8_one_expression_makes_expressions_of_all_paths_of_its_host(proxy) {
        let site = Site::of(proxy, "rgx-5");
        let [five, six, seven, eight, other] = ["five", "six", "seven", "eight", "other"].map(|name| site.host(name));
        site.apply(&[all_running(&["s1", "s2", "s3"]), vec![
            ingress("five-a").created(1).prefix(&five, "/foo/bar", "s1").prefix(&five, "/foo/bar/", "s2"),
            ingress("five-b").created(2).path(&five, "/foo/bar/(.+)", ANY, "s3").annotation("rewrite-target", "/$1"),
            ingress("six").prefix(&six, "/foo/bar/bar", "s1").path(&six, "/foo/bar/[A-Z0-9]{3}", ANY, "s2").annotation("use-regex", "true"),
            ingress("seven-a").created(1).path(&seven, "/api", "Exact", "s1"),
            ingress("seven-b").created(2).path(&seven, "/x(/|$)(.*)", ANY, "s2").annotation("rewrite-target", "/$2"),
            ingress("eight").prefix(&eight, "/foo", "s1").annotation("rewrite-target", "/foo"),
            ingress("other").path(&other, "/api", "Exact", "s1"),
        ]].concat());
        assert_eq!([who(&five, "/foo/bar/1"), who(&five, "/foo/bar/"), who(&five, "/foo/bar")], ["s3", "s2", "s1"], "RGX-5");
        assert_eq!(get(&five, "/foo/bar/1?q").unwrap().echo()["target"], "/1?q", "RGX-5: what the group matched");
        assert_eq!(who(&six, "/foo/bar/bar"), "s2", "RGX-6: the longer text comes first");
        assert_eq!([who(&seven, "/API/v2"), who(&seven, "/x/y"), who(&seven, "/xy")], ["s1", "s2", "404"], "RGX-7");
        assert_eq!(get(&seven, "/x/y").unwrap().echo()["target"], "/y");
        assert_eq!([who(&eight, "/foo"), who(&eight, "/foobar")], ["s1", "404"], "RGX-8: no expression");
        assert_eq!([who(&other, "/api"), who(&other, "/API")], ["s1", "404"], "other hosts stay as they are");
    }

    fn another_ingress_makes_expressions_of_paths_and_takes_that_back(proxy) {
        let site = Site::of(proxy, "rgx-lent");
        let host = site.host("lent");
        let lent = ingress("lent").created(1).path(&host, "/l/[0-9]+$", ANY, "s1").prefix(&host, "/abc", "s1");
        let other = ingress("other").created(2).path(&host, "/.+/x", ANY, "s2");
        site.apply(&[all_running(&["s1", "s2"]), vec![lent.clone(), other.clone().annotation("use-regex", "true")]].concat());
        assert_eq!([who(&host, "/l/12"), who(&host, "/l/12a"), who(&host, "/ABC")], ["s1", "404", "s1"]);
        assert_eq!([who(&host, "/abc/x"), who(&host, "/abcd/x")], ["s1", "s2"], "what is below a prefix comes before an expression as long");
        site.apply(&[all_running(&["s1", "s2"]), vec![lent, other]].concat());
        assert_eq!([who(&host, "/l/12"), who(&host, "/ABC"), who(&host, "/abc/x")], ["404", "404", "s1"]);
    }

    fn groups_may_have_names(proxy) {
        let site = Site::of(proxy, "rgx-named");
        let [named, mixed] = ["named", "mixed"].map(|name| site.host(name));
        site.apply(&[all_running(&["s"]), vec![
            ingress("named").path(&named, r"/(u|v)/(?<id>\d+)(?<Rest>/.*)?", ANY, "s").annotation("rewrite-target", "/$id/$1$rest")
                .annotation("x-forwarded-prefix", "/$1/$id"),
            ingress("mixed").path(&mixed, r"/(?<id>\d+)", ANY, "s").path(&mixed, r"/(a)/(?<id>\d+)", ANY, "s").annotation("rewrite-target", "/$id"),
        ]].concat());
        let answer = get(&named, "/V/12/x%20y?z").unwrap().echo();
        assert_eq!(answer["target"], "/12/V/x%20y?z");
        let headers = answer["headers"].to_string().to_lowercase();
        assert!(headers.contains(r#"["x-forwarded-prefix","/v/12"]"#), "{headers}");
        assert_eq!([who(&named, "/u/12"), who(&named, "/u/a")], ["s", "404"]);
        assert_eq!(get(&mixed, "/12").unwrap().echo()["target"], "/12", "it would be another group of the other path");
        let said = site.diagnostics();
        assert!(said.iter().any(|line| line.contains("the group \"id\" is not of the same number")), "{said:?}");
    }

    fn an_expression_that_takes_long_keeps_nobody_waiting_and_opens_nothing(proxy) {
        let site = Site::of(proxy, "rgx-slow");
        let [slow, rounds, quick] = ["slow", "rounds", "quick"].map(|name| site.host(name));
        let guarded = |name: &str, host: &str, path: &str| {
            ingress(name).path(host, path, ANY, "s2").annotation("use-regex", "true").annotation("auth-type", "basic")
                .annotation("auth-secret", "nobody")
        };
        site.apply(&[all_running(&["s1", "s2"]), vec![
            ingress("slow-open").path(&slow, "/open", ANY, "s1"),
            guarded("slow", &slow, "/open/.*.*[a-z]+.*[xy]"),
            ingress("rounds-open").path(&rounds, "/open", ANY, "s1"),
            guarded("rounds", &rounds, "/open/shut(/[a-z]+)*$"),
            ingress("quick").prefix(&quick, "/", "s1"),
        ]].concat());
        let long = "a".repeat(7000);
        assert_eq!(["/open/a-b", "/open/abx", "/x"].map(|target| who(&slow, target)), ["s1", "503", "404"]);
        assert_eq!(["/open/a", "/open/shut/a/b", "/open/shut/1"].map(|target| who(&rounds, target)), ["s1", "503", "s1"]);
        assert_eq!(who(&slow, &format!("/open/{long}")), "500", "it is not known what it matches");
        assert_ne!(who(&rounds, &format!("/open/shut{}", "/a".repeat(3500))), "s1", "nor is it taken for what is open");
        // Without a limit each takes thousands of times as long.
        let time = |host: &str| {
            let begun = Instant::now();
            (0..20).for_each(|_| drop(get(host, &format!("/open/{long}"))));
            begun.elapsed()
        };
        time(&quick);
        let [usual, limited] = [&quick, &slow].map(|host| time(host));
        assert!(limited < usual * 50, "{limited:?} for what takes {usual:?} elsewhere");
    }

    fn a_guard_stays_closed_while_its_path_becomes_an_expression_and_no_longer_is_one(proxy) {
        // Large enough that maps take their time.
        let many = (0..1500).fold(ingress("many"), |one, n| one.prefix(&format!("n{n}.test"), "/p", "s"));
        let guard = |written: &str| {
            ingress("guard").path("h.test", "/admin", ANY, "s").annotation("denylist-source-range", "127.0.0.0/8").annotation("use-regex", written)
        };
        let base = [running("s"), vec![many, ingress("open").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).manifest("hosts.yaml", &base).manifest("guard.yaml", &[guard("false")]).start();
        let over = AtomicBool::new(false);
        let loads = world.loads();
        let seen = thread::scope(|scope| {
            let asking = scope.spawn(|| {
                world.net.enter();
                let mut seen = BTreeSet::new();
                while !over.load(Ordering::Relaxed) {
                    seen.insert(who("h.test", "/admin"));
                }
                seen
            });
            let changing = scope.spawn(|| {
                world.net.enter();
                // A host that comes at the same time would be a reason to reload.
                for round in 0..10 {
                    let before = world.published();
                    world.write("guard.yaml", &text(&[guard(if round % 2 == 0 { "true" } else { "false" })]));
                    until("it is live", || world.published() > before);
                }
            });
            let changed = changing.join();
            over.store(true, Ordering::Relaxed);
            changed.unwrap();
            asking.join().unwrap()
        });
        assert_eq!(seen, BTreeSet::from(["403".to_owned()]));
        if !proxy.is_nginx() {
            assert_eq!(world.loads(), loads, "maps change while they are looked at");
        }
    }

    fn many_alternatives_are_served_and_take_nothing_from_others(proxy) {
        let site = Site::of(proxy, "rgx-alternatives");
        let [many, slow, other] = ["many", "slow", "other"].map(|name| site.host(name));
        let rule = |name: &str, host: &str, path: &str| ingress(name).path(host, path, ANY, "s1").annotation("use-regex", "true");
        let plain = rule("other", &other, "/o.*");
        let alternatives = format!("/x(.*){}", "|/a".repeat(325));
        let slow_ones = format!("/x(.*){}", "|/b.*c".repeat(160));
        site.apply(&[all_running(&["s1"]), vec![plain.clone()]].concat());
        site.apply(&[all_running(&["s1"]), vec![
            plain,
            rule("many", &many, &alternatives).annotation("rewrite-target", "/n/$1"),
            rule("slow", &slow, &slow_ones),
        ]].concat());
        assert_eq!(["/x", "/a", "/z/a", "/z"].map(|target| who(&many, target)), ["s1", "s1", "s1", "404"]);
        assert_eq!(["/x", "/bxc", "/z/b/c", "/z"].map(|target| who(&slow, target)), ["s1", "s1", "s1", "404"]);
        assert_eq!(get(&many, "/x1").unwrap().echo()["target"], "/n/1");
        assert_eq!([who(&other, "/ok"), who(&other, "/x")], ["s1", "404"]);
        let said = site.diagnostics();
        assert!(said.len() == 2 && said.iter().all(|line| line.starts_with("GW0213 ")), "both may take long: {said:?}");
    }

    fn control_characters_are_compared_as_what_they_are(proxy) {
        let site = Site::of(proxy, "rgx-control");
        let h = site.host("h");
        site.apply(&[all_running(&["s1", "s2"]), vec![
            ingress("open").path(&h, "/", ANY, "s1"),
            ingress("end").path(&h, "/admin$", ANY, "s2").annotation("use-regex", "true").annotation("denylist-source-range", "127.0.0.0/8"),
            ingress("one").path(&h, "/one.?$", ANY, "s2").annotation("denylist-source-range", "127.0.0.0/8"),
        ]].concat());
        for (target, wanted) in [
            ("/admin", "403"),
            ("/admin%0a", "403"),
            ("/admin%0A?x", "403"),
            ("/x/../admin%0a", "403"),
            ("/admin%250a", "s1"),
            ("/one%01", "403"),
            ("/one%3F", "403"),
            ("/one%23", "403"),
            ("/one%25", "403"),
            ("/one%0ax", "s1"),
            ("/one%252f", "s1"),
        ] {
            assert_eq!(who(&h, target), wanted, "{target}");
        }
    }

    fn what_is_rewritten_leads_out_of_nothing(proxy) {
        let site = Site::of(proxy, "rgx-climbs");
        let h = site.host("h");
        let route = ingress("a").path(&h, "/a(/|$)(.*)", ANY, "s").annotation("use-regex", "true");
        site.apply(&[all_running(&["s"]), vec![route.annotation("rewrite-target", "/public/$2")]].concat());
        let targets = [
            "/a/y",
            "/internal/..%2fa/y",
            "/internal/x%3f/..%2f..%2fa/y",
            "/internal/x%23/../../a/y",
            "/a/x%3f/..%2f..%2fa/y",
            "/a/x%0a/..%2f..%2fa%2fy",
            "/a/x/..%2f../a/%01",
        ];
        for target in targets {
            let answer = get(&h, target).unwrap();
            // Where it cannot be compared and rewritten alike, it gets nowhere.
            let asked = if answer.status == 400 && !proxy.is_nginx() { "/public/".into() } else { answer.echo()["target"].clone() };
            let asked = asked.as_str().unwrap_or_default();
            assert!(asked.starts_with("/public/") && !asked.contains(".."), "{target}: {} {asked}", answer.status);
        }
    }

    fn line_breaks_lead_past_no_path(proxy) {
        let site = Site::of(proxy, "rgx-lines");
        let [h, bare] = ["h", "bare"].map(|name| site.host(name));
        let shut = |name: &str, host: &str, paths: &[&str]| {
            let begun = ingress(name).annotation("use-regex", "true").annotation("allowlist-source-range", "192.0.2.1");
            paths.iter().fold(begun, |all, path| all.path(host, path, ANY, "s"))
        };
        site.apply(&[all_running(&["s"]), vec![
            shut("shut", &h, &["/admin.*", "/x/.*/secret", "/end/[a-z]+$", "/some/.+/a|/other/.+/b"]),
            ingress("open").path(&h, "/(.*)", ANY, "s").annotation("rewrite-target", "/new/$1"),
            shut("shut-bare", &bare, &["/x/.*/secret"]),
            ingress("open-bare").path(&bare, "/x/", ANY, "s"),
        ]].concat());
        let status = |target: &str| get(&h, target).unwrap().status;
        for target in [
            "/admin", "/admin%0A/x", "/admin%0a", "/x/a/secret", "/x/a%0Ab/secret", "/x/%0A/secret", "/x/%0D%0A/secret", "/end/a", "/end/a%0A",
            "/some/%0A/a", "/z/other/%0A/b",
        ] {
            assert_eq!(status(target), 403, "{target}");
        }
        assert_eq!(get(&bare, "/x/a%0Ab/secret").unwrap().status, 403);
        let seen = |target: &str| get(&h, target).unwrap().echo()["target"].as_str().unwrap_or("-").to_uppercase();
        let all = ["/b", "/b%0Ac", "/b%0A", "/%0Ab?q=1", "/end/A%0AB"];
        assert_eq!(all.map(seen), ["/NEW/B", "/NEW/B%0AC", "/NEW/B%0A", "/NEW/%0AB?Q=1", "/NEW/END/A%0AB"], "all of it is rewritten");
    }

    fn a_path_that_is_not_found_as_it_was_sent_gets_nowhere(proxy) {
        let site = Site::of(proxy, "rgx-sent");
        let h = site.host("h");
        site.apply(&[all_running(&["s"]), vec![ingress("h").path(&h, "/t/(.)/x$", ANY, "s").annotation("rewrite-target", "/n/$1")]].concat());
        assert_eq!(get(&h, "/t/a/x").unwrap().echo()["target"], "/n/a");
        let answer = get(&h, "/t/%3F/x").unwrap();
        let rewritten = answer.status == 200 && answer.echo()["target"] == "/n/%3F";
        assert!(rewritten || answer.status == 400, "{}: the path of the rule is none that endpoints see", answer.status);
    }

    fn only_some_paths_of_a_host_may_take_long(proxy) {
        let site = Site::of(proxy, "rgx-many");
        let h = site.host("h");
        let slow = |n: usize| format!("/{n}/.*.*x");
        let first = (0..40).fold(ingress("first").created(1).annotation("use-regex", "true"), |all, n| all.path(&h, &slow(n), ANY, "s1"));
        let second = (40..42).fold(ingress("second").created(2), |all, n| all.path(&h, &slow(n), ANY, "s2")).path(&h, "/quick", ANY, "s2");
        site.apply(&[all_running(&["s1", "s2"]), vec![first, second]].concat());
        assert_eq!(["/0/ax", "/39/bx", "/40/ax", "/41/ax", "/quick"].map(|target| who(&h, target)), ["s1", "s1", "404", "404", "s2"]);
        let said = site.diagnostics();
        let of = |name: &str, text: &str| said.iter().filter(|line| line.contains(name) && line.contains(text)).count();
        assert!(of("GW0213 Ingress rgx-many/first", "steps to compare; it is given up at 10000") > 0, "{said:?}");
        assert_eq!(of("GW0202 Ingress rgx-many/second", "the host has more than 40 paths that may take long"), 2, "{said:?}");
    }

    fn a_path_that_is_no_expression_keeps_what_protects_it(proxy) {
        let site = Site::of(proxy, "rgx-literal");
        let h = site.host("h");
        let open = ingress("open").path(&h, "/", "Prefix", "s1");
        let closed = ingress("closed").path(&h, "/adm(in", "Prefix", "s2").annotation("whitelist-source-range", "192.0.2.0/24");
        let objects = vec![open, closed];
        let answers = || ["/adm(in", "/adm(in/x?y", "/ADM(IN", "/other"].map(|target| get(&h, target).unwrap().status);
        site.apply(&[all_running(&["s1", "s2"]), objects.clone()].concat());
        assert_eq!(answers(), [403, 403, 200, 200]);
        let asking = ingress("asking").path(&h, "/else/.*", ANY, "s1").annotation("use-regex", "true");
        site.apply(&[all_running(&["s1", "s2"]), objects, vec![asking]].concat());
        assert_eq!(answers(), [403, 403, 403, 200], "without case, as all of the host");
    }

    fn what_requests_say_stays_in_its_segment_of_a_path(proxy) {
        let site = Site::of(proxy, "rgx-said");
        let [header, argument] = ["header", "argument"].map(|name| site.host(name));
        site.apply(&[all_running(&["s"]), vec![
            ingress("header").path(&header, "/s/(.*)", ANY, "s").annotation("rewrite-target", "/$http_x_a/$1"),
            ingress("argument").path(&argument, "/s/(.*)", ANY, "s").annotation("rewrite-target", "/$arg_p/$1"),
        ]].concat());
        let target = |request: &Request| send(request).unwrap().echo()["target"].as_str().unwrap().to_owned();
        for (said, path, wanted) in [
            ("a", "/s/x", "/a/x"),
            ("a?b", "/s/x", "/a%3Fb/x"),
            ("a b#c", "/s/x?d", "/a%20b%23c/x?d"),
            ("a%2e/~", "/s/x", "/a%252e/~/x"),
            ("a?b", "/s/x%20y", "/a%3Fb/x%20y"),
            ("a?b", "/s/x%23y", "/a%3Fb/x%23y"),
        ] {
            assert_eq!(target(&Request::get(&header, path).header("X-A", said)), wanted, "{said} {path}");
        }
        assert_eq!(target(&Request::get(&argument, "/s/x?p=a%20b")), "/a%2520b/x?p=a%20b");
        assert_eq!(target(&Request::get(&argument, "/s/x?p=a?b=c&q")), "/a%3Fb=c/x?p=a?b=c&q");
    }
}
