//! Colours by name and number, and what becomes of them on poorer terminals.

use super::{Color, Depth, Rgb, contrast};

#[test]
fn hex_values_have_six_digits_or_three() {
    assert_eq!(Rgb::parse("#2a9d8f"), Some(Rgb(0x2a, 0x9d, 0x8f)));
    assert_eq!(Rgb::parse("#f0A"), Some(Rgb(0xff, 0x00, 0xaa)));
    for wrong in ["2a9d8f", "#2a9d8", "#2a9d8f0", "#ggg", "#", "#+12345", "#äö"] {
        assert_eq!(Rgb::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn numbers_stand_for_the_colours_of_xterm() {
    let shown = |index| Rgb::of_index(index);
    assert_eq!((shown(1), shown(12)), (Rgb(0xcd, 0, 0), Rgb(0x5c, 0x5c, 0xff)));
    assert_eq!((shown(16), shown(231)), (Rgb(0, 0, 0), Rgb(255, 255, 255)));
    assert_eq!((shown(67), shown(196)), (Rgb(95, 135, 175), Rgb(255, 0, 0)));
    assert_eq!((shown(232), shown(255)), (Rgb(8, 8, 8), Rgb(238, 238, 238)));
}

#[test]
fn contrast_is_that_of_the_guidelines() {
    let (black, white) = (Rgb(0, 0, 0), Rgb(255, 255, 255));
    assert!((contrast(black, white) - 21.0).abs() < 1e-9);
    assert!((contrast(white, white) - 1.0).abs() < 1e-9);
    // The grey that is known as the lightest with 4.5 on white.
    let grey = contrast(Rgb(0x76, 0x76, 0x76), white);
    assert!((4.54..4.55).contains(&grey), "{grey}");
}

#[test]
fn a_colour_becomes_the_nearest_that_there_is() {
    let at = |text: &str, depth| Color::Rgb(Rgb::parse(text).unwrap()).at(depth);
    assert_eq!(at("#5f87af", Depth::True), Some(Color::Rgb(Rgb(0x5f, 0x87, 0xaf))));
    assert_eq!(at("#5f87af", Depth::TwoFiftySix), Some(Color::Index(67)));
    assert_eq!(at("#ff0000", Depth::TwoFiftySix), Some(Color::Index(196)), "not one of the first sixteen");
    assert_eq!(at("#777777", Depth::TwoFiftySix), Some(Color::Index(243)));
    let sixteen = [
        ("#000000", 0),
        ("#ffffff", 15),
        ("#d0d4d8", 7),
        ("#98a2b3", 8),
        ("#8fe0a0", 10),
        ("#1d7a33", 2),
        ("#b3171d", 1),
        ("#ff8877", 9),
        ("#7a1fb4", 5),
        ("#e8c547", 3),
        ("#00517e", 4),
        ("#2ec4c9", 6),
    ];
    for (text, index) in sixteen {
        assert_eq!(at(text, Depth::Sixteen), Some(Color::Index(index)), "{text}");
    }
}

#[test]
fn the_terminals_own_colours_stay_as_far_as_they_are_there() {
    for depth in [Depth::Sixteen, Depth::TwoFiftySix, Depth::True] {
        assert_eq!(Color::Index(9).at(depth), Some(Color::Index(9)));
        assert_eq!(Color::Default.at(depth), Some(Color::Default));
    }
    assert_eq!(Color::Index(208).at(Depth::TwoFiftySix), Some(Color::Index(208)));
    assert_eq!(Color::Index(160).at(Depth::Sixteen), Some(Color::Index(1)));
    assert_eq!(Color::Index(208).at(Depth::None), None);
    assert_eq!(Color::Default.at(Depth::None), None);
}

#[test]
fn the_depth_comes_from_the_setting_and_the_environment() {
    let auto = |term: &str, colorterm: &str| Depth::choose("auto", Some(term), Some(colorterm), None);
    assert_eq!(auto("xterm", ""), Depth::Sixteen);
    assert_eq!(auto("linux", ""), Depth::Sixteen);
    assert_eq!(auto("xterm-256color", ""), Depth::TwoFiftySix);
    assert_eq!(auto("xterm-256color", "truecolor"), Depth::True);
    assert_eq!(auto("tmux-256color", "24bit"), Depth::True);
    assert_eq!(auto("screen-256color", "truecolor"), Depth::TwoFiftySix);
    assert_eq!(auto("screen", ""), Depth::Sixteen);
    assert_eq!(auto("xterm-kitty", ""), Depth::True);
    assert_eq!(auto("xterm-direct", ""), Depth::True);
    assert_eq!(auto("vt220", ""), Depth::None);
    assert_eq!(auto("dumb", "truecolor"), Depth::None);
    assert_eq!(Depth::choose("auto", None, None, None), Depth::Sixteen);
    let rich =
        |setting, no_color| Depth::choose(setting, Some("xterm-256color"), Some("truecolor"), Some(no_color));
    assert_eq!(
        (rich("auto", "1"), rich("auto", ""), rich("never", "")),
        (Depth::None, Depth::True, Depth::None)
    );
    assert_eq!(rich("always", "1"), Depth::True, "who asks for colours by name gets them");
    assert_eq!(Depth::choose("always", Some("dumb"), None, None), Depth::Sixteen);
}
