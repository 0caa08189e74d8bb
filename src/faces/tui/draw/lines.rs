//! The lines that never move: header, progress, status; and the list of what went wrong. Not here: the keys (`keys.rs`).

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::pen::{Pen, cut, cut_name, grouped};
use crate::faces::tui::glyphs::State;
use crate::faces::tui::keymap::Action;
use crate::faces::tui::log_pane::TimeShown;
use crate::faces::tui::theme::Token;
use crate::faces::tui::tree::{self, RowId};
use crate::faces::tui::ui::{Facts, Mode, Prompt, Ui};
use crate::faces::why::why_stage;
use crate::faces::{gates, waits, words};
use crate::logic::job::event::Outcome;
use crate::logic::view::{JobView, Phase};

/// Returns `Stage 3/7`: how many have ended or run.
pub(super) fn stage_count(view: &JobView) -> String {
    let counts = &view.stage_counts;
    let begun = counts.done() + usize::from(counts.live + counts.retrying > 0);
    format!("Stage {}/{}", begun.min(counts.total()), counts.total())
}

/// Returns the terminal's title.
pub(super) fn title(facts: Facts<'_>) -> String {
    let counts = &facts.view.stage_counts;
    let failed = if counts.failed > 0 { format!("{} failed, ", counts.failed) } else { String::new() };
    let state = match facts.view.phase {
        Phase::Done(_) => words::phase(facts.view.phase, facts.view.cause.as_ref()).to_owned(),
        _ => format!("{}/{}", counts.done(), counts.total()),
    };
    let name: String = facts.view.playbook.name.chars().filter(|c| !c.is_control()).collect();
    format!("{failed}{state} {name} #{}", facts.number)
}

/// Draws the name of the job on the left and its state on the right.
pub(super) fn header(pen: &mut Pen<'_>, area: Rect, ui: &Ui, facts: Facts<'_>) {
    let view = facts.view;
    let took = crate::faces::tui::motion::clock(view.elapsed(facts.time));
    let mut state = State::of_job(view);
    let mut word = match (view.phase, &view.paused, &view.cancelling) {
        (Phase::Done(_), _, _) => {
            let rescued = if view.rescued { ", rescued" } else { "" };
            format!("{}{rescued}", words::phase(view.phase, view.cause.as_ref()))
        }
        (_, Some(_), _) if view.is_frozen() => "FROZEN".to_owned(),
        (_, Some(_), _) if waits::at_work(view) == 0 => "PAUSED".to_owned(),
        (_, Some(_), _) => format!("PAUSED, {} still running", waits::at_work(view)),
        (Phase::Running, _, None) if state == State::NeedsYou => gates::of_job(view)
            .map_or_else(String::new, |what| cut(&format!("waits for {what}"), usize::from(area.width) / 2)),
        (phase, _, _) => words::phase(phase, None).to_owned(),
    };
    if !facts.is_live && view.phase.outcome().is_none() {
        word = "interrupted".to_owned();
        state = State::Cancelled;
    }
    let eta = match ui.forecast.remaining(view, facts.time) {
        Some(left) if facts.is_live && area.width >= 60 && left.as_secs() >= 5 => {
            let tens = left.as_secs().div_ceil(10) * 10;
            format!("  eta ~{}", crate::faces::tui::motion::clock(std::time::Duration::from_secs(tens)))
        }
        _ => String::new(),
    };
    let mark = pen.look.glyphs.state(state, pen.look.motion, facts.now);
    let right = format!("{word} {took}{eta} ");
    let style = if view.paused.is_some() { pen.style(Token::Attention) } else { pen.style(mark.token) };
    let x = pen.right(area.right(), area.y, &right, style);
    pen.sign(x.saturating_sub(2), area.y, state, facts.now);
    let room = x.saturating_sub(3);
    let name = cut(&view.playbook.name, usize::from(room.saturating_sub(8)));
    let bold = pen.style(Token::Title);
    let x = pen.text(1, area.y, room, &name, bold);
    let style = pen.style(Token::Text);
    let x = pen.text(x + 2, area.y, room.saturating_sub(x + 2), &format!("#{}", facts.number), style);
    let muted = pen.style(Token::Muted);
    let watching = if facts.is_ours || view.phase.outcome().is_some() { "" } else { "watching" };
    let rest = [view.title.as_deref().unwrap_or_default(), watching];
    let rest = rest.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("  ");
    if x + 3 < room {
        let rest = cut(&rest, usize::from(room - x - 2));
        pen.text(x + 2, area.y, room - x - 2, &rest, muted);
    }
}

/// Draws the bar, the share that is done, and how many are where.
pub(super) fn progress(pen: &mut Pen<'_>, area: Rect, ui: &Ui, facts: Facts<'_>) {
    let view = facts.view;
    let it = ui.forecast.progress(view, facts.time);
    let words = format!("{:>3}%  {}", it.percent, stage_count(view));
    let counts = counts(pen, facts);
    let counts_width: u16 = counts.iter().map(|(_, text)| u16::try_from(text.width() + 2).unwrap_or(0)).sum();
    let words_width = u16::try_from(words.width()).unwrap_or(0);
    let has_counts = area.width > words_width + counts_width + 16;
    let used = words_width + if has_counts { counts_width } else { 0 } + 5;
    let width = area.width.saturating_sub(used).max(8);
    let fills = pen.look.glyphs.fills();
    let parts = [
        (it.done, fills.done, Token::BarDone),
        (it.failed, fills.failed, Token::BarFailed),
        (it.running, fills.running, Token::BarRunning),
    ];
    let (mut x, mut share) = (1, 0.0);
    for (part, fill, token) in parts {
        share += part;
        let end = 1 + columns(share, width);
        let style = pen.style(token);
        while x < end {
            pen.text(x, area.y, 1, fill, style);
            x += 1;
        }
    }
    let style = pen.style(Token::BarWaiting);
    while x <= width {
        pen.text(x, area.y, 1, fills.waiting, style);
        x += 1;
    }
    let style = pen.style(Token::Text);
    let x = pen.text(x + 1, area.y, words_width, &words, style);
    if has_counts {
        let mut x = x.max(area.right().saturating_sub(counts_width + 1));
        for (token, text) in counts {
            let style = pen.style(token);
            x = pen.text(x + 2, area.y, 12, &text, style);
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a width is between 0 and it"
)]
fn columns(share: f64, width: u16) -> u16 {
    (share * f64::from(width)).round().clamp(0.0, f64::from(width)) as u16
}

/// How many stages are where, each behind its sign.
fn counts(pen: &Pen<'_>, facts: Facts<'_>) -> Vec<(Token, String)> {
    let counts = &facts.view.stage_counts;
    [
        (counts.passed, State::Passed),
        (counts.failed, State::Failed),
        (counts.cancelled, State::Cancelled),
        (counts.skipped, State::Skipped),
        (counts.live, State::Running.within(facts.view)),
        (counts.retrying, State::RetryWait.within(facts.view)),
        (counts.waiting, State::Blocked),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, state)| {
        // Still: a spinner here would only be one more thing that moves.
        let motion = crate::faces::tui::motion::Motion::None;
        let mark = pen.look.glyphs.state(state, motion, facts.now);
        (mark.token, format!("{}{count}", mark.text))
    })
    .collect()
}

/// Draws the line above the keys: what is typed, what was said, what can be undone; the modes on its right.
pub(super) fn status(
    buffer: &mut Buffer,
    area: Rect,
    ui: &Ui,
    facts: Facts<'_>,
    cursor: &mut (u16, u16),
    is_own: bool,
) {
    let mut pen = Pen::new(buffer, &ui.look);
    let pen = &mut pen;
    let line = status_words(ui, facts);
    // Where there is no status line, what has to be said takes the place of the bar.
    if !is_own && !matches!(line, Some((Token::Field | Token::Notice | Token::Text, _))) {
        return;
    }
    if !is_own {
        pen.clear(area);
    }
    let modes = if is_own { modes(ui, area.width) } else { String::new() };
    let style = pen.style(Token::Mode);
    let end = pen.right(area.right().saturating_sub(1), area.y, &modes, style);
    let Some((token, words)) = line else { return };
    let style = pen.style(token);
    let room = end.saturating_sub(3);
    pen.text(1, area.y, room, &cut(&words, usize::from(room)), style);
    if let Some(prompt) = &ui.prompt {
        let field = match prompt {
            Prompt::Search { field, .. } | Prompt::Filter { field } => field,
        };
        let column = u16::try_from(field.column()).unwrap_or(0) + 2;
        *cursor = (column.min(area.right().saturating_sub(1)), area.y);
        // The only place where something is typed shows where.
        if let Some(cell) = pen.buffer.cell_mut(*cursor) {
            cell.set_style(pen.look.theme().style(Token::Selection));
        }
    }
}

fn status_words(ui: &Ui, facts: Facts<'_>) -> Option<(Token, String)> {
    let view = facts.view;
    match &ui.prompt {
        Some(Prompt::Search { field, is_pattern }) => {
            let kind = if *is_pattern { "  (pattern)" } else { "" };
            return Some((
                Token::Field,
                format!("/{}{kind}  {}", field.text(), found(ui).unwrap_or_default()),
            ));
        }
        Some(Prompt::Filter { field }) => return Some((Token::Field, format!("&{}", field.text()))),
        None => {}
    }
    if let Some(undo) = &ui.undo {
        let left = undo.until.saturating_sub(facts.now).as_secs() + 1;
        let words = if undo.then.is_empty() {
            format!("{}; {} undoes it, {left} s", undo.words, ui.said(Action::Undo))
        } else {
            format!(
                "{} in {left} s: {} calls it off, {} does it at once",
                undo.words,
                ui.said(Action::Undo),
                ui.said(Action::CancelJob)
            )
        };
        return Some((Token::Notice, words));
    }
    if let Some(notice) = &ui.notice {
        return Some((Token::Notice, notice.words.clone()));
    }
    if let Some(left) = ui.leave_after.or(ui.leave_at.map(|at| at.saturating_sub(facts.now))) {
        let seconds = left.as_millis().div_ceil(1000);
        let words =
            format!("passed; leaving in {seconds} s: any key stays, {} leaves", ui.said(Action::Quit));
        return (seconds > 0).then_some((Token::Notice, words));
    }
    if let Some(found) = found(ui) {
        let text = ui.log.find.as_ref().map_or("", |find| &find.text);
        let next = format!("{} next  {} previous", ui.said(Action::NextHit), ui.said(Action::PreviousHit));
        return Some((Token::Text, format!("/{text}  {found}   {next}  Esc clear")));
    }
    if let Some(words) = ui.banner() {
        return Some((Token::Warning, words));
    }
    if let (Some(words), Some(_)) = (&ui.waits, view.phase.outcome()) {
        return Some((Token::Hint, words.clone()));
    }
    if let Phase::Done(outcome) = view.phase {
        let counts = crate::faces::summary::counts(view, &view.stage_counts, "stage");
        let how = match outcome {
            Outcome::Success => String::new(),
            _ => format!("; {} retries the rest", ui.said(Action::RetryFailed)),
        };
        return Some((Token::Hint, format!("{counts}{how}")));
    }
    if !facts.is_live {
        return Some((
            Token::Warning,
            "nobody works on this job any more; it cannot be run on, only started again".to_owned(),
        ));
    }
    let bad = tree::problems(view);
    match bad.first() {
        Some(first) => {
            let name = match first {
                RowId::Stage(stage) => view.stage_name(*stage).to_owned(),
                RowId::Cell(cell) => view.cell_name(*cell),
            };
            let more = if bad.len() > 1 { format!(" and {} more", bad.len() - 1) } else { String::new() };
            Some((Token::Error, format!("{name}{more} failed: {} goes there", ui.said(Action::NextProblem))))
        }
        None => None,
    }
}

/// Says what a search has come to.
fn found(ui: &Ui) -> Option<String> {
    let find = ui.log.find.as_ref()?;
    if let Some(problem) = &find.problem {
        return Some(problem.clone());
    }
    if find.text.is_empty() {
        return Some("Ctrl-r: as a pattern".to_owned());
    }
    let hits = ui.log.hits();
    Some(match (hits, ui.log.is_searched(), ui.log.hit_rank()) {
        (0, true, _) => "no line has it".to_owned(),
        (0, false, _) => "searching".to_owned(),
        (_, done, rank) => {
            let more = if done { "" } else { "+" };
            let rank = rank.map_or_else(|| "-".to_owned(), grouped);
            format!("{rank} of {}{more} lines", grouped(hits))
        }
    })
}

fn modes(ui: &Ui, width: u16) -> String {
    let mut words: Vec<String> = Vec::new();
    let shows_log = ui.mode != Mode::Matrix;
    if shows_log {
        if ui.log.follow {
            words.push("FOLLOW".to_owned());
        } else if ui.log.new_lines() > 0 {
            words.push(format!("+{} new", grouped(ui.log.new_lines())));
        }
        if ui.log.wraps() && width >= 60 {
            words.push("WRAP".to_owned());
        }
        if ui.log.time != TimeShown::Off && width >= 60 {
            words.push("TIME".to_owned());
        }
    }
    if ui.is_zoomed {
        words.push("ZOOM".to_owned());
    }
    if !ui.mouse && width >= 60 {
        words.push("NO MOUSE".to_owned());
    }
    words.join("  ")
}

/// Draws what went wrong, the newest rows that fit.
pub(super) fn problems(pen: &mut Pen<'_>, title: Rect, area: Rect, ui: &Ui, facts: Facts<'_>) {
    let bad = tree::problems(facts.view);
    let next = super::key_of(ui, Action::NextProblem);
    pen.title(title, "Problems", &if bad.is_empty() { String::new() } else { format!("{next} next") }, false);
    if bad.is_empty() {
        let style = pen.style(Token::Muted);
        pen.text(area.x + 1, area.y, area.width, "none", style);
        return;
    }
    let height = usize::from(area.height);
    let shown = if bad.len() > height { height - 1 } else { bad.len() };
    for (y, id) in (area.y..).zip(bad.iter().take(shown)) {
        let (name, why) = match id {
            RowId::Stage(stage) => {
                let it = &facts.view.stages[*stage as usize];
                let of_cell = it.cells.first().and_then(|&cell| super::list::briefly(facts.view, cell));
                let of_stage = || why_stage(facts.view, *stage);
                (facts.view.stage_name(*stage).to_owned(), of_cell.or_else(of_stage))
            }
            RowId::Cell(cell) => (facts.view.cell_name(*cell), super::list::briefly(facts.view, *cell)),
        };
        pen.sign(area.x + 1, y, State::Failed, facts.now);
        let style = pen.style(Token::Text);
        let room = area.width.saturating_sub(4);
        let why = why.unwrap_or_default();
        let for_name = room.saturating_sub(super::list::kept(&name, &why, room));
        let x = pen.text(area.x + 3, y, for_name, &cut_name(&name, usize::from(for_name)), style);
        let style = pen.style(Token::Muted);
        let room = area.right().saturating_sub(x + 3);
        pen.right(area.right() - 1, y, &super::list::brief(&why, usize::from(room)), style);
    }
    if bad.len() > shown {
        let style = pen.style(Token::Muted);
        let y = area.y + u16::try_from(shown).unwrap_or(0);
        pen.text(area.x + 3, y, area.width, &format!("and {} more", bad.len() - shown), style);
    }
}
