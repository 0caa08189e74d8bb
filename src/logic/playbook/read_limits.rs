//! `retry` and `cancel`: how often, how long, and how things are stopped.
//!
//! Not here: the stages and steps that carry them. Start with `Reader::retry`.

use std::time::Duration;

use super::decode::Reader;
use super::keys::Place;
use super::model::{Backoff, Cancel, Retry, RetryOn};
use super::scalar::{self, Core};
use super::tree::NodeId;
use crate::logic::diag::Diagnostic;
use crate::logic::text;

/// Most attempts.
pub(super) const ATTEMPTS: u32 = 100;
/// Causes of another try that are a word.
pub(super) const CAUSES: &[(&str, RetryOn)] = &[
    ("failure", RetryOn::Failure),
    ("timeout", RetryOn::Timeout),
    ("interrupted", RetryOn::Interrupted),
    ("start", RetryOn::Start),
];
/// Signals by the numbers of Linux; those that cannot be caught would not be a request.
pub(super) const SIGNALS: &[(&str, i32)] =
    &[("HUP", 1), ("INT", 2), ("QUIT", 3), ("KILL", 9), ("USR1", 10), ("USR2", 12), ("TERM", 15)];

impl Reader<'_> {
    /// Reads `retry`.
    pub(super) fn retry(&mut self, id: NodeId) -> Option<Retry> {
        let before = self.found.len();
        let fields = self.fields(id, Place::Retry)?;
        let span = self.span(id);
        let attempts = match fields.get("attempts") {
            Some(id) => self.count(id, ATTEMPTS),
            None => {
                if self.found.len() == before {
                    self.missing(
                        span,
                        "`retry`",
                        "attempts",
                        "write how often to try, the first time included: `attempts: 3`",
                    );
                }
                None
            }
        };
        let on = match fields.get("on") {
            Some(id) => self.retry_on(id),
            None => vec![RetryOn::Failure, RetryOn::Timeout],
        };
        let backoff = fields.get("backoff").map_or_else(default_backoff, |id| self.backoff(id));
        let deadline = fields.get("deadline").and_then(|id| self.duration(id));
        Some(Retry { attempts: attempts?, on, backoff, deadline })
    }

    fn retry_on(&mut self, id: NodeId) -> Vec<RetryOn> {
        const EXPECTED: &str = "`failure`, `timeout`, `interrupted`, `start`, `exit:N` or `exit:N-M`";
        let mut causes = Vec::new();
        for (text, span) in self.texts(id, EXPECTED) {
            let cause = match CAUSES.iter().find(|(name, _)| *name == text) {
                Some((_, cause)) => Some(cause.clone()),
                None if text.starts_with("output:") => {
                    self.not_yet(span, "the cause `output:` of `retry`");
                    continue;
                }
                None => text.strip_prefix("exit:").and_then(exit_range),
            };
            match cause {
                Some(cause) => causes.push(cause),
                None => {
                    let found = text::shortened(text, 40);
                    let mut problem = Diagnostic::error(
                        "unknown-value",
                        span,
                        format!("expected {EXPECTED}, found `{found}`"),
                    );
                    problem.help = if text.starts_with("exit") {
                        Some("exit codes go from 1 to 255".to_owned())
                    } else {
                        text::near_miss(text, CAUSES.iter().map(|(name, _)| *name))
                            .map(|near| format!("did you mean `{near}`?"))
                    };
                    self.report(problem);
                }
            }
        }
        causes
    }

    fn backoff(&mut self, id: NodeId) -> Backoff {
        let mut backoff = default_backoff();
        let Some(fields) = self.fields(id, Place::Backoff) else { return backoff };
        if let Some(first) = fields.get("first").and_then(|id| self.duration(id)) {
            backoff.first = first;
            backoff.max = backoff.max.max(first);
        }
        if let Some(factor) = fields.get("factor").and_then(|id| self.number(id, 1.0, 100.0)) {
            backoff.factor = factor;
        }
        if let Some(max) = fields.get("max").and_then(|id| self.duration(id)) {
            backoff.max = max;
        }
        if let Some(jitter) = fields.get("jitter").and_then(|id| self.number(id, 0.0, 1.0)) {
            backoff.jitter = jitter;
        }
        backoff
    }

    /// Reads `cancel`; what it leaves out is taken from `base`.
    pub(super) fn cancel(&mut self, id: NodeId, base: Option<Cancel>) -> Option<Cancel> {
        let fields = self.fields(id, Place::Cancel)?;
        let mut cancel = base.unwrap_or_default();
        if let Some(signal) = fields.get("signal").and_then(|id| self.signal(id)) {
            cancel.signal = signal;
        }
        if let Some(grace) = fields.get("grace").and_then(|id| self.grace(id)) {
            cancel.grace = grace;
        }
        Some(cancel)
    }

    /// A grace of nothing is a wish to kill at once, so `0s` is allowed here.
    fn grace(&mut self, id: NodeId) -> Option<Duration> {
        if self
            .scalar(id)
            .is_some_and(|scalar| text::parse_duration(&scalar.text) == Err(text::DurationError::Zero))
        {
            return Some(Duration::ZERO);
        }
        self.duration(id)
    }

    fn signal(&mut self, id: NodeId) -> Option<i32> {
        let core = self.scalar(id).map(scalar::resolve);
        let found = match core {
            Some(Core::Int(number)) => SIGNALS.iter().find(|(_, known)| i64::from(*known) == number),
            Some(Core::Text(name)) => {
                let upper = name.to_ascii_uppercase();
                let short = upper.strip_prefix("SIG").unwrap_or(&upper);
                SIGNALS.iter().find(|(known, _)| *known == short)
            }
            _ => None,
        };
        if found.is_none() {
            let names: Vec<String> = SIGNALS.iter().map(|(name, _)| format!("`SIG{name}`")).collect();
            let (span, found) = (self.span(id), self.found_words(id));
            self.report(
                Diagnostic::error(
                    "bad-signal",
                    span,
                    format!("expected a signal such as `SIGTERM`, found {found}"),
                )
                .help(format!("write {}", text::listed(&names, "or"))),
            );
        }
        found.map(|(_, number)| *number)
    }
}

fn default_backoff() -> Backoff {
    Backoff { first: Duration::from_secs(1), factor: 2.0, max: Duration::from_secs(60), jitter: 0.0 }
}

/// Reads `75` or `70-79`.
fn exit_range(text: &str) -> Option<RetryOn> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let code = |text: &str| text.trim().parse::<i32>().ok().filter(|code| (1..=255).contains(code));
    let (from, to) = (code(from)?, code(to)?);
    (from <= to).then_some(RetryOn::Exit(from, to))
}
