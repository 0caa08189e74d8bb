//! The state machine of a job: four verbs over a journal of events.
//!
//! | verb | file | question |
//! |---|---|---|
//! | `decide` | `decide.rs`, `steer.rs` | what does this input record? |
//! | `follow` | `follow.rs`, `progress.rs` | what do the events imply now? |
//! | `apply` | `apply.rs` | what is the state after this event? Cannot fail |
//! | `wanted` | `wanted.rs`, `launch.rs` | what should the world be doing? |
//!
//! `turn` is decide, apply, then follow and apply until nothing follows. A job begins as the recovery of an empty
//! journal, so start, cancel and recovery are one path. `decide` records only what was said; everything that results
//! from it belongs to `follow`, so that a crash in the middle of a batch heals itself.
//!
//! Steps beside each other are in `together.rs` (`background`, `wait`, `cancel`, `parallel`), `services` in
//! `sidecar.rs`, sagas in `undo.rs`.
//!
//! What is not here: clocks (`now` is an argument), processes, the store, wording for screens.

mod actions;
mod answer;
pub mod apply;
mod apply_steps;
pub mod artifacts;
pub mod cached;
pub(crate) mod calls;
pub mod decide;
pub mod effect;
pub mod event;
mod failing;
mod files;
pub mod follow;
mod freeze;
pub mod gate;
pub mod launch;
pub mod order;
pub mod progress;
pub mod recipe;
pub mod repeat;
pub mod report;
pub mod scope;
mod scripts;
pub mod share;
pub mod sidecar;
mod simple;
pub mod state;
mod steer;
mod tagged;
mod together;
pub mod undo;
pub mod wanted;

#[cfg(test)]
pub(crate) mod property_playbooks;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use event::Event;
use order::{Asked, Refusal};
use report::Report;
use state::JobState;

use crate::logic::time::Timestamp;

/// Whatever can make a job move.
#[derive(Clone, Debug)]
pub enum Input {
    /// The engine took the job over; the first time this starts it.
    Begin {
        epoch: u64,
    },
    Order(Asked),
    Report(Report),
    /// A deadline passed, or nothing in particular.
    Wake,
}

/// Answers one input: decides, then lets everything follow. The state has moved by exactly the returned events.
///
/// # Errors
/// A refusal, if the input is an order that makes no sense now. Then only the refusal itself is recorded.
pub fn turn(
    state: &mut JobState,
    input: &Input,
    now: Timestamp,
    record: &mut Vec<Event>,
) -> Result<String, Refusal> {
    let answer = decide::decide(state, input, now).map(|(mut events, words)| {
        if let (Input::Order(asked), true) = (input, events.is_empty()) {
            events.extend(repeat::noted(state, asked, &words));
        }
        for event in events {
            apply::apply(state, &event, now);
            record.push(event);
        }
        words
    });
    if let (Err(refusal), Input::Order(asked)) = (&answer, input) {
        let event = Event::OrderRefused {
            by: asked.by.clone(),
            order: asked.id.clone(),
            asked: asked.order.clone(),
            message: refusal.message.clone(),
        };
        apply::apply(state, &event, now);
        record.push(event);
    }
    follow::hear(state, input);
    while let Some(event) = follow::follow(state, now) {
        apply::apply(state, &event, now);
        record.push(event);
    }
    answer
}
