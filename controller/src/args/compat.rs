//! Flags of ingress-nginx that have no effect here: taken out of the command line before it is read.

use std::path::Path;

/// Name, whether it takes a value, why it has no effect; an empty reason is not worth a warning.
const WITHOUT_EFFECT: &[(&str, bool, &str)] = &[
    ("sync-period", true, "what is watched is listed again when the API server asks for it"),
    ("sync-rate-limit", true, "reloads are spaced by how long the last one took"),
    ("dynamic-configuration-retries", true, "there is no Lua endpoint to configure"),
    ("stream-port", true, "there is no Lua endpoint to configure"),
    ("default-server-port", true, "unknown hosts are answered by the proxy itself"),
    ("enable-ssl-chain-completion", false, "certificates are served as their Secrets hold them"),
    (ALWAYS_ON, false, "annotations are always checked"),
    ("profiling", false, ""),
    ("profiler-port", true, ""),
    ("profiler-address", true, ""),
    ("disable-full-test", false, ""),
    ("internal-logger-address", true, "logs go to standard output"),
    ("maxmind-edition-ids", true, "stock proxies have no GeoIP module"),
    ("maxmind-license-key", true, ""),
    ("maxmind-mirror", true, ""),
    ("maxmind-retries-count", true, ""),
    ("maxmind-retries-timeout", true, ""),
    ("bucket-factor", true, ""),
    ("max-buckets", true, ""),
    ("monitor-max-batch-size", true, "there is no Lua monitor"),
    ("vmodule", true, ""),
    ("logtostderr", false, ""),
    ("alsologtostderr", false, ""),
    ("stderrthreshold", true, ""),
    ("log_dir", true, "logs go to standard error"),
    ("log_file", true, "logs go to standard error"),
    ("log_file_max_size", true, ""),
    ("log_backtrace_at", true, ""),
    ("add_dir_header", false, ""),
    ("skip_headers", false, ""),
    ("skip_log_headers", false, ""),
    ("one_output", false, ""),
];

/// A switch that is on in ingress-nginx, too, unless somebody says otherwise.
const ALWAYS_ON: &str = "enable-annotation-validation";

/// Their names.
#[cfg(test)]
pub(super) fn without_effect() -> impl Iterator<Item = &'static str> {
    WITHOUT_EFFECT.iter().map(|(name, ..)| *name)
}

/// Makes the command line one of ours: flags without effect go, `nginx-ingress-controller` becomes `run`. Answers the
/// warnings and the mistakes.
pub(super) fn prepare(argv: &mut Vec<String>) -> (Vec<String>, Vec<String>) {
    let called = argv.first().and_then(|program| Path::new(program).file_name()?.to_str()).unwrap_or_default();
    if called == "nginx-ingress-controller" {
        argv.insert(1, "run".to_owned());
    }
    if asks_for_version(argv) {
        argv.truncate(1);
        argv.push("version".to_owned());
    }
    let (mut warnings, mut mistakes) = (Vec::new(), Vec::new());
    if argv.get(1).is_some_and(|command| command == "run") {
        drop_words_behind_switches(argv, &mut warnings);
    }
    let mut kept = Vec::with_capacity(argv.len());
    let mut rest = std::mem::take(argv).into_iter().peekable();
    while let Some(word) = rest.next() {
        if word == "--" {
            kept.push(word);
            kept.extend(rest.by_ref());
            break;
        }
        let Some((name, value)) = flag(&word) else {
            kept.push(word);
            continue;
        };
        let Some((_, takes_value, reason)) = WITHOUT_EFFECT.iter().find(|(known, ..)| *known == name) else {
            kept.push(word);
            continue;
        };
        if *takes_value && value.is_none() && rest.next_if(|next| !next.starts_with("--")).is_none() {
            mistakes.push(format!("--{name} needs a value"));
        }
        // What is switched off was not asked for, but for this one, which is on without a word.
        let is_asked = if name == ALWAYS_ON { value == Some("false") } else { value != Some("false") };
        if !reason.is_empty() && is_asked {
            warnings.push(format!("--{name} has no effect: {reason}"));
        }
    }
    *argv = kept;
    (warnings, mistakes)
}

/// Whether it is the controller that is asked for its version, whatever else it is told.
fn asks_for_version(argv: &[String]) -> bool {
    let runs = argv.get(1).is_some_and(|command| command == "run");
    runs && argv.iter().take_while(|word| *word != "--").any(|word| ["--version", "--version=true"].contains(&word.as_str()))
}

/// What Go reads as a bool.
const BOOLS: [&str; 12] = ["1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"];

/// Leaves out the words behind switches: Go's switches take their value behind `=` only, so ingress-nginx takes such a word for
/// an argument, of which it reads none, and the switch for one that is on.
fn drop_words_behind_switches(argv: &mut Vec<String>, warnings: &mut Vec<String>) {
    let run = super::command_line();
    let switches = run.find_subcommand("run").into_iter().flat_map(clap::Command::get_arguments);
    let own: Vec<&str> = switches.filter(|argument| argument.is_require_equals_set()).filter_map(clap::Arg::get_long).collect();
    let is_switch = |name: &str| own.contains(&name) || WITHOUT_EFFECT.iter().any(|(known, takes_value, _)| *known == name && !takes_value);
    let mut at = 1;
    while at < argv.len() && argv[at] != "--" {
        at += 1;
        let Some((name, None)) = flag(&argv[at - 1]).filter(|(name, _)| is_switch(name)) else { continue };
        if argv.get(at).is_some_and(|word| BOOLS.contains(&word.as_str())) {
            let name = name.to_owned();
            let word = argv.remove(at);
            warnings.push(format!(
                "--{name} {word}: a switch has its value behind \"=\", so it is on; write --{name}={word}, or leave {word} out"
            ));
        }
    }
}

fn flag(word: &str) -> Option<(&str, Option<&str>)> {
    let body = word.strip_prefix("--")?;
    Some(body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value))))
}

#[cfg(test)]
mod tests {
    use super::prepare;

    #[test]
    fn the_controller_says_its_version() {
        let prepared = |words: &[&str]| {
            let mut argv: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            prepare(&mut argv);
            argv.join(" ")
        };
        assert_eq!(prepared(&["/nginx-ingress-controller", "--v=2", "--version"]), "/nginx-ingress-controller version");
        assert_eq!(prepared(&["gatewright", "run", "--version=true"]), "gatewright version");
        assert_eq!(prepared(&["gatewright", "render", "--version"]), "gatewright render --version");
        assert_eq!(prepared(&["gatewright", "run", "--version=false"]), "gatewright run --version=false");
    }
}
