//! Actions: `action.yml` with inputs, outputs and the steps of a composite action.
//!
//! Not here: steps themselves (`read_step.rs`), following `uses` to its file (`link.rs`). Start with `Reader::action_file`.

use std::collections::HashMap;
use std::sync::Arc;

use super::call::{Action, ActionInput, Composite};
use super::contexts::Spot;
use super::decode::{Fields, Reader};
use super::expressions::MatrixKeys;
use super::keys::Place;
use super::model::{Output, StepTree};
use super::read_step::StepDefaults;
use super::source::Span;
use super::tree::NodeId;
use crate::logic::diag::Diagnostic;
use crate::logic::text::shortened;

impl Reader<'_> {
    /// Reads the whole file of an action.
    pub(super) fn action_file(&mut self) -> Option<Action> {
        let fields = self.fields(self.tree.root, Place::Action)?;
        for name in ["name", "description", "author"] {
            if let Some(id) = fields.get(name).filter(|id| !self.is_null(*id)) {
                self.text(id, "text");
            }
        }
        self.known.stage = "action";
        self.known.matrix = MatrixKeys::Computed;
        let inputs = fields.get("inputs").map(|id| self.action_inputs(id)).unwrap_or_default();
        let Some(runs) = fields.get("runs") else {
            let root = self.span(self.tree.root);
            self.missing(root, "an action", "runs", "write `runs: {using: composite, steps: [...]}`");
            return None;
        };
        let steps = self.action_steps(runs);
        let outputs = fields.get("outputs").map(|id| self.action_outputs(id)).unwrap_or_default();
        Some(Action { inputs, outputs, steps: steps?, depth: 1 })
    }

    fn action_steps(&mut self, runs: NodeId) -> Option<StepTree> {
        // The keys of other kinds of actions are not worth a word each.
        let using = self.tree.get(runs, "using").and_then(|id| self.scalar(id).map(|it| (id, it)));
        if let Some((id, kind)) = using.filter(|(_, kind)| &*kind.text != "composite") {
            let what = match &*kind.text {
                "docker" => "runs in a container image".to_owned(),
                kind if kind.starts_with("node") => "is a program in JavaScript".to_owned(),
                kind => format!("is of the kind `{}`", shortened(kind, 30)),
            };
            let span = self.span(id);
            self.report(
                Diagnostic::error(
                    "action-kind",
                    span,
                    format!("this action {what}, and only `composite` ones run here"),
                )
                .help("write what it does as steps with `run`, or call its program in a `run`"),
            );
            return None;
        }
        let fields = self.fields(runs, Place::ActionRuns)?;
        if fields.get("using").is_none() {
            let span = self.span(runs);
            self.missing(span, "`runs`", "using", "write `using: composite`");
        }
        let Some(steps) = fields.get("steps") else {
            let span = self.span(runs);
            self.missing(
                span,
                "`runs`",
                "steps",
                "write `steps:` with at least one step, such as `- run: make`",
            );
            return None;
        };
        self.known.steps_node = Some(steps);
        Some(self.steps(steps, &StepDefaults::default()))
    }

    fn action_inputs(&mut self, id: NodeId) -> Vec<ActionInput> {
        let mut inputs: Vec<ActionInput> = Vec::new();
        let mut known: HashMap<String, Span> = HashMap::new();
        for (name, span, value) in self.members(id, "a map of inputs") {
            if !self.check_id(name, span, "an input") {
                continue;
            }
            if let Some(first) = known.insert(name.to_ascii_lowercase(), span) {
                self.duplicate("input", name, span, first);
                continue;
            }
            self.known.inputs.insert(name.to_ascii_lowercase(), (name.to_owned(), true));
            let mut input = ActionInput { name: Arc::from(name), required: false, default: None };
            if !self.is_null(value)
                && let Some(fields) = self.fields(value, Place::ActionInput)
            {
                input.required = fields.get("required").and_then(|id| self.boolean(id)).unwrap_or(false);
                input.default = fields.get("default").and_then(|id| self.action_default(id));
            }
            inputs.push(input);
        }
        inputs
    }

    fn action_default(&mut self, id: NodeId) -> Option<Arc<str>> {
        let Some(scalar) = self.scalar(id) else {
            self.wrong(id, "text");
            return None;
        };
        if scalar.text.contains("${{") {
            let span = self.span(id);
            self.not_yet(span, "an expression in the default of an action's input");
        }
        Some(if self.is_null(id) { Arc::from("") } else { Arc::from(&*scalar.text) })
    }

    fn action_outputs(&mut self, id: NodeId) -> Vec<Output> {
        let mut outputs = Vec::new();
        for (name, span, value) in self.members(id, "a map of outputs") {
            if !self.check_id(name, span, "an output") {
                continue;
            }
            let Some(fields) = self.fields(value, Place::ActionOutput) else { continue };
            let description =
                fields.get("description").and_then(|id| self.text(id, "text")).map(str::to_owned);
            let Some(value) = fields.get("value") else {
                let what = format!("the output `{name}`");
                self.missing(span, &what, "value", "write `value: ${{ steps.NAME.outputs.NAME }}`");
                continue;
            };
            if let Some(value) = self.template(value, Spot::ActionOutput, "text") {
                outputs.push(Output { name: Arc::from(name), value, description });
            }
        }
        outputs
    }

    /// Reads `uses` and `with` of a step.
    pub(super) fn step_uses(&mut self, fields: &Fields) -> Option<Box<Composite>> {
        let uses = fields.field("uses")?;
        let text = self.text(uses.value, "the folder of an action, such as `./actions/setup`")?;
        let span = self.span(uses.value);
        let path = self.called_path(uses.value, text, "action");
        let with = fields.get("with").map(|id| self.given(id, Spot::StepWith)).unwrap_or_default();
        let path = path?;
        if path.ends_with(".yml") || path.ends_with(".yaml") {
            let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
            self.report(
                Diagnostic::error(
                    "call-not-found",
                    span,
                    format!("`./{path}` is a file, and a step uses the folder of an action"),
                )
                .help(format!(
                    "write `./{folder}` if that has an `action.yml`; playbooks are called by stages"
                )),
            );
            return None;
        }
        Some(Box::new(Composite { path, span, with, action: None }))
    }
}
