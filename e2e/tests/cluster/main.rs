//! The controller against a real API server, with the roles that are shipped, and a real nginx.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chart;
mod classes;
mod events;
mod guides;
mod objects;
mod outage;
mod parameters;
mod scope;
mod shipped;
mod status;
mod tls;
