//! Tests of expressions in their places.

use expect_test::expect;

use super::{check, check_full};

#[test]
fn faults_inside_of_expressions_are_shown_to_the_column() {
    check(
        "stages:\n  a:\n    name: plain ${{ inputs. }}\n    steps:\n      - run: 'it''s ${{ nope }} here'\n      - run: \"tab\\t\\u00e9 ${{ nope }}\"\n      - run: |\n          first\n            ${{ nope }}\n\n          third é ${{ nope }}\n      - run: >-\n          folded\n          text ${{ nope }}\n\n          more ${{ nope }}\n      - run: plain\n          second ${{ nope }}\n",
        expect![[r#"
            error expression-syntax 3:27 `.`
            error unknown-context 5:25 `nope`
            error unknown-context 6:31 `nope`
            error unknown-context 9:17 `nope`
            error unknown-context 11:23 `nope`
            error unknown-context 14:20 `nope`
            error unknown-context 16:20 `nope`
            error unknown-context 18:22 `nope`
        "#]],
    );
}

#[test]
fn syntax_errors_have_a_way_out() {
    check_full(
        "stages:\n  a:\n    steps:\n      - run: ${{ 1 + 2 }}\n      - run: ${{ \"x\" }}\n      - run: ${{ upper('x') }}\n      - run: ${{ contain('a', 'b') }}\n      - run: ${{ contains('a') }}\n      - run: ${{ }}\n      - run: echo ${{ inputs.x\n      - if: a = b\n        run: x\n      - if: ''\n        run: x\n",
        expect![[r#"
            4:20 expression-syntax: unexpected symbol: `+`
              help: the language has no arithmetic; calculate in a step and use its output
            5:18 expression-syntax: unexpected symbol: `"x"`
              help: text in expressions stands in single quotes
            6:18 unknown-function: there is no function `upper`
              help: the functions are `contains`, `startsWith`, `endsWith`, `format`, `join`, `toJSON`, `fromJSON`, `case`, `hashFiles`, `success`, `failure`, `cancelled`, `always`
            7:18 unknown-function: there is no function `contain`
              help: did you mean `contains`?
            8:18 wrong-argument-count: too few parameters supplied: `contains`
            9:14 expression-empty: an expression was expected between `${{` and `}}`
              help: write an expression between `${{` and `}}`
            10:19 expression-unclosed: the expression is not closed: a `${{` was found, but no `}}` after it
              help: close it with `}}`
            11:15 expression-syntax: unexpected symbol: `=`
              help: `==` compares
        "#]],
    );
}

#[test]
fn contexts_are_only_there_where_they_have_values() {
    check_full(
        "run-name: x ${{ steps.a }}\nsecrets: {T: }\nenv: {A: '${{ env.B }}'}\nstages:\n  a:\n    if: matrix.os == 'x' && env.A\n    name: ${{ success() }}\n    env: {A: \"${{ hashFiles('x') }}\"}\n    steps:\n      - if: secrets.T\n        run: ${{ error.kind }} ${{ input.x }} ${{ stages.a }} ${{ completely }}\n      - block: [{run: x}]\n        rescue: [{run: '${{ error.kind }} ${{ error.what }}'}]\n    outputs: {x: '${{ always() }}'}\n",
        expect![[r#"
            1:17 context-not-here: the context `steps` is not available in `run-name`
              help: available here: `run`, `github`, `inputs` and `vars`
            3:15 context-not-here: the context `env` is not available in `env` of the playbook
              help: available here: `run`, `github`, `inputs`, `vars` and `secrets`
            6:9 context-not-here: the context `matrix` is not available in the `if` of a stage
              help: available here: `run`, `github`, `inputs`, `vars` and `needs`
            6:29 context-not-here: the context `env` is not available in the `if` of a stage
              help: available here: `run`, `github`, `inputs`, `vars` and `needs`
            7:15 function-not-here: the function `success` cannot be used in the name of a stage
              help: the functions `success`, `failure`, `cancelled` and `always` belong into an `if`
            8:19 function-not-here: the function `hashFiles` cannot be used in `env` of a stage
              help: `hashFiles` belongs into steps
            10:13 context-not-here: the context `secrets` is not available in the `if` of a step, because it would show the secret
              help: available here: `run`, `github`, `inputs`, `vars`, `env`, `needs`, `matrix`, `strategy`, `steps`, `stage`, `job`, `runner`, `gate` and `error`
            11:18 context-not-here: the context `error` is only there in `rescue` and `always`
              help: `steps.NAME.outcome` tells the result of an earlier step
            11:36 unknown-context: there is no context `input`
              help: did you mean `inputs`?
            11:51 context-not-here: the context `stages` is not available in `run`
              help: available here: `run`, `github`, `inputs`, `vars`, `secrets`, `env`, `needs`, `matrix`, `strategy`, `steps`, `stage`, `job`, `runner`, `gate` and `error`
            11:67 unknown-context: there is no context `completely`
              help: available here: `run`, `github`, `inputs`, `vars`, `secrets`, `env`, `needs`, `matrix`, `strategy`, `steps`, `stage`, `job`, `runner`, `gate` and `error`; text stands in single quotes
            13:47 unknown-member: `error` has no member `what` in expressions
              help: there are `kind`, `step`, `exit-code`, `signal`, `message` and `attempt`
            14:23 function-not-here: the function `always` cannot be used in `outputs` of a stage
              help: the functions `success`, `failure`, `cancelled` and `always` belong into an `if`
        "#]],
    );
}

#[test]
fn members_that_cannot_be_there_are_told() {
    check_full(
        "inputs: {channel: }\nsecrets: {TOKEN: }\nstages:\n  build:\n    matrix: {os: [linux], include: [{extra: 1}]}\n    steps:\n      - {id: one, run: x, env: {A: '${{ steps.two.outputs.x }}'}}\n      - {id: two, run: x, env: {A: '${{ steps.one.outputs.x }} ${{ steps.tow.outcome }} ${{ steps.one.result }}', B: '${{ matrix.OS }} ${{ matrix.extra }} ${{ matrix.arch }}'}}\n    outputs: {version: '${{ steps.two.outputs.v }}'}\n  test:\n    run: x\n    env:\n      A: ${{ needs.build.outputs.version }} ${{ stages.build }} ${{ matrix.os }}\n      B: ${{ inputs.chanel }} ${{ secrets.TOKN }} ${{ run.nmber }}\n  deploy:\n    needs: build\n    run: x\n    env: {A: '${{ needs.build.outputs.version }} ${{ needs.build.outputs.verion }} ${{ needs.build.output }} ${{ needs.nope.result }}'}\noutputs:\n  v: {value: '${{ stages.build.outputs.version }} ${{ jobs.deploy.outputs.x }} ${{ stages.biuld.result }}'}\n",
        expect![[r#"
            7:41 unknown-step: the result of step `two` is read before that step has run
              help: `steps` knows the steps that come before
            8:68 unknown-step: stage `build` has no step `tow`
              help: did you mean `two`?
            8:93 unknown-member: a step has no member `result` in expressions
              help: there are `outputs`, `outcome`, `conclusion`, `exit-code`, `attempts`, `duration-ms` and `cached`
            8:160 unknown-matrix-key: the matrix has no key `arch`
              help: add it to the matrix, or to `include`
            13:14 need-not-declared: stage `test` reads the result of `build`, but does not need it
              help: add `build` to the `needs` of `test`
            13:49 context-not-here: the context `stages` is not available in `env` of a stage
              help: available here: `run`, `github`, `inputs`, `vars`, `secrets`, `needs`, `matrix`, `strategy` and `gate`
            13:69 unknown-matrix-key: stage `test` has no matrix
              help: give it one below `strategy`
            14:14 unknown-input: there is no input `chanel`
              help: did you mean `channel`?
            14:35 unknown-secret: the secret `TOKN` is not declared
              help: did you mean `TOKEN`?
            14:55 unknown-member: `run` has no member `nmber` in expressions
              help: did you mean `number`?
            18:54 unknown-output: stage `build` has no output `verion`
              help: did you mean `version`?
            18:88 unknown-member: a need has no member `output` in expressions
              help: did you mean `outputs`?
            18:114 unknown-stage: there is no stage `nope`
              help: `needs` knows the stages that this one needs
            20:55 unknown-output: stage `deploy` has no output `x`
              help: declare it below `outputs` of `deploy`
            20:84 unknown-stage: there is no stage `biuld`
              help: did you mean `build`?
        "#]],
    );
}

#[test]
fn values_from_outside_in_commands_are_warned_about() {
    check_full(
        "inputs: {tag: , channel: {type: choice, options: [a]}, count: {type: number}}\nstages:\n  a:\n    outputs: {x: y}\n    run: echo ${{ inputs.tag }} ${{ inputs.channel }} ${{ inputs.count }} ${{ github.event.title }} ${{ vars.x }}\n  b:\n    needs: a\n    matrix: ${{ fromJSON(needs.a.outputs.x) }}\n    run: echo ${{ needs.a.outputs.x }} ${{ needs.a.result }} ${{ matrix.y }}\n    env: {OK: '${{ inputs.tag }}'}\n",
        expect![[r#"
            5:19 untrusted-in-run: the value of `inputs.tag` becomes part of the command's text
              help: hand it over in `env` and write `"$NAME"` here
            5:79 untrusted-in-run: the value of `github.event.title` becomes part of the command's text
              help: hand it over in `env` and write `"$NAME"` here
            9:19 untrusted-in-run: the value of `needs.a.outputs.x` becomes part of the command's text
              help: hand it over in `env` and write `"$NAME"` here
            9:66 untrusted-in-run: the value of `matrix.y` becomes part of the command's text
              help: hand it over in `env` and write `"$NAME"` here
        "#]],
    );
}

#[test]
fn a_condition_with_text_around_is_always_true() {
    check_full(
        "stages:\n  a: {run: x, if: \"${{ vars.a }} == 'b'\"}\n  b: {run: x, if: \"${{ vars.a == 'b' }}\"}\n",
        expect![[r#"
        2:19 constant-if: this condition is always true, because there is text around its `${{ }}`
          help: put the whole condition inside of `${{ }}`, or leave `${{ }}` out
    "#]],
    );
    check(
        "policy: {strict: true}\nstages:\n  a: {run: x, if: \"${{ vars.a }} == 'b'\"}\n",
        expect![[r#"
        error constant-if 3:19 `"${{ vars.a }} == 'b'"`
    "#]],
    );
}

#[test]
fn run_when_and_status_functions_exclude_each_other() {
    check_full(
        "stages:\n  a: {run: x}\n  b: {needs: a, run: x, if: failure(), run-when: all-done}\n  c: {needs: a, run: x, if: vars.x, run-when: all-done}\n",
        expect![[r#"
        3:40 run-when-with-status: `run-when` and the `if` both say which results of the needs count
          3:29 asks for results as well
          help: keep one of the two
    "#]],
    );
}

#[test]
fn an_aliased_fault_is_told_once() {
    check(
        "x-s: &s {run: '${{ nope }}'}\nstages:\n  a: {steps: [*s, *s]}\n  b: {steps: [*s]}\n",
        expect![[r#"
        error unknown-context 1:20 `nope`
    "#]],
    );
}
