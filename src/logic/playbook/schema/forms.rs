//! Forms of values: what a duration, a size, a list of words look like in a schema.
//!
//! Not here: which key takes which form (`of_*.rs`). Start with `Entry`.

use serde_json::{Map, Value as Json, json};

use crate::logic::playbook::decode::ID_LIMIT;

/// Begins each reference to a definition.
pub(super) const DEFINITIONS: &str = "#/definitions/";

/// An expression somewhere in a text.
const EXPRESSION: &str = r"\$\{\{";

/// The form of a key's value, and a value that fits.
pub(super) struct Entry {
    pub form: Map<String, Json>,
    pub example: Json,
}

/// Puts a form and an example together.
#[expect(
    clippy::unnecessary_wraps,
    reason = "all who call this answer with nothing for keys that they do not know"
)]
pub(super) fn entry(form: Json, example: Json) -> Option<Entry> {
    let form = match form {
        Json::Object(form) => form,
        _ => Map::new(),
    };
    Some(Entry { form, example })
}

/// A map that has a definition of its own.
pub(super) fn map(name: &str) -> Json {
    json!({ "$ref": format!("{DEFINITIONS}{name}") })
}

/// Text as the reader takes it: numbers and booleans are their own text.
pub(super) fn text() -> Json {
    json!({ "type": ["string", "number", "boolean"] })
}

/// Text, or a list of texts.
pub(super) fn texts() -> Json {
    json!({ "type": ["string", "number", "boolean", "array"], "items": text() })
}

/// The same, or nothing.
pub(super) fn texts_or_nothing() -> Json {
    json!({ "type": ["string", "number", "boolean", "array", "null"], "items": text() })
}

/// Text or nothing, as the values of `env` are.
pub(super) fn text_or_nothing() -> Json {
    json!({ "type": ["string", "number", "boolean", "null"] })
}

/// `true` or `false`.
pub(super) fn boolean() -> Json {
    json!({ "type": "boolean" })
}

/// `true` and nothing else.
pub(super) fn just_true() -> Json {
    json!({ "const": true })
}

/// A whole number between two bounds, both included.
pub(super) fn whole(least: i64, most: i64) -> Json {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// A number between two bounds, both included.
pub(super) fn number(least: f64, most: f64) -> Json {
    json!({ "type": "number", "minimum": least, "maximum": most })
}

/// One of a few words.
pub(super) fn word<T>(words: &[(&str, T)]) -> Json {
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    name(&names)
}

/// One of a few names.
pub(super) fn name(names: &[&str]) -> Json {
    json!({ "enum": names })
}

/// One of a few names, or a list of them.
pub(super) fn names(names: &[&str]) -> Json {
    json!({ "anyOf": [name(names), { "type": "array", "items": name(names) }] })
}

/// Text of a certain form; editors show the message where it has another.
pub(super) fn pattern(pattern: &str, message: &str) -> Json {
    json!({ "type": "string", "pattern": pattern, "errorMessage": message })
}

/// A duration of more than nothing.
pub(super) fn duration() -> Json {
    pattern(&duration_pattern(true), "expected a duration with a unit, such as 30s, 5m or 1h30m")
}

/// A duration that may be nothing.
pub(super) fn duration_or_zero() -> Json {
    pattern(&duration_pattern(false), "expected a duration with a unit, such as 30s, 5m or 0s")
}

fn duration_pattern(is_positive: bool) -> String {
    let units: String =
        ["d", "h", "m", "s", "ms"].iter().map(|unit| format!(r"((\d+\.?\d*|\.\d+){unit})?")).collect();
    let some = if is_positive { "(?=.*[1-9])" } else { "" };
    format!(r"^\s*(?=[\d.]){some}{units}\s*$")
}

/// A number of bytes, alone or with a unit.
pub(super) fn size() -> Json {
    json!({
        "type": ["string", "integer"],
        "minimum": 0,
        "pattern": r"^\s*\d+\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)?\s*$",
        "errorMessage": "expected a size such as 10MiB; a number without a unit counts bytes",
    })
}

/// The name of a stage, a step, an input and the like.
pub(super) fn id() -> Json {
    pattern(
        &format!("^(?!__)[A-Za-z_][A-Za-z0-9_-]{{0,{}}}$", ID_LIMIT - 1),
        "a name begins with a letter or _ and goes on with letters, digits, _ and -",
    )
}

/// A map of names that somebody chooses; nothing is an empty one.
pub(super) fn members(value: &Json) -> Json {
    json!({ "type": ["object", "null"], "propertyNames": id(), "additionalProperties": value })
}

/// A list; nothing is an empty one.
pub(super) fn items(item: &Json) -> Json {
    json!({ "type": ["array", "null"], "items": item })
}

/// A list of steps, of which there is at least one.
pub(super) fn steps() -> Json {
    json!({ "type": "array", "minItems": 1, "items": map("Step") })
}

/// An environment: names without `=`, and text.
pub(super) fn env() -> Json {
    json!({
        "type": ["object", "null"],
        "propertyNames": { "pattern": r"^[^=\u0000]+$" },
        "additionalProperties": text_or_nothing(),
    })
}

/// Names of environment variables.
pub(super) fn env_names() -> Json {
    let one = json!({ "type": ["string", "number", "boolean"], "pattern": r"^[^=\u0000 ]+$" });
    json!({ "anyOf": [one, { "type": "array", "items": one }] })
}

/// A matrix: a map of axes, or one expression that makes it.
pub(super) fn matrix() -> Json {
    let expression = json!({ "pattern": EXPRESSION, "errorMessage": "expected a list, or an expression ${{ }} that makes one" });
    let mut axis = json!({ "type": ["array", "string"] });
    let mut entries = json!({
        "type": ["array", "string"],
        "items": { "type": ["object", "string"], "pattern": EXPRESSION },
    });
    for form in [&mut axis, &mut entries] {
        if let (Json::Object(form), Json::Object(more)) = (form, &expression) {
            form.extend(more.clone());
        }
    }
    // What `exclude` names has to be an axis, which is told in other words.
    let mut added = entries.clone();
    added["items"]["propertyNames"] = id();
    json!({
        "type": ["object", "string"],
        "pattern": r"^\s*\$\{\{[\s\S]*\}\}\s*$",
        "errorMessage": "expected a map of axes, or one expression ${{ }} that makes it",
        "properties": {
            "include": with_title(added, "include", "Combinations to add, or values to add to some."),
            "exclude": with_title(entries, "exclude", "Combinations to leave out."),
        },
        "propertyNames": id(),
        "additionalProperties": axis,
    })
}

/// What is at fault where a value does not fit, in the words of an editor.
pub(super) fn or_else(mut form: Json, message: &str) -> Json {
    if let Json::Object(members) = &mut form {
        members.insert("errorMessage".to_owned(), json!(message));
    }
    form
}

/// Adds a title and a description.
pub(super) fn with_title(mut form: Json, title: &str, about: &str) -> Json {
    if let Json::Object(members) = &mut form {
        members.insert("title".to_owned(), json!(title));
        members.insert("description".to_owned(), json!(about));
    }
    form
}

/// One of several forms.
pub(super) fn either(forms: &[Json]) -> Json {
    json!({ "anyOf": forms })
}

/// Letters of a word in either case, for a pattern.
pub(super) fn any_case(word: &str) -> String {
    word.chars()
        .map(|c| {
            if c.is_ascii_alphabetic() {
                format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())
            } else {
                c.to_string()
            }
        })
        .collect()
}
