//! `http2-push-preload`: pages that are sent before anybody asks for them, which no browser takes any more.

use super::{Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};

pub(super) const FEATURE: Feature = Feature {
    name: "HTTP/2 push",
    keys: &[Key::new(
        "http2-push-preload",
        Value::Bool,
        Scope::Route,
        "Read, and without effect: HTTP/2 push is gone. `Link` headers pass.",
    )
    .refused_when_bad()
    .ranked(Tier::C, Risk::Low)
    .default("false")
    .on_bad_value(OnBadValue::SkipIngress)],
    apply,
};

fn apply(given: &mut Given<'_>, _: &mut Policies) {
    given.bool("http2-push-preload");
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read_with};
    use crate::settings::Settings;

    #[test]
    fn a_bool_does_nothing_and_another_value_leaves_the_ingress_out() {
        assert_eq!(problems(&[("http2-push-preload", "true")]), Vec::<String>::new());
        assert!(read_with(&Settings::default(), &[("http2-push-preload", "yes")]).0.is_none());
    }
}
