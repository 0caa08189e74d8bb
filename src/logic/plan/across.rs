//! What stages of different calls do to each other: files that caches of both make, and ports of the host that services of
//! both want.
//!
//! Not here: what is wrong within one file (`playbook/overlaps.rs`, `playbook/fixed_ports.rs`). Start with `check`.

use std::collections::HashMap;

use super::{Plan, Selected, position};
use crate::logic::playbook::fixed_ports::may_meet;
use crate::logic::playbook::overlaps::{self, Order};
use crate::logic::playbook::sidecar::{Port, Sidecar};

/// Something between two stages that stand in different calls.
pub struct Found {
    /// Position of the stage of the job's own playbook that is, or calls, the second of them.
    pub at: u32,
    pub slug: &'static str,
    pub message: String,
    /// The way out.
    pub help: String,
}

/// Returns what stages of different calls do to each other.
#[must_use]
pub fn check(plan: &Plan) -> Vec<Found> {
    if plan.frames.is_empty() {
        return Vec::new();
    }
    let has_if = |at: u32| plan.playbook.stages[at as usize].condition.is_some();
    let is_conditional = |at: usize| has_if(position(at)) || plan.callers(position(at)).any(has_if);
    let caches = overlaps::across_calls(&plan.playbook.stages, is_conditional).into_iter();
    let caches = caches.map(|(at, message, help)| Found {
        at: outermost(plan, position(at)),
        slug: "cache-outputs-shared",
        message,
        help: help.to_owned(),
    });
    caches.chain(ports(plan, &is_conditional)).collect()
}

/// Returns the stage of the job's own playbook that is a stage, or calls it.
fn outermost(plan: &Plan, stage: u32) -> u32 {
    plan.callers(stage).last().unwrap_or(stage)
}

/// A service with a port that it has to have, and its stage.
type Fixed<'p> = (usize, &'p Sidecar, &'p Port);

fn ports(plan: &Plan, is_conditional: &dyn Fn(usize) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    if plan.slots == 1 {
        return found;
    }
    let stages = &plan.playbook.stages;
    let mut order = Order::new(stages);
    let mut known: HashMap<(u16, bool), Vec<Fixed<'_>>> = HashMap::new();
    let part = stages.iter().zip(&plan.stages).enumerate();
    for (at, (stage, _)) in part.filter(|(_, (_, it))| !matches!(it.selected, Selected::No(_))) {
        let ports = stage.steps.sidecars.iter().flat_map(|it| it.ports.iter().map(move |port| (it, port)));
        let mut is_told = false;
        for (sidecar, port) in ports {
            let Some(outer) = port.outer else { continue };
            let others = known.entry((outer, port.is_udp)).or_default();
            let mut meets = |other: &&Fixed<'_>| {
                stages[other.0].frame != stage.frame
                    && !(is_conditional(other.0) && is_conditional(at))
                    && may_both(plan, &mut order, other.0, at)
            };
            if let Some((first, theirs, _)) = others.iter().find(|it| !is_told && meets(it)) {
                is_told = true;
                found.push(Found {
                    at: outermost(plan, position(at)),
                    slug: "bad-port",
                    message: format!(
                        "`{}` and `{}` may run at the same time, and their services `{}` and `{}` want the port {outer} of \
                         the host",
                        stages[*first].id, stage.id, theirs.name, sidecar.name
                    ),
                    help: format!(
                        "write `{}` alone for a free port, or keep them apart: `needs` between what calls them, or \
                         `locks: [port-{outer}]` in both",
                        port.name()
                    ),
                });
            }
            others.push((at, sidecar, port));
        }
    }
    found
}

/// Says whether nothing but chance keeps two stages apart that stand in different calls.
fn may_both(plan: &Plan, order: &mut Order<'_>, first: usize, second: usize) -> bool {
    let stages = &plan.playbook.stages;
    if !may_meet(&stages[first], &stages[second]) {
        return false;
    }
    // Each with all that call it, the outermost first.
    let way = |at: usize| {
        let mut way: Vec<usize> = plan.callers(position(at)).map(|it| it as usize).collect();
        way.reverse();
        way.push(at);
        way
    };
    let (a, b) = (way(first), way(second));
    match a.iter().zip(&b).find(|(a, b)| a != b) {
        // They stand in one file, where either may wait for the other.
        Some((&a, &b)) if stages[a].frame == stages[b].frame => {
            !order.is_before(a, b) && !order.is_before(b, a)
        }
        // Two cells of one stage call them.
        Some((&a, _)) => {
            let caller = stages[a].frame.map(|frame| plan.frames[frame as usize].caller);
            let strategy = caller.and_then(|it| stages[it as usize].strategy.as_ref());
            strategy.is_none_or(|it| it.max_parallel != Some(1))
        }
        // One of them calls the other, so it has no services.
        None => false,
    }
}
