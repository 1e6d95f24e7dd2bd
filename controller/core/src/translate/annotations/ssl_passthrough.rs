//! `ssl-passthrough`: the endpoints speak TLS with the clients themselves.

use super::{Feature, Given, Key, OnBadValue, Policies, Scope, Value};

pub(super) const FEATURE: Feature = Feature {
    name: "TLS passthrough",
    keys: &[Key::new(
        "ssl-passthrough",
        Value::Bool,
        Scope::Host,
        "Passes TLS connections that ask for just this host on as they are, to the Service behind its path `/`. No other annotation acts on \
         them. The controller has to run with `--enable-ssl-passthrough`.",
    ).refused_when_bad()
    .default("false")
    .on_bad_value(OnBadValue::SkipIngress)],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    policies.passthrough = given.bool("ssl-passthrough").unwrap_or(false);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, read_with};
    use crate::settings::Settings;

    #[test]
    fn it_is_a_switch() {
        assert!(read(&[("ssl-passthrough", "true")]).passthrough && !read(&[("ssl-passthrough", "false")]).passthrough);
        assert!(read_with(&Settings::default(), &[("ssl-passthrough", "on")]).0.is_none());
    }
}
