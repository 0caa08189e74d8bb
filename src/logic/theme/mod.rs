//! Themes: text to a style for each meaning, or to all that is wrong with it.
//!
//! Not here: finding the files (`engine/themes.rs`), drawing (`faces`). Start with `read`. `token.rs` lists the
//! meanings, `color.rs` knows colours and what terminals make of them, `bundled.rs` holds the themes that are
//! always there.

pub mod bundled;
pub mod color;
mod read;
pub mod token;

#[cfg(test)]
mod bundled_tests;
#[cfg(test)]
mod tests;

pub use color::{Color, Depth, Rgb};
pub use read::{Reading, Shelf, read};
pub use token::{Role, Token};

/// The theme that is used when nobody chose one, and on which every other is built unless it says otherwise.
pub const DEFAULT: &str = "terminal";

/// What a theme is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// Readable on whatever the terminal has.
    #[default]
    Any,
    Dark,
    Light,
    /// Is drawn on a background of its own.
    Own(Rgb),
}

/// What makes letters different without any colour. Nothing ever blinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(u8);

impl Attributes {
    pub const BOLD: Self = Self(1);
    pub const DIM: Self = Self(2);
    pub const ITALIC: Self = Self(4);
    pub const UNDERLINE: Self = Self(8);
    pub const REVERSE: Self = Self(16);
    pub const STRIKE: Self = Self(32);

    /// The words that themes use.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("bold", Self::BOLD),
        ("dim", Self::DIM),
        ("italic", Self::ITALIC),
        ("underline", Self::UNDERLINE),
        ("reverse", Self::REVERSE),
        ("strike", Self::STRIKE),
    ];

    /// Returns these together with others.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Says whether all of the others are among these.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Says whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// How a token looks. What is not stated is left as what lies below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    pub fg: Option<Color>,
    pub bg: Option<Color>,
    pub attributes: Attributes,
}

/// A style for each token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    pub name: String,
    pub background: Background,
    /// One for each token, by its index.
    styles: Vec<Style>,
}

impl Theme {
    /// Returns how a token looks.
    #[must_use]
    pub fn style(&self, token: Token) -> Style {
        self.styles.get(token.index()).copied().unwrap_or_default()
    }

    /// Returns the default theme. It takes no file and no folder.
    #[must_use]
    pub fn terminal() -> Self {
        let none = Shelf { names: &[], open: &|_| None };
        let read = bundled::source(DEFAULT).and_then(|source| read(source, &none).theme);
        // A test holds that the bundled themes can be read; without styles all would be readable, too.
        read.unwrap_or_else(|| Self {
            name: DEFAULT.to_owned(),
            background: Background::Any,
            styles: vec![Style::default(); Token::COUNT],
        })
    }
}
