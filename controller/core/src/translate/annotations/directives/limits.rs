//! `limit_req`, `limit_conn` and the zones that they count in. Ours count for each Ingress, whatever the name of a zone.

use super::Meaning;
use crate::model::{ClientLimits, Period, RequestRate};
use crate::names::shown;
use crate::settings::{LimitZone, LimitZones, values};

/// As high as a number may be; larger ones limit nothing.
const HIGHEST: u64 = 1_000_000;

/// A zone that a directive names, and its number there: a burst, or requests at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct LimitUse {
    zone: String,
    counts: Counts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Counts {
    /// `limit_req`, with its burst.
    Requests(u64),
    /// `limit_conn`.
    Connections(u64),
}

impl Meaning {
    /// `limit_req_zone`: a key, `zone=NAME:SIZE`, `rate=Nr/s`.
    pub(super) fn rate_zone(&mut self, key: &str, words: &[&str]) -> Result<(), String> {
        let [zone, rate] = words else { return Err("it takes a key, a zone and a rate".to_owned()) };
        let rate = rate.strip_prefix("rate=").ok_or_else(|| format!("{} is not rate=NUMBERr/s", shown(rate)))?;
        let (number, period) = match (rate.strip_suffix("r/s"), rate.strip_suffix("r/m")) {
            (Some(number), _) => (number, Period::Second),
            (_, Some(number)) => (number, Period::Minute),
            _ => return Err(format!("{} is neither NUMBERr/s nor NUMBERr/m", shown(rate))),
        };
        self.zone(key, zone, LimitZone::Requests(at_least_one(number)?, period))
    }

    /// `limit_conn_zone`: a key, `zone=NAME:SIZE`.
    pub(super) fn connection_zone(&mut self, key: &str, zone: &str) -> Result<(), String> {
        self.zone(key, zone, LimitZone::Connections)
    }

    fn zone(&mut self, key: &str, zone: &str, counts: LimitZone) -> Result<(), String> {
        if !["$binary_remote_addr", "$remote_addr"].contains(&key) {
            return Err(format!("{} cannot be counted; $binary_remote_addr can", shown(key)));
        }
        let name = zone.strip_prefix("zone=").and_then(|zone| zone.split_once(':')).map(|(name, _size)| name);
        let name = name.filter(|name| !name.is_empty()).ok_or_else(|| format!("{} is not zone=NAME:SIZE", shown(zone)))?;
        match self.zones.insert(name.to_owned(), counts) {
            None => Ok(()),
            Some(_) => Err(format!("there is a zone {} already", shown(name))),
        }
    }

    /// `limit_req`: `zone=NAME`, `burst=N`, `nodelay`. Nobody is delayed here: who is not too far ahead is answered at once.
    pub(super) fn limit_requests(&mut self, words: &[&str]) -> Result<(), String> {
        let (mut zone, mut burst) = (None, 0);
        for word in words {
            match word.split_once('=') {
                Some(("zone", name)) => zone = Some((*name).to_owned()),
                Some(("burst", number)) => burst = number_of(number)?.min(HIGHEST),
                Some(("delay", _)) | None if word.starts_with("delay=") || *word == "nodelay" => {}
                _ => return Err(format!("{} is none of zone=NAME, burst=NUMBER and nodelay", shown(word))),
            }
        }
        let zone = zone.ok_or("it names no zone")?;
        self.limit_uses.push(LimitUse { zone, counts: Counts::Requests(burst) });
        Ok(())
    }

    /// `limit_conn`: the name of a zone and a number.
    pub(super) fn limit_connections(&mut self, zone: &str, number: &str) -> Result<(), String> {
        self.limit_uses.push(LimitUse { zone: zone.to_owned(), counts: Counts::Connections(at_least_one(number)?) });
        Ok(())
    }

    /// Gives the zones that are named their meaning; its own go before `outer` ones.
    ///
    /// # Errors
    /// With the number of the limit that is wrong, and why.
    pub(super) fn count_in(&mut self, outer: &LimitZones) -> Result<(), (usize, String)> {
        let mut limits = ClientLimits { rates: Vec::new(), connections: None, exempt: Vec::new() };
        for (n, LimitUse { zone, counts }) in self.limit_uses.iter().enumerate() {
            match (self.zones.get(zone).or_else(|| outer.get(zone)), *counts) {
                (Some(LimitZone::Requests(requests, period)), Counts::Requests(burst)) => {
                    if limits.rates.iter().any(|rate| rate.period == *period) {
                        return Err((n, "there can be one rate per second and one per minute".to_owned()));
                    }
                    limits.rates.push(RequestRate { requests: *requests, period: *period, burst });
                }
                (Some(LimitZone::Connections), Counts::Connections(number)) => {
                    limits.connections = Some(limits.connections.map_or(number, |other| other.min(number)));
                }
                (Some(_), _) => return Err((n, format!("the zone {} counts something else", shown(zone)))),
                (None, _) => return Err((n, format!("there is no zone {}; zones are defined in http-snippet", shown(zone)))),
            }
        }
        self.limits = (!self.limit_uses.is_empty()).then_some(limits);
        Ok(())
    }
}

/// What those are answered who go beyond a limit.
pub(super) fn status(text: &str) -> Result<u16, String> {
    let status = text.parse().ok().filter(|status| (400..=599).contains(status));
    status.ok_or_else(|| format!("{} is not a status between 400 and 599", shown(text)))
}

fn number_of(text: &str) -> Result<u64, String> {
    values::number(text).map_err(|mistake| mistake.message)
}

fn at_least_one(text: &str) -> Result<u64, String> {
    match number_of(text)? {
        0 => Err("0 would let nobody in".to_owned()),
        number => Ok(number.min(HIGHEST)),
    }
}
