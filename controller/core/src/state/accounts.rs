//! Users out of Secrets: lines of htpasswd files, or one key for each user.

use crate::model::{Account, HashKind, NoLogin, PasswordHash, check_cost};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Longest name of a user and longest hash that are read, in bytes.
const MAX_NAME_BYTES: usize = 255;
const MAX_HASH_BYTES: usize = 512;
/// Before a password that is no hash.
const PLAIN: &str = "{PLAIN}";

/// The users in an htpasswd file: `name:hash` on each line, further fields and comments left out; of equal names the
/// first. Lines without a name or without a colon are left out.
pub(super) fn in_file(bytes: &[u8]) -> Arc<[Account]> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
    collect(lines)
}

/// The first line of such a file that is neither a user, a comment nor empty, counted from 1.
pub(super) fn unread_line(bytes: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(bytes);
    let is_read =
        |line: &str| line.trim().is_empty() || line.starts_with('#') || line.split_once(':').is_some_and(|(name, _)| is_name(name));
    text.lines().position(|line| !is_read(line)).map(|at| at + 1)
}

/// The users of a Secret whose keys are names and whose values are hashes; who has a value that cannot be read is shut
/// out.
pub(super) fn by_key(data: &BTreeMap<String, Option<Vec<u8>>>) -> Arc<[Account]> {
    let hash = |value: &Option<Vec<u8>>| {
        let bytes = value.as_deref().unwrap_or_default();
        String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_HASH_BYTES + 1)]).into_owned()
    };
    let texts: Vec<_> = data.iter().map(|(key, value)| (key, hash(value))).collect();
    collect(texts.iter().map(|(key, value)| (key.as_str(), value.trim_end_matches(['\n', '\r']))))
}

fn collect<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Arc<[Account]> {
    let mut seen = HashSet::new();
    pairs
        .filter(|(name, _)| is_name(name) && seen.insert(*name))
        .map(|(name, rest)| Account { name: name.into(), hash: hash(rest.split(':').next().unwrap_or_default()) })
        .collect()
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.starts_with('#') && name.chars().all(crate::names::is_printable)
}

/// What proxies do with a text that they do not understand differs, from refusal to an error; so none is given one.
fn hash(text: &str) -> Result<PasswordHash, NoLogin> {
    // A password may have blanks and letters of every language.
    let fits = |c: char| c.is_ascii_graphic() || text.starts_with(PLAIN) && crate::names::is_printable(c);
    let printable = !text.is_empty() && text.len() <= MAX_HASH_BYTES && text.chars().all(fits);
    let kind = printable.then(|| kind(text)).flatten().ok_or(NoLogin::Unknown)?;
    if kind == HashKind::Crypt {
        check_cost(text)?;
    }
    Ok(PasswordHash { kind, text: text.into() })
}

fn kind(text: &str) -> Option<HashKind> {
    const CRYPT: &[&str] = &["$1$", "$2a$", "$2b$", "$2x$", "$2y$", "$5$", "$6$", "$7$", "$y$", "$gy$", "$sha1$"];
    let of_crypt = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"./$,=+-_".contains(&b));
    let base64 = |text: &str| text.len() >= 28 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    if text.strip_prefix(PLAIN).is_some_and(|rest| !rest.is_empty()) {
        return Some(HashKind::Plain);
    }
    if text.strip_prefix("{SHA}").or_else(|| text.strip_prefix("{SSHA}")).is_some_and(base64) {
        return Some(HashKind::Sha1);
    }
    if text.strip_prefix("$apr1$").is_some_and(of_crypt) {
        return Some(HashKind::ApacheMd5);
    }
    let traditional = text.len() == 13 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"./".contains(&b));
    let modular = CRYPT.iter().any(|prefix| text.starts_with(prefix)) && of_crypt(text);
    (traditional || modular).then_some(HashKind::Crypt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(accounts: &[Account]) -> Vec<(&str, Result<HashKind, NoLogin>)> {
        accounts.iter().map(|account| (&*account.name, account.hash.as_ref().map(|hash| hash.kind).map_err(|why| *why))).collect()
    }

    #[test]
    fn users_are_read_with_the_kind_of_their_hash() {
        let file = "# users\r\nanna:$2y$05$abcdefghijklmnopqrstuuJ0J1n0p8YgSbvK8rmwUVg5cR2K0OyTa\nben:$apr1$xyz$abc:comment\r\n\n\
                    cleo:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\ndan:{PLAIN}secret\neve:rqXexS6ZhobKA\nfred:$6$salt$hash\n";
        assert_eq!(
            kinds(&in_file(file.as_bytes())),
            [
                ("anna", Ok(HashKind::Crypt)),
                ("ben", Ok(HashKind::ApacheMd5)),
                ("cleo", Ok(HashKind::Sha1)),
                ("dan", Ok(HashKind::Plain)),
                ("eve", Ok(HashKind::Crypt)),
                ("fred", Ok(HashKind::Crypt)),
            ]
        );
    }

    #[test]
    fn what_is_no_user_is_left_out_and_what_is_no_hash_lets_nobody_in() {
        let file = "noline\n:x\nanna:\nben:hunter2\ncleo:$6$a b\nanna:{PLAIN}second\n\u{1}x:{PLAIN}y\ndan:$6$x;y\n";
        assert_eq!(kinds(&in_file(file.as_bytes())), ["anna", "ben", "cleo", "dan"].map(|name| (name, Err(NoLogin::Unknown))));
        assert!(in_file(b"").is_empty() && in_file(b"\n\n# nobody\n").is_empty());
        let unread = |file: &str| unread_line(file.as_bytes());
        assert_eq!([file, "", "# nobody\r\n\n \na:\n", "a:x\nb\0:x", "a:x\n:x"].map(unread), [Some(1), None, None, Some(2), Some(2)]);
    }

    #[test]
    fn a_plain_password_has_blanks_and_letters_of_every_language() {
        let file = "anna:{PLAIN}open the sésame\nben:{PLAIN}\u{1}x\ncleo:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9é=\n";
        let unknown = Err(NoLogin::Unknown);
        assert_eq!(kinds(&in_file(file.as_bytes())), [("anna", Ok(HashKind::Plain)), ("ben", unknown), ("cleo", unknown)]);
    }

    #[test]
    fn whose_hash_is_too_much_work_is_shut_out_alone() {
        let file = "anna:$2b$15$ZuadeK7Vkepvxi.k4QrzpeZWvWU9fnjzL1Fa0H0kblFK6FyNba7fq\nben:{PLAIN}x\ncleo:$6$rounds=999999999$x$y\n";
        let costly = Err(NoLogin::TooCostly);
        assert_eq!(kinds(&in_file(file.as_bytes())), [("anna", costly), ("ben", Ok(HashKind::Plain)), ("cleo", costly)]);
    }

    #[test]
    fn keys_of_a_secret_are_users() {
        let value = |bytes: &[u8]| Some(bytes.to_vec());
        let data = [("foo", value(b"{PLAIN}bar\n")), ("broken", None), ("tls.crt", value(&[b'-'; 5000]))];
        let data: BTreeMap<_, _> = data.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        assert_eq!(
            kinds(&by_key(&data)),
            [("broken", Err(NoLogin::Unknown)), ("foo", Ok(HashKind::Plain)), ("tls.crt", Err(NoLogin::Unknown))]
        );
        assert_eq!(format!("{:?}", by_key(&data)[1].hash), "Ok(PasswordHash { kind: Plain, .. })");
    }
}
