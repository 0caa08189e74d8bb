//! A job that is told in reports, with a clock that is moved by hand.

use std::time::Duration;

use crate::logic::job::event::{Envelope, Event};
use crate::logic::job::order::{Asked, Order};
use crate::logic::job::report::{Annotation, AttemptKey, End, Exit, Report, StepFiles, Usage};
use crate::logic::job::state::{JobPhase, JobState};
use crate::logic::job::testing::new_state;
use crate::logic::job::{Input, turn};
use crate::logic::summary::{About, Story, Summary};
use crate::logic::time::Timestamp;

/// 2026-11-22 12:00:00 UTC.
pub(super) const NOON: Timestamp = Timestamp(1_795_348_800_000_000);

pub(super) struct Tale {
    pub(super) state: JobState,
    pub(super) story: Story,
    pub(super) outputs: Vec<(std::sync::Arc<str>, std::sync::Arc<str>)>,
    now: Timestamp,
    seq: u64,
}

impl Tale {
    pub(super) fn of(text: &str, slots: u32) -> Self {
        let state = new_state(&format!("version: 3\nname: ci\n{text}"), slots);
        let story = Story::new(&state.setting.plan);
        let mut tale = Self { state, story, outputs: Vec::new(), now: NOON, seq: 0 };
        tale.hear(&Input::Begin { epoch: 1 });
        tale
    }

    fn hear(&mut self, input: &Input) {
        let mut events = Vec::new();
        turn(&mut self.state, input, self.now, &mut events).expect("what is told makes sense");
        for event in events {
            if let Event::JobFinished { outputs, .. } = &event {
                self.outputs.clone_from(outputs);
            }
            self.seq += 1;
            self.story.fold(&Envelope { seq: self.seq, time: self.now, event });
        }
    }

    pub(super) fn after(&mut self, millis: u64) -> &mut Self {
        self.now = self.now.after(Duration::from_millis(millis));
        self.hear(&Input::Wake);
        self
    }

    pub(super) fn runs(&self, cell: &str) -> Option<AttemptKey> {
        self.state.index.live.keys().copied().find(|key| self.state.cell_name(key.cell) == cell)
    }

    #[track_caller]
    fn running(&self, cell: &str) -> AttemptKey {
        self.runs(cell).unwrap_or_else(|| panic!("nothing of `{cell}` runs"))
    }

    /// The running step of a cell ends.
    #[track_caller]
    pub(super) fn ends(&mut self, cell: &str, code: i32) -> &mut Self {
        self.ends_with(cell, code, StepFiles::default())
    }

    #[track_caller]
    pub(super) fn ends_with(&mut self, cell: &str, code: i32, files: StepFiles) -> &mut Self {
        let key = self.running(cell);
        let usage = Usage { user_us: 12_000, system_us: 3_000, max_rss_kib: 2_048 };
        let exit = Exit {
            key,
            end: End::Code(code),
            log_bytes: 64,
            log_problem: None,
            usage,
            files,
            left_running: 0,
            next: None,
            undisturbed: false,
        };
        self.hear(&Input::Report(Report::Exited(exit)));
        self
    }

    #[track_caller]
    pub(super) fn notes(&mut self, cell: &str, level: &str, message: &str) -> &mut Self {
        let annotation = Annotation {
            level: level.to_owned(),
            message: message.to_owned(),
            title: None,
            file: Some("src/a.rs".to_owned()),
            line: Some(3),
            column: None,
            end_line: None,
        };
        let key = self.running(cell);
        self.hear(&Input::Report(Report::Annotated { key, annotation, nth: 1 }));
        self
    }

    pub(super) fn orders(&mut self, order: Order) -> &mut Self {
        let id = format!("o{}", self.seq);
        self.hear(&Input::Order(Asked { id, by: "ann".to_owned(), order, expected_seq: None }));
        self
    }

    #[track_caller]
    pub(super) fn closes(&mut self) -> &mut Self {
        self.hear(&Input::Report(Report::Closed { survivors: Vec::new() }));
        assert!(matches!(self.state.phase, JobPhase::Finished { .. }), "{:?}", self.state.phase);
        self
    }

    pub(super) fn summary(&self) -> Summary {
        self.summary_hiding(&[])
    }

    pub(super) fn summary_hiding(&self, hidden: &[String]) -> Summary {
        let plan = &self.state.setting.plan;
        let tail = |_: AttemptKey| (vec!["compiling".to_owned(), "error: no".to_owned()], true);
        let about = About {
            number: 12,
            id: "0190-test",
            name: &plan.playbook.name,
            playbook: "playbooks/ci.yml",
            actor: "ann",
            retry_of: None,
            slots: plan.slots,
            inputs: &plan.inputs,
            vars: &plan.vars,
            hidden,
            tail: &tail,
            now: self.now,
        };
        Summary::of(&self.story, &about)
    }
}

pub(super) fn wrote(output: &str, summary: &str) -> StepFiles {
    StepFiles { output: output.to_owned(), summary: summary.to_owned(), ..StepFiles::default() }
}

pub(super) const CI: &str = "\
inputs:
  channel: {type: string, default: nightly}
  api_token: {type: string, default: abc}
vars: {region: eu}
env: {WHO: '${{ inputs.channel }}'}
stages:
  fetch:
    steps:
      - {id: get, run: curl}
    outputs: {rev: '${{ steps.get.outputs.rev }}'}
  test:
    needs: [fetch]
    strategy:
      fail-fast: false
      matrix: {os: [linux, macos], v: [1, 2]}
    steps:
      - run: make
      - {name: unit tests, run: make test}
  flaky:
    steps:
      - {run: ping, retry: {attempts: 2, backoff: {first: 200ms, jitter: 0}}}
  pack: {needs: [test], run: tar}
outputs:
  rev: {value: '${{ stages.fetch.outputs.rev }}'}
";

/// A job of four stages with a matrix, of which one cell fails, and a step that passes at its second try.
pub(super) fn ci() -> Tale {
    let mut tale = Tale::of(CI, 2);
    tale.notes("fetch", "warning", "slow | network");
    tale.after(100).ends("flaky", 3);
    tale.after(100).ends_with("fetch", 0, wrote("rev=abc\n", "Got **abc**.\n"));
    tale.after(100);
    while let Some(key) = tale.state.index.live.keys().next().copied() {
        let cell = tale.state.cell_name(key.cell);
        let is_bad = cell == "test[os=macos, v=1]" && key.step == 1;
        tale.after(120).ends(&cell, if is_bad { 101 } else { 0 });
    }
    tale.closes();
    tale
}
