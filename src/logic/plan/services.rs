//! Services that cannot run as planned, found before anything runs: no container engine, one port for several cells.
//!
//! Not here: looking for an engine (`edges/containers.rs`), ports that somebody else has (`edges/sidecar/ports.rs`).

use super::{PlanProblem, PlannedStage, Selected, matrix};
use crate::logic::playbook::model::{MatrixSource, Playbook, Stage};
use crate::logic::sidecar::Containers;

/// Says whether some service of a playbook would run in a container.
#[must_use]
pub fn need_containers(playbook: &Playbook, preferred: bool) -> bool {
    let mut sidecars = playbook.stages.iter().flat_map(|stage| &stage.steps.sidecars);
    sidecars.any(|it| it.needs_container(preferred))
}

/// Finds services of stages that take part and cannot run, because no engine for their containers works.
pub(super) fn check(
    playbook: &Playbook,
    stages: &[PlannedStage],
    containers: &Containers,
    problems: &mut Vec<PlanProblem>,
) {
    if containers.engine.is_some() {
        return;
    }
    let part = playbook.stages.iter().zip(stages).filter(|(_, it)| !matches!(it.selected, Selected::No(_)));
    for (stage, _) in part {
        for sidecar in stage.steps.sidecars.iter().filter(|it| it.needs_container(containers.preferred)) {
            let why = match containers.problem.as_str() {
                "" => "and nobody has looked for one",
                problem => problem,
            };
            problems.push(PlanProblem {
                slug: "no-container-engine",
                message: format!(
                    "the service `{}` of `{}` needs a container engine: {why}",
                    sidecar.name, stage.id
                ),
                help: Some(
                    "install podman, start the docker daemon, or say how the service runs without a container: \
                     `process: { run: COMMAND }`"
                        .to_owned(),
                ),
            });
        }
    }
}

/// Finds ports of the host that several cells of a stage would want at the same time, as far as that is known by now.
pub(super) fn check_ports(
    playbook: &Playbook,
    stages: &[PlannedStage],
    slots: u32,
    problems: &mut Vec<PlanProblem>,
) {
    let whole = playbook.stages.iter().zip(stages).filter(|(_, it)| matches!(it.selected, Selected::Yes));
    for (stage, _) in whole {
        let fixed = stage.steps.sidecars.iter().flat_map(|it| it.ports.iter().map(move |port| (it, port)));
        let Some((sidecar, port, outer)) =
            fixed.filter_map(|(it, port)| Some((it, port, port.outer?))).next()
        else {
            continue;
        };
        if !meet(stage, slots, playbook.policy.matrix_limit as usize) {
            continue;
        }
        problems.push(PlanProblem {
            slug: "bad-port",
            message: format!(
                "several cells of `{}` run at once, and the service `{}` of each wants the port {outer} of the host",
                stage.id, sidecar.name
            ),
            help: Some(format!(
                "write `{}` alone for a free port of the host, or let one cell run at a time: `max-parallel: 1` of its \
                 `strategy`",
                port.name()
            )),
        });
    }
}

/// Says whether two cells of a stage are sure to be allowed at once. What is shared with others may keep them apart.
fn meet(stage: &Stage, slots: u32, limit: usize) -> bool {
    let Some(strategy) = &stage.strategy else { return false };
    let MatrixSource::Fixed(values) = &strategy.matrix else { return false };
    let is_alone = strategy.max_parallel == Some(1)
        || slots < 2 * stage.resources.slots.unwrap_or(1)
        || !stage.resources.others.is_empty()
        || !stage.locks.is_empty()
        || stage.concurrency.is_some();
    !is_alone && matrix::expand(values, limit).is_ok_and(|it| it.combinations.len() > 1)
}
