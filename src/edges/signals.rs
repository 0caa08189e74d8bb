//! Signals that people and terminals send to this process.
//!
//! Not here: what they mean (`faces/cli/follow.rs`).

use std::sync::mpsc;

use nix::sys::signal::{SigSet, Signal as Number};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal that was caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caught {
    Interrupt,
    Terminate,
    HangUp,
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
///
/// # Errors
/// If the system refuses; nothing is caught then.
pub fn listen(callback: impl Fn(Caught) + Send + 'static) -> std::io::Result<()> {
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
            match register() {
                Ok((interrupt, terminate, hang_up)) => {
                    let _ = ready.send(Ok(()));
                    forward(interrupt, terminate, hang_up, &callback).await;
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        });
    })?;
    is_ready.recv().unwrap_or_else(|_| Err(std::io::Error::other("the listening thread ended")))
}

fn register() -> std::io::Result<(Signal, Signal, Signal)> {
    Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?))
}

async fn forward(
    mut interrupt: Signal,
    mut terminate: Signal,
    mut hang_up: Signal,
    callback: &impl Fn(Caught),
) {
    loop {
        let caught = tokio::select! {
            Some(()) = interrupt.recv() => Caught::Interrupt,
            Some(()) = terminate.recv() => Caught::Terminate,
            Some(()) = hang_up.recv() => Caught::HangUp,
            else => return,
        };
        callback(caught);
    }
}
