//! Forms of the keys of a stage and of the maps that only stages have.
//!
//! Not here: what steps have as well (`of_shared.rs`, `of_step.rs`). Start with `entry`.

use serde_json::{Value as Json, json};

use super::forms::{
    Entry, boolean, duration, either, entry as put, env, id, items, map, matrix, members, name, number,
    pattern, size, steps, text, texts, texts_or_nothing, whole, word,
};
use crate::logic::playbook::keys::Place;
use crate::logic::playbook::read_artifacts::IF_NONE;
use crate::logic::playbook::read_matrix::{IF_EMPTY, PARALLEL};
use crate::logic::playbook::read_share::{LOCK_MODES, LOCK_REACHES, MOST, OWN_NAMES, QUEUES, REACHES};
use crate::logic::playbook::read_stage::{HOST, ROLLBACKS, RUN_WHEN, WORKSPACES};
use crate::logic::playbook::read_step::ON_INTERRUPT;

/// Returns what is known of a key of a stage.
pub(super) fn entry(key: &str) -> Option<Entry> {
    work(key).or_else(|| around(key))
}

/// What a stage does, and when.
fn work(key: &str) -> Option<Entry> {
    match key {
        "id" => put(id(), json!("build")),
        "name" => put(text(), json!("Build on ${{ matrix.os }}")),
        "needs" => put(texts_or_nothing(), json!(["build", "lint"])),
        "if" => put(text(), json!("inputs.channel == 'stable'")),
        "run-when" => put(word(RUN_WHEN), json!("all-done")),
        "strategy" => {
            put(map("Strategy"), json!({ "matrix": { "os": ["linux", "macos"] }, "fail-fast": false }))
        }
        "matrix" => put(matrix(), json!({ "os": ["linux", "macos"] })),
        "run" => put(text(), json!("make test")),
        "steps" => put(steps(), json!([{ "run": "make" }, { "run": "make test" }])),
        "uses" => put(path(), json!("./lib/build.yml")),
        "with" => put(given(), json!({ "level": "quick" })),
        "secrets" => put(
            either(&[
                name(&["inherit"]),
                json!({ "type": ["object", "null"], "additionalProperties": text() }),
            ]),
            json!("inherit"),
        ),
        "outputs" => put(members(&text()), json!({ "url": "${{ steps.up.outputs.url }}" })),
        "approve" => put(map("StageApprove"), json!("Ship it?")),
        "rollback" => put(word(ROLLBACKS), json!("on-failure")),
        "continue-on-error" => put(text(), json!(true)),
        _ => None,
    }
}

/// What surrounds the work of a stage.
fn around(key: &str) -> Option<Entry> {
    match key {
        "env" => put(env(), json!({ "LEVEL": "${{ inputs.level }}" })),
        "defaults" => put(map("StageDefaults"), json!({ "run": { "shell": "bash" } })),
        "working-directory" => put(text(), json!("web")),
        "timeout" => put(duration(), json!("30m")),
        "cleanup-timeout" => put(duration(), json!("2m")),
        "cancel" => put(map("Cancel"), json!({ "signal": "SIGINT", "grace": "30s" })),
        "retry" => put(map("Retry"), json!({ "attempts": 3 })),
        "runs-on" => {
            put(either(&[name(&[HOST]), json!({ "type": "array", "items": name(&[HOST]) })]), json!("host"))
        }
        "priority" => put(whole(-1_000_000, 1_000_000), json!(10)),
        "workspace" => put(either(&[word(WORKSPACES), map("Workspace")]), json!("scratch")),
        "log" => put(map("Log"), json!({ "limit": "10MiB" })),
        "services" => put(
            members(&map("Sidecar")),
            json!({ "db": { "image": "postgres:17", "ports": [5432], "ready": { "tcp": 5432 } } }),
        ),
        "concurrency" => put(map("Concurrency"), json!("deploy-${{ matrix.region }}")),
        "locks" => put(
            json!({ "type": ["array", "string", "number", "boolean", "null"], "items": map("Lock") }),
            json!([{ "name": "database" }]),
        ),
        "resources" => put(map("Resources"), json!({ "cpu": 2, "memory": "4GiB" })),
        "cache" => put(
            either(&[json!({ "const": false }), map("StageCache")]),
            json!({ "inputs": ["src/**"], "outputs": ["target/app"] }),
        ),
        "on-interrupt" => put(word(ON_INTERRUPT), json!("rerun")),
        "artifacts" => put(map("Artifacts"), json!({ "out": [{ "name": "dist", "path": "dist/**" }] })),
        _ => None,
    }
}

/// A path of the project that `uses` names.
pub(super) fn path() -> Json {
    pattern(
        r"^\./(?!.*\$\{\{)(?!(.*/)?\.\.(/|$))",
        "expected a path from the project's folder, such as ./lib/build",
    )
}

/// What `with` gives: values of any kind.
pub(super) fn given() -> Json {
    json!({ "type": ["object", "null"] })
}

/// Returns what is known of a key of a map that only stages have.
pub(super) fn entry_of_parts(place: Place, key: &str) -> Option<Entry> {
    match place {
        Place::Strategy => strategy(key),
        Place::Workspace => match key {
            "mode" => put(word(WORKSPACES), json!("scratch")),
            _ => None,
        },
        Place::Concurrency | Place::Lock => turns(place, key),
        Place::Resources => resources(key),
        Place::Artifacts | Place::ArtifactOut | Place::ArtifactIn => artifacts(place, key),
        _ => None,
    }
}

fn strategy(key: &str) -> Option<Entry> {
    match key {
        "matrix" => put(matrix(), json!({ "os": ["linux", "macos"], "level": [1, 2] })),
        "fail-fast" => put(boolean(), json!(false)),
        "max-parallel" => put(whole(1, i64::from(PARALLEL)), json!(2)),
        "if-empty" => put(word(IF_EMPTY), json!("skip")),
        _ => None,
    }
}

fn turns(place: Place, key: &str) -> Option<Entry> {
    match (place, key) {
        (Place::Concurrency, "group") => put(text(), json!("deploy-${{ inputs.target }}")),
        (Place::Concurrency, "cancel-in-progress") => put(boolean(), json!(true)),
        (Place::Concurrency, "queue") => put(word(QUEUES), json!("single")),
        (Place::Concurrency, "scope") => put(word(REACHES), json!("machine")),
        (Place::Lock, "name") => put(text(), json!("database")),
        (Place::Lock, "mode") => put(word(LOCK_MODES), json!("shared")),
        (Place::Lock, "scope") => put(word(LOCK_REACHES), json!("machine")),
        (Place::Lock, "wait") => put(duration(), json!("10m")),
        _ => None,
    }
}

fn resources(key: &str) -> Option<Entry> {
    match key {
        "slots" => put(whole(1, MOST), json!(2)),
        "cpu" => put(number(0.001, 100_000.0), json!(1.5)),
        "memory" => put(size(), json!("4GiB")),
        "custom" => put(
            json!({
                "type": ["object", "null"],
                "propertyNames": { "not": { "enum": OWN_NAMES } },
                "additionalProperties": whole(0, MOST),
            }),
            json!({ "gpu": 1 }),
        ),
        _ => None,
    }
}

fn artifacts(place: Place, key: &str) -> Option<Entry> {
    match (place, key) {
        (Place::Artifacts, "out") => {
            put(items(&map("ArtifactOut")), json!([{ "name": "dist", "path": "dist/**" }]))
        }
        (Place::Artifacts, "in") => {
            put(items(&map("ArtifactIn")), json!([{ "name": "dist", "path": "dist" }]))
        }
        (_, "name") => put(text(), json!("dist-${{ matrix.os }}")),
        (Place::ArtifactOut, "path") => put(texts(), json!(["dist/**", "!dist/*.map"])),
        (Place::ArtifactOut, "if-none") => put(word(IF_NONE), json!("error")),
        (Place::ArtifactOut, "retention") => put(duration(), json!("30d")),
        (Place::ArtifactOut, "hidden" | "overwrite") => put(boolean(), json!(true)),
        (Place::ArtifactIn, "pattern") => put(text(), json!("dist-*")),
        (Place::ArtifactIn, "path") => put(text(), json!("dist")),
        (Place::ArtifactIn, "merge") => put(boolean(), json!(true)),
        _ => None,
    }
}
