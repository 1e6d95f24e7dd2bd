//! What the proxy in use cannot do is said on the object that asks for it; a protection closes the routes.

use super::basic_auth::named;
use super::{Given, Policies};
use crate::diagnostic::{Code, Diagnostic, Outcome, Severity};
use crate::model::{Account, Approximation, LackingWay};
use crate::names::{ObjectRef, shown};
use crate::settings::Settings;

/// Says every wish that the proxy cannot grant. A value that is no wish, and was refused, has had its say.
pub(super) fn tell(given: &Given<'_>, settings: &Settings, policies: &mut Policies, object: &ObjectRef, diagnostics: &mut Vec<Diagnostic>) {
    for lack in settings.lacks.iter().filter(|lack| !lack.is_setting) {
        let Some(value) = given.words(lack.key).filter(|value| !lack.is_fine(value)) else { continue };
        let field = given.field(lack.key);
        if diagnostics.iter().any(|said| said.severity == Severity::Error && said.field == field) {
            continue;
        }
        let how = if lack.way == LackingWay::Nearly { "is not quite had from" } else { "cannot be had from" };
        let message = format!("{} {} {how} this proxy: {}", lack.key, shown(value), lack.effect);
        let finding = Diagnostic::new(Code::LacksFeature, object.clone(), field, message);
        diagnostics.push(match lack.way {
            LackingWay::Nearly => Diagnostic { severity: Severity::Note, ..finding.outcome(Outcome::Served) },
            LackingWay::Told => finding.help("remove it"),
            LackingWay::Closes => {
                policies.closed = true;
                finding.outcome(Outcome::ClosedRoute).help("remove it to serve the route without")
            }
        });
    }
    say_shut_out(given, settings, policies, object, diagnostics);
}

/// Notes what is had in another way than is meant. It is served, and nothing else comes of it; that is why a reading of
/// settings, which are left out where anything is said of them, does not tell it.
pub(in super::super) fn note_differences(given: &Given<'_>, settings: &Settings, object: &ObjectRef, diagnostics: &mut Vec<Diagnostic>) {
    for own in settings.approximates {
        let Some(value) = given.words(own.key).filter(|value| own.concerns(value)) else { continue };
        let field = given.field(own.key);
        if diagnostics.iter().all(|said| said.field != field) {
            diagnostics.push(difference(own, value, field, object));
        }
    }
}

/// What is noted of one value.
pub(in super::super) fn difference(own: &Approximation, value: &str, field: String, object: &ObjectRef) -> Diagnostic {
    let message = format!("{} {} is not quite had from this proxy: {}", own.key, shown(value), own.how);
    let finding = Diagnostic::new(Code::LacksFeature, object.clone(), field, message);
    Diagnostic { severity: Severity::Note, ..finding.outcome(Outcome::Served) }
}

/// Users whose password this proxy cannot check.
fn say_shut_out(given: &Given<'_>, settings: &Settings, policies: &Policies, object: &ObjectRef, diagnostics: &mut Vec<Diagnostic>) {
    let is_unknown = |account: &&Account| account.hash.as_ref().is_ok_and(|hash| settings.unknown_hashes.contains(&hash.kind));
    let accounts: &[Account] = policies.accounts.as_ref().map_or(&[], |accounts| &accounts.list);
    let mut say = |message: String, help: &str| {
        diagnostics.push(Diagnostic::new(Code::LacksFeature, object.clone(), given.field("auth-secret"), message).help(help));
    };
    if let Some(names) = named(accounts.iter().filter(is_unknown)) {
        let message = format!("auth-secret: this proxy cannot check the hash of {names}, who cannot log in");
        say(message, "use htpasswd -B, or a hash of crypt(3)");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use crate::dialect::haproxy::HAPROXY;
    use crate::model::{Lack, LackingWay};
    use crate::settings::Settings;

    #[test]
    fn a_protection_that_the_proxy_lacks_closes_and_the_rest_is_told() {
        let lack = |key, way| Lack {
            key,
            is_setting: false,
            fine: &["false"],
            also_fine: |_| false,
            of_some_values: false,
            culprits: None,
            way,
            effect: "it is not there",
        };
        let lacks = vec![
            lack("ssl-redirect", LackingWay::Closes),
            lack("app-root", LackingWay::Told),
            lack("permanent-redirect", LackingWay::Nearly),
        ];
        let settings = Settings { lacks, ..Settings::default() };
        let pairs = [("ssl-redirect", "true"), ("app-root", "/x"), ("permanent-redirect", "/y")];
        let (policies, found) = testing::read_with(&settings, &pairs);
        assert!(policies.is_some_and(|policies| policies.closed));
        assert_eq!(
            found,
            [
                r#"ssl-redirect "true" cannot be had from this proxy: it is not there (route answers 503)"#,
                r#"app-root "/x" cannot be had from this proxy: it is not there (default kept)"#,
                r#"permanent-redirect "/y" is not quite had from this proxy: it is not there (served)"#,
            ]
        );
        let (policies, found) = testing::read_with(&settings, &[("ssl-redirect", "false")]);
        assert!(policies.is_some_and(|policies| !policies.closed) && found.is_empty());
    }

    #[test]
    fn a_value_that_is_refused_is_said_once() {
        let settings = Settings { lacks: (HAPROXY.lacks)(HAPROXY.oldest), ..Settings::default() };
        for lack in settings.lacks.iter().filter(|lack| !lack.is_setting && !lack.key.ends_with("-services-configmap")) {
            let (_, found) = testing::read_with(&settings, &[(lack.key, "no value\u{7f}")]);
            assert_eq!(found.len(), 1, "{}: {found:?}", lack.key);
        }
    }

    #[test]
    fn users_whose_hash_the_proxy_cannot_check_are_named() {
        let secret = serde_json::json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users", "namespace": "shop"},
            "stringData": {"auth": "anna:{PLAIN}x\nben:$apr1$a$b\n"}});
        let settings = Settings { unknown_hashes: &[crate::model::HashKind::ApacheMd5], ..Settings::default() };
        let pairs = [("auth-type", "basic"), ("auth-secret", "users")];
        let (policies, found) = testing::read_in(&settings, &testing::snapshot(&[secret]), &pairs);
        assert!(policies.is_some_and(|policies| !policies.closed));
        assert_eq!(found, [r#"auth-secret: this proxy cannot check the hash of "ben", who cannot log in (default kept)"#]);
    }
}
