//! What the cache had to do with something, in words: that an earlier result fitted and whose, or why none did.
//!
//! Not here: what a screen says of something that waits for a look (`waits.rs`).

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::why::step_title;
use super::words;
use crate::logic::cache::NOTHING_KEPT;
use crate::logic::text::{listed, plural};
use crate::logic::view::{CacheView, JobView};

/// Most reasons that are told at the end of a job, and most names for each.
const TOLD: usize = 5;
const NAMED: usize = 3;

/// Says all of it in a line: `hit: made by job #3 in 2.1s; 2 files put back`, `miss: input src/a.c changed; kept with 3 files`.
#[must_use]
pub fn told(cache: &CacheView) -> String {
    match cache {
        CacheView::Waits(what) => format!("waits for {what}"),
        CacheView::Hit { made_by, took, restored } => {
            let files = match restored {
                0 => "its files were in place".to_owned(),
                count => format!("{} put back", plural(*count as usize, "file")),
            };
            format!("hit: made by job #{made_by} in {}; {files}", words::elapsed(*took))
        }
        CacheView::Missed { why, .. } => format!("miss: {why}"),
        CacheView::Stored { why, files, .. } => {
            format!("miss: {why}; kept with {}", plural(*files as usize, "file"))
        }
        CacheView::NotStored { why, message } => format!("miss: {why}; not kept: {message}"),
    }
}

/// The same for a list of all stages, where nobody wants to read of each that nothing was kept before: `miss; kept with 3 files`.
#[must_use]
pub fn told_in_list(cache: &CacheView) -> String {
    let told = told(cache);
    if cache.missed() != Some(NOTHING_KEPT) {
        return told;
    }
    told.replacen(&format!("miss: {NOTHING_KEPT}"), "miss", 1)
}

/// Returns it for programs: `hit` with `made_by`, `took_seconds` and `restored`, or why not and whether it was kept.
#[must_use]
pub fn json(cache: &CacheView) -> Json {
    match cache {
        CacheView::Waits(what) => json!({ "waits_for": &**what }),
        CacheView::Hit { made_by, took, restored } => json!({
            "hit": true, "made_by": made_by, "took_seconds": took.as_secs_f64(), "restored": restored,
        }),
        CacheView::Missed { why, .. } => json!({ "hit": false, "why": &**why }),
        CacheView::Stored { why, files, bytes } => json!({
            "hit": false, "why": &**why, "stored": true, "files": files, "bytes": bytes,
        }),
        CacheView::NotStored { why, message } => json!({
            "hit": false, "why": &**why, "stored": false, "why_not_stored": &**message,
        }),
    }
}

/// Says why nothing fitted for a cell, or for the first of its steps: `miss: input src/a.c changed`.
#[must_use]
pub fn missed(view: &JobView, cell: u32) -> Option<String> {
    let (step, why) = view.misses(cell).next()?;
    Some(match step {
        None => format!("miss: {why}"),
        Some(step) => format!("miss in {}: {why}", step_title(view, cell, step)),
    })
}

/// The same where each cell has its line: nothing if it is what the end of a first run says of all of them.
#[must_use]
pub fn missed_in_list(view: &JobView, cell: u32) -> Option<String> {
    let (_, why) = view.misses(cell).next()?;
    if why == NOTHING_KEPT { None } else { missed(view, cell) }
}

/// Returns the lines that say at the end of a job what was not in the cache, and why: cells with the same reason together.
#[must_use]
pub fn misses(view: &JobView) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<u32>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for cell in (0u32..).take(view.cells.len()) {
        let Some((_, why)) = view.misses(cell).next() else { continue };
        let at = *places.entry(why).or_insert(reasons.len());
        match reasons.get_mut(at) {
            Some((_, cells)) => cells.push(cell),
            None => reasons.push((why, vec![cell])),
        }
    }
    let told = reasons.iter().take(TOLD).map(|(why, cells)| {
        let mut names: Vec<String> = cells.iter().take(NAMED).map(|&cell| view.cell_name(cell)).collect();
        if cells.len() > names.len() {
            names.push(format!("{} more", cells.len() - names.len()));
        }
        format!("{}: {why}", listed(&names, "and"))
    });
    let mut lines: Vec<String> = told.collect();
    let more: usize = reasons.iter().skip(TOLD).map(|(_, cells)| cells.len()).sum();
    if more > 0 {
        lines.push(format!("and {more} more for other reasons"));
    }
    lines
}
