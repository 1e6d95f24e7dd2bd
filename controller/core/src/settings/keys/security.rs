//! Switches of security.

use super::readers::{header_names, lower_case_names, not, patterns, risk_level, texts};
use super::{Read, Rule, config, filter, guard, set};
use crate::settings::values::{flag, networks};

pub(super) const KEYS: &[(&str, Rule)] = &[
    ("allow-snippet-annotations", config!(reads_snippets, flag)),
    ("annotations-risk-level", config!(risk_level, risk_level)),
    ("allow-cross-namespace-resources", config!(shares_objects, flag)),
    ("annotation-value-word-blocklist", config!(word_blocklist, texts)),
    ("strict-validate-path-type", config!(strict_path_types, flag)),
    ("global-allowed-response-headers", config!(allowed_response_headers, header_names)),
    ("block-cidrs", guard!(blocking.addresses, networks)),
    ("block-user-agents", filter!(blocking.user_agents, patterns)),
    ("block-referers", filter!(blocking.referers, patterns)),
    ("enable-underscores-in-headers", set!(underscores_in_headers, flag)),
    ("ignore-invalid-headers", set!(invalid_headers, not)),
    ("server-tokens", set!(server_tokens, flag)),
    ("allow-backend-server-header", set!(backend_server_header, flag)),
    ("hide-headers", set!(hidden_headers, lower_case_names)),
];
