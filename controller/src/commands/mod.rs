//! The commands besides `run`, one file each.

pub(crate) mod render;
pub(crate) mod supervise;
