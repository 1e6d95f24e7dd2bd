//! From an expression to the steps in which it is compared.

use super::{Bytes, Flags, Op, Place};
use crate::names::scan::{Kind, Tokens};

/// More than any expression has that [`crate::names::TextRegex`] takes.
const MOST_OPS: usize = 200_000;

/// The steps; `None` for what is no expression that [`crate::names::TextRegex`] reads.
pub(super) fn compile(expression: &str, flags: Flags) -> Option<Vec<Op>> {
    let alternatives = Reader { tokens: Tokens::new(expression) }.alternatives(flags)?;
    let mut ops = Vec::new();
    either(&alternatives, &mut ops)?;
    ops.push(Op::Done);
    Some(ops)
}

enum Node {
    One(Box<Bytes>),
    Place(Place),
    Group(Vec<Vec<Node>>),
    Ahead(bool, Vec<Vec<Node>>),
    Repeated(Box<Node>, Times),
}

#[derive(Clone, Copy)]
struct Times {
    least: usize,
    most: Option<usize>,
    how: How,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Greedy,
    Lazy,
    Possessive,
}

struct Reader<'t> {
    tokens: Tokens<'t>,
}

impl Reader<'_> {
    /// Up to the end, or behind the bracket that closes the group.
    fn alternatives(&mut self, flags: Flags) -> Option<Vec<Vec<Node>>> {
        let (mut all, mut own) = (Vec::new(), Vec::new());
        while let Some(token) = self.tokens.next() {
            let node = match token.kind {
                Kind::Close => break,
                Kind::Or => {
                    all.push(std::mem::take(&mut own));
                    continue;
                }
                Kind::Group => Node::Group(self.alternatives(flags)?),
                Kind::Extended => self.extended(flags)?,
                Kind::Class => Node::One(class(token.text.get(1..token.text.len() - 1)?.as_bytes(), flags)?),
                Kind::OpenClass => return None,
                Kind::Escape => escape(token.text.get(1..)?, flags, &mut own)?,
                Kind::Character(c) => character(c, flags, &mut own),
            };
            own.push(self.repeated(node)?);
        }
        all.push(own);
        Some(all)
    }

    fn extended(&mut self, flags: Flags) -> Option<Node> {
        for (sign, wanted) in [("?=", true), ("?!", false)] {
            if self.tokens.eat(sign) {
                return Some(Node::Ahead(wanted, self.alternatives(flags)?));
            }
        }
        let flags = if self.tokens.eat("?i:") { Flags { ignoring_case: true, ..flags } } else { self.tokens.eat("?:").then_some(flags)? };
        Some(Node::Group(self.alternatives(flags)?))
    }

    fn repeated(&mut self, node: Node) -> Option<Node> {
        let (least, most) = if self.tokens.eat("*") {
            (0, None)
        } else if self.tokens.eat("+") {
            (1, None)
        } else if self.tokens.eat("?") {
            (0, Some(1))
        } else if self.tokens.eat("{") {
            let (bounds, rest) = self.tokens.rest.split_once('}')?;
            self.tokens.rest = rest;
            let (least, most) = bounds.split_once(',').unwrap_or((bounds, bounds));
            (least.parse().ok()?, if most.is_empty() { None } else { Some(most.parse().ok()?) })
        } else {
            return Some(node);
        };
        let how = if self.tokens.eat("?") {
            How::Lazy
        } else if self.tokens.eat("+") {
            How::Possessive
        } else {
            How::Greedy
        };
        Some(Node::Repeated(Box::new(node), Times { least, most, how }))
    }
}

/// A character beyond ASCII is some bytes, of which only the last is repeated; the others go before it.
fn literal(c: char, flags: Flags, before: &mut Vec<Node>) -> Node {
    let mut buffer = [0; 4];
    let bytes = c.encode_utf8(&mut buffer).as_bytes();
    let one = |byte: u8| {
        let mut set = [false; 256];
        set[usize::from(byte)] = true;
        Node::One(folded(set, flags))
    };
    let (last, first) = bytes.split_last().unwrap_or((&0, &[]));
    before.extend(first.iter().copied().map(one));
    one(*last)
}

fn character(c: char, flags: Flags, before: &mut Vec<Node>) -> Node {
    match c {
        '^' => Node::Place(Place::Begin),
        '$' => Node::Place(Place::End),
        '.' => Node::One(set_of(|byte| flags.dot_all || byte != b'\n')),
        c => literal(c, flags, before),
    }
}

fn escape(behind: &str, flags: Flags, before: &mut Vec<Node>) -> Option<Node> {
    let c = behind.chars().next()?;
    Some(match c {
        'A' => Node::Place(Place::Begin),
        'z' => Node::Place(Place::VeryEnd),
        'Z' => Node::Place(Place::End),
        'b' => Node::Place(Place::Edge(true)),
        'B' => Node::Place(Place::Edge(false)),
        c => several(u8::try_from(c).ok()?).map_or_else(|| literal(c, flags, before), Node::One),
    })
}

/// The bytes that a letter behind a backslash stands for.
fn several(letter: u8) -> Option<Box<Bytes>> {
    let is_in = |byte: u8| match letter.to_ascii_lowercase() {
        b'd' => byte.is_ascii_digit(),
        b'w' => byte.is_ascii_alphanumeric() || byte == b'_',
        _ => byte == b' ' || (b'\t'..=b'\r').contains(&byte),
    };
    matches!(letter, b'd' | b'D' | b'w' | b'W' | b's' | b'S').then(|| set_of(|byte| is_in(byte) != letter.is_ascii_uppercase()))
}

fn class(inside: &[u8], flags: Flags) -> Option<Box<Bytes>> {
    let (negated, mut rest) = inside.strip_prefix(b"^").map_or((false, inside), |rest| (true, rest));
    let mut set = [false; 256];
    while let Some((low, behind)) = member(rest) {
        rest = behind;
        match low {
            Member::Several(several) => set.iter_mut().zip(*several).for_each(|(own, more)| *own |= more),
            Member::One(low) => {
                let range = rest.strip_prefix(b"-").filter(|behind| !behind.is_empty()).and_then(member);
                let high = match range {
                    Some((Member::One(high), behind)) => {
                        rest = behind;
                        high
                    }
                    _ => low,
                };
                (low..=high).for_each(|byte| set[usize::from(byte)] = true);
            }
        }
    }
    let set = folded(set, flags);
    Some(if negated { set_of(|byte| !set[usize::from(byte)]) } else { set })
}

/// What a class is made of.
enum Member {
    One(u8),
    Several(Box<Bytes>),
}

/// The byte or bytes at the begin of what stands in a class, and what stands behind; `None` at the end.
fn member(inside: &[u8]) -> Option<(Member, &[u8])> {
    match inside {
        [] => None,
        [b'\\', letter, rest @ ..] => Some((several(*letter).map_or(Member::One(*letter), Member::Several), rest)),
        [byte, rest @ ..] => Some((Member::One(*byte), rest)),
    }
}

fn folded(mut set: Bytes, flags: Flags) -> Box<Bytes> {
    if flags.ignoring_case {
        for lower in b'a'..=b'z' {
            let [lower, upper] = [lower, lower.to_ascii_uppercase()].map(usize::from);
            let is_in = set[lower] || set[upper];
            (set[lower], set[upper]) = (is_in, is_in);
        }
    }
    Box::new(set)
}

fn set_of(is_in: impl Fn(u8) -> bool) -> Box<Bytes> {
    Box::new(std::array::from_fn(|byte| u8::try_from(byte).is_ok_and(&is_in)))
}

/// One alternative after the other.
fn either(alternatives: &[Vec<Node>], ops: &mut Vec<Op>) -> Option<()> {
    let mut ends = Vec::new();
    for (n, sequence) in alternatives.iter().enumerate() {
        let is_last = n + 1 == alternatives.len();
        let begin = ops.len();
        if !is_last {
            ops.push(Op::Done);
        }
        sequence.iter().try_for_each(|node| emit(node, ops))?;
        if !is_last {
            ends.push(ops.len());
            ops.push(Op::Done);
            ops[begin] = Op::Either(begin + 1, ops.len());
        }
    }
    let end = ops.len();
    ends.into_iter().for_each(|at| ops[at] = Op::Jump(end));
    Some(())
}

fn emit(node: &Node, ops: &mut Vec<Op>) -> Option<()> {
    match node {
        Node::One(set) => ops.push(Op::One(set.clone())),
        Node::Place(place) => ops.push(Op::Place(*place)),
        Node::Group(alternatives) => either(alternatives, ops)?,
        Node::Ahead(wanted, alternatives) => apart(ops, |behind| Op::Ahead(*wanted, behind), |ops| either(alternatives, ops))?,
        Node::Repeated(node, times) if times.how == How::Possessive => apart(ops, Op::AtOnce, |ops| repeat(node, *times, ops))?,
        Node::Repeated(node, times) => repeat(node, *times, ops)?,
    }
    (ops.len() <= MOST_OPS).then_some(())
}

/// What is run by itself.
fn apart(ops: &mut Vec<Op>, op: impl Fn(usize) -> Op, inner: impl Fn(&mut Vec<Op>) -> Option<()>) -> Option<()> {
    let begin = ops.len();
    ops.push(Op::Done);
    inner(ops)?;
    ops.push(Op::Done);
    ops[begin] = op(ops.len());
    Some(())
}

fn repeat(node: &Node, times: Times, ops: &mut Vec<Op>) -> Option<()> {
    let may = |more: usize, enough: usize| if times.how == How::Lazy { Op::Either(enough, more) } else { Op::Either(more, enough) };
    for _ in 0..times.least {
        emit(node, ops)?;
    }
    let Some(most) = times.most else {
        let begin = ops.len();
        ops.push(Op::Done);
        if matches!(node, Node::One(_)) {
            emit(node, ops)?;
            ops.push(Op::Jump(begin));
        } else {
            ops.push(Op::Round);
            emit(node, ops)?;
            ops.push(Op::Again(begin));
        }
        ops[begin] = may(begin + 1, ops.len());
        return Some(());
    };
    let mut begins = Vec::new();
    for _ in times.least..most {
        begins.push(ops.len());
        ops.push(Op::Done);
        emit(node, ops)?;
    }
    let end = ops.len();
    begins.into_iter().for_each(|begin| ops[begin] = may(begin + 1, end));
    Some(())
}
