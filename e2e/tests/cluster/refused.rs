//! Values of the chart that would become something else than what was meant: done as meant, or refused by name.

use gatewright_e2e::cluster::{Chart, World};
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

#[test]
fn on_the_network_of_the_host_its_ports_are_those_of_the_proxy() {
    let host = ["controller.kind=DaemonSet", "controller.hostNetwork=true", "controller.service.enabled=false"];
    let with_ports = [&host[..], &["controller.hostPort.enabled=true"]].concat();
    let objects = rendered(&with_ports);
    let pod = &find(&objects, "DaemonSet")["spec"]["template"]["spec"];
    let ports = pod["containers"][1]["ports"].as_array().unwrap();
    let port = |at: usize| (ports[at]["containerPort"].clone(), ports[at]["hostPort"].clone());
    assert_eq!((port(0), port(1)), ((json!(80), json!(80)), (json!(443), json!(443))));
    let arguments = pod["containers"][0]["args"].as_array().unwrap();
    assert!(arguments.contains(&json!("--http-port=80")) && arguments.contains(&json!("--https-port=443")), "{arguments:?}");
    let notes = Chart::new("refused", &with_ports).notes();
    assert!(notes.contains("net.ipv4.ip_unprivileged_port_start on the nodes") && !notes.contains("nodes listen on"), "{notes}");
    let notes = Chart::new("refused", &host).notes();
    let told = "nodes listen on 8080 and 8443; with controller.hostPort.enabled=true on the ports of controller.hostPort.ports, \
                which are 80 and 443";
    assert!(notes.contains(told), "{notes}");
    let other = [&with_ports[..], &["controller.extraArgs.http-port=8000"]].concat();
    assert_refused(&other, "controller.extraArgs.http-port is 8000 and controller.hostPort.ports.http 80");
}

#[test]
fn affinities_made_for_ingress_nginx_look_for_the_pods_of_this_chart() {
    let file = r#"
controller:
  affinity:
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - topologyKey: kubernetes.io/hostname
          labelSelector:
            matchExpressions:
              - {key: app.kubernetes.io/name, operator: In, values: ['{{ include "ingress-nginx.name" . }}']}
              - {key: app.kubernetes.io/component, operator: In, values: [controller]}
  topologySpreadConstraints:
    - labelSelector:
        matchLabels:
          app.kubernetes.io/name: '{{ include "ingress-nginx.name" . }}'
          app.kubernetes.io/instance: '{{ .Release.Name }}'
          app.kubernetes.io/component: controller
      topologyKey: topology.kubernetes.io/zone
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
"#;
    let objects = Chart::new("refused", &[]).with_file(file).render().unwrap();
    let template = &find(&objects, "Deployment")["spec"]["template"];
    let wanted = template["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"].as_object().unwrap();
    assert_eq!(wanted.len(), 3);
    for (label, value) in wanted {
        assert_eq!(&template["metadata"]["labels"][label], value, "{label}: {template}");
    }
    let terms = &template["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    assert_eq!(terms[0]["labelSelector"]["matchExpressions"][0]["values"], json!(["gatewright"]));
    let elsewhere = "controller: {config: {a: '{{ include \"ingress-nginx.fullname\" . }}'}, publishService: {pathOverride: \
                     '{{ include \"ingress-nginx.namespace\" . }}/web'}}";
    let objects = Chart::new("refused", &[]).with_file(elsewhere).render().unwrap();
    assert_eq!(find(&objects, "ConfigMap")["data"]["a"], "refused-gatewright");
    assert!(find(&objects, "Deployment").to_string().contains("--publish-service=refused/web"));
    for (section, more) in [("controller", ""), ("defaultBackend", "enabled: true, ")] {
        let name = format!("ingress-nginx.{section}.fullname");
        let constraints = format!("[{{topologyKey: '{{{{ include \"{name}\" . }}}}'}}]");
        let file = format!("{section}: {{{more}topologySpreadConstraints: {constraints}}}");
        let error = Chart::new("refused", &[]).with_file(&file).render().unwrap_err();
        let told = format!("{section}.topologySpreadConstraints: include \"{name}\" is a template of the chart of ingress-nginx");
        assert!(error.contains(&told), "{error}");
    }
}

#[test]
fn a_network_policy_lets_out_what_values_say_and_the_notes_tell_what_it_does_not() {
    let on = "controller.networkPolicy.enabled=true";
    let notes = Chart::new("refused", &[on]).notes();
    for told in ["the API server on 443, 6443 (controller.networkPolicy.apiServerPorts)", "type ExternalName", "extraEgress"] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
    let values = [
        on,
        "controller.networkPolicy.apiServerPorts={8443,16443}",
        "controller.networkPolicy.extraEgress[0].to[0].ipBlock.cidr=192.0.2.0/24",
        "controller.admissionWebhooks.enabled=true",
    ];
    let objects = rendered(&values);
    let policies: Vec<_> = objects.iter().filter(|object| object["kind"] == "NetworkPolicy").collect();
    assert_eq!(policies.len(), 2, "the controller's and the webhook's");
    for policy in policies {
        assert_eq!(policy["spec"]["egress"][1]["ports"], json!([{"port": 8443}, {"port": 16443}]), "{policy}");
        let extra = json!({"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]});
        let is_webhook = policy["metadata"]["name"].as_str().unwrap().ends_with("-admission");
        assert_eq!(policy["spec"]["egress"].as_array().unwrap().contains(&extra), !is_webhook, "{policy}");
    }
    assert!(!Chart::new("refused", &values).notes().contains("ExternalName"), "who has rules knows");
    let host = Chart::new("refused", &[on, "controller.hostNetwork=true"]).notes();
    assert!(host.contains("controller.networkPolicy.enabled has no effect on Pods that are on the network of the host"), "{host}");
    assert_refused(&[on, "controller.networkPolicy.apiServerPorts={kube}"], "/controller/networkPolicy/apiServerPorts/0");
    assert_refused(&[on, "controller.networkPolicy.extraEgress[0].from[0].ipBlock.cidr=a"], "additional properties 'from' not allowed");
}

#[test]
fn a_capability_is_added_where_ports_are_bound_and_all_others_stay_dropped() {
    let values = [
        "controller.containerSecurityContext.capabilities.add={NET_BIND_SERVICE}",
        "controller.containerSecurityContext.capabilities.drop={NET_RAW}",
        "controller.admissionWebhooks.enabled=true",
        "defaultBackend.enabled=true",
        "defaultBackend.containerSecurityContext.capabilities.add={NET_BIND_SERVICE}",
    ];
    let objects = rendered(&values);
    let mut added = Vec::new();
    for workload in objects.iter().filter(|object| object["kind"] == "Deployment") {
        let pod = &workload["spec"]["template"]["spec"];
        let lists = [&pod["initContainers"], &pod["containers"]];
        for container in lists.into_iter().filter_map(Value::as_array).flatten() {
            let capabilities = &container["securityContext"]["capabilities"];
            assert_eq!(capabilities["drop"], json!(["ALL"]), "{container}");
            if capabilities.get("add").is_some() {
                assert_eq!(capabilities["add"], json!(["NET_BIND_SERVICE"]), "{container}");
                added.push(container["name"].as_str().unwrap());
            }
        }
    }
    added.sort_unstable();
    assert_eq!(added, ["defaultbackend", "proxy"]);
    assert!(Chart::new("refused", &values).notes().contains("the proxy's container gets NET_BIND_SERVICE, which helps only where"));
}

#[test]
fn two_listeners_with_one_port_are_refused_with_both_names() {
    for (values, part) in [
        ("controller.metrics.port=8080", "controller.containerPort.http and controller.metrics.port are both 8080"),
        ("controller.containerPort.http=10246", "controller.containerPort.http and the status port of the proxy are both 10246"),
        ("controller.extraArgs.status-port=8080", "controller.containerPort.http and controller.extraArgs.status-port are both 8080"),
        ("controller.extraArgs.healthz-port=8080", "controller.containerPort.http and controller.extraArgs.healthz-port are both 8080"),
        ("controller.containerPort.http=8443", "controller.containerPort.http and controller.containerPort.https are both 8443"),
        (
            "controller.extraArgs.enable-ssl-passthrough=,controller.containerPort.http=442",
            "controller.containerPort.http and the port of --enable-ssl-passthrough are both 442",
        ),
        ("udp.8443=a/b:1", "udp.8443: this port is that of controller.containerPort.https"),
        (
            "tcp.80=a/b:1,controller.service.enabled=false,controller.hostPort.enabled=true",
            "tcp.80: this port is that of controller.hostPort.ports.http",
        ),
    ] {
        assert_refused(&[values], part);
    }
    rendered(&["controller.containerPort.http=442"]);
    let low =
        rendered(&["controller.metrics.port=100", "controller.admissionWebhooks.enabled=true", "controller.admissionWebhooks.port=443"]);
    let start = |name: &str| {
        let is_it = |object: &&Value| object["kind"] == "Deployment" && object["metadata"]["name"] == name;
        low.iter().find(is_it).unwrap()["spec"]["template"]["spec"]["securityContext"]["sysctls"][0]["value"].clone()
    };
    assert_eq!((start("refused-gatewright"), start("refused-gatewright-admission")), (json!("100"), json!("443")));
}

#[test]
fn a_flag_that_the_program_does_not_know_is_refused_with_the_nearest() {
    for (flag, part) in [
        ("http-prot=80", "controller.extraArgs.http-prot: gatewright run has no such flag; the nearest are http-port"),
        (
            "watch_namespace=a",
            "controller.extraArgs.watch_namespace: gatewright run has no such flag; the nearest are watch-namespace, watch-n",
        ),
        ("zzz=1", "controller.extraArgs.zzz: gatewright run has no such flag"),
    ] {
        assert_refused(&[&format!("controller.extraArgs.{flag}")], part);
    }
    // One that has no effect, one of klog, and one of this program only.
    rendered(&["controller.extraArgs.sync-period=10m", "controller.extraArgs.log_dir=/tmp", "controller.extraArgs.log-format=text"]);
}

#[test]
fn a_flag_with_a_value_that_ends_the_program_is_refused() {
    for (flag, part) in [
        ("update-status=flase", "controller.extraArgs.update-status: \"flase\" has to be true or false"),
        ("status-update-interval=abc", "controller.extraArgs.status-update-interval: \"abc\" has to be a number of seconds"),
        ("status-update-interval=", "controller.extraArgs.status-update-interval: \"\" has to be a number of seconds"),
        ("election-ttl=abc", "controller.extraArgs.election-ttl: \"abc\" has to be a duration such as 30s or 1m30s"),
        ("log-level=loud", "controller.extraArgs.log-level: \"loud\" has to be error, warn, info, debug or trace"),
        ("log-format=xml", "controller.extraArgs.log-format: \"xml\" has to be text or json"),
        ("secrets-from=", "controller.extraArgs.secrets-from: \"\" has to be a path"),
        ("v=high", "controller.extraArgs.v: \"high\" has to be a number"),
        ("ipv6=maybe", "controller.extraArgs.ipv6: \"maybe\" has to be true, false or auto"),
        ("watch-namespace=Foo", "controller.extraArgs.watch-namespace: \"Foo\" has to be the name of a namespace"),
    ] {
        assert_refused(&[&format!("controller.extraArgs.{flag}")], part);
    }
    assert_refused(&["controller.electionTTL=soon"], "--election-ttl: \"soon\" has to be a duration such as 30s or 1m30s");
    // What is left to Kubernetes is not known here; an empty value of a switch turns it on, and one of a text is an empty text.
    let good = ["update-status=", "watch-namespace=", "deep-inspect=NO", "election-ttl=1m30s", "v=3", "log-level=$(LEVEL)"];
    let objects = rendered(&good.map(|flag| format!("controller.extraArgs.{flag}")).each_ref().map(|value| &**value));
    let arguments = &find(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"];
    for argument in ["--update-status", "--watch-namespace=", "--deep-inspect=NO", "--v=3", "--log-level=$(LEVEL)"] {
        assert!(arguments.as_array().unwrap().contains(&json!(argument)), "{argument}: {arguments}");
    }
}

#[test]
fn names_of_objects_and_paths_of_secrets_are_looked_at() {
    assert_refused(&["nameOverride=Foo_Bar"], "\"refused-Foo_Bar\", of the names of the release and nameOverride, cannot be the name");
    assert_refused(&["nameOverride=Foo Bar"], "/nameOverride");
    rendered(&["nameOverride=Foo_Bar", "fullnameOverride=foo-bar"]);
    let secret = |at: usize, name: &str| {
        [
            format!("controller.secretVolumes[{at}].secret=shop/{name}"),
            format!("controller.secretVolumes[{at}].volume.secret.secretName={name}"),
        ]
    };
    let values = |second: &str| [secret(0, "cert"), secret(1, second)].concat();
    let text = |values: &[String]| Chart::new("refused", &values.iter().map(String::as_str).collect::<Vec<_>>()).render();
    assert!(text(&values("cert")).unwrap_err().contains("controller.secretVolumes: shop/cert is there twice"));
    text(&values("other")).unwrap();
}

#[test]
fn what_has_no_effect_in_its_place_is_told() {
    for (values, told) in [
        (
            "controller.metrics.serviceMonitor.enabled=true",
            "controller.metrics.serviceMonitor.enabled has no effect without controller.metrics.enabled",
        ),
        (
            "controller.metrics.prometheusRule.enabled=true",
            "controller.metrics.prometheusRule.enabled has no effect without controller.metrics.enabled",
        ),
        (
            "controller.metrics.enabled=true,controller.metrics.serviceMonitor.enabled=true,controller.metrics.service.enabled=false",
            "controller.metrics.serviceMonitor.enabled finds nothing without the Service",
        ),
        ("controller.scope.namespace=a", "controller.scope.namespace has no effect without controller.scope.enabled"),
        ("controller.scope.namespaces={a}", "controller.scope.namespaces has no effect without controller.scope.enabled"),
        ("controller.kind=DaemonSet,controller.autoscaling.enabled=true", "controller.autoscaling.enabled has no effect on a DaemonSet"),
        (
            "controller.autoscaling.enabled=true,proxy.resources.requests.cpu=null",
            "controller.autoscaling cannot measure cpu: it is a percentage of what is requested, and proxy.resources requests none",
        ),
        (
            "controller.autoscaling.enabled=true,controller.extraContainers[0].name=a,controller.extraContainers[0].image=b",
            "cannot measure cpu: it is a percentage of what is requested, and container a of controller.extraContainers requests none",
        ),
        (
            "defaultBackend.enabled=true,defaultBackend.autoscaling.enabled=true",
            "defaultBackend.autoscaling cannot measure memory: it is a percentage of what is requested, and defaultBackend.resources requests",
        ),
    ] {
        let notes = Chart::new("refused", &[values]).notes();
        assert!(notes.contains(told), "{values}: {notes}");
    }
    let quiet = ["controller.autoscaling.enabled=true", "controller.autoscaling.targetMemoryUtilizationPercentage=70"];
    assert!(!Chart::new("refused", &quiet).notes().contains("cannot measure"), "all of the chart's containers request it");
}

#[test]
fn names_that_look_like_numbers_stay_names() {
    let on = ["metrics", "networkPolicy", "admissionWebhooks", "autoscaling"].map(|part| format!("controller.{part}.enabled=true"));
    let world = World::shared();
    world.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: '2024'}\n");
    let mut chart = Chart::new("2024", &["defaultBackend.enabled=true", "controller.autoscaling.minReplicas=2"]).with_file(
        "{fullnameOverride: '1', nameOverride: '1e3', serviceAccount: {name: '7'}, \
         controller: {containerName: '2', priorityClassName: '3', ingressClassResource: {name: '4'}}, defaultBackend: {name: '5'}}",
    );
    chart.values.extend(on);
    for object in chart.render().unwrap().iter().filter(|object| object["kind"] != "CustomResourceDefinition") {
        world.try_object(object).unwrap_or_else(|error| panic!("{error}: {object}"));
    }
}

#[test]
fn what_values_leave_out_is_as_by_default_or_as_the_type_of_the_service_has_it() {
    let pod = |values: &[&str]| find(&rendered(values), "Deployment")["spec"]["template"]["spec"].clone();
    let probe = &pod(&["controller.livenessProbe.httpGet.path=/x"])["containers"][0]["livenessProbe"];
    assert_eq!(probe["httpGet"], json!({"path": "/x", "port": "metrics"}), "{probe}");
    let probe = &pod(&["controller.livenessProbe.tcpSocket.port=9"])["containers"][0]["livenessProbe"];
    assert!(probe.get("httpGet").is_none() && probe["tcpSocket"]["port"] == 9, "{probe}");
    for (kind, is_set) in [("ClusterIP", false), ("NodePort", true), ("LoadBalancer", true)] {
        let values = [
            "controller.metrics.enabled=true",
            "controller.service.nodePorts.http=30080",
            "controller.metrics.service.nodePort=30081",
            &format!("controller.service.type={kind}"),
            &format!("controller.metrics.service.type={kind}"),
        ];
        let objects = rendered(&values);
        let services = objects.iter().filter(|object| object["kind"] == "Service");
        let set = services.filter(|service| service["spec"]["ports"][0].get("nodePort").is_some()).count();
        assert_eq!(set, if is_set { 2 } else { 0 }, "{kind}");
    }
    let wrapped = Chart::new("refused", &[]).with_file("dhParam: |\n  LS0t\n  LS1C\n").render().unwrap();
    assert_eq!(find(&wrapped, "Secret")["data"]["dhparam.pem"], "LS0tLS1C", "lines of base64 are one");
}

#[test]
fn ports_that_nobody_would_answer_on_are_not_opened_and_that_is_told() {
    let streams = ["udp.53=a/dns:53", "tcp.54=a/dns:54", "controller.networkPolicy.enabled=true"];
    for (kind, is_served) in [("proxy.kind=nginx", true), ("proxy.kind=haproxy", false)] {
        let values = [&streams[..], &[kind]].concat();
        let objects = rendered(&values);
        for name in ["Deployment", "Service", "NetworkPolicy"] {
            let text = find(&objects, name).to_string();
            assert_eq!((text.contains("53-udp"), text.contains("54-tcp")), (is_served, true), "{kind}: {text}");
        }
        let told = "udp has no effect with proxy.kind=haproxy, which forwards no datagrams";
        assert_eq!(Chart::new("refused", &values).notes().contains(told), !is_served, "{kind}");
        let start = &find(&objects, "Deployment")["spec"]["template"]["spec"]["securityContext"]["sysctls"][0]["value"];
        assert_eq!(start, if is_served { "53" } else { "54" });
    }
}
