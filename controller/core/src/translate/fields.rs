//! The fields of an Ingress, each by itself: what it says, or why the API server would not take it.
//!
//! One that is ours is read with these functions, and what they find costs a path or a host. Of one that is not ours
//! nothing is read; what the API server would refuse of it is found with the same functions.

use super::reading::{BackendUse, PathKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::names::{BadText, HostPattern, Kind, ObjectName, ObjectRef, UriPath, shown};
use crate::state::{Backend, Ingress, Path, PortRef, TlsSection};

/// Why a field says nothing.
#[derive(Debug)]
pub(super) struct Fault {
    code: Code,
    /// What follows the place that was looked at, such as `.service.port`; may be empty.
    below: &'static str,
    message: String,
    help: &'static str,
}

impl Fault {
    pub(super) fn new(code: Code, below: &'static str, message: impl Into<String>, help: &'static str) -> Self {
        Self { code, below, message: message.into(), help }
    }

    /// As a finding about an object.
    pub(super) fn at(self, place: &str, object: &ObjectRef) -> Diagnostic {
        let Self { code, below, message, help } = self;
        Diagnostic::new(code, object.clone(), format!("{place}{below}"), message).help(help)
    }
}

/// What the API server would refuse of an Ingress that is not read, as far as only who reads it finds it.
#[must_use]
pub fn refused_by_api(ingress: &Ingress) -> Vec<Diagnostic> {
    let (name, object) = (&ingress.meta.name, ObjectRef::new(Kind::Ingress, ingress.meta.name.clone()));
    let mut findings = Vec::new();
    // A resource is nothing for us, but the API server takes it.
    let mut find = |at: String, fault: Option<Fault>| {
        let refused = fault.filter(|fault| fault.code != Code::ResourceBackend);
        findings.extend(refused.map(|fault| Fault { code: Code::RefusedByApi, ..fault }.at(&at, &object)));
    };
    let default = ingress.default_backend.as_ref();
    find("spec.defaultBackend".to_owned(), default.and_then(|default| backend(name, default).err()));
    for (r, rule) in ingress.rules.iter().enumerate().filter_map(|(r, rule)| Some((r, rule.as_ref()?))) {
        find(format!("spec.rules[{r}].host"), host(&rule.host).err());
        for (p, path) in rule.paths.iter().flatten().enumerate().filter_map(|(p, path)| Some((p, path.as_ref()?))) {
            let at = format!("spec.rules[{r}].http.paths[{p}]");
            find(at.clone(), path_kind(path).err());
            find(at.clone(), path_text(path).err());
            find(format!("{at}.backend"), backend(name, &path.backend).err());
        }
    }
    for (t, section) in ingress.tls.iter().enumerate().filter_map(|(t, section)| Some((t, section.as_ref()?))) {
        for (h, text) in section.hosts.iter().enumerate().filter_map(|(h, text)| Some((h, text.as_deref()?))) {
            find(format!("spec.tls[{t}].hosts[{h}]"), host(text).err());
        }
        find(format!("spec.tls[{t}]"), secret_name(name, section).err());
    }
    findings
}

pub(super) fn host(text: &str) -> Result<HostPattern, Fault> {
    HostPattern::parse(text).map_err(|bad| Fault::new(Code::BadHost, "", bad.0, ""))
}

/// One without a type is of the API versions in which that was allowed.
pub(super) fn path_kind(path: &Path) -> Result<PathKind, Fault> {
    match path.path_type.as_deref() {
        Some("Exact") => Ok(PathKind::Exact),
        None | Some("Prefix" | "ImplementationSpecific") => Ok(PathKind::Prefix),
        Some(other) => {
            let message = format!("pathType {} is not known", shown(other));
            Err(Fault::new(Code::BadPathType, ".pathType", message, "use Exact, Prefix or ImplementationSpecific"))
        }
    }
}

/// Of a path that is an expression, only where it begins.
fn path_text(path: &Path) -> Result<(), Fault> {
    let Some(text) = path.path.as_deref().filter(|text| !text.is_empty()) else { return Ok(()) };
    let is_literal = matches!(path.path_type.as_deref(), Some("Exact" | "Prefix"));
    let checked = UriPath::begins(text).and_then(|()| if is_literal { UriPath::is_without_dots(text) } else { Ok(()) });
    checked.map_err(|BadText(bad)| Fault::new(Code::BadPath, ".path", bad, ""))
}

/// The Service port that an Ingress of this name means.
pub(super) fn backend(ingress: &ObjectName, backend: &Backend) -> Result<BackendUse, Fault> {
    let Some(service) = &backend.service else {
        if backend.has_resource {
            return Err(Fault::new(Code::ResourceBackend, ".resource", "resource backends are not supported", "name a Service"));
        }
        let help = "give service.name and service.port; serviceName and servicePort are of the versions before networking.k8s.io/v1";
        return Err(Fault::new(Code::BadBackend, "", "the backend names no Service", help));
    };
    if backend.has_resource {
        return Err(Fault::new(Code::BadBackend, "", "the backend names a Service and a resource", "remove resource"));
    }
    let own = "name a Service of the Ingress's own namespace";
    let name = ingress.beside(&service.name).map_err(|bad| Fault::new(Code::BadBackend, ".service.name", bad.0, own))?;
    port(&service.port)?;
    Ok(BackendUse { service: name, port: service.port.clone() })
}

/// Whether something can be a port.
fn port(port: &PortRef) -> Result<(), Fault> {
    let message = match port {
        PortRef::Number(number) if !(1..=65535).contains(number) => format!("{number} is not a port"),
        PortRef::Name(name) if name.len() > 63 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
            format!("{} is not a port", shown(name))
        }
        PortRef::Both(name, number) => format!("the backend names port {} and port {number}; one of them is too many", shown(name)),
        PortRef::Missing => "the backend names no port: neither a name nor a number other than 0".to_owned(),
        _ => return Ok(()),
    };
    Err(Fault::new(Code::BadBackend, ".service.port", message, "give the number (1 to 65535) or the name of a port of the Service"))
}

/// The Secret that a section of an Ingress of this name means; `None`: it names none.
pub(super) fn secret_name(ingress: &ObjectName, section: &TlsSection) -> Result<Option<ObjectName>, Fault> {
    let Some(name) = Some(&*section.secret_name).filter(|name| !name.is_empty()) else { return Ok(None) };
    let own = "name a Secret of the Ingress's own namespace";
    ingress.beside(name).map(Some).map_err(|bad| Fault::new(Code::BadSecretName, ".secretName", bad.0, own))
}
