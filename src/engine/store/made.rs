//! A job as it is recorded when it is made, and read again by an engine that goes on with it.
//!
//! Not here: what happens to it afterwards (`journal.rs`), lists of jobs (`history.rs`).

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::{Owner, Store, fires, sources};
use crate::engine::EngineError;
use crate::port::keeper::OnLoss;

#[cfg(test)]
#[path = "made_tests.rs"]
mod tests;

/// What is recorded of a job when it is made.
#[derive(Clone, Debug)]
pub(crate) struct NewJob<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) playbook: &'a str,
    pub(crate) source: &'a str,
    pub(crate) request: &'a str,
    pub(crate) actor: &'a str,
    pub(crate) parent: Option<&'a str>,
    pub(crate) created: i64,
    /// What becomes of its processes if its engine dies, and so whether another engine goes on with it by itself.
    pub(crate) on_loss: OnLoss,
    /// Number of the job that this one repeats with other inputs.
    pub(crate) retry_of: Option<u64>,
    /// Number of the fire that starts it.
    pub(crate) fire: Option<u64>,
    /// What its starter calls this start, which is carried out once.
    pub(crate) start: Option<&'a str>,
}

/// A job as it was recorded when it was made.
#[derive(Clone, Debug)]
pub(crate) struct StoredJob {
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) playbook: String,
    pub(crate) source: String,
    pub(crate) request: String,
    pub(crate) facts: String,
    pub(crate) on_loss: OnLoss,
}

/// What a summary tells of a job beside its events.
pub(crate) struct ToldOf {
    /// Path of the playbook as it was given.
    pub(crate) playbook: String,
    pub(crate) actor: String,
    pub(crate) retry_of: Option<u64>,
    /// In microseconds since 1970.
    pub(crate) created: i64,
}

pub(super) fn on_loss_word(on_loss: OnLoss) -> &'static str {
    match on_loss {
        OnLoss::Stop => "stop",
        OnLoss::Keep => "keep",
    }
}

impl Store {
    /// Records a new job, gives it the next number of the project, and takes its lease, if this process is to own it.
    /// `facts` is made from the number.
    ///
    /// # Errors
    /// If the store cannot be written, or what `facts` says.
    pub(crate) fn create_job(
        &mut self,
        job: &NewJob<'_>,
        owner: Option<&Owner>,
        facts: impl FnOnce(u64) -> Result<String, EngineError>,
    ) -> Result<u64, EngineError> {
        let tx = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
        let number: u64 =
            tx.query_row("SELECT coalesce(max(number), 0) + 1 FROM jobs", [], |row| row.get(0))?;
        let facts = facts(number)?;
        tx.execute(
            "INSERT INTO jobs (number, id, name, playbook, source_id, request, facts, actor, parent, state, created, \
             epoch, owner_pid, owner_start, owner_boot, on_loss, retry_of) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'queued', ?10, ?15, ?11, ?12, ?13, ?14, ?16)",
            params![
                number, job.id, job.name, job.playbook, sources::keep(&tx, job.source)?, job.request, facts, job.actor,
                job.parent, job.created, owner.map(|it| it.pid), owner.map(|it| it.start),
                owner.map(|it| it.boot.as_str()), on_loss_word(job.on_loss), u8::from(owner.is_some()),
                job.retry_of
            ],
        )?;
        if let Some(start) = job.start {
            let taken = "INSERT INTO starts (id, job) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            if tx.execute(taken, params![start, number])? == 0 {
                return Err(EngineError::refused(format!("a job was started with the id `{start}` before"))
                    .help("give this start an id of its own"));
            }
        }
        if let Some(fire) = job.fire {
            fires::claim(&tx, fire, number)?;
        }
        tx.commit()?;
        Ok(number)
    }

    /// Returns what a summary tells of a job beside its events.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn told(&self, number: u64) -> Result<ToldOf, EngineError> {
        let told = "SELECT playbook, actor, retry_of, created FROM jobs WHERE number = ?1";
        Ok(self.connection.query_row(told, [number], |row| {
            Ok(ToldOf {
                playbook: row.get(0)?,
                actor: row.get(1)?,
                retry_of: row.get(2)?,
                created: row.get(3)?,
            })
        })?)
    }

    /// Returns a job as it was recorded.
    ///
    /// # Errors
    /// If the store cannot be read, or has no such job.
    pub(crate) fn job(&self, id: &str) -> Result<StoredJob, EngineError> {
        let found = self
            .connection
            .query_row(
                "SELECT number, jobs.id, playbook, text, request, facts, on_loss \
                 FROM jobs LEFT JOIN sources ON sources.id = source_id WHERE jobs.id = ?1",
                [id],
                |row| {
                    Ok(StoredJob {
                        number: row.get(0)?,
                        id: row.get(1)?,
                        playbook: row.get(2)?,
                        source: sources::text_in(row, 3)?,
                        request: row.get(4)?,
                        facts: row.get(5)?,
                        on_loss: match row.get_ref(6)?.as_str() {
                            Ok("keep") => OnLoss::Keep,
                            _ => OnLoss::Stop,
                        },
                    })
                },
            )
            .optional()?;
        found.ok_or_else(|| EngineError::usage(format!("there is no job `{id}`")))
    }
}
