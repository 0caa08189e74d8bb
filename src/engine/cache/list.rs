//! The list of a playbook: what it took of the store the last time, in one piece, so that it is read in one go.
//!
//! Nothing is believed of it that the store does not have: it carries the number of the state that the entries were in, and
//! every change of an entry, whoever makes it, gives that state another number.

use std::collections::HashSet;

use blake3::Hash;
use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};

use super::db::Db;
use super::entry::{Bytes, Digest};
use super::look::seconds;
use super::stat::Stamp;

/// So many entries are listed for a playbook.
const MOST: usize = 5_000;

/// A list is not larger than this, in bytes.
const MOST_BYTES: usize = 16 << 20;

/// Lists are written anew after so many seconds, and what they name counts as used then.
pub(super) const LASTS: i64 = 3600;

/// Entries change in one way or another, and lists that were written before are old. Triggers, so that nothing that writes
/// entries can forget to say so.
const STATE: &str = "
    CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, number INTEGER NOT NULL);
    INSERT OR IGNORE INTO state (id, number) VALUES (1, 1);
    CREATE TRIGGER IF NOT EXISTS entry_kept AFTER INSERT ON entries
        BEGIN UPDATE state SET number = number + 1; END;
    CREATE TRIGGER IF NOT EXISTS entry_changed AFTER UPDATE ON entries
        BEGIN UPDATE state SET number = number + 1; END;
    CREATE TRIGGER IF NOT EXISTS entry_removed AFTER DELETE ON entries
        BEGIN UPDATE state SET number = number + 1; END;";

/// What a playbook has taken the last time.
#[derive(Debug, Default)]
pub(super) struct List {
    body: Body,
    /// When it was written.
    at: i64,
    /// Nothing has changed since.
    pub(super) is_current: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Body {
    /// Of the entries in the store.
    state: i64,
    /// Sorted.
    ids: Vec<i64>,
    /// Their bytes, in the same order.
    entries: Vec<Bytes>,
    /// What is remembered of files that they are about.
    memo: Vec<(Stamp, Digest)>,
}

impl List {
    /// Reads the list with that number; an empty one if there is none, or it is not whole.
    ///
    /// # Errors
    /// What SQLite says.
    pub(super) fn read(db: &Db, whose: i64) -> rusqlite::Result<Self> {
        db.connection.prepare_cached("BEGIN")?.execute([])?;
        let read = db.list(whose).and_then(|row| Ok((row, state(db)?)));
        db.connection.prepare_cached("COMMIT")?.execute([])?;
        let (Some((at, bytes)), state) = read? else { return Ok(Self::default()) };
        let Some(body) = unpacked(&bytes) else { return Ok(Self::default()) };
        let is_current = state == Some(body.state);
        Ok(Self { body, at, is_current })
    }

    /// The entries it names.
    pub(super) fn ids(&self) -> &[i64] {
        &self.body.ids
    }

    /// The state of the entries that it was written in, if they are still in it.
    pub(super) fn state(&self) -> Option<i64> {
        self.is_current.then_some(self.body.state)
    }

    /// Takes the entries out, as the store has them: none if it has changed since.
    pub(super) fn take_entries(&mut self) -> Vec<(i64, Bytes)> {
        let entries = std::mem::take(&mut self.body.entries);
        if !self.is_current {
            return Vec::new();
        }
        self.body.ids.iter().copied().zip(entries).collect()
    }

    /// Takes out what was remembered of files, which is true whatever happened since.
    pub(super) fn take_memo(&mut self) -> Vec<(Stamp, Hash)> {
        std::mem::take(&mut self.body.memo).into_iter().map(|(stamp, digest)| (stamp, digest.0)).collect()
    }

    /// Returns the entries for which it was written down a moment ago that they are used.
    pub(super) fn noted(&self) -> HashSet<i64> {
        if self.is_young() { self.body.ids.iter().copied().collect() } else { HashSet::new() }
    }

    fn is_young(&self) -> bool {
        seconds().abs_diff(self.at) < LASTS.unsigned_abs()
    }

    /// Returns the entries of the list as it is to be written, unless it is this one. `is_enough` says that what it remembers of
    /// files was enough.
    pub(super) fn changed(&self, mut ids: Vec<i64>, is_enough: bool) -> Option<Vec<i64>> {
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(MOST);
        let is_this_one = self.is_current && is_enough && self.is_young() && ids == self.body.ids;
        (!(ids.is_empty() || is_this_one)).then_some(ids)
    }

    /// Writes the list anew: entries, and what is remembered of their files.
    ///
    /// # Errors
    /// What SQLite says.
    pub(super) fn renew(
        &self,
        db: &Db,
        whose: i64,
        ids: Vec<i64>,
        memo: Vec<(Stamp, Hash)>,
    ) -> rusqlite::Result<()> {
        // A young one keeps its time: that its entries are used was noted then, and not since.
        let at = if self.is_young() { self.at } else { seconds() };
        db.together(|db| {
            db.connection.execute_batch(STATE)?;
            let mut body = Body { state: state(db)?.unwrap_or_default(), ..Body::default() };
            // As they are now: others may have changed them meanwhile.
            for (id, entry) in ids.into_iter().map(|id| (id, db.entry(id))) {
                if let Some(entry) = entry? {
                    body.ids.push(id);
                    body.entries.push(Bytes(entry));
                }
            }
            body.memo = memo.into_iter().map(|(stamp, hash)| (stamp, Digest(hash))).collect();
            match packed(&body) {
                Some(bytes) => db.put_list(whose, &bytes, at),
                None => Ok(()),
            }
        })
    }
}

/// Returns the number of the state that entries are in; none if nobody counts.
pub(super) fn state(db: &Db) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name IN ('state', 'entry_kept', 'entry_changed', 'entry_removed')";
    let count: i64 = db.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    if count < 4 {
        return Ok(None);
    }
    db.connection.prepare_cached("SELECT number FROM state")?.query_row([], |row| row.get(0)).optional()
}

/// Its bytes, with a digest in front; none if they are too many.
fn packed(body: &Body) -> Option<Vec<u8>> {
    let body = postcard::to_stdvec(body).ok().filter(|body| body.len() <= MOST_BYTES)?;
    Some([blake3::hash(&body).as_bytes().as_slice(), &body].concat())
}

fn unpacked(bytes: &[u8]) -> Option<Body> {
    let (digest, body) = bytes.split_first_chunk::<32>()?;
    if blake3::hash(body).as_bytes() != digest {
        return None;
    }
    let body: Body = postcard::from_bytes(body).ok()?;
    (body.ids.len() == body.entries.len()).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memo() -> Vec<(Stamp, Hash)> {
        let stamp = Stamp { device: 1, inode: 2, size: 3, modified: -4, changed: 5 };
        vec![(stamp, blake3::hash(b"x"))]
    }

    /// Writes the list of 7, if it changed; says whether.
    fn renew(list: &List, db: &Db, ids: &[i64]) -> bool {
        let changed = list.changed(ids.to_vec(), true);
        changed.map(|ids| list.renew(db, 7, ids, memo()).expect("it is written")).is_some()
    }

    fn store() -> (tempfile::TempDir, Db) {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(folder.path()).expect("it is made");
        for id in [3, 5] {
            db.put_entry(id, format!("entry {id}").as_bytes(), b"", 0).expect("it is kept");
        }
        (folder, db)
    }

    #[test]
    fn a_list_is_believed_until_an_entry_changes() {
        let (_folder, db) = store();
        assert!(renew(&List::default(), &db, &[5, 3, 5, 99]));
        let mut list = List::read(&db, 7).expect("it is read");
        assert!(list.is_current);
        assert_eq!(list.ids(), [3, 5]);
        assert_eq!(list.noted(), HashSet::from([3, 5]));
        assert_eq!(list.take_entries(), [(3, Bytes(b"entry 3".to_vec())), (5, Bytes(b"entry 5".to_vec()))]);
        assert_eq!(list.take_memo(), memo());
        let changes: [&dyn Fn(); 4] = [
            &|| db.put_entry(9, b"another", b"", 0).expect("it is kept"),
            &|| db.put_entry(3, b"made anew", b"", 0).expect("it is kept"),
            &|| db.remove(5).expect("it goes"),
            &|| assert_eq!(db.connection.execute("UPDATE entries SET body = x'00'", []), Ok(2)),
        ];
        for (at, change) in changes.iter().enumerate() {
            change();
            let mut list = List::read(&db, 7).expect("it is read");
            assert!(!list.is_current, "change {at}");
            assert_eq!((list.take_entries(), list.ids().is_empty()), (Vec::new(), false), "change {at}");
            assert!(renew(&list, &db, &[3, 5]), "change {at}");
            assert!(List::read(&db, 7).expect("it is read").is_current, "change {at}");
        }
        assert_eq!(List::read(&db, 7).expect("it is read").ids(), [3]);
        db.clear().expect("it is emptied");
        assert!(List::read(&db, 7).expect("it is read").ids().is_empty());
    }

    #[test]
    fn a_list_is_written_where_it_changed_or_is_old() {
        let (_folder, db) = store();
        let written = || db.list(7).expect("it is read");
        assert!(!renew(&List::default(), &db, &[]));
        assert_eq!(written(), None);
        assert!(renew(&List::default(), &db, &[3, 5]));
        let first = written().expect("it is there");
        db.connection.execute("UPDATE lists SET at = at - 9", []).expect("it is ours");
        let list = List::read(&db, 7).expect("it is read");
        assert!(!renew(&list, &db, &[5, 3]));
        assert_eq!(list.changed(vec![3, 5], false), Some(vec![3, 5]), "what it remembers was not enough");
        assert_eq!(written().map(|it| it.0), Some(first.0 - 9));
        assert!(renew(&list, &db, &[5]));
        assert_eq!(written().map(|it| (it.0, it.1 == first.1)), Some((first.0 - 9, false)));
        db.connection.execute("UPDATE lists SET at = at - ?1", [LASTS]).expect("it is ours");
        let old = List::read(&db, 7).expect("it is read");
        assert!(old.noted().is_empty());
        assert!(renew(&old, &db, &[5]));
        assert!(written().is_some_and(|it| it.0 >= first.0));
    }

    #[test]
    fn one_that_is_not_whole_is_none() {
        let (_folder, db) = store();
        assert!(renew(&List::default(), &db, &[3, 5]));
        let (at, whole) = db.list(7).expect("it is read").expect("it is there");
        for byte in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[byte] ^= 1;
            db.put_list(7, &bytes, at).expect("it is written");
            assert!(List::read(&db, 7).expect("it is read").ids().is_empty(), "byte {byte}");
            db.put_list(7, &whole[..byte], at).expect("it is written");
            assert!(List::read(&db, 7).expect("it is read").ids().is_empty(), "{byte} bytes");
        }
    }
}
