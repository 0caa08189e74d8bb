//! Times of stages and jobs from journals that are written by hand.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::super::{NewJob, Owner, Store};
use crate::engine::{History, Project};
use crate::logic::job::event::{Envelope, Event, NewCell, Outcome};
use crate::logic::job::order::RetryScope;
use crate::logic::plan::{Plan, PlanRequest, plan};
use crate::logic::playbook;
use crate::logic::playbook::source::Source;
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;
use crate::port::keeper::OnLoss;

struct Past {
    /// Goes with the store.
    _dir: TempDir,
    project: Project,
    store: Store,
}

impl Past {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let project = Project::new(dir.path().to_path_buf(), dir.path().join(".sortie"));
        Store::prepare(&project).unwrap();
        let store = Store::open(&project).unwrap();
        Self { _dir: dir, project, store }
    }

    /// Records a job of that playbook, with its events and the seconds of each.
    fn job(&mut self, playbook: &str, events: impl IntoIterator<Item = (i64, Event)>) {
        let owner = Owner::this();
        let id = format!("id-{}", uuid::Uuid::now_v7());
        let new = NewJob {
            id: &id,
            name: "t",
            playbook,
            source: "",
            request: "{}",
            actor: "ann",
            parent: None,
            created: 0,
            on_loss: OnLoss::Stop,
            retry_of: None,
            fire: None,
            start: None,
        };
        let number = self.store.create_job(&new, Some(&owner), |_| Ok(String::new())).unwrap();
        let envelopes: Vec<Envelope> = (1..)
            .zip(events)
            .map(|(seq, (time, event))| Envelope { seq, time: Timestamp(time * 1_000_000), event })
            .collect();
        self.store.append(number, 1, (&envelopes, None), &[]).unwrap();
    }

    fn times(&self, playbook: &str, plan: &Plan, most: usize) -> Vec<Vec<u64>> {
        let history = History::open(&self.project).unwrap().unwrap();
        let times = history.stage_times(playbook, plan, most).unwrap();
        times.iter().map(|it| it.iter().map(Duration::as_secs).collect()).collect()
    }
}

fn plan_of(text: &str) -> Plan {
    let reading = playbook::read(&Source::new("t.yml", format!("version: 3\nstages:\n{text}").as_str()));
    plan(Arc::new(reading.playbook.unwrap()), &PlanRequest::default()).unwrap()
}

fn begins(stage: u32, cells: &[(u32, &str)]) -> Event {
    let cell = |(cell, id): &(u32, &str)| NewCell {
        cell: *cell,
        run: 1,
        id: Arc::from(*id),
        label: Arc::from(""),
        matrix: serde_json::Value::Null.into(),
    };
    Event::StageStarted { stage, cells: cells.iter().map(cell).collect() }
}

fn cell(cell: u32) -> Event {
    Event::CellStarted { cell, run: 1 }
}

fn ends(stage: u32, outcome: Outcome) -> Event {
    Event::StageFinished { stage, outcome, result: outcome, cause: None }
}

fn job_ends(outcome: Outcome) -> Event {
    Event::JobFinished { outcome, cause: None, rescued: false, outputs: vec![], survivors: vec![] }
}

/// A job of a matrix `build` and of `test`, which takes that many seconds.
fn job(test: i64, outcome: Outcome) -> Vec<(i64, Event)> {
    vec![
        (0, begins(0, &[(0, "build.00000001"), (1, "build.00000002")])),
        (3, cell(0)),
        (5, cell(1)),
        (10, ends(0, Outcome::Success)),
        (10, begins(1, &[(2, "test")])),
        (20, cell(2)),
        (20 + test, ends(1, outcome)),
        (20 + test, job_ends(outcome)),
    ]
}

#[test]
fn times_are_those_of_stages_that_passed_in_the_last_jobs_that_ended_by_themselves() {
    let mut past = Past::new();
    past.job("ci.yml", job(1, Outcome::Success));
    past.job("ci.yml", job(2, Outcome::Success));
    past.job("ci.yml", job(3, Outcome::Failure));
    past.job("ci.yml", job(4, Outcome::Cancelled));
    past.job("other.yml", job(5, Outcome::Success));
    past.job("ci.yml", job(6, Outcome::Success).into_iter().take(7));
    let plan = plan_of("  build: {run: x}\n  test: {run: x}\n  new: {run: x}\n");
    assert_eq!(past.times("ci.yml", &plan, 9), [vec![7, 7, 7], vec![2, 1], vec![]]);
    assert_eq!(past.times("ci.yml", &plan, 2), [vec![7, 7], vec![2], vec![]]);
    assert_eq!(past.times("none.yml", &plan, 9), [vec![], vec![], Vec::<u64>::new()]);
}

#[test]
fn a_stage_is_known_by_its_name_wherever_it_stands_by_now() {
    let mut past = Past::new();
    past.job("ci.yml", job(2, Outcome::Success));
    let plan = plan_of("  lint: {run: x}\n  test: {run: x}\n");
    assert_eq!(past.times("ci.yml", &plan, 9), [vec![], vec![2]]);
}

#[test]
fn a_retry_of_a_part_of_a_stage_tells_nothing_about_all_of_it() {
    let mut past = Past::new();
    let mut events = job(2, Outcome::Success);
    let (by, order, scope) = ("ann".to_owned(), String::new(), RetryScope::Cell(0));
    let retry = Event::JobRetrying { by, order, scope, attempt: 2, stages: vec![1], cells: vec![0] };
    events.extend([
        (30, retry),
        (30, cell(0)),
        (31, ends(0, Outcome::Success)),
        (31, begins(1, &[(2, "test")])),
        (32, cell(2)),
        (40, ends(1, Outcome::Success)),
        (40, job_ends(Outcome::Success)),
    ]);
    past.job("ci.yml", events);
    let plan = plan_of("  build: {run: x}\n  test: {run: x}\n");
    assert_eq!(past.times("ci.yml", &plan, 9), [vec![7], vec![2, 8]]);
}

#[test]
fn hours_between_a_failure_and_a_retry_are_no_time_of_a_stage() {
    for outcome in [Outcome::Failure, Outcome::Cancelled, Outcome::Skipped] {
        let mut past = Past::new();
        let mut events = job(2, outcome);
        let (by, order, scope) = ("ann".to_owned(), String::new(), RetryScope::Cell(2));
        let retry = Event::JobRetrying { by, order, scope, attempt: 2, stages: vec![1], cells: vec![2] };
        events.extend([
            (9000, retry),
            (9000, cell(2)),
            (9001, ends(1, Outcome::Success)),
            (9001, job_ends(Outcome::Success)),
        ]);
        past.job("ci.yml", events);
        let plan = plan_of("  build: {run: x}\n  test: {run: x}\n");
        assert_eq!(past.times("ci.yml", &plan, 9), [vec![7], vec![]]);
    }
}

#[test]
fn a_job_that_was_run_on_took_the_time_that_it_ran() {
    let mut past = Past::new();
    let again = Event::JobRetrying {
        by: "ann".to_owned(),
        order: String::new(),
        scope: RetryScope::Failed,
        attempt: 2,
        stages: vec![0],
        cells: vec![],
    };
    let events = [
        (0, Event::JobStarted { attempt: 1, title: None }),
        (7, job_ends(Outcome::Failure)),
        (1000, again.clone()),
        (1003, again),
        (1005, job_ends(Outcome::Success)),
    ];
    past.job("again.yml", events);
    // Only an engine that takes the job over runs it on.
    past.store.drop_lease(1, 1).unwrap();
    past.store.take_lease(1, &Owner::this()).unwrap();
    past.job(
        "once.yml",
        [(0, Event::JobStarted { attempt: 1, title: None }), (7, job_ends(Outcome::Success))],
    );
    past.job("runs.yml", [(0, Event::JobStarted { attempt: 1, title: None })]);
    let rows = History::open(&past.project).unwrap().unwrap().jobs(9).unwrap();
    let took: Vec<_> = rows.iter().map(|row| row.took.map(|it| it.as_secs())).collect();
    assert_eq!(took, [None, Some(7), Some(12)]);
}

#[test]
fn what_a_job_was_frozen_is_no_time_of_it_nor_of_its_stages() {
    let mut past = Past::new();
    let (by, order) = ("ann".to_owned(), String::new());
    let pause = |freeze| Event::JobPaused { by: by.clone(), order: order.clone(), freeze };
    let resume = || Event::JobResumed { by: by.clone(), order: order.clone() };
    let events = vec![
        (2, Event::JobStarted { attempt: 1, title: None }),
        (2, begins(0, &[(0, "build.00000001")])),
        (3, cell(0)),
        (5, pause(true)),
        (105, resume()),
        // A pause in which what runs goes on is time that the job took.
        (106, pause(false)),
        (108, resume()),
        (110, ends(0, Outcome::Success)),
        (112, job_ends(Outcome::Success)),
    ];
    // The time is that which whoever shows the job folds from all of its events.
    let plan = plan_of("  build: {run: x}\n");
    let mut view = JobView::new(Arc::clone(&plan.playbook));
    for (seq, (time, event)) in (1..).zip(&events) {
        view.fold(&Envelope { seq, time: Timestamp(time * 1_000_000), event: event.clone() });
    }
    assert_eq!(view.elapsed(Timestamp::default()).as_secs(), 10);
    past.job("ci.yml", events);
    let row = History::open(&past.project).unwrap().unwrap().jobs(1).unwrap().pop().unwrap();
    assert_eq!(row.took.map(|it| it.as_secs()), Some(10));
    assert_eq!(past.times("ci.yml", &plan, 9), [vec![7]]);
}
