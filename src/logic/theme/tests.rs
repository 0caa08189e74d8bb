//! Themes by hand: layers, fallbacks, and every mistake with its place and way out.

use expect_test::{Expect, expect};

use super::{Attributes, Background, Color, Rgb, Shelf, Style, Theme, Token, read};
use crate::logic::playbook::source::Source;

const NOTHING: Shelf<'static> = Shelf { names: &[], open: &|_| None };

fn fine(text: &str) -> Theme {
    let reading = read(Source::new("mine/harbor.yml", text), &NOTHING);
    reading.theme.unwrap_or_else(|| panic!("{:#?}", reading.faults))
}

/// Holds what is told about a broken theme: place, slug, sentence, way out.
fn broken(text: &str, told: &Expect) {
    let reading = read(Source::new("harbor.yml", text), &NOTHING);
    assert!(reading.theme.is_none());
    told.assert_eq(&lines(&reading.faults));
}

fn lines(faults: &[(Source, Vec<crate::logic::diag::Diagnostic>)]) -> String {
    let mut lines = String::new();
    for (source, found) in faults {
        for problem in found {
            let place = source.place(problem.span.start);
            lines += &format!("{}:{}:{} {}", source.name, place.line, place.column, problem.slug);
            lines += &format!(" {}; {}\n", problem.message, problem.help.as_deref().unwrap_or("-"));
        }
    }
    lines
}

fn fg(color: Color) -> Style {
    Style { fg: Some(color), ..Style::default() }
}

#[test]
fn a_theme_states_what_differs_from_the_default() {
    let theme = fine(
        "name: harbor
background: dark
tokens:
  text: { fg: default }
  success: { fg: sea }
  error: { fg: brick, attr: [bold, underline] }
  warning: { fg: 208 }
  attention: { fg: bright-magenta, bg: '#001', attr: reverse }
  title: {}
palette:
  sea: \"#2a9d8f\"
  brick: 160
x-note: ours
",
    );
    assert_eq!((theme.name.as_str(), theme.background), ("harbor", Background::Dark));
    assert_eq!(theme.style(Token::Text), fg(Color::Default));
    assert_eq!(theme.style(Token::Success), fg(Color::Rgb(Rgb(0x2a, 0x9d, 0x8f))));
    let error = Style { attributes: Attributes::BOLD.and(Attributes::UNDERLINE), ..fg(Color::Index(160)) };
    assert_eq!(theme.style(Token::Error), error);
    assert_eq!(theme.style(Token::Warning), fg(Color::Index(208)));
    let attention = theme.style(Token::Attention);
    assert_eq!((attention.fg, attention.bg), (Some(Color::Index(13)), Some(Color::Rgb(Rgb(0, 0, 0x11)))));
    assert!(attention.attributes.has(Attributes::REVERSE) && !attention.attributes.has(Attributes::BOLD));
    // From the default, as nothing is said about it here.
    assert_eq!(theme.style(Token::Running), Theme::terminal().style(Token::Running));
    // What no theme states looks like its kin, as the uppermost theme has it.
    assert_eq!(theme.style(Token::BarFailed), error);
    assert_eq!(theme.style(Token::LogHeading), Style::default());
}

#[test]
fn a_theme_without_a_name_is_called_as_its_file() {
    assert_eq!(fine("tokens: {}\n").name, "harbor");
}

#[test]
fn a_theme_can_extend_others_and_the_one_of_its_own_name() {
    let names = ["base".to_owned(), "night".to_owned()];
    let open = |name: &str| match name {
        "base" => {
            Some(Source::new("mine/base.yml", "extends: day\ntokens: {error: {fg: 9}, muted: {fg: 8}}"))
        }
        "night" => Some(Source::new("mine/night.yml", "extends: night\ntokens: {error: {fg: 1}}")),
        _ => None,
    };
    let shelf = Shelf { names: &names, open: &open };
    let top = read(Source::new("mine/top.yml", "extends: base\ntokens: {error: {fg: 11}}"), &shelf);
    let top = top.theme.unwrap();
    assert_eq!(top.style(Token::Error), fg(Color::Index(11)));
    assert_eq!(top.style(Token::Muted), fg(Color::Index(8)));
    assert_eq!(top.background, Background::Own(Rgb(0xfb, 0xfa, 0xf6)), "that of `day`");
    let night = read(open("night").unwrap(), &shelf).theme.unwrap();
    assert_eq!(night.style(Token::Error), fg(Color::Index(1)));
    assert_eq!(night.background, Background::Own(Rgb(0x16, 0x1a, 0x21)));
}

#[test]
fn faults_of_what_is_extended_are_told_in_its_own_file() {
    let names = ["one".to_owned(), "two".to_owned(), "broken".to_owned()];
    let open = |name: &str| match name {
        "one" => Some(Source::new("one.yml", "extends: two")),
        "two" => Some(Source::new("two.yml", "tokens: {}\nextends: one")),
        "broken" => Some(Source::new("broken.yml", "tokens:\n  eror: {}\n")),
        _ => None,
    };
    let shelf = Shelf { names: &names, open: &open };
    let told = |text: &str| lines(&read(Source::new("top.yml", text), &shelf).faults);
    expect![[r#"
        two.yml:2:10 unknown-theme the theme `two.yml` extends itself, by way of `one`; leave `extends` out, and it is built on `terminal`
    "#]]
    .assert_eq(&told("extends: one"));
    expect![[r#"
        broken.yml:2:3 unknown-token no part of the screen has the name `eror`; did you mean `error`?
    "#]]
    .assert_eq(&told("extends: broken"));
    expect![[r#"
        top.yml:1:10 unknown-theme there is no theme `onee`; did you mean `one`?
    "#]]
    .assert_eq(&told("extends: onee"));
}

#[test]
fn every_mistake_is_told_with_its_place_and_way_out() {
    broken(
        "nmae: harbor
colours: {}
background: drak
extends: monokai
palette:
  red: 1
  2nd: 2
  sea: '#2a9d8'
  sky: skye
tokens:
  sucess: { fg: see }
  warnings: { fg: 256 }
  error: { fg: brightred, attr: [bald, blink, loud] }
  title: bold
  muted: { color: 8, fg: [1] }
  match:
  rule: { fg: seaa }
  key: { fg: teal }
",
        &expect![[r##"
            harbor.yml:1:1 bad-theme a theme has no key `nmae`; did you mean `name`?
            harbor.yml:2:1 bad-theme a theme has no key `colours`; there are `name`, `extends`, `background`, `palette` and `tokens`
            harbor.yml:3:13 bad-theme expected `dark`, `light`, `any` or a hex value, found `drak`; did you mean `dark`?
            harbor.yml:4:10 unknown-theme there is no theme `monokai`; there are `terminal`, `mono`, `night`, `day`, `okabe-ito-dark` and `okabe-ito-light`
            harbor.yml:6:3 bad-theme `red` is a colour of the terminal already; a name of your own begins with a letter, such as `sea`
            harbor.yml:7:3 bad-theme `2nd` cannot be the name of a colour; a name of your own begins with a letter, such as `sea`
            harbor.yml:8:8 unknown-color `#2a9d8` is no colour; a hex value has six digits, as in `"#2a9d8f"`, or three
            harbor.yml:9:8 unknown-color `skye` is no colour; there are `sea`, `default`, `black`, `red`, `green`, `yellow`, `blue`, `magenta`, `cyan`, `white`, `bright-black`, `bright-red`, `bright-green`, `bright-yellow`, `bright-blue`, `bright-magenta`, `bright-cyan`, `bright-white`, the numbers 0 to 255 and hex values such as `"#2a9d8f"`
            harbor.yml:11:3 unknown-token no part of the screen has the name `sucess`; did you mean `success`?
            harbor.yml:11:17 unknown-color `see` is no colour; did you mean `sea`?
            harbor.yml:12:3 unknown-token no part of the screen has the name `warnings`; did you mean `warning`?
            harbor.yml:12:19 unknown-color `256` is no colour; the terminal's colours have the numbers 0 to 255
            harbor.yml:13:16 unknown-color `brightred` is no colour; did you mean `bright-red`?
            harbor.yml:13:34 bad-theme expected `bold`, `dim`, `italic`, `underline`, `reverse` or `strike`, found `bald`; did you mean `bold`?
            harbor.yml:13:40 bad-theme expected `bold`, `dim`, `italic`, `underline`, `reverse` or `strike`, found `blink`; nothing blinks in sortie; `reverse` stands out
            harbor.yml:13:47 bad-theme expected `bold`, `dim`, `italic`, `underline`, `reverse` or `strike`, found `loud`; -
            harbor.yml:14:10 bad-theme expected the keys of a style, found `bold`; a style has `fg`, `bg` and `attr`
            harbor.yml:15:12 bad-theme a style has no key `color`; there are `fg`, `bg` and `attr`
            harbor.yml:15:26 bad-theme expected a colour, found a list; -
            harbor.yml:16:8 bad-theme expected the keys of a style, found nothing; a style has `fg`, `bg` and `attr`
            harbor.yml:17:15 unknown-color `seaa` is no colour; did you mean `sea`?
            harbor.yml:18:14 unknown-color `teal` is no colour; there are `sea`, `sky`, `default`, `black`, `red`, `green`, `yellow`, `blue`, `magenta`, `cyan`, `white`, `bright-black`, `bright-red`, `bright-green`, `bright-yellow`, `bright-blue`, `bright-magenta`, `bright-cyan`, `bright-white`, the numbers 0 to 255 and hex values such as `"#2a9d8f"`
        "##]],
    );
}

#[test]
fn a_hex_value_without_quotes_is_a_comment_and_that_is_told() {
    broken(
        "tokens:\n  error:\n    fg: #ff0000\n",
        &expect![[r##"
        harbor.yml:3:7 bad-theme expected a colour, found nothing; `#` begins a comment in YAML, so a hex value stands in quotes: `"#2a9d8f"`
    "##]],
    );
}

#[test]
fn files_that_are_no_themes_are_told() {
    for (text, told) in [
        (
            "",
            expect![[r#"
            harbor.yml:1:1 bad-theme this theme is empty; below `tokens`, write for example `error: { fg: red, attr: [bold] }`
        "#]],
        ),
        (
            "# nothing\n",
            expect![[r#"
            harbor.yml:1:1 bad-theme this theme is empty; below `tokens`, write for example `error: { fg: red, attr: [bold] }`
        "#]],
        ),
        (
            "~",
            expect![[r#"
            harbor.yml:1:1 bad-theme this theme is empty; below `tokens`, write for example `error: { fg: red, attr: [bold] }`
        "#]],
        ),
        (
            "- text",
            expect![[r#"
            harbor.yml:1:1 bad-theme expected the keys of a theme, found a list; a theme has `name`, `extends`, `background`, `palette` and `tokens`
        "#]],
        ),
        (
            "tokens: red\npalette: [1]\nname: {}",
            expect![[r#"
            harbor.yml:1:9 bad-theme expected tokens with styles below `tokens`, found `red`; -
            harbor.yml:2:10 bad-theme expected names with colours below `palette`, found a list; -
            harbor.yml:3:7 bad-theme expected a name, found a map; -
        "#]],
        ),
        (
            "tokens: { text: {}",
            expect![[r#"
            harbor.yml:1:9 yaml-syntax a bracket is opened but never closed; add the closing `]` or `}`
        "#]],
        ),
        (
            "tokens: { text: {}, text: {} }",
            expect![[r#"
            harbor.yml:1:21 duplicate-key the key `text` stands twice in the same map; remove one of the two, or rename it
        "#]],
        ),
    ] {
        broken(text, &told);
    }
}
