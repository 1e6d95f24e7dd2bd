//! One watch: what is there, what comes, what goes.

use super::watched::{Watched, WatchedKind, deleted};
use crate::connection::Connection;
use futures::stream::{self, BoxStream, StreamExt};
use gatewright_core::names::{Kind, ObjectName};
use gatewright_core::state::{DecodeError, Event};
use kube::Api;
use kube::runtime::watcher::{self, Config, Event as WatchEvent};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Which watch something is said of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct WatchId {
    pub(super) kind: Kind,
    /// `None`: the whole cluster.
    pub(super) namespace: Option<String>,
    /// Only the object of this name.
    pub(super) name: Option<String>,
}

/// `Secrets of namespace shop`, for people.
impl std::fmt::Display for WatchId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.namespace, &self.name) {
            (_, Some(name)) => write!(f, "{} {}/{name}", self.kind, self.namespace.as_deref().unwrap_or_default()),
            (Some(namespace), None) => write!(f, "{} of namespace {namespace}", self.kind),
            (None, None) => write!(f, "{} of all namespaces", self.kind),
        }
    }
}

/// What a watch says.
#[derive(Debug)]
pub(super) enum Said {
    /// This happened.
    Happened(Event),
    /// An object that is there cannot be read.
    Unreadable(ObjectName, DecodeError),
    /// A list is complete.
    Complete,
    /// The API server does not permit it.
    Forbidden,
    /// Something else keeps it from going on; it goes on trying.
    Failing(String),
}

/// Sends with the name of the watch.
pub(super) type Out = mpsc::Sender<(WatchId, Said)>;

/// First and longest pause after a failure.
const PAUSE_FIRST: Duration = Duration::from_millis(400);
const PAUSE_LONGEST: Duration = Duration::from_secs(10);
/// After so many failures in a row everything is made anew: the credentials are read again, and the list is begun again.
/// An API server that came back with older data would refuse the old place in its history for ever.
const FAILURES: u32 = 4;

/// How far a watch has come.
#[derive(Debug, Default)]
struct Progress {
    known: Known,
    /// Failures in a row.
    failures: u32,
    refusals: Refusals,
}

/// Follows one kind in one scope until nobody listens.
pub(super) async fn follow<T: WatchedKind>(
    connection: Arc<Connection>,
    id: WatchId,
    config: Config,
    api: fn(kube::Client, Option<&str>) -> Api<Watched<T>>,
    out: Out,
) {
    let mut progress = Progress::default();
    loop {
        match connection.client().await {
            Ok(client) => {
                let events = lists_then_watches(api(client.clone(), id.namespace.as_deref()), config.clone());
                if repeat(events, &client, &id, &mut progress, &out).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                progress.failures += 1;
                if say(&out, &id, Said::Failing(chain(&error))).await.is_err() {
                    return;
                }
                tokio::time::sleep(pause(progress.failures, chance())).await;
            }
        }
        connection.renew().await;
    }
}

/// Repeats what one watch says until it has failed too often in a row.
async fn repeat<T: WatchedKind>(
    mut events: BoxStream<'static, watcher::Result<WatchEvent<Watched<T>>>>,
    client: &kube::Client,
    id: &WatchId,
    progress: &mut Progress,
    out: &Out,
) -> Result<(), ()> {
    while let Some(event) = events.next().await {
        let error = match event {
            Ok(event) => {
                // A list that is only begun has not succeeded.
                if !matches!(event, WatchEvent::Init) {
                    progress.failures = 0;
                    progress.refusals = Refusals::default();
                }
                say_all(out, id, progress.known.take(event)).await?;
                continue;
            }
            Err(error) => error,
        };
        progress.failures += 1;
        let unauthorized = is_status(&error, 401);
        // The API server does not know the kind (yet): there is none of it.
        if is_status(&error, 404) {
            for event in [WatchEvent::<Watched<T>>::Init, WatchEvent::InitDone] {
                say_all(out, id, progress.known.take(event)).await?;
            }
            tokio::time::sleep(pause(progress.failures, chance())).await;
            continue;
        }
        let forbidden = is_status(&error, 403) && progress.refusals.count(client).await;
        say(out, id, if forbidden { Said::Forbidden } else { Said::Failing(chain(&error)) }).await?;
        tokio::time::sleep(pause(progress.failures, chance())).await;
        if unauthorized || progress.failures.is_multiple_of(FAILURES) {
            break;
        }
    }
    Ok(())
}

/// Doubles with every failure; up to half of it is taken off by chance, of all values alike, so that not all watches come
/// at once.
fn pause(failures: u32, chance: u32) -> Duration {
    const DOUBLED_AT_MOST: u32 = 10;
    let longest = (PAUSE_FIRST * (1 << failures.saturating_sub(1).min(DOUBLED_AT_MOST))).min(PAUSE_LONGEST);
    longest - longest.mul_f64(f64::from(chance) / f64::from(u32::MAX) / 2.0)
}

/// Any number: every state of the standard hasher is seeded at random.
fn chance() -> u32 {
    RandomState::new().hash_one(0) as u32
}

async fn say_all(out: &Out, id: &WatchId, all: impl IntoIterator<Item = Said>) -> Result<(), ()> {
    for said in all {
        say(out, id, said).await?;
    }
    Ok(())
}

async fn say(out: &Out, id: &WatchId, said: Said) -> Result<(), ()> {
    out.send((id.clone(), said)).await.map_err(|_| ())
}

/// Streamed lists where the server has them, else lists in pages: it answers 422 when it has not.
fn lists_then_watches<K>(api: Api<K>, config: Config) -> BoxStream<'static, watcher::Result<WatchEvent<K>>>
where
    K: kube::Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + 'static,
{
    let first = watcher::watcher(api.clone(), config.clone().streaming_lists()).boxed();
    let fall_back = Some((api, config));
    stream::unfold((first, fall_back), |(mut events, mut fall_back)| async move {
        loop {
            let event = events.next().await?;
            let refused = matches!(&event, Err(error @ watcher::Error::WatchStartFailed(_)) if is_status(error, 422));
            match fall_back.take() {
                Some((api, config)) if refused => events = watcher::watcher(api, config).boxed(),
                kept => return Some((event, (events, kept))),
            }
        }
    })
    .boxed()
}

/// Refusals in a row. An API server that has just been started refuses everything until it has read the roles; whoever
/// believed it would take all routes down.
#[derive(Debug, Default)]
struct Refusals {
    since: Option<Instant>,
    /// The API server was ready at the last one.
    ready: bool,
}

impl Refusals {
    /// Counts one more; whether it is to be believed: the API server was ready before it, or it has gone on for long.
    async fn count(&mut self, client: &kube::Client) -> bool {
        /// For API servers that do not say whether they are ready.
        const BELIEVED_AFTER: Duration = Duration::from_secs(20);
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.ready || since.elapsed() >= BELIEVED_AFTER {
            return true;
        }
        self.ready = is_ready(client).await;
        false
    }
}

async fn is_ready(client: &kube::Client) -> bool {
    let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else { return false };
    client.request_text(request).await.is_ok_and(|text| text == "ok")
}

fn is_status(error: &watcher::Error, code: u16) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status.code == code,
        _ => false,
    }
}

/// The error with its causes, in one bounded line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    const LIMIT: usize = 300;
    let mut text = crate::causes::chain(error);
    text.truncate(text.floor_char_boundary(LIMIT));
    text
}

/// The objects of one watch by version. A list that is made again says only what is different.
#[derive(Debug, Default)]
struct Known {
    versions: HashMap<ObjectName, Box<str>>,
    listing: Option<HashMap<ObjectName, Box<str>>>,
}

impl Known {
    fn take<T: WatchedKind>(&mut self, event: WatchEvent<Watched<T>>) -> Vec<Said> {
        match event {
            WatchEvent::Init => {
                self.listing = Some(HashMap::new());
                Vec::new()
            }
            WatchEvent::InitApply(object) => {
                if let (Some(listing), Some(name)) = (&mut self.listing, object.name()) {
                    listing.insert(name, object.version());
                }
                self.applied(object)
            }
            WatchEvent::InitDone => {
                let Some(listing) = self.listing.take() else { return Vec::new() };
                let gone = self.versions.keys().filter(|name| !listing.contains_key(*name)).cloned();
                let mut said: Vec<_> = gone.map(|name| Said::Happened(deleted::<T>(name))).collect();
                self.versions = listing;
                said.push(Said::Complete);
                said
            }
            WatchEvent::Apply(object) => self.applied(object),
            WatchEvent::Delete(object) => {
                let gone = object.name().filter(|name| self.versions.remove(name).is_some());
                gone.map(|name| Said::Happened(deleted::<T>(name))).into_iter().collect()
            }
        }
    }

    fn applied<T: WatchedKind>(&mut self, object: Watched<T>) -> Vec<Said> {
        let Some(name) = object.name() else { return Vec::new() };
        let version = object.version();
        if !version.is_empty() && self.versions.get(&name) == Some(&version) {
            return Vec::new();
        }
        let is_first = self.versions.insert(name.clone(), version).is_none();
        match object.applied() {
            Ok(event) => vec![Said::Happened(event)],
            // What was there before stays.
            Err((error, rest)) => {
                rest.filter(|_| is_first).map(Said::Happened).into_iter().chain([Said::Unreadable(name, error)]).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewright_core::state::{GatewrightParameters, Object, Service};

    fn service(name: &str, version: &str) -> Watched<Service> {
        serde_json::from_value(serde_json::json!({"metadata": {"name": name, "namespace": "a", "resourceVersion": version}, "spec": {}}))
            .unwrap()
    }

    fn texts(said: &[Said]) -> Vec<String> {
        said.iter()
            .map(|said| match said {
                Said::Happened(Event::Applied(object)) => format!("+{}", object.reference().name.name()),
                Said::Happened(Event::Deleted(reference)) => format!("-{}", reference.name.name()),
                Said::Complete => "complete".to_owned(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn pauses_double_to_a_bound_and_chance_takes_off_up_to_half() {
        let ms = |failures, chance| pause(failures, chance).as_millis();
        let doubled: Vec<_> = (0..8).map(|failures| ms(failures, 0)).collect();
        assert_eq!(doubled, [400, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!([1, 3, 50, u32::MAX].map(|failures| ms(failures, u32::MAX)), [200, 800, 5000, 5000]);
        assert_eq!([0, u32::MAX / 4, u32::MAX / 2].map(|chance| ms(2, chance)), [800, 700, 600]);
    }

    #[test]
    fn chance_is_another_one_each_time() {
        let first = chance();
        assert!((0..50).any(|_| chance() != first));
    }

    #[test]
    fn a_list_made_again_says_only_what_is_different() {
        let mut known = Known::default();
        let mut all = Vec::new();
        for event in [
            WatchEvent::Init,
            WatchEvent::InitApply(service("one", "1")),
            WatchEvent::InitApply(service("two", "2")),
            WatchEvent::InitDone,
            WatchEvent::Apply(service("two", "3")),
            WatchEvent::Init,
            WatchEvent::InitApply(service("two", "3")),
            WatchEvent::InitApply(service("three", "4")),
            WatchEvent::InitDone,
            WatchEvent::Delete(service("two", "5")),
            WatchEvent::Delete(service("ghost", "6")),
        ] {
            all.extend(known.take(event));
        }
        assert_eq!(texts(&all), ["+one", "+two", "complete", "+two", "+three", "-one", "complete", "-two"]);
    }

    #[test]
    fn an_object_that_cannot_be_read_is_said_and_nothing_else_is_lost() {
        let odd: Watched<Service> =
            serde_json::from_value(serde_json::json!({"metadata": {"name": "odd", "namespace": "a"}, "spec": {"ports": "x"}})).unwrap();
        assert!(matches!(&Known::default().take(WatchEvent::Apply(odd))[..], [Said::Unreadable(name, _)] if name.name() == "odd"));
    }

    #[test]
    fn parameters_that_cannot_be_read_are_there_unless_they_were_before() {
        let parameters = |version: &str, settings: serde_json::Value| -> Watched<GatewrightParameters> {
            let metadata = serde_json::json!({"name": "p", "namespace": "a", "resourceVersion": version});
            serde_json::from_value(serde_json::json!({"metadata": metadata, "spec": {"settings": settings}})).unwrap()
        };
        let is_cut =
            |said: &Said| matches!(said, Said::Happened(Event::Applied(Object::GatewrightParameters(own))) if own.cut_at.is_some());
        let mut known = Known::default();
        let said = known.take(WatchEvent::Apply(parameters("1", "whitelist-source-range: 10.0.0.0/8".into())));
        assert!(matches!(&said[..], [first, Said::Unreadable(..)] if is_cut(first)), "{said:?}");
        let said = known.take(WatchEvent::Apply(parameters("2", serde_json::json!({"whitelist-source-range": "10.0.0.0/8"}))));
        assert_eq!(texts(&said), ["+p"]);
        let said = known.take(WatchEvent::Apply(parameters("3", serde_json::json!([]))));
        assert!(matches!(&said[..], [Said::Unreadable(..)]), "its last state stays: {said:?}");
    }
}
