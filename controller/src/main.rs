//! The binary `gatewright`: reads the command line, starts the log, and calls the command.

mod abilities;
mod admission;
mod args;
mod bind;
mod causes;
mod clock;
mod commands;
mod connection;
mod cores;
mod guilt;
mod proxy;
mod report;
mod run;
mod self_signed;
mod source;
mod stop_signals;
mod templates;

use args::{Command, Rejected};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// A start makes and forgets millions of small texts on all cores, and a change those of a few hosts between them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What could not be done at all.
const COULD_NOT: u8 = 2;

fn main() -> ExitCode {
    // The allocator asks for huge pages, and the unused rest of each would be a fifth of the memory. A kernel that does not
    // know the switch costs no more than that.
    let _ = nix::sys::prctl::set_thp_disable(true);
    let words = match words() {
        Ok(words) => words,
        Err(why) => {
            commands::output::say(format_args!("error: {why}"));
            return ExitCode::from(COULD_NOT);
        }
    };
    let (command, warnings) = match args::parse(words) {
        Ok(parsed) => parsed,
        Err(Rejected::Asked(text)) => return asked(&text),
        Err(Rejected::Mistakes { mut mistakes, help, command }) => {
            if let Some(Command::Run(config)) = command.as_deref() {
                mistakes.extend(run::mistakes(config));
            }
            let code = rejected(&mistakes);
            commands::output::say(format_args!("\nFor help, try '{help}'."));
            return code;
        }
    };
    rustls::crypto::ring::default_provider().install_default().expect("nothing else has set one");
    call(command, &warnings)
}

fn call(command: Command, warnings: &[String]) -> ExitCode {
    match command {
        Command::Version => commands::pages::version(),
        Command::Render(config) => commands::render::main(&config, warnings),
        Command::Diff(config) => commands::diff::main(&config, warnings),
        Command::Explain(config) => commands::explain::main(&config, warnings),
        Command::Annotations(config) => commands::annotations::main(&config, warnings),
        Command::AdmissionPolicy(config) => commands::admission_policy::main(&config),
        Command::Rbac(config) => commands::rbac::main(&config, warnings),
        Command::Crds => commands::pages::crds(),
        Command::Completions(shell) => commands::pages::completions(shell),
        Command::Man(folder) => commands::pages::man(folder.as_deref()),
        Command::Lint(config) => commands::lint::main(&config, warnings),
        Command::Run(config) => {
            start_log(config.json_log, &config.log_level);
            let mistakes = run::mistakes(&config);
            if mistakes.is_empty() { stay(warnings, run::run(*config)) } else { rejected(&mistakes) }
        }
        Command::Webhook(config, admission) => {
            start_log(config.json_log, &config.log_level);
            stay(warnings, commands::webhook::main(*config, admission))
        }
        Command::Echo(config) => {
            start_log(None, "info");
            stay(warnings, commands::echo::main(config))
        }
        Command::Supervise(config) => {
            start_log(None, "info");
            stay(warnings, commands::supervise::main(config))
        }
    }
}

/// Says what is wrong with the command line.
fn rejected(mistakes: &[String]) -> ExitCode {
    mistakes.iter().for_each(|mistake| commands::output::say(format_args!("error: {mistake}")));
    ExitCode::from(COULD_NOT)
}

/// The command line, if it is text.
fn words() -> Result<Vec<String>, String> {
    std::env::args_os().map(std::ffi::OsString::into_string).collect::<Result<_, _>>().map_err(|odd| {
        let odd = gatewright_core::names::shown(&odd.to_string_lossy());
        format!("{odd} is not UTF-8 text; give the folder that holds it, or another name")
    })
}

/// Prints help or the version.
fn asked(text: &clap::Error) -> ExitCode {
    let printed = text.print().and_then(|()| std::io::stdout().flush());
    match printed {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            commands::output::say(format_args!("error: could not write to the standard output: {error}"));
            ExitCode::from(COULD_NOT)
        }
        _ => ExitCode::from(u8::try_from(text.exit_code()).unwrap_or(COULD_NOT)),
    }
}

/// Runs a command that stays until it is told to go.
fn stay<E: Into<anyhow::Error>>(warnings: &[String], command: impl Future<Output = Result<(), E>>) -> ExitCode {
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    match block_on(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "stopped");
            ExitCode::from(COULD_NOT)
        }
    }
}

fn block_on<E: Into<anyhow::Error>>(future: impl Future<Output = Result<(), E>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(future).map_err(Into::into)
}

/// JSON lines, unless a person looks on.
fn start_log(json: Option<bool>, level: &str) {
    let json = json.unwrap_or_else(|| !std::io::stderr().is_terminal());
    // The libraries below have little to say to an operator.
    let filter = EnvFilter::new(format!("warn,kube_client=error,kube_runtime=error,gatewright={level},gatewright_core={level}"));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let builder =
        tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    if json { builder.json().flatten_event(true).with_target(false).init() } else { builder.with_target(false).init() }
}
