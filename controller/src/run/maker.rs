//! From what is known to files: the core, with what it has to remember.

mod suspects;

use super::last_settings::LastSettings;
use super::retrials::Retrials;
use super::sets::{Overrides, Sets};
use crate::admission::Question;
use crate::clock::now_s;
use crate::cores;
use gatewright_core::diagnostic::Diagnostic;
use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::model::{Certificate, CertificateId, Model, Workers};
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use gatewright_core::render::{FileSet, RenderError};
use gatewright_core::settings::Settings;
use gatewright_core::state::{Event, Ingress, KeyPair, Snapshot};
use gatewright_core::translate::{Input, Quarantine, Setting, Translation, Translator, Wanted};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) use suspects::Suspect;

/// Keys and values, by the object that says them.
pub(super) type SettingsByObject = BTreeMap<ObjectRef, BTreeMap<String, String>>;

/// Makes candidates.
pub(super) struct Maker {
    pub(super) snapshot: Snapshot,
    pub(super) settings: Settings,
    pub(super) quarantine: Quarantine,
    pub(super) templates: Sets,
    dialect: &'static Dialect,
    translator: Translator,
    drain_timeout: Duration,
    self_signed: Arc<Certificate>,
    /// Where the files are that the proxy has taken last.
    published: PathBuf,
    /// Those of the last revision that the proxy has taken since the start; the quarantine has those from before, too.
    settings_since_start: SettingsByObject,
    /// Where they are kept for the next one.
    last_settings: LastSettings,
    /// Digests of its key pairs that only the proxy can check.
    accepted_pairs: HashSet<u128>,
    /// How many candidates were made.
    count: u64,
    /// Namespaces in which something has changed since the last revision that the proxy has taken, and how many candidates
    /// there were by the first change and by the last.
    touched: BTreeMap<String, (u64, u64)>,
    retrials: Retrials,
}

/// A candidate.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) files: Arc<FileSet>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) wanted: Wanted,
    pub(super) served: Arc<[Arc<Ingress>]>,
    templates: Arc<Overrides>,
    /// Those that hold.
    settings: SettingsByObject,
    pub(super) model: Model,
    /// Counted from 1.
    number: u64,
}

impl Made {
    fn new(files: FileSet, translation: Translation, templates: Arc<Overrides>, number: u64) -> Self {
        let Translation { model, diagnostics, wanted, served, settings, parameters: _, configured: _ } = translation;
        Self { files: Arc::new(files), diagnostics, wanted, served, templates, settings, model, number }
    }

    /// How many virtual hosts there are, beside the one for all others.
    pub(super) fn hosts(&self) -> usize {
        self.model.hosts.len() - 1
    }

    /// Whether other Ingresses than this one have its class.
    pub(super) fn has_others_of_class(&self, suspect: &Suspect) -> bool {
        let Suspect::Ingress(one) = suspect else { return false };
        let by_annotation = |ingress: &Ingress| ingress.meta.annotations.get("kubernetes.io/ingress.class").cloned();
        let is_alike = |other: &Ingress| other.class_name == one.class_name && by_annotation(other) == by_annotation(one);
        self.served.iter().any(|other| other.meta.name != one.meta.name && is_alike(other))
    }

    /// The key pairs that only the proxy can check.
    fn unchecked_pairs(&self) -> impl Iterator<Item = &Certificate> {
        self.model.certificates.values().map(|pair| &**pair).filter(|pair| pair.id.is_unchecked())
    }
}

/// Why there is no candidate.
#[derive(Debug, thiserror::Error)]
pub(super) enum MakeError {
    /// A template or the grammar says no.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// There are no templates that can be used.
    #[error("{0}")]
    Templates(String),
    /// The core broke one of its own rules.
    #[error("a bug: {0}")]
    Bug(String),
}

impl Maker {
    pub(super) fn new(
        settings: Settings,
        (dialect, version): (&'static Dialect, Version),
        templates: Sets,
        self_signed: Arc<Certificate>,
        (published, mut last_settings): (PathBuf, LastSettings),
    ) -> Self {
        let mut snapshot = Snapshot::default();
        let mut quarantine = Quarantine::default();
        quarantine.accept_settings(&last_settings.read());
        settings.config_map.iter().for_each(|name| snapshot.keep_last(name));
        Self {
            snapshot,
            settings: crate::abilities::of_proxy(settings, dialect, version),
            quarantine,
            templates,
            dialect,
            translator: Translator::default().on(cores::all()),
            drain_timeout: Duration::from_secs(Workers::default().drain_timeout_s),
            self_signed,
            published,
            settings_since_start: BTreeMap::new(),
            last_settings,
            accepted_pairs: HashSet::new(),
            count: 0,
            touched: BTreeMap::new(),
            retrials: Retrials::default(),
        }
    }

    /// Takes in what happened; whether anything changed.
    pub(super) fn apply(&mut self, event: Event) -> bool {
        let namespace = event.namespace();
        let changed = self.snapshot.apply(event);
        if changed {
            self.touched.entry(namespace).or_insert((self.count, self.count)).1 = self.count;
        }
        changed
    }

    /// The namespaces in which something has changed since the last revision that the proxy has taken.
    pub(super) fn touched(&self) -> impl Iterator<Item = &str> {
        self.touched.keys().map(String::as_str)
    }

    /// Those of them whose changes are in this.
    pub(super) fn touched_before(&self, made: &Made) -> BTreeSet<String> {
        self.touched.iter().filter(|(_, (first, _))| *first < made.number).map(|(namespace, _)| namespace.clone()).collect()
    }

    /// How long requests in flight may take at the end.
    pub(super) const fn drain_timeout(&self) -> Duration {
        self.drain_timeout
    }

    /// Translates and renders everything. The core is pure, so a bug in it costs this candidate and nothing else.
    pub(super) fn make(&mut self) -> Result<Made, MakeError> {
        self.make_with(&self.quarantine.clone())
    }

    fn make_with(&mut self, quarantine: &Quarantine) -> Result<Made, MakeError> {
        self.count += 1;
        let number = self.count;
        self.guarded(|maker| {
            let translation = maker.translate(quarantine);
            let templates = Arc::clone(maker.templates.used());
            let renderer = maker.templates.renderer().map_err(|why| MakeError::Templates(why.clone()))?;
            Ok(Made::new(renderer.render(&translation.model)?, translation, templates, number))
        })
    }

    /// What built-in templates make, if those in use are others and the proxy never took any: whether those are to blame.
    pub(super) fn make_without_unproven_templates(&mut self) -> Option<Made> {
        let mut renderer = self.templates.without_unproven()?;
        let number = self.count;
        let made = self.guarded(|maker| {
            let translation = maker.translate(&maker.quarantine.clone());
            Ok(Made::new(renderer.render(&translation.model)?, translation, Arc::default(), number))
        });
        made.ok()
    }

    fn guarded(&mut self, make: impl FnOnce(&mut Self) -> Result<Made, MakeError>) -> Result<Made, MakeError> {
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| make(self)));
        let made = made.unwrap_or_else(|panic| {
            // What the core remembers may be half written.
            self.translator = Translator::default().on(cores::all());
            let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            Err(MakeError::Bug(text.unwrap_or("the core has panicked").to_owned()))
        });
        if let Ok(made) = &made {
            self.drain_timeout = Duration::from_secs(made.model.globals.workers.drain_timeout_s);
        }
        made
    }

    fn translate(&mut self, quarantine: &Quarantine) -> Translation {
        let Self { snapshot, settings, self_signed, translator, .. } = self;
        translator.translate(Input { snapshot, settings, quarantine, self_signed, now_s: now_s() })
    }

    /// What the API server is told of an Ingress that it is about to store.
    /// Gives the name of the Ingress, and whether it is refused.
    pub(super) fn answer(&self, question: Question) -> Option<(ObjectName, bool)> {
        let Self { snapshot, settings, quarantine, self_signed, .. } = self;
        question.answer(Input { snapshot, settings, quarantine, self_signed, now_s: now_s() })
    }

    /// The proxy has taken this.
    pub(super) fn accept(&mut self, made: &Made) {
        self.templates.accept(&made.templates);
        self.quarantine.accept(&made.served);
        self.settings_since_start.clone_from(&made.settings);
        let are_others = self.quarantine.accept_settings(&made.settings);
        if are_others || !self.last_settings.are_kept() {
            self.last_settings.keep(&made.settings);
        }
        self.accepted_pairs.clear();
        self.accepted_pairs.extend(made.unchecked_pairs().map(|pair| pair.digest));
        self.touched.retain(|_, (_, last)| *last >= made.number);
        self.touched.values_mut().for_each(|(first, last)| *first = *last);
        self.retrials.tidy(&self.quarantine, &self.snapshot);
    }

    /// The value of a setting in the last revision that the proxy has taken.
    fn accepted_value(&self, object: &ObjectRef, key: &str) -> Option<&String> {
        self.settings_since_start.get(object)?.get(key)
    }

    /// Whether this still holds, as the object says it or in the place of what it says.
    fn holds(&mut self, setting: &Setting) -> bool {
        let value_of = |settings: &SettingsByObject| settings.get(&setting.object)?.get(&setting.key).cloned();
        setting.is_in(&self.snapshot)
            || value_of(&self.translate(&self.quarantine.clone()).settings).is_some_and(|value| value == setting.value)
    }

    /// Sets somebody aside for good; whether that changes anything.
    pub(super) fn set_aside(&mut self, guilty: &Suspect, reason: &str) -> bool {
        match guilty {
            Suspect::Ingress(ingress) => self.set_ingress_aside(ingress, reason),
            Suspect::Setting(setting) => {
                let is_current = self.holds(setting);
                if is_current {
                    let Setting { object, key, .. } = setting;
                    let last = self.accepted_value(object, key).cloned();
                    self.quarantine.set_setting_aside(setting.clone(), reason.to_owned(), last, &self.snapshot);
                    tracing::warn!(%object, key, reason, "the proxy refuses this setting; it is set aside");
                }
                is_current
            }
            Suspect::Pair(secret, digest) => {
                let is_current = digest_of_pair(&self.snapshot, secret) == Some(*digest);
                if is_current {
                    let last = self.published_pair(secret).filter(|last| last.digest != *digest).map(Arc::new);
                    self.quarantine.set_pair_aside(secret, *digest, reason.to_owned(), last);
                    tracing::warn!(%secret, reason, "the proxy refuses the key pair in this Secret; it is set aside");
                }
                is_current
            }
        }
    }

    /// The key pair of a Secret that the proxy has taken last, also before a restart.
    fn published_pair(&self, secret: &ObjectName) -> Option<KeyPair> {
        let ids = [CertificateId::of_unchecked_secret, CertificateId::of_secret].map(|id| id(secret.namespace(), secret.name()));
        let path = |id| self.published.join((self.dialect.certificate_path)(id));
        let pem = ids.iter().find_map(|id| std::fs::read(path(id)).ok())?;
        KeyPair::parse(Some(&pem), Some(&pem)).ok()
    }

    /// Sets an Ingress aside for good; whether that changes anything.
    pub(super) fn set_ingress_aside(&mut self, ingress: &Arc<Ingress>, reason: &str) -> bool {
        let name = &ingress.meta.name;
        let current = self.snapshot.ingress(name).is_some_and(|now| now.digest == ingress.digest);
        if current {
            self.retrials.set_aside(ingress, &self.snapshot, Instant::now());
            self.quarantine.set_aside(ingress, reason.to_owned());
            tracing::warn!(ingress = %name, reason, "the proxy refuses this Ingress; it is set aside");
        }
        current
    }

    /// Whether this version of an Ingress has no verdict yet.
    pub(super) fn quarantine_is_new(&self, ingress: &Ingress) -> bool {
        !self.quarantine.holds(ingress)
    }

    /// A candidate without these.
    pub(super) fn make_without(&mut self, aside: &[Suspect]) -> Result<Made, MakeError> {
        let mut quarantine = self.quarantine.clone();
        for suspect in aside {
            match suspect {
                Suspect::Ingress(ingress) => quarantine.set_aside(ingress, String::new()),
                Suspect::Setting(setting) => {
                    let last = self.accepted_value(&setting.object, &setting.key).cloned();
                    quarantine.set_setting_aside(setting.clone(), String::new(), last, &self.snapshot);
                }
                Suspect::Pair(secret, digest) => quarantine.set_pair_aside(secret, *digest, String::new(), None),
            }
        }
        self.make_with(&quarantine)
    }

    /// A line of a file, without the space around it.
    pub(super) fn line_at(files: &FileSet, file: &str, line: u32) -> Option<String> {
        let bytes = files.get(file)?.bytes.whole();
        let text = std::str::from_utf8(&bytes).ok()?;
        text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?).map(|line| line.trim().to_owned())
    }

    /// Who asked for the block that this line of a file is in.
    pub(super) fn origin_at(&self, files: &FileSet, file: &str, line: u32) -> Option<ObjectRef> {
        let bytes = files.get(file)?.bytes.whole();
        (self.dialect.origin_at)(&bytes, line).filter(|origin| origin.kind == Kind::Ingress)
    }

    /// Forgets verdicts on what is gone or changed, also around an Ingress.
    pub(super) fn forget_verdicts(&mut self) {
        let Self { snapshot, quarantine, retrials, .. } = self;
        quarantine.forget_settings(snapshot);
        quarantine.forget_pairs(|secret| digest_of_pair(snapshot, secret));
        quarantine.forget_others(|name| snapshot.ingress(name).map(|ingress| ingress.digest));
        retrials.retry_due(quarantine, snapshot, Instant::now());
    }

    /// When a verdict will be forgotten next, because something has changed around an Ingress.
    pub(super) fn next_retrial(&self) -> Option<Instant> {
        self.retrials.next(&self.quarantine, &self.snapshot)
    }
}

/// The Secret that a certificate names as its origin.
pub(super) fn secret_of(certificate: &Certificate) -> Option<ObjectName> {
    ObjectName::parse(certificate.origin.strip_prefix("Secret ")?).ok()
}

fn digest_of_pair(snapshot: &Snapshot, secret: &ObjectName) -> Option<u128> {
    snapshot.secret(secret)?.key_pair.as_ref().ok().map(|pair| pair.digest)
}
