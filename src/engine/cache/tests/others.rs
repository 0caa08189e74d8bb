//! Files of somebody else among the outputs: what they wrote never becomes a result.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::{Ask, Opening, PATIENCE, Place, build, field, hit, miss, moment, recipe, record, unit};
use crate::logic::cache::{Inputs, Kept, OFF, Recipe, Unit};

/// Looks for another result than the one before, works, lets somebody else do something, and keeps.
fn made_then(place: &Place, name: &str, work: impl FnOnce(&Place), after: impl FnOnce(&Place)) -> Kept {
    let it = Recipe { fields: vec![field("run of step 1", Some(name))], ..recipe() };
    let job = place.job();
    next_tick();
    miss(job.look(unit(0), &it));
    work(place);
    let until = moment();
    next_tick();
    after(place);
    job.keep_until(unit(0), until, record(), &[])
}

/// Waits until the clock that marks files has moved on: what happens within one tick cannot be told apart.
fn next_tick() {
    let now = moment();
    while super::super::stat::tick() <= now {
        std::thread::yield_now();
    }
}

#[track_caller]
fn is_refused(kept: &Kept, why: &str, what: &str) {
    assert!(
        matches!(kept, Kept::Not { reason, message, .. } if reason == why && message.contains(what)),
        "{why}: {kept:?}"
    );
}

#[test]
fn what_somebody_writes_after_the_end_is_not_kept() {
    type Change = (&'static str, fn(&Place));
    let what: [Change; 4] = [
        ("`out/a.o`", |place| place.write("out/a.o", "by a person")),
        ("`out`", |place| place.write("out/new.o", "by a person")),
        ("`out`", |place| fs::remove_file(place.at("out/b.o")).expect("it is there")),
        ("`out/a.o`", |place| place.mode("out/a.o", 0o755)),
    ];
    for (name, change) in what {
        is_refused(&made_then(&Place::new(), "one", build, change), "output-touched", name);
    }
}

#[test]
fn what_was_there_before_is_kept_only_if_it_was_made_or_is_named() {
    let place = Place::new();
    place.write("out/mine", "by a person");
    is_refused(&made_then(&place, "one", build, |_| {}), "leftover", "`out/mine`");
    fs::remove_file(place.at("out/mine")).expect("it is there");
    assert!(matches!(made_then(&place, "one", build, |_| {}), Kept::Stored { files: 2, .. }));
    // A command that finds a file up to date.
    let half = |place: &Place| place.write("out/a.o", "new object a");
    assert!(matches!(made_then(&place, "two", half, |_| {}), Kept::Stored { files: 2, .. }));
    place.write("out/b.o", "edited");
    is_refused(&made_then(&place, "three", half, |_| {}), "leftover", "`out/b.o`");
    let named = Recipe { outputs: vec!["out/b.o".to_owned()], ..recipe() };
    assert!(matches!(place.make(&named, |_| {}), Kept::Stored { files: 1, .. }));
}

#[test]
fn what_another_one_made_is_none_of_its_own() {
    let place = Place::new();
    place.made(&recipe(), |place| place.write("out/a.o", "object a"));
    next_tick();
    let other = Recipe { name: "p: other".to_owned(), fields: Vec::new(), ..recipe() };
    is_refused(&place.make(&other, |place| place.write("out/b.o", "b")), "leftover", "`out/a.o`");
}

#[test]
fn outputs_are_locked_where_the_cache_is_off_and_where_it_is_of_no_use() {
    let place = Place::new();
    let (one, two) = (place.job(), place.job());
    one.ask(vec![Ask::Lock { unit: unit(0), inputs: Vec::new(), outputs: recipe().outputs }]);
    let off = miss(one.looked());
    assert_eq!((off.reason.as_str(), off.is_hopeless), (OFF, true));
    let broken = Recipe { name: "broken".to_owned(), outputs: vec!["out/**".to_owned()], ..recipe() };
    two.ask(vec![Ask::Look { unit: unit(0), recipe: Arc::new(broken.clone()), may_hit: true }]);
    miss(two.look(unit(7), &Recipe { outputs: Vec::new(), ..recipe() }));
    assert!(two.is_silent(), "it waits");
    one.ask(vec![Ask::Drop { unit: unit(0) }]);
    miss(two.looked());
    two.ask(vec![Ask::Drop { unit: unit(0) }]);
    // One that can never be kept.
    let hopeless = Recipe { inputs: crate::logic::cache::Inputs::Globs(recipe().outputs), ..broken };
    place.write("out/a.o", "x");
    assert!(miss(two.look(unit(1), &hopeless)).is_hopeless);
    one.ask(vec![Ask::Lock { unit: unit(2), inputs: Vec::new(), outputs: recipe().outputs }]);
    miss(one.look(unit(8), &Recipe { outputs: Vec::new(), ..recipe() }));
    assert!(one.is_silent(), "it waits");
    drop(two);
    miss(one.looked());
    // A step has a slot, and does not wait.
    let three = place.job();
    let step = Unit { step: Some(0), ..unit(0) };
    three.ask(vec![Ask::Lock { unit: step, inputs: Vec::new(), outputs: recipe().outputs }]);
    assert_eq!(miss(three.looked()).reason, OFF);
}

#[test]
fn a_step_does_not_wait_for_who_writes_its_inputs_and_that_is_told() {
    let place = Place::new();
    let (one, two) = (place.job(), place.job());
    one.ask(vec![Ask::Lock { unit: unit(0), inputs: Vec::new(), outputs: vec!["src/a.c".to_owned()] }]);
    miss(one.looked());
    let step = Unit { step: Some(0), ..unit(0) };
    let told = miss(two.look(step, &recipe()));
    assert!(!told.is_hopeless && told.notes[0].contains("another job is writing its inputs"), "{told:?}");
    // A cell waits, and a job of a step neither waits nor speaks of what its parent does.
    two.ask(vec![Ask::Look {
        unit: unit(1),
        recipe: Arc::new(Recipe { outputs: Vec::new(), ..recipe() }),
        may_hit: true,
    }]);
    let mut opening = place.opening();
    opening.is_nested = true;
    let nested = miss(place.job_with(opening).look(unit(0), &Recipe { outputs: Vec::new(), ..recipe() }));
    assert!(nested.notes.is_empty(), "{nested:?}");
    assert!(two.is_silent(), "it waits");
    one.ask(vec![Ask::Drop { unit: unit(0) }]);
    miss(two.looked());
}

#[test]
fn inputs_that_name_no_file_are_told() {
    let place = Place::new();
    let inputs = |texts: &[&str]| texts.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
    let some = Recipe { inputs: Inputs::Globs(inputs(&["src/**", "srcc/**", "!none/**"])), ..recipe() };
    let notes = place.miss(&some).notes;
    assert!(notes.len() == 1 && notes[0].contains("`srcc/**` names no file"), "{notes:?}");
    let none = Recipe { inputs: Inputs::Globs(inputs(&["srcc/**"])), ..recipe() };
    place.made(&none, build);
    let notes = place.hit(&none).notes;
    assert!(notes.len() == 1 && notes[0].contains("`srcc/**` names no file"), "{notes:?}");
    let job = place.job();
    let whole = Recipe { inputs: Inputs::Project(inputs(&["*.none"])), outputs: Vec::new(), ..recipe() };
    let notes = miss(job.look(unit(0), &whole)).notes;
    assert!(notes.len() == 1 && notes[0].contains("`--cache-file` `*.none`"), "{notes:?}");
    assert!(miss(job.look(unit(1), &whole)).notes.is_empty(), "once is enough");
}

/// A tool that says its version once the project has a file `go`.
fn slow_tool(command: &str, root: &Path) -> Result<String, String> {
    fs::write(root.join("asked"), "").map_err(|error| error.to_string())?;
    let begun = Instant::now();
    while !root.join("go").exists() && begun.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    Ok(format!("{command} 1.0"))
}

#[test]
fn what_is_looked_at_again_because_somebody_began_to_write_is_told_once() {
    let place = Place::new();
    let idle = Inputs::Globs(vec!["srcc/**".to_owned()]);
    let it = Recipe { inputs: idle, tools: vec!["cc".to_owned()], ..recipe() };
    place.made(&it, build);
    let looking =
        place.job_with(Opening { probe: |command, _, root| slow_tool(command, root), ..place.opening() });
    looking.ask(vec![Ask::Look { unit: unit(0), recipe: Arc::new(it), may_hit: true }]);
    while !place.at("asked").exists() {
        assert!(looking.is_silent(), "it asks the tool");
        std::thread::yield_now();
    }
    let writing = place.job();
    writing.ask(vec![Ask::Lock { unit: unit(0), inputs: Vec::new(), outputs: vec!["else/**".to_owned()] }]);
    miss(writing.looked());
    place.write("go", "");
    let notes = hit(looking.looked()).notes;
    assert!(notes.len() == 1 && notes[0].contains("`srcc/**` names no file"), "{notes:?}");
}

#[test]
fn files_that_were_written_without_being_outputs_are_told_the_first_time() {
    let place = Place::new();
    let bare = Recipe { outputs: Vec::new(), ..recipe() };
    let Kept::Stored { notes, .. } = place.make(&bare, build) else { panic!("it is kept") };
    assert!(notes.len() == 1 && notes[0].contains("`out/a.o`, `out/b.o`"), "{notes:?}");
    let again = Recipe { fields: Vec::new(), ..bare };
    let Kept::Stored { notes, .. } = place.make(&again, |place| place.write("out/c.o", "c")) else {
        panic!("it is kept")
    };
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn who_may_have_written_a_file_is_told() {
    let place = Place::new();
    let strict = |name: &str| Recipe {
        name: name.to_owned(),
        fields: vec![field("run of step 1", Some(name))],
        outputs: Vec::new(),
        is_strict: true,
        ..recipe()
    };
    let job = place.job();
    miss(job.look(unit(0), &strict("one")));
    miss(job.look(unit(1), &strict("two")));
    let until = moment();
    next_tick();
    place.write("late", "by two");
    assert!(
        matches!(job.keep_until(unit(0), until, record(), &[]), Kept::Stored { .. }),
        "it was over when that was written"
    );
    is_refused(
        &job.keep(unit(1), record(), &[]),
        "undeclared-write",
        "what ran at the same time (`one`): `late`",
    );
}

#[test]
fn what_another_unit_of_the_job_made_or_put_back_is_no_result_of_this_one() {
    let place = Place::new();
    let it = |name: &str, output: &str| Recipe {
        name: name.to_owned(),
        fields: vec![field("run of step 1", Some(name))],
        outputs: vec![output.to_owned()],
        ..recipe()
    };
    let (one, two) = (it("p: one", "out/one"), it("p: two", "out/**"));
    // Made by it, and put back for it.
    for is_made in [true, false] {
        let job = place.job();
        fs::remove_dir_all(place.at("out")).unwrap_or_default();
        match is_made {
            true => {
                miss(job.look(unit(0), &one));
                place.write("out/one", "of one");
                assert!(matches!(job.keep(unit(0), record(), &[]), Kept::Stored { files: 1, .. }));
            }
            false => assert_eq!(hit(job.look(unit(0), &one)).restored, 1),
        }
        miss(job.look(unit(1), &two));
        place.write("out/two", "of two");
        is_refused(
            &job.keep(unit(1), record(), &[]),
            "of-another",
            "`p: one` made or put back in this job: `out/one`",
        );
    }
    // A file that is named letter by letter and that it leaves as the other one made it is not its own either.
    let job = place.job();
    hit(job.look(unit(0), &one));
    fs::remove_file(place.at("out/one")).expect("it was put back");
    assert_eq!(hit(job.look(Unit { run: 2, ..unit(0) }, &one)).restored, 1);
    let named = it("p: named", "out/one");
    miss(job.look(unit(1), &named));
    is_refused(&job.keep(unit(1), record(), &[]), "of-another", "`out/one`");
    // What it writes itself is.
    let other = it("p: other", "out/one");
    miss(job.look(unit(2), &other));
    next_tick();
    place.write("out/one", "of another");
    assert!(matches!(job.keep(unit(2), record(), &[]), Kept::Stored { files: 1, .. }));
    // A step and its cell have the same files, and so have two runs of a cell.
    for step in [None, Some(4)] {
        let again = Unit { cell: 2, run: 2, step };
        let name = format!("p: other/{step:?}");
        miss(job.look(again, &it(&name, "out/one")));
        assert!(matches!(job.keep(again, record(), &[]), Kept::Stored { files: 1, .. }), "{step:?}");
    }
}

#[test]
fn what_was_there_before_is_known_within_one_tick_of_the_clock_too() {
    let place = Place::new();
    for at in 0..20 {
        // By a person, or by a stage that is not kept.
        place.write("out/mine", &format!("of somebody {at}"));
        let it = Recipe { fields: vec![field("run of step 1", Some(&at.to_string()))], ..recipe() };
        let job = place.job();
        miss(job.look(unit(0), &it));
        place.write("out/a.o", &format!("object {at}"));
        is_refused(&job.keep(unit(0), record(), &[]), "leftover", "`out/mine`");
    }
}

#[test]
fn a_result_without_what_its_outputs_name_letter_by_letter_is_not_kept() {
    let place = Place::new();
    let it =
        |outputs: &[&str]| Recipe { outputs: outputs.iter().map(|&it| it.to_owned()).collect(), ..recipe() };
    // Somebody removes it while it is made.
    let work = |place: &Place| {
        build(place);
        fs::remove_file(place.at("out/b.o")).expect("it is there");
    };
    let kept = place.make(&it(&["out/a.o", "out/b.o"]), work);
    is_refused(&kept, "output-missing", "`out/b.o`, and nothing is there");
    is_refused(&kept, "output-missing", "a pattern such as `out/b.[o]`");
    is_refused(&place.make(&it(&["out/*.o", "there"]), work), "output-missing", "`there`");
    // Where it need not be there.
    for outputs in [&["out/a.o", "out/b.[o]"][..], &["out/a.o", "out/b.o", "!out/b.o"], &["out"]] {
        place.made(&it(outputs), work);
    }
}
