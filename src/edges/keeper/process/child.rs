//! The first moments of a child: between `clone` and `exec`. The only place with `unsafe`.
//!
//! `posix_spawn` would do the same in safe code, but before version 2.38 of glibc it asks for every signal's handler in
//! each child, and maps and unmaps a stack in the parent: a twentieth of what a short step costs. Here only what is not as
//! it should be is set, and the stack is kept. Like there, the child runs in the parent's memory, on a stack of its
//! own, while the calling thread sleeps until `exec` or the end; so nothing in it allocates, locks or panics, and it
//! makes system calls itself: what a preloaded library puts in their place may want any amount of stack.
#![expect(unsafe_code, reason = "no safe interface starts a process this way")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Ten times what a few system calls need; no handler and no code of others runs on it.
const STACK_BYTES: usize = 16 * 1024;

/// What a child is started with.
pub(crate) struct Start<'a> {
    pub(crate) program: &'a CStr,
    pub(crate) arguments: &'a [&'a CStr],
    pub(crate) environment: &'a [&'a CStr],
    pub(crate) folder: &'a CStr,
    pub(crate) out: BorrowedFd<'a>,
    pub(crate) err: BorrowedFd<'a>,
}

/// A process that has begun its program.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) pid: i32,
    /// What its end is waited for with; old systems and some sandboxes have none.
    pub(crate) handle: Option<OwnedFd>,
}

/// Why there is no child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The folder cannot be entered.
    Folder(Errno),
    /// The program cannot be executed.
    Program(Errno),
    /// There is no room for another process, or none is allowed.
    Process(Errno),
}

/// Room for the first moments of one child at a time.
pub(crate) struct Cradle {
    stack: Vec<u8>,
}

/// All that the child reads, and the place where it leaves what went wrong.
struct Birth {
    program: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    folder: *const c_char,
    out: c_int,
    err: c_int,
    reset: &'static [c_int],
    refused: Option<Refused>,
}

impl Cradle {
    pub(crate) fn new() -> Self {
        Self { stack: vec![0; STACK_BYTES] }
    }

    /// Starts a child in a session of its own, with all signals as from a login; returns once it runs its program.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn start(&mut self, start: &Start<'_>) -> Result<Child, Refused> {
        let arguments = pointers(start.arguments);
        let environment = pointers(start.environment);
        let mut birth = Birth {
            program: start.program.as_ptr(),
            arguments: arguments.as_ptr(),
            environment: environment.as_ptr(),
            folder: start.folder.as_ptr(),
            out: start.out.as_raw_fd(),
            err: start.err.as_raw_fd(),
            reset: unusual_signals(),
            refused: None,
        };
        let child = self.bear(&raw mut birth).map_err(Refused::Process)?;
        if let Some(refused) = birth.refused {
            // It has ended by itself, and nobody else knows of it. What it used counts to the next one: microseconds.
            let _reaped = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(child.pid), None);
            return Err(refused);
        }
        Ok(child)
    }

    /// Makes a process from what is to be its birth, and waits until it is out of our memory.
    fn bear(&mut self, birth: *mut Birth) -> nix::Result<Child> {
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let top = self.stack.as_mut_ptr_range().end;
        // SAFETY: stays within the stack, which is much larger than 16 bytes.
        let top = unsafe { top.sub(top.addr() % 16) };
        // No handler of ours may run in the child: it would run in our memory.
        let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let mut handle: c_int = -1;
        let mut make = |flags: c_int| {
            // SAFETY: `be_born` gets a pointer to a `Birth`, and all it points to lives until this call returns: the
            // thread sleeps in it until the child has begun its program or ended. The stack is nobody else's meanwhile.
            Errno::result(unsafe { libc::clone(be_born, top.cast(), flags, birth.cast(), &raw mut handle) })
        };
        let gives = gives_handles();
        let with_handle = gives.load(Ordering::Relaxed);
        let mut made = make(if with_handle { flags | libc::CLONE_PIDFD } else { flags });
        if with_handle && matches!(made, Err(Errno::EINVAL | Errno::ENOSYS | Errno::EPERM)) {
            // Emulators and sandboxes know the call, but not everything that can be asked of it.
            made = make(flags);
            gives.store(made.is_err(), Ordering::Relaxed);
        }
        let unmasked = mask.thread_set_mask();
        debug_assert!(unmasked.is_ok(), "a mask that was in force can be again");
        let pid = made?;
        let handle = if handle >= 0 {
            // SAFETY: a number that is not -1 is a descriptor the system has just opened for us.
            Some(unsafe { OwnedFd::from_raw_fd(handle) })
        } else {
            // Nobody has reaped it yet, so the number is still its own.
            Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
        };
        Ok(Child { pid, handle })
    }
}

/// Says whether `clone` gives handles that can be waited for: not in Linux 5.2, which had no `pidfd_open` yet.
fn gives_handles() -> &'static AtomicBool {
    static GIVES: OnceLock<AtomicBool> = OnceLock::new();
    let works = || pidfd_open(rustix::process::getpid(), PidfdFlags::empty()).is_ok();
    GIVES.get_or_init(|| AtomicBool::new(works()))
}

fn pointers(strings: &[&CStr]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

/// Signals that would not be as from a login after `exec`, or have a handler before it: those not left to the system.
fn unusual_signals() -> &'static [c_int] {
    static SIGNALS: OnceLock<Vec<c_int>> = OnceLock::new();
    SIGNALS.get_or_init(|| (1..=MOST_SIGNALS).filter(|signal| is_unusual(*signal)).collect())
}

/// As many as fit the set below.
const MOST_SIGNALS: c_int = 64;

/// The size of the system's own set of signals, in bytes.
const SET_BYTES: usize = 8;

/// The system's own form of what is to happen on a signal, with room to spare; all zero is the default. The C library's
/// form will not do: it hides two signals, which its `posix_spawn` leaves ignored in whatever it starts, us among them.
type Action = [u64; 8];

fn is_unusual(signal: c_int) -> bool {
    let mut action: Action = [0; 8];
    let none = ptr::null::<Action>();
    // SAFETY: the call only fills the action, which is larger than the system's.
    let result = unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, none, &raw mut action, SET_BYTES) };
    result == 0 && action != [0; 8]
}

/// What the child does: system calls, and nothing else.
extern "C" fn be_born(birth: *mut c_void) -> c_int {
    // SAFETY: the caller passes a `Birth` that nobody touches meanwhile; its pointers are valid and end in null.
    unsafe {
        let birth = birth.cast::<Birth>();
        libc::syscall(libc::SYS_setsid);
        // The pipes' own numbers are above 2: those below are taken.
        let output = [((*birth).out, 1), ((*birth).err, 2)];
        for (pipe, number) in output {
            if libc::syscall(libc::SYS_dup3, pipe, number, 0) == -1 {
                end(birth, Refused::Process(Errno::last()));
            }
        }
        if libc::syscall(libc::SYS_chdir, (*birth).folder) == -1 {
            end(birth, Refused::Folder(Errno::last()));
        }
        let by_default: Action = [0; 8];
        let old = ptr::null_mut::<Action>();
        for signal in (*birth).reset {
            libc::syscall(libc::SYS_rt_sigaction, *signal, &raw const by_default, old, SET_BYTES);
        }
        let none: u64 = 0;
        let old = ptr::null_mut::<u64>();
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const none, old, SET_BYTES);
        libc::syscall(libc::SYS_execve, (*birth).program, (*birth).arguments, (*birth).environment);
        end(birth, Refused::Program(Errno::last()))
    }
}

/// Leaves word why, and ends the child.
///
/// # Safety
/// Only for the child, with the `Birth` it was given.
unsafe fn end(birth: *mut Birth, why: Refused) -> ! {
    // SAFETY: as promised; the last call does not return.
    unsafe {
        (*birth).refused = Some(why);
        libc::syscall(libc::SYS_exit_group, 127);
        libc::_exit(127)
    }
}
