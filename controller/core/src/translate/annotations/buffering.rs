//! `proxy-body-size` and the buffers: how much of requests and answers is held.

use super::{Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::Buffering;
use crate::names::shown;
use crate::settings::values::bytes;

pub(super) const FEATURE: Feature = Feature {
    name: "Bodies and buffers",
    keys: &[
        Key::new("proxy-body-size", Value::Size, Scope::Route, "Largest body of a request; larger ones get 413. 0: unlimited.")
            .ranked(Tier::A, Risk::Medium)
            .configured("proxy-body-size", "1m"),
        Key::new("client-body-buffer-size", Value::Size, Scope::Route, "Part of the body of a request that is kept in memory.")
            .refused_when_bad()
            .ranked(Tier::C, Risk::Low)
            .configured("client-body-buffer-size", "8k")
            .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            "proxy-request-buffering",
            Value::Word(&["on", "off"]),
            Scope::Route,
            "Reads the whole body of a request before it is sent on.",
        )
        .configured("proxy-request-buffering", "on"),
        Key::new("proxy-buffering", Value::Word(&["on", "off"]), Scope::Route, "Reads answers as fast as they come, ahead of the client.")
            .configured("proxy-buffering", "off"),
        Key::new(
            "proxy-buffer-size",
            Value::Size,
            Scope::Route,
            "Largest headers of an answer, and the size of each further buffer; larger headers get 502.",
        )
        .configured("proxy-buffer-size", "4k"),
        Key::new("proxy-buffers-number", Value::Integer, Scope::Route, "Number of the buffers of an answer, at least 2.")
            .configured("proxy-buffers-number", "4"),
        Key::new(
            "proxy-busy-buffers-size",
            Value::Size,
            Scope::Route,
            "Part of the buffers that may be on its way to the client; at least one buffer, and fewer than all.",
        )
        .ranked(Tier::C, Risk::Low)
        .configured("proxy-busy-buffers-size", ""),
        Key::new("proxy-max-temp-file-size", Value::Size, Scope::Route, "Part of a buffered answer that is kept on disk. 0: none.")
            .ranked(Tier::C, Risk::Low)
            .configured("proxy-max-temp-file-size", "1024m"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let buffering = Buffering {
        body_limit_bytes: given.bytes("proxy-body-size"),
        client_body_bytes: client_body(given),
        buffer_requests: given.on_off("proxy-request-buffering"),
        buffer_responses: given.on_off("proxy-buffering"),
        upstream_bytes: small(given, "proxy-buffer-size"),
        upstream_buffers: given.integer_in("proxy-buffers-number", 2, 1024).and_then(|number| u64::try_from(number).ok()),
        busy_upstream_bytes: small(given, "proxy-busy-buffers-size"),
        temp_file_bytes: given.bytes("proxy-max-temp-file-size"),
    };
    policies.route().buffering = (buffering != Buffering::default()).then_some(buffering);
}

/// A size that is neither 0 nor above 1 GiB.
fn small(given: &mut Given<'_>, name: &'static str) -> Option<u64> {
    let bytes = given.bytes(name)?;
    if (1..=1 << 30).contains(&bytes) {
        return Some(bytes);
    }
    given.refuse(name, format_args!("{bytes} bytes cannot be held in memory"), "use a size such as 8k");
    None
}

/// ingress-nginx takes sizes with blanks in them and the units b and g, and does nothing then. So it is with sizes that no
/// proxy takes; texts that are no size leave the Ingress out.
fn client_body(given: &mut Given<'_>) -> Option<u64> {
    const NAME: &str = "client-body-buffer-size";
    let text = given.text(NAME)?;
    let bare = text.replace(' ', "").to_ascii_lowercase();
    let digits = bare.strip_suffix(['b', 'k', 'm', 'g']).unwrap_or(&bare);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        given.refuse(NAME, format_args!("{} is not a size", shown(text)), "use a number with k or m, such as 16k");
        return None;
    }
    let is_written_well = bare.len() == text.len() && !bare.ends_with(['b', 'g']);
    let bytes = bytes(text).ok().filter(|bytes| is_written_well && (1..=1 << 30).contains(bytes));
    if bytes.is_none() {
        given.refuse_as(OnBadValue::KeepDefault, NAME, format_args!("{} is no size that is used", shown(text)), "use k or m, such as 16k");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read, read_with};
    use super::*;
    use crate::settings::Settings;

    fn buffering(pairs: &[(&str, &str)]) -> Buffering {
        read(pairs).route.buffering.clone().unwrap_or_default()
    }

    #[test]
    fn sizes_and_switches_reach_the_route() {
        let got = buffering(&[
            ("proxy-body-size", "8m"),
            ("client-body-buffer-size", "1K"),
            ("proxy-request-buffering", "off"),
            ("proxy-buffering", "on"),
            ("proxy-buffer-size", "8k"),
            ("proxy-buffers-number", "8"),
            ("proxy-busy-buffers-size", "16k"),
            ("proxy-max-temp-file-size", "0"),
        ]);
        let wanted = Buffering {
            body_limit_bytes: Some(8 << 20),
            client_body_bytes: Some(1 << 10),
            buffer_requests: Some(false),
            buffer_responses: Some(true),
            upstream_bytes: Some(8 << 10),
            upstream_buffers: Some(8),
            busy_upstream_bytes: Some(16 << 10),
            temp_file_bytes: Some(0),
        };
        assert_eq!(got, wanted);
        assert_eq!(buffering(&[("proxy-body-size", "0")]).body_limit_bytes, Some(0));
    }

    #[test]
    fn what_nginx_would_refuse_is_left_out() {
        for pair in [
            ("proxy-body-size", "15r"),
            ("proxy-body-size", "1b"),
            ("proxy-body-size", "99999999999999999999g"),
            ("proxy-buffering", "ON"),
            ("proxy-buffer-size", "4g"),
            ("proxy-buffer-size", "0"),
            ("proxy-buffers-number", "1"),
            ("proxy-buffers-number", "-4"),
            ("client-body-buffer-size", "1b"),
            ("client-body-buffer-size", "2G"),
            ("client-body-buffer-size", "0"),
            ("client-body-buffer-size", "10 k"),
            ("client-body-buffer-size", "99999999999999999999k"),
        ] {
            assert_eq!((buffering(&[pair]), problems(&[pair]).len()), (Buffering::default(), 1), "{pair:?}");
        }
        for text in ["large", "1mb", "-1", "1.5m", "k", "1\nk"] {
            assert!(read_with(&Settings::default(), &[("client-body-buffer-size", text)]).0.is_none(), "{text:?}");
        }
    }
}
