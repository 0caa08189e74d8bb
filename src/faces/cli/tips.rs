//! Tips of the command line: only words that are alike, by the one rule of all tips of the program.
//!
//! clap finds candidates by a measure of its own, to which a single letter resembles any word that has it. Not here: the rule
//! (`near_miss` in `logic/text`).

use clap::error::{ContextKind, ContextValue};
use clap::{Command, CommandFactory, Error};

use super::args::Cli;
use crate::logic::text::near_miss;

#[cfg(test)]
#[path = "tips_tests.rs"]
mod tests;

/// Takes tips out of an error that are far-fetched. `words` are those of the command line.
pub(super) fn near_only(mut error: Error, words: &[String]) -> Error {
    let text = |error: &Error, kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let is_near = |wrong: &str, tip: &str| near_miss(plain(wrong), [plain(tip)]).is_some();
    if let (Some(wrong), Some(ContextValue::Strings(tips))) =
        (text(&error, ContextKind::InvalidSubcommand), error.get(ContextKind::SuggestedSubcommand))
    {
        let tips: Vec<String> = tips.iter().filter(|tip| is_near(&wrong, tip)).cloned().collect();
        match tips.is_empty() {
            true => error.remove(ContextKind::SuggestedSubcommand),
            false => error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(tips)),
        };
    }
    let pairs = [
        (ContextKind::InvalidArg, ContextKind::SuggestedArg),
        (ContextKind::InvalidValue, ContextKind::SuggestedValue),
    ];
    for (wrong, tip) in pairs {
        let (Some(wrong), Some(given)) = (text(&error, wrong), text(&error, tip)) else { continue };
        if is_near(&wrong, &given) {
            continue;
        }
        error.remove(tip);
        // The usage was made for the flag of the tip.
        if tip == ContextKind::SuggestedArg {
            error.insert(ContextKind::Usage, ContextValue::StyledStr(command(words).render_usage()));
        }
    }
    if let Some(ContextValue::StyledStrs(tips)) = error.get(ContextKind::Suggested) {
        let wrong = text(&error, ContextKind::InvalidArg).unwrap_or_default();
        let far = |tip: &str| flag_elsewhere(tip).is_some_and(|flag| !is_near(&wrong, flag));
        let kept: Vec<_> = tips.iter().filter(|tip| !far(&tip.to_string())).cloned().collect();
        // For a list of none there would be an empty line.
        match kept.is_empty() {
            true => error.remove(ContextKind::Suggested),
            false => error.insert(ContextKind::Suggested, ContextValue::StyledStrs(kept)),
        };
    }
    error
}

/// Returns a flag without its dashes and its value.
fn plain(word: &str) -> &str {
    word.trim_start_matches('-').split(['=', ' ']).next().unwrap_or_default()
}

/// Returns the flag of a tip that says that another command has it: `'run --watch' exists`.
fn flag_elsewhere(tip: &str) -> Option<&str> {
    tip.strip_prefix('\'')?.strip_suffix("' exists")?.rsplit(' ').next()
}

/// Returns the command that a line calls, as far as its words tell.
fn command(words: &[String]) -> Command {
    let mut found = Cli::command();
    found.build();
    for word in words.iter().skip(1) {
        if let Some(inner) = found.find_subcommand(word) {
            found = inner.clone();
        }
    }
    found
}
