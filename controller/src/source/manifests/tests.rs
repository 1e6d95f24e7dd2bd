//! What files give, from bytes to objects and `file:line:column`.

use super::load::{InputPath, Loaded, from_texts, load};
use super::read::Purpose;
use crate::source::Located;
use gatewright_core::diagnostic::{Code, Outcome, Severity};
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use std::path::Path;

fn one(text: &str) -> Loaded {
    from_texts([(Path::new("f.yaml"), text.as_bytes())])
}

fn names(loaded: &Loaded) -> Vec<String> {
    loaded.objects.iter().map(|object| object.reference().to_string()).collect()
}

/// `line:column CODE message`, in order.
fn told(problems: &[Located]) -> Vec<String> {
    let tell = |Located { diagnostic: d, place }: &Located| {
        let place = place.as_ref().map_or_else(String::new, |place| format!("{}:{} ", place.line, place.column));
        format!("{place}{} {}", d.code, d.message)
    };
    problems.iter().map(tell).collect()
}

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n";

#[test]
fn every_form_of_a_file_gives_its_objects() {
    let json = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}"#;
    let table = [
        (SERVICE.to_owned(), 1),
        (format!("\u{feff}{}", SERVICE.replace('\n', "\r\n")), 1),
        (format!("%YAML 1.2\n---\n{SERVICE}...\n%YAML 1.1\n---\n{}", SERVICE.replace("s}", "t}")), 2),
        ("# nothing\n---\n# here\n---\n~\n".to_owned(), 0),
        (json.to_owned(), 1),
        (format!("{json}\n{}", json.replace("\"s\"", "\"t\"")), 2),
        (format!("{json}\n---\n{}", json.replace("\"s\"", "\"t\"")), 2),
        ("{apiVersion: v1, kind: Service, metadata: {name: s}}".to_owned(), 1),
        ("{\"apiVersion\": v1, kind: Service, metadata: {name: s}}".to_owned(), 1),
        (
            format!("{{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": [{json}, {{\"kind\": \"List\", \"items\": [{json}]}}]}}")
                .replacen("\"s\"", "\"t\"", 1),
            2,
        ),
        ("apiVersion: v1\nkind: ServiceList\nitems:\n- metadata: {name: s}\n- metadata: {name: t}\n".to_owned(), 2),
        ("apiVersion: v1\nkind: List\nitems: null\n".to_owned(), 0),
    ];
    for (text, count) in table {
        let loaded = one(&text);
        assert_eq!(names(&loaded), ["Service default/s", "Service default/t"][..count], "{text}");
        assert!(loaded.problems.is_empty(), "{text}\n{:?}", loaded.problems);
    }
}

#[test]
fn mistakes_are_told_where_they_are() {
    let table: &[(&str, &[&str])] = &[
        ("a: [\n---\nb: c", &["1:5 GW0001 did not find expected node content", "3:1 GW0002 the object has no kind"]),
        ("ü: é\nä: ö: 1\n", &["2:5 GW0001 mapping values are not allowed in this context"]),
        ("a: \u{0}b", &["1:4 GW0001 control character U+0000 in the document"]),
        ("a: \"x\u{1b}\"", &["1:6 GW0001 control character U+001B in the document"]),
        ("just text", &["1:1 GW0001 a text stands where an object is expected"]),
        ("- a", &["1:1 GW0001 a list stands where an object is expected"]),
        ("\n\nkind: Ingress\n", &["3:1 GW0002 the object has no apiVersion"]),
        ("{\"a\":\n  1 \"b\": 2}", &["2:5 GW0001 expected `,` or `}`"]),
        ("a: !x y", &["1:4 GW0001 a: tags such as !name have no meaning here"]),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: .nan}, {port: 1e400}, {port: 80}]}\n",
            &[
                "4:23 GW0002 \"NaN\" is a text, where a whole number belongs",
                "4:37 GW0002 \"1e400\" is a text, where a whole number belongs",
            ],
        ),
        ("*a", &["1:1 GW0001 unknown anchor"]),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {}\nspec: {}\n",
            &["5:1 GW0008 key \"spec\" stands twice in the same mapping"],
        ),
        (
            "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: s}\n\
             - apiVersion: networking.k8s.io/v1\n  kind: Ingress\n  metadata: {name: a, annotations: {b: \"1\", b: \"2\"}}\n",
            &["9:45 GW0008 key \"b\" stands twice in the same mapping"],
        ),
        ("apiVersion: v1\nkind: List\nitems: 3\n", &["3:8 GW0002 items is not a list"]),
        ("apiVersion: v1\nkind: List\nitems: [3]\n", &["3:9 GW0002 a number stands where an object is expected"]),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: 7}\n", &["3:18 GW0002 Service: 7 is a number, where a text belongs"]),
        ("apiVersion: v1\nkind: Service\nmetadata: {}\n", &["3:1 GW0002 the Service has no name"]),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: []\n", &["4:1 GW0002 a list stands where a mapping belongs"]),
        (
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s}\naddressType: IPX\n",
            &["4:14 GW0002 \"IPX\" is not known"],
        ),
        ("apiVersion: networking.k8s.io/v2\nkind: Ingress\n", &["1:13 GW0002 apiVersion \"networking.k8s.io/v2\" is not known"]),
        ("apiVersion: networking.k8s.io/v1\nkind: ingress\n", &["2:7 GW0002 kind \"ingress\" is not known"]),
        (
            "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\n",
            &["1:13 GW0004 no API server takes extensions/v1beta1 since Kubernetes 1.22; it is read as networking.k8s.io/v1"],
        ),
        (
            "apiVersion: apps/v1\nkind: Deployment\n---\napiVersion: networking.internal.knative.dev/v1\nkind: Ingress\n",
            &["GW0007 objects of kinds that are not read: 1 Deployment (apps/v1), 1 Ingress (networking.internal.knative.dev/v1)"],
        ),
    ];
    for (text, problems) in table {
        assert_eq!(told(&one(text).problems), *problems, "{text}");
    }
}

#[test]
fn an_ingress_that_says_something_in_two_ways_is_left_out() {
    let ingress = |name: &str, annotations: &str| {
        format!("- apiVersion: networking.k8s.io/v1\n  kind: Ingress\n  metadata: {{name: {name}, annotations: {{{annotations}}}}}\n")
    };
    let list = ["apiVersion: v1\nkind: List\nitems:\n".to_owned(), ingress("a", "x: \"1\""), ingress("b", "x: \"1\", x: \"2\"")].concat();
    let loaded = one(&list);
    assert_eq!(names(&loaded), ["Ingress default/a"]);
    let [problem] = &*loaded.problems else { panic!("{:?}", loaded.problems) };
    let finding = &problem.diagnostic;
    assert_eq!((finding.object.as_ref().unwrap().to_string(), finding.severity), ("Ingress default/b".to_owned(), Severity::Error));
    assert_eq!((finding.code, finding.outcome), (Code::DuplicateKey, Outcome::SkippedObject));
    let alone = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {defaultBackend: {}, defaultBackend: {}}\n";
    assert!(one(alone).objects.is_empty());
}

#[test]
fn bytes_that_are_no_text_cost_their_document_only() {
    let mut bytes = b"a: \xff\n---\n".to_vec();
    bytes.extend_from_slice(SERVICE.as_bytes());
    let loaded = from_texts([(Path::new("f.yaml"), &*bytes)]);
    assert_eq!(names(&loaded), ["Service default/s"]);
    assert_eq!(told(&loaded.problems), ["1:4 GW0001 the document is not UTF-8 text"]);
}

#[test]
fn a_wrong_type_names_object_field_and_place() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  annotations:\n    a.example/b: true\n";
    let loaded = one(text);
    let [problem] = &*loaded.problems else { panic!("{:?}", loaded.problems) };
    assert_eq!(problem.place.as_ref().unwrap().to_string(), "f.yaml:6:18");
    assert_eq!(problem.diagnostic.object.as_ref().unwrap().to_string(), "ConfigMap default/c");
    assert_eq!(problem.diagnostic.help, "quote the value, such as \"true\"");
}

#[test]
fn of_an_object_in_two_files_the_later_one_is_used() {
    let first = "# c\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: first}\n";
    let second = first.replace("first", "second");
    let loaded = from_texts([(Path::new("a.yaml"), first.as_bytes()), (Path::new("b.yaml"), second.as_bytes())]);
    let [gatewright_core::state::Object::ConfigMap(map)] = &*loaded.objects else { panic!("{:?}", loaded.objects) };
    assert_eq!(map.data["k"], "second");
    assert_eq!(told(&loaded.problems), ["2:1 GW0003 the object is described again at b.yaml:2:1, which is used"]);
    assert_eq!(&*loaded.problems[0].place.as_ref().unwrap().file, Path::new("a.yaml"));
    let third = first.replace("first", "third");
    let loaded = from_texts(
        [("a.yaml", first), ("b.yaml", second.as_str()), ("c.yaml", third.as_str())].map(|(path, text)| (Path::new(path), text.as_bytes())),
    );
    assert_eq!(told(&loaded.problems), ["2:1 GW0003 the object is described again at c.yaml:2:1, which is used"; 2]);
}

#[test]
fn later_findings_are_shown_in_the_text() {
    let text = format!(
        "{SERVICE}---\nkind: List\nitems:\n- apiVersion: networking.k8s.io/v1\n  kind: Ingress\n  metadata: {{name: a}}\n  spec:\n    rules:\n    - host: h\n"
    );
    let loaded = one(&text);
    let place = |kind, name: &str, field: &str| {
        let object = ObjectRef::new(kind, ObjectName::new("default", name).unwrap());
        loaded.places.place_of(&object, field).map(|place| place.to_string())
    };
    assert_eq!(place(Kind::Ingress, "a", "spec.rules[0].host").unwrap(), "f.yaml:12:13");
    assert_eq!(place(Kind::Ingress, "a", "").unwrap(), "f.yaml:7:3");
    assert_eq!(place(Kind::Service, "s", "metadata.name").unwrap(), "f.yaml:3:18");
    assert_eq!(place(Kind::Service, "other", ""), None);
}

#[test]
fn objects_behind_each_other_on_one_line_have_their_columns() {
    let json = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"}}"#;
    let loaded = one(&format!("{json} {}", json.replace("\"s\"", "\"t\"")));
    let object = ObjectRef::new(Kind::Service, ObjectName::new("default", "t").unwrap());
    assert_eq!(loaded.places.place_of(&object, "kind").unwrap().to_string(), "f.yaml:1:88");
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let bomb: String = (1..8).map(|n| format!("x{n}: &x{n} [{}]\n", vec![format!("*x{}", n - 1); 9].join(", "))).collect();
    let n = 50_000;
    let table = [
        ("aliases", format!("x0: &x0 [b, b, b, b, b, b, b, b, b]\n{bomb}")),
        ("aliases, quadratic", format!("a: &a [{}]\nb: [{}]\n", "x,".repeat(n), "*a,".repeat(n))),
        ("text by aliases", format!("a: &a {}\nb: [{}]\n", "x".repeat(n), "*a,".repeat(n))),
        ("brackets", "[".repeat(n)),
        ("braces", "{a: ".repeat(n)),
        ("hidden brackets", "[ \"]\", ".repeat(n)),
        ("json", format!("{{\"a\":{}", "[".repeat(n))),
        ("dashes", "- ".repeat(n)),
        ("directives", format!("{}--- 1", "%TAG !e! tag:x\n".repeat(n))),
    ];
    for (name, text) in table {
        let begun = std::time::Instant::now();
        let loaded = one(&format!("{text}\n---\n{SERVICE}"));
        // One that went off would take hours.
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{name}");
        assert_eq!(names(&loaded), ["Service default/s"], "{name}");
        assert!(!loaded.problems.is_empty(), "{name}");
    }
}

#[test]
fn what_nobody_would_read_is_cut_short() {
    let loaded = one(&"a: [\n---\n".repeat(600));
    assert_eq!(loaded.problems.len(), 501);
    assert_eq!(told(&loaded.problems)[500], "1:1 GW0005 100 more findings in this file are not shown");
}

proptest::proptest! {
    #[test]
    fn healthy_neighbours_are_read_whatever_stands_between_them(junk in "(\\PC|[\n\t{}\\[\\]\"':&*!|>#-])*") {
        let loaded = one(&format!("{SERVICE}---\n{junk}\n---\n{}", SERVICE.replace("s}", "t}")));
        let names = names(&loaded);
        proptest::prop_assert!(["Service default/s", "Service default/t"].iter().all(|name| names.iter().any(|n| n == name)), "{names:?}");
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = from_texts([(Path::new("f.yaml"), &*bytes)]);
    }
}

#[test]
fn folders_are_read_with_links_once_and_without_hidden_files() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, dir.path().join(name)).unwrap();
    write("..2026/a.yaml", SERVICE);
    link("..2026", "..data");
    link("..data/a.yaml", "a.yaml");
    link("a.yaml", "again.yml");
    write("deep/er/b.json", r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "t"}}"#);
    link("..", "deep/loop");
    link("nowhere", "c.yaml");
    link("itself.yaml", "itself.yaml");
    link("self", "self");
    write(".hidden/x.yaml", "a: [");
    write("notes.txt", "a: [");
    let root = InputPath::Path(dir.path().to_owned());
    let again = InputPath::Path(dir.path().join("deep/er/b.json"));
    let loaded = load(&[root, again], Purpose::Once).unwrap();
    assert_eq!(names(&loaded), ["Service default/s", "Service default/t"]);
    let told =
        |problem: &Located| (problem.diagnostic.message.clone(), problem.place.as_ref().unwrap().file.file_name().unwrap().to_owned());
    let nowhere = ["c.yaml", "itself.yaml", "self"].map(|name| ("the link leads nowhere".to_owned(), name.into()));
    assert_eq!(loaded.problems.iter().map(told).collect::<Vec<_>>(), nowhere);
    let missing = load(&[InputPath::Path(dir.path().join("missing"))], Purpose::Once).unwrap_err();
    assert!(missing.to_string().starts_with("could not read "));
}

#[test]
fn what_has_the_name_of_a_manifest_and_is_no_file_is_told_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), SERVICE).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(folder.path().join("socket.yaml")).unwrap();
    let loaded = load(&[InputPath::Path(folder.path().to_owned())], Purpose::Once).unwrap();
    assert_eq!(names(&loaded), ["Service default/s"]);
    assert_eq!(told(&loaded.problems), ["1:1 GW0001 this is neither a file nor a folder, so it is not read"]);
}

#[test]
fn settings_that_cannot_be_read_are_there_and_hold_nothing() {
    let table = [
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  global-auth-url: \"http://a\n", "ConfigMap default/c"),
        (
            "apiVersion: gatewright.dev/v1alpha1\nkind: GatewrightParameters\nmetadata:\n  name: p\n  namespace: n\nspec: [\n",
            "GatewrightParameters n/p",
        ),
    ];
    for (text, name) in table {
        let loaded = one(&format!("{SERVICE}---\n{text}"));
        assert_eq!(names(&loaded), ["Service default/s", name].map(str::to_owned).into_iter().collect::<Vec<_>>());
        let [Located { diagnostic, .. }] = &*loaded.problems else { panic!("{:?}", loaded.problems) };
        assert_eq!(diagnostic.object.as_ref().map(ToString::to_string).as_deref(), Some(name));
        assert_eq!(diagnostic.code, Code::BadDocument, "{text}");
    }
    let ingress = one("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: [\n");
    assert!(ingress.objects.is_empty() && ingress.problems[0].diagnostic.object.is_some(), "{:?}", ingress.problems);
}
