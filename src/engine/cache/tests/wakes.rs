//! The threads that answer sleep while there is nothing to do: no ask is slept through, and no end.
//!
//! What is asked for here leaves them nothing to do by the clock, which would wake them anyway: an ask that nobody was woken
//! for would never be answered.

use std::sync::Barrier;
use std::sync::mpsc::channel;

use super::{Ask, Job, PATIENCE, Place, unit};
use crate::logic::cache::Unit;
use crate::logic::job::report::Report;

/// So many times a thread goes to sleep and is woken.
const ROUNDS: u32 = 2_000;

/// Needs no files and no locks, and leaves nothing to be written down.
fn ask(unit: Unit) -> Ask {
    Ask::Lock { unit, inputs: Vec::new(), outputs: Vec::new() }
}

/// Returns the cells that so many answers are for.
fn answered(job: &Job, count: usize) -> Vec<u32> {
    let mut cells = Vec::with_capacity(count);
    while cells.len() < count {
        let reports = job.heard.recv_timeout(PATIENCE).expect("it was woken");
        cells.extend(reports.iter().map(|report| match report {
            Report::Looked { unit, .. } => unit.cell,
            other => panic!("{other:?}"),
        }));
    }
    cells.sort_unstable();
    cells
}

#[test]
fn one_ask_after_the_other_is_answered() {
    let place = Place::new();
    let job = place.job();
    for at in 0..ROUNDS {
        job.ask(vec![ask(unit(at))]);
        assert_eq!(answered(&job, 1), [at]);
    }
}

#[test]
fn asks_of_many_at_once_are_answered_whether_they_are_few_or_for_two_threads() {
    let place = Place::new();
    let job = place.job();
    let cache = job.cache.as_ref().expect("it goes on");
    let (askers, each) = (4, 13);
    let count = askers * each;
    for round in 0..ROUNDS / 10 {
        let together = Barrier::new(askers);
        std::thread::scope(|scope| {
            for asker in 0..askers {
                let together = &together;
                scope.spawn(move || {
                    let cells = (asker * each..(asker + 1) * each).map(|at| u32::try_from(at).expect("few"));
                    let asks: Vec<Ask> = cells.map(|at| ask(unit(at))).collect();
                    together.wait();
                    // Sometimes one by one, sometimes so many that the second thread is called.
                    match (round as usize + asker) % 3 {
                        0 => asks.into_iter().for_each(|it| cache.ask(vec![it])),
                        _ => cache.ask(asks),
                    }
                });
            }
        });
        assert_eq!(answered(&job, count), (0..u32::try_from(count).expect("few")).collect::<Vec<_>>());
    }
}

#[test]
fn an_end_is_not_slept_through() {
    let place = Place::new();
    for round in 0..ROUNDS / 20 {
        let job = place.job();
        // At the beginning, while it works, and while it sleeps.
        match round % 3 {
            0 => {}
            1 => job.ask((0..100).map(|at| ask(unit(at))).collect()),
            _ => {
                job.ask(vec![ask(unit(0))]);
                answered(&job, 1);
            }
        }
        let (tell, ended) = channel();
        let ending = std::thread::spawn(move || {
            drop(job);
            tell.send(())
        });
        ended.recv_timeout(PATIENCE).expect("it was woken");
        ending.join().expect("it did not panic").expect("somebody listens");
    }
}
