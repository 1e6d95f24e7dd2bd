//! A Pod as a kubelet starts it, as far as that matters here: the containers one after the other or side by side, each
//! with the root of its image or of this machine, read-only, as the user that it shall be, without capabilities, and with
//! the volumes that the Pod gives it.

use super::volume::publish;
use super::world::tail;
use super::{Images, Socket, World, eventually, program, sockets};
use base64::Engine;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};

/// Makes the root, puts volumes (`SOURCE TARGET rw|ro`, up to `--`) into it, and becomes the program.
const ENTER: &str = r#"
set -eu
source=$1 root=$2 user=$3 group=$4 more=$5
shift 5
mount --rbind "$source" "$root"
mount -o remount,bind,ro "$root"
for folder in var/lib run opt tmp; do
    mount -t tmpfs -o mode=755 none "$root/$folder"
done
if [ "$source" = / ]; then
    mount -t tmpfs -o mode=755 none "$root/usr/local/bin"
else
    mount --rbind /proc "$root/proc"
    mount --rbind /dev "$root/dev"
fi
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then
        mkdir -p "$root$2"
    else
        : >"$root$2"
    fi
    mount --bind "$1" "$root$2"
    [ "$3" = rw ] || mount -o remount,bind,ro "$root$2"
    shift 3
done
shift
exec chroot "$root" setpriv --reuid "$user" --regid "$group" --groups "$more" --inh-caps=-all --bounding-set=-all \
    --no-new-privs -- "$@"
"#;

/// The containers of a Pod. They end when it is dropped.
#[derive(Debug)]
pub struct Pod<'w> {
    world: &'w World,
    folder: PathBuf,
    spec: Value,
    environment: Vec<(&'static str, String)>,
    images: Option<&'w Images>,
    running: Vec<(String, Child)>,
}

impl<'w> Pod<'w> {
    /// Starts the Pod of a template, with a token of its ServiceAccount. Without images, this machine is the image of both.
    ///
    /// # Panics
    /// When an init container fails, or root is not there to make mounts.
    #[must_use]
    pub fn start(world: &'w World, name: &str, namespace: &str, spec: &Value, images: Option<&'w Images>) -> Self {
        let folder = world.new_folder(name);
        let environment = vec![
            ("POD_NAME", name.to_owned()),
            ("POD_NAMESPACE", namespace.to_owned()),
            ("KUBERNETES_SERVICE_HOST", "127.0.0.1".to_owned()),
            ("KUBERNETES_SERVICE_PORT", "6443".to_owned()),
            ("PATH", "/opt/gatewright:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
        ];
        let mut pod = Self { world, folder, spec: spec.clone(), environment, images, running: Vec::new() };
        pod.make_volumes(namespace);
        pod.set_sysctls();
        for container in list(spec, "initContainers") {
            let mut child = pod.run(&container);
            let status = child.wait().expect("it is our child");
            assert!(status.success(), "{status}: {}", pod.log(text(&container, "name")));
        }
        for container in list(spec, "containers") {
            pod.start_again(text(&container, "name"));
        }
        pod
    }

    fn make_volumes(&self, namespace: &str) {
        let group = self.spec["securityContext"]["fsGroup"].as_u64().and_then(|group| u32::try_from(group).ok());
        let own = |path: &Path, mode: u32| {
            chown(path, Some(0), group).expect("root makes volumes");
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("root makes volumes");
        };
        for volume in list(&self.spec, "volumes") {
            let path = self.volume(text(&volume, "name"));
            fs::create_dir_all(&path).expect("there is room for temporary files");
            if !volume["projected"].is_null() {
                let token = self.world.token(namespace, text(&self.spec, "serviceAccountName"));
                for (name, content) in [("token", token), ("ca.crt", self.world.ca()), ("namespace", namespace.to_owned())] {
                    fs::write(path.join(name), content).expect("there is room for temporary files");
                    own(&path.join(name), 0o440);
                }
            }
            if let Some(secret) = volume["secret"]["secretName"].as_str() {
                let secret = self.world.object("Secret", namespace, secret);
                for (name, value) in secret["data"].as_object().expect("the Secret is there") {
                    let value = base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap_or_default());
                    fs::write(path.join(name), value.expect("data are in base64")).expect("there is room for temporary files");
                    own(&path.join(name), 0o440);
                }
            }
            own(&path, 0o2777);
        }
        self.renew_secrets(namespace);
    }

    /// Sets what the Pod asks the kernel for, as a runtime does for the network that its containers share.
    fn set_sysctls(&self) {
        for sysctl in list(&self.spec["securityContext"], "sysctls") {
            let file = format!("/proc/sys/{}", text(&sysctl, "name").replace('.', "/"));
            let words = ["-c", "printf %s \"$1\" >\"$2\"", "set", text(&sysctl, "value"), &file].map(str::to_owned);
            let mut child = self.world.space().spawn("sh", &words, &self.environment, &self.log_file("sysctls"));
            assert!(child.wait().expect("it is our child").success(), "{sysctl}: {}", self.log("sysctls"));
        }
    }

    /// Writes the volumes of Secrets as these are now.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn renew_secrets(&self, namespace: &str) {
        for volume in list(&self.spec, "volumes").iter().filter(|volume| !volume["secret"].is_null()) {
            let secret = self.world.object("Secret", namespace, text(&volume["secret"], "secretName"));
            publish(&self.volume(text(volume, "name")), &secret).expect("there is room for temporary files");
        }
    }

    fn volume(&self, name: &str) -> PathBuf {
        self.folder.join("volumes").join(name)
    }

    /// The container of this name, as the Pod has it.
    fn container(&self, name: &str) -> Value {
        list(&self.spec, "containers").into_iter().find(|container| container["name"] == name).expect("the Pod has it")
    }

    fn run(&self, container: &Value) -> Child {
        let name = text(container, "name");
        let root = self.folder.join(format!("root-of-{name}"));
        fs::create_dir_all(&root).expect("there is room for temporary files");
        let context = &container["securityContext"];
        let id = |key: &str| context[key].as_u64().expect("every container has its user").to_string();
        let mut words: Vec<String> = ["--mount", "--propagation", "private", "--", "sh", "-c", ENTER, "enter"].map(str::to_owned).to_vec();
        let image = self.images.map_or(Path::new("/"), |images| images.of(text(container, "image")));
        words.extend([image.display().to_string(), root.display().to_string()]);
        words.extend([id("runAsUser"), id("runAsGroup")]);
        words.push(self.spec["securityContext"]["fsGroup"].to_string());
        // Only the image of the controller has the program.
        if self.images.is_none() && text(container, "image").starts_with("gatewright") {
            words.extend([program(), "/usr/local/bin/gatewright".to_owned(), "ro".to_owned()]);
        }
        for mount in list(container, "volumeMounts") {
            let mode = if mount["readOnly"] == true { "ro" } else { "rw" };
            // A link would lead out of the new root.
            let target = text(&mount, "mountPath").replace("/var/run/", "/run/");
            words.extend([self.volume(text(&mount, "name")).display().to_string(), target, mode.to_owned()]);
        }
        words.push("--".to_owned());
        for part in ["command", "args"] {
            words.extend(list(container, part).iter().filter_map(Value::as_str).map(str::to_owned));
        }
        let log = self.log_file(name);
        // As runtimes do: the output belongs to the container's user, so that it can be opened by name.
        let user = context["runAsUser"].as_u64().and_then(|user| u32::try_from(user).ok());
        fs::OpenOptions::new().create(true).append(true).open(&log).expect("there is room for temporary files");
        chown(&log, user, None).expect("root makes containers");
        self.world.space().spawn("unshare", &words, &self.environment, &log)
    }

    /// Starts a container that has ended.
    ///
    /// # Panics
    /// When the Pod has no such container.
    pub fn start_again(&mut self, name: &str) {
        let child = self.run(&self.container(name));
        self.running.push((name.to_owned(), child));
    }

    /// Sends a signal to a container's first process, and waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub fn end(&mut self, name: &str, signal: Signal) -> ExitStatus {
        let at = self.running.iter().position(|(own, _)| own == name).expect("the container runs");
        let (_, mut child) = self.running.remove(at);
        send(&child, signal);
        eventually(&format!("container {name} ends"), || match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            other => Err(format!("{other:?}: {}", self.log(name))),
        })
    }

    /// The open sockets of a container that runs.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn sockets(&self, name: &str) -> BTreeSet<Socket> {
        let (_, child) = self.running.iter().find(|(own, _)| own == name).expect("the container runs");
        sockets::of_tree(child.id())
    }

    fn log_file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// What a container has said.
    #[must_use]
    pub fn log(&self, name: &str) -> String {
        tail(&self.log_file(name))
    }
}

impl Drop for Pod<'_> {
    fn drop(&mut self) {
        for (name, child) in &mut self.running {
            if std::thread::panicking() {
                eprintln!("--- end of {name}\n{}", tail(&self.folder.join(format!("{name}.log"))));
            }
            send(child, Signal::SIGKILL);
            let _ = child.wait();
        }
    }
}

fn send(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).expect("process ids are small");
    // It may have ended by itself.
    let _ = kill(Pid::from_raw(pid), signal);
}

fn list(value: &Value, key: &str) -> Vec<Value> {
    value[key].as_array().cloned().unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
