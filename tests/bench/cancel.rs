//! How soon a cancel is over, as somebody who follows the job sees it:
//!
//!     cargo bench --bench outlive -- cancel
//!
//! Of a child that obeys: from its exit to the end of its cell. Of one that ignores the signal: from the start of the
//! command that cancels to the end of its cell, without the grace. One cell, and eight at once; each beside what plain
//! tools take for the same: a shell that waits for a child and says so, and coreutils' `timeout -k`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde_json::Value;

use super::{Project, at, pause, tell};

const REPEATS: usize = 50;
const AT_ONCE: usize = 8;
const GRACE: Duration = Duration::from_millis(500);

/// What the child of a cell does about the signal.
#[derive(Clone, Copy, PartialEq)]
enum Child {
    Obeys,
    Ignores,
}

pub(super) fn cancel() {
    let (mut waited, mut forced) = (shells(), timeouts());
    tell("floor: exit of a child -> a line of the shell that waited", &mut waited);
    tell("floor: signal -> end of `timeout -k`, beyond the grace", &mut forced);
    for cells in [1, AT_ONCE] {
        let what = if cells == 1 { "one cell".to_owned() } else { format!("{cells} cells at once") };
        let mut times = cancelled(Child::Obeys, cells);
        tell(&format!("{what}: exit of the child -> end of the cell"), &mut times);
        compare(&mut times, &mut waited);
        let mut times = cancelled(Child::Ignores, cells);
        tell(&format!("{what}: cancel -> end of the cell, beyond the grace"), &mut times);
        compare(&mut times, &mut forced);
    }
}

fn compare(times: &mut [Duration], floor: &mut [Duration]) {
    let ratio = |times: &mut [Duration], floor: &mut [Duration], share| {
        at(times, share).as_secs_f64() / at(floor, share).as_secs_f64().max(1e-9)
    };
    let (half, most) = (ratio(times, floor, 0.5), ratio(times, floor, 0.99));
    println!("  the floor times {half:.1} at p50, {most:.1} at p99");
}

/// Cancels jobs of so many cells, and returns a time of each cell.
fn cancelled(child: Child, cells: usize) -> Vec<Duration> {
    let project = Project::new(&[("cells.yml", &playbook(child, cells))]);
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let number = project.detach("cells.yml");
        let exits: Vec<JoinHandle<Instant>> = (0..cells).map(|cell| exit_of(pid(&project, cell))).collect();
        let ends = follow(&project, &number);
        let began = Instant::now();
        project.good(&["jobs", "cancel", &number]);
        let ends: BTreeMap<u64, Instant> = ends.into_iter().collect();
        assert_eq!(ends.len(), cells, "job {number}: every cell was cancelled");
        for (cell, exit) in (0..).zip(exits) {
            let exited = exit.join().expect("it only waits");
            times.push(match child {
                Child::Obeys => ends[&cell].saturating_duration_since(exited),
                Child::Ignores => ends[&cell].saturating_duration_since(began).saturating_sub(GRACE),
            });
        }
        let _ended = project.run(&["jobs", "wait", &number]);
        for cell in 0..cells {
            fs::remove_file(pid_file(&project, cell)).expect("the cell has written it");
        }
    }
    times
}

fn playbook(child: Child, cells: usize) -> String {
    let trap = if child == Child::Ignores { "trap '' TERM; " } else { "" };
    let list: Vec<String> = (0..cells).map(|cell| cell.to_string()).collect();
    format!(
        "version: 3\nname: cells\ndefaults: {{ cancel: {{ grace: {}ms }} }}\npolicy: {{ max-parallel: {cells} }}\nstages:\n  \
         cells:\n    matrix: {{ n: [{}] }}\n    run: \"{trap}echo $$ > new.${{{{ matrix.n }}}}; \
         mv new.${{{{ matrix.n }}}} pid.${{{{ matrix.n }}}}; exec sleep 600\"\n",
        GRACE.as_millis(),
        list.join(", ")
    )
}

fn pid_file(project: &Project, cell: usize) -> std::path::PathBuf {
    project.path().join(format!("pid.{cell}"))
}

/// Waits until the child of a cell has said its number.
fn pid(project: &Project, cell: usize) -> i32 {
    loop {
        let text = fs::read_to_string(pid_file(project, cell)).unwrap_or_default();
        if let Ok(pid) = text.trim().parse() {
            return pid;
        }
        pause(Duration::from_millis(2));
    }
}

/// Takes the time of the end of a process, on a thread of its own.
fn exit_of(pid: i32) -> JoinHandle<Instant> {
    let pid = Pid::from_raw(pid).expect("it is a number of a process");
    let handle: OwnedFd = pidfd_open(pid, PidfdFlags::empty()).expect("it lives");
    thread::spawn(move || {
        while poll(&mut [PollFd::new(&handle, PollFlags::IN)], None).is_err() {}
        Instant::now()
    })
}

/// Follows a job, and gives the time at which each of its cells was seen to be cancelled. Returns once it follows.
fn follow(project: &Project, number: &str) -> mpsc::Receiver<(u64, Instant)> {
    let mut child = project
        .command(&["jobs", "events", number, "--follow"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let ((said, heard), (ready, is_ready)) = (mpsc::channel(), mpsc::channel());
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let now = Instant::now();
            let event: Value = serde_json::from_str(&line).expect("events are JSON");
            let cell = event["cell"]["matrix"]["n"].as_u64();
            if event["type"] == "cell.cancelled"
                && let Some(cell) = cell
                && said.send((cell, now)).is_err()
            {
                break;
            }
            if event["type"] == "step.started" {
                // Nobody listens any more after the first.
                let _sent = ready.send(());
            }
        }
        child.wait().expect("it ends with its job");
    });
    is_ready.recv().expect("a step has started");
    heard
}

/// A shell that waits for its child and says so: from the exit of the child to the line.
fn shells() -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let words = "sleep 600 & echo $!; wait; echo ended";
        let mut shell =
            Command::new("sh").args(["-c", words]).stdout(Stdio::piped()).spawn().expect("sh starts");
        let mut lines = BufReader::new(shell.stdout.take().expect("it is piped")).lines();
        let mut line = || lines.next().expect("it says a line").expect("it is text");
        let pid: i32 = line().parse().expect("it is a number");
        let exit = exit_of(pid);
        kill_process(Pid::from_raw(pid).expect("it is a process"), Signal::TERM).expect("it lives");
        assert_eq!(line(), "ended");
        let seen = Instant::now();
        times.push(seen.saturating_duration_since(exit.join().expect("it only waits")));
        shell.wait().expect("it ends");
    }
    times
}

/// A child that ignores the signal below `timeout -k`: from the signal to the end, without the grace.
fn timeouts() -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let grace = format!("{}s", GRACE.as_secs_f64());
        let words = "trap '' TERM; echo ready; exec sleep 600";
        let mut timeout = Command::new("timeout")
            .args(["-k", &grace, "600", "sh", "-c", words])
            .stdout(Stdio::piped())
            .spawn()
            .expect("coreutils are there");
        let mut lines = BufReader::new(timeout.stdout.take().expect("it is piped")).lines();
        assert_eq!(lines.next().expect("it says a line").expect("it is text"), "ready");
        let began = Instant::now();
        kill_process(Pid::from_child(&timeout), Signal::TERM).expect("it lives");
        timeout.wait().expect("it ends");
        times.push(began.elapsed().saturating_sub(GRACE));
    }
    times
}
