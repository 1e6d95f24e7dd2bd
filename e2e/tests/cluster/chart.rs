//! The chart with many values: rendered by helm, taken by the API server, and permitting just what its flags need.

use gatewright_e2e::cluster::{Chart, World, permissions, printed};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Values, and what of them `gatewright rbac` is to be told beside the flags of the controller.
const MATRIX: &[(&[&str], &[&str])] = &[
    (&[], &[]),
    (&["controller.kind=DaemonSet"], &[]),
    (&["proxy.kind=haproxy", "rbac.create=true"], &[]),
    (&["controller.enableTopologyAwareRouting=true"], &[]),
    (&["controller.enableTopologyAwareRouting=true", "controller.extraArgs.topology-zone=a"], &[]),
    (&["proxy.mode=signal"], &[]),
    (&["proxy.mode=signal", "proxy.kind=haproxy"], &[]),
    (&["controller.replicaCount=3", "controller.minAvailable=2"], &[]),
    (
        &[
            "controller.autoscaling.enabled=true",
            "controller.autoscaling.minReplicas=2",
            "controller.autoscaling.targetMemoryUtilizationPercentage=70",
        ],
        &[],
    ),
    (&["controller.scope.enabled=true"], &[]),
    (&["controller.scope.enabled=true", "rbac.scope=true"], &["--without-cluster-role"]),
    (&["controller.scope.enabled=true", "controller.scope.namespace=matrix-other"], &[]),
    (&["controller.scope.enabled=true", "controller.scope.namespace=matrix-other", "rbac.scope=true"], &["--without-cluster-role"]),
    (&["controller.scope.namespaceSelector=team=a"], &[]),
    (&["controller.scope.enabled=true", "controller.scope.namespaceSelector=team=a"], &[]),
    (&["controller.scope.enabled=true", "controller.scope.namespaces={matrix-other,matrix}"], &["--in-namespaces=matrix,matrix-other"]),
    (
        &["controller.scope.enabled=true", "controller.scope.namespaces={matrix-other}", "tcp.9000=matrix-other/db:5432"],
        &["--in-namespaces=matrix-other"],
    ),
    (&["rbac.secrets=false"], &["--without-secrets"]),
    (&["rbac.secretNamespaces={matrix-other,matrix}"], &["--secrets-in=matrix,matrix-other"]),
    (
        &[
            "controller.scope.enabled=true",
            "controller.scope.namespaces={matrix-other,matrix}",
            "rbac.secretNamespaces={matrix}",
            "controller.extraArgs.default-ssl-certificate=matrix-other/cert",
        ],
        &["--in-namespaces=matrix,matrix-other", "--secrets-in=matrix"],
    ),
    (
        &[
            "controller.secretVolumes[0].secret=matrix-other/cert",
            "controller.secretVolumes[0].volume.secret.secretName=cert",
            "controller.secretVolumes[1].secret=matrix-other/users",
            "controller.secretVolumes[1].volume.csi.driver=secrets-store.csi.k8s.io",
            "controller.scope.enabled=true",
            "controller.extraArgs.default-ssl-certificate=matrix-other/cert",
        ],
        &[],
    ),
    (&["controller.extraArgs.secrets-from=/run/secrets"], &[]),
    (&["controller.scope.enabled=true", "controller.extraArgs.default-ssl-certificate=matrix-other/cert"], &[]),
    (
        &[
            "controller.scope.enabled=true",
            "rbac.secrets=false",
            "controller.extraArgs.default-ssl-certificate=$(POD_NAMESPACE)/cert",
            "controller.extraArgs.configmap=matrix-other/settings",
        ],
        &["--without-secrets"],
    ),
    (&["controller.scope.enabled=true", "controller.configMapNamespace=matrix-other"], &[]),
    (
        &[
            "controller.scope.enabled=true",
            "controller.tcp.configMapNamespace=matrix-other",
            "tcp.9000=matrix-other/db:5432",
            "udp.53=a/b:c",
        ],
        &[],
    ),
    (
        &[
            "controller.service.external.enabled=false",
            "controller.service.internal.enabled=true",
            "controller.service.internal.annotations.a=b",
        ],
        &[],
    ),
    (&["defaultBackend.enabled=true", "controller.scope.enabled=true", "controller.scope.namespace=matrix-other"], &[]),
    (&["defaultBackend.enabled=true", "controller.extraArgs.default-backend-service=matrix-other/fallback"], &[]),
    (&["controller.extraArgs.election-id=own"], &[]),
    (&["controller.extraArgs.disable-leader-election=", "controller.extraArgs.update-status=No"], &[]),
    (&["controller.disableLeaderElection=true", "controller.extraArgs.disable-leader-election=false"], &[]),
    (&["controller.extraArgs.publish-service=matrix-other/front"], &[]),
    (&["controller.extraArgs.publish-service=matrix-other/front", "controller.extraArgs.update-status=false"], &[]),
    (&["controller.extraArgs.publish-status-address=192.0.2.1"], &[]),
    (&["controller.extraArgs.watch-namespace=matrix-other"], &[]),
    (
        &["controller.extraArgs.watch-namespace=matrix-other", "controller.scope.enabled=true", "rbac.scope=true"],
        &["--without-cluster-role"],
    ),
    (&["controller.extraArgs.watch-namespace-selector=team=a"], &[]),
    (&["controller.extraArgs.watch-namespace-selector=team=a", "controller.scope.enabled=true"], &[]),
    (&["controller.extraArgs.enable-topology-aware-routing=true"], &[]),
    (&["controller.enableTopologyAwareRouting=true", "controller.extraArgs.enable-topology-aware-routing=0"], &[]),
    (&["controller.extraArgs.disable-sync-events="], &[]),
    (&["controller.publishService.enabled=false"], &[]),
    (&["controller.publishService.pathOverride=matrix-other/front"], &[]),
    (&["controller.publishService.enabled=false", "controller.extraArgs.publish-status-address=192.0.2.1"], &[]),
    (&["controller.disableLeaderElection=true", "controller.reportNodeInternalIp=true"], &[]),
    (&["controller.extraArgs.update-status=false"], &[]),
    (&["controller.extraArgs.disable-sync-events=true", "controller.extraArgs.default-backend-service=matrix-other/fallback"], &[]),
    (&["controller.networkPolicy.enabled=true", "controller.networkPolicy.apiServer={10.0.0.0/8}", "controller.metrics.enabled=true"], &[]),
    (
        &[
            "controller.networkPolicy.enabled=true",
            "controller.networkPolicy.apiServerPorts={8443,16443}",
            "controller.networkPolicy.extraEgress[0].to[0].ipBlock.cidr=192.0.2.0/24",
            "controller.networkPolicy.extraEgress[0].ports[0].port=443",
            "controller.networkPolicy.extraEgress[0].ports[0].protocol=TCP",
        ],
        &[],
    ),
    (&["controller.containerSecurityContext.capabilities.add={NET_BIND_SERVICE}"], &[]),
    (
        &[
            "controller.ingressClassResource.name=matrix-nginx",
            "controller.ingressClassResource.controllerValue=k8s.io/ingress-nginx",
            "controller.ingressClassResource.default=true",
            "controller.ingressClass=nginx",
            "controller.ingressClassByName=true",
            "controller.watchIngressWithoutClass=true",
        ],
        &[],
    ),
    (
        &[
            "controller.ingressClassResource.parameters.apiGroup=gatewright.dev",
            "controller.ingressClassResource.parameters.kind=GatewrightParameters",
            "controller.ingressClassResource.parameters.name=own",
        ],
        &[],
    ),
    (
        &[
            "controller.service.type=NodePort",
            "controller.service.enableHttp=false",
            "controller.service.annotations.a=b",
            "controller.service.appProtocol=false",
        ],
        &[],
    ),
    (&["tcp.9000=matrix-other/db:5432", "udp.9053=matrix-other/dns:53", "controller.networkPolicy.enabled=true"], &[]),
    (&["tcp.9000=matrix-other/db:5432", "controller.scope.enabled=true", "controller.scope.namespace=matrix-other"], &[]),
    (&["controller.service.enabled=false", "serviceAccount.name=own", "fullnameOverride=other-name"], &[]),
    (
        &[
            "controller.config.proxy-body-size=8m",
            "controller.config.server-tokens=false",
            "commonLabels.team=a",
            "controller.podLabels.a=b",
        ],
        &[],
    ),
    (
        &[
            "controller.tolerations[0].operator=Exists",
            "controller.nodeSelector.disk=ssd",
            "controller.topologySpreadConstraints[0].maxSkew=2",
            "controller.topologySpreadConstraints[0].topologyKey=zone",
            "controller.topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule",
            "controller.updateStrategy.type=RollingUpdate",
            "imagePullSecrets[0].name=pull",
        ],
        &[],
    ),
    (
        &[
            "controller.kind=DaemonSet",
            "controller.hostNetwork=true",
            "controller.hostPort.enabled=true",
            "controller.service.enabled=false",
            "tcp.9000=matrix-other/db:5432",
        ],
        &[],
    ),
    (&["controller.kind=DaemonSet", "controller.hostNetwork=true", "controller.service.enabled=false"], &[]),
    (&["controller.kind=DaemonSet", "controller.hostPort.enabled=true"], &[]),
];

/// The controller's workload.
fn workload(objects: &[Value]) -> &Value {
    let is_it = |object: &&Value| {
        let name = &object["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"];
        (object["kind"] == "Deployment" || object["kind"] == "DaemonSet") && name == "gatewright"
    };
    objects.iter().find(is_it).unwrap()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn whatever_the_values_the_api_server_takes_the_objects_and_they_permit_what_their_flags_need() {
    let world = World::shared();
    for (name, level) in [("matrix-other", "restricted"), ("matrix", "restricted"), ("matrix-host", "privileged")] {
        let label = json!({"pod-security.kubernetes.io/enforce": level});
        world.apply_object(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": label}})).unwrap();
    }
    for (values, told) in MATRIX {
        // What is the node's own is permitted at no other level.
        let namespace = if values.iter().any(|value| value.contains(".host")) { "matrix-host" } else { "matrix" };
        let chart = Chart::new(namespace, values);
        chart.lint();
        let objects = chart.render().unwrap_or_else(|error| panic!("{values:?}: {error}"));
        for object in &objects {
            // A default class would be that of the Ingresses of other tests.
            let taken = if object["kind"] == "IngressClass" { world.try_object(object) } else { world.apply_object(object) };
            taken.unwrap_or_else(|error| panic!("{values:?}: {error}: {object}"));
        }
        let template = &workload(&objects)["spec"]["template"];
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]});
        pod["metadata"]["name"] = json!("pod");
        pod["metadata"]["namespace"] = json!(namespace);
        world.try_object(&pod).unwrap_or_else(|error| panic!("{values:?}: at the level of {namespace}: {error}"));
        let controller = &template["spec"]["containers"][0];
        // As a kubelet would start it.
        let mut flags: Vec<_> = strings(&controller["args"]).iter().map(|flag| flag.replace("$(POD_NAMESPACE)", namespace)).collect();
        flags.remove(0);
        flags.push(format!("--own-namespace={namespace}"));
        flags.extend(told.iter().map(|flag| (*flag).to_owned()));
        assert_eq!(permissions(&objects), permissions(&printed(&flags)), "{values:?}");
        // What one set of values leaves behind shall not help the next.
        for object in &objects {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            if text("/kind") == "Deployment" || text("/kind") == "DaemonSet" {
                world.delete(text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
            }
        }
    }
}

#[test]
fn the_plain_manifests_are_what_the_chart_makes() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let made = tempfile::NamedTempFile::new().unwrap();
    let status = Command::new("sh").arg(deploy.join("generate")).arg(made.path()).status().unwrap();
    assert!(status.success());
    let [made, shipped] = [made.path(), &deploy.join("manifests/gatewright.yaml")].map(|path| std::fs::read_to_string(path).unwrap());
    assert!(made == shipped, "deploy/generate makes something else by now:\n{made}");
}

#[test]
fn values_that_cannot_be_meant_are_refused_with_their_name() {
    for (value, part) in [
        ("controller.replicacount=2", "replicacount"),
        ("controller.kind=Job", "kind"),
        ("proxy.mode=child", "mode"),
        ("rbac.create=maybe", "create"),
        ("rbac.scope=true", "rbac.scope needs controller.scope.enabled"),
        ("controller.extraArgs.publish-service=web", "--publish-service: \"web\" has to be namespace/name"),
        ("controller.containerPort.http=many", "http"),
        ("controller.secretVolumes[0].secret=shop", "secret"),
        ("controller.scope.namespaces={A b}", "namespaces"),
        ("rbac.secretNamespaces={A b}", "at '/rbac/secretNamespaces/0'"),
        ("rbac.secretNamespaces={a},rbac.secrets=false", "rbac.secretNamespaces and rbac.secrets=false cannot both be set"),
        (
            "rbac.secretNamespaces={a},controller.extraArgs.secrets-from=/a",
            "rbac.secretNamespaces and controller.extraArgs.secrets-from cannot both be",
        ),
        (
            "rbac.secretNamespaces={a},controller.secretVolumes[0].secret=a/b,controller.secretVolumes[0].volume.secret.secretName=b",
            "rbac.secretNamespaces and controller.secretVolumes cannot both be",
        ),
        (
            "controller.scope.enabled=true,controller.scope.namespace=a,controller.scope.namespaces={b}",
            "controller.scope.namespace and .namespaces cannot both be set",
        ),
        (
            "rbac.secretNamespaces={a},controller.scope.enabled=true,controller.scope.namespace=b",
            "rbac.secretNamespaces: a is none of the namespaces that Ingresses are served of: b",
        ),
    ] {
        let error = Chart::new("refused", &[value]).render().unwrap_err();
        assert!(error.contains(part), "{value}: {error}");
    }
}
