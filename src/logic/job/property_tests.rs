//! Properties of the journal, over random jobs, random worlds and random orders.
//!
//! For each job: the run ends; replay of the journal equals the live state; every prefix of it, replayed and resumed
//! after a crash, comes to a legal end; nothing starts before its needs, after a cancel, twice, or beyond the slots;
//! what is undone is the newest that can be, and nothing else of the rollback runs meanwhile; what runs has what it
//! shares with others, and no other cell has it.
//! Seven faults planted on purpose must each be caught.

use super::Input;
use super::apply::apply;
use super::decide::decide;
use super::effect::Rung;
use super::event::{Envelope, Event};
use super::follow::{follow, hear};
use super::gate::GatePlace;
use super::launch::{is_last, launch};
use super::order::{Asked, Order, Target};
use super::property_playbooks::{Dice, random_playbook};
use super::report::{AttemptKey, End, Report};
use super::state::{JobPhase, JobState, StagePhase};
use super::testing::{exit, new_state};
use super::wanted::wanted;
use crate::logic::claims::arbiter::{Party, arbitrate};
use crate::logic::claims::{Claim, Verdict};
use crate::logic::plan::Plan;
use crate::logic::playbook::gate::GateRules;
use crate::logic::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

#[path = "property_cache.rs"]
mod caching;
#[path = "property_orders.rs"]
mod orders;
#[path = "property_watch.rs"]
mod watching;

const JOBS: u64 = 400;
const SLOTS: u32 = 3;

/// A breakage planted on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    NeedsIgnored,
    NoKillRung,
    LossesUnrecorded,
    SlotsIgnored,
    AttemptNotStored,
    GatesIgnored,
    ClaimsIgnored,
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
    /// When it began, as its clock has it.
    began: i64,
}

/// Engine and world in one: runs a job to its end and watches what may not happen.
#[derive(Clone)]
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
    /// Gates that an answer or the end of the wait has let through.
    let_through: BTreeSet<u32>,
    /// How many gates were opened, answered by as many as have to, refused, expired, withdrawn.
    gates: [u32; 5],
    /// How often a step began beside another of its cell, how many undos ended, how many cells were rolled back.
    together: u32,
    undone: u32,
    rolled_back: u32,
    /// How many tries were lost with what held them, and begun again.
    lost: u32,
    /// How many services were ended after their steps.
    served: u32,
    /// Since when the processes are stopped.
    frozen: Option<i64>,
    freezes: u32,
    /// How often claims were had, and lost to others.
    claimed: u32,
    unclaimed: u32,
    /// How often an earlier result fitted, and how often one was to be kept.
    hits: u32,
    kept: u32,
    with_orders: bool,
}

type Checked = Result<(), String>;

impl Sim {
    /// An engine on the state of a job that has not begun.
    fn new(fresh: &JobState, seed: u64, fault: Fault, with_orders: bool) -> Self {
        let sim = Self {
            state: fresh.clone(),
            dice: Dice(0),
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
            let_through: BTreeSet::new(),
            gates: [0; 5],
            together: 0,
            undone: 0,
            rolled_back: 0,
            lost: 0,
            served: 0,
            frozen: None,
            freezes: 0,
            claimed: 0,
            unclaimed: 0,
            hits: 0,
            kept: 0,
            with_orders,
        };
        sim.seeded(seed)
    }

    /// The same by other dice, which say as well how much is given out ahead.
    fn seeded(mut self, seed: u64) -> Self {
        self.dice = Dice(seed | 1);
        self.state.setting.ahead = u32::try_from(seed % 4).unwrap_or(0);
        self
    }

    fn record(&mut self, event: Event) -> Checked {
        self.watch(&event)?;
        apply(&mut self.state, &event, self.now);
        if let (Event::StepStarted { key }, Fault::AttemptNotStored) = (&event, self.fault) {
            self.state.cells[key.cell as usize].steps[key.step as usize].attempt = 0;
        }
        if let (Event::GateOpened(it), Fault::GatesIgnored) = (&event, self.fault) {
            let end = super::gate::GateEnd::Approved { values: Vec::new() };
            self.state.gates[it.gate as usize].end = Some(end);
            self.state.index.gates.remove(&it.gate);
        }
        let seq = self.journal.len() as u64 + 1;
        self.journal.push(Envelope { seq, time: self.now, event });
        Ok(())
    }

    fn input(&mut self, input: &Input) -> Checked {
        if let Ok((events, _)) = decide(&self.state, input, self.now) {
            for event in events {
                self.record(event)?;
            }
        }
        hear(&mut self.state, input);
        self.settle()?;
        self.freeze_or_thaw();
        Ok(())
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
        let last: Vec<&Event> = self.journal.iter().rev().take(6).map(|it| &it.event).collect();
        Err(format!("something follows for ever: {last:?}"))
    }

    fn check_slots(&self) -> Checked {
        let (index, most) = (&self.state.index, SLOTS as usize);
        // As many as this are in no more cells.
        if index.gates.is_empty() && index.live.len() <= most && self.live.len() <= most {
            return Ok(());
        }
        let submitted = &index.submitted;
        let live = index.live.keys().map(|key| key.cell).filter(|cell| !submitted.contains(cell));
        let live: BTreeSet<u32> = live.collect();
        for &gate in &self.state.index.gates {
            let GatePlace::Step(key) = self.state.gates[gate as usize].opened.place else { continue };
            let holds = live.contains(&key.cell) || super::gate::is_held(&self.state, key.cell);
            if self.state.cells[key.cell as usize].holds_slot != holds {
                return Err(format!("the cell of gate {gate} holds a slot: {}", !holds));
            }
        }
        let cells = self.live.keys().map(|key| key.cell).collect::<BTreeSet<_>>().len();
        if cells > most {
            return Err(format!("processes of {cells} cells run in {SLOTS} slots"));
        }
        if live.len() > most {
            Err(format!("steps of {} cells run in {SLOTS} slots", live.len()))
        } else {
            Ok(())
        }
    }

    /// Stops the processes, or lets them go on from where they stand.
    fn freeze_or_thaw(&mut self) {
        let now = self.now.0;
        match (self.frozen, self.state.frozen.is_some()) {
            (None, true) => {
                self.frozen = Some(now);
                self.freezes += 1;
            }
            (Some(since), false) => {
                self.frozen = None;
                for process in self.live.values_mut() {
                    let stood = now - since.max(process.began);
                    process.began += stood;
                    process.ends_at = process.ends_at.saturating_add(stood);
                }
            }
            _ => {}
        }
    }

    /// Lets cells have what is free, unless another job takes it first.
    fn share(&mut self) -> Checked {
        for _ in 0..200 {
            let (wishes, mut room) = super::share::wishes(&self.state);
            let can_wait = !self.live.is_empty() && self.dice.one_in(3);
            if wishes.is_empty() {
                return Ok(());
            }
            let mut parties: Vec<Party> = Vec::new();
            let cells = (0u32..).zip(&self.state.cells);
            let cells = cells.filter_map(|(cell, it)| Some((Some(cell), it.shares.as_deref()?)));
            for (cell, shares) in self.state.shares.iter().map(|it| (None, it)).chain(cells) {
                let has = |claim: &&Claim| shares.phase.has(claim.kind);
                let is_wished = wishes.iter().any(|wish| wish.cell == cell);
                parties.push(Party {
                    job: 1,
                    cell,
                    ancestors: Vec::new(),
                    name: String::new(),
                    place: String::new(),
                    is_first: shares.is_first,
                    priority: (0, 0),
                    ticket: shares.since.0,
                    since: shares.since,
                    held: shares.claims.iter().filter(has).cloned().collect(),
                    wanted: if is_wished { shares.claims.clone() } else { Vec::new() },
                    is_left: false,
                });
            }
            let width = |cell| wishes.iter().find(|wish| wish.cell == cell).map_or(0, |wish| wish.width);
            let mut verdicts = arbitrate(&parties);
            if self.fault == Fault::ClaimsIgnored {
                verdicts.iter_mut().for_each(|(_, verdict)| *verdict = Verdict::Held);
            }
            verdicts.retain(|(at, verdict)| match verdict {
                Verdict::Held => {
                    let width = width(parties[*at].cell);
                    let has_room = width <= room && !can_wait;
                    room = room.saturating_sub(width);
                    has_room
                }
                Verdict::Blocked { .. } => true,
                _ => false,
            });
            // Those who want nothing are answered, too, if that is all there is to ask.
            let empty = wishes.iter().filter(|wish| wish.claims.is_empty()).map(|wish| wish.cell);
            let empty: Vec<_> = empty.map(|cell| (cell, Verdict::Held)).collect();
            let before = self.journal.len();
            let verdicts = verdicts.into_iter().map(|(at, verdict)| (parties[at].cell, verdict));
            for (cell, verdict) in verdicts.chain(empty).collect::<Vec<_>>() {
                self.claimed += u32::from(verdict == Verdict::Held);
                let run = match cell {
                    Some(cell) => self.state.cells[cell as usize].run,
                    None => super::share::job_run(&self.state),
                };
                self.input(&Input::Report(Report::Claims { cell, run, verdict }))?;
            }
            if self.journal.len() == before {
                return Ok(());
            }
        }
        Err("claims are asked for without end".to_owned())
    }

    /// Makes the world match what is wanted.
    fn reconcile(&mut self) -> Checked {
        let mut before = usize::MAX;
        // A job that has what it shares looks for results, and with one of them others want to share something.
        while before != self.journal.len() {
            before = self.journal.len();
            self.share()?;
            self.results()?;
        }
        let wanted = wanted(&self.state);
        if wanted.frozen != self.frozen.is_some() {
            return Err(format!(
                "what runs should stand: {}, and stands since {:?}",
                wanted.frozen, self.frozen
            ));
        }
        let wishes: Vec<(AttemptKey, Option<Rung>)> =
            wanted.live.iter().map(|(key, rung)| (*key, *rung)).collect();
        let is_submitted = |state: &JobState, key: &AttemptKey| {
            state.cells[key.cell as usize].submitted.as_ref() == Some(key)
        };
        if let Some(key) = wanted.recalled.first().copied() {
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
            let step = &self.state.cells[key.cell as usize].steps[key.step as usize];
            let began = step.attempt_since.map(|at| at.0);
            let is_last = is_last(&self.state, key);
            // What a step is begun with does not depend on who begins it.
            if self.with_orders && !self.live.contains_key(&key) {
                let launched = launch(&self.state, key).map_err(|error| error.message)?;
                if launched.is_last != is_last {
                    return Err(format!("{key:?} is the last one: {is_last}, and is begun as if not"));
                }
            }
            let (now, dice) = (self.now.0, &mut self.dice);
            let process = self.live.entry(key).or_insert_with(|| Process {
                ends_at: now + i64::try_from(1 + dice.roll(12)).unwrap_or(1) * 1_000_000,
                code: i32::from(dice.one_in(4)),
                stubborn: dice.one_in(4),
                is_last,
                rung: None,
                began: began.unwrap_or(now),
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

    fn begin(&mut self) -> Checked {
        self.input(&Input::Begin { epoch: 1 })
    }

    /// Goes on until the job has ended.
    fn run(&mut self) -> Checked {
        for round in 0..5_000 {
            if matches!(self.state.phase, JobPhase::Finished { .. }) {
                let left = wanted(&self.state);
                let has_gates = !self.state.index.gates.is_empty();
                if !left.live.is_empty() || !left.sweeping.is_empty() || left.close || has_gates {
                    return Err(format!("something is still wanted at the end: {left:?}"));
                }
                if self.with_orders && round < 60 && self.dice.one_in(3) {
                    let order = match self.dice.roll(3) {
                        0 => Order::Rollback { target: Target::Job },
                        _ => Order::Retry { scope: self.random_scope() },
                    };
                    self.ask(order)?;
                    continue;
                }
                return Ok(());
            }
            self.reconcile()?;
            let wanted = wanted(&self.state);
            if wanted.close {
                self.input(&Input::Report(Report::Closed { survivors: Vec::new() }))?;
                continue;
            }
            if let Some(&cell) = wanted.sweeping.first() {
                let run = self.state.cells[cell as usize].run;
                let swept = Report::Swept { cell, run, ended: 0, survivors: Vec::new() };
                self.input(&Input::Report(swept))?;
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
        if self.frozen.is_some() {
            return self.stand();
        }
        let wake = wanted(&self.state).wake_at;
        let is_idle = self.live.is_empty() && wake.is_none();
        if !self.state.index.gates.is_empty() && (is_idle || self.dice.one_in(8)) {
            let order = self.random_answer();
            return self.ask(order);
        }
        if self.dice.one_in(25)
            && let Some(key) = self.live.keys().next().copied()
        {
            // Its keeper is gone.
            self.live.remove(&key);
            return self.input(&Input::Report(Report::Lost { key, message: "gone".to_owned() }));
        }
        let wake = wake.map_or(i64::MAX, |at| at.0);
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
            _ => {
                let open = (0..).zip(&self.state.cells).filter(|(_, it)| it.outcome().is_none());
                let open: Vec<String> = open
                    .map(|(at, it): (u32, _)| {
                        let steps: Vec<_> =
                            it.steps.iter().map(|s| (&s.phase, &s.stop, s.is_cleanup)).collect();
                        format!(
                            "cell {at} slot {} queued {:?} stop {:?} cached {:?} shares {:?} {steps:?}",
                            it.holds_slot, it.queued, it.stop, it.cached, it.shares
                        )
                    })
                    .collect();
                let waits = (&self.state.index.looking, &self.state.index.keeping);
                Err(format!("nothing runs and nothing is due, but the job has not ended: {open:?} {waits:?}"))
            }
        }
    }

    /// Time passes over a frozen job: somebody ends a process of it, answers, cancels or lets it go on.
    fn stand(&mut self) -> Checked {
        self.now = Timestamp(self.now.0 + i64::try_from(self.dice.roll(90)).unwrap_or(0) * 1_000_000);
        let first = self.live.keys().next().copied();
        match (self.dice.roll(6), first) {
            (0, Some(key)) => {
                self.live.remove(&key);
                self.input(&Input::Report(exit(key, End::Signal(9))))
            }
            (1, _) => self.input(&Input::Wake),
            (2, _) => self.ask(Order::Cancel { target: Target::Job, force: false }),
            (3, _) if !self.state.gates.is_empty() => {
                let order = self.random_answer();
                self.ask(order)
            }
            _ => self.ask(Order::Resume),
        }
    }

    /// Replays one event of a journal, without looking at what may not happen.
    fn replay(&mut self, it: &Envelope) {
        if let Event::StepStarted { key } = &it.event {
            self.started.insert((*key, self.state.attempt));
        }
        self.pass(&it.event);
        apply(&mut self.state, &it.event, it.time);
        self.now = it.time;
    }

    /// A new engine on what was replayed so far of the journal of one that died, with everything it ran lost.
    fn after_crash(&self, seed: u64) -> Result<Self, String> {
        let fault = self.fault;
        let mut sim = self.clone().seeded(seed);
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
                        began: 0,
                    },
                );
            } else {
                sim.input(&Input::Report(Report::Lost { key, message: "crash".to_owned() }))?;
            }
        }
        let cells = (0u32..).zip(&sim.state.cells).filter(|(_, it)| it.shares.is_some());
        let mut having: Vec<_> = cells.map(|(cell, it)| (Some(cell), it.run)).collect();
        having.extend(sim.state.shares.iter().map(|_| (None, super::share::job_run(&sim.state))));
        for (cell, run) in having {
            if sim.dice.one_in(3) {
                sim.unclaimed += 1;
                sim.input(&Input::Report(Report::Claims { cell, run, verdict: Verdict::Lost }))?;
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
                &state.orders,
                &state.gates,
                &state.shares,
                (&state.rerun_by, &state.frozen, &state.idle)
            ),
            (
                &index.ready,
                &index.settled,
                &index.queue,
                &index.live,
                index.slots_taken,
                index.open_stages,
                &index.gates,
                &index.asking
            ),
            (&index.rolling, state.armed),
        )
    )
}

/// A job at whose gates a name that is given counts, so that one sender is several people.
fn attended(text: &str, slots: u32) -> JobState {
    let mut state = new_state(text, slots);
    let gates = GateRules { claims_count: true, ..GateRules::default() };
    let mut totals = state.setting.plan.totals.clone();
    totals.others.insert("gpu".into(), 2);
    state.setting.plan = std::sync::Arc::new(Plan { gates, totals, ..(*state.setting.plan).clone() });
    state
}

fn seed_of(job: u64) -> u64 {
    0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(job + 1)
}

/// Runs one job and resumes every prefix of it; returns the job with what was seen, or what went wrong first.
fn try_job(job: u64, fault: Fault) -> Result<Sim, String> {
    let seed = seed_of(job);
    let text = random_playbook(&mut Dice(seed));
    let at = |what: String| format!("job {job}: {what}\n{text}");
    let slots = if fault == Fault::SlotsIgnored { 1_000 } else { SLOTS };
    let fresh = attended(&text, slots);
    let mut sim = Sim::new(&fresh, seed, fault, true);
    sim.begin().and_then(|()| sim.run()).map_err(at)?;
    let mut replayed = fresh.clone();
    for it in &sim.journal {
        apply(&mut replayed, &it.event, it.time);
    }
    if fault != Fault::AttemptNotStored && essence(&replayed) != essence(&sim.state) {
        return Err(at("replay differs from the live state".to_owned()));
    }
    let (mut followed, mut foreseen, mut unclaimed) = (0, 0, 0);
    // Each prefix is the one before it and an event: it is replayed once, and each engine goes on from a copy.
    let mut prefix = Sim::new(&fresh, seed, fault, false);
    for length in 1..sim.journal.len() {
        prefix.replay(&sim.journal[length - 1]);
        let end = prefix
            .after_crash(seed ^ length as u64)
            .and_then(|mut again| again.run().map(|()| (again.followed, again.foreseen, again.unclaimed)));
        let begun = end.map_err(|what| at(format!("after a crash behind event {length}: {what}")))?;
        followed += begun.0;
        foreseen += begun.1;
        unclaimed += begun.2;
    }
    sim.followed += followed;
    sim.foreseen += foreseen;
    sim.unclaimed = unclaimed;
    Ok(sim)
}

#[test]
fn every_prefix_resumes_to_a_legal_end() {
    let (mut events, mut orders, mut followed, mut foreseen, mut chained) = (0, 0, 0, 0, 0);
    let (mut skipped, mut withdrawn, mut retried) = (0, 0, 0);
    let (mut together, mut undone, mut rolled_back, mut lost, mut served) = (0, 0, 0, 0, 0);
    let (mut gates, mut freezes) = ([0; 5], 0);
    let (mut claimed, mut unclaimed, mut hits, mut kept) = (0, 0, 0, 0);
    for job in 0..JOBS {
        let tried = try_job(job, Fault::None).unwrap_or_else(|what| panic!("{what}"));
        events += tried.journal.len();
        orders += tried.orders;
        followed += tried.followed;
        foreseen += tried.foreseen;
        chained += tried.chained;
        skipped += tried.skipped;
        withdrawn += tried.withdrawn;
        retried += tried.retried;
        freezes += tried.freezes;
        for (all, some) in gates.iter_mut().zip(tried.gates) {
            *all += some;
        }
        together += tried.together;
        undone += tried.undone;
        rolled_back += tried.rolled_back;
        lost += tried.lost;
        served += tried.served;
        claimed += tried.claimed;
        unclaimed += tried.unclaimed;
        hits += tried.hits;
        kept += tried.kept;
    }
    eprintln!(
        "{JOBS} jobs, {events} events, {orders} orders, {followed} tries begun ahead, {foreseen} of them \
         with their stage, {} prefixes resumed; {skipped} cells skipped, {withdrawn} skips taken back, \
         {retried} times run again; {together} steps begun beside others, {undone} undos, {rolled_back} cells rolled \
         back, {lost} tries lost and made up for; gates opened, approved, rejected, expired, withdrawn: {gates:?}; \
         {freezes} times frozen; {claimed} times claims were had and {unclaimed} times lost; {hits} results \
         found, {kept} to be kept; {served} services ended",
        events as u64 - JOBS
    );
    assert!(events as u64 - JOBS >= 5_000, "only {events} events");
    assert!(followed >= 1_000, "only {followed} tries began ahead");
    assert!(foreseen >= 100, "only {foreseen} stages began ahead");
    assert!(chained >= 50, "only {chained} tries were submitted behind a submitted one");
    assert!(skipped >= 100, "only {skipped} cells were skipped");
    assert!(withdrawn >= 20, "only {withdrawn} skips were taken back");
    assert!(claimed >= 100 && unclaimed >= 100, "only {claimed} claims were had, {unclaimed} lost");
    assert!(hits >= 30 && kept >= 30, "only {hits} results were found, {kept} kept");
    assert!(retried >= 100, "only {retried} times something was run again");
    assert!(freezes >= 20, "only {freezes} times frozen");
    assert!(gates.iter().all(|&times| times >= 20), "gates are seldom: {gates:?}");
    assert!(together >= 200, "only {together} steps began beside others");
    assert!(undone >= 80, "only {undone} undos ended");
    assert!(rolled_back >= 30, "only {rolled_back} cells were rolled back");
    assert!(served >= 20, "only {served} services were ended after their steps");
    assert!(lost >= 15, "only {lost} lost tries were made up for");
}

#[test]
fn planted_faults_are_caught() {
    let faults = [
        Fault::NeedsIgnored,
        Fault::NoKillRung,
        Fault::LossesUnrecorded,
        Fault::SlotsIgnored,
        Fault::AttemptNotStored,
        Fault::GatesIgnored,
        Fault::ClaimsIgnored,
    ];
    for fault in faults {
        let caught = (0..40).find_map(|job| try_job(job, fault).err());
        assert!(caught.is_some(), "{fault:?} was not caught");
    }
}
