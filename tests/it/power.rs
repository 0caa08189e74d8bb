//! The power goes at any moment: what was acknowledged is on the disk. Jobs run under `strace`, so that it is known what was
//! synced when; then the state folder is put together as a power cut would leave it, and the machine boots again.
//!
//! Not here: what of a folder is on the disk (`kit/disk.rs`), deaths of processes on a machine that lives (`crash.rs`). Logs
//! are not promised: they are not synced, and `store verify` says so.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kit::disk::{Cut, Disk, News};
use crate::kit::trace::{Trace, traced};
use crate::kit::{Ran, Sandbox, eventually, nothing_is_left};

const SHIP: &str = r#"version: 3
name: ship
defaults: { on-interrupt: rerun }
stages:
  build: { run: echo building; echo build >> ran }
  push:
    needs: build
    steps:
      - { run: echo push >> ran, durable: true }
      - { run: echo after >> ran }
  tag: { needs: push, steps: [{ run: echo tag >> ran, durable: true }] }
  next: { needs: tag, run: echo next >> ran }
  ship:
    needs: next
    approve: { message: "ship it?", inputs: { percent: { type: number, default: 5 } } }
    run: echo ship >> ran; test "${{ gate.inputs.percent }}" = 20
"#;

/// What somebody relies on: an event of the job, in as many words as tell it, or only that the job is known.
type Promise = String;

/// What has been said so far, by file.
#[derive(Default)]
struct Heard {
    texts: BTreeMap<String, String>,
}

impl Heard {
    fn hear(&mut self, sandbox: &Sandbox, file: &std::path::Path, bytes: &[u8]) {
        if let Ok(name) = file.strip_prefix(sandbox.project()) {
            let name = name.to_string_lossy().into_owned();
            self.texts.entry(name).or_default().push_str(&String::from_utf8_lossy(bytes));
        }
    }

    /// All that may be relied on by now.
    fn promises(&self) -> BTreeSet<Promise> {
        let lines = self.texts.iter().flat_map(|(name, text)| text.lines().map(move |line| (name, line)));
        let promised = lines.filter_map(|(name, line)| {
            let event = match name.split(['/', '.']).nth(1).unwrap_or(name) {
                "ran" if line == "after" => "step.completed push 1",
                "ran" if line == "next" => "step.completed tag 1",
                "run" if line.contains("job #1") => "",
                "approve" if line.contains("approved") => "gate.approved",
                "wait" if line.contains("job #1 passed") => "job.completed",
                "shown" | "events" => return relied_on(line),
                _ => return None,
            };
            Some(event.to_owned())
        });
        promised.collect()
    }
}

/// What a line of JSON promises: an event, or a whole job.
fn relied_on(line: &str) -> Option<Promise> {
    let it: Value = serde_json::from_str(line).ok()?;
    let is_durable = it["type"] == "step.completed"
        && (it["stage"] == "push" && it["step"] == "1" || it["stage"] == "tag");
    if is_durable {
        return Some(format!("step.completed {} 1", it["stage"].as_str()?));
    }
    match it["type"].as_str() {
        Some(kind @ ("gate.approved" | "job.completed")) => Some(kind.to_owned()),
        None if it["outcome"] == "success" => Some("job.completed".to_owned()),
        _ => None,
    }
}

/// What people do who look at the job, again and again, and answer its question. What they are told is in `acks`.
const PEOPLE: &str = r#"
(
    n=0
    until test -e acks/ended; do
        n=$((n + 1))
        "$sortie" jobs show 1 --json > acks/shown.$n 2> /dev/null
        "$sortie" jobs events 1 > acks/events.$n 2> /dev/null
    done
) &
"$sortie" jobs events 1 -f > acks/events &
until grep -q gate.opened acks/events; do sleep 0.02; done
"$sortie" jobs approve 1 --input percent=20 --id yes > acks/approve
"$sortie" jobs wait 1 > acks/wait
touch acks/ended
wait
"#;

#[test]
fn nothing_that_was_acknowledged_is_lost_when_the_power_goes() {
    at_every_sync(SHIP, "\"$sortie\" run ship --detach > acks/run");
}

#[test]
fn nothing_is_lost_of_a_job_with_a_face() {
    let until_it_is_there = "until \"$sortie\" jobs show 1 > acks/first 2> /dev/null; do sleep 0.02; done";
    at_every_sync(SHIP, &format!("\"$sortie\" run ship --on-loss keep > acks/wait &\n{until_it_is_there}"));
}

#[test]
fn nothing_is_lost_of_a_store_whose_maker_died() {
    // It is killed before it has synced the database and the folders that it made.
    at_every_sync(
        SHIP,
        "SORTIE_FAULT_KILL_AT=2 \"$sortie\" run ship --on-loss keep; \"$sortie\" jobs recover",
    );
}

#[test]
fn nothing_is_lost_of_a_fire() {
    let playbook = SHIP.replace("defaults:", "on: { schedule: [\"0 3 1 1 *\"] }\ndefaults:");
    at_every_sync(&playbook, "\"$sortie\" schedule run ship > acks/run");
}

#[test]
fn nothing_is_lost_while_the_log_of_the_database_is_copied_into_it() {
    // Its text and an output fill the log faster than many steps would.
    let output =
        "echo \"much=$(head -c 900000 /dev/zero | tr '\\0' a)\" >> $SORTIE_OUTPUT; echo build >> ran";
    let playbook = format!("{}# {}\n", SHIP.replace("echo build >> ran", output), "long ".repeat(60_000));
    let copied = at_every_sync(&playbook, "\"$sortie\" run ship --detach > acks/run");
    assert!(copied > 300_000, "the log was not copied: the database has {copied} bytes");
}

/// Cuts the power before each sync of a job that a person starts in that way, and lets it go on; returns how long the database
/// was at its end.
#[expect(clippy::print_stdout, reason = "the count is what these tests show")]
fn at_every_sync(playbook: &str, start: &str) -> usize {
    let began = Instant::now();
    let sandbox = &Sandbox::new().file("playbooks/ship.yml", playbook);
    let trace = sandbox.base().join("trace");
    traced(sandbox, &format!("mkdir acks\n{start} || exit\n{PEOPLE}"), &trace).run().code(0).done();
    nothing_is_left(sandbox, Duration::from_secs(5));
    let trace = Trace::read(&trace);
    let state = sandbox.project().join(".sortie");
    let real = files_of(&state);
    let (mut heard, mut syncs, mut cuts) = (Heard::default(), 0, 0);
    let mut known = Vec::new();
    let mut disk = Disk::new(&state);
    disk.follow(&trace, &mut |disk, news| match news {
        News::Said(file, bytes) => heard.hear(sandbox, file, bytes),
        News::Sync => {
            syncs += 1;
            for cut in [Cut::Lost, Cut::Kept, Cut::Late(syncs), Cut::Torn(syncs)] {
                // Many a sync finds nothing to do, and nothing more has been said.
                let there = (disk.after(cut), heard.promises());
                if !known.contains(&there) {
                    cuts += 1;
                    go_on_after(sandbox, disk, cut, &there.1, &format!("before sync {syncs}, {cut:?}"));
                    known.push(there);
                }
            }
        }
    });
    // What is known of the disk is right only if it comes to what is there.
    let told: BTreeMap<_, _> =
        disk.after(Cut::Kept).into_iter().filter_map(|(path, it)| Some((path, it?))).collect();
    for (path, bytes) in &real {
        assert!(told.get(path) == Some(bytes), "{} is not what the trace makes of it", path.display());
    }
    let promises = heard.promises();
    // Two steps, the answer, the end, and the number where somebody was told it.
    assert_eq!(promises.len(), 4 + usize::from(start.contains("acks/run")), "{promises:?}");
    cuts += 1;
    go_on_after(sandbox, &disk, Cut::Lost, &promises, "at the end");
    println!("{cuts} power cuts at {syncs} syncs, {:?}", began.elapsed());
    told.get(&state.join("sortie.db")).map_or(0, Vec::len)
}

/// The files of a folder that a power cut may change, with their bytes.
fn files_of(folder: &std::path::Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("it is there").flatten() {
        let (path, kind) = (entry.path(), entry.file_type().expect("it is there"));
        // The one is made anew by whoever comes first, the other go to and fro with their folders.
        let is_passing = path.ends_with("sortie.db-shm") || path.ends_with("files");
        if kind.is_dir() && !is_passing {
            found.extend(files_of(&path));
        } else if kind.is_file() && !is_passing {
            found.insert(path.clone(), std::fs::read(&path).expect("it is ours"));
        }
    }
    found
}

/// Boots again with what is on the disk, and holds everything to what was promised and to what the job was to do.
fn go_on_after(sandbox: &Sandbox, disk: &Disk, cut: Cut, promises: &BTreeSet<Promise>, about: &str) {
    let state = sandbox.project().join(".sortie");
    for path in [state.clone(), sandbox.base().join("run")] {
        if path.exists() {
            std::fs::remove_dir_all(&path).expect("nobody uses it");
        }
    }
    std::fs::create_dir(sandbox.base().join("run")).expect("it was removed");
    let ran = sandbox.project().join("ran");
    std::fs::write(&ran, "").expect("the project is writable");
    disk.build(cut);
    let sortie = |words: &[&'static str]| -> Ran {
        sandbox.sortie(words.iter().copied()).env("SORTIE_FAULT_BOOT", about).run()
    };
    let show = || sortie(&["jobs", "show", "1", "--json"]);
    let known = show();
    let had_ended = known.is_code(0) && relied_on(&known.out).is_some();
    assert!(known.is_code(0) || promises.is_empty(), "{about}: {promises:?} and no job: {}", known.err);
    if !known.is_code(0) {
        // What there is of a store is no hindrance.
        sortie(&["run", "ship", "--detach"]).code(0).done();
    }
    sortie(&["jobs", "recover"]).code(0).done();
    if !promises.contains("gate.approved") {
        eventually("the answer of the gate", || {
            let words = ["jobs", "approve", "1", "--input", "percent=20", "--id", "yes"];
            sortie(&words).is_code(0) || relied_on(&show().out).is_some()
        });
    }
    sortie(&["jobs", "wait", "1"]).code(0).says("passed").done();
    nothing_is_left(sandbox, Duration::from_secs(5));
    let events = sortie(&["jobs", "events", "1"]).code(0).out;
    // The last engine is the one after the cut.
    let before = match events.rsplit_once("job.recovered") {
        _ if had_ended => &events,
        Some((before, _)) => before,
        None => "",
    };
    let kept: BTreeSet<Promise> = before.lines().filter_map(relied_on).chain([String::new()]).collect();
    let lost: Vec<&Promise> = promises.difference(&kept).collect();
    assert!(lost.is_empty(), "{about}: {lost:?} is lost of\n{events}");
    let ran = std::fs::read_to_string(&ran).expect("it was made above");
    for (promise, step) in [("step.completed push 1", "push"), ("step.completed tag 1", "tag")] {
        let again = ran.lines().filter(|line| *line == step).count();
        let most = usize::from(!kept.contains(promise));
        assert!(again <= most, "{about}: `{step}` ran {again} times");
    }
    let verified = sortie(&["store", "verify"]);
    let findings: Vec<&str> =
        verified.out.lines().chain(verified.err.lines()).filter(|line| line.contains("job #")).collect();
    assert!(
        verified.is_code(0) || findings.iter().all(|line| line.contains("log")),
        "{about}: {}{}",
        verified.out,
        verified.err
    );
}
