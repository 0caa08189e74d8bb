//! What the syncer does to the log of the database.

use tempfile::TempDir;

use super::super::Store;
use crate::engine::Project;

#[test]
fn a_log_that_was_copied_begins_anew_and_nothing_is_lost() {
    let dir = TempDir::new().unwrap();
    let project = Project { root: dir.path().to_path_buf(), state: dir.path().join(".sortie") };
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
