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
    /// An engine has come, with a second handle of its socket, and what it said beyond its greeting.
    Engine { socket: UnixStream, theirs: UnixStream, inbox: Inbox, hello: Box<Hello> },
    /// There is nothing more to be kept, or the system asked for the end.
    Alone,
}

/// Waits for an engine with a newer lease than that epoch, as long as there is something to keep for it.
///
/// Where the system has no room for a socket, or for a connection, that is tried again with every look: what was ordered
/// goes on meanwhile.
pub(super) fn wait(shared: &Shared, epoch: u64, signals: BorrowedFd<'_>) -> Landed {
    let mut listener = None;
    let landed = wait_at(&mut listener, shared, epoch, signals);
    if listener.is_some() {
        // A socket that is gone already is as good as removed.
        let _outcome = std::fs::remove_file(socket_path(&shared.dir));
    }
    landed
}

fn wait_at(
    listener: &mut Option<UnixListener>,
    shared: &Shared,
    epoch: u64,
    signals: BorrowedFd<'_>,
) -> Landed {
    let mut idle_since: Option<Instant> = None;
    let mut is_deaf = false;
    loop {
        if listener.is_none() {
            *listener = bind(&shared.dir).ok();
        }
        if shared.has_orders() {
            idle_since = None;
        } else {
            let since = *idle_since.get_or_insert_with(Instant::now);
            // Who can be found nowhere else, such as where there is no room for a descriptor, is in the list of children.
            let nobody =
                stop::find(shared, &stop::Whose::Everything).is_empty() && shared.orphans().is_empty();
            let is_written = shared.link.has_exits_only() && !shared.exits.has_failed();
            // What the job was given is nowhere else.
            let is_all_told = nobody && is_written && !shared.given().has_gifts();
            if is_all_told || since.elapsed() >= LINGER {
                return Landed::Alone;
            }
        }
        // What could not be let in stays at the door, and would end every wait at once.
        let door = listener.as_ref().filter(|_| !std::mem::take(&mut is_deaf));
        let (told, at_the_door) = look(door, signals);
        if told {
            return Landed::Alone;
        }
        if !at_the_door {
            continue;
        }
        match listener.as_ref().map(UnixListener::accept) {
            // Whoever has no business here is turned away.
            Some(Ok((socket, _))) => {
                if let Ok(landed) = meet(socket, epoch) {
                    return landed;
                }
            }
            _ => is_deaf = true,
        }
    }
}

/// Waits for one look at most; says whether the system asked for the end, and whether somebody is at the door.
fn look(door: Option<&UnixListener>, signals: BorrowedFd<'_>) -> (bool, bool) {
    let look = Timespec { tv_sec: i64::try_from(LOOK.as_secs()).unwrap_or(1), tv_nsec: 0 };
    let mut polled = vec![PollFd::from_borrowed_fd(signals, PollFlags::IN)];
    polled.extend(door.map(|it| PollFd::new(it, PollFlags::IN)));
    match poll(&mut polled, Some(&look)) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return (false, false),
        Err(_) => {
            // Out of memory, for one: not again at once.
            std::thread::sleep(LOOK);
            return (false, false);
        }
    }
    let has = |at: usize| polled.get(at).is_some_and(|entry| !entry.revents().is_empty());
    (has(0), has(1))
}

/// Hears who has come, and gets all that is needed to talk to them.
fn meet(socket: UnixStream, epoch: u64) -> io::Result<Landed> {
    let (hello, inbox) = greet(&socket, epoch)?;
    socket.set_nonblocking(true)?;
    let theirs = socket.try_clone()?;
    Ok(Landed::Engine { socket, theirs, inbox, hello: Box::new(hello) })
}

/// Reads who it is; whoever has no newer lease, or says nothing of use, is turned away.
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
        given: if is_second { shared.given() } else { crate::port::keeper::Given::default() },
    }
}
