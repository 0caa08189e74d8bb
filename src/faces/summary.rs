//! The words at the end of a job: how it went, and for what failed why, the last lines, and where to look.
//!
//! Not here: lines while the job runs (`plain.rs`). Everything is bounded, however much failed.

use std::path::Path;

use super::caching;
use super::hint::{Caller, quoted};
use super::out::Out;
use super::signs::State;
use super::why::step_failure;
use super::words;
use crate::engine::logs::{self, last_lines};
use crate::engine::{JobEnd, reports};
use crate::logic::job::event::Outcome;
use crate::logic::text::clean::clean;
use crate::logic::text::{plural, shortened};
use crate::logic::time::Timestamp;
use crate::logic::view::{Counts, JobView, Phase};

const FAILURES_SHOWN: usize = 5;
const LINES_SHOWN: usize = 10;
const ANNOTATIONS_SHOWN: usize = 5;

/// How much is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Volume {
    /// The final line only.
    Quiet,
    #[default]
    Normal,
    /// Starts of cells and steps, too.
    Verbose,
}

/// Prints the summary of a job that has ended.
pub fn print(out: &mut Out, view: &JobView, (number, dir): (u64, &Path), volume: Volume, caller: &Caller) {
    if view.phase != Phase::Done(Outcome::Success) || volume != Volume::Quiet {
        print_failures(out, view, (number, dir), caller);
        print_annotations(out, view);
    }
    if volume != Volume::Quiet {
        caching::misses(view).iter().for_each(|line| out.line(format!("  miss   {line}")));
    }
    let line = final_line(view, number);
    out.line(format!("{} {line}", out.paint.sign(State::of_job(view))));
    if !view.survivors.is_empty() {
        out.line(format!("  still there, because they would not end: {}", view.survivors.join(", ")));
    }
    if matches!(view.phase, Phase::Done(Outcome::Failure | Outcome::Cancelled)) {
        out.line(format!("  again  {}", caller.command(&format!("jobs retry {number}"))));
        if view.can_roll_back() {
            out.line(format!("  undo   {}", caller.command(&format!("jobs rollback {number}"))));
        }
    }
}

/// Prints which reports were written, and what could not be. Of a job that another process ended only the latter is known,
/// from its folder.
pub fn print_left(out: &mut Out, end: Option<&JobEnd>, dir: &Path, volume: Volume) {
    let reports = end.map(|end| &*end.reports).unwrap_or_default();
    for report in reports.iter().filter(|_| volume != Volume::Quiet) {
        let made = report.new_folder.as_ref().map(|it| format!(" (the folder `{it}` is new)"));
        out.line(format!("  report {}{}", report.path, made.unwrap_or_default()));
    }
    warnings(end, dir).iter().for_each(|warning| out.line(format!("warning: {warning}")));
}

fn warnings(end: Option<&JobEnd>, dir: &Path) -> Vec<String> {
    end.map_or_else(|| reports::warnings(dir), |end| end.warnings.clone())
}

/// Returns the line that says how a job ended.
#[must_use]
pub fn final_line(view: &JobView, number: u64) -> String {
    let word = words::phase(view.phase, view.cause.as_ref());
    let rescued = if view.rescued { " (rescued)" } else { "" };
    let mut took = words::elapsed(view.elapsed(Timestamp::default()));
    if let Some(last) = view.since_retry(Timestamp::default()) {
        took.push_str(&format!(" ({} since the retry)", words::elapsed(last)));
    }
    let in_or_after = if view.phase == Phase::Done(Outcome::Success) { "in" } else { "after" };
    let mut line = format!(
        "job #{number} {word}{rescued} {in_or_after} {took}: {}",
        counts(view, &view.stage_counts, "stage")
    );
    let cache = &view.cache;
    if cache.hits + cache.misses > 0 {
        let all = cache.hits + cache.misses;
        line.push_str(&format!("; {} of {all} from the cache", cache.hits));
    }
    if cache.hits > 0 {
        line.push_str(&format!(", {} saved", words::elapsed(cache.saved)));
    }
    line
}

/// Returns `3 stages passed, 1 failed` for parts of a job; what there is none of is left out.
#[must_use]
pub fn counts(view: &JobView, counts: &Counts, what: &str) -> String {
    let running = if view.is_frozen() { "frozen" } else { "running" };
    let mut parts: Vec<String> = Vec::new();
    for (count, word) in [
        (counts.passed, "passed"),
        (counts.failed, "failed"),
        (counts.cancelled, "cancelled"),
        (counts.skipped, "skipped"),
        (counts.live, running),
        (counts.retrying, "retrying"),
        (counts.waiting, "not started"),
    ] {
        match (count, parts.is_empty()) {
            (0, _) => {}
            (_, true) => parts.push(format!("{} {word}", plural(count, what))),
            (_, false) => parts.push(format!("{count} {word}")),
        }
    }
    if parts.is_empty() { format!("no {what}") } else { parts.join(", ") }
}

fn print_failures(out: &mut Out, view: &JobView, (number, dir): (u64, &Path), caller: &Caller) {
    let mut more = 0_usize;
    for (shown, key) in view.failed_steps().enumerate() {
        if shown >= FAILURES_SHOWN {
            more += 1;
            continue;
        }
        let state = &view.cells[key.cell as usize].steps[key.step as usize];
        let name = view.cell_name(key.cell);
        let why = step_failure(view, key.cell, key.step, state.attempt, state.cause.as_ref());
        out.line("");
        out.line(format!(
            "{} {}: {why}",
            out.paint.symbol(Phase::Done(Outcome::Failure)),
            out.paint.bold(&name)
        ));
        let (lines, is_cut) = last_lines(&logs::path(dir, key), LINES_SHOWN);
        if !lines.is_empty() {
            out.line(if is_cut { "  last lines" } else { "  output" });
        }
        for line in lines {
            let text = clean(&line, out.paint.color);
            out.line(format!("    {}", bounded(&text)));
        }
        out.line(format!("  log    {}", caller.command(&format!("jobs logs {number} {}", quoted(&name)))));
    }
    if more > 0 {
        out.line("");
        out.line(format!("and {more} more failed; {}", caller.command(&format!("jobs show {number}"))));
    }
    if view.failed_steps().next().is_some() {
        out.line("");
    } else if let Some(cause) = view.cause.as_ref().filter(|_| view.phase == Phase::Done(Outcome::Failure)) {
        out.line(format!("{} {}", out.paint.sign(State::of_job(view)), words::cause(cause, view)));
    }
}

/// Cuts what would fill the screen, such as a minified file.
fn bounded(text: &str) -> std::borrow::Cow<'_, str> {
    const WIDEST: usize = 400;
    if text.len() <= WIDEST { text.into() } else { shortened(text, WIDEST).into() }
}

fn print_annotations(out: &mut Out, view: &JobView) {
    let worth: Vec<_> = view.annotations.iter().filter(|(_, note)| note.level != "notice").collect();
    for (key, note) in worth.iter().take(ANNOTATIONS_SHOWN) {
        let place = match (&note.file, note.line) {
            (Some(file), Some(line)) => format!(" ({file}:{line})"),
            (Some(file), None) => format!(" ({file})"),
            _ => String::new(),
        };
        let message = clean(note.message.as_bytes(), false);
        out.line(format!(
            "  {}: {}: {}{place}",
            view.cell_name(key.cell),
            note.level,
            shortened(&message, 200)
        ));
    }
    if worth.len() > ANNOTATIONS_SHOWN {
        out.line(format!("  and {} more", plural(worth.len() - ANNOTATIONS_SHOWN, "annotation")));
    }
}
