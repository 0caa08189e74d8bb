//! A playbook in the list: what is known of its file, and the last job that ran it.
//!
//! Pure. Not here: reading files (`shelf.rs`), the preview (`preview.rs`).

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::JobRow;
use crate::engine::library::Opened;
use crate::faces::tui::glyphs::State;
use crate::logic::author::edit;
use crate::logic::diag::{Diagnostic, Severity};
use crate::logic::job::event::Outcome;
use crate::logic::plan::matrix;
use crate::logic::playbook::model::{MatrixSource, Playbook, Stage};
use crate::logic::playbook::source::Source;
use crate::logic::text::plural;
use crate::logic::view::Phase;

/// A playbook of the project.
#[derive(Clone, Debug)]
pub(super) struct Book {
    pub(super) path: PathBuf,
    /// Its path below the folder of playbooks, without extension.
    pub(super) name: String,
    pub(super) content: Content,
    pub(super) last: Option<JobRow>,
}

/// What is in a file.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// It has not been read yet.
    Unread,
    Good(Arc<Good>),
    /// It has errors.
    Broken(Arc<Broken>),
    /// It cannot be read, in words.
    Unreadable(String),
}

/// A playbook without errors.
#[derive(Debug)]
pub(super) struct Good {
    /// The path as messages show it.
    pub(super) file: String,
    pub(super) playbook: Arc<Playbook>,
    /// One for each stage.
    pub(super) cells: Vec<Cells>,
    pub(super) warnings: usize,
}

/// A file with errors.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) source: Source,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// How many cells a stage has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cells {
    /// It has no matrix.
    One,
    Known(usize),
    /// Found out when the stage begins.
    Later,
}

impl Content {
    /// Returns what a file that was read holds.
    pub(super) fn of(opened: Opened) -> Self {
        let Opened { source, reading, .. } = opened;
        match reading.playbook {
            Some(playbook) => Self::Good(Arc::new(Good {
                file: source.name.to_string(),
                cells: playbook.stages.iter().map(|stage| cells(stage, &playbook)).collect(),
                playbook: Arc::new(playbook),
                warnings: reading.diagnostics.len(),
            })),
            None => Self::Broken(Arc::new(Broken { source, diagnostics: reading.diagnostics })),
        }
    }

    /// Returns the playbook, if there is nothing wrong with it.
    pub(super) fn good(&self) -> Option<&Good> {
        match self {
            Self::Good(good) => Some(good),
            Self::Unread | Self::Broken(_) | Self::Unreadable(_) => None,
        }
    }

    /// Says whether it has been read and cannot be run.
    pub(super) fn is_bad(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Unreadable(_))
    }
}

impl Broken {
    /// Returns the line of the first error.
    pub(super) fn first_line(&self) -> Option<u32> {
        let errors = self.diagnostics.iter().filter(|it| it.severity == Severity::Error);
        errors.map(|it| self.source.place(it.span.start).line).min()
    }

    /// Says what it is, if questions cannot change it. A playbook with other errors can be mended by them.
    pub(super) fn unchangeable(&self) -> Option<&'static str> {
        let has = |slug: &str| self.diagnostics.iter().any(|it| it.slug == slug);
        if !edit::unsound(&self.source).is_empty() {
            Some("broken YAML")
        } else if has("wrong-version") {
            Some("another version")
        } else if (has("missing-version") || has("wrong-type"))
            && edit::outline(&self.source).stages.is_empty()
        {
            Some("what is no playbook")
        } else {
            None
        }
    }

    pub(super) fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|it| it.severity == Severity::Error).count()
    }
}

fn cells(stage: &Stage, playbook: &Playbook) -> Cells {
    match stage.strategy.as_ref().map(|strategy| &strategy.matrix) {
        None => Cells::One,
        Some(MatrixSource::Fixed(value)) => {
            match matrix::expand(value, playbook.policy.matrix_limit as usize) {
                Ok(expansion) => Cells::Known(expansion.combinations.len()),
                Err(_) => Cells::Later,
            }
        }
        Some(MatrixSource::Computed(_) | MatrixSource::Mixed(_)) => Cells::Later,
    }
}

impl Book {
    /// Returns `10 stages, 24 cells`, or what is wrong.
    pub(super) fn counts(&self) -> String {
        match &self.content {
            Content::Unread => String::new(),
            Content::Unreadable(_) => "cannot be read".to_owned(),
            Content::Broken(broken) => plural(broken.errors(), "error"),
            Content::Good(good) => {
                let stages = plural(good.cells.len(), "stage");
                let known = |cells: &Cells| match cells {
                    Cells::One => 1,
                    Cells::Known(count) => *count,
                    Cells::Later => 0,
                };
                let count: usize = good.cells.iter().map(known).sum();
                let is_open = good.cells.contains(&Cells::Later);
                match (count == good.cells.len(), is_open) {
                    (true, false) => stages,
                    (_, false) => format!("{stages}, {}", plural(count, "cell")),
                    (_, true) => format!("{stages}, {count}+ cells"),
                }
            }
        }
    }
}

/// Returns how a job ended, if it did.
pub(super) fn outcome(row: &JobRow) -> Option<Outcome> {
    let word = row.outcome.as_deref()?;
    let all = [Outcome::Success, Outcome::Failure, Outcome::Cancelled, Outcome::Skipped];
    all.into_iter().find(|it| it.word() == word)
}

/// Says whether a job runs, in whatever process.
pub(super) fn is_live(row: &JobRow) -> bool {
    row.outcome.is_none() && row.owner_alive
}

/// Returns where a job stands.
pub(super) fn state(row: &JobRow) -> State {
    match outcome(row) {
        Some(_) if row.is_rolled_back() => State::RolledBack,
        Some(outcome) => State::of(Phase::Done(outcome), None, None),
        None if row.owner_alive => live_state(row).0,
        None => State::Cancelled,
    }
}

/// Returns where a job stands that an engine works on, and the word for it.
pub(super) fn live_state(row: &JobRow) -> (State, &'static str) {
    match &*row.state {
        "frozen" => (State::Paused, "frozen"),
        "paused" => (State::Paused, "paused"),
        "queued" => (State::Blocked, "queued"),
        "cancelling" => (State::Stopping, "being cancelled"),
        _ => (State::Running, "running"),
    }
}
