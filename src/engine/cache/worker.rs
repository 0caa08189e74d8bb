//! The threads that answer, and what they share.
//!
//! The first one opens the store, waits for locks that others have, and reads young files again while there is nothing
//! else to do. The second one helps where many looks wait.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::ahead::{Ahead, Early};
use super::branch::Branches;
use super::db::{self, Db, Unusable};
use super::files::{Root, Trouble};
use super::keep::Keeping;
use super::known::Known;
use super::left::Left;
use super::list::List;
use super::locks::Locks;
use super::look::{Looking, Wanted};
use super::memo::Memo;
use super::scene::{Scene, Witness};
use super::shelf::Shelf;
use super::upkeep::prune_if_due;
use super::{Answer, Ask, Opening};
use crate::engine::machine;
use crate::logic::cache::pattern::Patterns;
use crate::logic::cache::{Inputs, Kept, Looked, Miss, OFF, Recipe, Unit};
use crate::logic::job::report::Report;

/// So many looks are answered at once.
const CHUNK: usize = 64;

/// With fewer looks waiting than this, one thread is quicker.
const WORTH_HELP: usize = 24;

/// Longest and shortest time between two looks at a lock that somebody else has.
pub(super) const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(50));

/// After this time the clock that marks files has moved on.
const TICK: Duration = Duration::from_millis(11);

/// So many young files are read before asks are looked at again.
const YOUNG: usize = 32;

/// The database was none, and another one has taken its place.
pub(super) const WAS_DAMAGED: &str = "the store of results was damaged, or of an older version, and has been made anew: nothing is \
                                      known of earlier results (`sortie cache verify` names the old one)";

/// The database cannot be read in parts.
pub(super) const IS_DAMAGED: &str =
    "the store of results is damaged; `sortie cache verify --repair` makes a new one";

/// What the threads share.
pub(super) struct Shared {
    pub(super) opening: Opening,
    answer: Answer,
    queue: Mutex<Queue>,
    first: Condvar,
    second: Condvar,
    /// Where things are; made by the first thread.
    places: OnceLock<Result<Places, Trouble>>,
    pub(super) memo: Memo,
    /// What was looked for and not found.
    pub(super) looked: Mutex<HashMap<Unit, Looking>>,
    /// What tools printed.
    pub(super) tools: Mutex<HashMap<blake3::Hash, Arc<Result<String, String>>>>,
    /// Patterns of outputs of everything that was asked for in this job.
    pub(super) declared: Mutex<Vec<Arc<Patterns>>>,
    pub(super) branches: OnceLock<Branches>,
    pub(super) known: Known,
    pub(super) left: Left,
    /// What is being read ahead.
    ahead: Mutex<Option<Ahead>>,
    /// What was read ahead and is not taken yet.
    pub(super) early: Mutex<Early>,
    /// A database that was opened ahead.
    second_db: Mutex<Option<Db>>,
    /// The list of the playbook, by its number.
    list: OnceLock<(i64, List)>,
    /// Entries for which it need not be noted that they are used.
    noted: OnceLock<HashSet<i64>>,
    /// Entries that this job took or made.
    pub(super) taken: Mutex<Vec<i64>>,
    /// So many looks were asked for and not answered yet.
    looks: AtomicUsize,
    /// Some of the answers were misses, since that was forgotten.
    pub(super) has_missed: AtomicBool,
    /// Results without outputs that were compared with the project.
    pub(super) bare: AtomicU32,
    /// Patterns that were warned of.
    pub(super) told: Mutex<HashSet<String>>,
    /// Who has worked, from when to when by the clock that marks files.
    pub(super) worked: Mutex<Vec<(String, i64, i64)>>,
    /// What the next answer tells besides.
    notes: Mutex<Vec<String>>,
    /// By how much the clock that marks files is ahead of the one that is looked at here, in nanoseconds: other than zero
    /// if the files are on another machine.
    clock_ahead: OnceLock<i64>,
    /// One writes to the database at a time.
    pub(super) writing: Mutex<()>,
    /// What whoever started the job should know of the store, each once.
    warnings: Mutex<BTreeSet<&'static str>>,
    /// Nobody answers.
    has_no_thread: AtomicBool,
    /// Of the store.
    secret: OnceLock<[u8; 32]>,
    /// What is seen, where somebody wants to know.
    pub(super) witness: Option<Mutex<Witness>>,
}

/// Where things are.
pub(super) struct Places {
    pub(super) root: Root,
    pub(super) shelf: Shelf,
    pub(super) locks: Locks,
}

#[derive(Default)]
struct Queue {
    asks: VecDeque<Ask>,
    waiting: Vec<Wanted>,
    /// Units that were dropped, perhaps while they were looked for.
    dropped: HashSet<Unit>,
    is_closing: bool,
}

/// What there is to do.
enum Work {
    Asks(Vec<Ask>),
    /// Somebody may have given locks back.
    Again(Vec<Wanted>),
    /// Nothing; the clock has moved on.
    Idle,
    Close,
}

/// One thread.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) db: Result<Db, Trouble>,
    /// Entries that were used, to be noted when there is time.
    pub(super) used: Vec<i64>,
}

/// Starts the threads.
pub(super) fn start(shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let spawn = |name: &str, body: fn(&Arc<Shared>)| {
        let shared = Arc::clone(shared);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || body(&shared))
    };
    let threads = [spawn("cache", run_first), spawn("cache-2", run_second)];
    // Without the second one it goes on more slowly; without the first one nothing is answered, so the asks are refused.
    if threads[0].is_err() {
        shared.refuse_all();
    }
    threads.into_iter().flatten().collect()
}

fn run_first(shared: &Arc<Shared>) {
    let opened = shared.open();
    let mut worker = Worker { shared: Arc::clone(shared), db: opened, used: Vec::new() };
    worker.finish();
    loop {
        match shared.next(worker.has_leisure()) {
            Work::Asks(asks) => worker.answer(asks),
            Work::Again(wanted) => worker.look(wanted),
            Work::Idle => worker.use_leisure(),
            Work::Close => break,
        }
    }
    worker.end();
}

fn run_second(shared: &Arc<Shared>) {
    let mut worker: Option<Worker> = None;
    while let Some(asks) = shared.next_looks() {
        let it = worker.get_or_insert_with(|| Worker {
            shared: Arc::clone(shared),
            db: shared.connect(),
            used: Vec::new(),
        });
        it.answer(asks);
    }
    if let Some(worker) = &mut worker {
        worker.note_uses();
    }
}

impl Shared {
    pub(super) fn new(opening: Opening, ahead: Option<Ahead>, answer: Answer) -> Self {
        Self {
            secret: OnceLock::new(),
            witness: opening.wants_scene.then(Mutex::default),
            opening,
            answer,
            queue: Mutex::default(),
            first: Condvar::new(),
            second: Condvar::new(),
            places: OnceLock::new(),
            memo: Memo::default(),
            looked: Mutex::default(),
            tools: Mutex::default(),
            declared: Mutex::default(),
            branches: OnceLock::new(),
            known: Known::default(),
            left: Left::default(),
            ahead: Mutex::new(ahead),
            early: Mutex::default(),
            second_db: Mutex::default(),
            list: OnceLock::new(),
            noted: OnceLock::new(),
            taken: Mutex::default(),
            looks: AtomicUsize::new(0),
            has_missed: AtomicBool::new(false),
            notes: Mutex::default(),
            bare: AtomicU32::new(0),
            told: Mutex::default(),
            worked: Mutex::default(),
            clock_ahead: OnceLock::new(),
            writing: Mutex::default(),
            warnings: Mutex::default(),
            has_no_thread: AtomicBool::new(false),
        }
    }

    pub(super) fn ask(&self, asks: Vec<Ask>) {
        let looks = asks.iter().filter(|it| matches!(it, Ask::Look { .. } | Ask::Lock { .. })).count();
        self.looks.fetch_add(looks, Ordering::Relaxed);
        if let (true, Some(Err(trouble))) = (self.has_no_thread.load(Ordering::Acquire), self.places.get()) {
            return self.tell(asks.into_iter().filter_map(|ask| refused(ask, trouble)).collect());
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        for ask in &asks {
            if let Ask::Look { unit, .. } | Ask::Lock { unit, .. } = ask {
                queue.dropped.remove(unit);
            }
        }
        queue.asks.extend(asks);
        let is_much = queue.asks.len() >= WORTH_HELP;
        drop(queue);
        self.first.notify_one();
        if is_much {
            self.second.notify_one();
        }
    }

    pub(super) fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).is_closing = true;
        self.first.notify_one();
        self.second.notify_one();
    }

    /// Tells answers.
    pub(super) fn tell(&self, reports: Vec<Report>) {
        if !reports.is_empty() {
            let looks = reports.iter().filter(|it| matches!(it, Report::Looked { .. })).count();
            let has_missed =
                reports.iter().any(|it| matches!(it, Report::Looked { looked: Looked::Miss(_), .. }));
            (self.answer)(reports);
            self.has_missed.fetch_or(has_missed, Ordering::Relaxed);
            self.looks.fetch_sub(looks, Ordering::Relaxed);
        }
    }

    /// How many looks are not answered yet. Those that were dropped count as well.
    pub(super) fn looking(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }

    /// Notes what people should know.
    pub(super) fn warn(&self, text: &'static str) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).insert(text);
    }

    /// Returns what was noted.
    pub(super) fn warnings(&self) -> Vec<&'static str> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// Takes note of something that people should know.
    pub(super) fn note(&self, text: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// Returns what people should know and nobody has told them yet.
    pub(super) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns by how much the clock that marks files is ahead, in nanoseconds.
    pub(super) fn ahead(&self, shelf: &Shelf) -> i64 {
        *self.clock_ahead.get_or_init(|| {
            let path = shelf.new_path();
            let before = super::stat::tick();
            let made = std::fs::File::create(&path).and_then(super::stat::stat_of);
            // What stays there is removed with the next pruning.
            let _removed = std::fs::remove_file(&path);
            let after = super::stat::now();
            // What lies between the two is as it should be.
            made.map_or(0, |it| it.stamp.changed - it.stamp.changed.clamp(before, after.max(before)))
        })
    }

    /// Returns what a job of so many hits has seen, if that was wanted, and is all that they came from.
    pub(super) fn scene(&self, hits: usize) -> Option<Scene> {
        let state = self.list.get()?.1.state()?;
        Witness::scene(self.witness.as_ref()?, hits, state, (self.secret.get()?, &self.memo))
    }

    /// Returns where things are, or why nothing can be looked for.
    ///
    /// # Errors
    /// What the first thread found.
    pub(super) fn places(&self) -> Result<&Places, Trouble> {
        let not_yet = || Trouble::new("no-store", "the store of results is not open");
        self.places.get().ok_or_else(not_yet)?.as_ref().map_err(Clone::clone)
    }

    /// Lets somebody wait until locks are free.
    pub(super) fn wait(&self, wanted: Wanted) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).waiting.push(wanted);
        // It is the first thread that tries again.
        self.first.notify_one();
    }

    /// Ends the waiting of a unit.
    fn stop_waiting(&self, unit: Unit) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.waiting.retain(|it| it.unit != unit);
        queue.dropped.insert(unit);
    }

    /// Says whether a unit was dropped while it was looked for, and gives up what was taken for it then.
    pub(super) fn was_dropped(&self, report: &Report) -> bool {
        let Report::Looked { unit, .. } = report else { return false };
        let is_dropped = self.queue.lock().unwrap_or_else(PoisonError::into_inner).dropped.contains(unit);
        if is_dropped {
            self.give_up(*unit);
        }
        is_dropped
    }

    /// Forgets what was found out about a unit, and frees its outputs.
    fn give_up(&self, unit: Unit) {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).remove(&unit);
        if let Ok(places) = self.places() {
            places.locks.give_back(&[unit]);
        }
    }

    fn next(&self, has_leisure: bool) -> Work {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(work) = queue.take() {
                if queue.asks.len() >= WORTH_HELP {
                    self.second.notify_one();
                }
                return work;
            }
            let pause = queue.waiting.iter().map(|it| it.pause).min();
            let least = [pause, has_leisure.then_some(TICK)].into_iter().flatten().min();
            let Some(least) = least else {
                queue = self.first.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let (held, timeout) =
                self.first.wait_timeout(queue, least).unwrap_or_else(PoisonError::into_inner);
            queue = held;
            if timeout.timed_out() && queue.asks.is_empty() && !queue.is_closing {
                if pause == Some(least) {
                    return Work::Again(queue.take_waiting());
                }
                return Work::Idle;
            }
        }
    }

    /// Waits until there are many looks, and takes some. None at the end.
    fn next_looks(&self) -> Option<Vec<Ask>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if queue.is_closing {
                return None;
            }
            if queue.asks.len() >= WORTH_HELP && self.places.get().is_some() {
                return Some(queue.take_chunk());
            }
            queue = self.second.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Opens everything.
    fn open(&self) -> Result<Db, Trouble> {
        let places = Places::open(&self.opening);
        let ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ready = ahead.and_then(|ahead| {
            let (mut ready, whose) = ahead.end();
            let list = ready.as_mut().map(|it| std::mem::take(&mut it.list)).unwrap_or_default();
            if let Some(whose) = whose {
                // Nobody else sets them.
                let _set = (self.noted.set(list.noted()), self.list.set((whose, list)));
            }
            ready
        });
        let (db, places) = match (places, ready) {
            (Ok(places), Some(ready)) => {
                let rest = ready.is_part.then(|| places.shelf.folder.clone());
                self.memo.load_part(ready.memo, rest);
                *self.second_db.lock().unwrap_or_else(PoisonError::into_inner) = ready.second;
                *self.early.lock().unwrap_or_else(PoisonError::into_inner) = ready.early;
                (Ok(ready.db), Ok(places))
            }
            (Ok(places), None) => match self.open_db(&places) {
                Ok(db) => {
                    // What cannot be read is read from the files themselves.
                    self.memo.load(db.memo().unwrap_or_default());
                    (Ok(db), Ok(places))
                }
                Err(trouble) => (Err(trouble.clone()), Err(trouble)),
            },
            (Err(trouble), _) => (Err(trouble.clone()), Err(trouble)),
        };
        if let Ok(db) = &db {
            // Nobody else sets it.
            let _set = self.secret.set(db.secret);
        }
        // As above.
        let _set = self.places.set(places);
        self.second.notify_one();
        db
    }

    fn open_db(&self, places: &Places) -> Result<Db, Trouble> {
        let folder = &places.shelf.folder;
        match Db::open(folder) {
            Ok(db) => Ok(db),
            Err(Unusable::Damaged) => {
                // Whoever else finds it damaged at the same moment waits here, and finds a new one then.
                let _alone = places.shelf.gate(true).map_err(|error| no_store(&error.to_string()))?;
                match Db::open(folder) {
                    Err(Unusable::Damaged) => {
                        db::set_aside(folder).map_err(|error| no_store(&error.to_string()))?;
                        self.warn(WAS_DAMAGED);
                        Db::open(folder).map_err(|error| unusable(&error))
                    }
                    other => other.map_err(|error| unusable(&error)),
                }
            }
            Err(error) => Err(unusable(&error)),
        }
    }

    fn connect(&self) -> Result<Db, Trouble> {
        if let Some(db) = self.second_db.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Ok(db);
        }
        self.open_db(self.places()?)
    }

    /// Answers everything with no, for want of a thread.
    fn refuse_all(&self) {
        let trouble = no_store("no thread can be started");
        // As in `open`.
        let _set = self.places.set(Err(trouble));
        self.has_no_thread.store(true, Ordering::Release);
    }
}

impl Places {
    /// Opens what a job needs besides the database.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(opening: &Opening) -> Result<Self, Trouble> {
        let cannot = |what: &str, error: &std::io::Error| {
            let message = format!("results are neither used nor kept: {what}: {error}");
            Trouble::new("no-store", message)
        };
        let Opening { state, root, job_dir, at_work, .. } = opening;
        let shelf =
            Shelf::open(state).map_err(|e| cannot(&format!("`{}`", state.join("cache").display()), &e))?;
        let root = Root::open(root, state).map_err(|e| cannot(&format!("`{}`", root.display()), &e))?;
        // Without a folder of the user's, the engines of this project at least see each other.
        let path = machine::folder().map_or_else(|_| shelf.folder.join("outputs"), |it| it.join("outputs"));
        let locks =
            Locks::open(&path, job_dir, at_work).map_err(|e| cannot(&format!("`{}`", path.display()), &e))?;
        Ok(Self { root, shelf, locks })
    }
}

/// Answers an ask where nobody can do anything about it.
fn refused(ask: Ask, trouble: &Trouble) -> Option<Report> {
    match ask {
        Ask::Look { unit, .. } => Some(hopeless(unit, String::new(), trouble.clone())),
        Ask::Lock { unit, .. } => Some(off(unit)),
        Ask::Keep { unit, .. } => Some(not_kept(unit, trouble.clone())),
        Ask::Drop { .. } => None,
    }
}

fn no_store(why: &str) -> Trouble {
    Trouble::new("no-store", format!("results are neither used nor kept: {why}"))
}

fn unusable(error: &Unusable) -> Trouble {
    match error {
        Unusable::Damaged => {
            no_store("the store of results is damaged; `sortie cache clear` makes a new one")
        }
        Unusable::Newer(version) => no_store(&format!(
            "the store of results was made by a newer sortie (format {version}); `sortie cache clear` makes a new one"
        )),
        Unusable::Failed(why) => no_store(&format!("the store of results: {why}")),
    }
}

impl Queue {
    fn take(&mut self) -> Option<Work> {
        if self.is_closing {
            return Some(Work::Close);
        }
        (!self.asks.is_empty()).then(|| Work::Asks(self.take_chunk()))
    }

    /// Takes some, and leaves as many to the other thread.
    fn take_chunk(&mut self) -> Vec<Ask> {
        let half = self.asks.len().div_ceil(2);
        let count = if self.asks.len() < WORTH_HELP { self.asks.len() } else { half.min(CHUNK) };
        self.asks.drain(..count).collect()
    }

    fn take_waiting(&mut self) -> Vec<Wanted> {
        self.waiting.drain(..).map(|it| Wanted { pause: (it.pause * 2).min(PAUSES.1), ..it }).collect()
    }
}

impl Worker {
    fn answer(&mut self, asks: Vec<Ask>) {
        let (mut looks, mut keeps) = (Vec::new(), Vec::new());
        for ask in asks {
            match ask {
                Ask::Look { unit, recipe, may_hit } => {
                    looks.push(Wanted {
                        unit,
                        recipe,
                        may_hit,
                        is_off: false,
                        was_compared: false,
                        pause: PAUSES.0,
                    });
                }
                Ask::Lock { unit, inputs, outputs } => {
                    let inputs = Inputs::Globs(inputs);
                    let recipe = Arc::new(Recipe { inputs, outputs, ..Recipe::default() });
                    looks.push(Wanted {
                        unit,
                        recipe,
                        may_hit: false,
                        is_off: true,
                        was_compared: false,
                        pause: PAUSES.0,
                    });
                }
                Ask::Keep { unit, until, record, logs } => {
                    keeps.push(Keeping { unit, until, record, logs });
                }
                Ask::Drop { unit } => {
                    looks.retain(|it| it.unit != unit);
                    self.drop_unit(unit);
                }
            }
        }
        self.keep(keeps);
        self.look(looks);
    }

    fn drop_unit(&self, unit: Unit) {
        self.shared.stop_waiting(unit);
        self.shared.give_up(unit);
    }

    fn has_leisure(&self) -> bool {
        self.shared.memo.has_young() || !self.used.is_empty()
    }

    fn use_leisure(&mut self) {
        self.shared.memo.read_young(YOUNG);
        self.note_uses();
    }

    /// Writes down which entries were used, and what was found out about files.
    fn note_uses(&mut self) {
        let mut used = std::mem::take(&mut self.used);
        if let Some(noted) = self.shared.noted.get() {
            used.retain(|id| !noted.contains(id));
        }
        let fresh = self.shared.memo.take_fresh();
        let Ok(db) = &self.db else { return };
        if used.is_empty() && fresh.is_empty() {
            return;
        }
        let now = super::look::seconds();
        let _one = self.shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // What is not written down is found out again.
        let _outcome = db.together(|db| {
            db.put_memo(&fresh)?;
            db.used(&used, now)
        });
    }

    /// Writes down what is left to be written. Who still waits for an answer gets none.
    fn end(&mut self) {
        self.note_uses();
        self.list_taken();
        if let (Ok(db), Ok(places)) = (&self.db, self.shared.places()) {
            prune_if_due(db, &places.shelf, crate::engine::clock::now());
            db.tidy(&places.shelf.folder);
        }
    }
}

impl Worker {
    /// Writes down what this playbook took, so that it is read ahead the next time.
    fn list_taken(&self) {
        let (Some((whose, list)), Ok(db)) = (self.shared.list.get(), &self.db) else { return };
        let ids = std::mem::take(&mut *self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner));
        let memo = &self.shared.memo;
        let Some(ids) = list.changed(ids, memo.is_part()) else { return };
        let memo = memo.used();
        let _one = self.shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a list nothing is read ahead.
        let _outcome = list.renew(db, *whose, ids, memo);
    }
}

/// The answer where nothing was to be looked for.
pub(super) fn off(unit: Unit) -> Report {
    hopeless(unit, String::new(), Trouble::new(OFF, "the cache is off for it, and its outputs are its own"))
}

/// A miss that nothing can be kept after.
pub(super) fn hopeless(unit: Unit, key: String, trouble: Trouble) -> Report {
    let Trouble { reason, message } = trouble;
    let miss = Miss { key, reason: reason.to_owned(), message, is_hopeless: true, ..Miss::default() };
    Report::Looked { unit, looked: Looked::Miss(Box::new(miss)) }
}

/// Nothing was kept.
pub(super) fn not_kept(unit: Unit, why: impl Into<Kept>) -> Report {
    Report::Kept { unit, kept: why.into() }
}

impl From<Trouble> for Kept {
    fn from(Trouble { reason, message }: Trouble) -> Self {
        Self::Not { reason: reason.to_owned(), message, is_seen: false }
    }
}
