//! From a matrix to its combinations.
//!
//! Not here: when a matrix is evaluated, what a cell's outputs become. Start at [`expand`]. The
//! rules are GitHub's: the product of the axes in the order of the file, the last axis fastest;
//! `exclude` takes combinations away; `include` adds to them or adds new ones.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::logic::expr::coerce;
use crate::logic::value::{Object, Value};

/// How many combinations the axes may have before `exclude`, at least; guards time, not size.
const PRODUCT_LIMIT: usize = 16_384;

/// All combinations of a matrix, in order.
#[derive(Clone, Debug)]
pub struct Expansion {
    pub combinations: Vec<Combination>,
}

/// One combination: what one cell gets as `matrix`.
#[derive(Clone, Debug)]
pub struct Combination {
    /// The axes in the order of the matrix, then what `include` added.
    pub values: Object,
    /// Eight hexadecimal digits made from the values: the same whatever else the matrix holds.
    pub id: String,
    /// `os=linux, rust=1.80`.
    pub label: String,
    /// `linux, 1.80`.
    pub short: String,
}

/// Why a matrix has no usable combinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixError {
    /// One of the slugs in this file; [`MATRIX_EMPTY`] and [`AXIS_EMPTY`] are those that `if-empty`
    /// answers.
    pub slug: &'static str,
    pub message: String,
}

/// Slug of a matrix without any combination.
pub const MATRIX_EMPTY: &str = "matrix-empty";
/// Slug of an axis without values.
pub const AXIS_EMPTY: &str = "matrix-axis-empty";
/// Slug of a matrix that is not a map.
pub const NOT_A_MAP: &str = "matrix-not-a-map";
/// Slug of an axis, `include` or `exclude` that is not a list.
pub const NOT_A_LIST: &str = "matrix-not-a-list";
/// Slug of an entry of `include` or `exclude` that is not a map.
pub const ENTRY_NOT_A_MAP: &str = "matrix-entry-not-a-map";
/// Slug of an `exclude` entry that names something that is no axis.
pub const EXCLUDE_UNKNOWN: &str = "matrix-exclude-unknown";
/// Slug of a matrix with more combinations than allowed.
pub const TOO_LARGE: &str = "matrix-too-large";

fn error(slug: &'static str, message: String) -> MatrixError {
    MatrixError { slug, message }
}

/// The parts of a matrix, checked.
struct Parts<'m> {
    axes: Vec<(&'m str, &'m [Value])>,
    include: Vec<&'m Object>,
    exclude: Vec<&'m Object>,
}

/// Returns the combinations of a matrix, at most `limit`.
///
/// # Errors
/// If the matrix is not a map of lists, an `exclude` names no axis, or there are no combinations
/// or more than `limit`.
pub fn expand(matrix: &Value, limit: usize) -> Result<Expansion, MatrixError> {
    let mut taken = HashSet::new();
    let mut text = String::new();
    let found = all_values(matrix, limit)?.into_iter();
    Ok(Expansion { combinations: found.map(|values| combination(values, &mut taken, &mut text)).collect() })
}

/// Says what keeps a matrix from being expanded, without naming its combinations.
///
/// # Errors
/// As of [`expand`].
pub fn check(matrix: &Value, limit: usize) -> Result<(), MatrixError> {
    all_values(matrix, limit).map(drop)
}

fn all_values(matrix: &Value, limit: usize) -> Result<Vec<Object>, MatrixError> {
    let parts = read(matrix)?;
    let mut found = product(&parts, limit)?;
    let originals = found.len();
    for entry in &parts.include {
        apply_include(entry, &parts.axes, &mut found, originals);
        if found.len() > limit {
            return Err(too_large(limit));
        }
    }
    if found.is_empty() {
        let message = "the matrix has no combinations: give it an axis with values or an `include`, \
                       or write `if-empty: skip`";
        return Err(error(MATRIX_EMPTY, message.to_owned()));
    }
    Ok(found)
}

fn read(matrix: &Value) -> Result<Parts<'_>, MatrixError> {
    let Value::Object(matrix) = matrix else {
        let message = format!("a matrix must be a map of axes, not {}", a_kind(matrix));
        return Err(error(NOT_A_MAP, message));
    };
    let mut parts = Parts { axes: Vec::new(), include: Vec::new(), exclude: Vec::new() };
    for (name, value) in matrix.iter() {
        let Value::Array(items) = value else {
            let message = format!("`{name}` in a matrix must be a list, not {}", a_kind(value));
            return Err(error(NOT_A_LIST, message));
        };
        if name.eq_ignore_ascii_case("include") {
            parts.include = entries(name, items)?;
        } else if name.eq_ignore_ascii_case("exclude") {
            parts.exclude = entries(name, items)?;
        } else if items.is_empty() {
            let message = format!("the axis `{name}` has no values: add one, or write `if-empty: skip`");
            return Err(error(AXIS_EMPTY, message));
        } else {
            parts.axes.push((name, items));
        }
    }
    for entry in &parts.exclude {
        for (key, _) in entry.iter() {
            if !matrix.get(key).is_some_and(|_| is_axis(key)) {
                let axes: Vec<String> = parts.axes.iter().map(|(name, _)| format!("`{name}`")).collect();
                let known = if axes.is_empty() { "none".to_owned() } else { axes.join(", ") };
                let message =
                    format!("`exclude` names `{key}`, which is no axis of the matrix (axes are {known})");
                return Err(error(EXCLUDE_UNKNOWN, message));
            }
        }
    }
    Ok(parts)
}

fn is_axis(key: &str) -> bool {
    !key.eq_ignore_ascii_case("include") && !key.eq_ignore_ascii_case("exclude")
}

fn entries<'m>(name: &str, items: &'m [Value]) -> Result<Vec<&'m Object>, MatrixError> {
    let entry = |item: &'m Value| match item {
        Value::Object(entry) => Ok(&**entry),
        other => {
            let message = format!("every entry of `{name}` must be a map of values, not {}", a_kind(other));
            Err(error(ENTRY_NOT_A_MAP, message))
        }
    };
    items.iter().map(entry).collect()
}

fn a_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn too_large(limit: usize) -> MatrixError {
    error(
        TOO_LARGE,
        format!("the matrix has more than {limit} combinations: use fewer values, or `exclude` some"),
    )
}

/// Returns the product of the axes without what `exclude` takes away.
fn product(parts: &Parts<'_>, limit: usize) -> Result<Vec<Object>, MatrixError> {
    let axes = &parts.axes;
    if axes.is_empty() {
        return Ok(Vec::new());
    }
    let total = axes.iter().try_fold(1usize, |total, (_, values)| total.checked_mul(values.len()));
    if total.is_none_or(|total| total > PRODUCT_LIMIT.max(limit)) {
        return Err(too_large(limit));
    }
    let mut found = Vec::new();
    let mut counters = vec![0usize; axes.len()];
    loop {
        let values: Object =
            axes.iter().zip(&counters).map(|((name, values), at)| (*name, values[*at].clone())).collect();
        if !parts.exclude.iter().any(|entry| members_match(entry, &values)) {
            found.push(values);
        }
        if found.len() > limit {
            return Err(too_large(limit));
        }
        // Count up, the last axis fastest.
        let Some(turning) = (0..axes.len()).rev().find(|axis| counters[*axis] + 1 < axes[*axis].1.len())
        else {
            return Ok(found);
        };
        counters[turning] += 1;
        counters[turning + 1..].fill(0);
    }
}

/// Adds an `include` entry to every combination it fits, or as one of its own.
fn apply_include(entry: &Object, axes: &[(&str, &[Value])], found: &mut Vec<Object>, originals: usize) {
    let axes_only = Object::from_iter(axes.iter().map(|(name, _)| (*name, Value::Null)));
    let mut fits_any = false;
    for combination in &mut found[..originals] {
        let fits = axes.iter().all(|(axis, _)| match (entry.get(axis), combination.get(axis)) {
            (Some(given), Some(actual)) => matches(given, actual),
            _ => true,
        });
        if !fits {
            continue;
        }
        fits_any = true;
        for (key, value) in entry.iter().filter(|(key, _)| axes_only.get(key).is_none()) {
            combination.insert(key, value.clone());
        }
    }
    if !fits_any {
        let mut own = Object::new();
        for (axis, _) in axes {
            if let Some(value) = entry.get(axis) {
                own.insert(*axis, value.clone());
            }
        }
        for (key, value) in entry.iter() {
            if own.get(key).is_none() {
                own.insert(key, value.clone());
            }
        }
        found.push(own);
    }
}

/// Says whether a value written in `include` or `exclude` stands for this one: scalars compare as
/// `==`, maps by the members given, lists item by item over the given length.
fn matches(given: &Value, actual: &Value) -> bool {
    match (given, actual) {
        (Value::Object(given), Value::Object(actual)) => members_match(given, actual),
        (Value::Array(given), Value::Array(actual)) => {
            given.len() <= actual.len() && given.iter().zip(actual.iter()).all(|(g, a)| matches(g, a))
        }
        _ => coerce::loose_eq(given, actual),
    }
}

fn members_match(given: &Object, actual: &Object) -> bool {
    given.iter().all(|(key, value)| actual.get(key).is_some_and(|actual| matches(value, actual)))
}

/// `text` is only a buffer.
fn combination(values: Object, taken: &mut HashSet<[u8; 4]>, text: &mut String) -> Combination {
    text.clear();
    add_object(&values, text);
    let length = text.len();
    // The same combination may be written twice; then its place among the equals is hashed too.
    let digest = (0usize..)
        .map(|again| {
            if again > 0 {
                text.truncate(length);
                text.push_str(&format!("#{again}"));
            }
            blake3::hash(text.as_bytes())
        })
        .find(|digest| taken.insert(*digest.as_bytes().first_chunk::<4>().expect("a digest has 32 bytes")))
        .expect("there are more digests than combinations");
    let id = digest.to_hex()[..8].to_owned();
    // The canonical form is a little longer than what is printed.
    let (mut label, mut short) = (String::with_capacity(length), String::with_capacity(length));
    for (name, value) in values.iter() {
        for piece in [if label.is_empty() { "" } else { ", " }, name, "=", &printed(value)] {
            label.push_str(piece);
        }
        add_leaves(value, &mut short);
    }
    short.truncate(short.len().saturating_sub(", ".len()));
    Combination { id, label, short, values }
}

/// Appends the canonical form: JSON without blanks, members by their names.
fn add_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(it) => text.push_str(if *it { "true" } else { "false" }),
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                text.push_str(if place > 0 { "," } else { "" });
                add_canonical(item, text);
            }
            text.push(']');
        }
        Value::Object(object) => add_object(object, text),
        Value::String(it) => add_string(it, text),
        Value::Number(_) => text.push_str(&value.to_json().to_string()),
    }
}

fn add_object(object: &Object, text: &mut String) {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    text.push('{');
    for (place, (name, value)) in members.into_iter().enumerate() {
        text.push_str(if place > 0 { "," } else { "" });
        add_string(name, text);
        text.push(':');
        add_canonical(value, text);
    }
    text.push('}');
}

fn add_string(it: &str, text: &mut String) {
    if it.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        text.push_str(&serde_json::Value::from(it).to_string());
    } else {
        // What JSON writes as it stands, written without asking it: most names and values are such.
        for piece in ["\"", it, "\""] {
            text.push_str(piece);
        }
    }
}

fn printed(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed("null"),
        Value::Array(_) | Value::Object(_) => Cow::Owned(value.to_json().to_string()),
        _ => coerce::text(value),
    }
}

/// Appends what is printed of a value and its members, a comma behind each.
fn add_leaves(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| add_leaves(item, text)),
        Value::Object(object) => object.iter().for_each(|(_, item)| add_leaves(item, text)),
        _ => {
            text.push_str(&printed(value));
            text.push_str(", ");
        }
    }
}

/// Returns the matrix with one axis replaced, or added if there was none of that name. The values
/// are read as plain YAML scalars: numbers, booleans and null are such, everything else is a string.
#[must_use]
pub fn replace_axis(matrix: &Value, name: &str, values: Vec<String>) -> Value {
    let mut changed = match matrix {
        Value::Object(object) => (**object).clone(),
        _ => Object::new(),
    };
    changed.insert(name, Value::array(values.iter().map(|text| scalar(text)).collect()));
    Value::object(changed)
}

/// Reads a plain scalar of the YAML core schema.
fn scalar(text: &str) -> Value {
    let number = |n: f64| Value::Number(n);
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return number(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return number(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return number(f64::NEG_INFINITY),
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return match u64::from_str_radix(digits, radix) {
                #[expect(clippy::cast_precision_loss, reason = "numbers of the language are doubles")]
                Ok(whole) if !digits.starts_with('+') => number(whole as f64),
                _ => Value::string(text),
            };
        }
    }
    // Only digits, sign, point and exponent: the words that a number parser also takes are strings.
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    match text.parse::<f64>() {
        Ok(parsed) if plain => number(parsed),
        _ => Value::string(text),
    }
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
