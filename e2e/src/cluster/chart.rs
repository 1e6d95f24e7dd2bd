//! The Helm chart, as helm renders it, and permissions in a form that can be compared.

use super::{documents, program};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A release that is rendered, but not installed by helm.
#[derive(Debug)]
pub struct Chart<'a> {
    /// Its name, which is its namespace too.
    pub release: &'a str,
    /// What is given to `--set`.
    pub values: Vec<String>,
    /// A file of values, which those go over.
    file: Option<tempfile::NamedTempFile>,
}

impl<'a> Chart<'a> {
    /// With these values.
    #[must_use]
    pub fn new(release: &'a str, values: &[&str]) -> Self {
        Self { release, values: values.iter().map(|value| (*value).to_owned()).collect(), file: None }
    }

    /// With a file of values, too.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn with_file(mut self, values: &str) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        std::fs::write(file.path(), values).expect("it can be written");
        self.file = Some(file);
        self
    }

    fn helm(&self, words: &[&str]) -> Output {
        let helm = std::env::var("HELM").expect(r#"HELM is set; eval "$(e2e/tools/setup env)" sets it"#);
        let mut command = Command::new(helm);
        command.args(words).args(["--namespace", self.release]);
        if let Some(file) = &self.file {
            command.arg("--values").arg(file.path());
        }
        command.args(self.values.iter().flat_map(|value| ["--set", value]));
        command.output().expect("helm can be started")
    }

    /// The objects; what helm says where it makes none.
    ///
    /// # Errors
    /// When the values are not taken.
    pub fn render(&self) -> Result<Vec<Value>, String> {
        let folder = folder();
        let output = self.helm(&["template", self.release, &folder.display().to_string(), "--include-crds"]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(documents(&text(&output.stdout))) } else { Err(text(&output.stderr)) }
    }

    /// What is told after the installation.
    ///
    /// # Panics
    /// When the values are not taken.
    #[must_use]
    pub fn notes(&self) -> String {
        let output = self.helm(&["install", self.release, &folder().display().to_string(), "--dry-run=client"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{:?}: {}", self.values, String::from_utf8_lossy(&output.stderr));
        text.split_once("\nNOTES:\n").expect("there are notes").1.to_owned()
    }

    /// Whether `helm lint` is content.
    ///
    /// # Panics
    /// When it is not.
    pub fn lint(&self) {
        let output = self.helm(&["lint", "--strict", &folder().display().to_string()]);
        assert!(output.status.success(), "{:?}: {}", self.values, String::from_utf8_lossy(&output.stdout));
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/helm/gatewright")
}

/// The rules of all roles by namespace, sorted; those of the cluster are at the empty one.
#[must_use]
pub fn permissions(objects: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for object in objects {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        for rule in object["rules"].as_array().into_iter().flatten() {
            let part = |key: &str| rule[key].to_string();
            let text = format!("{} {} {} {}", part("apiGroups"), part("resources"), part("resourceNames"), part("verbs"));
            all.entry(namespace.to_owned()).or_default().push(text);
        }
    }
    for rules in all.values_mut() {
        rules.sort();
        rules.dedup();
    }
    all
}

/// What `gatewright rbac` prints.
///
/// # Panics
/// When it prints nothing.
#[must_use]
pub fn printed(flags: &[String]) -> Vec<Value> {
    let ran = Command::new(program()).args(["rbac", "--format=json"]).args(flags).output().expect("the program can be started");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let list: Value = serde_json::from_slice(&ran.stdout).expect("it prints JSON");
    list["items"].as_array().cloned().unwrap_or_default()
}
