//! Outputs come back as they were, all of them or none.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use super::super::db::Db;
use super::super::entry::Bytes;
use super::super::shelf::Shelf;
use super::super::stat::{Stamp, stat_at};
use super::{Place, build, hit, miss, recipe, record, unit};
use crate::logic::cache::{Kept, Recipe};

fn none_is_left_over(place: &Place) {
    let left: Vec<_> = Shelf::at(&place.state()).unfinished().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn deleted_and_edited_outputs_come_back() {
    let place = Place::new();
    place.made(&recipe(), build);
    fs::remove_dir_all(place.at("out")).expect("it is there");
    assert_eq!(place.hit(&recipe()).restored, 2);
    assert_eq!((place.read("out/a.o"), place.read("out/b.o")), ("object a".into(), "object b".into()));
    place.write("out/a.o", "edited..");
    let kept = fs::metadata(place.at("out/b.o")).expect("it is there").ino();
    assert_eq!(place.hit(&recipe()).restored, 1);
    assert_eq!(place.read("out/a.o"), "object a");
    assert_eq!(fs::metadata(place.at("out/b.o")).expect("it is there").ino(), kept);
    none_is_left_over(&place);
}

#[test]
fn modes_links_empty_folders_odd_names_and_large_files_come_back() {
    let place = Place::new();
    let odd = OsStr::from_bytes(b"out/\xff\xfe \n*[x]");
    let large: String = "0123456789abcdef".repeat(20_000);
    place.made(&recipe(), |place| {
        build(place);
        place.mode("out/a.o", 0o750);
        place.write("out/read-only", "r");
        place.mode("out/read-only", 0o444);
        place.link("a.o", "out/link");
        place.link("not/there", "out/dangling");
        fs::create_dir_all(place.at("out/empty/deep")).expect("a folder");
        place.write("out/large", &large);
        fs::write(place.root().join(odd), "odd").expect("a file");
    });
    let list = |place: &Place| {
        let mut found: Vec<_> = walkdir::WalkDir::new(place.at("out"))
            .into_iter()
            .flatten()
            .map(|it| {
                let at = fs::symlink_metadata(it.path()).expect("it is there");
                let text =
                    if at.is_file() { fs::read(it.path()).expect("it is readable") } else { Vec::new() };
                (it.path().to_path_buf(), at.permissions().mode(), fs::read_link(it.path()).ok(), text)
            })
            .collect();
        found.sort();
        found
    };
    let before = list(&place);
    fs::remove_dir_all(place.at("out")).expect("it is there");
    place.hit(&recipe());
    assert_eq!(list(&place), before);
    assert_eq!(place.hit(&recipe()).restored, 0);
    place.mode("out/a.o", 0o640);
    assert_eq!(place.hit(&recipe()).restored, 1);
    assert_eq!(list(&place), before);
    none_is_left_over(&place);
}

/// Something is in the way of one output while another one is missing: nothing is changed.
#[track_caller]
fn is_in_the_way(put: impl FnOnce(&Place)) {
    let place = Place::new();
    place.made(&recipe(), build);
    fs::remove_file(place.at("out/b.o")).expect("it is there");
    fs::remove_file(place.at("out/a.o")).expect("it is there");
    put(&place);
    let miss = place.miss(&recipe());
    assert_eq!(miss.reason, "output-in-the-way", "{miss:?}");
    assert!(!miss.is_hopeless);
    assert!(!place.at("out/b.o").exists());
    none_is_left_over(&place);
}

#[test]
fn what_is_in_the_way_makes_it_a_miss_and_nothing_is_changed() {
    is_in_the_way(|place| place.write("out/a.o/inside", "a folder"));
    is_in_the_way(|place| {
        place.write("out/a.o", "read-only");
        place.mode("out/a.o", 0o444);
    });
    is_in_the_way(|place| {
        fs::remove_dir_all(place.at("out")).expect("it is there");
        place.write("out", "a file where a folder was");
    });
    is_in_the_way(|place| {
        rustix::fs::mknodat(
            rustix::fs::CWD,
            place.at("out/a.o"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o644),
            0,
        )
        .expect("a pipe");
    });
}

#[test]
fn an_output_that_was_replaced_by_a_link_comes_back_as_a_file() {
    let place = Place::new();
    place.write("precious", "mine");
    place.made(&recipe(), build);
    fs::remove_file(place.at("out/a.o")).expect("it is there");
    place.link("../precious", "out/a.o");
    place.hit(&recipe());
    assert!(!fs::symlink_metadata(place.at("out/a.o")).expect("it is there").is_symlink());
    assert_eq!((place.read("out/a.o"), place.read("precious")), ("object a".into(), "mine".into()));
}

#[test]
fn nothing_is_written_outside_of_the_project() {
    let place = Place::new();
    place.made(&recipe(), build);
    let outside = place.root().join("../outside");
    fs::create_dir(&outside).expect("a folder");
    fs::remove_dir_all(place.at("out")).expect("it is there");
    place.link("../outside", "out");
    assert_eq!(place.miss(&recipe()).reason, "leaves-project");
    assert_eq!(fs::read_dir(&outside).expect("it is there").count(), 0);
    let mut it = recipe();
    it.fields.clear();
    let kept = place.make(&it, build);
    assert!(matches!(&kept, Kept::Not { reason, .. } if reason == "leaves-project"), "{kept:?}");
}

#[test]
fn an_output_that_links_out_of_the_project_is_not_kept() {
    for target in ["/etc/hostname", "../../outside", "/nowhere"] {
        let place = Place::new();
        let kept = place.make(&recipe(), |place| place.link(target, "out/link"));
        assert!(matches!(&kept, Kept::Not { reason, .. } if reason == "leaves-project"), "{kept:?}");
    }
}

#[test]
fn extra_files_stay_unless_the_folder_is_to_be_exact() {
    let place = Place::new();
    place.made(&recipe(), build);
    place.write("out/extra/deep/x", "x");
    place.write("out/extra.o", "x");
    assert_eq!(place.hit(&recipe()).restored, 0);
    assert_eq!(place.read("out/extra.o"), "x");
    let exact = Recipe { outputs_exact: true, ..recipe() };
    place.hit(&exact);
    let mut left: Vec<_> =
        fs::read_dir(place.at("out")).expect("it is there").flatten().map(|it| it.file_name()).collect();
    left.sort();
    assert_eq!(left, ["a.o", "b.o"]);
    none_is_left_over(&place);
}

#[test]
fn what_is_no_result_is_not_kept() {
    let place = Place::new();
    let kept = place.make(&recipe(), |_| {});
    assert!(matches!(&kept, Kept::Not { reason, .. } if reason == "no-outputs"), "{kept:?}");
    let kept = place.make(&Recipe { max_size: Some(10), ..recipe() }, build);
    assert!(matches!(&kept, Kept::Not { reason, .. } if reason == "too-large"), "{kept:?}");
    let kept = place.job().keep(unit(0), record(), &[]);
    assert!(matches!(&kept, Kept::Not { reason, .. } if reason == "not-looked"), "{kept:?}");
    let pure = Recipe { outputs: Vec::new(), ..recipe() };
    place.made(&pure, |_| {});
    assert_eq!(place.hit(&pure).files, 0);
}

#[test]
fn logs_come_into_the_folder_of_the_job_that_asks() {
    let place = Place::new();
    let job = place.job();
    miss(job.look(unit(9), &recipe()));
    build(&place);
    fs::create_dir_all(job.folder().join("logs")).expect("a folder");
    fs::write(job.folder().join("logs/9.3.0.2"), "hello\n").expect("a log");
    fs::write(job.folder().join("logs/9.3.0.2.idx"), "index").expect("an index");
    let mut kept = record();
    kept.steps[0].end.log_bytes = 6;
    let logs = [(0, "logs/9.3.0.2".to_owned()), (1, "logs/9.3.1.1".to_owned())];
    assert!(matches!(job.keep(unit(9), kept, &logs), Kept::Stored { .. }));
    drop(job);
    let mut next = place.opening();
    next.job_dir = place.state().join("jobs/2");
    fs::create_dir_all(&next.job_dir).expect("a folder");
    let job = place.job_with(next);
    hit(job.look(unit(4), &recipe()));
    let log =
        |ending: &str| fs::read_to_string(job.folder().join(format!("logs/4.1.0.1{ending}"))).expect("a log");
    assert_eq!((log(""), log(".idx")), ("hello\n".to_owned(), "index".to_owned()));
    let step = crate::logic::cache::Unit { cell: 5, run: 2, step: Some(7) };
    let replayed = hit(job.look(step, &recipe())).record.steps[0].end.key;
    assert_eq!((replayed.cell, replayed.run, replayed.step, replayed.attempt), (5, 2, 7, 1));
    assert_eq!(fs::read_to_string(job.folder().join("logs/5.2.7.1")).expect("a log"), "hello\n");
}

/// A restore of the only entry was cut off, in which files were to be put back that had been like that.
fn cut_off(place: &Place, before: &[(&str, Option<Stamp>)]) -> Db {
    let db = Db::open(&place.state().join("cache")).expect("it opens");
    let id: i64 = db.connection.query_row("SELECT id FROM entries", [], |row| row.get(0)).expect("one");
    let before: Vec<(Bytes, Option<Stamp>)> =
        before.iter().map(|(path, stamp)| (Bytes(path.as_bytes().to_vec()), *stamp)).collect();
    db.restoring(id, &rmp_serde::to_vec(&before).expect("it is plain")).expect("it is written");
    db
}

fn stamp(place: &Place, path: &str) -> Option<Stamp> {
    stat_at(rustix::fs::CWD, place.at(path)).expect("it is readable").map(|it| it.stamp)
}

/// Something that has nothing to do with `recipe`.
fn other() -> Recipe {
    Recipe {
        name: "other".to_owned(),
        inputs: crate::logic::cache::Inputs::Globs(Vec::new()),
        outputs: Vec::new(),
        ..recipe()
    }
}

#[test]
fn an_entry_that_was_being_restored_is_restored_to_the_end() {
    let place = Place::new();
    place.made(&recipe(), build);
    fs::remove_file(place.at("out/b.o")).expect("it is there");
    place.write("out/a.o", "as it was before");
    let db = cut_off(&place, &[("out/a.o", stamp(&place, "out/a.o")), ("out/b.o", None)]);
    let miss = place.miss(&other());
    assert_eq!((place.read("out/a.o"), place.read("out/b.o")), ("object a".into(), "object b".into()));
    assert!(db.unfinished().expect("it is read").is_empty());
    assert!(miss.notes.is_empty(), "{:?}", miss.notes);
}

#[test]
fn what_was_changed_since_a_restore_was_cut_off_is_left_alone_and_told() {
    type Change = (&'static str, fn(&Place));
    let changes: [Change; 4] = [
        ("out/a.o", |place| place.write("out/a.o", "by a person")),
        ("out/a.o", |place| fs::remove_file(place.at("out/a.o")).expect("it is there")),
        ("out/b.o", |place| place.write("out/b.o", "by a person")),
        // It was equal, and so not to be restored.
        ("out/c.o", |place| fs::remove_file(place.at("out/c.o")).expect("it is there")),
    ];
    for (path, change) in changes {
        let place = Place::new();
        place.made(&recipe(), |place| {
            build(place);
            place.write("out/c.o", "object c");
        });
        fs::remove_file(place.at("out/b.o")).expect("it is there");
        place.write("out/a.o", "as it was before");
        let db = cut_off(&place, &[("out/a.o", stamp(&place, "out/a.o")), ("out/b.o", None)]);
        change(&place);
        let found = fs::read(place.at(path)).ok();
        let notes = place.miss(&other()).notes;
        assert_eq!(fs::read(place.at(path)).ok(), found, "{path}");
        assert!(notes.len() == 1 && notes[0].contains(&format!("`{path}`")), "{path}: {notes:?}");
        let rest = if path == "out/b.o" { "out/a.o" } else { "out/b.o" };
        assert!(place.read(rest).starts_with("object"), "{rest} is restored");
        assert!(db.unfinished().expect("it is read").is_empty());
    }
}

#[test]
fn what_was_changed_since_a_restore_was_cut_off_is_told_once_where_that_result_is_taken() {
    let place = Place::new();
    place.made(&recipe(), build);
    fs::remove_file(place.at("out/b.o")).expect("it is there");
    place.write("out/a.o", "as it was before");
    cut_off(&place, &[("out/a.o", stamp(&place, "out/a.o")), ("out/b.o", None)]);
    place.write("out/a.o", "by a person");
    let notes = place.hit(&recipe()).notes;
    assert!(
        notes.len() == 1 && notes[0].contains("moved to `.sortie/jobs/1/replaced`: `out/a.o`"),
        "{notes:?}"
    );
    assert_eq!(place.read(".sortie/jobs/1/replaced/out/a.o"), "by a person");
    assert_eq!(place.read("out/a.o"), "object a");
}

#[test]
fn unfinished_files_of_the_dead_go_and_those_of_the_living_stay() {
    let place = Place::new();
    place.miss(&other());
    let (dead, living) =
        (Shelf::open(&place.state()).expect("it opens"), Shelf::open(&place.state()).expect("it opens"));
    // In one folder or the other, as each of these threads comes to one.
    let in_threads = |shelf: &Shelf| -> [PathBuf; 4] {
        std::array::from_fn(|_| {
            std::thread::scope(|scope| scope.spawn(|| shelf.new_path()).join().expect("it only counts"))
        })
    };
    let (gone, stays) = (in_threads(&dead), living.new_path());
    assert!(gone.iter().any(|path| path.parent() != gone[0].parent()));
    for path in gone.iter().chain([&stays]) {
        fs::write(path, "half").expect("it is ours");
    }
    let kept = dead.die();
    place.miss(&other());
    assert!(!gone.iter().any(|path| path.exists()) && !kept.exists() && stays.exists());
    fs::remove_file(stays).expect("it is there");
    drop(living);
    none_is_left_over(&place);
}

#[test]
fn what_no_result_had_is_moved_aside_and_what_others_had_is_removed_and_told() {
    let place = Place::new();
    let exact = Recipe { outputs_exact: true, ..recipe() };
    place.made(&exact, build);
    let second = Recipe { fields: Vec::new(), ..exact.clone() };
    place.made(&second, |place| {
        place.write("out/a.o", "another a");
        place.write("out/c.o", "object c");
    });
    let hit = place.hit(&exact);
    assert_eq!(hit.notes.len(), 1, "{:?}", hit.notes);
    assert!(
        hit.notes[0].contains("1 file of other results") && hit.notes[0].contains("`out/c.o`"),
        "{:?}",
        hit.notes
    );
    assert!(!place.at("out/c.o").exists());
    place.write("out/a.o", "edited");
    place.write("out/deep/mine", "mine");
    let hit = place.hit(&exact);
    assert_eq!(hit.notes.len(), 1, "{:?}", hit.notes);
    assert!(hit.notes[0].contains("`.sortie/jobs/1/replaced`"), "{:?}", hit.notes);
    assert_eq!(place.read("out/a.o"), "object a");
    let aside = |path: &str| place.read(&format!(".sortie/jobs/1/replaced/{path}"));
    assert_eq!((aside("out/a.o"), aside("out/deep/mine")), ("edited".into(), "mine".into()));
    place.write("out/a.o", "edited again");
    place.hit(&exact);
    assert_eq!((aside("out/a.o"), aside("out/a.o.1")), ("edited".into(), "edited again".into()));
    assert!(place.hit(&exact).notes.is_empty(), "nothing was done");
    none_is_left_over(&place);
}

#[test]
fn what_cannot_be_moved_aside_is_told_with_the_place_where_it_is() {
    let place = Place::new();
    place.made(&recipe(), build);
    place.write("out/a.o", "by a person");
    // Where the folder would be that it goes to.
    place.write(".sortie/jobs/1/replaced", "in the way");
    let notes = place.hit(&recipe()).notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("what was in the place of `out/a.o` could not be moved to `"), "{notes:?}");
    let at = notes[0].split("and is `").nth(1).and_then(|it| it.split('`').next()).expect("a path");
    assert_eq!(fs::read_to_string(at).expect("it is there"), "by a person");
    assert_eq!(place.read("out/a.o"), "object a");
}
