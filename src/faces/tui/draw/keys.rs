//! The line of keys: what can be done here, what is needed most first. What does not fit gives way.
//!
//! Not here: what keys mean (`keymap.rs`).

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::pen::Pen;
use crate::faces::tui::keymap::Action;
use crate::faces::tui::theme::Token;
use crate::faces::tui::ui::{Facts, Mode, Ui};

/// A key, and what it does in a word or two.
type Hint<'k> = (&'k str, &'k str);

/// The columns that a hint takes with the gap behind it.
fn width((key, word): Hint<'_>) -> usize {
    key.width() + if word.is_empty() { 1 } else { word.width() + 3 }
}

/// Draws the line. Help and quit are always there, and the letters of the verbs.
pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, ui: &Ui, facts: Facts<'_>) {
    let is_between = ui.is_between_rounds(facts.view);
    let hint = |action: &Action| -> Option<Hint<'_>> {
        // What no key does is in the list of commands.
        let hint = ui.look.keys.of(ui.places(), *action)?;
        let word = match action {
            Action::Pause if facts.view.paused.is_some() => "resume",
            Action::FailedOnly => "failed",
            Action::Retry if is_between => "run again",
            _ => hint.word,
        };
        Some((hint.key?, word))
    };
    let verbs: &[Action] = if facts.view.phase.outcome().is_some() {
        match (is_between, facts.view.can_roll_back()) {
            // The next round runs everything; what failed needs no key of its own.
            (true, false) => &[Action::Retry],
            (true, true) => &[Action::Retry, Action::RollBack],
            (false, false) => &[Action::Retry, Action::RetryFailed],
            (false, true) => &[Action::Retry, Action::RetryFailed, Action::RollBack],
        }
    } else if facts.view.waiting_gates().next().is_some() {
        &[Action::Review, Action::Pause, Action::Skip, Action::Cancel, Action::Retry]
    } else {
        &[Action::Pause, Action::Skip, Action::Cancel, Action::Retry]
    };
    let (needed, others) = of_mode(ui.mode);
    let has_slices = || ui.grid_of(facts.view).is_some_and(|grid| grid.slices.len() > 1);
    let has_others = || facts.view.stages.iter().filter(|stage| stage.cells.len() > 1).count() > 1;
    let others: Vec<Action> = others
        .iter()
        .copied()
        .filter(|action| match (ui.mode, action) {
            (Mode::Matrix, Action::NextSlice) => has_slices(),
            (Mode::Matrix, Action::NextCell) => has_others(),
            _ => true,
        })
        .collect();
    let [verbs, needed, others] = [verbs, needed, &others[..]]
        .map(|actions| actions.iter().filter_map(hint).collect::<Vec<Hint<'_>>>());
    let last: Vec<Hint<'_>> = [Action::Help, Action::Quit].iter().filter_map(hint).collect();
    // A column is free at either side, and the last one needs no gap behind it.
    let end = last.iter().copied().map(width).sum::<usize>().saturating_sub(1);
    let room = usize::from(area.width).saturating_sub(1 + end);
    let mut x = put(pen, area.y, 1, &fitting(&verbs, &needed, &others, room));
    x = area.right().saturating_sub(u16::try_from(end).unwrap_or(0)).max(x);
    put(pen, area.y, x, &last);
}

/// Returns what is needed besides the verbs: the way back, and what there is nowhere else; and what is good to know.
fn of_mode(mode: Mode) -> (&'static [Action], &'static [Action]) {
    match mode {
        Mode::Matrix => (
            &[Action::FailedOnly, Action::ViewRun],
            &[Action::Open, Action::Transpose, Action::NextSlice, Action::NextCell, Action::Heat],
        ),
        Mode::Log => (
            &[Action::Search, Action::ViewRun],
            &[Action::Follow, Action::Wrap, Action::Details, Action::Time, Action::NextCell, Action::Palette],
        ),
        Mode::Run => (
            &[Action::Search],
            &[
                Action::Follow,
                Action::Details,
                Action::NextPane,
                Action::ViewMatrix,
                Action::Zoom,
                Action::Palette,
                Action::Stream,
            ],
        ),
    }
}

/// Chooses what is shown, and of which only the letter.
fn fitting<'k>(
    verbs: &[Hint<'k>],
    needed: &[Hint<'k>],
    others: &[Hint<'k>],
    mut room: usize,
) -> Vec<Hint<'k>> {
    let bare = |(key, _): Hint<'k>| (key, "");
    // Without words if even the verbs do not fit with them: their letters must be seen.
    let is_short = verbs.iter().copied().map(width).sum::<usize>() > room;
    let mut chosen: Vec<Hint<'k>> =
        verbs.iter().map(|&hint| if is_short { bare(hint) } else { hint }).collect();
    room = room.saturating_sub(chosen.iter().copied().map(width).sum());
    for (at, &hint) in needed.iter().enumerate() {
        let rest: usize = needed[at + 1..].iter().map(|&it| width(bare(it))).sum();
        let words = [hint, bare(hint)];
        let skipped = usize::from(is_short);
        if let Some(&fits) = words[skipped..].iter().find(|it| width(**it) + rest <= room) {
            room -= width(fits);
            chosen.push(fits);
        }
    }
    for &hint in others {
        let hint = if is_short { bare(hint) } else { hint };
        if width(hint) <= room {
            room -= width(hint);
            chosen.push(hint);
        }
    }
    chosen
}

/// Writes hints; returns the column after them.
fn put(pen: &mut Pen<'_>, y: u16, mut x: u16, hints: &[Hint<'_>]) -> u16 {
    for (key, word) in hints {
        let style = pen.style(Token::Key);
        x = pen.text(x, y, 12, key, style) + 1;
        if !word.is_empty() {
            let style = pen.style(Token::Hint);
            x = pen.text(x, y, 20, word, style) + 2;
        }
    }
    x
}
