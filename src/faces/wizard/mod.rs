//! A wizard on a terminal: asks what a talk wants to know, question after question, with a way back.
//!
//! Two ways to ask: prompts that are drawn (`prompts.rs`), and lines with numbers for those whom drawing does not help
//! (`numbered.rs`). Not here: the questions (`logic/author`, `logic/plan/inputs`), which commands have a wizard (`faces/making.rs`, `faces/asking.rs`,
//! `faces/editing.rs`).

mod hold;
mod numbered;
mod prompts;

use std::io::{self, Write};

pub use hold::Held;

use super::context::Context;
use super::ending::Failure;
use super::out::Paint;
use crate::logic::talk::{Question, Reply, Talk, Wrong};

/// What somebody did with a question.
pub enum Said {
    Reply(Reply),
    /// Wants the question before.
    Back,
    /// Wants to go on another time.
    Stop,
}

/// How a wizard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All is said.
    Done,
    /// Somebody went back behind the first question, or stopped.
    Left,
}

/// Asks a person.
pub trait Asks {
    /// Asks one question.
    ///
    /// # Errors
    /// If the terminal cannot be used.
    fn ask(&mut self, talk: &dyn Talk, question: &Question) -> io::Result<Said>;

    /// Says whether an answer that would not do is offered again, to be mended.
    fn mends(&self) -> bool;

    /// Says something between two questions.
    ///
    /// # Errors
    /// If the terminal cannot be used.
    fn tell(&mut self, lines: &[String]) -> io::Result<()>;
}

/// Begins to ask this person: returns how, and the terminal, which is given back when that is dropped.
///
/// # Errors
/// If the terminal cannot be used.
pub fn begin(context: &Context, paint: Paint) -> Result<(Box<dyn Asks>, Option<Held>), Failure> {
    // Lines are read as the terminal gives them; only what is drawn needs all keys.
    let held = match context.surroundings.is_accessible {
        true => None,
        false => Some(Held::take(context.outside.guard).map_err(trouble)?),
    };
    Ok((asks(context, paint), held))
}

/// Says that the terminal cannot be used.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
pub fn trouble(error: io::Error) -> Failure {
    Failure::surroundings(format!("the terminal cannot be used: {error}"))
}

fn asks(context: &Context, paint: Paint) -> Box<dyn Asks> {
    if context.surroundings.is_accessible {
        Box::new(numbered::Numbered::new(context.outside.guard))
    } else {
        Box::new(prompts::Prompts::new(paint))
    }
}

/// Asks until all is said or somebody has enough. `keep` is called after each answer that counts, `before` ahead of each question.
///
/// # Errors
/// If the terminal cannot be used.
pub fn go<T: Talk>(
    asks: &mut dyn Asks,
    talk: &mut T,
    keep: &mut dyn FnMut(&T),
    before: &mut dyn FnMut(&T, &Question) -> Vec<String>,
) -> io::Result<Ended> {
    let mut refused_one: Option<Reply> = None;
    while let Some(mut question) = talk.question() {
        match refused_one.take() {
            Some(reply) if asks.mends() => question.before = Some(reply),
            Some(_) => {}
            None => asks.tell(&before(talk, &question))?,
        }
        match asks.ask(talk, &question)? {
            Said::Reply(reply) => match talk.answer(reply.clone()) {
                Ok(notes) => {
                    keep(talk);
                    let notes: Vec<String> = notes.iter().map(|it| format!("  note: {it}")).collect();
                    asks.tell(&notes)?;
                }
                Err(wrong) => {
                    asks.tell(&[refused(&wrong)])?;
                    refused_one = Some(reply);
                }
            },
            Said::Back if talk.back() => keep(talk),
            Said::Back | Said::Stop => return Ok(Ended::Left),
        }
    }
    Ok(Ended::Done)
}

/// Returns why an answer will not do, in a line.
#[must_use]
pub fn refused(wrong: &Wrong) -> String {
    if wrong.help.is_empty() { wrong.what.clone() } else { format!("{}: {}", wrong.what, wrong.help) }
}

/// Writes lines to a terminal that does not make returns of them by itself.
fn write_lines(lines: &[String]) -> io::Result<()> {
    let mut terminal = io::stderr().lock();
    for line in lines {
        write!(terminal, "{line}\r\n")?;
    }
    terminal.flush()
}
