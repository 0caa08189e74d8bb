//! JSON text as `toJSON` prints and `fromJSON` reads it.
//!
//! Not here: JSON of the store and of machine output. Start at [`write`]. Printing is indented by
//! two blanks, numbers are printed as the language prints them, and text stays readable.

use super::coerce;
use super::error::{BAD_JSON, ExprError};
use super::memory::Writer;
use crate::logic::value::Value;

/// Reads one JSON value.
pub(super) fn read(text: &str) -> Result<Value, ExprError> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|error| {
        let what = if text.trim().is_empty() { "the text is empty".to_owned() } else { error.to_string() };
        ExprError::evaluation(BAD_JSON, format!("Error parsing fromJson: {what}"))
    })?;
    Ok(Value::from_json(&json))
}

/// Prints a value.
pub(super) fn write(value: &Value, out: &mut Writer) -> Result<(), ExprError> {
    write_at(value, 0, out)
}

fn write_at(value: &Value, level: usize, out: &mut Writer) -> Result<(), ExprError> {
    match value {
        Value::Null => out.push("null"),
        Value::Bool(_) | Value::Number(_) => out.push(&coerce::text(value)),
        Value::String(text) => out.push(&quoted(text)),
        Value::Array(items) if items.is_empty() => out.push("[]"),
        Value::Object(object) if object.is_empty() => out.push("{}"),
        Value::Array(items) => {
            out.push("[")?;
            for (index, item) in items.iter().enumerate() {
                out.push(&line_start(index > 0, level + 1))?;
                write_at(item, level + 1, out)?;
            }
            out.push(&(line_start(false, level) + "]"))
        }
        Value::Object(object) => {
            out.push("{")?;
            for (index, (name, item)) in object.iter().enumerate() {
                out.push(&(line_start(index > 0, level + 1) + &quoted(name) + ": "))?;
                write_at(item, level + 1, out)?;
            }
            out.push(&(line_start(false, level) + "}"))
        }
    }
}

fn line_start(after_item: bool, level: usize) -> String {
    format!("{}\n{:width$}", if after_item { "," } else { "" }, "", width = 2 * level)
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)))
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
