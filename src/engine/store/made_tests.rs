//! The text of a playbook is kept once for all jobs that run it, as long as there is one.

use tempfile::TempDir;

use super::NewJob;
use crate::engine::Project;
use crate::engine::store::{Keep, Store, prune, pruning, verify};
use crate::logic::job::event::{Envelope, Event, Outcome};
use crate::logic::time::Timestamp;
use crate::port::keeper::OnLoss;

fn project() -> (TempDir, Project) {
    let dir = TempDir::new().unwrap();
    let project = Project::new(dir.path().to_path_buf(), dir.path().join(".sortie"));
    Store::prepare(&project).unwrap();
    (dir, project)
}

fn run(store: &mut Store, id: &str, source: &str) {
    let new = NewJob {
        id,
        name: "t",
        playbook: "t.yml",
        source,
        request: "{}",
        actor: "ann",
        parent: None,
        created: 0,
        on_loss: OnLoss::Stop,
        retry_of: None,
        fire: None,
        start: None,
    };
    let number = store.create_job(&new, None, |_| Ok(String::new())).unwrap();
    let end = Event::JobFinished {
        outcome: Outcome::Success,
        cause: None,
        rescued: false,
        outputs: vec![],
        survivors: vec![],
    };
    store.append(number, 0, (&[Envelope { seq: 1, time: Timestamp(1), event: end }], None), &[]).unwrap();
}

fn texts(store: &Store) -> Vec<String> {
    let mut query = store.connection().prepare("SELECT text FROM sources ORDER BY text").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_text_is_kept_once_and_goes_with_the_last_job_that_ran_it() {
    let (_dir, project) = project();
    let mut store = Store::open(&project).unwrap();
    for (id, source) in [("a", "first"), ("b", "second"), ("c", "first"), ("d", "third")] {
        run(&mut store, id, source);
    }
    assert_eq!(texts(&store), ["first", "second", "third"]);
    assert_eq!(
        ["a", "b", "c", "d"].map(|id| store.job(id).unwrap().source),
        ["first", "second", "first", "third"]
    );
    for (count, left) in [(2, vec!["first", "third"]), (1, vec!["third"])] {
        let keep = Keep { count: Some(count), ..Keep::default() };
        let doomed = pruning(&project, keep, Timestamp(2)).unwrap().unwrap();
        prune(&project, doomed).unwrap();
        assert_eq!(texts(&store), left);
    }
    run(&mut store, "e", "first");
    assert_eq!(store.job("e").unwrap().source, "first");
}

/// Jobs that something is wrong with, and what.
fn findings(project: &Project) -> Vec<(Option<u64>, String)> {
    let mut found = Vec::new();
    verify(project, &mut |it| found.push((it.job, it.message))).unwrap();
    // The texts of these tests are no playbooks.
    found.retain(|(_, message)| !message.contains("no longer understood"));
    found
}

#[test]
fn a_text_that_is_missing_is_told_and_never_another_one() {
    let (_dir, project) = project();
    let mut store = Store::open(&project).unwrap();
    run(&mut store, "a", "first");
    store.connection().execute("DELETE FROM sources", []).unwrap();
    run(&mut store, "b", "second");
    let told = store.job("a").unwrap_err().message;
    assert!(told.contains("the text of the job's playbook is lost"), "{told}");
    let found = findings(&project);
    assert_eq!(found.iter().map(|(job, _)| *job).collect::<Vec<_>>(), [Some(1)], "{found:?}");
    // Whoever runs it as it was brings it back.
    run(&mut store, "c", "first");
    assert_eq!(store.job("a").unwrap().source, "first");
    assert_eq!(findings(&project), []);
}

#[test]
fn a_text_that_is_not_what_it_was_is_told_and_put_right_when_it_comes_again() {
    let (_dir, project) = project();
    let mut store = Store::open(&project).unwrap();
    for (id, source) in [("a", "first"), ("b", "second"), ("c", "first")] {
        run(&mut store, id, source);
    }
    let mut jobs = vec![Some(1), Some(3)];
    for (wrong, next) in [("text = 'evil'", 4), ("text = x'ff00fe'", 5)] {
        let damage = format!("UPDATE sources SET {wrong} WHERE text = 'first'");
        assert_eq!(store.connection().execute(&damage, []).unwrap(), 1);
        let told: Vec<_> =
            findings(&project).into_iter().filter(|(_, it)| it.contains("not what it was")).collect();
        assert_eq!(told.iter().map(|(job, _)| *job).collect::<Vec<_>>(), jobs, "{told:?}");
        let id = format!("after {wrong}");
        run(&mut store, &id, "first");
        assert_eq!(["a", "c", &id].map(|id| store.job(id).unwrap().source), ["first"; 3]);
        assert_eq!(findings(&project), []);
        jobs.push(Some(next));
    }
}
