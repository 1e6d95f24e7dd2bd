//! What a world begins with.

use super::World;
use crate::echo;
use crate::manifest::{IngressWords, class, service, slice, text};
use crate::net::Namespace;
use crate::proxies::Proxy;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a world begins with.
#[derive(Debug)]
pub struct Builder {
    proxy: Proxy,
    arguments: Vec<String>,
    manifests: Vec<(String, String)>,
    has_class: bool,
    state_size: &'static str,
    program: Option<PathBuf>,
}

impl Builder {
    /// A world of a proxy, with a class and nothing else.
    pub(super) const fn new(proxy: Proxy) -> Self {
        Self { proxy, arguments: Vec::new(), manifests: Vec::new(), has_class: true, state_size: "", program: None }
    }

    /// Runs another program as the proxy.
    #[must_use]
    pub fn program(mut self, program: &Path) -> Self {
        self.program = Some(program.to_owned());
        self
    }

    /// Adds an argument of `gatewright run`.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Adds a manifest that is there from the start.
    #[must_use]
    pub fn manifest(mut self, name: &str, objects: &[Value]) -> Self {
        self.manifests.push((name.to_owned(), text(objects)));
        self
    }

    /// Leaves out the IngressClass, so that every Ingress is taken.
    #[must_use]
    pub fn without_class(mut self) -> Self {
        self.has_class = false;
        self
    }

    /// Bounds the state folder, as `mount` understands a size.
    #[must_use]
    pub fn state_size(mut self, size: &'static str) -> Self {
        self.state_size = size;
        self
    }

    /// Makes the world, without starting a controller.
    ///
    /// # Panics
    /// When the machine does not let it.
    #[must_use]
    pub fn build(self) -> World {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("gatewright-e2e-{}-{number}", std::process::id()));
        for part in ["manifests", "outside", "state"] {
            fs::create_dir_all(folder.join(part)).expect("the temporary folder can be written");
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
        fs::write(folder.join("hosts"), "127.0.0.1 localhost\n").expect("it is ours");
        let net = Namespace::make(Some(&folder));
        echo::start();
        let program = self.program.unwrap_or_else(|| self.proxy.program());
        let (proxy, arguments, state_size) = (self.proxy, self.arguments, self.state_size);
        let (controller, left) = (Mutex::new(None), Mutex::default());
        let world = World { proxy, arguments, state_size, program, folder, net, controller, left };
        let pod = echo::new_pod("probe").into();
        let probe = [service("probe").within("probe"), slice("probe", &[pod]).within("probe")];
        world.write("base.yaml", &text(&probe));
        if self.has_class {
            world.write("class.yaml", &text(&[class()]));
        }
        for (name, content) in &self.manifests {
            world.write(name, content);
        }
        world
    }

    /// Makes the world, and waits until all of it is live.
    #[must_use]
    pub fn start(self) -> World {
        let world = self.build();
        world.start_controller();
        world.until_ready();
        world
    }
}
