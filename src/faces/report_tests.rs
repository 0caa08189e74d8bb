//! Tests of drawn diagnostics and their JSON.

use expect_test::expect;

use super::{Look, draw, summary, to_json};
use crate::logic::playbook::read;
use crate::logic::playbook::source::Source;

const BROKEN: &str = "version: 3\nstages:\n  build: {needs: docs, run: make}\n  docs: {needs: build, run: make docs}\n  test:\n    needs: [biuld]\n    run: make ${{ inputs.x }}\n";

fn drawn(text: &str) -> String {
    let source = Source::new("playbooks/release.yml", text);
    let reading = read(&source);
    draw(&[(&source, &reading.diagnostics)], Look { is_coloured: false, width: 100 })
}

#[test]
fn each_problem_shows_its_line_its_mark_and_the_way_out() {
    expect![[r#"
        error: these stages wait for each other: `build` → `docs` → `build`
          ╭▸ playbooks/release.yml:3:18
          │
        3 │   build: {needs: docs, run: make}
          │                  ━━━━ waits for `docs`
        4 │   docs: {needs: build, run: make docs}
          │                 ───── waits for `build`
          │
          ├ help: remove one of these needs
          ╰ note: sortie explain need-cycle

        error: stage `test` needs `biuld`, but no stage has that name
          ╭▸ playbooks/release.yml:6:13
          │
        6 │     needs: [biuld]
          │             ━━━━━ not a stage of this playbook
          │
          ├ help: did you mean `build`?
          ╰ note: sortie explain unknown-need

        error: there is no input `x`
          ╭▸ playbooks/release.yml:7:19
          │
        7 │     run: make ${{ inputs.x }}
          │                   ━━━━━━━━
          │
          ├ help: declare it below `inputs`
          ╰ note: sortie explain unknown-input

        3 errors
    "#]]
    .assert_eq(&drawn(BROKEN));
}

#[test]
fn a_sound_file_draws_nothing() {
    assert_eq!(drawn("version: 3\nstages: {a: {run: x}}\n"), "");
}

#[test]
fn twenty_problems_are_shown_and_the_rest_is_counted() {
    let mut text = String::from("version: 3\nstages:\n");
    for at in 0..25 {
        text.push_str(&format!("  s{at}: {{run: x, needs: nothing}}\n"));
    }
    let text = drawn(&text);
    assert_eq!(text.matches("error: ").count(), 20);
    assert!(text.ends_with("and 5 more\n25 errors\n"), "{text}");
}

#[test]
fn colours_come_only_when_asked_for() {
    let source = Source::new("p.yml", BROKEN);
    let reading = read(&source);
    let files = [(&source, reading.diagnostics.as_slice())];
    assert!(!draw(&files, Look::default()).contains('\u{1b}'));
    assert!(draw(&files, Look { is_coloured: true, width: 80 }).contains('\u{1b}'));
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let text = drawn("version: 3\nstages: {a: {run: x, \"k\\e[31m\": 1, needs: \"\u{1b}]0;x\u{7}\"}}\n");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
}

#[test]
fn odd_places_can_be_drawn() {
    for text in [
        "",
        "\n\n",
        "version: 3\r\nstages:\r\n  a:\r\n",
        "é: ${{",
        "a: |\n",
        "version: 3\nstages: {a: {run: \"名前 ${{ x\"}}",
    ] {
        assert!(drawn(text).contains("error: "), "{text:?}");
    }
}

#[test]
fn machines_get_the_same_facts() {
    let source = Source::new(
        "p.yml",
        "version: 3\npolicy: {timeout: 5}\nstages: {a: {run: '${{ github.head_ref }}'}}\n",
    );
    let reading = read(&source);
    let files = [(&source, reading.diagnostics.as_slice())];
    expect![[r#"
        {
          "diagnostics": [
            {
              "slug": "bad-duration",
              "severity": "error",
              "file": "p.yml",
              "line": 2,
              "column": 19,
              "message": "a duration needs a unit, found `5`",
              "help": "write `5s` or `5m`"
            },
            {
              "slug": "untrusted-in-run",
              "severity": "warning",
              "file": "p.yml",
              "line": 3,
              "column": 24,
              "message": "the value of `github.head_ref` becomes part of the command's text",
              "help": "hand it over in `env` and write `\"$NAME\"` here"
            }
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&to_json(&files)).expect("it is JSON"));
    assert_eq!(summary(&files).as_deref(), Some("1 error, 1 warning"));
}
