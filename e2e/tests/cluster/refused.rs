//! Values of the chart that would become something else than what was meant: done as meant, or refused by name.

use gatewright_e2e::cluster::Chart;
use serde_json::{Value, json};

/// What is rendered with these values, each as of `--set`.
fn rendered(values: &[&str]) -> Vec<Value> {
    Chart::new("refused", values).render().unwrap_or_else(|error| panic!("{values:?}: {error}"))
}

fn find<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("{kind}: {objects:#?}"))
}

fn assert_refused(values: &[&str], part: &str) {
    let error = Chart::new("refused", values).render().unwrap_err();
    assert!(error.contains(part), "{values:?}: {error}");
}

#[test]
fn a_text_or_number_that_is_taken_away_is_missed_by_name() {
    for key in ["replicaCount", "terminationGracePeriodSeconds", "ingressClass", "healthCheckPath", "containerName", "kind"] {
        assert_refused(&[&format!("controller.{key}=null")], &format!("at '/controller': missing property '{key}'"));
    }
    assert_refused(&["rbac.create=null"], "at '/rbac': missing property 'create'");
    let off = rendered(&["controller.hostNetwork=null", "controller.autoscaling.enabled=null", "controller.livenessProbe=null"]);
    let pod = &find(&off, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["hostNetwork"], false, "what is off is off without a value");
    assert!(pod["containers"][0].get("livenessProbe").is_none(), "a probe can be taken away: {pod}");
}

#[test]
fn zero_pods_that_may_be_missing_are_meant() {
    let budget = |values: &[&str]| {
        let spec = find(&rendered(&[&["controller.replicaCount=2"], values].concat()), "PodDisruptionBudget")["spec"].clone();
        (spec["minAvailable"].clone(), spec["maxUnavailable"].clone())
    };
    let none = Value::Null;
    assert_eq!(budget(&[]), (json!(1), none.clone()));
    assert_eq!(budget(&["controller.minAvailable=0"]), (json!(0), none.clone()));
    assert_eq!(budget(&["controller.maxUnavailable=0"]), (none.clone(), json!(0)));
    assert_eq!(budget(&["controller.maxUnavailable=50%", "controller.minAvailable=null"]), (none, json!("50%")));
    for empty in ["controller.minAvailable=null", "controller.minAvailable="] {
        let both = "controller.minAvailable and .maxUnavailable are both empty";
        assert_refused(&["controller.replicaCount=2", empty], both);
    }
    assert_refused(&["controller.maxUnavailable=many"], "/controller/maxUnavailable");
}
