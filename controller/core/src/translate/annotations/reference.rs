//! The reference page, written from [`FEATURES`].

use super::{FEATURES, Key, OnBadValue, ProxyFacts, Risk, Scope, Tier, Verdict, unsupported};
use crate::model::{Lack, LackingWay};
use std::fmt::Write;

/// The whole page as Markdown.
#[must_use]
pub fn markdown(proxies: &[ProxyFacts]) -> String {
    let mut out = String::from(
        "# Annotations\n\n\
         Written from the list of features; do not edit. Every name is that of ingress-nginx and carries the prefix \
         `nginx.ingress.kubernetes.io/` (`--annotations-prefix`). Tier: how widely it is used. Risk: as ingress-nginx ranks it.\n\n\
         What each proxy makes of it: *same* as ingress-nginx; *approximated*, nearly that; *told*, nothing, which is said on the \
         object; *closed*, what asks for it is not served.\n\n\
         An Ingress that is *left out* because of a value is not served. If `run` has served a version of it before, that one stays, \
         and the finding says so, as long as both versions ask for the same protections, word by word.\n",
    );
    out.push_str("\n## In numbers\n\n");
    out.push_str(&totals(proxies));
    for feature in FEATURES {
        let _ = write!(out, "\n## {}\n", feature.name);
        for key in feature.keys {
            entry(&mut out, key, proxies);
        }
    }
    out.push_str("\n## Not supported\n\nKnown, and said on the object that uses them, whatever the proxy.\n\n");
    out.push_str("| annotation | tier | verdict | what is done |\n|---|---|---|---|\n");
    for (name, what) in unsupported::described() {
        let verdicts: Vec<String> = proxies.iter().map(|proxy| proxy.verdict(name).0.to_string()).collect();
        let tier = unsupported::tier(name).map_or_else(String::new, |tier| tier.to_string());
        let _ = writeln!(out, "| `{name}` | {tier} | {} | {what} |", verdicts.first().map_or("", String::as_str));
    }
    out
}

/// How many annotations of each tier each proxy makes what of, as a table of Markdown.
#[must_use]
pub fn totals(proxies: &[ProxyFacts]) -> String {
    let mut out = String::from("| proxy | tier |");
    Verdict::ALL.iter().for_each(|verdict| _ = write!(out, " {verdict} |"));
    out.push_str("\n|---|---|---|---|---|---|\n");
    for (proxy, tier) in proxies.iter().flat_map(|proxy| Tier::ALL.map(|tier| (proxy, tier))) {
        let _ = write!(out, "| {} | {tier} |", proxy.name);
        Verdict::ALL.iter().for_each(|verdict| _ = write!(out, " {} |", proxy.count(tier, *verdict)));
        out.push('\n');
    }
    out
}

fn entry(out: &mut String, key: &Key, proxies: &[ProxyFacts]) {
    let default = match (key.default, key.config_key) {
        ("", "") => "none".to_owned(),
        (default, "") => format!("`{default}`"),
        ("", config_key) => format!("ConfigMap key `{config_key}`"),
        (default, config_key) => format!("`{default}`, or ConfigMap key `{config_key}`"),
    };
    let _ = write!(out, "\n### {}\n\n{}\n\n", key.name, key.doc);
    let _ = writeln!(out, "- Value: {}. Default: {default}.", key.value);
    let _ = writeln!(out, "- Acts on {}. Tier {}, risk {}.", scope(key.scope), key.tier, risk(key.risk));
    let _ = writeln!(
        out,
        "- A value that cannot be used: {}{}.",
        bad(key),
        if key.is_refused { "; at admission the Ingress is refused" } else { "" }
    );
    for proxy in proxies {
        let (verdict, how) = proxy.verdict(key.name);
        let how = if verdict == Verdict::Same { String::new() } else { format!(": {how}{}", values(key.name, &proxy.lacks)) };
        let _ = writeln!(out, "- On {}: {verdict}{how}.", proxy.name);
    }
}

/// Which values are fine, and what becomes of the others.
fn values(name: &str, lacks: &[Lack]) -> String {
    let Some(lack) = lacks.iter().find(|lack| lack.key == name && !lack.is_setting) else { return String::new() };
    let closes = if lack.way == LackingWay::Closes { "; the routes answer 503" } else { "" };
    let fine = if lack.fine.is_empty() { String::new() } else { format!(" (except `{}`)", lack.fine.join("`, `")) };
    format!("{closes}{fine}")
}

const fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Route => "each route of the Ingress",
        Scope::Host => "the whole of each host of the Ingress",
        Scope::Ingress => "all routes of the Ingress together",
        Scope::Backend => "the backends of the Ingress",
    }
}

const fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
        Risk::Critical => "critical",
    }
}

const fn bad(key: &Key) -> &'static str {
    match key.on_bad_value {
        OnBadValue::CloseRoute if matches!(key.scope, Scope::Host) => "every request to the hosts is answered 403",
        OnBadValue::KeepDefault => "the default holds",
        OnBadValue::DropFeature => "the feature is left out",
        OnBadValue::CloseRoute => "the routes of the Ingress answer 503",
        OnBadValue::SkipIngress => "the Ingress is left out",
    }
}
