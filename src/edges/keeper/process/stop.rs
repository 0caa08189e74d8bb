//! Whom a stop reaches: an attempt, what it left, a cell, everything.
//!
//! Not here: the ladder itself. As a subreaper the keeper gets every process whose parents ended; which cell one
//! belongs to is told by its session, by the tag in its environment, or by a descendant that has one. What tells
//! nothing goes with the job, or with the last cell that is open.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::ladder::{self, Ended};
use super::super::procfs::{self, Process, tag_is_inside};
use super::removal;
use super::shared::{Shared, State};
use crate::logic::job::effect::Rung;
use crate::logic::job::report::{AttemptKey, Report};

/// How long a sweep waits for late readers to write the last bytes of what it ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long the keeper waits for its workers after everything was ended.
const LAST_REPORTS: Duration = Duration::from_secs(5);

/// How long that takes at a time, before what was started since is ended as well.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The processes a stop is meant for.
#[derive(Clone, Debug)]
pub(crate) enum Whose {
    /// What is left of an attempt. `session` is the number of its main process.
    Attempt { tag: String, session: i32 },
    /// What is left of a cell.
    Cell { tag: String },
    /// All orphans and all live attempts.
    Everything,
}

/// How often a look is repeated that found only processes which had just ended.
const LOOKS: u32 = 100;

/// Finds the living processes meant, and reaps dead orphans on the way.
///
/// Nothing is believed to be left only when nothing ended during the look: what forks and exits again and again gives
/// its child to the keeper after the list of children was read.
pub(crate) fn find(shared: &Shared, whose: &Whose) -> Vec<Process> {
    for _ in 0..LOOKS {
        let (found, sure) = look(shared, whose);
        if sure || !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// One look: what is alive, and whether nothing that was listed had ended by then.
fn look(shared: &Shared, whose: &Whose) -> (Vec<Process>, bool) {
    let orphans = shared.orphans();
    let mut state = shared.state();
    let mut sure = true;
    for pid in &orphans {
        sure &= !state.reap_orphan(*pid);
    }
    let mut roots = Vec::new();
    match whose {
        Whose::Everything => {
            roots.extend(orphans);
            roots.extend(state.live.values().filter_map(|live| live.pid));
        }
        Whose::Attempt { tag, session } => {
            roots.extend(orphans.into_iter().filter(|pid| belongs(&state, *pid, tag, Some(*session), false)));
        }
        Whose::Cell { tag } => {
            let alone = state.cells.iter().all(|other| other == tag);
            roots.extend(orphans.into_iter().filter(|pid| belongs(&state, *pid, tag, None, alone)));
        }
    }
    drop(state);
    (if roots.is_empty() { Vec::new() } else { procfs::trees(&roots) }, sure && roots.is_empty())
}

/// Says whether an orphan, or one that descends from it, belongs to a place; `else_yes` decides where nothing tells.
fn belongs(state: &State, root: i32, place: &str, session: Option<i32>, else_yes: bool) -> bool {
    let told = procfs::trees(&[root]).iter().find_map(|process| {
        if session == Some(process.session) {
            return Some(true);
        }
        if let Some(tag) = state.sessions.get(&process.session) {
            return Some(tag_is_inside(tag, place));
        }
        process.tag().map(|tag| tag_is_inside(&tag, place))
    });
    told.unwrap_or(else_yes)
}

/// Ends what is meant and waits for the last bytes it wrote.
pub(crate) fn sweep(shared: &Shared, whose: &Whose, signal: i32, grace: Duration) -> Ended {
    ladder::end(&mut || find(shared, whose), signal, grace)
}

/// An order to end what is left of a cell.
pub(crate) struct Sweep {
    pub(crate) cell: u32,
    pub(crate) run: u32,
    pub(crate) tag: String,
    pub(crate) signal: i32,
    pub(crate) grace: Duration,
    /// Commands that remove what is no process.
    pub(crate) remove: Vec<Vec<String>>,
}

/// Ends what is left of a cell and reports it; on a thread of its own if there is anything, as it may take long.
pub(crate) fn sweep_cell(shared: &Arc<Shared>, sweep: Sweep) {
    let Sweep { cell, run, tag, signal, grace, remove } = sweep;
    let nothing = remove.is_empty() && shared.orphans().is_empty() && !shared.state().late.contains_key(&tag);
    if nothing {
        shared.state().cells.remove(&tag);
        shared.link.report(Report::Swept { cell, run, ended: 0, survivors: Vec::new() });
        return;
    }
    shared.state().sweeps.insert((cell, run));
    let sweeper = Arc::clone(shared);
    let work = move || {
        let mut ended = self::sweep(&sweeper, &Whose::Cell { tag: tag.clone() }, signal, grace);
        ended.survivors.extend(remove.iter().filter_map(|argv| removal::run(argv, &[]).err()));
        sweeper.wait_late(Some(&tag));
        let mut state = sweeper.state();
        state.cells.remove(&tag);
        state.sessions.retain(|_, place| !tag_is_inside(place, &tag));
        drop(state);
        let report = |report| {
            sweeper.link.report(report);
            sweeper.state().sweeps.remove(&(cell, run));
        };
        report(Report::Swept { cell, run, ended: ended.count, survivors: ended.survivors });
    };
    // A system without room for one more thread gets the sweep on this one.
    let spawned = std::thread::Builder::new().name("sweep".to_owned()).spawn(work);
    if spawned.is_err() {
        shared.state().sweeps.remove(&(cell, run));
        shared.link.report(Report::Swept {
            cell,
            run,
            ended: 0,
            survivors: vec!["unknown, as no thread could be started to look".to_owned()],
        });
    }
}

/// Carries out one rung for one attempt.
pub(crate) fn signal(shared: &Arc<Shared>, key: AttemptKey, rung: Rung, signal: i32) {
    let mut state = shared.state();
    let Some(live) = state.live.get_mut(&key) else { return };
    live.rung = live.rung.max(Some(rung));
    let Some(pid) = live.pid else {
        let sent = if rung == Rung::Kill { nix::libc::SIGKILL } else { signal };
        live.pending = Some((rung, sent));
        return;
    };
    let tag = live.tag.clone();
    if rung == Rung::Polite {
        state.signal_group(key, signal);
    }
    drop(state);
    let target = Target { shared: Arc::clone(shared), key, tag, pid };
    match rung {
        Rung::Polite => {
            for process in target.find().iter().filter(|process| process.session != pid) {
                if let Some(handle) = process.open() {
                    procfs::send(&handle, signal);
                    procfs::send(&handle, nix::libc::SIGCONT);
                }
            }
        }
        Rung::Kill => {
            // On a thread of its own: what hangs in the kernel must not keep the keeper from its other orders.
            let kill = move || {
                ladder::end(&mut || target.find(), nix::libc::SIGKILL, Duration::ZERO);
            };
            if std::thread::Builder::new().name("kill".to_owned()).spawn(kill).is_err() {
                shared.state().signal_group(key, nix::libc::SIGKILL);
            }
        }
    }
}

/// A live attempt with all that belongs to it.
pub(crate) struct Target {
    shared: Arc<Shared>,
    key: AttemptKey,
    tag: String,
    pid: i32,
}

impl Target {
    /// Returns an attempt that has a process.
    pub(crate) fn of(shared: &Arc<Shared>, key: AttemptKey) -> Option<Self> {
        let state = shared.state();
        let live = state.live.get(&key)?;
        Some(Self { shared: Arc::clone(shared), key, tag: live.tag.clone(), pid: live.pid? })
    }

    /// The main process and its descendants, whatever session they went to, and orphans of the attempt.
    pub(crate) fn find(&self) -> Vec<Process> {
        let mut found = find(&self.shared, &Whose::Attempt { tag: self.tag.clone(), session: self.pid });
        let live = self.shared.state().live.get(&self.key).is_some_and(|live| live.pid == Some(self.pid));
        if live {
            found.extend(procfs::trees(&[self.pid]));
        }
        found
    }
}

/// Ends everything, lets the workers finish their reports, and says what would not die.
pub(crate) fn everything(shared: &Shared) -> Vec<String> {
    {
        let mut state = shared.state();
        state.stopping = true;
        let withdrawn: Vec<Report> =
            state.take_waiting().map(|launch| Report::Withdrawn { key: launch.key }).collect();
        // Idle workers are left asleep: the process ends under them.
        drop(state);
        shared.link.report_all(withdrawn);
    }
    let grace = Duration::from_millis(shared.hello.grace_ms);
    sweep(shared, &Whose::Everything, shared.hello.signal, grace);
    // A worker between taking a launch and starting it may have started a process since.
    let until = Instant::now() + LAST_REPORTS;
    while !shared.wait_busy(LOOK_AGAIN) && Instant::now() < until {
        sweep(shared, &Whose::Everything, shared.hello.signal, Duration::ZERO);
    }
    let again = sweep(shared, &Whose::Everything, shared.hello.signal, Duration::ZERO);
    shared.wait_late(None);
    again.survivors
}

impl Shared {
    /// Waits until the late readers of a cell, or all, have read to the end, for a second at most.
    fn wait_late(&self, tag: Option<&str>) {
        self.wait_calm(LAST_WORDS, |state| match tag {
            Some(tag) => !state.late.contains_key(tag),
            None => state.late.is_empty(),
        });
    }

    /// Waits until no worker is at an attempt; says whether that is so.
    fn wait_busy(&self, limit: Duration) -> bool {
        self.wait_calm(limit, |state| state.busy == 0)
    }

    fn wait_calm(&self, limit: Duration, calm: impl Fn(&State) -> bool) -> bool {
        let until = Instant::now() + limit;
        let mut state = self.state();
        while !calm(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.calm.wait_timeout(state, left);
            state = waited.expect("no thread panics while it holds the state").0;
        }
        true
    }

    /// A late reader of a cell has read to the end.
    pub(crate) fn late_ended(&self, tag: &str) {
        let mut state = self.state();
        if let Some(count) = state.late.get_mut(tag) {
            *count -= 1;
            if *count == 0 {
                state.late.remove(tag);
            }
        }
        self.calm.notify_all();
    }
}
