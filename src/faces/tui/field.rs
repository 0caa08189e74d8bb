//! A line of text that is being typed.
//!
//! Pure. Not here: what it is for.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The text, and where the next character goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    text: String,
    /// In bytes, between what a person takes for letters.
    at: usize,
}

impl Field {
    /// Returns a field with that text and the cursor behind it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { at: text.len(), text }
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the columns before the cursor.
    #[must_use]
    pub fn column(&self) -> usize {
        self.text[..self.at].width()
    }

    /// Inserts text, without what is not printable.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars().filter(|c| !c.is_control()) {
            self.text.insert(self.at, c);
            self.at += c.len_utf8();
        }
    }

    /// Takes a key by its name; returns whether it means something here.
    pub fn key(&mut self, key: &str) -> bool {
        match key {
            "space" => self.insert(" "),
            "backspace" | "ctrl-h" => {
                let from = self.before();
                self.text.replace_range(from..self.at, "");
                self.at = from;
            }
            "delete" => {
                let to = self.after();
                self.text.replace_range(self.at..to, "");
            }
            "left" => self.at = self.before(),
            "right" => self.at = self.after(),
            "home" | "ctrl-a" => self.at = 0,
            "end" | "ctrl-e" => self.at = self.text.len(),
            "ctrl-u" => {
                self.text.replace_range(..self.at, "");
                self.at = 0;
            }
            "ctrl-k" => self.text.truncate(self.at),
            "ctrl-w" => {
                let kept = self.text[..self.at].trim_end();
                let from = kept.rfind(char::is_whitespace).map_or(0, |space| space + 1);
                self.text.replace_range(from..self.at, "");
                self.at = from;
            }
            key => {
                let mut chars = key.chars();
                match (chars.next(), chars.next()) {
                    (Some(_), None) => self.insert(key),
                    _ => return false,
                }
            }
        }
        true
    }

    fn before(&self) -> usize {
        self.text[..self.at].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.at..].graphemes(true).next().map_or(self.at, |it| self.at + it.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Field;

    #[test]
    fn text_is_edited_where_the_cursor_stands() {
        let mut field = Field::new("größe");
        for key in ["left", "left", "backspace", "x", "home", "delete", "end", "space", "ab", "c"] {
            field.key(key);
        }
        assert_eq!(field.text(), "rxße c");
        field.key("ctrl-w");
        assert_eq!((field.text(), field.column()), ("rxße ", 5));
        field.key("ctrl-u");
        field.insert("a\u{7}b\n");
        assert_eq!(field.text(), "ab");
        assert!(!field.key("pgup"));
        // A family is one letter, however many characters it has.
        let mut field = Field::new("a👨\u{200d}👩\u{200d}👧🇩🇪");
        field.key("left");
        field.key("backspace");
        assert_eq!((field.text(), field.column()), ("a🇩🇪", 1));
        field.key("delete");
        assert_eq!(field.text(), "a");
    }
}
