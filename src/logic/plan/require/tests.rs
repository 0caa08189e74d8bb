//! Versions as real programs print them, and the words of what is not met.

use std::cmp::Ordering;

use super::{Probe, check, compare, find_version};
use crate::logic::playbook::model::{Comparison, Requires, Tool};
use crate::logic::playbook::source::Span;

#[test]
fn versions_are_found_in_what_programs_print() {
    for (printed, version) in [
        ("git version 2.47.3", "2.47.3"),
        ("cargo 1.95.0 (f2d3ce0bd 2026-03-24)", "1.95.0"),
        ("Docker version 27.1.1, build 6312585", "27.1.1"),
        ("go version go1.22.1 linux/amd64", "1.22.1"),
        ("v20.11.0", "20.11.0"),
        ("GNU bash, version 5.2.37(1)-release (x86_64-pc-linux-gnu)", "5.2.37"),
        ("openjdk version \"21.0.2\" 2024-01-16", "21.0.2"),
        ("Terraform v1.9.0-rc1\non linux_amd64", "1.9.0-rc1"),
        ("less 668 (GNU regular expressions)", "668"),
        ("jq-1.7.1", "1.7.1"),
    ] {
        let found = find_version(printed);
        assert_eq!(found.as_deref(), Some(version), "{printed}");
    }
    assert_eq!(find_version("usage: tool [options]"), None);
}

#[test]
fn versions_compare_by_number_and_a_pre_release_comes_first() {
    for (a, order, b) in [
        ("1.10", Ordering::Greater, "1.9.9"),
        ("2", Ordering::Equal, "2.0.0"),
        ("v1.2", Ordering::Equal, "1.2+build7"),
        ("1.0-rc1", Ordering::Less, "1.0"),
        ("1.0-rc1", Ordering::Less, "1.0-rc2"),
        ("99999999999999999999999", Ordering::Greater, "1"),
    ] {
        assert_eq!(compare(a, b), order, "{a} {b}");
        assert_eq!(compare(b, a), order.reverse(), "{b} {a}");
    }
}

#[test]
fn everything_that_is_not_met_is_told_at_once() {
    let tool = |name: &str, version: Option<(Comparison, &str)>| Tool {
        name: name.to_owned(),
        version: version.map(|(c, v)| (c, v.to_owned())),
        span: Span::default(),
    };
    let requires = Requires {
        tools: vec![
            tool("git", Some((Comparison::GreaterOrEqual, "2.50"))),
            tool("nothere", None),
            tool("odd", Some((Comparison::Equal, "1"))),
            tool("slow", Some((Comparison::Less, "1"))),
            tool("fine", Some((Comparison::NotEqual, "2"))),
            tool("any", None),
        ],
        platforms: vec![("macos".to_owned(), Span::default())],
        env: vec![("TOKEN".to_owned(), Span::default()), ("HOME".to_owned(), Span::default())],
    };
    let probes = [
        Probe::Printed("git version 2.47.3".to_owned()),
        Probe::Missing,
        Probe::Printed("hello".to_owned()),
        Probe::Unclear("it gave no answer within 5 s".to_owned()),
        Probe::Printed("fine 3.1".to_owned()),
        Probe::Unclear("exit code 1".to_owned()),
    ];
    let problems: Vec<String> =
        check(&requires, "linux", &|name| name == "HOME", &probes).into_iter().map(|p| p.message).collect();
    assert_eq!(
        problems,
        [
            "this playbook runs on `macos`, and this machine is `linux`",
            "this playbook needs `git >= 2.50`, found 2.47.3",
            "this playbook needs `nothere`, which was not found",
            "`odd --version` printed no version: `hello`",
            "the version of `slow` could not be found out: it gave no answer within 5 s",
            "this playbook needs the environment variable `TOKEN`, which is not set or empty",
        ]
    );
}
