//! Gates that nobody could ever let through, found before anything runs.
//!
//! Not here: who may not answer because the job is theirs, which is known when a gate opens (`logic/job/follow/gates.rs`).

use super::{PlanProblem, PlannedStage, Selected};
use crate::logic::playbook::gate::{Approve, GateRules};
use crate::logic::playbook::model::{Action, Playbook, Step};
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
        for gate in stage.approve.as_deref().into_iter().chain(in_steps) {
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

/// Says of an input that the playbook does not have that it belongs to a gate, if it does.
pub(super) fn of_a_gate(
    playbook: &Playbook,
    given: &[(String, serde_json::Value)],
    problem: PlanProblem,
) -> PlanProblem {
    if problem.slug != "unknown-input" {
        return problem;
    }
    let is_meant = |name: &str| problem.message.ends_with(&format!("`{name}`"));
    let Some((name, _)) = given.iter().find(|(name, _)| is_meant(name)) else { return problem };
    let has_it = |gate: &Approve| gate.inputs.iter().any(|input| input.name.eq_ignore_ascii_case(name));
    let of_step = |step: &Step| match &step.action {
        Action::Approve(gate) => has_it(gate),
        _ => false,
    };
    let stages = playbook.stages.iter();
    let mut at = stages.filter_map(|stage| {
        let is_here = stage.approve.as_deref().is_some_and(has_it);
        let number = stage.steps.steps.iter().position(of_step);
        let step = number.map(|at| match &stage.steps.steps[at].id {
            Some(id) => format!("{}/{id}", stage.id),
            None => format!("{}/{}", stage.id, at + 1),
        });
        if is_here { Some(stage.id.to_string()) } else { step }
    });
    let Some(gate) = at.next() else { return problem };
    let help = format!(
        "`{name}` is asked at the gate `{gate}`, once the job has come to it: give `--input {name}=VALUE` with the approval"
    );
    PlanProblem { help: Some(help), ..problem }
}
