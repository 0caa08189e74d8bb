//! Matrices drawn as tables of tiles, and stages with their cells and steps.
//!
//! Not here: when they ran (`timeline.rs`).

use std::fmt::Write as _;
use std::time::Duration;

use super::{anchor, class, put, ticked};
use crate::logic::job::event::Outcome;
use crate::logic::summary::escape::{html as esc, one_line};
use crate::logic::summary::markdown::{sign, some_time};
use crate::logic::summary::model::{Cell, Stage, Step, Summary, Tally};
use crate::logic::text::{plural, shortened};
use crate::logic::words::elapsed;

/// So many cells of a stage are listed; the JSON has all of them.
const CELLS: usize = 1_000;

pub(super) fn matrices(out: &mut String, it: &Summary) {
    for (at, stage) in it.stages.iter().enumerate() {
        let is_matrix = stage.cells.len() > 1;
        if !is_matrix {
            continue;
        }
        let mut tally = Tally::default();
        stage.cells.iter().for_each(|cell| tally.add(cell.phase));
        put!(
            out,
            "<section>\n<h2>{} <span class=\"dim\">{}</span></h2>\n",
            esc(&stage.id),
            esc(&tally.words("cell"))
        );
        match &stage.grid {
            Some(grid) => {
                put!(
                    out,
                    "<div class=\"wide\"><table class=\"grid\"><thead><tr><th class=\"corner\">{} \\ {}</th>",
                    esc(&grid.axes.0),
                    esc(&grid.axes.1)
                );
                for column in &grid.columns {
                    put!(out, "<th scope=\"col\">{}</th>", esc(column));
                }
                out.push_str("</tr></thead><tbody>\n");
                for (name, places) in &grid.rows {
                    put!(out, "<tr><th scope=\"row\">{}</th>", esc(name));
                    for place in places {
                        out.push_str("<td>");
                        if let Some(cell) = *place {
                            tile(out, &stage.cells[cell], (at, cell), false);
                        }
                        out.push_str("</td>");
                    }
                    out.push_str("</tr>\n");
                }
                out.push_str("</tbody></table></div>\n");
            }
            None => {
                out.push_str("<div class=\"tiles\">");
                for (nth, cell) in stage.cells.iter().enumerate().take(CELLS) {
                    tile(out, cell, (at, nth), true);
                }
                out.push_str("</div>\n");
            }
        }
        out.push_str("</section>\n");
    }
}

fn tile(out: &mut String, cell: &Cell, at: (usize, usize), is_named: bool) {
    let why = cell.cause.as_deref().map_or_else(String::new, |cause| format!(": {}", one_line(cause)));
    put!(
        out,
        "<a class=\"tile {}\" href=\"#{}\" title=\"{}\">",
        class(cell.phase),
        anchor(at),
        esc(&format!("{} {}{why}", cell.address, cell.state))
    );
    if is_named {
        put!(out, "<span class=\"name\">{}</span>", esc(&cell.label));
    }
    put!(out, "{} {}</a>", sign(cell.phase), some_time(cell.took));
}

pub(super) fn stages(out: &mut String, it: &Summary) {
    out.push_str("<section>\n<h2>Stages</h2>\n");
    for (at, stage) in it.stages.iter().enumerate() {
        let has_failed = stage.outcome == Some(Outcome::Failure);
        put!(
            out,
            "<details class=\"stage {}\"{}><summary><span class=\"badge\">{} {}</span> <b>{}</b>",
            class(stage.phase),
            if has_failed { " open" } else { "" },
            sign(stage.phase),
            stage.state,
            esc(&stage.id)
        );
        if stage.cells.len() > 1 {
            put!(out, " <span class=\"dim\">{}</span>", plural(stage.cells.len(), "cell"));
        }
        if let Some(cause) = &stage.cause {
            put!(out, " <span class=\"why\">{}</span>", ticked(&shortened(&one_line(cause), 200)));
        }
        put!(out, "<span class=\"took\">{}</span></summary>\n", some_time(stage.took));
        if !stage.needs.is_empty() {
            put!(out, "<p class=\"dim\">needs {}</p>\n", esc(&stage.needs.join(", ")));
        }
        if !stage.cells.is_empty() {
            cells(out, at, stage);
        }
        out.push_str("</details>\n");
    }
    out.push_str("</section>\n");
}

fn cells(out: &mut String, at: usize, stage: &Stage) {
    out.push_str(
        "<div class=\"wide\"><table>\n<thead><tr><th></th><th>Step</th><th>Came to</th><th class=\"n\">Time</th>\
         <th class=\"n\">Tries</th><th class=\"n\">CPU</th><th class=\"n\">Memory</th><th class=\"n\">Log</th></tr></thead>\n<tbody>\n",
    );
    let mut shown: Vec<(usize, &Cell)> = stage.cells.iter().enumerate().collect();
    // What did not pass comes first.
    shown.sort_by_key(|(_, cell)| match cell.outcome {
        Some(Outcome::Failure) => 0,
        Some(Outcome::Cancelled) | None => 1,
        Some(Outcome::Success | Outcome::Skipped) => 2,
    });
    for (nth, cell) in shown.into_iter().take(CELLS) {
        let is_plain = stage.cells.len() == 1 && cell.label.is_empty();
        put!(
            out,
            "<tr class=\"cell\" id=\"{}\"><th colspan=\"8\" class=\"{}\">",
            anchor((at, nth)),
            class(cell.phase)
        );
        if is_plain {
            put!(out, "<span class=\"badge\">{} {}</span>", sign(cell.phase), cell.state);
        } else {
            put!(
                out,
                "<span class=\"badge\">{} {}</span> {}",
                sign(cell.phase),
                cell.state,
                esc(&cell.label)
            );
        }
        put!(out, " <span class=\"dim\">{}{}", some_time(cell.took), esc(&waited(cell)));
        if let Some(cache) = &cell.cache {
            put!(out, " &middot; cache {}", esc(&cache.words()));
        }
        out.push_str("</span>");
        if let (Some(cause), true) = (&cell.cause, cell.outcome != Some(Outcome::Success)) {
            put!(out, " <span class=\"why\">{}</span>", ticked(&shortened(&one_line(cause), 300)));
        }
        out.push_str("</th></tr>\n");
        for it in &cell.steps {
            step(out, it);
        }
    }
    out.push_str("</tbody></table></div>\n");
    if stage.cells.len() > CELLS {
        put!(out, "<p>and {} more; the JSON has all of them</p>\n", stage.cells.len() - CELLS);
    }
}

fn waited(cell: &Cell) -> String {
    let total = cell.waits.total();
    if total < Duration::from_millis(50) {
        return String::new();
    }
    format!(" after {} of waiting, mostly for {}", elapsed(total), cell.waits.longest().1)
}

fn step(out: &mut String, it: &Step) {
    let why = match (&it.cause, it.outcome) {
        (Some(cause), outcome) if outcome != Some(Outcome::Success) => format!(": {}", one_line(cause)),
        _ => String::new(),
    };
    let counts = match (it.outcome, it.conclusion) {
        (Some(Outcome::Failure), Some(Outcome::Success)) => ", counts as passed",
        _ => "",
    };
    let cpu = it.user_seconds + it.system_seconds;
    put!(
        out,
        "<tr class=\"{}\"><td class=\"badge\">{}</td><td>{} {}</td><td>{}{}{counts}</td><td class=\"n\">{}</td>\
         <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
        class(it.phase),
        sign(it.phase),
        it.number,
        esc(&it.title),
        it.state,
        esc(&shortened(&why, 300)),
        some_time(it.took),
        if it.attempts > 1 { it.attempts.to_string() } else { String::new() },
        if cpu.is_zero() { String::new() } else { elapsed(cpu) },
        if it.max_rss_kib == 0 { String::new() } else { size(it.max_rss_kib * 1024) },
        if it.log_bytes == 0 { String::new() } else { size(it.log_bytes) },
    );
}

fn size(bytes: u64) -> String {
    match bytes {
        ..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{} KiB", bytes / 1024),
        0x10_0000..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}
