//! The plain face of a running job: a line for each thing that ends, and the output.
//!
//! Not here: the loop that feeds it (`show.rs`), the words at the end (`summary.rs`). Where nobody looks on, a
//! stage costs one line, when it ends; start lines are for terminals and `--verbose`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::engine::clock;
use crate::engine::logs::{self, Tail};
use crate::faces::caching;
use crate::faces::gate_lines;
use crate::faces::gates;
use crate::faces::hint::Caller;
use crate::faces::out::Out;
use crate::faces::shares;
use crate::faces::signs::State;
use crate::faces::summary::Volume;
use crate::faces::waits::{self, Wait};
use crate::faces::why::{step_words, why_cell, why_run};
use crate::faces::words;
use crate::logic::cache::{Kept, Unit};
use crate::logic::job::event::{Cause, Envelope, Event, Outcome, StepEnd};
use crate::logic::job::order::Target;
use crate::logic::job::report::AttemptKey;
use crate::logic::text::clean::{clean, written_out};
use crate::logic::text::{bytes_text, duration, listed, listed_names, plural};
use crate::logic::time::Timestamp;
use crate::logic::view::{CacheView, JobView, Phase};

/// What was shown of a log.
struct Shown {
    tail: Tail,
    /// Bytes of whole lines, line breaks included.
    bytes: u64,
    /// Lines that `log.limit` kept back.
    kept_back: u64,
}

impl Shown {
    const fn of(tail: Tail) -> Self {
        Self { tail, bytes: 0, kept_back: 0 }
    }
}

/// The plain face.
pub struct Plain {
    volume: Volume,
    dir: PathBuf,
    heartbeat: Duration,
    tails: HashMap<AttemptKey, Shown>,
    /// Logs that grew before their start was told.
    early: Vec<(AttemptKey, u64)>,
    /// When something was printed last.
    printed: Timestamp,
    /// How this program is called again, and the number of the job.
    answers: Option<(Caller, u64)>,
}

impl Plain {
    /// Returns the face of the job whose logs are below `dir`.
    #[must_use]
    pub fn new(volume: Volume, dir: PathBuf, heartbeat: Duration) -> Self {
        Self {
            volume,
            dir,
            heartbeat,
            tails: HashMap::new(),
            early: Vec::new(),
            printed: clock::now(),
            answers: None,
        }
    }

    /// Lets it say how questions are answered.
    #[must_use]
    pub fn answering(mut self, caller: Caller, number: u64) -> Self {
        self.answers = Some((caller, number));
        self
    }

    /// Returns how long the face may wait before `beat` is due; nothing if it never is.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        (self.volume != Volume::Quiet)
            .then(|| self.heartbeat.saturating_sub(clock::now().since(self.printed)))
    }

    /// Shows what stands after the last line break of logs that grew after their attempt had ended.
    pub fn finish(&mut self, out: &mut Out, view: &JobView) {
        if self.volume != Volume::Quiet {
            for (key, size) in std::mem::take(&mut self.early) {
                self.drain(out, view, key, size, false);
            }
        }
        for (key, Shown { tail, bytes, kept_back }) in &mut self.tails {
            tail.finish(&mut printer(out, view, *key, (bytes, kept_back)));
        }
    }

    /// Shows one event, which the view has folded already.
    pub fn event(&mut self, out: &mut Out, view: &JobView, envelope: &Envelope) {
        if self.volume == Volume::Quiet {
            return;
        }
        for (key, size) in self.early.extract_if(.., |(key, _)| has_started(view, *key)).collect::<Vec<_>>() {
            self.drain(out, view, key, size, false);
        }
        if let Event::StepFinished(end) = &envelope.event {
            self.drain(out, view, end.key, end.log_bytes, true);
        }
        if let Event::StepRetrying { key, .. } = &envelope.event {
            self.drain(out, view, *key, u64::MAX, true);
        }
        if let Some((unit, notes)) = notes(&envelope.event) {
            let (sign, name) = (out.paint.sign(State::Allowed), unit_words(view, unit));
            notes.iter().for_each(|note| out.line(format!("{sign} {name}: {note}")));
        }
        if let Some(line) = self.line(out, view, envelope) {
            out.line(line);
            self.printed = clock::now();
        }
    }

    /// Shows what is new in a log.
    pub fn grew(&mut self, out: &mut Out, view: &JobView, key: AttemptKey, size: u64) {
        if self.volume == Volume::Quiet {
            return;
        }
        if self.tails.contains_key(&key) || has_started(view, key) {
            self.drain(out, view, key, size, false);
        } else {
            self.early.push((key, size));
        }
    }

    /// Shows a piece of what is new in a log, as `grew` does; returns whether there may be more up to that size.
    pub fn grew_some(&mut self, out: &mut Out, view: &JobView, key: AttemptKey, size: u64) -> bool {
        if self.volume == Volume::Quiet || out.is_closed() {
            return false;
        }
        if !self.tails.contains_key(&key) && !has_started(view, key) {
            self.early.push((key, size));
            return false;
        }
        self.printed = clock::now();
        let shown = self.tails.entry(key).or_insert_with(|| Shown::of(Tail::new(logs::path(&self.dir, key))));
        let Shown { tail, bytes, kept_back } = shown;
        tail.read_some(size, &mut printer(out, view, key, (bytes, kept_back)))
    }

    /// Passes over what logs hold already, except for the last lines of the newest log of one cell, which it shows.
    pub fn join(&mut self, out: &mut Out, view: &JobView, cell: Option<u32>, lines: usize) {
        let newest = view.attempts.iter().rev().find(|key| Some(key.cell) == cell).copied();
        for &key in &view.attempts {
            let wanted = if Some(key) == newest { lines } else { 0 };
            let tail = Tail::near_end(logs::path(&self.dir, key), wanted);
            self.tails.insert(key, Shown::of(tail));
        }
        if let Some(key) = newest {
            self.grew(out, view, key, u64::MAX);
        }
    }

    fn drain(&mut self, out: &mut Out, view: &JobView, key: AttemptKey, size: u64, is_last: bool) {
        if out.is_closed() || size == 0 {
            return;
        }
        let shown = self.tails.entry(key).or_insert_with(|| Shown::of(Tail::new(logs::path(&self.dir, key))));
        let Shown { tail, bytes, kept_back } = shown;
        let mut print = printer(out, view, key, (bytes, kept_back));
        tail.read_to(size, &mut print);
        if is_last {
            // The entry stays, so that bytes of a grandchild that come later are not printed from the start again.
            tail.finish(&mut print);
            drop(print);
            let lines = std::mem::take(kept_back);
            if lines > 0 {
                self.say_kept_back(out, view, key, lines);
            }
        }
        self.printed = clock::now();
    }

    /// Says how much of a log `log.limit` kept back, and where it is.
    fn say_kept_back(&self, out: &mut Out, view: &JobView, key: AttemptKey, lines: u64) {
        let dots = if out.paint.ascii { "..." } else { "…" };
        let lines = plural(usize::try_from(lines).unwrap_or(usize::MAX), "line");
        let limit = log_limit(view, key).map_or_else(String::new, bytes_text);
        let name = view.cell_name(key.cell);
        let name = written_out(&name, false);
        let whole = self.answers.as_ref().map_or_else(
            || "the log is whole".to_owned(),
            |(caller, number)| {
                format!("`{}` shows all of it", caller.command(&format!("jobs logs {number} {name}")))
            },
        );
        out.line(format!("{name} | {dots} {lines} more than its limit of {limit} shows; {whole}"));
    }

    /// Shows what still runs, if nothing was printed for a while.
    pub fn beat(&mut self, out: &mut Out, view: &JobView) {
        let now = clock::now();
        if self.volume == Volume::Quiet || now.since(self.printed) < self.heartbeat {
            return;
        }
        self.printed = now;
        let dots = if out.paint.ascii { "..." } else { "…" };
        if let Some(by) = &view.paused {
            out.line(out.paint.dim(&format!(
                "{dots} {} by {by}; {} still to run",
                if view.is_frozen() { "frozen" } else { "paused" },
                plural(view.stage_counts.waiting, "stage")
            )));
            return;
        }
        if let Some(waits) = &view.waits {
            out.line(out.paint.dim(&format!("{dots} waits for {}", shares::told(waits))));
            return;
        }
        if view.live.is_empty() {
            let first = view.cells.iter().position(|it| it.waits.is_some());
            if let Some((cell, waits)) = first.and_then(|at| Some((at, view.cells[at].waits.as_ref()?))) {
                let name = view.cell_name(u32::try_from(cell).unwrap_or(u32::MAX));
                out.line(out.paint.dim(&format!("{dots} {name} waits for {}", shares::told(waits))));
                return;
            }
            if let Some((cell, wait)) = looking(view) {
                out.line(out.paint.dim(&format!("{dots} {}: {}", view.cell_name(cell), wait.told())));
                return;
            }
            if let Some(gates) = gates::named(view) {
                out.line(out.paint.dim(&format!("{dots} waiting for people at {gates}")));
            }
            return;
        }
        let before_stages = gates::before_stages(view);
        let mut running: Vec<String> = view
            .live
            .iter()
            .take(5)
            .map(|&cell| {
                if let Some(gate) = view.gate_of_cell(cell) {
                    return format!(
                        "{} ({})",
                        view.cell_name(cell),
                        gates::waits(&view.gates[gate as usize], now)
                    );
                }
                if let Some(next) = waits::next_try(view, cell, true) {
                    return format!("{} ({})", view.cell_name(cell), next.told(now));
                }
                if let Some((step, wait)) = waits::of_step(view, cell) {
                    let place = format!("{}/{}", view.cell_name(cell), view.step_name(cell, step));
                    return format!("{place} ({})", wait.told());
                }
                let since = view.cells[cell as usize].started.unwrap_or(now);
                format!("{} ({})", view.cell_name(cell), words::elapsed(now.since(since)))
            })
            .collect();
        if view.live.len() > running.len() {
            running.push(format!("{} more", view.live.len() - running.len()));
        }
        let people =
            before_stages.map_or_else(String::new, |gates| format!("; waiting for people at {gates}"));
        out.line(out.paint.dim(&format!("{dots} still running: {}{people}", listed(&running, "and"))));
    }

    fn line(&self, out: &Out, view: &JobView, envelope: &Envelope) -> Option<String> {
        let paint = out.paint;
        let starts = self.volume == Volume::Verbose || out.is_terminal;
        match &envelope.event {
            Event::CellStarted { cell, .. } if starts => {
                Some(format!("{} {} started", paint.symbol(Phase::Running), view.cell_name(*cell)))
            }
            Event::CellFinished { cell, .. } => Some(cell_line(out, view, *cell)),
            Event::CellStopping {
                cell,
                cause: cause @ (Cause::Timeout { .. } | Cause::FailFast { .. }),
                ..
            } => Some(format!(
                "{} {} stopping: {}",
                paint.symbol(Phase::Stopping),
                view.cell_name(*cell),
                words::cause(cause, view)
            )),
            Event::CellRetrying { cell, run, until, cause } => Some(format!(
                "{} {} failed{}, run {run}; again in {}",
                paint.symbol(Phase::Retrying(*until)),
                view.cell_name(*cell),
                why_run(view, *cell, *run)
                    .or_else(|| cause.as_ref().map(|cause| words::cause(cause, view)))
                    .map_or_else(String::new, |why| format!(": {why}")),
                words::elapsed(until.since(envelope.time))
            )),
            Event::StageFinished { stage, .. } => stage_line(out, view, *stage),
            Event::StepStarted { .. }
            | Event::StepRetrying { .. }
            | Event::StepFinished(_)
            | Event::StepSkipped { .. } => self.step_line(out, view, envelope),
            Event::GateOpened(_)
            | Event::GateAnswered(_)
            | Event::GateApproved(_)
            | Event::GateRejected(_)
            | Event::GateExpired { .. }
            | Event::GateWithdrawn { .. }
            | Event::GateReminded { .. } => {
                let answers = self.answers.as_ref().map(|(caller, number)| (caller, *number));
                gate_lines::line(out.paint, view, envelope, answers)
            }
            Event::ClaimsBlocked { cell, .. } => {
                let waits = match cell {
                    None => view.waits.as_ref(),
                    Some(cell) => view.cells.get(*cell as usize).and_then(|it| it.waits.as_ref()),
                };
                let name = cell.map_or_else(String::new, |cell| format!("{} ", view.cell_name(cell)));
                let sign = out.paint.symbol(Phase::Waiting);
                waits.map(|waits| format!("{sign} {name}waits for {}", shares::told(waits)))
            }
            Event::CacheHit { .. }
            | Event::CacheWaits { .. }
            | Event::CacheMissed { .. }
            | Event::CacheKept { .. } => self.cache_line(out, view, &envelope.event),
            Event::ArtifactPublished { .. } | Event::ArtifactEmpty { .. } | Event::ArtifactsTaken { .. } => {
                self.artifact_line(out, view, &envelope.event)
            }
            other => job_line(out, view, other),
        }
    }

    /// What is cached as a whole says the rest with its end.
    fn cache_line(&self, out: &Out, view: &JobView, event: &Event) -> Option<String> {
        let paint = out.paint;
        match event {
            Event::CacheHit { unit, hit } if unit.step.is_some() => Some(format!(
                "{} {} cached (from job #{}, where it took {})",
                paint.sign(State::Cached),
                unit_words(view, *unit),
                hit.made_by,
                words::elapsed(Duration::from_micros(hit.record.took_us))
            )),
            Event::CacheWaits { unit, message } => Some(format!(
                "{} {} waits for {message}",
                paint.symbol(Phase::Waiting),
                unit_words(view, *unit)
            )),
            Event::CacheMissed { miss, .. } if miss.is_off() => None,
            Event::CacheMissed { unit, miss } if miss.is_hopeless => Some(format!(
                "{} {} can be neither looked for in the cache nor kept: {}",
                paint.sign(State::Allowed),
                unit_words(view, *unit),
                miss.message
            )),
            Event::CacheMissed { unit, miss } if self.volume == Volume::Verbose => Some(format!(
                "{} {} is not in the cache: {}",
                paint.symbol(Phase::Running),
                unit_words(view, *unit),
                miss.message
            )),
            Event::CacheKept { unit, kept: Kept::Not { message, .. } } => Some(format!(
                "{} {} is not kept in the cache: {message}",
                paint.sign(State::Allowed),
                unit_words(view, *unit)
            )),
            _ => None,
        }
    }

    fn artifact_line(&self, out: &Out, view: &JobView, event: &Event) -> Option<String> {
        let paint = out.paint;
        match event {
            Event::ArtifactPublished { cell, artifact, .. } => Some(format!(
                "{} {} keeps the artifact `{}` ({}, {})",
                paint.symbol(Phase::Done(Outcome::Success)),
                view.cell_name(*cell),
                artifact.name,
                plural(artifact.files as usize, "file"),
                bytes_text(artifact.bytes)
            )),
            Event::ArtifactEmpty { cell, name, message, is_warning: true, .. } => Some(format!(
                "{} {} keeps no artifact `{name}`: {message}",
                paint.sign(State::Allowed),
                view.cell_name(*cell)
            )),
            Event::ArtifactsTaken { cell, taken, .. } if self.volume == Volume::Verbose => {
                let names: Vec<&str> = taken.iter().map(|it| &*it.name).collect();
                let name = view.cell_name(*cell);
                Some(format!("{} {name} takes {}", paint.symbol(Phase::Running), listed_names(&names, "and")))
            }
            _ => None,
        }
    }

    fn step_line(&self, out: &Out, view: &JobView, envelope: &Envelope) -> Option<String> {
        let paint = out.paint;
        let verbose = self.volume == Volume::Verbose;
        match &envelope.event {
            Event::StepStarted { key } if verbose && !view.is_block(key.cell, key.step) => Some(format!(
                "{} {}: {} started{}",
                paint.symbol(Phase::Running),
                view.cell_name(key.cell),
                step_words(view, key.cell, key.step),
                if key.attempt > 1 { format!(", attempt {}", key.attempt) } else { String::new() }
            )),
            Event::StepRetrying { key, until, cause, .. } => Some(format!(
                "{} {}: {} {}, attempt {}; again in {}",
                paint.symbol(Phase::Retrying(*until)),
                view.cell_name(key.cell),
                step_words(view, key.cell, key.step),
                cause.as_ref().map_or_else(|| "failed".to_owned(), |cause| words::cause(cause, view)),
                key.attempt,
                words::elapsed(until.since(envelope.time))
            )),
            Event::StepFinished(end) => finished_step(out, view, end, verbose),
            Event::StepSkipped { cell, step, cause, .. } if verbose => Some(format!(
                "{} {}: {} skipped: {}",
                paint.symbol(Phase::Done(Outcome::Skipped)),
                view.cell_name(*cell),
                step_words(view, *cell, *step),
                words::cause(cause, view)
            )),
            _ => None,
        }
    }
}

/// Returns the first cell that waits for nothing but a look into the cache.
fn looking(view: &JobView) -> Option<(u32, Wait<'_>)> {
    let cell = (0u32..).take(view.cells.len()).find(|&cell| view.looks(cell).is_some())?;
    Some((cell, waits::of_cell(view, cell, true)))
}

/// Returns what the cache warns of, and what takes artifacts.
fn notes(event: &Event) -> Option<(Unit, Vec<&String>)> {
    match event {
        Event::CacheHit { unit, hit } => Some((*unit, hit.notes.iter().collect())),
        Event::CacheMissed { unit, miss } => Some((*unit, miss.notes.iter().collect())),
        Event::CacheKept { unit, kept: Kept::Stored { notes, .. } } => Some((*unit, notes.iter().collect())),
        Event::ArtifactsTaken { cell, run, taken } => {
            let unit = Unit { cell: *cell, run: *run, step: None };
            Some((unit, taken.iter().flat_map(|it| &it.notes).collect()))
        }
        _ => None,
    }
}

/// Names a cell, or a step of it, that is cached.
fn unit_words(view: &JobView, unit: Unit) -> String {
    let name = view.cell_name(unit.cell);
    unit.step.map_or_else(|| name.clone(), |step| format!("{name}: {}", step_words(view, unit.cell, step)))
}

/// Returns the most that is to be shown of the log of a step, in bytes.
fn log_limit(view: &JobView, key: AttemptKey) -> Option<u64> {
    let stage = view.cells.get(key.cell as usize)?.stage;
    view.playbook.stages.get(stage as usize)?.steps.steps.get(key.step as usize)?.log_limit
}

/// Prints lines of an attempt's log behind the name of its cell, up to the limit of the step. Counts the bytes that were shown, and
/// the lines that were not.
fn printer(
    out: &mut Out,
    view: &JobView,
    key: AttemptKey,
    (bytes, kept_back): (&mut u64, &mut u64),
) -> impl FnMut(&[u8]) {
    let limit = log_limit(view, key).unwrap_or(u64::MAX);
    let mut name = view.cell_name(key.cell);
    let stage = view.cells.get(key.cell as usize).map_or(u32::MAX, |it| it.stage);
    if view.playbook.stages.get(stage as usize).is_some_and(|it| it.steps.is_concurrent) {
        // Several steps of it may print at once.
        name = format!("{name}/{}", view.step_name(key.cell, key.step));
    }
    let prefix = out.paint.dim(&format!("{} | ", written_out(&name, false)));
    move |line| {
        *bytes = bytes.saturating_add(line.len() as u64 + 1);
        if *bytes > limit {
            *kept_back += 1;
            return;
        }
        out.bytes(prefix.as_bytes());
        out.bytes(clean(line, out.paint.color).as_bytes());
        out.bytes(b"\n");
    }
}

/// What begins by itself behind another stage may print before the event of its start has come.
/// Says whether the start of a try was told, before which nothing of its log is shown: growth is told beside the events and may be
/// ahead of them, and then an undo would print before what it undoes.
fn has_started(view: &JobView, key: AttemptKey) -> bool {
    view.attempts.iter().rev().any(|it| *it == key)
}

/// A step's end is worth a line if it does not show in its cell's end.
fn finished_step(out: &Out, view: &JobView, end: &StepEnd, verbose: bool) -> Option<String> {
    let AttemptKey { cell, step, .. } = end.key;
    // Mostly nothing is printed.
    let what = || format!("{}: {}", view.cell_name(cell), step_words(view, cell, step));
    if end.rescued {
        return Some(format!("{} {} rescued", out.paint.symbol(Phase::Done(Outcome::Success)), what()));
    }
    if end.outcome == Outcome::Failure && end.conclusion != Outcome::Failure {
        let why = end.cause.as_ref().map_or_else(|| "failed".to_owned(), |cause| words::cause(cause, view));
        return Some(format!("{} {} {why}; the job goes on", out.paint.sign(State::Allowed), what()));
    }
    let phase = Phase::Done(end.outcome);
    (verbose && !view.is_block(cell, step)).then(|| {
        let word = words::outcome(end.outcome, end.cause.as_ref());
        format!("{} {} {word}", out.paint.symbol(phase), what())
    })
}

fn job_line(out: &Out, view: &JobView, event: &Event) -> Option<String> {
    let paint = out.paint;
    let stopping = paint.symbol(Phase::Stopping);
    match event {
        Event::JobStarted { title: Some(title), .. } => Some(out.paint.dim(&written_out(title, false))),
        Event::JobPaused { by, freeze: true, .. } => Some(format!(
            "{} frozen by {by}; what runs is stopped where it stands",
            paint.sign(State::Paused)
        )),
        Event::JobPaused { by, .. } => {
            Some(format!("{} paused by {by}; what runs goes on", paint.sign(State::Paused)))
        }
        Event::JobResumed { by, .. } => Some(format!("{} resumed by {by}", paint.symbol(Phase::Running))),
        Event::JobRetrying { by, attempt, .. } => {
            Some(format!("{} run again by {by}, attempt {attempt}", paint.symbol(Phase::Running)))
        }
        Event::CancelAsked { by, target, force, cause, .. } => {
            let why = cause
                .as_ref()
                .map_or_else(|| format!("asked for by {by}"), |cause| words::cause(cause, view));
            let what = match target {
                Target::Job => String::new(),
                other => format!(" {}", target_name(view, other)),
            };
            if *force {
                return Some(format!("{stopping} killing{what} without cleanup ({why})"));
            }
            let waiting = awaited(view, target).map(|it| format!("{it}; Ctrl-C kills at once"));
            Some(format!("{stopping} cancelling{what} ({why}){}", waiting.unwrap_or_default()))
        }
        Event::SkipAsked { by, target, force, .. } => {
            let what = target_name(view, target);
            Some(match awaited(view, target) {
                _ if *force => {
                    format!("{stopping} killing {what} without cleanup, to skip it (asked for by {by})")
                }
                Some(waiting) => format!("{stopping} skipping {what} (asked for by {by}){waiting}"),
                None => format!("{stopping} {what} will be left out (asked for by {by})"),
            })
        }
        Event::SkipWithdrawn { by, target, .. } => {
            let symbol = paint.symbol(Phase::Running);
            Some(format!("{symbol} {} will not be left out (asked for by {by})", target_name(view, target)))
        }
        Event::RollbackAsked { by, cells, on_failure, .. } => {
            let names: Vec<String> = cells.iter().take(5).map(|&cell| view.cell_name(cell)).collect();
            let more = cells.len().saturating_sub(names.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let why = match on_failure {
                Some(stage) => format!("`{}` failed", view.stage_name(*stage)),
                None => format!("asked for by {by}"),
            };
            let sign = paint.sign(State::RolledBack);
            Some(format!("{sign} rolling back {}{more} ({why})", names.join(", ")))
        }
        Event::OrderRefused { by, message, .. } => {
            Some(format!("{stopping} refused an order of {by}: {message}"))
        }
        _ => None,
    }
}

/// Names what a cancel or a skip waits for, and for how long at most; nothing if nothing of the target runs.
fn awaited(view: &JobView, target: &Target) -> Option<String> {
    let concerned = |cell: u32| match target {
        Target::Job => true,
        Target::Stage(stage) => view.cells[cell as usize].stage == *stage,
        Target::Cell(only) => cell == *only,
    };
    // Nothing of what waits for a further try is there to be waited for.
    let runs = |cell: u32| !matches!(view.cells[cell as usize].phase, Phase::Retrying(_));
    let cells: Vec<u32> = view.live.iter().copied().filter(|&cell| concerned(cell) && runs(cell)).collect();
    let longest = cells
        .iter()
        .filter_map(|&cell| view.playbook.stages.get(view.cells[cell as usize].stage as usize))
        .map(|stage| stage.cancel.grace)
        .max();
    let longest = longest?;
    let mut names: Vec<String> = cells.iter().take(3).map(|&cell| view.cell_name(cell)).collect();
    if cells.len() > 3 {
        names.push(format!("{} more", cells.len() - 3));
    }
    Some(format!(": waiting for {}, killed after {}", listed(&names, "and"), duration(longest)))
}

fn target_name(view: &JobView, target: &Target) -> String {
    match target {
        Target::Job => "the job".to_owned(),
        Target::Stage(stage) => view.stage_name(*stage).to_owned(),
        Target::Cell(cell) => view.cell_name(*cell),
    }
}

fn cell_line(out: &Out, view: &JobView, cell: u32) -> String {
    let it = &view.cells[cell as usize];
    if let (Some(CacheView::Hit { made_by, took, .. }), Phase::Done(Outcome::Success)) = (&it.cache, it.phase)
    {
        let from = format!("from job #{made_by}, where it took {}", words::elapsed(*took));
        return format!("{} {} cached ({from})", out.paint.sign(State::Cached), view.cell_name(cell));
    }
    let word = words::phase(it.phase, it.cause.as_ref());
    let time = match (it.started, it.finished) {
        (Some(started), Some(finished)) => match it.phase {
            Phase::Done(Outcome::Success) => format!(" in {}", words::elapsed(finished.since(started))),
            _ => format!(" after {}", words::elapsed(finished.since(started))),
        },
        _ => String::new(),
    };
    let why = match it.phase {
        Phase::Done(Outcome::Success) => String::new(),
        _ => why_cell(view, cell).map_or_else(String::new, |why| format!(": {why}")),
    };
    let ignored = if it.phase == Phase::Done(Outcome::Failure) && it.result == Some(Outcome::Success) {
        "; the job goes on"
    } else {
        ""
    };
    let missed = caching::missed_in_list(view, cell).map_or_else(String::new, |why| format!(" ({why})"));
    // A failure that was kept looks like one of this job otherwise.
    let from = match &it.cache {
        Some(CacheView::Hit { made_by, .. }) => format!(" (cached, from job #{made_by})"),
        _ => String::new(),
    };
    format!(
        "{} {} {word}{time}{why}{ignored}{from}{missed}",
        out.paint.sign(State::of_cell(it)),
        view.cell_name(cell)
    )
}

fn stage_line(out: &Out, view: &JobView, stage: u32) -> Option<String> {
    let it = &view.stages[stage as usize];
    let name = view.stage_name(stage);
    let word = words::phase(it.phase, it.cause.as_ref());
    if it.cells.is_empty() {
        let why =
            it.cause.as_ref().map_or_else(String::new, |cause| format!(": {}", words::cause(cause, view)));
        return Some(format!("{} {name} {word}{why}", out.paint.sign(State::of_stage(it))));
    }
    if it.cells.len() == 1 {
        return None;
    }
    let counts = crate::faces::summary::counts(view, &it.counts, "cell");
    Some(format!("{} {name} {word}: {counts}", out.paint.sign(State::of_stage(it))))
}
