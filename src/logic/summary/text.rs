//! A summary as a terminal shows it.
//!
//! Not here: the last words after `run` (`faces/summary.rs`), which are shorter.

use unicode_width::UnicodeWidthStr;

use super::escape::{one_line, visible};
use super::markdown::{cache_words, cut, sign, slots_words, some_time, stage_cache, verdict};
use super::model::Summary;
use crate::logic::job::event::Outcome;
use crate::logic::text::{bytes_text, plural, shortened};
use crate::logic::words::elapsed;

/// So many failures, cells and notes are shown; the other formats have more.
const SHOWN: usize = 20;

/// Returns the lines.
pub(super) fn render(it: &Summary, width: usize) -> String {
    let mut page = Page { out: String::new(), width: width.max(40) };
    let job = &it.job;
    page.line(&format!("{} {}: job #{} {}", sign(job.phase), job.name, job.number, verdict(it)));
    page.line(&format!("  {}", it.counts.stages.words("stage")));
    page.line(&format!(
        "  {}; {}; {}",
        it.counts.cells.words("cell"),
        it.counts.steps.words("step"),
        plural(it.counts.tries, "try")
    ));
    page.line(&format!("  slots  {}", slots_words(it)));
    if it.cache.hits + it.cache.misses > 0 {
        page.line(&format!("  cache  {}", cache_words(it)));
    }
    if let Some(cause) = &job.cause {
        page.line(&format!("  because {cause}"));
    }
    failures(&mut page, it);
    stages(&mut page, it);
    time(&mut page, it);
    people(&mut page, it);
    artifacts(&mut page, it);
    values(&mut page, it);
    page.out
}

struct Page {
    out: String,
    width: usize,
}

impl Page {
    /// Writes one line, cut where the terminal ends.
    fn line(&mut self, text: &str) {
        let text = one_line_kept(text);
        if text.width() <= self.width {
            self.out.push_str(&text);
        } else {
            let mut room = self.width - 1;
            for c in text.chars() {
                let wide = unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
                if wide > room {
                    break;
                }
                room -= wide;
                self.out.push(c);
            }
            self.out.push('…');
        }
        self.out.push('\n');
    }

    fn head(&mut self, text: &str) {
        self.out.push('\n');
        self.line(text);
    }

    /// Writes rows with columns below each other; the last one takes what is left.
    fn table(&mut self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|at| {
                rows.iter().filter_map(|row| row.get(at)).map(|it| it.width().min(48)).max().unwrap_or(0)
            })
            .collect();
        for row in rows {
            let mut line = String::from(" ");
            for (at, text) in row.iter().enumerate() {
                let text = shortened(text, if at + 1 == columns { 400 } else { 48 });
                let pad = if at + 1 == row.len() { 0 } else { widths[at].saturating_sub(text.width()) };
                line.push(' ');
                line.push_str(&text);
                line.push_str(&" ".repeat(pad));
            }
            self.line(line.trim_end());
        }
    }
}

/// Makes a line safe, and keeps what it begins with.
fn one_line_kept(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

fn failures(page: &mut Page, it: &Summary) {
    for failure in it.failures.iter().take(SHOWN) {
        let place = if failure.place.is_empty() { "the job" } else { &failure.place };
        page.head(&format!("✗ {place}: {}", failure.message));
        for line in &failure.lines {
            page.line(&format!("    {line}"));
        }
    }
    if it.failures.len() > SHOWN {
        page.head(&format!("and {} more failed", it.failures.len() - SHOWN));
    }
}

fn stages(page: &mut Page, it: &Summary) {
    page.head("Stages");
    let mut rows = Vec::new();
    for stage in &it.stages {
        let single = stage.cells.len() == 1 && stage.cells[0].label.is_empty();
        let cells =
            if single || stage.cells.is_empty() { String::new() } else { plural(stage.cells.len(), "cell") };
        let why = one_line(stage.cause.as_deref().unwrap_or("")).into_owned();
        let (sign, state) = (sign(stage.phase).to_owned(), stage.state.to_owned());
        rows.push(vec![sign, stage.id.clone(), state, some_time(stage.took), cells, stage_cache(stage), why]);
    }
    drop_empty(&mut rows);
    page.table(&rows);
    for stage in it.stages.iter().filter(|stage| stage.cells.len() > 1) {
        let worth: Vec<_> =
            stage.cells.iter().filter(|cell| cell.outcome != Some(Outcome::Success)).collect();
        if worth.is_empty() {
            continue;
        }
        page.head(&format!("{}: {}", stage.id, tally(stage)));
        let mut rows: Vec<Vec<String>> = Vec::new();
        for cell in worth.iter().take(SHOWN) {
            let why = one_line(cell.cause.as_deref().unwrap_or("")).into_owned();
            let state = cell.state.to_owned();
            rows.push(vec![
                sign(cell.phase).to_owned(),
                cell.label.clone(),
                state,
                some_time(cell.took),
                why,
            ]);
        }
        page.table(&rows);
        if worth.len() > SHOWN {
            page.line(&format!("  and {} more", worth.len() - SHOWN));
        }
    }
}

fn tally(stage: &super::model::Stage) -> String {
    let mut tally = super::model::Tally::default();
    stage.cells.iter().for_each(|cell| tally.add(cell.phase));
    tally.words("cell")
}

/// Takes columns out in which nothing stands.
fn drop_empty(rows: &mut [Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    for at in (0..columns).rev() {
        if rows.iter().all(|row| row[at].is_empty()) {
            rows.iter_mut().for_each(|row| {
                row.remove(at);
            });
        }
    }
}

fn time(page: &mut Page, it: &Summary) {
    let path = &it.critical_path;
    if path.stages.len() > 1 {
        page.head(&format!("Critical path: {} of {}", elapsed(path.took), elapsed(it.job.took)));
        let row = |on: &super::model::OnPath| {
            let waited = if on.waited.as_millis() < 50 {
                String::new()
            } else {
                format!("after {} of waiting", elapsed(on.waited))
            };
            vec![on.cell.clone().unwrap_or_else(|| on.stage.clone()), elapsed(on.took), waited]
        };
        page.table(&path.stages.iter().map(row).collect::<Vec<_>>());
    }
    if !it.longest_waits.is_empty() {
        page.head("Longest waits");
        let row = |it: &super::model::LongWait| {
            vec![it.cell.clone(), elapsed(it.waited), format!("for {}", it.what_for)]
        };
        page.table(&it.longest_waits.iter().map(row).collect::<Vec<_>>());
    }
    if !it.retries.is_empty() {
        page.head("Tried again");
        let row = |it: &super::model::Retried| {
            vec![it.place.clone(), plural(it.tries as usize, "try"), it.state.to_owned(), it.earlier.clone()]
        };
        page.table(&it.retries.iter().take(SHOWN).map(row).collect::<Vec<_>>());
    }
}

fn people(page: &mut Page, it: &Summary) {
    if !it.gates.is_empty() {
        page.head("Gates");
        let row = |it: &super::model::Gate| {
            let by: Vec<String> =
                it.answers
                    .iter()
                    .map(|one| {
                        if one.note.is_empty() {
                            one.who.clone()
                        } else {
                            format!("{}: {}", one.who, one.note)
                        }
                    })
                    .collect();
            vec![it.place.clone(), it.state.to_owned(), some_time(it.took), by.join("; ")]
        };
        page.table(&it.gates.iter().map(row).collect::<Vec<_>>());
    }
    let worth: Vec<_> = it.annotations.iter().filter(|note| note.level != "notice").collect();
    if !worth.is_empty() {
        page.head("Annotations");
        let row = |note: &&super::model::Note| {
            vec![note.level.clone(), note.place().unwrap_or_default(), one_line(&note.message).into_owned()]
        };
        page.table(&worth.iter().take(SHOWN).map(row).collect::<Vec<_>>());
    }
}

fn artifacts(page: &mut Page, it: &Summary) {
    if it.artifacts.is_empty() {
        return;
    }
    page.head("Artifacts");
    let row = |it: &super::model::Artifact| {
        vec![
            it.name.clone(),
            plural(it.files as usize, "file"),
            bytes_text(it.bytes),
            it.kept(),
            // As much of it as tells it from others.
            it.digest.chars().take("sha256:".len() + 12).collect(),
        ]
    };
    page.table(&it.artifacts.iter().take(SHOWN).map(row).collect::<Vec<_>>());
    if it.artifacts.len() > SHOWN {
        page.line(&format!("  and {} more", it.artifacts.len() - SHOWN));
    }
}

fn values(page: &mut Page, it: &Summary) {
    let all = super::outputs::outputs(it);
    if !all.is_empty() {
        page.head("Outputs");
        let row = |it: &super::outputs::Output| vec![it.name.clone(), shortened(&it.value, 200)];
        page.table(&all.iter().take(SHOWN).map(row).collect::<Vec<_>>());
        if all.len() > SHOWN {
            page.line(&format!("  and {} more", all.len() - SHOWN));
        }
    }
    if !it.texts.is_empty() {
        let (texts, left) = cut(&it.texts);
        for (written, text) in texts {
            page.head(&format!("{}/{}", written.cell, written.step));
            for line in text.lines() {
                page.line(&format!("  {line}"));
            }
        }
        if left > 0 {
            page.head(&format!("cut here: {left} bytes more; the JSON has all of it"));
        }
    }
}
