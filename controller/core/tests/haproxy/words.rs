//! No text of a user changes what the files say beside itself.

use crate::models::*;
use crate::world::*;
use gatewright_core::dialect::Version;
use gatewright_core::dialect::haproxy::HAPROXY;
use gatewright_core::dialect::haproxy::grammar::read;
use gatewright_core::model::*;
use gatewright_core::names::UriPath;
use proptest::prelude::*;

/// Any text, with a liking for what has a meaning to HAProxy.
fn hostile() -> impl Strategy<Value = String> {
    let special = "[a$;{}\"'\\\\# \n\r\t\0%\\[\\](),=@*|\u{e9}\u{2028}]{0,24}";
    let known = prop::sample::select(vec![
        "${HOME}",
        "%[env(HOME)]",
        "-f /etc/passwd",
        "if",
        "unless",
        "}",
        "{ src 1.1.1.1 }",
        "'; lua",
        "\\",
        "\\'",
        "%%[src]",
    ]);
    prop_oneof![special.prop_map(|s| s), known.prop_map(str::to_owned), any::<String>()]
}

/// Keywords and numbers of words of all lines.
fn shapes(model: &Model) -> Vec<String> {
    let files = files_of(model, Version(2, 6, 0));
    let shape = files.iter().filter(|(path, _)| path.ends_with(".cfg")).flat_map(|(_, file)| {
        let bytes = file.bytes.whole();
        let lines = read(&bytes).unwrap();
        lines.iter().map(|line| format!("{} {}", line.words[0].text, line.words.len())).collect::<Vec<_>>()
    });
    let lists = files.iter().filter(|(path, _)| path.ends_with(".map") || path.ends_with(".list"));
    let sizes = lists.map(|(path, file)| {
        let text = String::from_utf8_lossy(&file.bytes.whole()).into_owned();
        let words: Vec<usize> = text.lines().map(|line| line.split_whitespace().count()).collect();
        format!("{path} {words:?}")
    });
    let mut shapes: Vec<String> = shape.chain(sizes).collect();
    shapes.sort();
    shapes
}

/// A model with this text in every field that can hold one.
fn model_with(text: &str, route_path: UriPath, default: &Certificate) -> Model {
    let mut globals = Globals::default();
    globals.forwarding.for_header = text.to_owned();
    globals.forwarding.host_header = text.to_owned();
    globals.forwarding.client_address = TrustedAddressSource::Header;
    globals.tls.ciphers = format!("a{text}");
    globals.tls.curves = format!("a{text}");
    globals.retries.causes = vec![text.to_owned(), "error".to_owned()];
    globals.custom_errors = Some(CustomErrors { statuses: vec![404], intercept_upstream: true });
    let cart = BackendId::new("shop", "cart", 80);
    globals.default_backend = Some(cart.clone());
    let mut route = exact("/x", "cart");
    route.matches = vec![PathMatch::Exact(route_path)];
    route.service =
        Some(ServiceRef { namespace: format!("n{text}").into(), service: format!("s{text}").into(), port: format!("p{text}").into() });
    route.action = Action::Respond(404);
    let forwarded = exact("/forwarded", "cart");
    let host = host("h.test", HostCertificate::Unclaimed, vec![route, forwarded]);
    let catch_all = Host::new(gatewright_core::names::HostPattern::CatchAll, None, HostCertificate::Unclaimed, vec![fallback()]);
    let backends = [Backend::new(cart, vec!["10.0.0.1:80".parse().unwrap()], Balance::RoundRobin)];
    Model {
        globals: globals.into(),
        hosts: [host, catch_all].map(|h| (h.pattern.clone(), h.into())).into(),
        backends: backends.map(|b| (b.id.clone(), b.into())).into(),
        certificates: [(default.id.clone(), default.clone().into())].into(),
        streams: Default::default(),
        passthrough: Default::default(),
        credentials: Default::default(),
        default_certificate: default.id.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_adds_a_line_or_a_word(text in hostile(), path_text in hostile()) {
        let default = Certificate { id: CertificateId::self_signed(), origin: text.clone(), pem: text.as_bytes().into(), digest: 1 };
        let path = UriPath::new(&format!("/x{path_text}")).unwrap_or_else(|_| path("/x")).without_trailing_slash();
        let plain = shapes(&model_with("x", crate::models::path("/x"), &default));
        prop_assert_eq!(&plain, &shapes(&model_with(&text, path, &default)));
    }

    #[test]
    fn a_printed_word_is_read_as_itself(text in "[^\\p{Cc}]{1,200}") {
        let mut printed = b"    name ".to_vec();
        (HAPROXY.print_word)(&text, &mut printed).unwrap();
        printed.push(b'\n');
        let lines = read(&printed).unwrap();
        prop_assert_eq!((lines.len(), lines[0].words.len()), (1, 2));
        prop_assert_eq!(&*lines[0].words[1].text, &*text);
    }

    #[test]
    fn the_reader_survives_every_text(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }
}

/// HAProxy itself says what it reads: every printed word comes back as the answer it was printed for, where words are
/// taken as they are and where they are formats.
#[test]
fn haproxy_reads_every_printed_word_as_what_it_was() {
    let texts = [
        "a b",
        "a;b",
        "a{b}",
        "}",
        "{",
        "#x",
        "a#b",
        "a\"b",
        "it's",
        "back\\slash\\n",
        "\\",
        "$HOME ${HOME} $",
        "\"${HOME}\"",
        "%[env(HOME)]",
        "%",
        "100%",
        "%%",
        "größe €",
        "if",
        "-f",
        "unless",
        "{{ x }}",
        "'",
        "%{+Q}r",
    ];
    for (program, version) in programs() {
        let mut answers = String::new();
        for (number, text) in texts.iter().enumerate() {
            let mut word = Vec::new();
            (HAPROXY.print_word)(text, &mut word).unwrap();
            let format = HAPROXY.filters.iter().find(|(name, _)| *name == "format").unwrap().1(text);
            let word = String::from_utf8(word).unwrap();
            answers.push_str(&format!(
                "    http-request return status 200 content-type text/plain string {word} if {{ path -m str -- /word/{number} }}\n    \
                 http-request return status 200 content-type text/plain lf-string {format} if {{ path -m str -- /format/{number} }}\n"
            ));
        }
        let model = Draft { globals: globals(), ..Draft::default() }.model();
        let proxy = Proxy::start_changed(&model, &program, version, |main| {
            main.replace("    stats enable\n", &format!("{answers}    stats enable\n"))
        });
        for (number, text) in texts.iter().enumerate() {
            assert_eq!(proxy.private(&format!("/word/{number}")).unwrap(), *text, "{version}");
            assert_eq!(proxy.private(&format!("/format/{number}")).unwrap(), *text, "{version}");
        }
    }
}

/// Patterns of conditions: what looks like a flag or the end of the condition is neither.
#[test]
fn haproxy_compares_with_every_printed_pattern_as_what_it_was() {
    let texts = ["a b", "-f", "-i", "--", "{", "%[src]", "it's", "a#b", "$HOME", "\\d", "||", "or", "!x"];
    let pattern = HAPROXY.filters.iter().find(|(name, _)| *name == "pattern").unwrap().1;
    for (program, version) in programs() {
        let mut answers = String::new();
        for (number, text) in texts.iter().enumerate() {
            let printed = pattern(text);
            answers.push_str(&format!("    http-request return status 2{number:02} if {{ req.fhdr(x-text) -m str -- {printed} }}\n"));
        }
        let model = Draft { globals: globals(), ..Draft::default() }.model();
        let proxy = Proxy::start_changed(&model, &program, version, |main| {
            main.replace("    default_backend not-found\n", &format!("{answers}    default_backend not-found\n"))
        });
        for (number, text) in texts.iter().enumerate() {
            let answer = proxy.get("h.test", "/", &[&format!("X-Text: {text}")]);
            assert_eq!(usize::from(answer.status), 200 + number, "{version}: {text}");
        }
    }
}
