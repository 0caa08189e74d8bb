//! The review of a gate, as pictures and as what keys do to it.

use expect_test::expect_file;
use serde_json::json;

use super::super::testing::{Scene, Skin, begin, key, stage, step};
use super::{Overlay, Request};
use crate::logic::job::event::{Event, Outcome};
use crate::logic::job::gate::{Answer, GatePlace, OnTimeout, Opened};
use crate::logic::job::order::Order;
use crate::logic::time::Timestamp;

const TEXT: &str = "\
version: 3
name: ship-web
stages:
  build: { run: make }
  ship:
    needs: build
    approve:
      message: Ship the release to everybody?
      approvers: [ops]
      count: 2
      timeout: 24h
      inputs:
        percent: { type: number, required: true, description: Part of the traffic }
        region: { type: choice, options: [eu, us], default: eu }
    run: ./ship
  ask: { steps: [{ run: x }, { id: look, approve: 'Does it look good?' }] }
";

fn opened(gate: u32, place: GatePlace, message: &str, is_ops: bool) -> Event {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Event::GateOpened(Box::new(Opened {
        gate,
        place,
        message: message.to_owned(),
        approvers: if is_ops { names(&["ops"]) } else { Vec::new() },
        people: if is_ops { names(&["ann", "ben"]) } else { Vec::new() },
        barred: Vec::new(),
        count: if is_ops { 2 } else { 1 },
        until: is_ops.then_some(Timestamp(1_780_000_000_000_000 + 192_000_000)),
        on_timeout: OnTimeout::Reject,
    }))
}

fn answer(by: &str) -> Answer {
    Answer {
        gate: 0,
        by: by.to_owned(),
        counts_as: by.to_owned(),
        note: "graphs are flat".to_owned(),
        ..Answer::default()
    }
}

/// Two gates are open, and one of two people has approved at the first.
fn asked(skin: Skin) -> Scene {
    let mut scene = Scene::of(TEXT, skin);
    let one = [(0, "", serde_json::Value::Null)];
    let other = [(1, "", serde_json::Value::Null)];
    scene.events([
        Event::JobStarted { attempt: 1, title: None },
        stage(0, &one),
        begin(0),
        step(key(0, 0, 1)),
    ]);
    scene.events([super::super::testing::step_ends(key(0, 0, 1), Outcome::Success)]);
    scene.events([
        super::super::testing::cell_ends(0, Outcome::Success),
        super::super::testing::stage_ends(0, Outcome::Success),
    ]);
    scene.events([stage(2, &other), begin(1), step(key(1, 1, 1))]);
    scene.events([opened(0, GatePlace::Stage(1), "Ship the release to everybody?", true)]);
    scene.events([opened(1, GatePlace::Step(key(1, 1, 1)), "Does it look good?", false)]);
    scene.wait(5).events([Event::GateAnswered(Box::new(answer("ann")))]);
    scene.settle();
    scene
}

fn after(keys: &'static str) -> impl Fn(Skin) -> Scene {
    move |skin| {
        let mut scene = asked(skin);
        scene.buffer((80, 24));
        // The stage `ship` is the second one.
        scene.keys("g j");
        if !keys.is_empty() {
            scene.keys(keys);
        }
        scene
    }
}

fn holds(name: &str, scene: &dyn Fn(Skin) -> Scene) {
    for (skin, look) in [(Skin::Color, "color"), (Skin::Mono, "mono"), (Skin::Ascii, "ascii")] {
        for (columns, rows) in [(80, 24), (120, 40)] {
            let shot = scene(skin).shot((columns, rows));
            expect_file![format!("snapshots/{name}_{columns}x{rows}_{look}.txt")].assert_eq(&shot);
        }
    }
}

#[test]
fn a_job_that_waits_for_people() {
    holds("gates", &after(""));
}

#[test]
fn the_sheet_of_a_gate() {
    holds("review", &after("a"));
    holds("review_wrong", &after("a tab tab tab enter"));
    holds("review_sure", &after("a 2 0 tab tab o k tab enter"));
}

#[test]
fn a_yes_brings_the_values_and_the_note() {
    let mut scene = after("a 2 0 tab right tab o k tab enter")(Skin::Mono);
    let requests = scene.keys("y");
    let inputs = vec![("percent".to_owned(), json!("20")), ("region".to_owned(), json!("us"))];
    let order = Order::Approve { gate: 0, note: "ok".to_owned(), inputs, claimed: None };
    assert_eq!(requests, [Request::Order(order)]);
    assert_eq!(scene.ui.overlay, None);
}

#[test]
fn a_no_needs_no_values_and_neither_enter_nor_the_first_key_confirms() {
    let mut scene = after("a tab tab tab right enter")(Skin::Mono);
    assert_eq!(scene.keys("enter a r"), []);
    let requests = scene.keys("y");
    let order = Order::Reject { gate: 0, note: String::new(), claimed: None };
    assert_eq!(requests, [Request::Order(order)]);
}

#[test]
fn esc_goes_back_to_the_sheet_and_then_closes_it() {
    let mut scene = after("a tab tab tab right enter esc")(Skin::Mono);
    assert!(matches!(&scene.ui.overlay, Some(Overlay::Review(it)) if it.asks.is_none()));
    assert_eq!(scene.keys("esc"), []);
    assert_eq!(scene.ui.overlay, None);
}

#[test]
fn a_gate_that_somebody_else_closed_closes_its_sheet() {
    let mut scene = after("a tab tab tab right enter")(Skin::Mono);
    scene.events([Event::GateRejected(Box::new(answer("ben")))]);
    let shot = scene.shot((80, 24));
    assert_eq!(scene.ui.overlay, None);
    assert!(shot.contains("ship was rejected by ben"), "{shot}");
    // The key that was meant for it does nothing else.
    let facts = Scene::facts(&scene.view, scene.second, true);
    assert_eq!(scene.ui.key("y", facts), []);
}

#[test]
fn the_gate_of_the_selection_is_reviewed_first() {
    let mut scene = after("j a")(Skin::Mono);
    assert!(matches!(&scene.ui.overlay, Some(Overlay::Review(it)) if it.gate == 1));
    let requests = scene.keys("enter y");
    let order = Order::Approve { gate: 1, note: String::new(), inputs: Vec::new(), claimed: None };
    assert_eq!(requests, [Request::Order(order)]);
}

#[test]
fn where_nothing_waits_the_key_says_so() {
    let mut scene = super::super::testing::middle(Skin::Mono);
    scene.keys("a");
    assert_eq!(scene.ui.overlay, None);
    assert!(scene.shot((80, 24)).contains("nothing waits for an answer"));
}

#[test]
fn a_small_screen_shows_what_is_asked_and_where_keys_go() {
    let shots = ["a", "a tab tab", "a 2 0 tab tab tab", "a 2 0 tab tab tab right", "a 2 0 tab tab tab enter"];
    let shots = shots.map(|keys| {
        let mut scene = after("")(Skin::Mono);
        scene.buffer((40, 10));
        scene.keys(keys);
        let shot = scene.shot((40, 10));
        format!("{keys}\n{}", shot.split("\n\n").next().unwrap_or_default())
    });
    expect_file!["snapshots/review_40x10.txt"].assert_eq(&shots.join("\n\n"));
}
