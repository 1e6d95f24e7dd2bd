//! `gatewright run --manifests DIR` with real proxies, by the sections of the reference on Ingress semantics; the ids in
//! the names of tests are those of its cases.

mod hosts;
