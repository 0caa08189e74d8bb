//! Breaks text into rows of a width.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Breaks a text into rows of so many columns: at its line breaks, between words, and inside of a word only if it alone is too wide.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut rows = Vec::new();
    for line in text.lines() {
        let line = line.replace('\t', "    ");
        let mut row = String::new();
        let mut used = 0;
        // Spaces at the beginning of a line are kept, those at a break are not.
        let mut is_broken = false;
        for (at, word) in line.split(' ').enumerate() {
            let wide = word.width();
            if at > 0 && used + 1 + wide > width && !row.trim().is_empty() {
                rows.push(std::mem::take(&mut row).trim_end().to_owned());
                used = 0;
                is_broken = true;
            } else if at > 0 && used < width && (used > 0 || !is_broken) {
                row.push(' ');
                used += 1;
            }
            for letter in word.graphemes(true) {
                let wide = letter.width();
                if used + wide > width {
                    rows.push(std::mem::take(&mut row));
                    used = 0;
                    is_broken = true;
                }
                row.push_str(letter);
                used += wide;
            }
        }
        rows.push(row.trim_end().to_owned());
    }
    rows
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::wrapped;

    #[test]
    fn text_is_broken_between_words_and_nothing_is_lost() {
        assert_eq!(wrapped("ships services to all\nregions", 12), ["ships", "services to", "all", "regions"]);
        assert_eq!(wrapped("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        let family = "👨\u{200d}👩\u{200d}👧";
        assert_eq!(wrapped(&family.repeat(2), 3), [family, family]);
        assert_eq!(wrapped("  in by two", 40), ["  in by two"]);
        assert_eq!(wrapped("", 10), Vec::<String>::new());
        let text = "größe 漢字漢字漢字 and a very long word: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        for width in 2..40 {
            let rows = wrapped(text, width);
            assert!(rows.iter().all(|row| row.width() <= width), "{width}: {rows:?}");
            let kept = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            assert_eq!(kept(&rows.concat()), kept(text), "{width}");
        }
    }
}
