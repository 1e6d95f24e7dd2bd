//! Snippets, modules.

use super::{Draft, NO_MODULE, NoEffect, Protection, Read, Rule, Switch};
use crate::settings::SnippetKey;
use crate::settings::values::Mistake;

const MAIN: &str =
    "only snippets for routes are read; what holds for the whole proxy has keys such as worker-processes and error-log-level";
const STREAM: &str =
    "only snippets for routes are read; streams are told in the ConfigMaps of --tcp-services-configmap and --udp-services-configmap";

/// Kept as it is written; translation knows what directives mean.
pub(super) fn snippet(draft: &mut Draft, key: SnippetKey, text: &str) -> Result<(), Mistake> {
    if !text.trim().is_empty() {
        draft.config.snippets.insert(key, text.to_owned());
    }
    Ok(())
}

pub(super) const KEYS: &[(&str, Rule)] = &[
    // snippets
    ("main-snippet", NoEffect(MAIN)),
    ("http-snippet", Read(|draft, text| snippet(draft, SnippetKey::Http, text))),
    ("server-snippet", Read(|draft, text| snippet(draft, SnippetKey::Server, text))),
    ("location-snippet", Read(|draft, text| snippet(draft, SnippetKey::Location, text))),
    ("stream-snippet", NoEffect(STREAM)),
    // modules
    ("use-geoip2", Switch(NO_MODULE)),
    ("geoip2-autoreload-in-minutes", NoEffect(NO_MODULE)),
    ("enable-modsecurity", Protection),
    ("enable-owasp-modsecurity-crs", NoEffect(NO_MODULE)),
    ("modsecurity-snippet", NoEffect(NO_MODULE)),
    ("enable-opentelemetry", Switch(NO_MODULE)),
    ("opentelemetry-config", NoEffect(NO_MODULE)),
    ("opentelemetry-operation-name", NoEffect(NO_MODULE)),
    ("opentelemetry-trust-incoming-span", NoEffect(NO_MODULE)),
    ("otlp-collector-host", NoEffect(NO_MODULE)),
    ("otlp-collector-port", NoEffect(NO_MODULE)),
    ("otel-service-name", NoEffect(NO_MODULE)),
    ("otel-sampler", NoEffect(NO_MODULE)),
    ("otel-sampler-ratio", NoEffect(NO_MODULE)),
    ("otel-sampler-parent-based", NoEffect(NO_MODULE)),
    ("otel-max-queuesize", NoEffect(NO_MODULE)),
    ("otel-schedule-delay-millis", NoEffect(NO_MODULE)),
    ("otel-max-export-batch-size", NoEffect(NO_MODULE)),
];
