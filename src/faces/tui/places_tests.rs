//! Where the log stands, and what is said about it: the numbers of lines, moving sideways, remarks that come true no more.

use std::time::Duration;

use super::testing::{Scene, Skin, ended, key, middle};
use super::ui::Focus;
use crate::logic::artifact::Artifact;
use crate::logic::job::event::Event;
use crate::logic::time::Timestamp;

fn screen(scene: &mut Scene) -> String {
    scene.shot((80, 24))
}

fn notice(scene: &Scene) -> &str {
    scene.ui.notice.as_ref().map_or("", |it| &it.words)
}

/// Two steps with many short lines, in the log of the cell that stands selected.
fn long() -> Scene {
    let mut scene = middle(Skin::Color);
    let lines = |step: u32| (1..=100).map(|at| format!("step {step} says {at}\n")).collect::<String>();
    scene.log(key(2, 0, 1), &lines(1)).log(key(2, 1, 1), &lines(2));
    screen(&mut scene);
    scene.keys("k k");
    screen(&mut scene);
    scene
}

#[test]
fn the_line_that_is_gone_to_is_the_first_that_the_title_names() {
    for (line, says) in
        [(1, "step 1 says 1"), (100, "step 1 says 100"), (101, "step 2 says 1"), (150, "step 2 says 50")]
    {
        let mut scene = long();
        let typed: Vec<String> = line.to_string().chars().map(String::from).collect();
        scene.keys(&format!(": {} enter", typed.join(" ")));
        let text = screen(&mut scene);
        let title = text.lines().position(|it| it.contains("Log  build")).unwrap();
        let rows: Vec<&str> = text.lines().collect();
        assert!(rows[title].contains(&format!("lines {line}-")), "{text}");
        assert!(rows[title].contains("of 200 "), "{text}");
        assert_eq!(rows[title + 1].trim_matches(['|', ' ']), says, "{text}");
        assert_eq!(notice(&scene), format!("line {line}"));
    }
    // Beyond the end is the end.
    let mut scene = long();
    scene.keys(": 9 9 9 enter");
    assert_eq!(notice(&scene), "line 200");
}

#[test]
fn a_remark_about_a_place_goes_with_the_place() {
    let mut scene = long();
    scene.keys(": 5 0 enter");
    assert!(screen(&mut scene).contains(" line 50 "));
    scene.ui.log.scroll(3);
    assert!(!screen(&mut scene).contains(" line 50 "));
    scene.keys(": 5 0 enter");
    assert_eq!(notice(&scene), "line 50");
    scene.keys("e");
    assert!(!screen(&mut scene).contains(" line 50 "));
}

#[test]
fn a_line_that_goes_on_beyond_an_edge_is_marked_and_can_be_followed_from_the_list() {
    for (skin, left, right) in [(Skin::Color, '‹', '›'), (Skin::Ascii, '~', '~')] {
        let mut scene = ended(skin);
        screen(&mut scene);
        scene.keys("w");
        assert_eq!(scene.ui.focus, Focus::List);
        let edge =
            |text: &str, mark: char| text.lines().filter(|it| it.ends_with(&format!("{mark}|"))).count();
        assert_eq!(edge(&screen(&mut scene), right), 1);
        scene.keys(">");
        let text = screen(&mut scene);
        assert!(text.lines().filter(|it| it.starts_with(&format!("| {left}"))).count() > 4, "{text}");
        scene.keys("> > > > > >");
        screen(&mut scene);
        scene.keys("> >");
        assert_eq!(notice(&scene), "no line in sight goes on to the right");
        scene.keys("0");
        assert_eq!(scene.ui.log.sideways, 0);
        scene.keys("<");
        assert_eq!(notice(&scene), "this is where the lines begin");
        scene.keys("w >");
        assert!(notice(&scene).contains("are wrapped"));
        // Where the log has the keys, the arrows do the same.
        scene.keys("w tab l right");
        assert_eq!(scene.ui.log.sideways, 16);
    }
    let mut scene = middle(Skin::Color);
    scene.keys("?");
    assert!(scene.shot((120, 120)).contains("log right"));
    // The last of the help is a key away.
    scene.keys("G");
    assert!(scene.shot((80, 24)).contains("interrupt"));
}

#[test]
fn keys_that_do_nothing_say_so() {
    let mut scene = middle(Skin::Mono);
    screen(&mut scene);
    for (keys, words) in [
        ("H", "`H` (heat) is for use in the matrix"),
        ("}", "`}` (next step) is for use in the log"),
        ("v", "`v` means nothing here; ? lists the keys"),
        ("n", "nothing is searched for; / begins a search"),
        ("2 >", "two axes or fewer: there is only this slice"),
        ("<", "two axes or fewer: there is only this slice"),
        ("]", "no other stage with a matrix has begun"),
        ("H", "cells are shaded by how long they took"),
        ("H", "no shades"),
    ] {
        scene.keys(keys);
        screen(&mut scene);
        assert_eq!(notice(&scene), words, "{keys}");
    }
}

#[test]
fn the_keys_that_are_needed_stay_in_the_line() {
    let mut scene = middle(Skin::Color);
    screen(&mut scene);
    scene.keys("2");
    for (columns, wanted) in [
        (
            80,
            &[
                "p pause",
                "s skip",
                "x cancel",
                "r retry",
                "f failed",
                "1 run",
                "enter log",
                "? help",
                "q quit",
            ][..],
        ),
        (120, &["f failed", "1 run", "enter log", "\\ transpose", "H heat", "q quit"][..]),
        (60, &["p pause", "r retry  f 1 ", "? help", "q quit"][..]),
        (40, &[" p s x r f 1 ", "? help", "q quit"][..]),
    ] {
        let text = scene.shot((columns, 24));
        let line = text.lines().nth(23).unwrap();
        assert!(wanted.iter().all(|it| line.contains(it)), "{columns} {line}");
    }
}

#[test]
fn only_what_failed_itself_is_shown_among_failures() {
    let mut scene = ended(Skin::Color);
    screen(&mut scene);
    scene.keys("f");
    let text = screen(&mut scene);
    assert!(
        text.contains("macos · stable") && !text.contains("fail-fast") && !text.contains("linux"),
        "{text}"
    );
    assert!(
        text.lines().nth(2).unwrap().contains("Stages that failed") && text.contains(" 1 cell "),
        "{text}"
    );
    scene.keys("2 f");
    let text = screen(&mut scene);
    assert!(text.contains("1 of 6 cells failed, only those"), "{text}");
    let body: String = text.lines().take(18).skip(3).collect();
    assert!(body.contains("✗") && !body.contains("⊗") && !body.contains("windows"), "{text}");
    // The cell beside it passed, and is no failure.
    assert!(!body.contains("✓ 0:12"), "{text}");
}

#[test]
fn details_are_told_in_full_on_a_small_screen() {
    let mut scene = middle(Skin::Color);
    screen(&mut scene);
    scene.keys("d");
    let mut seen = String::new();
    let mut has_thumb = false;
    for _ in 0..30 {
        let text = scene.shot((40, 10));
        has_thumb |= text.contains('┃');
        let inner = |line: &str| line.split(['│', '┃']).nth(1).map(|it| format!("{}\n", it.trim()));
        seen.extend(text.lines().take(9).filter_map(inner));
        scene.keys("j");
    }
    assert!(seen.contains("os=macos, rust=stable") && has_thumb, "{seen}");
    // Longer than a row, broken between words.
    assert!(seen.contains("cargo build --locked\n--release\n") && !seen.contains('~'), "{seen}");
}

#[test]
fn what_a_stage_keeps_stands_in_its_details_a_line_each() {
    let mut scene = ended(Skin::Color);
    let now = scene.facts_now().time;
    let mut keeps = |cell: u32, out: u32, name: &str, until: Timestamp| {
        let artifact = Artifact {
            name: name.into(),
            manifest: "00".repeat(32),
            digest: "11".repeat(32),
            files: 4,
            bytes: 99_943,
            until,
        };
        scene.events([Event::ArtifactPublished { cell, run: 1, out, artifact: Box::new(artifact) }]);
    };
    keeps(0, 0, "tree", now.after(Duration::from_secs(60)));
    keeps(0, 1, "old \u{1b}[31m one", now);
    keeps(1, 0, "elsewhere", now);
    screen(&mut scene);
    scene.keys("g g d");
    let text = screen(&mut scene);
    assert!(text.contains("keeps"), "{text}");
    assert!(text.contains("tree: 4 files, 97.6 KiB ") && !text.contains("elsewhere"), "{text}");
    assert!(text.contains("one: 4 files, 97.6 KiB, expired") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn what_will_never_run_is_not_shown_as_waiting() {
    let mut scene = ended(Skin::Color);
    screen(&mut scene);
    scene.keys("! d");
    let text = screen(&mut scene);
    let step = text.lines().find(|it| it.contains("2 Package")).unwrap();
    assert!(step.contains("⊘ 2 Package  not run"), "{text}");
    // Nobody works on the job any more, and it had not ended.
    let mut scene = middle(Skin::Color);
    scene.is_live = false;
    screen(&mut scene);
    scene.keys("j d");
    let text = screen(&mut scene);
    assert!(
        text.contains("⊗ 1 Compile") && text.contains("interrupted") && text.contains("not run"),
        "{text}"
    );
}

#[test]
fn how_it_went_is_read_before_the_rest_of_a_step_and_both_ends_of_a_name() {
    let mut scene = ended(Skin::Color);
    let text = scene.shot((100, 30));
    assert!(text.contains("macos · stable"), "{text}");
    let row = text.lines().find(|it| it.starts_with("|>")).unwrap();
    assert!(row.contains(" exit 101 "), "{row}");
    // The pane of problems.
    let row = text.lines().find(|it| it.starts_with("| ✗ build[")).unwrap();
    assert!(row.contains("rust=stable]") && row.contains("exit 101"), "{row}");
}
