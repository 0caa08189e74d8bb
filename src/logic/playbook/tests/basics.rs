//! Tests of keys, types, names and shapes.

use expect_test::expect;

use super::{check, check_full};

#[test]
fn an_empty_file_says_what_a_playbook_begins_with() {
    let source = super::Source::new("p.yml", "# nothing\n");
    let reading = super::read(&source);
    expect![[r#"
        1:1 empty-file: this file is empty
          help: a playbook begins with `version: 3` and has `stages:`
    "#]]
    .assert_eq(&super::full(&source, &reading));
}

#[test]
fn the_version_is_asked_for() {
    let source = super::Source::new("p.yml", "stages: {a: {run: x}}\n");
    let reading = super::read(&source);
    expect![[r#"
        1:1 missing-version: this playbook does not say its version
          help: write `version: 3` at the top
    "#]]
    .assert_eq(&super::full(&source, &reading));
    let source = super::Source::new("p.yml", "version: 2\nstages: {a: {run: x}}\n");
    let reading = super::read(&source);
    expect![[r#"
        1:10 wrong-version: version `2` of the language is not known here
          help: write `version: 3` and check again; the keys of older versions differ
    "#]]
    .assert_eq(&super::full(&source, &reading));
}

#[test]
fn an_unknown_key_gets_advice() {
    check_full(
        "jobs: {}\nstages:\n  a:\n    run: x\n    shell: bash\n    timeuot: 5m\n    runs_on: host\n    frobnicate: 1\n    x-mine: 1\n",
        expect![[r#"
            1:1 unknown-key: a playbook has no key `jobs`
              help: write `stages`
            5:5 unknown-key: a stage has no key `shell`
              help: `shell` is a key of a step
            6:5 unknown-key: a stage has no key `timeuot`
              help: did you mean `timeout`?
            7:5 unknown-key: a stage has no key `runs_on`
              help: did you mean `runs-on`?
            8:5 unknown-key: a stage has no key `frobnicate`
              help: `sortie explain keys` lists all keys; keys of your own begin with `x-`
        "#]],
    );
}

#[test]
fn a_key_that_is_not_carried_out_yet_is_refused() {
    check_full(
        "on: webhook\nstages:\n  a:\n    container: {}\n    steps: [{run: x, secrets: [x]}, {run: x, tty: true}]\n",
        expect![[r#"
            1:5 not-yet: the trigger `webhook` is not supported yet
              help: remove it for now; `sortie explain keys` says what works today
            4:5 not-yet: the key `container` of a stage is not supported yet
              help: remove it for now; `sortie explain keys` says what works today
            5:22 not-yet: the key `secrets` of a step is not supported yet
              help: remove it for now; `sortie explain keys` says what works today
            5:46 not-yet: the key `tty` of a step is not supported yet
              help: remove it for now; `sortie explain keys` says what works today
        "#]],
    );
    check_full(
        "stages:\n  a: {run: x, runs-on: ubuntu-latest, workspace: worktree}\n",
        expect![[r#"
        2:24 not-yet: the label `ubuntu-latest` of `runs-on` is not supported yet
          help: remove it for now; `sortie explain keys` says what works today
        2:50 not-yet: the workspace `worktree` is not supported yet
          help: remove it for now; `sortie explain keys` says what works today
    "#]],
    );
}

#[test]
fn durations_say_what_is_wrong_with_them() {
    check_full(
        "policy: {timeout: 20, cleanup-timeout: 0s}\nstages:\n  a: {run: x, timeout: fast}\n  b: {run: x, timeout: -5m}\n  c: {run: x, timeout: [1]}\n  d: {run: x, timeout: \"${{ inputs.t }}\"}\n",
        expect![[r#"
            1:19 bad-duration: a duration needs a unit, found `20`
              help: write `20s` or `20m`
            1:40 bad-duration: a duration has to be more than nothing, found `0s`
              help: leave the key out if there is no limit
            3:24 bad-duration: expected a duration such as `30s` or `5m`, found `fast`
              help: units are `ms`, `s`, `m`, `h` and `d`, as in `1h30m`
            4:24 bad-duration: a duration cannot be negative, found `-5m`
            5:24 wrong-type: expected a duration such as `30s` or `5m`, found a list
            6:24 bad-duration: a duration cannot be an expression
              help: write it out, such as `30s` or `5m`
        "#]],
    );
}

#[test]
fn values_of_the_wrong_kind_are_all_told_at_once() {
    check_full(
        "tags: {a: b}\npolicy: {max-parallel: 0, strict: yes}\nstages:\n  a:\n    steps: [make, {run: [x]}, {run: x, env: [A]}, {run: x, ok-exit-codes: [0, 300]}]\n  b: 5\n  c: {run: x, priority: high}\n",
        expect![[r#"
            1:7 wrong-type: expected a list of words, found a map
            2:24 bad-number: expected a whole number from 1 to 100000, found `0`
            2:35 wrong-type: expected `true` or `false`, found `yes`
            5:13 wrong-type: expected the keys of a step, found `make`
              help: write `- run: make`
            5:25 wrong-type: expected text for a shell, found a list
            5:45 wrong-type: expected a map of names and text, found a list
            5:79 bad-number: expected a whole number from 0 to 255, found `300`
            6:6 wrong-type: expected the keys of a stage, found `5`
              help: write what it runs: `run: COMMAND`
            7:25 wrong-type: expected a whole number from -1000000 to 1000000, found `high`
        "#]],
    );
}

#[test]
fn names_have_their_letters() {
    check(
        "stages:\n  2fast: {run: x}\n  a b: {run: x}\n  __own: {run: x}\n  fine_one-1: {run: x}\n  Fine_One-1: {run: x}\n",
        expect![[r#"
            error bad-id 2:3 `2fast`
            error bad-id 3:3 `a b`
            error bad-id 4:3 `__own`
            error duplicate-id 6:3 `Fine_One-1`
        "#]],
    );
}

#[test]
fn axes_have_names_that_can_be_named() {
    check_full(
        "profiles: {p: {matrix: {p q: [x]}}}\nstages:\n  a: {run: x, matrix: {a b: [x], os.version: [x], 18: [x]}}\n  b: {run: x, matrix: {os: [x], include: [{os: x, no good: y}]}}\n  c: {run: x, matrix: {a b: \"${{ fromJSON('[1]') }}\", c: [1]}}\n",
        expect![[r#"
            1:25 bad-id: `p q` cannot be the name of an axis
              help: a name begins with a letter or `_` and goes on with letters, digits, `_` and `-`
            3:24 bad-id: `a b` cannot be the name of an axis
              help: a name begins with a letter or `_` and goes on with letters, digits, `_` and `-`
            3:34 bad-id: `os.version` cannot be the name of an axis
              help: a name begins with a letter or `_` and goes on with letters, digits, `_` and `-`
            3:51 bad-id: `18` cannot be the name of an axis
              help: a name begins with a letter or `_` and goes on with letters, digits, `_` and `-`
            4:51 bad-id: `no good` cannot be the name of an axis
              help: a name begins with a letter or `_` and goes on with letters, digits, `_` and `-`
            5:24 bad-id: `a b` cannot be the name of an axis
              help: a name begins with a letter or `_` and goes on with letters, digits, `_` and `-`
        "#]],
    );
    // As workflows of GitHub have them.
    check(
        "stages:\n  a: {run: x, matrix: {os-version: [x], node_version: [x], _x: [x], Include: [{py-3: y}]}}\n",
        expect![[""]],
    );
}

#[test]
fn a_step_does_exactly_one_thing() {
    check_full(
        "stages:\n  a:\n    steps:\n      - name: nothing\n      - {run: x, block: [{run: y}]}\n      - {run: x, rescue: [{run: y}]}\n      - {block: [{run: y}], shell: sh}\n      - block: []\n  b: {}\n  c: {run: x, steps: []}\n  d:\n",
        expect![[r#"
            4:9 no-action: this step does nothing
              help: give it `run`, `block` or `approve`
            5:18 several-actions: a step does one thing, and this one has `run` and `block`
              5:10 the other one
              help: make two steps of it
            6:18 misplaced-key: `rescue` belongs to a step with `block`
              help: put the steps that it guards into a `block`
            7:29 misplaced-key: `shell` belongs to a step with `run`
              help: move it to the steps of the block
            8:16 empty-steps: this list of steps is empty
              help: add a step such as `- run: make`
            9:3 empty-stage: stage `b` does nothing
              help: give it `run` or `steps`
            10:15 several-actions: stage `c` has `run` and `steps`
              10:7 the other one
              help: make the `run` a step of the list
            11:3 empty-stage: stage `d` does nothing
              help: give it `run` or `steps`
        "#]],
    );
}

#[test]
fn retry_and_cancel_are_checked() {
    check_full(
        "stages:\n  a:\n    cancel: {signal: SIGFOO, grace: 1}\n    retry: {}\n    steps:\n      - {run: x, retry: {attempts: 0}}\n      - {run: x, retry: {attempts: 3, on: [exit:0, failed, exit:75, exit:70-79, 'output:/x/'], backoff: {factor: 0.5, jitter: 2}}}\n      - {run: x, keep-children: leg end, shell: fish}\n",
        expect![[r#"
            3:22 bad-signal: expected a signal such as `SIGTERM`, found `SIGFOO`
              help: write `SIGHUP`, `SIGINT`, `SIGQUIT`, `SIGKILL`, `SIGUSR1`, `SIGUSR2` or `SIGTERM`
            3:37 bad-duration: a duration needs a unit, found `1`
              help: write `1s` or `1m`
            4:12 missing-key: `retry` needs the key `attempts`
              help: write how often to try, the first time included: `attempts: 3`
            6:36 bad-number: expected a whole number from 1 to 100, found `0`
            7:44 unknown-value: expected `failure`, `timeout`, `interrupted`, `start`, `exit:N` or `exit:N-M`, found `exit:0`
              help: exit codes go from 1 to 255
            7:52 unknown-value: expected `failure`, `timeout`, `interrupted`, `start`, `exit:N` or `exit:N-M`, found `failed`
            7:81 not-yet: the cause `output:` of `retry` is not supported yet
              help: remove it for now; `sortie explain keys` says what works today
            7:114 bad-number: expected a number from 1 to 100, found `0.5`
            7:127 bad-number: expected a number from 0 to 1, found `2`
            8:33 unknown-value: expected `stage-end` or `step-end`, found `leg end`
            8:49 unknown-shell: there is no shell `fish`
              help: write `bash`, `sh`, `pwsh`, `python` or `node`, or a command line with `{0}` for the script's path
        "#]],
    );
}

#[test]
fn inputs_and_secrets_are_checked() {
    check_full(
        "inputs:\n  a: {type: choice}\n  b: {type: choice, options: [x, y], default: z}\n  c: {type: number, default: many}\n  d: {type: bool}\n  e: {pattern: '(', default: x}\n  f: {pattern: 'v[0-9]+', default: x}\n  g: {options: [a]}\n  h: {type: boolean, default: yes}\n  i: {type: json, default: {a: [1]}}\n  1j: {}\nsecrets:\n  T: {from: {env: A, file: B}}\n  U: {from: {store: x}}\n  V:\n  v:\nstages: {a: {run: x}}\n",
        expect![[r#"
            2:13 input-options: input `a` is a choice without options
              help: add `options` with a list of words
            3:47 input-default: the default of input `b` does not fit its type: expected `x` or `y`, found `z`
              help: change the default or the type
            4:30 input-default: the default of input `c` does not fit its type: expected a number, found `many`
              help: change the default or the type
            5:13 unknown-value: expected `string`, `number`, `boolean`, `choice` or `json`, found `bool`
            6:16 input-pattern: this is no regular expression: found open group without closing ')'
            7:36 input-default: the default of input `f` does not fit its type: expected text that matches `v[0-9]+`, found `x`
              help: change the default or the type
            8:7 input-options: input `g` has options, but is no choice
              help: write `type: choice`
            9:31 input-default: the default of input `h` does not fit its type: expected `true` or `false`, found `yes`
              help: change the default or the type
            11:3 bad-id: `1j` cannot be the name of an input
              help: a name begins with a letter or `_` and goes on with letters, digits, `_` and `-`
            13:13 secret-source: a secret comes from exactly one place
              help: write one of `env`, `file` and `command`
            14:14 not-yet: the key `store` of `from` of a secret is not supported yet
              help: remove it for now; `sortie explain keys` says what works today
            16:3 duplicate-id: there are two secrets with the name `v`
              15:3 first one
              help: names are the same if they differ only in upper and lower case
        "#]],
    );
}

#[test]
fn requirements_are_checked() {
    check_full(
        "requires: {tools: [git, 'git>=2.30', 'git => 2', 'node >= new'], platforms: [linux, windows], env: [HOME]}\npre: [{name: x}]\nstages: {a: {run: x}}\n",
        expect![[r#"
            1:38 bad-requirement: expected a program such as `git` or `git >= 2.30`, found `git => 2`
              help: comparisons are `<`, `<=`, `==`, `!=`, `>=` and `>`, and a version is made of numbers and dots
            1:50 bad-requirement: expected a program such as `git` or `git >= 2.30`, found `node >= new`
              help: comparisons are `<`, `<=`, `==`, `!=`, `>=` and `>`, and a version is made of numbers and dots
            1:85 unknown-value: expected `linux` or `macos`, found `windows`
            2:7 missing-key: a condition needs the key `if`
              help: write what has to hold, such as `if: inputs.channel != ''`
        "#]],
    );
}

#[test]
fn matrices_are_checked() {
    check_full(
        "stages:\n  a: {run: x, matrix: {os: []}}\n  b: {run: x, matrix: {os: linux}}\n  c: {run: x, strategy: {matrix: {os: [a], exclude: [{arch: b}]}}}\n  d: {run: x, strategy: {fail-fast: true}}\n  e: {run: x, strategy: {matrix: {os: []}, if-empty: skip}}\n  f: {run: x, matrix: {a: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17], b: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}}\n  g: {run: x, matrix: [1]}\n  h: {run: x, matrix: {include: [1]}}\n  i: {run: x, matrix: {os: [a]}, strategy: {matrix: {os: [b]}}}\n  j: {run: x, matrix: 'x ${{ 1 }}'}\n  k: {run: x, matrix: {os: '${{ fromJSON(vars.x) }}', arch: x}}\n",
        expect![[r#"
            2:28 matrix-axis-empty: the axis `os` has no values
              help: add a value; with `if-empty: skip` an empty matrix skips the stage
            3:28 matrix-not-a-list: `os` in a matrix must be a list, not a string
              help: write the values in brackets: `[value, value]`
            4:53 matrix-exclude-unknown: `exclude` names `arch`, which is no axis of the matrix (axes are `os`)
              help: `exclude` may only name axes of this matrix
            5:15 missing-key: `strategy` needs the key `matrix`
              help: add `matrix` with at least one axis, or leave `strategy` out
            7:15 matrix-too-large: the matrix has more than 256 combinations
              help: use fewer values, exclude some, or raise `policy.matrix-limit`
            8:23 matrix-not-a-map: expected a map of axes or one expression, found a list
              help: write each axis as `name: [value, value]`
            9:33 matrix-entry-not-a-map: every entry of `include` must be a map of values, not a number
              help: write each entry as `- name: value`
            10:15 misplaced-key: this stage has two matrices
              10:45 the other one
              help: keep `strategy.matrix`; `matrix` alone is short for it
            11:23 matrix-not-a-map: expected a map of axes or one expression, found `x ${{ 1 }}`
              help: write each axis as `name: [value, value]`
            12:61 matrix-not-a-list: the matrix axis `arch` has to be a list, found `x`
              help: write the values in brackets: `[value, value]`
        "#]],
    );
}

#[test]
fn stages_in_a_list_have_an_id() {
    check_full(
        "stages:\n  - id: a\n    run: x\n  - run: y\n  - z\n",
        expect![[r#"
            4:5 missing-key: a stage in a list needs the key `id`
              help: write `- id: NAME` at its beginning
            5:5 wrong-type: expected the keys of a stage, with `id`, found `z`
              help: write `- id: NAME`, and what it runs: `run: COMMAND`
        "#]],
    );
    check(
        "stages:\n  a: {id: b, run: x}\n",
        expect![[r#"
        error misplaced-key 2:11 `b`
    "#]],
    );
}
