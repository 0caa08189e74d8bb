//! Turning a launch into a process: program, folder, environment, own session.
//!
//! Not here: pipes and what is read from them. Start at [`Spawner::start`].

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::SigSet;
use nix::unistd::{AccessFlags, access};

use super::environment::Changed;
use crate::logic::job::report::StartFailure;

/// `POSIX_SPAWN_SETSID` of glibc and musl: the child leads a session of its own. `nix` has no name for it.
const SETSID: i32 = 0x80;

/// The folder the process as a whole is in, where threads cannot have folders of their own.
static SHARED_FOLDER: RwLock<Option<PathBuf>> = RwLock::new(None);

/// Why there is no process, and what to tell the user.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotStarted {
    pub(crate) why: StartFailure,
    pub(crate) message: String,
}

/// Starts processes from one thread.
pub(crate) struct Spawner {
    attributes: PosixSpawnAttr,
    /// This thread has a folder of its own; some sandboxes forbid to part them, and all threads share one then.
    has_own_folder: bool,
}

impl Spawner {
    /// Prepares the calling thread.
    ///
    /// # Errors
    /// If memory is short.
    pub(crate) fn new() -> nix::Result<Self> {
        let mut attributes = PosixSpawnAttr::init()?;
        let flags = PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK
            | PosixSpawnFlags::from_bits_retain(SETSID);
        attributes.set_flags(flags)?;
        // Whatever was blocked or ignored here or above, a child starts as if from a login.
        attributes.set_sigmask(&SigSet::empty())?;
        attributes.set_sigdefault(&SigSet::all())?;
        // posix_spawn knows no folder, but a thread can have its own, which the child then starts in.
        let has_own_folder = unshare(CloneFlags::CLONE_FS).is_ok();
        Ok(Self { attributes, has_own_folder })
    }

    /// Starts `argv` in `folder` with its output on `out` and `err`; returns the process number.
    ///
    /// # Errors
    /// Why there is no process, in words for the user.
    pub(crate) fn start(
        &self,
        argv: &[String],
        folder: &Path,
        environment: &Changed<'_>,
        out: BorrowedFd<'_>,
        err: BorrowedFd<'_>,
    ) -> Result<i32, NotStarted> {
        let name = argv.first().filter(|name| !name.is_empty()).ok_or_else(|| NotStarted {
            why: StartFailure::NoProgram,
            message: "there is no program to start".to_owned(),
        })?;
        let arguments = c_strings(argv)?;
        let mut program = resolve(name, folder, environment)?;
        let mut actions = PosixSpawnFileActions::init().map_err(|errno| other(name, errno))?;
        actions.add_dup2(out.as_raw_fd(), 1).map_err(|errno| other(name, errno))?;
        actions.add_dup2(err.as_raw_fd(), 2).map_err(|errno| other(name, errno))?;
        let entries = environment.entries();
        let attributes = &self.attributes;
        let spawn = |program: &CStr| match posix_spawn(program, &actions, attributes, &arguments, &entries) {
            // A script without `#!` is for the shell, as it is for every shell.
            Err(Errno::ENOEXEC) => {
                let mut by_shell = vec![c"/bin/sh".to_owned(), program.to_owned()];
                by_shell.extend_from_slice(&arguments[1..]);
                posix_spawn(c"/bin/sh", &actions, attributes, &by_shell, &entries)
            }
            result => result,
        };
        let in_folder = |program: &CStr| {
            if self.has_own_folder {
                // Every time, even if it was the last one's: that may have removed it, and put another in its place.
                enter(folder)?;
                Ok(spawn(program))
            } else {
                in_shared_folder(folder, &mut || spawn(program))
            }
        };
        let mut spawned = in_folder(&program)?;
        if is_shell(name) && matches!(spawned, Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES)) {
            // Found before; looked for again only now, because it is hardly ever somewhere else.
            forget_shells();
            program = resolve(name, folder, environment)?;
            spawned = in_folder(&program)?;
        }
        spawned.map(nix::unistd::Pid::as_raw).map_err(|errno| refused(name, &program, errno))
    }
}

fn in_shared_folder(
    folder: &Path,
    spawn: &mut dyn FnMut() -> nix::Result<nix::unistd::Pid>,
) -> Result<nix::Result<nix::unistd::Pid>, NotStarted> {
    let poisoned = "no thread panics while it holds the folder";
    {
        let current = SHARED_FOLDER.read().expect(poisoned);
        if current.as_deref() == Some(folder) && is_here(folder) {
            return Ok(spawn());
        }
    }
    let mut current = SHARED_FOLDER.write().expect(poisoned);
    *current = None;
    enter(folder)?;
    *current = Some(folder.to_owned());
    Ok(spawn())
}

/// Says whether the process is in that folder, and not in one that was there before it under the same name.
fn is_here(folder: &Path) -> bool {
    match (rustix::fs::stat(folder), rustix::fs::stat(".")) {
        (Ok(there), Ok(here)) => (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino),
        _ => false,
    }
}

fn enter(folder: &Path) -> Result<(), NotStarted> {
    rustix::process::chdir(folder).map_err(|errno| {
        let shown = folder.display();
        let message = match errno {
            rustix::io::Errno::NOENT => format!("the working directory `{shown}` does not exist"),
            rustix::io::Errno::NOTDIR => format!("the working directory `{shown}` is not a directory"),
            errno => format!("the working directory `{shown}` cannot be entered: {}", plain(errno)),
        };
        NotStarted { why: StartFailure::NoDirectory, message }
    })
}

fn c_strings(argv: &[String]) -> Result<Vec<CString>, NotStarted> {
    argv.iter()
        .map(|word| {
            CString::new(word.as_str()).map_err(|_| NotStarted {
                why: StartFailure::Other,
                message: format!("an argument of `{}` holds a zero byte", argv[0].escape_debug()),
            })
        })
        .collect()
}

/// Shells found before, with the `PATH` they were found in. They start nearly every step, and walking a long `PATH` for
/// each costs more than the rest of the preparation.
static SHELLS: Mutex<Vec<(String, Vec<u8>, CString)>> = Mutex::new(Vec::new());

fn known_shell(name: &str, path: &[u8]) -> Option<CString> {
    let shells = SHELLS.lock().unwrap_or_else(PoisonError::into_inner);
    let (.., program) = shells.iter().find(|(n, p, _)| n == name && p == path)?;
    Some(program.clone())
}

/// Forgets all shells, one of which is not where it was.
fn forget_shells() {
    SHELLS.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

fn is_shell(name: &str) -> bool {
    matches!(name, "sh" | "bash")
}

fn remember_shell(name: &str, path: &[u8], program: &CStr) {
    if is_shell(name) {
        let mut shells = SHELLS.lock().unwrap_or_else(PoisonError::into_inner);
        if shells.len() < 16 {
            shells.push((name.to_owned(), path.to_vec(), program.to_owned()));
        }
    }
}

/// The program file for a name, looked up in the child's own `PATH`. Only shells are remembered: a step may install
/// tools.
fn resolve(name: &str, folder: &Path, environment: &Changed<'_>) -> Result<CString, NotStarted> {
    let no_zero = "a name with a zero byte was refused before";
    if name.contains('/') {
        return Ok(CString::new(name).expect(no_zero));
    }
    let path = environment.get("PATH").unwrap_or(b"/usr/local/bin:/usr/bin:/bin");
    if let Some(known) = known_shell(name, path) {
        return Ok(known);
    }
    let mut found_but_closed = None;
    for directory in path.split(|byte| *byte == b':') {
        let directory = Path::new(std::ffi::OsStr::from_bytes(directory));
        // A relative entry, and an empty one, count from the child's folder.
        let file =
            if directory.is_absolute() { directory.join(name) } else { folder.join(directory).join(name) };
        match access(&file, AccessFlags::X_OK) {
            Ok(()) if file.is_file() => {
                let program = CString::new(file.as_os_str().as_bytes()).expect("PATH came as a C string");
                remember_shell(name, path, &program);
                return Ok(program);
            }
            Err(Errno::EACCES) if file.is_file() => found_but_closed = Some(file),
            _ => {}
        }
    }
    let message = match found_but_closed {
        Some(file) => format!("`{}` may not be executed: it lacks the permission", file.display()),
        None => format!("the program `{name}` was not found in `PATH`"),
    };
    Err(NotStarted { why: StartFailure::NoProgram, message })
}

fn refused(name: &str, program: &CStr, errno: Errno) -> NotStarted {
    let exists = Path::new(std::ffi::OsStr::from_bytes(program.to_bytes())).exists();
    let (why, message) = match errno {
        Errno::ENOENT if exists => (
            StartFailure::NoProgram,
            format!("the interpreter named in the first line of `{name}` does not exist"),
        ),
        Errno::ENOENT | Errno::ENOTDIR => {
            (StartFailure::NoProgram, format!("the program `{name}` does not exist"))
        }
        Errno::EACCES | Errno::EPERM => {
            (StartFailure::NoProgram, format!("`{name}` may not be executed: it lacks the permission"))
        }
        Errno::E2BIG => (
            StartFailure::TooLarge,
            format!(
                "arguments and environment of `{name}` are larger than the system allows; pass them in a file"
            ),
        ),
        errno => return other(name, errno),
    };
    NotStarted { why, message }
}

fn other(name: &str, errno: Errno) -> NotStarted {
    NotStarted {
        why: StartFailure::Other,
        message: format!("`{name}` could not be started: {}", errno.desc()),
    }
}

fn plain(errno: rustix::io::Errno) -> &'static str {
    Errno::from_raw(errno.raw_os_error()).desc()
}
