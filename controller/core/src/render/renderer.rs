//! Puts the files of a revision together.

use super::engine::{Engine, TemplateError};
use super::shards::Shards;
use super::{File, FileSet};
use crate::dialect::{Dialect, Gather, Includes, Place, Version};
use crate::model::Model;
use crate::names::ObjectRef;
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// What the main file says in place of its token while the token is computed.
const NO_TOKEN: &str = "00000000000000000000000000000000";

/// Why there are no files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A template stopped; only an override can.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A rendered file says what no template has to say.
    #[error("{file}:{line}: {message}")]
    Grammar {
        /// Relative path of the file.
        file: String,
        /// Counted from 1.
        line: u32,
        /// One line.
        message: String,
        /// Who asked for the block, if that is known.
        origin: Option<ObjectRef>,
    },
}

/// Renders models for one version of one proxy, and remembers what it made.
///
/// The files are a function of the model, the version and the templates alone; a renderer that remembers nothing makes
/// the same bytes.
#[derive(Debug)]
pub struct Renderer {
    dialect: &'static Dialect,
    version: Version,
    engine: Engine,
    shards: BTreeMap<&'static str, Shards>,
}

impl Renderer {
    /// Reads the templates; `overrides` are template names and their texts, in place of the built-in ones.
    ///
    /// # Errors
    /// With the first override that is no template of the dialect, or cannot be read. Nothing is kept then.
    pub fn new(dialect: &'static Dialect, version: Version, overrides: BTreeMap<String, String>) -> Result<Self, TemplateError> {
        Ok(Self { dialect, version, engine: Engine::new(dialect, &overrides)?, shards: BTreeMap::new() })
    }

    /// Renders a model. What did not change since the last one is taken from it.
    ///
    /// # Errors
    /// When a template stops or writes what the proxy's grammar does not allow there. The renderer can be used again.
    pub fn render(&mut self, model: &Model) -> Result<FileSet, RenderError> {
        let mut files = BTreeMap::new();
        let mut includes = Includes::new();
        let mut tails = Vec::new();
        let plain = |bytes| File { bytes, secret: false, read_live: false };
        for group in (self.dialect.groups)(model, self.version) {
            let shards = self.shards.entry(group.folder).or_default();
            shards.update(&group, &self.engine, self.dialect)?;
            match group.gather {
                Gather::Included => {
                    files.extend(shards.files().map(|shard| (shard.path.clone(), plain(Arc::clone(&shard.bytes)))));
                    includes.insert(group.folder, shards.files().map(|shard| shard.path.clone()).collect());
                }
                Gather::Whole(path) => _ = files.insert(path.to_owned(), plain(shards.joined())),
                Gather::Main => tails.push(shards.joined()),
            }
        }
        for certificate in model.certificates.values() {
            let file = File { bytes: Arc::clone(&certificate.pem), secret: true, read_live: self.dialect.certificates_read_live };
            files.insert((self.dialect.certificate_path)(&certificate.id), file);
        }
        for file in (self.dialect.credential_files)(model) {
            files.insert(file.path, File { bytes: file.bytes, secret: file.secret, read_live: file.read_live });
        }
        let draft = self.main(model, &includes, NO_TOKEN)?;
        let reload_digest = reload_digest(&draft, &tails, &files);
        let main = self.main(model, &includes, &format!("{reload_digest:032x}"))?;
        self.check_main(&main)?;
        let mut main = main.into_bytes();
        tails.iter().for_each(|tail| main.extend_from_slice(tail));
        files.insert(self.dialect.main_file.to_owned(), plain(main.into()));
        Ok(FileSet::new(self.dialect.main_file, files, reload_digest))
    }

    fn main(&self, model: &Model, includes: &Includes, token: &str) -> Result<String, TemplateError> {
        let view = (self.dialect.main)(model, self.version, includes, token);
        self.engine.render(self.dialect.main_template, &view)
    }

    fn check_main(&self, main: &str) -> Result<(), RenderError> {
        (self.dialect.check_grammar)(main.as_bytes(), Place::Main).map_err(|error| RenderError::Grammar {
            file: self.dialect.main_file.to_owned(),
            line: error.line,
            message: error.message,
            origin: None,
        })
    }
}

/// Hash of all that the proxy reads only when it loads.
fn reload_digest(main: &str, tails: &[Arc<[u8]>], others: &BTreeMap<String, File>) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(&xxh3_128(main.as_bytes()).to_le_bytes());
    for tail in tails {
        hasher.update(&xxh3_128(tail).to_le_bytes());
    }
    for (path, file) in others.iter().filter(|(_, file)| !file.read_live) {
        hasher.update(path.as_bytes());
        hasher.update(&xxh3_128(&file.bytes).to_le_bytes());
    }
    hasher.digest128()
}
