//! Whether people are asked something by a job, from its events alone.
//!
//! Not here: what they are asked (`logic/view/gates.rs`).

use rusqlite::params;

use super::history::History;
use super::journal::key;
use crate::engine::EngineError;

impl History {
    /// Says whether a gate of a job is open, by the number that people use for the job.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn has_open_gate(&self, number: u64) -> Result<bool, EngineError> {
        let mut query = self.connection.prepare_cached(
            "SELECT coalesce(sum(CASE type WHEN 'gate.opened' THEN 1 ELSE -1 END), 0) FROM events \
             WHERE id > ?1 AND id < ?2 AND type IN \
             ('gate.opened', 'gate.approved', 'gate.rejected', 'gate.expired', 'gate.withdrawn')",
        )?;
        let open: i64 = query.query_row(params![key(number, 0), key(number + 1, 0)], |row| row.get(0))?;
        Ok(open > 0)
    }
}
