//! Looks at folders of Secrets, with a clock that is turned by hand; the last one with real time.

use super::*;
use gatewright_core::diagnostic::Diagnostic;
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

struct World {
    dir: TempDir,
    mounts: Mounts,
    now: Instant,
    written: Option<PathBuf>,
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mounts = Mounts::new(dir.path().join("s"));
        fs::create_dir(dir.path().join("s")).unwrap();
        let world = Self { dir, mounts, now: Instant::now(), written: None };
        files.iter().for_each(|(name, text)| world.write(name, text));
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("s").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// As a kubelet does it: all files beside the old ones, then the link, then the names, then the old ones go.
    fn mount(&self, volume: &str, version: &str, files: &[(&str, &str)], at_step: &mut dyn FnMut()) {
        let volume = self.path(volume);
        let hidden = volume.join(version);
        let before = fs::read_link(volume.join("..data"));
        for (name, text) in files {
            let path = hidden.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            at_step();
        }
        symlink(version, volume.join("..data_tmp")).unwrap();
        fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
        at_step();
        for (name, _) in files {
            let first = name.split('/').next().unwrap();
            let _ = symlink(Path::new("..data").join(first), volume.join(first));
            at_step();
        }
        if let Ok(before) = before {
            fs::remove_dir_all(volume.join(before)).unwrap();
            at_step();
        }
    }

    fn look_as(&mut self, is_quiet: bool) -> Seen {
        let written = self.written.clone();
        let written_since = |path: &Path| (written.as_deref() == Some(path)).then_some(self.now);
        self.mounts.look(&Circumstances { now: self.now, is_quiet, written_since: &written_since, is_changing: &|| false })
    }

    /// What happened, as `+namespace/name=users` and `-namespace/name`.
    fn look(&mut self) -> Vec<String> {
        shown(&self.look_as(true))
    }

    fn later(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self
    }

    fn problems(&mut self) -> Vec<String> {
        let root = format!("{}/", self.dir.path().display());
        let text = |located: &Located| {
            let Diagnostic { code, message, outcome, object, .. } = &located.diagnostic;
            let place = located.place.as_ref().unwrap().file.display().to_string();
            let object = object.as_ref().map(|object| format!(" {}", object.name)).unwrap_or_default();
            format!("{}: {code}{object} {message} ({outcome})", place.replace(&root, ""))
        };
        self.mounts.problems.iter().map(text).collect()
    }
}

fn shown(seen: &Seen) -> Vec<String> {
    let show = |event: &Event| match event {
        Event::Applied(object) => {
            let Object::Secret(secret) = object else { panic!("{object:?}") };
            let users = secret.users_in_file.as_ref().unwrap().iter().flat_map(|users| users.iter()).map(|user| format!("{user:?}"));
            let users: Vec<_> = users.map(|user| user.split('"').nth(1).unwrap_or_default().to_owned()).collect();
            format!("+{}={}", secret.meta.name, users.join(","))
        }
        Event::Deleted(object) => format!("-{}", object.name),
        Event::Resolved(..) => panic!("{event:?}"),
    };
    seen.events.iter().map(show).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn secrets_come_change_and_go() {
    let mut world = World::new(&[("a/one/auth", "anna:{PLAIN}x"), ("b/two.x/auth", "bert:{PLAIN}x"), ("b/.hidden/auth", "x")]);
    assert_eq!(world.look(), ["+a/one=anna", "+b/two.x=bert"]);
    assert_eq!(world.look(), NOTHING);
    world.write("a/one/auth", "carl:{PLAIN}x");
    assert_eq!(world.look(), ["+a/one=carl"]);
    fs::remove_dir_all(world.path("b")).unwrap();
    assert_eq!(world.look(), ["-b/two.x"]);
    assert_eq!(world.problems(), NOTHING);
}

#[test]
fn a_volume_is_seen_before_or_after_its_change_and_never_between() {
    for volume in ["a/one", "a", ""] {
        let prefix = Path::new("a/one").strip_prefix(volume).unwrap().to_str().unwrap();
        let world = World::new(&[]);
        fs::create_dir_all(world.path(volume)).unwrap();
        let file = |key: &str| Path::new(prefix).join(key).to_str().unwrap().to_owned();
        let names = [file("auth"), file("ca.crt"), file("tls.crt")];
        world.mount(volume, "..1", &[(&names[0], "anna:{PLAIN}x"), (&names[1], "1")], &mut || {});
        let (path, mut seen) = (world.path(""), Vec::new());
        let mut mounts = Mounts::new(path);
        let mut look = || {
            let now = Instant::now();
            let at = Circumstances { now, is_quiet: false, written_since: &|_| None, is_changing: &|| false };
            let events = shown(&mounts.look(&at));
            let keys = mounts.mounted.values().next().unwrap().used.as_ref().unwrap().files.keys().cloned().collect::<Vec<_>>();
            seen.push((events.concat(), keys.join(" ")));
        };
        look();
        world.mount(volume, "..2", &[(&names[0], "bert:{PLAIN}x"), (&names[1], "2"), (&names[2], "2")], &mut look);
        let changes: Vec<_> = seen.iter().filter(|(events, _)| !events.is_empty()).collect();
        let expected = [("+a/one=anna", "auth ca.crt"), ("+a/one=bert", "auth ca.crt tls.crt")];
        assert_eq!(changes, expected.map(|(events, keys)| (events.to_owned(), keys.to_owned())).iter().collect::<Vec<_>>(), "{volume}");
    }
}

#[test]
fn what_looks_half_written_is_not_believed_at_once() {
    let mut world = World::new(&[("a/one/auth", "anna:{PLAIN}x"), ("a/one/ca.crt", "x")]);
    world.look();
    world.write("a/one/auth", "");
    assert_eq!(world.look_as(true).again, Some(DOUBT), "it is empty");
    world.write("a/one/auth", "bert:{PLAIN}x");
    assert_eq!(world.look(), ["+a/one=bert"]);
    fs::remove_file(world.path("a/one/auth")).unwrap();
    assert_eq!(world.look(), NOTHING, "a key is gone");
    assert_eq!(world.later(DOUBT).look(), ["+a/one="]);
    world.write("a/one/auth", "carl:{PLAIN}x");
    world.written = Some(world.path("a/one/auth"));
    assert_eq!(world.look(), NOTHING, "it is still written to");
    world.written = None;
    assert_eq!(world.look(), ["+a/one=carl"]);
}

#[test]
fn a_key_pair_of_which_one_half_is_new_is_not_believed_at_once() {
    let pair = || {
        let key = rcgen::KeyPair::generate().unwrap();
        (rcgen::CertificateParams::new(["a.test".to_owned()]).unwrap().self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    let (first, second) = (pair(), pair());
    let mut world = World::new(&[("a/one/tls.crt", &first.0), ("a/one/tls.key", &first.1)]);
    assert_eq!(world.look(), ["+a/one="]);
    world.write("a/one/tls.crt", &second.0);
    assert_eq!(world.look_as(true).again, Some(DOUBT));
    world.write("a/one/tls.key", &second.1);
    assert_eq!(world.look(), ["+a/one="]);
}

#[test]
fn wrong_things_are_told_by_their_paths_and_cost_themselves() {
    let mut world = World::new(&[
        ("a/good/auth", "anna:{PLAIN}x"),
        ("stray.pem", "x"),
        ("a/stray.pem", "x"),
        ("Bad/one/auth", "x"),
        ("a/Bad_/auth", "x"),
        ("a/deep/down/auth", "x"),
        ("a/large/auth", &"x".repeat(1 << 20)),
        ("a/large/more", "x"),
        ("a/full/auth", &"x".repeat(1 << 20)),
    ]);
    symlink("/nowhere", world.path("a/dangling")).unwrap();
    assert_eq!(world.look(), ["+a/full=", "+a/good=anna"]);
    let stray = "GW0001 a file is in no folder of a Secret; put it into NAMESPACE/NAME (object left out)";
    assert_eq!(
        world.problems(),
        [
            "s/Bad: GW0002 \"Bad\" is not the name of a namespace (object left out)".to_owned(),
            "s/a/Bad_: GW0002 \"Bad_\" is not the name of a Secret (object left out)".to_owned(),
            "s/a/deep/down: GW0001 a/deep this is not a file; NAMESPACE/NAME/KEY is read (object left out)".to_owned(),
            "s/a/large: GW0005 a/large the Secret is larger than 1 MiB (object left out)".to_owned(),
            format!("s/a/stray.pem: {stray}"),
            format!("s/stray.pem: {stray}"),
        ]
    );
}

#[test]
fn a_secret_that_cannot_be_read_any_more_stays_as_it_was() {
    let mut world = World::new(&[("a/one/auth", "anna:{PLAIN}x"), ("b/two/auth", "bert:{PLAIN}x")]);
    world.look();
    world.write("a/one/auth", &"x".repeat((1 << 20) + 1));
    assert_eq!(world.look(), NOTHING);
    assert_eq!(world.problems(), ["s/a/one: GW0005 a/one the Secret is larger than 1 MiB (last accepted version kept)"]);
    world.write("a/one/auth", "anna:{PLAIN}x");
    world.look();
    assert_eq!(world.problems(), NOTHING);
    // A link that leads to itself cannot be read by anybody.
    for (path, code) in [("b/two/auth", "GW0001 b/two"), ("b/two", "GW0001 b/two"), ("b", "GW0001")] {
        let (place, away) = (world.path(path), world.dir.path().join("away"));
        fs::rename(&place, &away).unwrap();
        symlink(&place, &place).unwrap();
        assert_eq!(world.look(), NOTHING, "{path}");
        let expected = format!("s/{path}: {code} it cannot be read: ");
        assert!(world.problems().iter().any(|text| text.starts_with(&expected)), "{path}: {:?}", world.problems());
        fs::remove_file(&place).unwrap();
        fs::rename(&away, &place).unwrap();
        assert_eq!((world.look(), world.problems().len()), (vec![], 0), "{path}");
    }
}

#[test]
fn a_folder_that_is_gone_or_empty_leaves_the_last_state() {
    let mut world = World::new(&[("a/one/auth", "anna:{PLAIN}x")]);
    world.look();
    fs::rename(world.path(""), world.dir.path().join("away")).unwrap();
    assert_eq!(world.look(), NOTHING);
    assert_eq!(
        world.problems(),
        ["s: GW0001 the folder cannot be read: it does not exist; its last state is kept (last accepted version kept)"]
    );
    fs::create_dir(world.path("")).unwrap();
    assert_eq!(world.look(), NOTHING);
    assert!(world.problems()[0].contains("was replaced by one without Secrets"));
    world.write("a/one/auth", "bert:{PLAIN}x");
    assert_eq!(world.look(), ["+a/one=bert"]);
    assert_eq!(world.problems(), NOTHING);
}

#[test]
fn a_link_out_of_the_folder_is_followed_by_looking() {
    let mut world = World::new(&[("a/one/auth", "anna:{PLAIN}x")]);
    assert!(!world.look_as(true).leads_out);
    let outside = world.dir.path().join("outside");
    fs::write(&outside, "bert:{PLAIN}x").unwrap();
    fs::create_dir(world.path("a/two")).unwrap();
    symlink(outside, world.path("a/two/auth")).unwrap();
    let seen = world.look_as(true);
    assert!(seen.leads_out);
    assert_eq!(shown(&seen), ["+a/two=bert"]);
}

#[test]
fn commands_that_look_once_read_the_same() {
    let world = World::new(&[("a/one/auth", "anna:{PLAIN}x"), ("a/stray", "x")]);
    let (secrets, problems) = load(&world.path("")).unwrap();
    assert_eq!((secrets.len(), problems.len()), (1, 1));
    let error = load(&world.path("none")).unwrap_err();
    assert_eq!(
        crate::causes::chain(&error),
        format!("could not read {}: No such file or directory (os error 2)", world.path("none").display())
    );
}

#[tokio::test]
async fn a_change_of_a_volume_is_heard() {
    const DEADLINE: Duration = Duration::from_secs(20);
    let world = World::new(&[]);
    fs::create_dir_all(world.path("a/one")).unwrap();
    world.mount("a/one", "..1", &[("auth", "anna:{PLAIN}x")], &mut || {});
    let (out, mut inputs) = mpsc::channel(16);
    tokio::spawn(run(world.path(""), out));
    let mut next = async || loop {
        let input = tokio::time::timeout(DEADLINE, inputs.recv()).await.expect("something is told in time").expect("the source lives");
        if let Input::Changed(events) = input {
            return shown(&Seen { events, ..Seen::default() });
        }
    };
    assert_eq!(next().await, ["+a/one=anna"]);
    world.mount("a/one", "..2", &[("auth", "bert:{PLAIN}x")], &mut || {});
    assert_eq!(next().await, ["+a/one=bert"]);
}
