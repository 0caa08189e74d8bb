//! The guard: a small process that puts the terminal right if the one that fills the screen dies without doing so.
//!
//! It is this program again, under a hidden subcommand, in a process group of its own. It waits at a pipe, from which it first
//! reads what it is to do, so that lists of processes stay readable. A word after that means that all is well; its end without that word means that nobody is left to clean up. Then it gives the
//! terminal back the modes that were saved, but only if it still has those that were set for the screen (a shell
//! may have been quicker), and writes the text that leaves the screen. Not here: what that text is (`faces`).

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};

use nix::sys::signal::{SigSet, Signal};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, QueueSelector, SpecialCodeIndex,
    Termios,
};

/// The hidden subcommand.
pub const COMMAND: &str = "__guard";

/// Ends what the guard is to do.
const END: u8 = 0;

/// Says that the terminal has been put right.
const WORD: &[u8] = b"clean";

/// How long a terminal may take none of what it is given.
const PATIENCE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// The parts of a terminal's modes that a full screen changes: input, output, control and local flags, the least
/// number of bytes of a read and its time limit.
type Modes = [u32; 6];

/// Returns those parts.
fn modes(termios: &Termios) -> Modes {
    [
        termios.input_modes.bits(),
        termios.output_modes.bits(),
        termios.control_modes.bits(),
        termios.local_modes.bits(),
        u32::from(termios.special_codes[SpecialCodeIndex::VMIN]),
        u32::from(termios.special_codes[SpecialCodeIndex::VTIME]),
    ]
}

/// The guards of this process that wait.
static WAITING: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// Returns the process numbers of the guards of this process. They are its children, but nothing of a job is.
#[must_use]
pub fn waiting() -> Vec<i32> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A guard that waits. Dropped without a word, it does what it is there for.
#[derive(Debug)]
pub struct Guard {
    pipe: Option<File>,
    child: Child,
}

impl Guard {
    /// Starts a guard for a terminal that had the modes `before` and has `during` while the screen is full; `leave` is
    /// what it writes.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn start(terminal: OwnedFd, before: &Termios, during: &Termios, leave: &str) -> io::Result<Self> {
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let mut pipe = File::from(write);
        let child = Command::new("/proc/self/exe")
            .arg0("sortie")
            .arg(COMMAND)
            .stdin(read)
            .stdout(terminal)
            .stderr(Stdio::null())
            .current_dir("/")
            // From its first moment: a Ctrl-Z right after the start would stop it, and with it whoever dismisses it.
            .process_group(0)
            .spawn()?;
        let mut guard = Self { pipe: None, child };
        WAITING.lock().unwrap_or_else(PoisonError::into_inner).push(guard.pid());
        // It fits into the pipe, so that nobody waits until the guard has read it.
        let task = [join(modes(before)), join(modes(during)), leave.to_owned()].join("\n");
        pipe.write_all(&[task.as_bytes(), &[END]].concat())?;
        guard.pipe = Some(pipe);
        Ok(guard)
    }

    fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Tells the guard that the terminal is right again, and waits for its end.
    pub fn dismiss(mut self) {
        if let Some(mut pipe) = self.pipe.take() {
            // Somebody may have ended the guard; then there is nothing to tell.
            let _outcome = pipe.write_all(WORD);
        }
        // It ends at once, and its entry in the process table goes.
        let _outcome = self.child.wait();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|&pid| pid != self.pid());
    }
}

fn join(modes: Modes) -> String {
    modes.map(|part| part.to_string()).join(",")
}

fn split(text: &str) -> Option<Modes> {
    let parts: Vec<u32> = text.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
    parts.try_into().ok()
}

/// Runs the guard.
#[must_use]
pub fn main() -> ExitCode {
    // Deaf to what is meant for others, and free to use the terminal from behind.
    let deaf: SigSet = [
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGHUP,
        Signal::SIGTERM,
        Signal::SIGTSTP,
        Signal::SIGTTOU,
        Signal::SIGTTIN,
    ]
    .into_iter()
    .collect();
    let _outcome = deaf.thread_block();
    let mut heard = Vec::new();
    // A pipe that cannot be read any more has ended.
    let _outcome = io::stdin().lock().read_to_end(&mut heard);
    // Whoever ends before that has not changed the terminal.
    let Some(end) = heard.iter().position(|byte| *byte == END) else { return ExitCode::FAILURE };
    if heard[end + 1..] == *WORD {
        return ExitCode::SUCCESS;
    }
    let task = String::from_utf8_lossy(&heard[..end]);
    let mut parts = task.splitn(3, '\n');
    let mut modes = || parts.next().and_then(split);
    let (Some(before), Some(during)) = (modes(), modes()) else { return ExitCode::FAILURE };
    match put_right(before, during, parts.next().unwrap_or_default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn put_right(before: Modes, during: Modes, leave: &str) -> io::Result<()> {
    let stdout = io::stdout();
    let terminal = stdout.as_fd();
    let mut termios = rustix::termios::tcgetattr(terminal)?;
    if modes(&termios) == during {
        let [input, output, control, local, min, time] = before;
        termios.input_modes = InputModes::from_bits_retain(input);
        termios.output_modes = OutputModes::from_bits_retain(output);
        termios.control_modes = ControlModes::from_bits_retain(control);
        termios.local_modes = LocalModes::from_bits_retain(local);
        termios.special_codes[SpecialCodeIndex::VMIN] = u8::try_from(min).unwrap_or(1);
        termios.special_codes[SpecialCodeIndex::VTIME] = u8::try_from(time).unwrap_or(0);
        // What was typed at the screen is not meant for the shell.
        rustix::termios::tcsetattr(terminal, OptionalActions::Flush, &termios)?;
    }
    write_all(&terminal, leave.as_bytes())
}

/// Writes to a terminal that may be behind, and may have been opened so that nobody waits for it. After a while what it
/// has not taken so far is dropped, as whoever comes next must not find a full screen.
fn write_all(terminal: &BorrowedFd<'_>, text: &[u8]) -> io::Result<()> {
    let mut file = File::from(terminal.try_clone_to_owned()?);
    let mut left = text;
    let mut has_dropped = false;
    while !left.is_empty() {
        match file.write(left) {
            Ok(count) => left = &left[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut wanted = [PollFd::new(terminal, PollFlags::OUT)];
                let is_ready = rustix::event::poll(&mut wanted, Some(&PATIENCE))? > 0;
                if !is_ready && has_dropped {
                    return Err(error);
                }
                if !is_ready {
                    rustix::termios::tcflush(terminal, QueueSelector::OFlush)?;
                    has_dropped = true;
                    left = text;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
