//! `allow` and `deny`.

use crate::model::SourceRanges;
use ipnet::IpNet;

/// nginx takes the first rule that an address is in; ours are addresses that are denied, then those that alone are allowed.
///
/// # Errors
/// With the number of the rule that does not fit behind those before it, and why.
pub(super) fn sources(rules: &[(bool, Option<IpNet>)]) -> Result<Option<SourceRanges>, (usize, String)> {
    let mut rest = rules;
    let mut take = |allows: bool| {
        let count = rest.iter().take_while(|(own, range)| *own == allows && range.is_some()).count();
        let (taken, behind) = rest.split_at(count);
        rest = behind;
        let mut ranges: Vec<IpNet> = taken.iter().filter_map(|(_, range)| *range).collect();
        ranges.sort_unstable();
        ranges.dedup();
        ranges
    };
    let (mut denied, allowed) = (take(false), take(true));
    match (rest, allowed.is_empty()) {
        ([] | [(true, None)], true) => {}
        ([(false, None)], true) => denied = SourceRanges::everybody().to_vec(),
        ([(false, None)], false) => {}
        _ => {
            let first = (rules.len() - rest.len()).min(rules.len() - 1);
            return Err((first, "allow and deny are read in one order only: deny some, allow some, deny all".to_owned()));
        }
    }
    Ok((!denied.is_empty() || !allowed.is_empty()).then_some(SourceRanges { denied, allowed }))
}
