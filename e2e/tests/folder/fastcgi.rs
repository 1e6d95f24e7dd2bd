//! `backend-protocol: FCGI` with pods that speak FastCGI: what they are told.

use gatewright_e2e::client::{get, send};
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, service_with, slice_with};
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::{Site, running};
use gatewright_e2e::wait::until_eq;
use gatewright_e2e::{echo, fastcgi, on_every_version};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

fn told(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// Parameters of an answer.
fn parameters<const N: usize>(answer: &Answer, names: [&str; N]) -> [String; N] {
    let told = told(answer);
    names.map(|name| told["parameters"][name].as_str().unwrap_or("-").to_owned())
}

on_every_version! {
    fn scripts_are_told_what_is_asked(proxy) {
        let site = Site::of(proxy, "fcgi");
        let pod = fastcgi::new_pod("php");
        let hosts = ["plain", "index", "more", "gone", "bad"].map(|name| site.host(name));
        let [plain, index, more, gone, bad] = &hosts;
        let of = |name: &str, host: &str| ingress(name).prefix(host, "/", "php").annotation("backend-protocol", "fcgi");
        let map = config_map("more", &[("SCRIPT_FILENAME", "/app$fastcgi_script_name"), ("TENANT", "acme"), ("SEEN_HOST", "$host")]);
        let with_map = |name: &str, host: &str, map: &str| of(name, host).annotation("fastcgi-params-configmap", map);
        site.apply(&[
            service_with("php", &json!({"ports": [{"name": "http", "port": 80, "targetPort": fastcgi::PORT}]})),
            slice_with("php-1", "php", &json!([{"addresses": [pod]}]), &json!([{"name": "http", "port": fastcgi::PORT}])),
            map,
            config_map("odd", &[("A", "$no_such")]),
            of("plain", plain),
            of("index", index).annotation("fastcgi-index", "index.php"),
            with_map("more", more, "more").annotation("fastcgi-index", "index.php"),
            with_map("gone", gone, "none"),
            with_map("bad", bad, "odd"),
            of("refused", &site.host("refused")).annotation("fastcgi-index", "a/b"),
        ]);
        let answer = get(plain, "/hello.php?a=b").unwrap();
        assert_eq!((answer.status, answer.header("x-script")), (200, Some("yes")));
        let names = ["REQUEST_METHOD", "SCRIPT_NAME", "QUERY_STRING", "REQUEST_URI", "HTTP_HOST", "SERVER_PROTOCOL", "GATEWAY_INTERFACE"];
        assert_eq!(parameters(&answer, names), ["GET", "/hello.php", "a=b", "/hello.php?a=b", plain, "HTTP/1.1", "CGI/1.1"]);
        assert_eq!(parameters(&get(plain, "/").unwrap(), ["SCRIPT_NAME"]), ["/"], "there is no index");
        assert_eq!(parameters(&get(index, "/").unwrap(), ["SCRIPT_NAME"]), ["/index.php"]);
        assert_eq!(parameters(&get(index, "/a/?x").unwrap(), ["SCRIPT_NAME", "QUERY_STRING"]), ["/a/index.php", "x"]);
        assert_eq!(parameters(&get(index, "/a.php").unwrap(), ["SCRIPT_NAME"]), ["/a.php"]);
        let names = ["SCRIPT_FILENAME", "TENANT", "SEEN_HOST"];
        assert_eq!(parameters(&get(more, "/").unwrap(), names), ["/app/index.php", "acme", more]);
        assert_eq!(parameters(&get(more, "/x.php").unwrap(), names), ["/app/x.php", "acme", more]);
        let post = send(&Request::new("POST", "/form.php").header("Host", plain).header("Content-Type", "text/plain").body(b"hello")).unwrap();
        assert_eq!((told(&post)["body"].as_str(), post.status), (Some("hello"), 200));
        assert_eq!(parameters(&post, ["REQUEST_METHOD", "CONTENT_LENGTH", "CONTENT_TYPE"]), ["POST", "5", "text/plain"]);
        assert_eq!(get(plain, "/?status=418").unwrap().status, 418, "the script decides");
        let proxied = send(&Request::get(plain, "/").header("Proxy", "http://evil.test")).unwrap();
        assert!(["", "-"].contains(&&*parameters(&proxied, ["HTTP_PROXY"])[0]), "no script takes a header for its proxy");
        assert_eq!([get(gone, "/").unwrap().status, get(bad, "/").unwrap().status], [503, 503], "parameters that are not there");
        assert_eq!(get(&site.host("refused"), "/").unwrap().status, 404, "the Ingress is left out");
        let changed = config_map("more", &[("TENANT", "other")]);
        site.world.apply("fcgi2.yaml", &site.placed(&[changed]));
        until_eq("the ConfigMap is followed", &"other".to_owned(), || parameters(&get(more, "/").unwrap(), ["TENANT"])[0].clone());
        site.world.remove("fcgi2.yaml");
    }

    fn scripts_are_told_what_was_asked_for_and_what_it_has_become(proxy) {
        let site = Site::of(proxy, "fcgi-moved");
        let [plain, more] = ["plain", "more"].map(|name| site.host(name));
        let of = |name: &str, host: &str| {
            let own = ingress(name).path(host, "/a/(.*)", "ImplementationSpecific", "php").annotation("rewrite-target", "/b/$1");
            own.annotation("backend-protocol", "FCGI")
        };
        site.apply(&[
            service_with("php", &json!({"ports": [{"name": "http", "port": 80, "targetPort": fastcgi::PORT}]})),
            slice_with("php-1", "php", &json!([{"addresses": [fastcgi::new_pod("php")]}]), &json!([{"name": "http", "port": fastcgi::PORT}])),
            config_map("more", &[("ASKED", "$request_uri"), ("NOW", "$uri"), ("REQUEST_URI", "/own$request_uri")]),
            of("plain", &plain),
            of("more", &more).annotation("fastcgi-params-configmap", "more"),
        ]);
        let names = ["REQUEST_URI", "SCRIPT_NAME", "QUERY_STRING"];
        assert_eq!(parameters(&get(&plain, "/a/x.php?q=1").unwrap(), names), ["/a/x.php?q=1", "/b/x.php", "q=1"]);
        let names = ["REQUEST_URI", "ASKED", "NOW"];
        assert_eq!(parameters(&get(&more, "/a/x.php?q=1").unwrap(), names), ["/own/a/x.php?q=1", "/a/x.php?q=1", "/b/x.php"]);
    }

    fn without_pods_only_their_own_host_is_closed(proxy) {
        let site = Site::of(proxy, "fcgi-none");
        let [php, more, other] = ["php", "more", "other"].map(|name| site.host(name));
        let service = |name: &str| service_with(name, &json!({"ports": [{"name": "http", "port": 80, "targetPort": fastcgi::PORT}]}));
        let slice = |pods: &[Ipv4Addr]| {
            let endpoints: Vec<_> = pods.iter().map(|pod| json!({"addresses": [pod]})).collect();
            slice_with("php-1", "php", &json!(endpoints), &json!([{"name": "http", "port": fastcgi::PORT}]))
        };
        let of = |name: &str, host: &str| ingress(name).prefix(host, "/", "php").annotation("backend-protocol", "FCGI");
        // In HAProxy these are filters beside that of FastCGI, which it cannot have before 3.2.
        let asked = format!("http://{}:8080/", echo::new_pod("gate"));
        let limited = of("more", &more).annotation("limit-rate", "100").annotation("auth-url", &asked);
        let mut objects = running("s");
        objects.extend([service("php"), of("php", &php), limited]);
        site.apply(&[&objects[..], &[slice(&[])]].concat());
        let statuses = || [&php, &more, &other].map(|host| get(host, "/").map_or(0, |answer| answer.status));
        assert_eq!(statuses(), [503, 503, 404], "there is none yet");
        let pods = [fastcgi::new_pod("php"), fastcgi::new_pod("php")];
        let open = if proxy.is_nginx() || proxy == Proxy::HAPROXY_3_2 { 200 } else { 503 };
        let other_one = ingress("other").prefix(&other, "/", "s");
        site.apply(&[&objects[..], &[other_one.clone(), slice(&pods[..1])]].concat());
        until_eq("the first one comes, and another host", &[200, open, 200], statuses);
        assert_eq!(parameters(&get(&php, "/a").unwrap(), ["SCRIPT_NAME"]), ["/a"]);
        for (pods, wanted) in [(&pods[..], 200), (&pods[1..], 200), (&pods[..0], 503), (&pods[..1], 200)] {
            site.apply(&[&objects[..], &[other_one.clone(), slice(pods)]].concat());
            until_eq("pods come and go", &[wanted, if wanted == 200 { open } else { 503 }, 200], statuses);
        }
    }

    fn scripts_are_told_of_arguments_and_cookies(proxy) {
        let site = Site::of(proxy, "fcgi-args");
        let (pod, host) = (fastcgi::new_pod("php"), site.host("a"));
        let map = [
            ("ARGUMENT", "${arg_a}"),
            ("SECOND", "/$arg_b/"),
            ("QUERY", "$is_args$args"),
            ("COOKIE", "$cookie_c"),
            ("HEADER", "$http_x_d"),
            ("OWN", "$scheme/$host/$request_method"),
        ];
        site.apply(&[
            service_with("php", &json!({"ports": [{"name": "http", "port": 80, "targetPort": fastcgi::PORT}]})),
            slice_with("php-1", "php", &json!([{"addresses": [pod]}]), &json!([{"name": "http", "port": fastcgi::PORT}])),
            config_map("args", &map),
            ingress("a").prefix(&host, "/", "php").annotation("backend-protocol", "FCGI").annotation("fastcgi-params-configmap", "args"),
        ]);
        let told = |request: Request| parameters(&send(&request).unwrap(), map.map(|(name, _)| name));
        let own = format!("http/{host}/GET");
        let asked = Request::get(&host, "/?a=1&b=x%20y").header("Cookie", "z=0; c=2").header("X-D", "3");
        assert_eq!(told(asked), ["1", "/x%20y/", "?a=1&b=x%20y", "2", "3", &own]);
        for target in ["/", "/?", "/?b", "/?a=", "/?a"] {
            let [argument, second, ..] = told(Request::get(&host, target));
            assert!(["", "-"].contains(&&*argument), "{target}: {argument}");
            assert_eq!(second, "//", "{target}");
        }
        assert_eq!(told(Request::get(&host, "/?A=1&a=2"))[0], "1", "names have no case");
    }
}
