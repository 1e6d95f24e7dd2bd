//! A folder with files, the program run in it, and what it said.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

/// A folder of its own.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The program, to be run in this folder, with nothing of the outside world in its way.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatewright"));
        command.args(arguments).current_dir(self.path());
        // The version of whatever proxy is installed here would decide what is rendered.
        command.env("NGINX_BINARY", "/nonexistent/nginx").env_remove("NO_COLOR").env_remove("KUBECONFIG").env("HOME", self.path());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, b"")
    }

    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &[u8]) -> Ran {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let text = stdin.to_vec();
        // A program that does not read its input to the end is no failure here.
        let writer = std::thread::spawn(move || drop(pipe.write_all(&text)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let ran = Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) };
        if arguments.contains(&"sarif") && [0, 1].contains(&ran.code) {
            assert_sarif(&ran.out);
        }
        ran
    }

    /// Relative path and bytes of every file below a folder, sorted.
    pub(crate) fn files(&self, below: &str) -> Vec<(String, Vec<u8>)> {
        let (root, mut out) = (self.path().join(below), Vec::new());
        let mut waiting = vec![root.clone()];
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                waiting.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
            } else {
                out.push((path.strip_prefix(&root).unwrap().display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
        out.sort();
        out
    }

    /// Runs git in the folder.
    pub(crate) fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@a.test", "-c", "init.defaultBranch=main"]).args(arguments);
        let output = git.current_dir(self.path()).env("HOME", self.path()).env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// An Ingress of namespace `shop` for one host and one Service.
pub(crate) fn ingress(name: &str, host: &str, path: &str, service: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  rules:\n  - host: {host}\n    \
         http:\n      paths:\n      - path: {path}\n        pathType: Prefix\n        backend: {{service: {{name: {service}, port: {{number: 80}}}}}}\n---\n"
    )
}

/// A Service of namespace `shop` with one endpoint.
pub(crate) fn service(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{ports: [{{port: 80, targetPort: 8080}}]}}\n---\n\
         apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: {name}, namespace: shop, labels: \
         {{kubernetes.io/service-name: {name}}}}}\naddressType: IPv4\nports: [{{port: 8080}}]\nendpoints: [{{addresses: [10.1.0.1]}}]\n---\n"
    )
}

/// A key pair for a host, as a Secret of namespace `shop`.
pub(crate) fn secret(name: &str, host: &str) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec![host.to_owned()]).unwrap().self_signed(&key).unwrap();
    let block = |pem: &str| pem.lines().map(|line| format!("    {line}\n")).collect::<String>();
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: shop}}\ntype: kubernetes.io/tls\nstringData:\n  tls.crt: |\n{}  \
         tls.key: |\n{}---\n",
        block(&certificate.pem()),
        block(&key.serialize_pem())
    )
}

/// Fails unless it is a report in SARIF, as its committee says, and one that GitHub takes: that refuses all of a report in
/// which a result is in no file.
pub(crate) fn assert_sarif(text: &str) {
    let report: serde_json::Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
    assert_valid(&report, &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/sarif-2.1.0.schema.json"));
    for result in report["runs"][0]["results"].as_array().unwrap() {
        let place = &result["locations"][0]["physicalLocation"];
        assert!(
            place["artifactLocation"]["uri"].as_str().is_some_and(|uri| !uri.is_empty()) && place["region"]["startLine"].is_u64(),
            "{result}"
        );
    }
}

/// A file of the repository.
pub(crate) fn of_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// What of a document is not as a JSON schema says.
pub(crate) fn refused(document: &serde_json::Value, schema: &Path) -> Option<String> {
    refusing(schema)(document)
}

/// The same for many documents.
pub(crate) fn refusing(schema: &Path) -> impl Fn(&serde_json::Value) -> Option<String> + use<> {
    let mut compiler = boon::Compiler::new();
    compiler.set_default_draft(boon::Draft::V7);
    let mut schemas = boon::Schemas::new();
    let name = schema.to_str().unwrap();
    let index = compiler.compile(name, &mut schemas).unwrap_or_else(|error| panic!("{name}: {error:#}"));
    move |document| schemas.validate(document, index).err().map(|error| format!("{error:#}"))
}

/// Fails unless a document is what a JSON schema says.
pub(crate) fn assert_valid(document: &serde_json::Value, schema: &Path) {
    if let Some(error) = refused(document, schema) {
        panic!("{error}\n{document:#}");
    }
}
