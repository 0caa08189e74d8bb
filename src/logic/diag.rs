//! Diagnostics about text that a person wrote: plain data for every face.
//!
//! Not here: drawing them (`faces/report.rs`), finding them (`playbook/`).

use super::playbook::source::Span;

/// How much a diagnostic stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    /// Returns the word that messages and JSON use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One problem of a file, with its place and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Kebab-case name; `sortie explain SLUG` tells more.
    pub slug: &'static str,
    pub severity: Severity,
    /// What is wrong, as a sentence about the user's things, names in backticks, no full stop.
    pub message: String,
    pub span: Span,
    /// What is wrong at the marked place, in a few words; may be empty.
    pub label: String,
    /// Further places that belong to the problem.
    pub related: Vec<(Span, String)>,
    /// The way out.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Returns an error at a place.
    pub fn error(slug: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            slug,
            severity: Severity::Error,
            message: message.into(),
            span,
            label: String::new(),
            related: Vec::new(),
            help: None,
        }
    }

    /// Returns a warning at a place.
    pub fn warning(slug: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(slug, span, message) }
    }

    /// Says what is wrong at the marked place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Names the way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Marks a further place.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }
}
