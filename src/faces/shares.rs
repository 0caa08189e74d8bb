//! Words for what is waited for that jobs share: ``lock `prod`, held by job #12 `deploy` since 12:03``.
//!
//! Not here: other reasons to wait (`waits.rs`).

use crate::logic::claims::{Blocker, Claim, Kind};
use crate::logic::text::plural;
use crate::logic::time::Timestamp;
use crate::logic::view::{JobView, ShareWait};

#[cfg(test)]
#[path = "shares_tests.rs"]
mod tests;

/// Says what is waited for and who is in the way, as the end of a sentence that begins with `waits for`.
#[must_use]
pub fn told(waits: &ShareWait) -> String {
    let Some(by) = waits.by.first() else {
        let wanted: Vec<String> = waits.claims.iter().map(Claim::words).collect();
        return if wanted.is_empty() { "what it had before".to_owned() } else { wanted.join(" and ") };
    };
    let ahead = waits.by.iter().filter(|it| it.waits && it.claim.is_about(&by.claim)).count();
    let more = match ahead {
        0 => String::new(),
        _ if by.waits => String::new(),
        some => format!("; {} before it in line", plural(some, "other")),
    };
    format!("{}, {}{more}", by.claim.words(), whose(by))
}

/// Says who has it: ``held by job #12 `deploy` since 12:03``.
#[must_use]
pub fn whose(by: &Blocker) -> String {
    let verb = match (by.waits, by.claim.kind) {
        (true, _) => "behind",
        (false, Kind::Resource) => "all in use, by",
        (false, _) => "held by",
    };
    let left = if by.is_left { ", which no engine works on until somebody recovers it" } else { "" };
    format!("{verb} {} since {}{left}", by.who(), time(by.since))
}

fn time(at: Timestamp) -> String {
    let time = super::clock::time_of_day(at);
    time.split('.').next().unwrap_or_default().to_owned()
}

/// Says it in a few words, for a list: `lock prod, job #12`.
#[must_use]
pub fn brief(waits: &ShareWait) -> String {
    let claim = waits.by.first().map(|it| &it.claim).or(waits.claims.first());
    let what = claim.map_or_else(
        || "waits for others".to_owned(),
        |claim| match (claim.kind, &*claim.name) {
            (Kind::Resource, "jobs") => "in line".to_owned(),
            (Kind::Resource, "slots") => "waits slot".to_owned(),
            (Kind::Resource, name) => format!("waits {name}"),
            (kind, name) => format!("{} {name}", kind.word()),
        },
    );
    match waits.by.first() {
        Some(by) if by.job > 0 => format!("{what}, job #{}", by.job),
        _ => what,
    }
}

/// Says what a job waits for that others have, or its first cell that does; nothing if none does.
#[must_use]
pub fn of_job(view: &JobView) -> Option<String> {
    if let Some(waits) = &view.waits {
        return Some(told(waits));
    }
    let mut cells = (0u32..).zip(&view.cells);
    let (cell, waits) = cells.find_map(|(cell, it)| Some((cell, it.waits.as_ref()?)))?;
    let others = view.cells.iter().filter(|it| it.waits.is_some()).count() - 1;
    let more = if others > 0 { format!(", and {}", plural(others, "more cell")) } else { String::new() };
    Some(format!("{} ({}){more}", told(waits), view.cell_name(cell)))
}
