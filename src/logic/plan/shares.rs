//! Stages that ask for more than there is, found before anything runs.
//!
//! Not here: who gets what there is (`logic/claims`).

use super::{PlanProblem, PlannedStage, Selected};
use crate::logic::playbook::model::Playbook;
use crate::logic::playbook::share::{Totals, shown};

/// Finds stages that take part whose cells could never begin.
pub(super) fn check(
    playbook: &Playbook,
    stages: &[PlannedStage],
    slots: u32,
    totals: &Totals,
    problems: &mut Vec<PlanProblem>,
) {
    let part = playbook.stages.iter().zip(stages).filter(|(_, it)| !matches!(it.selected, Selected::No(_)));
    for (stage, _) in part {
        let wanted = stage.resources.slots.unwrap_or(1);
        let least = totals.slots.map_or(slots, |all| all.min(slots));
        if wanted > least {
            let help = if slots == least {
                "raise `max-parallel`, or let the stage ask for less"
            } else {
                "raise the setting `engine.slots`, or let the stage ask for less"
            };
            problems.push(short(&stage.id, "slots", (&wanted.to_string(), &least.to_string()), help));
        }
        for (name, amount, _) in &stage.resources.others {
            if let Some(total) = totals.others.get(&**name).filter(|total| *total < amount) {
                let help = "raise it in the setting `resources`, or let the stage ask for less";
                problems.push(short(&stage.id, name, (&shown(name, *amount), &shown(name, *total)), help));
            }
        }
    }
}

fn short(stage: &str, name: &str, (wanted, total): (&str, &str), help: &str) -> PlanProblem {
    PlanProblem {
        slug: "resource-short",
        message: format!("each cell of `{stage}` asks for {wanted} of `{name}`, and there is {total} in all"),
        help: Some(help.to_owned()),
    }
}
