//! Logs with and without an index, ends without a break, lines that are too long, and being asked to stop.

use tempfile::TempDir;

use super::*;
use crate::logic::log_index::{HEADER, Mark};

fn lines(path: &Path, most: usize) -> (Vec<(String, Stream, i64)>, bool) {
    let mut found = Vec::new();
    let is_all = each_line(path, &mut |line| {
        found.push((String::from_utf8_lossy(line.bytes).into_owned(), line.stream, line.time.0));
        found.len() < most
    });
    (found, is_all.unwrap())
}

#[test]
fn a_line_has_the_stream_and_the_time_of_its_first_byte() {
    let dir = TempDir::new().unwrap();
    let log = dir.path().join("0.1.0.1");
    std::fs::write(&log, "one\ntwo\nthree").unwrap();
    let mark = |offset, time_us, stream| Mark { offset, time_us, stream, late: false }.encode();
    let index = [&HEADER[..], &mark(0, 7, Stream::Out), &mark(4, 9, Stream::Err)].concat();
    std::fs::write(dir.path().join("0.1.0.1.idx"), index).unwrap();
    let told = |text: &str, stream, time| (text.to_owned(), stream, time);
    let all = vec![told("one", Stream::Out, 7), told("two", Stream::Err, 9), told("three", Stream::Err, 9)];
    assert_eq!(lines(&log, 9), (all.clone(), true));
    assert_eq!(lines(&log, 2), (all[..2].to_vec(), false));
}

#[test]
fn without_an_index_it_is_output_of_the_time_the_file_was_changed_and_without_a_file_nothing() {
    let dir = TempDir::new().unwrap();
    let log = dir.path().join("0.1.0.1");
    assert_eq!(lines(&log, 9), (Vec::new(), true));
    std::fs::write(&log, "one\n").unwrap();
    let changed = std::fs::metadata(&log).unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    let time = i64::try_from(changed.as_micros()).unwrap();
    assert_eq!(lines(&log, 9), (vec![("one".to_owned(), Stream::Out, time)], true));
}

#[test]
fn no_byte_is_lost_at_the_ends_of_what_is_read_at_once() {
    let dir = TempDir::new().unwrap();
    let log = dir.path().join("0.1.0.1");
    let text: String = (0..90_000).map(|n| format!("line {n}\n")).collect();
    let long = "y".repeat(700_000);
    std::fs::write(&log, format!("{text}{long}\nend")).unwrap();
    let (found, is_all) = lines(&log, usize::MAX);
    assert!(is_all);
    let whole: Vec<&str> = found.iter().map(|it| it.0.as_str()).filter(|it| !it.starts_with('y')).collect();
    assert_eq!(whole.len(), 90_001);
    assert!(text.lines().eq(whole[..90_000].iter().copied()));
    assert_eq!(whole[90_000], "end");
    let pieces: Vec<usize> = found.iter().map(|it| it.0.len()).filter(|it| *it > 100).collect();
    assert_eq!(pieces.iter().sum::<usize>(), 700_000);
    assert!(pieces.iter().all(|it| *it <= CHUNK));
}
