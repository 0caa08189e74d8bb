//! Text of a keymap to the keys that count, with every fault told in its place.
//!
//! An entry that is wrong is left out, and the others count. Rules: what is written replaces what the key did at that place; the
//! nearer place goes first; an action that belongs to several places is bound in all of them below `any`. Not here: YAML itself
//! (`playbook/tree.rs`), where the file is (`engine/keymaps.rs`). Start with `read`.

use super::{ACTIONS, Action, Keymap, Place, TABLE, key};
use crate::logic::diag::{Diagnostic, Severity};
use crate::logic::playbook::scalar::{self, Core};
use crate::logic::playbook::source::{Source, Span};
use crate::logic::playbook::tree::{self, Entry, Kind, NodeId, Tree};
use crate::logic::text::{listed, listed_names, near_miss, plural, shortened};

/// The one key of a keymap's file.
const BIND: &str = "bind";

const EXAMPLE: &str = "write for example:\nbind:\n  log:\n    ctrl-g: follow";

/// Keys that always do the same, and what.
const FIXED: [(&str, &str); 2] =
    [("ctrl-c", "it always interrupts"), ("esc", "it always goes back and closes")];

/// Says whether a key can be given another meaning.
#[must_use]
pub fn can_be_bound(key: &str) -> bool {
    FIXED.iter().all(|(name, _)| *name != key)
}

/// What reading a keymap gave.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The keys that sortie comes with, changed by all that is right.
    pub keymap: Keymap,
    /// By their places in the file.
    pub found: Vec<Diagnostic>,
}

impl Reading {
    /// Says whether something in it is wrong.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.found.iter().any(|it| it.severity == Severity::Error)
    }
}

/// Reads a keymap. An empty file changes nothing.
#[must_use]
pub fn read(source: &Source) -> Reading {
    let mut reading = Reading { keymap: Keymap::default(), found: Vec::new() };
    if source.text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return reading;
    }
    let (tree, found) = tree::parse(source);
    reading.found = found.into_iter().map(with_quotes).collect();
    if let Some(tree) = tree {
        let mut reader = Reader { tree: &tree, found: reading.found, wishes: Vec::new() };
        reader.file();
        let Reader { wishes, mut found, .. } = reader;
        merge(&mut reading.keymap, &wishes, &mut found);
        reading.found = found;
    }
    reading.found.sort_by_key(|it| it.span);
    reading
}

/// Says in a line what is wrong with a keymap, the first of it with its place; nothing if nothing is. Warnings are left out.
#[must_use]
pub fn told(source: &Source, found: &[Diagnostic]) -> Option<String> {
    let mut errors = found.iter().filter(|it| it.severity == Severity::Error);
    let first = errors.next()?;
    let place = source.place(first.span.start);
    let more = match errors.count() {
        0 => String::new(),
        count => format!("; and {}", plural(count, "more error")),
    };
    let file = source.name.rsplit('/').next().unwrap_or(&source.name);
    Some(format!("{file}:{}:{}: {}{more}", place.line, place.column, first.message))
}

/// Signs mean something to YAML, which is what is wrong with many a keymap.
fn with_quotes(mut problem: Diagnostic) -> Diagnostic {
    if ["yaml-syntax", "yaml-tag", "unknown-anchor", "key-not-text"].contains(&problem.slug) {
        let before = problem.help.map_or_else(String::new, |help| format!("{help}; "));
        problem.help =
            Some(format!("{before}a key that is a sign stands in quotes, as in `\"!\": next-problem`"));
    }
    problem
}

/// What one line asks for.
struct Wish {
    place: Place,
    key: String,
    at: Span,
    /// Nothing takes the key away.
    action: Option<Action>,
    /// Where the action is bound.
    targets: Vec<Place>,
}

struct Reader<'t> {
    tree: &'t Tree<'t>,
    found: Vec<Diagnostic>,
    wishes: Vec<Wish>,
}

impl<'t> Reader<'t> {
    fn file(&mut self) {
        let root = self.tree.root;
        let Some(entries) = self.map(root, "a keymap") else { return };
        for entry in entries {
            match self.tree.key(*entry) {
                BIND => self.places(entry.value),
                name if name.starts_with("x-") => {}
                name => {
                    let help = match near_miss(name, [BIND]) {
                        _ if name == "preset" => {
                            "there are none: letters as in vim and the arrows work side by side".to_owned()
                        }
                        _ if Place::named(name).is_some() => {
                            format!("places stand below `{BIND}`; {EXAMPLE}")
                        }
                        Some(near) => format!("did you mean `{near}`?"),
                        None => EXAMPLE.to_owned(),
                    };
                    let message = format!("a keymap has no key `{}`", shortened(name, 40));
                    self.found
                        .push(Diagnostic::error("bad-keymap", self.span(entry.key), message).help(help));
                }
            }
        }
    }

    fn places(&mut self, id: NodeId) {
        let Some(entries) = self.map(id, "`bind`") else { return };
        for entry in entries {
            let name = self.tree.key(*entry);
            let Some(place) = Place::named(name) else {
                let names = Place::ALL.map(Place::name);
                let help = match near_miss(name, names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", listed_names(&names, "and")),
                };
                let message = format!("keys are pressed nowhere that is called `{}`", shortened(name, 40));
                self.found.push(Diagnostic::error("unknown-place", self.span(entry.key), message).help(help));
                continue;
            };
            let Some(entries) = self.map(entry.value, &format!("`{name}`")) else { continue };
            for entry in entries {
                self.key(place, *entry);
            }
        }
    }

    fn key(&mut self, place: Place, entry: Entry) {
        let (text, at) = (self.tree.key(entry), self.span(entry.key));
        let shown = shortened(text, 40);
        // What stands behind a wrong key is looked at, too, so that all is told at once.
        let action = self.action(place, entry.value);
        let written = match key::read(text) {
            Ok(written) => written,
            Err((why, help)) => {
                self.found.push(Diagnostic::error("bad-key", at, format!("`{shown}` {why}")).help(help));
                return;
            }
        };
        if let Some((name, always)) = FIXED.iter().find(|(name, _)| *name == written.name) {
            let same = if text.eq_ignore_ascii_case(name) {
                String::new()
            } else {
                format!(" is `{name}` to a terminal, which")
            };
            let message = format!("`{shown}`{same} cannot be bound: {always}");
            self.found.push(Diagnostic::error("bad-key", at, message).help("take another key"));
            return;
        }
        if let Some(first) = self.wishes.iter().find(|it| it.place == place && it.key == written.name) {
            let message = format!("`{shown}` is bound a second time in `{}`", place.name());
            let same = written.doubt.map_or_else(String::new, |doubt| format!("`{shown}` {doubt}; "));
            let problem = Diagnostic::error("key-twice", at, message)
                .label("second time")
                .also(first.at, "first time")
                .help(format!("{same}keep one of the two; the first one counts"));
            self.found.push(problem);
            return;
        }
        let Some((action, targets)) = action else { return };
        if let Some(doubt) = written.doubt {
            let warning = Diagnostic::warning("risky-key", at, format!("`{shown}` {doubt}"));
            self.found.push(warning.help("another key is safer"));
        }
        self.wishes.push(Wish { place, key: written.name, at, action, targets });
    }

    /// Returns what a key is to do, and where it does that; nothing if it is wrong.
    fn action(&mut self, place: Place, id: NodeId) -> Option<(Option<Action>, Vec<Place>)> {
        let at = self.span(id);
        let node = self.tree.node(id);
        let Kind::Scalar(scalar) = &node.kind else {
            let what = if matches!(node.kind, Kind::Seq(_)) { "a list" } else { "a map" };
            let message = format!("expected the name of an action or `null`, found {what}");
            self.found.push(Diagnostic::error("bad-keymap", at, message).help("one key does one thing"));
            return None;
        };
        if scalar::resolve(scalar) == Core::Null {
            return Some((None, Vec::new()));
        }
        let name = &*scalar.text;
        let Some(action) = Action::named(name) else {
            let fits = ACTIONS.iter().filter(|(action, _)| applies_at(place, *action).is_some());
            let near = near_miss(name, fits.map(|(_, name)| *name))
                .or_else(|| near_miss(name, ACTIONS.iter().map(|(_, name)| *name)));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`sortie keys` lists all actions; `null` takes a key away".to_owned(),
            };
            let message = format!("there is no action `{}`", shortened(name, 40));
            self.found.push(Diagnostic::error("unknown-action", at, message).help(help));
            return None;
        };
        let targets = applies_at(place, action);
        if targets.is_none() {
            let homes: Vec<&str> = homes(action).into_iter().map(Place::name).collect();
            let message = format!("`{name}` does nothing in `{}`", place.name());
            let help = format!("it belongs to {}", listed_names(&homes, "and"));
            self.found.push(Diagnostic::error("unknown-action", at, message).help(help));
        }
        targets.map(|targets| (Some(action), targets))
    }

    /// Returns the entries of a map; nothing written counts as none.
    fn map(&mut self, id: NodeId, what: &str) -> Option<&'t [Entry]> {
        let tree = self.tree;
        match &tree.node(id).kind {
            Kind::Map(entries) => Some(entries),
            Kind::Scalar(scalar) if scalar::resolve(scalar) == Core::Null => None,
            _ => {
                let message = format!("{what} holds keys with values");
                self.found.push(Diagnostic::error("bad-keymap", self.span(id), message).help(EXAMPLE));
                None
            }
        }
    }

    fn span(&self, id: NodeId) -> Span {
        self.tree.node(id).span
    }
}

/// Returns the places that an action belongs to.
fn homes(action: Action) -> Vec<Place> {
    Place::ALL
        .into_iter()
        .filter(|place| TABLE.iter().any(|it| it.place == *place && it.action == action))
        .collect()
}

/// Returns where an action is bound that is named at a place; nothing if it does nothing there.
#[must_use]
pub fn applies_at(place: Place, action: Action) -> Option<Vec<Place>> {
    let homes = homes(action);
    let is_of_job = homes.contains(&Place::Verbs) || homes.contains(&Place::Any);
    match place {
        // The list of playbooks has keys of its own for what there is everywhere.
        Place::Any if homes.contains(&Place::Any) => {
            Some([Place::Any, Place::Launcher].into_iter().filter(|it| homes.contains(it)).collect())
        }
        Place::Any => Some(homes),
        _ if homes.contains(&place) => Some(vec![place]),
        Place::Launcher => None,
        _ => is_of_job.then(|| vec![place]),
    }
}

/// Carries out what was asked for, the wider places first, and looks at what came of it.
fn merge(keymap: &mut Keymap, wishes: &[Wish], found: &mut Vec<Diagnostic>) {
    let mut stays: Vec<(usize, Place, Action)> = Vec::new();
    for place in Place::ALL {
        for (at, wish) in wishes.iter().enumerate().filter(|(_, it)| it.place == place) {
            match wish.action {
                None => take(keymap, wish, found),
                Some(action) => {
                    for target in &wish.targets {
                        let before = keymap.find(&[*target], &wish.key).filter(|it| *it != action);
                        match before {
                            // A nearer place goes first, also where it is bound by this line.
                            Some(before) if *target != place => stays.push((at, *target, before)),
                            _ => keymap.give(*target, &wish.key, action),
                        }
                    }
                }
            }
        }
    }
    // What is bound here may have been bound otherwise by a later line.
    stays.retain(|(at, place, _)| wishes.iter().all(|it| it.place != *place || it.key != wishes[*at].key));
    keep_palette(keymap, wishes, found);
    for (at, wish) in wishes.iter().enumerate() {
        hidden(keymap, wish, stays.iter().filter(|it| it.0 == at).map(|it| (it.1, it.2)), found);
    }
    lost(keymap, wishes, found);
}

fn take(keymap: &mut Keymap, wish: &Wish, found: &mut Vec<Diagnostic>) {
    let key = &wish.key;
    let Some(action) = keymap.take(wish.place, key) else {
        let message =
            format!("`{key}` does nothing in `{}`, so there is nothing to take away", wish.place.name());
        let warning = Diagnostic::warning("key-unused", wish.at, message);
        let elsewhere = Place::ALL.into_iter().find_map(|place| Some((place, keymap.find(&[place], key)?)));
        found.push(match elsewhere {
            Some((place, action)) => warning.help(format!("it is `{}` in `{}`", action.name(), place.name())),
            None => warning.help("remove the line"),
        });
        return;
    };
    if wish.place == Place::Any && keymap.find(&[Place::Launcher], key) == Some(action) {
        keymap.take(Place::Launcher, key);
    }
}

/// Keeps a key for the list of commands: what has no key is found there.
fn keep_palette(keymap: &mut Keymap, wishes: &[Wish], found: &mut Vec<Diagnostic>) {
    const KEY: &str = ":";
    let action = Action::Palette;
    let Some(pane) = Place::PANES.into_iter().find(|pane| !has_key(keymap, *pane, action)) else { return };
    for place in Place::PANES.into_iter().chain([Place::Verbs]) {
        keymap.take(place, KEY);
    }
    keymap.give(Place::Any, KEY, action);
    let message = format!(
        "`{}` would have no key in `{}`, and what has none is found there",
        action.name(),
        pane.name()
    );
    let problem = Diagnostic::error("lost-action", cause(wishes, action), message);
    found.push(problem.help(format!("bind another key to it; until then `{KEY}` stays")));
}

fn has_key(keymap: &Keymap, place: Place, action: Action) -> bool {
    keymap.keys(place.looked_up(), action).next().is_some()
}

/// Returns the line that took a key of an action.
fn cause(wishes: &[Wish], action: Action) -> Span {
    let of_action = |wish: &&Wish| {
        wish.action != Some(action)
            && TABLE.iter().any(|it| it.action == action && it.keys.contains(&&*wish.key))
    };
    wishes.iter().rfind(of_action).map_or(Span::default(), |wish| wish.at)
}

/// Warns where a key means something else than this line says, and where this line takes a key of somewhere else.
fn hidden(
    keymap: &Keymap,
    wish: &Wish,
    stays: impl Iterator<Item = (Place, Action)>,
    found: &mut Vec<Diagnostic>,
) {
    let (Some(action), key) = (wish.action, &wish.key) else { return };
    let mut stays: Vec<(Place, Action)> = stays.collect();
    if wish.targets.contains(&wish.place) {
        for place in Place::PANES.into_iter().chain([Place::Verbs]) {
            let is_nearer = place != wish.place && place.looked_up().contains(&wish.place);
            let other = keymap.find(&[place], key).filter(|it| *it != action);
            stays.extend(other.filter(|_| is_nearer).map(|other| (place, other)));
        }
    }
    if !stays.is_empty() {
        let parts: Vec<String> = stays
            .iter()
            .map(|(place, action)| format!("`{}` in `{}`", action.name(), place.name()))
            .collect();
        let message = format!("`{key}` is {}, where it stays that", listed(&parts, "and"));
        let first = stays.first().map_or("", |(place, _)| place.name());
        let warning = Diagnostic::warning("key-hidden", wish.at, message);
        found.push(warning.help(format!(
            "to have it there, too, bind it below `{first}`, or take it away there with `null`"
        )));
    }
    let wider = wish.place.looked_up().iter().skip(1);
    let Some((place, other)) = wider.filter_map(|place| Some((*place, keymap.find(&[*place], key)?))).next()
    else {
        return;
    };
    if other == action || !wish.targets.contains(&wish.place) {
        return;
    }
    let left = keymap.keys(wish.place.looked_up(), other).next();
    let help = match left {
        Some(left) => format!(
            "`{left}` is that there, too; where you mean it, say `{}: {{ {key}: null }}`",
            place.name()
        ),
        None => {
            format!("bind another key to `{}`, or say `{}: {{ {key}: null }}`", other.name(), place.name())
        }
    };
    let message =
        format!("in `{}`, `{key}` is `{}` of `{}` no more", wish.place.name(), other.name(), place.name());
    found.push(Diagnostic::warning("key-hidden", wish.at, message).help(help));
}

/// Warns where nothing leads to the help or out any more but the list of commands.
fn lost(keymap: &Keymap, wishes: &[Wish], found: &mut Vec<Diagnostic>) {
    for action in [Action::Help, Action::Quit] {
        let places = Place::PANES.into_iter().chain([Place::Launcher]);
        let without: Vec<Place> = places.filter(|place| !has_key(keymap, *place, action)).collect();
        let Some(first) = without.first() else { continue };
        let names: Vec<&str> = without.iter().map(|place| place.name()).collect();
        let message = format!("no key is `{}` in {} any more", action.name(), listed_names(&names, "and"));
        let help = match (*first, action) {
            (Place::Launcher, Action::Help) => "`sortie keys` lists all keys".to_owned(),
            (Place::Launcher, _) => "`ctrl-c` leaves it".to_owned(),
            (place, _) => {
                format!("the list of commands has it: {}", keymap.said(place.looked_up(), Action::Palette))
            }
        };
        found.push(Diagnostic::warning("lost-action", cause(wishes, action), message).help(help));
    }
}
