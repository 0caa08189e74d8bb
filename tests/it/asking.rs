//! What a job is started with, asked on a terminal: inputs and secrets that nobody gave.
//!
//! Not here: which questions there are (`logic/plan/inputs/ask_tests.rs`), other wizards (`wizard.rs`).

use std::time::Duration;

use crate::kit::{Modes, Sandbox, Terminal, Tmux, nothing_is_left};

const SORTIE: &str = env!("CARGO_BIN_EXE_sortie");

const RELEASE: &str = "version: 3
inputs:
  tag: { type: string, pattern: 'v[0-9]+', required: true, description: What to release? }
  count: { type: number, default: 3 }
  place: { type: choice, options: [here, there], required: true }
  dry: { type: boolean, required: true }
stages:
  a:
    env: { TAG: '${{ inputs.tag }}', PLACE: '${{ inputs.place }}' }
    run: echo \"$TAG to $PLACE ${{ inputs.count }} ${{ inputs.dry }}\"
";

const SECRET: &str = "version: 3
secrets:
  token: { from: { env: RELEASE_TOKEN }, required: true }
stages:
  a:
    env: { TOKEN: '${{ secrets.token }}' }
    run: printf %s \"$TOKEN\" | wc -c; echo \"<$TOKEN>\"
";

/// Keys that wait before the program has begun would be taken by the shell.
fn started(sandbox: &Sandbox, words: &str) -> (Terminal, Modes) {
    let script = format!("echo ready; read go; exec \"$0\" {words}");
    let mut terminal = sandbox.terminal_of("sh", ["-c", &script, SORTIE], (100, 30)).start();
    terminal.wait_for("ready");
    let before = terminal.modes();
    terminal.keys("<enter>");
    (terminal, before)
}

#[test]
fn a_missing_input_is_asked_for_looked_at_and_the_job_runs_with_it() {
    let sandbox = Sandbox::new().file("playbooks/release.yml", RELEASE);
    let tmux = Tmux::new(&sandbox, 80, 24);
    let before = tmux.stty();
    tmux.type_line(&format!("{SORTIE} run release"));
    tmux.wait_for("? tag: What to release?");
    tmux.type_text("seven");
    tmux.send(&["Enter"]);
    tmux.wait_for("`seven` does not match the pattern of the input `tag`: v[0-9]+");
    for _ in 0..5 {
        tmux.send(&["BSpace"]);
    }
    tmux.type_text("v7");
    tmux.send(&["Enter"]);
    // Only what is missing is asked for.
    tmux.wait_for("? Value of `place`?");
    tmux.send(&["Down"]);
    tmux.send(&["Escape"]);
    // With what was said before.
    tmux.wait_until("the question before", |it| {
        it.capture().trim_end().lines().rev().any(|line| line == "? tag: What to release? v7").then_some(())
    });
    tmux.send(&["Enter"]);
    tmux.wait_for("? Value of `place`?");
    tmux.send(&["Down"]);
    tmux.send(&["Enter"]);
    tmux.wait_for("? Value of `dry`?");
    tmux.type_text("y");
    tmux.send(&["Enter"]);
    tmux.wait_for("job #1 passed");
    let told = tmux.capture_history();
    assert!(told.contains("v7 to there 3 true"), "{told}");
    assert!(
        told.replace('\n', "").contains("run release --input tag=v7 --input place=there --input dry=true"),
        "{told}"
    );
    assert_eq!(tmux.stty(), before, "the terminal is as it was");
    // The command that was printed asks for nothing.
    let flags = ["--input", "tag=v7", "--input", "place=there", "--input", "dry=true"];
    let again = ["run", "release", "--ui", "plain"].into_iter().chain(flags);
    sandbox.sortie(again).run().code(0).says("v7 to there 3 true").done();
}

#[test]
fn a_secret_is_neither_seen_nor_printed_nor_kept() {
    let sandbox = Sandbox::new().file("playbooks/release.yml", SECRET);
    for accessible in ["", "1"] {
        let terminal = sandbox.terminal(["run", "release", "--ui", "plain"], (80, 30));
        let terminal = match accessible {
            "" => terminal,
            _ => terminal.env("ACCESSIBLE", accessible),
        };
        let mut terminal = terminal.start();
        terminal.wait_for("Value of the secret `token`?");
        assert!(!terminal.modes().echoes(), "before it is asked");
        terminal.keys("hunter-two-2<enter>");
        let shot = terminal.wait_for("1 stage passed");
        assert!(shot.has("12") && shot.has("<***>"), "the step has it: {}", shot.text());
        assert!(shot.has("export RELEASE_TOKEN=..."), "{}", shot.text());
        let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
        assert!(!raw.contains("hunter"), "{raw}");
        terminal.wait_for_end().code(0).done();
    }
    for entry in walk(&sandbox.project().join(".sortie")) {
        let bytes = std::fs::read(&entry).unwrap_or_default();
        let found = bytes.windows(12).any(|it| it == b"hunter-two-2");
        assert!(!found, "{} has it", entry.display());
    }
    // Given by the environment nothing is asked.
    let terminal =
        sandbox.terminal(["run", "release", "--ui", "plain"], (80, 30)).env("RELEASE_TOKEN", "abc").start();
    let shot = terminal.wait_for("1 stage passed");
    assert!(!shot.has("Value of"), "{}", shot.text());
    terminal.wait_for_end().code(0).done();
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.flat_map(|it| if it.path().is_dir() { walk(&it.path()) } else { vec![it.path()] }).collect()
}

#[test]
fn ctrl_c_and_esc_start_nothing_and_leave_the_terminal_as_it_was() {
    let sandbox = Sandbox::new().file("playbooks/release.yml", RELEASE);
    for keys in ["v7<enter><c-c>", "<esc>"] {
        let (mut terminal, before) = started(&sandbox, "run release");
        terminal.wait_for("? tag: What to release?");
        terminal.keys(keys);
        terminal.wait_for_end().code(130).shows("nothing was started").done();
        terminal.assert_restored(&before);
    }
    let (terminal, before) = started(&sandbox, "run release");
    terminal.wait_for("? tag: What to release?");
    terminal.kill();
    let _ended = terminal.wait_for_end();
    terminal.assert_restored(&before);
    sandbox.sortie(["jobs", "list"]).run().code(0).says("no jobs").done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn where_nobody_can_be_asked_what_is_missing_is_named_with_its_flag() {
    let sandbox = Sandbox::new().file("playbooks/release.yml", RELEASE);
    let run = |words: &[&str]| {
        sandbox.sortie(["run", "release"].iter().chain(words).copied().collect::<Vec<_>>()).run().code(2)
    };
    run(&[]).complains("help: add --input tag=TEXT").complains("help: add --input place=here").done();
    run(&["--ask"]).complains("there is no terminal to ask at").done();
    // At a terminal, for those who do not look.
    for words in [&["run", "release", "--ui", "json"][..], &["run", "release", "--dry-run"]] {
        let terminal = sandbox.terminal(words.iter().copied(), (80, 30)).start();
        terminal.wait_for_end().code(2).shows("add --input tag=TEXT").done();
    }
    let terminal = sandbox.terminal(["run", "release"], (80, 30)).env("CI", "true").start();
    terminal.wait_for_end().code(2).shows("add --input tag=TEXT").done();
    // What is given and wrong is told before anything is asked.
    let words = ["run", "release", "--input", "tag=7"];
    let terminal = sandbox.terminal(words, (80, 30)).start();
    terminal.wait_for_end().code(2).shows("does not match the pattern of the input `tag`").done();
}

#[test]
fn all_inputs_are_asked_for_on_demand_with_numbers_where_pictures_do_not_help() {
    let sandbox = Sandbox::new().file("playbooks/release.yml", RELEASE);
    let words = ["run", "release", "--ask", "--input", "tag=v1"];
    let mut terminal = sandbox.terminal(words, (100, 40)).env("ACCESSIBLE", "1").start();
    let mut say = |question: &str, line: &str| terminal.reply(question, line);
    say("(Enter: v1, < goes back)", "");
    say("Value of `count`?", "many");
    say("the input `count` takes a number such as `3` or `0.5`, found `many`", "4");
    say("2. there", "2");
    say("Value of `dry`?", "<lt>");
    say("(a number, Enter: 2, < goes back)", "");
    say("(y or n, Enter: n, < goes back)", "");
    terminal.wait_for("1 stage passed");
    terminal.wait_for_end().code(0).shows("v1 to there 4 false").done();
}

#[test]
fn no_key_is_lost_between_questions_and_the_screen_of_the_job() {
    let slow = "version: 3
inputs: { tag: { type: string, required: true } }
stages: { a: { run: 'until [ -e go ]; do sleep 0.05; done' } }
";
    let sandbox = Sandbox::new().file("playbooks/slow.yml", slow);
    let go = sandbox.project().join("go");
    for round in 0..20 {
        let (mut terminal, before) = started(&sandbox, "run slow --watch");
        terminal.wait_for("? Value of `tag`?");
        // All at once, across the border: the second part is meant for the screen.
        terminal.keys("v7<enter>?");
        let what = format!("the help of the screen in round {round}");
        terminal.wait_until(&what, |shot| shot.is_alternate() && shot.has("─ Help"));
        terminal.keys("<esc>");
        terminal.wait_gone("─ Help");
        std::fs::write(&go, "").expect("the sandbox is writable");
        terminal.wait_for("1 stage passed");
        terminal.keys("q");
        terminal.wait_for_end().code(0).done();
        std::fs::remove_file(&go).expect("it is there");
        terminal.assert_restored(&before);
    }
    nothing_is_left(&sandbox, Duration::from_secs(5));
}
