//! `ssl-redirect` and its kin: send plain-HTTP visitors to HTTPS.

use super::{Feature, Given, Key, Policies, Risk, Scope, Tier, Value};

pub(super) const FEATURE: Feature = Feature {
    name: "Redirect to HTTPS",
    keys: &[
        Key::new(
            "ssl-redirect",
            Value::Bool,
            Scope::Route,
            "Answers plain-HTTP requests with a redirect to the https URL where the host has a TLS section.",
        )
        .configured("ssl-redirect", "true"),
        Key::new(
            "force-ssl-redirect",
            Value::Bool,
            Scope::Route,
            "Answers plain-HTTP requests with a redirect to the https URL whether or not the host has a TLS section.",
        )
        .ranked(Tier::A, Risk::Medium)
        .configured("force-ssl-redirect", "false"),
        Key::new("preserve-trailing-slash", Value::Bool, Scope::Route, "Keeps a trailing slash of the URL in that redirect.")
            .ranked(Tier::C, Risk::Medium)
            .configured("preserve-trailing-slash", "false"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    policies.ssl_redirect = given.bool("ssl-redirect").unwrap_or(policies.ssl_redirect);
    policies.force_ssl_redirect = given.bool("force-ssl-redirect").unwrap_or(policies.force_ssl_redirect);
    policies.preserve_trailing_slash = given.bool("preserve-trailing-slash").unwrap_or(policies.preserve_trailing_slash);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read};

    #[test]
    fn values_reach_the_route() {
        assert!(read(&[]).ssl_redirect);
        assert!(!read(&[("ssl-redirect", "false")]).ssl_redirect);
        assert!(!read(&[("ssl-redirect", "F")]).ssl_redirect);
        assert!(read(&[("force-ssl-redirect", "1")]).force_ssl_redirect);
        assert!(read(&[("preserve-trailing-slash", "true")]).preserve_trailing_slash);
    }

    #[test]
    fn a_bad_value_is_said_and_leaves_the_others() {
        let given = [("ssl-redirect", "yes"), ("force-ssl-redirect", "true")];
        assert!(read(&given).ssl_redirect && read(&given).force_ssl_redirect);
        assert_eq!(problems(&given), [r#"ssl-redirect: "yes" is not a bool (default kept)"#]);
    }
}
