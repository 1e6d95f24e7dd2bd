//! Directives that are kept as they are, for namespaces that the operator has named. They are read, and so cannot leave their
//! block; those that read files, write them, or run code are refused all the same.

use super::reader::Directive;
use crate::model::RawDirective;
use crate::names::directive::touches_files_or_runs_code;

/// The directive as it is kept.
///
/// # Errors
/// When it, or one in its block, is refused.
pub(super) fn of(directive: &Directive) -> Result<RawDirective, String> {
    let name = directive.name.as_str();
    if let Some(why) = refusal(name) {
        return Err(why);
    }
    let block = directive.block.as_ref().map(|block| block.iter().map(inside).collect::<Result<Vec<_>, _>>()).transpose()?;
    Ok(RawDirective { name: name.to_owned(), words: directive.arguments.clone(), block })
}

fn inside(directive: &Directive) -> Result<RawDirective, String> {
    of(directive).map_err(|why| directive.wrong(&why))
}

/// Why nobody may say it.
fn refusal(name: &str) -> Option<String> {
    /// Each ends, or leaves, what is done for a request in the location of its route.
    const ENDS: &[&str] = &["break", "if", "location", "rewrite", "set"];
    let is_plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let why = match name {
        _ if !is_plain => "it is no name of a directive",
        "types" | "types_hash_max_size" | "types_hash_bucket_size" => "it is for files, and endpoints answer here",
        "listen" | "server_name" => "it belongs to a host, and not to its routes",
        _ if name.ends_with("_pass") => "the route has one already: the Services of the rules of an Ingress say who is asked",
        _ if ENDS.contains(&name) => {
            "a proxy that looks for files might find some behind it, so as it is written it is refused to everybody"
        }
        _ if touches_files_or_runs_code(name) => "it reads files, writes them or runs code, and is refused to everybody",
        _ => return None,
    };
    Some(why.to_owned())
}
