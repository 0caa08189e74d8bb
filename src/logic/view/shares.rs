//! What a job and its cells wait for that they share with other jobs, as it can be seen.
//!
//! Not here: who gets what (`logic/claims`), the words for people (`faces/shares.rs`).

use super::job_view::JobView;
use super::parts::Phase;
use crate::logic::claims::{Blocker, Claim};
use crate::logic::job::event::Event;
use crate::logic::time::Timestamp;

/// A wait for what others have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShareWait {
    pub claims: Vec<Claim>,
    /// Who is in the way, as far as is known.
    pub by: Vec<Blocker>,
    pub since: Timestamp,
}

impl JobView {
    /// Takes in an event about claims.
    pub(super) fn fold_shares(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::JobQueued { claims, .. } => {
                self.waits = Some(ShareWait { claims: claims.clone(), by: Vec::new(), since: at });
                self.phase = Phase::Waiting;
            }
            Event::CellQueued { cell, run, claims } => {
                if let Some(it) = self.cells.get_mut(*cell as usize).filter(|it| it.run <= *run) {
                    it.waits = Some(ShareWait { claims: claims.clone(), by: Vec::new(), since: at });
                }
            }
            Event::ClaimsBlocked { cell, blockers: by, .. } => match cell {
                None => {
                    if let Some(waits) = &mut self.waits {
                        waits.by.clone_from(by);
                    }
                }
                Some(cell) => {
                    let it = self.cells.get_mut(*cell as usize);
                    if let Some(waits) = it.and_then(|it| it.waits.as_mut()) {
                        waits.by.clone_from(by);
                    }
                }
            },
            Event::ClaimsLost { cell, .. } => {
                let waits = Some(ShareWait { since: at, ..ShareWait::default() });
                match cell {
                    None => self.waits = waits,
                    Some(cell) => {
                        if let Some(it) = self.cells.get_mut(*cell as usize) {
                            it.waits = waits;
                        }
                    }
                }
            }
            Event::ClaimsHeld { cell: None, .. } => {
                self.waits = None;
                // A new job is started by an event of its own.
                if self.phase == Phase::Waiting && self.attempt > 0 {
                    self.phase = Phase::Running;
                }
            }
            Event::ClaimsHeld { cell: Some(cell), .. } => {
                if let Some(it) = self.cells.get_mut(*cell as usize) {
                    it.waits = None;
                }
            }
            _ => {}
        }
    }
}
