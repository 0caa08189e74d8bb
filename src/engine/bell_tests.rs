//! Bells, and the bus that rings them.

use std::os::fd::AsFd;
use std::time::Duration;

use super::{Bell, first_of};
use crate::engine::bus::{Bus, Held, Place};
use crate::logic::job::report::AttemptKey;

const KEY: AttemptKey = AttemptKey { cell: 0, run: 1, step: 0, attempt: 1 };

fn rings(bell: &Bell) -> bool {
    first_of(&[bell.as_fd()], Duration::ZERO)
}

#[test]
fn however_often_it_is_rung_it_is_heard_once() {
    let bell = Bell::new().unwrap();
    assert!(!rings(&bell));
    for _ in 0..3 {
        bell.clone().ring();
    }
    assert!(rings(&bell));
    bell.hush();
    assert!(!rings(&bell));
    bell.hush();
    let other = Bell::new().unwrap();
    other.ring();
    assert!(!first_of(&[bell.as_fd(), other.as_fd()], Duration::from_secs(60)), "it is the other one");
}

#[test]
fn the_bus_rings_for_whoever_found_nothing() {
    let (bus, bell, idle) = (Bus::default(), Bell::new().unwrap(), Bell::new().unwrap());
    let place = Place::after(0);
    assert!(matches!(bus.held_or_rung(place, &bell), Held::Nothing));
    assert!(matches!(bus.held_or_rung(place, &bell), Held::Nothing));
    assert!(!rings(&bell));
    bus.grew(&[(KEY, 5)]);
    assert!(rings(&bell));
    bell.hush();
    assert!(matches!(bus.held_or_rung(place, &idle), Held::Next(_)));
    bus.end();
    assert!(!rings(&bell) && !rings(&idle), "nobody waits");
}

#[test]
fn a_ring_ends_a_wait_on_another_thread() {
    let (bus, bell) = (Bus::default(), Bell::new().unwrap());
    assert!(matches!(bus.held_or_rung(Place::after(0), &bell), Held::Nothing));
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| first_of(&[bell.as_fd()], Duration::from_secs(60)));
        bus.end();
        assert!(waits.join().unwrap());
    });
}
