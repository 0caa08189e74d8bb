//! Steps and blocks of steps.
//!
//! Not here: the stage around them (`read_stage.rs`), `retry` (`read_limits.rs`). Start with `Reader::steps`.

use std::borrow::Cow;
use std::sync::Arc;

use super::contexts::Spot;
use super::decode::{Field, Fields, Reader};
use super::files::FilesPart;
use super::keys::Place;
use super::model::{Action, OnInterrupt, Retry, Shell, Step, StepTree, Text};
use super::read_files::{self, add_saves};
use super::source::Span;
use super::tree::{Kind, NodeId};
use crate::logic::diag::Diagnostic;
use crate::logic::expr::Template;
use crate::logic::job::effect::KeepChildren;

/// Most blocks inside of blocks.
const BLOCK_DEPTH: usize = 10;
/// Words of `on-interrupt`.
pub(super) const ON_INTERRUPT: &[(&str, OnInterrupt)] = &[
    ("auto", OnInterrupt::Auto),
    ("rerun", OnInterrupt::Rerun),
    ("fail", OnInterrupt::Fail),
    ("resume", OnInterrupt::Resume),
    ("ask", OnInterrupt::Ask),
];
/// Words of `keep-children`.
pub(super) const KEEP_CHILDREN: &[(&str, KeepChildren)] =
    &[("stage-end", KeepChildren::StageEnd), ("step-end", KeepChildren::StepEnd)];

/// What steps of a stage use where they say nothing, or of a list of steps.
#[derive(Clone, Default)]
pub(super) struct StepDefaults {
    pub shell: Shell,
    pub retry: Option<Retry>,
    pub log_limit: Option<u64>,
    pub on_interrupt: OnInterrupt,
    pub idempotent: bool,
}

/// Steps that are being read.
pub(super) struct Steps<'d> {
    pub tree: StepTree,
    /// Of the list that is read.
    pub defaults: Cow<'d, StepDefaults>,
    /// Ids with their places, in lower case.
    ids: std::collections::HashMap<String, Span>,
    /// Positions of the steps that have been read, by their ids in lower case.
    pub places: std::collections::HashMap<String, usize>,
    /// The `parallel` whose steps are read.
    pub apart: Option<usize>,
    /// Where it says `rollback`.
    pub rollbacks: Vec<Span>,
    /// How many steps say how they are undone.
    pub undos: u32,
}

impl<'d> Steps<'d> {
    /// Begins with no step.
    pub(super) fn new(defaults: &'d StepDefaults) -> Self {
        Self {
            tree: StepTree::default(),
            defaults: Cow::Borrowed(defaults),
            ids: std::collections::HashMap::new(),
            places: std::collections::HashMap::new(),
            apart: None,
            rollbacks: Vec::new(),
            undos: 0,
        }
    }
}

impl<'t> Reader<'t> {
    /// Reads the list of steps of a stage.
    pub(super) fn steps(&mut self, id: NodeId, defaults: &StepDefaults) -> StepTree {
        let mut steps = Steps::new(defaults);
        steps.tree.body = self.step_list(id, &mut steps, None, 0, &mut |_| {});
        add_saves(&mut steps.tree);
        if steps.undos == 0 {
            for span in std::mem::take(&mut steps.rollbacks) {
                self.nothing_to_undo(span);
            }
        }
        steps.tree
    }

    /// Makes the one step of a stage with `run`.
    pub(super) fn single_step(&mut self, run: Field, defaults: &StepDefaults) -> StepTree {
        let text = self.run_text(run.value);
        let action = Action::Run { text, shell: defaults.shell.clone() };
        let mut step = empty_step(run.key, None, action);
        step.retry = defaults.retry.clone().map(Box::new);
        step.log_limit = defaults.log_limit;
        step.on_interrupt = defaults.on_interrupt;
        StepTree { steps: vec![step], body: vec![0], ..StepTree::default() }
    }

    pub(super) fn run_text(&mut self, id: NodeId) -> Text {
        let text = self.template(id, Spot::StepRun, "text for a shell");
        let span = self.span(id);
        text.unwrap_or_else(|| Text { template: Template::literal(""), span })
    }

    /// Reads a list of steps; `after` is called behind each of them.
    pub(super) fn step_list(
        &mut self,
        id: NodeId,
        steps: &mut Steps<'_>,
        parent: Option<usize>,
        depth: usize,
        after: &mut dyn FnMut(&mut Self),
    ) -> Vec<usize> {
        let mut list = Vec::new();
        let before = self.found.len();
        for item in self.items(id, "a list of steps, each beginning with `- `") {
            if let Some(at) = self.step(*item, steps, parent, depth) {
                list.push(at);
            }
            after(self);
        }
        let is_empty =
            matches!(&self.tree.node(id).kind, Kind::Seq(items) if items.is_empty()) || self.is_null(id);
        if is_empty && self.found.len() == before {
            let span = self.span(id);
            self.report(
                Diagnostic::error("empty-steps", span, "this list of steps is empty")
                    .help("add a step such as `- run: make`"),
            );
        }
        list
    }

    fn step(
        &mut self,
        id: NodeId,
        steps: &mut Steps<'_>,
        parent: Option<usize>,
        depth: usize,
    ) -> Option<usize> {
        if let Some(scalar) = self.scalar(id).filter(|_| !self.is_null(id)) {
            let span = self.span(id);
            let shown = crate::logic::text::shortened(&scalar.text, 30);
            self.report(
                Diagnostic::error(
                    "wrong-type",
                    span,
                    format!("expected the keys of a step, found `{shown}`"),
                )
                .help(format!("write `- run: {shown}`")),
            );
            return None;
        }
        let before = self.found.len();
        let fields = self.fields(id, Place::Step)?;
        let had_problem = self.found.len() > before;
        let span = self.span(id);
        let id_text = fields.get("id").and_then(|id| self.step_id(id, steps));
        self.check_action(&fields, span, had_problem);
        let at = steps.tree.steps.len();
        let placeholder = Action::Block { block: Vec::new(), rescue: Vec::new(), always: Vec::new() };
        steps.tree.steps.push(empty_step(span, parent, placeholder));
        let script = fields.field("script").filter(|_| fields.get("run").is_none());
        let mut step = match script {
            Some(field) => Step { parent, span, ..self.script(&fields, field, steps, at) },
            None => empty_step(span, parent, self.action_within(&fields, steps, at, depth)),
        };
        let script_name = step.name.take();
        if let Some(rule) = fields.field("cache-files").and_then(|field| self.cache_files(field)) {
            step.action = read_files::action(&rule);
            step.idempotent = true;
            step.files = Some(FilesPart::Restore(Arc::new(rule)));
        }
        step.composite = self.step_uses(&fields);
        step.id = id_text.map(Arc::from);
        self.step_keys(&fields, &mut step, &steps.defaults);
        step.name = step.name.or(script_name);
        if script.is_some() {
            self.script_args(&fields, &mut step);
            self.of_each_script(&mut step, steps);
        }
        self.background(&fields, &mut step, steps, at);
        steps.tree.steps[at] = step;
        if let Some(id) = id_text {
            self.known.steps.insert(id.to_ascii_lowercase());
        }
        if let Some(undo) = fields.get("undo") {
            let owner = id_text.map_or_else(|| (at + 1).to_string(), str::to_owned);
            steps.tree.steps[at].undo = self.undo(undo, steps, at, &owner);
        }
        Some(at)
    }

    fn step_id(&mut self, id: NodeId, steps: &mut Steps<'_>) -> Option<&'t str> {
        let text = self.text(id, "a name")?;
        let span = self.span(id);
        if !self.check_id(text, span, "a step") {
            return None;
        }
        if let Some(first) = steps.ids.get(&text.to_ascii_lowercase()).copied() {
            self.duplicate("step", text, span, first);
            return None;
        }
        steps.ids.insert(text.to_ascii_lowercase(), span);
        Some(text)
    }

    /// Reads what a step does; what it says about steps holds for those in it.
    fn action_within(&mut self, fields: &Fields, steps: &mut Steps<'_>, at: usize, depth: usize) -> Action {
        let has_members = ["block", "parallel"].iter().any(|name| fields.get(name).is_some());
        let says = ["idempotent", "on-interrupt", "log"].iter().any(|it| fields.get(it).is_some());
        if !has_members || !says {
            return self.action(fields, steps, at, depth);
        }
        let before = self.found.len();
        let mut outer = empty_step(steps.tree.steps[at].span, None, Action::WaitAll);
        self.work_keys(fields, &mut outer, &steps.defaults);
        // They are read again as those of the step itself, and told of then.
        self.found.truncate(before);
        let inner = StepDefaults {
            log_limit: outer.log_limit,
            on_interrupt: outer.on_interrupt,
            idempotent: outer.idempotent,
            ..StepDefaults::clone(&steps.defaults)
        };
        let around = std::mem::replace(&mut steps.defaults, Cow::Owned(inner));
        let action = self.action(fields, steps, at, depth);
        steps.defaults = around;
        action
    }

    fn action(&mut self, fields: &Fields, steps: &mut Steps<'_>, at: usize, depth: usize) -> Action {
        if let Some(gate) = fields.field("approve") {
            // One that is wrong has been reported, and nothing runs then.
            return match self.approve(gate, Spot::StepApprove) {
                Some(gate) => Action::Approve(Box::new(gate)),
                None => Action::Block { block: Vec::new(), rescue: Vec::new(), always: Vec::new() },
            };
        }
        let shell = fields.get("shell").and_then(|id| self.shell(id));
        if let Some(run) = fields.get("run") {
            let shell = shell.unwrap_or_else(|| steps.defaults.shell.clone());
            return Action::Run { text: self.run_text(run), shell };
        }
        let nested = fields.field("block").or(fields.field("parallel"));
        if let Some(block) = nested.filter(|_| depth >= BLOCK_DEPTH) {
            self.report(
                Diagnostic::error(
                    "too-many-blocks",
                    block.key,
                    format!("blocks are nested more than {BLOCK_DEPTH} deep"),
                )
                .help("move the inner steps to a stage of their own"),
            );
            return Action::Block { block: Vec::new(), rescue: Vec::new(), always: Vec::new() };
        }
        if let Some(action) = self.control(fields, steps, at, depth) {
            return action;
        }
        let mut lists = [Vec::new(), Vec::new(), Vec::new()];
        let was_in_rescue = self.known.in_rescue;
        for (list, name) in lists.iter_mut().zip(["block", "rescue", "always"]) {
            if let Some(id) = fields.get(name) {
                self.known.in_rescue = was_in_rescue || name != "block";
                *list = self.step_list(id, steps, Some(at), depth + 1, &mut |_| {});
            }
        }
        self.known.in_rescue = was_in_rescue;
        let [block, rescue, always] = lists;
        Action::Block { block, rescue, always }
    }

    /// Reads the keys that every kind of step has.
    pub(super) fn step_keys(&mut self, fields: &Fields, step: &mut Step, defaults: &StepDefaults) {
        step.name = fields.get("name").and_then(|id| self.template(id, Spot::StepName, "text"));
        step.condition = fields.get("if").and_then(|id| self.condition(id, Spot::StepIf)).map(Box::new);
        step.env = fields.get("env").map(|id| self.env(id, Spot::StepEnv)).unwrap_or_default();
        step.working_directory =
            fields.get("working-directory").and_then(|id| self.template(id, Spot::StepFolder, "a path"));
        step.timeout = fields.get("timeout").and_then(|id| self.duration(id));
        step.continue_on_error = fields
            .get("continue-on-error")
            .and_then(|id| self.bare_condition(id, Spot::StepContinue))
            .map(Box::new);
        step.durable = fields.get("durable").and_then(|id| self.boolean(id)).unwrap_or(false);
        self.work_keys(fields, step, defaults);
        step.keep_children =
            fields.get("keep-children").and_then(|id| self.keep_children(id)).unwrap_or_default();
        step.cache = fields.field("cache").and_then(|field| self.cache(field, None));
        let is_run = matches!(step.action, Action::Run { .. }) && step.files.is_none();
        step.retry = match fields.get("retry") {
            Some(id) => self.retry(id).map(Box::new),
            None if is_run => defaults.retry.clone().map(Box::new),
            None => None,
        };
        if let Some(field) = fields.field("ok-exit-codes") {
            step.ok_exit_codes = self.exit_codes(field.value);
        }
        if let Some(field) = fields.field("skip-exit-code") {
            step.skip_exit_codes = self.exit_codes(field.value);
            if let Some(code) = step.skip_exit_codes.iter().find(|code| step.ok_exit_codes.contains(code)) {
                let span = self.span(field.value);
                self.report(
                    Diagnostic::error(
                        "bad-number",
                        span,
                        format!("the exit code {code} is a success as well"),
                    )
                    .help("take it out of one of the two lists"),
                );
            }
        }
    }

    /// Reads the keys that a list of steps says for all of them.
    fn work_keys(&mut self, fields: &Fields, step: &mut Step, defaults: &StepDefaults) {
        step.idempotent |=
            fields.get("idempotent").and_then(|id| self.boolean(id)).unwrap_or(defaults.idempotent);
        let on_interrupt = fields.get("on-interrupt").and_then(|id| self.on_interrupt(id));
        step.on_interrupt = on_interrupt.unwrap_or(defaults.on_interrupt);
        step.log_limit = fields.get("log").and_then(|id| self.log_limit(id)).or(defaults.log_limit);
    }

    /// Reads `log` of a step or a stage.
    pub(super) fn log_limit(&mut self, id: NodeId) -> Option<u64> {
        let fields = self.fields(id, Place::Log)?;
        fields.get("limit").and_then(|id| self.size(id))
    }

    /// Reads `on-interrupt` of a step, a stage or their defaults.
    pub(super) fn on_interrupt(&mut self, id: NodeId) -> Option<OnInterrupt> {
        self.word(id, ON_INTERRUPT)
    }

    fn keep_children(&mut self, id: NodeId) -> Option<KeepChildren> {
        self.word(id, KEEP_CHILDREN)
    }

    fn exit_codes(&mut self, id: NodeId) -> Vec<i32> {
        let single = [id];
        let items: &[NodeId] = match &self.tree.node(id).kind {
            Kind::Seq(items) => items,
            Kind::Scalar(_) | Kind::Map(_) => &single,
        };
        let mut codes = Vec::new();
        for item in items {
            if let Some(code) = self.whole(*item, 0, 255).and_then(|code| i32::try_from(code).ok()) {
                codes.push(code);
            }
        }
        codes
    }
}

pub(super) fn empty_step(span: Span, parent: Option<usize>, action: Action) -> Step {
    Step {
        id: None,
        span,
        name: None,
        condition: None,
        parent,
        action,
        env: Vec::new(),
        working_directory: None,
        timeout: None,
        continue_on_error: None,
        retry: None,
        ok_exit_codes: vec![0],
        skip_exit_codes: Vec::new(),
        durable: false,
        idempotent: false,
        on_interrupt: OnInterrupt::Auto,
        keep_children: KeepChildren::default(),
        log_limit: None,
        background: false,
        undo: None,
        undoes: None,
        cache: None,
        files: None,
        part: None,
        composite: None,
        script: None,
    }
}
