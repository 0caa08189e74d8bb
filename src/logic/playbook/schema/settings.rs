//! The schema of `sortie.yml`, made from the table of settings.
//!
//! Start with `settings`.

use serde_json::{Map, Value as Json, json};

use super::DIALECT;
use super::forms::{boolean, duration, name, size, text, texts};
use crate::logic::settings::{Accepts, Setting, TABLE};

/// Returns the schema of a file of settings.
#[must_use]
pub fn settings() -> Json {
    let mut sections = Map::new();
    for setting in TABLE {
        let form = described(form(setting.accepts), setting);
        let Some((section, key)) = setting.key.split_once('.') else {
            sections.insert(setting.key.to_owned(), form);
            continue;
        };
        let map = sections.entry(section).or_insert_with(
            || json!({ "title": section, "type": "object", "properties": {}, "additionalProperties": false }),
        );
        if let Some(properties) = map.get_mut("properties").and_then(Json::as_object_mut) {
            properties.insert(key.to_owned(), form);
        }
    }
    json!({
        "$schema": DIALECT,
        "title": "Sortie settings",
        "description": "Settings of a project, `sortie.yml` at its root, or of a person.",
        "type": "object",
        "properties": sections,
        "patternProperties": { "^x-": true },
        "additionalProperties": false,
    })
}

fn form(accepts: Accepts) -> Json {
    match accepts {
        Accepts::Words(words) => name(words),
        Accepts::Count => json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }),
        Accepts::Flag => boolean(),
        Accepts::Duration => duration(),
        Accepts::Folder | Accepts::Theme => json!({ "type": "string", "minLength": 1 }),
        Accepts::Folders => texts(),
        Accepts::Size => size(),
        Accepts::Totals => json!({ "type": ["object", "null"], "additionalProperties": text() }),
        Accepts::Groups => json!({ "type": ["object", "null"], "additionalProperties": texts() }),
    }
}

fn described(mut form: Json, setting: &Setting) -> Json {
    let mut about = setting.about.to_owned();
    if let Some(first) = about.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let Json::Object(members) = &mut form else { return form };
    members.insert("title".to_owned(), json!(setting.key));
    members.insert("description".to_owned(), json!(format!("{about}.")));
    let default = match setting.accepts {
        _ if setting.default.is_empty() => None,
        Accepts::Flag => Some(json!(setting.default == "true")),
        Accepts::Count => setting.default.parse::<u32>().ok().map(|count| json!(count)),
        Accepts::Folders => Some(setting.default.split(',').map(str::trim).collect()),
        _ => Some(json!(setting.default)),
    };
    members.extend(default.map(|default| ("default".to_owned(), default)));
    form
}
