//! The loop: inputs, answers, one commit, publication, and the world made to match.
//!
//! Not here: what to answer (`logic/job`), how effects are begun (`reconcile.rs`).

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::artifacts::Parcels;
use super::begin::{Driven, Fetch, JobEnd, know};
use super::bus::Bus;
use super::clock::Steady;
use super::give_up::{self, why_it_gave_up};
use super::handle::{AskedHere, LocalOrder};
use super::lazy::Lazy;
use super::masking::masked;
use super::only::Only;
use super::reconcile::{AT_ONCE, InFlight};
use super::results::Results;
use super::sharing::Sharing;
use super::store::{Row, Store, Syncer, taken_over};
use super::unchanged::Question;
use super::{EngineError, JobId, link};
use crate::logic::job::cached::is_needed;
use crate::logic::job::event::{Envelope, Event};
use crate::logic::job::launch::log_path;
use crate::logic::job::order::{Asked, Order, Refusal, Target};
use crate::logic::job::repeat;
use crate::logic::job::report::{AttemptKey, End, Report};
use crate::logic::job::sidecar::removals;
use crate::logic::job::state::{JobPhase, JobState};
use crate::logic::job::wanted::wanted;
use crate::logic::job::{Input, turn};
use crate::logic::playbook::model::Cancel;
use crate::logic::time::Timestamp;
use crate::port::keeper::{FromKeeper, Given, Held, Hello, OnLoss, ToKeeper};
use crate::port::{Outside, Starting, World};

/// One job's engine.
pub(super) struct Engine {
    pub(super) state: JobState,
    pub(super) store: Store,
    pub(super) syncer: Syncer,
    pub(super) bus: Arc<Bus>,
    pub(super) world: World,
    /// Started before there was a job, to get ready meanwhile.
    pub(super) keeper: Option<Box<dyn Starting>>,
    /// Gets what the job was given, if no keeper is left that knows it.
    pub(super) fetch: Option<Fetch>,
    /// No other engine of this process works on the job as long as this one does.
    pub(super) only: Option<Only>,
    /// What would not end when nobody held it any more, by name.
    pub(super) left_over: Vec<String>,
    /// The keeper was there before this engine.
    pub(super) has_adopted: bool,
    /// What a keeper is told about the job.
    pub(super) hello: Hello,
    pub(super) number: u64,
    pub(super) epoch: u64,
    pub(super) next_seq: u64,
    pub(super) first_order: Option<Asked>,
    pub(super) socket_dir: PathBuf,
    pub(super) id: JobId,
    pub(super) orders: UnboundedSender<LocalOrder>,
    /// Committed and not yet on the bus.
    pub(super) unpublished: Vec<Arc<Envelope>>,
    /// Keepers started since one has said something.
    pub(super) silent_keepers: u32,
    pub(super) sharing: Sharing,
    pub(super) clock: Steady,
    /// Where results are looked for and kept, once that was wanted.
    pub(super) results: Option<Results>,
    /// What is read for them already.
    pub(super) ahead: Option<super::cache::Ahead>,
    /// What the job asks, if a job like it may find the same.
    pub(super) asked: Option<Question>,
    /// What publishes artifacts and puts them into place.
    pub(super) parcels: Parcels,
    /// What it left behind at the end of the job.
    pub(super) left: super::leave::Left,
}

/// After so many keepers that ended without a word the next one is not tried.
const SILENT_KEEPERS: u32 = 3;

/// How long a keeper that is taken over may take to say what it holds.
const READY: Duration = Duration::from_secs(10);

/// How often a keeper is asked that ends the connection without a word.
const ADOPTIONS: u32 = 3;

/// A keeper that was taken over, what it holds, and orders that end what nobody knows.
type Adopted = (Box<dyn Outside>, InFlight, Vec<ToKeeper>);

/// What came of trying to take a keeper over.
enum Tried {
    Adopted(Adopted),
    Nobody,
    TurnedAway,
}

/// Between two looks at whether they have gone.
const FLUSH: Duration = Duration::from_millis(20);

/// How long an engine that lets go tries to get its last orders out.
const LAST_ORDERS: Duration = Duration::from_secs(5);

/// What woke the loop.
enum Woken {
    Keeper(Option<FromKeeper>),
    Order(LocalOrder),
    Time,
    /// It is time to look at what is shared with others.
    Look,
}

type Answers = Vec<(AskedHere, Result<String, Refusal>)>;

/// Says whether there are descriptors for a runtime: where some of them are missing, tokio panics.
fn room_for_runtime() -> std::io::Result<()> {
    let room = [UnixStream::pair()?, UnixStream::pair()?, UnixStream::pair()?];
    drop(room);
    Ok(())
}

impl Engine {
    /// Runs the job to its end on this thread. `ready` hears whether it began.
    pub(super) fn run(
        &mut self,
        inbox: UnboundedReceiver<LocalOrder>,
        ready: &Sender<Result<(), EngineError>>,
    ) -> Result<Driven, EngineError> {
        let bus = Arc::clone(&self.bus);
        let build = || tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = room_for_runtime().and_then(|()| build());
        let outcome = match runtime {
            Ok(runtime) => self.drive_or_give_up(&runtime, inbox, ready),
            Err(e) => Err(EngineError::surroundings(format!("the engine's runtime could not start: {e}"))),
        };
        if outcome.is_err() && self.next_seq == 1 {
            // It never began, and nobody who looks later is to begin it unasked. What cannot be written is told below.
            let _outcome = self.store.set_on_loss(self.number, OnLoss::Stop);
        }
        let outcome = outcome.map_err(|error| self.note(error));
        #[cfg(feature = "faults")]
        super::faults::lease();
        // Whatever happened, the lease is given back and the listeners hear the end.
        let dropped = self.store.drop_lease(self.number, self.epoch);
        bus.end();
        if let Err(error) = &outcome {
            // Only a job that never began has a starter who still listens.
            let _sent = ready.send(Err(error.clone()));
        }
        let end = outcome?;
        if end == Driven::HandedOver {
            // Nobody else could take it. A lease of an ended job counts no more than the process that held it.
            dropped.map_err(|error| self.store.named(error))?;
        }
        self.store.tidy();
        Ok(end)
    }

    /// Gives up all that others may notice or want. What is left is memory.
    pub(super) fn let_go_of_all(&mut self) {
        self.results = None;
        self.parcels = Parcels::default();
        self.syncer.end();
        self.sharing = Sharing::default();
        self.keeper = None;
        self.only = None;
    }

    /// Runs the job; the keeper stays in `kept`, so that it can still be told when this fails.
    pub(super) async fn drive(
        &mut self,
        kept: &mut Option<Box<dyn Outside>>,
        mut inbox: UnboundedReceiver<LocalOrder>,
        ready: &Sender<Result<(), EngineError>>,
    ) -> Result<Driven, EngineError> {
        let found = self.unchanged();
        let plan = &self.state.setting.plan;
        if is_needed(plan) && found.is_none() && (!plan.cache.off && self.next_seq == 1 || self.epoch > 1) {
            // It gets ready while the first stages begin; what an earlier engine has begun is told by it from now on.
            self.results = Some(self.open_results());
        }
        let (outside, flight, losses) = self.find_or_start_keeper().await?;
        let outside = kept.insert(outside);
        // Before the first step begins, which may want to order something, or remove the folder.
        let _served = link::serve(&self.socket_dir, &self.id, &self.bus, &self.orders);
        let mut flight = self.set_out(outside.as_mut(), (flight, losses), found, ready)?;
        // Nobody listens any more if the starter has gone.
        let _sent = ready.send(Ok(()));
        while !matches!(self.state.phase, JobPhase::Finished { .. }) {
            let woken = self.wait(outside.as_mut(), &mut inbox).await;
            let mut inputs = Vec::new();
            let mut answers = Vec::new();
            let mut acknowledged = None;
            let mut is_lost = false;
            let mut is_let_go = false;
            match woken {
                Woken::Keeper(Some(message)) => {
                    self.silent_keepers = 0;
                    let mut messages = vec![message];
                    messages.extend(outside.drain());
                    self.hear(messages, &mut inputs, &mut acknowledged);
                }
                Woken::Keeper(None) => is_lost = true,
                Woken::Order(LocalOrder::Asked(order)) => inputs.push(Heard::Order(order)),
                Woken::Order(LocalOrder::LetGo) => is_let_go = true,
                Woken::Order(LocalOrder::Look) => self.sharing.is_due = true,
                Woken::Order(LocalOrder::Told(reports)) => inputs.extend(told(reports)),
                Woken::Look => self.sharing.is_due = true,
                Woken::Time => inputs.push(Heard::Input(Input::Wake)),
            }
            self.let_reports_gather(outside.as_mut(), &flight, &mut inputs, &mut acknowledged);
            self.let_looks_gather(&flight);
            while let Ok(order) = inbox.try_recv() {
                match order {
                    LocalOrder::Asked(order) => inputs.push(Heard::Order(order)),
                    LocalOrder::LetGo => is_let_go = true,
                    LocalOrder::Look => self.sharing.is_due = true,
                    LocalOrder::Told(reports) => inputs.extend(told(reports)),
                }
            }
            if is_lost {
                let (keeper, losses) = self.replace_keeper(&mut flight)?;
                *outside = keeper;
                // Before the orders that came meanwhile, which are answered all the same.
                inputs.splice(0..0, losses);
            }
            let now = self.clock.now();
            let events = self.answer(inputs, now, &mut flight, &mut answers);
            let before = self.next_seq;
            if let Err(error) = self.record(events, now) {
                let error = self.store.named(error);
                let is_recorded = self.next_seq > before;
                answers.into_iter().for_each(|(order, _)| order.fail(&error, is_recorded));
                say_it().await;
                return Err(error);
            }
            let settled = self.settle(outside.as_mut(), &mut flight, acknowledged);
            self.publish();
            let is_last_word = !answers.is_empty() && matches!(self.state.phase, JobPhase::Finished { .. });
            for (order, answer) in answers {
                order.answer(answer);
            }
            if is_last_word {
                say_it().await;
            }
            settled?;
            if is_let_go && !matches!(self.state.phase, JobPhase::Finished { .. }) {
                self.let_go(outside.as_mut()).await?;
                return Ok(Driven::HandedOver);
            }
        }
        Ok(Driven::Ended(self.ending()))
    }

    /// Leaves the job to an engine that comes after this one: what runs is kept for it.
    async fn let_go(&mut self, outside: &mut dyn Outside) -> Result<(), EngineError> {
        self.store.set_on_loss(self.number, OnLoss::Keep)?;
        self.store.sync()?;
        send(outside, &[ToKeeper::OnLoss(OnLoss::Keep)])?;
        let mut left = LAST_ORDERS;
        while !outside.is_flushed() && !left.is_zero() {
            // What comes in meanwhile is told again to the next engine, as it is not acknowledged.
            let _answer = tokio::time::timeout(FLUSH, outside.next()).await;
            left = left.saturating_sub(FLUSH);
        }
        Ok(())
    }

    /// Returns the keeper that holds the job's children, if an engine before this one left it behind, or else a new one;
    /// with what it holds, and what is lost.
    async fn find_or_start_keeper(
        &mut self,
    ) -> Result<(Box<dyn Outside>, InFlight, Vec<Heard>), EngineError> {
        if self.keeper.is_none()
            && let Some((mut outside, flight, ends)) = self.adopt().await?
        {
            send(outside.as_mut(), &ends)?;
            return Ok((outside, flight, Vec::new()));
        }
        let losses = self.losses();
        let given = match self.fetch.take().filter(|_| self.hello.given == Given::default()) {
            Some(fetch) => fetch(),
            None => Ok(self.hello.given.clone()),
        };
        let given = given.and_then(|given| {
            super::begin::has_all_secrets(&self.state.setting.facts, &given).map(|()| given)
        });
        match given {
            Ok(given) if given == self.hello.given => {}
            Ok(given) => self.learn(given),
            // Nothing begins any more, so nothing needs them.
            Err(_) if self.is_forced_cancel() => {}
            Err(error) => return Err(error),
        }
        Ok((self.start_keeper()?, InFlight::default(), losses))
    }

    /// Takes over the keeper of an engine that is gone, if it lives.
    async fn adopt(&mut self) -> Result<Option<Adopted>, EngineError> {
        for _ in 0..ADOPTIONS {
            match self.try_to_adopt().await? {
                Tried::Adopted(adopted) => return Ok(Some(adopted)),
                Tried::Nobody => return Ok(None),
                // It ended just now, which the lock on its file tells, or it turned this engine away.
                Tried::TurnedAway => {}
            }
        }
        Err(EngineError::surroundings("the keeper of the job lives and turns its engine away".to_owned())
            .help("is it of another version of sortie? Go on with that one"))
    }

    async fn try_to_adopt(&mut self) -> Result<Tried, EngineError> {
        let found = (self.world.adopt)(&self.hello)
            .map_err(|error| EngineError::io("the keeper of the job cannot be taken over", &error))?;
        let Some(found) = found else { return Ok(Tried::Nobody) };
        let mut outside = found.connect().map_err(|e| no_keeper(&e))?;
        let masks = &self.hello.masks;
        if !masks.is_empty() {
            send(outside.as_mut(), &[ToKeeper::Mask { values: masks.clone() }])?;
        }
        match tokio::time::timeout(READY, outside.next()).await {
            Ok(Some(FromKeeper::Ready { held, sweeps, given, .. })) => {
                if self.hello.given == Given::default() {
                    self.learn(given);
                }
                self.look_at_logs(&held);
                let (flight, ends) = InFlight::adopted(&held, sweeps, &self.state);
                self.has_adopted = true;
                Ok(Tried::Adopted((outside, flight, ends)))
            }
            Ok(_) => Ok(Tried::TurnedAway),
            Err(_) => Err(EngineError::surroundings(format!(
                "the keeper of the job lives and says nothing for {} seconds",
                READY.as_secs()
            ))),
        }
    }

    /// Tells listeners how long the logs are that grow: the keeper says it only when there is more.
    fn look_at_logs(&self, held: &[Held]) {
        let dir = Path::new(&*self.state.setting.dir);
        let length = |key| std::fs::metadata(dir.join(log_path(key))).ok().map(|it| (key, it.len()));
        let logs: Vec<_> = held.iter().filter_map(|it| length(it.key)).collect();
        self.bus.grew(&logs);
    }

    /// Says whether the first order ends the job by force.
    fn is_forced_cancel(&self) -> bool {
        let of_job =
            |asked: &Asked| matches!(asked.order, Order::Cancel { target: Target::Job, force: true });
        self.first_order.as_ref().is_some_and(of_job)
    }

    /// Takes note of what the job was given at its start.
    fn learn(&mut self, given: Given) {
        self.state.setting = know(self.state.setting.clone(), &given);
        self.hello.masks = given.secrets.iter().map(|(_, value)| value.clone()).collect();
        self.hello.given = given;
    }

    /// Lets the job begin, or go on after what was lost.
    pub(super) fn begin(
        &mut self,
        outside: &mut dyn Outside,
        mut flight: InFlight,
        losses: Vec<Heard>,
    ) -> Result<InFlight, EngineError> {
        let order = self.first_order.take();
        let has_ended = matches!(self.state.phase, JobPhase::Finished { .. });
        // What is to be stopped begins nothing first because of what was lost.
        let stops = order.as_ref().is_some_and(|it| matches!(it.order, Order::Cancel { .. }));
        let (first, losses) = if stops { (Vec::new(), losses) } else { (losses, Vec::new()) };
        let mut inputs: Vec<Heard> = match self.epoch {
            ..=1 => Vec::new(),
            _ => self.still_has()?.into_iter().map(|it| Heard::Input(Input::Report(it))).collect(),
        };
        inputs.extend(first);
        inputs.push(Heard::Input(Input::Begin { epoch: self.epoch }));
        let now = self.clock.now();
        let mut events = self.answer(inputs, now, &mut flight, &mut Vec::new());
        if let Some(asked) = order {
            let mut record = Vec::new();
            let answer = match self.outdated(&asked, 0) {
                Some(refusal) => Err(refusal),
                None => turn(&mut self.state, &Input::Order(asked.clone()), now, &mut record),
            };
            events.extend(record);
            // A job that was interrupted goes on, whether or not something of it has to be tried again.
            let goes_on = !has_ended && matches!(asked.order, Order::Retry { .. });
            if let (Err(refusal), false) = (answer, goes_on) {
                self.record(events, now)?;
                self.publish();
                return Err(EngineError::refused(refusal.message));
            }
        }
        events.extend(self.answer(losses, now, &mut flight, &mut Vec::new()));
        // Nothing begins with it but a look, which may as well go on meanwhile.
        self.ask_for_results(&mut flight);
        self.record(events, now)?;
        let settled = self.settle(outside, &mut flight, None);
        self.publish();
        settled?;
        // It is in the journal by now, with what came of it.
        give_up::forget(Path::new(&*self.state.setting.dir));
        Ok(flight)
    }

    /// What an engine before this one began and nobody holds any more: ended first, then reported as lost. Before this
    /// one has a keeper, which would be ended with it.
    fn losses(&mut self) -> Vec<Heard> {
        let live: Vec<_> = self.state.index.live.keys().copied().collect();
        if self.next_seq == 1 || self.state.phase != JobPhase::Running {
            return Vec::new();
        }
        // Also where no try is lost: a step that has ended may have left a process to its cell.
        self.left_over = self.sweep_all(self.how_to_end());
        let words = "it was interrupted: the engine of the job ended, and with it what it ran";
        match why_it_gave_up(Path::new(&*self.state.setting.dir)) {
            Some(why) => self.lost(live, &format!("{words} ({why})")),
            None => self.lost(live, words),
        }
    }

    /// How what nobody holds any more is ended.
    fn how_to_end(&self) -> Cancel {
        let polite = self.state.setting.plan.playbook.defaults.cancel.unwrap_or_default();
        if wanted(&self.state).doomed { AT_ONCE } else { polite }
    }

    /// Ends what is left of the job without a keeper; returns what would not end.
    fn sweep_all(&self, cancel: Cancel) -> Vec<String> {
        (self.world.sweep_job)(&self.state.setting.job_id, cancel.signal, cancel.grace)
    }

    /// What did not end when nobody held it, which the keeper of now knows nothing of, and is there still; by name.
    fn still_left_over(&self) -> Vec<String> {
        if self.left_over.is_empty() {
            return Vec::new();
        }
        let mut left = self.sweep_all(AT_ONCE);
        left.retain(|name| self.left_over.contains(name));
        left
    }

    /// What became of tries that nobody holds any more. A success that the keeper wrote down counts, and what it had begun
    /// in that slot, and each end before it stopped what it held; later ones may be the doing of the stop.
    fn lost(&self, live: Vec<AttemptKey>, message: &str) -> Vec<Heard> {
        let mut records = (self.world.exits)(Path::new(&*self.state.setting.dir));
        records.retain(|exit| (exit.undisturbed || exit.end == End::Code(0)) && live.contains(&exit.key));
        let known = |key: &AttemptKey| records.iter().any(|it| it.key == *key || it.next == Some(*key));
        let is_submitted = |key: &AttemptKey| self.state.cells[key.cell as usize].submitted == Some(*key);
        // What had not begun goes back to the queue first, before a slot that comes free is given to it.
        let (waiting, others): (Vec<AttemptKey>, Vec<AttemptKey>) =
            live.into_iter().partition(|key| is_submitted(key) && !known(key));
        let ended: Vec<AttemptKey> = records.iter().map(|exit| exit.key).collect();
        let running = others.into_iter().filter(|key| !ended.contains(key));
        let message = match &self.left_over[..] {
            [] => message.to_owned(),
            names => format!("{message}; still there, because they would not end: {}", names.join(", ")),
        };
        let lost = |key| Report::Lost { key, message: message.clone() };
        let waiting = waiting.into_iter().map(lost);
        let reports = waiting.chain(records.into_iter().map(Report::Exited)).chain(running.map(lost));
        reports.map(|report| Heard::Input(Input::Report(report))).collect()
    }

    /// Makes the world match what is wanted. What turns out without asking the world is answered at once.
    fn settle(
        &mut self,
        outside: &mut dyn Outside,
        flight: &mut InFlight,
        acknowledged: Option<u64>,
    ) -> Result<(), EngineError> {
        let mut ack = acknowledged.map(|report_seq| ToKeeper::Ack { report_seq });
        loop {
            // First: an order given again must not be heard before what was reported of it is forgotten.
            let mut messages: Vec<ToKeeper> = ack.take().into_iter().collect();
            messages.extend(self.reconcile(flight));
            if !messages.is_empty() {
                send(outside, &messages)?;
                fault_point();
            }
            flight.own.extend(self.ask_for_claims()?);
            self.ask_for_results(flight);
            self.ask_for_artifacts(flight);
            let own = std::mem::take(&mut flight.own);
            if own.is_empty() {
                self.tell_those_who_wait();
                return Ok(());
            }
            let inputs = own.into_iter().map(|r| Heard::Input(Input::Report(r))).collect();
            let now = self.clock.now();
            let events = self.answer(inputs, now, flight, &mut Vec::new());
            self.record(events, now)?;
        }
    }

    fn start_keeper(&mut self) -> Result<Box<dyn Outside>, EngineError> {
        let keeper = match self.keeper.take() {
            Some(keeper) => keeper,
            None if self.silent_keepers == 1 && is_needed(&self.state.setting.plan) => {
                return Ok(Box::new(Lazy::new(self.world, self.hello.clone())));
            }
            None => {
                let mut keeper = start_keeper(self.world)?;
                keeper.greet(&self.hello).map_err(|e| no_keeper(&e))?;
                keeper
            }
        };
        keeper.connect().map_err(|e| no_keeper(&e))
    }

    /// The keeper is gone: ends what it held, reports that as lost, starts another.
    fn replace_keeper(
        &mut self,
        flight: &mut InFlight,
    ) -> Result<(Box<dyn Outside>, Vec<Heard>), EngineError> {
        if !self.store.is_leased(self.number, self.epoch) {
            // What carries the tag of the job belongs to its new owner.
            return Err(taken_over(self.number));
        }
        self.left_over = self.sweep_all(self.how_to_end());
        let survivors = self.left_over.clone();
        if self.silent_keepers >= SILENT_KEEPERS {
            let dir = &self.state.setting.dir;
            let words = format!("the keeper of the job ended {SILENT_KEEPERS} times before it said a word");
            return Err(EngineError::surroundings(words).help(format!("can it write to `{dir}`?")));
        }
        let live = flight.take_live();
        let mut inputs = self
            .lost(live, "it was interrupted: the keeper of the job ended, and its processes were stopped");
        for (cell, run) in flight.take_sweeps() {
            if !removals(&self.state, cell).is_empty() {
                // The next keeper is asked again.
                continue;
            }
            let survivors = survivors.clone();
            inputs.push(Heard::Input(Input::Report(Report::Swept { cell, run, ended: 0, survivors })));
        }
        if flight.take_close() {
            inputs.push(Heard::Input(Input::Report(Report::Closed { survivors })));
        }
        self.silent_keepers += 1;
        Ok((self.start_keeper()?, inputs))
    }

    async fn wait(&self, outside: &mut dyn Outside, inbox: &mut UnboundedReceiver<LocalOrder>) -> Woken {
        let sleep = wanted(&self.state).wake_at.map(|at| {
            let left = at.since(self.clock.now()).min(Duration::from_secs(3600));
            tokio::time::sleep(left)
        });
        let due = async {
            match sleep {
                Some(sleep) => sleep.await,
                None => std::future::pending().await,
            }
        };
        let look = async {
            match self.next_look() {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            message = outside.next() => Woken::Keeper(message),
            // This engine holds a sender itself, so the channel never closes before it does.
            Some(order) = inbox.recv() => Woken::Order(order),
            () = due => Woken::Time,
            () = look => Woken::Look,
        }
    }

    pub(super) fn hear(
        &self,
        messages: Vec<FromKeeper>,
        inputs: &mut Vec<Heard>,
        acknowledged: &mut Option<u64>,
    ) {
        for message in messages {
            match message {
                FromKeeper::Ready { .. } => {}
                FromKeeper::Grew { logs } => self.bus.grew(&logs),
                FromKeeper::Reports { from_seq, reports } => {
                    *acknowledged = Some(from_seq + reports.len() as u64);
                    inputs.extend(reports.into_iter().map(|r| Heard::Input(Input::Report(r))));
                }
                FromKeeper::Finished { mut survivors } => {
                    survivors.extend(self.still_left_over());
                    inputs.push(Heard::Input(Input::Report(Report::Closed { survivors })));
                }
            }
        }
    }

    fn answer(
        &mut self,
        inputs: Vec<Heard>,
        now: Timestamp,
        flight: &mut InFlight,
        answers: &mut Answers,
    ) -> Vec<Event> {
        // A hit is followed by the ends of its cell and stage; at the start most stages begin.
        let at_start = if self.next_seq == 1 { self.state.stages.len() } else { 0 };
        let mut events = Vec::with_capacity(inputs.len().saturating_mul(3) + at_start);
        for heard in inputs {
            match heard {
                Heard::Input(input) => {
                    if let Input::Report(report) = &input {
                        let is_wanted_again = flight.is_wanted_again(report, &self.state);
                        flight.reported(report);
                        if is_wanted_again {
                            continue;
                        }
                    }
                    // Only orders are refused.
                    let _answer = turn(&mut self.state, &input, now, &mut events);
                }
                Heard::Order(order) => {
                    if let Some(refusal) = self.outdated(&order.asked, events.len()) {
                        answers.push((order, Err(refusal)));
                        continue;
                    }
                    // As it was given, whatever is a secret by now.
                    if let Some(before) = repeat::again(&self.state, &order.asked) {
                        answers.push((order, before));
                        continue;
                    }
                    let Some(order) = flight.in_time(order, &self.state) else { continue };
                    let answer = masked(&self.state, &order.asked, &self.hello.masks)
                        .and_then(|asked| turn(&mut self.state, &Input::Order(asked), now, &mut events));
                    answers.push((order, answer));
                }
            }
        }
        events
    }

    /// Refuses an order of somebody who does not know the last events, of which so many are not committed yet. What was
    /// carried out before is answered as it was then.
    fn outdated(&self, asked: &Asked, decided: usize) -> Option<Refusal> {
        let now = self.next_seq - 1 + decided as u64;
        let is_repeated = !asked.id.is_empty() && self.state.orders.contains_key(&asked.id);
        let is_outdated = !is_repeated && asked.expected_seq.is_some_and(|seq| seq != now);
        is_outdated
            .then(|| Refusal::new(format!("the job has gone on: its last event is {now} by now, look again")))
    }

    /// Commits events with the time at which they were decided. They are shown by [`Self::publish`].
    fn record(&mut self, events: Vec<Event>, now: Timestamp) -> Result<(), EngineError> {
        let made = (self.next_seq..).zip(events);
        let envelopes = made.map(|(seq, event)| Arc::new(Envelope { seq, time: now, event })).collect();
        self.record_as(envelopes, None)
    }

    /// The same with the numbers that come next. Rows that are given are theirs, all of one moment.
    pub(super) fn record_as(
        &mut self,
        envelopes: Vec<Arc<Envelope>>,
        rows: Option<&[Row]>,
    ) -> Result<(), EngineError> {
        if envelopes.is_empty() {
            return Ok(());
        }
        let releases = self.releases(&envelopes);
        if envelopes.iter().any(|it| it.event.is_end()) {
            if let Some(results) = &self.results {
                results.close();
            }
            // Whoever hears of the end, or reads of it, finds what is left of the job.
            self.leave_reports(&envelopes);
        }
        fault_point();
        let all = (&envelopes[..], rows);
        self.store.append(self.number, self.epoch, all, &releases)?;
        fault_point();
        self.released(&releases);
        self.next_seq += envelopes.len() as u64;
        if envelopes.iter().any(|it| self.must_survive_power_loss(&it.event)) {
            self.store.sync()?;
        } else if let Some(problem) = self.syncer.committed() {
            return Err(EngineError::surroundings(format!("the store could not be synced: {problem}")));
        }
        #[cfg(feature = "faults")]
        if envelopes.iter().any(|it| it.event.is_end()) {
            super::faults::end();
        }
        self.unpublished.extend(envelopes);
        Ok(())
    }

    /// Lets everybody see what was committed. After the orders that follow from it: a step waits for those, and nobody
    /// for this.
    pub(super) fn publish(&mut self) {
        if !self.unpublished.is_empty() {
            self.bus.publish(&self.unpublished);
            self.unpublished.clear();
        }
    }

    fn must_survive_power_loss(&self, event: &Event) -> bool {
        match event {
            Event::StepFinished(end) => {
                let stage = self.state.cells[end.key.cell as usize].stage as usize;
                self.state.setting.plan.playbook.stages[stage].steps.steps[end.key.step as usize].durable
            }
            other => other.is_relied_on(),
        }
    }

    fn ending(&self) -> JobEnd {
        let (outcome, cause) = match &self.state.phase {
            JobPhase::Finished { outcome, cause, .. } => (*outcome, cause.clone()),
            _ => (crate::logic::job::event::Outcome::Failure, None),
        };
        let rescued = outcome == crate::logic::job::event::Outcome::Success
            && self.state.cells.iter().any(|c| c.steps.iter().any(|s| s.done().is_some_and(|d| d.rescued)));
        let of_cache = self.results.iter().flat_map(Results::warnings);
        let warnings = self.left.warnings.iter().cloned().chain(of_cache).collect();
        JobEnd { outcome, cause, rescued, reports: self.left.reports.clone(), warnings }
    }
}

/// Lets the answers to orders out that ended the job at once: with this engine, their way out goes, too.
async fn say_it() {
    for _ in 0..ROUNDS {
        tokio::task::yield_now().await;
    }
}

/// So often each task has a turn: to hear the answer, and to write it.
const ROUNDS: u32 = 8;

fn told(reports: Vec<Report>) -> impl Iterator<Item = Heard> {
    reports.into_iter().map(|report| Heard::Input(Input::Report(report)))
}

/// An input, with the one who waits for the answer if it is an order.
pub(super) enum Heard {
    Input(Input),
    Order(AskedHere),
}

/// Starts a keeper that waits to hear of its job.
pub(super) fn start_keeper(world: World) -> Result<Box<dyn Starting>, EngineError> {
    (world.keeper)().map_err(|e| no_keeper(&e))
}

pub(super) fn no_keeper(error: &std::io::Error) -> EngineError {
    EngineError::io("the keeper of the job could not be started", error)
}

/// Where a test may kill the engine; nothing in a release.
fn fault_point() {
    #[cfg(feature = "faults")]
    super::faults::point();
}

fn send(outside: &mut dyn Outside, messages: &[ToKeeper]) -> Result<(), EngineError> {
    outside
        .send(messages)
        .map_err(|e| EngineError::surroundings(format!("an order could not be given to the keeper: {e}")))
}
