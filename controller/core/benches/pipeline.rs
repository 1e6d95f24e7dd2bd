//! From what is known to files, at 100, 1 000 and 10 000 Ingresses: one host, two paths and one Service of ten endpoints
//! each; every second one with a certificate.
//!
//! `…_from_nothing` translates and renders with empty memories, as at a start. The others begin with everything remembered
//! and bring one change. `ten_annotations` is how much longer a start takes for each Ingress that has them, `admission` what
//! a question about one Ingress takes while all that is known: whoever stores an Ingress waits for that, so at 10 000 it
//! may be 10 ms.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use gatewright_core::cores::Cores;
use gatewright_core::dialect::haproxy::HAPROXY;
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::model::{Certificate, CertificateId};
use gatewright_core::render::{FileSet, Renderer};
use gatewright_core::settings::Settings;
use gatewright_core::state::{Event, Object, Snapshot, decode};
use gatewright_core::translate::admission::review;
use gatewright_core::translate::{Input, Quarantine, Translator};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SIZES: [usize; 3] = [100, 1_000, 10_000];
const NGINX_VERSION: Version = Version(1, 30, 0);
const HAPROXY_VERSION: Version = Version(3, 2, 0);
const NOW_S: i64 = 1_700_000_000;

/// Annotations as many have them.
const TEN_ANNOTATIONS: [(&str, &str); 10] = [
    ("affinity", "cookie"),
    ("cors-allow-origin", "https://shop.bench.example"),
    ("enable-cors", "true"),
    ("proxy-body-size", "8m"),
    ("proxy-connect-timeout", "10"),
    ("proxy-read-timeout", "120"),
    ("proxy-send-timeout", "120"),
    ("session-cookie-name", "route"),
    ("ssl-redirect", "false"),
    ("whitelist-source-range", "10.0.0.0/8,192.0.2.0/24"),
];

/// All that `run` holds between its sources and the proxy.
struct Pipeline {
    snapshot: Snapshot,
    settings: Settings,
    translator: Translator,
    renderer: Renderer,
    self_signed: Arc<Certificate>,
}

impl Pipeline {
    fn new(snapshot: Snapshot) -> Self {
        Self::of_proxy(snapshot, &NGINX, NGINX_VERSION)
    }

    fn of_proxy(snapshot: Snapshot, dialect: &'static Dialect, version: Version) -> Self {
        let cores = std::thread::available_parallelism().map(Cores::from).unwrap_or_default();
        let pem: Arc<[u8]> = Arc::from(&b"pem"[..]);
        Self {
            snapshot,
            settings: Settings { take_all_without_class: true, ..Settings::default() },
            translator: Translator::default().on(cores),
            renderer: Renderer::new(dialect, version, BTreeMap::new()).expect("the built-in templates are good").on(cores),
            self_signed: Arc::new(Certificate { id: CertificateId::self_signed(), origin: "self-signed".to_owned(), pem, digest: 1 }),
        }
    }

    fn make(&mut self) -> FileSet {
        let Self { snapshot, settings, self_signed, .. } = self;
        let quarantine = &Quarantine::default();
        let translation = self.translator.translate(Input { snapshot, settings, quarantine, self_signed, now_s: NOW_S });
        self.renderer.render(&translation.model).expect("the built-in templates render every model")
    }

    fn apply(&mut self, object: &Value) {
        let changed = self.snapshot.apply(event(object));
        assert!(changed, "a change that is none measures nothing");
    }
}

fn event(object: &Value) -> Event {
    Event::Applied(decode(object.clone()).expect("a readable object").expect("a known kind"))
}

fn cluster(size: usize) -> Snapshot {
    cluster_of(size, |n| ingress(n, "/b"))
}

fn cluster_of(size: usize, ingress: impl Fn(usize) -> Value) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let pair = pair();
    for n in 0..size {
        let mut objects = vec![ingress(n), service(n), slice(n, 10)];
        if n % 2 == 0 {
            objects.push(secret(n, &pair));
        }
        objects.iter().for_each(|object| {
            snapshot.apply(event(object));
        });
    }
    snapshot
}

fn ingress(n: usize, second_path: &str) -> Value {
    let backend = json!({"service": {"name": format!("s{n}"), "port": {"number": 80}}});
    let path = |path: &str| json!({"path": path, "pathType": "Prefix", "backend": backend});
    let host = format!("host-{n}.bench.example");
    let tls = if n.is_multiple_of(2) { json!([{"hosts": [host], "secretName": format!("t{n}")}]) } else { json!([]) };
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": format!("i{n}"), "namespace": "bench"},
        "spec": {"rules": [{"host": host, "http": {"paths": [path("/a"), path(second_path)]}}], "tls": tls}})
}

fn annotated(n: usize) -> Value {
    let mut ingress = ingress(n, "/b");
    for (name, value) in TEN_ANNOTATIONS {
        ingress["metadata"]["annotations"][format!("nginx.ingress.kubernetes.io/{name}")] = json!(value);
    }
    ingress
}

fn service(n: usize) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("s{n}"), "namespace": "bench"},
        "spec": {"ports": [{"port": 80, "targetPort": 8080}]}})
}

fn slice(n: usize, endpoints: usize) -> Value {
    let address = |e: usize| format!("10.{}.{}.{}", n / 250 % 250, n % 250, e + 1);
    let endpoints: Vec<_> = (0..endpoints).map(|e| json!({"addresses": [address(e)], "conditions": {"ready": true}})).collect();
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "ports": [{"port": 8080}], "endpoints": endpoints,
        "metadata": {"name": format!("s{n}-a"), "namespace": "bench", "labels": {"kubernetes.io/service-name": format!("s{n}")}}})
}

/// A certificate for all hosts, and its key.
fn pair() -> (String, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = rcgen::CertificateParams::new(vec!["*.bench.example".to_owned()]).and_then(|params| params.self_signed(&key));
    (certificate.expect("a certificate").pem(), key.serialize_pem())
}

fn secret(n: usize, (certificate, key): &(String, String)) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": format!("t{n}"), "namespace": "bench"},
        "stringData": {"tls.crt": certificate, "tls.key": key}})
}

fn pipeline(c: &mut Criterion) {
    let mut group = c.benchmark_group("pipeline");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for size in SIZES {
        let snapshot = cluster(size);
        let pairs = [pair(), pair()];
        for (dialect, version) in [(&NGINX, NGINX_VERSION), (&HAPROXY, HAPROXY_VERSION)] {
            let of_proxy = || Pipeline::of_proxy(snapshot.clone(), dialect, version);
            group.bench_function(BenchmarkId::new(format!("{}_from_nothing", dialect.name), size), |b| {
                // Nothing of it is dropped at a start, so that is not timed.
                let start = |mut pipeline: Pipeline| (pipeline.make(), pipeline);
                b.iter_batched(of_proxy, start, BatchSize::PerIteration);
            });
            let mut pipeline = of_proxy();
            pipeline.make();
            let name = |what: &str| format!("{}_one_{what}", dialect.name);
            let path = |n: usize| if n.is_multiple_of(2) { "/c" } else { "/d" };
            change(&mut group, &mut pipeline, (&name("ingress"), size), |n| ingress(size / 2, path(n)));
            change(&mut group, &mut pipeline, (&name("endpoint"), size), |n| slice(size / 2, 5 + n % 2));
            change(&mut group, &mut pipeline, (&name("certificate"), size), |n| secret(0, &pairs[n % 2]));
        }
    }
    group.finish();
}

/// Measures from the event to the files; `object` gives the n-th version of what changes.
fn change(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    pipeline: &mut Pipeline,
    (name, size): (&str, usize),
    object: impl Fn(usize) -> Value,
) {
    let mut version = 0;
    group.bench_function(BenchmarkId::new(name, size), |b| {
        b.iter(|| {
            version += 1;
            pipeline.apply(&object(version));
            black_box(pipeline.make())
        });
    });
}

/// The difference of two starts, for each Ingress.
#[expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
fn annotations(c: &mut Criterion) {
    const SIZE: usize = SIZES[2];
    let mut group = c.benchmark_group("ten_annotations");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(10));
    let (plain, annotated) = (cluster(SIZE), cluster_of(SIZE, annotated));
    for (dialect, version) in [(&NGINX, NGINX_VERSION), (&HAPROXY, HAPROXY_VERSION)] {
        let start = |snapshot: &Snapshot| {
            let mut pipeline = Pipeline::of_proxy(snapshot.clone(), dialect, version);
            let begun = Instant::now();
            black_box(pipeline.make());
            begun.elapsed()
        };
        let more = || start(&annotated).saturating_sub(start(&plain)).div_f64(SIZE as f64);
        group.bench_function(BenchmarkId::new(dialect.name, SIZE), |b| b.iter_custom(|rounds| (0..rounds).map(|_| more()).sum()));
    }
    group.finish();
}

/// A question about one more path of an Ingress.
fn admission(c: &mut Criterion) {
    let mut group = c.benchmark_group("admission");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for size in SIZES {
        let Pipeline { snapshot, settings, self_signed, .. } = Pipeline::new(cluster(size));
        let mut asked = ingress(size / 2, "/c");
        asked["metadata"]["uid"] = json!("8e0c3b1a-52a4-4d5e-9c0a-0b7d5f1e2a3c");
        let Ok(Some(Object::Ingress(candidate))) = decode(asked) else { panic!("it is an Ingress") };
        let quarantine = &Quarantine::default();
        let input = Input { snapshot: &snapshot, settings: &settings, quarantine, self_signed: &self_signed, now_s: NOW_S };
        assert!(review(&candidate, input).refusals.is_empty());
        group.bench_function(BenchmarkId::from_parameter(size), |b| b.iter(|| black_box(review(&candidate, input))));
    }
    group.finish();
}

criterion_group!(benches, pipeline, annotations, admission);
criterion_main!(benches);
