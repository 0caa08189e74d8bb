//! What may not happen in a job, judged event by event on the state before it.
//!
//! Not here: the worlds that it happens in (`property_tests.rs`).

use super::{Checked, Sim};
use crate::logic::claims::Kind;
use crate::logic::job::cached::CachePhase;
use crate::logic::job::effect::Rung;
use crate::logic::job::event::{Cause, Event, Outcome};
use crate::logic::job::gate::OnTimeout;
use crate::logic::job::report::AttemptKey;
use crate::logic::job::share;
use crate::logic::job::state::{CellState, StagePhase, StepPhase};
use crate::logic::job::undo;
use crate::logic::playbook::sidecar::Part;
use std::collections::BTreeSet;

impl Sim {
    /// Invariants of single events, judged on the state before them.
    pub(super) fn watch(&mut self, event: &Event) -> Checked {
        self.watch_freeze(event)?;
        self.watch_services(event)?;
        match event {
            Event::StageStarted { stage, .. } => {
                let model = &self.state.setting.plan.playbook.stages[*stage as usize];
                for &need in &model.needs {
                    if !matches!(self.state.stages[need].phase, StagePhase::Finished { .. }) {
                        return Err(format!("stage {stage} started before its need {need} had ended"));
                    }
                }
                if !crate::logic::job::calls::is_final_due(&self.state, *stage) && model.is_final {
                    return Err(format!("final stage {stage} started before the others had ended"));
                }
                let gate = self.state.stages[*stage as usize].gate;
                if model.approve.is_some() && !gate.is_some_and(|gate| self.let_through.contains(&gate)) {
                    return Err(format!("stage {stage} passed its gate unasked"));
                }
            }
            Event::StepStarted { key } => self.watch_start(*key)?,
            Event::CellStarted { cell, .. } => {
                let it = &self.state.cells[*cell as usize];
                if super::super::cached::is_undecided(&self.state, *cell) {
                    return Err(format!("cell {cell} started before the cache had answered"));
                }
                if it.cached.as_ref().is_some_and(|it| it.phase == CachePhase::Hit) {
                    return Err(format!("cell {cell} started though a result fitted"));
                }
                let (stage, was_begun) = (it.stage, it.submitted.is_some());
                let is_final = self.state.setting.plan.stages[stage as usize].is_last;
                if self.state.cancel.as_ref().is_some_and(|c| c.force) && !is_final && !was_begun {
                    return Err(format!("cell {cell} started after a forced cancel of the job"));
                }
            }
            Event::CellStopping { cause: Cause::FailFast { cell }, .. }
                if self.state.cells[*cell as usize].outcome() != Some(Outcome::Failure) =>
            {
                return Err(format!("cell {cell} made its siblings stop and has not failed"));
            }
            Event::CellFinished { cell, outcome, .. } => {
                self.skipped += u32::from(*outcome == Outcome::Skipped);
                let was_asked = self.state.cells[*cell as usize].skip.is_some();
                let is_rolled_back = self.state.cells[*cell as usize].saga.whole.is_some();
                let fits = if is_rolled_back {
                    self.rolled_back += 1;
                    true
                } else if was_asked {
                    [Outcome::Skipped, Outcome::Success].contains(outcome)
                } else {
                    *outcome != Outcome::Skipped
                };
                if !fits {
                    return Err(format!("cell {cell} is {outcome:?}, asked to skip it: {was_asked}"));
                }
            }
            Event::StageFinished {
                stage,
                cause: Some(Cause::Order { .. }),
                outcome: Outcome::Skipped,
                ..
            } => {
                let it = &self.state.stages[*stage as usize];
                // What is called is left out with its caller.
                let by_caller = crate::logic::job::calls::caller_end(&self.state, *stage).is_some();
                if it.phase == StagePhase::Pending && it.skip.is_none() && !by_caller {
                    return Err(format!("stage {stage} was skipped although that was withdrawn"));
                }
            }
            Event::JobRetrying { stages, cells, .. } => {
                self.retried += 1;
                self.watch_retry(stages, cells)?;
            }
            Event::SkipWithdrawn { .. } => self.withdrawn += 1,
            Event::StepFinished(_) | Event::StepRetrying { .. } | Event::StageFinished { .. } => {
                self.watch_end(event)?
            }
            other => self.watch_gate(other)?,
        }
        Ok(())
    }

    /// A step ends once, an undo not by being lost, and a stage when nothing of it runs.
    fn watch_end(&mut self, event: &Event) -> Checked {
        match event {
            Event::StepFinished(end) => {
                let it = &self.state.cells[end.key.cell as usize];
                let model = &self.state.setting.plan.playbook.stages[it.stage as usize].steps.steps;
                let of = &it.steps[end.key.step as usize];
                let is_undo = model[end.key.step as usize].undoes.is_some();
                self.undone += u32::from(is_undo);
                if is_undo && matches!(end.cause, Some(Cause::Interrupted { .. })) {
                    return Err(format!("{:?} was lost, and not begun again", end.key));
                }
                if of.done().is_some() {
                    return Err(format!("{:?} ended twice", end.key));
                }
            }
            Event::StepRetrying { rerun: true, .. } => self.lost += 1,
            Event::StageFinished { stage, .. } => {
                let it = &self.state.stages[*stage as usize];
                if let Some(cell) = it.cells.iter().find(|&&cell| self.state.live_of(cell).next().is_some()) {
                    return Err(format!("stage {stage} ended while something of cell {cell} runs"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Nothing is stopped, falls due or ends by itself in a frozen job, and a time limit is as long as it says.
    fn watch_freeze(&mut self, event: &Event) -> Checked {
        if self.state.frozen.is_some() {
            let goes_on = matches!(
                event,
                Event::StepStopping { .. }
                    | Event::CellStopping { .. }
                    | Event::CellFinished { .. }
                    | Event::StageFinished { .. }
                    | Event::StepSubmitted { .. }
                    | Event::GateOpened(_)
                    | Event::GateExpired { .. }
                    | Event::GateReminded { .. }
            );
            if goes_on {
                return Err(format!("{} in a frozen job", event.type_name()));
            }
        }
        if let Event::StepStopping { key, cause: Cause::Timeout { of }, rung: Rung::Polite } = event
            && of == "step"
            && let Some(process) = self.live.get(key)
        {
            let stage = self.state.cells[key.cell as usize].stage as usize;
            let model = &self.state.setting.plan.playbook.stages[stage].steps.steps[key.step as usize];
            let limit = model.timeout.map_or(0, |limit| i64::try_from(limit.as_micros()).unwrap_or(0));
            if self.now.0 - process.began < limit {
                return Err(format!("{key:?} timed out early"));
            }
        }
        Ok(())
    }

    /// A service begins before all steps and ends after them, the last one first; no step begins after it has failed, or
    /// before it is ready, but what asks for it.
    fn watch_services(&mut self, event: &Event) -> Checked {
        let (Event::StepStarted { key } | Event::StepStopping { key, .. }) = event else { return Ok(()) };
        let it = &self.state.cells[key.cell as usize];
        let tree = &self.state.setting.plan.playbook.stages[it.stage as usize].steps;
        let model = &tree.steps[key.step as usize];
        let is_open = |at: usize| it.steps[at].is_open();
        if let Event::StepStopping { cause: Cause::StepsOver, .. } = event {
            self.served += 1;
            let others = (0..tree.steps.len()).filter(|&at| !tree.steps[at].part.is_some_and(Part::is_run));
            let mut later = tree.sidecars.iter().map(|it| it.step).filter(|&at| at > key.step as usize);
            if others.clone().any(is_open) || later.any(is_open) {
                return Err(format!("{key:?} is ended while something that may need it runs"));
            }
        }
        let is_asked = model.condition.is_some() || model.undoes.is_some() || model.parent.is_some();
        if !matches!(event, Event::StepStarted { .. }) || is_asked || !model.action.is_run() {
            return Ok(());
        }
        let is_ready = |at: usize| {
            let done = it.steps[at].done();
            let part = tree.steps[at].part;
            part.is_none_or(|part| {
                part.is_run() || done.is_some_and(|done| done.conclusion == Some(Outcome::Success))
            })
        };
        let is_step = model.part.is_none();
        if is_step && !(0..tree.steps.len()).all(is_ready) {
            return Err(format!("{key:?} began before its services were ready"));
        }
        if tree.sidecars.iter().any(|other| it.steps[other.step].failed()) {
            return Err(format!("{key:?} began after a service of its cell had failed"));
        }
        Ok(())
    }

    /// Nobody counts twice, nothing falls due in a pause, and what waits has no slot unless it holds it.
    fn watch_gate(&mut self, event: &Event) -> Checked {
        let at = match event {
            Event::GateOpened(_) => 0,
            Event::GateApproved(it) => {
                let gate = &self.state.gates[it.gate as usize];
                let mut who: BTreeSet<&str> = gate.approvals.iter().map(|it| &*it.counts_as).collect();
                who.insert(&it.counts_as);
                if who.len() != gate.opened.count as usize {
                    return Err(format!("gate {} was approved by {who:?}", it.gate));
                }
                1
            }
            Event::GateRejected(_) => 2,
            Event::GateExpired { gate, .. } => {
                if self.state.paused.is_some() {
                    return Err(format!("gate {gate} expired in a pause"));
                }
                3
            }
            Event::GateWithdrawn { .. } => 4,
            _ => return Ok(()),
        };
        self.gates[at] += 1;
        self.pass(event);
        Ok(())
    }

    /// Takes note of a gate that lets through.
    pub(super) fn pass(&mut self, event: &Event) {
        match event {
            Event::GateApproved(it) => {
                self.let_through.insert(it.gate);
            }
            Event::GateExpired { gate, then: OnTimeout::Approve, .. } => {
                self.let_through.insert(*gate);
            }
            _ => {}
        }
    }

    /// Nothing starts twice, after a forced cancel, or where something else is in its way.
    fn watch_start(&mut self, key: AttemptKey) -> Checked {
        if !self.started.insert((key, self.state.attempt)) {
            return Err(format!("{key:?} started twice"));
        }
        let it = &self.state.cells[key.cell as usize];
        let tree = &self.state.setting.plan.playbook.stages[it.stage as usize].steps;
        if !tree.is_concurrent && self.state.live_of(key.cell).next().is_some() {
            return Err(format!("{key:?} started while another step of its cell runs"));
        }
        self.watch_undo(key)?;
        self.watch_together(key)?;
        self.watch_claims(key)?;
        let it = &self.state.cells[key.cell as usize];
        if it.stop.as_ref().is_some_and(|s| s.rung == Rung::Kill) {
            return Err(format!("{key:?} started after a forced cancel"));
        }
        Ok(())
    }

    /// What is begun has what it claims, unless it is cleanup; and nobody else has it.
    fn watch_claims(&self, key: AttemptKey) -> Checked {
        let it = &self.state.cells[key.cell as usize];
        if it.stop.is_some() {
            return Ok(());
        }
        if !share::has_all(&self.state, key.cell) || !share::job_has_all(&self.state) {
            return Err(format!("{key:?} started without what it shares with others"));
        }
        let Some(own) = &it.shares else { return Ok(()) };
        let others = (0u32..).zip(&self.state.cells).filter(|(cell, _)| *cell != key.cell);
        for (cell, shares) in others.filter_map(|(cell, it)| Some((cell, it.shares.as_deref()?))) {
            let theirs = shares.claims.iter().filter(|it| shares.phase.has(it.kind));
            for (own, theirs) in theirs.flat_map(|theirs| own.claims.iter().map(move |own| (own, theirs))) {
                let is_whole = own.kind != Kind::Resource && !(own.is_shared && theirs.is_shared);
                if is_whole && own.is_about(theirs) {
                    return Err(format!("{key:?} started while cell {cell} has the same: {own:?}"));
                }
            }
        }
        Ok(())
    }

    /// What a cell may have at the same time.
    fn watch_together(&mut self, key: AttemptKey) -> Checked {
        let it = &self.state.cells[key.cell as usize];
        let tree = &self.state.setting.plan.playbook.stages[it.stage as usize].steps;
        let beside = self.state.live_of(key.cell).count();
        self.together += u32::from(beside > 0);
        let live = |at: &&usize| it.steps[**at].phase == StepPhase::Running;
        if tree.background.iter().filter(live).count() > 10 || beside > 64 {
            return Err(format!("{key:?} is more at once than a cell may have"));
        }
        if !it.holds_slot && beside > 0 {
            return Err(format!("cell {} runs something and has no slot", key.cell));
        }
        Ok(())
    }

    /// An undo is of something that succeeded, the newest of those there are, and the only one that runs.
    fn watch_undo(&self, key: AttemptKey) -> Checked {
        let it = &self.state.cells[key.cell as usize];
        let steps = |it: &CellState| {
            let stage = &self.state.setting.plan.playbook.stages[it.stage as usize];
            stage.steps.steps.iter().map(|step| step.undoes).collect::<Vec<_>>()
        };
        let Some(owner) = steps(it)[key.step as usize] else { return Ok(()) };
        let Some(own) = undo::target(it, owner) else {
            return Err(format!("{key:?} undoes what has not succeeded"));
        };
        let rolling = &self.state.index.rolling;
        let cells: Vec<u32> =
            if it.saga.whole.is_some() { rolling.iter().copied().collect() } else { vec![key.cell] };
        for cell in cells {
            let other = &self.state.cells[cell as usize];
            let undoes = steps(other);
            if let Some(live) = self.state.live_of(cell).find(|live| undoes[live.step as usize].is_some()) {
                return Err(format!("{key:?} is undone while {live:?} is"));
            }
            // One that is tried again is seen through first, whatever has succeeded meanwhile.
            let is_newer = |it: &&undo::Armed| !it.has_failed && it.number > own.number;
            let newer = other.saga.armed.iter().find(is_newer);
            if let Some(newer) = newer.filter(|_| it.saga.undoing != Some(own.number)) {
                return Err(format!("{key:?} is undone before {newer:?}"));
            }
        }
        Ok(())
    }

    /// What runs again at once must not be built on something that is still to run, nor be under way.
    fn watch_retry(&self, stages: &[u32], cells: &[u32]) -> Checked {
        let again: BTreeSet<u32> = cells
            .iter()
            .map(|&cell| self.state.cells[cell as usize].stage)
            .chain(stages.iter().copied())
            .collect();
        let plan = &self.state.setting.plan.playbook.stages;
        for &cell in cells {
            let it = &self.state.cells[cell as usize];
            let model = &plan[it.stage as usize];
            if it.outcome().is_none() {
                return Err(format!("cell {cell} is run again while it runs"));
            }
            for &need in &model.needs {
                let has_ended = matches!(self.state.stages[need].phase, StagePhase::Finished { .. });
                if !has_ended || again.iter().any(|&at| at as usize == need) {
                    return Err(format!("cell {cell} is run again before its need {need} has ended"));
                }
            }
            // A `finally` comes after what stands in the same playbook.
            let is_before = |at: u32| !plan[at as usize].is_final && plan[at as usize].frame == model.frame;
            let ordinary = again.iter().any(|&at| is_before(at));
            let is_due = crate::logic::job::calls::is_final_due(&self.state, it.stage);
            if model.is_final && (ordinary || !is_due) {
                return Err(format!("final cell {cell} is run again before the others have ended"));
            }
        }
        let runs = |at: &&u32| matches!(self.state.stages[**at as usize].phase, StagePhase::Started { .. });
        match stages.iter().find(runs) {
            Some(stage) => Err(format!("stage {stage} begins anew while it runs")),
            None => Ok(()),
        }
    }
}
