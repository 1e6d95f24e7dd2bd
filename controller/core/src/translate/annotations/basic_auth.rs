//! `auth-type` and its kin: names and passwords.

use super::{Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::{Account, Accounts, AccountsId, BasicAuth, NoLogin, Satisfy};
use crate::names::{Kind, is_printable, shown};
use std::sync::Arc;

pub(super) const FEATURE: Feature = Feature {
    name: "Basic authentication",
    keys: &[
        Key::new(
            "auth-type",
            Value::Word(&["basic"]),
            Scope::Route,
            "Requests need a name and password from `auth-secret`; without it `auth-secret`, `auth-secret-type` and `auth-realm` do \
             nothing. `digest` closes the routes: no stock proxy has it.",
        )
        .refused_when_bad()
        .on_bad_value(OnBadValue::CloseRoute),
        Key::new(
            "auth-secret",
            Value::Object(Kind::Secret),
            Scope::Route,
            "The Secret with the users. Its changes take effect at once. A user whose hash takes too long to check cannot log in: \
             bcrypt is fine up to cost 12, SHA-2 up to 100000 rounds, yescrypt up to 64 MiB.",
        )
        .ranked(Tier::A, Risk::Medium)
        .on_bad_value(OnBadValue::CloseRoute),
        Key::new(
            "auth-secret-type",
            Value::Word(&["auth-file", "auth-map"]),
            Scope::Route,
            "How the Secret is read: its key `auth` is an htpasswd file, or each of its keys is a user and the value the hash.",
        )
        .refused_when_bad()
        .default("auth-file")
        .on_bad_value(OnBadValue::CloseRoute),
        Key::new("auth-realm", Value::Other("a text"), Scope::Route, "What clients are told they log in to.")
            .refused_when_bad()
            .ranked(Tier::A, Risk::Medium)
            .on_bad_value(OnBadValue::CloseRoute),
    ],
    apply,
};

pub(super) const SATISFY: Feature = Feature {
    name: "Joined protections",
    keys: &[Key::new(
        "satisfy",
        Value::Word(&["all", "any"]),
        Scope::Route,
        "Whether a request needs `all` of address, password and external authentication, or `any` one of those that are asked for.",
    )
    .ranked(Tier::B, Risk::Low)
    .default("all")],
    apply: |given, policies| {
        if let Some(satisfy) = given.word("satisfy", &[("all", Satisfy::All), ("any", Satisfy::Any)]) {
            policies.route().satisfy = Some(satisfy);
        }
    },
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    if given.refuse_empty("auth-type") {
        return;
    }
    match given.words("auth-type") {
        None => return,
        Some("basic") => {}
        Some("digest") => {
            return given.refuse(
                "auth-type",
                "\"digest\" cannot be had from a stock proxy",
                "use basic, or auth-url with a service that does it",
            );
        }
        Some(other) => return given.refuse("auth-type", format_args!("{} is not known", shown(other)), "use basic"),
    }
    let by_key = given.word("auth-secret-type", &[("auth-file", false), ("auth-map", true)]);
    let realm = realm(given);
    if given.is_bad("auth-secret-type") || given.is_bad("auth-realm") {
        return;
    }
    let Some(accounts) = accounts(given, by_key.unwrap_or(false)) else { return };
    policies.route().basic_auth = Some(BasicAuth { realm, accounts: accounts.id.clone() });
    policies.accounts = Some(Arc::new(accounts));
}

fn realm(given: &mut Given<'_>) -> String {
    let text = given.text("auth-realm").unwrap_or_default();
    if text.len() > 255 || !text.chars().all(is_printable) {
        given.refuse("auth-realm", format_args!("{} is not a realm", shown(text)), "use at most 255 printable characters");
    }
    text.to_owned()
}

fn accounts(given: &mut Given<'_>, by_key: bool) -> Option<Accounts> {
    let Some(name) = given.object("auth-secret") else {
        if !given.is_bad("auth-secret") {
            given.refuse("auth-type", "\"basic\" needs users, and auth-secret names no Secret", "add auth-secret");
        }
        return None;
    };
    let Some(secret) = given.objects.secret(&name) else {
        given.miss("auth-secret", Kind::Secret, &name);
        return None;
    };
    let list = match &secret.users_in_file {
        _ if by_key => &secret.users_by_key,
        Ok(Some(list)) => list,
        other => {
            let help = "put an htpasswd file there, or use auth-secret-type: auth-map";
            match other {
                Err(why) => given.refuse("auth-secret", format_args!("Secret {name} cannot be used: {why}"), help),
                Ok(_) => given.refuse("auth-secret", format_args!("Secret {name} has no key auth"), help),
            }
            return None;
        }
    };
    if list.is_empty() {
        given.refuse("auth-secret", format_args!("Secret {name} has no users"), "add lines such as those of htpasswd -B");
        return None;
    }
    say_shut_out(given, list);
    if let Some(line) = secret.unread_line.filter(|_| !by_key) {
        let message = format!("line {line} of the key auth of Secret {name} is no user, and is left out");
        given.note("auth-secret", message, "write a printable name, a colon and a hash");
    }
    Some(Accounts::new(AccountsId::of_secret(name.namespace(), name.name(), by_key), Arc::clone(list)))
}

/// Users whose password nobody can check.
fn say_shut_out(given: &mut Given<'_>, list: &[Account]) {
    let those = |why| named(list.iter().filter(move |account| account.hash.as_ref().is_err_and(|own| *own == why)));
    if let Some(names) = those(NoLogin::Unknown) {
        let message = format!("no hash that proxies know for {names}, who cannot log in");
        given.note("auth-secret", message, "use htpasswd -B, or a hash of crypt(3)");
    }
    if let Some(names) = those(NoLogin::TooCostly) {
        let message = format!("{names} cannot log in: the hash takes so long to check that everybody would wait");
        given.note("auth-secret", message, "use htpasswd -B: bcrypt up to cost 12, SHA-2 up to 100000 rounds, yescrypt up to 64 MiB");
    }
}

/// The names of users, a few of many; `None`: there are none.
pub(in super::super) fn named<'a>(accounts: impl Iterator<Item = &'a Account>) -> Option<String> {
    const SHOWN: usize = 3;
    let names: Vec<_> = accounts.map(|account| shown(&account.name)).collect();
    let and_more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    (!names.is_empty()).then(|| names[..names.len().min(SHOWN)].join(", ") + &and_more)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read_in, snapshot};
    use super::*;
    use crate::settings::Settings;
    use serde_json::{Value as Json, json};

    fn secret(name: &str, data: Json) -> Json {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "shop"}, "stringData": data})
    }

    fn read(pairs: &[(&str, &str)]) -> (Policies, Vec<String>) {
        let world = snapshot(&[
            secret("users", json!({"auth": "anna:{PLAIN}x\nben:\n"})),
            secret("map", json!({"foo": "{PLAIN}bar"})),
            secret("empty", json!({"auth": ""})),
            secret("odd", json!({"auth": "anna:{PLAIN}x\r\nb\u{0}en:x\n"})),
            secret("slow", json!({"auth": "anna:{PLAIN}x\nben:$2b$15$x\ncleo:$6$rounds=200000$x$y\n"})),
        ]);
        let (policies, said) = read_in(&Settings::default(), &world, pairs);
        (policies.unwrap(), said)
    }

    #[test]
    fn users_come_from_a_file_or_from_keys() {
        let (policies, said) = read(&[("auth-type", "basic"), ("auth-secret", "shop/users"), ("auth-realm", " test auth ")]);
        let auth = policies.route.basic_auth.clone().unwrap();
        assert_eq!((auth.realm.as_str(), policies.accounts.as_ref().map(|accounts| accounts.list.len())), ("test auth", Some(2)));
        assert_eq!(auth.accounts, policies.accounts.unwrap().id);
        assert_eq!(said, [r#"auth-secret: no hash that proxies know for "ben", who cannot log in (served)"#]);
        let (map, said) = read(&[("auth-type", "basic"), ("auth-secret", "map"), ("auth-secret-type", "auth-map")]);
        assert!(map.accounts.unwrap().list.len() == 1 && said.is_empty() && !map.closed);
        let (odd, said) = read(&[("auth-type", "basic"), ("auth-secret", "odd")]);
        assert!(odd.accounts.unwrap().list.len() == 1 && !odd.closed);
        assert_eq!(said, ["auth-secret: line 2 of the key auth of Secret shop/odd is no user, and is left out (served)"]);
        let (slow, said) = read(&[("auth-type", "basic"), ("auth-secret", "slow")]);
        assert!(!slow.closed);
        let why = "the hash takes so long to check that everybody would wait";
        assert_eq!(said, [format!(r#"auth-secret: "ben", "cleo" cannot log in: {why} (served)"#)]);
    }

    #[test]
    fn what_cannot_be_given_closes_the_routes() {
        for (pairs, message) in [
            (&[("auth-type", "Basic")][..], r#"auth-type: "Basic" is not known"#),
            (&[("auth-type", "digest"), ("auth-secret", "users")], r#"auth-type: "digest" cannot be had from a stock proxy"#),
            (&[("auth-type", "basic")], r#"auth-type: "basic" needs users, and auth-secret names no Secret"#),
            (&[("auth-type", "basic"), ("auth-secret", "none")], "auth-secret: Secret shop/none does not exist"),
            (&[("auth-type", "basic"), ("auth-secret", "empty")], "auth-secret: Secret shop/empty has no users"),
            (&[("auth-type", "basic"), ("auth-secret", "map")], "auth-secret: Secret shop/map has no key auth"),
            (
                &[("auth-type", "basic"), ("auth-secret", "other/users")],
                r#"auth-secret: "other/users" is of another namespace, which allow-cross-namespace-resources does not allow"#,
            ),
            (
                &[("auth-type", "basic"), ("auth-secret", "users"), ("auth-secret-type", "auth-files")],
                r#"auth-secret-type: "auth-files" is not known"#,
            ),
            (&[("auth-type", "basic"), ("auth-secret", "users"), ("auth-realm", "a\nb")], r#"auth-realm: "a\u{a}b" is not a realm"#),
        ] {
            let (policies, said) = read(pairs);
            assert!(policies.closed, "{pairs:?}");
            assert_eq!(said, [format!("{message} (route answers 503)")]);
        }
    }

    #[test]
    fn without_a_type_nothing_is_protected_and_that_is_said() {
        let (policies, said) = read(&[("auth-secret", "users")]);
        assert!(!policies.closed && policies.route.basic_auth.is_none());
        assert_eq!(said, ["auth-secret: without auth-type it does nothing (served)"]);
    }

    #[test]
    fn a_type_that_is_too_long_closes_and_is_said_once() {
        let (policies, said) = read(&[("auth-secret", "users"), ("auth-type", &"b".repeat(70_000))]);
        assert!(policies.closed && said.len() == 1 && said[0].starts_with("auth-type: "), "{said:?}");
    }

    #[test]
    fn satisfy_is_any_or_all() {
        let satisfy = |value| read(&[("satisfy", value)]).0.route.satisfy;
        assert_eq!((satisfy("any"), satisfy("all"), satisfy("some")), (Some(Satisfy::Any), Some(Satisfy::All), None));
        assert_eq!(problems(&[("satisfy", "some")]), [r#"satisfy: "some" is not known (default kept)"#]);
    }
}
