//! The watched folder: files half written, renamed, linked, broken, gone.

use gatewright_e2e::client::admin_json;
use gatewright_e2e::manifest::{IngressWords, ingress, text};
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::{Site, running};
use gatewright_e2e::wait::{until, until_eq};
use gatewright_e2e::world::{World, path, who};
use gatewright_e2e::{on_every_proxy, on_every_version};
use serde_json::json;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

/// How long a writer pauses: longer than it takes to believe that a file is what it seems to be.
const PAUSE: Duration = Duration::from_secs(3);

/// A site with one host, and its manifest.
fn site_with_host(proxy: Proxy, name: &str) -> (Site, String, String) {
    let site = Site::of(proxy, name);
    let host = site.host("h");
    let objects = [running("s"), vec![ingress("a").prefix(&host, "/", "s")]].concat();
    site.apply(&objects);
    assert_eq!(who(&host, "/"), "s");
    let content = text(&site.placed(&objects));
    (site, host, content)
}

on_every_version! {
    fn a_broken_document_never_hides_its_neighbours(proxy) {
        let site = Site::of(proxy, "broken");
        let [first, last] = ["first", "last"].map(|name| site.host(name));
        let good = |name: &str, host: &str| text(&site.placed(&[ingress(name).prefix(host, "/", "s")]));
        let broken = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: broken\n  namespace: broken\nspec:\n  rules: [oops\n";
        let wrong_type = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: typed\n  namespace: broken\nspec:\n  rules: 7\n";
        let services = text(&site.placed(&running("s")));
        let whole = [services.as_str(), &good("first", &first), wrong_type, broken, &good("last", &last)].concat();
        site.world.write(&site.file(), &whole);
        site.sync();
        assert_eq!([who(&first, "/"), who(&last, "/")], ["s", "s"]);
        let line = whole.lines().position(|line| line.contains("oops")).unwrap() + 1;
        let log = site.world.log();
        assert!(log.contains(&format!("broken.yaml:{line}:")) || log.contains(&format!("broken.yaml:{}:", line + 1)), "file and line are told");
        assert!(site.diagnostics().iter().any(|line| line.contains("broken/typed")), "{:?}", site.diagnostics());
        let all = admin_json("/api/v1/diagnostics?all");
        let typed = all.as_array().unwrap().iter().find(|finding| finding["object"] == json!({"kind": "Ingress", "namespace": "broken", "name": "typed"}));
        let line = whole.lines().position(|line| line == "  rules: 7").unwrap() + 1;
        let file = path(&site.world.manifests().join(site.file()));
        assert_eq!(typed.unwrap()["place"], json!({"file": file, "line": line, "column": 10}), "the admin port says where");
    }

    fn a_rename_keeps_and_a_removal_takes_away(proxy) {
        let (site, host, content) = site_with_host(proxy, "rename");
        let folder = site.world.manifests();
        fs::rename(folder.join(site.file()), folder.join("renamed.yaml")).unwrap();
        site.sync();
        assert_eq!(who(&host, "/"), "s");
        fs::create_dir(folder.join("rename-deep")).unwrap();
        fs::rename(folder.join("renamed.yaml"), folder.join("rename-deep/x.yml")).unwrap();
        site.sync();
        assert_eq!(who(&host, "/"), "s", "folders in the folder count");
        fs::remove_file(folder.join("rename-deep/x.yml")).unwrap();
        until_eq("it is gone", &"404".to_owned(), || who(&host, "/"));
        fs::write(folder.join("rename-deep/notes.txt"), &content).unwrap();
        fs::write(folder.join("rename-deep/.hidden.yaml"), &content).unwrap();
        site.sync();
        assert_eq!(who(&host, "/"), "404", "neither hidden files nor other kinds count");
    }

    fn a_mounted_config_map_is_swapped_whole(proxy) {
        // As kubelet does it: a link to a folder is replaced, and the files are links through it.
        let world = World::of(proxy).manifest("s.yaml", &running("s")).start();
        let mount = world.manifests().join("mounted");
        let version = |name: &str, hosts: [&str; 2]| {
            let folder = mount.join(name);
            fs::create_dir_all(&folder).unwrap();
            for (n, host) in hosts.into_iter().enumerate() {
                fs::write(folder.join(format!("{n}.yaml")), text(&[ingress(&format!("i{n}")).prefix(host, "/", "s")])).unwrap();
            }
            symlink(name, mount.join("..data.new")).unwrap();
            fs::rename(mount.join("..data.new"), mount.join("..data")).unwrap();
        };
        version("..1", ["a1.test", "b1.test"]);
        for n in 0..2 {
            symlink(format!("..data/{n}.yaml"), mount.join(format!("{n}.yaml"))).unwrap();
        }
        world.sync("probe.yaml");
        assert_eq!([who("a1.test", "/"), who("b1.test", "/")], ["s", "s"]);
        version("..2", ["a2.test", "b2.test"]);
        let wanted = ["s", "s", "404", "404"].map(str::to_owned);
        until_eq("the new version is live", &wanted, || ["a2.test", "b2.test", "a1.test", "b1.test"].map(|host| who(host, "/")));
        fs::remove_dir_all(mount.join("..1")).unwrap();
        world.sync("probe.yaml");
        assert_eq!([who("a2.test", "/"), who("b2.test", "/")], ["s", "s"]);
    }
}

on_every_proxy! {
    fn a_value_of_a_wrong_type_is_told_once_with_what_becomes_of_it(proxy) {
        let mut odd = ingress("odd").prefix("odd.test", "/", "s");
        odd["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/whitelist-source-range": 7});
        let world = World::of(proxy).manifest("s.yaml", &[running("s"), vec![odd]].concat()).start();
        let log = world.log();
        let told: Vec<_> = log.lines().filter(|line| line.contains("GW0002") && line.contains("/odd ")).collect();
        assert!(matches!(told[..], [one] if one.contains("(route answers 503)")), "{told:#?}");
        assert_eq!(who("odd.test", "/"), "503");
        // Another mistake is told as soon as it is seen, though nothing is made of it.
        world.write("broken.yaml", "spec: [\n");
        until("a document that cannot be read is told", || world.log().contains("broken.yaml:1:"));
    }

    fn a_file_in_the_middle_of_being_written_is_not_applied(proxy) {
        let (site, host, content) = site_with_host(proxy, "half");
        let path = site.world.manifests().join(site.file());
        let late = site.host("late");
        let more = text(&site.placed(&[ingress("late").prefix(&late, "/", "s")]));
        let before = site.world.revision();
        // An editor that truncates and takes its time; cut in the middle of the first object.
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(&content.as_bytes()[..content.len() / 2]).unwrap();
        file.flush().unwrap();
        site.sync();
        assert_eq!(who(&host, "/"), "s", "what was served goes on");
        assert!(site.world.revision() > before);
        file.write_all(&content.as_bytes()[content.len() / 2..]).unwrap();
        file.write_all(more.as_bytes()).unwrap();
        drop(file);
        until_eq("the whole file is applied", &["s".to_owned(), "s".to_owned()], || [who(&host, "/"), who(&late, "/")]);
    }

    fn a_file_is_not_cut_where_its_writer_pauses_between_two_documents(proxy) {
        let (site, host, content) = site_with_host(proxy, "pause");
        let path = site.world.manifests().join(site.file());
        let late = site.host("late");
        let more = text(&site.placed(&[ingress("late").prefix(&late, "/", "s")]));
        site.world.write(&site.file(), &format!("{content}{more}"));
        site.sync();
        assert_eq!(who(&late, "/"), "s");
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(content.as_bytes()).unwrap();
        file.flush().unwrap();
        let begun = Instant::now();
        while begun.elapsed() < PAUSE {
            site.sync();
            assert_eq!([who(&host, "/"), who(&late, "/")], ["s", "s"], "{:?}", begun.elapsed());
        }
        file.write_all(more.as_bytes()).unwrap();
        drop(file);
        site.sync();
        assert_eq!([who(&host, "/"), who(&late, "/")], ["s", "s"]);
    }

    fn a_link_to_all_of_the_machine_is_told_and_the_rest_is_served(proxy) {
        let world = World::of(proxy).manifest("i.yaml", &[running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat()).build();
        symlink("/", world.manifests().join("machine")).unwrap();
        world.start_controller();
        until_eq("the rest is served", &"s".to_owned(), || who("h.test", "/"));
        world.apply("b.yaml", &[ingress("b").prefix("b.test", "/", "s")]);
        assert_eq!(who("b.test", "/"), "s", "changes are followed");
        let all = admin_json("/api/v1/diagnostics?all");
        let told = all.as_array().unwrap().iter().find(|finding| finding["code"] == "GW0001").unwrap();
        assert_eq!(told["place"]["file"], path(&world.manifests().join("machine")), "the link is named");
        fs::remove_file(world.manifests().join("machine")).unwrap();
        until("it is mended", || !world.diagnostics().iter().any(|line| line.contains("GW0001")));
    }

    fn an_emptied_file_comes_back_without_a_gap(proxy) {
        let (site, host, content) = site_with_host(proxy, "emptied");
        let path = site.world.manifests().join(site.file());
        for _ in 0..5 {
            fs::write(&path, "").unwrap();
            fs::write(&path, &content).unwrap();
            assert_eq!(who(&host, "/"), "s");
        }
        site.sync();
        assert_eq!(who(&host, "/"), "s");
    }

    fn a_folder_that_vanishes_leaves_what_is_served(proxy) {
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).manifest("i.yaml", &objects).start();
        let away = world.outside().join("away");
        fs::rename(world.manifests(), &away).unwrap();
        until("it is told", || world.diagnostics().iter().any(|line| line.contains("last state is kept")));
        assert_eq!(who("h.test", "/"), "s");
        fs::rename(&away, world.manifests()).unwrap();
        world.apply("b.yaml", &[ingress("b").prefix("b.test", "/", "s")]);
        assert_eq!([who("h.test", "/"), who("b.test", "/")], ["s", "s"]);
    }

    fn lists_json_and_several_documents_are_read(proxy) {
        let site = Site::of(proxy, "forms");
        let [json, list] = ["json", "list"].map(|name| site.host(name));
        let objects = site.placed(&[ingress("json").prefix(&json, "/", "s"), ingress("list").prefix(&list, "/", "s")]);
        let items = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [objects[1], {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x"}}]});
        site.world.write("forms-list.json", &items.to_string());
        site.world.write("forms-one.json", &objects[0].to_string());
        site.apply(&running("s"));
        assert_eq!([who(&json, "/"), who(&list, "/")], ["s", "s"]);
    }
}
