//! The tables of the chart's README against its values, and against those of the chart of ingress-nginx.

use crate::world::of_repository;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const CHART: &str = "deploy/helm/gatewright";

/// What people set in the chart of ingress-nginx, without what Kubernetes is handed as it stands.
const COMMON: &str = "\
    controller.{config,extraArgs,allowSnippetAnnotations,enableAnnotationValidations,addHeaders,proxySetHeaders} \
    controller.ingressClassResource.{name,enabled,default,controllerValue,parameters,aliases,annotations} \
    controller.{ingressClass,ingressClassByName,watchIngressWithoutClass,electionID,electionTTL,disableLeaderElection} \
    controller.publishService.{enabled,pathOverride} controller.scope.{enabled,namespace,namespaceSelector} rbac.{create,scope} \
    controller.{configMapNamespace,tcp.configMapNamespace,udp.configMapNamespace,reportNodeInternalIp,enableTopologyAwareRouting} \
    controller.{healthCheckPath,healthCheckHost,maxmindLicenseKey,customTemplate.configMapName,extraModules,image.chroot} \
    controller.{enableMimalloc,kind,replicaCount,minAvailable,maxUnavailable,autoscaling.enabled,keda.enabled,resources} \
    controller.{nodeSelector,tolerations,affinity,topologySpreadConstraints,priorityClassName,podAnnotations,podLabels} \
    controller.{hostNetwork,dnsPolicy,dnsConfig,hostPort.enabled,hostPort.ports.http,hostPort.ports.https} \
    controller.containerPort.{http,https} controller.{terminationGracePeriodSeconds,lifecycle,updateStrategy,minReadySeconds} \
    controller.{livenessProbe,readinessProbe,startupProbe} \
    controller.image.{registry,image,repository,tag,digest,pullPolicy,runAsUser,runAsGroup,allowPrivilegeEscalation} \
    controller.image.{readOnlyRootFilesystem,seccompProfile} controller.{containerSecurityContext,podSecurityContext,sysctls} \
    controller.{extraEnvs,extraVolumes,extraVolumeMounts,extraContainers,extraInitContainers,networkPolicy.enabled} \
    controller.shareProcessNamespace controller.service.{enabled,annotations,labels,type,clusterIP,externalIPs,loadBalancerIP} \
    controller.service.{loadBalancerClass,loadBalancerSourceRanges,externalTrafficPolicy,sessionAffinity,healthCheckNodePort} \
    controller.service.{allocateLoadBalancerNodePorts,ipFamilyPolicy,ipFamilies,enableHttp,enableHttps,appProtocol} \
    controller.service.{ports,targetPorts}.{http,https} controller.service.nodePorts.{http,https,tcp,udp} \
    controller.service.{trafficDistribution,external.enabled,internal.enabled,internal.annotations} \
    controller.metrics.{enabled,port,service.annotations,service.type,service.servicePort} \
    controller.metrics.serviceMonitor.{enabled,additionalLabels,namespace,scrapeInterval,honorLabels,relabelings,metricRelabelings} \
    controller.metrics.prometheusRule.{enabled,rules} \
    controller.admissionWebhooks.{enabled,port,failurePolicy,timeoutSeconds,namespaceSelector,objectSelector,certificate,key} \
    controller.admissionWebhooks.{patch.enabled,certManager.enabled} \
    serviceAccount.{create,name,automountServiceAccountToken} defaultBackend.{enabled,image.image,replicaCount} \
    imagePullSecrets fullnameOverride namespaceOverride commonLabels revisionHistoryLimit tcp udp portNamePrefix dhParam";

fn text(path: &str) -> String {
    std::fs::read_to_string(of_repository(path)).unwrap()
}

fn values() -> Value {
    serde_yaml::from_str(&text(&format!("{CHART}/values.yaml"))).unwrap()
}

/// The rows of the table with this head, each with its cells.
fn table(head: &str) -> Vec<Vec<String>> {
    let readme = text(&format!("{CHART}/README.md"));
    let rows = readme.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows: Vec<Vec<String>> = rows.map(cells).collect();
    assert!(rows.len() > 10, "{head}: {rows:?}");
    rows
}

/// What stands in backticks.
fn codes(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// A name with `{a,b}` in it, once for each of them.
fn expanded(name: &str) -> Vec<String> {
    let Some((before, rest)) = name.split_once('{') else { return vec![name.to_owned()] };
    let (inside, after) = rest.split_once('}').unwrap();
    inside.split(',').flat_map(|part| expanded(&format!("{before}{part}{after}"))).collect()
}

/// All that a cell names.
fn names(cell: &str) -> Vec<String> {
    codes(cell).into_iter().flat_map(expanded).collect()
}

fn at<'a>(values: &'a Value, name: &str) -> Option<&'a Value> {
    values.pointer(&format!("/{}", name.trim_end_matches(".*").replace('.', "/")))
}

/// Whether `name` is one of these, or below one that ends with a star.
fn is_among(names: &[String], name: &str) -> bool {
    let covers = |own: &String| own.strip_suffix('*').map_or(own == name, |start| name.starts_with(start));
    names.iter().any(covers)
}

const SAME: &str = "| value | default | what it becomes |";
const WITHOUT_EFFECT: &str = "| value | why |";

#[test]
fn what_the_readme_names_is_a_value_with_that_default() {
    let values = values();
    for row in table(SAME) {
        let names = names(&row[0]);
        assert!(!names.is_empty(), "{row:?}");
        for name in &names {
            let value = at(&values, name).unwrap_or_else(|| panic!("{name} is not in values.yaml"));
            assert!(!name.ends_with(".*") || value.is_object(), "{name} has nothing below it");
        }
        let defaults = codes(&row[1]);
        if !defaults.is_empty() {
            let given: Vec<&Value> = names.iter().map(|name| at(&values, name).unwrap()).collect();
            let told: Vec<Value> = defaults.iter().map(|text| serde_yaml::from_str(text).unwrap()).collect();
            assert_eq!(told.iter().collect::<Vec<_>>(), given, "{}", row[0]);
        }
    }
}

#[test]
fn what_people_set_is_in_the_readme() {
    let told: Vec<String> = [SAME, WITHOUT_EFFECT].into_iter().flat_map(table).flat_map(|row| names(&row[0])).collect();
    for name in COMMON.split_whitespace().flat_map(expanded) {
        assert!(is_among(&told, &name), "{name} is in no table of the README");
    }
}

/// Every text, number, switch and list by its name.
fn leaves(values: &Value, at: &str, out: &mut BTreeMap<String, Value>) {
    match values {
        Value::Object(parts) if !parts.is_empty() => {
            parts.iter().for_each(|(key, part)| leaves(part, &format!("{at}.{key}"), out));
        }
        other => drop(out.insert(at.trim_start_matches('.').to_owned(), other.clone())),
    }
}

fn is_empty(value: &Value) -> bool {
    [json!(null), json!(""), json!(false), json!([]), json!({})].contains(value)
}

#[test]
fn defaults_that_are_others_are_in_the_readme_and_no_others() {
    let (mut there, mut here) = (BTreeMap::new(), BTreeMap::new());
    leaves(&serde_yaml::from_str(&text("e2e/tests/cluster/values-of-ingress-nginx.yaml")).unwrap(), "", &mut there);
    leaves(&values(), "", &mut here);
    // Where the images of ingress-nginx are is no default of its own.
    there.remove("global.image.registry");
    let differ =
        |(name, value): &(&String, &Value)| here.get(*name).is_some_and(|own| own != *value && !(is_empty(own) && is_empty(value)));
    let mut differing: Vec<&str> = there.iter().filter(differ).map(|(name, _)| name.as_str()).collect();
    let rows = table("| value | there | here | why |");
    for row in &rows {
        let name = codes(&row[0])[0];
        for (cell, values) in [(&row[1], &there), (&row[2], &here)] {
            for told in codes(cell) {
                assert_eq!(serde_yaml::from_str::<Value>(told).unwrap(), values[name], "{name}");
            }
        }
    }
    let mut told: Vec<&str> = rows.iter().map(|row| codes(&row[0])[0]).collect();
    told.sort_unstable();
    differing.sort_unstable();
    assert_eq!(told, differing);
}

#[test]
fn what_has_no_effect_is_in_the_readme_as_it_is_told_after_the_installation() {
    let remarks = text(&format!("{CHART}/templates/_remarks.tpl"));
    let (_, list) = remarks.split_once(r#"define "gatewright.withoutEffect""#).unwrap();
    let entry = |line: &str| {
        let words: Vec<&str> = line.trim().strip_prefix("(list ")?.split('"').collect();
        Some(vec![format!("`{}`", words[1]), words[5].to_owned()])
    };
    let told: Vec<Vec<String>> = list.lines().filter_map(entry).collect();
    assert_eq!(table(WITHOUT_EFFECT), told);
}
