//! How soon a saved file is seen, in figures:
//!
//!     cargo bench --bench reload
//!     SORTIE=path/of/program cargo bench --bench reload
//!
//! From the moment at which a save is over to the frame, or the line, that shows it: in the launcher, in the run view, and as the
//! start of a round of `run --on-change`. Files have to be left alone for 150 ms before they are read. Takes about three minutes.
//! Not here: whether the right thing is shown (`tests/it/live.rs`).
#![expect(clippy::disallowed_methods, reason = "it prepares files, starts programs and takes times")]
#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a program for a terminal, and stops where it must"
)]

#[expect(dead_code, reason = "it needs a part of what figures are told with")]
mod figures;
#[expect(dead_code, unused_imports, reason = "benchmarks need a part of the test vocabulary")]
#[path = "../it/kit/mod.rs"]
mod kit;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use figures::{Row, Times, time};
use kit::{Sandbox, Terminal};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Saves for one figure.
const SAVES: usize = 50;

const SIZE: (u16, u16) = (120, 40);

/// A way of saving.
type Way = (&'static str, fn(&Path, &str));

const WAYS: [Way; 3] = [("rename", rename), ("truncate and write", truncate), ("swap file and backup", vim)];

fn rename(path: &Path, text: &str) {
    let beside = path.with_file_name(".saving");
    fs::write(&beside, text).expect("the project is writable");
    fs::rename(&beside, path).expect("renamed");
}

fn truncate(path: &Path, text: &str) {
    fs::write(path, text).expect("the project is writable");
}

fn vim(path: &Path, text: &str) {
    let backup = path.with_extension("yml~");
    let swap = path.with_file_name(".x.swp");
    fs::write(&swap, "swap").expect("the project is writable");
    fs::rename(path, &backup).expect("renamed");
    fs::write(path, text).expect("the project is writable");
    fs::remove_file(&backup).expect("removed");
    fs::remove_file(&swap).expect("removed");
}

/// A playbook with so many stages that do nothing, after one that waits.
fn book(count: usize) -> String {
    let all: String = (0..count).map(|at| format!("  s{at}: {{ needs: wait, run: 'true' }}\n")).collect();
    format!("version: 3\nname: book\nstages:\n  wait: {{ run: 'echo up; sleep 600' }}\n{all}")
}

fn sortie() -> String {
    std::env::var("SORTIE").unwrap_or_else(|_| env!("CARGO_BIN_EXE_sortie").to_owned())
}

fn main() {
    println!("{}: {SAVES} saves each\n", sortie());
    for (name, save) in WAYS {
        row(&format!("launcher, {name}"), launcher(save));
        row(&format!("run view, {name}"), run_view(save));
        row(&format!("run --on-change, {name}"), on_change(save));
    }
}

fn row(what: &str, times: Vec<Duration>) {
    let times = Times::new(times);
    let figures = vec![("median", time(times.percentile(50))), ("max", time(times.percentile(100)))];
    println!("{}", Row::new(what, figures, String::new()).line());
}

/// Saves again and again, each time until the screen shows what is to come of it.
fn saves(
    terminal: &mut Terminal,
    path: &Path,
    save: fn(&Path, &str),
    shown: fn(usize) -> String,
) -> Vec<Duration> {
    let one = |at: usize| {
        // Never the one before: 2 and 3 stages in turn, and more.
        let count = 2 + at % 7;
        let (text, words) = (book(count), shown(count));
        // The save itself is over before the time begins to run.
        let mut over = Duration::ZERO;
        let all = terminal.act_until(
            "it is saved",
            |_| {
                let before = Instant::now();
                save(path, &text);
                over = before.elapsed();
            },
            move |shot| shot.has(&words),
        );
        all.saturating_sub(over)
    };
    (0..SAVES).map(one).collect()
}

fn launcher(save: fn(&Path, &str)) -> Vec<Duration> {
    let sandbox = Sandbox::new().file("playbooks/book.yml", &book(30));
    let mut terminal = sandbox.terminal_of(&sortie(), [], SIZE).start();
    terminal.wait_for("31 stages");
    let path = sandbox.project().join("playbooks/book.yml");
    let times = saves(&mut terminal, &path, save, |count| format!(" {} stages", count + 1));
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    times
}

fn run_view(save: fn(&Path, &str)) -> Vec<Duration> {
    let sandbox = Sandbox::new().file("playbooks/book.yml", &book(1));
    let mut terminal =
        sandbox.terminal_of(&sortie(), ["run", "book", "--watch", "--on-loss", "stop"], SIZE).start();
    terminal.wait_for("up");
    let path = sandbox.project().join("playbooks/book.yml");
    // Until it is followed.
    save(&path, &book(40));
    terminal.wait_for("39 stages added");
    let times = saves(&mut terminal, &path, save, |count| match count - 1 {
        1 => "1 stage added".to_owned(),
        more => format!(" {more} stages added"),
    });
    terminal.signal(Signal::SIGTERM);
    terminal.wait_for_end().code(130).done();
    times
}

fn on_change(save: fn(&Path, &str)) -> Vec<Duration> {
    let quick = "version: 3\nname: book\nstages:\n  a: { run: 'true' }\n";
    let sandbox = Sandbox::new().file("playbooks/book.yml", quick).file("src/x.yml", "first");
    let mut command = Command::new(sortie());
    command.args(["run", "book", "--on-change", "--ui", "json"]).current_dir(sandbox.project());
    command.env_clear().envs(sandbox.environment()).stdout(Stdio::piped()).stdin(Stdio::null());
    let mut child = command.spawn().expect("the program can be started");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    let mut wait_for = |what: &str| {
        assert!(lines.any(|line| line.contains(what)), "`{what}` does not come");
    };
    wait_for("round.waiting");
    let path = sandbox.project().join("src/x.yml");
    let one = |at: usize| {
        save(&path, &format!("content {at}"));
        let before = Instant::now();
        wait_for("round.started");
        let took = before.elapsed();
        wait_for("round.waiting");
        took
    };
    let times = (0..SAVES).map(one).collect();
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("it is small"));
    kill(pid, Signal::SIGINT).expect("it is our child");
    child.wait().expect("it is our child");
    times
}
