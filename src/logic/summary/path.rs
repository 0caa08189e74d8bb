//! Where the time of a job went: the longest chain of stages, the slowest cells, the longest waits, and the slots.
//!
//! Not here: what single cells waited for (`story.rs`).

use std::collections::HashMap;
use std::time::Duration;

use super::model::{CriticalPath, LongWait, OnPath, Slots, Slow, Stage};
use crate::logic::time::Timestamp;

/// So many of the slowest are told, and of the longest waits.
const MOST: usize = 5;
/// What is shorter is no wait.
const WAIT: Duration = Duration::from_millis(50);

/// Returns the chain of stages, each needing the one before, whose times add up to most. Stages of `finally` come after all
/// others.
pub(super) fn critical(stages: &[Stage]) -> CriticalPath {
    let mut best: Vec<Option<(Duration, Option<usize>)>> = vec![None; stages.len()];
    let mut longest: Option<usize> = None;
    let mut ordinary: Option<usize> = None;
    let after = after(stages);
    for at in needs_first(stages, &after) {
        let Some(took) = stages[at].took else { continue };
        // A caller takes what its stages take.
        let took = if stages[at].calls { Duration::ZERO } else { took };
        let so_far = |stage: usize| best[stage].map_or(Duration::ZERO, |(sum, _)| sum);
        let own = after[at].iter().copied().filter(|&need| best[need].is_some());
        let before = if is_last(&stages[at]) {
            own.chain(ordinary).max_by_key(|&s| so_far(s))
        } else {
            own.max_by_key(|&s| so_far(s))
        };
        let sum = took + before.map_or(Duration::ZERO, so_far);
        best[at] = Some((sum, before));
        let is_longer =
            |than: Option<usize>| than.is_none_or(|it| best[it].is_none_or(|(known, _)| sum > known));
        let (is_longest, is_ordinary) = (is_longer(longest), !is_last(&stages[at]) && is_longer(ordinary));
        if is_longest {
            longest = Some(at);
        }
        if is_ordinary {
            ordinary = Some(at);
        }
    }
    let mut chain = Vec::new();
    let mut next = longest;
    while let Some(at) = next {
        chain.push(at);
        next = best[at].and_then(|(_, before)| before);
    }
    chain.reverse();
    let mut path = CriticalPath::default();
    let mut free: Option<Timestamp> = None;
    for at in chain {
        let stage = &stages[at];
        if stage.calls {
            continue;
        }
        let took = stage.took.unwrap_or_default();
        path.took += took;
        path.stages.push(OnPath {
            stage: stage.id.clone(),
            cell: last_cell(stage),
            took,
            waited: free.zip(stage.started).map_or(Duration::ZERO, |(free, started)| started.since(free)),
        });
        free = stage.finished;
    }
    path
}

fn last_cell(stage: &Stage) -> Option<String> {
    let last = stage.cells.iter().max_by_key(|cell| cell.finished)?;
    (stage.cells.len() > 1).then(|| last.address.clone())
}

/// Says whether it stands under the `finally` of the job itself.
fn is_last(stage: &Stage) -> bool {
    stage.is_final && stage.frame.is_none()
}

/// Returns what each stage comes after: what it needs; of a call, what the caller needs, and its ordinary stages before
/// those of its `finally`; and a caller after all that it calls.
fn after(stages: &[Stage]) -> Vec<Vec<usize>> {
    let mut ordinary: HashMap<u32, Vec<usize>> = HashMap::new();
    for (at, stage) in stages.iter().enumerate().filter(|(_, stage)| !stage.is_final) {
        if let Some(frame) = stage.frame {
            ordinary.entry(frame).or_default().push(at);
        }
    }
    let mut after: Vec<Vec<usize>> = Vec::with_capacity(stages.len());
    for stage in stages {
        let mut own = stage.after.clone();
        if let Some(frame) = stage.frame.filter(|_| stage.is_final) {
            own.extend(ordinary.get(&frame).into_iter().flatten());
        }
        // A caller stands before what it calls, so that is known already.
        if let (true, Some(caller)) = (own.is_empty(), stage.caller) {
            own = after.get(caller).cloned().unwrap_or_default();
        }
        after.push(own);
    }
    for (at, stage) in stages.iter().enumerate() {
        if let Some(caller) = stage.caller {
            after[caller].push(at);
        }
    }
    after
}

/// Returns the positions of stages so that needs come first, and stages of `finally` last.
fn needs_first(stages: &[Stage], after: &[Vec<usize>]) -> Vec<usize> {
    let mut left: Vec<usize> = after.iter().map(Vec::len).collect();
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); stages.len()];
    for (at, own) in after.iter().enumerate() {
        own.iter().for_each(|&need| dependents[need].push(at));
    }
    let mut order: Vec<usize> = (0..stages.len()).filter(|&at| left[at] == 0).collect();
    let mut next = 0;
    while let Some(&at) = order.get(next) {
        next += 1;
        for &dependent in &dependents[at] {
            left[dependent] -= 1;
            if left[dependent] == 0 {
                order.push(dependent);
            }
        }
    }
    order.sort_by_key(|&at| is_last(&stages[at]));
    order
}

/// Returns the cells that took longest, the longest first.
pub(super) fn slowest(stages: &[Stage]) -> Vec<Slow> {
    let cells = stages.iter().filter(|stage| !stage.calls).flat_map(|stage| &stage.cells);
    let mut slow: Vec<(Duration, &str)> = cells
        .filter_map(|cell| Some((cell.took.filter(|it| !it.is_zero())?, cell.address.as_str())))
        .collect();
    slow.sort_by_key(|(took, _)| std::cmp::Reverse(*took));
    slow.into_iter().take(MOST).map(|(took, cell)| Slow { cell: cell.to_owned(), took }).collect()
}

/// Returns the cells that waited longest, the longest first.
pub(super) fn longest_waits(stages: &[Stage]) -> Vec<LongWait> {
    let cells = stages.iter().flat_map(|stage| &stage.cells);
    let mut waits: Vec<LongWait> = cells
        .filter(|cell| cell.waits.total() >= WAIT)
        .map(|cell| LongWait {
            cell: cell.address.clone(),
            waited: cell.waits.total(),
            what_for: cell.waits.longest().1,
        })
        .collect();
    waits.sort_by_key(|it| std::cmp::Reverse(it.waited));
    waits.truncate(MOST);
    waits
}

/// Returns how busy the slots were in the time that the job took.
pub(super) fn slots(stages: &[Stage], slots: u32, took: Duration) -> Slots {
    let mut edges: Vec<(Timestamp, i64)> = Vec::new();
    let mut busy = Duration::ZERO;
    // A caller has no slot.
    for cell in stages.iter().filter(|stage| !stage.calls).flat_map(|stage| &stage.cells) {
        let (Some(from), Some(to)) = (cell.started, cell.finished) else { continue };
        // While it waits in between it has no slot.
        busy += to.since(from).saturating_sub(cell.waits.people + cell.waits.retry);
        if to > from {
            edges.extend([(from, 1), (to, -1)]);
        }
    }
    // What ends at a moment makes room for what begins then.
    edges.sort_unstable();
    let (mut now, mut most) = (0_i64, 0_i64);
    for (_, change) in edges {
        now += change;
        most = most.max(now);
    }
    let all = took.as_secs_f64() * f64::from(slots);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 100")]
    let used_percent =
        if all > 0.0 { (busy.as_secs_f64() / all * 100.0).round().clamp(0.0, 100.0) as u32 } else { 0 };
    let most = u32::try_from(most).unwrap_or(0).min(slots);
    Slots { slots, most, busy, used_percent }
}
