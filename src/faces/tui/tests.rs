//! Screens as text: every screen in colour, without colour and in ASCII, at two sizes; the layouts at all of them.

use expect_test::expect_file;

use super::testing::{Scene, Skin, begin, cell_ends, ended, middle, stage, stage_ends};
use super::ui::Request;
use crate::logic::job::event::{Event, Outcome};
use crate::logic::job::order::{Order, RetryScope, Target};

const SKINS: [(Skin, &str); 3] = [(Skin::Color, "color"), (Skin::Mono, "mono"), (Skin::Ascii, "ascii")];

/// Holds a screen to its pictures, in all looks and both sizes.
fn holds(name: &str, scene: &dyn Fn(Skin) -> Scene) {
    for (skin, look) in SKINS {
        for (columns, rows) in [(80, 24), (120, 40)] {
            let shot = scene(skin).shot((columns, rows));
            expect_file![format!("snapshots/{name}_{columns}x{rows}_{look}.txt")].assert_eq(&shot);
        }
    }
}

/// The scene after some keys.
fn after(keys: &'static str) -> impl Fn(Skin) -> Scene {
    move |skin| {
        let mut scene = middle(skin);
        scene.buffer((80, 24));
        scene.keys(keys);
        scene
    }
}

#[test]
fn the_run_view_of_a_job_in_the_middle() {
    holds("run", &middle);
}

#[test]
fn the_run_view_of_a_job_that_failed() {
    holds("ended", &ended);
}

#[test]
fn a_search_in_the_log() {
    holds("search", &after("tab / e r r o r enter"));
}

#[test]
fn the_log_alone_with_times() {
    holds("log", &after("4 t"));
}

#[test]
fn the_matrix() {
    holds("matrix", &after("2"));
}

#[test]
fn help() {
    holds("help", &after("?"));
}

#[test]
fn details() {
    holds("details", &after("d"));
}

#[test]
fn the_dialog_of_a_cancel() {
    holds("cancel", &after("X"));
}

#[test]
fn the_list_of_commands() {
    holds("palette", &after(": r e t"));
}

#[test]
fn a_job_that_is_paused() {
    holds("paused", &|skin| {
        let mut scene = middle(skin);
        let paused =
            crate::logic::job::event::Event::JobPaused { by: "ada".to_owned(), order: String::new() };
        scene.events([paused]);
        scene
    });
}

#[test]
fn every_layout() {
    for (columns, rows) in [(30, 5), (40, 10), (60, 16), (100, 30), (160, 50), (200, 60)] {
        let shot = middle(Skin::Color).shot((columns, rows));
        expect_file![format!("snapshots/layout_{columns}x{rows}.txt")].assert_eq(&shot);
    }
}

#[test]
fn no_size_and_no_key_breaks_the_picture() {
    let keys = "j k G g tab 2 j l enter 4 z z 1 / e enter n N esc ? j esc d esc : r esc & b esc f f w t [ ] { } h l ! esc";
    for columns in [1, 2, 39, 40, 59, 60, 100, 160] {
        for rows in [1, 9, 10, 15, 16, 30, 50] {
            let mut scene = middle(Skin::Ascii);
            scene.buffer((columns, rows));
            for key in keys.split(' ') {
                scene.keys(key);
                let buffer = scene.buffer((columns, rows));
                assert_eq!((buffer.area.width, buffer.area.height), (columns, rows));
            }
        }
    }
}

#[test]
fn verbs_ask_where_something_would_be_lost() {
    let mut scene = middle(Skin::Color);
    scene.buffer((80, 24));
    assert_eq!(scene.keys("p"), [Request::Order(Order::Pause)]);
    // The cursor stands on the cell that failed.
    assert_eq!(scene.keys("r"), [Request::Order(Order::Retry { scope: RetryScope::Cell(4) })]);
    assert_eq!(scene.keys("x"), []);
    assert_eq!(
        scene.ui.notice.as_ref().unwrap().0,
        "build[os=macos, rust=stable] has ended already; r runs it again"
    );
    // One that runs.
    scene.keys("j");
    assert_eq!(scene.keys("x enter x"), []);
    let cancel = Request::Order(Order::Cancel { target: Target::Cell(5), force: false });
    assert_eq!(scene.keys("y"), [cancel]);
    assert_eq!(scene.keys("s y"), [Request::Order(Order::Skip { target: Target::Cell(5) })]);
    // A stage that others need.
    scene.keys("G k k k");
    assert_eq!(scene.keys("s"), []);
    assert_eq!(scene.keys("y"), [Request::Order(Order::Skip { target: Target::Stage(3) })]);
    // What needs it goes first, so that it does not begin because its need was skipped.
    let skip = |stage| Request::Order(Order::Skip { target: Target::Stage(stage) });
    assert_eq!(scene.keys("s a"), [skip(5), skip(3)]);
}

#[test]
fn the_cancel_of_a_job_can_be_called_off() {
    let mut scene = middle(Skin::Color);
    assert_eq!(scene.keys("X X y"), []);
    assert!(scene.ui.undo.is_some());
    scene.keys("u");
    assert!(scene.ui.undo.is_none());
    let cancel = Request::Order(Order::Cancel { target: Target::Job, force: false });
    assert_eq!(scene.keys("X y X"), std::slice::from_ref(&cancel));
    assert_eq!(scene.keys("X y"), []);
    let (requests, _) = scene.ui.expire(std::time::Duration::from_secs(1000));
    assert_eq!(requests, [cancel]);
}

#[test]
fn a_cancel_that_waits_is_not_lost_to_what_can_be_undone_next() {
    let mut scene = middle(Skin::Color);
    scene.buffer((80, 24));
    let cancel = Request::Order(Order::Cancel { target: Target::Job, force: false });
    let skip = Request::Order(Order::Skip { target: Target::Stage(5) });
    // A stage that nothing needs is skipped at once, and can be taken back.
    scene.keys("G k");
    assert_eq!(scene.keys("X y s"), [cancel.clone(), skip]);
    assert!(scene.ui.undo.as_ref().is_some_and(|undo| undo.then.is_empty()));
    // A skip that was refused takes back its own offer only.
    scene.ui.not_skipped();
    assert!(scene.ui.undo.is_none());
    scene.keys("X y");
    scene.ui.not_skipped();
    assert_eq!(scene.ui.take_armed(), [cancel]);
    assert!(scene.ui.take_armed().is_empty());
}

#[test]
fn a_stage_that_did_not_begin_again_is_retried_as_a_stage() {
    let mut scene = Scene::new(Skin::Color);
    let none = serde_json::Value::Null;
    scene.events([
        Event::JobStarted { attempt: 1 },
        stage(0, &[(0, "", none.clone())]),
        begin(0),
        cell_ends(0, Outcome::Success),
        stage_ends(0, Outcome::Success),
        stage(1, &[(1, "", none)]),
        begin(1),
        cell_ends(1, Outcome::Success),
        stage_ends(1, Outcome::Success),
    ]);
    scene.buffer((80, 24));
    // `lint` passed, and stands below what it needs.
    scene.keys("g j");
    let retry = |scope| Request::Order(Order::Retry { scope });
    assert_eq!(scene.keys("r y"), [retry(RetryScope::Cell(1))]);
    // What it needs is run again and fails, so it is skipped; its cell is left from before.
    let (outcome, scope) = (Outcome::Failure, RetryScope::From(0));
    let (by, order, stages, cells) = (String::new(), String::new(), vec![0, 1], Vec::new());
    scene.events([
        Event::JobRetrying { by, order, scope, attempt: 2, stages, cells },
        stage_ends(0, outcome),
        stage_ends(1, Outcome::Skipped),
        Event::JobFinished { outcome, cause: None, rescued: false, outputs: vec![], survivors: vec![] },
    ]);
    scene.is_live = false;
    assert_eq!(scene.keys("r"), [Request::Again(Order::Retry { scope: RetryScope::From(1) })]);
}

#[test]
fn a_search_that_is_begun_and_dropped_keeps_the_one_before_and_the_place() {
    let mut scene = middle(Skin::Color);
    scene.buffer((80, 24));
    scene.keys("tab / e r r o r enter g");
    scene.buffer((80, 24));
    scene.keys("/ esc");
    scene.buffer((80, 24));
    assert_eq!((scene.ui.log.hits(), scene.ui.log.follow, scene.ui.log.shown().start), (2, false, 0));
    scene.keys("/ w i d e esc");
    scene.buffer((80, 24));
    assert_eq!((scene.ui.log.hits(), scene.ui.log.follow, scene.ui.log.shown().start), (0, false, 0));
}

#[test]
fn leaving_asks_only_while_the_job_would_end_with_it() {
    let mut scene = middle(Skin::Color);
    assert_eq!(scene.keys("q esc q q"), []);
    assert_eq!(scene.keys("y"), [Request::CancelAndLeave]);
    assert_eq!(ended(Skin::Color).keys("q"), [Request::Leave]);
    let mut scene = middle(Skin::Color);
    let cancel = |force| Request::Order(Order::Cancel { target: Target::Job, force });
    assert_eq!(scene.keys("ctrl-c ctrl-c ctrl-c ctrl-c"), [cancel(false), cancel(true), Request::Leave]);
}
