//! The table of claims: who holds and who waits for what, over all jobs of the project, decided in one transaction.
//!
//! Not here: who gets what (`logic/claims`), when a job asks (`engine/sharing.rs`).
//! A row counts only while its job has not ended and its engine lives. Where a job is kept for the next engine, what it
//! holds counts on, and its place in line does not. Rows that count no more are removed by whoever comes by.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::filter::ENDED;
use super::lease::Owner;
use super::{History, Store};
use crate::engine::{EngineError, machine};
use crate::logic::claims::arbiter::{Party, arbitrate};
use crate::logic::claims::{Blocker, Claim, Kind, Verdict};
use crate::logic::job::share::{Wish, is_of_machine};
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;

/// Most who wait in one group.
const MOST_WAITING: usize = 100;
/// Most steps up the chain of jobs that were started in steps.
const MOST_ANCESTORS: usize = 32;

/// Takes what a cell, or the job, claims beyond the project.
pub(crate) type Take<'a> = dyn FnMut(Option<u32>, &[Claim]) -> Result<(), Beyond> + 'a;

/// What a job asks for, and what it believes to have.
pub(crate) struct Ask<'a> {
    pub(crate) job: u64,
    pub(crate) wishes: &'a [Wish<'a>],
    /// Slots of the job for those who get what they ask for.
    pub(crate) room: u32,
    /// Held, by cell and run.
    pub(crate) holding: &'a [(Option<u32>, u32, Vec<Claim>)],
    /// Names a cell for people.
    pub(crate) place: &'a dyn Fn(u32) -> String,
    /// Takes what reaches beyond the project; gives who has it.
    pub(crate) beyond: &'a mut Take<'a>,
    pub(crate) now: Timestamp,
}

/// Why something beyond the project could not be taken.
pub(crate) enum Beyond {
    Held(Box<Blocker>),
    /// It never can, in words.
    Never(String),
}

/// What became of wishes.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) verdicts: Vec<(Option<u32>, u32, Verdict)>,
    /// Ids of jobs whose engines should look again.
    pub(crate) wake: Vec<String>,
}

/// What is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    Job,
    Cell(u32),
    /// Resources of a cell, and its locks where it waits for people; not its group.
    Part {
        cell: u32,
        with_locks: bool,
    },
}

/// A claim as it can be listed.
#[derive(Clone, Debug)]
pub struct ClaimRow {
    pub claim: Claim,
    pub job: u64,
    /// Name of the job's playbook.
    pub name: String,
    /// Address of the cell; empty if the job itself has it.
    pub place: String,
    pub is_held: bool,
    pub since: Timestamp,
    /// No engine works on the job.
    pub is_left: bool,
}

struct Row {
    id: i64,
    job: u64,
    cell: Option<u32>,
    run: u32,
    ticket: i64,
    is_first: bool,
    priority: (i64, i64),
    place: String,
    claim: Claim,
    state: State,
    since: Timestamp,
    successor: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Held,
    Waiting,
    Resting,
    /// Gave way to a newer one.
    Evicted,
}

impl State {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Held, "held"),
        (Self::Waiting, "waiting"),
        (Self::Resting, "resting"),
        (Self::Evicted, "evicted"),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(it, _)| *it == self).map_or("", |(_, word)| word)
    }

    fn of(word: &str) -> Self {
        Self::ALL.iter().find(|(_, it)| *it == word).map_or(Self::Resting, |(it, _)| *it)
    }
}

/// What is known of a job that has claims.
struct Known {
    id: String,
    name: String,
    ancestors: Vec<u64>,
    /// An engine works on it.
    lives: bool,
}

fn cell_column(cell: Option<u32>) -> i64 {
    cell.map_or(-1, i64::from)
}

impl Store {
    /// Asks for claims: what can be had is taken, all of a wish or nothing.
    ///
    /// # Errors
    /// If the store cannot be read or written.
    pub(crate) fn ask(&mut self, ask: &mut Ask<'_>) -> Result<Told, EngineError> {
        let tx = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
        let mut table = Table::load(&tx, Some(ask.job))?;
        let mut told = Told::default();
        table.rest(&tx, ask)?;
        let mut room = ask.room;
        let any_single = ask.wishes.iter().flat_map(|it| it.claims).any(|it| it.is_single || it.cancels);
        for wish in ask.wishes {
            if let Some(message) = table.join(&tx, ask, wish, &mut told)? {
                told.verdicts.push((wish.cell, wish.run, Verdict::Refused { message }));
            }
            if any_single {
                // Whether the next one finds it waiting or running makes a difference.
                table.decide(&tx, ask, &mut room, &mut told)?;
            }
        }
        table.decide(&tx, ask, &mut room, &mut told)?;
        table.look_after(ask, &mut told);
        tx.commit()?;
        Ok(told)
    }

    /// Says whether a job has claims.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn has_claims(&self, job: u64) -> Result<bool, EngineError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM claims WHERE job = ?1)";
        Ok(self.connection.query_row(sql, [job], |row| row.get(0))?)
    }

    /// Returns the ids of other jobs that wait for claims.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn who_waits(&self, job: u64) -> Result<Vec<String>, EngineError> {
        let sql = "SELECT DISTINCT j.id FROM claims c JOIN jobs j ON j.number = c.job \
                   WHERE c.state = 'waiting' AND c.job != ?1";
        let mut query = self.connection.prepare_cached(sql)?;
        let ids = query.query_map([job], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(ids)
    }
}

/// Gives back what a job or cell has, and its place in line. Inside the transaction that records why.
pub(super) fn release(connection: &Connection, job: u64, it: Release) -> rusqlite::Result<()> {
    match it {
        Release::Job => connection.prepare_cached("DELETE FROM claims WHERE job = ?1")?.execute([job])?,
        Release::Cell(cell) => connection
            .prepare_cached("DELETE FROM claims WHERE job = ?1 AND cell = ?2")?
            .execute(params![job, cell])?,
        Release::Part { cell, with_locks } => connection
            .prepare_cached(
                "DELETE FROM claims WHERE job = ?1 AND cell = ?2 AND json_extract(claim, '$.kind') IN ('resource', ?3)",
            )?
            .execute(params![job, cell, if with_locks { "lock" } else { "resource" }])?,
    };
    Ok(())
}

impl History {
    /// Says whether a job waits for what other jobs have.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn waits_for_claims(&self, job: u64) -> Result<bool, EngineError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM claims WHERE job = ?1 AND state IN ('waiting', 'resting'))";
        Ok(self.connection.query_row(sql, [job], |row| row.get(0))?)
    }

    /// Says whether somebody else may wait for something that a job has. Who waits in other projects for what is the
    /// machine's is not known, so somebody may.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn may_be_waited_for(&self, job: u64) -> Result<bool, EngineError> {
        let table = Table::load(&self.connection, None)?;
        let held = |row: &&Row| row.job == job && row.state == State::Held;
        let held: Vec<&Claim> = table.rows.iter().filter(held).map(|row| &row.claim).collect();
        let waits = |row: &Row| row.job != job && matches!(row.state, State::Waiting | State::Resting);
        let is_wanted = |claim: &Claim| table.rows.iter().any(|row| waits(row) && row.claim.is_about(claim));
        Ok(held.into_iter().any(|claim| is_of_machine(claim) || is_wanted(claim)))
    }

    /// Says whether a job waits for claims as a whole, by one of its cells, or by a job that one of its steps has started.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn is_held_up(&self, id: &str) -> Result<bool, EngineError> {
        let sql = "SELECT number FROM jobs WHERE id = ?1";
        let number: Option<u64> = self.connection.query_row(sql, [id], |row| row.get(0)).optional()?;
        let Some(number) = number else { return Ok(false) };
        let table = Table::load(&self.connection, None)?;
        let is_below =
            |job: u64| job == number || table.jobs.get(&job).is_some_and(|it| it.ancestors.contains(&number));
        let waits = |row: &Row| matches!(row.state, State::Waiting | State::Resting);
        Ok(table.rows.iter().any(|row| waits(row) && is_below(row.job)))
    }

    /// Returns everything that jobs hold and wait for, held first, in the order of asking.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn claims(&self) -> Result<Vec<ClaimRow>, EngineError> {
        let table = Table::load(&self.connection, None)?;
        let mut rows: Vec<ClaimRow> = Vec::new();
        for row in &table.rows {
            let Some(job) = table.jobs.get(&row.job) else { continue };
            if !matches!(row.state, State::Held | State::Waiting | State::Resting) {
                continue;
            }
            rows.push(ClaimRow {
                claim: row.claim.clone(),
                job: row.job,
                name: job.name.clone(),
                place: row.place.clone(),
                is_held: row.state == State::Held,
                since: row.since,
                is_left: !job.lives,
            });
        }
        rows.sort_by(|a, b| {
            let key = |it: &ClaimRow| (it.claim.kind, Arc::clone(&it.claim.name), !it.is_held);
            key(a).cmp(&key(b))
        });
        Ok(rows)
    }
}

/// All claims that count.
struct Table {
    rows: Vec<Row>,
    jobs: BTreeMap<u64, Known>,
    tickets: i64,
}

impl Table {
    /// Reads the claims that count. With a job of one's own, removes the others.
    fn load(connection: &Connection, own: Option<u64>) -> Result<Self, EngineError> {
        let mut rows = read(connection)?;
        let mut jobs = BTreeMap::new();
        let mut numbers: Vec<u64> = rows.iter().map(|row| row.job).chain(own).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            match known(connection, number, own == Some(number))? {
                Some(job) => {
                    jobs.insert(number, job);
                }
                None if own.is_some() => release(connection, number, Release::Job)?,
                None => {}
            }
        }
        rows.retain(|row| jobs.contains_key(&row.job));
        let tickets = rows.iter().map(|row| row.ticket).max().unwrap_or(0);
        Ok(Self { rows, jobs, tickets })
    }

    /// Takes note of which wishes of the job count at this moment.
    fn rest(&mut self, connection: &Connection, ask: &Ask<'_>) -> rusqlite::Result<()> {
        for row in self.rows.iter_mut().filter(|row| row.job == ask.job) {
            let is_wished = ask.wishes.iter().any(|it| (it.cell, it.run) == (row.cell, row.run));
            let next = match (row.state, is_wished) {
                (State::Waiting, false) => State::Resting,
                (State::Resting, true) => State::Waiting,
                _ => continue,
            };
            row.state = next;
            connection
                .prepare_cached("UPDATE claims SET state = ?2 WHERE id = ?1")?
                .execute(params![row.id, next.word()])?;
        }
        Ok(())
    }

    /// Puts a wish in line, unless it is there; a group may send others away for it. Returns why it can never be had.
    fn join(
        &mut self,
        connection: &Connection,
        ask: &Ask<'_>,
        wish: &Wish<'_>,
        told: &mut Told,
    ) -> Result<Option<String>, EngineError> {
        let is_own = |row: &Row| row.job == ask.job && row.cell == wish.cell;
        let missing: Vec<Claim> = wish
            .claims
            .iter()
            .filter(|claim| {
                !self.rows.iter().any(|row| is_own(row) && row.run == wish.run && row.claim.is_about(claim))
            })
            .cloned()
            .collect();
        if missing.is_empty() {
            return Ok(None);
        }
        for claim in missing.iter().filter(|claim| claim.kind == Kind::Group && !wish.is_first) {
            if let Some(message) = self.make_way(connection, ask, wish, claim, told)? {
                return Ok(Some(message));
            }
        }
        self.tickets += 1;
        let place = wish.cell.map_or_else(String::new, |cell| (ask.place)(cell));
        for claim in missing {
            let text = serde_json::to_string(&claim)
                .map_err(|e| EngineError::bug(format!("a claim could not be written: {e}")))?;
            connection
                .prepare_cached(
                    "INSERT INTO claims (job, cell, run, ticket, first, priority, rank, place, claim, state, since) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'waiting', ?10)",
                )?
                .execute(params![
                    ask.job, cell_column(wish.cell), wish.run, self.tickets, wish.is_first, wish.priority.0,
                    wish.priority.1, place, text, wish.since.0
                ])?;
            self.rows.push(Row {
                id: connection.last_insert_rowid(),
                job: ask.job,
                cell: wish.cell,
                run: wish.run,
                ticket: self.tickets,
                is_first: wish.is_first,
                priority: wish.priority,
                place: place.clone(),
                claim,
                state: State::Waiting,
                since: wish.since,
                successor: None,
            });
        }
        Ok(None)
    }

    /// What a newcomer to a group does to those in it.
    fn make_way(
        &mut self,
        connection: &Connection,
        ask: &Ask<'_>,
        wish: &Wish<'_>,
        claim: &Claim,
        told: &mut Told,
    ) -> Result<Option<String>, EngineError> {
        let is_other = |row: &Row| {
            (row.job, row.cell) != (ask.job, wish.cell)
                && row.claim.is_about(claim)
                && matches!(row.state, State::Waiting | State::Resting | State::Held)
        };
        if !claim.is_single && !claim.cancels {
            let waiting = self.rows.iter().filter(|row| is_other(row) && row.state != State::Held).count();
            return Ok((waiting >= MOST_WAITING)
                .then(|| format!("{MOST_WAITING} wait in the group `{}` already", claim.name)));
        }
        let own = self.jobs.get(&ask.job).map_or("", |it| it.name.as_str());
        let place = wish.cell.map_or_else(String::new, |cell| format!(" ({})", (ask.place)(cell)));
        let successor = format!("job #{} `{own}`{place}", ask.job);
        let mut sent_away: Vec<(u64, Option<u32>)> = Vec::new();
        for row in &mut self.rows {
            if !is_other(row) || row.successor.is_some() || (row.state == State::Held && !claim.cancels) {
                continue;
            }
            sent_away.push((row.job, row.cell));
        }
        // All that such a one waits for goes with it.
        for row in self.rows.iter_mut().filter(|row| sent_away.contains(&(row.job, row.cell))) {
            row.successor = Some(successor.clone());
            if row.state != State::Held {
                row.state = State::Evicted;
            }
            connection
                .prepare_cached("UPDATE claims SET state = ?2, successor = ?3 WHERE id = ?1")?
                .execute(params![row.id, row.state.word(), successor])?;
        }
        let ids =
            sent_away.iter().filter(|(job, _)| *job != ask.job).filter_map(|(job, _)| self.jobs.get(job));
        told.wake.extend(ids.map(|it| it.id.clone()));
        Ok(None)
    }

    /// Gives the job what it can have.
    fn decide(
        &mut self,
        connection: &Connection,
        ask: &mut Ask<'_>,
        room: &mut u32,
        told: &mut Told,
    ) -> Result<(), EngineError> {
        let parties = self.parties();
        let verdicts = arbitrate(&parties);
        let given = |at: usize, verdict: &Verdict| parties[at].job == ask.job && *verdict == Verdict::Held;
        let new: Vec<String> = verdicts
            .iter()
            .filter(|(at, it)| given(*at, it))
            .map(|(at, _)| parties[*at].place.clone())
            .collect();
        for (at, mut verdict) in verdicts {
            if let Verdict::Blocked { by } = &mut verdict {
                // What was given a moment ago is held since then.
                for it in by.iter_mut().filter(|it| it.job == ask.job && !it.waits && new.contains(&it.place))
                {
                    it.since = ask.now;
                }
            }
            let party = &parties[at];
            let wish = ask.wishes.iter().find(|it| party.job == ask.job && it.cell == party.cell);
            let Some(wish) = wish else { continue };
            told.verdicts.retain(|(cell, run, _)| (*cell, *run) != (wish.cell, wish.run));
            let verdict = match verdict {
                // There is no slot for it any more; it is asked for again when there is.
                Verdict::Held if wish.width > *room => continue,
                Verdict::Held => match (ask.beyond)(wish.cell, wish.claims) {
                    Ok(()) => {
                        *room = room.saturating_sub(wish.width);
                        self.give(connection, ask, wish)?;
                        Verdict::Held
                    }
                    Err(Beyond::Held(by)) => Verdict::Blocked { by: vec![*by] },
                    Err(Beyond::Never(message)) => Verdict::Refused { message },
                },
                other => other,
            };
            told.verdicts.push((wish.cell, wish.run, verdict));
        }
        Ok(())
    }

    fn give(&mut self, connection: &Connection, ask: &Ask<'_>, wish: &Wish<'_>) -> rusqlite::Result<()> {
        let own = |row: &&mut Row| (row.job, row.cell, row.run) == (ask.job, wish.cell, wish.run);
        for row in self.rows.iter_mut().filter(own) {
            if row.state == State::Waiting {
                row.state = State::Held;
                row.since = ask.now;
                connection
                    .prepare_cached("UPDATE claims SET state = 'held', since = ?2 WHERE id = ?1")?
                    .execute(params![row.id, ask.now.0])?;
            }
        }
        Ok(())
    }

    /// Tells the job what others did to what it has, and what it has without knowing.
    fn look_after(&self, ask: &Ask<'_>, told: &mut Told) {
        for row in self.rows.iter().filter(|row| row.job == ask.job) {
            if let Some(by) = &row.successor {
                told.verdicts.retain(|(cell, ..)| *cell != row.cell);
                told.verdicts.push((row.cell, row.run, Verdict::Superseded { by: by.clone() }));
            }
        }
        for wish in ask.wishes {
            let has = |claim: &Claim| self.has(ask.job, wish.cell, wish.run, claim);
            let is_told = told.verdicts.iter().any(|(cell, ..)| *cell == wish.cell);
            if !is_told && wish.claims.iter().all(has) {
                told.verdicts.push((wish.cell, wish.run, Verdict::Held));
            }
        }
        for (cell, run, claims) in ask.holding {
            if !claims.iter().all(|claim| self.has(ask.job, *cell, *run, claim)) {
                told.verdicts.push((*cell, *run, Verdict::Lost));
            }
        }
    }

    fn has(&self, job: u64, cell: Option<u32>, run: u32, claim: &Claim) -> bool {
        let own = |row: &&Row| (row.job, row.cell, row.run) == (job, cell, run) && row.state == State::Held;
        self.rows.iter().filter(own).any(|row| row.claim.is_about(claim))
    }

    fn parties(&self) -> Vec<Party> {
        let mut parties: Vec<Party> = Vec::new();
        let mut places: BTreeMap<(u64, Option<u32>, u32), usize> = BTreeMap::new();
        for row in &self.rows {
            let Some(job) = self.jobs.get(&row.job) else { continue };
            let counts = row.state == State::Held || (row.state == State::Waiting && job.lives);
            if !counts {
                continue;
            }
            let at = *places.entry((row.job, row.cell, row.run)).or_insert_with(|| {
                parties.push(Party {
                    job: row.job,
                    cell: row.cell,
                    ancestors: job.ancestors.clone(),
                    name: job.name.clone(),
                    place: row.place.clone(),
                    is_first: false,
                    priority: row.priority,
                    ticket: row.ticket,
                    since: row.since,
                    held: Vec::new(),
                    wanted: Vec::new(),
                    is_left: !job.lives,
                });
                parties.len() - 1
            });
            let party = &mut parties[at];
            if row.state == State::Held {
                party.held.push(row.claim.clone());
            } else {
                party.is_first |= row.is_first;
                party.wanted.push(row.claim.clone());
            }
        }
        parties
    }
}

fn read(connection: &Connection) -> Result<Vec<Row>, EngineError> {
    let mut query = connection.prepare_cached(
        "SELECT id, job, cell, run, ticket, first, priority, rank, place, claim, state, since, successor \
         FROM claims ORDER BY id",
    )?;
    let mut found = query.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let text: String = row.get(9)?;
        let claim = serde_json::from_str(&text).map_err(|e| {
            EngineError::surroundings(format!("a claim in the store cannot be read by this sortie: {e}"))
        })?;
        let cell: i64 = row.get(2)?;
        rows.push(Row {
            id: row.get(0)?,
            job: row.get(1)?,
            cell: u32::try_from(cell).ok(),
            run: row.get(3)?,
            ticket: row.get(4)?,
            is_first: row.get(5)?,
            priority: (row.get(6)?, row.get(7)?),
            place: row.get(8)?,
            claim,
            state: State::of(&row.get::<_, String>(10)?),
            since: Timestamp(row.get(11)?),
            successor: row.get(12)?,
        });
    }
    Ok(rows)
}

/// Returns what is known of a job, unless its claims do not count.
fn known(connection: &Connection, number: u64, is_own: bool) -> Result<Option<Known>, EngineError> {
    struct Found {
        id: String,
        name: String,
        state: String,
        keeps: bool,
        owner: Option<Owner>,
        parent: Option<String>,
    }
    let found = connection
        .prepare_cached(
            "SELECT id, name, state, on_loss, owner_pid, owner_start, owner_boot, parent FROM jobs WHERE number = ?1",
        )?
        .query_row([number], |row| {
            let owner: (Option<u32>, Option<u64>, Option<String>) = (row.get(4)?, row.get(5)?, row.get(6)?);
            Ok(Found {
                id: row.get(0)?,
                name: row.get(1)?,
                state: row.get(2)?,
                keeps: row.get::<_, String>(3)? == "keep",
                owner: match owner {
                    (Some(pid), Some(start), Some(boot)) => Some(Owner { pid, start, boot }),
                    _ => None,
                },
                parent: row.get(7)?,
            })
        })
        .optional()?;
    let Some(it) = found else { return Ok(None) };
    let lives = is_own || it.owner.is_some_and(|owner| owner.is_alive(connection, &it.id));
    let has_ended = ENDED.contains(&it.state.as_str());
    // What a dead engine had begun may still be on its way to its end.
    let keeper_lives = || {
        let state = connection.path().and_then(|db| Path::new(db).parent());
        state.is_some_and(|state| machine::keeper_lives(&state.join("jobs").join(&it.id)))
    };
    if !is_own && (has_ended || !(lives || it.keeps || keeper_lives())) {
        return Ok(None);
    }
    let ancestors = ancestors(connection, it.parent)?;
    Ok(Some(Known { id: it.id, name: it.name, ancestors, lives }))
}

/// Returns the jobs in whose steps a job was started.
fn ancestors(connection: &Connection, mut parent: Option<String>) -> Result<Vec<u64>, EngineError> {
    let mut ancestors = Vec::new();
    while let Some(id) = parent.take().filter(|_| ancestors.len() < MOST_ANCESTORS) {
        let found: Option<(u64, Option<String>)> = connection
            .prepare_cached("SELECT number, parent FROM jobs WHERE id = ?1")?
            .query_row([&id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((number, next)) = found {
            ancestors.push(number);
            parent = next;
        }
    }
    Ok(ancestors)
}
