//! Orders on their way to an engine. One thread gives them, one after the other, so that none overtakes another.
//!
//! An engine may take a while to answer, and a face does not wait for it. Not here: which orders those are (each face), what
//! becomes of them (`logic/job`).

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::engine::{EngineProcess, Handle, OrderError};
use crate::logic::job::order::{Asked, Order, Target};

#[cfg(test)]
#[path = "orders_tests.rs"]
mod tests;

/// How long whoever leaves waits for the answers to what was ordered last.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What an engine says to an order.
pub type Answer = Result<String, OrderError>;

/// Is told of an answer; says whether anybody heard it.
pub type Tell = Box<dyn FnOnce(&Order, Answer) -> bool + Send>;

/// Is told in words of an engine that takes long to answer.
pub type Slow = Box<dyn Fn(String) + Send>;

/// Takes an order to its engine and waits for the answer.
type Way = Box<dyn FnOnce(Asked) -> Answer + Send>;

/// The orders of this process. Cheap to clone.
#[derive(Clone)]
pub struct Orders(Arc<Inner>);

struct Inner {
    actor: fn() -> String,
    /// Who gives them, once that was asked.
    by: OnceLock<String>,
    state: Mutex<State>,
    is_idle: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(Order, Way, Tell)>,
    /// There is a thread that gives them.
    has_giver: bool,
    /// Why some were not carried out, of which nobody heard.
    untold: Vec<String>,
    /// Cancels of the whole job that its engine has taken; by the second, or one by force, it ends at once.
    cancels: u32,
}

/// One cancel by force counts as much as two.
const DOOM: u32 = 2;

impl Orders {
    /// Returns a queue of orders in the name of whom `actor` names; that may take a while, and is asked for the first one.
    #[must_use]
    pub fn new(actor: fn() -> String) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Inner { actor, by: OnceLock::new(), state, is_idle: Condvar::new() }))
    }

    /// Gives an order after all that were given before; `tell` gets the answer, and `slow` hears of an engine that lets
    /// itself be waited for, both on the thread of orders.
    ///
    /// # Errors
    /// If there can be no thread for it. It is not given then.
    pub fn give(&self, handle: &Handle, order: Order, tell: Tell, slow: Slow) -> std::io::Result<()> {
        let handle = handle.clone();
        let way = move |asked| handle.order_patiently(asked, &mut |engine| slow(silence(engine)));
        self.push(order, Box::new(way), tell)
    }

    /// Gives an order and waits for the answer, whatever else is on its way. For whoever could get no thread for it.
    ///
    /// # Errors
    /// As of [`Handle::order`].
    pub fn give_now(&self, handle: &Handle, order: Order) -> Answer {
        let answer = handle.order(self.0.signed(order.clone()));
        self.0.lock().count(&order, &answer);
        answer
    }

    /// Says whether the engine of the job has taken that all of it is to end at once: its keeper sees to that then, also
    /// without the engine.
    #[must_use]
    pub fn has_doomed(&self) -> bool {
        self.0.lock().cancels >= DOOM
    }

    /// The orders from now on are about another job.
    pub fn forget(&self) {
        self.0.lock().cancels = 0;
    }

    fn push(&self, order: Order, way: Way, tell: Tell) -> std::io::Result<()> {
        let mut state = self.0.lock();
        state.waiting.push_back((order, way, tell));
        if !state.has_giver {
            let inner = Arc::clone(&self.0);
            let spawned =
                std::thread::Builder::new().name("orders".to_owned()).spawn(move || inner.give_all());
            if let Err(error) = spawned {
                state.waiting.pop_back();
                return Err(error);
            }
            state.has_giver = true;
        }
        Ok(())
    }

    /// Waits until all orders are answered, up to `limit`. Returns what went wrong with them and nobody heard of.
    #[must_use]
    pub fn settle(&self, limit: Duration) -> Vec<String> {
        let is_busy = |state: &mut State| state.has_giver;
        let waited = self.0.is_idle.wait_timeout_while(self.0.lock(), limit, is_busy);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let mut untold = std::mem::take(&mut state.untold);
        if state.has_giver {
            untold.push(format!("no engine has answered the last order in {} seconds", limit.as_secs()));
        }
        untold
    }
}

impl State {
    fn count(&mut self, order: &Order, answer: &Answer) {
        // Refused is what has ended already.
        if let (Order::Cancel { target: Target::Job, force }, Ok(_) | Err(OrderError::Refused(_))) =
            (order, answer)
        {
            self.cancels = self.cancels.saturating_add(if *force { DOOM } else { 1 });
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signed(&self, order: Order) -> Asked {
        asked(self.by.get_or_init(self.actor).clone(), order)
    }

    /// Gives what waits, and ends when nothing does.
    fn give_all(&self) {
        loop {
            let mut state = self.lock();
            let Some((order, way, tell)) = state.waiting.pop_front() else {
                state.has_giver = false;
                self.is_idle.notify_all();
                return;
            };
            drop(state);
            let answer = way(self.signed(order.clone()));
            self.lock().count(&order, &answer);
            let problem = answer.as_ref().err().map(|error| format!("not carried out: {}", words(error)));
            if let (false, Some(problem)) = (tell(&order, answer), problem) {
                self.lock().untold.push(problem);
            }
        }
    }
}

/// Signs an order.
#[must_use]
pub fn asked(by: String, order: Order) -> Asked {
    Asked { id: uuid::Uuid::now_v7().to_string(), by, order, expected_seq: None }
}

/// Says why an order was not carried out.
#[must_use]
pub fn words(error: &OrderError) -> String {
    match error {
        OrderError::Refused(refusal) => refusal.message.clone(),
        OrderError::Gone(why) => why.clone(),
        OrderError::Unanswered { engine: Some(engine), .. } => format!(
            "the engine ({}) has said nothing for {} s, and whether it carries out the order is not known",
            process(*engine),
            Handle::PATIENCE.as_secs()
        ),
        OrderError::Unanswered { engine: None, .. } => {
            "the engine went before it answered, and whether it carried out the order is not known".to_owned()
        }
    }
}

/// Says that an engine has not answered an order yet.
#[must_use]
pub fn silence(engine: Option<EngineProcess>) -> String {
    let seconds = Handle::PATIENCE.saturating_sub(Handle::SILENCE).as_secs();
    let name = engine.map_or_else(String::new, |engine| format!(" ({})", process(engine)));
    let way_out = match engine {
        Some(EngineProcess { pid, state: Some('T' | 't') }) => format!(
            "; `kill -CONT {pid}` lets it go on, and what it has handed on before may begin without it"
        ),
        _ => String::new(),
    };
    format!("the engine{name} does not answer; waiting {seconds} s more{way_out}")
}

/// Returns `process 4711, stopped`.
fn process(EngineProcess { pid, state }: EngineProcess) -> String {
    let doing = match state {
        Some('T') => ", stopped",
        Some('t') => ", stopped by a debugger",
        Some('D') => ", waiting for a disk",
        Some('R') => ", busy",
        _ => "",
    };
    format!("process {pid}{doing}")
}
