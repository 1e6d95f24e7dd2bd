//! One source out of two: one that tells everything but Secrets, and one that tells nothing else.

use super::{Input, Located};
use gatewright_core::diagnostic::{Code, Diagnostic};
use gatewright_core::names::{Kind, ObjectName};
use gatewright_core::state::Event;
use std::collections::BTreeSet;
use tokio::sync::mpsc;

/// Passes on what both say, until one of them ends or nobody listens.
pub(super) async fn run(mut objects: mpsc::Receiver<Input>, mut secrets: mpsc::Receiver<Input>, out: mpsc::Sender<Input>) {
    let mut both = Both::default();
    loop {
        let (side, input) = tokio::select! {
            input = objects.recv() => (OBJECTS, input),
            input = secrets.recv() => (SECRETS, input),
        };
        let Some(input) = input else { return };
        for input in both.take(side, input) {
            if out.send(input).await.is_err() {
                return;
            }
        }
    }
}

const OBJECTS: usize = 0;
const SECRETS: usize = 1;

/// What each of two has said last.
#[derive(Debug, Default)]
struct Both {
    problems: [Vec<Located>; 2],
    waiting: [Vec<String>; 2],
    untold: [bool; 2],
    complete: [bool; 2],
    /// Secrets that the wrong one has told of.
    left_out: BTreeSet<ObjectName>,
}

impl Both {
    fn take(&mut self, side: usize, input: Input) -> Vec<Input> {
        match input {
            Input::Changed(events) if side == OBJECTS => self.without_secrets(events),
            Input::Problems(problems) => {
                self.problems[side] = problems;
                vec![self.all_problems()]
            }
            Input::Waiting(waiting) => {
                self.waiting[side] = waiting;
                vec![Input::Waiting(self.waiting.concat())]
            }
            Input::Untold(untold) => {
                self.untold[side] = untold;
                vec![Input::Untold(self.untold.contains(&true))]
            }
            Input::Complete => {
                self.complete[side] = true;
                self.waiting[side].clear();
                vec![if self.complete == [true; 2] { Input::Complete } else { Input::Waiting(self.waiting.concat()) }]
            }
            other => vec![other],
        }
    }

    /// Of an object there is one version: nobody could tell whose is meant.
    fn without_secrets(&mut self, events: Vec<Event>) -> Vec<Input> {
        let before = self.left_out.len();
        let mut kept = Vec::with_capacity(events.len());
        for event in events {
            match &event {
                Event::Applied(object) if object.reference().kind == Kind::Secret => _ = self.left_out.insert(object.reference().name),
                Event::Deleted(object) if object.kind == Kind::Secret => _ = self.left_out.remove(&object.name),
                _ => kept.push(event),
            }
        }
        let problems = (self.left_out.len() != before).then(|| self.all_problems());
        std::iter::once(Input::Changed(kept)).chain(problems).collect()
    }

    fn all_problems(&self) -> Input {
        let left_out = left_out(self.left_out.len()).map(|diagnostic| Located { diagnostic, place: None });
        Input::Problems(self.problems.concat().into_iter().chain(left_out).collect())
    }
}

/// What is said of Secrets that come from elsewhere than they should.
pub(super) fn left_out(count: usize) -> Option<Diagnostic> {
    let what = if count == 1 { "1 Secret is".to_owned() } else { format!("{count} Secrets are") };
    let message = format!("{what} left out: all Secrets are those of --secrets-from");
    (count > 0).then(|| Diagnostic::of_input(Code::UnservedKind, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewright_core::names::ObjectRef;
    use gatewright_core::state::decode;
    use serde_json::json;

    fn applied(kind: &str, name: &str) -> Event {
        let object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "a"}});
        Event::Applied(decode(object).unwrap().unwrap())
    }

    /// What is passed on, in short.
    fn shown(inputs: &[Input]) -> Vec<String> {
        let names = |events: &[Event]| events.iter().map(|event| format!("{event:?}")[..9].to_owned()).collect::<Vec<_>>().join(" ");
        let short = |input: &Input| match input {
            Input::Changed(events) => format!("changed {} {}", events.len(), names(events)),
            Input::Problems(problems) => format!("problems {:?}", problems.iter().map(|p| &*p.diagnostic.message).collect::<Vec<_>>()),
            other => format!("{other:?}"),
        };
        inputs.iter().map(short).collect()
    }

    #[test]
    fn it_is_complete_when_both_are_and_waits_for_either() {
        let mut both = Both::default();
        let mut take = |side, input| shown(&both.take(side, input));
        assert_eq!(take(OBJECTS, Input::Waiting(vec!["a list".to_owned()])), [r#"Waiting(["a list"])"#]);
        assert_eq!(take(SECRETS, Input::Waiting(vec!["a folder".to_owned()])), [r#"Waiting(["a list", "a folder"])"#]);
        assert_eq!(take(SECRETS, Input::Untold(true)), ["Untold(true)"]);
        assert_eq!(take(OBJECTS, Input::Untold(false)), ["Untold(true)"]);
        assert_eq!(take(SECRETS, Input::Complete), [r#"Waiting(["a list"])"#]);
        assert_eq!(take(OBJECTS, Input::Complete), ["Complete"]);
        assert_eq!(take(SECRETS, Input::Untold(false)), ["Untold(false)"]);
    }

    #[test]
    fn secrets_are_those_of_the_one_that_is_there_for_them() {
        let mut both = Both::default();
        let found = Located { diagnostic: Diagnostic::of_input(Code::BadDocument, "odd"), place: None };
        assert_eq!(shown(&both.take(SECRETS, Input::Problems(vec![found]))), [r#"problems ["odd"]"#]);
        assert_eq!(shown(&both.take(SECRETS, Input::Changed(vec![applied("Secret", "pair")]))), ["changed 1 Applied(S"]);
        let said = shown(&both.take(OBJECTS, Input::Changed(vec![applied("Secret", "pair"), applied("Service", "web")])));
        assert!(said[0].starts_with("changed 1") && said[1].contains("odd") && said[1].contains("1 Secret is left out"), "{said:?}");
        let gone = ObjectRef::new(Kind::Secret, ObjectName::new("a", "pair").unwrap());
        assert_eq!(shown(&both.take(OBJECTS, Input::Changed(vec![Event::Deleted(gone)]))), ["changed 0 ", r#"problems ["odd"]"#]);
    }
}
