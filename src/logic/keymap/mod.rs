//! The keymap: which key asks for what where, as it is here: the keys that sortie comes with, and what a person made of them.
//!
//! Start with [`Keymap`]. `table.rs` has the keys that sortie comes with, `action.rs` what they ask for and where, `key.rs` the
//! names of keys, `read.rs` reads a person's file. Not here: where that is (`engine/keymaps.rs`), what actions do (`faces/tui`).

mod action;
pub mod key;
mod read;
mod table;

#[cfg(test)]
mod tests;

pub use action::{ACTIONS, Action, Place};
pub use read::{Reading, applies_at, can_be_bound, read, told};
pub use table::{Binding, TABLE};

/// An action at a place, with its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    pub place: Place,
    pub action: Action,
    /// Names of keys, those that the person gave first. It may have none.
    pub keys: Vec<String>,
    /// One or two words, for the key line and the palette.
    pub word: &'static str,
    /// The rest of the sentence, for the help; empty if the word says it all.
    pub about: &'static str,
    /// So many of its keys are the person's.
    own: usize,
}

impl Bound {
    /// Returns the keys that sortie comes with.
    #[must_use]
    pub fn default_keys(&self) -> &'static [&'static str] {
        TABLE.iter().find(|it| it.place == self.place && it.action == self.action).map_or(&[], |it| it.keys)
    }

    /// Says whether the person changed its keys.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.keys.iter().ne(self.default_keys())
    }
}

/// What an action is called at a place, and the key that does it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint<'k> {
    /// Nothing, if no key does it.
    pub key: Option<&'k str>,
    pub word: &'static str,
    pub about: &'static str,
}

/// Which key asks for what where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    /// By place, in the order of the table.
    bound: Vec<Bound>,
}

impl Default for Keymap {
    /// Returns the keys that sortie comes with.
    fn default() -> Self {
        let bound = |it: &Binding| Bound {
            place: it.place,
            action: it.action,
            keys: it.keys.iter().map(|key| (*key).to_owned()).collect(),
            word: it.word,
            about: it.about,
            own: 0,
        };
        Self { bound: TABLE.iter().map(bound).collect() }
    }
}

impl Keymap {
    /// Finds what a key does; the first place is asked first.
    #[must_use]
    pub fn find(&self, places: &[Place], key: &str) -> Option<Action> {
        places
            .iter()
            .find_map(|place| self.at(*place).find(|it| it.keys.iter().any(|it| it == key)))
            .map(|it| it.action)
    }

    /// Returns what an action is called at the first of the places that has it, and a key that does it there.
    #[must_use]
    pub fn of(&self, places: &[Place], action: Action) -> Option<Hint<'_>> {
        let first = places.iter().find_map(|place| self.at(*place).find(|it| it.action == action))?;
        let key = self.keys(places, action).next();
        Some(Hint { key, word: first.word, about: first.about })
    }

    /// Returns the keys that do an action at these places: those that a nearer place has for something else are left out.
    pub fn keys<'k: 'p, 'p>(
        &'k self,
        places: &'p [Place],
        action: Action,
    ) -> impl Iterator<Item = &'k str> + 'p {
        let all = places.iter().flat_map(|place| self.at(*place)).filter(move |it| it.action == action);
        all.flat_map(|it| &it.keys)
            .map(String::as_str)
            .filter(move |key| self.find(places, key) == Some(action))
    }

    /// Returns the key that does an action, as sentences have it: `Ctrl-r`; without one, the word for the action in backticks.
    #[must_use]
    pub fn said(&self, places: &[Place], action: Action) -> String {
        match self.of(places, action) {
            Some(Hint { key: Some(key), .. }) => key::spoken(key),
            Some(Hint { word, .. }) => format!("`{word}`"),
            None => format!("`{}`", action.name()),
        }
    }

    /// Returns what keys do at a place, in the order of the help; actions without a key are among them.
    pub fn at(&self, place: Place) -> impl Iterator<Item = &Bound> {
        self.bound.iter().filter(move |it| it.place == place)
    }

    /// Returns what keys do at all places, in the order of the table.
    pub fn all(&self) -> impl Iterator<Item = &Bound> {
        self.bound.iter()
    }

    /// Returns the actions that no key does at these places, each once.
    #[must_use]
    pub fn keyless(&self, places: &[Place]) -> Vec<&Bound> {
        let mut found: Vec<&Bound> = Vec::new();
        for it in places.iter().flat_map(|place| self.at(*place)) {
            let is_new = found.iter().all(|known| known.action != it.action);
            if is_new && self.keys(places, it.action).next().is_none() {
                found.push(it);
            }
        }
        found
    }

    /// Takes a key away at a place; returns what it did there.
    fn take(&mut self, place: Place, key: &str) -> Option<Action> {
        let it = self.bound.iter_mut().find(|it| it.place == place && it.keys.iter().any(|it| it == key))?;
        let at = it.keys.iter().position(|it| it == key)?;
        it.keys.remove(at);
        it.own -= usize::from(at < it.own);
        Some(it.action)
    }

    /// Gives a key a meaning at a place, in place of what it did there.
    fn give(&mut self, place: Place, key: &str, action: Action) {
        self.take(place, key);
        let at = match self.bound.iter().position(|it| it.place == place && it.action == action) {
            Some(at) => at,
            None => {
                // Words are those of where the action is at home.
                let Some(home) = TABLE.iter().find(|it| it.action == action) else { return };
                let new =
                    Bound { place, action, keys: Vec::new(), word: home.word, about: home.about, own: 0 };
                let behind =
                    self.bound.iter().rposition(|it| it.place == place).map_or(self.bound.len(), |at| at + 1);
                self.bound.insert(behind, new);
                behind
            }
        };
        if let Some(it) = self.bound.get_mut(at) {
            it.keys.insert(it.own, key.to_owned());
            it.own += 1;
        }
    }
}
