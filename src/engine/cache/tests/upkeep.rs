//! Looking after what is kept.

use std::fs;

use super::super::db::Db;
use super::{Place, build, field, recipe};
use crate::engine::Project;
use crate::engine::clock;
use crate::engine::upkeep::{CacheLimits, cached, clear_cache, made_of, prune_cache, verify_cache};
use crate::logic::cache::Recipe;

fn project(place: &Place) -> Project {
    Project::new(place.root(), place.state())
}

fn other() -> Recipe {
    let mut it = recipe();
    it.name = "p: other".to_owned();
    it.fields.push(field("env X", Some("1")));
    it
}

fn large(place: &Place) {
    build(place);
    place.write("out/large", &"x".repeat(50_000));
}

/// Says that an entry was last used so many days ago.
fn age(place: &Place, name: &str, days: i64) {
    let db = Db::open(&place.state().join("cache")).expect("it opens");
    let found = cached(&project(place)).expect("it is read");
    let made = found.iter().find(|it| it.name == name).expect("it is there");
    let key = &made.key[..16];
    let bytes: Vec<u8> =
        (0..8).map(|at| u8::from_str_radix(&key[at * 2..at * 2 + 2], 16).expect("hex")).collect();
    let id = i64::from_le_bytes(bytes.try_into().expect("eight"));
    let used = clock::now().0 / 1_000_000 - days * 24 * 3600;
    let sql = "UPDATE uses SET used = ?1 WHERE rowid = (SELECT rowid FROM entries WHERE id = ?2)";
    assert_eq!(db.connection.execute(sql, [used, id]).expect("it is ours"), 1);
}

#[test]
fn nothing_is_made_where_there_is_nothing() {
    let place = Place::new();
    let it = project(&place);
    assert!(cached(&it).expect("it is read").is_empty());
    assert_eq!(verify_cache(&it, false, &mut |finding| panic!("{finding}")).expect("it is read").results, 0);
    assert_eq!(prune_cache(&it, CacheLimits::default(), clock::now(), false).expect("it is read").kept, 0);
    assert_eq!(clear_cache(&it).expect("nothing stays"), 0);
    assert!(!place.state().exists());
}

#[test]
fn results_are_listed_with_what_they_are() {
    let place = Place::new();
    place.made(&recipe(), build);
    place.made(&other(), large);
    age(&place, "p: other", 1);
    let found = cached(&project(&place)).expect("it is read");
    let names: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.files, it.bytes, it.made_by)).collect();
    assert_eq!(names, [("p: build", 2, 16, 1), ("p: other", 3, 50_016, 1)]);
    let parts = made_of(&project(&place), "p: other").expect("it is read").expect("it is there");
    assert!(parts.0.contains(&("env X".to_owned(), Some("1".to_owned()))), "{parts:?}");
    assert_eq!(made_of(&project(&place), "p: nobody").expect("it is read"), None);
}

#[test]
fn what_was_not_used_for_long_goes_with_its_files() {
    let place = Place::new();
    place.made(&recipe(), build);
    place.made(&other(), large);
    age(&place, "p: other", 8);
    let it = project(&place);
    let blobs = || {
        walkdir::WalkDir::new(place.state().join("cache/blobs"))
            .into_iter()
            .flatten()
            .filter(|it| it.file_type().is_file())
            .count()
    };
    let would = prune_cache(&it, CacheLimits::default(), clock::now(), true).expect("it is read");
    assert_eq!((would.gone.len(), would.kept, blobs()), (1, 1, 1));
    assert!(would.freed > 50_000, "{would:?}");
    let done = prune_cache(&it, CacheLimits::default(), clock::now(), false).expect("it is written");
    assert_eq!((done.gone.len(), done.gone[0].0.name.as_str(), blobs()), (1, "p: other", 0));
    assert_eq!(made_of(&it, "p: other").expect("it is read"), None);
    place.hit(&recipe());
    place.miss(&other());
}

#[test]
fn the_longest_unused_go_first_where_there_are_too_many_bytes() {
    let place = Place::new();
    place.made(&recipe(), build);
    place.made(&other(), large);
    age(&place, "p: build", 2);
    age(&place, "p: other", 1);
    let all = CacheLimits { bytes: None, unused: None };
    let all = prune_cache(&project(&place), all, clock::now(), true).expect("it is read").in_use;
    let limits = CacheLimits { bytes: Some(all - 1), unused: None };
    let done = prune_cache(&project(&place), limits, clock::now(), false).expect("it is written");
    assert_eq!((done.gone.len(), done.gone[0].0.name.as_str(), done.kept), (1, "p: build", 1));
    assert!(done.in_use < all && done.in_use > 50_000, "{done:?}");
    place.hit(&other());
}

#[test]
fn a_hit_counts_as_a_use() {
    let place = Place::new();
    place.made(&recipe(), build);
    age(&place, "p: build", 8);
    place.hit(&recipe());
    let done =
        prune_cache(&project(&place), CacheLimits::default(), clock::now(), false).expect("it is written");
    assert_eq!((done.gone.len(), done.kept), (0, 1));
}

#[test]
fn damage_is_told_and_removed_on_request() {
    let place = Place::new();
    place.made(&recipe(), build);
    place.made(&other(), large);
    let it = project(&place);
    let verify = |repair| {
        let mut told = Vec::new();
        let seen = verify_cache(&it, repair, &mut |finding| told.push(finding)).expect("it is read");
        assert_eq!(seen.findings, told.len());
        told
    };
    assert!(verify(false).is_empty());
    let blob = walkdir::WalkDir::new(place.state().join("cache/blobs"))
        .into_iter()
        .flatten()
        .find(|it| it.file_type().is_file())
        .expect("one");
    fs::write(blob.path(), "x".repeat(49_999) + "y").expect("it is ours");
    let db = Db::open(&place.state().join("cache")).expect("it opens");
    db.connection
        .execute("UPDATE entries SET body = zeroblob(100) WHERE length(body) = (SELECT min(length(body)) FROM entries)", [])
        .expect("it is ours");
    let told = verify(false);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().any(|it| it.starts_with("p: other: its file `blobs/")), "{told:?}");
    assert_eq!(verify(true).len(), 2);
    assert!(verify(false).is_empty());
    assert_eq!(cached(&it).expect("it is read").len(), 0);
}

#[test]
fn all_goes_at_once_and_a_job_at_work_goes_on() {
    let place = Place::new();
    place.made(&recipe(), large);
    let job = place.job();
    super::hit(job.look(super::unit(0), &recipe()));
    assert!(clear_cache(&project(&place)).expect("nothing stays") > 50_000);
    assert!(cached(&project(&place)).expect("it is read").is_empty());
    assert_eq!(super::miss(job.look(super::unit(1), &recipe())).reason, "new");
    large(&place);
    let kept = job.keep(super::unit(1), super::record(), &[]);
    assert!(matches!(kept, crate::logic::cache::Kept::Stored { .. }), "{kept:?}");
    drop(job);
    place.hit(&recipe());
}

#[test]
fn the_end_of_a_job_removes_what_is_old_once_a_day() {
    let place = Place::new();
    place.made(&recipe(), build);
    place.made(&other(), build);
    age(&place, "p: other", 8);
    place.hit(&recipe());
    assert_eq!(cached(&project(&place)).expect("it is read").len(), 2, "the day is not over");
    let db = Db::open(&place.state().join("cache")).expect("it opens");
    db.pruned(clock::now().0 / 1_000_000 - 25 * 3600).expect("it is ours");
    place.hit(&recipe());
    assert_eq!(cached(&project(&place)).expect("it is read").len(), 1);
}
