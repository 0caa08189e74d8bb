//! A store of an older version, lifted, has the same tables as a new one.

use rusqlite::Connection;
use tempfile::TempDir;

use super::VERSION;
use crate::engine::Project;
use crate::engine::store::Store;

/// The tables of version 1, as they were.
const FIRST: &str = "
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, playbook TEXT NOT NULL,
  source TEXT NOT NULL, request TEXT NOT NULL, facts TEXT NOT NULL, actor TEXT NOT NULL, parent TEXT,
  state TEXT NOT NULL, outcome TEXT, created INTEGER NOT NULL, finished INTEGER, epoch INTEGER NOT NULL,
  owner_pid INTEGER, owner_start INTEGER, owner_boot TEXT
);
CREATE TABLE events (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL);
PRAGMA user_version = 1;
";

fn project() -> (TempDir, Project) {
    let dir = TempDir::new().unwrap();
    let project = Project { root: dir.path().to_path_buf(), state: dir.path().join(".sortie") };
    Store::prepare(&project).unwrap();
    (dir, project)
}

/// Columns with their types and defaults, and indexes with their columns.
fn shape(connection: &Connection) -> Vec<String> {
    let list = |query: &str| -> Vec<String> {
        let mut statement = connection.prepare(query).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut shape = list(
        "SELECT m.type || ' ' || m.name || ': ' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || c.pk \
         || ' ' || coalesce(c.dflt_value, '-') FROM sqlite_master m, pragma_table_info(m.name) c ORDER BY 1",
    );
    shape.extend(list(
        "SELECT m.name || ' of ' || m.tbl_name || ': ' || i.name FROM sqlite_master m, pragma_index_info(m.name) i \
         ORDER BY 1",
    ));
    shape
}

#[test]
fn an_old_store_is_lifted_to_what_a_new_one_is() {
    let (_dir, old) = project();
    let connection = Connection::open(old.state.join("sortie.db")).unwrap();
    connection.execute_batch(FIRST).unwrap();
    drop(connection);
    let lifted = Store::open(&old).unwrap();
    let (_dir, new) = project();
    let new = Store::open(&new).unwrap();
    let version: i64 = lifted.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, VERSION);
    assert_eq!(shape(&lifted.connection), shape(&new.connection));
}
