//! Names of artifacts, who sees them, what is taken and published when, and what is taken once more after a crash.

use super::super::event::{Event, Outcome};
use super::super::order::{Asked, Order, RetryScope, Target};
use super::super::report::{End, Report};
use super::super::state::JobState;
use super::super::testing::{exit, hit, new_state};
use super::super::{Input, turn};
use super::{offers, published, sources, trouble, wants};
use crate::logic::artifact::{Artifact, Offer, Offered};
use crate::logic::cache::Record;
use crate::logic::time::Timestamp;

const TWO: &str = "\
version: 3
name: t
stages:
  make: { run: x, artifacts: { out: [{ name: dist, path: dist }] } }
  take: { needs: make, run: x, artifacts: { in: [{ name: dist, path: got }] } }
";

fn hear(state: &mut JobState, input: &Input) -> Vec<&'static str> {
    let mut events = Vec::new();
    turn(state, input, Timestamp(1_000_000), &mut events).expect("what is told makes sense");
    events.iter().map(Event::type_name).collect()
}

fn order(state: &mut JobState, id: &str, order: Order) -> Vec<&'static str> {
    let (id, by) = (id.to_owned(), "ann".to_owned());
    hear(state, &Input::Order(Asked { id, by, order, expected_seq: None }))
}

fn taken(state: &mut JobState) -> Vec<&'static str> {
    let taking: Vec<u32> = state.index.taking.iter().copied().collect();
    let [cell] = taking[..] else { panic!("{taking:?} take") };
    let report = Report::Taken { cell, run: 1, outcome: Ok(Vec::new()) };
    hear(state, &Input::Report(report))
}

#[test]
fn after_a_crash_a_cell_of_which_no_step_has_begun_takes_once_more() {
    let mut state = new_state(TWO, 2);
    hear(&mut state, &Input::Begin { epoch: 1 });
    let key = state.index.live.keys().next().copied().expect("the first one runs");
    hear(&mut state, &Input::Report(exit(key, End::Code(0))));
    let artifact = Artifact {
        name: "dist".into(),
        manifest: "00".repeat(32),
        digest: "11".repeat(32),
        files: 1,
        bytes: 1,
        until: Timestamp(2_000_000),
    };
    let outcome = Ok(vec![Offered::Whole(artifact)]);
    hear(&mut state, &Input::Report(Report::Offered { cell: key.cell, run: 1, outcome }));
    // It has taken, and before its step begins the job is paused, and then the engine dies.
    order(&mut state, "a", Order::Pause);
    assert_eq!(taken(&mut state), ["artifact.taken"]);
    assert!(state.index.taking.is_empty());
    hear(&mut state, &Input::Begin { epoch: 2 });
    assert!(state.index.live.is_empty());
    let events = order(&mut state, "b", Order::Resume);
    assert!(!events.contains(&"step.started"), "{events:?}");
    let events = taken(&mut state);
    assert!(events.starts_with(&["artifact.taken"]) && events.contains(&"step.started"), "{events:?}");
    // Its step runs: nothing is put into its way.
    hear(&mut state, &Input::Begin { epoch: 3 });
    assert!(state.index.taking.is_empty() && state.index.live.len() == 1);
}

/// Begins a job of these stages, given as lines of a map.
fn begun(stages: &[&str]) -> JobState {
    let mut state = new_state(&format!("version: 3\nname: t\nstages:\n  {}\n", stages.join("\n  ")), 8);
    hear(&mut state, &Input::Begin { epoch: 1 });
    state
}

fn cell(state: &JobState, name: &str) -> u32 {
    let cells = (0u32..).zip(&state.cells).map(|(at, _)| at);
    cells.into_iter().find(|&at| state.cell_name(at) == name).unwrap_or_else(|| panic!("no cell `{name}`"))
}

/// The step of a cell that runs ends.
fn ends(state: &mut JobState, name: &str, code: i32) -> Vec<&'static str> {
    let cell = cell(state, name);
    let key = state.index.live.keys().find(|key| key.cell == cell).copied();
    hear(state, &Input::Report(exit(key.expect("a step of it runs"), End::Code(code))))
}

fn artifact(name: &str, digest: &str) -> Artifact {
    Artifact {
        name: name.into(),
        manifest: "00".repeat(32),
        digest: digest.to_owned(),
        files: 1,
        bytes: 1,
        until: Timestamp(2_000_000),
    }
}

/// What a cell is to publish is there.
fn gives(state: &mut JobState, name: &str) -> Vec<&'static str> {
    let cell = cell(state, name);
    assert!(state.index.giving.contains(&cell), "`{name}` publishes nothing");
    let offers = offers(state, cell, Timestamp::default()).expect("it can be published");
    let whole = |offer: &Offer| Offered::Whole(artifact(&offer.name, name));
    let report = Report::Offered {
        cell,
        run: state.cells[cell as usize].run,
        outcome: Ok(offers.iter().map(whole).collect()),
    };
    hear(state, &Input::Report(report))
}

/// What a cell takes, each with the cell that published it and the folder it goes to.
fn took(state: &JobState, name: &str) -> Vec<String> {
    let wants = wants(state, cell(state, name)).expect("it is there");
    wants
        .iter()
        .map(|it| format!("{} of {} in {}", it.artifact.name, it.artifact.digest, it.folder))
        .collect()
}

/// Why a cell failed by its artifacts.
fn failure(state: &JobState, name: &str) -> String {
    let it = &state.cells[cell(state, name) as usize];
    assert_eq!(it.outcome(), Some(Outcome::Failure));
    trouble(it).map(|it| it.to_string()).unwrap_or_default()
}

#[test]
fn what_fails_or_is_cancelled_publishes_nothing_and_neither_does_an_earlier_run() {
    let mut state = begun(&["a: { run: x, artifacts: { out: [{ name: one, path: p }] } }"]);
    ends(&mut state, "a", 1);
    assert!(state.index.giving.is_empty() && state.artifacts.is_empty());
    let retry = Order::Retry { scope: RetryScope::Failed };
    hear(&mut state, &Input::Report(Report::Closed { survivors: Vec::new() }));
    order(&mut state, "r", retry);
    ends(&mut state, "a", 0);
    // An answer to the run before comes to nothing.
    let late = Report::Offered { cell: 0, run: 1, outcome: Ok(vec![Offered::Whole(artifact("one", "old"))]) };
    assert!(hear(&mut state, &Input::Report(late)).is_empty());
    assert_eq!(gives(&mut state, "a")[..2], ["artifact.published", "cell.completed"]);
    assert_eq!(published(&state, 0).iter().flatten().count(), 1);
    // So does one that nobody waits for.
    let again =
        Report::Offered { cell: 0, run: 2, outcome: Ok(vec![Offered::Whole(artifact("one", "new"))]) };
    assert!(hear(&mut state, &Input::Report(again)).is_empty());
    assert_eq!(state.artifacts["one"].artifact.digest, "a");
}

#[test]
fn all_that_a_cell_publishes_is_recorded_at_once_or_it_fails_by_what_is_not_there() {
    let stages =
        ["a: { run: x, artifacts: { out: [{ name: one, path: p }, { name: two, path: q, if-none: IF }] } }"];
    let answered = |if_none: &str| {
        let mut state = begun(&[&stages[0].replace("IF", if_none)]);
        ends(&mut state, "a", 0);
        let outcome = Ok(vec![Offered::Whole(artifact("one", "a")), Offered::Nothing("no file".to_owned())]);
        let events = hear(&mut state, &Input::Report(Report::Offered { cell: 0, run: 1, outcome }));
        (state, events)
    };
    let (state, events) = answered("warn");
    assert_eq!(events[..3], ["artifact.published", "artifact.empty", "cell.completed"]);
    let there: Vec<bool> = published(&state, 0).iter().map(Option::is_some).collect();
    assert_eq!(there, [true, false]);
    let (state, events) = answered("error");
    assert_eq!(events[..2], ["artifact.failed", "cell.failed"]);
    assert!(state.artifacts.is_empty());
    assert_eq!(failure(&state, "a"), "nothing is there for the artifact `two`: no file");
}

#[test]
fn a_name_belongs_to_the_cell_that_had_it_first_unless_the_other_overwrites() {
    let first = "a: { run: x, artifacts: { out: [{ name: \"${{ format('n') }}\", path: p }] } }";
    let mut state = begun(&[first, "b: { needs: a, run: x, artifacts: { out: [{ name: n, path: p }] } }"]);
    ends(&mut state, "a", 0);
    gives(&mut state, "a");
    let events = ends(&mut state, "b", 0);
    assert!(events.contains(&"artifact.failed"), "{events:?}");
    assert_eq!(
        failure(&state, "b"),
        "the artifact `n` was already published by `a`; give it another name, or write `overwrite: true` to take its place"
    );
    let over = "b: { needs: a, run: x, artifacts: { out: [{ name: n, path: p, overwrite: true }] } }";
    let mut state =
        begun(&[first, over, "c: { needs: b, run: x, artifacts: { in: [{ name: n, path: i }] } }"]);
    ends(&mut state, "a", 0);
    gives(&mut state, "a");
    ends(&mut state, "b", 0);
    gives(&mut state, "b");
    assert_eq!(took(&state, "c"), ["n of b in i"]);
}

#[test]
fn cells_of_one_stage_that_meet_under_a_name_are_told_to_put_the_matrix_into_it() {
    let mut state = begun(&[
        "a: { run: x, matrix: \"${{ fromJSON('{\\\"os\\\": [1, 2]}') }}\", artifacts: { out: [{ name: n, path: p }] } }",
    ]);
    ends(&mut state, "a[os=1]", 0);
    ends(&mut state, "a[os=2]", 0);
    // Both were asked to publish before one of them had.
    gives(&mut state, "a[os=1]");
    let late =
        |cell| Report::Offered { cell, run: 1, outcome: Ok(vec![Offered::Whole(artifact("n", "late"))]) };
    hear(&mut state, &Input::Report(late(1)));
    assert_eq!(
        failure(&state, "a[os=2]"),
        "the artifact `n` was already published by `a[os=1]`; put a value of the matrix into the name, such as \
         `n-${{ matrix.os }}`"
    );
    assert_eq!(state.artifacts["n"].artifact.digest, "a[os=1]");
    let keep = "run: x, artifacts: { out: [{ name: \"${{ format('n') }}\", path: p }] }";
    let mut state = begun(&[&format!("a: {{ {keep} }}"), &format!("b: {{ {keep} }}")]);
    ends(&mut state, "a", 0);
    ends(&mut state, "b", 0);
    gives(&mut state, "b");
    hear(&mut state, &Input::Report(late(0)));
    assert!(
        failure(&state, "a").starts_with("the artifact `n` was already published by `b`; give it another")
    );
    assert_eq!(state.artifacts["n"].artifact.digest, "b");
}

#[test]
fn a_pattern_takes_each_into_a_folder_of_its_name_or_all_into_one() {
    let mut state = begun(&[
        "a: { run: x, matrix: { os: [1, 2] }, artifacts: { out: [{ name: \"d-${{ matrix.os }}\", path: p }, { name: \"e-${{ matrix.os }}\", path: p }] } }",
        "b: { needs: a, run: x, artifacts: { in: [{ pattern: 'd-*', path: got }, { pattern: '*-1', path: ./all/, merge: true }, { pattern: 'e-2', path: . }] } }",
    ]);
    for name in ["a[os=1]", "a[os=2]"] {
        ends(&mut state, name, 0);
        gives(&mut state, name);
    }
    let expected = [
        "d-1 of a[os=1] in got/d-1",
        "d-2 of a[os=2] in got/d-2",
        "d-1 of a[os=1] in all",
        "e-1 of a[os=1] in all",
        "e-2 of a[os=2] in e-2",
    ];
    assert_eq!(took(&state, "b"), expected);
    assert!(state.index.live.is_empty() && state.index.taking.contains(&cell(&state, "b")));
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let make = "a: { run: x, artifacts: { out: [{ name: dist, path: p }] } }";
    let other = "z: { run: x, artifacts: { out: [{ name: zip, path: p }] } }";
    let says = |name: &str| {
        let take = format!(
            "b: {{ needs: a, run: x, artifacts: {{ in: [{{ name: \"${{{{ format('{name}') }}}}\", path: got }}] }} }}"
        );
        let mut state = begun(&[make, other, &take]);
        ends(&mut state, "z", 0);
        gives(&mut state, "z");
        ends(&mut state, "a", 0);
        gives(&mut state, "a");
        failure(&state, "b")
    };
    assert_eq!(
        says("dits"),
        "there is no artifact `dits` of the stages that `b` needs; did you mean `dist`?"
    );
    assert_eq!(says("manual"), "there is no artifact `manual` of the stages that `b` needs; there is `dist`");
    assert_eq!(
        says("zip"),
        "the artifact `zip` was published by `z`, which `b` does not need; add it to its `needs`"
    );
    assert_eq!(says("a:b").split(" names").next(), Some("`${{ format('a:b') }}`"));
}

#[test]
fn finally_and_what_is_called_see_what_comes_before_them_and_nothing_beside() {
    let text = "\
version: 3
name: t
stages:
  a: { run: x }
  b: { needs: a, uses: ./in.yml }
  c: { run: x }
  d: { needs: b, run: x }
finally:
  z: { run: x }
# file: in.yml
version: 3
on: call
stages:
  p: { run: x }
  q: { needs: p, run: x }
finally:
  r: { run: x }
";
    let state = new_state(text, 2);
    let plan = &state.setting.plan;
    let stage = |name: &str| {
        let at = plan.playbook.stages.iter().position(|it| &*it.id == name).expect("a stage");
        u32::try_from(at).expect("few stages")
    };
    let seen = |name: &str| {
        let found = sources(plan, stage(name));
        found.iter().map(|at| &*plan.playbook.stages[*at as usize].id).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(seen("b / p"), "a");
    assert_eq!(seen("b / q"), "a, b / p");
    assert_eq!(seen("b / r"), "a, b / p, b / q");
    assert_eq!(seen("c"), "");
    assert_eq!(seen("d"), "a, b, b / p, b / q, b / r");
    assert_eq!(seen("z"), "a, b, b / p, b / q, b / r, c, d");
}

#[test]
fn nothing_is_taken_in_a_pause_or_by_what_is_stopped() {
    let mut state = begun(&[
        "make: { run: x, artifacts: { out: [{ name: dist, path: p }] } }",
        "take: { needs: make, run: x, artifacts: { in: [{ name: dist, path: got }] } }",
    ]);
    ends(&mut state, "make", 0);
    order(&mut state, "p", Order::Pause);
    gives(&mut state, "make");
    assert!(state.index.taking.is_empty());
    order(&mut state, "r", Order::Resume);
    assert_eq!(state.index.taking.iter().copied().collect::<Vec<_>>(), [cell(&state, "take")]);
    let cancel = Order::Cancel { target: Target::Job, force: false };
    let events = order(&mut state, "c", cancel);
    assert!(events.contains(&"cell.cancelled"), "{events:?}");
    assert!(state.index.taking.is_empty());
}

#[test]
fn what_was_given_an_earlier_result_takes_before_it_ends_and_leaves_outputs_alone() {
    let given = || {
        let mut state = begun(&[
            "a: { run: x, artifacts: { out: [{ name: dist, path: p }] } }",
            "b: { needs: a, run: x, cache: { inputs: [], outputs: ['got/*.o', made] }, artifacts: { in: [{ name: dist, path: got }] } }",
        ]);
        ends(&mut state, "a", 0);
        gives(&mut state, "a");
        let unit = state.index.looking.first().copied().expect("it is looked for");
        assert!(state.index.taking.is_empty(), "what is not begun takes nothing");
        let events =
            hear(&mut state, &Input::Report(Report::Looked { unit, looked: hit(Record::default()) }));
        assert!(!events.contains(&"cell.completed"), "{events:?}");
        state
    };
    let mut state = given();
    let cell = cell(&state, "b");
    let wanted = wants(&state, cell).expect("it is there");
    assert_eq!(wanted[0].except, ["got/*.o", "made"]);
    // It may not have outlasted the end of the machine.
    hear(&mut state, &Input::Begin { epoch: 2 });
    let events = taken(&mut state);
    assert!(events.contains(&"cell.completed"), "{events:?}");
    assert_eq!(state.cells[cell as usize].outcome(), Some(Outcome::Success));
    let mut state = given();
    let outcome = Err("it is damaged".to_owned());
    hear(&mut state, &Input::Report(Report::Taken { cell, run: 1, outcome }));
    assert_eq!(failure(&state, "b"), "it is damaged");
}
