//! Parts of the keeper without processes: reports kept until acknowledged, and environments.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::net::UnixStream;

use super::environment::{Environment, entry};
use super::link::Link;
use crate::edges::keeper::frame::Inbox;
use crate::logic::job::report::{AttemptKey, Report};
use crate::port::keeper::FromKeeper;

fn report(cell: u32) -> Report {
    Report::Withdrawn { key: AttemptKey { cell, run: 1, step: 0, attempt: 1 } }
}

fn link() -> (Link, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    (Link::new(ours).unwrap(), theirs)
}

fn next(engine: &mut UnixStream, inbox: &mut Inbox) -> FromKeeper {
    let mut bytes = [0; 4096];
    loop {
        if let Some(message) = inbox.next().unwrap() {
            return message;
        }
        let count = engine.read(&mut bytes).unwrap();
        inbox.add(&bytes[..count]);
    }
}

#[test]
fn reports_are_numbered_and_go_out_once() {
    let (link, mut engine) = link();
    let mut inbox = Inbox::default();
    link.report(report(0));
    link.acknowledge(1);
    link.report_all([report(1), report(2)]);
    assert_eq!(next(&mut engine, &mut inbox), FromKeeper::Reports { from_seq: 0, reports: vec![report(0)] });
    let both = vec![report(1), report(2)];
    assert_eq!(next(&mut engine, &mut inbox), FromKeeper::Reports { from_seq: 1, reports: both });
}

#[test]
fn an_engine_that_does_not_read_blocks_nobody_and_misses_nothing() {
    let (link, mut engine) = link();
    for cell in 0..20_000 {
        link.report(report(cell));
    }
    assert!(link.push_on(), "the socket should be full");
    link.grew(AttemptKey { cell: 1, run: 1, step: 0, attempt: 1 }, 9, true);
    let (mut inbox, mut seen, mut grew) = (Inbox::default(), 0, false);
    while seen < 20_000 || !grew {
        match next(&mut engine, &mut inbox) {
            FromKeeper::Reports { from_seq, reports } => {
                assert_eq!(from_seq, seen);
                assert_eq!(reports[0], report(u32::try_from(seen).unwrap()));
                seen += reports.len() as u64;
            }
            FromKeeper::Grew { .. } => grew = true,
            other => unreachable!("{other:?}"),
        }
        link.push_on();
    }
    assert!(!link.push_on());
}

#[test]
fn growth_is_merged_and_comes_before_the_exit() {
    let (link, mut engine) = link();
    let key = AttemptKey { cell: 4, run: 1, step: 0, attempt: 1 };
    link.grew(key, 10, false);
    link.grew(key, 20, false);
    link.report(report(4));
    let mut inbox = Inbox::default();
    assert_eq!(next(&mut engine, &mut inbox), FromKeeper::Grew { logs: vec![(key, 20)] });
    assert!(matches!(next(&mut engine, &mut inbox), FromKeeper::Reports { .. }));
}

#[test]
fn differences_of_an_environment_apply_in_order() {
    let base = [("A", "1"), ("B", "2"), ("C", "3")]
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let base = Environment::new(base.into_iter());
    let set = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
    let differences =
        [set("B", None), set("D", Some("4")), set("A", None), set("A", Some("=5")), set("D", None)];
    let mut changed = base.change(&differences).unwrap();
    changed.set(entry(b"C", b"6").unwrap());
    changed.set(entry(b"A", b"7").unwrap());
    let entries: Vec<&str> = changed.entries().iter().map(|entry| entry.to_str().unwrap()).collect();
    assert_eq!(entries, ["C=6", "A=7"]);
    assert_eq!(changed.get("A"), Some(&b"7"[..]));
    assert_eq!(changed.get("B"), None);
    for name in ["", "a=b", "a\0"] {
        assert_eq!(base.change(&[set(name, Some("x"))]).unwrap_err(), name);
    }
}
