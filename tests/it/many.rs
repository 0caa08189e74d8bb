//! Many jobs of one project: concurrency groups, locks, resources, slots of the engine, and a line of jobs. The order of
//! what happens is read from the journals.
//!
//! Each step says that it runs and goes on once the test lets it, so that no time has to pass for anything.

use std::path::PathBuf;
use std::time::Duration;

use crate::kit::{Sandbox, eventually, nothing_is_left};

const LEFT: Duration = Duration::from_secs(20);
const QUEUED: &str = "job.blocked";
const RUNS: &str = "step.started";

/// A command that says that it runs, and ends once the test lets it.
fn holds(name: &str) -> String {
    format!(
        "touch on.{name}; while [ ! -e go.{name} ]; do sleep 0.02; done; echo {name} >> order; rm on.{name}"
    )
}

/// A playbook whose jobs differ by input `n`, with one stage that holds until `go.N` is there.
fn grouped(concurrency: &str) -> String {
    let run = holds("${{ inputs.n }}");
    format!(
        "version: 3\nname: deploy\ninputs: {{ n: {{ default: '0' }} }}\nconcurrency: {concurrency}\nstages:\n  a: {{ run: '{run}' }}\n"
    )
}

struct Scene(Sandbox, Option<PathBuf>);

impl Scene {
    fn new(files: &[(&str, &str)]) -> Self {
        Self(files.iter().fold(Sandbox::new(), |sandbox, (name, text)| sandbox.file(name, text)), None)
    }

    /// Starts job `n` in the background, with its number as input, and waits until it has that event.
    fn start(&self, file: &str, n: u32, more: &[&str], kind: &str) {
        let input = format!("n={n}");
        let mut args = vec!["run", "--detach", file, "--input", &input];
        args.extend(more);
        let call = self.0.sortie(args);
        let call = match &self.1 {
            Some(dir) => call.env("XDG_RUNTIME_DIR", &dir.display().to_string()),
            None => call,
        };
        call.run().code(0).done();
        self.until(n, kind);
    }

    fn until(&self, job: u32, kind: &str) {
        eventually(&format!("job {job} has {kind}"), || self.types(job).iter().any(|it| it == kind));
    }

    fn types(&self, job: u32) -> Vec<String> {
        let ran = self.0.sortie(["jobs", "events", &job.to_string()]).run();
        let kind = |it: &serde_json::Value| it["type"].as_str().unwrap_or_default().to_owned();
        ran.json_lines().iter().map(kind).collect()
    }

    fn go(&self, name: &str) {
        std::fs::write(self.0.project().join(format!("go.{name}")), "").expect("the project can be written");
    }

    fn all_go(&self, names: &[&str]) {
        names.iter().for_each(|name| self.go(name));
    }

    fn all_pass(&self, jobs: &[u32]) {
        jobs.iter().for_each(|job| self.ends(*job, 0));
    }

    fn ends(&self, job: u32, code: i32) {
        self.0.sortie(["jobs", "wait", &job.to_string(), "--timeout", "60s"]).run().code(code).done();
    }

    fn says(&self, job: u32, words: &str) {
        self.0.sortie(["jobs", "show", &job.to_string()]).run().code(0).says(words).done();
    }

    fn order(&self) -> String {
        let text = std::fs::read_to_string(self.0.project().join("order")).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn kill_engine_of(&self, job: u32) {
        let sql = format!("SELECT owner_pid FROM jobs WHERE number = {job}");
        let store = rusqlite::Connection::open(self.0.project().join(".sortie/sortie.db")).expect("a store");
        let pid: i32 = store.query_row(&sql, [], |row| row.get(0)).expect("an owner");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL)
            .expect("it lives");
    }

    fn done(self) {
        self.0.sortie(["store", "verify"]).run().code(0).done();
        let left = self.0.sortie(["jobs", "locks", "--json"]).run().code(0).json_lines();
        assert_eq!(left[0], serde_json::json!([]), "claims are left behind");
        nothing_is_left(&self.0, LEFT);
    }
}

#[test]
fn max_lets_jobs_of_a_group_run_in_the_order_of_asking_whatever_the_case_of_its_name() {
    let scene =
        Scene::new(&[("a.yml", &grouped("Prod")), ("b.yml", &grouped("{ group: PROD, queue: max }"))]);
    scene.start("a.yml", 1, &[], RUNS);
    scene.start("b.yml", 2, &[], QUEUED);
    scene.start("a.yml", 3, &[], QUEUED);
    scene.says(2, "waits for  group `prod`, held by job #1 `deploy` since ");
    scene.0.sortie(["jobs", "list"]).run().code(0).says("1 other before it in line").done();
    let locks = scene.0.sortie(["jobs", "locks"]).run().code(0);
    locks.says("group prod  held   job #1 deploy").says("group prod  waits  job #3 deploy").done();
    scene.all_go(&["3", "2", "1"]);
    scene.all_pass(&[1, 2, 3]);
    assert_eq!(scene.order(), "1 2 3");
    assert_eq!(scene.types(2)[..4], ["job.queued", "job.blocked", "job.claimed", "job.started"]);
    scene.done();
}

#[test]
fn single_keeps_the_newest_that_waits_and_the_others_name_their_successor() {
    let scene = Scene::new(&[("a.yml", &grouped("{ group: g, queue: single }"))]);
    scene.start("a.yml", 1, &[], RUNS);
    scene.start("a.yml", 2, &[], QUEUED);
    scene.start("a.yml", 3, &[], QUEUED);
    scene.ends(2, 130);
    scene.says(2, "job #3 `deploy` of the same concurrency group took its place");
    assert_eq!(scene.types(2), ["job.queued", "job.blocked", "order.cancel", "job.cancelled"]);
    scene.all_go(&["1", "3"]);
    scene.all_pass(&[1, 3]);
    assert_eq!(scene.order(), "1 3");
    scene.done();
}

#[test]
fn cancel_in_progress_ends_what_runs_and_the_newer_one_begins_after_its_end() {
    let scene = Scene::new(&[("a.yml", &grouped("{ group: g, cancel-in-progress: true }"))]);
    scene.start("a.yml", 1, &[], RUNS);
    scene.start("a.yml", 2, &[], RUNS);
    scene.ends(1, 130);
    scene.says(1, "job #2 `deploy` of the same concurrency group took its place");
    scene.go("2");
    scene.ends(2, 0);
    assert_eq!(scene.order(), "2");
    scene.done();
}

#[test]
fn the_group_may_come_from_an_input_and_others_are_not_held_up() {
    let scene = Scene::new(&[("a.yml", &grouped("\"g-${{ inputs.n }}\""))]);
    scene.start("a.yml", 1, &[], RUNS);
    scene.start("a.yml", 2, &[], RUNS);
    scene.all_go(&["1", "2"]);
    scene.all_pass(&[1, 2]);
    assert_eq!(scene.types(2)[..3], ["job.queued", "job.claimed", "job.started"]);
    scene.done();
}

#[test]
fn cells_of_a_matrix_in_one_group_run_one_after_the_other() {
    let text = "version: 3\nname: m\nstages:\n  a:\n    concurrency: one\n    matrix: { n: [1, 2, 3] }\n    \
                run: 'test ! -e busy; touch busy; sleep 0.05; rm busy; echo ${{ matrix.n }} >> order'\n";
    let scene = Scene::new(&[("m.yml", text)]);
    let ran = scene.0.sortie(["run", "m.yml"]).run().code(0);
    ran.says("waits for group `one`, held by job #1 `m` (a[n=1]) since ").done();
    assert_eq!(scene.order(), "1 2 3");
    scene.done();
}

#[test]
fn higher_priority_goes_first_among_those_that_wait() {
    let scene = Scene::new(&[("a.yml", &grouped("g"))]);
    scene.start("a.yml", 1, &[], RUNS);
    scene.start("a.yml", 2, &[], QUEUED);
    scene.start("a.yml", 3, &["--priority", "5"], QUEUED);
    scene.all_go(&["1", "2", "3"]);
    scene.all_pass(&[1, 2, 3]);
    assert_eq!(scene.order(), "1 3 2");
    scene.done();
}

#[test]
fn a_job_that_waits_can_be_cancelled_and_a_paused_one_holds_nobody_up() {
    let scene = Scene::new(&[("a.yml", &grouped("g"))]);
    scene.start("a.yml", 1, &[], RUNS);
    for n in [2, 3, 4] {
        scene.start("a.yml", n, &[], QUEUED);
    }
    scene.0.sortie(["jobs", "cancel", "2"]).run().code(0).done();
    scene.ends(2, 130);
    scene.0.sortie(["jobs", "pause", "3"]).run().code(0).done();
    scene.all_go(&["1", "3", "4"]);
    scene.all_pass(&[1, 4]);
    scene.0.sortie(["jobs", "resume", "3"]).run().code(0).done();
    scene.ends(3, 0);
    assert_eq!(scene.order(), "1 4 3");
    scene.done();
}

#[test]
fn a_group_is_free_when_its_engine_is_killed_and_kept_where_the_job_is_kept() {
    let scene = Scene::new(&[("a.yml", &grouped("g"))]);
    let mut here = scene.0.sortie(["run", "a.yml", "--input", "n=1", "--on-loss", "stop"]).start();
    scene.until(1, RUNS);
    scene.start("a.yml", 2, &[], QUEUED);
    here.signal(nix::sys::signal::Signal::SIGKILL);
    here.wait().signalled(nix::sys::signal::Signal::SIGKILL).done();
    scene.until(2, RUNS);
    scene.start("a.yml", 3, &[], QUEUED);
    scene.kill_engine_of(2);
    // Whatever looks at the project may have found it before.
    scene.0.sortie(["jobs", "recover", "2"]).run().done();
    scene.until(2, "job.recovered");
    scene.all_go(&["2", "3"]);
    scene.all_pass(&[2, 3]);
    assert_eq!(scene.order(), "2 3");
    assert!(!scene.types(2).iter().any(|it| it == "job.unclaimed"), "it was never anybody else's");
    scene.done();
}

#[test]
fn a_stage_in_a_job_that_holds_the_group_itself_is_refused_with_a_sentence() {
    let text = "version: 3\nname: t\nconcurrency: g\nstages:\n  a: { concurrency: G, run: x }\n";
    let scene = Scene::new(&[("t.yml", text)]);
    let ran = scene.0.sortie(["run", "t.yml"]).run().code(1);
    ran.says("group `g` is held by the job itself, of which this is a part").done();
    scene.done();
}

#[test]
fn a_job_in_a_step_that_wants_what_the_step_holds_is_refused_instead_of_waiting_for_ever() {
    let inner = "version: 3\nname: inner\nstages:\n  a: { locks: [prod], run: x }\n";
    let outer = format!(
        "version: 3\nname: outer\nstages:\n  a: {{ locks: [prod], run: '{} run inner.yml' }}\n",
        env!("CARGO_BIN_EXE_sortie")
    );
    let scene = Scene::new(&[("inner.yml", inner), ("outer.yml", &outer)]);
    let ran = scene.0.sortie(["run", "outer.yml"]).run().code(1);
    ran.says("lock `prod` is held by job #1 `outer` (a), in whose step this job was started").done();
    scene.done();
}

#[test]
fn readers_share_a_lock_and_a_writer_is_not_starved() {
    let stage = |mode: &str| {
        let run = holds("${{ inputs.n }}");
        format!(
            "version: 3\nname: t\ninputs: {{ n: {{ default: '0' }} }}\nstages:\n  a: {{ locks: [{{ name: db, mode: {mode} }}], run: '{run}' }}\n"
        )
    };
    let scene = Scene::new(&[("r.yml", &stage("shared")), ("w.yml", &stage("exclusive"))]);
    scene.start("r.yml", 1, &[], RUNS);
    scene.start("r.yml", 2, &[], RUNS);
    scene.start("w.yml", 3, &[], "cell.blocked");
    scene.start("r.yml", 4, &[], "cell.blocked");
    scene.says(4, "lock `db`, behind job #3 `t` (a)");
    scene.all_go(&["2", "1", "4"]);
    scene.until(3, RUNS);
    assert!(!scene.types(4).iter().any(|it| it == RUNS), "the reader passed the writer");
    scene.go("3");
    scene.all_pass(&[1, 2, 3, 4]);
    assert!(scene.order().ends_with("3 4"), "{}", scene.order());
    scene.done();
}

#[test]
fn a_lock_of_the_machine_holds_between_projects_as_long_as_anything_runs_under_it() {
    let text = format!(
        "version: 3\nname: t\ninputs: {{ n: {{ default: '0' }} }}\nstages:\n  a: {{ locks: [{{ name: port-NAME, scope: machine }}], run: '{}' }}\n",
        holds("${{ inputs.n }}")
    );
    let (one, two, three) = (Scene::new(&[]), Scene::new(&[]), Scene::new(&[]));
    // Other tests of this machine have locks, too.
    let text = text.replace("NAME", one.0.mark());
    let shared = Some(one.0.base().join("run"));
    let [one, two, three] =
        [one, two, three].map(|scene| Scene(scene.0.file("t.yml", &text), shared.clone()));
    one.start("t.yml", 1, &[], RUNS);
    two.start("t.yml", 1, &[], "cell.blocked");
    two.says(1, "held by job #1 `t` (a) in `");
    let run = one.0.base().join("run").display().to_string();
    let locks = |more: &[&'static str]| {
        let words = ["jobs", "locks"].into_iter().chain(more.iter().copied());
        two.0.sortie(words).env("XDG_RUNTIME_DIR", &run).run().code(0)
    };
    locks(&[]).says("; held by job #1 `t` (a) in `").done();
    let held = locks(&["--json"]).json_lines().remove(0);
    let project = one.0.project().display().to_string();
    assert_eq!(
        (&held[0]["holder"]["job"], &held[0]["holder"]["project"]),
        (&1.into(), &project.into()),
        "{held}"
    );
    one.kill_engine_of(1);
    // Nobody is there who locks the file, and the step runs on.
    three.start("t.yml", 1, &[], "cell.blocked");
    three.says(1, "held by job #1 `t` (a) in `");
    one.go("1");
    for scene in [&two, &three] {
        scene.go("1");
    }
    two.ends(1, 0);
    three.ends(1, 0);
    one.0.sortie(["jobs", "recover", "1"]).run().code(0).done();
    one.ends(1, 0);
    for scene in [one, two, three] {
        scene.done();
    }
}

#[test]
fn resources_are_shared_by_jobs_and_asking_for_more_than_there_is_ends_before_it_begins() {
    let text = format!(
        "version: 3\nname: t\ninputs: {{ n: {{ default: '0' }} }}\nstages:\n  a: {{ resources: {{ custom: {{ gpu: 2 }} }}, run: '{}' }}\n",
        holds("${{ inputs.n }}")
    );
    let scene = Scene::new(&[("t.yml", &text), ("sortie.yml", "resources: { gpu: 3 }\n")]);
    scene.start("t.yml", 1, &[], RUNS);
    scene.start("t.yml", 2, &[], "cell.blocked");
    scene.says(2, "2 of `gpu`, all in use, by job #1 `t` (a) since ");
    scene.all_go(&["1", "2"]);
    scene.all_pass(&[1, 2]);
    let more = scene.0.file("sortie.yml", "resources: { gpu: 1 }\n");
    let ran = more.sortie(["run", "t.yml"]).run().code(2);
    ran.complains("each cell of `a` asks for 2 of `gpu`, and there is 1 in all").done();
    Scene(more, None).done();
}

#[test]
fn twelve_jobs_at_once_never_run_more_steps_than_the_engine_has_slots() {
    let text = "version: 3\nname: t\nstages:\n  a:\n    matrix: { n: [1, 2] }\n    \
                run: 'mkdir -p live; touch live/$$; ls live | wc -l >> seen; sleep 0.05; rm live/$$'\n";
    let scene = Scene::new(&[("t.yml", text), ("sortie.yml", "engine: { slots: 3 }\n")]);
    for _ in 0..12 {
        scene.0.sortie(["run", "--detach", "t.yml"]).run().code(0).done();
    }
    (1..=12).for_each(|job| scene.ends(job, 0));
    let seen = std::fs::read_to_string(scene.0.project().join("seen")).expect("they have counted");
    let counts: Vec<u32> = seen.lines().filter_map(|line| line.trim().parse().ok()).collect();
    assert_eq!(counts.len(), 24);
    assert!(counts.iter().all(|count| (1..=3).contains(count)), "{counts:?}");
    scene.done();
}

#[test]
fn a_line_of_jobs_forms_where_only_so_many_may_run_and_a_job_in_a_step_is_not_in_it() {
    let inner = "version: 3\nname: inner\nstages:\n  a: { run: echo inner ran }\n";
    let outer = format!(
        "version: 3\nname: outer\ninputs: {{ n: {{ default: '0' }} }}\nstages:\n  a: {{ run: '{}; {} run inner.yml' }}\n",
        holds("${{ inputs.n }}"),
        env!("CARGO_BIN_EXE_sortie")
    );
    let files =
        [("inner.yml", inner), ("outer.yml", outer.as_str()), ("sortie.yml", "engine: { jobs: 1 }\n")];
    let scene = Scene::new(&files);
    scene.start("outer.yml", 1, &[], RUNS);
    scene.start("outer.yml", 2, &[], QUEUED);
    scene.says(2, "its turn among the jobs, all in use, by job #1 `outer` since ");
    scene.all_go(&["1", "2"]);
    scene.all_pass(&[1, 2]);
    scene.done();
}

#[test]
fn while_people_are_asked_others_have_the_lock() {
    let text = format!(
        "version: 3\nname: deploy\ninputs: {{ n: {{ default: '0' }} }}\nstages:\n  a:\n    locks: [prod]\n    steps:\n      \
         - run: '{}'\n      - approve: {{}}\n      - run: echo after ${{{{ inputs.n }}}} >> order\n",
        holds("${{ inputs.n }}")
    );
    let scene = Scene::new(&[("a.yml", &text)]);
    scene.start("a.yml", 1, &[], RUNS);
    scene.start("a.yml", 2, &[], "cell.blocked");
    scene.go("1");
    scene.until(1, "gate.opened");
    scene.until(2, RUNS);
    scene.0.sortie(["jobs", "approve", "1"]).run().code(0).done();
    scene.until(1, "cell.blocked");
    scene.says(1, "lock `prod`, held by job #2 `deploy` (a) since ");
    scene.go("2");
    scene.all_pass(&[1]);
    scene.0.sortie(["jobs", "approve", "2"]).run().code(0).done();
    scene.all_pass(&[2]);
    assert_eq!(scene.order(), "1 2 after 1 after 2");
    scene.done();
}

#[test]
fn a_rollback_of_a_job_that_has_ended_waits_for_its_lock() {
    let text = "version: 3\nname: old\nstages:\n  a:\n    locks: [prod]\n    steps:\n      \
                - { run: 'true', undo: { run: echo undone >> order } }\n";
    let other =
        format!("version: 3\nname: deploy\nstages:\n  a: {{ locks: [prod], run: '{}' }}\n", holds("2"));
    let scene = Scene::new(&[("old.yml", text), ("b.yml", &other)]);
    scene.0.sortie(["run", "old.yml"]).run().code(0).done();
    scene.0.sortie(["run", "--detach", "b.yml"]).run().code(0).done();
    scene.until(2, RUNS);
    let rollback = scene.0.sortie(["jobs", "rollback", "1"]).start();
    scene.until(1, "cell.blocked");
    scene.says(1, "lock `prod`, held by job #2 `deploy` (a) since ");
    scene.go("2");
    rollback.wait().code(0).done();
    scene.all_pass(&[2, 1]);
    assert_eq!(scene.order(), "2 undone");
    scene.done();
}
