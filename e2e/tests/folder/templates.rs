//! Templates that users replace, while it runs.

use gatewright_e2e::client::get;
use gatewright_e2e::manifest::{IngressWords, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::wait::until;
use gatewright_e2e::world::{World, path, who};
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

on_every_proxy! {
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
        let published = |wanted: &str| {
            fs::read_dir(world.state().join("current")).unwrap().flatten().any(|entry| {
                fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(wanted))
            })
        };
        assert!(published("template-one"));
        write(&template(proxy.kind, "template-two").1);
        until("the other template is used", || published("template-two"));
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
        assert!(published("template-two") && !published("template-three"));
        // A folder of that name cannot be read.
        fs::remove_file(folder.path().join(name)).unwrap();
        fs::create_dir(folder.path().join(name)).unwrap();
        until("it is told", || world.log().contains("could not read the templates"));
        world.apply("c.yaml", &[ingress("c").prefix("c.test", "/", "s")]);
        assert_eq!(who("c.test", "/"), "s");
        fs::remove_dir(folder.path().join(name)).unwrap();
        until("without an override the built-in one is used", || !published("template-two"));
    }

    fn a_template_that_the_proxy_refuses_leaves_the_last_revision(proxy) {
        let folder = tempfile::tempdir().unwrap();
        let (name, good) = template(proxy.kind, "template-one");
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).arg("--templates").arg(&path(folder.path())).manifest("i.yaml", &objects).start();
        let wrong = if proxy.is_nginx() { "    keepalive_timeout nonsense;\n" } else { "frontend x\n  nonsense\n" };
        fs::write(folder.path().join(name), format!("{good}\n{wrong}")).unwrap();
        until("it is refused", || world.log().contains("the last good revision keeps serving"));
        assert_eq!(who("h.test", "/"), "s");
        fs::remove_file(folder.path().join(name)).unwrap();
        world.apply("b.yaml", &[ingress("b").prefix("b.test", "/", "s")]);
        assert_eq!([who("h.test", "/"), who("b.test", "/")], ["s", "s"]);
    }
}
