//! The sheet: a block of rows that stays below the output, drawn by `indicatif`.
//!
//! `indicatif` decides what is cleared and drawn when; what it writes is collected, so that output and rows leave in one
//! piece. Between two frames the cursor rests on the block's first row. So the terminal itself keeps track of where the
//! block is when its window changes, and erasing from the cursor on removes the block, also for a guard that knows
//! nothing of it. Not here: what stands in the rows (`rows.rs`), the terminal's modes (`modes.rs`).

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

/// Terminals that know it show what is between the two at once.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// A block of rows below the output.
pub(super) struct Sheet {
    to: Box<dyn Write>,
    paper: Arc<Paper>,
    bars: MultiProgress,
    block: ProgressBar,
    /// What stands there; empty while nothing does.
    shown: Vec<String>,
    /// Columns and rows of the terminal when it was drawn.
    size: (u16, u16),
    is_closed: bool,
}

impl Sheet {
    /// Returns a sheet of a terminal, which is given whole frames.
    #[must_use]
    pub(super) fn new(to: Box<dyn Write>) -> Self {
        let paper = Arc::new(Paper::default());
        let target = ProgressDrawTarget::term_like(Box::new(Pen(Arc::clone(&paper))));
        let bars = MultiProgress::with_draw_target(target);
        // Rows are words by the time they come here, so that the bar of the total can be tested as text.
        let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let block = bars.add(ProgressBar::no_length().with_style(style));
        Self { to, paper, bars, block, shown: Vec::new(), size: (0, 0), is_closed: false }
    }

    /// Says whether nobody reads any more.
    #[must_use]
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Writes whole lines of output above the block, and the block below them; in a terminal of that many columns and
    /// rows. Does nothing if nothing is new. No rows remove the block.
    pub(super) fn show(&mut self, above: &[u8], rows: &[String], size: (u16, u16)) {
        if above.is_empty() && self.shown == rows && (self.size == size || rows.is_empty()) {
            return;
        }
        self.paper.lock().size = size;
        // Collected in memory, which cannot fail.
        let _outcome = self.bars.clear();
        self.paper.lock().bytes.extend_from_slice(above);
        if !rows.is_empty() {
            self.block.set_message(rows.join("\n"));
        }
        rows.clone_into(&mut self.shown);
        self.size = size;
        let bytes = std::mem::take(&mut self.paper.lock().bytes);
        self.write(&bytes);
    }

    /// Takes note that the terminal was somebody else's: what stood there belongs to the past now.
    pub(super) fn forget(&mut self) {
        let _outcome = self.bars.clear();
        let mut sketch = self.paper.lock();
        sketch.bytes.clear();
        // Rests of it may be below the cursor.
        sketch.bytes.extend_from_slice(b"\x1b[J");
        drop(sketch);
        self.shown.clear();
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.is_closed || bytes.is_empty() {
            return;
        }
        let frame = [BEGIN, bytes, END].concat();
        self.is_closed = self.to.write_all(&frame).and_then(|()| self.to.flush()).is_err();
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        self.show(&[], &[], self.size);
        // Else it would be drawn a last time when it goes.
        self.block.finish_and_clear();
    }
}

/// What is to be written.
#[derive(Debug, Default)]
struct Paper(Mutex<Sketch>);

#[derive(Debug, Default)]
struct Sketch {
    bytes: Vec<u8>,
    size: (u16, u16),
    /// Rows of the block that are on the terminal.
    standing: usize,
    /// Rows that were drawn since the last flush.
    drawn: usize,
    /// Blanks come next, which fill a row; the terminal does without.
    is_filler: bool,
}

impl Paper {
    fn lock(&self) -> MutexGuard<'_, Sketch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What `indicatif` takes for a terminal. Rows never wrap, so they are told apart by line breaks, and never by filling
/// them up, which a narrower window would turn into two.
#[derive(Debug)]
struct Pen(Arc<Paper>);

impl TermLike for Pen {
    fn width(&self) -> u16 {
        // It subtracts the width of a character from this.
        self.0.lock().size.0.max(2)
    }

    fn height(&self) -> u16 {
        self.0.lock().size.1.max(1)
    }

    fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> std::io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> std::io::Result<()> {
        let mut sketch = self.0.lock();
        sketch.is_filler = !sketch.is_filler;
        if sketch.is_filler {
            if sketch.drawn > 0 {
                sketch.bytes.extend_from_slice(b"\r\n");
            }
            sketch.bytes.extend_from_slice(text.as_bytes());
            sketch.drawn += 1;
        }
        Ok(())
    }

    fn clear_line(&self) -> std::io::Result<()> {
        let mut sketch = self.0.lock();
        if sketch.standing > 0 {
            sketch.bytes.extend_from_slice(b"\r\x1b[J");
            sketch.standing = 0;
        }
        Ok(())
    }

    fn flush(&self) -> std::io::Result<()> {
        let mut sketch = self.0.lock();
        if sketch.drawn > 0 {
            let up = sketch.drawn - 1;
            sketch.bytes.extend_from_slice(b"\r");
            if up > 0 {
                sketch.bytes.extend_from_slice(format!("\x1b[{up}A").as_bytes());
            }
            sketch.standing = std::mem::take(&mut sketch.drawn);
        }
        sketch.is_filler = false;
        Ok(())
    }
}

#[cfg(test)]
#[path = "sheet_tests.rs"]
mod tests;
