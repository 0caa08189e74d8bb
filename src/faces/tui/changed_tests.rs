//! The banner of a changed playbook, and what is offered.

use std::time::Duration;

use crate::engine::watching::{Other, Version};
use crate::faces::live::Note;
use crate::faces::tui::testing::{Scene, Skin, ended, middle};
use crate::faces::tui::ui::{Overlay, Request};
use crate::logic::plan::difference::{Difference, Kind, StageDifference};

const SIZE: (u16, u16) = (80, 24);

fn other(problem: Option<&str>) -> Note {
    let stage = |stage: &str, kind, what: &[&str]| StageDifference {
        stage: stage.to_owned(),
        kind,
        what: what.iter().map(|&it| it.to_owned()).collect(),
    };
    let stages =
        vec![stage("scan", Kind::Added, &[]), stage("build", Kind::Changed, &["needs: + scan", "matrix"])];
    let difference = Difference { stages, keys: Vec::new() };
    Note::Book(Version::Other(Other {
        path: "playbooks/deploy.yml".into(),
        file: "deploy.yml".to_owned(),
        difference,
        problem: problem.map(str::to_owned),
    }))
}

fn broken() -> Note {
    let why = "playbooks/deploy.yml:3:5: unknown key `stgaes`".to_owned();
    Note::Book(Version::Broken { file: "playbooks/deploy.yml".to_owned(), why })
}

/// A job that has been drawn once and then hears something.
fn hearing(mut scene: Scene, note: Note) -> Scene {
    scene.shot(SIZE);
    scene.ui.hear(note, Duration::ZERO);
    scene
}

fn last_lines(scene: &mut Scene) -> String {
    // What was only said has gone by then.
    scene.ui.notice = None;
    scene.shot(SIZE)
}

#[test]
fn the_banner_says_what_differs_and_goes_when_the_file_is_changed_back() {
    let mut scene = hearing(middle(Skin::Color), other(None));
    let banner = "deploy.yml changed: 1 stage added, 1 changed; Ctrl-r: new job";
    assert!(last_lines(&mut scene).contains(banner), "{}", last_lines(&mut scene));
    scene.ui.hear(Note::Book(Version::Same), Duration::ZERO);
    assert!(scene.shot(SIZE).contains("deploy.yml says again what this job runs"));
    assert!(!last_lines(&mut scene).contains("changed"));
}

#[test]
fn what_is_broken_is_told_with_its_place_and_starts_nothing() {
    let mut scene = hearing(ended(Skin::Color), broken());
    assert!(last_lines(&mut scene).contains("not taken: playbooks/deploy.yml:3:5: unknown key `stgaes`"));
    assert_eq!(scene.keys("ctrl-r"), []);
    assert!(scene.shot(SIZE).contains("nothing was started: playbooks/deploy.yml:3:5"));
    scene.keys("C");
    assert!(scene.shot(SIZE).contains("deploy.yml has errors"));
}

#[test]
fn between_rounds_a_file_that_is_mended_needs_no_key() {
    let mut scene = hearing(ended(Skin::Color), broken());
    scene.keys("C");
    assert!(scene.shot(SIZE).contains("Once the file is mended, Ctrl-r"));
    scene.keys("esc");
    scene.ui.is_round = true;
    scene.keys("C");
    let shot = scene.shot(SIZE);
    assert!(shot.contains("Once the file is mended, the next") && !shot.contains("Ctrl-r starts"), "{shot}");
}

#[test]
fn the_sheet_lists_each_stage_with_what_changed() {
    let mut scene = hearing(middle(Skin::Color), other(None));
    scene.keys("C");
    let shot = scene.shot(SIZE);
    for line in ["+ stage scan", "~ stage build", "needs: + scan", "matrix"] {
        assert!(shot.contains(line), "{line}\n{shot}");
    }
    scene.keys("esc");
    assert_eq!(scene.ui.overlay, None);
}

#[test]
fn a_job_that_runs_is_asked_about_and_enter_starts_nothing() {
    let mut scene = hearing(middle(Skin::Color), other(None));
    assert_eq!(scene.keys("ctrl-r"), []);
    assert!(matches!(scene.ui.overlay, Some(Overlay::Dialog(_))));
    let shot = scene.shot(SIZE);
    assert!(shot.contains("start it beside this one"), "{shot}");
    scene.wait(1);
    assert_eq!(scene.keys("enter"), []);
    assert_eq!(scene.keys("y"), [Request::Fresh]);
    scene.keys("ctrl-r");
    scene.wait(1);
    assert_eq!(scene.keys("c"), [Request::CancelThenFresh]);
    scene.keys("ctrl-r");
    scene.wait(1);
    assert_eq!(scene.keys("esc"), []);
    assert_eq!(scene.ui.overlay, None);
}

#[test]
fn of_a_job_that_has_ended_a_new_one_starts_at_once() {
    let mut scene = hearing(ended(Skin::Color), other(None));
    assert_eq!(scene.keys("ctrl-r"), [Request::Fresh]);
    let mut scene = hearing(ended(Skin::Color), other(Some("the input `who` is required")));
    assert_eq!(scene.keys("ctrl-r"), []);
    let notice = scene.ui.notice.as_ref().map(|it| it.words.as_str());
    assert_eq!(notice, Some("deploy.yml cannot be started as this job was: the input `who` is required"));
}

#[test]
fn without_a_change_there_is_nothing_to_start() {
    let mut scene = ended(Skin::Color);
    scene.shot(SIZE);
    assert_eq!(scene.keys("ctrl-r C"), []);
    assert!(scene.shot(SIZE).contains("the playbook says what this job runs"));
}
