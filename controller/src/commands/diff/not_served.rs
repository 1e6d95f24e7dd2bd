//! Ingresses that are in no comparison because of their class or namespace.

use crate::commands::not_read::Others;
use crate::source::input::World;
use gatewright_core::translate::Translation;

/// How many there are on either side.
pub(super) struct NotServed {
    pub(super) old: Others,
    pub(super) new: Others,
    /// Neither side has an Ingress that is looked at.
    pub(super) is_all: bool,
}

/// What takes them.
const FLAGS: [&str; 2] =
    ["--controller-class, --ingress-class or --watch-ingress-without-class", "--watch-namespace or --watch-namespace-selector"];

impl NotServed {
    pub(super) fn of((old, before): (&World, &Translation), (new, after): (&World, &Translation)) -> Self {
        let (old, new) = (Others::of(old, before), Others::of(new, after));
        let is_any = old != Others::default() || new != Others::default();
        Self { old, new, is_all: is_any && before.served.is_empty() && after.served.is_empty() }
    }

    /// A sentence for each reason.
    pub(super) fn sentences(&self) -> impl Iterator<Item = String> {
        let reasons = self.old.by_reason().into_iter().zip(self.new.by_reason()).zip(FLAGS);
        reasons.filter_map(|(((old, what), (new, _)), flags)| {
            let plural = if old.max(new) == 1 { "" } else { "es" };
            let amount = match (old, new) {
                (0, 0) => return None,
                _ if old == new => format!("{old} Ingress{plural} {what}"),
                _ => format!("Ingress{plural} {what}, {old} before and {new} afterwards"),
            };
            Some(format!("{amount}; {flags} takes them, and lint says which"))
        })
    }
}
