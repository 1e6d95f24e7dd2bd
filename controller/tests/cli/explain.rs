//! `explain`: who serves a request.

use crate::world::{Folder, ingress, secret, service};

#[test]
fn the_route_that_takes_a_request_is_named_with_the_others_that_fit() {
    let exact = ingress("exact", "a.test", "/foo", "exact").replace("Prefix", "Exact");
    let text = ingress("root", "a.test", "/", "root")
        + &ingress("foo", "a.test", "/foo", "foo")
        + &exact
        + &ingress("wild", "'*.w.test'", "/", "wild");
    let services: String = ["root", "foo", "exact", "wild"].into_iter().map(service).collect();
    let folder = Folder::new(&[("in.yaml", &(text + &services))]);
    for (url, host, routes) in [
        ("http://a.test/", "a.test", &["root"][..]),
        ("http://A.TEST:8080/foo?x#y", "a.test", &["exact", "root"]),
        ("http://a.test/foo/", "a.test", &["foo", "root"]),
        ("http://a.test//foo/./bar", "a.test", &["foo", "root"]),
        ("http://a.test/foobar", "a.test", &["root"]),
        ("http://a.test/x/../%66oo/b", "a.test", &["foo", "root"]),
        ("http://x.w.test/y", "*.w.test", &["wild"]),
        ("http://x.y.w.test/y", "_", &[]),
        ("http://other.test/", "_", &[]),
        ("http://10.0.0.1/", "_", &[]),
    ] {
        let ran = folder.run(&["explain", url, "-f", "in.yaml", "--format", "json"]);
        let it = &ran.json()["explanation"];
        assert_eq!(it["host"], host, "{url}");
        let found: Vec<_> = it["routes"].as_array().unwrap().iter().filter_map(|route| route["origin"]["name"].as_str()).collect();
        assert_eq!(found, routes, "{url}");
        let served = !routes.is_empty();
        assert_eq!((ran.code, it["status"].as_u64()), (i32::from(!served), (!served).then_some(404)), "{url}");
    }
}

#[test]
fn the_story_tells_certificate_redirect_annotations_endpoints_and_findings() {
    let tls = ingress("front", "a.test", "/", "cart").replace("spec:\n", "spec:\n  tls: [{hosts: [a.test], secretName: pair}]\n");
    let annotated = tls.replace("namespace: shop}", "namespace: shop, annotations: {nginx.ingress.kubernetes.io/proxy-read-timeout: x}}");
    let folder = Folder::new(&[("in.yaml", &(annotated + &service("cart") + &secret("pair", "a.test")))]);
    let secure = folder.run(&["explain", "https://a.test/x", "-f", "in.yaml"]);
    assert_eq!(secure.code, 0, "{secure:?}");
    for part in ["Secret shop/pair", "in.yaml:1:1", "proxy-read-timeout: \"x\"", "10.1.0.1:8080", "error[GW0501]"] {
        assert!(secure.out.contains(part), "{part} is missing in {}", secure.out);
    }
    let plain = folder.run(&["explain", "http://a.test/x", "-f", "in.yaml"]);
    assert!(plain.code == 0 && plain.out.contains("a redirect to the https URL"), "{plain:?}");
}

#[test]
fn connections_that_are_passed_on_have_the_certificate_of_their_endpoints() {
    let wish = "namespace: shop, annotations: {nginx.ingress.kubernetes.io/ssl-passthrough: 'true'}}";
    let text = ingress("front", "a.test", "/", "cart").replace("namespace: shop}", wish) + &service("cart");
    let folder = Folder::new(&[("in.yaml", &text)]);
    let passed = folder.run(&["explain", "https://a.test/x", "-f", "in.yaml", "--enable-ssl-passthrough"]);
    for part in ["that of the endpoints, to which the connection is passed on", "endpoints of its path /", "10.1.0.1:8080"] {
        assert!(passed.code == 0 && passed.out.contains(part), "{part} is missing in {}", passed.out);
    }
    let without = folder.run(&["explain", "https://a.test/x", "-f", "in.yaml"]);
    assert!(without.out.contains("without --enable-ssl-passthrough") && !without.out.contains("passed on to"), "{}", without.out);
    let twice = folder.run(&["run", "--manifests", ".", "--enable-ssl-passthrough", "--ssl-passthrough-proxy-port=443"]);
    assert!(twice.code == 2 && twice.err.contains("--ssl-passthrough-proxy-port and --https-port are both 443"), "{}", twice.err);
}

#[test]
fn what_cannot_be_a_request_cannot_be_explained() {
    let folder = Folder::new(&[("in.yaml", "")]);
    for url in ["ftp://a.test/", "http://a.test/..", "http:///", "http://a.test/%00"] {
        let ran = folder.run(&["explain", url, "-f", "in.yaml"]);
        assert!(ran.code == 2 && ran.err.starts_with(&format!("error: {url:?}: ")), "{url}: {ran:?}");
    }
}

#[test]
fn files_without_endpoints_are_read_as_if_pods_were_there_unless_told_otherwise() {
    let alone = "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {ports: [{port: 80}]}\n";
    let folder = Folder::new(&[("in.yaml", &(ingress("front", "a.test", "/", "cart") + alone))]);
    assert_eq!(folder.run(&["explain", "http://a.test/", "-f", "in.yaml"]).code, 0);
    let as_it_is = folder.run(&["explain", "http://a.test/", "-f", "in.yaml", "--as-it-is"]);
    assert!(as_it_is.code == 1 && as_it_is.out.contains("503"), "{as_it_is:?}");
}

#[test]
fn answers_of_the_proxy_itself_are_known() {
    let of = |wishes: &str| {
        ingress("front", "a.test", "/", "cart").replace("namespace: shop}", &format!("namespace: shop, annotations: {{{wishes}}}}}"))
    };
    let prefix = "nginx.ingress.kubernetes.io";
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: x}\ndata: {allow-snippet-annotations: \"true\", annotations-risk-level: Critical}\n---\n";
    let with = |wishes: &str, more: &str| of(wishes) + &service("cart") + config + more;
    let ran = |text: &str, url: &str| Folder::new(&[("in.yaml", text)]).run(&["explain", url, "-f", "in.yaml", "--configmap", "x/c"]);

    let root = with(&format!("{prefix}/app-root: /shop"), "");
    let found = ran(&root, "http://a.test/");
    assert!(found.code == 0 && found.out.contains("302 of the proxy to /shop, by app-root"), "{found:?}");
    assert!(ran(&root, "http://a.test/x").out.contains("10.1.0.1:8080"));

    let refused = ran(&with(&format!("{prefix}/configuration-snippet: 'return 403;'"), ""), "http://a.test/");
    assert!(
        refused.code == 0 && refused.out.contains("403 of the proxy, by a snippet") && !refused.out.contains("10.1.0.1"),
        "{refused:?}"
    );
    let some = ran(&with(&format!("{prefix}/configuration-snippet: 'if ($http_x = \"a\") {{ return 403; }}'"), ""), "http://a.test/");
    assert!(some.out.contains("perhaps      403") && some.out.contains("10.1.0.1:8080"), "{some:?}");

    let canary = ingress("canary", "a.test", "/", "new")
        .replace("namespace: shop}", &format!("namespace: shop, annotations: {{{prefix}/canary: 'true', {prefix}/canary-weight: '10'}}}}"));
    let found = ran(&with("", &(canary + &service("new"))), "http://a.test/");
    assert!(found.out.contains("canary       10 of 100 requests to shop-new-80"), "{found:?}");

    let health = ran(&with("", ""), "http://other.test/healthz");
    assert!(health.code == 0 && health.out.contains("200 of the proxy"), "{health:?}");
    assert_eq!(ran(&with("", ""), "http://a.test/healthz").code, 0);
    let status = ran(&with("", ""), "http://other.test/nginx_status");
    assert!(status.code == 0 && status.out.contains("nginx-status-ipv4-whitelist"), "{status:?}");
    assert_eq!(ran(&with("", ""), "http://other.test/health").code, 1);
    let escaped = ran(&with("", ""), "http://a.test/\u{1b}[31m");
    assert!(!escaped.out.contains('\u{1b}'), "{escaped:?}");
}

#[test]
fn what_is_left_out_for_the_same_host_is_told() {
    let wish = "namespace: shop, annotations: {nginx.ingress.kubernetes.io/permanent-redirect: 'ftp://a.test'}}";
    let refused = ingress("refused", "a.test", "/", "cart").replace("namespace: shop}", wish);
    let wild = ingress("wild", "'*.test'", "/b c", "cart");
    let other = ingress("other", "b.test", "/", "cart").replace("spec:\n", "spec:\n  ingressClassName: other\n");
    let class =
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: own}\nspec: {controller: gatewright.dev/ingress}\n---\n";
    let ours = |text: String| text.replace("spec:\n  rules", "spec:\n  ingressClassName: own\n  rules");
    let folder = Folder::new(&[("in.yaml", &(ours(refused + &wild) + &other + class + &service("cart") + "kind: [\n"))]);
    for (url, told) in [
        ("http://a.test/", &["Ingress shop/refused, metadata.annotations", "Ingress shop/wild, spec.rules[0].http.paths[0].path"][..]),
        ("http://b.test/", &["Ingress shop/other, spec.ingressClassName", "Ingress shop/wild, "]),
        ("http://c.other/", &[]),
    ] {
        let ran = folder.run(&["explain", url, "-f", "in.yaml"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains("of in.yaml, 1 document or object is left out, as it cannot be read; lint tells why"), "{ran:?}");
        assert_eq!(ran.out.contains("of Ingresses that name the host is not served:"), !told.is_empty(), "{}", ran.out);
        assert!(
            told.iter().all(|part| ran.out.contains(part)) && ran.out.matches("\n    in Ingress ").count() == told.len(),
            "{}",
            ran.out
        );
    }
}

#[test]
fn aliases_of_many_names_are_followed_as_the_proxies_do() {
    let aliases = "namespace: shop, annotations: {nginx.ingress.kubernetes.io/server-alias: '*.foo.test, one.test, ~^re[0-9]+$'}}";
    let text = ingress("front", "a.test", "/", "cart").replace("namespace: shop}", aliases)
        + &ingress("own", "'*.b.foo.test'", "/", "cart")
        + &service("cart");
    let folder = Folder::new(&[("in.yaml", &text)]);
    for (name, host) in [
        ("one.test", "a.test"),
        ("x.foo.test", "a.test"),
        ("X.Y.foo.test", "a.test"),
        ("re12", "a.test"),
        ("x.b.foo.test", "*.b.foo.test"),
        ("y.x.b.foo.test", "a.test"),
        ("foo.test", "_"),
        ("xfoo.test", "_"),
        ("re", "_"),
        ("10.0.0.1", "_"),
    ] {
        let ran = folder.run(&["explain", &format!("http://{name}/p"), "-f", "in.yaml", "--format", "json"]);
        assert_eq!(ran.json()["explanation"]["host"], host, "{name}");
    }
}

#[test]
fn what_closes_a_route_from_elsewhere_is_named() {
    let wish = "namespace: shop, annotations: {nginx.ingress.kubernetes.io/auth-tls-secret: nope}}";
    let text = ingress("bad", "a.test", "/a", "cart").replace("namespace: shop}", wish)
        + &ingress("neighbour", "a.test", "/b", "cart")
        + &ingress("other", "b.test", "/", "cart")
        + &service("cart");
    let folder = Folder::new(&[("in.yaml", &text)]);
    let denied = folder.run(&["explain", "http://a.test/b", "-f", "in.yaml"]);
    assert!(denied.code == 1 && denied.out.contains("403 of the proxy on every path of the host"), "{denied:?}");
    assert!(denied.out.contains("in Ingress shop/bad") && denied.out.contains("auth-tls-secret"), "who has it closed is named: {denied:?}");
    assert!(denied.out.contains("(host answers 403)") && !denied.out.contains("answers 503"), "{denied:?}");
    let json = folder.run(&["explain", "http://a.test/b", "-f", "in.yaml", "--format", "json"]).json();
    assert_eq!((&json["explanation"]["denied"], &json["explanation"]["status"]), (&true.into(), &403.into()));
    assert_eq!(folder.run(&["explain", "http://b.test/", "-f", "in.yaml"]).code, 0);
    folder.write(
        "config.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config, namespace: shop}\ndata: {whitelist-source-range: banana}\n",
    );
    let closed = folder.run(&["explain", "http://b.test/", "-f", "in.yaml", "-f", "config.yaml", "--configmap", "shop/config"]);
    assert!(closed.code == 1 && closed.out.contains("503 of the proxy"), "{closed:?}");
    assert!(closed.out.contains("config.yaml:4:") && closed.out.contains("data[whitelist-source-range]"), "the key is named: {closed:?}");
}

#[test]
fn a_path_that_no_request_comes_to_is_told_by_every_command() {
    let protected = "namespace: shop, annotations: {nginx.ingress.kubernetes.io/whitelist-source-range: 10.9.9.9/32}}";
    for (path, why) in [("/sec//ret", "merged"), ("/esc%2faped", "decoded")] {
        let closed =
            ingress("closed", "a.test", path, "cart").replace("Prefix", "ImplementationSpecific").replace("namespace: shop}", protected);
        let text = ingress("open", "a.test", "/", "cart") + &closed + &service("cart");
        let folder = Folder::new(&[("in.yaml", &text)]);
        for arguments in [&["render", "-f", "in.yaml"][..], &["lint", "in.yaml"], &["explain", "http://a.test/sec/ret", "-f", "in.yaml"]] {
            let ran = folder.run(arguments);
            let told = if arguments[0] == "render" { ran.err.clone() } else { ran.out.clone() };
            let is_told = told.matches("GW0804").count() == 1 && told.contains(why) && told.contains("never reached)");
            assert!(is_told && told.contains("Ingress shop/closed"), "{path}: {ran:?}");
        }
    }
    let expression = "namespace: shop, annotations: {nginx.ingress.kubernetes.io/use-regex: 'true'}}";
    let text = ingress("a", "a.test", "/a//?b", "cart").replace("Prefix", "ImplementationSpecific").replace("namespace: shop}", expression);
    let ran = Folder::new(&[("in.yaml", &(text + &service("cart")))]).run(&["lint", "in.yaml"]);
    assert!(!ran.out.contains("GW0804"), "an expression may mean one slash, too: {ran:?}");
}

#[test]
fn a_path_that_nobody_asks_for_is_not_said_to_be_asked_for() {
    let folder = Folder::new(&[("in.yaml", &(ingress("front", "a.test", "/api", "cart") + &service("cart")))]);
    for (url, parts) in [
        (
            "a.test/x",
            &["route        /*, for what no path takes, on a host of Ingress shop/front", "404 of the proxy: nobody asked for this path"][..],
        ),
        ("a.test/api", &["route        /api to Service shop/cart:80, asked for by", "not taken    /*, for what no path takes"]),
        ("b.test/", &["route        /*, which is built in"]),
    ] {
        let ran = folder.run(&["explain", url, "-f", "in.yaml"]);
        for part in parts {
            assert!(ran.out.contains(part), "{url}: {part} is missing in {}", ran.out);
        }
    }
}

#[test]
fn expressions_are_compared_as_proxies_compare_them() {
    let wish = "namespace: shop, annotations: {nginx.ingress.kubernetes.io/use-regex: 'true'}}";
    let rule = |name: &str, path: &str| {
        let text = ingress(name, "a.test", &format!("'{path}'"), name).replace("Prefix", "ImplementationSpecific");
        text.replace("namespace: shop}", wish) + &service(name)
    };
    let ran = |paths: &[(&str, &str)], url: &str| {
        let text: String = paths.iter().map(|(name, path)| rule(name, path)).collect();
        Folder::new(&[("in.yaml", &text)]).run(&["explain", url, "-f", "in.yaml", "--format", "json"])
    };
    let outside = [("open", "/(?!internal)(.*)"), ("shut", "/internal")];
    let many = [("many", r"/\w{1,900}$"), ("open", "/")];
    let either = [("either", "/abc|/b"), ("open", "/")];
    let at_once = [("once", "/x++x"), ("open", "/")];
    for (paths, target, taker) in [
        (&outside[..], "x", "open"),
        (&outside, "internal/x", "shut"),
        (&outside, "x/internal", "open"),
        (&many, "abc", "many"),
        (&many, "gr%C3%B6%C3%9Fe", "open"),
        (&either, "x/b", "either"),
        (&either, "x/abc", "open"),
        (&at_once, "xx", "open"),
        (&[("end", "/end/[a-z]$"), ("open", "/")], "end/a%0A", "end"),
        (&[("line", "/line.x"), ("open", "/")], "line%0Ax", "line"),
        (&[("byte", "/caf.$"), ("open", "/")], "caf%E9", "byte"),
        (&[("byte", "/caf.$"), ("open", "/")], "caf%C3%A9", "open"),
    ] {
        let ran = ran(paths, &format!("http://a.test/{target}"));
        let it = &ran.json()["explanation"];
        assert!(it["routes"][0]["origin"]["name"] == taker && ran.code == 0, "{target}: {ran:?}");
        assert_eq!(it["untold"], serde_json::json!([]), "{target}");
    }
    let slow = [("slow", "/open/.*.*[a-z]+.*[xy]"), ("open", "/")];
    let short = ran(&slow, "http://a.test/open/abx");
    assert!(short.code == 0 && short.json()["explanation"]["routes"][0]["origin"]["name"] == "slow", "{short:?}");
    let long = format!("http://a.test/open/{}", "a".repeat(2000));
    let unknown = ran(&slow, &long);
    assert_eq!(
        (unknown.code, unknown.json()["explanation"]["untold"][0].as_str()),
        (1, Some("path /open/.*.*[a-z]+.*[xy] of Ingress shop/slow"))
    );
    let text: String = slow.iter().map(|(name, path)| rule(name, path)).collect();
    let told = Folder::new(&[("in.yaml", &text)]).run(&["explain", &long, "-f", "in.yaml"]);
    for part in [
        "perhaps      an error of the proxy, which may give up to compare with path /open/.*",
        "answer       if the proxy does not give up",
    ] {
        assert!(told.out.contains(part), "{part} is missing in {}", told.out);
    }
}

#[test]
fn headers_cookies_and_methods_decide_who_goes_to_a_canary_and_what_a_preflight_gets() {
    let wishes = |name: &str, service_name: &str, wishes: &str| {
        let all = wishes.replace("nic/", "nginx.ingress.kubernetes.io/");
        ingress(name, "a.test", "/", service_name).replace("namespace: shop}", &format!("namespace: shop, annotations: {{{all}}}}}"))
    };
    let front = wishes("front", "cart", "nic/enable-cors: 'true', nic/cors-allow-origin: 'https://b.test', nic/force-ssl-redirect: 'true'");
    let by_words = "nic/canary: 'true', nic/canary-by-header: X-Canary, nic/canary-by-cookie: beta";
    let (value, pattern) = ("nic/canary-by-header-value: Do", "nic/canary-by-header-pattern: '^Do[A-Z]'");
    let services = service("cart") + &service("new");
    let file = |canary: &str| [("in.yaml", front.clone() + &wishes("canary", "new", canary) + &services)];
    let backend = |canary: &str, headers: &[&str]| {
        let files = file(canary);
        let folder = Folder::new(&[(files[0].0, &files[0].1)]);
        let headers: Vec<_> = headers.iter().flat_map(|header| ["-H", header]).collect();
        let ran = folder.run(&[&["explain", "https://a.test/", "-f", "in.yaml", "--format", "json"], &headers[..]].concat());
        let it = &ran.json()["explanation"];
        (it["backend"]["name"].as_str().map(str::to_owned).unwrap_or_default(), it["to_canary"].as_bool())
    };
    let [new, old] = [("shop-new-80".to_owned(), Some(true)), ("shop-cart-80".to_owned(), Some(false))];
    let is = |found: (String, Option<bool>), expected: &(String, Option<bool>)| found.0.contains(&expected.0) && found.1 == expected.1;
    let weighted = |weight: u32| format!("{by_words}, nic/canary-weight: '{weight}'");
    for (canary, headers, expected) in [
        (by_words, &[][..], &old),
        (by_words, &["x-canary: always"], &new),
        (by_words, &["X-Canary: never", "Cookie: beta=always"], &old),
        (by_words, &["X-Canary: perhaps", "Cookie: a=b; BETA=always"], &new),
        (&weighted(100), &[], &new),
        (&weighted(100), &["X-Canary: never"], &old),
        (&format!("{by_words}, {value}"), &["X-Canary: Do"], &new),
        (&format!("{by_words}, {value}"), &["X-Canary: always"], &old),
        (&format!("{by_words}, {value}"), &["X-Canary: never", "Cookie: beta=always"], &new),
        (&format!("{by_words}, {pattern}"), &["X-Canary: DoCanary"], &new),
        (&format!("{by_words}, {pattern}"), &["X-Canary: Docanary"], &old),
    ] {
        let found = backend(canary, headers);
        assert!(is(found.clone(), expected), "{canary} {headers:?}: {found:?}");
    }
    assert_eq!(backend(&weighted(30), &[]).1, None, "chance decides");
    let files = file(&weighted(30));
    let folder = Folder::new(&[(files[0].0, &files[0].1)]);
    let ran = |args: &[&str]| folder.run(&[&["explain", "-f", "in.yaml"], args].concat());
    let told = ran(&["https://a.test/", "-H", "X-Canary: always"]);
    assert!(told.code == 0 && told.out.contains("to shop-new-80; this request goes there"), "{told:?}");
    let origin = "Origin: https://b.test";
    for (args, expected) in [
        (&["http://a.test/"][..], "a redirect to the https URL"),
        (&["http://a.test/", "-X", "OPTIONS", "-H", origin], "204 of the proxy, by enable-cors"),
        (&["http://a.test/", "-X", "OPTIONS", "-H", "Origin: https://c.test"], "a redirect to the https URL"),
        (&["http://a.test/", "-H", origin], "a redirect to the https URL"),
    ] {
        let ran = ran(args);
        assert!(ran.code == 0 && ran.out.contains(expected), "RED-20 {args:?}: {ran:?}");
    }
    for (args, expected) in [
        (["-H", "X-Canary"], "--header: \"X-Canary\": there is no colon"),
        (["-H", "Host: b.test"], "the host is that of the URL"),
        (["-X", "GET /"], "--request: \"GET /\": this is not a method"),
    ] {
        let ran = ran(&["http://a.test/", args[0], args[1]]);
        assert!(ran.code == 2 && ran.err.contains(expected), "{args:?}: {ran:?}");
    }
}
