//! Ingresses that are left out for their names. To say what else is wrong with them, they are looked at under names that
//! stand in for those; nothing else is done with them.

use super::places::Places;
use super::read::Found;
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use gatewright_core::state::{Ingress, Object};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Such Ingresses, in the order of the input.
#[derive(Debug, Default)]
pub(crate) struct Unnamed(pub(super) Vec<Found>);

impl Unnamed {
    /// These Ingresses, each under a name that no other one has, and where they are written. They are younger than all others,
    /// so that they take nothing from those. `is_taken`: whether a name is that of another Ingress.
    pub(crate) fn under_names(&self, is_taken: impl Fn(&ObjectName) -> bool) -> (Vec<Arc<Ingress>>, Places) {
        let (mut ingresses, mut places) = (Vec::new(), HashMap::new());
        // How many have had a wish: with it, no number is tried twice.
        let mut wishes = HashMap::<ObjectName, usize>::new();
        for found in &self.0 {
            let Object::Ingress(ingress) = &found.object else { continue };
            let mut ingress = Ingress::clone(ingress);
            let wish = ingress.meta.name.clone();
            let of = |name: &ObjectName| ObjectRef::new(Kind::Ingress, name.clone());
            let named = |n: usize| match n {
                1 => Some(wish.clone()),
                _ => ObjectName::new(wish.namespace(), &format!("{}-{n}", wish.name())).ok(),
            };
            let last = wishes.entry(wish.clone()).or_default();
            let mut free = (*last + 1..).map_while(|n| named(n).map(|name| (n, name)));
            let Some((n, name)) = free.find(|(_, name)| !(is_taken(name) || places.contains_key(&of(name)))) else { continue };
            *last = n;
            (ingress.meta.name, ingress.meta.created_s) = (name.clone(), i64::MAX);
            places.insert(of(&name), found.clone());
            ingresses.push(Arc::new(ingress));
        }
        (ingresses, Places::new(Arc::new(places)))
    }
}

/// Puts the names that are nearest to those that are written into an object, and new ones where none are.
pub(super) fn give_name(object: &mut Value) {
    let Some(fields) = object.as_object_mut() else { return };
    let meta = fields.entry("metadata").or_insert_with(|| json!({}));
    if !meta.is_object() {
        *meta = json!({});
    }
    for (key, default) in [("name", "unnamed"), ("namespace", "default")] {
        let near = meta[key].as_str().map(nearest).filter(|near| !near.is_empty());
        meta[key] = near.unwrap_or_else(|| default.to_owned()).into();
    }
}

/// The text with what may be in a name alone, and so short that a number fits behind it; empty where nothing of it may be.
fn nearest(text: &str) -> String {
    const MOST: usize = 50;
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    text.chars().take(MOST).map(letter).collect::<String>().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_in_is_near_to_what_is_written() {
        let given = |meta: Value| {
            let mut object = json!({"metadata": meta});
            give_name(&mut object);
            let text = |key: &str| object["metadata"][key].as_str().unwrap().to_owned();
            (text("namespace"), text("name"))
        };
        let named = |namespace: &str, name: &str| (namespace.to_owned(), name.to_owned());
        assert_eq!(given(json!({"name": "Shop_Front", "namespace": "Shop"})), named("shop", "shop-front"));
        assert_eq!(given(json!({"name": "_", "namespace": 5})), named("default", "unnamed"));
        assert_eq!(given(json!(["name"])), named("default", "unnamed"));
        let (_, long) = given(json!({"name": "ä".repeat(300) + "B" }));
        assert!(ObjectName::new("a", &long).is_ok(), "{long}");
    }
}
