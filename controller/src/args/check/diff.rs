//! `diff`: from what was typed to what it means.

use super::Check;
use super::offline::OfflineConfig;
use crate::args::offline::Diff;
use crate::commands::output::Colour;

/// `gatewright diff`.
#[derive(Debug)]
pub(crate) struct DiffConfig {
    /// What all offline commands have.
    pub(crate) offline: OfflineConfig,
    /// The input before, with what both have in common.
    pub(crate) old: Vec<String>,
    /// The input afterwards, with what both have in common.
    pub(crate) new: Vec<String>,
    /// What the input afterwards has in place of [`DiffConfig::offline`], if it is for another proxy.
    pub(crate) new_offline: Option<OfflineConfig>,
    /// How changes are written.
    pub(crate) format: DiffFormat,
    /// Changes of traffic are told.
    pub(crate) routes: bool,
    /// Changes of files are told.
    pub(crate) files: bool,
    /// When colours are used.
    pub(crate) colour: Colour,
}

/// How changes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiffFormat {
    /// For people on a terminal.
    Text,
    /// For a comment on a pull request.
    Markdown,
    /// One object.
    Json,
}

impl Check<'_> {
    pub(super) fn diff(&mut self, diff: Diff) -> DiffConfig {
        let formats = [("text", DiffFormat::Text), ("markdown", DiffFormat::Markdown), ("json", DiffFormat::Json)];
        let format = self.choice("format", &diff.format, &formats).unwrap_or(DiffFormat::Text);
        if diff.routes_only && diff.files_only {
            self.wrong("--routes-only and --files-only cannot both be given".to_owned());
        }
        if diff.old == "-" && diff.new == "-" {
            self.wrong("OLD and NEW cannot both be the standard input".to_owned());
        }
        let offline = self.offline(diff.offline);
        let new_dialect =
            diff.new_proxy.as_deref().map(|name| self.proxy_kind("new-proxy", name)).filter(|new| new.name != offline.proxy.dialect.name);
        if new_dialect.is_some() && diff.files_only {
            self.wrong("--files-only: the files of different proxies cannot be compared".to_owned());
        }
        let new_offline = new_dialect.map(|dialect| offline.for_proxy(dialect));
        let with_common = |own: String| [diff.inputs.clone(), vec![own]].concat();
        DiffConfig {
            old: with_common(diff.old),
            new: with_common(diff.new),
            format,
            routes: !diff.files_only,
            files: !diff.routes_only,
            colour: self.colour(&diff.color),
            offline,
            new_offline,
        }
    }
}
