//! Whether a call fits the playbook that it calls: what that offers, inputs, secrets, outputs that are read.
//!
//! Not here: finding that playbook, circles and depth (`link.rs`). Start with `Called::check`.

use super::call::{Call, Given, GivenValue, Handed};
use super::model::{Playbook, Secret, Stage};
use crate::logic::diag::Diagnostic;
use crate::logic::plan::inputs;
use crate::logic::text::{listed_names, near_miss};

/// A call with both of its sides.
pub(super) struct Called<'a> {
    pub caller: &'a Playbook,
    /// The one that calls.
    pub stage: &'a Stage,
    pub call: &'a Call,
    pub callee: &'a Playbook,
}

impl Called<'_> {
    /// Reports all by which the two do not fit.
    pub(super) fn check(&self, found: &mut Vec<Diagnostic>) {
        self.offer(found);
        self.inputs(found);
        self.secrets(found);
        self.reads(found);
        self.own_only(found);
    }

    /// Refuses what is not there to be called.
    fn offer(&self, found: &mut Vec<Diagnostic>) {
        let Self { call, callee, .. } = self;
        let path = &call.path;
        if !callee.is_callable {
            found.push(
                Diagnostic::error(
                    "call-not-offered",
                    call.span,
                    format!("`./{path}` does not say that other playbooks may call it"),
                )
                .help("add `on: call` to that file; `on: [manual, call]` if people run it as well"),
            );
        }
        if callee.concurrency.is_some() {
            found.push(
                Diagnostic::error(
                    "call-not-offered",
                    call.span,
                    format!("`./{path}` has `concurrency`, which is for jobs of its own"),
                )
                .help("give the `concurrency` to one of its stages"),
            );
        }
    }

    /// Compares what is given with the inputs of the called playbook, as far as it is known before the job runs.
    fn inputs(&self, found: &mut Vec<Diagnostic>) {
        let Self { call, callee, .. } = self;
        let path = &call.path;
        for given in &call.with {
            let input = callee.inputs.iter().find(|input| input.name.eq_ignore_ascii_case(&given.name));
            let Some(input) = input else {
                let names: Vec<&str> = callee.inputs.iter().map(|input| &*input.name).collect();
                let help = match near_miss(&given.name, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if names.is_empty() => "it takes no inputs: remove it".to_owned(),
                    None => format!("it takes {}", listed_names(&names, "and")),
                };
                found.push(
                    Diagnostic::error(
                        "call-input",
                        given.span,
                        format!("`./{path}` has no input `{}`", given.name),
                    )
                    .help(help),
                );
                continue;
            };
            if let Some(json) = constant(given)
                && let Err(problem) = inputs::fit(input, &json)
            {
                let message = format!("{}, which `./{path}` declares", problem.message);
                let found_at = Diagnostic::error("call-input", given.span, message);
                found.push(match problem.help {
                    Some(help) => found_at.help(help),
                    None => found_at.help("give a value that the input takes"),
                });
            }
        }
        let is_given = |name: &str| call.with.iter().any(|given| given.name.eq_ignore_ascii_case(name));
        for input in &callee.inputs {
            if input.required && input.default.is_none() && !is_given(&input.name) {
                found.push(
                    Diagnostic::error(
                        "call-input",
                        call.span,
                        format!("`./{path}` requires the input `{}`, which is not given", input.name),
                    )
                    .help(format!("add `{}: VALUE` below `with`", input.name)),
                );
            }
        }
    }

    /// Finds outputs that the caller reads and that the called playbook does not give.
    fn reads(&self, found: &mut Vec<Diagnostic>) {
        let Self { caller, stage, call, callee } = self;
        let path = &call.path;
        let of_gate = stage.approve.iter().flat_map(|gate| &gate.inputs).map(|input| &*input.name);
        let names: Vec<&str> = callee.outputs.iter().map(|output| &*output.name).chain(of_gate).collect();
        let reads = caller.reads_of_calls.iter().filter(|read| read.stage == stage.own_id);
        for read in reads.filter(|read| names.iter().all(|name| !name.eq_ignore_ascii_case(&read.output))) {
            let message =
                format!("`./{path}`, which `{}` calls, has no output `{}`", stage.own_id, read.output);
            let help = match near_miss(&read.output, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => "it has none; declare it below `outputs` of that file".to_owned(),
                None => {
                    format!(
                        "it has {}; declare others below `outputs` of that file",
                        listed_names(&names, "and")
                    )
                }
            };
            found.push(Diagnostic::error("unknown-output", read.span, message).help(help));
        }
    }

    /// Warns of what the called playbook says about a job of its own, and what a call does without.
    fn own_only(&self, found: &mut Vec<Diagnostic>) {
        let Self { caller, stage, call, callee } = self;
        let path = &call.path;
        let outer = caller.policy.max_parallel;
        let Some(inner) = callee.policy.max_parallel.filter(|it| outer.is_none_or(|outer| *it < outer))
        else {
            return;
        };
        let message = format!("`max-parallel: {inner}` of `./{path}` does not count where it is called");
        let help = format!(
            "what `{}` calls has the slots of the whole job: write `policy: {{max-parallel: {inner}}}` into the playbook that is \
             run, or let stages that must not meet share one of `locks`",
            stage.own_id
        );
        found.push(Diagnostic::warning("call-ignored", call.span, message).help(help));
    }

    /// Compares what is handed over with the secrets of the called playbook.
    fn secrets(&self, found: &mut Vec<Diagnostic>) {
        let Self { caller, call, callee, .. } = self;
        let path = &call.path;
        let has =
            |secrets: &[Secret], name: &str| secrets.iter().any(|it| it.name.eq_ignore_ascii_case(name));
        if let Handed::Named(handed) = &call.secrets {
            for secret in handed.iter().filter(|secret| !has(&callee.secrets, &secret.name)) {
                let names: Vec<&str> = callee.secrets.iter().map(|it| &*it.name).collect();
                let help = match near_miss(&secret.name, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "declare it below `secrets` of that file, or remove it here".to_owned(),
                };
                found.push(
                    Diagnostic::error(
                        "call-secret",
                        secret.span,
                        format!("`./{path}` declares no secret `{}`", secret.name),
                    )
                    .help(help),
                );
            }
        }
        for secret in callee.secrets.iter().filter(|secret| secret.required) {
            let is_handed = match &call.secrets {
                Handed::Nothing => false,
                Handed::All => has(&caller.secrets, &secret.name),
                Handed::Named(handed) => handed.iter().any(|it| it.name.eq_ignore_ascii_case(&secret.name)),
            };
            if !is_handed {
                let help = match &call.secrets {
                    Handed::All => format!("declare `{}` below `secrets` of this playbook", secret.name),
                    _ => "hand it over below `secrets`, or write `secrets: inherit`".to_owned(),
                };
                found.push(
                    Diagnostic::error(
                        "call-secret",
                        call.span,
                        format!("`./{path}` requires the secret `{}`, which is not handed over", secret.name),
                    )
                    .help(help),
                );
            }
        }
    }
}

fn constant(given: &Given) -> Option<serde_json::Value> {
    match &given.value {
        GivenValue::Fixed(json) => Some(json.clone()),
        GivenValue::Text(_) => None,
    }
}
