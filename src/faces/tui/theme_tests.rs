//! Styles as they are drawn, at every depth of colour.

use std::time::Duration;

use ratatui::style::{Color, Modifier, Style};

use super::{Theme, Token};
use crate::faces::tui::glyphs::{Glyphs, State};
use crate::faces::tui::motion::Motion;
use crate::logic::theme::{Depth, Shelf, bundled, read};

fn bundled_theme(name: &str, depth: Depth) -> Theme {
    let reading = read(bundled::source(name).unwrap(), &Shelf { names: &[], open: &|_| None });
    Theme::new(&reading.theme.unwrap(), depth)
}

#[test]
fn colours_are_those_of_the_terminals_depth() {
    let error = |depth| bundled_theme("night", depth).style(Token::Error);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    assert_eq!(error(Depth::True), bold.fg(Color::Rgb(0xfd, 0x6c, 0x55)));
    assert_eq!(error(Depth::TwoFiftySix), bold.fg(Color::Indexed(203)));
    assert_eq!(error(Depth::Sixteen), bold.fg(Color::LightRed));
    assert_eq!(error(Depth::None), bold);
    assert_eq!(Theme::terminal(Depth::Sixteen).style(Token::Success), Style::new().fg(Color::Green));
}

#[test]
fn without_colours_no_style_has_any_and_every_cursor_is_seen() {
    for name in bundled::names() {
        let theme = bundled_theme(name, Depth::None);
        for token in Token::all() {
            let style = theme.style(token);
            assert_eq!((style.fg, style.bg), (None, None), "{name}: {}", token.name());
        }
        assert_eq!((theme.base().fg, theme.base().bg), (None, None), "{name}");
        for token in [Token::Selection, Token::Match, Token::MatchNow] {
            let is_reversed = theme.style(token).add_modifier.contains(Modifier::REVERSED);
            assert!(is_reversed, "{name}: {}", token.name());
        }
    }
}

#[test]
fn a_screen_is_filled_with_the_background_of_its_theme_if_it_has_one() {
    assert_eq!(bundled_theme("day", Depth::True).base().bg, Some(Color::Rgb(0xfb, 0xfa, 0xf6)));
    assert_eq!(bundled_theme("day", Depth::Sixteen).base().bg, Some(Color::White));
    assert_eq!(bundled_theme("night", Depth::Sixteen).base().bg, Some(Color::Black));
    assert_eq!(Theme::terminal(Depth::True).base(), Style::new());
}

#[test]
fn signs_of_states_have_an_attribute_where_they_have_no_colour() {
    let mark = |state| Glyphs { ascii: false }.state(state, Motion::Full, Duration::ZERO);
    let (needs, blocked) = (mark(State::NeedsYou), mark(State::Blocked));
    let coloured = bundled_theme("day", Depth::True);
    assert_eq!(coloured.mark(&needs), coloured.style(Token::Attention));
    assert!(Theme::terminal(Depth::None).mark(&needs).add_modifier.contains(Modifier::REVERSED));
    assert_eq!(bundled_theme("mono", Depth::True).mark(&blocked).add_modifier, Modifier::DIM);
}
