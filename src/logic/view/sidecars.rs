//! Services among the steps of a cell: they have steps of their own, which stand behind all others and have no number.
//!
//! Not here: what they do (`logic/job/sidecar.rs`).

use super::JobView;
use crate::logic::job::event::Outcome;

impl JobView {
    /// Says whether a step belongs to a service, and not to the list that a person wrote.
    #[must_use]
    pub fn is_part(&self, cell: u32, step: u32) -> bool {
        self.plan_step(cell, step).is_some_and(|it| it.part.is_some())
    }

    /// Returns how many steps of a cell a person wrote.
    #[must_use]
    pub fn own_steps(&self, cell: u32) -> usize {
        let steps = self.cells.get(cell as usize).map_or(&[][..], |it| &it.steps);
        (0u32..).zip(steps).filter(|(at, _)| !self.is_part(cell, *at)).count()
    }

    /// Returns the steps of a cell in the order in which they begin: those of services first.
    #[must_use]
    pub fn steps_in_order(&self, cell: u32) -> Vec<u32> {
        let count = self.cells.get(cell as usize).map_or(0, |it| it.steps.len());
        let mut steps: Vec<u32> = (0u32..).take(count).collect();
        steps.sort_by_key(|&at| !self.is_part(cell, at));
        steps
    }

    /// Returns the step by whose failure a cell is to be explained: a service that ended early, else the first one.
    #[must_use]
    pub fn first_failed(&self, cell: u32) -> Option<u32> {
        let it = self.cells.get(cell as usize)?;
        let has_failed = |at: u32| {
            let state = it.steps.get(at as usize);
            state.is_some_and(|step| step.conclusion == Some(Outcome::Failure)) && !self.is_block(cell, at)
        };
        self.steps_in_order(cell).into_iter().find(|&at| has_failed(at))
    }
}
