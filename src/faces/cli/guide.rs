//! The pages of `assets/guide`, embedded: how something is done, each with examples that a test runs.
//!
//! Not here: what messages mean, and tables to look things up in (`pages.rs`, `explain.rs`). One page leads, the other one tells
//! all; each names the other.

/// A page of the guide.
#[derive(Debug)]
pub(super) struct Guide {
    pub name: &'static str,
    /// What it is about, in a line.
    pub about: &'static str,
    /// Words that people may look for instead of its name.
    pub words: &'static [&'static str],
    pub text: &'static str,
}

/// Makes pages of names, lines and words; each is the file of that name.
macro_rules! guides {
    ($($name:literal: $about:literal, [$($word:literal),* $(,)?];)*) => {
        &[$(Guide {
            name: $name,
            about: $about,
            words: &[$($word),*],
            text: include_str!(concat!("../../../assets/guide/", $name, ".md")),
        }),*]
    };
}

/// Groups of pages, in the order in which they are read.
pub(super) static GROUPS: &[(&str, &[Guide])] = &[
    (
        "To begin with",
        guides! {
            "getting-started": "from nothing to a job that ran, in ten minutes", ["tutorial", "start", "intro", "begin", "tour"];
            "writing-playbooks": "what stands in a playbook, and where", ["playbook", "yaml", "anatomy", "syntax", "check"];
            "authoring": "make and change playbooks with questions or by command", ["wizard", "new", "template", "templates", "edit", "fmt", "schema", "editor", "editors"];
            "live-loop": "save a file, and see what comes of it", ["on-change", "reload", "watch-mode", "hot-reload"];
            "running-and-steering": "start a job, watch it, pause, skip, cancel, retry", ["keys", "pause", "resume", "skip", "cancel", "screen", "tui", "ui", "freeze"];
            "jobs-and-history": "what ran, what it said, and why it failed", ["history", "outcome"];
            "troubleshooting": "symptom, cause, cure", ["problems", "faq", "trouble"];
        },
    ),
    (
        "Writing playbooks",
        guides! {
            "stages-and-needs": "what comes after what, and what runs side by side", ["stages", "needs", "order", "dag", "graph", "parallel", "steps", "background"];
            "matrix": "one stage for each combination of values", ["strategy", "cells", "axis", "fail-fast", "max-parallel", "exclude", "include"];
            "conditions-and-expressions": "run something only if, and compute values", ["if", "conditions", "expressions", "contexts", "functions", "run-when"];
            "outputs": "hand values from one step or stage to the next", ["output", "step-files", "annotations"];
            "inputs": "what a person or a program gives to a job", ["input", "parameters", "arguments"];
            "environment-and-variables": "variables of the environment, `vars`, and what each step is told", ["env", "vars", "variables", "environment", "env-file", "shell", "working-directory"];
            "profiles": "named choices: a quick run and a full one", ["profile"];
            "scripts": "run a library of numbered scripts", ["script", "selectors", "numbered"];
            "reuse": "call other playbooks, and share steps as actions", ["uses", "actions", "action", "call", "with", "anchors"];
            "secrets": "passwords and tokens that are seen nowhere", ["secret", "password", "token", "masking"];
        },
    ),
    (
        "When things go wrong",
        guides! {
            "retries-and-timeouts": "try again, and not for ever", ["retry-policy", "retries", "timeout", "timeouts", "backoff", "grace"];
            "rescue-and-finally": "react to a failure, and clean up in any case", ["rescue", "finally", "always", "block", "cleanup", "continue-on-error", "error"];
            "rollback": "undo what has succeeded", ["undo"];
            "approvals": "let people decide before something happens", ["approve", "approval", "gates", "gate", "reject"];
            "surviving-crashes": "closed terminals, killed processes, reboots", ["crash", "crashes", "detach", "recover", "on-loss", "idempotent", "durable"];
        },
    ),
    (
        "Spending less, keeping more",
        guides! {
            "caching": "do not run again what has not changed", ["cache", "incremental"];
            "artifacts": "keep files under a name, for later stages and for you", ["artifact"];
            "services": "a database or a server beside the steps", ["service", "containers", "docker", "podman"];
            "concurrency-and-locks": "jobs and stages that must not meet", ["concurrency", "locks", "lock", "resources", "groups", "priority"];
            "summaries": "reports for people, and for other tools", ["summary", "reporting", "reports", "junit", "html"];
        },
    ),
    (
        "Around jobs",
        guides! {
            "schedules-and-triggers": "jobs that start by themselves", ["schedule", "triggers", "trigger", "cron", "on", "webhook"];
            "scripting-sortie": "JSON, exit codes and events, for programs and CI", ["json", "ci", "api", "automation"];
            "settings": "what you can set, and where it is written", ["config", "keymap", "theme", "themes", "colors", "configuration"];
            "good-practice": "fifteen rules, each with its reason", ["practice", "practices", "rules", "tips", "style"];
        },
    ),
];

pub(super) fn all() -> impl Iterator<Item = &'static Guide> {
    GROUPS.iter().flat_map(|(_, pages)| *pages)
}

/// Returns the names of all pages.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    all().map(|page| page.name)
}

/// Returns the page of that name.
pub(super) fn named(name: &str) -> Option<&'static Guide> {
    all().find(|page| page.name == name)
}

/// Returns the page of that name, or that is looked for by that word.
pub(super) fn find(word: &str) -> Option<&'static Guide> {
    named(word).or_else(|| all().find(|page| page.words.contains(&word)))
}
