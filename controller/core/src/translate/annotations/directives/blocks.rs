//! Headers in conditions. In nginx the last condition that holds decides: what stands in others is not sent then, and of what
//! stands outside only what takes the place of the endpoint's, if the condition adds headers of its own.

use super::Meaning;
use super::ways::Ways;
use crate::model::{AnswerHeader, Condition, Expires, ExpiresWhen, Extra, RequestHeader};

/// The headers of one condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct HeaderBlock {
    /// It holds where all of one of these do.
    pub(super) ways: Vec<Vec<Condition>>,
    pub(super) answers: Vec<AnswerHeader>,
    pub(super) requests: Vec<RequestHeader>,
    pub(super) expires: Option<Expires>,
}

/// Most headers under conditions that are made of those of a snippet, and most conditions that are looked at for them.
const MOST: usize = 100;

impl Meaning {
    /// Makes headers of one condition each of those in blocks.
    pub(super) fn place_blocks(&mut self) -> Result<(), String> {
        let blocks = std::mem::take(&mut self.blocks);
        let adding = |block: &&HeaderBlock| block.answers.iter().any(|header| !header.replaces);
        let adding: Vec<&HeaderBlock> = blocks.iter().filter(adding).collect();
        let outside = std::mem::take(&mut self.extra.answer_headers);
        let is_asked = outside.iter().any(|header| !header.replaces);
        let alone = if is_asked { without(vec![Vec::new()], &adding).ok_or_else(too_many)? } else { Vec::new() };
        self.extra.answer_headers = outside
            .into_iter()
            .flat_map(|header| {
                let whens = if header.replaces { vec![Vec::new()] } else { alone.clone() };
                let own = header.when.clone();
                let is_possible = move |when: &Vec<Condition>| !own.iter().any(|condition| when.contains(&condition.negation()));
                let whens = whens.into_iter().filter(is_possible);
                whens.map(move |when| AnswerHeader { when: [header.when.as_slice(), &when].concat(), ..header.clone() })
            })
            .collect();
        self.has_few_headers()?;
        for (n, block) in blocks.iter().enumerate() {
            let later: Vec<&HeaderBlock> = blocks[n + 1..].iter().collect();
            for when in apart(&block.ways).and_then(|ways| without(ways, &later)).ok_or_else(too_many)? {
                match block.expires {
                    Some(expires) if when.is_empty() => self.extra.expires = Some(expires),
                    expires => self.extra.expires_when.extend(expires.map(|expires| ExpiresWhen { when: when.clone(), expires })),
                }
                self.extra.answer_headers.extend(
                    block.answers.iter().map(|header| AnswerHeader { when: [header.when.as_slice(), &when].concat(), ..header.clone() }),
                );
                let also = |own: &[Condition]| own.iter().chain(&when).cloned().collect();
                self.extra
                    .request_headers
                    .extend(block.requests.iter().map(|header| RequestHeader { when: also(&header.when), ..header.clone() }));
            }
            self.has_few_headers()?;
        }
        if self.extra.conditions_of_headers().iter().map(|all| all.len()).sum::<usize>() > MOST {
            return Err("its headers have too many conditions together".to_owned());
        }
        Ok(())
    }

    /// Of headers without a condition there may be as many as there are directives.
    pub(super) fn has_few_headers(&self) -> Result<(), String> {
        let Extra { answer_headers, request_headers, expires_when, .. } = &self.extra;
        let whens = answer_headers.iter().map(|header| &header.when).chain(request_headers.iter().map(|header| &header.when));
        let count = whens.filter(|when| !when.is_empty()).count() + expires_when.len();
        if count > MOST { Err(too_many()) } else { Ok(()) }
    }
}

fn too_many() -> String {
    format!("its conditions make more than {MOST} headers")
}

/// The same ways, of which never two hold. `None`: they are more than [`MOST`], here and below.
pub(super) fn apart(ways: &[Vec<Condition>]) -> Option<Ways> {
    let one = |(n, way): (usize, &Vec<Condition>)| ways[..n].iter().try_fold(vec![way.clone()], |rest, earlier| apart_from(rest, earlier));
    ways.iter().enumerate().map(one).try_fold(Vec::new(), |all, more| few([all, more?].concat()))
}

/// What is left of ways where none of these conditions holds.
fn without(ways: Ways, blocks: &[&HeaderBlock]) -> Option<Ways> {
    blocks.iter().flat_map(|block| &block.ways).try_fold(ways, |rest, way| apart_from(rest, way))
}

/// What is left of ways where this one does not hold: its first condition does not, or else the second, and so on.
fn apart_from(ways: Ways, way: &[Condition]) -> Option<Ways> {
    let mut rest = Vec::new();
    for own in ways {
        let mut begin = own;
        for condition in way {
            let negation = condition.negation();
            if begin.contains(&negation) {
                rest.push(begin);
                break;
            }
            if !begin.contains(condition) {
                rest.push([begin.as_slice(), &[negation]].concat());
                begin.push(condition.clone());
            }
        }
    }
    few(rest)
}

/// Each way becomes a header, and one that is left of many can be many again: who goes on has no end.
fn few(ways: Ways) -> Option<Ways> {
    (ways.len() <= MOST).then_some(ways)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Test;
    use crate::names::VariableText;

    fn condition(name: &str) -> Condition {
        let (name, negated) = name.strip_prefix('!').map_or((name, false), |name| (name, true));
        Condition { variable: VariableText::parse(&format!("$arg_{name}")).unwrap(), test: Test::Is("1".to_owned()), negated }
    }

    fn conditions(names: &[&str]) -> Vec<Condition> {
        names.iter().map(|name| condition(name)).collect()
    }

    #[test]
    fn of_ways_that_are_apart_one_holds_where_one_did() {
        let holds = |way: &[Condition], state: usize| {
            way.iter().all(|own| {
                let bit = ["a", "b", "c"].iter().position(|name| condition(name).variable == own.variable).unwrap();
                (state >> bit & 1 == 1) != own.negated
            })
        };
        let ways = [conditions(&["a", "b"]), conditions(&["b", "!c"]), conditions(&["c"])];
        let (apart, rest) = (apart(&ways).unwrap(), apart_from(vec![conditions(&["a"])], &conditions(&["b", "c"])).unwrap());
        for state in 0..8 {
            let count = |ways: &[Vec<Condition>]| ways.iter().filter(|way| holds(way, state)).count();
            assert_eq!(count(&apart), usize::from(count(&ways) > 0), "{state}");
            assert_eq!(count(&rest), usize::from(state & 1 == 1 && state != 7), "{state}");
        }
        assert_eq!(apart_from(vec![conditions(&["a"])], &conditions(&["a"])), Some(Vec::new()));
        assert_eq!(apart_from(vec![conditions(&["!a"])], &conditions(&["a", "b"])), Some(vec![conditions(&["!a"])]));
        assert_eq!(apart_from(vec![conditions(&["a"])], &[]), Some(Vec::new()), "it always holds");
    }
}
