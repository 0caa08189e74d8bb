//! Shows a job to its end, and lets one face hand over to the next.
//!
//! Whoever starts a job (`run`, `jobs retry`, the launcher) or looks at one (`watch`) comes here with it. Not here: which
//! face is right (`modes.rs`), what a face shows (`tui`, `inline`, `plain.rs`, `event_json.rs`), signals (`steering.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::context::Context;
use super::ending::{Ending, Failure};
use super::event_json;
use super::held;
use super::inline;
pub use super::inline::{Waited, wait as wait_in_row};
use super::live::{self, Heard, Note, Notes};
use super::modes::Face;
use super::orders::PATIENCE;
use super::out::Out;
use super::plain::Plain;
use super::signs::State;
use super::steering::{Parting, Steering};
use super::summary::{self, Volume};
use super::words;
use super::{cli, tui};
use crate::engine::{self, Given, Handle, History, JobEnd, JobId, JobRow, Next, Project, Running};
use crate::logic::view::forecast::Forecast;
use crate::logic::view::{JobView, Phase};

/// How a job is shown.
#[derive(Clone, Copy, Debug)]
pub struct Skin {
    pub face: Face,
    pub volume: Volume,
    /// A full screen is left by a key only.
    pub stays: bool,
    /// Changed files start it again.
    pub is_round: bool,
}

/// A job that is shown.
pub struct Shown {
    pub number: u64,
    pub id: JobId,
    /// Folder of its logs.
    pub dir: PathBuf,
    /// As far as it has been folded.
    pub view: JobView,
    /// Access to the engine that works on it, if one does.
    pub handle: Option<Handle>,
    /// Access to the next engine that will, where it is waited for.
    pub waiting: Option<Handle>,
    /// Whether another engine goes on with it by itself if its own one dies.
    pub goes_on: bool,
    /// The engine, if it is in this process.
    pub running: Option<Running>,
    /// Whoever looked on has asked for its end on the way out.
    pub is_being_cancelled: bool,
    /// It was left to another engine, unless it had ended by then.
    pub detached: Option<Option<JobEnd>>,
    /// What its faces hear beside it.
    pub notes: Notes,
    /// The job that is shown after this one.
    pub next: Option<Box<Self>>,
}

impl Shown {
    /// Returns a job that runs in this process; the view is as far as nothing needs to be shown any more.
    #[must_use]
    pub fn ours(running: Running, view: JobView) -> Self {
        Self {
            number: running.number,
            id: running.id.clone(),
            dir: running.dir.clone(),
            view,
            handle: Some(running.handle.clone()),
            waiting: None,
            goes_on: false,
            is_being_cancelled: false,
            detached: None,
            notes: Notes::default(),
            next: None,
            running: Some(running),
        }
    }

    /// Takes note of whether an engine works on the job.
    pub fn set_owned(&mut self, is_owned: bool) {
        if is_owned && self.handle.is_none() {
            self.handle = self.waiting.take();
        } else if !is_owned && self.waiting.is_none() {
            self.waiting = self.handle.take();
        }
    }

    /// Returns what gives the job another engine, on a thread of its own, if it has lost one and is kept.
    #[must_use]
    pub fn engine_call(&self, context: &Context) -> Box<dyn Fn()> {
        let (start, project) = (context.outside.start_engine, context.project.clone());
        let (id, dir, goes_on) = (self.id.clone(), self.dir.clone(), self.goes_on);
        Box::new(move || {
            if !goes_on {
                return;
            }
            let (project, id, dir) = (project.clone(), id.clone(), dir.clone());
            // Whoever looks at the project next tries again, and tells what is in the way.
            let _spawned = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
                let _outcome = start(&project, (&id.0, &dir), &Given::default());
            });
        })
    }

    /// Says whether the job of this process goes on without a terminal.
    fn is_kept(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.is_kept)
    }

    /// Leaves the job of this process to an engine without a face.
    fn detach(&mut self, context: &Context) -> Result<(), Failure> {
        let Some(running) = self.running.take() else { return Ok(()) };
        self.handle = None;
        let given = running.given.clone();
        if let Some(end) = running.hand_over()? {
            // It came to its end a moment before.
            self.detached = Some(Some(end));
            return Ok(());
        }
        self.detached = Some(None);
        let started = (context.outside.start_engine)(&context.project, (&self.id.0, &self.dir), &given);
        started.map_err(|why| {
            let recover = context.command(&format!("jobs recover {}", self.number));
            let message =
                format!("job #{} has no engine now, and what runs of it goes on: {why}", self.number);
            Failure::surroundings(message).help(format!("`{recover}` starts one"))
        })
    }

    /// Returns what signals cancel: a job of this process.
    fn own(&self) -> Option<&Handle> {
        self.handle.as_ref().filter(|_| self.running.is_some())
    }
}

/// How long lines may wait in the buffer where nobody looks on.
const LAZY: Duration = Duration::from_millis(50);

/// After so many events without a pause the job is busy, and where nobody looks on the next ones are gathered.
const BUSY: u32 = 6;

/// How long they are gathered.
const GATHER: Duration = Duration::from_millis(16);

/// How a round of a job was left that changed files start again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundLeft {
    /// The job has ended, and the next round is waited for.
    Ended(Ending),
    /// The job has ended, and the next round is to begin at once.
    Due(Ending),
    /// Whoever looked has seen enough. How the job ended.
    Seen(Ending),
    /// The job goes on without this process.
    Detached,
}

/// Shows a round of a job that changed files start again, or its end once more. A full screen stays where it is, and goes
/// over into rows if somebody wants lines. Returned is the job besides, where it can be shown once more.
///
/// # Errors
/// If the engine gave up before the job ended.
pub fn round(
    context: &Context,
    steering: &Steering,
    screen: Option<&mut OwnScreen>,
    out: &mut Out,
    (mut shown, skin): (Shown, &mut Skin),
) -> Result<(RoundLeft, Option<Shown>), Failure> {
    steering.set_kept(shown.is_kept());
    steering.set_job(shown.own());
    let Some(screen) = screen else {
        let left = follow_steered(context, steering, out, shown, *skin)?;
        steering.set_job(None);
        return Ok((left.map_or(RoundLeft::Detached, RoundLeft::Ended), None));
    };
    let OwnScreen { terminal, look } = screen;
    let screen = Screen { terminal, look, goes_on: true };
    let exit = full(context, steering, screen, out, (&mut shown, skin))?;
    if shown.detached == Some(None) {
        out.line(goes_on(context, &shown));
        return Ok((RoundLeft::Detached, None));
    }
    if exit == Exit::Otherwise {
        // Rows, or lines where there are none.
        skin.face = if skin.face == Face::Full { Face::Inline } else { skin.face };
        let left = follow_steered(context, steering, out, shown, *skin)?;
        steering.set_job(None);
        return Ok((left.map_or(RoundLeft::Detached, RoundLeft::Ended), None));
    }
    if let Some(running) = shown.running.take() {
        running.wait()?;
        // It waits in the buffer until the screen has been left.
        let line = summary::final_line(&shown.view, shown.number);
        out.line(format!("{} {line}", out.paint.sign(State::of_job(&shown.view))));
    }
    steering.set_job(None);
    let outcome = shown.view.phase.outcome();
    let ending = outcome.map_or(Ending::Cancelled, |it| Ending::of_job(it, shown.view.cause.as_ref()));
    let left = if exit == Exit::Due { RoundLeft::Due(ending) } else { RoundLeft::Seen(ending) };
    Ok((left, Some(shown)))
}

/// A full screen that stays from round to round.
pub struct OwnScreen {
    terminal: tui::terminal::Terminal,
    /// With the theme that was chosen last.
    look: tui::ui::Look,
}

impl OwnScreen {
    /// Opens the terminal for it, without changing anything yet.
    ///
    /// # Errors
    /// If it cannot be used, or the theme that was set cannot.
    pub fn open(context: &Context) -> Result<Self, Failure> {
        Ok(Self { terminal: open(context)?, look: tui::look(context)? })
    }

    /// Gives the terminal back.
    pub fn leave(&mut self) {
        self.terminal.leave();
    }
}

/// Looks whether a full screen can be had, if one is to be shown: returns the face that can, and why it is another one.
///
/// # Errors
/// If the theme that was set does not exist or says something wrong.
pub fn ready(context: &Context, face: Face, why: Option<String>) -> Result<(Face, Option<String>), Failure> {
    if face != Face::Full {
        return Ok((face, why));
    }
    tui::look(context)?;
    if open(context)?.is_ours() {
        return Ok((face, why));
    }
    let why = "the full screen needs the terminal, and this process is in the background";
    Ok((Face::Plain, Some(format!("{why}, so the job is shown line by line"))))
}

/// Shows a job until it has ended, or until whoever only looks on has seen enough.
///
/// # Errors
/// If the engine gave up before the job ended.
pub fn follow(context: &Context, out: &mut Out, shown: Shown, skin: Skin) -> Result<Ending, Failure> {
    // Whoever changes the terminal's modes gives it back before the process stops.
    let with_stops = matches!(skin.face, Face::Full | Face::Inline);
    let is_ours = shown.running.is_some();
    let parting = || parting(context, (shown.number, &shown.id), &shown.view.playbook.name);
    let steering = Steering::start(context, (shown.own(), (!is_ours).then(parting)), with_stops)?;
    steering.set_kept(shown.is_kept());
    let ending = follow_steered(context, &steering, out, shown, skin).map(|it| it.unwrap_or(Ending::Success));
    if !is_ours {
        // A job of this process ends before it does.
        settle(&steering, out);
    }
    ending
}

/// Lets the last orders reach the engine of another process before this one ends.
pub fn settle(steering: &Steering, out: &mut Out) {
    for words in steering.orders().settle(PATIENCE) {
        out.line(words);
    }
    out.flush();
}

/// Nothing is returned of a job that goes on without this process.
fn follow_steered(
    context: &Context,
    steering: &Steering,
    out: &mut Out,
    mut shown: Shown,
    mut skin: Skin,
) -> Result<Option<Ending>, Failure> {
    if skin.face == Face::Full {
        let (mut look, mut terminal) = (tui::look(context)?, open(context)?);
        let screen = Screen { terminal: &mut terminal, look: &mut look, goes_on: false };
        full(context, steering, screen, out, (&mut shown, &mut skin))?;
    }
    if skin.face == Face::Inline {
        match rows(context, steering, out, (&mut shown, &mut skin), None) {
            Some(inline::Left::Seen) => {
                tell_it_goes_on(context, out, &mut shown);
                return Ok(None);
            }
            Some(inline::Left::Detach) => shown.detach(context)?,
            _ => {}
        }
    }
    if shown.detached == Some(None) {
        say_it_goes_on(context, out, &shown);
        return Ok(None);
    }
    if matches!(skin.face, Face::Plain | Face::Json) {
        lines(context, steering, out, &mut shown, skin);
    }
    finish(context, out, shown, skin).map(Some)
}

/// Shows rows below the output until the job has ended, or another face is to go on. Nothing, if they have a bug: then
/// it goes on line by line.
fn rows(
    context: &Context,
    steering: &Steering,
    out: &mut Out,
    (shown, skin): (&mut Shown, &mut Skin),
    stream: Option<inline::Stream>,
) -> Option<inline::Left> {
    // What is shown is a fold of events, which was changed by whole ones only.
    let follow = || inline::follow(context, steering, out, shown, *skin, stream);
    let left = catch_unwind(AssertUnwindSafe(follow)).ok();
    if left.is_none() {
        held::leave_now();
        out.line("the rows below the output failed; the job goes on, line by line");
        skin.face = Face::Plain;
    }
    left
}

/// Opens the terminal for full screens, without changing anything yet.
///
/// # Errors
/// If it cannot be used.
pub fn open(context: &Context) -> Result<tui::terminal::Terminal, Failure> {
    tui::terminal::Terminal::open(context.outside.guard)
        .map_err(|error| Failure::surroundings(format!("the terminal cannot be used: {error}")))
}

/// A screen that a job can be shown on.
pub struct Screen<'a> {
    pub terminal: &'a mut tui::terminal::Terminal,
    /// With the theme that was chosen last.
    pub look: &'a mut tui::ui::Look,
    /// Whoever it belongs to goes on with it: it is not left between.
    pub goes_on: bool,
}

/// What came of a job that was shown on the screen of somebody else.
pub enum After {
    /// Whoever looked has seen enough. The words for how the job ended, if it ran in this process.
    Back(Option<String>),
    /// The screen was left, and the job was shown to its end in another way.
    Over(Ending),
}

/// Shows a job on a screen that was there before and goes on afterwards. Signals cancel it meanwhile, if it is ours.
///
/// # Errors
/// If the engine gave up before the job ended.
pub fn follow_on(
    context: &Context,
    steering: &Steering,
    screen: Screen<'_>,
    out: &mut Out,
    mut shown: Shown,
) -> Result<After, Failure> {
    let mut skin = Skin { face: Face::Full, volume: Volume::Normal, stays: true, is_round: false };
    steering.set_kept(shown.is_kept());
    steering.set_job(shown.own());
    let others = shown.running.is_none();
    let parting = || parting(context, (shown.number, &shown.id), &shown.view.playbook.name);
    steering.set_parting(others.then(parting));
    let was_ours = shown.running.is_some();
    match full(context, steering, screen, out, (&mut shown, &mut skin)) {
        Ok(Exit::Seen | Exit::Due) => {
            steering.set_job(None);
            steering.set_parting(None);
        }
        Ok(Exit::Otherwise) => {
            if skin.face != Face::Full {
                lines(context, steering, out, &mut shown, skin);
            }
            return finish(context, out, shown, skin).map(After::Over);
        }
        Err(failure) => return Ok(After::Over(failure.ending)),
    }
    if shown.detached == Some(None) {
        return Ok(After::Back(Some(goes_on(context, &shown))));
    }
    match shown.running.take() {
        Some(running) => running.wait().map(drop)?,
        // It ended here, and what was to run it on did not begin.
        None if was_ours => {}
        None => return Ok(After::Back(None)),
    }
    let line = summary::final_line(&shown.view, shown.number);
    Ok(After::Back(Some(format!("{} {line}", out.paint.sign(State::of_job(&shown.view))))))
}

/// How a full screen was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// By somebody who sat before it.
    Seen,
    /// For another way to show the job.
    Otherwise,
    /// For the next round.
    Due,
}

/// Fills the screen until somebody has seen enough, or another face is to go on.
///
/// # Errors
/// Without words, if whoever only looked on is gone.
fn full(
    context: &Context,
    steering: &Steering,
    screen: Screen<'_>,
    out: &mut Out,
    (shown, skin): (&mut Shown, &mut Skin),
) -> Result<Exit, Failure> {
    let Screen { terminal, look, goes_on } = screen;
    let mut ui = tui::ui::Ui::new(look.clone(), shown.dir.clone(), Forecast::new(&[]));
    let watch = tui::Watch {
        context,
        steering,
        again: cli::again,
        fresh: cli::fresh,
        stays: skin.stays,
        is_round: skin.is_round,
        goes_on,
    };
    // While it is started again, it is nobody's.
    let mut was_ours = shown.running.is_some();
    loop {
        let left = tui::watch(terminal, &mut ui, shown, watch);
        // Somebody may have chosen or saved another one meanwhile.
        look.clone_from(&ui.look);
        match left {
            // Asked for the fourth time, nobody waits for what still runs.
            Ok(tui::Left::Done) if shown.own().is_some() && shown.view.phase.outcome().is_none() => {
                steering.leave_now()
            }
            Ok(tui::Left::Done) => return Ok(Exit::Seen),
            Ok(tui::Left::Due) => return Ok(Exit::Due),
            Ok(tui::Left::Next) => {
                let Some(next) = shown.next.take() else { return Ok(Exit::Seen) };
                let behind = std::mem::replace(shown, *next);
                out.line(leave_behind(context, behind));
                steering.set_kept(shown.is_kept());
                steering.set_job(shown.own());
                steering.set_parting(None);
                ui = tui::ui::Ui::new(look.clone(), shown.dir.clone(), Forecast::new(&[]));
                was_ours = true;
            }
            Ok(tui::Left::Detach) => {
                shown.detach(context)?;
                return Ok(Exit::Seen);
            }
            Ok(tui::Left::Stream(cell)) => {
                let stream = Some(inline::Stream { cell });
                match rows(context, steering, out, (shown, skin), stream) {
                    Some(inline::Left::Full) => {}
                    Some(inline::Left::Detach) => {
                        shown.detach(context)?;
                        return Ok(Exit::Seen);
                    }
                    _ => return Ok(Exit::Otherwise),
                }
            }
            // Whoever only looked on is gone, and the job is somebody else's.
            Ok(tui::Left::Lines) if shown.running.is_none() && !was_ours => {
                tell_it_goes_on(context, out, shown);
                return Err(Failure::told(Ending::Cancelled));
            }
            Ok(tui::Left::Lines) => {
                skin.face = Face::Plain;
                return Ok(Exit::Otherwise);
            }
            Err(error) => {
                out.line(format!("the full screen failed: {error}; the job goes on, line by line"));
                skin.face = Face::Plain;
                return Ok(Exit::Otherwise);
            }
        }
    }
}

/// Takes leave of a job in whose place another one is shown; returns what becomes of it, in a line.
fn leave_behind(context: &Context, mut shown: Shown) -> String {
    if shown.view.phase.outcome().is_some() {
        if let Some(running) = shown.running.take() {
            // How it ended is known already.
            let _ended = running.wait();
        }
        return summary::final_line(&shown.view, shown.number);
    }
    match shown.detach(context) {
        Ok(()) => goes_on(context, &shown),
        Err(failure) => failure.message,
    }
}

/// Earlier jobs that tell how long stages take.
const LOOKED_AT: usize = 5;

/// Returns what earlier jobs of the same playbook say about a job, if there are any that can be read.
#[must_use]
pub fn forecast(project: &Project, job: &JobId) -> Option<Forecast> {
    let history = History::open(project).ok()??;
    let row = history.find(&job.0).ok()?;
    let plan = history.plan(job).ok()?;
    let times = history.stage_times(&row.playbook, &plan, LOOKED_AT).ok()?;
    Some(Forecast::of_plan(&plan, &times))
}

/// Shows the rest of a job line by line, or as events.
fn lines(context: &Context, steering: &Steering, out: &mut Out, shown: &mut Shown, skin: Skin) {
    steering.listen_alone();
    let call_engine = shown.engine_call(context);
    let Some(handle) = shown.handle.as_ref().or(shown.waiting.as_ref()) else { return };
    let (number, goes_on, view) = (shown.number, shown.goes_on, &mut shown.view);
    let (json, job) = (skin.face == Face::Json, shown.id.to_string());
    if !json && skin.volume != Volume::Quiet && view.seq == 0 {
        out.line(format!("{} job #{number}: {}", out.paint.symbol(Phase::Running), view.playbook.name));
    }
    let mut plain = Plain::new(skin.volume, shown.dir.clone(), context.settings.heartbeat())
        .answering(context.caller.clone(), number);
    let mut events = handle.subscribe(view.seq);
    let (mut seen, mut follower) = (0, None);
    let heard = (out.is_terminal || skin.is_round).then(|| Heard::of(&shown.notes)).flatten();
    loop {
        for note in heard.iter().flat_map(Heard::take) {
            tell_note(context, out, &note, json);
        }
        let mut next = events.next(Some(Duration::ZERO));
        if matches!(next, Next::Timeout) && !out.is_terminal && seen >= BUSY {
            // Being woken for every single event would take the processor from the steps themselves.
            events.gather(GATHER);
            seen = 0;
            next = events.next(Some(Duration::ZERO));
        }
        if matches!(next, Next::Timeout) && !out.is_terminal && !json {
            next = events.next(Some(LAZY));
        }
        if matches!(next, Next::Timeout) {
            out.flush();
            let patience = if json { None } else { plain.patience() };
            if follower.is_none() && out.is_terminal && !json && !skin.is_round {
                follower = Some(live::follow(&context.project, &shown.id, &shown.notes));
            }
            next = match &heard {
                Some(heard) => heard.wait(&mut events, patience),
                None => events.next(patience),
            };
        }
        match next {
            Next::Event(envelope) => {
                seen += 1;
                view.fold(&envelope);
                if json {
                    out.line(event_json::line(view, &job, &envelope));
                } else {
                    plain.event(out, view, &envelope);
                }
            }
            Next::Grew(key, size) if !json => plain.grew(out, view, key, size),
            Next::Grew(..) => {}
            Next::Timeout if !json => plain.beat(out, view),
            Next::Timeout => {}
            // Nobody goes on with it by itself, and whoever reads lines may be a script.
            Next::Unowned if !goes_on => break,
            Next::Unowned => {
                call_engine();
                if !json {
                    out.line(out.paint.dim(words::UNOWNED));
                }
            }
            Next::Owned if !json => out.line(out.paint.dim(words::OWNED)),
            Next::Owned => {}
            Next::End => break,
        }
    }
    if !json {
        plain.finish(out, view);
    }
}

/// Prints what is told beside a job.
pub fn tell_note(context: &Context, out: &mut Out, note: &Note, json: bool) {
    match note {
        Note::Record { line, .. } if json => out.line(line),
        _ if json => {}
        note => {
            if let Some(words) = live::line(context, note) {
                out.line(format!("note: {words}"));
            }
        }
    }
}

/// Says how the job ended, and returns that.
fn finish(context: &Context, out: &mut Out, mut shown: Shown, skin: Skin) -> Result<Ending, Failure> {
    out.flush();
    if shown.running.is_none() && skin.face == Face::Full && shown.view.phase.outcome().is_none() {
        // Whoever only looked on leaves a job that goes on, or that nobody works on any more.
        tell_it_goes_on(context, out, &mut shown);
        return Ok(Ending::Success);
    }
    let Shown { number, dir, view, running, .. } = shown;
    let end = running.map(engine::Running::wait).transpose()?;
    let Phase::Done(outcome) = view.phase else {
        let failure = Failure::surroundings("the engine ended before the job");
        return Err(failure.help(context.command(&format!("jobs show {number}"))));
    };
    if skin.face == Face::Json {
        // Events alone stand among the lines for programs.
        let mut notes = Out::new(Box::new(std::io::stderr()), out.paint, false);
        summary::print_left(&mut notes, end.as_ref(), &dir, Volume::Quiet);
        notes.flush();
    } else {
        summary::print(out, &view, (number, &dir), skin.volume, &context.caller);
        summary::print_left(out, end.as_ref(), &dir, skin.volume);
    }
    out.flush();
    Ok(Ending::of_job(outcome, view.cause.as_ref()))
}

/// Says that a job goes on without whoever looked on, if somebody still works on it, and how to come back to it; or how
/// it ended in the moment in which they left.
fn tell_it_goes_on(context: &Context, out: &mut Out, shown: &mut Shown) {
    if shown.view.phase.outcome().is_some() {
        return;
    }
    if Handle::connect(&context.project, &shown.id).is_ok() {
        say_it_goes_on(context, out, shown);
        return;
    }
    catch_up(&context.project, shown);
    if shown.view.phase.outcome().is_some() {
        let line = summary::final_line(&shown.view, shown.number);
        out.line(format!("{} {line}", out.paint.sign(State::of_job(&shown.view))));
    }
    out.flush();
}

/// Says that a job goes on and how to come back to it: the commands in lines of their own where one line would be broken.
fn say_it_goes_on(context: &Context, out: &mut Out, shown: &Shown) {
    let line = goes_on(context, shown);
    let has_room = !out.is_terminal || line.width() <= usize::from(inline::size().0);
    if has_room {
        out.line(line);
    } else {
        let (number, name) = (shown.number, &shown.view.playbook.name);
        let is_ending = is_being_cancelled(shown);
        let how = if is_ending { "is being cancelled" } else { "goes on" };
        out.line(format!("job #{number} `{name}` {how}"));
        out.line(format!("  watch   {}", context.command(&format!("w {number}"))));
        if !is_ending {
            out.line(format!("  cancel  {}", context.command(&format!("jobs cancel {number}"))));
        }
    }
    out.flush();
}

/// Takes note of what the store knows about a job beyond what was seen of it. A store that cannot be read says nothing.
fn catch_up(project: &Project, shown: &mut Shown) {
    let Ok(Some(history)) = History::open(project) else { return };
    for envelope in history.events(&shown.id, shown.view.seq, usize::MAX >> 1).unwrap_or_default() {
        shown.view.fold(&envelope);
    }
}

fn is_being_cancelled(shown: &Shown) -> bool {
    shown.is_being_cancelled || shown.view.cancelling.is_some()
}

/// Returns what tells whoever only looked on at a job, and is ended by a signal, what becomes of it.
fn parting(context: &Context, (number, id): (u64, &JobId), name: &str) -> Parting {
    let (context, id, name) = (context.clone(), id.clone(), name.to_owned());
    Box::new(move || {
        let row = History::open(&context.project).ok().flatten().and_then(|history| history.row(&id).ok());
        let command = |rest: &str| context.command(&format!("{rest} {number}"));
        match row {
            Some(row) if row.outcome.is_some() => {
                format!("left; job #{number} `{name}` has ended, `{}` tells how", command("jobs show"))
            }
            Some(row) if !row.owner_alive => format!(
                "left; no engine works on job #{number} `{name}`, `{}` goes on with it",
                command("jobs recover")
            ),
            _ => format!(
                "left; job #{number} `{name}` goes on, `{}` shows it again, `{}` cancels it",
                command("w"),
                command("jobs cancel")
            ),
        }
    })
}

/// Lets signals end this process, which only looks on at a job, with words for what becomes of it.
///
/// # Errors
/// If signals cannot be caught.
pub fn look_on(context: &Context, row: &JobRow) -> Result<(), Failure> {
    let parting = parting(context, (row.number, &row.id), &row.name);
    Steering::start(context, (None, Some(parting)), false).map(drop)
}

fn goes_on(context: &Context, shown: &Shown) -> String {
    let (number, name) = (shown.number, &shown.view.playbook.name);
    let (watch, cancel) =
        (context.command(&format!("w {number}")), context.command(&format!("jobs cancel {number}")));
    if is_being_cancelled(shown) {
        format!("job #{number} `{name}` is being cancelled; `{watch}` shows how far that is")
    } else {
        format!("job #{number} `{name}` goes on; `{watch}` shows it again, `{cancel}` cancels it")
    }
}
