//! The words for outcomes, phases and causes, and spans of time as people read them.
//!
//! Not here: signs (`faces/signs.rs`), colour codes (`faces/out.rs`), plurals (`text`), why a cell failed (`why.rs`).

use std::time::Duration;

use crate::logic::job::event::{Cause, Outcome};
use crate::logic::text::listed_names;
use crate::logic::view::{JobView, Phase, Tried};

/// Returns the word for how something ended; `timed out` is told from `failed` by the cause.
#[must_use]
pub fn outcome(outcome: Outcome, cause: Option<&Cause>) -> &'static str {
    match (outcome, cause) {
        (_, Some(Cause::RolledBack { .. })) => "rolled back",
        (Outcome::Failure | Outcome::Cancelled, Some(Cause::Timeout { .. })) => "timed out",
        (Outcome::Success, _) => "passed",
        (Outcome::Failure, _) => "failed",
        (Outcome::Cancelled, _) => "cancelled",
        (Outcome::Skipped, _) => "skipped",
    }
}

/// Returns the word for where something stands.
#[must_use]
pub fn phase(phase: Phase, cause: Option<&Cause>) -> &'static str {
    match phase {
        Phase::Waiting => "waiting",
        Phase::Running => "running",
        Phase::Stopping => "stopping",
        Phase::Retrying(_) => "retrying",
        Phase::Done(it) => outcome(it, cause),
    }
}

/// Returns the same for a part of a job: what runs of a frozen one is frozen.
#[must_use]
pub fn standing(view: &JobView, it: Phase, cause: Option<&Cause>) -> &'static str {
    if view.is_frozen() && it.is_live() { "frozen" } else { phase(it, cause) }
}

/// Says why something did not end well or did not run, as the end of a sentence.
#[must_use]
pub fn cause(it: &Cause, view: &JobView) -> String {
    match it {
        Cause::Exit { code } => format!("exited with code {code}"),
        Cause::Signal { signal } => format!("was ended by signal {signal}{}", signal_name(*signal)),
        Cause::Timeout { of } => format!("the time limit of the {of} passed"),
        Cause::Expression { message }
        | Cause::Start { message }
        | Cause::Protocol { message }
        | Cause::Interrupted { message }
        | Cause::Matrix { message }
        | Cause::Artifact { message } => message.clone(),
        Cause::Order { by } => format!("asked for by {by}"),
        Cause::FailFast { cell } => format!("`{}` failed before it", view.cell_name(*cell)),
        Cause::Condition { text } => {
            format!("its condition is false: {}", crate::logic::text::shortened(text, 80))
        }
        Cause::Earlier => "an earlier step did not pass".to_owned(),
        Cause::Needs { stages } if stages.is_empty() => "what it needs did not pass".to_owned(),
        Cause::Needs { stages } => format!("{} did not pass", some_names(stages)),
        Cause::Selection => "not chosen for this job".to_owned(),
        Cause::EmptyMatrix => "its matrix has no cell".to_owned(),
        Cause::SkipCode { code } => format!("exited with code {code}, which means skip here"),
        Cause::Survivors { names } => format!("processes would not end: {}", some_names(names)),
        // Where a step has no id, its number is its name.
        Cause::Member { names } => match names.as_slice() {
            [only] if is_number(only) => format!("step {only} did not pass"),
            _ => format!("{} did not pass", some_names(names)),
        },
        Cause::Assertion { name, message } if message.is_empty() => format!("`{name}` does not hold"),
        Cause::Assertion { name, message } => format!("`{name}` does not hold: {message}"),
        Cause::Rejected { by, note } if note.is_empty() => format!("rejected by {by}"),
        Cause::Rejected { by, note } => format!("rejected by {by}: {note}"),
        Cause::Expired { message } => format!("not approved: {message}"),
        Cause::StoppedBy { step } if is_number(step) => format!("stopped by step {step}"),
        Cause::StoppedBy { step } => format!("stopped by step `{step}`"),
        Cause::Together { step } if is_number(step) => format!("step {step} beside it failed"),
        Cause::Together { step } => format!("`{step}` beside it failed"),
        Cause::Service { service, message } => format!("service `{service}` {message}"),
        Cause::StepsOver => "its steps have ended".to_owned(),
        Cause::RolledBack { cause: None } => "what it did was undone".to_owned(),
        Cause::RolledBack { cause: Some(before) } => cause(before, view),
        Cause::NotUndone { names } => match names.as_slice() {
            [] => "not everything was undone".to_owned(),
            [only] if is_number(only) => format!("step {only} was not undone"),
            [_] => format!("{} was not undone", some_names(names)),
            _ => format!("{} were not undone", some_names(names)),
        },
        Cause::Superseded { by } => format!("{by} of the same concurrency group took its place"),
        Cause::NoClaim { message } => message.clone(),
    }
}

fn is_number(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Says the same in as few words as there are: `exit code 3`.
#[must_use]
pub fn brief_cause(it: &Cause, view: &JobView) -> String {
    match it {
        Cause::Exit { code } => format!("exit code {code}"),
        Cause::Signal { signal } => format!("signal {signal}"),
        Cause::Timeout { .. } => "timed out".to_owned(),
        other => cause(other, view),
    }
}

/// Says in a few words how a try ended that was not the last: `exit code 3`, `passed`.
#[must_use]
pub fn tried(it: &Tried, view: &JobView) -> String {
    match &it.cause {
        Some(cause) if it.outcome != Outcome::Success => brief_cause(cause, view),
        _ => outcome(it.outcome, None).to_owned(),
    }
}

/// Lists at most five names.
fn some_names(names: &[String]) -> String {
    if names.len() <= 5 {
        return listed_names(names, "and");
    }
    let first: Vec<String> = names.iter().take(4).map(|name| format!("`{name}`")).collect();
    format!("{} and {} more", first.join(", "), names.len() - 4)
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        3 => " (SIGQUIT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL; out of memory?)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        24 => " (SIGXCPU: the limit for processor time)",
        25 => " (SIGXFSZ: the limit for the size of files)",
        _ => "",
    }
}

/// Prints how long something took: `35 ms`, `0.3 s`, `12.3 s`, `2m05s`, `1h02m`.
#[must_use]
pub fn elapsed(span: Duration) -> String {
    if span < Duration::from_millis(100) {
        return format!("{} ms", span.as_millis());
    }
    let tenths = (span.as_millis() + 50) / 100;
    if tenths < 600 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let seconds = (span.as_millis() + 500) / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

/// Prints a span as clocks do: `0:04`, `2:40`, `1:02:03`; whole seconds, rounded down.
#[must_use]
pub fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Said where somebody follows a job whose engine is gone.
pub const UNOWNED: &str = "no engine works on this job; waiting for one";

/// Said when that has an end.
pub const OWNED: &str = "an engine works on this job again";
