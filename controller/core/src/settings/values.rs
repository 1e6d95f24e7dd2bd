//! How the values of ConfigMap keys are read; each answers what would do when it cannot.

use crate::model::{CookieRewrite, LocationRewrite, RetryCauses};
use crate::names::{CipherList, UrlText, shown};
use ipnet::{IpNet, Ipv4Net};
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// With this status nginx logs clients that did not wait for an answer; it takes no page for it.
pub(crate) const CLIENT_GONE: u16 = 499;

/// A value that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// What is wrong with it.
    pub(crate) message: String,
    /// What would do.
    pub(crate) help: &'static str,
}

impl Mistake {
    pub(crate) fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self { message: message.into(), help }
    }
}

/// A bool as Go reads it; nothing is `false`.
pub(crate) fn flag(text: &str) -> Result<bool, Mistake> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Mistake::new(format!("{} is not a bool", shown(text)), "use \"true\" or \"false\"")),
    }
}

pub(crate) fn on_off(text: &str) -> Result<bool, Mistake> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Mistake::new(format!("{} is neither on nor off", shown(text)), "use \"on\" or \"off\"")),
    }
}

/// A number as Go reads it: decimal, `0x…`, `0…`; empty is 0.
pub(crate) fn number(text: &str) -> Result<u64, Mistake> {
    let parsed = match (text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")), text.strip_prefix('0')) {
        (Some(hex), _) => u64::from_str_radix(hex, 16),
        (None, Some(octal)) if !octal.is_empty() => u64::from_str_radix(octal, 8),
        _ if text.is_empty() => Ok(0),
        _ => text.parse(),
    };
    let good = parsed.ok().filter(|n| i32::try_from(*n).is_ok() && !text.contains('+'));
    good.ok_or_else(|| Mistake::new(format!("{} is not a whole number", shown(text)), "use a number from 0 to 2147483647, without a unit"))
}

/// A number of bytes: digits, then k, m or g.
pub(crate) fn bytes(text: &str) -> Result<u64, Mistake> {
    let bad = || Mistake::new(format!("{} is not a size", shown(text)), "use a number with k, m or g, such as 8m");
    let lower = text.trim().to_ascii_lowercase();
    let (digits, shift) = match lower.as_bytes().last() {
        Some(b'k') => (&lower[..lower.len() - 1], 10),
        Some(b'm') => (&lower[..lower.len() - 1], 20),
        Some(b'g') => (&lower[..lower.len() - 1], 30),
        _ => (&*lower, 0),
    };
    let digits_only = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let count: u64 = digits_only.then(|| digits.parse().ok()).flatten().ok_or_else(bad)?;
    count.checked_mul(1 << shift).filter(|n| i64::try_from(*n).is_ok()).ok_or_else(bad)
}

/// A number of bytes that is held in memory; `help` names the bounds.
pub(crate) fn bytes_within(text: &str, bounds: RangeInclusive<u64>, help: &'static str) -> Result<u64, Mistake> {
    within(text, bytes(text)?, bounds, help)
}

/// The same of a number of things.
pub(crate) fn number_within(text: &str, bounds: RangeInclusive<u64>, help: &'static str) -> Result<u64, Mistake> {
    within(text, number(text)?, bounds, help)
}

fn within(text: &str, number: u64, bounds: RangeInclusive<u64>, help: &'static str) -> Result<u64, Mistake> {
    let side = if number < *bounds.start() { "less" } else { "more" };
    bounds.contains(&number).then_some(number).ok_or_else(|| Mistake::new(format!("{} is {side} than can be used", shown(text)), help))
}

/// A year as nginx reckons it, in seconds.
pub(crate) const YEAR_S: u64 = 365 * 86_400;

/// A time as nginx writes it, in seconds: `90`, `90s`, `10m`, `1h`, `1d`, `1w`, `1M`, `1y`, `1h30m`; milliseconds are cut off.
/// It is a year and a day at most.
pub(crate) fn seconds(text: &str) -> Result<u64, Mistake> {
    seconds_up_to(text, YEAR_S + 86_400)
}

/// The same with another longest one.
pub(crate) fn seconds_up_to(text: &str, longest: u64) -> Result<u64, Mistake> {
    let bad = || Mistake::new(format!("{} is not a time", shown(text)), "use a number with s, m, h or d, such as 10m");
    let mut total: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let count: u64 = rest[..digits].parse().map_err(|_| bad())?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let scaled = match &rest[..unit] {
            "" | "s" => Some(count),
            "ms" => Some(count / 1000),
            "m" => count.checked_mul(60),
            "h" => count.checked_mul(3600),
            "d" => count.checked_mul(86_400),
            "w" => count.checked_mul(7 * 86_400),
            "M" => count.checked_mul(30 * 86_400),
            "y" => count.checked_mul(YEAR_S),
            _ => None,
        };
        total = scaled.and_then(|s| total.checked_add(s)).filter(|s| *s <= longest).ok_or_else(bad)?;
        rest = rest[unit..].trim_start();
    }
    Ok(total)
}

/// Comma-separated items, trimmed, empty ones dropped.
pub(crate) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// The entries of a list that can be used, and what is wrong with the first that cannot; where none can, only that.
pub(crate) type Partly<T> = Result<(Vec<T>, Option<Mistake>), Mistake>;

/// Reads a list entry by entry.
pub(crate) fn partly<T>(text: &str, one: impl Fn(&str) -> Result<T, Mistake>) -> Partly<T> {
    let (mut all, mut bad) = (Vec::new(), None);
    for item in items(text) {
        match one(item) {
            Ok(entry) => all.push(entry),
            Err(wrong) => bad = bad.or(Some(wrong)),
        }
    }
    match bad {
        Some(bad) if all.is_empty() => Err(bad),
        bad => Ok((all, bad)),
    }
}

/// The same, sorted and without duplicates.
pub(crate) fn partly_sorted<T: Ord>(text: &str, one: impl Fn(&str) -> Result<T, Mistake>) -> Partly<T> {
    partly(text, one).map(|(mut all, bad)| {
        all.sort_unstable();
        all.dedup();
        (all, bad)
    })
}

pub(crate) fn networks(text: &str) -> Result<Vec<IpNet>, Mistake> {
    let (all, bad) = partly_sorted(text, network)?;
    bad.map_or(Ok(all), Err)
}

/// An address or CIDR.
pub(crate) fn network(item: &str) -> Result<IpNet, Mistake> {
    let net = item.parse::<IpNet>().ok().or_else(|| item.parse::<IpAddr>().ok().map(IpNet::from));
    let bad = || Mistake::new(format!("{} is not an address or CIDR", shown(item)), "use addresses such as 10.0.0.0/8");
    net.map(|net| unmapped(net.trunc())).ok_or_else(bad)
}

/// IPv4 networks that are written as IPv6 ones are IPv4 networks.
fn unmapped(net: IpNet) -> IpNet {
    const LENGTH: u8 = 96;
    match net {
        IpNet::V6(v6) => {
            let length = v6.prefix_len().checked_sub(LENGTH);
            v6.network().to_ipv4_mapped().zip(length).and_then(|(v4, length)| Ipv4Net::new(v4, length).ok()).map_or(net, IpNet::V4)
        }
        IpNet::V4(_) => net,
    }
}

pub(crate) fn address(item: &str) -> Result<IpAddr, Mistake> {
    let bad = |_| Mistake::new(format!("{} is not an IP address", shown(item)), "use addresses, separated by commas");
    item.trim_matches(['[', ']']).parse().map_err(bad)
}

/// An RFC 9110 token of at most 128 bytes.
pub(crate) fn header_name(text: &str) -> Result<String, Mistake> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let good = (1..=128).contains(&text.len()) && text.bytes().all(token);
    if good {
        Ok(text.to_owned())
    } else {
        Err(Mistake::new(format!("{} is not a header name", shown(text)), "use letters, digits and '-'"))
    }
}

/// What may be a cause to try another endpoint.
pub(crate) const RETRY_CAUSES: &[&str] = &[
    "error",
    "timeout",
    "invalid_header",
    "http_500",
    "http_502",
    "http_503",
    "http_504",
    "http_403",
    "http_404",
    "http_429",
    "non_idempotent",
    "off",
];

/// Causes to try another endpoint; sorted.
pub(crate) fn retry_causes(text: &str) -> Result<RetryCauses, Mistake> {
    let mut causes: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
    if let Some(word) = causes.iter().find(|word| !RETRY_CAUSES.contains(&word.as_str())) {
        return Err(Mistake::new(
            format!("{} is not a cause to try another endpoint", shown(word)),
            "use words such as error, timeout and http_502",
        ));
    }
    let non_idempotent = causes.iter().any(|word| word == "non_idempotent");
    if causes.iter().any(|word| word == "off") {
        causes.clear();
    }
    causes.retain(|word| word != "non_idempotent");
    causes.sort_unstable();
    causes.dedup();
    Ok(RetryCauses { causes, non_idempotent })
}

/// What `proxy-redirect-from` and `proxy-redirect-to` say together.
pub(crate) fn location_rewrite(from: &str, to: &str) -> Result<LocationRewrite, Mistake> {
    // nginx reads words of less than 4 KiB.
    let plain = |text: &str| text.len() <= 2000 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/:,?&=".contains(&b));
    if let Some(wrong) = [from, to].into_iter().find(|text| text.starts_with('~') && *text == from || !plain(text)) {
        let message = format!("{} is not the beginning of a URL of at most 2000 bytes", shown(wrong));
        return Err(Mistake::new(message, "use one such as http://inner.example/"));
    }
    Ok(match (from, to) {
        ("" | "off" | "default", _) | (_, "" | "off") => LocationRewrite::Off,
        _ => LocationRewrite::Replace(from.to_owned(), to.to_owned()),
    })
}

/// What `proxy-cookie-domain` and `proxy-cookie-path` say; `None`: nothing is changed.
pub(crate) fn cookie_rewrite(text: &str) -> Result<Option<CookieRewrite>, Mistake> {
    let wrong = || Mistake::new(format!("{} is not a pair of plain texts", shown(text)), "use two texts such as /one/ /, or off");
    let good = |word: &&str| !word.starts_with('~') && *word != "off";
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [] | ["off"] => Ok(None),
        [from, to] if good(from) && good(to) && !text.contains(['\n', '\r']) => {
            let pair = UrlText::new(from).ok().zip(UrlText::new(to).ok());
            pair.map(|(from, to)| Some(CookieRewrite { from, to })).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

/// What `ssl-ciphers` says.
pub(crate) fn ciphers(text: &str) -> Result<String, Mistake> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let list =
        CipherList::new(text).map_err(|bad| Mistake::new(bad.0, "use names of OpenSSL, such as ECDHE-RSA-AES256-GCM-SHA384:HIGH"))?;
    Ok(list.as_str().to_owned())
}

/// Curves that every OpenSSL since 1.1.1 has, with all their names. None may be named twice.
const CURVES: &[&[&str]] = &[&["P-256", "prime256v1"], &["P-384", "secp384r1"], &["P-521", "secp521r1"], &["X25519"], &["X448"]];

/// What `ssl-ecdh-curve` says.
pub(crate) fn curves(text: &str) -> Result<String, Mistake> {
    let curve = |word: &str| CURVES.iter().position(|names| names.contains(&word));
    let words: Vec<&str> = text.split(':').collect();
    let is_wrong = |(n, word): &(usize, &&str)| curve(word).is_none() || words[..*n].iter().any(|other| curve(other) == curve(word));
    match words.iter().enumerate().find(is_wrong) {
        Some((_, word)) if !matches!(text, "" | "auto") => Err(Mistake::new(
            format!("{} is not a curve that every proxy has, or is named twice", shown(word)),
            "use auto, or a list such as X25519:P-256",
        )),
        _ => Ok(text.to_owned()),
    }
}
