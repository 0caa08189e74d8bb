//! How long the stages of a playbook took in its last jobs.
//!
//! Not here: what is made of it (`logic/view/forecast.rs`). Reads only the few events that tell, and of their bodies only
//! what is needed: this is asked at the start of a job, for a bar that a person looks at.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use rusqlite::params;
use serde::Deserialize;

use super::History;
use super::journal::{GATHERED, key, text_of};
use crate::engine::EngineError;
use crate::logic::job::event::Event;
use crate::logic::plan::Plan;
use crate::logic::time::Timestamp;
use crate::logic::view::Worked;

#[cfg(test)]
#[path = "times_tests.rs"]
mod tests;

/// Of events that are in one row.
#[derive(Deserialize)]
#[serde(tag = "event")]
enum OfMany<'a> {
    #[serde(borrow)]
    StageStarted(OfStage<'a>),
    StageFinished(OfStage<'a>),
    #[serde(other)]
    Other,
}

/// Of the events that begin and end a stage. It goes by its name, which its cells carry: its position may have
/// changed since.
#[derive(Deserialize)]
struct OfStage<'a> {
    stage: u32,
    #[serde(borrow, default)]
    cells: Vec<OfNewCell<'a>>,
}

#[derive(Deserialize)]
struct OfNewCell<'a> {
    cell: u32,
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// Of `cell.started`.
#[derive(Deserialize)]
struct OfCell {
    cell: u32,
}

/// A stage that has begun.
struct Begun {
    /// Position in the plan that is asked about.
    at: Option<usize>,
    /// When the first of its cells got a slot.
    since: Option<Timestamp>,
}

impl History {
    /// Returns how long each stage of a plan took whenever it passed in the last `most` jobs of its playbook that passed
    /// or failed, newest job first: one list for each stage, same positions. `playbook` is the path as jobs record it.
    ///
    /// Counted from the start of a stage's first cell, so without its wait for a slot. What only some cells of a stage
    /// took that were run again is left out.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn stage_times(
        &self,
        playbook: &str,
        plan: &Plan,
        most: usize,
    ) -> Result<Vec<Vec<Duration>>, EngineError> {
        let names = (0..).zip(&plan.playbook.stages).map(|(at, stage)| (&*stage.id, at));
        let positions: HashMap<&str, usize> = names.collect();
        let mut times = vec![Vec::new(); plan.stages.len()];
        let mut query = self.connection.prepare_cached(
            "SELECT number FROM jobs WHERE playbook = ?1 AND outcome IN ('success', 'failure') \
             ORDER BY number DESC LIMIT ?2",
        )?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let jobs: Vec<u64> =
            query.query_map(params![playbook, most], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for job in jobs {
            self.times_of(job, &positions, &mut times)?;
        }
        Ok(times)
    }

    fn times_of(
        &self,
        job: u64,
        positions: &HashMap<&str, usize>,
        times: &mut [Vec<Duration>],
    ) -> Result<(), EngineError> {
        let mut query = self.connection.prepare_cached(
            "SELECT time, type, body FROM events WHERE id > ?1 AND id < ?2 \
             AND type IN ('stage.started', 'stage.completed', 'stage.failed', 'stage.cancelled', \
             'stage.skipped', 'cell.started', 'gathered', 'job.paused', 'job.resumed', 'order.cancel') ORDER BY id",
        )?;
        let mut rows = query.query(params![key(job, 0), key(job + 1, 0)])?;
        let mut stage_of: HashMap<u32, u32> = HashMap::new();
        let mut begun: HashMap<u32, Begun> = HashMap::new();
        let mut worked = Worked::default();
        let begin = |it: &OfStage<'_>, begun: &mut HashMap<u32, Begun>, stage_of: &mut HashMap<u32, u32>| {
            let name = it.cells.first().map_or("", |cell| cell.id.split('.').next().unwrap_or(""));
            begun.insert(it.stage, Begun { at: positions.get(name).copied(), since: None });
            stage_of.extend(it.cells.iter().map(|cell| (cell.cell, it.stage)));
        };
        let mut end = |stage: u32, has_passed: bool, time: Timestamp, begun: &mut HashMap<u32, Begun>| {
            // What ended otherwise may go on hours later, and tells nothing of how long it takes.
            let ended = begun.remove(&stage);
            if let (true, Some(Begun { at: Some(at), since: Some(since) })) = (has_passed, ended) {
                times[at].push(time.since(since));
            }
        };
        while let Some(row) = rows.next()? {
            let time = worked.clock(Timestamp(row.get(0)?));
            let column = |at: usize| row.get_ref(at).ok().and_then(|it| it.as_str().ok()).unwrap_or_default();
            // An event that cannot be read tells nothing here; whoever shows the job says so.
            match column(1) {
                "stage.started" => {
                    let Ok(it) = serde_json::from_str::<OfStage<'_>>(column(2)) else { continue };
                    begin(&it, &mut begun, &mut stage_of);
                }
                GATHERED => {
                    let Ok(text) = row.get_ref(2).map_err(|e| e.to_string()).and_then(text_of) else {
                        continue;
                    };
                    let Ok(all) = serde_json::from_str::<Vec<OfMany<'_>>>(&text) else { continue };
                    for it in all {
                        match it {
                            OfMany::StageStarted(it) => begin(&it, &mut begun, &mut stage_of),
                            // They all passed.
                            OfMany::StageFinished(it) => end(it.stage, true, time, &mut begun),
                            OfMany::Other => {}
                        }
                    }
                }
                "cell.started" => {
                    let Ok(it) = serde_json::from_str::<OfCell>(column(2)) else { continue };
                    if let Some(stage) = stage_of.get(&it.cell).and_then(|stage| begun.get_mut(stage)) {
                        stage.since.get_or_insert(time);
                    }
                }
                "job.paused" | "job.resumed" | "order.cancel" => {
                    let Ok(event) = serde_json::from_str::<Event>(column(2)) else { continue };
                    let stood = worked.thaw(&event, Timestamp(row.get(0)?)).unwrap_or_default();
                    begun
                        .values_mut()
                        .filter_map(|it| it.since.as_mut())
                        .for_each(|it| *it = it.after(stood));
                    worked.fold(&event, time);
                }
                kind => {
                    let Ok(it) = serde_json::from_str::<OfStage<'_>>(column(2)) else { continue };
                    end(it.stage, kind == "stage.completed", time, &mut begun);
                }
            }
        }
        Ok(())
    }
}
