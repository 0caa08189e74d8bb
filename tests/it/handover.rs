//! Jobs that outlive the process that started them: detached, hung up, left by a key, or killed; and what goes on with them.
//!
//! Not here: kills at every numbered place (`crash.rs`), jobs that are stopped with their engine (`survivors.rs`).

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::kit::{Sandbox, eventually, keeper_of, nothing_is_left};

/// The first step prints until the file `go` comes, and leaves an output; the second uses it.
const LONG: &str = r#"version: 3
name: long
defaults: { cancel: { grace: 300ms } }
stages:
  first:
    steps:
      - id: x
        run: |
          echo begun; echo once >> ran
          n=0; until test -e go; do n=$((n + 1)); echo line $n; sleep 0.02; done
          echo "count=$n" >> "$SORTIE_OUTPUT"; echo "last $n"
    outputs: { count: "${{ steps.x.outputs.count }}" }
  second: { needs: first, run: 'echo "counted ${{ needs.first.outputs.count }}" | tee counted' }
"#;

fn read(sandbox: &Sandbox, name: &str) -> String {
    std::fs::read_to_string(sandbox.project().join(name)).unwrap_or_default()
}

fn go(sandbox: &Sandbox) {
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
}

/// The process number of the engine without a face that works on the only job.
pub(crate) fn engine(sandbox: &Sandbox) -> i32 {
    let store = rusqlite::Connection::open(sandbox.project().join(".sortie/sortie.db")).expect("it is there");
    let mut found = None;
    eventually("an owner of the job", || {
        let owner = store.query_row("SELECT owner_pid FROM jobs", [], |row| row.get::<_, Option<i32>>(0));
        found = owner.expect("there is a job");
        found.is_some_and(|pid| std::path::Path::new(&format!("/proc/{pid}")).exists())
    });
    found.expect("it was found")
}

pub(crate) fn kill_hard(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it lives");
    eventually("the end of a killed process", || {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        state.is_empty() || state.contains(") Z ")
    });
}

fn begun(sandbox: &Sandbox) {
    eventually("the first line", || read(sandbox, "ran").contains("once"));
}

/// The job came to a good end, its first step ran once, and not a byte of its log is missing.
fn is_whole(sandbox: &Sandbox) {
    sandbox.sortie(["jobs", "wait", "1"]).run().code(0).says("passed").done();
    assert_eq!(read(sandbox, "ran"), "once\n", "the step ran once");
    let log = sandbox.sortie(["jobs", "logs", "1", "first", "--raw"]).run().code(0).out;
    let lines: Vec<&str> = log.lines().collect();
    let n = lines.len() - 2;
    let expected: Vec<String> = std::iter::once("begun".to_owned())
        .chain((1..=n).map(|n| format!("line {n}")))
        .chain([format!("last {n}")])
        .collect();
    assert_eq!(lines, expected);
    assert_eq!(read(sandbox, "counted"), format!("counted {n}\n"));
    nothing_is_left(sandbox, Duration::from_secs(5));
}

#[test]
fn a_detached_job_outlives_its_command_and_its_engine() {
    let sandbox = Sandbox::new().file("long.yml", LONG);
    sandbox.sortie(["run", "long.yml", "--detach"]).run().code(0).says("job #1 `long` has started").done();
    begun(&sandbox);
    sandbox.sortie(["jobs", "list"]).run().code(0).says("running").done();
    for _ in 0..3 {
        kill_hard(engine(&sandbox));
        // Whoever looks starts the next.
        sandbox
            .sortie(["jobs", "list"])
            .run()
            .code(0)
            .complains("job #1 `long` goes on")
            .says("running")
            .done();
    }
    go(&sandbox);
    is_whole(&sandbox);
    let events = sandbox.sortie(["jobs", "events", "1"]).run().code(0);
    assert_eq!(events.out.matches("job.recovered").count(), 3);
}

#[test]
fn what_ended_while_no_engine_was_there_counts() {
    let sandbox = Sandbox::new().file("long.yml", LONG);
    sandbox.sortie(["run", "long.yml", "--detach"]).run().code(0).done();
    begun(&sandbox);
    let engine = engine(&sandbox);
    let keeper = keeper_of(engine);
    kill_hard(engine);
    go(&sandbox);
    // With nothing left to hold, the keeper goes, too; what it wrote down stays.
    eventually("the end of the keeper", || !std::path::Path::new(&format!("/proc/{keeper}")).exists());
    sandbox.sortie(["jobs", "recover"]).run().code(0).says("job #1 `long` goes on").done();
    is_whole(&sandbox);
}

#[test]
fn an_engine_that_is_asked_to_end_leaves_the_job_to_the_next() {
    let sandbox = Sandbox::new().file("long.yml", LONG);
    sandbox.sortie(["run", "long.yml", "--detach"]).run().code(0).done();
    begun(&sandbox);
    let first = engine(&sandbox);
    kill(Pid::from_raw(first), Signal::SIGTERM).expect("it lives");
    eventually("the end of the engine", || !std::path::Path::new(&format!("/proc/{first}")).exists());
    let mut second = sandbox.sortie(["engine", "1"]).start();
    second.wait_for("goes on here");
    sandbox.sortie(["engine", "1"]).run().code(3).complains("owned by another engine").done();
    go(&sandbox);
    second.wait().code(0).says("passed").done();
    is_whole(&sandbox);
    sandbox.sortie(["engine", "1"]).run().code(3).complains("has ended already").done();
    sandbox.sortie(["jobs", "recover", "1"]).run().code(3).complains("nothing to recover").done();
    sandbox.sortie(["jobs", "recover"]).run().code(0).says("every job").done();
}

#[test]
fn an_engine_that_comes_too_late_says_so_and_logs_no_error() {
    let sandbox = Sandbox::new().file("long.yml", LONG);
    sandbox.sortie(["run", "long.yml", "--detach"]).run().code(0).done();
    begun(&sandbox);
    let late = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sortie"));
        command.args(["engine", "1", "--given"]).current_dir(sandbox.project());
        command.env_clear().envs(sandbox.environment());
        // As whoever starts one in the background does: its errors go to a file in the job's folder.
        let piped = std::process::Stdio::piped;
        let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().expect("it is built");
        let mut given = child.stdin.take().expect("it is piped");
        std::io::Write::write_all(&mut given, b"{}").expect("it reads that");
        drop(given);
        let ended = child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("it is text");
        (ended.status.code(), text(ended.stdout), text(ended.stderr))
    };
    let (code, answer, errors) = late();
    assert!(answer.starts_with("job #1 is owned by another engine"), "{answer}");
    assert_eq!((code, errors.as_str()), (Some(3), ""));
    go(&sandbox);
    is_whole(&sandbox);
    let (code, answer, errors) = late();
    assert_eq!(answer, "job #1 has ended already (success)\n");
    assert_eq!((code, errors.as_str()), (Some(3), ""));
}

#[test]
fn a_job_goes_on_when_its_terminal_is_closed() {
    for face in ["full", "inline", "plain"] {
        let sandbox = Sandbox::new().file("long.yml", LONG);
        let mut terminal = sandbox.terminal(["run", "long.yml", "--ui", face], (80, 24)).leading().start();
        begun(&sandbox);
        terminal.wait_for("line");
        terminal.hang_up();
        // Orders reach it as before.
        sandbox.sortie(["jobs", "pause", "1"]).run().code(0).done();
        sandbox.sortie(["jobs", "resume", "1"]).run().code(0).done();
        go(&sandbox);
        is_whole(&sandbox);
        let events = sandbox.sortie(["jobs", "events", "1"]).run().code(0);
        assert!(!events.out.contains("job.recovered"), "{face}: the same engine went on");
    }
}

#[test]
fn a_job_that_is_not_kept_is_cancelled_with_its_terminal() {
    let sandbox = Sandbox::new().file("long.yml", LONG);
    let mut terminal = sandbox.terminal(["run", "long.yml", "--on-loss", "stop"], (80, 24)).leading().start();
    begun(&sandbox);
    terminal.wait_for("line");
    terminal.hang_up();
    eventually("the end of the job", || {
        sandbox.sortie(["jobs", "list"]).run().code(0).out.contains("cancelled")
    });
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn a_key_leaves_the_job_to_an_engine_without_a_face() {
    for face in ["full", "inline"] {
        let sandbox = Sandbox::new().file("long.yml", LONG);
        let mut terminal = sandbox.terminal(["run", "long.yml", "--ui", face], (80, 24)).start();
        begun(&sandbox);
        terminal.wait_for("line");
        let here = engine(&sandbox);
        terminal.keys("D");
        terminal.wait_for_end().code(0).shows("job #1 `long` goes on").done();
        assert_ne!(engine(&sandbox), here, "{face}");
        go(&sandbox);
        is_whole(&sandbox);
    }
}

#[test]
fn a_secret_of_the_first_process_is_known_to_the_engines_after_it() {
    let text = r#"version: 3
name: secrets
secrets: { TOKEN: {} }
stages:
  first: { run: "echo begun; echo once >> ran; until test -e go; do sleep 0.02; done" }
  second:
    needs: first
    env: { T: "${{ secrets.TOKEN }}" }
    run: 'test "$T" = hush-hush && echo "it is $T, ${{ vars.x }}$GIVEN"'
"#;
    let sandbox = Sandbox::new().file("secrets.yml", text).file("vars.env", "GIVEN=by-file\n");
    let words = ["run", "secrets.yml", "--detach", "--env-file", "vars.env"];
    sandbox.sortie(words).env("TOKEN", "hush-hush").run().code(0).done();
    begun(&sandbox);
    std::fs::remove_file(sandbox.project().join("vars.env")).expect("it was there");
    kill_hard(engine(&sandbox));
    sandbox.sortie(["jobs", "recover"]).run().code(0).done();
    go(&sandbox);
    sandbox.sortie(["jobs", "wait", "1"]).run().code(0).done();
    sandbox.sortie(["jobs", "logs", "1"]).run().code(0).says("it is ***, by-file").done();
}

/// Kills engine and keeper of a detached job whose only step waits for the file `go`, and looks at the job again.
fn without_both(keys: &str) -> Sandbox {
    let step = format!(
        "echo \"try $SORTIE_ATTEMPT $SORTIE_RESUMED $SORTIE_IDEMPOTENCY_KEY\" >> tries; echo once >> ran; \
         until test -e go; do sleep 0.02; done # {keys}"
    );
    let text = format!(
        "version: 3\nname: lost\ndefaults: {{ cancel: {{ grace: 300ms }} }}\nstages:\n  only:\n    steps:\n      - run: '{step}'\n        {keys}\n"
    );
    let sandbox = Sandbox::new().file("lost.yml", &text);
    sandbox.sortie(["run", "lost.yml", "--detach"]).run().code(0).done();
    begun(&sandbox);
    let engine = engine(&sandbox);
    let keeper = keeper_of(engine);
    kill_hard(engine);
    kill_hard(keeper);
    sandbox.sortie(["jobs", "recover"]).run().code(0).done();
    sandbox
}

fn tries(sandbox: &Sandbox) -> Vec<String> {
    read(sandbox, "tries").lines().map(str::to_owned).collect()
}

#[test]
fn a_step_that_was_lost_fails_or_runs_again_as_it_was_asked_for() {
    for keys in ["timeout: 5m", "on-interrupt: fail", "on-interrupt: auto"] {
        let sandbox = without_both(keys);
        sandbox.sortie(["jobs", "wait", "1"]).run().code(1).done();
        sandbox.sortie(["jobs", "show", "1"]).run().code(0).says("interrupted").done();
        assert_eq!(tries(&sandbox).len(), 1, "{keys}");
        nothing_is_left(&sandbox, Duration::from_secs(5));
    }
    for (keys, resumed) in
        [("on-interrupt: rerun", ""), ("idempotent: true", ""), ("on-interrupt: resume", "1")]
    {
        let sandbox = without_both(keys);
        eventually("the second try", || tries(&sandbox).len() == 2);
        go(&sandbox);
        sandbox.sortie(["jobs", "wait", "1"]).run().code(0).done();
        let tries = tries(&sandbox);
        let [first, second] = &tries[..] else { panic!("{keys}: {tries:?}") };
        let (first, second): (Vec<&str>, Vec<&str>) =
            (first.split(' ').collect(), second.split(' ').collect());
        assert_eq!((first[1], first[2]), ("1", ""), "{keys}");
        assert_eq!((second[1], second[2]), ("2", resumed), "{keys}");
        assert_eq!(first[3], second[3], "{keys}: one key for all tries");
        nothing_is_left(&sandbox, Duration::from_secs(5));
    }
}

#[test]
fn people_are_asked_whether_a_lost_step_runs_again_where_the_playbook_says_so() {
    for (answer, ends, tried) in [("approve", 0, 2), ("reject", 1, 1)] {
        let sandbox = without_both("on-interrupt: ask");
        eventually("the question", || {
            sandbox.sortie(["jobs", "show", "1"]).run().out.contains("run `only/1` again?")
        });
        go(&sandbox);
        assert_eq!(tries(&sandbox).len(), 1, "it waits for an answer");
        // Whoever does not name it may not have seen it.
        let refused = sandbox.sortie(["jobs", answer, "1"]).run().code(3);
        refused.complains("asks about a step that was lost: run `only/1` again?").done();
        sandbox.sortie(["jobs", answer, "1", "only", "--note", "seen to it"]).run().code(0).done();
        sandbox.sortie(["jobs", "wait", "1"]).run().code(ends).done();
        assert_eq!(tries(&sandbox).len(), tried, "{answer}");
        let shown = sandbox.sortie(["jobs", "show", "1"]).run().code(0);
        if tried == 1 {
            shown.says("interrupted").says("did not want it to run again: seen to it").done();
        } else {
            shown.done();
        }
        nothing_is_left(&sandbox, Duration::from_secs(5));
    }
}

/// Starts `run long.yml` where process numbers mean others, as in a container.
fn in_a_container(sandbox: &Sandbox) -> crate::kit::Live {
    let words = ["--pid", "--fork", "--mount-proc", "--kill-child", crate::kit::SORTIE];
    let live =
        sandbox.program("unshare", words.into_iter().chain(["run", "long.yml", "--on-loss", "keep"])).start();
    begun(sandbox);
    live
}

#[test]
fn an_engine_in_a_container_owns_its_job_for_those_outside() {
    let sandbox = Sandbox::new().file("long.yml", LONG);
    let container = in_a_container(&sandbox);
    let listed = sandbox.sortie(["jobs", "list"]).run().code(0).says("running");
    assert_eq!(listed.err, "", "its engine is not taken for dead");
    listed.done();
    sandbox
        .sortie(["jobs", "recover"])
        .run()
        .code(0)
        .says("every job that has not ended has an engine")
        .done();
    go(&sandbox);
    is_whole(&sandbox);
    container.wait().code(0).done();

    // Nothing of a container is left that ends: it cannot be told from here by numbers, but nobody answers.
    let sandbox = Sandbox::new().file("long.yml", LONG);
    let mut container = in_a_container(&sandbox);
    container.signal(Signal::SIGKILL);
    container.wait().signalled(Signal::SIGKILL).done();
    sandbox
        .sortie(["jobs", "list"])
        .run()
        .code(0)
        .complains("its engine was gone: job #1 `long` goes on")
        .done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(1).done();
    assert_eq!(read(&sandbox, "ran"), "once\n", "nobody said that it may run again");
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

/// A job that has lost its engine and its keeper, and cannot be gone on with: its secret is not there any more.
#[test]
fn a_start_that_failed_is_told_and_not_repeated_by_every_look() {
    let secret = "secrets:\n  TOKEN: { from: { file: token }, required: true }\nstages:\n";
    let sandbox = Sandbox::new().file("long.yml", &LONG.replace("stages:\n", secret)).file("token", "hush");
    sandbox.sortie(["run", "long.yml", "--detach"]).run().code(0).done();
    begun(&sandbox);
    let engine = engine(&sandbox);
    let keeper = keeper_of(engine);
    std::fs::remove_file(sandbox.project().join("token")).expect("it was there");
    kill_hard(engine);
    kill_hard(keeper);
    let words = "job #1 `long` has lost its engine and could not be gone on with: ";
    for _ in 0..2 {
        let listed = sandbox.sortie(["jobs", "list"]).run().code(0).says("interrupted").complains(words);
        listed.complains("`sortie jobs recover 1` tries again").done();
    }
    let folder = sandbox.sortie(["jobs", "show", "1", "--json"]).run().code(0).out;
    let folder: serde_json::Value = serde_json::from_str(&folder).expect("it is JSON");
    let log = std::path::Path::new(folder["dir"].as_str().expect("a path")).join("engine.log");
    let said = std::fs::read_to_string(log).expect("an engine was started");
    assert_eq!(said.matches("`token`").count(), 1, "one look has tried: {said}");
    std::fs::write(sandbox.project().join("token"), "hush").expect("the project is writable");
    sandbox.sortie(["jobs", "recover", "1"]).run().code(0).says("goes on").done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(1).done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

/// A secret that need not be there, but was.
#[test]
fn a_job_does_not_go_on_without_a_secret_that_it_had() {
    let secret = "secrets:\n  TOKEN: { from: { env: MY_TOKEN } }\nstages:\n";
    let sandbox = Sandbox::new().file("long.yml", &LONG.replace("stages:\n", secret));
    sandbox.sortie(["run", "long.yml", "--detach"]).env("MY_TOKEN", "hush").run().code(0).done();
    begun(&sandbox);
    let engine = engine(&sandbox);
    let keeper = keeper_of(engine);
    kill_hard(engine);
    kill_hard(keeper);
    let words = "the secret `TOKEN` had a value when the job began, and there is none here";
    sandbox.sortie(["jobs", "recover", "1"]).run().code(5).says(words).done();
    sandbox.sortie(["jobs", "cancel", "1"]).run().code(5).complains(words).done();
    sandbox.sortie(["jobs", "cancel", "1", "--force"]).run().code(0).done();
    eventually("the end of the job", || {
        sandbox.sortie(["jobs", "show", "1"]).run().out.contains("cancelled")
    });
    sandbox.sortie(["jobs", "retry", "1", "--all"]).run().code(5).complains(words).done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn no_engine_is_started_inside_a_step_that_would_take_it_along() {
    let text = format!(
        "version: 3\nname: outer\nstages:\n  only:\n    run: |\n      if {0} run long.yml --detach; then exit 9; fi\n      if {0} jobs recover; then exit 9; fi\n      {0} jobs list\n",
        crate::kit::SORTIE
    );
    let sandbox = Sandbox::new().file("long.yml", LONG).file("outer.yml", &text);
    let ran = sandbox.sortie(["run", "outer.yml"]).run().code(0);
    ran.says("what a step has started ends with it").done();
    assert_eq!(read(&sandbox, "ran"), "", "the other job was not begun");
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[cfg(feature = "faults")]
/// A process that has nothing to do with any job, with the number that another one had.
struct Stranger(std::process::Child);

#[cfg(feature = "faults")]
impl Stranger {
    fn with_number(pid: i32) -> Option<Self> {
        for _ in 0..2000 {
            std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).ok()?;
            let child = std::process::Command::new("sleep").arg("300").env_clear().spawn().ok()?;
            let mut it = Self(child);
            if it.0.id().cast_signed() == pid {
                return Some(it);
            }
            it.end();
        }
        None
    }

    fn end(&mut self) {
        self.0.kill().expect("it is ours");
        self.0.wait().expect("it was killed");
    }
}

#[cfg(feature = "faults")]
#[test]
fn after_a_reboot_nothing_is_adopted_and_no_stranger_is_signalled() {
    let text = LONG.replace("- id: x", "- id: x\n        idempotent: true");
    let sandbox = Sandbox::new().file("long.yml", &text);
    sandbox.sortie(["run", "long.yml", "--detach"]).run().code(0).done();
    begun(&sandbox);
    let engine = engine(&sandbox);
    let keeper = keeper_of(engine);
    let steps = crate::kit::who_is_left(&sandbox);
    kill_hard(engine);
    kill_hard(keeper);
    let mut numbers = vec![engine, keeper];
    for left in steps.iter().map(crate::kit::Left::pid).filter(|pid| ![engine, keeper].contains(pid)) {
        // They died with the machine.
        let _gone = kill(Pid::from_raw(left), Signal::SIGKILL);
        numbers.push(left);
    }
    let numbers_free = || numbers.iter().all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists());
    eventually("the end of all processes", numbers_free);
    let mut strangers: Vec<Stranger> = numbers.iter().filter_map(|pid| Stranger::with_number(*pid)).collect();
    assert_eq!(strangers.len(), numbers.len(), "root may choose process numbers");
    let rebooted = |words: &[&'static str]| {
        sandbox.sortie(words.iter().copied()).env("SORTIE_FAULT_BOOT", "another-boot").run()
    };
    rebooted(&["jobs", "list"]).code(0).complains("goes on").done();
    eventually("the second try", || read(&sandbox, "ran").lines().count() == 2);
    go(&sandbox);
    rebooted(&["jobs", "wait", "1"]).code(0).says("passed").done();
    for stranger in &mut strangers {
        assert!(stranger.0.try_wait().expect("it is ours").is_none(), "a stranger was ended");
        stranger.end();
    }
    nothing_is_left(&sandbox, Duration::from_secs(5));
}
