//! A disk that is full: at every write of a job, from the making of the store to its last event. Each time a sentence says
//! so and names the way out, nothing hangs, and once there is room again everything that was acknowledged is there and the
//! job comes to its end.
//!
//! Not here: a log of which one process may write no more (`survivors.rs`), appends that fail by themselves (`faults.rs`).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::kit::{PAGE, Ran, Sandbox, SmallDisk, eventually, nothing_is_left, who_is_left};

/// A playbook with every kind of write: outputs, a summary, a script, folders of its own, logs of several pages with two
/// streams. Whatever runs says so in a file on another disk.
const ALL: &str = r#"version: 3
name: all
defaults: { cancel: { grace: 300ms } }
stages:
  first:
    steps:
      - id: x
        run: |
          echo x >> "$SORTIE_WORKSPACE/ran"; echo begun
          echo "count=7" >> "$SORTIE_OUTPUT"; echo "did it" >> "$SORTIE_SUMMARY"
      - { shell: "sh {0}", run: 'echo y >> "$SORTIE_WORKSPACE/ran"; echo by a script' }
    outputs: { count: "${{ steps.x.outputs.count }}" }
  many:
    needs: first
    workspace: scratch
    matrix: { n: [1, 2, 3] }
    env: { N: "${{ matrix.n }}" }
    run: 'echo $N >> "$SORTIE_WORKSPACE/ran"; head -c 6000 /dev/zero | tr "\\0" x; echo; echo to errors >&2'
  last: { needs: many, run: 'echo z >> "$SORTIE_WORKSPACE/ran"; echo done' }
"#;

/// What a job needs at the end, for the count of processes.
const AT_ONCE: Duration = Duration::from_secs(5);

/// What was seen over all places, so that none of them is missed.
#[derive(Default)]
struct Seen(BTreeMap<&'static str, u32>);

impl Seen {
    fn add(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    #[track_caller]
    fn holds(&self, what: &[&str]) {
        for it in what {
            assert!(self.0.contains_key(it), "never came to: {it}; {:?}", self.0);
        }
    }
}

/// A failure is told in a sentence, with the way out.
#[track_caller]
fn is_told(ran: &Ran) {
    assert!(!ran.err.contains("panicked") && !ran.err.contains("this is a bug"), "{}", ran.err);
    assert!(ran.err.contains("the disk is full: "), "{}", ran.err);
    assert!(ran.err.contains("help: free some space"), "{}", ran.err);
}

/// The job of that number as `jobs list` has it, if there is one.
fn listed(sandbox: &Sandbox, number: u64) -> Option<String> {
    let lines = sandbox.sortie(["jobs", "list", "--json"]).run().code(0).json_lines();
    let rows = lines[0].as_array().expect("a list").clone();
    let row = rows.into_iter().find(|row| row["number"] == number)?;
    Some(row["state"].as_str().expect("a state").to_owned())
}

/// There is room again: the job comes to an end, and all that was told before is still so. Returns how it ended.
#[track_caller]
fn comes_to_an_end(sandbox: &Sandbox, number: u64, told: &str) -> i32 {
    let name = number.to_string();
    sandbox.sortie(["store", "verify"]).run().code(0).says("the store is whole").done();
    if listed(sandbox, number).as_deref() == Some("interrupted") {
        sandbox.sortie(["jobs", "recover", &name]).run().code(0).done();
    }
    let waited = sandbox.sortie(["jobs", "wait", &name]).run();
    let code = if waited.is_code(0) { 0 } else { 1 };
    waited.code(code).done();
    nothing_is_left(sandbox, AT_ONCE);
    sandbox.sortie(["store", "verify"]).run().code(0).says("the store is whole").done();
    let events = sandbox.sortie(["jobs", "events", &name]).run().code(0).out;
    let events: Vec<&str> = events.lines().collect();
    for (at, line) in told.lines().enumerate() {
        assert_eq!(events.get(at), Some(&line), "it was told and is gone");
    }
    let ran = std::fs::read_to_string(sandbox.project().join("ran")).unwrap_or_default();
    let mut once: Vec<&str> = ran.lines().collect();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ran.lines().count(), "a step ran twice: {ran}");
    code
}

/// Looks at a job while the disk is still full: a right answer, or a sentence.
#[track_caller]
fn can_be_looked_at(sandbox: &Sandbox) {
    for words in [&["jobs", "list"][..], &["jobs", "show", "last"], &["logs", "last"], &["store", "verify"]] {
        let ran = sandbox.sortie(words.iter().copied()).run();
        let has_none = ran.is_code(2) && ran.err.contains("no jobs yet");
        if !ran.is_code(0) && !has_none {
            is_told(&ran);
        }
    }
}

/// Starts a job with so much room, and holds what came of it. Returns whether the disk was large enough.
fn with_room(sandbox: &Sandbox, disk: &SmallDisk, free: u64, number: u64, seen: &mut Seen) -> bool {
    std::fs::remove_file(sandbox.project().join("ran")).unwrap_or_default();
    disk.leave(free);
    let ran = sandbox.sortie(["run", "all.yml", "--ui", "json"]).run();
    nothing_is_left(sandbox, AT_ONCE);
    if ran.is_code(0) {
        disk.make_room();
        comes_to_an_end(sandbox, number, &ran.out);
        return true;
    }
    can_be_looked_at(sandbox);
    let failed = ran.is_code(1);
    let ran = if failed { ran } else { ran.code(5) };
    if !failed {
        is_told(&ran);
        assert!(ran.err.contains("cannot be used") || ran.err.contains("cannot be written"), "{}", ran.err);
    }
    disk.make_room();
    let state = listed(sandbox, number);
    match state.as_deref() {
        None => {
            assert_eq!((ran.out.as_str(), failed), ("", false), "there is no such job");
            seen.add(if ran.err.contains("cannot be used") { "no store" } else { "no job" });
        }
        Some("interrupted") => {
            let recover = format!("`sortie jobs recover {number}` goes on with job #{number}");
            assert!(ran.err.contains(&recover), "{}", ran.err);
            let shown = sandbox.sortie(["jobs", "show", "last"]).run().code(0);
            shown.says("its engine gave it up: the disk was full").done();
            let waited = sandbox.sortie(["jobs", "wait", "last"]).run().code(5);
            waited.complains("its engine gave it up: the disk was full").done();
            let passed = comes_to_an_end(sandbox, number, &ran.out) == 0;
            seen.add(if passed { "recovered and passed" } else { "recovered and failed" });
        }
        Some("failed") => {
            assert!(failed, "{}", ran.err);
            comes_to_an_end(sandbox, number, &ran.out);
            seen.add("failed by itself");
        }
        state => panic!("{free} bytes: {state:?}"),
    }
    false
}

#[test]
fn the_first_job_of_a_project_at_every_page_that_it_writes() {
    let sandbox = Sandbox::new().file("all.yml", ALL);
    let disk = SmallDisk::of(&sandbox);
    let mut seen = Seen::default();
    for page in 0..1024 {
        disk.fresh();
        if with_room(&sandbox, &disk, page * PAGE, 1, &mut seen) {
            seen.holds(&["no store", "no job", "recovered and passed", "recovered and failed"]);
            return;
        }
    }
    panic!("there was never enough room: {:?}", seen.0);
}

#[test]
fn a_job_in_a_store_that_has_seen_others_at_every_page_that_it_writes() {
    let sandbox = Sandbox::new().file("all.yml", ALL);
    let disk = SmallDisk::of(&sandbox);
    let mut seen = Seen::default();
    for page in 0..1024 {
        disk.fresh();
        // The log of the database is long enough by now to be copied when the next job starts.
        sandbox.sortie(["run", "all.yml", "-q"]).run().code(0).done();
        if with_room(&sandbox, &disk, page * PAGE, 2, &mut seen) {
            seen.holds(&["recovered and failed"]);
            return;
        }
    }
    panic!("there was never enough room: {:?}", seen.0);
}

/// Waits in its first step for the file `go`; what comes then is long.
const LONG: &str = r#"version: 3
name: long
defaults: { cancel: { grace: 300ms } }
stages:
  first:
    steps:
      - { run: 'echo x >> ran; echo begun; until test -e go; do sleep 0.02; done' }
      - id: y
        run: 'echo y >> ran; head -c 9000 /dev/zero | tr "\\0" x; echo; echo "count=7" >> "$SORTIE_OUTPUT"'
  last: { needs: first, run: 'echo z >> ran; echo done' }
"#;

/// The process number of whoever owns the only job.
fn owner(sandbox: &Sandbox) -> i32 {
    let store = rusqlite::Connection::open(sandbox.project().join(".sortie/sortie.db")).expect("it is there");
    let owner = store.query_row("SELECT owner_pid FROM jobs", [], |row| row.get::<_, Option<i32>>(0));
    owner.expect("there is a job").expect("it has an engine")
}

fn has_begun(sandbox: &Sandbox) {
    let ran = || std::fs::read_to_string(sandbox.project().join("ran")).unwrap_or_default();
    eventually("the first step", || ran().contains('x'));
}

#[test]
fn a_job_that_runs_on_when_the_disk_fills_up_loses_nothing_that_a_follower_was_told() {
    let mut seen = Seen::default();
    for page in 0..1024 {
        let sandbox = Sandbox::new().file("long.yml", LONG);
        let disk = SmallDisk::of(&sandbox);
        sandbox.sortie(["run", "long.yml", "--detach"]).run().code(0).done();
        let mut follower = sandbox.sortie(["jobs", "events", "1", "-f"]).start();
        follower.wait_for("step.started");
        has_begun(&sandbox);
        let engine = owner(&sandbox);
        disk.leave(page * PAGE);
        std::fs::write(sandbox.project().join("go"), "").expect("the project is on another disk");
        let is_gone = || !std::path::Path::new(&format!("/proc/{engine}")).exists();
        eventually("the end of the engine", is_gone);
        let was_listed = sandbox.sortie(["jobs", "list"]).run();
        disk.make_room();
        // The follower or this look starts the next engine.
        sandbox.sortie(["jobs", "list"]).run().code(0).done();
        let told = follower.wait().code(0).out;
        let passed = comes_to_an_end(&sandbox, 1, &told) == 0;
        let all = sandbox.sortie(["jobs", "events", "1"]).run().code(0).out;
        assert_eq!(told, all, "the follower was told everything, once");
        if was_listed.is_code(0) && was_listed.out.contains("passed") {
            seen.holds(&["failed"]);
            return;
        }
        seen.add(if passed { "passed" } else { "failed" });
    }
    panic!("there was never enough room: {:?}", seen.0);
}

#[test]
fn an_answer_that_was_accepted_is_kept_and_one_that_could_not_be_recorded_says_so() {
    let text =
        "version: 3\nname: ask\nstages:\n  a: { approve: { message: \"Go on?\" }, run: 'echo x >> ran' }\n";
    let mut seen = Seen::default();
    for page in 0..1024 {
        let sandbox = Sandbox::new().file("ask.yml", text);
        let disk = SmallDisk::of(&sandbox);
        sandbox.sortie(["run", "ask.yml", "--detach"]).run().code(0).done();
        eventually("the question", || {
            sandbox.sortie(["jobs", "list"]).run().code(0).out.contains("waits for a: approval")
        });
        disk.leave(page * PAGE);
        let answered = sandbox.sortie(["jobs", "approve", "1", "--note", "as it was said"]).run();
        let is_accepted = answered.is_code(0);
        if !is_accepted {
            let answered = answered.code(5);
            answered
                .complains("the order could not be recorded, so it was not carried out: the disk is full")
                .done();
        }
        // Whether it goes on or not, its end may need more room than there is.
        let ended = sandbox.sortie(["jobs", "wait", "1", "--timeout", "1ms"]).run();
        let is_enough = ended.is_code(0);
        disk.make_room();
        let events = sandbox.sortie(["jobs", "events", "1"]).run().code(0);
        assert_eq!(events.out.contains("as it was said"), is_accepted, "{}", events.out);
        if !is_accepted {
            eventually("the question of another engine", || {
                sandbox.sortie(["jobs", "approve", "1"]).run().is_code(0)
            });
        }
        sandbox.sortie(["jobs", "list"]).run().code(0).done();
        let code = comes_to_an_end(&sandbox, 1, &events.out);
        assert!(is_accepted || code == 0, "what was asked again goes well");
        seen.add(if is_accepted { "accepted" } else { "not recorded" });
        if is_enough || page > 24 {
            seen.holds(&["accepted", "not recorded"]);
            return;
        }
    }
}

#[test]
fn a_number_that_was_told_names_a_job_that_is_kept() {
    let mut seen = Seen::default();
    for page in 0..1024 {
        let sandbox = Sandbox::new().file("all.yml", ALL);
        let disk = SmallDisk::of(&sandbox);
        sandbox.sortie(["run", "all.yml", "-q"]).run().code(0).done();
        std::fs::remove_file(sandbox.project().join("ran")).expect("it ran");
        disk.leave(page * PAGE);
        let ran = sandbox.sortie(["run", "all.yml", "--detach", "-q"]).run();
        let is_started = ran.is_code(0);
        if is_started {
            assert_eq!(ran.out, "2\n");
            eventually("the end of the engine", || who_is_left(&sandbox).is_empty());
        } else {
            let ran = ran.code(5);
            let is_recorded =
                ran.err.contains("job #2 is recorded, and its engine did not start: the disk is full: ");
            match is_recorded {
                true => ran.complains("help: `sortie jobs recover 2` tries again").done(),
                false => is_told(&ran),
            }
        }
        can_be_looked_at(&sandbox);
        disk.make_room();
        match listed(&sandbox, 2).as_deref() {
            None => assert!(!is_started, "it is gone"),
            Some("passed") if is_started => {
                seen.holds(&["not started", "started"]);
                return;
            }
            Some(_) => {
                comes_to_an_end(&sandbox, 2, "");
            }
        }
        seen.add(if is_started { "started" } else { "not started" });
    }
    panic!("there was never enough room: {:?}", seen.0);
}

#[test]
fn an_output_of_half_the_disk_is_there_whole_or_its_job_has_not_passed() {
    let text = r#"version: 3
name: large
stages:
  a:
    steps:
      - id: x
        run: 'echo x >> ran; (printf word=; head -c 900000 /dev/zero | tr "\\0" w; echo) >> "$SORTIE_OUTPUT"'
  b: { needs: a, run: 'echo y >> ran' }
"#;
    let mut seen = Seen::default();
    for page in (48..1024).step_by(12) {
        let sandbox = Sandbox::new().file("large.yml", text);
        let disk = SmallDisk::of(&sandbox);
        disk.leave(page * PAGE);
        let ran = sandbox.sortie(["run", "large.yml", "--ui", "json"]).run();
        can_be_looked_at(&sandbox);
        disk.make_room();
        if ran.is_code(0) {
            comes_to_an_end(&sandbox, 1, &ran.out);
            seen.holds(&["stopped"]);
            return;
        }
        // What the shell could not write fails the step by itself.
        if !ran.is_code(1) {
            let ran = ran.code(5);
            is_told(&ran);
            let passed = comes_to_an_end(&sandbox, 1, &ran.out) == 0;
            // A success that its keeper could still write down counts.
            let events = sandbox.sortie(["jobs", "events", "1"]).run().code(0).out;
            assert!(!passed || events.contains(&"w".repeat(900_000)), "a part of the output is gone");
            seen.add("stopped");
        }
    }
    panic!("there was never enough room: {:?}", seen.0);
}
