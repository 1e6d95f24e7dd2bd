//! `gatewright completions` and `gatewright man`, which are made from the command line's own description, `gatewright crds`,
//! which is the file of the chart, and `gatewright version`.

use super::error::CommandError;
use super::offline::{End, exit};
use super::output::print;
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
        std::fs::create_dir_all(folder).map_err(CommandError::file("write", folder))?;
        let commands: Vec<_> = command.get_subcommands().cloned().collect();
        for command in std::iter::once(command).chain(commands) {
            // Built commands know their names from the program's on: `gatewright-lint`.
            let path = folder.join(format!("{}.1", command.get_display_name().unwrap_or_else(|| command.get_name())));
            std::fs::write(&path, page(command)?).map_err(CommandError::file("write", &path))?;
        }
        Ok(End::Fine)
    })
}

fn page(command: clap::Command) -> Result<Vec<u8>, CommandError> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).map_err(CommandError::Page)?;
    Ok(text)
}
