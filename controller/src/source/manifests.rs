//! Objects out of files: YAML and JSON, from a folder that is watched or inputs that are read once.
//!
//! ```text
//! bytes ─split─▶ parts ─parse─▶ values ─unfold─▶ objects and findings ─read─▶ the same with places ─merge─▶ one set
//! ```
//!
//! Everything in the files is hostile: sizes, depths and repetitions are bounded, and a broken document costs itself.

mod folder;
mod git;
mod helm;
mod hidden;
mod kustomize;
mod load;
mod merge;
mod octal;
mod parse;
mod places;
mod read;
mod salvage;
mod spans;
mod split;
#[cfg(test)]
mod tests;
mod traps;
mod unfold;
mod unnamed;
mod walk;

pub(crate) use load::{InputPath, LoadError, Texts, load};
pub(crate) use places::{Places, SharedPlaces};
pub(crate) use read::Purpose;
pub(crate) use unnamed::Unnamed;

use super::{Input, watch};
use folder::Folder;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// Follows a folder until nobody listens to `out` any more. `places` always says where the objects that were told of are
/// written.
pub(crate) async fn run(path: PathBuf, places: SharedPlaces, out: mpsc::Sender<Input>) {
    watch::run(path.clone(), Folder::new(path, places), out).await;
}
