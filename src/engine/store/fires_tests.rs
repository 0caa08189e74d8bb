//! Tests of the ledger of fires: each fire once, and a job for it once.

use std::time::Duration;

use tempfile::TempDir;

use super::{FireState, NewFire};
use crate::engine::store::{NewJob, Owner, Store};
use crate::engine::{ErrorKind, Project};
use crate::logic::schedule::meet::Standing;
use crate::logic::time::Timestamp;
use crate::port::keeper::OnLoss;

fn project() -> (TempDir, Project) {
    let dir = TempDir::new().unwrap();
    let project = Project::new(dir.path().to_path_buf(), dir.path().join(".sortie"));
    Store::prepare(&project).unwrap();
    (dir, project)
}

fn fire<'a>(key: &'a str, nominal: i64, state: FireState) -> NewFire<'a> {
    NewFire {
        source: "s",
        key,
        nominal: Timestamp(nominal),
        made: Timestamp(nominal),
        kind: "schedule",
        playbook: "/p/playbooks/a.yml",
        spec: "* * * * * UTC",
        event: "{}",
        state,
        words: "why",
    }
}

fn job(
    store: &mut Store,
    id: &str,
    fire: Option<u64>,
    owner: Option<&Owner>,
) -> Result<u64, crate::engine::EngineError> {
    let new = NewJob {
        id,
        name: "a",
        playbook: "/p/playbooks/a.yml",
        source: "",
        request: "{}",
        actor: "ann",
        parent: None,
        created: 0,
        on_loss: OnLoss::Keep,
        fire,
        start: None,
        retry_of: None,
    };
    store.create_job(&new, owner, |_| Ok(String::new()))
}

#[test]
fn a_fire_that_two_services_see_is_written_down_once() {
    let (_dir, project) = project();
    let (mut one, mut two) = (Store::open(&project).unwrap(), Store::open(&project).unwrap());
    let first = one.record_fires(&[fire("10:00", 10, FireState::Starting)]).unwrap();
    assert_eq!(first, [Some(1)]);
    assert_eq!(two.record_fires(&[fire("10:00", 10, FireState::Starting)]).unwrap(), [None]);
    assert_eq!(two.record_fires(&[fire("10:00", 10, FireState::Missed)]).unwrap(), [None]);
    let both = [fire("11:00", 11, FireState::Missed), fire("10:00", 10, FireState::Skipped)];
    assert_eq!(two.record_fires(&both).unwrap(), [Some(2), None]);
    assert_eq!(one.fire(1).unwrap().unwrap().state, FireState::Starting);
}

#[test]
fn a_fire_that_was_only_missed_may_still_come_true() {
    let (_dir, project) = project();
    let mut store = Store::open(&project).unwrap();
    store.record_fires(&[fire("10:00", 10, FireState::Missed)]).unwrap();
    let again = store.record_fires(&[fire("10:00", 10, FireState::Starting)]).unwrap();
    assert_eq!(again, [Some(1)]);
    assert_eq!(store.fire(1).unwrap().unwrap().state, FireState::Starting);
}

#[test]
fn a_fire_has_one_job_however_often_its_start_is_tried() {
    let (_dir, project) = project();
    let mut store = Store::open(&project).unwrap();
    store
        .record_fires(&[fire("10:00", 10, FireState::Starting), fire("11:00", 11, FireState::Skipped)])
        .unwrap();
    assert_eq!(job(&mut store, "one", Some(1), None).unwrap(), 1);
    let second = job(&mut store, "two", Some(1), None).unwrap_err();
    assert_eq!(
        (second.kind, second.message.as_str()),
        (ErrorKind::Refused, "fire 1 has started job #1 already")
    );
    let skipped = job(&mut store, "three", Some(2), None).unwrap_err();
    assert_eq!(skipped.message, "fire 2 is not to start a job any more");
    assert_eq!(
        job(&mut store, "four", Some(9), None).unwrap_err().message,
        "there is no fire 9 in this store"
    );
    // What was refused left no job behind.
    assert_eq!(job(&mut store, "five", None, None).unwrap(), 2);
    let row = store.fire(1).unwrap().unwrap();
    assert_eq!((row.state, row.job), (FireState::Started, Some(1)));
    assert!(!store.move_fire(1, (FireState::Starting, FireState::Failed), "late").unwrap());
}

#[test]
fn what_still_stands_of_earlier_fires_is_known() {
    let (_dir, project) = project();
    let mut store = Store::open(&project).unwrap();
    let now = Timestamp(60_000_000);
    assert_eq!(store.standing("s", now).unwrap(), (Standing::default(), false));
    store.record_fires(&[fire("a", 1, FireState::Starting), fire("b", 2, FireState::Waiting)]).unwrap();
    let starting = Standing { running: vec![], is_starting: true, waiting: 1 };
    assert_eq!(store.standing("s", now).unwrap(), (starting, false));
    let number = job(&mut store, "one", Some(1), Some(&Owner::this())).unwrap();
    let running = Standing { running: vec![number], is_starting: false, waiting: 1 };
    assert_eq!(store.standing("s", now).unwrap(), (running, false));
    assert_eq!(store.standing("other", now).unwrap(), (Standing::default(), false));
    // A job that nobody works on blocks nobody, but somebody should see to it; a moment after its start it is only early.
    store.record_fires(&[fire("c", 3, FireState::Starting)]).unwrap();
    store.move_fire(2, (FireState::Waiting, FireState::Skipped), "").unwrap();
    let lost = job(&mut store, "two", Some(3), None).unwrap();
    assert_eq!(store.standing("s", now).unwrap().0.running, [number]);
    assert!(store.standing("s", now).unwrap().1);
    assert_eq!(store.standing("s", Timestamp(1_000_000)).unwrap().0.running, [number, lost]);
}

#[test]
fn a_trigger_is_known_since_it_was_first_seen() {
    let (_dir, project) = project();
    let mut store = Store::open(&project).unwrap();
    let see =
        |store: &mut Store, at: i64| store.see_trigger("s", ("a", "schedule", "x"), Timestamp(at)).unwrap();
    assert_eq!(see(&mut store, 5), Timestamp(5));
    assert_eq!(see(&mut store, 9), Timestamp(5));
}

#[test]
fn what_the_ledger_knows_leaves_out_what_was_started_by_hand() {
    let (_dir, project) = project();
    let mut store = Store::open(&project).unwrap();
    let all = [
        fire("a", 10, FireState::Started),
        fire("b", 20, FireState::Missed),
        fire("hand 25", 25, FireState::Started),
        fire("c", 40, FireState::Skipped),
    ];
    store.record_fires(&all).unwrap();
    let known = store.known("s", Timestamp(1), (Timestamp(30), Duration::from_micros(6))).unwrap();
    assert_eq!(known.last, Some(Timestamp(20)));
    let rows: Vec<(i64, bool)> = known.rows.iter().map(|(at, fired)| (at.0, *fired)).collect();
    assert_eq!(rows, [(20, false), (40, true)]);
}
