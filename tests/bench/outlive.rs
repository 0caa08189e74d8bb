//! What it costs that jobs outlive their engines, in figures:
//!
//!     cargo bench --bench outlive
//!     SORTIE=path/of/program cargo bench --bench outlive -- crashes
//!
//! `crashes`: random kills of engines and keepers of a job of 100 cells under load, in a store with a thousand past jobs and
//! fifty live ones; nothing may be lost or doubled, and the next engine has to be at work soon. `viewers`: fifty detached
//! jobs with three followers each; how long an event takes to each of them. `cancel`: how soon a cancelled cell is over
//! (`cancel.rs`). Needs sh and coreutils. Takes some six minutes in all.
#![expect(clippy::disallowed_methods, reason = "it prepares files, starts programs and takes times")]
#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a program for a terminal, and stops where it must"
)]

mod cancel;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const PAST: usize = 1_000;
const LIVE: usize = 50;
const CRASHES: usize = 200;
const JOBS: usize = 50;
const VIEWERS: usize = 3;

/// A folder of its own for a project; what it started is ended with it.
struct Project {
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("the project is writable");
        }
        let program =
            std::env::var_os("SORTIE").map_or_else(|| env!("CARGO_BIN_EXE_sortie").into(), PathBuf::from);
        Self { folder, program: program.canonicalize().expect("the program is built") }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("the program starts")
    }

    fn good(&self, words: &[&str]) -> String {
        let done = self.run(words);
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{words:?}: {text}{}", String::from_utf8_lossy(&done.stderr));
        text
    }

    fn store(&self) -> rusqlite::Connection {
        let store = rusqlite::Connection::open(self.path().join(".sortie/sortie.db")).expect("it is there");
        store.busy_timeout(Duration::from_secs(10)).expect("it can be set");
        store
    }

    fn detach(&self, file: &str) -> String {
        self.good(&["run", file, "--detach", "--quiet"]).trim().to_owned()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // Whatever became of a measurement, nothing of it goes on.
        fs::write(self.path().join("go"), "").expect("the project is writable");
        let _done = self.command(&["jobs", "wait", "last", "--timeout", "20s"]).output();
    }
}

/// A small generator, so that kills are spread without a pattern.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }
}

/// Lets time pass: it is what a measurement is spread over.
fn pause(time: Duration) {
    let limit = rustix::event::Timespec::try_from(time).expect("seconds fit");
    // Nothing is to be read.
    rustix::event::poll(&mut [], Some(&limit)).unwrap_or_default();
}

/// Returns the time at a share of all, such as 0.99.
fn at(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let place = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
    times.get(place).copied().unwrap_or_default()
}

fn tell(what: &str, times: &mut [Duration]) {
    let (half, most) = (at(times, 0.5), at(times, 0.99));
    let worst = at(times, 1.0);
    println!("{what}: {} times, p50 {half:.1?}, p99 {most:.1?}, worst {worst:.1?}", times.len());
}

// ------------------------------------------------------------------------------------------------ crashes

const EMPTY: &str = "version: 3\nname: past\nstages:\n  a: { run: 'true' }\n";
const WAITING: &str = "version: 3\nname: live\nstages:\n  a: { run: 'until test -e go; do sleep 1; done' }\n  b: { needs: a, run: 'true' }\n";

/// Each cell says that it was there and gives a number back.
const CELLS: &str = r#"version: 3
name: cells
defaults: { on-interrupt: rerun, cancel: { grace: 300ms } }
policy: { max-parallel: 4 }
stages:
  cells:
    matrix: { a: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], b: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }
    steps:
      - id: x
        run: |
          exec 9> "lock.$GROUP.${{ matrix.a }}${{ matrix.b }}"
          flock -n 9 || echo "${{ matrix.a }}${{ matrix.b }}" >> twice
          sleep 0.4
          echo "n=${{ matrix.a }}${{ matrix.b }}" >> "$SORTIE_OUTPUT"
    outputs: { n: "${{ steps.x.outputs.n }}" }
"#;

fn owner(store: &rusqlite::Connection, number: u64) -> Option<i32> {
    let owner = "SELECT owner_pid FROM jobs WHERE number = ?1 AND state != 'finished'";
    let pid: Option<i32> = store.query_row(owner, [number], |row| row.get(0)).ok()?;
    pid.filter(|pid| Path::new(&format!("/proc/{pid}")).exists())
}

fn keeper(engine: i32, job: &str) -> Option<i32> {
    let words = |pid: i32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let holds = |pid: i32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut open = open.filter_map(|entry| fs::read_link(entry.path()).ok());
        open.any(|path| path.to_string_lossy().contains(job))
    };
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.find(|&pid| {
        pid != engine && words(pid).split(|byte| *byte == 0).any(|word| word == b"__keeper") && holds(pid)
    })
}

fn crashes() {
    let project = Project::new(&[("past.yml", EMPTY), ("live.yml", WAITING), ("cells.yml", CELLS)]);
    for _ in 0..PAST {
        project.good(&["run", "past.yml", "--ui", "json"]);
    }
    for _ in 0..LIVE {
        project.detach("live.yml");
    }
    let store = project.store();
    let mut load: Vec<Child> = (0..2)
        .map(|_| Command::new("sh").args(["-c", "while :; do :; done"]).spawn().expect("sh starts"))
        .collect();
    let mut dice = Dice(0x5eed_cafe_f00d);
    let (mut recoveries, mut killed, mut jobs) = (Vec::new(), [0; 3], Vec::new());
    while recoveries.len() < CRASHES {
        let number: u64 = project.detach("cells.yml").parse().expect("it is a number");
        let id: String = store
            .query_row("SELECT id FROM jobs WHERE number = ?1", [number], |row| row.get(0))
            .expect("the job is there");
        jobs.push(number);
        while recoveries.len() < CRASHES {
            pause(Duration::from_millis(20 + dice.roll(180)));
            let Some(engine) = owner(&store, number) else { break };
            let whom = match dice.roll(10) {
                0 => 1,
                1 => 2,
                _ => 0,
            };
            if whom > 0
                && let Some(keeper) = keeper(engine, &id)
            {
                // One that has just ended by itself is dead, too.
                let _gone = kill(Pid::from_raw(keeper), Signal::SIGKILL);
            }
            killed[whom] += 1;
            if whom == 1 {
                continue;
            }
            let _gone = kill(Pid::from_raw(engine), Signal::SIGKILL);
            while owner(&store, number) == Some(engine) && !is_dead(engine) {
                std::thread::yield_now();
            }
            let began = Instant::now();
            let done = project.run(&["jobs", "recover", &number.to_string()]);
            let took = began.elapsed();
            match done.status.code() {
                Some(0) => recoveries.push(took),
                // It had come to its end.
                Some(3) => break,
                _ => panic!(
                    "{}{}",
                    String::from_utf8_lossy(&done.stdout),
                    String::from_utf8_lossy(&done.stderr)
                ),
            }
        }
    }
    let completions: usize = jobs.iter().map(|number| completed(&project, &number.to_string())).sum();
    load.iter_mut().for_each(|it| {
        it.kill().expect("it is ours");
        it.wait().expect("it was killed");
    });
    let twice = fs::read_to_string(project.path().join("twice")).unwrap_or_default();
    println!(
        "crashes: {} of engines alone, {} of keepers alone, {} of both, over {} jobs of 100 cells, beside {LIVE} live and {PAST} past jobs",
        killed[0],
        killed[1],
        killed[2],
        jobs.len()
    );
    println!(
        "completions: {completions} of {}, each once; twice at once: {}",
        jobs.len() * 100,
        twice.lines().count()
    );
    tell("recovery", &mut recoveries);
    fs::write(project.path().join("go"), "").expect("the project is writable");
    for number in PAST + 1..=PAST + LIVE {
        project.good(&["jobs", "wait", &number.to_string()]);
    }
    println!("{}", project.good(&["store", "verify"]).lines().last().unwrap_or_default());
}

fn is_dead(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.is_empty() || stat.contains(") Z ")
}

/// Counts the cells of a job that completed, and holds each to one completion and its own output.
fn completed(project: &Project, number: &str) -> usize {
    let _ended = project.run(&["jobs", "wait", number]);
    let text = project.good(&["jobs", "events", number]);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect("events are JSON");
        if event["type"] == "cell.completed" {
            let matrix = &event["cell"]["matrix"];
            let expected = format!("{}{}", matrix["a"], matrix["b"]);
            assert_eq!(event["data"]["outputs"]["n"].as_str(), Some(&*expected), "{line}");
            *seen.entry(expected).or_default() += 1;
        }
    }
    assert!(seen.values().all(|count| *count == 1), "job {number}: {seen:?}");
    assert_eq!(seen.len(), 100, "job {number}: {seen:?}");
    seen.len()
}

// ------------------------------------------------------------------------------------------------ viewers

const CHAIN: &str = r#"version: 3
name: chain
stages:
  a:
    steps:
      - run: 'until test -e go; do sleep 0.2; done'
      - run: sleep 1
      - run: sleep 1
      - run: sleep 1
      - run: sleep 1
      - run: sleep 1
      - run: sleep 1
      - run: sleep 1
      - run: sleep 1
"#;

fn viewers() {
    let project = Project::new(&[("chain.yml", CHAIN)]);
    let mut starts = Vec::new();
    let mut numbers = Vec::new();
    for _ in 0..JOBS {
        let began = Instant::now();
        numbers.push(project.detach("chain.yml"));
        starts.push(began.elapsed());
    }
    let (said, heard) = mpsc::channel::<(usize, Duration)>();
    let mut children = Vec::new();
    for (viewer, number) in numbers.iter().flat_map(|number| [number; VIEWERS]).enumerate() {
        let mut child = project
            .command(&["jobs", "events", number, "--follow"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let said = said.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later");
                let Some(at) = time_of(&line) else { continue };
                if said.send((viewer, now.saturating_sub(at))).is_err() {
                    return;
                }
            }
        });
        children.push(child);
    }
    drop(said);
    // All follow by now: what comes from here on is new.
    pause(Duration::from_secs(5));
    while heard.try_recv().is_ok() {}
    fs::write(project.path().join("go"), "").expect("the project is writable");
    let mut times = Vec::new();
    let mut counts = vec![0; JOBS * VIEWERS];
    for (viewer, time) in heard {
        counts[viewer] += 1;
        times.push(time);
    }
    for mut child in children {
        child.wait().expect("it ends with its job");
    }
    let (least, most) = (counts.iter().min().copied(), counts.iter().max().copied());
    println!("viewers: {} followers of {JOBS} jobs; events of each: {least:?} to {most:?}", JOBS * VIEWERS);
    tell("event to viewer", &mut times);
    tell("run --detach", &mut starts);
}

/// When an event was recorded, since 1970.
fn time_of(line: &str) -> Option<Duration> {
    let event: Value = serde_json::from_str(line).ok()?;
    let time: jiff::Timestamp = event["time"].as_str()?.parse().ok()?;
    Duration::try_from(time.as_duration()).ok()
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    for (name, measure) in [("crashes", crashes as fn()), ("viewers", viewers), ("cancel", cancel::cancel)] {
        if wanted.is_empty() || wanted.iter().any(|it| it == name) {
            measure();
        }
    }
}
