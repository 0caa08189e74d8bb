//! `approve` of stages and steps.
//!
//! Not here: what it means while a job runs (`logic/job/gate.rs`). Start with `Reader::approve`.

use super::contexts::Spot;
use super::decode::{Field, Fields, Reader};
use super::gate::Approve;
use super::keys::Place;
use super::model::Input;
use super::read_control::ACTIONS;
use super::scalar::{self, Core};
use super::source::Span;
use super::tree::{Kind, NodeId};
use crate::logic::diag::Diagnostic;
use crate::logic::job::gate::OnTimeout;

/// Most people that a gate may ask for.
pub(super) const MOST_APPROVALS: u32 = 100;

/// Words of `on-timeout`.
pub(super) const ON_TIMEOUT: &[(&str, OnTimeout)] =
    &[("reject", OnTimeout::Reject), ("approve", OnTimeout::Approve), ("skip", OnTimeout::Skip)];

/// Keys of steps that run something.
pub(super) const OF_COMMANDS: [&str; 11] = [
    "shell",
    "ok-exit-codes",
    "skip-exit-code",
    "keep-children",
    "working-directory",
    "log",
    "background",
    "durable",
    "undo",
    "idempotent",
    "on-interrupt",
];

impl Reader<'_> {
    /// Reads `approve`: its keys, or what is asked alone.
    pub(super) fn approve(&mut self, field: Field, spot: Spot) -> Option<Approve> {
        let mut gate = empty(field.key);
        let id = field.value;
        if let Some(scalar) = self.scalar(id) {
            match scalar::resolve(scalar) {
                Core::Bool(true) => {}
                Core::Text(text) if !text.trim().is_empty() => gate.message = self.template(id, spot, "text"),
                _ => {
                    let help = "write what is asked, such as `approve: \"Ship it?\"`, or the keys of a gate";
                    self.wrong_but(id, "the keys of a gate, or what is asked", Some(help.to_owned()));
                    return None;
                }
            }
            return Some(gate);
        }
        let fields = self.fields(id, Place::Approve)?;
        gate.message = fields.get("message").and_then(|id| self.template(id, spot, "text"));
        gate.approvers = fields.get("approvers").map(|id| self.approvers(id)).unwrap_or_default();
        gate.count = fields.get("count").and_then(|id| self.count(id, MOST_APPROVALS)).unwrap_or(1);
        gate.not_actor = fields.get("not-actor").and_then(|id| self.boolean(id)).unwrap_or(false);
        gate.timeout = fields.get("timeout").and_then(|id| self.duration(id));
        gate.remind = fields.get("remind").and_then(|id| self.duration(id));
        gate.inputs = fields.get("inputs").map(|id| self.gate_inputs(id)).unwrap_or_default();
        if let Some(field) = fields.field("on-timeout") {
            gate.on_timeout = self.word(field.value, ON_TIMEOUT).unwrap_or_default();
            if fields.field("timeout").is_none() {
                self.misplaced(
                    field.key,
                    "`on-timeout` has no effect without `timeout`",
                    "add `timeout: 24h`",
                );
            }
        }
        if let Some(field) = fields.field("hold") {
            gate.hold = self.boolean(field.value).unwrap_or(false);
            if spot == Spot::StageApprove {
                let message =
                    "`hold` belongs to a step with `approve`: a stage holds nothing before it begins";
                self.misplaced(field.key, message, "leave it out");
            }
        }
        if gate.on_timeout == OnTimeout::Approve {
            self.check_defaults(&gate.inputs);
        }
        Some(gate)
    }

    /// A step with `approve` does nothing else, and has no process that other keys could be about.
    pub(super) fn check_gate_step(&mut self, fields: &Fields, gate: Field) {
        for name in ACTIONS {
            if let Some(other) = fields.field(name) {
                let message = format!("a step does one thing, and this one has `approve` and `{name}`");
                self.report(
                    Diagnostic::error("several-actions", other.key, message)
                        .also(gate.key, "the other one")
                        .help("make two steps of it"),
                );
            }
        }
        if let Some(field) = fields.field("fail-fast") {
            self.misplaced(field.key, "`fail-fast` belongs to a step with `parallel`", "leave it out");
        }
        for name in ["rescue", "always"] {
            if let Some(field) = fields.field(name) {
                let message = format!("`{name}` belongs to a step with `block`");
                self.misplaced(field.key, &message, "put the steps that it guards into a `block`");
            }
        }
        for name in OF_COMMANDS {
            if let Some(field) = fields.field(name) {
                let message = format!("`{name}` belongs to a step with `run`");
                self.misplaced(field.key, &message, "leave it out: nothing runs while people are asked");
            }
        }
        if let Some(field) = fields.field("timeout") {
            let help = "write it below `approve`, where `on-timeout` says what it means";
            self.misplaced(field.key, "`timeout` is about what runs, and here people are asked", help);
        }
        if let Some(field) = fields.field("retry") {
            let help = "put the step into a `block` and try that again";
            self.misplaced(field.key, "a question is not tried again", help);
        }
    }

    fn misplaced(&mut self, at: Span, message: &str, help: &str) {
        self.report(Diagnostic::error("misplaced-key", at, message).help(help));
    }

    fn approvers(&mut self, id: NodeId) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let before = self.found.len();
        for (name, span) in self.texts(id, "names of people or groups") {
            if name.is_empty() || name.contains(|c: char| c.is_whitespace() || matches!(c, ',' | '=')) {
                let message = format!("`{name}` cannot be the name of a person or a group");
                self.report(
                    Diagnostic::error("bad-id", span, message)
                        .help("give the names that the system has for users, or groups of `sortie.yml`"),
                );
            } else if names.iter().any(|known| known == name) {
                self.report(
                    Diagnostic::error("duplicate-id", span, format!("`{name}` stands twice in the list"))
                        .help("leave one of them out"),
                );
            } else {
                names.push(name.to_owned());
            }
        }
        let is_empty = matches!(&self.tree.node(id).kind, Kind::Seq(items) if items.is_empty());
        if is_empty && self.found.len() == before {
            let span = self.span(id);
            let message = "nobody may answer, because this list is empty";
            self.report(
                Diagnostic::error("gate-unanswerable", span, message)
                    .help("name people or groups, or leave `approvers` out so that everybody may answer"),
            );
        }
        names
    }

    /// Reads inputs of a gate; they are not those of the playbook that expressions know.
    fn gate_inputs(&mut self, id: NodeId) -> Vec<Input> {
        let of_playbook = std::mem::take(&mut self.known.inputs);
        let inputs = self.inputs(id);
        self.known.inputs = of_playbook;
        inputs
    }

    /// Where the end of the wait means yes, nobody is there to give values.
    fn check_defaults(&mut self, inputs: &[Input]) {
        for input in inputs.iter().filter(|it| it.required && it.default.is_none()) {
            let message = format!(
                "the input `{}` is required, and nobody gives it when `on-timeout` approves",
                input.name
            );
            self.report(
                Diagnostic::error("gate-unanswerable", input.span, message)
                    .help("give it a default, or write `on-timeout: reject`"),
            );
        }
    }
}

fn empty(span: Span) -> Approve {
    Approve {
        span,
        message: None,
        approvers: Vec::new(),
        count: 1,
        not_actor: false,
        timeout: None,
        on_timeout: OnTimeout::Reject,
        inputs: Vec::new(),
        hold: false,
        remind: None,
    }
}
