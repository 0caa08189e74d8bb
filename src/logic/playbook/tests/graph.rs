//! Tests of needs, cycles and `finally`.

use expect_test::expect;

use super::{check, check_full};

#[test]
fn an_unknown_need_is_shown_with_the_name_that_was_meant() {
    check(
        "stages:\n  a: { needs: [b], run: x }\n",
        expect![[r#"
        error unknown-need 2:16 `b`
    "#]],
    );
    check_full(
        "stages:\n  build: {run: x}\n  deploy: {needs: [biuld, test], run: x}\n  test: {run: x}\n",
        expect![[r#"
            3:20 unknown-need: stage `deploy` needs `biuld`, but no stage has that name
              help: did you mean `build`?
        "#]],
    );
}

#[test]
fn a_cycle_is_told_with_all_its_places() {
    check_full(
        "stages:\n  build: {needs: docs, run: x}\n  lint: {needs: [build], run: x}\n  docs: {needs: lint, run: x}\n",
        expect![[r#"
            2:18 need-cycle: these stages wait for each other: `build` → `docs` → `lint` → `build`
              4:17 waits for `lint`
              3:18 waits for `build`
              help: remove one of these needs
        "#]],
    );
}

#[test]
fn a_knot_of_several_cycles_is_one_problem_with_a_shortest_cycle() {
    check_full(
        "stages:\n  a: {needs: [b, c], run: x}\n  b: {needs: [a], run: x}\n  c: {needs: [a, b], run: x}\n  d: {needs: [a], run: x}\n",
        expect![[r#"
            2:15 need-cycle: these stages wait for each other: `a` → `b` → `a`
              3:15 waits for `a`
              help: remove one of these needs; the same knot holds `c`
        "#]],
    );
}

#[test]
fn two_cycles_apart_are_two_problems() {
    check(
        "stages:\n  a: {needs: b, run: x}\n  b: {needs: a, run: x}\n  c: {needs: d, run: x}\n  d: {needs: c, run: x}\n",
        expect![[r#"
            error need-cycle 2:14 `b`
            error need-cycle 4:14 `d`
        "#]],
    );
}

#[test]
fn a_stage_that_needs_itself_is_no_cycle_of_many() {
    check_full(
        "stages:\n  a: {needs: [a], run: x}\n",
        expect![[r#"
        2:15 self-need: stage `a` needs itself
          help: remove this need
    "#]],
    );
}

#[test]
fn needs_compare_without_case_and_count_once() {
    check(
        "stages:\n  Build: {run: x}\n  test: {needs: [build, BUILD], run: x}\n",
        expect![[r#"
        error duplicate-need 3:25 `BUILD`
    "#]],
    );
}

#[test]
fn finally_stands_apart() {
    check_full(
        "stages:\n  a: {needs: clean, run: x}\nfinally:\n  clean: {run: x}\n  report: {needs: [a, clean], run: x}\n",
        expect![[r#"
            2:14 finally-need: stage `a` cannot need `clean`, which belongs to `finally`
              4:3 this stage
              help: stages of `finally` start last; move one of the two
            5:20 finally-need: stage `report` of `finally` cannot need `a`
              2:3 this stage
              help: stages of `finally` start when all others have ended; remove the need
        "#]],
    );
}

#[test]
fn a_thousand_stages_in_a_ring_are_one_problem() {
    let mut text = String::from("stages:\n");
    for at in 0..1000 {
        text.push_str(&format!("  s{at}: {{needs: s{}, run: x}}\n", (at + 1) % 1000));
    }
    let (_, reading) = super::read_text(&text);
    assert_eq!(reading.diagnostics.len(), 1);
    assert_eq!(reading.diagnostics[0].slug, "need-cycle");
    assert!(reading.diagnostics[0].related.len() <= 20);
}
