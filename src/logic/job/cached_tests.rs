//! Stories about caches: when is asked, what is replayed, what is kept, and what a key holds.

use super::super::recipe::{Prepared, recipe};
use super::{CachePhase, may_hit, phase, record};
use crate::logic::cache::{Field, Kept, Looked, Miss, Record, Unit};
use crate::logic::job::Input;
use crate::logic::job::event::{Event, Outcome};
use crate::logic::job::order::{Order, RetryScope, Target};
use crate::logic::job::report::{AttemptKey, Report};
use crate::logic::job::testing::{Job, exits, hit};
use crate::logic::plan::{CacheRequest, PlanRequest};
use crate::logic::time::Timestamp;

fn live(job: &Job) -> Vec<AttemptKey> {
    job.state().index.live.keys().copied().collect()
}

const fn whole(cell: u32) -> Unit {
    Unit { cell, run: 1, step: None }
}

fn miss(is_hopeless: bool) -> Looked {
    Looked::Miss(Box::new(Miss { reason: "new".to_owned(), is_hopeless, ..Miss::default() }))
}

#[test]
fn nothing_begins_before_the_answer_and_a_hit_needs_no_slot() {
    let mut job =
        Job::of_text("version: 3\nstages:\n  a: { run: x, cache: { inputs: [] } }\n  b: { run: y }\n", 1);
    job.begin();
    assert_eq!(job.state().index.looking.iter().copied().collect::<Vec<_>>(), [whole(0)]);
    // `b` has the only slot.
    assert_eq!(live(&job), [AttemptKey { cell: 1, run: 1, step: 0, attempt: 1 }]);
    let mut donor = Job::of_text("version: 3\nstages: { a: { run: x, cache: { inputs: [] } } }\n", 1);
    donor.begin();
    donor.hear(&Input::Report(Report::Looked { unit: whole(0), looked: miss(false) }));
    donor.report(&exits("a", 0));
    let (record, _) = record(donor.state(), whole(0), Timestamp(2_000_000));
    job.hear(&Input::Report(Report::Looked { unit: whole(0), looked: hit(record) }));
    assert_eq!(job.state().cells[0].outcome(), Some(Outcome::Success));
    assert_eq!(job.state().cells[0].steps[0].done().and_then(|done| done.outcome), Some(Outcome::Success));
    assert_eq!(live(&job).len(), 1, "`b` still runs, and nothing of `a` ever did");
}

#[test]
fn what_was_made_is_kept_before_anything_follows() {
    let text = "version: 3\nstages:\n  a: { run: x, cache: { inputs: [] } }\n  b: { needs: a, run: y }\n";
    let mut job = Job::of_text(text, 2);
    job.begin();
    job.hear(&Input::Report(Report::Looked { unit: whole(0), looked: miss(false) }));
    job.report(&exits("a", 0));
    assert!(job.state().index.keeping.contains(&whole(0)));
    assert_eq!(job.state().cells[0].outcome(), None);
    assert!(live(&job).is_empty(), "`b` waits until the result of `a` is kept");
    let kept = Kept::Not { reason: "input-changed".to_owned(), message: "m".to_owned(), is_seen: false };
    job.hear(&Input::Report(Report::Kept { unit: whole(0), kept }));
    assert_eq!(job.state().cells[0].outcome(), Some(Outcome::Success), "that it was not kept is no failure");
    assert_eq!(live(&job).len(), 1);
}

#[test]
fn neither_failures_nor_hopeless_misses_are_kept() {
    let text = "version: 3\nstages: { a: { run: x, cache: { inputs: [] } } }\n";
    for (is_hopeless, code) in [(false, 1), (true, 0)] {
        let mut job = Job::of_text(text, 1);
        job.begin();
        job.hear(&Input::Report(Report::Looked { unit: whole(0), looked: miss(is_hopeless) }));
        job.report(&exits("a", code));
        assert!(job.state().index.keeping.is_empty(), "hopeless {is_hopeless}, code {code}");
        assert!(job.state().cells[0].outcome().is_some());
    }
}

#[test]
fn a_failure_that_was_allowed_is_not_kept() {
    let steps = "steps: [{ run: x, continue-on-error: true }, { run: y }]";
    let mut job =
        Job::of_text(&format!("version: 3\nstages: {{ a: {{ {steps}, cache: {{ inputs: [] }} }} }}\n"), 1);
    job.begin();
    job.hear(&Input::Report(Report::Looked { unit: whole(0), looked: miss(false) }));
    job.report(&exits("a", 7));
    job.report(&exits("a", 0));
    assert_eq!(job.state().cells[0].outcome(), Some(Outcome::Success));
    assert!(job.state().index.keeping.is_empty());
}

#[test]
fn a_cancel_while_it_is_looked_for_ends_the_cell_and_a_late_answer_is_fenced() {
    let mut job = Job::of_text("version: 3\nstages: { a: { run: x, cache: { inputs: [] } } }\n", 1);
    job.begin();
    job.order(Order::Cancel { target: Target::Job, force: false });
    assert_eq!(job.state().cells[0].outcome(), Some(Outcome::Cancelled));
    assert!(job.state().index.looking.is_empty());
    let before = job.events().len();
    job.hear(&Input::Report(Report::Looked { unit: whole(0), looked: miss(false) }));
    assert_eq!(job.events().len(), before);
    assert_eq!(phase(job.state(), whole(0)), None);
}

#[test]
fn a_step_asks_when_its_turn_comes_and_is_kept_before_the_next_one() {
    let text =
        "version: 3\nstages: { a: { steps: [{ run: x }, { run: y, cache: { inputs: [] } }, { run: z }] } }\n";
    let mut job = Job::of_text(text, 1);
    job.begin();
    assert!(job.state().index.looking.is_empty());
    job.report(&exits("a", 0));
    let unit = Unit { cell: 0, run: 1, step: Some(1) };
    assert!(job.state().index.looking.contains(&unit) && live(&job).is_empty());
    job.hear(&Input::Report(Report::Looked { unit, looked: miss(false) }));
    job.report(&exits("a", 0));
    assert!(job.state().index.keeping.contains(&unit) && live(&job).is_empty());
    job.hear(&Input::Report(Report::Kept {
        unit,
        kept: Kept::Stored { key: "k".to_owned(), files: 0, bytes: 0, notes: Vec::new() },
    }));
    assert_eq!(phase(job.state(), unit), Some(CachePhase::Over));
    assert_eq!(live(&job), [AttemptKey { cell: 0, run: 1, step: 2, attempt: 1 }]);
}

fn fields(text: &str) -> Vec<Field> {
    let mut job = Job::of_text(text, 1);
    job.begin();
    let recipe = recipe(job.state(), whole(0), &mut Prepared::default()).unwrap();
    recipe.closed.fields.iter().chain(&recipe.fields).cloned().collect()
}

#[test]
fn everything_that_changes_what_runs_changes_the_key() {
    let with = |top: &str, stage: &str| {
        fields(&format!(
            "version: 3\n{top}stages: {{ a: {{ cache: {{ inputs: [], env: [CC] }}, {stage} }} }}\n"
        ))
    };
    let plain = with("", "run: make");
    let others = [
        with("", "run: make all"),
        with("env: { A: '1' }\n", "run: make"),
        with("", "env: { A: '' }, run: make"),
        with("", "steps: [{ run: make, shell: sh }]"),
        with("", "steps: [{ run: make, working-directory: sub }]"),
        with("", "steps: [{ block: [{ run: make }] }]"),
        with("", "steps: [{ block: [{ run: make }], working-directory: sub }]"),
        with("", "steps: [{ block: [{ run: make }], env: { A: '1' } }]"),
        with("", "steps: [{ run: make, ok-exit-codes: [0, 1] }]"),
        with("", "steps: [{ run: make, if: always() }]"),
        with("", "matrix: { a: [1] }, run: make"),
        with("vars: { v: one }\n", "steps: [{ id: s, run: make }, { run: 'echo ${{ steps.s.outputs.o }}' }]"),
        with("vars: { v: two }\n", "steps: [{ id: s, run: make }, { run: 'echo ${{ steps.s.outputs.o }}' }]"),
    ];
    for (at, other) in others.iter().enumerate() {
        assert_ne!(plain, *other, "{at}");
        assert!(others[..at].iter().all(|before| before != other), "{at}");
    }
    let absent = |it: &&Field| it.name == "env CC";
    assert_eq!(plain.iter().find(absent).map(|it| it.value.clone()), Some(None), "not set is not empty");
}

#[test]
fn a_retry_makes_anew_what_was_asked_for_and_nothing_else() {
    let text = "version: 3\nstages:\n  a: { run: x, cache: { inputs: [] } }\n  b: { needs: a, run: y, cache: { inputs: [] } }\n";
    let scopes =
        [RetryScope::Cell(0), RetryScope::From(0), RetryScope::All, RetryScope::Stage(0), RetryScope::Failed];
    for scope in scopes {
        let mut job = Job::of_text(text, 1);
        job.begin();
        assert!(may_hit(job.state(), whole(0)));
        job.hear(&Input::Report(Report::Looked { unit: whole(0), looked: miss(true) }));
        job.report(&exits("a", i32::from(scope == RetryScope::Failed)));
        if scope != RetryScope::Failed {
            job.hear(&Input::Report(Report::Looked { unit: whole(1), looked: miss(true) }));
            job.report(&exits("b", 0));
        }
        job.closes();
        job.order(Order::Retry { scope: scope.clone() });
        let unit = Unit { run: 2, ..whole(0) };
        assert!(job.state().index.looking.contains(&unit), "{scope:?}");
        assert!(!may_hit(job.state(), unit), "{scope:?}");
        job.hear(&Input::Report(Report::Looked { unit, looked: miss(true) }));
        job.report(&exits("a", 0));
        let next = job.state().index.looking.first().copied().expect("`b` is looked for");
        assert_eq!(may_hit(job.state(), next), scope != RetryScope::All, "{scope:?}");
    }
}

/// A job in which each stage without a cache has one, all files of the project counting.
fn job_with_all(text: &str, files: &[&str]) -> Job {
    let cache = CacheRequest {
        all: true,
        files: files.iter().map(|&it| it.to_owned()).collect(),
        ..CacheRequest::default()
    };
    let mut job = Job::of_request(text, &PlanRequest { cache, ..PlanRequest::default() });
    job.begin();
    job
}

/// Says why the newest miss was one.
fn last_miss(job: &Job) -> Option<(Unit, String)> {
    job.events().iter().rev().find_map(|event| match event {
        Event::CacheMissed { unit, miss } => Some((*unit, miss.message.clone())),
        _ => None,
    })
}

/// The only cell of a stage.
fn of(job: &Job, stage: &str) -> Unit {
    let state = job.state();
    let at = state.cells.iter().position(|it| state.stage_name(it.stage) == stage).expect("it has begun");
    whole(u32::try_from(at).expect("there are few"))
}

fn is_looked_for(job: &Job, stage: &str) -> bool {
    job.state().index.looking.contains(&of(job, stage))
}

fn not_kept(reason: &str, is_seen: bool) -> Kept {
    Kept::Not { reason: reason.to_owned(), message: String::new(), is_seen }
}

#[test]
fn on_request_nothing_is_cached_behind_what_may_have_written_files_that_do_not_count() {
    let text = "version: 3\nstages:\n  a: { run: x }\n  b: { needs: a, run: y }\n  c: { needs: b, run: z }\n";
    let stored = Kept::Stored { key: "k".to_owned(), files: 0, bytes: 0, notes: Vec::new() };
    let cases = [
        (stored.clone(), None),
        (not_kept("input-changed", true), None),
        (not_kept("input-changed", false), Some("may have written")),
        (not_kept("undeclared-write", false), Some("`a`, which it needs, wrote")),
    ];
    for (kept, told) in cases {
        let mut job = job_with_all(text, &[]);
        job.hear(&Input::Report(Report::Looked { unit: whole(0), looked: miss(false) }));
        job.report(&exits("a", 0));
        job.hear(&Input::Report(Report::Kept { unit: whole(0), kept: kept.clone() }));
        let is_asked = job.state().index.looking.contains(&whole(1));
        assert_eq!(is_asked, told.is_none(), "{kept:?}");
        let Some(told) = told else { continue };
        let (unit, message) = last_miss(&job).expect("it says why");
        assert!(unit == whole(1) && message.contains(told), "{unit:?}: {message}");
        assert!(message.contains("give it a `cache` with `inputs`"), "{message}");
        job.report(&exits("b", 0));
        assert!(job.state().index.keeping.is_empty(), "what was not looked for is not kept: {kept:?}");
        // Through others, too: `b` was not kept either.
        assert_eq!(last_miss(&job).expect("it says why").0, whole(2), "{kept:?}");
        assert!(!job.state().index.looking.contains(&whole(2)), "{kept:?}");
    }
}

#[test]
fn on_request_what_is_before_counts_as_far_as_it_worked_and_what_it_declares_is_part_of_the_key() {
    let text = "version: 3\nstages:\n  a: { run: x, cache: { inputs: [], outputs: [o, '!o/x'], strict: S } }\n  \
                b: { needs: a, run: y }\n  n: { if: '${{ false }}', run: w, cache: false }\n  c: { needs: n, if: always(), run: z }\n";
    for (is_strict, is_asked) in [("true", true), ("false", false)] {
        let mut job = job_with_all(&text.replace('S', is_strict), &["src/**"]);
        assert!(is_looked_for(&job, "c"), "what is skipped writes nothing");
        job.hear(&Input::Report(Report::Looked { unit: whole(0), looked: miss(false) }));
        job.report(&exits("a", 0));
        let kept = Kept::Stored { key: "k".to_owned(), files: 1, bytes: 1, notes: Vec::new() };
        job.hear(&Input::Report(Report::Kept { unit: whole(0), kept }));
        assert_eq!(is_looked_for(&job, "b"), is_asked, "strict: {is_strict}");
        if !is_asked {
            let (_, message) = last_miss(&job).expect("it says why");
            assert!(message.contains("`--cache-file`"), "{message}");
        }
        let recipe = recipe(job.state(), of(&job, "b"), &mut Prepared::default()).expect("all is known");
        assert_eq!(recipe.made, [["o", "!o/x"]]);
    }
    // What is taken again writes its outputs and nothing else.
    let mut job = job_with_all(&text.replace('S', "false"), &[]);
    job.hear(&Input::Report(Report::Looked { unit: whole(0), looked: hit(Record::default()) }));
    assert!(is_looked_for(&job, "b"));
}
