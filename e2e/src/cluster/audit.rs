//! What the API server was asked, by its audit log.

use serde_json::Value;
use std::path::PathBuf;
use tempfile::TempDir;

/// The audit log of an API server.
#[derive(Debug)]
pub struct Audit {
    _folder: TempDir,
    log: PathBuf,
    flags: Vec<String>,
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// `list`, `watch`…
    pub verb: String,
    /// Key and value, with the commonest escapes undone.
    pub query: Vec<(String, String)>,
    /// Of the object, if one was asked for by its name.
    pub name: String,
    /// The status of the answer.
    pub status: u64,
}

impl Asked {
    /// The value of a key of the query; empty: it has none.
    #[must_use]
    pub fn value(&self, key: &str) -> &str {
        self.query.iter().find(|(found, _)| found == key).map_or("", |(_, value)| value)
    }
}

impl Audit {
    /// For questions about these resources, each with its API group.
    ///
    /// # Panics
    /// When there is no room for temporary files.
    #[must_use]
    pub fn of(resources: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("there is room for temporary files");
        let (policy, log) = (folder.path().join("policy.yaml"), folder.path().join("audit.log"));
        let groups = resources.iter().map(|(group, resource)| format!("{{group: '{group}', resources: [{resource}]}}"));
        let rules = format!("[{{level: Metadata, resources: [{}]}}, {{level: None}}]", groups.collect::<Vec<_>>().join(", "));
        let text = format!("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: {rules}\n");
        std::fs::write(&policy, text).expect("there is room for temporary files");
        let paths = [("audit-policy-file", &policy), ("audit-log-path", &log)];
        let mut flags: Vec<String> = paths.iter().map(|(flag, path)| format!("--{flag}={}", path.display())).collect();
        flags.push("--audit-log-mode=blocking".to_owned());
        Self { _folder: folder, log, flags }
    }

    /// The flags that make an API server write it, and others.
    #[must_use]
    pub fn flags<'f>(&'f self, others: &[&'f str]) -> Vec<&'f str> {
        self.flags.iter().map(String::as_str).chain(others.iter().copied()).collect()
    }

    /// What an account has asked about a resource, in the order of the answers. A watch is told when it begins, and when it ends.
    #[must_use]
    pub fn asked(&self, account: &str, resource: &str) -> Vec<Asked> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let own = events.filter(|event| event["user"]["username"] == account && event["objectRef"]["resource"] == resource);
        own.map(|event| asked(&event)).collect()
    }
}

fn asked(event: &Value) -> Asked {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let uri = text(&event["requestURI"]);
    let pairs = uri.split_once('?').map(|(_, query)| query).unwrap_or_default().split('&').filter_map(|part| part.split_once('='));
    let plain = |value: &str| value.replace("%3D", "=").replace("%2F", "/");
    Asked {
        verb: text(&event["verb"]),
        query: pairs.map(|(key, value)| (key.to_owned(), plain(value))).collect(),
        name: text(&event["objectRef"]["name"]),
        status: event["responseStatus"]["code"].as_u64().unwrap_or(0),
    }
}
