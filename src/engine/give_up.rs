//! When the engine itself cannot go on, such as on a full disk or over a bug: what it holds is ended before it says so, and
//! why is noted in the job's folder, for whoever looks at the job before another engine goes on with it.
//!
//! Not here: a keeper that died, which the job survives (`turn.rs`).

use std::any::Any;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::LocalSet;

use super::begin::Driven;
use super::handle::LocalOrder;
use super::turn::Engine;
use super::{EngineError, ErrorKind};
use crate::port::Outside;
use crate::port::keeper::{OnLoss, ToKeeper};

/// What a keeper may take to end everything, beyond the grace.
const LAST_WORDS: Duration = Duration::from_secs(20);

impl Engine {
    /// Drives the job to its end. When that goes wrong, nothing of it runs any more when this returns.
    pub(super) fn drive_or_give_up(
        &mut self,
        runtime: &Runtime,
        inbox: UnboundedReceiver<LocalOrder>,
        ready: &Sender<Result<(), EngineError>>,
    ) -> Result<Driven, EngineError> {
        let mut outside = None;
        let drive = || runtime.block_on(LocalSet::new().run_until(self.drive(&mut outside, inbox, ready)));
        // After a panic only the plan is still believed, which nothing changes.
        let driven = catch_unwind(AssertUnwindSafe(drive)).unwrap_or_else(|panic| Err(bug(panic.as_ref())));
        driven.map_err(|error| {
            let survivors = self.end_all(runtime, outside, error.kind == ErrorKind::Refused);
            if survivors.is_empty() {
                return error;
            }
            let message =
                format!("{error}; still there, because they would not end: {}", survivors.join(", "));
            EngineError { message, ..error }
        })
    }

    /// Notes why the job is given up, and names it in the error, if it lives on.
    pub(super) fn note(&self, error: EngineError) -> EngineError {
        let error = self.store.named(error);
        // The state here may be ahead of what could be recorded.
        if error.kind == ErrorKind::Refused || !self.store.lives_on(self.number, self.epoch) {
            return error;
        }
        gave_up(Path::new(&*self.state.setting.dir), &error.message);
        EngineError { job: Some(self.number), ..error }
    }

    /// Lets the keeper end everything; what it cannot see to is looked for by tag. Returns what would not end.
    fn end_all(&self, runtime: &Runtime, outside: Option<Box<dyn Outside>>, is_refusal: bool) -> Vec<String> {
        let Some(mut outside) = outside else { return Vec::new() };
        if is_refusal && self.has_adopted {
            // What was asked makes no sense, and what runs has nothing to do with that.
            let _told = outside.send(&[ToKeeper::OnLoss(OnLoss::Keep)]);
            return Vec::new();
        }
        let limit = Duration::from_millis(self.hello.grace_ms).saturating_add(LAST_WORDS);
        // A keeper that cannot be told is gone, or sees the end of the connection a moment later.
        let _told = outside.send(&[ToKeeper::Finish]);
        let ended = async { while outside.next().await.is_some() {} };
        // In time or not: the next look ends what is left, the keeper included.
        let _in_time = runtime.block_on(async { tokio::time::timeout(limit, ended).await });
        if !self.store.is_leased(self.number, self.epoch) {
            // Another engine has taken the job over, and its processes carry the same tag.
            return Vec::new();
        }
        let cancel = self.state.setting.plan.playbook.defaults.cancel.unwrap_or_default();
        (self.world.sweep_job)(&self.state.setting.job_id, cancel.signal, cancel.grace)
    }
}

/// Name of the note in a job's folder. On a full disk there is room for the name only, so an empty one tells that.
const NOTE: &str = "gave-up";

/// What an empty note says.
const FULL: &str = "the disk was full";

/// Notes why nobody works on a job any more that has not ended. It does not begin by itself then, if it never has.
pub fn gave_up(dir: &Path, why: &str) {
    // Whoever is told why by other means is told all the same; whoever looks later sees that it was interrupted.
    let _written = fs::write(dir.join(NOTE), why);
}

/// Returns why the last engine of a job gave it up, unless it did not, or another one has gone on with it since.
#[must_use]
pub fn why_it_gave_up(dir: &Path) -> Option<String> {
    let text = fs::read_to_string(dir.join(NOTE)).ok()?;
    let text = text.trim();
    Some(if text.is_empty() { FULL.to_owned() } else { text.to_owned() })
}

/// Says whether a job was given up for want of room on a disk, by what was noted. Room can be had at any moment.
#[must_use]
pub fn was_for_want_of_room(why: &str) -> bool {
    why == FULL || why.contains(super::NO_ROOM)
}

/// Takes the note away.
pub(super) fn forget(dir: &Path) {
    // Mostly there is none. One that stays is told only while nobody works on the job.
    let _removed = fs::remove_file(dir.join(NOTE));
}

fn bug(panic: &(dyn Any + Send)) -> EngineError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let why = text.map_or_else(String::new, |text| format!(": {text}"));
    EngineError::bug(format!("the engine panicked and gave the job up{why}"))
}
