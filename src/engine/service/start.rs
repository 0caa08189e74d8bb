//! What a fire does: it is written down, synced, and then starts a job, waits for one, or gives way.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Begin, Kind, Service, Trigger, look};
use crate::engine::store::{Fire, FireState, NewFire, Store};
use crate::engine::{EngineError, Handle, History, JobId, Project, clock};
use crate::logic::job::order::{Asked, Order, Target};
use crate::logic::schedule::meet::{Meeting, Standing, may_start, meet};
use crate::logic::text;
use crate::logic::time::Timestamp;

pub(super) const SKIPPED: FireState = FireState::Skipped;

/// A start that was interrupted so long ago is given up.
const STALE: Duration = Duration::from_secs(3600);

/// Between two looks whether a job has its number.
const PAUSE: Duration = Duration::from_millis(10);

impl Service<'_> {
    /// Lets a trigger fire. `key` makes it the same fire for everybody who sees it.
    pub(super) fn fire(
        &mut self,
        trigger: &Trigger,
        key: (&str, Timestamp),
        event: Json,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if !self.is_trusted(trigger) {
            let words = "nobody has said yes to this playbook's triggers yet; `sortie schedule trust` asks";
            return self.refuse(trigger, key, (&event, SKIPPED), now, words);
        }
        let standing = self.standing(&trigger.id)?;
        match meet(trigger.overlap(), &standing) {
            Meeting::Skip(why) => self.refuse(trigger, key, (&event, SKIPPED), now, &why),
            Meeting::Start => {
                match self.record(trigger, key, (&event, FireState::Starting), now, "")? {
                    Some(fire) => self.begin(fire, trigger)?,
                    None => {
                        self.line("fire.taken", Some(trigger), None, "another service has seen to this fire")
                    }
                }
                Ok(())
            }
            Meeting::Wait(why) => self.refuse(trigger, key, (&event, FireState::Waiting), now, &why),
            Meeting::Cancel(jobs) => {
                let jobs_named: Vec<String> = jobs.iter().map(|job| format!("#{job}")).collect();
                let why = format!("job {} is cancelled for it", text::listed(&jobs_named, "and"));
                let number = self.record(trigger, key, (&event, FireState::Waiting), now, &why)?;
                if number.is_some() {
                    self.line("fire.waiting", Some(trigger), None, &why);
                    self.give_way(trigger, number)?;
                    for job in jobs {
                        self.cancel(trigger, job);
                    }
                }
                Ok(())
            }
        }
    }

    /// Returns what is still there of earlier fires; a job that has lost its engine gets another one first.
    pub(super) fn standing(&mut self, source: &str) -> Result<Standing, EngineError> {
        let (standing, has_lost) = self.store.standing(source, clock::now())?;
        if !has_lost {
            return Ok(standing);
        }
        (self.hooks.recover)();
        Ok(self.store.standing(source, clock::now())?.0)
    }

    /// Writes a fire down that starts nothing now, and says why.
    pub(super) fn refuse(
        &mut self,
        trigger: &Trigger,
        key: (&str, Timestamp),
        (event, state): (&Json, FireState),
        now: Timestamp,
        words: &str,
    ) -> Result<(), EngineError> {
        if self.record(trigger, key, (event, state), now, words)?.is_some() {
            let what = match state {
                FireState::Waiting => "fire.waiting",
                FireState::Missed => "fire.missed",
                _ => "fire.skipped",
            };
            self.line(what, Some(trigger), None, words);
        }
        Ok(())
    }

    /// Writes a fire down so that it survives power loss; nothing if somebody else has.
    fn record(
        &mut self,
        trigger: &Trigger,
        key: (&str, Timestamp),
        (event, state): (&Json, FireState),
        now: Timestamp,
        words: &str,
    ) -> Result<Option<u64>, EngineError> {
        point();
        let number = record(&mut self.store, trigger, key, (event, state), now, words);
        point();
        number
    }

    /// Fires of a trigger that wait give way to a later one.
    fn give_way(&mut self, trigger: &Trigger, to: Option<u64>) -> Result<(), EngineError> {
        for it in self.store.open_fires()? {
            if it.source == trigger.id && it.state == FireState::Waiting && Some(it.number) != to {
                let words = "a later fire stands for it";
                if self.store.move_fire(it.number, (FireState::Waiting, SKIPPED), words)? {
                    self.line("fire.skipped", Some(trigger), None, words);
                }
            }
        }
        Ok(())
    }

    fn cancel(&mut self, trigger: &Trigger, job: u64) {
        let order = Order::Cancel { target: Target::Job, force: false };
        let asked =
            Asked { id: Uuid::now_v7().to_string(), by: self.hooks.actor.clone(), order, expected_seq: None };
        let words = match connect(&self.project, job).map(|handle| handle.order(asked)) {
            Ok(Ok(words)) => words,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.message,
        };
        self.line("job.cancelled", Some(trigger), Some(job), &words);
    }

    /// Starts the job of a fire that is written down.
    fn begin(&mut self, fire: u64, trigger: &Trigger) -> Result<(), EngineError> {
        self.starting.insert(fire, trigger.clone());
        let begun = match (self.hooks.begin)(&self.project, &trigger.path, fire) {
            Ok(begun) => begun,
            Err(error) => return self.start_ended(fire, Some(format!("no process for it: {error}"))),
        };
        point();
        let ended = Arc::clone(&self.ended);
        let bell = self.stopper.bell.clone();
        let thread = std::thread::Builder::new().name(format!("fire {fire}")).spawn(move || {
            let error = begun().err();
            ended.lock().unwrap_or_else(PoisonError::into_inner).push((fire, error));
            bell.ring();
        });
        // Without that thread its job starts all the same; only a failed start would not be told before the next service.
        thread.map(drop).map_err(|e| EngineError::surroundings(format!("no thread for a start: {e}")))
    }

    /// Takes note that the process which starts a job has ended: then there is a job, or a reason.
    pub(super) fn start_ended(&mut self, fire: u64, error: Option<String>) -> Result<(), EngineError> {
        if let (Some(error), Some(job)) = (&error, self.store.fire(fire)?.and_then(|it| it.job)) {
            let trigger = self.starting.remove(&fire);
            self.line(
                "fire.started",
                trigger.as_ref(),
                Some(job),
                &format!("started job #{job}, but: {error}"),
            );
            return Ok(());
        }
        let words = error.unwrap_or_else(|| "its process ended without a job".to_owned());
        if self.store.move_fire(fire, (FireState::Starting, FireState::Failed), &words)? {
            let trigger = self.starting.remove(&fire);
            self.line("fire.failed", trigger.as_ref(), None, &words);
        }
        Ok(())
    }

    /// Tells of jobs that have their number by now.
    pub(super) fn tell_started(&mut self) -> Result<(), EngineError> {
        let numbers: Vec<u64> = self.starting.keys().copied().collect();
        for it in self.store.started_fires(&numbers)? {
            if let Some(trigger) = self.starting.remove(&it.number) {
                let job = it.job.unwrap_or(0);
                self.line("fire.started", Some(&trigger), it.job, &format!("started job #{job}"));
            }
        }
        Ok(())
    }

    /// Goes on with fires whose service died before their job had begun.
    pub(super) fn begin_again(&mut self, now: Timestamp) -> Result<(), EngineError> {
        for it in self.store.open_fires()? {
            if it.state != FireState::Starting || self.starting.contains_key(&it.number) {
                continue;
            }
            let trigger = self.trigger_of(&it);
            match trigger {
                Some(trigger) if now.since(it.made) <= STALE => self.begin(it.number, &trigger)?,
                _ => {
                    let words = "the service died before the job had begun, and that is too long ago now";
                    self.store.move_fire(it.number, (FireState::Starting, FireState::Failed), words)?;
                    self.line("fire.failed", trigger.as_ref(), None, words);
                }
            }
        }
        Ok(())
    }

    /// Starts what has waited long enough.
    pub(super) fn look_at_waiting(&mut self) -> Result<(), EngineError> {
        let mut looked_at = Vec::new();
        for it in self.store.open_fires()? {
            if it.state != FireState::Waiting || looked_at.contains(&it.source) {
                continue;
            }
            looked_at.push(it.source.clone());
            if !may_start(&self.standing(&it.source)?) {
                continue;
            }
            let Some(trigger) = self.trigger_of(&it) else {
                if self.scan.broken.iter().any(|broken| broken.path.display().to_string() == it.playbook) {
                    // It waits on until that is mended.
                    continue;
                }
                let words = "its trigger is not there any more";
                self.store.move_fire(it.number, (FireState::Waiting, SKIPPED), words)?;
                self.line("fire.skipped", None, None, &format!("`{}`: {words}", it.playbook));
                continue;
            };
            if self.store.move_fire(it.number, (FireState::Waiting, FireState::Starting), "")? {
                self.store.sync()?;
                point();
                self.begin(it.number, &trigger)?;
            }
        }
        Ok(())
    }

    fn trigger_of(&self, fire: &Fire) -> Option<Trigger> {
        self.scan.triggers.iter().find(|it| it.id == fire.source).cloned()
    }
}

/// A place at which tests let the service die.
fn point() {
    #[cfg(feature = "faults")]
    crate::engine::faults::service_point();
}

fn record(
    store: &mut Store,
    trigger: &Trigger,
    (key, nominal): (&str, Timestamp),
    (event, state): (&Json, FireState),
    now: Timestamp,
    words: &str,
) -> Result<Option<u64>, EngineError> {
    let event = event.to_string();
    let row = NewFire {
        source: &trigger.id,
        key,
        nominal,
        made: now,
        kind: trigger.word(),
        playbook: &trigger.path.display().to_string(),
        spec: &trigger.spec(),
        event: &event,
        state,
        words,
    };
    let number = store.record_fires(&[row])?.into_iter().flatten().next();
    if number.is_some() {
        store.sync()?;
    }
    Ok(number)
}

fn connect(project: &Project, job: u64) -> Result<Handle, EngineError> {
    let history = History::open(project)?.ok_or_else(|| EngineError::usage("no job has run here yet"))?;
    let row =
        history.find(&job.to_string()).map_err(|_| EngineError::usage(format!("there is no job #{job}")))?;
    Handle::connect(project, &JobId(Arc::clone(&row.id.0)))
}

/// Lets a schedule fire because a person says so; returns the number of the job.
///
/// # Errors
/// If a job of that schedule has not ended and it does not allow a second one, or the job cannot be started.
pub fn by_hand(project: &Project, trigger: &Trigger, actor: &str, begin: Begin) -> Result<u64, EngineError> {
    Store::prepare(project)?;
    let mut store = Store::open(project)?;
    let now = clock::now();
    store.see_trigger(&trigger.id, (&trigger.playbook, trigger.word(), &trigger.spec()), now)?;
    let mut event = match &trigger.kind {
        Kind::Schedule(schedule) => look::schedule_event(schedule, now, Duration::ZERO),
        Kind::Watch(_) | Kind::After(_) => json!({}),
    };
    event["by"] = json!(actor);
    match meet(trigger.overlap(), &store.standing(&trigger.id, now)?.0) {
        Meeting::Start => {}
        Meeting::Skip(why) | Meeting::Wait(why) => {
            return Err(EngineError::refused(format!("it does not fire now: {}", why.trim_start_matches("overlap: ")))
                .help("`overlap: allow` lets jobs of one schedule run side by side; a job of the playbook can always be started by itself"));
        }
        Meeting::Cancel(jobs) => {
            let jobs: Vec<String> = jobs.iter().map(|job| format!("#{job}")).collect();
            return Err(EngineError::refused(format!(
                "it does not fire now: job {} has not ended",
                text::listed(&jobs, "and")
            ))
            .help("cancel it first"));
        }
    }
    let key = format!("hand {}", now.0);
    let words = format!("by hand, {actor}");
    let Some(fire) = record(&mut store, trigger, (&key, now), (&event, FireState::Starting), now, &words)?
    else {
        return Err(EngineError::refused("somebody fires it in this very moment"));
    };
    let failed = |store: &mut Store, why: String| {
        // The reason goes to the person in any case.
        let _outcome = store.move_fire(fire, (FireState::Starting, FireState::Failed), &why);
        EngineError::surroundings(format!("the job could not be started: {why}"))
    };
    let begun = begin(project, &trigger.path, fire).map_err(|e| failed(&mut store, e.to_string()))?;
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::Builder::new()
        .name("start".to_owned())
        .spawn(move || tell.send(begun()))
        .map_err(|e| failed(&mut store, e.to_string()))?;
    loop {
        let ended = told.recv_timeout(PAUSE);
        if let Some(job) = store.fire(fire)?.and_then(|it| it.job) {
            // Whoever is told the number may rely on the job, which is committed and may not be synced yet.
            store.sync()?;
            return Ok(job);
        }
        match ended {
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            Ok(Err(why)) => return Err(failed(&mut store, why)),
            _ => return Err(failed(&mut store, "its process ended without a job".to_owned())),
        }
    }
}
