//! `rewrite` with `last`, or without a flag: in the snippet of a host another path by which routes are looked for.

use super::Meaning;
use super::words::closed_names;
use crate::model::{Condition, HostRewrite};
use crate::names::{TextPart, TextRegex, UriPath, VariableText, shown};

type Done = Result<(), String>;

/// What else stands in a path and a query that no proxy encodes, or reads in another way.
const PLAIN: &str = "/-._~+,=:@";
const PLAIN_IN_QUERY: &str = "/-._~+,=:@&%";

/// Variables that say another thing when the path is another one.
const OF_PATH: &[&str] = &["args", "document_uri", "is_args", "query_string", "uri"];

/// Whether a variable says another thing when path and query are others.
fn is_of_path(name: &str) -> bool {
    OF_PATH.contains(&name) || name.starts_with("arg_")
}

fn looks_at_path(text: &VariableText) -> bool {
    text.parts().iter().any(|part| matches!(part, TextPart::Variable(name) if is_of_path(name)))
}

impl Meaning {
    /// Another path by which routes are looked for; `last`: none of the directives behind it is looked at then.
    pub(super) fn reroute(&mut self, path: &TextRegex, target: &str, last: bool) -> Done {
        self.is_first_with_paths()?;
        let (written, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let keeps_query = query.is_none_or(|query| !query.is_empty() && !query.ends_with('?'));
        let query = query.map(|query| query.strip_suffix('?').unwrap_or(query)).unwrap_or_default();
        let is_plain = |text: &str, signs: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c));
        if !is_plain(written, PLAIN) || !is_plain(query, PLAIN_IN_QUERY) {
            return Err(format!(
                "{} is no path of letters, digits and {PLAIN}: only one that is the same for all leads to another route; for paths of \
                 which a part stays write a redirect, or name the Service for this path and use rewrite-target",
                shown(target)
            ));
        }
        // No request has such a path, and some that begin so are a proxy's own.
        if written.contains("//") || written.split('/').any(|segment| [".", ".."].contains(&segment)) {
            return Err(format!("{} has an empty segment, or one of dots, which no path has that is compared", shown(written)));
        }
        let target = UriPath::new(written).map_err(|bad| format!("{}: {}", shown(written), bad.0))?;
        self.host_rewrites.push(HostRewrite { path: path.clone(), target, query: query.to_owned(), keeps_query, last });
        Ok(())
    }

    /// Whether it reads the same when the path is another one already, which it is for all that is looked at later here.
    fn is_first_with_paths(&self) -> Done {
        const BEFORE: &str = "what stands in front of it looks at the path that was asked for; write it behind";
        let is_of_path = |condition: &Condition| looks_at_path(&condition.variable);
        let answers = self
            .extra
            .answers
            .iter()
            .any(|answer| answer.path.is_some() || looks_at_path(&answer.text) || answer.conditions().any(is_of_path));
        let set = self.variables.values().any(|text| {
            let names = closed_names(text);
            let mut names = names.match_indices("${").filter_map(|(at, _)| names[at + 2..].split('}').next());
            names.any(self::is_of_path)
        });
        let chosen = self.chosen.values().flatten().flat_map(super::chosen::Choice::when).any(is_of_path);
        if answers || set || chosen { Err(BEFORE.to_owned()) } else { Ok(()) }
    }

    /// Whether one of them ends the search for other directives, for paths that it fits.
    pub(super) fn ends_search(&self) -> bool {
        self.host_rewrites.iter().any(|rewrite| rewrite.last)
    }
}
