//! Progress and estimates over hand-written journals.

use std::sync::Arc;
use std::time::Duration;

use super::{Forecast, Progress, median};
use crate::logic::job::event::{Cause, Envelope, Event, NewCell, Outcome};
use crate::logic::job::order::{RetryScope, Target};
use crate::logic::plan::{PlanRequest, plan};
use crate::logic::playbook;
use crate::logic::playbook::model::Playbook;
use crate::logic::playbook::source::Source;
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;

/// `b` needs `a`, `c` needs `b`; `z` comes last.
const TEXT: &str = "\
version: 3
stages:
  c: {needs: b, run: x}
  a: {matrix: {n: [1, 2]}, steps: [{run: x}, {run: y}]}
  b: {needs: a, run: x}
finally:
  z: {run: x}
";
const C: u32 = 0;
const A: u32 = 1;
const B: u32 = 2;
const Z: u32 = 3;

fn seconds(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

fn read(text: &str) -> Arc<Playbook> {
    let reading = playbook::read(&Source::new("t.yml", text));
    Arc::new(reading.playbook.unwrap_or_else(|| panic!("{:?}", reading.diagnostics)))
}

struct Watch {
    view: JobView,
    forecast: Forecast,
    seq: u64,
}

impl Watch {
    /// Stages `c a b z` took that many seconds before.
    fn new(medians: [Option<u64>; 4]) -> Self {
        let medians = medians.map(|it| it.map(Duration::from_secs));
        let mut it = Self { view: JobView::new(read(TEXT)), forecast: Forecast::new(&medians), seq: 0 };
        it.at(0, [Event::JobStarted { attempt: 1, title: None }]);
        it
    }

    fn at(&mut self, time: i64, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.seq += 1;
            self.view.fold(&Envelope { seq: self.seq, time: seconds(time), event });
        }
    }

    fn progress(&self, time: i64) -> Progress {
        self.forecast.progress(&self.view, seconds(time))
    }

    /// Done, failed, running and waiting as percentages, and the one of the bar.
    fn bar(&self, time: i64) -> String {
        let it = self.progress(time);
        let parts = [it.done, it.failed, it.running, it.waiting].map(|part| format!("{:.1}", part * 100.0));
        format!("{} = {}", parts.join(" "), it.percent)
    }

    fn left(&self, time: i64) -> Option<u64> {
        self.forecast.remaining(&self.view, seconds(time)).map(|it| it.as_secs())
    }
}

fn begins(stage: u32, cells: &[u32]) -> Vec<Event> {
    let new = cells.iter().map(|&cell| NewCell {
        cell,
        run: 1,
        id: "x".into(),
        label: "".into(),
        matrix: serde_json::Value::Null.into(),
    });
    let cells: Vec<Event> = cells.iter().map(|&cell| Event::CellStarted { cell, run: 1 }).collect();
    std::iter::once(Event::StageStarted { stage, cells: new.collect() }).chain(cells).collect()
}

fn cell_ends(cell: u32, outcome: Outcome) -> Event {
    Event::CellFinished { cell, run: 1, outcome, result: outcome, cause: None, outputs: vec![] }
}

fn ends(stage: u32, outcome: Outcome, cause: Option<Cause>) -> Event {
    Event::StageFinished { stage, outcome, result: outcome, cause }
}

#[test]
fn the_middle_of_times_is_found() {
    let of = |times: &[u64]| median(&times.iter().map(|&it| Duration::from_secs(it)).collect::<Vec<_>>());
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[9, 1, 2]), Some(Duration::from_secs(2)));
    assert_eq!(of(&[9, 1, 2, 4]), Some(Duration::from_secs(3)));
}

#[test]
fn stages_weigh_what_they_took_before_and_cells_count_by_time() {
    let mut it = Watch::new([Some(20), Some(40), None, Some(30)]);
    assert_eq!(it.bar(0), "0.0 0.0 0.0 100.0 = 0");
    it.at(0, begins(A, &[0, 1]));
    // Nothing is known of `b`: 30 seconds, as the others on average. So `a` is a third.
    assert_eq!(it.bar(10), "0.0 0.0 8.3 91.7 = 8");
    it.at(20, [cell_ends(0, Outcome::Success)]);
    assert_eq!(it.bar(20), "16.7 0.0 8.3 75.0 = 25");
    // It takes longer than ever.
    assert_eq!(it.bar(4_000), "16.7 0.0 15.8 67.5 = 32");
    it.at(40, [cell_ends(1, Outcome::Failure), ends(A, Outcome::Failure, None)]);
    assert_eq!(it.bar(40), "16.7 16.7 0.0 66.7 = 33");
    let needs = |name: &str| Some(Cause::Needs { stages: vec![name.to_owned()] });
    it.at(40, [ends(B, Outcome::Skipped, needs("a")), ends(C, Outcome::Skipped, needs("b"))]);
    assert_eq!(it.bar(40), "16.7 58.3 0.0 25.0 = 75");
    it.at(41, [ends(Z, Outcome::Skipped, Some(Cause::Order { by: "ann".to_owned() }))]);
    assert_eq!(it.bar(41), "41.7 58.3 0.0 0.0 = 100");
}

#[test]
fn without_history_stages_weigh_the_same_and_cells_count_by_steps() {
    let mut it = Watch::new([None; 4]);
    it.at(0, begins(A, &[0, 1]));
    assert_eq!((it.bar(100), it.left(100)), ("0.0 0.0 0.0 100.0 = 0".to_owned(), None));
    let skipped = Event::StepSkipped { cell: 0, run: 1, step: 0, cause: Cause::Earlier };
    it.at(1, [skipped]);
    assert_eq!(it.bar(100), "0.0 0.0 6.2 93.8 = 6");
    it.at(2, [cell_ends(0, Outcome::Cancelled), cell_ends(1, Outcome::Skipped)]);
    assert_eq!(it.bar(100), "12.5 12.5 0.0 75.0 = 25");
}

#[test]
fn the_longest_path_through_what_is_left_is_how_long_it_takes() {
    let mut it = Watch::new([Some(20), Some(40), Some(5), Some(7)]);
    assert_eq!(it.left(0), Some(20 + 40 + 5 + 7));
    it.at(0, begins(A, &[0, 1]));
    assert_eq!(it.left(30), Some(10 + 5 + 20 + 7));
    // A twentieth of what takes longer than ever.
    assert_eq!(it.left(400), Some(2 + 5 + 20 + 7));
    let ends_a = [cell_ends(0, Outcome::Success), cell_ends(1, Outcome::Success)];
    it.at(40, ends_a);
    it.at(40, [ends(A, Outcome::Success, None)]);
    let (by, order) = ("ann".to_owned(), String::new());
    it.at(40, [Event::SkipAsked { by, order, target: Target::Stage(C), force: false }]);
    assert_eq!(it.left(40), Some(5 + 7));
    let (outcome, outputs, survivors) = (Outcome::Success, vec![], vec![]);
    it.at(60, [Event::JobFinished { outcome, cause: None, rescued: false, outputs, survivors }]);
    assert_eq!(it.left(60), None);
}

#[test]
fn what_is_left_out_weighs_nothing() {
    let request = PlanRequest { skip: vec!["a".to_owned()], ..PlanRequest::default() };
    let plan = plan(read(TEXT), &request).unwrap();
    let times = [Duration::from_secs(10), Duration::from_secs(30)].map(|it| vec![it]);
    let forecast = Forecast::of_plan(&plan, &times);
    assert!(forecast.has_history());
    let view = JobView::new(plan.playbook);
    assert_eq!(forecast.remaining(&view, seconds(0)), Some(Duration::from_secs(20 + 10 + 20)));
}

#[test]
fn the_parts_add_up_and_nothing_goes_back_unless_something_is_opened_again() {
    for medians in [[None; 4], [Some(20), Some(3), None, Some(0)]] {
        let mut it = Watch::new(medians);
        let journal = [
            (0, begins(A, &[0, 1])),
            (4, vec![Event::StepSkipped { cell: 0, run: 1, step: 0, cause: Cause::Earlier }]),
            (5, vec![cell_ends(0, Outcome::Success)]),
            (9, vec![cell_ends(1, Outcome::Skipped), ends(A, Outcome::Success, None)]),
            (9, begins(B, &[2])),
            (14, vec![cell_ends(2, Outcome::Failure), ends(B, Outcome::Failure, None)]),
            (15, vec![ends(C, Outcome::Skipped, None)]),
            (16, begins(Z, &[3])),
            (20, vec![cell_ends(3, Outcome::Cancelled), ends(Z, Outcome::Cancelled, None)]),
        ];
        let (mut time, mut over, mut percent) = (0, 0.0, 0);
        for (until, events) in journal {
            while time < until {
                time += 1;
                let now = it.progress(time);
                assert!((now.done + now.failed + now.running + now.waiting - 1.0).abs() < 1e-9, "{now:?}");
                assert!(1.0 - now.waiting >= over - 1e-9 && now.percent >= percent, "{time}: {now:?}");
                (over, percent) = (1.0 - now.waiting, now.percent);
            }
            it.at(until, events);
        }
        assert_eq!(it.progress(time).percent, 100);
        let (by, order) = ("ann".to_owned(), String::new());
        let scope = RetryScope::Cell(2);
        it.at(21, [Event::JobRetrying { by, order, scope, attempt: 2, stages: vec![C, Z], cells: vec![2] }]);
        assert!(it.progress(21).percent < 100, "{:?}", it.progress(21));
    }
}
