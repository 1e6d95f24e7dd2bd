//! Which Secrets are named: those of the Ingresses and settings of inputs, found as a controller finds them.

use crate::args::{OfflineConfig, ProxyChoice, RbacConfig};
use crate::commands::error::CommandError;
use crate::commands::not_read::say_left_out;
use crate::commands::offline::Session;
use crate::source::manifests::Purpose;
use gatewright_core::names::ObjectName;
use std::collections::BTreeSet;

/// Reads inputs; what cannot be read of them is said.
pub(super) fn named(config: &RbacConfig, inputs: &[String]) -> Result<BTreeSet<ObjectName>, CommandError> {
    let run = &config.run;
    let (settings, cluster) = (run.settings.clone(), run.cluster.clone());
    // They are of the machine that runs it, and decide no Secret.
    let proxy = ProxyChoice { is_program_typed: false, templates: None, ..run.proxy.clone() };
    let offline = OfflineConfig { settings, proxy, version: None, secrets_from: None, cluster };
    let session = Session::new(&offline)?;
    let mut world = session.read(inputs, Purpose::Once)?.needs_ingresses()?;
    if let Some(nothing) = world.nothing_found(inputs).first() {
        return Err(CommandError::NothingFound(nothing.diagnostic.message.clone()));
    }
    let translation = session.translate(&mut world)?;
    say_left_out(inputs, &world, &translation);
    Ok(translation.wanted.secrets.iter().cloned().collect())
}
