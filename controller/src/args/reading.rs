//! Lets clap read the command line, and says in the program's own words what it complains of.

use super::typed::Cli;
use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use gatewright_core::names::shown;

/// Lets clap read the command line, again and again without the part it complains of, until it is content.
///
/// # Errors
/// Help or version, when that is what was asked for.
pub(super) fn read(mut argv: Vec<String>, mistakes: &mut Vec<String>) -> Result<Option<Cli>, clap::Error> {
    const MOST: usize = 50;
    // Where the value of an unknown flag is, if it has one.
    let mut orphan = None;
    for _ in 0..MOST {
        let error = match Cli::try_parse_from(&argv) {
            Ok(cli) => return Ok(Some(cli)),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return Err(error),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if mistakes.is_empty() => return Err(error),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => return Ok(None),
            ErrorKind::MissingRequiredArgument => {
                let missing = list(&error, ContextKind::InvalidArg);
                mistakes.extend(missing.iter().map(|argument| format!("{argument} has to be given")));
                // So that the others can be looked at. Nobody uses it, as there is a mistake.
                missing.iter().for_each(|argument| argv.extend(stand_in(argument).map(str::to_owned)));
            }
            _ => {
                let at = place_in(&argv, &error);
                if at.is_none() || at != orphan {
                    mistakes.push(said(&error));
                }
                let Some(at) = at else { return Ok(None) };
                let is_bare = is_bare_flag(&argv.remove(at));
                let leaves_value = matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::ArgumentConflict);
                orphan = (leaves_value && is_bare).then_some(at);
                // Its value, of which nothing more is to be said.
                argv.extract_if(at..argv.len().min(at + 1), |word| is_bare && word.is_empty()).for_each(drop);
            }
        }
    }
    Ok(None)
}

/// Something that is read in the place of an argument that is missing.
fn stand_in(argument: &str) -> impl Iterator<Item = &'static str> {
    let words: &[&str] = match argument {
        "<PROGRAM>..." => &["--", "program"],
        "<SHELL>" => &["bash"],
        flag if flag.starts_with("--") => &["--filename=-"],
        _ => &["127.0.0.1:1"],
    };
    words.iter().copied()
}

/// A flag whose value, if it has one, is the next word.
fn is_bare_flag(word: &str) -> bool {
    word.starts_with('-') && !word.contains('=')
}

/// Which word clap complains of.
fn place_in(argv: &[String], error: &clap::Error) -> Option<usize> {
    let argument = text(error, ContextKind::InvalidArg)?;
    let name = name_of(argument);
    let is_meant = |word: &String| word == argument || word.starts_with('-') && word.split('=').next() == Some(name);
    argv.iter().skip(1).position(is_meant).map(|at| at + 1)
}

/// `--deep-inspect[=<BOOL>]` → `--deep-inspect`.
fn name_of(argument: &str) -> &str {
    argument.split([' ', '=', '[']).next().unwrap_or_default()
}

fn said(error: &clap::Error) -> String {
    let of = |kind| text(error, kind).unwrap_or_default();
    let (argument, value) = (of(ContextKind::InvalidArg), of(ContextKind::InvalidValue));
    match error.kind() {
        ErrorKind::UnknownArgument if !argument.starts_with('-') => format!("{} is an argument too many", shown(argument)),
        ErrorKind::UnknownArgument => format!("{argument} is not a flag of this command{}", meant(of(ContextKind::SuggestedArg))),
        ErrorKind::InvalidSubcommand => {
            let alike = list(error, ContextKind::SuggestedSubcommand).first().cloned().unwrap_or_default();
            format!("{} is not a command{}", shown(of(ContextKind::InvalidSubcommand)), meant(&alike))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("{} needs a value", name_of(argument)),
        ErrorKind::InvalidValue => {
            format!("{}: {} is none of {}", name_of(argument), shown(value), list(error, ContextKind::ValidValue).join(", "))
        }
        ErrorKind::ArgumentConflict if list(error, ContextKind::PriorArg) == [argument] => {
            format!("{} is given more than once", name_of(argument))
        }
        ErrorKind::ValueValidation => format!("{}: {} is not true or false", name_of(argument), shown(value)),
        _ => {
            let text = error.render().to_string();
            text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    }
}

fn meant(alike: &str) -> String {
    if alike.is_empty() { String::new() } else { format!("; {alike} may be meant") }
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    }
}

fn list(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::Strings(list)) => list.clone(),
        Some(ContextValue::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    }
}
