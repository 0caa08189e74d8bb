//! Searches that see what a search line by line sees, however the file grew and was cut into slices.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::lines::tests::{model, output};
use super::super::lines::{LONGEST_LINE, Line, Lines, Progress};
use super::super::query::{Kind, Query};
use super::Search;
use crate::logic::text::clean::clean;

const PATTERNS: [&str; 30] = [
    "foo",
    "Foo",
    "o b",
    "é",
    "k",
    "12",
    "\u{fffd}",
    "日é",
    r"\bfoo\b",
    "^foo",
    "bar$",
    r"\s+foo",
    "a[^x]*b",
    r"\Afoo",
    r"bar\z",
    "^$",
    "(?-i)foo",
    "x*",
    r"\W",
    r"\d{2,}",
    "(?s)o.*b",
    "foo|bar|err",
    r"\n",
    r"[^\n]",
    r"\B",
    "(?-m)^foo",
    "(?:foo)+",
    r"\pL",
    r"[\s\S]{20}",
    r"\t",
];

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(bytes).unwrap();
}

/// What is searched for, and a matcher of its own to look at every line by itself.
struct Case {
    text: &'static str,
    query: Query,
    regex: regex::Regex,
}

/// Made once, as that takes longest.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let make = |(text, kind): (&'static str, Kind)| {
        let pattern = if kind == Kind::Literal { regex::escape(text) } else { text.to_owned() };
        let regex = regex::RegexBuilder::new(&pattern).case_insensitive(text != "Foo").build().unwrap();
        Case { text, query: Query::new(text, kind).unwrap(), regex }
    };
    let literals = ["foo", "Foo", "o b", "a", "é", "k", "[a", "\t", "\u{fffd}"];
    let literals = literals.map(|text| (text, Kind::Literal));
    PATTERNS.map(|text| (text, Kind::Regex)).into_iter().chain(literals).map(make).collect()
});

/// The pieces in which a match begins, each looked at between the last character before it and the next piece.
fn naive(bytes: &[u8], longest: usize, regex: &regex::Regex) -> Vec<u64> {
    let lines = model(bytes, longest);
    let joins = |a: &Line, b: &Line| {
        let b_text = b.bytes.strip_suffix(b"\r").unwrap_or(&b.bytes);
        b.continued && !a.bytes.ends_with(b"\r") && !b_text.contains(&b'\r')
    };
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let text = clean(&line.bytes, false);
        let mut lead = String::new();
        for at in (0..index).rev().take_while(|&at| joins(&lines[at], &lines[at + 1])) {
            if let Some(last) = clean(&lines[at].bytes, false).chars().last() {
                lead = last.to_string();
                break;
            }
        }
        let next = lines.get(index + 1).filter(|next| joins(line, next));
        let window = next.map_or(String::new(), |next| clean(&next.bytes, false).into_owned());
        let whole = format!("{lead}{text}{window}");
        let first = regex.find_at(&whole, lead.len());
        if first.is_some_and(|it| next.is_none() || it.start() < lead.len() + text.len()) {
            found.push(line.number);
        }
    }
    found
}

fn to_end(search: &mut Search, lines: &mut Lines, budget: usize) {
    let mut progress = Progress::More;
    while progress == Progress::More {
        progress = search.advance(lines, budget);
    }
    assert_eq!(progress, Progress::AtEnd);
}

/// All hits, by going forward; that going backward and asking for each gives the same is checked.
fn hits(search: &Search) -> Vec<u64> {
    let mut found = Vec::new();
    let mut next = search.at_or_after(0);
    while let Some(line) = next {
        found.push(line);
        assert_eq!(search.rank(line), Some(found.len() as u64));
        next = search.at_or_after(line + 1);
    }
    let mut back = Vec::new();
    let mut next = search.last_before(u64::MAX);
    while let Some(line) = next {
        back.push(line);
        next = search.last_before(line);
    }
    back.reverse();
    assert_eq!(found, back);
    assert_eq!(search.count(), found.len() as u64);
    found
}

proptest! {
    #[test]
    fn a_search_finds_what_line_by_line_is_found(
        bytes in output(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        case in any::<prop::sample::Index>(),
        budget in prop_oneof![1_usize..50, Just(1000), Just(usize::MAX)],
        longest in prop_oneof![4_usize..40, Just(LONGEST_LINE)],
        knows in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut lines = Lines::with_longest(path.clone(), longest as u64);
        let case = case.get(&CASES[..]);
        let mut search = Search::new(case.query.clone());
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let mut from = 0;
        for cut in cuts {
            append(&path, &bytes[from..cut]);
            from = cut;
            while knows && lines.advance(budget) == Progress::More {}
            to_end(&mut search, &mut lines, budget);
            let expected = naive(&bytes[..cut], longest, &case.regex);
            prop_assert_eq!(hits(&search), expected, "{}", case.text);
            prop_assert_eq!(search.seen(), lines.count());
            prop_assert!(search.has_seen_all(&lines));
        }
    }

    /// Nothing but plain text, so that many lines are looked at together.
    #[test]
    fn plain_text_is_searched_as_rightly(
        text in "([ab xkK\t]{0,3}(foo|Foo|bar|12|é|\u{212a}|ſ)?\n?){0,80}",
        case in any::<prop::sample::Index>(),
        budget in prop_oneof![1_usize..50, Just(usize::MAX)],
        longest in prop_oneof![Just(30), Just(LONGEST_LINE)],
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append(&path, text.as_bytes());
        let mut lines = Lines::with_longest(path, longest as u64);
        let case = case.get(&CASES[..]);
        let mut search = Search::new(case.query.clone());
        to_end(&mut search, &mut lines, budget);
        let expected = naive(text.as_bytes(), longest, &case.regex);
        prop_assert_eq!(hits(&search), expected, "{}", case.text);
    }
}

#[test]
fn a_match_across_a_cut_is_found_where_it_begins_however_the_line_grew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut lines = Lines::new(path.clone());
    let text = format!("{}needle{}\nneedle\n", "x".repeat(LONGEST_LINE - 3), "y".repeat(2 * LONGEST_LINE));
    let query = |text, kind| Query::new(text, kind).unwrap();
    let mut searches = [
        (query("needle", Kind::Literal), vec![0, 4]),
        (query("x+needle", Kind::Regex), vec![0]),
        // What only looks like an end or a start because of the cut is none.
        (query("nee$", Kind::Regex), vec![]),
        (query("^dle", Kind::Regex), vec![]),
        (query(r"\bdle", Kind::Regex), vec![]),
        (query("y$", Kind::Regex), vec![3]),
    ]
    .map(|(query, expected)| (Search::new(query), expected));
    for part in text.as_bytes().chunks(1000) {
        append(&path, part);
        for (search, _) in &mut searches {
            to_end(search, &mut lines, 1 << 20);
        }
    }
    for (search, expected) in &searches {
        assert_eq!(hits(search), *expected, "{}", search.query().text());
    }
}

#[test]
fn the_last_line_is_looked_at_again_when_it_grew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut lines = Lines::new(path.clone());
    let mut search = Search::new(Query::new("ab$", Kind::Regex).unwrap());
    for (added, expected) in
        [("x\nab", vec![1]), ("c", vec![]), ("ab", vec![1]), ("\nab", vec![1, 2]), ("\n", vec![1, 2])]
    {
        append(&path, added.as_bytes());
        to_end(&mut search, &mut lines, 1);
        assert_eq!(hits(&search), expected, "{added:?}");
    }
    assert_eq!((search.seen(), search.rank(1), search.rank(2), search.rank(0)), (3, Some(1), Some(2), None));
    assert_eq!(
        (search.at_or_after(u64::MAX), search.rank(u64::MAX), search.last_before(1)),
        (None, None, None)
    );
}

#[test]
fn a_file_that_shrank_is_searched_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut lines = Lines::new(path.clone());
    let mut search = Search::new(Query::new("foo", Kind::Literal).unwrap());
    fs::write(&path, "foo\nfoo\nfoo\n").unwrap();
    to_end(&mut search, &mut lines, 1);
    assert_eq!(search.count(), 3);
    fs::write(&path, "bar\nfoo\n").unwrap();
    to_end(&mut search, &mut lines, 1);
    assert_eq!((hits(&search), search.seen()), (vec![1], 2));
    // Known but not searched, and then gone.
    fs::write(&path, "foo\n".repeat(10)).unwrap();
    while lines.advance(5) == Progress::More {}
    fs::write(&path, "foo\n").unwrap();
    to_end(&mut search, &mut lines, 1);
    assert_eq!((hits(&search), search.seen(), lines.count()), (vec![0], 1, 1));
    fs::remove_file(&path).unwrap();
    to_end(&mut search, &mut lines, 1);
    assert_eq!((hits(&search), search.seen()), (vec![], 0));
}

#[test]
fn ten_megabytes_have_as_many_hits_as_were_put_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut text = String::new();
    let (mut line, mut expected) = (0, Vec::new());
    for n in 0..100_000 {
        let (word, is_hit) = if n % 997 == 3 { ("needle", true) } else { ("noodle", false) };
        let color = if n % 20_000 < 500 { "\x1b[32m" } else { "" };
        text.push_str(&format!("{n:>8} the word ne\ted {color}{}{color}", &word[..3]));
        text.push_str(&word[3..]);
        text.push_str(" stands in a line of about a hundred bytes, as lines are, more or less\n");
        expected.extend(is_hit.then_some(line));
        line += 1;
        if n % 10_000 == 0 {
            // Three pieces, each with a hit.
            text.push_str(&"é needle ".repeat(4000));
            text.push('\n');
            expected.extend(line..line + 3);
            line += 3;
        }
    }
    fs::write(&path, &text).unwrap();
    assert!(text.len() > 10_000_000 && expected.len() > 100);
    let mut lines = Lines::new(path);
    for (pattern, kind) in [("needle", Kind::Literal), (r"\bne{2}d\w+ ?", Kind::Regex)] {
        let mut search = Search::new(Query::new(pattern, kind).unwrap());
        to_end(&mut search, &mut lines, 1 << 20);
        assert_eq!(hits(&search), expected, "{pattern}");
        assert_eq!(search.seen(), line);
    }
}

#[test]
fn what_a_carriage_return_before_a_cut_lets_be_overwritten_is_no_lead_however_the_log_grew() {
    let case = CASES.iter().find(|case| case.text == r"\B").unwrap();
    let bytes = b"\x1b]0;title\x07\r\x1b[31mfoo\x1b[31m\n";
    for step in [1, 2, bytes.len()] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut lines = Lines::with_longest(path.clone(), 6);
        let mut search = Search::new(case.query.clone());
        for part in bytes.chunks(step) {
            append(&path, part);
            to_end(&mut search, &mut lines, 1);
        }
        assert_eq!(hits(&search), naive(bytes, 6, &case.regex), "{step} bytes at a time");
    }
}
