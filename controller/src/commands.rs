//! The commands besides `run`, one file each.

pub(crate) mod admission_policy;
pub(crate) mod annotations;
pub(crate) mod diff;
pub(crate) mod echo;
mod error;
pub(crate) mod explain;
mod findings;
pub(crate) mod lint;
mod not_read;
mod offline;
pub(crate) mod output;
pub(crate) mod pages;
pub(crate) mod rbac;
pub(crate) mod render;
pub(crate) mod supervise;
pub(crate) mod webhook;
