//! What is taken once more after a crash.

use super::super::event::Event;
use super::super::order::{Asked, Order};
use super::super::report::{End, Report};
use super::super::state::JobState;
use super::super::testing::{exit, new_state};
use super::super::{Input, turn};
use crate::logic::artifact::{Artifact, Offered};
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
