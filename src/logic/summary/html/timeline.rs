//! The timeline of a job: a row for each cell, or for each stage where there are too many, with what it waited and when it ran.
//!
//! Drawn with boxes whose places are percents, so that it fits any width. Long times in which nothing happened, such as the
//! night between a job and its retry, are cut to a sliver.

use super::{anchor, class, put};
use crate::logic::summary::escape::html as esc;
use crate::logic::summary::model::{Cell, Stage, Summary};
use crate::logic::time::Timestamp;
use crate::logic::view::Phase;
use crate::logic::words::elapsed;
use std::fmt::Write as _;
use std::time::Duration;

/// With more cells the rows are stages.
const ROWS: usize = 120;

struct Row<'a> {
    name: &'a str,
    /// The same in fewer words.
    label: String,
    phase: Phase,
    state: &'static str,
    link: String,
    /// Waits from, runs from, to.
    from: Timestamp,
    started: Timestamp,
    to: Timestamp,
    is_critical: bool,
}

/// Draws it, if anything ran.
pub(super) fn draw(out: &mut String, it: &Summary) {
    let now = last_known(it);
    let cells = it.counts.cells.total();
    let rows: Vec<Row<'_>> = if cells <= ROWS {
        it.stages
            .iter()
            .enumerate()
            .flat_map(|(at, stage)| {
                stage.cells.iter().enumerate().map(move |(nth, cell)| (stage, cell, (at, nth)))
            })
            .filter_map(|(stage, cell, at)| of_cell(it, stage, cell, at, now))
            .collect()
    } else {
        it.stages
            .iter()
            .enumerate()
            .filter_map(|(at, stage)| of_stage(it, stage, at, now))
            .take(ROWS * 4)
            .collect()
    };
    if rows.is_empty() {
        return;
    }
    let scale = Scale::of(&rows);
    let kind = if cells <= ROWS { "" } else { " <span class=\"dim\">by stage</span>" };
    put!(out, "<section>\n<h2>Timeline{kind}</h2>\n<div class=\"timeline\">\n");
    axis(out, &scale);
    for row in &rows {
        let (wait, run, end) = (scale.at(row.from), scale.at(row.started), scale.at(row.to));
        let waited = row.started.since(row.from);
        let mut title = format!("{} {} in {}", row.name, row.state, elapsed(row.to.since(row.started)));
        if waited >= Duration::from_millis(50) {
            let _written = write!(title, ", after {} of waiting", elapsed(waited));
        }
        put!(
            out,
            "<a class=\"row {}{}\" href=\"#{}\" title=\"{}\"><span class=\"label\">{}</span><span class=\"track\">",
            class(row.phase),
            if row.is_critical { " critical" } else { "" },
            row.link,
            esc(&title),
            esc(&row.label)
        );
        if run - wait > 0.2 {
            put!(out, "<i class=\"wait\" style=\"left:{wait:.2}%;width:{:.2}%\"></i>", run - wait);
        }
        // So much that it can be seen, however short it was.
        let width = (end - run).max(0.4);
        let left = run.min(100.0 - width);
        put!(out, "<i class=\"bar\" style=\"left:{left:.2}%;width:{width:.2}%\"></i>");
        let took = elapsed(row.to.since(row.started));
        // Beside the bar, on the side that has room.
        if left + width < 82.0 {
            put!(out, "<em style=\"left:{:.2}%\">{took}</em>", left + width);
        } else if wait.min(left) < 12.0 {
            put!(out, "<em class=\"inside\" style=\"right:{:.2}%\">{took}</em>", 100.0 - left - width);
        } else {
            put!(out, "<em class=\"before\" style=\"right:{:.2}%\">{took}</em>", 100.0 - wait.min(left));
        }
        out.push_str("</span></a>\n");
    }
    out.push_str(
        "</div>\n<p class=\"legend\"><i class=\"bar passed\"></i> passed <i class=\"bar failed\"></i> failed \
                  <i class=\"bar cancelled\"></i> cancelled <i class=\"wait\"></i> waited",
    );
    if it.critical_path.stages.len() > 1 {
        out.push_str(" <b>&#9679;</b> on the critical path");
    }
    out.push_str("</p>\n</section>\n");
}

/// The last moment that is known of a job that has not ended.
fn last_known(it: &Summary) -> Timestamp {
    let cells = it.stages.iter().flat_map(|stage| &stage.cells);
    let last = cells.filter_map(|cell| cell.finished.or(cell.started)).max();
    let own = it.job.finished.or(it.job.started.map(|started| started.after(it.job.took)));
    last.into_iter().chain(own).max().unwrap_or_default()
}

fn of_cell<'a>(
    it: &Summary,
    stage: &'a Stage,
    cell: &'a Cell,
    at: (usize, usize),
    now: Timestamp,
) -> Option<Row<'a>> {
    let started = cell.started?;
    let before = cell.waits.slot + cell.waits.shared;
    let on = it.critical_path.stages.iter().find(|on| on.stage == stage.id);
    let wait = i64::try_from(before.as_micros()).unwrap_or(0);
    Some(Row {
        name: &cell.address,
        label: label(stage, cell),
        phase: cell.phase,
        state: cell.state,
        link: anchor(at),
        from: Timestamp(started.0.saturating_sub(wait)),
        started,
        to: cell.finished.unwrap_or(now).max(started),
        is_critical: on.is_some_and(|on| on.cell.as_ref().is_none_or(|last| *last == cell.address)),
    })
}

/// Returns the values of a cell without the names of its axes: `test linux 1.80`.
fn label(stage: &Stage, cell: &Cell) -> String {
    let Some(matrix) = cell.matrix.as_object().filter(|_| !cell.label.is_empty()) else {
        return cell.address.clone();
    };
    let values = matrix.values().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    std::iter::once(stage.id.clone()).chain(values).collect::<Vec<_>>().join(" ")
}

fn of_stage<'a>(it: &Summary, stage: &'a Stage, at: usize, now: Timestamp) -> Option<Row<'a>> {
    let started = stage.started?;
    Some(Row {
        name: &stage.id,
        label: stage.id.clone(),
        phase: stage.phase,
        state: stage.state,
        link: anchor((at, 0)),
        from: started,
        started,
        to: stage.finished.unwrap_or(now).max(started),
        is_critical: it.critical_path.stages.iter().any(|on| on.stage == stage.id),
    })
}

/// From times to percents of the width.
struct Scale {
    /// Stretches in which something happened: from, to, and where the first is, in microseconds from the left.
    stretches: Vec<(i64, i64, i64)>,
    whole: i64,
}

impl Scale {
    fn of(rows: &[Row<'_>]) -> Self {
        let mut spans: Vec<(i64, i64)> = rows.iter().map(|row| (row.from.0, row.to.0)).collect();
        spans.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::new();
        for (from, to) in spans {
            match merged.last_mut().filter(|last| from <= last.1) {
                Some(last) => last.1 = last.1.max(to),
                None => merged.push((from, to)),
            }
        }
        let busy: i64 = merged.iter().map(|(from, to)| to - from).sum();
        let longest = (busy / 4).max(1_000_000);
        let mut stretches: Vec<(i64, i64, i64)> = Vec::new();
        let mut place = 0;
        let mut before: Option<i64> = None;
        for (from, to) in merged {
            let gap = before.map_or(0, |end| from - end);
            // A long time without anything is cut to a sliver.
            place += if gap > longest { busy / 40 } else { gap };
            stretches.push((from, to, place));
            place += to - from;
            before = Some(to);
        }
        Self { stretches, whole: place.max(1) }
    }

    #[expect(clippy::cast_precision_loss, reason = "a percent needs no microsecond")]
    fn at(&self, time: Timestamp) -> f64 {
        let found = self.stretches.iter().rev().find(|(from, ..)| *from <= time.0);
        let place = found.map_or(0, |(from, to, place)| place + time.0.min(*to) - from);
        (place as f64 / self.whole as f64 * 100.0).clamp(0.0, 100.0)
    }
}

/// Steps between marks, in microseconds: so that people can count on.
const STEPS: [i64; 22] = [
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
    600_000_000,
    1_800_000_000,
    3_600_000_000,
    7_200_000_000,
    21_600_000_000,
    86_400_000_000,
];

fn axis(out: &mut String, scale: &Scale) {
    // Where time was cut out, marks would lie.
    let is_whole = scale.stretches.windows(2).all(|two| two[1].0 - two[0].0 == two[1].2 - two[0].2);
    let step = STEPS.into_iter().find(|step| scale.whole / step <= 6);
    let (Some(step), true) = (step, is_whole) else { return };
    out.push_str(
        "<div class=\"row axis\" aria-hidden=\"true\"><span class=\"label\"></span><span class=\"track\">",
    );
    let mut at = 0;
    while at <= scale.whole {
        #[expect(clippy::cast_precision_loss, reason = "a percent needs no microsecond")]
        let left = at as f64 / scale.whole as f64 * 100.0;
        if left <= 96.0 {
            let words = elapsed(Duration::from_micros(u64::try_from(at).unwrap_or(0)));
            put!(out, "<em style=\"left:{left:.2}%\">{words}</em>");
        }
        at += step;
    }
    out.push_str("</span></div>\n");
}
