//! Who gets what: order, sharing, shares, rings; and over random parties, that nothing is given twice and all come to it.

use super::*;

fn party(job: u64, wanted: &[Claim]) -> Party {
    Party {
        job,
        cell: None,
        ancestors: Vec::new(),
        name: format!("p{job}"),
        place: String::new(),
        is_first: false,
        priority: (0, 0),
        ticket: i64::try_from(job).expect("small"),
        since: Timestamp(0),
        held: Vec::new(),
        wanted: wanted.to_vec(),
        is_left: false,
    }
}

fn holder(job: u64, held: &[Claim]) -> Party {
    Party { held: held.to_vec(), wanted: Vec::new(), ..party(job, &[]) }
}

fn lock(name: &str) -> Claim {
    Claim::whole(Kind::Lock, name, Reach::Project)
}

fn shared(name: &str) -> Claim {
    Claim { is_shared: true, ..lock(name) }
}

/// What became of each that waits: its job, and `ok`, `refused`, or whom it waits for.
fn said(parties: &[Party]) -> String {
    let mut lines: Vec<String> = arbitrate(parties)
        .into_iter()
        .map(|(at, verdict)| {
            let what = match verdict {
                Verdict::Held => "ok".to_owned(),
                Verdict::Blocked { by } => {
                    let who = by.iter().map(|it| format!("{}{}", it.job, if it.waits { "?" } else { "" }));
                    who.collect::<Vec<_>>().join("+")
                }
                other => format!("{other:?}").split(' ').next().unwrap_or_default().to_lowercase(),
            };
            format!("{}:{what}", parties[at].job)
        })
        .collect();
    lines.sort();
    lines.join(" ")
}

#[test]
fn a_lock_goes_to_the_first_who_asked() {
    assert_eq!(said(&[party(2, &[lock("a")]), party(1, &[lock("a")])]), "1:ok 2:1");
    assert_eq!(
        said(&[holder(9, &[lock("a")]), party(1, &[lock("a")]), party(2, &[lock("a")])]),
        "1:9 2:9+1?"
    );
}

#[test]
fn readers_share_and_do_not_pass_a_writer() {
    let parties = [
        holder(1, &[shared("a")]),
        party(2, &[shared("a")]),
        party(3, &[lock("a")]),
        party(4, &[shared("a")]),
    ];
    assert_eq!(said(&parties), "2:ok 3:1+2 4:3?");
}

#[test]
fn all_is_taken_together_or_nothing_and_the_place_in_line_is_kept() {
    let parties = [
        holder(1, &[lock("a")]),
        party(2, &[lock("a"), lock("b")]),
        party(3, &[lock("b")]),
        party(4, &[lock("c")]),
    ];
    assert_eq!(said(&parties), "2:1 3:2? 4:ok");
}

#[test]
fn who_waits_for_a_lock_keeps_no_resource_from_others() {
    let slot = Claim::part("slots", 1, 2);
    let parties = [
        holder(1, &[lock("a"), slot.clone()]),
        party(2, &[lock("a"), slot.clone()]),
        party(3, std::slice::from_ref(&slot)),
        party(4, &[slot]),
    ];
    assert_eq!(said(&parties), "2:1 3:ok 4:1+3");
}

#[test]
fn a_large_wish_is_not_passed_by_small_ones() {
    let part = |n| Claim::part("gpu", n, 4);
    let parties = [holder(1, &[part(2)]), party(2, &[part(3)]), party(3, &[part(1)])];
    assert_eq!(said(&parties), "2:1 3:1+2?");
}

#[test]
fn priority_goes_before_order_and_what_was_lent_before_both() {
    let mut parties = [party(1, &[lock("a")]), party(2, &[lock("a")]), holder(3, &[lock("b")])];
    parties[1].priority = (1, 0);
    assert_eq!(said(&parties), "1:2 2:ok");
    parties[2].wanted = vec![lock("a")];
    parties[2].is_first = true;
    assert_eq!(said(&parties), "1:3+2? 2:3 3:ok");
}

#[test]
fn a_job_in_a_step_borrows_the_slot_of_the_step_and_never_waits_for_its_locks() {
    let slot = Claim::part("slots", 1, 1);
    let nested = |wanted: &[Claim]| Party { ancestors: vec![1], ..party(2, wanted) };
    assert_eq!(said(&[holder(1, std::slice::from_ref(&slot)), nested(std::slice::from_ref(&slot))]), "2:ok");
    assert_eq!(said(&[holder(1, std::slice::from_ref(&slot)), party(2, &[slot])]), "2:1");
    assert_eq!(said(&[holder(1, &[lock("a")]), nested(&[lock("a")])]), "2:refused");
}

#[test]
fn a_part_of_a_job_does_not_wait_for_its_own_job() {
    let parties = [holder(1, &[lock("a")]), Party { cell: Some(0), ..party(1, &[lock("a")]) }];
    assert_eq!(said(&parties), "1:refused");
}

#[test]
fn a_ring_through_jobs_in_steps_is_broken_at_the_one_who_asked_last() {
    // 1 holds a and runs 3, which wants b; 2 holds b and runs 4, which wants a.
    let parties = [
        holder(1, &[lock("a")]),
        holder(2, &[lock("b")]),
        Party { ancestors: vec![1], ..party(3, &[lock("b")]) },
        Party { ancestors: vec![2], ..party(4, &[lock("a")]) },
    ];
    assert_eq!(said(&parties), "3:2 4:refused");
    // Without the last one nobody waits in a ring.
    assert_eq!(said(&parties[..3]), "3:2");
}

#[test]
fn a_job_in_a_step_is_not_behind_those_who_wait_for_that_step() {
    let job = Claim::part("jobs", 1, 1);
    let parties = [
        holder(1, &[job.clone(), lock("a")]),
        party(2, &[job.clone(), lock("b")]),
        party(3, &[lock("a"), lock("b")]),
        Party { ancestors: vec![1], ..party(4, &[job, lock("b")]) },
    ];
    assert_eq!(said(&parties), "2:4 3:1+4+2? 4:ok");
}

#[test]
fn locks_of_one_job_are_not_those_of_another() {
    let own = || Claim::whole(Kind::Lock, "a", Reach::Run);
    assert_eq!(said(&[holder(1, &[own()]), party(2, &[own()])]), "2:ok");
    let twin = Party { cell: Some(1), ..party(1, &[own()]) };
    assert_eq!(said(&[Party { cell: Some(0), ..holder(1, &[own()]) }, twin]), "1:1");
}

/// Random parties take what they are given and end in random order: nothing is ever given twice, and all have had a turn.
#[test]
fn nothing_is_given_twice_and_everybody_has_a_turn() {
    for seed in 1..400u64 {
        let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut roll = |sides: u64| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice % sides
        };
        let mut parties: Vec<Party> = (1..=12)
            .map(|job| {
                let mut wanted = Vec::new();
                for name in ["a", "b", "c"] {
                    match roll(5) {
                        0 => wanted.push(lock(name)),
                        1 => wanted.push(shared(name)),
                        _ => {}
                    }
                }
                wanted.push(Claim::part("slots", 1 + roll(3), 3));
                Party { priority: (i64::try_from(roll(3)).expect("small"), 0), ..party(job, &wanted) }
            })
            .collect();
        let mut ended = 0;
        for _ in 0..1_000 {
            let granted: Vec<usize> = arbitrate(&parties)
                .into_iter()
                .filter(|(_, verdict)| *verdict == Verdict::Held)
                .map(|(at, _)| at)
                .collect();
            for at in granted {
                if roll(2) == 0 {
                    parties[at].held = std::mem::take(&mut parties[at].wanted);
                }
            }
            check(&parties, seed);
            let running: Vec<usize> = (0..parties.len()).filter(|&at| !parties[at].held.is_empty()).collect();
            if !running.is_empty() && roll(2) == 0 {
                let at = running[usize::try_from(roll(running.len() as u64)).expect("small")];
                parties[at].held.clear();
                ended += 1;
            }
            if ended == 12 {
                break;
            }
        }
        assert_eq!(ended, 12, "seed {seed}: somebody never had a turn");
    }
}

fn check(parties: &[Party], seed: u64) {
    let slots: u64 = parties.iter().flat_map(|it| &it.held).map(|claim| claim.amount).sum();
    assert!(slots <= 3, "seed {seed}: {slots} of 3 slots are given");
    for name in ["a", "b", "c"] {
        let of = |is_shared: bool| {
            let held = parties.iter().flat_map(|it| &it.held);
            held.filter(|claim| &*claim.name == name && claim.is_shared == is_shared).count()
        };
        let (writers, readers) = (of(false), of(true));
        assert!(
            writers == 0 || (writers == 1 && readers == 0),
            "seed {seed}: {writers} and {readers} hold {name}"
        );
    }
}
