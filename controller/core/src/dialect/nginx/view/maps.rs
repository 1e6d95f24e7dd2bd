//! `map`, `geo` and `split_clients` blocks that a host or a backend brings along.

use crate::dialect::nginx::expression::Expression;
use ipnet::IpNet;
use serde::Serialize;

/// Blocks in the order in which they were asked for, each variable once.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct MapsView {
    maps: Vec<MapView>,
    splits: Vec<SplitView>,
    ranges: Vec<RangesView>,
}

/// A variable that is 1 for some clients, and 0 for all others.
#[derive(Debug, Clone, Serialize)]
struct RangesView {
    variable: Expression,
    networks: Vec<String>,
}

/// What a variable is, by a text.
#[derive(Debug, Clone, Serialize)]
struct MapView {
    source: Expression,
    variable: Expression,
    default: Expression,
    entries: Vec<(String, Expression)>,
}

/// What a variable is, by chance or by the hash of a text.
#[derive(Debug, Clone, Serialize)]
struct SplitView {
    source: Expression,
    variable: Expression,
    /// Such as `12.50%`, and the value.
    parts: Vec<(String, Expression)>,
    rest: Expression,
}

impl MapsView {
    /// Defines `variable`. Keys are empty, or `~` and a regular expression of which the first that matches counts.
    pub(super) fn map(&mut self, variable: &str, source: Expression, default: Expression, entries: Vec<(String, Expression)>) {
        let variable = Expression::variable(variable);
        if self.maps.iter().all(|map| map.variable != variable) {
            self.maps.push(MapView { source, variable, default, entries });
        }
    }

    /// Defines `variable`: of ten thousand texts about `count` get the value. What is left gets `rest`.
    pub(super) fn split(&mut self, variable: &str, source: Expression, parts: Vec<(u64, Expression)>, rest: Expression) {
        let variable = Expression::variable(variable);
        if self.splits.iter().all(|split| split.variable != variable) {
            let share = |count: u64| format!("{}.{:02}%", count / 100, count % 100);
            let parts = parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, value)| (share(count), value)).collect();
            self.splits.push(SplitView { source, variable, parts, rest });
        }
    }

    /// Defines `variable`: 1 for clients with an address in one of these networks, else 0.
    pub(super) fn ranges(&mut self, variable: &str, networks: &[IpNet]) {
        let variable = Expression::variable(variable);
        if self.ranges.iter().all(|ranges| ranges.variable != variable) {
            let mut networks: Vec<_> = networks.iter().map(|network| network.trunc().to_string()).collect();
            networks.sort_unstable();
            networks.dedup();
            self.ranges.push(RangesView { variable, networks });
        }
    }

    /// The value of a cookie, whatever its name and in whatever case.
    pub(super) fn cookie(&mut self, name: &str) -> Expression {
        let lower = name.to_ascii_lowercase();
        if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Expression::variable(&format!("cookie_{lower}"));
        }
        let variable = format!("named_cookie_{}", tag(&[&lower]));
        let entry = (format!("~*(?:^|;[ ]*){}=([^;]*)", escaped(name)), Expression::variable("1"));
        self.map(&variable, Expression::variable("http_cookie"), Expression::literal(""), vec![entry]);
        Expression::variable(&variable)
    }
}

/// A short text for names of variables: equal for equal texts.
pub(super) fn tag(texts: &[&str]) -> String {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for text in texts {
        hasher.update(text.as_bytes());
        hasher.update(&[0]);
    }
    format!("{:016x}", hasher.digest())
}

/// A regular expression for just this text.
pub(super) fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| [if c.is_ascii_punctuation() { "\\" } else { "" }.to_owned(), c.to_string()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_regular_expression_for_itself() {
        assert_eq!(escaped("a.b-c/1"), "a\\.b\\-c\\/1");
    }

    #[test]
    fn a_variable_is_defined_once() {
        let mut maps = MapsView::default();
        assert_eq!(maps.cookie("Route"), Expression::variable("cookie_route"));
        assert_eq!(maps.cookie("my-route"), maps.cookie("MY-route"));
        assert_eq!(maps.maps.len(), 1);
    }
}
