//! TCP and UDP services.

use super::{NoEffect, Rule, STREAM};

pub(super) const KEYS: &[(&str, Rule)] = &[
    ("proxy-stream-timeout", NoEffect(STREAM)),
    ("proxy-stream-next-upstream", NoEffect(STREAM)),
    ("proxy-stream-next-upstream-timeout", NoEffect(STREAM)),
    ("proxy-stream-next-upstream-tries", NoEffect(STREAM)),
    ("proxy-stream-responses", NoEffect(STREAM)),
];
