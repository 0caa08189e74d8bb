//! What all threads of a keeper share: the queue of launches, the live attempts, the orphans, the link.
//!
//! A process number is signalled or reaped only under the lock of [`State`], so that no signal can reach a number
//! that was freed in between.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use nix::sys::resource::{UsageWho, getrusage};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process_group, waitid};

use super::super::exits::ExitLog;
use super::environment::{Environment, entry};
use super::files;
use super::link::Link;
use super::masks::Masks;
use crate::logic::job::effect::{Launch, Rung};
use crate::logic::job::report::{AttemptKey, End, Usage};
use crate::port::keeper::{Given, Held, Hello, Hold};

/// Shared by all threads.
pub(crate) struct Shared {
    pub(crate) hello: Hello,
    /// What the newest engine was given that was given anything: for the next one.
    given: Mutex<Given>,
    pub(crate) dir: PathBuf,
    /// The value of the tag variable the keeper itself was started with: it runs inside a step of another job.
    pub(crate) outer_tag: Option<String>,
    pub(crate) base: Environment,
    /// Variables that every attempt has, whatever it says.
    pub(crate) fixed: Vec<CString>,
    pub(crate) link: Link,
    pub(crate) masks: Masks,
    pub(crate) exits: ExitLog,
    pub(crate) state: Mutex<State>,
    /// Held while a worker makes its step files.
    pub(crate) making: Mutex<()>,
    /// Signalled when there is work for a worker.
    pub(crate) work: Condvar,
    /// Signalled when there is work for a worker beside the slots.
    pub(crate) extra_work: Condvar,
    /// Signalled when an attempt or a late reader has ended.
    pub(crate) calm: Condvar,
    /// The kernel's list of the children of the main thread. Workers start all attempts, so it holds orphans only.
    children: File,
}

/// Under one lock.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) queue: VecDeque<Launch>,
    /// Launches that may begin only in the slot of a cell that has just succeeded.
    pub(crate) submitted: VecDeque<Launch>,
    pub(crate) live: HashMap<AttemptKey, Live>,
    /// Attempts that are stopped, or are to be as soon as they have a process.
    pub(crate) frozen: BTreeSet<AttemptKey>,
    /// Attempts that a worker has taken and not yet reported.
    pub(crate) busy: u32,
    pub(crate) workers: u32,
    pub(crate) idle: u32,
    /// Launches that run beside another attempt of their cell, and the workers for those.
    pub(crate) extra: VecDeque<Launch>,
    pub(crate) extra_workers: u32,
    pub(crate) extra_idle: u32,
    /// Nothing new is started.
    pub(crate) stopping: bool,
    /// Late readers by the tag of their cell.
    pub(crate) late: BTreeMap<String, u32>,
    /// Session numbers of ended attempts that left processes, with the attempt's tag.
    pub(crate) sessions: HashMap<i32, String>,
    /// Step files were given up, to which somebody may still write.
    pub(crate) gave_up: bool,
    /// Attempts that have ended, or never began, and whose report has not been given to the link.
    pub(crate) ending: BTreeSet<AttemptKey>,
    /// Cells and their runs that are being swept.
    pub(crate) sweeps: BTreeSet<(u32, u32)>,
    /// Tags of cells that were begun and not yet swept.
    pub(crate) cells: BTreeSet<String>,
    usage: Usage,
}

/// A live attempt.
#[derive(Debug, Default)]
pub(crate) struct Live {
    /// The main process, once there is one; not reaped as long as it stands here.
    pub(crate) pid: Option<i32>,
    /// A signal that came before there was a process.
    pub(crate) pending: Option<(Rung, i32)>,
    /// How hard it was asked to stop.
    pub(crate) rung: Option<Rung>,
    pub(crate) tag: String,
}

impl Shared {
    /// Puts everything together; called on the main thread.
    ///
    /// # Errors
    /// If the file of exits cannot be made or `/proc` is not there.
    pub(crate) fn new(hello: Hello, link: Link) -> io::Result<Self> {
        let dir = PathBuf::from(&hello.dir);
        files::take_over(&hello.spare, &dir);
        let exits = ExitLog::open(&dir)?;
        // Only one keeper at a time, and none of an engine whose lease is gone: it might have been slow to begin.
        exits.claim(hello.epoch, &dir)?;
        let me = getpid().as_raw_nonzero();
        let children = File::open(format!("/proc/self/task/{me}/children"))?;
        let fixed = hello.env.iter().filter_map(|(name, value)| entry(name.as_bytes(), value.as_bytes()));
        let fixed = fixed.collect();
        let masks = Masks::default();
        masks.add(hello.masks.iter().cloned());
        Ok(Self {
            outer_tag: std::env::var(crate::port::keeper::TAG_VARIABLE).ok(),
            base: Environment::new(std::env::vars_os()),
            fixed,
            dir,
            given: Mutex::new(hello.given.clone()),
            hello,
            link,
            masks,
            exits,
            state: Mutex::default(),
            making: Mutex::default(),
            work: Condvar::new(),
            extra_work: Condvar::new(),
            calm: Condvar::new(),
            children,
        })
    }

    /// The state, locked.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds the state")
    }

    /// What the next engine is told that the job was given.
    pub(crate) fn given(&self) -> Given {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what another engine was given, if it was given anything; what is secret in it is masked from now on.
    pub(crate) fn learn(&self, given: Given) {
        if given != Given::default() {
            self.masks.add(given.secrets.iter().map(|(_, value)| value.clone()));
            *self.given.lock().unwrap_or_else(PoisonError::into_inner) = given;
        }
    }

    /// Says whether something that was ordered runs, or will by itself.
    pub(crate) fn has_orders(&self) -> bool {
        let state = self.state();
        state.busy > 0 || !state.queue.is_empty() || !state.extra.is_empty()
    }

    /// Returns the tries that are here or whose ends were not acknowledged, and the sweeps.
    pub(crate) fn held(&self) -> (Vec<Held>, Vec<(u32, u32)>) {
        let state = self.state();
        let (reported, swept) = self.link.reported();
        let waiting = |launch: &Launch, how| Held { key: launch.key, how, rung: None };
        let queued = state.queue.iter().chain(&state.extra);
        let mut held: Vec<Held> = queued.map(|it| waiting(it, Hold::Queued)).collect();
        held.extend(state.submitted.iter().map(|it| waiting(it, Hold::Submitted)));
        held.extend(state.live.iter().map(|(key, it)| Held { key: *key, how: Hold::Live, rung: it.rung }));
        let told = state.ending.iter().copied().chain(reported);
        let told = told.filter(|key| held.iter().all(|it| it.key != *key));
        let told: Vec<Held> = told.map(|key| Held { key, how: Hold::Reported, rung: None }).collect();
        held.extend(told);
        (held, state.sweeps.iter().copied().chain(swept).collect())
    }

    /// Says whether nobody is left who could write to a step file.
    pub(crate) fn is_tidy(&self) -> bool {
        let state = self.state();
        state.busy == 0 && state.late.is_empty() && state.sessions.is_empty() && !state.gave_up
    }

    /// Numbers of the processes that came to the keeper because their parents ended. Mostly empty, and then cheap.
    pub(crate) fn orphans(&self) -> Vec<i32> {
        let mut text = Vec::new();
        // Small, because it is asked after every attempt and mostly there is nothing.
        let mut chunk = [0; 256];
        while let Ok(count @ 1..) = self.children.read_at(&mut chunk, text.len() as u64) {
            text.extend_from_slice(&chunk[..count]);
        }
        if text.is_empty() {
            return Vec::new();
        }
        let text = String::from_utf8_lossy(&text);
        text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
    }
}

impl State {
    /// Takes everything that has not begun.
    pub(crate) fn take_waiting(&mut self) -> impl Iterator<Item = Launch> {
        let queues = [&mut self.queue, &mut self.submitted, &mut self.extra];
        queues.map(std::mem::take).into_iter().flatten()
    }

    /// Puts launches where the workers find them: what runs beside another attempt of its cell needs no slot.
    pub(crate) fn enqueue(&mut self, launches: Vec<Launch>) {
        for launch in launches {
            if launch.is_extra { self.extra.push_back(launch) } else { self.queue.push_back(launch) }
        }
    }

    /// An attempt is begun by a worker: from now on it is live.
    pub(crate) fn take(&mut self, launch: &Launch, tag: String) {
        self.busy += 1;
        self.live.insert(launch.key, Live { tag, ..Live::default() });
    }

    /// Sends a signal to the group of an attempt's main process and wakes it if it is stopped.
    pub(crate) fn signal_group(&self, key: AttemptKey, signal: i32) {
        let pid = self.live.get(&key).and_then(|live| live.pid);
        if let (Some(pid), Some(signal)) = (pid.and_then(Pid::from_raw), Signal::from_named_raw(signal)) {
            // The main process is not reaped, so the group's number is its own; a group without members is no failure.
            let _ = kill_process_group(pid, signal);
            if signal != Signal::KILL {
                let _ = kill_process_group(pid, Signal::CONT);
            }
        }
    }

    /// Reaps a process that has ended, or waits for its end; tells what it used.
    pub(crate) fn reap(&mut self, pid: i32) -> Option<(End, Usage)> {
        let status = waitid(WaitId::Pid(Pid::from_raw(pid)?), WaitIdOptions::EXITED).ok()??;
        let end = match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => End::Code(code),
            (None, signal) => End::Signal(signal.unwrap_or(nix::libc::SIGKILL)),
        };
        Some((end, self.count_usage()))
    }

    /// Reaps an orphan if it has ended; says whether it is gone.
    pub(crate) fn reap_orphan(&mut self, pid: i32) -> bool {
        let Some(pid) = Pid::from_raw(pid) else { return true };
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
            Ok(None) => false,
            Ok(Some(_)) => {
                self.count_usage();
                true
            }
            Err(_) => true,
        }
    }

    /// What the children reaped since the last call used: one, as every reaping is followed by a call.
    ///
    /// The peak memory is known only if it is the highest of all children so far, and 0 otherwise.
    fn count_usage(&mut self) -> Usage {
        let Ok(now) = getrusage(UsageWho::RUSAGE_CHILDREN) else {
            return Usage::default();
        };
        let micros = |time: nix::sys::time::TimeVal| {
            u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap_or(0)
        };
        let total = Usage {
            user_us: micros(now.user_time()),
            system_us: micros(now.system_time()),
            max_rss_kib: u64::try_from(now.max_rss()).unwrap_or(0),
        };
        let before = std::mem::replace(&mut self.usage, total);
        Usage {
            user_us: total.user_us.saturating_sub(before.user_us),
            system_us: total.system_us.saturating_sub(before.system_us),
            max_rss_kib: if total.max_rss_kib > before.max_rss_kib { total.max_rss_kib } else { 0 },
        }
    }
}
