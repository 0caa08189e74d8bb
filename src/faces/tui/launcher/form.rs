//! The form for the profile and the inputs of a playbook: what is chosen and typed, and what is wrong with it.
//!
//! Pure. What is right is decided where the command line decides it (`logic/plan`). Not here: how it looks
//! (`form_draw.rs`), what a profile is (`profile.rs`).

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value as Json;

use super::profile;
use crate::faces::launch::Wanted;
use crate::faces::tui::field::Field;
use crate::logic::plan::inputs;
use crate::logic::playbook::model::{Input, InputKind, Playbook};
use crate::logic::value::Value;

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;

/// A form.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) path: PathBuf,
    /// As it was when the form was opened.
    playbook: Arc<Playbook>,
    /// The inputs, and before them the profile, if there is one to choose.
    pub(super) rows: Vec<FormRow>,
    /// The row that keys go to; the one after the last is the button.
    pub(super) at: usize,
    /// The first row that is shown.
    pub(super) top: usize,
    /// How far down each row that is shown begins.
    pub(super) starts: Vec<u16>,
}

/// An input with its value; the profile is asked for as if it were one.
#[derive(Clone, Debug)]
pub(in crate::faces::tui) struct FormRow {
    pub(in crate::faces::tui) input: Input,
    pub(super) entry: Entry,
    /// What is wrong with the value, and the way out.
    pub(in crate::faces::tui) problem: Option<(String, Option<String>)>,
    /// What is wrong although the value is one that the input takes.
    trouble: Option<(String, Option<String>)>,
    /// It is told: somebody has left the field with it, or wanted to run the playbook.
    is_told: bool,
}

impl PartialEq for FormRow {
    /// Two rows of one input are the same if they say the same.
    fn eq(&self, other: &Self) -> bool {
        (&self.input.name, &self.entry, &self.problem, self.is_told)
            == (&other.input.name, &other.entry, &other.problem, other.is_told)
    }
}

/// A value that is being chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Text(Field),
    Choice(Option<usize>),
    Truth(Option<bool>),
}

/// What a key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormKey {
    /// Nothing more is to be done.
    Taken,
    Close,
    /// The playbook is to be run, if nothing is wrong.
    Run,
}

/// What was typed and chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::faces::tui) struct Typed {
    profile: Option<String>,
    /// Values of inputs, as texts by name.
    inputs: Vec<(String, String)>,
}

impl Form {
    /// Says whether there is anything to ask before a playbook is started.
    pub(super) fn is_needed(playbook: &Playbook) -> bool {
        !playbook.inputs.is_empty() || !playbook.profiles.is_empty()
    }

    /// Returns the form of a playbook, with its defaults, or with what was typed before.
    pub(super) fn new(path: PathBuf, playbook: &Arc<Playbook>, typed: Option<&Typed>) -> Self {
        let before = typed.and_then(|it| it.profile.as_deref());
        let inputs = playbook.inputs.iter().map(|input| FormRow::new(input, typed));
        let rows: Vec<FormRow> = profile::row(playbook, before).into_iter().chain(inputs).collect();
        let (playbook, starts) = (Arc::clone(playbook), Vec::new());
        let mut form = Self { path, playbook, rows, at: 0, top: 0, starts };
        form.look_at_profile();
        // The first one that needs somebody, else the button: Enter is enough where everything has a default. A profile
        // that is alone is what the form is about, and Enter runs from there, too.
        let is_alone = form.playbook.inputs.is_empty();
        let wrong = form.rows.iter().position(|row| row.problem.is_some());
        form.at = wrong.unwrap_or(if is_alone { 0 } else { form.rows.len() });
        form
    }

    /// Returns what stands above it.
    pub(super) fn title(&self) -> String {
        let what = match (self.has_profile(), self.playbook.inputs.is_empty()) {
            (true, true) => "Profile",
            (true, false) => "Profile and inputs",
            (false, _) => "Inputs",
        };
        format!("{what} of {}", self.playbook.name)
    }

    fn has_profile(&self) -> bool {
        !self.playbook.profiles.is_empty()
    }

    /// Returns the rows of the inputs.
    fn inputs(&self) -> impl Iterator<Item = &FormRow> {
        self.rows.iter().skip(usize::from(self.has_profile()))
    }

    /// Returns the profile that is chosen.
    fn profile(&self) -> Option<&str> {
        let row = self.rows.first().filter(|_| self.has_profile())?;
        let Entry::Choice(at) = row.entry else { return None };
        profile::at(&self.playbook, at?).map(|it| &*it.name)
    }

    /// Returns what was typed, to fill the next form with.
    pub(super) fn typed(&self) -> Typed {
        let typed = |row: &FormRow| row.entry.text(&row.input).map(|text| (row.input.name.to_string(), text));
        Typed {
            profile: self.profile().map(str::to_owned),
            inputs: self.inputs().filter_map(typed).collect(),
        }
    }

    /// Returns the playbook with the profile, and with the values that differ from leaving everything as it is.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted { path: self.path.clone(), profile: self.profile().map(str::to_owned), inputs: self.given() }
    }

    fn given(&self) -> Vec<(String, Json)> {
        self.inputs().filter_map(FormRow::given).collect()
    }

    /// Looks at all values; goes to the first one that is wrong. Returns whether none is.
    pub(super) fn check(&mut self) -> bool {
        self.look_at_profile();
        for row in &mut self.rows {
            row.tell();
        }
        match self.rows.iter().position(|row| row.problem.is_some()) {
            Some(at) => self.at = at,
            None => return true,
        }
        false
    }

    /// Says whether all inputs have values that they take.
    pub(super) fn has_all_inputs(&self) -> bool {
        self.inputs().all(|row| row.problem.is_none())
    }

    /// Finds out what the chosen profile is, and whether it can be run, with the values as they are now.
    fn look_at_profile(&mut self) {
        if !self.has_profile() {
            return;
        }
        let about = profile::about(&self.playbook, self.profile());
        let trouble = self.profile().and_then(|it| profile::trouble(&self.playbook, it, self.given()));
        if let Some(row) = self.rows.first_mut() {
            row.input.description = Some(about);
            row.trouble = trouble;
            row.check();
        }
    }

    /// Says whether the row that keys go to is one of choices.
    pub(super) fn is_at_choice(&self) -> bool {
        self.rows.get(self.at).is_some_and(|row| matches!(row.entry, Entry::Choice(_)))
    }

    /// Goes to a row; what is left is looked at.
    pub(super) fn go(&mut self, to: usize) {
        let to = to.min(self.rows.len());
        if let Some(row) = self.rows.get_mut(self.at).filter(|_| to != self.at) {
            row.tell();
        }
        self.at = to;
    }

    /// Returns the row that is shown so far down.
    pub(super) fn row_at(&self, down: u16) -> usize {
        let shown = self.starts.iter().filter(|&&start| start <= down).count();
        (self.top + shown.saturating_sub(1)).min(self.rows.len())
    }

    /// Takes a key by its name.
    pub(super) fn key(&mut self, key: &str) -> FormKey {
        let last = self.rows.len().saturating_sub(1);
        match key {
            "esc" => return FormKey::Close,
            "enter" if self.at >= last => return FormKey::Run,
            "enter" | "tab" | "down" => self.go(if self.at == self.rows.len() { 0 } else { self.at + 1 }),
            "shift-tab" | "up" => self.go(self.at.checked_sub(1).unwrap_or(self.rows.len())),
            key => {
                if let Some(row) = self.rows.get_mut(self.at) {
                    row.key(key);
                }
                if self.at == 0 {
                    self.look_at_profile();
                }
            }
        }
        FormKey::Taken
    }

    /// Takes pasted text; returns whether there was a place for it.
    pub(super) fn paste(&mut self, text: &str) -> bool {
        // A line break at the end of a copied line is no part of a value.
        let line = text.trim_end_matches(['\r', '\n']).replace(['\r', '\n'], " ");
        self.rows.get_mut(self.at).is_some_and(|row| row.paste(&line))
    }
}

impl FormRow {
    pub(in crate::faces::tui) fn new(input: &Input, typed: Option<&Typed>) -> Self {
        let before = typed.and_then(|typed| typed.inputs.iter().find(|(name, _)| **name == *input.name));
        let default = input.default.as_ref().map(plain);
        let text = before.map(|(_, text)| text.clone()).or(default);
        let entry = match &input.kind {
            InputKind::Choice { options } => {
                Entry::Choice(text.and_then(|text| options.iter().position(|it| *it == text)))
            }
            InputKind::Boolean => Entry::Truth(text.map(|text| text == "true")),
            InputKind::String { .. } | InputKind::Number | InputKind::Json => {
                Entry::Text(Field::new(text.unwrap_or_default()))
            }
        };
        let mut row = Self { input: input.clone(), entry, problem: None, trouble: None, is_told: false };
        row.check();
        row
    }

    /// Returns the row of an input with the option that is chosen.
    pub(super) fn chosen(input: &Input, at: usize) -> Self {
        let mut row = Self::new(input, None);
        row.entry = Entry::Choice(Some(at));
        row.check();
        row
    }

    /// Inserts a line of text; says whether there was a place for it.
    pub(in crate::faces::tui) fn paste(&mut self, line: &str) -> bool {
        let Entry::Text(field) = &mut self.entry else { return false };
        field.insert(line);
        self.check();
        true
    }

    /// Returns what is told to be wrong, and the way out.
    pub(super) fn told(&self) -> Option<&(String, Option<String>)> {
        self.problem.as_ref().filter(|_| self.is_told)
    }

    pub(in crate::faces::tui) fn tell(&mut self) {
        self.check();
        self.is_told = self.problem.is_some();
    }

    /// Returns the value, unless it is the default anyway or nothing was said.
    pub(in crate::faces::tui) fn given(&self) -> Option<(String, Json)> {
        let text = self.entry.text(&self.input)?;
        let default = self.input.default.as_ref().map(plain);
        let is_silent = match &default {
            Some(default) => *default == text,
            None => text.is_empty(),
        };
        (!is_silent).then(|| (self.input.name.to_string(), Json::String(text)))
    }

    fn check(&mut self) {
        let given: Vec<(String, Json)> = self.given().into_iter().collect();
        let found = inputs::check(std::slice::from_ref(&self.input), &given);
        self.problem = found.err().and_then(|problems| problems.into_iter().next()).map(|it| match it.slug {
            // How to give it on a command line helps nobody here.
            "missing-input" => (format!("`{}` is required", self.input.name), None),
            _ => (it.message, it.help),
        });
        self.problem = self.problem.take().or_else(|| self.trouble.clone());
        // Nobody is told of what is half typed; but what has been told goes as soon as it is mended.
        self.is_told &= self.problem.is_some();
    }

    pub(in crate::faces::tui) fn key(&mut self, key: &str) {
        let options: &[String] = match &self.input.kind {
            InputKind::Choice { options } => options,
            _ => &[],
        };
        match &mut self.entry {
            Entry::Text(field) => {
                field.key(key);
            }
            Entry::Choice(at) => *at = chosen(options, *at, key),
            Entry::Truth(truth) => match key {
                "space" | "left" | "right" => *truth = Some(!truth.unwrap_or(false)),
                "y" | "t" => *truth = Some(true),
                "n" | "f" => *truth = Some(false),
                _ => {}
            },
        }
        self.check();
    }
}

/// Returns the option that a key goes to: a neighbour, or the next one that begins with that letter.
fn chosen(options: &[String], at: Option<usize>, key: &str) -> Option<usize> {
    let count = options.len();
    if count == 0 {
        return None;
    }
    match key {
        "right" | "space" => Some(at.map_or(0, |at| (at + 1) % count)),
        "left" => Some(at.map_or(count - 1, |at| (at + count - 1) % count)),
        "home" => Some(0),
        "end" => Some(count - 1),
        key if key.chars().count() == 1 => {
            let from = at.map_or(0, |at| at + 1);
            let begins = |&it: &usize| options[it].to_lowercase().starts_with(&key.to_lowercase());
            (0..count).map(|by| (from + by) % count).find(begins).or(at)
        }
        _ => at,
    }
}

impl Entry {
    /// Returns the value as text; nothing if nothing was chosen.
    fn text(&self, input: &Input) -> Option<String> {
        match (self, &input.kind) {
            (Self::Text(field), _) => Some(field.text().to_owned()),
            (Self::Choice(at), InputKind::Choice { options }) => at.and_then(|at| options.get(at)).cloned(),
            (Self::Choice(_), _) => None,
            (Self::Truth(truth), _) => truth.map(|truth| truth.to_string()),
        }
    }
}

/// Returns text as it is and everything else as JSON writes it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        other => other.to_json().to_string(),
    }
}
