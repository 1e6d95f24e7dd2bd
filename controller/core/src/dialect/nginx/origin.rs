//! Finds out who asked for a line of a rendered file, by the comments that the templates leave on the first line of
//! every block.

use crate::names::{Kind, ObjectName, ObjectRef};

/// The object named by the last comment at or before `line` (counted from 1), inside the same virtual host.
///
/// Only names stand behind the mark, and no checked text can hold a `#` or a blank before it, so a comment cannot be
/// forged.
#[must_use]
pub(super) fn origin_at(bytes: &[u8], line: u32) -> Option<ObjectRef> {
    let mut origin = None;
    for text in bytes.split(|&b| b == b'\n').take(line as usize) {
        let Ok(text) = std::str::from_utf8(text) else { continue };
        if text.starts_with("## end server") || text.ends_with("# built in") {
            origin = None;
        } else if let Some((_, name)) = text.rsplit_once("# Ingress ") {
            origin = ObjectName::parse(name.trim_end()).ok().map(|name| ObjectRef::new(Kind::Ingress, name));
        }
    }
    origin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_belongs_to_the_block_it_stands_in() {
        let file = b"## start server a.example\nserver {   # Ingress shop/front\n  listen 80;\n  location / {   # Ingress shop/cart\n\
                     return 1;\n  }\n  location /x {   # built in\n  return 404;\n}\n}\n## end server a.example\n\n";
        let at = |line| origin_at(file, line).map(|o| o.name.to_string());
        assert_eq!(at(1), None);
        assert_eq!(at(3).as_deref(), Some("shop/front"));
        assert_eq!(at(5).as_deref(), Some("shop/cart"));
        assert_eq!(at(8), None);
        assert_eq!(at(12), None);
        assert_eq!(at(1000), None);
    }
}
