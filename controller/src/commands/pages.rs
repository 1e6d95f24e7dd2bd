//! `gatewright completions` and `gatewright man`, which are made from the command line's own description, `gatewright crds`,
//! which is the file of the chart, and `gatewright version`.

use super::offline::{End, exit};
use super::output::print;
use anyhow::Context;
use std::path::Path;
use std::process::ExitCode;

/// Prints the version.
pub(crate) fn version() -> ExitCode {
    exit(&[], || print(concat!("gatewright ", env!("CARGO_PKG_VERSION"), "\n").as_bytes()).map(|()| End::Fine))
}

/// Prints the definition of our own kind.
pub(crate) fn crds() -> ExitCode {
    exit(&[], || print(include_bytes!("../../../deploy/helm/gatewright/crds/gatewrightparameters.yaml")).map(|()| End::Fine))
}

/// Prints a completion script.
pub(crate) fn completions(shell: clap_complete::Shell) -> ExitCode {
    exit(&[], || {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut crate::args::command_with_values(), "gatewright", &mut text);
        print(&text).map(|()| End::Fine)
    })
}

/// Prints the manual page of the program, or writes a page for it and for each of its commands.
pub(crate) fn man(folder: Option<&Path>) -> ExitCode {
    exit(&[], || {
        let command = crate::args::command();
        let Some(folder) = folder else {
            return print(&page(command)?).map(|()| End::Fine);
        };
        std::fs::create_dir_all(folder).with_context(|| format!("could not write {}", folder.display()))?;
        let commands: Vec<_> = command.get_subcommands().cloned().collect();
        for command in std::iter::once(command).chain(commands) {
            // Built commands know their names from the program's on: `gatewright-lint`.
            let path = folder.join(format!("{}.1", command.get_display_name().unwrap_or_else(|| command.get_name())));
            std::fs::write(&path, page(command)?).with_context(|| format!("could not write {}", path.display()))?;
        }
        Ok(End::Fine)
    })
}

fn page(command: clap::Command) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).context("could not make the page")?;
    Ok(text)
}
