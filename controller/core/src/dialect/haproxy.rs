//! HAProxy, stock and unpatched, from 2.6 on. What a template arranges is decided here.
//!
//! # How a request finds its way
//!
//! One frontend looks the host up in `maps/hosts.map` (exact names) and `maps/wildcards.map` (one label), then host and
//! path in `maps/exact.map` and `maps/prefix.map` (longest prefix). The value is the name of a *section*, a HAProxy
//! `backend`: there is one for every pair of Service port and policy, and one for every answer of our own. All paths are
//! stable and relative to the main file, for a file's path is its name on the runtime socket. Sections stand in files beside
//! the main one, `sections-3f.cfg`: HAProxy is started with the folder, of which it reads the main file first.
//!
//! # How a feature gets its HAProxy side
//!
//! 1. A wish for routes is part of the section's key already: routes that differ in their policy have sections of their
//!    own. `view/route.rs` says what it is for the template. Wishes of hosts have their place in `groups.rs`, those of
//!    backends in `view/section.rs`. Then its name goes into the lists of `lacks.rs`: until then its routes are closed.
//! 2. `templates/haproxy/route/NAME.tera` says it, in lines of a `backend`: `http-request`, `http-response`, `timeout`…;
//!    `backend.tera` includes it at its place (the order is explained there), and `haproxy.rs` lists it.
//! 3. New keywords and fetches go into `vocabulary.rs`.
//! 4. What cannot be done is a line in `lacks.rs`; a protection says that it closes the route.
//!
//! Templates print every value as a word of its own: `{{ x }}` where HAProxy takes the word as it is, `{{ x | format }}`
//! where it looks for `%[…]` in it, `-- {{ x | pattern }}` in a condition, `{{ x | name }}` inside an expression (letters,
//! digits, `_`, `-` and `.` only). A test reads the templates and says so.
//!
//! # What differs from nginx
//!
//! - Pages for error answers of endpoints (`custom-http-errors`) fit into half a buffer, and before 3.2 have one line; those for most errors of HAProxy
//!   itself are its own.
//! - Requests are mirrored by the agent, which knows of a body what fits into a buffer together with the head; larger ones
//!   are not mirrored, and none while 32 MiB of copies are on their way.
//! - Bodies without a length are not limited; compression is gzip, without a shortest length before 3.2.
//! - Bodies and answers are streamed, so settings of buffers and their sizes mean nothing.
//! - Requests of a client's connection are counted with HTTP/2 only, from version 3.0 on (`keep-alive-requests`); those of a
//!   connection to an endpoint with HTTP/2 only (`upstream-keepalive-requests`).
//! - Headers of one request may have as many bytes as `large-client-header-buffers` in all; a longer one is answered 400.
//!   Path and query may have as many as one of them, and no more than a third of all; longer ones are answered 414.
//! - Requests are counted with times in whole milliseconds; of one that was tried several times the last try counts,
//!   and of a client that did not wait for the answer the answer does.
//! - The access log counts bytes with the header, and times in milliseconds unless `log-format-upstream` asks for them. There,
//!   control characters are as in JSON, and a character that is no UTF-8, or beyond U+FFFF, is left out. The `$status` of a
//!   stream is how HAProxy says it ended.
//! - A single endpoint that refuses a connection is tried again after a second, as often as `proxy-next-upstream-tries` says.
//! - Any number of authorities may stand between a client's certificate and the one that it is checked with.
//! - TLS sessions are not resumed as soon as one host checks certificates of clients.
//! - What clients have used of their limits is forgotten at a reload; requests that come at once on several threads may
//!   be counted as one.
//! - Names of session cookies are compared with case. One client's session is found by the cookie alone.
//! - A client with a session at an endpoint that is away gets 502 unless `session-cookie-change-on-failure` is set. Where
//!   the session names the endpoint, a new client does as well.
//! - Keys of hashes and sessions pick other endpoints than with nginx.
//! - Addresses are read from at most eight entries of `X-Forwarded-For`.

mod agent;
mod certificates;
mod clients;
mod command;
mod credentials;
mod expression;
pub mod grammar;
mod groups;
mod lacks;
mod log;
mod map_order;
mod origin;
mod owned;
mod path_expressions;
mod received;
mod runtime;
pub mod sections;
mod sources;
mod view;
mod vocabulary;
mod word;

pub use sources::Memory;

use super::{Dialect, Exporter, LaunchFile, OldWorkers, ReloadSocket, RuntimeLane, Signal, SlowFile, Version};
use crate::names::PathLimits;

pub use view::View;

/// Name and text of a template, embedded in the program.
macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../templates/haproxy/", $name)))),*]
    };
}

/// HAProxy.
pub static HAPROXY: Dialect = Dialect {
    name: "haproxy",
    title: "HAProxy",
    program: "haproxy",
    main_file: "haproxy.cfg",
    version_args: &["-vv"],
    oldest: Version(2, 6, 0),
    newest: Version(3, 2, 0),
    version: command::version,
    streams: None,
    exporter: Some(Exporter { target: "/gatewright/metrics?scope=global&scope=frontend", is_built_in: command::exporter }),
    start_args: command::start_args,
    check_args: command::check_args,
    reload: Signal::Usr2,
    reload_socket: Some(ReloadSocket {
        socket: command::MASTER_SOCKET,
        since: Version(2, 7, 0),
        command: "reload",
        read: command::reloaded,
    }),
    drain: Signal::Usr1,
    refusal: command::refusal,
    templates: templates![
        "haproxy.cfg.tera",
        "global.tera",
        "defaults.tera",
        "public.tera",
        "log.tera",
        "request.tera",
        "joined.tera",
        "lines.tera",
        "routing.tera",
        "canary.tera",
        "response.tera",
        "status.tera",
        "stream.tera",
        "passthrough.tera",
        "passed.tera",
        "backend.tera",
        "fastcgi.tera",
        "route/answers.tera",
        "route/app_root.tera",
        "route/client_auth.tera",
        "route/condition.tera",
        "route/encoded.tera",
        "route/path_variables.tera",
        "route/paths.tera",
        "route/extra_answers.tera",
        "route/if.tera",
        "route/also_if.tera",
        "route/extra_headers.tera",
        "route/forwarded.tera",
        "route/guards.tera",
        "route/external_auth.tera",
        "route/limits.tera",
        "route/mirror.tera",
        "route/pages.tera",
        "route/https_redirect.tera",
        "route/spread.tera",
        "route/timeouts.tera",
        "route/error.tera",
        "map.tera",
        "certificate.tera",
    ],
    main_template: "haproxy.cfg.tera",
    print_word: |text, out| out.write_all(word::word(text).as_bytes()),
    filters: &[
        ("format", word::format),
        ("pattern", word::pattern),
        ("name", word::name),
        ("key", word::key),
        ("expression", expression::print),
        ("expression_key", word::expression_key),
    ],
    groups: groups::groups,
    main: view::main,
    certificate_path: certificates::certificate_path,
    credential_files: credentials::files,
    certificates_read_live: false,
    launch_files: &[
        LaunchFile { name: command::LAUNCH_FILE, text: command::launch_file },
        LaunchFile { name: agent::FILE, text: |_, _| agent::TEXT.to_owned() },
    ],
    published_link: None,
    agent_socket: Some(agent::SOCKET),
    check_grammar: vocabulary::check,
    origin_at: origin::origin_at,
    runtime: Some(RuntimeLane {
        socket: command::RUNTIME_SOCKET,
        plan: runtime::plan,
        old_workers: OldWorkers {
            socket: command::MASTER_SOCKET,
            questions: command::questions_about_worker,
            need: command::need_of_worker,
        },
    }),
    unknown_hashes: credentials::UNKNOWN_HASHES,
    time_for_hashes: Some(credentials::TIME_FOR_HASHES),
    slow_file: Some(SlowFile { name: credentials::USERS, check_args: command::check_args_without_users }),
    // A blank ends the key of a line of a map.
    path_limits: |_| PathLimits { blanks: false, ..PathLimits::default() },
    passes_behind_headers: true,
    lacks: lacks::lacks,
    approximates: lacks::APPROXIMATES,
    opens_stdout: false,
    unknown_variables: expression::unknown_variables,
    unknown_directives: lacks::unknown_directives,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_template_switches_the_word_printer_off() {
        for (name, text) in HAPROXY.templates {
            for forbidden in ["safe", "autoescape", "raw", "set_global"] {
                assert!(!text.contains(&format!("| {forbidden}")) && !text.contains(&format!("% {forbidden}")), "{name}: {forbidden}");
                assert!(!text.contains(&format!("|{forbidden}")), "{name}: {forbidden}");
            }
        }
    }

    /// Keywords whose next words HAProxy reads as formats.
    const FORMATS: &[&str] = &["set-header", "add-header", "set-var-fmt", "lf-string", "location", "set-path", "set-pathq", "set-uri"];

    /// A quoted word glued to other text, or inside quotes, is not one word; a format evaluates what is in it, and a
    /// pattern may be a flag.
    #[test]
    fn every_printed_value_is_a_word_of_its_own_in_the_right_way() {
        for (name, text) in HAPROXY.templates {
            for line in text.lines() {
                for (at, _) in line.match_indices("{{") {
                    let (before, inside) = (&line[..at], line[at..].split("}}").next().unwrap());
                    let place = format!("{name}: {line}");
                    // A name is a part of a word, in quotes or not.
                    if inside.contains("| name") {
                        continue;
                    }
                    assert_eq!(before.matches('\'').count() % 2, 0, "inside quotes: {place}");
                    let plain = before.ends_with([' ', '}']) || before.is_empty();
                    assert!(plain, "glued: {place}");
                    let keyword = FORMATS.iter().any(|keyword| before.contains(&format!(" {keyword} ")));
                    let condition = before.contains(" if {") || before.contains(" if !{");
                    let number = [" gt ", " eq ", " -m int ", " in client_auth.good %} ", " in page.good %} "]
                        .iter()
                        .any(|end| before.ends_with(end));
                    match (keyword, condition) {
                        (_, true) => assert!(number || before.ends_with("-- "), "a pattern without --: {place}"),
                        (true, false) => {
                            let of_ours = before.ends_with(" set-header ")
                                || before.ends_with(" add-header ")
                                || before.contains(" code ")
                                || inside.contains("error.status");
                            assert!(of_ours || inside.contains("| format") || inside.contains("| expression"), "a format: {place}");
                        }
                        (false, false) => {}
                    }
                }
            }
        }
    }
}
