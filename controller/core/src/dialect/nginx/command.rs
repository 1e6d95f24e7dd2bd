//! How nginx is started and checked, and how its answers are read.

use super::word::literal;
use crate::dialect::{Launch, Refusal, Streams, Version, common};
use std::path::Path;

/// Reads `nginx version: nginx/1.22.1`.
pub(super) fn version(printed: &str) -> Option<Version> {
    let (_, rest) = printed.split_once("version:")?;
    let (_, rest) = rest.split_once('/')?;
    let digits = rest.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut numbers = digits.split('.').map(str::parse::<u16>);
    let mut next = || numbers.next()?.ok();
    Some(Version(next()?, next()?, next().unwrap_or(0)))
}

/// Reads the arguments that it was built with: `--with-stream`, or `--with-stream=dynamic` and where modules are.
pub(super) fn streams(printed: &str) -> Streams {
    let arguments = || printed.split([' ', '\n']);
    if arguments().any(|argument| argument == "--with-stream") {
        return Streams::BuiltIn;
    }
    let folder = arguments().find_map(|argument| argument.strip_prefix("--modules-path="));
    match folder.filter(|_| arguments().any(|argument| argument == "--with-stream=dynamic")) {
        Some(folder) => Streams::Module(Path::new(folder).join("ngx_stream_module.so")),
        None => Streams::Never,
    }
}

/// Starts it in the foreground, with everything on the command line that must not be in its files.
pub(super) fn start_args(launch: &Launch<'_>) -> Vec<String> {
    let pid_file = literal(&launch.pid_file.to_string_lossy());
    // Before anything else: a module cannot be loaded once others are in use.
    let module = launch.stream_module.map_or_else(String::new, |path| format!("load_module {}; ", literal(&path.to_string_lossy())));
    let mut globals = format!("{module}daemon off; pid {pid_file};");
    if let Some(user) = launch.worker_user {
        globals.push_str(&format!(" user {};", literal(user)));
    }
    let run_dir = format!("{}/", launch.run_dir.display());
    let main_file = launch.main_file.display().to_string();
    ["-p", &run_dir, "-c", &main_file, "-e", "stderr", "-g", &globals].map(str::to_owned).to_vec()
}

/// Checks a main file, quietly.
pub(super) fn check_args(launch: &Launch<'_>) -> Vec<String> {
    let mut args = vec!["-t".to_owned(), "-q".to_owned()];
    args.extend(start_args(launch));
    args
}

/// Reads `nginx: [emerg] unknown directive "x" in /path/nginx.conf:12`; of several messages the first.
pub(super) fn refusal(printed: &str) -> Refusal {
    let line = printed.lines().find(|l| l.contains("[emerg]")).or_else(|| printed.lines().find(|l| !l.trim().is_empty()));
    let line = line.unwrap_or("nginx gave no reason");
    let message = without_process(line.split_once("[emerg]").map_or(line, |(_, message)| message).trim());
    common::refusal(message, position(message))
}

/// Drops the process and thread that messages on standard error begin with: `12#12: `.
fn without_process(message: &str) -> &str {
    match message.split_once(": ") {
        Some((ids, rest)) if ids.contains('#') && ids.bytes().all(|b| b.is_ascii_digit() || b == b'#') => rest,
        _ => message,
    }
}

fn position(message: &str) -> Option<(String, u32)> {
    let (before, line) = message.rsplit_once(':')?;
    let (_, file) = before.rsplit_once(" in ")?;
    Some((file.to_owned(), line.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_every_vendor_are_read() {
        for (printed, want) in [
            ("nginx version: nginx/1.22.1\n", Some(Version(1, 22, 1))),
            ("nginx version: nginx/1.28.0 (Ubuntu)", Some(Version(1, 28, 0))),
            ("nginx version: openresty/1.25.3.1", Some(Version(1, 25, 3))),
            ("nginx: command not found", None),
            ("nginx version: nginx/x", None),
        ] {
            assert_eq!(version(printed), want, "{printed}");
        }
    }

    #[test]
    fn what_forwards_tcp_is_built_in_or_a_file() {
        let module = Streams::Module("/usr/lib/nginx/modules/ngx_stream_module.so".into());
        for (printed, want) in [
            ("nginx version: nginx/1.28.0\nconfigure arguments: --prefix=/x --with-stream --with-stream_ssl_module\n", Streams::BuiltIn),
            ("configure arguments: --modules-path=/usr/lib/nginx/modules --with-stream=dynamic", module),
            ("configure arguments: --with-stream_ssl_module", Streams::Never),
            ("", Streams::Never),
        ] {
            assert_eq!(streams(printed), want, "{printed}");
        }
    }

    #[test]
    fn places_go_on_the_command_line_quoted() {
        let launch = Launch {
            main_file: Path::new("/s/current/nginx.conf"),
            run_dir: Path::new("/run/gw"),
            pid_file: Path::new("/run/my gw/pid;x"),
            worker_user: Some("www-data"),
            stream_module: Some(Path::new("/m/s.so")),
        };
        let args = start_args(&launch);
        assert_eq!(args[..6], ["-p", "/run/gw/", "-c", "/s/current/nginx.conf", "-e", "stderr"]);
        assert_eq!(args[7], "load_module /m/s.so; daemon off; pid \"/run/my gw/pid;x\"; user www-data;");
        assert_eq!(check_args(&launch)[..2], ["-t", "-q"]);
    }

    #[test]
    fn a_refusal_names_file_and_line() {
        let printed = "2026/01/01 00:00:00 [warn] 7#7: noise\n2026/01/01 00:00:00 [emerg] 7#7: unknown directive \"foo\" in /s/hosts/00-ab.conf:118\nnginx: test failed\n";
        let refusal = refusal(printed);
        assert_eq!(refusal.message, "unknown directive \"foo\" in /s/hosts/00-ab.conf:118");
        assert_eq!(refusal.at, Some(("/s/hosts/00-ab.conf".to_owned(), 118)));
    }

    #[test]
    fn a_refusal_without_a_position_is_kept_short() {
        let refusal =
            refusal(&format!("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use) {}\n", "x\u{1b}".repeat(900)));
        assert!(refusal.at.is_none() && refusal.message.len() <= 500 && !refusal.message.contains('\u{1b}'));
        assert_eq!(super::refusal("").message, "nginx gave no reason");
    }
}
