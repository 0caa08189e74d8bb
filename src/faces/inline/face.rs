//! The loop of the inline face: events and output in, frames out, keys and signals in between.
//!
//! One thread, the one that was given. However much output waits, it is taken in pieces, so that keys are heard and rows
//! move. A terminal that reads nothing holds up this thread alone: events wait in the store. Not here: the text of rows
//! (`rows.rs`), drawing (`sheet.rs`).

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::keys::{self, Keys, Place, Wish};
use super::sheet::Sheet;
use super::{Left, Stream, modes, rows};
use crate::engine::watching::Follower;
use crate::engine::{Bell, Handle, JobId, Next, OrderError, Subscription, clock};
use crate::faces::context::{Context, Signal};
use crate::faces::held;
use crate::faces::live::{self, Notes};
use crate::faces::orders::{self, Orders};
use crate::faces::out::Out;
use crate::faces::plain::Plain;
use crate::faces::show::{self, Shown, Skin};
use crate::faces::steering::Steering;
use crate::faces::summary::Volume;
use crate::faces::words;
use crate::logic::job::event::{Envelope, Event};
use crate::logic::job::order::Order;
use crate::logic::job::report::AttemptKey;
use crate::logic::view::forecast::Forecast;
use crate::logic::view::{JobView, Phase};

/// Least time between two frames: 20 a second.
const FRAME: Duration = Duration::from_millis(50);

/// However slow the terminal is, a frame comes this often.
const LONGEST: Duration = Duration::from_millis(500);

/// The rows are looked over for clocks that went on as often as this at most.
const LOOK: Duration = Duration::from_millis(200);

/// In the background it is looked this often whether the terminal is ours again, of which nobody tells.
const ASIDE: Duration = Duration::from_secs(1);

/// Nothing that is shown changes by itself in this time.
const STILL: Duration = Duration::from_secs(10);

/// So often keys are looked for where much happens.
const LISTEN: Duration = Duration::from_millis(10);

/// Rows are taken away only after fewer were enough for so long.
const CALM: Duration = Duration::from_millis(500);

/// A job that ends sooner is shown by its lines alone.
const SHORT: Duration = Duration::from_millis(60);

/// After so many events without a pause the job is busy, and the next ones are gathered.
const BUSY: u32 = 6;

/// How long they are gathered.
const GATHER: Duration = Duration::from_millis(16);

/// So many bytes of output a frame has at least and at most, if they wait. In between it is what the terminal takes
/// within the time of a frame, so that the rows never are away for long.
const PIECE: (usize, usize) = (32 * 1024, 2 * 1024 * 1024);

/// So many lines of a log are shown again where the full screen hands over.
const LINES: usize = 200;

/// Shows a job on a terminal until it has ended, or the full screen is asked for. With `stream` the full screen has
/// handed over.
pub fn follow(
    context: &Context,
    steering: &Steering,
    out: &mut Out,
    shown: &mut Shown,
    skin: Skin,
    stream: Option<Stream>,
) -> Left {
    let handle = shown.handle.clone().or_else(|| shown.waiting.clone());
    let Some(handle) = handle else { return Left::Ended };
    out.flush();
    // Goes last, after the sheet has removed its rows.
    let _restore = modes::Restore;
    let bell = Bell::new().ok();
    let (tell, signals) = channel();
    let rung = bell.clone();
    steering.set_listener(Some(Box::new(move |signal| {
        // The face may have gone.
        let is_heard = tell.send(signal).is_ok();
        rung.iter().for_each(Bell::ring);
        is_heard
    })));
    let number = shown.number;
    let at = (context, steering.orders());
    let mut face = Face::new(at, handle, out, shown, skin, (signals, bell, stream.is_some()));
    face.begin(number, stream);
    let left = face.run();
    face.end();
    steering.set_listener(None);
    // What came too late for this face is for the next one.
    face.signals.try_iter().for_each(|signal| steering.put_back(signal));
    drop(face);
    held::give_back();
    left
}

/// Takes what is printed until the next frame.
#[derive(Clone, Default)]
struct Above {
    bytes: Rc<RefCell<Vec<u8>>>,
    /// The terminal is gone.
    is_closed: Rc<Cell<bool>>,
}

impl Above {
    /// Takes whole lines of so many bytes, or the first line if that is longer.
    fn take_lines(&self, most: usize) -> Vec<u8> {
        let mut bytes = self.bytes.borrow_mut();
        if bytes.len() <= most {
            return std::mem::take(&mut *bytes);
        }
        let end = memchr::memrchr(b'\n', &bytes[..most])
            .or_else(|| memchr::memchr(b'\n', &bytes[most..]).map(|at| most + at))
            .map_or(bytes.len(), |at| at + 1);
        let rest = bytes.split_off(end);
        std::mem::replace(&mut *bytes, rest)
    }
}

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.is_closed.get() {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        self.bytes.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Face<'a> {
    context: &'a Context,
    orders: &'a Orders,
    handle: Handle,
    view: &'a mut JobView,
    plain: Plain,
    /// Prints into `above`.
    out: Out,
    above: Above,
    sheet: Sheet,
    keys: Keys,
    place: Place,
    /// Keys are read while there is a terminal to read them from.
    has_keys: bool,
    signals: Receiver<Signal>,
    /// Rings when something came from another thread. Without one it is looked for all the time.
    bell: Option<Bell>,
    answers: (Sender<String>, Receiver<String>),
    job: JobId,
    forecast: Forecast,
    /// From where a better one comes, once it has been asked for.
    past: Option<Receiver<Forecast>>,
    /// Times since the process began.
    began: Duration,
    drawn: Duration,
    /// When the rows may be others although nothing happened.
    look: Duration,
    listened: Duration,
    /// Least time to the next frame.
    gap: Duration,
    /// So many bytes are written even if no frame is due, and no more at once.
    piece: usize,
    /// Something changed that the next frame is to show.
    is_stale: bool,
    height: Height,
    /// The terminal was ours when it was looked last; in the background it is not.
    is_front: bool,
    /// It stopped by itself, and the signal that let it go on has not come yet.
    was_stopped: bool,
    left: Option<Left>,
    volume: Volume,
    /// Another engine goes on with the job by itself.
    goes_on: bool,
    /// Gives it one.
    call_engine: Box<dyn Fn()>,
    notes: Notes,
    /// Tells what becomes of the playbook.
    follower: Option<Follower>,
    is_round: bool,
}

impl<'a> Face<'a> {
    fn new(
        (context, orders): (&'a Context, &'a Orders),
        handle: Handle,
        out: &Out,
        shown: &'a mut Shown,
        skin: Skin,
        (signals, bell, from_full): (Receiver<Signal>, Option<Bell>, bool),
    ) -> Self {
        let above = Above::default();
        let now = clock::elapsed();
        Self {
            context,
            orders,
            handle,
            plain: Plain::new(skin.volume, shown.dir.clone(), context.settings.heartbeat())
                .answering(context.caller.clone(), shown.number),
            out: Out::new(Box::new(above.clone()), out.paint, true),
            above,
            sheet: Sheet::new(Box::new(modes::Screen)),
            keys: Keys::default(),
            place: Place { from_full, is_own: shown.running.is_some() },
            has_keys: context.surroundings.stdin,
            signals,
            bell,
            answers: channel(),
            job: shown.id.clone(),
            forecast: Forecast::new(&[]),
            past: None,
            began: now,
            drawn: Duration::ZERO,
            look: Duration::ZERO,
            listened: Duration::ZERO,
            gap: FRAME,
            piece: PIECE.0,
            is_stale: true,
            height: Height::default(),
            is_front: false,
            was_stopped: false,
            left: None,
            volume: skin.volume,
            goes_on: shown.goes_on,
            call_engine: shown.engine_call(context),
            notes: shown.notes.clone(),
            follower: None,
            is_round: skin.is_round,
            view: &mut shown.view,
        }
    }

    /// Lets notes come as lines, and follows the playbook.
    fn listen_to_notes(&mut self) {
        let (answers, bell, context) = (self.answers.0.clone(), self.bell.clone(), self.context.clone());
        self.notes.listen(Some(Box::new(move |note| {
            let line = live::line(&context, note).map(|words| format!("note: {words}"));
            let is_heard = line.is_none_or(|line| answers.send(line).is_ok());
            bell.iter().for_each(Bell::ring);
            is_heard
        })));
        if !self.is_round {
            self.follower = live::follow(&self.context.project, &self.job, &self.notes);
        }
    }

    /// Prints what comes before everything else.
    fn begin(&mut self, number: u64, stream: Option<Stream>) {
        if let Some(stream) = stream {
            // What was shown last is what is wanted first, not what began long ago.
            self.plain.join(&mut self.out, self.view, stream.cell, LINES);
            let line = "the job as lines; S or Esc goes back to the full screen";
            self.out.line(self.out.paint.dim(line));
            self.began = Duration::ZERO;
        } else if self.view.seq == 0 && self.volume != Volume::Quiet {
            let symbol = self.out.paint.symbol(Phase::Running);
            self.out.line(format!("{symbol} job #{number}: {}", self.view.playbook.name));
        }
    }

    fn run(&mut self) -> Left {
        let mut events = self.handle.subscribe(self.view.seq);
        let mut seen = 0;
        loop {
            self.breathe();
            if let Some(left) = self.left {
                return left;
            }
            let next = match events.next(Some(Duration::ZERO)) {
                Next::Timeout => self.wait(&mut events, &mut seen),
                next => next,
            };
            match next {
                Next::Event(envelope) => {
                    seen += 1;
                    self.event(&envelope);
                }
                Next::Grew(key, size) => {
                    seen += 1;
                    self.catch_up(key, size);
                }
                Next::Timeout => {}
                Next::End => return Left::Ended,
                // Nobody goes on with it by itself.
                Next::Unowned if !self.goes_on => return Left::Ended,
                Next::Unowned => {
                    (self.call_engine)();
                    self.out.line(self.out.paint.dim(words::UNOWNED));
                }
                Next::Owned => self.out.line(self.out.paint.dim(words::OWNED)),
            }
        }
    }

    /// Waits for what comes next, no longer than until something is due.
    fn wait(&mut self, events: &mut Subscription, seen: &mut u32) -> Next {
        if std::mem::take(seen) >= BUSY {
            // Being woken for every single event would take the processor from the steps themselves.
            events.gather(GATHER);
            return Next::Timeout;
        }
        let now = clock::elapsed();
        let at = if self.has_news() { self.drawn + self.gap } else { self.look };
        let due = if self.bell.is_some() { at.saturating_sub(now) } else { LISTEN };
        let stdin = std::io::stdin();
        let is_read = self.has_keys && self.is_front && modes::is_taken();
        let bell = self.bell.as_ref().map(Bell::as_fd);
        let others: Vec<BorrowedFd<'_>> = bell.into_iter().chain(is_read.then(|| stdin.as_fd())).collect();
        let next = events.next_unless(&others, due);
        if matches!(next, Next::Timeout) {
            // Perhaps it was a key.
            self.listened = Duration::ZERO;
        }
        next
    }

    fn event(&mut self, envelope: &Envelope) {
        match &envelope.event {
            Event::StepFinished(end) => self.catch_up(end.key, end.log_bytes),
            Event::StepRetrying { key, .. } => self.catch_up(*key, u64::MAX),
            _ => {}
        }
        self.view.fold(envelope);
        self.plain.event(&mut self.out, self.view, envelope);
        self.is_stale = true;
    }

    /// Shows a log up to that size.
    fn catch_up(&mut self, key: AttemptKey, size: u64) {
        while self.plain.grew_some(&mut self.out, self.view, key, size) {
            self.breathe();
            if self.left.is_some() {
                return;
            }
        }
    }

    /// Does what is not about events: signals, keys, answers, frames.
    fn breathe(&mut self) {
        loop {
            self.listen();
            self.out.flush();
            let waiting = self.above.bytes.borrow().len();
            let now = clock::elapsed();
            let is_due = now >= self.drawn + self.gap;
            let looks = now >= self.look;
            if waiting >= self.piece || (is_due && (waiting > 0 || self.is_stale || looks)) {
                self.draw(now);
            }
            if self.left.is_some() || self.above.bytes.borrow().len() < self.piece {
                return;
            }
        }
    }

    fn listen(&mut self) {
        // First, so that what comes after the look rings again.
        self.bell.iter().for_each(Bell::hush);
        while let Ok(signal) = self.signals.try_recv() {
            self.hear(signal);
        }
        while let Ok(answer) = self.answers.1.try_recv() {
            self.out.line(answer);
        }
        let now = clock::elapsed();
        if now >= self.listened + LISTEN {
            self.listened = now;
            self.read_keys();
        }
    }

    /// Says whether the next frame would show something new.
    fn has_news(&mut self) -> bool {
        self.out.flush();
        self.is_stale || !self.above.bytes.borrow().is_empty()
    }

    /// Begins to read keys, as soon as the terminal is ours.
    fn take_terminal(&mut self) {
        if self.has_keys && !modes::is_taken() {
            // Without modes or a guard there are rows, but no keys.
            self.has_keys = modes::take(self.context.outside.guard).is_ok();
        }
    }

    /// Asks the store how long stages took before, on a thread of its own. Until then all of them weigh the same.
    fn look_back(&mut self) {
        if let Some(forecast) = self.past.as_ref().and_then(|past| past.try_recv().ok()) {
            self.forecast = forecast;
        }
        if self.past.is_some() {
            return;
        }
        let (tell, past) = channel();
        self.past = Some(past);
        self.listen_to_notes();
        let (project, job, bell) = (self.context.project.clone(), self.job.clone(), self.bell.clone());
        // Without it the bar is only less exact.
        let _outcome = std::thread::Builder::new().name("history".to_owned()).spawn(move || {
            if let Some(forecast) = show::forecast(&project, &job) {
                let _outcome = tell.send(forecast);
                bell.iter().for_each(Bell::ring);
            }
        });
    }

    fn hear(&mut self, signal: Signal) {
        match signal {
            Signal::Stop => {
                self.out.flush();
                let above = self.above.take_lines(usize::MAX);
                self.sheet.show(&above, &[], modes::size());
                held::give_back();
                (self.context.outside.stop_here)(false);
                self.sheet.forget();
                self.was_stopped = true;
            }
            // The end of the stop above.
            Signal::Continue if std::mem::take(&mut self.was_stopped) => {}
            Signal::Continue => {
                if modes::is_ours() {
                    // A terminal that is gone has no modes.
                    let _outcome = held::hold_again();
                }
                self.sheet.forget();
            }
            // A job of our own is being cancelled already.
            Signal::Interrupt | Signal::Terminate | Signal::HangUp if !self.place.is_own => {
                self.left = Some(Left::Seen);
            }
            Signal::Interrupt | Signal::Terminate | Signal::HangUp | Signal::Resize => {}
        }
        self.is_stale = true;
    }

    fn read_keys(&mut self) {
        if !self.has_keys || !modes::is_taken() {
            return;
        }
        self.is_front = modes::is_ours();
        if !self.is_front {
            return;
        }
        let Some(typed) = modes::typed() else {
            self.has_keys = false;
            return;
        };
        #[cfg(feature = "faults")]
        crate::faces::faults::at_bytes(&typed);
        for wish in self.keys.read(&typed, self.view, self.place, clock::elapsed()) {
            self.is_stale = true;
            match wish {
                Wish::Order(order) => self.order(order),
                Wish::Ask(question) => self.keys.ask(question),
                Wish::Full => self.left = Some(Left::Full),
                Wish::Detach => self.left = Some(Left::Detach),
                Wish::Leave => self.left = Some(Left::Seen),
                Wish::Pasted => self.out.line("so many keys at once look like a paste, and do nothing"),
                Wish::Help => {
                    for line in keys::help(self.place) {
                        self.out.line(line);
                    }
                }
                Wish::Redraw => {}
                Wish::Tell(words) => self.out.line(words),
            }
        }
    }

    /// Gives an order, without waiting for the answer.
    fn order(&mut self, order: Order) {
        let (answers, bell) = (self.answers.0.clone(), self.bell.clone());
        let say = move |words: String| {
            let is_heard = answers.send(words).is_ok();
            bell.iter().for_each(Bell::ring);
            is_heard
        };
        let also = say.clone();
        let slow = move |words| {
            // It is said again with the answer.
            let _is_heard = also(words);
        };
        // What was done is an event, which the lines tell.
        let tell = move |_: &Order, answer| match answer {
            Ok(_) | Err(OrderError::Refused(_)) => true,
            Err(error) => say(orders::words(&error)),
        };
        if let Err(error) = self.orders.give(&self.handle, order, Box::new(tell), Box::new(slow)) {
            self.out.line(format!("the order was not given: {error}"));
        }
    }

    fn draw(&mut self, now: Duration) {
        let above = self.above.take_lines(self.piece);
        let size = modes::size();
        let is_early = now < self.began + SHORT;
        // In the background only output is shown, as any program's would be.
        self.is_front = modes::is_ours();
        let rows = if is_early || !self.is_front { Vec::new() } else { self.rows(size, now) };
        self.sheet.show(&above, &rows, size);
        self.above.is_closed.set(self.sheet.is_closed());
        self.keys.shown(clock::elapsed());
        self.is_stale = is_early;
        self.look = now + if self.is_front { self.still(now) } else { ASIDE };
        self.drawn = clock::elapsed();
        let took = self.drawn.saturating_sub(now);
        self.gap = (took * 2).clamp(FRAME, LONGEST);
        if above.len() >= PIECE.0 / 2 {
            let in_time = above.len() as u128 * FRAME.as_micros() / took.as_micros().max(1);
            self.piece = usize::try_from(in_time).unwrap_or(PIECE.1).clamp(PIECE.0, PIECE.1);
        }
    }

    /// Returns how long the rows stay as they are if nothing happens.
    fn still(&self, now: Duration) -> Duration {
        let clocks = rows::next_second(self.view, self.view.clock(clock::now())).map(|next| next.max(LOOK));
        let height = self.height.fewer.map(|(since, _)| (since + CALM).saturating_sub(now));
        [clocks, height].into_iter().flatten().min().unwrap_or(STILL)
    }

    /// Returns the rows, with the one for keys last.
    fn rows(&mut self, size: (u16, u16), now: Duration) -> Vec<String> {
        self.take_terminal();
        self.look_back();
        let paint = self.out.paint;
        let mut rows =
            rows::lines(self.view, &self.forecast, self.view.clock(clock::now()), size, paint.ascii);
        let is_roomy = rows::is_roomy(size);
        let room = usize::from(size.1).saturating_sub(3 + rows.len());
        let missing = self.height.missing(rows.len(), now);
        if is_roomy {
            rows.extend(std::iter::repeat_n(String::new(), missing.min(room)));
        }
        let has_keys = self.has_keys && modes::is_taken();
        let key_row = has_keys.then(|| self.keys.row(self.view, self.place, size.0)).flatten();
        let Some(row) = key_row else { return rows };
        let row = rows::cut(&row, size.0.into(), paint.ascii);
        if self.keys.is_asking() {
            if !is_roomy {
                rows.clear();
            }
            rows.push(paint.bold(&row));
        } else if is_roomy {
            rows.push(paint.dim(&row));
        }
        rows
    }

    /// Shows what is left to be shown, and takes the rows away.
    fn end(&mut self) {
        self.notes.listen(None);
        if self.left.is_none() {
            self.plain.finish(&mut self.out, self.view);
        }
        while let Ok(answer) = self.answers.1.try_recv() {
            self.out.line(answer);
        }
        self.out.flush();
        let above = self.above.take_lines(usize::MAX);
        self.sheet.show(&above, &[], modes::size());
    }
}

/// How many rows stand, so that they do not come and go with every step.
#[derive(Debug, Default)]
struct Height {
    standing: usize,
    /// Since when fewer would do, and how many.
    fewer: Option<(Duration, usize)>,
}

impl Height {
    /// Returns how many empty rows to add to so many.
    fn missing(&mut self, rows: usize, now: Duration) -> usize {
        if rows >= self.standing {
            self.standing = rows;
            self.fewer = None;
            return 0;
        }
        let (since, most) = self.fewer.map_or((now, rows), |(since, most)| (since, most.max(rows)));
        if now >= since + CALM {
            self.standing = most;
            self.fewer = None;
        } else {
            self.fewer = Some((since, most));
        }
        self.standing - rows
    }
}
