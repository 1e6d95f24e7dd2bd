//! Texts as words of a configuration.

use super::{BadText, shown};

/// Longest text, in bytes as they are written.
const MOST_BYTES: usize = 3584;

/// Checks that a text can be written as a part of one word for any proxy, in which it is escaped. nginx reads words of up to
/// 4096 bytes, and knows a dollar sign only as a variable that holds one (security.md, section 4).
///
/// # Errors
/// When it is too long then.
pub(super) fn fits_a_word(text: &str) -> Result<(), BadText> {
    const OF_A_DOLLAR: usize = "${literal_dollar}".len();
    let bytes_of = |c: char| match c {
        '$' => OF_A_DOLLAR,
        '"' | '\\' => 2,
        _ => c.len_utf8(),
    };
    let bytes: usize = text.chars().map(bytes_of).sum();
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(BadText(format!(
        "{} takes {bytes} bytes when its dollar signs, quotes and backslashes are escaped; at most {MOST_BYTES} can be, so use fewer",
        shown(text)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_counts_as_long_as_it_is_written() {
        for (c, most) in [("a", 3584), ("$", 210), ("\\", 1792), ("\"", 1792), ("é", 1792)] {
            assert!(fits_a_word(&c.repeat(most)).is_ok(), "{c}");
            assert!(fits_a_word(&c.repeat(most + 1)).is_err(), "{c}");
        }
    }
}
