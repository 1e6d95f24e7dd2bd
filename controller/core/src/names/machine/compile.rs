//! Compiles an expression to the steps of the matcher.

use super::{Bytes, Flags, Op};
use crate::names::parts::{self, Characters, How, Member, Part, Place, What};
use std::rc::Rc;

/// More than any expression has that [`crate::names::TextRegex`] takes.
const MOST_OPS: usize = 200_000;

/// The steps; `None` for what is no expression that [`crate::names::TextRegex`] reads.
pub(super) fn compile(expression: &str, flags: Flags) -> Option<Vec<Op>> {
    let alternatives = parts::read(expression).ok()?;
    let mut ops = Vec::new();
    either(&alternatives, flags, &mut ops)?;
    ops.push(Op::Done);
    Some(ops)
}

/// One alternative after the other.
fn either(alternatives: &[Vec<Part>], flags: Flags, ops: &mut Vec<Op>) -> Option<()> {
    let mut ends = Vec::new();
    for (n, sequence) in alternatives.iter().enumerate() {
        let is_last = n + 1 == alternatives.len();
        let begin = ops.len();
        if !is_last {
            ops.push(Op::Done);
        }
        sequence.iter().try_for_each(|part| emit(part, flags, ops))?;
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

fn emit(part: &Part, flags: Flags, ops: &mut Vec<Op>) -> Option<()> {
    match &part.what {
        What::One { written, .. } => {
            let (last, first) = bytes(written, flags);
            ops.extend(first.into_iter().map(Op::One));
            as_often(part, ops, |ops| push(Op::One(Rc::clone(&last)), ops))
        }
        What::Place(place) => as_often(part, ops, |ops| push(Op::Place(*place), ops)),
        What::End => as_often(part, ops, |ops| push(Op::Place(Place::End), ops)),
        What::Ahead { wanted, inner } => {
            as_often(part, ops, |ops| apart(ops, |behind| Op::Ahead(*wanted, behind), |ops| either(inner, flags, ops)))
        }
        What::Group { ignoring_case, inner } => {
            let flags = Flags { ignoring_case: flags.ignoring_case || *ignoring_case, ..flags };
            as_often(part, ops, |ops| either(inner, flags, ops))
        }
    }
}

fn push(op: Op, ops: &mut Vec<Op>) -> Option<()> {
    ops.push(op);
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

/// A part as often as it may stand there; `once` adds the steps of one time.
fn as_often(part: &Part, ops: &mut Vec<Op>, once: impl Fn(&mut Vec<Op>) -> Option<()>) -> Option<()> {
    if part.how == How::Possessive { apart(ops, Op::AtOnce, |ops| repeat(part, ops, &once)) } else { repeat(part, ops, once) }
}

fn repeat(part: &Part, ops: &mut Vec<Op>, once: impl Fn(&mut Vec<Op>) -> Option<()>) -> Option<()> {
    let may = |more: usize, enough: usize| if part.how == How::Lazy { Op::Either(enough, more) } else { Op::Either(more, enough) };
    for _ in 0..part.least {
        once(ops)?;
    }
    let Some(most) = part.most else {
        let begin = ops.len();
        ops.push(Op::Done);
        if matches!(part.what, What::One { .. }) {
            once(ops)?;
            ops.push(Op::Jump(begin));
        } else {
            ops.push(Op::Round);
            once(ops)?;
            ops.push(Op::Again(begin));
        }
        ops[begin] = may(begin + 1, ops.len());
        return Some(());
    };
    let mut begins = Vec::new();
    for _ in part.least..most {
        begins.push(ops.len());
        ops.push(Op::Done);
        once(ops)?;
    }
    let end = ops.len();
    begins.into_iter().for_each(|begin| ops[begin] = may(begin + 1, end));
    Some(())
}

/// The byte that is repeated if these characters are, and those that go before it: a PCRE that compares bytes takes a character
/// beyond ASCII for some bytes of which only the last is repeated.
fn bytes(written: &Characters, flags: Flags) -> (Rc<Bytes>, Vec<Rc<Bytes>>) {
    let set = match written {
        Characters::One(c) => {
            let one = |byte: &u8| Rc::new(folded(set_of(|other| other == *byte), flags));
            let mut buffer = [0; 4];
            let (last, first) = c.encode_utf8(&mut buffer).as_bytes().split_last().unwrap_or((&0, &[]));
            return (one(last), first.iter().map(one).collect());
        }
        Characters::Any => set_of(|byte| flags.dot_all || byte != b'\n'),
        Characters::Shorthand(letter) => set_of(|byte| is_of_shorthand(byte, *letter)),
        Characters::Class { negated, members } => {
            let mut set = [false; 256];
            members.iter().for_each(|member| add(member, &mut set));
            let set = folded(set, flags);
            if *negated { set.map(|is_in| !is_in) } else { set }
        }
    };
    (Rc::new(set), Vec::new())
}

/// Adds a member of a class. In a range of characters beyond ASCII, one of bytes goes from the last byte of the first one to the
/// first byte of the last one.
fn add(member: &Member, set: &mut Bytes) {
    let mut insert = |byte: u8| set[usize::from(byte)] = true;
    match member {
        Member::One(c) => c.encode_utf8(&mut [0; 4]).bytes().for_each(&mut insert),
        Member::Range(low, high) => {
            let [low, high] = [low, high].map(|c| c.to_string().into_bytes());
            low.last().zip(high.first()).into_iter().flat_map(|(low, high)| *low..=*high).for_each(&mut insert);
            low.into_iter().chain(high).for_each(insert);
        }
        Member::Shorthand(letter) => (0..=u8::MAX).filter(|byte| is_of_shorthand(*byte, *letter)).for_each(insert),
    }
}

/// Whether a byte is one of those that a letter behind a backslash stands for.
fn is_of_shorthand(byte: u8, letter: char) -> bool {
    let is_in = match letter.to_ascii_lowercase() {
        'd' => byte.is_ascii_digit(),
        'w' => byte.is_ascii_alphanumeric() || byte == b'_',
        _ => byte == b' ' || (b'\t'..=b'\r').contains(&byte),
    };
    is_in != letter.is_ascii_uppercase()
}

fn folded(mut set: Bytes, flags: Flags) -> Bytes {
    if flags.ignoring_case {
        for lower in b'a'..=b'z' {
            let [lower, upper] = [lower, lower.to_ascii_uppercase()].map(usize::from);
            let is_in = set[lower] || set[upper];
            (set[lower], set[upper]) = (is_in, is_in);
        }
    }
    set
}

fn set_of(is_in: impl Fn(u8) -> bool) -> Bytes {
    std::array::from_fn(|byte| u8::try_from(byte).is_ok_and(&is_in))
}
