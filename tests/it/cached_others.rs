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

/// `a` is half made until there is a file `go`; `b` reads it, and works until there is a file `read`.
const READ: &str = "version: 3
stages:
  a:
    cache: { inputs: [src], outputs: [a.txt] }
    run: 'echo half > a.txt; echo begin >> count; until test -e go; do sleep 0.02; done; echo end >> count; echo whole > a.txt'
  b:
    needs: a
    cache: { inputs: ['*.txt'] }
    run: 'echo b >> readers; cat a.txt >> seen; until test -e read; do sleep 0.02; done; echo end >> readers'
  c: { run: 'echo c >> others' }
";

/// What the looks of a job wait for, in words, once one does.
fn waited(sandbox: &Sandbox, job: u32) -> String {
    let job = job.to_string();
    let ask = || sandbox.sortie(["jobs", "events", job.as_str(), "--type", "cache.waiting"]).run();
    eventually("it waits", || ask().out.contains("cache.waiting"));
    let events = ask().code(0).json_lines();
    events.iter().map(|it| it["data"]["message"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_stage_that_reads_what_another_job_is_writing_waits_for_it() {
    for more in [&[][..], &["--no-cache"][..]] {
        let sandbox = Sandbox::new().file("p.yml", READ).file("a.txt", "old\n").file("read", "");
        let one = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).start();
        eventually("the first one is at work", || read(&sandbox, "count") == "begin\n");
        let words = ["run", "p.yml", "--skip", "a", "--ui", "plain"].into_iter().chain(more.iter().copied());
        let two = sandbox.sortie(words).start();
        assert_eq!(waited(&sandbox, 2), "its inputs, which another job is writing");
        write(&sandbox, "go", "");
        one.wait().code(0).done();
        two.wait().code(0).done();
        let seen = read(&sandbox, "seen");
        assert!(seen.lines().count() > 0 && seen.lines().all(|line| line == "whole"), "{more:?}: {seen}");
        nothing_is_left(&sandbox, Duration::from_secs(20));
    }
}

#[test]
fn a_writer_waits_for_all_readers_and_these_not_for_each_other() {
    let sandbox = Sandbox::new().file("p.yml", READ).file("a.txt", "old\n").file("go", "");
    let reader = || sandbox.sortie(["run", "p.yml", "--skip", "a", "--ui", "plain"]).start();
    let (one, two) = (reader(), reader());
    eventually("both read", || read(&sandbox, "readers") == "b\nb\n");
    let three = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).start();
    assert_eq!(waited(&sandbox, 3), "its outputs, which another job is reading");
    assert_eq!((read(&sandbox, "count").as_str(), read(&sandbox, "a.txt").as_str()), ("", "old\n"));
    write(&sandbox, "read", "");
    for job in [one, two, three] {
        job.wait().code(0).done();
    }
    assert_eq!(read(&sandbox, "seen"), "old\nold\nwhole\n");
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn a_hit_that_has_nothing_to_write_does_not_wait_for_readers() {
    // So something is written while it reads.
    let text = READ.replace("['*.txt'] }", "['*.txt'], outputs: [seen] }");
    let sandbox = Sandbox::new().file("p.yml", &text).file("go", "");
    let one = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).start();
    eventually("the first one reads", || read(&sandbox, "readers") == "b\n");
    let two = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).start();
    assert_eq!(
        waited(&sandbox, 2),
        "its outputs, which another stage or job is writing",
        "of `b`, after `a`"
    );
    write(&sandbox, "read", "");
    one.wait().code(0).done();
    two.wait().code(0).says("a cached (from job #1").done();
    assert_eq!(read(&sandbox, "count"), "begin\nend\n");
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn what_outlives_its_engine_is_still_reading_its_inputs() {
    let sandbox = Sandbox::new().file("p.yml", READ).file("a.txt", "old\n").file("go", "");
    sandbox.sortie(["run", "p.yml", "--skip", "a", "--detach"]).run().code(0).done();
    eventually("the first one reads", || read(&sandbox, "readers") == "b\n");
    eventually("its other stage, too", || read(&sandbox, "others") == "c\n");
    kill_hard(engine(&sandbox));
    let two = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).start();
    assert_eq!(waited(&sandbox, 2), "its outputs, which another job is reading");
    assert_eq!(read(&sandbox, "a.txt"), "old\n");
    write(&sandbox, "read", "");
    two.wait().code(0).done();
    assert_eq!(read(&sandbox, "seen"), "old\nwhole\n");
    sandbox.sortie(["jobs", "wait", "1"]).run().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

/// `y` begins after a file `go`, in a job that has the group; `Y` is its cache.
const HAS_GROUP: &str = "version: 3
concurrency: { group: g }
stages:
  slow: { run: 'touch slow; until test -e go; do sleep 0.02; done' }
  y: { needs: slow, cache: Y, run: 'mkdir -p out; echo y >> out/f' }
";

#[test]
fn a_job_that_has_a_group_does_not_wait_for_files_of_whom_waits_for_that_group() {
    let (writes, reads) = ("{ inputs: [], outputs: ['out/**'] }", "{ inputs: ['out/**'] }");
    let is_written = "waiting for it could take for ever";
    let is_half = "another job has begun to write its inputs, and waits for what this job has";
    for (y, x, told) in [(writes, reads, is_written), (writes, writes, is_written), (reads, writes, is_half)]
    {
        let x = format!(
            "version: 3\nstages:\n  x: {{ concurrency: {{ group: g }}, cache: {x}, run: 'mkdir -p out; cat out/f >> seen' }}\n"
        );
        let sandbox = Sandbox::new().file("a.yml", &HAS_GROUP.replace('Y', y)).file("b.yml", &x);
        let sandbox = sandbox.file("out/f", "old\n");
        let one = sandbox.sortie(["run", "a.yml", "--ui", "plain"]).start();
        eventually("the first one has the group", || sandbox.project().join("slow").exists());
        let two = sandbox.sortie(["run", "b.yml", "--ui", "plain"]).start();
        let blocked = ["jobs", "events", "2", "--type", "cell.blocked"];
        eventually("the second one has files and waits for the group", || {
            sandbox.sortie(blocked).run().out.contains("cell.blocked")
        });
        write(&sandbox, "go", "");
        one.wait().code(0).says(told).done();
        two.wait().code(0).done();
        assert_eq!(read(&sandbox, "seen"), "old\ny\n", "y: {y}");
        nothing_is_left(&sandbox, Duration::from_secs(20));
    }
}

#[test]
fn a_job_that_has_a_group_that_others_wait_for_waits_for_files_of_whom_is_at_work() {
    let writes = "{ inputs: [], outputs: ['out/**'] }";
    let reader = "version: 3\nstages:\n  x: { cache: { inputs: ['out/**'] }, run: 'touch began; until test -e read; do sleep 0.02; done; cat out/f >> seen' }\n";
    let sandbox = Sandbox::new().file("a.yml", &HAS_GROUP.replace('Y', writes)).file("b.yml", reader);
    let sandbox = sandbox.file("out/f", "old\n").file("go", "");
    let reader = sandbox.sortie(["run", "b.yml", "--ui", "plain"]).start();
    eventually("the reader is at work", || sandbox.project().join("began").exists());
    let one = sandbox.sortie(["run", "a.yml", "--ui", "plain"]).start();
    assert_eq!(waited(&sandbox, 2), "its outputs, which another job is reading");
    let two = sandbox.sortie(["run", "a.yml", "--ui", "plain"]).start();
    let blocked = ["jobs", "events", "3", "--type", "job.blocked"];
    eventually("another one waits for the group", || {
        sandbox.sortie(blocked).run().out.contains("job.blocked")
    });
    assert_eq!(read(&sandbox, "out/f"), "old\n");
    write(&sandbox, "read", "");
    reader.wait().code(0).done();
    let one = one.wait().code(0);
    assert!(!one.out.contains("take for ever"), "{}", one.out);
    two.wait().code(0).done();
    assert_eq!(read(&sandbox, "seen"), "old\n");
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn within_a_job_needs_alone_say_who_reads_what_whom_has_made() {
    let text = "version: 3\nstages:\n  a: { cache: { inputs: [], outputs: [a] }, run: 'touch a-began; until test -e b-began; do sleep 0.02; done; echo > a' }\n  \
                b: { cache: { inputs: [a] }, run: 'touch b-began; until test -e a-began; do sleep 0.02; done' }\n";
    let sandbox = Sandbox::new().file("p.yml", text);
    sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0).says("a passed").says("b passed").done();
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

#[test]
fn what_a_star_finds_behind_a_link_counts_and_whether_a_linked_file_can_be_executed() {
    let text = "version: 3\nstages:\n  \
                a: { cache: { inputs: ['pk/*/f'], outputs: [o1] }, run: 'cat pk/*/f > o1' }\n  \
                b: { cache: { inputs: ['*/real/**'], outputs: [o2] }, run: 'cat */real/f > o2' }\n  \
                c: { cache: { inputs: [tool], outputs: [o3] }, run: './tool > o3' }\n";
    let sandbox = Sandbox::new()
        .file("p.yml", text)
        .file("pk/real/f", "r\n")
        .file("shared/f", "1\n")
        .file("real.sh", "#!/bin/sh\necho hi\n");
    let project = sandbox.project();
    let link = |target: &str, at: &str| {
        std::os::unix::fs::symlink(target, project.join(at)).expect("the project is ours");
    };
    link("../shared", "pk/lib");
    link("real.sh", "tool");
    let mode = |mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(project.join("real.sh"), mode).expect("it is ours");
    };
    mode(0o755);
    let run = |code: i32| sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(code);
    run(0).done();
    run(0).says("3 of 3 from the cache").done();
    write(&sandbox, "shared/f", "2\n");
    run(0).says("2 of 3 from the cache").done();
    assert_eq!(read(&sandbox, "o1"), "2\nr\n");
    write(&sandbox, "pk/real/f", "s\n");
    run(0).says("1 of 3 from the cache").done();
    assert_eq!((read(&sandbox, "o1"), read(&sandbox, "o2")), ("2\ns\n".to_owned(), "s\n".to_owned()));
    mode(0o644);
    run(1).says("c failed").done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn a_link_to_a_folder_is_that_folder() {
    let stage = |outputs: &str, name: &str| {
        format!(
            "version: 3\nstages:\n  {name}:\n    cache: {{ inputs: [], outputs: ['{outputs}/**'] }}\n    run: 'echo {name} \
             >> begun; until test -e go; do sleep 0.02; done; mkdir -p real; echo {name} > real/1; echo {name} >> ended'\n"
        )
    };
    let sandbox = Sandbox::new()
        .file("w.yml", &stage("real", "w"))
        .file("v.yml", &stage("alias", "v"))
        .file("r.yml", "version: 3\nstages: { r: { run: cat alias/1 > r, cache: { inputs: ['alias/**'], outputs: [r] } } }\n")
        .file("real/.keep", "");
    std::os::unix::fs::symlink("real", sandbox.project().join("alias")).expect("the project is ours");
    let run = |name: &str| sandbox.sortie(["run", name, "--ui", "plain"]).start();
    let one = run("w.yml");
    eventually("it is at work", || read(&sandbox, "begun") == "w\n");
    let two = run("v.yml");
    assert_eq!(waited(&sandbox, 2), "its outputs, which another stage or job is writing");
    let three = run("r.yml");
    assert_eq!(waited(&sandbox, 3), "its inputs, which another job is writing");
    write(&sandbox, "go", "");
    one.wait().code(0).done();
    two.wait().code(0).done();
    three.wait().code(0).done();
    assert_eq!(
        (read(&sandbox, "begun"), read(&sandbox, "ended")),
        ("w\nv\n".to_owned(), "w\nv\n".to_owned())
    );
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn no_cell_keeps_the_file_of_another_one() {
    let text = "version: 3\nstages:\n  a:\n    matrix: { m: [x, y] }\n    cache: { inputs: ['src/${{ matrix.m }}'], outputs: ['out/**'] }\n    \
                env: { M: '${{ matrix.m }}' }\n    run: 'mkdir -p out; cp src/$M out/$M'\n";
    let sandbox = Sandbox::new().file("p.yml", text).file("src/x", "x1\n").file("src/y", "y1\n");
    let run = || sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0);
    for round in 2..8 {
        run().done();
        let kept = sandbox.sortie(["cache", "list", "--json"]).run().code(0).json_lines().remove(0);
        let all = kept.as_array().expect("a list");
        assert!(!all.is_empty() && all.iter().all(|it| it["files"] == 1), "{kept}");
        write(&sandbox, if round % 2 == 0 { "src/x" } else { "src/y" }, &format!("{round}\n"));
    }
    run().says("is not kept in the cache").done();
    for name in ["x", "y"] {
        let (made, source) = (read(&sandbox, &format!("out/{name}")), read(&sandbox, &format!("src/{name}")));
        assert!(made.is_empty() || made == source, "{name}: {made} of {source}");
    }
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn an_output_that_somebody_removes_while_others_are_made_is_told_and_not_missing_for_ever() {
    let text = "version: 3\nstages:\n  a:\n    cache: { inputs: [], outputs: [a, b] }\n    \
                run: 'echo b > b; echo a > a; touch made; until test -e go; do sleep 0.02; done'\n";
    let sandbox = Sandbox::new().file("p.yml", text);
    let one = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).start();
    eventually("it has made both", || sandbox.project().join("made").exists());
    fs::remove_file(sandbox.project().join("b")).expect("it is there");
    write(&sandbox, "go", "");
    one.wait()
        .code(0)
        .says("a is not kept in the cache: its `outputs` name `b`, and nothing is there")
        .done();
    sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0).says("a passed").done();
    fs::remove_file(sandbox.project().join("b")).expect("it is made anew");
    sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0).says("a cached").done();
    assert_eq!(read(&sandbox, "b"), "b\n");
    nothing_is_left(&sandbox, Duration::from_secs(20));
}
