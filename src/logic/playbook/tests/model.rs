//! Tests of what a sound playbook becomes.

use std::time::Duration;

use crate::logic::expr::Template;
use crate::logic::job::effect::KeepChildren;
use crate::logic::playbook::model::{
    Action, Comparison, InputKind, MatrixSource, Playbook, RetryOn, RunWhen, SecretFrom, Shell, Workspace,
};
use crate::logic::playbook::read;
use crate::logic::playbook::source::Source;

const FULL: &str = r#"
version: 3
run-name: release ${{ inputs.channel }}
description: Brings a release out
category: release
tags: [fast, safe]
x-steps: &steps
  - {id: one, run: ./one.sh}
inputs:
  channel: {type: choice, options: [beta, stable], default: beta}
  count: {type: number, default: 3, required: true}
secrets:
  TOKEN: {from: {command: pass show token}, required: true}
  OTHER:
vars: {level: 5, name: x, on: true}
env: {PORT: 0105, EMPTY: , TEXT: yes}
defaults:
  run: {shell: sh, working-directory: src}
  timeout: 20m
  retry: {attempts: 2}
  cancel: {signal: INT}
policy: {timeout: 1h30m, cleanup-timeout: 1m, max-parallel: 3, matrix-limit: 10}
requires: {tools: [git >= 2.30, make], platforms: [linux], env: [HOME]}
pre: [{name: channel is set, if: inputs.channel != '', message: 'no ${{ inputs.channel }}'}]
stages:
  test:
    needs: build
    run-when: all-done
    run: make test
  build:
    strategy: {matrix: {os: [linux, mac], n: [1, 1.5]}, fail-fast: false, max-parallel: 2}
    workspace: {mode: scratch}
    cancel: {grace: 0s}
    log: {limit: 1MiB}
    continue-on-error: ${{ matrix.n == 1 }}
    outputs: {v: '${{ steps.one.outputs.v }}'}
    steps: *steps
  deploy:
    needs: [build, test]
    priority: -2
    steps:
      - block:
          - {run: ./push.sh, shell: 'perl {0}', ok-exit-codes: [0, 3], skip-exit-code: 78, durable: true}
          - {run: ./smoke.sh, timeout: 2m, keep-children: step-end, retry: {attempts: 5, on: [timeout, 'exit:70-79'], backoff: {first: 2s, max: 1m, jitter: 0.2}}}
        rescue: [{run: './page.sh "${{ error.step }}"'}]
        always: [{run: ./unlock.sh}]
      - {run: last, log: {limit: 5}}
finally:
  report: {run: ./report.sh}
outputs: {v: {value: '${{ stages.build.outputs.v }}'}}
"#;

fn playbook(text: &str) -> Playbook {
    let source = Source::new("books/release.v1.yml", text);
    let reading = read(&source);
    assert_eq!(super::full(&source, &reading), "");
    reading.playbook.expect("there is no error")
}

#[test]
fn the_head_of_a_playbook_is_read() {
    let book = playbook(FULL);
    assert_eq!(&*book.name, "release.v1");
    assert_eq!(book.tags, ["fast", "safe"]);
    assert!(matches!(&book.inputs[0].kind, InputKind::Choice { options } if options.len() == 2));
    assert!(matches!(book.inputs[1].kind, InputKind::Number) && book.inputs[1].required);
    assert!(matches!(&book.secrets[0].from, SecretFrom::Command(line) if line == "pass show token"));
    assert!(matches!(&book.secrets[1].from, SecretFrom::Env(name) if name == "OTHER"));
    let env: Vec<_> = book.env.iter().map(|(name, text)| (&**name, text.template.as_literal())).collect();
    assert_eq!(env, [("PORT", Some("0105")), ("EMPTY", Some("")), ("TEXT", Some("yes"))]);
    assert_eq!(book.vars[2].1.kind(), "Boolean");
    assert_eq!(book.policy.timeout, Some(Duration::from_secs(5400)));
    assert_eq!(book.policy.matrix_limit, 10);
    assert_eq!(book.requires.tools[0].version, Some((Comparison::GreaterOrEqual, "2.30".to_owned())));
    assert_eq!(book.requires.tools[1].version, None);
    assert_eq!(book.pre[0].name, "channel is set");
    assert_eq!(&*book.pre[0].condition.source, "inputs.channel != ''");
}

#[test]
fn stages_keep_their_order_and_know_their_needs_and_limits() {
    let book = playbook(FULL);
    let ids: Vec<_> = book.stages.iter().map(|stage| &*stage.id).collect();
    assert_eq!(ids, ["test", "build", "deploy", "report"]);
    assert_eq!(book.stages[2].needs, [1, 0]);
    assert!(book.stages[3].is_final && !book.stages[2].is_final);
    let build = &book.stages[1];
    assert_eq!(build.workspace, Workspace::Scratch);
    assert_eq!(build.timeout, Duration::from_secs(1200));
    assert_eq!((build.cancel.signal, build.cancel.grace), (2, Duration::ZERO));
    let strategy = build.strategy.as_ref().expect("there is a strategy");
    assert!(matches!(strategy.matrix, MatrixSource::Fixed(_)) && !strategy.fail_fast);
    assert_eq!(strategy.max_parallel, Some(2));
    assert_eq!(book.stages[0].run_when, RunWhen::AllDone);
    assert_eq!(book.stages[2].priority, -2);
    let continues = &build.continue_on_error.as_ref().expect("it is there").condition;
    assert!(!continues.needs_success(), "a failure must not answer for the condition");
}

#[test]
fn steps_are_a_flat_list_with_blocks_before_their_members() {
    let book = playbook(FULL);
    let tree = &book.stages[2].steps;
    assert_eq!(tree.body, [0, 5]);
    assert!(matches!(&tree.steps[0].action, Action::Block { block, rescue, always }
        if block == &[1, 2] && rescue == &[3] && always == &[4]));
    assert_eq!(tree.steps[1].parent, Some(0));
    assert!(
        matches!(&tree.steps[1].action, Action::Run { shell: Shell::Custom(line), .. } if line == "perl {0}")
    );
    assert_eq!(
        (tree.steps[1].ok_exit_codes.as_slice(), tree.steps[1].skip_exit_codes.as_slice()),
        (&[0, 3][..], &[78][..])
    );
    assert!(tree.steps[1].durable);
    let retry = tree.steps[2].retry.as_ref().expect("its own retry");
    assert_eq!(retry.attempts, 5);
    assert_eq!(retry.on, [RetryOn::Timeout, RetryOn::Exit(70, 79)]);
    assert_eq!(tree.steps[2].keep_children, KeepChildren::StepEnd);
    assert_eq!(tree.steps[0].retry, None, "defaults are for steps with a command");
    assert_eq!(tree.steps[5].retry.as_ref().map(|retry| retry.attempts), Some(2));
    assert_eq!(tree.steps[5].log_limit, Some(5));
    assert!(matches!(&tree.steps[5].action, Action::Run { shell: Shell::Sh, .. }));
    assert_eq!(book.stages[1].steps.steps[0].log_limit, Some(1 << 20));
}

#[test]
fn a_mixed_matrix_keeps_its_expressions() {
    let book = playbook(
        "version: 3\nstages:\n  a:\n    run: x\n    matrix: {os: '${{ fromJSON(vars.x) }}', n: [1]}\n",
    );
    let strategy = book.stages[0].strategy.as_ref().expect("there is a strategy");
    assert!(matches!(strategy.matrix, MatrixSource::Mixed(_)));
    let book = playbook("version: 3\nstages:\n  a:\n    run: x\n    matrix: ${{ fromJSON(vars.x) }}\n");
    let strategy = book.stages[0].strategy.as_ref().expect("there is a strategy");
    assert!(matches!(&strategy.matrix, MatrixSource::Computed(text) if Template::is_single(&text.template)));
}

#[test]
fn stages_may_stand_in_a_list() {
    let book = playbook("version: 3\nstages:\n  - {id: a, run: x}\n  - {id: b, needs: a, run: y}\n");
    assert_eq!(book.stages[1].needs, [0]);
}
