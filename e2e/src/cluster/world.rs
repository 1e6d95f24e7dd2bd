//! etcd and kube-apiserver in a namespace of their own.

use super::{Authority, Space, eventually, pods};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::runtime::Runtime;

const ADMIN_TOKEN: &str = "the-token-of-the-administrator";

/// A control plane and its pods. Tests of one program share one; those that end parts of it have their own.
pub struct World {
    space: Space,
    folder: PathBuf,
    authority: Authority,
    runtime: Runtime,
    client: OnceLock<Client>,
    etcd: Mutex<Option<Ended>>,
    api_server: Mutex<Option<Ended>>,
    flags: Vec<String>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// A process that is ended when nobody needs it any more.
#[derive(Debug)]
pub struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl World {
    /// The world that all tests of this program share; the calling thread is moved into it.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<World> = OnceLock::new();
        let world = SHARED.get_or_init(Self::start);
        world.space.enter();
        world
    }

    /// A world of its own; the calling thread is moved into it.
    ///
    /// # Panics
    /// When the programs are not there, or do not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A world whose API server has these further flags.
    ///
    /// # Panics
    /// When the programs are not there, or do not start.
    #[must_use]
    pub fn start_with(flags: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("gatewright-world-").tempdir().expect("there is room for temporary files").keep();
        let space = Space::new(&folder);
        space.enter();
        let authority = Authority::new();
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        write_files(&folder, &authority);
        let runtime = space
            .call(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads can be started"));
        let etcd = start_etcd(&space, &folder);
        pods::start(&space);
        let world = Self {
            space,
            folder,
            authority,
            runtime,
            client: OnceLock::new(),
            etcd: Mutex::new(Some(etcd)),
            api_server: Mutex::new(None),
            flags,
        };
        world.start_api_server();
        world.apply(DEFAULTS);
        world
    }

    /// Starts the API server, and waits until it can be used.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_api_server(&self) {
        let process = start_api_server(&self.space, &self.folder, &self.flags);
        *self.api_server.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        let client = self.client();
        eventually("the API server is ready", || {
            let request = http::Request::get("/readyz").body(Vec::new()).expect("the request is one");
            match self.block(async { client.request_text(request).await }) {
                Ok(text) if text == "ok" => Ok(()),
                Ok(text) => Err(text),
                Err(error) => Err(format!("{error:?}; {}", tail(&self.folder.join("kube-apiserver.log")))),
            }
        });
    }

    /// Ends the API server as a crash does.
    pub fn kill_api_server(&self) {
        self.api_server.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Ends etcd as a crash does.
    pub fn kill_etcd(&self) {
        self.etcd.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Starts etcd again, with what it has on disk.
    pub fn start_etcd(&self) {
        *self.etcd.lock().unwrap_or_else(PoisonError::into_inner) = Some(start_etcd(&self.space, &self.folder));
    }

    /// The administrator's client.
    ///
    /// # Panics
    /// When the client cannot be made.
    pub(super) fn client(&self) -> Client {
        let make = || {
            // Clients that want TLS look for the provider of the process.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let kubeconfig: Kubeconfig = serde_json::from_value(self.admin_kubeconfig()).expect("it is a kubeconfig");
            self.block(async move {
                let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("it can be used");
                config.default_retry = false;
                Client::try_from(config).expect("it can be used")
            })
        };
        self.client.get_or_init(make).clone()
    }

    /// Waits for something that has to be done by the runtime of the world.
    pub(super) fn block<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The namespace that everything lives in.
    pub(super) const fn space(&self) -> &Space {
        &self.space
    }

    /// Makes an address one of this machine, such as that of a Service: whoever connects to it reaches what listens here.
    ///
    /// # Panics
    /// When that is not permitted.
    pub fn make_own(&self, address: &str) {
        let route: Vec<String> = ["route", "add", "local", address, "dev", "lo"].map(str::to_owned).to_vec();
        let done = self.space.call(move || std::process::Command::new("ip").args(&route).status());
        assert!(done.is_ok_and(|status| status.success()), "ip route add local {address}");
    }

    /// Starts a script in the world, with a `/var/lib` of its own, and gives it these variables. What it starts ends with it.
    ///
    /// # Panics
    /// When there is no room, or root is not there to make mounts.
    #[must_use]
    pub fn script(&self, name: &str, script: &str, environment: &[(&str, String)]) -> Ended {
        let words = [
            "--mount",
            "--pid",
            "--fork",
            "--mount-proc",
            "--kill-child",
            "--",
            "sh",
            "-e",
            "-c",
            "mount -t tmpfs none /var/lib; eval \"$1\"",
            name,
        ];
        let words: Vec<String> = words.iter().copied().chain([script]).map(str::to_owned).collect();
        Ended(self.space.spawn("unshare", &words, environment, &self.folder.join(format!("{name}.log"))))
    }

    /// A new folder below that of the world.
    ///
    /// # Panics
    /// When it is there already.
    #[must_use]
    pub fn new_folder(&self, name: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::create_dir(&path).expect("names of folders are used once");
        path
    }

    /// A configuration of clients, for whoever has this token.
    #[must_use]
    pub fn kubeconfig(&self, token: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Config", "current-context": "world",
            "clusters": [{"name": "world", "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority": self.path("ca.crt")}}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "world", "context": {"cluster": "world", "user": "user"}}]})
    }

    /// A configuration of clients, for the administrator.
    #[must_use]
    pub fn admin_kubeconfig(&self) -> Value {
        self.kubeconfig(ADMIN_TOKEN)
    }

    /// As [`World::kubeconfig`], with the token in a file that may change.
    #[must_use]
    pub fn kubeconfig_with_file(&self, token: &Path) -> Value {
        let mut config = self.kubeconfig("");
        config["users"][0]["user"] = json!({"tokenFile": token});
        config
    }

    /// The authority that certificates of hosts come from.
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The certificate of the authority that the API server's own is from.
    pub(super) fn ca(&self) -> String {
        self.authority.pem()
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

/// What the API server does not make by itself.
const DEFAULTS: &str = "apiVersion: v1
kind: Namespace
metadata: {name: default}
";

fn write_files(folder: &Path, authority: &Authority) {
    let (certificate, key) = authority.issue(&["127.0.0.1", "localhost"]);
    let signing = rcgen::KeyPair::generate().expect("keys can be made");
    for (name, text) in [
        ("ca.crt", &authority.pem()),
        ("serving.crt", &certificate),
        ("serving.key", &key),
        ("accounts.key", &signing.serialize_pem()),
        ("accounts.pub", &signing.public_key_pem()),
        ("tokens.csv", &format!("{ADMIN_TOKEN},admin,admin,\"system:masters\"\n")),
    ] {
        std::fs::write(folder.join(name), text).expect("there is room for temporary files");
    }
}

fn program(name: &str) -> String {
    let folder = std::env::var("KUBEBUILDER_ASSETS").expect(r#"KUBEBUILDER_ASSETS is set; eval "$(e2e/tools/setup env)" sets it"#);
    Path::new(&folder).join(name).display().to_string()
}

fn start_etcd(space: &Space, folder: &Path) -> Ended {
    let data = folder.join("etcd").display().to_string();
    let arguments = [
        ["--data-dir", &data],
        ["--listen-client-urls", "http://127.0.0.1:2379"],
        ["--advertise-client-urls", "http://127.0.0.1:2379"],
        ["--listen-peer-urls", "http://127.0.0.1:2380"],
        ["--log-level", "error"],
    ];
    let mut arguments: Vec<String> = arguments.iter().flatten().map(|word| (*word).to_owned()).collect();
    arguments.push("--unsafe-no-fsync".to_owned());
    Ended(space.spawn(&program("etcd"), &arguments, &[], &folder.join("etcd.log")))
}

fn start_api_server(space: &Space, folder: &Path, flags: &[String]) -> Ended {
    let file = |name: &str| folder.join(name).display().to_string();
    let mut arguments = vec![
        "--etcd-servers=http://127.0.0.1:2379".to_owned(),
        "--secure-port=6443".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=10.244.0.1".to_owned(),
        format!("--tls-cert-file={}", file("serving.crt")),
        format!("--tls-private-key-file={}", file("serving.key")),
        format!("--cert-dir={}", file("")),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        format!("--token-auth-file={}", file("tokens.csv")),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", file("accounts.pub")),
        format!("--service-account-signing-key-file={}", file("accounts.key")),
        "--disable-admission-plugins=ServiceAccount".to_owned(),
    ];
    arguments.extend(flags.iter().cloned());
    Ended(space.spawn(&program("kube-apiserver"), &arguments, &[], &folder.join("kube-apiserver.log")))
}

/// The end of a log, for messages.
pub(super) fn tail(file: &Path) -> String {
    const BYTES: usize = 3000;
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let from = text.ceil_char_boundary(text.len().saturating_sub(BYTES));
    text[from..].to_owned()
}
