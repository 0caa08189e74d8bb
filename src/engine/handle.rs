//! A face's access to a job: orders in, events and log growth out. The same for a job of this process and of another.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::bell::{Bell, first_of};
use super::bus::{Bus, Held, Next, Place};
use super::link::{self, Answer, Request};
use super::store::History;
use super::{EngineError, JobId, Project};
use crate::logic::job::order::{Asked, Refusal};
use crate::logic::plan::Plan;

/// So often others are looked for where this process may not open more files.
const WITHOUT_BELL: Duration = Duration::from_millis(40);

/// So many events are read from the store at once when a listener is behind.
const PAGE: usize = 1024;

/// Why an order was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderError {
    Refused(Refusal),
    /// No engine answers, in words.
    Gone(String),
}

/// An order with the one who waits for its answer.
pub(super) struct LocalOrder {
    pub(super) asked: Asked,
    pub(super) reply: oneshot::Sender<Result<String, Refusal>>,
}

impl LocalOrder {
    pub(super) fn answer(self, answer: Result<String, Refusal>) {
        // Whoever asked may have gone; the order was carried out all the same.
        let _sent = self.reply.send(answer);
    }
}

/// Access to one job. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    project: Project,
    id: JobId,
    plan: Arc<Plan>,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Local { bus: Arc<Bus>, orders: UnboundedSender<LocalOrder> },
    Remote { socket: PathBuf },
}

impl Handle {
    pub(super) fn local(
        project: Project,
        id: JobId,
        bus: Arc<Bus>,
        orders: UnboundedSender<LocalOrder>,
        plan: Arc<Plan>,
    ) -> Self {
        Self { project, id, plan, way: Way::Local { bus, orders } }
    }

    /// Connects to the engine that owns a job, over its private socket.
    ///
    /// # Errors
    /// If no living engine owns the job.
    pub fn connect(project: &Project, job: &JobId) -> Result<Self, EngineError> {
        let history = History::open(project)?.ok_or_else(|| EngineError::usage("no job has run here yet"))?;
        let plan = Arc::new(history.plan(job)?);
        let socket = project.state.join("run");
        link::connect(&socket, job).map_err(|e| {
            EngineError::surroundings(format!("no engine answers for this job: {e}"))
                .help("it has ended, or its engine died")
        })?;
        Ok(Self { project: project.clone(), id: job.clone(), plan, way: Way::Remote { socket } })
    }

    /// Returns the job's plan.
    #[must_use]
    pub fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan)
    }

    /// Gives an order and waits for the answer, which says in words what was done.
    ///
    /// # Errors
    /// If the order is refused, or no engine answers.
    pub fn order(&self, asked: Asked) -> Result<String, OrderError> {
        match &self.way {
            Way::Local { orders, .. } => {
                let (reply, answer) = oneshot::channel();
                let gone = || OrderError::Gone("the job has ended".to_owned());
                orders.send(LocalOrder { asked, reply }).map_err(|_| gone())?;
                answer.blocking_recv().map_err(|_| gone())?.map_err(OrderError::Refused)
            }
            Way::Remote { socket } => {
                let gone = |e: &dyn std::fmt::Display| {
                    OrderError::Gone(format!("no engine answers for this job: {e}"))
                };
                let stream = link::connect(socket, &self.id).map_err(|e| gone(&e))?;
                let answer = ask(stream, &Request::Order(asked)).map_err(|e| gone(&e))?;
                match answer {
                    Answer::Done { words } => Ok(words),
                    Answer::Refused(refusal) => Err(OrderError::Refused(refusal)),
                    _ => Err(gone(&"it said something else")),
                }
            }
        }
    }

    /// Listens from the event after that number on. Nothing is lost, however slow the listener.
    #[must_use]
    pub fn subscribe(&self, after: u64) -> Subscription {
        let source = match &self.way {
            Way::Local { bus, .. } => Source::Local {
                bus: Arc::clone(bus),
                place: Place::after(after),
                page: Vec::new(),
                history: None,
                bell: None,
            },
            Way::Remote { socket } => Source::Remote {
                stream: None,
                socket: socket.clone(),
                after,
                page: Vec::new(),
                history: None,
            },
        };
        Subscription { project: self.project.clone(), id: self.id.clone(), source }
    }
}

/// How long an engine may take to answer an order; it does so in a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

fn ask(mut stream: UnixStream, request: &Request) -> std::io::Result<Answer> {
    stream.set_read_timeout(Some(PATIENCE))?;
    link::write_line(&mut stream, request)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).map_err(|e| match e.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
            std::io::Error::new(e.kind(), format!("it said nothing for {} seconds", PATIENCE.as_secs()))
        }
        _ => e,
    })?;
    Ok(serde_json::from_str(&line)?)
}

/// A listener's end of a job's stream.
pub struct Subscription {
    project: Project,
    id: JobId,
    source: Source,
}

enum Source {
    Local { bus: Arc<Bus>, place: Place, page: Vec<Next>, history: Option<History>, bell: Option<Bell> },
    Remote { stream: Option<Lines>, socket: PathBuf, after: u64, page: Vec<Next>, history: Option<History> },
}

struct Lines {
    reader: BufReader<UnixStream>,
    /// Bytes of a line that has not ended yet.
    begun: Vec<u8>,
}

impl Subscription {
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
            Source::Local { page, .. } | Source::Remote { page, .. } if !page.is_empty() => true,
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
            Source::Remote { stream: Some(lines), .. } if !lines.has_line() => {
                let socket = lines.reader.get_ref().as_fd();
                let fds: Vec<BorrowedFd<'_>> =
                    std::iter::once(socket).chain(others.iter().copied()).collect();
                first_of(&fds, timeout)
            }
            Source::Remote { .. } => true,
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
            Source::Remote { stream, socket, after, page, history } => {
                if let Some(next) = page.pop() {
                    return next;
                }
                if stream.is_none() {
                    *stream = open_remote(socket, &self.id, *after).ok();
                }
                let next = stream.as_mut().map_or(Next::End, |lines| lines.next(timeout));
                match &next {
                    Next::Event(event) => *after = event.seq,
                    // The engine is gone; what it said last is in the store.
                    Next::End => {
                        let missed = catch_up(&self.project, &self.id, history, (*after, u64::MAX));
                        let Some(last) = missed.last() else { return Next::End };
                        *after = last.seq;
                        *page = missed.into_iter().rev().map(|e| Next::Event(Arc::new(e))).collect();
                        return page.pop().unwrap_or(Next::End);
                    }
                    Next::Grew(..) | Next::Timeout => {}
                }
                next
            }
        }
    }
}

/// Reads what the bus no longer has.
pub(super) fn catch_up(
    project: &Project,
    id: &JobId,
    history: &mut Option<History>,
    (after, first): (u64, u64),
) -> Vec<crate::logic::job::event::Envelope> {
    if history.is_none() {
        *history = History::open(project).ok().flatten();
    }
    let Some(history) = history else { return Vec::new() };
    let wanted = usize::try_from(first - after - 1).unwrap_or(PAGE).min(PAGE);
    history.events(id, after, wanted).unwrap_or_default()
}

fn open_remote(socket: &std::path::Path, id: &JobId, after: u64) -> std::io::Result<Lines> {
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
