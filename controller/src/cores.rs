//! How much can be done side by side here.

use gatewright_core::cores::Cores;

/// All cores that this process may use.
pub(crate) fn all() -> Cores {
    std::thread::available_parallelism().map(Cores::from).unwrap_or_default()
}
