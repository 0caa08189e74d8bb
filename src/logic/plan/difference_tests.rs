//! What is told of two playbooks that differ.

use std::sync::Arc;

use crate::logic::plan::difference::{Difference, difference};
use crate::logic::plan::{PlanRequest, plan};
use crate::logic::playbook::testing::read_whole;

const BASE: &str = "version: 3
env: {TONE: loud}
stages:
  lint: {run: ruff}
  build:
    needs: lint
    matrix: {os: [a, b]}
    steps:
      - {id: make, run: make}
      - run: strip it
  ship: {needs: build, run: ship}
";

fn between(old: &str, new: &str) -> Difference {
    let of = |text: &str| {
        let (_, reading) = read_whole("x.yml", text.as_bytes());
        let playbook = reading.playbook.unwrap_or_else(|| panic!("{:?}", reading.diagnostics));
        plan(Arc::new(playbook), &PlanRequest::default()).expect("a plan").playbook
    };
    difference(&of(old), &of(new))
}

fn told(old: &str, new: &str) -> (String, Vec<String>) {
    let it = between(old, new);
    (it.words(), it.lines())
}

#[test]
fn comments_and_places_are_no_difference() {
    let moved = BASE.replace("stages:", "# hello\n\n\nstages: # here").replace("[a, b]", "[ a,  b ]");
    assert_eq!(between(BASE, &moved), Difference::default());
    assert_eq!(between(BASE, &moved).words(), "nothing that runs differs");
    assert_eq!(between(BASE, &moved).lines().len(), 1);
}

#[test]
fn each_stage_is_told_with_what_changed_about_it() {
    let new = BASE
        .replace("    needs: lint\n", "    timeout: 5m\n")
        .replace("[a, b]", "[a, b, c]")
        .replace("- run: strip it", "- run: strip all\n      - {run: sign}")
        .replace("{id: make, run: make}", "{id: make, run: make all}");
    let (words, lines) = told(BASE, &new);
    assert_eq!(words, "1 stage differs");
    assert_eq!(
        lines,
        [
            "~ stage build",
            "    needs: - lint",
            "    matrix",
            "    timeout",
            "    ~ step make",
            "    + step `strip all`",
            "    + step `sign`",
            "    - step `strip it`",
        ]
    );
}

#[test]
fn stages_that_come_and_go_are_counted() {
    let new = BASE
        .replace("  lint: {run: ruff}\n", "  test: {run: pytest}\n  scan: {run: scan}\n")
        .replace("needs: lint", "needs: test");
    let (words, lines) = told(BASE, &new);
    assert_eq!(words, "2 stages added, 1 removed, 1 changed");
    assert_eq!(
        lines,
        ["+ stage test", "+ stage scan", "~ stage build", "    needs: + test, - lint", "- stage lint"]
    );
    assert_eq!(told(&new, BASE).0, "1 stage added, 2 removed, 1 changed");
}

#[test]
fn two_stages_that_only_changed_differ() {
    let new = BASE.replace("run: ship", "run: ship it").replace("run: ruff", "run: ruff .");
    assert_eq!(told(BASE, &new).0, "2 stages differ");
}

#[test]
fn keys_of_the_playbook_itself_are_named() {
    let new = BASE.replace("loud", "quiet").replace("stages:", "vars: {a: b}\nstages:");
    let (words, lines) = told(BASE, &new);
    assert_eq!(words, "`vars` and `env` differ");
    assert_eq!(lines, ["~ vars", "~ env"]);
}

#[test]
fn steps_in_another_order_are_told_as_that() {
    let one = "version: 3\nstages:\n  a:\n    steps:\n      - run: x\n      - run: y\n";
    let two = "version: 3\nstages:\n  a:\n    steps:\n      - run: y\n      - run: x\n";
    assert_eq!(told(one, two).1, ["~ stage a", "    steps, in another order"]);
}

#[test]
fn stages_of_called_playbooks_count() {
    let whole = |run: &str| {
        format!(
            "version: 3\nstages:\n  build: {{uses: ./lib/build.yml}}\n# file: lib/build.yml\nversion: 3\non: call\nstages:\n  compile: {{run: {run}}}\n"
        )
    };
    let (words, lines) = told(&whole("cc"), &whole("gcc"));
    assert_eq!(words, "1 stage differs");
    assert_eq!(lines, ["~ stage build / compile", "    + step `gcc`", "    - step `cc`"]);
}
