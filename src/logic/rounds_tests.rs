//! Which stages a change is about, and which changes are the job's own doing.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::logic::plan::{PlanRequest, plan};
use crate::logic::playbook::testing::read_whole;

const BASE: &str = "version: 3
inputs: {n: {default: a}}
reporting: {formats: [markdown], path: reports/x.md}
stages:
  lint:
    cache: {inputs: ['docs/**']}
    run: lint
  build:
    cache: {inputs: ['src/**', '!src/gen/**'], outputs: [dist/app, 'out/${{ inputs.n }}/x']}
    run: build
  test: {needs: build, cache: {inputs: [tests/**]}, run: test}
  ship: {needs: [lint, test], run: ship}
";

fn planned(text: &str, request: &PlanRequest) -> Plan {
    let (_, reading) = read_whole("x.yml", text.as_bytes());
    let playbook = reading.playbook.unwrap_or_else(|| panic!("{:?}", reading.diagnostics));
    plan(Arc::new(playbook), request).expect("a plan")
}

fn files(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn stages_that_read_a_file_are_affected_and_what_needs_them() {
    let plan = planned(BASE, &PlanRequest::default());
    let of = |name: &str| affected(&plan, &files(&[name])).stages;
    assert_eq!(of("src/a.c"), ["build", "test", "ship"]);
    assert_eq!(of("tests/t"), ["test", "ship"]);
    // What declares nothing may read anything.
    assert_eq!(of("src/gen/b.c"), ["ship"]);
    assert_eq!(affected(&plan, &files(&["docs/x"])).others, ["build", "test"]);
}

#[test]
fn what_is_left_out_is_neither_affected_nor_not() {
    let plan = planned(BASE, &PlanRequest { only: vec!["lint".to_owned()], ..PlanRequest::default() });
    let of = affected(&plan, &files(&["src/a"]));
    assert_eq!((of.stages.len(), of.others), (0, vec!["lint".to_owned()]));
    assert_eq!(all_inputs(&plan).len(), 1);
}

#[test]
fn declared_outputs_are_known_as_far_as_they_can_be() {
    let plan = planned(BASE, &PlanRequest::default());
    let all = outputs(&plan);
    let is_made = |path: &str| all.iter().any(|it| it.name(path));
    assert!(is_made("dist/app") && is_made("out/a/x") && is_made("reports/x.md"));
    assert!(!is_made("dist/other") && !is_made("src/a.c"));
}

/// Lets a file change in rounds, one after the other; returns what was done about each.
fn rounds(doubt: &mut Doubt, count: usize, is_whole: bool) -> Vec<Verdict> {
    let one = |_| {
        let (verdict, _) = doubt.during(&files(&["made"]));
        doubt.ended(is_whole);
        verdict
    };
    (0..count).map(one).collect()
}

#[test]
fn what_changes_in_every_round_ends_being_a_reason() {
    use Verdict::{After, Ignore, Restart};
    let mut doubt = Doubt::default();
    let all = rounds(&mut doubt, 8, true);
    assert_eq!(all, [Restart, Restart, Restart, After, After, Ignore, Ignore, Ignore]);
    assert_eq!(doubt.own(), files(&["made"]));
    // Another file is a reason all the same.
    assert_eq!(doubt.during(&files(&["made", "src"])).0, Restart);
}

#[test]
fn what_changes_between_rounds_is_somebody_elses() {
    let mut doubt = Doubt::default();
    rounds(&mut doubt, 6, true);
    doubt.between(&files(&["made"]));
    assert!(doubt.own().is_empty());
    assert_eq!(rounds(&mut doubt, 1, true), [Verdict::Restart]);
}

#[test]
fn a_round_without_the_change_clears_it_unless_it_was_stopped() {
    let mut doubt = Doubt::default();
    rounds(&mut doubt, 6, true);
    doubt.ended(false);
    assert_eq!(doubt.own(), files(&["made"]));
    doubt.ended(true);
    assert!(doubt.own().is_empty());
    assert_eq!(doubt.during(&files(&["made"])).0, Verdict::Restart);
}

#[test]
fn whoever_takes_a_file_for_the_jobs_own_hears_of_it_once() {
    let mut doubt = Doubt::default();
    rounds(&mut doubt, 5, true);
    assert_eq!(doubt.during(&files(&["made"])).1, ["made"]);
    assert_eq!(doubt.during(&files(&["made"])).1, [] as [&str; 0]);
}
