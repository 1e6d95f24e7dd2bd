//! The same inputs give the same report, in whatever order and in however many files they are written.

use crate::world::{Folder, ingress, secret, service};

/// Documents of one side; `is_new`: of the other one, where a bit of everything has changed.
fn documents(is_new: bool, pairs: &[String; 2]) -> Vec<String> {
    let pick = |old: &str, new: &str| if is_new { new.to_owned() } else { old.to_owned() };
    let annotated = |text: String, key: &str, value: &str| {
        text.replacen("namespace: shop}", &format!("namespace: shop, annotations: {{nginx.ingress.kubernetes.io/{key}: \"{value}\"}}}}"), 1)
    };
    let mut all = vec![
        annotated(ingress("front", "a.test", &pick("/", "/x"), "cart"), "proxy-read-timeout", &pick("60", "120")),
        annotated(ingress("admin", "admin.test", "/", "api"), "whitelist-source-range", &pick("10.0.0.0/8", "0.0.0.0/0")),
        ingress("tls", "tls.test", "/", "cart").replace("spec:\n", "spec:\n  tls: [{hosts: [tls.test], secretName: pair}]\n"),
        ingress("moved", &pick("old.test", "new.test"), "/", "api"),
        ingress("broken", "broken.test", "/", &pick("cart", "gone")),
        pairs[usize::from(is_new)].clone(),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {proxy-body-size: ".to_owned()
            + &pick("8m", "64m")
            + "}\n---\n",
    ];
    all.extend(
        ["cart", "api"].map(service).into_iter().flat_map(|text| text.split_inclusive("---\n").map(str::to_owned).collect::<Vec<_>>()),
    );
    all
}

/// Writes the documents in an order that `seed` decides, into as many files.
fn write(folder: &Folder, side: &str, documents: &[String], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut order: Vec<usize> = (0..documents.len()).collect();
    (1..order.len()).rev().for_each(|n| order.swap(n, usize::try_from(next() % (n as u64 + 1)).unwrap()));
    let mut files = vec![String::new(); usize::try_from(seed % 5).unwrap() + 1];
    for n in order {
        let file = usize::try_from(next()).unwrap_or(0) % files.len();
        files[file].push_str(&documents[n]);
    }
    for (n, text) in files.iter().enumerate() {
        folder.write(&format!("{seed}/{side}/{}.yaml", char::from(b'z' - u8::try_from(n).unwrap())), text);
    }
}

#[test]
fn the_order_of_documents_and_files_changes_no_byte_of_a_report() {
    let pairs = [(); 2].map(|()| secret("pair", "tls.test"));
    let folder = Folder::new(&[]);
    let seeds = 1..7;
    for seed in seeds.clone() {
        for (side, is_new) in [("old", false), ("new", true)] {
            write(&folder, side, &documents(is_new, &pairs), seed);
        }
    }
    for proxy in ["nginx", "haproxy"] {
        for format in ["text", "markdown", "json"] {
            let report = |seed: u64| {
                let [old, new] = ["old", "new"].map(|side| format!("{seed}/{side}"));
                let ran = folder.run(&["diff", &old, &new, "--format", format, "--proxy", proxy, "--configmap", "shop/settings"]);
                assert_eq!(ran.code, 1, "{ran:?}");
                // Findings name the file that they are in.
                let lines = ran.out.lines().filter(|line| !["/new/", "\"line\": ", "\"column\": "].iter().any(|part| line.contains(part)));
                lines.map(|line| line.to_owned() + "\n").collect::<String>()
            };
            let first = report(1);
            for part in ["a.test", "admin.test", "new.test", "proxy-body-size", "whitelist-source-range", "pair, with another key pair"] {
                assert!(first.contains(part), "{part} is missing in {first}");
            }
            assert!(first.contains(if proxy == "nginx" { "allow 0.0.0.0/0;" } else { "acl allowed_source src" }), "{first}");
            for seed in seeds.clone() {
                assert_eq!(report(seed), first, "{proxy} {format} of seed {seed}");
            }
        }
    }
}

#[test]
fn the_files_of_haproxy_are_compared_by_what_they_are_for() {
    let pairs = [(); 2].map(|()| secret("pair", "tls.test"));
    let folder = Folder::new(&[("old.yaml", &documents(false, &pairs).concat()), ("new.yaml", &documents(true, &pairs).concat())]);
    let ran = folder.run(&["diff", "old.yaml", "new.yaml", "--files-only", "--proxy", "haproxy"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let titles: Vec<&str> = ran.out.lines().filter_map(|line| line.strip_prefix("--- ")).collect();
    for part in ["host new.test", "host old.test", "prefix a.test", "prefix new.test"] {
        assert!(titles.contains(&part), "{part} is missing in {titles:#?}");
    }
    let allowed = |line: &str, range: &str| line.contains("acl allowed_source src") && line.contains(range);
    let has = |sign: char, range: &str| ran.out.lines().any(|line| line.starts_with(sign) && allowed(line, range));
    assert!(has('-', "10.0.0.0") && has('+', "0.0.0.0/"), "{}", ran.out);
    assert!(!ran.out.contains("PRIVATE KEY") && !ran.out.contains("Configuration checksum"), "{}", ran.out);
}
