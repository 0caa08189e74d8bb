//! A store that is not what was written never gives a wrong result, and never stops a job.

use std::fs;
use std::path::PathBuf;

use super::super::db::{Db, path_in};
use super::{Place, build, recipe};
use crate::logic::cache::{Kept, Recipe};

fn large(place: &Place) {
    place.write("out/large", &"x".repeat(50_000));
}

/// The one file of the store that holds bytes.
fn blob(place: &Place) -> PathBuf {
    let all: Vec<_> = walkdir::WalkDir::new(place.state().join("cache/blobs"))
        .into_iter()
        .flatten()
        .filter(|it| it.file_type().is_file())
        .map(|it| it.path().to_path_buf())
        .collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

fn db(place: &Place) -> Db {
    Db::open(&place.state().join("cache")).expect("it opens")
}

#[test]
fn a_file_of_the_store_that_is_cut_gone_or_flipped_is_found_now() {
    let harms: [fn(PathBuf); 3] = [
        |path| {
            fs::File::options().write(true).open(path).and_then(|it| it.set_len(49_999)).expect("it is ours")
        },
        |path| fs::remove_file(path).expect("it is there"),
        |path| {
            let mut bytes = fs::read(&path).expect("it is there");
            bytes[40_000] ^= 1;
            fs::write(path, bytes).expect("it is ours");
        },
    ];
    for harm in harms {
        for is_deleted in [true, false] {
            let place = Place::new();
            place.made(&recipe(), large);
            place.hit(&recipe());
            harm(blob(&place));
            if is_deleted {
                fs::remove_file(place.at("out/large")).expect("it is there");
            }
            assert_eq!(place.miss(&recipe()).reason, "result-damaged");
            assert_eq!(place.at("out/large").exists(), !is_deleted);
            assert_ne!(place.miss(&recipe()).reason, "result-damaged", "the row is gone");
            place.made(&recipe(), large);
            fs::remove_file(place.at("out/large")).expect("it is there");
            place.hit(&recipe());
            assert_eq!(place.read("out/large").len(), 50_000);
        }
    }
}

#[test]
fn a_flipped_bit_in_an_entry_is_found() {
    let place = Place::new();
    place.made(&recipe(), build);
    let db = db(&place);
    let mut body: Vec<u8> =
        db.connection.query_row("SELECT body FROM entries", [], |row| row.get(0)).expect("one");
    let middle = body.len() / 2;
    body[middle] ^= 1;
    db.connection.execute("UPDATE entries SET body = ?1", [body]).expect("it is ours");
    assert_eq!(place.miss(&recipe()).reason, "result-damaged");
    let count: i64 =
        db.connection.query_row("SELECT count(*) FROM entries", [], |row| row.get(0)).expect("a number");
    assert_eq!(count, 0);
}

#[test]
fn flipped_bits_in_small_files_are_found_where_these_are_needed() {
    let place = Place::new();
    place.made(&recipe(), build);
    let db = db(&place);
    db.connection.execute("UPDATE insides SET body = zeroblob(length(body))", []).expect("it is ours");
    // What is there is still what was made.
    place.hit(&recipe());
    fs::remove_dir_all(place.at("out")).expect("it is there");
    assert_eq!(place.miss(&recipe()).reason, "result-damaged");
    let count: i64 =
        db.connection.query_row("SELECT count(*) FROM insides", [], |row| row.get(0)).expect("a number");
    assert_eq!(count, 0);
}

#[test]
fn a_removed_index_is_made_anew() {
    let place = Place::new();
    place.made(&recipe(), build);
    for ending in ["db", "db-wal", "db-shm"] {
        fs::remove_file(path_in(&place.state().join("cache")).with_extension(ending)).unwrap_or_default();
    }
    assert_eq!(place.miss(&recipe()).reason, "new");
    place.made(&recipe(), build);
    place.hit(&recipe());
}

#[test]
fn an_index_that_is_none_or_of_an_older_format_is_made_anew() {
    let harms: [fn(&Place); 3] = [
        |place| {
            let path = path_in(&place.state().join("cache"));
            fs::remove_file(path.with_extension("db-wal")).unwrap_or_default();
            fs::write(path, "this is not what was written".repeat(400)).expect("it is ours");
        },
        |place| db(place).connection.pragma_update(None, "user_version", -1).expect("it is ours"),
        |place| db(place).connection.execute_batch("DELETE FROM meta").expect("it is ours"),
    ];
    for harm in harms {
        let place = Place::new();
        place.made(&recipe(), build);
        harm(&place);
        let miss = place.miss(&recipe());
        assert_eq!((miss.reason.as_str(), miss.is_hopeless), ("new", false), "{miss:?}");
        place.made(&recipe(), build);
        place.hit(&recipe());
    }
}

#[test]
fn an_entry_of_an_older_format_is_passed_by() {
    let place = Place::new();
    place.made(&recipe(), build);
    let db = db(&place);
    let mut body: Vec<u8> =
        db.connection.query_row("SELECT body FROM entries", [], |row| row.get(0)).expect("one");
    body[3] = b'0';
    let end = body.len() - 32;
    let digest = *blake3::hash(&body[..end]).as_bytes();
    body[end..].copy_from_slice(&digest);
    db.connection.execute("UPDATE entries SET body = ?1", [body]).expect("it is ours");
    assert_eq!(place.miss(&recipe()).reason, "other-format");
}

#[test]
fn a_store_of_a_newer_format_is_left_alone_and_jobs_go_on() {
    let place = Place::new();
    place.made(&recipe(), build);
    db(&place).connection.pragma_update(None, "user_version", 99).expect("it is ours");
    let miss = place.miss(&recipe());
    assert_eq!((miss.reason.as_str(), miss.is_hopeless), ("no-store", true));
    assert!(miss.message.contains("newer"), "{}", miss.message);
    let version: i64 = rusqlite::Connection::open(path_in(&place.state().join("cache")))
        .and_then(|it| it.query_row("PRAGMA user_version", [], |row| row.get(0)))
        .expect("it opens");
    assert_eq!(version, 99);
}

#[test]
fn a_folder_that_cannot_be_made_stops_no_job() {
    let place = Place::new();
    place.write(".sortie/cache", "a file where the folder goes");
    let miss = place.miss(&recipe());
    assert_eq!((miss.reason.as_str(), miss.is_hopeless), ("no-store", true));
    assert!(miss.message.contains("cache"), "{}", miss.message);
}

#[test]
fn what_is_remembered_of_a_file_is_not_believed_when_it_is_damaged() {
    let place = Place::new();
    place.made(&recipe(), build);
    // Until all files were read a tick after their last change.
    let db = db(&place);
    let count = |db: &Db| db.memo().expect("it is read").len();
    while count(&db) < 2 {
        place.hit(&recipe());
    }
    db.connection.execute("UPDATE memo SET state = zeroblob(80)", []).expect("it is ours");
    assert_eq!(count(&db), 0);
    place.hit(&recipe());
    place.write("src/a.c", "int x;");
    place.miss(&recipe());
}

#[test]
fn a_result_is_made_again_where_only_its_row_is_left() {
    let place = Place::new();
    place.made(&recipe(), build);
    db(&place).connection.execute("DELETE FROM entries", []).expect("it is ours");
    let miss = place.miss(&recipe());
    assert_eq!((miss.reason.as_str(), miss.differed.len()), ("evicted", 0), "{miss:?}");
    let kept = place.make(&Recipe { name: "q".to_owned(), ..recipe() }, build);
    assert!(matches!(kept, Kept::Stored { .. }));
}
