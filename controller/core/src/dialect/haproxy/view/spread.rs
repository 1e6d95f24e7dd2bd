//! Which endpoint a request goes to: sessions, hashes, turns.

use super::section::rewrites;
use crate::dialect::haproxy::expression::{Expression, first_cookie};
use crate::dialect::haproxy::sections::Section;
use crate::model::{Affinity, AffinityMode, Backend, Balance, SameSite, SessionCookie};
use serde::Serialize;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// What `route/spread.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct SpreadView {
    /// Where neither sessions nor hashes decide.
    balance: &'static str,
    session: Option<SessionView>,
    /// Equal texts, equal endpoints.
    hash: Option<Expression>,
    subset: Option<SubsetView>,
}

/// How clients are known again.
#[derive(Debug, Serialize)]
struct SessionView {
    /// Finds the client's key.
    key: String,
    /// The key is the name of a server.
    names_server: bool,
    /// A client whose endpoint fails is given no other one.
    stays: bool,
    spares_old_clients: bool,
    cookies: Vec<CookieView>,
}

/// A cookie for a new client; which one it is depends on the client.
#[derive(Debug, Serialize)]
struct CookieView {
    value: Expression,
    only_over_tls: bool,
    only_plain: bool,
    /// Those that do not know `SameSite=None`.
    only_old_clients: bool,
    only_new_clients: bool,
}

/// The key picks one of so many groups, and chance an endpoint of it; the last group is filled up from the first one.
#[derive(Debug, Serialize)]
struct SubsetView {
    groups: String,
    size: String,
    endpoints: String,
}

impl SubsetView {
    fn new(size: u64, endpoints: u64) -> Self {
        let size = size.clamp(1, endpoints.max(1));
        let groups = endpoints.div_ceil(size).max(1);
        Self { groups: groups.to_string(), size: size.to_string(), endpoints: endpoints.max(1).to_string() }
    }
}

impl SpreadView {
    pub(super) fn new(section: &Section<'_>, backend: &Backend) -> Self {
        let policy = &backend.policy;
        let hashing = policy.hash.as_ref().filter(|_| policy.affinity.is_none());
        let cookie = section.policy.and_then(|policy| policy.session_cookie.as_ref());
        let endpoints = backend.endpoints.len() as u64;
        Self {
            balance: match backend.balance {
                Balance::RoundRobin => "roundrobin",
                // Of a few servers one has a larger share of the draws than the others, so two would often be the same.
                Balance::RandomTwo => "random(4)",
            },
            session: policy.affinity.as_ref().map(|affinity| SessionView::new(backend, affinity, cookie, section.key.cookie_path)),
            // No key is a key, too.
            hash: hashing.map(|hashing| {
                let read = if rewrites(section) { Expression::of_moved } else { Expression::of };
                let key = read(&hashing.key).unwrap_or_else(|| Expression::default().and_fetch("src"));
                Expression::literal("-").and_all(&key)
            }),
            subset: hashing.and_then(|hashing| hashing.subset).map(|size| SubsetView::new(size, endpoints)),
        }
    }
}

impl SessionView {
    fn new(backend: &Backend, affinity: &Affinity, cookie: Option<&SessionCookie>, path: Option<&str>) -> Self {
        let cookies = cookie.map(|cookie| cookies(backend, affinity, cookie, path.unwrap_or("/"))).unwrap_or_default();
        Self {
            key: first_cookie(&affinity.cookie) + ",field(1,|)",
            names_server: affinity.mode == AffinityMode::Persistent,
            stays: !affinity.moves_on_failure,
            spares_old_clients: cookies.iter().any(|cookie| cookie.only_old_clients),
            cookies,
        }
    }
}

/// `name=key|backend key; Expires=…`: `annotations` 4.10 has the order.
fn cookies(backend: &Backend, affinity: &Affinity, cookie: &SessionCookie, path: &str) -> Vec<CookieView> {
    let key = if affinity.mode == AffinityMode::Persistent { "srv_name" } else { "var(txn.session_key)" };
    let begin = Expression::literal(&affinity.cookie).and("=").and_fetch(key).and("|").and(&Affinity::backend_key(&backend.id));
    let mut begin = match cookie.expires_s {
        Some(seconds) => begin.and("; Expires=").and_fetch(&format!("date({}),http_date", seconds.clamp(-(1 << 30), 1 << 30))),
        None => begin,
    };
    if let Some(age) = cookie.max_age_s {
        begin = begin.and(&format!("; Max-Age={age}"));
    }
    if let Some(domain) = &cookie.domain {
        begin = begin.and("; Domain=").and(domain);
    }
    begin = begin.and("; Path=").and(cookie.path.as_deref().unwrap_or(path));
    let secure = if cookie.always_secure { vec![(None, "; Secure")] } else { vec![(Some(true), "; Secure"), (Some(false), "")] };
    let same_site = match cookie.same_site {
        None => vec![(None, String::new())],
        Some(SameSite::None) if cookie.spares_old_clients => {
            vec![(Some(true), String::new()), (Some(false), "; SameSite=None".to_owned())]
        }
        Some(site) => vec![(None, format!("; SameSite={}", site.as_str()))],
    };
    let each = |(over_tls, secure): (Option<bool>, &str)| {
        let begin = begin.clone().and(secure).and("; HttpOnly");
        let with = |(old_client, text): &(Option<bool>, String)| CookieView {
            value: begin.clone().and(text),
            only_over_tls: over_tls == Some(true),
            only_plain: over_tls == Some(false),
            only_old_clients: *old_client == Some(true),
            only_new_clients: *old_client == Some(false),
        };
        same_site.iter().map(with).collect::<Vec<_>>()
    };
    secure.into_iter().flat_map(each).collect()
}

/// One server.
#[derive(Debug, Serialize)]
pub(super) struct ServerView {
    pub(super) name: String,
    pub(super) address: String,
    /// Where a hash finds it, after a reload as before; `None` where nobody looks for one.
    id: Option<u32>,
}

/// The servers of a backend, with the names and numbers that its way to spread requests needs.
pub(super) fn servers(backend: &Backend) -> Vec<ServerView> {
    let policy = &backend.policy;
    let persistent = policy.affinity.as_ref().is_some_and(|affinity| affinity.mode == AffinityMode::Persistent);
    let by_hash = if policy.affinity.is_some() { !persistent } else { policy.hash.as_ref().is_some_and(|hash| hash.subset.is_none()) };
    let by_number = policy.affinity.is_none() && policy.hash.as_ref().is_some_and(|hash| hash.subset.is_some());
    let mut taken = BTreeSet::new();
    let server = |(number, endpoint): (usize, &SocketAddr)| ServerView {
        name: match (persistent, by_number) {
            (true, _) => Affinity::endpoint_key(&backend.id, *endpoint),
            (false, true) => format!("s{number}"),
            (false, false) => super::section::server_name(endpoint),
        },
        address: endpoint.to_string(),
        id: by_hash.then(|| free_number(endpoint, &mut taken)),
    };
    backend.endpoints.iter().enumerate().map(server).collect()
}

/// A number that follows from the address, unless another endpoint has it already.
fn free_number(endpoint: &SocketAddr, taken: &mut BTreeSet<u32>) -> u32 {
    let hash = xxhash_rust::xxh3::xxh3_64(endpoint.to_string().as_bytes());
    let mut number = u32::try_from(hash >> 33).unwrap_or(1).max(1);
    while !taken.insert(number) {
        number = if number >= (1 << 31) - 1 { 1 } else { number + 1 };
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_from_addresses_and_never_clash() {
        let endpoint: SocketAddr = "10.0.0.1:80".parse().unwrap();
        let mut taken = BTreeSet::new();
        let first = free_number(&endpoint, &mut taken);
        assert_eq!(free_number(&endpoint, &mut BTreeSet::new()), first);
        assert_eq!(free_number(&endpoint, &mut taken), first + 1);
        let mut full = BTreeSet::from([first, first + 1]);
        assert_eq!(free_number(&endpoint, &mut full), first + 2);
    }
}
