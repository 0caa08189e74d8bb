//! Output of steps made safe to print in a line: no control characters, no cursor movements.
//!
//! Not here: the files themselves, which keep every byte (`engine/logs`).

use std::borrow::Cow;
use std::fmt::Write;

#[cfg(test)]
#[path = "clean_tests.rs"]
mod tests;

/// Returns one line as text. Of a line that was overwritten by carriage returns the last state is kept, escape
/// sequences go, except for colours if they are wanted, and bytes that are not UTF-8 become `�`.
#[must_use]
pub fn clean(line: &[u8], colors: bool) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(last_state(line));
    if control(text.as_bytes(), 0).is_none() {
        return text;
    }
    let mut kept = String::with_capacity(text.len());
    without_controls(&text, colors, &mut kept);
    Cow::Owned(kept)
}

/// Does the same without colours, and puts the text behind what is there: for many lines at once.
pub fn clean_onto(line: &[u8], kept: &mut String) {
    let line = last_state(line);
    match std::str::from_utf8(line) {
        Ok(text) => without_controls(text, false, kept),
        Err(_) => without_controls(&String::from_utf8_lossy(line), false, kept),
    }
}

/// Returns a text that may have been written by anybody so that a terminal shows all of it and obeys none of it: control
/// characters, and those that turn the direction of writing, are written out as in JSON (`\u001b`). Breaks and tabs stay, and
/// colours if they are wanted.
#[must_use]
pub fn written_out(text: &str, colors: bool) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut from = 0;
    let mut next = 0;
    while let Some((at, length)) = untame(text, next) {
        next = at + length;
        if colors && text[at..].starts_with("\x1b[") {
            let (end, color) = control_sequence(text.as_bytes(), at + 2);
            if color.is_some() {
                next = end;
                continue;
            }
        }
        kept.push_str(&text[from..at]);
        for c in text[at..next].chars() {
            // Writing to a string cannot fail.
            let _written = write!(kept, "\\u{:04x}", u32::from(c));
        }
        from = next;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(&text[from..]);
    Cow::Owned(kept)
}

/// The first character from a place on that a terminal would obey, and its length; breaks and tabs are not meant.
fn untame(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        match control(bytes, at) {
            Some((found, 1)) if bytes[found] == b'\n' => at = found + 1,
            found => return found,
        }
    }
}

/// What stands in the line after it was overwritten.
fn last_state(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match memchr::memrchr(b'\r', line) {
        Some(at) => &line[at + 1..],
        None => line,
    }
}

/// Whether bytes begin with a character that turns the direction of writing: a line with one reads otherwise than it is.
#[must_use]
pub fn turns_writing(bytes: &[u8]) -> bool {
    matches!(bytes, [0xe2, 0x80, 0xaa..=0xae, ..] | [0xe2, 0x81, 0xa6..=0xa9, ..])
}

/// The first control character but tabs from a place on, and its length. One that turns the direction of writing counts.
fn control(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let may_be = |&b: &u8| ((b < 0x20) & (b != b'\t')) | (b == 0x7f) | (b == 0xc2) | (b == 0xe2);
    let mut at = from;
    loop {
        // Plain text is the rule: sixteen bytes at once, without a branch for each.
        while let Some(block) = text.get(at..at + 16)
            && !block.iter().fold(false, |found, b| found | may_be(b))
        {
            at += 16;
        }
        at += text.get(at..)?.iter().position(may_be)?;
        match text[at] {
            0xc2 if text.get(at + 1).is_some_and(|b| (0x80..0xa0).contains(b)) => return Some((at, 2)),
            0xe2 if turns_writing(&text[at..]) => return Some((at, 3)),
            0xc2 | 0xe2 => at += 1,
            _ => return Some((at, 1)),
        }
    }
}

fn without_controls(text: &str, colors: bool, kept: &mut String) {
    let bytes = text.as_bytes();
    let mut colored = false;
    let mut from = 0;
    while let Some((at, length)) = control(bytes, from) {
        kept.push_str(&text[from..at]);
        let next = at + length;
        let is_sequence = (length == 2 && bytes[at + 1] == 0x9b) || bytes[at..].starts_with(b"\x1b[");
        from = if is_sequence {
            let first = at + 2;
            let (end, color) = control_sequence(bytes, first);
            if let (Some(color), true) = (color, colors) {
                colored = true;
                kept.push_str("\x1b[");
                kept.push_str(&text[first..color]);
                kept.push('m');
            }
            end
        } else if bytes[at] == b'\x1b' {
            match bytes.get(next) {
                Some(b']' | b'P' | b'_' | b'^' | b'X') => after_string(bytes, next + 1),
                // Charset selections have one more character.
                Some(b'(' | b')' | b'*' | b'+' | b'#') => after_char(bytes, next + 1),
                _ => after_char(bytes, next),
            }
        } else {
            next
        };
    }
    kept.push_str(&text[from..]);
    if colored {
        kept.push_str("\x1b[0m");
    }
}

/// Reads a sequence to its end; returns what comes after it, and where its parameters end if it is a colour.
fn control_sequence(text: &[u8], first: usize) -> (usize, Option<usize>) {
    let mut at = first;
    loop {
        match text.get(at) {
            Some(0x20..=0x3f) if at - first < 64 => at += 1,
            Some(b'm') => {
                let is_color = text[first..at].iter().all(|p| p.is_ascii_digit() || b";:".contains(p));
                return (at + 1, is_color.then_some(at));
            }
            _ => return (after_char(text, at), None),
        }
    }
}

/// What comes after a string such as a window title, which ends with a bell or a terminator.
fn after_string(text: &[u8], mut at: usize) -> usize {
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr3(0x07, 0x1b, 0xc2, rest)) {
        at += found;
        match (text[at], text.get(at + 1)) {
            (0x07, _) => return at + 1,
            (0x1b, Some(b'\\')) | (0xc2, Some(0x9c)) => return at + 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// What comes after the character that begins here.
fn after_char(text: &[u8], at: usize) -> usize {
    let length = match text.get(at) {
        None => 0,
        Some(0..0x80) => 1,
        Some(0x80..0xe0) => 2,
        Some(0xe0..0xf0) => 3,
        Some(0xf0..) => 4,
    };
    text.len().min(at + length)
}
