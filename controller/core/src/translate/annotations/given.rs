//! The annotations of one Ingress, read the same way and refused with the same words everywhere.

use crate::names::shown;
use std::collections::BTreeMap;

/// The annotations with our prefix, by the name behind it.
#[derive(Debug)]
pub struct Given<'a> {
    prefix: &'a str,
    all: &'a BTreeMap<Box<str>, Box<str>>,
}

/// Why the value of an annotation cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadValue {
    /// Name of the annotation, without the prefix.
    pub name: &'static str,
    /// What is wrong with it.
    pub message: String,
    /// What would do.
    pub help: String,
}

impl<'a> Given<'a> {
    /// Looks at annotations that begin with `prefix` and a slash.
    #[must_use]
    pub const fn new(prefix: &'a str, all: &'a BTreeMap<Box<str>, Box<str>>) -> Self {
        Self { prefix, all }
    }

    /// The value as written; `None` when the annotation is missing or empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        let key = format!("{}/{name}", self.prefix);
        self.all.get(&*key).map(|value| &**value).filter(|value| !value.is_empty())
    }

    /// Name (without the prefix) and value of every annotation with our prefix, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let (prefix, all) = (self.prefix, self.all);
        all.iter().filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?.strip_prefix('/')?, &**value)))
    }

    /// The field path of an annotation, for diagnostics.
    #[must_use]
    pub fn field(&self, name: &str) -> String {
        format!("metadata.annotations[{}/{name}]", self.prefix)
    }

    /// Reads a bool as ingress-nginx does: `1 t T TRUE true True`, `0 f F FALSE false False`, nothing else.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn bool(&self, name: &'static str) -> Result<Option<bool>, BadValue> {
        match self.text(name) {
            None => Ok(None),
            Some("1" | "t" | "T" | "TRUE" | "true" | "True") => Ok(Some(true)),
            Some("0" | "f" | "F" | "FALSE" | "false" | "False") => Ok(Some(false)),
            Some(other) => Err(BadValue {
                name,
                message: format!("{name}: {} is not a bool", shown(other)),
                help: "use \"true\" or \"false\"".to_owned(),
            }),
        }
    }
}
