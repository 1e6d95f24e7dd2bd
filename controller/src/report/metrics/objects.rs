//! Metrics about the objects that are live: Ingresses that lead nowhere, certificates and their ends.

use gatewright_core::names::ObjectName;
use gatewright_core::state::Leaf;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a revision serves, as far as metrics tell it.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    /// The Ingresses, each once.
    pub(crate) ingresses: Vec<ServedIngress>,
    /// The certificates of hosts, each host once.
    pub(crate) certificates: Vec<ServedCertificate>,
}

/// An Ingress.
#[derive(Debug)]
pub(crate) struct ServedIngress {
    /// Its name.
    pub(crate) name: ObjectName,
    /// A Service that it names is not there.
    pub(crate) lacks_service: bool,
    /// A Service that it names has nobody to forward to.
    pub(crate) lacks_endpoint: bool,
}

/// The certificate of a host.
#[derive(Debug)]
pub(crate) struct ServedCertificate {
    /// The host; `_` for those that are not configured.
    pub(crate) host: String,
    /// Where the certificate comes from; `None`: it is self-signed.
    pub(crate) secret: Option<ObjectName>,
    /// What it says.
    pub(crate) leaf: Arc<Leaf>,
}

/// What the collectors share with the loop.
#[derive(Debug)]
pub(super) struct Shown {
    objects: Mutex<Objects>,
    /// Certificates are told by one replica only.
    leads: AtomicBool,
    /// Label `class` of certificates.
    class: String,
}

impl Shown {
    pub(super) fn new(class: &str) -> Self {
        Self { objects: Mutex::default(), leads: AtomicBool::new(false), class: class.to_owned() }
    }

    pub(super) fn set(&self, objects: Objects) {
        *self.objects() = objects;
    }

    pub(super) fn lead(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `orphan_ingress`.
#[derive(Debug)]
pub(super) struct Orphans(pub(super) Arc<Shown>);

impl Collector for Orphans {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Whether an Ingress names a Service that is not there or has no endpoints";
        let mut metric = encoder.encode_descriptor("nginx_ingress_controller_orphan_ingress", help, None, MetricType::Gauge)?;
        for ingress in &self.0.objects().ingresses {
            for (kind, lacks) in [("no-service", ingress.lacks_service), ("no-endpoint", ingress.lacks_endpoint)] {
                let labels = [("namespace", ingress.name.namespace()), ("ingress", ingress.name.name()), ("type", kind)];
                ConstGauge::new(i64::from(lacks)).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

/// `ssl_expire_time_seconds` and `ssl_certificate_info`.
#[derive(Debug)]
pub(super) struct Certificates(pub(super) Arc<Shown>);

impl Collector for Certificates {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let shown = &*self.0;
        if !shown.leads.load(Ordering::Relaxed) {
            return Ok(());
        }
        let objects = shown.objects();
        let help = "When the certificate of a host ends, in seconds since 1970";
        let mut ends = encoder.encode_descriptor("nginx_ingress_controller_ssl_expire_time_seconds", help, None, MetricType::Gauge)?;
        for certificate in &objects.certificates {
            ConstGauge::new(certificate.leaf.not_after_s).encode(ends.encode_family(&certificate.labels(&shown.class))?)?;
        }
        let help = "Who issued the certificate of a host";
        let mut infos = encoder.encode_descriptor("nginx_ingress_controller_ssl_certificate_info", help, None, MetricType::Gauge)?;
        for certificate in &objects.certificates {
            let leaf = &*certificate.leaf;
            let more = [
                ("issuer_organization", leaf.issuer_organization.as_str()),
                ("issuer_common_name", &leaf.issuer_common_name),
                ("serial_number", &leaf.serial),
                ("public_key_algorithm", &leaf.public_key_algorithm),
            ];
            ConstGauge::new(1_i64).encode(infos.encode_family(&(certificate.labels(&shown.class), more))?)?;
        }
        Ok(())
    }
}

impl ServedCertificate {
    fn labels(&self, class: &str) -> [(&'static str, String); 5] {
        let (namespace, name) = self.secret.as_ref().map_or(("", ""), |secret| (secret.namespace(), secret.name()));
        [
            ("namespace", namespace.to_owned()),
            ("class", class.to_owned()),
            ("host", self.host.clone()),
            ("secret_name", name.to_owned()),
            ("identifier", format!("{}-{}", self.leaf.issuer_serial, self.leaf.serial)),
        ]
    }
}
