//! The service of a project: starts jobs when the clock, a changed file or the end of another job says so.
//!
//! One thread sleeps until the next fire is due, a file changes, the store grows or the clock is changed; then it looks what
//! is due and writes that down before anything starts. Jobs are processes of their own and outlive the service. Not here:
//! when something fires (`logic/schedule`), the ledger (`engine/store/fires.rs`), starting processes (an edge).
//!
//! Start with `run`, then `triggers.rs` (what there is), `look.rs` (clock and other jobs), `touch.rs` and `meanwhile.rs` (files) and `start.rs`
//! (what a fire does).

mod files;
mod lock;
mod look;
mod meanwhile;
mod scan;
mod start;
mod timer;
mod touch;
mod triggers;
mod zones;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use lock::running;
pub use scan::{Broken, Kind, Scan, Trigger, of_playbook, scan, unknown};
pub use start::by_hand;
pub use zones::zone;

use super::bell::first_of;
use super::store::Store;
use super::{Bell, EngineError, Project, clock};
use crate::logic::text;
use crate::logic::time::Timestamp;
use files::Files;
pub(in crate::engine) use files::Globs;
use lock::Lock;
use meanwhile::Seen;
use timer::Timer;
use touch::Watching;

/// How old the end of a job, or the change of a file, may be to start a job.
const JOB_WINDOW: Duration = Duration::from_secs(3600);

/// After an error of the store, before it is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// A clock that goes so much wrong in one look was changed, or the machine slept.
const LEAP: i64 = 2_000_000;

/// Lets commits of busy jobs, and what an editor writes, gather.
const GATHER: Duration = Duration::from_millis(50);

/// Waits until a job that was begun has ended its start, or says why there is none.
pub type Begun = Box<dyn FnOnce() -> Result<(), String> + Send>;

/// Begins a job of that playbook for that fire, in a process that outlives this one.
pub type Begin = fn(&Project, &Path, u64) -> io::Result<Begun>;

/// What a trigger is, and what it says.
pub type Promise = (String, String);

/// A fire whose start has ended, and what went wrong.
type EndedStart = (u64, Option<String>);

/// What a service needs from outside.
pub struct Hooks<'a> {
    pub begin: Begin,
    /// Says whether a person has said yes to these triggers of a playbook.
    pub is_trusted: &'a dyn Fn(&[Promise]) -> bool,
    pub tell: &'a mut dyn FnMut(&Line),
    /// Sees to jobs whose engine died.
    pub recover: &'a mut dyn FnMut(),
    /// Signs orders that cancel jobs.
    pub actor: String,
}

/// A line about what the service does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub time: Timestamp,
    /// Noun and past participle, such as `fire.started`.
    pub what: &'static str,
    pub playbook: Option<String>,
    /// The trigger in short.
    pub trigger: Option<String>,
    pub job: Option<u64>,
    pub words: String,
}

/// Ends a service, from any thread.
#[derive(Clone)]
pub struct Stopper {
    bell: Bell,
    is_stopping: Arc<AtomicBool>,
}

impl Stopper {
    /// Returns one for a service that is yet to run.
    ///
    /// # Errors
    /// If this process may not open more files.
    pub fn new() -> io::Result<Self> {
        Ok(Self { bell: Bell::new()?, is_stopping: Arc::default() })
    }

    /// Ends it.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        self.bell.ring();
    }
}

/// Runs a service until it is stopped.
///
/// # Errors
/// If another one runs for this project, or the store or the surroundings cannot be used.
pub fn run(project: &Project, hooks: Hooks<'_>, stopper: &Stopper) -> Result<(), EngineError> {
    Store::prepare(project)?;
    let lock = match Lock::take(project) {
        #[cfg(feature = "faults")]
        Err(_) if super::faults::is_without_lock() => None,
        lock => Some(lock?),
    };
    let store = Store::open(project)?;
    let cannot = |what: &str, e: &dyn std::fmt::Display| EngineError::surroundings(format!("{what}: {e}"));
    let timer = Timer::new().map_err(|e| cannot("no timer for the clock", &e))?;
    let files = Files::new(project, &stopper.bell).map_err(|e| cannot("files cannot be watched", &e))?;
    let mut service = Service {
        project: project.clone(),
        hooks,
        store,
        timer,
        files,
        seen: Seen::of(project),
        stopper: stopper.clone(),
        scan: Scan::default(),
        resting: HashMap::new(),
        since: HashMap::new(),
        watching: HashMap::new(),
        checked: HashMap::new(),
        wake: None,
        clock: (clock::now(), clock::elapsed()),
        ended: Arc::default(),
        starting: BTreeMap::new(),
        told_error: None,
    };
    service.serve();
    drop(lock);
    Ok(())
}

/// A service at work.
struct Service<'a> {
    project: Project,
    hooks: Hooks<'a>,
    store: Store,
    timer: Timer,
    files: Files,
    /// Up to when changed files are seen to.
    seen: Seen,
    stopper: Stopper,
    scan: Scan,
    /// Triggers of playbooks that have errors by now, with the file of each.
    resting: HashMap<String, Trigger>,
    /// Since when each trigger is known.
    since: HashMap<String, Timestamp>,
    /// What each watching trigger waits for.
    watching: HashMap<String, Watching>,
    /// When each trigger last looked for ended jobs.
    checked: HashMap<String, Timestamp>,
    /// When the next fire is due.
    wake: Option<Timestamp>,
    /// The clock on the wall and one that cannot be changed, at the last look.
    clock: (Timestamp, Duration),
    /// Starts that ended.
    ended: Arc<Mutex<Vec<EndedStart>>>,
    /// Fires whose start is not told of yet.
    starting: BTreeMap<u64, Trigger>,
    told_error: Option<String>,
}

impl Service<'_> {
    fn serve(&mut self) {
        let mut is_new = true;
        while !self.stopper.is_stopping.load(Ordering::SeqCst) {
            let limit = match self.turn(is_new) {
                Ok(limit) => {
                    self.told_error = None;
                    is_new = false;
                    limit
                }
                Err(error) => {
                    self.tell_error(&error);
                    Some(AGAIN)
                }
            };
            if self.timer.set(self.wake).is_err() {
                self.wake = None;
            }
            let fds = [self.stopper.bell.as_fd(), self.timer.as_fd()];
            first_of(&fds, limit.unwrap_or(Duration::from_secs(86_400)));
            self.stopper.bell.hush();
            self.timer.hush();
        }
        self.line("service.stopped", None, None, "the service ends; jobs that it started go on");
    }

    /// Looks at everything once; returns how long at most nothing needs to be looked at.
    fn turn(&mut self, is_new: bool) -> Result<Option<Duration>, EngineError> {
        let now = clock::now();
        let has_leapt = self.notice_clock(now);
        let moment = meanwhile::moment();
        let changes = self.files.take();
        let is_playbook = |path: &std::path::PathBuf| path.starts_with(self.project.root.join("playbooks"));
        let has_playbooks = is_new || changes.is_incomplete || changes.files.iter().any(is_playbook);
        if has_playbooks && !is_new {
            // An editor empties a file before it writes it.
            std::thread::sleep(GATHER);
        }
        if has_playbooks {
            self.read_playbooks(now, is_new)?;
        }
        if is_new {
            (self.hooks.recover)();
            self.begin_again(now)?;
        }
        self.take_ended()?;
        self.touch(&changes)?;
        if !self.watching.values().any(Watching::is_waiting) {
            self.seen.up_to(moment);
        }
        let is_due = self.wake.is_none_or(|wake| wake <= now);
        if has_playbooks || has_leapt || is_due {
            self.look_at_clock(now)?;
        }
        self.look_at_jobs(now)?;
        self.look_at_waiting()?;
        self.tell_started()?;
        self.store.tidy();
        if changes.has_store && changes.files.is_empty() {
            std::thread::sleep(GATHER);
        }
        Ok(self.patience())
    }

    fn notice_clock(&mut self, now: Timestamp) -> bool {
        let elapsed = clock::elapsed();
        let (before, then) = std::mem::replace(&mut self.clock, (now, elapsed));
        let passed = i64::try_from((elapsed - then).as_micros()).unwrap_or(i64::MAX);
        let leap = now.0 - before.0 - passed;
        if leap.abs() < LEAP {
            return false;
        }
        let span = text::duration(Duration::from_secs(leap.unsigned_abs() / 1_000_000));
        let words = if leap > 0 {
            format!("the clock was put forward by {span}, or the machine slept")
        } else {
            format!("the clock was put back by {span}; what has fired does not fire again")
        };
        self.line("clock.changed", None, None, &words);
        true
    }

    fn tell_error(&mut self, error: &EngineError) {
        if self.told_error.as_ref() == Some(&error.message) {
            return;
        }
        self.told_error = Some(error.message.clone());
        let help = error.help.as_ref().map_or_else(String::new, |help| format!(" ({help})"));
        let words = format!("{}{help}; tried again every {}", error.message, text::duration(AGAIN));
        self.line("service.error", None, None, &words);
    }

    fn line(&mut self, what: &'static str, trigger: Option<&Trigger>, job: Option<u64>, words: &str) {
        let line = Line {
            time: clock::now(),
            what,
            playbook: trigger.map(|it| it.playbook.clone()),
            trigger: trigger.map(Trigger::spec),
            job,
            words: words.to_owned(),
        };
        (self.hooks.tell)(&line);
    }

    fn take_ended(&mut self) -> Result<(), EngineError> {
        let ended = std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner));
        for (fire, error) in ended {
            self.start_ended(fire, error)?;
        }
        Ok(())
    }
}
