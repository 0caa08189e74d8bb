//! The tables of a store: made, or lifted from those of an older version.

use rusqlite::{Transaction, TransactionBehavior};

use super::{Store, sources};

#[cfg(test)]
#[path = "lift_tests.rs"]
mod tests;

/// Version of the tables; a store of a newer one is refused, an older one is lifted.
pub(super) const VERSION: i64 = 9;

/// What lifts a store by one version, from the first on. A new store is made as `schema.sql` has it, which comes to the same.
const LIFTS: &[&str] = &[
    include_str!("lift_2.sql"),
    include_str!("lift_3.sql"),
    include_str!("lift_4.sql"),
    include_str!("lift_5.sql"),
    include_str!("lift_6.sql"),
    include_str!("lift_7.sql"),
    include_str!("lift_8.sql"),
    include_str!("lift_9.sql"),
];

impl Store {
    /// Makes the tables, or lifts those of an older version; another process may have done so in the meantime.
    pub(super) fn create_or_lift(&self) -> rusqlite::Result<()> {
        let tx = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        let version: usize = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match version {
            0 => tx.execute_batch(include_str!("schema.sql"))?,
            known => {
                for (lift, to) in LIFTS.iter().zip(2..).skip(known - 1) {
                    tx.execute_batch(lift)?;
                    if to == 8 {
                        sources::lift(&tx)?;
                    }
                }
            }
        }
        if i64::try_from(version).is_ok_and(|version| version < VERSION) {
            tx.pragma_update(None, "user_version", VERSION)?;
        }
        tx.commit()
    }
}
