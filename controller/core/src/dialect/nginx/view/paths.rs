//! Works around the two things nginx does with paths unasked.

use crate::model::{PathMatch, Route};
use std::collections::{HashMap, HashSet};

/// For each route the paths that need an exact location of their own, so that nginx does not answer them with a
/// redirect.
///
/// nginx answers `/foo` with a redirect to `/foo/` if a location of that name forwards requests and nothing matches
/// `/foo` exactly. Such a path goes where it would have gone without that location: to the longest other prefix.
pub(super) fn against_slash_redirects(routes: &[Route]) -> Vec<Vec<&str>> {
    let mut exact = HashSet::new();
    let mut under = HashMap::new();
    for (number, route) in routes.iter().enumerate() {
        for path_match in &route.matches {
            match path_match {
                PathMatch::Exact(path) => _ = exact.insert(path.as_str()),
                PathMatch::Under(path) => _ = under.insert(path.as_str(), number),
                // An expression is never answered with such a redirect.
                PathMatch::Regex(_) => return vec![Vec::new(); routes.len()],
            }
        }
    }
    let mut extra = vec![Vec::new(); routes.len()];
    for path in routes.iter().flat_map(|route| &route.matches).map(PathMatch::text) {
        let Some(bare) = path.strip_suffix('/').filter(|bare| !bare.is_empty()) else { continue };
        if let Some(owner) = longest_prefix(bare, &under).filter(|_| exact.insert(bare)) {
            extra[owner].push(bare);
        }
    }
    extra
}

/// The route of the longest prefix, ending in a slash, that `path` begins with.
fn longest_prefix(path: &str, under: &HashMap<&str, usize>) -> Option<usize> {
    let slashes = path.bytes().enumerate().rev().filter(|&(_, b)| b == b'/');
    slashes.map(|(at, _)| &path[..=at]).find_map(|prefix| under.get(prefix).copied())
}

/// Whether a route has just this prefix, which nginx does not allow twice.
pub(super) fn is_taken(routes: &[Route], prefix: &str) -> bool {
    routes.iter().flat_map(|route| &route.matches).any(|m| matches!(m, PathMatch::Under(path) if path.as_str() == prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;
    use crate::names::UriPath;

    fn route(matches: &[(&str, char)]) -> Route {
        let parse = |(path, kind): &(&str, char)| {
            let path = UriPath::new(path).unwrap();
            if *kind == '=' { PathMatch::Exact(path) } else { PathMatch::Under(path) }
        };
        let matches: Vec<_> = matches.iter().map(parse).collect();
        let rule_path = crate::names::RulePath::new(matches[0].text()).unwrap();
        Route {
            matches,
            rule_path,
            origin: None,
            service: None,
            https_redirect: None,
            policy: std::sync::Arc::default(),
            action: Action::Respond(404),
            canary: None,
        }
    }

    #[test]
    fn a_path_with_a_slash_takes_nothing_from_the_path_without() {
        let routes = [route(&[("/a/b/", '=')]), route(&[("/a", '='), ("/a/", '^')]), route(&[("/x/", '^')]), route(&[("/", '^')])];
        assert_eq!(against_slash_redirects(&routes), [vec![], vec!["/a/b"], vec![], vec!["/x"]]);
    }

    #[test]
    fn exact_and_prefix_with_the_same_slash_need_one_location_only() {
        let routes = [route(&[("/a/", '=')]), route(&[("/a/", '^')]), route(&[("/", '^')])];
        assert_eq!(against_slash_redirects(&routes), [vec![], vec![], vec!["/a"]]);
    }

    #[test]
    fn an_exact_path_of_another_route_is_left_alone() {
        let routes = [route(&[("/a", '=')]), route(&[("/a/", '^')]), route(&[("/", '^')])];
        assert!(against_slash_redirects(&routes).iter().all(Vec::is_empty));
    }
}
