//! nginx, stock and unpatched, from 1.22 on. What a template arranges is decided here.

mod command;
mod credentials;
mod expression;
mod features;
pub mod grammar;
mod groups;
mod origin;
mod view;
mod vocabulary;
mod word;

use super::{Dialect, Signal, StreamProbe, Version};
use crate::model::Approximation;
use crate::names::PathLimits;

pub use view::View;

/// Name and text of a template, embedded in the program.
macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../templates/nginx/", $name)))),*]
    };
}

/// What ingress-nginx does with modules or Lua, and is done in another way.
const APPROXIMATES: &[Approximation] = &[
    Approximation::new("auth-signin", "the first 64 characters of the target that need it are encoded"),
    Approximation::new("canary-weight-total", "shares are steps of a hundredth of a percent"),
    Approximation::new("configuration-snippet", "directives that are read have their meaning, and with others the Ingress is left out"),
    Approximation::new("load-balance", "ewma is the better one of two endpoints at random"),
    Approximation::new("server-snippet", "directives that are read have their meaning, and with others the Ingress is left out"),
    Approximation::new("session-cookie-expires", "it is said as Max-Age"),
    Approximation::new("ssl-passthrough", "only with nginx's stream module, and not together with use-forwarded-headers or enable-real-ip"),
];

/// nginx.
pub static NGINX: Dialect = Dialect {
    name: "nginx",
    title: "NGINX",
    program: "nginx",
    main_file: "nginx.conf",
    version_args: &["-V"],
    oldest: Version(1, 22, 1),
    newest: Version(1, 30, 0),
    version: command::version,
    streams: Some(StreamProbe { read: command::streams, smallest_file: "events {}\n" }),
    exporter: None,
    start_args: command::start_args,
    check_args: command::check_args,
    reload: Signal::Hup,
    reload_socket: None,
    drain: Signal::Quit,
    refusal: command::refusal,
    templates: templates![
        "nginx.conf.tera",
        "client.tera",
        "tls.tera",
        "request.tera",
        "upstream.tera",
        "log.tera",
        "status.tera",
        "passthrough.tera",
        "stream.tera",
        "streams.tera",
        "host.tera",
        "route.tera",
        "error.tera",
        "backend.tera",
        "maps.tera",
        "route/canary.tera",
        "route/fastcgi.tera",
        "route/forwarding.tera",
        "route/grpc.tera",
        "certificate.tera",
        "escape.tera",
        "limits.tera",
        "host/cors.tera",
        "route/answers.tera",
        "route/chosen.tera",
        "route/answered.tera",
        "route/paths.tera",
        "route/raw.tera",
        "route/auth.tera",
        "route/auth_location.tera",
        "route/buffering.tera",
        "route/cookies.tera",
        "route/cors.tera",
        "route/errors.tera",
        "route/headers.tera",
        "route/https_redirect.tera",
        "route/limits.tera",
        "route/mirror.tera",
        "route/mirror_location.tera",
        "route/redirect.tera",
        "route/rewrite.tera",
        "route/sign_in.tera",
        "route/sources.tera",
        "route/timeouts.tera",
        "route/tls.tera",
        "server/app_root.tera",
        "server/client_auth.tera",
        "server/tls.tera",
    ],
    main_template: "nginx.conf.tera",
    print_word: |text, out| out.write_all(word::word(text).as_bytes()),
    filters: &[("literal", word::literal), ("variable", word::variable), ("expression", expression::print)],
    groups: groups::groups,
    main: view::main,
    certificate_path: groups::certificate_path,
    credential_files: credentials::files,
    certificates_read_live: true,
    launch_files: &[],
    published_link: Some("published"),
    agent_socket: None,
    check_grammar: vocabulary::check,
    origin_at: origin::origin_at,
    runtime: None,
    unknown_hashes: &[],
    time_for_hashes: None,
    slow_file: None,
    path_limits,
    // The directives about headers are for all listeners of a host, and on the inner one every peer is the loopback.
    passes_behind_headers: false,
    lacks: |_| super::common::LACKS_TRACING.to_vec(),
    approximates: APPROXIMATES,
    opens_stdout: true,
    unknown_variables: Vec::new,
    // It knows the headers that it hides by their whole names.
    unknown_directives: |_| &["more_clear_headers *"],
};

/// Early versions keep the length of a location's name in one byte: a longer one stands for its beginning, and takes what
/// belongs to that.
fn path_limits(version: Version) -> PathLimits {
    const LONG_SINCE: Version = Version(1, 26, 0);
    const MOST_BYTES: usize = u8::MAX as usize;
    if version < LONG_SINCE { PathLimits { most_bytes: MOST_BYTES, ..PathLimits::default() } } else { PathLimits::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_template_switches_the_word_printer_off() {
        for (name, text) in NGINX.templates {
            for forbidden in ["safe", "autoescape", "raw", "set_global"] {
                assert!(!text.contains(&format!("| {forbidden}")) && !text.contains(&format!("% {forbidden}")), "{name}: {forbidden}");
                assert!(!text.contains(&format!("|{forbidden}")), "{name}: {forbidden}");
            }
        }
    }

    /// A quoted word glued to other text is not one word, so a value stands alone unless it is a number or a checked name.
    #[test]
    fn every_printed_value_is_a_word_of_its_own() {
        let glued = [
            "http://{{ error.backend }}",
            "max={{ tls.certificate_cache }}",
            "escape={{ log.escape }}",
            "({{ route.canary.flag | expression }}",
        ];
        for (name, text) in NGINX.templates {
            let mut text = (*text).to_owned();
            for known in glued {
                text = text.replace(known, "");
            }
            for (at, _) in text.match_indices("{{") {
                let variable = text[at..].split("}}").next().is_some_and(|inside| inside.contains("| variable"));
                assert!(variable || at == 0 || text[..at].ends_with([' ', '\n', '}']), "{name}: {}", &text[at..at + 20]);
            }
        }
    }
}
