//! Stages: those of `stages` and those of `finally`.
//!
//! Not here: steps (`read_step.rs`), matrices (`read_matrix.rs`), needs and cycles (`check.rs`). Start with `Reader::stages`.

use std::sync::Arc;
use std::time::Duration;

use super::contexts::Spot;
use super::decode::{Fields, Reader};
use super::expressions::MatrixKeys;
use super::keys::Place;
use super::model::{Defaults, Input, InputKind, Policy, RunWhen, Stage, StepTree, Text, Workspace};
use super::read_playbook::CLEANUP;
use super::read_step::StepDefaults;
use super::share::Resources;
use super::source::Span;
use super::tree::{Kind, NodeId};
use crate::logic::diag::Diagnostic;
use crate::logic::text;

/// Longest time of a stage if nobody says so.
const TIMEOUT: Duration = Duration::from_secs(6 * 3600);
/// Words of `run-when`.
pub(super) const RUN_WHEN: &[(&str, RunWhen)] = &[
    ("all-success", RunWhen::AllSuccess),
    ("none-failed", RunWhen::NoneFailed),
    ("any-success", RunWhen::AnySuccess),
    ("any-failed", RunWhen::AnyFailed),
    ("all-done", RunWhen::AllDone),
];
/// Words of `workspace`.
pub(super) const WORKSPACES: &[(&str, Workspace)] =
    &[("shared", Workspace::Shared), ("scratch", Workspace::Scratch)];
/// Words of `rollback` of a stage.
pub(super) const ROLLBACKS: &[(&str, bool)] = &[("on-failure", true)];
/// The only label of `runs-on`.
pub(super) const HOST: &str = "host";

/// A stage that is known by name only.
pub(super) struct Header<'t> {
    pub id: &'t str,
    pub span: Span,
    pub node: NodeId,
    pub is_final: bool,
}

impl<'t> Reader<'t> {
    /// Reads `stages` and `finally`; needs are filled in once all stages are known.
    pub(super) fn stages(&mut self, fields: &Fields, defaults: &Defaults, policy: &Policy) -> Vec<Stage> {
        let mut headers = Vec::new();
        match fields.field("stages") {
            Some(field) => {
                let before = self.found.len();
                self.headers(field.value, false, &mut headers);
                if headers.is_empty() && self.found.len() == before {
                    self.report(
                        Diagnostic::error("empty-stages", field.key, "this playbook has no stages")
                            .help("add one, such as `build: {run: make}`"),
                    );
                }
            }
            // Where another word stands for `stages`, its advice says enough.
            None if self.found.iter().any(|problem| {
                problem.slug == "unknown-key"
                    && problem.help.as_ref().is_some_and(|help| help.contains("`stages`"))
            }) => {}
            None => {
                let root = self.span(self.tree.root);
                self.missing(
                    root,
                    "a playbook",
                    "stages",
                    "add `stages:` with at least one stage, such as `build: {run: make}`",
                );
            }
        }
        if let Some(id) = fields.get("finally") {
            self.headers(id, true, &mut headers);
        }
        for header in &headers {
            self.known.stages.entry(header.id.to_ascii_lowercase()).or_insert((header.id, header.node));
        }
        let needs = self.needs(&headers);
        let mut stages = Vec::with_capacity(headers.len());
        for (header, needs) in headers.iter().zip(needs) {
            self.known.needs = needs.iter().map(|at| headers[*at].id.to_ascii_lowercase()).collect();
            self.known.reads.clear();
            let mut stage = self.stage(header, needs, defaults, policy);
            stage.reads = self.known.reads.iter().map(|id| Arc::from(*id)).collect();
            stages.push(stage);
        }
        self.known.needs.clear();
        stages
    }

    /// Finds the names of stages in a map, or in a list whose members have an `id`.
    fn headers(&mut self, id: NodeId, is_final: bool, headers: &mut Vec<Header<'t>>) {
        let mut found = Vec::new();
        match &self.tree.node(id).kind {
            Kind::Map(entries) => {
                for entry in entries {
                    let name = self.tree.key(*entry);
                    if !name.starts_with("x-") {
                        found.push((name, self.tree.node(entry.key).span, entry.value));
                    }
                }
            }
            Kind::Seq(items) => {
                for item in items {
                    let name = self.tree.get(*item, "id");
                    match name.and_then(|id| self.scalar(id)) {
                        Some(scalar) => found.push((
                            &scalar.text,
                            name.map_or(Span::default(), |id| self.span(id)),
                            *item,
                        )),
                        None if matches!(self.tree.node(*item).kind, Kind::Map(_)) => {
                            let span = self.span(*item);
                            self.missing(
                                span,
                                "a stage in a list",
                                "id",
                                "write `- id: NAME` at its beginning",
                            );
                        }
                        None => {
                            let help = "write `- id: NAME`, and what it runs: `run: COMMAND`".to_owned();
                            self.wrong_but(*item, "the keys of a stage, with `id`", Some(help));
                        }
                    }
                }
            }
            Kind::Scalar(_) if self.is_null(id) => {}
            Kind::Scalar(_) => self.wrong(id, "a map of stages"),
        }
        let is_list = matches!(self.tree.node(id).kind, Kind::Seq(_));
        let mut known: std::collections::HashMap<String, Span> =
            headers.iter().map(|header| (header.id.to_ascii_lowercase(), header.span)).collect();
        for (id, span, node) in found {
            if !self.check_id(id, span, "a stage") {
                continue;
            }
            if let Some(first) = known.get(&id.to_ascii_lowercase()).copied() {
                self.duplicate("stage", id, span, first);
                continue;
            }
            if let (false, Some(inner)) = (is_list, self.tree.get(node, "id")) {
                let span = self.span(inner);
                self.report(
                    Diagnostic::error(
                        "misplaced-key",
                        span,
                        format!("the name of stage `{id}` is given twice"),
                    )
                    .help("leave `id` out; it is for stages that stand in a list"),
                );
            }
            known.insert(id.to_ascii_lowercase(), span);
            headers.push(Header { id, span, node, is_final });
        }
    }

    fn stage(&mut self, header: &Header<'t>, needs: Vec<usize>, outer: &Defaults, policy: &Policy) -> Stage {
        self.known.stage = header.id;
        self.known.steps.clear();
        self.known.gate = None;
        self.known.all_steps = None;
        self.known.steps_node = None;
        self.known.matrix = MatrixKeys::None;
        self.known.matrix_from_outside = false;
        self.known.services.clear();
        let mut stage = empty_stage(header, needs, outer);
        if self.is_null(header.node) {
            // An alias of nothing has been reported as such.
            let at = self.tree.node(header.node).span.start as usize;
            if self.source.text[at..].starts_with('*') {
                return stage;
            }
            self.report(
                Diagnostic::error("empty-stage", header.span, format!("stage `{}` does nothing", header.id))
                    .help("give it `run` or `steps`"),
            );
            return stage;
        }
        let before = self.found.len();
        let Some(fields) = self.fields(header.node, Place::Stage) else { return stage };
        let had_problem = self.found.len() > before;
        self.known.steps_node = fields.get("steps");
        stage.approve = self.stage_gate(&fields).map(Box::new);
        // The matrix comes first, because expressions of all other keys may name its members.
        stage.strategy = self.strategy(&fields, policy).map(Box::new);
        self.stage_conditions(&fields, &mut stage);
        stage.name = fields.get("name").and_then(|id| self.template(id, Spot::StageName, "text"));
        stage.env = fields.get("env").map(|id| self.env(id, Spot::StageEnv)).unwrap_or_default();
        stage.working_directory =
            fields.get("working-directory").and_then(|id| self.template(id, Spot::StageFolder, "a path"));
        stage.defaults = fields.get("defaults").map(|id| Box::new(self.defaults(id, Spot::StageFolder)));
        self.stage_limits(&fields, &mut stage, outer);
        stage.priority = fields
            .get("priority")
            .and_then(|id| self.whole(id, -1_000_000, 1_000_000))
            .and_then(|n| i32::try_from(n).ok())
            .unwrap_or(0);
        stage.workspace = fields.get("workspace").and_then(|id| self.workspace(id)).unwrap_or_default();
        self.stage_shares(&fields, &mut stage);
        if let Some(id) = fields.get("runs-on") {
            self.runs_on(id);
        }
        let defaults = StepDefaults {
            shell: stage.own_defaults().shell.clone().or_else(|| outer.shell.clone()).unwrap_or_default(),
            retry: stage.own_defaults().retry.clone().or_else(|| outer.retry.clone()),
            log_limit: fields.get("log").and_then(|id| self.log_limit(id)),
            on_interrupt: fields
                .get("on-interrupt")
                .and_then(|id| self.on_interrupt(id))
                .or(stage.own_defaults().on_interrupt)
                .or(outer.on_interrupt)
                .unwrap_or_default(),
            ..StepDefaults::default()
        };
        let services = fields.field("services").map(|field| self.services(field)).unwrap_or_default();
        stage.call = self.stage_call(&fields, header);
        if stage.call.is_some() || fields.get("uses").is_some() {
            return stage;
        }
        stage.steps = self.stage_steps(&fields, header, &defaults, had_problem);
        self.add_services(&mut stage, services, &defaults);
        stage.rollback_on_failure = self.rollback_of_stage(&fields, &stage.steps);
        stage.outputs = fields.get("outputs").map(|id| self.stage_outputs(id)).unwrap_or_default();
        self.stage_cache(&fields, &mut stage, outer.cache.as_deref());
        stage.artifacts = fields.field("artifacts").and_then(|field| self.artifacts(field));
        stage
    }

    fn stage_steps(
        &mut self,
        fields: &Fields,
        header: &Header<'_>,
        defaults: &StepDefaults,
        had_problem: bool,
    ) -> StepTree {
        match (fields.field("run"), fields.field("steps")) {
            (Some(run), Some(steps)) => {
                self.report(
                    Diagnostic::error(
                        "several-actions",
                        steps.key,
                        format!("stage `{}` has `run` and `steps`", header.id),
                    )
                    .also(run.key, "the other one")
                    .help("make the `run` a step of the list"),
                );
                StepTree::default()
            }
            (Some(run), None) => self.single_step(run, defaults),
            (None, Some(steps)) => self.steps(steps.value, defaults),
            (None, None) => {
                if !had_problem {
                    self.report(
                        Diagnostic::error(
                            "empty-stage",
                            header.span,
                            format!("stage `{}` does nothing", header.id),
                        )
                        .help("give it `run` or `steps`"),
                    );
                }
                StepTree::default()
            }
        }
    }

    /// Reads the gate before the cells, whose inputs all other keys may name.
    fn stage_gate(&mut self, fields: &Fields) -> Option<super::gate::Approve> {
        let gate = self.approve(fields.field("approve")?, Spot::StageApprove)?;
        let free = |it: &Input| matches!(it.kind, InputKind::String { .. } | InputKind::Json);
        self.known.gate =
            Some(gate.inputs.iter().map(|it| (it.name.to_ascii_lowercase(), free(it))).collect());
        Some(gate)
    }

    fn stage_conditions(&mut self, fields: &Fields, stage: &mut Stage) {
        stage.condition = fields.get("if").and_then(|id| self.condition(id, Spot::StageIf)).map(Box::new);
        stage.run_when = fields.get("run-when").and_then(|id| self.word(id, RUN_WHEN)).unwrap_or_default();
        stage.continue_on_error = fields
            .get("continue-on-error")
            .and_then(|id| self.bare_condition(id, Spot::StageContinue))
            .map(Box::new);
        let status = stage.condition.as_ref().is_some_and(|condition| {
            condition.condition.exprs().iter().any(|part| part.expr.has_status_function())
        });
        if let (true, Some(field), Some(condition)) = (status, fields.field("run-when"), &stage.condition) {
            let span = condition.span;
            self.report(
                Diagnostic::error(
                    "run-when-with-status",
                    field.key,
                    "`run-when` and the `if` both say which results of the needs count",
                )
                .also(span, "asks for results as well")
                .help("keep one of the two"),
            );
        }
    }

    fn stage_limits(&mut self, fields: &Fields, stage: &mut Stage, outer: &Defaults) {
        let inner = stage.own_defaults().timeout.or(outer.timeout).unwrap_or(TIMEOUT);
        stage.timeout = fields.get("timeout").and_then(|id| self.duration(id)).unwrap_or(inner);
        if let Some(timeout) = fields.get("cleanup-timeout").and_then(|id| self.duration(id)) {
            stage.cleanup_timeout = timeout;
        }
        let base = stage.own_defaults().cancel.or(outer.cancel);
        stage.cancel = fields.get("cancel").and_then(|id| self.cancel(id, base)).or(base).unwrap_or_default();
        stage.retry = fields.get("retry").and_then(|id| self.retry(id)).map(Box::new);
    }

    fn stage_shares(&mut self, fields: &Fields, stage: &mut Stage) {
        let group = fields.field("concurrency");
        stage.concurrency = group.and_then(|field| self.concurrency(field, Spot::StageShare)).map(Box::new);
        stage.locks = fields.get("locks").map(|id| self.locks(id)).unwrap_or_default();
        stage.resources = fields.get("resources").and_then(|id| self.resources(id)).unwrap_or_default();
    }

    fn stage_outputs(&mut self, id: NodeId) -> Vec<(Arc<str>, Text)> {
        let mut outputs: Vec<(Arc<str>, Text)> = Vec::new();
        let mut known: std::collections::HashMap<String, Span> = std::collections::HashMap::new();
        for (name, span, value) in self.members(id, "a map of outputs") {
            if !self.check_id(name, span, "an output") {
                continue;
            }
            if let Some(first) = known.insert(name.to_ascii_lowercase(), span) {
                self.duplicate("output", name, span, first);
                continue;
            }
            if let Some(text) = self.template(value, Spot::StageOutput, "text") {
                outputs.push((Arc::from(name), text));
            }
        }
        outputs
    }

    fn workspace(&mut self, id: NodeId) -> Option<Workspace> {
        let id = match &self.tree.node(id).kind {
            Kind::Map(_) => self.fields(id, Place::Workspace)?.get("mode")?,
            Kind::Scalar(_) | Kind::Seq(_) => id,
        };
        if let Some(scalar) = self.scalar(id)
            && matches!(&*scalar.text, "copy" | "worktree")
        {
            let span = self.span(id);
            self.not_yet(span, &format!("the workspace `{}`", scalar.text));
            return None;
        }
        self.word(id, WORKSPACES)
    }

    fn runs_on(&mut self, id: NodeId) {
        for (label, span) in self.texts(id, "the label `host`") {
            if label != HOST {
                self.not_yet(span, &format!("the label `{}` of `runs-on`", text::shortened(label, 40)));
            }
        }
    }
}

fn empty_stage(header: &Header<'_>, needs: Vec<usize>, outer: &Defaults) -> Stage {
    Stage {
        id: Arc::from(header.id),
        own_id: Arc::from(header.id),
        frame: None,
        call: None,
        span: header.span,
        name: None,
        is_final: header.is_final,
        needs,
        reads: Vec::new(),
        condition: None,
        run_when: RunWhen::default(),
        strategy: None,
        env: Vec::new(),
        defaults: None,
        working_directory: None,
        timeout: outer.timeout.unwrap_or(TIMEOUT),
        cleanup_timeout: CLEANUP,
        cancel: outer.cancel.unwrap_or_default(),
        retry: None,
        continue_on_error: None,
        outputs: Vec::new(),
        steps: StepTree::default(),
        priority: 0,
        approve: None,
        workspace: Workspace::default(),
        rollback_on_failure: false,
        concurrency: None,
        locks: Vec::new(),
        resources: Resources::default(),
        cache: None,
        is_never_cached: false,
        artifacts: None,
    }
}
