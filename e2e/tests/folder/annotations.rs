//! What the reference of annotations says beside single features: the order of answers, what several Ingresses of a host
//! share, and settings that annotations obey. The numbers in the names of tests are those of its sections.

use gatewright_e2e::client::{admin_json, get, send};
use gatewright_e2e::echo::new_pod;
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{Site, all_running, running};
use gatewright_e2e::wait::until;
use gatewright_e2e::world::{World, who};
use serde_json::json;
use std::path::Path;
use std::process::Command;

const ANY: &str = "ImplementationSpecific";

/// Status and place of a redirect.
fn led(answer: &Answer) -> (u16, String) {
    (answer.status, answer.header("location").unwrap_or("-").to_owned())
}

/// The status of an answer to so many bytes.
fn posted(host: &str, bytes: usize) -> u16 {
    send(&Request::new("POST", "/").header("Host", host).body(&vec![b'x'; bytes])).unwrap().status
}

on_every_proxy! {
    fn ann_1_5_a_body_that_is_too_large_is_refused_before_redirects(proxy) {
        let site = Site::of(proxy, "ann-1-5-body");
        let [moved, https, root] = ["moved", "https", "root"].map(|name| site.host(name));
        let small = |name: &str| ingress(name).annotation("proxy-body-size", "1k");
        site.apply(&[running("s"), vec![
            small("moved").prefix(&moved, "/", "s").annotation("permanent-redirect", "http://a.test/"),
            small("https").prefix(&https, "/", "s").annotation("force-ssl-redirect", "true"),
            small("root").prefix(&root, "/", "s").annotation("app-root", "/app"),
        ]].concat());
        assert_eq!([2000, 20].map(|bytes| posted(&moved, bytes)), [413, 301]);
        assert_eq!([2000, 20].map(|bytes| posted(&https, bytes)), [413, 308]);
        assert_eq!(posted(&root, 2000), 302, "the root of a host leads elsewhere before its routes are looked at");
    }

    fn ann_1_2_an_update_that_cannot_be_served_leaves_the_version_before(proxy) {
        let site = Site::of(proxy, "ann-1-2");
        let h = site.host("h");
        let version = |service: &str, annotations: &[(&str, &str)]| {
            annotations.iter().fold(ingress("a").prefix(&h, "/", service), |ingress, (name, value)| ingress.annotation(name, value))
        };
        let bad = ("permanent-redirect-code", "moved");
        let show = |ingress| {
            site.apply(&[all_running(&["s", "t"]), vec![ingress]].concat());
            let all = admin_json("/api/v1/diagnostics");
            let own = all.as_array().unwrap().iter().filter(|finding| finding["object"]["namespace"] == site.namespace());
            let outcomes: Vec<_> = own.map(|finding| finding["outcome"].as_str().unwrap()).collect();
            format!("{} {}", who(&h, "/"), outcomes.join(" "))
        };
        assert_eq!(show(version("t", &[bad])), "404 skipped-object");
        assert_eq!(show(version("s", &[])), "s ");
        assert_eq!(show(version("t", &[bad])), "s quarantined");
        assert_eq!(show(version("t", &[("whitelist-source-range", "everybody")])), "503 closed-route");
        assert_eq!(show(version("t", &[])), "t ");
        let guarded = version("s", &[bad, ("whitelist-source-range", "10.0.0.0/8")]);
        assert_eq!(show(guarded), "404 skipped-object", "what was open does not stand in for what is not");
    }

    fn ann_1_4_the_root_that_a_host_has_by_itself_is_limited_like_its_ingress(proxy) {
        let site = Site::of(proxy, "ann-1-4-root");
        let h = site.host("h");
        let limited = ingress("a").prefix(&h, "/foo", "s").annotation("limit-rpm", "1").annotation("limit-burst-multiplier", "1");
        site.apply(&[running("s"), vec![limited]].concat());
        assert_eq!(["/other", "/foo", "/other", "/foo"].map(|target| who(&h, target)), ["404", "s", "503", "503"]);
    }

    fn ann_4_1_only_the_first_alternative_is_bound_to_the_beginning(proxy) {
        let site = Site::of(proxy, "ann-4-1-alternatives");
        let [h, rewritten] = ["h", "rewritten"].map(|name| site.host(name));
        site.apply(&[running("s"), vec![
            ingress("h").path(&h, "/aaa|/bbb|^/ccc", ANY, "s").annotation("use-regex", "true"),
            ingress("rewritten").path(&rewritten, "/e/(.*)|/f/(.*)", ANY, "s").annotation("rewrite-target", "/$1$2"),
        ]].concat());
        let answered = ["/aaa", "/x/aaa", "/bbb", "/x/BBB", "/ccc", "/x/ccc"].map(|target| who(&h, target));
        assert_eq!(answered, ["s", "404", "s", "s", "s", "404"]);
        let seen = |target: &str| get(&rewritten, target).unwrap().echo()["target"].as_str().unwrap_or("-").to_owned();
        let seen = ["/e/a%20b?q", "/x/f/a", "/x/../e//a/./b"].map(seen);
        assert_eq!(seen, ["/a%20b?q", "/a", "/a/b"], "the path is rewritten as it was compared");
    }

    fn ann_4_1_a_redirect_of_any_status_is_answered(proxy) {
        let site = Site::of(proxy, "ann-4-1-status");
        let statuses = [300, 304, 305, 307].map(|status| (status.to_string(), site.host(&format!("h{status}"))));
        let ingresses = statuses.iter().map(|(status, host)| {
            let moved = ingress(&format!("h{status}")).prefix(host, "/", "s").annotation("permanent-redirect", "http://a.test/");
            moved.annotation("permanent-redirect-code", status)
        });
        site.apply(&[running("s"), ingresses.collect()].concat());
        let answered = statuses.map(|(_, host)| led(&get(&host, "/").unwrap()));
        assert_eq!(answered, [(300, "-"), (304, "-"), (305, "-"), (307, "http://a.test/")].map(|(status, place)| (status, place.to_owned())));
    }

    fn ann_1_7_snippets_may_name_the_route(proxy) {
        let settings = config_map("settings", &[
            ("allow-snippet-annotations", "true"),
            ("annotations-risk-level", "Critical"),
            ("location-snippet", "add_header X-Path $location_path always;"),
        ]);
        let text = "add_header X-Of $namespace/$ingress_name always;\nproxy_set_header X-For $service_name:$service_port;";
        let objects = vec![settings, ingress("a").prefix("h.test", "/p", "s").prefix("h.test", "/q", "t").annotation("configuration-snippet", text)];
        let _world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &[all_running(&["s", "t"]), objects].concat()).start();
        let told = ["/p", "/q"].map(|target| {
            let answer = get("h.test", target).unwrap();
            let said = |name| answer.header(name).unwrap_or("-").to_owned();
            [said("X-Of"), said("X-Path"), answer.received("X-For").unwrap_or_default()].join(" ")
        });
        assert_eq!(told, ["default/a /p s:80", "default/a /q t:80"]);
    }

    fn ann_1_3_objects_of_other_namespaces_are_read_where_the_operator_allows_it(proxy) {
        let users = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users", "namespace": "other"},
            "stringData": {"auth": "user:{PLAIN}word\n"}});
        let guarded = ingress("a").prefix("h.test", "/", "s").annotation("auth-type", "basic").annotation("auth-secret", "other/users");
        let settings = |value: &str| config_map("settings", &[("allow-cross-namespace-resources", value)]);
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("c.yaml", &[settings("false")]).start();
        world.apply("i.yaml", &[running("s"), vec![users, guarded]].concat());
        let status = |word: &str| send(&Request::get("h.test", "/").header("Authorization", &format!("Basic {word}"))).unwrap().status;
        let (good, bad) = ("dXNlcjp3b3Jk", "dXNlcjpvdGhlcg==");
        assert_eq!(status(good), 503);
        world.apply("c.yaml", &[settings("true")]);
        assert_eq!([good, bad].map(status), [200, 401]);
    }

    fn settings_that_are_deleted_still_keep_out_whom_they_kept_out(proxy) {
        let settings = |data: &[(&str, &str)]| config_map("settings", data);
        let blocked = settings(&[("block-user-agents", "robot")]);
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("c.yaml", &[blocked]).start();
        world.apply("i.yaml", &[running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat());
        let status = |host: &str| send(&Request::get(host, "/").header("User-Agent", "robot")).unwrap().status;
        let is_told = || world.diagnostics().iter().any(|line| line.contains("has been deleted"));
        assert_eq!(status("h.test"), 403);
        world.remove("c.yaml");
        until("the deletion is told", is_told);
        world.apply("j.yaml", &[ingress("b").prefix("i.test", "/", "s")]);
        assert_eq!(["h.test", "i.test"].map(status), [403, 403]);
        world.apply("c.yaml", &[settings(&[])]);
        assert_eq!((status("h.test"), is_told()), (200, false));
    }

    fn ann_4_5_and_4_6_paths_that_need_no_proof_are_those_of_the_operator(proxy) {
        let users = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users", "namespace": "default"},
            "stringData": {"auth": "user:{PLAIN}word\n"}});
        let gate = format!("http://{}:8080/?status=401", new_pod("gate"));
        let paths = |name: &str, host: &str| {
            ["/", "/open", "/openly", "/shut/open", "/.well-known/acme-challenge"].iter().fold(ingress(name), |all, path| all.prefix(host, path, "s"))
        };
        let guarded = vec![
            users,
            paths("a", "a.test").annotation("auth-type", "basic").annotation("auth-secret", "users"),
            paths("b", "b.test").annotation("auth-url", &gate),
        ];
        let settings = |data: &[(&str, &str)]| config_map("settings", data);
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("c.yaml", &[settings(&[])]).start();
        world.apply("i.yaml", &[running("s"), guarded].concat());
        let asked = |host: &str| {
            ["/", "/open", "/open/x", "/openly", "/shut/open", "/.well-known/acme-challenge/x"].map(|target| who(host, target))
        };
        for host in ["a.test", "b.test"] {
            assert_eq!(asked(host), ["401", "401", "401", "401", "401", "s"], "{host}: without the key");
        }
        world.apply("c.yaml", &[settings(&[("no-auth-locations", "/nothing, /open")])]);
        for host in ["a.test", "b.test"] {
            assert_eq!(asked(host), ["401", "s", "s", "s", "401", "401"], "{host}: its own value takes the place of the other one");
        }
    }

    fn ann_4_1_the_root_of_an_application_is_a_place_of_the_host_and_nothing_else(proxy) {
        let site = Site::of(proxy, "ann-4-1-root");
        let [h, relative] = ["h", "relative"].map(|name| site.host(name));
        site.apply(&[running("s"), vec![
            ingress("h").prefix(&h, "/", "s").annotation("app-root", "/foo"),
            ingress("other").prefix(&h, "/other", "s"),
            ingress("relative").prefix(&relative, "/", "s").annotation("app-root", "foo"),
        ]].concat());
        for target in ["/", "/?query", "//", "/./"] {
            assert_eq!(led(&get(&h, target).unwrap()), (302, format!("http://{h}/foo")), "{target}");
        }
        let with_port = send(&Request::get(&format!("{h}:8443"), "/")).unwrap();
        assert_eq!(led(&with_port), (302, format!("http://{h}:8443/foo")));
        assert_eq!(["/x", "/foo", "/other"].map(|target| who(&h, target)), ["s", "s", "s"]);
        assert_eq!(["/", "/x"].map(|target| who(&relative, target)), ["s", "s"], "a relative one is left out");
        let said = site.diagnostics();
        assert!(said.iter().any(|line| line.contains("relative") && line.contains("app-root")), "{said:?}");
    }

    fn ann_4_13_errors_of_endpoints_stay_where_they_are_not_to_be_replaced(proxy) {
        let site = Site::of(proxy, "ann-4-13");
        let [kept, replaced, empty] = ["kept", "replaced", "empty"].map(|name| site.host(name));
        let with_pages = |name: &str, host: &str, service: &str| {
            ingress(name).prefix(host, "/", service).annotation("custom-http-errors", "404,503").annotation("default-backend", "pages")
        };
        site.apply(&[all_running(&["s", "pages"]), vec![
            with_pages("kept", &kept, "s").annotation("disable-proxy-intercept-errors", "true"),
            with_pages("replaced", &replaced, "s"),
            with_pages("empty", &empty, "missing").annotation("disable-proxy-intercept-errors", "true"),
        ]].concat());
        let answered = |host: &str, target: &str| {
            let answer = get(host, target).unwrap();
            let by = answer.echo()["service"].as_str().unwrap_or("-").to_owned();
            (answer.status, by, answer.received("X-Code").unwrap_or_default())
        };
        let is = |status: u16, by: &str, code: &str| (status, by.to_owned(), code.to_owned());
        assert_eq!(answered(&kept, "/?status=404"), is(404, "s", ""), "it is the endpoint's own");
        assert_eq!(answered(&replaced, "/?status=404"), is(404, "pages", "404"));
        assert_eq!(answered(&empty, "/"), is(200, "pages", "503"), "nobody but the proxy has made it");
        assert_eq!([answered(&kept, "/"), answered(&kept, "/?status=500")], [is(200, "s", ""), is(500, "s", "")]);
    }

    fn the_main_file_can_be_checked_alone(proxy) {
        let users = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users", "namespace": "default"},
            "stringData": {"auth": "user:{PLAIN}word\n"}});
        let guarded = ingress("a").prefix("h.test", "/", "s").annotation("auth-type", "basic").annotation("auth-secret", "users");
        let _world = World::of(proxy).manifest("i.yaml", &[running("s"), vec![users, guarded]].concat()).start();
        let status = |word: &str| send(&Request::get("h.test", "/").header("Authorization", &format!("Basic {word}"))).unwrap().status;
        assert_eq!(["dXNlcjp3b3Jk", "dXNlcjpvdGhlcg=="].map(status), [200, 401]);
        let main = admin_json("/api/v1/revision")["main"].as_str().unwrap().to_owned();
        let words = if proxy.is_nginx() { ["-t", "-q", "-c", main.as_str()] } else { ["-c", "-q", "-f", main.as_str()] };
        let checked = Command::new(proxy.program()).args(words).current_dir(Path::new(&main).parent().unwrap()).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }

    fn settings_redirects_stay_relative_and_headers_for_endpoints_may_name_host_and_route(proxy) {
        let settings = config_map("settings", &[("relative-redirects", "true"), ("proxy-set-headers", "default/headers")]);
        let headers = config_map("headers", &[("Host", "inner.test"), ("X-Asked", "$host $uri"), ("X-Of", "$namespace/$ingress_name")]);
        let moved = ingress("b").prefix("b.test", "/", "s").annotation("permanent-redirect", "/new");
        let objects = vec![settings, headers, ingress("a").prefix("h.test", "/", "s"), moved];
        let _world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &[running("s"), objects].concat()).start();
        let told = get("h.test", "/a//b").unwrap();
        let told = ["Host", "X-Asked", "X-Of"].map(|name| told.received(name).unwrap_or_default());
        assert_eq!(told, ["inner.test", "h.test /a/b", "default/a"]);
        assert_eq!(led(&get("b.test", "/").unwrap()), (301, "/new".to_owned()));
    }
}
