//! What can be changed in a running HAProxy: endpoints, certificates, and which path leads to which section.
//!
//! The difference of two revisions becomes commands for the runtime socket, or there is none that a reload is not needed
//! for. Both revisions are read as text, so that whoever holds the folders can do it, whatever rendered them.

use super::grammar;
use crate::dialect::{Contents, Step};
use std::collections::BTreeMap;

/// Longest payload of one command in bytes; HAProxy reads a command into one buffer, of at least 16 KiB.
const MAX_PAYLOAD: usize = 8 << 10;

pub(super) const MAIN: &str = "haproxy.cfg";
const TOKEN: &str = "# Configuration checksum: ";

/// The commands that bring a proxy that runs with the old files to where the new ones would bring it; `None`: only a
/// reload can. Files that are the same may be left out on both sides.
pub(super) fn plan(old: &Contents<'_>, new: &Contents<'_>) -> Option<Vec<Step>> {
    if !old.keys().eq(new.keys()) {
        return None;
    }
    let (mut steps, mut maps) = (Vec::new(), Vec::new());
    let mut token = None;
    for (path, before) in old {
        let after = *new.get(path)?;
        if *before == after {
            continue;
        }
        if *path == MAIN {
            token = Some(main(std::str::from_utf8(before).ok()?, std::str::from_utf8(after).ok()?, &mut steps)?);
        } else if path.starts_with("tls/") && path.ends_with(".pem") {
            certificate(path, std::str::from_utf8(after).ok()?, &mut steps)?;
        } else if path.starts_with("maps/") {
            maps.push((*path, std::str::from_utf8(after).ok()?));
        } else {
            return None;
        }
    }
    // Hosts last: one that is there has its paths.
    maps.sort_by_key(|(path, _)| matches!(*path, "maps/hosts.map" | "maps/wildcards.map"));
    maps.into_iter().for_each(|(path, text)| map(path, text, &mut steps));
    steps.push(Step::silent(format!("experimental-mode on; set var proc.token str({})", token?)));
    Some(steps)
}

/// Reads the differences of the main files; the new token.
fn main<'f>(before: &'f str, after: &'f str, steps: &mut Vec<Step>) -> Option<&'f str> {
    let (old_head, old_tail) = split(before)?;
    let (new_head, new_tail) = split(after)?;
    let (old_token, new_token) = (token_of(old_head)?, token_of(new_head)?);
    if old_head.replace(old_token, "") != new_head.replace(new_token, "") {
        return None;
    }
    let (old, new) = differing(old_tail, new_tail)?;
    endpoints(&sections(old)?, &sections(new)?, steps)?;
    Some(new_token)
}

/// The `global` section, which holds the token, and the rest.
fn split(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(text.find("\ndefaults\n")?)
}

fn token_of(head: &str) -> Option<&str> {
    let token = head.strip_prefix(TOKEN)?.lines().next()?;
    (token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit())).then_some(token)
}

/// The smallest part of both texts that holds all differences and begins and ends with whole sections.
fn differing<'a>(old: &'a str, new: &'a str) -> Option<(&'a str, &'a str)> {
    if old == new {
        return Some(("", ""));
    }
    let prefix = common_prefix(old.as_bytes(), new.as_bytes());
    let suffix = common_suffix(&old.as_bytes()[prefix..], &new.as_bytes()[prefix..]);
    let start = old.as_bytes()[..prefix].windows(9).rposition(|window| window == b"\nbackend ")? + 1;
    let rest = &old.as_bytes()[old.len() - suffix..];
    let kept = rest.windows(9).position(|window| window == b"\nbackend ").map_or(0, |at| rest.len() - at - 1);
    Some((old.get(start..old.len() - kept)?, new.get(start..new.len() - kept)?))
}

/// Whole blocks are compared at once, which is many times faster than bytes.
const BLOCK: usize = 4096;

fn common_prefix(one: &[u8], other: &[u8]) -> usize {
    let whole = one.chunks_exact(BLOCK).zip(other.chunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    whole + one[whole..].iter().zip(&other[whole..]).take_while(|(a, b)| a == b).count()
}

fn common_suffix(one: &[u8], other: &[u8]) -> usize {
    let whole = one.rchunks_exact(BLOCK).zip(other.rchunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    let (one, other) = (&one[..one.len() - whole], &other[..other.len() - whole]);
    whole + one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count()
}

/// A section: its endpoints, and all that is said beside them.
#[derive(Debug, Default)]
struct Section<'f> {
    name: &'f str,
    others: Vec<&'f str>,
    servers: BTreeMap<&'f str, &'f str>,
}

fn sections(text: &str) -> Option<Vec<Section<'_>>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("backend ") {
            let name = rest.split(' ').next()?;
            sections.push(Section { name, ..Section::default() });
        }
        let section = sections.last_mut()?;
        match line.strip_prefix("    server ") {
            Some(server) => {
                let (name, how) = server.split_once(' ')?;
                section.servers.insert(name, how);
            }
            None => section.others.push(line),
        }
    }
    Some(sections)
}

/// New endpoints first, so that a section always has some.
fn endpoints(old: &[Section<'_>], new: &[Section<'_>], steps: &mut Vec<Step>) -> Option<()> {
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
                    steps.push(Step::add_server(&server, &spoken(how)?));
                    steps.push(Step::silent(format!("set server {server} state ready")));
                }
            }
        }
    }
    for (old, new) in old.iter().zip(new) {
        for name in old.servers.keys().filter(|name| !new.servers.contains_key(*name)) {
            let server = format!("{}/{name}", old.name);
            steps.push(Step::silent(format!("set server {server} state maint")));
            steps.push(Step::remove_server(&server));
        }
    }
    Some(())
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
    if pem.len() > MAX_PAYLOAD * 2 - 256 {
        return None;
    }
    steps.push(Step::certificate(format!("set ssl cert {path} <<\n{pem}"), path));
    steps.push(Step { command: format!("commit ssl cert {path}"), answer: "Committing", ends: "Success!", undo: None, late: false });
    Some(())
}

/// Replaces a map as a whole, in one moment.
fn map(path: &str, text: &str, steps: &mut Vec<Step>) {
    steps.push(Step { command: format!("prepare map {path}"), answer: Step::VERSION_ANSWER, ends: "", undo: None, late: false });
    let mut payload = String::new();
    for line in text.lines() {
        if payload.len() + line.len() > MAX_PAYLOAD {
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
}

impl Step {
    /// A command without an answer.
    fn silent(command: String) -> Self {
        Self { command, answer: "", ends: "", undo: None, late: false }
    }

    fn add_server(server: &str, how: &str) -> Self {
        Self { command: format!("add server {server} {how}"), answer: "New server registered.", ends: "", undo: None, late: false }
    }

    /// Connections may still be open; until they are not, it stays where nobody is sent to.
    fn remove_server(server: &str) -> Self {
        Self { command: format!("del server {server}"), answer: "Server deleted.", ends: "", undo: None, late: true }
    }

    fn certificate(command: String, path: &str) -> Self {
        Self { command, answer: "Transaction ", ends: "", undo: Some(format!("abort ssl cert {path}")), late: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(token: u8, backends: &str) -> String {
        let token = format!("{token:032x}");
        format!(
            "{TOKEN}{token}\nglobal\n    set-var proc.token str({token})\n\ndefaults\n    mode http\n\nfrontend public\n    x\n\nbackend health   # built in\n    y\n\n{backends}"
        )
    }

    fn backend(name: &str, servers: &[u8]) -> String {
        let servers: String = servers.iter().map(|n| format!("    server 10.0.0.{n}_80 10.0.0.{n}:80 pool-max-conn 32\n")).collect();
        format!("backend {name}   # Ingress shop/front\n    balance roundrobin\n{servers}\n")
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

    const TOKEN_2: &str = "experimental-mode on; set var proc.token str(00000000000000000000000000000002)";

    #[test]
    fn endpoints_come_before_others_go() {
        let old = backend("a", &[1, 2]) + &backend("b", &[1]) + &backend("c", &[1]);
        let new = backend("a", &[1, 2]) + &backend("b", &[2, 10]) + &backend("c", &[1]);
        let commands = of_main(&old, &new).unwrap();
        assert_eq!(
            commands,
            [
                "add server b/10.0.0.10_80 10.0.0.10:80 pool-max-conn 32",
                "set server b/10.0.0.10_80 state ready",
                "add server b/10.0.0.2_80 10.0.0.2:80 pool-max-conn 32",
                "set server b/10.0.0.2_80 state ready",
                "set server b/10.0.0.1_80 state maint",
                "del server b/10.0.0.1_80",
                TOKEN_2,
            ]
        );
    }

    #[test]
    fn large_files_are_compared_to_the_byte() {
        let text: Vec<u8> = (0..3 * BLOCK + 7).map(|n| b'a' + u8::try_from(n % 23).unwrap()).collect();
        for at in [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 5, text.len() - 1] {
            let mut other = text.clone();
            other[at] = b'X';
            let (prefix, suffix) = (common_prefix(&text, &other), common_suffix(&text, &other));
            assert_eq!((prefix, suffix), (at, text.len() - at - 1));
            other.insert(at, b'Y');
            assert_eq!((common_prefix(&text, &other), common_suffix(&text, &other)), (prefix, suffix));
        }
        assert_eq!((common_prefix(&text, &text), common_suffix(&text, &[])), (text.len(), 0));
    }

    #[test]
    fn several_sections_change_at_once() {
        let old = backend("a", &[1]) + &backend("b", &[1]) + &backend("c", &[1]);
        let new = backend("a", &[1, 2]) + &backend("b", &[1]) + &backend("c", &[1, 3]);
        assert_eq!(of_main(&old, &new).unwrap().len(), 5);
        assert_eq!(of_main(&old, &old).unwrap(), [TOKEN_2]);
    }

    #[test]
    fn everything_else_needs_a_reload() {
        let one = backend("a", &[1]);
        for other in [
            backend("b", &[1]),
            backend("a", &[1]) + &backend("b", &[1]),
            one.replace("roundrobin", "random"),
            one.replace("pool-max-conn 32", "pool-max-conn 33"),
            one.replace("shop/front", "shop/back"),
            String::new(),
        ] {
            assert_eq!(of_main(&one, &other), None, "{other}");
        }
        let (old, new) = (config(1, &one), config(2, &one));
        assert_eq!(commands(&[(MAIN, &old)], &[(MAIN, &new.replace("mode http", "mode tcp"))]), None);
        assert_eq!(commands(&[(MAIN, &old)], &[(MAIN, &new.replace("global\n", "global\n    nbthread 2\n"))]), None);
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
                "add map @VERSION maps/prefix.map <<\nc/ b\nd/ b\n",
                "commit map @VERSION maps/prefix.map",
                "prepare map maps/hosts.map",
                "add map @VERSION maps/hosts.map <<\nc c\n",
                "commit map @VERSION maps/hosts.map",
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
    }
}
