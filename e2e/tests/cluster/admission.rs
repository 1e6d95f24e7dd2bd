//! The API server asks the controller about Ingresses before it stores them.

use gatewright_e2e::cluster::{
    Authority, Chart, Install, Pod, World, app, documents, eventually, free_port, ingress, permissions, post_tls, printed, program,
};
use gatewright_e2e::proxies::Proxy;
use serde_json::{Value, json};
use std::path::Path;

/// Tells the API server whom to ask about the Ingresses of one namespace.
fn ask(world: &World, namespace: &str, port: u16, authority: &Authority) {
    use base64::Engine;
    let bundle = base64::engine::general_purpose::STANDARD.encode(authority.pem());
    world
        .apply_object(&json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": namespace},
            "webhooks": [{
                "name": "validate.nginx.ingress.kubernetes.io", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "failurePolicy": "Fail", "timeoutSeconds": 5,
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "rules": [{"apiGroups": ["networking.k8s.io"], "apiVersions": ["v1"], "resources": ["ingresses"],
                    "operations": ["CREATE", "UPDATE"]}],
                "clientConfig": {"url": format!("https://127.0.0.1:{port}/networking/v1/ingresses"), "caBundle": bundle},
            }],
        }))
        .expect("the API server takes the webhook");
}

/// What the API server says of an Ingress that it does not take.
fn refusal(world: &World, yaml: &str) -> Result<String, String> {
    let object: Value = serde_yaml::from_str(yaml).expect("the YAML of a test is YAML");
    match world.try_object(&object) {
        Ok(()) => Err("it was taken".to_owned()),
        Err(error) => Ok(error.to_string()),
    }
}

fn write_certificate(folder: &Path, authority: &Authority) {
    let (certificate, key) = authority.issue(&["127.0.0.1"]);
    for (name, text) in [("tls.crt", certificate), ("tls.key", key)] {
        let new = folder.join("new");
        std::fs::write(&new, text).expect("there is room for temporary files");
        std::fs::rename(&new, folder.join(name)).expect("it is ours");
    }
}

#[test]
fn adm_1_to_12_the_api_server_stores_what_the_controller_takes() {
    let world = World::shared();
    let ns = "admission";
    let install = Install::on(Proxy::HAPROXY_2_6, world, ns);
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let authority = Authority::new();
    write_certificate(folder.path(), &authority);
    world.apply(&app(ns, "app", &["10.244.9.1"]));
    world.apply(&ingress(ns, "first", ns, "one.test", "app"));
    let port = free_port();
    let file = |flag: &str, name: &str| format!("--validating-webhook-{flag}={}", folder.path().join(name).display());
    let settings = "{annotation-value-word-blocklist: wicked, annotations-risk-level: Medium}";
    world.apply(&format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: rules, namespace: {ns}}}\ndata: {settings}\n"));
    let flags = [
        format!("--validating-webhook=127.0.0.1:{port}"),
        file("certificate", "tls.crt"),
        file("key", "tls.key"),
        format!("--configmap={ns}/rules"),
    ];
    let mut controller = install.start(&flags.each_ref().map(String::as_str));
    controller.wait_live();
    ask(world, ns, port, &authority);

    let second = ingress(ns, "second", ns, "one.test", "app");
    let said = eventually("a path that is taken is refused", || refusal(world, &second)); // ADM-1
    let reason = "host one.test path / is already served by Ingress admission/first";
    assert!(said.contains("validate.nginx.ingress.kubernetes.io") && said.contains(reason), "{said}");
    let suspicious = ingress(ns, "second", "other", "two.test", "app").replace("path: /,", "path: /etc/nginx,");
    assert!(refusal(world, &suspicious).expect("ADM-4").contains("/etc/nginx"));
    world.apply(&second.replace("one.test", "two.test"));
    controller.wait_pod("two.test", "10.244.9.1");
    let change = json!({"metadata": {"annotations": {"nginx.ingress.kubernetes.io/permanent-redirect-code": "many"}}});
    let refused = world.try_patch("Ingress", ns, "second", &change).expect_err("an update is asked about too");
    assert!(refused.to_string().contains("permanent-redirect-code"), "{refused}");
    world.patch("Ingress", ns, "second", &json!({"metadata": {"labels": {"a": "b"}}})); // ADM-12

    every_other_case(world, ns, port);

    // Another authority signs the next certificate.
    let next = Authority::new();
    write_certificate(folder.path(), &next);
    ask(world, ns, port, &next);
    eventually("the new certificate is shown", || match refusal(world, &second) {
        Ok(said) if said.contains(reason) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    controller.stop();
    let said = refusal(world, &ingress(ns, "third", ns, "three.test", "app")).expect("nobody answers, and the policy is Fail");
    assert!(said.contains("failed calling webhook"), "{said}");
    world.delete("ValidatingWebhookConfiguration", "", ns);
}

/// What else the controller says, once it is asked. The API server itself takes no body of 9 MiB and no uid, so these come
/// without it.
fn every_other_case(world: &World, ns: &str, port: u16) {
    let with = |annotations: &str, paths: &[(&str, &str)], host: &str| {
        let annotated = format!("namespace: {ns}, annotations: {{{annotations}}}}}");
        let text = ingress(ns, "third", ns, host, "app").replace(&format!("namespace: {ns}}}"), &annotated);
        let mut object: Value = serde_yaml::from_str(&text).expect("the YAML of a test is YAML");
        let list = &mut object["spec"]["rules"][0]["http"]["paths"];
        let backend = list[0]["backend"].clone();
        *list = paths.iter().map(|(path, kind)| json!({"path": path, "pathType": kind, "backend": backend})).collect();
        object
    };
    let refused = |id: &str, object: &Value, reason: &str| {
        let said = world.try_object(object).expect_err(id).to_string();
        assert!(said.contains("validate.nginx.ingress.kubernetes.io") && said.contains(reason), "{id}: {said}");
    };
    let taken = |id: &str, object: &Value| world.try_object(object).unwrap_or_else(|error| panic!("{id}: {error}: {object}"));
    let prefix = "nginx.ingress.kubernetes.io";
    let root: &[(&str, &str)] = &[("/", "Prefix")];
    refused("ADM-2", &with("", &[("/new", "Prefix"), ("/", "Prefix")], "one.test"), "spec.rules[0].http.paths[1].path");
    let canary = format!("{prefix}/canary: 'true', {prefix}/canary-weight: '10'");
    taken("ADM-3", &with(&canary, root, "one.test"));
    refused("ADM-5", &with(&format!("{prefix}/upstream-vhost: wicked.test"), root, "three.test"), "annotation-value-word-blocklist");
    let odd = "/foo/bar/[a-z]{3}";
    for kind in ["Exact", "Prefix"] {
        refused("ADM-6", &with("", &[(odd, kind)], "three.test"), "is no plain path");
    }
    taken("ADM-6", &with(&format!("{prefix}/use-regex: 'true'"), &[(odd, "ImplementationSpecific")], "three.test"));
    let snippet = format!("{prefix}/server-snippet: 'nonsense {{'");
    refused("ADM-7: of our own class", &with(&snippet, root, "three.test"), "snippet");
    let mut foreign = with(&snippet, root, "three.test");
    foreign["spec"]["ingressClassName"] = json!("other");
    taken("ADM-7", &foreign);
    taken("ADM-9", &with("", &[("/.well-known/acme-challenge/", "Prefix")], "three.test"));
    let change = json!({"metadata": {"annotations": {format!("{prefix}/auth-url"): "http://auth.test/"}}});
    let said = world.try_patch("Ingress", ns, "second", &change).expect_err("ADM-10").to_string();
    assert!(said.contains("risk"), "ADM-10: {said}");

    let path = "/networking/v1/ingresses";
    let garbage = post_tls(port, path, &vec![b'x'; 9 << 20]).expect("it answers");
    assert_eq!(garbage.status, 413, "ADM-8: {}", garbage.body);
    let answer = |uid: &str| {
        let mut object = with("", root, "three.test");
        object["metadata"]["uid"] = json!(uid);
        let kind = json!({"group": "networking.k8s.io", "version": "v1", "kind": "Ingress"});
        let request = json!({"uid": "u-1", "kind": kind, "operation": "CREATE", "namespace": ns, "object": object});
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        let answer = post_tls(port, path, review.to_string().as_bytes()).expect("it answers");
        let said: Value = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        (said["response"]["allowed"] == true, said["response"]["status"]["message"].to_string())
    };
    assert!(answer("01234567-89ab-cdef-0123-456789abcdef").0, "ADM-11: one that is");
    for uid in ["x", "01234567-89AB-cdef-0123-456789abcdef"] {
        let (is_taken, said) = answer(uid);
        assert!(!is_taken && said.contains("UUID"), "ADM-11: {uid}: {said}");
    }
}

/// The objects of the chart that are about the webhook.
fn of_webhook(release: &str, values: &[&str]) -> Vec<Value> {
    let mut all = vec!["controller.admissionWebhooks.enabled=true"];
    all.extend(values);
    let objects = Chart::new(release, &all).render().unwrap_or_else(|error| panic!("{values:?}: {error}"));
    let name = format!("{release}-gatewright-admission");
    objects.into_iter().filter(|object| object["metadata"]["name"] == name.as_str()).collect()
}

fn find<'o>(objects: &'o [Value], kind: &str) -> &'o Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("there is a {kind}"))
}

fn arguments(deployment: &Value) -> Vec<String> {
    let list = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array().expect("there are arguments");
    list.iter().map(|text| text.as_str().expect("they are texts").to_owned()).collect()
}

#[test]
fn the_chart_permits_the_webhook_what_it_asks_for_and_no_secret() {
    let world = World::shared();
    let label = json!({"pod-security.kubernetes.io/enforce": "restricted"});
    for name in ["hooks", "hooks-other"] {
        let metadata = json!({"name": name, "labels": label});
        world.apply_object(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})).expect("a namespace is made");
    }
    let by_manager: &[&str] = &["controller.admissionWebhooks.certManager.enabled=true"];
    for (values, told) in [
        (&[][..], &[][..]),
        (&["controller.scope.enabled=true", "controller.scope.namespace=hooks-other"], &[]),
        (&["controller.scope.enabled=true", "controller.scope.namespace=hooks-other", "rbac.scope=true"], &["--without-cluster-role"]),
        (&["controller.scope.namespaceSelector=team=a"], &[]),
        (&["controller.admissionWebhooks.secretName=own", "controller.admissionWebhooks.caBundle=Cg=="], &[]),
        (&["controller.networkPolicy.enabled=true", "controller.networkPolicy.apiServer={10.0.0.0/8}"], &[]),
        (by_manager, &[]),
    ] {
        let objects = of_webhook("hooks", values);
        for object in objects.iter().filter(|object| !object["apiVersion"].as_str().unwrap_or_default().starts_with("cert-manager.io/")) {
            // The real one would be asked about the Ingresses of other tests.
            let taken =
                if object["kind"] == "ValidatingWebhookConfiguration" { world.try_object(object) } else { world.apply_object(object) };
            taken.unwrap_or_else(|error| panic!("{values:?}: {error}: {object}"));
        }
        let template = &find(&objects, "Deployment")["spec"]["template"];
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]});
        pod["metadata"]["name"] = json!("pod");
        pod["metadata"]["namespace"] = json!("hooks");
        world.try_object(&pod).unwrap_or_else(|error| panic!("at the restricted level: {error}: {pod}"));
        let mut flags = arguments(find(&objects, "Deployment"));
        flags.retain(|flag| flag != "webhook");
        flags.extend(["--webhook", "--own-namespace=hooks"].iter().chain(told).map(|flag| (*flag).to_owned()));
        let allowed = permissions(&objects);
        assert_eq!(allowed, permissions(&printed(&flags)), "{values:?}");
        assert!(allowed.values().flatten().all(|rule| !rule.contains("secrets")), "{allowed:?}");
    }
}

#[test]
fn the_webhook_answers_from_a_pod_of_its_own() {
    let world = World::shared();
    let ns = "hook";
    let install = Install::new(world, ns);
    let port = free_port();
    let values = [
        format!("controller.ingressClassResource.controllerValue={}", install.controller_class()),
        format!("controller.admissionWebhooks.port={port}"),
        // There is no kube-proxy: whoever connects to the Service reaches this port of this machine.
        format!("controller.admissionWebhooks.service.servicePort={port}"),
        format!(r"controller.admissionWebhooks.namespaceSelector.matchLabels.kubernetes\.io/metadata\.name={ns}"),
        "controller.admissionWebhooks.failurePolicy=Fail".to_owned(),
    ];
    let objects = of_webhook(ns, &values.each_ref().map(String::as_str));
    world.apply(&ingress(ns, "first", ns, "first.test", "app"));
    for object in &objects {
        world.apply_object(object).unwrap_or_else(|error| panic!("{error}: {object}"));
    }
    let service = world.object("Service", ns, "hook-gatewright-admission");
    world.make_own(service["spec"]["clusterIP"].as_str().expect("it has an address"));
    let spec = &find(&objects, "Deployment")["spec"]["template"]["spec"];
    let pod = Pod::start(world, "hook-pod", ns, spec, None);
    let second = ingress(ns, "second", ns, "first.test", "app");
    let said = eventually("a path that is taken is refused", || match refusal(world, &second) {
        Ok(said) if said.contains("Ingress hook/first") => Ok(said),
        other => Err(format!("{other:?}\n{}", pod.log("webhook"))),
    });
    assert!(said.contains("validate.ingress.gatewright.dev"), "{said}");
    let wicked = second
        .replace("first.test", "second.test")
        .replace("namespace: hook}", "namespace: hook, annotations: {nginx.ingress.kubernetes.io/upstream-vhost: wicked.test}}");
    world.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hook-gatewright, namespace: hook}\ndata: {annotation-value-word-blocklist: wicked}\n");
    eventually("the settings are known", || match refusal(world, &wicked) {
        Ok(said) if said.contains("annotation-value-word-blocklist") => Ok(()),
        other => Err(format!("{other:?}\n{}", pod.log("webhook"))),
    });
    world.apply(&second.replace("first.test", "second.test"));
    assert!(!pod.log("webhook").contains("does not permit"), "{}", pod.log("webhook"));
    world.delete("ValidatingWebhookConfiguration", "", "hook-gatewright-admission");
}

/// The policy of the chart and its binding.
fn policy(release: &str, values: &[&str]) -> Vec<Value> {
    let mut all = vec!["controller.admissionPolicy.enabled=true"];
    all.extend(values);
    let objects = Chart::new(release, &all).render().unwrap_or_else(|error| panic!("{values:?}: {error}"));
    let is_one = |object: &Value| object["kind"].as_str().is_some_and(|kind| kind.starts_with("ValidatingAdmissionPolicy"));
    objects.into_iter().filter(is_one).collect()
}

#[test]
fn the_policy_of_the_chart_is_the_one_that_is_printed() {
    let printed = |flags: &[&str]| {
        let ran = std::process::Command::new(program()).arg("admission-policy").args(flags).output().expect("the program can be started");
        documents(&String::from_utf8(ran.stdout).expect("it prints text"))
            .into_iter()
            .map(|object| object["spec"].clone())
            .collect::<Vec<_>>()
    };
    let chart = |values: &[&str]| policy("own", values).into_iter().map(|object| object["spec"].clone()).collect::<Vec<_>>();
    assert_eq!(chart(&["fullnameOverride=gatewright"]), printed(&[]));
    let values = ["fullnameOverride=x", "controller.ingressClassResource.aliases={a}", "controller.extraArgs.annotations-prefix=b.test"];
    let flags = ["--name=x", "--ingress-class=gatewright,a", "--annotations-prefix=b.test", "--action=warn"];
    assert_eq!(chart(&[&values[..], &["controller.admissionPolicy.actions={Warn}"]].concat()), printed(&flags));
}

#[test]
fn the_api_server_refuses_by_itself_what_can_be_seen_to_be_wrong() {
    let world = World::shared();
    let ns = "ruled";
    world.apply(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {ns}}}\n"));
    for object in policy(ns, &["controller.ingressClassResource.name=ruled", "controller.ingressClass=ruled"]) {
        world.apply_object(&object).unwrap_or_else(|error| panic!("{error}: {object}"));
    }
    let with = |annotation: &str, path: &str| {
        let text = ingress(ns, "web", ns, "ruled.test", "app").replace("path: /,", &format!("path: {path},"));
        text.replace("namespace: ruled}", &format!("namespace: ruled, annotations: {{a: b, {annotation}}}}}"))
    };
    let annotated = |name: &str, value: &str| with(&format!("nginx.ingress.kubernetes.io/{name}: {value:?}"), "/");
    let said = eventually("the policy counts", || refusal(world, &with("c: d", "/etc/nginx")));
    assert!(said.contains("no Ingress needs"), "{said}");
    for (object, reason) in [
        (with("c: d", "'/a[b'"), "no plain path"),
        (annotated("configuration-snippet", "deny all;"), "risk Critical"),
        (annotated("permanent-redirect-code", "many"), "a whole number"),
        (annotated("limit-rps", "1.5"), "limit-rps"),
        (annotated("upstream-vhost", "a b;"), "upstream-vhost"),
        (annotated("from-to-www-redirect", "yes"), "from-to-www-redirect"),
    ] {
        let said = refusal(world, &object).unwrap_or_else(|why| panic!("{why}: {object}"));
        assert!(said.contains(reason), "{said}");
    }
    for object in [
        with("c: d", "/"),
        with("c: d", "'/a[b'").replace("Prefix", "ImplementationSpecific"),
        annotated("permanent-redirect-code", "308"),
        annotated("from-to-www-redirect", ""),
        annotated("upstream-vhost", "$host"),
        with("nginx.ingress.kubernetes.io/configuration-snippet: x", "/").replace("ingressClassName: ruled", "ingressClassName: other"),
    ] {
        world.try_object(&serde_yaml::from_str(&object).unwrap()).unwrap_or_else(|error| panic!("{error}: {object}"));
    }
    for kind in ["ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"] {
        world.delete(kind, "", "ruled-gatewright");
    }
}
