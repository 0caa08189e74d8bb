//! A summary as Markdown, in the tables of GitHub.
//!
//! Not here: making a page of what steps wrote safe (`html`); Markdown is passed on as they wrote it.

use std::fmt::Write as _;
use std::time::Duration;

use super::escape::{fenced, markdown as md, one_line, visible};
use super::model::{Cell, Pairs, Stage, Summary, Written};
use crate::logic::job::event::Outcome;
use crate::logic::text::{bytes_text, plural, shortened};
use crate::logic::time::Timestamp;
use crate::logic::view::Phase;
use crate::logic::words::elapsed;

/// So many cells of one stage are listed, and so many artifacts; the JSON has all of them.
const CELLS: usize = 500;
/// Of what steps wrote, so much is shown.
pub(super) const WRITTEN: usize = 1 << 20;

/// Returns the file.
pub(super) fn render(it: &Summary) -> String {
    let mut out = String::with_capacity(4096 + it.stages.len() * 128);
    head(&mut out, it);
    failures(&mut out, it);
    stages(&mut out, it);
    matrices(&mut out, it);
    time(&mut out, it);
    people(&mut out, it);
    annotations(&mut out, it);
    artifacts(&mut out, it);
    values(&mut out, it);
    texts(&mut out, &it.texts);
    out
}

/// Writes a line. Writing to a string cannot fail.
macro_rules! line {
    ($out:expr) => { $out.push('\n') };
    ($out:expr, $($arg:tt)*) => {{ let _written = writeln!($out, $($arg)*); }};
}

/// Returns the sign for where something stands.
pub(super) fn sign(phase: Phase) -> &'static str {
    match phase {
        Phase::Done(Outcome::Success) => "✓",
        Phase::Done(Outcome::Failure) => "✗",
        Phase::Done(Outcome::Cancelled) => "■",
        Phase::Done(Outcome::Skipped) => "–",
        _ => "…",
    }
}

fn head(out: &mut String, it: &Summary) {
    let job = &it.job;
    line!(out, "# {} {}: job #{} {}", sign(job.phase), md(&job.name), job.number, verdict(it));
    line!(out);
    line!(out, "{}.", it.counts.stages.words("stage"));
    line!(out);
    line!(out, "| | |");
    line!(out, "|---|---|");
    let mut row = |name: &str, value: String| line!(out, "| {name} | {value} |");
    row("Playbook", md(&job.playbook));
    row(
        "Started",
        format!("{} by {}", job.started.map_or_else(|| "not yet".to_owned(), moment), md(&job.actor)),
    );
    if let Some(cause) = &job.cause {
        row("Because", md(cause));
    }
    if job.attempt > 1 {
        row("Attempts", job.attempt.to_string());
    }
    if let Some(number) = job.retry_of {
        row("Retry of", format!("#{number}, with other inputs"));
    }
    row("Cells", it.counts.cells.words("cell"));
    row("Steps", format!("{}; {}", it.counts.steps.words("step"), plural(it.counts.tries, "try")));
    row("Slots", slots_words(it));
    if it.cache.hits + it.cache.misses > 0 {
        row("Cache", cache_words(it));
    }
    if !job.survivors.is_empty() {
        row("Still there", md(&job.survivors.join(", ")));
    }
    row("Id", job.id.clone());
    line!(out);
}

/// Returns a time as people read it, in UTC: `2026-11-22 17:04:07 UTC`.
pub(super) fn moment(time: Timestamp) -> String {
    let text = time.rfc3339();
    match text.get(..19) {
        Some(seconds) => format!("{} UTC", seconds.replace('T', " ")),
        None => text,
    }
}

/// Returns how the job ended, and after how long: `failed after 3.4 s`.
pub(super) fn verdict(it: &Summary) -> String {
    let rescued = if it.job.rescued { " (rescued)" } else { "" };
    let word = match it.job.phase {
        Phase::Done(Outcome::Success) => "in",
        Phase::Done(_) => "after",
        _ => "for",
    };
    format!("{}{rescued} {word} {}", it.job.state, elapsed(it.job.took))
}

/// Returns how busy the slots were, in words.
pub(super) fn slots_words(it: &Summary) -> String {
    let slots = it.slots;
    format!(
        "{}, at most {} at once, {}% used: {} of work in {}",
        slots.slots,
        slots.most,
        slots.used_percent,
        elapsed(slots.busy),
        elapsed(it.job.took)
    )
}

/// Returns what the cache came to, in words.
pub(super) fn cache_words(it: &Summary) -> String {
    let cache = it.cache;
    let mut words = format!("{}, {}", plural(cache.hits, "hit"), plural(cache.misses, "miss"));
    if cache.stored > 0 {
        let _written = write!(words, " ({} stored)", cache.stored);
    }
    if !cache.saved.is_zero() {
        let _written = write!(words, "; {} saved", elapsed(cache.saved));
    }
    words
}

fn failures(out: &mut String, it: &Summary) {
    if it.failures.is_empty() {
        return;
    }
    line!(out, "## What failed");
    line!(out);
    for failure in &it.failures {
        let place = if failure.place.is_empty() { "the job" } else { &failure.place };
        line!(out, "**{}**: {}", md(place), md(&failure.message));
        line!(out);
        if !failure.lines.is_empty() {
            if failure.is_cut {
                line!(out, "Its last lines:");
                line!(out);
            }
            out.push_str(&fenced(&failure.lines));
            line!(out);
        }
    }
}

fn stages(out: &mut String, it: &Summary) {
    let has_cache = it.cache.hits + it.cache.misses > 0;
    let cache_head = if has_cache { " Cache |" } else { "" };
    line!(out, "## Stages");
    line!(out);
    line!(out, "| | Stage | Outcome | Time | Waited | Cells |{cache_head} Why |");
    line!(out, "|---|---|---|---:|---:|---:|{}---|", if has_cache { "---|" } else { "" });
    for stage in &it.stages {
        let waited = stage.cells.iter().map(|cell| cell.waits.total()).max().unwrap_or_default();
        let cache = if has_cache { format!(" {} |", md(&stage_cache(stage))) } else { String::new() };
        line!(
            out,
            "| {} | {} | {} | {} | {} | {} |{cache} {} |",
            sign(stage.phase),
            md(&stage.id),
            stage.state,
            some_time(stage.took),
            wait_time(waited),
            stage.cells.len(),
            md(&shortened(&one_line(stage.cause.as_deref().unwrap_or("")), 200))
        );
    }
    line!(out);
}

/// Returns what the cache said about a stage: of its only cell, or how often it hit.
pub(super) fn stage_cache(stage: &Stage) -> String {
    let lines: Vec<_> = stage
        .cells
        .iter()
        .flat_map(|cell| cell.cache.iter().chain(cell.steps.iter().filter_map(|step| step.cache.as_ref())))
        .collect();
    match &lines[..] {
        [] => String::new(),
        [only] => only.words(),
        many => {
            let hits = many.iter().filter(|line| line.decision == "hit").count();
            format!("{hits} of {} hit", many.len())
        }
    }
}

pub(super) fn some_time(span: Option<Duration>) -> String {
    span.map_or_else(String::new, elapsed)
}

fn wait_time(span: Duration) -> String {
    if span < Duration::from_millis(50) { String::new() } else { elapsed(span) }
}

fn matrices(out: &mut String, it: &Summary) {
    for stage in it.stages.iter().filter(|stage| stage.cells.iter().any(|cell| !cell.label.is_empty())) {
        line!(out, "### {}: {}", md(&stage.id), plural(stage.cells.len(), "cell"));
        line!(out);
        if let Some(grid) = &stage.grid {
            line!(
                out,
                "| {} | {} |",
                md(&grid.axes.0),
                grid.columns
                    .iter()
                    .map(|it| format!("{} {}", md(&grid.axes.1), md(it)))
                    .collect::<Vec<_>>()
                    .join(" | ")
            );
            line!(out, "|---|{}", ":---:|".repeat(grid.columns.len()));
            for (name, places) in &grid.rows {
                let places: Vec<String> = places
                    .iter()
                    .map(|place| place.map_or_else(String::new, |at| short(&stage.cells[at])))
                    .collect();
                line!(out, "| {} | {} |", md(name), places.join(" | "));
            }
            line!(out);
        }
        let worth: Vec<&Cell> = match stage.grid {
            Some(_) => stage.cells.iter().filter(|cell| cell.outcome != Some(Outcome::Success)).collect(),
            None => stage.cells.iter().collect(),
        };
        if worth.is_empty() {
            continue;
        }
        line!(out, "| | Cell | Outcome | Time | Why |");
        line!(out, "|---|---|---|---:|---|");
        for cell in worth.iter().take(CELLS) {
            line!(
                out,
                "| {} | {} | {} | {} | {} |",
                sign(cell.phase),
                md(&cell.label),
                cell.state,
                some_time(cell.took),
                md(&shortened(&one_line(cell.cause.as_deref().unwrap_or("")), 200))
            );
        }
        line!(out);
        if worth.len() > CELLS {
            line!(out, "and {} more; `summary.json` has all of them.", worth.len() - CELLS);
            line!(out);
        }
    }
}

fn short(cell: &Cell) -> String {
    match cell.took {
        Some(took) => format!("{} {}", sign(cell.phase), elapsed(took)),
        None => sign(cell.phase).to_owned(),
    }
}

fn time(out: &mut String, it: &Summary) {
    let path = &it.critical_path;
    if path.stages.len() > 1 {
        line!(out, "## Critical path");
        line!(out);
        line!(
            out,
            "{} of {}: the longest chain of stages that need each other.",
            elapsed(path.took),
            elapsed(it.job.took)
        );
        line!(out);
        line!(out, "| | Stage | Time | Waited before |");
        line!(out, "|---:|---|---:|---:|");
        for (nth, on) in path.stages.iter().enumerate() {
            let name = on.cell.as_ref().unwrap_or(&on.stage);
            line!(out, "| {} | {} | {} | {} |", nth + 1, md(name), elapsed(on.took), wait_time(on.waited));
        }
        line!(out);
    }
    if it.slowest.len() > 1 {
        line!(out, "## Slowest");
        line!(out);
        line!(out, "| Cell | Time |");
        line!(out, "|---|---:|");
        for slow in &it.slowest {
            line!(out, "| {} | {} |", md(&slow.cell), elapsed(slow.took));
        }
        line!(out);
    }
    if !it.longest_waits.is_empty() {
        line!(out, "## Longest waits");
        line!(out);
        line!(out, "| Cell | Time | For |");
        line!(out, "|---|---:|---|");
        for wait in &it.longest_waits {
            line!(out, "| {} | {} | {} |", md(&wait.cell), elapsed(wait.waited), wait.what_for);
        }
        line!(out);
    }
    if !it.retries.is_empty() {
        line!(out, "## Tried again");
        line!(out);
        line!(out, "| What | Tries | Before | In the end |");
        line!(out, "|---|---:|---|---|");
        for retried in &it.retries {
            line!(
                out,
                "| {} | {} | {} | {} |",
                md(&retried.place),
                retried.tries,
                md(&retried.earlier),
                retried.state
            );
        }
        line!(out);
    }
}

fn people(out: &mut String, it: &Summary) {
    if !it.gates.is_empty() {
        line!(out, "## Gates");
        line!(out);
        line!(out, "| Gate | Asked | Came to | By | Waited |");
        line!(out, "|---|---|---|---|---:|");
        for gate in &it.gates {
            let by: Vec<String> =
                gate.answers
                    .iter()
                    .map(|one| {
                        if one.note.is_empty() {
                            one.who.clone()
                        } else {
                            format!("{}: {}", one.who, one.note)
                        }
                    })
                    .collect();
            line!(
                out,
                "| {} | {} | {} | {} | {} |",
                md(&gate.place),
                md(&gate.message),
                gate.state,
                md(&by.join("; ")),
                some_time(gate.took)
            );
        }
        line!(out);
    }
    if !it.orders.is_empty() {
        line!(out, "## Orders");
        line!(out);
        line!(out, "| Time | Who | What | Of |");
        line!(out, "|---|---|---|---|");
        for order in &it.orders {
            line!(
                out,
                "| {} | {} | {} | {} |",
                moment(order.time),
                md(&order.who),
                order.what,
                md(&order.target)
            );
        }
        line!(out);
    }
}

fn annotations(out: &mut String, it: &Summary) {
    const SHOWN: usize = 100;
    if it.annotations.is_empty() {
        return;
    }
    line!(out, "## Annotations");
    line!(out);
    line!(out, "| Level | Where | Cell | Message |");
    line!(out, "|---|---|---|---|");
    for note in it.annotations.iter().take(SHOWN) {
        let message = match &note.title {
            Some(title) => format!("{title}: {}", note.message),
            None => note.message.clone(),
        };
        let place = note.place().unwrap_or_default();
        line!(out, "| {} | {} | {} | {} |", md(&note.level), md(&place), md(&note.cell), md(&message));
    }
    line!(out);
    let more = it.annotations.len().saturating_sub(SHOWN) + it.annotations_left_out;
    if more > 0 {
        line!(out, "and {more} more.");
        line!(out);
    }
}

fn artifacts(out: &mut String, it: &Summary) {
    if it.artifacts.is_empty() {
        return;
    }
    line!(out, "## Artifacts");
    line!(out);
    line!(out, "| Artifact | By | Files | Size | Kept | Digest |");
    line!(out, "|---|---|---|---|---|---|");
    for it in it.artifacts.iter().take(CELLS) {
        line!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            md(&it.name),
            md(&it.cell),
            it.files,
            bytes_text(it.bytes),
            it.kept(),
            it.digest
        );
    }
    line!(out);
    if it.artifacts.len() > CELLS {
        line!(out, "and {} more.", it.artifacts.len() - CELLS);
        line!(out);
    }
}

fn values(out: &mut String, it: &Summary) {
    let mut outputs: Vec<(String, &Pairs)> = Vec::new();
    if !it.job.outputs.is_empty() {
        outputs.push((String::new(), &it.job.outputs));
    }
    for stage in it.stages.iter().filter(|stage| !stage.outputs.is_empty()) {
        outputs.push((format!("{}.", stage.id), &stage.outputs));
    }
    if !outputs.is_empty() {
        line!(out, "## Outputs");
        line!(out);
        line!(out, "| Output | Value |");
        line!(out, "|---|---|");
        for (place, pairs) in outputs {
            for (name, value) in pairs {
                line!(out, "| {}{} | {} |", md(&place), md(name), md(&shortened(value, 300)));
            }
        }
        line!(out);
    }
    if !it.variables.is_empty() {
        line!(out, "## Variables");
        line!(out);
        line!(out, "| Kind | Name | Value |");
        line!(out, "|---|---|---|");
        for it in &it.variables {
            line!(out, "| {} | {} | {} |", it.kind, md(&it.name), md(&shortened(&it.value, 300)));
        }
        line!(out);
    }
}

fn texts(out: &mut String, texts: &[Written]) {
    if texts.is_empty() {
        return;
    }
    line!(out, "## What the steps say");
    line!(out);
    let (texts, left) = cut(texts);
    for (it, text) in texts {
        line!(out, "### {}/{}", md(&it.cell), md(&it.step));
        line!(out);
        // A block of code that was not closed would swallow what follows.
        out.push_str(&closed(&visible(text)));
        line!(out);
        line!(out);
    }
    if left > 0 {
        line!(out, "*Cut here: {left} bytes more; the summary as JSON has all of it.*");
    }
}

/// Returns as much of what steps wrote as is shown, and how many bytes are left.
pub(super) fn cut(texts: &[Written]) -> (Vec<(&Written, &str)>, usize) {
    let mut room = WRITTEN;
    let mut left = 0;
    let mut shown = Vec::new();
    for it in texts {
        let mut end = it.markdown.len().min(room);
        while !it.markdown.is_char_boundary(end) {
            end -= 1;
        }
        left += it.markdown.len() - end;
        room -= end;
        if end > 0 {
            shown.push((it, &it.markdown[..end]));
        }
    }
    (shown, left)
}

/// Returns Markdown with a fence at its end, if one that it opened is not closed.
fn closed(text: &str) -> String {
    let mut open: Option<(char, usize)> = None;
    for line in text.lines() {
        let line = line.trim_start();
        let Some(mark) = line.chars().next().filter(|c| matches!(c, '`' | '~')) else { continue };
        let length = line.chars().take_while(|c| *c == mark).count();
        match open {
            None if length >= 3 => open = Some((mark, length)),
            Some((of, least)) if of == mark && length >= least && line[length..].trim().is_empty() => {
                open = None
            }
            _ => {}
        }
    }
    let text = text.trim_end_matches('\n');
    match open {
        Some((mark, length)) => format!("{text}\n{}", mark.to_string().repeat(length)),
        None => text.to_owned(),
    }
}
