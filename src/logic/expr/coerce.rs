//! Turning values into other kinds and comparing them, as the language does.
//!
//! Not here: reading an expression's tokens, functions. Start at [`loose_eq`]. The rules are those
//! of ECMAScript's abstract comparison with two differences: strings compare without regard to
//! case, and arrays and objects are equal only to themselves.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use crate::logic::value::{Value, ordinal_upper};

/// Says whether `&&` would go on after this value.
#[must_use]
pub fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => *n != 0.0 && !n.is_nan(),
        Value::String(s) => !s.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Says whether the value is neither an array nor an object.
#[must_use]
pub fn is_primitive(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

/// Returns the value as text. Arrays and objects become the name of their kind.
#[must_use]
pub fn to_text(value: &Value) -> String {
    text(value).into_owned()
}

/// Returns the value as text without copying a string.
#[must_use]
pub fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Number(n) => Cow::Owned(number_text(*n)),
        Value::String(s) => Cow::Borrowed(s),
        Value::Array(_) | Value::Object(_) => Cow::Borrowed(value.kind()),
    }
}

/// Returns the value as a number; what has none is NaN.
#[must_use]
pub fn to_number(value: &Value) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::Number(n) => *n,
        Value::String(s) => parse_number(s),
        Value::Array(_) | Value::Object(_) => f64::NAN,
    }
}

/// Compares as `==` does.
#[must_use]
pub fn loose_eq(left: &Value, right: &Value) -> bool {
    match pair(left, right) {
        Pair::Numbers(a, b) => a == b,
        Pair::Strings(a, b) => same_text(a, b),
        Pair::Bools(a, b) => a == b,
        Pair::Identical(same) => same,
    }
}

/// Compares as `<` and `>` do; values without an order give nothing.
#[must_use]
pub fn loose_order(left: &Value, right: &Value) -> Option<Ordering> {
    match pair(left, right) {
        Pair::Numbers(a, b) => a.partial_cmp(&b),
        Pair::Strings(a, b) => Some(order_text(a, b)),
        Pair::Bools(a, b) => Some(a.cmp(&b)),
        Pair::Identical(_) => None,
    }
}

/// Two values brought to one kind.
enum Pair<'v> {
    Numbers(f64, f64),
    Strings(&'v str, &'v str),
    Bools(bool, bool),
    /// Kinds without order: equal or not is already known.
    Identical(bool),
}

fn pair<'v>(left: &'v Value, right: &'v Value) -> Pair<'v> {
    match (left, right) {
        (Value::Null, Value::Null) => Pair::Identical(true),
        (Value::Bool(a), Value::Bool(b)) => Pair::Bools(*a, *b),
        (Value::String(a), Value::String(b)) => Pair::Strings(a, b),
        (Value::Array(a), Value::Array(b)) => Pair::Identical(Arc::ptr_eq(a, b)),
        (Value::Object(a), Value::Object(b)) => Pair::Identical(Arc::ptr_eq(a, b)),
        (a, b) if is_primitive(a) && is_primitive(b) => Pair::Numbers(to_number(a), to_number(b)),
        _ => Pair::Identical(false),
    }
}

/// Folds the case of a text the way comparisons do, so that folded texts can be searched.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_uppercase() } else { text.chars().map(ordinal_upper).collect() }
}

fn same_text(a: &str, b: &str) -> bool {
    a == b || a.eq_ignore_ascii_case(b) || a.chars().map(ordinal_upper).eq(b.chars().map(ordinal_upper))
}

fn order_text(a: &str, b: &str) -> Ordering {
    // The language orders UTF-16 units, which differs from the order of characters above U+FFFF.
    fn units(text: &str) -> impl Iterator<Item = u16> {
        text.chars().map(ordinal_upper).flat_map(|c| {
            let mut buffer = [0; 2];
            let len = c.encode_utf16(&mut buffer).len();
            buffer.into_iter().take(len)
        })
    }
    units(a).cmp(units(b))
}

/// Reads a number as the language reads literals and converts strings; what is none gives NaN.
///
/// Blank text is zero. Hexadecimal and octal numbers have 32 bits and wrap to negative ones.
#[must_use]
pub fn parse_number(text: &str) -> f64 {
    let text = text.trim();
    if text.is_empty() {
        return 0.0;
    }
    if is_decimal(text) {
        return text.parse().unwrap_or(f64::NAN);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return parse_bits(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return parse_bits(digits, 8);
    }
    let (negative, name) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if !name.eq_ignore_ascii_case("infinity") {
        return f64::NAN;
    }
    if negative { f64::NEG_INFINITY } else { f64::INFINITY }
}

fn is_decimal(text: &str) -> bool {
    fn skip_digits(bytes: &[u8]) -> &[u8] {
        &bytes[bytes.iter().take_while(|b| b.is_ascii_digit()).count()..]
    }
    fn skip_sign(bytes: &[u8]) -> &[u8] {
        if matches!(bytes.first(), Some(b'+' | b'-')) { &bytes[1..] } else { bytes }
    }
    let start = skip_sign(text.as_bytes());
    let mut rest = skip_digits(start);
    let mut digits = start.len() - rest.len();
    if rest.first() == Some(&b'.') {
        let after = skip_digits(&rest[1..]);
        digits += rest.len() - 1 - after.len();
        rest = after;
    }
    if matches!(rest.first(), Some(b'e' | b'E')) {
        let exponent = skip_sign(&rest[1..]);
        rest = skip_digits(exponent);
        if rest.len() == exponent.len() {
            return false;
        }
    }
    digits > 0 && rest.is_empty()
}

fn parse_bits(digits: &str, radix: u32) -> f64 {
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return f64::NAN;
    }
    u32::from_str_radix(digits, radix).map_or(f64::NAN, |bits| f64::from(bits.cast_signed()))
}

/// Prints a number with at most 15 significant digits.
#[must_use]
pub fn number_text(n: f64) -> String {
    if n.is_nan() {
        return "NaN".to_owned();
    }
    if n.is_infinite() {
        return if n > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if n == 0.0 {
        return "0".to_owned(); // A negative zero prints without its sign.
    }
    // Whole numbers are by far the most, and need no search for the last digit.
    if n.fract() == 0.0 && n.abs() < 1e15 {
        return (n as i64).to_string();
    }
    let printed = format!("{n:.14e}");
    let (mantissa, exponent) = printed.split_once('e').expect("the exponent form always holds an `e`");
    let exponent: i32 = exponent.parse().expect("the exponent is a small whole number");
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |m| ("-", m));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let digits = digits.trim_end_matches('0');
    match usize::try_from(exponent) {
        Ok(whole) if whole < 15 => {
            if digits.len() <= whole + 1 {
                format!("{sign}{digits:0<width$}", width = whole + 1)
            } else {
                format!("{sign}{}.{}", &digits[..=whole], &digits[whole + 1..])
            }
        }
        Err(_) if exponent >= -4 => {
            let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
            format!("{sign}0.{zeros}{digits}")
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            let exponent_sign = if exponent < 0 { '-' } else { '+' };
            format!("{sign}{first}{point}{rest}E{exponent_sign}{:02}", exponent.unsigned_abs())
        }
    }
}
