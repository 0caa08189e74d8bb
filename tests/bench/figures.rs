//! Figures of measurements, and the table that they stand in.
//!
//! Not here: measuring (`screen.rs`).

use std::time::Duration;

/// One line of the table.
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// The figures, each with its name: `p50`, `p99`, or nothing.
    pub(crate) figures: Vec<(&'static str, String)>,
    /// What it is compared with, in words.
    pub(crate) compared: String,
}

impl Row {
    pub(crate) fn new(what: &str, figures: Vec<(&'static str, String)>, compared: String) -> Self {
        Self { what: what.to_owned(), figures, compared }
    }

    /// The line as it is printed.
    pub(crate) fn line(&self) -> String {
        let figures = self.figures.iter().map(|(name, value)| {
            let name = if name.is_empty() { String::new() } else { format!("{name} ") };
            format!("{name}{value:<11}")
        });
        format!("{:<52} {:<34} {}", self.what, figures.collect::<Vec<_>>().join(" "), self.compared)
    }
}

/// Times, from the shortest to the longest.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        assert!(!times.is_empty(), "something was measured");
        times.sort();
        Self(times)
    }

    /// The time that so many of a hundred do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let at = (self.0.len() * percent).div_ceil(100).clamp(1, self.0.len());
        self.0[at - 1]
    }
}

/// A time with three digits and its unit.
pub(crate) fn time(time: Duration) -> String {
    let (value, unit) = match time.as_secs_f64() {
        s if s >= 1.0 => (s, "s"),
        s if s >= 1e-3 => (s * 1e3, "ms"),
        s => (s * 1e6, "us"),
    };
    format!("{} {unit}", three_digits(value))
}

/// How many times as much.
pub(crate) fn ratio(of: f64, to: f64) -> String {
    format!("{} x", three_digits(of / to))
}

fn three_digits(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}
