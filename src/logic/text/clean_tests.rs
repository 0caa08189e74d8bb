//! Output of steps, cleaned for a line of text.

use super::clean;

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
