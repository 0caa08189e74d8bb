//! However the full screen ends, the terminal is as it was: its modes, its screen, its cursor, and no process is left.
//!
//! Nine endings for each of the faces that fill the screen. Not here: what is shown (`screen.rs`).

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::kit::{Live, Modes, Sandbox, Terminal, Tmux, nothing_is_left, who_is_left};

const SIZE: (u16, u16) = (80, 24);

/// Waits for a line through a pipe, then passes many points at which an engine may be made to fail.
fn project() -> Sandbox {
    let mut text =
        "version: 3\nname: long\nstages:\n  first:\n    run: |\n      echo begun\n      read line < waiter\n"
            .to_owned();
    for stage in 0..40 {
        let needs = if stage == 0 { "first".to_owned() } else { format!("s{}", stage - 1) };
        text += &format!("  s{stage}: {{ needs: {needs}, run: 'true' }}\n");
    }
    let sandbox = Sandbox::new().file("playbooks/long.yml", &text);
    nix::unistd::mkfifo(&sandbox.project().join("waiter"), nix::sys::stat::Mode::S_IRWXU)
        .expect("the project is writable");
    sandbox
}

/// Lets the job go on.
fn go(sandbox: &Sandbox) {
    // Looked for only by an engine that was asked to.
    std::fs::write(sandbox.project().join("panic"), "").expect("the project is writable");
    std::fs::write(sandbox.project().join("waiter"), "go\n").expect("the step waits for it");
}

/// Lets the engine panic as soon as the job goes on.
#[cfg(feature = "faults")]
const PANICS: (&str, &str) = ("SORTIE_FAULT_PANIC_ONCE", "panic");

/// The run view of a job that runs, and the modes of the terminal before it.
fn run_view(sandbox: &Sandbox, variables: &[(&str, &str)]) -> (Terminal, Modes) {
    let mut call = sandbox.terminal(["run", "long", "--watch", "--on-loss", "stop"], SIZE);
    for (name, value) in variables {
        call = call.env(name, value);
    }
    let terminal = call.start();
    let before = terminal.modes();
    assert!(before.echoes() && !before.is_raw());
    terminal.wait_for("echo begun");
    terminal.wait_for("q quit");
    assert!(terminal.modes().is_raw());
    (terminal, before)
}

#[track_caller]
fn restored(terminal: &Terminal, before: &Modes, sandbox: &Sandbox) {
    terminal.assert_restored(before);
    nothing_is_left(sandbox, Duration::from_secs(20));
}

/// Presses a key until a dialog that opened a moment ago hears it.
fn answer(terminal: &mut Terminal, key: &str, dialog: &str) {
    terminal.wait_for(dialog);
    while terminal.shot().has(dialog) && terminal.shot().is_alternate() {
        terminal.keys(key);
        let _bytes = terminal.bytes_during(Duration::from_millis(100));
    }
}

#[test]
fn the_run_view_is_left_by_its_key() {
    let sandbox = project();
    let (mut terminal, before) = run_view(&sandbox, &[]);
    terminal.keys("q");
    answer(&mut terminal, "y", "Leave?");
    terminal.wait_for_end().code(130).shows("cancelled after").done();
    restored(&terminal, &before, &sandbox);
}

#[test]
fn the_run_view_is_left_by_signals() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let sandbox = project();
        let (terminal, before) = run_view(&sandbox, &[]);
        terminal.signal(signal);
        terminal.wait_for_end().code(130).shows("cancelled after").done();
        restored(&terminal, &before, &sandbox);
    }
}

#[test]
fn the_run_view_is_left_by_a_kill() {
    let sandbox = project();
    let (terminal, before) = run_view(&sandbox, &[]);
    terminal.signal(Signal::SIGKILL);
    terminal.wait_for_end().signalled(Signal::SIGKILL).done();
    // The guard does it, and is gone after that.
    nothing_is_left(&sandbox, Duration::from_secs(20));
    terminal.assert_restored(&before);
}

#[test]
fn the_run_view_stops_and_goes_on() {
    let sandbox = project();
    let (mut terminal, before) = run_view(&sandbox, &[]);
    for stop in ["key", "signal"] {
        match stop {
            "key" => terminal.keys("<c-z>"),
            _ => terminal.signal(Signal::SIGTSTP),
        }
        terminal.wait_stopped();
        terminal.wait_until("the normal screen", |shot| !shot.is_alternate() && shot.is_cursor_visible());
        terminal.assert_restored(&before);
        terminal.wait_for("suspended");
        terminal.bring_to_front();
        terminal.wait_running();
        terminal.wait_for("q quit");
        assert!(terminal.shot().is_alternate() && terminal.modes().is_raw());
    }
    // Keys are heard after that as before.
    terminal.keys("?");
    terminal.wait_for("Help");
    terminal.keys("<esc>q");
    answer(&mut terminal, "y", "Leave?");
    terminal.wait_for_end().code(130).done();
    restored(&terminal, &before, &sandbox);
}

#[cfg(feature = "faults")]
#[test]
fn the_run_view_is_left_by_its_own_bug_and_the_job_goes_on() {
    for (fault, words) in [("panic", "this is a bug in sortie"), ("error", "an error that a test asked for")]
    {
        let sandbox = project();
        let (mut terminal, before) = run_view(&sandbox, &[("SORTIE_FAULT_SCREEN", fault)]);
        terminal.keys("E");
        terminal.wait_for(words);
        terminal.assert_restored(&before);
        go(&sandbox);
        terminal.wait_for_end().code(0).shows("passed in").done();
        restored(&terminal, &before, &sandbox);
    }
}

#[cfg(feature = "faults")]
#[test]
fn the_run_view_is_left_by_a_bug_of_the_engine() {
    let sandbox = project();
    let (terminal, before) = run_view(&sandbox, &[PANICS]);
    go(&sandbox);
    terminal.wait_for_end().code(101).shows("this is a bug in sortie").done();
    restored(&terminal, &before, &sandbox);
}

/// A job of another process, and the full screen that watches it.
fn watched(sandbox: &Sandbox, variables: &[(&str, &str)]) -> (Live, Terminal, Modes) {
    let mut call = sandbox.sortie(["run", "long", "--on-loss", "stop"]);
    for (name, value) in variables {
        call = call.env(name, value);
    }
    let mut job = call.start();
    job.wait_for("begun");
    let mut call = sandbox.terminal(["w"], SIZE);
    for (name, value) in variables.iter().filter(|(name, _)| *name == "SORTIE_FAULT_SCREEN") {
        call = call.env(name, value);
    }
    let terminal = call.start();
    let before = terminal.modes();
    terminal.wait_for("echo begun");
    terminal.wait_for("watching");
    (job, terminal, before)
}

/// The job that was only watched goes on to its end.
fn goes_on(sandbox: &Sandbox, job: Live) {
    go(sandbox);
    job.wait().code(0).done();
    nothing_is_left(sandbox, Duration::from_secs(20));
}

#[test]
fn watching_is_left_by_its_key_and_by_signals() {
    for how in ["q", "<c-c>", "INT", "TERM", "HUP", "KILL"] {
        let sandbox = project();
        let (job, mut terminal, before) = watched(&sandbox, &[]);
        match how {
            "INT" => terminal.signal(Signal::SIGINT),
            "TERM" => terminal.signal(Signal::SIGTERM),
            "HUP" => terminal.signal(Signal::SIGHUP),
            "KILL" => terminal.signal(Signal::SIGKILL),
            keys => terminal.keys(keys),
        }
        let ended = terminal.wait_for_end();
        match how {
            "KILL" => ended.signalled(Signal::SIGKILL).done(),
            "q" | "<c-c>" => ended.code(0).done(),
            _ => ended.code(130).done(),
        }
        goes_on(&sandbox, job);
        terminal.assert_restored(&before);
    }
}

#[test]
fn watching_stops_and_goes_on() {
    let sandbox = project();
    let (job, mut terminal, before) = watched(&sandbox, &[]);
    terminal.keys("<c-z>");
    terminal.wait_stopped();
    terminal.wait_until("the normal screen", |shot| !shot.is_alternate() && shot.is_cursor_visible());
    terminal.assert_restored(&before);
    terminal.bring_to_front();
    terminal.wait_running();
    terminal.wait_for("watching");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    terminal.assert_restored(&before);
    goes_on(&sandbox, job);
}

#[cfg(feature = "faults")]
#[test]
fn watching_is_left_by_bugs() {
    for fault in ["panic", "error"] {
        let sandbox = project();
        let (job, mut terminal, before) = watched(&sandbox, &[("SORTIE_FAULT_SCREEN", fault)]);
        terminal.keys("E");
        terminal.wait_for("the job goes on");
        terminal.assert_restored(&before);
        goes_on(&sandbox, job);
        terminal.wait_for_end().code(0).done();
        terminal.assert_restored(&before);
    }
    let sandbox = project();
    let (job, mut terminal, before) = watched(&sandbox, &[PANICS]);
    go(&sandbox);
    job.wait().code(101).done();
    terminal.wait_for("nobody works on this job any more");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    restored(&terminal, &before, &sandbox);
}

/// The launcher, and the modes of the terminal before it.
fn launcher(sandbox: &Sandbox, variables: &[(&str, &str)]) -> (Terminal, Modes) {
    let mut call = sandbox.terminal([], SIZE);
    for (name, value) in variables {
        call = call.env(name, value);
    }
    let terminal = call.start();
    let before = terminal.modes();
    terminal.wait_for("41 stages");
    (terminal, before)
}

#[test]
fn the_launcher_is_left_by_its_key_and_by_signals() {
    for how in ["q", "<c-c>", "INT", "TERM", "HUP", "KILL"] {
        let sandbox = project();
        let (mut terminal, before) = launcher(&sandbox, &[]);
        match how {
            "INT" => terminal.signal(Signal::SIGINT),
            "TERM" => terminal.signal(Signal::SIGTERM),
            "HUP" => terminal.signal(Signal::SIGHUP),
            "KILL" => terminal.signal(Signal::SIGKILL),
            keys => terminal.keys(keys),
        }
        let ended = terminal.wait_for_end();
        match how {
            "KILL" => ended.signalled(Signal::SIGKILL).done(),
            "q" | "<c-c>" => ended.code(0).done(),
            _ => ended.code(130).done(),
        }
        nothing_is_left(&sandbox, Duration::from_secs(20));
        terminal.assert_restored(&before);
    }
}

#[test]
fn the_launcher_stops_and_goes_on() {
    let sandbox = project();
    let (mut terminal, before) = launcher(&sandbox, &[]);
    terminal.keys("<c-z>");
    terminal.wait_stopped();
    terminal.wait_until("the normal screen", |shot| !shot.is_alternate() && shot.is_cursor_visible());
    terminal.assert_restored(&before);
    terminal.bring_to_front();
    terminal.wait_running();
    terminal.wait_for("41 stages");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    restored(&terminal, &before, &sandbox);
}

#[cfg(feature = "faults")]
#[test]
fn the_launcher_is_left_by_bugs() {
    for fault in ["panic", "error"] {
        let sandbox = project();
        let (mut terminal, before) = launcher(&sandbox, &[("SORTIE_FAULT_SCREEN", fault)]);
        terminal.keys("E");
        terminal.wait_for_end().shows("that a test asked for").done();
        restored(&terminal, &before, &sandbox);
    }
    // The bug of an engine whose job was started from it.
    let sandbox = project();
    let (mut terminal, before) = launcher(&sandbox, &[PANICS]);
    terminal.keys("<enter>");
    terminal.wait_for("echo begun");
    go(&sandbox);
    // The launcher itself has none, tells of it on its screen, and stays.
    terminal.wait_for("the engine panicked");
    terminal.keys("<esc>q");
    terminal.wait_for_end().shows("this is a bug in sortie").done();
    restored(&terminal, &before, &sandbox);
}

/// A face in tmux, and how it is left there.
struct InTmux {
    /// What is typed into the shell.
    command: &'static str,
    /// What shows that the screen is full.
    shows: &'static str,
    /// What answers the dialog after `q`, if there is one.
    leaves: &'static [&'static str],
    /// Another process runs the job.
    is_watch: bool,
}

const FACES: [InTmux; 3] = [
    InTmux {
        command: "sortie run long --watch --on-loss stop",
        shows: "echo begun",
        leaves: &["C-c", "C-c", "C-c"],
        is_watch: false,
    },
    InTmux { command: "sortie w", shows: "watching", leaves: &["q"], is_watch: true },
    InTmux { command: "sortie", shows: "41 stages", leaves: &["q"], is_watch: false },
];

/// What is typed before that may still be read by the program that ends.
fn shell_is_back(tmux: &Tmux) {
    tmux.wait_until("the prompt", |tmux| tmux.capture().trim_end().ends_with('$').then_some(()));
}

impl InTmux {
    /// Opens the face in tmux, which has this in its environment; the job it watches, the modes before it.
    fn open(&self, sandbox: &Sandbox, fault: (&str, &str)) -> (Option<Live>, Tmux, String) {
        let (name, value) = fault;
        let job = self.is_watch.then(|| {
            let call = sandbox.sortie(["run", "long", "--on-loss", "stop"]);
            let mut job = if name.is_empty() { call } else { call.env(name, value) }.start();
            job.wait_for("begun");
            job
        });
        let tmux = Tmux::new(sandbox, 80, 24);
        let before = tmux.stty();
        let folder = std::path::Path::new(env!("CARGO_BIN_EXE_sortie")).parent().expect("it has a folder");
        let fault = if name.is_empty() { String::new() } else { format!("{name}={value} ") };
        tmux.type_line(&format!("{fault}{}/{}", folder.display(), self.command));
        tmux.wait_for(self.shows);
        assert!(tmux.alternate_on() && tmux.mouse_on() && !tmux.cursor_visible());
        (job, tmux, before)
    }

    /// Lets the engine of its job panic, and holds the terminal to what it was.
    #[cfg(feature = "faults")]
    fn holds_after_the_engine(&self) {
        let sandbox = project();
        let (job, tmux, before) = self.open(&sandbox, PANICS);
        if self.command == "sortie" {
            tmux.send(&["Enter"]);
            tmux.wait_for("echo begun");
        }
        go(&sandbox);
        match &job {
            Some(_) => {
                tmux.wait_for("nobody works on this job any more");
                tmux.send(&["q"]);
            }
            None if self.command == "sortie" => {
                tmux.wait_for("the engine panicked");
                // Once: a second one, with the next key right behind it, would be another key.
                tmux.send(&["Escape"]);
                tmux.wait_until("the sheet is closed", |tmux| {
                    (!tmux.capture().contains("the engine panicked")).then_some(())
                });
                tmux.send(&["q"]);
            }
            None => {}
        }
        tmux.wait_until("the screen was left", |tmux| (!tmux.alternate_on()).then_some(()));
        shell_is_back(&tmux);
        assert!(tmux.cursor_visible());
        assert!(!tmux.mouse_on(), "{}", self.command);
        assert_eq!(tmux.stty(), before, "{}", self.command);
        drop(tmux);
        if let Some(job) = job {
            job.wait().code(101).done();
        }
        nothing_is_left(&sandbox, Duration::from_secs(20));
    }

    /// Leaves the face in that way, and holds the terminal to what it was.
    fn holds(&self, how: &str) {
        let sandbox = project();
        let fault = if how == "panic" || how == "error" { ("SORTIE_FAULT_SCREEN", how) } else { ("", "") };
        let (job, tmux, before) = self.open(&sandbox, fault);
        match how {
            "return" => tmux.send(self.leaves),
            "panic" | "error" => tmux.send(&["E"]),
            "TSTP" => {
                tmux.send(&["C-z"]);
                tmux.wait_until("it stopped", |tmux| (!tmux.alternate_on()).then_some(()));
                shell_is_back(&tmux);
                assert!(tmux.cursor_visible() && !tmux.mouse_on());
                assert_eq!(tmux.stty(), before, "{} {how}", self.command);
                tmux.type_line("fg");
                tmux.wait_until("it is back", |tmux| {
                    (tmux.alternate_on() && tmux.capture().contains("quit")).then_some(())
                });
                tmux.send(self.leaves);
            }
            signal => {
                let signal: Signal = format!("SIG{signal}").parse().expect("a signal");
                let all = who_is_left(&sandbox);
                let words = format!("/{}", self.command);
                let pid = all.iter().find_map(|it| it.id_if_ends(&words)).expect("it runs");
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).expect("it runs");
            }
        }
        tmux.wait_until("the screen was left", |tmux| (!tmux.alternate_on()).then_some(()));
        // Line by line the job goes on, or is watched on. Once: a shell that gets one forgets what is typed meanwhile.
        if (how == "panic" || how == "error") && self.command != "sortie" {
            tmux.send(&["C-c"]);
        }
        if how != "KILL" {
            shell_is_back(&tmux);
        }
        tmux.wait_until("the cursor shows", |tmux| tmux.cursor_visible().then_some(()));
        assert!(!tmux.mouse_on(), "{} {how}", self.command);
        assert_eq!(tmux.stty(), before, "{} {how}", self.command);
        drop(tmux);
        if let Some(job) = job {
            goes_on(&sandbox, job);
        }
        nothing_is_left(&sandbox, Duration::from_secs(20));
    }
}

#[test]
fn in_tmux_the_terminal_is_as_it_was() {
    for face in &FACES {
        for how in ["return", "INT", "TERM", "HUP", "KILL", "TSTP"] {
            face.holds(how);
        }
    }
}

#[cfg(feature = "faults")]
#[test]
fn in_tmux_the_terminal_is_as_it_was_after_bugs() {
    for face in &FACES {
        for how in ["panic", "error"] {
            face.holds(how);
        }
        face.holds_after_the_engine();
    }
}

/// A terminal that is behind, and of which nobody waits for more, when whoever filled the screen is killed.
#[test]
fn a_guard_gets_its_text_into_a_terminal_that_reads_nothing() {
    let (mut master, slave) = pty_process::blocking::open().expect("a pseudo terminal is free");
    let name = format!("/proc/self/fd/{}", slave.as_raw_fd());
    let mut terminal = OpenOptions::new()
        .write(true)
        .custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY)
        .open(std::fs::read_link(name).expect("Linux has /proc"))
        .expect("it can be opened");
    let has_room = |terminal: &std::fs::File| {
        // What it took may move on within the system, for a moment.
        let limit = rustix::event::Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        let mut wanted = [rustix::event::PollFd::new(terminal, rustix::event::PollFlags::OUT)];
        rustix::event::poll(&mut wanted, Some(&limit)).expect("it can be asked") > 0
    };
    while has_room(&terminal) {
        while terminal.write(&[b'x'; 4096]).is_ok() {}
    }
    let mut guard = Command::new(env!("CARGO_BIN_EXE_sortie"))
        .arg("__guard")
        .stdin(Stdio::piped())
        .stdout(terminal)
        .spawn()
        .expect("it starts");
    let mut task = guard.stdin.take().expect("it is piped");
    task.write_all(b"0,0,0,0,0,0\n1,1,1,1,1,1\nLEFT\0").expect("it has room");
    drop(task);
    assert!(guard.wait().expect("it ends").success());
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"LEFT") {
        let mut piece = [0; 4096];
        let count = master.read(&mut piece).expect("the text comes");
        bytes.extend_from_slice(&piece[..count]);
    }
}

#[test]
fn a_screen_that_was_made_smaller_leaves_no_row_behind() {
    let sandbox = project();
    let tmux = Tmux::new(&sandbox, 80, 24);
    tmux.type_line(&format!("{} run long --watch --on-loss keep", crate::kit::SORTIE));
    tmux.wait_for("q quit");
    // What the view says at each size is not looked at, only that it has been drawn from edge to edge.
    let drawn = |columns: usize, rows: usize| {
        tmux.wait_until("the view at that size", |tmux| {
            let shown = tmux.capture();
            let widest = shown.lines().map(|line| line.chars().count()).max();
            (widest == Some(columns) && shown.lines().count() == rows).then_some(())
        });
    };
    drawn(80, 24);
    for (columns, rows) in [(200, 60), (100, 30)] {
        tmux.resize(columns, rows);
        drawn(columns.into(), rows.into());
    }
    tmux.send(&["D"]);
    tmux.wait_for("jobs cancel 1");
    assert!(!tmux.alternate_on());
    let all = tmux.capture_history();
    assert!(!all.contains("Stages") && !all.contains("running"), "rows of the view are left:\n{all}");
    go(&sandbox);
    sandbox.sortie(["jobs", "wait", "1"]).run().code(0).done();
    drop(tmux);
    nothing_is_left(&sandbox, Duration::from_secs(20));
}
