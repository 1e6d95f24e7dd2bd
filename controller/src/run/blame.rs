//! Who is to blame when no candidate can be made, or when the proxy refuses one.

use super::maker::{Made, MakeError, Maker, Suspect};
use super::proxy_task::Ask;
use crate::guilt;
use crate::proxy::Refused;
use gatewright_core::names::ObjectRef;
use gatewright_core::render::RenderError;
use gatewright_core::state::Ingress;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Makes a candidate that our own grammar check takes; whoever breaks it is set aside.
pub(super) fn make(maker: &mut Maker) -> Result<Made, MakeError> {
    loop {
        let error = match maker.make() {
            Ok(made) => return Ok(made),
            Err(error) => error,
        };
        let reason = crate::causes::chain(&error);
        let (origin, text) = match &error {
            MakeError::Render(RenderError::Grammar { origin, text, .. }) => (origin.as_ref(), text.as_str()),
            // Its message names file and line.
            MakeError::Render(RenderError::Template(_)) => (None, ""),
            MakeError::Templates(_) | MakeError::Bug(_) => return Err(error),
        };
        if maker.templates.take_back(text, &reason) {
            continue;
        }
        let guilty = origin.and_then(|origin| culprit_of_line(maker, origin));
        if templates_are_to_blame(maker, guilty.as_ref()) {
            maker.templates.give_up(text, &reason);
            continue;
        }
        let is_mended = match (guilty, origin) {
            (Some(guilty), _) => maker.set_ingress_aside(&guilty, &reason),
            (None, Some(origin)) => set_aside(maker, origin, &reason),
            (None, None) => false,
        };
        if !is_mended {
            return Err(error);
        }
    }
}

/// Whether templates that no proxy has taken yet are what is wrong: with the built-in ones all is well, and without this
/// one Ingress not, or nothing is served then.
fn templates_are_to_blame(maker: &mut Maker, guilty: Option<&Arc<Ingress>>) -> bool {
    if maker.make_without_unproven_templates().is_none() {
        return false;
    }
    let without = guilty.and_then(|guilty| maker.make_without(&[Suspect::Ingress(Arc::clone(guilty))]).ok());
    without.is_none_or(|made| made.served.is_empty())
}

/// Who is to blame for a line in the block of an Ingress. One that the proxy has taken before is to blame only if nobody else
/// is.
fn culprit_of_line(maker: &mut Maker, origin: &ObjectRef) -> Option<Arc<Ingress>> {
    let around = guilt::around(&maker.snapshot, &origin.name);
    let suspects = maker.suspects_among(&around).collect();
    guilt::of_line(origin, &around, suspects, |aside| {
        let aside: Vec<_> = aside.iter().cloned().map(Suspect::Ingress).collect();
        let made = maker.make_without(&aside);
        made.map(drop).map_err(|error| if let MakeError::Render(error) = &error { guilt::block_of(error).cloned() } else { None })
    })
}

fn set_aside(maker: &mut Maker, origin: &ObjectRef, reason: &str) -> bool {
    let ingress = maker.snapshot.ingress(&origin.name).cloned();
    ingress.is_some_and(|ingress| maker.quarantine_is_new(&ingress) && maker.set_ingress_aside(&ingress, reason))
}

/// Sets aside whoever made the proxy refuse; `false`: nobody was found.
///
/// Key pairs come first, those that the message names and those that only the proxy can check: lines that name one belong to
/// an Ingress that did nothing wrong.
/// Else the proxy's message names a line, and every block names its Ingress. Where that leads nowhere, the Ingresses
/// that changed are halved until one is left: about log₂ n checks. Then the settings are. An Ingress that the proxy has
/// taken before is to blame only if nobody else is: a setting may have changed its block, or an object that it names. Those
/// with changes in their namespace come before all others.
pub(super) async fn blame(maker: &mut Maker, made: &Made, refused: &Refused, asks: &mpsc::Sender<Ask>) -> bool {
    for pairs in [maker.named_pairs(made, &refused.message), maker.suspect_pairs(made)] {
        if let Some(guilty) = found(maker, pairs, asks).await {
            return maker.set_aside(&guilty, &refused.message);
        }
    }
    let named = refused.file.as_deref().zip(refused.line).and_then(|(file, line)| maker.origin_at(&made.files, file, line));
    let guilty = match named.as_ref().and_then(|origin| Some((origin, maker.suspect(origin)?))) {
        Some((origin, new)) => Some(or_neighbour(maker, new, origin, asks).await),
        None => found(maker, maker.suspects(made), asks).await,
    };
    if let Some(ingress) = guilty {
        let guilty = default_behind(maker, made, &ingress, asks).await.unwrap_or(ingress);
        return maker.set_aside(&guilty, &refused.message);
    }
    if let Some(guilty) = found(maker, maker.suspect_settings(made), asks).await {
        return maker.set_aside(&guilty, &refused.message);
    }
    if named.is_some_and(|origin| set_aside(maker, &origin, &refused.message)) {
        return true;
    }
    if taken_without(maker, &[], asks).await != Some(false) {
        // Whatever it was has passed, or nobody can say.
        return false;
    }
    for suspects in [maker.suspects_of_surroundings(made), maker.all(made)] {
        if let Some(guilty) = found(maker, suspects, asks).await {
            return maker.set_aside(&guilty, &refused.message);
        }
    }
    false
}

/// The Ingress whose block is refused, or another one of its hosts if without that one all is well, and without itself not.
async fn or_neighbour(maker: &mut Maker, named: Suspect, origin: &ObjectRef, asks: &mpsc::Sender<Ask>) -> Suspect {
    let around: Vec<_> = maker.suspects_among(&guilt::around(&maker.snapshot, &origin.name)).map(Suspect::Ingress).collect();
    if around.len() < 2 || taken_without(maker, std::slice::from_ref(&named), asks).await != Some(false) {
        return named;
    }
    halve(maker, around, asks).await.unwrap_or(named)
}

/// The default of a class that is behind what an Ingress would be blamed for: without it the proxy takes the Ingress, and
/// refuses others of the class, too, or there are none.
async fn default_behind(maker: &mut Maker, made: &Made, ingress: &Suspect, asks: &mpsc::Sender<Ask>) -> Option<Suspect> {
    let defaults = maker.suspect_defaults(made);
    if defaults.is_empty() || !taken_without(maker, &defaults, asks).await? {
        return None;
    }
    if made.has_others_of_class(ingress) && taken_without(maker, std::slice::from_ref(ingress), asks).await? {
        return None;
    }
    halve(maker, defaults, asks).await
}

/// Who is found by halving. Nobody, if the proxy takes all of it by now: whatever it was, such as a full disk, has passed in
/// between, and who happened to be left out then did nothing.
async fn found(maker: &mut Maker, suspects: Vec<Suspect>, asks: &mpsc::Sender<Ask>) -> Option<Suspect> {
    let guilty = halve(maker, suspects, asks).await?;
    (taken_without(maker, &[], asks).await == Some(false)).then_some(guilty)
}

/// The one without which the proxy takes more than with it.
async fn halve(maker: &mut Maker, suspects: Vec<Suspect>, asks: &mpsc::Sender<Ask>) -> Option<Suspect> {
    guilt::halve(suspects, async |aside| taken_without(maker, aside, asks).await).await
}

async fn taken_without(maker: &mut Maker, aside: &[Suspect], asks: &mpsc::Sender<Ask>) -> Option<bool> {
    let made = match maker.make_without(aside) {
        Ok(made) => made,
        Err(_) => return Some(false),
    };
    taken(made, asks).await
}

async fn taken(made: Made, asks: &mpsc::Sender<Ask>) -> Option<bool> {
    let (answer, answered) = oneshot::channel();
    asks.send(Ask { files: made.files, answer }).await.ok()?;
    answered.await.ok()?
}

/// The same as [`templates_are_to_blame`] of what the proxy refuses.
pub(super) async fn templates_are_refused(maker: &mut Maker, made: &Made, refused: &Refused, asks: &mpsc::Sender<Ask>) -> bool {
    let Some(built_in) = maker.make_without_unproven_templates() else { return false };
    if taken(built_in, asks).await != Some(true) {
        return false;
    }
    let named = refused.file.as_deref().zip(refused.line).and_then(|(file, line)| maker.origin_at(&made.files, file, line));
    let Some(suspect) = named.and_then(|origin| maker.suspect(&origin)).filter(|_| made.served.len() > 1) else { return true };
    taken_without(maker, &[suspect], asks).await != Some(true)
}

#[cfg(test)]
mod tests {
    use super::super::last_settings::LastSettings;
    use super::super::sets::Sets;
    use super::*;
    use gatewright_core::dialect::Version;
    use gatewright_core::dialect::nginx::NGINX;
    use gatewright_core::model::{Certificate, CertificateId};
    use gatewright_core::names::ObjectName;
    use gatewright_core::settings::Settings;
    use gatewright_core::state::{Event, decode};
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    /// Makes files in which no early answer may have status 418.
    fn picky(folder: &std::path::Path) -> Maker {
        let settings = Settings { take_all_without_class: true, config_map: ObjectName::new("a", "c").ok(), ..Settings::default() };
        let answers = "{% for answer in route.answers %}{% if answer.status == 418 %}\n        no_such_thing on;{% endif %}{% endfor %}";
        let overrides = BTreeMap::from([("route/answers.tera".to_owned(), answers.to_owned())]);
        let pem: Arc<[u8]> = Arc::from(&b"pem"[..]);
        let self_signed = Certificate { id: CertificateId::self_signed(), origin: "self-signed".to_owned(), pem, digest: 1 };
        let proxy = (&NGINX, Version(1, 22, 1));
        let sets = Sets::new(proxy.0, proxy.1, Ok(overrides), folder.join("templates.json"));
        let last = LastSettings::at(folder.join("settings.json"));
        let mut maker = Maker::new(settings, proxy, sets, Arc::new(self_signed), (folder.to_owned(), last));
        let data = json!({"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"});
        happens(&mut maker, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "a"}, "data": data}));
        maker
    }

    fn happens(maker: &mut Maker, object: Value) {
        maker.snapshot.apply(Event::Applied(decode(object).unwrap().unwrap()));
    }

    fn config_map(maker: &mut Maker, name: &str, data: Value) {
        happens(maker, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "a"}, "data": data}));
    }

    fn has(made: &Made, text: &str) -> bool {
        let parts = made.files.iter().flat_map(|(_, file)| file.bytes.parts());
        parts.into_iter().any(|part| String::from_utf8_lossy(part).contains(text))
    }

    /// Whether somebody is blamed by a proxy that refuses files with this text.
    async fn blame_for(maker: &mut Maker, text: &'static str) -> bool {
        let made = make(maker).unwrap();
        assert!(has(&made, text), "{text} is there to be refused");
        let (asks, mut asked) = mpsc::channel::<Ask>(1);
        let proxy = tokio::spawn(async move {
            while let Some(Ask { files, answer }) = asked.recv().await {
                let parts = files.iter().flat_map(|(_, file)| file.bytes.parts());
                let has_it = parts.into_iter().any(|part| String::from_utf8_lossy(part).contains(text));
                answer.send(Some(!has_it)).unwrap();
            }
        });
        let refused = Refused { revision: 2, message: "no such thing".to_owned(), file: None, line: None };
        let is_found = blame(maker, &made, &refused, &asks).await;
        drop(asks);
        proxy.await.unwrap();
        is_found
    }

    #[tokio::test]
    async fn what_holds_in_the_place_of_a_bad_value_is_set_aside_where_the_proxy_refuses_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut maker = picky(folder.path());
        happens(&mut maker, ingress("b", "/b", json!({})));
        let main = |agents: &str| json!({"block-user-agents": agents, "proxy-set-headers": "a/headers"});
        config_map(&mut maker, "c", main("agent-one"));
        config_map(&mut maker, "headers", json!({"X-Test": "header-one"}));
        let made = make(&mut maker).unwrap();
        maker.accept(&made);
        config_map(&mut maker, "c", main("agent-two, ~("));
        assert!(blame_for(&mut maker, "agent-two").await);
        for _ in 0..2 {
            maker.forget_verdicts();
            let made = make(&mut maker).unwrap();
            assert!(has(&made, "agent-one") && !has(&made, "agent-two"), "what the proxy has taken holds");
            maker.accept(&made);
        }
        config_map(&mut maker, "c", main("agent-two"));
        maker.forget_verdicts();
        assert!(has(&make(&mut maker).unwrap(), "agent-two"), "another value gets its chance");
        // What another proxy has taken before a restart.
        let mut maker = picky(folder.path());
        happens(&mut maker, ingress("b", "/b", json!({})));
        config_map(&mut maker, "c", main("agent-one"));
        config_map(&mut maker, "headers", json!({"X-Test": "a\r\nX-Pwned: 1"}));
        assert!(make(&mut maker).map(|made| has(&made, "header-one")).unwrap());
        let made = make(&mut maker).unwrap();
        maker.quarantine.accept(&made.served);
        assert!(blame_for(&mut maker, "header-one").await);
        maker.forget_verdicts();
        assert!(!has(&make(&mut maker).unwrap(), "header-one"));
    }

    #[test]
    fn settings_that_could_not_be_kept_are_kept_with_the_next_revision() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.json");
        // Nothing can take the place of a folder with something in it.
        std::fs::create_dir_all(file.join("x")).unwrap();
        let mut maker = picky(folder.path());
        let made = make(&mut maker).unwrap();
        maker.accept(&made);
        std::fs::remove_dir_all(&file).unwrap();
        maker.accept(&made);
        assert!(file.is_file());
    }

    fn ingress(namespace: &str, path: &str, annotations: Value) -> Value {
        let backend = json!({"service": {"name": "s", "port": {"number": 80}}});
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i", "namespace": namespace,
            "annotations": annotations},
            "spec": {"rules": [{"host": "h.test", "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}]}})
    }

    #[test]
    fn who_breaks_the_blocks_of_others_on_a_host_is_to_blame_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let bad = ingress("evil", "/e", json!({"nginx.ingress.kubernetes.io/server-snippet": "if ($http_x) { return 418; }"}));
        let served = |made: &Made| made.served.iter().map(|one| one.meta.name.namespace().to_owned()).collect::<Vec<_>>();
        for are_known in [true, false] {
            let mut maker = picky(folder.path());
            ["b", "c"].into_iter().for_each(|namespace| happens(&mut maker, ingress(namespace, &format!("/{namespace}"), json!({}))));
            if are_known {
                let made = make(&mut maker).unwrap();
                maker.accept(&made);
            }
            happens(&mut maker, bad.clone());
            assert_eq!(served(&make(&mut maker).unwrap()), ["c", "b"], "known: {are_known}");
        }
    }

    #[tokio::test]
    async fn whose_endpoints_the_proxy_refuses_is_set_aside_though_it_has_taken_the_ingress() {
        let folder = tempfile::tempdir().unwrap();
        let mut maker = picky(folder.path());
        ["b", "c", "d"].into_iter().for_each(|namespace| happens(&mut maker, ingress(namespace, &format!("/{namespace}"), json!({}))));
        let made = make(&mut maker).unwrap();
        maker.accept(&made);
        let (asks, mut asked) = mpsc::channel::<Ask>(1);
        let proxy = tokio::spawn(async move {
            while let Some(Ask { files, answer }) = asked.recv().await {
                let parts = files.iter().flat_map(|(_, file)| file.bytes.parts());
                let has_it = parts.into_iter().any(|part| String::from_utf8_lossy(part).contains("# Ingress c/i"));
                answer.send(Some(!has_it)).unwrap();
            }
        });
        let refused = Refused { revision: 2, message: "no server found".to_owned(), file: None, line: None };
        assert!(blame(&mut maker, &made, &refused, &asks).await);
        let mut served: Vec<_> = make(&mut maker).unwrap().served.iter().map(|one| one.meta.name.namespace().to_owned()).collect();
        served.sort_unstable();
        assert_eq!(served, ["b", "d"]);
        drop(asks);
        proxy.await.unwrap();
    }
}
