//! Two engines for one job in one process, and what would not end when a job is taken over: a keeper is played here.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::engine::{ErrorKind, Next, embed};
use crate::logic::job::event::Event;
use crate::logic::job::order::{Order, Target};
use crate::logic::job::report::{AttemptKey, End, Exit, Report, Usage};
use crate::port::Outside;
use crate::port::keeper::{FromKeeper, ToKeeper};

/// A keeper whose children run until they are asked to end.
#[derive(Default)]
struct Played {
    said: Vec<FromKeeper>,
    reports: u64,
}

impl Played {
    fn report(&mut self, report: Report) {
        self.said.push(FromKeeper::Reports { from_seq: self.reports, reports: vec![report] });
        self.reports += 1;
    }
}

impl Starting for Played {
    fn greet(&mut self, _: &Hello) -> io::Result<()> {
        Ok(())
    }

    fn connect(self: Box<Self>) -> io::Result<Box<dyn Outside>> {
        Ok(self)
    }
}

impl Outside for Played {
    fn send(&mut self, orders: &[ToKeeper]) -> io::Result<()> {
        for order in orders {
            match order {
                ToKeeper::Signal { key, .. } => self.report(Report::Exited(killed(*key))),
                ToKeeper::Sweep { cell, run, .. } => {
                    self.report(Report::Swept { cell: *cell, run: *run, ended: 0, survivors: Vec::new() });
                }
                ToKeeper::Finish => self.said.push(FromKeeper::Finished { survivors: Vec::new() }),
                _ => {}
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<FromKeeper>> + '_>> {
        Box::pin(async {
            if self.said.is_empty() {
                std::future::pending::<()>().await;
            }
            Some(self.said.remove(0))
        })
    }

    fn is_flushed(&self) -> bool {
        true
    }

    fn drain(&mut self) -> Vec<FromKeeper> {
        std::mem::take(&mut self.said)
    }
}

fn killed(key: AttemptKey) -> Exit {
    Exit {
        key,
        end: End::Signal(15),
        log_bytes: 0,
        log_problem: None,
        usage: Usage::default(),
        files: Default::default(),
        left_running: 0,
        next: None,
        undisturbed: true,
    }
}

/// A world in which one process of a job without a keeper would not end.
fn world() -> World {
    World {
        keeper: || Ok(Box::new(Played::default())),
        adopt: |_| Ok(None),
        hash_files: |_, _| Err("there are no files".to_owned()),
        exits: |_| Vec::new(),
        sweep_job: |_, _, _| vec!["stuck (process 7)".to_owned()],
        run_tool: |_, _, _| Err("there are no tools".to_owned()),
        repository: |_| Vec::new(),
    }
}

fn begun() -> (TempDir, Project, Running) {
    let dir = TempDir::new().unwrap();
    let text = "version: 3\nname: t\nstages:\n  a: { run: sleep 600 }\n";
    fs::write(dir.path().join("t.yml"), text).unwrap();
    let project = Project::new(dir.path().to_path_buf(), dir.path().join(".sortie"));
    let prepared = embed::prepare(&project, dir.path().join("t.yml").to_str().unwrap(), &[], "ann").unwrap();
    let running = start(&project, prepared, world()).unwrap();
    (dir, project, running)
}

#[test]
fn a_job_has_one_engine_in_a_process_and_the_next_one_after_its_end() {
    let (_dir, project, running) = begun();
    let Err(refused) = resume(&project, &running.id, Again::default(), world()) else {
        panic!("a second engine has taken the job");
    };
    assert_eq!(refused.kind, ErrorKind::Refused);
    assert_eq!(
        refused.message,
        "job #1 is owned by another engine of this very process, which takes orders about it"
    );
    // The first still has it.
    running.handle.ask("ann", Order::Cancel { target: Target::Job, force: false }).unwrap();
    running.handle.wait(Some(Duration::from_secs(60))).unwrap();
    // Its engine may be letting go just now, and is waited for.
    let order = Order::Retry { scope: crate::logic::job::order::RetryScope::Failed };
    let order = Asked { id: String::new(), by: "ann".to_owned(), order, expected_seq: None };
    let again =
        resume(&project, &running.id, Again { order: Some(order), ..Again::default() }, world()).unwrap();
    again.handle.ask("ann", Order::Cancel { target: Target::Job, force: false }).unwrap();
    assert_eq!(again.wait().unwrap().outcome, Outcome::Cancelled);
    assert_eq!(running.wait().unwrap().outcome, Outcome::Cancelled);
}

#[test]
fn what_would_not_end_when_a_job_is_taken_over_is_named() {
    let (_dir, project, running) = begun();
    let id = running.id.clone();
    assert_eq!(running.hand_over().unwrap(), None);
    let running = resume(&project, &id, Again::default(), world()).unwrap();
    let mut events = running.handle.subscribe(0);
    let mut seen = Vec::new();
    while let Next::Event(event) = events.next(Some(Duration::from_secs(60))) {
        seen.push(event.event.clone());
    }
    assert_eq!(running.wait().unwrap().outcome, Outcome::Failure);
    let lost = seen.iter().find_map(|event| match event {
        Event::StepFinished(end) => end.cause.clone(),
        _ => None,
    });
    let Some(Cause::Interrupted { message }) = lost else { panic!("{lost:?}: {seen:?}") };
    assert!(message.ends_with("; still there, because they would not end: stuck (process 7)"), "{message}");
    let Some(Event::JobFinished { survivors, .. }) = seen.last() else { panic!("{seen:?}") };
    assert_eq!(survivors, &["stuck (process 7)"]);
}
