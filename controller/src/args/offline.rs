//! The commands that look once and are done, as clap reads them.

use super::typed::Content;
use clap::Args;
use std::path::PathBuf;

/// What the offline commands share.
#[derive(Debug, Args)]
pub(super) struct Offline {
    /// Version of the proxy [default: that of its program, else the oldest that is supported]
    #[arg(long, value_name = "VERSION", help_heading = "Proxy")]
    pub(super) proxy_version: Option<String>,
    /// Configuration file of the cluster's client, for the input `cluster`
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub(super) kubeconfig: Option<PathBuf>,
    #[command(flatten)]
    pub(super) content: Content,
}

/// `render`.
#[derive(Debug, Args)]
pub(super) struct Render {
    /// File, folder, - for standard input, git:REV[:PATH] or cluster; may be given several times
    #[arg(short = 'f', long = "filename", value_name = "INPUT", required = true)]
    pub(super) inputs: Vec<String>,
    /// Folder to write to [default: one stream on standard output]
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    pub(super) output: Option<PathBuf>,
    /// Write files with private keys too
    #[arg(long)]
    pub(super) private_keys: bool,
    #[command(flatten)]
    pub(super) offline: Offline,
}

/// `lint`.
#[derive(Debug, Args)]
pub(super) struct Lint {
    /// The same as -f
    #[arg(value_name = "INPUT")]
    pub(super) paths: Vec<String>,
    /// File, folder, - for standard input, git:REV[:PATH] or cluster; may be given several times
    #[arg(short = 'f', long = "filename", value_name = "INPUT")]
    pub(super) inputs: Vec<String>,
    /// text, json, sarif or github
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: String,
    /// Codes that are errors: GW0203, all that begin with GW02, or `warnings`; may be given several times
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(super) deny: Vec<String>,
    /// Codes that are not said: GW0203, all that begin with GW02, or `notes`; may be given several times
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(super) allow: Vec<String>,
    /// Tell what a code means, or `all`
    #[arg(long, value_name = "CODE")]
    pub(super) explain: Option<String>,
    /// auto, always or never
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: String,
    #[command(flatten)]
    pub(super) offline: Offline,
}
