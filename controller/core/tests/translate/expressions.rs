//! Paths that are expressions.

use crate::world::{World, annotated, check, ingress, services, with};
use gatewright_core::diagnostic::{Code, Outcome};

#[test]
fn rgx_1_to_6_paths_of_a_host_are_expressions_by_falling_length() {
    let plain = ingress("plain", 1, &[("t", &[("/foo/bar", "Prefix", "s1"), ("/foo/bar/", "Prefix", "s2")])]);
    let rewriting =
        annotated(ingress("rewriting", 2, &[("t", &[("/foo/bar/(.+)", "ImplementationSpecific", "s3")])]), &[("rewrite-target", "/$1")]);
    check(&[plain, rewriting], &["t ~/foo/bar/(.+) → default-s3-80", "t ~/foo/bar/ → default-s2-80", "t ~/foo/bar → default-s1-80"]);
    let regex = ingress("regex", 1, &[("t", &[("/foo/bar/bar", "Prefix", "s1"), ("/foo/bar/[A-Z0-9]{3}", "Prefix", "s2")])]);
    check(&[annotated(regex, &[("use-regex", "true")])], &["t ~/foo/bar/[A-Z0-9]{3} → default-s2-80", "t ~/foo/bar/bar → default-s1-80"]);
}

#[test]
fn rgx_7_exact_paths_of_others_become_expressions_and_other_hosts_do_not() {
    let exact = ingress("exact", 1, &[("t", &[("/api", "Exact", "s1")]), ("u", &[("/api", "Exact", "s1")])]);
    let rewriting = annotated(ingress("rewriting", 2, &[("t", &[("/x(/|$)(.*)", "Prefix", "s2")])]), &[("rewrite-target", "/$2")]);
    check(&[exact, rewriting], &["t ~/x(/|$)(.*) → default-s2-80", "t ~/api → default-s1-80", "u =/api → default-s1-80"]);
}

#[test]
fn rgx_8_a_target_that_is_the_path_itself_changes_nothing() {
    let same = annotated(ingress("same", 1, &[("t", &[("/foo", "Prefix", "s1")])]), &[("rewrite-target", "/foo")]);
    check(&[same], &["t =/foo → default-s1-80", "t /foo/* → default-s1-80"]);
}

#[test]
fn a_path_that_is_no_expression_is_compared_as_it_is_written() {
    let paths: &[_] = &[("/a+*", "Prefix", "s1"), ("/b", "Prefix", "s2"), ("/a (x", "ImplementationSpecific", "s3")];
    let plain = ingress("plain", 1, &[("t", paths)]);
    let regex = annotated(ingress("regex", 2, &[("t", &[("/c[0-9]", "Prefix", "s3")])]), &[("use-regex", "true")]);
    let mut world = World::new(&[services(), vec![plain.clone(), regex.clone()]].concat());
    let expected = [
        "t ~/c[0-9] → default-s3-80",
        r"t ~/a \(x/ → default-s3-80",
        r"t ~/a\+\*/ → default-s1-80",
        r"t ~/a \(x → default-s3-80",
        r"t ~/a\+\* → default-s1-80",
        "t ~/b → default-s2-80",
    ];
    assert_eq!(world.picture(), expected);
    let told = world.translate().diagnostics;
    let told: Vec<_> = told.iter().filter(|finding| finding.message.contains("it is compared as it is written")).collect();
    assert!(told.len() == 2 && told.iter().all(|finding| finding.code == Code::BecomesRegex), "{told:?}");
    assert!(told[0].message.contains("by Ingress default/regex"), "{}", told[0].message);
    // It asks for an expression itself, and means one.
    let mut world = World::new(&[services(), vec![annotated(plain, &[("use-regex", "true")]), regex]].concat());
    assert_eq!(world.picture(), ["t ~/c[0-9] → default-s3-80", "t ~/b → default-s2-80"]);
    assert!(world.codes().contains(&Code::BadPath));
}

const GUARD: (&str, &str) = ("whitelist-source-range", "10.0.0.0/8");
const REGEX: (&str, &str) = ("use-regex", "true");

#[test]
fn what_may_answer_for_a_guarded_path_that_is_no_expression_is_closed() {
    let open = ingress("open", 1, &[("t", &[("/", "Prefix", "s1"), ("/a+*b/c", "Prefix", "s1")])]);
    let bad = ingress("bad", 2, &[("t", &[("/a(", "Prefix", "s2")])]);
    let lines = |objects: &[serde_json::Value]| World::new(&[services(), objects.to_vec()].concat()).picture();
    assert_eq!(lines(&[open.clone(), annotated(bad.clone(), &[REGEX])]), [r"t ~/a\+\*b/c → default-s1-80", "t ~/ → default-s1-80"]);
    assert_eq!(lines(&[open, annotated(bad, &[REGEX, GUARD])]), [r"t ~/a\+\*b/c → default-s1-80", "t ~/ → 503"]);
}

#[test]
fn a_path_may_be_an_expression_because_of_another_ingress_of_its_host() {
    let lent = ingress("lent", 1, &[("t", &[("/a/[0-9]+$", "ImplementationSpecific", "s1"), ("/b/(x|y)", "Exact", "s2")])]);
    let mixed = ingress("mixed", 1, &[("t", &[("/a", "Prefix", "s1"), ("/b/(x|y)", "Exact", "s2")])]);
    let asking = ingress("asking", 2, &[("t", &[("/c", "Prefix", "s3")])]);
    let as_literals = ["t =/c → default-s3-80", "t /c/* → default-s3-80"];
    check(&[lent.clone(), asking.clone()], &as_literals);
    let expected = ["t ~/a/[0-9]+$ → default-s1-80", "t ~/b/(x|y) → default-s2-80", "t ~/c → default-s3-80"];
    for (key, value) in [("use-regex", "true"), ("rewrite-target", "/new")] {
        check(&[lent.clone(), annotated(asking.clone(), &[(key, value)])], &expected);
    }
    let asking = annotated(asking, &[("use-regex", "true")]);
    for other in [&lent, &mixed] {
        let told = World::new(&[services(), vec![other.clone(), asking.clone()]].concat()).translate().diagnostics;
        let notes: Vec<_> = told.iter().filter(|finding| finding.code == Code::BecomesRegex).collect();
        assert!(notes.len() == 1 && notes[0].help.contains("here too"), "{notes:?}");
    }
    // Of another host.
    let elsewhere = ingress("elsewhere", 3, &[("u", &[("/d", "Prefix", "s1")])]);
    let mut world = World::new(&[services(), vec![lent, annotated(elsewhere, &[("use-regex", "true")])]].concat());
    assert_eq!(world.picture(), ["u ~/d → default-s1-80"]);
    let told = world.translate().diagnostics;
    assert_eq!(told.iter().filter(|finding| finding.code == Code::BadPath).count(), 2, "{told:?}");
    assert!(told.iter().any(|finding| finding.help.contains("use-regex")), "{told:?}");
}

#[test]
fn a_plain_prefix_is_two_expressions_where_others_come_between() {
    let between = annotated(ingress("between", 2, &[("t", &[("/.+/x", "Prefix", "s2")])]), &[("use-regex", "true")]);
    let plain = ingress("plain", 1, &[("t", &[("/abc", "Prefix", "s1")])]);
    check(&[plain.clone(), between.clone()], &["t ~/abc/ → default-s1-80", "t ~/.+/x → default-s2-80", "t ~/abc → default-s1-80"]);
    // Its own Ingress asks for expressions.
    check(&[annotated(plain.clone(), &[("use-regex", "true")]), between.clone()], &["t ~/.+/x → default-s2-80", "t ~/abc → default-s1-80"]);
    let exact = ingress("exact", 3, &[("t", &[("/abc", "Exact", "s3")])]);
    let expected = ["t ~/abc/ → default-s1-80", "t ~/.+/x → default-s2-80", "t ~/abc → default-s3-80"];
    check(&[plain.clone(), between.clone(), exact.clone()], &expected);
    // What is written goes before what is made.
    let written = ingress("written", 4, &[("t", &[("/abc/", "Prefix", "s2")])]);
    let mut world = World::new(&[services(), vec![plain, between, exact, written]].concat());
    assert_eq!(world.picture(), ["t ~/abc/ → default-s2-80", "t ~/.+/x → default-s2-80", "t ~/abc → default-s3-80"]);
    assert!(world.codes().contains(&Code::DuplicatePath));
}

#[test]
fn rgx_a_target_that_cannot_be_used_makes_no_expressions() {
    let plain = ingress("plain", 1, &[("t", &[("/abc", "Prefix", "s1")])]);
    let bad = ingress("bad", 2, &[("t", &[("/x", "Prefix", "s2")])]);
    for target in ["/a?b=c", " /new", "/a;b"] {
        let objects = [plain.clone(), annotated(bad.clone(), &[("rewrite-target", target)])];
        let expected = ["t =/abc → default-s1-80", "t /abc/* → default-s1-80", "t =/x → default-s2-80", "t /x/* → default-s2-80"];
        check(&objects, &expected);
    }
}

#[test]
fn expressions_that_may_take_long_are_told_and_are_not_too_many() {
    let paths = |from: usize, to: usize| (from..to).map(|n| format!("/{n}/.*.*x")).collect::<Vec<_>>();
    let made = |name: &str, age: u32, paths: &[String]| {
        let paths: Vec<_> = paths.iter().map(|path| (path.as_str(), "ImplementationSpecific", "s1")).collect();
        annotated(ingress(name, age, &[("t", &paths)]), &[("use-regex", "true")])
    };
    let told = |objects: &[serde_json::Value]| {
        let told = World::new(&[services(), objects.to_vec()].concat()).translate().diagnostics;
        let of = |code: Code| told.iter().filter(move |finding| finding.code == code).cloned().collect::<Vec<_>>();
        (of(Code::SlowPath), of(Code::BadPath))
    };
    let (slow, bad) = told(&[made("few", 1, &["/a/.*.*x".to_owned(), "/b".to_owned()])]);
    assert!(slow.len() == 1 && bad.is_empty());
    assert_eq!(slow[0].field, "spec.rules[0].http.paths[0].path");
    let message = "path /a/.*.*x of host t may take ";
    assert!(slow[0].message.starts_with(message) && slow[0].message.contains("it is given up at 100000"), "{}", slow[0].message);
    let (slow, bad) = told(&[made("young", 2, &paths(30, 45)), made("old", 1, &paths(0, 30))]);
    assert_eq!((slow.len(), bad.len()), (40, 5));
    assert!(
        bad.iter().all(|finding| finding.object.as_ref().is_some_and(|object| object.name.name() == "young")
            && finding.message.contains("more than 40 paths that may take long")),
        "{bad:?}"
    );
}

#[test]
fn a_literal_path_is_compared_as_it_is_written_too_where_that_is_something_else() {
    let guarded: &[_] = &[("/a+b", "Prefix", "s2"), ("/$meta", "Exact", "s2"), ("/x.y", "Exact", "s2"), ("/(z)/(.*)", "Exact", "s2")];
    let guarded = annotated(ingress("guarded", 1, &[("t", guarded)]), &[GUARD]);
    let foreign = annotated(ingress("evil/regex", 2, &[("t", &[("/zz[0-9]", "Prefix", "s3")])]), &[REGEX]);
    let lines = World::new(&[services(), vec![guarded, foreign]].concat()).picture();
    let of =
        |begin: &str| lines.iter().filter(|line| line.starts_with(begin)).map(|line| line.split(' ').nth(1).unwrap()).collect::<Vec<_>>();
    assert_eq!(of("t ~/a"), ["~/a+b/", r"~/a\+b/", "~/a+b", r"~/a\+b"]);
    assert_eq!((of("t ~/$"), of(r"t ~/\$")), (vec!["~/$meta"], vec![r"~/\$meta"]));
    assert_eq!((of("t ~/x"), of("t ~/("), of(r"t ~/\(")), (vec!["~/x.y"], vec!["~/(z)/(.*)"], vec![r"~/\(z\)/\(\.\*\)"]));
}

#[test]
fn an_expression_that_keeps_somebody_out_is_one_without_others() {
    let open = ingress("open", 1, &[("t", &[("/", "Prefix", "s1")])]);
    let expression = ingress("guarded", 2, &[("t", &[("/admin/[0-9]+", "ImplementationSpecific", "s2")])]);
    check(&[open.clone(), annotated(expression.clone(), &[GUARD])], &["t ~/admin/[0-9]+ → default-s2-80", "t ~/ → default-s1-80"]);
    check(&[open.clone(), expression], &["t /* → default-s1-80"]);
    let odd = annotated(ingress("guarded", 2, &[("t", &[("/a;b", "Prefix", "s2")])]), &[GUARD]);
    check(&[open, odd], &["t ~/a;b → default-s2-80", "t ~/ → default-s1-80"]);
}

#[test]
fn a_guarded_path_that_cannot_be_served_opens_nothing() {
    let open = ingress("open", 1, &[("t", &[("/", "Prefix", "s1"), ("/longer/than/all/of/these", "Exact", "s1")])]);
    let rest = "t =/longer/than/all/of/these → default-s1-80".to_owned();
    for path in ["/a[", "/a(|x{", r"/a\", "no/slash"] {
        let bad = ingress("bad", 2, &[("t", &[(path, "ImplementationSpecific", "s2")])]);
        let lines = |annotations: &[(&str, &str)]| {
            let mut world = World::new(&[services(), vec![open.clone(), annotated(bad.clone(), annotations)]].concat());
            (world.picture(), world.codes().iter().filter(|code| **code == Code::BadPath).count())
        };
        assert_eq!(lines(&[]), (vec![rest.clone(), "t /* → default-s1-80".to_owned()], 1), "{path}");
        assert_eq!(lines(&[GUARD]), (vec![rest.clone(), "t /* → 503".to_owned()], 2), "{path}");
    }
    let unknown = annotated(ingress("bad", 2, &[("t", &[("/admin", "Sometimes", "s2")])]), &[GUARD]);
    // Nobody answers for what has no path, so there is nothing to close.
    check(std::slice::from_ref(&unknown), &[]);
    check(&[open, unknown], &[&rest, "t /* → 503"]);
}

/// An Ingress of a namespace with these paths, as expressions, and these annotations.
fn expressions(name: &str, age: u32, paths: &[String], further: &[(&str, &str)]) -> serde_json::Value {
    let paths: Vec<_> = paths.iter().map(|path| (path.as_str(), "ImplementationSpecific", "s1")).collect();
    annotated(ingress(name, age, &[("t", &paths)]), &[&[REGEX], further].concat())
}

/// Objects, and services for all their namespaces.
fn world_of(objects: &[serde_json::Value]) -> World {
    let mut all = services();
    for namespace in ["shop", "team", "evil"] {
        all.extend(services().into_iter().map(|service| with(service, "/metadata/namespace", namespace.into())));
    }
    World::new(&[all, objects.to_vec()].concat())
}

#[test]
fn expressions_that_may_take_long_are_given_up_by_who_has_the_most_of_them() {
    let paths = |letter: char, number: usize| (0..number).map(|n| format!("/{letter}{n:02}/.*.*x")).collect::<Vec<_>>();
    let served = |objects: &[serde_json::Value]| {
        let lines = world_of(objects).picture();
        ['a', 'b', 'c'].map(|letter| lines.iter().filter(|line| line.starts_with(&format!("t ~/{letter}"))).count())
    };
    let of =
        |namespace: &str, age: u32, letter: char, number: usize| expressions(&format!("{namespace}/a"), age, &paths(letter, number), &[]);
    assert_eq!(served(&[of("evil", 1, 'a', 60), of("shop", 2, 'b', 1)]), [39, 1, 0]);
    assert_eq!(served(&[of("evil", 1, 'a', 60), of("shop", 2, 'b', 30), of("team", 3, 'c', 10)]), [15, 15, 10]);
    assert_eq!(served(&[of("evil", 1, 'a', 20), of("shop", 2, 'b', 20)]), [20, 20, 0]);
    // Within a namespace, what keeps nobody out goes first, and the youngest.
    let open = expressions("shop/open", 1, &paths('a', 45), &[]);
    let guarded = expressions("shop/guarded", 2, &paths('b', 10), &[GUARD]);
    assert_eq!(served(&[open, guarded]), [30, 10, 0]);
}

#[test]
fn what_may_answer_for_a_guarded_path_that_takes_too_long_is_closed() {
    let many: Vec<_> = (10..55).map(|n| format!("/{n}/.*.*x")).collect();
    let guarded = expressions("shop/guarded", 2, &many, &[GUARD]);
    let paths: &[_] = &[("/", "Prefix", "s1"), ("/10/longer/than/others", "Exact", "s1")];
    let open = |namespace: &str| ingress(&format!("{namespace}/open"), 1, &[("t", paths)]);
    let served = |objects: &[serde_json::Value]| {
        let mut world = world_of(objects);
        let lines: Vec<_> = world.picture().into_iter().filter(|line| line.starts_with("t ~/ ") || line.contains("longer")).collect();
        (lines, world.translate().diagnostics)
    };
    let (lines, told) = served(&[guarded.clone(), open("shop")]);
    assert_eq!(lines, ["t ~/10/longer/than/others → shop-s1-80", "t ~/ → 503"]);
    let ignored: Vec<_> = told.iter().filter(|finding| finding.code == Code::BadPath).collect();
    assert_eq!(ignored.len(), 5);
    assert!(ignored.iter().all(|finding| finding.outcome == Outcome::ClosedRoute
        && finding.message.contains("what else namespace shop has on the host answers 503 where it stands behind the path")));
    // Nobody else pays for it.
    let (lines, _) = served(&[guarded, open("team")]);
    assert_eq!(lines, ["t ~/10/longer/than/others → team-s1-80", "t ~/ → team-s1-80"]);
    // Where no path answers, a default backend of the namespace would.
    let mut by_default = expressions("shop/guarded", 2, &many, &[GUARD]);
    by_default["spec"]["defaultBackend"] = serde_json::json!({"service": {"name": "s1", "port": {"number": 80}}});
    assert_eq!(served(&[by_default]).0, ["t ~/ → 503"]);
}
