//! Summaries: what a job came to, for people and programs, after it or while it runs.
//!
//! `Story` folds the events of a job; `Summary::of` makes plain data of it, which is the JSON; the renderers draw that:
//! `markdown`, `html`, `junit`, `csv`, `text`. `brief` is the short one that every job leaves: outcomes and outputs.
//! Not here: reading journals, reading logs, writing files (`engine`), where they go (`faces`, `engine`).

mod brief;
mod csv;
mod escape;
mod grid;
mod html;
mod junit;
mod make;
mod markdown;
mod model;
mod outputs;
mod path;
mod story;
mod text;

#[cfg(test)]
mod tests;

pub use brief::{Brief, result};
pub use make::{About, FAILURES_WITH_LINES};
pub use model::{SCHEMA, Summary};
pub use outputs::{Output, find_output, outputs};
pub use story::{Cached, Story};

/// A format that summaries are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Markdown,
    Html,
    Json,
    /// JUnit.
    Xml,
    Csv,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Markdown, Self::Html, Self::Json, Self::Xml, Self::Csv];

    /// Says whether a text that begins like this is a report in this format.
    #[must_use]
    pub fn is_one(self, start: &str) -> bool {
        let first = start.lines().next().unwrap_or("");
        match self {
            Self::Markdown => first.starts_with("# ") && first.contains(": job #"),
            Self::Html => {
                start.starts_with("<!doctype html>\n<html lang=\"en\">")
                    && start.contains("\"Content-Security-Policy\"")
            }
            Self::Json => start.starts_with("{\n  \"schema\": ") && start.contains("\"job\": {"),
            Self::Xml => start.lines().nth(1).is_some_and(|line| line.starts_with("<testsuites ")),
            Self::Csv => first.starts_with("job,stage,cell,step,"),
        }
    }

    /// Returns the word that playbooks use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Csv => "csv",
        }
    }

    /// Returns the name of the file in a folder of reports.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Markdown => "summary.md",
            Self::Html => "summary.html",
            Self::Json => "summary.json",
            Self::Xml => "junit.xml",
            Self::Csv => "summary.csv",
        }
    }

    /// Returns the format of a file by its ending: `.md`, `.html`, `.json`, `.xml`, `.csv`.
    #[must_use]
    pub fn of_file(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let (_, ending) = name.rsplit_once('.')?;
        Some(match ending.to_ascii_lowercase().as_str() {
            "md" | "markdown" => Self::Markdown,
            "html" | "htm" => Self::Html,
            "json" => Self::Json,
            "xml" => Self::Xml,
            "csv" => Self::Csv,
            _ => return None,
        })
    }
}

/// Returns the ending of a path that looks like a file of a kind that no report has. Folders may have dots: `.reports`, `v1.2`.
#[must_use]
pub fn unknown_ending(path: &str) -> Option<&str> {
    let name = path.trim().rsplit('/').next()?;
    let (stem, ending) = name.rsplit_once('.')?;
    let is_word = ending.starts_with(|it: char| it.is_ascii_alphabetic())
        && ending.len() <= 5
        && ending.chars().all(|it| it.is_ascii_alphanumeric());
    (!stem.is_empty() && is_word && Format::of_file(name).is_none()).then_some(ending)
}

impl Summary {
    /// Returns it as the text of a file.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Markdown => markdown::render(self),
            Format::Html => html::render(self),
            Format::Json => json(self),
            Format::Xml => junit::render(self),
            Format::Csv => csv::render(self),
        }
    }

    /// Returns it as a terminal shows it, `width` columns wide; without colours.
    #[must_use]
    pub fn text(&self, width: usize) -> String {
        text::render(self, width)
    }
}

fn json(summary: &Summary) -> String {
    let mut text = serde_json::to_string_pretty(summary).unwrap_or_default();
    text.push('\n');
    text
}

/// Returns the folder for reports below the project, where none is named.
#[must_use]
pub fn usual_place() -> &'static str {
    "reports/orchestration"
}

/// Returns the name of a summary that was asked for without a path, by the start of its job and its number: two jobs never
/// have the same, and a retry writes it anew.
#[must_use]
pub fn usual_name(started: crate::logic::time::Timestamp, number: u64) -> String {
    let moment = started.rfc3339();
    let digits = |from: usize, to: usize| moment.get(from..to).unwrap_or("").replace([':', '-'], "");
    format!("summary-{}-{}-{number}.md", digits(0, 10), digits(11, 19))
}

/// Says why a path of reports is none below the project, if it is not.
#[must_use]
pub fn leads_out(path: &str) -> Option<String> {
    let shown = crate::logic::text::shortened(path, 80);
    match path.trim() {
        "" => Some("the path of the reports is empty".to_owned()),
        it if it.starts_with('/') || it.starts_with('~') => {
            Some(format!("reports are written below the project, and `{shown}` is elsewhere"))
        }
        it if it.split('/').any(|part| part == "..") => {
            Some(format!("reports are written below the project, and `{shown}` leads out of it"))
        }
        it if it.contains(['\n', '\r', '\0']) => Some(format!("`{shown}` is no path")),
        _ => None,
    }
}
