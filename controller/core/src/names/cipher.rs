//! Lists of TLS ciphers, in the language of OpenSSL.

use super::{BadText, shown};
use std::sync::Arc;

/// Longest list in bytes.
const MAX_BYTES: usize = 2000;

/// Which ciphers a TLS connection may have, for TLS 1.2 and before. It names at least one that OpenSSL knows, and none
/// without encryption or authentication. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CipherList(Arc<str>);

impl CipherList {
    /// Checks and keeps a list.
    ///
    /// # Errors
    /// When it has characters that no list has, asks for ciphers that protect nothing, or names none that is known.
    pub fn new(text: &str) -> Result<Self, BadText> {
        let good = text.len() <= MAX_BYTES && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_+!@:=.".contains(&b));
        if !good {
            return Err(BadText(format!("{} is not a list of ciphers; separate their names by ':'", shown(text))));
        }
        let words = || text.split([':', '@']).filter(|word| !word.is_empty());
        let asked = || words().filter(|word| !word.starts_with(['!', '-', '+']) && !is_order(word));
        if let Some(word) = asked().find(|word| word.split('+').any(protects_nothing)) {
            return Err(BadText(format!("{} asks for ciphers that protect nothing", shown(word))));
        }
        if let Some(word) = words().find(|word| word.starts_with("SECLEVEL") && !is_order(word)) {
            return Err(BadText(format!("{} is not a level; use SECLEVEL=0 to SECLEVEL=5", shown(word))));
        }
        if let Some(item) = text.split(':').find(|item| !is_item(item)) {
            return Err(BadText(format!(
                "{} is no item of a list of ciphers; use names, and behind '@' only STRENGTH or SECLEVEL=N",
                shown(item)
            )));
        }
        if !asked().any(|word| word.split('+').all(is_known)) {
            return Err(BadText(format!("{} names no cipher that OpenSSL knows", shown(text))));
        }
        Ok(Self(text.into()))
    }

    /// What a list asks for that was given up long ago, as lists of old do, if it asks for nothing worse.
    #[must_use]
    pub fn given_up(text: &str) -> Option<&str> {
        const WORDS: &[&str] = &["DES", "EXP", "LOW", "RC2", "RC4"];
        let is_given_up = |word: &str| WORDS.contains(&word) || word.contains("EXPORT");
        let asked = || text.split(':').filter(|word| !word.starts_with(['!', '-', '+']));
        let is_worse = |word: &str| word.split('+').any(|part| protects_nothing(part) && !is_given_up(part));
        if asked().any(is_worse) { None } else { asked().find(|word| word.split('+').any(is_given_up)) }
    }

    /// The list, closed against ciphers that protect nothing.
    #[must_use]
    pub fn closed(&self) -> String {
        format!("{}:!aNULL:!eNULL", self.0)
    }

    /// The list as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Families that OpenSSL has a word for.
const FAMILIES: &[&str] = &[
    "AES",
    "AES128",
    "AES256",
    "AESCCM",
    "AESGCM",
    "ALL",
    "ARIA",
    "CAMELLIA",
    "CAMELLIA128",
    "CAMELLIA256",
    "CHACHA20",
    "DEFAULT",
    "DH",
    "DHE",
    "ECDH",
    "ECDHE",
    "ECDSA",
    "EDH",
    "EECDH",
    "HIGH",
    "MEDIUM",
    "PSK",
    "RSA",
    "SHA",
    "SHA1",
    "SHA256",
    "SHA384",
    "SSLv3",
    "TLSv1",
    "TLSv1.0",
    "TLSv1.2",
    "aECDSA",
    "aRSA",
    "kDHE",
    "kECDHE",
    "kEDH",
    "kEECDH",
    "kRSA",
];

/// What a cipher begins with: how keys are agreed on.
const EXCHANGES: &[&str] = &["", "ECDHE-ECDSA-", "ECDHE-RSA-", "DHE-RSA-"];

/// What it ends with.
const CIPHERS: &[&str] = &[
    "AES128-GCM-SHA256",
    "AES128-SHA",
    "AES128-SHA256",
    "AES256-GCM-SHA384",
    "AES256-SHA",
    "AES256-SHA256",
    "AES256-SHA384",
    "CHACHA20-POLY1305",
    "CAMELLIA128-SHA256",
    "CAMELLIA256-SHA384",
];

/// Whether OpenSSL can read what stands between two colons: names joined by `+`, with a sign before them, and orders. Names
/// that it does not know it passes over.
fn is_item(item: &str) -> bool {
    let mut words = item.split('@');
    let names = words.next().unwrap_or_default();
    let names_are_read = names.is_empty() || names.strip_prefix(['!', '-', '+']).unwrap_or(names).split('+').all(is_name);
    names_are_read && words.all(is_order)
}

fn is_name(name: &str) -> bool {
    !name.contains('!') && name.starts_with(|c: char| c != '_')
}

/// Words that order the list, and name no cipher.
fn is_order(word: &str) -> bool {
    word == "STRENGTH" || word.strip_prefix("SECLEVEL=").is_some_and(|level| matches!(level, "0" | "1" | "2" | "3" | "4" | "5"))
}

fn protects_nothing(word: &str) -> bool {
    const WORDS: &[&str] = &["ADH", "AECDH", "COMPLEMENTOFALL", "COMPLEMENTOFDEFAULT", "DES", "EXP", "LOW", "RC2", "RC4", "aNULL", "eNULL"];
    WORDS.contains(&word) || word.contains("NULL") || word.contains("EXPORT")
}

/// Families that OpenSSL has a word for, or the shape of the name of a cipher.
fn is_known(word: &str) -> bool {
    FAMILIES.contains(&word) || EXCHANGES.iter().any(|exchange| word.strip_prefix(exchange).is_some_and(|cipher| CIPHERS.contains(&cipher)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_openssl_are_kept_and_closed() {
        for good in [
            "ECDHE-RSA-AES256-GCM-SHA384",
            "ALL:!aNULL:!EXPORT56",
            "HIGH:@STRENGTH",
            "DEFAULT@SECLEVEL=1",
            "TLSv1.2",
            "TLS_AES_128_GCM_SHA256::-HIGH:+RSA:kRSA",
            "kEECDH+AESGCM:X",
        ] {
            assert_eq!(CipherList::new(good).unwrap().as_str(), good);
        }
        assert_eq!(CipherList::new("HIGH").unwrap().closed(), "HIGH:!aNULL:!eNULL");
    }

    #[test]
    fn what_protects_nothing_or_names_nothing_is_refused() {
        for bad in [
            "",
            "!HIGH",
            "ALL:eNULL:aNULL@SECLEVEL=0",
            "NULL-SHA256:HIGH",
            "nosuch",
            "HIGH@SECLEVEL=9",
            "A;B",
            "a\nb",
            "HIGH RSA",
            "RC4:HIGH",
            "ECDHE@-RSA-AES128-GCM-SHA256:HIGH",
            "HIGH@FASTEST",
            "HIGH@",
            "HIGH:!",
            "HIGH+",
            "HIGH:!!RSA",
            "HIGH:_",
        ] {
            assert!(CipherList::new(bad).is_err(), "{bad}");
        }
        assert!(CipherList::new(&"HIGH:".repeat(500)).is_err());
    }

    #[test]
    fn lists_of_old_ask_for_what_was_given_up() {
        let of_the_guide = "ALL:!aNULL:!EXPORT56:RC4+RSA:+HIGH:+MEDIUM:+LOW:+SSLv2:+EXP";
        assert_eq!(CipherList::given_up(of_the_guide), Some("RC4+RSA"));
        assert_eq!((CipherList::given_up("HIGH:DES:NULL"), CipherList::given_up("HIGH:!RC4")), (None, None));
    }
}
