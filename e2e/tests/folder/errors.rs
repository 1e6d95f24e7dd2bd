//! Errors that the default backend answers.

use gatewright_e2e::client::{get, send};
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::all_running;
use gatewright_e2e::world::{World, who};

/// Service `s` for `h.test`, none for `dead.test`; `e` may answer for errors.
fn world(proxy: gatewright_e2e::proxies::Proxy, flags: &[&str]) -> World {
    let settings = config_map("settings", &[("custom-http-errors", "404,503")]);
    let objects =
        [all_running(&["s", "e"]), vec![ingress("live").prefix("h.test", "/", "s"), ingress("dead").prefix("dead.test", "/", "missing")]];
    let builder = flags.iter().fold(World::of(proxy).arg("--configmap=default/settings"), |builder, flag| builder.arg(flag));
    builder.manifest("c.yaml", &[settings]).manifest("i.yaml", &objects.concat()).start()
}

on_every_proxy! {
    fn err_1_2_4_5_the_default_backend_answers_errors(proxy) {
        let world = world(proxy, &["--default-backend-service=default/e"]);
        // The query is passed on, so the answer to the error has the status of the error.
        let by = |answer: &Answer| answer.echo()["service"].as_str().unwrap_or_default().to_owned();
        let answer = send(&Request::get("h.test", "/a?status=404").header("Accept", "a/b")).unwrap();
        assert_eq!((answer.status, by(&answer).as_str()), (404, "e"), "ERR-1: its status and its body");
        let told = |name: &str| answer.received(name).unwrap_or_default();
        let names = ["X-Code", "X-Format", "X-Original-URI", "X-Namespace", "X-Ingress-Name", "X-Service-Name", "X-Service-Port", "Host"];
        assert_eq!(names.map(told), ["404", "a/b", "/a?status=404", "default", "live", "s", "80", "h.test"], "ERR-1");
        let answer = get("dead.test", "/x").unwrap();
        assert_eq!((answer.status, by(&answer).as_str(), answer.received("X-Code").as_deref()), (200, "e", Some("503")), "ERR-2");
        assert_eq!(by(&get("h.test", "/?status=500").unwrap()), "s", "of other errors nobody hears");
        let post = Request::new("POST", "/?status=404").header("Host", "h.test").body(b"text");
        let answer = send(&post).unwrap();
        assert_eq!((by(&answer).as_str(), answer.echo()["method"].as_str()), ("e", Some("POST")), "ERR-5");
        world.apply("c.yaml", &[config_map("settings", &[("custom-http-errors", "404,503"), ("disable-proxy-intercept-errors", "true")])]);
        let own = get("h.test", "/?status=404").unwrap();
        assert_eq!((own.status, by(&own).as_str(), who("dead.test", "/").as_str()), (404, "s", "e"), "ERR-4");
    }

    fn err_3_without_a_default_backend_an_error_is_a_404(proxy) {
        let _world = world(proxy, &[]);
        assert_eq!([who("dead.test", "/"), who("h.test", "/?status=503"), who("h.test", "/")], ["404", "404", "s"]);
    }
}
