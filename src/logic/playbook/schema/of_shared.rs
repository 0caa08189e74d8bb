//! Forms of the keys of maps that playbooks, stages and steps have: defaults, stopping, trying again, caching.
//!
//! Start with `entry`.

use serde_json::{Value as Json, json};

use super::forms::{
    Entry, any_case, boolean, duration, duration_or_zero, either, entry as put, env_names, map, name, number,
    size, text, texts, whole, word,
};
use crate::logic::playbook::keys::Place;
use crate::logic::playbook::read_cache::{MODES, SECRETS, SHARES};
use crate::logic::playbook::read_limits::{ATTEMPTS, CAUSES, SIGNALS};
use crate::logic::playbook::read_playbook::SHELLS;
use crate::logic::playbook::read_step::ON_INTERRUPT;

/// Returns what is known of a key.
pub(super) fn entry(place: Place, key: &str) -> Option<Entry> {
    match place {
        Place::Defaults => defaults(key),
        Place::DefaultsRun => match key {
            "shell" => put(shell(), json!("bash")),
            "working-directory" => put(text(), json!("web")),
            _ => None,
        },
        Place::Cancel => match key {
            "signal" => put(signal(), json!("SIGINT")),
            "grace" => put(duration_or_zero(), json!("30s")),
            _ => None,
        },
        Place::Retry | Place::Backoff => retry(place, key),
        Place::Log => match key {
            "limit" => put(size(), json!("10MiB")),
            _ => None,
        },
        Place::Cache => cache(key),
        Place::CacheFiles => match key {
            "path" => put(texts(), json!(["~/.cargo/registry", "target"])),
            "key" => put(text(), json!("deps-${{ hashFiles('Cargo.lock') }}")),
            "restore-keys" => put(texts(), json!(["deps-"])),
            _ => None,
        },
        _ => None,
    }
}

fn defaults(key: &str) -> Option<Entry> {
    match key {
        "run" => put(map("DefaultsRun"), json!({ "shell": "bash" })),
        "timeout" => put(duration(), json!("30m")),
        "retry" => put(map("Retry"), json!({ "attempts": 2 })),
        "cancel" => put(map("Cancel"), json!({ "grace": "30s" })),
        "cache" => put(map("Cache"), json!({ "inputs": ["src/**"] })),
        "on-interrupt" => put(word(ON_INTERRUPT), json!("fail")),
        _ => None,
    }
}

/// A shell by its name, or a command line with a place for the script.
pub(super) fn shell() -> Json {
    let line = json!({ "type": "string", "pattern": r"^\s*(?!\{0\})\S.*\{0\}" });
    either(&[name(&SHELLS), line])
}

/// A signal by its name, in any case and with or without `SIG`, or by its number.
fn signal() -> Json {
    let names: Vec<String> = SIGNALS.iter().map(|(name, _)| format!("SIG{name}")).collect();
    let numbers: Vec<i32> = SIGNALS.iter().map(|(_, number)| *number).collect();
    let any: Vec<String> = SIGNALS.iter().map(|(name, _)| any_case(name)).collect();
    let pattern = format!("^({})?({})$", any_case("SIG"), any.join("|"));
    either(&[
        json!({ "enum": names }),
        json!({ "type": "string", "pattern": pattern }),
        json!({ "enum": numbers }),
    ])
}

fn retry(place: Place, key: &str) -> Option<Entry> {
    let code = r"\s*([1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])\s*";
    let exit = json!({ "type": "string", "pattern": format!("^exit:{code}(-{code})?$") });
    let cause = either(&[word(CAUSES), exit]);
    match (place, key) {
        (Place::Retry, "attempts") => put(whole(1, i64::from(ATTEMPTS)), json!(3)),
        (Place::Retry, "on") => put(
            either(&[cause.clone(), json!({ "type": "array", "items": cause })]),
            json!(["timeout", "exit:70-79"]),
        ),
        (Place::Retry, "backoff") => put(map("Backoff"), json!({ "first": "5s", "max": "5m" })),
        (Place::Retry, "deadline") => put(duration(), json!("30m")),
        (Place::Backoff, "first") => put(duration(), json!("5s")),
        (Place::Backoff, "factor") => put(number(1.0, 100.0), json!(1.5)),
        (Place::Backoff, "max") => put(duration(), json!("5m")),
        (Place::Backoff, "jitter") => put(number(0.0, 1.0), json!(0.2)),
        _ => None,
    }
}

fn cache(key: &str) -> Option<Entry> {
    // A list may be left empty, and then nothing is what it holds.
    let patterns = json!({ "type": ["string", "number", "boolean", "array"], "items": text() });
    match key {
        "inputs" => put(patterns, json!(["src/**", "Cargo.lock"])),
        "outputs" => put(patterns, json!(["target/app"])),
        "env" => put(env_names(), json!(["CC", "CFLAGS"])),
        "tools" => put(patterns, json!(["rustc --version"])),
        "key" => put(text(), json!("v2-${{ inputs.level }}")),
        "mode" => put(word(MODES), json!("read")),
        "outputs-exact" => put(boolean(), json!(false)),
        "secrets" => put(word(SECRETS), json!("include")),
        "max-size" => put(size(), json!("200MiB")),
        "share" => put(word(SHARES), json!("branch")),
        "failures" | "strict" => put(boolean(), json!(true)),
        _ => None,
    }
}
