//! The words for waits: who, what, since when, and who is before.

use super::*;
use crate::logic::playbook::share::Reach;

fn by(claim: &Claim, job: u64, waits: bool) -> Blocker {
    Blocker {
        claim: claim.clone(),
        job,
        name: "deploy".to_owned(),
        place: "ship".to_owned(),
        since: Timestamp(0),
        waits,
        is_left: false,
        project: String::new(),
    }
}

fn waits(claim: &Claim, by: Vec<Blocker>) -> ShareWait {
    ShareWait { claims: vec![claim.clone()], by, since: Timestamp(0) }
}

#[test]
fn the_holder_is_named_with_its_job_and_time() {
    let prod = Claim::whole(Kind::Lock, "prod", Reach::Project);
    let at = time(Timestamp(0));
    let one = waits(&prod, vec![by(&prod, 12, false), by(&prod, 13, true)]);
    assert_eq!(
        told(&one),
        format!("lock `prod`, held by job #12 `deploy` (ship) since {at}; 1 other before it in line")
    );
    assert_eq!(brief(&one), "lock prod, job #12");
    let behind = waits(&prod, vec![by(&prod, 13, true)]);
    assert_eq!(told(&behind), format!("lock `prod`, behind job #13 `deploy` (ship) since {at}"));
    assert_eq!(told(&waits(&prod, Vec::new())), "lock `prod`");
}

#[test]
fn resources_are_in_use_and_a_job_that_nobody_works_on_is_said_to_be_so() {
    let gpu = Claim::part("gpu", 2, 4);
    let mut holder = by(&gpu, 12, false);
    holder.is_left = true;
    let words = told(&waits(&gpu, vec![holder]));
    assert!(words.starts_with("2 of `gpu`, all in use, by job #12 `deploy` (ship) since "), "{words}");
    assert!(words.ends_with("no engine works on until somebody recovers it"), "{words}");
}
