//! How much work the check of a password is: what `crypt(3)` is told of it in the hash.
//!
//! A proxy does that work where it serves all others, so that a costly hash holds up everybody whenever somebody, who need
//! not know a password, names its user. HAProxy even takes itself for stuck after a second, and ends; and it does the work
//! for each user once more whenever it reads its files.

use super::NoLogin;
use std::time::Duration;

/// The bounds below allow 0.2 to 0.3 s of a core of 2020 for the longest password that C libraries take.
const MOST_BCRYPT: u64 = 1 << 12;
const MOST_ROUNDS: u64 = 100_000;

/// Of scrypt and its kin: N · r · p, at 128 bytes of memory each.
const MOST_BLOCKS: u64 = 1 << 19;

/// The digits of `crypt(3)`.
const DIGITS: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether a proxy may be given this hash of a kind that `crypt(3)` knows.
///
/// # Errors
/// When it is too much work, or does not say how much as its kind does.
pub(crate) fn check(hash: &str) -> Result<(), NoLogin> {
    let work = work(hash).ok_or(NoLogin::Unknown)?;
    if work.amount <= work.most { Ok(()) } else { Err(NoLogin::TooCostly) }
}

/// How long it takes to compute a hash of an empty password so; none that takes no time to speak of.
pub(super) fn time(hash: &str) -> Duration {
    work(hash).map_or(Duration::ZERO, |work| Duration::from_nanos(work.amount.saturating_mul(work.each_ns)))
}

/// How often something is done, how often it may be, and how long it takes each time, as measured on a core of 2020.
struct Work {
    amount: u64,
    most: u64,
    each_ns: u64,
}

/// `None`: it does not say how much work it is as its kind does.
fn work(hash: &str) -> Option<Work> {
    let (kind, rest) = hash.strip_prefix('$').and_then(|rest| rest.split_once('$')).unwrap_or_default();
    let first = || number(rest.split('$').next());
    let (amount, most, each_ns) = match kind {
        "2a" | "2b" | "2x" | "2y" => (1 << first()?.min(63), MOST_BCRYPT, 49_000),
        "5" | "6" => (rest.strip_prefix("rounds=").map_or(Some(5000), |rest| number(rest.split('$').next()))?, MOST_ROUNDS, 250),
        "sha1" => (first()?, MOST_ROUNDS, 650),
        "y" | "gy" => (yescrypt_blocks(rest)?, MOST_BLOCKS, 240),
        "7" => (scrypt_blocks(rest)?, MOST_BLOCKS, 240),
        // All others are as much work as they always were: little.
        _ => (1, 1, 100_000),
    };
    Some(Work { amount, most, each_ns })
}

/// Digits only; one that is too large is as large as any.
fn number(text: Option<&str>) -> Option<u64> {
    let text = text.filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))?;
    Some(text.parse().unwrap_or(u64::MAX))
}

fn digit(c: u8) -> Option<u32> {
    DIGITS.bytes().position(|other| other == c).and_then(|at| u32::try_from(at).ok())
}

/// `jNr$…`: the usual flavour, and N and r with one digit each. What else may follow makes it more work, and nobody writes
/// that: it counts as much.
fn yescrypt_blocks(rest: &str) -> Option<u64> {
    // Larger digits begin a number of several.
    const LAST_ALONE: u32 = 47;
    let [b'j', n, r, more @ ..] = rest.split('$').next()?.as_bytes() else { return None };
    let (n, r) = (digit(*n)?, digit(*r)?);
    let is_plain = more.is_empty() && n <= LAST_ALONE && r <= LAST_ALONE;
    Some(if is_plain { blocks(n + 1, r + 1, 1) } else { u64::MAX })
}

/// `Nrrrrrppppp…`: the exponent of N, then numbers of five digits, the lowest first.
fn scrypt_blocks(rest: &str) -> Option<u64> {
    let head = rest.as_bytes().get(..11)?;
    let long = |digits: &[u8]| digits.iter().rev().try_fold(0, |all, c| Some((all << 6) | digit(*c)?));
    Some(blocks(digit(head[0])?, long(&head[1..6])?, long(&head[6..])?))
}

fn blocks(log_n: u32, r: u32, p: u32) -> u64 {
    1u64.checked_shl(log_n).unwrap_or(u64::MAX).saturating_mul(r.into()).saturating_mul(p.max(1).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_a_hash_takes_is_known() {
        let ms = |hash: &str| time(hash).as_millis();
        assert_eq!(["$2y$05$x", "$2b$10$x", "$6$x$y", "$6$rounds=100000$x$y", "$y$jBT$x$y", "$1$x$y"].map(ms), [1, 50, 1, 25, 125, 0]);
        assert!(time("$2b$31$x") > Duration::from_secs(86_400) && time("$y$jzzz$x") > Duration::from_secs(86_400));
    }

    #[test]
    fn what_is_too_much_work_is_told_from_what_is_not() {
        let fine = [
            "$2y$05$x",
            "$2b$10$x",
            "$2a$12$x",
            "$1$x$y",
            "rqXexS6ZhobKA",
            "$5$x$y",
            "$6$x$y",
            "$6$rounds=5000$x$y",
            "$5$rounds=100000$x$y",
            "$sha1$24680$x$y",
            "$y$j9T$x$y",
            "$y$j75$x$y",
            "$y$jBT$x$y",
            "$gy$j9T$x$y",
            "$7$CU..../....x$y",
        ];
        let costly = [
            "$2b$13$x",
            "$2b$15$x",
            "$2x$31$x",
            "$2y$99$x",
            "$2a$99999999999$x",
            "$6$rounds=100001$x$y",
            "$5$rounds=999999999$x$y",
            "$6$rounds=99999999999999999999$x$y",
            "$sha1$262144$x$y",
            "$y$jCT$x$y",
            "$y$jlT$x$y",
            "$y$j9T/.$x$y",
            "$y$j9zz$x$y",
            "$y$jzzz$x",
            "$gy$jCT$x$y",
            "$7$DU..../....x$y",
            "$7$CU....0....x$y",
            "$7$zzzzzzzzzzzx$y",
            "$7$CUUUUU/....x",
        ];
        let unknown = [
            "$2b$x",
            "$2b$$x",
            "$2b$+5$x",
            "$6$rounds=x$y",
            "$6$rounds=-1$y",
            "$sha1$x",
            "$y$",
            "$y$k9T$x",
            "$y$j9",
            "$7$CU..",
            "$7$-U..../....",
        ];
        for (hashes, result) in [(&fine[..], Ok(())), (&costly, Err(NoLogin::TooCostly)), (&unknown, Err(NoLogin::Unknown))] {
            for hash in hashes {
                assert_eq!(check(hash), result, "{hash}");
            }
        }
    }
}
