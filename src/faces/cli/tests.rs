//! What people see: lines while a job runs, the summary, cleaned output, targets of orders.
#![expect(clippy::disallowed_methods, reason = "logs are written as a keeper would")]

use std::cell::RefCell;
use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::pick;
use crate::engine::logs;
use crate::faces::hint::Caller;
use crate::faces::out::{Out, Paint};
use crate::faces::plain::Plain;
use crate::faces::signs::State;
use crate::faces::summary;
use crate::faces::summary::Volume;
use crate::logic::job::event::{Cause, Envelope, Event, NewCell, Outcome, StepEnd};
use crate::logic::job::order::Target;
use crate::logic::job::report::{AttemptKey, Usage};
use crate::logic::playbook;
use crate::logic::playbook::source::Source;
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;

/// A place to print to that can be looked at, and that may refuse.
#[derive(Clone, Default)]
struct Screen {
    bytes: Rc<RefCell<Vec<u8>>>,
    refuses: Option<std::io::ErrorKind>,
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Some(why) = self.refuses {
            return Err(why.into());
        }
        self.bytes.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A job of two stages, one with a matrix, shown by the plain face.
struct Show {
    view: JobView,
    plain: Plain,
    out: Out,
    screen: Screen,
    folder: tempfile::TempDir,
}

impl Show {
    fn new(volume: Volume, is_terminal: bool) -> Self {
        let text = "version: 3\nname: ci\nstages:\n  build:\n    matrix: {os: [linux, mac]}\n    run: make\n  test: {needs: build, run: cargo test}\n";
        let playbook = playbook::read(&Source::new("ci.yml", text)).playbook.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let screen = Screen::default();
        Self {
            view: JobView::new(Arc::new(playbook)),
            plain: Plain::new(volume, folder.path().to_path_buf(), Duration::from_secs(30)),
            out: Out::new(Box::new(screen.clone()), Paint::default(), is_terminal),
            screen,
            folder,
        }
    }

    fn log(&self, key: AttemptKey) -> PathBuf {
        let path = logs::path(self.folder.path(), key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// Shows events that come a second apart, and returns what they print.
    fn events(&mut self, events: Vec<Event>) -> String {
        for event in events {
            let seq = self.view.seq + 1;
            let time = Timestamp(i64::try_from(seq).unwrap() * 1_000_000);
            let envelope = Envelope { seq, time, event };
            self.view.fold(&envelope);
            self.plain.event(&mut self.out, &self.view, &envelope);
        }
        self.printed()
    }

    fn printed(&mut self) -> String {
        self.out.flush();
        String::from_utf8(std::mem::take(&mut *self.screen.bytes.borrow_mut())).unwrap()
    }

    fn summary(&mut self, volume: Volume) -> String {
        let caller = Caller::default();
        summary::print(&mut self.out, &self.view, (7, self.folder.path()), volume, &caller);
        self.printed()
    }
}

fn key(cell: u32, attempt: u32) -> AttemptKey {
    AttemptKey { cell, run: 1, step: 0, attempt }
}

fn start() -> Vec<Event> {
    let cell = |cell: u32, os: &str| NewCell {
        cell,
        run: 1,
        id: format!("build.0000000{cell}").into(),
        label: format!("os={os}").into(),
        matrix: serde_json::json!({ "os": os }).into(),
    };
    vec![
        Event::JobStarted { attempt: 1, title: None },
        Event::StageStarted { stage: 0, cells: vec![cell(0, "linux"), cell(1, "mac")] },
        Event::CellStarted { cell: 0, run: 1 },
        Event::CellStarted { cell: 1, run: 1 },
        Event::StepStarted { key: key(0, 1) },
        Event::StepStarted { key: key(1, 1) },
    ]
}

fn step_end(key: AttemptKey, outcome: Outcome, log_bytes: u64) -> Event {
    Event::StepFinished(Box::new(StepEnd {
        key,
        outcome,
        conclusion: outcome,
        cause: (outcome == Outcome::Failure).then_some(Cause::Exit { code: 2 }),
        end: None,
        outputs: vec![],
        env: vec![],
        paths: vec![],
        state: vec![],
        summary: String::new(),
        log_bytes,
        usage: Usage::default(),
        left_running: 0,
        rescued: false,
    }))
}

fn cell_end(cell: u32, outcome: Outcome) -> Event {
    let cause = (outcome == Outcome::Failure).then(|| Cause::Member { names: vec!["1".to_owned()] });
    Event::CellFinished { cell, run: 1, outcome, result: outcome, cause, outputs: vec![] }
}

fn rest(outcome: Outcome) -> Vec<Event> {
    let (tested, cause) = match outcome {
        Outcome::Success => (Outcome::Success, None),
        _ => (Outcome::Skipped, Some(Cause::Needs { stages: vec!["build".to_owned()] })),
    };
    vec![
        Event::StageFinished { stage: 0, outcome, result: outcome, cause: None },
        Event::StageFinished { stage: 1, outcome: tested, result: tested, cause },
        Event::JobFinished { outcome, cause: None, rescued: false, outputs: vec![], survivors: vec![] },
    ]
}

#[test]
fn where_nobody_looks_on_only_ends_are_printed() {
    let mut show = Show::new(Volume::Normal, false);
    assert_eq!(show.events(start()), "");
    let ends = vec![
        step_end(key(0, 1), Outcome::Success, 0),
        cell_end(0, Outcome::Success),
        step_end(key(1, 1), Outcome::Failure, 0),
        cell_end(1, Outcome::Failure),
    ];
    assert_eq!(
        show.events(ends),
        "✓ build[os=linux] passed in 5.0 s\n\
         ✗ build[os=mac] failed after 6.0 s: step 1 `make` exited with code 2\n"
    );
    assert_eq!(
        show.events(rest(Outcome::Failure)),
        "✗ build failed: 1 cell passed, 1 failed\n⊘ test skipped: `build` did not pass\n"
    );
}

#[test]
fn a_terminal_sees_starts_and_verbose_sees_steps() {
    assert_eq!(
        Show::new(Volume::Normal, true).events(start()),
        "▹ build[os=linux] started\n▹ build[os=mac] started\n"
    );
    assert_eq!(
        Show::new(Volume::Verbose, false).events(start()).lines().skip(2).collect::<Vec<_>>(),
        ["▹ build[os=linux]: step 1 `make` started", "▹ build[os=mac]: step 1 `make` started"]
    );
}

#[test]
fn a_cell_that_is_run_again_says_which_step_failed_and_how() {
    let mut show = Show::new(Volume::Normal, false);
    show.events(start());
    show.events(vec![step_end(key(0, 1), Outcome::Failure, 0)]);
    let cause = Some(Cause::Member { names: vec!["1".to_owned()] });
    let until = Timestamp(12_000_000);
    assert_eq!(
        show.events(vec![Event::CellRetrying { cell: 0, run: 1, until, cause }]),
        "↻ build[os=linux] failed: step 1 `make` exited with code 2, run 1; again in 4.0 s\n"
    );
}

#[test]
fn a_cancel_waits_for_nothing_that_does_not_run() {
    let mut show = Show::new(Volume::Normal, false);
    show.events(start());
    let until = Timestamp(99_000_000);
    for cell in [0, 1] {
        let key = key(cell, 1);
        show.events(vec![Event::StepRetrying {
            key,
            until,
            cause: None,
            end: None,
            left_running: 0,
            rerun: false,
            log_bytes: 0,
        }]);
    }
    let (by, order, target) = ("ann".to_owned(), String::new(), Target::Job);
    assert_eq!(
        show.events(vec![Event::CancelAsked { by, order, target, force: false, cause: None }]),
        "▿ cancelling (asked for by ann)\n"
    );
}

#[test]
fn lines_have_the_signs_of_screens() {
    let mut show = Show::new(Volume::Normal, false);
    show.events(start());
    let ends = |cell, outcome, result, cause| Event::CellFinished {
        cell,
        run: 1,
        outcome,
        result,
        cause: Some(cause),
        outputs: vec![],
    };
    let by = || Cause::Order { by: "ann".to_owned() };
    let late = || Cause::Timeout { of: "stage".to_owned() };
    let (failure, cancelled) = (Outcome::Failure, Outcome::Cancelled);
    let mut first = |outcome, result, cause| {
        let said = show.events(vec![ends(0, outcome, result, cause)]);
        said.split(' ').next().unwrap_or_default().to_owned()
    };
    assert_eq!(first(cancelled, cancelled, by()), State::Cancelled.sign(false));
    assert_eq!(first(failure, failure, late()), State::TimedOut.sign(false));
    assert_eq!(first(failure, Outcome::Success, by()), State::Allowed.sign(false));
    assert_eq!(first(Outcome::Skipped, Outcome::Skipped, by()), State::Skipped.sign(false));
    assert_eq!(
        show.events(vec![Event::JobPaused { by: "ann".to_owned(), order: String::new(), freeze: false }]),
        format!("{} paused by ann; what runs goes on\n", State::Paused.sign(false))
    );
}

#[test]
fn output_is_printed_in_whole_lines_and_the_rest_at_the_end() {
    let mut show = Show::new(Volume::Normal, false);
    show.events(start());
    let path = show.log(key(0, 1));
    std::fs::write(&path, b"one\ntwo, and a piece").unwrap();
    show.plain.grew(&mut show.out, &show.view, key(0, 1), 21);
    assert_eq!(show.printed(), "build[os=linux] | one\n");
    std::fs::write(&path, b"one\ntwo, and a piece of it\x1b[31m\nthree").unwrap();
    assert_eq!(
        show.events(vec![step_end(key(0, 1), Outcome::Success, 38)]),
        "build[os=linux] | two, and a piece of it\nbuild[os=linux] | three\n"
    );
}

#[test]
fn quiet_prints_one_line_for_a_success() {
    let mut show = Show::new(Volume::Quiet, true);
    let mut events = start();
    events.extend([cell_end(0, Outcome::Success), cell_end(1, Outcome::Success)]);
    events.extend(rest(Outcome::Success));
    assert_eq!(show.events(events), "");
    assert_eq!(show.summary(Volume::Quiet), "✓ job #7 passed in 10.0 s: 2 stages passed\n");
}

#[test]
fn the_summary_of_a_failure_says_why_and_where_to_look() {
    let mut show = Show::new(Volume::Normal, false);
    let lines: String = (1..=12).map(|n| format!("line {n}\n")).collect();
    std::fs::write(show.log(key(1, 1)), &lines).unwrap();
    let mut events = start();
    events.extend([
        step_end(key(1, 1), Outcome::Failure, 0),
        cell_end(1, Outcome::Failure),
        cell_end(0, Outcome::Cancelled),
    ]);
    events.extend(rest(Outcome::Failure));
    show.events(events);
    assert_eq!(
        show.summary(Volume::Normal),
        "
✗ build[os=mac]: step 1 `make` exited with code 2
  last lines
    line 3
    line 4
    line 5
    line 6
    line 7
    line 8
    line 9
    line 10
    line 11
    line 12
  log    sortie jobs logs 7 'build[os=mac]'

✗ job #7 failed after 11.0 s: 1 stage failed, 1 skipped
  again  sortie jobs retry 7
"
    );
}

#[test]
fn a_cancel_says_what_it_waits_for() {
    let mut show = Show::new(Volume::Normal, false);
    let mut events = start();
    let (by, order) = ("ann".to_owned(), String::new());
    events.push(Event::CancelAsked { by, order, target: Target::Job, force: false, cause: None });
    assert_eq!(
        show.events(events),
        "▿ cancelling (asked for by ann): waiting for build[os=linux] and build[os=mac], killed after 10s; Ctrl-C kills at once\n"
    );
}

#[test]
fn a_skip_says_what_it_waits_for_and_who_asked() {
    let mut show = Show::new(Volume::Normal, false);
    let mut events = start();
    let skip = |target: Target, force: bool| {
        let (by, order) = ("ada".to_owned(), String::new());
        Event::SkipAsked { by, order, target, force }
    };
    events.extend([skip(Target::Cell(0), false), skip(Target::Cell(0), true), skip(Target::Stage(1), false)]);
    let (by, order) = ("ada".to_owned(), String::new());
    events.push(Event::SkipWithdrawn { by: by.clone(), order, target: Target::Stage(1) });
    let (outcome, cause) = (Outcome::Skipped, Some(Cause::Order { by }));
    events.push(Event::CellFinished {
        cell: 0,
        run: 1,
        outcome,
        result: outcome,
        cause: cause.clone(),
        outputs: vec![],
    });
    events.push(Event::StageFinished { stage: 1, outcome, result: outcome, cause });
    let lines = show.events(events);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(
        lines,
        [
            "▿ skipping build[os=linux] (asked for by ada): waiting for build[os=linux], killed after 10s",
            "▿ killing build[os=linux] without cleanup, to skip it (asked for by ada)",
            "▿ test will be left out (asked for by ada)",
            "▹ test will not be left out (asked for by ada)",
            "⊘ build[os=linux] skipped after 8.0 s: asked for by ada",
            "⊘ test skipped: asked for by ada",
        ]
    );
}

#[test]
fn a_closed_pipe_is_no_error_and_a_full_disk_is_one() {
    for (why, is_fine) in [(std::io::ErrorKind::BrokenPipe, true), (std::io::ErrorKind::StorageFull, false)] {
        let screen = Screen { refuses: Some(why), ..Screen::default() };
        let mut out = Out::new(Box::new(screen), Paint::default(), false);
        out.line("hello");
        out.flush();
        assert!(out.is_closed());
        out.line("more");
        assert_eq!(out.finish().is_ok(), is_fine, "{why}");
    }
}

#[test]
fn targets_are_found_by_address() {
    let mut show = Show::new(Volume::Quiet, false);
    show.events(start());
    let target = |text: &str| pick::target(&show.view, text).map_err(|failure| failure.message);
    assert_eq!(target("test"), Ok(Target::Stage(1)));
    assert_eq!(target("BUILD"), Ok(Target::Stage(0)));
    assert_eq!(target("build[os=mac]"), Ok(Target::Cell(1)));
    assert_eq!(target("build.00000000"), Ok(Target::Cell(0)));
    assert_eq!(target("build[os=bsd]"), Err("the stage `build` has no such cell".to_owned()));
    assert_eq!(target("biuld"), Err("no stage of this job has the name `biuld`".to_owned()));
    assert_eq!(
        target("build/1"),
        Err("`build/1` names a step, and this order is for a stage or a cell".to_owned())
    );
    assert_eq!(pick::step(&show.view, 1, "1"), Ok(0));
    assert!(pick::step(&show.view, 1, "2").is_err());
}

#[test]
fn every_diagnostic_has_its_page() {
    let faults = crate::logic::playbook::slugs::ALL.iter().map(|slug| slug.name);
    for name in faults.chain(super::pages::OTHERS.iter().map(|(name, _)| *name)) {
        assert!(
            super::pages::find(name).is_some_and(|page| page.starts_with(&format!("# {name}\n"))),
            "{name}"
        );
    }
}
