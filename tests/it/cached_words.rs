//! What people read about the cache: why nothing fitted, what fitted and whose it was, what a look waits for.
//!
//! Not here: whether the decision is right (`cached.rs`).

use crate::kit::{Sandbox, Tmux, nothing_is_left};

const PLAYBOOK: &str = "version: 3
stages:
  make:
    cache: { inputs: ['src/**'], outputs: ['out/made'] }
    run: mkdir -p out && cat src/a > out/made
  step:
    steps:
      - { id: one, run: 'cp src/a two', cache: { inputs: [src/a], outputs: [two] } }
";

fn project(playbook: &str) -> Sandbox {
    Sandbox::new().file("it.yml", playbook).file("src/a", "one\n")
}

fn put(sandbox: &Sandbox, name: &str, text: &str) {
    std::fs::write(sandbox.project().join(name), text).expect("the project is there and ours");
}

#[test]
fn a_line_the_end_and_the_record_say_why_nothing_fitted_and_whose_result_was_taken() {
    let sandbox = project(PLAYBOOK);
    let run = || sandbox.sortie(["run", "it.yml", "--ui", "plain"]).run().code(0);
    let first = run().says("  miss   make and step: nothing was kept so far").says("0 of 2 from the cache");
    // Of a first run that is all there is to say, so it is said once.
    assert_eq!(first.out.matches("nothing was kept").count(), 1, "{}", first.out);
    first.done();
    let show = sandbox.sortie(["jobs", "show", "last"]).run().code(0).says("miss; kept with 1 file");
    assert!(!show.out.contains("nothing was kept"), "{}", show.out);
    show.done();
    let summary = sandbox.sortie(["jobs", "summary", "last", "--format", "markdown"]).run().code(0);
    assert!(!summary.out.contains("kept so far"), "{}", summary.out);
    summary.says("| stored |").done();
    let events = sandbox.sortie(["jobs", "show", "last", "--json"]).run().code(0).json_lines();
    assert_eq!(events[0]["stages"][0]["cells"][0]["cache"]["why"], "nothing was kept so far");
    put(&sandbox, "src/a", "two\n");
    put(&sandbox, "src/b", "new\n");
    run()
        .says("(miss: input src/a changed, and 1 more)")
        .says("  miss   make: input src/a changed, and 1 more")
        .says("  miss   step: input src/a changed")
        .done();
    std::fs::remove_file(sandbox.project().join("out/made")).expect("it was made");
    run().says("cached (from job #2, where it took").says("2 of 2 from the cache").done();
    let show = || sandbox.sortie(["jobs", "show", "last"]).run().code(0);
    show().says("hit: made by job #2 in").says("1 file put back").done();
    let json = sandbox.sortie(["jobs", "show", "last", "--json"]).run().code(0).json_lines();
    let cache = &json[0]["stages"][0]["cells"][0]["cache"];
    assert_eq!((&cache["hit"], &cache["made_by"]), (&true.into(), &2.into()), "{cache}");
    nothing_is_left(&sandbox, std::time::Duration::from_secs(10));
}

#[test]
fn what_is_tried_again_is_counted_once() {
    let sandbox = project(
        "version: 3
stages:
  make:
    cache: { inputs: [src/a], outputs: [made] }
    retry: { attempts: 3, backoff: { first: 1ms } }
    run: echo x >> ../tries; test $(wc -l < ../tries) -gt 2 && cp src/a made
",
    );
    let run = || sandbox.sortie(["run", "it.yml", "--ui", "plain"]).run().code(0);
    run().says("; 0 of 1 from the cache").done();
    run().says("; 1 of 1 from the cache").done();
    // Asked for once more, it is made anew, and what it was before does not count.
    let again = sandbox.sortie(["jobs", "retry", "last", "make", "--ui", "plain"]).run().code(0);
    assert!(!again.out.contains("1 of"), "{}", again.out);
    let shown = sandbox.sortie(["jobs", "show", "last"]).run().code(0);
    assert!(!shown.out.contains("1 of 1 from the cache"), "{}", shown.out);
}

#[test]
fn a_tool_that_fails_is_told_at_once_and_at_the_end() {
    let playbook = "version: 3
stages:
  make:
    cache: { inputs: [src/a], outputs: [made], tools: ['echo no such luck >&2; exit 7'] }
    run: cp src/a made
";
    let sandbox = project(playbook);
    sandbox
        .sortie(["run", "it.yml", "--ui", "plain"])
        .run()
        .code(0)
        .says(
            "make can be neither looked for in the cache nor kept: the tool `echo no such luck >&2; exit 7`",
        )
        .says("  miss   make: the tool")
        .done();
    nothing_is_left(&sandbox, std::time::Duration::from_secs(10));
}

#[test]
fn a_look_that_waits_for_outputs_or_tools_says_so() {
    let playbook = "version: 3
stages:
  first:
    cache: { inputs: [src/a], outputs: ['out/**'] }
    run: until test -e go; do sleep 0.02; done; mkdir -p out
  second:
    cache: { inputs: [src/a], outputs: ['out/**'] }
    run: until test -e go; do sleep 0.02; done; mkdir -p out
  third:
    cache: { inputs: [src/a], outputs: [made], tools: ['touch asked; until test -e tell; do sleep 0.02; done'] }
    run: until test -e stop; do sleep 0.02; done; cp src/a made
    needs: [first, second]
";
    let sandbox = project(playbook);
    let terminal = Tmux::new(&sandbox, 120, 40);
    terminal.type_line(&format!("{} run it.yml --ui full", crate::kit::SORTIE));
    terminal.wait_for("waits outputs");
    put(&sandbox, "go", "");
    terminal.wait_for("asks its tools");
    // The words in full stand with the stage.
    terminal.send(&["G"]);
    terminal.wait_for("looks for an earlier result, asks `touch asked");
    put(&sandbox, "tell", "");
    terminal.wait_for("miss: nothing was kept so far");
    put(&sandbox, "stop", "");
    sandbox.sortie(["jobs", "wait", "last"]).run().code(0).done();
    let events = sandbox.sortie(["jobs", "events", "last", "--type", "cache.waiting"]).run().code(0);
    let told = events.json_lines();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["data"]["message"], "its outputs, which another stage or job is writing");
}

#[test]
fn a_plan_says_what_is_cached_and_whose_result_would_be_taken() {
    let sandbox = project(PLAYBOOK);
    let say = |words: &[&str]| sandbox.sortie(words.iter().copied()).run().code(0);
    say(&["plan", "it.yml"])
        .says("cache: inputs src/**; outputs out/made; nothing is kept so far, so it runs")
        .says("cache: inputs src/a; outputs two; nothing is kept so far, so it runs")
        .done();
    say(&["run", "it.yml", "--ui", "plain"]).done();
    say(&["plan", "it.yml"]).says("outputs two; taken from job #1 if nothing of that has changed").done();
    say(&["run", "it.yml", "--dry-run"])
        .says("make: cache: inputs src/**; outputs out/made; taken from job #1")
        .done();
    say(&["run", "it.yml", "--dry-run", "--no-cache"]).says("out/made; not used").done();
    say(&["run", "it.yml", "--dry-run", "--refresh"]).says("out/made; made anew and kept").done();
    let plan: serde_json::Value =
        serde_json::from_str(&say(&["plan", "it.yml", "--json"]).out).expect("it is JSON");
    assert_eq!(plan["stages"][0]["cache"]["kept_by"], 1, "{plan}");
    assert_eq!(plan["stages"][1]["steps"][0]["cache"]["kept_by"], 1, "{plan}");
}

#[test]
fn a_plan_promises_no_result_that_is_only_for_the_job_that_made_it() {
    let playbook = "version: 3
stages:
  make: { cache: { inputs: [src/a], outputs: [made], share: none }, run: cp src/a made }
";
    let sandbox = project(playbook);
    sandbox.sortie(["run", "it.yml"]).run().code(0).done();
    sandbox.sortie(["plan", "it.yml"]).run().code(0).says("; kept for no other job, so it runs").done();
    sandbox
        .sortie(["run", "it.yml"])
        .run()
        .code(0)
        .says("the result is only for the job that made it")
        .done();
}

#[test]
fn a_step_that_waits_for_its_tools_says_so() {
    let playbook = "version: 3
stages:
  make:
    steps:
      - run: echo first
      - id: copy
        run: cp src/a made
        cache: { inputs: [src/a], outputs: [made], tools: ['touch asked; until test -e tell; do sleep 0.02; done'] }
";
    let sandbox = project(playbook);
    let terminal = Tmux::new(&sandbox, 120, 40);
    terminal.type_line(&format!("{} run it.yml --ui full", crate::kit::SORTIE));
    terminal.wait_for("2/2 asks its tools");
    let show = sandbox.sortie(["jobs", "show", "last"]).run().code(0);
    show.says("step 2 `copy` looks for an earlier result, asks `touch asked").done();
    put(&sandbox, "tell", "");
    sandbox.sortie(["jobs", "wait", "last"]).run().code(0).done();
}
