//! A job that asks what an earlier one asked, in a world that is as that one has seen it, comes to the same.
//!
//! Deciding is a function of what is asked and of what is reported. So a job that found all of its results, and did nothing
//! else, leaves a sheet behind: what it asked, what it saw, and its events. The next one that asks the same has the same
//! events, if everything is still as it was seen. Nothing is decided here, and whatever is not certain is found out anew.
//!
//! Not here: what was seen (`cache/scene.rs`).

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use blake3::Hash;

use super::begin::Driven;
use super::cache::{Same, Sheet};
use super::reconcile::InFlight;
use super::store::{StoredJob, rows};
use super::turn::{Engine, Heard};
use super::{EngineError, readings};
use crate::logic::job::apply::apply;
use crate::logic::job::cached::is_needed;
use crate::logic::job::event::{Envelope, Event, Outcome};
use crate::logic::job::recipe::visible;
use crate::logic::job::state::Setting;
use crate::logic::value::Value;
use crate::port::Outside;

/// With fewer hits a job is over before anybody notices.
const LEAST: usize = 32;

/// Types of events of a job that finds all of its results.
const TYPES: [&str; 6] =
    ["job.started", "stage.started", "cache.hit", "cell.completed", "stage.completed", "job.completed"];

/// Facts that are others in each job. What an expression reads of their contexts is noted, and then there is no sheet.
const OF_ONE_JOB: [(&str, &[&str]); 2] =
    [("run", &["id", "number", "started-at", "dir"]), ("github", &["run_id", "run_number"])];

/// What a job asks, and where its sheet is.
pub(super) struct Question {
    pub(super) digest: Hash,
    pub(super) sheet: PathBuf,
}

/// Returns a digest of all that a job may decide by, besides what is reported to it; none if it has what must not be written
/// down, or is part of another job.
pub(super) fn asked(setting: &Setting, stored: &StoredJob) -> Option<Hash> {
    // All of them, so that none is forgotten that comes later.
    let Setting { plan, facts, root, dir: _, job_id: _, secrets, surroundings, env, path, has_bash, ahead } =
        setting;
    let has_secrets = !matches!(secrets, Value::Object(all) if all.is_empty());
    if has_secrets || !is_needed(plan) || std::env::var_os("SORTIE_JOB").is_some() {
        return None;
    }
    let mut facts = facts.to_json();
    for (context, names) in OF_ONE_JOB {
        if let Some(members) = facts.get_mut(context).and_then(|it| it.as_object_mut()) {
            members.retain(|name, _| !names.contains(&name.as_str()));
        }
    }
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (&**name, &**value)).collect();
    // The plan is made of these three and nothing else.
    let of_plan = (&stored.playbook, &stored.source, &stored.request);
    let rest = (&**root, visible(plan, surroundings), env, &**path, has_bash, ahead);
    let text = serde_json::to_vec(&(of_plan, facts, rest)).ok()?;
    Some(readings::of_program()?.update(&text).finalize())
}

impl Engine {
    /// Returns what came of the last job that asked the same, if everything is still as that job has seen it.
    pub(super) fn unchanged(&self) -> Option<Same> {
        let asked = self.asked.as_ref().filter(|_| self.next_seq == 1 && self.first_order.is_none())?;
        self.ahead.as_ref()?.same(asked.digest.as_bytes(), || self.opening(Vec::new()))
    }

    /// Lets the job begin, or has the same come of it that came of an earlier one.
    pub(super) fn set_out(
        &mut self,
        outside: &mut dyn Outside,
        (flight, losses): (InFlight, Vec<Heard>),
        found: Option<Same>,
        ready: &Sender<Result<(), EngineError>>,
    ) -> Result<InFlight, EngineError> {
        match found {
            Some(same) => self.repeat(same, ready).map(|()| flight),
            None => self.begin(outside, flight, losses),
        }
    }

    /// Has the same come of this job.
    fn repeat(&mut self, same: Same, ready: &Sender<Result<(), EngineError>>) -> Result<(), EngineError> {
        let Same { mut events, sheet } = same;
        let now = self.clock.now();
        // The sheet stays as it is.
        self.asked = None;
        for it in &mut events {
            // Nobody else has them.
            Arc::make_mut(it).time = now;
        }
        let last = events.pop().into_iter().collect();
        let (ahead, of_last) = sheet.rows.split_at(sheet.rows.len().saturating_sub(1));
        // The last one alone: whoever shows the others does so while the end is made safe.
        for (events, rows) in [(events, ahead), (last, of_last)] {
            events.iter().for_each(|it| apply(&mut self.state, &it.event, now));
            self.record_as(events, Some(rows))?;
            self.publish();
            // Nobody listens any more if the starter has gone.
            let _sent = ready.send(Ok(()));
        }
        Ok(())
    }

    /// Leaves a sheet to the next job like this one, if this one found all of its results and did nothing else.
    pub(super) fn leave_sheet(&self, outcome: &Result<Driven, EngineError>) {
        let is_good = matches!(outcome, Ok(Driven::Ended(end)) if end.outcome == Outcome::Success);
        let is_first = self.epoch == 1 && !self.state.has_read_itself.get();
        let (Some(asked), Some(results), true) = (&self.asked, &self.results, is_good && is_first) else {
            return;
        };
        let Some(events) = self.bus.all_events() else { return };
        let is_plain = |it: &Arc<Envelope>| TYPES.contains(&it.event.type_name());
        let hits = events.iter().filter(|it| matches!(it.event, Event::CacheHit { .. })).count();
        if hits < LEAST || !events.iter().all(is_plain) {
            return;
        }
        let Some(scene) = results.scene(hits) else { return };
        let all: Vec<&Event> = events.iter().map(|it| &it.event).collect();
        let Some((last, ahead)) = all.split_last().filter(|(last, _)| last.is_end()) else { return };
        let (Ok(mut rows), Ok(of_last)) = (rows(ahead), rows(&[last])) else { return };
        rows.extend(of_last);
        let sheet = Sheet { asked: *asked.digest.as_bytes(), rows, scene };
        readings::keep_sheet(asked.sheet.clone(), &sheet);
    }
}
