//! What keys ask for, and where they are pressed. The names are part of what people write, so they stay as they are.
//!
//! Not here: which key asks for what (`table.rs`), what an action does (`faces/tui`).

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Help,
    Palette,
    ViewRun,
    ViewMatrix,
    ViewLog,
    NextPane,
    Back,
    Zoom,
    NextProblem,
    Undo,
    Review,
    Freeze,
    Stream,
    Detach,
    NextTheme,
    Mouse,
    Redraw,
    Suspend,
    Quit,
    Interrupt,
    Pause,
    Skip,
    Cancel,
    CancelJob,
    Retry,
    RetryFailed,
    RollBack,
    /// Starts a new job from the changed playbook.
    Fresh,
    /// Shows how the playbook differs.
    Changes,
    Details,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
    First,
    Last,
    Open,
    Filter,
    FailedOnly,
    Search,
    NextHit,
    PreviousHit,
    Follow,
    Wrap,
    Time,
    /// Moves the log sideways.
    LogLeft,
    LogRight,
    LineStart,
    NextCell,
    PreviousCell,
    NextSection,
    PreviousSection,
    Copy,
    CopyAll,
    /// Shows what would run.
    Plan,
    /// Shows the last job.
    WatchLast,
    /// Makes a playbook.
    New,
    /// Opens the playbook in an editor.
    Edit,
    /// Changes the playbook by questions.
    Change,
    Transpose,
    NextSlice,
    PreviousSlice,
    Heat,
}

/// Every action with its name.
pub static ACTIONS: &[(Action, &str)] = &[
    (Action::Help, "help"),
    (Action::Palette, "palette"),
    (Action::ViewRun, "view-run"),
    (Action::ViewMatrix, "view-matrix"),
    (Action::ViewLog, "view-log"),
    (Action::NextPane, "next-pane"),
    (Action::Back, "back"),
    (Action::Zoom, "zoom"),
    (Action::NextProblem, "next-problem"),
    (Action::Undo, "undo"),
    (Action::Review, "review"),
    (Action::Freeze, "freeze"),
    (Action::Stream, "stream"),
    (Action::Detach, "detach"),
    (Action::NextTheme, "next-theme"),
    (Action::Mouse, "mouse"),
    (Action::Redraw, "redraw"),
    (Action::Suspend, "suspend"),
    (Action::Quit, "quit"),
    (Action::Interrupt, "interrupt"),
    (Action::Pause, "pause"),
    (Action::Skip, "skip"),
    (Action::Cancel, "cancel"),
    (Action::CancelJob, "cancel-job"),
    (Action::Retry, "retry"),
    (Action::RetryFailed, "retry-failed"),
    (Action::RollBack, "roll-back"),
    (Action::Fresh, "new-job"),
    (Action::Changes, "changes"),
    (Action::Details, "details"),
    (Action::Up, "up"),
    (Action::Down, "down"),
    (Action::Left, "left"),
    (Action::Right, "right"),
    (Action::PageUp, "page-up"),
    (Action::PageDown, "page-down"),
    (Action::HalfUp, "half-page-up"),
    (Action::HalfDown, "half-page-down"),
    (Action::First, "first"),
    (Action::Last, "last"),
    (Action::Open, "open"),
    (Action::Filter, "filter"),
    (Action::FailedOnly, "failed-only"),
    (Action::Search, "find"),
    (Action::NextHit, "next-hit"),
    (Action::PreviousHit, "previous-hit"),
    (Action::Follow, "follow"),
    (Action::Wrap, "wrap"),
    (Action::Time, "time"),
    (Action::LogLeft, "log-left"),
    (Action::LogRight, "log-right"),
    (Action::LineStart, "line-start"),
    (Action::NextCell, "next-cell"),
    (Action::PreviousCell, "previous-cell"),
    (Action::NextSection, "next-section"),
    (Action::PreviousSection, "previous-section"),
    (Action::Copy, "copy"),
    (Action::CopyAll, "copy-all"),
    (Action::Plan, "plan"),
    (Action::WatchLast, "watch-last"),
    (Action::New, "new-playbook"),
    (Action::Edit, "edit-playbook"),
    (Action::Change, "change-playbook"),
    (Action::Transpose, "transpose"),
    (Action::NextSlice, "next-slice"),
    (Action::PreviousSlice, "previous-slice"),
    (Action::Heat, "heat"),
];

impl Action {
    /// Returns the name that keymaps have for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        ACTIONS.iter().find(|(action, _)| *action == self).map_or("", |(_, name)| name)
    }

    /// Finds an action by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ACTIONS.iter().find(|(_, it)| *it == name).map(|(action, _)| *action)
    }
}

/// Where a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Everywhere but in dialogs and text fields.
    Any,
    /// Where a stage or a cell is selected.
    Verbs,
    List,
    Log,
    Matrix,
    Launcher,
}

impl Place {
    /// All places, in the order of lists.
    pub const ALL: [Self; 6] = [Self::Any, Self::Verbs, Self::List, Self::Log, Self::Matrix, Self::Launcher];

    /// The panes of the view of a job. Keys are looked up in one of them, then in [`Place::Verbs`], then in [`Place::Any`].
    pub const PANES: [Self; 3] = [Self::List, Self::Log, Self::Matrix];

    /// Returns the name that keymaps have for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Verbs => "verbs",
            Self::List => "list",
            Self::Log => "log",
            Self::Matrix => "matrix",
            Self::Launcher => "launcher",
        }
    }

    /// Finds a place by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.name() == name)
    }

    /// Returns what stands above its keys.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::Any => "Everywhere",
            Self::Verbs => "The job and the selection",
            Self::List => "Stages",
            Self::Log => "Log",
            Self::Matrix => "Matrix",
            Self::Launcher => "Playbooks",
        }
    }

    /// Says where its keys count.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Any => "everywhere in the view of a job",
            Self::Verbs => "where a stage or a cell is selected; goes before `any`",
            Self::List => "the list of stages; goes before `verbs` and `any`, as `log` and `matrix` do",
            Self::Log => "the log",
            Self::Matrix => "the grid of cells",
            Self::Launcher => "the list of playbooks",
        }
    }

    /// Returns the places where keys are looked up that are pressed here, the nearest first.
    #[must_use]
    pub fn looked_up(self) -> &'static [Self] {
        match self {
            Self::Any => &[Self::Any],
            Self::Verbs => &[Self::Verbs, Self::Any],
            Self::List => &[Self::List, Self::Verbs, Self::Any],
            Self::Log => &[Self::Log, Self::Verbs, Self::Any],
            Self::Matrix => &[Self::Matrix, Self::Verbs, Self::Any],
            Self::Launcher => &[Self::Launcher],
        }
    }
}
