//! Model and dialect → files.
//!
//! A [`Renderer`] turns the pieces that a dialect names into text, gathers them in files of a bounded number, checks
//! every file with the dialect's own grammar, and keeps what it made by content hash: an unchanged piece costs a lookup.

mod bytes;
mod engine;
mod files;
mod renderer;
mod shards;

pub use bytes::Bytes;
pub use engine::TemplateError;
pub use files::{Beside, File, FileSet};
pub use renderer::{Difference, RenderError, Renderer};
