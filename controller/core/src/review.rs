//! What is odd about a translated input as a whole, for the commands that read it once: routes that no request reaches, hosts of
//! TLS sections that nobody serves.
//!
//! Nothing here decides what is served, and a controller, which looks at everything again and again, does not ask for it.

mod reach;
mod tls_hosts;

use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::state::Ingress;
use std::sync::Arc;

/// Looks at what was made of these Ingresses.
#[must_use]
pub fn review(model: &Model, served: &[Arc<Ingress>]) -> Vec<Diagnostic> {
    let mut findings = reach::unreached(model, served);
    findings.extend(tls_hosts::unserved(model, served));
    findings
}
