//! What is known of the paths that a match takes, without asking a regular expression: how they begin.

use crate::model::PathMatch;
use crate::names::literal_begin;

/// The paths of one match, or of one alternative of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    /// How each of them begins, in lower case.
    begins: String,
    /// Which of those that begin so.
    taken: Taken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    All,
    /// The beginning itself.
    One,
    Some,
}

/// The paths of a match.
#[derive(Debug, Clone)]
pub(super) struct Shapes(Vec<Shape>);

impl Shapes {
    pub(super) fn of(path: &PathMatch) -> Self {
        let one = |text: &str, taken| vec![Shape { begins: text.to_ascii_lowercase(), taken }];
        Self(match path {
            PathMatch::Exact(path) => one(path.as_str(), Taken::One),
            PathMatch::Under(path) => one(path.as_str(), Taken::All),
            PathMatch::Regex(expression) => expression.alternatives().into_iter().map(Shape::of_alternative).collect(),
        })
    }

    /// Whether it takes every path that the other one takes, as far as that can be seen.
    pub(super) fn cover(&self, other: &Self) -> bool {
        other.0.iter().all(|theirs| self.0.iter().any(|own| own.covers(theirs)))
    }

    /// Whether there may be a path that both take.
    pub(super) fn may_meet(&self, other: &Self) -> bool {
        self.0.iter().any(|own| other.0.iter().any(|theirs| own.may_meet(theirs)))
    }
}

impl Shape {
    /// Reads an expression up to its first character that does not stand for itself.
    fn of_alternative(text: &str) -> Self {
        let text = text.strip_prefix('^').unwrap_or(text);
        let (begins, rest) = literal_begin(text);
        let taken = match rest {
            "" | ".*" | "(.*)" | ".*$" | "(.*)$" => Taken::All,
            "$" => Taken::One,
            _ => Taken::Some,
        };
        Self { begins: begins.to_ascii_lowercase(), taken }
    }

    fn covers(&self, other: &Self) -> bool {
        match (self.taken, other.taken) {
            (Taken::All, _) => other.begins.starts_with(&self.begins),
            (Taken::One, Taken::One) => self.begins == other.begins,
            _ => false,
        }
    }

    fn may_meet(&self, other: &Self) -> bool {
        match (self.taken, other.taken) {
            (Taken::One, Taken::One) => self.begins == other.begins,
            (Taken::One, _) => self.begins.starts_with(&other.begins),
            (_, Taken::One) => other.begins.starts_with(&self.begins),
            _ => self.begins.starts_with(&other.begins) || other.begins.starts_with(&self.begins),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::RouteRegex;

    fn of(text: &str) -> Shapes {
        Shapes::of(&PathMatch::Regex(RouteRegex::new(text).unwrap()))
    }

    #[test]
    fn what_an_expression_takes_is_known_by_its_beginning() {
        for (text, begins, taken) in [
            ("/", "/", Taken::All),
            ("/Pub$", "/pub", Taken::One),
            ("/.*", "/", Taken::All),
            ("/a(/|$)(.*)", "/a", Taken::Some),
            ("/a/?(.*)", "/a", Taken::Some),
            ("/ab{2}", "/a", Taken::Some),
            ("/ab+", "/ab", Taken::Some),
            (r"/a\.b", "/a.b", Taken::All),
            (r"/\d+", "/", Taken::Some),
            ("/v[12]/", "/v", Taken::Some),
        ] {
            assert_eq!(of(text).0, [Shape { begins: begins.to_owned(), taken }], "{text}");
        }
        assert_eq!(of("/a|/b$").0.len(), 2);
    }

    #[test]
    fn one_expression_takes_what_another_one_does() {
        for (one, other, covers, meets) in [
            ("/", "/a(/|$)(.*)", true, true),
            ("/.*", "/pub$", true, true),
            ("/pub$", "/.*", false, true),
            ("/a", "/b", false, false),
            ("/a$", "/ab", false, false),
            ("/a", "/ab", true, true),
            // What stands in the group is not looked at.
            ("/a(x|y)", "/ab", false, true),
            ("/[ab]", "/a", false, true),
            ("/a|/b", "/b/c|/a", true, true),
        ] {
            let (one_shape, other_shape) = (of(one), of(other));
            assert_eq!((one_shape.cover(&other_shape), one_shape.may_meet(&other_shape)), (covers, meets), "{one} and {other}");
            assert_eq!(other_shape.may_meet(&one_shape), meets, "{other} and {one}");
        }
    }
}
