//! What only this terminal knows: what is selected, scrolled, typed, asked. Everything about the job is in the view.
//!
//! Pure. Not here: what keys do to it (`update.rs`, `verbs.rs`), how it looks (`draw`).

use std::path::PathBuf;
use std::time::Duration;

use super::field::Field;
use super::glyphs::Glyphs;
use super::grid::GridUi;
use super::keymap::{Action, Keymap};
use super::log_pane::{LogPane, Place};
use super::looks::MadeOf;
use super::motion::Motion;
use super::review::Review;
use super::theme::Theme;
use super::tree::{RowId, Tree};
use crate::engine::watching::Version;
use crate::logic::job::order::Order;
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;
use crate::logic::view::forecast::Forecast;

/// How things look at this terminal.
#[derive(Clone)]
pub struct Look {
    pub themes: Vec<Theme>,
    pub theme: usize,
    pub glyphs: Glyphs,
    pub motion: Motion,
    pub keys: Keymap,
    /// What is wrong with the keymap, in a line, until it has been said.
    pub wrong_keys: Option<String>,
    /// Of which files it was made.
    pub made_of: MadeOf,
}

impl Look {
    /// Returns the theme in use.
    #[must_use]
    pub fn theme(&self) -> &Theme {
        &self.themes[self.theme.min(self.themes.len() - 1)]
    }
}

/// What fills the body of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The list and the log.
    #[default]
    Run,
    Matrix,
    /// The log alone.
    Log,
}

/// The pane that keys go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    #[default]
    List,
    Log,
}

/// What an action asks of the loop.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    Order(Order),
    /// Runs a job on that has ended.
    Again(Order),
    /// Starts a new job from the changed playbook and shows it; this one goes on, if it runs.
    Fresh,
    /// The same once this one has ended, which is cancelled.
    CancelThenFresh,
    /// Begins the next round of a job that changed files start again.
    Round,
    /// Wants that no longer.
    GiveUp,
    /// Leaves the full screen, the job goes on.
    Stream,
    /// The job is to go on without this process.
    Detach,
    Suspend,
    Leave,
    /// Cancels, and leaves once everything has stopped.
    CancelAndLeave,
    Copy {
        text: String,
        /// Nothing that was asked for is missing.
        is_all: bool,
    },
    Mouse(bool),
    Redraw,
}

/// What is asked about. Only that is kept; what the question says follows from the picture of the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Skip(RowId),
    Cancel(RowId),
    CancelJob,
    Retry(RowId),
    RetryFailed,
    Fresh,
    Leave,
    Freeze,
    /// Of the job, and of the selection.
    RollBack(Option<RowId>),
}

/// A dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialog {
    pub ask: Ask,
    /// When it was opened; what is typed right after that was not meant for it.
    pub opened: Duration,
}

/// A question, as it stands at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub title: String,
    pub text: Vec<String>,
    pub choices: Vec<Choice>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub key: &'static str,
    pub word: String,
    pub requests: Vec<Request>,
    /// Waits so long before it acts, so that it can be undone.
    pub delay: Duration,
}

impl Choice {
    /// Returns the name of its key as people know it.
    #[must_use]
    pub fn key_word(&self) -> &'static str {
        if self.key == "esc" { "Esc" } else { self.key }
    }
}

/// What lies over the panes.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    Help {
        top: usize,
    },
    Details {
        top: usize,
    },
    Dialog(Dialog),
    /// Something that was told.
    Sheet {
        title: String,
        lines: Vec<String>,
        top: usize,
    },
    Palette {
        field: Field,
        cursor: usize,
    },
    /// A gate that is being answered.
    Review(Box<Review>),
}

/// Text that is typed in the status line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    Search { field: Field, is_pattern: bool },
    Filter { field: Field },
}

/// Something that can be undone for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Undo {
    pub words: String,
    pub until: Duration,
    /// What is to be done when the time is over.
    pub then: Vec<Request>,
    /// What undoes it, if it has been done already.
    pub back: Vec<Request>,
}

/// What makes a remark untrue before its time.
#[derive(Clone, Debug, PartialEq)]
pub enum About {
    /// Nothing does.
    Nothing,
    /// The log stands somewhere else.
    Place(Place),
    /// What was ordered can be seen.
    Order(Order),
}

/// A remark.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub words: String,
    /// Until when it is shown, at most.
    pub until: Duration,
    pub about: About,
}

/// The state of a full screen.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Ui {
    pub look: Look,
    pub mode: Mode,
    pub focus: Focus,
    pub is_zoomed: bool,
    pub tree: Tree,
    pub log: LogPane,
    pub grid: GridUi,
    pub grid_stage: Option<u32>,
    pub overlay: Option<Overlay>,
    pub prompt: Option<Prompt>,
    pub notice: Option<Notice>,
    pub undo: Option<Undo>,
    /// The job is being started again, or a new one, and since when.
    pub starting: Option<Duration>,
    /// How the file of the playbook stands, if it is not what the job runs.
    pub book: Option<Version>,
    /// The job is a round, which changed files start again.
    pub is_round: bool,
    /// What is waited for once the job has ended, until changed files start it again.
    pub waits: Option<String>,
    /// A new job is to be started once this one has ended.
    pub fresh_at_end: bool,
    /// What is being started is a new job.
    pub is_fresh: bool,
    /// The mouse is used here, and not by the terminal, which knows it best.
    pub mouse: bool,
    /// When the screen is left by itself.
    pub leave_at: Option<Duration>,
    /// How long after the next picture the screen is left by itself: the last one is to be seen.
    pub leave_after: Option<Duration>,
    /// When the screen began to show this job.
    pub opened: Duration,
    /// The screen is left once the job has ended.
    pub leave_at_end: bool,
    /// How often Ctrl-C was pressed, and when last.
    pub interrupts: (u8, Duration),
    /// When a question closed by itself: an answer may be under way.
    pub gone: Option<Duration>,
    /// When somebody last pressed a key or turned the wheel.
    pub touched: Option<Duration>,
    pub forecast: Forecast,
    /// Ids of the stages, in the order of the plan.
    pub stage_names: Vec<String>,
    /// Earlier texts that were searched for.
    pub searched: Vec<String>,
    /// When verbs were pressed last, to tell a paste from a person.
    pub(super) burst: Vec<Duration>,
    /// Columns and rows of the last picture.
    pub size: (u16, u16),
    /// Where the rows of the list stood in the last picture.
    pub(super) list_at: (ratatui::layout::Rect, ratatui::layout::Rect),
}

/// What is known about the job and the moment.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    pub view: &'a JobView,
    pub number: u64,
    /// An engine takes orders for the job.
    pub is_live: bool,
    /// That engine is in this process.
    pub is_ours: bool,
    /// Since some fixed moment.
    pub now: Duration,
    pub time: Timestamp,
}

/// How long a remark stays.
const NOTICE: Duration = Duration::from_secs(5);

/// Before a start has taken this long nothing is said about it.
pub(super) const SILENT: Duration = Duration::from_millis(300);
/// How long the answer to an order stays once what was ordered can be seen: it must still be read.
const SEEN: Duration = Duration::from_secs(2);

impl Ui {
    /// Returns the state for a job whose logs are below `dir`.
    #[must_use]
    pub fn new(look: Look, dir: PathBuf, forecast: Forecast) -> Self {
        let has_color = look.theme().depth != crate::logic::theme::Depth::None;
        Self {
            look,
            mode: Mode::Run,
            focus: Focus::List,
            is_zoomed: false,
            tree: Tree::default(),
            log: LogPane::new(dir, has_color),
            grid: GridUi::default(),
            grid_stage: None,
            overlay: None,
            prompt: None,
            notice: None,
            undo: None,
            starting: None,
            book: None,
            is_round: false,
            waits: None,
            fresh_at_end: false,
            is_fresh: false,
            mouse: true,
            leave_at: None,
            leave_after: None,
            opened: Duration::ZERO,
            leave_at_end: false,
            interrupts: (0, Duration::ZERO),
            gone: None,
            touched: None,
            forecast,
            stage_names: Vec::new(),
            searched: Vec::new(),
            burst: Vec::new(),
            size: (80, 24),
            list_at: Default::default(),
        }
    }

    /// Returns the key that does an action where the screen stands now, as sentences have it.
    pub(super) fn said(&self, action: Action) -> String {
        self.look.keys.said(self.places(), action)
    }

    /// Says whether the job of a round has ended, and files are watched until the next one begins.
    pub(super) fn is_between_rounds(&self, view: &JobView) -> bool {
        self.is_round && view.phase.outcome().is_some()
    }

    /// Shows a sentence for a while.
    pub fn say(&mut self, words: impl Into<String>, now: Duration) {
        self.notice = Some(Notice { words: words.into(), until: now + NOTICE, about: About::Nothing });
    }

    /// Shows a remark about where the log stands now, until it stands somewhere else.
    pub fn say_of_place(&mut self, words: impl Into<String>, now: Duration) {
        let about = About::Place(self.log.place());
        self.notice = Some(Notice { words: words.into(), until: now + NOTICE, about });
    }

    /// Shows the answer to an order, until what it asked for can be seen.
    pub fn say_of_order(&mut self, words: impl Into<String>, order: Order, now: Duration) {
        let about = About::Order(order);
        self.notice = Some(Notice { words: words.into(), until: now + NOTICE, about });
    }

    /// Takes away what is no longer true: remarks that the job or the log has overtaken, questions about what has ended.
    pub(super) fn keep_up(&mut self, facts: Facts<'_>) {
        if let Some(Overlay::Dialog(dialog)) = self.overlay
            && let Err(over) = self.question(dialog.ask, facts)
        {
            self.overlay = None;
            self.gone = Some(facts.now);
            self.say(over, facts.now);
        }
        self.end_review(facts);
        let place = self.log.place();
        match &mut self.notice {
            Some(Notice { about: About::Place(of), .. }) if *of != place => self.notice = None,
            Some(Notice { about: About::Order(order), until, .. }) if super::verbs::shows(order, facts) => {
                *until = (*until).min(facts.now + SEEN);
                if let Some(notice) = &mut self.notice {
                    notice.about = About::Nothing;
                }
            }
            _ => {}
        }
    }

    /// Shows text on a sheet, until somebody closes it.
    pub fn tell(&mut self, title: impl Into<String>, lines: Vec<String>) {
        self.overlay = Some(Overlay::Sheet { title: title.into(), lines, top: 0 });
    }

    /// Returns what the next verb acts on.
    #[must_use]
    pub fn selected(&self, view: &JobView) -> Option<RowId> {
        if self.mode == Mode::Matrix {
            return self.grid_cell(view).map(RowId::Cell);
        }
        let rows = self.tree.rows(view);
        rows.get(self.tree.position(view, &rows)).map(|row| row.id)
    }

    /// Lets what depends on the job follow it: the cursor, the log, the grid.
    pub fn go_along(&mut self, view: &JobView) {
        self.tree.go_along(view);
        let cell = self.selected(view).and_then(|id| super::tree::cell_of(view, id));
        self.log.show(view, cell);
    }

    /// Returns the first moment at which something here changes by itself.
    #[must_use]
    pub fn next_change(&self) -> Option<Duration> {
        let notice = self.notice.as_ref().map(|it| it.until);
        let undo = self.undo.as_ref().map(|undo| undo.until);
        // A start that is over in a moment says nothing about itself.
        let starting = self.starting.filter(|_| self.notice.is_none()).map(|since| since + SILENT);
        [notice, undo, starting, self.leave_at].into_iter().flatten().min()
    }

    /// Notes that a picture of what is known now has reached the terminal.
    pub fn was_drawn(&mut self, now: Duration) {
        if let Some(after) = self.leave_after.take() {
            self.leave_at = Some(now + after);
        }
    }

    /// Keeps the screen from being left by itself.
    pub(super) fn stay(&mut self) {
        (self.leave_at, self.leave_after) = (None, None);
    }

    /// Takes away what has had its time; returns what was to be done then, and whether anything changed.
    pub fn expire(&mut self, now: Duration) -> (Vec<Request>, bool) {
        let mut changed = false;
        if self.notice.as_ref().is_some_and(|it| it.until <= now) {
            self.notice = None;
            changed = true;
        }
        if self.notice.is_none() && self.starting.is_some_and(|since| since + SILENT <= now) {
            let what = if self.is_fresh { "a new job" } else { "the job again" };
            self.say(format!("starting {what}; Esc gives it up"), now);
            changed = true;
        }
        let mut requests = Vec::new();
        if let Some(undo) = self.undo.take_if(|undo| undo.until <= now) {
            requests = undo.then;
            changed = true;
        }
        if self.leave_at.is_some_and(|at| at <= now) {
            requests.push(Request::Leave);
        }
        (requests, changed)
    }
}
