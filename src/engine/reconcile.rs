//! Wanted against in flight: begin, steer, drop. Nothing here decides; it compares.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::handle::AskedHere;
use super::turn::{Engine, Heard};
use crate::logic::job::Input;
use crate::logic::job::effect::{Launch, Rung};
use crate::logic::job::launch::{launch, scratch_path};
use crate::logic::job::report::{AttemptKey, Exit, Report, StartFailure};
use crate::logic::job::sidecar::removals;
use crate::logic::job::state::{JobPhase, JobState};
use crate::logic::job::wanted::{is_forced, wanted};
use crate::logic::playbook::model::{Cancel, Workspace};
use crate::port::keeper::{Held, Hold, OnLoss, ToKeeper};
use crate::port::words;

/// The number of the signal that cannot be refused, on every system with signals.
const SIGKILL: i32 = 9;

/// How processes are ended that nobody asks any more.
pub(super) const AT_ONCE: Cancel = Cancel { signal: SIGKILL, grace: Duration::ZERO };

/// What has been begun and not reported back.
#[derive(Default)]
pub(super) struct InFlight {
    live: BTreeMap<AttemptKey, Option<Rung>>,
    /// Of these, the submitted ones that have not begun as far as is known, and whether they were asked back.
    submitted: BTreeMap<AttemptKey, bool>,
    /// Of cells and their runs, and whether they kill at once.
    sweeps: BTreeMap<(u32, u32), bool>,
    /// Of the live ones, those that are stopped.
    frozen: BTreeSet<AttemptKey>,
    /// Taken over from another engine: nobody knows which of them are.
    is_unsure: bool,
    closing: bool,
    /// The keeper was told that nothing is to outlive this engine.
    doomed: bool,
    /// Answers that come from here, because the world was never asked.
    pub(super) own: Vec<Report>,
    /// Orders that came too late. Whoever gave them hears that this engine has gone, once it has.
    late: Vec<AskedHere>,
}

impl InFlight {
    /// Returns what an engine takes over that finds a keeper at work, and orders that end what the journal knows nothing
    /// of.
    pub(super) fn adopted(held: &[Held], sweeps: Vec<(u32, u32)>, state: &JobState) -> (Self, Vec<ToKeeper>) {
        let (known, unknown): (Vec<&Held>, Vec<&Held>) =
            held.iter().partition(|it| state.index.live.contains_key(&it.key));
        let is_submitted = |it: &&&Held| {
            it.how == Hold::Submitted || state.cells[it.key.cell as usize].submitted == Some(it.key)
        };
        let flight = Self {
            live: known.iter().map(|it| (it.key, it.rung)).collect(),
            submitted: known.iter().filter(is_submitted).map(|it| (it.key, false)).collect(),
            sweeps: sweeps.into_iter().map(|it| (it, false)).collect(),
            is_unsure: true,
            ..Self::default()
        };
        let unknown = unknown.into_iter().filter(|it| it.how != Hold::Reported).map(|it| it.key);
        let ends = unknown.flat_map(|key| {
            [
                ToKeeper::Withdraw { keys: vec![key] },
                ToKeeper::Signal { key, rung: Rung::Kill, signal: SIGKILL },
            ]
        });
        let ends = ends.collect();
        (flight, ends)
    }

    /// Takes a report into account.
    pub(super) fn reported(&mut self, report: &Report) {
        match report {
            Report::Exited(Exit { key, .. })
            | Report::NotStarted { key, .. }
            | Report::Withdrawn { key }
            | Report::Lost { key, .. } => {
                self.live.remove(key);
                self.submitted.remove(key);
                self.frozen.remove(key);
            }
            Report::Swept { cell, run, .. } => {
                self.sweeps.remove(&(*cell, *run));
            }
            _ => {}
        }
        if let Report::Exited(Exit { next: Some(next), .. }) = report {
            self.submitted.remove(next);
        }
    }

    /// Returns how many tries have a slot, as far as is known.
    pub(super) fn at_work(&self) -> usize {
        self.live.len().saturating_sub(self.submitted.len())
    }

    /// Returns how many tries are with the keeper besides those that have a slot, or these reports say have begun. None if
    /// a slot came free that waits for an order.
    pub(super) fn ahead(&self, heard: &[Heard]) -> Option<usize> {
        let mut ahead = self.submitted.len();
        for it in heard {
            match it {
                Heard::Input(Input::Report(Report::Exited(exit))) => {
                    // One that had been promoted leaves the slot over that it was promoted to.
                    if !self.submitted.contains_key(exit.next.as_ref()?) {
                        return None;
                    }
                    ahead = ahead.saturating_sub(1);
                }
                Heard::Input(Input::Report(Report::Annotated { .. } | Report::Kept { .. })) => {}
                _ => return None,
            }
        }
        Some(ahead)
    }

    /// Says whether a withdrawn try was asked back while it was submitted, and is wanted again by now.
    pub(super) fn is_wanted_again(&self, report: &Report, state: &JobState) -> bool {
        let Report::Withdrawn { key } = report else { return false };
        self.live.get(key) == Some(&None)
            && state.index.live.contains_key(key)
            && state.cells[key.cell as usize].submitted != Some(*key)
    }

    /// Lets go on what is stopped and should not be. Before all other orders: a stopped process hears no signal.
    fn thaw(&mut self, is_frozen: bool, messages: &mut Vec<ToKeeper>) {
        if is_frozen {
            return;
        }
        let mut keys: Vec<AttemptKey> = std::mem::take(&mut self.frozen).into_iter().collect();
        if std::mem::take(&mut self.is_unsure) {
            keys = self.live.keys().copied().collect();
        }
        if !keys.is_empty() {
            messages.push(ToKeeper::Thaw { keys });
        }
    }

    /// Stops what runs and should not. After all other orders: what they begin is stopped with the rest.
    fn freeze(&mut self, is_frozen: bool, messages: &mut Vec<ToKeeper>) {
        if !is_frozen {
            return;
        }
        self.is_unsure = false;
        let new =
            self.live.keys().filter(|key| !self.submitted.contains_key(key) && !self.frozen.contains(key));
        let keys: Vec<AttemptKey> = new.copied().collect();
        if !keys.is_empty() {
            self.frozen.extend(&keys);
            messages.push(ToKeeper::Freeze { keys });
        }
    }

    pub(super) fn take_live(&mut self) -> Vec<AttemptKey> {
        self.submitted.clear();
        self.frozen.clear();
        self.doomed = false;
        std::mem::take(&mut self.live).into_keys().collect()
    }

    pub(super) fn take_sweeps(&mut self) -> Vec<(u32, u32)> {
        std::mem::take(&mut self.sweeps).into_keys().collect()
    }

    pub(super) fn take_close(&mut self) -> bool {
        std::mem::take(&mut self.closing)
    }

    /// Keeps what would let the job run on, unanswered, once it ends here: its keeper begins nothing any more, and its
    /// reports are written. An engine that comes after this one carries such an order out, as it does with one that comes a
    /// moment later. Gives back all others.
    pub(super) fn in_time(&mut self, order: AskedHere, state: &JobState) -> Option<AskedHere> {
        let is_over = self.closing || matches!(state.phase, JobPhase::Finished { .. });
        if is_over && order.asked.order.runs_on() {
            self.late.push(order);
            return None;
        }
        Some(order)
    }
}

impl Engine {
    /// Returns the orders that make the world match what is wanted.
    pub(super) fn reconcile(&self, flight: &mut InFlight) -> Vec<ToKeeper> {
        let mut messages = Vec::new();
        let (mut launches, mut submitted) = (Vec::new(), Vec::new());
        let mut steer = Vec::new();
        let wanted = wanted(&self.state);
        if flight.doomed != wanted.doomed {
            flight.doomed = wanted.doomed;
            let on_loss = if wanted.doomed { OnLoss::Stop } else { self.hello.on_loss };
            messages.push(ToKeeper::OnLoss(on_loss));
        }
        flight.thaw(wanted.frozen, &mut messages);
        self.recall(&wanted.recalled, flight, &mut messages);
        for (&key, &rung) in wanted.live {
            match flight.live.get_mut(&key) {
                // Asked back before it was given.
                None if wanted.recalled.contains(&key) => flight.own.push(Report::Withdrawn { key }),
                None => {
                    flight.live.insert(key, None);
                    let is_submitted = self.state.cells[key.cell as usize].submitted == Some(key);
                    let is_extra = self.is_beside(key, flight);
                    match self.prepare(key).map(|launch| Launch { is_extra, ..launch }) {
                        Ok(launch) if is_submitted => {
                            flight.submitted.insert(key, false);
                            submitted.push(launch);
                        }
                        Ok(launch) => launches.push(launch),
                        Err(message) => {
                            flight.own.push(Report::NotStarted { key, why: StartFailure::Other, message });
                        }
                    }
                    if rung.is_some() {
                        steer.push((key, rung));
                    }
                }
                Some(sent) if *sent < rung => steer.push((key, rung)),
                Some(_) => {}
            }
        }
        if !launches.is_empty() {
            messages.push(ToKeeper::Run { launches });
        }
        if !submitted.is_empty() {
            messages.push(ToKeeper::Submit { launches: submitted });
        }
        for (key, rung) in steer {
            let Some(rung) = rung else { continue };
            if let Some(sent) = flight.live.get_mut(&key) {
                *sent = Some(rung);
            }
            messages.push(ToKeeper::Withdraw { keys: vec![key] });
            messages.push(ToKeeper::Signal { key, rung, signal: self.signal(key.cell) });
        }
        flight.freeze(wanted.frozen, &mut messages);
        self.sweep(flight, &mut messages);
        if wanted.close && !flight.closing {
            flight.closing = true;
            messages.push(ToKeeper::Finish);
        }
        self.hash(flight);
        messages
    }

    /// Asks back what is not to begin, and lets begin what got a slot.
    fn recall(&self, recalled: &[AttemptKey], flight: &mut InFlight, messages: &mut Vec<ToKeeper>) {
        if flight.submitted.is_empty() {
            return;
        }
        let mut keys = Vec::new();
        for key in recalled {
            if let Some(asked @ false) = flight.submitted.get_mut(key) {
                *asked = true;
                keys.push(*key);
            }
        }
        if !keys.is_empty() {
            messages.push(ToKeeper::Withdraw { keys });
        }
        let mut keys = Vec::new();
        flight.submitted.retain(|key, asked_back| {
            let has_slot = self.state.cells[key.cell as usize].submitted != Some(*key);
            // One that was asked back is either on its way here or has begun: the keeper's answer tells.
            if has_slot && !*asked_back {
                keys.push(*key);
            }
            !has_slot
        });
        if !keys.is_empty() {
            messages.push(ToKeeper::Promote { keys });
        }
    }

    fn signal(&self, cell: u32) -> i32 {
        let stage = self.state.cells[cell as usize].stage as usize;
        self.state.setting.plan.playbook.stages[stage].cancel.signal
    }

    /// Says whether something else of the same cell is with the keeper already, in whose slot this one runs.
    fn is_beside(&self, key: AttemptKey, flight: &InFlight) -> bool {
        let stage = self.state.cells[key.cell as usize].stage as usize;
        let first = AttemptKey { step: 0, attempt: 0, ..key };
        let last = AttemptKey { step: u32::MAX, attempt: u32::MAX, ..key };
        self.state.setting.plan.playbook.stages[stage].steps.is_concurrent
            && flight.live.range(first..=last).any(|(other, _)| *other != key)
    }

    fn prepare(&self, key: AttemptKey) -> Result<Launch, String> {
        let it = &self.state.cells[key.cell as usize];
        let stage = &self.state.setting.plan.playbook.stages[it.stage as usize];
        if stage.workspace == Workspace::Scratch {
            let dir = format!("{}/{}", self.state.setting.dir, scratch_path(key.cell, key.run));
            std::fs::create_dir_all(&dir)
                .map_err(|e| format!("the workspace `{dir}` cannot be made: {}", words(&e)))?;
        }
        launch(&self.state, key).map_err(|e| e.message)
    }

    /// Ends what is left of cells; once more and at once, if that is what somebody wants meanwhile.
    fn sweep(&self, flight: &mut InFlight, messages: &mut Vec<ToKeeper>) {
        for &cell in wanted(&self.state).sweeping {
            let it = &self.state.cells[cell as usize];
            let at_once = is_forced(&self.state, cell);
            let sent = flight.sweeps.insert((cell, it.run), at_once);
            if sent.is_some_and(|sent| sent || !at_once) {
                continue;
            }
            let cancel = match at_once {
                true => AT_ONCE,
                false => self.state.setting.plan.playbook.stages[it.stage as usize].cancel,
            };
            messages.push(ToKeeper::Sweep {
                cell,
                run: it.run,
                tag: format!("{}.{cell}.{}", self.state.setting.job_id, it.run),
                grace_ms: u64::try_from(cancel.grace.as_millis()).unwrap_or(u64::MAX),
                signal: cancel.signal,
                remove: removals(&self.state, cell),
            });
        }
    }

    /// Makes the digests that expressions wait for. Done here and at once: `hashFiles` is rare, and a cell waits for it.
    fn hash(&self, flight: &mut InFlight) {
        for &cell in wanted(&self.state).hashing {
            let it = &self.state.cells[cell as usize];
            let Some(patterns) = &it.hash_wanted else { continue };
            let digest = (self.world.hash_files)(std::path::Path::new(&*self.state.setting.root), patterns);
            flight.own.push(Report::Hashed { cell, run: it.run, patterns: patterns.clone(), digest });
        }
    }
}
