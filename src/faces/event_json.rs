//! Events as the public contract writes them: one JSON object a line, in the user's words.
//!
//! Not here: the stored form (`logic/job/event.rs`). Start with `line`. The names of a stage, a cell and a step
//! stand beside `data`; inside `data`, positions are replaced by names.

use serde_json::{Map, Value as Json, json};

use crate::logic::artifact::Taken;
use crate::logic::cache::{Hit, Kept, Unit};
use crate::logic::job::event::{Envelope, Event, SCHEMA};
use crate::logic::job::gate::GatePlace;
use crate::logic::view::JobView;

#[cfg(test)]
#[path = "event_json_tests.rs"]
mod tests;

/// Fields of the stored form that say where and who; the contract has them beside `data`.
const PLACES: [&str; 8] = ["event", "key", "cell", "run", "step", "stage", "attempt", "by"];

/// Returns one line without its line break. The view has to have folded the event already.
#[must_use]
pub fn line(view: &JobView, job: &str, envelope: &Envelope) -> String {
    let event = &envelope.event;
    let place = Place::of(view, event);
    let mut object = Map::new();
    object.insert("schema".into(), SCHEMA.into());
    object.insert("seq".into(), envelope.seq.into());
    object.insert("time".into(), envelope.time.rfc3339().into());
    object.insert("type".into(), event.type_name().into());
    object.insert("job".into(), job.into());
    let stage = place
        .stage
        .or_else(|| place.cell.and_then(|(cell, _)| view.cells.get(cell as usize)).map(|c| c.stage));
    if let Some(stage) = stage {
        object.insert("stage".into(), view.stage_name(stage).into());
    }
    if let Some((cell, run)) = place.cell
        && let Some(it) = view.cells.get(cell as usize)
    {
        let mut inner = Map::new();
        inner.insert("id".into(), Json::String(it.id.to_string()));
        if !it.matrix.is_null() {
            inner.insert("matrix".into(), (*it.matrix).clone());
        }
        inner.insert("run".into(), run.into());
        object.insert("cell".into(), Json::Object(inner));
        if let Some(step) = place.step {
            object.insert("step".into(), view.step_name(cell, step).into());
        }
    }
    if let Some(attempt) = place.attempt {
        object.insert("attempt".into(), attempt.into());
    }
    if let Some(actor) = event.actor() {
        object.insert("actor".into(), actor.into());
    }
    let data = data(view, event);
    if !data.is_empty() {
        object.insert("data".into(), Json::Object(data));
    }
    Json::Object(object).to_string()
}

/// What an event is about.
#[derive(Default)]
struct Place {
    stage: Option<u32>,
    /// Cell and run.
    cell: Option<(u32, u32)>,
    step: Option<u32>,
    attempt: Option<u32>,
}

impl Place {
    fn of(view: &JobView, event: &Event) -> Self {
        let none = Self::default();
        match event {
            Event::JobStarted { attempt, .. } | Event::JobRetrying { attempt, .. } => {
                Self { attempt: Some(*attempt), ..none }
            }
            Event::StageSubmitted { stage, key, .. } => Self { stage: Some(*stage), ..Self::at(*key) },
            Event::StageStarted { stage, .. } | Event::StageFinished { stage, .. } => {
                Self { stage: Some(*stage), ..none }
            }
            Event::CellStarted { cell, run }
            | Event::CellStopping { cell, run, .. }
            | Event::CellRetrying { cell, run, .. }
            | Event::CellSwept { cell, run, .. }
            | Event::Hashed { cell, run, .. }
            | Event::CellFinished { cell, run, .. } => Self { cell: Some((*cell, *run)), ..none },
            Event::StepSkipped { cell, run, step, .. } => {
                Self { cell: Some((*cell, *run)), step: Some(*step), ..none }
            }
            Event::StepSubmitted { key }
            | Event::StepWithdrawn { key }
            | Event::StepStarted { key }
            | Event::StepStopping { key, .. }
            | Event::StepRetrying { key, .. }
            | Event::Annotated { key, .. } => Self::at(*key),
            Event::StepFinished(end) => Self::at(end.key),
            Event::GateOpened(opened) => Self::at_gate(opened.place),
            Event::GateAnswered(it) | Event::GateApproved(it) | Event::GateRejected(it) => {
                Self::of_gate(view, it.gate)
            }
            Event::GateExpired { gate, .. }
            | Event::GateWithdrawn { gate }
            | Event::GateReminded { gate } => Self::of_gate(view, *gate),
            Event::CellQueued { cell, run, .. } => Self { cell: Some((*cell, *run)), ..none },
            Event::ClaimsBlocked { cell, run, .. }
            | Event::ClaimsHeld { cell, run }
            | Event::ClaimsLost { cell, run } => Self { cell: cell.map(|cell| (cell, *run)), ..none },
            Event::ArtifactsTaken { cell, run, .. }
            | Event::ArtifactPublished { cell, run, .. }
            | Event::ArtifactEmpty { cell, run, .. }
            | Event::ArtifactsFailed { cell, run, .. } => Self { cell: Some((*cell, *run)), ..none },
            Event::CacheHit { unit, .. }
            | Event::CacheWaits { unit, .. }
            | Event::CacheMissed { unit, .. }
            | Event::CacheKept { unit, .. } => {
                Self { cell: Some((unit.cell, unit.run)), step: unit.step, ..none }
            }
            _ => none,
        }
    }

    fn of_gate(view: &JobView, gate: u32) -> Self {
        view.gates.get(gate as usize).map_or_else(Self::default, |it| Self::at_gate(it.opened.place))
    }

    fn at_gate(place: GatePlace) -> Self {
        match place {
            GatePlace::Stage(stage) => Self { stage: Some(stage), ..Self::default() },
            GatePlace::Step(key) => Self::at(key),
        }
    }

    fn at(key: crate::logic::job::report::AttemptKey) -> Self {
        Self {
            stage: None,
            cell: Some((key.cell, key.run)),
            step: Some(key.step),
            attempt: Some(key.attempt),
        }
    }
}

fn data(view: &JobView, event: &Event) -> Map<String, Json> {
    let Ok(Json::Object(mut fields)) = serde_json::to_value(event) else { return Map::new() };
    fields.retain(|name, _| !PLACES.contains(&name.as_str()));
    if let Some(fields) = cache_data(view, event).or_else(|| artifact_data(event)) {
        return fields;
    }
    if let Event::StageStarted { cells, .. } = event {
        fields.insert("cells".into(), cells.iter().map(|new| cell_object(&new.id, &new.matrix)).collect());
    }
    if let Event::StageSubmitted { after, .. } = event {
        fields.remove("cell");
        fields.insert("after".into(), view.cell_name(after.cell).into());
    }
    if let Event::JobRetrying { stages, cells, .. } = event {
        fields.insert(
            "stages".into(),
            stages.iter().map(|&stage| Json::from(view.stage_name(stage))).collect(),
        );
        fields.insert("cells".into(), cells.iter().map(|&cell| Json::from(view.cell_name(cell))).collect());
    }
    if let Event::GateOpened(_) = event {
        fields.remove("place");
    }
    if let Event::RollbackAsked { cells, on_failure, .. } = event {
        fields.insert("cells".into(), cells.iter().map(|&cell| Json::from(view.cell_name(cell))).collect());
        if let Some(stage) = on_failure {
            fields.insert("on_failure".into(), view.stage_name(*stage).into());
        }
    }
    for (name, value) in &mut fields {
        match name.as_str() {
            "cause" => name_cell(view, value),
            "target" | "scope" => *value = target(view, value),
            "asked" => {
                if let Json::Object(kinds) = value {
                    for (_, order) in kinds.iter_mut() {
                        if let Some(gate) = order.get_mut("gate") {
                            let at = gate.as_u64().and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX);
                            *gate = view.gate_name(at).into();
                        }
                        if let Some(inputs) = order.get_mut("inputs") {
                            *inputs = pairs(inputs);
                        }
                        for field in ["target", "scope"] {
                            if let Some(inner) = order.get_mut(field) {
                                *inner = target(view, inner);
                            }
                        }
                    }
                }
            }
            "blockers" => {
                for it in value.as_array_mut().into_iter().flatten() {
                    if let Some(since) = it.get("since").and_then(Json::as_i64) {
                        it["since"] = crate::logic::time::Timestamp(since).rfc3339().into();
                    }
                }
            }
            "outputs" | "env" | "state" | "inputs" | "values" => *value = pairs(value),
            "until" => {
                if let Some(micros) = value.as_i64() {
                    *value = crate::logic::time::Timestamp(micros).rfc3339().into();
                }
            }
            _ => {}
        }
    }
    fields
}

/// What an event about artifacts tells.
fn artifact_data(event: &Event) -> Option<Map<String, Json>> {
    let data = match event {
        Event::ArtifactPublished { artifact, .. } => json!({
            "name": artifact.name,
            "files": artifact.files,
            "bytes": artifact.bytes,
            "digest": format!("sha256:{}", artifact.digest),
            "until": artifact.until.rfc3339(),
        }),
        Event::ArtifactEmpty { name, message, is_warning, .. } => {
            json!({ "name": name, "message": message, "warning": is_warning })
        }
        Event::ArtifactsTaken { taken, .. } => {
            let one = |it: &Taken| {
                let digest = format!("sha256:{}", it.digest);
                json!({ "name": it.name, "path": it.folder, "digest": digest, "written": it.written, "notes": it.notes })
            };
            json!({ "artifacts": taken.iter().map(one).collect::<Vec<_>>() })
        }
        Event::ArtifactsFailed { message, .. } => json!({ "message": message }),
        _ => return None,
    };
    Some(object_of(&data))
}

/// What an event about the cache tells.
fn cache_data(view: &JobView, event: &Event) -> Option<Map<String, Json>> {
    let data = match event {
        Event::CacheHit { unit, hit } => return Some(hit_data(view, *unit, hit)),
        Event::CacheMissed { miss, .. } => return Some(object_of(miss)),
        Event::CacheWaits { message, .. } => json!({ "message": message }),
        Event::CacheKept { kept: Kept::Not { reason, message, .. }, .. } => {
            json!({ "reason": reason, "message": message })
        }
        Event::CacheKept { kept: Kept::Stored { key, files, bytes, notes }, .. } if notes.is_empty() => {
            json!({ "key": key, "files": files, "bytes": bytes })
        }
        Event::CacheKept { kept: Kept::Stored { key, files, bytes, notes }, .. } => {
            json!({ "key": key, "files": files, "bytes": bytes, "notes": notes })
        }
        _ => return None,
    };
    Some(object_of(&data))
}

fn object_of(value: &impl serde::Serialize) -> Map<String, Json> {
    match serde_json::to_value(value) {
        Ok(Json::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn hit_data(view: &JobView, unit: Unit, hit: &Hit) -> Map<String, Json> {
    let mut fields = object_of(hit);
    fields.remove("record");
    fields.insert("took_us".into(), hit.record.took_us.into());
    let steps = hit.record.steps.iter().map(|replay| {
        let end = &replay.end;
        let outputs = pairs(&serde_json::to_value(&end.outputs).unwrap_or_default());
        json!({ "step": view.step_name(unit.cell, end.key.step), "outcome": end.outcome.word(), "outputs": outputs })
    });
    fields.insert("steps".into(), steps.collect());
    fields
}

fn cell_object(id: &str, matrix: &Json) -> Json {
    if matrix.is_null() { json!({ "id": id }) } else { json!({ "id": id, "matrix": matrix }) }
}

fn name_cell(view: &JobView, cause: &mut Json) {
    if let Some(cell) = cause.get_mut("cell")
        && let Some(at) = cell.as_u64().and_then(|at| u32::try_from(at).ok())
    {
        *cell = view.cell_name(at).into();
    }
    // What was undone had a cause before.
    if let Some(before) = cause.get_mut("cause") {
        name_cell(view, before);
    }
}

/// `"job"`, `{"stage":3}` and the like to an address; `"job"` and `"failed"` stay as they are.
fn target(view: &JobView, value: &Json) -> Json {
    let Json::Object(kind) = value else { return value.clone() };
    let Some((kind, at)) = kind.iter().next() else { return value.clone() };
    if kind == "anew" {
        return json!({ "anew": target(view, at) });
    }
    let at = at.as_u64().and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX);
    match kind.as_str() {
        "cell" => view.cell_name(at).into(),
        "from" => json!({ "from": view.stage_name(at) }),
        _ => view.stage_name(at).into(),
    }
}

/// A list of name and value to an object.
fn pairs(value: &Json) -> Json {
    let Json::Array(items) = value else { return value.clone() };
    let mut object = Map::new();
    for item in items {
        if let Some(name) = item.get(0).and_then(Json::as_str) {
            object.insert(name.to_owned(), item.get(1).cloned().unwrap_or(Json::Null));
        }
    }
    Json::Object(object)
}
