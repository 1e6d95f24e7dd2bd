//! `--secrets-from`: Secrets out of a folder, renewed while requests come.

use gatewright_e2e::client::{certificate, get_over_tls, send_over_tls};
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, ingress, secret};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::tls::Pair;
use gatewright_e2e::wait::until_eq;
use gatewright_e2e::world::World;
use std::fs;
use std::path::Path;

/// Writes the files of a Secret, one after the other.
fn write(folder: &Path, files: &[(&str, &str)]) {
    fs::create_dir_all(folder).unwrap();
    files.iter().for_each(|(key, text)| fs::write(folder.join(key), text).unwrap());
}

on_every_proxy! {
    fn certificates_and_passwords_are_those_of_files_and_follow_them(proxy) {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| folder.path().join("default").join(name);
        let pair = |pair: &Pair| write(&of("pair"), &[("tls.crt", &pair.certificate), ("tls.key", &pair.key)]);
        let [first, second, foreign] = std::array::from_fn(|_| Pair::new(&["h.test"]));
        pair(&first);
        write(&of("users"), &[("auth", "anna:{PLAIN}one")]);
        let guarded = ingress("a").prefix("h.test", "/", "s").tls(&["h.test"], "pair").annotation("auth-type", "basic").annotation("auth-secret", "users");
        let manifest = [running("s"), vec![guarded, secret("pair", &foreign)]].concat();
        let flag = format!("--secrets-from={}", folder.path().display());
        let world = World::of(proxy).manifest("m.yaml", &manifest).arg(&flag).start();
        let shown = || certificate(Some("h.test")).unwrap_or_default();
        // `anna:one` in base64.
        let named = Request::get("h.test", "/").header("Authorization", "Basic YW5uYTpvbmU=");
        let status = || send_over_tls(Some("h.test"), &named).map_or(0, |answer| answer.status);
        until_eq("the certificate is that of the file", &first.der, shown);
        until_eq("anna is let in", &200, status);
        assert_eq!(get_over_tls("h.test", "/").unwrap().status, 401);
        let said = world.diagnostics();
        assert!(said.iter().any(|line| line.contains("1 Secret is left out: all Secrets are those of --secrets-from")), "{said:?}");
        pair(&second);
        until_eq("the certificate is the new one", &second.der, shown);
        write(&of("users"), &[("auth", "bert:{PLAIN}one")]);
        until_eq("anna is gone", &401, status);
        fs::remove_dir_all(of("users")).unwrap();
        until_eq("nobody knows who may come in", &503, status);
    }
}
