//! A cache that answers by dice: now or later, that something fits, that nothing does, that it was kept or not.

use super::{Checked, Sim};
use crate::logic::cache::{Hit, Kept, Looked, Miss, Record, Replay, Unit};
use crate::logic::job::Input;
use crate::logic::job::event::StepEnd;
use crate::logic::job::report::{AttemptKey, Report};
use crate::logic::job::wanted::wanted;

impl Sim {
    /// Answers what was asked of the cache, all of it if nothing else goes on.
    pub(super) fn results(&mut self) -> Checked {
        for _ in 0..1_000 {
            let can_wait = !self.live.is_empty() && self.dice.one_in(3);
            // Mostly nothing is asked, and all that is wanted is much to find out for that.
            if self.state.index.looking.is_empty() && self.state.index.keeping.is_empty() {
                return Ok(());
            }
            let wanted = wanted(&self.state);
            let looking: Vec<Unit> = wanted.looking.iter().copied().collect();
            let keeping: Vec<Unit> = wanted.keeping.iter().copied().collect();
            if (looking.is_empty() && keeping.is_empty()) || can_wait {
                return Ok(());
            }
            for unit in looking {
                let looked = if self.dice.one_in(3) {
                    self.hits += 1;
                    Looked::Hit(Box::new(self.hit(unit)))
                } else {
                    let is_hopeless = self.dice.one_in(4);
                    Looked::Miss(Box::new(Miss { reason: "new".to_owned(), is_hopeless, ..Miss::default() }))
                };
                self.input(&Input::Report(Report::Looked { unit, looked }))?;
            }
            for unit in keeping {
                self.kept += 1;
                let kept = if self.dice.one_in(3) {
                    Kept::Not {
                        reason: "changed".to_owned(),
                        message: String::new(),
                        is_seen: self.dice.one_in(2),
                    }
                } else {
                    Kept::Stored { key: String::new(), files: 1, bytes: 1, notes: Vec::new() }
                };
                self.input(&Input::Report(Report::Kept { unit, kept }))?;
            }
        }
        Err("results are asked for without end".to_owned())
    }

    fn hit(&self, unit: Unit) -> Hit {
        let stage = self.state.cells[unit.cell as usize].stage;
        let steps = self.state.setting.plan.playbook.stages[stage as usize].steps.steps.len();
        let all = (0..u32::try_from(steps).unwrap_or(0)).filter(|at| unit.step.is_none_or(|it| it == *at));
        let replay = |step| {
            let key = AttemptKey { cell: unit.cell, run: unit.run, step, attempt: 1 };
            Replay { end: StepEnd::new(key), annotations: Vec::new() }
        };
        let record = Record { steps: all.map(replay).collect(), took_us: 1, artifacts: Vec::new() };
        Hit { key: String::new(), record, restored: 0, files: 0, bytes: 0, made_by: 1, notes: Vec::new() }
    }
}
