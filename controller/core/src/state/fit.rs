//! Takes the parts of an object that have the wrong type out of it before it is read, so that each costs itself and
//! nothing more.
//!
//! The API server refuses such objects as a whole, so only files hold them.

mod texts;

use super::secret;
use crate::diagnostic::Outcome;
use crate::names::shown;
use serde_json::{Map, Value};
use std::net::IpAddr;
use texts::{help, message};

pub use texts::name_of_type;

/// What a value has to be.
#[derive(Debug)]
pub(super) enum Shape {
    /// Whatever it is.
    Any,
    /// A text.
    Text,
    /// An IP address.
    Address,
    /// The same, or this word; an empty text stands for the default.
    AddressOr(&'static str),
    /// One of these texts; an empty one stands for the default.
    Word(&'static [&'static str]),
    /// A point in time, as RFC 3339 writes it.
    Time,
    /// True or false.
    Bool,
    /// A whole number between two bounds, both included.
    Number(i64, i64),
    /// A text, or a number of a port.
    NameOrPort,
    /// A mapping of texts in base64; others stay where they are, and what they are is not told.
    Encoded,
    /// The same of texts as they are.
    Hidden,
    /// A mapping of texts; other values are taken as JSON writes them, so that a protection among them is not lost.
    Printed,
    /// A mapping with these fields, and others that nobody reads.
    Fields(&'static [(&'static str, Self)]),
    /// The same; this field has to be there.
    With(&'static str, &'static [(&'static str, Self)]),
    /// A list.
    List(&'static Self),
    /// The same; what has no items does not fit.
    Filled(&'static Self),
    /// A list; items that do not fit are left out.
    Parts(&'static Self, Outcome),
    /// A list; nothing stands in the place of items that do not fit, so that the others keep their index.
    Places(&'static Self, Outcome),
    /// It is left out where it does not fit.
    Own(&'static Self, Outcome),
    /// The same of a part that says what the object is for: a version of the object in which it fits is better.
    Vital(&'static Self, Outcome),
    /// The same of a list, in whose place stands one with a place for what does not fit.
    VitalList(&'static Self, Outcome),
}

/// A part of an object that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field, such as `spec.rules[0].http.paths[1].backend.service.port.number`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
    /// What would do; may be empty.
    pub help: String,
    /// What was done instead.
    pub outcome: Outcome,
    /// A version of the object without this fault is better than one with it.
    pub is_vital: bool,
}

/// Takes out what does not fit, and null, which is as good as nothing for the API server.
///
/// # Errors
/// When something does not fit without which the object is not to be read at all: that first, then everything else.
pub(super) fn fit(object: &mut Value, shape: &Shape) -> Result<Vec<Fault>, Vec<Fault>> {
    let mut walk = Walk { way: Vec::new(), faults: Vec::new(), further: Vec::new() };
    match walk.fit(object, shape) {
        Ok(()) => Ok(walk.faults),
        Err(fault) => Err(std::iter::once(fault).chain(walk.further).chain(walk.faults).collect()),
    }
}

enum Step {
    Field(&'static str),
    Key(String),
    Index(usize),
}

struct Walk {
    way: Vec<Step>,
    faults: Vec<Fault>,
    /// What else does not fit of a part that is left out anyway; it costs what that costs.
    further: Vec<Fault>,
}

impl Walk {
    /// The depth of recursion is bounded by that of the shape.
    fn fit(&mut self, value: &mut Value, shape: &Shape) -> Result<(), Fault> {
        if self.own(value, shape) {
            return Ok(());
        }
        match (shape, &mut *value) {
            (Shape::Filled(_), Value::Array(items)) if items.is_empty() => {
                Err(self.fault("the list is empty".to_owned(), "write '- ' and an item into it".to_owned()))
            }
            (Shape::Filled(shape), value) => self.fit(value, shape),
            (_, Value::Null) => Ok(()),
            (Shape::Fields(fields), Value::Object(map)) => self.fields(map, fields),
            (Shape::With(needed, fields), Value::Object(map)) => {
                self.fields(map, fields)?;
                if map.contains_key(*needed) { Ok(()) } else { Err(self.fault(format!("it has no {needed}"), format!("add {needed}"))) }
            }
            (Shape::Encoded | Shape::Hidden, value) => {
                self.hidden(value, matches!(shape, Shape::Encoded));
                Ok(())
            }
            (Shape::Printed, Value::Object(map)) => {
                while let Some(fault) = self.texts(map) {
                    self.faults.push(Fault { outcome: Outcome::Served, ..fault });
                }
                Ok(())
            }
            (Shape::List(_) | Shape::Parts(..) | Shape::Places(..), Value::Array(items)) => self.items(items, shape),
            (_, value) if is(value, shape) => Ok(()),
            (_, value) => Err(self.fault(message(value, shape), help(value, shape))),
        }
    }

    /// The items of a list, by the shape of that.
    fn items(&mut self, items: &mut Vec<Value>, shape: &Shape) -> Result<(), Fault> {
        match shape {
            Shape::List(shape) => return items.iter_mut().enumerate().try_for_each(|(n, item)| self.item(n, item, shape)),
            Shape::Parts(shape, outcome) => {
                let mut at = 0..;
                items.retain_mut(|item| self.part(at.next().unwrap_or_default(), item, (shape, *outcome)));
            }
            Shape::Places(shape, outcome) => {
                for (n, item) in items.iter_mut().enumerate() {
                    if !self.part(n, item, (shape, *outcome)) {
                        *item = Value::Null;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes out a part that costs nothing around it where it does not fit; whether it is such a part.
    fn own(&mut self, value: &mut Value, shape: &Shape) -> bool {
        let (shape, outcome, is_vital, in_its_place) = match shape {
            Shape::Own(shape, outcome) => (shape, outcome, false, Value::Null),
            Shape::Vital(shape, outcome) => (shape, outcome, true, Value::Null),
            Shape::VitalList(shape, outcome) => (shape, outcome, true, Value::Array(vec![Value::Null])),
            _ => return false,
        };
        if let Err(fault) = self.fit(value, shape) {
            self.leave_out(fault, *outcome, is_vital);
            *value = in_its_place;
        }
        true
    }

    /// Notes what a part is left out for.
    fn leave_out(&mut self, fault: Fault, outcome: Outcome, is_vital: bool) {
        let all = std::iter::once(fault).chain(self.further.drain(..));
        self.faults.extend(all.map(|fault| Fault { outcome, is_vital, ..fault }));
    }

    fn fields(&mut self, map: &mut Map<String, Value>, fields: &[(&'static str, Shape)]) -> Result<(), Fault> {
        let mut fitted = Ok(());
        for (name, shape) in fields {
            let Some(value) = map.get_mut(*name) else { continue };
            match self.step(Step::Field(name), |walk| walk.fit(value, shape)) {
                Err(fault) if fitted.is_err() => self.further.push(fault),
                Err(fault) => fitted = Err(fault),
                Ok(()) => {}
            }
        }
        map.retain(|_, value| !value.is_null());
        fitted
    }

    /// The first value that is no text, which is one afterwards.
    fn texts(&mut self, map: &mut Map<String, Value>) -> Option<Fault> {
        // So the API server takes it.
        map.values_mut().filter(|value| value.is_null()).for_each(|value| *value = "".into());
        let (key, value) = map.iter_mut().find(|(_, value)| !value.is_string())?;
        let key = shown(key).trim_matches('"').to_owned();
        let fault = self.step(Step::Key(key), |walk| walk.fault(message(value, &Shape::Text), help(value, &Shape::Text)));
        *value = value.to_string().into();
        Some(fault)
    }

    /// Notes values that are none. They may be meant as passwords or keys, so they are not shown.
    fn hidden(&mut self, value: &Value, encoded: bool) {
        let Value::Object(map) = value else {
            let message = format!("{} stands where a mapping belongs", name_of_type(value));
            return self.note(message, "write a key and a colon before each value");
        };
        for (key, value) in map {
            let message = match value {
                Value::Null => continue,
                Value::String(text) if !encoded || secret::decoded(text.clone()).is_some() => continue,
                Value::String(_) => "the value is not base64".to_owned(),
                _ => format!("{} stands where a text belongs", name_of_type(value)),
            };
            let help = if encoded { "encode it with base64, or write it under stringData as it is" } else { "quote it" };
            self.step(Step::Key(shown(key).trim_matches('"').to_owned()), |walk| walk.note(message, help));
        }
    }

    /// Something that stays where it is, and cannot be used.
    fn note(&mut self, message: String, help: &str) {
        let fault = self.fault(message, help.to_owned());
        self.faults.push(Fault { outcome: Outcome::SkippedEntry, ..fault });
    }

    /// Whether an item fits; it is noted where it does not.
    fn part(&mut self, n: usize, item: &mut Value, (shape, outcome): (&Shape, Outcome)) -> bool {
        let fitted = self.item(n, item, shape);
        fitted.map_err(|fault| self.leave_out(fault, outcome, false)).is_ok()
    }

    /// Nothing is no item.
    fn item(&mut self, n: usize, item: &mut Value, shape: &Shape) -> Result<(), Fault> {
        self.step(Step::Index(n), |walk| match item {
            Value::Null => Err(walk.fault(message(item, shape), help(item, shape))),
            _ => walk.fit(item, shape),
        })
    }

    fn step<T>(&mut self, step: Step, look: impl FnOnce(&mut Self) -> T) -> T {
        self.way.push(step);
        let seen = look(self);
        self.way.pop();
        seen
    }

    fn fault(&self, message: String, help: String) -> Fault {
        let mut field = String::new();
        for step in &self.way {
            match step {
                Step::Field(name) if field.is_empty() => field.push_str(name),
                Step::Field(name) => field.push_str(&format!(".{name}")),
                Step::Key(key) => field.push_str(&format!("[{key}]")),
                Step::Index(n) => field.push_str(&format!("[{n}]")),
            }
        }
        Fault { field, message, help, outcome: Outcome::SkippedObject, is_vital: false }
    }
}

/// The first of the parts that say what an object is for.
pub(super) fn vital_part(faults: &[Fault]) -> Option<Box<str>> {
    faults.iter().find(|fault| fault.is_vital).map(|fault| fault.field.as_str().into())
}

/// Whether a value that holds no others is what it has to be.
fn is(value: &Value, shape: &Shape) -> bool {
    match (shape, value) {
        (Shape::Any, _) | (Shape::Text | Shape::NameOrPort, Value::String(_)) | (Shape::Bool, Value::Bool(_)) => true,
        (Shape::Word(words), Value::String(text)) => words.contains(&text.as_str()),
        (Shape::Address, Value::String(text)) => text.parse::<IpAddr>().is_ok(),
        (Shape::AddressOr(word), Value::String(text)) => text.is_empty() || text == *word || text.parse::<IpAddr>().is_ok(),
        (Shape::Time, Value::String(text)) => text.parse::<jiff::Timestamp>().is_ok(),
        (Shape::Number(low, high), Value::Number(number)) => number.as_i64().is_some_and(|number| (*low..=*high).contains(&number)),
        (Shape::NameOrPort, Value::Number(number)) => number.as_u64().is_some_and(|number| number <= u64::from(u16::MAX)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const INNER: Shape = Shape::With("port", &[("port", Shape::Number(0, 65535)), ("on", Shape::Bool)]);
    const SHAPE: Shape = Shape::Fields(&[
        ("name", Shape::Text),
        ("kept", Shape::Places(&INNER, Outcome::SkippedPath)),
        ("parts", Shape::Parts(&Shape::Text, Outcome::Served)),
        ("own", Shape::Own(&INNER, Outcome::KeptDefault)),
        ("texts", Shape::Printed),
        ("when", Shape::Own(&Shape::Time, Outcome::Served)),
        ("some", Shape::VitalList(&Shape::Places(&INNER, Outcome::Served), Outcome::Served)),
    ]);

    #[test]
    fn what_does_not_fit_costs_its_own_part() {
        let mut value = json!({"name": "a", "kept": [{"port": 1}, ["x"], {"port": "80"}, {}, null, {"port": 2}], "parts": ["a", 7, "b"],
            "own": [], "texts": {"a": "x", "b": 1.5}, "when": "soon", "some": {"port": 1}, "other": null});
        let faults = fit(&mut value, &SHAPE).unwrap();
        assert_eq!(
            value,
            json!({"name": "a", "kept": [{"port": 1}, null, null, null, null, {"port": 2}], "parts": ["a", "b"], "texts": {"a": "x", "b": "1.5"},
                "some": [null]})
        );
        let said: Vec<_> = faults.iter().map(|fault| format!("{}: {}; {}", fault.field, fault.message, fault.help)).collect();
        assert_eq!(
            said,
            [
                "kept[1]: a list stands where a mapping belongs; name its fields: port, on",
                "kept[2].port: \"80\" is a text, where a whole number belongs; write 80 without quotes",
                "kept[3]: it has no port; add port",
                "kept[4]: nothing stands where a mapping belongs; name its fields: port, on",
                "parts[1]: 7 is a number, where a text belongs; quote the value, such as \"7\"",
                "own: a list stands where a mapping belongs; name its fields: port, on",
                "texts[b]: 1.5 is a number, where a text belongs; quote the value, such as \"1.5\"",
                "when: \"soon\" is a text, where a time belongs; write it as 2026-01-31T12:00:00Z",
                "some: a mapping stands where a list belongs; write '- ' before each item",
            ]
        );
    }

    #[test]
    fn all_that_a_part_is_left_out_for_is_told() {
        let mut value = json!({"own": {"port": "x", "on": 7}, "name": 7, "texts": [], "kept": [{"port": [], "on": []}]});
        let faults = fit(&mut value, &SHAPE).unwrap_err();
        let said: Vec<_> = faults.iter().map(|fault| (fault.field.as_str(), fault.outcome)).collect();
        let (whole, path, own) = (Outcome::SkippedObject, Outcome::SkippedPath, Outcome::KeptDefault);
        assert_eq!(
            said,
            [("name", whole), ("texts", whole), ("kept[0].port", path), ("kept[0].on", path), ("own.port", own), ("own.on", own)]
        );
    }

    #[test]
    fn the_number_that_was_meant_is_told() {
        let told = |given: &str| fit(&mut json!({"port": given}), &INNER).unwrap_err().remove(0).help;
        assert_eq!(told("080"), "write 80 without quotes");
        assert_eq!(told("http"), "write a whole number of at most 65535, without quotes");
    }

    #[test]
    fn what_belongs_to_nothing_smaller_costs_the_whole() {
        for value in [json!([]), json!({"name": 7}), json!({"kept": {}}), json!({"texts": []})] {
            assert!(fit(&mut value.clone(), &SHAPE).is_err(), "{value}");
        }
    }
}
