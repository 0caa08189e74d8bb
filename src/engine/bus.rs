//! The bus: committed events in order, and how far each log has grown, for any number of listeners.
//!
//! A listener pulls. One that falls behind what is kept here reads from the store, so nobody loses an event and
//! nobody slows the engine.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::bell::Bell;
use crate::logic::job::event::{Envelope, Event};
use crate::logic::job::report::AttemptKey;

/// So many of the newest events are kept at hand.
const KEPT: usize = 8192;

/// What a listener gets.
#[derive(Clone, Debug)]
pub enum Next {
    Event(Arc<Envelope>),
    /// A log has so many bytes now.
    Grew(AttemptKey, u64),
    Timeout,
    /// The job has ended, or the engine of this process is done with it; nothing more comes.
    End,
    /// No engine works on the job, which has not ended. It is waited for another one.
    Unowned,
    /// Another engine works on the job now.
    Owned,
}

/// Shared by the engine and its listeners.
#[derive(Default)]
pub(super) struct Bus {
    inner: Mutex<Inner>,
    changed: Condvar,
    /// The job has ended, or the engine has.
    finished: Condvar,
    /// The same for listeners inside the engine's runtime.
    pub(super) notify: Notify,
}

#[derive(Default)]
struct Inner {
    events: VecDeque<Arc<Envelope>>,
    last: u64,
    grown: BTreeMap<AttemptKey, (u64, u64)>,
    growth: u64,
    waiting: u32,
    /// Of listeners that wait for other things as well.
    bells: Vec<Bell>,
    is_finished: bool,
    ended: bool,
}

/// A listener's place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// The last event it has.
    pub(super) seq: u64,
    growth: u64,
}

impl Place {
    /// Returns the place of a listener that has everything up to that event.
    pub(super) fn after(seq: u64) -> Self {
        Self { seq, growth: 0 }
    }
}

/// What the bus holds for a place.
pub(super) enum Held {
    Next(Next),
    /// Older events must come from the store, up to the one before this.
    Behind(u64),
    Nothing,
}

impl Bus {
    pub(super) fn starting_at(last: u64) -> Self {
        let bus = Self::default();
        bus.lock().last = last;
        bus
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the events that are at hand, if that is all of them from the first on.
    pub(super) fn all_events(&self) -> Option<Vec<Arc<Envelope>>> {
        let inner = self.lock();
        let is_whole = inner.events.front().map_or(inner.last == 0, |first| first.seq == 1);
        is_whole.then(|| inner.events.iter().map(Arc::clone).collect())
    }

    pub(super) fn publish(&self, events: &[Arc<Envelope>]) {
        let mut inner = self.lock();
        for it in events {
            inner.last = it.seq;
            match &it.event {
                Event::StepFinished(end) => {
                    inner.grown.remove(&end.key);
                }
                Event::StepRetrying { key, .. } => {
                    inner.grown.remove(key);
                }
                Event::JobFinished { .. } => {
                    inner.is_finished = true;
                    self.finished.notify_all();
                }
                _ => {}
            }
            inner.events.push_back(Arc::clone(it));
        }
        while inner.events.len() > KEPT {
            inner.events.pop_front();
        }
        self.wake(inner);
    }

    pub(super) fn grew(&self, logs: &[(AttemptKey, u64)]) {
        let mut inner = self.lock();
        for (key, bytes) in logs {
            inner.growth += 1;
            let growth = inner.growth;
            inner.grown.insert(*key, (*bytes, growth));
        }
        self.wake(inner);
    }

    pub(super) fn end(&self) {
        let mut inner = self.lock();
        inner.ended = true;
        inner.is_finished = true;
        self.finished.notify_all();
        self.wake(inner);
    }

    /// Wakes the listeners after the lock is given back, so that they do not run into it.
    fn wake(&self, mut inner: MutexGuard<'_, Inner>) {
        let is_awaited = inner.waiting > 0;
        let bells = std::mem::take(&mut inner.bells);
        drop(inner);
        bells.iter().for_each(Bell::ring);
        if is_awaited {
            self.changed.notify_all();
        }
        self.notify.notify_waiters();
    }

    /// Waits for the job to end, for so long at most, without being woken by anything else.
    pub(super) fn gather(&self, limit: Duration) {
        let waited = self.finished.wait_timeout_while(self.lock(), limit, |inner| !inner.is_finished);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns what comes next for a listener, without waiting.
    pub(super) fn held(&self, place: &mut Place) -> Held {
        take(&self.lock(), place)
    }

    /// Looks at what comes next; if there is nothing, the bell rings as soon as something comes.
    pub(super) fn held_or_rung(&self, mut place: Place, bell: &Bell) -> Held {
        let mut inner = self.lock();
        let held = take(&inner, &mut place);
        if matches!(held, Held::Nothing) && !inner.bells.iter().any(|it| it.is(bell)) {
            inner.bells.push(bell.clone());
        }
        held
    }

    /// Waits for what comes next.
    pub(super) fn wait(&self, place: &mut Place, timeout: Option<Duration>) -> Held {
        let until = timeout.map(|t| Instant::now() + t);
        let mut inner = self.lock();
        loop {
            match take(&inner, place) {
                Held::Nothing => {}
                found => return found,
            }
            inner.waiting += 1;
            inner = match until {
                None => self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        inner.waiting -= 1;
                        return Held::Next(Next::Timeout);
                    }
                    self.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
            inner.waiting -= 1;
        }
    }
}

fn take(inner: &Inner, place: &mut Place) -> Held {
    // Growth comes first, so that a log's bytes are known before the event that ends it.
    if place.growth < inner.growth {
        let next =
            inner.grown.iter().filter(|(_, (_, at))| *at > place.growth).min_by_key(|(_, (_, at))| *at);
        match next {
            Some((key, (bytes, at))) => {
                place.growth = *at;
                return Held::Next(Next::Grew(*key, *bytes));
            }
            None => place.growth = inner.growth,
        }
    }
    if place.seq < inner.last {
        let first = inner.events.front().map_or(inner.last + 1, |e| e.seq);
        if place.seq + 1 < first {
            return Held::Behind(first);
        }
        let at = usize::try_from(place.seq + 1 - first).unwrap_or(usize::MAX);
        if let Some(event) = inner.events.get(at) {
            place.seq = event.seq;
            return Held::Next(Next::Event(Arc::clone(event)));
        }
    }
    if inner.ended { Held::Next(Next::End) } else { Held::Nothing }
}
