//! Forms of the keys of a playbook as a whole, of its inputs, secrets, triggers and profiles, and of an action.
//!
//! Not here: stages (`of_stage.rs`), what several places share (`of_shared.rs`). Start with `entry`.

use serde_json::{Value as Json, json};

use super::forms::{
    Entry, any_case, boolean, duration, duration_or_zero, either, entry as put, env, id, items, map, members,
    name, names, pattern, steps, text, text_or_nothing, texts, whole, with_title, word,
};
use crate::logic::playbook::keys::Place;
use crate::logic::playbook::read_inputs::{KINDS, PLATFORMS};
use crate::logic::playbook::read_on::{BARE, CATCH_UP, MISSING, OVERLAPS, REPEATED, RUN_ENDS, SCHEDULES};
use crate::logic::playbook::read_playbook::{MATRIX_LIMIT_MOST, VERSION};
use crate::logic::summary::Format;

/// A cron line, and what to say of another text.
pub(super) const CRON: (&str, &str) = (
    r"^\s*(\S+\s+){4}\S+\s*$",
    "expected five fields: minute, hour, day of the month, month, day of the week",
);

/// Returns what is known of a key.
pub(super) fn entry(place: Place, key: &str) -> Option<Entry> {
    match place {
        Place::Playbook => playbook(key),
        Place::Input => input(key),
        Place::Secret | Place::SecretFrom => secret(place, key),
        Place::Policy => policy(key),
        Place::Requires => requires(key),
        Place::Assertion | Place::Output => assertion(place, key),
        Place::Trigger | Place::Watch | Place::AfterRun => trigger(place, key),
        Place::Schedule | Place::Dst => schedule(place, key),
        Place::Profile => profile(key),
        Place::Reporting => reporting(key),
        Place::Action | Place::ActionInput | Place::ActionOutput | Place::ActionRuns => action(place, key),
        _ => None,
    }
}

fn playbook(key: &str) -> Option<Entry> {
    match key {
        "version" => put(json!({ "const": VERSION }), json!(VERSION)),
        "name" => put(text(), json!("release")),
        "description" => put(text(), json!("Builds, tests and ships")),
        "category" => put(text(), json!("delivery")),
        "tags" => put(texts(), json!(["nightly", "slow"])),
        "run-name" => put(text(), json!("release ${{ inputs.version }}")),
        "inputs" => put(members(&optional_map("Input")), json!({ "version": { "required": true } })),
        "secrets" => put(members(&optional_map("Secret")), json!({ "TOKEN": { "required": true } })),
        "vars" => put(members(&text_or_nothing()), json!({ "region": "eu", "replicas": 3 })),
        "env" => put(env(), json!({ "RUST_BACKTRACE": "1" })),
        "defaults" => put(map("Defaults"), json!({ "run": { "shell": "bash" } })),
        "policy" => put(map("Policy"), json!({ "timeout": "1h", "max-parallel": 4 })),
        "requires" => put(map("Requires"), json!({ "tools": ["git >= 2.30"] })),
        "pre" => put(items(&map("Assertion")), json!([{ "if": "inputs.channel != ''" }])),
        "post" => put(items(&map("Assertion")), json!([{ "if": "stages.test.outputs.failures == 0" }])),
        "stages" => put(stages(1), json!({ "build": { "run": "make" } })),
        "finally" => put(stages(0), json!({ "tidy": { "run": "rm -rf tmp" } })),
        "outputs" => {
            put(members(&map("Output")), json!({ "url": { "value": "${{ stages.deploy.outputs.url }}" } }))
        }
        "on" => put(
            either(&[
                with_title(name(BARE), "trigger", "Who starts it: a person, or another playbook."),
                json!({ "type": "array", "items": name(BARE) }),
                map("Trigger"),
            ]),
            json!({ "schedule": [{ "cron": "30 2 * * mon-fri" }] }),
        ),
        "profiles" => put(members(&map("Profile")), json!({ "quick": { "include": ["build"] } })),
        "concurrency" => put(map("Concurrency"), json!({ "group": "deploy-${{ inputs.target }}" })),
        "reporting" => put(map("Reporting"), json!({ "formats": ["html", "xml"] })),
        _ => None,
    }
}

/// A map that may be left empty.
fn optional_map(name: &str) -> Json {
    either(&[map(name), json!({ "type": "null" })])
}

/// Stages by name, or in a list where each has an `id`.
fn stages(least: usize) -> Json {
    let types = if least == 0 { json!(["object", "array", "null"]) } else { json!(["object", "array"]) };
    json!({
        "type": types,
        "minProperties": least,
        "minItems": least,
        "propertyNames": id(),
        "patternProperties": { "^x-": true },
        "additionalProperties": map("Stage"),
        "items": map("ListedStage"),
    })
}

fn input(key: &str) -> Option<Entry> {
    match key {
        "type" => put(word(KINDS), json!("choice")),
        "required" => put(boolean(), json!(true)),
        // What it may be depends on the type, which `rules.rs` says.
        "default" => put(json!({}), json!("stable")),
        "options" => put(
            json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": text() }),
            json!(["stable", "beta"]),
        ),
        "pattern" => put(text(), json!("[0-9]+\\.[0-9]+")),
        "description" => put(text(), json!("Where to ship it")),
        _ => None,
    }
}

fn secret(place: Place, key: &str) -> Option<Entry> {
    match (place, key) {
        (Place::Secret, "required") => put(boolean(), json!(true)),
        (Place::Secret, "from") => put(map("SecretFrom"), json!({ "command": "pass show deploy/token" })),
        (Place::Secret, "description") => put(text(), json!("Key of the package registry")),
        (_, "env") => put(text(), json!("REGISTRY_TOKEN")),
        (_, "file") => put(text(), json!("~/.config/registry-token")),
        (_, "command") => put(text(), json!("pass show deploy/token")),
        _ => None,
    }
}

fn policy(key: &str) -> Option<Entry> {
    match key {
        "timeout" => put(duration(), json!("2h")),
        "cleanup-timeout" => put(duration(), json!("5m")),
        "max-parallel" => put(whole(1, 100_000), json!(4)),
        "strict" => put(boolean(), json!(true)),
        "matrix-limit" => put(whole(1, i64::from(MATRIX_LIMIT_MOST)), json!(512)),
        _ => None,
    }
}

fn requires(key: &str) -> Option<Entry> {
    let version = r"(\s*(<=|>=|==|!=|<|>|=)\s*\d+(\.\d+)*)?";
    let tool =
        pattern(&format!(r"^\s*[^\s<>=!]+{version}\s*$"), "expected a program such as git or git >= 2.30");
    match key {
        "tools" => put(
            either(&[tool.clone(), json!({ "type": "array", "items": tool })]),
            json!(["git >= 2.30", "jq"]),
        ),
        "platforms" => put(names(&PLATFORMS), json!(["linux"])),
        "env" => put(texts(), json!(["HOME"])),
        _ => None,
    }
}

fn assertion(place: Place, key: &str) -> Option<Entry> {
    match (place, key) {
        (Place::Assertion, "name") => put(text(), json!("a channel is chosen")),
        (Place::Assertion, "if") => put(text(), json!("inputs.channel != ''")),
        (Place::Assertion, "message") => put(text(), json!("choose a channel")),
        (Place::Output, "value") => put(text(), json!("${{ stages.deploy.outputs.url }}")),
        (Place::Output, "description") => put(text(), json!("Where it runs")),
        _ => None,
    }
}

fn trigger(place: Place, key: &str) -> Option<Entry> {
    let one_or_list = |name: &str| {
        either(&[
            map(name),
            json!({ "type": "array", "minItems": 1, "maxItems": SCHEDULES, "items": map(name) }),
        ])
    };
    match (place, key) {
        (Place::Trigger, "manual" | "call") => put(json!({ "type": "null" }), Json::Null),
        (Place::Trigger, "schedule") => {
            put(one_or_list("Schedule"), json!([{ "cron": "30 2 * * *", "timezone": "Europe/Zurich" }]))
        }
        (Place::Trigger, "watch") => put(either(&[map("Watch"), globs()]), json!({ "globs": ["src/**"] })),
        (Place::Trigger, "run") => put(map("AfterRun"), json!({ "playbooks": ["build"] })),
        (Place::Watch, "globs") => put(globs(), json!(["src/**", "!src/generated/**"])),
        (Place::Watch, "debounce") => put(duration(), json!("500ms")),
        (Place::AfterRun, "playbooks") => put(texts(), json!(["build"])),
        (Place::AfterRun, "types") => put(names(&RUN_ENDS.map(|end| end.word())), json!(["failed"])),
        (_, "overlap") => put(word(OVERLAPS), json!("queue")),
        _ => None,
    }
}

/// Files below the project's root.
fn globs() -> Json {
    let glob =
        pattern(r"^(?!!?/)(?!!?(.*/)?\.\.(/|$)).+$", "expected files below the project, such as src/**/*.rs");
    either(&[glob.clone(), json!({ "type": "array", "minItems": 1, "items": glob })])
}

fn schedule(place: Place, key: &str) -> Option<Entry> {
    match (place, key) {
        (Place::Dst, "missing") => put(word(MISSING), json!("skip")),
        (Place::Dst, "repeated") => put(word(REPEATED), json!("both")),
        (Place::Dst, _) => None,
        (_, "cron") => put(pattern(CRON.0, CRON.1), json!("30 2 * * mon-fri")),
        (_, "timezone") => put(text(), json!("Europe/Zurich")),
        (_, "dst") => put(map("Dst"), json!({ "missing": "skip", "repeated": "both" })),
        (_, "catch-up") => put(word(CATCH_UP), json!("all")),
        (_, "catch-up-window") => put(duration(), json!("6h")),
        (_, "overlap") => put(word(OVERLAPS), json!("queue")),
        (_, "jitter") => put(duration_or_zero(), json!("5m")),
        (_, "start" | "end") => put(text(), json!("2026-12-01T08:00")),
        _ => None,
    }
}

fn profile(key: &str) -> Option<Entry> {
    match key {
        "description" => put(text(), json!("Only what is fast")),
        "variables" => put(members(&text_or_nothing()), json!({ "level": "quick" })),
        "include" => put(texts(), json!(["build", "test"])),
        "exclude" => put(texts(), json!(["deploy"])),
        "matrix" => put(members(&texts()), json!({ "os": ["linux"] })),
        _ => None,
    }
}

fn reporting(key: &str) -> Option<Entry> {
    let words = Format::ALL.map(Format::word);
    let any = words.map(any_case).join("|");
    // Completed as they are listed, taken in any case.
    let format = either(&[name(&words), json!({ "type": "string", "pattern": format!("^({any})$") })]);
    match key {
        "formats" => put(
            either(&[format.clone(), json!({ "type": "array", "items": format })]),
            json!(["html", "xml"]),
        ),
        "path" => put(text(), json!("reports/${{ run.number }}")),
        _ => None,
    }
}

fn action(place: Place, key: &str) -> Option<Entry> {
    match (place, key) {
        (Place::Action, "name") => put(text_or_nothing(), json!("Set up")),
        (Place::Action, "description") => put(text_or_nothing(), json!("Fetches what the build needs")),
        (Place::Action, "author") => put(text_or_nothing(), json!("the platform team")),
        (Place::Action, "branding") => put(json!({}), json!({ "icon": "box" })),
        (Place::Action, "inputs") => {
            put(members(&optional_map("ActionInput")), json!({ "level": { "default": "quick" } }))
        }
        (Place::Action, "outputs") => {
            put(members(&map("ActionOutput")), json!({ "path": { "value": "${{ steps.a.outputs.path }}" } }))
        }
        (Place::Action, "runs") => {
            put(map("ActionRuns"), json!({ "using": "composite", "steps": [{ "run": "make setup" }] }))
        }
        (Place::ActionInput, "required") => put(boolean(), json!(true)),
        (Place::ActionInput, "default") => put(text_or_nothing(), json!("quick")),
        (Place::ActionInput, "description") => put(json!({}), json!("How much is fetched")),
        (Place::ActionInput, "deprecationMessage") => put(json!({}), json!("use `level`")),
        (Place::ActionOutput, "value") => put(text(), json!("${{ steps.a.outputs.path }}")),
        (Place::ActionOutput, "description") => put(text(), json!("Where it is")),
        (Place::ActionRuns, "using") => put(name(&["composite"]), json!("composite")),
        (Place::ActionRuns, "steps") => put(steps(), json!([{ "run": "make setup" }])),
        _ => None,
    }
}
