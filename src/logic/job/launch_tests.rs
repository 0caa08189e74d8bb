//! What a step in a list of steps has from the steps around it.

use super::launch;
use crate::logic::job::report::AttemptKey;
use crate::logic::job::testing::{Job, exits};
use crate::logic::playbook::model::OnInterrupt;

const ACTION: &str = "# file: act/action.yml
runs: {using: composite, steps: [{run: x}, {run: y, working-directory: own}]}
";

/// Returns the folders of all steps that run, in their order.
fn folders(stage: &str) -> Vec<String> {
    let text = format!("version: 3\nname: t\nstages:\n  s:\n    {stage}\n{ACTION}");
    let mut job = Job::of_text(&text, 8);
    job.begin();
    let mut folders = Vec::new();
    loop {
        let live: Vec<AttemptKey> = job.state().index.live.keys().copied().collect();
        if live.is_empty() {
            return folders;
        }
        for key in live {
            folders.push(launch(job.state(), key).expect("its texts can be evaluated").cwd.to_string());
            job.report(&exits("s", 0));
        }
    }
}

#[test]
fn a_folder_holds_for_all_that_stands_in_it_and_the_nearest_one_wins() {
    let inside = "[{run: x}, {run: y, working-directory: own}]";
    let stage = |kind: &str| {
        format!(
            "working-directory: far\n    steps: [{{{kind}: {inside}, working-directory: near}}, {{run: z}}]"
        )
    };
    let all = ["/project/near", "/project/own", "/project/far"];
    assert_eq!(folders(&stage("block")), all);
    let nested = "steps: [{block: [{parallel: [{run: x}]}], working-directory: near}]";
    assert_eq!(folders(nested), ["/project/near"]);
    let rescue = "steps: [{block: [{run: x}], always: [{run: y}], working-directory: 'n${{ 1 }}'}]";
    assert_eq!(folders(rescue), ["/project/n1", "/project/n1"]);
    let action = "steps: [{block: [{uses: ./act}], working-directory: near}]";
    assert_eq!(folders(action), ["/project", "/project/own"], "an action stands where it stands");
}

#[test]
fn all_steps_of_a_parallel_have_its_folder() {
    let text = "version: 3\nstages: {s: {steps: [{parallel: [{run: x}, {run: y}], working-directory: p}]}}\n";
    let mut job = Job::of_text(text, 8);
    job.begin();
    let keys: Vec<AttemptKey> = job.state().index.live.keys().copied().collect();
    assert_eq!(keys.len(), 2);
    for key in keys {
        assert_eq!(&*launch(job.state(), key).expect("nothing is to be evaluated").cwd, "/project/p");
    }
}

#[test]
fn an_undo_works_where_its_step_did() {
    let stage = "working-directory: far\n    steps: \
                 [{run: x, working-directory: near, undo: {run: back}}, {rollback: true}]";
    assert_eq!(folders(stage), ["/project/near", "/project/near"]);
}

#[test]
fn what_a_list_says_about_losses_holds_for_its_steps() {
    let text = "version: 3\nstages:\n  s:\n    on-interrupt: fail\n    steps:\n      \
                - block: [{run: a}, {run: b, on-interrupt: ask, idempotent: false}]\n        \
                idempotent: true\n        on-interrupt: rerun\n        log: {limit: 5}\n      - run: c\n";
    let job = Job::of_text(text, 1);
    let steps = &job.state().setting.plan.playbook.stages[0].steps.steps;
    let told: Vec<_> = steps.iter().map(|it| (it.idempotent, it.on_interrupt, it.log_limit)).collect();
    let of_block = (true, OnInterrupt::Rerun, Some(5));
    let own = (false, OnInterrupt::Ask, Some(5));
    assert_eq!(told, [of_block, of_block, own, (false, OnInterrupt::Fail, None)]);
}
