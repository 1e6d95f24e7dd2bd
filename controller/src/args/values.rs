//! The words that flags take, for shells, which complete them. What is no such word is told where flags are checked.

use clap::builder::PossibleValuesParser;

/// Of all commands that have the flag.
const OF_ALL: &[(&str, &[&str])] = &[
    ("action", &["deny", "warn", "audit"]),
    ("color", &["auto", "always", "never"]),
    ("ipv6", &["auto", "true", "false"]),
    ("log-format", &["text", "json"]),
    ("log-level", &["error", "warn", "info", "debug", "trace"]),
    ("new-proxy", PROXIES),
    ("proxy", PROXIES),
    ("proxy-mode", &["child", "supervise", "signal"]),
];

const PROXIES: &[&str] = &["nginx", "haproxy"];

/// Of `--format`, by command.
const FORMATS: &[(&str, &[&str])] = &[
    ("annotations", &["text", "markdown", "json"]),
    ("diff", &["text", "markdown", "json"]),
    ("explain", &["text", "json"]),
    ("lint", &["text", "json", "sarif", "github"]),
    ("rbac", &["yaml", "json"]),
];

/// The command line with the words that its flags take.
pub(super) fn with_values(command: clap::Command) -> clap::Command {
    command.mut_subcommands(|command| {
        let name = command.get_name().to_owned();
        command.mut_args(|argument| match argument.get_long().and_then(|flag| words(&name, flag)) {
            Some(words) => argument.value_parser(PossibleValuesParser::new(words)),
            None => argument,
        })
    })
}

fn words(command: &str, flag: &str) -> Option<&'static [&'static str]> {
    let (key, table) = if flag == "format" { (command, FORMATS) } else { (flag, OF_ALL) };
    table.iter().find(|(known, _)| *known == key).map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Rejected, command_line, parse};

    /// What is wrong with a flag of a command.
    fn said(command: &str, flag: &str, word: &str) -> Option<String> {
        let line = ["gatewright", command, &format!("--{flag}={word}")].map(str::to_owned);
        let Err(Rejected::Mistakes { mistakes, .. }) = parse(line) else { return None };
        mistakes.into_iter().find(|text| text.starts_with(&format!("--{flag}:")))
    }

    #[test]
    fn shells_know_the_words_that_are_taken_and_no_others() {
        let mut flags = 0;
        for command in command_line().get_subcommands() {
            let name = command.get_name();
            for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
                let Some(words) = words(name, flag) else {
                    let told = said(name, flag, "no-such-word").unwrap_or_default();
                    assert!(!told.contains(" is none of "), "{name} --{flag} has words: {told}");
                    continue;
                };
                flags += 1;
                let told = said(name, flag, "no-such-word").unwrap_or_else(|| panic!("{name} --{flag} takes anything"));
                for word in words {
                    assert!(told.contains(word), "{name}: {told}");
                    assert_eq!(said(name, flag, word), None, "{name}");
                }
            }
        }
        assert!(flags > 20, "{flags}");
    }
}
