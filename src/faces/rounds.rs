//! Rounds of a job that changed files start again: hears of changes, stops the job of a round that they overtake, and says
//! when the next round is due.
//!
//! What a change means is decided in `logic/rounds.rs`; nothing here starts a job (`cli/on_change.rs`). Each round has a thread that
//! follows its job, so that a change waits as long as a gate is open.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::live::{Note, Notes};
use super::orders::Orders;
use crate::engine::watching::{Batch, TreeNews};
use crate::engine::{Bell, Handle, Next, clock};
use crate::logic::job::event::SCHEMA;
use crate::logic::job::order::{Order, Target};
use crate::logic::rounds::{Doubt, Verdict, held};
use crate::logic::text::{listed_names, plural};
use crate::logic::view::JobView;

/// What keys do between two rounds, where there are keys.
pub const KEYS: &str = "r runs again, q leaves";

/// So many files are named in a sentence.
const NAMED: usize = 3;

/// So many files are named in a record.
const RECORDED: usize = 100;

/// Nobody waits for longer without looking around.
const FOREVER: Duration = Duration::from_secs(3600);

/// The rounds of a job. Clones are the same ones.
#[derive(Clone)]
pub struct Rounds(Arc<Inner>);

struct Inner {
    notes: Notes,
    orders: Orders,
    bell: Bell,
    state: Mutex<State>,
    is_ready: Condvar,
}

#[derive(Default)]
struct State {
    /// Of the round that runs or ran last.
    round: u32,
    /// The job of the round runs, by its number.
    live: Option<u64>,
    /// When the job of the last round began.
    began: Duration,
    /// When it ended.
    ended: Duration,
    pending: Pending,
    doubt: Doubt,
    /// The job is to be stopped, for a change has overtaken it.
    stops: bool,
    /// It was told to.
    is_stopped: bool,
    /// Why that has to wait, as it was told.
    held: Option<String>,
    /// How many files are watched, once that is known.
    files: Option<usize>,
    /// Globs that name none of them.
    unmatched: Vec<String>,
}

/// Why the next round begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    pub files: BTreeSet<String>,
    /// The playbook is among them, or a file that it calls.
    pub has_book: bool,
    /// Somebody asked for it.
    pub is_asked: bool,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.files.is_empty() && !self.is_asked
    }
}

impl Rounds {
    /// Returns rounds of which none has begun.
    ///
    /// # Errors
    /// If this process may not open more files.
    pub fn new(notes: &Notes, orders: &Orders) -> io::Result<Self> {
        let (notes, orders, bell) = (notes.clone(), orders.clone(), Bell::new()?);
        Ok(Self(Arc::new(Inner { notes, orders, bell, state: Mutex::default(), is_ready: Condvar::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is told of the files.
    pub fn hear(&self, news: TreeNews) {
        match news {
            TreeNews::Ready { files, unmatched } => self.ready(files, unmatched),
            TreeNews::Polled(words) => self.0.notes.tell(Note::Said(words)),
            TreeNews::Changed(batch) => self.changed(batch),
        }
    }

    fn ready(&self, files: usize, unmatched: Vec<String>) {
        let mut state = self.lock();
        // Each round says anew what is watched, and nobody wants to read the same again.
        let is_news = !unmatched.is_empty() && state.unmatched != unmatched;
        state.files = Some(files);
        state.unmatched.clone_from(&unmatched);
        if is_news {
            let verb = if unmatched.len() == 1 { "matches" } else { "match" };
            let words = format!(
                "`--globs`: {} {verb} no file now; one that comes later starts a round",
                listed_names(&unmatched, "and")
            );
            let line = record("round.unmatched", None, json!({"globs": unmatched, "watched": files}));
            // Whoever waits for the files is to find it told.
            self.0.notes.tell(Note::Record { words, line });
        }
        drop(state);
        self.0.is_ready.notify_all();
    }

    fn changed(&self, batch: Batch) {
        let mut state = self.lock();
        let mut files = batch.files;
        // What a step wrote last is heard of when its job may have ended already.
        if state.live.is_some() && batch.until < state.began {
            // The job began with the files as they are.
            return;
        }
        let is_during = state.live.is_some() || (state.round > 0 && batch.since <= state.ended);
        if is_during {
            let (verdict, new) = state.doubt.during(&files);
            if !new.is_empty() {
                let verb = if new.len() == 1 { "changes" } else { "change" };
                let it = if new.len() == 1 { "it is" } else { "they are" };
                self.0.notes.tell(Note::Said(format!(
                    "{} {verb} in every round and never between them, so {it} taken for what the job writes; \
                     declare outputs under `cache`, or use `--globs`",
                    named(&new.into_iter().collect())
                )));
            }
            match verdict {
                Verdict::Restart => state.stops = state.live.is_some(),
                Verdict::After => {}
                Verdict::Ignore => return,
            }
            let own = state.doubt.own();
            files.retain(|file| !own.contains(file));
        } else {
            state.doubt.between(&files);
        }
        state.pending.files.extend(files);
        state.pending.has_book |= batch.has_book;
        let is_due = state.live.is_none();
        drop(state);
        self.0.bell.ring();
        if is_due {
            self.0.notes.tell(Note::Due);
        }
    }

    /// Asks for a round though nothing has changed.
    pub fn ask(&self) {
        self.lock().pending.is_asked = true;
    }

    /// Says whether a round is due.
    #[must_use]
    pub fn is_due(&self) -> bool {
        let state = self.lock();
        state.live.is_none() && !state.pending.is_empty()
    }

    /// Takes why the next round begins.
    #[must_use]
    pub fn take(&self) -> Pending {
        std::mem::take(&mut self.lock().pending)
    }

    /// Returns the number of the next round.
    #[must_use]
    pub fn next(&self) -> u32 {
        self.lock().round + 1
    }

    /// Says whether the job of the last round was stopped because files had changed.
    #[must_use]
    pub fn was_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    /// Returns how many files are watched, which is nothing as long as that is not known.
    #[must_use]
    pub fn files(&self) -> usize {
        self.lock().files.unwrap_or_default()
    }

    /// Says what is waited for between two rounds, and what keys do then. Globs that match nothing are named: a count of files alone would look as if all
    /// were well, and a remark is soon gone.
    #[must_use]
    pub fn waits(&self, keys: &str) -> String {
        let state = self.lock();
        let files = plural(state.files.unwrap_or_default(), "file");
        let without = match state.unmatched[..] {
            [] => String::new(),
            _ => format!(", none for {}", listed_names(&state.unmatched, "or")),
        };
        format!("watching {files}{without}; {keys}")
    }

    /// Waits until the files are known, up to a time.
    pub fn wait_ready(&self, limit: Duration) {
        let is_unknown = |state: &mut State| state.files.is_none();
        drop(self.0.is_ready.wait_timeout_while(self.lock(), limit, is_unknown));
    }

    /// Waits until what is known of the round includes the end of its job. A face may have seen that first.
    pub fn wait_ended(&self) {
        let runs = |state: &mut State| state.live.is_some();
        drop(self.0.is_ready.wait_while(self.lock(), runs));
    }

    /// Begins a round with the job of that number, which was not yet there at `began`, and follows it to its end on a thread of its own.
    ///
    /// # Errors
    /// If this process may have no further thread.
    pub fn begin(&self, number: u64, handle: &Handle, began: Duration) -> io::Result<()> {
        {
            let mut state = self.lock();
            state.round += 1;
            state.began = began;
            state.live = Some(number);
            (state.stops, state.is_stopped, state.held) = (!state.pending.is_empty(), false, None);
        }
        let (rounds, handle) = (self.clone(), handle.clone());
        std::thread::Builder::new().name("round".to_owned()).spawn(move || rounds.follow(&handle))?;
        Ok(())
    }

    fn follow(&self, handle: &Handle) {
        let mut view = JobView::of_plan(&handle.plan());
        let mut events = handle.subscribe(0);
        loop {
            match events.next_unless(&[self.0.bell.as_fd()], FOREVER) {
                Next::Event(envelope) => view.fold(&envelope),
                Next::End => break,
                Next::Timeout => self.0.bell.hush(),
                Next::Grew(..) => continue,
                Next::Owned | Next::Unowned => {}
            }
            self.consider(&view, handle);
        }
        let mut state = self.lock();
        (state.live, state.ended) = (None, clock::elapsed());
        let is_whole = !state.is_stopped;
        state.doubt.ended(is_whole);
        let is_due = !state.pending.is_empty();
        drop(state);
        // Of this round; what it said when it began may be another number of files.
        self.0.notes.tell(Note::Waits(self.waits(KEYS)));
        self.0.is_ready.notify_all();
        if is_due {
            self.0.notes.tell(Note::Due);
        }
    }

    /// Stops the job if a change has overtaken it and nothing speaks against that.
    fn consider(&self, view: &JobView, handle: &Handle) {
        let mut state = self.lock();
        if !state.stops || state.is_stopped || view.phase.outcome().is_some() || view.cancelling.is_some() {
            return;
        }
        let (round, number, files) = (state.round, state.live.unwrap_or_default(), &state.pending.files);
        if let Some(why) = held(view) {
            if state.held.as_ref() != Some(&why) {
                let words = format!("{} changed; the next round waits, because {why}", named(files));
                let data = json!({"round": round, "files": first(files), "reason": why});
                self.0.notes.tell(Note::Record { words, line: record("round.held", Some(handle), data) });
                state.held = Some(why);
            }
            return;
        }
        let words = format!("{} changed: job #{number} is cancelled, and starts again", named(files));
        let data = json!({"round": round, "files": first(files), "more": more(files)});
        self.0.notes.tell(Note::Record { words, line: record("round.stopped", Some(handle), data) });
        state.is_stopped = true;
        drop(state);
        let order = Order::Cancel { target: Target::Job, force: false };
        // A refusal means that the job has ended already.
        if self.0.orders.give(handle, order.clone(), Box::new(|_, _| true), Box::new(drop)).is_err() {
            let _answer = self.0.orders.give_now(handle, order);
        }
    }
}

/// Returns a record of the rounds, as programs read it among the events of jobs.
#[must_use]
pub fn record(what: &str, job: Option<&Handle>, data: Json) -> String {
    let mut record = json!({"schema": SCHEMA, "time": clock::now().rfc3339(), "type": what});
    if let (Some(job), Some(members)) = (job, record.as_object_mut()) {
        members.insert("job".to_owned(), job.id().to_string().into());
    }
    if let Some(members) = record.as_object_mut() {
        members.insert("data".to_owned(), data);
    }
    record.to_string()
}

/// Returns the files that a record names.
#[must_use]
pub fn first(files: &BTreeSet<String>) -> Vec<&String> {
    files.iter().take(RECORDED).collect()
}

/// Returns how many files a record does not name.
#[must_use]
pub fn more(files: &BTreeSet<String>) -> usize {
    files.len().saturating_sub(RECORDED)
}

/// Names files in a sentence, or the first of them.
#[must_use]
pub fn named(files: &BTreeSet<String>) -> String {
    if files.len() <= NAMED + 1 {
        return listed_names(&files.iter().collect::<Vec<_>>(), "and");
    }
    let names: Vec<String> = files.iter().take(NAMED).map(|file| format!("`{file}`")).collect();
    format!("{} and {} more", names.join(", "), files.len() - NAMED)
}
