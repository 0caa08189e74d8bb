//! Gates: people are asked, answer from other processes, and what they say decides, also after a crash.

use std::time::Duration;

use crate::kit::{Sandbox, nothing_is_left};

const STAGE: &str = r#"version: 3
name: ship
stages:
  build: { run: echo built }
  ship:
    needs: build
    approve: { message: "Ship it?", inputs: { percent: { type: number, required: true } } }
    run: echo "shipped ${{ gate.inputs.percent }}"
  after: { needs: ship, run: 'echo "after ${{ needs.ship.outputs.percent }}"' }
  beside: { run: echo beside }
"#;

const STEP: &str = r#"version: 3
name: ask
policy: { max-parallel: 1 }
stages:
  a:
    steps:
      - { id: ask, approve: { message: "Go on?", inputs: { who: { default: all } } } }
      - run: echo "for ${{ steps.ask.outputs.who }}"
  b: { run: echo beside }
"#;

fn gate(keys: &str) -> String {
    format!("version: 3\nname: g\nstages:\n  a: {{ approve: {{ {keys} }}, run: echo ran }}\n")
}

/// Who the system says runs the tests.
fn me() -> String {
    let id = std::process::Command::new("id").arg("-un").output().expect("`id` is everywhere");
    String::from_utf8_lossy(&id.stdout).trim().to_owned()
}

#[test]
fn a_stage_waits_until_somebody_approves_from_elsewhere_with_values_that_become_outputs() {
    let sandbox = Sandbox::new().file("ship.yml", STAGE);
    let mut live = sandbox.sortie(["run", "ship.yml"]).start();
    live.wait_for("Ship it?");
    live.wait_for("answer with: sortie jobs approve 1 ship --input percent=VALUE");
    live.wait_for("beside | beside");
    sandbox.sortie(["jobs", "list"]).run().code(0).says("waits for ship: approval").done();
    let shown = sandbox.sortie(["jobs", "show", "1"]).run().code(0);
    shown.says("ship waits for approval").done();
    let shown = sandbox.sortie(["jobs", "show", "1", "--json"]).run().code(0).json_lines();
    assert_eq!(shown[0]["gates"][0]["gate"], "ship");
    assert_eq!(shown[0]["gates"][0]["inputs"][0], "percent");
    let refused = sandbox.sortie(["jobs", "approve", "1"]).run().code(3);
    refused.complains("the input `percent` is required").done();
    let said =
        sandbox.sortie(["jobs", "approve", "1", "ship", "--input", "percent=20", "--note", "fine"]).run();
    said.code(0).says(&format!("approved `ship` as {}", me())).done();
    let ran = live.wait().code(0);
    ran.says("shipped 20").says("after 20").says("(fine)").done();
    sandbox.sortie(["jobs", "approve", "1"]).run().code(3).complains("has already ended").done();
}

#[test]
fn a_no_ends_the_job_with_code_4_and_says_who_said_it() {
    let sandbox = Sandbox::new().file("g.yml", &gate("message: sure?"));
    let mut live = sandbox.sortie(["run", "g.yml"]).start();
    live.wait_for("sure?");
    sandbox.sortie(["jobs", "reject", "last", "--note", "not on a Friday"]).run().code(0).done();
    let ran = live.wait().code(4);
    let said = format!("rejected by {}: not on a Friday", me());
    assert!(ran.out.contains(&said), "{}", ran.out);
    sandbox.sortie(["jobs", "wait", "last"]).run().code(4).done();
    sandbox.sortie(["jobs", "show", "last"]).run().code(0).says(&said).done();
}

#[test]
fn a_step_waits_without_a_slot_and_a_no_can_be_rescued() {
    let sandbox = Sandbox::new().file("ask.yml", STEP);
    let mut live = sandbox.sortie(["run", "ask.yml"]).start();
    live.wait_for("Go on?");
    // There is one slot, and the gate does not have it.
    live.wait_for("b | beside");
    sandbox.sortie(["jobs", "approve", "1", "a/ask", "-i", "who=me"]).run().code(0).done();
    live.wait().code(0).says("a | for me").done();
    nothing_is_left(&sandbox, Duration::from_secs(2));
}

#[test]
fn the_time_of_a_gate_is_over_when_it_is_over() {
    let sandbox = Sandbox::new()
        .file("g.yml", &gate("timeout: 300ms"))
        .file("s.yml", &gate("timeout: 300ms, on-timeout: skip"));
    let lines = sandbox.sortie(["run", "g.yml", "--ui", "json"]).run().code(4).json_lines();
    let of =
        |kind: &str| lines.iter().find(|l| l["type"] == kind).unwrap_or_else(|| panic!("{kind}: {lines:?}"));
    assert_eq!(of("gate.opened")["data"]["until"].as_str().map(|it| it.ends_with('Z')), Some(true));
    assert_eq!(
        (of("gate.expired")["stage"].as_str(), of("gate.expired")["data"]["then"].as_str()),
        (Some("a"), Some("reject"))
    );
    let ran = sandbox.sortie(["run", "s.yml"]).run().code(0);
    assert!(!ran.out.contains("a | ran"), "{}", ran.out);
}

#[test]
fn two_people_are_two_where_claims_count_and_one_where_they_do_not() {
    let two = gate("approvers: [ops], count: 2");
    let settings = "groups: {ops: [ann, ben]}\ngates: {claims: true}\n";
    let sandbox = Sandbox::new().file("g.yml", &two).file("sortie.yml", settings);
    let mut live = sandbox.sortie(["run", "g.yml", "--ui", "json"]).start();
    live.wait_for("gate.opened");
    let approve = |name: &str| sandbox.sortie(["jobs", "approve", "1", "--as", name]).run();
    sandbox.sortie(["jobs", "approve", "1"]).run().code(3).complains("ann, ben may (of ops)").done();
    approve("ann").code(0).says("1 of 2").done();
    approve("ann").code(0).says("ann has approved `a` already").done();
    sandbox.sortie(["jobs", "list"]).run().says("approval by ops (1 of 2)").done();
    approve("ben").code(0).done();
    let lines = live.wait().code(0).json_lines();
    let answers: Vec<_> =
        lines.iter().filter(|l| l["type"] == "gate.answered" || l["type"] == "gate.approved").collect();
    assert_eq!(answers.len(), 2, "{lines:?}");
    for (answer, name) in answers.iter().zip(["ann", "ben"]) {
        assert_eq!(
            (answer["actor"].as_str(), answer["data"]["claimed"].as_str()),
            (Some(&*me()), Some(name))
        );
    }
    let plain = Sandbox::new().file("g.yml", &gate("approvers: [ann]"));
    let mut live = plain.sortie(["run", "g.yml"]).start();
    live.wait_for("waits for approval by ann");
    let refused = plain.sortie(["jobs", "approve", "1", "--as", "ann"]).run().code(3);
    refused.complains("`gates.claims`").done();
    plain.sortie(["jobs", "cancel", "1"]).run().code(0).done();
    live.wait().code(130).done();
}

#[test]
fn in_ci_a_gate_fails_at_once_unless_the_job_was_told_to_wait() {
    let sandbox = Sandbox::new().file("g.yml", &gate("message: sure?"));
    let ran = sandbox.sortie(["run", "g.yml"]).env("CI", "true").run().code(4);
    assert!(ran.out.contains("nobody is there to answer"), "{}", ran.out);
    assert!(ran.out.contains("`--wait-at-gates`"), "{}", ran.out);
    let mut live = sandbox.sortie(["run", "g.yml", "--wait-at-gates"]).env("CI", "true").start();
    live.wait_for("sure?");
    sandbox.sortie(["jobs", "approve", "2"]).run().code(0).done();
    live.wait().code(0).says("a | ran").done();
}

#[test]
fn a_gate_that_too_few_may_answer_is_refused_before_anything_runs() {
    let sandbox = Sandbox::new().file("g.yml", &gate("approvers: [ops], count: 2"));
    let refused = sandbox.sortie(["run", "g.yml"]).run().code(2);
    refused.complains("asks for 2 approvals, and only ops may answer").done();
    let said = sandbox.sortie(["config", "explain", "groups"]).run().code(0);
    said.says("groups").done();
}

#[test]
fn the_first_who_approves_gives_the_values_and_the_others_approve_the_same() {
    let text = gate("approvers: [ops], count: 2, inputs: { percent: { type: number, required: true } }")
        .replace("run: echo ran", "run: 'echo shipped ${{ gate.inputs.percent }}'");
    let settings = "groups: {ops: [ann, ben]}\ngates: {claims: true}\n";
    let sandbox = Sandbox::new().file("g.yml", &text).file("sortie.yml", settings);
    let mut live = sandbox.sortie(["run", "g.yml"]).start();
    live.wait_for("answer with: sortie jobs approve 1 a --input percent=VALUE");
    let approve = |name: &str, value: Option<&str>| {
        let given = value.map(|value| ["--input", value]);
        let words = ["jobs", "approve", "1", "--as", name];
        sandbox.sortie(words.into_iter().chain(given.into_iter().flatten())).run()
    };
    approve("ann", None).code(3).complains("the input `percent` is required").done();
    approve("ann", Some("percent=much")).code(3).complains("takes a number").done();
    approve("ann", Some("percent=20")).code(0).says("1 of 2").done();
    live.wait_for("with percent=20; 1 approval to go");
    let shown = sandbox.sortie(["jobs", "show", "1"]).run().code(0).says("with percent=20");
    assert!(!shown.out.contains("percent=VALUE"), "{}", shown.out);
    for name in ["ann", "ben"] {
        approve(name, Some("percent=80")).code(3).complains("approve without it, or reject").done();
        approve(name, Some("parcent=20")).code(3).complains("no input `parcent`").done();
    }
    approve("ann", Some("percent=20")).code(0).says("ann has approved `a` already").done();
    approve("ben", None).code(0).done();
    live.wait().code(0).says("shipped 20").done();
}

#[test]
fn a_gate_is_reviewed_and_answered_with_keys_on_the_full_screen() {
    for size in [(80, 24), (40, 10)] {
        let sandbox = Sandbox::new().file("ship.yml", STAGE);
        let call = sandbox.terminal(["run", "ship.yml", "--watch"], size).env("TERM", "xterm-256color");
        let mut terminal = call.start();
        terminal.wait_until("the question", |shot| shot.has("waits for") && shot.has("? "));
        terminal.keys("a");
        terminal.wait_until("the review", |shot| shot.has("Review: ship") && shot.has("Ship it?"));
        // The value that is needed first, the note after it, then the button.
        terminal.keys("20<tab>fine<tab><enter>");
        terminal.answer("approve it: the stage goes on", "y");
        terminal.wait_until("the end", |shot| shot.has("✓ passed"));
        terminal.keys("q");
        terminal.wait_for_end().code(0).done();
        sandbox.sortie(["jobs", "logs", "1", "ship"]).run().code(0).says("shipped 20").done();
        let events = sandbox.sortie(["jobs", "events", "1", "--type", "gate.*"]).run().code(0);
        events.says("gate.approved").says("\"note\":\"fine\"").done();
        nothing_is_left(&sandbox, Duration::from_secs(2));
    }
}

#[test]
fn a_gate_is_turned_down_with_keys_and_esc_closes_its_review_without_an_answer() {
    let sandbox = Sandbox::new().file("ask.yml", STEP);
    let call = sandbox.terminal(["run", "ask.yml", "--watch"], (80, 24)).env("TERM", "xterm-256color");
    let mut terminal = call.start();
    terminal.wait_until("the question", |shot| shot.has("approval"));
    terminal.keys("a");
    terminal.wait_for("Review: a/ask");
    terminal.keys("<esc>");
    terminal.wait_gone("Review: a/ask");
    terminal.keys("a");
    terminal.wait_for("Review: a/ask");
    terminal.keys("<right><enter>");
    terminal.answer("reject it: the step fails", "y");
    // That of the job: while it ends, `q` would ask what becomes of it.
    terminal.wait_for("R retries the rest");
    terminal.keys("q");
    terminal.wait_for_end().code(4).done();
    nothing_is_left(&sandbox, Duration::from_secs(2));
}

const CELLS: &str = r#"version: 3
name: cells
stages:
  plain: { run: "until test -e go; do sleep 0.05; done" }
  ask:
    matrix: { os: [linux, mac] }
    steps: [{ run: echo hello }, { id: sure, approve: "Sure?" }]
  whole: { matrix: { os: [linux, mac] }, approve: "All?", run: echo whole }
  late: { needs: plain, approve: "Late?", run: echo late }
"#;

#[test]
fn whoever_names_what_has_no_gate_hears_which_ones_are_open() {
    let sandbox = Sandbox::new().file("cells.yml", CELLS);
    let mut live = sandbox.sortie(["run", "cells.yml", "--heartbeat", "200ms"]).start();
    // Each command works as it was printed, however many gates are open by then.
    for command in [
        "sortie jobs approve 1 whole",
        "sortie jobs approve 1 'ask[os=linux]/sure'",
        "sortie jobs approve 1 'ask[os=mac]/sure'",
    ] {
        live.wait_for(&format!("answer with: {command}\n"));
    }
    live.wait_for("; waiting for people at whole (approval)");
    let approve = |place: &str| sandbox.sortie(["jobs", "approve", "1", place]).run();
    let refused = approve("plain").code(3).complains("`plain` of job #1 has no gate").complains("open are ");
    refused.complains("`whole`").complains("`ask[os=linux]/sure`").complains("`ask[os=mac]/sure`").done();
    approve("ask[os=mac]/1").code(3).complains("`ask[os=mac]/1` of job #1 has no gate").done();
    let refused = approve("whole[os=mac]").code(3);
    let refused = refused
        .complains("`whole[os=mac]` has no gate of its own: that of `whole` is before the whole stage");
    refused.complains("sortie jobs approve 1 whole").done();
    approve("late").code(3).complains("`late` of job #1 has not come to its gate").done();
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    live.wait_for("answer with: sortie jobs approve 1 late");
    for place in ["whole", "ask[os=linux]/sure", "ask[os=mac]", "late"] {
        approve(place).code(0).done();
    }
    live.wait().code(0).says("late | late").done();
}

#[test]
fn an_input_of_a_gate_is_not_one_of_the_run_and_that_is_said() {
    let sandbox = Sandbox::new().file("ship.yml", STAGE).file("ask.yml", STEP);
    let refused = sandbox.sortie(["run", "ship.yml", "-i", "percent=20"]).run().code(2);
    refused.complains("has no input `percent`").complains("is asked at the gate `ship`").done();
    let refused = sandbox.sortie(["run", "ask.yml", "-i", "who=me"]).run().code(2);
    refused.complains("is asked at the gate `a/ask`").done();
}
