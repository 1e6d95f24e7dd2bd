//! Finds out who asked for a line of a rendered file, by the comments that the templates leave on the first line of
//! every section, and before every line of a list.

use crate::names::{Kind, ObjectName, ObjectRef};

/// The object named by the last comment at or before `line` (counted from 1), inside the same section.
///
/// Only names stand behind the mark, and a `#` of a value stands in quotes that end behind it, so that a comment cannot
/// be forged.
#[must_use]
pub(super) fn origin_at(bytes: &[u8], line: u32) -> Option<ObjectRef> {
    let mut origin = None;
    for text in bytes.split(|&b| b == b'\n').take(line as usize) {
        let Ok(text) = std::str::from_utf8(text) else { continue };
        if let Some((_, name)) = text.rsplit_once("# Ingress ") {
            origin = ObjectName::parse(name).ok().map(|name| ObjectRef::new(Kind::Ingress, name));
        } else if text.is_empty() || text.ends_with("# built in") {
            origin = None;
        }
    }
    origin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_belongs_to_the_section_or_entry_it_stands_in() {
        let file = b"backend a   # Ingress shop/front\n    balance roundrobin\n\nbackend b   # built in\n    mode http\n\n\
                     # Ingress shop/cart\ntls/x.pem h.test\n# built in\ntls/y.pem !*\n";
        let at = |line| origin_at(file, line).map(|o| o.name.to_string());
        assert_eq!(at(2).as_deref(), Some("shop/front"));
        assert_eq!((at(3), at(5), at(10), at(1000)), (None, None, None, None));
        assert_eq!(at(8).as_deref(), Some("shop/cart"));
    }
}
