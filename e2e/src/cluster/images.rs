//! The image of the controller, built by its own Containerfile on a small Debian, and that Debian with the proxies of its
//! packages in place of a stock image.

use super::{World, program};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The images, and the root file systems of those of a Pod.
#[derive(Debug)]
pub struct Images {
    store: Store,
    /// The controller's.
    pub controller: PathBuf,
    /// The proxy's.
    pub proxy: PathBuf,
}

impl Images {
    /// Builds those of the Pod. The stage that compiles is replaced by the program that is there.
    ///
    /// # Panics
    /// When buildah fails.
    #[must_use]
    pub fn build(world: &World) -> Self {
        let folder = world.new_folder("images");
        let proxy =
            PathBuf::from(std::env::var("GATEWRIGHT_BASE").expect(r#"GATEWRIGHT_BASE is set; eval "$(e2e/tools/setup env)" sets it"#));
        let compiled = folder.join("compiled/src/target/release");
        std::fs::create_dir_all(&compiled).expect("there is room for temporary files");
        std::fs::copy(program(), compiled.join("gatewright")).expect("the program can be copied");
        let store = Store(folder.clone());
        let base = store.run(&["from", "scratch"]);
        store.run(&["copy", "--quiet", &base, &proxy.display().to_string(), "/"]);
        store.run(&["commit", "--quiet", "--rm", &base, "base"]);
        let context = format!("build={}", folder.join("compiled").display());
        store.build("gatewright", "images/controller", "images/controller", &["--build-context", &context]);
        let controller = store.run(&["mount", &store.container("gatewright")]).into();
        Self { store, controller, proxy }
    }

    /// The files that the controller's image has and its base has not, and how many bytes both have.
    #[must_use]
    pub fn added(&self) -> (Vec<String>, [u64; 2]) {
        let [controller, base] = [&self.controller, &self.proxy].map(|root| files(root));
        let sizes = [&controller, &base].map(|files| files.values().sum());
        (controller.into_keys().filter(|path| !base.contains_key(path)).collect(), sizes)
    }

    /// How the controller's image is started, as it says by itself: `User`, `Entrypoint`, `Cmd` and so on.
    ///
    /// # Panics
    /// When buildah fails.
    #[must_use]
    pub fn configuration(&self) -> Value {
        let inspected = self.store.run(&["inspect", "--type", "image", "localhost/gatewright"]);
        let mut inspected: Value = serde_json::from_str(&inspected).expect("buildah writes JSON");
        inspected["OCIv1"]["config"].take()
    }

    /// What the image for CI prints when it runs these words in a folder.
    ///
    /// # Panics
    /// When buildah or the words fail.
    #[must_use]
    pub fn in_ci(&self, folder: &Path, words: &[&str]) -> String {
        self.store.build("gatewright-ci", "images/ci", ".", &["--build-arg", "CONTROLLER=localhost/gatewright"]);
        let container = self.store.container("gatewright-ci");
        let volume = format!("{}:/review", folder.display());
        let run = ["run", "--isolation", "chroot", "--volume", &volume, "--workingdir", "/review", &container, "--"];
        self.store.run(&[&run[..], words].concat())
    }

    /// The root of an image, by its name in a Pod.
    pub(super) fn of<'i>(&'i self, image: &str) -> &'i Path {
        if image.starts_with("gatewright") { &self.controller } else { &self.proxy }
    }
}

/// The files below a folder, by their path in it, with their sizes.
fn files(root: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if metadata.is_file() {
                let path = entry.path();
                found.insert(path.strip_prefix(root).unwrap_or(&path).display().to_string(), metadata.len());
            }
        }
    }
    found
}

/// Where buildah keeps what it makes.
#[derive(Debug)]
struct Store(PathBuf);

impl Store {
    /// Builds an image by the file of one of our folders, from the files of another.
    fn build(&self, tag: &str, file: &str, context: &str, words: &[&str]) {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let [file, context] =
            [repository.join(file).join("Containerfile"), repository.join(context)].map(|path| path.display().to_string());
        let bud = ["bud", "--quiet", "--isolation", "chroot", "--build-arg", "BASE=localhost/base", "--file", &file, "--tag", tag];
        self.run(&[&bud[..], words, &[&context]].concat());
    }

    /// A container of an image that was built here.
    fn container(&self, image: &str) -> String {
        self.run(&["from", "--pull-never", &format!("localhost/{image}")])
    }

    /// What buildah prints.
    fn run(&self, words: &[&str]) -> String {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(self.0.join("store")).arg("--runroot").arg(self.0.join("run")).args(["--storage-driver", "vfs"]);
        let output = command.args(words).output().expect("buildah is installed");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}
