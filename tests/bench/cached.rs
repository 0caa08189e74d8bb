//! What a cache spares, in figures:
//!
//!     cargo bench --bench cached                 everything below
//!     cargo bench --bench cached -- example      `playbooks/examples/cached.yml`: made, and taken from the cache
//!     cargo bench --bench cached -- combined     six cells of two seconds: one by one, side by side, from the cache
//!     cargo bench --bench cached -- many         500 stages with an input and an output each, in five situations
//!
//! Each round begins with an empty cache. `SORTIE` names another program than the one of this build. Ratios are taken within a
//! round, so that a noisy machine shifts both sides alike; the median of the rounds is printed.
#![expect(clippy::disallowed_methods, reason = "it prepares files, starts programs and takes times")]
#![expect(clippy::print_stdout, reason = "it is a program for a terminal")]

mod figures;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use figures::{Row, Times, ratio, time};
use tempfile::TempDir;

/// How often the quick ones and the slow one are measured.
const ROUNDS: usize = 5;
const SLOW_ROUNDS: usize = 3;
/// Stages of `many`.
const STAGES: usize = 500;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|it| it == name);
    if is_wanted("example") {
        example();
    }
    if is_wanted("combined") {
        combined();
    }
    if is_wanted("many") {
        many();
    }
}

fn program() -> PathBuf {
    std::env::var_os("SORTIE").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_sortie")), PathBuf::from)
}

/// A folder with the playbooks of this repository and nothing else.
fn project() -> TempDir {
    let dir = TempDir::new().expect("a folder for the measurement");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks");
    let to = dir.path().join("playbooks");
    let done = Command::new("cp").arg("-r").arg(from).arg(to).status().expect("`cp` runs");
    assert!(done.success(), "the playbooks were copied");
    dir
}

/// Runs a playbook and returns how long that took.
fn run(dir: &Path, arguments: &[&str]) -> Duration {
    let mut command = Command::new(program());
    command.arg("run").args(arguments).args(["--ui", "plain"]).current_dir(dir);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    let began = Instant::now();
    let status = command.status().expect("sortie runs");
    let took = began.elapsed();
    assert!(status.success(), "{arguments:?}: {status}");
    took
}

/// Nothing was made before.
fn forget(dir: &Path, made: &str) {
    for name in [".sortie", made] {
        // The first time there is nothing to remove.
        let _removed = fs::remove_dir_all(dir.join(name));
    }
    fs::create_dir_all(dir.join(".sortie")).expect("a state folder");
}

fn print(row: &Row) {
    println!("{}", row.line());
}

fn compare(what: &str, times: Vec<Duration>, against: &[Duration], words: &str) {
    let mut ratios: Vec<f64> =
        times.iter().zip(against).map(|(it, other)| other.as_secs_f64() / it.as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    let middle = ratios[ratios.len() / 2];
    let median = time(Times::new(times).percentile(50));
    print(&Row::new(what, vec![("p50", median)], format!("{} as fast as {words}", ratio(middle, 1.0))));
}

fn alone(what: &str, times: Vec<Duration>) {
    let median = time(Times::new(times).percentile(50));
    print(&Row::new(what, vec![("p50", median)], String::new()));
}

fn example() {
    let dir = project();
    let playbook = "playbooks/examples/cached.yml";
    let (mut serial, mut made, mut taken, mut restored) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        if round < SLOW_ROUNDS {
            forget(dir.path(), "target");
            serial.push(run(dir.path(), &[playbook, "--max-parallel", "1"]));
        }
        forget(dir.path(), "target");
        made.push(run(dir.path(), &[playbook]));
        taken.push(run(dir.path(), &[playbook]));
        fs::remove_dir_all(dir.path().join("target")).expect("the outputs are there");
        restored.push(run(dir.path(), &[playbook]));
    }
    alone("cached.yml, one stage after the other", serial);
    alone("cached.yml, first run", made.clone());
    compare("cached.yml, second run", taken, &made, "the first");
    compare("cached.yml, outputs deleted", restored, &made, "the first");
}

fn combined() {
    let dir = project();
    let playbook = "playbooks/examples/combined.yml";
    let (mut serial, mut parallel, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SLOW_ROUNDS {
        forget(dir.path(), "target");
        serial.push(run(dir.path(), &[playbook, "--max-parallel", "1"]));
        parallel.push(run(dir.path(), &[playbook, "--max-parallel", "8", "--refresh"]));
        taken.push(run(dir.path(), &[playbook, "--max-parallel", "8"]));
    }
    alone("six cells of 2 s, one after the other", serial.clone());
    compare("six cells of 2 s, eight slots", parallel, &serial, "one after the other");
    compare("six cells of 2 s, from the cache", taken, &serial, "one after the other");
}

fn many() {
    let dir = TempDir::new().expect("a folder for the measurement");
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("in")).expect("a folder for inputs");
    let mut text = String::from("version: 3\nname: many\ndefaults: { run: { shell: sh } }\nstages:\n");
    for stage in 0..STAGES {
        fs::write(at(&format!("in/{stage}")), format!("{stage} ").repeat(250)).expect("an input");
        let files = format!("inputs: [in/{stage}], outputs: [out/{stage}]");
        text.push_str(&format!(
            "  t{stage}: {{ run: 'cat in/{stage} > out/{stage}', cache: {{ {files} }} }}\n"
        ));
    }
    fs::write(at("many.yml"), text).expect("a playbook");
    let mut times: [Vec<Duration>; 5] = Default::default();
    for round in 0..ROUNDS {
        forget(dir.path(), "out");
        fs::create_dir(at("out")).expect("a folder for outputs");
        times[0].push(run(dir.path(), &["many.yml"]));
        times[1].push(run(dir.path(), &["many.yml"]));
        let file = fs::File::options().append(true).open(at("in/7")).expect("the input is there");
        file.set_modified(std::time::SystemTime::now()).expect("it can be touched");
        times[2].push(run(dir.path(), &["many.yml"]));
        fs::write(at("in/8"), format!("changed {round}")).expect("the input is there");
        times[3].push(run(dir.path(), &["many.yml"]));
        for entry in fs::read_dir(at("out")).expect("the outputs are there").flatten() {
            fs::remove_file(entry.path()).expect("it can be removed");
        }
        times[4].push(run(dir.path(), &["many.yml"]));
    }
    let [made, same, touched, changed, deleted] = times;
    alone("500 stages, first run", made.clone());
    compare("500 stages, nothing changed", same, &made, "the first");
    compare("500 stages, one input touched", touched, &made, "the first");
    compare("500 stages, one input changed", changed, &made, "the first");
    compare("500 stages, outputs deleted", deleted, &made, "the first");
}
