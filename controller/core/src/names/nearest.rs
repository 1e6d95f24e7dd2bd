//! What may have been meant by a name that is not known.

/// So many characters may be wrong, swapped, missing or too many.
const SLIPS: usize = 2;

/// A name that is shorter is meant by itself only.
const SHORTEST: usize = 3;

/// The known name that is most like the given one, case aside; `None`: none is like it.
#[must_use]
pub fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let given = given.to_ascii_lowercase();
    let like = |known: &'k str| {
        let lower = known.to_ascii_lowercase();
        if lower == given {
            return Some((0, known));
        }
        // What is much longer is not even compared: the time is the product of both lengths.
        let comparable = lower.len().abs_diff(given.len()) <= SLIPS && lower.len().min(given.len()) >= SHORTEST;
        let slips = comparable.then(|| strsim::osa_distance(&given, &lower))?;
        (slips <= SLIPS).then_some((slips, known))
    };
    known.into_iter().filter_map(like).min().map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_forgiven_and_no_more() {
        let known = ["host", "hosts", "ip", "auth-type"];
        for (given, expected) in [
            ("HOST", Some("host")),
            ("hots", Some("host")),
            ("auht-tipe", Some("auth-type")),
            ("auth-type-of", None),
            ("iq", None),
            ("", None),
            (&"h".repeat(1 << 20), None),
        ] {
            assert_eq!(nearest(given, known), expected);
        }
    }
}
