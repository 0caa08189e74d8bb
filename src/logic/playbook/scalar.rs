//! Kinds of plain scalars by the core schema of YAML 1.2.
//!
//! Not here: reading of YAML (`tree.rs`). Start with `resolve`. `on`, `yes`, `no` and `off` are text.

use super::tree::{Scalar, Style};

/// What a scalar means.
#[derive(Clone, Debug, PartialEq)]
pub enum Core<'s> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'s str),
}

impl Core<'_> {
    /// Returns the kind in words, for "expected a text, found a number".
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
        }
    }
}

/// Returns what the scalar means; anything in quotes or in a block is text.
#[must_use]
pub fn resolve<'a>(scalar: &'a Scalar<'_>) -> Core<'a> {
    if scalar.style == Style::Plain { plain(&scalar.text) } else { Core::Text(&scalar.text) }
}

/// Returns what a plain scalar means.
#[must_use]
pub fn plain(text: &str) -> Core<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Core::Null,
        "true" | "True" | "TRUE" => return Core::Bool(true),
        "false" | "False" | "FALSE" => return Core::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Core::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Core::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Core::Float(f64::NAN),
        _ => {}
    }
    // Most text ends the search with its first letter.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return Core::Text(text);
    }
    number(text).unwrap_or(Core::Text(text))
}

fn number(text: &str) -> Option<Core<'_>> {
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return Some(match text.parse() {
            Ok(whole) => Core::Int(whole),
            Err(_) => Core::Float(text.parse().ok()?),
        });
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let mantissa_fits = (digits(whole) && (fraction.is_empty() || digits(fraction)))
        || (whole.is_empty() && digits(fraction));
    let exponent_fits = exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e)));
    if mantissa_fits && exponent_fits { text.parse().ok().map(Core::Float) } else { None }
}

fn radix(digits: &str, base: u32) -> Option<Core<'_>> {
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(digits, base).ok().map(Core::Int)
}
