//! Texts of people and programs, made so that each format shows all of them and obeys none of them.
//!
//! Not here: control characters in general (`logic/text/clean.rs`).

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::logic::text::clean::written_out;

/// Returns a text in one line of Markdown, also inside a table.
pub(super) fn markdown(text: &str) -> String {
    let text = one_line(text);
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '`' | '\\' | '*' | '[' | ']' => {
                out.push('\\');
                out.push(c);
            }
            // Inside a word it is no mark.
            '_' if !before.is_alphanumeric() => out.push_str("\\_"),
            '#' if out.is_empty() => out.push_str("\\#"),
            // What not all renderers take a backslash for.
            '~' => out.push_str("&#126;"),
            '@' => out.push_str("&#64;"),
            // Some make links of what looks like one.
            ':' if is_scheme(&out) => out.push_str("&#58;"),
            '.' if out.ends_with("www") => out.push_str("&#46;"),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// Says whether what is written so far ends like the beginning of an address.
fn is_scheme(so_far: &str) -> bool {
    ["http", "https", "ftp", "mailto", "xmpp", "javascript"].iter().any(|it| so_far.ends_with(it))
}

/// Returns lines as a block of code of Markdown, whose fence is longer than any in them.
pub(super) fn fenced<S: AsRef<str>>(lines: &[S]) -> String {
    let longest = lines
        .iter()
        .map(|line| line.as_ref().split(|c| c != '`').map(str::len).max().unwrap_or(0))
        .max()
        .unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    let mut out = format!("{fence}text\n");
    for line in lines {
        out.push_str(&visible(line.as_ref()).replace(['\n', '\r'], " "));
        out.push('\n');
    }
    out.push_str(&fence);
    out.push('\n');
    out
}

/// Returns a text for HTML, as the content of an element or in a quoted attribute.
pub(super) fn html(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Returns a text for XML 1.0, in an element or a quoted attribute; what XML cannot hold is written out.
pub(super) fn xml(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // In attributes a break would be read as a space.
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => {
                // Writing to a string cannot fail.
                let _written = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Returns a text as a field of CSV: quoted where need be, and never a formula of a spreadsheet.
pub(super) fn csv(text: &str) -> String {
    let text = visible(text);
    let is_formula = text
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let text = if is_formula { Cow::Owned(format!("'{text}")) } else { text };
    if text.contains(['"', ',', '\n', '\r', ';', '\'']) || text.starts_with(' ') || text.ends_with(' ') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

/// Writes out control characters, and those that turn the direction of writing; breaks and tabs stay.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    match written_out(text, false) {
        // A lone carriage return would be a break for some readers.
        Cow::Borrowed(text) if !text.contains(is_odd) => Cow::Borrowed(text),
        text => {
            let mut out = String::with_capacity(text.len());
            for c in text.chars() {
                if is_odd(c) {
                    // Writing to a string cannot fail.
                    let _written = write!(out, "\\u{:04x}", u32::from(c));
                } else {
                    out.push(c);
                }
            }
            Cow::Owned(out)
        }
    }
}

/// What is no control character by its class and no letter either: marks of direction, and breaks that only some know.
fn is_odd(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// The same in one line.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    let text = match visible(text) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    if !text.contains(['\n', '\t']) {
        return text;
    }
    let parts: Vec<&str> = text.split(['\n', '\t']).map(str::trim).filter(|it| !it.is_empty()).collect();
    Cow::Owned(parts.join(" "))
}
