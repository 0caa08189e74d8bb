//! Wishes about artifacts against what was asked: has them published and put into place.
//!
//! Not here: files and the store (`cache/artifacts`), what is published when (`logic/job/artifacts.rs`). Nothing here decides.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::cache::{Artifacts, Placed, Task};
use super::handle::LocalOrder;
use super::reconcile::InFlight;
use super::turn::Engine;
use crate::logic::job::artifacts;
use crate::logic::job::report::Report;

/// What answers, and what it was asked.
#[derive(Default)]
pub(super) struct Parcels {
    artifacts: Option<Artifacts>,
    /// What was put into place.
    pub(super) placed: Placed,
    /// Cells and their runs, and whether they publish.
    asked: BTreeSet<(u32, u32, bool)>,
}

impl Engine {
    /// Asks for what is wanted and was not asked for yet. What turns out at once is answered here.
    pub(super) fn ask_for_artifacts(&mut self, flight: &mut InFlight) {
        if self.state.index.taking.is_empty() && self.state.index.giving.is_empty() {
            self.parcels.asked.clear();
            return;
        }
        let taking = self.state.index.taking.iter().map(|&cell| (cell, false));
        let wanted = taking.chain(self.state.index.giving.iter().map(|&cell| (cell, true)));
        let wanted: BTreeSet<(u32, u32, bool)> =
            wanted.map(|(cell, gives)| (cell, self.state.cells[cell as usize].run, gives)).collect();
        self.parcels.asked.retain(|it| wanted.contains(it));
        for (cell, run, gives) in wanted {
            if !self.parcels.asked.insert((cell, run, gives)) {
                continue;
            }
            if let Err(report) = self.ask_for((cell, run), gives) {
                flight.own.push(*report);
            }
        }
    }

    fn ask_for(&mut self, (cell, run): (u32, u32), gives: bool) -> Result<(), Box<Report>> {
        let state = &self.state;
        let base = PathBuf::from(artifacts::base(state, cell));
        let task = if gives {
            artifacts::offers(state, cell, self.clock.now()).map(|offers| Task::Offer {
                cell,
                run,
                base,
                offers,
            })
        } else {
            let is_cached = artifacts::is_cached(state, cell);
            artifacts::wants(state, cell).map(|wants| Task::Take { cell, run, base, wants, is_cached })
        };
        let asked = task.and_then(|task| {
            self.open_artifacts()?.ask(task);
            Ok(())
        });
        asked.map_err(|message| {
            Box::new(match gives {
                true => Report::Offered { cell, run, outcome: Err(message) },
                false => Report::Taken { cell, run, outcome: Err(message) },
            })
        })
    }

    fn open_artifacts(&mut self) -> Result<&Artifacts, String> {
        if self.parcels.artifacts.is_none() {
            let orders = self.orders.clone();
            // The engine may have gone; then nobody needs the answer.
            let answer = Box::new(move |reports| drop(orders.send(LocalOrder::Told(reports))));
            let state = self.socket_dir.parent().map(Path::to_path_buf).unwrap_or_default();
            let job_dir = PathBuf::from(&*self.state.setting.dir);
            self.parcels.artifacts =
                Some(Artifacts::start(state, job_dir, self.parcels.placed.clone(), answer)?);
        }
        self.parcels.artifacts.as_ref().ok_or_else(|| "artifacts cannot be kept".to_owned())
    }
}
