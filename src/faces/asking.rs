//! Asks for what a job is started with: inputs and secrets that are required and that nobody gave.
//!
//! Not here: the questions (`logic/plan/inputs/ask.rs`), how they are asked (`wizard`), when (`cli/run.rs`).

use super::context::Context;
use super::ending::{Ending, Failure};
use super::held::{self, Holder};
use super::hint::quoted;
use super::out::Paint;
use super::wizard::{self, Ended, Held, trouble};
use crate::logic::plan::inputs::ask::{OpenSecret, Said, Starting};
use crate::logic::talk::Talk;

/// What somebody said. The terminal waits for the face that shows the job, as long as this lives.
#[derive(Debug, Default)]
pub struct Asked {
    pub said: Said,
    _held: Option<Held>,
}

/// Returns the call that gives these inputs.
pub type Command<'a> = &'a dyn Fn(&[(String, String)]) -> String;

/// Says why nobody can be asked, if so.
#[must_use]
pub fn nobody(context: &Context) -> Option<&'static str> {
    let around = &context.surroundings;
    // One in the background would only be stopped.
    let is_in_front = || {
        rustix::termios::tcgetpgrp(std::io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
    };
    if !around.stdin || !around.stderr || around.is_in_step || !is_in_front() {
        Some("there is no terminal to ask at")
    } else if around.is_ci {
        Some("the variable CI says that nobody sits here")
    } else if context.settings.ui() == "json" {
        Some("nothing is asked with --ui json")
    } else {
        None
    }
}

/// Returns the call of this process with more flags; nothing if it was not about that playbook.
#[must_use]
pub fn again(playbook: Option<&str>, more: &[String]) -> Option<String> {
    let words: Vec<String> = std::env::args().skip(1).filter(|it| it != "--ask").collect();
    let is_about = words.iter().any(|it| Some(it.as_str()) == playbook);
    let words: Vec<String> = words.iter().map(|it| quoted(it)).collect();
    is_about.then(|| [&["sortie".to_owned()][..], &words, more].concat().join(" "))
}

/// Asks; nothing is said where there is nothing to ask. `command` returns the call that asks for nothing any more.
///
/// # Errors
/// If the terminal cannot be used, or somebody wants to start nothing.
pub fn ask(
    context: &Context,
    mut talk: Starting<'_>,
    open: &[OpenSecret],
    paint: Paint,
    command: Command<'_>,
) -> Result<Asked, Failure> {
    if talk.question().is_none() {
        return Ok(Asked::default());
    }
    let (mut asks, held) = wizard::begin(context, paint)?;
    asks.tell(&[paint.dim("Before it starts: Esc goes back a question, Ctrl-C starts nothing.")])
        .map_err(trouble)?;
    let ended = wizard::go(asks.as_mut(), &mut talk, &mut |_| {}, &mut |_, _| Vec::new()).map_err(trouble)?;
    if ended == Ended::Left {
        asks.tell(&["nothing was started".to_owned()]).map_err(trouble)?;
        return Err(Failure::told(Ending::Cancelled));
    }
    let said = talk.said();
    let mut lines = Vec::new();
    if !said.inputs.is_empty() {
        lines.push(paint.dim(&format!("the same by flags: {}", command(&said.inputs))));
    }
    let named = |it: &&OpenSecret| said.secrets.iter().any(|(name, _)| *name == it.name);
    lines.extend(open.iter().filter(named).map(|it| {
        let set = format!("export {}=...", it.variable);
        paint.dim(&format!("the secret `{}` without a question: {set}", it.name))
    }));
    asks.tell(&lines).map_err(trouble)?;
    if let Some(held) = &held {
        held.waits().map_err(trouble)?;
    }
    Ok(Asked { said, _held: held })
}

/// Writes an input as it stands on a command line.
#[must_use]
pub fn flag((name, value): &(String, String)) -> String {
    format!("--input {name}={}", quoted(value))
}

/// Gives the terminal back, if it waits for a face: for a question of another kind, or for lines.
pub fn none_comes() {
    if held::is_held(Holder::Next) {
        held::give_back();
    }
}
