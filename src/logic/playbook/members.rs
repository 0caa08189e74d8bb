//! Members of contexts that are known before anything runs: inputs, secrets, needs, steps, matrix keys.
//!
//! Not here: which context is available where (`contexts.rs`). Start with `Reader::check_members`.

use super::decode::{self, Reader};
use super::expressions::MatrixKeys;
use super::source::Span;
use super::tree::{Kind, NodeId};
use crate::logic::diag::Diagnostic;
use crate::logic::expr::ContextUse;
use crate::logic::text::listed_names;

const NEED: &[&str] = &["result", "outcome", "outputs", "cells", "legs"];
const STEP: &[&str] = &["outputs", "outcome", "conclusion", "exit-code", "attempts", "duration-ms", "cached"];
const STRATEGY: &[&str] = &["fail-fast", "max-parallel", "job-index", "job-total"];
const ERROR: &[&str] = &["kind", "step", "exit-code", "signal", "message", "attempt"];
const RUN: &[&str] = &[
    "id",
    "number",
    "attempt",
    "name",
    "actor",
    "trigger",
    "event",
    "started-at",
    "dir",
    "url",
    "conclusion",
];
const RUNNER: &[&str] =
    &["os", "arch", "temp", "tool_cache", "name", "debug", "environment", "cpus", "memory"];
const GATE: &[&str] = &["inputs", "by", "note"];
const STAGE: &[&str] = &["status", "services"];
const SERVICE: &[&str] = &["id", "host", "ports"];
const STAGE_RESULT: &[&str] = &["result", "outcome", "outputs"];

impl<'t> Reader<'t> {
    /// Returns what is wrong with the members that an expression names, if anything.
    pub(super) fn check_members(&mut self, used: &ContextUse, span: Span) -> Option<Diagnostic> {
        let first = used.path.first()?;
        let lower = first.to_ascii_lowercase();
        match used.name.as_str() {
            "inputs" if !self.known.inputs.contains_key(&lower) => {
                let names = self.known.inputs.values().map(|(name, _)| name.as_str());
                let message = format!("there is no input `{first}`");
                Some(meant(
                    &mut self.guesses,
                    Diagnostic::error("unknown-input", span, message),
                    first,
                    names,
                    "declare it below `inputs`",
                ))
            }
            "secrets" if !self.known.secrets.contains_key(&lower) => {
                let names = self.known.secrets.values().map(String::as_str);
                let message = format!("the secret `{first}` is not declared");
                Some(meant(
                    &mut self.guesses,
                    Diagnostic::error("unknown-secret", span, message),
                    first,
                    names,
                    "declare it below `secrets`",
                ))
            }
            "needs" => self.check_need(used, first, &lower, span),
            "stages" | "jobs" => self.check_stage(used, first, &lower, span),
            "steps" => self.check_step(used, first, &lower, span),
            "matrix" => self.check_matrix(first, &lower, span),
            "strategy" => member(STRATEGY, first, "`strategy`", span),
            "error" => member(ERROR, first, "`error`", span),
            "stage" | "job" => self.check_sidecar(used, span),
            "gate" => member(GATE, first, "`gate`", span).or_else(|| self.check_gate(used, span)),
            "run" => member(RUN, first, "`run`", span),
            "runner" => member(RUNNER, first, "`runner`", span),
            _ => None,
        }
    }

    fn check_need(&mut self, used: &ContextUse, first: &str, lower: &str, span: Span) -> Option<Diagnostic> {
        if !self.known.needs.contains(lower) {
            let stage = self.known.stage;
            let Some((name, _)) = self.known.stages.get(lower) else {
                let problem =
                    Diagnostic::error("unknown-stage", span, format!("there is no stage `{first}`"));
                let names = self.known.stages.values().map(|(name, _)| *name);
                return Some(meant(
                    &mut self.guesses,
                    problem,
                    first,
                    names,
                    "`needs` knows the stages that this one needs",
                ));
            };
            return Some(
                Diagnostic::error(
                    "need-not-declared",
                    span,
                    format!("stage `{stage}` reads the result of `{name}`, but does not need it"),
                )
                .help(format!("add `{name}` to the `needs` of `{stage}`")),
            );
        }
        member(NEED, used.path.get(1)?, "a need", span).or_else(|| self.check_output(used, lower, span))
    }

    fn check_stage(&mut self, used: &ContextUse, first: &str, lower: &str, span: Span) -> Option<Diagnostic> {
        if !self.known.stages.contains_key(lower) {
            let problem = Diagnostic::error("unknown-stage", span, format!("there is no stage `{first}`"));
            let names = self.known.stages.values().map(|(name, _)| *name);
            return Some(meant(
                &mut self.guesses,
                problem,
                first,
                names,
                "`stages` knows the stages of this playbook",
            ));
        }
        member(STAGE_RESULT, used.path.get(1)?, "a stage", span)
            .or_else(|| self.check_output(used, lower, span))
    }

    /// A stage has the outputs that it declares and no others.
    fn check_output(&mut self, used: &ContextUse, stage: &str, span: Span) -> Option<Diagnostic> {
        let [_, part, output, ..] = used.path.as_slice() else { return None };
        if !part.eq_ignore_ascii_case("outputs") {
            return None;
        }
        let (name, node) = *self.known.stages.get(stage)?;
        self.known.reads.insert(name);
        let tree = self.tree;
        // What a called playbook gives is in another file, and is compared when that is read (`link.rs`).
        if tree.get(node, "uses").is_some() {
            self.known.read_of_call = Some((name, output.clone()));
            return None;
        }
        let outputs: Vec<&str> = match tree.get(node, "outputs").map(|node| &tree.node(node).kind) {
            Some(Kind::Map(entries)) => entries.iter().map(|entry| tree.key(*entry)).collect(),
            Some(_) => return None,
            None => Vec::new(),
        };
        let gate = tree.get(node, "approve").and_then(|gate| tree.get(gate, "inputs"));
        let mut outputs = outputs;
        if let Some(Kind::Map(entries)) = gate.map(|gate| &tree.node(gate).kind) {
            outputs.extend(entries.iter().map(|entry| tree.key(*entry)));
        }
        if outputs.iter().any(|known| known.eq_ignore_ascii_case(output)) {
            return None;
        }
        let problem =
            Diagnostic::error("unknown-output", span, format!("stage `{name}` has no output `{output}`"));
        Some(meant(
            &mut self.guesses,
            problem,
            output,
            outputs.into_iter(),
            &format!("declare it below `outputs` of `{name}`"),
        ))
    }

    fn check_step(&mut self, used: &ContextUse, first: &str, lower: &str, span: Span) -> Option<Diagnostic> {
        if self.known.steps.contains(lower) {
            return member(STEP, used.path.get(1)?, "a step", span);
        }
        if self.known.all_steps.is_none() {
            let mut ids = Vec::new();
            if let Some(steps) = self.known.steps_node {
                self.collect_ids(steps, &mut ids);
            }
            self.known.all_steps = Some(ids);
        }
        let ids = self.known.all_steps.as_deref().unwrap_or(&[]);
        if ids.iter().any(|id| id.eq_ignore_ascii_case(first)) {
            return Some(
                Diagnostic::error(
                    "unknown-step",
                    span,
                    format!("the result of step `{first}` is read before that step has run"),
                )
                .help("`steps` knows the steps that come before"),
            );
        }
        let problem = Diagnostic::error(
            "unknown-step",
            span,
            format!("stage `{}` has no step `{first}`", self.known.stage),
        );
        Some(meant(&mut self.guesses, problem, first, ids.iter().copied(), "give the step an `id`"))
    }

    fn collect_ids(&self, steps: NodeId, ids: &mut Vec<&'t str>) {
        let Kind::Seq(items) = &self.tree.node(steps).kind else { return };
        for item in items {
            if let Some(scalar) = self.tree.get(*item, "id").and_then(|id| self.scalar(id)) {
                ids.push(&scalar.text);
            }
            for part in ["block", "rescue", "always", "parallel"] {
                if let Some(inner) = self.tree.get(*item, part) {
                    self.collect_ids(inner, ids);
                }
            }
        }
    }

    /// A stage has the services that it declares and no others, and those the ports that they declare.
    fn check_sidecar(&mut self, used: &ContextUse, span: Span) -> Option<Diagnostic> {
        let first = used.path.first()?;
        if let Some(problem) = member(STAGE, first, &format!("`{}`", used.name), span) {
            return Some(problem);
        }
        let name = used.path.get(1).filter(|_| first.eq_ignore_ascii_case("services"))?;
        let Some((known, ports)) =
            self.known.services.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).cloned()
        else {
            let message = format!("stage `{}` has no service `{name}`", self.known.stage);
            let problem = Diagnostic::error("unknown-service", span, message);
            let names = self.known.services.iter().map(|(known, _)| *known);
            return Some(meant(&mut self.guesses, problem, name, names, "declare it below `services`"));
        };
        let part = used.path.get(2)?;
        if let Some(problem) = member(SERVICE, part, "a service", span) {
            return Some(problem);
        }
        let port = used.path.get(3).filter(|_| part.eq_ignore_ascii_case("ports"))?;
        if ports.iter().any(|it| it == port) {
            return None;
        }
        let problem =
            Diagnostic::error("unknown-service", span, format!("service `{known}` opens no port `{port}`"));
        let help = format!("add it to `ports` of `{known}`");
        Some(meant(&mut self.guesses, problem, port, ports.iter().map(String::as_str), &help))
    }

    /// A gate has the inputs that it declares and no others.
    fn check_gate(&mut self, used: &ContextUse, span: Span) -> Option<Diagnostic> {
        let [part, name, ..] = used.path.as_slice() else { return None };
        let known = self.known.gate.as_ref()?;
        if !part.eq_ignore_ascii_case("inputs") || known.iter().any(|(it, _)| it.eq_ignore_ascii_case(name)) {
            return None;
        }
        let problem = Diagnostic::error("unknown-input", span, format!("the gate has no input `{name}`"));
        let names = known.iter().map(|(name, _)| name.as_str());
        Some(meant(&mut self.guesses, problem, name, names, "declare it below `inputs` of `approve`"))
    }

    fn check_matrix(&mut self, first: &str, lower: &str, span: Span) -> Option<Diagnostic> {
        match &self.known.matrix {
            MatrixKeys::Computed => None,
            MatrixKeys::None => Some(
                Diagnostic::error(
                    "unknown-matrix-key",
                    span,
                    format!("stage `{}` has no matrix", self.known.stage),
                )
                .help("give it one below `strategy`"),
            ),
            MatrixKeys::Fixed(keys) if keys.iter().any(|key| key == lower) => None,
            MatrixKeys::Fixed(keys) => {
                let problem =
                    Diagnostic::error("unknown-matrix-key", span, format!("the matrix has no key `{first}`"));
                let keys = keys.iter().map(String::as_str);
                Some(meant(&mut self.guesses, problem, first, keys, "add it to the matrix, or to `include`"))
            }
        }
    }
}

/// Says that a context has no such member.
fn member(members: &[&'static str], name: &str, of: &str, span: Span) -> Option<Diagnostic> {
    if members.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return None;
    }
    let problem =
        Diagnostic::error("unknown-member", span, format!("{of} has no member `{name}` in expressions"));
    Some(meant(
        &mut 1,
        problem,
        name,
        members.iter().copied(),
        &format!("there are {}", listed_names(members, "and")),
    ))
}

/// Adds what was probably meant, or else the other way out.
fn meant<'a>(
    guesses: &mut usize,
    problem: Diagnostic,
    name: &str,
    names: impl Iterator<Item = &'a str>,
    otherwise: &str,
) -> Diagnostic {
    match decode::meant(guesses, name, names) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(otherwise),
    }
}
