//! `sortie` without a command: the launcher, the jobs that are run from it, and the launcher again, on one screen.
//!
//! Not here: the launcher's screen (`tui/launcher`), how a job is started (`cli/begin.rs`) and shown (`show.rs`).

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::Value as Json;

use super::cli::Changed;
use super::context::{Context, Signal};
use super::ending::{Ending, Failure};
use super::out::{Out, Paint};
use super::show::{self, After, Screen, Shown};
use super::steering::Steering;
use super::tui::launcher::{Launcher, Launching, Left, launcher};
use super::tui::terminal::Terminal;
use super::{cli, editor, tui};
use crate::engine::{clock, library};
use crate::logic::author::Then;

/// How long signals that came while an editor was open may take at most until they have been heard.
const SETTLED: Duration = Duration::from_millis(500);

/// What is said to whom a signal takes out of questions for a new playbook.
const DRAFT: &str = "the draft of the playbook is kept";

/// The same, for changes of a playbook.
const UNWRITTEN: &str =
    "left while a playbook was being changed; its file is written at the end of the questions";

/// A playbook that somebody wants to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub path: PathBuf,
    pub profile: Option<String>,
    /// Values for its inputs; those that are not here have their defaults.
    pub inputs: Vec<(String, Json)>,
}

impl Wanted {
    /// Returns a playbook as it is: without a profile, and with the defaults of its inputs.
    #[must_use]
    pub fn plain(path: PathBuf) -> Self {
        Self { path, profile: None, inputs: Vec::new() }
    }
}

/// Secrets with the commands that fetch them.
pub type Commands = Vec<(String, String)>;

/// Why nothing was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unbegun {
    /// Nobody has said yes to these commands of the playbook yet.
    Asks { playbook: String, commands: Commands },
    /// What the command line would have printed.
    Told(Vec<String>),
}

/// Shows the launcher until somebody leaves it. For each job that was run a line is printed at the end.
///
/// # Errors
/// If the terminal or the look that was set cannot be had, or an engine gave up.
pub fn launch(context: &Context, out: &mut Out) -> Result<Ending, Failure> {
    let steering = Steering::start(context, (None, None), true)?;
    let mut state = Launcher::new(tui::look(context)?, &context.project.root, context.caller.clone());
    let mut terminal = show::open(context)?;
    let launching = Launching {
        context,
        steering: &steering,
        begin: &|wanted, agreed| cli::begin(context, wanted, agreed),
        outline: &|wanted| cli::outline(context, wanted),
    };
    let ending = loop {
        let shown = match launcher(&mut terminal, &mut state, launching) {
            Ok(Left::Done) => break Ok(Ending::Success),
            Ok(Left::Signal) => break Ok(Ending::Cancelled),
            Ok(Left::Begun(shown)) => *shown,
            Ok(Left::New) => match make(context, &steering, &mut terminal, &mut state) {
                Ok(Some(shown)) => shown,
                Ok(None) => continue,
                Err(error) => break Err(Failure::surroundings(error.to_string())),
            },
            Ok(Left::Edit(path, line)) => {
                match edit(context, &steering, &mut terminal, (&path, line)) {
                    Ok(failed) => state.edited(failed, clock::elapsed()),
                    Err(error) => break Err(Failure::surroundings(error.to_string())),
                }
                continue;
            }
            Ok(Left::Change(path)) => match change(context, &steering, (&mut terminal, &mut state), &path) {
                Ok(()) => continue,
                Err(error) => break Err(Failure::surroundings(error.to_string())),
            },
            Ok(Left::Watch) => match cli::last_job(context) {
                Ok(shown) => shown,
                Err(failure) => {
                    state.tell("The last job cannot be shown", lines(&failure));
                    continue;
                }
            },
            Err(error) => break Err(Failure::surroundings(error.to_string())),
        };
        match follow(context, &steering, (&mut terminal, &mut state), out, shown) {
            // It waits in the buffer until the screen has been left.
            Ok(After::Back(line)) => line.iter().for_each(|line| out.line(line)),
            Ok(After::Over(ending)) => break Ok(ending),
            Err(failure) => state.tell("The job could not go on", lines(&failure)),
        }
    };
    terminal.leave();
    show::settle(&steering, out);
    ending
}

/// Lets questions have the normal screen, and takes the terminal back. A signal that ends it all meanwhile says `left`.
fn by_questions<T>(
    context: &Context,
    steering: &Steering,
    terminal: &mut Terminal,
    left: &'static str,
    ask: impl FnOnce(Paint) -> T,
) -> std::io::Result<T> {
    let leave = context.outside.leave;
    steering.set_listener(Some(Box::new(move |signal| match signal {
        Signal::Interrupt | Signal::Terminate | Signal::HangUp => leave(Ending::Cancelled, left),
        Signal::Stop | Signal::Continue | Signal::Resize => true,
    })));
    terminal.hand_over()?;
    let paint = Paint { color: !context.surroundings.no_color, ascii: context.settings.ascii() };
    let answered = ask(paint);
    terminal.take_back()?;
    steering.set_listener(None);
    Ok(answered)
}

/// Lets somebody make a playbook by questions; returns its job, if it is to be run.
fn make(
    context: &Context,
    steering: &Steering,
    terminal: &mut Terminal,
    state: &mut Launcher,
) -> std::io::Result<Option<Shown>> {
    let ask = |paint| cli::by_wizard(context, paint);
    let (path, then) = match by_questions(context, steering, terminal, DRAFT, ask)? {
        Ok(Some(made)) => made,
        Ok(None) => return Ok(None),
        Err(failure) => {
            state.tell("No playbook was made", lines(&failure));
            return Ok(None);
        }
    };
    let shown = library::shown(&context.project.root, &path);
    if then != Then::Run {
        state.made(path.clone(), format!("wrote {shown}"), clock::elapsed());
    }
    if then == Then::Save {
        return Ok(None);
    }
    let wanted = Wanted::plain(path);
    match cli::begin(context, &wanted, &Vec::new()) {
        Ok(shown) => Ok(Some(shown)),
        Err(why) => {
            state.not_begun(wanted, why, clock::elapsed());
            Ok(None)
        }
    }
}

/// Lets somebody change a playbook by questions. What became of the file is read with all others.
fn change(
    context: &Context,
    steering: &Steering,
    (terminal, state): (&mut Terminal, &mut Launcher),
    path: &Path,
) -> std::io::Result<()> {
    let shown = library::shown(&context.project.root, path);
    let found = match cli::changeable(context, path) {
        Ok(found) => found,
        Err(lines) => {
            state.tell(format!("{shown} cannot be changed"), lines);
            return Ok(());
        }
    };
    let ask = |paint| cli::change(context, found, paint);
    let changed = by_questions(context, steering, terminal, UNWRITTEN, ask)?;
    let words = match changed {
        Ok((Changed::Written(_), notes)) if notes.is_empty() => format!("wrote {shown}"),
        Ok((Changed::Written(_), notes)) => {
            state.tell(format!("Wrote {shown}"), notes);
            state.edited(None, clock::elapsed());
            return Ok(());
        }
        Ok((Changed::Left(commands), _)) if !commands.is_empty() => {
            let head = "What was changed so far, as commands:".to_owned();
            let commands = commands.iter().map(|it| format!("  {it}"));
            let lines = [head, String::new()].into_iter().chain(commands).collect();
            state.tell(format!("{shown} is as it was"), lines);
            return Ok(());
        }
        Ok((Changed::Left(_) | Changed::Not, _)) => format!("{shown} is as it was"),
        Err(lines) => {
            state.tell(format!("{shown} was not written"), lines);
            return Ok(());
        }
    };
    state.edited(Some(words), clock::elapsed());
    Ok(())
}

/// Opens a file in the person's editor on the normal screen; returns how that failed, if it did. What became of the file is
/// read with all others.
fn edit(
    context: &Context,
    steering: &Steering,
    terminal: &mut Terminal,
    (path, line): (&Path, Option<u32>),
) -> std::io::Result<Option<String>> {
    let Some(command) = context.surroundings.editor.as_deref() else {
        return Ok(Some(editor::NONE.to_owned()));
    };
    let (leave, stop_here) = (context.outside.leave, context.outside.stop_here);
    let (tell, heard) = channel();
    steering.set_listener(Some(Box::new(move |signal| match signal {
        Signal::Terminate | Signal::HangUp => leave(Ending::Cancelled, "left while an editor was open"),
        // An editor that is suspended stops its whole group, and comes back with it.
        Signal::Stop => {
            stop_here(false);
            true
        }
        // They are the editor's.
        Signal::Interrupt | Signal::Continue => true,
        Signal::Resize => {
            // Of no use to one that has gone.
            let _heard = tell.send(());
            true
        }
    })));
    terminal.lend()?;
    let arguments = editor::arguments(command, path, line);
    let edited = (context.outside.edit)(command, &arguments, &context.project.root);
    // A Ctrl-C that was the editor's must not be taken for one of the launcher, and has been heard before this.
    let _in_time = heard.recv_timeout(SETTLED);
    terminal.take_back()?;
    steering.set_listener(None);
    Ok(edited.err().map(|why| format!("`{}` {why}", editor::name(command))))
}

fn follow(
    context: &Context,
    steering: &Steering,
    (terminal, state): (&mut Terminal, &mut Launcher),
    out: &mut Out,
    shown: Shown,
) -> Result<After, Failure> {
    let screen = Screen { terminal, look: &mut state.look, goes_on: true };
    show::follow_on(context, steering, screen, out, shown)
}

fn lines(failure: &Failure) -> Vec<String> {
    let help = failure.help.as_ref().map(|help| format!("help: {help}"));
    std::iter::once(format!("error: {}", failure.message)).chain(help).collect()
}
