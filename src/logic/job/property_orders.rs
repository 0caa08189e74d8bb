//! What people may ask at random while a random job runs.
//!
//! Not here: what they are answered, and what must hold then (`property_tests.rs`).

use super::{Checked, Dice, Sim};
use crate::logic::job::Input;
use crate::logic::job::order::{Asked, Order, RetryScope, Target};
use crate::logic::job::state::{StagePhase, StageState};

impl Sim {
    pub(super) fn random_order(&mut self) -> Checked {
        let stages = self.state.stages.len() as u64;
        let cells = self.state.cells.len() as u64;
        let small = |n: u64| u32::try_from(n).unwrap_or(0);
        let target = |dice: &mut Dice| match dice.roll(3) {
            0 => Target::Job,
            1 => Target::Stage(small(dice.roll(stages))),
            _ => Target::Cell(small(dice.roll(cells.max(1)))),
        };
        let has_gates = !self.state.gates.is_empty() && self.dice.one_in(5);
        let order = match self.dice.roll(16) {
            _ if has_gates => self.random_answer(),
            14 | 15 => Order::Rollback { target: target(&mut self.dice) },
            0 | 1 => Order::Cancel { target: target(&mut self.dice), force: self.dice.one_in(5) },
            2 if self.dice.one_in(2) => Order::Freeze,
            2 => Order::Pause,
            3 | 4 => Order::Resume,
            5 => Order::Skip { target: target(&mut self.dice) },
            6 | 7 => Order::Skip { target: self.open_part() },
            12 | 13 => Order::Skip { target: self.open_part() },
            8 | 9 => {
                let target = self.open_part();
                self.ask(Order::Skip { target: target.clone() })?;
                self.reconcile()?;
                Order::WithdrawSkip { target }
            }
            _ => Order::Retry { scope: self.random_scope() },
        };
        self.ask(order)
    }

    /// An answer at some gate, mostly one that is open.
    pub(super) fn random_answer(&mut self) -> Order {
        let small = |n: u64| u32::try_from(n).unwrap_or(0);
        let open: Vec<u32> = self.state.index.gates.iter().copied().collect();
        let gate = if open.is_empty() || self.dice.one_in(5) {
            small(self.dice.roll(self.state.gates.len() as u64))
        } else {
            open[usize::try_from(self.dice.roll(open.len() as u64)).unwrap_or(0)]
        };
        if self.dice.one_in(5) {
            Order::Reject { gate, note: String::new(), claimed: None }
        } else {
            let claimed = ["bob", "cat"][usize::from(self.dice.one_in(2))].to_owned();
            Order::Approve { gate, note: String::new(), inputs: Vec::new(), claimed: Some(claimed) }
        }
    }

    /// A stage that waits, or a cell that runs or was given out ahead: plain chance seldom comes upon one.
    fn open_part(&mut self) -> Target {
        let waits = |it: &StageState| it.phase == StagePhase::Pending;
        let stages = (0u32..).zip(&self.state.stages).filter(|(_, it)| waits(it));
        let live = self.state.index.live.keys().map(|key| Target::Cell(key.cell));
        let open: Vec<Target> = stages.map(|(at, _)| Target::Stage(at)).chain(live).collect();
        let at = self.dice.roll(open.len().max(1) as u64);
        open.get(usize::try_from(at).unwrap_or(0)).cloned().unwrap_or(Target::Job)
    }

    pub(super) fn random_scope(&mut self) -> RetryScope {
        let stages = self.state.stages.len() as u64;
        let cells = self.state.cells.len() as u64;
        let small = |n: u64| u32::try_from(n).unwrap_or(0);
        match self.dice.roll(8) {
            0 => RetryScope::All,
            1 => RetryScope::From(small(self.dice.roll(stages))),
            2 | 3 => RetryScope::Stage(small(self.dice.roll(stages))),
            4 | 5 => RetryScope::Cell(small(self.dice.roll(cells.max(1)))),
            _ => RetryScope::Failed,
        }
    }

    pub(super) fn ask(&mut self, order: Order) -> Checked {
        self.orders += 1;
        let asked =
            Asked { id: format!("o{}", self.orders), by: "ann".to_owned(), order, expected_seq: None };
        self.input(&Input::Order(asked))
    }
}
