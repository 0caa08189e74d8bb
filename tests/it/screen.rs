//! The full screen as an operator uses it, in a real multiplexer: start, search, grid, pause, skip, cancel, retry, stream mode,
//! resize, quit; and what becomes of it where there is no good terminal.
//!
//! Not here: how it is left (`screen_left.rs`), each screen as text (`src/faces/tui/tests.rs`).

use std::time::Duration;

use crate::kit::{Sandbox, Terminal, Tmux, nothing_is_left};

/// A stage that fails until the file `fixed` is there, a matrix, one that runs until it is stopped, and what needs them.
const PLAYBOOK: &str = r#"version: 3
name: drive
stages:
  lint:
    run: |
      for number in 1 2 3 4 5 6 7 8 9; do echo "reading part $number of the code"; done
      [ -e fixed ] || { echo "warning: a comma is missing"; exit 3; }
  build:
    matrix: { os: [linux, macos], rust: [stable, nightly] }
    env: { OS: "${{ matrix.os }}" }
    run: echo "built for $OS"
  slow:
    needs: build
    run: |
      echo "waiting for a word"
      read line < waiter
  never:
    needs: build
    run: |
      echo "never ends"
      read line < nobody
  ship:
    needs: [lint, slow]
    run: echo shipped
"#;

fn project() -> Sandbox {
    let sandbox = Sandbox::new().file("playbooks/drive.yml", PLAYBOOK);
    for pipe in ["waiter", "nobody"] {
        nix::unistd::mkfifo(&sandbox.project().join(pipe), nix::sys::stat::Mode::S_IRWXU)
            .expect("the project is writable");
    }
    sandbox
}

fn sortie() -> &'static str {
    env!("CARGO_BIN_EXE_sortie")
}

/// Presses a key until a dialog, which is deaf for its first moment, has heard it.
fn answer(tmux: &Tmux, dialog: &str, key: &str) {
    tmux.wait_for(dialog);
    tmux.wait_until("the dialog heard it", |tmux| {
        tmux.send(&[key]);
        (!tmux.capture().contains(dialog)).then_some(())
    });
}

/// Goes to a stage by its name.
fn select(tmux: &Tmux, stage: &str) {
    tmux.send(&[":"]);
    tmux.wait_for("Command");
    tmux.type_text(&format!("go to {stage}"));
    tmux.wait_for(&format!("> Go to {stage}"));
    tmux.send(&["Enter"]);
    tmux.wait_until("the stage is selected", |tmux| {
        tmux.capture().lines().any(|line| line.starts_with('>') && line.contains(stage)).then_some(())
    });
}

/// The engine has written the end down by then, and the screen does not know of it.
#[test]
fn a_retry_that_comes_as_the_job_ends_runs_it_on() {
    let sandbox = project().file(
        "playbooks/late.yml",
        "version: 3\nname: late\nstages:\n  lint: {run: test -e fixed}\n  slow: {run: read line < waiter}\n",
    );
    let mut job = sandbox.sortie(["run", "late"]).env("SORTIE_FAULT_END_AT", "known").start();
    job.wait_for("lint failed");
    let tmux = Tmux::new(&sandbox, 120, 40);
    tmux.type_line(&format!("{} watch 1", sortie()));
    tmux.wait_for("1 running, 1 failed");
    select(&tmux, "lint");
    std::fs::write(sandbox.project().join("waiter"), "on\n").expect("somebody reads it");
    tmux.wait_until("the end is written down", |_| {
        let listed = sandbox.sortie(["jobs", "list", "--json"]).run().code(0).json_lines();
        (listed[0][0]["outcome"] == "failure").then_some(())
    });
    std::fs::write(sandbox.project().join("fixed"), "").expect("the project is writable");
    tmux.send(&["r"]);
    tmux.wait_for("does not answer");
    std::fs::write(sandbox.project().join("known"), "").expect("the project is writable");
    job.wait().code(1).done();
    tmux.wait_for("run 2");
    tmux.wait_for("2 stages passed");
    tmux.send(&["q"]);
    tmux.wait_until("the screen was left", |tmux| (!tmux.alternate_on()).then_some(()));
}

/// An engine that is slow has the order, and what it says to it is the last word.
#[test]
fn a_retry_that_was_refused_is_not_carried_out_later() {
    let sandbox = project().file(
        "playbooks/slow.yml",
        "version: 3\nname: slow\nstages:\n  deploy: {run: echo deployed >> deployed}\n  slow: {needs: deploy, run: read line < waiter}\n",
    );
    let mut job = sandbox.sortie(["run", "slow"]).start();
    job.wait_for("deploy passed");
    let tmux = Tmux::new(&sandbox, 120, 40);
    tmux.type_line(&format!("{} watch 1", sortie()));
    tmux.wait_for("read line < waiter: running");
    select(&tmux, "deploy");
    job.signal(nix::sys::signal::Signal::SIGSTOP);
    tmux.send(&["r"]);
    answer(&tmux, "Run deploy again?", "y");
    tmux.wait_for("does not answer");
    tmux.wait_for("has said nothing for");
    job.signal(nix::sys::signal::Signal::SIGCONT);
    // Otherwise the job may end before its engine has looked at the order, which runs it on then.
    crate::kit::eventually("the order is refused", || {
        sandbox.sortie(["jobs", "events", "1"]).run().code(0).out.contains("order.refused")
    });
    std::fs::write(sandbox.project().join("waiter"), "on\n").expect("somebody reads it");
    job.wait().code(0).done();
    tmux.wait_for("2 stages passed");
    tmux.send(&["q"]);
    tmux.wait_until("the screen was left", |tmux| (!tmux.alternate_on()).then_some(()));
    let events = sandbox.sortie(["jobs", "events", "1"]).run().code(0).out;
    assert!(events.contains("order.refused") && !events.contains("job.retrying"), "{events}");
    assert_eq!(std::fs::read_to_string(sandbox.project().join("deployed")).expect("it ran"), "deployed\n");
}

#[test]
fn an_operator_drives_a_job_in_tmux() {
    let sandbox = project();
    let tmux = Tmux::new(&sandbox, 120, 40);
    let before = tmux.stty();
    tmux.type_line(&format!("{} run drive --watch --max-parallel 4", sortie()));
    tmux.wait_for("2 running, 1 failed");
    assert!(tmux.alternate_on());

    // Search: the hits of the whole log, with their number.
    select(&tmux, "lint");
    tmux.wait_for("a comma is missing");
    tmux.send(&["/"]);
    tmux.type_text("part [");
    tmux.wait_for("no line has it");
    tmux.send(&["C-u"]);
    tmux.type_text("part");
    tmux.wait_for("1 of 9 lines");
    tmux.send(&["Enter", "n"]);
    tmux.wait_for("2 of 9 lines");
    tmux.send(&["N", "N"]);
    tmux.wait_for("9 of 9 lines");
    tmux.send(&["Escape"]);
    // Read together with the next key it would be another key.
    tmux.wait_until("the search is over", |tmux| (!tmux.capture().contains("of 9 lines ")).then_some(()));

    // The grid.
    select(&tmux, "build");
    tmux.send(&["2"]);
    tmux.wait_for("4 of 4 cells");
    tmux.send(&["1"]);

    // Pause, and on again.
    tmux.send(&["p"]);
    tmux.wait_for("PAUSED");
    tmux.send(&["p"]);
    tmux.wait_until("it goes on", |tmux| (!tmux.capture().contains("PAUSED")).then_some(()));

    // Skip what runs, after a question.
    select(&tmux, "slow");
    tmux.send(&["s"]);
    answer(&tmux, "Skip slow?", "y");
    tmux.wait_for("skipped by");

    // Another size, and the smallest.
    for (columns, rows) in [(80, 24), (40, 10), (200, 60)] {
        tmux.resize(columns, rows);
        tmux.wait_until("it fills the window", |tmux| {
            let shot = tmux.capture();
            let last = shot.lines().last().unwrap_or_default();
            (last.contains("q quit") && shot.lines().count() == usize::from(rows)).then_some(())
        });
    }
    tmux.resize(30, 5);
    tmux.wait_for("is too small");
    tmux.resize(120, 40);

    // Stream mode, and back.
    tmux.wait_for("? help");
    tmux.send(&["S"]);
    tmux.wait_until("the screen was left", |tmux| (!tmux.alternate_on()).then_some(()));
    tmux.wait_for("Stage");
    tmux.send(&["S"]);
    tmux.wait_until("the screen is back", |tmux| tmux.alternate_on().then_some(()));

    // Cancel one, retry what failed, and the job ends well.
    select(&tmux, "never");
    tmux.send(&["x"]);
    answer(&tmux, "Cancel never?", "y");
    tmux.wait_for("cancelled");
    std::fs::write(sandbox.project().join("fixed"), "").expect("the project is writable");
    select(&tmux, "lint");
    tmux.send(&["r"]);
    tmux.wait_for("run 2");
    tmux.wait_for("R retry failed");
    tmux.send(&["q"]);
    tmux.wait_until("the screen was left", |tmux| (!tmux.alternate_on()).then_some(()));
    tmux.wait_for("again  sortie jobs retry 1");
    assert_eq!(tmux.stty(), before);
    drop(tmux);
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn without_a_good_terminal_the_right_mode_or_a_sentence() {
    let sandbox =
        Sandbox::new().file("playbooks/two.yml", "version: 3\nname: two\nstages:\n  a: { run: echo one }\n");
    sandbox
        .sortie(["run", "two", "--watch"])
        .run()
        .code(0)
        .complains("standard output is none")
        .says("a | one")
        .done();
    let dumb = sandbox.terminal(["run", "two", "--watch"], (80, 24)).env("TERM", "dumb").start();
    dumb.wait_for_end().code(0).shows("TERM says").shows("a | one").done();
    // A service that builds has a terminal now and then, but nobody at it.
    let ci = sandbox.terminal(["run", "two"], (80, 24)).env("CI", "true").start();
    let ended = ci.wait_for_end().code(0).shows("a | one");
    assert!(!String::from_utf8_lossy(&ended.raw).contains("\x1b[?1049h"));
    let tiny = sandbox.terminal(["run", "two", "--watch"], (30, 5)).start();
    tiny.wait_for_end().code(0).shows("passed").done();
    sandbox.sortie(["watch"]).run().code(0).says("job #4 passed").done();
}

#[test]
fn a_job_that_is_over_at_once_can_be_seen_and_then_the_screen_leaves() {
    let sandbox = Sandbox::new()
        .file("playbooks/two.yml", "version: 3\nname: two\nstages:\n  a: { run: echo one }\n")
        .file(
            "playbooks/mended.yml",
            "version: 3\nname: mended\nstages:\n  a: { steps: [{ block: [{ run: exit 3 }], rescue: [{ run: echo mended }] }] }\n",
        );
    let quick = sandbox.terminal(["run", "two", "--watch"], (80, 24)).start();
    let before = quick.modes();
    quick.wait_for("any key stays");
    quick.wait_for_end().code(0).shows("job #1 passed").done();
    quick.assert_restored(&before);
    let mut kept = sandbox.terminal(["run", "two", "--watch"], (80, 24)).start();
    kept.wait_for("any key stays");
    kept.keys("j");
    kept.wait_for("1 stage passed");
    kept.keys("q");
    kept.wait_for_end().code(0).shows("job #2 passed").done();
    let mut rescued = sandbox.terminal(["run", "mended", "--watch"], (80, 24)).start();
    rescued.wait_for("passed, rescued");
    rescued.wait_for("1 stage passed");
    rescued.keys("q");
    rescued.wait_for_end().code(0).shows("(rescued)").done();
}

#[test]
fn a_terminal_that_stops_reading_does_not_hold_up_the_job() {
    let sandbox = Sandbox::new().file(
        "playbooks/much.yml",
        "version: 3\nname: much\nstages:\n  a:\n    run: |\n      echo begun\n      read line < waiter\n      i=0; while [ $i -lt 20000 ]; do echo \"line $i of very many\"; i=$((i+1)); done\n      touch done\n",
    );
    nix::unistd::mkfifo(&sandbox.project().join("waiter"), nix::sys::stat::Mode::S_IRWXU)
        .expect("the project is writable");
    let mut terminal = sandbox.terminal(["run", "much", "--watch"], (200, 60)).start();
    let before = terminal.modes();
    terminal.wait_for("echo begun");
    terminal.stop_reading();
    std::fs::write(sandbox.project().join("waiter"), "go\n").expect("the step waits for it");
    // The job ends although nobody reads what is drawn of it.
    sandbox.sortie(["jobs", "wait", "last", "--timeout", "30s"]).run().code(0).done();
    assert!(sandbox.project().join("done").exists());
    terminal.go_on_reading();
    // Of the job, not of the stage alone: while the job runs, leaving is asked about.
    terminal.wait_for("R retry failed");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    terminal.assert_restored(&before);
}

/// Its stage runs until it is cancelled, and then cleans up until the file `go` is there.
const HELD: &str = r#"version: 3
name: held
stages:
  never:
    steps:
      - run: |
          echo "waiting for a word"
          read line < nobody
      - if: always()
        run: until [ -e go ]; do sleep 0.02; done
"#;

#[test]
fn a_cancel_that_was_confirmed_is_given_although_the_screen_is_left_at_once() {
    for leaves in ["q", "<c-c>", "S", "<c-z>"] {
        let sandbox = project().file("playbooks/held.yml", HELD);
        let mut job = sandbox.sortie(["run", "held", "--on-loss", "stop"]).start();
        job.wait_for("waiting for a word");
        let mut terminal = sandbox.terminal(["w"], (80, 24)).start();
        confirm_the_cancel(&mut terminal);
        terminal.keys(leaves);
        match leaves {
            "S" => {
                terminal.wait_until("the normal screen", |shot| !shot.is_alternate());
                terminal.wait_for("cancelling");
            }
            "<c-z>" => terminal.wait_stopped(),
            _ => {
                terminal.wait_for_end().code(0).shows("is being cancelled").done();
            }
        }
        // Not before: a job that has ended is not being cancelled any more.
        std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
        job.wait().code(130).says("never cancelled").done();
    }
}

fn confirm_the_cancel(terminal: &mut Terminal) {
    terminal.wait_for("watching");
    terminal.keys("X");
    terminal.wait_for("Cancel job #1?");
    while terminal.shot().has("Cancel job #1?") {
        terminal.keys("y");
        let _bytes = terminal.bytes_during(Duration::from_millis(100));
    }
}

#[test]
fn whoever_leaves_the_screen_in_the_moment_of_the_end_is_told_of_it() {
    let sandbox = project().file("playbooks/held.yml", HELD).file("go", "");
    let mut job = sandbox.sortie(["run", "held", "--on-loss", "stop"]).start();
    job.wait_for("waiting for a word");
    let mut terminal = sandbox.terminal(["w"], (80, 24)).start();
    terminal.wait_for("watching");
    // It sees neither the end nor the key, and then both at once.
    terminal.signal(nix::sys::signal::Signal::SIGSTOP);
    terminal.wait_stopped();
    sandbox.sortie(["jobs", "cancel", "1"]).run().code(0).done();
    job.wait().code(130).says("job #1 cancelled").done();
    terminal.bring_to_front();
    terminal.keys("q");
    terminal.wait_for_end().shows("job #1 cancelled").done();
}

/// Needs a file, and a command that waits for a word where `slow` is.
const SECRETIVE: &str = r#"version: 3
name: secretive
secrets:
  TOKEN: { from: { file: token }, required: true }
  SLOW: { from: { command: '[ ! -e slow ] || read word < waiter; echo value' }, required: true }
stages:
  use: { run: "echo used; exit 3" }
"#;

#[test]
fn a_job_that_cannot_run_on_says_why_and_one_that_takes_long_can_be_given_up() {
    let sandbox = project().file("playbooks/secretive.yml", SECRETIVE).file("token", "hush");
    let file = |name: &str| sandbox.project().join(name);
    let mut terminal = sandbox.terminal(["run", "secretive", "--watch"], (100, 30)).start();
    let before = terminal.modes();
    terminal.wait_for("Trust these commands?");
    terminal.keys("y<enter>");
    terminal.wait_for("R retry failed");

    // A secret is gone.
    std::fs::remove_file(file("token")).expect("it is there");
    terminal.keys("r");
    terminal.wait_for("Nothing was started");
    terminal.wait_for("the file `token` cannot be opened");
    terminal.keys("<esc>");
    terminal.wait_gone("Nothing was started");

    // One does not come: keys are heard meanwhile.
    for name in ["token", "slow"] {
        std::fs::write(file(name), "hush").expect("the project is writable");
    }
    terminal.keys("r");
    terminal.wait_for("starting the job again");
    terminal.keys("?");
    terminal.wait_for("Help");
    terminal.keys("<esc>");
    terminal.wait_gone("Help");
    terminal.keys("<esc>");
    terminal.wait_for("given up");

    // It is there.
    std::fs::remove_file(file("slow")).expect("it is there");
    terminal.keys("r");
    terminal.wait_for("run 2");
    terminal.wait_for("R retry failed");

    // A signal ends it at once.
    std::fs::write(file("slow"), "").expect("the project is writable");
    terminal.keys("r");
    terminal.wait_for("starting the job again");
    terminal.signal(nix::sys::signal::Signal::SIGTERM);
    terminal.wait_for_end().code(1).shows("job #1 failed").done();
    terminal.assert_restored(&before);
    drop(terminal);
    // The commands that still wait are let go.
    let open = std::fs::OpenOptions::new().read(true).write(true).open(file("waiter"));
    let mut waiter = open.expect("it is a pipe");
    std::io::Write::write_all(&mut waiter, b"word\nword\n").expect("somebody reads");
    nothing_is_left(&sandbox, Duration::from_secs(20));
}
