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
    let elsewhere = [&host[..], &["controller.containerPort.http=8080", "controller.containerPort.https=8443"]].concat();
    let notes = Chart::new("refused", &elsewhere).notes();
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
        let constraints = format!("[{{maxSkew: 1, topologyKey: '{{{{ include \"{name}\" . }}}}', whenUnsatisfiable: ScheduleAnyway}}]");
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
        ("controller.metrics.port=80", "controller.containerPort.http and controller.metrics.port are both 80"),
        ("controller.containerPort.http=10246", "controller.containerPort.http and the status port of the proxy are both 10246"),
        ("controller.extraArgs.status-port=80", "controller.containerPort.http and controller.extraArgs.status-port are both 80"),
        ("controller.extraArgs.healthz-port=80", "controller.containerPort.http and controller.extraArgs.healthz-port are both 80"),
        ("controller.containerPort.http=443", "controller.containerPort.http and controller.containerPort.https are both 443"),
        (
            "controller.extraArgs.enable-ssl-passthrough=,controller.containerPort.http=442",
            "controller.containerPort.http and the port of --enable-ssl-passthrough are both 442",
        ),
        ("udp.443=a/b:1", "udp.443: this port is that of controller.containerPort.https"),
        (
            "controller.containerPort.http=8080,tcp.80=a/b:1,controller.service.enabled=false,controller.hostPort.enabled=true",
            "tcp.80: this port is that of controller.hostPort.ports.http",
        ),
    ] {
        assert_refused(&[values], part);
    }
    rendered(&["controller.containerPort.http=442"]);
    let low =
        rendered(&["controller.metrics.port=70", "controller.admissionWebhooks.enabled=true", "controller.admissionWebhooks.port=443"]);
    let start = |name: &str| {
        let is_it = |object: &&Value| object["kind"] == "Deployment" && object["metadata"]["name"] == name;
        low.iter().find(is_it).unwrap()["spec"]["template"]["spec"]["securityContext"]["sysctls"][0]["value"].clone()
    };
    assert_eq!((start("refused-gatewright"), start("refused-gatewright-admission")), (json!("70"), json!("443")));
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
fn addresses_ports_and_shares_that_are_none_are_refused_with_what_would_do() {
    for (value, told) in [
        ("controller.minAvailable=200%", "controller.minAvailable: \"200%\" is not a number of Pods, or a share of them from 0% to 100%"),
        ("defaultBackend.maxUnavailable=101%", "defaultBackend.maxUnavailable: \"101%\" is not a number of Pods"),
        ("controller.updateStrategy.rollingUpdate.maxSurge=150%", "controller.updateStrategy.rollingUpdate.maxSurge: \"150%\" is not"),
        (
            "controller.service.loadBalancerSourceRanges={192.0.2.0/24,10.0.0.0/99}",
            "controller.service.loadBalancerSourceRanges[1]: \"10.0.0.0/99\" is not a network such as 192.0.2.0/24",
        ),
        ("controller.networkPolicy.apiServer={fd00::/129}", "controller.networkPolicy.apiServer[0]: \"fd00::/129\" is not a network"),
        ("controller.service.loadBalancerIP=x", "controller.service.loadBalancerIP: \"x\" is not an IP address such as 192.0.2.10"),
        ("controller.metrics.service.clusterIP=none", "controller.metrics.service.clusterIP: \"none\" is not an IP address, or None"),
        ("defaultBackend.service.externalIPs={10.0.0.256}", "defaultBackend.service.externalIPs[0]: \"10.0.0.256\" is not an IP address"),
        ("controller.hostAliases[0].ip=1:2::3::4", "controller.hostAliases[0].ip: \"1:2::3::4\" is not an IP address"),
        ("controller.dnsConfig.nameservers={one}", "controller.dnsConfig.nameservers[0]: \"one\" is not an IP address"),
        ("controller.service.nodePorts.http=70000", "at '/controller/service/nodePorts/http': maximum: got 70,000, want 65,535"),
        ("controller.service.internal.nodePorts.tcp.9000=-1", "at '/controller/service/internal/nodePorts/tcp/9000': minimum"),
        ("controller.image.runAsUser=99999999999", "at '/controller/image/runAsUser': maximum"),
        ("controller.service.targetPorts.http=70000", "at '/controller/service/targetPorts/http': maximum"),
        (
            "defaultBackend.livenessProbe.successThreshold=2",
            "defaultBackend.livenessProbe.successThreshold is 2; for this probe it can be 1",
        ),
        ("dhParam=x", "dhParam has to be in base64"),
        ("controller.admissionWebhooks.caBundle=x", "controller.admissionWebhooks.caBundle has to be in base64"),
        (
            "controller.metrics.serviceMonitor.scrapeInterval=often",
            "controller.metrics.serviceMonitor.scrapeInterval: \"often\" is not a duration of Prometheus; use one such as 30s or 1m30s",
        ),
        ("controller.resources.limits.cpu=-1", "at '/controller/resources/limits/cpu'"),
    ] {
        assert_refused(&[value], told);
    }
    let as_text = Chart::new("refused", &[]).with_file("controller: {service: {nodePorts: {https: '70000'}}}").render().unwrap_err();
    assert!(as_text.contains("controller.service.nodePorts.https: \"70000\" is not a port; a number from 1 to 65535 is"), "{as_text}");
    let good = [
        "controller.service.loadBalancerSourceRanges={0.0.0.0/0,::/0,fd00:1::/48}",
        "controller.service.externalIPs={fd00::1:2,::1,1:2:3:4:5:6:7:8,255.255.255.255}",
        "controller.hostAliases[0].ip=::",
        "controller.maxUnavailable=100%",
        "controller.service.nodePorts.http=30080",
        "controller.service.nodePorts.https=",
    ];
    rendered(&good);
}

#[test]
fn names_keys_and_labels_that_are_none_are_refused_with_what_would_do() {
    let name = "is not the name of an object; use small letters, digits, and dashes or dots between them";
    let image = "is not the name of an image; after a registry, only small letters and digits are in it";
    for (value, told) in [
        ("controller.electionID=A_B", format!("controller.electionID: \"A_B\" {name}")),
        ("controller.extraArgs.election-id=A_B", "controller.extraArgs.election-id: \"A_B\" has to be the name of an object".to_owned()),
        ("controller.extraArgs.publish-service=a/B", "--publish-service: \"a/B\" has to be namespace/name".to_owned()),
        ("controller.priorityClassName=High", format!("controller.priorityClassName: \"High\" {name}")),
        ("controller.runtimeClassName=a..b", format!("controller.runtimeClassName: \"a..b\" {name}")),
        ("serviceAccount.name=-a", format!("serviceAccount.name: \"-a\" {name}")),
        ("imagePullSecrets[0].name=a b", format!("imagePullSecrets[0].name: \"a b\" {name}")),
        ("controller.ingressClassResource.aliases={a..b}", format!("controller.ingressClassResource.aliases[0]: \"a..b\" {name}")),
        ("controller.hostname=a.b", "controller.hostname: \"a.b\" is not a name of this kind".to_owned()),
        ("controller.image.repository=Foo/Bar", format!("controller.image.repository: \"Foo/Bar\" {image}")),
        ("proxy.image.repository=registry.example/a//b", format!("proxy.image.repository: \"registry.example/a//b\" {image}")),
        ("defaultBackend.image.image=Back", format!("defaultBackend.image.image: \"Back\" {image}")),
        ("global.image.registry=a b", "global.image.registry: \"a b\" is not a registry such as registry.example:5000".to_owned()),
        ("controller.nodeSelector.disk=a b", "controller.nodeSelector.disk: \"a b\" is not the value of a label".to_owned()),
        ("controller.podLabels.a b=c", "controller.podLabels.a b: \"a b\" is not such a key; use a name such as team".to_owned()),
        ("commonLabels.team=a/b", "commonLabels.team: \"a/b\" is not the value of a label".to_owned()),
        ("controller.service.annotations.a b=c", "controller.service.annotations.a b: \"a b\" is not the key of an annotation".to_owned()),
        ("controller.service.loadBalancerClass=a b", "controller.service.loadBalancerClass: \"a b\" is not such a key".to_owned()),
        ("controller.config.a b=c", "controller.config.a b: \"a b\" is not a key of a ConfigMap; use letters".to_owned()),
        ("controller.sysctls.net core=1", "controller.sysctls.net core: \"net core\" is not the name of a sysctl".to_owned()),
        (
            "controller.scope.namespaceSelector=team a",
            "controller.scope.namespaceSelector: \"team a\" is not a selector of labels".to_owned(),
        ),
        ("controller.admissionWebhooks.namespaceSelector.team=a", "additional properties 'team' not allowed".to_owned()),
        ("controller.autoscaling.behavior.scaleup.a=b", "additional properties 'scaleup' not allowed".to_owned()),
        ("controller.autoscalingTemplate[0].name=a", "missing property 'type'".to_owned()),
        ("controller.topologySpreadConstraints[0].maxSkew=1", "missing properties 'topologyKey', 'whenUnsatisfiable'".to_owned()),
        ("controller.service.trafficDistribution=near", "value must be one of '', 'PreferClose'".to_owned()),
    ] {
        assert_refused(&[value], &told);
    }
    let good = [
        "controller.electionID=ingress.leader-2",
        "controller.image.repository=Registry.example:5000/team/gate_wright",
        "defaultBackend.image.registry=localhost",
        "controller.priorityClassName=system-node-critical",
        "controller.podAnnotations.Example\\.com/A=b",
        "controller.service.loadBalancerClass=example.com/Internal",
        "controller.sysctls.net/core/somaxconn=1024",
        "controller.scope.namespaceSelector=team in (a\\, b)\\,!old\\,tier!=web\\,example.com/x",
        "controller.metrics.serviceMonitor.scrapeInterval=1m30s",
    ];
    rendered(&good);
}

#[test]
fn values_that_need_each_other_are_told_together() {
    let parameters = |values: &str| values.replace("parameters", "controller.ingressClassResource.parameters");
    let toleration = |part: &str| format!("controller.tolerations[0].{part}");
    for (values, told) in [
        (parameters("parameters.name=x"), "controller.ingressClassResource.parameters.kind is missing"),
        (parameters("parameters.kind=ConfigMap"), "controller.ingressClassResource.parameters.name is missing"),
        (parameters("parameters.kind=ConfigMap,parameters.name=a/b"), "parameters.name: \"a/b\" cannot stand in a path of the API"),
        (parameters("parameters.kind=A,parameters.name=b,parameters.scope=Namespace"), "parameters.scope=Namespace needs"),
        (parameters("parameters.kind=A,parameters.name=b,parameters.namespace=c"), "parameters.namespace needs"),
        (parameters("parameters.apiGroup=A_b,parameters.kind=A,parameters.name=b"), "/controller/ingressClassResource/parameters/apiGroup"),
        (toleration("operator=Is"), "value must be one of '', 'Exists', 'Equal', 'Lt', 'Gt'"),
        (toleration("effect=Never"), "value must be one of '', 'NoSchedule'"),
        (toleration("value=a"), "controller.tolerations[0].key is missing; only with operator Exists all taints are tolerated"),
        (
            toleration("operator=Exists,controller.tolerations[0].value=a"),
            "controller.tolerations[0].value: with operator Exists any value is tolerated",
        ),
        (
            toleration("operator=Exists,controller.tolerations[0].tolerationSeconds=5"),
            "controller.tolerations[0].tolerationSeconds needs effect NoExecute",
        ),
        ("controller.updateStrategy.type=OnDelete".to_owned(), "OnDelete is none of a Deployment; use RollingUpdate or Recreate"),
        (
            "controller.kind=DaemonSet,controller.updateStrategy.type=Recreate".to_owned(),
            "Recreate is none of a DaemonSet; use RollingUpdate or OnDelete",
        ),
        (
            "controller.updateStrategy.type=Recreate,controller.updateStrategy.rollingUpdate.maxSurge=1".to_owned(),
            "controller.updateStrategy.rollingUpdate needs type RollingUpdate; it is Recreate",
        ),
        (
            "controller.updateStrategy.rollingUpdate.maxSurge=0,controller.updateStrategy.rollingUpdate.maxUnavailable=0%".to_owned(),
            "maxSurge and maxUnavailable are both 0, so that no Pod could be replaced",
        ),
        (
            "controller.kind=DaemonSet,controller.updateStrategy.rollingUpdate.maxSurge=1".to_owned(),
            "a DaemonSet takes maxSurge only with maxUnavailable 0",
        ),
        ("controller.minReadySeconds=600".to_owned(), "controller.minReadySeconds is 600 and progressDeadlineSeconds 600"),
        (
            "controller.image.seccompProfile.type=Localhost".to_owned(),
            "controller.image.seccompProfile: type Localhost and localhostProfile need",
        ),
        (
            "controller.service.type=NodePort,controller.service.loadBalancerSourceRanges={192.0.2.0/24}".to_owned(),
            "controller.service.loadBalancerSourceRanges needs type LoadBalancer; it is NodePort",
        ),
        (
            "controller.service.type=ClusterIP,controller.service.externalTrafficPolicy=Local".to_owned(),
            "controller.service.externalTrafficPolicy needs type LoadBalancer or NodePort",
        ),
        ("controller.service.healthCheckNodePort=30000".to_owned(), "controller.service.healthCheckNodePort needs type LoadBalancer and"),
        (
            "controller.service.sessionAffinityConfig.clientIP.timeoutSeconds=9".to_owned(),
            "sessionAffinityConfig needs sessionAffinity ClientIP",
        ),
        (
            "controller.service.ipFamilies={IPv4,IPv6}".to_owned(),
            "controller.service.ipFamilies names two; use ipFamilyPolicy PreferDualStack",
        ),
    ] {
        assert_refused(&[&values], told);
    }
    rendered(&["controller.tolerations[0].operator=Exists", "controller.kind=DaemonSet", "controller.updateStrategy.type=OnDelete"]);
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
fn the_notes_say_where_the_image_is_looked_for_and_how_hosts_are_reached() {
    let notes = Chart::new("refused", &[]).notes();
    assert!(notes.contains("controller.image names no registry: where no node has gatewright:0.1.0 by itself"), "{notes}");
    assert!(notes.contains("\n  kubectl get service refused-gatewright --namespace refused\n"), "{notes}");
    let named = ["controller.image.repository=registry.example/team/gatewright", "controller.service.external.enabled=false"];
    let notes = Chart::new("refused", &named).notes();
    assert!(!notes.contains("names no registry") && !notes.contains("kubectl get service"), "{notes}");
    let internal = ["controller.service.internal.enabled=true", "controller.service.internal.annotations.a=b"];
    let notes = Chart::new("refused", &[&named[..], &internal[..]].concat()).notes();
    assert!(notes.contains("\n  kubectl get service refused-gatewright-internal --namespace refused\n"), "{notes}");
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
