//! `artifacts` of a stage: what it keeps and what it takes, and whether all stages together make sense of it.
//!
//! Not here: what is done with them (`logic/job/artifacts.rs`). Start with `Reader::artifacts`.

use std::collections::HashMap;

use super::artifact::{ArtifactIn, ArtifactOut, Artifacts, Which};
use super::contexts::Spot;
use super::decode::{Field, Reader};
use super::keys::Place;
use super::model::{MatrixSource, Stage, Text};
use super::source::Span;
use super::tree::NodeId;
use crate::logic::artifact::{self, IfNone, NAME_HELP, RETENTION};
use crate::logic::diag::Diagnostic;
use crate::logic::expr::Template;
use crate::logic::plan::matrix;
use crate::logic::text::{listed_names, near_miss};
use crate::logic::value::Value;

/// Says whether the name of what is kept may be the one that is taken.
pub(super) type Fits = dyn Fn(&Template) -> bool;

/// Words of `if-none`.
pub(super) const IF_NONE: &[(&str, IfNone)] =
    &[("warn", IfNone::Warn), ("error", IfNone::Error), ("ignore", IfNone::Ignore)];

/// Letter by letter this is in no text of a file.
const ANYTHING: char = '\0';

impl Reader<'_> {
    /// Reads `artifacts`.
    pub(super) fn artifacts(&mut self, field: Field) -> Option<Box<Artifacts>> {
        let before = self.found.len();
        let fields = self.fields(field.value, Place::Artifacts)?;
        let mut it = Artifacts::default();
        if let Some(id) = fields.get("out") {
            let items = self.items(id, "a list of artifacts, such as `- {name: dist, path: dist/**}`");
            it.out = items.iter().filter_map(|item| self.artifact_out(*item)).collect();
        }
        if let Some(id) = fields.get("in") {
            let items = self.items(id, "a list of artifacts, such as `- {name: dist, path: dist}`");
            it.into = items.iter().filter_map(|item| self.artifact_in(*item)).collect();
        }
        if it.out.is_empty() && it.into.is_empty() && self.found.len() == before {
            let problem = Diagnostic::error(
                "missing-key",
                field.key,
                "`artifacts` of a stage names nothing that it keeps or takes",
            );
            self.report(problem.help("write `out: [{name: dist, path: dist/**}]`, or remove it"));
        }
        Some(Box::new(it))
    }

    fn artifact_out(&mut self, id: NodeId) -> Option<ArtifactOut> {
        let fields = self.fields(id, Place::ArtifactOut)?;
        let span = self.span(id);
        let (name, path) = (fields.get("name"), fields.get("path"));
        if name.is_none() {
            self.missing(
                span,
                "what a stage keeps",
                "name",
                "write `name: NAME`; others take it by that name",
            );
        }
        if path.is_none() {
            self.missing(
                span,
                "what a stage keeps",
                "path",
                "write `path: dist/**`, a pattern or a list of them",
            );
        }
        let name = name.and_then(|id| self.artifact_name(id, Spot::ArtifactOut));
        let path = path.map(|id| self.artifact_files(id)).unwrap_or_default();
        let if_none = fields.get("if-none").and_then(|id| self.word(id, IF_NONE)).unwrap_or_default();
        let retention = fields.get("retention").and_then(|id| self.duration(id)).unwrap_or(RETENTION);
        let with_hidden = fields.get("hidden").and_then(|id| self.boolean(id)).unwrap_or(false);
        let overwrites = fields.get("overwrite").and_then(|id| self.boolean(id)).unwrap_or(false);
        Some(ArtifactOut { span, name: name?, path, if_none, retention, with_hidden, overwrites })
    }

    fn artifact_in(&mut self, id: NodeId) -> Option<ArtifactIn> {
        let fields = self.fields(id, Place::ArtifactIn)?;
        let span = self.span(id);
        let which = match (fields.field("name"), fields.field("pattern")) {
            (Some(name), Some(pattern)) => {
                let problem = Diagnostic::error(
                    "misplaced-key",
                    pattern.key,
                    "an artifact is taken by `name` or by `pattern`",
                );
                self.report(problem.also(name.key, "the other one").help("leave one of them out"));
                None
            }
            (Some(name), None) => self.artifact_name(name.value, Spot::ArtifactIn).map(Which::Name),
            (None, Some(pattern)) => {
                let text =
                    self.template(pattern.value, Spot::ArtifactIn, "a pattern of names such as `dist-*`");
                if let Some(Err(why)) =
                    text.as_ref().and_then(|it| it.template.as_literal()).map(artifact::name_pattern)
                {
                    let span = self.span(pattern.value);
                    self.report(Diagnostic::error("bad-glob", span, why).help("write one such as `dist-*`"));
                }
                text.map(Which::Pattern)
            }
            (None, None) => {
                let help = "write `name: NAME`, or `pattern: NAME-*` for all whose names fit";
                self.missing(span, "what a stage takes", "name", help);
                None
            }
        };
        let merge = fields.field("merge");
        if let (Some(field), Some(Which::Name(_))) = (merge, &which) {
            let problem = Diagnostic::error(
                "misplaced-key",
                field.key,
                "`merge` belongs to a `pattern`: one artifact is one folder",
            );
            self.report(problem.help("remove `merge`"));
        }
        let merge = merge.and_then(|field| self.boolean(field.value)).unwrap_or(false);
        let Some(path) = fields.get("path") else {
            let help = "write `path: FOLDER`, the folder below the project that its files go to";
            self.missing(span, "what a stage takes", "path", help);
            return None;
        };
        let path = self.template(path, Spot::ArtifactIn, "the path of a folder")?;
        if let Some(Err(why)) = path.template.as_literal().map(artifact::folder) {
            let problem = Diagnostic::error("bad-glob", path.span, why);
            self.report(problem.help("write a folder below the root of the project, such as `dist`"));
        } else {
            self.check_home(&path);
        }
        Some(ArtifactIn { span, which: which?, path, merge })
    }

    fn artifact_name(&mut self, id: NodeId, spot: Spot) -> Option<Text> {
        let text = self.template(id, spot, "the name of an artifact")?;
        let literal = text.template.as_literal();
        if let Some(why) = literal.and_then(artifact::name_problem) {
            let message = format!("the name of an artifact {why}");
            self.report(Diagnostic::error("artifact-name", text.span, message).help(NAME_HELP));
            return None;
        }
        Some(text)
    }

    fn artifact_files(&mut self, id: NodeId) -> Vec<Text> {
        let expected = "a pattern for files, or a list of them";
        let single = [id];
        let items: &[NodeId] = if self.scalar(id).is_some() { &single } else { self.items(id, expected) };
        let texts: Vec<Text> =
            items.iter().filter_map(|item| self.template(*item, Spot::ArtifactOut, expected)).collect();
        self.check_patterns(&texts, true);
        texts
    }

    /// Checks what all stages of a playbook keep and take together. Of one that others call, what comes from them is not known.
    pub(super) fn check_artifacts(&mut self, stages: &[Stage], is_callable: bool) {
        if stages.iter().all(|it| it.artifacts.is_none()) {
            return;
        }
        self.check_names_once(stages);
        if is_callable {
            return;
        }
        for (at, stage) in stages.iter().enumerate() {
            let Some(it) = stage.artifacts.as_deref().filter(|it| !it.into.is_empty()) else { continue };
            let needed = needed(stages, at);
            // What a called playbook keeps is known when it is put in.
            if needed.iter().any(|&need| stages[need].call.is_some()) {
                continue;
            }
            for taken in &it.into {
                self.check_taken(stages, &needed, at, taken);
            }
        }
    }

    fn check_names_once(&mut self, stages: &[Stage]) {
        let mut known: HashMap<&str, (Span, &str)> = HashMap::new();
        for stage in stages {
            for out in stage.artifacts.iter().flat_map(|it| &it.out) {
                let Some(name) = out.name.template.as_literal() else { continue };
                if let Some((first, of)) = known.get(name).copied().filter(|_| !out.overwrites) {
                    let message = format!("`{}` keeps `{name}`, and so does `{of}`", stage.id);
                    let problem = Diagnostic::error("artifact-twice", out.name.span, message);
                    let help =
                        "give it another name, or write `overwrite: true` if it takes the place of the first";
                    self.report(problem.also(first, "the first one").help(help));
                } else if stage.strategy.as_ref().is_some_and(|it| has_many(&it.matrix)) && !out.overwrites {
                    let message = format!(
                        "every cell of `{}` would keep `{name}`, and one name is there once",
                        stage.id
                    );
                    let problem = Diagnostic::error("artifact-twice", out.name.span, message);
                    let axis = stage
                        .strategy
                        .as_ref()
                        .and_then(|it| axis(&it.matrix))
                        .unwrap_or_else(|| "AXIS".to_owned());
                    self.report(problem.help(format!(
                        "put a value of the matrix into the name: `{name}-${{{{ matrix.{axis} }}}}`"
                    )));
                }
                known.entry(name).or_insert((out.name.span, &stage.id));
            }
        }
    }

    fn check_taken(&mut self, stages: &[Stage], needed: &[usize], at: usize, taken: &ArtifactIn) {
        let offers = |at: usize| stages[at].artifacts.iter().flat_map(|it| &it.out).map(|out| &out.name);
        let of_needed = || needed.iter().flat_map(|&need| offers(need));
        let Some(fits) = fits(&taken.which) else { return };
        let (Which::Name(text) | Which::Pattern(text)) = &taken.which;
        if of_needed().any(|it| fits(&it.template)) {
            return;
        }
        let shown = text.template.source();
        let id = &stages[at].id;
        let message = format!("no stage that `{id}` needs keeps an artifact `{shown}`");
        let problem = Diagnostic::error("artifact-unknown", text.span, message);
        let elsewhere = stages.iter().enumerate().find(|(other, _)| {
            *other != at && !needed.contains(other) && offers(*other).any(|it| fits(&it.template))
        });
        let names: Vec<String> = of_needed().map(|it| it.template.source().to_owned()).collect();
        let help = match (elsewhere, near_miss(shown, names.iter().map(String::as_str))) {
            (Some((_, stage)), _) => {
                format!("`{}` keeps it; add `{}` to the `needs` of `{id}`", stage.id, stage.id)
            }
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) if names.is_empty() => {
                "no stage that it needs keeps anything; write `artifacts: {out: [...]}` there".to_owned()
            }
            (None, None) => format!("what the stages that it needs keep: {}", listed_names(&names, "and")),
        };
        self.report(problem.help(help));
    }
}

/// Returns how to tell whether something may be kept under the name that is taken; nothing if that is not known by now.
pub(super) fn fits(which: &Which) -> Option<Box<Fits>> {
    Some(match which {
        Which::Name(text) => {
            let name = text.template.as_literal()?.to_owned();
            Box::new(move |it: &Template| could_be(it, &name))
        }
        Which::Pattern(text) => {
            let pattern = artifact::name_pattern(text.template.as_literal()?).ok()?;
            Box::new(move |it: &Template| it.as_literal().is_none_or(|name| pattern.is_match(name)))
        }
    })
}

/// Says whether a name with expressions in it may come to that.
fn could_be(template: &Template, name: &str) -> bool {
    if let Some(literal) = template.as_literal() {
        return literal == name;
    }
    let (source, mut shape, mut from) = (template.source(), String::new(), 0);
    for part in template.exprs() {
        shape.push_str(&source[from..part.start]);
        shape.push(ANYTHING);
        from = part.end;
    }
    shape.push_str(&source[from..]);
    let parts: Vec<&str> = shape.split(ANYTHING).collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return true };
    let Some(mut rest) = name.strip_prefix(first).and_then(|it| it.strip_suffix(last)) else { return false };
    parts[1..parts.len() - 1].iter().all(|part| match rest.find(part) {
        Some(found) => {
            rest = &rest[found + part.len()..];
            true
        }
        None => false,
    })
}

/// Returns the stages that one needs, directly or through others. What belongs to `finally` comes after all others.
pub(super) fn needed(stages: &[Stage], at: usize) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    let mut todo: Vec<usize> = stages[at].needs.clone();
    if stages[at].is_final {
        todo.extend((0..stages.len()).filter(|&it| !stages[it].is_final));
    }
    while let Some(next) = todo.pop() {
        if !found.contains(&next) {
            found.push(next);
            todo.extend(&stages[next].needs);
        }
    }
    found
}

/// Says whether a matrix has several cells as it is written. One that an expression makes is known when it runs.
pub(super) fn has_many(matrix: &MatrixSource) -> bool {
    match matrix {
        MatrixSource::Fixed(value) => match matrix::expand(value, 1) {
            Ok(cells) => cells.combinations.len() > 1,
            Err(error) => error.slug == "matrix-too-large",
        },
        MatrixSource::Computed(_) | MatrixSource::Mixed(_) => false,
    }
}

/// Returns the name of the first axis, for advice.
pub(super) fn axis(matrix: &MatrixSource) -> Option<String> {
    let MatrixSource::Fixed(Value::Object(axes)) = matrix else { return None };
    axes.iter().map(|(name, _)| name.to_owned()).find(|name| !matches!(&**name, "include" | "exclude"))
}
