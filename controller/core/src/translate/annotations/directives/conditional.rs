//! `if`: what stands in its block holds where the condition does.

use super::headers::is_of_headers;
use super::reader::Directive;
use super::words::free_name;
use super::{Meaning, answers, chosen};
use crate::model::Condition;
use crate::names::TextRegex;

const INSIDE: &str = "only headers, expires, set, and one return or rewrite behind them, are accepted inside";

/// The directives of a block by what they do.
#[derive(Default)]
struct Block<'d> {
    sets: Vec<&'d Directive>,
    headers: Vec<Directive>,
    /// What is answered is not logged.
    unlogged: bool,
    /// `return` or `rewrite`, which stands behind all others.
    end: Option<&'d Directive>,
}

impl<'d> Block<'d> {
    fn of(directives: &'d [Directive]) -> Result<Self, String> {
        let mut block = Self::default();
        for directive in directives {
            match directive.name.as_str() {
                _ if block.end.is_some() || directive.block.is_some() => return Err(INSIDE.to_owned()),
                "set" => block.sets.push(directive),
                "return" | "rewrite" => block.end = Some(directive),
                "access_log" if directive.arguments == ["off"] => block.unlogged = true,
                "expires" => block.headers.push(directive.clone()),
                _ if is_of_headers(directive) => block.headers.push(directive.clone()),
                _ => return Err(INSIDE.to_owned()),
            }
        }
        let answers = block.end.is_some_and(|end| end.name == "return");
        let is_empty = block.sets.is_empty() && block.headers.is_empty() && block.end.is_none();
        if is_empty || (block.unlogged && !answers) { Err(INSIDE.to_owned()) } else { Ok(block) }
    }
}

impl Meaning {
    pub(super) fn conditional(&mut self, words: &[&str], block: &[Directive]) -> Result<(), String> {
        let (words, names) = without_names(words)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (conditions, has_groups) = self.conditions(&words)?;
        let Block { sets, headers, unlogged, end } = Block::of(block)?;
        let numbered = end.filter(|_| !names.is_empty()).map(|end| numbered(end, &names));
        let end = numbered.as_ref().or(end);
        if !has_groups && end.is_some_and(|end| end.arguments.iter().any(|word| chosen::has_group(word))) {
            return Err("groups are those of an expression in the condition itself".to_owned());
        }
        let known = (self.variables.clone(), self.chosen.clone());
        if !headers.is_empty() || end.is_some() {
            self.set_inside(&sets);
        }
        let read = match end {
            Some(end) if end.name == "return" => self.answers_under(&conditions, (end, &headers, unlogged)),
            Some(end) => self.path_under(conditions.clone(), end).and_then(|()| self.some_headers_under(&conditions, &headers)),
            None => self.some_headers_under(&conditions, &headers),
        };
        (self.variables, self.chosen) = known;
        read?;
        // Behind an answer nobody is left who would know of them.
        if end.is_none_or(|end| end.name != "return") { self.set_under(&conditions, &sets) } else { Ok(()) }
    }

    fn answers_under(
        &mut self,
        conditions: &[Vec<Condition>],
        (end, headers, unlogged): (&Directive, &[Directive], bool),
    ) -> Result<(), String> {
        let given: Vec<&str> = end.arguments.iter().map(String::as_str).collect();
        let (ages, headers): (Vec<&Directive>, Vec<_>) = headers.iter().partition(|directive| directive.name == "expires");
        let expires = ages.last().map(|directive| answers::age_of(directive)).transpose()?;
        let headers = self.headers_inside(&headers.into_iter().cloned().collect::<Vec<_>>())?.ok_or(INSIDE)?;
        for all in conditions {
            if all.is_empty() && !(headers.is_empty() && expires.is_none()) {
                return Err(INSIDE.to_owned());
            }
            let count = self.extra.answers.len();
            answers::where_all_hold(self, all, &given, headers.clone())?;
            for answer in self.extra.answers.iter_mut().skip(count) {
                answer.unlogged = unlogged;
                answer.expires = expires.filter(|_| answers::is_success(answer.status));
            }
        }
        Ok(())
    }

    fn path_under(&mut self, conditions: Vec<Vec<Condition>>, end: &Directive) -> Result<(), String> {
        let given: Vec<&str> = end.arguments.iter().map(String::as_str).collect();
        for mut all in conditions {
            if all.len() > 1 {
                return Err("where several conditions have to hold only return is accepted inside".to_owned());
            }
            answers::rewrite(self, all.pop(), &given)?;
        }
        Ok(())
    }

    fn some_headers_under(&mut self, conditions: &[Vec<Condition>], block: &[Directive]) -> Result<(), String> {
        if block.is_empty() { Ok(()) } else { self.headers_under(conditions.to_vec(), block) }
    }

    /// What is set in a block is known to the rest of it; of what cannot be known there the rest says so.
    fn set_inside(&mut self, sets: &[&Directive]) {
        for directive in sets {
            let [variable, value] = &directive.arguments[..] else { continue };
            let Ok(name) = free_name(variable) else { continue };
            let choices = self.chosen.remove(&name);
            if self.set(variable, value).is_err() {
                self.chosen.extend(choices.map(|choices| (name, choices)));
            }
        }
    }

    fn set_under(&mut self, conditions: &[Vec<Condition>], sets: &[&Directive]) -> Result<(), String> {
        for directive in sets {
            let words: Vec<&str> = directive.arguments.iter().map(String::as_str).collect();
            let [variable, value] = words[..] else { return Err(directive.wrong("it takes a variable and a value")) };
            let once = conditions.len() == 1;
            for all in conditions {
                let set = if all.is_empty() { self.set(variable, value) } else { self.choose(all, variable, value, once) };
                set.map_err(|why| directive.wrong(&why))?;
            }
        }
        Ok(())
    }
}

/// A group's name, in lower case, and its number.
type Name = (String, usize);

/// The words of a condition with groups that have no names in its expression, and the names that they had.
fn without_names(words: &[&str]) -> Result<(Vec<String>, Vec<Name>), String> {
    const MATCHES: &[&str] = &["~", "~*", "!~", "!~*"];
    let (mut plain, mut names, mut is_expression) = (Vec::new(), Vec::new(), false);
    for word in words {
        let has_names = is_expression && word.contains("(?");
        let (word, own) = if has_names { TextRegex::without_names(word).map_err(|bad| bad.0)? } else { ((*word).to_owned(), Vec::new()) };
        is_expression = MATCHES.contains(&&*word);
        plain.push(word);
        names.extend(own);
    }
    Ok((plain, names))
}

/// The same directive with the numbers of groups in place of their names.
fn numbered(directive: &Directive, names: &[Name]) -> Directive {
    let mut directive = directive.clone();
    for (name, number) in names.iter().filter(|(_, number)| *number <= MOST_GROUPS) {
        for word in &mut directive.arguments {
            *word = chosen::around(word, name).join(&format!("${number}"));
        }
    }
    directive
}

/// Groups that a text can have.
const MOST_GROUPS: usize = 9;
