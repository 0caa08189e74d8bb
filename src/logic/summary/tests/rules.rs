//! What counts, what is told of it, and what is left out.

use std::collections::BTreeMap;
use std::time::Duration;

use super::tale::{CI, NOON, Tale, ci, wrote};
use crate::logic::job::event::Outcome;
use crate::logic::job::order::{Order, RetryScope, Target};
use crate::logic::summary::{Cached, Format, find_output, leads_out, outputs, usual_name};
use crate::logic::time::Timestamp;

#[test]
fn waits_are_told_by_what_they_were_for() {
    let summary = ci().summary();
    let cells: BTreeMap<&str, _> = summary
        .stages
        .iter()
        .flat_map(|stage| &stage.cells)
        .map(|cell| (cell.address.as_str(), cell.waits))
        .collect();
    assert_eq!(cells["fetch"].total(), Duration::ZERO);
    assert!(cells["test[os=macos, v=2]"].slot >= Duration::from_millis(120), "{cells:?}");
    assert!(cells["flaky"].retry >= Duration::from_millis(200), "{cells:?}");
    assert!(summary.slots.most <= 2 && summary.slots.used_percent <= 100, "{:?}", summary.slots);
}

#[test]
fn a_job_that_runs_has_a_summary_of_how_it_stands() {
    let mut tale = Tale::of(CI, 2);
    tale.after(1_000);
    let summary = tale.summary();
    assert_eq!((summary.job.state, summary.job.took), ("running", Duration::from_secs(1)));
    assert!(summary.render(Format::Markdown).starts_with("# … ci: job #12 running for 1.0 s\n"));
    for format in Format::ALL {
        let text = summary.render(format);
        let whose: Vec<Format> = Format::ALL.into_iter().filter(|it| it.is_one(&text)).collect();
        assert_eq!(whose, [format], "{text}");
    }
}

#[test]
fn orders_of_people_are_told_and_what_was_cancelled_proves_nothing() {
    let mut tale = Tale::of(CI, 2);
    tale.after(100).orders(Order::Cancel { target: Target::Job, force: true });
    tale.ends("fetch", 137).ends("flaky", 137).closes();
    let summary = tale.summary();
    assert_eq!(summary.job.outcome, Some(Outcome::Cancelled));
    assert_eq!((summary.orders[0].what, summary.orders[0].who.as_str()), ("cancel by force", "ann"));
    let junit = summary.render(Format::Xml);
    assert!(junit.contains("failures=\"0\" errors=\"0\""), "{junit}");
}

#[test]
fn what_is_run_again_counts_as_it_went_last() {
    let mut tale = ci();
    tale.after(60_000).orders(Order::Retry { scope: RetryScope::Failed });
    while let Some(key) = tale.state.index.live.keys().next().copied() {
        let cell = tale.state.cell_name(key.cell);
        tale.after(120).ends(&cell, 0);
    }
    tale.closes();
    let summary = tale.summary();
    assert_eq!((summary.job.outcome, summary.job.attempt), (Some(Outcome::Success), 2));
    assert!(summary.failures.is_empty(), "{:?}", summary.failures);
    // The minute between the two is no time of the job, and no wait for a slot.
    assert!(summary.job.took < Duration::from_secs(5), "{:?}", summary.job.took);
    assert!(summary.longest_waits.iter().all(|it| it.waited < Duration::from_secs(5)), "{summary:?}");
}

#[test]
fn what_the_cache_decided_has_a_line_for_each_cell_and_a_total() {
    let mut tale = ci();
    tale.story.note_cached(0, None, Cached::Hit { saved: Some(Duration::from_secs(3)) });
    tale.story.note_cached(
        1,
        None,
        Cached::Stored { reason: "input a.txt changed".to_owned(), is_first: false },
    );
    let summary = tale.summary();
    let page = summary.render(Format::Markdown);
    assert!(page.contains("| Cache | 1 hit, 1 miss (1 stored); 3.0 s saved |"), "{page}");
    assert!(page.contains("| hit |") && page.contains("stored: input a.txt changed"), "{page}");
}

#[test]
fn values_that_may_be_secret_are_not_shown() {
    let summary = ci().summary_hiding(&["inputs.channel".to_owned()]);
    let values: Vec<String> =
        summary.variables.iter().map(|it| format!("{} {}={}", it.kind, it.name, it.value)).collect();
    assert_eq!(
        values,
        ["input channel=***", "input api_token=***", "var region=eu", "env WHO=${{ inputs.channel }}"]
    );
}

#[test]
fn an_output_is_found_by_its_name_and_a_slip_is_told() {
    let summary = ci().summary();
    let all: Vec<String> = outputs(&summary).into_iter().map(|it| it.name).collect();
    assert_eq!(all, ["rev", "fetch.rev", "fetch/get.rev"]);
    assert_eq!(&*find_output(&summary, "FETCH.rev").expect("it is there").value, "abc");
    assert_eq!(find_output(&summary, "fetch.rew"), Err(Some("did you mean `fetch.rev`?".to_owned())));
    let elsewhere = find_output(&summary, "elsewhere.rev").expect_err("there is no such stage");
    assert_eq!(elsewhere.as_deref(), Some("there is `rev`, `fetch.rev` and `fetch/get.rev`"));
}

#[test]
fn what_steps_wrote_is_cut_at_a_mebibyte_and_whole_in_the_json() {
    let mut tale = Tale::of("stages: {a: {run: x}}\n", 1);
    let long = format!("é{}", "x".repeat(1 << 20));
    tale.ends_with("a", 0, wrote("", &long)).closes();
    let summary = tale.summary();
    let markdown = summary.render(Format::Markdown);
    assert!(markdown.len() < (1 << 20) + 4_096, "{}", markdown.len());
    assert!(markdown.contains("Cut here: 2 bytes more"), "{}", &markdown[markdown.len() - 200..]);
    assert!(summary.render(Format::Html).contains("Cut here: 2 bytes more"));
    assert!(summary.render(Format::Json).contains(&long));
}

#[test]
fn a_matrix_is_drawn_with_its_longest_axis_as_columns() {
    let mut tale = Tale::of("stages: {a: {matrix: {os: [l, m], v: [1, 2, 3], db: [p, s]}, run: x}}\n", 12);
    while let Some(key) = tale.state.index.live.keys().next().copied() {
        let cell = tale.state.cell_name(key.cell);
        tale.ends(&cell, 0);
    }
    tale.closes();
    let summary = tale.summary();
    let grid = summary.stages[0].grid.as_ref().expect("all cells have the same axes");
    assert_eq!((grid.axes.0.as_str(), grid.axes.1.as_str()), ("os, db", "v"));
    assert_eq!((grid.columns.len(), grid.rows.len()), (3, 4));
    assert!(grid.rows.iter().all(|(_, places)| places.iter().all(Option::is_some)), "{grid:?}");
}

#[test]
fn names_of_files_say_their_format_and_paths_stay_inside() {
    assert_eq!(Format::of_file("out/a.HTML"), Some(Format::Html));
    assert_eq!(Format::of_file("out.d/junit"), None);
    assert_eq!(usual_name(NOON, 7), "summary-20261122-120000-7.md");
    assert_eq!(usual_name(Timestamp(0), 7), "summary-19700101-000000-7.md");
    for inside in ["reports", "a/b..c", "./x", "a b"] {
        assert_eq!(leads_out(inside), None, "{inside}");
    }
    for outside in ["", " ", "/etc", "../x", "a/../../b", "~/x", "a\nb"] {
        assert!(leads_out(outside).is_some(), "{outside}");
    }
}
