//! One test for all of it, because there is one terminal for a process: a pair of files that behaves like one.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{
    Hold, Holder, hold, hold_again, is_held, is_of_this_thread, keep, kept, leave_now, wait_for_next,
};
use crate::faces::context::Guard;

static STARTED: AtomicUsize = AtomicUsize::new(0);
static DISMISSED: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl Guard for Counted {
    fn dismiss(self: Box<Self>) {
        DISMISSED.fetch_add(1, Ordering::SeqCst);
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the seam")]
fn guard(_: OwnedFd, _: &Termios, _: &Termios, _: &str) -> std::io::Result<Box<dyn Guard>> {
    STARTED.fetch_add(1, Ordering::SeqCst);
    Ok(Box::new(Counted))
}

fn broken_guard(_: OwnedFd, _: &Termios, _: &Termios, _: &str) -> std::io::Result<Box<dyn Guard>> {
    Err(std::io::Error::other("no guard today"))
}

fn taken(terminal: &OwnedFd, holder: Holder) -> std::io::Result<Hold> {
    let before = tcgetattr(terminal)?;
    let mut during = before.clone();
    during.make_raw();
    let (modes, output) = (terminal.try_clone()?, terminal.try_clone()?);
    Ok(Hold { holder, modes, output, before, during, leave: "bye" })
}

fn modes(terminal: &OwnedFd) -> String {
    let termios = tcgetattr(terminal).unwrap();
    format!("{:?} {:?} {:?}", termios.input_modes, termios.output_modes, termios.local_modes)
}

#[test]
fn whoever_comes_first_puts_the_terminal_right_and_nobody_does_so_twice() {
    let (ours, theirs) = pty_process::blocking::open().unwrap();
    let terminal = theirs.as_fd().try_clone_to_owned().unwrap();
    let (before, cooked) = (modes(&terminal), tcgetattr(&terminal).unwrap());

    assert!(hold(broken_guard, || taken(&terminal, Holder::Screen), Holder::Screen).is_err());
    assert_eq!(modes(&terminal), before, "without a guard nothing is changed");
    assert!(!keep("nobody has it"));

    assert!(hold(guard, || taken(&terminal, Holder::Screen), Holder::Screen).unwrap());
    let raw = modes(&terminal);
    assert_ne!(raw, before);
    assert!(!hold(guard, || taken(&terminal, Holder::Screen), Holder::Screen).unwrap(), "it has it already");
    assert!(hold(guard, || taken(&terminal, Holder::Rows), Holder::Rows).is_err(), "it is another face's");
    assert_eq!((is_held(Holder::Screen), is_held(Holder::Rows)), (true, false));
    assert!(keep("told later") && !is_of_this_thread());
    let on_screen = std::thread::Builder::new().name("screen".to_owned()).spawn(is_of_this_thread).unwrap();
    assert!(on_screen.join().unwrap());

    tcsetattr(&terminal, OptionalActions::Now, &cooked).unwrap();
    hold_again().unwrap();
    assert_eq!(modes(&terminal), raw);

    let all: Vec<_> = (0..8).map(|_| std::thread::spawn(leave_now)).collect();
    for thread in all {
        thread.join().unwrap();
    }
    assert_eq!(modes(&terminal), before);
    assert_eq!((STARTED.load(Ordering::SeqCst), DISMISSED.load(Ordering::SeqCst)), (1, 1));
    let mut bytes = [0; 16];
    assert_eq!(rustix::io::read(&ours, &mut bytes).unwrap(), 3, "it is written once");
    assert_eq!(kept(), ["told later"]);
    assert!(!keep("nobody has it any more") && kept().is_empty());

    // Questions, then a face: what is put right in the end is what was there before the questions.
    assert!(wait_for_next(guard, |_| {}).is_err(), "nobody has it");
    assert!(hold(guard, || taken(&terminal, Holder::Prompts), Holder::Prompts).unwrap());
    assert!(wait_for_next(broken_guard, |_| {}).is_err());
    assert_eq!((is_held(Holder::Prompts), modes(&terminal)), (true, raw.clone()), "it stays as it was");
    wait_for_next(guard, |modes| modes.local_modes -= LocalModes::ECHO).unwrap();
    assert!(is_held(Holder::Next) && ![&raw, &before].contains(&&modes(&terminal)));
    assert!(hold(broken_guard, || taken(&terminal, Holder::Screen), Holder::Screen).is_err());
    assert!(is_held(Holder::Next), "it waits for the next one that can");
    assert!(hold(guard, || taken(&terminal, Holder::Screen), Holder::Screen).unwrap());
    assert!(is_held(Holder::Screen));
    leave_now();
    assert_eq!(modes(&terminal), before);
    assert_eq!((STARTED.load(Ordering::SeqCst), DISMISSED.load(Ordering::SeqCst)), (4, 4));
}
