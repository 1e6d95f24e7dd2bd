//! What the tests with real proxies are made of: worlds of their own, backends, clients, and words for manifests.
//!
//! ```text
//! test ── Site ──▶ World: a network namespace, a folder of manifests, `gatewright run`, a real proxy
//!   │                 │
//!   └─ client         └─ echo: every address of 10.244.0.0/16 is a pod
//! ```
//!
//! A [`world::World`] is a network namespace, so ports never clash and tests run side by side. Whatever runs in it is
//! ended when the world is dropped, and when the tests are killed. Tests that only need hosts of their own share one
//! world per proxy and have a [`site::Site`] in it.

pub mod budget;
pub mod client;
pub mod cluster;
pub mod echo;
pub mod fastcgi;
pub mod grpc;
mod hello;
pub mod http1;
pub mod http2;
pub mod load;
pub mod manifest;
pub mod many;
pub mod net;
pub mod proxies;
pub mod site;
pub mod steps;
pub mod tls;
pub mod tls_pod;
pub mod wait;
pub mod websocket;
pub mod world;
