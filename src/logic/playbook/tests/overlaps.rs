//! Which caches of a file get into each other's way, and which patterns are ordinary.

use expect_test::{Expect, expect};

use super::super::testing::read_whole;
use super::{full, read_text};

/// Compares what is found in stages, given as `NAME: KEYS`, that all run something.
fn check(stages: &[&str], expected: Expect) {
    let line = |it: &&str| {
        let (name, keys) = it.split_once(": ").expect("a name and keys");
        let run = if keys.contains("steps:") { "" } else { "run: x, " };
        format!("  {name}: {{ {run}{keys} }}\n")
    };
    let (source, reading) = read_text(&format!("stages:\n{}", stages.iter().map(line).collect::<String>()));
    assert!(reading.playbook.is_some(), "{}", full(&source, &reading));
    expected.assert_eq(&full(&source, &reading));
}

fn quiet(stages: &[&str]) {
    check(stages, expect![[""]]);
}

#[test]
fn files_that_two_stages_make_are_told_once_for_each_further_stage() {
    check(
        &[
            "a: cache: { inputs: [], outputs: [out/x] }",
            "b: cache: { inputs: [], outputs: [./out//x] }",
            "c: cache: { inputs: [], outputs: ['out/**', other] }",
            "d: needs: a, cache: { inputs: [], outputs: [out/x/y] }",
        ],
        expect![[r#"
            3:47 cache-outputs-shared: the outputs of `a` and `b` have files in common: `out/x` and `./out//x`
              2:47 outputs of `a`
              help: a result of one takes away or puts back what the other made: give each files of its own, or take them out of one with `!`
            4:47 cache-outputs-shared: the outputs of `a` and `c` have files in common: `out/x` and `out/**`
              2:47 outputs of `a`
              help: a result of one takes away or puts back what the other made: give each files of its own, or take them out of one with `!`
            5:57 cache-outputs-shared: the outputs of `a` and `d` have files in common: `out/x` and `out/x/y`
              2:47 outputs of `a`
              help: a result of one takes away or puts back what the other made: give each files of its own, or take them out of one with `!`
        "#]],
    );
}

#[test]
fn steps_and_cells_may_make_the_same_files_as_well() {
    check(
        &[
            "a: steps: [{ run: x, cache: { inputs: [], outputs: [x] } }, { run: y, cache: { inputs: [], outputs: ['x'] } }]",
            "b: matrix: { os: [p, q] }, cache: { inputs: [], outputs: [dist] }",
        ],
        expect![[r#"
            2:106 cache-outputs-shared: two steps of `a` have `x` among their outputs
              2:57 outputs of `a`
              help: a result of one takes away or puts back what the other made: give each files of its own, or take them out of one with `!`
            3:71 cache-outputs-shared: every cell of `b` has `dist` among its outputs
              help: a result of one cell takes away or puts back what another made: put a value of the matrix into the path, such as `dist/${{ matrix.os }}`
        "#]],
    );
}

#[test]
fn outputs_beside_each_other_are_ordinary() {
    quiet(&[
        "a: cache: { inputs: ['src/**'], outputs: ['dist/*.js', 'dist/a/**'] }",
        "b: cache: { inputs: ['src/**'], outputs: ['dist/*.css', 'dist/b/**', 'dist2/**'] }",
        "c: cache: { inputs: ['**/*.c', '!src/x.c'], outputs: ['**/*.o', 'out/**', '!out/d/**', '!out/d'] }",
        "d: cache: { inputs: [], outputs: [out/d] }",
    ]);
    quiet(&[
        "a: matrix: { os: [p, q] }, cache: { inputs: [], outputs: ['dist/${{ matrix.os }}'] }",
        "b: matrix: { os: [p] }, cache: { inputs: [], outputs: [one] }",
        "c: cache: { inputs: [], outputs: ['dist/${{ run.name }}', '!dist/${{ run.actor }}', dist] }",
        "d: cache: { inputs: [], outputs: [dist], mode: off }",
    ]);
    // Only one of them runs, as far as that can be told.
    quiet(&[
        "a: if: \"github.actor == 'ann'\", cache: { inputs: [], outputs: [app] }",
        "b: if: \"github.actor != 'ann'\", cache: { inputs: [], outputs: [app] }",
    ]);
}

#[test]
fn what_reads_its_own_outputs_is_told_with_both_places() {
    check(
        &[
            "a: cache: { inputs: ['**'], outputs: ['dist/**'] }",
            "b: cache: { inputs: [b/x/conf.json], outputs: ['b/**'] }",
            "c: steps: [{ run: x, cache: { inputs: ['c/*.c'], outputs: [c/gen.c] } }]",
        ],
        expect![[r#"
            2:34 cache-unordered: `a` reads what `b` makes, and does not need it: `b/**`
              3:60 outputs of `b`
              help: whether it is there by then is chance; add `b` to the `needs` of `a`, or take it out of the inputs with `!b`
            2:51 cache-input-changes: `a` makes what it reads, so no result of it is kept: `dist/**` of its outputs and `**` of its inputs
              2:34 is read by it
              help: take it out of the inputs with `!dist`, or let it make other files than it reads
            3:60 cache-input-changes: `b` makes what it reads, so no result of it is kept: `b/**` of its outputs and `b/x/conf.json` of its inputs
              3:34 is read by it
              help: take it out of the outputs with `!b/x/conf.json`, or let it make other files than it reads
            4:64 cache-input-changes: a step of `c` makes what it reads, so no result of it is kept: `c/gen.c` of its outputs and `c/*.c` of its inputs
              4:44 is read by it
              help: take it out of the inputs with `!c/gen.c`, or let it make other files than it reads
        "#]],
    );
    quiet(&["a: cache: { inputs: ['**', '!dist/**', '!**/*.o'], outputs: ['dist/**', 'src/*.o'] }"]);
}

#[test]
fn what_another_stage_makes_is_read_behind_it_or_told() {
    check(
        &[
            "gen: cache: { inputs: [], outputs: [src/gen.c] }",
            "lint: cache: { inputs: ['src/**'] }",
            "early: cache: { inputs: [late.txt] }",
            "late: needs: early, cache: { inputs: [], outputs: [late.txt] }",
        ],
        expect![[r#"
            3:37 cache-unordered: `lint` reads what `gen` makes, and does not need it: `src/gen.c`
              2:49 outputs of `gen`
              help: whether it is there by then is chance; add `gen` to the `needs` of `lint`, or take it out of the inputs with `!src/gen.c`
            4:38 cache-unordered: `early` reads what `late` makes, which comes after it: `late.txt`
              5:64 outputs of `late`
              help: it finds what an earlier job has left; take it out of the inputs with `!late.txt`
        "#]],
    );
    quiet(&[
        "gen: cache: { inputs: [], outputs: [src/gen.c] }",
        "cc: needs: gen, cache: { inputs: ['src/**'], outputs: ['out/**'] }",
        "pack: needs: cc, cache: { inputs: [src/gen.c, out/app], outputs: [app.tar] }",
        "lint: cache: { inputs: ['src/**', '!src/gen.c'] }",
    ]);
    let last = "stages:\n  a: { run: x, cache: { inputs: [], outputs: [x] } }\nfinally:\n  b: { run: y, cache: { inputs: [x] } }\n";
    let (source, reading) = read_text(last);
    assert_eq!(full(&source, &reading), "");
}

#[test]
fn artifacts_that_are_put_among_the_inputs_are_told() {
    let make = "make: artifacts: { out: [{ name: dist, path: dist }] }";
    let take = |path: &str, inputs: &str| {
        format!(
            "t: needs: make, artifacts: {{ in: [{{ name: dist, path: {path} }}] }}, cache: {{ inputs: [{inputs}] }}"
        )
    };
    let told = [take("got", "'**'"), take("./got/", "src, got/app.js"), take(".", "'**'")];
    let expected = [
        expect![[r#"
        3:95 cache-input-changes: `t` takes the artifact `dist` into files that are inputs of its cache, so they change while it runs
          3:67 is put there after the cache was asked
          help: take `got` out of the inputs with `!got`: what it takes belongs to the key anyway
    "#]],
        expect![[r#"
        3:103 cache-input-changes: `t` takes the artifact `dist` into files that are inputs of its cache, so they change while it runs
          3:67 is put there after the cache was asked
          help: take `./got/` out of the inputs with `!got`: what it takes belongs to the key anyway
    "#]],
        expect![[r#"
        3:93 cache-input-changes: `t` takes the artifact `dist` into files that are inputs of its cache, so they change while it runs
          3:67 is put there after the cache was asked
          help: give the artifact a folder of its own, and take that out of the inputs with `!FOLDER`: what it takes belongs to the key anyway
    "#]],
    ];
    for (stage, expected) in told.iter().zip(expected) {
        check(&[make, stage], expected);
    }
    let apart = [take("got", "'**', '!got'"), take("got", "'**', '!got/**'")];
    for stage in apart.iter().chain(&[take("got", "'src/**', gotten"), take(".", "'src/**'")]) {
        quiet(&[make, stage]);
    }
    // A step asks when the artifacts are there.
    let step = "t: needs: make, artifacts: { in: [{ name: dist, path: got }] }, steps: [{ run: x, cache: { inputs: ['got/**'] } }]";
    quiet(&[make, step]);
}

#[test]
fn each_pattern_and_each_text_of_a_cache_is_told_at_once() {
    check(
        &[
            "a: cache: { inputs: [], outputs: [x, y] }",
            "b: cache: { inputs: [], outputs: [x, y], key: '${{ run.number }}' }, env: { A: '${{ run.id }}', B: '${{ github.run_id }}' }",
            "c: cache: { inputs: ['${{ run.id }}/*'], outputs: ['out-${{ run.number }}'], tools: ['cc ${{ run.number }}'] }",
        ],
        expect![[r#"
            3:47 cache-outputs-shared: `x` is among the outputs of `a` and of `b`
              2:47 outputs of `a`
              help: a result of one takes away or puts back what the other made: give each files of its own, or take them out of one with `!`
            3:50 cache-outputs-shared: `y` is among the outputs of `a` and of `b`
              2:50 outputs of `a`
              help: a result of one takes away or puts back what the other made: give each files of its own, or take them out of one with `!`
            3:59 cache-never-hits: `run.number` is another one in each job, so no earlier result will fit
              3:16 asks for caching
              help: leave it out, or write what the result depends on in its place
            3:92 cache-never-hits: `run.id` is another one in each job, so no earlier result will fit
              3:16 asks for caching
              help: remove one of the two
            3:112 cache-never-hits: `github.run_id` is another one in each job, so no earlier result will fit
              3:16 asks for caching
              help: remove one of the two
            4:34 cache-never-hits: `run.id` is another one in each job, so no earlier result will fit
              4:16 asks for caching
              help: leave it out, or write what the result depends on in its place
            4:64 cache-never-hits: `run.number` is another one in each job, so no earlier result will fit
              4:16 asks for caching
              help: leave it out, or write what the result depends on in its place
            4:98 cache-never-hits: `run.number` is another one in each job, so no earlier result will fit
              4:16 asks for caching
              help: leave it out, or write what the result depends on in its place
        "#]],
    );
}

#[test]
fn thousands_of_caches_are_compared_in_a_moment_and_told_once_each() {
    let stages = |outputs: &dyn Fn(usize) -> String| {
        let stage =
            |at| format!("  s{at}: {{ run: x, cache: {{ inputs: [], outputs: ['{}'] }} }}\n", outputs(at));
        let text = format!("version: 3\nstages:\n{}", (0..2000).map(stage).collect::<String>());
        read_whole("t.yml", text.as_bytes()).1.diagnostics.len()
    };
    assert_eq!(stages(&|at| format!("out/{at}/**")), 0);
    // Not all pairs of so many are looked at, but each that is tells one stage.
    let found = stages(&|_| "out/**".to_owned());
    assert!((1..=1_000).contains(&found), "{found}");
}

#[test]
fn what_ran_once_is_understood_for_ever() {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use crate::logic::playbook::source::Source;

    let strict = "version: 3\npolicy: {strict: true}\nstages:\n  \
        a: {run: x, cache: {inputs: [], outputs: [out/x]}}\n  \
        b: {run: x, cache: {inputs: [], outputs: [out/x]}}\n";
    let caller = "version: 3\nstages:\n  a: {uses: ./playbooks/one.yml}\n  \
        b: {needs: a, run: 'echo ${{ needs.a.outputs.typo }}'}\n";
    let callee: Arc<str> = Arc::from("version: 3\non: call\nstages: {x: {run: x}}\n");
    let called = BTreeMap::from([(Arc::from("playbooks/one.yml"), Ok(callee))]);
    for (text, called) in [(strict, BTreeMap::new()), (caller, called)] {
        let source = Source::new("p.yml", text).with_called(Arc::new(called));
        let new = crate::logic::playbook::read(&source);
        assert!(new.missing.is_empty() && new.playbook.is_none(), "{:?}", new.diagnostics);
        let again = crate::logic::playbook::read(&Source::from_stored("p.yml", &source.stored()));
        assert!(again.playbook.is_some(), "{:?}", again.diagnostics);
    }
}
