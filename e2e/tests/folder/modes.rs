//! The other ways to run the proxy: under a supervisor, and told by signals only.

use gatewright_e2e::client::admin;
use gatewright_e2e::echo::new_pod;
use gatewright_e2e::manifest::{IngressWords, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::wait::{until, until_eq};
use gatewright_e2e::world::{World, gatewright, path, send, who, who_over_tls};
use nix::sys::signal::Signal;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

const NOBODY: u32 = 65534;

fn world(proxy: Proxy, mode: &str) -> World {
    let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
    World::of(proxy).arg("--proxy-mode").arg(mode).manifest("i.yaml", &objects).build()
}

/// The supervisor, as a user if one is given.
fn supervise(world: &World, user: Option<u32>, program: &str) -> Child {
    supervise_with(&[], world, user, program)
}

/// The same with further flags.
fn supervise_with(flags: &[&str], world: &World, user: Option<u32>, program: &str) -> Child {
    let mut words: Vec<String> = match user {
        Some(user) => ["setpriv", "--reuid", &user.to_string(), "--regid", &user.to_string(), "--clear-groups"].map(str::to_owned).to_vec(),
        None => Vec::new(),
    };
    words.extend([program, "supervise", "--state-dir", &path(&world.state()), "--proxy", world.proxy.kind].map(str::to_owned));
    words.extend(flags.iter().map(|flag| (*flag).to_owned()));
    words.extend(["--allow-uid".to_owned(), nix::unistd::geteuid().to_string(), "--".to_owned(), path(&world.proxy.program())]);
    world.launch(&words)
}

/// Holds connections to a socket as a user who may not ask, and opens new ones for those that are closed.
const CROWD: &str = r#"
use IO::Socket::UNIX;
use Socket;
my ($socket, $told, @held) = (shift, 0);
while (1) {
    for my $n (0 .. 199) {
        syswrite STDOUT, "the crowd is there\n" if $n == 20 && !$told++;
        my $byte;
        next if $held[$n] && !defined($held[$n]->recv($byte, 1, MSG_DONTWAIT));
        $held[$n] = IO::Socket::UNIX->new(Peer => $socket) or die "$!";
    }
    select undef, undef, undef, 0.01;
}
"#;

/// One that HAProxy takes over while it runs, and one that every proxy loads.
fn changes_go_live(world: &World, round: usize) {
    let host = format!("r{round}.test");
    world.apply("r.yaml", &[ingress("r").prefix(&host, "/", "s")]);
    assert_eq!([who("h.test", "/"), who(&host, "/")], ["s", "s"]);
    let loaded = format!("l{round}.test");
    world.load("l.yaml", &[ingress("l").prefix(&loaded, "/", "s").to_be_loaded(round)]);
    assert_eq!(["h.test", &host, &loaded].map(|host| who(host, "/")), ["s"; 3]);
}

on_every_proxy! {
    fn a_supervisor_of_its_own_keeps_the_proxy(proxy) {
        let world = world(proxy, "supervise");
        world.start_controller();
        until("it waits for the supervisor", || world.log().contains("waiting for the supervisor"));
        let mut supervisor = supervise(&world, None, &path(&gatewright()));
        world.until_ready();
        changes_go_live(&world, 1);
        let master = world.proxy_pid();
        world.end_controller(Signal::SIGKILL);
        assert_eq!(who("h.test", "/"), "s", "without a controller");
        world.start_controller();
        world.until_ready();
        changes_go_live(&world, 2);
        assert_eq!(world.proxy_pid(), master, "a controller that comes back takes the proxy as it is");
        send(supervisor.id(), Signal::SIGKILL);
        supervisor.wait().unwrap();
        let mut supervisor = supervise(&world, None, &path(&gatewright()));
        until_eq("it serves under the next supervisor", &"s".to_owned(), || who("h.test", "/"));
        until("changes go live again", || {
            world.write("s.yaml", &gatewright_e2e::manifest::text(&[ingress("s").prefix("s.test", "/", "s")]));
            who("s.test", "/") == "s"
        });
        world.end_controller(Signal::SIGTERM);
        send(supervisor.id(), Signal::SIGTERM);
        assert!(supervisor.wait().unwrap().success());
        until_eq("the supervisor ends the proxy", &"nobody".to_owned(), || who("h.test", "/"));
    }

    fn the_end_of_a_terminal_ends_the_supervisor_and_its_proxy(proxy) {
        let world = world(proxy, "supervise");
        let mut supervisor = supervise(&world, None, &path(&gatewright()));
        world.start_controller();
        world.until_ready();
        send(supervisor.id(), Signal::SIGHUP);
        assert_eq!(supervisor.wait().unwrap().code(), Some(0));
        assert_eq!(who("h.test", "/"), "nobody");
        assert_eq!(world.end_controller(Signal::SIGHUP), Some(0));
    }

    fn the_proxy_of_a_supervisor_serves_for_the_grace_period(proxy) {
        let world = world(proxy, "supervise");
        let mut supervisor = supervise_with(&["--shutdown-grace-period=4"], &world, None, &path(&gatewright()));
        world.start_controller();
        world.until_ready();
        send(supervisor.id(), Signal::SIGTERM);
        let begun = Instant::now();
        until("half of the time is over", || {
            assert_eq!(who("h.test", "/"), "s", "SHD-1: those who have not heard of it yet are served");
            begun.elapsed() > Duration::from_secs(2)
        });
        assert_eq!(supervisor.wait().unwrap().code(), Some(0));
        assert_eq!(who("h.test", "/"), "nobody");
        world.end_controller(Signal::SIGTERM);
    }

    fn users_who_may_not_ask_the_supervisor_hold_nobody_up(proxy) {
        let world = world(proxy, "supervise");
        let mut supervisor = supervise(&world, None, &path(&gatewright()));
        world.start_controller();
        world.until_ready();
        let socket = path(&world.state().join("run/supervise.sock"));
        let other = ["setpriv", "--reuid", "33", "--regid", "33", "--clear-groups", "perl", "-e", CROWD, &socket];
        let mut crowd = world.launch(&other.map(str::to_owned));
        until("the crowd is there", || world.log().contains("the crowd is there"));
        changes_go_live(&world, 1);
        changes_go_live(&world, 2);
        assert!(crowd.try_wait().unwrap().is_none(), "it is still there");
        assert_eq!(world.log().matches("refused a connection of a user that may not connect").count(), 1);
        crowd.kill().unwrap();
        crowd.wait().unwrap();
        world.end_controller(Signal::SIGTERM);
        send(supervisor.id(), Signal::SIGTERM);
        supervisor.wait().unwrap();
    }

    fn a_taken_port_is_told_at_the_start_under_a_supervisor(proxy) {
        let world = world(proxy, "supervise");
        let other = TcpListener::bind("0.0.0.0:80").unwrap();
        let mut supervisor = supervise(&world, None, &path(&gatewright()));
        world.start_controller();
        let told = "--http-port: port 80 is in use by another process";
        until("it is told", || admin("/readyz").is_ok_and(|answer| answer.status == 503 && String::from_utf8_lossy(&answer.body).contains(told)));
        assert_eq!(world.log().matches(told).count(), 1, "once: {}", world.log());
        drop(other);
        until_eq("it serves as soon as it can", &"s".to_owned(), || who("h.test", "/"));
        world.until_ready();
        world.end_controller(Signal::SIGTERM);
        send(supervisor.id(), Signal::SIGTERM);
        supervisor.wait().unwrap();
    }

    fn signals_are_enough_for_a_proxy_of_somebody_else(proxy) {
        // The proxy is under the care of a supervisor that the controller does not know: a PID file is all that they share.
        let world = world(proxy, "signal");
        let mut supervisor = supervise(&world, None, &path(&gatewright()));
        world.start_controller();
        world.until_ready();
        changes_go_live(&world, 1);
        changes_go_live(&world, 2);
        let master = world.proxy_pid();
        world.end_controller(Signal::SIGKILL);
        assert_eq!(who("h.test", "/"), "s");
        world.start_controller();
        world.until_ready();
        changes_go_live(&world, 3);
        assert_eq!(world.proxy_pid(), master);
        assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
        send(supervisor.id(), Signal::SIGTERM);
        assert!(supervisor.wait().unwrap().success());
    }
}

/// The commands of the guide, for the folder and the program of a test.
fn start_of_the_guide(world: &World, proxy: Proxy) -> String {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides/sidecar.md");
    let text = fs::read_to_string(guide).unwrap();
    let start = format!("exec {} ", proxy.kind);
    let mut blocks = text.split("```bash\n").skip(1).filter_map(|rest| rest.split("```").next());
    let block = blocks.find(|block| block.contains(&start)).expect("the guide starts each kind");
    block.replace("/var/lib/gatewright", &path(&world.state())).replace(&start, &format!("exec {} ", path(&proxy.program())))
}

fn start_by_hand(world: &World, proxy: Proxy) -> Child {
    world.launch(&["sh", "-e", "-c", &start_of_the_guide(world, proxy)].map(str::to_owned))
}

#[test]
fn signals_are_enough_for_an_nginx_that_is_started_by_hand() {
    gatewright_e2e::net::on_a_thread_of_its_own(|| {
        let world = world(Proxy::NGINX_1_30, "signal");
        let mut master = start_by_hand(&world, Proxy::NGINX_1_30);
        world.start_controller();
        world.until_ready();
        changes_go_live(&world, 1);
        world.end_controller(Signal::SIGKILL);
        assert_eq!(who("h.test", "/"), "s");
        world.start_controller();
        world.until_ready();
        changes_go_live(&world, 2);
        assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
        send(master.id(), Signal::SIGTERM);
        master.wait().unwrap();
    });
}

/// HAProxy as the guide says: started by hand beside its PID file, and told by signals.
fn started_by_hand(proxy: Proxy) {
    let gate = new_pod("gate");
    let asking = |name: &str, query: &str| {
        ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation("auth-url", &format!("http://{gate}:8080/{query}"))
    };
    let objects =
        [running("s"), vec![ingress("h").prefix("h.test", "/", "s"), asking("yes", "?status=200"), asking("no", "?status=403")]].concat();
    let world = World::of(proxy).arg("--proxy-mode").arg("signal").manifest("i.yaml", &objects).build();
    let mut master = start_by_hand(&world, proxy);
    world.start_controller();
    world.until_ready();
    until_eq("the service is asked", &"s".to_owned(), || who("yes.test", "/"));
    assert_eq!([who("h.test", "/"), who("no.test", "/")], ["s", "403"]);
    changes_go_live(&world, 1);
    world.end_controller(Signal::SIGKILL);
    until_eq("nobody decides, nobody passes", &"500".to_owned(), || who("yes.test", "/"));
    assert_eq!(who("h.test", "/"), "s");
    world.start_controller();
    world.until_ready();
    until_eq("the service is asked again", &"s".to_owned(), || who("yes.test", "/"));
    assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
    send(master.id(), Signal::SIGTERM);
    master.wait().unwrap();
}

#[test]
fn signals_are_enough_for_a_proxy_that_is_started_by_hand_haproxy_2_6() {
    gatewright_e2e::net::on_a_thread_of_its_own(|| started_by_hand(Proxy::HAPROXY_2_6));
}

#[test]
fn signals_are_enough_for_a_proxy_that_is_started_by_hand_haproxy_3_2() {
    gatewright_e2e::net::on_a_thread_of_its_own(|| started_by_hand(Proxy::HAPROXY_3_2));
}

/// The proxy as another user who may read the revisions and nothing else. Only programs that everybody may run can be
/// tried: those of the system.
fn as_another_user(proxy: Proxy) {
    let world = world(proxy, "supervise");
    // In this namespace alone; its user has no capabilities.
    fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0").unwrap();
    let program = world.outside().join("gatewright");
    fs::copy(gatewright(), &program).unwrap();
    let run_dir = world.state().join("run");
    fs::create_dir(&run_dir).unwrap();
    chown(&run_dir, Some(NOBODY), Some(NOBODY)).unwrap();
    let mut supervisor = supervise(&world, Some(NOBODY), &path(&program));
    world.start_controller();
    world.until_ready();
    changes_go_live(&world, 1);
    assert_eq!(who_over_tls("h.test", "/"), "s", "it may read the keys of the controller");
    let owner = |pid: u32| fs::metadata(format!("/proc/{pid}")).unwrap().uid();
    assert_eq!([owner(supervisor.id()), owner(world.proxy_pid()), owner(world.controller_pid())], [NOBODY, NOBODY, 0]);
    send(world.proxy_pid(), Signal::SIGKILL);
    until_eq("it is started again", &"s".to_owned(), || who("h.test", "/"));
    changes_go_live(&world, 2);
    world.end_controller(Signal::SIGTERM);
    send(supervisor.id(), Signal::SIGTERM);
    assert!(supervisor.wait().unwrap().success());
}

#[test]
fn the_proxy_can_be_another_users_haproxy_2_6() {
    gatewright_e2e::net::on_a_thread_of_its_own(|| as_another_user(Proxy::HAPROXY_2_6));
}

#[test]
fn the_proxy_can_be_another_users_nginx_1_22() {
    gatewright_e2e::net::on_a_thread_of_its_own(|| as_another_user(Proxy::NGINX_1_22));
}
