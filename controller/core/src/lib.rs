//! Gatewright's pure half: what the cluster says goes in, the files of a proxy come out.
//!
//! ```text
//! state ──▶ translate ──▶ model ──▶ render (Tera, through a dialect) ──▶ FileSet
//! ```
//!
//! | room | holds | may use |
//! |---|---|---|
//! | [`names`] | checked names and texts | nothing of ours |
//! | [`cores`] | work side by side | nothing of ours |
//! | [`diagnostic`], [`settings`], [`model`] | "this object is wrong"; what the operator asked for; what the proxy shall do | `names` |
//! | [`state`] | what the cluster says | `names`, `model`, `diagnostic` |
//! | [`lint`] | what is odd about an object as it is written | `diagnostic`, `names` |
//! | [`translate`] | state → model and diagnostics | `state`, `model`, `diagnostic`, `settings`, `names`, `cores` |
//! | [`compare`] | what two inputs do differently with traffic | `state`, `model`, `names`, `settings`, `translate` |
//! | [`explain`] | what happens to one request, and why | `model`, `names` |
//! | [`review`] | what is odd about a translated input as a whole | `state`, `model`, `diagnostic`, `names` |
//! | [`dialect`] | all that is special about one proxy, as data | `model`, `names` |
//! | [`render`] | model and dialect → files | `model`, `dialect`, `names`, `cores` |
//!
//! Rules that hold everywhere in here, each kept by a test:
//!
//! - **Pure.** Values in, values out: no file, socket, process, clock, environment or log line.
//! - **Total.** Nothing an object can hold makes a function fail or panic; what is wrong becomes a
//!   [`diagnostic::Diagnostic`] and costs the smallest thing that is broken.
//! - **Deterministic.** Equal states give equal bytes, in whatever order the objects came.
//! - **Typed text.** A string of a user is parsed into a type of [`names`] before it reaches the
//!   model, and only a dialect's word printer writes it into a file.

pub mod compare;
pub mod cores;
pub mod diagnostic;
pub mod dialect;
pub mod explain;
pub mod lint;
pub mod model;
pub mod names;
pub mod render;
pub mod review;
pub mod settings;
pub mod state;
pub mod translate;
