//! Forms of the keys of a step, and of the services beside steps.
//!
//! Not here: which keys fit to which kind of step (`rules.rs`). Start with `entry`.

use serde_json::{Value as Json, json};

use super::forms::{
    Entry, boolean, duration, either, entry as put, env, id, items, just_true, map, members, pattern, steps,
    text, texts, whole, word,
};
use super::of_shared::shell;
use super::of_stage::{given, path};
use crate::logic::playbook::keys::Place;
use crate::logic::playbook::read_gate::{MOST_APPROVALS, ON_TIMEOUT};
use crate::logic::playbook::read_step::{KEEP_CHILDREN, ON_INTERRUPT};

/// Returns what is known of a key of a step.
pub(super) fn entry(key: &str) -> Option<Entry> {
    action(key).or_else(|| around(key))
}

/// What a step does.
fn action(key: &str) -> Option<Entry> {
    match key {
        "id" => put(id(), json!("build")),
        "name" => put(text(), json!("Build")),
        "run" => put(text(), json!("make test")),
        "block" => put(steps(), json!([{ "run": "make" }])),
        "rescue" => put(steps(), json!([{ "run": "make clean" }])),
        "always" => put(steps(), json!([{ "run": "rm -rf tmp" }])),
        "approve" => put(map("Approve"), json!("Go on with ${{ inputs.target }}?")),
        "parallel" => put(steps(), json!([{ "run": "make lint" }, { "run": "make test" }])),
        "wait" | "cancel" => put(texts(), json!(["server"])),
        "wait-all" | "rollback" => put(just_true(), json!(true)),
        "undo" => put(map("Undo"), json!({ "run": "make uninstall" })),
        "args" => put(texts(), json!(["--fast"])),
        "script" => put(texts(), json!(["0400-0499", "!0410"])),
        "uses" => put(path(), json!("./actions/setup")),
        "with" => put(given(), json!({ "level": "quick" })),
        "cache-files" => put(
            map("CacheFiles"),
            json!({ "path": "~/.cargo/registry", "key": "deps-${{ hashFiles('*.lock') }}" }),
        ),
        _ => None,
    }
}

/// What surrounds it.
fn around(key: &str) -> Option<Entry> {
    let code = whole(0, 255);
    let codes = either(&[code.clone(), json!({ "type": "array", "items": code })]);
    match key {
        "if" => put(text(), json!("failure()")),
        "shell" => put(shell(), json!("bash")),
        "env" => put(env(), json!({ "LEVEL": "${{ inputs.level }}" })),
        "working-directory" => put(text(), json!("web")),
        "timeout" => put(duration(), json!("10m")),
        "continue-on-error" => put(text(), json!(true)),
        "retry" => put(map("Retry"), json!({ "attempts": 3 })),
        "ok-exit-codes" => put(codes, json!([0, 3])),
        "skip-exit-code" => put(codes, json!(77)),
        "durable" | "background" | "idempotent" => put(boolean(), json!(true)),
        "fail-fast" => put(boolean(), json!(false)),
        "keep-children" => put(word(KEEP_CHILDREN), json!("step-end")),
        "log" => put(map("Log"), json!({ "limit": "10MiB" })),
        "cache" => put(map("Cache"), json!({ "inputs": ["src/**"], "outputs": ["target/app"] })),
        "on-interrupt" => put(word(ON_INTERRUPT), json!("rerun")),
        _ => None,
    }
}

/// Returns what is known of a key of services and gates.
pub(super) fn entry_of_parts(place: Place, key: &str) -> Option<Entry> {
    match place {
        Place::Approve => approve(key),
        Place::Sidecar => sidecar(key),
        Place::SidecarProcess => match key {
            "run" => put(text(), json!("python3 -m http.server 8080")),
            "stop" => put(text(), json!("pg_ctl stop -m fast")),
            "ready" => put(map("Ready"), json!({ "tcp": 8080 })),
            _ => None,
        },
        Place::Credentials => match key {
            "username" => put(text(), json!("robot")),
            "password" => put(text(), json!("${{ secrets.REGISTRY_TOKEN }}")),
            _ => None,
        },
        Place::Ready => match key {
            "tcp" => put(json!({ "type": ["integer", "string"] }), json!(5432)),
            "http" => put(
                pattern(r"^(/|http://|\$\{\{)", "expected a path such as /health, or http://HOST:PORT/PATH"),
                json!("/health"),
            ),
            "run" => put(text(), json!("pg_isready")),
            "interval" => put(duration(), json!("500ms")),
            "timeout" => put(duration(), json!("2m")),
            _ => None,
        },
        _ => None,
    }
}

fn approve(key: &str) -> Option<Entry> {
    match key {
        "message" => put(text(), json!("Ship ${{ inputs.version }}?")),
        "approvers" => {
            put(either(&[text(), json!({ "type": "array", "minItems": 1, "items": text() })]), json!(["ops"]))
        }
        "count" => put(whole(1, i64::from(MOST_APPROVALS)), json!(2)),
        "not-actor" | "hold" => put(boolean(), json!(true)),
        "timeout" => put(duration(), json!("24h")),
        "on-timeout" => put(word(ON_TIMEOUT), json!("reject")),
        "inputs" => put(
            members(&either(&[map("Input"), json!({ "type": "null" })])),
            json!({ "ticket": { "required": true } }),
        ),
        "remind" => put(duration(), json!("1h")),
        _ => None,
    }
}

fn sidecar(key: &str) -> Option<Entry> {
    let port = json!({
        "type": ["integer", "string"],
        "minimum": 1,
        "maximum": 65535,
        "pattern": r"^\s*(\d{1,5}:)?\d{1,5}(/(tcp|udp))?\s*$",
        "errorMessage": "expected a port such as 5432, or 15432:5432 for a certain one of the host",
    });
    match key {
        "process" => put(either(&[process(), map("SidecarProcess")]), json!({ "run": "redis-server" })),
        "image" => put(text(), json!("postgres:17")),
        "env" => put(env(), json!({ "POSTGRES_PASSWORD": "test" })),
        "ports" => put(items(&port), json!([5432])),
        "ready" => put(map("Ready"), json!({ "tcp": 5432 })),
        "volumes" => put(items(&text()), json!(["data:/var/lib/postgresql/data"])),
        "options" => put(text(), json!("--memory 512m")),
        "credentials" => {
            put(map("Credentials"), json!({ "username": "robot", "password": "${{ secrets.TOKEN }}" }))
        }
        "entrypoint" => put(text(), json!("/bin/sh")),
        "command" => put(text(), json!("-c 'redis-server --save \"\"'")),
        _ => None,
    }
}

/// A command alone.
fn process() -> Json {
    json!({ "type": ["string", "boolean"] })
}
