//! When the engine itself cannot go on, such as on a full disk or over a bug: what it holds is ended before it says so.
//!
//! Not here: a keeper that died, which the job survives (`turn.rs`).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
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

fn bug(panic: &(dyn Any + Send)) -> EngineError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let why = text.map_or_else(String::new, |text| format!(": {text}"));
    EngineError::bug(format!("the engine panicked and gave the job up{why}"))
}
