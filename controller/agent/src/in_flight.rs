//! How many questions may wait for one service: one that hangs leaves places for the others.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Questions under way, by the addresses that they go to.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<HashMap<Vec<SocketAddr>, usize>>);

/// A question under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlightGuard<'s> {
    in_flight: &'s InFlight,
    addresses: &'s [SocketAddr],
}

impl InFlight {
    /// One for a question to these addresses, as long as fewer are under way to them than there are `free` places: so one
    /// that hangs takes half of all, and however many hang, some places are left.
    pub(crate) fn take<'s>(&'s self, addresses: &'s [SocketAddr], free: usize) -> Option<InFlightGuard<'s>> {
        let mut all = self.all();
        match all.get_mut(addresses) {
            Some(count) if *count >= free => return None,
            Some(count) => *count += 1,
            None => _ = all.insert(addresses.to_vec(), 1),
        }
        Some(InFlightGuard { in_flight: self, addresses })
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Vec<SocketAddr>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        let mut all = self.in_flight.all();
        match all.get_mut(self.addresses) {
            Some(count) if *count > 1 => *count -= 1,
            _ => _ = all.remove(self.addresses),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_hangs_leaves_places_for_others() {
        const PLACES: usize = 64;
        let (in_flight, services) = (InFlight::default(), [80, 81, 82].map(|port| [SocketAddr::from(([10, 0, 0, 1], port))]));
        let mut taken = Vec::new();
        for service in &services {
            // Each question has its place before it is seated.
            while let Some(guard) = in_flight.take(service, PLACES - taken.len() - 1) {
                taken.push(guard);
            }
        }
        let of = |service: &[SocketAddr]| taken.iter().filter(|guard| guard.addresses == service).count();
        assert_eq!(services.each_ref().map(|service| of(service)), [32, 16, 8]);
        taken.truncate(16);
        assert!(in_flight.take(&services[1], PLACES - 17).is_some(), "what has ended makes room");
        drop(taken);
        assert!(in_flight.all().is_empty());
    }
}
