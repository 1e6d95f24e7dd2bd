//! `make run`: the trial on one machine, with a copy of the demo folder.

use gatewright_e2e::client::{connect, get, get_over_tls};
use gatewright_e2e::on_each_kind;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::wait::{until, until_eq};
use gatewright_e2e::world::{World, gatewright, path, send, who};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// The tools beside a copy of the demo folder, which may be edited.
fn repository(world: &World) -> PathBuf {
    let (ours, copy) = (Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), world.outside().join("repository"));
    for part in ["e2e/tools", "deploy/demo"] {
        let to = copy.join(part);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        let copied = Command::new("cp").arg("-r").args([ours.join(part), to]).status().unwrap();
        assert!(copied.success());
    }
    copy
}

fn trial(world: &World, repository: &Path, proxy: Proxy) -> Child {
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
    world.launch(&[&["env".to_owned()], settings.as_slice(), &command].concat())
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
            let mut running = trial(&world, &repository, proxy);
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
}
