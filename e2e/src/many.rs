//! Clusters of any size, for benches: Ingresses with a host, two paths and a Service of ten endpoints each; every second
//! one with a certificate of its own.

use crate::manifest::{IngressWords, ingress, secret, service, slice};
use crate::tls::Pair;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};

/// Endpoints of each Service.
pub const ENDPOINTS: usize = 10;

/// The host of an Ingress.
#[must_use]
pub fn host(number: usize) -> String {
    format!("{}.many.test", name(number))
}

/// The name of an Ingress, its Service and its Secret.
#[must_use]
pub fn name(number: usize) -> String {
    format!("n{number}")
}

/// Whether an Ingress has a certificate.
#[must_use]
pub fn has_certificate(number: usize) -> bool {
    number.is_multiple_of(2)
}

/// Where a Service's endpoints are said to be. Services may share some, and nobody is there.
pub fn endpoints(number: usize) -> impl Iterator<Item = IpAddr> {
    (0..ENDPOINTS).map(move |endpoint| {
        let [.., high, low] = (number * ENDPOINTS + endpoint).to_be_bytes();
        Ipv4Addr::new(10, 244, high, low).into()
    })
}

/// The objects of an Ingress.
#[must_use]
pub fn objects(number: usize) -> Vec<Value> {
    let (name, host) = (name(number), host(number));
    let pods: Vec<IpAddr> = endpoints(number).collect();
    let routes = ingress(&name).prefix(&host, "/", &name).prefix(&host, "/api", &name);
    let mut objects = vec![service(&name), slice(&name, &pods)];
    if has_certificate(number) {
        objects.extend([routes.tls(&[&host], &name), secret(&name, &Pair::new(&[&host]))]);
    } else {
        objects.push(routes);
    }
    objects
}

/// A manifest of so many, in as few bytes as possible.
#[must_use]
pub fn manifest(size: usize) -> String {
    (0..size).flat_map(objects).map(|object| format!("---\n{object}\n")).collect()
}
