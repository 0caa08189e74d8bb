//! The terminal while a face has it: how it was before, what takes back all that was changed, and the guard that does so
//! if this process is killed.
//!
//! There is one terminal, so there is one place for this, whatever face has it. It is put right by [`leave_now`], which
//! works once and from anywhere: the normal way, an error, a panic, a signal. Not here: what a face changes
//! (`tui/terminal.rs`, `inline/modes.rs`), the guard (`app` wires it in).

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::termios::{OptionalActions, QueueSelector, Termios};

use crate::engine::clock;
use crate::faces::context::{Guard, StartGuard};

#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;

/// The name of the thread that fills the screen, by which a panic is known to be its own.
pub const SCREEN_THREAD: &str = "screen";

/// The name that the system gives to the thread that draws rows and asks questions.
const ROWS_THREAD: &str = "main";

/// Takes back what a prompt may have left: marks of pastes, colours, a hidden cursor.
pub const LEAVE_PROMPTS: &str = "\x18\x1b[?2004l\x1b[0m\x1b[?25h";

/// Who has the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A full screen.
    Screen,
    /// Rows below the output.
    Rows,
    /// Questions, one after the other.
    Prompts,
    /// Whatever face comes after questions: keys wait for it.
    Next,
}

impl Holder {
    fn thread(self) -> &'static str {
        match self {
            Self::Screen => SCREEN_THREAD,
            Self::Rows | Self::Prompts | Self::Next => ROWS_THREAD,
        }
    }

    /// How long leaving waits for a terminal that reads nothing. A screen throws away then what has not been read, for it
    /// is worth nothing any more; what stands above rows is output, and stays in the queue.
    fn patience(self) -> Duration {
        match self {
            Self::Screen => Duration::from_millis(500),
            Self::Rows | Self::Prompts | Self::Next => Duration::ZERO,
        }
    }
}

/// What a face is about to do to the terminal.
pub struct Hold {
    pub holder: Holder,
    /// The terminal whose modes change.
    pub modes: OwnedFd,
    /// Where it is written to: mostly the same one.
    pub output: OwnedFd,
    pub before: Termios,
    pub during: Termios,
    /// Takes back everything else that the face changes, whatever was half written.
    pub leave: &'static str,
}

/// What is needed to put the terminal right.
struct Held {
    hold: Hold,
    guard: Option<Box<dyn Guard>>,
}

static HELD: Mutex<Option<Held>> = Mutex::new(None);

/// What threads had to say while a face had the terminal.
static UNTOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Whoever panicked with one of them in hand has left nothing half done.
fn locked<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says whether that face has the terminal now.
#[must_use]
pub fn is_held(by: Holder) -> bool {
    locked(&HELD).as_ref().is_some_and(|held| held.hold.holder == by)
}

/// Has the terminal guarded and changes its modes. Returns whether it did: whoever has it already keeps it as it is. What waits
/// for the next face comes to this one, and the modes that are put right in the end are those of before the questions.
///
/// # Errors
/// If no guard can be started, the modes cannot be changed, or another face has the terminal.
pub fn hold(
    start_guard: StartGuard,
    hold: impl FnOnce() -> io::Result<Hold>,
    by: Holder,
) -> io::Result<bool> {
    // Held to the end, so that a signal in between finds all of it or nothing.
    let mut held = locked(&HELD);
    match &*held {
        Some(it) if it.hold.holder == by => return Ok(false),
        Some(it) if it.hold.holder == Holder::Next => {}
        Some(_) => return Err(io::Error::other("another face has the terminal")),
        None => {}
    }
    let mut hold = hold()?;
    if let Some(waits) = &*held {
        hold.before.clone_from(&waits.hold.before);
    }
    let guarded = hold.output.try_clone()?;
    let guard = start_guard(guarded, &hold.before, &hold.during, hold.leave)?;
    // The old guard counts until the new one is there.
    if let Some(old) = held.take().and_then(|it| it.guard) {
        old.dismiss();
    }
    // From now on whatever happens is undone: a failure halfway, too.
    let it = held.insert(Held { hold, guard: Some(guard) });
    // At once and not after what waits has been read, which may be never.
    let changed = rustix::termios::tcsetattr(&it.hold.modes, OptionalActions::Now, &it.hold.during);
    if let Err(error) = changed {
        put_right(held.take(), None);
        return Err(error.into());
    }
    Ok(true)
}

/// Lets another face have the terminal, with the modes that it has: keys that are pressed meanwhile stay keys. What the first
/// one has changed besides is up to the caller.
///
/// # Errors
/// If no face has it, or no guard can be started; then it stays as it was.
pub fn pass_on(start_guard: StartGuard, to: Holder, leave: &'static str) -> io::Result<()> {
    let mut held = locked(&HELD);
    let Some(it) = held.as_mut() else { return Err(io::Error::other("no face has the terminal")) };
    let guarded = it.hold.output.try_clone()?;
    // Each guard knows one way to leave. Until the new one is there the old one counts.
    let guard = start_guard(guarded, &it.hold.before, &it.hold.during, leave)?;
    it.hold.holder = to;
    it.hold.leave = leave;
    if let Some(old) = it.guard.replace(guard) {
        old.dismiss();
    }
    Ok(())
}

/// Gives the modes back for a while, to a program that this one waits for. The guard stays, and so does the claim.
///
/// # Errors
/// If they cannot be set.
pub fn lend() -> io::Result<()> {
    match &*locked(&HELD) {
        Some(Held { hold, .. }) => {
            Ok(rustix::termios::tcsetattr(&hold.modes, OptionalActions::Now, &hold.before)?)
        }
        None => Ok(()),
    }
}

/// Lets the terminal wait for the next face, in modes that are made of those of before.
///
/// # Errors
/// If no face has it, no guard can be started, or the modes cannot be changed; then it stays as it was.
pub fn wait_for_next(start_guard: StartGuard, change: impl FnOnce(&mut Termios)) -> io::Result<()> {
    let mut held = locked(&HELD);
    let Some(it) = held.as_mut() else { return Err(io::Error::other("no face has the terminal")) };
    let mut during = it.hold.before.clone();
    change(&mut during);
    let guard = start_guard(it.hold.output.try_clone()?, &it.hold.before, &during, it.hold.leave)?;
    if let Err(error) = rustix::termios::tcsetattr(&it.hold.modes, OptionalActions::Now, &during) {
        guard.dismiss();
        return Err(error.into());
    }
    it.hold.during = during;
    it.hold.holder = Holder::Next;
    if let Some(old) = it.guard.replace(guard) {
        old.dismiss();
    }
    Ok(())
}

/// Sets the modes of the face again, for somebody else may have changed them while this process was stopped.
///
/// # Errors
/// If they cannot be set.
pub fn hold_again() -> io::Result<()> {
    match &*locked(&HELD) {
        Some(Held { hold, .. }) => {
            Ok(rustix::termios::tcsetattr(&hold.modes, OptionalActions::Now, &hold.during)?)
        }
        None => Ok(()),
    }
}

/// Gives the modes back and writes nothing: for a face that has cleared up its part of the terminal. Works once.
pub fn give_back() {
    put_right(locked(&HELD).take(), None);
}

/// Gives the terminal back, if a face has it, after a text that must not come to it twice. Works once.
pub fn leave_after(text: &str) {
    put_right(locked(&HELD).take(), Some(text));
}

/// Gives the terminal back, if a face has it, in the middle of whatever. Works once, from any thread.
pub fn leave_now() {
    put_right(locked(&HELD).take(), Some(""));
}

fn put_right(held: Option<Held>, writes: Option<&str>) {
    let Some(Held { hold, guard }) = held else { return };
    let (leave, patience) = (hold.leave.as_bytes(), hold.holder.patience());
    // Before the screen is left: whoever sees it gone presses keys, and an Enter or a Ctrl-C that came under the modes of
    // the screen would be lost. Not after the queue has drained, which may be never. A terminal that is gone has no modes.
    let _outcome = rustix::termios::tcsetattr(&hold.modes, OptionalActions::Now, &hold.before);
    let whole = |first: &str| [first.as_bytes(), leave].concat();
    if writes.is_some_and(|first| write_for(&hold.output, &whole(first), patience).is_err())
        && !patience.is_zero()
    {
        // It reads nothing. What waits is dropped, so that this gets into its queue at least.
        let _outcome = rustix::termios::tcflush(&hold.output, QueueSelector::OFlush);
        let _outcome = write_for(&hold.output, leave, Duration::ZERO);
    }
    if let Some(guard) = guard {
        guard.dismiss();
    }
}

/// Says whether a panic of this thread is one of the face that has the terminal.
#[must_use]
pub fn is_of_this_thread() -> bool {
    let name = std::thread::current().name().map(str::to_owned);
    locked(&HELD).as_ref().is_some_and(|held| name.as_deref() == Some(held.hold.holder.thread()))
}

/// Keeps a text until the terminal has been given back, if a face has it; says whether it did.
pub fn keep(text: &str) -> bool {
    let is_kept = locked(&HELD).is_some();
    if is_kept {
        locked(&UNTOLD).push(text.to_owned());
    }
    is_kept
}

/// Returns the texts that were kept.
#[must_use]
pub fn kept() -> Vec<String> {
    std::mem::take(&mut *locked(&UNTOLD))
}

/// Writes all of it, waiting for a slow reader up to a limit.
fn write_for(output: &OwnedFd, mut bytes: &[u8], limit: Duration) -> io::Result<()> {
    // One that blocks is asked first. The others are not: what fits into a queue fits although it is nearly full.
    let blocks = rustix::fs::fcntl_getfl(output).is_ok_and(|flags| !flags.contains(OFlags::NONBLOCK));
    let deadline = clock::elapsed() + limit;
    let mut has_room = !blocks;
    while !bytes.is_empty() {
        let left = deadline.saturating_sub(clock::elapsed());
        if !has_room && !is_writable(output, left) {
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            continue;
        }
        match rustix::io::write(output, bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::INTR | Errno::AGAIN) => has_room = false,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits until something can be written, or the limit is over; says whether it can. What is gone can be written to.
pub fn is_writable(output: &impl AsFd, limit: Duration) -> bool {
    let mut fds = [PollFd::new(output, PollFlags::OUT)];
    let limit = Timespec::try_from(limit).ok();
    // Interrupted or over: whoever waits looks again.
    poll(&mut fds, limit.as_ref()).is_ok_and(|ready| ready > 0)
}
