//! Clocks of a frozen job as they can be seen: they stand still, and what is not over goes on from there.
//!
//! Not here: what a freeze does (`logic/job/freeze.rs`).

use super::job_view::JobView;
use super::parts::Phase;
use crate::logic::job::event::Event;
use crate::logic::time::Timestamp;

impl JobView {
    /// Returns what the clocks of the job show at a time.
    #[must_use]
    pub fn clock(&self, now: Timestamp) -> Timestamp {
        self.worked.clock(now)
    }

    /// Lets the clocks go on, if an event does that.
    pub(super) fn thaw(&mut self, event: &Event, at: Timestamp) {
        let Some(by) = self.worked.thaw(event, at) else { return };
        let later = |at: &mut Timestamp| *at = at.after(by);
        let phase = |phase: &mut Phase| {
            if let Phase::Retrying(until) = phase {
                later(until);
            }
        };
        for stage in self.stages.iter_mut().filter(|it| it.finished.is_none()) {
            stage.started.iter_mut().for_each(later);
            phase(&mut stage.phase);
        }
        for cell in self.cells.iter_mut().filter(|it| it.finished.is_none()) {
            cell.started.iter_mut().for_each(later);
            phase(&mut cell.phase);
            for step in cell.steps.iter_mut().filter(|it| it.finished.is_none()) {
                [&mut step.started, &mut step.try_started].into_iter().flatten().for_each(later);
                phase(&mut step.phase);
            }
        }
        for gate in self.open_gates.clone() {
            let Some(it) = self.gates.get_mut(gate as usize) else { continue };
            later(&mut it.since);
            later(&mut it.reminded);
            it.opened.until.iter_mut().for_each(later);
        }
    }
}
