//! Ingresses that we take and the proxy does not: found by what it says, or by halving where it says nothing.

use gatewright_e2e::client::{admin, admin_json};
use gatewright_e2e::manifest::{IngressWords, ingress, service, slice, text};
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::wait::{until, until_eq};
use gatewright_e2e::world::{World, path, who};
use gatewright_e2e::{on_every_proxy, on_every_version};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the proxy refuses here; the configuration holds it as it is.
const WORD: &str = "refused.example";

/// Calls the proxy `$proxy`, whose checks refuse what holds a word: with file and line as `$kind` says it, or without a
/// word. While a file beside it says no, everything is refused; another one counts for one check.
const WRAPPER: &str = r#"
case " $* " in
    *" -t "* | *" -c -f "*)
        [ ! -e "$0.no" ] || exit 1
        rm "$0.once" 2>/dev/null && exit 1
        for argument; do
            case $argument in */revisions/*) folder=${argument%/*} ;; esac
        done
        hit=$(grep -rnF -- "$word" "$folder" | sort | head -n 1)
        place=$(printf '%s' "$hit" | cut -d : -f 1-2)
        case $hit:$how:$kind in
            :*) ;;
            *:aloud:nginx) printf 'nginx: [emerg] invalid value "%s" in %s\n' "$word" "$place" >&2 && exit 1 ;;
            *:aloud:haproxy) printf '[ALERT]    (7) : config : parsing [%s] : invalid value\n' "$place" >&2 && exit 1 ;;
            *) exit 1 ;;
        esac
        ;;
esac
exec "$proxy" "$@"
"#;

/// Whether it says why.
#[derive(Clone, Copy)]
enum How {
    Aloud,
    Silently,
}

/// A program that is the proxy, but for what it refuses.
fn picky(folder: &Path, proxy: Proxy, how: How) -> PathBuf {
    picky_of(WORD, folder, proxy, how)
}

/// The same with another word.
fn picky_of(word: &str, folder: &Path, proxy: Proxy, how: How) -> PathBuf {
    let how = match how {
        How::Aloud => "aloud",
        How::Silently => "silently",
    };
    let set = format!("#!/bin/sh\nproxy='{}' kind={} word='{word}' how={how}\n", path(&proxy.program()), proxy.kind);
    let program = folder.join(proxy.kind);
    // Not by this process: another thread's child could hold it open for writing when it is started.
    let write = r#"printf '%s' "$2" >"$1" && chmod 755 "$1""#;
    let written = Command::new("sh").args(["-c", write, "write"]).arg(&program).arg(set + WRAPPER).status().unwrap();
    assert!(written.success());
    program
}

/// Two hundred Ingresses that nobody refuses.
fn two_hundred() -> Vec<Value> {
    let many = (0..200).map(|n| ingress(&format!("good-{n}")).created(n).prefix(&format!("g{n}.test"), "/", "s"));
    running("s").into_iter().chain(many).collect()
}

fn bad(name: &str) -> Value {
    ingress(name).created(100).prefix(&format!("{name}.test"), "/", "s").annotation("upstream-vhost", WORD)
}

/// Who is refused: name and outcome.
fn refused() -> Vec<(String, String)> {
    let all = admin_json("/api/v1/diagnostics");
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let refused = all.as_array().into_iter().flatten().filter(|finding| finding["code"] == "GW0701");
    let mut refused: Vec<_> = refused.map(|finding| (word(&finding["object"]["name"]), word(&finding["outcome"]))).collect();
    refused.sort();
    refused
}

fn are(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(name, outcome)| ((*name).to_owned(), (*outcome).to_owned())).collect()
}

fn the_good_are_served() {
    for n in [0, 7, 99, 100, 101, 199] {
        assert_eq!(who(&format!("g{n}.test"), "/"), "s", "g{n}.test");
    }
}

/// At an edit, as a new object, and after a restart.
fn while_it_runs(proxy: Proxy, how: How) {
    let folder = tempfile::tempdir().unwrap();
    let world = World::of(proxy).program(&picky(folder.path(), proxy, how)).manifest("good.yaml", &two_hundred());
    let world = world.manifest("old.yaml", &[ingress("old").created(100).prefix("old.test", "/", "s")]).start();
    the_good_are_served();
    let change = |round: u32| {
        let host = format!("later-{round}.test");
        world.apply("later.yaml", &[ingress("later").prefix(&host, "/", "s")]);
        assert_eq!(who(&host, "/"), "s", "changes go live");
        the_good_are_served();
    };
    assert_eq!(refused(), []);

    world.write("old.yaml", &text(&[bad("old")]));
    until_eq("it is told", &are(&[("old", "quarantined")]), refused);
    assert_eq!(who("old.test", "/"), "s", "as it was accepted");
    change(1);

    world.write("new.yaml", &text(&[bad("new")]));
    until_eq("it is told", &are(&[("new", "skipped-object"), ("old", "quarantined")]), refused);
    assert_eq!([who("old.test", "/"), who("new.test", "/")], ["s", "404"], "nothing was accepted of the new one");
    change(2);

    world.remove("old.yaml");
    until_eq("it is gone", &"404".to_owned(), || who("old.test", "/"));
    assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
    world.start_controller();
    world.until_ready();
    until_eq("it is told again", &are(&[("new", "skipped-object")]), refused);
    change(3);

    world.write("new.yaml", &text(&[ingress("new").prefix("new.test", "/", "s")]));
    until_eq("mended, it is served", &"s".to_owned(), || who("new.test", "/"));
    until_eq("and no longer told", &Vec::new(), refused);
}

fn from_the_start(proxy: Proxy, how: How) {
    let folder = tempfile::tempdir().unwrap();
    let world = World::of(proxy).program(&picky(folder.path(), proxy, how)).manifest("good.yaml", &two_hundred());
    let world = world.manifest("bad.yaml", &[bad("bad")]).start();
    the_good_are_served();
    until_eq("it is told", &are(&[("bad", "skipped-object")]), refused);
    assert_eq!(who("bad.test", "/"), "404");
    assert_eq!(fs::read_dir(world.state().join("revisions")).unwrap().flatten().filter(is_revision).count(), 1, "only what it took stays");
}

fn is_revision(entry: &fs::DirEntry) -> bool {
    !entry.file_name().to_string_lossy().starts_with('.')
}

/// What a metric says.
fn metric(name: &str) -> String {
    let text = admin("/metrics").map(|answer| String::from_utf8_lossy(&answer.body).into_owned()).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(&format!("nginx_ingress_controller_{name}{{")));
    line.and_then(|line| line.rsplit(' ').next()).unwrap_or_default().to_owned()
}

on_every_proxy! {
    fn rld_1_2_while_everything_is_refused_the_old_routes_serve_and_the_metric_tells(proxy) {
        let folder = tempfile::tempdir().unwrap();
        let program = picky(folder.path(), proxy, How::Silently);
        let no = folder.path().join(format!("{}.no", proxy.kind));
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).program(&program).manifest("i.yaml", &objects).start();
        let successful = || metric("config_last_reload_successful");
        assert_eq!((successful(), who("h.test", "/")), ("1".to_owned(), "s".to_owned()));
        fs::write(&no, "").unwrap();
        world.write("b.yaml", &text(&[ingress("b").prefix("b.test", "/", "s")]));
        until_eq("RLD-1: it is told", &"0".to_owned(), successful);
        until("and logged", || world.log().contains("the last good revision keeps serving"));
        assert_eq!([who("h.test", "/"), who("b.test", "/")], ["s", "404"]);
        assert_eq!(refused(), [], "it is nobody's fault");
        fs::remove_file(&no).unwrap();
        until_eq("RLD-2: it is told", &"1".to_owned(), successful);
        assert_eq!([who("h.test", "/"), who("b.test", "/")], ["s", "s"]);
    }

    fn who_changed_something_is_not_to_blame_for_what_passes_by_itself(proxy) {
        let folder = tempfile::tempdir().unwrap();
        let program = picky(folder.path(), proxy, How::Silently);
        let once = folder.path().join(format!("{}.once", proxy.kind));
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).program(&program).manifest("i.yaml", &objects).start();
        fs::write(&once, "").unwrap();
        world.write("b.yaml", &text(&[ingress("b").prefix("b.test", "/", "s")]));
        until_eq("it is served", &"s".to_owned(), || who("b.test", "/"));
        assert!(!once.exists(), "it was refused once");
        assert_eq!(refused(), []);
    }

    fn while_nothing_is_served_nobody_is_told_that_something_is(proxy) {
        let folder = tempfile::tempdir().unwrap();
        let program = picky(folder.path(), proxy, How::Silently);
        let no = folder.path().join(format!("{}.no", proxy.kind));
        fs::write(&no, "").unwrap();
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).program(&program).manifest("i.yaml", &objects).build();
        world.start_controller();
        until("it is told", || world.log().contains("could not bring the newest state live; nothing is served yet"));
        assert!(!world.log().contains("keeps serving"), "{}", world.log());
        fs::remove_file(&no).unwrap();
        until_eq("it is served as soon as it is taken", &"s".to_owned(), || who("h.test", "/"));
    }

    fn an_ingress_that_is_refused_for_what_it_names_is_set_aside_until_that_changes(proxy) {
        const POD: &str = "10.244.250.250";
        let folder = tempfile::tempdir().unwrap();
        let program = picky_of(POD, folder.path(), proxy, How::Aloud);
        let host = |name: &str, service: &str| ingress(name).prefix(&format!("{name}.test"), "/", service);
        let good = [running("s"), vec![host("first", "s"), host("hurt", "hurt"), host("last", "s")]].concat();
        let world = World::of(proxy).program(&program).manifest("good.yaml", &good).manifest("hurt.yaml", &running("hurt")).start();
        let others = || ["first", "last"].map(|name| who(&format!("{name}.test"), "/"));
        assert_eq!((who("hurt.test", "/"), others()), ("hurt".to_owned(), ["s"; 2].map(str::to_owned)));

        world.write("hurt.yaml", &text(&[service("hurt"), slice("hurt", &[POD.parse().unwrap()])]));
        until_eq("it is told", &are(&[("hurt", "skipped-object")]), refused);
        world.apply("later.yaml", &[host("later", "s")]);
        assert_eq!((who("later.test", "/"), others()), ("s".to_owned(), ["s"; 2].map(str::to_owned)), "nobody else is hurt");
        assert_eq!(refused(), are(&[("hurt", "skipped-object")]));

        world.write("hurt.yaml", &text(&running("hurt")));
        until_eq("it has another chance", &"hurt".to_owned(), || who("hurt.test", "/"));
        until_eq("and nobody is refused", &Vec::new(), refused);
    }

    fn one_of_two_hundred_is_found_by_halving_where_nothing_is_said(proxy) {
        while_it_runs(proxy, How::Silently);
    }

    fn one_of_two_hundred_at_a_cold_start_is_found_by_the_place_in_the_message(proxy) {
        from_the_start(proxy, How::Aloud);
    }
}

on_every_version! {
    fn one_of_two_hundred_is_found_by_the_place_in_the_message(proxy) {
        while_it_runs(proxy, How::Aloud);
    }

    fn one_of_two_hundred_at_a_cold_start_is_found_by_halving(proxy) {
        from_the_start(proxy, How::Silently);
    }
}
