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
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !plain || touches_files_or_runs_code(name) {
        return Err("it reads files, writes them or runs code, and is refused to everybody".to_owned());
    }
    let block = directive.block.as_ref().map(|block| block.iter().map(of).collect::<Result<Vec<_>, _>>()).transpose()?;
    Ok(RawDirective { name: name.to_owned(), words: directive.arguments.clone(), block })
}
