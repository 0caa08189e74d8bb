//! Events for programs: by type, for a command, over the death of an engine; and orders that are safe to repeat.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::kit::{Sandbox, nothing_is_left};

/// Waits for the file `go`.
const GATED: &str = r#"version: 3
name: gated
stages:
  first: { run: "echo begun; until test -e go; do sleep 0.05; done; echo opened" }
  second: { needs: first, run: echo second }
  third: { needs: second, run: echo third }
"#;

const SHORT: &str =
    "version: 3\nname: short\nstages:\n  a: { run: echo a }\n  b: { needs: a, run: echo b }\n";

fn go(sandbox: &Sandbox) {
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
}

/// The numbers of the events that a command put into a file, one JSON object a line.
fn seen(sandbox: &Sandbox, file: &str) -> Vec<u64> {
    let text = std::fs::read_to_string(sandbox.project().join(file)).unwrap_or_default();
    let seq = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok()?["seq"].as_u64();
    text.lines().map(|line| seq(line).unwrap_or_else(|| panic!("no event: {line}"))).collect()
}

#[test]
fn events_are_chosen_by_type_and_a_wrong_type_is_told() {
    let sandbox = Sandbox::new().file("short.yml", SHORT);
    sandbox.sortie(["run", "short.yml"]).run().code(0).done();
    let types = |words: &[&'static str]| -> Vec<String> {
        let lines =
            sandbox.sortie(["jobs", "events"].iter().chain(words).copied()).run().code(0).json_lines();
        lines.iter().map(|it| it["type"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(types(&["--type", "job.*"]), ["job.started", "job.completed"]);
    assert_eq!(types(&["--type", "stage.completed,job.completed"]).len(), 3);
    assert_eq!(
        types(&["--type", "*.completed", "--after", "1"]).last().map(String::as_str),
        Some("job.completed")
    );
    let wrong = sandbox.sortie(["jobs", "events", "--type", "stage.complet"]).run().code(2);
    wrong
        .complains("no event has the type `stage.complet`")
        .complains("did you mean `stage.completed`?")
        .done();
}

#[test]
fn a_command_gets_each_event_once_in_order_and_goes_on_where_it_stopped() {
    let sandbox = Sandbox::new().file("short.yml", SHORT);
    sandbox.sortie(["run", "short.yml"]).run().code(0).done();
    let all = sandbox.sortie(["jobs", "events"]).run().code(0).json_lines();
    sandbox.sortie(["jobs", "events", "--exec", "cat >> all"]).run().code(0).done();
    assert_eq!(seen(&sandbox, "all"), (1..=all.len() as u64).collect::<Vec<_>>());
    // A command that fails once: what comes after it is left for later, and it comes again.
    let command = "cat > now; if grep -q stage.started now && ! test -e failed; then : > failed; exit 7; fi; cat now >> part";
    let ran = sandbox.sortie(["jobs", "events", "1", "--exec", command]).run().code(5);
    let ran = ran
        .complains("the command exited with code 7 for event ")
        .complains("of job #1")
        .complains("--after ");
    let (_, after) = ran.err.split_once("`--after ").unwrap_or_else(|| panic!("{}", ran.err));
    let after = after.split('`').next().unwrap_or_default();
    sandbox.sortie(["jobs", "events", "1", "--exec", command, "--after", after]).run().code(0).done();
    assert_eq!(seen(&sandbox, "part"), (1..=all.len() as u64).collect::<Vec<_>>());
    let going = ["jobs", "events", "1", "--type", "stage.*", "--exec", "cat >> kept; exit 1", "--keep-going"];
    sandbox.sortie(going).run().code(5).complains("commands failed").complains("exited with code 1").done();
    assert!(seen(&sandbox, "kept").len() >= 4);
}

#[test]
fn a_slow_command_holds_up_nobody_and_misses_nothing() {
    let sandbox = Sandbox::new().file("gated.yml", GATED);
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    let command = "cat >> all; test -e over || { : > waits; until test -e over; do sleep 0.05; done; }";
    let follower = sandbox.sortie(["jobs", "events", "1", "-f", "--exec", command]).start();
    go(&sandbox);
    live.wait().code(0).done();
    assert!(seen(&sandbox, "all").len() <= 1, "the command was not waited for");
    std::fs::write(sandbox.project().join("over"), "").expect("the project is writable");
    follower.wait().code(0).done();
    let all = sandbox.sortie(["jobs", "events"]).run().code(0).json_lines();
    assert_eq!(seen(&sandbox, "all"), (1..=all.len() as u64).collect::<Vec<_>>());
}

#[test]
fn followers_go_on_when_an_engine_dies_and_another_takes_over() {
    let sandbox = Sandbox::new().file("gated.yml", GATED);
    let mut live = sandbox.sortie(["run", "gated.yml", "--on-loss", "keep"]).start();
    live.wait_for("begun");
    let mut lines = sandbox.sortie(["jobs", "events", "1", "-f"]).start();
    lines.wait_for("step.started");
    let output = sandbox.sortie(["jobs", "logs", "1", "-f"]).start();
    let waiter = sandbox.sortie(["jobs", "wait", "1", "--json"]).start();
    let command = "cat >> all";
    let hooks = sandbox.sortie(["jobs", "events", "1", "-f", "--exec", command]).start();
    live.signal(Signal::SIGKILL);
    live.wait().signalled(Signal::SIGKILL).done();
    sandbox.sortie(["jobs", "recover", "1"]).run().done();
    lines.wait_for("job.recovered");
    go(&sandbox);
    let told = lines.wait().code(0).json_lines();
    let seqs: Vec<u64> = told.iter().filter_map(|it| it["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "lost or doubled");
    assert_eq!(told.last().map(|it| it["type"].clone()), Some("job.completed".into()));
    let printed = output.wait().code(0).says("second").says("third");
    assert_eq!(printed.out.matches("begun").count(), 1, "{}", printed.out);
    assert_eq!(printed.out.matches("opened").count(), 1, "{}", printed.out);
    waiter.wait().code(0).says("\"outcome\":\"success\"").done();
    hooks.wait().code(0).done();
    assert_eq!(seen(&sandbox, "all"), seqs);
    sandbox.sortie(["store", "verify"]).run().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn an_order_that_is_repeated_is_carried_out_once_also_by_another_engine() {
    let sandbox = Sandbox::new().file("gated.yml", GATED);
    let mut live = sandbox.sortie(["run", "gated.yml", "--on-loss", "keep"]).start();
    live.wait_for("begun");
    let skip = ["jobs", "skip", "1", "second", "--id", "ticket-7"];
    let first = sandbox.sortie(skip).run().code(0).says("skipping `second`");
    let again = sandbox.sortie(skip).run().code(0);
    assert_eq!(first.out, again.out);
    live.signal(Signal::SIGKILL);
    live.wait().signalled(Signal::SIGKILL).done();
    sandbox.sortie(["jobs", "recover", "1"]).run().done();
    let again = sandbox.sortie(skip).run().code(0);
    assert_eq!(first.out, again.out, "another engine");
    go(&sandbox);
    sandbox.sortie(["jobs", "wait", "1"]).run().code(0).done();
    sandbox.sortie(skip).run().code(0).says(&first.out).done();
    let other = ["jobs", "skip", "1", "third", "--id", "ticket-7"];
    sandbox.sortie(other).run().code(3).complains("the id `ticket-7` was used for another order").done();
    let events = sandbox.sortie(["jobs", "events", "1", "--type", "order.skip"]).run().code(0).json_lines();
    assert_eq!(events.len(), 1, "{events:?}");
}

#[test]
fn an_order_of_somebody_who_does_not_know_the_last_event_is_refused() {
    let sandbox = Sandbox::new().file("gated.yml", GATED);
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    let last = || {
        let events = sandbox.sortie(["jobs", "events", "1"]).run().code(0).json_lines();
        events.last().and_then(|it| it["seq"].as_u64()).unwrap_or_default()
    };
    let known = last();
    let outdated = (known - 1).to_string();
    let refused = sandbox.sortie(["jobs", "pause", "1", "--expect", &outdated]).run().code(3);
    refused.complains(&format!("its last event is {known} by now")).done();
    let known = known.to_string();
    let pause = ["jobs", "pause", "1", "--expect", &known, "--id", "once"];
    sandbox.sortie(pause).run().code(0).done();
    // What was done is answered as before, although the journal has gone on through it.
    sandbox.sortie(pause).run().code(0).says("paused").done();
    sandbox.sortie(["jobs", "resume", "1", "--expect", &known]).run().code(3).done();
    sandbox.sortie(["jobs", "cancel", "1", "--expect", &known]).run().code(3).done();
    sandbox.sortie(["jobs", "skip", "1", "third", "--expect", &known]).run().code(3).done();
    sandbox.sortie(["jobs", "resume", "1", "--expect", &last().to_string()]).run().code(0).done();
    go(&sandbox);
    live.wait().code(0).done();
    sandbox
        .sortie(["jobs", "retry", "1", "--all", "--expect", &known])
        .run()
        .code(3)
        .complains("by now")
        .done();
    sandbox.sortie(["jobs", "retry", "1", "--all", "--expect", &last().to_string()]).run().code(0).done();
}
