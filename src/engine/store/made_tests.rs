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
    let project = Project { root: dir.path().to_path_buf(), state: dir.path().join(".sortie") };
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
    let number = store.create_job(&new, None, |_| String::new()).unwrap();
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
    let mut query = store.connection().prepare("SELECT text FROM sources ORDER BY id").unwrap();
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

#[test]
fn a_text_that_is_missing_is_told() {
    let (_dir, project) = project();
    let mut store = Store::open(&project).unwrap();
    run(&mut store, "a", "first");
    store.connection().execute("DELETE FROM sources", []).unwrap();
    assert!(store.job("a").is_err());
    let mut found = Vec::new();
    verify(&project, &mut |it| found.push((it.job, it.message))).unwrap();
    assert_eq!(found.iter().map(|(job, _)| *job).collect::<Vec<_>>(), [Some(1)], "{found:?}");
}
