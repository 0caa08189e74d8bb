//! What the keeper does for each order.
//!
//! Launches go to a queue for workers, or to the submitted ones that begin only in the slot of another. Not here: reading
//! orders from the socket.

use std::sync::Arc;
use std::time::Duration;

use super::shared::Shared;
use super::{freeze, stop, worker};
use crate::logic::job::effect::Launch;
use crate::logic::job::report::Report;
use crate::port::keeper::ToKeeper;

pub(super) trait CarryOut {
    fn carry_out(&self, order: ToKeeper);
}

impl CarryOut for Arc<Shared> {
    fn carry_out(&self, order: ToKeeper) {
        super::fault_point();
        match order {
            ToKeeper::Run { launches } => {
                let mut state = self.state();
                for launch in &launches {
                    if !state.cells.contains(&*launch.tag) {
                        state.cells.insert(launch.tag.to_string());
                    }
                }
                state.enqueue(launches);
                drop(state);
                worker::hire(self);
            }
            ToKeeper::Submit { launches } => self.state().submitted.extend(launches),
            ToKeeper::Promote { keys } => {
                let mut state = self.state();
                for key in keys {
                    if let Some(at) = state.submitted.iter().position(|launch| launch.key == key)
                        && let Some(launch) = state.submitted.remove(at)
                    {
                        state.cells.insert(launch.tag.to_string());
                        state.queue.push_back(launch);
                    }
                }
                drop(state);
                worker::hire(self);
            }
            ToKeeper::Signal { key, rung, signal } => stop::signal(self, key, rung, signal),
            ToKeeper::Sweep { cell, run, tag, grace_ms, signal, remove } => {
                let grace = Duration::from_millis(grace_ms);
                stop::sweep_cell(self, stop::Sweep { cell, run, tag, signal, grace, remove });
            }
            ToKeeper::Withdraw { keys } => {
                let mut withdrawn = Vec::new();
                let mut keep = |launch: &Launch| {
                    let forget = keys.contains(&launch.key);
                    if forget {
                        withdrawn.push(Report::Withdrawn { key: launch.key });
                    }
                    !forget
                };
                let mut state = self.state();
                state.queue.retain(&mut keep);
                state.submitted.retain(&mut keep);
                state.extra.retain(&mut keep);
                drop(state);
                self.link.report_all(withdrawn);
            }
            ToKeeper::Mask { values } => self.masks.add(values),
            ToKeeper::Ack { report_seq } => self.link.acknowledge(report_seq),
            // A second greeting on the same connection says nothing new; the others are seen by the loop.
            ToKeeper::Freeze { keys } => freeze::freeze(self, &keys),
            ToKeeper::Thaw { keys } => freeze::thaw(self, &keys),
            ToKeeper::Hello(_) | ToKeeper::Finish | ToKeeper::OnLoss(_) => {}
        }
    }
}
