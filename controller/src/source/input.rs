//! The inputs of the commands that look once: files, folders, the standard input, git revisions and the cluster, read
//! into one world that can be translated.

mod assumed;
mod completion;
mod left_out;
mod stand_ins;

use super::cluster::{ClusterReader, ClusterReaderError};
use super::manifests::{self, InputPath, LoadError, Places, Purpose, Texts, Unnamed};
use super::secrets::{self, SecretsError};
use super::{Located, beside};
use crate::args::ClusterConfig;
use crate::cores;
use gatewright_core::diagnostic::{Code, Diagnostic};
use gatewright_core::model::Certificate;
use gatewright_core::names::Kind;
use gatewright_core::settings::Settings;
use gatewright_core::state::{Event, Ingress, Object, Service, Snapshot};
use gatewright_core::translate::{Input, Quarantine, Translation, Translator, Wanted, in_scope, nearest_class};
use std::path::Path;
use std::sync::Arc;

/// The name of the input that is the cluster.
const CLUSTER: &str = "cluster";

/// The name of the standard input.
const STDIN: &str = "-";

/// Why an input cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// Files and revisions.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterReaderError),
    /// The folder of Secrets.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The cluster has other things to tell.
    #[error("the Ingresses of the cluster may not be read; use credentials that may list them, or --watch-namespace")]
    NoIngresses,
}

impl InputError {
    /// Whether an input is not there, and nothing else is wrong with it.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self, Self::Load(error) if error.is_absence())
    }
}

/// How inputs are read.
#[derive(Clone, Copy)]
pub(crate) struct How<'a> {
    /// What flags say.
    pub(crate) settings: &'a Settings,
    /// How to reach the cluster.
    pub(crate) cluster: &'a ClusterConfig,
    /// The folder that all Secrets are in, if they are in one.
    pub(crate) secrets: Option<&'a Path>,
    /// What the files are read for.
    pub(crate) purpose: Purpose,
    /// A world of the cluster; what files do not hold beside it is taken from there.
    pub(crate) beside: Option<&'a World>,
}

/// Everything that the inputs hold.
pub(crate) struct World {
    /// The objects.
    pub(crate) snapshot: Snapshot,
    /// Where those of files were written.
    pub(crate) places: Places,
    /// What is wrong with the input itself.
    pub(crate) problems: Vec<Located>,
    /// The files, for excerpts.
    pub(crate) texts: Texts,
    /// What kinds of objects the files hold.
    pub(crate) holds: Holds,
    /// Ingresses that are left out for their names.
    unnamed: Unnamed,
    /// The files hold nothing, not even a mistake.
    is_empty: bool,
    /// The cluster does not tell its Ingresses.
    lacks_ingresses: bool,
    /// A Secret that is named and is not there is taken to be there.
    takes_secrets_as_there: bool,
    settings: Settings,
    cluster: Option<ClusterReader>,
    /// What the cluster has told when it was asked for everything.
    heard: Vec<Event>,
    quarantine: Quarantine,
}

/// What an input holds; nobody misses what a whole input has none of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Holds {
    /// There is a Service.
    pub(crate) services: bool,
    /// There is an EndpointSlice, or Endpoints.
    pub(crate) endpoints: bool,
    /// There is a Secret.
    pub(crate) secrets: bool,
    /// There is a ConfigMap.
    pub(crate) config_maps: bool,
}

impl Holds {
    /// A cluster, or what stands in for one.
    const ALL: Self = Self { services: true, endpoints: true, secrets: true, config_maps: true };
}

/// What a translation needs besides the world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment<'a> {
    /// The time, in seconds since 1970.
    pub(crate) now_s: i64,
    /// The certificate for handshakes that no host claims.
    pub(crate) self_signed: &'a Arc<Certificate>,
}

impl World {
    /// Reads inputs, later ones over earlier ones, and the cluster below all of them.
    ///
    /// # Errors
    /// When one of them cannot be read; what is wrong inside of them is in [`World::problems`].
    pub(crate) fn read(inputs: &[String], how: How<'_>) -> Result<Self, InputError> {
        let files: Vec<_> = inputs.iter().filter(|input| *input != CLUSTER).map(|input| InputPath::from(input.as_str())).collect();
        let loaded = manifests::load(&files, how.purpose)?;
        let mut world = Self {
            places: loaded.places,
            problems: loaded.problems,
            texts: loaded.texts,
            unnamed: loaded.unnamed,
            ..Self::empty(how.settings)
        };
        let cluster = how.beside.filter(|beside| beside.cluster.is_some());
        match cluster {
            _ if files.len() < inputs.len() => world.read_cluster(how)?,
            Some(cluster) => world.take_from(cluster, &loaded.objects, how)?,
            None => {
                // An input that is no cluster is taken whole, and has no controllers behind it.
                world.settings.take_all_without_class = true;
                world.settings.external_ips_are_endpoints = true;
                world.is_empty = !inputs.is_empty() && loaded.objects.is_empty() && world.problems.is_empty();
            }
        }
        let objects = match how.secrets {
            Some(folder) => world.with_secrets_of(folder, loaded.objects)?,
            None => loaded.objects,
        };
        for mut object in objects {
            cluster.into_iter().for_each(|cluster| completion::complete(&mut object, &cluster.snapshot));
            world.put(object);
        }
        if let Some(cluster) = cluster {
            let is_new = |service: &Service| cluster.snapshot.service(&service.meta.name).is_none();
            stand_ins::pods(&mut world.snapshot, is_new);
        }
        Ok(world)
    }

    fn empty(settings: &Settings) -> Self {
        Self {
            snapshot: Snapshot::default(),
            places: Places::default(),
            problems: Vec::new(),
            texts: Texts::default(),
            holds: Holds::default(),
            unnamed: Unnamed::default(),
            is_empty: false,
            lacks_ingresses: false,
            takes_secrets_as_there: false,
            settings: settings.clone(),
            cluster: None,
            heard: Vec::new(),
            quarantine: Quarantine::default(),
        }
    }

    /// The same objects with the Secrets of a folder, and no others.
    fn with_secrets_of(&mut self, folder: &Path, objects: Vec<Object>) -> Result<Vec<Object>, InputError> {
        let (own, mut objects): (Vec<_>, Vec<_>) = objects.into_iter().partition(|object| object.reference().kind == Kind::Secret);
        let (secrets, problems) = secrets::load(folder)?;
        self.problems.extend(problems);
        self.problems.extend(beside::left_out(own.len()).map(|diagnostic| Located { diagnostic, place: None }));
        objects.extend(secrets.into_iter().map(|secret| Object::Secret(Arc::new(secret))));
        self.holds.secrets = true;
        Ok(objects)
    }

    /// Takes in what the files hold none of.
    fn take_from(&mut self, cluster: &Self, objects: &[Object], how: How<'_>) -> Result<(), InputError> {
        self.cluster = Some(ClusterReader::connect(how.cluster.clone(), how.settings, how.secrets.is_none())?);
        self.holds = Holds::ALL;
        let held = objects.iter().map(|object| object.reference().kind).collect();
        for event in completion::of_cluster(&cluster.heard, &held) {
            self.snapshot.apply(event.clone());
        }
        Ok(())
    }

    /// Says so when the inputs hold nothing at all: a path may be mistyped, or the command failed whose output they are.
    pub(crate) fn nothing_found(&self, inputs: &[String]) -> Vec<Located> {
        let is_stdin = |input: &&String| *input == STDIN;
        let is_silent = self.texts.get(Path::new(STDIN)).is_some_and(|text| text.is_empty());
        let silent = is_silent.then(|| {
            let message = "nothing was read from the standard input";
            Diagnostic::of_input(Code::NothingFound, message).help("see whether the command that writes it has failed")
        });
        let told = |input: &String| if input == STDIN { "the standard input".to_owned() } else { input.clone() };
        let others: Vec<String> = inputs.iter().filter(|input| !(is_silent && is_stdin(input))).map(told).collect();
        let empty = (self.is_empty && !others.is_empty()).then(|| {
            let message = format!("{} holds no manifest", others.join(", "));
            Diagnostic::of_input(Code::NothingFound, message)
                .help("give files that end in .yaml, .yml or .json, or a folder with such files")
        });
        silent.into_iter().chain(empty).map(|diagnostic| Located { diagnostic, place: None }).collect()
    }

    /// For what would take Ingresses that may not be read for ones that are not there.
    ///
    /// # Errors
    /// When the cluster does not tell its Ingresses.
    pub(crate) fn needs_ingresses(self) -> Result<Self, InputError> {
        if self.lacks_ingresses { Err(InputError::NoIngresses) } else { Ok(self) }
    }

    fn read_cluster(&mut self, how: How<'_>) -> Result<(), InputError> {
        let cluster = ClusterReader::connect(how.cluster.clone(), how.settings, how.secrets.is_none())?;
        let heard = cluster.everything()?;
        self.cluster = Some(cluster);
        self.holds = Holds::ALL;
        self.lacks_ingresses = heard.lacks_ingresses;
        self.heard.clone_from(&heard.events);
        self.hear(heard.events, heard.problems);
        Ok(())
    }

    fn hear(&mut self, events: Vec<Event>, problems: Vec<Diagnostic>) {
        for event in events {
            self.snapshot.apply(event);
        }
        self.problems.extend(problems.into_iter().map(|diagnostic| Located { diagnostic, place: None }));
    }

    fn put(&mut self, object: Object) {
        match object {
            Object::Service(_) => self.holds.services = true,
            Object::EndpointSlice(_) => self.holds.endpoints = true,
            Object::Secret(_) => self.holds.secrets = true,
            Object::ConfigMap(_) => self.holds.config_maps = true,
            _ => {}
        }
        self.snapshot.apply(Event::Applied(object));
    }

    /// Gives Services an endpoint each where the input has none for any: files hold what is written, and endpoints are
    /// written by the cluster. So what the rest says can be looked at as if pods were there.
    pub(crate) fn stand_in_for_pods(&mut self) {
        if self.holds.endpoints {
            return;
        }
        stand_ins::pods(&mut self.snapshot, |_| true);
    }

    /// Takes the Services and Secrets that are named to be there, where neither this one nor the other one holds any. Of a
    /// ConfigMap that is not there, nobody knows what it would ask for.
    pub(crate) fn take_as_there(&mut self, other: Holds) {
        self.takes_secrets_as_there = !self.holds.secrets && !other.secrets;
        if !self.holds.services && !other.services {
            let annotation = format!("{}/default-backend", self.settings.annotations_prefix);
            let services = assumed::services(&self.snapshot, &annotation);
            services.into_iter().for_each(|service| _ = self.snapshot.apply(Event::Applied(service)));
        }
    }

    /// Translates, and gets what turns out to be missing: objects of the cluster that are read only when something refers
    /// to them. Addresses of names are made up.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub(crate) fn translate(&mut self, moment: Moment<'_>) -> Result<Translation, InputError> {
        // Each round can bring objects that refer to further ones; none is asked for twice.
        const ROUNDS: usize = 8;
        let mut translator = Translator::default().on(cores::all());
        let mut translation = self.once(&mut translator, moment);
        for _ in 0..ROUNDS {
            if !self.fetch(&translation.wanted, moment)? {
                break;
            }
            translation = self.once(&mut translator, moment);
        }
        Ok(translation)
    }

    /// Sets an Ingress aside, as `run` does with one that the proxy refuses; whether it was not yet.
    pub(crate) fn set_aside(&mut self, ingress: &Ingress, reason: &str) -> bool {
        let is_new = self.has_no_verdict(ingress);
        self.quarantine.set_aside(ingress, reason.to_owned());
        is_new
    }

    /// Whether an Ingress is not set aside.
    pub(crate) fn has_no_verdict(&self, ingress: &Ingress) -> bool {
        !self.quarantine.holds(ingress)
    }

    /// Looks at what there would be if these were set aside.
    pub(crate) fn without<T>(&mut self, aside: &[Arc<Ingress>], look: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.quarantine.clone();
        aside.iter().for_each(|ingress| self.quarantine.set_aside(ingress, String::new()));
        let seen = look(self);
        self.quarantine = before;
        seen
    }

    /// Whether an Ingress is in a namespace that is watched.
    pub(crate) fn watches(&self, ingress: &Ingress) -> bool {
        in_scope(ingress, &self.snapshot, &self.settings)
    }

    /// The class that may be meant by one that is not served.
    pub(crate) fn nearest_class(&self, class: &str) -> Option<&str> {
        nearest_class(class, &self.snapshot, &self.settings)
    }

    fn once(&self, translator: &mut Translator, moment: Moment<'_>) -> Translation {
        translator.translate(self.seen_at(moment))
    }

    /// All that translation looks at.
    pub(super) fn seen_at<'a>(&'a self, moment: Moment<'a>) -> Input<'a> {
        Input {
            snapshot: &self.snapshot,
            settings: &self.settings,
            quarantine: &self.quarantine,
            self_signed: moment.self_signed,
            now_s: moment.now_s,
        }
    }

    /// Whether anything new was learnt.
    fn fetch(&mut self, wanted: &Wanted, moment: Moment<'_>) -> Result<bool, InputError> {
        let missing = wanted.dns_names.iter().filter(|name| self.snapshot.addresses_of(name).is_none());
        let missing: Vec<_> = missing.map(|name| Event::Resolved(name.clone(), stand_ins::addresses(name, &self.snapshot))).collect();
        let missing: Vec<_> = missing.into_iter().chain(self.taken_as_there(wanted, moment.self_signed)).collect();
        let mut changed = !missing.is_empty();
        for event in missing {
            self.snapshot.apply(event);
        }
        if let Some(cluster) = &mut self.cluster {
            let heard = cluster.wanted(wanted)?;
            changed |= !heard.events.is_empty() || !heard.forbidden.is_empty();
            self.settings.forbidden.extend(heard.forbidden);
            self.hear(heard.events, heard.problems);
        }
        Ok(changed)
    }

    /// Secrets that stand in for those that are not there.
    fn taken_as_there(&self, wanted: &Wanted, like: &Certificate) -> Vec<Event> {
        if !self.takes_secrets_as_there {
            return Vec::new();
        }
        let missing: Vec<_> = wanted.secrets.iter().filter(|name| self.snapshot.secret(name).is_none()).collect();
        if missing.is_empty() { Vec::new() } else { assumed::secrets(&missing, &self.snapshot, like) }
    }
}
