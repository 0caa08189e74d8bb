//! Screens as text: every screen in colour, without colour and in ASCII, at two sizes; the layouts at all of them.

use expect_test::expect_file;

use super::testing::{Scene, Skin, begin, cell_ends, ended, middle, stage, stage_ends};
use super::ui::Request;
use crate::logic::job::event::{Cause, Event, Outcome};
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
fn the_questions() {
    holds("leave", &after("q"));
    holds("skip", &after("k k k s"));
    holds("freeze", &after("F"));
    holds("stop", &after("k k k x"));
    let ended = |keys: &'static str| {
        move |skin| {
            let mut scene = ended(skin);
            scene.buffer((80, 24));
            scene.keys(keys);
            scene
        }
    };
    holds("again", &ended("g r"));
}

#[test]
fn lists_that_leave_something_out() {
    holds("filter", &after("& l i n u x enter"));
    holds("failed", &after("f"));
}

#[test]
fn a_sheet_with_what_kept_a_job_from_running_on() {
    holds("sheet", &|skin| {
        let mut scene = ended(skin);
        let lines = [
            "error: the file `token` cannot be opened: No such file or directory",
            "  it has the secret `TOKEN`",
        ];
        scene.ui.tell("Nothing was started", lines.map(str::to_owned).to_vec());
        scene
    });
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
        let paused = crate::logic::job::event::Event::JobPaused {
            by: "ada".to_owned(),
            order: String::new(),
            freeze: false,
        };
        scene.events([paused]);
        scene
    });
    // Its clocks stand still.
    holds("frozen", &|skin| {
        let mut scene = middle(skin);
        let (by, order) = ("ada".to_owned(), String::new());
        scene.events([crate::logic::job::event::Event::JobPaused { by, order, freeze: true }]);
        scene.wait(100);
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
        scene.ui.notice.as_ref().unwrap().words,
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
        Event::JobStarted { attempt: 1, title: None },
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

#[test]
fn a_further_try_is_counted_down_each_second_and_waits_in_no_slot() {
    let mut scene = middle(Skin::Mono);
    let until = scene.facts_now().time.after(std::time::Duration::from_secs(12));
    let (key, cause) = (super::testing::key(3, 0, 1), Some(Cause::Exit { code: 3 }));
    scene.events([Event::StepRetrying {
        key,
        until,
        cause,
        end: None,
        left_running: 0,
        rerun: false,
        log_bytes: 0,
    }]);
    let shot = scene.shot((120, 40));
    let row = |shot: &str| shot.lines().find(|line| line.contains("↻")).unwrap_or_default().to_owned();
    assert!(row(&shot).contains("try 2 in   0:12 │"), "{shot}");
    let picture = scene.wait(1).picture((120, 40));
    assert!(picture.has_clock);
    assert!(row(&scene.shot((120, 40))).contains("try 2 in   0:11 │"));
    assert!(scene.shot((80, 60)).contains("2 running, 1 failed, 1 retrying"));
    assert!(scene.shot((120, 40)).contains(" 2 running, 1 failed "));
}

#[test]
fn what_waits_says_that_the_job_is_paused() {
    let mut scene = middle(Skin::Mono);
    assert!(scene.shot((120, 40)).contains("waits slot"));
    scene.events([Event::JobPaused { by: "ada".to_owned(), order: String::new(), freeze: false }]);
    scene.keys("j j j j j j j");
    let shot = scene.shot((120, 40));
    assert!(!shot.contains("waits") && shot.contains("has not begun: paused by ada"), "{shot}");
}

#[test]
fn earlier_tries_keep_why_they_failed() {
    let mut scene = middle(Skin::Mono);
    let key = |attempt| super::testing::key(3, 0, attempt);
    let until = scene.facts_now().time.after(std::time::Duration::from_secs(5));
    let fails = |attempt, code| {
        let cause = Some(Cause::Exit { code });
        Event::StepRetrying {
            key: key(attempt),
            until,
            cause,
            end: None,
            left_running: 0,
            rerun: false,
            log_bytes: 0,
        }
    };
    let begin = |attempt| Event::StepStarted { key: key(attempt) };
    scene.log(key(1), "one\n").log(key(2), "two\n").log(key(3), "three\n");
    scene.events([fails(1, 3)]).wait(5).events([begin(2)]).wait(7).events([fails(2, 4)]);
    scene.ui.tree.select(super::tree::RowId::Cell(3));
    let shot = scene.shot((200, 60));
    assert!(shot.contains("1 Compile: failed 1:23, exited with code 3, tried again"), "{shot}");
    assert!(shot.contains("1 Compile, try 2: failed 0:07, exited with code 4, try 3, waits slot"), "{shot}");
    assert!(shot.contains("try 1: exit code 3  1:23") && shot.contains("try 2: exit code 4  0:07"), "{shot}");
    scene.events([begin(3)]);
    let shot = scene.shot((200, 60));
    assert!(shot.contains("1 Compile, try 2: failed 0:07, exited with code 4, tried again"), "{shot}");
    let earlier = |scene: &Scene| crate::faces::why::earlier_tries(&scene.view, 3, 0).unwrap();
    assert_eq!(earlier(&scene), "exit code 3, exit code 4");
    scene.events((3..7).flat_map(|attempt| [begin(attempt), fails(attempt, 4)]));
    assert_eq!(earlier(&scene), "exit code 3, exit code 4 5 times");
}

#[test]
fn the_strip_of_the_matrix_names_the_cell_in_full_and_the_reason_by_its_step() {
    let mut scene = middle(Skin::Mono);
    scene.buffer((120, 40));
    scene.keys("2");
    let shot = scene.shot((120, 40));
    assert!(shot.contains("─ build[os=macos, rust=stable] ─"), "{shot}");
    assert!(shot.contains(" exited with code 101 after 1:11 "), "{shot}");
    assert!(scene.shot((60, 24)).contains("─ build[macos stable] ─"));
}

#[test]
fn a_stage_never_names_itself_as_its_reason() {
    let mut scene = middle(Skin::Mono);
    let none = serde_json::Value::Null;
    let (outcome, result) = (Outcome::Cancelled, Outcome::Cancelled);
    scene.events([super::testing::stage(3, &[(8, "", none)]), super::testing::begin(8)]);
    let cause = Some(Cause::Order { by: "ada".to_owned() });
    scene.events([
        Event::CellFinished { cell: 8, run: 1, outcome, result, cause, outputs: vec![] },
        Event::StageFinished {
            stage: 3,
            outcome,
            result,
            cause: Some(Cause::Member { names: vec!["test".to_owned()] }),
        },
    ]);
    assert_eq!(crate::faces::why::why_stage(&scene.view, 3).as_deref(), Some("asked for by ada"));
    scene.ui.tree.select(super::tree::RowId::Stage(3));
    let shot = scene.shot((200, 60));
    assert!(shot.contains("asked for by ada") && !shot.contains("did not pass"), "{shot}");
}

#[test]
fn the_filter_finds_cells_by_their_names_and_values_and_shows_their_stage() {
    let mut scene = middle(Skin::Mono);
    // Whoever closed the stage still sees what fits.
    scene.ui.tree.select(super::tree::RowId::Stage(2));
    scene.ui.tree.fold(&scene.view, false);
    let mut filtered = |text: &str| {
        let keys: Vec<String> =
            text.chars().map(|c| if c == ' ' { "space".to_owned() } else { c.to_string() }).collect();
        scene.keys(&format!("esc & {} enter", keys.join(" ")));
        let rows = scene.ui.tree.rows(&scene.view).into_iter().map(|row| match row.id {
            super::tree::RowId::Stage(stage) => scene.view.stage_name(stage).to_owned(),
            super::tree::RowId::Cell(cell) => scene.view.cells[cell as usize].label.to_string(),
        });
        rows.collect::<Vec<_>>().join("; ")
    };
    let nightly = "build; os=linux, rust=nightly; os=macos, rust=nightly; os=windows, rust=nightly";
    assert_eq!(filtered("Nightly"), nightly);
    assert_eq!(filtered("macos stable"), "build; os=macos, rust=stable");
    assert_eq!(filtered("build os=win"), "build; os=windows, rust=stable; os=windows, rust=nightly");
    assert_eq!(filtered("build[os=linux, rust=stable]"), "build; os=linux, rust=stable");
    assert_eq!(filtered("lint"), "lint");
    assert_eq!(filtered("uil"), "build");
    assert_eq!(filtered("bsd"), "");
}

/// A job that ended so, on a screen that was opened two seconds before.
fn just_ended(outcome: Outcome, rescued: bool, survivors: Vec<String>) -> Scene {
    let mut scene = Scene::new(Skin::Mono);
    let end = Event::JobFinished { outcome, cause: None, rescued, outputs: Vec::new(), survivors };
    scene.events([Event::JobStarted { attempt: 1, title: None }]).wait(2).events([end]);
    scene
}

/// When the screen is left by itself, in milliseconds after it was opened, if its last picture came that late.
fn leaves(scene: &mut Scene, stays: bool, drawn: u64) -> Option<u128> {
    let facts = Scene::facts(&scene.view, scene.second, true);
    scene.ui.ended(facts, stays);
    scene.ui.was_drawn(std::time::Duration::from_millis(drawn));
    scene.ui.leave_at.map(|at| at.as_millis())
}

#[test]
fn only_after_a_plain_success_the_screen_is_left_by_itself() {
    let passed = || just_ended(Outcome::Success, false, Vec::new());
    assert_eq!(leaves(&mut passed(), false, 2000), Some(3000));
    assert_eq!(leaves(&mut passed(), true, 2000), None);
    assert_eq!(leaves(&mut just_ended(Outcome::Failure, false, Vec::new()), false, 2000), None);
    assert_eq!(leaves(&mut just_ended(Outcome::Cancelled, false, Vec::new()), false, 2000), None);
    assert_eq!(leaves(&mut just_ended(Outcome::Success, true, Vec::new()), false, 2000), None);
    assert_eq!(leaves(&mut just_ended(Outcome::Success, false, vec!["nc".to_owned()]), false, 2000), None);
    let mut touched = passed();
    touched.keys("j");
    assert_eq!(leaves(&mut touched, false, 2000), None);
    // Somebody who pressed a key long ago has gone since.
    touched.wait(20);
    assert!(leaves(&mut touched, false, 2000).is_some());
    // Something failed, and the job went on.
    let mut scene = middle(Skin::Mono);
    let end = Event::JobFinished {
        outcome: Outcome::Success,
        cause: None,
        rescued: false,
        outputs: vec![],
        survivors: vec![],
    };
    scene.events([end]);
    assert_eq!(leaves(&mut scene, false, 2000), None);
}

#[test]
fn the_last_picture_is_seen_for_a_second_and_the_screen_for_three() {
    let quick = |opened: u64, drawn: u64| {
        let mut scene = just_ended(Outcome::Success, false, Vec::new());
        scene.ui.opened = std::time::Duration::from_millis(opened);
        leaves(&mut scene, false, drawn)
    };
    assert_eq!(quick(1900, 2000), Some(2000 + 2900));
    // It was opened two seconds before the end, and its terminal is slow.
    assert_eq!(quick(0, 7000), Some(8000));
    let mut scene = just_ended(Outcome::Success, false, Vec::new());
    leaves(&mut scene, false, 2000);
    assert!(scene.shot((80, 24)).contains("passed; leaving in 1 s: any key stays, q leaves"));
    let (requests, _) = scene.ui.expire(std::time::Duration::from_secs(3));
    assert_eq!(requests, [Request::Leave]);
    scene.keys("j");
    assert_eq!((scene.ui.leave_at, scene.ui.expire(std::time::Duration::from_secs(9)).0), (None, vec![]));
    assert_eq!(scene.keys("q"), [Request::Leave]);
}

#[test]
fn a_question_is_read_on_the_smallest_screen_and_what_does_not_show_does_nothing() {
    let mut scene = middle(Skin::Mono);
    assert!(scene.shot((30, 5)).contains("too small"));
    for key in ["s", "x", "r", "?", "d", "j"] {
        assert_eq!(scene.keys(key), [], "{key}");
        assert!(scene.ui.overlay.is_none(), "{key}");
    }
    scene.keys("X");
    let shot = scene.shot((30, 5));
    assert!(shot.contains("Cancel") && shot.contains("y ") && shot.contains("Esc keep"), "{shot}");
    // What was opened before is closed as ever.
    let mut scene = middle(Skin::Mono);
    scene.buffer((80, 24));
    scene.keys("?");
    assert!(scene.shot((30, 5)).contains("Esc closes"));
    scene.keys("esc");
    assert!(scene.ui.overlay.is_none());
}

#[test]
fn all_views_have_one_selection() {
    let mut scene = middle(Skin::Mono);
    scene.buffer((120, 40));
    let selected = |scene: &Scene| {
        let facts = Scene::facts(&scene.view, scene.second, true);
        scene.ui.selected(facts.view)
    };
    for key in ["1", "4", "esc"] {
        scene.keys("2 g left left");
        let of_grid = selected(&scene);
        scene.keys("right down");
        let moved = selected(&scene);
        assert!(of_grid != moved && moved.is_some());
        scene.keys(key);
        assert_eq!(selected(&scene), moved, "{key}");
    }
    // The next problem is gone to in the grid as well.
    scene.keys("1 ! 2 g");
    scene.keys("left down down");
    let elsewhere = selected(&scene);
    scene.keys("!");
    let problem = selected(&scene);
    assert_ne!(elsewhere, problem);
    assert!(scene.ui.grid_cell(&scene.view).is_some_and(|cell| {
        scene.view.cells[cell as usize].phase == crate::logic::view::Phase::Done(Outcome::Failure)
    }));
}

#[test]
fn an_answer_to_a_question_that_has_gone_does_nothing_else() {
    let mut scene = middle(Skin::Mono);
    scene.buffer((80, 24));
    scene.keys("X");
    assert!(scene.ui.overlay.is_some());
    let end = Event::JobFinished {
        outcome: Outcome::Failure,
        cause: None,
        rescued: false,
        outputs: vec![],
        survivors: vec![],
    };
    scene.events([end]);
    scene.buffer((80, 24));
    assert!(scene.ui.overlay.is_none());
    let facts = Scene::facts(&scene.view, scene.second, true);
    assert_eq!(scene.ui.key("y", facts), []);
    // A second one is meant as it is.
    let facts = Scene::facts(&scene.view, scene.second, true);
    assert!(matches!(scene.ui.key("y", facts)[..], [Request::Copy { .. }]));
}

#[test]
fn ctrl_c_in_a_question_about_the_end_cancels_whatever_key_asked() {
    for key in ["q", "X", "ctrl-c"] {
        let mut scene = middle(Skin::Mono);
        scene.buffer((80, 24));
        scene.keys(key);
        let order = Request::Order(Order::Cancel { target: Target::Job, force: false });
        assert_eq!(scene.keys("ctrl-c"), [order], "{key}");
    }
}

#[test]
fn a_cell_between_two_steps_of_a_job_that_is_paused_is_not_at_work() {
    use super::testing::{begin, key, stage, step, step_ends};
    let mut scene = Scene::new(Skin::Mono);
    scene.events([
        Event::JobStarted { attempt: 1, title: None },
        stage(2, &[(0, "", serde_json::Value::Null)]),
        begin(0),
    ]);
    scene.events([step(key(0, 0, 1))]).wait(2);
    scene.events([Event::JobPaused { by: "ada".to_owned(), order: String::new(), freeze: false }]);
    assert!(scene.shot((80, 24)).contains("PAUSED, 1 still running"));
    scene.events([step_ends(key(0, 0, 1), Outcome::Success)]).wait(2);
    let shot = scene.shot((80, 24));
    assert!(shot.contains("= PAUSED 0:04") && shot.contains("paused before 2/2"), "{shot}");
}
