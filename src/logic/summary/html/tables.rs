//! Everything of a page that is a table or a list: where the time went, people, annotations, values, what steps wrote.
//!
//! Not here: stages and matrices (`parts.rs`).

use std::fmt::Write as _;
use std::time::Duration;

use super::put;
use crate::logic::summary::escape::html as esc;
use crate::logic::summary::markdown::{cut, moment, some_time};
use crate::logic::summary::model::{self, Pairs, Summary};
use crate::logic::text::{bytes_text, shortened};
use crate::logic::words::elapsed;

pub(super) fn time(out: &mut String, it: &Summary) {
    let path = &it.critical_path;
    if path.stages.len() > 1 {
        put!(
            out,
            "<section>\n<h2>Critical path <span class=\"dim\">{} of {}</span></h2>\n<ol class=\"path\">",
            elapsed(path.took),
            elapsed(it.job.took)
        );
        for on in &path.stages {
            let name = on.cell.as_ref().unwrap_or(&on.stage);
            put!(out, "<li><b>{}</b> {}", esc(name), elapsed(on.took));
            if on.waited >= Duration::from_millis(50) {
                put!(out, " <span class=\"dim\">after {} of waiting</span>", elapsed(on.waited));
            }
            out.push_str("</li>");
        }
        out.push_str("</ol>\n</section>\n");
    }
    if it.slowest.len() > 1 || !it.longest_waits.is_empty() {
        out.push_str("<div class=\"columns\">\n");
        if it.slowest.len() > 1 {
            let rows: Vec<Vec<String>> =
                it.slowest.iter().map(|it| vec![it.cell.clone(), elapsed(it.took)]).collect();
            table(out, "Slowest", &["Cell", "Time"], &rows);
        }
        let row = |it: &model::LongWait| vec![it.cell.clone(), elapsed(it.waited), it.what_for.to_owned()];
        let rows: Vec<Vec<String>> = it.longest_waits.iter().map(row).collect();
        table(out, "Longest waits", &["Cell", "Time", "For"], &rows);
        out.push_str("</div>\n");
    }
    let row = |it: &model::Retried| {
        vec![it.place.clone(), it.tries.to_string(), it.earlier.clone(), it.state.to_owned()]
    };
    let rows: Vec<Vec<String>> = it.retries.iter().map(row).collect();
    table(out, "Tried again", &["What", "Tries", "Before", "In the end"], &rows);
}

/// Writes a table of texts, if it has a row.
fn table(out: &mut String, name: &str, heads: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    put!(out, "<section>\n<h2>{name}</h2>\n<div class=\"wide\"><table><thead><tr>");
    for head in heads {
        put!(out, "<th>{head}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for text in row {
            put!(out, "<td>{}</td>", esc(text));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n</section>\n");
}

pub(super) fn people(out: &mut String, it: &Summary) {
    let row = |it: &model::Gate| {
        let said = |one: &model::Answer| {
            if one.note.is_empty() { one.who.clone() } else { format!("{}: {}", one.who, one.note) }
        };
        let by: Vec<String> = it.answers.iter().map(said).collect();
        vec![it.place.clone(), it.message.clone(), it.state.to_owned(), by.join("; "), some_time(it.took)]
    };
    let rows: Vec<Vec<String>> = it.gates.iter().map(row).collect();
    table(out, "Gates", &["Gate", "Asked", "Came to", "By", "Waited"], &rows);
    let row =
        |it: &model::Order| vec![moment(it.time), it.who.clone(), it.what.to_owned(), it.target.clone()];
    let rows: Vec<Vec<String>> = it.orders.iter().map(row).collect();
    table(out, "Orders", &["Time", "Who", "What", "Of"], &rows);
}

pub(super) fn annotations(out: &mut String, it: &Summary) {
    const SHOWN: usize = 200;
    if it.annotations.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>Annotations</h2>\n<ul class=\"notes\">\n");
    for note in it.annotations.iter().take(SHOWN) {
        let class = match note.level.as_str() {
            "error" => "failed",
            "warning" => "cancelled",
            _ => "open",
        };
        put!(out, "<li class=\"{class}\"><span class=\"badge\">{}</span> ", esc(&note.level));
        if let Some(place) = note.place() {
            put!(out, "<code>{}</code> ", esc(&place));
        }
        if let Some(title) = &note.title {
            put!(out, "<b>{}</b> ", esc(title));
        }
        put!(out, "{} <span class=\"dim\">{}</span></li>\n", esc(&note.message), esc(&note.cell));
    }
    out.push_str("</ul>\n");
    let more = it.annotations.len().saturating_sub(SHOWN) + it.annotations_left_out;
    if more > 0 {
        put!(out, "<p>and {more} more</p>\n");
    }
    out.push_str("</section>\n");
}

pub(super) fn artifacts(out: &mut String, it: &Summary) {
    let row = |it: &model::Artifact| {
        let (files, bytes) = (it.files.to_string(), bytes_text(it.bytes));
        vec![it.name.clone(), it.cell.clone(), files, bytes, it.kept(), it.digest.clone()]
    };
    let rows: Vec<Vec<String>> = it.artifacts.iter().map(row).collect();
    table(out, "Artifacts", &["Artifact", "By", "Files", "Size", "Kept", "Digest"], &rows);
}

pub(super) fn values(out: &mut String, it: &Summary) {
    let mut rows = Vec::new();
    let mut add = |place: &str, pairs: &Pairs| {
        for (name, value) in pairs {
            rows.push(vec![format!("{place}{name}"), shortened(value, 1_000)]);
        }
    };
    add("", &it.job.outputs);
    for stage in &it.stages {
        add(&format!("{}.", stage.id), &stage.outputs);
    }
    table(out, "Outputs", &["Output", "Value"], &rows);
    let row = |it: &model::Variable| vec![it.kind.to_owned(), it.name.clone(), shortened(&it.value, 1_000)];
    let rows: Vec<Vec<String>> = it.variables.iter().map(row).collect();
    table(out, "Variables", &["Kind", "Name", "Value"], &rows);
}

pub(super) fn texts(out: &mut String, it: &Summary) {
    if it.texts.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>What the steps say</h2>\n");
    let (texts, left) = cut(&it.texts);
    for (of, text) in texts {
        put!(out, "<article class=\"written\"><h3>{}/{}</h3>\n", esc(&of.cell), esc(&of.step));
        super::written::draw(out, text);
        out.push_str("</article>\n");
    }
    if left > 0 {
        put!(out, "<p class=\"dim\">Cut here: {left} bytes more; the summary as JSON has all of it.</p>\n");
    }
    out.push_str("</section>\n");
}
