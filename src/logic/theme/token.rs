//! What a screen consists of, by meaning: every style of a theme belongs to one of these.
//!
//! Not here: how one looks (`themes/*.yml`), which token a screen uses where (`faces`). Start with `Token`.

/// A meaning that has a style.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Token {
    /// Whatever has no other meaning.
    Text,
    /// Less important words.
    Muted,
    /// Names of the job and of dialogs.
    Title,
    /// Names of panes and columns.
    Heading,
    /// The line, cell or entry that the next key acts on.
    Selection,
    /// The mark in front of it.
    Marker,
    /// A hit of a search.
    Match,
    /// The hit that the search stands at.
    MatchNow,
    Success,
    Error,
    Warning,
    /// Somebody has to decide something.
    Attention,
    Running,
    /// Lines between panes.
    Rule,
    /// The part of a line between panes that shows what is scrolled to.
    Scroll,
    /// A key that can be pressed.
    Key,
    /// What a key does.
    Hint,
    /// A mode that is on, such as `FOLLOW`.
    Mode,
    BarDone,
    BarFailed,
    BarRunning,
    BarWaiting,
    /// The frame of a dialog.
    Dialog,
    /// Where text is typed.
    Field,
    /// A sentence that says what has just happened.
    Notice,
    Link,
    LogTime,
    LogStderr,
    /// A line by which a step or a group begins or ends.
    LogHeading,
    /// Numbers and marks beside the text of a log.
    LogGutter,
    LogError,
    LogWarning,
    /// Shades by duration, from the shortest to the longest.
    Heat1,
    Heat2,
    Heat3,
    Heat4,
}

/// How well a token has to be told from what is behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Words: a contrast of at least 4.5.
    Text,
    /// Lines and bars: at least 3.
    Mark,
    /// What lies behind words: those keep their contrast on it.
    Behind,
}

/// A line of the table below.
struct Row {
    token: Token,
    name: &'static str,
    role: Role,
    /// The token whose style it has where no theme states one.
    like: Option<Token>,
}

const fn row(token: Token, name: &'static str, role: Role, like: Option<Token>) -> Row {
    Row { token, name, role, like }
}

/// In the order of the enum.
static TABLE: [Row; 36] = [
    row(Token::Text, "text", Role::Text, None),
    row(Token::Muted, "muted", Role::Text, None),
    row(Token::Title, "title", Role::Text, None),
    row(Token::Heading, "heading", Role::Text, Some(Token::Title)),
    row(Token::Selection, "selection", Role::Behind, None),
    row(Token::Marker, "marker", Role::Text, Some(Token::Title)),
    row(Token::Match, "match", Role::Behind, None),
    row(Token::MatchNow, "match-now", Role::Behind, Some(Token::Match)),
    row(Token::Success, "success", Role::Text, None),
    row(Token::Error, "error", Role::Text, None),
    row(Token::Warning, "warning", Role::Text, None),
    row(Token::Attention, "attention", Role::Text, None),
    row(Token::Running, "running", Role::Text, None),
    row(Token::Rule, "rule", Role::Mark, Some(Token::Muted)),
    row(Token::Scroll, "scroll", Role::Mark, Some(Token::Title)),
    row(Token::Key, "key", Role::Text, Some(Token::Title)),
    row(Token::Hint, "hint", Role::Text, Some(Token::Text)),
    row(Token::Mode, "mode", Role::Text, Some(Token::Muted)),
    row(Token::BarDone, "bar-done", Role::Mark, Some(Token::Success)),
    row(Token::BarFailed, "bar-failed", Role::Mark, Some(Token::Error)),
    row(Token::BarRunning, "bar-running", Role::Mark, Some(Token::Running)),
    row(Token::BarWaiting, "bar-waiting", Role::Mark, Some(Token::Rule)),
    row(Token::Dialog, "dialog", Role::Mark, Some(Token::Rule)),
    row(Token::Field, "field", Role::Text, Some(Token::Title)),
    row(Token::Notice, "notice", Role::Text, Some(Token::Title)),
    row(Token::Link, "link", Role::Text, Some(Token::Running)),
    row(Token::LogTime, "log-time", Role::Text, Some(Token::Muted)),
    row(Token::LogStderr, "log-stderr", Role::Text, Some(Token::Text)),
    row(Token::LogHeading, "log-heading", Role::Text, Some(Token::Title)),
    row(Token::LogGutter, "log-gutter", Role::Text, Some(Token::Muted)),
    row(Token::LogError, "log-error", Role::Text, Some(Token::Error)),
    row(Token::LogWarning, "log-warning", Role::Text, Some(Token::Warning)),
    row(Token::Heat1, "heat-1", Role::Behind, None),
    row(Token::Heat2, "heat-2", Role::Behind, None),
    row(Token::Heat3, "heat-3", Role::Behind, None),
    row(Token::Heat4, "heat-4", Role::Behind, None),
];

impl Token {
    /// How many there are.
    pub const COUNT: usize = TABLE.len();

    /// Iterates over all of them.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.token)
    }

    /// Returns the name that themes use.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Finds one by its name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.token)
    }

    /// Returns how well it has to be told from what is behind it.
    #[must_use]
    pub fn role(self) -> Role {
        self.row().role
    }

    /// Returns the token whose style it has where no theme states one.
    #[must_use]
    pub fn like(self) -> Option<Self> {
        self.row().like
    }

    /// Returns its position, for tables with a place for each.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    fn row(self) -> &'static Row {
        &TABLE[self.index()]
    }
}
