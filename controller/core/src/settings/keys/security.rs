//! Switches of security.

use super::readers::{header_name, lower_case_name, not, pattern, risk_level, texts};
use super::{Filter, Guard, List, Read, Rule, config, each, set};
use crate::settings::values::{flag, networks};

pub(super) const KEYS: &[(&str, Rule)] = &[
    (
        "allow-snippet-annotations",
        Read(|draft, text| {
            let read = flag(text);
            draft.config.snippets_unknown = read.is_err();
            draft.config.reads_snippets = read?;
            Ok(())
        }),
    ),
    ("annotations-risk-level", config!(risk_level, risk_level)),
    ("allow-cross-namespace-resources", config!(shares_objects, flag)),
    ("annotation-value-word-blocklist", config!(word_blocklist, texts)),
    ("strict-validate-path-type", config!(strict_path_types, flag)),
    ("global-allowed-response-headers", List(each!(config.allowed_response_headers, partly, header_name))),
    (
        "block-cidrs",
        Guard(
            |draft, text| {
                draft.globals().blocking.addresses = networks(text)?;
                Ok(())
            },
            |config| &mut config.closed,
        ),
    ),
    ("block-user-agents", Filter(each!(config.globals.blocking.user_agents, partly_sorted, pattern))),
    ("block-referers", Filter(each!(config.globals.blocking.referers, partly_sorted, pattern))),
    ("enable-underscores-in-headers", set!(underscores_in_headers, flag)),
    ("ignore-invalid-headers", set!(invalid_headers, not)),
    ("server-tokens", set!(server_tokens, flag)),
    ("allow-backend-server-header", set!(backend_server_header, flag)),
    ("hide-headers", List(each!(config.globals.hidden_headers, partly_sorted, lower_case_name))),
];
