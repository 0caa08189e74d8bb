//! What `plan` says about caches: what a result is known by, and whether one is kept.
//!
//! Whether it fits would take the tools and programs that belong to its key, and `plan` starts nothing: it says what can be
//! said. Not here: why something did not fit (`cache explain`).

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use crate::engine::upkeep;
use crate::faces::context::Context;
use crate::logic::cache::Share;
use crate::logic::plan::{Plan, Selected};
use crate::logic::playbook::cache::CacheRule;
use crate::logic::playbook::model::Text;
use crate::logic::text::shortened;

/// Numbers of the jobs whose results are kept, by what they are known by.
pub(super) struct Kept(HashMap<String, u64>);

impl Kept {
    /// Looks into the store of results, if anything of the plan is cached. What cannot be read holds nothing.
    pub(super) fn of(context: &Context, plan: &Plan) -> Self {
        let mut newest = HashMap::new();
        if crate::logic::job::cached::is_needed(plan) {
            let all = upkeep::cached(&context.project).unwrap_or_default().into_iter();
            // What is only for the job that made it is taken by no other one.
            for it in all.filter(|it| it.share != Share::None) {
                let number = newest.entry(it.name).or_insert(it.made_by);
                *number = it.made_by.max(*number);
            }
        }
        Self(newest)
    }

    /// Returns the last job that made a result of a stage, of one of its cells, or of a step.
    fn newest(&self, plan: &Plan, (stage, step): (usize, Option<&str>)) -> Option<u64> {
        let name = format!("{}: {}", plan.playbook.name, plan.playbook.stages[stage].id);
        let step = step.map(|step| format!("/{step}")).unwrap_or_default();
        let is_it = |it: &str| {
            let rest = it.strip_prefix(&name).and_then(|rest| rest.strip_suffix(&step));
            rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with('[') && rest.ends_with(']')))
        };
        self.0.iter().filter(|(it, _)| is_it(it)).map(|(_, number)| *number).max()
    }

    /// Says it in a line: `cache: inputs src/**; outputs out/made; taken from job #3 if nothing of that has changed`.
    pub(super) fn line(&self, plan: &Plan, rule: &CacheRule, at: (usize, Option<&str>)) -> String {
        let files = if rule.whole_project { "all tracked files" } else { "no file" };
        let mut parts = vec![match rule.inputs.as_slice() {
            [] => format!("inputs {files}"),
            some => format!("inputs {}", sources(some).join(" ")),
        }];
        for (word, texts) in [("outputs", &rule.outputs), ("tools", &rule.tools)] {
            if !texts.is_empty() {
                parts.push(format!("{word} {}", sources(texts).join(", ")));
            }
        }
        if !rule.env.is_empty() {
            parts.push(format!("env {}", rule.env.join(" ")));
        }
        let newest = self.newest(plan, at);
        let (reads, writes) = (rule.mode.reads && !plan.cache.refresh, rule.mode.writes);
        let next = match (plan.cache.off || !(reads || writes), reads, newest) {
            (true, ..) => "not used".to_owned(),
            (_, false, _) => "made anew and kept".to_owned(),
            (_, true, Some(number)) => format!("taken from job #{number} if nothing of that has changed"),
            (_, true, None) if rule.share == Share::None => "kept for no other job, so it runs".to_owned(),
            (_, true, None) => "nothing is kept so far, so it runs".to_owned(),
        };
        format!("cache: {}; {next}", shortened(&parts.join("; "), 160))
    }

    /// Returns such a line for each stage that runs and is cached as a whole, with its name.
    pub(super) fn lines(&self, plan: &Plan) -> Vec<String> {
        let mut lines = Vec::new();
        for at in plan.order.iter().map(|&at| at as usize) {
            let (stage, planned) = (&plan.playbook.stages[at], &plan.stages[at]);
            let rule = stage.cache.as_deref().or(planned.cache.as_deref());
            if let Some(rule) = rule.filter(|_| !matches!(planned.selected, Selected::No(_))) {
                lines.push(format!("{}: {}", stage.id, self.line(plan, rule, (at, None))));
            }
        }
        lines
    }

    /// Returns the same for programs.
    pub(super) fn json(&self, plan: &Plan, rule: &CacheRule, at: (usize, Option<&str>)) -> Json {
        json!({
            "inputs": sources(&rule.inputs),
            "outputs": sources(&rule.outputs),
            "tools": sources(&rule.tools),
            "env": rule.env,
            "reads": rule.mode.reads && !plan.cache.off && !plan.cache.refresh,
            "writes": rule.mode.writes && !plan.cache.off,
            "kept_by": self.newest(plan, at),
        })
    }
}

/// Texts as they are written: what they come to is known in the cell.
fn sources(texts: &[Text]) -> Vec<&str> {
    texts.iter().map(|text| text.template.source()).collect()
}
