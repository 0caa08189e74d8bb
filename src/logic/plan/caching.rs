//! `run --cache`: which stages are cached though their playbook does not say so, and which cannot be.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::call::Frame;
use super::{PlannedStage, Selected};
use crate::logic::cache::{Share, Trust};
use crate::logic::expr::Template;
use crate::logic::playbook::cache::{CacheMode, CacheRule};
use crate::logic::playbook::model::{Playbook, Stage, Text};
use crate::logic::playbook::read_cache::{texts_of, why_not_stage, why_not_step};

/// What a job uses the cache of results for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheRequest {
    /// Nothing is looked for, and nothing is kept.
    pub off: bool,
    /// Everything is made anew, and kept.
    pub refresh: bool,
    /// Stages without `cache` are cached as well.
    pub all: bool,
    /// Of `all`: patterns of the files that these depend on; all files of the project if there is none.
    pub files: Vec<String>,
    /// How far the job is trusted: it uses nothing that was made for somebody who is trusted less.
    #[serde(skip_serializing_if = "is_own")]
    pub trust: Trust,
}

fn is_own(trust: &Trust) -> bool {
    *trust == Trust::Own
}

impl CacheRequest {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Gives a rule to each stage that says nothing about caching and can be cached.
pub(super) fn choose(
    (playbook, frames): (&Playbook, &[Frame]),
    request: &CacheRequest,
    stages: &mut [PlannedStage],
) {
    if !request.all || request.off {
        return;
    }
    for (stage, planned) in playbook.stages.iter().zip(stages) {
        if stage.call.is_some() || has_own(stage) || why_not(home(playbook, frames, stage), stage).is_some() {
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
            failures: false,
            whole_project: true,
        }));
    }
}

/// Names the stages that take part and cannot be cached, with the reason.
pub(super) fn left_out((playbook, frames): (&Playbook, &[Frame]), stages: &[PlannedStage]) -> Vec<String> {
    let taking_part =
        playbook.stages.iter().zip(stages).filter(|(_, it)| !matches!(it.selected, Selected::No(_)));
    taking_part
        .filter(|(stage, _)| stage.call.is_none() && !has_own(stage))
        .filter_map(|(stage, _)| {
            Some(format!("`{}` is not cached: {}", stage.id, why_not(home(playbook, frames, stage), stage)?))
        })
        .collect()
}

/// The playbook that a stage stands in: the job's own, or the called one.
fn home<'a>(playbook: &'a Playbook, frames: &'a [Frame], stage: &Stage) -> &'a Playbook {
    stage.frame.map_or(playbook, |frame| &frames[frame as usize].playbook)
}

fn has_own(stage: &Stage) -> bool {
    stage.is_never_cached
        || stage.cache.is_some()
        || stage.steps.steps.iter().any(|step| step.cache.is_some())
}

fn why_not(playbook: &Playbook, stage: &Stage) -> Option<&'static str> {
    let steps = &stage.steps.steps;
    if let Some(why) = why_not_stage(stage).or_else(|| steps.iter().find_map(why_not_step)) {
        return Some(why);
    }
    let env = playbook.env.iter().chain(&stage.env).map(|(_, text)| text.template.exprs());
    let mut texts = env.chain(steps.iter().flat_map(texts_of).map(|(parts, _)| parts));
    texts.find_map(|parts| {
        parts.iter().find_map(|part| {
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
