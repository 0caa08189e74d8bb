//! Lets what is reported gather, where nobody waits for it: a turn of the engine costs as much for one report as for ten.

use std::time::Duration;

use super::reconcile::InFlight;
use super::turn::{Engine, Heard};
use crate::port::Outside;

/// Between two glances at what came meanwhile, and how long reports gather at most.
const REPORTS: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(10));

/// The same for answers to looks.
const LOOKS: (Duration, Duration) = (Duration::from_micros(250), Duration::from_millis(2));

/// With more looks under way than this, answers are let gather.
const MANY_LOOKS: usize = 128;

impl Engine {
    /// Waits for more reports while the keeper has plenty to do beyond the slots: they go on by themselves, and what ends
    /// meanwhile is recorded in one go.
    pub(super) fn let_reports_gather(
        &self,
        outside: &mut dyn Outside,
        flight: &InFlight,
        inputs: &mut Vec<Heard>,
        acknowledged: &mut Option<u64>,
    ) {
        // With fewer the slots might run dry.
        let few = self.state.setting.ahead as usize / 2;
        let (pause, mut left) = REPORTS;
        // What is told may be what a free slot waits for.
        let is_busy = flight.at_work() >= self.state.setting.plan.slots as usize;
        while is_busy && !left.is_zero() && flight.ahead(inputs).is_some_and(|ahead| ahead > few) {
            std::thread::sleep(pause);
            left = left.saturating_sub(pause);
            self.hear(outside.drain(), inputs, acknowledged);
        }
    }

    /// Answers to looks come a handful at a time; waits for more of them, unless there is something to begin.
    pub(super) fn let_looks_gather(&self, flight: &InFlight) {
        if self.state.index.looking.len() <= MANY_LOOKS {
            return;
        }
        let Some(results) = &self.results else { return };
        let has_room = flight.at_work() < self.state.setting.plan.slots as usize;
        let (pause, mut left) = LOOKS;
        // How many are answered is known there, and how many were taken note of here.
        let is_much =
            |under_way: usize| self.state.index.looking.len().saturating_sub(under_way) > MANY_LOOKS;
        while !left.is_zero() && results.looking() > 0 && !is_much(results.looking()) {
            if has_room && results.has_missed() {
                break;
            }
            std::thread::sleep(pause);
            left = left.saturating_sub(pause);
        }
        results.forget_misses();
    }
}
