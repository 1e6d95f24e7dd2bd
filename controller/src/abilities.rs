//! What the proxy in use can do, for the settings that translation looks at.

use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::settings::Settings;

/// Settings for a version of a proxy; what they say it lacks stays.
pub(crate) fn of_proxy(settings: Settings, dialect: &Dialect, version: Version) -> Settings {
    Settings {
        lacks: [&settings.lacks[..], &(dialect.lacks)(version)].concat(),
        unknown_hashes: dialect.unknown_hashes,
        blanks_in_paths: dialect.blanks_in_paths,
        passes_behind_headers: dialect.passes_behind_headers,
        unknown_variables: (dialect.unknown_variables)(),
        unknown_directives: (dialect.unknown_directives)(version),
        ..settings
    }
}
