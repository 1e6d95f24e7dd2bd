//! Annotations: one file per feature, and the one list of them.

mod given;
mod ssl_redirect;
mod unsupported;

pub use given::{BadValue, Given};

use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::names::{ObjectRef, shown};
use crate::settings::Config;

/// One feature: its annotations, and what they do.
#[derive(Debug)]
pub struct Feature {
    /// Its annotations.
    pub keys: &'static [Key],
    /// What a value that cannot be used does.
    pub on_bad_value: OnBadValue,
    apply: fn(&Given<'_>, &mut RoutePolicy) -> Result<(), BadValue>,
}

/// One annotation, as it is documented.
#[derive(Debug)]
pub struct Key {
    /// Name, without the prefix.
    pub name: &'static str,
    /// What may be written.
    pub value: Value,
    /// What holds without it.
    pub default: &'static str,
    /// One sentence: what it does.
    pub doc: &'static str,
}

/// What may be written as the value of an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// `"true"` or `"false"`.
    Bool,
}

/// What a value that cannot be used does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBadValue {
    /// The default holds.
    KeepDefault,
    /// The routes of the Ingress answer 503: a protection must not be lost by a typing mistake.
    CloseRoute,
}

/// What the annotations of an Ingress, over the ConfigMap, say of its routes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoutePolicy {
    /// Redirect plain HTTP where the host has a certificate.
    pub ssl_redirect: bool,
    /// Redirect plain HTTP everywhere.
    pub force_ssl_redirect: bool,
    /// The redirect keeps a trailing slash.
    pub preserve_trailing_slash: bool,
    /// The routes answer 503: a protection was asked for that cannot be given.
    pub closed: bool,
}

impl RoutePolicy {
    /// What holds without annotations.
    #[must_use]
    pub const fn of(config: &Config) -> Self {
        Self {
            ssl_redirect: config.ssl_redirect,
            force_ssl_redirect: config.force_ssl_redirect,
            preserve_trailing_slash: config.preserve_trailing_slash,
            closed: config.closed,
        }
    }
}

/// Every feature there is.
pub const FEATURES: &[Feature] = &[ssl_redirect::FEATURE];

/// What reading the annotations of an Ingress gives.
#[derive(Debug)]
pub(super) struct Read {
    /// What they say of its routes; `None`: the whole Ingress is left out.
    pub(super) policy: Option<RoutePolicy>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Reads all annotations of an Ingress.
pub(super) fn read(given: &Given<'_>, config: &Config, object: &ObjectRef) -> Read {
    let mut policy = RoutePolicy::of(config);
    let mut diagnostics = Vec::new();
    for feature in FEATURES {
        if let Err(bad) = (feature.apply)(given, &mut policy) {
            let closes = feature.on_bad_value == OnBadValue::CloseRoute;
            policy.closed |= closes;
            let finding = Diagnostic::new(Code::BadAnnotation, object.clone(), given.field(bad.name), bad.message).help(bad.help);
            diagnostics.push(finding.outcome(if closes { Outcome::ClosedRoute } else { Outcome::KeptDefault }));
        }
    }
    let refused =
        unsupported::read(given, &mut policy, object, &mut diagnostics) | has_blocked_word(given, config, object, &mut diagnostics);
    Read { policy: (!refused).then_some(policy), diagnostics }
}

/// `annotation-value-word-blocklist`: an Ingress with a listed word in one of our annotations is left out.
fn has_blocked_word(given: &Given<'_>, config: &Config, object: &ObjectRef, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let hit = given.iter().find_map(|(name, value)| Some((name, config.word_blocklist.iter().find(|word| value.contains(word.as_str()))?)));
    let Some((name, word)) = hit else { return false };
    let message = format!("the value contains {}, a word of annotation-value-word-blocklist", shown(word));
    diagnostics.push(Diagnostic::new(Code::RefusedAnnotation, object.clone(), given.field(printable(name)), message));
    true
}

/// A name for field paths: one that is not printable shows as a placeholder.
fn printable(name: &str) -> &str {
    if name.len() <= 63 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) { name } else { "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_annotation_has_one_owner() {
        let mut names: Vec<_> = FEATURES.iter().flat_map(|feature| feature.keys).map(|key| key.name).chain(unsupported::names()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "an annotation is listed twice");
        assert_eq!(count, 138, "ingress-nginx 1.15.1 has 138 annotations");
    }
}
