//! A Kubernetes control plane of its own: real etcd, real kube-apiserver, simulated pods, and the controller with the
//! manifests that are shipped, each in processes, in a network namespace where every address of 10.244.0.0/16 is local.

mod api;
mod audit;
mod certificates;
mod chart;
mod controller;
mod http;
mod images;
mod install;
mod objects;
mod pod;
mod pods;
mod sockets;
mod space;
mod volume;
mod wait;
mod world;

pub use audit::{Asked, Audit};
pub use certificates::Authority;
pub use chart::{Chart, permissions, printed};
pub use controller::{Controller, free_port, program};
pub use http::{Answer, get, get_tls, post_tls};
pub use images::Images;
pub use install::{Install, Setup, cluster_rules, deployment, documents};
pub use objects::{app, ingress, key_pair_secret, slice};
pub use pod::Pod;
pub use sockets::Socket;
use space::Space;
pub use wait::{eventually, holds_for};
pub use world::{Ended, World};
