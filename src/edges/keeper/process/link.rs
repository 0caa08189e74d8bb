//! The keeper's side of the connection: reports go out at once and are kept until the engine acknowledges them.
//!
//! The socket never blocks a worker: what it does not take waits, and the main loop goes on when there is room.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard};

use rustix::event::{EventfdFlags, eventfd};

use super::super::frame;
use crate::logic::job::report::{AttemptKey, Report};
use crate::port::keeper::FromKeeper;

/// At most so many reports in one frame.
const BATCH: usize = 256;

/// Where reports go.
#[derive(Debug)]
pub(crate) struct Link {
    inner: Mutex<Inner>,
    /// Readable when the main loop should look at the link again.
    wake: OwnedFd,
}

#[derive(Debug, Default)]
struct Inner {
    /// The engine's end; none when the engine is gone.
    socket: Option<UnixStream>,
    /// Not acknowledged yet; the first has number `first`.
    reports: VecDeque<Report>,
    first: u64,
    /// The number of the first report that has not been put into a frame.
    unsent: u64,
    grew: Vec<(AttemptKey, u64)>,
    /// Messages that are sent as they are, after the reports before them.
    plain: Vec<FromKeeper>,
    /// Encoded bytes, of which `written` have gone out.
    bytes: Vec<u8>,
    written: usize,
}

impl Link {
    /// A link over a socket that does not block.
    ///
    /// # Errors
    /// If the system has no event handle left.
    pub(crate) fn new(socket: UnixStream) -> io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { inner: Mutex::new(Inner { socket: Some(socket), ..Inner::default() }), wake })
    }

    /// Readable when the main loop should look again.
    #[must_use]
    pub(crate) fn wake(&self) -> &OwnedFd {
        &self.wake
    }

    /// Makes the main loop look again.
    pub(crate) fn rouse(&self) {
        // The counter can only be full if the loop has been roused already.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    /// Another engine has come: it is told what the keeper holds, and then everything that was not acknowledged.
    pub(crate) fn attach(&self, socket: UnixStream, ready: &FromKeeper) {
        let mut inner = self.lock();
        inner.lose();
        inner.encode(ready);
        inner.socket = Some(socket);
        self.flush(&mut inner);
    }

    /// Says whether nothing is left to be told but ends of tries, which are in the file of exits, too.
    pub(crate) fn has_exits_only(&self) -> bool {
        self.lock().reports.iter().all(|report| matches!(report, Report::Exited(_)))
    }

    /// Returns the tries whose ends wait to be acknowledged, and the sweeps.
    pub(crate) fn reported(&self) -> (Vec<AttemptKey>, Vec<(u32, u32)>) {
        let inner = self.lock();
        let sweeps = inner.reports.iter().filter_map(|report| match report {
            Report::Swept { cell, run, .. } => Some((*cell, *run)),
            _ => None,
        });
        (inner.reports.iter().filter_map(Report::ends).collect(), sweeps.collect())
    }

    /// Keeps a report and sends it.
    pub(crate) fn report(&self, report: Report) {
        self.report_all(std::iter::once(report));
    }

    /// Keeps reports and sends them together.
    pub(crate) fn report_all(&self, reports: impl IntoIterator<Item = Report>) {
        let mut inner = self.lock();
        inner.reports.extend(reports);
        self.flush(&mut inner);
    }

    /// Tells how long a log is now; a later length replaces an earlier one that has not gone out.
    pub(crate) fn grew(&self, key: AttemptKey, bytes: u64, now: bool) {
        let mut inner = self.lock();
        if inner.socket.is_none() {
            return;
        }
        match inner.grew.iter_mut().find(|(other, _)| *other == key) {
            Some((_, length)) => *length = bytes,
            None => inner.grew.push((key, bytes)),
        }
        if now {
            self.flush(&mut inner);
        }
    }

    /// Sends a message that is no report.
    pub(crate) fn send(&self, message: FromKeeper) {
        let mut inner = self.lock();
        inner.plain.push(message);
        self.flush(&mut inner);
    }

    /// Forgets reports before this number.
    pub(crate) fn acknowledge(&self, up_to: u64) {
        let mut inner = self.lock();
        while inner.first < up_to.min(inner.unsent) && inner.reports.pop_front().is_some() {
            inner.first += 1;
        }
    }

    /// Sends what waits, as far as there is room; returns whether something still waits.
    pub(crate) fn push_on(&self) -> bool {
        let mut inner = self.lock();
        self.flush(&mut inner);
        inner.socket.is_some() && inner.written < inner.bytes.len()
    }

    /// The engine is gone: reports are kept, nothing is sent.
    pub(crate) fn lose(&self) {
        self.lock().lose();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no thread panics while it holds the link")
    }

    fn flush(&self, inner: &mut Inner) {
        let was_waiting = inner.written < inner.bytes.len();
        loop {
            if inner.written == inner.bytes.len() && !inner.next_frames() {
                return;
            }
            let Inner { socket: Some(socket), bytes, written, .. } = inner else {
                return;
            };
            match (&*socket).write(&bytes[*written..]) {
                Ok(count) => *written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !was_waiting {
                        self.rouse();
                    }
                    return;
                }
                // The main loop sees the end of the connection by itself.
                Err(_) => return inner.lose(),
            }
        }
    }
}

impl Inner {
    /// Encodes what waits; says whether there was anything to send and anyone to send it to.
    fn next_frames(&mut self) -> bool {
        self.bytes.clear();
        self.bytes.shrink_to(1 << 16);
        self.written = 0;
        if self.socket.is_none() {
            return false;
        }
        // Growth comes before the exit that may follow it in the same breath.
        if !self.grew.is_empty() {
            let logs = std::mem::take(&mut self.grew);
            self.encode(&FromKeeper::Grew { logs });
        }
        let skip = usize::try_from(self.unsent - self.first).unwrap_or(usize::MAX);
        let reports: Vec<Report> = self.reports.iter().skip(skip).take(BATCH).cloned().collect();
        if !reports.is_empty() {
            let from_seq = self.unsent;
            self.unsent += reports.len() as u64;
            self.encode(&FromKeeper::Reports { from_seq, reports });
        }
        if self.unsent == self.first + self.reports.len() as u64 {
            for message in std::mem::take(&mut self.plain) {
                self.encode(&message);
            }
        }
        !self.bytes.is_empty()
    }

    fn encode(&mut self, message: &FromKeeper) {
        // Messages are plain data far below the limit; one that cannot be encoded could not be sent later either.
        let _ = frame::encode(message, &mut self.bytes);
    }

    fn lose(&mut self) {
        self.socket = None;
        self.bytes.clear();
        self.written = 0;
        self.grew.clear();
        self.plain.clear();
        // A later connection gets everything that was not acknowledged.
        self.unsent = self.first;
    }
}
