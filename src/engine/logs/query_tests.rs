//! Which texts match what, and what is said about wrong patterns.

use super::{Kind, Query};

fn query(text: &str, kind: Kind) -> Query {
    Query::new(text, kind).unwrap()
}

#[test]
fn case_matters_only_if_a_capital_letter_is_asked_for() {
    for (text, kind, line, is_match) in [
        ("error", Kind::Literal, "ERROR", true),
        ("Error", Kind::Literal, "ERROR", false),
        ("Error", Kind::Literal, "an Error", true),
        ("größe", Kind::Literal, "GRÖSSE GRÖßE", true),
        ("a.c", Kind::Literal, "abc", false),
        ("a.c", Kind::Literal, "A.C", true),
        ("a.c", Kind::Regex, "ABC", true),
        ("A.c", Kind::Regex, "abc", false),
        // Capitals that are no letters to look for.
        (r"\W\S\D\Bx", Kind::Regex, " axX", true),
        (r"\p{Lu}b", Kind::Regex, "ab", true),
        (r"\x4Ab", Kind::Regex, "jB", true),
        (r"\x{4A}b", Kind::Regex, "jB", true),
        (r"(?P<Name>b)", Kind::Regex, "B", true),
        (r"\\Sa", Kind::Regex, r"\sa", false),
        ("(?i)Foo", Kind::Regex, "fOO", true),
    ] {
        assert_eq!(query(text, kind).is_match(line.as_bytes()), is_match, "{text} in {line}");
    }
}

#[test]
fn a_line_matches_as_a_person_sees_it() {
    for (text, line, is_match) in [
        ("failed", &b"fai\x1b[31mled\x1b[0m"[..], true),
        ("31m", b"fai\x1b[31mled", false),
        ("50%", b"50%\r100%\r", false),
        ("^100%$", b"50%\r100%\r", true),
        ("link$", b"a \x1b]8;;http://x\x1b\\link", true),
        ("\u{fffd}", b"a\xffb", true),
        ("^a\tb$", b"a\tb\r", true),
        (r"^a\.b$", b"a\x00.\x7fb", true),
    ] {
        assert_eq!(query(text, Kind::Regex).is_match(line), is_match, "{text} in {line:?}");
    }
}

#[test]
fn places_are_those_of_the_text_and_never_empty() {
    let places = |text, kind, line: &str| {
        query(text, kind).ranges(line).into_iter().map(|range| line[range].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(places("ab", Kind::Literal, "ab AB aab"), ["ab", "AB", "ab"]);
    assert_eq!(places("x*", Kind::Regex, "axxbx"), ["xx", "x"]);
    assert_eq!(places("^|$", Kind::Regex, "abc"), Vec::<String>::new());
    assert_eq!(places(r"(?-u:\xa9)", Kind::Regex, "aéb"), ["é"]);
    assert_eq!(places(r"(?-u:[\x80-\xff])", Kind::Regex, "日"), ["日"]);
}

#[test]
fn a_wrong_pattern_is_told_with_its_place() {
    let words = |text| Query::new(text, Kind::Regex).map(|_| ()).unwrap_err();
    assert_eq!(words("ab(c"), "unclosed group, at character 3");
    assert_eq!(words("^*(é(+"), "repetition operator missing expression, at character 6");
    assert_eq!(words("a[b"), "unclosed character class, at character 2");
    assert_eq!(
        words(r"a\"),
        "incomplete escape sequence, reached end of pattern prematurely, at character 2"
    );
    assert_eq!(words("(x{1000}){1000}"), "the pattern is too large");
    assert_eq!(words(""), "there is nothing to search for");
    assert_eq!(words("a\n(b"), "unclosed group");
    assert!(Query::new("ab(c", Kind::Literal).is_ok());
}
