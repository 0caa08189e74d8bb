//! The mark of a service by a clock that is put back and forth. The moments are made up, the file of the mark is real.

use std::path::Path;

use super::{Moment, Seen};

/// Whether a file that changed at a moment is news for a service that begins now.
fn is_news(path: &Path, at: Moment, now: Moment) -> bool {
    let seen = Seen::at(path);
    seen.before.expect("there was a service before").are_before(at, now)
}

#[test]
fn what_was_seen_before_the_clock_was_put_back_is_no_news_again() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("seen");
    assert!(Seen::at(&path).before.is_none(), "there was no service before");
    Seen::at(&path).up_to((9_000, 0));
    assert!(is_news(&path, (9_000, 0), (9_010, 0)) && is_news(&path, (9_005, 0), (9_010, 0)));
    assert!(!is_news(&path, (8_999, 999_999_999), (9_010, 0)));
    // Now it is earlier, and service after service begins.
    for now in [5_000, 5_010, 5_020] {
        assert!(!is_news(&path, (8_000, 0), (now, 0)), "it was seen to by the clock from before");
        Seen::at(&path).up_to((now, 7));
    }
    // What changes while none is there is news by the clock of now.
    assert!(is_news(&path, (5_021, 0), (5_030, 0)));
    assert!(!is_news(&path, (5_019, 0), (5_030, 0)));
    // In time the clock is where it was.
    Seen::at(&path).up_to((9_100, 0));
    assert!(!is_news(&path, (9_050, 0), (9_200, 0)));
    assert!(is_news(&path, (9_150, 0), (9_200, 0)));
}

#[test]
fn a_change_that_is_still_to_come_is_news_once() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("seen");
    Seen::at(&path).up_to((1_000, 0));
    // While no service was there, the clock was ahead for a while.
    let (at, now) = ((7_000, 999_999_999), (1_100, 0));
    assert!(is_news(&path, at, now));
    let mut seen = Seen::at(&path);
    seen.saw(at, now);
    assert!(is_news(&path, at, now), "nobody has seen to it yet");
    seen.up_to(now);
    assert!(!is_news(&path, at, (1_200, 0)));
    assert!(is_news(&path, (7_001, 0), (1_200, 0)));
}
