//! A wizard that is asked at random, and what it writes.

use proptest::prelude::{Strategy as _, any, prop};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::flags::{Flag, put};
use super::*;
use crate::logic::diag::Severity;
use crate::logic::playbook::model::Action;
use crate::logic::playbook::scripts::{Library, Script};
use crate::logic::playbook::{self};
use crate::logic::talk::{Kind, Question, Reply, Talk};

/// Texts that somebody might type, and some that nobody should.
const TEXTS: [&str; 46] = [
    "",
    " ",
    "build",
    "test",
    "ship it",
    "ci",
    "deploy/web",
    "os=linux,macos",
    "os: a, b ,c",
    "rust=1.80,1.85",
    "n=1,2,3",
    "flag=true,false",
    "x=yes,no,~",
    "glob={a,b},c",
    "=",
    "os=",
    "cargo build --release",
    "echo \"a: b\" # not a comment",
    "echo ${{ matrix.os }}",
    "echo '${{ inputs.env }}'",
    "src/**, Cargo.lock",
    "*.rs",
    "!target/**",
    "target/app",
    "- dash",
    "a: b",
    "'quoted'",
    "\"",
    "#",
    "\\",
    "null",
    "0x10",
    "1e3",
    "3",
    "0",
    "-1",
    "10m",
    "90",
    "success()",
    "failure() || always()",
    "inputs.env == 'prod'",
    "30 2 * * *",
    "61 * * * *",
    "Europe/Zurich",
    "0402",
    "Grüße, 世界 🚀 \u{1b}[31m \u{2028}",
];

fn world() -> World {
    let script = |number: u16, path: &str| Script {
        number,
        path: path.to_owned(),
        ..crate::logic::playbook::scripts::script(path, true, b"").expect("a script")
    };
    World {
        names: vec!["taken".to_owned()],
        categories: vec!["build".to_owned()],
        library: Library::new(
            Vec::new(),
            vec![script(402, "scripts/0402_Lint.sh"), script(403, "scripts/0403_Test.sh")],
        ),
        templates: bundled().into_iter().take(1).collect(),
        zone: "UTC".to_owned(),
    }
}

/// Answers the next question by a number, rightly or wrongly.
fn reply(question: &Question, dice: u64) -> Reply {
    let pick = |most: usize| usize::try_from(dice / 7).unwrap_or(0) % most.max(1);
    match &question.kind {
        // Mostly what will do, or nothing would ever come of it.
        Kind::Text { .. } if !dice.is_multiple_of(3) => {
            Reply::Text(likely(&question.key, pick(4)).to_owned())
        }
        Kind::Text { .. } => Reply::Text(TEXTS[pick(TEXTS.len())].to_owned()),
        Kind::Choice { options, .. } if question.key == "from" && !dice.is_multiple_of(8) => {
            Reply::Choice(options[0].word.clone())
        }
        Kind::Choice { options, .. } => Reply::Choice(options[pick(options.len())].word.clone()),
        Kind::Many { options, .. } => {
            let bits = dice / 7;
            let chosen = options.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
            Reply::Many(chosen.map(|(_, it)| it.word.clone()).collect())
        }
        Kind::Yes { .. } => Reply::Yes(dice.is_multiple_of(4)),
        Kind::Hidden => Reply::Text(String::new()),
    }
}

fn likely(key: &str, at: usize) -> &'static str {
    let all: [&str; 4] = match key {
        "name" => ["ci", "deploy/web", "a-b_c", "release"],
        "schedule" => ["30 2 * * *", "0 9 * * mon-fri", "*/5 * * * *", "0 0 1 * *"],
        "timezone" => ["UTC", "Europe/Zurich", "", "America/New_York"],
        key if key.contains(".axis.") => ["os=linux,macos", "rust=1.80,1.85", "n=1,2,3", ""],
        key if key.ends_with(".id") => ["build", "test", "lint", "ship"],
        key if key.contains(".input.") || key.ends_with(".name") => ["env", "version", "count", ""],
        key if key.ends_with(".scripts") => ["0402", "0400-0499", "04*,!0403", "0403, 0402"],
        key if key.ends_with(".retry") => ["", "2", "5", "3"],
        key if key.ends_with(".timeout") => ["", "90s", "1h30m", "5m"],
        key if key.ends_with(".options") => ["staging, prod", "a", "1.0,2.0", "yes,no"],
        _ => ["", "", "echo hello", "src/**"],
    };
    all[at]
}

fn run(config: u32, seed: u8, test: impl Fn(Vec<u64>) -> Result<(), proptest::test_runner::TestCaseError>) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let config = Config { cases: config, failure_persistence: None, ..Config::default() };
    let dice = prop::collection::vec(any::<u64>(), 60);
    TestRunner::new_with_rng(config, rng).run(&dice.prop_map(|it| it), test).expect("holds");
}

/// Goes through a wizard by dice; returns its session when all is said, or nothing if it never was.
fn session<'w>(world: &'w World, dice: &[u64]) -> Option<Session<'w>> {
    let mut session = Session::new(world);
    for die in dice {
        let Some(question) = session.question() else { return Some(session) };
        if die.is_multiple_of(23) {
            let before = session.draft().replies.len();
            assert_eq!(session.back(), before > 0);
            continue;
        }
        let before = session.draft();
        if session.answer(reply(&question, *die)).is_err() {
            assert_eq!(session.draft(), before, "an answer that will not do changes nothing");
        }
    }
    // Somebody who wants it over: defaults, no more stages.
    for tick in 0..120 {
        let Some(question) = session.question() else { return Some(session) };
        let last = match &question.kind {
            Kind::Text { .. } if question.key == "name" => Reply::Text("ci".to_owned()),
            Kind::Text { is_optional: true, .. } => Reply::Text(String::new()),
            Kind::Text { .. } => Reply::Text(likely(&question.key, tick % 4).to_owned()),
            Kind::Choice { options, default } => Reply::Choice(options[*default].word.clone()),
            Kind::Many { .. } => Reply::Many(Vec::new()),
            Kind::Yes { .. } => Reply::Yes(false),
            Kind::Hidden => Reply::Text(String::new()),
        };
        if session.answer(last).is_err() {
            session.back();
        }
    }
    None
}

/// Half of five thousand, so that two processors share them.
fn random_wizards(seed: u8) {
    let world = world();
    let (over, stages) = (std::cell::Cell::new(0_u32), std::cell::Cell::new(0_usize));
    run(2_500, seed, |dice| {
        let Some(session) = session(&world, &dice) else { return Ok(()) };
        over.set(over.get() + 1);
        let answers = session.answers();
        stages.set(stages.get() + answers.stages.len());
        let written = text(&answers, &world.templates);
        let (_, found) = problems(&answers.name, &written, &world.library);
        let errors: Vec<_> = found.iter().filter(|it| it.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{written}");
        // The same by flags.
        let then = session.then().expect("all is said");
        let again = by_words(&flags(&answers, then));
        assert_eq!(text(&again, &world.templates), written);
        // And by the draft.
        let drafted = Session::of_draft(&world, session.draft());
        assert_eq!(drafted.answers(), answers);
        Ok(())
    });
    assert_eq!(over.get(), 2_500, "all come to an end");
    assert!(stages.get() > 2_500, "{} stages", stages.get());
}

#[test]
fn random_wizards_write_playbooks_that_check_clean_and_flags_write_the_same() {
    random_wizards(1);
}

#[test]
fn other_random_wizards_do_so_too() {
    random_wizards(2);
}

/// Reads words as a command line is read; the one of the program is tried beside its clap.
fn by_words(words: &[String]) -> Answers {
    let mut answers = Answers::default();
    put(&mut answers, Flag::Name, &words[0]).expect("a name");
    let mut rest = words[1..].iter();
    while let Some(word) = rest.next() {
        let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(a, b)| (a, Some(b)));
        let flag = Flag::ALL.into_iter().find(|it| it.word() == name).expect("a flag");
        let value = match (flag, value) {
            (Flag::Required, _) => "true",
            (_, Some(value)) => value,
            (_, None) => rest.next().expect("a value"),
        };
        put(&mut answers, flag, value).expect("it will do");
    }
    answers
}

#[test]
fn what_is_typed_arrives_as_it_was_typed() {
    let world = world();
    run(2_000, 3, |dice| {
        let letters: Vec<char> = "ab:#-'\"\\{}[],&*!|>%@` \t$.0é🚀\u{7f}\u{85}\u{2028}?=~/".chars().collect();
        let typed: String = dice
            .iter()
            .take(12)
            .map(|die| letters[usize::try_from(*die).unwrap_or(0) % letters.len()])
            .collect();
        let typed = typed.trim();
        if typed.is_empty() || typed.contains("${{") {
            return Ok(());
        }
        let mut answers = Answers::default();
        for (flag, it) in
            [(Flag::Name, "ci"), (Flag::Run, typed), (Flag::Description, typed), (Flag::Run, "a\nb \n\tc")]
        {
            put(&mut answers, flag, it).expect("it will do");
        }
        let written = text(&answers, &world.templates);
        let (source, found) = problems("ci", &written, &world.library);
        assert!(found.iter().all(|it| it.severity != Severity::Error), "{found:?}\n{written}");
        let playbook = playbook::read(&source).playbook.expect("it is one");
        assert_eq!(playbook.description.as_deref(), Some(typed), "{written}");
        let commands: Vec<&str> = playbook.stages[0]
            .steps
            .steps
            .iter()
            .filter_map(|it| match &it.action {
                Action::Run { text, .. } => Some(text.template.source()),
                _ => None,
            })
            .collect();
        assert_eq!(commands, [typed, "a\nb \n\tc"], "{written}");
        Ok(())
    });
}

#[test]
fn templates_are_playbooks_and_copies_have_their_own_names() {
    for template in bundled() {
        assert!(!template.description.is_empty(), "{}", template.name);
        let (_, found) = problems(&template.name, &template.text, &Library::default());
        assert_eq!(found, [], "{}", template.name);
        let answers = Answers {
            name: "ops/mine".to_owned(),
            description: "What: mine".to_owned(),
            category: "ops".to_owned(),
            template: Some(template.name.clone()),
            ..Answers::default()
        };
        let copy = text(&answers, &bundled());
        let (source, found) = problems("mine", &copy, &Library::default());
        assert_eq!(found, [], "{copy}");
        let playbook = playbook::read(&source).playbook.expect("it is one");
        assert_eq!((&*playbook.name, playbook.description.as_deref()), ("mine", Some("What: mine")));
        assert_eq!(playbook.category.as_deref(), Some("ops"));
        // Nothing else has changed.
        let lost: Vec<&str> = template.text.lines().filter(|it| !copy.contains(it)).collect();
        let is_top = |it: &&str| it.starts_with("name:") || it.starts_with("description:");
        assert!(lost.iter().all(is_top), "{lost:?}");
    }
}

#[test]
fn a_wizard_writes_what_a_person_would() {
    let world = World { library: Library::default(), ..world() };
    let mut session = Session::new(&world);
    let said = |it: &str| Reply::Text(it.to_owned());
    let many = |all: &[&str]| Reply::Many(all.iter().map(|it| (*it).to_owned()).collect());
    let replies = [
        said("ci"),
        said("Builds and ships"),
        said(""),
        Reply::Choice("nothing".to_owned()),
        many(&[]),
        said("build"),
        many(&["cache", "matrix"]),
        said("os=linux,macos"),
        said("rust=1.80,1.85"),
        said(""),
        said("src/**, Cargo.lock"),
        said("out/${{ matrix.os }}-${{ matrix.rust }}/**"),
        said("make OS=${{ matrix.os }}"),
        said(""),
        Reply::Yes(true),
        said("ship"),
        many(&["build"]),
        many(&["approval", "timeout"]),
        said("Ship it?"),
        said(""),
        said("echo shipping"),
        said(""),
        Reply::Yes(false),
        Reply::Choice("both".to_owned()),
    ];
    for reply in replies {
        let question = session.question().expect("there is one");
        let notes = session.answer(reply).unwrap_or_else(|wrong| panic!("{}: {wrong:?}", question.key));
        assert_eq!(notes, Vec::<String>::new(), "{}", question.key);
    }
    assert_eq!(session.then(), Some(Then::Both));
    let expected = "\
version: 3
name: ci
description: Builds and ships

stages:
  build:
    matrix:
      os: [linux, macos]
      rust: [\"1.80\", \"1.85\"]
    cache:
      inputs: [src/**, Cargo.lock]
      outputs: [\"out/${{ matrix.os }}-${{ matrix.rust }}/**\"]
    run: make OS=${{ matrix.os }}

  ship:
    needs: build
    approve: Ship it?
    timeout: 10m
    run: echo shipping
";
    assert_eq!(text(&session.answers(), &world.templates), expected);
}

#[test]
fn what_will_not_do_is_said_at_once_and_back_keeps_the_answer() {
    let world = world();
    let mut session = Session::new(&world);
    let said = |it: &str| Reply::Text(it.to_owned());
    for (typed, what) in [
        ("", "this needs an answer"),
        ("9lives", "`9lives` cannot be the name of a playbook"),
        ("../up", "`../up` cannot be the name of a playbook"),
        ("a/action", "`action` cannot be the name of a playbook"),
        ("taken", "there is a playbook `taken` already"),
    ] {
        assert_eq!(session.answer(said(typed)).expect_err("it will not do").what, what);
    }
    session.answer(said("ci")).expect("it will do");
    session.answer(said("About")).expect("it will do");
    assert!(session.back());
    let question = session.question().expect("there is one");
    assert_eq!((question.key.as_str(), question.before), ("description", Some(said("About"))));
    let many = |all: &[&str]| Reply::Many(all.iter().map(|it| (*it).to_owned()).collect());
    let nothing = Reply::Choice("nothing".to_owned());
    for reply in [
        said("About"),
        said(""),
        nothing,
        many(&[]),
        said("build"),
        many(&["matrix"]),
        said("os=linux,macos"),
    ] {
        session.answer(reply).expect("it will do");
    }
    let question = session.question().expect("there is one");
    assert_eq!(session.live(&question, "rust=1,2,3"), ["rust: 3 values, 6 cells in all"]);
    assert_eq!(
        session.answer(said("os=a")).expect_err("it is there").what,
        "the matrix has an axis `os` already"
    );
    for reply in [said(""), Reply::Choice("scripts".to_owned())] {
        session.answer(reply).expect("it will do");
    }
    let question = session.question().expect("there is one");
    assert_eq!(session.live(&question, "04*"), ["scripts/0402_Lint.sh", "scripts/0403_Test.sh"]);
    assert_eq!(session.live(&question, "0402x"), ["`0402x` selects no scripts"]);
    let wrong = session.answer(said("0500")).expect_err("there is none");
    assert!(wrong.what.contains("0500"), "{wrong:?}");
    session.answer(said("0402")).expect("it will do");
}

#[test]
fn a_draft_keeps_what_was_answered_before_somebody_went_back() {
    let world = World::default();
    let mut session = Session::new(&world);
    let mut asked = Vec::new();
    for reply in [Reply::Text("pb".to_owned()), Reply::Text("what it is for".to_owned())] {
        asked.push(session.question().expect("something is asked"));
        session.answer(reply).expect("it will do");
    }
    assert!(session.back() && session.back() && !session.back());
    let draft = session.draft();
    assert_eq!((draft.replies.len(), draft.answered()), (0, 2));
    let mut again = Session::of_draft(&world, draft);
    for question in asked {
        let offered = again.question().expect("something is asked");
        assert_eq!(offered.key, question.key);
        again.answer(offered.before.expect("it was answered before")).expect("it did");
    }
    assert_eq!(
        (again.answers().name.as_str(), again.answers().description.as_str()),
        ("pb", "what it is for")
    );
}
