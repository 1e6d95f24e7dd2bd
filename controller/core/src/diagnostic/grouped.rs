//! Which of many findings people are shown, and how many more there are of each kind.

use super::{Diagnostic, Outcome};
use std::collections::HashMap;

/// How many findings of one kind on one object people are shown one by one.
const SHOWN_OF_A_KIND: usize = 10;

/// How many of the findings of a kind are shown.
#[derive(Default)]
struct Counts {
    /// That close something and are shown.
    closing: usize,
    /// Others that are shown so far.
    others: usize,
    /// Where the last one is that is shown.
    last: Option<usize>,
    /// That are not shown so far.
    more: usize,
}

/// Which of many findings people are shown: of one object and code the first ten, before others those that close something.
/// Each with how many more of its kind there are, told with the last one that is shown.
///
/// What one setting or annotation closes is always shown: there are few of them, and each may close everything.
pub fn grouped<'f, F>(findings: &'f [F], diagnostic: impl Fn(&'f F) -> &'f Diagnostic) -> Vec<(&'f F, usize)> {
    let mut kinds: HashMap<_, Counts> = HashMap::new();
    let mut closing = vec![false; findings.len()];
    for (finding, is_shown) in findings.iter().map(&diagnostic).zip(&mut closing).filter(|(finding, _)| closes(finding)) {
        let kind = kinds.entry((&finding.object, finding.code)).or_default();
        *is_shown = kind.closing < SHOWN_OF_A_KIND || !finding.field.starts_with("spec.rules[");
        kind.closing += usize::from(*is_shown);
    }
    let mut shown = Vec::new();
    for (finding, closes) in findings.iter().zip(closing) {
        let Diagnostic { object: object @ Some(_), code, .. } = diagnostic(finding) else {
            shown.push((finding, 0));
            continue;
        };
        let kind = kinds.entry((object, *code)).or_default();
        let is_shown = closes || kind.closing + kind.others < SHOWN_OF_A_KIND;
        kind.others += usize::from(is_shown && !closes);
        if is_shown {
            kind.last = Some(shown.len());
            shown.push((finding, 0));
        } else {
            kind.more += 1;
        }
    }
    for kind in kinds.into_values() {
        if let Some(last) = kind.last {
            shown[last].1 = kind.more;
        }
    }
    shown
}

/// Whether what a finding is about is closed.
fn closes(finding: &Diagnostic) -> bool {
    finding.object.is_some() && matches!(finding.outcome, Outcome::ClosedRoute | Outcome::DeniedHost | Outcome::ClosedPort)
}

#[cfg(test)]
mod tests {
    use super::super::Code;
    use super::*;
    use crate::names::{Kind, ObjectName, ObjectRef};

    #[test]
    fn of_many_findings_of_a_kind_some_are_shown_and_all_are_counted() {
        let object = |name: &str| ObjectRef::new(Kind::Ingress, ObjectName::new("a", name).unwrap());
        let finding = |name: &str, code: Code, n: usize| Diagnostic::new(code, object(name), format!("[{n}]"), "no");
        let mut all: Vec<_> = (0..5000).map(|n| finding("many", Code::BadPath, n)).collect();
        all.insert(7, finding("few", Code::BadPath, 0));
        all.push(finding("many", Code::BadHost, 0));
        all.extend((0..20).map(|n| Diagnostic::of_input(Code::BadDocument, n.to_string())));
        let shown = grouped(&all, |finding| finding);
        assert_eq!(shown.len(), 10 + 1 + 1 + 20);
        let more: Vec<_> = shown.iter().filter(|(_, more)| *more > 0).map(|(finding, more)| (&*finding.field, *more)).collect();
        assert_eq!(more, [("[9]", 4990)], "told once, with the last one");
        assert_eq!(shown[7].0.object, Some(object("few")), "the order stays");
    }

    #[test]
    fn what_closes_something_is_shown_before_others_and_each_setting_that_does() {
        let object = ObjectRef::new(Kind::ConfigMap, ObjectName::new("a", "b").unwrap());
        let finding = |field: String| Diagnostic::new(Code::BadSetting, object.clone(), field, "no");
        let closing = |field: String| finding(field).outcome(Outcome::ClosedRoute);
        let fields = |all: &[Diagnostic]| -> Vec<String> {
            let shown = grouped(all, |finding| finding);
            assert_eq!(shown.iter().map(|(_, more)| more).sum::<usize>() + shown.len(), all.len());
            assert_eq!(shown.iter().rposition(|(_, more)| *more > 0).unwrap_or(shown.len() - 1), shown.len() - 1, "told with the last one");
            shown.into_iter().map(|(finding, _)| finding.field.clone()).collect()
        };
        let mut all: Vec<_> = (0..27).map(|n| finding(format!("data[k{n}]"))).collect();
        all.push(closing("data[whitelist-source-range]".to_owned()));
        let shown = fields(&all);
        assert_eq!((shown.len(), &*shown[8], &*shown[9]), (10, "data[k8]", "data[whitelist-source-range]"));
        let settings: Vec<_> = (0..20).map(|n| closing(format!("data[k{n}]"))).collect();
        assert_eq!(fields(&settings).len(), 20, "each may close everything");
        let paths: Vec<_> = (0..20).map(|n| closing(format!("spec.rules[0].http.paths[{n}].backend"))).collect();
        assert_eq!(fields(&paths).len(), 10);
    }
}
