//! Several jobs at once on the same outputs, and many results at once.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use super::{Ask, Place, build, field, hit, miss, recipe, record, unit};
use crate::logic::cache::{Inputs, Kept, Looked, Recipe, Unit};
use crate::logic::job::report::Report;

fn ask(unit: Unit, recipe: &Recipe) -> Ask {
    Ask::Look { unit, recipe: Arc::new(recipe.clone()), may_hit: true }
}

fn keep(unit: Unit) -> Ask {
    Ask::Keep { unit, until: super::super::moment(), record: record(), logs: Vec::new() }
}

/// A look at something that has nothing to do with the others, so that an answer proves that the job goes on.
fn other() -> Recipe {
    let inputs = Inputs::Globs(vec!["src/a.c".to_owned()]);
    Recipe { name: "other".to_owned(), inputs, outputs: Vec::new(), ..recipe() }
}

#[test]
fn the_second_engine_waits_for_the_first_and_has_a_hit_then() {
    let place = Place::new();
    let (one, two) = (place.job(), place.job());
    miss(one.look(unit(0), &recipe()));
    two.ask(vec![ask(unit(0), &recipe())]);
    miss(two.look(unit(7), &other()));
    assert!(two.is_silent(), "it waits");
    build(&place);
    assert!(matches!(one.keep(unit(0), record(), &[]), Kept::Stored { .. }));
    assert_eq!(hit(two.looked()).made_by, 1);
}

#[test]
fn who_dies_or_drops_its_look_lets_the_next_one_work() {
    let place = Place::new();
    let (one, two, three) = (place.job(), place.job(), place.job());
    miss(one.look(unit(0), &recipe()));
    two.ask(vec![ask(unit(0), &recipe())]);
    drop(one);
    miss(two.looked());
    three.ask(vec![ask(unit(0), &recipe())]);
    two.ask(vec![Ask::Drop { unit: unit(0) }]);
    miss(three.looked());
}

#[test]
fn a_wait_ends_when_it_is_dropped() {
    let place = Place::new();
    let (one, two) = (place.job(), place.job());
    miss(one.look(unit(0), &recipe()));
    two.ask(vec![ask(unit(0), &recipe()), Ask::Drop { unit: unit(0) }]);
    two.ask(vec![ask(unit(1), &recipe())]);
    miss(two.look(unit(7), &other()));
    two.ask(vec![Ask::Drop { unit: unit(1) }]);
    miss(two.look(unit(8), &other()));
    drop(one);
    let three = place.job();
    miss(three.look(unit(0), &recipe()));
    miss(two.look(unit(9), &other()));
    assert!(two.is_silent(), "nothing waits any more");
}

#[test]
fn a_job_of_a_step_does_not_wait_for_its_parent() {
    let place = Place::new();
    let one = place.job();
    miss(one.look(unit(0), &recipe()));
    let mut opening = place.opening();
    opening.is_nested = true;
    let nested = miss(place.job_with(opening).look(unit(0), &recipe()));
    assert_eq!((nested.reason.as_str(), nested.is_hopeless), ("outputs-locked", true));
}

#[test]
fn two_cells_of_one_job_wait_for_each_other() {
    let place = Place::new();
    let job = place.job();
    miss(job.look(unit(0), &recipe()));
    job.ask(vec![ask(unit(1), &recipe())]);
    let below = Recipe { outputs: vec!["out/deep/x".to_owned()], ..other() };
    job.ask(vec![ask(unit(2), &below)]);
    miss(job.look(unit(7), &other()));
    assert!(job.is_silent(), "both wait");
    build(&place);
    job.ask(vec![keep(unit(0))]);
    let mut heard = Vec::new();
    while heard.len() < 3 {
        heard.extend(job.heard.recv_timeout(super::PATIENCE).expect("an answer"));
    }
    assert!(
        heard
            .iter()
            .any(|it| matches!(it, Report::Looked { unit: u, looked: Looked::Hit(_) } if *u == unit(1)))
    );
}

#[test]
fn two_engines_that_keep_the_same_key_leave_one_whole_result() {
    let place = Place::new();
    // The same key without outputs to lock: both work at once.
    let pure = Recipe { outputs: Vec::new(), ..recipe() };
    let (one, two) = (place.job(), place.job());
    miss(one.look(unit(0), &pure));
    miss(two.look(unit(0), &pure));
    one.ask(vec![keep(unit(0))]);
    two.ask(vec![keep(unit(0))]);
    for job in [&one, &two] {
        assert!(matches!(job.answer(), Report::Kept { kept: Kept::Stored { .. }, .. }));
    }
    place.hit(&pure);
}

#[test]
fn many_results_at_once_are_all_answered_once() {
    let place = Place::new();
    let count = 500;
    let one = |at: u32| Recipe {
        name: format!("p: s[{at}]"),
        fields: vec![field("run of step 1", Some(&format!("cp in/{at} out/{at}")))],
        inputs: Inputs::Globs(vec![format!("in/{at}")]),
        outputs: vec![format!("out/{at}")],
        ..recipe()
    };
    for at in 0..count {
        place.write(&format!("in/{at}"), &format!("text {at}"));
    }
    let hear = |job: &super::Job, count: u32| {
        let mut heard: Vec<Report> = Vec::new();
        while heard.len() < count as usize {
            heard.extend(job.heard.recv_timeout(super::PATIENCE).expect("an answer"));
        }
        heard
    };
    let units = |heard: &[Report]| -> BTreeSet<u32> {
        heard
            .iter()
            .map(|it| match it {
                Report::Looked { unit, .. } | Report::Kept { unit, .. } => unit.cell,
                other => panic!("{other:?}"),
            })
            .collect()
    };
    let job = place.job();
    job.ask((0..count).map(|at| ask(unit(at), &one(at))).collect());
    assert_eq!(units(&hear(&job, count)).len(), count as usize);
    for at in 0..count {
        place.write(&format!("out/{at}"), &format!("text {at}"));
    }
    job.ask((0..count).map(|at| keep(unit(at))).collect());
    let kept = hear(&job, count);
    assert!(kept.iter().all(|it| matches!(it, Report::Kept { kept: Kept::Stored { .. }, .. })), "{kept:?}");
    drop(job);
    fs::remove_dir_all(place.at("out")).expect("it is there");
    place.write("in/7", "changed");
    let job = place.job();
    job.ask((0..count).map(|at| ask(unit(at), &one(at))).collect());
    let heard = hear(&job, count);
    assert_eq!(units(&heard).len(), count as usize);
    for report in &heard {
        let Report::Looked { unit, looked } = report else { panic!("{report:?}") };
        assert_eq!(matches!(looked, Looked::Hit(_)), unit.cell != 7, "{report:?}");
        if unit.cell != 7 {
            assert_eq!(place.read(&format!("out/{}", unit.cell)), format!("text {}", unit.cell));
        }
    }
}
