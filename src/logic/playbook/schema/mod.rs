//! The JSON Schema of what people write: playbooks, actions, settings, keymaps. Editors complete, explain and refuse by it.
//!
//! Not here: reading (`read_*.rs`), which finds much that no schema can say. Start with `playbook`. A definition is made for
//! each kind of map in the table of keys (`keys/`): every honoured key with its line of explanation, the form of its value
//! and an example (`of_*.rs`, built of `forms.rs`), and what holds between keys (`rules.rs`). Words and bounds are those
//! that the reader compares with. Draft 7, because that is what editors know best.

mod forms;
mod keymap;
mod of_playbook;
mod of_shared;
mod of_stage;
mod of_step;
mod rules;
mod settings;

#[cfg(test)]
pub(crate) mod tests;

use serde_json::{Map, Value as Json, json};

use super::keys::{self, Place, Status};
use super::read_control::UNDO;
use forms::Entry;

pub use keymap::keymap;
pub use settings::settings;

/// The dialect of all schemas.
const DIALECT: &str = "http://json-schema.org/draft-07/schema#";

/// A kind of map, or a part of one that stands where not all of its keys may.
struct Part {
    /// Its name below `definitions`.
    name: &'static str,
    place: Place,
    /// Whether a key may stand here.
    has: fn(&str) -> bool,
}

/// Kinds of maps whose keys depend on where they stand. All other places are as their tables are.
const PARTS: [Part; 9] = [
    Part { name: "Stage", place: Place::Stage, has: |key| key != "id" },
    Part { name: "ListedStage", place: Place::Stage, has: |_| true },
    Part { name: "Step", place: Place::Step, has: |_| true },
    Part { name: "Undo", place: Place::Step, has: |key| UNDO.contains(&key) },
    Part { name: "StageDefaults", place: Place::Defaults, has: |key| key != "cache" },
    Part { name: "Cache", place: Place::Cache, has: |_| true },
    Part { name: "StageCache", place: Place::Cache, has: |_| true },
    Part { name: "Approve", place: Place::Approve, has: |_| true },
    Part { name: "StageApprove", place: Place::Approve, has: |key| key != "hold" },
];

/// Returns the schema of a playbook.
#[must_use]
pub fn playbook() -> Json {
    document(Place::Playbook, "Sortie playbook", "What a job does: a file below `playbooks`.")
}

/// Returns the schema of an action: the file `action.yml` in the folder that a step `uses`.
#[must_use]
pub fn action() -> Json {
    document(Place::Action, "Sortie action", "Steps under a name: `action.yml` in a folder that steps use.")
}

fn document(place: Place, title: &str, about: &str) -> Json {
    let mut root = Map::new();
    root.insert("$schema".to_owned(), json!(DIALECT));
    root.insert("title".to_owned(), json!(title));
    root.insert("description".to_owned(), json!(about));
    let whole = Part { name: "", place, has: |_| true };
    root.extend(definition(&whole).into_iter().filter(|(name, _)| name != "title"));
    let definitions = reached(&root);
    root.insert("definitions".to_owned(), Json::Object(definitions));
    Json::Object(root)
}

/// Returns the definitions that a schema refers to, and those that these refer to, by name.
fn reached(root: &Map<String, Json>) -> Map<String, Json> {
    let mut found: std::collections::BTreeMap<String, Json> = std::collections::BTreeMap::new();
    let mut todo = Vec::new();
    for value in root.values() {
        references(value, &mut todo);
    }
    while let Some(name) = todo.pop() {
        if found.contains_key(&name) {
            continue;
        }
        let Some(part) = part(&name) else { continue };
        let body = Json::Object(definition(&part));
        references(&body, &mut todo);
        found.insert(name, body);
    }
    found.into_iter().collect()
}

fn references(value: &Json, names: &mut Vec<String>) {
    match value {
        Json::Object(members) => {
            for (key, value) in members {
                match value.as_str().and_then(|text| text.strip_prefix(forms::DEFINITIONS)) {
                    Some(name) if key == "$ref" => names.push(name.to_owned()),
                    _ => references(value, names),
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|item| references(item, names)),
        _ => {}
    }
}

/// Returns the kind of map that a definition is about.
fn part(name: &str) -> Option<Part> {
    let special = PARTS.iter().find(|part| part.name == name);
    if let Some(part) = special {
        return Some(Part { name: part.name, place: part.place, has: part.has });
    }
    let place = Place::ALL.into_iter().find(|place| format!("{place:?}") == name)?;
    Some(Part { name: "", place, has: |_| true })
}

/// Makes the definition of a kind of map. Keys that are not supported yet are not in it, as the reader refuses them.
fn definition(part: &Part) -> Map<String, Json> {
    let mut properties = Map::new();
    let honoured = keys::of(part.place).iter().filter(|key| key.status == Status::Honoured);
    for key in honoured.filter(|key| (part.has)(key.name)) {
        let Some(Entry { form, example }) = entry(part, key.name) else { continue };
        let mut property = Map::new();
        property.insert("title".to_owned(), json!(key.name));
        let about = format!("{}.\n\nTakes {}.", key.doc, key.takes);
        let shown = written(key.name, &example);
        property.insert("description".to_owned(), json!(format!("{about} For example:\n\n{shown}")));
        property.insert("markdownDescription".to_owned(), json!(format!("{about}\n\n```yaml\n{shown}\n```")));
        property.extend(form);
        properties.insert(key.name.to_owned(), Json::Object(property));
    }
    let mut body = Map::new();
    body.insert("title".to_owned(), json!(title(part)));
    body.insert("type".to_owned(), json!("object"));
    body.extend(rules::of(part.name, part.place));
    body.insert("properties".to_owned(), Json::Object(properties));
    body.insert("patternProperties".to_owned(), json!({ "^x-": true }));
    body.insert("additionalProperties".to_owned(), json!(false));
    body
}

/// Returns a key with a value as it would be written. It stands in the description, because editors that are given
/// `examples` put them in with the key, and then a person has to remove what nobody asked for.
fn written(key: &str, value: &Json) -> String {
    let text = serde_yaml::to_string(&json!({ key: value })).unwrap_or_default();
    let text = text.trim_end();
    text.strip_suffix(" null").unwrap_or(text).to_owned()
}

fn title(part: &Part) -> String {
    let words = part.place.words().replace('`', "");
    let words = words.strip_prefix("an ").or_else(|| words.strip_prefix("a ")).unwrap_or(&words);
    if part.name == "Undo" { "undo".to_owned() } else { words.to_owned() }
}

/// Returns the form of the value of a key and an example; nothing for a key that this knows nothing of.
fn entry(part: &Part, key: &str) -> Option<Entry> {
    match part.place {
        Place::Stage => of_stage::entry(key),
        Place::Step => of_step::entry(key),
        place => of_playbook::entry(place, key)
            .or_else(|| of_stage::entry_of_parts(place, key))
            .or_else(|| of_step::entry_of_parts(place, key))
            .or_else(|| of_shared::entry(place, key)),
    }
}
