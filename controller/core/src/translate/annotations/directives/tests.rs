//! Snippets as people write them.

use super::{Meaning, read_key};
use crate::model::{
    Condition, EarlyAnswer, Expires, Extra, LocationRewrite, MediaType, Period, RequestRate, RetryCauses, RoutePolicy, Satisfy, Test,
};
use crate::names::HeaderName;
use crate::settings::{LimitZone, LimitZones, SnippetKey};

fn read(text: &str) -> Result<Meaning, String> {
    read_key(SnippetKey::Location, text, &LimitZones::new())
}

#[test]
fn every_directive_without_a_meaning_is_named_with_its_place() {
    let why = |text: &str| read(text).unwrap_err();
    assert_eq!(
        why("expires 1h;\nroot /a;\nif ($arg_a) {\n  auth_basic x;\n  return 403;\n}\nindex a;"),
        "line 2, column 1: \"root\": it has no meaning that could be given on every proxy; without a meaning here: \
         \"auth_basic\" (line 4, column 3: the annotation auth-type has one), \"index\" (line 7, column 1)"
    );
    let many: String = (0..9).map(|n| format!("foreign_{n} x;\n")).collect();
    let said = why(&many);
    assert!(said.starts_with("line 1, column 1: \"foreign_0\"") && said.contains("\"foreign_5\" (line 6, column 1) and 3 more"), "{said}");
    assert!(said.matches("foreign_").count() == 6 && said.ends_with(" more"), "{said}");
    // Another mistake is said first, and each once.
    let said = why("limit_rate x;\nexpires 1h;\n types { text/css css; }");
    assert!(
        said.starts_with("line 1, column 1: \"limit_rate\"") && said.ends_with("; without a meaning here: \"types\" (line 3, column 2)")
    );
    assert!(!why("root /a;\nexpires 1h;").contains("without a meaning here"));
}

#[test]
fn directives_become_wishes() {
    let text = "more_set_headers \"X-A: b\" 'X-C: $host';\nadd_header X-D e always;\nproxy_set_header X-In $remote_addr;\n\
                proxy_hide_header X-P;\nproxy_read_timeout 5m;\nclient_max_body_size 8m;\nproxy_buffering on;\naccess_log off;";
    let read = read(text).unwrap();
    let headers: Vec<_> = read.extra.answer_headers.iter().map(|h| (h.name.as_str(), h.always, h.replaces)).collect();
    assert_eq!(headers, [("X-A", true, true), ("X-C", true, true), ("X-D", true, false)]);
    assert_eq!((read.extra.request_headers.len(), read.extra.hidden_headers.len()), (1, 1));
    assert_eq!(
        (read.timeouts.read_s, read.buffering.body_limit_bytes, read.buffering.buffer_responses),
        (Some(300), Some(8 << 20), Some(true))
    );
    assert!(read.unlogged);
}

#[test]
fn answers_have_conditions_and_end_at_the_first_without() {
    let text = "set $code blocked;\nif ($http_x = \"\") { return 403; }\nif ($http_user_agent ~* \"(curl|wget) x\") { return 429 \"$code\"; }\n\
                if ($arg_a) { return 302 https://$host/b; }\nreturn 404;\nreturn 200;";
    let answers = read(text).unwrap().extra.answers;
    let shape: Vec<_> = answers.iter().map(|a| (a.status, a.when.as_ref().map(|when| when.negated))).collect();
    assert_eq!(shape, [(403, Some(true)), (429, Some(false)), (302, Some(false)), (404, None)]);
    assert_eq!(answers[1].text.literal(), Some("blocked"));
}

#[test]
fn variables_that_conditions_set_stand_for_these() {
    let conditions = |text: &str| {
        let answers = read(text)?.extra.answers;
        let of = |answer: &EarlyAnswer| {
            answer.when.as_ref().map(|when| (when.negated, format!("{:?}", when.variable.parts()).contains("arg_a")))
        };
        Ok::<_, String>(answers.iter().map(of).collect::<Vec<_>>())
    };
    let (a, b) = ((false, true), (false, false));
    let agent = "set $agentflag 0;\nif ($arg_a ~* \"(Mobile)\" ) {\n  set $agentflag 1;\n}\nif ( $agentflag = 1 ) {\n  return 301 https://m.example.com;\n}";
    assert_eq!(conditions(agent), Ok(vec![Some(a)]));
    for (test, set) in [
        ("$f", vec![Some(a)]),
        ("$f = 0", vec![Some((true, true))]),
        ("$f != 1", vec![Some((true, true))]),
        ("$f = 2", vec![]),
        ("$f != 2", vec![None]),
    ] {
        assert_eq!(conditions(&format!("set $f 0; if ($arg_a) {{ set $f 1; }} if ({test}) {{ return 403; }}")), Ok(set), "{test}");
    }
    let several = |first: &str, second: &str, test: &str| {
        conditions(&format!("if ($arg_a) {{ set $f {first}; }} if ($http_b) {{ set $f {second}; }} if (${{f}} = {test}) {{ return 403; }}"))
    };
    assert_eq!(several("1", "1", "1"), Ok(vec![Some(a), Some(b)]));
    assert_eq!((several("2", "1", "1"), several("1", "1", "\"\"")), (Ok(vec![Some(b)]), Ok(vec![Some((true, true))])));
    let chain = (1..40).map(|n| format!("if ($f{}) {{ set $f{n} 1; }} if ($arg_a{n}) {{ set $f{n} 1; }}", n - 1)).collect::<String>();
    assert!(read(&format!("if ($arg_a) {{ set $f0 1; }} {chain}")).unwrap_err().contains("under more than 20 conditions"));
    let cleared = "if ($arg_a) { set $f 1; } set $f 0; if ($f = 1) { return 403; }";
    assert_eq!(conditions(cleared), Ok(vec![]), "what is set last counts");
    let chained = "if ($arg_a) { set $f 1; } if ($f) { set $g x; } if ($g = x) { rewrite ^ /b break; }";
    assert!(read(chained).unwrap().extra.rewrites[0].when.is_some());
    for (bad, why) in [
        ("if ($arg_a) { set $f $host; } if ($f = a) { return 403; }", "differs from request to request"),
        ("if ($arg_a) { set $f 1; } if ($http_b) { set $g 1; } add_header X $f$g;", "one of them can stand in a header"),
        ("if ($arg_a) { set $f 1; } return 200 $f;", "can only be compared with a text"),
        ("if ($arg_a) { set $f 1; } if ($http_b) { set $g \"${f}2\"; } if ($g = 12) { return 403; }", "can only be compared with a text"),
        ("set $f $host; if ($arg_a) { set $f 1; } if ($f = 1) { return 403; }", "which of them decides"),
        ("if ($arg_a) { set $f 1; } if ($f ~ 1) { return 403; }", "by = and != only"),
        (
            "if ($arg_a ~ (x)) { set $f 1; } if ($f) { return 302 https://a.test/$1; }",
            "groups are those of an expression in the condition itself",
        ),
        ("if ($arg_a) { set $host 1; }", "cannot be set"),
        ("if ($arg_a) { set $f 1; proxy_pass http://x; }", "only headers, expires, set, and one return or rewrite"),
    ] {
        let said = read(bad).unwrap_err();
        assert!(said.contains(why), "{bad}: {said}");
    }
}

#[test]
fn variables_have_no_case() {
    let answers = |text: &str| read(text).unwrap().extra.answers;
    for (set, test) in [("$allowed", "$allowed"), ("$ALLOWED", "${Allowed}")] {
        let text = format!("set $Allowed 0; if ($http_key = secret) {{ set {set} 1; }} if ({test} = 0) {{ return 403; }}");
        let [only] = &answers(&text)[..] else { panic!("{text}") };
        assert!(only.status == 403 && only.when.as_ref().is_some_and(|when| when.negated), "{text}");
    }
    let again = "if ($http_key = secret) { set $OK 1; } set $ok 0; if ($Ok = 1) { return 200 in; } return 403;";
    assert_eq!(answers(again).iter().map(|answer| answer.status).collect::<Vec<_>>(), [403], "what is set last counts");
    assert_eq!(answers("set $A b; return 200 $a${a}c;")[0].text.literal(), Some("bbc"));
    assert_eq!(answers("set $b x; if ($arg_a) { set $B y; return 200 $b; }")[0].text.literal(), Some("y"));
    let headers = read("set $f a; if ($arg_a) { set $F $F${f}b; } add_header X $f;").unwrap().extra.answer_headers;
    assert_eq!(headers.iter().map(|header| header.value.literal().unwrap_or_default()).collect::<Vec<_>>(), ["a", "aab"]);
    let group = &answers("if ($host ~ ^(?<Sub>[a-z]+)[.]) { return 302 https://a.test/$Sub; }")[0];
    assert!(group.text.has_groups());
}

#[test]
fn texts_that_look_like_groups_stay_as_they_are() {
    for comparison in ["=", "!="] {
        let answers = read(&format!("if ($http_key {comparison} \"s(?<a>3cret\") {{ return 403; }}")).unwrap().extra.answers;
        assert_eq!(answers[0].when.as_ref().unwrap().test, Test::Is("s(?<a>3cret".to_owned()), "{comparison}");
    }
    for comparison in ["~", "~*"] {
        let text = format!("if ($http_key {comparison} \"s(?<a>[0-9])\") {{ return 200 $a; }}");
        assert!(read(&text).unwrap().extra.answers[0].text.has_groups(), "{comparison}");
    }
}

/// `a`, `!b`: of each answer all that has to hold.
fn ways_of(text: &str) -> Result<Vec<String>, String> {
    let one = |answer: &EarlyAnswer| {
        let conditions = answer.conditions().map(|when| {
            let names = format!("{:?}", when.variable.parts());
            let name = ["arg_a", "arg_b", "arg_c"].into_iter().find(|name| names.contains(name)).unwrap_or("?");
            format!("{}{}", if when.negated { "!" } else { "" }, &name[4..])
        });
        conditions.collect::<Vec<_>>().join(" ")
    };
    read(text).map(|read| read.extra.answers.iter().map(one).collect())
}

#[test]
fn conditions_that_all_have_to_hold_are_put_together() {
    let set = |first: &str, a: &str, b: &str, end: &str| {
        ways_of(&format!("set $m {first}; if ($arg_a) {{ set $m {a}; }} if ($arg_b) {{ set $m {b}; }} if ($m {end}) {{ return 403; }}"))
    };
    let ways = |ways: &[&str]| Ok(ways.iter().map(|&way| way.to_owned()).collect::<Vec<_>>());
    assert_eq!(set("\"\"", "1", "\"${m}1\"", "= 11"), ways(&["a b"]));
    assert_eq!(set("A", "\"${m}B\"", "\"${m}C\"", "= ABC"), ways(&["a b"]));
    assert_eq!(set("A", "\"${m}B\"", "\"${m}C\"", "= AC"), ways(&["!a b"]));
    assert_eq!(set("A", "\"${m}B\"", "\"${m}C\"", "!= ABC"), ways(&["!a", "!b"]));
    assert_eq!(set("0", "1", "2", "= 1"), ways(&["a !b"]));
    assert_eq!(set("\"\"", "1", "1", "= \"\""), ways(&["!a !b"]));
    assert_eq!(set("0", "x$m", "$m$m", "= x0x0"), ways(&["a b"]));
    assert!(set("0", "1", "1$mx", "= 1").unwrap_err().contains("\"$mx\""), "it is another variable");
    let three = "if ($arg_a) { set $m 1; } if ($arg_b) { set $m ${m}1; } if ($arg_c) { set $m ${m}1; } if ($m = 111) { return 403; }";
    assert_eq!(ways_of(three), ways(&["a b c"]));
    let chained = "if ($arg_a) { set $m 1; } if ($arg_b) { set $m ${m}1; } if ($m = 11) { set $n 1; } if ($n) { return 403; }";
    assert_eq!(ways_of(chained), ways(&["a b"]));
    for (bad, why) in [
        ("if ($arg_a) { set $m 1; } if ($arg_b) { set $m ${m}1; } if ($m = 11) { rewrite ^ /x break; }", "only return is accepted inside"),
        (
            "if ($arg_a) { set $f 1; } if ($arg_b) { set $f 1; } if ($f) { set $m x$m; } if ($m = x) { return 403; }",
            "which of them decides",
        ),
        ("if ($arg_a) { set $m $m$host; } if ($m) { return 403; }", "differs from request to request"),
    ] {
        let said = read(bad).unwrap_err();
        assert!(said.contains(why), "{bad}: {said}");
    }
}

#[test]
fn what_conditions_set_stays_short() {
    let of = |(sets, conditions): (usize, usize), value: &str, end: &str| {
        let set = |n: usize| format!("if ($http_h{} ~ a) {{ set $f \"{value}\"; }} ", n % conditions);
        let sets: String = (0..sets).map(set).collect();
        read(&format!("set $f {}; {sets}{end}", "a".repeat(60)))
    };
    let eight = "${f}".repeat(8);
    for end in ["add_header X $f;", "if ($f = b) { return 403; }", "proxy_set_header X $f;"] {
        for (sets, value, why) in [
            ((12, 12), &*eight, "which of them decides"),
            ((12, 6), &eight, "is too long with what it is set to"),
            ((6, 6), &eight, "is too long with what it is set to"),
            ((6, 6), "$f$f", "is too long with what it is set to"),
        ] {
            let said = of(sets, value, end).unwrap_err();
            assert!(said.contains(why), "{sets:?} {end}: {said}");
        }
    }
    let many_places = format!("add_header X {};", "$f".repeat(1000));
    assert!(of((1, 1), &"b".repeat(1900), &many_places).unwrap_err().contains("is too long with what it is set to"));
    assert!(of((1, 1), &eight, "add_header X $f;").is_ok());
}

#[test]
fn only_headers_under_conditions_are_counted() {
    let many = |count: usize| (0..count).map(|n| format!("add_header X-{n} a; ")).collect::<String>();
    assert_eq!(read(&many(101)).unwrap().extra.answer_headers.len(), 101);
    assert!(read(&format!("{}if ($arg_a) {{ more_set_headers 'A: b'; }}", many(101))).is_ok(), "the others are sent anyway");
    let said = read(&format!("{}if ($arg_a) {{ add_header A b; }}", many(101))).unwrap_err();
    assert!(said.contains("its conditions make more than 100 headers"), "{said}");
}

#[test]
fn too_many_headers_of_variables_are_said_where_they_become_too_many() {
    let sets: String = (0..6).map(|n| format!("if ($arg_a{n}) {{ set $f \"${{f}}{n}\"; }} ")).collect();
    for name in ["add_header", "proxy_set_header"] {
        let text = format!("{sets}\n{}", (0..100).map(|n| format!("{name} X-{n} x$f;\n")).collect::<String>());
        let said = read(&text).unwrap_err();
        assert!(said.starts_with(&format!("line 3, column 1: \"{name}\": its conditions make more than 100 headers")), "{said}");
    }
}

#[test]
fn headers_have_what_conditions_set() {
    let headers = |text: &str| {
        let shown = |when: &[Condition]| {
            let one = |when: &Condition| {
                let (negated, parts) = (if when.negated { "!" } else { "" }, format!("{:?}", when.variable.parts()));
                format!("{negated}{}", if parts.contains("arg_a") { "a" } else { "b" })
            };
            when.iter().map(one).collect::<Vec<_>>().join(" ")
        };
        let extra = read(text)?.extra;
        let answers = extra.answer_headers.iter().map(|header| format!("{:?} {}", header.value.literal(), shown(&header.when)));
        let requests = extra.request_headers.iter().map(|header| format!("{:?} {}", header.value.literal(), shown(&header.when)));
        Ok::<_, String>(answers.chain(requests).collect::<Vec<_>>())
    };
    let of = |all: &[&str]| Ok(all.iter().map(|&one| one.to_owned()).collect::<Vec<_>>());
    let one = "set $f no; if ($arg_a) { set $f yes; }";
    assert_eq!(headers(&format!("{one} more_set_headers \"X: $f\";")), of(&["Some(\"no\") !a", "Some(\"yes\") a"]));
    assert_eq!(
        headers(&format!("proxy_set_header X \"<${{f}}>\"; {one}")),
        of(&["Some(\"<no>\") !a", "Some(\"<yes>\") a"]),
        "it counts at the end"
    );
    let both = "if ($arg_a) { set $f 1; } if ($http_b) { set $f 2; } add_header X $f;";
    assert_eq!(headers(both), of(&["Some(\"1\") a !b", "Some(\"2\") b"]), "what is empty is not added");
    let origin = "set $f ''; if ($arg_a ~ x) { set $f $http_origin; } add_header X $f always;";
    assert_eq!(headers(origin), of(&["None a"]));
    let twice = "if ($arg_a) { set $f 1; add_header Y $f; } if ($http_b) { set $f 2; }";
    assert_eq!(headers(twice), of(&["Some(\"1\") a"]), "inside the block it is known");
    let within = "set $f 0; if ($arg_a) { set $f 1; } if ($http_b) { add_header Y $f; }";
    assert_eq!(headers(within), of(&["Some(\"0\") !a b", "Some(\"1\") a b"]));
    let beside = "set $f 0; if ($arg_a) { set $f 1; } add_header Z $f; if ($http_b) { add_header Y y; }";
    assert_eq!(
        headers(beside),
        of(&["Some(\"0\") !a !b", "Some(\"1\") a !b", "Some(\"y\") b"]),
        "a block that adds is in place of those outside"
    );
}

#[test]
fn groups_of_conditions_may_have_names() {
    let answer = |text: &str| read(text).map(|read| (read.extra.answers[0].text.parts().to_vec(), read.extra.answers[0].text.has_groups()));
    let named = answer("if ($host ~* ^(?!www\\.)(?<domain>.+)$) { return 301 $scheme://www.$domain$request_uri; }");
    assert_eq!(named, answer("if ($host ~* ^(?!www\\.)(.+)$) { return 301 $scheme://www.$1$request_uri; }"));
    assert!(named.unwrap().1);
    assert_eq!(
        answer("if ($request_uri ~ ^/(a)/(?<x>.*)$) { return 302 /${x}y; }"),
        answer("if ($request_uri ~ ^/(a)/(.*)$) { return 302 /$2y; }")
    );
    assert!(read("if ($host ~ (?<host>.+)) { return 403; }").is_err(), "the name is taken");
    assert!(read("if ($host ~ (?<d>.+)) { return 403; } add_header X $d;").is_err(), "elsewhere it is not known");
}

#[test]
fn pages_of_errors_are_told_and_other_answers_are_refused() {
    let without = |text: &str| read(text).map(|read| read.without().map(|(name, _)| name.to_owned()).collect::<Vec<_>>());
    let both = "proxy_intercept_errors on;\nerror_page 500 502 503 504 /50x.html;";
    assert_eq!(without(both), Ok(vec!["proxy_intercept_errors".to_owned(), "error_page".to_owned()]));
    for bad in
        ["error_page 404 = @x;", "error_page 404 =200 /a;", "error_page 404 https://a.test/;", "error_page /a;", "error_page 200 /a;"]
    {
        assert!(without(bad).unwrap_err().contains("custom-http-errors"), "{bad}");
        assert!(!super::may_keep_out(bad, &LimitZones::new()), "{bad}: nobody is kept out by it");
    }
}

#[test]
fn methods_that_are_excepted_may_be_used_and_no_other() {
    let text = "limit_except GET POST { deny all; }\nif ($arg_a) { return 410; }";
    let meaning = read(text).unwrap();
    let shape: Vec<_> = meaning.extra.answers.iter().map(|answer| answer.status).collect();
    assert_eq!(shape, [410, 403], "who may ask is looked at last");
    let when = meaning.extra.answers[1].when.clone().unwrap();
    assert!(when.negated && matches!(&when.test, Test::Matches { expression, .. } if expression.as_str() == "^(?:GET|POST|HEAD)$"));
    assert!(meaning.keeps_out());
    let answered = read("limit_except GET { deny all; } return 200;").unwrap().extra.answers;
    assert_eq!(answered.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200], "nginx, too, asks nobody then");
    for bad in [
        "limit_except { deny all; }",
        "limit_except get { deny all; }",
        "limit_except GET|. { deny all; }",
        "limit_except GET { allow 10.0.0.0/8; }",
        "limit_except GET { allow 10.0.0.0/8; deny all; allow 10.0.0.1; }",
        "limit_except GET { deny x; }",
        "limit_except GET { auth_basic a; }",
        "limit_except GET { }",
        "limit_except GET { deny all; } limit_except POST { deny all; }",
    ] {
        let said = read(bad).unwrap_err();
        assert!(
            ["\"limit_except\": ", "\"allow\": ", "\"deny\": ", "\"auth_basic\": "].iter().any(|part| said.contains(part)),
            "{bad}: {said}"
        );
    }
}

#[test]
fn other_methods_are_for_some_addresses() {
    let within = |answer: &EarlyAnswer| match &answer.also[..] {
        [Condition { test: Test::Within(ranges), negated, .. }] => Some((ranges.len(), *negated)),
        _ => None,
    };
    let shape = |text: &str| read(text).unwrap().extra.answers.iter().map(|answer| (answer.status, within(answer))).collect::<Vec<_>>();
    assert_eq!(shape("limit_except GET { allow 10.0.0.0/8; allow 11.0.0.0/8; deny all; }"), [(403, Some((2, true)))]);
    assert_eq!(shape("limit_except GET { deny 10.0.0.1; }"), [(403, Some((1, false)))]);
    assert_eq!(shape("limit_except GET { deny 10.0.0.1; allow 10.0.0.0/8; deny all; }"), [(403, Some((1, false))), (403, Some((1, true)))]);
    assert_eq!(shape("limit_except GET { deny all; }"), [(403, None)]);
    assert_eq!(shape("limit_except GET { allow all; }"), []);
}

#[test]
fn directives_without_effect_are_told_or_mean_nothing() {
    let text = "client_header_buffer_size 64k;\nlarge_client_header_buffers 4 128k;\nbrotli_types text/css;\nserver_tokens off;\n\
                etag off;\nproxy_cache_bypass $http_upgrade;\nproxy_cache off;\nproxy_no_cache 1;\nlog_not_found off;\nsendfile on;\naccess_log /dev/null;\nsource_charset utf-8;\ngrpc_socket_keepalive on;";
    let meaning = read(text).unwrap();
    let names = |meaning: &Meaning| meaning.without().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    assert_eq!(
        names(&meaning),
        ["client_header_buffer_size", "large_client_header_buffers", "brotli_types", "server_tokens", "grpc_socket_keepalive"]
    );
    assert!(meaning.unlogged && meaning.extra == Extra::default() && !meaning.keeps_out());
    for bad in [
        "auth_basic x;",
        "uwsgi_pass 127.0.0.1:9;",
        "scgi_pass x;",
        "etag { deny all; }",
        "proxy_pass_request_headers off;",
        "proxy_ssl_verify on;",
    ] {
        assert!(read_key(SnippetKey::Location, bad, &LimitZones::new()).is_err(), "{bad}");
    }
}

#[test]
fn what_guides_of_applications_say_beside_leaves_no_ingress_out() {
    for (of, text, without) in [
        ("MinIO", "ignore_invalid_headers off;\nclient_max_body_size 0;\nproxy_buffering off;\nproxy_request_buffering off;", 1),
        ("Synapse", "proxy_intercept_errors off;", 1),
        ("Mattermost", "proxy_force_ranges on;\nproxy_cache mattermost_cache;\nproxy_cache_revalidate on;\nproxy_cache_lock on;", 2),
        ("many", "underscores_in_headers on;\nssl_session_cache shared:S:1m;\nssl_stapling on;\naccess_log /dev/stdout main;", 4),
        (
            "many",
            "proxy_pass_request_headers on;\nproxy_ssl_verify off;\nssi off;\nuwsgi_read_timeout 300;\nclient_body_in_file_only off;",
            0,
        ),
        ("traces", "opentracing_tag a b;\nopentelemetry off;\nproxy_ssl_session_reuse on;", 3),
    ] {
        let meaning = read(text).unwrap_or_else(|why| panic!("{of}: {why}"));
        assert_eq!((meaning.without().count(), meaning.extra, meaning.unlogged), (without, Extra::default(), false), "{of}");
    }
}

#[test]
fn times_have_the_units_of_nginx() {
    let expires = |text: &str| read(&format!("expires {text};")).map(|read| read.extra.expires);
    assert_eq!(expires("1y"), Ok(Some(Expires::After(31_536_000))));
    assert_eq!(expires("1M 1w"), Err("line 1, column 1: \"expires\": it has no meaning that could be given on every proxy".to_owned()));
    assert_eq!([expires("1M"), expires("-1w")], [Ok(Some(Expires::After(30 * 86_400))), Ok(Some(Expires::After(-7 * 86_400)))]);
    assert!(expires("11y").is_err() && expires("1Y").is_err());
    assert_eq!(read("proxy_read_timeout 1w;").unwrap().timeouts.read_s, Some(7 * 86_400));
}

#[test]
fn headers_of_the_proxy_stay_its_own() {
    let read = read("more_set_headers 'Server: x' 'X-A: b';\nadd_header Date y;").unwrap();
    assert_eq!(read.own_headers().iter().map(HeaderName::as_str).collect::<Vec<_>>(), ["Server", "Date"]);
    assert_eq!(read.extra.answer_headers.len(), 1);
}

#[test]
fn endpoints_are_told_a_name_that_is_said_to_be_told() {
    let told = |text: &str| read(text).map(|read| (read.told_name().map(ToString::to_string), read.half_a_name()));
    assert_eq!(told("proxy_ssl_server_name on;\nproxy_ssl_name A.test;"), Ok((Some("a.test".to_owned()), None)));
    assert_eq!(told("grpc_ssl_name a.test;"), Ok((None, Some("proxy_ssl_name"))));
    assert_eq!(told("proxy_ssl_server_name on;"), Ok((None, Some("proxy_ssl_server_name"))));
    assert_eq!(told("proxy_ssl_server_name off;"), Ok((None, None)));
    assert!(told("proxy_ssl_name $host;").is_err() && told("proxy_ssl_server_name maybe;").is_err());
}

#[test]
fn variables_have_no_case_and_the_star_of_a_host_is_one() {
    let texts =
        |text: &str| read(text).map(|read| read.texts().map(|text| text.variables().map(str::to_owned).collect()).collect::<Vec<Vec<_>>>());
    assert_eq!(texts("proxy_set_header X $cookie_JSESSIONID;"), Ok(vec![vec!["cookie_jsessionid".to_owned()]]));
    let star = vec!["subdomain".to_owned()];
    assert_eq!(texts("proxy_set_header X-Tenant $subdomain;"), Ok(vec![star.clone()]));
    assert_eq!(texts("return 301 https://app.test/$subdomain;").unwrap(), std::slice::from_ref(&star));
    assert_eq!(texts("rewrite ^/a$ /$subdomain/a break;").unwrap()[0], star);
    assert!(read("if ($subdomain = a) { return 403; }").unwrap_err().contains("compare $host"));
}

#[test]
fn answers_of_a_condition_have_headers_of_their_own() {
    let text = "if ($request_method = 'OPTIONS') {\n  add_header 'Access-Control-Allow-Origin' '*';\n  add_header Content-Length 0;\n\
                more_set_headers \"X-A: $host\";\n  return 204;\n}\nif ($arg_x) { add_header A b; add_header C d always; return 403; }\nadd_header E f;";
    let read = read(text).unwrap();
    let headers = |n: usize| read.extra.answers[n].headers.iter().map(|h| (h.name.as_str(), h.replaces)).collect::<Vec<_>>();
    assert_eq!(headers(0), [("Access-Control-Allow-Origin", false), ("X-A", true)]);
    assert_eq!(headers(1), [("C", false)], "without always it is for success only");
    assert_eq!((read.extra.answer_headers.len(), read.texts().filter(|text| text.uses(&["host"])).count()), (1, 1));
    for bad in [
        "if ($arg_x) { return 403; add_header A b; }",
        "if ($arg_x) { proxy_set_header A b; return 403; }",
        "if ($arg_x) { add_header Server b; return 403; }",
        "if ($arg_x) { add_header Content-Length 5; return 403; }",
        "if ($arg_x) { if ($arg_y) { return 403; } }",
        "if ($arg_x) { }",
    ] {
        assert!(read_key(SnippetKey::Location, bad, &LimitZones::new()).unwrap_err().starts_with("line 1, column "), "{bad}");
    }
}

#[test]
fn paths_are_rewritten_or_redirected_by_their_flag() {
    let text = "set $to https://$host;\nrewrite ^/old/(.*)$ $to/new/$1 permanent;\nif ($arg_a) { rewrite ^ /x redirect; }\n\
                rewrite ^/d http://e.example/;\nrewrite ^/b/(.*)$ /c/$1 break;";
    let extra = read(text).unwrap().extra;
    let shape: Vec<_> = extra.answers.iter().map(|a| (a.status, a.when.is_some(), a.path.as_ref().map(ToString::to_string))).collect();
    let of = |path: &str| Some(path.to_owned());
    assert_eq!(shape, [(301, false, of("^/old/(.*)$")), (302, true, of("^")), (302, false, of("^/d"))]);
    assert_eq!((extra.rewrites.len(), extra.rewrites[0].target.parts().len()), (1, 2));
    assert!(extra.answers[0].text.uses(&["host"]));
}

#[test]
fn returns_use_the_groups_of_their_condition() {
    let text = "if ($host ~* ^www\\.(.+)$) { return 301 https://$1$request_uri; }\nif ($arg_x ~ (a)(b)) { return 200 $2$1; }";
    let answers = read(text).unwrap().extra.answers;
    assert!(answers.iter().all(|answer| answer.text.has_groups() && answer.path.is_none()));
    for (bad, why) in [
        ("if ($host ~ a) { return 301 https://$1; }", "\"a\" has fewer groups"),
        ("if ($host ~ (a)) { return 301 https://$2; }", "has fewer groups"),
        ("if ($host !~ (a)) { return 301 https://$1; }", "\"$1\" is not a variable"),
        ("if ($host = a) { return 301 https://$1; }", "\"$1\" is not a variable"),
        ("if ($arg_x) { return 301 https://$1; }", "has fewer groups"),
        ("if ($uri ~ ^/(.*)$) { return 301 https://a.test/$1; }", "cannot stand in a URL; use $request_uri"),
        ("return 301 https://$1;", "\"$1\" is not a variable"),
    ] {
        let said = read(bad).unwrap_err();
        assert!(said.contains(why), "{bad}: {said}");
    }
}

#[test]
fn headers_tell_what_the_service_has_answered() {
    let text = "proxy_set_header X-User $user;\nauth_request_set $user $upstream_http_x_auth_request_user;\n\
                auth_request_set $Token \"${upstream_http_token}\";\nproxy_set_header Authorization \"Bearer $token\";\n\
                auth_request_set $auth_cookie $upstream_http_set_cookie;\nadd_header Set-Cookie $auth_cookie;\nadd_header X-A $user$host always;";
    let extra = read(text).unwrap().extra;
    let answered: Vec<_> = extra.answered().map(HeaderName::as_str).collect();
    assert_eq!(answered, ["x-auth-request-user", "token", "x-auth-request-user"]);
    assert_eq!((extra.request_headers.len(), extra.answer_headers.len()), (2, 1), "the cookie reaches clients anyway");
    assert_eq!(read("auth_request_set $user $upstream_http_x;").unwrap().only_request_headers(), Some(vec![]), "it is a name alone");
    assert!(read("proxy_set_header Cookie $auth_cookie;").unwrap().only_request_headers().is_none(), "it is known too late");
    for (bad, why) in [
        ("auth_request_set $a;", "it takes a variable"),
        ("auth_request_set $a $upstream_status;", "only headers of the service are known"),
        ("auth_request_set $a $upstream_http_;", "only headers"),
        ("auth_request_set $a x$upstream_http_x;", "only headers"),
        ("auth_request_set $a '$upstream_http_x; return 418';", "only headers"),
        ("auth_request_set $a '$upstream_http_x\n}';", "not printable"),
        ("auth_request_set $a ${upstream_http_x;", "only headers"),
        ("auth_request_set $a '$upstream_http_x}';", "only headers"),
        ("auth_request_set a $upstream_http_x;", "the first word is not a variable"),
        ("auth_request_set $host $upstream_http_x;", "cannot be set"),
        ("auth_request_set $HTTP_x $upstream_http_x;", "cannot be set"),
        ("auth_request_set '$a b' $upstream_http_x;", "cannot be set"),
        ("auth_request_set '$a;' $upstream_http_x;", "cannot be set"),
        ("auth_request_set '$a}' $upstream_http_x;", "cannot be set"),
        ("auth_request_set '$a\"' $upstream_http_x;", "cannot be set"),
        ("auth_request_set ${a} $upstream_http_x;", "cannot be set"),
        ("auth_request_set $$a $upstream_http_x;", "cannot be set"),
        ("auth_request_set $a $upstream_http_x; set $A b;", "gives \"$A\" another value"),
        ("auth_request_set $a $upstream_http_x; if ($a) { return 403; }", "is known to headers of requests and answers only"),
        ("auth_request_set $a $upstream_http_x; return 200 $a;", "is known to headers"),
        ("auth_request_set $a $upstream_http_x; set $w \"w$a\"; add_header X $w;", "is known to headers of requests and answers only"),
        ("auth_request_set $a $upstream_http_x; if ($arg_x) { add_header A $a; return 200; }", "is known to headers"),
        ("auth_request_set $a $upstream_http_x; rewrite ^ /$a break;", "\"$a\" is not a variable"),
        ("auth_request_set $a $upstream_http_x; add_header X $b;", "\"$b\" is not a variable"),
        ("add_header Set-Cookie $auth_cookie always;", "auth-always-set-cookie"),
    ] {
        let said = read(bad).unwrap_err();
        assert!(said.contains(why), "{bad}: {said}");
    }
}

#[test]
fn names_for_answers_of_the_service_may_stay_unused() {
    let vouch = "# used by @error401\nauth_request_set $auth_resp_jwt $upstream_http_x_vouch_jwt;\n\
                 auth_request_set $auth_resp_x_vouch_user $upstream_http_x_vouch_user;\nproxy_set_header X-Role admin;";
    assert_eq!(read(vouch).unwrap().only_request_headers().map(|headers| headers.len()), Some(1));
    assert_eq!(super::names_of_answers(vouch)["auth_resp_jwt"].as_str(), "x-vouch-jwt");
    assert!(super::names_of_answers("auth_request_set $a $upstream_http_a; }").is_empty(), "it cannot be read");
    let cookie = "auth_request_set $name_upstream_1 $upstream_cookie_name_1;\nauth_request_set $Name_2 ${upstream_cookie_Name_2};";
    assert_eq!(read(cookie).map(|meaning| meaning.extra), Ok(Extra::default()), "cookies reach clients anyway");
    let used = read(&format!("{cookie} add_header X $name_upstream_1;")).unwrap_err();
    assert!(used.contains("\"$name_upstream_1\" is not a variable that can be used here"), "{used}");
    let code = read(&format!("{cookie}\n\naccess_by_lua_block {{\n  if ngx.var.name_upstream_1 ~= \"\" then x() end\n}}")).unwrap_err();
    assert!(code.starts_with("line 4, column 1: \"access_by_lua_block\": ") && code.contains("no code is run here"), "{code}");
    for bad in ["auth_request_set $a $upstream_cookie_;", "auth_request_set $a '$upstream_cookie_a;b';"] {
        assert!(read(bad).unwrap_err().contains("only headers"), "{bad}");
    }
}

#[test]
fn answers_without_a_body_have_no_text() {
    for status in [204, 205, 304] {
        let read = read(&format!("if ($arg_a) {{ return {status} $host; }} return {status} 'a\\n';")).unwrap();
        assert!(read.extra.answers.iter().all(|answer| answer.text.parts().is_empty()), "{status}");
    }
    assert!(read("return 204 $nosuch;").is_err(), "it is read all the same");
}

#[test]
fn redirects_to_urls_need_no_flag_and_say_what_becomes_of_the_query() {
    use crate::model::Query::{Appended, Dropped, Kept};
    for (text, status, query) in [
        ("rewrite ^ https://e.test$request_uri? permanent;", 301, Dropped),
        ("rewrite ^/a(.*)$ https://e.test/?page=$1 redirect;", 302, Appended),
        ("rewrite ^/a https://e.test/ last;", 302, Kept),
        ("rewrite ^/a https://e.test/ break;", 302, Kept),
        ("rewrite ^/a $scheme://e.test/?;", 302, Dropped),
    ] {
        let answers = read(text).unwrap_or_else(|why| panic!("{text}: {why}")).extra.answers;
        assert_eq!((answers[0].status, answers[0].query), (status, query), "{text}");
    }
}

#[test]
fn answers_get_their_type_age_and_texts() {
    let text = "default_type application/json;\nexpires 1h;\ngzip off;\nlimit_rate 100k;\nproxy_cookie_path /a /b;\n\
                sub_filter a 'b $host';\nsub_filter_once off;\nsub_filter_types *;";
    let read = read(text).unwrap();
    assert_eq!(
        (read.extra.expires, read.extra.gzip.as_ref().and_then(|gzip| gzip.on)),
        (Some(crate::model::Expires::After(3600)), Some(false))
    );
    assert_eq!(read.extra.default_type.as_ref().map(MediaType::as_str), Some("application/json"));
    let substitutions = read.extra.substitutions.as_ref().unwrap();
    assert!(!substitutions.once && substitutions.types == Some(Vec::new()) && substitutions.texts.len() == 1);
    assert_eq!(read.special().collect::<Vec<_>>(), ["sub_filter"]);
    assert_eq!(read.comforts().collect::<Vec<_>>(), ["limit_rate"]);
    let mut route = RoutePolicy::default();
    read.apply(&mut route);
    assert_eq!(route.bandwidth.unwrap().rate_kib, Some(100));
    assert!(route.cookie_path.is_some() && route.cookie_domain.is_none());
}

#[test]
fn websockets_need_no_words_and_compression_has_many() {
    let usual = "proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection \"Upgrade\";";
    let read = |text: &str| read(text).unwrap_or_else(|why| panic!("{text}: {why}"));
    assert_eq!((read(usual).extra, read(usual).http_1_0), (crate::model::Extra::default(), Some(false)));
    assert_eq!(read("proxy_set_header Connection $connection_upgrade;").extra, crate::model::Extra::default());
    assert_eq!(read("proxy_set_header Connection '';").extra.request_headers.len(), 1);
    let gzip =
        read("gzip on; gzip_types text/css application/json; gzip_min_length 1k; gzip_comp_level 6; gzip_vary on; gzip_proxied any;");
    let gzip = gzip.extra.gzip.unwrap();
    assert_eq!((gzip.on, gzip.min_bytes, gzip.level, gzip.vary, gzip.proxied), (Some(true), Some(1024), Some(6), Some(true), Some(true)));
    assert_eq!(gzip.types.as_ref().map(Vec::len), Some(2));
    assert_eq!(read("gzip_types *;").extra.gzip.unwrap().types, Some(vec![]));
}

#[test]
fn forwarding_is_as_the_snippet_says() {
    let text = "proxy_http_version 1.0;\nproxy_next_upstream error http_502 non_idempotent;\nproxy_next_upstream_tries 3;\n\
                proxy_next_upstream_timeout 0;\nproxy_redirect http:// https://;\nsatisfy any;\nport_in_redirect on;\n\
                proxy_pass_header Server;\ngrpc_connect_timeout 0s;";
    let read = read(text).unwrap();
    assert_eq!(read.comforts().collect::<Vec<_>>(), ["proxy_http_version", "proxy_pass_header"]);
    assert!(read.joins_protections() && read.conflict(|key| key == "satisfy").is_some_and(|(key, _)| key == "satisfy"));
    let mut route = RoutePolicy { satisfy: Some(Satisfy::All), ..RoutePolicy::default() };
    read.apply_below(&mut route);
    assert_eq!((route.satisfy, route.http_1_0, route.port_in_redirects), (Some(Satisfy::All), Some(true), Some(true)));
    let retries = route.retries.clone().unwrap();
    assert_eq!(
        (retries.causes, retries.tries, retries.timeout_s),
        (Some(RetryCauses { causes: vec!["error".to_owned(), "http_502".to_owned()], non_idempotent: true }), Some(3), Some(0))
    );
    assert_eq!(route.timeouts.as_ref().and_then(|timeouts| timeouts.connect_s), Some(1));
    read.apply(&mut route);
    assert_eq!(route.satisfy, Some(Satisfy::Any), "the route's own words");
    for bad in [
        "satisfy some;",
        "satisfy any all;",
        "satisfy 'any; allow all';",
        "proxy_http_version 2;",
        "proxy_next_upstream http_418;",
        "proxy_next_upstream 'error; } server {';",
        "proxy_redirect ~^x /;",
        "proxy_redirect $host /;",
        "proxy_redirect a /; proxy_redirect b /;",
        "proxy_pass_header X-Accel-Redirect;",
        "proxy_pass_header 'A;';",
        "gzip_comp_level 10;",
        "gzip_types 'text/css; }';",
        "gzip_min_length $x;",
        "port_in_redirect maybe;",
    ] {
        assert!(read_key(SnippetKey::Location, bad, &LimitZones::new()).unwrap_err().starts_with("line 1, column "), "{bad}");
    }
}

#[test]
fn locations_answer_for_their_paths() {
    let text = "location = /robots.txt { add_header Content-Type text/plain; add_header X-A b; return 200 \"no\"; }\n\
                location ~ ^/(metrics|admin) { deny all; return 403; }\nlocation ~* \\.php$ { deny all; }\n\
                location ^~ /.well-known/ { return 404; }\nlocation /health { access_log off; log_not_found off; return 200 ok; }\n\
                location /cool { allow 10.0.0.0/8; deny all; return 403; }\n\
                location =/x { return 301 https://$host/y$is_args$args; }\nlocation ~ ^/old/(.*)$ { return 301 /new/$1; }";
    let read = read(text).unwrap();
    let of = |answer: &EarlyAnswer| match answer.when.as_ref().map(|when| &when.test) {
        Some(Test::Matches { expression, ignoring_case }) => (expression.as_str().to_owned(), *ignoring_case, answer.status),
        _ => (answer.path.as_ref().map(ToString::to_string).unwrap_or_default(), false, answer.status),
    };
    let shape: Vec<_> = read.extra.answers.iter().map(of).collect();
    let expected = [
        (r"^/robots\.txt$", false, 200),
        ("^/x$", false, 301),
        (r"^/\.well-known/", false, 404),
        ("^/(metrics|admin)", false, 403),
        (r"\.php$", true, 403),
        ("^/old/(.*)$", false, 301),
        ("^/health", false, 200),
        ("^/cool", false, 403),
    ];
    assert_eq!(shape, expected.map(|(path, case, status)| (path.to_owned(), case, status)));
    assert!(read.has_locations() && read.extra.answers[6].unlogged && !read.extra.answers[5].unlogged);
    assert_eq!((read.extra.default_type.as_ref().map(MediaType::as_str), read.extra.answers[0].headers.len()), (Some("text/plain"), 1));
    for (bad, why) in [
        ("location / { return 404; }", "the rules of Ingresses say"),
        (
            "location /a { proxy_pass http://b; }",
            "line 1, column 15: \"proxy_pass\": the rules of Ingresses say who is asked, and what protects the path; write a rule of an \
             Ingress for \"/a\", with the Service of \"http://b\" as its backend",
        ),
        ("location /a { return 200; root /x; }", "line 1, column 27: \"root\": only return, a redirect by rewrite"),
        ("location /a { }", "only return, a redirect by rewrite, allow, deny"),
        ("location /a { allow 10.0.0.1; deny 10.0.0.0/8; allow all; }", "in one order only"),
        ("location /a { return 200; return 403; }", "only return, a redirect by rewrite, allow, deny"),
        ("location /a { location /b { return 403; } }", "only return, a redirect by rewrite, allow, deny"),
        ("location /a { if ($arg_x) { return 403; } }", "only return, a redirect by rewrite, allow, deny"),
        ("location /a { deny all; return 200; }", "exclude each other"),
        ("location /a { allow 10.0.0.1; return 200; }", "exclude each other"),
        ("location /a { deny all; return https://a.test/; }", "exclude each other"),
        ("location @a { add_header A b; return 403; }", "only return is accepted inside of a location with a name"),
        ("location = @a { return 403; }", "path"),
        ("location a { return 403; }", "path"),
        ("location '/a b' { return 403; }", "/a b"),
        ("location '/a;return 418' { return 403; }", "/a;return 418"),
        ("location \"/a\\\"{\" { return 403; }", "/a"),
        ("location /a/../b { return 403; }", "/a/../b"),
        ("location ~ ( { return 403; }", "not a usable regular expression"),
        ("location ~ (a+)+$ { return 403; }", "could take very long"),
        ("location ! /a { return 403; }", "it takes a path"),
        ("location = /a b { return 403; }", "it takes a path"),
        ("location ~ ^/(.*)$ { return 308 /$1; }", "use $request_uri"),
        ("location ~ ^/(.*)$ { return 301 /$2; }", "has fewer groups"),
        ("location = /a { return 302 $http_x; }", "a variable cannot stand in a URL"),
        ("location = /a { default_type a/b; return 200; } location = /b { default_type a/c; return 200; }", "has one type"),
    ] {
        let said = read_key(SnippetKey::Location, bad, &LimitZones::new()).unwrap_err();
        assert!(said.contains(why), "{bad}: {said}");
    }
}

/// Where nothing is answered nginx looks for files, of which there are none.
#[test]
fn locations_without_an_answer_have_no_files() {
    for (text, answers, told) in [
        ("location /a { allow 10.0.0.0/8; deny all; }", &[(403, 1), (404, 0)][..], &["allow"][..]),
        ("location /a { deny 10.0.0.1; }", &[(403, 1), (404, 0)], &["deny"]),
        ("location /a { deny 10.0.0.1; allow 10.0.0.0/8; deny all; access_log off; }", &[(403, 1), (403, 1), (404, 0)], &["allow"]),
        ("location /a { deny all; }", &[(403, 0)], &[]),
        ("location = /a.ico { log_not_found off; access_log off; }", &[(404, 0)], &["log_not_found"]),
        ("location ~ [.]md$ { default_type text/plain; }", &[(404, 0)], &["default_type"]),
    ] {
        let read = read_key(SnippetKey::Server, text, &LimitZones::new()).unwrap();
        let given: Vec<_> = read.extra.answers.iter().map(|answer| (answer.status, answer.also.len())).collect();
        assert_eq!(given, answers, "{text}");
        assert!(read.extra.answers.iter().all(|answer| answer.when.is_some() && answer.unlogged == text.contains("access_log")), "{text}");
        let remarks: Vec<_> = read.remarks().iter().filter_map(|remark| remark.split('"').nth(1)).collect();
        assert_eq!(remarks, told, "{text}: {:?}", read.remarks());
        assert!(
            read.remarks().iter().all(|remark| remark.ends_with(": whoever may ask for this path is answered 404, for there are no files"))
        );
        assert_eq!(read.without().count(), 0, "{text}: whom it denies is answered 403");
    }
    for beaten_by_longer in ["location /a { access_log off; }", "location ^~ /a { add_header A b; }"] {
        assert!(read_key(SnippetKey::Server, beaten_by_longer, &LimitZones::new()).is_err(), "{beaten_by_longer}");
    }
}

#[test]
fn a_list_of_answers_that_are_compressed_for_proxies_is_told() {
    let read = read("gzip on;\ngzip_proxied no-cache no-store private expired auth;").unwrap();
    assert_eq!(read.without().map(|(name, _)| name).collect::<Vec<_>>(), ["gzip_proxied"]);
    assert!(super::super::done_without(&read, "", &["gzip_proxied"]).is_empty());
}

#[test]
fn of_several_redirects_of_endpoints_off_counts() {
    let rewrite = |text: &str| read(text).unwrap().location_rewrite;
    assert_eq!(rewrite("proxy_redirect default;\nproxy_redirect off;"), Some(LocationRewrite::Off));
    assert_eq!(rewrite("proxy_redirect http://a/ /; proxy_redirect off;"), Some(LocationRewrite::Off));
    let replaced = Some(LocationRewrite::Replace("http://a/".to_owned(), "/".to_owned()));
    assert_eq!(rewrite("proxy_redirect http://a/ /; proxy_redirect default; proxy_redirect http://a/ /;"), replaced);
    for text in ["proxy_redirect default; proxy_redirect http://a/ /;", "proxy_redirect http://a/ /; proxy_redirect default;"] {
        assert_eq!(rewrite(text), replaced, "{text}");
    }
    for text in
        ["proxy_redirect off; proxy_redirect http://a/ /;", "proxy_redirect off; proxy_redirect default;", "proxy_redirect default;"]
    {
        assert_eq!(rewrite(text), Some(LocationRewrite::Off), "{text}");
    }
    assert!(read("proxy_redirect http://a/ /; proxy_redirect http://b/ /;").unwrap_err().contains("one pair can be replaced; keep"));
    assert!(read("proxy_redirect http://a/;").unwrap_err().contains("alone it takes off or default; write"), "nginx refuses it");
}

#[test]
fn locations_are_looked_at_in_the_order_of_nginx() {
    let statuses = |text: &str| read(text).map(|read| read.extra.answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    for (text, order) in [
        ("location /a { return 200; } location /a/b { deny all; }", &[403, 200][..]),
        ("location ~ ^/a { return 200; } location = /a/b { deny all; }", &[403, 200]),
        ("location /a { return 200; } if ($http_x) { return 403; }", &[403, 200]),
        ("location /a { return 200; } return 404;", &[404]),
        ("location /a { deny all; } location ~ [.]txt$ { return 200; }", &[200, 403]),
        ("location ~ [.]txt$ { return 200; } location ^~ /a { deny all; }", &[403, 200]),
        ("location ~ b { return 201; } location ~* a { return 202; } location ^~ /a { return 203; }", &[203, 201, 202]),
        ("location ^~ /a { return 200; } location /a/b { deny all; }", &[403, 200]),
        ("location /a { return 200; } location ^~ /a/b { return 201; } location ~ c { return 202; }", &[201, 202, 200]),
        ("location ^~ /a { return 200; } location /ab { return 201; } location ^~ /abc { return 202; }", &[202, 201, 200]),
    ] {
        assert_eq!(statuses(text).as_deref(), Ok(order), "{text}");
    }
    let texts = read("set $x a; location = /a { return 200 $x; } set $x b;").unwrap().extra.answers;
    assert_eq!(texts[0].text.literal(), Some("b"), "what is set for the server is set before");
    let beaten = "location /a/b { deny all; }\nlocation ^~ /a { return 200; }\nlocation ~ c { return 202; }";
    let said = statuses(beaten).unwrap_err();
    assert!(said.starts_with("line 2, column 1: \"location\": a longer path without ^~ goes before it"), "{said}");
}

#[test]
fn lists_of_addresses_are_read_in_one_order() {
    let ranges = |text| read(text).map(|read| read.sources.map(|s| (s.denied.len(), s.allowed.len())));
    assert_eq!(ranges("deny 10.0.0.1; allow 10.0.0.0/8; deny all;"), Ok(Some((1, 1))));
    assert_eq!(ranges("deny 10.0.0.1;"), Ok(Some((1, 0))));
    assert_eq!(ranges("deny all;"), Ok(Some((2, 0))));
    assert_eq!(ranges("allow all;"), Ok(None));
    assert!(ranges("allow 10.0.0.1;").is_err() && ranges("allow 10.0.0.1; deny all; allow 10.0.0.2;").is_err());
}

#[test]
fn everything_else_is_refused_by_name_and_line() {
    for (bad, begins) in [
        ("root /etc;", "line 1, column 1: \"root\": it has no meaning"),
        ("a b;\n", "line 1, column 1: \"a\""),
        ("\ncontent_by_lua_block { x; }", "line 2, column 1: \"content_by_lua_block\": it has no meaning"),
        ("types { a b; }", "line 1, column 1: \"types\": blocks"),
        ("proxy_pass http://127.0.0.1;", "line 1, column 1: \"proxy_pass\""),
        ("if ($arg_a) { add_header Server x; }", "line 1, column 15: \"add_header\": the header Server"),
        ("add_header \"X\\nY\" z;", "line 1, column 1: \"add_header\""),
        ("proxy_set_header Content-Length 5;", "line 1, column 1: \"proxy_set_header\""),
        ("add_header A $nosuch;", "line 1, column 1: \"add_header\""),
        ("if ($a ~ \"(\") { return 403; }", "line 1, column 1: \"if\""),
        ("if ($host = a) { proxy_pass http://x; }", "line 1, column 1: \"if\": only headers, expires, set, and one return"),
        ("rewrite ^/a b last;", "line 1, column 1: \"rewrite\": the target does not begin with one '/'"),
        (
            "rewrite ^/a /b last;\nrewrite ^/a/c /d permanent;",
            "line 2, column 1: \"rewrite\": it stands behind a rewrite that may be for the same",
        ),
        ("rewrite ^/a /b;\nrewrite /c$ /d redirect;", "line 2, column 1: \"rewrite\": it stands behind a rewrite that may be for the same"),
        ("rewrite ^/a /b next;", "line 1, column 1: \"rewrite\": it takes an expression, a target and a flag"),
        ("location { deny 10.0.0.1; }", "line 1, column 1: \"location\": there is no path that it is for; write one behind it"),
        ("rewrite ^/(a) /$2 break;", "line 1, column 1: \"rewrite\": \"^/(a)\" has fewer"),
        ("rewrite ^/(a $1 break;", "line 1, column 1: \"rewrite\""),
        ("rewrite ^/a http://$http_x/ redirect;", "line 1, column 1: \"rewrite\": a variable"),
        ("expires modified +1h;", "line 1, column 1: \"expires\""),
        ("rewrite ^/a /b break;\nreturn 200;", "line 2, column 1: \"return\": it stands behind"),
        ("limit_req zone=x;", "line 1, column 1: \"limit_req\": there is no zone \"x\""),
        ("limit_req burst=5;", "line 1, column 1: \"limit_req\": it names no zone"),
        ("limit_conn x 0;", "line 1, column 1: \"limit_conn\": 0"),
        ("limit_req_zone $binary_remote_addr zone=x:1m rate=1r/s;", "line 1, column 1: \"limit_req_zone\": zones are not defined here"),
        ("limit_req_zone $http_x zone=x:1m rate=1r/s;", "line 1, column 1: \"limit_req_zone\": \"$http_x\" cannot be counted"),
        ("limit_req_zone $remote_addr zone=x rate=1r/s;", "line 1, column 1: \"limit_req_zone\": \"zone=x\" is not"),
        ("limit_req_zone $remote_addr zone=x:1m rate=1;", "line 1, column 1: \"limit_req_zone\": \"1\" is neither"),
        ("sub_filter_types text/css;", "line 1, column 1: \"sub_filter_types\": there is no sub_filter"),
        ("add_header A b;\naccess_by_lua_block { ngx.exit(403) }", "line 2, column 1: \"access_by_lua_block\": it has no meaning"),
        ("rewrite_by_lua 'ngx.exit(403)';", "line 1, column 1: \"rewrite_by_lua\": it has no meaning"),
        ("proxy_ssl_crl /a;", "line 1, column 1: \"proxy_ssl_crl\": it has no meaning"),
        ("proxy_ssl_trusted_certificate /a;", "line 1, column 1: \"proxy_ssl_trusted_certificate\": it has no meaning"),
        ("if (-f /etc/passwd) { return 200; }", "line 1, column 1: \"if\""),
        ("return 302 $http_x;", "line 1, column 1: \"return\""),
        ("return 99;", "line 1, column 1: \"return\""),
        ("set $host x;", "line 1, column 1: \"set\""),
        ("}", "line 1, column 2: punctuation"),
    ] {
        let why = read(bad).unwrap_err();
        assert!(why.starts_with(begins), "{bad}: {why}");
    }
}

/// The last is the manifest of ingress-nginx for load balancers of AWS that end TLS.
#[test]
fn blocks_for_the_whole_proxy_that_do_nothing_by_themselves_cost_nothing_else() {
    for (block, why) in [
        ("map $http_upgrade $connection_upgrade { default upgrade; '' close; }", "snippets know $connection_upgrade"),
        ("map $http_x $team { default a; ~^b c; }", "no snippet knows its variable"),
        ("geo $inner { default 0; 10.0.0.0/8 1; }", "no snippet knows its variable"),
        ("server { listen 2443; return 308 https://$host$request_uri; }", "no further ports are listened on"),
    ] {
        let meaning = read_key(SnippetKey::Http, &format!("add_header A b;\n{block}"), &LimitZones::new()).unwrap();
        let (said, headers) = (meaning.without().map(|(_, why)| why).collect::<Vec<_>>(), meaning.extra.answer_headers.len());
        assert!(headers == 1 && said.len() == 1 && said[0].starts_with(why), "{block}: {said:?}");
        assert!(read(block).unwrap_err().contains("blocks are not accepted"), "{block}: not further in");
    }
    for bad in ["server { listen 80; return 403; }", "server { return 403; }", "upstream a { server 192.0.2.1; }"] {
        assert!(read_key(SnippetKey::Http, bad, &LimitZones::new()).is_err(), "{bad}");
    }
}

#[test]
fn clients_are_limited_by_zones_from_further_out() {
    let outer = "limit_req_zone $binary_remote_addr zone=slow:10m rate=5r/m;\nlimit_conn_zone $remote_addr zone=few:1m;\nlimit_conn few 9;";
    let outer = read_key(SnippetKey::Http, outer, &LimitZones::new()).unwrap();
    let zones = outer.zones();
    assert_eq!(zones["slow"], LimitZone::Requests(5, Period::Minute));
    let mut route = RoutePolicy::default();
    outer.apply(&mut route);
    assert_eq!(route.limits.as_ref().map(|limits| (limits.rates.len(), limits.connections)), Some((0, Some(9))));
    let inner = read_key(SnippetKey::Location, "limit_req zone=slow burst=3 nodelay;", &zones).unwrap();
    let conflict = |name: &str| inner.conflict(|key| key == name).map(|(key, _)| key);
    assert_eq!((conflict("limit-rpm"), conflict("limit-rate")), (Some("limit-rpm"), None));
    inner.apply(&mut route);
    let limits = route.limits.unwrap();
    assert_eq!((&limits.rates[..], limits.connections), (&[RequestRate { requests: 5, period: Period::Minute, burst: 3 }][..], None));
    for bad in ["limit_conn slow 1;", "limit_req zone=few;", "limit_req zone=slow; limit_req zone=slow;", "limit_req zone=slow dry;"] {
        assert!(read_key(SnippetKey::Location, bad, &zones).is_err(), "{bad}");
    }
}

#[test]
fn answers_have_lines_and_urls_have_none() {
    let text = |snippet: &str| read(snippet).map(|read| read.extra.answers[0].text.clone());
    let lines = text("if ($arg_a ~ b) { return 200 \"User-agent: *\\nDisallow: $uri\n\"; }").unwrap();
    let breaks = lines.parts().iter().filter(|part| **part == crate::names::TextPart::Break('\n')).count();
    assert_eq!((breaks, lines.has_breaks(), lines.parts().len()), (2, true, 5));
    assert!(!text("return 200 'a\\\\n';").unwrap().has_breaks(), "it is a backslash and a letter");
    for (bad, why) in [("return 302 'http://a.test/\\n';", "one line"), ("if ($uri ~ (.)) { return 200 '$1\\n'; }", "stands in one line")] {
        assert!(text(bad).unwrap_err().contains(why), "{bad}");
    }
    assert!(read("set $a 'b\nc';").is_err() && read("add_header A 'a\nb';").is_err());
}

/// Headers of answers with how many conditions each has.
fn answer_headers(text: &str) -> Vec<(String, usize)> {
    read(text)
        .unwrap()
        .extra
        .answer_headers
        .iter()
        .map(|header| (header.value.literal().unwrap_or("?").to_owned(), header.when.len()))
        .collect()
}

#[test]
fn headers_in_a_condition_are_in_place_of_those_that_are_added_outside() {
    let pairs = |pairs: &[(&str, usize)]| pairs.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect::<Vec<_>>();
    let text = "add_header A out; more_set_headers 'B: out'; if ($arg_a) { add_header A in; more_clear_headers C; }";
    assert_eq!(answer_headers(text), pairs(&[("out", 1), ("out", 0), ("in", 1), ("", 1)]));
    let text = "add_header A out; if ($arg_a) { more_set_headers 'B: in'; } if ($arg_b) { more_set_headers 'B: last'; }";
    assert_eq!(answer_headers(text), pairs(&[("out", 0), ("in", 2), ("last", 1)]), "the last condition that holds decides");
    let all = "set $m 0; if ($arg_a) { set $m \"${m}1\"; } if ($arg_b) { set $m \"${m}2\"; } if ($m = 012) { add_header A b; }";
    assert_eq!(answer_headers(all), pairs(&[("b", 2)]));
    let requests = read("if ($arg_a) { proxy_set_header A b; more_clear_input_headers C; }").unwrap().extra.request_headers;
    assert_eq!(requests.iter().map(|header| header.when.len()).collect::<Vec<_>>(), [1, 1]);
    assert!(read("proxy_set_header A b; if ($arg_a) { proxy_set_header A b; }").unwrap().only_request_headers().is_none());
    let many = |count: usize| "add_header A b;".repeat(count);
    assert!(read(&format!("if ($arg_a) {{ {} }}", many(100))).is_ok());
    assert!(read(&format!("if ($arg_a) {{ {} }}", many(101))).unwrap_err().contains("more than 100 headers"));
    let ifs: String = (0..15).map(|n| format!("if ($arg_a{n}) {{ add_header A b; }}")).collect();
    assert!(read(&ifs).unwrap_err().contains("too many conditions"), "each is looked at for all before it");
    let doubling: String = (0..33)
        .map(|n| {
            format!(
                "if ($arg_a{n}) {{ set $f{n} 1; }} if ($arg_b{n}) {{ set $f{n} \"${{f{n}}}2\"; }} if ($f{n} = 12) {{ add_header A b; }}"
            )
        })
        .collect();
    assert!(read(&doubling).unwrap_err().contains("more than 100 headers"), "and not looked at two to the power of 33 times");
    for bad in ["if ($arg_a) { add_header Server a; }", "if ($arg_a) { more_clear_headers X-*; }", "if ($arg_a ~ (.)) { add_header A $1; }"]
    {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn headers_are_for_statuses_and_types() {
    let header = |text: &str| read(text).map(|read| read.extra.answer_headers[0].clone());
    let both = header("more_set_headers -s '404 500' -s 503 -t 'text/html text/css' 'A: b';").unwrap();
    assert_eq!((both.statuses.as_slice(), both.types.len(), both.replaces, both.always), (&[404, 500, 503][..], 2, true, true));
    let cleared = header("more_clear_headers -t text/html A;").unwrap();
    assert!(cleared.value.parts().is_empty() && cleared.replaces && cleared.is_for_some());
    assert!(!header("more_set_headers -a 'A: b';").unwrap().replaces);
    for bad in ["-s 404", "-s x 'A: b'", "-s 99 'A: b'", "-t 'a b' 'A: b'", "-x 'A: b'", "-s"] {
        assert!(header(&format!("more_set_headers {bad};")).is_err(), "{bad}");
    }
    assert!(
        read("more_clear_headers -s 404 X-*;").is_err()
            && read("if ($arg_a) { more_set_headers -t text/html 'A: b'; return 403; }").is_err()
    );
    let early = read("if ($arg_a) { more_set_headers -s 404 'A: b'; more_set_headers -s 403 'C: d'; return 403; }").unwrap();
    assert_eq!(early.extra.answers[0].headers.len(), 1);
    let replaced = read("more_set_input_headers -r 'X-A: b';").unwrap().extra.request_headers;
    assert!(replaced[0].when.len() == 1 && replaced[0].when[0].variable.uses(&["http_x_a"]));
    assert!(read("more_set_input_headers -t text/html 'X-A: b';").is_err());
}

#[test]
fn those_who_ask_too_often_have_a_status_of_their_own() {
    let extra = read("limit_req_status 429; limit_conn_status 430;").unwrap().extra;
    assert_eq!((extra.request_limit_status, extra.connection_limit_status), (Some(429), Some(430)));
    for bad in ["399", "600", "x", "429 430", ""] {
        assert!(read(&format!("limit_req_status {bad};")).is_err() && read(&format!("limit_conn_status {bad};")).is_err(), "{bad}");
    }
}

#[test]
fn other_paths_have_queries() {
    let rewrite = |text: &str| read(text).map(|read| read.extra.rewrites[0].clone());
    let shape = |text: &str| rewrite(text).map(|read| (read.target.parts().len(), read.query.parts().len(), read.keeps_query));
    assert_eq!(shape("rewrite ^/(a) /b/$1 break;"), Ok((2, 0, true)));
    assert_eq!(shape("rewrite ^/(a) /b?c=$1 break;"), Ok((1, 2, true)));
    assert_eq!(shape("rewrite ^/(a) /b?c=$1? break;"), Ok((1, 2, false)));
    assert_eq!(shape("rewrite ^/(a) /b? break;"), Ok((1, 0, false)));
    assert_eq!(shape("set $q x; if ($arg_a) { rewrite ^ /b?$q?c break; }"), Ok((1, 1, true)));
    for (bad, why) in [
        ("rewrite ^/(a) /b?c=$2 break;", "has fewer groups"),
        ("rewrite ^ /b?c=$http_x break;", "a variable cannot stand in a URL"),
        ("set $q '?c=1'; rewrite ^ /b$q break;", "the beginning of a query"),
        ("rewrite ^ ?c break;", "does not begin with one '/'"),
        ("rewrite ^ //b?c break;", "does not begin with one '/'"),
    ] {
        assert!(rewrite(bad).unwrap_err().contains(why), "{bad}");
    }
}

#[test]
fn several_directives_stand_in_a_condition() {
    let text = "if ($arg_a ~ (x)) { set $why bad; add_header X-Why $why always; access_log off; return 403 \"$why $1\"; }";
    let answer = read(text).unwrap().extra.answers[0].clone();
    assert!(answer.unlogged && answer.headers[0].value.literal() == Some("bad") && answer.text.parts().len() == 2, "{answer:?}");
    let both = read("if ($arg_a) { set $m 1; expires 30d; add_header A b; } if ($m) { return 410; }").unwrap().extra;
    assert_eq!((both.answers.len(), both.answer_headers[0].when.len(), both.expires_when.len()), (1, 1, 1));
    let later = read("expires 1h; if ($arg_a) { expires 1d; } if ($arg_b) { add_header A b; }").unwrap().extra;
    assert_eq!((later.expires.is_some(), later.expires_when[0].when.len()), (true, 2), "the last condition that holds decides");
    let moved = read("if ($arg_a) { set $m 1; add_header A b; rewrite ^ /c break; }").unwrap().extra;
    assert_eq!((moved.rewrites.len(), moved.answer_headers.len()), (1, 1));
    for bad in [
        "if ($arg_a) { access_log off; }",
        "if ($arg_a) { return 403; add_header A b; }",
        "if ($arg_a) { return 403; return 404; }",
        "if ($arg_a) { set $m 1; proxy_pass http://x; }",
        "if ($arg_a) { }",
        "if ($arg_a) { set $m \"${m}1\"; return 200 $m; }",
        "if ($arg_a) { expires soon; return 200; }",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn clients_have_their_time() {
    let meaning = read("client_body_timeout 5s; send_timeout 0; client_header_timeout 5s;").unwrap();
    assert_eq!((meaning.extra.client_body_s, meaning.extra.client_send_s), (Some(5), Some(1)));
    assert_eq!(meaning.comforts().collect::<Vec<_>>(), ["client_body_timeout", "send_timeout"]);
    assert_eq!(meaning.without().map(|(name, _)| name).collect::<Vec<_>>(), ["client_header_timeout"]);
}

#[test]
fn a_connection_names_no_headers() {
    for good in ["close", "keep-alive", "\"\"", "upgrade", "$connection_upgrade", "$http_connection"] {
        assert!(read(&format!("proxy_set_header Connection {good};")).is_ok(), "{good}");
    }
    for bad in ["x-forwarded-for", "'close, x-user'", "$http_x", "$arg_a"] {
        let said =
            [format!("proxy_set_header connection {bad};"), format!("more_set_input_headers \"Connection: {}\";", bad.trim_matches('\''))];
        assert!(said.iter().all(|text| read(text).unwrap_err().contains("headers that are not passed on")), "{bad}");
    }
}

#[test]
fn a_protection_is_not_switched_off() {
    let meaning = read("auth_basic off; auth_request off;").unwrap();
    assert_eq!(meaning.without().map(|(name, _)| name).collect::<Vec<_>>(), ["auth_basic", "auth_request"]);
    assert!(!meaning.keeps_out() && read("auth_basic x;").is_err());
}

#[test]
fn locations_redirect_by_their_paths() {
    let answers = read("location /a { rewrite ^/a/(.*)$ /b/$1 permanent; }\nlocation ~ [.]php$ { rewrite ^ https://b.test/ redirect; }")
        .unwrap()
        .extra
        .answers;
    let shape: Vec<_> = answers.iter().map(|answer| (answer.status, answer.when.is_some(), answer.path.is_some())).collect();
    assert_eq!(shape, [(302, true, true), (404, true, false), (301, true, true), (404, true, false)], "what is left has no file");
    for bad in [
        "location /a { rewrite ^/a /b break; }",
        "location /a { rewrite ^/a /b; }",
        "location /a { rewrite ^/a /b permanent; return 404; }",
        "location /a { rewrite ^/a /b permanent; rewrite ^/c /d permanent; }",
        "location /a { add_header A b; rewrite ^/a /b permanent; }",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

/// The redirect comes first, so no path may be for both.
#[test]
fn a_redirect_stands_behind_a_path_that_is_looked_for_again_if_it_is_for_others() {
    let meaning = read("rewrite ^/a$ /b last; rewrite ^/c$ /d permanent;").unwrap();
    assert_eq!((meaning.searches.len(), meaning.extra.answers.len()), (1, 1));
}

#[test]
fn answers_say_how_long_they_are_fresh() {
    let ages = |text: &str| read(text).map(|read| read.extra.answers.iter().map(|own| (own.status, own.expires)).collect::<Vec<_>>());
    for (text, answers) in [
        ("location = /a { expires 1h; return 200 a; }", vec![(200, Some(Expires::After(3600)))]),
        ("location = /a { expires max; return 301 https://a.test/; }", vec![(301, Some(Expires::Max))]),
        ("location ~ ^/(a)$ { expires -1; return 301 /b; }", vec![(301, Some(Expires::After(-1)))]),
        ("location = /a { expires 1h; return 404; }", vec![(404, None)]),
        ("location = /a { expires 1h; deny 10.0.0.1; }", vec![(403, None), (404, None)]),
        ("if ($arg_a) { expires epoch; return 200; }", vec![(200, Some(Expires::Epoch))]),
        ("if ($arg_a) { expires 1h; return 403; }", vec![(403, None)]),
    ] {
        assert_eq!(ages(text), Ok(answers), "{text}");
    }
    for bad in ["location = /a { expires soon; return 200; }", "location = /a { expires; return 200; }", "location /a { expires 1h; }"] {
        assert!(ages(bad).is_err(), "{bad}");
    }
}

/// As nginx has it where a location is in another one.
#[test]
fn locations_within_routes_come_before_all_else_that_the_routes_say() {
    let read = |text: &str| {
        let known = super::Known { is_of_routes: true, ..super::Known::default() };
        super::read_within(text, &LimitZones::new(), known)
    };
    let statuses = |text: &str| read(text).map(|read| read.extra.answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    let text = "if ($arg_a) { return 410; } location ~ [.]php$ { deny all; } location = /a { return 200; } return 302 /b;";
    assert_eq!(statuses(text), Ok(vec![200, 403, 410, 302]));
    assert_eq!(statuses("location /a { add_header A b; }"), Ok(vec![404]), "nothing asks a Service there");
    assert!(statuses("set $x a; location = /a { return 200 $x; }").is_err(), "what the route sets is not known there");
    assert!(
        statuses("location /a { proxy_pass http://b; }").unwrap_err().contains("\"proxy_pass\": the rules of Ingresses say who is asked")
    );
    assert!(statuses("location /a { location /a/b { return 403; } }").is_err());
}

#[test]
fn locations_with_names_are_for_errors() {
    let read = |of_host: &str, text: &str| {
        let known = super::Known { is_of_routes: true, ..super::known_of(of_host) };
        read_key(SnippetKey::Server, of_host, &LimitZones::new())?;
        super::read_within(text, &LimitZones::new(), known)
    };
    let login = "location @login { return 302 https://a.test/?rd=$scheme://$http_host$request_uri; }";
    for (of_host, text) in [
        (login, "error_page 401 = @login;"),
        (login, "error_page 401 =302 @login;"),
        ("location @login { return https://a.test/; }", "error_page 401 = @login;"),
        ("location @login { return 302 $to; }", "set $to https://a.test/; error_page 401 = @login;"),
    ] {
        assert!(read(of_host, text).unwrap().sign_in().is_some(), "{of_host} {text}");
    }
    let told = read("location @maint { return 503 later; }", "error_page 503 @maint;").unwrap();
    assert_eq!(told.without().map(|(name, _)| name).collect::<Vec<_>>(), ["error_page"], "the status stays");
    for (of_host, text, why) in [
        (login, "error_page 401 @login;", "have a meaning that return 302"),
        (login, "error_page 401 403 = @login;", "have a meaning that return 302"),
        (login, "error_page 404 = @login;", "have a meaning that return 302"),
        (login, "error_page 401 = @other;", "there is no location \"@other\""),
        ("location @login { return 301 https://a.test/; }", "error_page 401 = @login;", "have a meaning that return 302"),
        ("location @login { return 302 https://a.test/$http_x; }", "error_page 401 = @login;", "\"error_page\""),
        ("location @maint { return 503; }", "error_page 502 @maint;", "have a meaning that return 302"),
        ("location @files { root /x; }", "error_page 404 @files;", "only return is accepted inside of a location with a name"),
        ("location @pass { proxy_pass http://b; }", "", "only return is accepted inside of a location with a name"),
        ("location @two { add_header A b; return 200; }", "", "only return is accepted inside of a location with a name"),
    ] {
        let said = read(of_host, text).unwrap_err();
        assert!(said.contains(why), "{of_host} {text}: {said}");
    }
    assert!(!super::may_keep_out(login, &LimitZones::new()));
}
