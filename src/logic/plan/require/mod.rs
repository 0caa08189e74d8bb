//! What a playbook asks of the machine, against what the machine has: the comparison and its words.
//!
//! Not here: running `TOOL --version` (`edges/probe_tools.rs`). Start with `check`.

use std::cmp::Ordering;

use super::PlanProblem;
use crate::logic::playbook::model::{Comparison, Requires, Tool};
use crate::logic::text::{listed_names, shortened};

#[cfg(test)]
mod tests;

/// What was found out about a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// There is no such program on the search path.
    Missing,
    /// It is there; what it printed when asked for its version, both streams.
    Printed(String),
    /// It is there, but asking for its version went wrong, in words.
    Unclear(String),
}

/// Compares the requirements with the machine. `probes` holds one answer for each required tool, in order.
#[must_use]
pub fn check(
    requires: &Requires,
    platform: &str,
    has_env: &dyn Fn(&str) -> bool,
    probes: &[Probe],
) -> Vec<PlanProblem> {
    let mut problems = Vec::new();
    if !requires.platforms.is_empty()
        && !requires.platforms.iter().any(|(name, _)| name.eq_ignore_ascii_case(platform))
    {
        let names: Vec<&str> = requires.platforms.iter().map(|(name, _)| name.as_str()).collect();
        problems.push(PlanProblem {
            slug: "platform-not-met",
            message: format!(
                "this playbook runs on {}, and this machine is `{platform}`",
                listed_names(&names, "or")
            ),
            help: None,
        });
    }
    for (tool, probe) in requires.tools.iter().zip(probes) {
        problems.extend(check_tool(tool, probe));
    }
    for (name, _) in &requires.env {
        if !has_env(name) {
            problems.push(PlanProblem {
                slug: "env-not-met",
                message: format!(
                    "this playbook needs the environment variable `{name}`, which is not set or empty"
                ),
                help: Some(format!("set it before the run: export {name}=...")),
            });
        }
    }
    problems
}

fn check_tool(tool: &Tool, probe: &Probe) -> Option<PlanProblem> {
    let name = &tool.name;
    let problem =
        |message: String, help: Option<String>| Some(PlanProblem { slug: "tool-not-met", message, help });
    let printed = match (probe, &tool.version) {
        (Probe::Missing, _) => {
            return problem(
                format!("this playbook needs `{name}`, which was not found"),
                Some("install it, or add its folder to PATH".to_owned()),
            );
        }
        (_, None) => return None,
        (Probe::Unclear(why), Some(_)) => {
            return problem(format!("the version of `{name}` could not be found out: {why}"), None);
        }
        (Probe::Printed(text), Some(_)) => text,
    };
    let (comparison, wanted) = tool.version.as_ref()?;
    let Some(found) = find_version(printed) else {
        let line = shortened(printed, 60);
        return problem(format!("`{name} --version` printed no version: `{line}`"), None);
    };
    if holds(*comparison, compare(&found, wanted)) {
        return None;
    }
    problem(format!("this playbook needs `{name} {} {wanted}`, found {found}", sign(*comparison)), None)
}

fn holds(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Equal => order == Ordering::Equal,
        Comparison::NotEqual => order != Ordering::Equal,
        Comparison::GreaterOrEqual => order != Ordering::Less,
        Comparison::Greater => order == Ordering::Greater,
    }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Equal => "==",
        Comparison::NotEqual => "!=",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Greater => ">",
    }
}

/// Finds the first word that looks like a version: digits with at least one dot, else a bare number.
///
/// A `v` or letters glued in front are cut, as in `go1.22.1`.
#[must_use]
pub fn find_version(text: &str) -> Option<String> {
    let mut bare = None;
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '"' | '\'' | ':')) {
        let word = word.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-');
        if !word.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let end = word
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_' | '~')))
            .unwrap_or(word.len());
        let word = word[..end].trim_end_matches(['.', '-']);
        if word.contains('.') {
            return Some(word.to_owned());
        }
        if bare.is_none() && word.bytes().all(|b| b.is_ascii_digit()) {
            bare = Some(word.to_owned());
        }
    }
    bare
}

/// Compares two versions part by part: numbers as numbers, missing parts as zero, and a pre-release
/// (`1.0-rc1`) before its release. What follows a `+` does not count.
#[must_use]
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a_numbers, a_pre) = parts(a);
    let (b_numbers, b_pre) = parts(b);
    for at in 0..a_numbers.len().max(b_numbers.len()) {
        let left = a_numbers.get(at).copied().unwrap_or(0);
        let right = b_numbers.get(at).copied().unwrap_or(0);
        match left.cmp(&right) {
            Ordering::Equal => {}
            other => return other,
        }
    }
    match (a_pre, b_pre) {
        ("", "") => Ordering::Equal,
        ("", _) => Ordering::Greater,
        (_, "") => Ordering::Less,
        (left, right) => left.cmp(right),
    }
}

/// Splits a version into its leading numbers and the rest, without separators.
fn parts(version: &str) -> (Vec<u64>, &str) {
    let version = version.trim().trim_start_matches(['v', 'V']);
    let version = version.split('+').next().unwrap_or("");
    let end = version.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(version.len());
    let numbers =
        version[..end].split('.').filter(|p| !p.is_empty()).map(|p| p.parse().unwrap_or(u64::MAX)).collect();
    (numbers, version[end..].trim_start_matches(['-', '.', '_', '~']))
}
