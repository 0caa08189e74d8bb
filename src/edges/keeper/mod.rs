//! The keeper: a small process per job that holds its children, masks and writes their output, and outlives the
//! engine; here is the engine's side of it.
//!
//! [`Fresh::start`] starts one, [`Fresh::greet`] tells it about its job, [`Fresh::connect`] connects to it,
//! [`Keeper::send`] gives orders, [`Keeper::next`] brings answers; the end of the answers means that the keeper is gone.
//! The process itself is `process`, run by a hidden subcommand of the same binary; the messages are `port::keeper`.
//! `orphans` ends a job's processes without a keeper.

#![expect(
    clippy::disallowed_methods,
    reason = "the keeper is a process of its own: it reads clocks and touches files where no engine is to ask"
)]

pub mod exits;
mod frame;
mod ladder;
pub mod orphans;
pub mod process;
pub mod procfs;

#[cfg(test)]
mod tests;

pub use self::ladder::Ended;

use std::collections::VecDeque;
use std::ffi::CString;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream as Socket;
use std::thread::JoinHandle;

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal};
use rustix::io::Errno;
use rustix::net::SendFlags;
use rustix::process::{Pid, WaitId, WaitIdOptions, getpid, set_child_subreaper, waitid};
use tokio::io::Interest;
use tokio::net::UnixStream;

use self::frame::Inbox;
use crate::port::keeper::{FromKeeper, Hello, ToKeeper};

/// The hidden subcommand that a keeper runs as; it calls [`process::main`].
pub const SUBCOMMAND: &str = "__keeper";

/// `POSIX_SPAWN_SETSID`, for which `nix` has no name.
const SETSID: i32 = 0x80;

/// For the thread that starts a keeper, in bytes.
const SPAWNER_STACK_BYTES: usize = 128 * 1024;

/// Answers are read in pieces of so many bytes.
const PIECE: usize = 64 * 1024;

/// A keeper that was started and has no orders yet. Dropped, it ends.
#[derive(Debug)]
pub struct Fresh {
    spawn: Option<JoinHandle<io::Result<i32>>>,
    socket: Option<Socket>,
    /// What of the greeting has not gone.
    greeting: Vec<u8>,
}

impl Fresh {
    /// Starts a keeper: of the running binary, even if its file was replaced. It gets ready by itself
    /// meanwhile.
    ///
    /// The calling process becomes a subreaper, so that the children of a keeper that dies come to it.
    ///
    /// # Errors
    /// If the system refuses a socket or a thread.
    pub fn start() -> io::Result<Self> {
        set_child_subreaper(Some(getpid()))?;
        let (ours, theirs) = Socket::pair()?;
        ours.set_nonblocking(true)?;
        // From a thread of its own: whoever spawns sleeps until the new program begins, and then the two of them share a
        // processor while the others idle.
        let thread = std::thread::Builder::new().name("spawn".to_owned()).stack_size(SPAWNER_STACK_BYTES);
        let spawn = thread.spawn(move || spawn(&theirs))?;
        Ok(Self { spawn: Some(spawn), socket: Some(ours), greeting: Vec::new() })
    }

    /// Tells the keeper what it must know about its job, without waiting.
    ///
    /// # Errors
    /// If the connection cannot be used.
    pub fn greet(&mut self, hello: &Hello) -> io::Result<()> {
        frame::encode(&ToKeeper::Hello(hello.clone()), &mut self.greeting)?;
        let socket = self.socket.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        match rustix::net::send(socket, &self.greeting, SendFlags::NOSIGNAL) {
            // Mostly all of it: the rest follows once somebody reads.
            Ok(written) => drop(self.greeting.drain(..written)),
            // There is no keeper, and why is told by `connect`.
            Err(Errno::PIPE) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn pid(&mut self) -> io::Result<i32> {
        let spawn = self.spawn.take().ok_or(io::ErrorKind::NotConnected)?;
        spawn.join().unwrap_or_else(|_| Err(io::Error::other("the thread that starts it panicked")))
    }

    /// The connection to the keeper; does not wait until it is ready. Needs a tokio runtime with I/O.
    ///
    /// # Errors
    /// If the system refused a process, or the connection cannot be used.
    pub fn connect(mut self) -> io::Result<Keeper> {
        let pid = self.pid()?;
        let socket = self.socket.take().ok_or(io::ErrorKind::NotConnected)?;
        let mut keeper = Keeper {
            pid,
            socket: UnixStream::from_std(socket)?,
            inbox: Inbox::default(),
            arrived: VecDeque::new(),
            outgoing: std::mem::take(&mut self.greeting),
            written: 0,
            gone: false,
            piece: vec![0; PIECE].into_boxed_slice(),
        };
        keeper.send(&[])?;
        Ok(keeper)
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let Some(socket) = self.socket.take() else { return };
        // A keeper that nobody holds ends by itself.
        drop(socket);
        if let Some(pid) = self.pid().ok().and_then(Pid::from_raw) {
            // Somebody else may have reaped it.
            let _ended = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
        }
    }
}

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
    /// The keeper's process number.
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
                    self.receive();
                }
                Err(_) => self.gone = true,
            }
        }
    }

    /// Answers that have come in already, without waiting.
    pub fn drain(&mut self) -> Vec<FromKeeper> {
        self.receive();
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

    fn receive(&mut self) {
        while !self.gone {
            match self.socket.try_read(&mut self.piece) {
                Ok(0) => self.gone = true,
                Ok(count) => {
                    self.inbox.add(&self.piece[..count]);
                    self.take_frames();
                    if count < PIECE {
                        return;
                    }
                }
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

/// Starts the keeper in a session of its own, with its end of the socket as standard input.
fn spawn(theirs: &Socket) -> io::Result<i32> {
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(
        PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF
            | PosixSpawnFlags::from_bits_retain(SETSID),
    )?;
    // Some supervisors ignore it for good; the system would then reap children itself and keep how they ended.
    attributes.set_sigdefault(&SigSet::from(Signal::SIGCHLD))?;
    // Blocked from its first instruction, until it has set up its own ways.
    let blocked =
        [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP, Signal::SIGTSTP, Signal::SIGTERM, Signal::SIGXFSZ];
    attributes.set_sigmask(&blocked.into_iter().collect::<SigSet>())?;
    let mut actions = PosixSpawnFileActions::init()?;
    actions.add_dup2(theirs.as_raw_fd(), 0)?;
    let argv = [c"sortie".to_owned(), CString::new(SUBCOMMAND)?];
    let mut environment = Vec::new();
    for (name, value) in std::env::vars_os() {
        let mut entry = name.into_vec();
        entry.push(b'=');
        entry.extend_from_slice(value.as_bytes());
        environment.push(CString::new(entry)?);
    }
    Ok(posix_spawn(c"/proc/self/exe", &actions, &attributes, &argv, &environment)?.as_raw())
}
