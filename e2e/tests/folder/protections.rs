//! Who may pass, how often, and who says so when somebody may not: the same on every proxy.

use base64::Engine;
use gatewright_e2e::client::{get, send};
use gatewright_e2e::echo;
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, service, slice};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{Site, all_running, running};
use gatewright_e2e::world::{World, who};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// `anna:opensesame`
const ANNA: &str = "Basic YW5uYTpvcGVuc2VzYW1l";

fn users() -> Value {
    let line = "anna:$2b$04$2fuS47vmW.HxqtSoLu9FZucuxuhL99TWBqLdU8OCAOXvewDlY.6ty\n";
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users"}, "stringData": {"auth": line}})
}

fn status(host: &str, target: &str, headers: &[(&str, &str)]) -> u16 {
    let request = headers.iter().fold(Request::get(host, target), |request, (name, value)| request.header(name, value));
    send(&request).map_or(0, |answer| answer.status)
}

on_every_proxy! {
    fn addresses_of_one_family_are_none_of_the_other(proxy) {
        let settings = config_map("settings", &[("use-forwarded-headers", "true"), ("proxy-real-ip-cidr", "127.0.0.0/8")]);
        let of = |name: &str, key: &str, list: &str| ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation(key, list);
        let lists = vec![
            of("ten", "whitelist-source-range", "10.0.0.0/8"),
            of("six", "whitelist-source-range", "::/0"),
            of("mapped", "whitelist-source-range", "::ffff:10.0.0.0/104"),
            of("no-six", "denylist-source-range", "::/0"),
        ];
        let objects = [running("s"), lists, vec![settings]].concat();
        let _world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        for (client, expected) in [
            ("10.1.2.3", [200, 403, 200, 200]),
            // Where a list has no IPv4 networks at all, nginx takes it for an IPv6 one.
            ("::ffff:10.1.2.3", [200, 403, 200, if proxy.is_nginx() { 403 } else { 200 }]),
            ("11.1.2.3", [403, 403, 403, 200]),
            ("::10.1.2.3", [403, 200, 403, 403]),
            ("2002:a01:203::1", [403, 200, 403, 403]),
            ("2001:db8::1", [403, 200, 403, 403]),
        ] {
            let statuses = ["ten", "six", "mapped", "no-six"].map(|name| status(&format!("{name}.test"), "/", &[("X-Forwarded-For", client)]));
            assert_eq!(statuses, expected, "{client}");
        }
    }

    fn a_password_or_an_address_lets_in(proxy) {
        let site = Site::of(proxy, "passwords");
        let [all, any, outside] = ["all", "any", "outside"].map(|name| site.host(name));
        let asking = |name: &str, host: &str| {
            ingress(name).prefix(host, "/", "s").annotation("auth-type", "basic").annotation("auth-secret", "users").annotation("auth-realm", "the shop")
        };
        let inside = asking("any", &any).annotation("satisfy", "any").annotation("allowlist-source-range", "127.0.0.0/8, ::1/128");
        let from_elsewhere = asking("outside", &outside).annotation("satisfy", "any").annotation("allowlist-source-range", "192.0.2.0/24");
        site.apply(&[running("s"), vec![users(), asking("all", &all), inside, from_elsewhere]].concat());
        for host in [&all, &outside] {
            assert_eq!([status(host, "/", &[]), status(host, "/", &[("Authorization", ANNA)])], [401, 200], "{host}");
        }
        assert_eq!(get(&all, "/").unwrap().header("WWW-Authenticate"), Some("Basic realm=\"the shop\""));
        assert_eq!(send(&Request::get(&all, "/").header("Authorization", ANNA)).unwrap().received("Authorization"), None);
        assert_eq!(who(&any, "/"), "s");
    }

    fn what_is_left_out_and_guards_is_closed_where_its_namespace_would_answer(proxy) {
        let site = Site::of(proxy, "left-out");
        let [own, foreign] = ["own", "foreign"].map(|name| site.host(name));
        let everywhere = |name: &str, host: &str| ingress(name).prefix(host, "/", "s");
        // Nobody may write snippets here.
        let guarded = |name: &str, host: &str| {
            ingress(name)
                .prefix(host, "/admin", "s")
                .annotation("whitelist-source-range", "192.0.2.0/24")
                .annotation("configuration-snippet", "add_header A b;")
        };
        let mut stranger = guarded("stranger", &foreign);
        stranger["metadata"]["namespace"] = json!("left-out-foreign");
        let objects = [running("s"), vec![everywhere("a", &own), everywhere("b", &foreign), guarded("guarded", &own), stranger]].concat();
        site.apply(&objects);
        let at = |host: &str| ["/", "/admin", "/admin/x", "/administration"].map(|path| status(host, path, &[]));
        assert_eq!((at(&own), at(&foreign)), ([200, 503, 503, 200], [200; 4]));
        let told = site.diagnostics();
        assert!(told.iter().any(|line| line.contains("answers 503 for /admin and what else the Ingress guards there")), "{told:?}");
    }

    fn a_password_that_is_too_much_work_holds_up_nobody(proxy) {
        let site = Site::of(proxy, "costly");
        let [h, other] = ["h", "other"].map(|name| site.host(name));
        // One check would take seconds, minutes, days.
        let costly = "eve:$2b$15$ZuadeK7Vkepvxi.k4QrzpeZWvWU9fnjzL1Fa0H0kblFK6FyNba7fq\nfay:$2b$31$ZuadeK7Vkepvxi.k4QrzpeZWvWU9fnjzL1Fa0H0kblFK6FyNba7fq\n\
                      gil:$6$rounds=999999999$salt$x\nhal:$y$jzzzz$salt$x\n";
        let mut secret = users();
        let all = format!("{costly}{}", secret["stringData"]["auth"].as_str().unwrap());
        secret["stringData"]["auth"] = all.into();
        let guarded = ingress("h").prefix(&h, "/", "s").annotation("auth-type", "basic").annotation("auth-secret", "users");
        site.apply(&[running("s"), vec![secret, guarded, ingress("other").prefix(&other, "/", "s")]].concat());
        let begun = Instant::now();
        for name in ["eve", "fay", "gil", "hal"] {
            let token = base64::engine::general_purpose::STANDARD.encode(format!("{name}:wrong"));
            assert_eq!(status(&h, "/", &[("Authorization", &format!("Basic {token}"))]), 401, "{name}");
        }
        assert!(begun.elapsed() < Duration::from_secs(1), "nothing was computed: {:?}", begun.elapsed());
        assert_eq!([status(&h, "/", &[("Authorization", ANNA)]), status(&other, "/", &[])], [200, 200]);
    }

    fn a_client_may_be_ahead_of_its_rate_by_the_burst(proxy) {
        let site = Site::of(proxy, "rates");
        let [limited, free] = ["limited", "free"].map(|name| site.host(name));
        let own = ingress("limited").prefix(&limited, "/", "s").annotation("limit-rpm", "1").annotation("limit-burst-multiplier", "4");
        let exempt = ingress("free").prefix(&free, "/", "s").annotation("limit-rpm", "1").annotation("limit-allowlist", "127.0.0.0/8, ::1/128");
        site.apply(&[running("s"), vec![own, exempt]].concat());
        let passed = |host: &str| (0..12).filter(|_| status(host, "/", &[]) == 200).count();
        assert_eq!([passed(&limited), passed(&free)], [5, 12]);
    }

    fn a_service_decides_who_may_pass(proxy) {
        let site = Site::of(proxy, "gate");
        let gate = echo::new_pod("gate");
        let names = ["yes", "no", "broken", "signs-in"];
        let [yes, no, broken, signs_in] = names.map(|name| site.host(name));
        let asking = |name: &str, host: &str, query: &str| {
            ingress(name).prefix(host, "/", "s").annotation("auth-url", &format!("http://{gate}:8080/verify?{query}"))
        };
        let mut objects = running("s");
        objects.push(asking("yes", &yes, "header=X-User:anna").annotation("auth-response-headers", "X-User, X-Absent"));
        objects.push(asking("no", &no, "status=403"));
        objects.push(asking("broken", &broken, "status=302"));
        objects.push(asking("signs-in", &signs_in, "status=401").annotation("auth-signin", "https://login.test/start"));
        site.apply(&objects);
        let answer = send(&Request::get(&yes, "/").header("X-User", "eve").header("X-Absent", "eve")).unwrap();
        assert_eq!((answer.word().as_str(), answer.received("X-User").as_deref(), answer.received("X-Absent")), ("s", Some("anna"), None));
        assert_eq!([status(&no, "/", &[]), status(&broken, "/", &[])], [403, 500]);
        let answer = get(&signs_in, "/x?a=b").unwrap();
        let location = format!("https://login.test/start?rd=http://{signs_in}%2Fx%3Fa%3Db");
        assert_eq!((answer.status, answer.header("Location")), (302, Some(&*location)));
    }

    fn pages_for_errors_come_from_the_default_backend(proxy) {
        let site = Site::of(proxy, "pages");
        let [own, closed] = ["own", "closed"].map(|name| site.host(name));
        let with_pages = |name: &str, host: &str, to: &str| {
            ingress(name).prefix(host, "/", to).annotation("custom-http-errors", "404,503").annotation("default-backend", "pages")
        };
        let mut objects = all_running(&["s", "pages"]);
        objects.extend([service("nobody"), slice("nobody", &[])]);
        objects.push(with_pages("own", &own, "s"));
        objects.push(with_pages("closed", &closed, "nobody"));
        site.apply(&objects);
        let page = get(&own, "/?status=404").unwrap();
        let told = ["X-Code", "X-Ingress-Name", "X-Original-URI"].map(|name| page.received(name).unwrap_or_default());
        // It is asked with the same query, and so answers the same status.
        assert_eq!((page.status, page.echo()["service"].as_str()), (404, Some("pages")));
        assert_eq!(told, ["404", "own", "/?status=404"]);
        assert_eq!([who(&own, "/"), who(&own, "/?status=403"), who(&closed, "/")], ["s", "403", "pages"]);
    }
}
