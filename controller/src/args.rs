//! What can be typed, and what it means once it is checked.
//!
//! Every flag of ingress-nginx is accepted by its name. All mistakes are collected and said at once.

mod check;
mod compat;
mod echo;
mod offline;
mod rbac;
mod reading;
mod typed;
mod values;

pub(crate) use check::{
    AdmissionConfig, AdmissionPolicyConfig, AnnotationsConfig, ClusterConfig, Command, DiffConfig, DiffFormat, ExplainConfig, LintConfig,
    LintFormat, ListFormat, Mode, OfflineConfig, ProxyChoice, RbacConfig, RbacScope, RbacSecrets, RenderConfig, RequestMetrics, RunConfig,
    StatusAddress, StatusConfig, SuperviseConfig,
};
pub(crate) use echo::{EchoBackend, EchoConfig};

/// Reads the command line: what to do, and what to warn of; or all that is wrong with it.
///
/// # Errors
/// The texts to print: the help or version that was asked for, or every mistake.
pub(crate) fn parse(argv: impl IntoIterator<Item = String>) -> Result<(Command, Vec<String>), Rejected> {
    let mut argv: Vec<String> = argv.into_iter().collect();
    let (mut warnings, mut mistakes) = compat::prepare(&mut argv);
    if argv.get(1).is_some_and(|word| word == "help") {
        argv.remove(1);
        argv.insert(argv.len().min(2), "--help".to_owned());
    }
    let help = help_of(&argv);
    let cli = reading::read(argv, &mut mistakes).map_err(Rejected::Asked)?;
    let command = cli.and_then(|cli| check::check(cli, &mut mistakes, &mut warnings));
    match command {
        Some(command) if mistakes.is_empty() => Ok((command, warnings)),
        command => Err(Rejected::Mistakes { mistakes, help, command: command.map(Box::new) }),
    }
}

/// What to type for help on the command that was meant.
fn help_of(argv: &[String]) -> String {
    let command = argv.iter().skip(1).find(|word| !word.starts_with('-'));
    let known = command.filter(|name| command_line().find_subcommand(name).is_some()).map(|name| format!(" {name}"));
    format!("gatewright{} --help", known.unwrap_or_default())
}

fn command_line() -> clap::Command {
    <typed::Cli as clap::CommandFactory>::command()
}

/// The whole command line, for pages that describe it.
pub(crate) fn command() -> clap::Command {
    let mut command = command_line();
    command.build();
    command
}

/// The same with the words that flags take, for shells.
pub(crate) fn command_with_values() -> clap::Command {
    values::with_values(command_line())
}

/// Why there is nothing to do.
#[derive(Debug)]
pub(crate) enum Rejected {
    /// Help or version, to be printed as clap does.
    Asked(clap::Error),
    /// What was typed cannot be done.
    Mistakes {
        /// What is wrong, one text each.
        mistakes: Vec<String>,
        /// What to type for help.
        help: String,
        /// What else was meant, so that more that is wrong can be found; `None` where that cannot be said.
        command: Option<Box<Command>>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        std::iter::once("gatewright").chain(line.split_whitespace()).map(str::to_owned).collect()
    }

    fn run(line: &str) -> RunConfig {
        match parse(words(line)) {
            Ok((Command::Run(config), _)) => *config,
            other => panic!("{other:?}"),
        }
    }

    fn mistakes(line: &str) -> Vec<String> {
        match parse(words(line)) {
            Err(Rejected::Mistakes { mistakes, .. }) => mistakes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn ipv6_is_listened_on_where_it_is_there_or_as_a_flag_says() {
        let listens = |line: &str| run(line).settings.listeners.ipv6;
        assert_eq!([listens("run --ipv6=true"), listens("run --ipv6=false")], [true, false]);
        // An address of the loopback can be bound exactly where an interface has it.
        assert_eq!(listens("run"), std::net::UdpSocket::bind("[::1]:0").is_ok());
        assert_eq!(mistakes("run --ipv6=maybe"), ["--ipv6: \"maybe\" is none of auto, true, false"]);
    }

    #[test]
    fn every_flag_of_ingress_nginx_is_accepted() {
        let flags = "--apiserver-host=http://127.0.0.1:1 --certificate-authority=/ca --kubeconfig=/k --watch-namespace=a --sync-period=1h \
            --configmap=a/b --tcp-services-configmap=a/b --udp-services-configmap=a/b --default-backend-service=a/b \
            --default-ssl-certificate=a/b --ingress-class=x --controller-class=y/z --watch-ingress-without-class --ingress-class-by-name=true \
            --annotations-prefix=p --enable-annotation-validation=false --deep-inspect=false --disable-catch-all --disable-svc-external-name \
            --enable-topology-aware-routing --update-status=false --update-status-on-shutdown=false --publish-status-address=1.2.3.4,a.example \
            --report-node-internal-ip-address --status-update-interval=10 --election-id=e --election-ttl=1m --disable-leader-election \
            --disable-sync-events --http-port=81 --https-port=444 --ssl-passthrough-proxy-port=445 --default-server-port=8182 \
            --healthz-port=10255 --healthz-host=127.0.0.1 --health-check-path=/h --health-check-timeout=5 --status-port=10256 --stream-port=10257 \
            --profiling=false --profiler-port=1 --profiler-address=127.0.0.1 --shutdown-grace-period=1 --post-shutdown-grace-period=0 \
            --enable-ssl-passthrough=false --enable-ssl-chain-completion --sync-rate-limit=0.5 --dynamic-configuration-retries=1 \
            --validating-webhook=:8443 --validating-webhook-certificate=/c --validating-webhook-key=/k --disable-full-test \
            --internal-logger-address=127.0.0.1:1 --maxmind-edition-ids=a --maxmind-license-key=b --maxmind-mirror=c --maxmind-retries-count=1 \
            --maxmind-retries-timeout=1s --enable-metrics --metrics-per-host=false --report-status-classes \
            --exclude-socket-metrics=a --time-buckets=1,2 --length-buckets=1 --size-buckets=1 --bucket-factor=0 --max-buckets=1 \
            --monitor-max-batch-size=1 -v 2 --v=3 --vmodule=a --logtostderr --alsologtostderr --stderrthreshold=1 --log_dir=/x --log_file=/x \
            --log_file_max_size=1 --log_backtrace_at=x:1 --add_dir_header --skip_headers --skip_log_headers --one_output";
        let config = run(&format!("run {flags}"));
        assert_eq!(config.settings.listeners.http_port, 81);
        assert_eq!(config.settings.ingress_class, "x");
        assert!(config.settings.ingress_class_by_name && !config.settings.deep_inspect && config.settings.watch_ingress_without_class);
        assert_eq!(config.status.addresses.len(), 2);
        assert_eq!(config.status.election_ttl.as_secs(), 60);
    }

    #[test]
    fn somebody_says_in_which_zone_this_is() {
        let of = |line: &str| parse(words(line)).unwrap();
        let (Command::Run(config), warnings) = of("run --enable-topology-aware-routing --apiserver-host=http://127.0.0.1:1") else {
            panic!()
        };
        assert_eq!((config.zone_of_node, config.settings.topology_zone, warnings.len()), (true, None, 0));
        let (Command::Run(config), warnings) = of("run --manifests=/m --enable-topology-aware-routing --topology-zone=a") else { panic!() };
        assert_eq!((config.zone_of_node, config.settings.topology_zone.as_deref(), warnings.len()), (false, Some("a"), 0));
        for line in ["run --manifests=/m", "render -f /m"] {
            let (_, warnings) = of(&format!("{line} --enable-topology-aware-routing"));
            assert!(matches!(&warnings[..], [one] if one.contains("--topology-zone")), "{warnings:?}");
        }
        assert!(mistakes("run --topology-zone=a")[0].contains("--enable-topology-aware-routing"));
    }

    #[test]
    fn mistakes_are_said_all_at_once() {
        let said = mistakes(
            "run --no-such --http-port=http --configmap=x --proxy=envoy --watch-namespace=a --watch-namespace-selector=b \
             --publish-service=a/b --publish-status-address=1.2.3.4 --also-not=1 --health-check-path=x --https-port=70000 \
             --election-id=A_B",
        );
        for part in [
            "--no-such",
            "--also-not",
            "--http-port",
            "--https-port",
            "--configmap",
            "--proxy",
            "--watch-namespace-selector",
            "--publish-service",
            "--health-check-path",
            "--election-id",
        ] {
            assert!(said.iter().any(|text| text.contains(part)), "{part}: {said:#?}");
        }
    }

    #[test]
    fn a_lease_has_the_name_of_an_object_where_there_is_one() {
        let told = "--election-id: \"A_B\" is not an object name; use at most 253 lower-case letters, digits, '-' and '.'";
        for command in ["run", "rbac", "webhook --validating-webhook=:8443 --validating-webhook-certificate=/c --validating-webhook-key=/k"]
        {
            assert_eq!(mistakes(&format!("{command} --election-id=A_B")), [told], "{command}");
        }
        assert_eq!(mistakes("run --election-id=").len(), 1);
        run("run --election-id=A_B --disable-leader-election");
        run("run --election-id=ingress-controller.leader-2");
    }

    #[test]
    fn a_switch_that_is_neither_on_nor_off_hides_nothing() {
        assert_eq!(
            mistakes("run --deep-inspect=perhaps --no-such 5 --http-port=x --update-status=2 --http-prot=1 --templates="),
            [
                "--deep-inspect: \"perhaps\" is not true or false",
                "--no-such is not a flag of this command",
                "--update-status: \"2\" is not true or false",
                "--http-prot is not a flag of this command; --http-port may be meant",
                "--templates needs a value",
                "--http-port: \"x\" is not a port; use a number from 1 to 65535",
            ]
        );
        assert_eq!(
            mistakes("render --proxy=envoy --ingress-class-by-name=x"),
            [
                "--ingress-class-by-name: \"x\" is not true or false",
                "--filename <INPUT> has to be given",
                "--proxy: \"envoy\" is not a proxy that can be driven; use nginx or haproxy",
            ]
        );
        assert_eq!(mistakes("completions tcsh"), ["<SHELL>: \"tcsh\" is none of bash, elvish, fish, powershell, zsh"]);
        assert_eq!(mistakes("rnder --proxy=x"), ["\"rnder\" is not a command; render may be meant"]);
        assert_eq!(mistakes("crds one"), ["\"one\" is an argument too many"]);
        let empty = parse(["gatewright", "run", "--manifests", "", "--no-such", "1"].map(str::to_owned));
        let Err(Rejected::Mistakes { mistakes: said, .. }) = empty else { panic!("{empty:?}") };
        assert_eq!(said, ["--no-such is not a flag of this command", "--manifests needs a value"]);
    }

    #[test]
    fn help_is_that_of_the_command() {
        for (line, help) in [
            ("lint", "gatewright lint --help"),
            ("--no-such", "gatewright --help"),
            ("none", "gatewright --help"),
            ("run --http-port=x", "gatewright run --help"),
        ] {
            match parse(words(line)) {
                Err(Rejected::Mistakes { help: said, .. }) => assert_eq!(said, help, "{line}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn help_can_be_asked_for_as_a_command() {
        for (line, usage) in
            [("help", "gatewright <COMMAND>"), ("help lint", "gatewright lint "), ("help run --proxy=x", "gatewright run ")]
        {
            match parse(words(line)) {
                Err(Rejected::Asked(help)) => assert!(help.to_string().contains(&format!("Usage: {usage}")), "{line}: {help}"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(mistakes("help lnt"), ["\"lnt\" is not a command; lint may be meant"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let table = [("render", "INPUT"), ("explain", "URL"), ("diff a", "NEW"), ("supervise", "PROGRAM"), ("echo", "ADDRESS")];
        for (line, missing) in table {
            let said = mistakes(line);
            assert!(said.iter().any(|text| text.contains(missing) && text.ends_with("has to be given")), "{line}: {said:?}");
        }
    }

    #[test]
    fn of_a_flag_that_is_repeated_the_last_one_counts() {
        let config = run("run --http-port=81 --http-port=82 --update-status=false --update-status");
        assert_eq!((config.settings.listeners.http_port, config.status.update), (82, true));
    }

    #[test]
    fn a_flag_of_a_command_that_looks_once_is_given_once() {
        assert_eq!(
            mistakes("diff a b --color always --color never --format json --format=text"),
            ["--color is given more than once", "--format is given more than once"]
        );
    }

    #[test]
    fn equal_ports_are_a_mistake() {
        assert_eq!(
            mistakes("run --http-port=8080 --https-port=8080"),
            ["--http-port and --https-port are both 8080; give each port to one of them"]
        );
    }

    #[test]
    fn the_proxy_is_a_child_outside_of_a_pod_and_supervised_in_one() {
        assert_eq!(run("run --manifests=/m").mode, crate::args::check::Mode::Child);
        assert_eq!(run("run --kubeconfig=/k").mode, crate::args::check::Mode::Child);
        assert_eq!(run("run --proxy-mode=signal").mode, crate::args::check::Mode::Signal);
    }

    #[test]
    fn flags_without_effect_are_warned_of() {
        let (_, warnings) = parse(words("run --manifests=/m --dynamic-configuration-retries=15 --stream-port 10247")).unwrap();
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].starts_with("--dynamic-configuration-retries has no effect"));
        let validation = |word: &str| parse(words(&format!("run --manifests=/m --enable-annotation-validation{word}"))).unwrap().1;
        assert_eq!(validation("=false"), ["--enable-annotation-validation has no effect: annotations are always checked"]);
        assert!(["", "=true"].iter().all(|word| validation(word).is_empty()), "it is on anyway");
    }

    #[test]
    fn a_word_behind_a_switch_is_no_value_of_it_as_in_ingress_nginx() {
        let of = |line: &str| match parse(words(line)) {
            Ok((Command::Run(config), warnings)) => (config.settings.watch_ingress_without_class, config.settings.deep_inspect, warnings),
            other => panic!("{other:?}"),
        };
        for word in ["true", "false", "0"] {
            let (without_class, _, warnings) = of(&format!("run --watch-ingress-without-class {word} --http-port 81"));
            let told = format!(
                "--watch-ingress-without-class {word}: a switch has its value behind \"=\", so it is on; write \
                 --watch-ingress-without-class={word}, or leave {word} out"
            );
            assert_eq!((without_class, warnings), (true, vec![told]), "{word}");
        }
        let (_, inspects, warnings) = of("run --deep-inspect=false --profiling false --logtostderr true --v 2");
        assert_eq!((inspects, warnings.len()), (false, 2));
        let called = ["/nginx-ingress-controller", "--watch-ingress-without-class", "true", "--http-port=81"].map(str::to_owned);
        assert!(matches!(parse(called), Ok((Command::Run(config), _)) if config.settings.watch_ingress_without_class));
        assert_eq!(mistakes("run --watch-ingress-without-class maybe"), ["\"maybe\" is an argument too many"]);
        assert_eq!(mistakes("run true"), ["\"true\" is an argument too many"]);
        assert_eq!(mistakes("render -f a --deep-inspect true"), ["\"true\" is an argument too many"]);
    }

    #[test]
    fn a_program_that_somebody_else_runs_is_told_to_have_no_effect() {
        let warnings = |line: &str| parse(words(line)).unwrap().1;
        let told = warnings("run --proxy-mode=supervise --proxy-binary=/nope");
        assert!(matches!(&told[..], [one] if one.starts_with("--proxy-binary has no effect: with --proxy-mode supervise")), "{told:?}");
        for line in ["run --proxy-mode=supervise", "run --proxy-mode=signal --proxy-binary=/nope", "run --proxy-binary=/nope"] {
            assert_eq!(warnings(line), [""; 0], "{line}");
        }
    }

    #[test]
    fn loopback_endpoints_are_for_files_only() {
        assert!(run("run --manifests=/m --allow-loopback-endpoints").settings.loopback_endpoints);
        assert!(!run("run --manifests=/m").settings.loopback_endpoints);
        assert_eq!(mistakes("run --only-pod-endpoints --manifests=/m"), ["--only-pod-endpoints cannot be given with --manifests"]);
        assert!(run("run --only-pod-endpoints").settings.only_pod_endpoints);
        assert_eq!(mistakes("run --allow-loopback-endpoints"), ["--allow-loopback-endpoints cannot be given without --manifests"]);
    }

    /// The chart refuses other ones in `controller.extraArgs`, and values that are of another kind. GATEWRIGHT_REFRESH=1 writes
    /// the list.
    #[test]
    fn the_chart_knows_all_flags_of_run_and_the_kinds_of_their_values() {
        let command = command();
        let run = command.find_subcommand("run").unwrap();
        let mut lines: Vec<_> = compat::without_effect().map(str::to_owned).collect();
        for argument in run.get_arguments().filter(|argument| argument.get_id() != "help") {
            let kind = &argument.get_value_names().unwrap()[0];
            lines.extend(argument.get_long_and_visible_aliases().unwrap().iter().map(|name| format!("{name} {kind}")));
        }
        lines.sort_unstable();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/helm/gatewright/files/flags.txt");
        if std::env::var_os("GATEWRIGHT_REFRESH").is_some() {
            std::fs::write(file, lines.join("\n") + "\n").unwrap();
        }
        let there = std::fs::read_to_string(file).unwrap_or_default();
        assert_eq!(there.lines().collect::<Vec<_>>(), lines, "{file} is stale; write it with GATEWRIGHT_REFRESH=1");
    }

    #[test]
    fn render_reads_inputs() {
        match parse(words("render -f a.yaml -f - -o out --http-port 8080")) {
            Ok((Command::Render(config), _)) => {
                assert_eq!(config.inputs, ["a.yaml", "-"]);
                assert_eq!(config.offline.settings.listeners.http_port, 8080);
            }
            other => panic!("{other:?}"),
        }
    }
}
