//! `docs/diagnostics.md` lists the codes that the code has. `GATEWRIGHT_REFRESH=1 cargo test -p gatewright --test codes`
//! writes it anew.

#![allow(clippy::unwrap_used, reason = "a test may stop anywhere")]

use gatewright_core::diagnostic::{CODES, Facts};
use std::fmt::Write;
use std::path::Path;

#[test]
fn the_page_of_the_codes_is_fresh() {
    let mut page = String::from(
        "# Diagnostics\n\nWritten from the list of codes; do not edit. What is wrong with an object is said in events, by `lint`, in the log \
         and in `/api/v1/diagnostics`, always with one of these codes. `gatewright lint --explain CODE` tells the same.\n\n\
         | code | severity | meaning | what is done, unless a finding says otherwise |\n|---|---|---|---|\n",
    );
    for code in CODES {
        let Facts { name, severity, outcome, sentence } = code.facts();
        writeln!(page, "| `{name}` | {severity} | {sentence} | {outcome} |").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics.md");
    if std::env::var_os("GATEWRIGHT_REFRESH").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "docs/diagnostics.md is stale; write it with GATEWRIGHT_REFRESH=1");
}
