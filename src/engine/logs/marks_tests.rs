//! Marks of a file that grows, is torn, lost or nonsense, against reading all of it.
#![expect(clippy::disallowed_methods, reason = "indexes are written as a keeper would")]

use std::fs;

use proptest::prelude::*;

use super::Marks;
use crate::logic::log_index::{HEADER, Mark, Stream, at, parse};

fn file(marks: &[Mark]) -> Vec<u8> {
    let body = marks.iter().flat_map(Mark::encode);
    HEADER.iter().copied().chain(body).collect()
}

fn marks(steps: &[u64]) -> Vec<Mark> {
    let mut offset = 0;
    let mut made = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let stream = if number % 2 == 0 { Stream::Out } else { Stream::Err };
        made.push(Mark { offset, time_us: number as u64, stream, late: false });
        offset += step;
    }
    made
}

proptest! {
    #[test]
    fn a_mark_is_found_as_if_all_were_held(
        steps in prop::collection::vec(0_u64..20, 0..900),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        offsets in prop::collection::vec(0_u64..9_000, 0..30),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let index = folder.path().join("log.idx");
        let whole = file(&marks(&steps));
        let mut sizes: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len() + 1)).collect();
        sizes.push(whole.len());
        sizes.sort_unstable();
        let mut read = Marks::new(&log);
        for size in sizes {
            fs::write(&index, &whole[..size]).unwrap();
            read.refresh();
            let expected = parse(&whole[..size]);
            for &offset in &offsets {
                prop_assert_eq!(read.at(offset), at(&expected, offset).copied(), "{} of {}", offset, size);
            }
            read.rest();
        }
    }
}

#[test]
fn what_is_lost_or_makes_no_sense_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let index = folder.path().join("log.idx");
    let mut read = Marks::new(&log);
    read.refresh();
    assert_eq!(read.at(0), None);
    let made = marks(&[10, 10, 10]);
    fs::write(&index, file(&made)).unwrap();
    read.refresh();
    assert_eq!(read.at(15), Some(made[1]));
    fs::write(&index, b"something else, long enough to hold a mark").unwrap();
    read.rest();
    read.refresh();
    assert_eq!(read.at(15), None);
    // A power cut may leave zeros at the end.
    let mut torn = file(&made);
    torn.extend_from_slice(&[0; 48]);
    fs::write(&index, torn).unwrap();
    read.refresh();
    assert_eq!((read.at(15), read.at(500)), (Some(made[1]), Some(made[2])));
    fs::remove_file(&index).unwrap();
    read.rest();
    read.refresh();
    assert_eq!(read.at(15), None);
}
