//! What the proxy in use and its machine can do, for the settings that translation looks at.

use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::settings::Settings;
use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::sys::socket::{AddressFamily, SockaddrLike};
use std::net::IpAddr;

/// Settings for a version of a proxy; what they say it lacks stays.
pub(crate) fn of_proxy(settings: Settings, dialect: &Dialect, version: Version) -> Settings {
    Settings {
        lacks: [&settings.lacks[..], &(dialect.lacks)(version)].concat(),
        unknown_hashes: dialect.unknown_hashes,
        time_for_hashes: dialect.time_for_hashes,
        path_limits: (dialect.path_limits)(version),
        passes_behind_headers: dialect.passes_behind_headers,
        unknown_variables: (dialect.unknown_variables)(),
        unknown_directives: (dialect.unknown_directives)(version),
        ..settings
    }
}

/// Whether any network interface has an IPv6 address, the loopback's included: where that is so, ingress-nginx listens on
/// IPv6. The containers of a Pod share their interfaces, so what is seen here holds for the proxy.
pub(crate) fn has_ipv6() -> bool {
    let is_ipv6 = |interface: InterfaceAddress| interface.address.is_some_and(|address| address.family() == Some(AddressFamily::Inet6));
    // Where the kernel does not tell, nothing is listened on that may not be there.
    getifaddrs().is_ok_and(|mut interfaces| interfaces.any(is_ipv6))
}

/// The addresses of all network interfaces; the containers of a Pod share them.
pub(crate) fn own_addresses() -> Vec<IpAddr> {
    let ip = |interface: InterfaceAddress| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
    };
    getifaddrs().into_iter().flatten().filter_map(ip).collect()
}
