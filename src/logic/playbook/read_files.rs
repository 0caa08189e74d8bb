//! `cache-files` of steps, and the steps at the end that save.
//!
//! Not here: what is done with the files (`logic/job/files.rs`, `engine/cache/keyed`). Start with `Reader::cache_files`.

use std::sync::Arc;

use super::contexts::Spot;
use super::decode::{Field, Reader};
use super::files::{CacheFiles, FilesPart};
use super::keys::Place;
use super::model::{Action, If, OnInterrupt, Shell, Step, StepTree, Text};
use super::read_step::empty_step;
use super::source::Span;
use super::tree::NodeId;
use crate::logic::cache::keyed::{base_of, check_key};
use crate::logic::diag::Diagnostic;
use crate::logic::expr::{Template, parse_condition};

impl Reader<'_> {
    /// Reads `cache-files`.
    pub(super) fn cache_files(&mut self, field: Field) -> Option<CacheFiles> {
        let before = self.found.len();
        let fields = self.fields(field.value, Place::CacheFiles)?;
        let (path, key) = (fields.get("path"), fields.get("key"));
        if self.found.len() == before {
            let span = self.span(field.value);
            if path.is_none() {
                self.missing(
                    span,
                    "`cache-files`",
                    "path",
                    "write `path: [target]`, or `path: ~/.cargo/registry`",
                );
            }
            if key.is_none() {
                let help = "write `key: deps-${{ hashFiles('Cargo.lock') }}`";
                self.missing(span, "`cache-files`", "key", help);
            }
        }
        let paths = path.map(|id| self.step_texts(id, "a path, or a list of them")).unwrap_or_default();
        for text in &paths {
            self.check_path(text);
        }
        let key = key.and_then(|id| self.template(id, Spot::StepName, "text"))?;
        self.check_written_key(&key);
        let expected = "the beginning of a key, or a list of them";
        let restore_keys =
            fields.get("restore-keys").map(|id| self.step_texts(id, expected)).unwrap_or_default();
        for text in &restore_keys {
            self.check_written_key(text);
        }
        Some(CacheFiles { span: field.key, paths, key, restore_keys })
    }

    /// Reads one text, the lines of one, or a list of texts.
    fn step_texts(&mut self, id: NodeId, expected: &str) -> Vec<Text> {
        let single = [id];
        let items: &[NodeId] = if self.scalar(id).is_some() { &single } else { self.items(id, expected) };
        items.iter().copied().filter_map(|item| self.template(item, Spot::StepName, expected)).collect()
    }

    fn check_path(&mut self, text: &Text) {
        let Some(path) = text.template.as_literal() else { return };
        for path in path.lines().map(str::trim).filter(|it| !it.is_empty()) {
            let problem = match base_of(path) {
                Err(why) => why,
                Ok((_, rest)) => match globset::Glob::new(rest.trim_start_matches('!')) {
                    Err(error) => format!("it is not a pattern for files: {}", error.kind()),
                    Ok(_) => continue,
                },
            };
            let message = format!("`{path}` cannot be kept: {problem}");
            let help = "name a folder of the project such as `target`, one at home such as `~/.cargo/registry`, or a whole path";
            self.report(Diagnostic::error("bad-glob", text.span, message).help(help));
        }
    }

    fn check_written_key(&mut self, text: &Text) {
        let Some(key) = text.template.as_literal() else { return };
        for key in key.lines().filter(|it| !it.trim().is_empty()).chain(key.is_empty().then_some("")) {
            if let Err(why) = check_key(key.trim()) {
                let message = format!("this cannot be a key of kept files: {why}");
                let help = "write a short text that changes with what the files depend on, such as `deps-${{ hashFiles('Cargo.lock') }}`";
                self.report(Diagnostic::error("bad-cache-key", text.span, message).help(help));
            }
        }
    }
}

/// Makes the action of a step that puts files back. Its text is the key, which may need digests of files.
pub(super) fn action(rule: &CacheFiles) -> Action {
    Action::Run { text: rule.key.clone(), shell: Shell::Default }
}

/// Adds the steps that save what others have put back, behind all others.
pub(super) fn add_saves(tree: &mut StepTree) {
    for at in 0..tree.steps.len() {
        let step = &tree.steps[at];
        let Some(FilesPart::Restore(rule)) = &step.files else { continue };
        let owner = step.id.as_deref().map_or_else(|| (at + 1).to_string(), str::to_owned);
        let save = save_step(rule.span, at, &owner);
        tree.body.push(tree.steps.len());
        tree.steps.push(save);
    }
}

fn save_step(span: Span, of: usize, owner: &str) -> Step {
    let text = Text { template: Template::literal("save the files"), span };
    let mut step = empty_step(span, None, Action::Run { text, shell: Shell::Default });
    // A dot cannot stand in a name that a person gives, so this one is nobody else's.
    step.id = Some(Arc::from(format!("{owner}.save")));
    step.files = Some(FilesPart::Save(of));
    step.idempotent = true;
    step.on_interrupt = OnInterrupt::Rerun;
    // What has been done is done, whether or not files are there for the next job.
    let condition = parse_condition("true").expect("it is a condition");
    step.continue_on_error = Some(Box::new(If { condition, span, source: Arc::from("true") }));
    step
}
