//! What a terminal is sent when it is taken, on one that nobody looks at.

use std::io::Read;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

use pty_process::blocking::{Pts, Pty};

use super::{MOUSE_OFF, MOUSE_ON, Terminal};
use crate::faces::context::Guard;

struct Nobody;

impl Guard for Nobody {
    fn dismiss(self: Box<Self>) {}
}

/// What shows, what is written to, and its other end, which keeps it alive.
fn terminal() -> (Pty, Terminal, Pts) {
    let (master, slave) = pty_process::blocking::open().unwrap();
    let output = slave.as_fd().try_clone_to_owned().unwrap();
    let flags = rustix::fs::fcntl_getfl(&output).unwrap() | rustix::fs::OFlags::NONBLOCK;
    rustix::fs::fcntl_setfl(&output, flags).unwrap();
    let terminal = Terminal::on(output, |_, _, _, _| Ok(Box::new(Nobody))).unwrap();
    (master, terminal, slave)
}

/// Returns what has been sent since the last call.
fn sent(master: &mut Pty, terminal: &mut Terminal) -> String {
    const MARK: &str = "<mark>";
    terminal.write(MARK.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let mut piece = [0; 1024];
    while !bytes.ends_with(MARK.as_bytes()) {
        let read = master.read(&mut piece).unwrap();
        bytes.extend_from_slice(&piece[..read]);
    }
    String::from_utf8(bytes).unwrap().trim_end_matches(MARK).to_owned()
}

#[test]
fn a_mouse_that_was_given_to_the_terminal_is_not_taken_back() {
    let (mut master, mut terminal, _slave) = terminal();
    terminal.enter().unwrap();
    assert!(sent(&mut master, &mut terminal).ends_with(MOUSE_ON));
    terminal.set_mouse(false).unwrap();
    assert_eq!(sent(&mut master, &mut terminal), MOUSE_OFF);
    terminal.enter_again().unwrap();
    terminal.leave();
    terminal.enter().unwrap();
    let text = sent(&mut master, &mut terminal);
    assert!(!text.contains("?1000h") && text.ends_with(MOUSE_OFF), "{text:?}");
    assert!(!terminal.has_mouse());
    terminal.set_mouse(true).unwrap();
    terminal.leave();
    terminal.enter().unwrap();
    assert!(sent(&mut master, &mut terminal).ends_with(MOUSE_ON));
}

#[test]
fn a_signal_before_the_terminal_is_taken_still_makes_its_writes_give_up() {
    let (_master, mut terminal, _slave) = terminal();
    let abandoned = terminal.abandon_switch();
    abandoned.store(true, Ordering::Relaxed);
    terminal.enter().unwrap();
    // Nobody reads, so at some point there is no room.
    let written = (0..1_000).try_for_each(|_| terminal.write(&[b'x'; 4096]));
    assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    // Leaving throws away what was not read.
    terminal.leave();
}
