//! Looks at folders, with a clock that is turned by hand.

use super::*;
use gatewright_core::state::Object;
use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

struct World {
    dir: TempDir,
    folder: Folder,
    now: Instant,
    /// What is being written, and since when.
    written: Option<(PathBuf, Instant)>,
    /// Whether somebody changes many files, at each time that this is asked.
    changing: RefCell<Vec<bool>>,
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("m")).unwrap();
        let folder = Folder::new(dir.path().join("m"), SharedPlaces::default());
        let world = Self { dir, folder, now: Instant::now(), written: None, changing: RefCell::default() };
        files.iter().for_each(|(name, text)| world.write(name, text));
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("m").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn look_as(&mut self, is_quiet: bool) -> Seen {
        let written = self.written.clone();
        let written_since = |path: &Path| written.as_ref().filter(|(written, _)| written == path).map(|(_, since)| *since);
        let is_changing = || self.changing.borrow_mut().pop().unwrap_or(false);
        self.folder.look(&Circumstances { now: self.now, is_quiet, written_since: &written_since, is_changing: &is_changing })
    }

    /// What happened, as `+name=value` and `-name`.
    fn look(&mut self) -> Vec<String> {
        shown(&self.look_as(true))
    }

    fn later(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self
    }

    fn problems(&self) -> Vec<String> {
        self.folder.problems.iter().map(|problem| format!("{} ({})", problem.diagnostic.message, problem.diagnostic.outcome)).collect()
    }
}

fn shown(seen: &Seen) -> Vec<String> {
    let show = |event: &Event| match event {
        Event::Applied(object) => match object {
            Object::ConfigMap(map) => format!("+{}={}", map.meta.name.name(), map.data["k"]),
            other => panic!("{other:?}"),
        },
        Event::Deleted(object) => format!("-{}", object.name.name()),
        Event::Resolved(..) => panic!("folders resolve nothing"),
    };
    seen.events.iter().map(show).collect()
}

fn map(name: &str, value: &str) -> String {
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{k: {value}}}\n")
}

const NOTHING: [&str; 0] = [];

#[test]
fn only_what_changed_is_told() {
    let mut world = World::new(&[("a.yaml", &map("a", "x")), ("b.yaml", &map("b", "x")), ("c.yaml", &map("c", "x"))]);
    assert_eq!(world.look(), ["+a=x", "+b=x", "+c=x"]);
    assert_eq!(world.look(), NOTHING);
    world.write("b.yaml", &format!("# moved\n{}", map("b", "x")));
    assert_eq!(world.look(), NOTHING, "the object is the same");
    world.write("b.yaml", &map("b", "y"));
    fs::remove_file(world.path("a.yaml")).unwrap();
    fs::rename(world.path("c.yaml"), world.path("d.yaml")).unwrap();
    assert_eq!(world.look(), ["-a", "+b=y"]);
}

#[test]
fn a_change_of_many_files_is_waited_for() {
    let mut world = World::new(&[("a.yaml", &map("a", "x")), ("b.yaml", &map("b", "x"))]);
    world.look();
    world.write("a.yaml", &map("a", "y"));
    // Before anything is read, and while it is; answered from the end.
    for changing in [vec![true], vec![true, false]] {
        *world.changing.borrow_mut() = changing;
        let seen = world.look_as(false);
        assert_eq!((shown(&seen), seen.is_pending, seen.is_changing, seen.again.is_some()), (Vec::new(), true, true, true));
    }
    world.write("b.yaml", &map("b", "y"));
    assert_eq!(world.look(), ["+a=y", "+b=y"]);
}

#[test]
fn the_second_of_two_takes_over_when_the_first_goes() {
    let mut world = World::new(&[("a.yaml", &map("a", "x")), ("b.yaml", &map("a", "y"))]);
    assert_eq!(world.look(), ["+a=y"]);
    assert_eq!(world.problems().len(), 1);
    fs::remove_file(world.path("b.yaml")).unwrap();
    assert_eq!(world.look(), ["+a=x"]);
    assert_eq!(world.problems(), NOTHING);
}

#[test]
fn a_file_that_breaks_keeps_its_objects_and_then_its_healthy_parts_are_taken() {
    let mut world = World::new(&[("a.yaml", &(map("a", "x") + &map("b", "x")))]);
    assert_eq!(world.look(), ["+a=x", "+b=x"]);
    world.write("a.yaml", &(map("a", "y") + "---\na: ["));
    assert_eq!(world.look(), NOTHING, "it may be half written");
    assert_eq!(world.later(DOUBT).look(), ["+a=y"], "b is kept");
    assert_eq!(world.problems(), ["did not find expected node content (last accepted version kept)"]);
    world.write("a.yaml", &map("a", "y"));
    assert_eq!(world.look(), ["-b"]);
    assert_eq!(world.problems(), NOTHING);
}

#[test]
fn what_is_there_but_leads_nowhere_keeps_what_it_held() {
    let mut world = World::new(&[("a.yaml", &map("a", "x"))]);
    fs::create_dir(world.dir.path().join("more.d")).unwrap();
    fs::write(world.dir.path().join("more.d/b.yaml"), map("b", "x")).unwrap();
    symlink("../more.d", world.path("more.d")).unwrap();
    assert_eq!(world.look(), ["+a=x", "+b=x"]);
    // A link to a folder, whatever its name.
    fs::rename(world.dir.path().join("more.d"), world.dir.path().join("moved")).unwrap();
    assert_eq!(world.later(DOUBT).look(), NOTHING);
    assert_eq!(world.problems(), ["the link leads nowhere (last accepted version kept)"]);
    fs::rename(world.dir.path().join("moved"), world.dir.path().join("more.d")).unwrap();
    assert_eq!(world.look(), NOTHING);
    assert_eq!(world.problems(), NOTHING);
    type Put = fn(&Path);
    let put: [(Put, &str); 3] = [
        (|path| symlink("nowhere.yaml", path).unwrap(), "the link leads nowhere"),
        (|path| symlink("a.yaml", path).unwrap(), "the link leads nowhere"),
        (
            |path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap(),
            "this is neither a file nor a folder, so it is not read",
        ),
    ];
    for (put, told) in put {
        fs::remove_file(world.path("a.yaml")).unwrap();
        put(&world.path("a.yaml"));
        for _ in 0..3 {
            assert_eq!(world.later(2 * DOUBT).look(), NOTHING, "{told}");
        }
        assert_eq!(world.problems(), [format!("{told} (last accepted version kept)")]);
    }
    // Who puts a file there again, or takes the link away, is believed.
    fs::remove_file(world.path("a.yaml")).unwrap();
    world.write("a.yaml", &map("a", "y"));
    assert_eq!(world.look(), ["+a=y"]);
    assert_eq!(world.problems(), NOTHING);
    fs::remove_file(world.path("more.d")).unwrap();
    assert_eq!(world.look(), ["-b"]);
}

#[test]
fn a_fifo_that_takes_the_place_of_a_file_is_not_waited_for() {
    let world = World::new(&[("a.yaml", &map("a", "x"))]);
    let listed = Stamp::of(&fs::metadata(world.path("a.yaml")).unwrap());
    fs::remove_file(world.path("a.yaml")).unwrap();
    nix::unistd::mkfifo(&world.path("a.yaml"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(read_file(&world.path("a.yaml"), &listed).unwrap().is_none());
}

#[test]
fn an_object_that_becomes_wrong_keeps_its_last_good_version() {
    let mut world = World::new(&[("a.yaml", &map("a", "x"))]);
    assert_eq!(world.look(), ["+a=x"]);
    world.write("a.yaml", &map("a", "x").replace("data: {k: x}", "data: [x]"));
    assert_eq!(world.look(), NOTHING);
    assert_eq!(world.later(DOUBT).look(), NOTHING);
    assert_eq!(world.problems(), ["a list stands where a mapping belongs (last accepted version kept)"]);
}

#[test]
fn a_document_that_breaks_is_still_about_its_object() {
    let broken = map("a", "\"y").replace("k: \"y}", "k: \"y");
    let mut world = World::new(&[("a.yaml", &map("a", "x"))]);
    assert_eq!(world.look(), ["+a=x"]);
    world.write("a.yaml", &broken);
    assert_eq!(world.look(), NOTHING);
    assert_eq!(world.later(DOUBT).look(), NOTHING, "the last good version stays");
    assert_eq!(world.problems(), ["found unexpected end of stream (last accepted version kept)"]);
}

#[test]
fn an_empty_file_is_believed_after_a_second() {
    let mut world = World::new(&[("a.yaml", &map("a", "x"))]);
    assert_eq!(world.look(), ["+a=x"]);
    world.write("a.yaml", "");
    let seen = world.look_as(true);
    assert_eq!((shown(&seen), seen.again), (vec![], Some(DOUBT)));
    assert_eq!(world.later(DOUBT).look(), ["-a"]);
}

#[test]
fn a_file_is_not_taken_while_it_is_written() {
    let mut world = World::new(&[("a.yaml", &map("a", "x"))]);
    assert_eq!(world.look(), ["+a=x"]);
    world.written = Some((world.path("a.yaml"), world.now));
    world.write("a.yaml", "# not yet\n");
    assert_eq!(world.look(), NOTHING);
    world.write("a.yaml", &map("a", "y"));
    world.written = None;
    assert_eq!(world.look(), ["+a=y"]);
}

#[test]
fn a_file_that_stays_open_is_waited_for_and_then_taken_with_a_warning() {
    let both = map("a", "y") + &map("b", "y");
    let mut world = World::new(&[("a.yaml", &(map("a", "x") + &map("b", "x")))]);
    assert_eq!(world.look(), ["+a=x", "+b=x"]);
    world.written = Some((world.path("a.yaml"), world.now));
    // Cut where a document ends: nothing about it looks wrong.
    world.write("a.yaml", &map("a", "y"));
    assert_eq!(world.look(), NOTHING);
    assert_eq!(world.later(DOUBT * 3).look_as(true).again, Some(LONGEST_WRITE - DOUBT * 3));
    assert_eq!(world.problems(), NOTHING);
    assert_eq!(world.later(LONGEST_WRITE).look(), ["-b", "+a=y"]);
    assert_eq!(world.problems(), ["the file has been open for writing for 30 s; what it holds by now is used (served)"]);
    assert!(world.folder.problems[0].place.as_ref().is_some_and(|place| *place.file == *world.path("a.yaml")), "the file is named");
    assert_eq!(world.look(), NOTHING);
    assert_eq!(world.problems().len(), 1, "as long as it is open");
    world.write("a.yaml", &both);
    world.written = None;
    assert_eq!(world.look(), ["+b=y"]);
    assert_eq!(world.problems(), NOTHING);
}

#[test]
fn a_file_that_is_closed_as_it_was_taken_is_complained_of_no_more() {
    let mut world = World::new(&[("a.yaml", &map("a", "x"))]);
    assert_eq!(world.look(), ["+a=x"]);
    world.written = Some((world.path("a.yaml"), world.now));
    world.write("a.yaml", &map("a", "y"));
    assert_eq!(world.later(LONGEST_WRITE).look(), ["+a=y"]);
    assert_eq!(world.problems().len(), 1);
    world.written = None;
    assert_eq!(world.look(), NOTHING);
    assert_eq!(world.problems(), NOTHING);
}

#[test]
fn a_mounted_config_map_changes_at_once() {
    let mut world = World::new(&[]);
    let version = |name: &str, value: &str| {
        fs::create_dir(world.path(name)).unwrap();
        world.write(&format!("{name}/a.yaml"), &map("a", value));
        world.write(&format!("{name}/b.yaml"), &map("b", value));
    };
    version("..1", "x");
    version("..2", "y");
    symlink("..1", world.path("..data")).unwrap();
    symlink("..data/a.yaml", world.path("a.yaml")).unwrap();
    symlink("..data/b.yaml", world.path("b.yaml")).unwrap();
    assert_eq!(world.look(), ["+a=x", "+b=x"]);
    symlink("..2", world.path("..data_tmp")).unwrap();
    fs::rename(world.path("..data_tmp"), world.path("..data")).unwrap();
    assert_eq!(world.look(), ["+a=y", "+b=y"]);
    assert_eq!(world.problems(), NOTHING);
}

#[test]
fn a_link_to_more_than_anybody_means_is_told_and_the_rest_is_read() {
    let mut world = World::new(&[("a.yaml", &map("a", "x"))]);
    let machine = world.dir.path().join("machine");
    fs::create_dir_all(machine.join("many")).unwrap();
    fs::write(machine.join("b.yaml"), map("b", "x")).unwrap();
    symlink(&machine, world.path("all")).unwrap();
    assert_eq!(world.look(), ["+a=x", "+b=x"]);
    for n in 0..200 {
        fs::write(machine.join(format!("many/{n}")), "").unwrap();
    }
    symlink(machine.join("many"), world.path("z")).unwrap();
    world.write("a.yaml", &map("a", "y"));
    assert_eq!(world.look(), ["+a=y"], "what was behind the link stays");
    let told = "cannot be read: the link leads to more than 200 files and folders (object left out)";
    assert_eq!(world.problems(), [told]);
    assert_eq!(world.folder.problems[0].diagnostic.help, "have the link lead to less");
    assert!(world.folder.problems[0].place.as_ref().is_some_and(|place| *place.file == *world.path("all")), "the link is named");
    fs::remove_file(world.path("all")).unwrap();
    assert_eq!(world.look(), ["-b"]);
    assert_eq!(world.problems(), NOTHING);
}

#[test]
fn a_link_to_all_of_the_machine_holds_nothing_up() {
    let mut world = World::new(&[("a.yaml", &map("a", "x"))]);
    symlink("/", world.path("root")).unwrap();
    assert_eq!(world.look(), ["+a=x"]);
    assert_eq!(world.problems().len(), 1);
}

#[test]
fn a_folder_that_vanishes_keeps_its_state_until_it_is_back() {
    let mut world = World::new(&[("a.yaml", &map("a", "x"))]);
    assert_eq!(world.look(), ["+a=x"]);
    let (here, away) = (world.path(""), world.dir.path().join("away"));
    fs::rename(&here, &away).unwrap();
    assert_eq!(world.look(), NOTHING);
    assert_eq!(world.problems(), ["the folder cannot be read: it does not exist; its last state is kept (last accepted version kept)"]);
    fs::create_dir(&here).unwrap();
    assert_eq!(world.later(DOUBT * 9).look(), NOTHING);
    assert!(world.problems()[0].starts_with("the folder was replaced by one without manifests"), "{:?}", world.problems());
    world.write("b.yaml", &map("b", "x"));
    assert_eq!(world.look(), ["-a", "+b=x"]);
    assert_eq!(world.problems(), NOTHING);
}

#[test]
fn a_folder_emptied_by_hand_is_empty() {
    let mut world = World::new(&[("a.yaml", &map("a", "x"))]);
    assert_eq!(world.look(), ["+a=x"]);
    fs::remove_file(world.path("a.yaml")).unwrap();
    assert_eq!(world.look(), ["-a"]);
}

#[test]
fn under_constant_change_a_missing_file_is_missed_for_a_second() {
    let mut world = World::new(&[("a.yaml", &map("a", "x")), ("b.yaml", &map("b", "x"))]);
    assert_eq!(world.look(), ["+a=x", "+b=x"]);
    fs::remove_file(world.path("a.yaml")).unwrap();
    world.write("b.yaml", &map("b", "y"));
    assert_eq!(shown(&world.look_as(false)), ["+b=y"]);
    assert_eq!(shown(&world.later(DOUBT).look_as(false)), ["-a"]);
}

#[test]
fn a_folder_that_is_not_there_yet_is_not_complete() {
    let mut world = World::new(&[]);
    fs::remove_dir(world.path("")).unwrap();
    let seen = world.look_as(true);
    assert!(!seen.is_read && seen.again.is_some() && seen.problems.is_some());
    fs::create_dir(world.path("")).unwrap();
    assert!(world.look_as(true).is_read);
}

#[test]
fn places_follow_the_files() {
    let mut world = World::new(&[("a.yaml", &map("a", "x"))]);
    let place = |world: &World| {
        let object = world.folder.told.keys().next().unwrap();
        world.folder.places.current().place_of(object, "data[k]").unwrap().to_string()
    };
    world.look();
    assert_eq!(place(&world), format!("{}:5:11", world.path("a.yaml").display()));
    world.write("a.yaml", &map("a", "y"));
    world.look();
    world.write("a.yaml", &format!("# one line more\n{}", map("a", "x")));
    assert_eq!(place(&world), format!("{}:2:1", world.path("a.yaml").display()), "the text is not what was read");
    world.look();
    assert_eq!(place(&world), format!("{}:6:11", world.path("a.yaml").display()));
}

/// Root may read everything, so the refusal is made by hand.
#[test]
fn a_file_that_cannot_be_read_keeps_its_objects() {
    let mut world = World::new(&[("a.yaml", &map("a", "x"))]);
    assert_eq!(world.look(), ["+a=x"]);
    let fresh = unreadable(&world.path("a.yaml"), &io::ErrorKind::PermissionDenied.into(), world.now);
    let manifest = world.folder.manifests.values_mut().next().unwrap();
    manifest.fresh = Some(fresh);
    assert!(manifest.looks_half_written());
    manifest.believe();
    let contents = &manifest.used.as_ref().unwrap().contents;
    assert_eq!((contents.objects.len(), contents.problems.len()), (1, 1));
}
