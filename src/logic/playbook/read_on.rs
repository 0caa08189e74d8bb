//! `on`: what starts jobs.
//!
//! Not here: when a schedule fires (`logic/schedule`), the service that waits for all this (`engine/service`).
//! Start with `Reader::triggers`.

use std::sync::Arc;
use std::time::Duration;

use globset::GlobBuilder;

use super::decode::Reader;
use super::keys::{self, Place};
use super::model::{AfterRun, Input, RunEnd, Triggers, Watch};
use super::source::Span;
use super::tree::{Kind, NodeId};
use crate::logic::diag::Diagnostic;
use crate::logic::schedule::cron::{Cron, CronFault};
use crate::logic::schedule::{
    Bound, CatchUp, Dst, Missing, Overlap, Repeated, Schedule, bundled_names, bundled_zone, fires,
};
use crate::logic::text;
use crate::logic::time::Timestamp;

pub(super) const OVERLAPS: &[(&str, Overlap)] = &[
    ("skip", Overlap::Skip),
    ("queue", Overlap::Queue),
    ("cancel-running", Overlap::CancelRunning),
    ("allow", Overlap::Allow),
];
pub(super) const MISSING: &[(&str, Missing)] = &[("shift", Missing::Shift), ("skip", Missing::Skip)];
pub(super) const REPEATED: &[(&str, Repeated)] =
    &[("first", Repeated::First), ("last", Repeated::Last), ("both", Repeated::Both)];
pub(super) const CATCH_UP: &[(&str, CatchUp)] =
    &[("none", CatchUp::None), ("last", CatchUp::Last), ("all", CatchUp::All)];
/// Triggers that need no detail, so that their names are enough.
pub(super) const BARE: &[&str] = &["manual", "call"];
/// Ends of other jobs that can start one.
pub(super) const RUN_ENDS: [RunEnd; 3] = [RunEnd::Completed, RunEnd::Failed, RunEnd::Cancelled];

/// How old a missed fire may be if nobody says so.
const WINDOW: Duration = Duration::from_secs(3600);
/// How long files have to be left alone if nobody says so.
const DEBOUNCE: Duration = Duration::from_millis(500);
/// Most delay that can be asked for.
const JITTER_MOST: Duration = Duration::from_secs(86_400);
/// Most schedules of one playbook.
pub(super) const SCHEDULES: usize = 100;

impl Reader<'_> {
    /// Reads `on`. What starts by itself cannot give inputs, so none of them may be required.
    pub(super) fn triggers(&mut self, id: NodeId, inputs: &[Input]) -> Triggers {
        let mut triggers = Triggers::default();
        if !matches!(self.tree.node(id).kind, Kind::Map(_)) {
            for (word, span) in self.texts(id, "`manual`, or a map of what starts a job") {
                self.bare_trigger(word, span);
            }
            return triggers;
        }
        let Some(fields) = self.fields(id, Place::Trigger) else { return triggers };
        for name in BARE.iter().copied() {
            if let Some(value) = fields.get(name).filter(|value| !self.is_null(*value)) {
                self.wrong_but(value, "nothing", Some(format!("write `{name}:` without a value")));
            }
        }
        if let Some(field) = fields.field("schedule") {
            triggers.schedules = self.schedules(field.value, field.key);
            self.check_inputs(field.key, "a schedule", inputs);
        }
        if let Some(field) = fields.field("watch") {
            triggers.watch = self.watch(field.value, field.key);
            self.check_inputs(field.key, "a changed file", inputs);
        }
        if let Some(field) = fields.field("run") {
            triggers.after = self.after_run(field.value, field.key);
            self.check_inputs(field.key, "the end of another job", inputs);
        }
        triggers
    }

    /// A trigger that is only named.
    fn bare_trigger(&mut self, word: &str, span: Span) {
        let help = match word {
            word if BARE.contains(&word) => return,
            "schedule" => "write `on: {schedule: [{cron: '30 2 * * *'}]}`",
            "watch" => "write `on: {watch: {globs: ['src/**']}}`",
            "run" => "write `on: {run: {playbooks: [NAME]}}`",
            "webhook" => return self.not_yet(span, "the trigger `webhook`"),
            _ => {
                let names: Vec<&str> = keys::of(Place::Trigger).iter().map(|key| key.name).collect();
                let message = format!(
                    "expected {}, found `{}`",
                    text::listed_names(&names, "or"),
                    text::shortened(word, 40)
                );
                let mut problem = Diagnostic::error("unknown-value", span, message);
                problem.help = text::near_miss(word, names).map(|near| format!("did you mean `{near}`?"));
                return self.report(problem);
            }
        };
        self.missing(
            span,
            &format!("the trigger `{word}`"),
            if word == "run" { "playbooks" } else { detail(word) },
            help,
        );
    }

    fn check_inputs(&mut self, span: Span, what: &str, inputs: &[Input]) {
        for input in inputs.iter().filter(|input| input.required && input.default.is_none()) {
            self.report(
                Diagnostic::error(
                    "trigger-needs-input",
                    span,
                    format!("{what} cannot give the input `{}`, which is required", input.name),
                )
                .also(input.span, "the input")
                .help("give the input a default"),
            );
        }
    }

    fn schedules(&mut self, id: NodeId, key: Span) -> Vec<Schedule> {
        let single = [id];
        let items: &[NodeId] = match &self.tree.node(id).kind {
            Kind::Seq(items) => items,
            _ if self.is_null(id) => &[],
            _ => &single,
        };
        if items.is_empty() {
            self.missing(key, "`schedule`", "cron", "write `schedule: [{cron: '30 2 * * *'}]`");
        }
        if items.len() > SCHEDULES {
            let message = format!("a playbook has at most {SCHEDULES} schedules, found {}", items.len());
            self.report(
                Diagnostic::error("bad-number", key, message).help("one cron line may hold lists and ranges"),
            );
            return Vec::new();
        }
        items.iter().filter_map(|item| self.schedule(*item)).collect()
    }

    fn schedule(&mut self, id: NodeId) -> Option<Schedule> {
        if matches!(self.tree.node(id).kind, Kind::Scalar(_)) {
            return self.cron(id).map(plain);
        }
        let fields = self.fields(id, Place::Schedule)?;
        let cron = match fields.get("cron") {
            Some(cron) => self.cron(cron),
            None => {
                let span = self.span(id);
                self.missing(span, "a schedule", "cron", "write `cron: '30 2 * * *'`");
                None
            }
        };
        let zone = match fields.get("timezone") {
            Some(zone) => self.zone(zone),
            None => Some(Arc::from("UTC")),
        };
        let dst = fields.get("dst").and_then(|id| self.fields(id, Place::Dst));
        let dst = dst.map_or((None, None), |dst| {
            (
                dst.get("missing").and_then(|id| self.word(id, MISSING)),
                dst.get("repeated").and_then(|id| self.word(id, REPEATED)),
            )
        });
        let catch_up = fields.get("catch-up").and_then(|id| self.word(id, CATCH_UP)).unwrap_or_default();
        let window = fields.get("catch-up-window").and_then(|id| self.duration(id)).unwrap_or(WINDOW);
        let overlap = fields.get("overlap").and_then(|id| self.word(id, OVERLAPS)).unwrap_or_default();
        let jitter = fields.get("jitter").and_then(|id| self.jitter(id)).unwrap_or_default();
        let start = fields.get("start").and_then(|id| self.bound(id));
        let end = fields.get("end").and_then(|id| self.bound(id));
        let base = plain(cron?);
        let dst =
            Dst { missing: dst.0.unwrap_or(base.dst.missing), repeated: dst.1.unwrap_or(base.dst.repeated) };
        let schedule = Schedule { zone: zone?, dst, catch_up, window, overlap, jitter, start, end, ..base };
        if let Some(end) = fields.get("end") {
            self.check_bounds(&schedule, end);
        }
        Some(schedule)
    }

    fn cron(&mut self, id: NodeId) -> Option<Cron> {
        const EXPECTED: &str = "a cron line such as `30 2 * * mon-fri`";
        let line = self.text(id, EXPECTED)?;
        let span = self.span(id);
        match Cron::parse(line) {
            Ok(cron) => {
                if cron.is_either_day() {
                    self.report(
                        Diagnostic::warning(
                            "either-day",
                            span,
                            "a day of the month and a day of the week are given, and either of them is enough",
                        )
                        .help("let one of them be `*`; where both are to hold, let a first step look at one of them"),
                    );
                }
                Some(cron)
            }
            Err(fault) => {
                let span = self.part_of(id, line, &fault).unwrap_or(span);
                let slug = if fault.is_never { "never-fires" } else { "bad-cron" };
                self.report(Diagnostic::error(slug, span, fault.message).help(fault.help));
                None
            }
        }
    }

    /// Returns where the meant part of a line stands, if the line stands in the file as it is.
    fn part_of(&self, id: NodeId, line: &str, fault: &CronFault) -> Option<Span> {
        let span = self.tree.node(id).span;
        let written = self.source.text.get(span.start as usize..span.end as usize)?;
        let at = u32::try_from(written.find(line).filter(|_| !fault.place.is_empty())?).ok()?;
        let offset = |it: usize| u32::try_from(it).ok();
        Some(Span {
            start: span.start + at + offset(fault.place.start)?,
            end: span.start + at + offset(fault.place.end)?,
        })
    }

    fn zone(&mut self, id: NodeId) -> Option<Arc<str>> {
        let name = self.text(id, "a zone such as `Europe/Zurich`")?;
        if bundled_zone(name).is_some() {
            // Names are found in any case; what is shown and what identifies a schedule has one.
            let known = bundled_names().into_iter().find(|known| known.eq_ignore_ascii_case(name));
            return Some(Arc::from(known.as_deref().unwrap_or(name)));
        }
        let names = bundled_names();
        let span = self.span(id);
        let problem = Diagnostic::error(
            "unknown-zone",
            span,
            format!("there is no time zone `{}`", text::shortened(name, 40)),
        );
        // The city alone is what people remember.
        let city =
            |known: &&String| known.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name));
        let near = names.iter().find(city).map(String::as_str);
        let near = near.or_else(|| text::near_miss(name, names.iter().map(String::as_str)));
        let help = near.map_or_else(
            || "write `UTC`, or a region and a city such as `Europe/Zurich`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        self.report(problem.help(help));
        None
    }

    fn jitter(&mut self, id: NodeId) -> Option<Duration> {
        let zero = Err(text::DurationError::Zero);
        if self.scalar(id).is_some_and(|scalar| text::parse_duration(&scalar.text) == zero) {
            return Some(Duration::ZERO);
        }
        let jitter = self.duration(id)?;
        if jitter > JITTER_MOST {
            let span = self.span(id);
            self.report(
                Diagnostic::error("bad-duration", span, "a jitter is at most one day")
                    .help("it only spreads fires; the cron line says when they are"),
            );
            return None;
        }
        Some(jitter)
    }

    fn bound(&mut self, id: NodeId) -> Option<Bound> {
        const EXPECTED: &str = "a day or a time such as `2026-12-01` or `2026-12-01T08:00`";
        let written = self.text(id, EXPECTED)?;
        let bound = Bound::parse(written);
        if bound.is_none() {
            let (span, found) = (self.span(id), self.found_words(id));
            self.report(
                Diagnostic::error("bad-time", span, format!("expected {EXPECTED}, found {found}"))
                    .help("without a distance from UTC, such as `Z` or `+01:00`, it is a time of the schedule's zone"),
            );
        }
        bound
    }

    /// A schedule has to fire between its start and its end.
    fn check_bounds(&mut self, schedule: &Schedule, end: NodeId) {
        let Some(zone) = bundled_zone(&schedule.zone) else { return };
        let from = if schedule.start.is_some() { Timestamp(0) } else { return };
        if schedule.end.is_none() || fires::next(schedule, &zone, from).is_some() {
            return;
        }
        let span = self.span(end);
        self.report(
            Diagnostic::error(
                "never-fires",
                span,
                format!("`{}` never fires between `start` and `end`", schedule.cron.source()),
            )
            .help("put `end` later, or leave it out"),
        );
    }

    fn watch(&mut self, id: NodeId, key: Span) -> Option<Watch> {
        const HELP: &str = "write `watch: {globs: ['src/**']}`";
        let mut watch = Watch { globs: Vec::new(), debounce: DEBOUNCE, overlap: Overlap::Queue };
        let globs = if matches!(self.tree.node(id).kind, Kind::Map(_)) {
            let fields = self.fields(id, Place::Watch)?;
            watch.debounce = fields.get("debounce").and_then(|id| self.duration(id)).unwrap_or(DEBOUNCE);
            watch.overlap =
                fields.get("overlap").and_then(|id| self.word(id, OVERLAPS)).unwrap_or(Overlap::Queue);
            fields.get("globs")
        } else {
            Some(id).filter(|id| !self.is_null(*id))
        };
        let Some(globs) = globs else {
            self.missing(key, "`watch`", "globs", HELP);
            return None;
        };
        let found = self.texts(globs, "a list of globs such as `src/**/*.rs`");
        let before = self.found.len();
        for (glob, span) in &found {
            self.check_glob(glob, *span);
        }
        if self.found.len() > before {
            return None;
        }
        if found.iter().all(|(glob, _)| glob.starts_with('!')) {
            let span = self.span(globs);
            self.report(
                Diagnostic::error("bad-glob", span, "none of these globs names files to watch").help(HELP),
            );
            return None;
        }
        watch.globs = found.into_iter().map(|(glob, _)| glob.to_owned()).collect();
        Some(watch)
    }

    fn check_glob(&mut self, glob: &str, span: Span) {
        let bare = glob.strip_prefix('!').unwrap_or(glob);
        let shown = text::shortened(glob, 40);
        let leaves = bare.starts_with('/') || bare.split('/').any(|part| part == "..");
        let problem = if bare.is_empty() {
            Diagnostic::error("bad-glob", span, "a glob is empty").help("name files, such as `src/**`")
        } else if leaves {
            Diagnostic::error("bad-glob", span, format!("the glob `{shown}` leads out of the project"))
                .help("globs begin at the project's root, such as `src/**`")
        } else if let Err(error) = GlobBuilder::new(bare).literal_separator(true).build() {
            Diagnostic::error(
                "bad-glob",
                span,
                format!("the glob `{shown}` cannot be read: {}", error.kind()),
            )
            .help("`*` is any part of a name, `**` any folders, `{a,b}` a choice")
        } else {
            return;
        };
        self.report(problem);
    }

    fn after_run(&mut self, id: NodeId, key: Span) -> Option<AfterRun> {
        let fields = self.fields(id, Place::AfterRun)?;
        let overlap = fields.get("overlap").and_then(|id| self.word(id, OVERLAPS)).unwrap_or(Overlap::Queue);
        let types = fields.get("types").map(|id| self.run_ends(id)).unwrap_or_default();
        let found = fields.get("playbooks").map(|id| self.texts(id, "a list of names of playbooks"));
        let Some(found) = found.filter(|found| !found.is_empty()) else {
            self.missing(key, "`run` of `on`", "playbooks", "write `run: {playbooks: [NAME]}`");
            return None;
        };
        for (name, span) in &found {
            if is_called(name, &self.source.name) {
                self.report(
                    Diagnostic::error(
                        "self-trigger",
                        *span,
                        "this playbook would start again whenever its own job ends, for ever",
                    )
                    .help("to try again after a failure, use `retry`; to repeat, use `schedule`"),
                );
            }
        }
        Some(AfterRun {
            spans: found.iter().map(|(_, span)| *span).collect(),
            playbooks: found.into_iter().map(|(name, _)| name.to_owned()).collect(),
            types: if types.is_empty() { vec![RunEnd::Completed] } else { types },
            overlap,
        })
    }

    fn run_ends(&mut self, id: NodeId) -> Vec<RunEnd> {
        let words = RUN_ENDS.map(|end| (end.word(), end));
        let single = [id];
        let items: &[NodeId] = match &self.tree.node(id).kind {
            Kind::Seq(items) => items,
            _ => &single,
        };
        items.iter().filter_map(|item| self.word(*item, &words)).collect()
    }
}

/// A schedule of a cron line alone.
fn plain(cron: Cron) -> Schedule {
    // Who names an hour means it once; who says every hour means that no hour is left out.
    let repeated = if cron.is_every_hour() { Repeated::Both } else { Repeated::First };
    Schedule {
        cron,
        zone: Arc::from("UTC"),
        dst: Dst { missing: Missing::Shift, repeated },
        catch_up: CatchUp::default(),
        window: WINDOW,
        overlap: Overlap::default(),
        jitter: Duration::ZERO,
        start: None,
        end: None,
    }
}

fn detail(trigger: &str) -> &'static str {
    if trigger == "schedule" { "cron" } else { "globs" }
}

/// Says whether a name means the playbook of that file.
fn is_called(name: &str, file: &str) -> bool {
    let bare = |text: &str| text.trim_end_matches(".yaml").trim_end_matches(".yml").to_owned();
    let whole = bare(file.strip_prefix("playbooks/").unwrap_or(file));
    let name = bare(name.strip_prefix("playbooks/").unwrap_or(name));
    name == whole || whole.rsplit('/').next() == Some(&*name)
}
