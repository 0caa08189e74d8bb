//! Where the log pane stands when something was searched, and what it marks.
#![expect(clippy::disallowed_methods, reason = "logs are written as a keeper would")]

use std::fs;

use tempfile::TempDir;

use super::{LogPane, PaneRow};
use crate::engine::logs::{LONGEST_LINE, path};
use crate::faces::tui::testing::{Skin, middle};
use crate::logic::job::report::AttemptKey;

const KEY: AttemptKey = AttemptKey { cell: 0, run: 1, step: 0, attempt: 1 };

/// A pane on a log with that text.
fn pane(text: &str) -> (TempDir, LogPane) {
    let dir = TempDir::new().unwrap();
    let log = path(dir.path(), KEY);
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    fs::write(log, text).unwrap();
    let mut pane = LogPane::new(dir.path().to_path_buf(), true);
    pane.cell = Some(0);
    pane.tries = vec![KEY];
    pane.log.set_tries(&[KEY]);
    work(&mut pane);
    (dir, pane)
}

fn work(pane: &mut LogPane) {
    while pane.has_work() {
        let _changed = pane.work();
    }
}

/// The hits of a picture, as text, row by row; rows without one are left out.
fn marked(pane: &mut LogPane, width: usize, height: usize) -> Vec<String> {
    let rows = pane.picture(width, height).into_iter().filter_map(|row| match row {
        PaneRow::Text { part, .. } => {
            let mut text = String::new();
            part.glyphs.iter().filter(|glyph| glyph.is_hit).for_each(|glyph| glyph.put(&mut text));
            Some(text)
        }
        PaneRow::Heading(_) => None,
    });
    rows.filter(|text| !text.is_empty()).collect()
}

fn find(pane: &mut LogPane, text: &str) {
    pane.search(text, false);
    work(pane);
}

#[test]
fn a_hit_is_in_sight_however_lines_wrap() {
    // Six rows of the screen for each line, and the hit in the last of them.
    let line = |n: usize, word: &str| format!("{n:>4}{}{word}\n", " x".repeat(170));
    let text: String = (0..100).map(|n| line(n, if n % 10 == 7 { "needle" } else { "" })).collect();
    let (_dir, mut pane) = pane(&text);
    for (width, height) in [(60, 20), (60, 3), (200, 20), (30, 5)] {
        let _rows = pane.picture(width, height);
        find(&mut pane, "needle");
        assert_eq!(pane.hits(), 10);
        for forward in [true, true, true, false, false, true] {
            assert!(!marked(&mut pane, width, height).is_empty(), "{width}x{height}");
            pane.next_hit(forward);
        }
        pane.end_search(false);
    }
}

#[test]
fn a_hit_is_in_sight_in_a_line_taller_than_the_pane() {
    let (_dir, mut pane) = pane(&format!("{}needle{}\n", "x".repeat(9000), "y".repeat(5000)));
    let _rows = pane.picture(40, 10);
    find(&mut pane, "needle");
    assert_eq!(marked(&mut pane, 40, 10), ["needle"]);
    assert!(pane.top.1 > 200, "{:?}", pane.top);
}

#[test]
fn a_hit_beyond_the_edge_is_moved_into_sight() {
    let text = format!("short needle\n{}needle{}\n", "x".repeat(300), "y".repeat(300));
    let (_dir, mut pane) = pane(&text);
    pane.go_first();
    let _rows = pane.picture(120, 10);
    assert!(!pane.wraps());
    find(&mut pane, "needle");
    assert_eq!((pane.sideways, marked(&mut pane, 120, 10).len()), (0, 1));
    pane.next_hit(true);
    assert_eq!(pane.sideways, 300 - 40);
    assert_eq!(marked(&mut pane, 120, 10), ["needle"]);
    pane.next_hit(true);
    assert_eq!((pane.sideways, marked(&mut pane, 120, 10).len()), (0, 1));
}

#[test]
fn a_hit_across_the_cut_of_a_long_line_is_marked_on_both_sides() {
    let text = format!("{}needle{}\nneedle\n", "x".repeat(LONGEST_LINE - 3), "y".repeat(50));
    let (_dir, mut pane) = pane(&text);
    let _rows = pane.picture(50, 20);
    find(&mut pane, "needle");
    assert_eq!(pane.hits(), 2);
    assert_eq!(marked(&mut pane, 50, 20), ["nee", "dle", "needle"]);
    pane.next_hit(true);
    assert_eq!((pane.hit_rank(), pane.find.as_ref().unwrap().at), (Some(2), Some(3)));
}

#[test]
fn up_moves_at_once_after_the_pane_became_wider() {
    let (_dir, mut pane) = pane(&format!("{}\n{}", "x".repeat(9000), "end\n".repeat(30)));
    pane.go_first();
    let _rows = pane.picture(60, 10);
    pane.scroll(140);
    let _rows = pane.picture(60, 10);
    assert_eq!(pane.top, (1, 139));
    let _rows = pane.picture(90, 10);
    let before = pane.top;
    pane.scroll(-1);
    assert_eq!((before, pane.top), ((1, 99), (1, 98)));
}

#[test]
fn a_search_goes_back_to_no_place_of_another_log() {
    let (_dir, mut pane) = pane(&"line\n".repeat(500));
    pane.go_first();
    let _rows = pane.picture(60, 10);
    pane.scroll(200);
    let _rows = pane.picture(60, 10);
    find(&mut pane, "nothing");
    let other = middle(Skin::Mono);
    pane.show(&other.view, Some(1));
    pane.end_search(true);
    assert!(pane.follow && pane.top == (0, 0));
}

#[test]
fn hidden_text_is_shown_and_nothing_blinks() {
    let (_dir, mut pane) = pane("\x1b[8mhidden\x1b[0m \x1b[5mblinks\x1b[1;6mboth\n");
    let rows = pane.picture(60, 10);
    let PaneRow::Text { part, .. } = &rows[1] else { panic!("a line") };
    let unwanted = ratatui::style::Modifier::HIDDEN
        | ratatui::style::Modifier::SLOW_BLINK
        | ratatui::style::Modifier::RAPID_BLINK;
    assert!(part.glyphs.iter().all(|glyph| !glyph.style.add_modifier.intersects(unwanted)));
    assert!(part.glyphs.iter().any(|it| it.style.add_modifier.contains(ratatui::style::Modifier::BOLD)));
}

#[test]
fn a_hit_behind_the_end_of_another_is_the_one_that_is_gone_to() {
    // One across the first cut, one across the second.
    let gap = "x".repeat(LONGEST_LINE - 6);
    let text = format!("{}needle{gap}needle{}\n", "x".repeat(LONGEST_LINE - 3), "y".repeat(50));
    let (_dir, mut pane) = pane(&text);
    pane.go_first();
    let _rows = pane.picture(120, 10);
    find(&mut pane, "needle");
    assert_eq!((pane.hits(), pane.hit_rank()), (2, Some(1)));
    let _rows = pane.picture(120, 10);
    pane.next_hit(true);
    assert_eq!(pane.hit_rank(), Some(2));
    assert!(pane.sideways > LONGEST_LINE - 200, "{}", pane.sideways);
    assert!(marked(&mut pane, 120, 10).iter().any(|text| text.starts_with("nee")));
}
