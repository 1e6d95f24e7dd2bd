//! Names of groups in the paths of rules: `/(?<id>[0-9]+)`, which texts call `$id`.

use super::scan::{Kind, Tokens};
use super::variable::is_variable;
use super::{BadText, shown};

/// Longest name in bytes, as every PCRE has it.
const LONGEST: usize = 32;

/// An expression without the names of its groups, and these in lower case, each with the number of its group.
///
/// # Errors
/// With a name that is none, is there twice, or is that of a variable, which it would take the place of.
pub(super) fn without_names(text: &str) -> Result<(String, Vec<(String, usize)>), BadText> {
    let (mut plain, mut names, mut groups) = (String::new(), Vec::new(), 0);
    let mut tokens = Tokens::new(text);
    while let Some(token) = tokens.next() {
        plain.push_str(token.text);
        match token.kind {
            Kind::Group => groups += 1,
            Kind::Extended => {
                let Some((name, behind)) = name(tokens.rest) else { continue };
                let name = name.to_ascii_lowercase();
                let bad = |why: &str| BadText(format!("{}: the group {} {why}", shown(text), shown(&name)));
                if !is_name(&name) {
                    return Err(bad("has a name that is not of letters, digits and _, or longer than 32 bytes"));
                }
                if is_variable(&name) || names.iter().any(|(known, _)| *known == name) {
                    return Err(bad("has a name that is taken; use another one"));
                }
                groups += 1;
                names.push((name, groups));
                tokens = Tokens::new(behind);
            }
            _ => {}
        }
    }
    Ok((plain, names))
}

/// The name of a group, behind its bracket, and what stands behind that.
fn name(text: &str) -> Option<(&str, &str)> {
    let (inside, end) = match text.strip_prefix("?P<").or_else(|| text.strip_prefix("?<")) {
        Some(inside) if inside.starts_with(['=', '!']) => return None,
        Some(inside) => (inside, '>'),
        None => (text.strip_prefix("?'")?, '\''),
    };
    inside.split_once(end)
}

fn is_name(text: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.len() <= LONGEST && text.starts_with(begins) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_out_and_numbered() {
        let of = |text: &str| {
            without_names(text).map(|(plain, names)| (plain, names.into_iter().map(|(name, n)| format!("{name}{n}")).collect::<Vec<_>>()))
        };
        let found = of(r"/(a)(?:b)(?<Id>\d+)[(](?P<x_1>(c)(?'y'd))\(").unwrap();
        assert_eq!(found, (r"/(a)(?:b)(\d+)[(]((c)(d))\(".to_owned(), vec!["id2".to_owned(), "x_13".to_owned(), "y5".to_owned()]));
        assert_eq!(of("/(?<=a)(?<!b)(?=c)").unwrap().0, "/(?<=a)(?<!b)(?=c)");
        for bad in ["/(?<1>a)", "/(?<a-b>c)", "/(?<>a)", "/(?<a>b)(?<A>c)", "/(?<host>a)", "/(?<http_x>a)"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
