//! External authentication, snippets, modules.

use super::readers::texts;
use super::{DEAD, NO_MODULE, NOT_YET, NoEffect, Protection, Read, Rule, SNIPPET, Switch, config};

pub(super) const KEYS: &[(&str, Rule)] = &[
    // external authentication
    ("global-auth-url", Protection),
    ("global-auth-method", NoEffect(NOT_YET)),
    ("global-auth-signin", NoEffect(NOT_YET)),
    ("global-auth-signin-redirect-param", NoEffect(NOT_YET)),
    ("global-auth-response-headers", NoEffect(NOT_YET)),
    ("global-auth-request-redirect", NoEffect(NOT_YET)),
    ("global-auth-snippet", NoEffect(SNIPPET)),
    ("global-auth-cache-key", NoEffect(NOT_YET)),
    ("global-auth-cache-duration", NoEffect(NOT_YET)),
    ("global-auth-always-set-cookie", NoEffect(NOT_YET)),
    ("no-auth-locations", config!(no_auth_locations, texts)),
    ("global-external-auth", NoEffect(DEAD)),
    // snippets
    ("main-snippet", NoEffect(SNIPPET)),
    ("http-snippet", NoEffect(SNIPPET)),
    ("server-snippet", NoEffect(SNIPPET)),
    ("location-snippet", NoEffect(SNIPPET)),
    ("stream-snippet", NoEffect(SNIPPET)),
    // modules
    ("use-geoip2", Switch(NO_MODULE)),
    ("geoip2-autoreload-in-minutes", NoEffect(NO_MODULE)),
    ("enable-modsecurity", Protection),
    ("enable-owasp-modsecurity-crs", Protection),
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
