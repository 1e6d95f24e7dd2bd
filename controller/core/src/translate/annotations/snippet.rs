//! Reads nginx configuration of users: text → directives → wishes.

mod directives;
mod reader;

pub(in crate::translate) use directives::{Meaning, read};
