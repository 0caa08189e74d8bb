//! What the screen costs a person who waits for it, in figures and ratios:
//!
//!     cargo bench --bench screen
//!     SORTIE=path/of/program cargo bench --bench screen -- first idle
//!
//! Without names it measures all of `MEASURES`, in some three minutes. Needs sh, grep, perl with its module Time::HiRes, and
//! about a gigabyte for logs. Start with the constants: they are all that is relied on of what the screen shows. Not here: the
//! driver (`tests/it/kit/terminal`), whether what is shown is right (`tests/it`).
#![expect(clippy::disallowed_methods, reason = "it prepares files, starts programs and takes times")]
#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a program for a terminal, and stops where it must"
)]

mod figures;
#[expect(dead_code, unused_imports, reason = "benchmarks need a part of the test vocabulary")]
#[path = "../it/kit/mod.rs"]
mod kit;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use figures::{Row, Times, ratio, time};
use kit::terminal::{Call, Shot};
use kit::{Sandbox, Terminal, nothing_is_left};

// ------------------------------------------------------------------------------------------------ what is relied on

/// Columns and rows.
const SIZE: (u16, u16) = (120, 40);
/// Shows a job on the whole screen.
const WATCH: &str = "--watch";
/// The first row begins with the playbook's name in this form; the number of the job follows.
fn header(name: &str) -> String {
    format!(" {name}  #")
}
/// The last row holds these.
const KEY_ROW: [&str; 2] = ["? help", "q quit"];
/// First column of the selected row of the list.
const SELECTED: &str = ">";
const DOWN: &str = "j";
const UP: &str = "k";
/// Brings the log of the selected stage to where keys go to it.
const OPEN_LOG: &str = "<enter>";
const FOLLOW: &str = "G";
const LEAVE: &str = "q";
/// What the dialog that opens while work is running takes for: cancel and leave.
const LEAVE_ANYWAY: &str = "y";
/// Switches off everything that moves by itself.
const NO_MOTION: (&str, &str) = ("SORTIE_SET_UI_MOTION", "none");

fn jump(line: usize) -> String {
    format!(":{line}<enter>")
}

fn search(text: &str) -> String {
    format!("/{text}<enter>")
}

/// How many lines a search has found, from `N of M lines` in the row above the last.
fn found(shot: &Shot) -> Option<usize> {
    let row = shot.row(shot.size().1 - 2);
    let (_, behind) = row.split_once(" of ")?;
    let (number, _) = behind.split_once(" lines")?;
    number.replace(',', "").parse().ok()
}

fn is_full(shot: &Shot, name: &str) -> bool {
    let last = shot.row(shot.size().1 - 1);
    shot.row(0).starts_with(&header(name)) && KEY_ROW.iter().all(|key| last.contains(key))
}

fn selected(shot: &Shot) -> Option<u16> {
    (1..shot.size().1 - 1).find(|row| shot.contents(*row, 0) == SELECTED)
}

// ------------------------------------------------------------------------------------------------ the program

type Measure = (&'static str, fn() -> Vec<Row>);

const MEASURES: [Measure; 7] = [
    ("floor", floor),
    ("first", first_frame),
    ("idle", keys_when_idle),
    ("silence", silence),
    ("flood", keys_in_a_flood),
    ("log", large_log),
    ("pace", pace_of_children),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    println!("{} on {} columns, {} rows\n", sortie().display(), SIZE.0, SIZE.1);
    let mut code = ExitCode::SUCCESS;
    for (name, measure) in MEASURES {
        if !wanted.is_empty() && !wanted.iter().any(|w| w == name) {
            continue;
        }
        // It says on standard error what went wrong, with the screen; the others may still be measured.
        match catch_unwind(measure) {
            Ok(rows) => rows.iter().for_each(|row| println!("{}", row.line())),
            Err(_) => {
                println!("{name}: could not be measured");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

/// The program that is measured.
fn sortie() -> PathBuf {
    let told = std::env::var_os("SORTIE").map(PathBuf::from);
    let path = told.unwrap_or_else(|| env!("CARGO_BIN_EXE_sortie").into());
    path.canonicalize().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// How often a key is pressed for one figure.
const PRESSES: usize = 500;
const WARM_RUNS: usize = 20;

fn floor() -> Vec<Row> {
    let times = echo_times();
    vec![Row::new("key to frame, a program that only echoes", p50_p99(&times), "the floor".to_owned())]
}

fn first_frame() -> Vec<Row> {
    let sandbox = Sandbox::new().file("many.yml", &many_stages());
    let frames = (0..=WARM_RUNS).map(|_| {
        let call = watching(&sandbox, "many.yml", &[]).leading();
        let (mut terminal, took) = call.start_until(|shot| is_full(shot, "many"));
        leave(&mut terminal);
        took
    });
    // The first one warms the caches.
    let times = Times::new(frames.skip(1).collect());
    let starts = (0..WARM_RUNS).map(|_| {
        let before = Instant::now();
        let ran = Command::new(sortie()).arg("--version").stdout(Stdio::null()).status();
        assert!(ran.is_ok_and(|status| status.success()), "the program can be started");
        before.elapsed()
    });
    let bare = Times::new(starts.collect()).percentile(50);
    let middle = times.percentile(50);
    let compared = format!("{} of `--version` ({})", seconds_ratio(middle, bare), time(bare));
    let figures = vec![("p50", time(middle)), ("p95", time(times.percentile(95)))];
    nothing_is_left(&sandbox, Duration::from_secs(10));
    vec![Row::new("exec to first full frame, 200 stages", figures, compared)]
}

fn keys_when_idle() -> Vec<Row> {
    let sandbox = Sandbox::new().file("many.yml", &many_stages());
    let mut terminal = watching(&sandbox, "many.yml", &[]).start();
    terminal.wait_until("the first frame", |shot| is_full(shot, "many"));
    let times = press(&mut terminal);
    leave(&mut terminal);
    let floor = echo_times().percentile(50);
    let compared = format!("{} of the floor ({})", seconds_ratio(times.percentile(50), floor), time(floor));
    vec![Row::new("key to frame, 200 stages, idle", p50_p99(&times), compared)]
}

fn silence() -> Vec<Row> {
    let sandbox = Sandbox::new().file("many.yml", &many_stages());
    let mut terminal = watching(&sandbox, "many.yml", &[]).env(NO_MOTION.0, NO_MOTION.1).start();
    terminal.wait_until("the first frame", |shot| is_full(shot, "many"));
    let settling = Duration::from_secs(2);
    terminal.bytes_during(settling);
    let bytes = terminal.bytes_during(Duration::from_secs(10));
    leave(&mut terminal);
    let figures = vec![("", format!("{bytes} bytes"))];
    vec![Row::new("written in 10 s when nothing changes, motion off", figures, String::new())]
}

fn keys_in_a_flood() -> Vec<Row> {
    // It is left long before the children have ended by themselves.
    let sandbox = Sandbox::new().file("flood.yml", &flood(600)).file("paced.pl", PACED);
    let mut terminal = watching(&sandbox, "flood.yml", &["--max-parallel", "9"]).start();
    terminal.wait_until("the first frame", |shot| is_full(shot, "flood"));
    terminal.bytes_during(Duration::from_secs(2));
    let (before, began) = (terminal.frames().len(), Instant::now());
    terminal.bytes_during(Duration::from_secs(5));
    let per_second = (terminal.frames().len() - before) as f64 / began.elapsed().as_secs_f64();
    let times = press(&mut terminal);
    leave(&mut terminal);
    nothing_is_left(&sandbox, Duration::from_secs(20));
    let floor = echo_times().percentile(50);
    let compared = format!("{} of the floor ({})", seconds_ratio(times.percentile(50), floor), time(floor));
    vec![
        Row::new("key to frame, 8 cells at 50,000 lines/s each", p50_p99(&times), compared),
        Row::new("frames in that flood", vec![("", format!("{per_second:.1}/s"))], String::new()),
    ]
}

const LINES: usize = 2_100_000;
const NEEDLES: usize = 21;

fn large_log() -> Vec<Row> {
    let sandbox = Sandbox::new().file("large.yml", LARGE);
    let mut terminal = watching(&sandbox, "large.yml", &[]).start();
    terminal.wait_until("the first frame", |shot| is_full(shot, "large"));
    terminal.keys(OPEN_LOG);
    terminal.keys(FOLLOW);
    let last = format!("line {LINES} ");
    terminal.wait_for(&last);
    terminal.bytes_during(Duration::from_secs(1));
    let (engine, keeper) = memory(terminal.id());
    let jumps = (0..5).map(|_| {
        terminal.keys(FOLLOW);
        terminal.wait_for(&last);
        terminal.press_until(&jump(1_500_000), |shot| shot.has("line 1500000 "))
    });
    let jumped = Times::new(jumps.collect()).percentile(50);
    let searched = terminal.press_until(&search("needle"), |shot| found(shot) == Some(NEEDLES));
    leave(&mut terminal);
    let log = logs(&sandbox).into_iter().max_by_key(|path| fs::metadata(path).map_or(0, |m| m.len()));
    let log = log.expect("there is a log");
    let before = Instant::now();
    let grep = Command::new("grep").args(["-c", "needle"]).arg(&log).stdout(Stdio::null()).status();
    let grepped = before.elapsed();
    assert!(grep.is_ok_and(|status| status.success()), "grep finds it");
    let bytes = fs::metadata(&log).map_or(0, |m| m.len());
    let total = (engine + keeper) * 1024;
    let compared = format!(
        "{} of the log ({} MB); engine {engine} KiB, keeper {keeper} KiB",
        ratio(total as f64, bytes as f64),
        bytes / 1_000_000
    );
    let pss = vec![("PSS", format!("{:.1} MiB", total as f64 / 1_048_576.0))];
    let compared_search = format!("{} of grep ({})", seconds_ratio(searched, grepped), time(grepped));
    vec![
        Row::new("memory of engine and keeper, 200 MB log open", pss, compared),
        Row::new("jump to line 1,500,000", vec![("p50", time(jumped))], String::new()),
        Row::new("search through the log", vec![("", time(searched))], compared_search),
    ]
}

const SECONDS: usize = 5;
const CELLS: usize = 8;

/// Children write at a pace of their own, and are asked how long it took them: on the screen, and through a plain pipe.
fn pace_of_children() -> Vec<Row> {
    let (mut watched, mut piped) = (Vec::new(), Vec::new());
    let mut lost = 0;
    for _ in 0..3 {
        let sandbox = Sandbox::new().file("flood.yml", &flood(SECONDS)).file("paced.pl", PACED);
        let script = format!(
            "for n in 1 2 3 4 5 6 7 8; do (perl paced.pl $n {SECONDS} piped-$n | cat >out-$n) & done; wait"
        );
        let plain = Command::new("sh").args(["-c", &script]).current_dir(sandbox.project()).status();
        assert!(plain.is_ok_and(|status| status.success()), "pipes work");
        piped.extend(taken(&sandbox, "piped"));
        let mut terminal = watching(&sandbox, "flood.yml", &["--max-parallel", "9"]).start();
        let began = Instant::now();
        while taken(&sandbox, "watched").len() < CELLS {
            assert!(began.elapsed() < Duration::from_secs(120), "children that write end");
            terminal.bytes_during(Duration::from_millis(100));
        }
        watched.extend(taken(&sandbox, "watched"));
        leave(&mut terminal);
        let kept: usize = logs(&sandbox).iter().map(|path| flood_lines(path)).sum();
        lost += (CELLS * SECONDS * 50_000).abs_diff(kept);
    }
    let (watched, piped) = (Times::new(watched), Times::new(piped));
    let compared = |percent| seconds_ratio(watched.percentile(percent), piped.percentile(percent));
    let figures = vec![("p50", time(watched.percentile(50))), ("max", time(watched.percentile(100)))];
    let what = format!("8 children at 50,000 lines/s for {SECONDS} s, each");
    let all = 3 * CELLS * SECONDS * 50_000;
    vec![
        Row::new(&what, figures, format!("{} of a plain pipe, slowest {}", compared(50), compared(100))),
        Row::new("lines lost or doubled", vec![("", format!("{lost} of {all}"))], String::new()),
    ]
}

// ------------------------------------------------------------------------------------------------ means

fn watching(sandbox: &Sandbox, file: &str, more: &[&str]) -> Call {
    let words = ["run", file, WATCH, "--on-loss", "stop"].into_iter().chain(more.iter().copied());
    let program = sortie();
    sandbox.terminal_of(program.to_str().expect("a path is text"), words, SIZE)
}

/// Leaves, with the dialog if work is running.
fn leave(terminal: &mut Terminal) {
    let before = terminal.shot().text();
    terminal.keys(LEAVE);
    if terminal.wait_until_or_end("the dialog", move |shot| shot.text() != before) {
        // A dialog does not hear what comes right after it was opened.
        terminal.bytes_during(Duration::from_millis(400));
        terminal.keys(LEAVE_ANYWAY);
    }
    terminal.wait_for_end().done();
}

/// Moves the selection to and fro, at moments that keep no step with frames.
fn press(terminal: &mut Terminal) -> Times {
    let presses = (0..PRESSES).map(|n| {
        let pause = 5 + (n as u64 * 7919) % 41;
        terminal.bytes_during(Duration::from_millis(pause));
        let before = selected(&terminal.shot());
        assert!(before.is_some(), "some row is selected:\n{}", terminal.shot().text());
        let key = if n % 2 == 0 { DOWN } else { UP };
        terminal.press_until(key, move |shot| selected(shot).is_some_and(|row| Some(row) != before))
    });
    Times::new(presses.collect())
}

/// The time between a key and its frame where a program does nothing else.
fn echo_times() -> Times {
    let sandbox = Sandbox::new();
    let script = r#"stty raw -echo; printf ready; exec perl -e '
        $| = 1; while (sysread STDIN, $c, 1) { print "\e[?2026h\e[H$c\e[?2026l" }'"#;
    let mut terminal = sandbox.terminal_of("sh", ["-c", script], SIZE).start();
    terminal.wait_for("ready");
    let presses = (0..PRESSES).map(|n| {
        terminal.bytes_during(Duration::from_millis(5 + (n as u64 * 7919) % 41));
        let key = if n % 2 == 0 { DOWN } else { UP };
        terminal.press_until(key, move |shot| shot.contents(0, 0) == key)
    });
    Times::new(presses.collect())
}

/// Proportional memory of the engine and the keeper among a process and what it has started, in KiB.
fn memory(first: i32) -> (u64, u64) {
    let mut family = vec![(0, first)];
    let mut next = 0;
    while let Some(&(_, pid)) = family.get(next) {
        next += 1;
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        for thread in threads {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            family.extend(children.split_whitespace().filter_map(|child| Some((pid, child.parse().ok()?))));
        }
    }
    let is_keeper = |pid: &i32| {
        fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|words| words.contains("__keeper"))
    };
    let keeper = family.iter().find(|(_, pid)| is_keeper(pid));
    let (engine, keeper) = keeper.expect("an engine that runs something has a keeper");
    (pss(*engine), pss(*keeper))
}

fn pss(pid: i32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("it is a process of ours");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).expect("the kernel counts it")
}

/// The logs of all attempts.
fn logs(sandbox: &Sandbox) -> Vec<PathBuf> {
    let jobs = fs::read_dir(sandbox.project().join(".sortie/jobs")).expect("a job has run").flatten();
    let folders = jobs.filter_map(|job| fs::read_dir(job.path().join("logs")).ok());
    folders.flat_map(|folder| folder.flatten().map(|file| file.path())).collect()
}

fn flood_lines(path: &Path) -> usize {
    let bytes = fs::read(path).expect("a log can be read");
    bytes.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"flood ")).count()
}

/// What the children have written about themselves.
fn taken(sandbox: &Sandbox, how: &str) -> Vec<Duration> {
    let said =
        (1..=CELLS).filter_map(|n| fs::read_to_string(sandbox.project().join(format!("{how}-{n}"))).ok());
    said.filter_map(|text| Some(Duration::from_secs_f64(text.parse().ok()?))).collect()
}

fn p50_p99(times: &Times) -> Vec<(&'static str, String)> {
    vec![("p50", time(times.percentile(50))), ("p99", time(times.percentile(99)))]
}

fn seconds_ratio(of: Duration, to: Duration) -> String {
    ratio(of.as_secs_f64(), to.as_secs_f64())
}

// ------------------------------------------------------------------------------------------------ what is run

const PACED: &str = include_str!("paced.pl");

/// One stage that runs, and those that wait for it.
fn many_stages() -> String {
    let mut text =
        "version: 3\nname: many\nstages:\n  first:\n    steps:\n      - run: exec sleep 1000\n".to_owned();
    for n in 2..=200 {
        text.push_str(&format!("  stage-{n:03}:\n    needs: [first]\n    steps:\n      - run: 'true'\n"));
    }
    text
}

fn flood(seconds: usize) -> String {
    let wait = if seconds > 60 { "exec sleep 1000" } else { "true" };
    format!(
        "version: 3\nname: flood\nstages:\n  flood:\n    matrix: {{ n: [1, 2, 3, 4, 5, 6, 7, 8] }}\n    steps:\n      \
         - run: exec perl paced.pl ${{{{ matrix.n }}}} {seconds} watched-${{{{ matrix.n }}}}\n  other:\n    steps:\n      \
         - run: '{wait}'\n"
    )
}

/// A log of 210 MB with a needle in each 100,000 lines, and a stage that goes on.
const LARGE: &str = r#"version: 3
name: large
stages:
  large:
    steps:
      - run: |
          perl -e '$pad = "." x 86; for (1..2100000) { printf "line %-8d%s\n", $_, $_ % 100000 ? $pad : substr("needle $pad", 0, 86) }'
          exec sleep 1000
"#;
