//! Properties of the journal, over random jobs, random worlds and random orders.
//!
//! For each job: the run ends; replay of the journal equals the live state; every prefix of it, replayed and resumed
//! after a crash, comes to a legal end; nothing starts before its needs, after a cancel, twice, or beyond the slots.
//! Five faults planted on purpose must each be caught.

use super::Input;
use super::apply::apply;
use super::decide::decide;
use super::effect::Rung;
use super::event::{Cause, Envelope, Event, Outcome};
use super::follow::{follow, hear};
use super::launch::launch;
use super::order::{Asked, Order, RetryScope, Target};
use super::report::{AttemptKey, End, Report};
use super::state::{JobPhase, JobState, StagePhase, StageState};
use super::testing::{exit, new_state};
use super::wanted::wanted;
use crate::logic::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

const JOBS: u64 = 240;
const SLOTS: u32 = 3;

/// A small generator, so that a failure can be repeated from its seed.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// A breakage planted on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    NeedsIgnored,
    NoKillRung,
    LossesUnrecorded,
    SlotsIgnored,
    AttemptNotStored,
}

fn random_steps(dice: &mut Dice, depth: u32) -> String {
    let n = 1 + dice.roll(3);
    let steps: Vec<String> = (0..n)
        .map(|_| {
            if depth < 2 && dice.one_in(5) {
                let part = |dice: &mut Dice, name: &str| format!("{name}: {}", random_steps(dice, depth + 1));
                let mut parts = vec![part(dice, "block")];
                if dice.one_in(2) {
                    parts.push(part(dice, "rescue"));
                }
                if dice.one_in(2) {
                    parts.push(part(dice, "always"));
                }
                if dice.one_in(5) {
                    parts.push("timeout: 20s".to_owned());
                }
                return format!("{{ {} }}", parts.join(", "));
            }
            let mut keys = vec!["run: x".to_owned()];
            match dice.roll(8) {
                0 => keys.push(
                    "retry: { attempts: 3, on: [failure, timeout, interrupted], backoff: { first: 2s } }"
                        .to_owned(),
                ),
                1 => keys.push("timeout: 7s".to_owned()),
                2 => keys.push("if: always()".to_owned()),
                3 => keys.push("if: failure()".to_owned()),
                4 => keys.push("continue-on-error: true".to_owned()),
                _ => {}
            }
            format!("{{ {} }}", keys.join(", "))
        })
        .collect();
    format!("[{}]", steps.join(", "))
}

fn random_playbook(dice: &mut Dice) -> String {
    // One in three is large and plain, so that much is submitted before there is a slot for it.
    let is_plain = dice.one_in(3);
    // Half of these are mostly one chain, so that one stage is submitted behind another that is itself submitted.
    let is_chain = is_plain && dice.one_in(2);
    let n = if is_chain {
        8 + dice.roll(10)
    } else if is_plain {
        4 + dice.roll(8)
    } else {
        1 + dice.roll(6)
    };
    let mut text = String::from("version: 3\nname: t\ndefaults: { cancel: { grace: 5s } }\n");
    if dice.one_in(6) {
        text.push_str("policy: { timeout: 60s }\n");
    }
    text.push_str("stages:\n");
    for at in 0..n {
        let mut keys = Vec::new();
        let sides = if is_plain { 5 } else { 2 };
        let is_link = is_chain && at > 0 && !dice.one_in(5);
        let needs: Vec<String> = (0..at)
            .filter(|need| if is_link { need + 1 == at } else { dice.one_in(sides) })
            .map(|need| format!("s{need}"))
            .collect();
        if !needs.is_empty() {
            keys.push(format!("needs: [{}]", needs.join(", ")));
        }
        match dice.roll(if is_chain {
            60
        } else if is_plain {
            18
        } else {
            9
        }) {
            0 => keys.push("matrix: { n: [1, 2, 3] }".to_owned()),
            1 => {
                keys.push("strategy: { fail-fast: false, max-parallel: 1, matrix: { n: [1, 2] } }".to_owned())
            }
            2 => keys.push("timeout: 15s".to_owned()),
            3 => keys.push("retry: { attempts: 2, on: [failure], backoff: { first: 3s } }".to_owned()),
            4 if at > 0 => keys.push("run-when: all-done".to_owned()),
            5 => keys.push("if: always()".to_owned()),
            _ => {}
        }
        if is_plain {
            keys.push("run: x".to_owned());
        } else {
            keys.push(format!("priority: {}", dice.roll(3)));
            keys.push(format!("steps: {}", random_steps(dice, 0)));
        }
        text.push_str(&format!("  s{at}: {{ {} }}\n", keys.join(", ")));
    }
    if dice.one_in(3) {
        text.push_str(&format!("finally:\n  z: {{ steps: {} }}\n", random_steps(dice, 1)));
    }
    text
}

/// A process of the simulated world.
#[derive(Clone, Debug)]
struct Process {
    ends_at: i64,
    code: i32,
    /// Ignores the polite signal.
    stubborn: bool,
    /// Its success ends its cell.
    is_last: bool,
    rung: Option<Rung>,
}

/// Engine and world in one: runs a job to its end and watches what may not happen.
struct Sim {
    state: JobState,
    dice: Dice,
    now: Timestamp,
    journal: Vec<Envelope>,
    live: BTreeMap<AttemptKey, Process>,
    /// What the keeper holds and may begin in the slot of a cell that succeeds.
    submitted: Vec<AttemptKey>,
    started: BTreeSet<(AttemptKey, u32)>,
    fault: Fault,
    orders: u32,
    /// How often a submitted try began in the slot of another.
    followed: u32,
    /// How often that was the beginning of a stage.
    foreseen: u32,
    /// How often a try was submitted behind one that was itself submitted.
    chained: u32,
    /// How many cells were skipped, how many skips were taken back, how often something was run again.
    skipped: u32,
    withdrawn: u32,
    retried: u32,
    with_orders: bool,
}

type Checked = Result<(), String>;

impl Sim {
    fn new(text: &str, seed: u64, fault: Fault, with_orders: bool) -> Self {
        let slots = if fault == Fault::SlotsIgnored { 1_000 } else { SLOTS };
        let mut state = new_state(text, slots);
        state.setting.ahead = u32::try_from(seed % 4).unwrap_or(0);
        Self {
            state,
            dice: Dice(seed | 1),
            submitted: Vec::new(),
            now: Timestamp(1_000_000_000),
            journal: Vec::new(),
            live: BTreeMap::new(),
            started: BTreeSet::new(),
            fault,
            orders: 0,
            followed: 0,
            foreseen: 0,
            chained: 0,
            skipped: 0,
            withdrawn: 0,
            retried: 0,
            with_orders,
        }
    }

    fn record(&mut self, event: Event) -> Checked {
        self.watch(&event)?;
        apply(&mut self.state, &event, self.now);
        if let (Event::StepStarted { key }, Fault::AttemptNotStored) = (&event, self.fault) {
            self.state.cells[key.cell as usize].steps[key.step as usize].attempt = 0;
        }
        let seq = self.journal.len() as u64 + 1;
        self.journal.push(Envelope { seq, time: self.now, event });
        Ok(())
    }

    /// Invariants of single events, judged on the state before them.
    fn watch(&mut self, event: &Event) -> Checked {
        match event {
            Event::StageStarted { stage, .. } => {
                let model = &self.state.setting.plan.playbook.stages[*stage as usize];
                for &need in &model.needs {
                    if !matches!(self.state.stages[need].phase, StagePhase::Finished { .. }) {
                        return Err(format!("stage {stage} started before its need {need} had ended"));
                    }
                }
                if model.is_final && !self.state.ordinary_done() {
                    return Err(format!("final stage {stage} started before the others had ended"));
                }
            }
            Event::StepStarted { key } => {
                if !self.started.insert((*key, self.state.attempt)) {
                    return Err(format!("{key:?} started twice"));
                }
                let it = &self.state.cells[key.cell as usize];
                if it.live_key(key.cell).is_some() {
                    return Err(format!("{key:?} started while another step of its cell runs"));
                }
                if it.stop.as_ref().is_some_and(|s| s.rung == Rung::Kill) {
                    return Err(format!("{key:?} started after a forced cancel"));
                }
            }
            Event::CellStarted { cell, .. } => {
                let it = &self.state.cells[*cell as usize];
                let (stage, was_begun) = (it.stage, it.submitted.is_some());
                let is_final = self.state.setting.plan.playbook.stages[stage as usize].is_final;
                if self.state.cancel.as_ref().is_some_and(|c| c.force) && !is_final && !was_begun {
                    return Err(format!("cell {cell} started after a forced cancel of the job"));
                }
            }
            Event::CellStopping { cause: Cause::FailFast { cell }, .. }
                if self.state.cells[*cell as usize].outcome() != Some(Outcome::Failure) =>
            {
                return Err(format!("cell {cell} made its siblings stop and has not failed"));
            }
            Event::CellFinished { cell, outcome, .. } => {
                self.skipped += u32::from(*outcome == Outcome::Skipped);
                let was_asked = self.state.cells[*cell as usize].skip.is_some();
                let fits = if was_asked {
                    [Outcome::Skipped, Outcome::Success].contains(outcome)
                } else {
                    *outcome != Outcome::Skipped
                };
                if !fits {
                    return Err(format!("cell {cell} is {outcome:?}, asked to skip it: {was_asked}"));
                }
            }
            Event::StageFinished {
                stage,
                cause: Some(Cause::Order { .. }),
                outcome: Outcome::Skipped,
                ..
            } => {
                let it = &self.state.stages[*stage as usize];
                if it.phase == StagePhase::Pending && it.skip.is_none() {
                    return Err(format!("stage {stage} was skipped although that was withdrawn"));
                }
            }
            Event::JobRetrying { stages, cells, .. } => {
                self.retried += 1;
                self.watch_retry(stages, cells)?;
            }
            Event::SkipWithdrawn { .. } => self.withdrawn += 1,
            _ => {}
        }
        Ok(())
    }

    /// What runs again at once must not be built on something that is still to run, nor be under way.
    fn watch_retry(&self, stages: &[u32], cells: &[u32]) -> Checked {
        let again: BTreeSet<u32> = cells
            .iter()
            .map(|&cell| self.state.cells[cell as usize].stage)
            .chain(stages.iter().copied())
            .collect();
        let plan = &self.state.setting.plan.playbook.stages;
        for &cell in cells {
            let it = &self.state.cells[cell as usize];
            let model = &plan[it.stage as usize];
            if it.outcome().is_none() {
                return Err(format!("cell {cell} is run again while it runs"));
            }
            for &need in &model.needs {
                let has_ended = matches!(self.state.stages[need].phase, StagePhase::Finished { .. });
                if !has_ended || again.iter().any(|&at| at as usize == need) {
                    return Err(format!("cell {cell} is run again before its need {need} has ended"));
                }
            }
            let ordinary = again.iter().any(|&at| !plan[at as usize].is_final);
            if model.is_final && (ordinary || !self.state.ordinary_done()) {
                return Err(format!("final cell {cell} is run again before the others have ended"));
            }
        }
        let runs = |at: &&u32| matches!(self.state.stages[**at as usize].phase, StagePhase::Started { .. });
        match stages.iter().find(runs) {
            Some(stage) => Err(format!("stage {stage} begins anew while it runs")),
            None => Ok(()),
        }
    }

    fn input(&mut self, input: &Input) -> Checked {
        if let Ok((events, _)) = decide(&self.state, input, self.now) {
            for event in events {
                self.record(event)?;
            }
        }
        hear(&mut self.state, input);
        self.settle()
    }

    fn settle(&mut self) -> Checked {
        for _ in 0..10_000 {
            if self.fault == Fault::NeedsIgnored {
                let pending =
                    (0u32..).zip(&self.state.stages).filter(|(_, s)| s.phase == StagePhase::Pending);
                let pending: Vec<u32> = pending.map(|(at, _)| at).collect();
                self.state.index.ready.extend(pending);
            }
            let Some(event) = follow(&mut self.state, self.now) else { return self.check_slots() };
            if self.fault == Fault::NoKillRung
                && matches!(event, Event::StepStopping { rung: Rung::Kill, .. })
            {
                continue;
            }
            self.record(event)?;
        }
        Err("something follows for ever".to_owned())
    }

    fn check_slots(&self) -> Checked {
        let live = self.state.index.live.len() - self.state.index.submitted.len();
        if self.live.len() > SLOTS as usize {
            return Err(format!("{} processes run in {SLOTS} slots", self.live.len()));
        }
        if live > SLOTS as usize { Err(format!("{live} steps run in {SLOTS} slots")) } else { Ok(()) }
    }

    /// Makes the world match what is wanted.
    fn reconcile(&mut self) -> Checked {
        let wishes: Vec<(AttemptKey, Option<Rung>)> =
            wanted(&self.state).live.iter().map(|(key, rung)| (*key, *rung)).collect();
        let is_submitted = |state: &JobState, key: &AttemptKey| {
            state.cells[key.cell as usize].submitted.as_ref() == Some(key)
        };
        if let Some(key) = wanted(&self.state).recalled.first().copied() {
            self.submitted.retain(|it| *it != key);
            self.input(&Input::Report(Report::Withdrawn { key }))?;
            return self.reconcile();
        }
        self.submitted.retain(|key| is_submitted(&self.state, key));
        for (key, rung) in wishes {
            if is_submitted(&self.state, &key) {
                if !self.submitted.contains(&key) {
                    let after = self.state.cells[key.cell as usize].after;
                    self.chained += u32::from(after.is_some_and(|it| self.submitted.contains(&it)));
                    self.submitted.push(key);
                }
                continue;
            }
            let (now, dice) = (self.now.0, &mut self.dice);
            let process = self.live.entry(key).or_insert_with(|| Process {
                ends_at: now + i64::try_from(1 + dice.roll(12)).unwrap_or(1) * 1_000_000,
                code: i32::from(dice.one_in(4)),
                stubborn: dice.one_in(4),
                is_last: launch(&self.state, key).is_ok_and(|it| it.is_last),
                rung: None,
            });
            if process.rung < rung {
                process.rung = rung;
                match rung {
                    Some(Rung::Kill) => process.ends_at = now + 1000,
                    Some(Rung::Polite) if process.stubborn => process.ends_at = i64::MAX,
                    _ => process.ends_at = process.ends_at.min(now + 500_000),
                }
            }
        }
        Ok(())
    }

    fn random_order(&mut self) -> Checked {
        let stages = self.state.stages.len() as u64;
        let cells = self.state.cells.len() as u64;
        let small = |n: u64| u32::try_from(n).unwrap_or(0);
        let target = |dice: &mut Dice| match dice.roll(3) {
            0 => Target::Job,
            1 => Target::Stage(small(dice.roll(stages))),
            _ => Target::Cell(small(dice.roll(cells.max(1)))),
        };
        let order = match self.dice.roll(12) {
            0 | 1 => Order::Cancel { target: target(&mut self.dice), force: self.dice.one_in(5) },
            2 => Order::Pause,
            3 | 4 => Order::Resume,
            5 => Order::Skip { target: target(&mut self.dice) },
            6 | 7 => Order::Skip { target: self.open_part() },
            8 | 9 => {
                let target = self.open_part();
                self.ask(Order::Skip { target: target.clone() })?;
                self.reconcile()?;
                Order::WithdrawSkip { target }
            }
            _ => Order::Retry { scope: self.random_scope() },
        };
        self.ask(order)
    }

    /// A stage that waits, or a cell that runs or was given out ahead: plain chance seldom comes upon one.
    fn open_part(&mut self) -> Target {
        let waits = |it: &StageState| it.phase == StagePhase::Pending;
        let stages = (0u32..).zip(&self.state.stages).filter(|(_, it)| waits(it));
        let live = self.state.index.live.keys().map(|key| Target::Cell(key.cell));
        let open: Vec<Target> = stages.map(|(at, _)| Target::Stage(at)).chain(live).collect();
        let at = self.dice.roll(open.len().max(1) as u64);
        open.get(usize::try_from(at).unwrap_or(0)).cloned().unwrap_or(Target::Job)
    }

    fn random_scope(&mut self) -> RetryScope {
        let stages = self.state.stages.len() as u64;
        let cells = self.state.cells.len() as u64;
        let small = |n: u64| u32::try_from(n).unwrap_or(0);
        match self.dice.roll(8) {
            0 => RetryScope::All,
            1 => RetryScope::From(small(self.dice.roll(stages))),
            2 | 3 => RetryScope::Stage(small(self.dice.roll(stages))),
            4 | 5 => RetryScope::Cell(small(self.dice.roll(cells.max(1)))),
            _ => RetryScope::Failed,
        }
    }

    fn ask(&mut self, order: Order) -> Checked {
        self.orders += 1;
        let asked =
            Asked { id: format!("o{}", self.orders), by: "ann".to_owned(), order, expected_seq: None };
        self.input(&Input::Order(asked))
    }

    fn begin(&mut self) -> Checked {
        self.input(&Input::Begin { epoch: 1 })
    }

    /// Goes on until the job has ended.
    fn run(&mut self) -> Checked {
        for round in 0..5_000 {
            if matches!(self.state.phase, JobPhase::Finished { .. }) {
                let left = wanted(&self.state);
                if !left.live.is_empty() || !left.sweeping.is_empty() || left.close {
                    return Err(format!("something is still wanted at the end: {left:?}"));
                }
                if self.with_orders && round < 60 && self.dice.one_in(3) {
                    let scope = self.random_scope();
                    self.ask(Order::Retry { scope })?;
                    continue;
                }
                return Ok(());
            }
            self.reconcile()?;
            if wanted(&self.state).close {
                self.input(&Input::Report(Report::Closed { survivors: Vec::new() }))?;
                continue;
            }
            if self.with_orders && round < 60 && self.dice.one_in(6) {
                self.random_order()?;
                // The keeper may begin what was submitted before it hears of the order.
                if self.dice.one_in(2) && self.live.values().any(|it| it.ends_at < i64::MAX) {
                    self.step_time()?;
                }
                continue;
            }
            if self.state.paused.is_some() && (!self.with_orders || round >= 60 || self.live.is_empty()) {
                let order = Order::Resume;
                let asked = Asked { id: String::new(), by: "ann".to_owned(), order, expected_seq: None };
                self.input(&Input::Order(asked))?;
                continue;
            }
            self.step_time()?;
        }
        Err(format!("the job never ends; live {:?}, paused {:?}", self.state.index.live, self.state.paused))
    }

    fn step_time(&mut self) -> Checked {
        let wake = wanted(&self.state).wake_at.map_or(i64::MAX, |at| at.0);
        let next = self.live.iter().map(|(key, p)| (p.ends_at, *key)).min();
        match next {
            Some((at, key)) if at <= wake && at < i64::MAX => {
                self.now = Timestamp(self.now.0.max(at));
                let Some(process) = self.live.remove(&key) else { return Ok(()) };
                let end = if process.rung.is_some() { End::Signal(15) } else { End::Code(process.code) };
                let Report::Exited(mut exit) = exit(key, end) else { return Ok(()) };
                if end == End::Code(0) && process.is_last {
                    let after = |key: AttemptKey| self.state.cells[key.cell as usize].after;
                    let fits = |wanted| self.submitted.iter().position(|key| after(*key) == wanted);
                    if let Some(at) = fits(Some(key)).or_else(|| fits(None)) {
                        let next = self.submitted.remove(at);
                        exit.next = Some(next);
                        self.foreseen += u32::from(after(next).is_some());
                        self.followed += 1;
                    }
                }
                self.input(&Input::Report(Report::Exited(exit)))
            }
            _ if wake < i64::MAX => {
                self.now = Timestamp(self.now.0.max(wake));
                self.input(&Input::Wake)
            }
            _ => Err("nothing runs and nothing is due, but the job has not ended".to_owned()),
        }
    }

    /// A new engine on the journal of one that died, with everything it ran lost.
    fn after_crash(text: &str, journal: &[Envelope], seed: u64, fault: Fault) -> Result<Self, String> {
        let mut sim = Self::new(text, seed, fault, false);
        for it in journal {
            if let Event::StepStarted { key } = &it.event {
                sim.started.insert((*key, sim.state.attempt));
            }
            apply(&mut sim.state, &it.event, it.time);
            sim.now = it.time;
        }
        sim.journal = journal.to_vec();
        let lost: Vec<AttemptKey> = sim.state.index.live.keys().copied().collect();
        for key in lost {
            if fault == Fault::LossesUnrecorded {
                sim.live.insert(
                    key,
                    Process {
                        ends_at: i64::MAX,
                        code: 0,
                        stubborn: true,
                        is_last: false,
                        rung: Some(Rung::Kill),
                    },
                );
            } else {
                sim.input(&Input::Report(Report::Lost { key, message: "crash".to_owned() }))?;
            }
        }
        sim.input(&Input::Begin { epoch: 2 })?;
        Ok(sim)
    }
}

/// Everything about a state that is not a hint.
fn essence(state: &JobState) -> String {
    let index = &state.index;
    format!(
        "{:?}",
        (
            (
                &state.phase,
                state.attempt,
                state.paused,
                &state.cancel,
                &state.stages,
                &state.cells,
                &state.orders
            ),
            (&index.ready, &index.settled, &index.queue, &index.live, index.slots_taken, index.open_stages),
        )
    )
}

fn replay(text: &str, journal: &[Envelope]) -> JobState {
    let mut state = new_state(text, SLOTS);
    for it in journal {
        apply(&mut state, &it.event, it.time);
    }
    state
}

fn seed_of(job: u64) -> u64 {
    0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(job + 1)
}

/// What was seen of one job.
struct Tried {
    events: usize,
    orders: u32,
    followed: u32,
    foreseen: u32,
    chained: u32,
    skipped: u32,
    withdrawn: u32,
    retried: u32,
}

/// Runs one job and resumes every prefix of it; returns what went wrong first.
fn try_job(job: u64, fault: Fault) -> Result<Tried, String> {
    let seed = seed_of(job);
    let text = random_playbook(&mut Dice(seed));
    let at = |what: String| format!("job {job}: {what}\n{text}");
    let mut sim = Sim::new(&text, seed, fault, true);
    sim.begin().and_then(|()| sim.run()).map_err(at)?;
    if fault != Fault::AttemptNotStored && essence(&replay(&text, &sim.journal)) != essence(&sim.state) {
        return Err(at("replay differs from the live state".to_owned()));
    }
    let (mut followed, mut foreseen) = (sim.followed, sim.foreseen);
    for length in 1..sim.journal.len() {
        let end = Sim::after_crash(&text, &sim.journal[..length], seed ^ length as u64, fault)
            .and_then(|mut again| again.run().map(|()| (again.followed, again.foreseen)));
        let begun = end.map_err(|what| at(format!("after a crash behind event {length}: {what}")))?;
        followed += begun.0;
        foreseen += begun.1;
    }
    Ok(Tried {
        events: sim.journal.len(),
        orders: sim.orders,
        followed,
        foreseen,
        chained: sim.chained,
        skipped: sim.skipped,
        withdrawn: sim.withdrawn,
        retried: sim.retried,
    })
}

#[test]
fn every_prefix_resumes_to_a_legal_end() {
    let (mut events, mut orders, mut followed, mut foreseen, mut chained) = (0, 0, 0, 0, 0);
    let (mut skipped, mut withdrawn, mut retried) = (0, 0, 0);
    for job in 0..JOBS {
        let tried = try_job(job, Fault::None).unwrap_or_else(|what| panic!("{what}"));
        events += tried.events;
        orders += tried.orders;
        followed += tried.followed;
        foreseen += tried.foreseen;
        chained += tried.chained;
        skipped += tried.skipped;
        withdrawn += tried.withdrawn;
        retried += tried.retried;
    }
    eprintln!(
        "{JOBS} jobs, {events} events, {orders} orders, {followed} tries begun ahead, {foreseen} of them \
         with their stage, {} prefixes resumed; {skipped} cells skipped, {withdrawn} skips taken back, \
         {retried} times run again",
        events as u64 - JOBS
    );
    assert!(events as u64 - JOBS >= 5_000, "only {events} events");
    assert!(followed >= 1_000, "only {followed} tries began ahead");
    assert!(foreseen >= 100, "only {foreseen} stages began ahead");
    assert!(chained >= 50, "only {chained} tries were submitted behind a submitted one");
    assert!(skipped >= 100, "only {skipped} cells were skipped");
    assert!(withdrawn >= 20, "only {withdrawn} skips were taken back");
    assert!(retried >= 100, "only {retried} times something was run again");
}

#[test]
fn planted_faults_are_caught() {
    let faults = [
        Fault::NeedsIgnored,
        Fault::NoKillRung,
        Fault::LossesUnrecorded,
        Fault::SlotsIgnored,
        Fault::AttemptNotStored,
    ];
    for fault in faults {
        let caught = (0..40).find_map(|job| try_job(job, fault).err());
        assert!(caught.is_some(), "{fault:?} was not caught");
    }
}
