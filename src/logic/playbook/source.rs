//! Source text and places in it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A range of bytes in one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

/// A line and a column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

/// A file's name as the person wrote it, and its text without a byte order mark.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: Arc<str>,
    pub text: Arc<str>,
    /// The files that it calls, directly or through others.
    pub called: Arc<Called>,
    /// There are no others: what is not among them is not there.
    is_complete: bool,
    /// Byte offset at which each line begins.
    lines: Vec<u32>,
}

/// Files that a playbook calls, by their paths from the project's folder: their texts, or why they cannot be read.
pub type Called = std::collections::BTreeMap<Arc<str>, Result<Arc<str>, Unread>>;

/// Why a called file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// There is no such file; where it probably is, from the project's folder.
    NotThere(Option<String>),
    /// It lies outside of the project, through a link.
    Outside,
    /// In words.
    Other(String),
}

/// Begins the first line of a stored text that has called files with it: a comment for everybody else.
const BUNDLE: &str = "#sortie-called:";

impl Source {
    /// Keeps the text and finds its lines. Text beyond 4 GiB is not addressed; the reader's budget is far below.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let mut lines = vec![0];
        lines.extend(memchr::memchr_iter(b'\n', text.as_bytes()).filter_map(|at| u32::try_from(at + 1).ok()));
        Self { name: name.into(), text, called: Arc::default(), is_complete: false, lines }
    }

    /// Adds the files that it calls.
    #[must_use]
    pub fn with_called(self, called: Arc<Called>) -> Self {
        Self { called, ..self }
    }

    /// The same for a file that it calls.
    #[must_use]
    pub fn with_called_of(self, caller: &Self) -> Self {
        Self { called: Arc::clone(&caller.called), is_complete: caller.is_complete, ..self }
    }

    /// Says whether it was read and checked before, and is kept with a job. What was found then holds.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.is_complete
    }

    /// Returns a called file; nothing if it has to be read first.
    #[must_use]
    pub fn called_file(&self, path: &str) -> Option<Result<Arc<str>, Unread>> {
        let known = self.called.get(path).cloned();
        known.or_else(|| self.is_complete.then_some(Err(Unread::NotThere(None))))
    }

    /// Returns the text as it is kept with a job: with the texts of all files that it calls, in a first line.
    #[must_use]
    pub fn stored(&self) -> String {
        let called: std::collections::BTreeMap<&str, &str> =
            self.called.iter().filter_map(|(path, text)| Some((&**path, text.as_deref().ok()?))).collect();
        if called.is_empty() && !self.text.starts_with(BUNDLE) {
            return self.text.to_string();
        }
        let called = serde_json::to_string(&called).unwrap_or_default();
        format!("{BUNDLE}{called}\n{}", self.text)
    }

    /// Takes apart what [`Self::stored`] gave; other texts stay as they are.
    #[must_use]
    pub fn from_stored(name: impl Into<Arc<str>>, stored: &str) -> Self {
        let bundle = stored.strip_prefix(BUNDLE).and_then(|rest| rest.split_once('\n'));
        let read = bundle.and_then(|(called, text)| {
            let called: std::collections::BTreeMap<String, String> = serde_json::from_str(called).ok()?;
            Some((called, text))
        });
        let Some((called, text)) = read else { return Self { is_complete: true, ..Self::new(name, stored) } };
        let called = called.into_iter().map(|(path, text)| (Arc::from(path), Ok(Arc::from(text))));
        Self { called: Arc::new(called.collect()), is_complete: true, ..Self::new(name, text) }
    }

    /// Returns line and column of a byte offset.
    #[must_use]
    pub fn place(&self, offset: u32) -> Place {
        let line = self.lines.partition_point(|&start| start <= offset).max(1) - 1;
        let start = self.lines[line] as usize;
        let end = (offset as usize).clamp(start, self.text.len());
        let column = self.text.get(start..end).map_or(end - start, |before| before.chars().count());
        Place {
            line: u32::try_from(line + 1).unwrap_or(u32::MAX),
            column: u32::try_from(column + 1).unwrap_or(u32::MAX),
        }
    }

    /// Returns the text of a line, counted from 1, without its line break.
    #[must_use]
    pub fn line(&self, line: u32) -> &str {
        let at = line.saturating_sub(1) as usize;
        let start = self.lines.get(at).map_or(self.text.len(), |&o| o as usize);
        let end = self.lines.get(at + 1).map_or(self.text.len(), |&o| o as usize);
        self.text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r'])
    }
}
