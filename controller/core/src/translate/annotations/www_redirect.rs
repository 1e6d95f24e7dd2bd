//! `from-to-www-redirect`: send visitors of `www.` and a host to the host, or the other way round.

use super::{Feature, Given, Key, OnBadValue, Policies, Scope, Value};

pub(super) const FEATURE: Feature = Feature {
    name: "Redirect from and to www",
    keys: &[Key::new(
        "from-to-www-redirect",
        Value::Bool,
        Scope::Host,
        "Redirects from `www.` and the host to the host; for a host that begins with `www.`, from the name without it. Not if that name \
         is a host itself.",
    )
    .refused_when_bad()
    .default("false")
    .on_bad_value(OnBadValue::SkipIngress)],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    policies.www_redirect = given.bool("from-to-www-redirect").unwrap_or(false);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, read_with};
    use crate::settings::Settings;

    #[test]
    fn it_is_a_switch() {
        assert!(read(&[("from-to-www-redirect", "true")]).www_redirect && !read(&[]).www_redirect);
        assert!(read_with(&Settings::default(), &[("from-to-www-redirect", "on")]).0.is_none());
    }
}
