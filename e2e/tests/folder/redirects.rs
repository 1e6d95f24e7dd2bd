//! Where requests are sent by annotations: the entries of the reference under 4.1.

use gatewright_e2e::client::{get, get_over_tls, send};
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{Site, running};
use gatewright_e2e::world::who;
use serde_json::Value;

/// Status and place of a redirect; without one, who answers.
fn led(answer: &Answer) -> String {
    answer.header("location").map_or_else(|| answer.word(), |place| format!("{} {place}", answer.status))
}

/// Applies Ingresses `h0`, `h1`… with these annotations, and gives their hosts.
fn hosts<const N: usize>(site: &Site, cases: [&[(&str, &str)]; N]) -> [String; N] {
    let host = |n: usize| site.host(&format!("h{n}"));
    let of = |(n, pairs): (usize, &&[(&str, &str)])| -> Value {
        pairs.iter().fold(ingress(&format!("h{n}")).prefix(&host(n), "/", "s"), |ingress, (key, value)| ingress.annotation(key, value))
    };
    site.apply(&[running("s"), cases.iter().enumerate().map(of).collect()].concat());
    std::array::from_fn(host)
}

on_every_proxy! {
    fn ann_4_1_the_root_leads_to_the_place_of_the_annotation(proxy) {
        let site = Site::of(proxy, "app-root");
        let [h, relative, https] = hosts(&site, [
            &[("app-root", "/foo")],
            &[("app-root", "demo")],
            &[("app-root", "/foo"), ("force-ssl-redirect", "true"), ("auth-type", "basic"), ("auth-secret", "nobody")],
        ]);
        assert_eq!(led(&get(&h, "/").unwrap()), format!("302 http://{h}/foo"));
        assert_eq!(led(&get(&h, "/?a=b").unwrap()), format!("302 http://{h}/foo"), "without the query");
        assert_eq!(led(&get_over_tls(&h, "/").unwrap()), format!("302 https://{h}/foo"));
        assert_eq!(["/x", "/foo", "//x"].map(|target| who(&h, target)), ["s", "s", "s"]);
        let with_port = Request::get(&format!("{h}:8080"), "/");
        assert_eq!(led(&send(&with_port).unwrap()), format!("302 http://{h}:8080/foo"));
        assert_eq!(who(&relative, "/"), "s", "a place without a slash is none");
        assert_eq!(site.diagnostics().iter().filter(|line| line.contains(" app-root:")).count(), 1, "{:?}", site.diagnostics());
        assert_eq!(led(&get(&https, "/").unwrap()), format!("302 http://{https}/foo"), "before anything else");
    }

    fn a_redirect_has_a_page_and_says_nothing_of_caches(proxy) {
        let site = Site::of(proxy, "redirect-pages");
        let hosts = hosts(&site, [
            &[("temporal-redirect", "https://t.test/"), ("temporal-redirect-code", "307")],
            &[("temporal-redirect", "https://t.test/")],
            &[("permanent-redirect", "https://t.test/")],
            &[("force-ssl-redirect", "true")],
            &[("app-root", "/x")],
        ]);
        let titles = ["307 Temporary Redirect", "302 Found", "301 Moved Permanently", "308 Permanent Redirect", "302 Found"];
        for (host, title) in hosts.iter().zip(titles) {
            let answer = get(host, "/").unwrap();
            let page = String::from_utf8_lossy(&answer.body);
            assert!(title.starts_with(&answer.status.to_string()) && page.contains(&format!("<h1>{title}</h1>")), "{title}: {page}");
            assert_eq!((answer.header("content-type"), answer.header("cache-control")), (Some("text/html"), None), "{title}");
            let head = send(&Request::new("HEAD", "/").header("Host", host)).unwrap();
            assert_eq!((head.status, head.header("location")), (answer.status, answer.header("location")), "{title}");
        }
    }

    fn ann_4_1_one_redirect_wins_and_its_status_is_one_of_a_redirect(proxy) {
        let site = Site::of(proxy, "redirect-codes");
        let (permanent, temporal) = (("permanent-redirect", "http://p.test/"), ("temporal-redirect", "https://t.test/"));
        let [both, relative, code_307, code_308, code_200, code_permanent, denied, secure] = hosts(&site, [
            &[permanent, temporal],
            &[("temporal-redirect", "/relative")],
            &[temporal, ("temporal-redirect-code", "307")],
            &[temporal, ("temporal-redirect-code", "308")],
            &[permanent, ("permanent-redirect-code", "200")],
            &[permanent, ("permanent-redirect-code", "308")],
            &[permanent, ("allowlist-source-range", "10.0.0.0/8")],
            &[permanent, ("force-ssl-redirect", "true")],
        ]);
        let answered = [&both, &relative, &code_307, &code_308, &code_200, &code_permanent, &denied, &secure];
        let answered = answered.map(|host| led(&get(host, "/something?a=b").unwrap()));
        assert_eq!(answered, [
            "302 https://t.test/",
            "s",
            "307 https://t.test/",
            "302 https://t.test/",
            "301 http://p.test/",
            "308 http://p.test/",
            "301 http://p.test/",
            "301 http://p.test/",
        ]);
    }

    fn ann_4_1_paths_that_endpoints_lead_to_stay_paths_where_that_is_asked_for(proxy) {
        let site = Site::of(proxy, "redirect-relative");
        let (from, to) = (("proxy-redirect-from", "http://up.test/"), ("proxy-redirect-to", "/"));
        let [absolute, relative] = hosts(&site, [&[from, to], &[from, to, ("relative-redirects", "true")]]);
        let target = "/x?status=302&header=Location:http://up.test/a";
        assert_eq!([&absolute, &relative].map(|host| led(&get(host, target).unwrap())), [format!("302 http://{absolute}/a"), "302 /a".to_owned()]);
    }

    fn ann_4_1_a_redirect_to_https_names_its_port_where_that_is_asked_for(proxy) {
        let site = Site::of(proxy, "redirect-ports");
        let [h, usual] = hosts(&site, [
            &[("force-ssl-redirect", "true"), ("use-port-in-redirects", "true")],
            &[("force-ssl-redirect", "true"), ("use-port-in-redirects", "false")],
        ]);
        assert_eq!(led(&get(&h, "/x?y").unwrap()), format!("308 https://{h}:443/x?y"));
        assert_eq!(led(&get(&usual, "/x?y").unwrap()), format!("308 https://{usual}/x?y"));
        assert_eq!(get_over_tls(&h, "/x").unwrap().word(), "s");
    }
}
