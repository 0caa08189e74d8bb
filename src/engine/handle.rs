//! A face's access to a job: orders in, events and log growth out. The same for a job of this process and of another.
//!
//! Not here: listening (`subscription.rs`), the socket (`link/mod.rs`).

use std::future::Future;
use std::io::{BufRead, BufReader, ErrorKind};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::bus::{Bus, Next};
use super::clock;
use super::link::{self, Answer, Request};
use super::store::{History, JobRow, state_of};
use super::subscription::Subscription;
use super::{EngineError, JobId, Project};
use crate::logic::job::order::{Asked, Order, Refusal};
use crate::logic::job::report::Report;
use crate::logic::plan::Plan;

/// Why an order was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderError {
    Refused(Refusal),
    /// No engine answers, in words. The order was not carried out.
    Gone(String),
    /// An engine was given the order and has not said what became of it. It may be carried out yet; the same order with
    /// the same id may be given again, and is carried out once.
    Unanswered {
        /// Of the order.
        id: String,
        /// The engine that was waited for in vain, if it can be seen; nothing if it hung up, as one does that dies.
        engine: Option<EngineProcess>,
    },
}

/// The process of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineProcess {
    pub pid: u32,
    /// What it is doing, as proc(5) has it: `T` if somebody has stopped it. Nothing if that cannot be read.
    pub state: Option<char>,
}

/// What the engine of a job hears from this process.
pub(super) enum LocalOrder {
    Asked(AskedHere),
    /// The job is to go on without this engine.
    LetGo,
    /// Somebody gave back what the job may wait for, or wants it to give way.
    Look,
    /// What came of looking for results, or of keeping them.
    Told(Vec<Report>),
}

impl std::fmt::Display for OrderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refusal) => f.write_str(&refusal.message),
            Self::Gone(why) => f.write_str(why),
            Self::Unanswered { id, .. } => {
                write!(f, "the engine has not said what became of the order; it can be given again as `{id}`")
            }
        }
    }
}

impl std::error::Error for OrderError {}

/// An order with the one who waits for its answer.
pub(super) struct AskedHere {
    pub(super) asked: Asked,
    pub(super) reply: oneshot::Sender<Result<String, OrderError>>,
}

impl AskedHere {
    pub(super) fn answer(self, answer: Result<String, Refusal>) {
        // Whoever asked may have gone; the order was carried out all the same.
        let _sent = self.reply.send(answer.map_err(OrderError::Refused));
    }

    /// Says that the engine cannot go on, and whether the order was recorded before.
    pub(super) fn fail(self, error: &EngineError, is_recorded: bool) {
        let why = if is_recorded {
            format!(
                "the order is recorded, and its engine could not carry it out: {error}; the next engine does"
            )
        } else {
            format!("the order could not be recorded, so it was not carried out: {error}")
        };
        // As above.
        let _sent = self.reply.send(Err(OrderError::Gone(why)));
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

    /// Access to a job whoever works on it, also if nobody does at this moment: orders find no engine then, and listeners
    /// wait for one.
    ///
    /// # Errors
    /// If there is no such job, or its history cannot be read.
    pub fn of(project: &Project, job: &JobId) -> Result<Self, EngineError> {
        let history = History::open(project)?.ok_or_else(|| EngineError::usage("no job has run here yet"))?;
        let plan = Arc::new(history.plan(job)?);
        let socket = project.state.join("run");
        Ok(Self { project: project.clone(), id: job.clone(), plan, way: Way::Remote { socket } })
    }

    /// Returns the job's plan.
    #[must_use]
    pub fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan)
    }

    /// Returns the job's id.
    #[must_use]
    pub fn id(&self) -> &JobId {
        &self.id
    }

    /// Returns where the job stands, from the store.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn status(&self) -> Result<JobRow, EngineError> {
        self.history()?.row(&self.id)
    }

    fn history(&self) -> Result<History, EngineError> {
        History::open(&self.project)?.ok_or_else(|| EngineError::usage("no job has run here yet"))
    }

    /// Gives an order in the name of `by`, with an id of its own; the answer says in words what was done.
    ///
    /// # Errors
    /// As of [`Handle::order`].
    pub fn ask(&self, by: &str, order: Order) -> Result<String, OrderError> {
        self.order(Asked {
            id: uuid::Uuid::now_v7().to_string(),
            by: by.to_owned(),
            order,
            expected_seq: None,
        })
    }

    /// Gives an order and waits for the answer, which says in words what was done. The id of an order makes it safe to
    /// repeat: it is carried out once, and every repetition gets the same answer, also from another engine.
    ///
    /// # Errors
    /// If the order is refused, or no engine answers.
    pub fn order(&self, asked: Asked) -> Result<String, OrderError> {
        self.order_patiently(asked, &mut |_| {})
    }

    /// The same, and calls `slow` once if an engine of another process has not answered after [`Handle::SILENCE`]; it is
    /// waited for until [`Handle::PATIENCE`] is over.
    ///
    /// # Errors
    /// As of [`Handle::order`].
    pub fn order_patiently(
        &self,
        asked: Asked,
        slow: &mut dyn FnMut(Option<EngineProcess>),
    ) -> Result<String, OrderError> {
        let again = asked.clone();
        let answer = match &self.way {
            Way::Local { .. } => {
                self.send(asked).and_then(|answer| answer.blocking_recv().map_err(|_| ended())?)
            }
            Way::Remote { socket } => order_over((&self.project, socket), &self.id, asked, slow),
        };
        self.or_before(answer, &again)
    }

    /// An engine that has not answered an order for so long is worth a word; it mostly takes a few milliseconds.
    pub const SILENCE: Duration = Duration::from_secs(2);

    /// How long the answer to an order is waited for.
    pub const PATIENCE: Duration = Duration::from_secs(10);

    /// Where no engine answers: what was answered to the same order before.
    fn or_before(&self, answer: Result<String, OrderError>, asked: &Asked) -> Result<String, OrderError> {
        match answer {
            // What cannot be read here has no answer here either.
            Err(error @ (OrderError::Gone(_) | OrderError::Unanswered { engine: None, .. })) => {
                match self.answered(asked) {
                    Ok(Some(before)) => before.map_err(OrderError::Refused),
                    _ => Err(error),
                }
            }
            answer => answer,
        }
    }

    /// Returns what was answered to an order with this id, from what is recorded of the job; nothing if there was none. An
    /// id that was another order's is refused.
    ///
    /// # Errors
    /// If the store cannot be read, or this sortie no longer understands the job.
    pub fn answered(&self, asked: &Asked) -> Result<Option<Result<String, Refusal>>, EngineError> {
        self.history()?.answered(&self.project, &self.id, asked)
    }

    /// The same without holding up the thread; any executor will do.
    pub fn order_async(
        &self,
        asked: Asked,
    ) -> impl Future<Output = Result<String, OrderError>> + Send + 'static {
        let answer = match &self.way {
            Way::Local { .. } => self.send(asked.clone()).map(Answered::Local),
            Way::Remote { .. } => self.order_on_thread(asked.clone()).map(Answered::Remote),
        };
        let handle = self.clone();
        async move {
            let answer = match answer {
                Ok(Answered::Remote(answer)) => return answer.await.map_err(|_| ended())?,
                Ok(Answered::Local(answer)) => answer.await.map_err(|_| ended()),
                Err(error) => Err(error),
            };
            match answer {
                Ok(answer) => answer,
                // The job has ended here, and what it was told is read on a thread, too.
                Err(gone) if matches!(handle.way, Way::Local { .. }) => {
                    let before = handle.order_on_thread(asked).map_err(|_| gone)?;
                    before.await.map_err(|_| ended())?
                }
                Err(gone) => Err(gone),
            }
        }
    }

    /// A thread waits for the answer: it comes within milliseconds, and this needs no runtime of whoever asks.
    fn order_on_thread(
        &self,
        asked: Asked,
    ) -> Result<oneshot::Receiver<Result<String, OrderError>>, OrderError> {
        let (reply, answer) = oneshot::channel();
        let handle = self.clone();
        std::thread::Builder::new()
            .name("order".to_owned())
            .spawn(move || {
                // Whoever asked may have gone.
                let _sent = reply.send(handle.order(asked));
            })
            .map_err(|error| gone(&error))?;
        Ok(answer)
    }

    /// Lets the engine of this process go, without touching the job, which another engine is to go on with.
    pub fn let_go(&self) {
        if let Way::Local { orders, .. } = &self.way {
            // The engine may have ended already.
            let _sent = orders.send(LocalOrder::LetGo);
        }
    }

    fn send(&self, asked: Asked) -> Result<oneshot::Receiver<Result<String, OrderError>>, OrderError> {
        let Way::Local { orders, .. } = &self.way else { return Err(ended()) };
        let (reply, answer) = oneshot::channel();
        orders.send(LocalOrder::Asked(AskedHere { asked, reply })).map_err(|_| ended())?;
        Ok(answer)
    }

    /// Waits until the job has ended, however many engines that takes, or for so long. Returns its row, which has no
    /// outcome if the time was over before, or the engine of this process gave up.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<JobRow, EngineError> {
        let began = clock::elapsed();
        // Nothing that is recorded already has to come again. Looked at first, so that the end cannot lie between.
        let after = self.history()?.last_seq(&self.id)?;
        let row = self.status()?;
        if row.outcome.is_some() {
            return Ok(row);
        }
        let mut events = self.subscribe(after);
        loop {
            let left = timeout.map(|limit| limit.saturating_sub(clock::elapsed().saturating_sub(began)));
            match events.next(left) {
                Next::Event(it) if it.event.is_end() => return self.status(),
                Next::End => return self.status(),
                _ if left.is_some_and(|left| left.is_zero()) => return self.status(),
                _ => {}
            }
        }
    }

    /// Listens from the event after that number on. Nothing is lost and nothing comes twice, however slow the listener
    /// and however many engines work on the job one after the other.
    #[must_use]
    pub fn subscribe(&self, after: u64) -> Subscription {
        match &self.way {
            Way::Local { bus, .. } => {
                Subscription::local(self.project.clone(), self.id.clone(), Arc::clone(bus), after)
            }
            Way::Remote { socket } => {
                Subscription::remote(self.project.clone(), self.id.clone(), socket.clone(), after)
            }
        }
    }
}

/// Where the answer to an order comes from.
enum Answered {
    Local(oneshot::Receiver<Result<String, OrderError>>),
    Remote(oneshot::Receiver<Result<String, OrderError>>),
}

fn ended() -> OrderError {
    OrderError::Gone("the job has ended, or its engine has, before the order was answered".to_owned())
}

fn gone(error: &dyn std::fmt::Display) -> OrderError {
    OrderError::Gone(format!("no engine answers for this job: {error}"))
}

fn order_over(
    (project, socket): (&Project, &Path),
    id: &JobId,
    asked: Asked,
    slow: &mut dyn FnMut(Option<EngineProcess>),
) -> Result<String, OrderError> {
    let mut stream = link::connect(socket, id).map_err(|e| gone(&e))?;
    let order = asked.id.clone();
    link::write_line(&mut stream, &Request::Order(asked)).map_err(|e| gone(&e))?;
    let answer = answer(stream, &mut || slow(engine_of(project, id)));
    match answer.map_err(|e| gone(&e))? {
        Heard::Answer(Answer::Done { words }) => Ok(words),
        Heard::Answer(Answer::Refused(refusal)) => Err(OrderError::Refused(refusal)),
        Heard::Answer(Answer::Failed { why }) => Err(OrderError::Gone(why)),
        Heard::Answer(Answer::End) => Err(ended()),
        Heard::Answer(_) => Err(gone(&"it said something else")),
        // Its process may be there for a moment yet.
        Heard::HungUp => Err(OrderError::Unanswered { id: order, engine: None }),
        Heard::Nothing => Err(OrderError::Unanswered { id: order, engine: engine_of(project, id) }),
    }
}

/// Returns the process that works on a job, if one does.
fn engine_of(project: &Project, id: &JobId) -> Option<EngineProcess> {
    let pid = History::open(project).ok()??.row(id).ok()?.owner_pid?;
    Some(EngineProcess { pid, state: state_of(pid) })
}

/// What an engine said to an order.
enum Heard {
    Answer(Answer),
    /// It went without an answer.
    HungUp,
    /// It had no answer in time.
    Nothing,
}

/// Waits for an answer, and says so once it takes long.
fn answer(stream: UnixStream, slow: &mut dyn FnMut()) -> std::io::Result<Heard> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    let rest = Handle::PATIENCE.saturating_sub(Handle::SILENCE);
    for (limit, is_last) in [(Handle::SILENCE, false), (rest, true)] {
        reader.get_ref().set_read_timeout(Some(limit))?;
        match reader.read_until(b'\n', &mut line) {
            Ok(_) if line.ends_with(b"\n") => return Ok(Heard::Answer(serde_json::from_slice(&line)?)),
            Ok(_) => return Ok(Heard::HungUp),
            Err(e) if !matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(Heard::HungUp);
            }
            Err(_) if is_last => break,
            Err(_) => slow(),
        }
    }
    Ok(Heard::Nothing)
}
