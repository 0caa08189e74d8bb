//! The inline face on a terminal: rows below the output, keys, and a terminal that is as it was before, however it ends.
//!
//! Not here: the text of the rows and what keys mean (unit tests of `faces/inline`), the summary (`program.rs`).

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::kit::{Sandbox, Shot, Terminal, keeper_of, nothing_is_left};

/// Waits for the file `go` to come, as a person would for a slow step.
const GATED: &str = r#"version: 3
name: gated
stages:
  first:
    name: Wait for it
    steps:
      - { id: gate, name: Look out, run: "echo begun; until test -e go; do sleep 0.05; done; echo opened" }
  second:
    needs: first
    matrix: { os: [linux, mac] }
    run: until test -e on; do sleep 0.05; done
"#;

const FLOOD: &str = "version: 3
name: flood
stages:
  a: { run: 'until test -e go; do sleep 0.05; done; seq 20000' }
";

const HINT: &str = "p pause  s skip  x cancel  q quit  ? keys";

fn gated() -> Sandbox {
    Sandbox::new().file("gated.yml", GATED)
}

fn run(sandbox: &Sandbox) -> Terminal {
    sandbox.terminal(["run", "gated.yml"], (60, 16)).start()
}

/// Runs the job until its first step waits and keys are read.
fn run_until_gate(sandbox: &Sandbox) -> Terminal {
    let terminal = run(sandbox);
    terminal.wait_until("the rows and the output", |shot| shot.has(HINT) && shot.has("first | begun"));
    terminal
}

fn open(sandbox: &Sandbox, gate: &str) {
    std::fs::write(sandbox.project().join(gate), "").expect("the project is writable");
}

/// Presses a key until a question that stands since a moment ago hears it.
fn answer(terminal: &mut Terminal, key: &str, question: &str) {
    terminal.wait_for(question);
    while terminal.shot().has(question) {
        terminal.keys(key);
        let _bytes = terminal.bytes_during(Duration::from_millis(100));
    }
}

#[test]
fn rows_say_what_runs_and_are_gone_at_the_end() {
    let sandbox = gated();
    let terminal = run_until_gate(&sandbox);
    let shot = terminal.shot();
    let (_, top) = shot.find("[░░░░░░░░░░] 0% - Stage 1/2: Wait for it").expect("it is there");
    assert_eq!(shot.row(top - 1), "first | begun");
    assert_eq!(shot.row(top + 1), "▹ Wait for it");
    assert!(shot.row(top + 2).starts_with("  └─ [gate] Look out 0:0"), "{}", shot.text());
    assert_eq!(shot.row(top + 3), HINT);
    assert!(shot.is_cursor_visible() && shot.cursor() == (0, top), "{:?}", shot.cursor());
    let moves = |shot: &Shot| shot.has("Look out 0:") && !shot.has("Look out 0:00");
    terminal.wait_until("a clock that moves", moves);
    open(&sandbox, "go");
    let shot = terminal.wait_until("two cells", |shot| shot.has("─ [os=mac] 0:0"));
    assert!(
        shot.has("[█████░░░░░] 50% - Stage 2/2: second") && shot.has("▹ second (2 cells)"),
        "{}",
        shot.text()
    );
    open(&sandbox, "on");
    let ended = terminal.wait_for_end().code(0).shows("first | opened").shows("job #1 passed");
    assert!(!ended.shot.has("Stage") && !ended.shot.has("└─"), "{}", ended.shot.text());
}

#[test]
fn only_buffering_and_echo_are_off_and_come_back() {
    let sandbox = gated();
    let terminal = run(&sandbox);
    let before = terminal.modes();
    terminal.wait_for(HINT);
    assert!(!terminal.modes().echoes() && !terminal.modes().is_raw());
    open(&sandbox, "go");
    open(&sandbox, "on");
    terminal.wait_for_end().code(0).done();
    terminal.assert_restored(&before);
    drop(terminal);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn a_job_is_paused_and_resumed_by_a_key() {
    let sandbox = gated();
    let mut terminal = run_until_gate(&sandbox);
    terminal.keys("p");
    terminal.wait_until("the pause", |shot| shot.has("Wait for it (paused)") && shot.has("p resume"));
    open(&sandbox, "go");
    terminal.wait_for("50% - Stage 1/2: paused");
    terminal.keys("p");
    terminal.wait_for("second (2 cells)");
    open(&sandbox, "on");
    terminal.wait_for_end().code(0).shows("paused by").shows("resumed by").done();
}

#[test]
fn what_cannot_be_undone_is_asked_for() {
    let sandbox = gated();
    let mut terminal = run_until_gate(&sandbox);
    terminal.keys("x");
    answer(&mut terminal, "n", "cancel the job? y/n");
    terminal.wait_for(HINT);
    terminal.keys("s");
    answer(&mut terminal, "y", "skip first? y/n");
    terminal.wait_for("second (2 cells)");
    terminal.keys("?");
    terminal.wait_for("retry what failed");
    terminal.keys("q");
    answer(&mut terminal, "y", "cancel the job and quit? y/n");
    terminal.wait_for_end().code(130).shows("job #1 cancelled").done();
}

#[test]
fn ctrl_c_cancels_and_the_terminal_is_as_before() {
    let sandbox = gated();
    let mut terminal = run(&sandbox);
    let before = terminal.modes();
    terminal.wait_for(HINT);
    terminal.keys("<c-c>");
    terminal.wait_for_end().code(130).shows("job #1 cancelled").done();
    terminal.assert_restored(&before);
    drop(terminal);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

/// A step that is not impressed by being asked.
const STUBBORN: &str = "version: 3
name: stubborn
defaults: { cancel: { grace: 10m } }
stages:
  first: { run: 'trap \"echo was asked\" INT TERM; echo begun; while :; do sleep 0.05 || :; done' }
";

#[test]
fn the_first_interrupt_asks_and_the_second_kills() {
    let sandbox = Sandbox::new().file("stubborn.yml", STUBBORN);
    let mut terminal = sandbox.terminal(["run", "stubborn.yml"], (60, 16)).start();
    let before = terminal.modes();
    terminal.wait_until("the rows and the output", |shot| shot.has(HINT) && shot.has("first | begun"));
    terminal.keys("<c-c>");
    terminal.wait_until("it was asked", |shot| {
        shot.has("first | was asked") && shot.has("cancelling (asked for by") && shot.has("(cancelling)")
    });
    terminal.keys("<c-c>");
    terminal.wait_for_end().code(130).shows("killing without cleanup").shows("job #1 cancelled").done();
    terminal.assert_restored(&before);
    drop(terminal);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn the_third_interrupt_leaves_at_once_even_if_the_keeper_is_stuck() {
    let sandbox = gated();
    let mut terminal = run(&sandbox);
    let before = terminal.modes();
    terminal.wait_until("the rows and the output", |shot| shot.has(HINT) && shot.has("first | begun"));
    let keeper = Pid::from_raw(keeper_of(terminal.id()));
    kill(keeper, Signal::SIGSTOP).expect("it is a process of ours");
    terminal.keys("<c-c>");
    terminal.wait_for("cancelling (asked for by");
    terminal.keys("<c-c>");
    terminal.wait_for("killing without cleanup");
    assert!(terminal.shot().has("Look out"), "it waits for the keeper: {}", terminal.shot().text());
    terminal.keys("<c-c>");
    let ended = terminal.wait_for_end().code(130).shows("left before the job ended");
    assert!(!ended.shot.has("Stage") && !ended.shot.has("└─"), "{}", ended.shot.text());
    terminal.assert_restored(&before);
    drop(terminal);
    // Once it can, the keeper sees that nobody is there any more.
    kill(keeper, Signal::SIGCONT).expect("it is a process of ours");
    nothing_is_left(&sandbox, Duration::from_secs(10));
}

#[test]
fn where_nothing_happens_only_the_clock_wakes_it() {
    let sandbox = gated();
    let terminal = run_until_gate(&sandbox);
    let woken = || {
        let path = format!("/proc/{0}/task/{0}/status", terminal.id());
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|count| count.trim().parse::<u32>().ok()).expect("the system counts it")
    };
    let wait_to = |second: u32| {
        let clock = |shot: &Shot| {
            let text = shot.text();
            let (_, behind) = text.split_once("Look out 0:")?;
            behind.get(..2)?.parse::<u32>().ok().filter(|&it| it >= second)
        };
        terminal.wait_until("the clock of the step", |shot| clock(shot).is_some());
        clock(&terminal.shot()).unwrap_or(second)
    };
    let first = wait_to(1);
    let before = woken();
    let seconds = wait_to(first + 3) - first;
    let times = woken() - before;
    // For each second the clock of the step, that of its cell, and what a machine with more to do adds to it.
    assert!(times <= 7 * seconds, "woken {times} times in {seconds} seconds");
    open(&sandbox, "go");
    open(&sandbox, "on");
    terminal.wait_for_end().code(0).done();
}

#[test]
fn a_shell_gets_its_terminal_while_the_job_is_stopped() {
    let sandbox = gated();
    let mut terminal = run(&sandbox);
    let before = terminal.modes();
    terminal.wait_for(HINT);
    terminal.keys("<c-z>");
    terminal.wait_stopped();
    // What it wrote before that may still be on its way.
    terminal.wait_gone("Stage");
    terminal.assert_restored(&before);
    terminal.bring_to_front();
    terminal.wait_running();
    terminal.wait_for(HINT);
    assert!(!terminal.modes().echoes());
    open(&sandbox, "go");
    open(&sandbox, "on");
    terminal.wait_for_end().code(0).done();
    terminal.assert_restored(&before);
}

#[test]
fn a_killed_program_leaves_no_rows_and_no_modes_behind() {
    let sandbox = gated();
    let terminal = sandbox.terminal(["run", "gated.yml", "--on-loss", "stop"], (60, 16)).start();
    let before = terminal.modes();
    terminal.wait_for(HINT);
    terminal.kill();
    let ended = terminal.wait_for_end().signalled(Signal::SIGKILL).shows("first | begun");
    assert!(!ended.shot.has("Stage") && !ended.shot.has(HINT), "{}", ended.shot.text());
    terminal.assert_restored(&before);
    drop(terminal);
    nothing_is_left(&sandbox, Duration::from_secs(10));
}

#[test]
fn no_line_of_a_flood_is_lost_or_mixed_with_rows() {
    let sandbox = Sandbox::new().file("flood.yml", FLOOD);
    let terminal = sandbox.terminal(["run", "flood.yml"], (60, 12)).start();
    terminal.wait_for(HINT);
    open(&sandbox, "go");
    terminal.wait_for_end().code(0).shows("job #1 passed").done();
    let mut lines = terminal.history();
    lines.extend(terminal.shot().rows());
    let numbers: Vec<u32> =
        lines.iter().filter_map(|line| line.strip_prefix("a | ")?.trim_end().parse().ok()).collect();
    assert!(numbers.iter().copied().eq(1..=20_000), "{} lines", numbers.len());
    let others: Vec<&String> = lines.iter().filter(|line| !line.starts_with("a | ")).collect();
    assert!(others.len() < 12, "{others:?}");
}

#[test]
fn a_terminal_that_reads_nothing_does_not_hold_up_the_job() {
    let sandbox = Sandbox::new().file("flood.yml", FLOOD);
    let terminal = sandbox.terminal(["run", "flood.yml"], (60, 12)).start();
    terminal.wait_for(HINT);
    terminal.stop_reading();
    open(&sandbox, "go");
    sandbox.sortie(["jobs", "wait", "last"]).run().code(0).done();
    terminal.go_on_reading();
    terminal.wait_for_end().code(0).shows("a | 20000").shows("job #1 passed").done();
}

#[test]
fn a_terminal_that_goes_away_cancels_a_job_that_is_not_kept() {
    let sandbox = gated();
    let mut terminal = sandbox.terminal(["run", "gated.yml", "--on-loss", "stop"], (60, 16)).start();
    terminal.wait_until("the rows and the output", |shot| shot.has(HINT) && shot.has("first | begun"));
    terminal.hang_up();
    terminal.wait_for_end().code(130).done();
    drop(terminal);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn rows_follow_the_size_of_the_window() {
    let sandbox = gated();
    let terminal = run_until_gate(&sandbox);
    terminal.resize(30, 16);
    let shot = terminal.wait_for("[░░░░░░░░░░] 0% - Stage 1/2: …");
    assert!(shot.has("  └─ [gate] Look out 0:0") && !shot.has(HINT), "{}", shot.text());
    terminal.resize(60, 5);
    terminal.wait_until("the bar alone", |shot| shot.has("Stage 1/2: Wait for it") && !shot.has("└─"));
    terminal.resize(60, 16);
    let shot = terminal.wait_for(HINT);
    assert_eq!(shot.rows().iter().filter(|row| row.contains("Stage 1/2")).count(), 1, "{}", shot.text());
    open(&sandbox, "go");
    open(&sandbox, "on");
    terminal.wait_for_end().code(0).done();
}

#[test]
fn without_a_keyboard_there_are_rows_and_no_keys() {
    let sandbox = gated();
    let script = format!("exec {} run gated.yml --ascii </dev/null", env!("CARGO_BIN_EXE_sortie"));
    let terminal = sandbox.terminal_of("sh", ["-c", &script], (60, 16)).env("NO_COLOR", "1").start();
    let before = terminal.modes();
    let shot = terminal.wait_for("[..........] 0% - Stage 1/2: Wait for it");
    assert!(shot.has("`- [gate] Look out") && !shot.has(HINT), "{}", shot.text());
    assert_eq!(terminal.modes(), before);
    open(&sandbox, "go");
    open(&sandbox, "on");
    let ended = terminal.wait_for_end().code(0);
    assert!(!String::from_utf8_lossy(&ended.raw).contains("\x1b[3"), "no colours");
}

#[test]
fn in_the_background_there_are_lines_alone() {
    let sandbox = gated();
    let script = format!(
        "set -m; {} run gated.yml & until test -e over; do sleep 0.05; done; fg >/dev/null",
        env!("CARGO_BIN_EXE_sortie")
    );
    let terminal = sandbox.terminal_of("sh", ["-c", &script], (60, 16)).start();
    let before = terminal.modes();
    terminal.wait_for("first | begun");
    open(&sandbox, "go");
    terminal.wait_for("first passed");
    assert!(!terminal.shot().has("Stage"), "{}", terminal.shot().text());
    open(&sandbox, "over");
    terminal.wait_for(HINT);
    open(&sandbox, "on");
    terminal.wait_for_end().code(0).done();
    terminal.assert_restored(&before);
}

#[test]
fn the_full_screen_hands_over_and_takes_back() {
    let sandbox = gated();
    let mut terminal = sandbox.terminal(["run", "gated.yml", "--ui", "full"], (60, 16)).start();
    let before = terminal.modes();
    terminal.wait_until("the full screen", |shot| shot.is_alternate() && shot.has("begun"));
    terminal.keys("S");
    let shot = terminal.wait_for("S full screen  p pause");
    assert!(
        !shot.is_alternate() && shot.has("S or Esc goes back") && shot.has("Look out"),
        "{}",
        shot.text()
    );
    assert_eq!(shot.rows().iter().filter(|row| *row == "first | begun").count(), 1, "{}", shot.text());
    terminal.keys("S");
    terminal.wait_until("the full screen", |shot| shot.is_alternate() && shot.has("begun"));
    terminal.keys("S");
    terminal.wait_for("S full screen  p pause");
    open(&sandbox, "go");
    open(&sandbox, "on");
    let ended = terminal.wait_for_end().code(0).shows("first | opened").shows("job #1 passed");
    assert!(!ended.shot.is_alternate() && !ended.shot.has("Stage"), "{}", ended.shot.text());
    terminal.assert_restored(&before);
}

#[test]
fn whoever_only_looks_on_may_leave() {
    let sandbox = gated();
    let terminal = run_until_gate(&sandbox);
    let mut other = sandbox.terminal(["watch", "last", "--ui", "inline"], (60, 16)).start();
    let before = other.modes();
    other.wait_until("the rows and the output", |shot| shot.has(HINT) && shot.has("first | begun"));
    other.keys("q");
    other.wait_for_end().code(0).done();
    other.assert_restored(&before);
    open(&sandbox, "go");
    open(&sandbox, "on");
    terminal.wait_for_end().code(0).done();
}

#[cfg(feature = "faults")]
#[test]
fn a_bug_of_the_rows_leaves_the_terminal_right_and_the_job_alone() {
    let sandbox = Sandbox::new().file("gated.yml", GATED).file("on", "");
    let mut terminal =
        sandbox.terminal(["run", "gated.yml"], (100, 24)).env("SORTIE_FAULT_SCREEN", "panic").start();
    let before = terminal.modes();
    terminal.wait_for(HINT);
    terminal.keys("E");
    terminal.wait_for("this is a bug in sortie");
    terminal.wait_for("the job goes on, line by line");
    terminal.assert_restored(&before);
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    terminal.wait_for_end().code(0).shows("opened").shows("job #1 passed").done();
    terminal.assert_restored(&before);
    nothing_is_left(&sandbox, Duration::from_secs(20));
}
