//! What lies on disk and what the proxy answers, revision by revision.

use super::fixture::{World, apply_while_asked, file, live, paths, tree};
use crate::proxy::Outcome;
use gatewright_core::render::File;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn files_go_live_and_the_folder_holds_exactly_them() {
    let world = World::new();
    let mut proxy = world.open().await;
    assert!(proxy.live().is_none());
    assert!(proxy.program().await.unwrap().is_some_and(|program| program.version.0 == 1));
    let one = world.files("one", "");
    let first = live(proxy.apply(&one, "start").await);
    assert_eq!((first.revision, world.body().await.as_str()), (1, "one"));
    let two = world.files("two", "");
    let second = live(proxy.apply(&two, "Ingress shop/front changed").await);
    assert_eq!((second.revision, world.body().await.as_str()), (2, "two"));
    assert!(second.reloaded && second.checked_at.is_some());
    assert_eq!(tree(&world.state().join("current/")), paths(&two), "nothing carried is left");
    assert_eq!(second.main, std::fs::canonicalize(world.state()).unwrap().join("current/nginx.conf"));
    assert!(matches!(proxy.apply(&two, "again").await, Outcome::Unchanged(same) if same == second));
    let causes: Vec<&str> = proxy.revisions().iter().map(|note| note.cause.as_str()).collect();
    assert_eq!(causes, ["start", "Ingress shop/front changed"]);
    proxy.drain(LIMIT).await;
    assert!(world.get("/").await.is_none());
}

#[tokio::test]
async fn twenty_reloads_lose_no_request_and_leave_the_revisions_to_keep() {
    let world = World::new();
    let mut proxy = world.open().await;
    live(proxy.apply(&world.files("0", ""), "start").await);
    for n in 1..=20 {
        let files = world.files(&n.to_string(), "");
        assert!(apply_while_asked(&world, &mut proxy, &files).await.reloaded, "{n}");
        assert_eq!(world.body().await, n.to_string());
    }
    let state = proxy.state.clone();
    proxy.drain(LIMIT).await;
    let numbers: Vec<u64> = state.all().iter().map(|name| name.number).collect();
    assert_eq!(numbers[numbers.len() - 2..], [20, 21]);
    assert!((2..=4).contains(&numbers.len()), "three are kept, one more until the tidying: {numbers:?}");
}

#[tokio::test]
async fn a_refused_candidate_is_named_and_the_old_one_goes_on() {
    let world = World::new();
    let mut proxy = world.open().await;
    live(proxy.apply(&world.files("good", ""), "start").await);
    let bad = world.files("bad", "\nno_such_directive on;");
    let Outcome::Refused(refused) = proxy.apply(&bad, "test").await else { panic!("a bad file was taken") };
    assert!(refused.message.contains("unknown directive"), "{refused:?}");
    assert_eq!(refused.line, Some(2));
    assert!(refused.file.unwrap().ends_with(".conf"));
    assert!(proxy.check_only(&bad).await.unwrap().is_some());
    assert!(proxy.check_only(&world.files("fine", "")).await.unwrap().is_none());
    assert_eq!(world.body().await, "good");
    assert_eq!(proxy.state.all().len(), 1, "nothing of the candidates is left");
    assert_eq!(live(proxy.apply(&world.files("next", ""), "test").await).revision, 3);
    proxy.drain(LIMIT).await;
}

#[tokio::test]
async fn a_change_of_files_read_while_serving_does_not_reload() {
    let world = World::new();
    let mut proxy = world.open().await;
    let page = |text: &str| {
        let page = File { bytes: text.as_bytes().into(), secret: true, read_live: true };
        BTreeMap::from([("live/page".to_owned(), page), ("live/same".to_owned(), file("same"))])
    };
    let root = std::fs::canonicalize(world.dir.path()).unwrap().join("state/current");
    let extra = format!("location /live/ {{ root {}; }}", root.display());
    live(proxy.apply(&world.files_with("x", &extra, page("old")), "start").await);
    assert_eq!(world.get("/live/page").await.unwrap(), (200, "old".to_owned()), "workers can read secret files");
    let before = proxy.health().status().await.unwrap();
    let inode = |path: &str| std::fs::metadata(root.join(path)).unwrap().ino();
    let same = inode("live/same");
    let second = live(proxy.apply(&world.files_with("x", &extra, page("new")), "renewed").await);
    assert!(!second.reloaded);
    assert_eq!(world.get("/live/page").await.unwrap().1, "new");
    assert_eq!(inode("live/same"), same, "what did not change is the same file");
    let mode = std::fs::metadata(root.join("live/page")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o440);
    assert_eq!(proxy.health().status().await.unwrap(), before, "no new workers");
    proxy.drain(LIMIT).await;
}

#[tokio::test]
async fn what_only_binding_shows_is_rolled_back_on_disk() {
    let world = World::new();
    let mut proxy = world.open().await;
    let good = world.files("good", "");
    live(proxy.apply(&good, "start").await);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let files = world.files("bad", &format!("listen {};", taken.local_addr().unwrap()));
    // Its check is fine, for the address is in use only when it is bound in earnest.
    proxy.patience = Duration::from_secs(3);
    let Outcome::Failed { error } = proxy.apply(&files, "test").await else { panic!("it cannot be served") };
    assert!(error.to_string().contains("after it was told to load"), "{error}");
    assert_eq!(world.body().await, "good");
    assert_eq!(tree(&world.state().join("current/")), paths(&good), "a restart would serve the good one");
    let outcome = proxy.apply(&good, "back").await;
    assert!(matches!(outcome, Outcome::Unchanged(_) | Outcome::Live(_)), "{outcome:?}");
    drop(taken);
    live(proxy.apply(&files, "again").await);
    assert_eq!(world.body().await, "bad");
    proxy.drain(LIMIT).await;
}
