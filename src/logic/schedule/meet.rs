//! What a fire does that meets jobs of the same trigger which have not ended.
//!
//! Not here: carrying it out (`engine/service`).

use super::Overlap;
use crate::logic::text::listed;

/// Most fires that wait for one trigger.
pub const QUEUE: usize = 100;

/// What is still there of earlier fires of the same trigger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Numbers of jobs that have not ended.
    pub running: Vec<u64>,
    /// A job is being started and has no number yet.
    pub is_starting: bool,
    /// Fires that wait.
    pub waiting: usize,
}

/// What becomes of a fire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meeting {
    Start,
    /// Nothing is started; why, in words.
    Skip(String),
    /// It starts when those before it have ended; what it waits for, in words.
    Wait(String),
    /// These jobs are cancelled; it starts when they have ended. Fires that wait give way to it.
    Cancel(Vec<u64>),
}

/// Decides about a new fire.
#[must_use]
pub fn meet(overlap: Overlap, standing: &Standing) -> Meeting {
    let Standing { running, is_starting, waiting } = standing;
    if running.is_empty() && !is_starting && *waiting == 0 {
        return Meeting::Start;
    }
    match overlap {
        Overlap::Allow => Meeting::Start,
        Overlap::Skip => Meeting::Skip(format!("overlap: {}", in_the_way(standing))),
        Overlap::Queue if *waiting >= QUEUE => {
            Meeting::Skip(format!("overlap: the queue is full, {waiting} fires wait already"))
        }
        Overlap::Queue => Meeting::Wait(in_the_way(standing)),
        Overlap::CancelRunning => Meeting::Cancel(running.clone()),
    }
}

/// Says whether the oldest waiting fire may start.
#[must_use]
pub fn may_start(standing: &Standing) -> bool {
    standing.running.is_empty() && !standing.is_starting
}

fn in_the_way(standing: &Standing) -> String {
    let jobs: Vec<String> = standing.running.iter().map(|job| format!("#{job}")).collect();
    match jobs.as_slice() {
        [] if standing.is_starting => "the job of an earlier fire is just being started".to_owned(),
        [] => "an earlier fire waits".to_owned(),
        [one] => format!("job {one} has not ended"),
        _ => format!("jobs {} have not ended", listed(&jobs, "and")),
    }
}
