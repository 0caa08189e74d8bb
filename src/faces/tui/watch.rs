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
use super::pace::{Pace, Wish};
use super::screen;
use super::terminal::Terminal;
use super::ui::{Facts, Request, Ui};
use crate::engine::{Handle, Next, OrderError, clock};
use crate::faces::context::{Context, Signal};
use crate::faces::show::Shown;
use crate::faces::steering::Steering;
use crate::logic::job::event::Event;
use crate::logic::job::order::{Asked, Order, Target};
use crate::logic::view::forecast::Forecast;

/// So many events wait for this thread; what is beyond stays with the engine.
const QUEUE: usize = 1024;

/// Most events that are folded between two looks at the keys.
const BATCH: usize = 4096;

/// How long the thread that hands events over waits before it looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(200);

/// Why the full screen was left.
#[derive(Clone, Debug, PartialEq)]
pub enum Left {
    /// Whoever looks has seen enough.
    Done,
    /// The job goes on below the scrollback; its output from this cell on.
    Stream(Option<u32>),
    /// A signal came, or the terminal went away: the job is shown line by line.
    Lines,
    /// The job has ended and is to run on.
    Again(Order),
}

/// What the screen is used for.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    pub context: &'a Context,
    pub steering: &'a Steering,
    /// Nothing makes it leave by itself.
    pub stays: bool,
    /// Another screen follows, so the terminal is not given back between.
    pub goes_on: bool,
}

/// What reaches the loop besides keys and the job's events.
enum Said {
    Signal(Signal),
    Answer(Order, Result<String, OrderError>),
    Forecast(Forecast),
}

/// Shows a job on the terminal until somebody leaves, or something makes it.
///
/// # Errors
/// If the terminal cannot be used, or this face has a bug; the job goes on in either case.
pub fn watch(terminal: &mut Terminal, ui: &mut Ui, shown: &mut Shown, watch: Watch<'_>) -> io::Result<Left> {
    let (said, heard) = mpsc::unbounded_channel();
    let to_loop = said.clone();
    let hear = move |signal| {
        let _heard = to_loop.send(Said::Signal(signal));
    };
    let left = screen::hold(terminal, watch.steering, hear, |terminal, keys| {
        keys.runtime.block_on(Loop::new(terminal, ui, shown, watch, said)?.run(heard, &mut keys.stream))
    });
    match &left {
        Ok(Left::Again(_)) => {}
        Ok(Left::Done) if watch.goes_on => {}
        _ => terminal.leave(),
    }
    left
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
    actor: Option<String>,
}

impl<'a> Loop<'a> {
    fn new(
        terminal: &'a mut Terminal,
        ui: &'a mut Ui,
        shown: &'a mut Shown,
        watch: Watch<'a>,
        said: mpsc::UnboundedSender<Said>,
    ) -> io::Result<Self> {
        let news = match &shown.handle {
            Some(handle) => Some(hand_over(handle, shown.view.seq)?),
            None => None,
        };
        ui.stage_names = shown.view.playbook.stages.iter().map(|stage| stage.id.to_string()).collect();
        // One that an engine works on again may still look as it ended before.
        let has_ended = shown.view.phase.outcome().is_some() && shown.handle.is_none();
        Ok(Self { terminal, ui, shown, watch, said, news, pace: Pace::default(), has_ended, actor: None })
    }

    async fn run(
        mut self,
        mut heard: mpsc::UnboundedReceiver<Said>,
        input: &mut EventStream,
    ) -> io::Result<Left> {
        self.ui.opened = clock::elapsed();
        self.look_back();
        self.ui.go_along(&self.shown.view);
        self.pace.wish(Wish::Now, clock::elapsed());
        loop {
            let now = clock::elapsed();
            if self.pace.is_due(now) {
                self.draw()?;
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

    /// Takes what came from the terminal, and what else has come meanwhile: wheels turn faster than frames.
    fn take(&mut self, event: &Input) -> io::Result<Option<Left>> {
        #[cfg(feature = "faults")]
        super::faults::at_key(event)?;
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
            Said::Signal(Signal::Interrupt | Signal::Terminate | Signal::HangUp) => {
                return Ok(Some(Left::Lines));
            }
            Said::Answer(order, answer) => self.answered(&order, answer, now),
            Said::Forecast(forecast) => self.ui.forecast = forecast,
        }
        Ok(None)
    }

    fn answered(&mut self, order: &Order, answer: Result<String, OrderError>, now: Duration) {
        match answer {
            Ok(words) if self.ui.undo.is_none() || !matches!(order, Order::Skip { .. }) => {
                self.ui.say(words, now)
            }
            Ok(_) => {}
            Err(error) => {
                if matches!(order, Order::Skip { .. }) {
                    self.ui.undo = None;
                }
                let words = match error {
                    OrderError::Refused(refusal) => refusal.message,
                    OrderError::Gone(why) => why,
                };
                self.ui.say(words, now);
            }
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
                Some(Next::End) | None => {
                    self.news = None;
                    self.shown.handle = None;
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
            self.ui.ended(facts, self.watch.stays);
        }
    }

    fn carry_out(&mut self, requests: Vec<Request>) -> io::Result<Option<Left>> {
        for request in requests {
            match request {
                Request::Order(order) => self.order(order),
                Request::Again(order) => return Ok(Some(Left::Again(order))),
                Request::Stream if self.shown.handle.is_some() => {
                    return Ok(Some(Left::Stream(self.ui.log.cell)));
                }
                Request::Stream => {
                    self.ui.say("the job has ended; there is nothing to stream", clock::elapsed())
                }
                Request::Suspend => self.suspend(true)?,
                Request::Leave => return Ok(Some(Left::Done)),
                Request::CancelAndLeave => {
                    self.ui.leave_at_end = true;
                    self.order(Order::Cancel { target: Target::Job, force: false });
                }
                Request::Copy(text) => self.copy(&text)?,
                Request::Mouse(is_on) => {
                    let switch: &[u8] = if is_on {
                        b"\x1b[?1000h\x1b[?1002h\x1b[?1006h"
                    } else {
                        b"\x1b[?1006l\x1b[?1002l\x1b[?1000l"
                    };
                    self.terminal.write(switch)?;
                }
                Request::Redraw => {
                    self.terminal.redraw();
                    self.pace.wish(Wish::Now, clock::elapsed());
                }
            }
        }
        Ok(None)
    }

    /// Gives an order on a thread of its own: an engine may take a while to answer, and the screen does not wait.
    fn order(&mut self, order: Order) {
        let Some(handle) = self.shown.handle.clone() else {
            self.ui.say("the job has ended", clock::elapsed());
            return;
        };
        let by = self.actor.get_or_insert_with(self.watch.context.outside.actor).clone();
        let said = self.said.clone();
        let asked =
            Asked { id: uuid::Uuid::now_v7().to_string(), by, order: order.clone(), expected_seq: None };
        let spawned = std::thread::Builder::new().name("order".to_owned()).spawn(move || {
            let answer = handle.order(asked);
            // The screen may be gone by now, and with it whoever wanted to know.
            let _heard = said.send(Said::Answer(order, answer));
        });
        if let Err(error) = spawned {
            self.ui.say(format!("the order was not given: {error}"), clock::elapsed());
        }
    }

    /// Gives the terminal back, stops, and takes it again when somebody lets this process go on.
    fn suspend(&mut self, group: bool) -> io::Result<()> {
        self.terminal.leave();
        if self.shown.handle.is_some() && self.shown.running.is_some() {
            self.terminal
                .write("suspended: what runs goes on, nothing new starts until `fg`\n".as_bytes())?;
        }
        (self.watch.context.outside.stop_here)(group);
        self.terminal.enter()?;
        self.pace.wish(Wish::Now, clock::elapsed());
        Ok(())
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        let now = clock::elapsed();
        if text.is_empty() {
            self.ui.say("there is nothing to copy", now);
            return Ok(());
        }
        // The terminal itself puts it into the clipboard, which works over any connection.
        self.terminal.write(super::clipboard::sequence(text).as_bytes())?;
        let lines = text.lines().count();
        self.ui.say(
            format!("{} sent to the terminal's clipboard", crate::logic::text::plural(lines, "line")),
            now,
        );
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
        time: if shown.handle.is_some() { clock::now() } else { shown.view.at },
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
