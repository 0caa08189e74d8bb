//! The loop: waits for keys, for the job and for the clock, changes the state, draws when something changed.
//!
//! It has a thread of its own. What comes from the engine waits in a bounded queue; whoever fills it reads the rest from
//! the store later, so that a terminal that stands still holds up nobody. Keys always come first. Not here: what keys
//! mean (`update.rs`), when frames are due (`pace.rs`), the terminal (`terminal.rs`).

use std::io;
use std::time::Duration;

use crossterm::event::{Event as Input, EventStream};
use tokio::sync::mpsc;

use super::draw;
use super::looks::{Saved, follow_looks};
use super::pace::{Pace, Wish};
use super::restart::{Again, Fresh, Restart};
use super::screen;
use super::terminal::Terminal;
use super::ui::{Facts, Request, Ui};
use crate::engine::watching::Follower;
use crate::engine::{Handle, Next, OrderError, Running, clock};
use crate::faces::context::{Context, Signal};
use crate::faces::live::{self, Note};
use crate::faces::orders;
use crate::faces::show::Shown;
use crate::faces::steering::Steering;
use crate::faces::words;
use crate::logic::job::event::Event;
use crate::logic::job::order::{Order, Target};
use crate::logic::view::forecast::Forecast;

/// So many events wait for this thread; what is beyond stays with the engine.
const QUEUE: usize = 1024;

/// Most events that are folded between two looks at the keys.
const BATCH: usize = 4096;

/// How long the thread that hands events over waits before it looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(200);

/// For so long an order that came too late waits for the end of the job: later on nobody thinks of it any more.
const LATE: Duration = Duration::from_secs(3);

/// Says whether an event tells what became of an order to run on, or of a later one.
fn is_of_order(event: &Event) -> bool {
    matches!(
        event,
        Event::JobRetrying { .. }
            | Event::RollbackAsked { .. }
            | Event::CancelAsked { .. }
            | Event::SkipAsked { .. }
            | Event::OrderRefused { .. }
            | Event::OrderNoted { .. }
    )
}

/// Why the full screen was left.
#[derive(Clone, Debug, PartialEq)]
pub enum Left {
    /// Whoever looks has seen enough.
    Done,
    /// The job of this process is to go on without it.
    Detach,
    /// The job goes on below the scrollback; its output from this cell on.
    Stream(Option<u32>),
    /// A signal came, or the terminal went away: the job is shown line by line.
    Lines,
    /// Another job is to be shown. The terminal is still taken.
    Next,
    /// The next round is to begin. The terminal is still taken.
    Due,
}

/// What the screen is used for.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    pub context: &'a Context,
    pub steering: &'a Steering,
    /// Runs a job on that has ended.
    pub again: Again,
    /// Starts a new job from its playbook.
    pub fresh: Fresh,
    /// Nothing makes it leave by itself.
    pub stays: bool,
    /// Changed files start the job again.
    pub is_round: bool,
    /// Another screen follows, so the terminal is not given back between.
    pub goes_on: bool,
}

/// What reaches the loop besides keys and the job's events.
enum Said {
    Signal(Signal),
    Answer(Order, orders::Answer),
    /// An engine lets itself be waited for, in words.
    Slow(String),
    /// Something came of a start.
    Begun,
    /// Something came of the start of a new job.
    FreshBegun,
    Note(Note),
    Saved(Saved),
    Forecast(Forecast),
}

/// Shows a job on the terminal until somebody leaves, or something makes it.
///
/// # Errors
/// If the terminal cannot be used, or this face has a bug; the job goes on in either case.
pub fn watch(terminal: &mut Terminal, ui: &mut Ui, shown: &mut Shown, watch: Watch<'_>) -> io::Result<Left> {
    let (said, mut heard) = mpsc::unbounded_channel();
    let to_loop = said.clone();
    let hear = move |signal| to_loop.send(Said::Signal(signal)).is_ok();
    let notes = shown.notes.clone();
    let mut starts = Starts::default();
    let left = screen::hold(terminal, watch.steering, hear, |terminal, keys| {
        let mut turn = Loop::new(terminal, (ui, shown), watch, said, &mut starts)?;
        keys.runtime.block_on(turn.run(&mut heard, &mut keys.stream))
    });
    notes.listen(None);
    // A signal that came behind what made this end, also if that was a bug, is not for nobody.
    while let Ok(said) = heard.try_recv() {
        if let Said::Signal(signal) = said {
            watch.steering.put_back(signal);
        }
        if let Said::Note(note) = said {
            notes.tell(note);
        }
    }
    give_armed(watch.steering, ui, shown);
    let Starts { restart, fresh } = starts;
    if let Some(next) = fresh.and_then(|fresh| fresh.give_up_or_take()) {
        // It began in the moment in which the screen was left, and is what is to be seen now.
        shown.next = Some(Box::new(next));
    }
    ui.starting = None;
    let left = if shown.next.is_some() { Ok(Left::Next) } else { left };
    match &left {
        Ok(Left::Next | Left::Due) => {}
        Ok(Left::Done) if watch.goes_on => {}
        _ => terminal.leave(),
    }
    if let Some(running) = restart.and_then(|restart| restart.give_up_or_take()) {
        adopt(watch.steering, shown, running);
        if let (Ok(Left::Lines), Some(handle)) = (&left, &shown.handle) {
            // The signal came before there was something to cancel.
            watch.steering.cancel(handle);
        }
    }
    left
}

/// What is being started.
#[derive(Default)]
struct Starts {
    /// The job is to run on.
    restart: Option<Restart>,
    /// A new job takes its place.
    fresh: Option<Restart<Shown>>,
}

/// Takes a job that has begun to run on as the one that is shown.
fn adopt(steering: &Steering, shown: &mut Shown, running: Running) {
    steering.set_job(Some(&running.handle));
    shown.handle = Some(running.handle.clone());
    shown.running = Some(running);
}

/// Gives what was only to be ordered a moment later: whatever the screen is left for, a person has said yes to it.
fn give_armed(steering: &Steering, ui: &mut Ui, shown: &mut Shown) {
    let Some(handle) = &shown.handle else { return };
    for request in ui.take_armed() {
        let Request::Order(order) = request else { continue };
        shown.is_being_cancelled |= matches!(order, Order::Cancel { target: Target::Job, .. });
        // What goes wrong with it is told by whoever waits for the last answers.
        if steering.orders().give(handle, order.clone(), Box::new(|_, _| false), Box::new(drop)).is_err() {
            let _answer = steering.orders().give_now(handle, order);
        }
    }
}

struct Loop<'a> {
    terminal: &'a mut Terminal,
    ui: &'a mut Ui,
    shown: &'a mut Shown,
    watch: Watch<'a>,
    said: mpsc::UnboundedSender<Said>,
    news: Option<mpsc::Receiver<Next>>,
    pace: Pace,
    /// The end of the job was noticed.
    has_ended: bool,
    starts: &'a mut Starts,
    /// An order to run on that came when the engine had just ended the job: it is carried out once that is known here.
    late: Option<(Order, Duration)>,
    /// Tells what becomes of the playbook.
    follower: Option<Follower>,
    /// Tells of themes that were saved.
    themes: Option<Follower>,
    /// The next round is to begin once this one has ended.
    is_due: bool,
}

impl<'a> Loop<'a> {
    fn new(
        terminal: &'a mut Terminal,
        (ui, shown): (&'a mut Ui, &'a mut Shown),
        watch: Watch<'a>,
        said: mpsc::UnboundedSender<Said>,
        starts: &'a mut Starts,
    ) -> io::Result<Self> {
        let news = match shown.handle.as_ref().or(shown.waiting.as_ref()) {
            Some(handle) => Some(hand_over(handle, shown.view.seq)?),
            None => None,
        };
        ui.mouse = terminal.has_mouse();
        ui.is_round = watch.is_round;
        ui.stage_names = shown.view.playbook.stages.iter().map(|stage| stage.id.to_string()).collect();
        // One that an engine works on again may still look as it ended before.
        let has_ended = shown.view.phase.outcome().is_some() && shown.handle.is_none();
        Ok(Self {
            terminal,
            ui,
            shown,
            watch,
            said,
            news,
            pace: Pace::default(),
            has_ended,
            starts,
            late: None,
            follower: None,
            themes: None,
            is_due: false,
        })
    }

    async fn run(
        &mut self,
        heard: &mut mpsc::UnboundedReceiver<Said>,
        input: &mut EventStream,
    ) -> io::Result<Left> {
        self.ui.opened = clock::elapsed();
        self.look_back();
        let said = self.said.clone();
        let notes = &self.shown.notes;
        notes.listen(Some(Box::new(move |note| said.send(Said::Note(note.clone())).is_ok())));
        self.ui.go_along(&self.shown.view);
        if let Some(words) = self.ui.look.wrong_keys.take() {
            self.ui.say(words, clock::elapsed());
        }
        self.pace.wish(Wish::Now, clock::elapsed());
        loop {
            let now = clock::elapsed();
            if self.is_due && self.has_ended {
                return Ok(Left::Due);
            }
            if self.pace.is_due(now) {
                self.draw()?;
                if self.themes.is_none() {
                    let said = self.said.clone();
                    let tell = move |it| said.send(Said::Saved(it)).is_ok();
                    self.themes = follow_looks(self.watch.context, &self.ui.look, tell);
                }
                if self.follower.is_none() && !self.watch.is_round {
                    // After the first picture: until then there is more to do than two processors can.
                    let (project, shown) = (&self.watch.context.project, &*self.shown);
                    self.follower = live::follow(project, &shown.id, &shown.notes);
                }
            }
            let (requests, changed) = self.ui.expire(now);
            if changed {
                self.pace.wish(Wish::Now, now);
            }
            if let Some(left) = self.carry_out(requests)? {
                return Ok(left);
            }
            let wait = self.wait();
            let has_work = self.ui.log.has_work();
            tokio::select! {
                biased;
                event = screen::next(input) => match event {
                    Some(Ok(event)) => {
                        if let Some(left) = self.take(&event)? {
                            return Ok(left);
                        }
                    }
                    // The terminal went away.
                    Some(Err(_)) | None => return Ok(Left::Lines),
                },
                Some(said) = heard.recv() => {
                    if let Some(left) = self.hear(said)? {
                        return Ok(left);
                    }
                }
                next = receive(&mut self.news) => {
                    self.fold(next);
                    self.run_on()?;
                    self.run_fresh()?;
                    let is_over = self.shown.view.phase.outcome().is_some();
                    if self.news.is_none() && !is_over && self.shown.running.is_some() {
                        // The engine in this process ended before its job, and has more to say than fits in here.
                        return Ok(Left::Lines);
                    }
                }
                () = std::future::ready(()), if has_work => {
                    if self.ui.log.work() {
                        self.pace.wish(Wish::Log, clock::elapsed());
                    }
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Returns how long nothing is due.
    fn wait(&self) -> Duration {
        let now = clock::elapsed();
        let frame = self.pace.left(now);
        let change = self.ui.next_change().map(|at| at.saturating_sub(now));
        [frame, change].into_iter().flatten().min().unwrap_or(Duration::from_secs(3600))
    }

    fn draw(&mut self) -> io::Result<()> {
        let size = self.terminal.size();
        let facts = facts(self.shown);
        let picture = draw::picture(self.ui, facts, size);
        let (has_clock, has_spinner) = (picture.has_clock, picture.has_spinner);
        let began = clock::elapsed();
        self.terminal.show(picture.buffer, picture.cursor, &picture.title)?;
        let done = clock::elapsed();
        self.pace.drawn(done, done.saturating_sub(began));
        self.ui.was_drawn(done);
        if self.ui.look.motion == super::motion::Motion::None {
            // Nothing changes by itself then, clocks included; they catch up with the next picture.
        } else if let Some(next) = self.ui.look.motion.next_frame(clock::now(), has_clock, has_spinner) {
            self.pace.wish_at(done + next);
        }
        if (self.ui.undo.is_some() || self.ui.leave_at.is_some())
            && self.ui.look.motion != super::motion::Motion::None
        {
            // Its seconds count down.
            self.pace.wish_at(done + Duration::from_secs(1));
        }
        Ok(())
    }

    /// Takes one thing that came from the terminal. What it changes is drawn when a frame is due: wheels turn faster.
    fn take(&mut self, event: &Input) -> io::Result<Option<Left>> {
        #[cfg(feature = "faults")]
        crate::faces::faults::at_event(event)?;
        if let Input::Resize(..) = event {
            self.pace.wish(Wish::Now, clock::elapsed());
            return Ok(None);
        }
        let facts = facts(self.shown);
        let requests = self.ui.take(event, facts);
        self.ui.go_along(&self.shown.view);
        self.pace.wish(Wish::Now, clock::elapsed());
        self.carry_out(requests)
    }

    fn hear(&mut self, said: Said) -> io::Result<Option<Left>> {
        let now = clock::elapsed();
        self.pace.wish(Wish::Now, now);
        match said {
            Said::Signal(Signal::Stop) => self.suspend(false)?,
            Said::Signal(Signal::Continue) => self.terminal.enter_again()?,
            // It comes as an event of the terminal, too.
            Said::Signal(Signal::Resize) => {}
            Said::Signal(Signal::Interrupt | Signal::Terminate | Signal::HangUp) => {
                return Ok(Some(Left::Lines));
            }
            Said::Answer(order, answer) => self.answered(&order, answer, now)?,
            Said::Slow(words) => self.ui.say(words, now),
            Said::Begun => self.begun(now)?,
            Said::FreshBegun => return Ok(self.fresh_begun()),
            Said::Saved(saved) => {
                if let Some(words) = self.ui.look.take(saved) {
                    self.ui.say(words, now);
                }
            }
            Said::Note(Note::Due) => self.is_due = true,
            Said::Note(note) => self.ui.hear(note, now),
            Said::Forecast(forecast) => self.ui.forecast = forecast,
        }
        Ok(None)
    }

    fn answered(&mut self, order: &Order, answer: orders::Answer, now: Duration) -> io::Result<()> {
        match answer {
            Ok(words) if self.ui.undo.is_none() || !matches!(order, Order::Skip { .. }) => {
                self.ui.say_of_order(words, order.clone(), now)
            }
            Ok(_) => {}
            Err(error) => {
                // An engine that is gone may have just ended the job, which runs on with another one then.
                let is_gone =
                    matches!(error, OrderError::Gone(_) | OrderError::Unanswered { engine: None, .. });
                if is_gone && order.runs_on() {
                    self.late = Some((order.clone(), now));
                }
                if matches!(order, Order::Skip { .. }) {
                    self.ui.not_skipped();
                }
                self.ui.say(orders::words(&error), now);
            }
        }
        self.run_on()
    }

    /// Carries out what came too late for the engine that ended the job, once it is known here that it did.
    fn run_on(&mut self) -> io::Result<()> {
        let (has_ended, now) = (self.has_ended, clock::elapsed());
        match self.late.take_if(|(_, at)| has_ended || now.saturating_sub(*at) > LATE) {
            Some((order, at)) if now.saturating_sub(at) <= LATE => self.again(order),
            _ => Ok(()),
        }
    }

    /// Folds what the engine says, as much as there is.
    fn fold(&mut self, first: Option<Next>) {
        let mut next = first;
        let mut wish = None;
        for _ in 0..BATCH {
            match next {
                Some(Next::Event(envelope)) => {
                    self.shown.view.fold(&envelope);
                    if is_of_order(&envelope.event) {
                        // The engine has answered before it went, or somebody wants something else since.
                        self.late = None;
                    }
                    if matches!(envelope.event, Event::StepFinished(_)) {
                        // Its last bytes are told by nobody else.
                        self.ui.log.look_again();
                    }
                    wish = Some(Wish::Now);
                }
                Some(Next::Grew(key, _)) => {
                    if self.ui.log.grew(key) && wish.is_none() {
                        wish = Some(Wish::Log);
                    }
                }
                Some(Next::Timeout) => {}
                Some(next @ (Next::Owned | Next::Unowned)) => {
                    let is_owned = matches!(next, Next::Owned);
                    // The engine that it was given to has died, and the job has not ended.
                    self.late = None;
                    self.shown.set_owned(is_owned);
                    if !is_owned {
                        self.shown.engine_call(self.watch.context)();
                    }
                    let words = if is_owned { words::OWNED } else { words::UNOWNED };
                    self.ui.say(words, clock::elapsed());
                    wish = Some(Wish::Now);
                }
                Some(Next::End) | None => {
                    self.news = None;
                    (self.shown.handle, self.shown.waiting) = (None, None);
                    wish = Some(Wish::Now);
                    break;
                }
            }
            next = match self.news.as_mut().map(mpsc::Receiver::try_recv) {
                Some(Ok(next)) => Some(next),
                _ => break,
            };
        }
        if let Some(wish) = wish {
            self.pace.wish(wish, clock::elapsed());
        }
        self.ui.go_along(&self.shown.view);
        // Orders can be given until the engine is gone, but nothing more happens to the job.
        let is_over = self.shown.view.phase.outcome().is_some() && self.news.is_none();
        if is_over && !self.has_ended {
            self.has_ended = true;
            let facts = facts(self.shown);
            self.ui.ended(facts, self.watch.stays || self.ui.fresh_at_end);
        }
    }

    /// Starts the new job that was to come after this one, once that is over.
    fn run_fresh(&mut self) -> io::Result<()> {
        if self.has_ended && std::mem::take(&mut self.ui.fresh_at_end) { self.fresh() } else { Ok(()) }
    }

    fn carry_out(&mut self, requests: Vec<Request>) -> io::Result<Option<Left>> {
        for request in requests {
            match request {
                Request::Order(order) => self.order(order),
                Request::Again(order) => self.again(order)?,
                Request::GiveUp => self.give_up(),
                Request::Round => return Ok(Some(Left::Due)),
                Request::Fresh => self.fresh()?,
                Request::CancelThenFresh => {
                    self.ui.fresh_at_end = true;
                    self.order(Order::Cancel { target: Target::Job, force: false });
                    self.run_fresh()?;
                }
                Request::Stream if self.shown.handle.is_some() => {
                    return Ok(Some(Left::Stream(self.ui.log.cell)));
                }
                Request::Stream => {
                    self.ui.say("the job has ended; there is nothing to stream", clock::elapsed())
                }
                Request::Detach
                    if self.shown.running.is_some() && self.shown.view.phase.outcome().is_none() =>
                {
                    return Ok(Some(Left::Detach));
                }
                Request::Detach => {
                    let words = match self.shown.view.phase.outcome() {
                        Some(_) => "the job has ended; there is nothing to detach",
                        None => "another process works on this job, and `q` leaves it alone",
                    };
                    self.ui.say(words, clock::elapsed());
                }
                Request::Suspend => self.suspend(true)?,
                Request::Leave => return Ok(Some(Left::Done)),
                Request::CancelAndLeave => {
                    self.ui.leave_at_end = true;
                    self.order(Order::Cancel { target: Target::Job, force: false });
                }
                Request::Copy { text, is_all } => self.copy(&text, is_all)?,
                Request::Mouse(is_on) => self.terminal.set_mouse(is_on)?,
                Request::Redraw => {
                    self.terminal.redraw();
                    self.pace.wish(Wish::Now, clock::elapsed());
                }
            }
        }
        Ok(None)
    }

    /// Gives an order: an engine may take a while to answer, and the screen does not wait.
    fn order(&mut self, order: Order) {
        self.late = None;
        let Some(handle) = &self.shown.handle else {
            self.ui.say("the job has ended", clock::elapsed());
            return;
        };
        // The screen may be gone by then.
        let said = self.said.clone();
        let tell = move |order: &Order, answer| said.send(Said::Answer(order.clone(), answer)).is_ok();
        let said = self.said.clone();
        let slow = move |words| drop(said.send(Said::Slow(words)));
        if let Err(error) = self.watch.steering.orders().give(handle, order, Box::new(tell), Box::new(slow)) {
            self.ui.say(format!("the order was not given: {error}"), clock::elapsed());
        }
    }

    /// Runs the job on that has ended, on a thread of its own: secrets may take their time.
    fn again(&mut self, order: Order) -> io::Result<()> {
        let now = clock::elapsed();
        self.late = None;
        if self.starts.restart.is_some() || self.starts.fresh.is_some() {
            self.ui.say("the job is being started again already; Esc gives it up", now);
            return Ok(());
        }
        let (context, again) = (self.watch.context.clone(), self.watch.again);
        let (job, playbook) = (self.shown.id.clone(), self.shown.view.playbook.clone());
        // The engine has said all, and whoever gives orders now would give them to nobody.
        (self.news, self.shown.handle) = (None, None);
        self.watch.steering.set_job(None);
        let before = self.shown.running.take();
        let again = move |may_begin: &dyn Fn() -> bool| {
            if let Some(before) = before {
                // Two engines cannot work on one job.
                before.wait().map_err(|error| vec![error.message])?;
            }
            again(&context, &job, &playbook, order, may_begin)
        };
        let said = self.said.clone();
        let tell = move || {
            // The screen may be gone by then, and looks at what came of it by itself.
            let _heard = said.send(Said::Begun);
        };
        self.starts.restart = Some(Restart::start(again, tell)?);
        (self.ui.starting, self.ui.is_fresh) = (Some(now), false);
        Ok(())
    }

    /// Starts a new job from the changed playbook, on a thread of its own.
    fn fresh(&mut self) -> io::Result<()> {
        let now = clock::elapsed();
        if self.starts.restart.is_some() || self.starts.fresh.is_some() {
            self.ui.say("a job is being started already; Esc gives it up", now);
            return Ok(());
        }
        let (context, fresh, job) = (self.watch.context.clone(), self.watch.fresh, self.shown.id.clone());
        let start = move |may_begin: &dyn Fn() -> bool| fresh(&context, &job, may_begin);
        let said = self.said.clone();
        let tell = move || {
            // As above.
            let _heard = said.send(Said::FreshBegun);
        };
        self.starts.fresh = Some(Restart::start(start, tell)?);
        (self.ui.starting, self.ui.is_fresh) = (Some(now), true);
        Ok(())
    }

    /// Lets the new job be shown, or says what kept it from starting.
    fn fresh_begun(&mut self) -> Option<Left> {
        let result = self.starts.fresh.as_ref().and_then(Restart::take)?;
        (self.starts.fresh, self.ui.starting, self.ui.notice) = (None, None, None);
        match result {
            Ok(next) => {
                self.shown.next = Some(Box::new(next));
                Some(Left::Next)
            }
            Err(lines) => {
                self.ui.tell("Nothing was started", lines);
                None
            }
        }
    }

    fn give_up(&mut self) {
        self.late = None;
        if self.starts.fresh.take_if(|fresh| fresh.give_up()).is_some() {
            self.ui.starting = None;
            self.ui.say("given up: no new job was started", clock::elapsed());
        }
        if self.starts.restart.take_if(|restart| restart.give_up()).is_some() {
            self.ui.starting = None;
            self.ui.say("given up: the job stays as it ended", clock::elapsed());
        }
    }

    /// Shows the job that runs on, or what kept it from that.
    fn begun(&mut self, now: Duration) -> io::Result<()> {
        let Some(result) = self.starts.restart.as_ref().and_then(Restart::take) else { return Ok(()) };
        (self.starts.restart, self.ui.starting, self.ui.notice) = (None, None, None);
        self.late = None;
        match result {
            Ok(running) => {
                let handle = running.handle.clone();
                adopt(self.watch.steering, self.shown, running);
                self.news = Some(hand_over(&handle, self.shown.view.seq)?);
                self.has_ended = false;
                self.look_back();
            }
            Err(lines) => self.ui.tell("Nothing was started", lines),
        }
        self.pace.wish(Wish::Now, now);
        Ok(())
    }

    /// Gives the terminal back, stops, and takes it again when somebody lets this process go on.
    fn suspend(&mut self, group: bool) -> io::Result<()> {
        self.terminal.leave();
        give_armed(self.watch.steering, self.ui, self.shown);
        // While this process is stopped nobody gives what still waits.
        for words in self.watch.steering.orders().settle(orders::PATIENCE) {
            self.terminal.write(format!("{words}\n").as_bytes())?;
        }
        if self.shown.handle.is_some() && self.shown.running.is_some() {
            self.terminal
                .write("suspended: what runs goes on, nothing new starts until `fg`\n".as_bytes())?;
        }
        (self.watch.context.outside.stop_here)(group);
        self.terminal.enter()?;
        self.pace.wish(Wish::Now, clock::elapsed());
        Ok(())
    }

    fn copy(&mut self, text: &str, is_all: bool) -> io::Result<()> {
        let now = clock::elapsed();
        if text.is_empty() {
            self.ui.say("there is nothing to copy", now);
            return Ok(());
        }
        // The terminal itself puts it into the clipboard, which works over any connection.
        self.terminal.write(super::clipboard::sequence(text).as_bytes())?;
        let lines = crate::logic::text::plural(text.lines().count(), "line");
        let last = if is_all { "" } else { "the last " };
        let rest = if is_all { "" } else { ", more would be too much for many terminals" };
        self.ui.say(format!("{last}{lines} sent to the terminal's clipboard{rest}"), now);
        Ok(())
    }

    /// Asks the store how long stages took before, on a thread of its own.
    fn look_back(&self) {
        let project = self.watch.context.project.clone();
        let id = self.shown.id.clone();
        let said = self.said.clone();
        // Without it the bar weighs all stages the same.
        let _spawned = std::thread::Builder::new().name("history".to_owned()).spawn(move || {
            if let Some(forecast) = crate::faces::show::forecast(&project, &id) {
                let _heard = said.send(Said::Forecast(forecast));
            }
        });
    }
}

fn facts(shown: &Shown) -> Facts<'_> {
    Facts {
        view: &shown.view,
        number: shown.number,
        is_live: shown.handle.is_some(),
        is_ours: shown.running.is_some(),
        now: clock::elapsed(),
        // Clocks of what nobody works on do not go on.
        time: shown.view.clock(if shown.handle.is_some() { clock::now() } else { shown.view.at }),
    }
}

/// Hands what the engine says over to the loop, from a thread that ends once nobody takes it any more.
fn hand_over(handle: &Handle, after: u64) -> io::Result<mpsc::Receiver<Next>> {
    let (sender, news) = mpsc::channel(QUEUE);
    let mut events = handle.subscribe(after);
    std::thread::Builder::new().name("events".to_owned()).spawn(move || {
        loop {
            let next = events.next(Some(LOOK));
            let is_end = matches!(next, Next::End);
            if matches!(next, Next::Timeout) && !sender.is_closed() {
                continue;
            }
            if sender.blocking_send(next).is_err() || is_end {
                return;
            }
        }
    })?;
    Ok(news)
}

async fn receive(news: &mut Option<mpsc::Receiver<Next>>) -> Option<Next> {
    match news {
        Some(news) => news.recv().await,
        None => std::future::pending().await,
    }
}
