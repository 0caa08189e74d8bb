//! Texts as YAML writes them: plain where every reader sees the same text, else quoted.
//!
//! Not here: what is written (`write.rs`).

use std::fmt::Write;

use crate::logic::playbook::scalar::{self, Core};

/// Words that some readers of YAML take for something else than text.
const TAKEN: [&str; 12] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "none", "nan", "inf"];

/// Returns a text as a scalar of a line of its own.
pub(super) fn text(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Returns a text as a scalar between brackets.
pub(super) fn inside(text: &str) -> String {
    let is_plain = is_plain(text) && !text.contains([',', '[', ']', '{', '}']);
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// Returns a value of a matrix: whole numbers and truths are such, everything else is text as it was typed, so that
/// `1.10` stays what it is.
pub(super) fn value(text: &str) -> String {
    if is_whole(text) || is_truth(text) { text.to_owned() } else { inside(text) }
}

/// Returns a list between brackets.
pub(super) fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|it| inside(it)).collect();
    format!("[{}]", items.join(", "))
}

/// Says whether it is `true` or `false`.
pub(super) fn is_truth(text: &str) -> bool {
    matches!(text, "true" | "false")
}

/// Says whether it is a whole number that is written the one way that it can be.
pub(super) fn is_whole(text: &str) -> bool {
    text.parse::<i32>().is_ok_and(|number| number.to_string() == text)
}

/// Returns the lines of a text after the key, each with its indentation; nothing if it cannot be written like that.
pub(super) fn block(text: &str, indent: usize) -> Option<String> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let is_fit = body.contains('\n')
        && !body.starts_with([' ', '\t', '\n'])
        && !body.ends_with(['\n', ' '])
        && body.chars().all(|it| it == '\n' || it == '\t' || is_shown(it));
    if !is_fit {
        return None;
    }
    let mut written = String::from(if body.len() == text.len() { "|-" } else { "|" });
    for line in body.split('\n') {
        written.push('\n');
        if !line.is_empty() {
            let _done = write!(written, "{:indent$}{line}", "");
        }
    }
    Some(written)
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let begins = first.is_alphanumeric() || matches!(first, '_' | '/' | '.' | '$');
    begins
        && text.chars().all(is_shown)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !is_like_a_number(text)
        && !TAKEN.iter().any(|word| text.eq_ignore_ascii_case(word))
        && matches!(scalar::plain(text), Core::Text(_))
        && !text.starts_with("---")
        && !text.starts_with("...")
}

/// Says whether some reader could take it for a number or a time: only digits and what may stand between them.
fn is_like_a_number(text: &str) -> bool {
    let is_part = |it: char| {
        it.is_ascii_hexdigit() || matches!(it, '.' | '_' | '+' | '-' | ':' | 'x' | 'o' | 'T' | 'Z')
    };
    text.starts_with(|it: char| it.is_ascii_digit() || it == '.') && text.chars().all(is_part)
}

pub(super) fn is_shown(letter: char) -> bool {
    // A mark of the byte order and the breaks of Unicode are read in more than one way.
    !letter.is_control()
        && !matches!(letter, '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{fffe}' | '\u{ffff}')
}

pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            letter if is_shown(letter) => quoted.push(letter),
            letter => {
                let _done = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
        }
    }
    quoted.push('"');
    quoted
}
