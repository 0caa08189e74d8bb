//! `jobs events`: the journal, one object a line, as `run --ui json` prints it, or given to a command of the caller.
//!
//! Not here: how a listener gets from one engine to the next (`engine/subscription.rs`).

use std::time::Duration;

use super::args::EventsArgs;
use super::{explain, pick, wait};
use crate::engine::{Handle, JobRow, Next};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::faces::{event_json, words};
use crate::logic::job::event::Envelope;
use crate::logic::text::{near_miss, plural};
use crate::logic::view::JobView;

/// Runs the command.
///
/// # Errors
/// If there is no such job or type of event, its journal cannot be read, or the command that was given failed.
pub(super) fn events(
    context: &Context,
    args: &EventsArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    check(&args.types)?;
    let history = pick::history(context)?;
    let row = pick::job(context, &history, &args.job)?;
    let plan = history.plan(&row.id)?;
    let view = JobView::new(plan.playbook);
    let mut teller = Teller { context, args, row: &row, view, out, notes, done: args.after, failed: 0 };
    // The events before `after` are folded too, because later ones name cells by position.
    let mut problem = None;
    pick::each_event(&history, &row, 0, &mut |envelope| {
        problem = teller.tell(envelope).err();
        problem.is_none() && !teller.out.is_closed()
    })?;
    if let Some(problem) = problem {
        return Err(problem);
    }
    drop(history);
    if args.follow && row.outcome.is_none() && !teller.out.is_closed() {
        follow(&mut teller)?;
    }
    teller.finish()
}

fn follow(teller: &mut Teller<'_>) -> Result<(), Failure> {
    let handle = Handle::of(&teller.context.project, &teller.row.id)?;
    let mut subscription = handle.subscribe(teller.view.seq);
    loop {
        let mut next = subscription.next(Some(Duration::ZERO));
        if matches!(next, Next::Timeout) {
            teller.out.flush();
            if teller.out.is_closed() {
                return Ok(());
            }
            next = subscription.next(None);
        }
        match next {
            Next::Event(envelope) => teller.tell(&envelope)?,
            // Nobody goes on with it by itself.
            Next::Unowned if !teller.row.goes_on => {
                return Err(wait::interrupted(teller.context, teller.row));
            }
            Next::Unowned => wait::unowned(teller.context, teller.notes),
            Next::Owned => wait::note(teller.notes, words::OWNED),
            Next::Grew(..) | Next::Timeout => {}
            Next::End => return Ok(()),
        }
    }
}

/// Prints events, or hands them over.
struct Teller<'a> {
    context: &'a Context,
    args: &'a EventsArgs,
    row: &'a JobRow,
    view: JobView,
    out: &'a mut Out,
    notes: &'a mut Out,
    /// The last event of which nothing is left to do.
    done: u64,
    /// Commands that failed.
    failed: usize,
}

impl Teller<'_> {
    fn tell(&mut self, envelope: &Envelope) -> Result<(), Failure> {
        self.view.fold(envelope);
        let is_wanted = envelope.seq > self.args.after && is_wanted(&self.args.types, envelope);
        if is_wanted {
            let line = event_json::line(&self.view, &self.row.id.0, envelope);
            match &self.args.exec {
                None => self.out.line(line),
                Some(command) => self.hand_over(command, line, envelope)?,
            }
        }
        self.done = self.done.max(envelope.seq);
        Ok(())
    }

    fn hand_over(&mut self, command: &str, mut line: String, envelope: &Envelope) -> Result<(), Failure> {
        line.push('\n');
        let run = self.context.outside.run_command;
        let Err(how) = run(command, &self.context.project.root, line.as_bytes()) else { return Ok(()) };
        let what = format!(
            "the command {how} for event {} (`{}`) of job #{}",
            envelope.seq,
            envelope.event.type_name(),
            self.row.number
        );
        if self.args.keep_going {
            self.failed += 1;
            wait::note(self.notes, &what);
            return Ok(());
        }
        let again = format!("jobs events {} --after {}", self.row.number, self.done);
        Err(Failure::surroundings(what).help(format!(
            "go on where it stopped with the same options and `--after {}`: {} ...",
            self.done,
            self.context.command(&again)
        )))
    }

    fn finish(self) -> Result<Ending, Failure> {
        match self.failed {
            0 => Ok(Ending::Success),
            failed => Err(Failure::surroundings(format!("{} failed", plural(failed, "command")))),
        }
    }
}

fn is_wanted(types: &[String], envelope: &Envelope) -> bool {
    let name = envelope.event.type_name();
    types.is_empty() || types.iter().any(|pattern| fits(pattern, name))
}

/// A pattern may have `*` for any number of letters.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((front, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(front) else { return false };
    let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    ends.into_iter().any(|at| fits(rest, &name[at..]))
}

fn check(types: &[String]) -> Result<(), Failure> {
    let known = explain::event_types();
    for wanted in types {
        if known.iter().any(|name| fits(wanted, name)) {
            continue;
        }
        let failure = Failure::usage(format!("no event has the type `{wanted}`"));
        return Err(match near_miss(wanted, known.iter().map(String::as_str)) {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure.help("`sortie explain events` lists them"),
        });
    }
    Ok(())
}
