//! How long a text is when it is a word of a configuration.
//!
//! nginx reads words of up to 4096 bytes, and knows a dollar sign only as a variable that holds one (security.md, section 4).
//! For HAProxy the same text is shorter.

use super::BadText;

/// Longest text of a word, in bytes as they are written.
const MOST_BYTES: usize = 4000;

/// Bytes of a text that means itself, as it is written.
pub(super) fn written_bytes(text: &str) -> usize {
    let bytes_of = |c: char| match c {
        '$' => "${literal_dollar}".len(),
        '"' | '\\' => 2,
        _ => c.len_utf8(),
    };
    text.chars().map(bytes_of).sum()
}

/// Checks that so many bytes can be written; `what`: which text has them.
///
/// # Errors
/// When they are too many.
pub(super) fn fits_a_word(bytes: usize, what: impl FnOnce() -> String) -> Result<(), BadText> {
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(BadText(format!("{} has {bytes} bytes as the proxy has to be told it; at most {MOST_BYTES} are possible", what())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_counts_as_long_as_it_is_written() {
        for (c, most) in [("a", 4000), ("$", 235), ("\\", 2000), ("\"", 2000), ("é", 2000)] {
            let fits = |times| fits_a_word(written_bytes(&c.repeat(times)), || c.to_owned()).is_ok();
            assert!(fits(most) && !fits(most + 1), "{c}");
        }
    }
}
