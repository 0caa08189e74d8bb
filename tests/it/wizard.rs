//! New playbooks: by questions on a terminal, by numbered lines, by flags; drafts; and the way between launcher and questions.
//!
//! Not here: the questions themselves and what they write (`logic/author/tests.rs`).

use std::time::Duration;

use crate::kit::{Sandbox, Shot, Terminal, Tmux, nothing_is_left};

const SORTIE: &str = env!("CARGO_BIN_EXE_sortie");

/// What a person of five keys a second may take for a playbook, in keys: half of two minutes, the rest is for reading.
const MOST_KEYS: usize = 300;

/// Most questions that lead to a playbook.
const MOST_QUESTIONS: usize = 25;

/// A person at a keyboard.
struct Person<'t> {
    tmux: &'t Tmux,
    keys: usize,
    questions: usize,
}

impl Person<'_> {
    /// Waits for a question, as people do, and answers it key by key; the last one is Enter.
    fn answer(&mut self, question: &str, text: &str) {
        self.keys(question, &[], text);
    }

    fn keys(&mut self, question: &str, keys: &[&str], text: &str) {
        self.tmux.wait_for(&format!("? {question}"));
        for key in keys {
            self.tmux.send(&[key]);
        }
        for letter in text.chars() {
            self.tmux.type_text(&letter.to_string());
        }
        self.tmux.send(&["Enter"]);
        self.keys += keys.len() + text.chars().count() + 1;
        self.questions += 1;
        self.tmux.wait_until(&format!("`{question}` answered"), |it| {
            it.capture_history().contains(&format!("✓ {question}")).then_some(())
        });
    }
}

const MADE: &str = "\
version: 3
name: ci
description: Builds and ships

stages:
  build:
    matrix:
      os: [linux, macos]
    cache:
      inputs: [src/**]
      outputs: [\"out/${{ matrix.os }}\"]
    run: mkdir -p out && cat src/* > out/${{ matrix.os }}

  ship:
    needs: build
    approve: Ship it?
    run: echo \"shipping $(cat out/linux)\"
";

#[test]
fn somebody_who_has_never_seen_the_yaml_makes_a_playbook_and_runs_it() {
    let sandbox = Sandbox::new().file("src/main", "one\n");
    let tmux = Tmux::new(&sandbox, 80, 24);
    let before = tmux.stty();
    tmux.type_line(&format!("{SORTIE} playbooks new"));
    let mut person = Person { tmux: &tmux, keys: 0, questions: 0 };
    person.answer("Name of the playbook?", "ci");
    person.answer("What is it for?", "Builds and ships");
    person.answer("Category?", "");
    person.answer("Start from?", "");
    person.answer("What else has the playbook?", "");
    person.answer("Name of stage 1?", "");
    person.keys("What else has `build`?", &["Space", "Down", "Space"], "");
    tmux.wait_for("? Values of the matrix?");
    person.answer("Values of the matrix?", "os=linux,macos");
    person.answer("Another axis?", "");
    person.answer("Which files does it depend on?", "src/**");
    person.answer("Which files does it make?", "out/${{ matrix.os }}");
    person.answer("Command of `build`?", "mkdir -p out && cat src/* > out/${{ matrix.os }}");
    person.answer("And then?", "");
    person.answer("Another stage?", "y");
    person.answer("Name of stage 2?", "ship");
    person.answer("What has to pass before `ship`?", "");
    person.keys("What else has `ship`?", &["Down", "Down", "Space"], "");
    person.answer("What are people asked?", "Ship it?");
    person.answer("Command of `ship`?", "echo \"shipping $(cat out/linux)\"");
    tmux.wait_for("? And then?");
    tmux.send(&["Enter"]);
    tmux.wait_for("? Another stage?");
    tmux.send(&["Enter"]);
    tmux.wait_for("? What now?");
    let preview = tmux.capture_history();
    for line in MADE.lines() {
        assert!(preview.contains(line), "{line}\n{preview}");
    }
    assert!(preview.contains("[os=macos]") && preview.contains("first waits for approval"), "{preview}");
    person.keys("What now?", &["Down"], "");
    let (keys, questions) = (person.keys + 2, person.questions + 2);
    assert!(questions <= MOST_QUESTIONS, "{questions} questions");
    assert!(keys <= MOST_KEYS, "{keys} keys");
    tmux.wait_for("a answer");
    tmux.send(&["a"]);
    tmux.wait_for("approve it? y/n");
    // Deaf for its first moment, as every question that comes by itself.
    while tmux.capture().contains("approve it? y/n") {
        tmux.send(&["y"]);
    }
    tmux.wait_for("job #1 passed");
    let told = tmux.capture_history();
    assert!(told.contains("wrote playbooks/ci.yml") && told.contains("shipping one"), "{told}");
    let path = sandbox.project().join("playbooks/ci.yml");
    assert_eq!(std::fs::read_to_string(path).expect("it was written"), MADE);
    assert_eq!(tmux.stty(), before, "the terminal is as it was");
    // What is printed as the same by flags is the same.
    let by_flags = told.replace('\n', "");
    assert!(by_flags.contains("sortie playbooks new ci --description"), "{told}");
    let again = sandbox.sortie(["run", "ci", "--ui", "plain", "--only", "build"]).run().code(0);
    assert!(again.out.contains("cached"), "{}", again.out);
}

#[test]
fn flags_alone_make_the_same() {
    let sandbox = Sandbox::new();
    let flags = [
        "playbooks",
        "new",
        "ci",
        "--description",
        "Builds and ships",
        "--stage",
        "build",
        "--matrix",
        "os=linux,macos",
        "--cache-inputs",
        "src/**",
        "--cache-outputs",
        "out/${{ matrix.os }}",
        "--run",
        "mkdir -p out && cat src/* > out/${{ matrix.os }}",
        "--stage",
        "ship",
        "--needs",
        "build",
        "--approve",
        "Ship it?",
        "--run",
        "echo \"shipping $(cat out/linux)\"",
    ];
    let dry: Vec<&str> = flags.iter().copied().chain(["--dry-run"]).collect();
    let printed = sandbox.sortie(dry).run().code(0);
    assert_eq!(printed.out, MADE);
    assert!(!sandbox.project().join("playbooks").exists(), "nothing is written");
    sandbox.sortie(flags).run().code(0).says("wrote playbooks/ci.yml").says("run it: sortie run ci").done();
    let path = sandbox.project().join("playbooks/ci.yml");
    assert_eq!(std::fs::read_to_string(&path).expect("it was written"), MADE);
    // Never over another one.
    sandbox.sortie(flags).run().code(2).complains("is there already, and stays as it is").done();
    let json: Vec<&str> =
        ["playbooks", "new", "two"].into_iter().chain(flags[3..].iter().copied()).chain(["--json"]).collect();
    let told = &sandbox.sortie(json).run().code(0).json_lines()[0];
    assert_eq!(told["file"], "playbooks/two.yml");
    let again: Vec<String> = told["flags"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| it.as_str().expect("a word").to_owned())
        .collect();
    let words = ["playbooks", "new"].into_iter().chain(again.iter().map(String::as_str)).chain(["--dry-run"]);
    sandbox
        .sortie(words.collect::<Vec<_>>())
        .run()
        .code(0)
        .says(told["text"].as_str().expect("a text"))
        .done();
}

#[test]
fn what_is_missing_is_named_where_nobody_can_be_asked() {
    let sandbox = Sandbox::new();
    let new = |words: &[&str]| {
        sandbox.sortie(["playbooks", "new"].iter().chain(words).copied().collect::<Vec<_>>()).run().code(2)
    };
    new(&[]).complains("missing: NAME, --run, --script or --from").done();
    new(&["ci"]).complains("missing: --run, --script or --from").done();
    new(&["--run", "true"]).complains("missing: NAME").done();
    new(&["ci", "--stage", "a", "--run", "true", "--stage", "b"]).complains("missing: --run").done();
    new(&["9", "--run", "true"]).complains("`9` cannot be the name of a playbook").done();
    new(&["ci", "--from", "rst"]).complains("did you mean `rust`?").done();
    new(&["ci", "--from", "./none.yml"]).complains("none.yml` cannot be read").done();
    new(&["ci", "--from", "rust", "--run", "true"]).complains("a template has its own stages").done();
    new(&["ci", "--type", "choice", "--run", "true"]).complains("`--type` belongs to an input").done();
    new(&["ci", "--matrix", "os", "--run", "true"]).complains("an axis has a name and values").done();
    new(&["ci", "--run", "true", "--needs", "nix"])
        .complains("no stage has that name")
        .complains("nothing was written")
        .done();
    new(&["ci", "--run", "true", "--schedule", "61 * * * *"]).complains("sortie explain bad-cron").done();
    assert!(!sandbox.project().join("playbooks").exists(), "nothing is written");
}

#[test]
fn templates_are_listed_copied_and_may_be_ones_own() {
    let sandbox = Sandbox::new();
    let own = sandbox.base().join("home/config/sortie/templates");
    std::fs::create_dir_all(&own).expect("the sandbox is writable");
    std::fs::write(own.join("mine.yml"), "version: 3\n# mine\nname: x\nstages: { a: { run: echo mine } }\n")
        .expect("writable");
    let listed = sandbox.sortie(["playbooks", "templates", "--json"]).run().code(0).json_lines();
    let names: Vec<&str> =
        listed[0].as_array().expect("a list").iter().filter_map(|it| it["name"].as_str()).collect();
    assert!(names.contains(&"rust"), "{names:?}");
    let is_own = names.contains(&"mine");
    assert!(is_own, "{names:?}");
    sandbox
        .sortie(["playbooks", "new", "ci", "--from", "mine", "--description", "Of mine"])
        .run()
        .code(0)
        .done();
    let text = std::fs::read_to_string(sandbox.project().join("playbooks/ci.yml")).expect("it was written");
    assert_eq!(
        text,
        "version: 3\n# mine\nname: ci\ndescription: Of mine\nstages: { a: { run: echo mine } }\n"
    );
    sandbox
        .sortie(["playbooks", "new", "b", "--from", "playbooks/ci.yml", "--then", "both"])
        .run()
        .code(0)
        .says("mine")
        .done();
    sandbox
        .sortie(["playbooks", "new", "once", "--from", "mine", "--then", "run"])
        .run()
        .code(0)
        .says("mine")
        .done();
    assert!(!sandbox.project().join("playbooks/once.yml").exists(), "it was run without a file");
    sandbox.sortie(["jobs", "retry", "last", "--all", "--ui", "plain"]).run().code(0).says("mine").done();
}

#[test]
fn a_draft_outlives_ctrl_c_and_kill_and_is_offered_again() {
    let sandbox = Sandbox::new();
    let start = |sandbox: &Sandbox| -> (Terminal, crate::kit::Modes) {
        let mut terminal = sandbox
            .terminal_of("sh", ["-c", "echo ready; read go; exec \"$0\" playbooks new", SORTIE], (80, 24))
            .start();
        terminal.wait_for("ready");
        let before = terminal.modes();
        terminal.keys("<enter>");
        (terminal, before)
    };
    let (mut terminal, before) = start(&sandbox);
    terminal.wait_for("? Name of the playbook?");
    terminal.keys("ci<enter>");
    terminal.wait_for("? What is it for?");
    terminal.keys("Abo<c-c>");
    terminal.wait_for_end().code(130).shows("The draft is kept").done();
    terminal.assert_restored(&before);
    // Killed in the middle of a question.
    let (mut terminal, before) = start(&sandbox);
    terminal.wait_for("? Go on with the draft of `ci` (1 answer)?");
    terminal.keys("<enter>");
    terminal.wait_for("? What is it for?");
    terminal.keys("About<enter>");
    terminal.wait_for("? Category?");
    terminal.kill();
    let _ended = terminal.wait_for_end();
    terminal.assert_restored(&before);
    let (mut terminal, before) = start(&sandbox);
    terminal.wait_for("? Go on with the draft of `ci` (2 answers)?");
    terminal.keys("<enter>");
    terminal.wait_for("? Category?");
    // Back keeps what was said.
    terminal.keys("<esc>");
    terminal.wait_for("? What is it for? About");
    terminal.keys("<esc>");
    terminal.wait_for("? Name of the playbook? ci");
    terminal.keys("<esc>");
    terminal.wait_for_end().code(130).done();
    terminal.assert_restored(&before);
    let (mut terminal, _) = start(&sandbox);
    let shot = terminal.wait_for("? Name of the playbook?");
    assert!(!shot.has("draft of"), "who goes back behind the first question wants none: {}", shot.text());
    terminal.keys("<c-c>");
    terminal.wait_for_end().code(130).done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn flags_are_never_dropped_and_a_draft_is_thrown_away_by_a_no_alone() {
    let sandbox = Sandbox::new();
    let mut terminal = sandbox.terminal(["playbooks", "new", "--run", "true"], (80, 24)).start();
    terminal.wait_for("? Name of the playbook?");
    terminal.keys("ci<enter>");
    terminal.wait_for_end().code(0).shows("wrote playbooks/ci.yml").done();
    let mut terminal = sandbox.terminal(["playbooks", "new", "two", "--category", "ops"], (80, 24)).start();
    terminal.wait_for("? What is it for?");
    terminal.keys("<enter>");
    terminal.wait_for("? Category? ops");
    terminal.keys("<c-c>");
    terminal.wait_for_end().code(130).done();
    let draft = sandbox.project().join(".sortie/drafts/new-playbook.json");
    let kept = std::fs::read_to_string(&draft).expect("a draft was kept");
    let mut terminal = sandbox.terminal(["playbooks", "new", "three"], (80, 24)).start();
    terminal.wait_for("? There is a draft of `two`");
    terminal.keys("<c-c>");
    terminal.wait_for_end().code(130).done();
    assert_eq!(std::fs::read_to_string(&draft).expect("it is there still"), kept);
}

#[test]
fn choices_have_numbers_where_pictures_do_not_help() {
    let sandbox = Sandbox::new();
    let mut terminal = sandbox.terminal(["playbooks", "new"], (80, 40)).env("ACCESSIBLE", "1").start();
    let mut say = |question: &str, line: &str| terminal.reply(question, line);
    say("Name of the playbook?", "ci");
    say("What is it for?", "<lt>");
    say("(Enter: ci, < goes back)", "");
    say("(< goes back)", "");
    say("Category?", "");
    say("1. nothing", "0");
    say("`0` is none of the numbers; give a number from 1 to ", "99");
    say("`99` is none of the numbers; give a number from 1 to ", "1");
    say("What else has the playbook?", "0");
    say("Name of stage 1?", "");
    say("1. matrix: once for each combination", "1,x");
    say("`x` is none of the numbers; give numbers from 1 to 6 with commas", "4,5");
    say("How many tries at most?", "many");
    say("expected a whole number", "");
    say("How long may it take?", "");
    say("Command of `build`?", "echo built");
    say("And then?", "");
    say("Another stage?", "n");
    say("3. run: run it once", "1");
    terminal.wait_for_end().code(0).shows("wrote playbooks/ci.yml").done();
    let text = std::fs::read_to_string(sandbox.project().join("playbooks/ci.yml")).expect("it was written");
    let expected = "version: 3\nname: ci\n\nstages:\n  build:\n    retry: { attempts: 3 }\n    timeout: 10m\n    run: echo built\n";
    assert_eq!(text, expected);
}

#[test]
fn a_refused_answer_has_no_tick_and_is_mended_where_it_stands() {
    let sandbox = Sandbox::new();
    let mut terminal = sandbox.terminal(["playbooks", "new"], (80, 40)).start();
    for (question, keys) in [
        ("Name of the playbook?", "ci"),
        ("What is it for?", ""),
        ("Category?", ""),
        ("Start from?", ""),
        ("What else has the playbook?", ""),
        ("Name of stage 1?", ""),
        ("What else has `build`?", " <down> <down> "),
    ] {
        terminal.wait_for(&format!("? {question}"));
        terminal.keys(&format!("{keys}<enter>"));
    }
    let refused = "! what people decide about cannot come from the cache";
    terminal.wait_for(refused);
    terminal.keys("<enter><enter><up>");
    let shot = terminal.wait_for("> [x] cache");
    let count = |text: &str| shot.rows().iter().filter(|row| row.contains(text)).count();
    assert_eq!(
        (count(refused), count("What else has `build`?"), count("✓ What else has `build`?")),
        (1, 1, 0)
    );
    terminal.keys(" <enter>");
    terminal.wait_for("? Values of the matrix?");
    let shot = terminal.shot();
    assert!(shot.has("✓ What else has `build`? matrix, approval"), "{}", shot.text());
    assert!(!shot.has(refused), "{}", shot.text());
    terminal.keys("<c-c>");
    terminal.wait_for_end().code(130).done();
}

#[test]
fn what_prompts_say_breaks_between_words() {
    for width in [80, 40] {
        let sandbox = Sandbox::new();
        let mut terminal = sandbox.terminal(["playbooks", "new"], (width, 30)).start();
        terminal.wait_for("? Name of the playbook?");
        terminal.keys("My Project!<enter>");
        // The prompt is drawn in pieces: its hint comes last, and the words may stand on any row.
        let told = |shot: &Shot| shot.rows().iter().map(|row| row.trim()).collect::<Vec<_>>().join(" ");
        let shot = terminal.wait_until("the whole refusal, broken between words", |shot| {
            let told = told(shot);
            told.contains("cannot be the name of a playbook: a name begins with a letter")
                && told.contains("and goes on with letters")
                && told.contains("puts it into a folder]")
        });
        assert!(!shot.rows().iter().any(|row| row.trim() == "]"), "{}", shot.text());
        terminal.keys("<c-c>");
        terminal.wait_for_end().code(130).done();
    }
}

#[test]
fn launcher_and_questions_hand_the_terminal_over_two_hundred_times_without_a_lost_or_doubled_key() {
    let sandbox = Sandbox::new().file("playbooks/a.yml", "version: 3\nstages: { a: { run: 'true' } }\n");
    let mut terminal =
        sandbox.terminal_of("sh", ["-c", "echo ready; read go; exec \"$0\"", SORTIE], (80, 24)).start();
    terminal.wait_for("ready");
    let before = terminal.modes();
    terminal.keys("<enter>");
    terminal.wait_for("1 found");
    let draft = sandbox.project().join(".sortie/drafts/new-playbook.json");
    for round in 0..200 {
        // All at once, across both borders: none of it waits for what it is meant for.
        let no_draft = if round == 0 { "" } else { "n<enter>" };
        terminal.keys(&format!("n{no_draft}p-{round}x<enter><c-c>/f-{round}y"));
        terminal.wait_until(&format!("the filter of round {round}"), |shot| {
            shot.is_alternate() && shot.has(&format!("/f-{round}y"))
        });
        let kept = std::fs::read_to_string(&draft).expect("a draft was kept");
        assert_eq!(kept, format!("{{\"replies\":[[\"name\",{{\"text\":\"p-{round}x\"}}]]}}"));
        terminal.keys("<esc>");
        terminal.wait_gone(&format!("f-{round}y"));
    }
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    terminal.assert_restored(&before);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn what_is_made_in_the_launcher_is_selected_there_and_runs() {
    let sandbox = Sandbox::new().file("playbooks/a.yml", "version: 3\nstages: { a: { run: 'true' } }\n");
    let mut terminal = sandbox.terminal([], (100, 30)).start();
    terminal.wait_for("1 found");
    terminal.keys("n");
    for (question, keys) in [
        ("Name of the playbook?", "made"),
        ("What is it for?", ""),
        ("Category?", ""),
        ("Start from?", ""),
        ("What else has the playbook?", ""),
        ("Name of stage 1?", ""),
        ("What else has `build`?", ""),
        ("Command of `build`?", "echo made it"),
        ("And then?", ""),
        ("Another stage?", "n"),
        ("What now?", "<down>"),
    ] {
        terminal.wait_for(&format!("? {question}"));
        terminal.keys(&format!("{keys}<enter>"));
    }
    let shot = terminal.wait_for("1 stage passed");
    assert!(shot.is_alternate() && shot.has("made it"), "{}", shot.text());
    terminal.keys("q");
    terminal.wait_for("2 found");
    let shot = terminal.wait_for("#1 just now");
    assert!(shot.has("made"), "{}", shot.text());
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
}
