//! Faults that the program is asked for: killed or panicking at every numbered point, appends that fail, a clock and a
//! boot id that are not the real ones. Nothing is left, and nothing is recorded that did not happen.
//!
//! Not here: what goes wrong without asking (`bad_input_alive.rs`). The variables are explained in `src/engine/faults.rs`.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::kit::{Ran, Sandbox, eventually, nothing_is_left};

const PLAYBOOK: &str = r#"version: 3
name: points
defaults: { cancel: { grace: 300ms } }
stages:
  one: { run: "echo one >> ran; sleep 0.02" }
  two: { needs: one, matrix: { n: [1, 2] }, run: "echo two >> ran; sleep 300 & sleep 0.02" }
  three: { needs: two, steps: [{ block: [{ run: "false" }], rescue: [{ run: "echo three >> ran" }] }] }
"#;

/// Nothing is waited for; this only covers the two looks that a count takes.
const AT_ONCE: Duration = Duration::from_secs(1);

const HELLO: &str = "version: 3\nname: hello\nstages:\n  greet: { run: echo hello }\n";

/// Waits for the file `go`.
const GATED: &str = r#"version: 3
name: gated
defaults: { cancel: { grace: 300ms } }
stages:
  first: { run: "sleep 300 & echo begun; until test -e go; do sleep 0.05; done; echo opened" }
  second: { needs: first, run: "echo second >> ran" }
"#;

#[test]
fn nothing_is_left_and_nothing_is_invented_wherever_the_engine_dies() {
    let fault = ("SORTIE_FAULT_KILL_AT", 20, Duration::from_secs(5));
    at_every_place(fault, |ran| ran.signalled(Signal::SIGKILL).done());
}

#[test]
fn a_panic_of_the_engine_is_code_101_with_a_sentence_wherever_it_comes() {
    let fault = ("SORTIE_FAULT_PANIC_AT", 20, AT_ONCE);
    at_every_place(fault, |ran| {
        let ran = ran.code(101).complains("this is a bug in sortie");
        ran.complains("error: the engine panicked and gave the job up: a panic that a test asked for").done();
    });
}

#[test]
fn a_full_disk_under_the_journal_is_code_5_with_a_sentence_at_every_append() {
    let fault = ("SORTIE_FAULT_WRITE_AT", 6, AT_ONCE);
    at_every_place(fault, |ran| {
        let ran =
            ran.code(5).complains("error: the disk is full: the store `").complains("cannot be written");
        ran.complains("help: free some space there").complains("`sortie jobs recover 1` goes on").done();
    });
}

#[test]
fn a_store_is_whole_wherever_the_engine_dies_that_replays_a_log() {
    let text = "version: 3\nname: hit\nstages:\n  a: { cache: { inputs: [] }, run: echo hello }\n  \
                b:\n    needs: a\n    steps:\n      - run: echo plain\n      - { run: echo again, cache: { inputs: [] } }\n";
    let mut between = 0;
    for place in 1..200 {
        let sandbox = Sandbox::new().file("hit.yml", text);
        sandbox.sortie(["run", "hit.yml"]).run().code(0).done();
        let ran = sandbox.sortie(["run", "hit.yml"]).env("SORTIE_FAULT_KILL_AT", &place.to_string()).run();
        let is_over = ran.is_code(0);
        if !is_over {
            ran.signalled(Signal::SIGKILL).done();
        }
        nothing_is_left(&sandbox, Duration::from_secs(5));
        sandbox.sortie(["store", "verify"]).run().code(0).done();
        if is_over {
            assert!(between > 0, "no place was between a log and its event");
            return;
        }
        let hits = sandbox.sortie(["jobs", "events", "2", "--type", "cache.hit"]).run();
        let jobs = std::fs::read_dir(sandbox.project().join(".sortie/jobs")).expect("it is there").flatten();
        let logs = jobs.filter(|it| it.path().join("logs/0.1.0.1").exists()).count();
        between += usize::from(logs == 2 && !hits.out.contains("cache.hit"));
        sandbox.sortie(["jobs", "recover"]).run().code(0).done();
        sandbox.sortie(["store", "verify"]).run().code(0).done();
    }
    panic!("the job never got past its places");
}

/// Runs the job with the fault at the first place, the second, and so on, until it gets past all of them.
fn at_every_place((variable, at_least, patience): (&str, usize, Duration), judge: impl Fn(Ran)) {
    for (failures, place) in (1..200).enumerate() {
        let sandbox = Sandbox::new().file("points.yml", PLAYBOOK);
        let ran = sandbox.sortie(["run", "points.yml"]).env(variable, &place.to_string()).run();
        nothing_is_left(&sandbox, patience);
        let listed = sandbox.sortie(["jobs", "list", "--json"]).run();
        if ran.is_code(0) {
            assert!(failures >= at_least, "only {failures} places were passed");
            return;
        }
        judge(ran);
        let started = std::fs::read_to_string(sandbox.project().join("ran")).unwrap_or_default();
        let recorded = sandbox.sortie(["jobs", "events", "last"]).run().out.matches("step.started").count();
        // Every try is recorded before it begins; two of the steps write nothing.
        assert!(started.lines().count() <= recorded, "place {place}: {started:?} but {recorded} recorded");
        assert!(!listed.out.contains("running"), "place {place}: {}", listed.out);
    }
    panic!("the job never got past its places");
}

#[test]
fn an_append_that_fails_takes_back_what_it_held_and_the_next_job_goes_well() {
    let sandbox = Sandbox::new().file("hello.yml", HELLO);
    sandbox.sortie(["run", "hello.yml"]).env("SORTIE_FAULT_WRITE_AT", "2").run().code(5).done();
    let lines = sandbox.sortie(["jobs", "events", "1"]).run().code(0).json_lines();
    let numbers: Vec<u64> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(numbers, (1..=lines.len() as u64).collect::<Vec<_>>(), "{lines:?}");
    assert!(lines.iter().all(|line| line["type"] != "job.completed"), "{lines:?}");
    sandbox.sortie(["run", "hello.yml"]).run().code(0).says("job #2 passed").done();
}

#[test]
fn a_clock_that_is_wrong_by_years_stops_neither_jobs_nor_timeouts() {
    const TEN_YEARS: &str = "315360000";
    let text = "version: 3\nname: t\nstages:\n  slow: { steps: [{ run: test -e mended || exec sleep 300, timeout: 300ms }] }\n";
    for (clock, year) in [(TEN_YEARS, "2"), ("-315360000", "2"), ("-9999999999999", "-"), ("0", "2")] {
        let sandbox = Sandbox::new().file("t.yml", text);
        let ran = sandbox.sortie(["run", "t.yml"]).env("SORTIE_FAULT_CLOCK", clock).run().code(1);
        ran.says("the time limit of the step passed").done();
        nothing_is_left(&sandbox, AT_ONCE);
        let events = sandbox.sortie(["jobs", "events", "last"]).run().code(0).json_lines();
        let times: Vec<&str> = events.iter().filter_map(|line| line["time"].as_str()).collect();
        assert!(times.iter().all(|time| time.starts_with(year)), "{clock}: {times:?}");
        std::fs::write(sandbox.project().join("mended"), "").expect("the project is writable");
        // By now the clock has jumped to the real time.
        sandbox.sortie(["jobs", "retry", "last"]).run().code(0).says("passed").done();
        sandbox.sortie(["jobs", "list"]).run().code(0).says("passed").done();
    }
}

#[test]
fn a_job_from_before_a_reboot_is_interrupted_whatever_has_its_process_number_now() {
    let sandbox = Sandbox::new().file("gated.yml", GATED);
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    let rebooted = |words: &[&'static str]| {
        sandbox.sortie(words.iter().copied()).env("SORTIE_FAULT_BOOT", "another-boot").run()
    };
    rebooted(&["jobs", "list"]).code(0).says("interrupted").done();
    // A cancel would be carried out by an engine of its own; what needs the one that is gone says so.
    rebooted(&["jobs", "pause", "last"]).code(5).complains("was interrupted").done();
    rebooted(&["jobs", "wait", "last"]).code(5).complains("was interrupted").done();
    sandbox.sortie(["jobs", "cancel", "last"]).run().code(0).done();
    live.wait().code(130).done();
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn an_owner_whose_job_was_taken_over_stops_and_records_nothing_more() {
    let sandbox = Sandbox::new().file("gated.yml", GATED);
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    // It wakes when the other has taken the job, as after a long sleep of the machine.
    live.signal(Signal::SIGSTOP);
    // Only an owner that seems to be dead leads a second engine past the lease.
    let second = sandbox.sortie(["engine", "1"]).env("SORTIE_FAULT_BOOT", "another-boot").start();
    let store = rusqlite::Connection::open(sandbox.project().join(".sortie/sortie.db")).expect("it is there");
    eventually("the second engine has the lease", || {
        store
            .query_row("SELECT epoch FROM jobs", [], |row| row.get::<_, u64>(0))
            .is_ok_and(|epoch| epoch == 2)
    });
    live.signal(Signal::SIGCONT);
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    live.wait().code(5).complains("job #1 was taken over by another engine").done();
    // What the first began and its keeper wrote down counts, and nothing ran twice.
    second.wait().code(0).says("passed").done();
    nothing_is_left(&sandbox, AT_ONCE);
    let lines = sandbox.sortie(["jobs", "events", "1"]).run().code(0).json_lines();
    let numbers: Vec<u64> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(numbers, (1..=lines.len() as u64).collect::<Vec<_>>(), "{lines:?}");
    assert_eq!(std::fs::read_to_string(sandbox.project().join("ran")).unwrap_or_default(), "second\n");
}

/// Each way of waiting, begun before the file `go` comes or after it.
const WAITS: &str = r#"version: 3
name: waits
defaults: { cancel: { grace: 300ms } }
stages:
  first: { run: "echo begun; until test -e go; do sleep 0.02; done" }
  limit: { steps: [{ run: "echo limited; exec sleep 300", timeout: 2s, continue-on-error: true }] }
  asked: { approve: { message: "Go on?", timeout: 2s, on-timeout: skip }, run: "true" }
  late: { needs: first, steps: [{ run: "exec sleep 300", timeout: 300ms, continue-on-error: true }] }
  again:
    needs: first
    steps: [{ run: "test $SORTIE_ATTEMPT = 3", retry: { attempts: 3, backoff: { first: 300ms } } }]
  open: { needs: first, approve: { message: "And now?", timeout: 300ms, on-timeout: skip }, run: "true" }
"#;

/// No time of the only job lies before the one before it, and nothing took less than nothing, or minutes.
fn times_are_in_order(sandbox: &Sandbox) {
    let events = sandbox.sortie(["jobs", "events", "1"]).run().code(0).json_lines();
    let times: Vec<&str> = events.iter().filter_map(|line| line["time"].as_str()).collect();
    assert!(times.len() > 20 && times.is_sorted(), "{times:?}");
    let shown = sandbox.sortie(["jobs", "show", "1", "--json"]).run().code(0).json_lines();
    let mut spans = vec![shown[0]["seconds"].as_f64()];
    let stages = shown[0]["stages"].as_array().expect("they are listed");
    spans.extend(stages.iter().map(|stage| stage["seconds"].as_f64()));
    let listed = sandbox.sortie(["jobs", "list", "--json"]).run().code(0).json_lines();
    spans.push(listed[0][0]["took_seconds"].as_f64());
    let known: Vec<f64> = spans.into_iter().flatten().collect();
    assert!(known.len() > 5 && known.iter().all(|span| (0.0..120.0).contains(span)), "{known:?}");
}

#[test]
fn a_clock_that_is_put_back_an_hour_while_a_job_runs_keeps_nothing_waiting() {
    let sandbox = Sandbox::new().file("waits.yml", WAITS).file("clock", "0");
    let clock = sandbox.project().join("clock").display().to_string();
    let mut live = sandbox.sortie(["run", "waits.yml"]).env("SORTIE_FAULT_CLOCK_FILE", &clock).start();
    live.wait_for("begun");
    live.wait_for("limited");
    std::fs::write(&clock, "-3600").expect("it is ours");
    std::fs::write(sandbox.project().join("go"), "").expect("it is ours");
    let ran = live.wait().code(0);
    ran.says("the time limit of the step passed").says("job #1 passed").done();
    nothing_is_left(&sandbox, AT_ONCE);
    times_are_in_order(&sandbox);
}

#[test]
fn an_engine_after_a_clock_was_put_back_waits_no_longer_than_the_one_before_it() {
    let sandbox = Sandbox::new().file("waits.yml", WAITS).file("clock", "0");
    let clock = sandbox.project().join("clock").display().to_string();
    let sortie = |words: &[&'static str]| {
        sandbox.sortie(words.iter().copied()).env("SORTIE_FAULT_CLOCK_FILE", &clock).run()
    };
    sortie(&["run", "waits.yml", "--detach"]).code(0).done();
    let store = rusqlite::Connection::open(sandbox.project().join(".sortie/sortie.db")).expect("it is there");
    eventually("all that waits has begun", || {
        let events = sortie(&["jobs", "events", "1"]).out;
        events.matches("step.started").count() == 2 && events.contains("gate.opened")
    });
    let owner: i32 = store.query_row("SELECT owner_pid FROM jobs", [], |row| row.get(0)).expect("it has one");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(owner), Signal::SIGKILL).expect("it lives");
    eventually("the end of the engine", || {
        let state = std::fs::read_to_string(format!("/proc/{owner}/stat")).unwrap_or_default();
        state.is_empty() || state.contains(") Z ")
    });
    std::fs::write(&clock, "-3600").expect("it is ours");
    std::fs::write(sandbox.project().join("go"), "").expect("it is ours");
    sortie(&["jobs", "list"]).code(0).complains("goes on").done();
    sortie(&["jobs", "wait", "1"]).code(0).says("passed").done();
    nothing_is_left(&sandbox, AT_ONCE);
    times_are_in_order(&sandbox);
}

#[test]
fn a_job_that_was_recorded_before_the_clock_was_put_back_is_begun_by_the_next_look() {
    let sandbox = Sandbox::new().file("hello.yml", HELLO);
    // Its engine is killed before it owns the job.
    let started = sandbox.sortie(["run", "hello.yml", "--detach"]).env("SORTIE_FAULT_KILL_AT", "1").run();
    started.code(5).done();
    let store = rusqlite::Connection::open(sandbox.project().join(".sortie/sortie.db")).expect("it is there");
    let unowned = "UPDATE jobs SET epoch = 0, owner_pid = NULL, owner_start = NULL, owner_boot = NULL";
    store.execute(unowned, []).expect("there is a job");
    // Whoever started it died, too, before it could note that.
    let folder =
        std::fs::read_dir(sandbox.project().join(".sortie/jobs")).expect("it has a folder").flatten().next();
    let folder = folder.expect("of the job").path();
    for note in ["gave-up", "engine.failed"] {
        std::fs::remove_file(folder.join(note)).expect("why it did not start");
    }
    let back = |words: &[&'static str]| {
        sandbox.sortie(words.iter().copied()).env("SORTIE_FAULT_CLOCK", "-3600").run()
    };
    back(&["jobs", "list"]).code(0).complains("goes on").done();
    back(&["jobs", "wait", "1"]).code(0).says("passed").done();
    nothing_is_left(&sandbox, AT_ONCE);
}
