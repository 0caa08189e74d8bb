//! Listening to a job: numbered events and log growth, from the engine of this process or of another.
//!
//! A listener of another process outlives the engine that it listens to: what that said last is in the store, and the next
//! engine is looked for until the job has ended. Not here: what is kept at hand (`bus.rs`), the socket (`link/mod.rs`).

use std::future::poll_fn;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tokio::sync::mpsc;

use super::bell::{Bell, any_of, first_of};
use super::bus::{Bus, Held, Next, Place};
use super::link::{self, Answer, Request};
use super::store::History;
use super::{JobId, Project, clock};
use crate::logic::job::event::{Envelope, Event};

#[cfg(test)]
#[path = "subscription_tests.rs"]
mod tests;

/// So often others are looked for where this process may not open more files.
const WITHOUT_BELL: Duration = Duration::from_millis(40);

/// So many events are read from the store at once when a listener is behind.
const PAGE: usize = 1024;

/// Between two looks for an engine: at first, and at most. Each costs a few hundred microseconds.
const LOOKS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(200));

/// So long nobody may work on a job before listeners are told: one engine hands over to the next in a moment.
const HAND_OVER: Duration = Duration::from_millis(400);

/// How far the thread of [`Events`] may run ahead of its reader.
const QUEUE: usize = 256;

/// A listener's end of a job's stream.
pub struct Subscription {
    project: Project,
    id: JobId,
    source: Source,
}

enum Source {
    Local { bus: Arc<Bus>, place: Place, page: Vec<Next>, history: Option<History>, bell: Option<Bell> },
    Remote(Box<Remote>),
}

/// Listening to whatever engine there is.
struct Remote {
    socket: PathBuf,
    /// To the engine, if one answers.
    stream: Option<Lines>,
    after: u64,
    /// What is given before anything else, the last first.
    page: Vec<Next>,
    history: Option<History>,
    /// The listener was told that nobody works on the job.
    is_unowned: bool,
    /// Since when nobody does.
    unowned_since: Option<Duration>,
    /// The event given last ended the job.
    has_ended: bool,
    /// An engine has stopped talking; the store knows best what that means.
    asks_store: bool,
    /// When an engine is looked for next, and how long after that again.
    look: Duration,
    pause: Duration,
}

struct Lines {
    reader: BufReader<UnixStream>,
    /// Bytes of a line that has not ended yet.
    begun: Vec<u8>,
}

impl Subscription {
    pub(super) fn local(project: Project, id: JobId, bus: Arc<Bus>, after: u64) -> Self {
        let place = Place::after(after);
        let source = Source::Local { bus, place, page: Vec::new(), history: None, bell: None };
        Self { project, id, source }
    }

    pub(super) fn remote(project: Project, id: JobId, socket: PathBuf, after: u64) -> Self {
        let remote = Remote {
            socket,
            stream: None,
            after,
            page: Vec::new(),
            history: None,
            is_unowned: false,
            unowned_since: None,
            has_ended: false,
            asks_store: false,
            look: Duration::ZERO,
            pause: LOOKS.0,
        };
        Self { project, id, source: Source::Remote(Box::new(remote)) }
    }

    /// Lets events gather for so long, or until the job has ended. A job of another process is not waited for.
    pub fn gather(&self, limit: Duration) {
        if let Source::Local { bus, .. } = &self.source {
            bus.gather(limit);
        }
    }

    /// Waits as [`Subscription::next`] does up to a time, but no longer than until something can be read from one of the
    /// others: then nothing is returned but that the time is over.
    pub fn next_unless(&mut self, others: &[BorrowedFd<'_>], timeout: Duration) -> Next {
        if !self.awaits(others, timeout) {
            return Next::Timeout;
        }
        self.next(Some(Duration::ZERO))
    }

    /// Waits until there is something to take, or to read from one of the others; says whether there may be the former.
    fn awaits(&mut self, others: &[BorrowedFd<'_>], timeout: Duration) -> bool {
        match &mut self.source {
            Source::Local { page, .. } if !page.is_empty() => true,
            Source::Local { bus, place, bell, .. } => {
                if bell.is_none() {
                    *bell = Bell::new().ok();
                }
                // Without a bell it is looked for others as often as can be without waiting for them.
                let Some(bell) = bell else {
                    let limit = timeout.min(WITHOUT_BELL);
                    return !matches!(bus.wait(&mut { *place }, Some(limit)), Held::Next(Next::Timeout));
                };
                if !matches!(bus.held_or_rung(*place, bell), Held::Nothing) {
                    return true;
                }
                let fds: Vec<BorrowedFd<'_>> =
                    std::iter::once(bell.as_fd()).chain(others.iter().copied()).collect();
                let has_rung = first_of(&fds, timeout);
                bell.hush();
                has_rung
            }
            Source::Remote(remote) => remote.awaits(others, timeout),
        }
    }

    /// Waits for what comes next, for ever or up to a time.
    pub fn next(&mut self, timeout: Option<Duration>) -> Next {
        match &mut self.source {
            Source::Local { bus, place, page, history, .. } => loop {
                if let Some(next) = page.pop() {
                    return next;
                }
                match bus.wait(place, timeout) {
                    Held::Next(next) => return next,
                    Held::Nothing => return Next::Timeout,
                    Held::Behind(first) => {
                        let missed = catch_up(&self.project, &self.id, history, (place.seq, first));
                        let Some(last) = missed.last() else { return Next::End };
                        place.seq = last.seq;
                        *page = missed.into_iter().rev().map(|e| Next::Event(Arc::new(e))).collect();
                    }
                }
            },
            Source::Remote(remote) => remote.next(&self.project, &self.id, timeout),
        }
    }

    /// Goes on without holding up the thread: the same, in order, for any executor. A thread listens, and rests while
    /// nobody takes what it has.
    ///
    /// # Errors
    /// If this process may not have another thread.
    pub fn into_events(mut self) -> std::io::Result<Events> {
        /// So often it is looked whether there is still a reader.
        const LOOK: Duration = Duration::from_secs(1);
        let (sender, receiver) = mpsc::channel(QUEUE);
        std::thread::Builder::new().name("events".to_owned()).spawn(move || {
            loop {
                let next = self.next(Some(LOOK));
                let is_end = matches!(next, Next::End);
                if matches!(next, Next::Timeout) && !sender.is_closed() {
                    continue;
                }
                if is_end || sender.blocking_send(next).is_err() {
                    return;
                }
            }
        })?;
        Ok(Events(receiver))
    }
}

/// A job's stream for asynchronous code; it ends where a [`Subscription`] says [`Next::End`].
pub struct Events(mpsc::Receiver<Next>);

impl Events {
    /// Waits for what comes next; nothing once the job has ended. May be cancelled without loss.
    pub async fn next(&mut self) -> Option<Next> {
        poll_fn(|context| self.0.poll_recv(context)).await
    }
}

impl Stream for Events {
    type Item = Next;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Next>> {
        self.0.poll_recv(context)
    }
}

impl Remote {
    fn awaits(&mut self, others: &[BorrowedFd<'_>], timeout: Duration) -> bool {
        if !self.page.is_empty() {
            return true;
        }
        match &self.stream {
            Some(lines) if lines.has_line() => true,
            Some(lines) => {
                let socket = lines.reader.get_ref().as_fd();
                let fds: Vec<BorrowedFd<'_>> =
                    std::iter::once(socket).chain(others.iter().copied()).collect();
                first_of(&fds, timeout)
            }
            None => {
                let due = self.look.saturating_sub(clock::elapsed());
                let has_others = !others.is_empty() && any_of(others, timeout.min(due));
                if others.is_empty() && !due.is_zero() {
                    std::thread::sleep(timeout.min(due));
                }
                !has_others && self.look <= clock::elapsed()
            }
        }
    }

    fn next(&mut self, project: &Project, id: &JobId, timeout: Option<Duration>) -> Next {
        let until = timeout.map(|limit| clock::elapsed() + limit);
        loop {
            if let Some(next) = self.page.pop() {
                return self.given(next);
            }
            let left = until.map(|until| until.saturating_sub(clock::elapsed()));
            if self.stream.is_none() {
                match self.look_for_engine(project, id, left) {
                    Some(next) => return next,
                    None => continue,
                }
            }
            let Some(lines) = &mut self.stream else { continue };
            match lines.next(left) {
                Next::Event(event) if event.seq <= self.after => {}
                Next::Event(event) if event.seq == self.after + 1 => return self.given(Next::Event(event)),
                next @ (Next::Grew(..) | Next::Timeout) => return next,
                // The engine is gone, or has lost something; what it said last is in the store.
                Next::Event(_) | Next::End | Next::Owned | Next::Unowned => {
                    self.stream = None;
                    self.asks_store = true;
                }
            }
        }
    }

    /// Takes note of what is given.
    fn given(&mut self, next: Next) -> Next {
        if let Next::Event(event) = &next {
            self.after = event.seq;
            (self.look, self.pause) = (Duration::ZERO, LOOKS.0);
            match &event.event {
                it if it.is_end() => self.has_ended = true,
                Event::JobRetrying { .. } => self.has_ended = false,
                _ => {}
            }
        }
        next
    }

    /// Connects to an engine, or reads what the store has. Nothing if that changed something that is to be looked at.
    fn look_for_engine(&mut self, project: &Project, id: &JobId, left: Option<Duration>) -> Option<Next> {
        let due = self.look.saturating_sub(clock::elapsed());
        if !due.is_zero() {
            std::thread::sleep(left.map_or(due, |left| left.min(due)));
            return (left.is_some_and(|left| left <= due)).then_some(Next::Timeout);
        }
        // Whoever retries a job that has ended has other listeners.
        let asks_store = std::mem::take(&mut self.asks_store) || self.has_ended;
        if !asks_store && let Ok(stream) = open_remote(&self.socket, id, self.after) {
            self.stream = Some(stream);
            self.unowned_since = None;
            self.step_back();
            return std::mem::take(&mut self.is_unowned).then_some(Next::Owned);
        }
        // In this order: the end of a job is written together with its last event.
        let standing = self.standing(project, id);
        let missed = reader(project, &mut self.history)
            .map_or_else(Vec::new, |history| history.events(id, self.after, PAGE).unwrap_or_default());
        if !missed.is_empty() {
            self.page = missed.into_iter().rev().map(|it| Next::Event(Arc::new(it))).collect();
            return None;
        }
        self.step_back();
        match standing {
            Standing::Over => Some(Next::End),
            // An engine that cannot be talked to is listened to by what it writes.
            Standing::Owned => {
                self.unowned_since = None;
                std::mem::take(&mut self.is_unowned).then_some(Next::Owned)
            }
            Standing::Unowned => {
                let now = clock::elapsed();
                let is_long = now.saturating_sub(*self.unowned_since.get_or_insert(now)) >= HAND_OVER;
                let is_news = is_long && !self.is_unowned;
                self.is_unowned |= is_news;
                is_news.then_some(Next::Unowned)
            }
        }
    }

    /// The next look is a little later than the last one was.
    fn step_back(&mut self) {
        self.look = clock::elapsed() + self.pause;
        self.pause = (self.pause * 2).min(LOOKS.1);
    }

    fn standing(&mut self, project: &Project, id: &JobId) -> Standing {
        if self.has_ended {
            return Standing::Over;
        }
        let Some(history) = reader(project, &mut self.history) else { return Standing::Over };
        match history.row(id) {
            Ok(row) if row.outcome.is_some() => Standing::Over,
            Ok(row) if row.owner_alive => Standing::Owned,
            Ok(_) => Standing::Unowned,
            // A job that was removed from the history has no more to say.
            Err(_) => Standing::Over,
        }
    }
}

/// What the store says of a job that no engine answers for.
enum Standing {
    Over,
    Owned,
    Unowned,
}

fn reader<'a>(project: &Project, history: &'a mut Option<History>) -> Option<&'a History> {
    if history.is_none() {
        *history = History::open(project).ok().flatten();
    }
    history.as_ref()
}

/// Reads what the bus of this process no longer has.
pub(super) fn catch_up(
    project: &Project,
    id: &JobId,
    history: &mut Option<History>,
    (after, first): (u64, u64),
) -> Vec<Envelope> {
    let Some(history) = reader(project, history) else { return Vec::new() };
    let wanted = usize::try_from(first - after - 1).unwrap_or(PAGE).min(PAGE);
    history.own_events(id, after, wanted).unwrap_or_default()
}

fn open_remote(socket: &Path, id: &JobId, after: u64) -> std::io::Result<Lines> {
    let mut stream = link::connect(socket, id)?;
    link::write_line(&mut stream, &Request::Subscribe { after })?;
    stream.flush()?;
    Ok(Lines { reader: BufReader::new(stream), begun: Vec::new() })
}

impl Lines {
    /// Says whether a whole line has come already.
    fn has_line(&self) -> bool {
        self.reader.buffer().contains(&b'\n')
    }

    fn next(&mut self, timeout: Option<Duration>) -> Next {
        if self.reader.get_ref().set_read_timeout(timeout.map(|t| t.max(Duration::from_millis(1)))).is_err() {
            return Next::End;
        }
        match self.reader.read_until(b'\n', &mut self.begun) {
            Ok(0) => Next::End,
            Ok(_) if self.begun.ends_with(b"\n") => {
                let line = std::mem::take(&mut self.begun);
                match serde_json::from_slice(&line) {
                    Ok(Answer::Event(event)) => Next::Event(Arc::new(event)),
                    Ok(Answer::Grew { key, bytes }) => Next::Grew(key, bytes),
                    _ => Next::End,
                }
            }
            Ok(_) => Next::End,
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                Next::Timeout
            }
            Err(_) => Next::End,
        }
    }
}
