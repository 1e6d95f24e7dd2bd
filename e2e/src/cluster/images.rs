//! The image of the controller, built by its own Containerfile on a small Debian, and that Debian with the proxies of its
//! packages in place of a stock image.

use super::{World, program};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root file systems of the images.
#[derive(Debug)]
pub struct Images {
    /// The controller's.
    pub controller: PathBuf,
    /// The proxy's.
    pub proxy: PathBuf,
}

impl Images {
    /// Builds them. The stage that compiles is replaced by the program that is there.
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
        let store = Store(&folder);
        let base = store.run(&["from", "scratch"]);
        store.run(&["copy", "--quiet", &base, &proxy.display().to_string(), "/"]);
        store.run(&["commit", "--quiet", "--rm", &base, "base"]);
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let file = repository.join("images/controller/Containerfile").display().to_string();
        let context = format!("build={}", folder.join("compiled").display());
        let words = ["bud", "--quiet", "--isolation", "chroot", "--build-context", &context, "--build-arg", "BASE=localhost/base"];
        store.run(
            &[&words[..], &["--file", &file, "--tag", "gatewright", &repository.join("images/controller").display().to_string()]].concat(),
        );
        let container = store.run(&["from", "--pull-never", "localhost/gatewright"]);
        Self { controller: store.run(&["mount", &container]).into(), proxy }
    }

    /// The root of an image, by its name in a Pod.
    pub(super) fn of<'i>(&'i self, image: &str) -> &'i Path {
        if image.starts_with("gatewright") { &self.controller } else { &self.proxy }
    }
}

/// Where buildah keeps what it makes.
struct Store<'f>(&'f Path);

impl Store<'_> {
    /// What buildah prints.
    fn run(&self, words: &[&str]) -> String {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(self.0.join("store")).arg("--runroot").arg(self.0.join("run")).args(["--storage-driver", "vfs"]);
        let output = command.args(words).output().expect("buildah is installed");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}
