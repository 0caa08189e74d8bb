//! A summary as one page that needs nothing else: no script, no font, no picture from elsewhere, light and dark.
//!
//! Here: the page and what failed. Beside it: stages and matrices (`parts.rs`), tables (`tables.rs`), the timeline
//! (`timeline.rs`), what steps wrote (`written.rs`), the looks (`style.css`). What failed comes first, for it is what a page is opened for.

mod parts;
mod tables;
mod timeline;
mod written;

use std::fmt::Write as _;

use super::escape::{html as esc, one_line};
use super::markdown::{cache_words, moment, sign, slots_words, verdict};
use super::model::{Failure, Summary, Tally};
use crate::logic::job::event::Outcome;
use crate::logic::text::plural;
use crate::logic::view::Phase;

const STYLE: &str = include_str!("style.css");

/// Writes to a string, which cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{ let _written = write!($out, $($arg)*); }};
}
use put;

/// Returns the file.
pub(super) fn render(it: &Summary) -> String {
    let mut out = String::with_capacity(16_384 + it.counts.cells.total() * 1_024);
    let title = format!("{} #{} {}", it.job.name, it.job.number, it.job.state);
    put!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        esc(&one_line(&title))
    );
    head(&mut out, it);
    out.push_str("<main>\n");
    failures(&mut out, it);
    parts::matrices(&mut out, it);
    timeline::draw(&mut out, it);
    parts::stages(&mut out, it);
    tables::time(&mut out, it);
    tables::people(&mut out, it);
    tables::annotations(&mut out, it);
    tables::artifacts(&mut out, it);
    tables::values(&mut out, it);
    tables::texts(&mut out, it);
    put!(
        out,
        "</main>\n<footer>job {} &middot; written by sortie {}</footer>\n</body>\n</html>\n",
        esc(&it.job.id),
        env!("CARGO_PKG_VERSION")
    );
    out
}

/// Returns the class that colours where something stands.
fn class(phase: Phase) -> &'static str {
    match phase {
        Phase::Done(Outcome::Success) => "passed",
        Phase::Done(Outcome::Failure) => "failed",
        Phase::Done(Outcome::Cancelled) => "cancelled",
        Phase::Done(Outcome::Skipped) => "skipped",
        _ => "open",
    }
}

/// Returns the id of a cell in the page.
fn anchor((stage, cell): (usize, usize)) -> String {
    format!("c{stage}-{cell}")
}

/// Returns a sentence for HTML, with what stands in backticks as code.
fn ticked(text: &str) -> String {
    let text = esc(text);
    let parts: Vec<&str> = text.split('`').collect();
    let mut out = String::with_capacity(text.len() + 16);
    for (at, part) in parts.iter().enumerate() {
        match at % 2 == 1 {
            true if at + 1 < parts.len() => put!(out, "<code>{part}</code>"),
            true => put!(out, "`{part}"),
            false => out.push_str(part),
        }
    }
    out
}

fn head(out: &mut String, it: &Summary) {
    let job = &it.job;
    put!(
        out,
        "<header class=\"top {}\">\n<div class=\"sign\" aria-hidden=\"true\">{}</div>\n<div>\n<h1>{}</h1>\n\
         <p class=\"verdict\">job #{} <b>{}</b></p>\n<p class=\"tallies\">",
        class(job.phase),
        sign(job.phase),
        esc(&job.name),
        job.number,
        esc(&verdict(it))
    );
    for (what, tally) in [("stage", it.counts.stages), ("cell", it.counts.cells), ("step", it.counts.steps)] {
        chips(out, what, tally);
    }
    out.push_str("</p>\n");
    // What failed comes next, and says more.
    if let (Some(cause), true) = (&job.cause, it.failures.is_empty()) {
        put!(out, "<p>{}</p>\n", ticked(cause));
    }
    out.push_str("</div>\n</header>\n<dl class=\"facts\">\n");
    let mut fact = |name: &str, value: &str| put!(out, "<div><dt>{name}</dt><dd>{}</dd></div>\n", esc(value));
    fact("playbook", &job.playbook);
    fact("started", &job.started.map_or_else(|| "not yet".to_owned(), moment));
    fact("by", &job.actor);
    if job.attempt > 1 {
        fact("attempts", &job.attempt.to_string());
    }
    if let Some(number) = job.retry_of {
        fact("retry of", &format!("#{number}, with other inputs"));
    }
    fact("slots", &slots_words(it));
    if it.cache.hits + it.cache.misses > 0 {
        fact("cache", &cache_words(it));
    }
    if !job.survivors.is_empty() {
        fact("still there", &job.survivors.join(", "));
    }
    out.push_str("</dl>\n");
}

fn chips(out: &mut String, what: &str, tally: Tally) {
    put!(out, "<span class=\"tally\">{} ", plural(tally.total(), what));
    for (count, class, sign) in [
        (tally.passed, "passed", "✓"),
        (tally.failed, "failed", "✗"),
        (tally.cancelled, "cancelled", "■"),
        (tally.skipped, "skipped", "–"),
        (tally.open, "open", "…"),
    ] {
        if count > 0 {
            put!(out, "<span class=\"chip {class}\" title=\"{class}\">{sign} {count}</span>");
        }
    }
    out.push_str("</span> ");
}

fn failures(out: &mut String, it: &Summary) {
    if it.failures.is_empty() {
        return;
    }
    out.push_str("<section class=\"failures\">\n<h2>What failed</h2>\n");
    for (nth, failure) in it.failures.iter().enumerate() {
        // The first ones are open: nobody should have to look for them.
        failure_card(out, failure, nth < 3);
    }
    out.push_str("</section>\n");
}

fn failure_card(out: &mut String, failure: &Failure, is_open: bool) {
    let place = if failure.place.is_empty() { "the job" } else { &failure.place };
    put!(out, "<article class=\"failure\"><h3>");
    match failure.at {
        Some(at) => put!(out, "<a href=\"#{}\">{}</a>", anchor(at), esc(place)),
        None => put!(out, "{}", esc(place)),
    }
    put!(out, "</h3><p>{}</p>\n", ticked(&failure.message));
    if !failure.lines.is_empty() {
        let words = if failure.is_cut { "last lines" } else { "output" };
        put!(out, "<details{}><summary>{words}", if is_open { " open" } else { "" });
        if let Some(log) = &failure.log {
            put!(out, " <span class=\"dim\">of {}</span>", esc(log));
        }
        out.push_str("</summary><pre>");
        for line in &failure.lines {
            put!(out, "{}\n", esc(line));
        }
        out.push_str("</pre></details>\n");
    }
    out.push_str("</article>\n");
}
