//! Steps that are more than a command or a block: `parallel`, `wait`, `wait-all`, `cancel`, `rollback`, and `undo`.
//!
//! Here too: which key fits to which kind of step. Not here: keys that all steps have (`read_step.rs`).

use super::decode::{Field, Fields, Reader};
use super::keys::Place;
use super::model::{Action, Step, StepTree};
use super::read_stage::ROLLBACKS;
use super::read_step::{Steps, empty_step};
use super::source::Span;
use super::tree::NodeId;
use crate::logic::diag::Diagnostic;

/// The keys that say what a step does, in the order in which they are told of.
pub(super) const ACTIONS: [&str; 10] =
    ["run", "script", "block", "parallel", "uses", "cache-files", "wait", "wait-all", "cancel", "rollback"];

/// Keys that fit only to some kinds of steps, and to which.
pub(super) const FITS: [(&str, &[&str]); 20] = [
    ("with", &["uses"]),
    ("args", &["script"]),
    ("rescue", &["block"]),
    ("always", &["block"]),
    ("fail-fast", &["parallel"]),
    ("shell", &["run"]),
    ("ok-exit-codes", &["run", "script"]),
    ("skip-exit-code", &["run", "script"]),
    ("keep-children", &["run", "script"]),
    ("background", &["run"]),
    ("env", &["run", "script", "block", "parallel", "uses"]),
    ("working-directory", &WORK),
    ("retry", &["run", "script", "block", "parallel", "uses", "cache-files"]),
    ("durable", &WORK),
    ("log", &WORK),
    ("undo", &WORK),
    ("idempotent", &WORK),
    ("on-interrupt", &WORK),
    ("timeout", &["run", "script", "block", "parallel", "uses", "cache-files", "wait", "wait-all"]),
    ("continue-on-error", &["run", "script", "block", "parallel", "uses", "cache-files", "wait", "wait-all"]),
];

/// Kinds of steps that do some work.
const WORK: [&str; 4] = ["run", "script", "block", "parallel"];

/// What an `undo` may say.
pub(super) const UNDO: [&str; 11] = [
    "run",
    "name",
    "shell",
    "env",
    "working-directory",
    "timeout",
    "retry",
    "ok-exit-codes",
    "skip-exit-code",
    "keep-children",
    "log",
];

impl<'t> Reader<'t> {
    /// A step does exactly one thing, and keys that belong to another thing are out of place.
    pub(super) fn check_action(&mut self, fields: &Fields, span: Span, had_problem: bool) {
        if let Some(gate) = fields.field("approve") {
            self.check_gate_step(fields, gate);
            return;
        }
        let actions: Vec<Field> = ACTIONS.iter().filter_map(|name| fields.field(name)).collect();
        match actions[..] {
            [] => {
                // A refused action such as `uses` has been reported already.
                if !had_problem {
                    self.report(
                        Diagnostic::error("no-action", span, "this step does nothing")
                            .help("give it `run`, `block` or `approve`"),
                    );
                }
            }
            [only] => self.check_fit(fields, only.name),
            [first, second, ..] => self.report(
                Diagnostic::error(
                    "several-actions",
                    second.key,
                    format!("a step does one thing, and this one has `{}` and `{}`", first.name, second.name),
                )
                .also(first.key, "the other one")
                .help("make two steps of it"),
            ),
        }
    }

    fn check_fit(&mut self, fields: &Fields, action: &str) {
        for (name, homes) in FITS {
            let Some(field) = fields.field(name).filter(|_| !homes.contains(&action)) else { continue };
            let (message, help) = match homes {
                ["block"] => (
                    format!("`{name}` belongs to a step with `block`"),
                    "put the steps that it guards into a `block`".to_owned(),
                ),
                ["run"] if action == "block" => (
                    format!("`{name}` belongs to a step with `run`"),
                    "move it to the steps of the block".to_owned(),
                ),
                [home] => (
                    format!("`{name}` belongs to a step with `{home}`"),
                    format!("leave it out, or move it to a step with `{home}`"),
                ),
                _ => (
                    format!("`{name}` does not fit to a step with `{action}`"),
                    "leave it out, or move it to another step".to_owned(),
                ),
            };
            self.report(Diagnostic::error("misplaced-key", field.key, message).help(help));
        }
    }

    /// Reads what a step does that is neither `run` nor `block`.
    pub(super) fn control(
        &mut self,
        fields: &Fields,
        steps: &mut Steps<'_>,
        at: usize,
        depth: usize,
    ) -> Option<Action> {
        if let Some(id) = fields.get("parallel") {
            let fail_fast = fields.get("fail-fast").and_then(|id| self.boolean(id)).unwrap_or(true);
            let members = self.parallel(id, steps, at, depth);
            return Some(Action::Parallel { members, fail_fast });
        }
        if let Some(field) = fields.field("wait") {
            return Some(Action::Wait { steps: self.in_background(field, steps) });
        }
        if let Some(field) = fields.field("cancel") {
            return Some(Action::Cancel { steps: self.in_background(field, steps) });
        }
        if let Some(field) = fields.field("wait-all") {
            self.must_be_true(field);
            return Some(Action::WaitAll);
        }
        let field = fields.field("rollback")?;
        self.must_be_true(field);
        steps.rollbacks.push(field.key);
        Some(Action::Rollback)
    }

    /// Reads the steps of a `parallel`. None of them sees the results of the others.
    fn parallel(&mut self, id: NodeId, steps: &mut Steps<'_>, at: usize, depth: usize) -> Vec<usize> {
        steps.tree.is_concurrent = true;
        let before = self.known.steps.clone();
        let mut after = before.clone();
        let was_apart = steps.apart.replace(at);
        let members = self.step_list(id, steps, Some(at), depth + 1, &mut |reader| {
            after.extend(std::mem::replace(&mut reader.known.steps, before.clone()));
        });
        steps.apart = was_apart;
        self.known.steps = after;
        members
    }

    fn must_be_true(&mut self, field: Field) {
        if self.boolean(field.value) == Some(false) {
            let span = self.span(field.value);
            self.report(
                Diagnostic::error("unknown-value", span, format!("`{}` can only be `true`", field.name))
                    .help("leave the step out, or give it an `if`"),
            );
        }
    }

    /// Returns the background steps that a key names.
    fn in_background(&mut self, field: Field, steps: &Steps<'_>) -> Vec<usize> {
        let mut found = Vec::new();
        for (name, span) in self.texts(field.value, "the `id` of a background step, or a list of them") {
            match steps.places.get(&name.to_ascii_lowercase()) {
                Some(&at) if steps.tree.steps[at].background => found.push(at),
                Some(_) => self.report(
                    Diagnostic::error(
                        "not-in-background",
                        span,
                        format!("step `{name}` does not run in the background"),
                    )
                    .help("it has ended before the next step begins; give it `background: true`"),
                ),
                None => self.report(
                    Diagnostic::error(
                        "not-in-background",
                        span,
                        format!("no step `{name}` has been started in the background before this one"),
                    )
                    .help(format!(
                        "name an earlier step of this stage that has `id: {name}` and `background: true`"
                    )),
                ),
            }
        }
        found
    }

    /// Reads `background`, and keeps the step where `wait` and `cancel` look for it.
    pub(super) fn background(&mut self, fields: &Fields, step: &mut Step, steps: &mut Steps<'_>, at: usize) {
        step.background = fields.get("background").and_then(|id| self.boolean(id)).unwrap_or(false);
        if let Some(id) = &step.id {
            steps.places.insert(id.to_ascii_lowercase(), at);
        }
        if !step.background {
            return;
        }
        if step.parent.is_some()
            && step.parent == steps.apart
            && let Some(field) = fields.field("background")
        {
            self.report(
                Diagnostic::error("misplaced-key", field.key, "the steps of `parallel` run together anyway")
                    .help("leave `background` out, or move the step before the `parallel`"),
            );
        }
        steps.tree.is_concurrent = true;
        steps.tree.background.push(at);
    }

    /// Reads the `undo` of a step into a step of its own.
    pub(super) fn undo(
        &mut self,
        id: NodeId,
        steps: &mut Steps<'_>,
        at: usize,
        owner: &str,
    ) -> Option<usize> {
        let fields = self.fields(id, Place::Step)?;
        let span = self.span(id);
        let names = super::keys::of(Place::Step).iter().map(|key| key.name);
        for field in names.filter(|name| !UNDO.contains(name)).filter_map(|name| fields.field(name)) {
            self.report(
                Diagnostic::error("misplaced-key", field.key, format!("an `undo` has no `{}`", field.name))
                    .help("an `undo` is one command: give it `run`"),
            );
        }
        let Some(run) = fields.get("run") else {
            self.missing(span, "`undo`", "run", "write `undo: { run: COMMAND }`");
            return None;
        };
        let was_in_rescue = std::mem::replace(&mut self.known.in_rescue, false);
        let shell = fields.get("shell").and_then(|id| self.shell(id));
        let shell = shell.unwrap_or_else(|| steps.defaults.shell.clone());
        let mut step = empty_step(span, None, Action::Run { text: self.run_text(run), shell });
        // A dot cannot stand in a name that a person gives, so this one is nobody else's.
        step.id = Some(format!("{owner}.undo").into());
        step.undoes = Some(at);
        self.step_keys(&fields, &mut step, &steps.defaults);
        self.known.in_rescue = was_in_rescue;
        steps.undos += 1;
        steps.tree.steps.push(step);
        Some(steps.tree.steps.len() - 1)
    }

    /// Reads `rollback` of a stage, and says where a rollback would have nothing to do.
    pub(super) fn rollback_of_stage(&mut self, fields: &Fields, tree: &StepTree) -> bool {
        let Some(field) = fields.field("rollback") else { return false };
        let is_on = self.word(field.value, ROLLBACKS).unwrap_or(false);
        if is_on && tree.steps.iter().all(|step| step.undo.is_none()) {
            self.nothing_to_undo(field.key);
        }
        is_on
    }

    /// Says that no step of the stage can be undone.
    pub(super) fn nothing_to_undo(&mut self, span: Span) {
        self.report(
            Diagnostic::warning("nothing-to-undo", span, "no step of this stage says how it is undone")
                .help("give the steps that change something an `undo: { run: COMMAND }`"),
        );
    }
}
