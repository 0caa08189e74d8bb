//! The keys: what each does where, in one table from which the help and the key line are made.
//!
//! No function keys, no Alt, none that multiplexers and terminals take for themselves. Lower case acts on the selection,
//! upper case on the whole job or pane. Not here: what an action does (`update.rs`).

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

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
    Transpose,
    NextSlice,
    PreviousSlice,
    Heat,
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

/// What keys do at a place.
#[derive(Debug)]
pub struct Binding {
    pub place: Place,
    /// Names as [`name`] makes them.
    pub keys: &'static [&'static str],
    pub action: Action,
    /// One or two words, for the key line and the palette.
    pub word: &'static str,
    /// The rest of the sentence, for the help; empty if the word says it all.
    pub about: &'static str,
}

const fn bind(
    place: Place,
    keys: &'static [&'static str],
    action: Action,
    word: &'static str,
    about: &'static str,
) -> Binding {
    Binding { place, keys, action, word, about }
}

/// Every binding, in the order of the help.
pub static TABLE: &[Binding] = &[
    bind(Place::Verbs, &["p"], Action::Pause, "pause", "or resume: what runs goes on, nothing new starts"),
    bind(
        Place::Verbs,
        &["F"],
        Action::Freeze,
        "freeze",
        "stop what runs where it stands, and all clocks; p lets it go on",
    ),
    bind(Place::Verbs, &["s"], Action::Skip, "skip", "the selection; what needs it goes on"),
    bind(Place::Verbs, &["x"], Action::Cancel, "cancel", "the selection; cleanup still runs"),
    bind(Place::Verbs, &["X"], Action::CancelJob, "cancel job", "all of it"),
    bind(Place::Verbs, &["r"], Action::Retry, "retry", "the selection, and what depends on it"),
    bind(
        Place::Verbs,
        &["R"],
        Action::RetryFailed,
        "retry failed",
        "everything that failed or was cancelled",
    ),
    bind(Place::Verbs, &["U"], Action::RollBack, "roll back", "undo what steps with an `undo` have done"),
    bind(
        Place::Verbs,
        &["ctrl-r"],
        Action::Fresh,
        "new job",
        "from the changed playbook, asked for as this one was",
    ),
    bind(
        Place::Verbs,
        &["C"],
        Action::Changes,
        "changes",
        "how the playbook differs from what this job runs",
    ),
    bind(Place::Verbs, &["a"], Action::Review, "review", "what waits for an answer: approve or reject"),
    bind(Place::Verbs, &["d"], Action::Details, "details", "command, needs, tries, causes, outputs"),
    bind(Place::Verbs, &["u"], Action::Undo, "undo", "what the line below offers to undo"),
    bind(Place::Verbs, &["!"], Action::NextProblem, "next problem", "the next stage or cell that failed"),
    bind(Place::List, &["j", "down"], Action::Down, "down", ""),
    bind(Place::List, &["k", "up"], Action::Up, "up", ""),
    bind(Place::List, &["ctrl-d", "pgdn"], Action::PageDown, "page down", ""),
    bind(Place::List, &["ctrl-u", "pgup"], Action::PageUp, "page up", ""),
    bind(Place::List, &["g", "home"], Action::First, "first", ""),
    bind(Place::List, &["G", "end"], Action::Last, "last", ""),
    bind(Place::List, &["h", "left"], Action::Left, "fold", "the cells of a stage"),
    bind(Place::List, &["l", "right"], Action::Right, "unfold", ""),
    bind(Place::List, &["enter"], Action::Open, "log", "of the selection"),
    bind(Place::List, &["/"], Action::Search, "find", "in the log of the selection"),
    bind(Place::List, &["&"], Action::Filter, "filter", "stages and cells by name"),
    bind(Place::List, &["f"], Action::FailedOnly, "failed only", "or all again"),
    bind(Place::List, &["n"], Action::NextHit, "next hit", ""),
    bind(Place::List, &["N"], Action::PreviousHit, "previous hit", ""),
    bind(Place::List, &["e"], Action::Follow, "follow", "the end of the log"),
    bind(Place::List, &["w"], Action::Wrap, "wrap", "long lines, or cut them"),
    bind(Place::List, &["<"], Action::LogLeft, "log left", "by eight columns, where lines are cut"),
    bind(Place::List, &[">"], Action::LogRight, "log right", ""),
    bind(Place::List, &["0"], Action::LineStart, "line start", "of the log"),
    bind(Place::List, &["t"], Action::Time, "time", "off, clock, since the start of the job"),
    bind(Place::List, &["y"], Action::Copy, "copy", "what the log pane shows"),
    bind(Place::List, &["Y"], Action::CopyAll, "copy log", "all of it"),
    bind(Place::Log, &["j", "down"], Action::Down, "down", ""),
    bind(Place::Log, &["k", "up"], Action::Up, "up", ""),
    bind(Place::Log, &["ctrl-d"], Action::HalfDown, "half page down", ""),
    bind(Place::Log, &["ctrl-u"], Action::HalfUp, "half page up", ""),
    bind(Place::Log, &["space", "pgdn"], Action::PageDown, "page down", ""),
    bind(Place::Log, &["b", "pgup"], Action::PageUp, "page up", ""),
    bind(Place::Log, &["g", "home"], Action::First, "top", ""),
    bind(Place::Log, &["G", "end"], Action::Last, "end", "and follow"),
    bind(Place::Log, &["<", "h", "left"], Action::LogLeft, "left", "by eight columns, where lines are cut"),
    bind(Place::Log, &[">", "l", "right"], Action::LogRight, "right", ""),
    bind(Place::Log, &["0"], Action::LineStart, "line start", ""),
    bind(Place::Log, &["/"], Action::Search, "find", "in the whole log; Ctrl-r in the prompt: as a pattern"),
    bind(Place::Log, &["n"], Action::NextHit, "next hit", ""),
    bind(Place::Log, &["N"], Action::PreviousHit, "previous hit", ""),
    bind(Place::Log, &["e"], Action::Follow, "follow", "the end, or stay"),
    bind(Place::Log, &["w"], Action::Wrap, "wrap", "long lines, or cut them"),
    bind(Place::Log, &["t"], Action::Time, "time", "off, clock, since the start of the job"),
    bind(Place::Log, &["]"], Action::NextCell, "next log", ""),
    bind(Place::Log, &["["], Action::PreviousCell, "previous log", ""),
    bind(Place::Log, &["}"], Action::NextSection, "next step", "or try"),
    bind(Place::Log, &["{"], Action::PreviousSection, "previous step", ""),
    bind(Place::Log, &["y"], Action::Copy, "copy", "what is shown"),
    bind(Place::Log, &["Y"], Action::CopyAll, "copy log", "all of it"),
    bind(Place::Matrix, &["j", "down"], Action::Down, "down", ""),
    bind(Place::Matrix, &["k", "up"], Action::Up, "up", ""),
    bind(Place::Matrix, &["h", "left"], Action::Left, "left", ""),
    bind(Place::Matrix, &["l", "right"], Action::Right, "right", ""),
    bind(Place::Matrix, &["enter"], Action::Open, "log", "of the cell"),
    bind(Place::Matrix, &["\\"], Action::Transpose, "transpose", "rows and columns"),
    bind(Place::Matrix, &[">"], Action::NextSlice, "next slice", "of further axes"),
    bind(Place::Matrix, &["<"], Action::PreviousSlice, "previous slice", ""),
    bind(Place::Matrix, &["]"], Action::NextCell, "next matrix", "of another stage"),
    bind(Place::Matrix, &["["], Action::PreviousCell, "previous matrix", ""),
    bind(Place::Matrix, &["f"], Action::FailedOnly, "failed only", "rows with failures"),
    bind(Place::Matrix, &["H"], Action::Heat, "heat", "shade cells by how long they took"),
    bind(Place::Launcher, &["enter"], Action::Open, "run", "asks for inputs first, if there are any"),
    bind(Place::Launcher, &["j", "down"], Action::Down, "down", ""),
    bind(Place::Launcher, &["k", "up"], Action::Up, "up", ""),
    bind(Place::Launcher, &["ctrl-d", "pgdn"], Action::PageDown, "page down", ""),
    bind(Place::Launcher, &["ctrl-u", "pgup"], Action::PageUp, "page up", ""),
    bind(Place::Launcher, &["g", "home"], Action::First, "first", ""),
    bind(Place::Launcher, &["G", "end"], Action::Last, "last", ""),
    bind(Place::Launcher, &["/"], Action::Filter, "filter", "by name, title, tags and description"),
    bind(
        Place::Launcher,
        &["d"],
        Action::Plan,
        "plan",
        "what would run, or what is wrong; nothing is started",
    ),
    bind(Place::Launcher, &["w"], Action::WatchLast, "watch", "the last job, whoever runs it"),
    bind(Place::Launcher, &["n"], Action::New, "new", "a playbook, by questions"),
    bind(Place::Launcher, &["tab", "shift-tab"], Action::NextPane, "preview", "scroll it; again: the list"),
    bind(Place::Launcher, &["z"], Action::Zoom, "zoom", "the preview, or all panes again"),
    bind(Place::Launcher, &["?"], Action::Help, "help", ""),
    bind(Place::Launcher, &["esc"], Action::Back, "back", "close, clear, back, in that order"),
    bind(Place::Launcher, &["T"], Action::NextTheme, "theme", "the next one"),
    bind(Place::Launcher, &["M"], Action::Mouse, "mouse", "give it to the terminal, or take it back"),
    bind(Place::Launcher, &["ctrl-l"], Action::Redraw, "redraw", "everything, and read all playbooks again"),
    bind(Place::Launcher, &["ctrl-z"], Action::Suspend, "suspend", "until `fg`"),
    bind(Place::Launcher, &["q", "ctrl-c"], Action::Quit, "quit", ""),
    bind(Place::Any, &["1"], Action::ViewRun, "run", "stages and the log of the selection"),
    bind(Place::Any, &["2"], Action::ViewMatrix, "matrix", "the cells of a stage as a grid"),
    bind(Place::Any, &["4"], Action::ViewLog, "log", "the log alone"),
    bind(Place::Any, &["tab", "shift-tab"], Action::NextPane, "pane", "the other one"),
    bind(Place::Any, &["z"], Action::Zoom, "zoom", "the pane, or all panes again"),
    bind(Place::Any, &["?"], Action::Help, "help", ""),
    bind(
        Place::Any,
        &[":", "ctrl-p"],
        Action::Palette,
        "command",
        "every action by name; a number: that line of the log",
    ),
    bind(Place::Any, &["esc"], Action::Back, "back", "close, clear, back, in that order"),
    bind(
        Place::Any,
        &["S"],
        Action::Stream,
        "stream",
        "leave the full screen, the job goes on; S again comes back",
    ),
    bind(Place::Any, &["D"], Action::Detach, "detach", "leave; the job goes on without a terminal"),
    bind(Place::Any, &["T"], Action::NextTheme, "theme", "the next one"),
    bind(Place::Any, &["M"], Action::Mouse, "mouse", "give it to the terminal, or take it back"),
    bind(Place::Any, &["ctrl-l"], Action::Redraw, "redraw", "everything"),
    bind(
        Place::Any,
        &["ctrl-z"],
        Action::Suspend,
        "suspend",
        "running steps go on, nothing new starts until `fg`",
    ),
    bind(Place::Any, &["q"], Action::Quit, "quit", ""),
    bind(Place::Any, &["ctrl-c"], Action::Interrupt, "interrupt", "again: cancel; a third time: kill"),
];

/// Returns a key's name: `p`, `P`, `ctrl-d`, `enter`, `pgdn`.
#[must_use]
pub fn name(key: &KeyEvent) -> Option<String> {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    if key.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    let word = match key.code {
        KeyCode::Char(' ') => "space",
        // Some terminals can only send these as something else.
        KeyCode::Char('m' | 'j') if ctrl => return Some("enter".to_owned()),
        KeyCode::Char('i') if ctrl => return Some("tab".to_owned()),
        KeyCode::Char(c) if ctrl => return Some(format!("ctrl-{}", c.to_ascii_lowercase())),
        KeyCode::Char(c) => return Some(c.to_string()),
        KeyCode::Enter => "enter",
        KeyCode::Esc => "esc",
        KeyCode::Tab => "tab",
        KeyCode::BackTab => "shift-tab",
        KeyCode::Up => "up",
        KeyCode::Down => "down",
        KeyCode::Left => "left",
        KeyCode::Right => "right",
        KeyCode::PageUp => "pgup",
        KeyCode::PageDown => "pgdn",
        KeyCode::Home => "home",
        KeyCode::End => "end",
        KeyCode::Backspace => "backspace",
        KeyCode::Delete => "delete",
        _ => return None,
    };
    Some(word.to_owned())
}

/// Finds what a key does; the first place is asked first.
#[must_use]
pub fn find(places: &[Place], key: &str) -> Option<Action> {
    places.iter().find_map(|place| {
        TABLE.iter().find(|it| it.place == *place && it.keys.contains(&key)).map(|it| it.action)
    })
}

/// Returns the binding of an action at one of the places.
#[must_use]
pub fn of(places: &[Place], action: Action) -> Option<&'static Binding> {
    places.iter().find_map(|place| TABLE.iter().find(|it| it.place == *place && it.action == action))
}

#[cfg(test)]
mod tests {
    use super::{Place, TABLE};

    #[test]
    fn no_key_has_two_meanings_at_a_place() {
        let mut seen: Vec<(Place, &str)> = Vec::new();
        for binding in TABLE {
            for key in binding.keys {
                assert!(!seen.contains(&(binding.place, key)), "{key} at {:?}", binding.place);
                seen.push((binding.place, key));
            }
        }
        // A verb works wherever a stage or cell is selected, so no pane may take its key.
        for (place, key) in &seen {
            if [Place::List, Place::Log, Place::Matrix].contains(place) {
                assert!(!seen.contains(&(Place::Verbs, key)), "{key}");
                assert!(!seen.contains(&(Place::Any, key)), "{key}");
            }
        }
    }

    #[test]
    fn keys_that_terminals_keep_for_themselves_are_not_used() {
        for key in TABLE.iter().flat_map(|it| it.keys) {
            let kept = ["ctrl-a", "ctrl-b", "ctrl-h", "ctrl-i", "ctrl-j", "ctrl-m", "ctrl-q", "ctrl-s"];
            assert!(!kept.contains(key) && !key.starts_with('f') || key.len() == 1, "{key}");
        }
    }
}
