//! What holds of a protection whose new value cannot be read as a whole: what held before.
//!
//! Of lists, the entries that can be used count anyway. Those of before count beside them where a list keeps somebody out,
//! and instead of them where it lets somebody in and none of its own can be used: nothing is more open than it was. Where
//! nothing is known of before, a value is read as it is, whether it is there at a first start or comes later: a protection
//! then closes what it is for. Else a restart that knows nothing would close what was open the moment before.

use super::keys::{self, is_header_name, is_pattern};
use super::values::{Mistake, address, items, network};
use super::{Config, ProblemKind, Settings};
use std::collections::BTreeMap;

/// What holds instead of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Never empty.
    pub value: String,
    /// What is wrong with the value.
    pub message: String,
    /// What would do.
    pub help: String,
}

/// How an entry of a list is read.
type Entry = fn(&str) -> Result<(), Mistake>;

/// What becomes of a value that cannot be read as a whole.
enum Way {
    /// A list of what is kept out or back.
    Excluding(Entry),
    /// The same of one that closes what it is for where it cannot be read as a whole.
    Fencing(Entry),
    /// A list of what is let in, or believed.
    Admitting(Entry),
    /// It is used or not.
    Whole,
}

use Way::{Admitting, Excluding, Fencing, Whole};

fn is_address(item: &str) -> Result<(), Mistake> {
    address(item).map(|_| ())
}

fn is_network(item: &str) -> Result<(), Mistake> {
    network(item).map(|_| ())
}

/// Keys with values that are worth more than the default, where the new ones are mistakes.
const KEPT: &[(&str, Way)] = &[
    ("add-headers", Whole),
    // Where the level that goes with it is kept, snippets that keep somebody out have to be applied as well.
    ("allow-snippet-annotations", Whole),
    ("annotations-risk-level", Whole),
    ("bind-address", Admitting(is_address)),
    ("block-cidrs", Fencing(is_network)),
    ("block-referers", Excluding(is_pattern)),
    ("block-user-agents", Excluding(is_pattern)),
    ("denylist-source-range", Fencing(is_network)),
    ("disable-ipv6", Whole),
    // Whose address a list is compared with: of a proxy in front, it could be one that is let in.
    ("enable-real-ip", Whole),
    ("force-ssl-redirect", Whole),
    ("forwarded-for-header", Whole),
    ("global-auth-method", Whole),
    ("global-auth-response-headers", Whole),
    ("global-auth-url", Whole),
    ("hide-headers", Excluding(is_header_name)),
    ("proxy-real-ip-cidr", Admitting(is_network)),
    ("proxy-set-headers", Whole),
    ("ssl-ciphers", Whole),
    ("ssl-protocols", Whole),
    ("ssl-reject-handshake", Whole),
    ("use-forwarded-headers", Whole),
    ("use-proxy-protocol", Whole),
    ("whitelist-source-range", Admitting(is_network)),
];

/// What holds instead of a value, when `last` held before; `None`: the value itself does, as far as it can be used.
#[must_use]
pub fn kept(key: &str, value: &str, last: Option<&str>) -> Option<Kept> {
    let (_, way) = KEPT.iter().find(|(own, _)| *own == key)?;
    let said = last.filter(|last| !last.is_empty())?;
    let (wrong, help) = wrong_with(key, value)?;
    let was_wrong = wrong_with(key, said).is_some();
    let readable = |text, entry: &Entry| items(text).filter(|item| entry(item).is_ok()).map(str::to_owned).collect::<Vec<_>>();
    let (mut entries, before) = match way {
        Whole => (Vec::new(), Some(said.to_owned()).filter(|_| !was_wrong).into_iter().collect()),
        Excluding(entry) | Fencing(entry) | Admitting(entry) => (readable(value, entry), readable(said, entry)),
    };
    // What could not be used before either has done then what it does now.
    if before.is_empty() || (matches!(way, Fencing(_)) && was_wrong) {
        return None;
    }
    let own = entries.len();
    if own == 0 || matches!(way, Excluding(_) | Fencing(_)) {
        let others: Vec<_> = before.into_iter().filter(|entry| !entries.contains(entry)).collect();
        entries.extend(others);
    }
    let is_own = own == entries.len();
    // What can be used of the value itself is all that holds, and is said of it where it is read.
    if is_own && !matches!(way, Fencing(_)) {
        return None;
    }
    let effect = match own {
        0 => "its value before still counts",
        _ if is_own => "the other entries count",
        _ => "the other entries count, and those of before",
    };
    Some(Kept { value: entries.join(","), message: format!("{wrong}; {effect}"), help })
}

/// What is wrong with a value, whatever else is said, and what would do.
fn wrong_with(key: &str, value: &str) -> Option<(String, String)> {
    let one = BTreeMap::from([(key.to_owned(), value.to_owned())]);
    // What is left out of a value because it cannot be had is no mistake.
    let mut problems = keys::read(Config::new(&Settings::default()), one.iter()).1.into_iter();
    let problem = problems.find(|problem| !matches!(problem.kind, ProblemKind::Unsupported | ProblemKind::UnsupportedEntry))?;
    Some((problem.wrong().to_owned(), problem.help))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: &str, value: &str, last: Option<&str>) -> Option<(String, String)> {
        kept(key, value, last).map(|kept| (kept.value, kept.message))
    }

    fn value(key: &str, value: &str, last: Option<&str>) -> Option<String> {
        of(key, value, last).map(|(value, _)| value)
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn of_what_is_new_nothing_is_kept() {
        for (key, _) in KEPT {
            for last in [None, Some("")] {
                assert_eq!(of(key, " ~(", last), None, "{key}: it is as at a first start: {last:?}");
            }
        }
    }

    #[test]
    fn what_can_be_read_holds() {
        for (key, good) in
            [("block-cidrs", "10.0.0.0/8"), ("block-cidrs", ""), ("global-auth-url", "http://a.test/"), ("ssl-protocols", "TLSv1.3")]
        {
            assert_eq!(of(key, good, Some("192.0.2.1")), None, "{key}");
        }
        assert_eq!(of("proxy-body-size", "lots", Some("8m")), None, "conveniences have their defaults");
    }

    #[test]
    fn what_keeps_out_keeps_out_those_of_before_as_well() {
        let kept = |own: &str, last| value("block-cidrs", own, last);
        assert_eq!(kept("nonsense", Some("10.0.0.0/8")), some("10.0.0.0/8"));
        assert_eq!(kept("192.0.2.1, 10.0.0.0//8", Some("10.0.0.0/8,192.0.2.1")), some("192.0.2.1,10.0.0.0/8"));
        assert_eq!(kept("10.0.0.0/8,nonsense", Some("10.0.0.0/8,worse")), None, "it has closed before");
        assert_eq!(kept("10.0.0.0/8,nonsense", Some("10.0.0.0/8")), some("10.0.0.0/8"), "nobody else was kept out");
        for last in [None, Some("")] {
            assert_eq!(kept("10.0.0.0/8,nonsense", last), None, "it closes, as at a first start: {last:?}");
        }
        for last in [None, Some("~*curl")] {
            assert_eq!(value("block-user-agents", "~*curl,~(", last), None, "its own entries are all there is");
        }
        for last in [None, Some(""), Some(","), Some("worse")] {
            assert_eq!(kept("nonsense", last), None, "so does one of which nothing can be used: {last:?}");
        }
        assert_eq!(value("block-user-agents", "~(", Some("~*curl")), some("~*curl"));
        let (_, told) = of("denylist-source-range", "nonsense,::1", Some("10.0.0.0/8")).unwrap();
        assert_eq!(told, "denylist-source-range: \"nonsense\" is not an address or CIDR; the other entries count, and those of before");
    }

    #[test]
    fn what_lets_in_lets_in_nobody_beside_its_own_entries() {
        let listens = value("bind-address", "10.0.0.l", Some("10.0.0.1"));
        assert_eq!(listens, some("10.0.0.1"), "an address more would be as open as a client more");
        for key in ["whitelist-source-range", "proxy-real-ip-cidr"] {
            assert_eq!(of(key, "192.0.2.1,nonsense", Some("10.0.0.0/8")), None);
            let (value, told) = of(key, "nonsense", Some("10.0.0.0/8,worse")).unwrap();
            assert_eq!(value, "10.0.0.0/8");
            assert_eq!(told, format!("{key}: \"nonsense\" is not an address or CIDR; its value before still counts"));
        }
    }

    #[test]
    fn whom_to_believe_is_nobody_where_nothing_of_it_could_ever_be_read() {
        for last in [None, Some(""), Some("10.0.0.0/33")] {
            assert_eq!(of("proxy-real-ip-cidr", "10.0.0.0/33", last), None, "the value itself believes nobody: {last:?}");
        }
    }

    #[test]
    fn what_is_no_list_is_what_it_was() {
        for (key, bad, last) in [
            ("global-auth-url", "nonsense", "http://auth.test/"),
            ("global-auth-response-headers", "X-User,a b", "X-User"),
            ("allow-snippet-annotations", "ture", "true"),
            ("annotations-risk-level", "low", "Low"),
            ("force-ssl-redirect", "tru", "true"),
            ("ssl-protocols", "TLSv1.3 TLSv9", "TLSv1.3"),
            ("ssl-protocols", "TLSv1.1", "TLSv1.3"),
            ("ssl-ciphers", "true", "HIGH"),
            ("use-forwarded-headers", "ture", "true"),
            ("use-proxy-protocol", "on", "true"),
            ("enable-real-ip", "yes", "true"),
            ("forwarded-for-header", "X Client", "X-Client"),
            ("global-auth-method", "VERIFY", "POST"),
            ("disable-ipv6", "ture", "true"),
            ("ssl-reject-handshake", "ture", "true"),
            ("proxy-set-headers", "headers", "gw/headers"),
        ] {
            assert_eq!(value(key, bad, Some(last)), some(last), "{key}");
            assert_eq!((value(key, bad, None), value(key, bad, Some(bad))), (None, None), "{key}: it is no worse than before");
        }
    }
}
