//! What is read of the store of results before it is known what will be asked for: while the playbook is read.
//!
//! A playbook mostly takes what it took the last time. So each one has a list of those entries (`list.rs`), which is read at
//! once. That is a guess which costs nothing where it is wrong: whoever finds no entry here reads it in the database, and
//! nothing is restored of one that is not there any more. Where the last job left a sheet (`scene.rs`), that comes first, and
//! the list is read only if the sheet is of no use.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use blake3::Hash;
use serde::{Deserialize, Serialize};

use super::Opening;
use super::db::Db;
use super::entry::Entry;
use super::list::List;
use super::look::first_bytes;
use super::scene::Scene;
use super::shelf::Shelf;
use super::stat::Stamp;
use super::worker::Places;
use crate::engine::apart::spawn_apart;
use crate::engine::store::Row;
use crate::engine::{Project, readings};
use crate::logic::cache::Record;
use crate::logic::job::event::Envelope;
use crate::logic::time::Timestamp;

/// For so long what was read is believed: what is looked for later may be known better by then.
const FRESH: Duration = Duration::from_secs(2);

/// A thread that reads.
pub(in crate::engine) struct Ahead {
    thread: JoinHandle<Option<Ready>>,
    /// The number of the playbook; none where nothing was kept before.
    whose: Option<i64>,
    /// What the last job that found everything has left behind, be it of any use or not.
    sheet: Receiver<Arc<Sheet>>,
    events: Receiver<Vec<Arc<Envelope>>>,
    /// Says what is to be done with that.
    next: Sender<Next>,
    /// Whether it is of use.
    is_so: Receiver<bool>,
}

/// What a job that found all of its results leaves to the next one like it.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::engine) struct Sheet {
    /// Of what was asked.
    pub(in crate::engine) asked: [u8; 32],
    /// What came of it: events as rows of the journal, the last of them alone.
    pub(in crate::engine) rows: Vec<Row>,
    pub(in crate::engine) scene: Scene,
}

/// What came of a job that asked the same.
#[derive(Debug)]
pub(in crate::engine) struct Same {
    /// From the first on. Their times are to be set.
    pub(in crate::engine) events: Vec<Arc<Envelope>>,
    /// The same as rows of the journal.
    pub(in crate::engine) sheet: Arc<Sheet>,
}

/// What two threads compare.
struct Comparing {
    places: Places,
    /// The next result that nobody has looked at.
    next: AtomicUsize,
}

/// What is to be done with a sheet.
enum Next {
    /// It is to be found out whether the scene is still the same: the store, and what of the files nobody has looked at.
    Compare(Arc<Comparing>),
    /// It is of no use: what else there is has to be read.
    Read,
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
    /// Says whether any result was kept so far.
    pub(in crate::engine) fn has_results(state: &Path) -> bool {
        super::db::path_in(&state.join("cache")).is_file()
    }

    /// Begins to read for a playbook, after that; nothing if there is no thread.
    pub(in crate::engine) fn begin(
        project: &Project,
        playbook: &Path,
        before: impl FnOnce() + Send + 'static,
    ) -> Option<Self> {
        let (root, folder) = (project.root.clone(), project.state.join("cache"));
        let whose = first_bytes(&blake3::hash(playbook.as_os_str().as_encoded_bytes()));
        let path = sheet_path(&folder, whose);
        let (tell_sheet, sheet) = mpsc::channel();
        let (tell_events, events) = mpsc::channel();
        let (tell_so, is_so) = mpsc::channel();
        let (next, told) = mpsc::channel();
        let body = move || {
            before();
            // What goes wrong here goes wrong again when it is read in earnest, and is told there.
            let db = Db::open(&folder).ok()?;
            // What is there to be read first is a guess; a sheet that is of no use is read for nothing.
            if let Some(sheet) = readings::sheet(&path).filter(|it| it.scene.is_likely(&root)) {
                let sheet = Arc::new(sheet);
                tell_sheet.send(Arc::clone(&sheet)).ok()?;
                let mut events = Vec::with_capacity(sheet.rows.iter().map(Row::len).sum());
                let (mut seq, time) = (0, Timestamp(0));
                for row in &sheet.rows {
                    row.each_event(&mut |event| {
                        seq += 1;
                        events.push(Arc::new(Envelope { seq, time, event }));
                    })
                    .ok()?;
                }
                tell_events.send(events).ok()?;
                // Nobody needs anything any more once there is nobody to say so.
                while let Next::Compare(it) = told.recv().ok()? {
                    let is_so = sheet.scene.is_store_so(&db, &it.places)
                        && sheet.scene.are_files_so(&it.places.root, &it.next);
                    drop(it);
                    tell_so.send(is_so).ok()?;
                }
            }
            drop((tell_sheet, tell_events, tell_so));
            read(&folder, db, whose)
        };
        let thread = spawn_apart("ahead", body).ok()?;
        Some(Self { thread, whose: Some(whose), sheet, events, next, is_so })
    }

    /// Begins to make a store of results where there is none, for a job that will need one; nothing if there is no thread.
    pub(in crate::engine) fn make(project: &Project) -> Option<Self> {
        let state = project.state.clone();
        let body = move || {
            // As above.
            let shelf = Shelf::open(&state).ok()?;
            let db = Db::open(&shelf.folder).ok()?;
            let second = Db::open(&shelf.folder).ok();
            let (early, list) = (Early::default(), List::default());
            Some(Ready { db, second, memo: Vec::new(), is_part: false, early, list })
        };
        let thread = spawn_apart("ahead", body).ok()?;
        let (_, sheet) = mpsc::channel();
        let (_, events) = mpsc::channel();
        let (_, is_so) = mpsc::channel();
        let (next, _) = mpsc::channel();
        Some(Self { thread, whose: None, sheet, events, next, is_so })
    }

    /// Where the sheet of the playbook is; none where nothing was kept before.
    pub(in crate::engine) fn path(&self, state: &Path) -> Option<PathBuf> {
        self.whose.map(|whose| sheet_path(&state.join("cache"), whose))
    }

    /// Says what came of the last job that asked the same, if everything is still as that job has seen it. After a no, the rest
    /// is read.
    pub(in crate::engine) fn same(
        &self,
        asked: &[u8; 32],
        opening: impl FnOnce() -> Opening,
    ) -> Option<Same> {
        let sheet = self.sheet.recv().ok()?;
        let same = if sheet.asked == *asked { self.compare(&sheet, opening()) } else { None };
        if same.is_none() {
            // If it has gone, nothing is read.
            let _told = self.next.send(Next::Read);
        }
        same
    }

    fn compare(&self, sheet: &Arc<Sheet>, opening: Opening) -> Option<Same> {
        let places = Places::open(&opening).ok()?;
        // Before anything is looked at, and once more at the end: what is compared may be half of something.
        if places.locks.is_anything_written() {
            return None;
        }
        // The job has not begun yet, so that nobody could tell it not to wait.
        let gate = places.shelf.shared_gate_if_free()?;
        let it = Arc::new(Comparing { places, next: AtomicUsize::new(0) });
        self.next.send(Next::Compare(Arc::clone(&it))).ok()?;
        let are_files_so = sheet.scene.are_files_so(&it.places.root, &it.next);
        let is_so = self.is_so.recv().ok()? && are_files_so;
        drop(gate);
        if !is_so || it.places.locks.is_anything_written() {
            return None;
        }
        Some(Same { events: self.events.recv().ok()?, sheet: Arc::clone(sheet) })
    }

    /// Returns what was read, if all is as it should be, and the number of the list if there may be one.
    pub(super) fn end(self) -> (Option<Ready>, Option<i64>) {
        let Self { thread, whose, next, .. } = self;
        // It may have been told before, and gone on.
        let _told = next.send(Next::Read);
        // A panic of it was told when it happened; everything is read in the usual way then.
        (thread.join().ok().flatten(), whose)
    }
}

fn sheet_path(folder: &Path, whose: i64) -> PathBuf {
    readings::folder(folder).join(format!("{:016x}.job", whose.cast_unsigned()))
}

fn read(folder: &Path, db: Db, whose: i64) -> Option<Ready> {
    let mut list = List::read(&db, whose).ok()?;
    let mut early = Early { entries: HashMap::with_capacity(list.ids().len()), at: Some(Instant::now()) };
    let entries = list.take_entries();
    let is_part = list.is_current;
    for (id, bytes) in &entries {
        early.add(*id, &bytes.0);
    }
    if !is_part {
        for (id, stored) in db.entries(list.ids(), false).ok()? {
            if let Some(stored) = stored {
                early.add(id, &stored.entry);
            }
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
