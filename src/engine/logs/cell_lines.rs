//! Counting the lines of all tries of a cell as one sequence, in which headings are none.
//!
//! Not here: rows, which headings are among (`cell_log.rs`).

use super::cell_log::CellLog;

impl CellLog {
    /// How many lines stand before a row.
    #[must_use]
    pub fn lines_before(&self, row: u64) -> u64 {
        let headings = self.based().take_while(|(base, _)| *base < row).count() as u64;
        row.min(self.count()).saturating_sub(headings)
    }

    /// The row of a line, counted from 0; nothing if there are not that many.
    #[must_use]
    pub fn row_of_line(&self, line: u64) -> Option<u64> {
        let mut before = 0;
        for (base, it) in self.based() {
            let lines = it.rows() - 1;
            if line < before + lines {
                return Some(base + 1 + line - before);
            }
            before += lines;
        }
        None
    }
}
