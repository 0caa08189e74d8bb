//! Steps with `script`: each becomes the command that starts its script, or a block of several.
//!
//! Not here: which scripts there are and what selectors mean (`scripts/`).

use std::sync::Arc;

use super::contexts::Spot;
use super::decode::{Field, Fields, Reader};
use super::model::{Action, ScriptPart, Shell, Step, Text};
use super::read_step::{Steps, empty_step};
use super::scripts::{LISTING, Library, Nothing, Script, Selector, Wrong, argument, no_scripts, selectors};
use super::source::Span;
use super::tree::{Kind, NodeId};
use crate::logic::diag::Diagnostic;
use crate::logic::expr::Template;
use crate::logic::text::shortened;

impl Reader<'_> {
    /// Returns what a step with `script` does: nothing that runs, if that is not known.
    pub(super) fn script(&mut self, fields: &Fields, field: Field, steps: &mut Steps<'_>, at: usize) -> Step {
        let span = self.span(field.value);
        let nothing = Action::Block { block: Vec::new(), rescue: Vec::new(), always: Vec::new() };
        let (scripts, selection) = self.chosen(field).unwrap_or_default();
        let args = fields.get("args").map_or(0, |id| self.items_or_one(id).len());
        match &scripts[..] {
            [] => empty_step(span, None, nothing),
            [one] => step(one, args, span),
            several => {
                let block = several
                    .iter()
                    .map(|script| {
                        let inner = Step { parent: Some(at), ..step(script, args, span) };
                        steps.tree.steps.push(inner);
                        steps.tree.steps.len() - 1
                    })
                    .collect();
                let action = Action::Block { block, rescue: Vec::new(), always: Vec::new() };
                // Nothing else would tell them from any other block.
                let name = Text { template: Template::literal(selection), span };
                Step { name: Some(name), ..empty_step(span, None, action) }
            }
        }
    }

    /// Reads `args` into variables of the step, from which its command takes them: so no shell sees what is in them.
    pub(super) fn script_args(&mut self, fields: &Fields, step: &mut Step) {
        let Some(id) = fields.get("args") else { return };
        for (number, item) in (1..).zip(self.items_or_one(id)) {
            if let Some(text) = self.env_text(item, Spot::StepEnv) {
                step.env.push((Arc::from(argument(number)), text));
            }
        }
    }

    /// Returns the entries of a list, or what stands there instead.
    fn items_or_one(&self, id: NodeId) -> Vec<NodeId> {
        match &self.tree.node(id).kind {
            Kind::Seq(items) => items.to_vec(),
            Kind::Scalar(_) | Kind::Map(_) => vec![id],
        }
    }

    /// Gives the scripts of a block what is said of each of them and not of all together.
    pub(super) fn of_each_script(&mut self, outer: &mut Step, steps: &mut Steps<'_>) {
        let Action::Block { block, .. } = &outer.action else { return };
        let retry = outer.retry.take().or_else(|| steps.defaults.retry.clone().map(Box::new));
        let timeout = outer.timeout.take();
        for &at in block {
            let number = steps.tree.steps[at].script.as_ref().map(|part| part.number).unwrap_or_default();
            let inner = &mut steps.tree.steps[at];
            inner.id = outer.id.as_ref().map(|id| Arc::from(format!("{id}.{number:04}")));
            inner.retry.clone_from(&retry);
            inner.timeout = timeout;
            inner.working_directory.clone_from(&outer.working_directory);
            inner.ok_exit_codes.clone_from(&outer.ok_exit_codes);
            inner.skip_exit_codes.clone_from(&outer.skip_exit_codes);
            inner.keep_children = outer.keep_children;
            inner.durable = outer.durable;
            inner.idempotent = outer.idempotent;
            inner.on_interrupt = outer.on_interrupt;
            inner.log_limit = outer.log_limit;
        }
    }

    /// Returns the scripts that are meant, and their selectors as one text. None where that cannot be said: it has been told, or the list of all scripts is
    /// missing.
    fn chosen(&mut self, field: Field) -> Option<(Vec<Script>, String)> {
        let span = self.span(field.value);
        let mut all = Vec::new();
        let mut places = Vec::new();
        for (text, at) in
            self.texts(field.value, "a selector such as `0402` or `0400-0499`, or a list of them")
        {
            if text.contains("${{") {
                self.report(
                    Diagnostic::error(
                        "bad-selector",
                        at,
                        "a selector cannot have an expression: what runs is fixed before the start",
                    )
                    .help("name the scripts, or ask for a tag: `tag:NAME`"),
                );
                return None;
            }
            match selectors(text) {
                Ok(some) => {
                    places.extend(some.iter().map(|_| at));
                    all.extend(some);
                }
                Err(wrong) => {
                    self.report(wrong_selector(&wrong, at));
                    return None;
                }
            }
        }
        if let Err(wrong) = Selector::check(&all) {
            self.report(wrong_selector(&wrong, span));
            return None;
        }
        let library = self.library()?;
        match library.select(&all) {
            Ok(found) => {
                for at in found.idle {
                    let message = format!("`{}` means no script", shortened(&all[at].text, 40));
                    self.report(
                        Diagnostic::warning("script-none", places[at], message)
                            .help("leave it out, or mend it"),
                    );
                }
                let texts: Vec<&str> = all.iter().map(|it| it.text.as_str()).collect();
                Some((found.scripts.into_iter().cloned().collect(), texts.join(", ")))
            }
            Err(nothing) => {
                let slug = match nothing {
                    Nothing::Unknown { .. } => "script-unknown",
                    Nothing::Double { .. } => "script-double",
                    Nothing::Empty => "script-none",
                };
                let (message, help) = no_scripts(&nothing, &all, &library);
                self.report(Diagnostic::error(slug, span, message).help(help));
                None
            }
        }
    }

    /// Returns all scripts of the project, if they are known.
    fn library(&mut self) -> Option<Arc<Library>> {
        if self.library.is_none() {
            let Some(listed) = self.source.called_file(LISTING) else {
                if !self.missing.iter().any(|it| **it == *LISTING) {
                    self.missing.push(Arc::from(LISTING));
                }
                return None;
            };
            let library = listed.ok().and_then(|text| Library::from_text(&text)).unwrap_or_default();
            self.library = Some(Arc::new(library));
        }
        self.library.clone()
    }
}

fn step(script: &Script, args: usize, span: Span) -> Step {
    let text = Text { template: Template::literal(script.command(args)), span };
    let name = Text { template: Template::literal(script.name()), span };
    let part = ScriptPart {
        number: script.number,
        path: Arc::from(script.path.as_str()),
        parameters: script.parameters.clone(),
    };
    Step {
        name: Some(name),
        script: Some(Box::new(part)),
        ..empty_step(span, None, Action::Run { text, shell: Shell::Sh })
    }
}

fn wrong_selector(wrong: &Wrong, span: Span) -> Diagnostic {
    let (message, help) = wrong.words();
    Diagnostic::error("bad-selector", span, message).help(help)
}
