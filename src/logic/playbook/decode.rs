//! Decoding of simple values, with every fault kept and reading going on.
//!
//! Not here: what keys mean (`read_*.rs`), expressions (`expressions.rs`). Start with `Reader` and `fields`.

use std::sync::Arc;
use std::time::Duration;

use super::expressions::Known;
use super::keys::{self, Place, Status};
use super::offsets::Pair;
use super::scalar::{self, Core};
use super::scripts::Library;
use super::source::{Source, Span};
use super::tree::{Kind, NodeId, Scalar, Tree};
use crate::logic::diag::Diagnostic;
use crate::logic::text::{self, DurationError};
use crate::logic::value::{Object, Value};

/// Longest id of a stage, step, input or secret, in characters.
pub(super) const ID_LIMIT: usize = 100;

/// Walks a tree and keeps what it finds wrong.
pub(super) struct Reader<'t> {
    pub tree: &'t Tree<'t>,
    pub source: &'t Source,
    pub found: Vec<Diagnostic>,
    /// What else has to be read first, by its path from the project's folder.
    pub missing: Vec<Arc<str>>,
    /// All scripts of the project, once somebody asked for one.
    pub library: Option<Arc<Library>>,
    /// The last scalar in which a fault was placed, and how far it was walked through.
    pub walked: (Option<NodeId>, Pair),
    /// How many more times a misspelt name is compared with all others.
    pub guesses: usize,
    /// What expressions may refer to where the reader stands.
    pub known: Known<'t>,
}

/// A known key of a map, with its value.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub name: &'static str,
    pub key: Span,
    pub value: NodeId,
}

/// The known keys of one map.
pub(super) struct Fields(Vec<Field>);

impl Fields {
    /// Returns the value of a key.
    pub(super) fn get(&self, name: &str) -> Option<NodeId> {
        self.field(name).map(|field| field.value)
    }

    /// Returns a key with its place and value.
    pub(super) fn field(&self, name: &str) -> Option<Field> {
        self.0.iter().copied().find(|field| field.name == name)
    }
}

impl<'t> Reader<'t> {
    /// Keeps a problem.
    pub(super) fn report(&mut self, problem: Diagnostic) {
        self.found.push(problem);
    }

    /// Returns where a value stands; a map or list over several lines is shown by its first line.
    pub(super) fn span(&self, id: NodeId) -> Span {
        let node = self.tree.node(id);
        let span = node.span;
        if matches!(node.kind, Kind::Scalar(_)) {
            return span;
        }
        let text = self.source.text.get(span.start as usize..span.end as usize).unwrap_or("");
        let line = text.split(['\n', '\r']).next().unwrap_or("").trim_end();
        Span { start: span.start, end: span.start + u32::try_from(line.len()).unwrap_or(0) }
    }

    /// Returns the scalar at a place, if it is one.
    pub(super) fn scalar(&self, id: NodeId) -> Option<&'t Scalar<'t>> {
        match &self.tree.node(id).kind {
            Kind::Scalar(scalar) => Some(scalar),
            Kind::Seq(_) | Kind::Map(_) => None,
        }
    }

    /// Says whether nothing is written at a place.
    pub(super) fn is_null(&self, id: NodeId) -> bool {
        self.scalar(id).is_some_and(|scalar| scalar::resolve(scalar) == Core::Null)
    }

    /// Reports a value of the wrong kind: "expected a duration such as `30s`, found `fast`".
    pub(super) fn wrong(&mut self, id: NodeId, expected: &str) {
        self.wrong_but(id, expected, None);
    }

    /// As [`Self::wrong`], with a way out where what is expected does not say it all.
    pub(super) fn wrong_but(&mut self, id: NodeId, expected: &str, help: Option<String>) {
        let found = self.found_words(id);
        let span = self.span(id);
        let mut problem =
            Diagnostic::error("wrong-type", span, format!("expected {expected}, found {found}"));
        problem.help = help;
        self.report(problem);
    }

    /// Returns a value as messages name it.
    pub(super) fn found_words(&self, id: NodeId) -> String {
        match &self.tree.node(id).kind {
            Kind::Seq(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
            Kind::Scalar(scalar) => match scalar::resolve(scalar) {
                Core::Null => "nothing".to_owned(),
                Core::Text("") => "empty text".to_owned(),
                Core::Text(_) | Core::Bool(_) | Core::Int(_) | Core::Float(_) => {
                    format!("`{}`", text::shortened(&scalar.text, 40))
                }
            },
        }
    }

    /// Returns the known keys of a map and reports all others. Without a map there is nothing to read.
    pub(super) fn fields(&mut self, id: NodeId, place: Place) -> Option<Fields> {
        let Kind::Map(entries) = &self.tree.node(id).kind else {
            self.wrong_but(id, &format!("the keys of {}", place.words()), keys::outline(place));
            return None;
        };
        let mut fields = Vec::with_capacity(entries.len());
        for entry in entries {
            let name = self.tree.key(*entry);
            let key = self.tree.node(entry.key).span;
            match keys::find(place, name) {
                Some(row) if row.status == Status::Honoured => {
                    fields.push(Field { name: row.name, key, value: entry.value });
                }
                Some(row) => self.not_yet(key, &format!("the key `{}` of {}", row.name, place.words())),
                None if name.starts_with("x-") => {}
                None => self.unknown_key(key, name, place),
            }
        }
        Some(Fields(fields))
    }

    fn unknown_key(&mut self, key: Span, name: &str, place: Place) {
        let shown = text::shortened(name, 40);
        let mut problem =
            Diagnostic::error("unknown-key", key, format!("{} has no key `{shown}`", place.words()));
        problem.help = keys::advice(place, name);
        self.report(problem);
    }

    /// Refuses what is known but not carried out so far.
    pub(super) fn not_yet(&mut self, span: Span, what: &str) {
        self.report(
            Diagnostic::error("not-yet", span, format!("{what} is not supported yet"))
                .help("remove it for now; `sortie explain keys` says what works today"),
        );
    }

    /// Reports a key that has to be there.
    pub(super) fn missing(&mut self, span: Span, what: &str, key: &str, help: &str) {
        self.report(
            Diagnostic::error("missing-key", span, format!("{what} needs the key `{key}`"))
                .help(help.to_owned()),
        );
    }

    /// Returns the members of a map whose keys are free.
    pub(super) fn members(&mut self, id: NodeId, expected: &str) -> Vec<(&'t str, Span, NodeId)> {
        match &self.tree.node(id).kind {
            Kind::Map(entries) => entries
                .iter()
                .map(|entry| (self.tree.key(*entry), self.tree.node(entry.key).span, entry.value))
                .collect(),
            _ if self.is_null(id) => Vec::new(),
            _ => {
                self.wrong(id, expected);
                Vec::new()
            }
        }
    }

    /// Returns the items of a list.
    pub(super) fn items(&mut self, id: NodeId, expected: &str) -> &'t [NodeId] {
        match &self.tree.node(id).kind {
            Kind::Seq(items) => items,
            _ if self.is_null(id) => &[],
            _ => {
                self.wrong(id, expected);
                &[]
            }
        }
    }

    /// Returns text as it was written; numbers and booleans count as their own text.
    pub(super) fn text(&mut self, id: NodeId, expected: &str) -> Option<&'t str> {
        match self.scalar(id) {
            Some(scalar) if scalar::resolve(scalar) != Core::Null => Some(&scalar.text),
            _ => {
                self.wrong(id, expected);
                None
            }
        }
    }

    /// Returns texts that are written as a list, or a single one without it.
    pub(super) fn texts(&mut self, id: NodeId, expected: &str) -> Vec<(&'t str, Span)> {
        let single = [id];
        let items: &[NodeId] = match &self.tree.node(id).kind {
            Kind::Seq(items) => items,
            Kind::Scalar(_) => &single,
            Kind::Map(_) => {
                self.wrong(id, expected);
                return Vec::new();
            }
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            if let Some(text) = self.text(*item, expected) {
                texts.push((text, self.span(*item)));
            }
        }
        texts
    }

    /// Returns a boolean.
    pub(super) fn boolean(&mut self, id: NodeId) -> Option<bool> {
        if let Some(Core::Bool(value)) = self.scalar(id).map(scalar::resolve) {
            return Some(value);
        }
        self.wrong(id, "`true` or `false`");
        None
    }

    /// Returns a whole number between two bounds, both included.
    pub(super) fn whole(&mut self, id: NodeId, least: i64, most: i64) -> Option<i64> {
        let range = if most >= i64::from(i32::MAX) {
            format!("a whole number from {least}")
        } else {
            format!("a whole number from {least} to {most}")
        };
        match self.scalar(id).map(scalar::resolve) {
            Some(Core::Int(value)) if (least..=most).contains(&value) => Some(value),
            Some(Core::Int(_) | Core::Float(_)) => {
                let found = self.found_words(id);
                let span = self.span(id);
                self.report(Diagnostic::error(
                    "bad-number",
                    span,
                    format!("expected {range}, found {found}"),
                ));
                None
            }
            _ => {
                self.wrong(id, &range);
                None
            }
        }
    }

    /// Returns a positive count.
    pub(super) fn count(&mut self, id: NodeId, most: u32) -> Option<u32> {
        self.whole(id, 1, i64::from(most)).and_then(|value| u32::try_from(value).ok())
    }

    /// Returns a number between two bounds, both included.
    pub(super) fn number(&mut self, id: NodeId, least: f64, most: f64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "numbers beyond 2^53 are out of all bounds here")]
        let value = match self.scalar(id).map(scalar::resolve) {
            Some(Core::Int(value)) => value as f64,
            Some(Core::Float(value)) => value,
            _ => {
                self.wrong(id, &format!("a number from {least} to {most}"));
                return None;
            }
        };
        if (least..=most).contains(&value) {
            return Some(value);
        }
        let found = self.found_words(id);
        let span = self.span(id);
        self.report(Diagnostic::error(
            "bad-number",
            span,
            format!("expected a number from {least} to {most}, found {found}"),
        ));
        None
    }

    /// Returns a duration.
    pub(super) fn duration(&mut self, id: NodeId) -> Option<Duration> {
        const EXPECTED: &str = "a duration such as `30s` or `5m`";
        let Some(scalar) = self.scalar(id) else {
            self.wrong(id, EXPECTED);
            return None;
        };
        let error = match text::parse_duration(&scalar.text) {
            Ok(duration) => return Some(duration),
            Err(error) => error,
        };
        let found = self.found_words(id);
        let span = self.span(id);
        let number = scalar.text.trim();
        let problem = match error {
            DurationError::NoUnit => {
                Diagnostic::error("bad-duration", span, format!("a duration needs a unit, found {found}"))
                    .help(format!("write `{number}s` or `{number}m`"))
            }
            DurationError::Zero => Diagnostic::error(
                "bad-duration",
                span,
                format!("a duration has to be more than nothing, found {found}"),
            )
            .help("leave the key out if there is no limit"),
            DurationError::Negative => Diagnostic::error(
                "bad-duration",
                span,
                format!("a duration cannot be negative, found {found}"),
            ),
            DurationError::TooLong => Diagnostic::error(
                "bad-duration",
                span,
                format!("a duration of more than a hundred years, found {found}"),
            )
            .help("leave the key out if there is no limit"),
            DurationError::Malformed if scalar.text.contains("${{") => {
                Diagnostic::error("bad-duration", span, "a duration cannot be an expression")
                    .help("write it out, such as `30s` or `5m`")
            }
            DurationError::Malformed => {
                Diagnostic::error("bad-duration", span, format!("expected {EXPECTED}, found {found}"))
                    .help("units are `ms`, `s`, `m`, `h` and `d`, as in `1h30m`")
            }
        };
        self.report(problem);
        None
    }

    /// Returns a size in bytes.
    pub(super) fn size(&mut self, id: NodeId) -> Option<u64> {
        let size = self.scalar(id).and_then(|scalar| text::parse_size(&scalar.text));
        if size.is_none() {
            let found = self.found_words(id);
            let span = self.span(id);
            self.report(
                Diagnostic::error(
                    "bad-size",
                    span,
                    format!("expected a size such as `10MiB`, found {found}"),
                )
                .help(
                    "units are `KiB`, `MiB`, `GiB`, `KB`, `MB` and `GB`; a number without one counts bytes",
                ),
            );
        }
        size
    }

    /// Returns one of a few words.
    pub(super) fn word<T: Copy>(&mut self, id: NodeId, words: &[(&'static str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let expected = text::listed_names(&names, "or");
        let text = self.text(id, &expected)?;
        if let Some((_, value)) = words.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let span = self.span(id);
        let mut problem = Diagnostic::error(
            "unknown-value",
            span,
            format!("expected {expected}, found {}", self.found_words(id)),
        );
        if let Some(near) = text::near_miss(text, names) {
            problem = problem.help(format!("did you mean `{near}`?"));
        }
        self.report(problem);
        None
    }

    /// Checks an id: a letter or `_`, then letters, digits, `_` and `-`. `what` is "a stage" or the like.
    pub(super) fn check_id(&mut self, id: &str, span: Span, what: &str) -> bool {
        let Some(problem) = name_problem(id, what) else { return true };
        self.report(Diagnostic::error("bad-id", span, problem).help(NAME_HELP));
        false
    }

    /// Turns a value of the file into one of the expression language.
    pub(super) fn value(&self, id: NodeId) -> Value {
        match &self.tree.node(id).kind {
            Kind::Scalar(scalar) => scalar_value(scalar),
            Kind::Seq(items) => Value::array(items.iter().map(|item| self.value(*item)).collect()),
            Kind::Map(entries) => {
                let members = entries.iter().map(|entry| (self.tree.key(*entry), self.value(entry.value)));
                Value::object(members.collect::<Object>())
            }
        }
    }
}

/// The way out for whoever chose a name that cannot be.
pub const NAME_HELP: &str =
    "a name begins with a letter or `_` and goes on with letters, digits, `_` and `-`";

/// Says why a text cannot be a name that expressions and addresses use: a letter or `_`, then letters, digits, `_` and `-`.
/// `what` is "a stage" or the like.
#[must_use]
pub fn name_problem(name: &str, what: &str) -> Option<String> {
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let goes_on = letters.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let shown = text::shortened(name, 40);
    if name.len() > ID_LIMIT {
        Some(format!("the name of {what} is longer than {ID_LIMIT} characters"))
    } else if name.starts_with("__") {
        Some(format!(
            "`{shown}` cannot be the name of {what}, because names that begin with `__` are reserved"
        ))
    } else if begins && goes_on {
        None
    } else {
        Some(format!("`{shown}` cannot be the name of {what}"))
    }
}

/// Turns a scalar of the file into a value of the expression language.
pub(super) fn scalar_value(scalar: &Scalar<'_>) -> Value {
    match scalar::resolve(scalar) {
        Core::Null => Value::Null,
        Core::Bool(value) => Value::Bool(value),
        #[expect(clippy::cast_precision_loss, reason = "the language's numbers are doubles")]
        Core::Int(value) => Value::Number(value as f64),
        Core::Float(value) => Value::Number(value),
        Core::Text(text) => Value::String(Arc::from(text)),
    }
}

/// Returns the name that was meant; comparing with all names is dear, so it is done a limited number of times.
pub(super) fn meant<'a>(
    guesses: &mut usize,
    word: &str,
    names: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    *guesses = guesses.checked_sub(1)?;
    text::near_miss(word, names)
}
