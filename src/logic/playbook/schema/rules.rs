//! What holds between the keys of a map: which are required, which exclude each other, which need another.
//!
//! Not here: the keys one by one (`of_*.rs`). Start with `of`.

use serde_json::{Map, Value as Json, json};

use super::forms::or_else;
use super::of_playbook::CRON;
use crate::logic::playbook::keys::{self, Place};
use crate::logic::playbook::read_control::{ACTIONS, FITS};
use crate::logic::playbook::read_gate::OF_COMMANDS;
use crate::logic::playbook::read_inputs::{KINDS, SOURCES};
use crate::logic::playbook::read_service::{OF_CONTAINERS, READY_WAYS};
use crate::logic::playbook::read_uses::BESIDE;

/// Returns what a definition says beside its keys. `part` is the name of one that depends on where it stands.
pub(super) fn of(part: &str, place: Place) -> Map<String, Json> {
    let rules = match place {
        Place::Playbook => json!({ "required": ["version", "stages"] }),
        Place::Input => json!({ "allOf": input() }),
        Place::SecretFrom => json!({ "allOf": exactly_one(&SOURCES) }),
        Place::Retry => json!({ "required": ["attempts"] }),
        Place::Assertion => json!({ "required": ["if"] }),
        Place::Output | Place::ActionOutput => json!({ "required": ["value"] }),
        Place::Stage => json!({ "required": required_of_stage(part), "allOf": stage() }),
        Place::Step if part == "Undo" => json!({ "required": ["run"] }),
        Place::Step => json!({ "allOf": step() }),
        // A cron line alone is a schedule, too.
        Place::Schedule => {
            json!({
                "type": ["object", "string"], "pattern": CRON.0, "patternErrorMessage": CRON.1, "required": ["cron"],
            })
        }
        Place::Watch => json!({ "required": ["globs"] }),
        Place::AfterRun => json!({ "required": ["playbooks"] }),
        Place::Cache if part == "Cache" => json!({ "required": ["inputs"] }),
        Place::CacheFiles => json!({ "required": ["path", "key"] }),
        Place::Concurrency => {
            json!({ "type": ["object", "string", "number", "boolean"], "required": ["group"] })
        }
        Place::Lock => json!({ "type": ["object", "string", "number", "boolean"], "required": ["name"] }),
        Place::Approve => approve(),
        Place::Artifacts => json!({ "anyOf": one_of(&["out", "in"]) }),
        Place::ArtifactOut => json!({ "required": ["name", "path"] }),
        Place::ArtifactIn => {
            let mut all = exactly_one(&["name", "pattern"]);
            all.push(without(&["name"], &["merge"], "merge belongs to pattern"));
            json!({ "required": ["path"], "allOf": all })
        }
        Place::Sidecar => {
            let containers = json!({ "if": { "not": has(&["image"]) }, "then": {
                "properties": never(&OF_CONTAINERS), "errorMessage": "this belongs to a service with image",
            } });
            json!({ "anyOf": one_of(&["process", "image"]), "allOf": [containers] })
        }
        Place::SidecarProcess => json!({ "required": ["run"] }),
        Place::Credentials => json!({ "required": ["username", "password"] }),
        Place::Ready => json!({ "allOf": exactly_one(&READY_WAYS) }),
        Place::Action => json!({ "required": ["runs"] }),
        Place::ActionRuns => json!({ "required": ["using", "steps"] }),
        _ => json!({}),
    };
    match rules {
        Json::Object(rules) => rules,
        _ => Map::new(),
    }
}

/// The keys are all there.
fn has(keys: &[&str]) -> Json {
    json!({ "required": keys })
}

/// Any of the keys is there, as the branches of an `anyOf`.
fn one_of(keys: &[&str]) -> Vec<Json> {
    let message = format!("one of these keys has to be here: {}", keys.join(", "));
    keys.iter().map(|key| or_else(has(&[key]), &message)).collect()
}

/// Properties that must not be there.
fn never(keys: &[&str]) -> Json {
    keys.iter().map(|key| ((*key).to_owned(), json!(false))).collect::<Map<String, Json>>().into()
}

/// Where the first keys are, the others are not; editors mark those, and say why.
fn without(keys: &[&str], others: &[&str], message: &str) -> Json {
    json!({ "if": has(keys), "then": { "properties": never(others), "errorMessage": message } })
}

/// One of the keys is there, and none of the others. Editors mark the second one, which `oneOf` would not let them.
fn exactly_one(keys: &[&str]) -> Vec<Json> {
    let mut rules = vec![json!({ "anyOf": one_of(keys) })];
    rules.extend(at_most_one(keys));
    rules
}

fn at_most_one(keys: &[&str]) -> Vec<Json> {
    let pairs = keys.iter().enumerate().filter(|(at, _)| at + 1 < keys.len());
    let message = format!("only one of these keys can be here: {}", keys.join(", "));
    pairs.map(|(at, key)| without(&[key], &keys[at + 1..], &message)).collect()
}

/// What an input may say depends on its type.
fn input() -> Vec<Json> {
    let is = |kind: &str| json!({ "properties": { "type": { "const": kind } }, "required": ["type"] });
    let default = |types: &[&str]| json!({ "properties": { "default": { "type": types } } });
    let others: Vec<&str> = KINDS.iter().map(|(name, _)| *name).filter(|name| *name != "string").collect();
    vec![
        json!({ "if": is("choice"), "then": has(&["options"]), "else": { "properties": never(&["options"]) } }),
        json!({
            "if": { "properties": { "type": { "enum": others } }, "required": ["type"] },
            "then": { "properties": never(&["pattern"]) },
        }),
        json!({ "if": is("number"), "then": default(&["number", "null"]) }),
        json!({ "if": is("boolean"), "then": default(&["boolean", "null"]) }),
        json!({ "if": { "not": is("json") }, "then": default(&["string", "number", "boolean", "null"]) }),
    ]
}

fn required_of_stage(part: &str) -> Vec<&'static str> {
    if part == "ListedStage" { vec!["id"] } else { Vec::new() }
}

/// A stage has work of its own, or calls a playbook that has.
fn stage() -> Vec<Json> {
    let names = keys::of(Place::Stage).iter().map(|key| key.name);
    let not_beside: Vec<&str> = names.filter(|name| !BESIDE.contains(name)).collect();
    vec![
        json!({ "anyOf": one_of(&["run", "steps", "uses"]) }),
        without(&["run"], &["steps"], "a stage has run or steps, and not both"),
        json!({
            "if": has(&["matrix"]),
            "then": { "properties": { "strategy": { "properties": never(&["matrix"]) } } },
            // Said the other way round, editors would offer it twice.
            "else": { "not": { "required": ["strategy"], "properties": { "strategy": { "not": has(&["matrix"]) } } } },
        }),
        json!({
            "if": has(&["uses"]),
            "then": { "properties": never(&not_beside), "errorMessage": "this cannot stand beside uses" },
            "else": {
                "properties": never(&["with", "secrets"]),
                "errorMessage": "this is for a playbook that the stage uses",
            },
        }),
    ]
}

/// A step does one thing, and has the keys that fit to it.
fn step() -> Vec<Json> {
    let mut actions = vec!["approve"];
    actions.extend(ACTIONS);
    let mut rules = exactly_one(&actions);
    for action in ACTIONS {
        let unfit: Vec<&str> =
            FITS.iter().filter(|(_, homes)| !homes.contains(&action)).map(|(name, _)| *name).collect();
        if !unfit.is_empty() {
            rules.push(without(&[action], &unfit, &format!("this does not fit to a step with {action}")));
        }
    }
    let mut unfit = vec!["fail-fast", "rescue", "always", "timeout", "retry"];
    unfit.extend(OF_COMMANDS);
    rules.push(without(&["approve"], &unfit, "this does not fit to a step with approve"));
    rules
}

/// A gate may be what is asked alone.
fn approve() -> Json {
    json!({
        "type": ["object", "string", "boolean"],
        "not": { "const": false },
        "pattern": r"\S",
        "dependencies": { "on-timeout": ["timeout"] },
    })
}
