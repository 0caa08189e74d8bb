//! What moves and how often, and that nothing else does.
#![expect(clippy::disallowed_methods, reason = "the sources are read")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::{Motion, SPINNER, SPINNER_ASCII, clock};
use crate::logic::time::Timestamp;

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_spinner_turns_ten_times_a_second_and_only_in_full_motion() {
    let at = |motion: Motion, elapsed: u64, ascii: bool| motion.spinner(millis(elapsed), ascii);
    let turn: Vec<&str> = (0..9).map(|frame| at(Motion::Full, frame * 100 + 99, false)).collect();
    assert_eq!(turn[..8], SPINNER);
    assert_eq!(turn[8], SPINNER[0]);
    assert_eq!((at(Motion::Full, 300, true), at(Motion::Full, 400, true)), ("\\", "|"));
    for motion in [Motion::Reduced, Motion::None] {
        assert!((0..20).all(|frame| at(motion, frame * 100, false) == "▹"));
        assert!((0..20).all(|frame| at(motion, frame * 100, true) == ">"));
    }
    assert!(SPINNER.iter().chain(&SPINNER_ASCII).all(|frame| frame.width() == 1));
}

#[test]
fn clocks_are_as_short_as_they_can_be() {
    let seconds = |seconds| clock(Duration::from_secs(seconds));
    assert_eq!(
        [0, 4, 59, 60, 160, 3599, 3600, 3723, 360_000].map(seconds),
        ["0:00", "0:04", "0:59", "1:00", "2:40", "59:59", "1:00:00", "1:02:03", "100:00:00"]
    );
    assert_eq!(clock(millis(1999)), "0:01");
}

#[test]
fn a_picture_is_due_when_it_would_change() {
    let at = |millis: i64| Timestamp(millis * 1000);
    let now = at(7_250);
    assert_eq!(Motion::Full.next_frame(now, true, true), Some(millis(50)));
    assert_eq!(Motion::Full.next_frame(now, true, false), Some(millis(750)));
    assert_eq!(Motion::Reduced.next_frame(now, true, true), Some(millis(750)));
    assert_eq!(Motion::Reduced.next_frame(now, false, true), None);
    assert_eq!(Motion::None.next_frame(now, true, true), Some(millis(2_750)));
    assert_eq!(Motion::Full.next_frame(now, false, false), None);
    assert_eq!(Motion::Full.next_frame(at(8_000), true, false), Some(millis(1_000)));
}

#[test]
fn nothing_changes_between_two_pictures() {
    let started = [Timestamp(1_300_000), Timestamp(4_999_999), Timestamp(0)];
    for motion in [Motion::Full, Motion::Reduced, Motion::None] {
        let mut shown: Vec<String> = Vec::new();
        let mut due = Timestamp(6_000_000);
        for tick in 0..500 {
            let now = Timestamp(6_000_000 + tick * 100_000);
            let picture: Vec<String> = started.iter().map(|at| motion.running_clock(*at, now)).collect();
            let picture = picture.join(" ");
            if now >= due || shown.is_empty() {
                due = now.after(motion.next_frame(now, true, false).unwrap());
                shown.push(picture.clone());
            }
            assert_eq!(shown.last(), Some(&picture), "{motion:?} at {now:?}");
        }
        shown.dedup();
        let expected = if motion == Motion::None { 6 } else { 50 };
        assert_eq!(shown.len(), expected, "{motion:?}");
    }
    assert_eq!(Motion::None.running_clock(Timestamp(1_300_000), Timestamp(59_000_000)), "0:40");
    assert_eq!(Motion::Full.running_clock(Timestamp(1_300_000), Timestamp(59_000_000)), "0:57");
}

#[test]
fn every_motion_has_a_name() {
    let names = ["full", "reduced", "none"].map(Motion::named);
    assert_eq!(names, [Motion::Full, Motion::Reduced, Motion::None]);
}

/// Files that may hold the signs of spinners.
const MAY_SPIN: [&str; 2] = ["motion.rs", "motion_tests.rs"];

#[test]
fn no_other_file_of_the_screens_has_a_spinner() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src/faces/tui", "src/faces/inline"] {
        rust_files(&root.join(folder), &mut files);
    }
    assert!(files.len() > 3, "the sources are where they are looked for");
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or("");
        // Snapshots of screens show whatever the screens show.
        if MAY_SPIN.contains(&name) || name.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let is_braille = |c: &char| ('\u{2800}'..='\u{28ff}').contains(c);
        for (at, line) in text.lines().enumerate() {
            let spins = line.chars().any(|c| is_braille(&c)) || line.contains(r#""|/-\\""#);
            assert!(!spins, "{}:{}: a spinner outside of motion.rs: {line}", file.display(), at + 1);
        }
    }
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}
