//! Clients that the ConfigMap shuts out.

use crate::models::*;
use crate::world::*;
use gatewright_core::names::TextPattern;

#[test]
fn blocked_clients_are_refused_everywhere() {
    let address = echo("b");
    for (program, version) in programs() {
        let mut globals = globals();
        let pattern = |text| TextPattern::parse(text).unwrap();
        globals.blocking.user_agents = vec![pattern("AlphaBot"), pattern(r"~*chrome\/68\.0"), pattern("-f")];
        globals.blocking.referers = vec![pattern("~example\\.com"), pattern("}")];
        globals.blocking.addresses = vec!["172.16.0.0/12".parse().unwrap()];
        let draft = Draft { globals, ..Draft::default() }.backend("b", &[address]);
        let draft = draft.host("h.test", vec![redirected(prefix("/tls", "b")), prefix("/", "b")]);
        let proxy = Proxy::start(&draft.model(), &program, version);
        for (header, status) in [
            ("User-Agent: alphabot", 403),
            ("User-Agent: AlphaBot/2", 200),
            ("User-Agent: -f", 403),
            ("User-Agent: Mozilla/5.0 Chrome/68.0", 403),
            ("Referer: http://www.example.com/", 403),
            ("Referer: http://www.example.org/", 200),
        ] {
            assert_eq!(proxy.get("h.test", "/", &[header]).status, status, "{header}");
        }
        for (first, second, status) in [("AlphaBot", "x", 403), ("x", "AlphaBot", 403), ("AlphaBot/2", "x", 200)] {
            let lines = [first, second].map(|value| format!("User-Agent: {value}"));
            assert_eq!(proxy.get("h.test", "/", &[&*lines[0], &*lines[1]]).status, status, "{lines:?}");
        }
        assert_eq!(proxy.get("unknown.test", "/", &["User-Agent: AlphaBot"]).status, 403);
        assert_eq!(proxy.get("h.test", "/tls", &["User-Agent: AlphaBot"]).status, 403, "before any redirect");
    }
}

#[test]
fn several_lines_are_one_value_and_none_is_an_empty_one() {
    let address = echo("b");
    for (program, version) in programs() {
        let mut globals = globals();
        let pattern = |text| TextPattern::parse(text).unwrap();
        globals.blocking.user_agents = vec![pattern("~(.*)/(.*)/x/q")];
        globals.blocking.referers = vec![pattern("~^$"), pattern("~one\\.test/, http://two")];
        let draft = Draft { globals, ..Draft::default() }.backend("b", &[address]).host("h.test", vec![prefix("/", "b")]);
        let proxy = Proxy::start(&draft.model(), &program, version);
        let get = |agents: &[&str], referers: &[&str]| {
            let agents = agents.iter().map(|value| format!("User-Agent: {value}"));
            let lines: Vec<String> = agents.chain(referers.iter().map(|value| format!("Referer: {value}"))).collect();
            proxy.get("h.test", "/", &lines.iter().map(String::as_str).collect::<Vec<_>>()).status
        };
        let unknown = "/a".repeat(3000);
        let there = &["http://any.test/"][..];
        assert_eq!((get(&["a"], there), get(&["a/b/x/q"], there), get(&[&unknown], there)), (200, 403, 500));
        assert_eq!((get(&["a", "a/b/x/q"], there), get(&["a", &unknown], there), get(&[&unknown, "a"], there)), (403, 500, 500));
        assert_eq!((get(&["a"], &[]), get(&["a"], &["http://one.test/", "http://two.test/"])), (403, 403));
        assert_eq!((get(&[], there), get(&["a"], &["http://two.test/", "http://one.test/"])), (200, 200));
    }
}
