//! How HAProxy is started and checked, and how its answers are read.

use super::credentials::USERS;
use super::word::word;
use crate::dialect::{Launch, Need, Refusal, Version, common};
use std::path::Path;

/// What belongs to the place: sockets and users.
pub(super) const LAUNCH_FILE: &str = "launch.cfg";

/// Name of the socket, in the folder that the proxy runs in, that takes runtime commands for the current worker.
pub(super) const RUNTIME_SOCKET: &str = "runtime.sock";

/// Name of the master's socket.
pub(super) const MASTER_SOCKET: &str = "master.sock";

/// Reads `HAProxy version 2.6.12-1+deb12u4 2026/10/17`.
pub(super) fn version(printed: &str) -> Option<Version> {
    let (_, rest) = printed.split_once("version ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut numbers = digits.split('.').map(str::parse::<u16>);
    let mut next = || numbers.next()?.ok();
    Some(Version(next()?, next()?, next().unwrap_or(0)))
}

/// Looks for its name in the list of services.
pub(super) fn exporter(printed: &str) -> bool {
    let services = printed.lines().filter_map(|line| line.strip_prefix("Available services :"));
    services.flat_map(str::split_whitespace).any(|service| service == "prometheus-exporter")
}

/// Starts the master in the foreground. It keeps the listening sockets over a reload, and has a socket of its own.
pub(super) fn start_args(launch: &Launch<'_>) -> Vec<String> {
    let master = launch.run_dir.join(MASTER_SOCKET).display().to_string();
    let mut args = ["-W", "-S", &format!("{master},mode,600")].map(str::to_owned).to_vec();
    args.extend(files(launch));
    args.extend(["-p".to_owned(), launch.pid_file.display().to_string()]);
    args
}

/// Checks a main file. Quietly, it would not say what is wrong.
pub(super) fn check_args(launch: &Launch<'_>) -> Vec<String> {
    let mut args = vec!["-c".to_owned()];
    args.extend(files(launch));
    args
}

/// The same without the users, of whose passwords a hash would be computed each. Without the first of the files, which says
/// that they are there, nobody asks for them.
pub(super) fn check_args_without_users(folder: &Path, names: &[String]) -> Vec<String> {
    let mut read: Vec<&String> = names.iter().filter(|name| name.ends_with(".cfg") && *name != USERS).collect();
    read.sort_unstable();
    let files = read.into_iter().flat_map(|name| ["-f".to_owned(), folder.join(name).display().to_string()]);
    std::iter::once("-c".to_owned()).chain(files).collect()
}

fn files(launch: &Launch<'_>) -> Vec<String> {
    let launch_file = launch.run_dir.join(LAUNCH_FILE);
    // Of a folder, HAProxy reads the files whose names end in `.cfg`, sorted by name: the main file is the first of all, and
    // its global section has to be the first to say what it says. Of a link that is switched meanwhile, what is read later
    // is newer, and the main file tells which revision it is.
    let folder = launch.main_file.parent().unwrap_or(launch.main_file);
    [&*launch_file, folder].into_iter().flat_map(|path| ["-f".to_owned(), path.display().to_string()]).collect()
}

/// The first of the files that HAProxy reads.
pub(super) fn launch_file(launch: &Launch<'_>, worker_group: Option<u32>) -> String {
    let socket = word(&launch.run_dir.join(RUNTIME_SOCKET).to_string_lossy());
    // The last line says to the main file that the users are there.
    let mut text =
        format!("global\n    stats socket {socket} mode 600 level admin\n    stats timeout 1m\n    setenv GATEWRIGHT_USERS yes\n");
    if let Some(user) = launch.worker_user {
        text.push_str(&format!("    user {}\n", word(user)));
    }
    if let Some(group) = worker_group {
        text.push_str(&format!("    gid {group}\n"));
    }
    text
}

/// Reads `[ALERT] (12) : config : parsing [/path/haproxy.cfg:12] : unknown keyword …`; of several messages the first.
pub(super) fn refusal(printed: &str) -> Refusal {
    let line = printed.lines().find(|l| l.starts_with("[ALERT]")).or_else(|| printed.lines().find(|l| !l.trim().is_empty()));
    let line = line.unwrap_or("HAProxy gave no reason");
    let message = line.split_once(" : ").filter(|(start, _)| start.starts_with('[')).map_or(line, |(_, message)| message);
    let message = message.strip_prefix("config : ").unwrap_or(message).trim();
    common::refusal(message, position(message))
}

/// Reads what the master says to `reload`: `Success=1`, or `Success=0`, dashes, and what a check would print.
pub(super) fn reloaded(answer: &str) -> Option<Result<(), Refusal>> {
    let (first, printed) = answer.split_once('\n').unwrap_or((answer, ""));
    match first.trim() {
        "Success=1" => Some(Ok(())),
        "Success=0" => Some(Err(refusal(printed.trim_start_matches(['-', '\n'])))),
        _ => None,
    }
}

/// What the master passes on to one of its workers.
pub(super) fn questions_about_worker(pid: i32) -> [String; 2] {
    ["info", "sess"].map(|what| format!("@!{pid} show {what}"))
}

/// Of an idle connection nothing is shown; the line that is always there is about the question itself.
pub(super) fn need_of_worker([info, streams]: &[String; 2]) -> Need {
    let says = |what: &str| info.lines().any(|line| line.trim() == what);
    let mut shown = streams.lines().filter(|line| !line.trim().is_empty()).peekable();
    let is_idle = shown.peek().is_some() && shown.all(|line| line.starts_with("0x") && line.contains(" fe=GLOBAL "));
    match (says("Stopping: 0"), says("Stopping: 1")) {
        (true, _) => Need::Everybody,
        (_, true) if is_idle => Need::Nobody,
        _ => Need::Some,
    }
}

/// The place in brackets: `[/path/haproxy.cfg:12]`.
fn position(message: &str) -> Option<(String, u32)> {
    message.match_indices('[').find_map(|(at, _)| {
        let (inside, _) = message[at + 1..].split_once(']')?;
        let (file, line) = inside.rsplit_once(':')?;
        Some((file.to_owned(), line.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exporter_is_looked_for_among_the_services() {
        let with = |services: &str| {
            exporter(&format!("HAProxy version 3.2.0\nUsable : no\nAvailable services :{services}\nAvailable filters :\n"))
        };
        assert_eq!([" prometheus-exporter", " x prometheus-exporter", " none", ""].map(with), [true, true, false, false]);
    }

    #[test]
    fn versions_of_every_vendor_are_read() {
        for (printed, want) in [
            ("HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\nStatus: x", Some(Version(2, 6, 12))),
            ("HA-Proxy version 2.2.9-2 2021/01/01", Some(Version(2, 2, 9))),
            ("HAProxy version 3.4-dev3-abc", Some(Version(3, 4, 0))),
            ("haproxy: command not found", None),
            ("HAProxy version x", None),
        ] {
            assert_eq!(version(printed), want, "{printed}");
        }
    }

    #[test]
    fn places_go_on_the_command_line_and_into_the_launch_file() {
        let launch = Launch {
            main_file: Path::new("/s/current/haproxy.cfg"),
            run_dir: Path::new("/run/my gw"),
            pid_file: Path::new("/run/pid"),
            worker_user: Some("www-data"),
            stream_module: None,
        };
        let files = ["-f", "/run/my gw/launch.cfg", "-f", "/s/current"];
        let args = start_args(&launch);
        assert_eq!(args[..3], ["-W", "-S", "/run/my gw/master.sock,mode,600"]);
        assert_eq!((&args[3..7], &args[7..]), (&files.map(str::to_owned)[..], &["-p", "/run/pid"].map(str::to_owned)[..]));
        assert_eq!(check_args(&launch)[1..], files);
        let text = "global\n    stats socket '/run/my gw/runtime.sock' mode 600 level admin\n    stats timeout 1m\n    \
                    setenv GATEWRIGHT_USERS yes\n    user www-data\n    gid 33\n";
        assert_eq!(launch_file(&launch, Some(33)), text);
    }

    #[test]
    fn without_the_users_all_other_files_are_checked_and_the_main_one_first() {
        let names = ["sections-01.cfg", "users.cfg", "maps", "haproxy.cfg", "sections-00.cfg", "tls"].map(str::to_owned);
        let files = ["-f", "/s/haproxy.cfg", "-f", "/s/sections-00.cfg", "-f", "/s/sections-01.cfg"];
        assert_eq!(check_args_without_users(Path::new("/s"), &names), [&["-c"][..], &files].concat());
    }

    #[test]
    fn a_refusal_names_file_and_line() {
        let printed = "[NOTICE]   (7) : haproxy version is 2.6.12\n[WARNING]  (7) : noise\n\
            [ALERT]    (7) : config : parsing [/s/haproxy.cfg:118] : unknown keyword 'foo' in 'backend' section\n[ALERT]    (7) : config : Fatal errors found in configuration.\n";
        let refusal = refusal(printed);
        assert_eq!(refusal.message, "parsing [/s/haproxy.cfg:118] : unknown keyword 'foo' in 'backend' section");
        assert_eq!(refusal.at, Some(("/s/haproxy.cfg".to_owned(), 118)));
    }

    #[test]
    fn the_master_says_whether_it_has_loaded() {
        assert_eq!(reloaded("Success=1\n--\n[NOTICE]   (7) : Loading success.\n"), Some(Ok(())));
        let no = "Success=0\n--\n[NOTICE]   (7) : haproxy version is 3.0.11\n[ALERT]    (7) : Binding [/s/haproxy.cfg:14] for frontend f: cannot bind socket\n";
        let refused = reloaded(no).and_then(Result::err).unwrap();
        assert_eq!(refused.message, "Binding [/s/haproxy.cfg:14] for frontend f: cannot bind socket");
        assert_eq!(refused.at, Some(("/s/haproxy.cfg".to_owned(), 14)));
        assert_eq!((reloaded(""), reloaded("Unknown command\n")), (None, None));
    }

    #[test]
    fn nobody_needs_a_worker_that_shows_nothing_but_the_question() {
        let question = "0x7f06: proto=sockpair src=unix:2 fe=GLOBAL be=<NONE> srv=<none> ts=00 age=0s\n";
        let request = "0x7f07: proto=tcpv4 src=127.0.0.1:1 fe=public be=a srv=s ts=00 age=0s\n";
        let need = |info: &str, streams: &str| need_of_worker(&[info.to_owned(), streams.to_owned()]);
        let old = "Name: HAProxy\nStopping: 1\nJobs: 3\n";
        assert_eq!(need(old, question), Need::Nobody);
        assert_eq!(need(old, &format!("{question}{request}")), Need::Some, "a request is on its way");
        assert_eq!(need("Name: HAProxy\nStopping: 0\n", question), Need::Everybody, "it serves");
        assert_eq!([need(old, ""), need("", question)], [Need::Some; 2], "it did not say");
        assert_eq!(need(old, "Can't find the target PID matching the prefix '@!9'"), Need::Some);
    }

    #[test]
    fn a_refusal_without_a_position_is_kept_short() {
        let refusal = refusal(&format!("[ALERT]    (7) : Starting frontend [x]: cannot bind {}\n", "x\u{1b}".repeat(900)));
        assert!(refusal.at.is_none() && refusal.message.len() <= 500 && !refusal.message.contains('\u{1b}'));
        assert_eq!(super::refusal("").message, "HAProxy gave no reason");
    }
}
