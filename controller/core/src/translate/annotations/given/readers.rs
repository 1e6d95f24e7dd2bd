//! Values of annotations, read the same way and refused with the same words everywhere.
//!
//! Every reader answers `None` for an annotation that is missing, empty or bad; a bad one is noted as well, with the
//! value and what would do.

use super::super::Class;
use super::Given;
use crate::names::{HostName, ObjectName, UriPath, shown};
use crate::settings::values::{self, Mistake};
use ipnet::IpNet;
use std::str::FromStr;

/// What would do in place of a value with a line end.
const ONE_LINE: &str = "write it in one line, in YAML without | or >";

impl<'a> Given<'a> {
    /// The value without the blanks at its ends; `None` when nothing is left. A line end stays, which no text may have: it is
    /// looked at as it is written (`annotations` 1.1).
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.raw(name).filter(|value| !value.trim().is_empty()).map(|value| value.trim_matches(' '))
    }

    /// The same for one of a set of words, and for lists that are trimmed as they are taken apart: without line ends, too.
    #[must_use]
    pub(in crate::translate::annotations) fn words(&self, name: &str) -> Option<&'a str> {
        self.text(name).map(str::trim)
    }

    /// A value that another type knows how to read; its error is the message.
    pub fn parsed<T, E: std::fmt::Display>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let text = self.text(name)?;
        self.read(name, text, parse)
    }

    /// Parses `text`, which is the value or was made from it; says what is wrong with it.
    pub fn read<T, E: std::fmt::Display>(&mut self, name: &'static str, text: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        parse(text).map_err(|bad| self.refuse(name, bad, "")).ok()
    }

    /// A bool as ingress-nginx reads it: `1 t T TRUE true True`, `0 f F FALSE false False`, nothing else.
    pub fn bool(&mut self, name: &'static str) -> Option<bool> {
        let text = self.raw(name).filter(|text| !text.is_empty())?;
        self.settled(name, values::flag(text))
    }

    /// A whole number: decimal, with an optional sign, nothing else.
    pub fn integer(&mut self, name: &'static str) -> Option<i64> {
        let text = self.raw(name).filter(|text| !text.is_empty())?;
        let number = text.parse().ok();
        if number.is_none() {
            self.refuse(name, format_args!("{} is not a whole number", shown(text)), "use a number without unit, such as 10");
        }
        number
    }

    /// A whole number between two bounds, both included.
    pub fn integer_in(&mut self, name: &'static str, low: i64, high: i64) -> Option<i64> {
        let number = self.integer(name)?;
        if (low..=high).contains(&number) {
            return Some(number);
        }
        self.refuse(name, format_args!("{number} is not between {low} and {high}"), "use a number between them");
        None
    }

    /// Most authorities that may stand between a certificate and one that is known; 1 by default.
    pub fn verify_depth(&mut self, name: &'static str) -> u32 {
        const MOST: u32 = 100;
        let Some(depth) = self.integer(name) else { return 1 };
        match u32::try_from(depth) {
            Ok(0) | Err(_) => {
                self.refuse(name, format_args!("{depth} is not 1 or more, so it is 1"), format!("use a number from 1 to {MOST}"));
                1
            }
            Ok(depth) if depth > MOST => {
                self.note(name, format_args!("{depth} is more than {MOST}, which is used"), format!("use a number from 1 to {MOST}"));
                MOST
            }
            Ok(depth) => depth,
        }
    }

    /// A time in whole seconds, at least 1, without unit.
    pub fn seconds(&mut self, name: &'static str) -> Option<u64> {
        const YEAR_S: i64 = 366 * 86_400;
        self.integer_in(name, 1, YEAR_S).and_then(|number| u64::try_from(number).ok())
    }

    /// A time with units, such as `30m` or `1h30m`, in seconds.
    pub fn duration_s(&mut self, name: &'static str) -> Option<u64> {
        let text = self.text(name)?;
        self.settled(name, values::seconds(text))
    }

    /// A decimal number that is neither negative nor infinite.
    pub fn float(&mut self, name: &'static str) -> Option<f64> {
        let text = self.text(name)?;
        let number = f64::from_str(text).ok().filter(|number| number.is_finite() && *number >= 0.0);
        if number.is_none() {
            self.refuse(name, format_args!("{} is not a number", shown(text)), "use a number such as 2.5");
        }
        number
    }

    /// A number of bytes: digits, then nothing, k, m or g.
    pub fn bytes(&mut self, name: &'static str) -> Option<u64> {
        let text = self.text(name)?;
        // Its reader trims what it is given.
        let read =
            if text.trim() == text { values::bytes(text) } else { Err(Mistake::new(format!("{} is not a size", shown(text)), ONE_LINE)) };
        self.settled(name, read)
    }

    /// Addresses and CIDRs, separated by commas: sorted, without duplicates, host bits cleared. One bad item, and none
    /// is used.
    pub fn networks(&mut self, name: &'static str) -> Option<Vec<IpNet>> {
        let text = self.text(name)?;
        self.settled(name, values::networks(text))
    }

    /// A text of one class of characters, on one line; blanks are refused.
    pub fn of_class(&mut self, name: &'static str, class: Class) -> Option<&'a str> {
        const MOST: usize = 2000;
        self.short_of_class(name, class, MOST)
    }

    /// A text of one class of characters, where no blanks are taken off the ends: `annotations` 1.1 looks at it as it is written.
    pub fn whole_of_class(&mut self, name: &'static str, class: Class) -> Option<&'a str> {
        let text = self.of_class(name, class)?;
        if self.whole(name) == Some(text) {
            return Some(text);
        }
        self.refuse(name, format_args!("{} has blanks at its ends", shown(self.whole(name).unwrap_or(text))), "write it without them");
        None
    }

    /// The value with the blanks at its ends; `None` when there is nothing else.
    #[must_use]
    pub fn whole(&self, name: &str) -> Option<&'a str> {
        self.raw(name).filter(|value| !value.trim().is_empty())
    }

    /// A text of one class of characters of at most so many bytes: several of them may come together in one word for the proxy.
    pub fn short_of_class(&mut self, name: &'static str, class: Class, most: usize) -> Option<&'a str> {
        let text = self.text(name)?;
        if text.len() > most {
            self.refuse(name, format_args!("{} has {} bytes", shown(text), text.len()), format!("use at most {most}"));
            return None;
        }
        let Some(c) = text.chars().find(|c| !class.holds(*c)) else { return Some(text) };
        let message = format!("{} has the character {}", shown(text), shown(c.encode_utf8(&mut [0; 4])));
        self.refuse(name, message, format!("use {}", class.described()));
        None
    }

    /// One of a set of words, by its name; case counts.
    pub fn word<T: Copy>(&mut self, name: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.words(name)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.refuse(name, format_args!("{} is not known", shown(text)), format!("use one of {}", known.join(", ")));
        }
        found
    }

    /// `on` or `off`.
    pub fn on_off(&mut self, name: &'static str) -> Option<bool> {
        self.word(name, &[("on", true), ("off", false)])
    }

    /// Items separated by commas, without blanks, empty ones dropped; `None` when none is left.
    #[must_use]
    pub fn items(&self, name: &str) -> Option<Vec<&'a str>> {
        let items: Vec<_> = self.text(name)?.split(',').map(|item| item.trim_matches(' ')).filter(|item| !item.is_empty()).collect();
        (!items.is_empty()).then_some(items)
    }

    /// Status codes between two bounds, separated by commas: sorted, without duplicates. One bad item, and none is used.
    pub fn statuses(&mut self, name: &'static str, low: u16, high: u16) -> Option<Vec<u16>> {
        let mut codes = Vec::new();
        for item in self.items(name)? {
            match item.parse().ok().filter(|code| (low..=high).contains(code)) {
                Some(code) => codes.push(code),
                None => {
                    let message = format!("{} is not a status between {low} and {high}", shown(item));
                    self.refuse(name, message, "use codes such as 404,503");
                    return None;
                }
            }
        }
        codes.sort_unstable();
        codes.dedup();
        Some(codes)
    }

    /// The name of a header.
    pub fn header_name(&mut self, name: &'static str) -> Option<String> {
        let text = self.text(name)?;
        self.settled(name, values::header_name(text))
    }

    /// An absolute path without query.
    pub fn path(&mut self, name: &'static str) -> Option<UriPath> {
        self.parsed(name, UriPath::new)
    }

    /// A DNS name.
    pub fn host_name(&mut self, name: &'static str) -> Option<HostName> {
        self.parsed(name, HostName::new)
    }

    /// The name of an object: `name`, or `namespace/name`; of the Ingress's own namespace, if the operator says no more.
    pub fn object(&mut self, name: &'static str) -> Option<ObjectName> {
        let text = self.text(name)?;
        let (namespace, local) = text.split_once('/').unwrap_or((self.namespace, text));
        if !self.may_name_in(name, namespace, text) {
            return None;
        }
        ObjectName::new(namespace, local).map_err(|bad| self.refuse(name, bad, "")).ok()
    }

    /// Whether an object may be named: it is of the Ingress's own namespace, or the operator allows others.
    pub(in crate::translate::annotations) fn may_name(&mut self, name: &'static str, object: &ObjectName) -> bool {
        self.may_name_in(name, object.namespace(), &object.to_string())
    }

    fn may_name_in(&mut self, name: &'static str, namespace: &str, text: &str) -> bool {
        let may = namespace == self.namespace || self.shares_objects;
        if !may {
            let message = format!("{} is of another namespace, which allow-cross-namespace-resources does not allow", shown(text));
            self.refuse(name, message, format!("name an object of namespace {}", self.namespace));
        }
        may
    }

    fn settled<T>(&mut self, name: &'static str, read: Result<T, Mistake>) -> Option<T> {
        read.map_err(|Mistake { message, help }| self.refuse(name, message, help)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::given;
    use super::*;

    #[test]
    fn readers_take_what_they_document() {
        given(&[("b", "T"), ("i", "-5"), ("s", "60"), ("d", "1h30m"), ("z", "8M"), ("l", "b, a,"), ("c", "503,404,503")], |given| {
            assert_eq!((given.bool("b"), given.integer("i"), given.seconds("s")), (Some(true), Some(-5), Some(60)));
            assert_eq!((given.duration_s("d"), given.bytes("z")), (Some(5400), Some(8 << 20)));
            assert_eq!((given.items("l"), given.statuses("c", 300, 599)), (Some(vec!["b", "a"]), Some(vec![404, 503])));
            assert_eq!((given.bool("none"), given.text("none"), given.take_bad().len()), (None, None, 0));
        });
        given(&[("f", "2.5"), ("n", "10.1.2.3/8,::1"), ("w", " on "), ("p", "/a"), ("h", "A.test"), ("o", "shop/x")], |given| {
            assert_eq!(given.float("f"), Some(2.5));
            assert_eq!(
                given.networks("n").map(|nets| nets.iter().map(ToString::to_string).collect()),
                Some(vec!["10.0.0.0/8".to_owned(), "::1/128".to_owned()])
            );
            assert_eq!((given.on_off("w"), given.path("p").is_some()), (Some(true), true));
            assert_eq!(given.host_name("h").map(|h| h.to_string()).as_deref(), Some("a.test"));
            assert_eq!(given.object("o").map(|o| o.to_string()).as_deref(), Some("shop/x"));
        });
    }

    type IsBad = fn(&mut Given<'_>) -> bool;

    #[test]
    fn what_cannot_be_used_is_noted_with_name_value_and_help() {
        let read: &[(&str, IsBad)] = &[
            ("yes", |g| g.bool("x").is_none()),
            (" true", |g| g.bool("x").is_none()),
            ("1s", |g| g.integer("x").is_none()),
            ("0", |g| g.seconds("x").is_none()),
            ("50k", |g| g.seconds("x").is_none()),
            ("soon", |g| g.duration_s("x").is_none()),
            ("-1", |g| g.float("x").is_none()),
            ("8 mb", |g| g.bytes("x").is_none()),
            ("10.0.0.0/8,all", |g| g.networks("x").is_none()),
            ("a;b", |g| g.of_class("x", Class::Basic).is_none()),
            ("ON", |g| g.on_off("x").is_none()),
            ("404,999", |g| g.statuses("x", 300, 599).is_none()),
            ("a b", |g| g.header_name("x").is_none()),
            ("a", |g| g.path("x").is_none()),
            ("10.0.0.1", |g| g.host_name("x").is_none()),
            ("other/x", |g| g.object("x").is_none()),
            ("A_B", |g| g.object("x").is_none()),
        ];
        for (value, reader) in read {
            given(&[("x", value)], |given| {
                assert!(reader(given), "{value}");
                let bad = given.take_bad();
                assert!(bad.len() == 1 && bad[0].message.starts_with("x: "), "{value}: {bad:?}");
            });
        }
    }

    #[test]
    fn an_empty_value_is_as_good_as_none() {
        given(&[("x", " ")], |given| assert_eq!((given.text("x"), given.raw("x")), (None, Some(" "))));
        given(&[("x", "")], |given| assert_eq!((given.bool("x"), given.integer("x"), given.take_bad().len()), (None, None, 0)));
    }
}
