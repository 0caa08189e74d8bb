//! What an answer would come to, while it is typed.
//!
//! Not here: how that is shown (`faces/wizard`).

use super::words;
use crate::logic::playbook::scripts::{self, Library, Selector};
use crate::logic::talk::{Hints, Kind, Question};
use crate::logic::text::{plural, shortened};

/// So many lines show it.
const LIVE_LINES: usize = 6;

/// Returns lines that say it.
#[must_use]
pub(super) fn lines(question: &Question, typed: &str, library: &Library) -> Vec<String> {
    let Kind::Text { hints, .. } = &question.kind else { return Vec::new() };
    match hints {
        Hints::None => Vec::new(),
        Hints::Words(words) => {
            words.iter().filter(|it| it.starts_with(typed.trim())).take(LIVE_LINES).cloned().collect()
        }
        Hints::Scripts => selected(typed, library),
        Hints::Cells(before) => cells(typed, *before),
    }
}

fn selected(typed: &str, library: &Library) -> Vec<String> {
    let read = scripts::selectors(typed).and_then(|all| Selector::check(&all).map(|()| all));
    let all = match read {
        _ if typed.trim().is_empty() => {
            return vec![format!("{} in all", plural(library.scripts.len(), "script"))];
        }
        Ok(all) => all,
        Err(wrong) => return vec![wrong.words().0],
    };
    let found = match library.select(&all) {
        Ok(found) => found.scripts,
        Err(nothing) => return vec![scripts::no_scripts(&nothing, &all, library).0],
    };
    let mut lines: Vec<String> =
        found.iter().take(LIVE_LINES - 1).map(|it| shortened(&it.path, 70)).collect();
    match found.len().saturating_sub(lines.len()) {
        0 => {}
        more => lines.push(format!("and {more} more: {} in all", found.len())),
    }
    lines
}

fn cells(typed: &str, before: usize) -> Vec<String> {
    if typed.trim().is_empty() {
        return vec![format!("{} so far", plural(before, "cell"))];
    }
    match words::axis(typed) {
        Ok((name, values)) => {
            let all = before.saturating_mul(values.len());
            let values = plural(values.len(), "value");
            vec![format!("{name}: {values}, {} in all", plural(all, "cell"))]
        }
        Err(wrong) => vec![wrong.what],
    }
}
