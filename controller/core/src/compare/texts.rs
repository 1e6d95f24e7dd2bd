//! Values as texts of one line, short and escaped.

use super::{Change, Effect, Kind, Subject};
use crate::names::{ObjectRef, shown};

/// The change of a value that goes by a name.
pub(super) fn told(
    subject: Subject,
    hosts: Vec<String>,
    (name, from, to): (&str, Option<&str>, Option<&str>),
    by: Option<ObjectRef>,
    effect: Option<Effect>,
) -> Change {
    let kind = match (from, to) {
        (None, _) => Kind::Added,
        (_, None) => Kind::Removed,
        _ => Kind::Changed,
    };
    let (old, new) = shown_apart(from.unwrap_or_default(), to.unwrap_or_default());
    // That a text is there and empty is something else than that none is there.
    let [from, to] = [(from, old), (to, new)].map(|(text, shown_text)| if text == Some("") { shown("") } else { shown_text });
    Change { subject, hosts, name: bare(name), kind, from, to, by, effect }
}

/// Names and their values, some of them.
pub(super) fn wishes(all: &[(&str, &str)]) -> String {
    const SHOWN: usize = 8;
    let mut out: Vec<String> = all.iter().take(SHOWN).map(|(name, value)| format!("{} {}", bare(name), shown(value))).collect();
    if all.len() > SHOWN {
        out.push(format!("{} more", all.len() - SHOWN));
    }
    out.join(", ")
}

/// A name that needs no quotes.
pub(super) fn bare(name: &str) -> String {
    shown(name).trim_matches('"').to_owned()
}

/// Both values. Where only the end of long ones differs, the end is shown: else both would look the same.
pub(super) fn shown_apart(from: &str, to: &str) -> (String, String) {
    const VISIBLE: usize = 60;
    const BEFORE: usize = 20;
    let same = from.chars().zip(to.chars()).take_while(|(a, b)| a == b).count();
    let text = |value: &str| match same {
        _ if value.is_empty() => String::new(),
        ..=VISIBLE => shown(value),
        _ => shown(&format!("…{}", value.chars().skip(same - BEFORE).collect::<String>())),
    };
    (text(from), text(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_long_values_never_look_the_same() {
        let list = (0..20).map(|n| format!("10.{n}.0.0/16")).collect::<Vec<_>>().join(",");
        let (from, to) = shown_apart(&list, &format!("{list},0.0.0.0/0"));
        assert_eq!((from.as_str(), to.as_str()), (r#""….0.0/16,10.19.0.0/16""#, r#""….0.0/16,10.19.0.0/16,0.0.0.0/0""#));
        assert_eq!(shown_apart("", &list), (String::new(), shown(&list)));
        assert_eq!(shown_apart("a", "b"), ("\"a\"".to_owned(), "\"b\"".to_owned()));
        for same in 0..200 {
            let (from, to) = shown_apart(&"ä".repeat(same), &("ä".repeat(same) + "b"));
            assert_ne!(from, to, "{same} characters");
        }
    }
}
