//! The bundled themes: complete, readable by number, and told apart by eyes that see fewer colours.

use super::color::contrast;
use super::{Background, Color, Depth, Rgb, Role, Shelf, Theme, Token, bundled, read};

/// How colours look to eyes that lack one kind of cones. From Machado, Oliveira and Fernandes, "A Physiologically-based
/// Model for Simulation of Color Vision Deficiency", IEEE Transactions on Visualization and Computer Graphics 15(6),
/// 2009, severity 1.0; they are for amounts of light.
const SIMULATIONS: [(&str, [[f64; 3]; 3]); 4] = [
    ("all cones", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

fn theme(name: &str) -> Theme {
    let reading = read(bundled::source(name).unwrap(), &Shelf { names: &[], open: &|_| None });
    reading.theme.unwrap_or_else(|| panic!("{name}: {:#?}", reading.faults))
}

/// The bundled themes that have a background of their own, with it.
fn painted() -> Vec<(Theme, Rgb)> {
    let own = |theme: Theme| match theme.background {
        Background::Own(color) => Some((theme, color)),
        _ => None,
    };
    bundled::names().map(theme).filter_map(own).collect()
}

fn shown(theme: &Theme, token: Token, depth: Depth) -> Rgb {
    let color = theme.style(token).fg.and_then(|color| color.at(depth)).and_then(Color::rgb);
    color.unwrap_or_else(|| panic!("`{}` of {} has no colour", token.name(), theme.name))
}

/// L, a and b of CIE 1976 for an amount of light of each primary of sRGB, with the white of D65.
fn lab([red, green, blue]: [f64; 3]) -> [f64; 3] {
    let bent = |part: f64| if part > 0.008_856 { part.cbrt() } else { 7.787 * part + 16.0 / 116.0 };
    let x = bent((0.412_456_4 * red + 0.357_576_1 * green + 0.180_437_5 * blue) / 0.950_47);
    let y = bent(0.212_672_9 * red + 0.715_152_2 * green + 0.072_175_0 * blue);
    let z = bent((0.019_333_9 * red + 0.119_192_0 * green + 0.950_304_1 * blue) / 1.088_83);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// How far apart two colours look; 2 can just be told apart side by side.
fn difference(one: Rgb, other: Rgb, simulation: &[[f64; 3]; 3]) -> f64 {
    let seen = |color: Rgb| {
        let light = color.light();
        lab(simulation
            .map(|row| row.iter().zip(light).map(|(part, of)| part * of).sum::<f64>().clamp(0.0, 1.0)))
    };
    let (one, other) = (seen(one), seen(other));
    one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn each_can_be_read_and_is_called_as_its_file() {
    let names: Vec<&str> = bundled::names().collect();
    assert_eq!(names, ["terminal", "mono", "night", "day", "okabe-ito-dark", "okabe-ito-light"]);
    for name in names {
        assert_eq!(theme(name).name, name);
    }
    assert_eq!(Theme::terminal(), theme("terminal"));
}

#[test]
fn the_default_takes_only_what_every_terminal_has_and_mono_takes_no_colour() {
    for token in Token::all() {
        let style = theme("terminal").style(token);
        assert_eq!(style.bg, None, "{}", token.name());
        let is_plain = matches!(style.fg, None | Some(Color::Index(1..=7)));
        assert!(is_plain, "`{}`: {style:?}", token.name());
        let mono = theme("mono").style(token);
        assert_eq!((mono.fg, mono.bg), (None, None), "{}", token.name());
    }
    assert_eq!((theme("terminal").background, theme("mono").background), (Background::Any, Background::Any));
}

#[test]
fn words_and_marks_stand_out_from_their_background() {
    assert_eq!(painted().len(), 4);
    for (theme, own) in painted() {
        for depth in [Depth::True, Depth::TwoFiftySix] {
            let own = Color::Rgb(own).at(depth).and_then(Color::rgb).unwrap();
            for token in Token::all() {
                let least = match token.role() {
                    Role::Text => 4.5,
                    Role::Mark => 3.0,
                    Role::Behind => continue,
                };
                let found = contrast(shown(&theme, token, depth), own);
                assert!(found >= least, "{} {depth:?}: `{}` has {found:.2}", theme.name, token.name());
            }
        }
    }
}

#[test]
fn words_stand_out_from_whatever_lies_behind_them() {
    for (theme, _) in painted() {
        for behind in Token::all().filter(|token| token.role() == Role::Behind) {
            let style = theme.style(behind);
            let Some(bg) = style.bg.and_then(Color::rgb) else { continue };
            let words: Vec<Rgb> = match style.fg.and_then(Color::rgb) {
                Some(own) => vec![own],
                None => Token::all()
                    .filter(|token| token.role() == Role::Text)
                    .map(|token| shown(&theme, token, Depth::True))
                    .collect(),
            };
            for word in words {
                let found = contrast(word, bg);
                assert!(found >= 4.5, "{}: {word:?} on `{}` has {found:.2}", theme.name, behind.name());
            }
        }
    }
}

#[test]
fn success_error_and_attention_stay_apart_for_every_kind_of_eyes() {
    let states = [Token::Success, Token::Error, Token::Attention];
    for (theme, _) in painted() {
        for (eyes, simulation) in &SIMULATIONS {
            for (at, one) in states.iter().enumerate() {
                for other in &states[at + 1..] {
                    let color = |token| shown(&theme, token, Depth::True);
                    let found = difference(color(*one), color(*other), simulation);
                    let pair = format!("{} and {}", one.name(), other.name());
                    assert!(found >= 20.0, "{}, {eyes}: {pair} differ by {found:.1}", theme.name);
                }
            }
        }
    }
}

#[test]
fn states_keep_colours_of_their_own_when_there_are_sixteen() {
    let states = [Token::Success, Token::Error, Token::Warning, Token::Attention, Token::Running];
    for name in bundled::names().filter(|name| *name != "mono") {
        let theme = theme(name);
        let mut hues: Vec<u8> = states
            .iter()
            .map(|token| match theme.style(*token).fg.and_then(|color| color.at(Depth::Sixteen)) {
                Some(Color::Index(index)) => index % 8,
                other => panic!("{name}: `{}` is {other:?}", token.name()),
            })
            .collect();
        hues.sort_unstable();
        hues.dedup();
        assert_eq!(hues.len(), states.len(), "{name}: {hues:?}");
    }
}
