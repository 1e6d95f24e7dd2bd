//! What is said of a value that is not what it has to be.

use super::Shape;
use crate::names::shown;
use serde_json::Value;

/// What is wrong with a value that is not what it has to be.
pub(super) fn message(value: &Value, shape: &Shape) -> String {
    let wanted = match shape {
        Shape::Bool => "true or false",
        Shape::Number(..) => "a whole number",
        Shape::NameOrPort => "a name or a port number",
        Shape::Time => "a time",
        Shape::Address | Shape::AddressOr(_) => "an IP address",
        Shape::List(_) | Shape::Parts(..) | Shape::Places(..) => "a list",
        Shape::Encoded | Shape::Hidden | Shape::Printed | Shape::Fields(_) | Shape::With(..) => "a mapping",
        Shape::Own(shape, _) | Shape::Vital(shape, _) | Shape::VitalList(shape, _) | Shape::Filled(shape) => return message(value, shape),
        Shape::Any | Shape::Text | Shape::Word(_) => "a text",
    };
    match value {
        Value::Bool(given) => format!("{given} is a boolean, where {wanted} belongs"),
        Value::Number(given) if matches!(shape, Shape::Number(..)) => format!("{given} is not {wanted} that can stand here"),
        Value::Number(given) => format!("{given} is a number, where {wanted} belongs"),
        Value::String(given) if matches!(shape, Shape::Word(_)) => format!("{} is not known", shown(given)),
        Value::String(given) => format!("{} is a text, where {wanted} belongs", shown(given)),
        Value::Null | Value::Array(_) | Value::Object(_) => format!("{} stands where {wanted} belongs", name_of_type(value)),
    }
}

/// What a value is, in words for people.
#[must_use]
pub fn name_of_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// What would do in place of such a value.
pub(super) fn help(value: &Value, shape: &Shape) -> String {
    let number = value.as_str().and_then(|text| text.parse::<i64>().ok());
    match (shape, value) {
        (Shape::Text | Shape::Word(_) | Shape::Time, Value::Bool(_) | Value::Number(_)) => format!("quote the value, such as \"{value}\""),
        (Shape::Number(low, high), _) if number.is_some_and(|number| (*low..=*high).contains(&number)) => {
            format!("write {} without quotes", number.unwrap_or_default())
        }
        (Shape::Number(0, high), _) => format!("write a whole number of at most {high}, without quotes"),
        (Shape::Number(..), _) => "write a number without quotes".to_owned(),
        (Shape::NameOrPort, _) => "write the name, or a number of at most 65535".to_owned(),
        (Shape::Address, _) => "write an address such as 10.1.2.3; names are looked up for a Service of type ExternalName only".to_owned(),
        (Shape::AddressOr(word), _) => format!("write an address such as 10.1.2.3, or {word}"),
        (Shape::Bool, _) => "write true or false without quotes".to_owned(),
        (Shape::Word(words), _) => {
            let words: Vec<_> = words.iter().copied().filter(|word| !word.is_empty()).collect();
            format!("write one of {}", words.join(", "))
        }
        (Shape::Time, _) => "write it as 2026-01-31T12:00:00Z".to_owned(),
        (Shape::Fields(fields) | Shape::With(_, fields), _) if !fields.is_empty() => {
            let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
            format!("name its fields: {}", names.join(", "))
        }
        (Shape::Encoded | Shape::Hidden | Shape::Printed | Shape::Fields(_) | Shape::With(..), _) => {
            "write a key and a colon before each value".to_owned()
        }
        (Shape::List(_) | Shape::Parts(..) | Shape::Places(..), _) => "write '- ' before each item".to_owned(),
        (Shape::Own(shape, _) | Shape::Vital(shape, _) | Shape::VitalList(shape, _) | Shape::Filled(shape), _) => help(value, shape),
        (Shape::Any | Shape::Text, _) => "write a text".to_owned(),
    }
}
