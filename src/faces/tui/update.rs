//! What keys, clicks and pastes do to the state of the screen.
//!
//! Pure: what is to be done outside comes back as requests. Not here: which key means which action (`keymap.rs`), the
//! verbs with their questions (`verbs.rs`).

use std::time::Duration;

use crossterm::event::{Event as Input, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::field::Field;
use super::grid::Direction;
use super::keymap::{self, Action, Place};
use super::layout::{self, Panes};
use super::palette;
use super::theme::Token;
use super::tree::RowId;
use super::ui::{Facts, Focus, Mode, Overlay, Prompt, Request, Ui};
use crate::logic::job::event::Outcome;
use crate::logic::view::{JobView, Phase};

/// A dialog does not hear what was typed before it could be read.
pub(super) const DEAF: Duration = Duration::from_millis(250);

/// So many keys within so long are a paste and no person.
const BURST: (usize, Duration) = (8, Duration::from_millis(150));

/// A screen that leaves by itself has been there for so long, and its last picture for so long.
const SEEN: Duration = Duration::from_secs(3);
const LAST_SEEN: Duration = Duration::from_secs(1);

/// Whoever pressed a key so short a time ago is reading something.
const BUSY: Duration = Duration::from_secs(10);

/// An answer may come so long after its question has closed by itself.
const ANSWER: Duration = Duration::from_secs(1);

/// Most bytes that are copied: terminals drop more than that without a word.
const COPIED: usize = 512 * 1024;

/// Columns that sideways moves by.
const SIDEWAYS: isize = 8;

impl Ui {
    /// Takes what came from the terminal.
    pub fn take(&mut self, input: &Input, facts: Facts<'_>) -> Vec<Request> {
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => match keymap::name(key) {
                Some(name) => self.key(&name, facts),
                None => Vec::new(),
            },
            Input::Paste(text) => {
                self.paste(text, facts.now);
                Vec::new()
            }
            Input::Mouse(mouse) => self.click(*mouse, facts),
            _ => Vec::new(),
        }
    }

    fn paste(&mut self, text: &str, now: Duration) {
        let changed = match (&mut self.overlay, &mut self.prompt) {
            (Some(Overlay::Palette { field, .. }), _) => {
                field.insert(text);
                return;
            }
            (Some(Overlay::Review(review)), _) => {
                if !review.paste(text) {
                    self.say("a paste outside of a text field does nothing", now);
                }
                return;
            }
            (None, Some(Prompt::Search { field, is_pattern })) => {
                field.insert(text);
                Some((field.text().to_owned(), *is_pattern))
            }
            (None, Some(Prompt::Filter { field })) => {
                field.insert(text);
                self.tree.filter = field.text().to_lowercase();
                return;
            }
            _ => {
                self.say("a paste outside of a text field does nothing", now);
                return;
            }
        };
        if let Some((text, is_pattern)) = changed {
            self.log.search(&text, is_pattern);
        }
    }

    /// Takes a key by its name.
    pub fn key(&mut self, key: &str, facts: Facts<'_>) -> Vec<Request> {
        self.touched = Some(facts.now);
        self.stay();
        if self.gone.take_if(|at| facts.now.saturating_sub(*at) < ANSWER).is_some()
            && matches!(key, "y" | "K" | "S" | "enter" | "esc")
        {
            // It was meant for a question that has closed by itself; what is said about that stays.
            return Vec::new();
        }
        // It has been read by now, and what the key does may have more to say.
        self.notice = None;
        let closes =
            self.overlay.is_none() && self.prompt.is_none() && (key == "esc" || self.is(key, Action::Quit));
        if self.starting.is_some() && (closes || key == "ctrl-c") {
            return vec![Request::GiveUp];
        }
        if key == "ctrl-c" {
            return self.interrupt(facts);
        }
        if self.overlay.is_some() {
            return self.overlay_key(key, facts);
        }
        if self.prompt.is_some() {
            self.prompt_key(key);
            return Vec::new();
        }
        let Some(action) = self.look.keys.find(self.places(), key) else {
            self.say_where(key, facts.now);
            return Vec::new();
        };
        if layout::divide(self.size.0, self.size.1).panes == Panes::TooSmall && !is_for_any_size(action) {
            self.say("nothing of it would show on so small a screen", facts.now);
            return Vec::new();
        }
        if is_verb(action) && is_burst(&mut self.burst, facts.now) {
            self.say("so many keys at once look like a paste, and do nothing", facts.now);
            return Vec::new();
        }
        self.act(action, facts)
    }

    fn is(&self, key: &str, action: Action) -> bool {
        self.look.keys.find(self.places(), key) == Some(action)
    }

    /// Says where a key means something that means nothing here.
    fn say_where(&mut self, key: &str, now: Duration) {
        let elsewhere = [
            (Place::List, "in the list of stages"),
            (Place::Log, "in the log"),
            (Place::Matrix, "in the matrix"),
        ];
        let found = elsewhere.into_iter().find_map(|(place, words)| {
            let action = self.look.keys.find(&[place], key)?;
            self.look.keys.of(&[place], action).map(|hint| (hint.word, words))
        });
        match found {
            Some((word, place)) => self.say(format!("`{key}` ({word}) is for use {place}"), now),
            None => {
                let words = format!("`{key}` means nothing here; {} lists the keys", self.said(Action::Help));
                self.say(words, now);
            }
        }
    }

    /// Returns the places whose keys count now, the nearest first.
    #[must_use]
    pub fn places(&self) -> &'static [Place] {
        match (self.mode, self.focus) {
            (Mode::Matrix, _) => &[Place::Matrix, Place::Verbs, Place::Any],
            (Mode::Log, _) | (Mode::Run, Focus::Log) => &[Place::Log, Place::Verbs, Place::Any],
            (Mode::Run, Focus::List) => &[Place::List, Place::Verbs, Place::Any],
        }
    }

    /// Carries out an action.
    pub fn act(&mut self, action: Action, facts: Facts<'_>) -> Vec<Request> {
        match action {
            Action::Pause => return self.pause(facts),
            Action::Skip => return self.skip(facts),
            Action::Cancel => return self.cancel(facts),
            Action::CancelJob => return self.cancel_job(facts),
            Action::Retry => return self.retry(facts),
            Action::Review => return self.review(facts),
            Action::Freeze => return self.freeze(facts),
            Action::RetryFailed => return self.retry_failed(facts),
            Action::RollBack => return self.roll_back(facts),
            Action::Fresh => return self.fresh(facts),
            Action::Changes => self.show_changes(facts.now),
            Action::Undo => return self.take_back(facts),
            Action::Quit => return self.quit(facts),
            Action::Interrupt => return self.interrupt(facts),
            Action::Stream => return vec![Request::Stream],
            Action::Detach => return vec![Request::Detach],
            Action::Suspend => return vec![Request::Suspend],
            Action::Redraw => return vec![Request::Redraw],
            Action::Copy => return vec![copied(self.log.text(false, COPIED))],
            Action::CopyAll => return vec![copied(self.log.text(true, COPIED))],
            Action::Mouse => {
                self.mouse = !self.mouse;
                let words = if self.mouse {
                    "the mouse scrolls and selects here"
                } else {
                    "the mouse is the terminal's"
                };
                self.say(words, facts.now);
                return vec![Request::Mouse(self.mouse)];
            }
            Action::Help => self.overlay = Some(Overlay::Help { top: 0 }),
            Action::Details => self.overlay = Some(Overlay::Details { top: 0 }),
            Action::Palette => self.overlay = Some(Overlay::Palette { field: Field::default(), cursor: 0 }),
            Action::NextProblem => self.next_problem(facts),
            Action::NextTheme => {
                self.look.theme = (self.look.theme + 1) % self.look.themes.len();
                self.say(format!("theme {}", self.look.theme().name), facts.now);
            }
            Action::Back => self.back(facts.view),
            _ => self.move_about(action, facts),
        }
        Vec::new()
    }

    /// Closes, clears or goes back one step.
    fn back(&mut self, view: &JobView) {
        if self.log.find.is_some() {
            self.log.end_search(false);
        } else if !self.tree.filter.is_empty() {
            self.tree.filter.clear();
        } else if self.tree.failed_only {
            self.tree.failed_only = false;
        } else if self.is_zoomed {
            self.is_zoomed = false;
        } else if self.mode != Mode::Run {
            self.take_along(view);
            self.mode = Mode::Run;
        } else {
            self.focus = Focus::List;
        }
    }

    fn move_about(&mut self, action: Action, facts: Facts<'_>) {
        match action {
            Action::ViewRun => {
                self.take_along(facts.view);
                self.mode = Mode::Run;
            }
            Action::ViewMatrix => self.show_matrix(facts),
            Action::ViewLog => {
                self.take_along(facts.view);
                self.mode = Mode::Log;
            }
            Action::NextPane if self.mode == Mode::Run => {
                self.focus = if self.focus == Focus::List { Focus::Log } else { Focus::List };
            }
            Action::Zoom => self.is_zoomed = !self.is_zoomed,
            Action::Search => {
                self.log.stay_here();
                self.prompt = Some(Prompt::Search { field: Field::default(), is_pattern: false });
            }
            Action::Filter => {
                self.prompt = Some(Prompt::Filter { field: Field::new(self.tree.filter.clone()) });
            }
            Action::NextHit | Action::PreviousHit if self.log.find.is_none() => {
                let words = format!("nothing is searched for; {} begins a search", self.said(Action::Search));
                self.say(words, facts.now);
            }
            Action::NextHit => self.log.next_hit(true),
            Action::PreviousHit => self.log.next_hit(false),
            Action::LogLeft => self.shift_log(-SIDEWAYS, facts),
            Action::LogRight => self.shift_log(SIDEWAYS, facts),
            Action::LineStart => self.log.sideways = 0,
            Action::Follow => self.log.set_follow(!self.log.follow),
            Action::Wrap => self.log.toggle_wrap(),
            Action::Time => self.log.next_time(),
            Action::NextSection => self.log.go_section(true),
            Action::PreviousSection => self.log.go_section(false),
            _ if self.mode == Mode::Matrix => self.move_in_grid(action, facts),
            _ if self.mode == Mode::Log || self.focus == Focus::Log => self.move_in_log(action, facts),
            _ => self.move_in_list(action, facts),
        }
    }

    fn move_in_list(&mut self, action: Action, facts: Facts<'_>) {
        let view = facts.view;
        let page = isize::try_from(self.list_at.0.height.max(2) - 1).unwrap_or(1);
        match action {
            Action::Up => self.tree.step(view, -1),
            Action::Down => self.tree.step(view, 1),
            Action::PageUp => self.tree.step(view, -page),
            Action::PageDown => self.tree.step(view, page),
            Action::First => self.tree.step(view, isize::MIN / 2),
            Action::Last => self.tree.step(view, isize::MAX / 2),
            Action::Left => {
                self.tree.cursor = self.selected(view);
                self.tree.fold(view, false);
            }
            Action::Right => {
                self.tree.cursor = self.selected(view);
                self.tree.fold(view, true);
            }
            Action::Open => {
                self.tree.is_held = true;
                self.focus = Focus::Log;
            }
            Action::FailedOnly => self.tree.failed_only = !self.tree.failed_only,
            _ => {}
        }
    }

    fn shift_log(&mut self, by: isize, facts: Facts<'_>) {
        if let Err(why) = self.log.shift(by) {
            self.say(why, facts.now);
        }
    }

    fn move_in_log(&mut self, action: Action, facts: Facts<'_>) {
        let page = i64::try_from(self.log.height().max(2) - 1).unwrap_or(1);
        match action {
            Action::Up => self.log.scroll(-1),
            Action::Down => self.log.scroll(1),
            Action::HalfUp => self.log.scroll(-(page / 2).max(1)),
            Action::HalfDown => self.log.scroll((page / 2).max(1)),
            Action::PageUp => self.log.scroll(-page),
            Action::PageDown => self.log.scroll(page),
            Action::First => self.log.go_first(),
            Action::Last => self.log.set_follow(true),
            Action::NextCell => self.next_cell(facts, 1),
            Action::PreviousCell => self.next_cell(facts, -1),
            _ => {}
        }
    }

    /// Shows the log of the next cell that has one.
    fn next_cell(&mut self, facts: Facts<'_>, by: isize) {
        let view = facts.view;
        let order: Vec<u32> = view.stages.iter().flat_map(|stage| stage.cells.iter().copied()).collect();
        let begun: Vec<u32> =
            order.into_iter().filter(|&c| view.cells[c as usize].started.is_some()).collect();
        let Some(here) = self.log.cell.and_then(|cell| begun.iter().position(|&it| it == cell)) else {
            return self.say("no other log has begun", facts.now);
        };
        let to = here.saturating_add_signed(by).min(begun.len() - 1);
        if to == here {
            let words = if by > 0 { "this is the last log that has begun" } else { "this is the first log" };
            return self.say(words, facts.now);
        }
        let stage = view.cells[begun[to] as usize].stage;
        let is_many = view.stages[stage as usize].cells.len() > 1;
        let row = if is_many { RowId::Cell(begun[to]) } else { RowId::Stage(stage) };
        self.tree.select(RowId::Stage(stage));
        if is_many {
            self.tree.fold(view, true);
        }
        self.tree.select(row);
    }

    fn show_matrix(&mut self, facts: Facts<'_>) {
        let view = facts.view;
        let is_many = |stage: u32| view.stages.get(stage as usize).is_some_and(|it| it.cells.len() > 1);
        let of_cursor = self.selected(view).map(|id| match id {
            RowId::Stage(stage) => stage,
            RowId::Cell(cell) => view.cells.get(cell as usize).map_or(0, |it| it.stage),
        });
        let begun = |test: &dyn Fn(u32) -> bool| {
            (0..u32::try_from(view.stages.len()).unwrap_or(0)).find(|&stage| is_many(stage) && test(stage))
        };
        let stage = of_cursor
            .filter(|&stage| is_many(stage))
            .or_else(|| begun(&|stage| view.stages[stage as usize].phase.is_live()))
            .or_else(|| begun(&|_| true));
        match stage {
            Some(stage) => {
                self.set_grid_stage(view, stage);
                self.mode = Mode::Matrix;
            }
            None => self.say("no stage with a matrix has begun", facts.now),
        }
    }

    /// Selects the cell under the cursor of the grid in the list, too: all views have one selection.
    fn take_along(&mut self, view: &JobView) {
        if self.mode == Mode::Matrix
            && let Some(cell) = self.grid_cell(view)
        {
            self.tree.select(RowId::Stage(view.cells[cell as usize].stage));
            self.tree.fold(view, true);
            self.tree.select(RowId::Cell(cell));
        }
    }

    /// Goes to the next thing that went wrong, also out of the grid if it is in none.
    fn next_problem(&mut self, facts: Facts<'_>) {
        let view = facts.view;
        self.take_along(view);
        if !self.tree.next_problem(view) {
            return self.say("nothing has failed", facts.now);
        }
        if self.mode == Mode::Matrix {
            match self.tree.chosen() {
                Some(RowId::Cell(cell)) => self.go_to_cell(view, cell),
                _ => self.mode = Mode::Run,
            }
        }
    }

    fn move_in_grid(&mut self, action: Action, facts: Facts<'_>) {
        let view = facts.view;
        match action {
            Action::Up => self.move_grid(view, Direction::Up),
            Action::Down => self.move_grid(view, Direction::Down),
            Action::Left => self.move_grid(view, Direction::Left),
            Action::Right => self.move_grid(view, Direction::Right),
            Action::Open if self.grid_cell(view).is_some() => {
                self.take_along(view);
                self.mode = Mode::Log;
            }
            Action::NextCell | Action::PreviousCell => {
                let many: Vec<u32> = (0u32..)
                    .zip(&view.stages)
                    .filter(|(_, stage)| stage.cells.len() > 1)
                    .map(|(at, _)| at)
                    .collect();
                if many.len() < 2 {
                    return self.say("no other stage with a matrix has begun", facts.now);
                }
                let here = many.iter().position(|&it| Some(it) == self.grid_stage).unwrap_or(0);
                let by = if action == Action::NextCell { 1 } else { many.len().saturating_sub(1) };
                if let Some(&stage) = many.get((here + by) % many.len().max(1)) {
                    self.set_grid_stage(view, stage);
                }
            }
            Action::Transpose => self.transpose_grid(view),
            Action::NextSlice | Action::PreviousSlice => {
                if self.grid_of(view).is_none_or(|grid| grid.slices.len() < 2) {
                    return self.say("two axes or fewer: there is only this slice", facts.now);
                }
                self.grid_slice(view, action == Action::NextSlice);
            }
            Action::FailedOnly => self.grid.toggle_failures(),
            Action::Heat => self.heat(facts),
            _ => {}
        }
    }

    fn heat(&mut self, facts: Facts<'_>) {
        self.grid.toggle_heat();
        let theme = self.look.theme();
        let shades = [Token::Heat1, Token::Heat2, Token::Heat3, Token::Heat4].map(|it| theme.style(it));
        let words = match self.grid.heat {
            true if shades.iter().all(|it| *it == shades[0]) => "this theme has no shades on this terminal",
            true => "cells are shaded by how long they took",
            false => "no shades",
        };
        self.say(words, facts.now);
    }

    fn prompt_key(&mut self, key: &str) {
        let Some(mut prompt) = self.prompt.take() else { return };
        match &mut prompt {
            Prompt::Search { field, is_pattern } => match key {
                // Nothing was typed, so an earlier search stays as it is.
                "esc"
                    if field.text().is_empty()
                        && self.log.find.as_ref().is_some_and(|find| !find.text.is_empty()) =>
                {
                    return;
                }
                "esc" => return self.log.end_search(true),
                "enter" => {
                    let text = field.text().to_owned();
                    if text.is_empty() {
                        self.log.end_search(false);
                    } else {
                        self.searched.retain(|it| *it != text);
                        self.searched.push(text);
                    }
                    return;
                }
                "ctrl-r" => {
                    *is_pattern = !*is_pattern;
                    self.log.search(field.text(), *is_pattern);
                }
                "up" => {
                    let before = self
                        .searched
                        .iter()
                        .rposition(|it| it == field.text())
                        .unwrap_or(self.searched.len());
                    if let Some(text) = before.checked_sub(1).and_then(|at| self.searched.get(at)) {
                        *field = Field::new(text.clone());
                        self.log.search(field.text(), *is_pattern);
                    }
                }
                key => {
                    let before = field.text().to_owned();
                    field.key(key);
                    if field.text() != before {
                        self.log.search(field.text(), *is_pattern);
                    }
                }
            },
            Prompt::Filter { field } => match key {
                "esc" => return self.tree.filter.clear(),
                "enter" => return,
                key => {
                    field.key(key);
                    self.tree.filter = field.text().to_lowercase();
                }
            },
        }
        self.prompt = Some(prompt);
    }

    fn overlay_key(&mut self, key: &str, facts: Facts<'_>) -> Vec<Request> {
        let Some(overlay) = self.overlay.take() else { return Vec::new() };
        match overlay {
            Overlay::Dialog(dialog) => {
                let is_deaf = facts.now.saturating_sub(dialog.opened) < DEAF;
                let question = match self.question(dialog.ask, facts) {
                    Ok(question) => question,
                    Err(over) => {
                        self.say(over, facts.now);
                        return Vec::new();
                    }
                };
                match question.choices.into_iter().find(|it| it.key == key) {
                    Some(choice) if choice.requests.is_empty() => Vec::new(),
                    Some(choice) if !is_deaf => self.answer(choice, &question.title, facts.now),
                    _ => {
                        self.overlay = Some(Overlay::Dialog(dialog));
                        Vec::new()
                    }
                }
            }
            Overlay::Help { top } => {
                if let Some(top) = paged(key, top, self.is(key, Action::Help)) {
                    self.overlay = Some(Overlay::Help { top });
                }
                Vec::new()
            }
            Overlay::Details { top } => {
                if let Some(top) = paged(key, top, self.is(key, Action::Details)) {
                    self.overlay = Some(Overlay::Details { top });
                }
                Vec::new()
            }
            Overlay::Sheet { title, lines, top } => {
                if let Some(top) = paged(key, top, false) {
                    self.overlay = Some(Overlay::Sheet { title, lines, top });
                }
                Vec::new()
            }
            Overlay::Palette { field, cursor } => self.palette_key(key, field, cursor, facts),
            Overlay::Review(review) => self.review_key(review, key, facts),
        }
    }

    fn palette_key(
        &mut self,
        key: &str,
        mut field: Field,
        mut cursor: usize,
        facts: Facts<'_>,
    ) -> Vec<Request> {
        match key {
            "esc" => return Vec::new(),
            "enter" => {
                let found = palette::entries(self, field.text());
                return match found.into_iter().nth(cursor) {
                    Some(entry) => self.carry_out(entry.what, facts),
                    None => Vec::new(),
                };
            }
            "up" | "ctrl-k" => cursor = cursor.saturating_sub(1),
            "down" | "tab" => {
                let count = palette::entries(self, field.text()).len();
                cursor = (cursor + 1).min(count.saturating_sub(1));
            }
            key => {
                field.key(key);
                cursor = 0;
            }
        }
        self.overlay = Some(Overlay::Palette { field, cursor });
        Vec::new()
    }

    fn carry_out(&mut self, what: palette::What, facts: Facts<'_>) -> Vec<Request> {
        match what {
            palette::What::Action(action) => return self.act(action, facts),
            palette::What::Line(line) => {
                if self.mode == Mode::Matrix {
                    self.mode = Mode::Log;
                }
                self.focus = Focus::Log;
                match self.log.go_to_line(line) {
                    Some(line) => {
                        self.say_of_place(format!("line {}", super::draw::grouped(line)), facts.now);
                    }
                    None => self.say("the log has no lines", facts.now),
                }
            }
            palette::What::Theme(at) => {
                self.look.theme = at;
                self.say(format!("theme {}", self.look.theme().name), facts.now);
            }
            palette::What::Stage(stage) => {
                self.tree.select(RowId::Stage(stage));
                self.mode = Mode::Run;
            }
        }
        Vec::new()
    }

    fn click(&mut self, mouse: MouseEvent, facts: Facts<'_>) -> Vec<Request> {
        let at = Position::new(mouse.column, mouse.row);
        let (list, log) = self.list_at;
        let by = match mouse.kind {
            MouseEventKind::ScrollUp => -3,
            MouseEventKind::ScrollDown => 3,
            MouseEventKind::Down(MouseButton::Left) => 0,
            _ => return Vec::new(),
        };
        self.touched = Some(facts.now);
        self.stay();
        match &mut self.overlay {
            Some(Overlay::Help { top } | Overlay::Details { top } | Overlay::Sheet { top, .. }) => {
                *top = top.saturating_add_signed(by);
                return Vec::new();
            }
            Some(_) => return Vec::new(),
            None => {}
        }
        let is_in = |area: Rect| area.contains(at);
        if self.mode == Mode::Matrix {
            return Vec::new();
        }
        if is_in(list) {
            if by != 0 {
                self.tree.step(facts.view, by);
            } else {
                let rows = self.tree.rows(facts.view);
                if let Some(row) = rows.get(self.tree.top + usize::from(mouse.row - list.y)) {
                    let again = self.tree.cursor == Some(row.id) && self.focus == Focus::List;
                    self.tree.select(row.id);
                    if let (true, Some(is_open)) = (again, row.fold) {
                        self.tree.fold(facts.view, !is_open);
                    }
                }
                self.focus = Focus::List;
            }
        } else if is_in(log) {
            if by != 0 {
                self.log.scroll(i64::try_from(by).unwrap_or(0));
            }
            self.focus = Focus::Log;
        }
        Vec::new()
    }

    /// Notes the end of the job: leaves by itself after a plain success that nobody looks closer at, but not before it could
    /// be seen.
    pub fn ended(&mut self, facts: Facts<'_>, stays: bool) {
        let is_busy = self.touched.is_some_and(|at| facts.now.saturating_sub(at) < BUSY);
        if self.leave_at_end {
            self.leave_at = Some(facts.now);
        } else if is_plain_success(facts.view) && !is_busy && !stays {
            self.leave_after = Some((self.opened + SEEN).saturating_sub(facts.now).max(LAST_SEEN));
        }
        self.undo = None;
        self.log.look_again();
    }
}

/// Says whether a job passed and there is nothing about it that somebody should know.
fn is_plain_success(view: &JobView) -> bool {
    let bad = view.stage_counts.failed + view.stage_counts.cancelled;
    let bad_cells = view.cell_counts.failed + view.cell_counts.cancelled;
    view.phase == Phase::Done(Outcome::Success)
        && !view.rescued
        && bad + bad_cells == 0
        && view.survivors.is_empty()
}

fn copied((text, is_all): (String, bool)) -> Request {
    Request::Copy { text, is_all }
}

/// Says whether an action makes sense without a look at what it is about.
fn is_for_any_size(action: Action) -> bool {
    let any = [
        Action::Pause,
        Action::CancelJob,
        Action::Undo,
        Action::Quit,
        Action::Interrupt,
        Action::Stream,
        Action::Detach,
        Action::Suspend,
        Action::Redraw,
    ];
    any.contains(&action)
}

fn is_verb(action: Action) -> bool {
    let verbs = [
        Action::Pause,
        Action::Skip,
        Action::Cancel,
        Action::CancelJob,
        Action::Retry,
        Action::RetryFailed,
        Action::RollBack,
        Action::Fresh,
        Action::Freeze,
        Action::Quit,
    ];
    verbs.contains(&action)
}

/// Notes a verb that was pressed now; says whether so many came so fast that they are a paste.
pub(super) fn is_burst(pressed: &mut Vec<Duration>, now: Duration) -> bool {
    let (most, span) = BURST;
    pressed.retain(|at| now.saturating_sub(*at) < span);
    pressed.push(now);
    pressed.len() >= most
}

/// Returns where a page is scrolled to after a key; nothing if the key closes it, as the one does that opened it.
pub(super) fn paged(key: &str, top: usize, is_own: bool) -> Option<usize> {
    Some(match key {
        "j" | "down" => top + 1,
        "k" | "up" => top.saturating_sub(1),
        "pgdn" | "space" | "ctrl-d" => top + 10,
        "pgup" | "b" | "ctrl-u" => top.saturating_sub(10),
        "g" | "home" => 0,
        // What draws it knows where the end is.
        "G" | "end" => usize::MAX / 2,
        _ if is_own || ["esc", "q", "enter"].contains(&key) => return None,
        _ => top,
    })
}
