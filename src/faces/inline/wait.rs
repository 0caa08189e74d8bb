//! A row below the scrollback between two rounds of a job: what is waited for, and the keys.
//!
//! Not here: the rows of a job (`face.rs`).

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::channel;

use rustix::event::{PollFd, PollFlags, poll};

use super::sheet::Sheet;
use super::{modes, rows};
use crate::faces::context::{Context, Signal};
use crate::faces::held;
use crate::faces::live::{Heard, Note};
use crate::faces::out::Out;
use crate::faces::steering::Steering;

/// What a wait came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Something was told.
    Told(Vec<Note>),
    /// The next round is wanted at once.
    Again,
    /// Whoever looks has seen enough.
    Left,
}

/// Shows a row until something is told or a key is pressed.
pub fn wait(context: &Context, steering: &Steering, out: &mut Out, heard: &Heard, words: &str) -> Waited {
    out.flush();
    // Goes last, after the sheet has removed its row.
    let _restore = modes::Restore;
    let bell = heard.bell().clone();
    let (tell, signals) = channel();
    steering.set_listener(Some(Box::new(move |signal| {
        let is_heard = tell.send(signal).is_ok();
        bell.ring();
        is_heard
    })));
    let mut has_keys = context.surroundings.stdin;
    let mut sheet = Sheet::new(Box::new(modes::Screen));
    let waited = loop {
        if has_keys && !modes::is_taken() {
            has_keys = modes::take(context.outside.guard).is_ok();
        }
        let is_front = modes::is_ours();
        let size = modes::size();
        let row = rows::cut(words, size.0.into(), out.paint.ascii);
        sheet.show(&[], &if is_front { vec![out.paint.dim(&row)] } else { Vec::new() }, size);
        let stdin = std::io::stdin();
        let reads = (has_keys && is_front && modes::is_taken()).then(|| stdin.as_fd());
        let fds: Vec<BorrowedFd<'_>> = std::iter::once(heard.bell().as_fd()).chain(reads).collect();
        let mut fds: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        // A signal may interrupt it, which is looked for below.
        let _ready = poll(&mut fds, None);
        let told = heard.take();
        if let Some(waited) =
            signals.try_iter().find_map(|signal| take_signal(context, &mut sheet, signal, size))
        {
            break waited;
        }
        if !told.is_empty() {
            break Waited::Told(told);
        }
        if reads.is_none() {
            continue;
        }
        match modes::typed() {
            None => has_keys = false,
            Some(typed) if typed == b"q" => break Waited::Left,
            Some(typed) if typed == b"r" => break Waited::Again,
            Some(_) => {}
        }
    };
    sheet.show(&[], &[], modes::size());
    steering.set_listener(None);
    held::give_back();
    waited
}

fn take_signal(context: &Context, sheet: &mut Sheet, signal: Signal, size: (u16, u16)) -> Option<Waited> {
    match signal {
        Signal::Stop => {
            sheet.show(&[], &[], size);
            held::give_back();
            (context.outside.stop_here)(false);
            sheet.forget();
            None
        }
        Signal::Continue | Signal::Resize => {
            sheet.forget();
            None
        }
        Signal::Interrupt | Signal::Terminate | Signal::HangUp => Some(Waited::Left),
    }
}
