//! Every argument is thought of, and lines that bash took apart are put together.

use std::ffi::OsString;

use clap::{Command, CommandFactory, ValueHint};

use super::{line, offers};
use crate::faces::cli::args::Cli;

/// Arguments whose values are anybody's own.
const FREE: &[&str] = &[
    "actor",
    "after",
    "attempt",
    "cache_files",
    "claimed",
    "contexts",
    "default",
    "description",
    "exec",
    "expect",
    "expr",
    "fire",
    "globs",
    "heartbeat",
    "id",
    "index",
    "keep",
    "limit",
    "max_parallel",
    "max_size",
    "name",
    "new",
    "note",
    "older_than",
    "options",
    "outcome",
    "priority",
    "query",
    "run",
    "since",
    "status",
    "summary",
    "timeout",
    "until",
    "unused",
];

fn look(command: &Command, path: &str, found: &mut Vec<String>) {
    for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
        let id = arg.get_id().as_str();
        let is_known = offers::of(command.get_name(), id).is_some()
            || FREE.contains(&id)
            // Who makes a new playbook gives names and texts of his own.
            || command.get_name() == "new"
            || !arg.get_possible_values().is_empty()
            || !matches!(arg.get_value_hint(), ValueHint::Unknown);
        if !is_known && !arg.is_hide_set() {
            found.push(format!("{path} {id}"));
        }
    }
    for inner in command.get_subcommands() {
        look(inner, &format!("{path} {}", inner.get_name()), found);
    }
}

#[test]
fn every_argument_completes_or_is_free() {
    let mut found = Vec::new();
    look(&Cli::command(), "sortie", &mut found);
    assert!(found.is_empty(), "say in `offers.rs` what is offered, or in `FREE` that nothing is: {found:#?}");
}

#[test]
fn words_that_bash_took_apart_are_put_together() {
    // The words as bash sends them, the last one being completed; what of it is before the cursor; what comes of both.
    let cases: [(&str, &str, &str, &str); 7] = [
        ("sortie run c", "c", "sortie run c", ""),
        ("sortie run ci --input a = b", "b", "sortie run ci --input a=b", "a="),
        ("sortie run ci --input a =", "", "sortie run ci --input a=", "a="),
        ("sortie run tag : li", "li", "sortie run tag:li", "tag:"),
        ("sortie run --only t[os = l", "l", "sortie run --only t[os=l", "t[os="),
        ("sortie run --only test", "te", "sortie run --only te", ""),
        ("sortie ", "", "sortie ", ""),
    ];
    for (words, current, expected, before) in cases {
        let mut words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
        let index = words.len() - 1;
        let (at, found) = line::join(&mut words, index, current);
        let expected: Vec<OsString> = expected.split(' ').map(OsString::from).collect();
        assert_eq!((at, found.as_str()), (expected.len() - 1, before), "{expected:?}");
        assert_eq!(words, expected);
    }
}
