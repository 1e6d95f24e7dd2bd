//! Templates that users replace, while it runs.

use gatewright_e2e::client::{admin, get};
use gatewright_e2e::manifest::{IngressWords, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::wait::{until, until_eq};
use gatewright_e2e::world::{World, path, who};
use nix::sys::signal::Signal;
use std::fs;
use std::path::{Path, PathBuf};

/// The name of a built-in template, and a copy of it that holds a word of its own.
fn template(kind: &str, value: &str) -> (&'static str, String) {
    let name = if kind == "nginx" { "status.tera" } else { "haproxy.cfg.tera" };
    let file: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../templates").join(kind).join(name);
    let text = fs::read_to_string(file).unwrap();
    let changed = if kind == "nginx" {
        format!("\n    add_header X-Template {value} always;\n{text}")
    } else {
        text.replacen('\n', &format!("\n# {value}\n"), 1)
    };
    (name, changed)
}

/// Whether a file of the published revision has these words.
fn published(world: &World, wanted: &str) -> bool {
    let mut files = fs::read_dir(world.state().join("current")).unwrap().flatten();
    files.any(|file| fs::read_to_string(file.path()).is_ok_and(|text| text.contains(wanted)))
}

/// What breaks a template in one line each: for the engine, for our own grammar, and for the proxy alone.
fn broken(proxy: Proxy) -> Vec<&'static str> {
    let mut lines = vec!["a {{ }}", "{{ nobody.has_this }}"];
    if proxy.is_nginx() {
        lines.extend(["load_module /nowhere.so;", "}", "keepalive_timeout nonsense;", "return 200; server_tokens off; server_tokens off;"]);
    } else {
        lines.extend(["lua-load nonsense.lua", "no_such_word", "timeout server nonsense"]);
    }
    lines
}

/// A template with one more line, and where that is.
fn with_line((name, good): &(&str, String), line: &str) -> (String, String) {
    // One of a section follows its heading, and one of a part the line that it is included in.
    let at = if good.starts_with('\n') { 1 } else { good.lines().position(|line| line.starts_with("backend health ")).unwrap() + 1 };
    let mut lines: Vec<&str> = good.lines().collect();
    lines.insert(at, line);
    (lines.join("\n") + "\n", format!("{name}:{}:", at + 1))
}

on_every_proxy! {
    fn a_template_that_is_broken_at_a_restart_leaves_the_set_and_all_that_was_served(proxy) {
        let folder = tempfile::tempdir().unwrap();
        let good = template(proxy.kind, "template-one");
        fs::write(folder.path().join(good.0), &good.1).unwrap();
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).arg("--templates").arg(&path(folder.path())).manifest("i.yaml", &objects).start();
        for (round, line) in broken(proxy).into_iter().enumerate() {
            assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
            let (text, place) = with_line(&good, line);
            fs::write(folder.path().join(good.0), text.replace("template-one", "template-two")).unwrap();
            let logged = world.log().len();
            world.start_controller();
            until_eq("what was served is served", &"s".to_owned(), || who("h.test", "/"));
            world.until_ready();
            let host = format!("r{round}.test");
            world.apply("b.yaml", &[ingress("b").prefix(&host, "/", "s")]);
            assert_eq!([who("h.test", "/"), who(&host, "/")], ["s", "s"], "{line}: changes go on");
            assert!(published(&world, "template-one") && !published(&world, "template-two"), "{line}: with the set before");
            let log = world.log().split_off(logged);
            assert!(log.lines().any(|line| line.contains("the set before stays") && line.contains(&place)), "{line}: {place}: {log}");
            assert!(!log.contains("nothing is served yet"), "{line}: {log}");
        }
        fs::remove_dir_all(folder.path()).unwrap();
        assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
        world.start_controller();
        until_eq("without the folder, too", &"s".to_owned(), || who("h.test", "/"));
        world.until_ready();
        fs::create_dir(folder.path()).unwrap();
        fs::write(folder.path().join(good.0), good.1.replace("template-one", "template-three")).unwrap();
        until("one that can be used is used", || published(&world, "template-three"));
    }

    fn a_template_that_is_broken_from_the_first_serves_nothing_without_it_until_it_is_mended(proxy) {
        for line in broken(proxy) {
            let folder = tempfile::tempdir().unwrap();
            let good = template(proxy.kind, "template-one");
            let (text, place) = with_line(&good, line);
            fs::write(folder.path().join(good.0), text).unwrap();
            let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s"), ingress("b").prefix("b.test", "/", "s")]].concat();
            let world = World::of(proxy).arg("--templates").arg(&path(folder.path())).manifest("i.yaml", &objects).build();
            world.start_controller();
            let ready = || admin("/readyz").map_or((0, String::new()), |answer| (answer.status, String::from_utf8_lossy(&answer.body).into_owned()));
            until("the place is told", || ready().0 == 503 && ready().1.contains(&place));
            assert!(world.log().lines().any(|line| line.contains("nothing is rendered until") && line.contains(&place)), "{line}: {}", world.log());
            assert_eq!((world.published(), who("h.test", "/")), (None, "nobody".to_owned()), "{line}: nothing is served without what it says");
            fs::write(folder.path().join(".new"), &good.1).unwrap();
            fs::rename(folder.path().join(".new"), folder.path().join(good.0)).unwrap();
            world.until_ready();
            assert_eq!([who("h.test", "/"), who("b.test", "/")], ["s", "s"], "{line}: it is served as soon as it is mended");
            assert!(published(&world, "template-one") && !world.log().contains("it is set aside"), "{line}: nobody else is blamed");
        }
    }

    fn an_override_is_used_followed_and_refused_when_broken(proxy) {
        let folder = tempfile::tempdir().unwrap();
        let (name, first) = template(proxy.kind, "template-one");
        let write = |text: &str| {
            fs::write(folder.path().join(".new"), text).unwrap();
            fs::rename(folder.path().join(".new"), folder.path().join(name)).unwrap();
        };
        write(&first);
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).arg("--templates").arg(&path(folder.path())).manifest("i.yaml", &objects).start();
        assert!(published(&world, "template-one"));
        write(&template(proxy.kind, "template-two").1);
        until("the other template is used", || published(&world, "template-two"));
        world.sync("probe.yaml");
        if proxy.is_nginx() {
            assert_eq!(get("unknown.test", "/healthz").unwrap().status, 200);
        }
        let before = world.revision();
        write(&format!("{}{{% if %}}", template(proxy.kind, "template-three").1));
        until("the broken one is told by its name", || world.log().contains("the set before stays") && world.log().contains(name));
        assert_eq!((who("h.test", "/"), world.revision()), ("s".to_owned(), before));
        world.apply("b.yaml", &[ingress("b").prefix("b.test", "/", "s")]);
        assert_eq!(who("b.test", "/"), "s", "changes go on with the templates before");
        assert!(published(&world, "template-two") && !published(&world, "template-three"));
        // A folder of that name cannot be read.
        fs::remove_file(folder.path().join(name)).unwrap();
        fs::create_dir(folder.path().join(name)).unwrap();
        until("it is told", || world.log().contains("could not read the templates"));
        world.apply("c.yaml", &[ingress("c").prefix("c.test", "/", "s")]);
        assert_eq!(who("c.test", "/"), "s");
        assert!(published(&world, "template-two"), "the set before stays");
        fs::remove_dir(folder.path().join(name)).unwrap();
        until("without an override the built-in one is used", || !published(&world, "template-two"));
    }

    fn an_override_that_cannot_be_read_is_told_and_changes_nothing(proxy) {
        let folder = tempfile::tempdir().unwrap();
        let (name, good) = template(proxy.kind, "template-one");
        let file = folder.path().join(name);
        fs::write(&file, &good).unwrap();
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).arg("--templates").arg(&path(folder.path())).manifest("i.yaml", &objects).start();
        let told = || world.log().matches("the templates cannot be used; the set before stays").count();
        type Put = fn(&Path);
        let unreadable: [(&str, Put); 5] = [
            ("a pipe", |file| nix::unistd::mkfifo(file, nix::sys::stat::Mode::S_IRWXU).unwrap()),
            ("one that stops while it renders", |file| fs::write(file, "{{ nobody.has_this }}").unwrap()),
            ("a link to nothing", |file| std::os::unix::fs::symlink("nothing", file).unwrap()),
            ("a link to itself", |file| std::os::unix::fs::symlink(file.file_name().unwrap(), file).unwrap()),
            ("no text", |file| fs::write(file, [0xff, 0xfe, 0xfd]).unwrap()),
        ];
        for (round, (what, put)) in unreadable.into_iter().enumerate() {
            let before = told();
            let beside = folder.path().join(".new");
            put(&beside);
            fs::rename(&beside, &file).unwrap();
            let host = format!("r{round}.test");
            world.apply("b.yaml", &[ingress("b").prefix(&host, "/", "s")]);
            until("it is told", || told() > before);
            assert_eq!([who("h.test", "/"), who(&host, "/")], ["s", "s"], "{what}: changes go on");
            assert!(published(&world, "template-one") && world.log().contains(&path(&file)), "{what}: with the set before");
        }
        fs::write(folder.path().join(".new"), good.replace("template-one", "template-two")).unwrap();
        fs::rename(folder.path().join(".new"), &file).unwrap();
        until("one that can be read is used", || published(&world, "template-two"));
    }

    fn a_template_that_is_refused_is_told_by_its_place_and_holds_nothing_up(proxy) {
        let folder = tempfile::tempdir().unwrap();
        let (name, good) = template(proxy.kind, "template-one");
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).arg("--templates").arg(&path(folder.path())).manifest("i.yaml", &objects).start();
        // The first is refused by the proxy, the second by our own grammar.
        let wrong = if proxy.is_nginx() {
            ["    keepalive_timeout nonsense;\n", "    load_module nonsense.so;\n"]
        } else {
            ["frontend x\n  nonsense\n", "global\n  lua-load nonsense.lua\n"]
        };
        for (round, wrong) in wrong.into_iter().enumerate() {
            let text = format!("{good}\n{wrong}");
            let line = text.lines().position(|line| line.contains("nonsense")).unwrap() + 1;
            fs::write(folder.path().join(name), text).unwrap();
            let place = format!("{name}:{line}:");
            until("it is told", || world.log().lines().any(|line| line.contains("the set before stays") && line.contains(&place)));
            let host = format!("r{round}.test");
            world.apply("b.yaml", &[ingress("b").prefix(&host, "/", "s")]);
            assert_eq!([who("h.test", "/"), who(&host, "/")], ["s", "s"], "changes go on with the templates before");
        }
        fs::remove_dir_all(folder.path()).unwrap();
        until("it is told that the folder is away", || world.log().contains("could not read the templates"));
        fs::create_dir(folder.path()).unwrap();
        fs::write(folder.path().join(name), good).unwrap();
        until("the folder that came back is read", || published(&world, "template-one"));
        world.apply("b.yaml", &[ingress("b").prefix("b.test", "/", "s")]);
        assert_eq!([who("h.test", "/"), who("b.test", "/")], ["s", "s"]);
    }
}
