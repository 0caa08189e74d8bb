//! `run --cache`: which stages are cached though their playbook does not say so, and which cannot be.

use std::sync::Arc;

use super::{CacheRequest, PlannedStage, Selected};
use crate::logic::cache::Share;
use crate::logic::expr::Template;
use crate::logic::playbook::cache::{CacheMode, CacheRule};
use crate::logic::playbook::model::{Action, Playbook, Stage, Text};
use crate::logic::playbook::read_cache::{why_not_stage, why_not_step};

/// Gives a rule to each stage that says nothing about caching and can be cached.
pub(super) fn choose(playbook: &Playbook, request: &CacheRequest, stages: &mut [PlannedStage]) {
    if !request.all || request.off {
        return;
    }
    for (stage, planned) in playbook.stages.iter().zip(stages) {
        if has_own(stage) || why_not(playbook, stage).is_some() {
            continue;
        }
        let text = |it: &String| Text { template: Template::literal(it.as_str()), span: stage.span };
        planned.cache = Some(Arc::new(CacheRule {
            span: stage.span,
            inputs: request.files.iter().map(text).collect(),
            outputs: Vec::new(),
            env: Vec::new(),
            tools: Vec::new(),
            key: None,
            mode: CacheMode::default(),
            outputs_exact: false,
            with_secrets: false,
            max_size: None,
            share: Share::Project,
            is_strict: true,
            whole_project: true,
        }));
    }
}

/// Names the stages that take part and cannot be cached, with the reason.
pub(super) fn left_out(playbook: &Playbook, stages: &[PlannedStage]) -> Vec<String> {
    let taking_part =
        playbook.stages.iter().zip(stages).filter(|(_, it)| !matches!(it.selected, Selected::No(_)));
    taking_part
        .filter(|(stage, _)| !has_own(stage))
        .filter_map(|(stage, _)| Some(format!("`{}` is not cached: {}", stage.id, why_not(playbook, stage)?)))
        .collect()
}

fn has_own(stage: &Stage) -> bool {
    stage.cache.is_some() || stage.steps.steps.iter().any(|step| step.cache.is_some())
}

fn why_not(playbook: &Playbook, stage: &Stage) -> Option<&'static str> {
    let steps = &stage.steps.steps;
    if let Some(why) = why_not_stage(stage).or_else(|| steps.iter().find_map(why_not_step)) {
        return Some(why);
    }
    let env = playbook.env.iter().chain(&stage.env).chain(steps.iter().flat_map(|step| &step.env));
    let runs = steps.iter().filter_map(|step| match &step.action {
        Action::Run { text, .. } => Some(text),
        _ => None,
    });
    let mut texts = env.map(|(_, text)| text).chain(runs);
    texts.find_map(|text| {
        text.template.exprs().iter().find_map(|part| {
            if part.expr.contexts().iter().any(|it| it.name == "secrets") {
                return Some(
                    "it uses a secret; give it a `cache` with `secrets: include` if its result is none",
                );
            }
            let is_hashing = part.expr.functions().iter().any(|it| it.name.eq_ignore_ascii_case("hashFiles"));
            is_hashing.then_some("it uses `hashFiles`; give it a `cache` that names these files in `inputs`")
        })
    })
}
