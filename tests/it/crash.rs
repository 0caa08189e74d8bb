//! What becomes of a job whose engine, keeper, or both are killed at every numbered place: always what becomes of it
//! undisturbed, no step twice at once, and nobody is left.
//!
//! Not here: jobs that are to be stopped with their engine (`faults.rs`, `survivors.rs`).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::kit::{Sandbox, eventually, nothing_is_left};

/// Says in the file `twice` if another one with that name is at work, in `ran` that it was, and works for a moment.
const WORK: &str = r#"exec 9> "lock.$1"
flock -n 9 || echo "$1" >> twice
echo "$1" >> ran
sleep 0.05
"#;

/// A job, and orders that are given once a file is there.
struct Reference {
    name: &'static str,
    playbook: &'static str,
    orders: &'static [(&'static str, &'static [&'static str])],
    /// It has at least so many places.
    places: u32,
}

const MATRIX: Reference = Reference {
    name: "matrix",
    playbook: r#"version: 3
name: matrix
defaults: { on-interrupt: rerun, cancel: { grace: 500ms } }
stages:
  first: { run: sh work first }
  cells: { needs: first, matrix: { a: [1, 2], b: [x, y] }, run: "sh work cell${{ matrix.a }}${{ matrix.b }}" }
  last: { needs: cells, steps: [{ run: sh work last1 }, { run: sh work last2 }] }
finally:
  tidy: { run: sh work tidy }
"#,
    orders: &[],
    places: 20,
};

const RESCUE: Reference = Reference {
    name: "rescue",
    playbook: r#"version: 3
name: rescue
defaults: { on-interrupt: rerun, cancel: { grace: 500ms } }
stages:
  first:
    steps:
      - block: [{ run: sh work before }, { run: sh work fails; exit 3 }]
        rescue: [{ run: sh work rescue }]
        always: [{ run: sh work always }]
      - run: sh work after
        if: success()
  broken: { run: sh work broken; exit 4 }
  never: { needs: broken, run: sh work never }
"#,
    orders: &[],
    places: 20,
};

const RETRY: Reference = Reference {
    name: "retry",
    playbook: r#"version: 3
name: retry
defaults: { on-interrupt: rerun, cancel: { grace: 500ms } }
stages:
  flaky:
    steps:
      - run: sh work flaky; test "$(grep -c flaky ran)" -gt 2
        retry: { attempts: 9, backoff: { first: 200ms, factor: 1 } }
  other: { needs: flaky, run: sh work other }
"#,
    orders: &[],
    places: 12,
};

const GATE: Reference = Reference {
    name: "gate",
    playbook: r#"version: 3
name: gate
defaults: { on-interrupt: rerun, cancel: { grace: 500ms } }
stages:
  first: { run: sh work first; touch begun }
  ship:
    needs: first
    approve: { message: "ship it?", inputs: { percent: { type: number, default: 5 } } }
    run: sh work ship; test "${{ gate.inputs.percent }}" = 20
  last: { needs: ship, run: sh work last }
"#,
    orders: &[("begun", &["jobs", "approve", "1", "--input", "percent=20", "--id", "yes"])],
    places: 12,
};

const FROZEN: Reference = Reference {
    name: "frozen",
    playbook: r#"version: 3
name: frozen
defaults: { on-interrupt: rerun, cancel: { grace: 500ms } }
stages:
  slow: { steps: [{ run: touch begun; sh work slow; until test -e go; do sleep 0.02; done, timeout: 20s }] }
  last: { needs: slow, run: sh work last }
"#,
    orders: &[
        ("begun", &["jobs", "pause", "1", "--freeze", "--id", "freeze"]),
        ("begun", &["jobs", "resume", "1", "--id", "thaw"]),
        ("begun", GO),
    ],
    places: 9,
};

const CANCELLING: Reference = Reference {
    name: "cancelling",
    playbook: r#"version: 3
name: cancelling
defaults: { on-interrupt: rerun, cancel: { grace: 2s } }
stages:
  slow:
    steps:
      - block: [{ run: "trap 'sleep 0.1; exit 7' TERM; sh work slow; touch begun; while :; do sleep 0.02; done" }]
        always: [{ run: sh work always }]
      - run: sh work never
  other: { needs: slow, run: sh work other }
finally:
  tidy: { run: sh work tidy }
"#,
    orders: &[("begun", &["jobs", "cancel", "1", "--id", "stop"])],
    places: 12,
};

const FORCED: Reference = Reference {
    name: "forced",
    playbook: r#"version: 3
name: forced
defaults: { on-interrupt: rerun, cancel: { grace: 1s } }
stages:
  slow:
    steps:
      - block: [{ run: "trap '' TERM; sh work slow; setsid sleep 600 & touch begun; while :; do sleep 0.02; done" }]
        always: [{ run: sh work always }]
      - run: sh work never
  other: { needs: slow, run: sh work other }
finally:
  tidy: { run: sh work tidy }
"#,
    orders: &[("begun", &["jobs", "cancel", "1", "--force", "--id", "stop"])],
    places: 8,
};

/// Not an order: the file `go` is made.
const GO: &[&str] = &["go"];

/// What a job came to: itself, its stages and cells.
fn end_of(sandbox: &Sandbox) -> BTreeMap<String, Value> {
    let shown = sandbox.sortie(["jobs", "show", "1", "--json"]).run().code(0);
    let shown: Value = serde_json::from_str(&shown.out).expect("it is JSON");
    let mut end = BTreeMap::from([("job".to_owned(), shown["outcome"].clone())]);
    for stage in shown["stages"].as_array().expect("there are stages") {
        let name = stage["stage"].as_str().expect("it has a name").to_owned();
        for cell in stage["cells"].as_array().into_iter().flatten() {
            end.insert(format!("{name} {}", cell["id"]), cell["outcome"].clone());
        }
        end.insert(name, stage["outcome"].clone());
    }
    end
}

/// Names of steps in the order of their starts.
fn ran(sandbox: &Sandbox) -> Vec<String> {
    let text = std::fs::read_to_string(sandbox.project().join("ran")).unwrap_or_default();
    let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
    names.sort();
    names
}

fn project(reference: &Reference) -> Sandbox {
    Sandbox::new().file("job.yml", reference.playbook).file("work", WORK)
}

/// Gives the orders, whoever works on the job by then.
fn give_orders(reference: &Reference, sandbox: &Sandbox) {
    for (file, words) in reference.orders {
        eventually(&format!("the file `{file}`"), || {
            // Whoever looks at the jobs starts an engine where one is missing.
            sandbox.project().join(file).exists() || {
                sandbox.sortie(["jobs", "list"]).run().code(0).done();
                false
            }
        });
        if *words == GO {
            std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
            continue;
        }
        // Whoever takes it may die before it answers; given again under the same name, it is carried out once.
        eventually(&format!("an answer to {words:?}"), || {
            sandbox.sortie(words.iter().copied()).run().is_code(0)
        });
    }
}

/// Lets the job come to its end, whoever works on it.
fn to_its_end(sandbox: &Sandbox) {
    let ended = sandbox.sortie(["jobs", "wait", "1"]).run();
    assert!(!ended.is_code(5), "{}\n{}", ended.out, ended.err);
}

/// Who is killed, by which variable.
#[derive(Clone, Copy, PartialEq)]
enum Victim {
    Engine,
    Keeper,
    Both,
}

impl Victim {
    fn variable(self) -> &'static str {
        match self {
            Self::Engine => "SORTIE_FAULT_KILL_AT",
            Self::Keeper => "SORTIE_FAULT_KEEPER_AT",
            Self::Both => "SORTIE_FAULT_BOTH_AT",
        }
    }
}

#[expect(clippy::print_stdout, reason = "the count is what these tests show")]
fn count(name: &str, victim: Victim, places: u32, began: Instant) {
    // One form for all, so that they can be added up: CONTRIBUTING.md says how.
    println!("crash: {name} {} {places} places {:.1} s", victim.variable(), began.elapsed().as_secs_f64());
}

/// Kills at each place in turn, until the job gets past all of them.
fn at_every_place(reference: &Reference, victim: Victim) {
    let began = Instant::now();
    let undisturbed = project(reference);
    let live = undisturbed.sortie(["run", "job.yml", "--on-loss", "keep"]).start();
    give_orders(reference, &undisturbed);
    live.wait().done();
    let (end, steps) = (end_of(&undisturbed), ran(&undisturbed));
    for place in 1..400 {
        let sandbox = project(reference);
        let once = sandbox.base().join("once");
        let call = sandbox
            .sortie(["run", "job.yml", "--on-loss", "keep"])
            .env(victim.variable(), &place.to_string());
        let call = call.env("SORTIE_FAULT_KEEPER_ONCE", once.to_str().expect("its name is plain"));
        let live = call.start();
        // Orders are given while the job runs, whoever works on it.
        give_orders(reference, &sandbox);
        let first = live.wait();
        let was_killed =
            if victim == Victim::Keeper { once.exists() } else { first.is_signalled(Signal::SIGKILL) };
        if !was_killed {
            let (name, n) = (reference.name, place - 1);
            assert!(n >= reference.places, "{name}: only {n} places");
            count(name, victim, n, began);
            return;
        }
        to_its_end(&sandbox);
        let about = format!("{}, place {place} of {}", reference.name, victim.variable());
        assert_eq!(end_of(&sandbox), end, "{about}");
        assert!(!sandbox.project().join("twice").exists(), "{about}: a step ran twice at once");
        let again = ran(&sandbox);
        if victim == Victim::Engine {
            assert_eq!(again, steps, "{about}: the keeper lived, and nothing was to run again");
        }
        let missing: Vec<&String> = steps.iter().filter(|step| !again.contains(step)).collect();
        assert!(missing.is_empty(), "{about}: {missing:?} did not run");
        nothing_is_left(&sandbox, Duration::from_secs(5));
        let lines = sandbox.sortie(["jobs", "events", "1"]).run().code(0).json_lines();
        let numbers: Vec<u64> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
        assert_eq!(numbers, (1..=lines.len() as u64).collect::<Vec<_>>(), "{about}");
        let verified = sandbox.sortie(["store", "verify"]).run();
        assert!(verified.is_code(0), "{about}: {}", verified.out);
    }
    panic!("the job never got past its places");
}

/// A test for each reference and victim.
macro_rules! wherever {
    ($($name:ident: $reference:ident, $victim:ident;)*) => {
        $(
            #[test]
            fn $name() {
                at_every_place(&$reference, Victim::$victim);
            }
        )*
    };
}

wherever! {
    a_matrix_comes_to_the_same_end_wherever_its_engine_dies: MATRIX, Engine;
    a_matrix_comes_to_the_same_end_wherever_its_keeper_dies: MATRIX, Keeper;
    a_matrix_comes_to_the_same_end_wherever_both_die: MATRIX, Both;
    a_rescue_comes_to_the_same_end_wherever_its_engine_dies: RESCUE, Engine;
    a_rescue_comes_to_the_same_end_wherever_its_keeper_dies: RESCUE, Keeper;
    a_rescue_comes_to_the_same_end_wherever_both_die: RESCUE, Both;
    a_wait_for_a_retry_comes_to_the_same_end_wherever_its_engine_dies: RETRY, Engine;
    a_wait_for_a_retry_comes_to_the_same_end_wherever_its_keeper_dies: RETRY, Keeper;
    a_wait_for_a_retry_comes_to_the_same_end_wherever_both_die: RETRY, Both;
    an_open_gate_comes_to_the_same_end_wherever_its_engine_dies: GATE, Engine;
    an_open_gate_comes_to_the_same_end_wherever_its_keeper_dies: GATE, Keeper;
    an_open_gate_comes_to_the_same_end_wherever_both_die: GATE, Both;
    a_frozen_job_comes_to_the_same_end_wherever_its_engine_dies: FROZEN, Engine;
    a_frozen_job_comes_to_the_same_end_wherever_its_keeper_dies: FROZEN, Keeper;
    a_frozen_job_comes_to_the_same_end_wherever_both_die: FROZEN, Both;
    a_cancel_comes_to_the_same_end_wherever_its_engine_dies: CANCELLING, Engine;
    a_cancel_comes_to_the_same_end_wherever_its_keeper_dies: CANCELLING, Keeper;
    a_cancel_comes_to_the_same_end_wherever_both_die: CANCELLING, Both;
}

#[test]
fn a_cancel_by_force_comes_to_the_same_end_wherever_its_engine_dies() {
    at_every_place(&FORCED, Victim::Engine);
}

#[test]
fn a_cancel_by_force_comes_to_the_same_end_wherever_its_keeper_dies() {
    at_every_place(&FORCED, Victim::Keeper);
}

#[test]
fn a_cancel_by_force_comes_to_the_same_end_wherever_both_die() {
    at_every_place(&FORCED, Victim::Both);
}
