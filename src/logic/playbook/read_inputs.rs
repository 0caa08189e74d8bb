//! Inputs, secrets, variables, environments and requirements.
//!
//! Not here: the playbook as a whole (`read_playbook.rs`). Start with `Reader::inputs`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::contexts::Spot;
use super::decode::{Reader, scalar_value};
use super::keys::Place;
use super::model::{Comparison, Env, Input, InputKind, Requires, Secret, SecretFrom, Tool};
use super::scalar::{self, Core};
use super::source::Span;
use super::tree::NodeId;
use crate::logic::diag::Diagnostic;
use crate::logic::text::listed_names;
use crate::logic::value::Value;

/// Words of `type` of an input.
pub const KINDS: &[(&str, u8)] = &[("string", 0), ("number", 1), ("boolean", 2), ("choice", 3), ("json", 4)];
/// Words of `platforms`.
pub(super) const PLATFORMS: [&str; 2] = ["linux", "macos"];
/// Places that a secret can come from.
pub(super) const SOURCES: [&str; 3] = ["env", "file", "command"];

impl Reader<'_> {
    /// Reads `inputs`.
    pub(super) fn inputs(&mut self, id: NodeId) -> Vec<Input> {
        let mut inputs: Vec<Input> = Vec::new();
        let mut known: HashMap<String, Span> = HashMap::new();
        for (name, span, value) in self.members(id, "a map of inputs") {
            if !self.check_id(name, span, "an input") {
                continue;
            }
            if let Some(first) = known.insert(name.to_ascii_lowercase(), span) {
                self.duplicate("input", name, span, first);
                continue;
            }
            let input = self.input(name, span, value);
            let free = matches!(input.kind, InputKind::String { .. } | InputKind::Json);
            self.known.inputs.insert(name.to_ascii_lowercase(), (name.to_owned(), free));
            inputs.push(input);
        }
        inputs
    }

    /// Reports a second name that differs at most in case.
    pub(super) fn duplicate(&mut self, what: &str, name: &str, span: Span, first: Span) {
        self.report(
            Diagnostic::error("duplicate-id", span, format!("there are two {what}s with the name `{name}`"))
                .label("second one")
                .also(first, "first one")
                .help("names are the same if they differ only in upper and lower case"),
        );
    }

    fn input(&mut self, name: &str, span: Span, id: NodeId) -> Input {
        let mut input = Input {
            name: Arc::from(name),
            span,
            description: None,
            kind: InputKind::String { pattern: None },
            required: false,
            default: None,
        };
        if self.is_null(id) {
            return input;
        }
        let Some(fields) = self.fields(id, Place::Input) else { return input };
        let kind = fields.get("type").map_or(Some(0), |id| self.word(id, KINDS));
        let options = fields.get("options").map(|id| self.options(id));
        let pattern = fields.get("pattern").and_then(|id| self.pattern(id));
        input.required = fields.get("required").and_then(|id| self.boolean(id)).unwrap_or(false);
        input.description = fields.get("description").and_then(|id| self.text(id, "text")).map(str::to_owned);
        let Some(kind) = kind else { return input };
        if let (Some(field), true) = (fields.field("options"), kind != 3) {
            self.report(
                Diagnostic::error(
                    "input-options",
                    field.key,
                    format!("input `{name}` has options, but is no choice"),
                )
                .help("write `type: choice`"),
            );
        }
        if let (Some(field), true) = (fields.field("pattern"), kind != 0) {
            self.report(
                Diagnostic::error(
                    "input-pattern",
                    field.key,
                    format!("input `{name}` has a pattern, but is no text"),
                )
                .help("only inputs with `type: string` have a pattern"),
            );
        }
        input.kind = match kind {
            1 => InputKind::Number,
            2 => InputKind::Boolean,
            3 => {
                if options.is_none() {
                    let place = fields.field("type").map_or(span, |field| self.span(field.value));
                    self.report(
                        Diagnostic::error(
                            "input-options",
                            place,
                            format!("input `{name}` is a choice without options"),
                        )
                        .help("add `options` with a list of words"),
                    );
                }
                InputKind::Choice { options: options.unwrap_or_default() }
            }
            4 => InputKind::Json,
            _ => InputKind::String { pattern },
        };
        if let Some(default) = fields.get("default") {
            input.default = self.default_value(name, &input.kind, default);
        }
        input
    }

    fn options(&mut self, id: NodeId) -> Vec<String> {
        let mut options: Vec<String> = Vec::new();
        let mut known: HashSet<&str> = HashSet::new();
        for item in self.items(id, "a list of words") {
            let Some(text) = self.text(*item, "a word") else { continue };
            if !known.insert(text) {
                let span = self.span(*item);
                self.report(Diagnostic::error(
                    "input-options",
                    span,
                    format!("the option `{text}` stands twice in the list"),
                ));
            } else {
                options.push(text.to_owned());
            }
        }
        if options.is_empty() {
            let span = self.span(id);
            self.report(Diagnostic::error("input-options", span, "a choice needs at least one option"));
        }
        options
    }

    fn pattern(&mut self, id: NodeId) -> Option<String> {
        let pattern = self.text(id, "a regular expression")?;
        if let Err(fault) = whole(pattern) {
            let span = self.span(id);
            self.report(Diagnostic::error(
                "input-pattern",
                span,
                format!("this is no regular expression: {fault}"),
            ));
            return None;
        }
        Some(pattern.to_owned())
    }

    /// Checks that a default is of the input's type.
    fn default_value(&mut self, name: &str, kind: &InputKind, id: NodeId) -> Option<Value> {
        let core = self.scalar(id).map(|scalar| (scalar::resolve(scalar), &scalar.text));
        let expected = match (kind, core) {
            (InputKind::Json, _) => return Some(self.value(id)),
            (_, Some((Core::Null, _))) => return None,
            (InputKind::String { pattern }, Some((_, text))) => {
                match pattern.as_deref().map(|pattern| (pattern, whole(pattern))) {
                    Some((pattern, Ok(regex))) if !regex.is_match(text) => {
                        format!("text that matches `{pattern}`")
                    }
                    _ => return Some(Value::string(&**text)),
                }
            }
            (InputKind::Boolean, Some((Core::Bool(value), _))) => return Some(Value::Bool(value)),
            (InputKind::Number, Some((Core::Int(_) | Core::Float(_), _))) => return Some(self.value(id)),
            (InputKind::Choice { options }, Some((_, text))) => {
                if options.is_empty() || options.iter().any(|option| option == &**text) {
                    return Some(Value::string(&**text));
                }
                listed_names(options, "or")
            }
            (InputKind::Boolean, _) => "`true` or `false`".to_owned(),
            (InputKind::Number, _) => "a number".to_owned(),
            (InputKind::String { .. }, None) => "text".to_owned(),
            (InputKind::Choice { options }, None) => listed_names(options, "or"),
        };
        let (span, found) = (self.span(id), self.found_words(id));
        self.report(
            Diagnostic::error(
                "input-default",
                span,
                format!(
                    "the default of input `{name}` does not fit its type: expected {expected}, found {found}"
                ),
            )
            .help("change the default or the type"),
        );
        None
    }

    /// Reads `secrets`.
    pub(super) fn secrets(&mut self, id: NodeId) -> Vec<Secret> {
        let mut secrets: Vec<Secret> = Vec::new();
        let mut known: HashMap<String, Span> = HashMap::new();
        for (name, span, value) in self.members(id, "a map of secrets") {
            if !self.check_id(name, span, "a secret") {
                continue;
            }
            if let Some(first) = known.insert(name.to_ascii_lowercase(), span) {
                self.duplicate("secret", name, span, first);
                continue;
            }
            self.known.secrets.insert(name.to_ascii_lowercase(), name.to_owned());
            let mut secret = Secret {
                name: Arc::from(name),
                span,
                required: false,
                from: SecretFrom::Env(name.to_owned()),
            };
            if !self.is_null(value)
                && let Some(fields) = self.fields(value, Place::Secret)
            {
                secret.required = fields.get("required").and_then(|id| self.boolean(id)).unwrap_or(false);
                if let Some(description) = fields.get("description") {
                    self.text(description, "text");
                }
                if let Some(from) = fields.get("from").and_then(|id| self.secret_from(id)) {
                    secret.from = from;
                }
            }
            secrets.push(secret);
        }
        secrets
    }

    fn secret_from(&mut self, id: NodeId) -> Option<SecretFrom> {
        let before = self.found.len();
        let fields = self.fields(id, Place::SecretFrom)?;
        let mut sources = Vec::new();
        for key in SOURCES {
            if let Some(value) = fields.get(key) {
                sources.push((key, value));
            }
        }
        let &[(key, value)] = sources.as_slice() else {
            // A source that is not there yet has been reported already.
            if self.found.len() == before {
                let span = self.span(id);
                self.report(
                    Diagnostic::error("secret-source", span, "a secret comes from exactly one place")
                        .help("write one of `env`, `file` and `command`"),
                );
            }
            return None;
        };
        let text = self.text(value, "text")?.to_owned();
        Some(match key {
            "env" => SecretFrom::Env(text),
            "file" => SecretFrom::File(text),
            _ => SecretFrom::Command(text),
        })
    }

    /// Reads `vars`, whose values keep their kind.
    pub(super) fn vars(&mut self, id: NodeId) -> Vec<(Arc<str>, Value)> {
        let mut vars: Vec<(Arc<str>, Value)> = Vec::new();
        for (name, span, value) in self.members(id, "a map of values") {
            if !self.check_id(name, span, "a variable") {
                continue;
            }
            match self.scalar(value) {
                Some(scalar) => vars.push((Arc::from(name), scalar_value(scalar))),
                None => self.wrong(value, "text, a number, or `true` or `false`"),
            }
        }
        vars
    }

    /// Reads an `env`.
    pub(super) fn env(&mut self, id: NodeId, spot: Spot) -> Env {
        let mut env: Env = Vec::new();
        for (name, span, value) in self.members(id, "a map of names and text") {
            if name.is_empty() || name.contains(['=', '\0']) {
                self.report(
                    Diagnostic::error(
                        "bad-id",
                        span,
                        format!(
                            "`{}` cannot be the name of an environment variable",
                            name.replace('\0', "�")
                        ),
                    )
                    .help("a name is not empty and has no `=` in it"),
                );
                continue;
            }
            if let Some(text) = self.env_text(value, spot) {
                env.push((Arc::from(name), text));
            }
        }
        env
    }

    /// Reads `requires`.
    pub(super) fn requires(&mut self, id: NodeId) -> Requires {
        let mut requires = Requires::default();
        let Some(fields) = self.fields(id, Place::Requires) else { return requires };
        if let Some(tools) = fields.get("tools") {
            for (text, span) in self.texts(tools, "a program such as `git` or `git >= 2.30`") {
                match tool(text, span) {
                    Some(tool) => requires.tools.push(tool),
                    None => self.report(
                        Diagnostic::error("bad-requirement", span, format!("expected a program such as `git` or `git >= 2.30`, found `{text}`"))
                            .help("comparisons are `<`, `<=`, `==`, `!=`, `>=` and `>`, and a version is made of numbers and dots"),
                    ),
                }
            }
        }
        if let Some(platforms) = fields.get("platforms") {
            for (text, span) in self.texts(platforms, "`linux` or `macos`") {
                if PLATFORMS.contains(&text) {
                    requires.platforms.push((text.to_owned(), span));
                } else {
                    self.report(Diagnostic::error(
                        "unknown-value",
                        span,
                        format!("expected `linux` or `macos`, found `{text}`"),
                    ));
                }
            }
        }
        if let Some(env) = fields.get("env") {
            for (text, span) in self.texts(env, "a list of names") {
                requires.env.push((text.to_owned(), span));
            }
        }
        requires
    }
}

/// Reads a requirement such as `git >= 2.30`.
fn tool(text: &str, span: Span) -> Option<Tool> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_whitespace() || "<>=!".contains(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let rest = rest.trim();
    if name.is_empty() {
        return None;
    }
    if rest.is_empty() {
        return Some(Tool { name: name.to_owned(), version: None, span });
    }
    let signs = [
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
        ("=", Comparison::Equal),
    ];
    let (comparison, version) =
        signs.iter().find_map(|(sign, comparison)| Some((*comparison, rest.strip_prefix(sign)?.trim())))?;
    let fits = version.starts_with(|c: char| c.is_ascii_digit())
        && version.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    fits.then(|| Tool { name: name.to_owned(), version: Some((comparison, version.to_owned())), span })
}

/// Reads a regular expression that the whole value has to match.
fn whole(pattern: &str) -> Result<regex_lite::Regex, regex_lite::Error> {
    regex_lite::Regex::new(&format!("^(?:{pattern})$"))
}
