//! All that is special about one proxy, as data: how it is started, checked and told to reload, how text is printed
//! for it, which files it is given, and what it cannot do.
//!
//! A dialect decides, a template arranges: the views of a dialect hold everything a template prints, sorted and chosen.

mod breaks;
mod common;
pub mod haproxy;
mod lane;
pub mod nginx;

pub use lane::{Need, OldWorkers, ReloadSocket, RuntimeLane, Step};

use crate::model::{Approximation, Backend, BackendId, CertificateId, HashKind, Host, Lack, LackingWay, MapToken, Model};
use crate::names::{HostPattern, ObjectRef, PathLimits, shown};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// One kind of proxy. Everything outside `dialect/` and `templates/` that has to differ between proxies asks this.
#[derive(Debug)]
pub struct Dialect {
    /// `nginx`; the value of `--proxy`, and the folder of the templates.
    pub name: &'static str,
    /// What events call it; for nginx as ingress-nginx does.
    pub title: &'static str,
    /// Program that is looked up in `PATH` unless one is given.
    pub program: &'static str,
    /// Relative path of the file that the proxy is started with, such as `nginx.conf`.
    pub main_file: &'static str,
    /// Arguments that make the program print its version.
    pub version_args: &'static [&'static str],
    /// The oldest version that is supported; files are rendered for it when none is known.
    pub oldest: Version,
    /// The newest version that is known; what a later one can do beyond it is not used.
    pub newest: Version,
    /// Finds the version in what the program then prints (standard output and error together).
    pub version: fn(&str) -> Option<Version>,
    /// How it is found out whether the program can forward TCP; `None`: every one can.
    pub streams: Option<StreamProbe>,
    /// Metrics of the proxy's own, in the text format of Prometheus; `None`: it has none.
    pub exporter: Option<Exporter>,
    /// Arguments that start the program in the foreground.
    pub start_args: fn(&Launch<'_>) -> Vec<String>,
    /// Arguments that check a candidate's main file.
    pub check_args: fn(&Launch<'_>) -> Vec<String>,
    /// Makes the running proxy take new files.
    pub reload: Signal,
    /// Makes it, too, and answers whether it did; for versions that have it.
    pub reload_socket: Option<ReloadSocket>,
    /// Makes it stop once the requests in flight are answered.
    pub drain: Signal,
    /// Finds the reason in what a check printed.
    pub refusal: fn(&str) -> Refusal,
    /// Name and text of every built-in template; the name is what an override replaces.
    pub templates: &'static [(&'static str, &'static str)],
    /// Name of the template of the main file.
    pub main_template: &'static str,
    /// Writes a string as one word of the proxy's language, with no meaning but itself.
    pub print_word: WordPrinter,
    /// Further ways to print a string, as filters for templates. What they print is not escaped again.
    pub filters: &'static [(&'static str, Filter)],
    /// What is rendered piece by piece, and included by the main file.
    pub groups: for<'m> fn(&'m Model, Version, &mut Memory) -> Vec<Group<'m>>,
    /// What the main template sees: the model, the included files, and the token that proves a reload.
    pub main: for<'m> fn(&'m Model, Version, &'m Includes, &'m str) -> View<'m>,
    /// Relative path of a certificate's file.
    pub certificate_path: fn(&CertificateId) -> String,
    /// Files with what clients are checked with.
    pub credential_files: fn(&Model) -> Vec<CredentialFile>,
    /// The proxy reads certificates while it serves, so that a renewed one needs no reload.
    pub certificates_read_live: bool,
    /// Files beside those of a revision, for what belongs to the place and not to the content: see [`LaunchFile`].
    pub launch_files: &'static [LaunchFile],
    /// Name of a link in [`Launch::run_dir`] to the published revision, which the files of the proxy follow while it serves;
    /// made by whoever starts it. `None`: they need none.
    pub published_link: Option<&'static str>,
    /// Name of the socket in [`Launch::run_dir`] where an agent has to listen that asks services for the proxy; `None`: it
    /// asks them itself.
    pub agent_socket: Option<&'static str>,
    /// Reads a rendered file with a grammar of our own, and refuses all that no template has to say.
    pub check_grammar: fn(&[u8], Place) -> Result<(), GrammarError>,
    /// The object that asked for a line of a rendered file.
    pub origin_at: fn(&[u8], u32) -> Option<ObjectRef>,
    /// Changes that a running proxy takes without a reload.
    pub runtime: Option<RuntimeLane>,
    /// Hashes of passwords that it cannot check; their users cannot log in.
    pub unknown_hashes: &'static [HashKind],
    /// How long the hashes of all users may take at each load of the proxy; `None`: it computes none then.
    pub time_for_hashes: Option<std::time::Duration>,
    /// A file that takes the proxy long to read; `None`: there is none.
    pub slow_file: Option<SlowFile>,
    /// What a version can compare paths with.
    pub path_limits: fn(Version) -> PathLimits,
    /// Connections can be passed on as they are even where headers tell the addresses of clients.
    pub passes_behind_headers: bool,
    /// What a version of the proxy cannot do, by annotation, sorted.
    pub lacks: fn(Version) -> Vec<Lack>,
    /// Annotations that this proxy can do only approximately, sorted by annotation.
    pub approximates: &'static [Approximation],
    /// The access log may go to `/dev/stdout`, which the proxy opens by that name, at its start and at each reload.
    pub opens_stdout: bool,
    /// Variables of [`crate::names::variable`] that the proxy has no word for, and beginnings of such, which end in `_`.
    pub unknown_variables: fn() -> Vec<&'static str>,
    /// Directives of snippets that a version cannot follow.
    pub unknown_directives: fn(Version) -> &'static [&'static str],
}

impl Dialect {
    /// What to say of a program of this version, if no files are made for it.
    #[must_use]
    pub fn too_old(&self, version: Version) -> Option<String> {
        let Self { name, oldest, .. } = self;
        ((version.0, version.1) < (oldest.0, oldest.1)).then(|| format!("{name} {version} is too old; use one from {oldest} on"))
    }
}

/// A file that need not be read once more to check those beside it, when the proxy has taken it as it is.
#[derive(Debug, Clone, Copy)]
pub struct SlowFile {
    /// Path of the file, relative to the folder of a revision.
    pub name: &'static str,
    /// Checks a folder with these files without it, as [`Dialect::check_args`] does with it.
    pub check_args: fn(&std::path::Path, &[String]) -> Vec<String>,
}

/// Writes a string as one word. Fails only if the sink does, and never writes a control character.
pub type WordPrinter = fn(&str, &mut dyn std::io::Write) -> std::io::Result<()>;

/// A filter of templates: text → printed text.
pub type Filter = fn(&str) -> String;

/// Included files by [`Group::folder`]: relative paths, sorted.
pub type Includes = BTreeMap<&'static str, Vec<String>>;

/// A file with what clients are checked with.
#[derive(Debug, Clone)]
pub struct CredentialFile {
    /// Relative path. One that is not read live has a hash of the bytes in its name.
    pub path: String,
    /// What is in it.
    pub bytes: Arc<[u8]>,
    /// Only the proxy may read it.
    pub secret: bool,
    /// The proxy reads it while it serves.
    pub read_live: bool,
}

/// A file in the folder that the proxy runs in, written by whoever starts it and named by [`Dialect::start_args`]. It is
/// for proxies whose command line cannot say where their sockets are and which user their workers have.
#[derive(Debug, Clone, Copy)]
pub struct LaunchFile {
    /// Name of the file in [`Launch::run_dir`].
    pub name: &'static str,
    /// What is in it; the number is the group of [`Launch::worker_user`].
    pub text: fn(&Launch<'_>, Option<u32>) -> String,
}

/// The files of a revision: relative path → bytes.
pub type Contents<'f> = BTreeMap<&'f str, &'f [u8]>;

/// What is remembered from one model to the next; one that is empty costs time and nothing else.
#[derive(Debug, Default)]
pub struct Memory {
    hosts: MapToken<HostPattern, Host>,
    backends: MapToken<BackendId, Backend>,
    haproxy: haproxy::Memory,
}

/// What is the very same as in the model before.
#[derive(Debug, Clone, Copy)]
struct Same {
    hosts: bool,
    backends: bool,
}

impl Memory {
    /// Compares with the model before, and remembers this one.
    fn compare(&mut self, model: &Model) -> Same {
        let same = Same { hosts: self.hosts.is_of(&model.hosts), backends: self.backends.is_of(&model.backends) };
        (self.hosts, self.backends) = (model.hosts.token(), model.backends.token());
        same
    }
}

/// Where the pieces of a group go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gather {
    /// To files that the main file includes; each has a hash of its bytes in its name.
    Included,
    /// To files beside the main file that the proxy reads as well, such as `sections-3f.cfg`: this name, and a number.
    Beside(&'static str),
    /// To the end of the main file.
    Main,
    /// To one file with this relative path, which is there even without pieces.
    Whole(&'static str),
}

/// What is rendered piece by piece; the pieces are gathered in one file or several.
pub struct Group<'m> {
    /// Name of the group, and folder of its files where it has any, such as `hosts`.
    pub folder: &'static str,
    /// Where the pieces go.
    pub gather: Gather,
    /// Template of a piece.
    pub template: &'static str,
    /// How the files are to be read.
    pub place: Place,
    /// Hash of all that a piece is made from beside its own [`Piece::digest`].
    pub shared: u128,
    /// The same pieces as in the model before, by what is remembered of it; they are not looked at then.
    pub is_same: bool,
    /// Made when they are looked at.
    pub parts: LazyLock<Parts<'m>, Box<dyn FnOnce() -> Parts<'m> + Send + 'm>>,
}

/// The pieces of a group, and how they are shown to the template.
pub struct Parts<'m> {
    /// In the order of the files' content.
    pub pieces: Vec<Piece<'m>>,
    /// What the template sees of the piece with this number.
    pub view: Box<dyn Fn(usize) -> View<'m> + Send + Sync + 'm>,
}

impl<'m> Parts<'m> {
    /// Pieces, and what the template sees of the one with a number.
    fn new(pieces: Vec<Piece<'m>>, view: impl Fn(usize) -> View<'m> + Send + Sync + 'm) -> Self {
        Self { pieces, view: Box::new(view) }
    }

    /// To be made when they are looked at.
    fn later(make: impl FnOnce() -> Self + Send + 'm) -> LazyLock<Self, Box<dyn FnOnce() -> Self + Send + 'm>> {
        LazyLock::new(Box::new(make))
    }
}

/// One piece of a file.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'m> {
    /// Decides the file it goes to.
    pub key: &'m str,
    /// Content hash of what it is made from, the key included.
    pub digest: u128,
}

/// What a template sees: the views of all dialects.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum View<'m> {
    /// nginx.
    Nginx(nginx::View<'m>),
    /// HAProxy.
    Haproxy(haproxy::View<'m>),
}

/// Where a file stands in the proxy's grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// It is the main file.
    Main,
    /// Among the virtual hosts, or the sections beside them.
    Hosts,
    /// Among the ports that are forwarded as they are.
    Streams,
    /// Inside a map from text to text.
    Map,
    /// In a list of certificates and the names they are for.
    CertificateList,
}

/// A rendered file is not what the templates may say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct GrammarError {
    /// Counted from 1.
    pub line: u32,
    /// One line, escaped and short.
    pub message: String,
}

impl GrammarError {
    /// An error about a word.
    fn about(line: u32, what: &str, word: &str) -> Self {
        Self { line, message: format!("{what} {}", shown(word)) }
    }
}

/// Where a proxy runs; what goes on its command line because it must not be in its files.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    /// The main file, absolute; behind the `current` link for a running proxy, inside a revision's folder for a check.
    pub main_file: &'a Path,
    /// Folder of its own that the proxy may write to: temporary files, and the base of relative paths of that kind.
    pub run_dir: &'a Path,
    /// Where it writes its process id.
    pub pid_file: &'a Path,
    /// User of the workers, when the program is started by root.
    pub worker_user: Option<&'a str>,
    /// File with the part of the program that forwards TCP and UDP, if it is not built in.
    pub stream_module: Option<&'a Path>,
}

/// Finds out whether a program can forward TCP and UDP.
#[derive(Debug, Clone, Copy)]
pub struct StreamProbe {
    /// Finds it in what the program prints about its version.
    pub read: fn(&str) -> Streams,
    /// The smallest main file: a module that cannot be loaded with it cannot be loaded.
    pub smallest_file: &'static str,
}

/// Metrics that a proxy tells on its private port, where [`crate::model::Listeners::metrics_port`] asks for them.
#[derive(Debug, Clone, Copy)]
pub struct Exporter {
    /// Path and query of what belongs to the proxy as a whole: its size does not grow with the number of routes.
    pub target: &'static str,
    /// Whether a program has it, by what it prints about its version.
    pub is_built_in: fn(&str) -> bool,
}

/// Whether a program can forward TCP and UDP as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Streams {
    /// It cannot.
    Never,
    /// It can.
    BuiltIn,
    /// It can, once it has loaded this file.
    Module(std::path::PathBuf),
}

/// What a program lacks that cannot forward TCP and UDP.
pub const LACKS_STREAMS: &[Lack] = &[
    Lack { fine: &["false", "f", "F", "FALSE", "False", "0"], ..lacks_streams("ssl-passthrough") },
    lacks_streams("tcp-services-configmap"),
    lacks_streams("udp-services-configmap"),
];

const fn lacks_streams(key: &'static str) -> Lack {
    Lack {
        key,
        is_setting: false,
        fine: &[],
        also_fine: |_| false,
        of_some_values: false,
        culprits: None,
        way: LackingWay::Told,
        effect: "the proxy is built without its stream module, or the file of the module is missing",
    }
}

/// What a signal is for is up to the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP.
    Hup,
    /// SIGQUIT.
    Quit,
    /// SIGUSR1.
    Usr1,
    /// SIGUSR2.
    Usr2,
}

/// The dialect of this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Dialect> {
    [&nginx::NGINX, &haproxy::HAPROXY].into_iter().find(|dialect| dialect.name == name)
}

/// Version of a proxy, such as 1.22.1. Compares as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Version(pub u16, pub u16, pub u16);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Why a proxy refused a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The proxy's own words: one line, at most 500 bytes.
    pub message: String,
    /// File and line that it names, if it does.
    pub at: Option<(String, u32)>,
}
