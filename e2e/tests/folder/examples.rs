//! What every tutorial on Ingress begins with: the files in `deploy/examples`, in both forms.

use gatewright_e2e::client::certificate;
use gatewright_e2e::manifest::{secret_with, text};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::all_running;
use gatewright_e2e::tls::Pair;
use gatewright_e2e::world::{World, who, who_over_tls};
use std::fs;
use std::path::Path;

fn example(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples").join(name)).unwrap()
}

on_every_proxy! {
    fn the_examples_of_tutorials_work_in_both_forms(proxy) {
        // Nothing else may be in this world: no class, as in the trial.
        let pair = Pair::new(&["foo.bar.com"]);
        let services = [all_running(&["testsvc", "test", "s1", "s2"]), vec![secret_with("testsecret", "Opaque", &pair.certificate, &pair.key)]].concat();
        let world = World::of(proxy).without_class().manifest("services.yaml", &services).start();
        for form in ["", "-v1beta1"] {
            let show = |name: &str| {
                world.write("example.yaml", &example(&format!("{name}{form}.yaml")));
                world.sync("probe.yaml");
            };
            show("single-service");
            assert_eq!([who("any.host", "/"), who("1.2.3.4", "/x/y")], ["testsvc", "testsvc"], "single-service{form}");
            show("path");
            assert_eq!([who("any.host", "/testpath"), who("any.host", "/other")], ["test", "404"], "path{form}");
            show("fan-out");
            assert_eq!(["/foo", "/bar", "/"].map(|path| who("foo.bar.com", path)), ["s1", "s2", "404"], "fan-out{form}");
            let hosts = ["foo.bar.com", "bar.foo.com", "bar.baz.com"];
            show("virtual-hosts");
            assert_eq!(hosts.map(|host| who(host, "/")), ["s1", "s2", "404"], "virtual-hosts{form}");
            show("virtual-hosts-edited");
            assert_eq!(hosts.map(|host| who(host, "/")), ["s1", "s2", "s2"], "virtual-hosts-edited{form}");
            for name in ["tls", "tls-without-hosts"] {
                show(name);
                assert_eq!(certificate(Some("foo.bar.com")).unwrap(), pair.der, "{name}{form}");
                assert_eq!([who_over_tls("foo.bar.com", "/"), who("foo.bar.com", "/")], ["s1", "308"], "{name}{form}");
            }
        }
        world.write("example.yaml", &example("ingress-class.yaml"));
        // From now on the world has a class, so the probe needs its own.
        world.write("class.yaml", &text(&[gatewright_e2e::manifest::class()]));
        world.sync("probe.yaml");
        assert_eq!(who("foo.bar.com", "/"), "s1");
    }
}
