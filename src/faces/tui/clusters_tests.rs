//! Lines as clusters: their columns, looks and hits; cutting them.

use ratatui::style::{Color, Style};

use super::{Glyph, beginning, clusters, columns, cut, ending, fitting, is_risky};
use crate::engine::logs::{Kind, Query};

fn plain(text: &str) -> Vec<Glyph> {
    clusters(&[(text, Style::default())], |_| Vec::new())
}

fn told(glyphs: &[Glyph]) -> Vec<(String, u16)> {
    let text = |glyph: &Glyph| {
        let mut text = String::new();
        glyph.put(&mut text);
        text
    };
    glyphs.iter().map(|glyph| (text(glyph), glyph.wide)).collect()
}

fn text(glyphs: &[Glyph]) -> String {
    told(glyphs).into_iter().map(|(text, _)| text).collect()
}

#[test]
fn a_cluster_is_never_divided() {
    let family = "👨\u{200d}👩\u{200d}👧";
    let line = format!("a{family}🇩🇪🇫🇷👍🏽❤\u{fe0f}e\u{301}漢");
    let expected: Vec<(String, u16)> = [
        ("a", 1),
        (family, 2),
        ("🇩🇪", 2),
        ("🇫🇷", 2),
        ("👍🏽", 2),
        ("❤\u{fe0f}", 2),
        ("e\u{301}", 1),
        ("漢", 2),
    ]
    .map(|(text, wide)| (text.to_owned(), wide))
    .into();
    assert_eq!(told(&plain(&line)), expected);
    assert_eq!(columns(&line), 14);
    // What has no column of its own and no letter before it goes.
    assert_eq!(text(&plain("\u{202e}a\u{200b}b")), "ab");
    // Whatever is heaped on a letter, a row of the screen stays short.
    let heap = format!("x{}", "\u{301}".repeat(9000));
    assert_eq!(text(&plain(&heap)).chars().count(), 16);
}

#[test]
fn tabs_hits_and_looks_are_counted_by_columns_and_bytes() {
    let query = Query::new("👩", Kind::Literal).unwrap();
    let red = Style::new().fg(Color::Red);
    let pieces = [("漢\t", Style::default()), ("e", red), ("\u{301}👨\u{200d}👩 👩", Style::default())];
    let glyphs = clusters(&pieces, |text| query.ranges(text));
    assert_eq!(text(&glyphs), "漢      e\u{301}👨\u{200d}👩 👩");
    let hits: Vec<usize> = glyphs.iter().enumerate().filter(|(_, it)| it.is_hit).map(|(at, _)| at).collect();
    assert_eq!(hits, [8, 10]);
    // A mark in another colour than its letter goes with the letter.
    let reds: Vec<usize> =
        glyphs.iter().enumerate().filter(|(_, it)| it.style == red).map(|(at, _)| at).collect();
    assert_eq!(reds, [7]);
}

#[test]
fn a_part_says_what_is_beyond_its_edges() {
    let line = plain("0123456789");
    let part = |from, width| {
        let part = cut(&line, from, width);
        (text(&part.glyphs), part.is_left, part.is_right)
    };
    assert_eq!(part(0, 10), ("0123456789".to_owned(), false, false));
    assert_eq!(part(0, 9), ("01234567".to_owned(), false, true));
    // The column of the mark is not for text.
    assert_eq!(part(4, 4), ("56".to_owned(), true, true));
    assert_eq!(part(6, 4), ("789".to_owned(), true, false));
    assert_eq!(part(12, 4), (String::new(), true, false));
    assert_eq!(cut(&plain(""), 8, 4), super::Part::default());
    // Half of a wide letter is a blank.
    let wide = plain("漢字漢字");
    let part = cut(&wide, 2, 5);
    assert_eq!((text(&part.glyphs), part.is_left, part.is_right), (" 漢".to_owned(), true, true));
    assert_eq!(fitting(&wide, 5), 2);
    assert_eq!(fitting(&wide, 1), 1);
}

#[test]
fn texts_are_cut_between_clusters() {
    let text = "a👨\u{200d}👩\u{200d}👧🇩🇪b";
    assert_eq!(beginning(text, 2), "a");
    assert_eq!(beginning(text, 3), "a👨\u{200d}👩\u{200d}👧");
    assert_eq!(ending(text, 3), "🇩🇪b");
    assert_eq!(ending(text, 2), "b");
    assert_eq!(beginning(text, 9), text);
}

#[test]
fn what_terminals_agree_about_is_no_risk() {
    for safe in ["a", "ä", "漢", "한", "─", "█", "⠹", "✗", "𠮷", " ", ""] {
        assert!(!is_risky(safe), "{safe}");
    }
    for risky in ["e\u{301}", "🇩", "🇩🇪", "👍", "👍🏽", "❤\u{fe0f}", "⌚", "\u{e0b0}"] {
        assert!(is_risky(risky), "{risky}");
    }
}
