//! `rewrite` with `last`, or without a flag: by the new path the route is looked for again. That is what `break` does where it
//! leads back to the same route, and no rule of it fits once more; whether it does is known with all paths of the host.

use super::places::Places;
use crate::model::{Condition, EarlyAnswer, Extra, PathMatch, PathRewrite};
use crate::names::{TextPart, TextRegex, shown};

/// What would do in place of it.
pub(in crate::translate) const NOT_AGAIN: &str = "write break to send the new path to the Service of this route, or name the other \
                                                  Service for the path that is asked for, with rewrite-target";

/// Other paths, by which the route is looked for again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::translate) struct Search {
    /// Which paths become other ones: it fits somewhere.
    path: TextRegex,
    /// What the others begin with.
    begin: String,
    /// That is all of them.
    is_whole: bool,
    /// Where it stands in its snippet.
    place: String,
}

impl Search {
    pub(super) fn of(rewrite: &PathRewrite) -> Self {
        let begin = match rewrite.target.parts().first() {
            Some(TextPart::Text(text)) => text.clone(),
            _ => String::new(),
        };
        Self { path: rewrite.path.clone(), begin, is_whole: rewrite.target.parts().len() == 1, place: String::new() }
    }

    /// The same with its place in the snippet.
    pub(in crate::translate) fn in_snippet(self, text: &str) -> Self {
        Self { place: Places::of(text).say_of_word("rewrite", self.path.as_str(), ""), ..self }
    }

    /// Why the route that is found by the new path may be another one, or one that does something else with it than it does
    /// with the path that was asked for; `None`: it is the same.
    ///
    /// `own` and `others` are the paths of the route and of the rest of its host.
    pub(in crate::translate) fn strays<'m>(
        &self,
        own: &[PathMatch],
        others: impl Iterator<Item = &'m PathMatch>,
        extra: &Extra,
    ) -> Option<String> {
        if !own.iter().any(|path| self.may_fit(path)) {
            return None;
        }
        let said = |why: &str| Some(format!("{}by the path {} {why}", self.place, self.shown()));
        if self.other_route(own, others) {
            return said("another route may be found, which not every proxy can");
        }
        if !extra.raw.is_empty() {
            return said("the route is found again, and passes directives to the proxy that may look at it once more");
        }
        let may_fit = |path: &TextRegex| self.may_become(path);
        if extra.rewrites.iter().any(|rewrite| may_fit(&rewrite.path)) {
            return said("the route is found again, and may rewrite it once more");
        }
        let is_other = |answer: &EarlyAnswer| answer.path.as_ref().is_some_and(may_fit) || answer.conditions().any(looks_at_path);
        let chosen = extra.chosen().chain(extra.rewrites.iter().filter_map(|rewrite| rewrite.when.as_ref()));
        if extra.answers.iter().any(is_other) || chosen.into_iter().any(looks_at_path) {
            return said("the route is found again, and has conditions for paths or queries that are looked at once more");
        }
        None
    }

    /// The new paths, for people.
    fn shown(&self) -> String {
        shown(&if self.is_whole { self.begin.clone() } else { format!("{}…", self.begin) })
    }

    /// Whether it may be for a path that an expression fits, too.
    pub(super) fn shares_paths_with(&self, path: &TextRegex) -> bool {
        match (self.path.bound_beginning(), path.bound_beginning()) {
            (Some(own), Some(other)) => overlap(&own, &other),
            _ => true,
        }
    }

    /// Whether a path of a route may become another one.
    fn may_fit(&self, path: &PathMatch) -> bool {
        match path {
            PathMatch::Exact(path) => self.path.occurs_in(path.as_str(), false) != Some(false),
            PathMatch::Under(path) => self.path.bound_beginning().is_none_or(|begin| overlap(&begin, path.as_str())),
            PathMatch::Regex(_) => true,
        }
    }

    /// Whether an expression may fit a new path.
    fn may_become(&self, path: &TextRegex) -> bool {
        if self.is_whole {
            path.occurs_in(&self.begin, false) != Some(false)
        } else {
            path.bound_beginning().is_none_or(|begin| overlap(&begin, &self.begin))
        }
    }

    /// Whether a new path may be of another route: expressions take what they take, of the others the longest.
    fn other_route<'m>(&self, own: &[PathMatch], mut others: impl Iterator<Item = &'m PathMatch>) -> bool {
        let is_exact = |path: &PathMatch| self.is_whole && matches!(path, PathMatch::Exact(path) if path.as_str() == self.begin);
        if own.iter().any(is_exact) {
            return false;
        }
        let takes = |path: &&PathMatch| matches!(path, PathMatch::Under(path) if self.begin.starts_with(path.as_str()));
        let Some(longest) = own.iter().filter(takes).map(|path| path.text().len()).max() else { return true };
        others.any(|path| match path {
            PathMatch::Exact(path) if self.is_whole => path.as_str() == self.begin,
            PathMatch::Exact(path) => path.as_str().starts_with(&self.begin),
            PathMatch::Under(path) => {
                let (path, is_below) = (path.as_str(), !self.is_whole && path.as_str().starts_with(&self.begin));
                is_below || (self.begin.starts_with(path) && path.len() > longest)
            }
            PathMatch::Regex(_) => true,
        })
    }
}

/// Whether a text may begin with both.
fn overlap(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Whether a condition looks at what a new path changes.
fn looks_at_path(condition: &Condition) -> bool {
    const CHANGED: &[&str] =
        &["args", "document_uri", "fastcgi_path_info", "fastcgi_script_name", "is_args", "query_string", "request_filename", "uri"];
    condition.variable.uses(CHANGED) || condition.variable.variables().any(|name| name.starts_with("arg_"))
}

#[cfg(test)]
mod tests {
    use super::super::{Known, read_key, read_raw};
    use super::*;
    use crate::names::UriPath;
    use crate::settings::{LimitZones, SnippetKey};

    #[test]
    fn a_route_is_found_again_only_where_no_other_one_can_be() {
        let paths = |all: &[&str]| -> Vec<PathMatch> {
            let path = |text: &&str| match text.strip_prefix('=') {
                Some(exact) => PathMatch::Exact(UriPath::new(exact).unwrap()),
                None => PathMatch::Under(UriPath::new(text).unwrap()),
            };
            all.iter().map(path).collect()
        };
        let strays = |text: &str, own: &[&str], others: &[&str]| {
            let meaning = read_key(SnippetKey::Location, text, &LimitZones::new()).unwrap();
            let (own, others) = (paths(own), paths(others));
            let found = meaning.searches.iter().find_map(|search| search.strays(&own, others.iter(), &meaning.extra));
            found.unwrap_or_default()
        };
        const TO: &str = "rewrite ^/old/(.*)$ /new/$1 last;";
        const ONE: &str = "rewrite ^/old$ /new last;";
        for (text, own, others) in [
            (TO, &["/"][..], &[][..]),
            ("rewrite ^/old/(.*)$ /new/$1;", &["/"], &[]),
            (TO, &["/"], &["/old/", "=/new", "=/news", "/newer/"]),
            (TO, &["=/new", "/new/"], &["/"]),
            (TO, &["=/x", "/x/"], &["/new/"]),
            (TO, &["=/old"], &["/"]),
            (ONE, &["=/old", "=/new"], &["/"]),
            (ONE, &["/"], &["=/new/", "/new/"]),
            ("rewrite ^/old/(.*)$ /new/$1 last; rewrite ^/older/(.*)$ /new/b/$1 last;", &["/"], &[]),
            ("if ($http_x) { rewrite ^/old /new last; } if ($host = a.test) { return 403; }", &["/"], &[]),
            ("rewrite ^/old$ /new?a=1 last;", &["/"], &[]),
        ] {
            assert_eq!(strays(text, own, others), "", "{text} {own:?} {others:?}");
        }
        for (text, own, others, why) in [
            (TO, &["/"][..], &["/new/"][..], "another route"),
            (TO, &["/"], &["=/new/a"], "another route"),
            (TO, &["/"], &["/new/a/"], "another route"),
            (TO, &["/old/"], &[], "another route"),
            (TO, &["/old/"], &["/"], "another route"),
            (ONE, &["/"], &["=/new"], "another route"),
            ("rewrite ^/old/(.*)$ /$1 last;", &["/"], &[], "once more"),
            ("rewrite /old/(.*)$ /new/$1 last;", &["/"], &[], "once more"),
            ("rewrite (?i)^/old/(.*)$ /new/$1 last;", &["/"], &[], "once more"),
            ("rewrite ^/old|^/new /new last;", &["/"], &[], "once more"),
            ("rewrite ^/(.*)$ /index.html last;", &["/"], &[], "once more"),
            ("rewrite ^/a$ /b last; rewrite ^/b$ /c break;", &["/"], &[], "once more"),
            ("rewrite ^/b$ /c permanent; rewrite ^/a$ /b last;", &["/"], &[], "looked at once more"),
            ("if ($uri = /new) { return 403; } rewrite ^/old$ /new last;", &["/"], &[], "looked at once more"),
            ("if ($arg_a) { rewrite ^/old$ /new?a=1 last; }", &["/"], &[], "looked at once more"),
            ("if ($request_filename ~ /new$) { return 403; } rewrite ^/old$ /new last;", &["/"], &[], "looked at once more"),
            ("rewrite ^/old$ /new last; set $a $uri; if ($a = /new) { return 403; }", &["/"], &[], "looked at once more"),
        ] {
            let said = strays(text, own, others);
            assert!(said.contains(why), "{text} {own:?} {others:?}: {said}");
        }
        let raw = read_raw("rewrite ^/old$ /new last; proxy_bind 127.0.0.2;", &LimitZones::new(), Known::default()).unwrap();
        let said = raw.searches[0].strays(&paths(&["/"]), [].iter(), &raw.extra).unwrap();
        assert!(said.contains("passes directives to the proxy"), "{said}");
    }
}
