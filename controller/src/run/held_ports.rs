//! Ports of TCP and UDP services that another process holds. A proxy that is told to listen there fails to load as a whole, and
//! its own check does not see it: so such a port is left out, and looked at again and again until it is free.

use super::Controller;
use crate::proxy::is_in_use;
use gatewright_core::model::{Listeners, Model, Transport};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

/// Between two looks at those that are left out.
const PACE: Duration = Duration::from_secs(5);

type Ports = BTreeSet<(Transport, u16)>;

/// What is known of the ports.
#[derive(Debug, Default)]
pub(super) struct HeldPorts {
    /// Those that the proxy listens on by now. `None`: nobody knows, since it may run from before.
    own: Option<Ports>,
    /// Where the last candidate listens.
    listeners: Listeners,
}

impl HeldPorts {
    /// The proxy has taken this.
    pub(super) fn accept(&mut self, model: &Model) {
        self.own = Some(model.streams.keys().copied().collect());
    }

    /// Those of a candidate that cannot be had, before it is tried: where the proxy may listen by itself, nobody can say.
    pub(super) fn before(&mut self, model: &Model) -> Ports {
        if self.own.is_some() { self.after(model) } else { Ports::new() }
    }

    /// The same after it has failed, when the proxy is back where it was.
    pub(super) fn after(&mut self, model: &Model) -> Ports {
        self.listeners.clone_from(&model.globals.listeners);
        let is_own = |port: &&(Transport, u16)| self.own.as_ref().is_some_and(|own| own.contains(*port));
        model.streams.keys().filter(|port| !is_own(port) && is_held(**port, &self.listeners)).copied().collect()
    }

    /// Those of some that are still held.
    pub(super) fn still(&self, taken: &Ports) -> Ports {
        taken.iter().copied().filter(|port| is_held(*port, &self.listeners)).collect()
    }
}

impl Controller {
    /// Takes those that are free again.
    pub(super) fn look_at_held_ports(&mut self) {
        self.ports_at = Instant::now() + PACE;
        let still = self.held_ports.still(&self.maker.settings.taken_ports);
        if still != self.maker.settings.taken_ports {
            self.maker.settings.taken_ports = still;
            self.mark("a port is free again".to_owned());
        }
    }

    /// Leaves these out; whether there are any.
    pub(super) fn leave_out(&mut self, held: Ports) -> bool {
        let some = !held.is_empty();
        self.maker.settings.taken_ports.extend(held);
        self.ports_at = Instant::now() + PACE;
        some
    }
}

fn is_held((transport, port): (Transport, u16), listeners: &Listeners) -> bool {
    let everywhere = [Some(IpAddr::from(Ipv4Addr::UNSPECIFIED)), listeners.ipv6.then(|| Ipv6Addr::UNSPECIFIED.into())];
    let everywhere = everywhere.into_iter().flatten().filter(|_| listeners.addresses.is_empty());
    let mut addresses = listeners.addresses.iter().copied().chain(everywhere);
    addresses.any(|address| is_in_use(SocketAddr::from((address, port)), transport == Transport::Udp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    #[test]
    fn a_port_is_held_while_somebody_listens_there() {
        let ports = HeldPorts::default();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let taken = Ports::from([(Transport::Tcp, tcp.local_addr().unwrap().port()), (Transport::Udp, udp.local_addr().unwrap().port())]);
        assert_eq!([ports.still(&taken), ports.still(&taken)], [taken.clone(), taken.clone()]);
        drop((tcp, udp));
        assert_eq!([ports.still(&taken), ports.still(&taken)], [Ports::new(), Ports::new()], "looking takes nothing");
    }
}
