//! The state of the launcher: the playbooks, what is selected, typed, asked.
//!
//! Pure. Not here: what keys do to it (`update.rs`), how it looks (`draw.rs`, `preview.rs`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use ratatui::layout::Rect;

use super::book::{Book, Content, is_live};
use super::filter;
use super::form::{Form, Typed};
use super::lines::Row;
use super::shelf::{Shelf, Waiting};
use crate::engine::JobRow;
use crate::faces::hint::Caller;
use crate::faces::launch::{Commands, Wanted};
use crate::faces::tui::field::Field;
use crate::faces::tui::ui::Look;

/// How long a sentence stays.
const NOTICE: Duration = Duration::from_secs(5);

/// The state of the launcher. It outlives the jobs that are run from it.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Launcher {
    pub look: Look,
    pub(super) caller: Caller,
    /// The mouse is used here, and not by the terminal, which knows it best.
    pub(super) mouse: bool,
    pub(super) zone: TimeZone,
    /// Name of the project.
    pub(super) project: String,
    /// The one that was used last comes first.
    pub(super) books: Vec<Book>,
    pub(super) jobs: Vec<JobRow>,
    /// What those of them wait for that nothing runs of, by their numbers.
    pub(super) waits: HashMap<u64, Waiting>,
    /// Files and jobs have been looked at.
    pub(super) is_read: bool,
    pub(super) filter: String,
    /// The filter is being typed.
    pub(super) prompt: Option<Field>,
    /// Positions of the books that fit the filter, in the order of the list.
    pub(super) hits: Vec<usize>,
    /// The selected book.
    pub(super) cursor: Option<PathBuf>,
    /// The first row that is shown.
    pub(super) top: usize,
    pub(super) focus: Focus,
    pub(super) is_zoomed: bool,
    /// The rows of the preview in the last picture, with the book and the width that they were made for.
    pub(super) preview: Option<(PathBuf, usize, Vec<Row>)>,
    /// The first row of the preview that is shown.
    pub(super) preview_top: usize,
    /// What would run, in place of the preview.
    pub(super) outline: Option<Outline>,
    pub(super) form: Option<Form>,
    /// What was typed into forms that were closed.
    pub(super) typed: HashMap<PathBuf, Typed>,
    pub(super) overlay: Option<Overlay>,
    /// A sentence, and until when it is shown.
    pub(super) notice: Option<(String, Duration)>,
    /// A playbook that is being started, and since when.
    pub(super) starting: Option<(Wanted, Duration)>,
    pub(super) burst: Vec<Duration>,
    /// The row that was clicked last, and when.
    pub(super) clicked: Option<(PathBuf, Duration)>,
    pub(super) places: Places,
    /// Nothing of it fits on the screen.
    pub(super) is_tiny: bool,
}

/// Where things stood in the last picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) list: Rect,
    pub(super) preview: Rect,
    /// The rows of the form, two lines each.
    pub(super) form: Rect,
}

/// The pane that keys go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Focus {
    #[default]
    List,
    Preview,
}

/// What would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) path: PathBuf,
    /// The profile that it is made with.
    pub(super) profile: Option<String>,
    /// Nothing until it has been made.
    pub(super) lines: Option<Vec<String>>,
}

/// What lies over the panes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Overlay {
    Help {
        top: usize,
    },
    /// Something that was told.
    Sheet {
        title: String,
        lines: Vec<String>,
        top: usize,
    },
    /// Whether a playbook may run its commands.
    Trust {
        wanted: Wanted,
        playbook: String,
        commands: Commands,
        top: usize,
        /// What is typed right after that was not meant for it.
        opened: Duration,
    },
}

/// What an action asks of the loop.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Request {
    /// Looks at the file again, and then asks for profile and inputs or starts.
    Open(PathBuf),
    Begin(Wanted, Commands),
    Outline(Wanted),
    Watch,
    New,
    /// Opens the file in an editor, at that line.
    Edit(PathBuf, Option<u32>),
    /// Looks at the file again, and then has it changed by questions.
    Change(PathBuf),
    Suspend,
    Leave,
    /// Ends the process while a job is being started.
    Abandon,
    Redraw,
    Mouse(bool),
}

impl Launcher {
    /// Returns the state for a project at that folder, before anything is known of it.
    #[must_use]
    pub fn new(look: Look, root: &Path, caller: Caller) -> Self {
        let name =
            root.file_name().map_or_else(|| root.display().to_string(), |it| it.to_string_lossy().into());
        Self {
            look,
            caller,
            mouse: true,
            zone: TimeZone::system(),
            project: name,
            books: Vec::new(),
            jobs: Vec::new(),
            waits: HashMap::new(),
            is_read: false,
            filter: String::new(),
            prompt: None,
            hits: Vec::new(),
            cursor: None,
            top: 0,
            focus: Focus::List,
            is_zoomed: false,
            preview: None,
            preview_top: 0,
            outline: None,
            form: None,
            typed: HashMap::new(),
            overlay: None,
            notice: None,
            starting: None,
            burst: Vec::new(),
            clicked: None,
            places: Places::default(),
            is_tiny: false,
        }
    }

    /// Shows text on a sheet, until somebody closes it.
    pub fn tell(&mut self, title: impl Into<String>, lines: Vec<String>) {
        self.overlay = Some(Overlay::Sheet { title: title.into(), lines, top: 0 });
    }

    /// Shows a sentence for a while.
    pub(super) fn say(&mut self, words: impl Into<String>, now: Duration) {
        self.notice = Some((words.into(), now + NOTICE));
    }

    /// Selects a playbook that was just made.
    pub fn made(&mut self, path: PathBuf, words: impl Into<String>, now: Duration) {
        self.filter.clear();
        self.cursor = Some(path);
        self.say(words, now);
    }

    /// Takes note that a file was open for changes, and of what is to be said about it.
    pub fn edited(&mut self, words: Option<String>, now: Duration) {
        // What would run may be another thing now.
        self.outline = None;
        if let Some(words) = words {
            self.say(words, now);
        }
    }

    /// Takes away what has had its time; returns whether there was something.
    pub(super) fn expire(&mut self, now: Duration) -> bool {
        self.notice.take_if(|(_, until)| *until <= now).is_some()
    }

    /// Takes the files and jobs that there are now. What was read of a file stays until it is read again.
    pub(super) fn set_shelf(&mut self, shelf: Shelf, root: &Path, now: Duration) {
        let mut before: HashMap<PathBuf, Content> =
            self.books.drain(..).map(|book| (book.path, book.content)).collect();
        let mut newest: HashMap<PathBuf, &JobRow> = HashMap::new();
        for row in &shelf.jobs {
            newest.entry(root.join(&row.playbook)).or_insert(row);
        }
        self.books = shelf
            .files
            .into_iter()
            .map(|(path, name)| Book {
                name,
                content: before.remove(&path).unwrap_or(Content::Unread),
                last: newest.get(&path).map(|row| (*row).clone()),
                path,
            })
            .collect();
        let used = |book: &Book| std::cmp::Reverse(book.last.as_ref().map(|row| row.started));
        self.books.sort_by(|a, b| used(a).cmp(&used(b)).then_with(|| a.name.cmp(&b.name)));
        self.jobs = shelf.jobs;
        self.waits = shelf.waits;
        self.is_read = true;
        if let Some(problem) = shelf.problem {
            self.say(problem, now);
        }
        self.find();
    }

    /// Takes what would run, if somebody still wants to know.
    pub(super) fn set_outline(&mut self, path: &Path, lines: Vec<String>) {
        if let Some(outline) = self.outline.as_mut().filter(|it| it.path == path) {
            outline.lines = Some(lines);
        }
    }

    /// Takes the content of a file.
    pub(super) fn set_content(&mut self, path: &Path, content: Content) {
        if self.preview.as_ref().is_some_and(|(it, _, _)| it == path) {
            self.preview = None;
        }
        if let Some(book) = self.books.iter_mut().find(|book| book.path == path) {
            book.content = content;
        }
    }

    /// Finds the books that fit the filter; the selection stays where it still fits.
    pub(super) fn find(&mut self) {
        self.hits = filter::hits(&self.books, &self.filter);
        let is_there = |path: &PathBuf| self.hits.iter().any(|&at| self.books[at].path == *path);
        if !self.cursor.as_ref().is_some_and(is_there) {
            self.select(0);
        }
    }

    /// Returns the selected row of the list.
    pub(super) fn position(&self) -> usize {
        let is_at = |&at: &usize| Some(&self.books[at].path) == self.cursor.as_ref();
        self.hits.iter().position(is_at).unwrap_or(0)
    }

    /// Returns the selected book.
    pub(super) fn selected(&self) -> Option<&Book> {
        self.hits.get(self.position()).map(|&at| &self.books[at])
    }

    /// Selects a row of the list.
    pub(super) fn select(&mut self, row: usize) {
        let row = row.min(self.hits.len().saturating_sub(1));
        let path = self.hits.get(row).map(|&at| self.books[at].path.clone());
        if path != self.cursor {
            self.cursor = path;
            self.preview_top = 0;
            self.outline = None;
        }
    }

    /// Moves the selection.
    pub(super) fn step(&mut self, by: isize) {
        self.select(self.position().saturating_add_signed(by));
    }

    /// Scrolls so that the selection shows, with two rows around it where there is room.
    pub(super) fn scroll(&mut self, height: usize) {
        let at = self.position();
        let margin = 2.min(height.saturating_sub(1) / 2);
        let least = (at + margin + 1).saturating_sub(height);
        let most = at.saturating_sub(margin);
        self.top = self.top.clamp(least.min(most), most).min(self.hits.len().saturating_sub(height));
    }

    /// Returns the jobs that run, the newest first.
    pub(super) fn live(&self) -> impl Iterator<Item = &JobRow> {
        self.jobs.iter().filter(|row| is_live(row))
    }

    /// Counts the books that cannot be run.
    pub(super) fn broken(&self) -> usize {
        self.books.iter().filter(|book| book.content.is_bad()).count()
    }
}
