//! `strategy` and `matrix` of a stage.
//!
//! Not here: making combinations (`logic/plan/matrix.rs`). Start with `Reader::strategy`.

use std::sync::Arc;

use super::contexts::Spot;
use super::decode::{Field, Fields, Reader, scalar_value};
use super::expressions::MatrixKeys;
use super::keys::Place;
use super::model::{IfEmpty, MatrixSource, MixedMatrix, Policy, Strategy};
use super::source::Span;
use super::tree::{Kind, NodeId};
use crate::logic::diag::Diagnostic;
use crate::logic::plan::matrix;

/// Most stages that run together, an upper bound against slips of the finger.
pub(super) const PARALLEL: u32 = 100_000;
/// Words of `if-empty`.
pub(super) const IF_EMPTY: &[(&str, IfEmpty)] = &[("error", IfEmpty::Error), ("skip", IfEmpty::Skip)];

impl Reader<'_> {
    /// Reads the strategy of a stage, or the short form `matrix`, and notes the keys of the matrix for expressions.
    pub(super) fn strategy(&mut self, stage: &Fields, policy: &Policy) -> Option<Strategy> {
        let short = stage.field("matrix");
        let Some(long) = stage.field("strategy") else {
            let field = short?;
            return self.matrix(field, IfEmpty::Error, policy).map(|matrix| Strategy {
                matrix,
                span: field.key,
                fail_fast: true,
                max_parallel: None,
                if_empty: IfEmpty::Error,
            });
        };
        let before = self.found.len();
        let fields = self.fields(long.value, Place::Strategy)?;
        let if_empty = fields.get("if-empty").and_then(|id| self.word(id, IF_EMPTY)).unwrap_or_default();
        let fail_fast = fields.get("fail-fast").and_then(|id| self.boolean(id)).unwrap_or(true);
        let max_parallel = fields.get("max-parallel").and_then(|id| self.count(id, PARALLEL));
        if let (Some(short), Some(inner)) = (short, fields.field("matrix")) {
            self.report(
                Diagnostic::error("misplaced-key", short.key, "this stage has two matrices")
                    .also(inner.key, "the other one")
                    .help("keep `strategy.matrix`; `matrix` alone is short for it"),
            );
        }
        let Some(field) = fields.field("matrix").or(short) else {
            self.known.matrix = MatrixKeys::Computed;
            if self.found.len() == before {
                self.missing(
                    long.key,
                    "`strategy`",
                    "matrix",
                    "add `matrix` with at least one axis, or leave `strategy` out",
                );
            }
            return None;
        };
        let matrix = self.matrix(field, if_empty, policy)?;
        Some(Strategy { matrix, span: field.key, fail_fast, max_parallel, if_empty })
    }

    fn matrix(&mut self, field: Field, if_empty: IfEmpty, policy: &Policy) -> Option<MatrixSource> {
        // Whatever is wrong with it, expressions that name its members are not to blame.
        self.known.matrix = MatrixKeys::Computed;
        self.known.matrix_from_outside = true;
        let id = field.value;
        match &self.tree.node(id).kind {
            Kind::Scalar(scalar) if scalar.text.contains("${{") => {
                let text = self.template(id, Spot::Strategy, "a map or an expression")?;
                if !text.template.is_single() {
                    self.not_a_map(id);
                    return None;
                }
                Some(MatrixSource::Computed(text))
            }
            Kind::Map(_) => {
                self.known.matrix = self.matrix_keys(id);
                self.check_axis_names(id);
                if self.has_expression(id) {
                    self.check_axes(id, if_empty);
                    return self.mixed(id).map(MatrixSource::Mixed);
                }
                self.known.matrix_from_outside = false;
                let value = self.value(id);
                match matrix::check(&value, policy.matrix_limit as usize) {
                    Ok(()) => {}
                    Err(error) if if_empty == IfEmpty::Skip && is_empty(error.slug) => {}
                    Err(error) => {
                        let span = self.place_of(field, error.slug);
                        let help = help(error.slug).map(str::to_owned);
                        // Behind the colon stands a way out, for which a diagnostic has its own place.
                        let message = match (&help, error.message.split_once(": ")) {
                            (Some(_), Some((message, _))) => message.to_owned(),
                            _ => error.message,
                        };
                        let mut problem = Diagnostic::error(error.slug, span, message);
                        problem.help = help;
                        self.report(problem);
                        return None;
                    }
                }
                Some(MatrixSource::Fixed(value))
            }
            Kind::Scalar(_) | Kind::Seq(_) => {
                self.not_a_map(id);
                None
            }
        }
    }

    fn not_a_map(&mut self, id: NodeId) {
        let (span, found) = (self.span(id), self.found_words(id));
        self.report(
            Diagnostic::error(
                matrix::NOT_A_MAP,
                span,
                format!("expected a map of axes or one expression, found {found}"),
            )
            .help("write each axis as `name: [value, value]`"),
        );
    }

    /// Returns the place that an error of expansion is about.
    fn place_of(&self, field: Field, slug: &str) -> Span {
        let Kind::Map(entries) = &self.tree.node(field.value).kind else { return field.key };
        for entry in entries {
            let key = self.tree.key(*entry);
            let is_extra = key.eq_ignore_ascii_case("include") || key.eq_ignore_ascii_case("exclude");
            let value = &self.tree.node(entry.value).kind;
            let is_it = match slug {
                matrix::EXCLUDE_UNKNOWN => key.eq_ignore_ascii_case("exclude"),
                matrix::AXIS_EMPTY => !is_extra && matches!(value, Kind::Seq(items) if items.is_empty()),
                matrix::NOT_A_LIST => !matches!(value, Kind::Seq(_)),
                matrix::ENTRY_NOT_A_MAP => {
                    let is_map = |id: &NodeId| matches!(self.tree.node(*id).kind, Kind::Map(_));
                    is_extra && !matches!(value, Kind::Seq(items) if items.iter().all(is_map))
                }
                _ => false,
            };
            if is_it {
                return self.span(entry.value);
            }
        }
        field.key
    }

    /// Returns the names that the context `matrix` will have, as far as they are written out.
    fn matrix_keys(&self, id: NodeId) -> MatrixKeys {
        let Kind::Map(entries) = &self.tree.node(id).kind else { return MatrixKeys::Computed };
        let mut keys = Vec::new();
        for entry in entries {
            let key = self.tree.key(*entry).to_ascii_lowercase();
            match key.as_str() {
                "exclude" => {}
                "include" => {
                    let Kind::Seq(items) = &self.tree.node(entry.value).kind else {
                        return MatrixKeys::Computed;
                    };
                    for item in items {
                        let Kind::Map(members) = &self.tree.node(*item).kind else {
                            return MatrixKeys::Computed;
                        };
                        keys.extend(members.iter().map(|member| self.tree.key(*member).to_ascii_lowercase()));
                    }
                }
                _ => keys.push(key),
            }
        }
        MatrixKeys::Fixed(keys)
    }

    /// Checks the names that become members of `matrix`, and that `--matrix` is given.
    fn check_axis_names(&mut self, id: NodeId) {
        for (name, span, value) in self.members(id, "a map of axes") {
            if name.eq_ignore_ascii_case("include") {
                let Kind::Seq(items) = &self.tree.node(value).kind else { continue };
                for item in items {
                    let Kind::Map(members) = &self.tree.node(*item).kind else { continue };
                    for member in members {
                        let span = self.span(member.key);
                        self.check_id(self.tree.key(*member), span, "an axis");
                    }
                }
            } else if !name.eq_ignore_ascii_case("exclude") {
                self.check_id(name, span, "an axis");
            }
        }
    }

    fn has_expression(&self, id: NodeId) -> bool {
        match &self.tree.node(id).kind {
            Kind::Scalar(scalar) => scalar.text.contains("${{"),
            Kind::Seq(items) => items.iter().any(|item| self.has_expression(*item)),
            Kind::Map(entries) => entries.iter().any(|entry| self.has_expression(entry.value)),
        }
    }

    /// Checks what can be checked of axes before the expressions in the matrix have values.
    fn check_axes(&mut self, id: NodeId, if_empty: IfEmpty) {
        for (name, _, value) in self.members(id, "a map of axes") {
            let slug = match &self.tree.node(value).kind {
                Kind::Scalar(scalar) if scalar.text.contains("${{") => continue,
                Kind::Seq(items) if items.is_empty() && if_empty == IfEmpty::Error => matrix::AXIS_EMPTY,
                Kind::Seq(_) => continue,
                Kind::Scalar(_) | Kind::Map(_) => matrix::NOT_A_LIST,
            };
            let message = if slug == matrix::AXIS_EMPTY {
                format!("the matrix axis `{name}` has no values")
            } else {
                format!("the matrix axis `{name}` has to be a list, found {}", self.found_words(value))
            };
            let mut problem = Diagnostic::error(slug, self.span(value), message);
            problem.help = help(slug).map(str::to_owned);
            self.report(problem);
        }
    }

    fn mixed(&mut self, id: NodeId) -> Option<MixedMatrix> {
        Some(match &self.tree.node(id).kind {
            Kind::Scalar(scalar) if scalar.text.contains("${{") => {
                MixedMatrix::Leaf(self.template(id, Spot::Strategy, "text")?)
            }
            Kind::Scalar(scalar) => MixedMatrix::Value(scalar_value(scalar)),
            Kind::Seq(items) => {
                // All items are read before giving up, so that all faults are told.
                let items: Vec<Option<MixedMatrix>> = items.iter().map(|item| self.mixed(*item)).collect();
                MixedMatrix::List(items.into_iter().collect::<Option<Vec<_>>>()?)
            }
            Kind::Map(entries) => {
                let members: Vec<_> = entries
                    .iter()
                    .map(|entry| Some((Arc::from(self.tree.key(*entry)), self.mixed(entry.value)?)))
                    .collect();
                MixedMatrix::Map(members.into_iter().collect::<Option<Vec<_>>>()?)
            }
        })
    }
}

fn is_empty(slug: &str) -> bool {
    slug == matrix::AXIS_EMPTY || slug == matrix::MATRIX_EMPTY
}

fn help(slug: &str) -> Option<&'static str> {
    Some(match slug {
        matrix::AXIS_EMPTY | matrix::MATRIX_EMPTY => {
            "add a value; with `if-empty: skip` an empty matrix skips the stage"
        }
        matrix::NOT_A_LIST => "write the values in brackets: `[value, value]`",
        matrix::ENTRY_NOT_A_MAP => "write each entry as `- name: value`",
        matrix::EXCLUDE_UNKNOWN => "`exclude` may only name axes of this matrix",
        matrix::TOO_LARGE => "use fewer values, exclude some, or raise `policy.matrix-limit`",
        _ => return None,
    })
}
