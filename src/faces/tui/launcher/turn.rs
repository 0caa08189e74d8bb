//! The loop of the launcher: waits for keys, for what is read and started beside it, and for the clock.
//!
//! Not here: what keys mean (`update.rs`), the terminal (`terminal.rs`), what a start takes (`cli/begin.rs`).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::mpsc as sync;
use std::thread::{Builder, Scope};
use std::time::Duration;

use crossterm::event::{Event as Input, EventStream};
use rustix::io::Errno;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::draw;
use super::shelf::{self, Ask, News, Shelf, Sources};
use super::state::{Launcher, Request};
use crate::engine::clock;
use crate::engine::watching::{self, Follower};
use crate::faces::context::{Context, Signal};
use crate::faces::editor;
use crate::faces::ending::Ending;
use crate::faces::launch::{Commands, Unbegun, Wanted};
use crate::faces::show::Shown;
use crate::faces::steering::Steering;
use crate::faces::tui::looks::{Saved, follow_looks};
use crate::faces::tui::motion::Motion;
use crate::faces::tui::pace::{Pace, Wish};
use crate::faces::tui::screen;
use crate::faces::tui::terminal::Terminal;

/// How long words such as `12 min ago` may lag behind.
const MINUTE: Duration = Duration::from_secs(60);

pub(super) use crate::faces::tui::ui::SILENT;

/// Why the launcher was left.
pub enum Left {
    /// Whoever looked has seen enough.
    Done,
    /// A signal came, or the terminal went away.
    Signal,
    /// A job was started. The terminal is still taken.
    Begun(Box<Shown>),
    /// The last job is to be shown. The terminal is still taken.
    Watch,
    /// A playbook is to be made. The terminal is still taken.
    New,
    /// A file is to be opened in an editor, at that line. The terminal is still taken.
    Edit(PathBuf, Option<u32>),
    /// A playbook is to be changed by questions. The terminal is still taken.
    Change(PathBuf),
}

/// What the launcher can have done; each call may take a while.
#[derive(Clone, Copy)]
pub struct Launching<'a> {
    pub context: &'a Context,
    pub steering: &'a Steering,
    /// Starts a playbook, given the commands that a person has said yes to.
    pub begin: &'a (dyn Fn(&Wanted, &Commands) -> Result<Shown, Unbegun> + Sync),
    /// Says what would run.
    pub outline: &'a (dyn Fn(&Wanted) -> Vec<String> + Sync),
}

/// What reaches the loop besides keys.
enum Said {
    Signal(Signal),
    News(News),
    Begun(Wanted, Result<Box<Shown>, Unbegun>),
    Outline(PathBuf, Vec<String>),
    Saved(Saved),
}

/// Shows the launcher until something is to be shown in its place, or somebody leaves.
///
/// # Errors
/// If the terminal cannot be used, or this face has a bug.
pub fn launcher(terminal: &mut Terminal, state: &mut Launcher, launching: Launching<'_>) -> io::Result<Left> {
    let (said, mut heard) = mpsc::unbounded_channel();
    let to_loop = said.clone();
    let hear = move |signal| to_loop.send(Said::Signal(signal)).is_ok();
    std::thread::scope(|scope| {
        let left = screen::hold(terminal, launching.steering, hear, |terminal, keys| {
            let mut turn = Turn::new(terminal, state, launching, scope, said)?;
            match keys.runtime.block_on(turn.run(&mut heard, &mut keys.stream)) {
                // Whoever writes may notice before whoever reads that the terminal went away.
                Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => Ok(turn.gone()),
                left => left,
            }
        });
        // A signal that came behind what made this end is not for nobody.
        while let Ok(said) = heard.try_recv() {
            if let Said::Signal(signal) = said {
                launching.steering.put_back(signal);
            }
        }
        if let Ok(Left::Done | Left::Signal) = left {
            // What goes on beside it is waited for below, where nobody sees it any more.
            terminal.leave();
        }
        left
    })
}

struct Turn<'a, 'scope, 'env> {
    terminal: &'a mut Terminal,
    state: &'a mut Launcher,
    launching: Launching<'env>,
    scope: &'scope Scope<'scope, 'env>,
    said: UnboundedSender<Said>,
    /// Has all files read again; the thread that reads ends with it.
    reader: sync::Sender<Ask>,
    /// Has those read again that are saved; nothing if that cannot be.
    _follower: Option<Follower>,
    /// Tells of themes that were saved.
    _themes: Option<Follower>,
    pace: Pace,
}

impl<'a, 'scope, 'env> Turn<'a, 'scope, 'env> {
    fn new(
        terminal: &'a mut Terminal,
        state: &'a mut Launcher,
        launching: Launching<'env>,
        scope: &'scope Scope<'scope, 'env>,
        said: UnboundedSender<Said>,
    ) -> io::Result<Self> {
        let project = &launching.context.project;
        // Names and jobs take a moment only, and a list that gets its order later would jump.
        let shelf = Shelf::look(project);
        state.set_shelf(shelf.clone(), &project.root, clock::elapsed());
        state.starting = None;
        state.mouse = terminal.has_mouse();
        let first = state.books.iter().map(|book| book.path.clone()).collect();
        let (reader, ask) = sync::channel();
        let to_loop = said.clone();
        let tell = move |news| to_loop.send(Said::News(news)).is_ok();
        let sources = Sources::default();
        let theirs = sources.clone();
        Builder::new()
            .name("playbooks".to_owned())
            .spawn_scoped(scope, move || shelf::keep(project, shelf, first, (&ask, &theirs), &tell))?;
        let to_reader = reader.clone();
        let told = move |news| {
            to_reader
                .send(match news {
                    watching::News::Version(()) => Ask::Changed,
                    watching::News::Polled(words) => Ask::Polled(words),
                })
                .is_ok()
        };
        let called = move || {
            let sources = sources.lock().unwrap_or_else(PoisonError::into_inner);
            sources.values().flatten().cloned().collect()
        };
        let follower = watching::follow_library(project, called, told).ok();
        let to_loop = said.clone();
        let tell = move |it| to_loop.send(Said::Saved(it)).is_ok();
        let themes = follow_looks(launching.context, &state.look, tell);
        Ok(Self {
            terminal,
            state,
            launching,
            scope,
            said,
            reader,
            _follower: follower,
            _themes: themes,
            pace: Pace::default(),
        })
    }

    async fn run(
        &mut self,
        heard: &mut UnboundedReceiver<Said>,
        input: &mut EventStream,
    ) -> io::Result<Left> {
        if let Some(words) = self.state.look.wrong_keys.take() {
            self.state.say(words, clock::elapsed());
        }
        self.pace.wish(Wish::Now, clock::elapsed());
        loop {
            let now = clock::elapsed();
            if self.state.expire(now) {
                self.pace.wish(Wish::Now, now);
            }
            if self.pace.is_due(now) {
                self.draw()?;
            }
            let wait = self.wait();
            let left = tokio::select! {
                biased;
                event = screen::next(input) => match event {
                    Some(Ok(event)) => {
                        #[cfg(feature = "faults")]
                        crate::faces::faults::at_event(&event)?;
                        self.take(&event)?
                    }
                    // The terminal went away.
                    Some(Err(_)) | None => Some(self.gone()),
                },
                Some(said) = heard.recv() => self.hear(said, heard)?,
                () = tokio::time::sleep(wait) => None,
            };
            if let Some(left) = left {
                return Ok(left);
            }
        }
    }

    /// Returns how long nothing is due.
    fn wait(&self) -> Duration {
        let now = clock::elapsed();
        let notice = self.state.notice.as_ref().map(|(_, until)| until.saturating_sub(now));
        [self.pace.left(now), notice].into_iter().flatten().min().unwrap_or(MINUTE)
    }

    fn draw(&mut self) -> io::Result<()> {
        let (began, time) = (clock::elapsed(), clock::now());
        let picture = draw::picture(self.state, (began, time), self.terminal.size());
        let began = clock::elapsed();
        self.terminal.show(picture.buffer, picture.cursor, &picture.title)?;
        let done = clock::elapsed();
        self.pace.drawn(done, done.saturating_sub(began));
        let motion = self.state.look.motion;
        if let Some(next) = motion.next_frame(time, false, picture.has_spinner) {
            self.pace.wish_at(done + next);
        }
        if motion != Motion::None {
            self.pace.wish_at(done + MINUTE);
        }
        if let Some((_, since)) = self.state.starting
            && done < since + SILENT
        {
            self.pace.wish_at(since + SILENT);
        }
        Ok(())
    }

    fn take(&mut self, event: &Input) -> io::Result<Option<Left>> {
        self.pace.wish(Wish::Now, clock::elapsed());
        let requests = self.state.take(event, clock::elapsed());
        self.carry_out(requests)
    }

    fn hear(&mut self, first: Said, heard: &mut UnboundedReceiver<Said>) -> io::Result<Option<Left>> {
        let now = clock::elapsed();
        self.pace.wish(Wish::Now, now);
        let mut has_news = false;
        let mut next = Some(first);
        while let Some(said) = next {
            match said {
                Said::Signal(Signal::Stop) => self.suspend(false)?,
                Said::Signal(Signal::Continue) => self.terminal.enter_again()?,
                // It comes as an event of the terminal, too.
                Said::Signal(Signal::Resize) => {}
                Said::Signal(Signal::Interrupt | Signal::Terminate | Signal::HangUp) => {
                    return Ok(Some(self.gone()));
                }
                Said::News(News::Content(path, content)) => {
                    self.state.set_content(&path, content);
                    has_news = true;
                }
                Said::News(News::Said(words)) => self.state.say(words, now),
                Said::News(News::Shelf(shelf)) => {
                    self.state.set_shelf(shelf, &self.launching.context.project.root, now);
                }
                Said::Begun(_, Ok(shown)) => {
                    self.state.form = None;
                    return Ok(Some(Left::Begun(shown)));
                }
                Said::Begun(wanted, Err(why)) => {
                    self.state.starting = None;
                    self.state.not_begun(wanted, why, now);
                }
                Said::Saved(saved) => {
                    if let Some(words) = self.state.look.take(saved) {
                        self.state.say(words, now);
                    }
                }
                Said::Outline(path, lines) => self.state.set_outline(&path, lines),
            }
            next = heard.try_recv().ok();
        }
        if has_news && !self.state.filter.is_empty() {
            self.state.find();
        }
        Ok(None)
    }

    fn carry_out(&mut self, requests: Vec<Request>) -> io::Result<Option<Left>> {
        for request in requests {
            match request {
                Request::Open(path) => {
                    self.read_again(&path);
                    let requests = self.state.opened(clock::elapsed());
                    return self.carry_out(requests);
                }
                Request::Begin(wanted, agreed) => self.begin(wanted, agreed)?,
                Request::Outline(wanted) => self.outline(wanted)?,
                Request::Watch => return Ok(Some(Left::Watch)),
                Request::New => return Ok(Some(Left::New)),
                Request::Edit(..) if self.launching.context.surroundings.editor.is_none() => {
                    self.state.say(editor::NONE, clock::elapsed());
                }
                Request::Edit(path, line) => return Ok(Some(Left::Edit(path, line))),
                Request::Change(path) => {
                    self.read_again(&path);
                    if self.state.is_changeable(clock::elapsed()) {
                        return Ok(Some(Left::Change(path)));
                    }
                }
                Request::Leave => return Ok(Some(Left::Done)),
                Request::Abandon => self.abandon(),
                Request::Suspend => self.suspend(true)?,
                Request::Redraw => {
                    self.terminal.redraw();
                    // A thread that has ended cannot be asked, and nothing else is lost by it.
                    let _asked = self.reader.send(Ask::Everything);
                }
                Request::Mouse(is_on) => self.terminal.set_mouse(is_on)?,
            }
        }
        Ok(None)
    }

    /// Reads a file as it is now: somebody may have changed it since it was read.
    fn read_again(&mut self, path: &Path) {
        let content = shelf::read(&self.launching.context.project, path);
        self.state.set_content(path, content);
    }

    /// Leaves without being asked to, also while a job is being started.
    fn gone(&self) -> Left {
        if self.state.starting.is_some() {
            self.abandon();
        }
        Left::Signal
    }

    /// Ends the process, and with it what is being started.
    fn abandon(&self) -> ! {
        let context = self.launching.context;
        let list = context.command("jobs list");
        let words = format!("left while a job was being started; `{list}` shows whether it was");
        (context.outside.leave)(Ending::Cancelled, &words)
    }

    /// Starts a playbook on a thread of its own: secrets and versions of programs may take their time.
    fn begin(&mut self, wanted: Wanted, agreed: Commands) -> io::Result<()> {
        self.state.starting = Some((wanted.clone(), clock::elapsed()));
        let (said, begin) = (self.said.clone(), self.launching.begin);
        Builder::new().name("start".to_owned()).spawn_scoped(self.scope, move || {
            let begun = begin(&wanted, &agreed).map(Box::new);
            let _heard = said.send(Said::Begun(wanted, begun));
        })?;
        Ok(())
    }

    fn outline(&mut self, wanted: Wanted) -> io::Result<()> {
        let (said, outline) = (self.said.clone(), self.launching.outline);
        Builder::new().name("outline".to_owned()).spawn_scoped(self.scope, move || {
            let lines = outline(&wanted);
            let _heard = said.send(Said::Outline(wanted.path, lines));
        })?;
        Ok(())
    }

    /// Gives the terminal back, stops, and takes it again when somebody lets this process go on.
    fn suspend(&mut self, group: bool) -> io::Result<()> {
        self.terminal.leave();
        (self.launching.context.outside.stop_here)(group);
        self.terminal.enter()?;
        self.pace.wish(Wish::Now, clock::elapsed());
        Ok(())
    }
}
