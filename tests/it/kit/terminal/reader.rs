//! The thread that reads what a program writes to its terminal, and the state that it keeps for everybody who waits.
//!
//! Not here: what the bytes mean (`emulator.rs`), what is done when nothing comes (`mod.rs`).

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use pty_process::blocking::Pty;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

use super::emulator::Emulator;
use super::shot::Shot;

/// Reads until nobody can write any more, or until it is told to leave.
pub(super) struct Reader {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    bell: std::fs::File,
}

/// What came so far.
pub(super) struct State {
    pub(super) emulator: Emulator,
    pub(super) raw: Vec<u8>,
    pub(super) has_ended: bool,
    wanted: Wanted,
    is_holding: bool,
    watch: Option<Watch>,
    seen: Option<Instant>,
}

/// Something that is looked for in every picture, not only in those that a waiting thread happens to see.
pub(super) type Watch = Box<dyn FnMut(&Shot) -> bool + Send>;

#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Read,
    Hold,
    Leave,
}

impl Reader {
    pub(super) fn start(master: Arc<Pty>, size: (u16, u16)) -> Self {
        let bell = eventfd(0, EventfdFlags::CLOEXEC).expect("a descriptor is free").into();
        let state = State {
            emulator: Emulator::new(size),
            raw: Vec::new(),
            has_ended: false,
            wanted: Wanted::Read,
            is_holding: false,
            watch: None,
            seen: None,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), bell });
        let ours = Arc::clone(&shared);
        let thread = thread::spawn(move || ours.read(&master));
        Self { shared, thread: Some(thread) }
    }

    /// Stops reading, as a terminal does whose user holds its scroll bar. Returns when nothing more will be read.
    pub(super) fn hold(&self) {
        self.want(Wanted::Hold);
        let state = self.lock();
        let until = |state: &mut State| !state.is_holding && !state.has_ended;
        drop(self.shared.changed.wait_while(state, until).expect("a reader does not panic"));
    }

    pub(super) fn go_on(&self) {
        self.want(Wanted::Read);
    }

    /// Ends the thread, and with it its hold on the terminal.
    pub(super) fn leave(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.want(Wanted::Leave);
            // It only ends by a panic where its state is wrong, and then everybody who asks for the state fails.
            thread.join().unwrap_or_default();
        }
    }

    fn want(&self, wanted: Wanted) {
        if let Ok(mut state) = self.shared.state.lock() {
            state.wanted = wanted;
        }
        (&self.shared.bell).write_all(&1_u64.to_ne_bytes()).expect("the counter has room");
    }

    /// Looks for something in every picture from now on.
    pub(super) fn watch(&self, watch: Watch) {
        let mut state = self.lock();
        state.seen = None;
        state.watch = Some(watch);
    }

    /// When the bytes came with which the thing looked for was there.
    pub(super) fn wait_for_seen(&self, deadline: Instant) -> Option<Instant> {
        self.wait(deadline, |state| state.seen.is_some() || state.has_ended).seen
    }

    /// Waits until it is so, or until the deadline.
    pub(super) fn wait(&self, deadline: Instant, is_so: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let waited = self.shared.changed.wait_timeout_while(self.lock(), limit, |state| !is_so(state));
        waited.expect("a reader does not panic").0
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("a reader does not panic")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Shared {
    fn read(&self, master: &Pty) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let wanted = {
                let mut state = self.state.lock().expect("whoever waits does not panic while looking");
                state.is_holding = state.wanted == Wanted::Hold;
                self.changed.notify_all();
                state.wanted
            };
            if wanted == Wanted::Leave {
                return;
            }
            let mut fds = vec![PollFd::new(&self.bell, PollFlags::IN)];
            if wanted == Wanted::Read {
                fds.push(PollFd::new(master, PollFlags::IN));
            }
            if poll(&mut fds, None).is_err() {
                continue;
            }
            let (rings, has_news) =
                (!fds[0].revents().is_empty(), fds.len() == 2 && !fds[1].revents().is_empty());
            if rings {
                (&self.bell).read_exact(&mut [0; 8]).expect("it has just rung");
                continue;
            }
            if has_news && !self.take_in(master, &mut buffer) {
                return;
            }
        }
    }

    /// Reads once; false at the end.
    fn take_in(&self, mut master: &Pty, buffer: &mut [u8]) -> bool {
        // The kernel ends the last writer's terminal with an error instead of an empty read.
        let read = master.read(buffer).unwrap_or(0);
        let at = Instant::now();
        let mut state = self.state.lock().expect("whoever waits does not panic while looking");
        let State { emulator, raw, watch, seen, .. } = &mut *state;
        let chunk = &buffer[..read];
        raw.extend_from_slice(chunk);
        emulator.feed(chunk, at, |emulator| {
            if watch.as_mut().is_some_and(|is_it| is_it(&emulator.shot())) {
                *watch = None;
                *seen = Some(at);
            }
        });
        state.has_ended = read == 0;
        let replies = std::mem::take(&mut state.emulator.replies);
        self.changed.notify_all();
        drop(state);
        // A program that ended meanwhile needs no answer.
        master.write_all(&replies).unwrap_or_default();
        read > 0
    }
}
