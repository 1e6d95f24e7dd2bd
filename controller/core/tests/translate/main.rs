//! Whole translations, by the case ids of the Ingress semantics: objects in, a readable picture of the model out.

#![allow(
    clippy::unwrap_used,
    clippy::type_complexity,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may do all that, and fails by panicking"
)]

mod admission;
mod backends;
mod broken;
mod canaries;
mod edits;
mod empty_values;
mod endpoints;
mod expressions;
mod hosts;
mod keys;
mod last_values;
mod memory;
mod names;
mod others;
mod protections;
mod shut;
mod snippets;
mod world;
