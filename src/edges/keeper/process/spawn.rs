//! Turning a launch into a process: program, folder, environment, own session.
//!
//! Not here: pipes and what is read from them. Start at [`Spawner::start`].

use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use super::child::{Child, Cradle, Refused, Start};
use super::environment::Changed;
use crate::logic::job::report::StartFailure;

/// Why there is no process, and what to tell the user.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotStarted {
    pub(crate) why: StartFailure,
    pub(crate) message: String,
}

/// Starts processes from one thread.
pub(crate) struct Spawner {
    cradle: Cradle,
}

impl Spawner {
    pub(crate) fn new() -> Self {
        Self { cradle: Cradle::new() }
    }

    /// Starts `argv` in `folder` with its output on `out` and `err`.
    ///
    /// # Errors
    /// Why there is no process, in words for the user.
    pub(crate) fn start(
        &mut self,
        argv: &[String],
        folder: &Path,
        environment: &Changed<'_>,
        out: BorrowedFd<'_>,
        err: BorrowedFd<'_>,
    ) -> Result<Child, NotStarted> {
        let name = argv.first().filter(|name| !name.is_empty()).ok_or_else(|| NotStarted {
            why: StartFailure::NoProgram,
            message: "there is no program to start".to_owned(),
        })?;
        let owned = c_strings(argv)?;
        let arguments: Vec<&CStr> = owned.iter().map(CString::as_c_str).collect();
        let mut program = resolve(name, folder, environment)?;
        let place =
            CString::new(folder.as_os_str().as_bytes()).map_err(|_| not_entered(folder, Errno::ENOENT))?;
        let entries = environment.entries();
        let cradle = &mut self.cradle;
        let mut begin = |program: &CStr, arguments: &[&CStr]| {
            cradle.start(&Start { program, arguments, environment: &entries, folder: &place, out, err })
        };
        let mut started = begin(&program, &arguments);
        if is_shell(name)
            && let Err(Refused::Program(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES)) = started
        {
            // Found before; looked for again only now, because it is hardly ever somewhere else.
            forget_shells();
            program = resolve(name, folder, environment)?;
            started = begin(&program, &arguments);
        }
        if let Err(Refused::Program(Errno::ENOEXEC)) = started {
            // A script without `#!` is for the shell, as it is for every shell.
            let mut by_shell = vec![c"/bin/sh", &*program];
            by_shell.extend_from_slice(&arguments[1..]);
            started = begin(c"/bin/sh", &by_shell);
        }
        started.map_err(|refused| match refused {
            Refused::Folder(errno) => not_entered(folder, errno),
            Refused::Program(errno) => not_executed(name, &program, folder, errno),
            Refused::Process(Errno::EAGAIN) => NotStarted {
                why: StartFailure::Other,
                message: format!(
                    "`{name}` could not be started: the limit of processes is reached (`ulimit -u`, or that of the container)"
                ),
            },
            Refused::Process(errno) => other(name, errno),
        })
    }
}

fn not_entered(folder: &Path, errno: Errno) -> NotStarted {
    let shown = folder.display();
    let message = match errno {
        Errno::ENOENT => format!("the working directory `{shown}` does not exist"),
        Errno::ENOTDIR => format!("the working directory `{shown}` is not a directory"),
        errno => format!("the working directory `{shown}` cannot be entered: {}", errno.desc()),
    };
    NotStarted { why: StartFailure::NoDirectory, message }
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

/// Shells found before, with the `PATH` they were found in, which is the same from every folder. They start nearly every
/// step, and walking a long `PATH` for each costs more than the rest of the preparation.
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
    let is_absolute = |directory: &[u8]| directory.starts_with(b"/");
    if is_shell(name) && path.split(|byte| *byte == b':').all(is_absolute) {
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

fn not_executed(name: &str, program: &CStr, folder: &Path, errno: Errno) -> NotStarted {
    // A relative one counts from the child's folder.
    let exists = folder.join(std::ffi::OsStr::from_bytes(program.to_bytes())).exists();
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
