//! Grids of hand-written matrices: axes, turning, slices, gaps, and that no cell is ever left out.

use std::sync::Arc;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Arrangement, Grid, short_name, total};
use crate::logic::job::event::{Envelope, Event, NewCell, Outcome};
use crate::logic::playbook;
use crate::logic::playbook::source::Source;
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;

/// A view of one stage with these cells, of which those in `ended` have ended.
fn view(declared: &str, cells: &[Json], ended: &[(u32, Outcome)]) -> JobView {
    let matrix = if declared.is_empty() { String::new() } else { format!("matrix: {declared}, ") };
    let text = format!("version: 3\nstages:\n  build: {{{matrix}run: make}}\n");
    let reading = playbook::read(&Source::new("ci.yml", text));
    let playbook = reading.playbook.unwrap_or_else(|| panic!("{:?}", reading.diagnostics));
    let mut view = JobView::new(Arc::new(playbook));
    let cells: Vec<NewCell> = (0..).zip(cells).map(|(at, matrix)| new_cell(at, matrix)).collect();
    let mut events =
        vec![Event::JobStarted { attempt: 1, title: None }, Event::StageStarted { stage: 0, cells }];
    for (cell, outcome) in ended.iter().copied() {
        events.push(Event::CellStarted { cell, run: 1 });
        let (result, cause, outputs) = (outcome, None, vec![]);
        events.push(Event::CellFinished { cell, run: 1, outcome, result, cause, outputs });
    }
    for (seq, event) in (1..).zip(events) {
        view.fold(&Envelope { seq, time: Timestamp(0), event });
    }
    view
}

fn new_cell(cell: u32, matrix: &Json) -> NewCell {
    let pairs = matrix.as_object().into_iter().flatten();
    let label: Vec<String> =
        pairs.map(|(k, v)| format!("{k}={}", v.as_str().map_or(v.to_string(), str::to_owned))).collect();
    let label = label.join(", ").into();
    NewCell { cell, run: 1, id: format!("build.{cell:08x}").into(), label, matrix: matrix.clone().into() }
}

/// Writes a grid as text: a line for each row, the numbers of its cells.
fn drawn(grid: &Grid) -> String {
    let names: Vec<&str> = grid.axes.iter().map(|axis| axis.name.as_str()).collect();
    let row_names: Vec<&str> = grid.row_axes.iter().map(|at| names[*at]).collect();
    let column_name = grid.column_axis.map_or("", |at| names[at]);
    let mut text = format!("axes {names:?} rows {row_names:?} columns {column_name:?}\n");
    if !grid.fixed.is_empty() {
        text += &format!("fixed {:?}\n", grid.fixed);
    }
    if grid.slices.len() > 1 {
        text +=
            &format!("slice {} of {}: {:?}\n", grid.slice + 1, grid.slices.len(), grid.slices[grid.slice]);
    }
    text +=
        &format!("{:30}{}\n", "place", grid.columns.iter().map(|it| format!("{it:>9}")).collect::<String>());
    for (row, label) in grid.rows.iter().enumerate() {
        let cell = |column| grid.cell(row, column).map_or("-".to_owned(), |it| it.to_string());
        let cells: String = (0..grid.columns.len()).map(|it| format!("{:>9}", cell(it))).collect();
        text += &format!("{:30}{cells}\n", label.join(" "));
    }
    text
}

fn check(view: &JobView, arrangement: Arrangement, expected: &Expect) {
    expected.assert_eq(&drawn(&Grid::new(view, 0, arrangement)));
}

fn product(axes: &[(&str, &[&str])]) -> Vec<Json> {
    let mut all = vec![serde_json::Map::new()];
    for (name, values) in axes {
        let with = |it: &serde_json::Map<String, Json>, value: &str| {
            let mut it = it.clone();
            it.insert((*name).to_owned(), json!(value));
            it
        };
        all = all.iter().flat_map(|it| values.iter().map(move |value| with(it, value))).collect();
    }
    all.into_iter().map(Json::Object).collect()
}

#[test]
fn the_last_axis_is_the_columns_and_turning_takes_the_next() {
    let cells =
        product(&[("os", &["linux", "mac"]), ("arch", &["x86", "arm"]), ("rust", &["1.88", "stable"])]);
    let view = view("{os: [linux, mac], arch: [x86, arm], rust: ['1.88', stable]}", &cells[..7], &[]);
    let turned = |turn| Arrangement { turn, ..Arrangement::default() };
    check(
        &view,
        turned(0),
        &expect![[r#"
            axes ["os", "arch", "rust"] rows ["os", "arch"] columns "rust"
            place                              1.88   stable
            linux x86                             0        1
            linux arm                             2        3
            mac x86                               4        5
            mac arm                               6        -
        "#]],
    );
    check(
        &view,
        turned(1),
        &expect![[r#"
            axes ["os", "arch", "rust"] rows ["os", "rust"] columns "arch"
            place                               x86      arm
            linux 1.88                            0        2
            linux stable                          1        3
            mac 1.88                              4        6
            mac stable                            5        -
        "#]],
    );
    check(
        &view,
        turned(2),
        &expect![[r#"
            axes ["os", "arch", "rust"] rows ["arch", "rust"] columns "os"
            place                             linux      mac
            x86 1.88                              0        4
            x86 stable                            1        5
            arm 1.88                              2        6
            arm stable                            3        -
        "#]],
    );
    assert_eq!(Grid::new(&view, 0, turned(3)), Grid::new(&view, 0, turned(0)));
    assert_eq!(Grid::new(&view, 0, turned(0)).missing(), 1);
}

#[test]
fn too_many_rows_make_slices() {
    let axes: &[(&str, &[&str])] = &[
        ("os", &["linux", "mac"]),
        ("arch", &["x86", "arm"]),
        ("tls", &["yes", "no"]),
        ("rust", &["a", "b"]),
    ];
    let mut cells = product(axes);
    cells.remove(0);
    let view = view("{os: [linux, mac], arch: [x86, arm], tls: [yes, no], rust: [a, b]}", &cells, &[]);
    let slice = |slice| Arrangement { slice, most_rows: 4, ..Arrangement::default() };
    check(
        &view,
        slice(0),
        &expect![[r#"
            axes ["os", "arch", "tls", "rust"] rows ["os", "arch"] columns "rust"
            slice 1 of 2: [("tls", "yes")]
            place                                 a        b
            linux x86                             -        0
            linux arm                             3        4
            mac x86                               7        8
            mac arm                              11       12
        "#]],
    );
    check(
        &view,
        slice(3),
        &expect![[r#"
            axes ["os", "arch", "tls", "rust"] rows ["os", "arch"] columns "rust"
            slice 2 of 2: [("tls", "no")]
            place                                 a        b
            linux x86                             1        2
            linux arm                             5        6
            mac x86                               9       10
            mac arm                              13       14
        "#]],
    );
    let grid = Grid::new(&view, 0, slice(0));
    assert_eq!((grid.slice_of(0), grid.slice_of(1), grid.slice_of(99)), (Some(0), Some(1), None));
    assert_eq!((grid.place(0), grid.place(1)), (Some((0, 1)), None));
    assert_eq!(Grid::new(&view, 0, slice(2)), grid, "one too many begins anew");
    let all = Grid::new(&view, 0, Arrangement { most_rows: 8, ..Arrangement::default() });
    assert_eq!((all.rows.len(), all.slices.len()), (8, 1));
}

#[test]
fn what_include_adds_has_a_place() {
    let cells = [
        json!({ "os": "linux", "rust": "stable", "cc": "gcc" }),
        json!({ "os": "linux", "rust": "nightly", "cc": "gcc" }),
        json!({ "os": "mac", "rust": "stable", "cc": "clang" }),
        json!({ "os": "mac", "rust": "nightly", "cc": "clang", "slow": true }),
        json!({ "os": "windows", "target": { "arch": "arm" } }),
        json!({ "site": "production" }),
        json!({ "site": "staging" }),
        json!({ "os": "windows" }),
    ];
    let view = view("{os: [linux, mac], rust: [stable, nightly]}", &cells, &[]);
    check(
        &view,
        Arrangement::default(),
        &expect![[r#"
            axes ["os", "rust"] rows ["os"] columns "rust"
            place                            stable  nightly        -
            linux                                 0        1        -
            mac                                   2        3        -
            windows                               -        -        4
            windows #2                            -        -        7
            site=production                       -        -        5
            site=staging                          -        -        6
        "#]],
    );
}

#[test]
fn fewer_than_two_axes_make_a_grid_too() {
    let single = Arrangement::default();
    let turned = Arrangement { turn: 1, ..single };
    check(
        &view("", &[Json::Null], &[]),
        single,
        &expect![[r#"
            axes [] rows [] columns ""
            place                                  
            build                                 0
        "#]],
    );
    check(
        &view("", &[], &[]),
        single,
        &expect![[r#"
            axes [] rows [] columns ""
            place                                  
        "#]],
    );
    let shards = product(&[("shard", &["1", "2", "3"])]);
    let shards = view("{shard: [1, 2, 3]}", &shards, &[]);
    check(
        &shards,
        single,
        &expect![[r#"
            axes ["shard"] rows ["shard"] columns ""
            place                                  
            1                                     0
            2                                     1
            3                                     2
        "#]],
    );
    check(
        &shards,
        turned,
        &expect![[r#"
            axes ["shard"] rows [] columns "shard"
            place                                 1        2        3
            build                                 0        1        2
        "#]],
    );
    let one = [json!({ "os": "linux", "rust": 1.5 })];
    check(
        &view("{os: [linux], rust: [1.5]}", &one, &[]),
        single,
        &expect![[r#"
            axes [] rows [] columns ""
            fixed [("os", "linux"), ("rust", "1.5")]
            place                                  
            os=linux, rust=1.5                    0
        "#]],
    );
    let twins = [json!({ "os": "linux" }), json!({ "os": "linux" }), json!({ "os": "mac" })];
    check(
        &view("{os: [linux, mac]}", &twins, &[]),
        single,
        &expect![[r#"
            axes ["os"] rows ["os"] columns ""
            place                                  
            linux                                 0
            linux #2                              1
            mac                                   2
        "#]],
    );
}

#[test]
fn an_axis_with_a_single_value_is_left_out_of_the_labels() {
    let cells = product(&[("os", &["linux"]), ("arch", &["x86", "arm"]), ("rust", &["a", "b"])]);
    check(
        &view("", &cells, &[]),
        Arrangement::default(),
        &expect![[r#"
            axes ["arch", "rust"] rows ["arch"] columns "rust"
            fixed [("os", "linux")]
            place                                 a        b
            x86                                   0        1
            arm                                   2        3
        "#]],
    );
}

#[test]
fn axes_that_the_playbook_names_stay_even_if_another_says_as_much() {
    let cells = [json!({ "os": "linux", "rust": "stable" }), json!({ "os": "mac", "rust": "nightly" })];
    let declared = view("{os: [linux, mac], rust: [stable, nightly]}", &cells, &[]);
    check(
        &declared,
        Arrangement::default(),
        &expect![[r#"
        axes ["os", "rust"] rows ["os"] columns "rust"
        place                            stable  nightly
        linux                                 0        -
        mac                                   -        1
    "#]],
    );
}

#[test]
fn totals_count_what_has_ended() {
    let cells = product(&[("os", &["linux", "mac"]), ("rust", &["a", "b"])]);
    let ended = [(0, Outcome::Success), (1, Outcome::Failure), (2, Outcome::Cancelled)];
    let view = view("{os: [linux, mac], rust: [a, b]}", &cells, &ended);
    let grid = Grid::new(&view, 0, Arrangement::default());
    let counts = |it: super::Total| (it.passed, it.failed);
    assert_eq!(counts(total(&view, grid.row_cells(0))), (1, 1));
    assert_eq!(counts(total(&view, grid.row_cells(1))), (0, 0));
    assert_eq!(counts(total(&view, grid.column_cells(1))), (0, 1));
    assert_eq!(counts(total(&view, grid.cells())), (1, 1));
    assert_eq!((grid.cell(0, 2), grid.cell(9, 0)), (None, None));
    assert_eq!((short_name(&view, 1), short_name(&view, 99)), ("linux b".to_owned(), String::new()));
}

#[test]
fn hundreds_of_cells_are_fine() {
    let numbers: Vec<String> = (0..30).map(|it| it.to_string()).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let cells = product(&[("shard", &numbers), ("os", &["a", "b", "c"]), ("rust", &["x", "y", "z"])]);
    let view = view("", &cells, &[]);
    let grid = Grid::new(&view, 0, Arrangement { most_rows: 100, ..Arrangement::default() });
    assert_eq!((grid.rows.len(), grid.columns.len(), grid.cells().count()), (90, 3, 270));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_cell_has_exactly_one_place(
        cells in prop::collection::vec(prop::collection::vec(prop::option::of(0_u8..3), 0..5), 0..40),
        turn in 0_usize..6,
        most_rows in 0_usize..10,
    ) {
        let matrix = |values: &Vec<Option<u8>>| {
            let pairs = values.iter().enumerate();
            Json::Object(pairs.filter_map(|(key, value)| Some((format!("k{key}"), json!(*value.as_ref()?)))).collect())
        };
        let cells: Vec<Json> = cells.iter().map(matrix).collect();
        let view = view("{k1: [0, 1, 2]}", &cells, &[]);
        let mut seen: Vec<u32> = Vec::new();
        let first = Grid::new(&view, 0, Arrangement { turn, slice: 0, most_rows });
        for slice in 0..first.slices.len() {
            let grid = Grid::new(&view, 0, Arrangement { turn, slice, most_rows });
            prop_assert_eq!(&grid.columns, &first.columns);
            for cell in grid.cells() {
                let (row, column) = grid.place(cell).unwrap();
                prop_assert_eq!(grid.cell(row, column), Some(cell));
                prop_assert_eq!(grid.slice_of(cell), Some(slice));
                seen.push(cell);
            }
            prop_assert!((0..grid.rows.len()).all(|row| grid.row_cells(row).count() > 0));
        }
        prop_assert!(first.slices.len() <= cells.len().max(1));
        seen.sort_unstable();
        let all: Vec<u32> = (0..).zip(&cells).map(|(at, _)| at).collect();
        prop_assert_eq!(seen, all);
    }
}
