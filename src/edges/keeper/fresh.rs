//! A keeper that is started: the process, and the greeting that goes ahead of the connection.
//!
//! Not here: what it is told afterwards (`mod.rs`).

use std::ffi::CString;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream as Socket;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal};
use rustix::io::Errno;
use rustix::net::SendFlags;
use rustix::process::{Pid, WaitId, WaitIdOptions, getpid, set_child_subreaper, waitid};

use super::{Keeper, SUBCOMMAND, frame};
use crate::port::keeper::{Hello, ToKeeper};

/// For the thread that starts a keeper, in bytes.
const SPAWNER_STACK_BYTES: usize = 128 * 1024;

/// `POSIX_SPAWN_SETSID`, for which `nix` has no name.
const SETSID: i32 = 0x80;

/// A keeper that was started and has no orders yet. Dropped, it ends.
#[derive(Debug)]
pub struct Fresh {
    spawn: Option<JoinHandle<io::Result<i32>>>,
    socket: Option<Socket>,
    /// What of the greeting has not gone.
    greeting: Vec<u8>,
    job: String,
}

/// Keepers that this process has started, with their jobs.
static STARTED: Mutex<Vec<(String, i32)>> = Mutex::new(Vec::new());

fn started() -> MutexGuard<'static, Vec<(String, i32)>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the process numbers of the keepers of other jobs that this process has started. They are its children, but
/// nothing of that job is.
#[must_use]
pub fn of_other_jobs(job: &str) -> Vec<i32> {
    started().iter().filter(|(other, _)| other != job).map(|(_, pid)| *pid).collect()
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
        Ok(Self { spawn: Some(spawn), socket: Some(ours), greeting: Vec::new(), job: String::new() })
    }

    /// Tells the keeper what it must know about its job, without waiting.
    ///
    /// # Errors
    /// If the connection cannot be used.
    pub fn greet(&mut self, hello: &Hello) -> io::Result<()> {
        frame::encode(&ToKeeper::Hello(hello.clone()), &mut self.greeting)?;
        self.job.clone_from(&hello.job_id);
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
        started().push((std::mem::take(&mut self.job), pid));
        Keeper::over(socket, pid, std::mem::take(&mut self.greeting))
    }
}

/// What a keeper ends with that was let go before it heard of a job.
const UNWANTED: i32 = 5;

/// Starts a keeper, lets it end again without a job, and waits for that.
///
/// # Errors
/// If the system refuses anything, or the keeper ends in another way than it does when nobody wants it any more.
pub fn try_one() -> io::Result<()> {
    let mut fresh = Fresh::start()?;
    let pid = fresh.pid()?;
    drop(fresh.socket.take());
    let Some(pid) = Pid::from_raw(pid) else { return Err(io::Error::other("it has no process number")) };
    let ended = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED)?;
    match ended.and_then(|status| status.exit_status()) {
        Some(UNWANTED) => Ok(()),
        Some(code) => Err(io::Error::other(format!("it was started, and ended with code {code}"))),
        None => Err(io::Error::other("it was started, and killed by a signal")),
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
