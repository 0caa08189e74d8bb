//! Gates that nobody could ever let through, found before anything runs.
//!
//! Not here: who may not answer because the job is theirs, which is known when a gate opens (`logic/job/follow/gates.rs`).

use super::{PlanProblem, PlannedStage, Selected};
use crate::logic::playbook::gate::{Approve, GateRules};
use crate::logic::playbook::model::{Action, Playbook};
use crate::logic::text::plural;

/// Finds gates of stages that take part which ask for more people than may answer.
pub(super) fn check(
    playbook: &Playbook,
    stages: &[PlannedStage],
    rules: &GateRules,
    problems: &mut Vec<PlanProblem>,
) {
    let part = playbook.stages.iter().zip(stages).filter(|(_, it)| !matches!(it.selected, Selected::No(_)));
    for (stage, _) in part {
        let in_steps = stage.steps.steps.iter().filter_map(|step| match &step.action {
            Action::Approve(gate) => Some(&**gate),
            _ => None,
        });
        for gate in stage.approve.iter().chain(in_steps) {
            problems.extend(too_few(gate, &stage.id, rules));
        }
    }
}

fn too_few(gate: &Approve, stage: &str, rules: &GateRules) -> Option<PlanProblem> {
    let people = rules.people(&gate.approvers);
    if gate.approvers.is_empty() || people.len() >= gate.count as usize {
        return None;
    }
    Some(PlanProblem {
        slug: "gate-unanswerable",
        message: format!(
            "the gate in `{stage}` asks for {}, and only {} may answer",
            plural(gate.count as usize, "approval"),
            people.join(", ")
        ),
        help: Some("groups are set in `sortie.yml`, such as `groups: {ops: [ann, ben]}`".to_owned()),
    })
}
