//! Ports of the host that services of two stages want while both may run.
//!
//! Not here: ports of one stage (`read_service.rs`), of its cells (`logic/plan/services.rs`), and ports that somebody else has
//! (`edges/sidecar/ports.rs`). Start with `check`.

use std::collections::HashMap;

use super::model::{Policy, Stage};
use super::overlaps::Order;
use super::sidecar::{Port, Sidecar};
use crate::logic::diag::Diagnostic;

/// A service with a port that it has to have.
type Fixed<'s> = (usize, &'s Sidecar, &'s Port);

/// Returns a warning for each stage that may find a port taken by another one.
pub(super) fn check(stages: &[Stage], policy: &Policy) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if policy.max_parallel == Some(1) {
        return found;
    }
    let mut known: HashMap<(u16, bool), Vec<Fixed<'_>>> = HashMap::new();
    let mut order = Order::new(stages);
    for (at, stage) in stages.iter().enumerate() {
        let mut is_told = false;
        let ports = stage.steps.sidecars.iter().flat_map(|it| it.ports.iter().map(move |port| (it, port)));
        for (sidecar, port) in ports {
            let Some(outer) = port.outer else { continue };
            let others = known.entry((outer, port.is_udp)).or_default();
            let meets = |other: &&Fixed<'_>| {
                let first = other.0;
                let is_ordered = first == at || order.is_before(first, at) || order.is_before(at, first);
                !is_ordered && may_meet(&stages[first], stage)
            };
            if let Some((first, theirs, at_first)) = others.iter().find(meets).filter(|_| !is_told) {
                is_told = true;
                let (a, b) = (&stages[*first].id, &stage.id);
                let message = format!(
                    "`{a}` and `{b}` may run at the same time, and their services `{}` and `{}` want the port {outer} of \
                     the host",
                    theirs.name, sidecar.name
                );
                let help = format!(
                    "write `{}` alone for a free port, or keep them apart: `needs`, or `locks: [port-{outer}]` in both",
                    port.name()
                );
                let problem = Diagnostic::warning("bad-port", port.span, message).help(help);
                found.push(problem.also(at_first.span, format!("wanted by `{a}`")));
            }
            others.push((at, sidecar, port));
        }
    }
    found
}

/// Says whether nothing but chance keeps two stages apart that do not wait for each other.
#[must_use]
pub fn may_meet(a: &Stage, b: &Stage) -> bool {
    // Perhaps only one of them ever runs.
    let are_alternatives = a.condition.is_some() && b.condition.is_some();
    let have_lock = a.locks.iter().any(|own| {
        let is_same = |it: &&super::share::Lock| it.name.template.source() == own.name.template.source();
        b.locks.iter().filter(is_same).any(|it| !(it.is_shared && own.is_shared))
    });
    let group = |stage: &Stage| stage.concurrency.as_ref().map(|it| it.group.template.source().to_owned());
    let have_group = group(a).is_some() && group(a) == group(b);
    // How much there is of it, settings say.
    let have_resource =
        a.resources.others.iter().any(|(own, ..)| b.resources.others.iter().any(|(it, ..)| it == own));
    !(are_alternatives || have_lock || have_group || have_resource)
}
