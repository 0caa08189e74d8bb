//! Text with `${{ }}` and conditions: parsed, and checked against what they may refer to.
//!
//! Not here: the language itself (`logic/expr`), which context is available where (`contexts.rs`), members of
//! contexts (`members.rs`). Start with `Reader::template` and `Reader::condition`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::call::CallRead;
use super::contexts::{self, Spot};
use super::decode::Reader;
use super::model::{If, Text};
use super::offsets::{self, Pair};
use super::scalar::{self, Core};
use super::source::Span;
use super::tree::NodeId;
use crate::logic::diag::Diagnostic;
use crate::logic::expr::{Condition, ContextUse, Expr, ExprError, Template, functions, parse_condition};
use crate::logic::text::{self, near_miss};

/// What expressions may refer to where the reader stands. Names are in lower case, as the language does not
/// tell cases apart.
#[derive(Default)]
pub(super) struct Known<'t> {
    /// Declared inputs as written; `true` for those whose text is anybody's guess.
    pub inputs: HashMap<String, (String, bool)>,
    /// Declared secrets as written.
    pub secrets: HashMap<String, String>,
    /// All stages with their nodes.
    pub stages: HashMap<String, (&'t str, NodeId)>,
    /// The stage that is read.
    pub stage: &'t str,
    pub needs: HashSet<String>,
    /// Stages whose outputs the stage reads.
    pub reads: BTreeSet<&'t str>,
    /// An output of a stage that calls which the expression reads that is looked at, and all of those with their places.
    pub read_of_call: Option<(&'t str, String)>,
    pub reads_of_calls: Vec<CallRead>,
    pub matrix: MatrixKeys,
    /// Whether values of the matrix are only known when the job runs.
    pub matrix_from_outside: bool,
    /// Ids of steps that come before.
    pub steps: HashSet<String>,
    /// Ids of all steps of the stage, found when first asked for.
    pub all_steps: Option<Vec<&'t str>>,
    /// The list of steps of the stage.
    pub steps_node: Option<NodeId>,
    /// Names of the inputs of the stage's gate, `true` for those whose text is anybody's guess; nothing if it has none.
    pub gate: Option<Vec<(String, bool)>>,
    /// Names of the stage's services, with the names of their ports.
    pub services: Vec<(&'t str, Vec<String>)>,
    /// Whether the file is an action, which knows only what it is given.
    pub is_action: bool,
    /// Whether the reader is inside `rescue` or `always`.
    pub in_rescue: bool,
}

/// Which members the context `matrix` has.
#[derive(Default)]
pub(super) enum MatrixKeys {
    /// The stage has no matrix.
    #[default]
    None,
    /// Known before start.
    Fixed(Vec<String>),
    /// Only known when the job runs.
    Computed,
}

impl Reader<'_> {
    /// Reads text that may hold expressions; `expected` says what it is.
    pub(super) fn template(&mut self, id: NodeId, spot: Spot, expected: &str) -> Option<Text> {
        let text = self.text(id, expected)?;
        self.template_of(id, text, spot)
    }

    /// Reads a value of an environment: any scalar as it is written, nothing as empty text.
    pub(super) fn env_text(&mut self, id: NodeId, spot: Spot) -> Option<Text> {
        match self.scalar(id) {
            Some(scalar) if scalar::resolve(scalar) == Core::Null => {
                Some(Text { template: Template::literal(""), span: self.span(id) })
            }
            Some(scalar) => self.template_of(id, &scalar.text, spot),
            None => {
                self.wrong(id, "text");
                None
            }
        }
    }

    fn template_of(&mut self, id: NodeId, text: &str, spot: Spot) -> Option<Text> {
        let span = self.tree.node(id).span;
        if !text.contains("${{") {
            return Some(Text { template: Template::literal(text), span });
        }
        match Template::parse(text) {
            Ok(template) => {
                for part in template.exprs() {
                    self.check_expression(id, &part.expr, part.at, spot);
                }
                Some(Text { template, span })
            }
            Err(error) => {
                self.expression_error(id, &error);
                None
            }
        }
    }

    /// Reads an `if`, in which `success() &&` is understood unless a status function occurs.
    pub(super) fn condition(&mut self, id: NodeId, spot: Spot) -> Option<If> {
        self.any_condition(id, spot, true)
    }

    /// Reads a condition in which nothing is understood, such as `continue-on-error`.
    pub(super) fn bare_condition(&mut self, id: NodeId, spot: Spot) -> Option<If> {
        self.any_condition(id, spot, false)
    }

    fn any_condition(&mut self, id: NodeId, spot: Spot, status: bool) -> Option<If> {
        let text = self.text(id, "a condition")?;
        let span = self.tree.node(id).span;
        match parse_condition(text) {
            Ok(condition) => {
                if condition.always_true_text {
                    self.report(
                        Diagnostic::warning(
                            "constant-if",
                            span,
                            "this condition is always true, because there is text around its `${{ }}`",
                        )
                        .help("put the whole condition inside of `${{ }}`, or leave `${{ }}` out"),
                    );
                }
                for part in condition.exprs() {
                    self.check_expression(id, &part.expr, part.at, spot);
                }
                let condition = if status || !condition.needs_success() {
                    condition
                } else {
                    without_success(text, condition)
                };
                Some(If { condition, span, source: Arc::from(text.trim()) })
            }
            Err(error) => {
                self.expression_error(id, &error);
                None
            }
        }
    }

    /// Returns the place of a part of a scalar's value.
    fn span_within(&mut self, id: NodeId, at: usize, len: usize) -> Span {
        let span = self.tree.node(id).span;
        let Some(scalar) = self.scalar(id) else { return span };
        // A file that is wrong a thousand times is told roughly where.
        if self.found.len() > super::FOUND_LIMIT {
            return span;
        }
        let Some(source) = self.source.text.get(span.start as usize..span.end as usize) else { return span };
        let (walked, mut pair) = self.walked;
        if walked != Some(id) {
            pair = Pair::default();
        }
        let start = offsets::in_source(source, &scalar.text, scalar.style, at, &mut pair);
        let end = offsets::in_source(source, &scalar.text, scalar.style, at + len, &mut pair);
        self.walked = (Some(id), pair);
        let offset = |within: usize| span.start + u32::try_from(within).unwrap_or(0);
        Span { start: offset(start), end: offset(end.max(start)) }
    }

    fn expression_error(&mut self, id: NodeId, error: &ExprError) {
        let span = self.span_within(id, error.at, error.len);
        // The language counts positions within the expression; the place in the file says it better.
        let what = error.message.split(". Located at").next().unwrap_or("");
        let mut letters = what.chars();
        let message: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_lowercase)
            .chain(letters)
            .map(|c| if c == '\'' { '`' } else { c })
            .collect();
        let text = self.scalar(id).map_or("", |scalar| &scalar.text);
        let part = text.get(error.at..error.at + error.len).unwrap_or("");
        let message =
            if error.slug == "unknown-function" { format!("there is no function `{part}`") } else { message };
        let mut problem = Diagnostic::error(error.slug, span, message);
        problem.help = match error.slug {
            "unknown-function" => {
                Some(match near_miss(part, functions::TABLE.iter().map(|function| function.name)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the functions are {}", functions::names()),
                })
            }
            "expression-unclosed" => Some("close it with `}}`".to_owned()),
            "expression-empty" => Some("write an expression between `${{` and `}}`".to_owned()),
            _ if part.starts_with('"') => Some("text in expressions stands in single quotes".to_owned()),
            _ if part.starts_with('=') => Some("`==` compares".to_owned()),
            _ if matches!(part.chars().next(), Some('+' | '-' | '*' | '/' | '%')) => {
                Some("the language has no arithmetic; calculate in a step and use its output".to_owned())
            }
            _ => None,
        };
        self.report(problem);
    }

    fn check_expression(&mut self, id: NodeId, expr: &Expr, offset: usize, spot: Spot) {
        for call in expr.functions() {
            let status = matches!(
                call.name.to_ascii_lowercase().as_str(),
                "success" | "failure" | "cancelled" | "always"
            );
            let refused = (status && !spot.has_status())
                || (call.name.eq_ignore_ascii_case("hashFiles") && !spot.has_hash());
            if refused {
                let help = if status {
                    "the functions `success`, `failure`, `cancelled` and `always` belong into an `if`"
                } else {
                    "`hashFiles` belongs into steps"
                };
                let message = format!("the function `{}` cannot be used in {}", call.name, spot.words());
                let span = self.span_within(id, offset + call.at, call.len);
                self.report(Diagnostic::error("function-not-here", span, message).help(help));
            }
        }
        for used in expr.contexts() {
            self.check_context(id, &used, offset, spot);
        }
    }

    fn check_context(&mut self, id: NodeId, used: &ContextUse, offset: usize, spot: Spot) {
        // The place costs a walk through the text, so only what is wrong is placed, or may be.
        if let Some(mut problem) = self.context_fault(used, spot) {
            problem.span = self.span_within(id, offset + used.at, used.len);
            self.report(problem);
        }
        if let Some((stage, output)) = self.known.read_of_call.take() {
            let span = self.span_within(id, offset + used.at, used.len);
            self.known.reads_of_calls.push(CallRead {
                stage: Arc::from(stage),
                output: Arc::from(output),
                span,
            });
        }
    }

    /// Returns what is wrong with the use of a context, without its place.
    fn context_fault(&mut self, used: &ContextUse, spot: Spot) -> Option<Diagnostic> {
        let nowhere = Span::default();
        let name = used.name.as_str();
        if !contexts::ALL.contains(&name) {
            let problem =
                Diagnostic::error("unknown-context", nowhere, format!("there is no context `{name}`"));
            return Some(problem.help(match near_miss(name, contexts::ALL.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    let available = text::listed_names(spot.contexts(), "and");
                    format!("available here: {available}; text stands in single quotes")
                }
            }));
        }
        if !spot.contexts().contains(&name) {
            let mut message = format!("the context `{name}` is not available in {}", spot.words());
            if name == "secrets" && matches!(spot, Spot::StepIf | Spot::StageIf | Spot::StepName) {
                message.push_str(", because it would show the secret");
            }
            let available = text::listed_names(spot.contexts(), "and");
            let problem = Diagnostic::error("context-not-here", nowhere, message);
            return Some(problem.help(format!("available here: {available}")));
        }
        if self.known.is_action && matches!(name, "secrets" | "needs" | "gate") {
            let message = format!("the context `{name}` is not available in an action");
            return Some(
                Diagnostic::error("context-not-here", nowhere, message)
                    .help("give the action an input, and hand the value over in `with`"),
            );
        }
        if name == "error" && !self.known.in_rescue {
            let message = "the context `error` is only there in `rescue` and `always`";
            return Some(
                Diagnostic::error("context-not-here", nowhere, message)
                    .help("`steps.NAME.outcome` tells the result of an earlier step"),
            );
        }
        if name == "gate" && self.known.gate.is_none() {
            let message = format!("stage `{}` has no gate", self.known.stage);
            return Some(
                Diagnostic::error("context-not-here", nowhere, message)
                    .help("give it `approve`; what an answer in a step brings is in `steps.NAME.outputs`"),
            );
        }
        if let Some(problem) = self.check_members(used, nowhere) {
            return Some(problem);
        }
        if spot != Spot::StepRun || !self.is_untrusted(used) {
            return None;
        }
        let path =
            std::iter::once(name).chain(used.path.iter().map(String::as_str)).collect::<Vec<_>>().join(".");
        let message = format!("the value of `{path}` becomes part of the command's text");
        Some(
            Diagnostic::warning("untrusted-in-run", nowhere, message)
                .label("whoever sets it can run commands")
                .help("hand it over in `env` and write `\"$NAME\"` here"),
        )
    }

    /// Says whether a value comes from outside of the playbook and may be any text.
    fn is_untrusted(&self, used: &ContextUse) -> bool {
        let member = |at: usize| used.path.get(at).map(|member| member.to_ascii_lowercase());
        match used.name.as_str() {
            "inputs" => {
                member(0).is_none_or(|name| self.known.inputs.get(&name).is_none_or(|(_, free)| *free))
            }
            "needs" => member(1).is_none_or(|part| part == "outputs"),
            "github" => member(0).is_none_or(|part| part == "event" || part == "head_ref"),
            "matrix" => self.known.matrix_from_outside,
            // Names of files may hold anything.
            "run" => member(0).is_some_and(|part| part == "event"),
            "gate" => match member(0).as_deref() {
                Some("inputs") => {
                    let known = self.known.gate.as_deref().unwrap_or_default();
                    let is_free = |name: String| known.iter().any(|(it, free)| *it == name && *free);
                    member(1).is_none_or(is_free)
                }
                part => part != Some("by"),
            },
            _ => false,
        }
    }
}

/// Takes the unwritten `success()` away: a key such as `continue-on-error` is asked after a failure.
fn without_success(text: &str, condition: Condition) -> Condition {
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or(trimmed);
    if condition.always_true_text || inner.trim().is_empty() {
        return parse_condition("always()").unwrap_or(condition);
    }
    parse_condition(&format!("always() && ({inner})")).unwrap_or(condition)
}
