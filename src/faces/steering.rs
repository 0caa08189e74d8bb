//! Signals while a job is shown: what they order, and who else hears of them.
//!
//! First signal: cancel. Second: kill. Third: leave. A terminal that goes away takes no job along that is kept. A face that has the terminal hears them too, so that it can give it
//! back. Whoever only looks on orders nothing. Not here: catching them (an edge), giving orders (`orders.rs`).

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::context::{Context, Outside, Signal};
use super::ending::{Ending, Failure};
use super::hint::Caller;
use super::orders::Orders;
use crate::engine::Handle;
use crate::logic::job::order::{Order, Target};

#[cfg(test)]
#[path = "steering_tests.rs"]
mod tests;

/// Is called on the thread of the signals; says whether somebody heard it.
pub type Listener = Box<dyn Fn(Signal) -> bool + Send>;

/// Says what becomes of the job that is shown when this process ends at once. Is called on the thread of the signals.
pub type Parting = Box<dyn Fn() -> String + Send>;

/// The words where that is a job of this process, and its keeper ends what runs.
const LEFT: &str = "left before the job ended; what still runs is being stopped";

/// What signals do from now on.
#[derive(Clone)]
pub struct Steering(Arc<Inner>);

/// How this process stops and ends.
#[derive(Clone, Copy)]
struct Ends {
    stop_here: fn(bool),
    leave: fn(Ending, &str) -> !,
}

/// How long whoever leaves at once waits for the answer to the last cancel, to say what becomes of what runs.
const LAST_ANSWER: Duration = Duration::from_millis(500);

struct Inner {
    ends: Ends,
    orders: Orders,
    received: AtomicU32,
    /// The job that is cancelled; none for a face that only looks on.
    job: Mutex<Option<Handle>>,
    /// That job goes on without a terminal.
    is_kept: AtomicBool,
    /// What commands are called here.
    caller: Caller,
    listener: Mutex<Option<Listener>>,
    /// For a job that is not of this process.
    parting: Mutex<Option<Parting>>,
    /// Came when whoever listened was just leaving: for the next one.
    late: Mutex<Vec<Late>>,
}

/// A signal that no face has heard.
struct Late {
    signal: Signal,
    /// How many came before it.
    earlier: u32,
    /// There was a job to cancel.
    has_cancelled: bool,
}

impl Steering {
    /// Begins to listen, for a job of this process, or with words about one of another. `with_stops` is for faces that have
    /// to give the terminal back before the process stops.
    ///
    /// # Errors
    /// If signals cannot be caught.
    pub fn start(
        context: &Context,
        (job, parting): (Option<&Handle>, Option<Parting>),
        with_stops: bool,
    ) -> Result<Self, Failure> {
        let Outside { stop_here, leave, actor, .. } = context.outside;
        let ends = Ends { stop_here, leave };
        let inner = Arc::new(Inner::new(ends, actor, job, context.caller.clone()));
        let heard = Arc::clone(&inner);
        Self(Arc::clone(&inner)).set_parting(parting);
        (context.outside.on_signal)(with_stops, Box::new(move |signal| heard.hear(signal)))
            .map_err(|error| Failure::surroundings(format!("signals cannot be listened for: {error}")))?;
        Ok(Self(inner))
    }

    /// Returns the one queue for all orders of this process, those of signals included.
    #[must_use]
    pub fn orders(&self) -> &Orders {
        &self.0.orders
    }

    /// Lets signals cancel that job from now on, or none.
    pub fn set_job(&self, job: Option<&Handle>) {
        self.0.orders.forget();
        *self.0.job.lock().unwrap_or_else(PoisonError::into_inner) = job.cloned();
    }

    /// Says whether the job of this process goes on without a terminal.
    pub fn set_kept(&self, is_kept: bool) {
        self.0.is_kept.store(is_kept, Ordering::Relaxed);
    }

    /// Says what becomes of a job of another process when this one ends at once; nothing for a job of this one.
    pub fn set_parting(&self, parting: Option<Parting>) {
        *self.0.parting.lock().unwrap_or_else(PoisonError::into_inner) = parting;
    }

    /// Lets a face hear signals, or none. Those that end this process are not carried out otherwise while no job is set.
    pub fn set_listener(&self, listener: Option<Listener>) {
        let mut held = self.0.listener.lock().unwrap_or_else(PoisonError::into_inner);
        *held = listener;
        let Some(listener) = &*held else { return };
        let mut late = self.0.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.retain_mut(|it| {
            if let (false, Some(job)) = (it.has_cancelled, self.0.job()) {
                self.0.cancel(&job, it.earlier > 0);
                it.has_cancelled = true;
            }
            !listener(it.signal)
        });
    }

    /// Takes back a signal that a face got and did not look at, for the next one that listens.
    pub fn put_back(&self, signal: Signal) {
        let earlier = self.0.received.load(Ordering::Relaxed).saturating_sub(1);
        self.0.keep(signal, earlier, self.0.job().is_some());
    }

    /// Says that no face hears signals from now on: what came too late for the last one is carried out.
    pub fn listen_alone(&self) {
        self.set_listener(None);
        let late = std::mem::take(&mut *self.0.late.lock().unwrap_or_else(PoisonError::into_inner));
        for it in late {
            match self.0.job() {
                Some(job) if !it.has_cancelled => self.0.cancel(&job, it.earlier > 0),
                Some(_) => {}
                // Nothing is lost: the job is somebody else's.
                None => self.0.leave(),
            }
        }
    }

    /// Ends this process at once, and says what becomes of what runs.
    pub fn leave_now(&self) -> ! {
        self.0.leave()
    }

    /// Says whether somebody asked this process to end.
    #[must_use]
    pub fn was_asked_to_end(&self) -> bool {
        self.0.received.load(Ordering::Relaxed) > 0
    }

    /// Cancels a job politely, as the first signal does.
    pub fn cancel(&self, job: &Handle) {
        self.0.cancel(job, false);
    }
}

impl Inner {
    fn new(ends: Ends, actor: fn() -> String, job: Option<&Handle>, caller: Caller) -> Self {
        Self {
            ends,
            orders: Orders::new(actor),
            received: AtomicU32::new(0),
            job: Mutex::new(job.cloned()),
            is_kept: AtomicBool::new(false),
            caller,
            listener: Mutex::new(None),
            parting: Mutex::new(None),
            late: Mutex::default(),
        }
    }

    fn job(&self) -> Option<Handle> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, signal: Signal, earlier: u32, has_cancelled: bool) {
        if !matches!(signal, Signal::Stop | Signal::Continue | Signal::Resize) {
            let late = Late { signal, earlier, has_cancelled };
            self.late.lock().unwrap_or_else(PoisonError::into_inner).push(late);
        }
    }

    fn hear(&self, signal: Signal) {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        match signal {
            Signal::Stop if listener.is_none() => return (self.ends.stop_here)(false),
            Signal::Stop | Signal::Continue | Signal::Resize => {
                if let Some(listener) = &*listener {
                    listener(signal);
                }
                return;
            }
            Signal::Interrupt | Signal::Terminate | Signal::HangUp => {}
        }
        if signal == Signal::HangUp && self.is_kept.load(Ordering::Relaxed) && self.job().is_some() {
            // The job goes on here, and only the face goes.
            if listener.as_ref().is_some_and(|listener| !listener(signal)) {
                let earlier = self.received.load(Ordering::Relaxed);
                self.keep(signal, earlier, true);
            }
            return;
        }
        if signal == Signal::HangUp && self.received.load(Ordering::Relaxed) > 0 {
            return;
        }
        let earlier = self.received.fetch_add(1, Ordering::Relaxed);
        if earlier >= 2 {
            self.leave();
        }
        let job = self.job();
        let has_face = listener.is_some();
        if let Some(listener) = &*listener
            && !listener(signal)
        {
            self.keep(signal, earlier, job.is_some());
        }
        match job {
            Some(handle) => self.cancel(&handle, earlier == 1),
            // Nothing is lost: the job is somebody else's.
            None if !has_face => self.leave(),
            None => {}
        }
    }

    fn leave(&self) -> ! {
        let words = match self.job() {
            None => {
                let parting = self.parting.lock().unwrap_or_else(PoisonError::into_inner);
                parting.as_ref().map_or_else(|| LEFT.to_owned(), |words| words())
            }
            Some(_) if !self.is_kept.load(Ordering::Relaxed) => LEFT.to_owned(),
            Some(job) => {
                // What went wrong with an order is of no use any more.
                let _untold = self.orders.settle(LAST_ANSWER);
                if self.orders.has_doomed() {
                    LEFT.to_owned()
                } else {
                    let end = self.caller.command(&format!("jobs cancel {} --force", job.id()));
                    format!(
                        "left before the job's engine took the cancel; what runs may go on: `{end}` ends it"
                    )
                }
            }
        };
        (self.ends.leave)(Ending::Cancelled, &words)
    }

    fn cancel(&self, handle: &Handle, force: bool) {
        let order = Order::Cancel { target: Target::Job, force };
        // A refusal means that the job has ended already, which the face sees by itself.
        if self.orders.give(handle, order.clone(), Box::new(|_, _| true), Box::new(drop)).is_err() {
            // Out of threads: rather deaf for a moment than not cancelled.
            let _answer = self.orders.give_now(handle, order);
        }
    }
}
