//! How a loop holds the screen: on a thread of its own, hearing signals, and never leaving the terminal behind.
//!
//! Not here: the loops (`watch.rs`, `launcher/turn.rs`), what changes the terminal (`terminal.rs`).

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;

use crossterm::event::{Event as Input, EventStream};
use futures_core::Stream;
use tokio::runtime::Runtime;

use super::terminal::Terminal;
use crate::faces::context::Signal;
use crate::faces::held::SCREEN_THREAD;
use crate::faces::steering::Steering;

/// Takes the terminal and runs `body` on the thread of the screen; `hear` is told of signals and says whether it
/// took them. Whether the terminal is given back after a success is up to the caller.
///
/// # Errors
/// Those of `body`, or if it panicked. The terminal has been given back then.
pub(super) fn hold<T: Send>(
    terminal: &mut Terminal,
    steering: &Steering,
    hear: impl Fn(Signal) -> bool + Send + 'static,
    body: impl FnOnce(&mut Terminal, &mut Keys) -> io::Result<T> + Send,
) -> io::Result<T> {
    let abandon = terminal.abandon_switch();
    // Before anybody listens: a signal that comes while the terminal is taken counts.
    abandon.store(false, Ordering::Relaxed);
    steering.set_listener(Some(Box::new(move |signal| {
        if !matches!(signal, Signal::Stop | Signal::Continue | Signal::Resize) {
            // It may be waiting for a terminal that reads nothing.
            abandon.store(true, Ordering::Relaxed);
        }
        hear(signal)
    })));
    let held = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(SCREEN_THREAD.to_owned());
        let thread = thread.spawn_scoped(scope, || {
            terminal.enter()?;
            let mut keys = terminal.keys.take().map_or_else(Keys::open, Ok)?;
            let held = body(terminal, &mut keys);
            terminal.keys = Some(keys);
            held
        })?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("it has a bug")))
    });
    steering.set_listener(None);
    if held.is_err() {
        terminal.leave();
    }
    held
}

/// What comes from the terminal, and what the loops that wait for it run on. The two belong together: what wakes a loop
/// for a key is its runtime. There is one for all loops of a terminal, because a key that is pressed while one stream
/// ends and the next begins may lie unnoticed until the next key.
pub(super) struct Keys {
    pub(super) runtime: Runtime,
    pub(super) stream: EventStream,
}

impl Keys {
    fn open() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        Ok(Self { runtime, stream: EventStream::new() })
    }
}

/// Waits for what comes from the terminal; nothing more comes from one that went away.
pub(super) async fn next(input: &mut EventStream) -> Option<io::Result<Input>> {
    std::future::poll_fn(|context| Pin::new(&mut *input).poll_next(context)).await
}
