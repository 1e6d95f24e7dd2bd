//! `proxy-connect-timeout` and its kin: how long the endpoints may take.

use super::{Feature, Given, Key, Policies, Scope, Value};
use crate::model::Timeouts;

pub(super) const FEATURE: Feature = Feature {
    name: "Timeouts of endpoints",
    keys: &[
        Key::new("proxy-connect-timeout", Value::Seconds, Scope::Route, "How long an endpoint may take to accept a connection.")
            .configured("proxy-connect-timeout", "5"),
        Key::new("proxy-read-timeout", Value::Seconds, Scope::Route, "How long an endpoint may pause between two parts of its answer.")
            .configured("proxy-read-timeout", "60"),
        Key::new(
            "proxy-send-timeout",
            Value::Seconds,
            Scope::Route,
            "How long an endpoint may pause between taking two parts of a request.",
        )
        .configured("proxy-send-timeout", "60"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let timeouts = Timeouts {
        connect_s: given.seconds("proxy-connect-timeout"),
        read_s: given.seconds("proxy-read-timeout"),
        send_s: given.seconds("proxy-send-timeout"),
    };
    policies.route().timeouts = (timeouts != Timeouts::default()).then_some(timeouts);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read};

    #[test]
    fn each_is_read_by_itself() {
        let timeouts = read(&[("proxy-read-timeout", "120"), ("proxy-send-timeout", "50k")]).route.timeouts.clone().unwrap();
        assert_eq!((timeouts.connect_s, timeouts.read_s, timeouts.send_s), (None, Some(120), None));
        assert_eq!(read(&[("proxy-read-timeout", "x")]).route.timeouts, None);
    }

    #[test]
    fn what_nginx_would_take_as_at_once_or_never_is_refused() {
        for value in ["0", "-1", "99999999999", "1.5", "60s"] {
            assert_eq!(problems(&[("proxy-connect-timeout", value)]).len(), 1, "{value}");
        }
    }
}
