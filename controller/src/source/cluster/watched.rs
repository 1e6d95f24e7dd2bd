//! The objects of the core, made to look like resources to the client.

use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use gatewright_core::state::{
    ConfigMap, DecodeError, EndpointSlice, Event, GatewrightParameters, Ingress, IngressClass, Namespace, Object, Secret, Service, decode,
    decode_written,
};
use k8s_openapi::api::{core::v1 as core, discovery::v1 as discovery, networking::v1 as networking};
use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope};
use kube::Resource;
use kube::api::ObjectMeta;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use std::borrow::Cow;
use std::fmt::Debug;
use std::marker::PhantomData;

/// An object as a watch delivers it. One that cannot be read does not end the watch of its kind.
#[derive(Debug, Clone)]
pub(super) struct Watched<T> {
    metadata: ObjectMeta,
    object: Result<Object, DecodeError>,
    /// What is there of parameters that cannot be read: who names them is not to go without what they may protect. An API
    /// server that has another definition of our kind than we ship takes such objects.
    rest: Option<Object>,
    kind: PhantomData<T>,
}

/// One of the kinds that are watched.
pub(super) trait WatchedKind: Debug + Clone + Send + Sync + 'static {
    const KIND: Kind;
    type Full: Resource<DynamicType = (), Scope = Self::Scope>;
    type Scope;
}

macro_rules! watched {
    ($($kind:ident $full:ty, $scope:ty;)*) => {$(
        impl WatchedKind for $kind {
            const KIND: Kind = Kind::$kind;
            type Full = $full;
            type Scope = $scope;
        }
    )*};
}

watched! {
    Ingress networking::Ingress, NamespaceResourceScope;
    IngressClass networking::IngressClass, ClusterResourceScope;
    Service core::Service, NamespaceResourceScope;
    EndpointSlice discovery::EndpointSlice, NamespaceResourceScope;
    Secret core::Secret, NamespaceResourceScope;
    ConfigMap core::ConfigMap, NamespaceResourceScope;
    Namespace core::Namespace, ClusterResourceScope;
    GatewrightParameters ParametersResource, NamespaceResourceScope;
}

/// What the API calls our own kind.
#[derive(Debug, Clone)]
pub(super) struct ParametersResource(ObjectMeta);

impl Resource for ParametersResource {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        Kind::GatewrightParameters.as_str().into()
    }

    fn group((): &()) -> Cow<'_, str> {
        "gatewright.dev".into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "v1alpha1".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "gatewrightparameters".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.0
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.0
    }
}

impl<T: WatchedKind> Resource for Watched<T> {
    type DynamicType = ();
    type Scope = T::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        <T::Full as Resource>::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        <T::Full as Resource>::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        <T::Full as Resource>::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        <T::Full as Resource>::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// The part of the metadata that the client itself looks at.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

impl<'de, T: WatchedKind> Deserialize<'de> for Watched<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = serde_json::Value::deserialize(deserializer)?;
        let identity: Identity = value.get("metadata").and_then(|m| Identity::deserialize(m).ok()).unwrap_or_default();
        // Bookmarks carry an annotation that says that a streamed list is complete.
        let bookmark = "k8s.io/initial-events-end";
        let annotations = identity.annotations.and_then(|all| all.get(bookmark).map(|v| [(bookmark.to_owned(), v.clone())].into()));
        let metadata = ObjectMeta {
            name: identity.name,
            namespace: identity.namespace,
            uid: identity.uid,
            resource_version: identity.resource_version,
            annotations,
            ..ObjectMeta::default()
        };
        // Items of a list do not say what they are.
        if let Some(map) = value.as_object_mut() {
            map.insert("apiVersion".to_owned(), <T::Full as Resource>::api_version(&()).into_owned().into());
            map.insert("kind".to_owned(), T::KIND.as_str().into());
        }
        let written = (T::KIND == Kind::GatewrightParameters).then(|| value.clone());
        let object = decode(value).and_then(|object| {
            let message = "the object is of another kind".to_owned();
            object.ok_or_else(|| DecodeError { field: "kind".to_owned(), message, help: String::new() })
        });
        let rest = written.filter(|_| object.is_err()).and_then(|written| decode_written(written).ok()?).map(|(object, _)| object);
        Ok(Self { metadata, object, rest, kind: PhantomData })
    }
}

impl<T: WatchedKind> Watched<T>
where
    Self: DeserializeOwned,
{
    /// Namespace and name; `None` for what cannot have a name.
    pub(super) fn name(&self) -> Option<ObjectName> {
        ObjectName::new(self.metadata.namespace.as_deref().unwrap_or_default(), self.metadata.name.as_deref()?).ok()
    }

    /// The version, to tell whether it is the same as before.
    pub(super) fn version(&self) -> Box<str> {
        self.metadata.resource_version.as_deref().unwrap_or_default().into()
    }

    /// The event of its being there, or why it cannot be read, and perhaps the event of what of it can be.
    pub(super) fn applied(self) -> Result<Event, (DecodeError, Option<Event>)> {
        let rest = self.rest.map(Event::Applied);
        self.object.map(Event::Applied).map_err(|error| (error, rest))
    }
}

/// The event of an object's being gone.
pub(super) fn deleted<T: WatchedKind>(name: ObjectName) -> Event {
    Event::Deleted(ObjectRef::new(T::KIND, name))
}
