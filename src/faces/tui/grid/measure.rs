//! How much of a grid fits on a screen, and how wide its parts are.
//!
//! Not here: drawing (`draw.rs`). Start with `Measures::new`.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::logic::view::grid::Grid;

/// Columns that a cell needs to show more than its sign.
const WITH_TIME: u16 = 9;
/// Columns of a cell that shows its sign alone: brackets, sign and a gap.
const SIGN_ALONE: u16 = 4;
/// Widest cell; a longer heading is cut.
const WIDEST: u16 = 20;
/// Between the columns of a label.
const GAP: u16 = 2;
/// The space that the opening bracket of a cursor takes, and the one that the closing bracket takes with a gap.
const AROUND: u16 = 3;

/// How much of a grid fits on a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measures {
    /// Columns of each part of a row's label.
    pub labels: Vec<u16>,
    /// Columns in front of the cells.
    pub head: u16,
    /// Columns of a cell with all that belongs to it.
    pub cell: u16,
    /// Columns of each of the two totals; 0 if there is no room for them.
    pub total: u16,
    /// How many rows and columns of the grid fit.
    pub rows: usize,
    pub columns: usize,
    /// There is room for the totals of columns, for the strip about the cell under the cursor, and for keys.
    pub has_totals: bool,
    pub has_strip: bool,
    pub has_keys: bool,
}

impl Measures {
    /// Measures a grid for a part of the screen.
    #[must_use]
    pub fn new(grid: &Grid, area: Rect) -> Self {
        let labels = labels(grid, area.width);
        let gaps = GAP * u16::try_from(labels.len().saturating_sub(1)).unwrap_or(0);
        let head = 1 + labels.iter().sum::<u16>() + gaps + GAP;
        let count = u16::try_from(grid.columns.len()).unwrap_or(u16::MAX).max(1);
        let digits = width(&grid.cells().count().to_string());

        let needed = 2 * digits + 3;
        let without = area.width.saturating_sub(head);
        let has_total = grid.columns.len() > 1 && without > needed + WITH_TIME;
        let total = if has_total { digits } else { 0 };
        let room = if has_total { without - needed } else { without };

        let widest = grid.columns.iter().map(|name| width(name)).max().unwrap_or(0);
        let natural = (widest + AROUND).clamp(WITH_TIME + 2, WIDEST);
        let fair = room / count;
        let cell = if fair >= WITH_TIME { fair.min(natural) } else { fair.max(SIGN_ALONE) };

        let has_strip = area.height >= 9;
        let (has_totals, has_keys) = (area.height >= 6 && count > 1, area.height >= 6);
        // The title and the headings are always there.
        let around = 2 + u16::from(has_totals) + 2 * u16::from(has_strip) + u16::from(has_keys);
        Self {
            labels,
            head,
            cell,
            total,
            rows: usize::from(area.height.saturating_sub(around)),
            columns: usize::from((room / cell).clamp(1, count)),
            has_totals,
            has_strip,
            has_keys,
        }
    }

    /// Says whether cells show their time beside their sign.
    #[must_use]
    pub fn has_times(&self) -> bool {
        self.cell >= WITH_TIME
    }
}

/// Returns the columns of each part of the labels: as wide as the widest, but all together two fifths of the screen.
fn labels(grid: &Grid, most: u16) -> Vec<u16> {
    let parts = grid.rows.first().map_or(1, Vec::len);
    let widest = |part: usize| grid.rows.iter().filter_map(|row| row.get(part)).map(|it| width(it)).max();
    let mut labels: Vec<u16> = (0..parts).map(|part| widest(part).unwrap_or(0)).collect();
    // The word in front of the totals stands there, too.
    if let Some(first) = labels.first_mut() {
        *first = (*first).max(width(FAILURES));
    }
    while labels.iter().sum::<u16>() > most * 2 / 5 {
        let Some(widest) = labels.iter_mut().max().filter(|it| **it > 3) else { break };
        *widest -= 1;
    }
    labels
}

/// In front of the totals of columns.
pub(super) const FAILURES: &str = "failures";

/// Returns the columns that a text takes.
pub(super) fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}
