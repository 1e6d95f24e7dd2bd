//! No text of a user changes what the files say beside itself.

use crate::models::*;
use crate::world::*;
use gatewright_core::dialect::Version;
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::dialect::nginx::grammar::{Directive, read};
use gatewright_core::model::*;
use gatewright_core::names::UriPath;
use proptest::prelude::*;

/// Any text, with a liking for what has a meaning to nginx.
fn hostile() -> impl Strategy<Value = String> {
    let special = "[a$;{}\"'\\\\# \n\r\t\0~=@^%*|()\u{e9}\u{2028}]{0,24}";
    let known = prop::sample::select(vec!["${x}", "$uri", "default", "include", "off", "~^/", "\"; } evil on; #", "\\", "\\\"", "*/"]);
    prop_oneof![special.prop_map(|s| s), known.prop_map(str::to_owned), any::<String>()]
}

/// Names of the directives, nested; the keys of maps are values.
fn shape(directives: &[Directive<'_>], out: &mut String) {
    for directive in directives {
        out.push_str(&directive.name);
        out.push_str(&format!("/{};", directive.args.len()));
        if let Some(block) = &directive.block {
            out.push('{');
            if directive.name == "map" || directive.name == "geo" {
                out.push_str(&block.len().to_string())
            } else {
                shape(block, out)
            }
            out.push('}');
        }
    }
}

fn shapes(model: &Model) -> Vec<String> {
    let files = files_of(model, Version(1, 22, 1));
    let mut shapes: Vec<_> = files
        .iter()
        .filter(|(path, _)| !path.starts_with("tls/"))
        .map(|(path, file)| {
            let mut out = format!("{}:", path.split('-').next().unwrap());
            shape(&read(&file.bytes.whole()).unwrap(), &mut out);
            out
        })
        .collect();
    shapes.sort();
    shapes
}

/// A model with this text in every field that can hold one.
fn model_with(text: &str, route_path: UriPath, default: &Certificate) -> Model {
    let mut globals = Globals::default();
    globals.forwarding.for_header = text.to_owned();
    globals.forwarding.host_header = text.to_owned();
    globals.forwarding.client_address = TrustedAddressSource::Header;
    globals.hidden_headers = vec![text.to_owned()];
    globals.tls.ciphers = format!("a{text}");
    globals.tls.curves = text.to_owned();
    globals.retries.causes = vec![text.to_owned(), "error".to_owned()];
    globals.custom_errors = Some(CustomErrors { statuses: vec![404], intercept_upstream: true });
    globals.default_backend = Some(BackendId::new(text, text, 1));
    let id = BackendId::new("shop", "cart", 80);
    let mut route = exact("/x", "cart");
    route.matches = vec![PathMatch::Exact(route_path)];
    route.service = Some(ServiceRef { namespace: text.into(), service: text.into(), port: text.into() });
    route.action = Action::Forward(id.clone());
    let host = host("h.test", HostCertificate::Unclaimed, vec![route]);
    let catch_all = host_of_all();
    let backends = [Backend::new(id, vec!["10.0.0.1:80".parse().unwrap()], Balance::RoundRobin)];
    Model {
        globals: globals.into(),
        hosts: [host, catch_all].map(|h| (h.pattern.clone(), h.into())).into(),
        backends: backends.map(|b| (b.id.clone(), b.into())).into(),
        certificates: [(default.id.clone(), default.clone().into())].into(),
        streams: Default::default(),
        passthrough: Default::default(),
        credentials: Credentials::default(),
        default_certificate: default.id.clone(),
    }
}

fn host_of_all() -> Host {
    Host::new(gatewright_core::names::HostPattern::CatchAll, None, HostCertificate::Unclaimed, vec![fallback()])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_adds_a_directive(text in hostile(), path_text in hostile()) {
        let default = Certificate { id: CertificateId::self_signed(), origin: text.clone(), pem: text.as_bytes().into(), digest: 1 };
        let path = UriPath::new(&format!("/x{path_text}")).unwrap_or_else(|_| path("/x")).without_trailing_slash();
        // A backend of hostile names cannot exist: they come from checked objects. The id is a word all the same.
        let plain = shapes(&model_with("x", crate::models::path("/x"), &default));
        if let Ok(files) = gatewright_core::render::Renderer::new(&NGINX, Version(1, 22, 1), Default::default()).unwrap().render(&model_with(&text, path.clone(), &default)) {
            prop_assert!(files.iter().all(|(p, f)| p.starts_with("tls/") || !f.bytes.whole().iter().any(|b| b.is_ascii_control() && *b != b'\n')));
            let hostile = shapes(&model_with(&text, path, &default));
            prop_assert_eq!(&plain, &hostile);
        }
    }

    #[test]
    fn a_printed_word_is_read_as_itself(text in "[^\\p{Cc}]{1,200}") {
        let mut printed = b"name ".to_vec();
        (NGINX.print_word)(&text, &mut printed).unwrap();
        printed.push(b';');
        let tree = read(&printed).unwrap();
        prop_assert_eq!(tree.len(), 1);
        prop_assert_eq!(tree[0].args.len(), 1);
        prop_assert_eq!(tree[0].args[0].replace("${literal_dollar}", "$"), text);
    }

    #[test]
    fn the_reader_survives_every_text(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }
}

/// nginx itself says what it reads: every printed word comes back as the answer it was printed for.
#[test]
fn nginx_reads_every_printed_word_as_what_it_was() {
    let texts = [
        "a b",
        "a;b",
        "a{b}",
        "}",
        "#x",
        "a\"b",
        "it's",
        "back\\slash\\n",
        "\\",
        "$host ${uri} $",
        "${literal_dollar}",
        "~^/",
        "größe €",
        "{{ x }}",
    ];
    let (program, version) = programs().remove(0);
    let mut locations = String::new();
    for (number, text) in texts.iter().enumerate() {
        let mut word = Vec::new();
        (NGINX.print_word)(text, &mut word).unwrap();
        locations
            .push_str(&format!("        location = /gatewright/word/{number} {{ return 200 {}; }}\n", String::from_utf8(word).unwrap()));
    }
    let model = Draft { globals: globals(), ..Draft::default() }.model();
    let proxy = Proxy::start_changed(&model, &program, version, |main| {
        main.replace("        location / {", &format!("{locations}        location / {{"))
    });
    for (number, text) in texts.iter().enumerate() {
        assert_eq!(proxy.private(&format!("/gatewright/word/{number}")).unwrap(), *text);
    }
}
