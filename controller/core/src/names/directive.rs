//! Directives of nginx that are refused in every snippet, raw ones included: those that reach files or run code.

/// Parts of names.
const PARTS: &[&str] = &["_crl", "_file", "_log", "_module", "_path", "_store", "certificate", "lua", "perl"];
/// Beginnings of names.
const BEGINNINGS: &[&str] = &["autoindex", "dav_", "image_filter", "js_", "random_index", "ssi", "ssl_", "xslt_"];
/// Whole names. Where the rewriting of a request is changed or ended, or in a location inside, nothing may be left to answer but
/// files.
const NAMES: &[&str] =
    &["alias", "break", "if", "include", "index", "listen", "location", "rewrite", "root", "server_name", "set", "try_files"];

/// Whether a directive reads files, writes them or runs code, or makes others do so: `security.md` 4.
#[must_use]
pub fn touches_files_or_runs_code(name: &str) -> bool {
    NAMES.contains(&name) || PARTS.iter().any(|part| name.contains(part)) || BEGINNINGS.iter().any(|begin| name.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_to_files_is_known_however_it_is_named() {
        for name in ["location", "rewrite", "dav_methods", "proxy_ssl_crl", "xslt_stylesheet", "ssi", "access_log", "ssl_key", "break"] {
            assert!(touches_files_or_runs_code(name), "{name}");
        }
        for name in ["charset", "limit_except", "proxy_read_timeout", "allow", "gzip_min_length"] {
            assert!(!touches_files_or_runs_code(name), "{name}");
        }
    }
}
