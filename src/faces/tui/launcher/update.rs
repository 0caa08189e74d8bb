//! What keys, clicks and pastes do to the launcher.
//!
//! Pure: what is to be done outside comes back as requests. Not here: which key means which action (`keymap.rs`), the
//! form's own keys (`form.rs`).

use std::time::Duration;

use crossterm::event::{Event as Input, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::book::Content;
use super::form::{Form, FormKey};
use super::state::{Focus, Launcher, Outline, Overlay, Request};
use crate::faces::launch::{Commands, Unbegun, Wanted};
use crate::faces::tui::field::Field;
use crate::faces::tui::keymap::{self, Action, Place};
use crate::faces::tui::update::{DEAF, is_burst, paged};
use crate::logic::text::plural;

/// Two clicks within this time are one double click.
const DOUBLE: Duration = Duration::from_millis(400);

/// Where keys are looked up.
pub(super) const PLACES: &[Place] = &[Place::Launcher];

impl Launcher {
    /// Takes what came from the terminal.
    pub(super) fn take(&mut self, input: &Input, now: Duration) -> Vec<Request> {
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => match keymap::name(key) {
                Some(name) => self.key(&name, now),
                None => Vec::new(),
            },
            Input::Paste(text) => {
                self.paste(text, now);
                Vec::new()
            }
            Input::Mouse(mouse) => self.click(*mouse, now),
            _ => Vec::new(),
        }
    }

    fn paste(&mut self, text: &str, now: Duration) {
        let is_taken = match (&self.overlay, &mut self.form, &mut self.prompt) {
            (Some(_), _, _) => false,
            (None, Some(form), _) => form.paste(text),
            (None, None, Some(field)) => {
                field.insert(text);
                self.filter = field.text().to_owned();
                self.find();
                true
            }
            (None, None, None) => false,
        };
        if !is_taken {
            self.say("a paste outside of a text field does nothing", now);
        }
    }

    /// Takes a key by its name.
    pub(super) fn key(&mut self, key: &str, now: Duration) -> Vec<Request> {
        if self.starting.is_some() {
            // What a start has begun goes on by itself; leaving ends it, too.
            return if key == "ctrl-c" { vec![Request::Abandon] } else { Vec::new() };
        }
        if key == "ctrl-c" {
            return vec![Request::Leave];
        }
        if self.is_tiny {
            return match self.look.keys.find(PLACES, key) {
                Some(Action::Quit) => vec![Request::Leave],
                Some(action @ (Action::Suspend | Action::Redraw)) => self.act(action, now),
                // What it would do could not be seen.
                _ => Vec::new(),
            };
        }
        if self.overlay.is_some() {
            return self.overlay_key(key, now);
        }
        if self.form.is_some() {
            return self.form_key(key);
        }
        if self.prompt.is_some() {
            self.prompt_key(key);
            return Vec::new();
        }
        let Some(action) = self.look.keys.find(PLACES, key) else { return Vec::new() };
        if matches!(action, Action::Open | Action::WatchLast | Action::Quit) && is_burst(&mut self.burst, now)
        {
            self.say("so many keys at once look like a paste, and do nothing", now);
            return Vec::new();
        }
        self.act(action, now)
    }

    fn act(&mut self, action: Action, now: Duration) -> Vec<Request> {
        match action {
            Action::Open => return self.open(now),
            Action::Plan => return self.outline(now),
            Action::WatchLast if self.jobs.is_empty() => self.say("no job has run here yet", now),
            Action::WatchLast => return vec![Request::Watch],
            Action::New => return vec![Request::New],
            Action::Edit => return self.edit(now),
            Action::Change => match self.selected() {
                // As it is now: somebody may have mended it since it was read.
                Some(book) => return vec![Request::Change(book.path.clone())],
                None => self.say("no playbook is selected", now),
            },
            Action::Quit => return vec![Request::Leave],
            Action::Suspend => return vec![Request::Suspend],
            Action::Redraw => return vec![Request::Redraw],
            Action::Help => self.overlay = Some(Overlay::Help { top: 0 }),
            Action::Filter => self.prompt = Some(Field::new(self.filter.clone())),
            Action::NextPane => {
                self.focus = if self.focus == Focus::List { Focus::Preview } else { Focus::List };
            }
            Action::Zoom => {
                self.is_zoomed = !self.is_zoomed;
                self.focus = if self.is_zoomed { Focus::Preview } else { Focus::List };
            }
            Action::NextTheme => {
                self.look.theme = (self.look.theme + 1) % self.look.themes.len();
                self.say(format!("theme {}", self.look.theme().name), now);
            }
            Action::Mouse => {
                self.mouse = !self.mouse;
                let words = if self.mouse {
                    "the mouse scrolls and selects here"
                } else {
                    "the mouse is the terminal's"
                };
                self.say(words, now);
                return vec![Request::Mouse(self.mouse)];
            }
            Action::Back => self.back(),
            _ => self.go(action),
        }
        Vec::new()
    }

    fn back(&mut self) {
        if self.outline.is_some() {
            self.outline = None;
            self.preview_top = 0;
        } else if self.is_zoomed {
            self.is_zoomed = false;
            self.focus = Focus::List;
        } else if self.focus == Focus::Preview {
            self.focus = Focus::List;
        } else if !self.filter.is_empty() {
            self.filter.clear();
            self.find();
        }
    }

    fn go(&mut self, action: Action) {
        let is_list = self.focus == Focus::List;
        let area = if is_list { self.places.list } else { self.places.preview };
        let page = isize::try_from(area.height.max(2) - 1).unwrap_or(1);
        let by = match action {
            Action::Up => -1,
            Action::Down => 1,
            Action::PageUp => -page,
            Action::PageDown => page,
            Action::First => isize::MIN / 2,
            Action::Last => isize::MAX / 2,
            _ => return,
        };
        if is_list {
            self.step(by);
        } else {
            // Drawing keeps it within the text.
            self.preview_top = self.preview_top.saturating_add_signed(by);
        }
    }

    /// Says why the selected book cannot be run, if so.
    fn refusal(&self) -> Option<String> {
        match self.selected().map(|book| &book.content) {
            None if self.books.is_empty() => Some("there is no playbook here yet".to_owned()),
            None => Some("no playbook is selected".to_owned()),
            Some(Content::Broken(broken)) => {
                let key = self.look.keys.said(PLACES, Action::Plan);
                Some(format!("it has {}; {key} shows all of it", plural(broken.errors(), "error")))
            }
            Some(Content::Unreadable(why)) => Some(why.clone()),
            Some(Content::Good(_) | Content::Unread) => None,
        }
    }

    fn open(&mut self, now: Duration) -> Vec<Request> {
        match &self.cursor {
            // One that was broken may have been mended meanwhile, so the loop looks again in any case.
            Some(path) if self.selected().is_some() => vec![Request::Open(path.clone())],
            _ => {
                if let Some(why) = self.refusal() {
                    self.say(why, now);
                }
                Vec::new()
            }
        }
    }

    /// Opens the selected book in an editor, where the first problem is.
    fn edit(&mut self, now: Duration) -> Vec<Request> {
        let Some(book) = self.selected() else {
            self.say("no playbook is selected", now);
            return Vec::new();
        };
        let line = match &book.content {
            Content::Broken(broken) => broken.first_line(),
            Content::Good(_) | Content::Unread | Content::Unreadable(_) => None,
        };
        vec![Request::Edit(book.path.clone(), line)]
    }

    /// Says whether the selected book can be changed by questions, now that its file has been read again; if not, why, and
    /// the way out.
    pub(super) fn is_changeable(&mut self, now: Duration) -> bool {
        let what = match self.selected().map(|book| &book.content) {
            Some(Content::Broken(broken)) => broken.unchangeable(),
            Some(Content::Unreadable(why)) => {
                let why = why.clone();
                self.say(why, now);
                return false;
            }
            Some(Content::Good(_) | Content::Unread) | None => None,
        };
        let Some(what) = what else { return true };
        let key = |action| self.look.keys.said(PLACES, action);
        let (why, editor) = (key(Action::Plan), key(Action::Edit));
        let words = format!("questions cannot change {what}: {why} shows why, {editor} opens an editor");
        self.say(words, now);
        false
    }

    /// Asks for profile and inputs of the selected book or starts it, now that its file has been read again.
    pub(super) fn opened(&mut self, now: Duration) -> Vec<Request> {
        if let Some(why) = self.refusal() {
            self.say(why, now);
            return Vec::new();
        }
        let Some(book) = self.selected() else { return Vec::new() };
        let Some(good) = book.content.good() else { return Vec::new() };
        let path = book.path.clone();
        if !Form::is_needed(&good.playbook) {
            return vec![Request::Begin(Wanted::plain(path), Vec::new())];
        }
        self.form = Some(Form::new(path.clone(), &good.playbook, self.typed.get(&path)));
        Vec::new()
    }

    fn outline(&mut self, now: Duration) -> Vec<Request> {
        if self.selected().is_some_and(|book| book.content.is_bad()) {
            // There is no plan, but all that stands in its way.
            self.is_zoomed = true;
            self.focus = Focus::Preview;
            self.preview_top = 0;
            return Vec::new();
        }
        if let Some(why) = self.refusal() {
            self.say(why, now);
            return Vec::new();
        }
        let Some(book) = self.selected() else { return Vec::new() };
        let Some(good) = book.content.good() else { return Vec::new() };
        let path = book.path.clone();
        // With what was chosen and typed last, else with the defaults.
        let form = Form::new(path.clone(), &good.playbook, self.typed.get(&path));
        if !form.has_all_inputs() {
            let key = self.look.keys.said(PLACES, Action::Open);
            self.say(format!("it has inputs that nobody has given yet: {key} asks for them"), now);
            return Vec::new();
        }
        // What is wrong with a profile is told in place of its plan.
        let wanted = form.wanted();
        self.outline = Some(Outline { path, profile: wanted.profile.clone(), lines: None });
        self.preview_top = 0;
        vec![Request::Outline(wanted)]
    }

    fn prompt_key(&mut self, key: &str) {
        match key {
            "esc" => {
                self.prompt = None;
                self.filter.clear();
                self.find();
            }
            "enter" => self.prompt = None,
            "up" => self.step(-1),
            "down" => self.step(1),
            key => {
                let Some(field) = &mut self.prompt else { return };
                field.key(key);
                if self.filter != field.text() {
                    self.filter = field.text().to_owned();
                    self.find();
                    // What fits best is what was meant.
                    self.select(0);
                }
            }
        }
    }

    fn form_key(&mut self, key: &str) -> Vec<Request> {
        let Some(form) = &mut self.form else { return Vec::new() };
        match form.key(key) {
            FormKey::Taken => {}
            FormKey::Close => self.close_form(),
            FormKey::Run => return self.run_form(),
        }
        Vec::new()
    }

    fn close_form(&mut self) {
        if let Some(form) = self.form.take() {
            let typed = form.typed();
            self.typed.insert(form.path, typed);
        }
    }

    fn run_form(&mut self) -> Vec<Request> {
        let Some(form) = &mut self.form else { return Vec::new() };
        if !form.check() {
            return Vec::new();
        }
        let wanted = form.wanted();
        let typed = form.typed();
        self.typed.insert(form.path.clone(), typed);
        vec![Request::Begin(wanted, Vec::new())]
    }

    /// Takes why nothing was started.
    pub fn not_begun(&mut self, wanted: Wanted, why: Unbegun, now: Duration) {
        self.overlay = Some(match why {
            Unbegun::Asks { playbook, commands } => {
                Overlay::Trust { wanted, playbook, commands, top: 0, opened: now }
            }
            Unbegun::Told(lines) => Overlay::Sheet { title: "Nothing was started".to_owned(), lines, top: 0 },
        });
    }

    fn overlay_key(&mut self, key: &str, now: Duration) -> Vec<Request> {
        let Some(overlay) = self.overlay.take() else { return Vec::new() };
        self.overlay = match overlay {
            Overlay::Help { top } => {
                let is_own = self.look.keys.find(PLACES, key) == Some(Action::Help);
                paged(key, top, is_own).map(|top| Overlay::Help { top })
            }
            Overlay::Sheet { title, lines, top } => {
                paged(key, top, false).map(|top| Overlay::Sheet { title, lines, top })
            }
            Overlay::Trust { wanted, playbook, commands, top, opened } => {
                return self.trust_key(key, (wanted, playbook, commands), (top, opened), now);
            }
        };
        Vec::new()
    }

    /// Enter is no answer here, and neither is what was typed before the question could be read.
    fn trust_key(
        &mut self,
        key: &str,
        (wanted, playbook, commands): (Wanted, String, Commands),
        (top, opened): (usize, Duration),
        now: Duration,
    ) -> Vec<Request> {
        let is_deaf = now.saturating_sub(opened) < DEAF;
        let top = match key {
            "y" if !is_deaf => return vec![Request::Begin(wanted, commands)],
            "esc" => {
                self.say(format!("`{playbook}` was not trusted, so nothing was started"), now);
                return Vec::new();
            }
            "enter" | "q" => top,
            key => paged(key, top, false).unwrap_or(top),
        };
        self.overlay = Some(Overlay::Trust { wanted, playbook, commands, top, opened });
        Vec::new()
    }

    fn click(&mut self, mouse: MouseEvent, now: Duration) -> Vec<Request> {
        let by: isize = match mouse.kind {
            MouseEventKind::ScrollUp => -3,
            MouseEventKind::ScrollDown => 3,
            MouseEventKind::Down(MouseButton::Left) => 0,
            _ => return Vec::new(),
        };
        if self.starting.is_some() {
            return Vec::new();
        }
        if let Some(overlay) = &mut self.overlay {
            let (Overlay::Help { top } | Overlay::Sheet { top, .. } | Overlay::Trust { top, .. }) = overlay;
            *top = top.saturating_add_signed(by);
            return Vec::new();
        }
        let at = Position::new(mouse.column, mouse.row);
        let places = self.places;
        if let Some(form) = &mut self.form {
            if places.form.contains(at) {
                let row = form.row_at(mouse.row - places.form.y);
                let to = if by == 0 { row } else { form.at.saturating_add_signed(by.signum()) };
                let is_button = by == 0 && row == form.rows.len();
                form.go(to);
                if is_button {
                    return self.run_form();
                }
            }
        } else if places.list.contains(at) {
            self.focus = Focus::List;
            if by != 0 {
                self.step(by);
                return Vec::new();
            }
            return self.click_row(self.top + usize::from(mouse.row - places.list.y), now);
        } else if places.preview.contains(at) {
            self.focus = Focus::Preview;
            self.preview_top = self.preview_top.saturating_add_signed(by);
        }
        Vec::new()
    }

    fn click_row(&mut self, row: usize, now: Duration) -> Vec<Request> {
        if row >= self.hits.len() {
            return Vec::new();
        }
        self.prompt = None;
        self.select(row);
        let Some(path) = self.cursor.clone() else { return Vec::new() };
        let is_double =
            self.clicked.take().is_some_and(|(it, at)| it == path && now.saturating_sub(at) <= DOUBLE);
        if is_double {
            return vec![Request::Open(path)];
        }
        self.clicked = Some((path, now));
        Vec::new()
    }
}
