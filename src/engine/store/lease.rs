//! Who owns a job: one engine at a time, told apart by boot, process number and start time.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::Store;
use crate::engine::{EngineError, JobId, link};
use crate::port::keeper::OnLoss;

/// An engine process, so that the living can be told from the dead and from strangers with the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) pid: u32,
    /// Clock ticks since boot.
    pub(crate) start: u64,
    /// The boot's id, and behind a blank the namespace that the process number belongs to, see pid_namespaces(7).
    pub(crate) boot: String,
}

impl Owner {
    /// Returns this process.
    #[must_use]
    pub(crate) fn this() -> Self {
        let pid = std::process::id();
        let boot = format!("{} {}", boot_id(), namespace()).trim_end().to_owned();
        Self { pid, start: start_time(pid).unwrap_or(0), boot }
    }

    /// Says whether that very process still lives. One with a number of another container cannot be seen from here, but
    /// whether it listens for orders about the job can.
    #[must_use]
    pub(crate) fn is_alive(&self, connection: &Connection, job: &str) -> bool {
        // Of an older sortie it is the boot alone.
        let (boot, elsewhere) = match self.boot.rsplit_once(' ') {
            Some((boot, of)) if of.starts_with(NAMESPACE) => (boot, of != namespace()),
            _ => (self.boot.as_str(), false),
        };
        let listens = || {
            let run = connection.path().and_then(|db| Path::new(db).parent()).map(|state| state.join("run"));
            run.is_some_and(|run| link::connect(&run, &JobId(Arc::from(job))).is_ok())
        };
        boot == boot_id() && if elsewhere { listens() } else { start_time(self.pid) == Some(self.start) }
    }
}

/// How the name of a namespace of process numbers begins, see namespaces(7).
const NAMESPACE: &str = "pid:[";

/// Returns the namespace of this process's numbers; nothing where it cannot be seen.
fn namespace() -> String {
    std::fs::read_link("/proc/self/ns/pid").map_or_else(|_| String::new(), |path| path.display().to_string())
}

fn boot_id() -> String {
    #[cfg(feature = "faults")]
    if let Some(id) = crate::engine::faults::boot_id() {
        return id;
    }
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Returns field 22 of `/proc/PID/stat`, see proc(5), unless the process is dead and only not yet reaped.
fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Returns the letter for what a process is doing, see proc(5): `T` for one that somebody has stopped.
#[must_use]
pub(crate) fn state_of(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

impl Store {
    /// Takes a job over from an owner that is dead; returns the new epoch.
    ///
    /// # Errors
    /// If the owner lives, or the store cannot be written.
    pub(crate) fn take_lease(&mut self, number: u64, ours: &Owner) -> Result<u64, EngineError> {
        let tx = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
        let held = tx
            .query_row(
                "SELECT owner_pid, owner_start, owner_boot, id FROM jobs WHERE number = ?1 AND owner_pid NOTNULL",
                [number],
                |row| {
                    let owner = Owner { pid: row.get(0)?, start: row.get(1)?, boot: row.get(2)? };
                    Ok((owner, row.get::<_, String>(3)?))
                },
            )
            .optional()?;
        if let Some((owner, id)) = held
            && owner != *ours
            && owner.is_alive(&tx, &id)
        {
            return Err(EngineError::refused(format!(
                "job #{number} is owned by another engine (process {}), which takes orders about it",
                owner.pid
            )));
        }
        let epoch: u64 = tx.query_row(
            "UPDATE jobs SET epoch = epoch + 1, owner_pid = ?2, owner_start = ?3, owner_boot = ?4 \
             WHERE number = ?1 RETURNING epoch",
            params![number, ours.pid, ours.start, ours.boot],
            |row| row.get(0),
        )?;
        tx.commit()?;
        Ok(epoch)
    }

    /// Records what is to become of a job without its engine: that it is handed over, for one.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub(crate) fn set_on_loss(&mut self, number: u64, on_loss: OnLoss) -> Result<(), EngineError> {
        let word = super::on_loss_word(on_loss);
        self.connection.execute("UPDATE jobs SET on_loss = ?2 WHERE number = ?1", params![number, word])?;
        Ok(())
    }

    /// Says whether the lease of that epoch still holds. A store that cannot be read has not been given to anybody else.
    #[must_use]
    pub(crate) fn is_leased(&self, number: u64, epoch: u64) -> bool {
        let held = self
            .connection
            .query_row("SELECT epoch FROM jobs WHERE number = ?1", [number], |row| row.get::<_, u64>(0));
        held.map_or(true, |held| held == epoch)
    }

    /// Says whether the job has not ended and the lease of that epoch still holds, as far as the store can be read.
    #[must_use]
    pub(crate) fn lives_on(&self, number: u64, epoch: u64) -> bool {
        let sql = "SELECT epoch = ?2 AND finished IS NULL FROM jobs WHERE number = ?1";
        self.connection.query_row(sql, params![number, epoch], |row| row.get(0)).unwrap_or(true)
    }

    /// Says whether a job has come to its end.
    #[must_use]
    pub(crate) fn has_ended(&self, number: u64) -> bool {
        let outcome = "SELECT outcome IS NOT NULL FROM jobs WHERE number = ?1";
        self.connection.query_row(outcome, [number], |row| row.get(0)).unwrap_or(false)
    }

    /// Gives a job's lease back at its end.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub(crate) fn drop_lease(&mut self, number: u64, epoch: u64) -> Result<(), EngineError> {
        self.connection.execute(
            "UPDATE jobs SET owner_pid = NULL, owner_start = NULL, owner_boot = NULL WHERE number = ?1 AND epoch = ?2",
            params![number, epoch],
        )?;
        Ok(())
    }
}
