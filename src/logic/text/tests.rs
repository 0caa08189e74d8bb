//! Tests of words for people.

use std::time::Duration;

use super::{
    DurationError, duration, listed, listed_names, near_miss, parse_duration, parse_size, plural, shortened,
};

#[test]
fn plurals_follow_english() {
    assert_eq!(plural(1, "stage"), "1 stage");
    assert_eq!(plural(0, "stage"), "0 stages");
    assert_eq!(plural(2, "retry"), "2 retries");
    assert_eq!(plural(2, "day"), "2 days");
    assert_eq!(plural(3, "branch"), "3 branches");
}

#[test]
fn lists_read_like_a_sentence() {
    assert_eq!(listed::<&str>(&[], "and"), "");
    assert_eq!(listed(&["a"], "and"), "a");
    assert_eq!(listed(&["a", "b"], "or"), "a or b");
    assert_eq!(listed_names(&["a", "b", "c"], "and"), "`a`, `b` and `c`");
}

#[test]
fn near_misses_are_near() {
    assert_eq!(near_miss("biuld", ["test", "build"]), Some("build"));
    assert_eq!(near_miss("BUILD", ["build"]), Some("build"));
    assert_eq!(near_miss("timeuot", ["timeout", "run"]), Some("timeout"));
    assert_eq!(near_miss("x", ["run", "y"]), None);
    assert_eq!(near_miss("deploy", ["build", "test"]), None);
    assert_eq!(near_miss("", ["a"]), None);
}

#[test]
fn durations_need_a_unit_and_go_from_large_to_small() {
    let ok = |text, millis| assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
    ok("90s", 90_000);
    ok("5m", 300_000);
    ok("1h30m", 5_400_000);
    ok("1.5m", 90_000);
    ok("20ms", 20);
    ok("1s500ms", 1500);
    ok("2d", 172_800_000);
    let wrong = |text, why| assert_eq!(parse_duration(text), Err(why), "{text}");
    wrong("20", DurationError::NoUnit);
    wrong("1.5", DurationError::NoUnit);
    wrong("fast", DurationError::Malformed);
    wrong("", DurationError::Malformed);
    wrong("5 m", DurationError::Malformed);
    wrong("1h30", DurationError::Malformed);
    wrong("30m1h", DurationError::Malformed);
    wrong("1m1m", DurationError::Malformed);
    wrong("1..5m", DurationError::Malformed);
    wrong("-5m", DurationError::Negative);
    wrong("0s", DurationError::Zero);
    wrong("0.0001ms", DurationError::Zero);
    wrong("99999999999999999999d", DurationError::TooLong);
}

#[test]
fn printed_durations_read_back() {
    for (millis, text) in
        [(20, "20ms"), (1500, "1.5s"), (90_000, "1m30s"), (5_400_000, "1h30m"), (86_400_000, "1d")]
    {
        assert_eq!(duration(Duration::from_millis(millis)), text);
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)));
    }
    assert_eq!(duration(Duration::ZERO), "0s");
}

#[test]
fn sizes_know_both_kinds_of_units() {
    assert_eq!(parse_size("10MiB"), Some(10 << 20));
    assert_eq!(parse_size("10MB"), Some(10_000_000));
    assert_eq!(parse_size("4096"), Some(4096));
    assert_eq!(parse_size("10 KiB"), Some(10 << 10));
    assert_eq!(parse_size("ten"), None);
    assert_eq!(parse_size("99999999999GiB"), None);
}

#[test]
fn long_text_is_cut_with_a_mark() {
    assert_eq!(shortened("short", 10), "short");
    assert_eq!(shortened("a long text", 6), "a lon…");
    assert_eq!(shortened("one\ntwo", 20), "one…");
}
