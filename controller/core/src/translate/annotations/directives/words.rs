//! Texts with variables, of which some are set in the snippet itself.

use super::Meaning;
use super::answered::{SET, without_answers};
use crate::names::variable::is_variable;
use crate::names::{VariableText, shown};

impl Meaning {
    /// A text, with the values of variables that were set before.
    pub(super) fn text(&self, text: &str) -> Result<VariableText, String> {
        without_answers(self.header_text(text)?)
    }

    /// A text in lines, each of which is read so.
    pub(super) fn text_in_lines(&self, text: &str, read: fn(&Self, &str) -> Result<VariableText, String>) -> Result<VariableText, String> {
        VariableText::in_lines(text, |line| read(self, line)).and_then(|text| text.short_when_written().map_err(|bad| bad.0))
    }

    /// The same with the groups of an expression.
    pub(super) fn text_with_groups(&self, text: &str) -> Result<VariableText, String> {
        VariableText::parse_with_groups(&self.filled(text)?).map_err(|bad| bad.0)
    }

    /// What was set stands in place of its variables. The result is read like any other text, and no longer than one.
    pub(super) fn filled(&self, text: &str) -> Result<String, String> {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some(at) = rest.find('$') {
            filled.push_str(&rest[..at]);
            let behind = &rest[at + 1..];
            let bare = behind.strip_prefix('{').unwrap_or(behind);
            let end = bare.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(bare.len());
            let (name, tail) = bare.split_at(end);
            let closed = if bare.len() == behind.len() { Some(tail) } else { tail.strip_prefix('}') };
            // To nginx the names of variables have no case.
            let own = name.to_ascii_lowercase();
            if self.chosen.contains_key(&own) {
                return Err(format!("{} was set under a condition, and can only be compared with a text", shown(&format!("${name}"))));
            }
            match (self.variables.get(&own), closed) {
                (Some(value), Some(tail)) => {
                    filled.push_str(value);
                    rest = tail;
                    if filled.len() > VariableText::MAX_BYTES {
                        return Err(format!("{} is too long with what its variables stand for", shown(text)));
                    }
                }
                _ => {
                    filled.push('$');
                    rest = behind;
                }
            }
        }
        Ok(filled + rest)
    }

    /// The same with braces around every name that is left, so that none runs into what stands behind it.
    pub(super) fn closed(&self, text: &str) -> Result<String, String> {
        self.filled(text).map(|text| closed_names(&text))
    }

    pub(super) fn set(&mut self, variable: &str, value: &str) -> Result<(), String> {
        let name = free_name(variable)?;
        if self.answered.contains_key(&name) {
            return Err(format!("{SET} gives {} another value", shown(variable)));
        }
        self.text(value)?;
        let value = self.closed(value)?;
        if let Some(choices) = self.chosen.get_mut(&name) {
            choices.clear();
        }
        self.variables.insert(name, value);
        Ok(())
    }
}

/// The name of a variable that is nobody's yet, in lower case: to nginx names of variables have none.
pub(super) fn free_name(variable: &str) -> Result<String, String> {
    let name = variable.strip_prefix('$').ok_or("the first word is not a variable")?.to_ascii_lowercase();
    let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !good || is_variable(&name) {
        return Err(format!("{} cannot be set", shown(variable)));
    }
    Ok(name)
}

/// The same text with braces around every name.
fn closed_names(text: &str) -> String {
    let (mut closed, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        let behind = &rest[at + 1..];
        let end = behind.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(behind.len());
        closed.push_str(&rest[..at]);
        closed.push_str(&if end == 0 { "$".to_owned() } else { format!("${{{}}}", &behind[..end]) });
        rest = &behind[end..];
    }
    closed + rest
}

#[cfg(test)]
mod tests {
    use super::super::{Meaning, read_key};
    use crate::settings::{LimitZones, SnippetKey};

    fn read(text: &str) -> Result<Meaning, String> {
        read_key(SnippetKey::Location, text, &LimitZones::new())
    }

    #[test]
    fn variables_in_variables_stay_short() {
        let doubled: String = (1..30).map(|n| format!("set $a{n} $a{0}$a{0};", n - 1)).collect();
        assert!(
            read(&format!("set $a0 xxxxxxxxxxxxxxxx;{doubled}")).unwrap_err().contains("is too long with what its variables stand for")
        );
    }

    #[test]
    fn texts_stay_short_when_they_are_printed() {
        let dollars = |count| "$ ".repeat(count);
        assert!(read(&format!("add_header X '{}'; return 200 '{0}';", dollars(200))).is_ok());
        assert!(read(&format!("add_header X {};", "$uri".repeat(400))).is_err(), "variables have longer names, too");
        for bad in ["add_header X '%';", "return 200 '%';", "if ($http_x ~ (a)) { return 200 '%'; }", "set $a '%';", "sub_filter a '%';"] {
            let said = read(&bad.replace('%', &dollars(230))).unwrap_err();
            assert!(said.ends_with("bytes as the proxy has to be told it; at most 4000 are possible"), "{bad}: {said}");
        }
    }
}
