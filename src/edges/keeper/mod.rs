//! The keeper: a small process per job that holds its children, masks and writes their output, and outlives the
//! engine; here is the engine's side of it.
//!
//! [`Fresh::start`] starts one, [`Fresh::greet`] tells it about its job, [`Fresh::connect`] connects to it, [`adopt`] finds
//! one that an earlier engine left behind,
//! [`Keeper::send`] gives orders, [`Keeper::next`] brings answers; the end of the answers means that the keeper is gone.
//! The process itself is `process`, run by a hidden subcommand of the same binary; the messages are `port::keeper`.
//! `orphans` ends a job's processes without a keeper.

#![expect(
    clippy::disallowed_methods,
    reason = "the keeper is a process of its own: it reads clocks and touches files where no engine is to ask"
)]

mod adopted;
pub mod exits;
mod frame;
mod fresh;
mod ladder;
pub mod orphans;
pub mod process;
pub mod procfs;

#[cfg(test)]
mod tests;

pub use self::adopted::{Adopted, adopt};
pub use self::fresh::{Fresh, of_other_jobs, try_one};
pub use self::ladder::Ended;
pub use self::orphans::left_behind;

use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixStream as Socket;

use rustix::net::{RecvFlags, SendFlags};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tokio::io::Interest;
use tokio::net::UnixStream;

use self::frame::Inbox;
use crate::port::keeper::{FromKeeper, ToKeeper};

/// The hidden subcommand that a keeper runs as; it calls [`process::main`].
pub const SUBCOMMAND: &str = "__keeper";

/// Answers are read in pieces of so many bytes.
const PIECE: usize = 64 * 1024;

/// An engine's connection to the keeper of its job.
#[derive(Debug)]
pub struct Keeper {
    pid: i32,
    socket: UnixStream,
    inbox: Inbox,
    arrived: VecDeque<FromKeeper>,
    /// Encoded orders the socket did not take yet, of which `written` bytes have gone.
    outgoing: Vec<u8>,
    written: usize,
    gone: bool,
    /// Kept, because clearing a new one for each answer would cost more than the answer.
    piece: Box<[u8]>,
}

impl Keeper {
    fn over(socket: Socket, pid: i32, greeting: Vec<u8>) -> io::Result<Self> {
        let mut keeper = Self {
            pid,
            socket: UnixStream::from_std(socket)?,
            inbox: Inbox::default(),
            arrived: VecDeque::new(),
            outgoing: greeting,
            written: 0,
            gone: false,
            piece: vec![0; PIECE].into_boxed_slice(),
        };
        keeper.send(&[])?;
        Ok(keeper)
    }

    /// The keeper's process number; 0 of one that another process started.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Gives orders, all with one write; what the socket does not take at once goes out during [`Keeper::next`].
    ///
    /// # Errors
    /// If an order is too large to be sent. A keeper that is gone is no error here: [`Keeper::next`] tells.
    pub fn send(&mut self, orders: &[ToKeeper]) -> io::Result<()> {
        for order in orders {
            frame::encode(order, &mut self.outgoing)?;
        }
        // Not through the runtime, which would refuse until it has once looked at the socket: an order given between
        // two waits goes out now.
        self.flush(|socket, bytes| Ok(rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)?));
        Ok(())
    }

    /// Says whether everything that was sent has gone out, or can go nowhere.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        self.gone || self.outgoing.is_empty()
    }

    /// The next answer; none when the keeper is gone. May be cancelled without loss.
    pub async fn next(&mut self) -> Option<FromKeeper> {
        loop {
            if let Some(message) = self.arrived.pop_front() {
                return Some(message);
            }
            if self.gone {
                return None;
            }
            let interest = if self.outgoing.is_empty() {
                Interest::READABLE
            } else {
                Interest::READABLE | Interest::WRITABLE
            };
            match self.socket.ready(interest).await {
                Ok(ready) => {
                    if ready.is_writable() {
                        self.flush(UnixStream::try_write);
                    }
                    self.receive(UnixStream::try_read);
                }
                Err(_) => self.gone = true,
            }
        }
    }

    /// Answers that have come in already, without waiting.
    pub fn drain(&mut self) -> Vec<FromKeeper> {
        // Not through the runtime, as in `send`: what comes between two waits is there at once.
        self.receive(|socket, piece| Ok(rustix::net::recv(socket, piece, RecvFlags::DONTWAIT)?.0));
        self.arrived.drain(..).collect()
    }

    /// Reaps the keeper if it has ended; says whether it had. To be called after [`Keeper::next`] gave none.
    pub fn reap(&mut self) -> bool {
        let Some(pid) = Pid::from_raw(self.pid) else { return true };
        !matches!(waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG), Ok(None))
    }

    fn flush(&mut self, mut write: impl FnMut(&UnixStream, &[u8]) -> io::Result<usize>) {
        while self.written < self.outgoing.len() {
            match write(&self.socket, &self.outgoing[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The reading side sees the end, after what the keeper still said.
                Err(_) => break,
            }
        }
        self.outgoing.clear();
        self.outgoing.shrink_to(1 << 20);
        self.written = 0;
    }

    fn receive(&mut self, mut read: impl FnMut(&UnixStream, &mut [u8]) -> io::Result<usize>) {
        while !self.gone {
            match read(&self.socket, &mut self.piece) {
                Ok(0) => self.gone = true,
                Ok(count) => {
                    self.inbox.add(&self.piece[..count]);
                    self.take_frames();
                    if count < PIECE {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.gone = true,
            }
        }
    }

    fn take_frames(&mut self) {
        loop {
            match self.inbox.next() {
                Ok(Some(message)) => self.arrived.push_back(message),
                Ok(None) => return,
                // Something else is talking there: as good as gone.
                Err(_) => {
                    self.gone = true;
                    return;
                }
            }
        }
    }
}
