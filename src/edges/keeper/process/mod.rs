//! The keeper process: it holds the children of one job, and outlives the engine that started it.
//!
//! Here: the start, and the main loop that takes orders. `worker` sees an attempt through, `pump` and `log` its
//! output, `files` its step files, `stop` and `ladder` end what is left, `link` answers, `adrift` waits for another
//! engine. Start at [`main`].
//!
//! The main thread starts no child, so its list of children holds orphans only. Terminal and hang-up signals are
//! blocked, never ignored, and children start with all signals as from a login.

mod adrift;
mod child;
mod environment;
#[cfg(feature = "faults")]
mod faults;
mod files;
mod freeze;
mod link;
mod log;
mod masks;
mod orders;
mod pump;
mod removal;
mod shared;
mod spawn;
mod stop;
mod worker;

#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{getpid, set_child_subreaper, setsid};

use self::adrift::Landed;
use self::link::Link;
use self::orders::CarryOut;
use self::shared::Shared;
use super::frame::Inbox;
use crate::port::keeper::{FromKeeper, Hello, OnLoss, ToKeeper, VERSION};

/// How long the keeper tries to get its last words through to an engine that does not read.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Where a test may kill the keeper; nothing in a release.
fn fault_point() {
    #[cfg(feature = "faults")]
    faults::point();
}

/// Runs the keeper on the socket that is standard input; returns when the job's processes are gone.
#[must_use]
pub fn main() -> ExitCode {
    match start().and_then(|(shared, socket, inbox)| serve(&shared, socket, inbox)) {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody is left to read a message: the engine sees the end of the connection.
        Err(_) => ExitCode::from(5),
    }
}

/// Signals that reach the keeper from a terminal or at a shutdown, or where a write fails and says so by itself.
fn blocked_signals() -> SigSet {
    [
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGHUP,
        Signal::SIGTSTP,
        Signal::SIGTERM,
        Signal::SIGPIPE,
        Signal::SIGXFSZ,
    ]
    .into_iter()
    .collect()
}

fn start() -> io::Result<(Arc<Shared>, UnixStream, Inbox)> {
    // Blocked before there are other threads, which inherit it.
    blocked_signals().thread_block()?;
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let_go(&socket)?;
    // The keeper may lead a session already; it must not share one with a terminal.
    let _ = setsid();
    set_child_subreaper(Some(getpid()))?;
    rustix::process::chdir("/")?;
    let mut inbox = Inbox::default();
    let hello = greet(&mut socket, &mut inbox)?;
    write_panics_to(&hello);
    socket.set_nonblocking(true)?;
    let shared = Arc::new(Shared::new(hello, Link::new(socket.try_clone()?)?)?);
    shared.link.send(adrift::ready(&shared, false));
    worker::hire_ahead(&shared, shared.hello.first_slots);
    Ok((shared, socket, inbox))
}

/// Puts the null device on the standard streams and closes every other descriptor that came from above.
///
/// A keeper that held the engine's output would make `sortie run | tee` hang after the engine's death.
fn let_go(socket: &UnixStream) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    let kept = [socket.as_raw_fd(), null.as_raw_fd()];
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2 && !kept.contains(number))
        .collect();
    for number in open {
        // The descriptor of the listing itself is among them, and closed by now.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

fn greet(socket: &mut UnixStream, inbox: &mut Inbox) -> io::Result<Hello> {
    let mut bytes = [0; 16 * 1024];
    loop {
        match inbox.next()? {
            Some(ToKeeper::Hello(hello)) if hello.version == VERSION => return Ok(hello),
            Some(_) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the first frame is no greeting of ours",
                ));
            }
            None => {}
        }
        match socket.read(&mut bytes)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => inbox.add(&bytes[..count]),
        }
    }
}

/// A bug of ours in the keeper has no terminal to be shown on.
fn write_panics_to(hello: &Hello) {
    let path = std::path::Path::new(&hello.dir).join("keeper.err");
    std::panic::set_hook(Box::new(move |panic| {
        if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(&path) {
            // There is no other place to say it.
            let _ = writeln!(file, "{panic}\n{}", std::backtrace::Backtrace::force_capture());
        }
    }));
}

/// What the main loop is to do after it has looked at everything that came in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    /// The engine wants an end and an answer.
    Finish,
    /// The engine is gone.
    Lost,
    /// The system asked the keeper to end.
    Told,
}

fn serve(shared: &Arc<Shared>, socket: UnixStream, inbox: Inbox) -> io::Result<()> {
    let mut told = SigSet::empty();
    told.add(Signal::SIGTERM);
    let signals = SignalFd::with_flags(&told, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let (mut epoch, on_loss) = (shared.hello.epoch, shared.hello.on_loss);
    let mut orders = Orders { shared, socket, inbox, bytes: vec![0; 64 * 1024], on_loss };
    let next = loop {
        // The greeting may have brought orders along.
        let mut next = orders.obey()?;
        while next == Next::GoOn {
            next = orders.wait(signals.as_fd())?;
        }
        if next == Next::Lost {
            shared.link.lose();
            if orders.on_loss == OnLoss::Keep && orders.another_engine(&mut epoch, signals.as_fd()) {
                continue;
            }
        }
        break next;
    };
    let survivors = stop::everything(shared);
    let is_orderly = next == Next::Finish && survivors.is_empty() && shared.is_tidy();
    #[cfg(feature = "faults")]
    faults::close();
    shared.link.send(FromKeeper::Finished { survivors });
    if is_orderly {
        files::hand_on(&shared.hello.spare, &shared.dir);
    }
    let until = Instant::now() + LAST_WORDS;
    while shared.link.push_on() && Instant::now() < until {
        let room = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        // Whatever the outcome, the link is tried again.
        let _ = poll(&mut [PollFd::new(&orders.socket, PollFlags::OUT)], Some(&room));
    }
    Ok(())
}

/// The engine's end of the conversation.
struct Orders<'a> {
    shared: &'a Arc<Shared>,
    socket: UnixStream,
    inbox: Inbox,
    bytes: Vec<u8>,
    /// What becomes of the children when the engine is gone.
    on_loss: OnLoss,
}

impl Orders<'_> {
    /// Waits for another engine after the loss of one; says whether one has come.
    fn another_engine(&mut self, epoch: &mut u64, signals: std::os::fd::BorrowedFd<'_>) -> bool {
        match adrift::wait(self.shared, *epoch, signals) {
            Landed::Engine { socket, theirs, inbox, hello } => {
                *epoch = hello.epoch;
                self.on_loss = hello.on_loss;
                self.shared.learn(hello.given);
                (self.socket, self.inbox) = (socket, inbox);
                self.shared.link.attach(theirs, &adrift::ready(self.shared, true));
                true
            }
            Landed::Alone => false,
        }
    }

    /// Waits until something comes in, and does it.
    fn wait(&mut self, signals: std::os::fd::BorrowedFd<'_>) -> io::Result<Next> {
        let mut wanted = PollFlags::IN;
        if self.shared.link.push_on() {
            wanted |= PollFlags::OUT;
        }
        let wake: &OwnedFd = self.shared.link.wake();
        let mut polled = [
            PollFd::new(&self.socket, wanted),
            PollFd::new(wake, PollFlags::IN),
            PollFd::from_borrowed_fd(signals, PollFlags::IN),
        ];
        match poll(&mut polled, None) {
            Err(rustix::io::Errno::INTR) => return Ok(Next::GoOn),
            result => result?,
        };
        let [from_engine, roused, told] = polled.map(|entry| !entry.revents().is_empty());
        if told {
            return Ok(Next::Told);
        }
        if roused {
            // Only a counter to be set back; the link is looked at in the next round.
            let _ = rustix::io::read(wake, &mut [0; 8]);
        }
        if from_engine { self.receive() } else { Ok(Next::GoOn) }
    }

    fn receive(&mut self) -> io::Result<Next> {
        loop {
            match self.socket.read(&mut self.bytes) {
                Ok(0) => return Ok(Next::Lost),
                Ok(count) => {
                    self.inbox.add(&self.bytes[..count]);
                    let next = self.obey()?;
                    if next != Next::GoOn || count < self.bytes.len() {
                        return Ok(next);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Next::GoOn),
                Err(_) => return Ok(Next::Lost),
            }
        }
    }

    /// Does what the whole frames that have come say. A frame that makes no sense counts as a lost engine.
    fn obey(&mut self) -> io::Result<Next> {
        loop {
            match self.inbox.next() {
                Ok(Some(ToKeeper::Finish)) => return Ok(Next::Finish),
                Ok(Some(ToKeeper::OnLoss(on_loss))) => self.on_loss = on_loss,
                Ok(Some(order)) => self.shared.carry_out(order),
                Ok(None) => return Ok(Next::GoOn),
                Err(_) => return Ok(Next::Lost),
            }
        }
    }
}
