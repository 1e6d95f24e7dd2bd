//! `ANNOTATIONS.md` says what the code does. `GATEWRIGHT_REFRESH=1 cargo test -p gatewright --test annotations`
//! writes it anew.

#![allow(clippy::unwrap_used, reason = "a test may stop anywhere")]

use gatewright_core::dialect::haproxy::HAPROXY;
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::translate::annotations::{ProxyFacts, markdown};
use std::path::Path;

#[test]
fn the_reference_page_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ANNOTATIONS.md");
    let facts =
        |dialect: &Dialect, version| ProxyFacts { name: dialect.name, lacks: (dialect.lacks)(version), approximates: dialect.approximates };
    let written = markdown(&[facts(&NGINX, Version(1, 22, 1)), facts(&HAPROXY, Version(2, 6, 12))]);
    if std::env::var_os("GATEWRIGHT_REFRESH").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == written, "controller/ANNOTATIONS.md is stale; write it with GATEWRIGHT_REFRESH=1");
}
