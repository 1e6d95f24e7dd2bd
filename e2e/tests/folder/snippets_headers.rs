//! Headers in conditions of snippets, those of some statuses and types, and answers in several lines.

use gatewright_e2e::client::{get, send};
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::world::World;
use serde_json::Value;

/// A world that reads snippets, with a host `h.test` that has one for its routes and one for itself.
fn world(proxy: gatewright_e2e::proxies::Proxy, of_routes: &str, of_host: &str) -> World {
    let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
    let with = ingress("a").prefix("h.test", "/", "s").annotation("configuration-snippet", of_routes);
    let with = if of_host.is_empty() { with } else { with.annotation("server-snippet", of_host) };
    let objects: Vec<Value> = [running("s"), vec![settings, with]].concat();
    World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start()
}

/// What an answer says in these headers, to a request with this one.
fn said<const N: usize>(target: &str, (name, value): (&str, &str), names: [&str; N]) -> [String; N] {
    let answer = send(&Request::get("h.test", target).header(name, value)).unwrap();
    names.map(|name| answer.all(name).collect::<Vec<_>>().join("|"))
}

const NOTHING: (&str, &str) = ("X-Nothing", "0");

on_every_proxy! {
    fn headers_in_conditions_are_for_their_requests(proxy) {
        let text = "add_header Cache-Control no-store; add_header X-Out out always; more_set_headers 'X-All: all';\n\
                    if ($request_uri ~* \"\\.(css|js)$\") { add_header Cache-Control \"public, max-age=100\"; }\n\
                    if ($http_x_a) { add_header X-In \"$http_x_a of $host\" always; more_set_headers 'X-All: in'; more_clear_headers X-Own; }";
        let world = world(proxy, text, "");
        let names = ["Cache-Control", "X-Out", "X-In", "X-All", "X-Own"];
        let own = "header=X-Own:own";
        assert_eq!(said(&format!("/?{own}"), NOTHING, names), ["no-store", "out", "", "all", "own"], "{:?}", world.diagnostics());
        assert_eq!(said(&format!("/?{own}&a.css"), NOTHING, names), ["public, max-age=100", "", "", "all", "own"]);
        assert_eq!(said(&format!("/?{own}"), ("X-A", "1"), names), ["", "", "1 of h.test", "in", ""]);
        assert_eq!(said(&format!("/?{own}&a.css"), ("X-A", "1"), names), ["", "", "1 of h.test", "in", ""], "the last that holds decides");
        assert_eq!(said("/?status=404&a.css", NOTHING, names), ["", "", "", "all", ""], "it is for success");
        assert_eq!(said("/?status=404", ("X-A", "1"), names), ["", "", "1 of h.test", "in", ""]);
    }

    fn endpoints_are_told_of_conditions(proxy) {
        let text = "proxy_set_header X-Tenant nobody;\nif ($arg_t = a) { proxy_set_header X-Tenant acme; }\n\
                    if ($arg_t = b) { more_set_input_headers 'X-Tenant: $arg_t'; more_clear_input_headers X-Secret; }\n\
                    more_set_input_headers -r 'X-Given: other';";
        let world = world(proxy, text, "");
        let told = |target: &str, given: bool| {
            let mut request = Request::get("h.test", target).header("X-Tenant", "forged").header("X-Secret", "s");
            if given {
                request = request.header("X-Given", "g");
            }
            let answer = send(&request).unwrap();
            ["X-Tenant", "X-Secret", "X-Given"].map(|name| answer.received(name).unwrap_or_else(|| "-".to_owned()))
        };
        assert_eq!(told("/", false), ["nobody", "s", "-"], "{:?}", world.diagnostics());
        assert_eq!(told("/?t=a", true), ["acme", "s", "other"]);
        assert_eq!(told("/?t=b", false), ["b", "-", "-"]);
    }

    fn headers_look_at_what_came_and_at_what_the_query_has_become(proxy) {
        let text = "rewrite ^/w/(.*)$ /u?x=$1 break;\nproxy_set_header Cookie \"\";\nproxy_set_header X-Token $cookie_token;\n\
                    proxy_set_header X-Query $args;\nadd_header X-Arg $arg_x;";
        let world = world(proxy, text, "");
        let answer = send(&Request::get("h.test", "/w/new?x=old").header("Cookie", "token=t1")).unwrap();
        let told = ["Cookie", "X-Token", "X-Query"].map(|name| answer.received(name).unwrap_or_else(|| "-".to_owned()));
        assert_eq!(told, ["-", "t1", "x=new&x=old"], "{:?}", world.diagnostics());
        assert_eq!(answer.echo()["target"], "/u?x=new&x=old");
        assert_eq!(answer.header("X-Arg"), Some("new"));
    }

    fn headers_are_for_statuses_and_types(proxy) {
        let text = "more_set_headers -s '404 500' 'X-Own: lost';\nmore_set_headers -s 503 -t 'text/html text/css' 'X-Both: yes';\n\
                    more_set_headers -t application/xml+a 'X-Type: yes';\nmore_clear_headers -s 403 X-Gone;\nmore_set_headers 'X-Empty: ';";
        let world = world(proxy, text, "");
        let names = ["X-Own", "X-Both", "X-Type", "X-Gone", "X-Empty"];
        let answer = |status: u16, kind: &str| {
            said(&format!("/?status={status}&header=X-Own:own&header=X-Gone:g&header=X-Empty:e&header=Content-Type:{kind}"), NOTHING, names)
        };
        assert_eq!(answer(200, "text/plain"), ["own", "", "", "g", ""], "{:?}", world.diagnostics());
        assert_eq!(answer(404, "text/html"), ["lost", "", "", "g", ""]);
        assert_eq!(answer(500, "application/xml+a"), ["lost", "", "yes", "g", ""]);
        assert_eq!(answer(503, "text/html;charset=utf-8"), ["own", "yes", "", "g", ""]);
        assert_eq!(answer(503, "text/htmlx"), ["own", "", "", "g", ""]);
        assert_eq!(answer(403, "text/html"), ["own", "", "", "", ""]);
    }

    fn what_is_answered_has_its_lines(proxy) {
        let text = "if ($arg_b) { return 200 'two\n\tlines of $host'; }\nif ($uri ~ ^/c$) { return 200 \"\\\\n\\r\\n\"; }";
        let world = world(proxy, text, "location = /robots.txt { return 200 \"User-agent: *\\nDisallow: /\\n\"; }");
        let body = |target: &str| String::from_utf8(get("h.test", target).unwrap().body).unwrap();
        assert_eq!(body("/robots.txt"), "User-agent: *\nDisallow: /\n", "{:?}", world.diagnostics());
        assert_eq!(body("/?b=1"), "two\n\tlines of h.test");
        assert_eq!(body("/c"), "\\n\r\n");
    }
}
