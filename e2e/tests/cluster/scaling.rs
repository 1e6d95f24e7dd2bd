//! What the PodDisruptionBudget and the HorizontalPodAutoscaler of the chart do, as far as the API server does it.

use crate::release::Release;
use serde_json::{Value, json};

/// What the controller of budgets writes, out of the budget and the Pods that it finds. Nobody runs it here.
fn count_pods(release: &Release, ending: &str) {
    let (world, ns) = (release.world, release.name);
    let name = format!("{ns}-gatewright{ending}");
    let budget = world.object("PodDisruptionBudget", ns, &name);
    let pods = world.pods_with(ns, &budget["spec"]["selector"]["matchLabels"]).len() as u64;
    let least = budget["spec"]["minAvailable"].as_u64().expect("it says how many stay");
    let status = json!({"observedGeneration": budget["metadata"]["generation"], "expectedPods": pods, "currentHealthy": pods,
        "desiredHealthy": least, "disruptionsAllowed": pods.saturating_sub(least)});
    world.patch_status("PodDisruptionBudget", ns, &name, &status);
}

#[test]
fn no_more_pods_are_evicted_than_the_budget_lets_go() {
    let values = [
        "controller.replicaCount=3",
        "controller.minAvailable=2",
        "defaultBackend.enabled=true",
        "defaultBackend.replicaCount=3",
        "defaultBackend.minAvailable=1",
    ];
    let release = Release::install("scaling-budget", 15_120, &values);
    let (world, ns) = (release.world, release.name);
    release.make_pods(3);
    for (ending, go) in [("", 1), ("-defaultbackend", 2)] {
        let name = |number: usize| format!("{ns}-gatewright{ending}-{number}");
        let selector = &release.object("PodDisruptionBudget", ending)["spec"]["selector"]["matchLabels"];
        assert_eq!(world.pods_with(ns, selector), [0, 1, 2].map(name), "{ending}: no others than those of its Deployment");
        count_pods(&release, ending);
        for number in 0..go {
            world.evict(ns, &name(number)).unwrap_or_else(|error| panic!("{ending} {number}: {error}"));
        }
        let refused = world.evict(ns, &name(go)).expect_err("the budget is used up").to_string();
        assert!(refused.contains("disruption budget"), "{refused}");
        assert_eq!(world.pods_with(ns, selector).len(), 3 - go);
    }
}

#[test]
fn a_pod_that_is_not_ready_is_evicted_all_the_same_where_values_say_so() {
    for (name, policy, goes) in [("scaling-strict", "", false), ("scaling-always", "AlwaysAllow", true)] {
        let policy = format!("controller.unhealthyPodEvictionPolicy={policy}");
        let release = Release::install(name, 15_130, &["controller.replicaCount=2", "controller.minAvailable=2", &policy]);
        release.make_pods(1);
        let pod = format!("{name}-gatewright-0");
        release.world.patch_status("Pod", name, &pod, &json!({"conditions": [{"type": "Ready", "status": "False"}]}));
        count_pods(&release, "");
        assert_eq!(release.world.evict(name, &pod).is_ok(), goes, "{name}");
    }
}

#[test]
fn an_autoscaler_finds_its_pods_and_an_upgrade_keeps_what_it_has_scaled() {
    let values = [
        "controller.autoscaling.enabled=true",
        "controller.autoscaling.targetMemoryUtilizationPercentage=70",
        "defaultBackend.enabled=true",
        "defaultBackend.autoscaling.enabled=true",
        "defaultBackend.resources.requests.cpu=10m",
        "defaultBackend.resources.requests.memory=10Mi",
    ];
    let release = Release::install("scaling-auto", 15_140, &values);
    let (world, ns) = (release.world, release.name);
    release.make_pods(2);
    for ending in ["", "-defaultbackend"] {
        let (autoscaler, deployment) = (release.object("HorizontalPodAutoscaler", ending), release.object("Deployment", ending));
        let target = &autoscaler["spec"]["scaleTargetRef"];
        let (_, selector) = world.scale(target, ns).unwrap_or_else(|error| panic!("{target}: {error}"));
        assert_eq!(world.pods_selected(ns, &selector), [0, 1].map(|number| format!("{ns}-gatewright{ending}-{number}")));
        // Where one container requests none of it, the use of the Pod has no percentage, and nothing is scaled.
        let containers = deployment["spec"]["template"]["spec"]["containers"].as_array().unwrap();
        for metric in autoscaler["spec"]["metrics"].as_array().unwrap() {
            let resource = metric["resource"]["name"].as_str().unwrap();
            let lacks = |container: &&Value| container["resources"]["requests"][resource].is_null();
            assert_eq!(containers.iter().find(lacks), None, "{resource}");
        }
        world.set_scale(target, ns, 5);
        world.apply_object(deployment).unwrap();
        assert_eq!(world.scale(target, ns).unwrap().0, 5, "an upgrade leaves the replicas as they are");
    }
}
