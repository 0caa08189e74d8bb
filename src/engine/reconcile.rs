//! Wanted against in flight: begin, steer, drop. Nothing here decides; it compares.

use std::collections::{BTreeMap, BTreeSet};

use super::turn::Engine;
use crate::logic::job::effect::{Launch, Rung};
use crate::logic::job::launch::{launch, scratch_path};
use crate::logic::job::report::{AttemptKey, Report, StartFailure};
use crate::logic::job::wanted::wanted;
use crate::logic::playbook::model::Workspace;
use crate::port::keeper::ToKeeper;

/// What has been begun and not reported back.
#[derive(Default)]
pub(super) struct InFlight {
    live: BTreeMap<AttemptKey, Option<Rung>>,
    sweeps: BTreeSet<(u32, u32)>,
    closing: bool,
    /// Answers that come from here, because the world was never asked.
    pub(super) own: Vec<Report>,
}

impl InFlight {
    /// Takes a report into account.
    pub(super) fn reported(&mut self, report: &Report) {
        match report {
            Report::Exited(exit) => {
                self.live.remove(&exit.key);
            }
            Report::NotStarted { key, .. } | Report::Withdrawn { key } | Report::Lost { key, .. } => {
                self.live.remove(key);
            }
            Report::Swept { cell, run, .. } => {
                self.sweeps.remove(&(*cell, *run));
            }
            _ => {}
        }
    }

    pub(super) fn take_live(&mut self) -> Vec<AttemptKey> {
        std::mem::take(&mut self.live).into_keys().collect()
    }

    pub(super) fn take_sweeps(&mut self) -> Vec<(u32, u32)> {
        std::mem::take(&mut self.sweeps).into_iter().collect()
    }

    pub(super) fn take_close(&mut self) -> bool {
        std::mem::take(&mut self.closing)
    }
}

impl Engine {
    /// Returns the orders that make the world match what is wanted.
    pub(super) fn reconcile(&self, flight: &mut InFlight) -> Vec<ToKeeper> {
        let mut messages = Vec::new();
        let mut launches = Vec::new();
        let mut steer = Vec::new();
        for (&key, &rung) in wanted(&self.state).live {
            match flight.live.get_mut(&key) {
                None => {
                    flight.live.insert(key, None);
                    match self.prepare(key) {
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
        for (key, rung) in steer {
            let Some(rung) = rung else { continue };
            if let Some(sent) = flight.live.get_mut(&key) {
                *sent = Some(rung);
            }
            messages.push(ToKeeper::Withdraw { keys: vec![key] });
            messages.push(ToKeeper::Signal { key, rung, signal: self.signal(key.cell) });
        }
        self.sweep(flight, &mut messages);
        if wanted(&self.state).close && !flight.closing {
            flight.closing = true;
            messages.push(ToKeeper::Finish);
        }
        self.hash(flight);
        messages
    }

    fn signal(&self, cell: u32) -> i32 {
        let stage = self.state.cells[cell as usize].stage as usize;
        self.state.setting.plan.playbook.stages[stage].cancel.signal
    }

    fn prepare(&self, key: AttemptKey) -> Result<Launch, String> {
        let it = &self.state.cells[key.cell as usize];
        let stage = &self.state.setting.plan.playbook.stages[it.stage as usize];
        if stage.workspace == Workspace::Scratch {
            let dir = format!("{}/{}", self.state.setting.dir, scratch_path(key.cell, key.run));
            std::fs::create_dir_all(&dir)
                .map_err(|e| format!("the workspace `{dir}` cannot be made: {e}"))?;
        }
        launch(&self.state, key).map_err(|e| e.message)
    }

    fn sweep(&self, flight: &mut InFlight, messages: &mut Vec<ToKeeper>) {
        for &cell in wanted(&self.state).sweeping {
            let it = &self.state.cells[cell as usize];
            if flight.sweeps.insert((cell, it.run)) {
                let cancel = self.state.setting.plan.playbook.stages[it.stage as usize].cancel;
                messages.push(ToKeeper::Sweep {
                    cell,
                    run: it.run,
                    tag: format!("{}.{cell}.{}", self.state.setting.job_id, it.run),
                    grace_ms: u64::try_from(cancel.grace.as_millis()).unwrap_or(u64::MAX),
                    signal: cancel.signal,
                });
            }
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
