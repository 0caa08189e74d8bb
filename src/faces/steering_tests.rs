//! Signals that come while one face goes and the next one comes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

use super::{Ends, Inner, Steering};
use crate::faces::context::Signal;
use crate::faces::hint::Caller;

fn steering() -> Steering {
    let ends =
        Ends { stop_here: |_| panic!("nothing stops here"), leave: |_, _| panic!("nothing ends here") };
    Steering(Arc::new(Inner::new(ends, || "ada".to_owned(), None, Caller::default())))
}

#[test]
fn a_signal_for_a_face_that_is_going_is_heard_by_the_next() {
    let steering = steering();
    steering.set_listener(Some(Box::new(|_| false)));
    steering.0.hear(Signal::Terminate);
    // One that lay behind what made it go.
    steering.put_back(Signal::Interrupt);
    steering.put_back(Signal::Continue);
    steering.set_listener(None);
    let (tell, told) = channel();
    steering.set_listener(Some(Box::new(move |signal| tell.send(signal).is_ok())));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [Signal::Terminate, Signal::Interrupt]);
    assert_eq!(steering.0.received.load(Ordering::Relaxed), 1, "hearing it again is no second signal");
    // Each is heard once.
    let (tell, told) = channel();
    steering.set_listener(Some(Box::new(move |signal| tell.send(signal).is_ok())));
    assert_eq!(told.try_iter().count(), 0);
}

#[test]
fn a_signal_that_no_face_can_hear_any_more_ends_whoever_only_looked_on() {
    let ends = Ends { stop_here: |_| panic!("nothing stops here"), leave: |_, words| panic!("{words}") };
    let steering = Steering(Arc::new(Inner::new(ends, || "ada".to_owned(), None, Caller::default())));
    steering.set_parting(Some(Box::new(|| "job #7 goes on".to_owned())));
    steering.listen_alone();
    steering.set_listener(Some(Box::new(|_| true)));
    steering.0.hear(Signal::Interrupt);
    // It lay in the queue of a face that had a bug.
    steering.put_back(Signal::Interrupt);
    let left = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| steering.listen_alone()));
    assert_eq!(left.unwrap_err().downcast_ref::<String>().map(String::as_str), Some("job #7 goes on"));
}
