//! The question and the answer as the API server writes and reads them: `AdmissionReview` of `admission.k8s.io`.

use gatewright_core::names::shown;
use gatewright_core::state::{Ingress, Object, decode};
use gatewright_core::translate::admission::Verdict;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What the answer repeats of the question.
#[derive(Debug)]
pub(super) struct Head {
    api_version: String,
    uid: String,
}

/// A question.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) head: Head,
    /// `None`: there is nothing to judge, for the Ingress is on its way out.
    pub(super) candidate: Option<Arc<Ingress>>,
}

/// Why there is nothing to put to the loop.
#[derive(Debug)]
pub(super) enum Unusable {
    /// This is no question.
    NoReview(String),
    /// It is about an object of this kind.
    OtherKind(String),
    /// The Ingress cannot even be read.
    Denied(Head, String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: String,
    request: Request,
}

#[derive(Deserialize)]
struct Request {
    uid: String,
    kind: GroupVersionKind,
    #[serde(default)]
    object: Value,
}

#[derive(Deserialize)]
struct GroupVersionKind {
    group: String,
    version: String,
    kind: String,
}

/// Reads a question.
pub(super) fn read(body: &[u8]) -> Result<Asked, Unusable> {
    let review: Review =
        serde_json::from_slice(body).map_err(|error| Unusable::NoReview(format!("this is no AdmissionReview: {error}")))?;
    let Request { uid, kind, mut object } = review.request;
    let head = Head { api_version: review.api_version, uid };
    if (&*kind.group, &*kind.version, &*kind.kind) != ("networking.k8s.io", "v1", "Ingress") {
        return Err(Unusable::OtherKind(shown(&format!("{} of {}/{}", kind.kind, kind.group, kind.version))));
    }
    if object.is_null() || !object["metadata"]["deletionTimestamp"].is_null() {
        return Ok(Asked { head, candidate: None });
    }
    // What is asked about is said above; the object may leave it out.
    object["apiVersion"] = json!("networking.k8s.io/v1");
    object["kind"] = json!("Ingress");
    match decode(object) {
        Ok(Some(Object::Ingress(candidate))) => Ok(Asked { head, candidate: Some(candidate) }),
        Ok(_) => Err(Unusable::Denied(head, "this is no Ingress".to_owned())),
        Err(error) => {
            let field = if error.field.is_empty() { String::new() } else { format!("{}: ", error.field) };
            Err(Unusable::Denied(head, format!("{field}{}", error.message)))
        }
    }
}

impl Head {
    /// The answer.
    pub(super) fn answer(&self, verdict: &Verdict) -> Value {
        let allowed = verdict.refusals.is_empty();
        let mut response = json!({"uid": self.uid, "allowed": allowed});
        if !allowed {
            let message = verdict.refusals.join("\n");
            response["status"] = json!({"status": "Failure", "reason": "BadRequest", "code": 400, "message": message});
        }
        if !verdict.warnings.is_empty() {
            response["warnings"] = json!(verdict.warnings);
        }
        json!({"apiVersion": self.api_version, "kind": "AdmissionReview", "response": response})
    }
}
