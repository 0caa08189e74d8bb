//! What the clock and the ends of other jobs ask for.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{JOB_WINDOW, Kind, Service, Trigger, zone};
use crate::engine::store::{EndedJob, FireState, NewFire};
use crate::engine::{EngineError, library};
use crate::logic::playbook::model::RunEnd;
use crate::logic::schedule::Schedule;
use crate::logic::schedule::due::{COUNTED, Due, DueFire, Fate, back, due, settled};
use crate::logic::text;
use crate::logic::time::Timestamp;

/// Longest chain of jobs that start each other.
const CHAIN: u64 = 8;

impl Service<'_> {
    /// Lets everything fire whose time has come, and finds out when that will be the next time.
    pub(super) fn look_at_clock(&mut self, now: Timestamp) -> Result<(), EngineError> {
        let mut wake: Option<Timestamp> = None;
        for trigger in self.scan.triggers.clone() {
            let Kind::Schedule(schedule) = &trigger.kind else { continue };
            let found = self.due(&trigger, schedule, now)?;
            let next = found.wake;
            self.fire_due(&trigger, schedule, found, now)?;
            wake = wake.into_iter().chain(next).min();
        }
        self.wake = wake;
        Ok(())
    }

    /// Returns what is due of a schedule.
    pub(super) fn due(
        &self,
        trigger: &Trigger,
        schedule: &Schedule,
        now: Timestamp,
    ) -> Result<Due, EngineError> {
        // First seen by a clock that was ahead, it is as if it were new.
        let since = self.since.get(&trigger.id).copied().unwrap_or(now).min(now);
        let known = self.store.known(&trigger.id, since, (settled(schedule, now), schedule.jitter))?;
        Ok(due(schedule, &zone(&schedule.zone), &trigger.id, &known, now))
    }

    fn fire_due(
        &mut self,
        trigger: &Trigger,
        schedule: &Schedule,
        found: Due,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if let Some((first, last, count)) = found.older {
            let more = if count >= COUNTED { "or more " } else { "" };
            let words = format!(
                "{count} {more}fires from {} to here were missed: nobody was there for them, and they are too old to be made up for",
                first.rfc3339()
            );
            self.missed(trigger, schedule, last, now, &words)?;
        }
        for DueFire { nominal, late, fate } in found.fires {
            match fate {
                Fate::Missed(why) => self.missed(trigger, schedule, nominal, now, &why)?,
                Fate::Start => {
                    let event = schedule_event(schedule, nominal, late);
                    self.fire(trigger, (&nominal.rfc3339(), nominal), event, now)?;
                }
            }
        }
        Ok(())
    }

    fn missed(
        &mut self,
        trigger: &Trigger,
        schedule: &Schedule,
        nominal: Timestamp,
        now: Timestamp,
        words: &str,
    ) -> Result<(), EngineError> {
        let event = schedule_event(schedule, nominal, Duration::ZERO).to_string();
        let row = NewFire {
            source: &trigger.id,
            key: &nominal.rfc3339(),
            nominal,
            made: now,
            kind: trigger.word(),
            playbook: &trigger.path.display().to_string(),
            spec: &trigger.spec(),
            event: &event,
            state: FireState::Missed,
            words,
        };
        if self.store.record_fires(&[row])? != [None] {
            self.line("fire.missed", Some(trigger), None, &format!("{}: {words}", nominal.rfc3339()));
        }
        Ok(())
    }

    /// Lets triggers fire that follow jobs which have ended.
    pub(super) fn look_at_jobs(&mut self, now: Timestamp) -> Result<(), EngineError> {
        for trigger in self.scan.triggers.clone() {
            let Kind::After(_) = &trigger.kind else { continue };
            let since = self.since.get(&trigger.id).copied().unwrap_or(now).min(now);
            // The clock may have been put back since the last look.
            let from = self.checked.get(&trigger.id).map_or(since, |at| back(*at, JOB_WINDOW).max(since));
            for job in self.store.ended_jobs(&trigger.id, from)? {
                let path = std::path::PathBuf::from(&job.playbook);
                let name = library::name(&self.project.root, &path);
                let Some(end) = end_of(&job.outcome) else { continue };
                if trigger.follows(&name, &path, end) {
                    self.follow_job(&trigger, &job, (&name, end), now)?;
                }
            }
            self.checked.insert(trigger.id.clone(), now);
        }
        Ok(())
    }

    fn follow_job(
        &mut self,
        trigger: &Trigger,
        job: &EndedJob,
        (name, end): (&str, RunEnd),
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let key = format!("{}@{}", job.number, job.finished.0);
        let earlier: Json =
            job.event.as_deref().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
        let chain = earlier["chain"].as_u64().unwrap_or(0) + 1;
        let event = json!({
            "playbook": name,
            "job": job.number,
            "id": job.id,
            "type": end.word(),
            "outcome": job.outcome,
            "finished": job.finished.rfc3339(),
            "chain": chain,
            // As GitHub has it.
            "workflow_run": {
                "name": job.name,
                "id": job.id,
                "run_number": job.number,
                "conclusion": job.outcome,
            },
        });
        let about = format!("job #{} of `{name}` {}", job.number, end.word());
        let age = now.since(job.finished);
        if chain > CHAIN {
            let words = format!(
                "{about}, but it is the last of {CHAIN} jobs that started each other; do these playbooks run in a circle?"
            );
            self.refuse(trigger, (&key, job.finished), (&event, FireState::Skipped), now, &words)
        } else if age > JOB_WINDOW {
            let ago = text::duration(Duration::from_secs(age.as_secs()));
            let words =
                format!("{about} {ago} ago, when nobody was there; that is too old to be made up for");
            self.refuse(trigger, (&key, job.finished), (&event, FireState::Missed), now, &words)
        } else {
            self.fire(trigger, (&key, job.finished), event, now)
        }
    }
}

/// Returns what expressions see of a schedule's fire.
pub(super) fn schedule_event(schedule: &Schedule, nominal: Timestamp, late: Duration) -> Json {
    json!({
        "schedule": schedule.cron.source(),
        "timezone": &*schedule.zone,
        "nominal": nominal.rfc3339(),
        "late-seconds": late.as_secs(),
    })
}

fn end_of(outcome: &str) -> Option<RunEnd> {
    match outcome {
        "success" => Some(RunEnd::Completed),
        "failure" => Some(RunEnd::Failed),
        "cancelled" => Some(RunEnd::Cancelled),
        _ => None,
    }
}
