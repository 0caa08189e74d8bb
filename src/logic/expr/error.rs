//! What can be wrong with an expression, as data.
//!
//! Not here: where a file's line and column come from; offsets count bytes of the text that was
//! parsed. Start at [`ExprError`].

use std::fmt;

/// Slug of text that is not an expression.
pub const SYNTAX: &str = "expression-syntax";
/// Slug of an expression longer than the language allows.
pub const TOO_LONG: &str = "expression-too-long";
/// Slug of an expression nested deeper than the language allows.
pub const TOO_DEEP: &str = "expression-too-deep";
/// Slug of an expression whose values would need more memory than the scope allows.
pub const TOO_LARGE: &str = "expression-too-large";
/// Slug of a `${{` that has no `}}`.
pub const UNCLOSED: &str = "expression-unclosed";
/// Slug of a `${{ }}` with nothing in it.
pub const EMPTY: &str = "expression-empty";
/// Slug of a call of a function the language does not have.
pub const UNKNOWN_FUNCTION: &str = "unknown-function";
/// Slug of a context that is not available where the expression stands.
pub const UNKNOWN_CONTEXT: &str = "unknown-context";
/// Slug of a call with too few or too many arguments.
pub const WRONG_ARGUMENT_COUNT: &str = "wrong-argument-count";
/// Slug of a `format` text that cannot be followed.
pub const BAD_FORMAT: &str = "bad-format-text";
/// Slug of a text given to `fromJSON` that is not JSON.
pub const BAD_JSON: &str = "bad-json";
/// Slug of a `case` whose predicate is not a boolean.
pub const CASE_PREDICATE: &str = "case-needs-boolean";
/// Slug of a `hashFiles` whose digest the scope does not know yet.
pub const HASH_UNKNOWN: &str = "hash-not-known";

/// Bytes that a message shows on each side of the place in a long expression.
const AROUND: usize = 120;

/// In which of the three passes the error was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A piece of text is no token of the language.
    Lexing,
    /// The tokens, names or arguments do not make an expression.
    Parsing,
    /// The expression is well formed, but its values do not fit.
    Evaluation,
}

impl ErrorKind {
    /// Returns the word for it: `lexing`, `parsing` or `evaluation`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lexing => "lexing",
            Self::Parsing => "parsing",
            Self::Evaluation => "evaluation",
        }
    }
}

/// One error in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError {
    /// The stable name of the error, in kebab case.
    pub slug: &'static str,
    pub kind: ErrorKind,
    pub message: String,
    /// First byte of the offending part, counted in the parsed text.
    pub at: usize,
    /// Bytes of the offending part.
    pub len: usize,
    /// The patterns of a `hashFiles` call that the scope has no digest for yet. The caller makes
    /// the digest and evaluates again.
    pub wanted_hash: Option<Vec<String>>,
}

impl ExprError {
    /// Returns an error of an evaluation; the evaluator fills in where it happened.
    #[must_use]
    pub fn evaluation(slug: &'static str, message: impl Into<String>) -> Self {
        Self { slug, kind: ErrorKind::Evaluation, message: message.into(), at: 0, len: 0, wanted_hash: None }
    }

    /// Returns the error with which a scope says that a digest is not known yet.
    #[must_use]
    pub fn hash_not_known(patterns: &[String]) -> Self {
        let message = format!("the digest of `hashFiles({})` is not known here", patterns.join(", "));
        Self { wanted_hash: Some(patterns.to_vec()), ..Self::evaluation(HASH_UNKNOWN, message) }
    }

    /// Moves the place by a number of bytes, for an expression that stands inside a longer text.
    #[must_use]
    pub fn moved(mut self, by: usize) -> Self {
        self.at += by;
        self
    }

    /// Returns an error in the wording of the language: what, which text, where.
    pub(super) fn located(
        (slug, kind): (&'static str, ErrorKind),
        what: &str,
        text: &str,
        (at, end): (usize, usize),
    ) -> Self {
        // The language counts positions in UTF-16 units, from one.
        let position = text[..at].encode_utf16().count() + 1;
        let symbol = &text[at..end];
        let shown = &symbol[..symbol.floor_char_boundary(2 * AROUND)];
        let cut = if shown.len() < symbol.len() { "…" } else { "" };
        let whole = excerpt(text, at);
        let message =
            format!("{what}: '{shown}{cut}'. Located at position {position} within expression: {whole}");
        Self { slug, kind, message, at, len: end - at, wanted_hash: None }
    }
}

/// Returns the expression, cut around the place when it is too long for one message.
fn excerpt(text: &str, at: usize) -> String {
    if text.len() <= 2 * AROUND {
        return text.to_owned();
    }
    let from = text.floor_char_boundary(at.saturating_sub(AROUND));
    let to = text.ceil_char_boundary(at.saturating_add(AROUND).min(text.len()));
    let (before, after) = (if from > 0 { "…" } else { "" }, if to < text.len() { "…" } else { "" });
    format!("{before}{}{after}", &text[from..to])
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExprError {}
