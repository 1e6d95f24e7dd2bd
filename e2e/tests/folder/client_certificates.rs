//! Certificates of clients (`auth-tls-*`): who may pass, what endpoints are told, and where others go.

use gatewright_e2e::client::{send, send_over_tls, send_over_tls_as};
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, ingress};
use gatewright_e2e::on_every_version;
use gatewright_e2e::site::{Site, all_running, running};
use gatewright_e2e::tls::{Authority, Pair};
use serde_json::{Value, json};

/// What an authority is known by, and what it has revoked.
fn authority(name: &str, authority: &Authority, revoked: Option<&[u64]>) -> Value {
    let mut data = json!({"ca.crt": authority.own.certificate});
    if let Some(revoked) = revoked {
        data["ca.crl"] = authority.revoke(revoked).into();
    }
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})
}

/// An Ingress that asks for certificates of the authority in the Secret `ca` of the site.
fn asking(site: &Site, name: &str, annotations: &[(&str, &str)]) -> Value {
    let ingress = ingress(name).prefix(&site.host(name), "/", "s").tls(&[&site.host(name)], "");
    let ingress = ingress.annotation("auth-tls-secret", &format!("{}/ca", site.namespace()));
    annotations.iter().fold(ingress, |ingress, (name, value)| ingress.annotation(&format!("auth-tls-{name}"), value))
}

/// `GET` by a client with this certificate, or none; also with headers as if it had been checked.
fn ask(host: &str, own: Option<&Pair>) -> Answer {
    let lies = ["verify", "subject-dn", "issuer-dn", "cert"];
    let request = lies.iter().fold(Request::get(host, "/"), |request, name| request.header(&format!("ssl-client-{name}"), "a lie"));
    match own {
        Some(own) => send_over_tls_as(own, host, &request),
        None => send_over_tls(Some(host), &request),
    }
    .unwrap()
}

/// What a client gets: who answers, and what that one has been told of the verification.
fn seen(host: &str, own: Option<&Pair>) -> (String, String) {
    let answer = ask(host, own);
    (answer.word(), answer.received("ssl-client-verify").unwrap_or_default())
}

fn passed(verified: &str) -> (String, String) {
    ("s".to_owned(), verified.to_owned())
}

fn stopped(status: u16) -> (String, String) {
    (status.to_string(), String::new())
}

on_every_version! {
    fn a_client_passes_by_a_certificate_of_the_authority(proxy) {
        let site = Site::of(proxy, "mtls");
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        let (anna, revoked, expired) = (ours.sign_client("anna", 7), ours.sign_client("rob", 8), ours.sign_expired_client("ed"));
        let stranger = theirs.sign_client("anna", 7);
        let words = ["on", "optional", "optional_no_ca", "off"].map(|word| (word, word.replace('_', "-")));
        let ingresses = words.iter().map(|(word, name)| asking(&site, name, &[("verify-client", word)]));
        let plain = ingress("plain").prefix(&site.host("plain"), "/", "s");
        let misspelt = asking(&site, "misspelt", &[("verify-client", "optinal"), ("verify-depth", "one")]);
        let objects = [running("s"), vec![authority("ca", &ours, Some(&[8])), plain, misspelt], ingresses.collect()].concat();
        site.apply(&objects);
        let [on, optional, of_any, off] = words.map(|(_, name)| site.host(&name));
        let clients = [None, Some(&anna), Some(&stranger), Some(&revoked), Some(&expired)];
        let all = |host: &str| clients.map(|own| seen(host, own));
        let page = String::from_utf8_lossy(&ask(&on, None).body).into_owned();
        assert!(page.contains("No required SSL certificate was sent"), "{page}");
        let stops = [(); 3].map(|()| stopped(400));
        let [foreign, gone, old] = stops.clone();
        assert_eq!(all(&on), [stopped(400), passed("SUCCESS"), foreign, gone, old]);
        assert_eq!(all(&site.host("misspelt")), all(&on), "the strictest holds when it is not clear which");
        let [foreign, gone, old] = stops;
        assert_eq!(all(&optional), [passed("NONE"), passed("SUCCESS"), foreign, gone, old]);
        // What is said of an authority that nobody knows is OpenSSL's; other troubles are no better than before.
        let of_any = all(&of_any);
        assert_eq!([&of_any[0], &of_any[1], &of_any[3], &of_any[4]], [&passed("NONE"), &passed("SUCCESS"), &stopped(400), &stopped(400)]);
        assert!(of_any[2].0 == "s" && of_any[2].1.starts_with("FAILED:unable to "), "{of_any:?}");
        assert_eq!(all(&off).map(|(who, _)| who), ["s"; 5].map(str::to_owned), "nobody is asked");
        // Plain HTTP knows no certificates, and nobody may say that there was one.
        for host in [&on, &site.host("plain")] {
            let answer = send(&Request::get(host, "/").header("ssl-client-verify", "SUCCESS").header("X-Forwarded-Proto", "https")).unwrap();
            assert!(answer.status == 308 || answer.received("ssl-client-verify").is_none_or(|told| told != "SUCCESS"), "{answer:?}");
        }
    }

    fn endpoints_are_told_of_the_certificate_and_nothing_that_the_client_made_up(proxy) {
        let site = Site::of(proxy, "mtls-told");
        let ours = Authority::new("ours");
        let anna = ours.sign_client("anna", 1);
        let with = asking(&site, "with", &[("pass-certificate-to-upstream", "true"), ("verify-client", "optional")]);
        site.apply(&[running("s"), vec![authority("ca", &ours, None), with, asking(&site, "without", &[])]].concat());
        let told = |answer: &Answer| ["subject-dn", "issuer-dn", "cert"].map(|name| answer.received(&format!("ssl-client-{name}")));
        let [subject, issuer] = ["CN=anna", "CN=ours"].map(|name| Some(name.to_owned()));
        let [seen_subject, seen_issuer, pem] = told(&ask(&site.host("with"), Some(&anna)));
        // Authorities of these tests have more in their names than the common one.
        assert_eq!(seen_subject, subject);
        assert!(seen_issuer.as_ref().zip(issuer.as_ref()).is_some_and(|(seen, issuer)| seen.contains(&**issuer)), "{seen_issuer:?}");
        let pem = pem.expect("it is passed on").replace("%20", " ").replace("%0A", "\n").replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        assert_eq!(pem, anna.certificate.replace("\r\n", "\n"));
        assert_eq!(told(&ask(&site.host("without"), Some(&anna)))[2], None, "only where it is asked for");
        assert_eq!(told(&ask(&site.host("with"), None)), [const { None }; 3]);
    }

    fn others_go_where_the_ingress_says(proxy) {
        let site = Site::of(proxy, "mtls-pages");
        let ours = Authority::new("ours");
        let (anna, ben) = (ours.sign_client("anna", 1), ours.sign_client("ben", 2));
        let stranger = Authority::new("theirs").sign_client("anna", 1);
        let url = asking(&site, "url", &[("error-page", "https://login.test/start?from=mtls")]);
        let path = asking(&site, "path", &[("error-page", "/page")]);
        // Another Ingress has that path, and says more of it.
        let pages = ingress("pages").path(&site.host("path"), "/page", "Exact", "pages").annotation("upstream-vhost", "pages.test");
        let matched = asking(&site, "matched", &[("match-cn", "CN=(anna|carl)$")]);
        // What is wrong with a certificate is another error for nginx than 400.
        let custom = asking(&site, "custom", &[]).annotation("custom-http-errors", "400").annotation("default-backend", "pages");
        let missing = asking(&site, "missing", &[]).annotation("auth-tls-secret", &format!("{}/nobody", site.namespace()));
        site.apply(&[all_running(&["s", "pages"]), vec![authority("ca", &ours, None), url, path, pages, custom, matched, missing]].concat());
        let [url, path, matched, missing] = ["url", "path", "matched", "missing"].map(|name| site.host(name));
        let sent = ask(&url, None);
        assert_eq!((sent.status, sent.header("Location")), (302, Some("https://login.test/start?from=mtls")));
        assert_eq!([ask(&url, Some(&anna)).word(), ask(&path, Some(&anna)).word()], ["s", "s"]);
        let page = |client: Option<&Pair>, request: &Request| {
            let answer = client.map_or_else(|| send_over_tls(Some(&path), request), |own| send_over_tls_as(own, &path, request)).unwrap();
            let echo = answer.echo();
            ["service", "method", "target"].map(|word| echo[word].as_str().unwrap_or_default().to_owned())
        };
        let of = |method: &str| Request::new(method, "/asked%20for//../a?query").header("Host", &path);
        for client in [None, Some(&stranger)] {
            assert_eq!(page(client, &of("GET")), ["pages", "GET", "/page"]);
            assert_eq!(page(client, &of("POST").body(b"abc")), ["pages", "GET", "/page"]);
        }
        assert_eq!(page(Some(&anna), &of("POST").body(b"abc")), ["s", "POST", "/asked%20for//../a?query"]);
        assert_eq!([None, Some(&stranger), Some(&anna)].map(|client| ask(&site.host("custom"), client).word()), ["400", "400", "s"]);
        assert_eq!([ask(&matched, Some(&anna)).word(), ask(&matched, Some(&ben)).word(), ask(&matched, None).word()], ["s", "403", "400"]);
        assert_eq!([ask(&missing, Some(&anna)).word(), ask(&missing, None).word()], ["403", "403"], "who cannot be checked does not pass");
    }

    fn a_page_for_other_clients_is_found_as_any_path_of_the_host(proxy) {
        let site = Site::of(proxy, "mtls-paths");
        let ours = Authority::new("ours");
        let (anna, stranger) = (ours.sign_client("anna", 1), Authority::new("theirs").sign_client("anna", 1));
        let page = |name: &str, path: &str, verify: &str| asking(&site, name, &[("error-page", path), ("verify-client", verify)]);
        let kinds = [("need", "on"), ("may", "optional"), ("any", "optional_no_ca"), ("off", "off")];
        let kinds = kinds.map(|(name, verify)| page(name, "/page", verify).path(&site.host(name), "/page", "Exact", "pages"));
        let written = page("written", "/%41/é+$x", "on").path(&site.host("written"), "/%41/é", "Exact", "s");
        let written = written.path(&site.host("written"), "/%41/é+$x", "Exact", "pages");
        let nowhere = ingress("nowhere").path(&site.host("nowhere"), "/a", "Prefix", "s").tls(&[&site.host("nowhere")], "");
        let nowhere = nowhere.annotation("auth-tls-secret", &format!("{}/ca", site.namespace())).annotation("auth-tls-error-page", "/page");
        let wild = page("wild", "/wild", "on").path(&format!("*.{}", site.host("wild")), "/", "Prefix", "s");
        let wild = wild.path(&format!("*.{}", site.host("wild")), "/wild", "Exact", "pages").tls(&[&format!("*.{}", site.host("wild"))], "");
        let objects = [all_running(&["s", "pages"]), vec![authority("ca", &ours, None), written, nowhere, wild], kinds.to_vec()].concat();
        site.apply(&objects);
        let who = |name: &str| [None, Some(&anna), Some(&stranger)].map(|own| ask(&site.host(name), own).word());
        assert_eq!(who("need"), ["pages", "s", "pages"]);
        assert_eq!(who("may"), ["s", "s", "pages"]);
        assert_eq!([who("any"), who("off")], [["s"; 3]; 2]);
        assert_eq!(who("x.wild"), ["pages", "s", "pages"]);
        assert_eq!(who("written"), ["pages", "s", "pages"]);
        assert_eq!(ask(&site.host("written"), None).echo()["target"], "/%2541/%C3%A9+$x");
        let status = |name: &str, target: &str| send_over_tls(Some(&site.host(name)), &Request::get(&site.host(name), target)).unwrap().status;
        assert_eq!([status("nowhere", "/a"), status("nowhere", "/page")], [404, 404]);
        assert_eq!(status("need", "/../a"), 400, "what is no target is no path of anybody");
        // Nobody is sent there by plain HTTP, nor as another host.
        assert_eq!(send(&Request::get(&site.host("need"), "/")).unwrap().status, 308);
        let as_another = send_over_tls(Some(&site.host("off")), &Request::get(&site.host("need"), "/")).unwrap();
        assert_eq!(as_another.status, 421);
    }

    fn the_page_of_a_host_changes_with_its_paths(proxy) {
        let site = Site::of(proxy, "mtls-swap");
        let ours = Authority::new("ours");
        let anna = ours.sign_client("anna", 1);
        let host = |name: &str, path: &str, service: &str| {
            asking(&site, name, &[("error-page", path)]).path(&site.host(name), path, "Exact", service)
        };
        let objects = |hosts: Vec<Value>| [all_running(&["s", "one", "two"]), vec![authority("ca", &ours, None)], hosts].concat();
        let who = || ["a", "b"].map(|name| [None, Some(&anna)].map(|own| ask(&site.host(name), own).word()));
        site.apply(&objects(vec![host("a", "/1", "one"), host("b", "/2", "two")]));
        assert_eq!(who(), [["one", "s"], ["two", "s"]]);
        // All that the proxy has for one host it had for the other one before.
        site.apply(&objects(vec![host("a", "/2", "two"), host("b", "/1", "one")]));
        assert_eq!(who(), [["two", "s"], ["one", "s"]]);
        site.apply(&objects(vec![asking(&site, "a", &[]), host("b", "/1", "one")]));
        assert_eq!(who(), [["400", "s"], ["one", "s"]]);
    }

    fn the_authority_of_a_host_changes_for_new_connections_and_for_that_host_alone(proxy) {
        let site = Site::of(proxy, "mtls-ca");
        let (first, second) = (Authority::new("first"), Authority::new("second"));
        let (anna, ben) = (first.sign_client("anna", 1), second.sign_client("ben", 1));
        let objects = |ca: &Authority, revoked: Option<&[u64]>| {
            let other = ingress("other").prefix(&site.host("other"), "/", "s").tls(&[&site.host("other")], "");
            let other = other.annotation("auth-tls-secret", &format!("{}/other", site.namespace()));
            [running("s"), vec![authority("ca", ca, revoked), authority("other", &first, None), asking(&site, "h", &[]), other]].concat()
        };
        let passing = || [&site.host("h"), &site.host("other")].map(|host| [&anna, &ben].map(|own| ask(host, Some(own)).word()));
        let (yes, no) = ("s", "400");
        site.apply(&objects(&first, None));
        assert_eq!(passing(), [[yes, no], [yes, no]]);
        site.apply(&objects(&second, None));
        assert_eq!(passing(), [[no, yes], [yes, no]]);
        site.apply(&objects(&second, Some(&[1])));
        assert_eq!(passing(), [[no, no], [yes, no]]);
        // A name in the handshake that asks for nothing is no way around what the host asks for.
        let around = |name: Option<&str>| send_over_tls(name, &Request::get(&site.host("h"), "/")).map_or(0, |answer| answer.status);
        assert!([around(None), around(Some("unknown.test"))].iter().all(|status| *status != 200));
        let shown_elsewhere = send_over_tls_as(&anna, &site.host("other"), &Request::get(&site.host("h"), "/")).unwrap();
        assert_ne!(shown_elsewhere.word(), "s");
    }
}
