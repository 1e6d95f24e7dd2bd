//! A folder on a real file system, with real time; every wait has a condition and a deadline.

use super::*;
use crate::source::manifests::{self, SharedPlaces};
use std::fs;
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(20);

struct World {
    dir: TempDir,
    inputs: mpsc::Receiver<Input>,
}

impl World {
    fn new() -> Self {
        Self::named(Path::to_owned)
    }

    /// The folder is given by another name than its own.
    fn named(name: impl FnOnce(&Path) -> PathBuf) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("m");
        fs::create_dir(&folder).unwrap();
        let (out, inputs) = mpsc::channel(16);
        tokio::spawn(manifests::run(name(&folder), SharedPlaces::default(), out));
        Self { dir, inputs }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("m").join(name)
    }

    /// As careful tools do it: beside it, then renamed.
    fn put(&self, name: &str) {
        let temporary = self.dir.path().join("temporary");
        fs::write(&temporary, format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n")).unwrap();
        fs::rename(temporary, self.path(&format!("{name}.yaml"))).unwrap();
    }

    async fn next(&mut self) -> Input {
        tokio::time::timeout(DEADLINE, self.inputs.recv()).await.expect("something is told in time").expect("the source lives")
    }

    /// The next changes, as `+name` and `-name`.
    async fn changes(&mut self) -> Vec<String> {
        loop {
            if let Input::Changed(events) = self.next().await {
                let show = |event: &Event| match event {
                    Event::Applied(object) => format!("+{}", object.reference().name.name()),
                    Event::Deleted(object) => format!("-{}", object.name.name()),
                    Event::Resolved(..) => panic!("folders resolve nothing"),
                };
                return events.iter().map(show).collect();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_read_is_told_whole_and_then_complete() {
    let mut world = World::new();
    assert!(matches!(world.next().await, Input::Waiting(what) if what.len() == 1));
    assert!(matches!(world.next().await, Input::Changed(events) if events.is_empty()));
    assert!(matches!(world.next().await, Input::Complete));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_and_a_burst_in_few_tellings() {
    let mut world = World::new();
    assert!(world.changes().await.is_empty());
    assert!(FolderWatcher::new(world.dir.path().join("m"), Arc::default()).listen(), "changes are heard here, not found by chance");
    world.put("a");
    assert_eq!(world.changes().await, ["+a"]);
    let names: Vec<String> = (0..50).map(|n| format!("b{n:02}")).collect();
    names.iter().for_each(|name| world.put(name));
    // Every telling waits for a quiet moment, so a burst is one telling, or a few where the machine itself paused in it.
    let (mut told, mut tellings) = (0, 0);
    while told < names.len() {
        told += world.changes().await.len();
        tellings += 1;
    }
    assert!(told == names.len() && tellings < told, "{told} changes in {tellings} tellings");
    fs::remove_file(world.path("a.yaml")).unwrap();
    assert_eq!(world.changes().await, ["-a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_is_said_before_it_is_read() {
    let mut world = World::new();
    assert!(world.changes().await.is_empty());
    while !matches!(world.next().await, Input::Untold(false)) {}
    world.put("a");
    assert!(matches!(world.next().await, Input::Untold(true)), "so that nobody takes the state before for the newest");
    assert_eq!(world.changes().await, ["+a"]);
    while !matches!(world.next().await, Input::Untold(false)) {}
    fs::write(world.path("a.yaml"), "").unwrap();
    assert!(matches!(world.next().await, Input::Untold(true)));
    while !matches!(world.next().await, Input::Changed(events) if matches!(events[..], [Event::Deleted(_)])) {}
    assert!(matches!(world.next().await, Input::Untold(false)), "an empty file is in doubt for a second, and then believed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_a_new_folder_is_found() {
    let mut world = World::new();
    assert!(world.changes().await.is_empty());
    fs::create_dir_all(world.path("x/y")).unwrap();
    fs::rename(world.dir.path().join("m/x"), world.path("z")).unwrap();
    fs::write(world.path("z/y/a.yaml"), "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n").unwrap();
    assert_eq!(world.changes().await, ["+a"]);
    fs::write(world.path("z/y/b.yaml"), "apiVersion: v1\nkind: Service\nmetadata: {name: b}\n").unwrap();
    assert_eq!(world.changes().await, ["+b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_goes_and_is_back_at_once_is_still_heard() {
    let mut world = World::new();
    assert!(world.changes().await.is_empty());
    let (here, away) = (world.dir.path().join("m"), world.dir.path().join("away"));
    let back: fn(&Path, &Path) = |here, away| fs::rename(away, here).unwrap();
    let link: fn(&Path, &Path) = |here, away| std::os::unix::fs::symlink(away, here).unwrap();
    for (name, again) in [("a", back), ("b", link), ("c", back)] {
        while !matches!(world.next().await, Input::Untold(false)) {}
        if here.is_symlink() { fs::remove_file(&here) } else { fs::rename(&here, &away) }.unwrap();
        again(&here, &away);
        // The look that this brings about may find nothing new.
        while !matches!(world.next().await, Input::Untold(true)) {}
        while !matches!(world.next().await, Input::Untold(false)) {}
        world.put(name);
        assert_eq!(world.changes().await, [format!("+{name}")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_writer_is_waited_for() {
    is_waited_for(World::new()).await;
}

/// From the folder that the program runs in, up to the root and down again.
fn relative(path: &Path) -> PathBuf {
    let up = std::env::current_dir().unwrap().components().skip(1).map(|_| "..").collect::<PathBuf>();
    up.join(path.strip_prefix("/").unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_writer_is_waited_for_by_whatever_name_the_folder_is_given() {
    is_waited_for(World::named(relative)).await;
    is_waited_for(World::named(|folder| Path::new(".").join(relative(folder)))).await;
    is_waited_for(World::named(|folder| folder.join(""))).await;
    is_waited_for(World::named(|folder| folder.join("../m"))).await;
    is_waited_for(World::named(|folder| {
        let link = folder.with_file_name("link");
        std::os::unix::fs::symlink(folder, &link).unwrap();
        relative(&link)
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_heard_through_links_and_where_they_lead_next() {
    let mut world = World::named(|folder| {
        let (link, other) = (folder.with_file_name("link"), folder.with_file_name("..data"));
        std::os::unix::fs::symlink(folder, &other).unwrap();
        std::os::unix::fs::symlink("..data", &link).unwrap();
        link
    });
    assert!(world.changes().await.is_empty());
    let begun = Instant::now();
    world.put("a");
    assert_eq!(world.changes().await, ["+a"]);
    fs::create_dir(world.dir.path().join("n")).unwrap();
    fs::write(world.dir.path().join("n/b.yaml"), "apiVersion: v1\nkind: Service\nmetadata: {name: b}\n").unwrap();
    std::os::unix::fs::symlink("n", world.dir.path().join("..new")).unwrap();
    fs::rename(world.dir.path().join("..new"), world.dir.path().join("..data")).unwrap();
    assert_eq!(world.changes().await, ["-a", "+b"]);
    assert!(begun.elapsed() < SAFETY, "it was heard, not found by chance");
}

async fn is_waited_for(mut world: World) {
    use std::io::Write;
    assert!(world.changes().await.is_empty());
    let mut file = fs::File::create(world.path("a.yaml")).unwrap();
    for name in ["a", "b", "c", "d"] {
        file.write_all(format!("---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n").as_bytes()).unwrap();
        tokio::time::sleep(QUIET * 2).await;
    }
    drop(file);
    assert_eq!(world.changes().await, ["+a", "+b", "+c", "+d"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mounted_config_map_is_swapped_as_one_change() {
    let mut world = World::new();
    assert!(world.changes().await.is_empty());
    let service = |name: &str| format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n");
    for (version, names) in [("..1", ["a", "b"]), ("..2", ["c", "d"])] {
        fs::create_dir(world.path(version)).unwrap();
        for (file, name) in ["x.yaml", "y.yaml"].into_iter().zip(names) {
            fs::write(world.path(version).join(file), service(name)).unwrap();
        }
    }
    std::os::unix::fs::symlink("..1", world.path("..data")).unwrap();
    for file in ["x.yaml", "y.yaml"] {
        std::os::unix::fs::symlink(Path::new("..data").join(file), world.path(file)).unwrap();
    }
    assert_eq!(world.changes().await, ["+a", "+b"]);
    std::os::unix::fs::symlink("..2", world.path("..data_tmp")).unwrap();
    fs::rename(world.path("..data_tmp"), world.path("..data")).unwrap();
    assert_eq!(world.changes().await, ["-a", "-b", "+c", "+d"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_goes_and_comes_back_is_followed_again() {
    let mut world = World::new();
    assert!(world.changes().await.is_empty());
    world.put("a");
    assert_eq!(world.changes().await, ["+a"]);
    let away = world.dir.path().join("away");
    fs::rename(world.path(""), &away).unwrap();
    loop {
        match world.next().await {
            Input::Problems(problems) if problems.iter().any(|p| p.diagnostic.message.starts_with("the folder cannot be read")) => break,
            Input::Changed(events) => panic!("{events:?}"),
            _ => {}
        }
    }
    fs::rename(&away, world.path("")).unwrap();
    world.put("b");
    assert_eq!(world.changes().await, ["+b"], "a was kept");
    world.put("c");
    assert_eq!(world.changes().await, ["+c"], "the new folder is heard");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_constant_change_others_are_told_all_the_same() {
    let mut world = World::new();
    assert!(world.changes().await.is_empty());
    let noisy = world.path("noisy.yaml");
    let noise = tokio::spawn(async move {
        loop {
            fs::write(&noisy, format!("# {:?}\n", Instant::now())).unwrap();
            tokio::time::sleep(QUIET / 5).await;
        }
    });
    world.put("a");
    assert_eq!(world.changes().await, ["+a"]);
    noise.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_nobody_listens() {
    let dir = tempfile::tempdir().unwrap();
    let (out, mut inputs) = mpsc::channel(16);
    let source = tokio::spawn(manifests::run(dir.path().to_owned(), SharedPlaces::default(), out));
    while !matches!(inputs.recv().await, Some(Input::Complete)) {}
    drop(inputs);
    tokio::time::timeout(DEADLINE, source).await.expect("it ends in time").unwrap();
}
