//! The same hosts as somebody would write them down for nginx: a server each with its certificate, and an upstream each
//! under the name of its Service.

use crate::{median, timed, until};
use gatewright_e2e::client::connect;
use gatewright_e2e::many::{endpoints, has_certificate, host, name};
use gatewright_e2e::tls::Pair;
use gatewright_e2e::wait::PATIENCE;
use gatewright_e2e::world::{World, path, send};
use nix::sys::signal::Signal;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Of each step so many are measured.
const ROUNDS: u32 = 3;
/// Where this nginx listens, beside that of the controller.
const PORTS: (u16, u16) = (19_080, 19_443);

/// What nginx needs for them.
pub(crate) struct Plain {
    /// `nginx -t`.
    pub(crate) check: Duration,
    /// From the signal to the first answer of the new revision.
    pub(crate) load: Duration,
}

/// Measures so many hosts with the nginx of a world.
pub(crate) fn measure(world: &World, size: usize) -> Plain {
    let folder = world.outside().join("plain");
    fs::create_dir_all(&folder).expect("the folder is ours");
    let file = write(&folder, size, 0);
    let run = |arguments: &[&str]| -> Child {
        let mut command = Command::new(world.proxy.program());
        command.args(["-c", &path(&file), "-p", &path(&folder)]).args(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("nginx is installed")
    };
    let checks = (0..ROUNDS).map(|_| timed(|| assert!(run(&["-t"]).wait().is_ok_and(|status| status.success()), "nginx takes {file:?}")));
    let check = median(checks.collect());
    let mut nginx = run(&["-g", "daemon off;"]);
    until("the plain nginx answers", || revision() == Some(0));
    let loads = (1..=ROUNDS).map(|round| {
        write(&folder, size, round);
        timed(|| {
            send(nginx.id(), Signal::SIGHUP);
            until("the plain nginx answers anew", || revision() == Some(round));
        })
    });
    let load = median(loads.collect());
    send(nginx.id(), Signal::SIGTERM);
    assert!(nginx.wait().is_ok(), "it ends");
    Plain { check, load }
}

/// What the default server says.
fn revision() -> Option<u32> {
    let mut stream = connect(PORTS.0).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\nhost: plain\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.rsplit("\r\n").next()?.trim().parse().ok()
}

fn write(folder: &Path, size: usize, revision: u32) -> PathBuf {
    let (http, https) = PORTS;
    let mut text = format!(
        "pid {pid};\nerror_log {log};\nevents {{}}\nhttp {{\n  access_log off;\n  server_names_hash_max_size 32768;\n  server_names_hash_bucket_size 128;\n\
         \x20 server {{ listen {http} default_server; listen {https} ssl default_server; ssl_reject_handshake on; return 200 \"{revision}\\n\"; }}\n",
        pid = path(&folder.join("pid")),
        log = path(&folder.join("log")),
    );
    for number in 0..size {
        host_into(&mut text, folder, number, revision == 0);
    }
    text.push_str("}\n");
    let file = folder.join("nginx.conf");
    fs::write(&file, text).expect("the folder is ours");
    file
}

/// Adds a host; its certificate is written if it is not there.
fn host_into(text: &mut String, folder: &Path, number: usize, is_first: bool) {
    let (http, https) = PORTS;
    let (host, upstream) = (host(number), format!("namespace-of-all-{}-port-80", name(number)));
    let servers: String = endpoints(number).map(|address| format!(" server {address}:8080;")).collect();
    let _ = writeln!(text, "  upstream {upstream} {{{servers} }}");
    let _ = writeln!(text, "  server {{\n    server_name {host};\n    listen {http};");
    if has_certificate(number) {
        let file = path(&folder.join(format!("{}.pem", name(number))));
        if is_first {
            let pair = Pair::new(&[&host]);
            fs::write(&file, pair.certificate + &pair.key).expect("the folder is ours");
        }
        let _ = writeln!(text, "    listen {https} ssl;\n    ssl_certificate {file};\n    ssl_certificate_key {file};");
    }
    for place in ["/", "/api/", "= /api"] {
        let _ = writeln!(
            text,
            "    location {place} {{ proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; \
             proxy_set_header X-Forwarded-Proto $scheme; proxy_pass http://{upstream}; }}"
        );
    }
    text.push_str("  }\n");
}
