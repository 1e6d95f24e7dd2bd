//! Names and numbers of one Pod or Service of which two are the same: refused with both names.

use gatewright_e2e::cluster::{Chart, World};

fn refused(values: &str) -> String {
    Chart::new("names", &[values]).render().map(|_| "it is taken".to_owned()).unwrap_or_else(|error| error)
}

#[test]
fn two_containers_with_one_name_are_refused() {
    for (values, part) in [
        (
            "controller.containerName=proxy",
            "the name of the proxy's container and controller.containerName are both \"proxy\"; each container needs a name of its own",
        ),
        ("controller.containerName=install", "the name of the chart's init container and controller.containerName are both \"install\""),
        ("controller.containerName=My_Name", "at '/controller/containerName'"),
        (
            "controller.extraContainers[0].name=controller",
            "controller.containerName and controller.extraContainers[0].name are both \"controller\"",
        ),
        (
            "controller.extraInitContainers[0].name=a,controller.extraContainers[0].name=a",
            "controller.extraInitContainers[0].name and controller.extraContainers[0].name are both \"a\"",
        ),
        ("controller.extraContainers[0].image=a", "at '/controller/extraContainers/0': missing property 'name'"),
        (
            "controller.extraEnvs[0].name=POD_NAME",
            "a variable of the chart and controller.extraEnvs[0].name are both \"POD_NAME\"; each variable needs a name of its own",
        ),
    ] {
        assert!(refused(values).contains(part), "{values}: {}", refused(values));
    }
}

#[test]
fn two_ports_with_one_name_or_number_are_refused() {
    for (values, part) in [
        (
            "controller.metrics.portName=http",
            "the proxy's port for HTTP and controller.metrics.portName are both \"http\"; each port needs a name of its own",
        ),
        ("controller.metrics.portName=9000", "at '/controller/metrics/portName'"),
        ("controller.metrics.portName=a--b", "at '/controller/metrics/portName'"),
        (
            "controller.metrics.portName=a-90-tcp,portNamePrefix=a,tcp.90=a/b:1",
            "controller.metrics.portName and the name of tcp.90 are both \"a-90-tcp\"",
        ),
        (
            "controller.extraContainers[0].name=a,controller.extraContainers[0].ports[0].containerPort=9,controller.extraContainers[0].ports[0].name=https",
            "the proxy's port for HTTPS and controller.extraContainers[0].ports[0].name are both \"https\"",
        ),
        (
            "controller.extraContainers[0].name=a,controller.extraContainers[0].ports[0].containerPort=80",
            "controller.extraContainers[0].ports[0].containerPort: this port is that of controller.containerPort.http; use another one",
        ),
        (
            "controller.service.ports.https=80",
            "controller.service.ports.http and controller.service.ports.https are both \"80\"; each port of a Service needs a number of its own",
        ),
        ("controller.service.targetPorts.https=tohttps", "the Pod has no port named \"tohttps\"; it has http, https, metrics"),
    ] {
        assert!(refused(values).contains(part), "{values}: {}", refused(values));
    }
    let internal = "controller.service.internal.enabled=true,controller.service.internal.annotations.a=b,controller.service.internal";
    for (values, part) in [
        ("ports.http=443", "controller.service.internal.ports.http and controller.service.ports.https are both \"443\""),
        ("ports.http=90,tcp.90=a/b:1", "tcp.90: this port is that of controller.service.internal.ports.http"),
        ("targetPorts.http=web", "controller.service.internal.targetPorts.http: the Pod has no port named \"web\""),
    ] {
        let values = format!("{internal}.{values}");
        assert!(refused(&values).contains(part), "{values}: {}", refused(&values));
    }
}

#[test]
fn two_volumes_with_one_name_or_path_are_refused() {
    for (values, part) in [
        ("controller.extraVolumes[0].name=state", "a volume of the chart and controller.extraVolumes[0].name are both \"state\""),
        ("controller.extraVolumes[0].emptyDir.medium=Memory", "at '/controller/extraVolumes/0': missing property 'name'"),
        (
            "controller.extraVolumeMounts[0].name=a,controller.extraVolumeMounts[0].mountPath=/var/lib/gatewright/",
            "the path of a volume of the chart and controller.extraVolumeMounts[0].mountPath are both \"/var/lib/gatewright\"",
        ),
        ("controller.extraVolumeMounts[0].name=a", "at '/controller/extraVolumeMounts/0': missing property 'mountPath'"),
    ] {
        assert!(refused(values).contains(part), "{values}: {}", refused(values));
    }
}

/// What the API server takes is not refused by the chart.
#[test]
fn containers_of_ones_own_are_taken_beside_those_of_the_chart() {
    let values = "
controller:
  containerName: main
  extraContainers:
    - {name: one, image: a, ports: [{name: probe, containerPort: 9000}, {containerPort: 80, protocol: UDP}]}
    - {name: two, image: a, ports: [{name: probe, containerPort: 9001}]}
  extraInitContainers: [{name: three, image: a}]
  extraVolumes: [{name: more, emptyDir: {}}]
  extraVolumeMounts: [{name: more, mountPath: /more}]
  extraEnvs: [{name: TZ, value: UTC}]
  service: {targetPorts: {https: http}}
";
    let objects = Chart::new("names", &[]).with_file(values).render().unwrap();
    let world = World::shared();
    world.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: names}\n");
    for object in objects.iter().filter(|object| object["kind"] == "Deployment" || object["kind"] == "Service") {
        world.try_object(object).unwrap_or_else(|error| panic!("{error}: {object}"));
    }
}
