//! Where directives of a snippet stand, so that whoever wrote them is told of the right one.

use super::reader::{self, Directive};
use super::{answered, others};
use crate::model::RawDirective;
use crate::names::shown;

/// The directives of a snippet with their places; none, where it cannot be read.
pub(in crate::translate) struct Places(Vec<Directive>);

impl Places {
    pub(in crate::translate) fn of(text: &str) -> Self {
        Self(reader::read(text).unwrap_or_default())
    }

    /// What is said of the first directive with one of these names, or beginnings of names that end with `_`.
    pub(in crate::translate) fn say_of(&self, names: &[&str], why: &str) -> String {
        self.say(|directive| names.iter().any(|own| others::is_named(own, &directive.name)), why)
    }

    /// Paths of a whole host are not one Ingress's.
    pub(in crate::translate) fn too_wide(&self) -> String {
        self.say_of(&["location"], "it holds for a whole host")
    }

    /// The path cannot become another one for a whole host.
    pub(in crate::translate) fn too_late(&self) -> String {
        let is_no_redirect = |flag: &String| !["permanent", "redirect"].contains(&flag.as_str());
        let rewrites = |directive: &Directive| directive.name == "rewrite" && directive.arguments.last().is_some_and(is_no_redirect);
        self.say(rewrites, "the routes of a host are found by the path that was asked for, and not by another one")
    }

    /// Where clients sign in is said beside the service that they sign in for.
    pub(in crate::translate) fn signs_in(&self, why: &str) -> String {
        self.say(|directive| directive.name == "error_page" && directive.arguments.first().is_some_and(|code| code == "401"), why)
    }

    /// Something else than headers of requests.
    pub(in crate::translate) fn not_for_services(&self) -> String {
        const HEADERS: &[&str] = &["proxy_set_header", "grpc_set_header", "more_set_input_headers", "more_clear_input_headers"];
        let names = [HEADERS, &["set", answered::SET]].concat();
        self.say(|directive| !names.contains(&directive.name.as_str()), "only proxy_set_header is accepted here")
    }

    /// What is said of the first directive with this name and a word in which this is.
    pub(in crate::translate) fn say_of_word(&self, name: &str, part: &str, why: &str) -> String {
        self.say(|directive| directive.name == name && directive.arguments.iter().any(|word| word.contains(part)), why)
    }

    /// What is said of the first directive that has this header in front of a word, whatever its case.
    pub(in crate::translate) fn say_of_header(&self, header: &str, why: &str) -> String {
        let begins = |word: &String| word.get(..header.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(header));
        self.say(|directive| directive.arguments.iter().any(begins), why)
    }

    /// What is said of the first directive that has this variable.
    pub(in crate::translate) fn say_of_variable(&self, name: &str, why: &str) -> String {
        let has = |word: &String| {
            let mut behind = word.match_indices('$').map(|(at, _)| word[at + 1..].trim_start_matches('{'));
            behind.any(|rest| {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                rest[..end].eq_ignore_ascii_case(name)
            })
        };
        self.say(|directive| directive.arguments.iter().any(has), why)
    }

    /// What is said of a directive that is kept as it is.
    pub(in crate::translate) fn say_of_raw(&self, raw: &RawDirective, why: &str) -> String {
        self.say(|directive| directive.name == raw.name && directive.arguments == raw.words, why)
    }

    fn say(&self, is_meant: impl Fn(&Directive) -> bool, why: &str) -> String {
        first(&self.0, &is_meant).map_or_else(|| why.to_owned(), |directive| directive.wrong(why))
    }
}

/// The first one, be it in a block.
fn first<'d>(directives: &'d [Directive], is_meant: &impl Fn(&Directive) -> bool) -> Option<&'d Directive> {
    directives.iter().find_map(|directive| {
        let inside = directive.block.as_deref().unwrap_or_default();
        if is_meant(directive) { Some(directive) } else { first(inside, is_meant) }
    })
}

/// Why a snippet is refused, and its other directives that are foreign: the first of them with their places.
pub(super) fn with_others(directives: &[Directive], why: String, is_foreign: impl Fn(&Directive) -> bool) -> String {
    const NAMED: usize = 5;
    let mut all = Vec::new();
    collect(directives, &is_foreign, &mut all);
    all.retain(|directive| !directive.is_said_in(&why));
    let named: Vec<_> = all.iter().take(NAMED).map(|directive| with_place(directive)).collect();
    match all.len().saturating_sub(NAMED) {
        0 if named.is_empty() => why,
        0 => format!("{why}; without a meaning here: {}", named.join(", ")),
        more => format!("{why}; without a meaning here: {} and {more} more", named.join(", ")),
    }
}

fn with_place(directive: &Directive) -> String {
    let other = others::other(&directive.name).map_or_else(String::new, |other| format!(": {other}"));
    format!("{} ({}{other})", shown(&directive.name), directive.at)
}

/// All of them, be they in blocks of others.
fn collect<'d>(directives: &'d [Directive], is_meant: &impl Fn(&Directive) -> bool, all: &mut Vec<&'d Directive>) {
    for directive in directives {
        match &directive.block {
            _ if is_meant(directive) => all.push(directive),
            Some(block) => collect(block, is_meant, all),
            None => {}
        }
    }
}

/// What is wrong with one of the directives of these names, by its number among them, in no block.
pub(super) fn wrong_of(directives: &[Directive], names: &[&str], (number, why): (usize, String)) -> String {
    let mut named = directives.iter().filter(|directive| directive.block.is_none() && names.contains(&directive.name.as_str()));
    named.nth(number).map_or_else(|| why.clone(), |directive| directive.wrong(&why))
}
