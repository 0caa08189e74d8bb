//! The vocabulary of the tests of a job: a story told in orders and reports.

use std::sync::Arc;

use super::event::{Cause, Event, Outcome};
use super::order::{Asked, Order, RetryScope, Target};
use super::report::{AttemptKey, End, Exit, Report, StepFiles, Usage};
use super::state::{JobState, Setting, StagePhase};
use super::{Input, turn};
use crate::logic::cache::{Hit, Looked, Record};
use crate::logic::plan::{Plan, PlanRequest, plan};
use crate::logic::playbook::gate::GateRules;
use crate::logic::playbook::testing::read_whole;
use crate::logic::time::Timestamp;
use crate::logic::value::{Object, Value};

/// Says that the running step of a cell exits.
pub(super) struct Exits {
    cell: String,
    code: i32,
}

pub(super) fn exits(cell: &str, code: i32) -> Exits {
    Exits { cell: cell.to_owned(), code }
}

/// A result that fits, with that to be replayed.
pub(super) fn hit(record: Record) -> Looked {
    let key = "k".to_owned();
    Looked::Hit(Box::new(Hit { key, record, restored: 0, files: 0, bytes: 0, made_by: 3, notes: Vec::new() }))
}

/// Returns the state of a job that has not begun, from a playbook's text.
pub(crate) fn new_state(text: &str, slots: u32) -> JobState {
    new_state_with(text, &PlanRequest { max_parallel: Some(slots), ..PlanRequest::default() })
}

/// The same with what else was asked for.
pub(crate) fn new_state_with(text: &str, request: &PlanRequest) -> JobState {
    let reading = read_whole("t.yml", text.as_bytes()).1;
    let playbook = reading.playbook.unwrap_or_else(|| panic!("{text}\n{:?}", reading.diagnostics));
    let plan = plan(Arc::new(playbook), request).expect("the request asks for nothing special");
    JobState::new(Setting {
        plan: Arc::new(plan),
        facts: Value::object(Object::new()),
        root: Arc::from("/project"),
        dir: Arc::from("/project/.sortie/jobs/x"),
        job_id: Arc::from("0190-test"),
        secrets: Value::object(Object::new()),
        env: Vec::new(),
        path: Arc::from("/bin"),
        surroundings: Arc::from([]),
        has_bash: true,
        ahead: 0,
    })
}

/// Returns an exit of a try.
pub(super) fn exit(key: AttemptKey, end: End) -> Report {
    Report::Exited(Exit {
        key,
        end,
        log_bytes: 0,
        usage: Usage::default(),
        files: StepFiles::default(),
        left_running: 0,
        next: None,
        undisturbed: false,
        log_problem: None,
    })
}

pub(super) struct Job {
    state: JobState,
    now: Timestamp,
    events: Vec<Event>,
    orders: u32,
}

impl Job {
    pub(super) fn of(stages: &str) -> Self {
        Self::of_with_slots(stages, 8)
    }

    pub(super) fn of_with_slots(stages: &str, slots: u32) -> Self {
        Self::of_text(&format!("version: 3\nname: t\nstages:\n  {stages}\n"), slots)
    }

    pub(super) fn of_text(text: &str, slots: u32) -> Self {
        Self { state: new_state(text, slots), now: Timestamp(1_000_000), events: Vec::new(), orders: 0 }
    }

    /// The same with what else was asked for.
    pub(super) fn of_request(text: &str, request: &PlanRequest) -> Self {
        let request = PlanRequest { max_parallel: Some(8), ..request.clone() };
        Self {
            state: new_state_with(text, &request),
            now: Timestamp(1_000_000),
            events: Vec::new(),
            orders: 0,
        }
    }

    fn turn(&mut self, input: &Input) -> Result<String, super::order::Refusal> {
        turn(&mut self.state, input, self.now, &mut self.events)
    }

    pub(super) fn order(&mut self, order: Order) -> String {
        self.ask(order).expect("the order makes sense here")
    }

    /// Returns the words of a refusal.
    pub(super) fn refused(&mut self, order: Order) -> String {
        self.ask(order).expect_err("the order makes no sense here").message
    }

    fn ask(&mut self, order: Order) -> Result<String, super::order::Refusal> {
        self.orders += 1;
        let asked =
            Asked { id: format!("o{}", self.orders), by: "ann".to_owned(), order, expected_seq: None };
        self.turn(&Input::Order(asked))
    }

    /// Sets what holds for gates, and who started the job.
    pub(super) fn gated(mut self, rules: GateRules, starter: &str) -> Self {
        let plan = Plan { gates: rules, ..(*self.state.setting.plan).clone() };
        self.state.setting.plan = Arc::new(plan);
        let run: Object = [("actor", Value::string(starter))].into_iter().collect();
        self.state.setting.facts = Value::object([("run", Value::object(run))].into_iter().collect());
        self
    }

    /// Returns the words of an answer or of a refusal to an order of somebody.
    pub(super) fn says(&mut self, by: &str, order: Order) -> Result<String, String> {
        self.orders += 1;
        let asked = Asked { id: format!("o{}", self.orders), by: by.to_owned(), order, expected_seq: None };
        self.turn(&Input::Order(asked)).map_err(|refusal| refusal.message)
    }

    /// Takes in what is never refused.
    pub(super) fn hear(&mut self, input: &Input) {
        self.turn(input).expect("only orders are refused");
    }

    pub(super) fn state(&self) -> &JobState {
        &self.state
    }

    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    /// Lets cells be given out before there is a slot for them.
    pub(super) fn ahead(mut self, ahead: u32) -> Self {
        self.state.setting.ahead = ahead;
        self
    }

    pub(super) fn stage(&self, name: &str) -> Target {
        Target::Stage(self.stage_at(name))
    }

    pub(super) fn stage_at(&self, name: &str) -> u32 {
        let stages = &self.state.setting.plan.playbook.stages;
        u32::try_from(stages.iter().position(|s| &*s.id == name).expect("a stage")).expect("few stages")
    }

    pub(super) fn cell_at(&self, name: &str) -> u32 {
        let cells = (0u32..).zip(&self.state.cells).map(|(at, _)| at);
        cells.into_iter().find(|&at| self.state.cell_name(at) == name).expect("a cell")
    }

    pub(super) fn order_with_id(&mut self, id: &str) -> Result<String, super::order::Refusal> {
        let order = Order::Cancel { target: Target::Job, force: false };
        self.turn(&Input::Order(Asked { id: id.to_owned(), by: "ann".to_owned(), order, expected_seq: None }))
    }

    pub(super) fn begin(&mut self) {
        self.turn(&Input::Begin { epoch: 1 }).expect("beginning is never refused");
    }

    pub(super) fn cancel(&mut self) {
        self.order(Order::Cancel { target: Target::Job, force: false });
    }

    pub(super) fn pause(&mut self) {
        self.order(Order::Pause);
    }

    pub(super) fn resume(&mut self) {
        self.order(Order::Resume);
    }

    pub(super) fn retry_failed(&mut self) {
        self.order(Order::Retry { scope: RetryScope::Failed });
    }

    pub(super) fn skip(&mut self, stage: &str) {
        self.order(Order::Skip { target: self.stage(stage) });
    }

    pub(super) fn report(&mut self, it: &Exits) {
        let end = exit(self.live(&it.cell), End::Code(it.code));
        self.turn(&Input::Report(end)).expect("reports are never refused");
    }

    fn live(&self, cell: &str) -> AttemptKey {
        let mut live = self.state.index.live.keys().copied();
        let key = live.find(|key| self.state.cell_name(key.cell) == cell);
        key.unwrap_or_else(|| panic!("nothing of `{cell}` runs: {:?}", self.state.index.live))
    }

    /// The step of a cell passed, and the keeper began that of another in its slot.
    pub(super) fn passes_on_to(&mut self, cell: &str, next: &str) {
        let Report::Exited(mut it) = exit(self.live(cell), End::Code(0)) else { unreachable!() };
        it.next = Some(self.live(next));
        self.turn(&Input::Report(Report::Exited(it))).expect("reports are never refused");
    }

    /// The step of a cell ended and left a process behind, which is still there.
    pub(super) fn leaves_something(&mut self, it: &Exits) {
        let Report::Exited(mut exit) = exit(self.live(&it.cell), End::Code(it.code)) else { unreachable!() };
        exit.left_running = 1;
        self.turn(&Input::Report(Report::Exited(exit))).expect("reports are never refused");
    }

    pub(super) fn is_swept(&mut self, cell: &str) {
        let cell = self.cell_at(cell);
        let run = self.state.cells[cell as usize].run;
        let report = Report::Swept { cell, run, ended: 1, survivors: Vec::new() };
        self.turn(&Input::Report(report)).expect("reports are never refused");
    }

    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.state.outcome_of(&Target::Job)
    }

    /// Why a stage ended as it did.
    pub(super) fn cause(&self, stage: &str) -> Option<Cause> {
        match &self.state.stages[self.stage_at(stage) as usize].phase {
            StagePhase::Finished { cause, .. } => cause.clone(),
            _ => None,
        }
    }

    /// Every event after the last one of that type, a line each.
    pub(super) fn log_after(&self, kind: &str) -> String {
        let at = self.events.iter().rposition(|event| event.type_name() == kind).expect("an event of it");
        self.events[at + 1..].iter().map(|e| self.line(e)).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn closes(&mut self) {
        self.turn(&Input::Report(Report::Closed { survivors: Vec::new() }))
            .expect("reports are never refused");
    }

    pub(super) fn after_ms(&mut self, ms: i64) {
        self.now = Timestamp(self.now.0 + ms * 1000);
        self.turn(&Input::Wake).expect("waking is never refused");
    }

    pub(super) fn is_rescued(&self) -> bool {
        matches!(
            self.events.last(),
            Some(Event::JobFinished { outcome: Outcome::Success, rescued: true, .. })
        )
    }

    /// Every event, a line each.
    pub(super) fn log(&self) -> String {
        self.events.iter().map(|e| self.line(e)).collect::<Vec<_>>().join("\n")
    }

    /// Every request to stop a step, with its rung.
    pub(super) fn rungs(&self) -> String {
        let rungs = self.events.iter().filter_map(|e| match e {
            Event::StepStopping { key, rung, .. } => {
                Some(format!("{} {}", format!("{rung:?}").to_lowercase(), self.step(*key)))
            }
            _ => None,
        });
        rungs.collect::<Vec<_>>().join("\n")
    }

    fn step(&self, key: AttemptKey) -> String {
        format!("{}/{}", self.state.cell_name(key.cell), key.step + 1)
    }

    fn gate(&self, gate: u32) -> String {
        super::gate::name(&self.state, self.state.gates[gate as usize].opened.place)
    }

    fn line(&self, event: &Event) -> String {
        let what = match event {
            Event::StageStarted { stage, .. } | Event::StageFinished { stage, .. } => {
                self.state.stage_name(*stage).to_owned()
            }
            Event::CellQueued { cell, .. }
            | Event::ClaimsBlocked { cell: Some(cell), .. }
            | Event::ClaimsHeld { cell: Some(cell), .. }
            | Event::ClaimsLost { cell: Some(cell), .. }
            | Event::CellStarted { cell, .. }
            | Event::CellStopping { cell, .. }
            | Event::CellRetrying { cell, .. }
            | Event::CellSwept { cell, .. }
            | Event::CellFinished { cell, .. } => self.state.cell_name(*cell),
            Event::StepSubmitted { key }
            | Event::StepWithdrawn { key }
            | Event::StepStarted { key }
            | Event::StepStopping { key, .. }
            | Event::StepRetrying { key, .. } => self.step(*key),
            Event::GateOpened(it) => self.gate(it.gate),
            Event::GateAnswered(it) | Event::GateApproved(it) | Event::GateRejected(it) => self.gate(it.gate),
            Event::GateExpired { gate, .. }
            | Event::GateWithdrawn { gate }
            | Event::GateReminded { gate } => self.gate(*gate),
            Event::StepFinished(end) => self.step(end.key),
            Event::StepSkipped { cell, step, .. } => format!("{}/{}", self.state.cell_name(*cell), step + 1),
            _ => return event.type_name().to_owned(),
        };
        format!("{} {what}", event.type_name())
    }
}
