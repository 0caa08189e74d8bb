//! Questions follow the job while they stand.

use crate::faces::tui::testing::{
    Scene, Skin, begin, cell_ends, ended, key, middle, stage, stage_ends, step, step_ends,
};
use crate::faces::tui::ui::{Ask, Dialog, Overlay, Request};
use crate::logic::job::event::Outcome;
use crate::logic::job::order::{Order, Target};
use std::time::Duration;

fn screen(scene: &mut Scene) -> String {
    scene.shot((80, 24))
}

/// The job in the middle, as it has been drawn once.
fn drawn() -> Scene {
    let mut scene = middle(Skin::Color);
    screen(&mut scene);
    scene
}

fn notice(scene: &Scene) -> &str {
    scene.ui.notice.as_ref().map_or("", |it| &it.words)
}

#[test]
fn numbers_in_a_question_are_those_of_the_moment() {
    let mut scene = drawn();
    scene.keys("X");
    assert!(screen(&mut scene).contains("Stops 3 running cells"));
    scene.events([step_ends(key(3, 0, 1), Outcome::Success), cell_ends(3, Outcome::Success)]);
    assert!(screen(&mut scene).contains("Stops 2 running cells"));
    scene.events([begin(6), step(key(6, 0, 1)), begin(7), step(key(7, 0, 1))]);
    assert!(screen(&mut scene).contains("Stops 4 running cells"));
}

#[test]
fn a_question_about_what_has_ended_is_closed_with_a_word() {
    let mut scene = drawn();
    scene.keys("j x");
    let asked = Ask::Cancel(crate::faces::tui::tree::RowId::Cell(5));
    assert!(matches!(scene.ui.overlay, Some(Overlay::Dialog(Dialog { ask, .. })) if ask == asked));
    scene.events([step_ends(key(5, 0, 1), Outcome::Success), cell_ends(5, Outcome::Success)]);
    // Not even an answer that comes before the next picture is taken for one to what has ended.
    assert_eq!(scene.keys("y"), []);
    assert_eq!(scene.ui.overlay, None);
    assert_eq!(notice(&scene), "build[os=macos, rust=nightly] has ended meanwhile");

    let mut scene = drawn();
    scene.keys("q");
    assert!(screen(&mut scene).contains("Leave?"));
    scene.events([crate::logic::job::event::Event::JobFinished {
        outcome: Outcome::Success,
        cause: None,
        rescued: false,
        outputs: Vec::new(),
        survivors: Vec::new(),
    }]);
    assert!(!screen(&mut scene).contains("Leave?"));
    assert_eq!(notice(&scene), "the job has ended meanwhile; q leaves");
    // Of one that has ended it is asked whether to run it again.
    let mut scene = ended(Skin::Color);
    screen(&mut scene);
    scene.keys("g r");
    assert!(screen(&mut scene).contains("Run checkout again?"));
}

#[test]
fn between_rounds_it_is_said_that_files_are_watched_and_what_keys_do_then() {
    let waits = "watching 3 files; r runs again, q leaves";
    for key in ["q", "X"] {
        let mut scene = drawn();
        scene.ui.is_round = true;
        scene.ui.hear(crate::faces::live::Note::Waits(waits.to_owned()), Duration::ZERO);
        let text = screen(&mut scene);
        assert!(text.contains("r retry") && !text.contains(waits), "the job runs still: {text}");
        scene.keys(key);
        screen(&mut scene);
        end(&mut scene, Outcome::Failure);
        let text = screen(&mut scene);
        assert_eq!(scene.ui.overlay, None);
        assert_eq!(notice(&scene), format!("the job has ended; {waits}"));
        assert!(text.contains(waits), "it fits: {text}");
        assert!(text.contains("r run again") && !text.contains("retry"), "{text}");
        scene.wait(1);
        assert_eq!(scene.keys("r"), [Request::Round]);
    }
}

#[test]
fn a_dialog_that_is_answered_gives_the_order_of_the_moment() {
    let mut scene = drawn();
    scene.keys("j x");
    scene.events([crate::logic::job::event::Event::CellStopping {
        cell: 5,
        run: 1,
        rung: crate::logic::job::effect::Rung::Polite,
        cause: crate::logic::job::event::Cause::Order { by: "ada".to_owned() },
    }]);
    let text = screen(&mut scene);
    assert!(text.contains("It is stopping already.") && !text.contains("cancel it"), "{text}");
    assert_eq!(scene.keys("K"), [Request::Order(Order::Cancel { target: Target::Cell(5), force: true })]);
}

#[test]
fn the_answer_to_an_order_goes_once_it_can_be_seen() {
    let mut scene = drawn();
    let now = |scene: &Scene| Duration::from_secs(u64::try_from(scene.second).unwrap());
    let at = now(&scene);
    scene.ui.say_of_order("paused: what runs goes on", Order::Pause, at);
    screen(&mut scene);
    assert_eq!(scene.ui.next_change(), Some(at + Duration::from_secs(5)));
    let by = || ("ada".to_owned(), String::new());
    let (name, order) = by();
    scene.events([crate::logic::job::event::Event::JobPaused { by: name, order, freeze: false }]);
    assert!(screen(&mut scene).contains("paused: what runs"));
    assert_eq!(scene.ui.next_change(), Some(at + Duration::from_secs(2)));
    // It is undone again in the meantime, and the words do not stay longer for that.
    let (name, order) = by();
    scene.events([crate::logic::job::event::Event::JobResumed { by: name, order }]);
    screen(&mut scene);
    scene.ui.expire(at + Duration::from_secs(2));
    assert_eq!(notice(&scene), "");
}

#[test]
fn a_question_on_a_small_screen_says_the_beginning_of_everything() {
    let mut scene = drawn();
    scene.keys("X");
    let text = scene.shot((40, 10));
    for words in [
        "Stops 3 running cells: ",
        "politely first",
        "2 stages will not start",
        "`report` still runs",
        "cancel the job",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

const SAGA: &str = "\
version: 3
name: saga
stages:
  one: { steps: [{ id: up, run: a, undo: { run: b } }] }
  two:
    needs: one
    steps:
      - { name: Add the users, run: c, undo: { run: d } }
      - { id: open, run: e, undo: { run: f } }
      - run: g
";

/// The first stage has passed, the second one has failed after two steps that can be undone.
fn saga() -> Scene {
    let mut scene = Scene::of(SAGA, Skin::Mono);
    let passed = Outcome::Success;
    let one = |cell| [(cell, "", serde_json::Value::Null)];
    scene.events([crate::logic::job::event::Event::JobStarted { attempt: 1, title: None }]);
    scene.events([stage(0, &one(0)), begin(0), step(key(0, 0, 1)), step_ends(key(0, 0, 1), passed)]);
    scene.events([cell_ends(0, passed), stage_ends(0, passed)]);
    scene.events([stage(1, &one(1)), begin(1), step(key(1, 0, 1)), step_ends(key(1, 0, 1), passed)]);
    scene.wait(1).events([step(key(1, 2, 1)), step_ends(key(1, 2, 1), passed)]);
    scene.events([step(key(1, 4, 1))]);
    scene.settle();
    screen(&mut scene);
    scene
}

fn end(scene: &mut Scene, outcome: Outcome) {
    scene.events([crate::logic::job::event::Event::JobFinished {
        outcome,
        cause: None,
        rescued: false,
        outputs: Vec::new(),
        survivors: Vec::new(),
    }]);
}

#[test]
fn a_rollback_names_what_is_undone_the_newest_first() {
    let mut scene = saga();
    scene.keys("G U");
    assert_eq!(notice(&scene), "two still runs; it can be rolled back once the job has ended");
    scene.keys("g U");
    assert_eq!(notice(&scene), "one has passed; it can be rolled back once the job has ended");
    let failed = Outcome::Failure;
    scene.events([step_ends(key(1, 4, 1), failed), cell_ends(1, failed), stage_ends(1, failed)]);
    scene.keys("G U");
    let text = screen(&mut scene);
    assert!(text.contains("Roll back two?") && text.contains("Undoes 2 steps"), "{text}");
    assert_eq!(scene.keys("y"), [Request::Order(Order::Rollback { target: Target::Stage(1) })]);

    end(&mut scene, failed);
    scene.keys("g U");
    expect_test::expect_file!["snapshots/roll_back_80x24.txt"].assert_eq(&screen(&mut scene));
    assert_eq!(scene.keys("s"), [Request::Again(Order::Rollback { target: Target::Stage(0) })]);
    scene.keys("U");
    assert_eq!(scene.keys("y"), [Request::Again(Order::Rollback { target: Target::Job })]);
}

#[test]
fn where_nothing_can_be_undone_a_rollback_is_no_question() {
    let mut scene = drawn();
    scene.keys("U");
    assert_eq!(scene.ui.overlay, None);
    assert_eq!(notice(&scene), "no step with an `undo` has succeeded, or all was undone already");
}
