//! Any bytes as a playbook: reading, drawing what is wrong with it, and the plan with the defaults.
//!
//! Not here: running it. Whatever comes, the reader answers with a playbook or a reason, and every place lies in the
//! text. `../run` builds and starts this.
#![no_main]
#![expect(clippy::disallowed_methods, reason = "libFuzzer's macro can write inputs down")]

mod overflow;

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use sortie::faces::report::{self, Look};
use sortie::logic::diag::Severity;
use sortie::logic::expr::Scope;
use sortie::logic::plan::{self, Plan, PlanRequest, matrix};
use sortie::logic::playbook::model::{Action, MatrixSource, Playbook, Stage, Step, Text};
use sortie::logic::playbook::source::Source;
use sortie::logic::playbook::{self, Reading, slugs};
use sortie::logic::value::Value;

fuzz_target!(init: overflow::be_told(), |bytes: &[u8]| {
    let (source, reading) = playbook::read_bytes("fuzz.yml", bytes);
    check_places(&source, &reading);
    draw(&source, &reading);
    if let Some(playbook) = reading.playbook {
        plan(playbook);
    }
});

/// What the reader promises to those who show its answer.
fn check_places(source: &Source, reading: &Reading) {
    for problem in &reading.diagnostics {
        assert!(slugs::find(problem.slug).is_some(), "`{}` is missing in the table of slugs", problem.slug);
        for span in std::iter::once(problem.span).chain(problem.related.iter().map(|(span, _)| *span)) {
            let start = span.start as usize;
            assert!(span.start <= span.end && source.text.is_char_boundary(start), "{problem:?}");
        }
    }
    let has_error = reading.diagnostics.iter().any(|problem| problem.severity == Severity::Error);
    assert_eq!(reading.playbook.is_none(), has_error, "a playbook or errors, one of them");
}

/// Draws as on a terminal, on a narrow one, and for machines.
fn draw(source: &Source, reading: &Reading) {
    let files = [(source, reading.diagnostics.as_slice())];
    for look in [Look::default(), Look { is_coloured: true, width: 40 }] {
        let text = report::draw(&files, look);
        assert_eq!(text.is_empty(), reading.diagnostics.is_empty(), "what is wrong is drawn");
    }
    let json = report::to_json(&files);
    let told = json["diagnostics"].as_array().map_or(0, Vec::len);
    assert_eq!(told, reading.diagnostics.len(), "what is wrong is told to machines");
}

/// Makes the plan without any request, and looks at it as `sortie plan` does.
fn plan(playbook: Playbook) {
    let Ok(plan) = plan::plan(Arc::new(playbook), &PlanRequest::default()) else { return };
    let mut order = plan.order.clone();
    order.sort_unstable();
    assert!(order.iter().copied().eq((0..).take(plan.stages.len())), "every stage has one place: {order:?}");
    let mut is_done = vec![false; plan.stages.len()];
    for &at in &plan.order {
        let stage = &plan.playbook.stages[at as usize];
        assert!(stage.needs.iter().all(|&need| is_done[need]), "`{}` comes before its needs", stage.id);
        is_done[at as usize] = true;
        look_at(&plan, stage);
    }
}

/// What is known before a start.
struct Known<'p> {
    plan: &'p Plan,
    matrix: Option<Value>,
}

impl Scope for Known<'_> {
    fn context(&self, name: &str) -> Option<Value> {
        match name {
            "inputs" => Some(self.plan.inputs.clone()),
            "vars" => Some(self.plan.vars.clone()),
            "matrix" => self.matrix.clone(),
            _ => None,
        }
    }
}

fn look_at(plan: &Plan, stage: &Stage) {
    let steps = |scope: &Known<'_>| stage.steps.steps.iter().for_each(|step| look_at_step(step, scope));
    let Some(strategy) = &stage.strategy else {
        return steps(&Known { plan, matrix: None });
    };
    let limit = plan.playbook.policy.matrix_limit as usize;
    match &strategy.matrix {
        MatrixSource::Fixed(value) => {
            let Ok(expansion) = matrix::expand(value, limit) else { return };
            assert!((1..=limit).contains(&expansion.combinations.len()), "a matrix within its limit");
            // The cells differ in their values only, so a few of them are enough.
            for cell in expansion.combinations.into_iter().take(4) {
                steps(&Known { plan, matrix: Some(Value::object(cell.values)) });
            }
        }
        MatrixSource::Computed(text) => {
            if let Ok(value) = text.template.eval_value(&Known { plan, matrix: None }) {
                drop(matrix::expand(&value, limit));
            }
        }
        MatrixSource::Mixed(_) => {}
    }
}

/// Evaluates what a step holds. What is not known yet is an error like any other, and only a panic would be a fault.
fn look_at_step(step: &Step, scope: &Known<'_>) {
    let text = |text: &Text| drop(text.template.eval_text(scope));
    step.name.iter().for_each(text);
    step.working_directory.iter().for_each(text);
    step.env.iter().for_each(|(_, value)| text(value));
    for condition in step.condition.iter().chain(&step.continue_on_error) {
        drop(condition.condition.eval(scope));
    }
    if let Action::Run { text: script, .. } = &step.action {
        text(script);
    }
}
