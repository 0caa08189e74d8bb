//! `jobs events`: the journal, one object a line, as `run --ui json` prints it.

use super::args::EventsArgs;
use super::pick;
use crate::engine::Next;
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::event_json;
use crate::faces::out::Out;
use crate::logic::view::JobView;

/// Runs the command.
///
/// # Errors
/// If there is no such job, or its journal cannot be read.
pub(super) fn events(context: &Context, args: &EventsArgs, out: &mut Out) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let row = pick::job(context, &history, &args.job)?;
    let plan = history.plan(&row.id)?;
    let job = row.id.to_string();
    let mut view = JobView::new(plan.playbook);
    // The events before `after` are folded too, because later ones name cells by position.
    pick::each_event(&history, &row, 0, &mut |envelope| {
        view.fold(envelope);
        if envelope.seq > args.after {
            out.line(event_json::line(&view, &job, envelope));
        }
        !out.is_closed()
    })?;
    if !args.follow || row.outcome.is_some() || out.is_closed() {
        return Ok(Ending::Success);
    }
    let handle = pick::connect(context, &row)?;
    let mut subscription = handle.subscribe(view.seq);
    loop {
        match subscription.next(Some(std::time::Duration::ZERO)) {
            Next::Event(envelope) => {
                view.fold(&envelope);
                if envelope.seq > args.after {
                    out.line(event_json::line(&view, &job, &envelope));
                }
            }
            Next::Grew(..) => {}
            Next::End => return Ok(Ending::Success),
            Next::Timeout => {
                out.flush();
                if out.is_closed() {
                    return Ok(Ending::Success);
                }
                match subscription.next(None) {
                    Next::Event(envelope) => {
                        view.fold(&envelope);
                        if envelope.seq > args.after {
                            out.line(event_json::line(&view, &job, &envelope));
                        }
                    }
                    Next::End => return Ok(Ending::Success),
                    Next::Grew(..) | Next::Timeout => {}
                }
            }
        }
    }
}
