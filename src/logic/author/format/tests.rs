//! Layouts: what is odd becomes usual, what is usual stays, and nothing means anything else afterwards.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::super::edit::tests::{fixtures, walk::comments};
use super::format;
use crate::logic::playbook::source::Source;

fn laid_out(text: &str) -> Result<String, String> {
    format(&Source::new("playbook.yml", text)).map_err(|found| found[0].message.clone())
}

/// Checks with readers that are not ours that nothing but the layout differs.
fn is_the_same(before: &str, after: &str) {
    let words = |text: &str| comments(text).into_iter().map(|(_, words)| words).collect::<Vec<_>>();
    assert_eq!(words(before), words(after), "{before}\n---\n{after}");
    let values = |text: &str| {
        let read: serde_yaml::Value =
            serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        serde_yaml::to_string(&read).expect("it can be written")
    };
    assert_eq!(values(before), values(after), "{before}\n---\n{after}");
}

/// Checks what every layout has.
fn is_tidy(text: &str) {
    // One kind of line ends, that of the file as it was.
    let ends = text.matches("\r\n").count();
    assert!(text.ends_with('\n') && text.matches('\r').count() == ends, "{text:?}");
    assert!(ends == 0 || ends == text.matches('\n').count(), "{text:?}");
    assert_eq!(laid_out(text).as_deref(), Ok(text), "a second layout is another one");
}

#[test]
fn odd_layouts_become_usual() {
    let cases = [
        ("a:   1", "a: 1\n"),
        ("\n\n\na: 1\n\n\n\nb : 2   \n\n\n", "a: 1\n\nb: 2\n"),
        ("a:\n    b:\n        c: 1\n", "a:\n  b:\n    c: 1\n"),
        ("a:\n- 1\n-    b: 2\n     c: 3\n", "a:\n  - 1\n  - b: 2\n    c: 3\n"),
        ("a:\n-\n    b: 2\n    c:\n    - d\n", "a:\n  -\n    b: 2\n    c:\n      - d\n"),
        ("a: [1,2 ,  3]\nb: {x:   1,y: [ ]}\nc: { x: 1 }\n", "a: [1, 2, 3]\nb: {x: 1, y: []}\nc: { x: 1 }\n"),
        ("a:   # one\n   b: 1    #two\n # three\nc: 1\n", "a: # one\n  b: 1 #two\n# three\nc: 1\n"),
        (
            "a:\n    b: 1\n    # of b\n  # of a\n# of all\nc: 1\n",
            "a:\n  b: 1\n  # of b\n# of a\n# of all\nc: 1\n",
        ),
        (
            "a:\n    # above\n    b: |\n          x # y\n\n            z  \n\n\n    # below\n    c: 1\n",
            "a:\n  # above\n  b: |\n    x # y\n\n      z  \n\n  # below\n  c: 1\n",
        ),
        ("a: |+\n x\n\n\n", "a: |+\n  x\n\n\n"),
        ("a: |2\n    x\n   y\nb: >-\n   f\n   g\n", "a: |2\n    x\n   y\nb: >-\n  f\n  g\n"),
        (
            "a:\n    b: \"one\n       two\n         three\"\n    c: one\n      two\n",
            "a:\n  b: \"one\n     two\n       three\"\n  c: one\n    two\n",
        ),
        (
            "a: [\n      1, # one\n      # two\n      2\n   ]\nb:\n    c: [\n        1,\n    ]\n",
            "a: [\n      1, # one\n      # two\n      2\n   ]\nb:\n  c: [\n      1,\n  ]\n",
        ),
        ("?   a\n:   b\n", "? a\n: b\n"),
        ("---   # x\na:   &b   1\nc:   *b\n...\n", "--- # x\na: &b 1\nc: *b\n...\n"),
        ("a: &b\n    c: 1\nd:\n    *b\n", "a: &b\n  c: 1\nd:\n  *b\n"),
        ("a: 1\r\nb: |\r\n    x\r\n    y\r\n", "a: 1\r\nb: |\r\n  x\r\n  y\r\n"),
        ("- a\n-  - b\n   - c\n", "- a\n- - b\n  - c\n"),
    ];
    let mut wrong = Vec::new();
    for (before, after) in cases {
        let found = laid_out(before);
        if found.as_deref() != Ok(after) {
            wrong.push(format!("{before:?}\n   expected {after:?}\n   found    {found:?}"));
            continue;
        }
        is_the_same(before, after);
        is_tidy(after);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn oddly_written_playbooks_keep_values_and_comments() {
    for (name, text) in fixtures() {
        let after = laid_out(&text).unwrap_or_else(|message| panic!("{name}: {message}"));
        is_the_same(&text, &after);
        is_tidy(&after);
    }
}

#[test]
fn the_playbooks_of_the_project_are_laid_out() {
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![project.join("playbooks"), project.join("assets/templates")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it is part of the project") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "yml") {
                let text = text_of(&path);
                assert_eq!(laid_out(&text).as_deref(), Ok(text.as_str()), "{}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 20, "only {count} playbooks were found");
}

#[expect(clippy::disallowed_methods, reason = "playbooks are files")]
fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).expect("it is text")
}

#[test]
fn what_is_no_sound_yaml_is_refused() {
    for text in ["a: [", "a: 1\na: 2\n", "", "# nothing\n", "a: !x 1\n", "a: 1\n---\nb: 2\n", "a: *b\n"] {
        assert!(laid_out(text).is_err(), "{text:?}");
    }
}

/// Another layout of a playbook: more blanks, more blank lines.
fn spread(text: &str, dice: &[u8]) -> String {
    let mut spread = String::new();
    let mut dice = dice.iter().cycle().copied();
    let mut roll = || dice.next().unwrap_or(0);
    for line in text.split('\n') {
        match roll() % 8 {
            0 => spread.push('\n'),
            1 => spread.push_str("\n\n\n"),
            _ => {}
        }
        let line = match roll() % 4 {
            0 => line.replacen(": ", ":    ", 1),
            1 => line.replacen("- ", "-   ", 1).replacen("-   ", "- ", 1),
            _ => line.to_owned(),
        };
        spread.push_str(&line);
        spread.push_str(if roll() % 4 == 0 { "  \n" } else { "\n" });
    }
    spread
}

/// Every indentation several times as wide.
fn widened(text: &str, times: usize) -> String {
    let wide = |line: &str| {
        let inner = line.trim_start_matches(' ');
        format!("{}{inner}\n", " ".repeat((line.len() - inner.len()) * times))
    };
    text.lines().map(wide).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_layout_is_stable_and_means_the_same(
        which in 0_usize..20,
        times in 1_usize..4,
        dice in prop::collection::vec(any::<u8>(), 1..64),
    ) {
        let (_, text) = &fixtures()[which];
        let text = spread(&widened(text, times), &dice);
        // Some of them are no YAML any more.
        if serde_yaml::from_str::<serde_yaml::Value>(&text).is_ok() && let Ok(after) = laid_out(&text) {
            is_the_same(&text, &after);
            is_tidy(&after);
        }
    }

    #[test]
    fn no_text_does_harm(parts in prop::collection::vec(
        prop::sample::select(vec![
            "a", "b: ", "- ", "? ", ": ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", "# c", " # d\n", "|", ">-\n", "|2\n",
            "\"", "'", "&x ", "*x", "<<: ", "---\n", "...", "\t", "\r\n", "é", "~", "!t ", "%Y\n", "  ", "\u{feff}",
        ]),
        0..24,
    )) {
        let text = parts.concat();
        if let Ok(after) = laid_out(&text) {
            prop_assert_eq!(laid_out(&after), Ok(after.clone()), "{:?}", text);
        }
    }
}
