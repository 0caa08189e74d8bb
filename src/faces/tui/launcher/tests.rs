//! The launcher as people see and use it: pictures of its states, and what keys do.
//!
//! The pictures are in the folder `snapshots`. Not here: forms (`form_tests.rs`).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use expect_test::expect_file;

use crate::faces::tui::testing::told_picture;

use super::book::Content;
use super::draw;
use super::shelf::{Shelf, Waiting};
use super::state::{Focus, Launcher, Overlay, Request};
use crate::engine::library::Opened;
use crate::engine::{JobId, JobRow};
use crate::faces::hint::Caller;
use crate::faces::launch::{Unbegun, Wanted};
use crate::faces::signs::State;
use crate::faces::tui::glyphs::Glyphs;
use crate::faces::tui::keymap::{Keymap, Place};
use crate::faces::tui::looks::MadeOf;
use crate::faces::tui::motion::Motion;
use crate::faces::tui::theme::{Theme, Token};
use crate::faces::tui::ui::Look;
use crate::logic::keymap::TABLE;
use crate::logic::playbook;
use crate::logic::playbook::source::Source;
use crate::logic::theme::Depth;
use crate::logic::time::Timestamp;

const DEPLOY: &str = "version: 3
name: Deploy the web
description: Ships services/web through staging to production.
tags: [web, production]
inputs:
  version: { type: string, required: true, pattern: '[0-9.]+', description: What to ship }
  env: { type: choice, options: [staging, prod], default: staging }
  dry_run: { type: boolean, default: false }
  replicas: { type: number, default: 3, description: How many }
secrets:
  DEPLOY_TOKEN: { required: true }
  SENTRY: { from: { file: sentry.txt } }
requires: { tools: ['git >= 2.30'], env: [REGION] }
stages:
  checkout: { run: git fetch }
  lint: { needs: checkout, run: make lint }
  test:
    needs: checkout
    matrix: { os: [linux, mac], rust: [stable, beta, nightly] }
    run: make test
  deploy: { needs: [lint, test], run: make deploy }
finally:
  notify: { run: make notify }
";

const BROKEN: &str = "version: 3
name: release
stages:
  build: { runn: make }
  test: { needs: bild, run: make test }
";

const CI: &str = "version: 3
name: ci
description: Builds and tests everything, as the server does.
stages:
  build: { run: make }
  test: { needs: build, run: make test }
";

const PROFILES: &str = "version: 3
name: nightly
vars: { depth: 1 }
profiles:
  quick: { description: A look before the commit, exclude: [e2e], matrix: { os: [linux] } }
  full: { variables: { depth: 3 } }
  nothing: { exclude: [test, e2e] }
inputs:
  note: { type: string, description: What it is for }
stages:
  test: { matrix: { os: [linux, mac] }, run: make test }
  e2e: { needs: test, run: make e2e }
";

const ROOT: &str = "/srv/shop";

fn path(name: &str) -> PathBuf {
    Path::new(ROOT).join("playbooks").join(format!("{name}.yml"))
}

fn content(name: &str, text: &str) -> Content {
    let source = Source::new(format!("playbooks/{name}.yml"), text);
    let reading = playbook::read(&source);
    Content::of(Opened { path: path(name), source, reading })
}

fn time(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

fn row(number: u64, name: &str, outcome: Option<&str>, started: &str, took: u64) -> JobRow {
    let started = time(started);
    let outcome = outcome.map(str::to_owned);
    JobRow {
        number,
        id: JobId(Arc::from(number.to_string())),
        name: name.to_owned(),
        title: None,
        playbook: path(name).display().to_string(),
        state: String::new(),
        finished: outcome.is_some().then(|| started.after(Duration::from_secs(took))),
        took: outcome.is_some().then(|| Duration::from_secs(took)),
        owner_alive: outcome.is_none(),
        owner_pid: None,
        goes_on: false,
        retry_of: None,
        gave_up: None,
        outcome,
        started,
        actor: "ada".to_owned(),
        dir: PathBuf::new(),
    }
}

fn bare(ascii: bool) -> Launcher {
    let look = Look {
        themes: vec![Theme::terminal(Depth::None)],
        theme: 0,
        glyphs: Glyphs { ascii },
        motion: Motion::Reduced,
        keys: Keymap::default(),
        wrong_keys: None,
        made_of: MadeOf::default(),
    };
    let mut launcher = Launcher::new(look, Path::new(ROOT), Caller::default());
    launcher.zone = jiff::tz::TimeZone::UTC;
    launcher
}

fn shelf(names: &[&str], jobs: Vec<JobRow>) -> Shelf {
    let files = names.iter().map(|name| (path(name), (*name).to_owned())).collect();
    Shelf { files, jobs, ..Shelf::default() }
}

/// A project with five playbooks, one of them broken, four jobs, and one that runs.
fn shop(ascii: bool) -> Launcher {
    let mut launcher = bare(ascii);
    let jobs = vec![
        row(215, "ci", None, "2026-11-19T09:59:30Z", 0),
        row(214, "deploy-web", Some("success"), "2026-11-18T17:20:00Z", 341),
        row(213, "ci", Some("failure"), "2026-11-18T16:00:00Z", 12),
        row(58, "ops/rotate-keys", Some("cancelled"), "2026-11-16T02:00:00Z", 122),
        row(12, "release", Some("failure"), "2025-10-12T10:00:00Z", 3723),
    ];
    let names = ["ci", "deploy-web", "nightly", "ops/rotate-keys", "release"];
    launcher.set_shelf(shelf(&names, jobs), Path::new(ROOT), Duration::ZERO);
    for (name, text) in [("ci", CI), ("deploy-web", DEPLOY), ("release", BROKEN), ("ops/rotate-keys", CI)] {
        launcher.set_content(&path(name), content(name, text));
    }
    launcher
}

const NOW: Duration = Duration::from_secs(100);

fn press(launcher: &mut Launcher, keys: &[&str]) -> Vec<Request> {
    // Apart from each other, as by a person.
    let mut requests = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let now = NOW + Duration::from_secs(u64::try_from(at).unwrap());
        requests = launcher.key(key, now);
        if let [Request::Open(_)] = requests[..] {
            requests = launcher.opened(now);
        }
    }
    requests
}

fn drawn(launcher: &mut Launcher, (columns, rows): (u16, u16)) -> String {
    let picture = draw::picture(launcher, (NOW, time("2026-11-19T10:00:00Z")), (columns, rows));
    let mut text = String::new();
    for y in 0..rows {
        let line: String = (0..columns).map(|x| picture.buffer[(x, y)].symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Compares the pictures of a state with those that were looked at.
fn look_at(name: &str, make: &dyn Fn(bool) -> Launcher) {
    for (columns, rows) in [(80, 24), (120, 40)] {
        for word in ["color", "mono", "ascii"] {
            let mut launcher = make(word == "ascii");
            if word == "color" {
                launcher.look.themes = vec![Theme::terminal(Depth::Sixteen)];
            }
            let picture = draw::picture(&mut launcher, (NOW, time("2026-11-19T10:00:00Z")), (columns, rows));
            let text = told_picture(&picture.buffer);
            assert!(word != "ascii" || text.is_ascii(), "{text}");
            expect_file![format!("snapshots/{name}-{columns}x{rows}-{word}.txt")].assert_eq(&text);
        }
    }
}

#[test]
fn the_list_with_its_preview() {
    look_at("list", &|ascii| {
        let mut launcher = shop(ascii);
        press(&mut launcher, &["j"]);
        launcher
    });
}

#[test]
fn a_filter_that_is_being_typed() {
    look_at("filter", &|ascii| {
        let mut launcher = shop(ascii);
        press(&mut launcher, &["/", "d", "e", "p"]);
        launcher
    });
}

#[test]
fn a_broken_playbook_shows_what_is_wrong() {
    look_at("broken", &|ascii| {
        let mut launcher = shop(ascii);
        press(&mut launcher, &["/", "r", "e", "l", "enter"]);
        launcher
    });
}

#[test]
fn a_form_says_what_is_wrong_where_it_is_wrong() {
    look_at("form", &|ascii| {
        let mut launcher = shop(ascii);
        press(&mut launcher, &["j", "enter", "1", ".", "x", "tab", "p", "tab", "space"]);
        press(&mut launcher, &["tab", "backspace", "m", "a", "n", "y", "enter"]);
        launcher
    });
}

#[test]
fn profiles_are_in_the_preview_and_in_the_form() {
    let profiled = |ascii| {
        let mut launcher = shop(ascii);
        launcher.set_content(&path("nightly"), content("nightly", PROFILES));
        press(&mut launcher, &["G"]);
        launcher
    };
    look_at("profiles", &profiled);
    look_at("profile", &|ascii| {
        let mut launcher = profiled(ascii);
        press(&mut launcher, &["enter", "tab", "right", "right", "left"]);
        launcher
    });
    look_at("profile-wrong", &|ascii| {
        let mut launcher = profiled(ascii);
        press(&mut launcher, &["enter", "tab", "left", "tab"]);
        launcher
    });
}

#[test]
fn an_empty_project_says_what_to_do() {
    look_at("empty", &|ascii| {
        let mut launcher = bare(ascii);
        launcher.set_shelf(Shelf::default(), Path::new(ROOT), Duration::ZERO);
        launcher
    });
}

#[test]
fn a_question_of_trust_shows_every_command() {
    look_at("trust", &|ascii| {
        let mut launcher = shop(ascii);
        trusting(&mut launcher);
        launcher
    });
}

#[test]
fn the_plan_and_the_help() {
    look_at("plan", &|ascii| {
        let mut launcher = shop(ascii);
        press(&mut launcher, &["d"]);
        let lines = ["ci: 2 stages, 2 cells", "", "1  build  1 cell", "2  test   1 cell, needs build"];
        launcher.set_outline(&path("ci"), lines.map(str::to_owned).to_vec());
        launcher
    });
    look_at("help", &|ascii| {
        let mut launcher = shop(ascii);
        press(&mut launcher, &["?"]);
        launcher
    });
}

fn trusting(launcher: &mut Launcher) -> Wanted {
    let wanted = Wanted::plain(path("ci"));
    let long = format!("vault read {} && rm -rf /", "x".repeat(150));
    let commands = vec![("TOKEN".to_owned(), "pass show token".to_owned()), ("KEY".to_owned(), long)];
    let why = Unbegun::Asks { playbook: "ci".to_owned(), commands };
    launcher.not_begun(wanted.clone(), why, NOW);
    wanted
}

#[test]
fn every_size_of_a_screen_holds_every_state() {
    let states: [fn(&mut Launcher); 8] = [
        |_| {},
        |it| drop(press(it, &["/", "z", "z"])),
        |it| drop(press(it, &["j", "enter", "x", "tab", "tab"])),
        |it| drop(press(it, &["?"])),
        |it| drop(press(it, &["tab", "G"])),
        |it| drop(press(it, &["z"])),
        |it| drop(trusting(it)),
        |it| drop(press(it, &["j", "enter", "x", "tab", "tab", "tab", "backspace", "x", "enter", "enter"])),
    ];
    for state in states {
        let mut launcher = shop(false);
        state(&mut launcher);
        let heights = [1, 2, 9, 10, 11, 14, 15, 16, 17, 24, 60];
        let widths = [1, 19, 39, 40, 41, 59, 99, 100, 200].into_iter();
        for (columns, rows) in widths.flat_map(|columns| heights.map(|rows| (columns, rows))) {
            let text = drawn(&mut launcher, (columns, rows));
            let is_told = text.replace('\n', " ").contains("is too small") || columns < 20 || rows < 3;
            assert!(is_told || columns >= 40 && rows >= 10, "{columns}x{rows}\n{text}");
        }
    }
}

#[test]
fn the_selection_stands_out_without_colours() {
    let mut launcher = shop(false);
    let picture = draw::picture(&mut launcher, (NOW, Timestamp(0)), (80, 24));
    let style = launcher.look.theme().style(Token::Selection);
    assert!(!style.add_modifier.is_empty());
    assert!(picture.buffer[(0, 3)].modifier.contains(style.add_modifier));
    assert_eq!(picture.buffer[(0, 3)].symbol(), ">");
    assert!(!picture.buffer[(0, 4)].modifier.contains(style.add_modifier));
}

#[test]
fn what_was_used_last_comes_first_and_the_selection_stays_with_its_playbook() {
    let mut launcher = shop(false);
    let names: Vec<&str> = launcher.books.iter().map(|book| &*book.name).collect();
    assert_eq!(names, ["ci", "deploy-web", "ops/rotate-keys", "release", "nightly"]);
    press(&mut launcher, &["G"]);
    let jobs = vec![row(216, "nightly", Some("success"), "2026-11-19T10:00:00Z", 1)];
    launcher.set_shelf(shelf(&["ci", "deploy-web", "nightly"], jobs), Path::new(ROOT), NOW);
    assert_eq!(launcher.selected().map(|book| &*book.name), Some("nightly"));
    assert_eq!(launcher.position(), 0);
    assert!(launcher.books[1].content.good().is_some(), "what was read of ci is still known");
    launcher.set_shelf(shelf(&["ci", "deploy-web"], Vec::new()), Path::new(ROOT), NOW);
    assert_eq!(launcher.selected().map(|book| &*book.name), Some("ci"));
}

#[test]
fn a_filter_finds_names_titles_tags_and_descriptions() {
    let found = |text: &str| -> Vec<String> {
        let mut launcher = shop(false);
        press(&mut launcher, &["/"]);
        launcher.take(&Input::Paste(text.to_owned()), NOW);
        launcher.hits.iter().map(|&at| launcher.books[at].name.clone()).collect()
    };
    assert_eq!(found("dplyw"), ["deploy-web"], "letters of a name");
    assert_eq!(found("the web"), ["deploy-web"], "a title");
    assert_eq!(found("production"), ["deploy-web"], "a tag");
    assert_eq!(found("as the server"), ["ci", "ops/rotate-keys"], "a description");
    assert_eq!(found("nothing has this"), Vec::<String>::new());
    let mut launcher = shop(false);
    press(&mut launcher, &["/", "r", "e", "enter"]);
    assert!(launcher.prompt.is_none() && launcher.hits.len() < 5);
    press(&mut launcher, &["esc"]);
    assert_eq!(launcher.hits.len(), 5);
}

#[test]
fn a_playbook_without_inputs_starts_at_once_and_others_ask_first() {
    let mut launcher = shop(false);
    let begin = Request::Begin(Wanted::plain(path("ci")), Vec::new());
    assert_eq!(press(&mut launcher, &["enter"]), [begin]);
    assert_eq!(press(&mut launcher, &["j", "enter"]), []);
    assert!(launcher.form.is_some());
    assert_eq!(press(&mut launcher, &["2", "esc"]), []);
    assert!(launcher.form.is_none());
    press(&mut launcher, &["enter"]);
    // Nothing is open any more, so Enter is on the button.
    let requests = press(&mut launcher, &["enter"]);
    let [Request::Begin(wanted, agreed)] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!(wanted.inputs, [("version".to_owned(), "2".into())], "what was typed before Esc is kept");
    assert!(agreed.is_empty());
}

#[test]
fn a_profile_goes_into_the_start_and_into_the_plan_and_is_kept() {
    let mut launcher = shop(false);
    let (head, rest) = PROFILES.split_once("inputs:").unwrap();
    let alone = format!("{head}{}", &rest[rest.find("stages:").unwrap()..]);
    launcher.set_content(&path("nightly"), content("nightly", &alone));
    assert_eq!(press(&mut launcher, &["G", "enter"]), [], "there is something to choose, and no input");
    let with = |profile: Option<&str>| Wanted {
        profile: profile.map(str::to_owned),
        ..Wanted::plain(path("nightly"))
    };
    let requests = press(&mut launcher, &["right", "enter"]);
    assert_eq!(requests, [Request::Begin(with(Some("quick")), Vec::new())]);
    launcher.form = None;
    assert_eq!(press(&mut launcher, &["d"]), [Request::Outline(with(Some("quick")))]);
    launcher.set_outline(&path("nightly"), vec!["nightly: 2 stages".to_owned()]);
    assert!(drawn(&mut launcher, (120, 40)).contains("Plan of nightly, profile quick"));
    assert_eq!(press(&mut launcher, &["esc", "enter", "home", "esc", "d"]), [Request::Outline(with(None))]);
    assert!(drawn(&mut launcher, (120, 40)).contains("Plan of nightly "), "Esc keeps it, too");
    // What is wrong is told in the form, and in place of the plan.
    assert_eq!(press(&mut launcher, &["esc", "enter", "end", "enter"]), []);
    let text = drawn(&mut launcher, (80, 24));
    assert!(text.contains("leaves no stage to run"), "{text}");
    assert_eq!(press(&mut launcher, &["esc", "d"]), [Request::Outline(with(Some("nothing")))]);
}

#[test]
fn what_questions_can_change_is_handed_on_and_the_rest_says_the_way_out() {
    let change = |name: &str, text: &str| {
        let mut launcher = shop(false);
        launcher.set_content(&path(name), content(name, text));
        launcher.cursor = Some(path(name));
        assert_eq!(press(&mut launcher, &["E"]), [Request::Change(path(name))]);
        let is_changeable = launcher.is_changeable(NOW);
        (is_changeable, launcher.notice.map(|(words, _)| words).unwrap_or_default())
    };
    assert_eq!(change("ci", CI), (true, String::new()));
    assert_eq!(change("release", BROKEN), (true, String::new()), "questions may mend it");
    assert_eq!(change("ci", "version: 3\nstages: {}\n"), (true, String::new()), "a stage may be added");
    let refused =
        |what: &str| (false, format!("questions cannot change {what}: d shows why, e opens an editor"));
    assert_eq!(change("ci", "version: 3\nstages: [\n"), refused("broken YAML"));
    assert_eq!(change("ci", ""), refused("broken YAML"));
    assert_eq!(change("ci", "version: 2\nstages: { a: { run: x } }\n"), refused("another version"));
    let workflow = "on: push\njobs:\n  a: { runs-on: ubuntu, steps: [{ run: make }] }\n";
    assert_eq!(change("ci", workflow), refused("what is no playbook"));
    assert_eq!(change("ci", "only words\n"), refused("what is no playbook"));
    let mut launcher = shop(false);
    launcher.set_content(&path("ci"), Content::Unreadable("`ci.yml` cannot be read: denied".to_owned()));
    assert!(!launcher.is_changeable(NOW));
    assert!(launcher.notice.is_some_and(|(words, _)| words.ends_with("denied")));
    let mut empty = bare(false);
    empty.set_shelf(Shelf::default(), Path::new(ROOT), NOW);
    assert_eq!(press(&mut empty, &["E"]), []);
    assert!(empty.notice.is_some_and(|(words, _)| words == "no playbook is selected"));
}

#[test]
fn what_cannot_be_run_says_why() {
    let mut launcher = shop(false);
    assert_eq!(press(&mut launcher, &["/", "r", "e", "l", "enter", "enter"]), []);
    assert!(launcher.notice.as_ref().is_some_and(|(words, _)| words.contains("2 errors")));
    assert!(!drawn(&mut launcher, (40, 10)).contains("error: "), "the list has all the room");
    assert_eq!(press(&mut launcher, &["d"]), []);
    for size in [(40, 10), (80, 24), (120, 40)] {
        let text = drawn(&mut launcher, size);
        assert!(text.contains("error: a stage has no key `runn`") && !text.contains("> release"), "{text}");
    }
    drawn(&mut launcher, (80, 24));
    press(&mut launcher, &["G"]);
    assert!(drawn(&mut launcher, (80, 24)).contains("note: sortie explain unknown-need"), "it scrolls");
    press(&mut launcher, &["esc"]);
    assert!(drawn(&mut launcher, (80, 24)).contains("> release"));
    let mut empty = bare(false);
    empty.set_shelf(Shelf::default(), Path::new(ROOT), NOW);
    assert_eq!(press(&mut empty, &["enter"]), []);
    assert_eq!(press(&mut empty, &["w"]), [], "there is no job to watch");
    assert!(empty.notice.is_some());
}

#[test]
fn the_plan_is_shown_without_starting_anything() {
    let mut launcher = shop(false);
    let requests = press(&mut launcher, &["d"]);
    assert_eq!(requests, [Request::Outline(Wanted::plain(path("ci")))]);
    launcher.set_outline(&path("deploy-web"), vec!["of another".to_owned()]);
    assert!(!drawn(&mut launcher, (120, 40)).contains("of another"));
    launcher.set_outline(&path("ci"), vec!["ci: 2 stages".to_owned()]);
    assert!(drawn(&mut launcher, (120, 40)).contains("ci: 2 stages"));
    press(&mut launcher, &["esc"]);
    assert!(!drawn(&mut launcher, (120, 40)).contains("ci: 2 stages"));
    assert_eq!(press(&mut launcher, &["j", "d"]), [], "an input is missing");
    assert!(launcher.notice.is_some());
}

#[test]
fn trust_takes_a_clear_yes() {
    let mut launcher = shop(false);
    let wanted = trusting(&mut launcher);
    assert_eq!(launcher.key("y", NOW + Duration::from_millis(100)), [], "too early to have been read");
    for key in ["enter", "q", "space", "j"] {
        assert_eq!(launcher.key(key, NOW + Duration::from_secs(1)), [], "{key}");
        assert!(matches!(launcher.overlay, Some(Overlay::Trust { .. })), "{key}");
    }
    let requests = launcher.key("y", NOW + Duration::from_secs(1));
    assert!(
        matches!(&requests[..], [Request::Begin(it, agreed)] if *it == wanted && agreed.len() == 2),
        "{requests:?}"
    );
    trusting(&mut launcher);
    assert_eq!(launcher.key("esc", NOW), []);
    assert!(launcher.overlay.is_none());
}

#[test]
fn while_a_job_is_being_started_only_leaving_is_heard() {
    let mut launcher = shop(false);
    launcher.starting = Some((Wanted::plain(path("ci")), NOW));
    for key in ["enter", "q", "w", "esc", "ctrl-z"] {
        assert_eq!(press(&mut launcher, &[key]), [], "{key}");
    }
    assert_eq!(press(&mut launcher, &["ctrl-c"]), [Request::Abandon]);
    assert!(!drawn(&mut launcher, (80, 24)).contains("starting"), "not in the first moments");
    launcher.starting = Some((Wanted::plain(path("ci")), NOW - Duration::from_secs(1)));
    assert!(drawn(&mut launcher, (80, 24)).contains("starting ci; Ctrl-C leaves"));
}

#[test]
fn ctrl_c_leaves_from_everywhere() {
    for keys in [&["ctrl-c"][..], &["/", "ctrl-c"], &["j", "enter", "ctrl-c"], &["?", "ctrl-c"], &["q"]] {
        assert_eq!(press(&mut shop(false), keys), [Request::Leave], "{keys:?}");
    }
}

#[test]
fn keys_that_come_as_fast_as_a_paste_run_nothing() {
    let mut launcher = shop(false);
    let requests: Vec<Request> = (0..12).flat_map(|_| launcher.key("w", NOW)).collect();
    assert!(requests.len() < 8, "{requests:?}");
    assert!(launcher.notice.is_some());
    launcher.take(&Input::Paste("q".to_owned()), NOW);
    assert!(launcher.notice.is_some_and(|(words, _)| words.contains("paste")));
}

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> Input {
    Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
}

#[test]
fn the_mouse_selects_runs_and_scrolls() {
    let mut launcher = shop(false);
    drawn(&mut launcher, (120, 40));
    let press = MouseEventKind::Down(MouseButton::Left);
    let later = NOW + Duration::from_millis(300);
    assert_eq!(launcher.take(&mouse(press, 5, 4), NOW), []);
    assert_eq!(launcher.position(), 1);
    assert_eq!(launcher.take(&mouse(press, 5, 4), later), [Request::Open(path("deploy-web"))]);
    assert_eq!(launcher.take(&mouse(press, 5, 4), later), [], "a third click is a first one again");
    launcher.take(&mouse(MouseEventKind::ScrollDown, 5, 4), later);
    assert_eq!(launcher.position(), 4);
    launcher.take(&mouse(MouseEventKind::ScrollUp, 5, 4), later);
    drawn(&mut launcher, (100, 12));
    launcher.take(&mouse(MouseEventKind::ScrollDown, 80, 6), later);
    assert_eq!((launcher.focus, launcher.preview_top), (Focus::Preview, 3));
    assert_eq!(launcher.take(&mouse(press, 5, 39), later), [], "below everything");
}

#[test]
fn hundreds_of_playbooks_scroll_with_the_selection_in_sight() {
    let mut launcher = bare(false);
    let names: Vec<String> = (0..500).map(|at| format!("book-{at:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    launcher.set_shelf(shelf(&names, Vec::new()), Path::new(ROOT), NOW);
    for (key, name) in [("G", "book-499"), ("g", "book-000"), ("pgdn", ""), ("k", ""), ("ctrl-u", "book-")] {
        press(&mut launcher, &[key]);
        let text = drawn(&mut launcher, (80, 24));
        let line = text.lines().find(|line| line.starts_with('>')).unwrap_or_default();
        assert!(line.contains(name) && line.contains("book-"), "{key}: {line}");
    }
}

#[test]
fn every_key_of_the_table_does_something() {
    for binding in TABLE.iter().filter(|it| it.place == Place::Launcher) {
        for key in binding.keys {
            let mut launcher = shop(false);
            press(&mut launcher, &["/", "e", "enter", "j"]);
            drawn(&mut launcher, (80, 24));
            if ["g", "home", "k", "up", "ctrl-u", "pgup"].contains(key) {
                launcher.select(1);
            }
            let before = drawn(&mut launcher, (80, 24));
            let requests = press(&mut launcher, &[key]);
            let after = drawn(&mut launcher, (80, 24));
            let has_moved = launcher.focus == Focus::Preview;
            assert!(!requests.is_empty() || before != after || has_moved, "{key}: {}", binding.word);
        }
    }
}

#[test]
fn nothing_is_started_on_a_screen_that_shows_nothing() {
    let mut launcher = shop(false);
    let small = drawn(&mut launcher, (30, 5));
    assert!(small.contains("too small"), "{small}");
    for keys in [&["enter"][..], &["j", "enter"], &["w"], &["/", "x"]] {
        assert_eq!(press(&mut launcher, keys), [], "{keys:?}");
    }
    assert!(launcher.form.is_none() && launcher.prompt.is_none());
    assert_eq!(press(&mut launcher, &["q"]), [Request::Leave]);
}

#[test]
fn jobs_that_wait_are_marked_and_say_for_what() {
    let names = ["ci", "deploy-web", "nightly", "release"];
    let standing = |number, name: &str, state: &str| JobRow {
        state: state.to_owned(),
        ..row(number, name, None, "2026-11-19T09:59:30Z", 0)
    };
    let jobs = vec![
        standing(4, "deploy-web", "running"),
        standing(3, "ci", "queued"),
        standing(2, "nightly", "frozen"),
        standing(1, "release", "running"),
    ];
    let waiting = |state, words: &str| Waiting { state, words: words.to_owned() };
    let waits = [
        (4, waiting(State::NeedsYou, "waits for ship: approval")),
        (3, waiting(State::Blocked, "waits for group `prod`, held by job #1")),
    ];
    let mut shelf = shelf(&names, jobs);
    shelf.waits = waits.into_iter().collect();
    let mut launcher = bare(false);
    launcher.set_shelf(shelf, Path::new(ROOT), Duration::ZERO);
    let text = drawn(&mut launcher, (80, 24));
    for words in ["? #4 waits for ship: approval", "◦ #3 waits for group", "= #2 frozen", "▹ #1 running"]
    {
        assert!(text.contains(words), "no `{words}` in\n{text}");
    }
    launcher.jobs.truncate(1);
    let text = drawn(&mut launcher, (80, 24));
    assert!(text.contains("? #4 deploy-web waits for ship: approval; w watches it"), "{text}");
}
