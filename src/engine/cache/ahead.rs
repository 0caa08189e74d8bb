//! What is read of the store of results before it is known what will be asked for: while the playbook is read.
//!
//! A playbook mostly takes what it took the last time. So each one has a list of those entries (`list.rs`), which is read at
//! once. That is a guess which costs nothing where it is wrong: whoever finds no entry here reads it in the database, and
//! nothing is restored of one that is not there any more.

use std::collections::HashMap;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use blake3::Hash;

use super::db::Db;
use super::entry::Entry;
use super::list::List;
use super::look::first_bytes;
use super::stat::Stamp;
use crate::logic::cache::Record;

/// For so long what was read is believed: what is looked for later may be known better by then.
const FRESH: Duration = Duration::from_secs(2);

/// A thread that reads.
#[derive(Debug)]
pub(in crate::engine) struct Ahead {
    thread: JoinHandle<Option<Ready>>,
    whose: i64,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) db: Db,
    /// For the second thread.
    pub(super) second: Option<Db>,
    pub(super) memo: Vec<(Stamp, Hash)>,
    /// There may be more in the store.
    pub(super) is_part: bool,
    pub(super) early: Early,
    pub(super) list: List,
}

/// Entries that were read, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Early {
    entries: HashMap<i64, Box<Read>>,
    /// When they were read.
    at: Option<Instant>,
}

/// An entry that was read, and what is replayed of it.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) entry: Entry,
    pub(super) record: Record,
}

impl Ahead {
    /// Begins to read for a playbook; nothing if no result was kept so far, or there is no thread.
    pub(in crate::engine) fn begin(state: &Path, playbook: &Path) -> Option<Self> {
        let folder = state.join("cache");
        if !super::db::path_in(&folder).is_file() {
            return None;
        }
        let whose = first_bytes(&blake3::hash(playbook.as_os_str().as_encoded_bytes()));
        let thread = std::thread::Builder::new().name("ahead".to_owned());
        Some(Self { thread: thread.spawn(move || read(&folder, whose)).ok()?, whose })
    }

    /// Returns what was read, if all is as it should be, and the number of the list.
    pub(super) fn end(self) -> (Option<Ready>, i64) {
        // A panic of it was told when it happened; everything is read in the usual way then.
        (self.thread.join().ok().flatten(), self.whose)
    }
}

fn read(folder: &Path, whose: i64) -> Option<Ready> {
    // What goes wrong here goes wrong again when it is read in earnest, and is told there.
    let db = Db::open(folder).ok()?;
    let mut list = List::read(&db, whose).ok()?;
    let mut early = Early { entries: HashMap::with_capacity(list.ids().len()), at: Some(Instant::now()) };
    let entries = list.take_entries();
    let is_part = list.is_current;
    for (id, bytes) in &entries {
        early.add(*id, &bytes.0);
    }
    if !is_part {
        for (id, stored) in db.entries(list.ids(), false).ok()? {
            early.add(id, &stored.entry);
        }
    }
    let memo = if is_part { list.take_memo() } else { db.memo().ok()? };
    let second = if list.ids().is_empty() { None } else { Db::open(folder).ok() };
    Some(Ready { db, second, memo, is_part, early, list })
}

impl Early {
    fn add(&mut self, id: i64, bytes: &[u8]) {
        let Ok(entry) = Entry::read(bytes) else { return };
        let Ok(record) = entry.record() else { return };
        self.entries.insert(id, Box::new(Read { entry, record }));
    }

    /// Returns an entry that was read a moment ago, once.
    pub(super) fn take(&mut self, id: i64) -> Option<Box<Read>> {
        if self.at.is_some_and(|at| at.elapsed() > FRESH) {
            *self = Self::default();
        }
        self.entries.remove(&id)
    }
}
