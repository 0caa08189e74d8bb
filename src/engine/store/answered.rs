//! What was answered to an order, for those that come again when no engine works on the job any more.
//!
//! Not here: which orders are the same (`logic/job/repeat.rs`).

use std::path::Path;
use std::sync::Arc;

use super::history::History;
use super::plan_again;
use crate::engine::begin::setting;
use crate::engine::{EngineError, JobId, Project};
use crate::logic::job::apply::apply;
use crate::logic::job::order::{Asked, Refusal};
use crate::logic::job::repeat;
use crate::logic::job::state::JobState;
use crate::port::keeper::Given;

/// Events that are read at once.
const PAGE: usize = 1000;

impl History {
    /// Returns the answer to an order whose id the journal of the job knows, nothing if it does not.
    ///
    /// # Errors
    /// If the store cannot be read, or this sortie no longer understands the job.
    pub(in crate::engine) fn answered(
        &self,
        project: &Project,
        job: &JobId,
        asked: &Asked,
    ) -> Result<Option<Result<String, Refusal>>, EngineError> {
        if asked.id.is_empty() {
            return Ok(None);
        }
        let mut journal = Vec::new();
        let mut is_known = false;
        loop {
            let page = self.events(job, journal.len() as u64, PAGE)?;
            let is_last = page.len() < PAGE;
            is_known |= page.iter().any(|it| it.event.order() == Some(&asked.id));
            journal.extend(page);
            if is_last {
                break;
            }
        }
        if !is_known {
            return Ok(None);
        }
        let (stored, _) = self.stored(job)?;
        let plan = Arc::new(plan_again(&stored.playbook, &stored.source, &stored.request)?);
        let dir = project.state.join("jobs").join(&stored.id);
        let mut state = JobState::new(setting(project, &plan, &stored, Path::new(&dir), &Given::default()));
        for it in &journal {
            apply(&mut state, &it.event, it.time);
        }
        Ok(repeat::earlier(&state, asked))
    }
}
