//! Locks between projects: one has it, others hear who; shared ones; all or none.

use super::*;
use crate::logic::claims::Kind;
use crate::logic::playbook::share::Reach;

fn claim(name: &str, is_shared: bool) -> Claim {
    Claim { is_shared, ..Claim::whole(Kind::Lock, name, Reach::Machine) }
}

fn whose(dir: &Path, job: u64) -> Whose<'_> {
    Whose { dir, project: "/p", job, name: "deploy", place: "ship".to_owned(), now: Timestamp(5) }
}

fn take(locks: &mut MachineLocks, dir: &Path, claims: &[Claim], job: u64) -> Result<(), String> {
    let folder = dir.join(format!("job {job}"));
    locks.take_in(dir, Some(0), claims, &whose(&folder, job)).map_err(|why| match why {
        Beyond::Held(by) => by.who(),
        Beyond::Never(message) => message,
    })
}

#[test]
fn one_holds_it_and_others_hear_who_until_it_is_given_back_or_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ours, mut theirs) = (MachineLocks::default(), MachineLocks::default());
    assert_eq!(take(&mut ours, dir.path(), &[claim("prod", false)], 12), Ok(()));
    let words = "job #12 `deploy` (ship) in `/p`".to_owned();
    assert_eq!(take(&mut theirs, dir.path(), &[claim("prod", false)], 3), Err(words));
    ours.give_back(Some(0));
    assert_eq!(take(&mut theirs, dir.path(), &[claim("prod", false)], 3), Ok(()));
    drop(theirs);
    assert_eq!(take(&mut ours, dir.path(), &[claim("prod", false)], 12), Ok(()));
}

#[test]
fn some_share_it_and_nothing_is_kept_of_what_was_not_had_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (mut one, mut two) = (MachineLocks::default(), MachineLocks::default());
    assert_eq!(take(&mut one, dir.path(), &[claim("a", true)], 1), Ok(()));
    assert_eq!(take(&mut two, dir.path(), &[claim("a", true)], 2), Ok(()));
    two.give_back(Some(0));
    assert!(take(&mut two, dir.path(), &[claim("b", false), claim("a", false)], 2).is_err());
    assert_eq!(take(&mut one, dir.path(), &[claim("b", false)], 1), Ok(()));
}

#[test]
fn what_an_engine_had_is_held_as_long_as_a_keeper_has_the_folder_of_its_job() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("job 1");
    fs::create_dir(&folder).unwrap();
    let exits = File::create(folder.join(EXITS)).unwrap();
    flock(&exits, FlockOperation::NonBlockingLockExclusive).unwrap();
    let mut one = MachineLocks::default();
    take(&mut one, dir.path(), &[claim("prod", true)], 1).unwrap();
    // The engine dies.
    drop(one);
    let (mut two, mut again) = (MachineLocks::default(), MachineLocks::default());
    assert_eq!(take(&mut two, dir.path(), &[claim("prod", true)], 2), Ok(()), "it was shared");
    two.give_back_all();
    let words = "job #1 `deploy` (ship) in `/p`".to_owned();
    assert_eq!(take(&mut two, dir.path(), &[claim("prod", false)], 2), Err(words));
    assert_eq!(take(&mut again, dir.path(), &[claim("prod", true)], 1), Ok(()), "the next engine of the job");
    drop(again);
    // What it has begun has come to its end.
    drop(exits);
    assert_eq!(take(&mut two, dir.path(), &[claim("prod", false)], 2), Ok(()));
}

#[test]
fn what_was_lost_or_given_back_in_the_moment_of_a_death_is_not_said_to_be_held() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("job 1");
    fs::create_dir(&folder).unwrap();
    let exits = File::create(folder.join(EXITS)).unwrap();
    flock(&exits, FlockOperation::NonBlockingLockExclusive).unwrap();
    let mut one = MachineLocks::default();
    take(&mut one, dir.path(), &[claim("prod", false), claim("test", false)], 1).unwrap();
    drop(one);
    let still = [(Some(0), 1, vec![claim("test", false)])];
    MachineLocks::forget_in(dir.path(), &folder, &still);
    let mut two = MachineLocks::default();
    assert_eq!(take(&mut two, dir.path(), &[claim("prod", false)], 2), Ok(()));
    assert!(take(&mut two, dir.path(), &[claim("test", false)], 2).is_err());
}
