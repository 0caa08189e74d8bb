//! What an engine does so that its job gets what it shares with others, and gives it back.
//!
//! Not here: the table of claims (`store/claims.rs`), what is asked for when (`logic/job/share.rs`).
//! Whoever gives something back wakes the engines of those who wait, over their private sockets; besides, whoever waits
//! looks again every second, which is how it finds out that a holder has died.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::link;
use super::machine::{MachineLocks, Whose};
use super::store::{Ask, Release};
use super::turn::Engine;
use super::{EngineError, JobId};
use crate::logic::claims::Claim;
use crate::logic::job::event::{Envelope, Event};
use crate::logic::job::gate::GatePlace;
use crate::logic::job::report::Report;
use crate::logic::job::share::{SharePhase, Shares, job_run};
use crate::logic::job::wanted::wanted;

/// How long until somebody who waits looks again, if nobody wakes it.
const LOOK: Duration = Duration::from_secs(1);
/// The same for somebody who holds something, and may have been asked to give way.
const LOOK_HOLDING: Duration = Duration::from_secs(5);

/// What an engine knows of its claims.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// The job has claims, or had some.
    pub(super) is_used: bool,
    /// Something may have changed since the last look.
    pub(super) is_due: bool,
    /// What was asked for last.
    last: (Vec<(Option<u32>, u32)>, u32),
    machine: MachineLocks,
    /// Gave something back since others were told.
    gave_back: bool,
}

impl Engine {
    /// Asks for what is wanted, if that has changed or somebody said that there may be more; returns what came of it.
    pub(super) fn ask_for_claims(&mut self) -> Result<Vec<Report>, EngineError> {
        let wanted = wanted(&self.state);
        let now = (wanted.wishes.iter().map(|it| (it.cell, it.run)).collect::<Vec<_>>(), wanted.room);
        let is_quiet = now.0.is_empty() && self.sharing.last.0.is_empty();
        if !(self.sharing.is_due && self.sharing.is_used) && (is_quiet || now == self.sharing.last) {
            return Ok(Vec::new());
        }
        self.sharing.is_used = true;
        self.sharing.is_due = false;
        self.sharing.last = now;
        let holding = self.holding();
        let name = self.state.setting.plan.playbook.name.to_string();
        let (state, job, at) = (&self.state, self.number, self.clock.now());
        let machine = &mut self.sharing.machine;
        let place = |cell: u32| state.cell_name(cell);
        let mut beyond = |cell: Option<u32>, claims: &[Claim]| {
            let place = cell.map_or_else(String::new, |cell| state.cell_name(cell));
            let (project, dir) = (&state.setting.root, Path::new(&*state.setting.dir));
            let whose = Whose { dir, project, job, name: &name, place, now: at };
            machine.take(cell, claims, &whose)
        };
        let told = self.store.ask(&mut Ask {
            job,
            wishes: &wanted.wishes,
            room: wanted.room,
            holding: &holding,
            place: &place,
            beyond: &mut beyond,
            now: at,
        })?;
        self.wake(&told.wake);
        let reports =
            told.verdicts.into_iter().map(|(cell, run, verdict)| Report::Claims { cell, run, verdict });
        Ok(reports.collect())
    }

    /// What the job has, as far as its journal goes.
    fn holding(&self) -> Vec<(Option<u32>, u32, Vec<Claim>)> {
        let of = |shares: &Shares| -> Vec<Claim> {
            shares.claims.iter().filter(|claim| shares.phase.has(claim.kind)).cloned().collect()
        };
        let job = self.state.shares.as_ref().map(|it| (None, job_run(&self.state), of(it)));
        let cells = (0u32..).zip(&self.state.cells).filter_map(|(cell, it)| {
            let shares = it.shares.as_deref()?;
            Some((Some(cell), it.run, of(shares)))
        });
        job.into_iter().chain(cells).filter(|(.., claims)| !claims.is_empty()).collect()
    }

    /// Looks whether an engine that takes a job over still has what the one before had. To be asked before it goes on.
    pub(super) fn still_has(&mut self) -> Result<Vec<Report>, EngineError> {
        let holding = self.holding();
        self.sharing.is_used = !holding.is_empty() || self.store.has_claims(self.number)?;
        self.sharing.is_due = self.sharing.is_used;
        MachineLocks::forget(Path::new(&*self.state.setting.dir), &holding);
        if holding.is_empty() {
            return Ok(Vec::new());
        }
        let mut reports = self.ask_for_claims()?;
        reports
            .retain(|it| matches!(it, Report::Claims { verdict: crate::logic::claims::Verdict::Lost, .. }));
        // What reaches beyond the project went with the last process of the one before, and may be somebody else's by now.
        let name = self.state.setting.plan.playbook.name.to_string();
        for (cell, run, claims) in &holding {
            let place = cell.map_or_else(String::new, |cell| self.state.cell_name(cell));
            let (project, dir) = (&self.state.setting.root, Path::new(&*self.state.setting.dir));
            let whose = Whose { dir, project, job: self.number, name: &name, place, now: self.clock.now() };
            if self.sharing.machine.take(*cell, claims, &whose).is_err() {
                let of_others: Vec<_> = holding.iter().filter(|it| it.0 != *cell).cloned().collect();
                MachineLocks::forget(dir, &of_others);
                let verdict = crate::logic::claims::Verdict::Lost;
                reports.push(Report::Claims { cell: *cell, run: *run, verdict });
            }
        }
        self.sharing.is_due = true;
        Ok(reports)
    }

    /// Returns what is given back by events that are about to be recorded.
    pub(super) fn releases(&self, envelopes: &[Arc<Envelope>]) -> Vec<Release> {
        if !self.sharing.is_used {
            return Vec::new();
        }
        let of = |cell: u32| &self.state.cells[cell as usize];
        let given_up = |cell: u32| match of(cell).shares.as_ref()?.phase {
            SharePhase::Yielded { with_locks } => Some(Release::Part { cell, with_locks }),
            SharePhase::Asked | SharePhase::Held => None,
        };
        let mut released = Vec::new();
        for event in envelopes.iter().map(|it| &it.event) {
            let it = match event {
                Event::JobFinished { .. } => Some(Release::Job),
                Event::CellFinished { cell, .. } | Event::CellRetrying { cell, .. } => {
                    Some(Release::Cell(*cell))
                }
                Event::ClaimsLost { cell: Some(cell), .. } if of(*cell).shares.is_none() => {
                    Some(Release::Cell(*cell))
                }
                Event::StepRetrying { key, .. } | Event::StepStarted { key } => given_up(key.cell),
                Event::StepFinished(end) => given_up(end.key.cell),
                Event::GateOpened(it) => match it.place {
                    GatePlace::Step(key) => given_up(key.cell),
                    GatePlace::Stage(_) => None,
                },
                _ => None,
            };
            released.extend(it.filter(|it| !released.contains(it)));
            if matches!(event, Event::StepFinished(_) | Event::RollbackAsked { .. }) {
                // In a rollback only the cell whose turn it is has something.
                let others = self.state.index.rolling.iter().filter(|&&cell| of(cell).shares.is_none());
                released.extend(others.map(|&cell| Release::Cell(cell)));
            }
        }
        released
    }

    /// Takes note of what was given back.
    pub(super) fn released(&mut self, releases: &[Release]) {
        for it in releases {
            match it {
                Release::Job => self.sharing.machine.give_back_all(),
                Release::Cell(cell) => self.sharing.machine.give_back(Some(*cell)),
                Release::Part { cell, with_locks: true } => self.sharing.machine.give_back_locks(*cell),
                Release::Part { .. } => {}
            }
        }
        if !releases.is_empty() {
            self.sharing.gave_back = true;
            self.sharing.is_due = true;
        }
    }

    /// Lets those who wait look again, if something was given back.
    pub(super) fn tell_those_who_wait(&mut self) {
        if !std::mem::take(&mut self.sharing.gave_back) {
            return;
        }
        // Whoever is not told looks by itself a little later.
        if let Ok(waiting) = self.store.who_waits(self.number) {
            self.wake(&waiting);
        }
    }

    fn wake(&self, jobs: &[String]) {
        for id in jobs {
            link::wake(&self.socket_dir, &JobId(id.as_str().into()));
        }
    }

    /// How long until the next look at what is shared; nothing if nothing is.
    pub(super) fn next_look(&self) -> Option<Duration> {
        if !self.sharing.is_used {
            return None;
        }
        if !self.sharing.last.0.is_empty() {
            return Some(LOOK);
        }
        let holds = self.state.shares.is_some() || self.state.cells.iter().any(|it| it.shares.is_some());
        holds.then_some(LOOK_HOLDING)
    }
}
