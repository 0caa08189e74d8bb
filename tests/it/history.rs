//! The past: jobs and log records are found, an old store is read, what is damaged is told, what is old goes, and copies are
//! taken out.
//!
//! `tests/fixtures/store-1` was written by the first version of the store: a matrix, a job that failed and was tried again, one
//! that was rescued, one that was cancelled, one whose engine was killed, and one that failed.

use std::path::Path;

use rusqlite::Connection;

use crate::kit::Sandbox;

/// A project with the store of the first version.
fn old() -> Sandbox {
    let sandbox = Sandbox::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store-1");
    copy(&from.join("jobs"), &sandbox.project().join(".sortie/jobs"));
    copy(&from.join("playbooks"), &sandbox.project().join("playbooks"));
    let database = sandbox.project().join(".sortie/sortie.db");
    std::fs::copy(from.join("sortie.db"), database).expect("the fixture is there");
    sandbox
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the project is writable");
    for entry in std::fs::read_dir(from).expect("the fixture is there").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("the project is writable");
        }
    }
}

/// Changes the database behind Sortie's back.
fn change(sandbox: &Sandbox, sql: &str) {
    let database = Connection::open(sandbox.project().join(".sortie/sortie.db")).expect("there is a store");
    database.execute_batch(sql).expect("it is a statement about the tables");
}

/// The folder of a job.
fn folder(sandbox: &Sandbox, number: u64) -> std::path::PathBuf {
    let shown = sandbox.sortie(["jobs", "show", &number.to_string(), "--json"]).run().code(0).json_lines();
    shown[0]["dir"].as_str().expect("a job has a folder").into()
}

fn numbers(sandbox: &Sandbox, words: &[&str]) -> Vec<u64> {
    let words = ["jobs", "list", "--json"].iter().chain(words).copied();
    let lines = sandbox.sortie(words).run().code(0).json_lines();
    let rows = lines[0].as_array().expect("a list").clone();
    rows.iter().map(|row| row["number"].as_u64().expect("a number")).collect()
}

#[test]
fn a_number_that_no_job_has_names_no_other_job() {
    let sandbox = Sandbox::new().file("it.yml", "version: 3\nname: it\nstages:\n  a: { run: \"echo hi\" }\n");
    sandbox.sortie(["run", "it.yml"]).run().code(0).done();
    let listed = sandbox.sortie(["jobs", "list", "--json"]).run().code(0).json_lines();
    let id = listed[0][0]["id"].as_str().expect("it has one").to_owned();
    // Every id of our time begins like that.
    for wrong in ["0", "00", "#0", &id[..1], &id[..3], &format!("#{}", &id[..8])] {
        let said = format!("there is no job `{wrong}`");
        sandbox.sortie(["jobs", "show", wrong]).run().code(2).complains(&said).done();
        sandbox.sortie(["jobs", "retry", wrong]).run().code(2).complains(&said).done();
    }
    for right in ["1", "#1", "last", &id[..13], &id] {
        sandbox.sortie(["jobs", "show", right]).run().code(0).says("job #1").done();
    }
}

#[test]
fn a_store_of_the_first_version_is_listed_shown_whole_and_goes_on() {
    let sandbox = old();
    let listed = sandbox.sortie(["jobs", "list"]).run().code(0).says("interrupted").says("cancelled");
    assert_eq!(listed.out.lines().count(), 6, "{}", listed.out);
    sandbox.sortie(["store", "verify"]).run().code(0).says("the store is whole: 6 jobs, 127 events").done();
    sandbox.sortie(["jobs", "show", "1"]).run().code(0).says("build[os=linux, n=2]").done();
    sandbox.sortie(["jobs", "show", "2"]).run().code(0).says("attempts").done();
    sandbox.sortie(["jobs", "show", "3"]).run().code(0).says("rescued").done();
    sandbox
        .sortie(["jobs", "logs", "1", "build[os=macos,n=1]"])
        .run()
        .code(0)
        .says("moin from macos 1")
        .done();
    let events = sandbox.sortie(["jobs", "events", "2"]).run().code(0).json_lines();
    assert!(events.iter().any(|it| it["type"] == "job.retrying"), "{events:?}");
    // The fixed plan of then, run on by the program of today.
    let sandbox = sandbox.file("mended", "");
    sandbox.sortie(["jobs", "retry", "6"]).run().code(0).says("after | after").says("job #6 passed").done();
    sandbox.sortie(["jobs", "retry", "4", "--from", "second"]).run().done();
    sandbox.sortie(["store", "verify"]).run().code(0).says("the store is whole: 6 jobs").done();
    sandbox.sortie(["run", "matrix"]).run().code(0).says("job #7 passed").done();
}

#[test]
fn jobs_are_listed_by_what_is_asked() {
    let sandbox = old();
    assert_eq!(numbers(&sandbox, &["--playbook", "flaky"]), [6, 2]);
    assert_eq!(numbers(&sandbox, &["--playbook", "playbooks/long.yml,rescue"]), [5, 4, 3]);
    assert_eq!(numbers(&sandbox, &["--outcome", "passed"]), [3, 2, 1]);
    assert_eq!(numbers(&sandbox, &["--outcome", "failed,cancelled"]), [6, 4]);
    assert_eq!(numbers(&sandbox, &["--status", "interrupted"]), [5]);
    assert_eq!(numbers(&sandbox, &["--input", "word=moin"]), [1]);
    assert_eq!(numbers(&sandbox, &["--actor", "nobody-of-them"]), [] as [u64; 0]);
    assert_eq!(numbers(&sandbox, &["--since", "2026-11-22T10:21:44.5Z", "-n", "2"]), [6, 5]);
    assert_eq!(numbers(&sandbox, &["--until", "2026-11-22T10:21:44Z"]), [1]);
    let none = sandbox.sortie(["jobs", "list", "--playbook", "flakky"]).run().code(0);
    none.says("no job of this project fits").says("did you mean `flaky`?").done();
    sandbox
        .sortie(["jobs", "list", "--outcome", "fialed"])
        .run()
        .code(2)
        .complains("did you mean `failed`?")
        .done();
    sandbox
        .sortie(["jobs", "list", "--since", "soon"])
        .run()
        .code(2)
        .complains("`--since` takes a time")
        .done();
}

#[test]
fn records_of_all_logs_are_asked_at_once() {
    let sandbox = old();
    let asked = |query: &str, more: &[&'static str]| {
        let words: Vec<&str> =
            ["logs", "--json", "--query", query].into_iter().chain(more.iter().copied()).collect();
        sandbox.sortie(words).run().code(0).json_lines()
    };
    let found = asked("level:error+", &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["text"], "ERROR it broke");
    assert_eq!((&found[0]["job"], &found[0]["stream"]), (&3.into(), &"stderr".into()));
    assert_eq!((&found[0]["stage"], &found[0]["step"]), (&"deploy".into(), &"2".into()));
    // Between the beginning and the end of its try, whenever the file was copied.
    assert!(found[0]["time"].as_str().is_some_and(|it| it.starts_with("2026-11-22T10:21:44")), "{found:?}");
    let texts = |query: &str, more: &[&'static str]| -> Vec<String> {
        asked(query, more).iter().map(|it| it["text"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(texts("stage:check stream:stderr", &[]), ["to errors"]);
    assert_eq!(texts("playbook:matrix cell:*os=linux* text:\"from linux 2\"", &[]), ["moin from linux 2"]);
    assert_eq!(texts("trying", &["-n", "2"]).len(), 2);
    assert_eq!(texts("trying -job:2,6", &[]), [] as [String; 0]);
    assert_eq!(texts("attempt:2", &[]), ["trying", "trying"]);
    assert_eq!(texts("since:2100-01-01", &[]), [] as [String; 0]);
    sandbox
        .sortie(["logs", "--query", "job:3 broke"])
        .run()
        .code(0)
        .says("#3 deploy/2 error   ERROR it broke")
        .done();
    let wrong = sandbox.sortie(["logs", "--query", "stage:a lvel:error"]).run().code(2);
    wrong
        .complains("a record has no `lvel`")
        .complains("        ^^^^")
        .complains("did you mean `level`?")
        .done();
}

#[test]
fn what_is_wrong_with_a_store_is_found_and_told() {
    let sandbox = old();
    let log = folder(&sandbox, 1).join("logs/4.1.0.1");
    let whole = std::fs::read(&log).expect("the job has printed something");
    let verify = |code: i32, said: &str| sandbox.sortie(["store", "verify"]).run().code(code).says(said);
    std::fs::write(&log, &whole[..10]).expect("it is ours");
    verify(5, "job #1: the log `jobs/").says("has 10 bytes, and 74 were recorded").done();
    std::fs::write(&log, &whole).expect("it is ours");
    std::fs::write(log.with_file_name("99.1.0.1"), "x").expect("it is ours");
    verify(5, "does not know the try of its log `99.1.0.1`: the end of the store is lost").done();
    std::fs::remove_file(log.with_file_name("99.1.0.1")).expect("it is ours");
    verify(0, "the store is whole").done();
    change(&sandbox, "UPDATE jobs SET outcome = 'success' WHERE number = 4");
    verify(5, "job #4: its row says `success` at ").says(", and its journal `cancelled` at ").done();
    change(&sandbox, "UPDATE jobs SET outcome = 'cancelled' WHERE number = 4");
    change(
        &sandbox,
        "INSERT INTO claims (job, cell, run, ticket, first, priority, rank, place, claim, state, since) \
         VALUES (77, -1, 1, 1, 0, 0, 0, '', '{\"kind\":\"lock\",\"name\":\"a\"}', 'held', 0)",
    );
    verify(5, "job #77: there are claims of it, and it has no row").done();
    change(&sandbox, "DELETE FROM claims");
    change(&sandbox, "DELETE FROM events WHERE id = (3 << 32) + 4");
    verify(5, "job #3: its journal has no event 4, the next one is 5").says("sortie store export").done();
    for words in
        [&["jobs", "show", "3"][..], &["jobs", "events", "3"], &["logs", "3"], &["jobs", "retry", "3"]]
    {
        let ran = sandbox.sortie(words.iter().copied()).run().code(5);
        ran.complains("the journal of job #3 has no event 4").complains("sortie store verify").done();
    }
    change(&sandbox, "DELETE FROM events WHERE id >> 32 = 3; DELETE FROM jobs WHERE number = 2");
    let told = verify(5, "job #2: there are events of it, and it has no row");
    let told = told.says("job #3: its row says `success`").says("job #3: the journal does not know the try");
    assert!(told.out.lines().last().is_some_and(|line| line.contains("problems in 5 jobs")), "{}", told.out);
    let lines = sandbox.sortie(["store", "verify", "--json"]).run().code(5).json_lines();
    assert_eq!(lines.last().map(|it| it["type"].clone()), Some("sum".into()), "{lines:?}");
}

#[test]
fn a_database_that_was_cut_is_told_with_a_sentence_and_what_can_be_read_is_saved() {
    let sandbox = old();
    let path = sandbox.project().join(".sortie/sortie.db");
    sandbox.sortie(["jobs", "list"]).run().code(0).done();
    change(&sandbox, "PRAGMA wal_checkpoint(TRUNCATE)");
    let bytes = std::fs::read(&path).expect("there is a store");
    let mut broken = 0;
    for part in [9, 8, 6, 4, 2] {
        std::fs::write(&path, &bytes[..bytes.len() * part / 10]).expect("it is ours");
        for name in ["sortie.db-wal", "sortie.db-shm"] {
            std::fs::remove_file(path.with_file_name(name)).unwrap_or_default();
        }
        let ran = sandbox.sortie(["store", "verify"]).run().code(5);
        let all = format!("{}{}", ran.out, ran.err);
        assert!(all.contains("damaged") || all.contains("cannot be used"), "{part}: {all}");
        assert!(all.contains("a part of it is lost") && all.contains("sortie store export"), "{part}: {all}");
        let saved = sandbox.sortie(["store", "export"]).run();
        assert!(!saved.err.contains("this is a bug") && !saved.err.is_empty(), "{part}: {}", saved.err);
        broken += 1;
    }
    assert_eq!(broken, 5);
    std::fs::write(&path, "this is no database at all, whatever its name says").expect("it is ours");
    sandbox.sortie(["jobs", "list"]).run().code(5).complains("cannot be used").complains("help: ").done();
}

#[test]
fn old_jobs_go_and_what_may_be_needed_stays() {
    let sandbox = old();
    let gone = folder(&sandbox, 1);
    let dry = sandbox.sortie(["store", "prune", "--keep", "3", "--dry-run"]).run().code(0);
    dry.says("3 jobs would be removed").says("#5 stays: it was interrupted").done();
    assert_eq!(numbers(&sandbox, &[]), [6, 5, 4, 3, 2, 1]);
    sandbox.sortie(["store", "prune", "--keep", "3"]).run().code(0).says("3 jobs removed").done();
    assert_eq!(numbers(&sandbox, &[]), [6, 5, 4]);
    assert!(!gone.exists(), "the folder of a removed job is there");
    sandbox.sortie(["store", "verify"]).run().code(0).done();
    // The newest stays whatever its age, because numbers go on after it.
    change(&sandbox, "UPDATE jobs SET finished = 1000 WHERE number IN (4, 6)");
    sandbox.sortie(["store", "prune", "--older-than", "1d"]).run().code(0).says("1 job removed").done();
    assert_eq!(numbers(&sandbox, &[]), [6, 5]);
    change(
        &sandbox,
        "UPDATE jobs SET finished = (SELECT max(time) FROM events WHERE id >> 32 = 6) WHERE number = 6",
    );
    // A hint is one only where it helps.
    let hint = "#5 stays: it was interrupted and can be recovered (`--interrupted` removes it, too)";
    sandbox.sortie(["store", "prune"]).run().code(0).says(hint).done();
    let within = sandbox.sortie(["store", "prune", "--keep", "3", "--interrupted"]).run().code(0);
    within.says("#5 stays: it was interrupted, and no limit lets it go\n").done();
    let all = sandbox.sortie(["store", "prune", "--interrupted", "--dry-run"]).run().code(0);
    all.says("1 job would be removed").done();
    let sum = sandbox
        .sortie(["store", "prune", "--max-size", "1", "--interrupted", "--json"])
        .run()
        .code(0)
        .json_lines();
    assert_eq!(sum[0]["removed"][0]["number"], 5, "{sum:?}");
    sandbox.sortie(["run", "rescue"]).run().code(0).says("job #7").done();
    sandbox.sortie(["store", "verify"]).run().code(0).says("2 jobs").done();
}

#[test]
fn a_job_that_runs_is_never_removed() {
    let text =
        "version: 3\nname: t\nstages:\n  a: { run: 'echo begun; until test -e go; do sleep 0.05; done' }\n";
    let sandbox = Sandbox::new()
        .file("t.yml", text)
        .file("now.yml", "version: 3\nname: n\nstages:\n  a: { run: 'true' }\n");
    let mut live = sandbox.sortie(["run", "t.yml"]).start();
    live.wait_for("begun");
    for _ in 0..2 {
        sandbox.sortie(["run", "now.yml"]).run().code(0).done();
    }
    let pruned =
        sandbox.sortie(["store", "prune", "--max-size", "0", "--keep", "1", "--interrupted"]).run().code(0);
    pruned.says("1 job removed").done();
    sandbox.sortie(["store", "verify"]).run().code(0).done();
    assert_eq!(numbers(&sandbox, &[]), [3, 1]);
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    live.wait().code(0).says("job #1 passed").done();
}

#[test]
fn what_a_crash_left_of_a_removed_job_goes_the_next_time() {
    let sandbox = old();
    let left = folder(&sandbox, 1);
    // As if the power went between the row and the folder.
    change(&sandbox, "DELETE FROM jobs WHERE number = 1; DELETE FROM events WHERE id >> 32 = 1");
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let handle = std::fs::File::open(&left).expect("it is there");
    handle.set_modified(long_ago).expect("it is ours");
    sandbox
        .sortie(["store", "verify"])
        .run()
        .code(5)
        .says("is left of a job that the store does not know")
        .done();
    sandbox
        .sortie(["store", "prune", "--keep", "100"])
        .run()
        .code(0)
        .says("left of a job that was removed")
        .done();
    assert!(!left.exists(), "it was not removed");
    sandbox.sortie(["store", "verify"]).run().code(0).done();
}

#[test]
fn jobs_are_taken_out_as_lines_and_their_logs_as_an_archive() {
    let sandbox = old();
    let words = ["store", "export", "1", "3", "--to", "out.jsonl", "--logs", "out.tar"];
    sandbox.sortie(words).run().code(0).complains("2 jobs, ").done();
    sandbox.sortie(words).run().code(2).complains("`out.jsonl`").done();
    let lines = std::fs::read_to_string(sandbox.project().join("out.jsonl")).expect("it was written");
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|it| serde_json::from_str(it).expect("JSON")).collect();
    assert_eq!((&lines[0]["type"], &lines[0]["jobs"]), (&"export".into(), &2.into()));
    assert_eq!((&lines[1]["type"], &lines[1]["number"]), (&"job".into(), &1.into()));
    assert!(lines[1]["source"].as_str().is_some_and(|it| it.contains("name: matrix")), "{}", lines[1]);
    let seqs: Vec<u64> = lines
        .iter()
        .filter(|it| it["type"] == "event" && it["job"] == 1)
        .filter_map(|it| it["seq"].as_u64())
        .collect();
    assert_eq!(seqs, (1..=34).collect::<Vec<_>>());
    let archive = std::fs::read(sandbox.project().join("out.tar")).expect("it was written");
    assert_eq!(archive.len() % 512, 0);
    let text = String::from_utf8_lossy(&archive);
    assert!(text.contains("/logs/4.1.0.1\0") && text.contains("to errors"), "{} bytes", archive.len());
    let all = sandbox.sortie(["store", "export"]).run().code(0).json_lines();
    assert_eq!(all.iter().filter(|it| it["type"] == "event").count(), 127);
}

/// Puts the first events of job #1 into one row, as those of hits are, and returns its number and what it holds.
fn pack(sandbox: &Sandbox, count: u64) -> (u64, Vec<u8>) {
    let database = Connection::open(sandbox.project().join(".sortie/sortie.db")).expect("there is a store");
    let key = |seq: u64| (1_u64 << 32) + seq;
    let mut query = database
        .prepare("SELECT body FROM events WHERE id > ?1 AND id <= ?2 ORDER BY id")
        .expect("it is a statement about the tables");
    let bodies = query.query_map([key(0), key(count)], |row| row.get::<_, String>(0)).expect("it is a query");
    let bodies: Vec<String> = bodies.map(|body| body.expect("a text")).collect();
    assert_eq!(bodies.len() as u64, count);
    let packed = lz4_flex::block::compress_prepend_size(format!("[{}]", bodies.join(",")).as_bytes());
    database.execute("DELETE FROM events WHERE id > ?1 AND id < ?2", [key(0), key(count)]).expect("rows");
    database
        .execute(
            "UPDATE events SET type = 'gathered', body = ?1 WHERE id = ?2",
            rusqlite::params![packed, key(count)],
        )
        .expect("a row");
    (key(count), packed)
}

#[test]
fn damaged_events_are_told_and_taken_out_as_they_are() {
    let sandbox = old();
    sandbox.sortie(["jobs", "list"]).run().code(0).done();
    let events = |lines: &[serde_json::Value]| -> Vec<serde_json::Value> {
        lines.iter().filter(|it| it["type"] == "event" && it["job"] == 1).cloned().collect()
    };
    let export = |code: i32| sandbox.sortie(["store", "export", "1"]).run().code(code);
    let was = events(&export(0).json_lines());
    let (id, packed) = pack(&sandbox, 9);
    assert_eq!(events(&export(0).json_lines()), was, "packed ones are taken out one by one");
    let damaged = |body: &[u8]| {
        let database = Connection::open(sandbox.project().join(".sortie/sortie.db")).expect("a store");
        database
            .execute("UPDATE events SET body = ?1 WHERE id = ?2", rusqlite::params![body, id])
            .expect("it is a statement about the tables");
        let ran = export(5)
            .complains("left out: event 9 (`gathered`) of job #1 is damaged: ")
            .complains("1 job, 25 events");
        let lines = events(&ran.json_lines());
        ran.complains("its line has the bytes that are there, as hex").done();
        assert_eq!(lines[1..], was[9..], "nothing else is lost");
        let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&lines[0]["seq"], &lines[0]["event"]), (&9.into(), &"gathered".into()));
        assert_eq!((&lines[0]["body"], &lines[0]["bytes"]), (&serde_json::Value::Null, &hex.into()));
    };
    damaged(&packed[..packed.len() - 9]);
    damaged(&[]);
    change(&sandbox, &format!("UPDATE events SET body = '[{{\"half' WHERE id = {id}"));
    let ran = export(5).complains("event 9 (`gathered`) of job #1 is damaged: EOF");
    assert_eq!(events(&ran.json_lines())[0]["body"], "[{\"half");
    ran.complains("its line has the text that is there").done();
}

#[test]
fn other_inputs_make_a_new_job_that_is_linked_to_the_old_one() {
    let text = "version: 3\nname: t\ninputs:\n  word: { type: string, default: one }\nstages:\n  \
                a: { run: 'echo \"is $WORD\"', env: { WORD: '${{ inputs.word }}' } }\n";
    let sandbox = Sandbox::new().file("t.yml", text);
    sandbox.sortie(["run", "t.yml"]).run().code(0).says("is one").done();
    let sandbox = sandbox.file("t.yml", &text.replace("is ", "was "));
    let ran = sandbox.sortie(["jobs", "retry", "1", "--input", "word=two"]).run().code(0).says("is two");
    ran.complains("job #2 is a retry of #1 with word=two, from the beginning: nothing of #1 is reused")
        .done();
    sandbox.sortie(["jobs", "show", "2"]).run().code(0).says("retry of  #1").done();
    sandbox.sortie(["jobs", "retry", "1", "-i", "wrod=x"]).run().code(2).complains("`wrod`").done();
    assert_eq!(numbers(&sandbox, &["--input", "word=one"]), [1]);
    assert_eq!(numbers(&sandbox, &["--input", "word=two"]), [2]);
}

#[test]
fn a_log_that_is_gone_is_told_and_not_passed_over() {
    let text = "version: 3\nname: t\nstages:\n  a: { steps: [{ run: 'echo a try; test $SORTIE_ATTEMPT = 2', \
                retry: { attempts: 2, backoff: { first: 10ms } } }] }\n  b: { needs: a, run: echo more }\n";
    let sandbox = Sandbox::new().file("t.yml", text);
    sandbox.sortie(["run", "t.yml"]).run().code(0).done();
    sandbox.sortie(["store", "verify"]).run().code(0).says("1 job, ").says(", 3 logs").done();
    let logs = folder(&sandbox, 1).join("logs");
    // That of the first try, of which only its own event tells.
    std::fs::remove_file(logs.join("0.1.0.1")).expect("the first try printed something");
    let told = sandbox.sortie(["store", "verify"]).run().code(5);
    told.says("job #1: the log `jobs/").says("0.1.0.1` cannot be read").says("1 problem").done();
    std::fs::remove_file(logs.join("0.1.0.2")).expect("the second, too");
    let printed = sandbox.sortie(["logs", "1"]).run().code(5).says("more");
    printed.complains("error: the log of step `1` of a is gone: `").complains("store verify").done();
    sandbox.sortie(["logs", "1", "b"]).run().code(0).says("more").done();
    std::fs::remove_dir_all(folder(&sandbox, 1)).expect("it is ours");
    let printed = sandbox.sortie(["logs", "1"]).run().code(5);
    printed.complains("error: the logs of job #1 are gone: its folder `").done();
    sandbox
        .sortie(["logs", "--query", "job:1 more"])
        .run()
        .code(5)
        .complains("the logs of job #1 are gone")
        .done();
}

#[test]
fn a_query_that_nothing_fits_says_what_of_it_nothing_fits() {
    let sandbox = Sandbox::new().file("p.yml", "version: 3\nstages: { a: { run: echo hi } }\n");
    sandbox.sortie(["run", "p.yml"]).run().code(0).done();
    let asked = |query: &str| sandbox.sortie(["l", "--query", query]).run().code(0);
    asked("job:7 hi").complains("note: no job fits").done();
    asked("stage:b hi").complains("note: no step that wrote anything fits").done();
    asked("stage:a there").complains("note: no line fits").done();
    let found = asked("stage:a hi");
    assert_eq!((found.out.lines().count(), found.err.as_str()), (1, ""));
    found.done();
}

#[test]
fn a_state_folder_that_is_removed_under_a_job_is_no_project_without_jobs() {
    let sandbox = Sandbox::new().file(
        "p.yml",
        "version: 3\nstages: { a: { run: 'echo begun; until test -e go; do sleep 0.02; done' } }\n",
    );
    let mut live = sandbox.sortie(["run", "p.yml"]).start();
    live.wait_for("begun");
    std::fs::remove_dir_all(sandbox.project().join(".sortie")).expect("it is there");
    for words in [&["jobs", "list"][..], &["jobs", "show", "last"]] {
        let told = sandbox.sortie(words.iter().copied()).run().code(5);
        told.complains(&format!("was removed while a job was at work: process {} goes on", live.id())).done();
    }
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    live.wait().code(5).complains("was removed while the job ran").done();
}

#[test]
fn nobody_else_can_read_the_store_also_in_a_folder_that_everybody_can() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new().file("p.yml", "version: 3\nstages: { a: { run: echo hi } }\n");
    let state = sandbox.project().join(".sortie");
    std::fs::create_dir(&state).expect("it is new");
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    sandbox.sortie(["run", "p.yml"]).run().code(0).done();
    let entries = std::fs::read_dir(&state).expect("it is there").flatten();
    for entry in entries.filter(|entry| entry.file_name() != ".gitignore") {
        let mode = entry.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", entry.path().display());
    }
}
