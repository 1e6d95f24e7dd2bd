//! Variables that conditions set: each is compared with a text later, and so stands for those conditions.

use super::Meaning;
use super::answers;
use super::reader::Directive;
use super::words::free_name;
use crate::model::Condition;
use crate::names::shown;

/// What a variable is set to where a condition holds, in the order in which they are looked at.
pub(super) type Choices = Vec<(Condition, String)>;

/// Conditions of one variable: each of another variable that is set under it counts as all of its own.
const MOST: usize = 20;

impl Meaning {
    /// Learns in advance which variables are set under conditions: no text but a condition can have these.
    pub(super) fn expect_choices(&mut self, directives: &[Directive]) {
        let blocks = directives.iter().filter(|directive| directive.name == "if").filter_map(|directive| directive.block.as_ref());
        for directive in blocks.flatten().filter(|directive| directive.name == "set") {
            if let Some(name) = directive.arguments.first().and_then(|variable| free_name(variable).ok()) {
                self.chosen.entry(name.to_owned()).or_default();
            }
        }
    }

    /// `set` in a condition.
    pub(super) fn choose(&mut self, when: &Condition, words: &[&str]) -> Result<(), String> {
        let [variable, value] = words else { return Err("set takes a variable and a value".to_owned()) };
        let name = free_name(variable)?;
        let literal = self.text(value)?.literal().map(str::to_owned);
        let value = literal.ok_or_else(|| format!("set: in a condition {} is no plain text", shown(value)))?;
        let choices = self.chosen.entry(name.to_owned()).or_default();
        if choices.len() >= MOST {
            return Err(format!("{} is set under more than {MOST} conditions", shown(variable)));
        }
        choices.push((when.clone(), value));
        Ok(())
    }

    /// What a condition stands for: one of these holds. A variable that was set under conditions is those; then no group of
    /// an expression is known.
    pub(super) fn conditions(&self, words: &[&str]) -> Result<(Vec<Option<Condition>>, bool), String> {
        let words = answers::condition_words(words)?;
        let name = words.first().and_then(|word| word.strip_prefix('$'));
        let name = name.map(|name| name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name));
        let Some((name, choices)) = name.and_then(|name| self.chosen.get_key_value(name)) else {
            return answers::condition(self, &words).map(|condition| (vec![Some(condition)], true));
        };
        let (text, negated) = match words[1..] {
            [] => (None, false),
            ["="] => (Some(""), false),
            ["!="] => (Some(""), true),
            ["=", text] => (Some(text), false),
            ["!=", text] => (Some(text), true),
            _ => return Err(format!("{} was set under a condition, and is compared by = and != only", shown(&format!("${name}")))),
        };
        let fits = |value: &str| text.map_or(!["", "0"].contains(&value), |text| (value == text) != negated);
        let usual = fits(self.variables.get(name).map_or("", String::as_str));
        let marks: Vec<bool> = choices.iter().map(|(_, value)| fits(value)).collect();
        let which = which(usual, &marks, choices).ok_or_else(|| {
            format!(
                "{} was set under several conditions, and which of them decides cannot be told to every proxy",
                shown(&format!("${name}"))
            )
        });
        Ok((which?, false))
    }
}

/// The conditions of which one has to hold. `marks`: whether what each of them sets fits; the last one that holds decides.
fn which(usual: bool, marks: &[bool], choices: &Choices) -> Option<Vec<Option<Condition>>> {
    if marks.iter().all(|&mark| mark == usual) {
        return Some(if usual { vec![None] } else { Vec::new() });
    }
    match (usual, choices.as_slice()) {
        (true, [(only, _)]) => Some(vec![Some(Condition { negated: !only.negated, ..only.clone() })]),
        // Those that set another value come before all that set this one.
        (false, _) if marks.is_sorted() => {
            Some(choices.iter().zip(marks).filter(|(_, mark)| **mark).map(|((when, _), _)| Some(when.clone())).collect())
        }
        _ => None,
    }
}

/// Whether a word has what a group has matched.
pub(super) fn has_group(word: &str) -> bool {
    word.as_bytes().windows(2).any(|pair| pair[0] == b'$' && pair[1].is_ascii_digit())
}
