//! Why a command could not do what it was asked for.

use crate::admission::ServeError;
use crate::causes::chain;
use crate::connection::ConnectError;
use crate::proxy::ProgramError;
use crate::self_signed::SelfSignedError;
use crate::source::input::InputError;
use crate::templates::ReadError;
use gatewright_core::render::{RenderError, TemplateError};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What ends a command other than `run`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// An input cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An input is not there, and may be meant as a revision.
    #[error("{}; a revision of git is written git:{word}", chain(&**error))]
    PerhapsGit {
        /// Why it cannot be read.
        error: Box<InputError>,
        /// The input.
        word: String,
    },
    /// The inputs hold nothing that the command could be about.
    #[error("{0}")]
    NothingFound(String),
    /// No certificate for connections without one can be made.
    #[error(transparent)]
    SelfSigned(#[from] SelfSignedError),
    /// The program of the proxy is not one that can be used.
    #[error("--proxy-binary {0}")]
    Program(ProgramError),
    /// The program of the proxy does not tell its version.
    #[error("--proxy-binary {}: it does not tell which version of {name} it is; give the program of {name}, or --proxy-version", program.display())]
    NoVersion {
        /// The program.
        program: PathBuf,
        /// Of the proxy.
        name: &'static str,
    },
    /// The overrides cannot be read.
    #[error("--templates {}", folder.display())]
    Overrides {
        /// Their folder.
        folder: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// An override is none, or stops.
    #[error("the templates cannot be used")]
    Templates(#[source] TemplateError),
    /// An override writes what no template has to say.
    #[error("the templates cannot be used: {places}: {error}")]
    TemplateText {
        /// Where the text is in the templates.
        places: String,
        /// What is wrong with it.
        error: Box<RenderError>,
    },
    /// There are no files.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A file or folder cannot be used.
    #[error("could not {verb} {}", path.display())]
    File {
        /// What was to be done with it.
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A folder is to be written anew, and holds something that would be lost.
    #[error("{} holds {}, which was not rendered; give an empty folder", folder.display(), found.display())]
    NotRendered {
        /// The folder.
        folder: PathBuf,
        /// What it holds, relative to it.
        found: PathBuf,
    },
    /// The output could not be written.
    #[error("could not write to the standard output")]
    Output(#[source] io::Error),
    /// A manual page cannot be made.
    #[error("could not make the page")]
    Page(#[source] io::Error),
    /// An object cannot be written as YAML.
    #[error(transparent)]
    Yaml(#[from] serde_yaml::Error),
    /// There is no cluster to talk to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Nobody can ask the webhook.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// An address cannot be listened on.
    #[error("could not listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A server has ended by itself.
    #[error("a backend has stopped")]
    Stopped(#[source] io::Error),
    /// Nobody could tell the command to stop.
    #[error("could not listen for signals")]
    Signals(#[source] io::Error),
}

impl CommandError {
    /// For what the system says of a file or folder.
    pub(super) fn file(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { verb, path: path.to_owned(), source }
    }
}
