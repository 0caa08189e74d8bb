//! The schema of `keymap.yaml`, made from the tables of places, actions and keys.
//!
//! Not here: reading (`logic/keymap/read.rs`), which also finds keys that are bound twice, hidden or lost. Start with `keymap`.

use serde_json::{Map, Value as Json, json};

use super::DIALECT;
use super::forms::{DEFINITIONS, any_case};
use crate::logic::keymap::{ACTIONS, Action, Binding, Place, TABLE, applies_at, can_be_bound, key};

/// What a person who wrote something else may write.
const KEYS: &str = "expected a letter, a sign in quotes, ctrl- with a letter, or the name of a key such as space, enter, tab, \
                    shift-tab, up or pgdn; ctrl-c and esc always do the same";

/// Returns the schema of a keymap.
#[must_use]
pub fn keymap() -> Json {
    let mut places = Map::new();
    let mut actions = Map::new();
    for place in Place::ALL {
        places.insert(place.name().to_owned(), keys(place));
        actions.insert(place.name().to_owned(), values(place));
    }
    let about = "Places, below them keys, and behind each key an action, or null to take the key away.";
    let shown = "bind:\n  log:\n    ctrl-g: follow\n    e: null";
    let bind = json!({
        "title": "bind",
        "description": format!("{about} For example:\n\n{shown}"),
        "markdownDescription": format!("{about}\n\n```yaml\n{shown}\n```"),
        "type": ["object", "null"],
        "properties": places,
        "additionalProperties": false,
    });
    json!({
        "$schema": DIALECT,
        "title": "Sortie keymap",
        "description": "Keys of one's own: `keymap.yaml` in the folder of a person's settings of sortie.",
        "type": ["object", "null"],
        "properties": { "bind": bind },
        "patternProperties": { "^x-": true },
        "additionalProperties": false,
        "definitions": actions,
    })
}

/// Returns the form of what stands below a place. Keys that do something by default, and those that are free, are offered;
/// all others are taken as well.
fn keys(place: Place) -> Json {
    let value = json!({ "$ref": format!("{DEFINITIONS}{}", place.name()) });
    let mut offered = Map::new();
    let defaults = place.looked_up().iter().flat_map(|it| of(*it)).flat_map(|it| it.keys).copied();
    let named = key::NAMED.iter().map(|(name, _)| *name);
    let letters: Vec<String> = ('a'..='z').map(|letter| format!("ctrl-{letter}")).collect();
    let is_sure = |name: &&str| {
        can_be_bound(name) && key::read(name).is_ok_and(|it| it.doubt.is_none() && it.name == *name)
    };
    for name in defaults.chain(named).chain(letters.iter().map(String::as_str)).filter(is_sure) {
        let about = by_default(place, name);
        let mut property = json!({ "title": name, "description": about, "markdownDescription": about });
        if let (Json::Object(members), Json::Object(value)) = (&mut property, value.clone()) {
            members.extend(value);
        }
        offered.insert(name.to_owned(), property);
    }
    json!({
        "title": place.name(),
        "description": format!("Keys for {}.", place.about()),
        "type": ["object", "null"],
        "properties": offered,
        "propertyNames": { "pattern": pattern(), "errorMessage": KEYS },
        "additionalProperties": value,
    })
}

fn of(place: Place) -> impl Iterator<Item = &'static Binding> {
    TABLE.iter().filter(move |it| it.place == place)
}

/// Says what a key does at a place as long as nobody changes it.
fn by_default(place: Place, name: &str) -> String {
    let found = place.looked_up().iter().find_map(|it| of(*it).find(|it| it.keys.contains(&name)));
    let Some(it) = found else { return "Free by default.".to_owned() };
    let of = if it.place == place { String::new() } else { format!(" of `{}`", it.place.name()) };
    format!("By default `{}`{of} ({}).", it.action.name(), words(it))
}

fn words(it: &Binding) -> String {
    if it.about.is_empty() { it.word.to_owned() } else { format!("{}: {}", it.word, it.about) }
}

/// Returns the form of what stands behind a key: the actions that do something at a place, and nothing.
fn values(place: Place) -> Json {
    let fitting: Vec<(Action, &str)> =
        ACTIONS.iter().filter(|(action, _)| applies_at(place, *action).is_some()).copied().collect();
    let about = |action: Action| {
        let here = of(place).find(|it| it.action == action);
        here.or_else(|| TABLE.iter().find(|it| it.action == action)).map_or_else(String::new, words)
    };
    let names = fitting.iter().map(|(_, name)| json!(name)).chain([Json::Null]);
    let about = fitting.iter().map(|(action, _)| about(*action)).chain(["takes the key away".to_owned()]);
    json!({
        "title": "action",
        "enum": names.collect::<Vec<_>>(),
        "enumDescriptions": about.collect::<Vec<_>>(),
        "errorMessage": format!(
            "expected an action that does something in {}, or null to take the key away; sortie keys lists them",
            place.name()
        ),
    })
}

/// Returns the pattern of the names of keys that can be bound, in all spellings that are read.
fn pattern() -> String {
    let mut forms = vec![r"[^\s\p{Cc}]".to_owned(), " ".to_owned()];
    for (name, others) in key::NAMED.iter().filter(|(name, _)| can_be_bound(name)) {
        forms.extend(std::iter::once(name).chain(*others).map(|it| any_case(it)));
    }
    for (word, starts) in key::HELD {
        let behind = match word {
            "ctrl" => {
                let is_one = |sign: &char| key::with_control(*sign).is_some_and(|name| can_be_bound(&name));
                let signs: String = (' '..='~').filter(is_one).map(in_class).collect();
                format!("([{signs}]|{})", any_case("space"))
            }
            "shift" => format!(r"(\p{{L}}|{})", any_case("tab")),
            // These can be held down, and terminals send nothing that can be told apart.
            _ => continue,
        };
        let starts: Vec<String> = starts.iter().map(|it| escaped(&any_case(it))).collect();
        forms.push(format!("({}){behind}", starts.join("|")));
    }
    format!("^({})$", forms.join("|"))
}

/// Escapes the signs of spellings that mean something in a pattern.
fn escaped(text: &str) -> String {
    text.replace('^', r"\^").replace('+', r"\+")
}

fn in_class(sign: char) -> String {
    if ['\\', '[', ']', '^', '-'].contains(&sign) { format!(r"\{sign}") } else { sign.to_string() }
}
