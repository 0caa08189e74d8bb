//! Results of which somebody else has a part: jobs without a cache, work that outlives its engine, people.
//!
//! Not here: the forty lies (`cached.rs`), the store of results in detail (`src/engine/cache/tests`).

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::handover::{engine, kill_hard};
use crate::kit::{Sandbox, eventually, nothing_is_left};

/// `a` works until there is a file `go`; `b` shows that its job is at work.
const LONG: &str = "version: 3\nstages:\n  a:\n    cache: { inputs: [], outputs: [a] }\n    \
                    run: 'echo begin >> count; until test -e go; do sleep 0.02; done; echo end >> count; echo made > a'\n  \
                    b: { run: 'echo b >> others' }\n";

fn read(sandbox: &Sandbox, name: &str) -> String {
    fs::read_to_string(sandbox.project().join(name)).unwrap_or_default()
}

fn write(sandbox: &Sandbox, name: &str, text: &str) {
    fs::write(sandbox.project().join(name), text).expect("the project is there and ours");
}

#[test]
fn a_job_without_cache_waits_for_who_writes_the_same_outputs() {
    for (first, second) in [(&[][..], &["--no-cache"][..]), (&["--no-cache"][..], &[][..])] {
        let sandbox = Sandbox::new().file("p.yml", LONG);
        let run = |more: &[&str]| {
            let words = ["run", "p.yml", "--ui", "plain"].into_iter().chain(more.iter().copied());
            sandbox.sortie(words).start()
        };
        let one = run(first);
        eventually("the first one is at work", || read(&sandbox, "count") == "begin\n");
        eventually("its other stage, too", || read(&sandbox, "others") == "b\n");
        let two = run(second);
        eventually("the second one is at work", || read(&sandbox, "others") == "b\nb\n");
        write(&sandbox, "go", "");
        one.wait().code(0).done();
        two.wait().code(0).done();
        assert_eq!(read(&sandbox, "count"), "begin\nend\nbegin\nend\n", "one after the other");
        nothing_is_left(&sandbox, Duration::from_secs(20));
    }
}

#[test]
fn what_outlives_its_engine_is_still_writing_its_outputs() {
    let sandbox = Sandbox::new().file("p.yml", LONG);
    sandbox.sortie(["run", "p.yml", "--detach"]).run().code(0).done();
    eventually("the first one is at work", || read(&sandbox, "count") == "begin\n");
    eventually("its other stage, too", || read(&sandbox, "others") == "b\n");
    kill_hard(engine(&sandbox));
    let two = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).start();
    eventually("the second one is at work", || read(&sandbox, "others") == "b\nb\n");
    assert_eq!(read(&sandbox, "count"), "begin\n");
    write(&sandbox, "go", "");
    two.wait().code(0).done();
    assert_eq!(read(&sandbox, "count"), "begin\nend\nbegin\nend\n", "one after the other");
    sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0).says("a cached (from job #2").done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn files_of_a_person_in_an_output_folder_are_no_result() {
    let text = "version: 3\nstages:\n  a: { run: mkdir -p out && echo made > out/a, cache: { inputs: [], outputs: ['out/**'] } }\n";
    let sandbox = Sandbox::new().file("p.yml", text).file("out/mine", "mine");
    let run = || sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0);
    run().says("a is not kept in the cache").says("`out/mine`").done();
    run().says("a is not kept in the cache").done();
    fs::remove_file(sandbox.project().join("out/mine")).expect("it is there");
    run().says("a passed").done();
    run().says("a cached").done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn a_job_that_is_killed_by_hand_leaves_no_lock_behind() {
    let sandbox = Sandbox::new().file("p.yml", LONG);
    let mut one = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).start();
    eventually("the first one is at work", || read(&sandbox, "count") == "begin\n");
    one.signal(Signal::SIGKILL);
    one.wait().signalled(Signal::SIGKILL).done();
    write(&sandbox, "go", "");
    sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0).says("a passed").done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn a_retry_makes_anew_what_was_asked_for() {
    let text = "version: 3\nstages:\n  a: { run: 'echo a >> ran; echo made > a', cache: { inputs: [], outputs: [a] } }\n  \
                b: { needs: a, run: 'echo b >> ran', cache: { inputs: [a] } }\n";
    let sandbox = Sandbox::new().file("p.yml", text);
    sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0).done();
    assert_eq!(read(&sandbox, "ran"), "a\nb\n");
    let retry = |more: &[&str]| {
        write(&sandbox, "ran", "");
        let words = ["jobs", "retry", "last", "--ui", "plain"].into_iter().chain(more.iter().copied());
        sandbox.sortie(words).run().code(0)
    };
    // `b` depends on it, and its input is the same.
    retry(&["a"]).says("a passed").says("b cached").done();
    assert_eq!(read(&sandbox, "ran"), "a\n");
    retry(&["--all"]).says("a passed").says("b passed").done();
    assert_eq!(read(&sandbox, "ran"), "a\nb\n");
    // For what depends on it no earlier result is taken either.
    retry(&["a", "--refresh"]).says("a passed").says("b passed").done();
    assert_eq!(read(&sandbox, "ran"), "a\nb\n");
    let events =
        sandbox.sortie(["jobs", "events", "last", "--type", "job.retrying"]).run().code(0).json_lines();
    let scope = &events.last().expect("it was retried")["data"]["scope"];
    assert_eq!(scope, &serde_json::json!({ "anew": "a" }), "{events:?}");
    sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0).says("a cached").says("b cached").done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn a_retry_of_a_called_playbook_runs_it() {
    let lib = "version: 3\non: { call: }\nstages:\n  one: { run: echo one >> ran }\n  two: { needs: one, run: echo two >> ran }\n";
    let text = "version: 3\nstages:\n  c: { uses: ./lib.yml }\n  d: { needs: c, run: echo d >> ran }\n";
    let sandbox = Sandbox::new().file("lib.yml", lib).file("p.yml", text);
    sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0).done();
    write(&sandbox, "ran", "");
    sandbox
        .sortie(["jobs", "retry", "last", "c", "--ui", "plain"])
        .run()
        .code(0)
        .says("c / one passed")
        .done();
    assert_eq!(read(&sandbox, "ran"), "one\ntwo\nd\n");
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn the_id_of_the_job_does_not_get_into_a_result_and_jobs_of_a_step_still_have_their_parent() {
    let inner = "version: 3\nstages: { a: { run: 'true' } }\n";
    let text = "version: 3\nstages:\n  a: { run: 'env | grep -c ^SORTIE_JOB=; echo \"job $SORTIE_JOB\"; \"$SORTIE_EXE\" run inner.yml --quiet', cache: { inputs: [] } }\n  \
                b: { run: 'echo \"job $SORTIE_JOB\"' }\n";
    let sandbox = Sandbox::new().file("p.yml", text).file("inner.yml", inner);
    let ran = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0);
    let ran = ran.says("a | 1\n").says("a | job 00000000-0000-0000-0000-000000000000\n");
    let id = |number: u32| {
        let store = rusqlite::Connection::open(sandbox.project().join(".sortie/sortie.db")).expect("a store");
        let row = "SELECT id, parent FROM jobs WHERE number = ?1";
        store
            .query_row(row, [number], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)))
            .expect("a job")
    };
    ran.says(&format!("b | job {}\n", id(1).0)).done();
    assert_eq!(id(2).1, Some(id(1).0));
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn what_a_person_edited_is_moved_aside_and_told() {
    let text = "version: 3\nstages:\n  a: { run: mkdir -p out && echo made > out/a, cache: { inputs: [], outputs: ['out/**'] } }\n";
    let sandbox = Sandbox::new().file("p.yml", text);
    let run = || sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0);
    run().done();
    write(&sandbox, "out/a", "edited");
    write(&sandbox, "out/mine", "mine");
    run()
        .says("a: 2 files among its outputs that no result had, moved to `.sortie/jobs/")
        .says("a cached")
        .done();
    assert_eq!((read(&sandbox, "out/a").as_str(), read(&sandbox, "out/mine").as_str()), ("made\n", ""));
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn inputs_without_files_and_files_without_outputs_are_told() {
    let text = "version: 3\nstages:\n  a: { run: echo made > a, cache: { inputs: ['srcc/**'] } }\n";
    let sandbox = Sandbox::new().file("p.yml", text);
    let run = || sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0);
    run().says("a: its `inputs` `srcc/**` names no file").says("and it has no `outputs`: `a`").done();
    run().says("a: its `inputs` `srcc/**` names no file").says("a cached").done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}
