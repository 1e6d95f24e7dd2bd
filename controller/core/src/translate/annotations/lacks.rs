//! What the proxy in use cannot do is said on the object that asks for it; a protection closes the routes.

use super::{Given, Policies};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::model::LackingWay;
use crate::names::{ObjectRef, shown};
use crate::settings::Settings;

/// Says every wish that the proxy cannot grant.
pub(super) fn tell(given: &Given<'_>, settings: &Settings, policies: &mut Policies, object: &ObjectRef, diagnostics: &mut Vec<Diagnostic>) {
    for lack in &settings.lacks {
        let Some(value) = given.text(lack.key).filter(|value| !lack.fine.contains(value)) else { continue };
        let message = format!("{} {} cannot be had from this proxy: {}", lack.key, shown(value), lack.effect);
        let finding = Diagnostic::new(Code::LacksFeature, object.clone(), given.field(lack.key), message);
        diagnostics.push(match lack.way {
            LackingWay::Told => finding,
            LackingWay::Closes => {
                policies.closed = true;
                finding.outcome(Outcome::ClosedRoute).help("remove it to serve the route without")
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use crate::model::{Lack, LackingWay};
    use crate::settings::Settings;

    #[test]
    fn a_protection_that_the_proxy_lacks_closes_and_the_rest_is_told() {
        let lack = |key, way| Lack { key, fine: &["false"], way, effect: "it is not there" };
        let settings =
            Settings { lacks: vec![lack("ssl-redirect", LackingWay::Closes), lack("app-root", LackingWay::Told)], ..Settings::default() };
        let (policies, found) = testing::read_with(&settings, &[("ssl-redirect", "true"), ("app-root", "/x")]);
        assert!(policies.is_some_and(|policies| policies.closed));
        assert_eq!(
            found,
            [
                r#"ssl-redirect "true" cannot be had from this proxy: it is not there (route answers 503)"#,
                r#"app-root "/x" cannot be had from this proxy: it is not there (default kept)"#,
            ]
        );
        let (policies, found) = testing::read_with(&settings, &[("ssl-redirect", "false")]);
        assert!(policies.is_some_and(|policies| !policies.closed) && found.is_empty());
    }
}
