//! Marks survive the way to a file and back, and are due when something changes.

use super::{HEADER, Mark, Sparse, Stream, at, parse};

fn file(marks: &[Mark]) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    for mark in marks {
        bytes.extend_from_slice(&mark.encode());
    }
    bytes
}

const MARKS: [Mark; 3] = [
    Mark { offset: 0, time_us: 7, stream: Stream::Out, late: false },
    Mark { offset: 10, time_us: 8, stream: Stream::Err, late: false },
    Mark { offset: 300, time_us: u64::MAX, stream: Stream::Out, late: true },
];

#[test]
fn marks_are_read_as_they_were_written() {
    assert_eq!(parse(&file(&MARKS)), MARKS);
    assert!(parse(b"").is_empty());
    assert!(parse(b"something else entirely, and long enough").is_empty());
}

#[test]
fn a_torn_tail_is_ignored_wherever_it_is_torn() {
    let whole = file(&MARKS);
    for length in 0..whole.len() {
        let kept = length.saturating_sub(HEADER.len()) / super::MARK_BYTES;
        assert_eq!(parse(&whole[..length]), MARKS[..kept], "cut at {length}");
    }
}

#[test]
fn marks_that_go_backwards_end_the_index() {
    assert_eq!(parse(&file(&[MARKS[0], MARKS[2], MARKS[1]])), [MARKS[0], MARKS[2]]);
}

#[test]
fn a_byte_belongs_to_the_mark_before_it() {
    assert_eq!(at(&MARKS, 0), Some(&MARKS[0]));
    assert_eq!(at(&MARKS, 9), Some(&MARKS[0]));
    assert_eq!(at(&MARKS, 10), Some(&MARKS[1]));
    assert_eq!(at(&MARKS, 1000), Some(&MARKS[2]));
    assert_eq!(at(&[], 3), None);
}

#[test]
fn a_mark_is_due_at_the_start_a_change_of_stream_a_long_stretch_or_a_silence() {
    let mut sparse = Sparse::default();
    assert!(sparse.note(0, 100, Stream::Out, false).is_some());
    assert!(sparse.note(10, 110, Stream::Out, false).is_none());
    assert!(sparse.note(20, 120, Stream::Err, false).is_some());
    assert!(sparse.note(30, 130, Stream::Err, false).is_none());
    assert!(sparse.note(70_000, 140, Stream::Err, false).is_some());
    assert!(sparse.note(70_010, 50_139, Stream::Err, false).is_none());
    assert!(sparse.note(70_020, 100_139, Stream::Err, false).is_some());
    assert!(sparse.note(70_030, 100_140, Stream::Err, true).is_some());
}
