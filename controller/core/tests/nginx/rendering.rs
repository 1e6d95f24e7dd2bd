//! Files as a whole: what they depend on, what they are called, what is remembered.

use crate::files::{address, extreme_globals, many, renderer, token_of};
use crate::models::*;
use crate::world::*;
use gatewright_core::dialect::Version;
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::dialect::nginx::grammar::{Directive, read};
use gatewright_core::model::*;
use gatewright_core::render::{FileSet, RenderError, Renderer};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const OLDEST: Version = Version(1, 22, 1);

/// Everything switched on that can be.
fn rich() -> Draft {
    let mut globals = Globals { hsts: Some(Hsts::default()), gzip: true, underscores_in_headers: true, ..globals() };
    globals.custom_errors = Some(CustomErrors { statuses: vec![404, 503], intercept_upstream: true });
    globals.default_backend = Some(id("b"));
    globals.listeners.proxy_protocol = true;
    globals.forwarding.client_address = TrustedAddressSource::HeaderBehindProxyProtocol;
    let pair = certificate(CertificateId::of_secret("shop", "tls"), &["h.test"]);
    Draft { globals, certificates: vec![pair.clone()], ..Draft::default() }
        .backend("b", &[address(1), address(2)])
        .tls_host("h.test", &pair.id, vec![redirected(prefix("/", "b")), exact("/x'$y/", "b"), respond("/gone", 503)])
        .tls_host("*.w.test", &pair.id, vec![prefix("/", "b")])
}

#[test]
fn the_features_of_every_version_are_taken_by_it() {
    for (program, version) in programs() {
        Staged::new(&files_of(&rich().model(), version), &program).check().unwrap();
        let plain = Draft {
            globals: Globals { access_log: AccessLog { enabled: false, ..AccessLog::default() }, ..globals() },
            ..Draft::default()
        };
        Staged::new(&files_of(&plain.model(), version), &program).check().unwrap();
    }
}

#[test]
fn limits_of_every_setting_are_taken() {
    for (program, version) in programs() {
        for extreme in [0, 1, u64::MAX] {
            let mut globals = extreme_globals(extreme);
            let g = &mut globals;
            g.buffers.busy_upstream_bytes = Some(extreme);
            g.buffers.temp_file_bytes = extreme;
            g.gzip = true;
            g.compression = Compression { level: extreme, min_bytes: extreme, types: vec![], excepted_agents: None };
            g.limits =
                Limits { request_status: 0, connection_status: u16::MAX, rate_kib: extreme, rate_after_kib: extreme, ..Limits::default() };
            g.workers.open_files = Some(extreme.min(1 << 16));
            let draft = Draft { globals, ..Draft::default() }.backend("b", &[address(1)]).host("h.test", vec![prefix("/", "b")]);
            Staged::new(&files_of(&draft.model(), version), &program).check().unwrap();
        }
    }
}

#[test]
fn names_and_paths_of_every_length_are_taken() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
    let long_path = format!("/{}", "x".repeat(2047));
    for (program, version) in programs() {
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[address(1)]);
        let wildcard = format!("*.{}", &longest[64..]);
        let routes = || vec![prefix("/", "b"), prefix(&long_path, "b"), exact(&format!("{}/", &long_path[..2047]), "b")];
        let model = draft.host(&longest, routes()).host(&wildcard, routes()).model();
        Staged::new(&files_of(&model, version), &program).check().unwrap();
    }
}

#[test]
fn files_know_no_place_and_name_each_other_by_content() {
    let files = files_of(&rich().model(), OLDEST);
    for (path, file) in files.iter() {
        let bytes = file.bytes.whole();
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!((file.secret, file.read_live), (path.starts_with("tls/"), path.starts_with("tls/")), "{path}");
        assert!(file.secret || !text.contains("PRIVATE KEY"), "{path}");
        for line in text.lines().filter(|l| l.trim_start().starts_with("include ")) {
            let target = line.trim().trim_start_matches("include ").trim_end_matches(';');
            let target = files.get(target).unwrap_or_else(|| panic!("{path}: no file {target}"));
            assert!(!target.read_live);
        }
        if path != files.main() && !file.secret {
            assert!(path.contains(&format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&file.bytes.whole()))), "{path}");
        }
    }
    let main = String::from_utf8_lossy(&files.get("nginx.conf").unwrap().bytes.whole()).into_owned();
    assert!(main.starts_with(&format!("# Configuration checksum: {}\n", files.token())));
    for word in main.split_whitespace().filter(|word| word.starts_with('/')) {
        assert!(["/", "/gatewright/revision", "/gatewright/status", "/dev/stdout"].contains(&word), "{word}");
    }
}

#[test]
fn a_renewed_certificate_changes_its_file_and_nothing_else() {
    let before = rich().model();
    let mut after = before.clone();
    let id = CertificateId::of_secret("shop", "tls");
    after.certificates.insert(id.clone(), Arc::new(certificate(id.clone(), &["h.test"])));
    let (before, after) = (files_of(&before, OLDEST), files_of(&after, OLDEST));
    let changed: Vec<_> = before.iter().filter(|(path, file)| after.get(path) != Some(*file)).map(|(path, _)| path).collect();
    assert_eq!(changed, [format!("tls/{id}.pem")]);
    assert_ne!(before.digest(), after.digest());
    assert_eq!(before.token(), after.token());
}

#[test]
fn every_other_change_changes_the_token() {
    let tokens: std::collections::BTreeSet<_> = [
        rich().model(),
        rich().host("new.test", vec![]).model(),
        rich().backend("c", &[address(3)]).model(),
        Draft { globals: Globals { gzip: false, ..rich().globals }, ..rich() }.model(),
    ]
    .iter()
    .map(token_of)
    .collect();
    assert_eq!(tokens.len(), 4);
}

#[test]
fn one_change_among_many_touches_one_file_beside_the_main_one() {
    let mut renderer = renderer();
    let mut model = many(1000);
    let before = renderer.render(&model).unwrap();
    model.backends.insert(id("svc-7"), Arc::new(Backend::new(id("svc-7"), vec![address(9)], Balance::RoundRobin)));
    let after = renderer.render(&model).unwrap();
    let changed: Vec<_> = after.iter().filter(|(path, file)| before.get(path) != Some(*file)).map(|(path, _)| path).collect();
    assert_eq!(changed.len(), 2, "{changed:?}");
    assert!(changed[0].starts_with("backends/") && changed[1] == "nginx.conf");
    let first = |files: &FileSet, path: &str| Arc::clone(&files.get(path).unwrap().bytes.parts()[0]);
    let same = |path: &str| Arc::ptr_eq(&first(&before, path), &first(&after, path));
    assert!(before.iter().filter(|(path, _)| path.starts_with("hosts/")).all(|(path, _)| same(path)));
}

#[test]
fn a_host_never_changes_the_text_of_another() {
    let text = |files: &FileSet| -> String {
        files.iter().filter(|(p, _)| p.starts_with("hosts/")).map(|(_, f)| String::from_utf8_lossy(&f.bytes.whole()).into_owned()).collect()
    };
    let model = rich().model();
    let mut more = model.clone();
    let new = host("new.test", HostCertificate::Unclaimed, vec![]);
    more.hosts.insert(new.pattern.clone(), Arc::new(new));
    let (before, after) = (text(&files_of(&model, OLDEST)), text(&files_of(&more, OLDEST)));
    let (start, end) = (after.find("## start server new.test").unwrap(), after.find("## end server new.test\n\n").unwrap());
    assert_eq!(format!("{}{}", &after[..start], &after[end + "## end server new.test\n\n".len()..]), before);
}

#[test]
fn a_broken_override_is_named_with_its_position_and_a_good_one_is_used() {
    let with = |name: &str, text: &str| Renderer::new(&NGINX, OLDEST, BTreeMap::from([(name.to_owned(), text.to_owned())]));
    let error = with("host.tera", "server {\n  {{ name | nope }}\n").unwrap_err();
    assert_eq!((error.template.as_str(), error.line), ("host.tera", 2));
    assert!(error.to_string().starts_with("host.tera:2:"), "{error}");
    assert!(with("hosts.tera", "").unwrap_err().to_string().contains("no such template"));
    let mut undefined = with("backend.tera", "upstream x {\n server {{ nope }}; }\n").unwrap();
    let Err(RenderError::Template(error)) = undefined.render(&rich().model()) else { panic!("rendered") };
    assert_eq!((error.template.as_str(), error.line), ("backend.tera", 2));
    let mut good = with("certificate.tera", "{{ key }} {{ path }}; # ours\n").unwrap();
    assert!(good.render(&rich().model()).unwrap().iter().any(|(_, f)| f.bytes.whole().ends_with(b"# ours\n")));
}

#[test]
fn an_override_that_says_too_much_is_refused_by_file_line_and_object() {
    let text = "server {   # Ingress {{ origin }}\n  root /etc;\n}\n".to_owned();
    let mut renderer = Renderer::new(&NGINX, OLDEST, BTreeMap::from([("host.tera".to_owned(), text)])).unwrap();
    let draft = Draft { globals: globals(), hosts: vec![host("", HostCertificate::Unclaimed, vec![])], ..Draft::default() };
    match renderer.render(&draft.model()).unwrap_err() {
        RenderError::Grammar { file, line, origin, message, text } => {
            assert!(file.starts_with("hosts/00-") && line == 2 && message.contains("\"root\""), "{file}:{line}: {message}");
            assert_eq!((origin, text), (Some(ingress()), "root /etc;".to_owned()));
        }
        error @ RenderError::Template(_) => panic!("{error}"),
    }
}

#[test]
fn nginx_names_the_line_whose_object_we_find() {
    let (program, version) = programs().remove(0);
    let files = files_of(&rich().model(), version);
    let staged = Staged::new(&files, &program);
    let (path, file) = files.iter().find(|(path, _)| path.starts_with("hosts/")).unwrap();
    let bytes = file.bytes.whole();
    let text = String::from_utf8_lossy(&bytes);
    let (before, after) = text.split_at(text.find("location = \"/x'$y/\"").unwrap());
    let text = format!("{before}{}", after.replacen("proxy_pass", "proxy_pas", 1));
    std::fs::write(staged.dir.path().join("files").join(path), &text).unwrap();
    let refusal = (NGINX.refusal)(&staged.check().unwrap_err());
    let (at, line) = refusal.at.unwrap();
    assert!(at.ends_with(path) && refusal.message.starts_with("unknown directive \"proxy_pas\""), "{}", refusal.message);
    assert_eq!((NGINX.origin_at)(text.as_bytes(), line), Some(ingress()));
}

/// Every directive that our reader finds is one for nginx, too, on the very line: renamed, nginx complains about it there.
#[test]
fn nginx_and_our_reader_see_the_same_directives() {
    let (program, version) = programs().remove(0);
    let files = files_of(&rich().model(), version);
    let staged = Staged::new(&files, &program);
    let mut compared = 0;
    for (path, file) in files.iter().filter(|(path, _)| !path.starts_with("tls/") && !path.contains("certificates")) {
        let bytes = file.bytes.whole();
        let text = std::str::from_utf8(&bytes).unwrap();
        let mut found = Vec::new();
        collect(&read(&bytes).unwrap(), &mut found);
        for (name, line) in &found {
            assert_same(&staged, path, text, name, *line);
            compared += 1;
        }
        staged.write(&files);
    }
    assert!(compared > 150);
}

fn assert_same(staged: &Staged, path: &str, text: &str, name: &str, line: u32) {
    let renamed: Vec<_> =
        (1..).zip(text.lines()).map(|(n, l)| if n == line { l.replacen(name, "renamed", 1) } else { l.to_owned() }).collect();
    std::fs::write(staged.dir.path().join("files").join(path), renamed.join("\n") + "\n").unwrap();
    let refusal = (NGINX.refusal)(&staged.check().expect_err("nginx took an unknown directive"));
    assert!(refusal.message.starts_with("unknown directive \"renamed\""), "{path}:{line} {name}: {}", refusal.message);
    let (at, seen) = refusal.at.unwrap();
    assert_eq!((Path::new(&at).ends_with(path), seen), (true, line), "{name}");
}

/// Names and lines; the keys of maps are no directives.
fn collect(directives: &[Directive<'_>], found: &mut Vec<(String, u32)>) {
    for directive in directives {
        found.push((directive.name.to_string(), directive.line));
        if let Some(block) = directive.block.as_ref().filter(|_| directive.name != "map" && directive.name != "geo") {
            collect(block, found);
        }
    }
}
