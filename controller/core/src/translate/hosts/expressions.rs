//! Which requests each path takes where the paths of a host are expressions: `ingress-semantics` 7.

use super::matching::Entry;
use crate::model::PathMatch;
use crate::names::{BadText, RouteRegex};
use crate::translate::reading::PathKind;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::ops::Bound::Excluded;

/// Where an expression stands among those of its host: the longest first, then by falling text.
pub(super) type Place = (Reverse<usize>, Reverse<String>);

pub(super) fn place(text: &str) -> Place {
    (Reverse(text.len()), Reverse(text.to_owned()))
}

/// The paths of a host, as far as they decide about each other.
pub(super) struct Expressions {
    written: HashSet<String>,
    exact: HashSet<String>,
    places: BTreeSet<Place>,
}

impl Expressions {
    pub(super) fn of(entries: &[Entry<'_>]) -> Self {
        let text = |entry: &Entry<'_>| entry.path.text.as_str().to_owned();
        let below = entries.iter().filter_map(below);
        Self {
            written: entries.iter().map(text).collect(),
            exact: entries.iter().filter(|entry| entry.path.kind == PathKind::Exact).map(text).collect(),
            places: entries.iter().map(text).chain(below).map(|text| place(&text)).collect(),
        }
    }

    /// The expressions of a path; none when others take all that it matches.
    ///
    /// A prefix whose own Ingress asks for no expressions is two of them, as ingress-nginx has it: what is below it comes
    /// first, and is longer. The second is left to an exact path of the same text, the first to a path that is written so;
    /// where nothing stands between them they are one.
    ///
    /// # Errors
    /// When the path is no expression for `read`.
    pub(super) fn matches(&self, entry: &Entry<'_>, read: impl Fn(&str) -> Result<RouteRegex, BadText>) -> Result<Vec<PathMatch>, BadText> {
        let text = entry.path.text.as_str();
        let itself = read(text)?;
        let Some(below) = below(entry) else { return Ok(vec![PathMatch::Regex(itself)]) };
        let is_left = self.exact.contains(text);
        let mut between = self.places.range((Excluded(place(&below)), Excluded(place(text))));
        let is_apart = (is_left || between.next().is_some()) && !self.written.contains(&below);
        let first = if is_apart { read(&below).ok() } else { None };
        let second = Some(itself).filter(|_| !is_left);
        Ok(first.into_iter().chain(second).map(PathMatch::Regex).collect())
    }
}

/// What stands for the paths below a prefix, if that is an expression of its own.
fn below(entry: &Entry<'_>) -> Option<String> {
    let (path, policies) = (entry.path, &entry.reading.policies);
    let text = path.text.as_str();
    let rewrites = policies.rewrite_target.as_deref().is_some_and(|target| target != text);
    let is_plain = path.kind == PathKind::Prefix && !policies.use_regex && !rewrites;
    (is_plain && !text.ends_with('/')).then(|| format!("{text}/"))
}
