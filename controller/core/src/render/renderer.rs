//! Puts the files of a revision together.

use super::engine::{Engine, TemplateError};
use super::files::{Known, Part};
use super::shards::{Shard, Shards, joined_digest};
use super::{Bytes, File, FileSet};
use crate::cores::Cores;
use crate::dialect::{CredentialFile, Dialect, Gather, Group, Includes, Memory, Place, Version};
use crate::model::{Certificate, CertificateId, MapToken, Model, SharedMap};
use crate::names::ObjectRef;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// What the main file says in place of its token while the token is computed.
const NO_TOKEN: &str = "00000000000000000000000000000000";

/// How often the main templates of all dialects say the token, whatever the model.
const TOKENS: usize = 2;

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
        /// The line itself, without the space around it.
        text: String,
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
    /// Some template is not a built-in one.
    is_overridden: bool,
    shards: BTreeMap<&'static str, Shards>,
    /// What the dialect remembers.
    memory: Memory,
    /// The files of certificates, and what they were made from.
    certificates: (MapToken<CertificateId, Certificate>, Arc<Part>),
    cores: Cores,
}

impl Renderer {
    /// Reads the templates; `overrides` are template names and their texts, in place of the built-in ones.
    ///
    /// # Errors
    /// With the first override that is no template of the dialect, or cannot be read. Nothing is kept then.
    pub fn new(dialect: &'static Dialect, version: Version, overrides: BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let engine = Engine::new(dialect, &overrides)?;
        Ok(Self {
            dialect,
            version,
            engine,
            is_overridden: !overrides.is_empty(),
            shards: BTreeMap::new(),
            memory: Memory::default(),
            certificates: Default::default(),
            cores: Cores::default(),
        })
    }

    /// Renders on so many cores.
    #[must_use]
    pub fn on(self, cores: Cores) -> Self {
        Self { cores, ..self }
    }

    /// Renders a model. What did not change since the last one is taken from it.
    ///
    /// # Errors
    /// When a template stops or writes what the proxy's grammar does not allow there. The renderer can be used again.
    pub fn render(&mut self, model: &Model) -> Result<FileSet, RenderError> {
        // It is taken along only where all groups came as far as the model did.
        let mut memory = std::mem::take(&mut self.memory);
        let files = self.render_after(model, &mut memory)?;
        self.memory = memory;
        Ok(files)
    }

    fn render_after(&mut self, model: &Model, memory: &mut Memory) -> Result<FileSet, RenderError> {
        self.update_certificates(&model.certificates);
        let groups = (self.dialect.groups)(model, self.version, memory);
        for group in &groups {
            self.shards.entry(group.folder).or_default().update(group, &self.engine, self.dialect, self.cores)?;
        }
        let mut files = Vec::new();
        let mut includes = Includes::new();
        let mut tails = Vec::new();
        for group in &groups {
            let shards = &self.shards[group.folder];
            match group.gather {
                Gather::Included => {
                    files.extend(shards.files().map(Shard::known));
                    includes.insert(group.folder, shards.files().map(|shard| shard.path.clone()).collect());
                }
                Gather::Beside(_) => files.extend(shards.files().map(Shard::known)),
                Gather::Whole(path) => {
                    let (bytes, digest) = shards.whole();
                    files.push((path.to_owned(), plain(bytes, digest)));
                }
                Gather::Main => tails.push(shards),
            }
        }
        let mut files: BTreeMap<_, _> = files.into_iter().chain(self.credentials(model)).collect();
        let draft = self.main(model, &includes, NO_TOKEN)?;
        let reload_digest = reload_digest(&draft, &tails, (&self.certificates.1, &files));
        let main = self.with_token(draft, &format!("{reload_digest:032x}"), |token| self.main(model, &includes, token))?;
        self.check_main(&main)?;
        let head = (Arc::from(main.as_bytes()), xxh3_128(main.as_bytes()));
        let parts: Vec<_> = std::iter::once(head).chain(tails.iter().flat_map(|tail| tail.parts())).collect();
        let digest = joined_digest(parts.iter().map(|(_, digest)| *digest));
        files.insert(self.dialect.main_file.to_owned(), plain(parts.into_iter().map(|(part, _)| part).collect(), digest));
        let parts = (Arc::clone(&self.certificates.1), Arc::new(files.into()));
        Ok(FileSet::of_parts(self.dialect.main_file, parts, reload_digest))
    }

    fn update_certificates(&mut self, all: &SharedMap<CertificateId, Certificate>) {
        if self.certificates.0.is_of(all) {
            return;
        }
        let files = all.values().map(|certificate| {
            // One that has to be checked is read when the proxy loads.
            let read_live = self.dialect.certificates_read_live && !certificate.id.is_unchecked();
            let file = File { bytes: Arc::clone(&certificate.pem).into(), secret: true, read_live };
            ((self.dialect.certificate_path)(&certificate.id), Known { file, digest: certificate.digest })
        });
        let files: BTreeMap<_, _> = files.collect();
        self.certificates = (all.token(), Arc::new(files.into()));
    }

    /// What clients are checked with.
    fn credentials(&self, model: &Model) -> impl Iterator<Item = (String, Known)> {
        (self.dialect.credential_files)(model).into_iter().map(|CredentialFile { path, bytes, secret, read_live }| {
            let digest = xxh3_128(&bytes);
            (path, Known { file: File { bytes: bytes.into(), secret, read_live }, digest })
        })
    }

    /// The main file with its token: mostly the draft with the token in its places. Where a text of the model looks like one
    /// of them, or the template is not ours, it is rendered again.
    fn with_token(
        &self,
        draft: String,
        token: &str,
        again: impl FnOnce(&str) -> Result<String, TemplateError>,
    ) -> Result<String, TemplateError> {
        let is_plain = !self.is_overridden && draft.matches(NO_TOKEN).count() == TOKENS;
        if is_plain { Ok(draft.replace(NO_TOKEN, token)) } else { again(token) }
    }

    /// What two models render differently, piece by piece: what is neither included by a name with a hash nor in the
    /// order of files, so that people can compare it. Sorted by folder and key; the main file comes first.
    ///
    /// # Errors
    /// When a template stops.
    pub fn differences(&self, old: &Model, new: &Model) -> Result<Vec<Difference>, RenderError> {
        let groups = |model| (self.dialect.groups)(model, self.version, &mut Memory::default());
        let (old_groups, new_groups) = (groups(old), groups(new));
        let main = |model, groups: &[Group<'_>]| self.main(model, &named_by_folder(groups), NO_TOKEN);
        let mut out = Vec::new();
        let (before, after) = (main(old, &old_groups)?, main(new, &new_groups)?);
        if before != after {
            out.push(Difference { folder: "", key: self.dialect.main_file.to_owned(), old: Some(before), new: Some(after) });
        }
        for after in &new_groups {
            let before = old_groups.iter().find(|group| group.folder == after.folder);
            self.differences_of(before, after, &mut out)?;
        }
        Ok(out)
    }

    fn differences_of(&self, before: Option<&Group<'_>>, after: &Group<'_>, out: &mut Vec<Difference>) -> Result<(), TemplateError> {
        // Several pieces may have one key, such as the lines of a map for one host.
        let by_key = |group: &Group<'_>| {
            let mut map: BTreeMap<String, Vec<(usize, u128)>> = BTreeMap::new();
            for (number, piece) in group.parts.pieces.iter().enumerate() {
                map.entry(piece.key.to_owned()).or_default().push((number, piece.digest));
            }
            map
        };
        let digests = |pieces: Option<&Vec<(usize, u128)>>| pieces.map(|all| all.iter().map(|(_, digest)| *digest).collect::<Vec<_>>());
        let (old, new) = (before.map(by_key).unwrap_or_default(), by_key(after));
        let same_around = before.is_some_and(|before| before.shared == after.shared);
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let (was, is) = (old.get(key), new.get(key));
            if same_around && digests(was) == digests(is) {
                continue;
            }
            let text = |group: &Group<'_>, pieces: Option<&Vec<(usize, u128)>>| {
                let render = |(number, _): &(usize, u128)| self.engine.render(group.template, &(group.parts.view)(*number));
                pieces.map(|all| all.iter().map(render).collect::<Result<String, _>>()).transpose()
            };
            let (was, is) = (before.map_or(Ok(None), |before| text(before, was))?, text(after, is)?);
            if was.as_deref().unwrap_or_default() != is.as_deref().unwrap_or_default() {
                out.push(Difference { folder: after.folder, key: key.clone(), old: was, new: is });
            }
        }
        Ok(())
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
            text: line_of(main.as_bytes(), error.line),
            origin: None,
        })
    }
}

/// A line, counted from 1, without the space around it.
pub(super) fn line_of(bytes: &[u8], line: u32) -> String {
    let number = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    let line = bytes.split(|byte| *byte == b'\n').nth(number).unwrap_or_default();
    String::from_utf8_lossy(line).trim().to_owned()
}

/// A piece of the rendered files that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// [`Group::folder`]; empty for the main file.
    pub folder: &'static str,
    /// [`crate::dialect::Piece::key`], or the name of the main file.
    pub key: String,
    /// The text before; `None`: there was none.
    pub old: Option<String>,
    /// The text afterwards; `None`: there is none.
    pub new: Option<String>,
}

/// Includes as the main file would show them if nobody had to tell one content from another.
fn named_by_folder(groups: &[Group<'_>]) -> Includes {
    let some = |group: &Group<'_>| if group.parts.pieces.is_empty() { Vec::new() } else { vec![format!("{}/…", group.folder)] };
    groups.iter().map(|group| (group.folder, some(group))).collect()
}

/// Hash of all that the proxy reads only when it loads.
fn reload_digest(main: &str, tails: &[&Shards], (certificates, others): (&Part, &BTreeMap<String, Known>)) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(&xxh3_128(main.as_bytes()).to_le_bytes());
    for tail in tails {
        hasher.update(&tail.digest().to_le_bytes());
    }
    hasher.update(&certificates.loaded().to_le_bytes());
    for (path, known) in others.iter().filter(|(_, known)| !known.file.read_live) {
        hasher.update(path.as_bytes());
        hasher.update(&known.digest.to_le_bytes());
    }
    hasher.digest128()
}

fn plain(bytes: Bytes, digest: u128) -> Known {
    Known { file: File { bytes, secret: false, read_live: false }, digest }
}
