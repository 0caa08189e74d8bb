//! What differs between the playbook that a job runs and the file as it is now, stage by stage.
//!
//! Pure. Places in the text do not count: a comment or an empty line more is no difference. Not here: whether the file changed
//! at all (`engine/watching`), how it is drawn.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::logic::playbook::model::{Playbook, Stage};
use crate::logic::text::{listed_names, plural, shortened};

#[cfg(test)]
#[path = "difference_tests.rs"]
mod tests;

/// Longest name of a step here.
const LABEL: usize = 40;

/// What became of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Added,
    Removed,
    Changed,
}

/// A stage that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageDifference {
    pub stage: String,
    pub kind: Kind,
    /// What changed about it: `needs: + lint`, `matrix`, `step + build`.
    pub what: Vec<String>,
}

/// All that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Those of the new one in their order, then those that are gone.
    pub stages: Vec<StageDifference>,
    /// Keys of the playbook itself, such as `env`.
    pub keys: Vec<&'static str>,
}

/// Keys of a stage, with the parts of the model that they decide.
const STAGE_KEYS: [(&str, &[&str]); 25] = [
    ("uses", &["call"]),
    ("name", &["name"]),
    ("finally", &["is_final"]),
    ("if", &["condition"]),
    ("run-when", &["run_when"]),
    ("matrix", &["strategy"]),
    ("env", &["env"]),
    ("defaults", &["defaults"]),
    ("working-directory", &["working_directory"]),
    ("timeout", &["timeout"]),
    ("cleanup-timeout", &["cleanup_timeout"]),
    ("cancel", &["cancel"]),
    ("retry", &["retry"]),
    ("continue-on-error", &["continue_on_error"]),
    ("outputs", &["outputs"]),
    ("priority", &["priority"]),
    ("approve", &["approve"]),
    ("workspace", &["workspace"]),
    ("rollback", &["rollback_on_failure"]),
    ("concurrency", &["concurrency"]),
    ("locks", &["locks"]),
    ("resources", &["resources"]),
    ("cache", &["cache", "is_never_cached"]),
    ("artifacts", &["artifacts"]),
    ("services", &["sidecars"]),
];

/// Keys of a playbook that are no stages, with the parts of the model that they decide.
const KEYS: [(&str, &[&str]); 17] = [
    ("name", &["name"]),
    ("description", &["description", "category", "tags"]),
    ("run-name", &["run_name"]),
    ("inputs", &["inputs"]),
    ("secrets", &["secrets"]),
    ("vars", &["vars"]),
    ("profiles", &["profiles"]),
    ("env", &["env"]),
    ("defaults", &["defaults"]),
    ("policy", &["policy"]),
    ("requires", &["requires"]),
    ("pre", &["pre"]),
    ("post", &["post"]),
    ("outputs", &["outputs"]),
    ("on", &["triggers", "is_callable", "is_only_called"]),
    ("concurrency", &["concurrency"]),
    ("reporting", &["reporting"]),
];

/// Compares two playbooks, with the stages that they call where a plan has put them in.
#[must_use]
pub fn difference(old: &Playbook, new: &Playbook) -> Difference {
    let find = |playbook: &'_ Playbook, id: &str| playbook.stages.iter().position(|it| *it.id == *id);
    let mut stages = Vec::new();
    for (at, stage) in new.stages.iter().enumerate() {
        let Some(before) = find(old, &stage.id) else {
            stages.push(StageDifference { stage: stage.id.to_string(), kind: Kind::Added, what: Vec::new() });
            continue;
        };
        let what = changed((old, before), (new, at));
        if !what.is_empty() {
            stages.push(StageDifference { stage: stage.id.to_string(), kind: Kind::Changed, what });
        }
    }
    for stage in old.stages.iter().filter(|it| find(new, &it.id).is_none()) {
        stages.push(StageDifference { stage: stage.id.to_string(), kind: Kind::Removed, what: Vec::new() });
    }
    let (before, after) = (head(old), head(new));
    let keys =
        KEYS.iter().filter(|(_, parts)| parts.iter().any(|part| before.get(*part) != after.get(*part)));
    Difference { stages, keys: keys.map(|(key, _)| *key).collect() }
}

impl Difference {
    /// Returns it in a few words: `2 stages differ`, or `1 stage added, 1 removed, 2 changed`.
    #[must_use]
    pub fn words(&self) -> String {
        let count = |kind| self.stages.iter().filter(|it| it.kind == kind).count();
        let all = [(Kind::Added, "added"), (Kind::Removed, "removed"), (Kind::Changed, "changed")];
        let counts: Vec<(usize, &str)> =
            all.into_iter().map(|(kind, word)| (count(kind), word)).filter(|(count, _)| *count > 0).collect();
        match counts[..] {
            [] if self.keys.is_empty() => "nothing that runs differs".to_owned(),
            [] => {
                let verb = if self.keys.len() == 1 { "differs" } else { "differ" };
                format!("{} {verb}", listed_names(&self.keys, "and"))
            }
            [(1, "changed")] => "1 stage differs".to_owned(),
            [(count, "changed")] => format!("{count} stages differ"),
            [(first, word), ref rest @ ..] => {
                let rest: String = rest.iter().map(|(count, word)| format!(", {count} {word}")).collect();
                format!("{} {word}{rest}", plural(first, "stage"))
            }
        }
    }

    /// Returns a line for each stage, with what changed about it below; what is not about stages comes first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.keys.iter().map(|key| format!("~ {key}")).collect();
        for it in &self.stages {
            let sign = match it.kind {
                Kind::Added => '+',
                Kind::Removed => '-',
                Kind::Changed => '~',
            };
            lines.push(format!("{sign} stage {}", it.stage));
            lines.extend(it.what.iter().map(|what| format!("    {what}")));
        }
        if lines.is_empty() {
            lines.push("only what nothing depends on, such as comments and the order of keys".to_owned());
        }
        lines
    }
}

/// Returns what is compared of a playbook beside its stages.
fn head(playbook: &Playbook) -> Map<String, Json> {
    // Stages are compared one by one, and what is called is among them.
    members(&Playbook {
        stages: Vec::new(),
        called: Vec::new(),
        reads_of_calls: Vec::new(),
        ..playbook.clone()
    })
}

fn members(it: &impl Serialize) -> Map<String, Json> {
    match serde_json::to_value(it).map(plain) {
        Ok(Json::Object(members)) => members,
        _ => Map::new(),
    }
}

/// Takes away where things stand in the text.
fn plain(json: Json) -> Json {
    match json {
        Json::Object(members) => {
            let is_place = |name: &str| matches!(name, "span" | "spans");
            let kept = members.into_iter().filter(|(name, _)| !is_place(name));
            Json::Object(kept.map(|(name, value)| (name, plain(value))).collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(plain).collect()),
        other => other,
    }
}

/// Returns what changed about a stage.
fn changed((old, before): (&Playbook, usize), (new, after): (&Playbook, usize)) -> Vec<String> {
    let (before, after) = (&old.stages[before], &new.stages[after]);
    let mut what = Vec::new();
    what.extend(needs((old, before), (new, after)));
    let flat = |stage: &Stage| {
        let mut all = members(stage);
        let steps = all.remove("steps").unwrap_or_default();
        all.insert("sidecars".to_owned(), steps["sidecars"].clone());
        (all, steps)
    };
    let ((was, steps_before), (is, steps_after)) = (flat(before), flat(after));
    let differs = |parts: &[&str]| parts.iter().any(|part| was.get(*part) != is.get(*part));
    what.extend(STAGE_KEYS.iter().filter(|(_, parts)| differs(parts)).map(|(key, _)| (*key).to_owned()));
    what.extend(steps(&steps_before, &steps_after));
    what
}

fn needs((old, before): (&Playbook, &Stage), (new, after): (&Playbook, &Stage)) -> Option<String> {
    let names = |playbook: &Playbook, stage: &Stage| -> BTreeSet<String> {
        let all = stage.needs.iter().filter_map(|&at| playbook.stages.get(at));
        all.map(|it| it.id.to_string()).collect()
    };
    let (was, is) = (names(old, before), names(new, after));
    let added = is.difference(&was).map(|name| format!("+ {name}"));
    let all: Vec<String> = added.chain(was.difference(&is).map(|name| format!("- {name}"))).collect();
    (!all.is_empty()).then(|| format!("needs: {}", all.join(", ")))
}

/// Returns what changed about the steps, each named by its id, its name or what it runs.
fn steps(before: &Json, after: &Json) -> Vec<String> {
    if before == after {
        return Vec::new();
    }
    let all = |tree: &Json| -> Vec<(String, Json)> {
        let steps = tree["steps"].as_array().cloned().unwrap_or_default();
        steps.into_iter().map(|step| (label(&step), step)).collect()
    };
    let (mut was, is) = (all(before), all(after));
    let order = |steps: &[(String, Json)]| steps.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let is_same_order = order(&was) == order(&is);
    let mut what = Vec::new();
    for (name, step) in &is {
        // The very same one first: several may have one name.
        let same = was.iter().position(|(other, it)| other == name && it == step);
        let Some(at) = same.or_else(|| was.iter().position(|(other, _)| other == name)) else {
            what.push(format!("+ step {name}"));
            continue;
        };
        let (_, earlier) = was.remove(at);
        if earlier != *step {
            what.push(format!("~ step {name}"));
        }
    }
    what.extend(was.into_iter().map(|(name, _)| format!("- step {name}")));
    if what.is_empty() {
        let words = if is_same_order { "steps" } else { "steps, in another order" };
        what.push(words.to_owned());
    }
    what
}

fn label(step: &Json) -> String {
    let text = |it: &Json| it["template"]["text"].as_str().map(str::to_owned);
    let id = step["id"].as_str().map(str::to_owned);
    let run = || {
        let text = text(&step["action"]["Run"]["text"])?;
        Some(format!("`{}`", shortened(text.trim().lines().next().unwrap_or_default(), LABEL)))
    };
    let kind = || match &step["action"] {
        Json::Object(members) => members.keys().next().map(|it| it.to_lowercase()),
        Json::String(word) => Some(word.to_lowercase()),
        _ => None,
    };
    let name = id.or_else(|| text(&step["name"]).map(|it| shortened(&it, LABEL)));
    name.or_else(run).or_else(kind).unwrap_or_default()
}
