//! `make run`: the trial on one machine, with a copy of the demo folder.

use gatewright_e2e::client::{connect, get, get_over_tls};
use gatewright_e2e::on_each_kind;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::wait::{until, until_eq, until_some};
use gatewright_e2e::world::{World, gatewright, path, send, who};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// The tools beside a copy of the demo folder, which may be edited.
fn repository(world: &World) -> PathBuf {
    let (ours, copy) = (Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), world.outside().join("repository"));
    for part in ["e2e/tools", "deploy/demo", "deploy/examples"] {
        let to = copy.join(part);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        let copied = Command::new("cp").arg("-r").args([ours.join(part), to]).status().unwrap();
        assert!(copied.success());
    }
    copy
}

fn trial(world: &World, repository: &Path, proxy: Proxy, more: &[&str]) -> Child {
    let [programs, temporary] = ["programs", "temporary"].map(|name| world.outside().join(name));
    for folder in [&programs, &temporary] {
        fs::create_dir_all(folder).unwrap();
    }
    let _ = symlink(proxy.program(), programs.join(proxy.kind));
    let settings = [
        format!("PATH={}:{}", path(&programs), std::env::var("PATH").unwrap()),
        format!("TMPDIR={}", path(&temporary)),
        format!("GATEWRIGHT={}", path(&gatewright())),
        "HTTP_PORT=80".to_owned(),
        "HTTPS_PORT=443".to_owned(),
    ];
    let command = [path(&repository.join("e2e/tools/trial")), "--proxy".to_owned(), proxy.kind.to_owned()];
    let more: Vec<String> = more.iter().map(|word| (*word).to_owned()).collect();
    world.launch(&[&["env".to_owned()], settings.as_slice(), &command, &more].concat())
}

/// A request that a page shows, and who it says answers: `curl -H 'Host: a' http://127.0.0.1:8080/b`.
struct Shown {
    command: String,
    name: String,
}

impl Shown {
    /// Those of an example, in its comments.
    fn of_example(text: &str) -> Vec<Self> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("#   curl ")?.strip_suffix(" answers")?.rsplit_once('#'));
        lines.map(|(command, name)| Self { command: command.trim().to_owned(), name: name.trim().to_owned() }).collect()
    }

    fn answer(&self) -> std::io::Result<gatewright_e2e::http1::Answer> {
        let url = self.command.split_once("://").unwrap().1;
        let (authority, path) = url.split_at(url.find('/').unwrap());
        let host = self.command.split_once("Host: ").map_or(authority, |(_, rest)| rest.split_once('\'').unwrap().0);
        if self.command.contains("https://") { get_over_tls(host.trim_end_matches(":8443"), path) } else { get(host, path) }
    }
}

/// Which backend has answered.
fn name(answer: std::io::Result<gatewright_e2e::http1::Answer>) -> String {
    answer.ok().and_then(|answer| answer.echo()["name"].as_str().map(str::to_owned)).unwrap_or_default()
}

on_each_kind! {
    fn the_trial_serves_the_demo_follows_its_edits_and_leaves_nothing_behind(proxy) {
        let world = World::of(proxy).build();
        let repository = repository(&world);
        for (round, signal) in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT].into_iter().enumerate() {
            let mut running = trial(&world, &repository, proxy, &[]);
            let told = |part: &str| world.log().matches(part).count() > round;
            until("it prints what to ask", || told("curl --insecure https://blog.localhost:443/"));
            assert!(told(&format!("with {}. Edit the files there", proxy.kind)), "{}", world.log());
            assert!(name(get("shop.localhost", "/")).starts_with("shop-"));
            assert_eq!(name(get("shop.localhost", "/cart")), "cart");
            assert_eq!(name(get_over_tls("blog.localhost", "/")), "blog");
            assert_eq!(name(get("localhost", "/")), "welcome");
            let shop = repository.join("deploy/demo/shop.yaml");
            let before = fs::read_to_string(&shop).unwrap();
            fs::write(&shop, before.replace("shop.localhost", "edited.localhost")).unwrap();
            until("the edit is live", || name(get("edited.localhost", "/")).starts_with("shop-"));
            fs::write(&shop, before).unwrap();
            until("and the one that takes it back", || name(get("shop.localhost", "/")).starts_with("shop-"));
            send(running.id(), signal);
            assert_eq!(running.wait().unwrap().code(), Some(0), "{signal}");
            assert_eq!(who("shop.localhost", "/"), "nobody", "{signal}: the proxy has ended");
            for port in [80, 443, 10246, 10254, 18081, 18085] {
                assert!(connect(port).is_err(), "{signal}: somebody is left on port {port}");
            }
            until_eq("its folder is gone", &0, || fs::read_dir(world.outside().join("temporary")).unwrap().count());
        }
    }

    fn a_second_trial_says_what_is_in_its_way_and_spoils_nothing(proxy) {
        let world = World::of(proxy).build();
        let repository = repository(&world);
        let mut first = trial(&world, &repository, proxy, &[]);
        until("the first one serves", || world.log().contains("Ctrl-C ends it."));
        assert_eq!(trial(&world, &repository, proxy, &[]).wait().unwrap().code(), Some(2));
        for told in [
            "port 80 is in use; give another one by HTTP_PORT",
            "port 10254 is in use; give another one by ADMIN_PORT",
            "port 18081 is in use, which is that of a backend",
            "another trial may be running; end it first",
        ] {
            assert!(world.log().contains(told), "{told}: {}", world.log());
        }
        assert_eq!(name(get("shop.localhost", "/cart")), "cart");
        send(first.id(), Signal::SIGTERM);
        assert_eq!(first.wait().unwrap().code(), Some(0));

        // Neither has seen the other when it looked: the other does not say that it serves, and says what is in its way.
        let before = world.log().len();
        let mut both = [trial(&world, &repository, proxy, &[]), trial(&world, &repository, proxy, &[])];
        let ended = until_some("one gives up", || both.iter_mut().position(|one| one.try_wait().unwrap().is_some()));
        assert_ne!(both[ended].wait().unwrap().code(), Some(0));
        let said = || world.log()[before..].to_owned();
        assert!(said().contains("another trial may be running") || said().contains("in use"), "{}", said());
        let other = &mut both[1 - ended];
        let serves = until_some("the other one serves, or has given up, too", || {
            let says = world.log()[before..].contains("Ctrl-C ends it.");
            if says { Some(true) } else { other.try_wait().unwrap().map(|_| false) }
        });
        assert_eq!(name(get("shop.localhost", "/cart")) == "cart", serves);
        if serves {
            send(other.id(), Signal::SIGTERM);
            assert_eq!(other.wait().unwrap().code(), Some(0));
        }
        assert_eq!(world.log()[before..].matches("Ctrl-C ends it.").count(), usize::from(serves));
        // What they left is in nobody's way.
        let before = world.log().len();
        let mut last = trial(&world, &repository, proxy, &[]);
        until("one that is alone serves", || world.log()[before..].contains("Ctrl-C ends it."));
        assert_eq!(name(get("shop.localhost", "/cart")), "cart");
        send(last.id(), Signal::SIGTERM);
        assert_eq!(last.wait().unwrap().code(), Some(0));
        until_eq("nothing is left", &0, || fs::read_dir(world.outside().join("temporary")).unwrap().count());
    }

    fn the_trial_serves_each_example_as_its_file_and_the_readme_say(proxy) {
        let world = World::of(proxy).build();
        let repository = repository(&world);
        let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
        let mut files: Vec<PathBuf> = fs::read_dir(repository.join("deploy/examples")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert_eq!(files.len(), 16, "each in both forms");
        for file in files {
            let example = file.file_stem().unwrap().to_str().unwrap();
            let shown = Shown::of_example(&fs::read_to_string(&file).unwrap());
            assert!(!shown.is_empty(), "{example} says what to ask");
            let mut row = readme.lines().filter(|line| line.starts_with(&format!("| `{}` |", example.trim_end_matches("-v1beta1"))));
            let row = row.next().unwrap_or_else(|| panic!("the README has {example}"));
            let in_readme = |shown: &Shown| row.contains(&shown.command) && row.ends_with(&format!("`{}` |", shown.name));
            assert!(row.contains("| the same |") || shown.iter().any(in_readme), "{row}");
            let before = world.log().len();
            let mut running = trial(&world, &repository, proxy, &["--example", example]);
            until(&format!("{example} is served"), || world.log()[before..].contains("Ctrl-C ends it."));
            for shown in shown {
                assert_eq!(name(shown.answer()), shown.name, "{example}: {}", shown.command);
                let printed = format!("curl {}", shown.command).replace("8080", "80").replace("8443", "443");
                assert!(world.log()[before..].contains(&printed), "{example} prints {printed}");
            }
            send(running.id(), Signal::SIGTERM);
            assert_eq!(running.wait().unwrap().code(), Some(0));
        }
        let mut wrong = trial(&world, &repository, proxy, &["--example", "fan-ot"]);
        assert_eq!(wrong.wait().unwrap().code(), Some(2));
        assert!(world.log().contains("fan-ot is not the name of an example") && world.log().contains("  fan-out-v1beta1\n"));
    }
}
