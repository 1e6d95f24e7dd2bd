//! From the paths of rules to what each of them matches, without overlap.

use super::reading::PathKind;
use crate::model::PathMatch;
use crate::names::UriPath;
use std::collections::BTreeMap;

/// A rule's path and how it matches.
pub(super) type Pattern<'a> = (&'a UriPath, PathKind);

/// Divides the request paths among patterns that are all different.
///
/// Returns, for each pattern, what it takes, sorted; empty when others take all of it. A prefix takes the path itself
/// and all below it: `/foo` and `/foo/` both mean `/foo` and `/foo/…`. An exact pattern comes before a prefix; of two
/// prefixes that differ only in the trailing slash the one without it takes the path itself, and the longer one all
/// below (`MRG-8`).
pub(super) fn divide(patterns: &[Pattern<'_>]) -> Vec<Vec<PathMatch>> {
    let mut owners: BTreeMap<PathMatch, usize> = BTreeMap::new();
    let slash = |path: &UriPath| path.as_str().ends_with('/');
    let is = |n: &usize, kind: PathKind, with_slash: bool| {
        let (path, own) = patterns[*n];
        own == kind && slash(path) == with_slash
    };
    let all = 0..patterns.len();
    for n in all.clone().filter(|&n| patterns[n].1 == PathKind::Exact) {
        owners.entry(PathMatch::Exact(patterns[n].0.clone())).or_insert(n);
    }
    let prefixes = |with_slash: bool| all.clone().filter(move |n| is(n, PathKind::Prefix, with_slash));
    for n in prefixes(false).chain(prefixes(true)) {
        let itself = patterns[n].0.without_trailing_slash();
        if itself.as_str() != "/" {
            owners.entry(PathMatch::Exact(itself)).or_insert(n);
        }
    }
    for n in prefixes(true).chain(prefixes(false)) {
        owners.entry(PathMatch::Under(patterns[n].0.with_trailing_slash())).or_insert(n);
    }
    let mut taken = vec![Vec::new(); patterns.len()];
    for (path_match, owner) in owners {
        taken[owner].push(path_match);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(patterns: &[(&str, PathKind)]) -> Vec<Vec<String>> {
        let paths: Vec<_> = patterns.iter().map(|(text, _)| UriPath::new(text).unwrap()).collect();
        let patterns: Vec<_> = paths.iter().zip(patterns).map(|(path, (_, kind))| (path, *kind)).collect();
        let text = |m: &PathMatch| match m {
            PathMatch::Exact(path) => format!("= {path}"),
            PathMatch::Under(path) => format!("{path}*"),
            PathMatch::Regex(expression) => format!("~{expression}"),
        };
        divide(&patterns).iter().map(|matches| matches.iter().map(text).collect()).collect()
    }

    use PathKind::{Exact, Prefix};

    #[test]
    fn pth_7_8_12_a_prefix_takes_itself_and_all_below_with_or_without_slash() {
        for prefix in ["/foo", "/foo/"] {
            assert_eq!(divided(&[(prefix, Prefix)]), [["= /foo", "/foo/*"]]);
        }
        assert_eq!(divided(&[("/", Prefix)]), [["/*"]]);
    }

    #[test]
    fn pth_20_21_exact_comes_before_prefix() {
        assert_eq!(divided(&[("/foo", Prefix), ("/foo", Exact)]), [vec!["/foo/*"], vec!["= /foo"]]);
        assert_eq!(divided(&[("/", Exact), ("/", Prefix)]), [["= /"], ["/*"]]);
        assert_eq!(divided(&[("/foo/", Exact), ("/foo", Prefix)]), [vec!["= /foo/"], vec!["= /foo", "/foo/*"]]);
    }

    #[test]
    fn mrg_8_prefixes_that_differ_in_the_slash_share() {
        for patterns in [[("/foo", Prefix), ("/foo/", Prefix)], [("/foo/", Prefix), ("/foo", Prefix)]] {
            let n = usize::from(patterns[1].0 == "/foo");
            let taken = divided(&patterns);
            assert_eq!((&taken[n], &taken[1 - n]), (&vec!["= /foo".to_owned()], &vec!["/foo/*".to_owned()]));
        }
        assert_eq!(divided(&[("/foo", Exact), ("/foo/", Prefix), ("/foo", Prefix)]), [vec!["= /foo"], vec!["/foo/*"], vec![]]);
    }
}
