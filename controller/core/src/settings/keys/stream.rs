//! TCP and UDP services.

use super::{Read, Rule, set};
use crate::settings::values::{flag, number, seconds};

pub(super) const KEYS: &[(&str, Rule)] = &[
    ("proxy-stream-timeout", set!(streams.timeout_s, seconds)),
    ("proxy-stream-next-upstream", set!(streams.tries_others, flag)),
    ("proxy-stream-next-upstream-timeout", set!(streams.tries_timeout_s, seconds)),
    ("proxy-stream-next-upstream-tries", set!(streams.tries, number)),
    ("proxy-stream-responses", set!(streams.responses, number)),
];
