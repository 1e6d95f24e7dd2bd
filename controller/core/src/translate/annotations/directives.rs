//! Reads nginx configuration of users: text → directives → wishes.

mod answered;
mod answers;
mod blocks;
mod bodies;
mod chosen;
mod conditional;
mod denied;
mod forwarding;
mod guarding;
mod headers;
mod limits;
mod locations;
mod lua;
mod meaning;
mod others;
mod places;
mod raw;
mod reader;
mod searches;
mod sources;
#[cfg(test)]
mod tests;
mod ways;
mod wishes;
mod words;

pub(in crate::translate) use answered::names as names_of_answers;
pub(in crate::translate) use guarding::{concerns_protections, key_may_keep_out, key_protects, may_be_decided_by, may_keep_out, rests};
pub(in crate::translate) use meaning::{Answers, Known, Meaning, known_of, read_key, read_raw, read_within};
pub(in crate::translate) use others::looser_switches;
pub(in crate::translate) use places::Places;
pub(in crate::translate) use searches::{NOT_AGAIN, Search};
