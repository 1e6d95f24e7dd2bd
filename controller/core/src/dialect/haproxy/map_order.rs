//! In which order the maps of a running proxy are replaced: each of them in one moment, but one after the other.
//!
//! Meanwhile a request meets some maps as they were and others as they will be. It has to go where it went before or where it
//! will go then; anywhere else it could get past a protection. Where no order grants that, a reload does: it changes all at once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A map of which the lines are others now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changed<'f> {
    pub(super) path: &'f str,
    pub(super) before: &'f str,
    pub(super) after: &'f str,
}

/// Where names become hosts. A name is looked for in the first of them first.
const NAMES: [&str; 3] = ["maps/hosts.map", "maps/wildcards.map", "maps/aliases.map"];

/// Where a path is looked for first, as it is, and then.
const LITERAL: [&str; 2] = ["maps/exact.map", "maps/prefix.map"];

/// What is asked of expressions, and the expressions, which are looked at last.
const EXPRESSIONS: [&str; 2] = ["maps/decided.map", "maps/expressions.map"];

/// Which other path clients without a good certificate get of a host. Paths and sections have to go with it, so only a reload
/// changes it; certificates of clients are asked for in files that only a reload reads anyway.
pub(super) const ERROR_PATHS: &str = "maps/error-paths.map";

/// A map, and where it differs: all lines in front of these are the same before and after, and so are all behind them. Maps are
/// long, and changes are few.
#[derive(Debug, Clone, Copy)]
struct Part<'f> {
    map: Changed<'f>,
    before: &'f str,
    after: &'f str,
}

impl<'f> Part<'f> {
    fn of(map: Changed<'f>) -> Self {
        let front = same(map.before.as_bytes().chunks(CHUNK), map.after.as_bytes().chunks(CHUNK), |chunk| chunk.iter());
        let begin = map.before.as_bytes()[..front].iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
        let (before, after) = (&map.before[begin..], &map.after[begin..]);
        let back = same(before.as_bytes().rchunks(CHUNK), after.as_bytes().rchunks(CHUNK), |chunk| chunk.iter().rev());
        let begins_line = |text: &str| text.len() == back || text.as_bytes()[text.len() - back - 1] == b'\n';
        let within = if begins_line(before) && begins_line(after) {
            0
        } else {
            let tail = &before.as_bytes()[before.len() - back..];
            tail.iter().position(|b| *b == b'\n').map_or(back, |end| end + 1)
        };
        let end = back - within;
        Self { map, before: &before[..before.len() - end], after: &after[..after.len() - end] }
    }

    /// Takes those hosts out of which one of the lines that are the same is.
    fn leave_those_that_stay(&self, hosts: &mut BTreeSet<String>) {
        let begin = self.before.as_ptr().addr() - self.map.before.as_ptr().addr();
        let (front, behind) = (&self.map.before[..begin], &self.map.before[begin + self.before.len()..]);
        for line in front.lines().chain(behind.lines()) {
            if hosts.is_empty() {
                return;
            }
            if let Some(host) = host_of(self.map.path, line) {
                hosts.remove(&*host);
            }
        }
    }
}

/// Bytes that are compared at once.
const CHUNK: usize = 1 << 10;

/// How many bytes two texts have in common, from where their chunks begin.
fn same<'f, C, B>(one: C, other: C, bytes: fn(&'f [u8]) -> B) -> usize
where
    C: Iterator<Item = &'f [u8]>,
    B: Iterator<Item = &'f u8>,
{
    let mut length = 0;
    for (one, other) in one.zip(other) {
        if one != other {
            return length + bytes(one).zip(bytes(other)).take_while(|(one, other)| one == other).count();
        }
        length += one.len();
    }
    length
}

/// What becomes of the maps, one after the other, each with its lines; `None`: only a reload is safe.
pub(super) fn order<'f>(changed: &[Changed<'f>]) -> Option<Vec<(&'f str, Cow<'f, str>)>> {
    if changed.iter().any(|map| map.path == ERROR_PATHS) {
        return None;
    }
    let of = |paths: &[&str]| changed.iter().copied().filter(|map| paths.contains(&map.path)).map(Part::of).collect::<Vec<_>>();
    let (literal, expressions, names) = (of(&LITERAL), of(&EXPRESSIONS), of(&NAMES));
    let gone = hosts_that_go([&literal[..], &expressions].concat().as_slice(), !names.is_empty())?;
    // What is there before and will not be stays until all else is there: a path that is found meanwhile is found as before or
    // as then. A host that comes has its paths before its name, and one that goes keeps them until it has none.
    let keys_of = |text: &'f str| text.lines().filter_map(|line| line.split(' ').next()).collect::<BTreeSet<_>>();
    let literal = literal.into_iter().map(|part| {
        let keys = keys_of(part.after);
        (part, kept(part.before, |line| line.split(' ').next().is_some_and(|key| !keys.contains(key))))
    });
    let is_gone = |part: &Part<'f>, line: &str| host_of(part.map.path, line).is_some_and(|host| gone.contains(&*host));
    let expressions = expressions.into_iter().map(|part| (part, kept(part.before, |line| is_gone(&part, line))));
    let paths: Vec<(Part<'f>, String)> = literal.chain(expressions).collect();

    let others = changed.iter().filter(|map| ![&LITERAL[..], &EXPRESSIONS, &NAMES].concat().contains(&map.path));
    let mut steps: Vec<(&'f str, Cow<'f, str>)> = others.map(|map| (map.path, Cow::Borrowed(map.after))).collect();
    // Of a map that only loses lines, all that is kept and all that will be there is there.
    let grows = |(part, kept): &&(Part<'f>, String)| kept.is_empty() || !holds(part.before, part.after);
    let with_kept = |(part, kept): &(Part<'f>, String)| (part.map.path, Cow::Owned(part.map.after.to_owned() + kept));
    steps.extend(paths.iter().filter(grows).map(with_kept));
    steps.extend(in_order(names)?.into_iter().map(|part| (part.map.path, Cow::Borrowed(part.map.after))));
    steps.extend(paths.iter().rev().filter(|(_, kept)| !kept.is_empty()).map(|(part, _)| (part.map.path, Cow::Borrowed(part.map.after))));
    Some(steps)
}

/// The lines for which this holds.
fn kept(text: &str, is_kept: impl Fn(&str) -> bool) -> String {
    text.lines().filter(|line| is_kept(line)).flat_map(|line| [line, "\n"]).collect()
}

/// Whether one text has all the lines of another one.
fn holds(whole: &str, part: &str) -> bool {
    let lines: BTreeSet<&str> = whole.lines().collect();
    part.lines().all(|line| lines.contains(line))
}

/// The names of hosts in the maps of paths, each with its lines.
type Hosts<'f> = BTreeMap<String, Vec<&'f str>>;

/// Hosts of which nothing is left while names change; `None`: one that stays has other expressions and is asked others of them,
/// or has any other line while names change their hosts.
fn hosts_that_go(paths: &[Part<'_>], names_change: bool) -> Option<BTreeSet<String>> {
    let maps = paths.iter().map(|part| Some((part.map.path, hosts(part.map.path, part.before)?, hosts(part.map.path, part.after)?)));
    let maps: Vec<(&str, Hosts<'_>, Hosts<'_>)> = maps.collect::<Option<_>>()?;
    let names: BTreeSet<&String> = maps.iter().flat_map(|(_, before, after)| before.keys().chain(after.keys())).collect();
    // Those that are there before or after only, and have no line that stays.
    let was = |name: &str| maps.iter().any(|(_, before, _)| before.contains_key(name));
    let is = |name: &str| maps.iter().any(|(_, _, after)| after.contains_key(name));
    let mut moved = BTreeSet::new();
    if names_change {
        moved.extend(names.iter().filter(|name| was(name) != is(name)).map(|name| (*name).clone()));
        paths.iter().for_each(|part| part.leave_those_that_stay(&mut moved));
    }
    for name in names.into_iter().filter(|name| !moved.contains(*name)) {
        let differing = maps.iter().filter(|(_, before, after)| before.get(name) != after.get(name)).map(|(path, _, _)| path);
        let (expressions, literal): (Vec<&&str>, Vec<&&str>) = differing.partition(|path| EXPRESSIONS.contains(path));
        if expressions.len() > 1 || names_change && expressions.len() + literal.len() > 0 {
            return None;
        }
    }
    moved.retain(|name| was(name));
    Some(moved)
}

fn hosts<'f>(path: &str, text: &'f str) -> Option<Hosts<'f>> {
    let mut hosts = Hosts::new();
    for line in text.lines() {
        hosts.entry(host_of(path, line)?.into_owned()).or_default().push(line);
    }
    Some(hosts)
}

/// The host of a line: in front of its path, behind the number of a question, and in expressions escaped.
fn host_of<'l>(path: &str, line: &'l str) -> Option<Cow<'l, str>> {
    if LITERAL.contains(&path) {
        return line.split_once('/').map(|(host, _)| host.into());
    }
    let (_, key) = line.split_once('^')?;
    let key = if path == EXPRESSIONS[0] { key.split_once(':')?.1 } else { key };
    let end = key.find(['/', '('])?;
    Some(key[..end].replace('\\', "").into())
}

/// Several maps of names change one after the other where all of them only get names, or all only lose some: those come first
/// where names are looked for first, and go last from there.
fn in_order(mut names: Vec<Part<'_>>) -> Option<Vec<Part<'_>>> {
    let place = |part: &Part<'_>| NAMES.iter().position(|path| *path == part.map.path);
    names.sort_by_key(place);
    if names.len() < 2 || names.iter().all(|part| holds(part.after, part.before)) {
        return Some(names);
    }
    names.reverse();
    names.iter().all(|part| holds(part.before, part.after)).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: &str = LITERAL[0];
    const PREFIX: &str = LITERAL[1];
    const DECIDED: &str = EXPRESSIONS[0];
    const WRITTEN: &str = EXPRESSIONS[1];

    /// Paths and lines, of which each becomes one; `|` ends a line.
    fn ordered(changed: &[(&str, &str, &str)]) -> Option<Vec<(String, String)>> {
        let lines = |text: &str| text.split_terminator('|').flat_map(|line| [line, "\n"]).collect::<String>();
        let texts: Vec<_> = changed.iter().map(|(path, before, after)| (*path, lines(before), lines(after))).collect();
        let changed: Vec<_> = texts.iter().map(|(path, before, after)| Changed { path, before, after }).collect();
        let steps = order(&changed)?.into_iter().map(|(path, text)| (path.to_owned(), text.replace('\n', "|")));
        Some(steps.collect())
    }

    fn said(changed: &[(&str, &str, &str)]) -> Option<Vec<String>> {
        let name = |path: &str| path.trim_start_matches("maps/").trim_end_matches(".map").to_owned();
        ordered(changed).map(|steps| steps.into_iter().map(|(path, text)| format!("{} {text}", name(&path))).collect())
    }

    #[test]
    fn a_path_that_moves_to_another_map_is_there_before_it_is_gone_from_the_first() {
        let (open, both) = ("a.test/ open", "a.test/ open|a.test/admin/ guarded");
        let moved = said(&[(EXACT, "a.test/admin guarded", ""), (PREFIX, open, both)]).unwrap();
        assert_eq!(moved, [format!("prefix {both}|"), "exact ".to_owned()]);
        let moved = said(&[(EXACT, "", "a.test/admin guarded"), (PREFIX, both, open)]).unwrap();
        assert_eq!(moved, ["exact a.test/admin guarded|", "prefix a.test/ open|"]);
        let lines = r"^a\.test(?i:/admin) guarded|^a\.test(?i:/) open";
        let written = format!("expressions {lines}|");
        let moved = said(&[(EXACT, "a.test/admin guarded", ""), (WRITTEN, "", lines), (PREFIX, open, "")]).unwrap();
        assert_eq!(moved, [&*written, "prefix ", "exact "]);
        let moved = said(&[(EXACT, "", "a.test/admin guarded"), (WRITTEN, lines, ""), (PREFIX, "", open)]).unwrap();
        assert_eq!(moved, ["exact a.test/admin guarded|", "prefix a.test/ open|", "expressions "]);
    }

    #[test]
    fn a_path_that_has_another_route_has_that_at_once() {
        let moved = said(&[(EXACT, "a.test/x 1|a.test/y 1", "a.test/x 2"), (PREFIX, "a.test/x/ 1", "a.test/x/ 2")]).unwrap();
        assert_eq!(moved, ["exact a.test/x 2|a.test/y 1|", "prefix a.test/x/ 2|", "exact a.test/x 2|"]);
    }

    #[test]
    fn expressions_that_are_others_are_loaded_with_what_is_asked_of_them() {
        let decided = |begin: &str| format!(r"(*X)^0:a\.test(?=/)(?:{begin}) 1|^0:a\.test/ 0");
        let lines = |path: &str| format!(r"(*X)^a\.test(?i:{path}) guarded|^a\.test(?i:/) open");
        let changed = [(DECIDED, &*decided("x"), &*decided("y")), (WRITTEN, &*lines("/x"), &*lines("/y"))];
        assert_eq!(said(&changed), None);
        assert_eq!(said(&changed[1..]).unwrap(), [format!("expressions {}|", lines("/y"))]);
    }

    #[test]
    fn hosts_that_come_have_their_paths_first_and_those_that_go_have_them_last() {
        let changed = [
            (EXACT, "b.test/x 1", "b.test/x 1|c.test/x 3"),
            (PREFIX, "a.test/ 2|b.test/ 1", "b.test/ 1|c.test/ 3"),
            ("maps/hosts.map", "a.test a.test|b.test b.test", "b.test b.test|c.test c.test"),
        ];
        let wanted = [
            "exact b.test/x 1|c.test/x 3|",
            "prefix b.test/ 1|c.test/ 3|a.test/ 2|",
            "hosts b.test b.test|c.test c.test|",
            "prefix b.test/ 1|c.test/ 3|",
        ];
        assert_eq!(said(&changed).unwrap(), wanted);
    }

    #[test]
    fn while_names_change_their_hosts_no_other_host_changes() {
        let hosts = ("maps/hosts.map", "a.test a.test", "a.test a.test|b.w.test b.w.test");
        let wildcard = |before: &'static str, after: &'static str| (PREFIX, before, after);
        let other = wildcard("*.w.test/ guarded", "*.w.test/ open|b.w.test/ guarded");
        assert_eq!(said(&[other, hosts]), None, "b.w.test would be open for a moment");
        assert_eq!(said(&[wildcard("*.w.test/ guarded", "*.w.test/ guarded|b.w.test/ open"), hosts]).unwrap().len(), 2);
        assert_eq!(said(&[wildcard("*.w.test/ guarded|a.test/ 1", "*.w.test/ open|a.test/ 2")]).unwrap().len(), 1, "each in one moment");
    }

    #[test]
    fn names_come_and_go_so_that_none_is_another_one_meanwhile() {
        let both = |hosts: (&'static str, &'static str), wildcards: (&'static str, &'static str)| {
            let changed = [("maps/wildcards.map", wildcards.0, wildcards.1), ("maps/hosts.map", hosts.0, hosts.1)];
            ordered(&changed).map(|steps| steps.into_iter().map(|(path, _)| path).collect::<Vec<_>>())
        };
        assert_eq!(both(("", "a.w a.w"), ("", ".w *.w")).unwrap(), ["maps/hosts.map", "maps/wildcards.map"]);
        assert_eq!(both(("a.w a.w", ""), (".w *.w", "")).unwrap(), ["maps/wildcards.map", "maps/hosts.map"]);
        assert_eq!(both(("a.w a.w", ""), ("", ".w *.w")), None);
        assert_eq!(both(("", "a.w a.w"), (".w *.w", "")), None);
    }

    #[test]
    fn where_clients_without_a_certificate_go_changes_with_all_else() {
        let pages = (ERROR_PATHS, "a.test required:%2Fx", "a.test required:%2Fy");
        assert_eq!(said(&[pages]), None);
        assert_eq!(said(&[(PREFIX, "a.test/ 1", "a.test/ 2"), pages]), None);
    }

    #[test]
    fn a_host_with_lines_that_stay_does_not_go() {
        let hosts = ("maps/hosts.map", "a.test a.test|b.test b.test|c.test c.test", "a.test a.test|b.test b.test");
        let both = |before: &'static str, after: &'static str| (PREFIX, before, after);
        // What stays is in front of what changes, behind it, or on both sides.
        for (before, after) in [
            ("a.test/ 1|b.test/ 1|b.test/x 2|c.test/ 3", "a.test/ 1|b.test/ 1"),
            ("a.test/ 1|b.test/ 1|b.test/x 2|c.test/ 3", "a.test/ 1|b.test/x 2"),
            ("b.test/ 1|b.test/x 2|b.test/y 2|c.test/ 3", "b.test/ 1|b.test/y 2"),
        ] {
            assert_eq!(said(&[both(before, after), hosts]), None, "{after}");
        }
        assert_eq!(said(&[both("a.test/ 1|b.test/ 1|c.test/ 3", "a.test/ 1|b.test/ 1"), hosts]).unwrap().len(), 2);
    }

    #[test]
    fn only_what_differs_is_looked_at() {
        let map = |before: &'static str, after: &'static str| Part::of(Changed { path: PREFIX, before, after });
        let of = |part: Part<'static>| (part.before, part.after);
        assert_eq!(of(map("a\nb\nc\n", "a\nx\nc\n")), ("b\n", "x\n"));
        assert_eq!(of(map("a\na\n", "a\na\na\n")), ("", "a\n"), "no line is on both sides");
        assert_eq!(of(map("a\nb\n", "a\nb\n")), ("", ""));
        assert_eq!(of(map("", "a\n")), ("", "a\n"));
        assert_eq!(of(map("a\nb", "a\nb\n")), ("b", "b\n"));
    }

    #[test]
    fn lines_are_known_by_their_hosts() {
        for (path, line, host) in [
            (EXACT, "a.test/x/y b", Some("a.test")),
            (PREFIX, "_/ b", Some("_")),
            (WRITTEN, r"(*LIMIT_MATCH=9)^\*\.w-x\.test(?i:/^a) b", Some("*.w-x.test")),
            (DECIDED, r"(*LIMIT_MATCH=9)^12:a\.test(?=/)(?:(?=(?i:/a))|) 1", Some("a.test")),
            (DECIDED, r"^12:a\.test/ 0", Some("a.test")),
            (DECIDED, "a", None),
            (WRITTEN, "a.test/", None),
        ] {
            assert_eq!(host_of(path, line).as_deref(), host, "{line}");
        }
    }
}
