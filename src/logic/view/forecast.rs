//! stub
use super::JobView;
use crate::logic::time::Timestamp;
use std::time::Duration;
#[derive(Clone, Debug, Default)]
pub struct Forecast {}
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    pub done: f64,
    pub failed: f64,
    pub running: f64,
    pub waiting: f64,
    pub percent: u8,
}
impl Forecast {
    pub fn progress(&self, view: &JobView, _now: Timestamp) -> Progress {
        let c = &view.stage_counts;
        let t = c.total().max(1) as f64;
        let done = (c.passed + c.skipped) as f64 / t;
        Progress {
            done,
            failed: (c.failed + c.cancelled) as f64 / t,
            running: c.live as f64 / t,
            waiting: 0.0,
            percent: (c.done() as f64 / t * 100.0) as u8,
        }
    }
    pub fn remaining(&self, _view: &JobView, _now: Timestamp) -> Option<Duration> {
        None
    }
}
