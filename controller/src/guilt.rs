//! Who is to blame for what may not stand in a file. `run` and the commands that look once find it the same way.

use futures::FutureExt;
use gatewright_core::names::{ObjectName, ObjectRef};
use gatewright_core::render::RenderError;
use gatewright_core::state::{Ingress, Snapshot};
use gatewright_core::translate::admission::hosts;
use std::collections::HashSet;
use std::sync::Arc;

/// The Ingresses that share a host with one, itself among them: texts of all of them can stand in its blocks.
pub(crate) fn around(snapshot: &Snapshot, one: &ObjectName) -> Vec<Arc<Ingress>> {
    let Some(own) = snapshot.ingress(one) else { return Vec::new() };
    let of_own: HashSet<&str> = hosts(own).collect();
    snapshot.ingresses_oldest_first().filter(|other| hosts(other).any(|host| of_own.contains(host))).cloned().collect()
}

/// Who of these is to blame for a line in the block of an Ingress: itself, or another one of its hosts that has a say there,
/// without which the blocks of all `around` it are fine. `rendered` tries it without some.
pub(crate) fn of_line(
    origin: &ObjectRef,
    around: &[Arc<Ingress>],
    suspects: Vec<Arc<Ingress>>,
    mut rendered: impl FnMut(&[Arc<Ingress>]) -> Result<(), Option<ObjectRef>>,
) -> Option<Arc<Ingress>> {
    let mut is_mended = |aside: &[Arc<Ingress>]| match rendered(aside) {
        Ok(()) => true,
        Err(Some(elsewhere)) => !around.iter().any(|ingress| ingress.meta.name == elsewhere.name),
        Err(None) => false,
    };
    let named = suspects.iter().find(|suspect| suspect.meta.name == origin.name);
    let named = named.filter(|named| is_mended(std::slice::from_ref(*named))).cloned();
    named.or_else(|| halve(suspects, async |aside| Some(is_mended(aside))).now_or_never().flatten())
}

/// In whose block our own check has found what may not stand there.
pub(crate) fn block_of(error: &RenderError) -> Option<&ObjectRef> {
    if let RenderError::Grammar { origin, .. } = error { origin.as_ref() } else { None }
}

/// The one without which all is well, in about log₂ n steps. `is_well`: whether it is without these; `None`: nobody can say.
pub(crate) async fn halve<S: Clone>(suspects: Vec<S>, mut is_well: impl AsyncFnMut(&[S]) -> Option<bool>) -> Option<S> {
    if suspects.is_empty() || !is_well(&suspects).await? {
        // Without any of them it is refused too: it is not theirs.
        return None;
    }
    // Always: without `out` and `suspects` together it is taken, and one of `suspects` is to blame.
    let (mut out, mut suspects) = (Vec::new(), suspects);
    while suspects.len() > 1 {
        let back = suspects.split_off(suspects.len() / 2);
        let aside = [out.as_slice(), suspects.as_slice()].concat();
        if !is_well(&aside).await? {
            out = aside;
            suspects = back;
        }
    }
    suspects.pop()
}
