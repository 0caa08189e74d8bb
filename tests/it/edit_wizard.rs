//! Playbooks changed by questions: several edits, one write, and the commands that do the same; also from the launcher.
//!
//! Not here: random answers (`faces/cli/edit_tests.rs`), edits by command (`editing.rs`).

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::editing::{CI, project, text};
use crate::kit::{Modes, Sandbox, Terminal, Tmux, nothing_is_left};

const SORTIE: &str = env!("CARGO_BIN_EXE_sortie");

const CHANGED: &str = "# The checks of this project.
version: 3
inputs:
  target: { type: string, default: here }

stages:
  # Makes it.
  compile:
    run: make  # all of it

  lint:
    needs: compile
    matrix:
      os: [linux, macos]
    run: make lint
";

/// Keys that wait before the program has begun would be taken by the shell.
fn started(sandbox: &Sandbox) -> (Terminal, Modes) {
    let script = "echo ready; read go; exec \"$0\" playbooks edit ci";
    let mut terminal = sandbox.terminal_of("sh", ["-c", script, SORTIE], (100, 40)).start();
    terminal.wait_for("ready");
    let before = terminal.modes();
    terminal.keys("<enter>");
    (terminal, before)
}

/// Waits for each question, and answers it.
fn say(terminal: &mut Terminal, all: &[(&str, &str)]) {
    for (question, keys) in all {
        terminal.wait_until(&format!("`{question}`"), |shot| {
            // The one that is open is the last one.
            let rows = shot.rows();
            rows.iter().rev().find(|row| row.starts_with("? ")).is_some_and(|row| row.contains(question))
        });
        terminal.keys(keys);
    }
}

#[test]
fn a_stage_is_added_one_renamed_one_removed_and_the_file_is_written_once() {
    let sandbox = project();
    let (mut terminal, before) = started(&sandbox);
    let shot = terminal.wait_for("? What is to be changed?");
    assert!(shot.has("test   needs build"), "{}", shot.text());
    say(
        &mut terminal,
        &[
            ("What is to be changed?", "<enter>"),
            // A name that is taken is refused at once.
            ("Name of the stage?", "test<enter>"),
        ],
    );
    terminal.wait_for("there is a stage `test` already");
    terminal.keys("<bs><bs><bs><bs>lint<enter>");
    say(
        &mut terminal,
        &[
            ("Where does it stand?", "<down><down><enter>"),
            ("What has to pass before `lint`?", " <enter>"),
            ("Values of its matrix?", "os=linux,macos<enter>"),
            ("Another axis?", "<enter>"),
            ("Which command?", "make lint<enter>"),
            ("And then?", "<enter>"),
        ],
    );
    let shot = terminal.wait_for("? What now?");
    assert!(shot.has("+    needs: build") && shot.has("+ stage lint"), "{}", shot.text());
    assert!(shot.has("3 stages, 4 cells (before: 2)"), "{}", shot.text());
    say(
        &mut terminal,
        &[
            ("What now?", "<down><enter>"),
            ("What is to be changed?", "<down><enter>"),
            ("Which stage?", "<enter>"),
            ("New name of `build`?", "compile<enter>"),
        ],
    );
    terminal.wait_for("+  compile:");
    assert_eq!(text(&sandbox), CI, "nothing is written before the end");
    say(
        &mut terminal,
        &[
            ("What now?", "<down><enter>"),
            ("What is to be changed?", "<down><down><enter>"),
            ("Which stage?", "<down><down><enter>"),
        ],
    );
    terminal.wait_for("-  test:");
    say(&mut terminal, &[("What now?", "<enter>")]);
    let ended = terminal.wait_for_end().code(0).shows("playbooks/ci.yml: written");
    ended
        .shows("sortie playbooks edit ci add-stage lint --run 'make lint' --needs build")
        .shows("sortie playbooks edit ci rename-stage build compile")
        .shows("sortie playbooks edit ci remove-stage test")
        .done();
    terminal.assert_restored(&before);
    assert_eq!(text(&sandbox), CHANGED);
    // The commands that were printed do the same.
    let other = project();
    for words in [
        &[
            "add-stage",
            "lint",
            "--run",
            "make lint",
            "--needs",
            "build",
            "--matrix",
            "os=linux,macos",
            "--after",
            "build",
        ][..],
        &["rename-stage", "build", "compile"],
        &["remove-stage", "test"],
    ] {
        let all = ["playbooks", "edit", "ci"].iter().chain(words).copied();
        other.sortie(all).run().code(0).done();
    }
    assert_eq!(text(&other), CHANGED);
}

#[test]
fn esc_keeps_answers_and_ctrl_c_writes_nothing_and_names_the_commands() {
    let sandbox = project();
    let (mut terminal, before) = started(&sandbox);
    say(
        &mut terminal,
        &[
            ("What is to be changed?", "<down><enter>"),
            ("Which stage?", "<down><enter>"),
            ("New name of `test`?", "check<enter>"),
            ("What now?", "<esc>"),
        ],
    );
    terminal.wait_until("the answer of before", |shot| {
        shot.rows().iter().rev().find(|row| row.starts_with("? ")).is_some_and(|row| row.contains("check"))
    });
    terminal.keys("2<enter>");
    terminal.wait_for("+  check2:");
    say(&mut terminal, &[("What now?", "<c-c>")]);
    terminal
        .wait_for_end()
        .code(130)
        .shows("nothing was written")
        .shows("sortie playbooks edit ci rename-stage test check2")
        .done();
    terminal.assert_restored(&before);
    assert_eq!(text(&sandbox), CI);
}

#[test]
fn a_file_that_somebody_changed_meanwhile_is_left_as_it_is() {
    let sandbox = project();
    let (mut terminal, before) = started(&sandbox);
    say(
        &mut terminal,
        &[
            ("What is to be changed?", "<down><enter>"),
            ("Which stage?", "<down><enter>"),
            ("New name of `test`?", "check<enter>"),
        ],
    );
    terminal.wait_for("+  check:");
    let theirs = format!("{CI}# theirs\n");
    fs::write(sandbox.project().join("playbooks/ci.yml"), &theirs).expect("the sandbox is writable");
    say(&mut terminal, &[("What now?", "<enter>")]);
    terminal
        .wait_for_end()
        .code(3)
        .shows("was changed by somebody else meanwhile")
        .shows("sortie playbooks edit ci rename-stage test check")
        .done();
    terminal.assert_restored(&before);
    assert_eq!(text(&sandbox), theirs);
}

#[test]
fn needs_a_matrix_and_inputs_are_changed_with_the_yaml_on_demand() {
    let sandbox = project();
    let tmux = Tmux::new(&sandbox, 80, 40);
    let before = tmux.stty();
    tmux.type_line(&format!("{SORTIE} playbooks edit ci"));
    let answer = |question: &str, keys: &[&str]| {
        tmux.wait_until(&format!("`{question}`"), |it| {
            let shown = it.capture();
            let open = shown.lines().rev().find(|row| row.starts_with("? ")).map(str::to_owned);
            open.is_some_and(|row| row.contains(question)).then_some(())
        });
        keys.iter().for_each(|key| tmux.send(&[key]));
    };
    let down = |count: usize| -> Vec<&'static str> { [vec!["Down"; count], vec!["Enter"]].concat() };
    answer("What is to be changed?", &down(3));
    answer("Of which stage?", &down(1));
    answer("What has to pass before `test`?", &["Space", "Enter"]);
    // The expression that reads it stands in the way.
    answer("What has to pass before `test`?", &["Space", "Enter"]);
    tmux.wait_for("nothing would change");
    tmux.send(&["Escape"]);
    answer("Of which stage?", &["Escape"]);
    answer("What is to be changed?", &["Down", "Enter"]);
    answer("Of which stage?", &["Enter"]);
    answer("Which values?", &["n=1,2", "Enter"]);
    answer("Another axis?", &["Enter"]);
    answer("What now?", &down(2));
    tmux.wait_for("  # Looks at it.");
    answer("What now?", &down(1));
    answer("What is to be changed?", &down(5));
    answer("Which input?", &down(1));
    answer("What about `target`?", &["Down", "Down", "Space", "Enter"]);
    answer("Which value if none is given?", &["there", "Enter"]);
    answer("What now?", &["Enter"]);
    tmux.wait_for("playbooks/ci.yml: written");
    assert_eq!(tmux.stty(), before, "the terminal is as it was");
    let expected = CI
        .replace("default: here", "default: there")
        // What was chosen before is on offer, also for another change.
        .replace("    run: make test", "    matrix:\n      \"n\": [1, 2]\n    run: make test");
    assert_eq!(text(&sandbox), expected);
}

#[test]
fn where_nobody_can_be_asked_the_changes_are_named() {
    let sandbox = project();
    let edit = |words: &[&str]| {
        let all = ["playbooks", "edit", "ci"].iter().chain(words).copied();
        sandbox.sortie(all.collect::<Vec<_>>()).run().code(2)
    };
    edit(&[]).complains("there is no terminal to ask at").complains("add-stage, rename-stage").done();
    let terminal = sandbox.terminal(["playbooks", "edit", "ci", "--dry-run"], (100, 30)).start();
    terminal.wait_for_end().code(2).shows("nothing is asked with --dry-run").done();
    // What is no sound YAML is mended by hand.
    let broken = Sandbox::new().file("playbooks/ci.yml", "version: 3\nstages: [\n");
    let terminal = broken.terminal(["playbooks", "edit", "ci"], (100, 30)).start();
    terminal.wait_for_end().code(2).shows("playbooks/ci.yml: not changed").done();
}

#[test]
fn choices_have_numbers_where_pictures_do_not_help() {
    let plain = CI.replace(" ${{ needs.build.result }}", "");
    let sandbox = Sandbox::new().file("playbooks/ci.yml", &plain);
    let call = sandbox.terminal(["playbooks", "edit", "ci"], (100, 60)).env("ACCESSIBLE", "1");
    let mut terminal = call.start();
    for (question, line) in [
        ("1. add-stage: something more to run", "3"),
        ("Which stage?", "1"),
        ("Take it out of there, too?", "<lt>"),
        ("Which stage?", "1"),
        ("(y or n, Enter: y, < goes back)", "y"),
        ("4. discard: throw all changes away", "4"),
    ] {
        terminal.reply(question, line);
    }
    terminal.wait_for_end().code(0).shows("playbooks/ci.yml: not changed").done();
    assert_eq!(text(&sandbox), plain);
}

/// The launcher, with the modes of the terminal before it.
fn launcher(sandbox: &Sandbox, found: &str) -> (Terminal, Modes) {
    let script = "echo ready; read go; exec \"$0\"";
    let mut terminal = sandbox.terminal_of("sh", ["-c", script, SORTIE], (100, 40)).start();
    terminal.wait_for("ready");
    let before = terminal.modes();
    terminal.keys("<enter>");
    terminal.wait_for(found);
    terminal.wait_for("build > test");
    (terminal, before)
}

/// Waits until the launcher has its screen again.
fn back(terminal: &mut Terminal, words: &str) {
    terminal.wait_until(&format!("the launcher with `{words}`"), |shot| {
        shot.is_alternate() && shot.has("1 found") && shot.has(words)
    });
}

const RENAMED: [(&str, &str); 3] = [
    ("What is to be changed?", "<down><enter>"),
    ("Which stage?", "<down><enter>"),
    ("New name of `test`?", "check<enter>"),
];

#[test]
fn the_launcher_has_a_playbook_changed_and_shows_what_was_written() {
    let sandbox = project();
    let (mut terminal, before) = launcher(&sandbox, "1 found");
    terminal.keys("E");
    say(&mut terminal, &RENAMED);
    let shot = terminal.wait_for("+  check:");
    assert!(!shot.is_alternate(), "questions have the normal screen: {}", shot.text());
    assert_eq!(text(&sandbox), CI, "nothing is written before the end");
    say(&mut terminal, &[("What now?", "<enter>")]);
    back(&mut terminal, "wrote playbooks/ci.yml");
    terminal.wait_for("build > check");
    assert_eq!(text(&sandbox), CI.replace("  test:\n", "  check:\n"));
    // No key was lost, and none came twice.
    terminal.keys("?");
    terminal.wait_for("Esc closes");
    terminal.keys("?");
    terminal.wait_gone("Esc closes");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    terminal.assert_restored(&before);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn whoever_leaves_the_questions_is_in_the_launcher_again_with_the_file_as_it_was() {
    let sandbox = project();
    let (mut terminal, before) = launcher(&sandbox, "1 found");
    for keys in ["<esc>", "<c-c>"] {
        terminal.keys("E");
        say(&mut terminal, &[("What is to be changed?", keys)]);
        back(&mut terminal, "playbooks/ci.yml is as it was");
    }
    terminal.keys("E");
    say(&mut terminal, &RENAMED);
    say(&mut terminal, &[("What now?", "<c-c>")]);
    back(&mut terminal, "sortie playbooks edit ci rename-stage test check");
    terminal.keys("<esc>");
    terminal.wait_gone("as commands");
    // What cannot be written is told there, with the commands.
    terminal.keys("E");
    say(&mut terminal, &RENAMED);
    terminal.wait_for("+  check:");
    let theirs = format!("{CI}# theirs\n");
    fs::write(sandbox.project().join("playbooks/ci.yml"), &theirs).expect("the sandbox is writable");
    say(&mut terminal, &[("What now?", "<enter>")]);
    back(&mut terminal, "playbooks/ci.yml was not written");
    let shot = terminal.wait_for("was changed by somebody else meanwhile");
    assert!(shot.has("sortie playbooks edit ci rename-stage test check"), "{}", shot.text());
    terminal.keys("<esc>");
    terminal.wait_gone("was not written");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    terminal.assert_restored(&before);
    assert_eq!(text(&sandbox), theirs);
}

#[test]
fn a_signal_ends_questions_and_launcher_and_leaves_the_file_alone() {
    let sandbox = project();
    let (mut terminal, before) = launcher(&sandbox, "1 found");
    terminal.keys("E");
    say(&mut terminal, &RENAMED);
    terminal.wait_for("? What now?");
    terminal.signal(Signal::SIGTERM);
    let ended = terminal.wait_for_end().code(130);
    ended
        .shows("left while a playbook was being changed; its file is written at the end of the questions")
        .done();
    terminal.assert_restored(&before);
    assert_eq!(text(&sandbox), CI);
    drop(terminal);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn what_questions_cannot_change_says_the_way_out_on_the_screen_of_the_launcher() {
    let sandbox = Sandbox::new().file("playbooks/ci.yml", "version: 3\nstages: [\n");
    let mut terminal = sandbox.terminal([], (100, 30)).start();
    terminal.wait_for("1 error");
    terminal.keys("E");
    let shot = terminal.wait_for("questions cannot change broken YAML: d shows why, e opens an editor");
    assert!(shot.is_alternate(), "{}", shot.text());
    // Mended meanwhile: it is read again before anything is said.
    fs::write(sandbox.project().join("playbooks/ci.yml"), CI).expect("the sandbox is writable");
    terminal.keys("E");
    say(&mut terminal, &[("What is to be changed?", "<c-c>")]);
    back(&mut terminal, "playbooks/ci.yml is as it was");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
}

#[test]
fn other_playbooks_that_the_change_breaks_are_named_in_the_launcher() {
    let caller = "version: 3\nstages: { a: { uses: ./playbooks/ci.yml, with: { who: b } } }\n";
    let called =
        "version: 3\non: [call]\ninputs: { who: { type: string } }\nstages: { build: { run: make } }\n";
    let sandbox = Sandbox::new().file("playbooks/ci.yml", called).file("playbooks/all.yml", caller);
    sandbox.sortie(["check"]).run().code(0).done();
    let mut terminal = sandbox.terminal([], (100, 30)).start();
    terminal.wait_for("2 found");
    terminal.keys("/ci<enter>E");
    say(
        &mut terminal,
        &[
            ("What is to be changed?", "<down><down><down><down><down><down><down><enter>"),
            ("Which input?", "<enter>"),
            ("What now?", "<enter>"),
        ],
    );
    terminal.wait_for("Wrote playbooks/ci.yml");
    terminal.wait_for("`playbooks/all.yml` calls this playbook and has errors now");
    terminal.keys("<esc>");
    terminal.wait_for("2 found, 1 broken");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
}

#[test]
fn keys_that_are_typed_ahead_go_across_both_borders() {
    let sandbox = project();
    let (mut terminal, before) = launcher(&sandbox, "1 found");
    for round in 0..25 {
        // All at once: none of it waits for what it is meant for.
        let (old, new) = if round % 2 == 0 { ("test", "check") } else { ("check", "test") };
        terminal.keys(&format!("E<down><enter><down><enter>{new}<enter><enter>/f-{round}y"));
        terminal.wait_until(&format!("the filter of round {round}"), |shot| {
            shot.is_alternate() && shot.has(&format!("/f-{round}y"))
        });
        let now = text(&sandbox);
        assert!(now.contains(&format!("  {new}:\n")) && !now.contains(&format!("  {old}:\n")), "{now}");
        terminal.keys("<esc>");
        terminal.wait_gone(&format!("f-{round}y"));
    }
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    terminal.assert_restored(&before);
}
