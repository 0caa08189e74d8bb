//! What the syncer does to the log of the database, and a store that another is making.

use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use super::super::Store;
use crate::engine::Project;

#[test]
fn a_log_that_was_copied_begins_anew_and_nothing_is_lost() {
    let dir = TempDir::new().unwrap();
    let project = Project::new(dir.path().to_path_buf(), dir.path().join(".sortie"));
    Store::prepare(&project).unwrap();
    let store = Store::open(&project).unwrap();
    store.connection.execute_batch("CREATE TABLE filler (text)").unwrap();
    let mut rows = 0;
    let mut fill = || {
        store.connection.execute("INSERT INTO filler VALUES (hex(zeroblob(10000)))", []).unwrap();
        rows += 1;
    };
    while store.disk.pages() <= 64 {
        fill();
    }
    let before = store.disk.pages();
    store.disk.shorten(before);
    fill();
    assert!(store.disk.pages() > before, "a log that is short enough is left alone");
    store.disk.shorten(64);
    fill();
    assert!(store.disk.pages() < 20, "{} pages", store.disk.pages());
    drop(store);
    let again = Store::open(&project).unwrap();
    let found: u32 = again.connection.query_row("SELECT count(*) FROM filler", [], |row| row.get(0)).unwrap();
    assert_eq!(found, rows);
}

#[test]
fn a_store_that_another_is_making_is_waited_for() {
    let dir = TempDir::new().unwrap();
    let project = Project::new(dir.path().to_path_buf(), dir.path().join(".sortie"));
    Store::prepare(&project).unwrap();
    let other = Connection::open(project.state.join("sortie.db")).unwrap();
    other.execute_batch("CREATE TABLE half_made (text); BEGIN IMMEDIATE").unwrap();
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || ended.send(Store::open(&project).map(drop)).unwrap());
        // While the other one writes to it, it cannot be made to keep a log.
        assert!(end.recv_timeout(Duration::from_millis(100)).is_err(), "it was not waited for");
        other.execute_batch("COMMIT").unwrap();
        end.recv().unwrap().unwrap();
    });
}
