//! Edits by random answers: flags make the same bytes, nothing gets worse, nothing is lost.

use std::cell::Cell;
use std::path::PathBuf;

use clap::Parser;
use proptest::prelude::{any, prop};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::change;
use crate::faces::cli::args::{EditArgs, EditCommand};
use crate::logic::author::edit::{Change, Editing, Subject, Then, tried, worsened};
use crate::logic::diag::Diagnostic;
use crate::logic::playbook;
use crate::logic::playbook::scripts::Library;
use crate::logic::playbook::source::Source;
use crate::logic::talk::{Kind, Question, Reply, Talk};

/// The part of the command line that this is about.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    edit: EditArgs,
}

fn by_flags(words: &[String]) -> EditCommand {
    let all = ["edit", "p"].into_iter().chain(words.iter().map(String::as_str));
    let line = Line::try_parse_from(all).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    line.edit.change.expect("a change was named")
}

#[expect(clippy::disallowed_methods, reason = "fixtures are files")]
fn fixtures() -> Vec<Source> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/edit");
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("it is part of the project").map(|it| it.unwrap().path()).collect();
    all.sort();
    let text = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("it is text");
        Source::new("playbook.yml", text.strip_prefix('\u{feff}').unwrap_or(&text))
    };
    all.iter().map(text).collect()
}

fn read(source: Source) -> (Source, Vec<Diagnostic>) {
    let found = playbook::read(&source).diagnostics;
    (source, found)
}

const TEXTS: [&str; 32] = [
    "",
    " ",
    "lint",
    "ship",
    "build",
    "test",
    "Lint",
    "-x",
    "a b",
    "\u{fc}nder",
    "os=linux,macos",
    "node=18,1.10,true",
    "os: a, b",
    "glob={a,b},c",
    "=",
    "os=",
    "os=x,x",
    "0402",
    "0400-0499,!0403",
    "0402, 0403",
    "!!",
    "make -k # all",
    "--flag",
    "echo ${{ matrix.os }}",
    "echo '",
    "on",
    "3",
    "true",
    "[1, 2]",
    "{\"a\": 1}",
    "low, high",
    "~",
];

fn likely(key: &str, at: usize) -> &'static str {
    let part = key.split_once('.').map_or(key, |(_, part)| part);
    let all: [&str; 4] = match part {
        "name" => ["lint", "ship", "check2", "level"],
        part if part.starts_with("axis.1") => ["os=linux,macos", "rust=1.80,1.85", "n=1,2,3", ""],
        part if part.starts_with("axis.") => ["", "flag=true,false", "", "os=a"],
        part if part.starts_with("script.") => ["0402", "0400-0499,!0403", "", "04*"],
        part if part.starts_with("run.") => ["echo hello", "", "", "make -k # all"],
        "options" => ["low, high", "a", "1.0,2.0", "yes,no"],
        "default" => ["", "low", "3", "true"],
        _ => ["", "for tests", "- odd: text", ""],
    };
    all[at]
}

fn reply(question: &Question, dice: u64) -> Reply {
    let pick = |most: usize| usize::try_from(dice / 7).unwrap_or(0) % most.max(1);
    match &question.kind {
        Kind::Text { .. } if !dice.is_multiple_of(3) => {
            Reply::Text(likely(&question.key, pick(4)).to_owned())
        }
        Kind::Text { .. } => Reply::Text(TEXTS[pick(TEXTS.len())].to_owned()),
        // Several edits in a row, mostly.
        Kind::Choice { .. } if question.key.contains(".then") && !dice.is_multiple_of(4) => {
            Reply::Choice("another".to_owned())
        }
        Kind::Choice { options, .. } => Reply::Choice(options[pick(options.len())].word.clone()),
        Kind::Many { options, .. } => {
            let chosen = options.iter().enumerate().filter(|(at, _)| (dice / 7) >> (at % 60) & 1 == 1);
            Reply::Many(chosen.map(|(_, it)| it.word.clone()).collect())
        }
        Kind::Yes { .. } => Reply::Yes(dice.is_multiple_of(2)),
        Kind::Hidden => Reply::Text(String::new()),
    }
}

/// Lines of comments, each without its blanks.
fn comments(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|it| it.starts_with('#')).collect()
}

/// Half of a thousand, so that two processors share them.
fn random_answers(seed: u8) {
    let script = |path: &str| crate::logic::playbook::scripts::script(path, true, b"").expect("a script");
    let all = vec![script("scripts/0402_Lint.sh"), script("scripts/0403_Test.sh")];
    let library = Library::new(Vec::new(), all);
    let none = Library::default();
    let all = fixtures();
    let (sequences, edits, written) = (Cell::new(0_usize), Cell::new(0_usize), Cell::new(0_usize));
    let kinds = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let test = |dice: Vec<u64>| {
        let at = sequences.get();
        sequences.set(at + 1);
        let source = all[at % all.len()].clone();
        let diagnostics = playbook::read(&source).diagnostics;
        let scripts = if at.is_multiple_of(3) { &library } else { &none };
        let subject = Subject { source: source.clone(), diagnostics, library: scripts, read: &read };
        let mut editing = Editing::new(&subject);
        for die in dice {
            let Some(question) = editing.question() else { break };
            if die.is_multiple_of(17) {
                editing.back();
                continue;
            }
            let before = editing.made().len();
            if editing.answer(reply(&question, die)).is_err() {
                assert_eq!(editing.question().map(|it| it.key), Some(question.key), "it is asked again");
                assert_eq!(editing.made().len(), before, "an answer that will not do changes nothing");
            }
        }
        written.set(written.get() + usize::from(editing.then() == Some(Then::Write)));
        // What was made so far is what somebody would have who writes it, or gets the commands at a Ctrl-C.
        let mut by_hand = source.clone();
        for made in editing.made() {
            edits.set(edits.get() + 1);
            let words = made.change.flags();
            kinds.borrow_mut().insert(words[0].clone());
            let change = change(&by_flags(&words)).expect("flags are right");
            let known = playbook::read(&by_hand).diagnostics;
            let again = tried(&by_hand, &known, &change.edits().expect("it was made"), &read)
                .unwrap_or_else(|refusal| panic!("{words:?}: {:?}", refusal.problems));
            assert_eq!(again.source.text, made.after.text, "{words:?}");
            assert!(worsened(&known, &again.diagnostics).is_empty());
            // Who lets an input be any text is to be warned where a command has it in its words.
            let is_known = |it: &&Diagnostic| {
                it.slug == "untrusted-in-run" || known.iter().any(|known| known.slug == it.slug)
            };
            let new: Vec<&Diagnostic> = again.diagnostics.iter().filter(|it| !is_known(it)).collect();
            assert!(new.is_empty(), "no warning is new: {new:?}");
            // Only who removes something loses a comment.
            let is_gone = matches!(
                made.change,
                Change::RemoveStage { .. }
                    | Change::RemoveInput { .. }
                    | Change::Matrix { .. }
                    | Change::Needs { .. }
            );
            if !is_gone {
                let kept = comments(&made.after.text);
                let lost: Vec<&str> =
                    comments(&by_hand.text).into_iter().filter(|it| !kept.contains(it)).collect();
                assert!(lost.is_empty(), "{words:?} lost {lost:?}");
            }
            by_hand = again.source;
        }
        assert_eq!(by_hand.text, editing.text().text);
        Ok(())
    };
    let config = Config { cases: 500, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let dice = prop::collection::vec(any::<u64>(), 36);
    TestRunner::new_with_rng(config, rng).run(&dice, test).expect("holds");
    assert_eq!(kinds.borrow().len(), 8, "each kind of change was made: {:?}", kinds.borrow());
    assert!(edits.get() > 500 && written.get() > 50, "{} edits, {} written", edits.get(), written.get());
}

#[test]
fn random_answers_and_the_flags_that_they_name_make_the_same_bytes_and_nothing_worse() {
    random_answers(7);
}

#[test]
fn other_random_answers_do_so_too() {
    random_answers(8);
}
