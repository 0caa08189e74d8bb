//! The list of commands: every action by name, themes, stages to go to, and a number for a line of the log.
//!
//! Pure. Not here: carrying them out (`update.rs`), drawing (`draw/overlay.rs`).

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::keymap::Action;
use super::ui::Ui;

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Action(Action),
    /// Goes to that line of the log, from 1.
    Line(u64),
    /// Position among the themes.
    Theme(usize),
    /// Position in the plan.
    Stage(u32),
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub words: String,
    /// The key that does the same; empty if there is none.
    pub key: String,
    pub what: What,
}

/// Returns the entries that fit a text, the best first.
#[must_use]
pub fn entries(ui: &Ui, text: &str) -> Vec<Entry> {
    let text = text.trim();
    if let Ok(line) = text.parse::<u64>() {
        let words = format!("Go to line {} of the log", super::draw::grouped(line));
        return vec![Entry { words, key: String::new(), what: What::Line(line) }];
    }
    let all = all(ui);
    if text.is_empty() {
        return all;
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(text, CaseMatching::Ignore, Normalization::Smart);
    let mut letters = Vec::new();
    let mut scored: Vec<(u32, Entry)> = all
        .into_iter()
        .filter_map(|entry| {
            let score = pattern.score(Utf32Str::new(&entry.words, &mut letters), &mut matcher)?;
            Some((score, entry))
        })
        .collect();
    // Stable, so that equals stay in the order of the help.
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, entry)| entry).collect()
}

fn all(ui: &Ui) -> Vec<Entry> {
    let places = ui.places();
    let mut seen: Vec<Action> = Vec::new();
    let mut all = Vec::new();
    let keys = &ui.look.keys;
    for binding in keys.all().filter(|it| places.contains(&it.place)) {
        if seen.contains(&binding.action) || binding.action == Action::Palette {
            continue;
        }
        seen.push(binding.action);
        let about = if binding.about.is_empty() { String::new() } else { format!(": {}", binding.about) };
        let key = keys.keys(places, binding.action).next().unwrap_or_default().to_owned();
        let mut words = format!("{}{about}", binding.word);
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        all.push(Entry { words, key, what: What::Action(binding.action) });
    }
    for (at, theme) in ui.look.themes.iter().enumerate() {
        all.push(Entry { words: format!("Theme {}", theme.name), key: String::new(), what: What::Theme(at) });
    }
    for (at, name) in (0u32..).zip(&ui.stage_names) {
        all.push(Entry { words: format!("Go to {name}"), key: String::new(), what: What::Stage(at) });
    }
    all
}
