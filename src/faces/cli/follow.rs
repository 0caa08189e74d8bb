//! Follows a job that runs in this process to its end: events to a face, signals to orders.
//!
//! Not here: starting it (`run.rs`, `retry.rs`), what a face prints (`plain.rs`, `event_json.rs`).

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::plain::Plain;
use crate::engine::{Handle, Next, Running};
use crate::faces::context::{Context, Signal};
use crate::faces::ending::{Ending, Failure};
use crate::faces::event_json;
use crate::faces::out::Out;
use crate::faces::summary::{self, Volume};
use crate::logic::job::event::Envelope;
use crate::logic::job::order::{Asked, Order, Target};
use crate::logic::view::{JobView, Phase};

/// How a job is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skin {
    pub(super) json: bool,
    pub(super) volume: Volume,
}

/// How long lines may wait in the buffer where nobody looks on.
const LAZY: Duration = Duration::from_millis(50);

/// After so many events without a pause the job is busy, and where nobody looks on the next ones are gathered.
const BUSY: u32 = 6;

/// How long they are gathered.
const GATHER: Duration = Duration::from_millis(16);

/// Shows a job until it has ended. The view is as far as nothing needs to be shown any more.
///
/// # Errors
/// If the engine gave up before the job ended.
pub(super) fn follow(
    context: &Context,
    out: &mut Out,
    running: Running,
    mut view: JobView,
    skin: Skin,
) -> Result<Ending, Failure> {
    steer_by_signals(context, &running.handle)?;
    let (number, dir, job) = (running.number, running.dir.clone(), running.id.to_string());
    if !skin.json && skin.volume != Volume::Quiet {
        out.line(format!("{} job #{number}: {}", out.paint.symbol(Phase::Running), view.playbook.name));
    }
    let mut plain = Plain::new(skin.volume, dir.clone(), context.settings.heartbeat());
    let mut events = running.handle.subscribe(view.seq);
    let mut seen = 0;
    loop {
        let mut next = events.next(Some(Duration::ZERO));
        if matches!(next, Next::Timeout) && !out.is_terminal && seen >= BUSY {
            // Being woken for every single event would take the processor from the steps themselves.
            events.gather(GATHER);
            seen = 0;
            next = events.next(Some(Duration::ZERO));
        }
        if matches!(next, Next::Timeout) && !out.is_terminal && !skin.json {
            next = events.next(Some(LAZY));
        }
        if matches!(next, Next::Timeout) {
            out.flush();
            let patience = if skin.json { None } else { plain.patience() };
            next = events.next(patience);
        }
        match next {
            Next::Event(envelope) => {
                seen += 1;
                view.fold(&envelope);
                show(out, &mut plain, &view, &job, &envelope, skin);
            }
            Next::Grew(key, size) if !skin.json => plain.grew(out, &view, key, size),
            Next::Grew(..) => {}
            Next::Timeout if !skin.json => plain.beat(out, &view),
            Next::Timeout => {}
            Next::End => break,
        }
    }
    let end = running.wait();
    out.flush();
    end?;
    let Phase::Done(outcome) = view.phase else {
        let failure = Failure::surroundings("the engine ended before the job");
        return Err(failure.help(format!("sortie jobs show {number}")));
    };
    if !skin.json {
        plain.finish(out, &view);
        summary::print(out, &view, number, &dir, skin.volume);
    }
    out.flush();
    Ok(Ending::of_job(outcome, view.cause.as_ref()))
}

fn show(out: &mut Out, plain: &mut Plain, view: &JobView, job: &str, envelope: &Envelope, skin: Skin) {
    if skin.json {
        out.line(event_json::line(view, job, envelope));
    } else {
        plain.event(out, view, envelope);
    }
}

/// First signal: cancel. Second: kill. Third: leave.
fn steer_by_signals(context: &Context, handle: &Handle) -> Result<(), Failure> {
    let handle = handle.clone();
    let leave = context.outside.leave;
    let actor = context.outside.actor;
    let received = AtomicU32::new(0);
    let callback = move |signal: Signal| {
        if signal == Signal::HangUp && received.load(Ordering::Relaxed) > 0 {
            return;
        }
        let earlier = received.fetch_add(1, Ordering::Relaxed);
        if earlier >= 2 {
            leave(Ending::Cancelled);
        }
        let handle = handle.clone();
        let cancel = move || {
            let order = Asked {
                id: uuid::Uuid::now_v7().to_string(),
                by: actor(),
                order: Order::Cancel { target: Target::Job, force: earlier == 1 },
                expected_seq: None,
            };
            // A refusal means that the job has ended already, which the face sees by itself.
            let _ = handle.order(order);
        };
        // On a thread of its own, so that a stuck engine cannot keep the third signal from being heard.
        if std::thread::Builder::new().spawn(cancel.clone()).is_err() {
            // Out of threads: rather deaf for a moment than not cancelled.
            cancel();
        }
    };
    (context.outside.on_signal)(Box::new(callback))
        .map_err(|error| Failure::surroundings(format!("signals cannot be listened for: {error}")))
}
