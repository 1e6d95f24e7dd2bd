//! The commands that look once and are done, as clap reads them.

#![allow(rustdoc::bare_urls, rustdoc::broken_intra_doc_links, reason = "the comments of arguments are help for terminals")]

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
    /// Codes that are errors, even if allowed: GW0203, all that begin with GW02, `warnings` or `notes`; may be given several times
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(super) deny: Vec<String>,
    /// Codes that are not reported: GW0203, all that begin with GW02, `warnings` or `notes`; may be given several times
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(super) allow: Vec<String>,
    /// Explain a code, or `all` of them
    #[arg(long, value_name = "CODE")]
    pub(super) explain: Option<String>,
    /// auto, always or never
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: String,
    #[command(flatten)]
    pub(super) offline: Offline,
}

/// `diff`.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The input before: file, folder, -, git:REV[:PATH] or cluster
    #[arg(value_name = "OLD")]
    pub(super) old: String,
    /// The input afterwards
    #[arg(value_name = "NEW")]
    pub(super) new: String,
    /// An input that both have in common, such as Services of another folder; may be given several times
    #[arg(short = 'f', long = "filename", value_name = "INPUT")]
    pub(super) inputs: Vec<String>,
    /// text, markdown or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: String,
    /// Proxy of the input afterwards, to compare what two proxies do [default: that of --proxy]
    #[arg(long, value_name = "PROXY", help_heading = "Proxy")]
    pub(super) new_proxy: Option<String>,
    /// Only what changes for traffic
    #[arg(long)]
    pub(super) routes_only: bool,
    /// Only what changes in the rendered files
    #[arg(long)]
    pub(super) files_only: bool,
    /// auto, always or never
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: String,
    #[command(flatten)]
    pub(super) offline: Offline,
}

/// `explain`.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The request, such as https://shop.example/cart
    #[arg(value_name = "URL")]
    pub(super) url: String,
    /// A header of the request, such as one that leads to a canary; may be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(super) headers: Vec<String>,
    /// Method of the request
    #[arg(short = 'X', long = "request", value_name = "METHOD", default_value = "GET")]
    pub(super) method: String,
    /// File, folder, - for standard input, git:REV[:PATH] or cluster; may be given several times
    #[arg(short = 'f', long = "filename", value_name = "INPUT", required = true)]
    pub(super) inputs: Vec<String>,
    /// text or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: String,
    /// Treat Services without endpoints as such [default: if the input has no endpoints at all, Pods are assumed to be there]
    #[arg(long)]
    pub(super) as_it_is: bool,
    #[command(flatten)]
    pub(super) offline: Offline,
}

/// `annotations`.
#[derive(Debug, Args)]
pub(super) struct Annotations {
    /// Only annotations of these names, without the prefix
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// text, markdown or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: String,
}

/// `admission-policy`.
#[derive(Debug, Args)]
pub(super) struct AdmissionPolicy {
    /// Name of the printed objects
    #[arg(long, value_name = "NAME", default_value = "gatewright")]
    pub(super) name: String,
    /// IngressClasses whose Ingresses are checked, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "gatewright")]
    pub(super) ingress_class: Vec<String>,
    /// Prefix of the annotations
    #[arg(long, value_name = "PREFIX", default_value = "nginx.ingress.kubernetes.io")]
    pub(super) annotations_prefix: String,
    /// deny, warn or audit
    #[arg(long, value_name = "ACTION", default_value = "deny")]
    pub(super) action: String,
}

/// `completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Shell
    #[arg(value_name = "SHELL")]
    pub(super) shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// Folder to write a page for each command to [default: the main page, on standard output]
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    pub(super) output: Option<PathBuf>,
}
