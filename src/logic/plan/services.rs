//! Services that need a container engine, found before anything runs.
//!
//! Not here: looking for one (`edges/containers.rs`).

use super::{PlanProblem, PlannedStage, Selected};
use crate::logic::playbook::model::Playbook;
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
