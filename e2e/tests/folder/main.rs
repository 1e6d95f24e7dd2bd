//! `gatewright run --manifests DIR` with real proxies, by the sections of the reference on Ingress semantics; the ids in
//! the names of tests are those of its cases.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod alike;
mod annotations;
mod availability;
mod classes;
mod client_certificates;
mod clients;
mod default_backends;
mod differences;
mod errors;
mod examples;
mod expressions;
mod external_auth;
mod fastcgi;
mod faults;
mod files;
mod forwarding;
mod framing;
mod git;
mod hosts;
mod kills;
mod last_values;
mod limits;
mod listeners;
mod literals;
mod logs;
mod maps;
mod metrics;
mod mirror;
mod modes;
mod offline;
mod origins;
mod parameters;
mod passthrough;
mod paths;
mod policies;
mod protections;
mod redirects;
mod refusals;
mod secret_files;
mod services;
mod snippets;
mod snippets_conditions;
mod snippets_headers;
mod snippets_in_use;
mod snippets_paths;
mod spread;
mod streams;
mod templates;
mod tls;
mod trial;
mod upstream_tls;
mod vacancy;
mod waits;
