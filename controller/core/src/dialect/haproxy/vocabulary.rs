//! Which keywords our templates may write, and where. Everything that loads code, reads files of others, runs scripts or
//! tells the environment is missing here, so a template (or a value that got through all other nets) cannot say it.

use super::grammar::{Line, Word, numbered, read};
use crate::dialect::{GrammarError, Place};

/// A kind of section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Global,
    Defaults,
    Frontend,
    Backend,
    FastCgi,
}

/// Checks a rendered file against the lists below.
///
/// # Errors
/// With the first line that does not belong there.
pub(super) fn check(bytes: &[u8], place: Place) -> Result<(), GrammarError> {
    match place {
        Place::Main | Place::Hosts | Place::Streams => check_sections(&read(bytes)?),
        Place::Map => check_lines(bytes, |line| line.split_once(' ').is_some_and(|(key, value)| is_key(key) && is_value(value))),
        Place::CertificateList => check_lines(bytes, is_certificate_line),
    }
}

fn check_lines(bytes: &[u8], good: impl Fn(&str) -> bool) -> Result<(), GrammarError> {
    for (number, line) in numbered(bytes)? {
        if !good(line) {
            return Err(GrammarError::about(number, "no template writes the line", line));
        }
    }
    Ok(())
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('#') && !text.contains(char::is_whitespace)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:*".contains(&b))
}

/// A name, and labels that are percent-encoded.
fn is_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b == b'%' || is_name(&char::from(b).to_string()))
}

fn is_certificate_line(line: &str) -> bool {
    let filter = |text: &str| is_name(text.trim_start_matches('!'));
    let Some((path, rest)) = line.split_once(' ') else { return false };
    let names = match rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        None => rest,
        Some((options, names)) if are_options(options) => names,
        Some(_) => return false,
    };
    line.starts_with("# ") || (is_own_path(path) && names.split(' ').all(filter))
}

/// What may stand in brackets behind a certificate.
fn are_options(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let is_list = |list: &str| list.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_+!@:=".contains(&b));
    words.chunks(2).all(|pair| match pair {
        ["verify", "optional"] => true,
        ["ca-file" | "crl-file", path] => is_own_path(path),
        ["ciphers", list] => is_list(list),
        _ => false,
    })
}

/// Relative, inside the folder of the main file.
fn is_own_path(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_./".contains(&b);
    !path.is_empty() && path.bytes().all(plain) && !path.starts_with('/') && !path.split('/').any(|part| part == "..")
}

fn check_sections(lines: &[Line<'_>]) -> Result<(), GrammarError> {
    let mut section = None;
    for line in lines {
        let refuse = |what: &str, word: &str| Err(GrammarError::about(line.number, what, word));
        let keyword = &line.words[0];
        match (line.indented, section) {
            (false, _) => match section_of(&line.words) {
                Some(opened) => section = Some(opened),
                None => return refuse("no template opens the section", &keyword.text),
            },
            (true, Some(section)) if !keyword.quoted && may_say(section, &line.words) => {}
            (true, _) => return refuse("no template says the keyword", &keyword.text),
        }
        let broken = |(at, word): &(usize, &Word<'_>)| word.text.contains(char::is_control) && !is_answered(&line.words, *at);
        if let Some((_, word)) = line.words.iter().enumerate().find(broken) {
            return refuse("a control character in", &word.text);
        }
        if let Some(word) = line.words.iter().find(|word| names_a_file(word)) {
            return refuse("a file that is not ours in", &word.text);
        }
        let formats = line.words.iter().take_while(|word| word.quoted || word.text != "if").filter(|_| takes_formats(&keyword.text));
        if let Some(word) = formats.into_iter().find(|word| !fetches(&word.text).all(|fetch| FETCHES.contains(&fetch))) {
            return refuse("a value that no template asks for in", &word.text);
        }
        let file = line.words.windows(2).find(|pair| FILES.contains(&&*pair[0].text) && !pair[0].quoted && !is_own_path(&pair[1].text));
        if let Some(pair) = file {
            return refuse("a path that is not ours after", &pair[0].text);
        }
    }
    Ok(())
}

/// Whether a word is the text of an answer; a header of one would end at a line break, and others begin.
fn is_answered(words: &[Word<'_>], at: usize) -> bool {
    let returns = matches!(words, [rules, action, ..] if !action.quoted && rules.text == "http-request" && action.text == "return");
    let before = at.checked_sub(1).and_then(|before| words.get(before));
    returns && before.is_some_and(|before| !before.quoted && matches!(&*before.text, "string" | "lf-string"))
}

fn section_of(words: &[Word<'_>]) -> Option<Section> {
    match words {
        [keyword] if keyword.text == "global" => Some(Section::Global),
        [keyword, rest @ ..] if keyword.text == "defaults" => are_defaults(rest).then_some(Section::Defaults),
        [keyword, _] if keyword.text == "frontend" => Some(Section::Frontend),
        [keyword, _] if keyword.text == "backend" => Some(Section::Backend),
        [keyword, _, from, defaults] if from.text == "from" => match (&*keyword.text, &*defaults.text) {
            ("frontend", "clients") => Some(Section::Frontend),
            ("backend", "routes") => Some(Section::Backend),
            _ => None,
        },
        [keyword, _] if keyword.text == "fcgi-app" => Some(Section::FastCgi),
        _ => None,
    }
}

/// What may follow `defaults`.
fn are_defaults(words: &[Word<'_>]) -> bool {
    let said: Vec<&str> = words.iter().map(|word| &*word.text).collect();
    matches!(said[..], ["common"] | ["clients" | "routes", "from", "common"] | ["from", "common"])
}

/// The keyword, and the action where rules have one. Parts in brackets are arguments.
fn may_say(section: Section, words: &[Word<'_>]) -> bool {
    let name = |word: &Word<'_>| word.text.split_once('(').map_or_else(|| word.text.to_string(), |(name, _)| name.to_owned());
    let keyword = &*words[0].text;
    if section == Section::Frontend
        && words.iter().take(3).map(|word| &*word.text).eq(["http-request", "use-service", "prometheus-exporter"])
    {
        return true;
    }
    if RULES.contains(&keyword) && !matches!(section, Section::Global | Section::FastCgi) {
        return words.get(1).is_some_and(|action| !action.quoted && ACTIONS.contains(&&*name(action)));
    }
    if keyword == "filter" {
        // The file of the agent is no part of a revision.
        let said: Vec<&str> = words.iter().skip(1).map(|word| &*word.text).collect();
        return section == Section::Backend
            && (said.first() == Some(&"bwlim-out")
                || said == ["compression"]
                || matches!(said[..], ["fcgi-app", _] | ["spoe", "engine", "ask" | "mirror" | "pages", "config", "ask.spoe"]));
    }
    if keyword == "http-error" {
        let said: Vec<&str> = words.iter().skip(1).map(|word| &*word.text).collect();
        return section == Section::Defaults && matches!(said[..], ["status", "503", "content-type", "text/html", "lf-string", _]);
    }
    if keyword == "tcp-request" {
        let rule: Vec<String> = words.iter().skip(1).take(2).map(name).collect();
        return section == Section::Frontend
            && matches!(rule.as_slice(), [at, what] if at == "inspect-delay" || TCP_ACTIONS.contains(&(&**at, &**what)));
    }
    if let ".if" | ".endif" = keyword {
        let said: Vec<&str> = words.iter().map(|word| &*word.text).collect();
        return section == Section::Backend && matches!(said[..], [".if", "defined(GATEWRIGHT_USERS)"] | [".endif"]);
    }
    match section {
        Section::Global => GLOBAL.contains(&keyword),
        Section::Defaults => DEFAULTS.contains(&keyword),
        Section::Frontend => FRONTEND.contains(&keyword),
        // The way without an option in front of the keyword that is switched off.
        Section::Backend if keyword == "no" => words.get(1).is_some_and(|word| !word.quoted && word.text == "option"),
        Section::Backend => BACKEND.contains(&keyword),
        Section::FastCgi => FASTCGI.contains(&keyword),
    }
}

/// Whether a word reads patterns from a file, or a map that is not one of ours.
fn names_a_file(word: &Word<'_>) -> bool {
    let flag = !word.quoted && matches!(&*word.text, "-f" | "-M");
    let mut maps = word.text.match_indices(",map_").map(|(at, _)| &word.text[at..]);
    let is_ours = |map: &str| {
        let path = map.split_once('(').and_then(|(_, rest)| rest.split([',', ')']).next());
        path.is_some_and(|path| path.starts_with("maps/") && is_own_path(path))
    };
    flag || !maps.all(is_ours)
}

/// Whether formats are evaluated in words of a line that begins with this one.
fn takes_formats(keyword: &str) -> bool {
    RULES.contains(&keyword)
        || matches!(keyword, "http-error" | "log-format" | "log-format-sd" | "set-param" | "use_backend" | "use-server")
}

/// The first words of the expressions in a format: `src` in `%[src]`; a doubled `%` begins none.
fn fetches(text: &str) -> impl Iterator<Item = &str> {
    let is_alone = |at: usize| text[..at].bytes().rev().take_while(|&b| b == b'%').count() % 2 == 0;
    let begins = text.match_indices("%[").filter(move |(at, _)| is_alone(*at));
    let has_flags = move |at: usize| text[..at].match_indices("%{").any(|(from, _)| is_alone(from) && !text[from..at].contains('}'));
    let flagged = text.match_indices("}[").filter(move |(at, _)| has_flags(*at));
    begins.chain(flagged).map(|(at, mark)| text[at + mark.len()..].split(['(', ',', ']']).next().unwrap_or_default())
}

/// Fetches that templates use in formats.
const FETCHES: &[&str] = &[
    "capture.req.hdr",
    "date",
    "dst",
    "dst_port",
    "hostname",
    "http_auth_user",
    "method",
    "path",
    "pathq",
    "query",
    "req.fhdr",
    "req.hdr",
    "req.ssl_sni",
    "req.ver",
    "res.fhdr",
    "src",
    "src_port",
    "srv_name",
    "ssl_c_der",
    "ssl_c_i_dn",
    "ssl_c_s_dn",
    "ssl_c_sha1",
    "ssl_c_verify",
    "ssl_fc",
    "ssl_fc_cipher",
    "ssl_fc_protocol",
    "ssl_fc_sni",
    "status",
    "str",
    "txn.sess_term_state",
    "uuid",
    "var",
];

/// Words that a file follows.
const FILES: &[&str] = &["ca-file", "crl-file", "crt", "crt-list", "ssl-dh-param-file", "tls-ticket-keys"];

const RULES: &[&str] = &["http-after-response", "http-request", "http-response"];

const ACTIONS: &[&str] = &[
    "add-header",
    "capture",
    "del-header",
    "deny",
    "disable-l7-retry",
    "normalize-uri",
    "reject",
    "replace-header",
    "replace-path",
    "return",
    "sc-set-gpt",
    "send-spoe-group",
    "set-bandwidth-limit",
    "set-header",
    "set-log-level",
    "set-method",
    "set-path",
    "set-pathq",
    "set-query",
    "set-src",
    "set-status",
    "set-uri",
    "set-var",
    "set-var-fmt",
    "track-sc0",
    "unset-var",
    "wait-for-body",
];

const TCP_ACTIONS: &[(&str, &str)] = &[
    ("connection", "expect-proxy"),
    ("connection", "set-var"),
    ("content", "accept"),
    ("content", "set-log-level"),
    ("session", "set-src"),
    ("session", "set-var"),
];

const GLOBAL: &[&str] = &[
    "default-path",
    "expose-experimental-directives",
    "fd-hard-limit",
    "hard-stop-after",
    "mworker-max-reloads",
    "nbthread",
    "set-var",
    "ssl-default-bind-ciphers",
    "ssl-default-bind-curves",
    "ssl-default-bind-options",
    "ssl-dh-param-file",
    "tune.bufsize",
    "tune.comp.maxlevel",
    "tune.h2.fe.glitches-threshold",
    "tune.h2.fe.max-total-streams",
    "tune.h2.max-concurrent-streams",
    "tune.http.maxhdr",
    "tune.maxaccept",
    "tune.maxrewrite",
    "tune.ssl.cachesize",
    "tune.ssl.lifetime",
    "tune.ssl.maxrecord",
];

const DEFAULTS: &[&str] = &["default-server", "http-reuse", "mode", "option", "retries", "retry-on", "timeout"];

const FRONTEND: &[&str] = &[
    "acl",
    "bind",
    "compression",
    "declare",
    "default_backend",
    "log",
    "log-format",
    "log-format-sd",
    "mode",
    "option",
    "stats",
    "timeout",
    "use_backend",
];

const BACKEND: &[&str] = &[
    "acl",
    "balance",
    "compression",
    "filter",
    "force-persist",
    "hash-type",
    "mode",
    "option",
    "retries",
    "retry-on",
    "server",
    "stats",
    "stick-table",
    "timeout",
    "use-fcgi-app",
    "use-server",
];

const FASTCGI: &[&str] = &["docroot", "index", "set-param"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_looks_like_an_expression_is_a_text() {
        for text in ["a%%[env(HOME)]", "a%%{x}[env(HOME)]", "a}[env(HOME)]", "%%%%{+Q}[x]"] {
            let line = format!("backend x\n    http-request set-header a '{text}'\n");
            assert_eq!(check(line.as_bytes(), Place::Hosts).map_err(|error| error.message), Ok(()), "{text}");
        }
    }

    #[test]
    fn lines_that_no_template_says_are_refused() {
        for (text, place, line) in [
            ("global\n    lua-load x.lua\n", Place::Main, 2),
            ("global\n    chroot /\n", Place::Main, 2),
            ("global\n    stats socket /x level admin\n", Place::Main, 2),
            ("listen x\n", Place::Main, 1),
            ("backend x\n    server-template a 1\n", Place::Hosts, 2),
            ("backend x\n    http-request lua.x\n", Place::Hosts, 2),
            ("backend x\n    .if defined(HOME)\n", Place::Hosts, 2),
            ("backend x\n    filter trace\n", Place::Hosts, 2),
            ("backend x\n    filter spoe engine ask config /etc/x\n", Place::Hosts, 2),
            ("backend x\n    http-request use-service prometheus-exporter\n", Place::Hosts, 2),
            ("backend x\n    http-request return status 200 lf-string '%[env(HOME)]'\n", Place::Hosts, 2),
            ("backend x\n    http-request return status 200 lf-string '%{+Q}[env(HOME)]'\n", Place::Hosts, 2),
            ("backend x\n    http-request return status 200 lf-string '%{+Q%%{}[env(HOME)]'\n", Place::Hosts, 2),
            ("backend x\n    http-request return status 200 lf-string 'a%%%{+Q}[env(HOME)]'\n", Place::Hosts, 2),
            ("backend x\n    http-request return status 302 string a hdr Location 'a'\\n'X: b'\n", Place::Hosts, 2),
            ("backend x\n    http-request redirect location a\n", Place::Hosts, 2),
            ("frontend x\n    acl a src -f /etc/passwd\n", Place::Hosts, 2),
            ("frontend x\n    bind *:80 ssl crt-list /etc/x\n", Place::Hosts, 2),
            ("frontend x\n    http-request set-var(txn.a) 'path,map_str(/etc/passwd)'\n", Place::Hosts, 2),
            ("    mode http\n", Place::Hosts, 1),
            ("a.test\n", Place::Map, 1),
            ("a.test b\nc d e\n", Place::Map, 2),
            ("# x y\n", Place::Map, 1),
            ("tls/x.pem a.test\n/etc/x a.test\n", Place::CertificateList, 2),
            ("tls/x.pem [verify none] a.test\n", Place::CertificateList, 1),
            ("tls/x.pem [verify optional ca-file /etc/x] a.test\n", Place::CertificateList, 1),
            ("tls/x.pem [verify optional ca-file x.pem no-ca-names] a.test\n", Place::CertificateList, 1),
        ] {
            assert_eq!(check(text.as_bytes(), place).map_err(|error| error.line), Err(line), "{text}");
        }
        let message = check(b"backend x\n    external-check command x\n", Place::Hosts).unwrap_err().to_string();
        assert_eq!(message, "line 2: no template says the keyword \"external-check\"");
    }

    #[test]
    fn formats_of_users_are_doubled_and_evaluate_nothing() {
        assert!(check(b"backend x\n    http-request set-header A '%%[env(HOME)]'\n", Place::Hosts).is_ok());
        assert!(check(b"backend x\n    http-request set-header A '%%%[env(HOME)]'\n", Place::Hosts).is_err());
    }
}
