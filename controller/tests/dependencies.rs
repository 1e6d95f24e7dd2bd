//! What may be among the dependencies, as `cargo metadata` tells them for this platform.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Licences that ask for no more than to be named.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates with known faults that nobody mends, or that would be a second one for what is there.
const FORBIDDEN: &[&str] = &[
    "atty",
    "aws-lc-rs",
    "backoff",
    "chrono",
    "derivative",
    "instant",
    "libyml",
    "openssl",
    "paste",
    "proc-macro-error",
    "rustls-pemfile",
    "serde_yaml",
    "serde_yml",
];

/// Crates of which there are several versions, because those who need them do not agree.
const SEVERAL: &[&str] = &["base64", "getrandom", "hashbrown", "syn", "synstructure"];

/// Name, version and licence of each.
fn packages() -> Vec<[String; 3]> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let arguments = ["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform=x86_64-unknown-linux-gnu"];
    let out = Command::new(env!("CARGO")).args(arguments).args(["--manifest-path", manifest]).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let metadata: Value = serde_json::from_slice(&out.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| ["name", "version", "license"].map(|key| package[key].as_str().unwrap_or_default().to_owned())).collect()
}

/// Whether an expression of SPDX can be met by licences of the list. Its parentheses hold alternatives only.
fn is_allowed(expression: &str) -> bool {
    let alternatives = |text: &str| text.split(" OR ").flat_map(|part| part.split('/')).any(|licence| LICENCES.contains(&licence.trim()));
    expression.split(" AND ").all(|part| alternatives(part.trim_matches(['(', ')'])))
}

#[test]
fn licences_ask_for_no_more_than_to_be_named() {
    for (expression, allowed) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("Unlicense/MIT", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("MIT AND GPL-2.0", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(expression), allowed, "{expression}");
    }
    let bad: Vec<_> = packages().into_iter().filter(|[_, _, licence]| !is_allowed(licence)).collect();
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn nothing_is_there_that_is_known_to_be_bad_or_there_twice() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for [name, version, _] in packages() {
        assert!(!FORBIDDEN.contains(&name.as_str()), "{name}");
        versions.entry(name).or_default().insert(version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let several: Vec<&str> = versions.keys().map(String::as_str).collect();
    assert_eq!(several, SEVERAL, "{versions:?}");
}
