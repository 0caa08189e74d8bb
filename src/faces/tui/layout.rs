//! Where things stand on the screen, by its size alone.
//!
//! Pure. Header and key line never move, and no region changes its height because of what is in it.

use ratatui::layout::Rect;

/// Which panes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panes {
    /// Nothing fits.
    TooSmall,
    /// One at a time.
    Single,
    /// The list above the log.
    Stacked,
    /// The list beside the log.
    Beside,
    /// List, log and details.
    Three,
}

/// The regions of a screen; those that are not there are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub panes: Panes,
    pub header: Rect,
    pub progress: Rect,
    /// Everything between progress and status.
    pub body: Rect,
    pub list_title: Rect,
    pub list: Rect,
    pub log_title: Rect,
    pub log: Rect,
    pub details_title: Rect,
    pub details: Rect,
    pub problems_title: Rect,
    pub problems: Rect,
    pub status: Rect,
    pub keys: Rect,
}

/// The least that can be used.
pub const LEAST: (u16, u16) = (40, 10);

/// Divides a screen.
#[must_use]
pub fn divide(columns: u16, rows: u16) -> Layout {
    let panes = match columns {
        _ if columns < LEAST.0 || rows < LEAST.1 => Panes::TooSmall,
        ..60 => Panes::Single,
        60..100 => Panes::Stacked,
        100..160 => Panes::Beside,
        160.. => Panes::Three,
    };
    let row = |y: u16| Rect::new(0, y, columns, 1);
    let has_status = rows >= 16;
    let has_titles = rows >= 16;
    let below = 1 + u16::from(has_status);
    let body = Rect::new(0, 2, columns, rows.saturating_sub(2 + below));
    let empty = Rect::ZERO;
    let mut it = Layout {
        panes,
        header: row(0),
        progress: row(1),
        body,
        list_title: empty,
        list: empty,
        log_title: empty,
        log: empty,
        details_title: empty,
        details: empty,
        problems_title: empty,
        problems: empty,
        status: if has_status { row(rows - 2) } else { empty },
        keys: row(rows.saturating_sub(1)),
    };
    match panes {
        Panes::TooSmall => {}
        Panes::Single => {
            (it.list_title, it.list) = titled(body, has_titles);
            (it.log_title, it.log) = (it.list_title, it.list);
        }
        Panes::Stacked => {
            let title = 2 * u16::from(has_titles);
            let height = ((body.height - title) * 2 / 5).max(5).min(body.height - title - 3) + title / 2;
            let (above, under) = cut_below(body, height);
            (it.list_title, it.list) = titled(above, has_titles);
            (it.log_title, it.log) = titled(under, has_titles);
        }
        Panes::Beside | Panes::Three => columns_of(&mut it, rows, has_titles),
    }
    it
}

fn columns_of(it: &mut Layout, rows: u16, has_titles: bool) {
    let body = it.body;
    let width = if it.panes == Panes::Three { 46 } else { (body.width * 36 / 100).clamp(40, 56) };
    let mut left = Rect { width, ..body };
    let mut right = Rect { x: width + 1, width: body.width - width - 1, ..body };
    if it.panes == Panes::Three {
        let details = Rect { x: body.width - 50, width: 50, ..body };
        right.width -= 51;
        (it.details_title, it.details) = titled(details, has_titles);
    }
    if rows >= 30 {
        let height = if rows >= 50 { 8 } else { 6 };
        let (above, under) = cut_below(left, left.height - height);
        left = above;
        (it.problems_title, it.problems) = titled(under, has_titles);
    }
    (it.list_title, it.list) = titled(left, has_titles);
    (it.log_title, it.log) = titled(right, has_titles);
}

/// Takes the first row off for a title.
fn titled(area: Rect, has_title: bool) -> (Rect, Rect) {
    if !has_title {
        return (Rect { height: 0, ..area }, area);
    }
    let title = Rect { height: 1.min(area.height), ..area };
    let rest = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    (title, rest)
}

fn cut_below(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
}

#[cfg(test)]
mod tests {
    use super::{Panes, divide};

    #[test]
    fn every_size_up_to_a_large_one_fits_on_the_screen() {
        for columns in 1..=260 {
            for rows in 1..=90 {
                let it = divide(columns, rows);
                for area in [it.header, it.list, it.log, it.details, it.problems, it.status, it.keys] {
                    assert!(it.panes == Panes::TooSmall || area.right() <= columns && area.bottom() <= rows);
                }
                if it.panes != Panes::TooSmall {
                    assert!(it.list.height >= 3 && it.log.height >= 3, "{columns}x{rows} {it:?}");
                    assert!(it.list.width >= 40.min(columns) && it.log.width >= 40, "{columns}x{rows}");
                }
            }
        }
    }

    #[test]
    fn the_arrangement_follows_the_width() {
        let panes = |columns| divide(columns, 24).panes;
        assert_eq!(panes(39), Panes::TooSmall);
        assert_eq!([panes(40), panes(59)], [Panes::Single; 2]);
        assert_eq!([panes(60), panes(99)], [Panes::Stacked; 2]);
        assert_eq!([panes(100), panes(159)], [Panes::Beside; 2]);
        assert_eq!(panes(160), Panes::Three);
        assert_eq!(divide(80, 9).panes, Panes::TooSmall);
    }
}
