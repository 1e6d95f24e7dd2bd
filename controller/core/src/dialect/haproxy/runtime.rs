//! What can be changed in a running HAProxy: endpoints, certificates, and which path leads to which section.
//!
//! The difference of two revisions becomes commands for the runtime socket, or there is none that a reload is not needed
//! for. Both revisions are read as text, so that whoever holds the folders can do it, whatever rendered them.

use super::grammar;
use super::map_order::{self, Changed};
use crate::dialect::{Contents, Step};
use std::collections::BTreeMap;

/// Longest payload of one command in bytes; HAProxy reads a command into one buffer, of at least 16 KiB.
const MAX_PAYLOAD: usize = 8 << 10;
/// Longest line of a map, or certificate, that one command can say.
const MAX_LINE: usize = MAX_PAYLOAD * 2 - 256;

const MAIN: &str = "haproxy.cfg";
const TOKEN: &str = "# Configuration checksum: ";

/// The commands that bring a proxy that runs with the old files to where the new ones would bring it; `None`: only a
/// reload can. Files that are the same may be left out on both sides, but not the main file.
pub(super) fn plan(old: &Contents<'_>, new: &Contents<'_>) -> Option<Vec<Step>> {
    if !old.keys().eq(new.keys()) {
        return None;
    }
    let main = text_of(new, MAIN)?;
    let token = token_of(main)?;
    let (mut steps, mut maps, mut removals) = (Vec::new(), Vec::new(), Vec::new());
    for path in old.keys() {
        let (before, after) = (text_of(old, path)?, text_of(new, path)?);
        if before == after {
            continue;
        }
        if path.ends_with(".cfg") {
            endpoints(&sections(before)?, &sections(after)?, shared_options(main), &mut steps, &mut removals)?;
        } else if path.starts_with("tls/") && path.ends_with(".pem") {
            certificate(path, after, &mut steps)?;
        } else if path.starts_with("maps/") {
            maps.push(Changed { path, before, after });
        } else {
            return None;
        }
    }
    map_order::order(&maps)?.iter().try_for_each(|(path, text)| map(path, text, &mut steps))?;
    // Others are there by then, and nobody is sent where endpoints go.
    removals.first_mut().into_iter().for_each(|first| first.waits = true);
    steps.append(&mut removals);
    steps.push(Step::silent("experimental-mode on".to_owned()).waiting());
    steps.push(Step::silent(format!("set var proc.token str({token})")));
    Some(steps)
}

fn text_of<'f>(files: &Contents<'f>, path: &str) -> Option<&'f str> {
    std::str::from_utf8(files.get(path)?).ok()
}

fn token_of(main: &str) -> Option<&str> {
    let token = main.strip_prefix(TOKEN)?.lines().next()?;
    (token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit())).then_some(token)
}

/// What `server` lines of routes need not say. The socket knows nothing of it.
fn shared_options(main: &str) -> &str {
    let routes = main.split_once("\ndefaults routes ").map_or("", |(_, routes)| routes);
    let mut lines = routes.lines().take_while(|line| !line.is_empty());
    lines.find_map(|line| line.strip_prefix("    default-server ")).unwrap_or_default()
}

/// A section: its endpoints, and all that is said beside them.
#[derive(Debug, Default)]
struct Section<'f> {
    name: &'f str,
    of_route: bool,
    others: Vec<&'f str>,
    servers: BTreeMap<&'f str, &'f str>,
}

/// The sections of a file; what stands before the first of them is one without a name, and the token no part of it.
fn sections(text: &str) -> Option<Vec<Section<'_>>> {
    let mut sections = vec![Section::default()];
    let token = token_of(text);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("backend ") {
            let (name, how) = rest.split_once(' ')?;
            sections.push(Section { name, of_route: how.starts_with("from routes "), ..Section::default() });
        }
        let section = sections.last_mut().expect("there was one to begin with");
        match line.strip_prefix("    server ") {
            Some(server) => {
                let (name, how) = server.split_once(' ')?;
                section.servers.insert(name, how);
            }
            None if section.name.is_empty() && token.is_some_and(|token| line.contains(token)) => {}
            None => section.others.push(line),
        }
    }
    Some(sections)
}

/// New endpoints, and apart from them those that go.
fn endpoints(old: &[Section<'_>], new: &[Section<'_>], shared: &str, steps: &mut Vec<Step>, removals: &mut Vec<Step>) -> Option<()> {
    let same = |(old, new): (&Section<'_>, &Section<'_>)| old.name == new.name && old.others == new.others;
    if old.len() != new.len() || !old.iter().zip(new).all(same) {
        return None;
    }
    for (old, new) in old.iter().zip(new) {
        for (name, how) in &new.servers {
            match old.servers.get(name) {
                Some(before) if before == how => {}
                // Another way to talk to the same endpoint: its server would have to go first.
                Some(_) => return None,
                None => {
                    let server = format!("{}/{name}", new.name);
                    steps.push(Step::add_server(&server, &said(how, new.of_route, shared)?));
                    steps.push(Step::silent(format!("set server {server} state ready")));
                }
            }
        }
        for (name, how) in old.servers.iter().filter(|(name, _)| !new.servers.contains_key(*name)) {
            let server = format!("{}/{name}", old.name);
            removals.push(Step::silent(format!("set server {server} state maint")));
            removals.push(Step::remove_server(&server, said(how, new.of_route, shared)));
        }
    }
    Some(())
}

/// How a server is said; `None`: it cannot be.
fn said(how: &str, of_route: bool, shared: &str) -> Option<String> {
    if of_route { spoken(&with_shared(how, shared)) } else { spoken(how) }
}

/// The address, what all have, and what is its own.
fn with_shared(how: &str, shared: &str) -> String {
    let (address, own) = how.split_once(' ').unwrap_or((how, ""));
    [address, shared, own].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

/// Words of the main file for the socket, which knows no quotes; `None`: one of them cannot be said there.
fn spoken(how: &str) -> Option<String> {
    let line = format!("{how}\n");
    let lines = grammar::read(line.as_bytes()).ok()?;
    let words: Vec<&str> = lines.first()?.words.iter().map(|word| &*word.text).collect();
    let plain = |word: &&str| !word.is_empty() && !word.contains([' ', ';', '\\', '<', '"', '\'', '#']);
    (lines.len() == 1 && words.iter().all(plain)).then(|| words.join(" "))
}

fn certificate(path: &str, pem: &str, steps: &mut Vec<Step>) -> Option<()> {
    // An empty line ends the payload.
    let pem: String = pem.lines().filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect();
    if pem.len() > MAX_LINE {
        return None;
    }
    steps.push(Step::certificate(format!("set ssl cert {path} <<\n{pem}"), path));
    steps.push(Step { answer: "Committing", ends: "Success!", ..Step::silent(format!("commit ssl cert {path}")) });
    Some(())
}

/// Replaces a map as a whole, in one moment.
fn map(path: &str, text: &str, steps: &mut Vec<Step>) -> Option<()> {
    if text.lines().any(|line| line.len() > MAX_LINE) {
        return None;
    }
    steps.push(Step { answer: Step::VERSION_ANSWER, ..Step::silent(format!("prepare map {path}")) });
    let versioned = steps.len();
    let mut payload = String::new();
    for line in text.lines() {
        if !payload.is_empty() && payload.len() + line.len() > MAX_PAYLOAD {
            steps.push(Step::silent(format!("add map @{} {path} <<\n{payload}", Step::VERSION)));
            payload.clear();
        }
        payload.push_str(line);
        payload.push('\n');
    }
    if !payload.is_empty() {
        steps.push(Step::silent(format!("add map @{} {path} <<\n{payload}", Step::VERSION)));
    }
    steps.push(Step::silent(format!("commit map @{} {path}", Step::VERSION)));
    steps[versioned].waits = true;
    Some(())
}

fn add_server(server: &str, how: &str) -> String {
    format!("add server {server} {how}")
}

impl Step {
    /// A command without an answer.
    fn silent(command: String) -> Self {
        Self { command, answer: "", ends: "", undo: None, late: false, kept_by: None, waits: false }
    }

    fn waiting(self) -> Self {
        Self { waits: true, ..self }
    }

    fn add_server(server: &str, how: &str) -> Self {
        Self { answer: "New server registered.", ..Self::silent(add_server(server, how)) }
    }

    /// Connections may still be open; until they are not, it stays where nobody is sent to. `how` it was said.
    fn remove_server(server: &str, how: Option<String>) -> Self {
        let kept_by = how.map(|how| add_server(server, &how));
        Self { answer: "Server deleted.", late: true, kept_by, ..Self::silent(format!("del server {server}")) }
    }

    fn certificate(command: String, path: &str) -> Self {
        Self { answer: "Transaction ", undo: Some(format!("abort ssl cert {path}")), ..Self::silent(command) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(token: u8, backends: &str) -> String {
        let token = format!("{token:032x}");
        format!(
            "{TOKEN}{token}\nglobal\n    set-var proc.token str({token})\n\ndefaults common\n    mode http\n\n\
             defaults routes from common\n    # All.\n    default-server pool-max-conn 32 pool-purge-delay 60s\n\nfrontend public\n    x\n\nbackend health   # built in\n    y\n\n{backends}"
        )
    }

    fn backend(name: &str, servers: &[u8]) -> String {
        let servers: String = servers.iter().map(|n| format!("    server 10.0.0.{n}_80 10.0.0.{n}:80 ssl verify none\n")).collect();
        format!("backend {name} from routes   # Ingress shop/front\n    balance roundrobin\n{servers}\n")
    }

    fn commands(old: &[(&str, &str)], new: &[(&str, &str)]) -> Option<Vec<String>> {
        let old: Contents<'_> = old.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
        let new: Contents<'_> = new.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
        plan(&old, &new).map(|steps| steps.into_iter().map(|step| step.command).collect())
    }

    fn of_main(old: &str, new: &str) -> Option<Vec<String>> {
        commands(&[(MAIN, &config(1, old))], &[(MAIN, &config(2, new))])
    }

    #[test]
    fn quotes_of_the_main_file_are_not_said_to_the_socket() {
        assert_eq!(
            spoken("10.0.0.1:80 sni 'str(a.test)' ciphers 'HIGH:!aNULL'").unwrap(),
            "10.0.0.1:80 sni str(a.test) ciphers HIGH:!aNULL"
        );
        for how in ["10.0.0.1:80 a 'b c'", "10.0.0.1:80 a 'b;c'", "10.0.0.1:80 a ''", "# x"] {
            assert_eq!(spoken(how), None, "{how}");
        }
    }

    const EXPERIMENTAL: &str = "experimental-mode on";
    const TOKEN_2: &str = "set var proc.token str(00000000000000000000000000000002)";

    #[test]
    fn endpoints_come_before_others_go() {
        let old = backend("a", &[1, 2]) + &backend("b", &[1]) + &backend("c", &[1]);
        let new = backend("a", &[1, 2]) + &backend("b", &[2, 10]) + &backend("c", &[1]);
        let commands = of_main(&old, &new).unwrap();
        assert_eq!(
            commands,
            [
                "add server b/10.0.0.10_80 10.0.0.10:80 pool-max-conn 32 pool-purge-delay 60s ssl verify none",
                "set server b/10.0.0.10_80 state ready",
                "add server b/10.0.0.2_80 10.0.0.2:80 pool-max-conn 32 pool-purge-delay 60s ssl verify none",
                "set server b/10.0.0.2_80 state ready",
                "set server b/10.0.0.1_80 state maint",
                "del server b/10.0.0.1_80",
                EXPERIMENTAL,
                TOKEN_2,
            ]
        );
    }

    #[test]
    fn only_endpoints_of_routes_have_what_is_said_for_all_of_those() {
        let plain = |n: u8| backend("a", &[n]).replace(" ssl verify none", "");
        let added = |old: &str, new: &str| of_main(old, new).unwrap().swap_remove(0);
        assert_eq!(added(&plain(1), &plain(2)), "add server a/10.0.0.2_80 10.0.0.2:80 pool-max-conn 32 pool-purge-delay 60s");
        let others = |n: u8| plain(n).replace(" from routes", "");
        assert_eq!(added(&others(1), &others(2)), "add server a/10.0.0.2_80 10.0.0.2:80");
    }

    #[test]
    fn endpoints_stand_in_files_beside_the_main_one() {
        let (old, new) = (config(1, ""), config(2, ""));
        let of_file =
            |one: &str, other: &str| commands(&[(MAIN, &old), ("sections-00.cfg", one)], &[(MAIN, &new), ("sections-00.cfg", other)]);
        let found = of_file(&backend("a", &[1]), &backend("a", &[1, 2])).unwrap();
        assert_eq!(found[0], "add server a/10.0.0.2_80 10.0.0.2:80 pool-max-conn 32 pool-purge-delay 60s ssl verify none");
        assert_eq!(of_file("fcgi-app a\n    docroot /\n", "fcgi-app a\n    docroot /a\n"), None);
        assert_eq!(commands(&[("sections-00.cfg", "")], &[("sections-00.cfg", &backend("a", &[1]))]), None, "nobody knows the token");
    }

    #[test]
    fn what_has_to_see_answers_waits_for_them() {
        let (old, new) = (config(1, &backend("a", &[1, 2])), config(2, &backend("a", &[2, 3])));
        let files = |main, map| {
            [(MAIN, main), ("maps/exact.map", map), ("sections-00.cfg", "")].map(|(path, text): (_, &str)| (path, text.as_bytes()))
        };
        let (before, after) = (files(&*old, "a/ b\n"), files(&*new, "a/ b\nc/ d\n"));
        let steps = plan(&before.into_iter().collect(), &after.into_iter().collect()).unwrap();
        let lines: Vec<Vec<&str>> = steps.chunk_by(|_, next| !next.waits).map(|line| line.iter().map(verb).collect()).collect();
        let wanted = [
            &["add server", "set server", "prepare map"][..],
            &["add map", "commit map"],
            &["set server", "del server"],
            &[EXPERIMENTAL, "set var"],
        ];
        assert_eq!(lines, wanted);
    }

    fn verb(step: &Step) -> &str {
        let end = step.command.match_indices(' ').nth(1).map_or(step.command.len(), |(end, _)| end);
        &step.command[..end]
    }

    #[test]
    fn several_sections_change_at_once() {
        let old = backend("a", &[1]) + &backend("b", &[1]) + &backend("c", &[1]);
        let new = backend("a", &[1, 2]) + &backend("b", &[1]) + &backend("c", &[1, 3]);
        assert_eq!(of_main(&old, &new).unwrap().len(), 6);
        assert_eq!(of_main(&old, &old).unwrap(), [EXPERIMENTAL, TOKEN_2]);
    }

    #[test]
    fn everything_else_needs_a_reload() {
        let one = backend("a", &[1]);
        for other in [
            backend("b", &[1]),
            backend("a", &[1]) + &backend("b", &[1]),
            one.replace("roundrobin", "random"),
            one.replace("verify none", "verify required"),
            one.replace("shop/front", "shop/back"),
            String::new(),
        ] {
            assert_eq!(of_main(&one, &other), None, "{other}");
        }
        let (old, new) = (config(1, &one), config(2, &one));
        assert_eq!(commands(&[(MAIN, &old)], &[(MAIN, &new.replace("mode http", "mode tcp"))]), None);
        assert_eq!(commands(&[(MAIN, &old)], &[(MAIN, &new.replace("global\n", "global\n    nbthread 2\n"))]), None);
        assert_eq!(commands(&[(MAIN, &old)], &[(MAIN, &new.replace("pool-max-conn 32", "pool-max-conn 33"))]), None);
        assert_eq!(commands(&[(MAIN, &old)], &[(MAIN, &new), ("tls/a.pem", "x")]), None);
        assert_eq!(commands(&[(MAIN, &old), ("tls/hosts.list", "x")], &[(MAIN, &new), ("tls/hosts.list", "y")]), None);
    }

    #[test]
    fn certificates_and_maps_change_as_a_whole() {
        let (old, new) = (config(1, ""), config(2, ""));
        let found = commands(
            &[(MAIN, &old), ("tls/a.pem", "x\n"), ("maps/hosts.map", "a a\n"), ("maps/prefix.map", "a/ b\n")],
            &[(MAIN, &new), ("tls/a.pem", "k\n\nl\n"), ("maps/hosts.map", "c c\n"), ("maps/prefix.map", "c/ b\nd/ b\n")],
        );
        assert_eq!(
            found.unwrap(),
            [
                "set ssl cert tls/a.pem <<\nk\nl\n",
                "commit ssl cert tls/a.pem",
                "prepare map maps/prefix.map",
                "add map @VERSION maps/prefix.map <<\nc/ b\nd/ b\na/ b\n",
                "commit map @VERSION maps/prefix.map",
                "prepare map maps/hosts.map",
                "add map @VERSION maps/hosts.map <<\nc c\n",
                "commit map @VERSION maps/hosts.map",
                "prepare map maps/prefix.map",
                "add map @VERSION maps/prefix.map <<\nc/ b\nd/ b\n",
                "commit map @VERSION maps/prefix.map",
                EXPERIMENTAL,
                TOKEN_2,
            ]
        );
    }

    #[test]
    fn large_maps_go_in_parts() {
        let (old, new) = (config(1, ""), config(2, ""));
        let large: String = (0..1000).map(|n| format!("host-{n}.example/ section-{n}\n")).collect();
        let found = commands(&[(MAIN, &old), ("maps/exact.map", "")], &[(MAIN, &new), ("maps/exact.map", &large)]).unwrap();
        assert!(found.len() > 5 && found.iter().all(|command| command.len() < MAX_PAYLOAD + 200));
        let of_line = |bytes: usize| {
            let line = format!("a/{} b\n", "a".repeat(bytes));
            commands(&[(MAIN, &old), ("maps/exact.map", "")], &[(MAIN, &new), ("maps/exact.map", &line)])
        };
        let found = of_line(MAX_PAYLOAD + 100).unwrap();
        assert_eq!(found.iter().filter(|command| command.starts_with("add map")).count(), 1, "none is empty");
        assert_eq!(of_line(MAX_PAYLOAD * 2), None, "no command can say it");
    }
}
