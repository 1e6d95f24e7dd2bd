//! Why something could not be done, for people.

use std::io;

/// Why a path cannot be read.
pub(crate) fn of_path(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        _ => error.to_string(),
    }
}

/// What would do about a path that cannot be read.
pub(crate) const UNREADABLE: &str = "see whether it is there and may be read";

/// The error with its causes, in one line; those that its text names already are left out.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
