//! The rights that the chart gives are those that the guide shows, and no more are needed.

use gatewright_e2e::cluster::Chart;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn guide() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides/permissions.md");
    std::fs::read_to_string(path).unwrap()
}

/// The rows of the table with this head, each with its cells.
fn table(head: &str) -> Vec<Vec<String>> {
    let text = guide();
    let rows = text.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.map(cells).collect()
}

/// What is in backticks, else the text as it is.
fn code(cell: &str) -> &str {
    cell.trim_matches('`')
}

/// As the guide writes them.
fn values(cell: &str) -> Vec<&str> {
    if cell == "nothing" { vec![] } else { vec![cell] }
}

/// The rules that an account of a release in the namespace `gatewright` is given, each with the namespace of its role.
fn rules(values: &str, role: &str) -> Vec<(String, Value)> {
    let objects = Chart::new("gatewright", &self::values(values)).render().unwrap_or_else(|error| panic!("{values:?}: {error}"));
    let of_role = |object: &Value| {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
        let rules = if object["metadata"]["name"] == role { object["rules"].as_array().cloned() } else { None };
        rules.unwrap_or_default().into_iter().map(move |rule| (namespace.clone(), rule))
    };
    objects.iter().flat_map(of_role).collect()
}

fn words(list: &Value) -> String {
    list.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_rights_by_default_are_those_of_the_guide() {
    let told: BTreeSet<_> = table("| resource | verbs | where | for |")
        .into_iter()
        .map(|row| (code(&row[0]).to_owned(), row[1].clone(), row[2].clone()))
        .collect();
    let given = rules("nothing", "gatewright").into_iter().map(|(namespace, rule)| {
        let group = words(&rule["apiGroups"]);
        let resource = words(&rule["resources"]);
        let place = if namespace == "gatewright" { "its own namespace" } else { "everywhere" };
        let names = if rule["resourceNames"].is_null() { "" } else { ", by name" };
        (if group.is_empty() { resource } else { format!("{group}/{resource}") }, words(&rule["verbs"]), format!("{place}{names}"))
    });
    assert_eq!(told, given.collect());
}

#[test]
fn the_rights_with_other_values_are_as_many_as_the_guide_says() {
    let rows = table("| installed with | rules of the cluster | rules in namespaces | Secrets |");
    assert!(rows.len() > 5, "{rows:?}");
    for row in rows {
        let rules = rules(code(&row[0]), "gatewright");
        let of_cluster = rules.iter().filter(|(namespace, _)| namespace.is_empty()).count();
        let secrets = rules.iter().filter(|(_, rule)| words(&rule["resources"]) == "secrets");
        let places = secrets.map(|(namespace, _)| if namespace.is_empty() { "all".to_owned() } else { format!("those of `{namespace}`") });
        let places = places.collect::<Vec<_>>().join(", ");
        let places = if places.is_empty() { "none".to_owned() } else { places };
        let given = [of_cluster.to_string(), (rules.len() - of_cluster).to_string(), places];
        assert_eq!(&row[1..], given, "{}", row[0]);
        let notes = Chart::new("gatewright", &values(code(&row[0]))).notes();
        assert_eq!(notes.contains("It may read the Secrets of all namespaces"), row[3] == "all", "{}: {notes}", row[0]);
    }
}

#[test]
fn the_webhook_has_as_many_rights_as_the_guide_says() {
    let rules = rules("controller.admissionWebhooks.enabled=true", "gatewright-admission");
    assert!(rules.iter().all(|(namespace, rule)| namespace.is_empty() && words(&rule["verbs"]) == "list, watch"), "{rules:?}");
    let told = format!("with {} rules of the cluster, which all are list and watch", rules.len());
    assert!(guide().replace('\n', " ").contains(&told), "{told}");
}
