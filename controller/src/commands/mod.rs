//! The commands besides `run`, one file each.

pub(crate) mod echo;
pub(crate) mod lint;
mod offline;
pub(crate) mod output;
pub(crate) mod render;
pub(crate) mod supervise;
