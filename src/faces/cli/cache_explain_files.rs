//! What `cache explain` says of steps with `cache-files`: which key was asked for, and which one was taken.
//!
//! They are told by the outputs of those steps, so by the journal. Not here: results (`cache_explain.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::list::local_time;
use crate::engine::JobRow;
use crate::engine::upkeep::KeptResult;
use crate::logic::cache::Unit;
use crate::logic::cache::keyed::{HIT, MATCHED, PATHS, PRIMARY};
use crate::logic::job::event::Event;
use crate::logic::view::JobView;

/// What a step with `cache-files` found.
pub(super) struct Filed {
    pub(super) unit: Unit,
    key: String,
    /// The key that was taken; empty if nothing was.
    matched: String,
    is_hit: bool,
    paths: Vec<String>,
}

/// By cell and step.
pub(super) type Files = BTreeMap<(u32, u32), Filed>;

/// Takes note of what the end of a step tells; of several runs of a cell the last one counts.
pub(super) fn note(all: &mut Files, event: &Event) {
    let Event::StepFinished(end) = event else { return };
    let told = |name: &str| -> Option<&Arc<str>> {
        end.outputs.iter().find(|(known, _)| &**known == name).map(|(_, value)| value)
    };
    let (Some(key), Some(matched), Some(paths)) = (told(PRIMARY), told(MATCHED), told(PATHS)) else { return };
    let it = Filed {
        unit: Unit { cell: end.key.cell, run: end.key.run, step: Some(end.key.step) },
        key: key.to_string(),
        matched: matched.to_string(),
        is_hit: told(HIT).is_some_and(|it| &**it == "true"),
        paths: serde_json::from_str(paths).unwrap_or_default(),
    };
    all.insert((end.key.cell, end.key.step), it);
}

impl Filed {
    /// Returns `hit`, `near` or `miss`.
    pub(super) fn decision(&self) -> &'static str {
        match (self.is_hit, self.matched.is_empty()) {
            (true, _) => "hit",
            (false, false) => "near",
            (false, true) => "miss",
        }
    }

    /// Says it behind the decision.
    pub(super) fn brief(&self) -> String {
        match self.decision() {
            "hit" => format!("cache-files `{}`", self.key),
            "near" => format!("cache-files: took `{}` for `{}`", self.matched, self.key),
            _ => format!("cache-files: nothing for `{}`", self.key),
        }
    }

    /// Returns the lines that tell all of it: a name, and what belongs to it.
    pub(super) fn parts(&self, row: &JobRow, kept: &[KeptResult]) -> Vec<(&'static str, String)> {
        let reason = match self.decision() {
            "hit" => "files with that very key were kept, and were put back".to_owned(),
            "near" => format!("nothing has that key; `{}` begins as `restore-keys` say", self.matched),
            _ => "nothing is kept with that key, nor as `restore-keys` say".to_owned(),
        };
        let there = match self.there(kept) {
            None => "nothing has that key now".to_owned(),
            Some(it) if it.made_by == row.number => {
                format!("saved by this job at {}", local_time(it.made))
            }
            Some(it) => format!("saved by job #{} at {}", it.made_by, local_time(it.made)),
        };
        vec![
            ("reason", reason),
            ("key", self.key.clone()),
            ("in store", there),
            ("paths", self.paths.join(", ")),
        ]
    }

    fn there<'a>(&self, kept: &'a [KeptResult]) -> Option<&'a KeptResult> {
        kept.iter().find(|it| it.is_keyed && it.name.strip_prefix("cache-files: ") == Some(&*self.key))
    }

    /// Returns it for programs; `name` is what people know the step by.
    pub(super) fn as_object(
        &self,
        (row, view): (&JobRow, &JobView),
        name: &str,
        kept: &[KeptResult],
    ) -> Json {
        let cell = &view.cells[self.unit.cell as usize];
        json!({
            "kind": "files",
            "job": row.number,
            "name": name,
            "stage": view.stage_name(cell.stage),
            "cell": { "id": &*cell.id, "matrix": &*cell.matrix, "run": self.unit.run },
            "step": self.unit.step.map(|step| view.step_name(self.unit.cell, step)),
            "key": self.key,
            "decision": self.decision(),
            "matched_key": (!self.matched.is_empty()).then_some(&self.matched),
            "paths": self.paths,
            "in_store": self.there(kept).map_or(Json::Null, super::cache::as_object),
        })
    }
}
