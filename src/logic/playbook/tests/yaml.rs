//! Tests of YAML: places, kinds, anchors, budgets, and faults in plain words.

use expect_test::expect;

use super::check_full;
use crate::logic::playbook::scalar::{Core, plain};
use crate::logic::playbook::source::Source;
use crate::logic::playbook::{read, read_bytes};

fn slugs(bytes: &[u8]) -> String {
    let (source, reading) = read_bytes("p.yml", bytes);
    super::lines(&source, &reading)
}

#[test]
fn plain_scalars_follow_the_core_schema() {
    for text in [
        "on", "off", "yes", "no", "y", "0b1", "1_000", "0o", "0x", "1.2.3", "1e", "+", "-", ".", "0o8",
        "12:30",
    ] {
        assert_eq!(plain(text), Core::Text(text));
    }
    assert_eq!(plain("0105"), Core::Int(105));
    assert_eq!(plain("0o17"), Core::Int(15));
    assert_eq!(plain("0x1F"), Core::Int(31));
    assert_eq!(plain("-7"), Core::Int(-7));
    assert_eq!(plain("+7"), Core::Int(7));
    assert_eq!(plain("1.5"), Core::Float(1.5));
    assert_eq!(plain(".5"), Core::Float(0.5));
    assert_eq!(plain("1."), Core::Float(1.0));
    assert_eq!(plain("1e3"), Core::Float(1000.0));
    assert_eq!(plain("-.inf"), Core::Float(f64::NEG_INFINITY));
    assert_eq!(plain("True"), Core::Bool(true));
    assert_eq!(plain("~"), Core::Null);
}

#[test]
fn a_mark_of_byte_order_and_windows_line_ends_are_fine() {
    let text =
        "\u{feff}version: 3\r\nstages:\r\n  a:\r\n    run: |\r\n      one\r\n      two\r\n    needs: [b]\r\n";
    assert_eq!(slugs(text.as_bytes()), "error unknown-need 7:13 `b`\n");
}

#[test]
fn what_is_no_text_is_no_playbook() {
    assert_eq!(
        slugs(b"version: 3\nstages: \xff\n"),
        "error not-text 2:9 `\u{fffd}`\n".replace('\u{fffd}', "?")
    );
    assert_eq!(slugs(b"a\0b"), "error not-text 1:2 ` `\n");
    assert_eq!(slugs(b"\xff\xfea\0"), "error not-text 1:1 `?`\n");
    assert_eq!(slugs(&vec![b'#'; 5 << 20]), "error file-too-large 1:1 ``\n");
    assert_eq!(slugs(b""), "error empty-file 1:1 ``\n");
}

#[test]
fn merge_keys_keep_what_is_written_and_take_the_rest() {
    let text = "version: 3\nx-a: &a {run: one, timeout: 5m}\nx-b: &b {timeout: 6m, priority: 2}\nstages:\n  s: {<<: [*a, *b], run: two}\n";
    let source = Source::new("p.yml", text);
    let reading = read(&source);
    let playbook = reading.playbook.expect("the playbook is fine");
    let stage = &playbook.stages[0];
    assert_eq!(stage.timeout.as_secs(), 300);
    assert_eq!(stage.priority, 2);
    assert!(
        matches!(&stage.steps.steps[0].action, crate::logic::playbook::model::Action::Run { text, .. } if text.template.as_literal() == Some("two"))
    );
}

#[test]
fn a_small_file_cannot_become_a_large_one() {
    let mut bomb = String::from("version: 3\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for at in 1..10 {
        let before = format!("*a{}, ", at - 1).repeat(10);
        bomb.push_str(&format!("a{at}: &a{at} [{before}]\n"));
    }
    assert!(slugs(bomb.as_bytes()).starts_with("error too-many-nodes "));
    let deep = format!("version: 3\nx-a: {}{}\n", "[".repeat(70), "]".repeat(70));
    assert!(slugs(deep.as_bytes()).starts_with("error too-deep "));
    let deep = format!("x-a: {}\n", "[".repeat(100_000));
    assert!(slugs(deep.as_bytes()).starts_with("error too-deep "));
    let many = format!("version: 3\nx-a: &a 1\nx-b: [{}]\n", "*a, ".repeat(10_001));
    assert!(slugs(many.as_bytes()).starts_with("error too-many-aliases "));
    let wide = format!("x-a: [{}]\n", "1, ".repeat(250_000));
    assert!(slugs(wide.as_bytes()).starts_with("error too-many-nodes "));
}

#[test]
fn faults_of_yaml_come_with_a_way_out() {
    check_full(
        "stages:\n\ta: x\n",
        expect![[r#"
        2:1 yaml-tab: a tab stands where YAML wants spaces
          help: indent with spaces; most editors can convert tabs
    "#]],
    );
    check_full(
        "stages:\n  a: {run: \"x}\n",
        expect![[r#"
        2:12 yaml-syntax: a quote is opened but never closed
          help: close the quote; inside single quotes, write `''` for one of them
    "#]],
    );
    check_full(
        "stages:\n  a:\n    run: x\n   needs: b\n",
        expect![[r#"
        4:4 yaml-syntax: this line is indented differently from the ones that it belongs to
          help: let all keys of one map begin in the same column
    "#]],
    );
    check_full(
        "stages:\n  a:\n    run: echo: hi\n",
        expect![[r#"
        3:14 yaml-syntax: there is a second `: ` on this line
          help: put the text in quotes, because a colon and a space in it begin a value
    "#]],
    );
    check_full(
        "name: x\nstages:\n  a: {run: ${{ inputs.x }}}\n",
        expect![[r#"
        3:13 yaml-syntax: the braces of `${{ }}` are read as YAML here
          help: inside `{ }` and `[ ]` a text with `${{ }}` has to stand in quotes, because its braces have a meaning in YAML
    "#]],
    );
    check_full(
        "stages:\n  a:\n    if: !cancelled()\n    run: x\n",
        expect![[r#"
        3:9 yaml-tag: `!cancelled()` is a YAML tag, and playbooks have none
          help: put the condition in quotes, because a `!` at its beginning has a meaning in YAML
    "#]],
    );
    check_full(
        "stages:\n  a:\n    run: [x\n",
        expect![[r#"
        3:10 yaml-syntax: a bracket is opened but never closed
          help: add the closing `]` or `}`
    "#]],
    );
    check_full(
        "stages:\n  a:\n    - run\n    b: c\n",
        expect![[r#"
        4:5 yaml-syntax: a list and a map are mixed here
          help: begin every part of a list with `- `, all in the same column
    "#]],
    );
    check_full(
        "name:x\nstages: {}\n",
        expect![[r#"
        1:5 yaml-syntax: a space is missing behind the colon
          help: write `key: value`, with a space behind the colon
    "#]],
    );
}

#[test]
fn faults_of_keys_anchors_and_documents_come_with_a_way_out() {
    check_full(
        "name: a\nname: b\nstages: {a: {run: x}}\n",
        expect![[r#"
        2:1 duplicate-key: the key `name` stands twice in the same map
          1:1 first time
          help: remove one of the two, or rename it
    "#]],
    );
    check_full(
        "stages: {a: {run: *x}}\n",
        expect![[r#"
        1:19 unknown-anchor: there is no anchor `&x` above this place
          help: text that begins with `*` has to stand in quotes
    "#]],
    );
    check_full(
        "stages: {a: &a {run: *a}}\n",
        expect![[r#"
        1:22 alias-loop: this alias stands inside the value that it repeats
          1:16 the value begins here
          help: an alias may only repeat a value that ended before it
    "#]],
    );
    check_full(
        "stages: {a: {run: x}}\n---\n",
        expect![[r#"
        2:1 several-documents: this file holds more than one document
          help: keep one playbook per file
    "#]],
    );
    check_full(
        "stages: {a: {run: x, <<: 5}}\n",
        expect![[r#"
        1:26 merge-not-a-map: a merge key `<<` takes a map or a list of maps
          help: write `<<: *anchor`, where the anchor stands at a map
    "#]],
    );
    check_full(
        "name: 'a'b'\n",
        expect![[r#"
        1:10 yaml-syntax: there is text behind a closing quote
          help: put the whole text in quotes; `''` stands for `'` in single quotes, `\"` for `"` in double ones
    "#]],
    );
    check_full(
        "name: @x\n",
        expect![[r#"
        1:7 yaml-syntax: this text begins with a character that YAML keeps for itself
          help: put the text in quotes
    "#]],
    );
    check_full(
        "name: \"\\d\"\n",
        expect![[r#"
        1:7 yaml-syntax: a backslash in double quotes begins an escape, and this is none
          help: write `\\` for a backslash, or use single quotes
    "#]],
    );
    check_full(
        "[a]: b\n",
        expect![[r#"
        1:1 key-not-text: a key has to be a single word or text
          help: text with `{`, `[` or `?` at its beginning has to stand in quotes
        1:1 missing-key: a playbook needs the key `stages`
          help: add `stages:` with at least one stage, such as `build: {run: make}`
    "#]],
    );
}
