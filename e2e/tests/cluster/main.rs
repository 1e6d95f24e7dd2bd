//! The controller against a real API server, with the roles that are shipped, and real proxies.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Mutex, MutexGuard, PoisonError};

mod admission;
mod chart;
mod classes;
mod conformance;
mod diff;
mod events;
mod guides;
mod lint;
mod names;
mod network;
mod nonsense;
mod objects;
mod outage;
mod parameters;
mod permissions;
mod refused;
mod release;
mod scaling;
mod scope;
mod secrets;
mod shipped;
mod status;
mod tls;
mod values;

/// Held by who makes a default class, and by who needs that new Ingresses get none.
fn default_class() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}
