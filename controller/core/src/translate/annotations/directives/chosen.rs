//! Variables that conditions set: each is compared with a text later, and so stands for those conditions.

use super::Meaning;
use super::answers;
use super::blocks::apart;
use super::headers::is_of_headers;
use super::reader::Directive;
use super::ways::{self, Unknown, Ways};
use super::words::free_name;
use crate::model::Condition;
use crate::names::{VariableText, shown};

/// What a variable is set to, in the order in which it is.
pub(super) type Choices = Vec<Choice>;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Choice {
    /// What all holds then; not empty.
    when: Vec<Condition>,
    /// The value; `None` stands for the one that the variable has had.
    value: Vec<Option<String>>,
    /// The value has variables, which differ from request to request.
    has_variables: bool,
}

/// Conditions of one variable: each of another variable that is set under it counts as all of its own.
const MOST: usize = 20;

impl Choice {
    /// What all holds where the variable is set so.
    pub(super) fn when(&self) -> &[Condition] {
        &self.when
    }

    /// The value that it is given; `None`: it would be longer than a text can be.
    pub(super) fn set(&self, had: &str) -> Option<String> {
        let parts = || self.value.iter().map(|part| part.as_deref().unwrap_or(had));
        let bytes: usize = parts().map(str::len).sum();
        (bytes <= VariableText::MAX_BYTES).then(|| parts().collect())
    }

    /// Whether that has the value in it which it has had.
    pub(super) fn goes_on(&self) -> bool {
        self.value.contains(&None)
    }
}

impl Meaning {
    /// Learns in advance which variables are set under conditions: no text but a condition can have these.
    pub(super) fn expect_choices(&mut self, directives: &[Directive]) {
        let blocks = directives.iter().filter(|directive| directive.name == "if").filter_map(|directive| directive.block.as_ref());
        for directive in blocks.flatten().filter(|directive| directive.name == "set") {
            if let Some(name) = directive.arguments.first().and_then(|variable| free_name(variable).ok()) {
                self.chosen.entry(name).or_default();
            }
        }
    }

    /// `set` in a condition. `once`: it is set there and nowhere else by the same directive.
    pub(super) fn choose(&mut self, when: &[Condition], variable: &str, value: &str, once: bool) -> Result<(), String> {
        let name = free_name(variable)?;
        let (given, mut has_variables) = (value, false);
        let mut value = Vec::new();
        for (n, piece) in around(given, &name).into_iter().enumerate() {
            if n > 0 {
                value.push(None);
            }
            if piece.is_empty() {
                value.push(Some(String::new()));
                continue;
            }
            let text = self.text(piece)?;
            has_variables |= text.literal().is_none();
            value.push(Some(text.literal().map_or_else(|| self.closed(piece), |literal| Ok(literal.to_owned()))?));
        }
        if value.contains(&None) && !once {
            return Err(undecided(&name));
        }
        let choices = self.chosen.entry(name).or_default();
        if choices.len() >= MOST {
            return Err(format!("{} is set under more than {MOST} conditions", shown(variable)));
        }
        choices.push(Choice { when: when.to_vec(), value, has_variables });
        Ok(())
    }

    /// What a condition stands for: all of one of these hold. A variable that was set under conditions is those; then no
    /// group of an expression is known.
    pub(super) fn conditions(&self, words: &[&str]) -> Result<(Vec<Vec<Condition>>, bool), String> {
        let words = answers::condition_words(words)?;
        let name = words.first().and_then(|word| word.strip_prefix('$'));
        let name = name.map(|name| name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name).to_ascii_lowercase());
        let Some((name, choices)) = name.and_then(|name| self.chosen.get_key_value(&name)) else {
            return answers::condition(self, &words).map(|condition| (vec![vec![condition]], true));
        };
        let (text, negated) = match words[1..] {
            [] => (None, false),
            ["="] => (Some(""), false),
            ["!="] => (Some(""), true),
            ["=", text] => (Some(text), false),
            ["!=", text] => (Some(text), true),
            _ => return Err(format!("{} was set under a condition, and is compared by = and != only", shown(&format!("${name}")))),
        };
        if choices.iter().any(|choice| choice.has_variables) {
            return Err(format!("{} is compared, and was set to what differs from request to request", shown(&format!("${name}"))));
        }
        let fits = |value: &str| text.map_or(!["", "0"].contains(&value), |text| (value == text) != negated);
        let usual = self.variables.get(name).map_or("", String::as_str);
        let ways = if usual.contains('$') { Err(Unknown::Undecided) } else { ways::ways(usual, choices, fits) };
        Ok((ways.map_err(|why| unknown(name, why))?, false))
    }
}

impl Meaning {
    /// The directives in the order in which they are read: what is said of headers counts at the end of a request, so headers
    /// with variables that conditions set come behind these.
    pub(super) fn in_turn<'d>(&self, directives: impl IntoIterator<Item = &'d Directive>) -> Vec<&'d Directive> {
        let waits =
            |directive: &&Directive| is_of_headers(directive) && directive.arguments.iter().any(|word| self.chosen_in(word).is_some());
        let (later, mut all): (Vec<_>, Vec<_>) = directives.into_iter().partition(waits);
        all.extend(later);
        all
    }

    /// A variable in a text that conditions set.
    fn chosen_in(&self, text: &str) -> Option<&str> {
        self.chosen.keys().map(String::as_str).find(|name| around(text, name).len() > 1)
    }

    /// The texts that a text with such a variable stands for, each with the conditions under which it is that: all of one of
    /// these, of which never two hold. One without is itself.
    pub(super) fn choices_of(&self, text: &str) -> Result<Vec<(String, Ways)>, String> {
        let Some(name) = self.chosen_in(text) else { return Ok(vec![(text.to_owned(), vec![Vec::new()])]) };
        let (usual, choices) = (self.variables.get(name).map_or("", String::as_str), &self.chosen[name]);
        let pieces = around(text, name);
        let one = |(value, ways): (String, Ways)| {
            let bytes = pieces.iter().map(|piece| piece.len()).sum::<usize>() + (pieces.len() - 1) * value.len();
            if bytes > VariableText::MAX_BYTES {
                return Err(unknown(name, Unknown::TooLong));
            }
            let text = pieces.join(&value);
            match self.chosen_in(&text) {
                Some(other) => {
                    Err(format!("{} was set under a condition, too, and one of them can stand in a header", shown(&format!("${other}"))))
                }
                None => Ok((text, apart(&ways).ok_or_else(|| undecided(name))?)),
            }
        };
        ways::values(usual, choices).map_err(|why| unknown(name, why))?.into_iter().map(one).collect()
    }
}

fn undecided(name: &str) -> String {
    unknown(name, Unknown::Undecided)
}

fn unknown(name: &str, why: Unknown) -> String {
    let name = shown(&format!("${name}"));
    match why {
        Unknown::Undecided => format!("{name} was set under several conditions, and which of them decides cannot be told to every proxy"),
        Unknown::TooLong => format!("{name} is too long with what it is set to under its conditions"),
    }
}

/// What stands before, between and behind the places of a variable, whatever the case of its name there.
pub(super) fn around<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let (mut pieces, mut begin, mut at) = (Vec::new(), 0, 0);
    while let Some(found) = text[at..].find('$').map(|found| at + found) {
        let bare = &text[found + 1..];
        let named = |text: &'t str| text.get(..name.len()).filter(|own| own.eq_ignore_ascii_case(name)).map(|_| &text[name.len()..]);
        let closed = bare.strip_prefix('{').and_then(named).and_then(|rest| rest.strip_prefix('}'));
        let open = named(bare).filter(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
        at = found + 1;
        if let Some(rest) = closed.or(open) {
            pieces.push(&text[begin..found]);
            begin = text.len() - rest.len();
            at = begin;
        }
    }
    pieces.push(&text[begin..]);
    pieces
}

/// Whether a word has what a group has matched.
pub(super) fn has_group(word: &str) -> bool {
    word.as_bytes().windows(2).any(|pair| pair[0] == b'$' && pair[1].is_ascii_digit())
}
