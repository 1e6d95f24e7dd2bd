//! Values of the chart of ingress-nginx: followed where they mean something here, else named after the installation.

use gatewright_e2e::cluster::{Chart, World, documents};
use serde_json::{Value, json};
use std::path::Path;

/// The defaults of the chart of ingress-nginx, written out in full as people keep them.
const DEFAULTS: &str = include_str!("values-of-ingress-nginx.yaml");

fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    objects.iter().find(is_it).unwrap_or_else(|| panic!("{kind} {name}: {objects:#?}"))
}

fn render(values: &str) -> Vec<Value> {
    Chart::new("values", &[]).with_file(values).render().unwrap_or_else(|error| panic!("{values}: {error}"))
}

/// Their definitions are installed by others.
fn is_of_an_operator(object: &Value) -> bool {
    ["monitoring.coreos.com/v1", "keda.sh/v1alpha1"].contains(&object["apiVersion"].as_str().unwrap())
}

/// The API server takes all that it does not hold already, but the kinds that it does not know.
fn taken(objects: &[Value]) {
    let world = World::shared();
    world.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: values, labels: {pod-security.kubernetes.io/enforce: restricted}}\n");
    for object in objects.iter().filter(|object| object["kind"] != "CustomResourceDefinition" && !is_of_an_operator(object)) {
        world.try_object(object).unwrap_or_else(|error| panic!("{error}: {object}"));
        let template = &object["spec"]["template"];
        if template.is_object() {
            let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]});
            pod["metadata"]["name"] = json!("pod");
            pod["metadata"]["namespace"] = json!("values");
            world.try_object(&pod).unwrap_or_else(|error| panic!("at the restricted level: {error}: {pod}"));
        }
    }
}

#[test]
fn the_defaults_of_ingress_nginx_are_taken_as_they_are() {
    let objects = render(DEFAULTS);
    taken(&objects);
    let pod = &find(&objects, "Deployment", "values-gatewright")["spec"]["template"]["spec"];
    let sysctls = json!([{"name": "net.ipv4.ip_unprivileged_port_start", "value": "80"}]);
    assert_eq!(pod["securityContext"]["sysctls"], sysctls, "ports 80 and 443 need no capability");
    assert_eq!(pod["containers"][0]["image"], "gatewright:0.1.0", "another's image would be run");
    assert_eq!(find(&objects, "IngressClass", "nginx")["spec"]["controller"], "k8s.io/ingress-nginx");
    let notes = Chart::new("values", &[]).with_file(DEFAULTS).notes();
    for told in ["controller.admissionWebhooks.patch.enabled", "controller.lifecycle", "controller.image"] {
        assert!(notes.contains(&format!("{told} has no effect")), "{told}: {notes}");
    }
    assert!(notes.contains("ingressClassName: nginx"), "{notes}");
    for quiet in ["keda", "defaultBackend", "enableMimalloc", "customTemplate", "serviceAccount", "--set"] {
        assert!(!notes.contains(quiet), "{quiet} is as nobody has set it: {notes}");
    }
}

#[test]
fn whole_numbers_of_files_stay_whole() {
    let values = "controller: {config: {hsts-max-age: 31536000, proxy-body-size: 10485760}, extraArgs: {sync-period: 1000000}, \
                  terminationGracePeriodSeconds: 2000000, image: {runAsUser: 1000680000, runAsGroup: 1000680000}}\n\
                  proxy: {runAsUser: 1000680001}\n";
    let objects = render(values);
    taken(&objects);
    let config = &find(&objects, "ConfigMap", "values-gatewright")["data"];
    assert_eq!((&config["hsts-max-age"], &config["proxy-body-size"]), (&json!("31536000"), &json!("10485760")));
    let pod = &find(&objects, "Deployment", "values-gatewright")["spec"]["template"]["spec"];
    assert!(pod["containers"][0]["args"].as_array().unwrap().contains(&json!("--sync-period=1000000")), "{pod}");
    assert!(pod["containers"][1]["args"].as_array().unwrap().contains(&json!("--allow-uid=1000680000")), "{pod}");
    assert_eq!(pod["containers"][1]["securityContext"]["runAsUser"], 1_000_680_001);
}

/// All of it, but what has no content has none in the way of a key without a value.
fn emptied(values: &Value) -> Value {
    // Probes are handed on as they are.
    let part = |(key, part): (&String, &Value)| (key.clone(), if key.ends_with("Probe") { part.clone() } else { emptied(part) });
    match values {
        Value::Object(parts) if !parts.is_empty() => parts.iter().map(part).collect(),
        empty if [json!({}), json!([]), json!(""), json!(false), json!(0)].contains(empty) => Value::Null,
        other => other.clone(),
    }
}

#[test]
fn a_key_whose_values_are_all_commented_out_is_as_if_it_were_not_there() {
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/helm/gatewright/values.yaml");
    let empty = emptied(&documents(&std::fs::read_to_string(chart).unwrap())[0]);
    assert_eq!(empty["controller"]["extraArgs"], Value::Null);
    assert_eq!(render(&empty.to_string()), render(""));
    let mut more = empty;
    for part in ["metrics", "autoscaling", "admissionWebhooks", "admissionPolicy", "networkPolicy"] {
        more["controller"][part]["enabled"] = json!(true);
    }
    more["controller"]["service"]["internal"]["enabled"] = json!(true);
    more["controller"]["service"]["internal"]["annotations"] = json!({"a": "b"});
    more["defaultBackend"]["enabled"] = json!(true);
    taken(&render(&more.to_string()));
}

#[test]
fn the_values_of_ingress_nginx_become_what_they_become_there() {
    let objects = render(include_str!("values-followed.yaml"));
    taken(&objects);
    for (kind, name, pointer, expected) in [
        ("Deployment", "own", "/metadata/annotations/note", json!("a")),
        ("Deployment", "own", "/spec/progressDeadlineSeconds", json!(700)),
        ("Deployment", "own", "/spec/template/spec/containers/0/image", json!("registry.example/team/gatewright:two")),
        ("Deployment", "own", "/spec/template/spec/containers/0/name", json!("main")),
        ("Deployment", "own", "/spec/template/spec/containers/0/securityContext/readOnlyRootFilesystem", json!(false)),
        ("Deployment", "own", "/spec/template/spec/containers/0/startupProbe/httpGet/port", json!("prom")),
        ("Deployment", "own", "/spec/template/spec/securityContext/fsGroupChangePolicy", json!("OnRootMismatch")),
        ("Deployment", "own", "/spec/template/spec/hostAliases/0/ip", json!("10.0.0.1")),
        ("Deployment", "own", "/spec/template/metadata/labels/team", json!("c")),
        ("PodDisruptionBudget", "own", "/spec/maxUnavailable", json!("25%")),
        ("PodDisruptionBudget", "own", "/spec/minAvailable", Value::Null),
        ("PodDisruptionBudget", "own", "/spec/unhealthyPodEvictionPolicy", json!("AlwaysAllow")),
        ("HorizontalPodAutoscaler", "own", "/spec/behavior/scaleDown/stabilizationWindowSeconds", json!(300)),
        ("IngressClass", "nginx-two", "/spec/controller", json!("gatewright.dev/ingress")),
        ("ConfigMap", "own", "/data/add-headers", json!("values/own-custom-add-headers")),
        ("ConfigMap", "own", "/data/proxy-set-headers", json!("values/own-custom-proxy-headers")),
        ("ConfigMap", "own", "/data/allow-snippet-annotations", json!("true")),
        ("ConfigMap", "own", "/data/ssl-dh-param", json!("values/own")),
        ("ConfigMap", "own", "/data/error-log-level", json!("own")),
        ("ConfigMap", "own", "/metadata/annotations/note", json!("b")),
        ("ConfigMap", "own-custom-add-headers", "/data/X-Frame-Options", json!("DENY")),
        ("ConfigMap", "own-custom-proxy-headers", "/data/X-Level", json!("7")),
        ("ConfigMap", "own-tcp", "/data/22", json!("values/git:22")),
        ("ConfigMap", "own-tcp", "/metadata/annotations/note", json!("c")),
        ("Service", "own", "/spec/healthCheckNodePort", json!(30_021)),
        ("Service", "own", "/spec/trafficDistribution", json!("PreferClose")),
        ("Service", "own", "/spec/allocateLoadBalancerNodePorts", json!(false)),
        ("Service", "own", "/spec/ports/2/name", json!("p-22-tcp")),
        ("Service", "own", "/spec/ports/2/nodePort", json!(30_022)),
        ("Service", "own-internal", "/metadata/annotations/internal", json!("yes")),
        ("Service", "own-internal", "/spec/type", json!("ClusterIP")),
        ("Service", "own-internal", "/spec/ports/0/port", json!(8080)),
        ("Service", "own-internal", "/spec/ports/1/port", json!(443)),
        ("Service", "own-metrics", "/spec/type", json!("NodePort")),
        ("Service", "own-metrics", "/metadata/labels/scraped", json!("yes")),
        ("ServiceMonitor", "own", "/spec/endpoints/0/interval", json!("15s")),
        ("ServiceMonitor", "own", "/metadata/namespace", json!("monitoring")),
        ("ServiceMonitor", "own", "/spec/selector/matchLabels/app.kubernetes.io~1component", json!("metrics")),
        ("Deployment", "own-errors", "/spec/template/spec/containers/0/image", json!("registry.example/errors:2")),
        ("Deployment", "own-errors", "/spec/template/spec/containers/0/ports/0/containerPort", json!(8081)),
        ("PodDisruptionBudget", "own-errors", "/spec/minAvailable", json!(1)),
        ("Service", "own-errors", "/spec/ports/0/port", json!(81)),
        ("PrometheusRule", "own", "/spec/groups/0/rules/0/alert", json!("Down")),
    ] {
        let object = find(&objects, kind, name);
        assert_eq!(object.pointer(pointer).unwrap_or(&Value::Null), &expected, "{kind} {name} {pointer}: {object}");
    }
    let arguments = find(&objects, "Deployment", "own")["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
    for flag in ["--election-ttl=45s", "--healthz-host=0.0.0.0", "--default-backend-service=values/own-errors"] {
        assert!(arguments.contains(flag), "{flag}: {arguments}");
    }
}

#[test]
fn both_containers_are_told_how_long_requests_are_taken_at_the_end() {
    let objects = Chart::new("values", &["controller.extraArgs.shutdown-grace-period=15"]).render().unwrap();
    let containers = &find(&objects, "Deployment", "values-gatewright")["spec"]["template"]["spec"]["containers"];
    for container in [0, 1] {
        let arguments = containers[container]["args"].to_string();
        assert!(arguments.contains("--shutdown-grace-period=15"), "{container}: {arguments}");
    }
}

#[test]
fn ports_are_those_of_the_final_command_line() {
    let values =
        ["controller.extraArgs.http-port=8000", "controller.extraArgs.healthz-port=9000", "controller.extraArgs.enable-ssl-passthrough="];
    let objects = Chart::new("values", &values).render().unwrap();
    taken(&objects);
    let pod = &find(&objects, "Deployment", "values-gatewright")["spec"]["template"]["spec"];
    let ports = |container: usize| pod["containers"][container]["ports"][0]["containerPort"].clone();
    assert_eq!((ports(0), ports(1)), (json!(9000), json!(8000)), "{pod}");
    assert_eq!(pod["securityContext"]["sysctls"][0]["value"], "442", "passed through is what comes in at this port");
    let host = Chart::new("values", &["controller.hostPort.enabled=true", "tcp.9000=a/db:5432"]).render().unwrap();
    let pod = &find(&host, "Deployment", "values-gatewright")["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][1]["ports"][2]["hostPort"], 9000, "{pod}");
}

#[test]
fn long_names_stay_names_of_services() {
    let long = "a".repeat(63);
    let values = format!(
        "{{fullnameOverride: {long}, nameOverride: {long}, defaultBackend: {{enabled: true}}, controller: {{metrics: {{enabled: true}}, \
         service: {{external: {{enabled: false}}, internal: {{enabled: true, annotations: {{a: b}}}}}}}}}}"
    );
    let objects = render(&values);
    taken(&objects);
    let internal = format!("{}-internal", &long[..54]);
    find(&objects, "Service", &internal);
    let arguments = find(&objects, "Deployment", &long)["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
    assert!(arguments.contains(&format!("--publish-service=values/{internal}")), "{arguments}");
}

#[test]
fn keda_scales_in_place_of_the_chart() {
    let values = "controller: {keda: {enabled: true, minReplicas: 2, triggers: [{type: cpu, metadata: {value: '50'}}], \
                  behavior: {scaleDown: {stabilizationWindowSeconds: 300}}}}\n";
    let objects = render(values);
    let scaled = &find(&objects, "ScaledObject", "values-gatewright")["spec"];
    assert_eq!((&scaled["scaleTargetRef"]["name"], &scaled["minReplicaCount"]), (&json!("values-gatewright"), &json!(2)));
    let behavior = &scaled["advanced"]["horizontalPodAutoscalerConfig"]["behavior"];
    assert_eq!(behavior["scaleDown"]["stabilizationWindowSeconds"], 300, "{scaled}");
    assert_eq!(find(&objects, "Deployment", "values-gatewright")["spec"]["replicas"], Value::Null);
    assert_eq!(find(&objects, "PodDisruptionBudget", "values-gatewright")["spec"]["minAvailable"], 1);
    let both = ["controller.keda.enabled=true", "controller.autoscaling.enabled=true"];
    assert!(Chart::new("values", &both).render().unwrap_err().contains("cannot both be set"));
}

#[test]
fn a_configmap_or_a_service_can_be_elsewhere() {
    let chart = Chart::new("values", &["controller.configMapNamespace=values-other", "controller.config.a=b"]);
    let objects = chart.render().unwrap();
    assert!(objects.iter().all(|object| object["kind"] != "ConfigMap"), "{objects:#?}");
    assert!(chart.notes().contains("ConfigMap values-other/values-gatewright, which this chart does not make"));
    let internal = [
        "controller.service.external.enabled=false",
        "controller.service.internal.enabled=true",
        "controller.service.internal.annotations.a=b",
    ];
    let objects = Chart::new("values", &internal).render().unwrap();
    let arguments = find(&objects, "Deployment", "values-gatewright")["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
    assert!(arguments.contains("--publish-service=values/values-gatewright-internal"), "{arguments}");
    assert!(
        Chart::new("values", &["controller.service.internal.enabled=true"])
            .notes()
            .contains("without controller.service.internal.annotations")
    );
}

#[test]
fn ingress_nginx_is_taken_over_with_what_the_notes_say() {
    let advised =
        |notes: &str| -> Vec<String> { notes.lines().filter_map(|line| line.trim().strip_prefix("--set ")).map(str::to_owned).collect() };
    let mut chart = Chart::new("values", &[]);
    chart.values = advised(&chart.notes());
    let objects = chart.render().unwrap();
    let arguments = find(&objects, "Deployment", "values-gatewright")["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
    for flag in ["--controller-class=k8s.io/ingress-nginx", "--ingress-class=nginx"] {
        assert!(arguments.contains(flag), "{flag}: {arguments}");
    }
    assert!(objects.iter().all(|object| object["kind"] != "IngressClass"), "that of ingress-nginx is there");
    let notes = chart.notes();
    assert!(notes.contains("kubernetes.io/ingress.class: nginx") && !notes.contains("ingressClassName: gatewright"), "{notes}");
    chart.values.extend(advised(&notes));
    assert_eq!(find(&chart.render().unwrap(), "IngressClass", "nginx")["spec"]["controller"], "k8s.io/ingress-nginx");
    assert!(chart.notes().contains("ingressClassName: nginx"));
}

#[test]
fn what_cannot_be_followed_is_named_after_the_installation() {
    for (value, told) in [
        ("controller.admissionWebhooks.patch.enabled=true", "controller.admissionWebhooks.patch.enabled has no effect"),
        ("controller.maxmindLicenseKey=a", "controller.maxmindLicenseKey has no effect"),
        ("controller.customTemplate.configMapName=a", "controller.customTemplate.configMapName has no effect"),
        ("controller.extraModules[0].name=a", "controller.extraModules has no effect"),
        ("controller.opentelemetry.enabled=true", "controller.opentelemetry.enabled has no effect"),
        ("controller.image.chroot=true", "controller.image.chroot has no effect"),
        ("controller.enableMimalloc=false", "controller.enableMimalloc has no effect"),
        ("controller.enableAnnotationValidations=false", "controller.enableAnnotationValidations has no effect"),
        ("controller.shareProcessNamespace=true", "controller.shareProcessNamespace has no effect"),
        ("controller.name=other", "controller.name has no effect"),
        ("controller.image.repository=registry.k8s.io/ingress-nginx/controller", "gatewright:0.1.0 is run"),
        ("serviceAccount.automountServiceAccountToken=false", "serviceAccount.automountServiceAccountToken has no effect"),
        ("defaultBackend.networkPolicy.enabled=true", "defaultBackend.networkPolicy.enabled has no effect"),
        ("defaultBackend.extraConfigMaps[0].name=a", "defaultBackend.extraConfigMaps has no effect"),
        ("defaultBackend.serviceAccount.name=a", "defaultBackend.serviceAccount.name has no effect"),
        ("rbac.secrets=false", "self-signed certificate"),
    ] {
        let notes = Chart::new("values", &[value]).notes();
        assert!(notes.contains(told), "{value}: {notes}");
    }
    assert!(!Chart::new("values", &[]).notes().contains("no effect"), "nothing is named that nobody has set");
    let host = Chart::new("values", &["controller.hostNetwork=true", "controller.containerPort.http=80"]);
    assert!(host.notes().contains("net.ipv4.ip_unprivileged_port_start on the nodes"));
}

#[test]
fn values_that_the_api_server_would_refuse_are_refused_before() {
    for (value, part) in [
        ("controller.podAnnotations.x=true", "podAnnotations/x"),
        ("controller.podLabels.x=1", "podLabels/x"),
        ("commonLabels.x=1", "commonLabels/x"),
        ("controller.service.annotations.x=true", "annotations/x"),
        ("imagePullSecrets={a}", "imagePullSecrets/0"),
        ("controller.extraEnvs[0].value=1", "extraEnvs/0"),
        ("controller.extraEnvs[0].nam=a", "extraEnvs/0"),
        ("controller.resources.request.cpu=1", "request"),
        ("controller.livenessProbe.periodSeconds=x", "periodSeconds"),
        ("controller.updateStrategy.typ=Recreate", "typ"),
        ("controller.ingressClassResource.parameters.knd=a", "knd"),
        ("controller.containerPort.http=8080,tcp.80=a/b:1", "tcp.80: this port is that of controller.service.ports.http"),
        ("tcp.80=a/b:1", "tcp.80: this port is that of controller.containerPort.http"),
        ("tcp.10254=a/b:1", "tcp.10254: this port is that of controller.metrics.port"),
        ("udp.10247=a/b:1", "udp.10247: this port is that of a port of the controller"),
        ("tcp.70000=a/b:1", "at '/tcp': additional properties '70000' not allowed"),
        ("controller.service.nodePorts.tcp.db=30000", "at '/controller/service/nodePorts/tcp': additional properties 'db' not allowed"),
        ("fullnameOverride=A_b", "fullnameOverride"),
        ("controller.ingressClassResource.name=Nginx", "ingressClassResource/name"),
        ("controller.ingressClassResource.aliases={a b}", "ingressClassResource/aliases/0"),
        ("tcp.9000=db", "tcp/9000"),
        ("proxy.runAsUser=101", "proxy.runAsUser and controller.image.runAsUser are both 101"),
        ("controller.publishService.pathOverride=web", "pathOverride"),
        ("controller.extraArgs.proxy=haproxy", "controller.extraArgs.proxy: the container of the proxy has to know it too; use proxy.kind"),
        ("controller.extraArgs.state-dir=/a", "controller.extraArgs.state-dir: it cannot be changed in a Pod"),
        ("defaultBackend.replicas=2", "replicas"),
        ("controller.extraArgs.http-port=80a", "controller.extraArgs.http-port: \"80a\" is not a port; a number from 1 to 65535 is"),
        ("controller.extraArgs.healthz-port=65536", "controller.extraArgs.healthz-port: \"65536\" is not a port"),
        ("controller.service=null", "at '/controller': missing property 'service'"),
        ("controller.service.ports=null", "at '/controller/service': missing property 'ports'"),
        ("defaultBackend=null", "missing property 'defaultBackend'"),
        ("controller.extraArgs.default-ssl-certificate=web", "--default-ssl-certificate: \"web\" has to be namespace/name"),
        ("controller.extraArgs.--v=2", "controller.extraArgs.--v: flags stand here without dashes; write v"),
        ("controller.admissionPolicy.actions={Deny,Warn}", "controller.admissionPolicy.actions: Deny and Warn exclude each other"),
        ("controller.admissionWebhooks.enabld=true", "at '/controller/admissionWebhooks': additional properties 'enabld' not allowed"),
        ("controller.admissionWebhooks.service.type=clusterip", "/controller/admissionWebhooks/service/type"),
        ("controller.resources.limits.memory=1Gb", "/controller/resources/limits/memory"),
        ("proxy.stateSizeLimit=1Gb", "/proxy/stateSizeLimit"),
        ("controller.image.digest=abc", "/controller/image/digest"),
        ("controller.image.registry=a.example/", "/controller/image/registry"),
        ("proxy.image.repository=nginx:1.27", "proxy.image.repository: \"nginx:1.27\" has a version, which goes into proxy.image.tag or"),
        ("controller.ingressClassResource.controllerValue=nginx", "/controller/ingressClassResource/controllerValue"),
        ("controller.scope.namespace=Shop", "/controller/scope/namespace"),
        ("controller.healthCheckPath=healthz", "/controller/healthCheckPath"),
        ("controller.autoscaling.minReplicas=0", "/controller/autoscaling/minReplicas"),
        ("dhParam=-----BEGIN DH PARAMETERS-----", "dhParam has to be in base64"),
        (
            "controller.hostPort.enabled=true,controller.hostPort.ports.https=80",
            "controller.hostPort.ports.http and controller.hostPort.ports.https are both \"80\"; each port of the host needs a number of its own",
        ),
    ] {
        let error = Chart::new("refused", &[value]).render().unwrap_err();
        assert!(error.contains(part), "{value}: {error}");
    }
    for section in ["controller.autoscaling", "controller.keda", "defaultBackend.autoscaling"] {
        let values = ["enabled=true", "minReplicas=5", "maxReplicas=2"].map(|value| format!("{section}.{value}"));
        let error = Chart::new("refused", &values.each_ref().map(String::as_str)).render().unwrap_err();
        assert!(error.contains(&format!("{section}.minReplicas is 5 and .maxReplicas 2")), "{error}");
    }
    let objects = Chart::new("values", &["udp.53=a/dns:53", "proxy.mode=signal", "proxy.runAsUser=101"]).render().unwrap();
    taken(&objects);
}
