//! Themes as ratatui draws them: a style for each token, on a terminal of a certain depth of colour.
//!
//! Not here: what themes say and how they are read (`logic/theme`), where files are found (`engine/themes.rs`).
//! Start with `Theme::new`. Colours are left out here where the terminal shows none, and never left to the terminal's
//! library: what it leaves out takes bold and reverse along.

use ratatui::style::{Color as Drawn, Modifier, Style};

use super::glyphs::Mark;
use crate::logic::theme::{self, Attributes, Background, Color, Depth};

pub use crate::logic::theme::Token;

#[cfg(test)]
#[path = "theme_tests.rs"]
mod tests;

/// A theme, ready for drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    pub name: String,
    pub background: Background,
    pub depth: Depth,
    /// One for each token, by its index.
    styles: Vec<Style>,
}

impl Theme {
    /// Returns a theme as a terminal of that depth shows it.
    #[must_use]
    pub fn new(theme: &theme::Theme, depth: Depth) -> Self {
        let styles = Token::all().map(|token| style(theme.style(token), token, depth)).collect();
        Self { name: theme.name.clone(), background: theme.background, depth, styles }
    }

    /// Returns the default theme.
    #[must_use]
    pub fn terminal(depth: Depth) -> Self {
        Self::new(&theme::Theme::terminal(), depth)
    }

    /// Returns how a token looks; what it does not state stays as what it is drawn over.
    #[must_use]
    pub fn style(&self, token: Token) -> Style {
        self.styles.get(token.index()).copied().unwrap_or_default()
    }

    /// Returns how a screen is filled before anything is drawn on it.
    #[must_use]
    pub fn base(&self) -> Style {
        let text = self.style(Token::Text);
        match self.background {
            Background::Own(color) => match drawn(Color::Rgb(color), self.depth) {
                Some(color) => text.bg(color),
                None => text,
            },
            Background::Any | Background::Dark | Background::Light => text,
        }
    }

    /// Returns how the sign of a state looks. Without a colour it has its attribute, so that it stands out all the same.
    #[must_use]
    pub fn mark(&self, mark: &Mark) -> Style {
        let style = self.style(mark.token);
        if style.fg.is_some() { style } else { style.add_modifier(mark.attribute) }
    }
}

fn style(stated: theme::Style, token: Token, depth: Depth) -> Style {
    let mut style = Style { add_modifier: modifier(stated.attributes), ..Style::default() };
    style.fg = stated.fg.and_then(|color| drawn(color, depth));
    style.bg = stated.bg.and_then(|color| drawn(color, depth));
    // A cursor or a hit that is only a colour would be gone with it.
    let is_gone = depth == Depth::None && stated.bg.is_some();
    if is_gone && matches!(token, Token::Selection | Token::Match | Token::MatchNow) {
        style = style.add_modifier(Modifier::REVERSED);
    }
    style
}

fn drawn(color: Color, depth: Depth) -> Option<Drawn> {
    Some(match color.at(depth)? {
        Color::Default => Drawn::Reset,
        Color::Rgb(theme::Rgb(red, green, blue)) => Drawn::Rgb(red, green, blue),
        Color::Index(0) => Drawn::Black,
        Color::Index(1) => Drawn::Red,
        Color::Index(2) => Drawn::Green,
        Color::Index(3) => Drawn::Yellow,
        Color::Index(4) => Drawn::Blue,
        Color::Index(5) => Drawn::Magenta,
        Color::Index(6) => Drawn::Cyan,
        Color::Index(7) => Drawn::Gray,
        Color::Index(8) => Drawn::DarkGray,
        Color::Index(9) => Drawn::LightRed,
        Color::Index(10) => Drawn::LightGreen,
        Color::Index(11) => Drawn::LightYellow,
        Color::Index(12) => Drawn::LightBlue,
        Color::Index(13) => Drawn::LightMagenta,
        Color::Index(14) => Drawn::LightCyan,
        Color::Index(15) => Drawn::White,
        Color::Index(index) => Drawn::Indexed(index),
    })
}

fn modifier(attributes: Attributes) -> Modifier {
    let pairs = [
        (Attributes::BOLD, Modifier::BOLD),
        (Attributes::DIM, Modifier::DIM),
        (Attributes::ITALIC, Modifier::ITALIC),
        (Attributes::UNDERLINE, Modifier::UNDERLINED),
        (Attributes::REVERSE, Modifier::REVERSED),
        (Attributes::STRIKE, Modifier::CROSSED_OUT),
    ];
    let stated = pairs.into_iter().filter(|(attribute, _)| attributes.has(*attribute));
    stated.fold(Modifier::empty(), |all, (_, modifier)| all | modifier)
}
