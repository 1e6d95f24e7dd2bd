//! Model and dialect → files.

mod files;

pub use files::{File, FileSet};
