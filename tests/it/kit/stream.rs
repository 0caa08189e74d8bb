//! What a program has printed so far, collected by a thread so that a full pipe never stops the program.
//!
//! Not here: what is done when the awaited text does not come (`ran.rs`).

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

/// One of a program's outputs.
#[derive(Clone, Default)]
pub(super) struct Stream {
    shared: Arc<(Mutex<Printed>, Condvar)>,
}

#[derive(Default)]
struct Printed {
    bytes: Vec<u8>,
    has_ended: bool,
}

impl Stream {
    /// Collects from a pipe until its last writer has closed it.
    pub(super) fn collect(mut pipe: impl Read + Send + 'static) -> Self {
        let stream = Self::default();
        let ours = stream.clone();
        thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let read = pipe.read(&mut buffer).unwrap_or(0);
                let mut printed = ours.lock();
                printed.bytes.extend_from_slice(&buffer[..read]);
                printed.has_ended = read == 0;
                ours.shared.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        stream
    }

    /// Waits until the text has been printed; false at the deadline or when the output ended without it.
    pub(super) fn wait_for(&self, text: &str, deadline: Instant) -> bool {
        let holds = |printed: &Printed| memchr::memmem::find(&printed.bytes, text.as_bytes()).is_some();
        self.wait(deadline, |printed| printed.has_ended || holds(printed));
        let printed = self.lock();
        holds(&printed)
    }

    /// Waits until nobody can write any more; false at the deadline.
    pub(super) fn wait_for_end(&self, deadline: Instant) -> bool {
        self.wait(deadline, |printed| printed.has_ended);
        self.lock().has_ended
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().bytes).into_owned()
    }

    fn wait(&self, deadline: Instant, is_enough: impl Fn(&Printed) -> bool) {
        let limit = deadline.saturating_duration_since(Instant::now());
        let (_, signal) = &*self.shared;
        let waited = signal.wait_timeout_while(self.lock(), limit, |printed| !is_enough(printed));
        drop(waited.expect("a collector does not panic"));
    }

    fn lock(&self) -> MutexGuard<'_, Printed> {
        self.shared.0.lock().expect("a collector does not panic")
    }
}
