//! What becomes of each annotation on each proxy: derived from the list of features, from what a proxy lacks, and from what it
//! does in a way of its own.

use super::{FEATURES, Tier, unsupported};
use crate::model::{Approximation, Lack, LackingWay};
use std::fmt;

/// What a proxy makes of an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// What ingress-nginx does.
    Same,
    /// Nearly that.
    Approximated,
    /// Nothing; it is said on the object.
    Told,
    /// It asks for a protection that is not there, or for something that is refused: what asks for it is not served.
    Closed,
}

impl Verdict {
    /// All verdicts, the best first.
    pub const ALL: [Self; 4] = [Self::Same, Self::Approximated, Self::Told, Self::Closed];
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "same",
            Self::Approximated => "approximated",
            Self::Told => "told",
            Self::Closed => "closed",
        })
    }
}

/// A proxy as the verdicts see it.
#[derive(Debug)]
pub struct ProxyFacts {
    /// Name of the proxy.
    pub name: &'static str,
    /// What the proxy cannot do.
    pub lacks: Vec<Lack>,
    /// Annotations that the proxy can do only approximately, by annotation.
    pub approximates: &'static [Approximation],
}

/// Refused whatever the proxy.
const REFUSED: &[(&str, &str)] = &[("stream-snippet", "an Ingress with one is left out")];

/// The names of all annotations: those of features, then those that are only known.
pub fn names() -> impl Iterator<Item = &'static str> {
    FEATURES.iter().flat_map(|feature| feature.keys).map(|key| key.name).chain(unsupported::described().map(|(name, _)| name))
}

/// How widely an annotation is used; `None`: nothing is known of it.
#[must_use]
pub fn tier(name: &str) -> Option<Tier> {
    let key = FEATURES.iter().flat_map(|feature| feature.keys).find(|key| key.name == name);
    key.map(|key| key.tier).or_else(|| unsupported::tier(name))
}

impl ProxyFacts {
    /// How many annotations of a tier the proxy makes this of.
    #[must_use]
    pub fn count(&self, tier: Tier, verdict: Verdict) -> usize {
        names().filter(|name| self::tier(name) == Some(tier) && self.verdict(name).0 == verdict).count()
    }

    /// What the proxy makes of an annotation, and how it differs; empty: it does not.
    #[must_use]
    pub fn verdict(&self, name: &str) -> (Verdict, String) {
        if let Some((closes, how)) = unsupported::verdict(name) {
            return (if closes { Verdict::Closed } else { Verdict::Told }, how);
        }
        if let Some((_, how)) = REFUSED.iter().find(|(key, _)| *key == name) {
            return (Verdict::Closed, (*how).to_owned());
        }
        let lack = self.lacks.iter().find(|lack| lack.key == name && !lack.is_setting);
        let own = self.approximates.iter().find(|own| own.key == name).map(|own| own.how);
        match (lack, own) {
            (Some(lack), _) if lack.way == LackingWay::Closes && !lack.of_some_values => (Verdict::Closed, lack.effect.to_owned()),
            (Some(lack), how) if lack.of_some_values || lack.way == LackingWay::Nearly || how.is_some() => {
                (Verdict::Approximated, how.unwrap_or(lack.effect).to_owned())
            }
            (Some(lack), _) => (Verdict::Told, lack.effect.to_owned()),
            (None, Some(how)) => (Verdict::Approximated, how.to_owned()),
            (None, None) => (Verdict::Same, String::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::dialect::haproxy::HAPROXY;
    use crate::dialect::nginx::NGINX;

    fn facts(dialect: &Dialect) -> ProxyFacts {
        ProxyFacts { name: dialect.name, lacks: (dialect.lacks)(dialect.oldest), approximates: dialect.approximates }
    }

    fn of(name: &str) -> [Verdict; 2] {
        [&NGINX, &HAPROXY].map(|dialect| facts(dialect).verdict(name).0)
    }

    #[test]
    fn every_annotation_has_a_verdict_on_every_proxy() {
        let all: Vec<_> = names().collect();
        assert_eq!(all.len(), 138);
        let (nginx, tiers) = (facts(&NGINX), Tier::ALL);
        let counted = |tier: Tier| Verdict::ALL.map(|verdict| nginx.count(tier, verdict)).iter().sum::<usize>();
        assert_eq!(tiers.map(counted).iter().sum::<usize>(), 138, "each is of one tier, and has one verdict");
        assert_eq!(nginx.count(Tier::B, Verdict::Closed), 1, "enable-modsecurity");
        for name in all {
            for (verdict, how) in [&NGINX, &HAPROXY].map(|dialect| facts(dialect).verdict(name)) {
                assert_eq!(how.is_empty(), verdict == Verdict::Same, "{name} is {verdict}, and how is {how:?}");
            }
        }
    }

    #[test]
    fn whatever_differs_is_an_annotation() {
        let all: Vec<_> = names().collect();
        for dialect in [&NGINX, &HAPROXY] {
            let own = dialect.approximates;
            assert!(own.windows(2).all(|pair| pair[0].key < pair[1].key), "{} is sorted", dialect.name);
            let lacks = (dialect.lacks)(dialect.oldest);
            let lacks = lacks.iter().filter(|lack| !lack.is_setting && !lack.key.ends_with("-services-configmap")).map(|lack| lack.key);
            for key in own.iter().map(|own| own.key).chain(lacks) {
                assert!(all.contains(&key), "{}: {key}", dialect.name);
            }
        }
        assert!(REFUSED.iter().all(|(key, _)| all.contains(key)));
    }

    #[test]
    fn verdicts_follow_from_the_lists() {
        assert_eq!(of("ssl-redirect"), [Verdict::Same, Verdict::Same]);
        assert_eq!(of("enable-modsecurity"), [Verdict::Closed, Verdict::Closed]);
        assert_eq!(of("enable-rewrite-log"), [Verdict::Same, Verdict::Told]);
        assert_eq!(of("rewrite-target"), [Verdict::Same, Verdict::Approximated]);
        assert_eq!(of("session-cookie-expires"), [Verdict::Approximated, Verdict::Same]);
    }
}
