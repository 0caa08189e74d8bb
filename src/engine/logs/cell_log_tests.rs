//! Rows of several tries: their numbers, streams, times, hits, text and files.
#![expect(clippy::disallowed_methods, reason = "logs are written as a keeper would")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use proptest::prelude::*;

use super::super::lines::tests::{model, output};
use super::super::lines::{LONGEST_LINE, Progress};
use super::super::query::{Kind, Query};
use super::{CellLog, Row, RowKind};
use crate::logic::job::report::AttemptKey;
use crate::logic::log_index::{HEADER, Mark, Stream};
use crate::logic::text::clean::clean;

fn key(run: u32, step: u32, attempt: u32) -> AttemptKey {
    AttemptKey { cell: 4, run, step, attempt }
}

fn job() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    folder
}

fn append(dir: &Path, key: AttemptKey, bytes: &[u8]) {
    let path = super::super::path(dir, key);
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn index(dir: &Path, key: AttemptKey, marks: &[(u64, u64, Stream)]) {
    let mark = |&(offset, time_us, stream)| Mark { offset, time_us, stream, late: false }.encode();
    let bytes: Vec<u8> = HEADER.iter().copied().chain(marks.iter().flat_map(mark)).collect();
    fs::write(super::super::path(dir, key).with_extension(format!("{}.idx", key.attempt)), bytes).unwrap();
}

/// Looks until every file was seen to its end, the old ones in their turn included.
fn to_end(log: &mut CellLog) {
    for _ in 0..=log.tries.len() {
        while log.advance(1000) == Progress::More {}
    }
    while log.search_advance(1000) == Progress::More {}
    assert!(log.search_is_done());
}

fn show(rows: &[Row]) -> Vec<String> {
    let row = |row: &Row| match &row.kind {
        RowKind::Heading => format!("{} {}.{}.{}", row.number, row.key.run, row.key.step, row.key.attempt),
        RowKind::Line { line, stream, time_us } => {
            let text = String::from_utf8_lossy(&line.bytes);
            let time = time_us.map(|time| format!(" @{time}")).unwrap_or_default();
            format!("{} {}: {text} {stream:?}{time}", row.number, line.number)
        }
    };
    rows.iter().map(row).collect()
}

#[test]
fn tries_follow_one_another_each_with_a_heading() {
    let job = job();
    let mut log = CellLog::new(job.path().to_owned());
    assert_eq!(
        (log.advance(10), log.count(), log.read(0, 9), log.key_at(0)),
        (Progress::AtEnd, 0, vec![], None)
    );
    let (first, silent, last) = (key(1, 0, 1), key(1, 1, 1), key(1, 1, 2));
    log.set_tries(&[first, silent]);
    append(job.path(), first, b"one\ntwo\n");
    to_end(&mut log);
    assert_eq!(show(&log.read(0, 9)), ["0 1.0.1", "1 0: one Out", "2 1: two Out", "3 1.1.1"]);
    log.set_tries(&[first, silent, last]);
    append(job.path(), last, b"three\nfour\nfi");
    index(job.path(), last, &[(0, 7, Stream::Out), (6, 8, Stream::Err), (11, 9, Stream::Out)]);
    to_end(&mut log);
    assert_eq!(log.count(), 8);
    assert_eq!(show(&log.read(2, 4)), ["2 1: two Out", "3 1.1.1", "4 1.1.2", "5 0: three Out @7"]);
    assert_eq!(show(&log.read(6, 9)), ["6 1: four Err @8", "7 2: fi Out @9"]);
    assert_eq!((log.read(8, 9), log.read(3, 0)), (vec![], vec![]));
    assert_eq!([0, 2, 3, 4, 7].map(|row| log.key_at(row)), [first, first, silent, last, last].map(Some));
    assert_eq!(log.key_at(8), None);
    assert_eq!([first, silent, last].map(|key| log.first_row_of(key)), [Some(0), Some(3), Some(4)]);
    assert_eq!(log.first_row_of(key(2, 0, 1)), None);
    assert_eq!(log.text_of(0..100), "one\ntwo\nthree\nfour\nfi");
    assert_eq!((log.text_of(2..6), log.text_of(3..5)), ("two\nthree".to_owned(), String::new()));
}

#[test]
fn another_run_of_the_cell_takes_the_place_of_its_tries() {
    let job = job();
    let mut log = CellLog::new(job.path().to_owned());
    let keys = [key(1, 0, 1), key(1, 1, 1), key(2, 0, 1)];
    for (number, key) in keys.into_iter().enumerate() {
        append(job.path(), key, format!("run {number}\n").as_bytes());
    }
    log.set_tries(&keys[..2]);
    log.search(Query::new("run 2", Kind::Literal).unwrap());
    to_end(&mut log);
    assert_eq!((log.count(), log.hits()), (4, 0));
    log.set_tries(&keys[2..]);
    assert!(!log.search_is_done());
    to_end(&mut log);
    assert_eq!(show(&log.read(0, 9)), ["0 2.0.1", "1 0: run 2 Out"]);
    assert_eq!((log.hits(), log.is_hit(1), log.search_seen()), (1, true, 1));
}

#[test]
fn an_index_that_comes_later_tells_streams_and_times() {
    let job = job();
    let only = key(1, 0, 1);
    let mut log = CellLog::new(job.path().to_owned());
    log.set_tries(&[only]);
    append(job.path(), only, b"a\nb\nc\n");
    to_end(&mut log);
    assert_eq!(show(&log.read(1, 2)), ["1 0: a Out", "2 1: b Out"]);
    index(job.path(), only, &[(0, 5, Stream::Err)]);
    assert_eq!(show(&log.read(1, 2)), ["1 0: a Err @5", "2 1: b Err @5"]);
    index(job.path(), only, &[(0, 5, Stream::Err), (2, 6, Stream::Out)]);
    assert_eq!(show(&log.read(1, 9)), ["1 0: a Err @5", "2 1: b Out @6", "3 2: c Out @6"]);
}

#[test]
fn hits_are_rows_and_headings_are_none() {
    let job = job();
    let keys = [key(1, 0, 1), key(1, 1, 1), key(1, 2, 1)];
    let mut log = CellLog::new(job.path().to_owned());
    log.set_tries(&keys[..2]);
    append(job.path(), keys[0], b"x\nfoo\n");
    append(job.path(), keys[2], b"foo\nx\nfoo");
    assert!(log.search_is_done());
    log.search(Query::new("foo", Kind::Literal).unwrap());
    log.set_tries(&keys);
    to_end(&mut log);
    let hits: Vec<u64> = (0..log.count()).filter(|row| log.is_hit(*row)).collect();
    assert_eq!((hits, log.hits(), log.search_seen(), log.count()), (vec![2, 5, 7], 3, 5, 8));
    let next: Vec<_> = (0..8).map(|row| log.next_hit_after(row)).collect();
    assert_eq!(next, [2, 2, 5, 5, 5, 7, 7].map(Some).into_iter().chain([None]).collect::<Vec<_>>());
    let last: Vec<_> = (0..9).map(|row| log.last_hit_before(row)).collect();
    assert_eq!(last, [None; 3].into_iter().chain([2, 2, 2, 5, 5, 7].map(Some)).collect::<Vec<_>>());
    assert_eq!([2, 5, 7, 4, 8].map(|row| log.hit_rank(row)), [Some(1), Some(2), Some(3), None, None]);
    // One of a middle try moves those after it.
    append(job.path(), keys[1], b"foo\n");
    to_end(&mut log);
    assert_eq!((log.hits(), log.next_hit_after(2), log.hit_rank(8)), (4, Some(4), Some(4)));
    assert_eq!(log.query().map(|query| (query.text(), query.kind())), Some(("foo", Kind::Literal)));
    log.clear_search();
    assert_eq!(
        (log.hits(), log.next_hit_after(0), log.is_hit(2), log.query().is_none()),
        (0, None, false, true)
    );
    assert_eq!(log.search_advance(10), Progress::AtEnd);
}

#[test]
fn old_ones_of_many_tries_are_looked_at_in_their_turn() {
    let job = job();
    let keys: Vec<AttemptKey> = (0..100).map(|step| key(1, step, 1)).collect();
    let mut log = CellLog::new(job.path().to_owned());
    log.set_tries(&keys);
    for key in &keys {
        append(job.path(), *key, b"x\n");
    }
    while log.advance(64) == Progress::More {}
    assert_eq!(log.count(), 200);
    append(job.path(), keys[37], b"late\n");
    append(job.path(), keys[99], b"new\n");
    let looks = (1..100).find(|_| log.advance(64) == Progress::AtEnd && log.count() == 202);
    assert!(looks.is_some_and(|looks| looks <= 13), "{looks:?}");
}

#[test]
fn one_that_cannot_be_read_is_told_and_the_others_are_read() {
    let job = job();
    let keys = [key(1, 0, 1), key(1, 1, 1)];
    fs::create_dir(super::super::path(job.path(), keys[0])).unwrap();
    append(job.path(), keys[1], b"foo\n");
    let mut log = CellLog::new(job.path().to_owned());
    log.set_tries(&keys);
    let message = format!("`{}` is not a file", super::super::path(job.path(), keys[0]).display());
    assert_eq!(log.advance(100), Progress::Unreadable(message.clone()));
    assert_eq!(show(&log.read(0, 9)), ["0 1.0.1", "1 1.1.1", "2 0: foo Out"]);
    log.search(Query::new("foo", Kind::Literal).unwrap());
    assert_eq!(log.search_advance(100), Progress::Unreadable(message));
    assert_eq!((log.hits(), log.search_is_done()), (1, false));
}

#[test]
fn the_text_of_a_log_has_all_tries() {
    let job = job();
    let keys = [key(1, 0, 1), key(1, 1, 1), key(1, 2, 1), key(1, 3, 1)];
    let mut log = CellLog::new(job.path().to_owned());
    log.set_tries(&keys);
    let long = "é".repeat(LONGEST_LINE);
    append(job.path(), keys[0], b"\x1b[31mred\x1b[0m\r\n\n\xff");
    append(job.path(), keys[2], format!("{long}\n\n").as_bytes());
    append(job.path(), keys[3], b"end");
    assert_eq!(log.advance(usize::MAX), Progress::AtEnd);
    assert_eq!(log.text_of(0..u64::MAX), format!("red\n\n\u{fffd}\n{long}\n\nend"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_and_hits_are_those_of_all_lines_one_after_the_other(
        logs in prop::collection::vec(output(), 1..5),
        reads in prop::collection::vec((0_u64..300, 0_usize..100), 0..6),
        cut in any::<prop::sample::Index>(),
        budget in prop_oneof![1_usize..200, Just(usize::MAX)],
    ) {
        let job = job();
        let keys: Vec<AttemptKey> = (0..logs.len() as u32).map(|step| key(1, step, 1)).collect();
        let mut log = CellLog::new(job.path().to_owned());
        log.search(Query::new("fo*", Kind::Regex).unwrap());
        log.set_tries(&keys[..1]);
        let cut = cut.index(logs[0].len() + 1);
        append(job.path(), keys[0], &logs[0][..cut]);
        to_end(&mut log);
        append(job.path(), keys[0], &logs[0][cut..]);
        for (key, bytes) in keys.iter().zip(&logs).skip(1) {
            append(job.path(), *key, bytes);
        }
        log.set_tries(&keys);
        while log.search_advance(budget) == Progress::More {}
        while log.advance(budget) == Progress::More {}
        to_end(&mut log);
        let mut rows = Vec::new();
        let mut hits = Vec::new();
        for (key, bytes) in keys.iter().zip(&logs) {
            rows.push(Row { number: rows.len() as u64, key: *key, kind: RowKind::Heading });
            for line in model(bytes, LONGEST_LINE) {
                let number = rows.len() as u64;
                hits.extend(clean(&line.bytes, false).to_lowercase().contains('f').then_some(number));
                let kind = RowKind::Line { line, stream: Stream::Out, time_us: None };
                rows.push(Row { number, key: *key, kind });
            }
        }
        prop_assert_eq!(log.count(), rows.len() as u64);
        prop_assert_eq!(&log.read(0, usize::MAX), &rows);
        for (first, most) in reads {
            let wanted: Vec<Row> = rows.iter().skip(first as usize).take(most).cloned().collect();
            prop_assert_eq!(log.read(first, most), wanted);
        }
        for row in 0..rows.len() as u64 + 1 {
            let rank = hits.iter().position(|hit| *hit == row).map(|at| at as u64 + 1);
            prop_assert_eq!(log.hit_rank(row), rank);
            prop_assert_eq!(log.next_hit_after(row), hits.iter().copied().find(|hit| *hit > row));
            prop_assert_eq!(log.last_hit_before(row), hits.iter().copied().rfind(|hit| *hit < row));
        }
    }
}

#[test]
fn the_end_of_a_text_has_so_many_bytes_at_most_and_begins_with_a_line() {
    let folder = job();
    let lines: Vec<String> = (0..200).map(|n| format!("{n} {}é", "x".repeat(n % 7))).collect();
    append(folder.path(), key(1, 0, 1), lines.join("\n").as_bytes());
    let mut log = CellLog::new(folder.path().to_path_buf());
    log.set_tries(&[key(1, 0, 1)]);
    to_end(&mut log);
    let whole = lines.join("\n");
    for most in (1..60).chain([500, whole.len() - 1]) {
        let (text, is_all) = log.end_of(0..log.count(), most);
        assert!(!is_all && text.len() <= most && whole.ends_with(&text), "{most}: {text:?}");
        let last = lines.last().unwrap().len();
        if most > last {
            assert!(whole[..whole.len() - text.len()].ends_with('\n'), "{most}: {text:?}");
        }
    }
    for most in [whole.len(), usize::MAX] {
        assert_eq!(log.end_of(0..log.count(), most), (whole.clone(), true));
    }
    assert_eq!(log.end_of(3..3, 9), (String::new(), true));
}

#[test]
fn lines_are_counted_over_all_tries_without_their_headings() {
    let folder = job();
    for (step, text) in [(0, "a\nb\n"), (1, ""), (2, "c\nd\ne\n")] {
        append(folder.path(), key(1, step, 1), text.as_bytes());
    }
    let mut log = CellLog::new(folder.path().to_owned());
    log.set_tries(&[key(1, 0, 1), key(1, 1, 1), key(1, 2, 1)]);
    to_end(&mut log);
    let rows = log.read(0, 100);
    let lines: Vec<u64> =
        rows.iter().filter(|row| row.kind != RowKind::Heading).map(|row| row.number).collect();
    assert_eq!(lines, [1, 2, 5, 6, 7]);
    for (line, row) in (0u64..).zip(lines) {
        assert_eq!((log.row_of_line(line), log.lines_before(row)), (Some(row), line));
    }
    assert_eq!((log.row_of_line(5), log.lines_before(3), log.lines_before(99)), (None, 2, 5));
    let none = CellLog::new(folder.path().to_owned());
    assert_eq!((none.row_of_line(0), none.lines_before(0)), (None, 0));
}
