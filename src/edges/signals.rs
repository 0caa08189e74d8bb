//! Signals that people and terminals send to this process.
//!
//! Not here: what they mean (`faces/steering.rs`).

use std::sync::mpsc;

use nix::sys::signal::{SigSet, Signal as Number, kill, raise};
use nix::unistd::{getpgrp, getpid};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal that was caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caught {
    Interrupt,
    Terminate,
    HangUp,
    /// Ctrl-Z in a terminal that is not raw, or the same from elsewhere.
    Stop,
    /// Somebody let the process go on.
    Continue,
    /// The terminal has another size.
    Resize,
}

/// Lets a write beyond the limit for file sizes fail with a message, instead of killing the process.
///
/// To be called before there are other threads. Children do not inherit it.
///
/// # Errors
/// If the system refuses, which it has no reason to.
pub fn let_large_writes_fail() -> std::io::Result<()> {
    let mut blocked = SigSet::empty();
    blocked.add(Number::SIGXFSZ);
    Ok(blocked.thread_block()?)
}

/// Calls back for each signal from now on, on a thread of its own, instead of letting the process die of it.
/// Stops, continues and other sizes are caught only `with_stops`; whoever catches them has to stop by [`stop_here`].
///
/// # Errors
/// If the system refuses; nothing is caught then.
pub fn listen(with_stops: bool, callback: impl Fn(Caught) + Send + 'static) -> std::io::Result<()> {
    let (ready, is_ready) = mpsc::channel();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        runtime.block_on(async {
            match Listened::register(with_stops) {
                Ok(listened) => {
                    let _ = ready.send(Ok(()));
                    listened.forward(&callback).await;
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        });
    })?;
    is_ready.recv().unwrap_or_else(|_| Err(std::io::Error::other("the listening thread ended")))
}

struct Listened {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    stops: Option<(Signal, Signal, Signal)>,
}

impl Listened {
    fn register(with_stops: bool) -> std::io::Result<Self> {
        let stops = || -> std::io::Result<(Signal, Signal, Signal)> {
            let number = |it: Number| SignalKind::from_raw(it as i32);
            let resize = signal(SignalKind::window_change())?;
            Ok((signal(number(Number::SIGTSTP))?, signal(number(Number::SIGCONT))?, resize))
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            stops: if with_stops { Some(stops()?) } else { None },
        })
    }

    async fn forward(mut self, callback: &impl Fn(Caught)) {
        loop {
            let caught = match &mut self.stops {
                Some((stop, go_on, resize)) => tokio::select! {
                    // In this order, so that whoever hears of another size has heard of what came before it.
                    biased;
                    Some(()) = self.interrupt.recv() => Caught::Interrupt,
                    Some(()) = self.terminate.recv() => Caught::Terminate,
                    Some(()) = self.hang_up.recv() => Caught::HangUp,
                    Some(()) = stop.recv() => Caught::Stop,
                    Some(()) = go_on.recv() => Caught::Continue,
                    Some(()) = resize.recv() => Caught::Resize,
                    else => return,
                },
                None => tokio::select! {
                    Some(()) = self.interrupt.recv() => Caught::Interrupt,
                    Some(()) = self.terminate.recv() => Caught::Terminate,
                    Some(()) = self.hang_up.recv() => Caught::HangUp,
                    else => return,
                },
            };
            callback(caught);
        }
    }
}

/// Leaves the terminal and its signals behind, for a process that goes on without anybody before it.
pub fn go_alone() {
    // Whoever leads a group already has left it.
    let _session = nix::unistd::setsid();
}

/// Stops this process until somebody lets it go on; returns after that. With `leader`, the leader of its process group
/// is asked to stop first, as the terminal asks after Ctrl-Z: a shell looks at whom it started, such as `cargo run`.
pub fn stop_here(leader: bool) {
    let group = getpgrp();
    if leader && group != getpid() {
        // Not the whole group: this process would catch the signal, and might stop a second time for it.
        let _outcome = kill(group, Number::SIGTSTP);
    }
    // To this thread, which then does not go on before it has stopped; one for the process may take another thread first.
    let _outcome = raise(Number::SIGSTOP);
}
