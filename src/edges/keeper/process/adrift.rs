//! A keeper that has lost its engine and keeps its children: orders given before go on, and another engine may come for it.
//!
//! It waits at a socket in the job's folder. An engine of an older lease is turned away. Not here: what becomes of the
//! children where they are not to be kept (`stop.rs`).

use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpid;

use super::super::frame::Inbox;
use super::super::procfs::Process;
use super::shared::Shared;
use super::stop;
use crate::port::keeper::{FromKeeper, Hello, SOCKET, ToKeeper, VERSION};

/// How long what steps left running, and what cannot be read in the file of exits, is kept for an engine once all orders
/// have come to their ends.
const LINGER: Duration = Duration::from_secs(3600);

/// Between two looks at whether there is still something to wait for.
const LOOK: Duration = Duration::from_secs(1);

/// How long an engine that has connected may take to say who it is.
const GREETING: Duration = Duration::from_secs(5);

/// What ended the wait.
pub(super) enum Landed {
    /// An engine has come, with what it said beyond its greeting.
    Engine { socket: UnixStream, inbox: Inbox, hello: Box<Hello> },
    /// There is nothing more to be kept, or the system asked for the end.
    Alone,
}

/// Waits for an engine with a newer lease than that epoch, as long as there is something to keep for it.
pub(super) fn wait(shared: &Shared, epoch: u64, signals: BorrowedFd<'_>) -> io::Result<Landed> {
    let path = socket_path(&shared.dir);
    let listener = bind(&shared.dir)?;
    let landed = wait_at(&listener, shared, epoch, signals);
    // A socket that is gone already is as good as removed.
    let _outcome = std::fs::remove_file(path);
    landed
}

fn wait_at(
    listener: &UnixListener,
    shared: &Shared,
    epoch: u64,
    signals: BorrowedFd<'_>,
) -> io::Result<Landed> {
    let mut idle_since: Option<Instant> = None;
    loop {
        if shared.has_orders() {
            idle_since = None;
        } else {
            let since = *idle_since.get_or_insert_with(Instant::now);
            let nobody = stop::find(shared, &stop::Whose::Everything).is_empty();
            let is_written = shared.link.has_exits_only() && !shared.exits.has_failed();
            // What the job was given is nowhere else.
            let is_all_told = nobody && is_written && !shared.hello.has_gifts();
            if is_all_told || since.elapsed() >= LINGER {
                return Ok(Landed::Alone);
            }
        }
        let mut polled =
            [PollFd::new(listener, PollFlags::IN), PollFd::from_borrowed_fd(signals, PollFlags::IN)];
        let look = Timespec { tv_sec: i64::try_from(LOOK.as_secs()).unwrap_or(1), tv_nsec: 0 };
        match poll(&mut polled, Some(&look)) {
            Err(rustix::io::Errno::INTR) => continue,
            result => result?,
        };
        let [at_the_door, told] = polled.map(|entry| !entry.revents().is_empty());
        if told {
            return Ok(Landed::Alone);
        }
        if at_the_door
            && let Ok((socket, _)) = listener.accept()
            && let Ok((hello, inbox)) = greet(&socket, epoch)
        {
            socket.set_nonblocking(true)?;
            return Ok(Landed::Engine { socket, inbox, hello: Box::new(hello) });
        }
    }
}

/// Reads who it is; whoever has no newer lease is turned away.
fn greet(mut socket: &UnixStream, epoch: u64) -> io::Result<(Hello, Inbox)> {
    socket.set_read_timeout(Some(GREETING))?;
    let mut inbox = Inbox::default();
    let mut bytes = [0; 16 * 1024];
    loop {
        match inbox.next()? {
            Some(ToKeeper::Hello(hello)) if hello.version == VERSION && hello.epoch > epoch => {
                return Ok((hello, inbox));
            }
            Some(_) => return Err(io::ErrorKind::PermissionDenied.into()),
            None => {}
        }
        match socket.read(&mut bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => inbox.add(&bytes[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn socket_path(dir: &Path) -> PathBuf {
    dir.join(SOCKET)
}

/// Binds the socket through a handle of its folder, because the path may be longer than a socket address.
fn bind(dir: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(socket_path(dir)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let folder = std::fs::File::open(dir)?;
    let listener = UnixListener::bind(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// What a keeper says first: to its second engine also what it holds.
pub(super) fn ready(shared: &Shared, is_second: bool) -> FromKeeper {
    let me = getpid().as_raw_nonzero();
    let (held, sweeps) = if is_second { shared.held() } else { (Vec::new(), Vec::new()) };
    FromKeeper::Ready {
        version: VERSION,
        pid: me.get().unsigned_abs(),
        start_time: Process::look(me.get()).map_or(0, |process| process.start),
        held,
        sweeps,
        given: if is_second { shared.hello.given.clone() } else { crate::port::keeper::Given::default() },
    }
}
