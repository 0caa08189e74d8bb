//! A store of an older version, lifted, has the same tables as a new one.

use rusqlite::Connection;
use tempfile::TempDir;

use super::{LIFTS, VERSION, sources};
use crate::engine::Project;
use crate::engine::store::Store;
use crate::engine::store::journal::{key, read_events};
use crate::logic::job::event::Event;

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
    let project = Project::new(dir.path().to_path_buf(), dir.path().join(".sortie"));
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

#[test]
fn a_store_of_each_version_is_lifted_and_its_events_are_read() {
    for version in 1..VERSION {
        let (_dir, old) = project();
        let connection = Connection::open(old.state.join("sortie.db")).unwrap();
        connection.execute_batch(FIRST).unwrap();
        let lifts = &LIFTS[..usize::try_from(version).unwrap() - 1];
        // Texts of playbooks stood with each job at first.
        let (before, after) = lifts.split_at(lifts.len().min(6));
        before.iter().for_each(|lift| connection.execute_batch(lift).unwrap());
        let started = serde_json::to_string(&Event::JobStarted { attempt: 1, title: None }).unwrap();
        // Rows that events share were plain text at first.
        for (id, kind, body) in
            [(1, "job.started", started.clone()), (3, "gathered", format!("[{started},{started}]"))]
        {
            let row = "INSERT INTO events (id, time, type, body) VALUES (?1, 7, ?2, ?3)";
            connection.execute(row, rusqlite::params![key(1, id), kind, body]).unwrap();
        }
        for (id, source) in [("a", "name: x"), ("b", "name: y"), ("c", "name: x")] {
            let row = "INSERT INTO jobs (id, name, playbook, source, request, facts, actor, state, created, epoch) \
                       VALUES (?1, '', '', ?2, '', '', '', 'finished', 0, 1)";
            connection.execute(row, [id, source]).unwrap();
        }
        for (at, lift) in after.iter().enumerate() {
            let tx = connection.unchecked_transaction().unwrap();
            tx.execute_batch(lift).unwrap();
            if at == 0 {
                sources::lift(&tx).unwrap();
            }
            tx.commit().unwrap();
        }
        connection.pragma_update(None, "user_version", version).unwrap();
        drop(connection);
        let lifted = Store::open(&old).unwrap();
        let sources = ["a", "b", "c"].map(|id| lifted.job(id).unwrap().source);
        assert_eq!(sources, ["name: x", "name: y", "name: x"], "from {version}");
        let texts: u64 =
            lifted.connection.query_row("SELECT count(*) FROM sources", [], |row| row.get(0)).unwrap();
        assert_eq!(texts, 2, "from {version}");
        let now: i64 = lifted.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(now, VERSION, "from {version}");
        let (_dir, new) = project();
        assert_eq!(
            shape(&lifted.connection),
            shape(&Store::open(&new).unwrap().connection),
            "from {version}"
        );
        let events = read_events(&lifted.connection, 1, 0, 9).unwrap();
        assert_eq!(events.iter().map(|it| it.seq).collect::<Vec<_>>(), [1, 2, 3], "from {version}");
    }
}

#[test]
fn a_store_of_a_later_version_is_refused_as_newer() {
    let (_dir, project) = project();
    drop(Store::open(&project).unwrap());
    let connection = Connection::open(project.state.join("sortie.db")).unwrap();
    connection.pragma_update(None, "user_version", VERSION + 1).unwrap();
    drop(connection);
    let refused = Store::open(&project).err().unwrap();
    let said = format!("written by a newer sortie (format {}, this one reads up to {VERSION})", VERSION + 1);
    assert!(refused.message.contains(&said), "{}", refused.message);
}
