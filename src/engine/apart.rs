//! A thread that works beside its parent, from its first moment on.
//!
//! Some systems put a new thread where its parent is, and look for an idle processor only milliseconds later: energy is
//! saved by that, or a host. What is to be done in those milliseconds is done by one processor then.

use std::io;
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Starts a thread on another processor than this one, if it may use one. It stays away from this one, so that it should
/// be over soon.
///
/// # Errors
/// What the system says.
pub(super) fn spawn_apart<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let builder = Builder::new().name(name.to_owned());
    let Some((all, here, others)) = processors() else { return builder.spawn(body) };
    // Until the other one has gone: otherwise whoever wakes this thread takes it along.
    let is_here = sched_setaffinity(None, &here).is_ok();
    let (tell, told) = mpsc::channel();
    let spawned = builder.spawn(move || {
        // Where it cannot go away, it begins where it is; and the parent goes on if it has gone.
        let _gone = sched_setaffinity(None, &others);
        let _told = tell.send(());
        body()
    });
    if spawned.is_ok() {
        let _told = told.recv();
    }
    if is_here {
        // It was so before.
        let _set = sched_setaffinity(None, &all);
    }
    spawned
}

/// Returns the processors that this thread may use: all, the one that it is at, and the others; none if there are no others.
fn processors() -> Option<(CpuSet, CpuSet, CpuSet)> {
    let all = sched_getaffinity(None).ok()?;
    let at = sched_getcpu();
    if at >= CpuSet::MAX_CPU || !all.is_set(at) || all.count() < 2 {
        return None;
    }
    let (mut here, mut others) = (CpuSet::new(), all);
    here.set(at);
    others.unset(at);
    Some((all, here, others))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_works_beside_its_parent_where_it_can() {
        let before = sched_getaffinity(None).expect("the system says");
        let where_it_is = || (sched_getcpu(), sched_getaffinity(None).expect("the system says"));
        let thread = spawn_apart("beside", where_it_is).expect("a thread");
        let (at, its) = thread.join().expect("it does not panic");
        assert!(its.is_set(at));
        assert_eq!(its.count(), before.count().max(2) - 1);
        assert!(sched_getaffinity(None).expect("the system says") == before);
    }
}
