//! Files as a whole: what they depend on, what they are called, what is remembered.

use crate::files::{address, extreme_globals, many, renderer, token_of};
use crate::models::*;
use crate::world::*;
use gatewright_core::dialect::Version;
use gatewright_core::dialect::haproxy::HAPROXY;
use gatewright_core::dialect::haproxy::grammar::read;
use gatewright_core::model::*;
use gatewright_core::names::{HostPattern, Kind, ObjectName, ObjectRef, TextPattern, UriPath};
use gatewright_core::render::{FileSet, RenderError, Renderer};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const OLDEST: Version = Version(2, 6, 0);

/// Everything switched on that can be.
fn rich() -> Draft {
    let mut globals = Globals { hsts: Some(Hsts::default()), gzip: true, underscores_in_headers: true, ..globals() };
    globals.custom_errors = Some(CustomErrors { statuses: vec![404, 503], intercept_upstream: true });
    globals.default_backend = Some(id("b"));
    globals.listeners.proxy_protocol = true;
    globals.listeners.metrics_port = Some(10247);
    globals.forwarding.client_address = TrustedAddressSource::HeaderBehindProxyProtocol;
    globals.forwarding.trusted_peers = (0..120).map(|n| format!("10.0.{n}.0/24").parse().unwrap()).collect();
    globals.forwarding.trust_headers = true;
    globals.forwarding.append_peer = true;
    globals.forwarding.original_uri_header = true;
    globals.hidden_headers = vec!["x-powered-by".to_owned()];
    globals.tls.curves = "X25519:P-256".to_owned();
    let pair = certificate(CertificateId::of_secret("shop", "tls"), &["h.test"]);
    Draft { globals, certificates: vec![pair.clone()], ..Draft::default() }
        .backend("b", &[address(1), address(2), "[fd00::1]:8080".parse().unwrap()])
        .tls_host("h.test", &pair.id, vec![redirected(prefix("/", "b")), exact("/x'$y/", "b"), respond("/gone", 503)])
        .tls_host("*.w.test", &pair.id, vec![prefix("/", "b")])
}

/// Where the sections of few routes are.
const SECTIONS: &str = "sections-00.cfg";

fn text(files: &FileSet, path: &str) -> String {
    String::from_utf8_lossy(&files.get(path).unwrap().bytes.whole()).into_owned()
}

#[test]
fn the_features_of_every_version_are_taken_by_it() {
    for (program, version) in programs() {
        Staged::new(&files_of(&rich().model(), version), &program).check().unwrap();
        let quiet = Globals { access_log: AccessLog { enabled: false, ..AccessLog::default() }, ..globals() };
        let mut counted = quiet.clone();
        counted.listeners.metrics_port = Some(10247);
        counted.access_log.skipped_targets = vec![TextPattern::Exact("/x".into())];
        for globals in [quiet, counted] {
            let plain = Draft { globals, ..Draft::default() };
            Staged::new(&files_of(&plain.model(), version), &program).check().unwrap();
        }
    }
}

#[test]
fn what_requests_are_counted_under_stands_behind_the_names_of_sections() {
    let value_of = |metrics_port: Option<u16>, host: &str| {
        let mut draft = rich();
        draft.globals.listeners.metrics_port = metrics_port;
        let map = text(&files_of(&draft.model(), OLDEST), "maps/prefix.map");
        let value = map.lines().find_map(|line| line.strip_prefix(&format!("{host}/ "))).unwrap();
        value.split(':').map(str::to_owned).collect::<Vec<_>>()
    };
    for host in ["h.test", "*.w.test", "_"] {
        let [plain, counted] = [None, Some(10247)].map(|port| value_of(port, host));
        assert_eq!((plain.len(), counted.len(), counted.last().map(String::as_str)), (1, 5, Some("%2F")), "{plain:?} {counted:?}");
        assert_eq!(plain[0], counted[0], "the sections are the same");
    }
}

#[test]
fn limits_of_every_setting_are_taken() {
    for (program, version) in programs() {
        for extreme in [0, 1, u64::MAX] {
            let mut globals = extreme_globals(extreme);
            let g = &mut globals;
            g.workers.connections = extreme;
            g.listeners.http2_max_streams = u32::try_from(extreme.min(1 << 31)).unwrap();
            g.workers.processes = Some(g.listeners.http2_max_streams);
            let draft = Draft { globals, ..Draft::default() }.backend("b", &[address(1)]).host("h.test", vec![prefix("/", "b")]);
            Staged::new(&files_of(&draft.model(), version), &program).check().unwrap();
        }
    }
}

#[test]
fn names_paths_and_endpoints_of_every_number_are_taken() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
    let long_path = format!("/{}", "x".repeat(2047));
    let crowd: Vec<_> = (0..5000u16).map(|n| std::net::SocketAddr::from(([10, 1, (n >> 8) as u8, n as u8], 80))).collect();
    for (program, version) in programs() {
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[address(1)]).backend("crowd", &crowd);
        let wildcard = format!("*.{}", &longest[64..]);
        let routes = || vec![prefix("/", "b"), prefix(&long_path, "crowd"), exact(&format!("{}/", &long_path[..2047]), "b")];
        let model = draft.host(&longest, routes()).host(&wildcard, routes()).model();
        Staged::new(&files_of(&model, version), &program).check().unwrap();
    }
}

#[test]
fn files_know_no_place_and_have_stable_names() {
    let files = files_of(&rich().model(), OLDEST);
    let own = [
        "ask.spoe",
        "haproxy.cfg",
        "maps/aliases.map",
        "maps/canaries.map",
        "maps/exact.map",
        "maps/expressions.map",
        "maps/hosts.map",
        "maps/prefix.map",
        "maps/vacant.map",
        "maps/wildcards.map",
        "sections-00.cfg",
        "tls/default.list",
        "tls/hosts.list",
    ];
    let names: Vec<_> = files.iter().filter(|(_, file)| !file.secret).map(|(path, _)| path).collect();
    assert_eq!(names, own);
    for (path, file) in files.iter() {
        assert_eq!((file.secret, file.read_live), (path.ends_with(".pem") || path == "users.cfg", false), "{path}");
        assert!(file.secret || !String::from_utf8_lossy(&file.bytes.whole()).contains("PRIVATE KEY"), "{path}");
    }
    let main = text(&files, "haproxy.cfg");
    assert!(main.starts_with(&format!("# Configuration checksum: {}\n", files.token())));
    assert!(main.lines().all(|line| line.len() == line.trim_end().len()), "no blanks at the end of a line");
}

#[test]
fn routes_with_equal_policies_share_a_section_and_others_do_not() {
    let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[address(1)]);
    let routes = vec![prefix("/", "b"), prefix("/same", "b"), redirected(prefix("/other", "b")), respond("/gone", 503)];
    let files = files_of(&draft.host("h.test", routes).host("i.test", vec![prefix("/", "b")]).model(), OLDEST);
    let sections = text(&files, SECTIONS);
    assert_eq!(sections.lines().filter(|line| line.starts_with("backend ")).count(), 2 + 2, "{sections}");
    assert_eq!(sections.matches("    server 10.0.0.1_80 10.0.0.1:80").count(), 2);
    assert_eq!(text(&files, "maps/prefix.map").lines().count(), 4 + 1 + 3, "with the paths of health and status, and the fallback");
}

#[test]
fn every_change_changes_the_token() {
    let renewed = || {
        let mut model = rich().model();
        let id = CertificateId::of_secret("shop", "tls");
        model.certificates.insert(id.clone(), Arc::new(certificate(id, &["h.test"])));
        model
    };
    let tokens: std::collections::BTreeSet<_> = [
        rich().model(),
        rich().host("new.test", vec![]).model(),
        rich().backend("c", &[address(3)]).host("c.test", vec![prefix("/", "c")]).model(),
        Draft { globals: Globals { gzip: false, ..rich().globals }, ..rich() }.model(),
        renewed(),
    ]
    .iter()
    .map(token_of)
    .collect();
    assert_eq!(tokens.len(), 5);
}

/// Two hosts share a section, which the first one names; one route has a canary, and pages come from a third backend.
fn sharing(change: impl FnOnce(&mut Model)) -> Model {
    let rules = CanaryRules { header: None, cookie: None, weight: 10, total: 100, is_sticky: false };
    let canary = Some(Arc::new(Canary { origin: ingress(), backend: id("canary"), rules }));
    let pages = ErrorPages { statuses: vec![404], backend: Some(id("pages")), intercept_upstream: Some(true) };
    let policy = Arc::new(RoutePolicy { errors: Some(pages), ..RoutePolicy::default() });
    let owner = |route: Route, name: &str| {
        let origin = ObjectName::new("shop", name).unwrap();
        Route { origin: Some(ObjectRef::new(Kind::Ingress, origin)), ..route }
    };
    let names = ["b", "c", "canary", "pages"];
    let draft = names.iter().fold(Draft::default(), |draft, name| draft.backend(name, &[address(1)]));
    let mut model = draft
        .host("a.test", vec![owner(prefix("/", "b"), "one")])
        .host("b.test", vec![owner(prefix("/", "b"), "other"), Route { canary, ..prefix("/canary", "b") }])
        .host("c.test", vec![Route { policy, ..prefix("/pages", "c") }])
        .model();
    change(&mut model);
    model
}

#[test]
fn what_is_remembered_of_sections_never_changes_a_byte() {
    fn put(model: &mut Model, name: &str, endpoint: u8, policy: BackendPolicy) {
        let backend = Backend::with_policy(id(name), vec![address(endpoint)], Balance::RoundRobin, Arc::new(policy));
        model.backends.insert(id(name), Arc::new(backend));
    }
    let auto = || BackendPolicy { protocol: Some(Protocol::AutoHttp), ..BackendPolicy::default() };
    let plain = BackendPolicy::default;
    let host = |name: &str| HostPattern::parse(name).unwrap();
    let changes: [&dyn Fn(&mut Model); 9] = [
        &|_| (),
        &|model| put(model, "b", 9, plain()),
        &|model| put(model, "canary", 9, plain()),
        &|model| put(model, "pages", 9, plain()),
        &|model| put(model, "b", 1, auto()),
        &|model| put(model, "canary", 1, auto()),
        &|model| _ = model.hosts.remove(&host("a.test")),
        &|model| _ = model.hosts.remove(&host("b.test")),
        &|model| _ = model.backends.remove(&id("pages")),
    ];
    let mut remembering = renderer();
    let mut seen = std::collections::BTreeSet::new();
    for (step, change) in changes.iter().enumerate() {
        let model = sharing(change);
        let (kept, fresh) = (remembering.render(&model).unwrap(), renderer().render(&model).unwrap());
        assert!(kept == fresh, "step {step}");
        seen.insert(kept.digest());
    }
    assert_eq!(seen.len(), changes.len());
    let origins = |model: &Model| text(&files_of(model, OLDEST), SECTIONS).matches("# Ingress shop/one").count();
    assert_eq!((origins(&sharing(|_| ())), origins(&sharing(|model| _ = model.hosts.remove(&host("a.test"))))), (1, 0));
}

#[test]
fn a_new_endpoint_changes_one_file_and_the_token() {
    let mut renderer = renderer();
    let mut model = many(300);
    let before = renderer.render(&model).unwrap();
    model.backends.insert(id("svc-7"), Arc::new(Backend::new(id("svc-7"), vec![address(9)], Balance::RoundRobin)));
    let after = renderer.render(&model).unwrap();
    let changed: Vec<_> = after.iter().filter(|(path, file)| before.get(path) != Some(*file)).map(|(path, _)| path).collect();
    assert!(matches!(changed[..], ["haproxy.cfg", sections] if sections.starts_with("sections-")), "{changed:?}");
    let without_token = |files: &FileSet| text(files, "haproxy.cfg").replace(&files.token(), "");
    assert_eq!(without_token(&after), without_token(&before));
    let first = |files: &FileSet, path: &str| Arc::clone(&files.get(path).unwrap().bytes.parts()[0]);
    let same = |path: &str| Arc::ptr_eq(&first(&before, path), &first(&after, path));
    assert!(same("maps/exact.map") && same("maps/hosts.map"));
}

/// Every request goes through all rules of the frontend.
#[test]
fn rules_for_all_requests_do_not_grow_with_the_hosts_that_have_error_paths() {
    let authority = Authority::new(b"authority".as_slice().into(), None);
    let main = |hosts: usize| {
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[address(1)]);
        let auth = |number: usize| ClientCertificates {
            authority: authority.id.clone(),
            has_revocations: false,
            verify: [VerifyClient::Required, VerifyClient::Optional, VerifyClient::OptionalOfAny][number % 3],
            depth: 1,
            error_page: Some(ClientErrorPage::Path(UriPath::new(&format!("/page/{number}")).unwrap())),
            pass_certificate: false,
            subject: None,
        };
        let draft = (0..hosts).fold(draft, |mut draft, number| {
            let policy = HostPolicy { client_auth: Some(ClientAuth::Checked(auth(number))), ..HostPolicy::default() };
            let own = host(&format!("h{number}.test"), HostCertificate::Unclaimed, vec![prefix("/", "b")]).with_policy(policy);
            draft.hosts.push(own);
            draft
        });
        let files = files_of(&draft.model(), OLDEST);
        let lines = files.get("maps/error-paths.map").map_or(0, |_| text(&files, "maps/error-paths.map").lines().count());
        assert_eq!(lines, hosts);
        text(&files, "haproxy.cfg").lines().count()
    };
    let [none, one, many] = [0, 1, 300].map(main);
    assert!(none < one);
    assert_eq!(one, many);
}

#[test]
fn an_override_that_says_too_much_is_refused_by_line_and_object() {
    let text = "backend {{ name }}   # Ingress {{ origin }}\n    http-request lua.x\n".to_owned();
    let mut renderer = Renderer::new(&HAPROXY, OLDEST, BTreeMap::from([("backend.tera".to_owned(), text)])).unwrap();
    let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[address(1)]).host("h.test", vec![prefix("/", "b")]);
    match renderer.render(&draft.model()).unwrap_err() {
        RenderError::Grammar { line, origin, message, .. } => {
            assert!(line > 1 && message.contains("\"http-request\""), "{line}: {message}");
            assert_eq!(origin, Some(ingress()));
        }
        error @ RenderError::Template(_) => panic!("{error}"),
    }
}

#[test]
fn haproxy_names_the_line_whose_object_we_find() {
    for (program, version) in programs() {
        let files = files_of(&rich().model(), version);
        let staged = Staged::new(&files, &program);
        let text = text(&files, SECTIONS).replace("    balance roundrobin", "    balanced roundrobin");
        std::fs::write(staged.dir.path().join("files").join(SECTIONS), &text).unwrap();
        let refusal = (HAPROXY.refusal)(&staged.check().unwrap_err());
        let (at, line) = refusal.at.unwrap();
        assert!(at.ends_with(SECTIONS) && refusal.message.contains("'balanced'"), "{}", refusal.message);
        assert_eq!((HAPROXY.origin_at)(text.as_bytes(), line), Some(ingress()), "{line}");
    }
}

/// Every keyword that our reader finds is one for HAProxy, too, on the very line: renamed, HAProxy complains about it there.
#[test]
fn haproxy_and_our_reader_see_the_same_keywords() {
    let (program, version) = programs().remove(0);
    let files = files_of(&rich().model(), version);
    for path in ["haproxy.cfg", SECTIONS] {
        same_keywords(&files, path, &program);
    }
}

fn same_keywords(files: &FileSet, path: &str, program: &Path) {
    let staged = Staged::new(files, program);
    let text = text(files, path);
    let mut renamed: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut wanted = Vec::new();
    for line in read(text.as_bytes()).unwrap().iter().filter(|line| line.indented) {
        let keyword = &line.words[0].text;
        let at = usize::try_from(line.number).unwrap() - 1;
        renamed[at] = renamed[at].replacen(&**keyword, &format!("x{keyword}"), 1);
        wanted.push(line.number);
    }
    std::fs::write(staged.dir.path().join("files").join(path), renamed.join("\n") + "\n").unwrap();
    let printed = staged.check().expect_err("HAProxy took unknown keywords");
    // It stops after so many mistakes, and says where.
    let mistakes = printed.lines().filter(|line| !line.contains("too many fatal errors"));
    let refused: Vec<u32> = mistakes.filter_map(|line| (HAPROXY.refusal)(line).at).map(|(_, line)| line).collect();
    assert!(refused.len() > 15 && wanted.starts_with(&refused), "{refused:?} of {wanted:?}");
}
