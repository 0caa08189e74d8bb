//! Output of steps made safe to print in a line: no control characters, no cursor movements.
//!
//! Not here: the files themselves, which keep every byte (`engine/logs`).

use std::borrow::Cow;
use std::fmt::Write as _;

#[cfg(test)]
#[path = "clean_tests.rs"]
mod tests;

/// Returns one line as text. Of a line that was overwritten by carriage returns the last state is kept, escape
/// sequences go, except for colours if they are wanted, and bytes that are not UTF-8 become `�`.
#[must_use]
pub fn clean(line: &[u8], colors: bool) -> Cow<'_, str> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if !line.iter().any(|&b| (b < 0x20 && b != b'\t') || b >= 0x7f) {
        return String::from_utf8_lossy(line);
    }
    let line = match memchr::memrchr(b'\r', line) {
        Some(at) => &line[at + 1..],
        None => line,
    };
    let text = String::from_utf8_lossy(line);
    if !text.chars().any(|c| c.is_control() && c != '\t') {
        return text;
    }
    Cow::Owned(without_controls(&text, colors))
}

fn without_controls(text: &str, colors: bool) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut colored = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => match chars.next() {
                Some('[') => colored |= control_sequence(&mut chars, colors, &mut kept),
                Some(']' | 'P' | '_' | '^' | 'X') => skip_string(&mut chars),
                // Charset selections have one more character.
                Some('(' | ')' | '*' | '+' | '#') => {
                    chars.next();
                }
                _ => {}
            },
            '\u{9b}' => colored |= control_sequence(&mut chars, colors, &mut kept),
            '\t' => kept.push('\t'),
            c if c.is_control() => {}
            c => kept.push(c),
        }
    }
    if colored {
        kept.push_str("\x1b[0m");
    }
    kept
}

/// Reads a sequence to its end; returns whether it was a colour that was kept.
fn control_sequence(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    colors: bool,
    kept: &mut String,
) -> bool {
    let mut parameters = String::new();
    for c in chars.by_ref() {
        match c {
            '\x40'..='\x7e' => {
                let is_color =
                    c == 'm' && parameters.chars().all(|p| p.is_ascii_digit() || p == ';' || p == ':');
                if is_color && colors {
                    let _ = write!(kept, "\x1b[{parameters}m");
                }
                return is_color && colors;
            }
            '\x20'..='\x3f' if parameters.len() < 64 => parameters.push(c),
            _ => return false,
        }
    }
    false
}

/// Skips a string such as a window title, to its bell or terminator.
fn skip_string(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(c) = chars.next() {
        if c == '\x07' || c == '\u{9c}' {
            return;
        }
        if c == '\x1b' && chars.peek() == Some(&'\\') {
            chars.next();
            return;
        }
    }
}
