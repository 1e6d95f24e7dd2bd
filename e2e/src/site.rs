//! A part of a shared world: a manifest, a Kubernetes namespace and hosts that no other test uses.

use crate::echo;
use crate::manifest::{service, slice, text};
use crate::proxies::Proxy;
use crate::world::World;
use serde_json::Value;

/// What one test has in a world.
#[derive(Debug)]
pub struct Site {
    /// The world, which others use too.
    pub world: &'static World,
    name: String,
}

impl Site {
    /// A part of the shared world of a proxy. The name is that of the case, such as `mrg-1`; no two tests may have the
    /// same one.
    #[must_use]
    pub fn of(proxy: Proxy, name: &str) -> Self {
        Self { world: World::shared(proxy), name: name.to_owned() }
    }

    /// A host of this site: `a` → `a.mrg-1.test`.
    #[must_use]
    pub fn host(&self, name: &str) -> String {
        format!("{name}.{}.test", self.name)
    }

    /// Name of the manifest.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}.yaml", self.name)
    }

    fn probe(&self) -> String {
        format!("probe-{}.yaml", self.name)
    }

    /// The namespace of objects that name none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.name
    }

    /// Puts these objects in the place of those before, and waits until they are live.
    #[track_caller]
    pub fn apply(&self, objects: &[Value]) {
        self.world.clear();
        self.world.write(&self.file(), &text(&self.placed(objects)));
        self.sync();
    }

    /// Waits until what was written before is live.
    #[track_caller]
    pub fn sync(&self) {
        self.world.sync(&self.probe());
    }

    /// The objects in the namespace of this site.
    #[must_use]
    pub fn placed(&self, objects: &[Value]) -> Vec<Value> {
        objects.iter().cloned().map(|object| within(object, &self.name)).collect()
    }

    /// The findings on objects of this site.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<String> {
        let own = format!(" {}/", self.name);
        self.world.diagnostics().into_iter().filter(|line| line.contains(&own)).collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.world.explain();
        }
        // So that later tests do not wait for work on what nobody asks for.
        self.world.leave([self.file(), self.probe()]);
    }
}

fn within(mut object: Value, namespace: &str) -> Value {
    let is_cluster_wide = object["kind"] == "IngressClass" || object["kind"] == "Namespace";
    if !is_cluster_wide && object["metadata"]["namespace"].is_null() {
        object["metadata"]["namespace"] = namespace.into();
    }
    object
}

/// A Service and a pod of it, which tells its name.
#[must_use]
pub fn running(name: &str) -> Vec<Value> {
    vec![service(name), slice(name, &[echo::new_pod(name).into()])]
}

/// Several of them.
#[must_use]
pub fn all_running(names: &[&str]) -> Vec<Value> {
    names.iter().flat_map(|name| running(name)).collect()
}
