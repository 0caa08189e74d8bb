//! Tests of the expression language: operators, conversions, functions, errors, hostile input.
//! Templates and conditions are tested in `template_tests.rs`.

use serde_json::json;

use super::coerce::{self, number_text, parse_number};
use super::error::{self, ErrorKind};
use super::{ExprError, MAX_LENGTH, Scope, StatusFn, functions, parse, parse_known};
use crate::logic::value::{Object, Value};

/// A scope over a JSON object, in which something failed if it says so.
pub(super) struct World {
    pub contexts: Object,
    pub failed: bool,
}

impl World {
    pub(super) fn new(contexts: &serde_json::Value) -> Self {
        let Value::Object(object) = Value::from_json(contexts) else { unreachable!("tests give objects") };
        Self { contexts: (*object).clone(), failed: false }
    }
}

impl Scope for World {
    fn context(&self, name: &str) -> Option<Value> {
        self.contexts.get(name).cloned()
    }

    fn status(&self, function: StatusFn, args: &[Value]) -> Result<Value, ExprError> {
        Ok(Value::Bool(match function {
            StatusFn::Always => true,
            StatusFn::Cancelled => false,
            StatusFn::Success => !self.failed || !args.is_empty(),
            StatusFn::Failure => self.failed,
        }))
    }
}

pub(super) fn world() -> World {
    World::new(&json!({
        "github": {"ref": "refs/heads/main", "event": {"labels": [{"name": "bug"}, {"name": "ui"}, {}]}, "n": 3},
        "env": {"Name": "x", "EMPTY": "", "null": "a member"},
        "list": ["zero", "one", "two"],
        "nested": [[1, 2], {"a": 3}, "text"],
        "empty": {"list": [], "object": {}},
        "t": true, "nothing": null
    }))
}

fn eval(text: &str) -> Result<Value, ExprError> {
    parse(text)?.eval(&world())
}

/// Checks texts against the JSON of their values.
fn check(cases: &[(&str, serde_json::Value)]) {
    for (text, expected) in cases {
        match eval(text) {
            Ok(value) => assert_eq!(value.to_json(), *expected, "{text}"),
            Err(error) => unreachable!("`{text}` gives {error}"),
        }
    }
}

fn failure(text: &str) -> ExprError {
    match eval(text) {
        Err(error) => error,
        Ok(value) => unreachable!("`{text}` gives {value:?}"),
    }
}

#[test]
fn literals_are_read_in_all_their_forms() {
    check(&[
        ("null", json!(null)),
        ("true", json!(true)),
        ("'it''s'", json!("it's")),
        ("''", json!("")),
        ("''''", json!("'")),
        ("-0", json!(0)),
        ("+1", json!(1)),
        (".5", json!(0.5)),
        ("5.", json!(5)),
        ("1e3", json!(1000)),
        ("1E-1", json!(0.1)),
        ("0x1F", json!(31)),
        ("0o17", json!(15)),
        ("0xFFFFFFFF", json!(-1)),
        (" \n\t ", json!(null)),
    ]);
    for (text, printed) in
        [("NaN", "NaN"), ("Infinity", "Infinity"), ("-Infinity", "-Infinity"), ("+Infinity", "Infinity")]
    {
        assert_eq!(coerce::to_text(&eval(text).expect("a literal")), printed);
    }
}

#[test]
fn numbers_print_with_fifteen_digits() {
    let cases = [
        (0.1 + 0.2, "0.3"),
        (-0.0, "0"),
        (100.0, "100"),
        (-1234.5, "-1234.5"),
        (0.0001, "0.0001"),
        (0.00001, "1E-05"),
        (-0.000_012_5, "-1.25E-05"),
        (123_456_789_012_345.0, "123456789012345"),
        (1e15, "1E+15"),
        (1_234_567_890_123_456.0, "1.23456789012346E+15"),
        (999_999_999_999_999.9, "1E+15"),
        (1e21, "1E+21"),
        (5e-324, "4.94065645841247E-324"),
        (f64::MAX, "1.79769313486232E+308"),
        (1.0 / 3.0, "0.333333333333333"),
        (f64::NEG_INFINITY, "-Infinity"),
    ];
    for (number, printed) in cases {
        assert_eq!(number_text(number), printed);
    }
}

#[test]
fn strings_become_numbers_as_literals_do() {
    let cases = [
        ("", 0.0),
        ("  ", 0.0),
        (" 12 ", 12.0),
        ("-1.5e1", -15.0),
        ("0x0f", 15.0),
        ("0o10", 8.0),
        ("0x000000000001", 1.0),
        ("infinity", f64::INFINITY),
        ("-Infinity", f64::NEG_INFINITY),
        ("1e999", f64::INFINITY),
    ];
    for (text, number) in cases {
        assert!((parse_number(text) - number).abs() < 1e-9 || parse_number(text) == number, "{text}");
    }
    for text in [
        "abc",
        "1x",
        "0X1",
        "0x",
        "0o8",
        "-0x1",
        "0x1FFFFFFFF",
        "1e",
        "e1",
        ".",
        "+",
        "1_000",
        "inf",
        "1 2",
        "é",
    ] {
        assert!(parse_number(text).is_nan(), "{text}");
    }
}

#[test]
fn comparison_converts_and_ignores_case() {
    check(&[
        ("'ABC' == 'abc'", json!(true)),
        ("'ς' == 'Σ'", json!(true)),
        ("'ü' == 'Ü'", json!(true)),
        ("'i' == 'İ'", json!(false)),
        ("'ı' == 'I'", json!(false)),
        ("'ſ' == 's'", json!(false)),
        ("'ß' == 'SS'", json!(false)),
        ("null == 0", json!(true)),
        ("null == ''", json!(true)),
        ("'' == false", json!(true)),
        ("'1' == true", json!(true)),
        ("'true' == true", json!(false)),
        ("NaN == NaN", json!(false)),
        ("NaN != NaN", json!(true)),
        ("'a' < 'B'", json!(true)),
        ("'_' > 'a'", json!(true)),
        ("'10' < '9'", json!(true)),
        ("'10' > 9", json!(true)),
        ("true > false", json!(true)),
        ("null < 1", json!(true)),
        ("null >= 0", json!(true)),
        ("null >= null", json!(true)),
        ("'x' < 1", json!(false)),
        ("'x' >= 1", json!(false)),
        ("'\u{10000}' < '\u{ffff}'", json!(true)),
    ]);
}

#[test]
fn arrays_and_objects_are_equal_only_to_themselves() {
    check(&[
        ("github == github", json!(true)),
        ("github.event == github.event", json!(true)),
        ("fromJSON('[]') == fromJSON('[]')", json!(false)),
        ("list == 'Array'", json!(false)),
        ("github != env", json!(true)),
        ("list >= list", json!(true)),
        ("list > list", json!(false)),
        ("empty.object == null", json!(false)),
    ]);
}

#[test]
fn operators_bind_as_documented() {
    check(&[
        ("!false && false", json!(false)),
        ("!(false && false)", json!(true)),
        ("1 < 2 == true", json!(true)),
        ("true == 1 < 2", json!(true)),
        ("3 > 2 > 1", json!(false)),
        ("false && false || true", json!(true)),
        ("true || false && false", json!(true)),
        ("1 == 1 && 2", json!(2)),
        ("!!'x'", json!(true)),
        ("!env.EMPTY", json!(true)),
        ("!list[0] == false", json!(true)),
        ("(((1)))", json!(1)),
    ]);
}

#[test]
fn and_and_or_return_an_operand_and_stop_early() {
    check(&[
        ("'' && 'x'", json!("")),
        ("'a' && 'b'", json!("b")),
        ("0 || null || 'last'", json!("last")),
        ("0 || ''", json!("")),
        ("t && 'yes' || 'no'", json!("yes")),
        ("false && fromJSON('broken')", json!(false)),
        ("true || missing.member", json!(true)),
        ("NaN || 'nan is false'", json!("nan is false")),
        ("fromJSON('[]') && 1", json!(1)),
    ]);
}

#[test]
fn members_are_found_without_regard_to_case() {
    check(&[
        ("GITHUB.Ref", json!("refs/heads/main")),
        ("env['name']", json!("x")),
        ("env.null", json!("a member")),
        ("github.event.nothing.deeper", json!(null)),
        ("nothing.member", json!(null)),
        ("t.member", json!(null)),
        ("list[1]", json!("one")),
        ("list['1']", json!("one")),
        ("list[1.9]", json!("one")),
        ("list[true]", json!("one")),
        ("list[3]", json!(null)),
        ("list[-1]", json!(null)),
        ("list[NaN]", json!(null)),
        ("list['x']", json!(null)),
        ("list.one", json!(null)),
        ("github[list]", json!(null)),
        ("fromJSON('{\"0.5\": 1}')[.5]", json!(1)),
        ("fromJSON('[1,2]')[1]", json!(2)),
        ("(list)[0]", json!("zero")),
    ]);
}

#[test]
fn filters_take_every_item_and_skip_what_lacks_the_member() {
    check(&[
        ("github.event.labels.*.name", json!(["bug", "ui"])),
        ("github.event.labels[*].name", json!(["bug", "ui"])),
        ("(github.event.labels.*).name", json!(["bug", "ui"])),
        ("(nothing || github.event.labels.*).name", json!(["bug", "ui"])),
        ("github.event.labels.*", json!([{"name": "bug"}, {"name": "ui"}, {}])),
        ("env.*", json!(["x", "", "a member"])),
        ("nested.*[1]", json!([2])),
        ("nested.*.*", json!([1, 2, 3])),
        ("nested.*.a", json!([3])),
        ("t.*", json!([])),
        ("nothing.*.x", json!([])),
        ("list.*[0]", json!([])),
        ("join(github.event.labels.*.name, '+')", json!("bug+ui")),
    ]);
}

#[test]
fn text_functions_ignore_case_and_convert() {
    check(&[
        ("contains('Hello', 'ELL')", json!(true)),
        ("contains('x', '')", json!(true)),
        ("contains(123, 2)", json!(true)),
        ("contains(list, 'ONE')", json!(true)),
        ("contains(list, 'on')", json!(false)),
        ("contains(fromJSON('[0]'), '')", json!(true)),
        ("contains(github.event.labels.*.name, 'bug')", json!(true)),
        ("contains(github, 'ref')", json!(false)),
        ("contains('x', list)", json!(false)),
        ("contains(empty.list, null)", json!(false)),
        ("startsWith('refs/Tags/1', 'REFS/tags')", json!(true)),
        ("startsWith(list, '')", json!(false)),
        ("endsWith('a.RS', '.rs')", json!(true)),
        ("ENDSWITH(10, 0)", json!(true)),
        ("startsWith('ς', 'Σ')", json!(true)),
    ]);
}

#[test]
fn format_fills_places_and_keeps_doubled_braces() {
    check(&[
        ("format('{0} {1} {0}', 'a', 1)", json!("a 1 a")),
        ("format('{{0}} }}{{', 1)", json!("{0} }{")),
        ("format('{{{0}}}', 1)", json!("{1}")),
        ("format('none', fromJSON('broken'))", json!("none")),
        ("format('{0}', list)", json!("Array")),
        ("format('{0}|{1}', github, null)", json!("Object|")),
        ("format(null)", json!("")),
        ("format('ä{0}ö', 'ü')", json!("äüö")),
    ]);
    for text in [
        "'{'",
        "'}'",
        "'{}'",
        "'{a}'",
        "'{0'",
        "'{-1}', 1",
        "'{256}', 1",
        "'}{0}', 1",
        "'{0:x}', 1",
        "'{0}'",
        "'{1}', 1",
    ] {
        let error = failure(&format!("format({text})"));
        assert_eq!(
            (error.slug, error.kind, error.at),
            (error::BAD_FORMAT, ErrorKind::Evaluation, 0),
            "{text}"
        );
    }
}

#[test]
fn join_takes_arrays_and_single_values() {
    check(&[
        ("join(list)", json!("zero,one,two")),
        ("join(list, '')", json!("zeroonetwo")),
        ("join(list, list)", json!("zero,one,two")),
        ("join(nested, '-')", json!("Array-Object-text")),
        ("join('one', '-')", json!("one")),
        ("join(github)", json!("")),
        ("join(empty.list)", json!("")),
        ("join(fromJSON('[1]'), fromJSON('broken'))", json!("1")),
    ]);
}

#[test]
fn json_is_printed_indented_and_read_strictly() {
    check(&[
        ("toJSON(empty)", json!("{\n  \"list\": [],\n  \"object\": {}\n}")),
        ("toJSON(nested)", json!("[\n  [\n    1,\n    2\n  ],\n  {\n    \"a\": 3\n  },\n  \"text\"\n]")),
        ("toJSON('\"\\')", json!("\"\\\"\\\\\"")),
        ("toJSON('a\n\tb\u{1}\u{85}é/')", json!("\"a\\n\\tb\\u0001\\u0085é/\"")),
        ("toJSON(1e20)", json!("1E+20")),
        ("toJSON(null)", json!("null")),
        ("fromJSON(toJSON(github)).n", json!(3)),
        ("fromJSON(' [1, {\"a\": null}] ')", json!([1, {"a": null}])),
        ("fromJSON(true)", json!(true)),
        ("fromJSON('{\"a\":1,\"A\":2}').a", json!(2)),
    ]);
    for text in ["''", "'{'", "'[1,]'", "'nul'", "'1 2'", "'{a:1}'", "list"] {
        let error = failure(&format!("fromJSON({text})"));
        assert_eq!((error.slug, error.kind), (error::BAD_JSON, ErrorKind::Evaluation), "{text}");
    }
}

#[test]
fn case_wants_booleans_and_evaluates_only_what_it_needs() {
    check(&[
        ("case(false, 1, true, 2, 3)", json!(2)),
        ("case(false, 1, 3)", json!(3)),
        ("case(true, 1, fromJSON('broken'))", json!(1)),
        ("case(true, github.event.labels.*, 1).name", json!(["bug", "ui"])),
    ]);
    assert_eq!(failure("case(1, 2, 3)").slug, error::CASE_PREDICATE);
    assert_eq!(failure("case(true, 2, false, 3)").slug, error::WRONG_ARGUMENT_COUNT);
}

#[test]
fn hash_files_says_which_digest_it_wants() {
    let error = failure("t && hashFiles('**/*.rs', 1) == 'x'");
    assert_eq!(error.wanted_hash, Some(vec!["**/*.rs".to_owned(), "1".to_owned()]));
    assert_eq!((error.slug, error.at, error.len), (error::HASH_UNKNOWN, 5, 23));
}

#[test]
fn status_functions_ask_the_scope() {
    check(&[("success() && always() && !failure() && !cancelled()", json!(true))]);
    let failed = World { failed: true, ..world() };
    let value = parse("failure() && success('build') && !success()").and_then(|expr| expr.eval(&failed));
    assert_eq!(value.expect("good").to_json(), json!(true));
    assert_eq!(failure("always(1)").slug, error::WRONG_ARGUMENT_COUNT);
}

#[test]
fn errors_name_the_text_and_its_place() {
    let cases = [
        ("> 1", ErrorKind::Parsing, 0, 1),
        ("1 +2", ErrorKind::Parsing, 2, 2),
        ("github.", ErrorKind::Parsing, 6, 1),
        ("github..ref", ErrorKind::Parsing, 7, 1),
        ("1 &&", ErrorKind::Parsing, 2, 2),
        ("(1", ErrorKind::Parsing, 1, 1),
        ("1)", ErrorKind::Parsing, 1, 1),
        ("list[1)", ErrorKind::Parsing, 6, 1),
        ("list[]", ErrorKind::Parsing, 5, 1),
        ("(1, 2)", ErrorKind::Parsing, 2, 1),
        ("contains(1,, 2)", ErrorKind::Parsing, 11, 1),
        ("contains(1, )", ErrorKind::Parsing, 12, 1),
        ("'a' 'b'", ErrorKind::Parsing, 4, 3),
        ("'a'.b", ErrorKind::Parsing, 3, 1),
        ("*", ErrorKind::Parsing, 0, 1),
        ("!", ErrorKind::Parsing, 0, 1),
        ("!= 1", ErrorKind::Parsing, 0, 2),
        ("1 = 1", ErrorKind::Lexing, 2, 1),
        ("1 & 1", ErrorKind::Lexing, 2, 1),
        ("'open", ErrorKind::Lexing, 0, 5),
        ("\"x\"", ErrorKind::Lexing, 0, 3),
        ("a@b", ErrorKind::Lexing, 0, 3),
        ("1.2.3", ErrorKind::Lexing, 0, 5),
        ("é", ErrorKind::Lexing, 0, 2),
    ];
    for (text, kind, at, len) in cases {
        let error = failure(text);
        assert_eq!(
            (error.slug, error.kind, error.at, error.len),
            (error::SYNTAX, kind, at, len),
            "{text}: {error}"
        );
        assert!(error.message.contains(&format!("'{}'", &text[at..at + len])), "{error}");
    }
    assert_eq!(
        failure("1 == @").message,
        "Unexpected symbol: '@'. Located at position 6 within expression: 1 == @"
    );
    assert!(failure("'😊' == @").message.contains("position 9"));
}

#[test]
fn unknown_names_and_wrong_counts_have_their_own_slugs() {
    let error = failure("false && containz('a', 'b')");
    assert_eq!((error.slug, error.at, error.len), (error::UNKNOWN_FUNCTION, 9, 8));
    assert!(error.message.contains("`contains`"));
    for (text, at, len) in
        [("1 == join()", 5, 4), ("contains(1)", 0, 8), ("toJSON(1, 2)", 0, 6), ("hashFiles()", 0, 9)]
    {
        let error = failure(text);
        assert_eq!((error.slug, error.at, error.len), (error::WRONG_ARGUMENT_COUNT, at, len), "{text}");
    }
    let error = failure("t && missing.x");
    assert_eq!((error.slug, error.at, error.len), (error::UNKNOWN_CONTEXT, 5, 7));
    let early = parse_known("false && Missing.x", &|name| name != "missing").expect_err("it is unknown");
    assert_eq!((early.slug, early.at), (error::UNKNOWN_CONTEXT, 9));
}

#[test]
fn an_expression_can_be_looked_into_without_evaluating_it() {
    let expr =
        parse("Inputs['a'].b[0].c == steps.x.outputs.*.y && format('{0}', env.Z) || ALWAYS()").expect("good");
    let contexts: Vec<_> =
        expr.contexts().into_iter().map(|one| (one.name, one.path.join("/"), one.at, one.len)).collect();
    assert_eq!(
        contexts,
        [
            ("inputs".to_owned(), "a/b".to_owned(), 0, 13),
            ("steps".to_owned(), "x/outputs".to_owned(), 22, 15),
            ("env".to_owned(), "Z".to_owned(), 59, 5)
        ]
    );
    let calls: Vec<_> = expr.functions().into_iter().map(|one| (one.name, one.at, one.len)).collect();
    assert_eq!(calls, [("format", 45, 6), ("always", 69, 6)]);
    assert!(expr.has_status_function());
    assert!(!parse("contains('success()', 'x')").expect("good").has_status_function());
    let nested = parse("join(fromJSON(toJSON(list)))").expect("good").functions();
    assert_eq!(nested.iter().map(|one| one.name).collect::<Vec<_>>(), ["join", "fromJSON", "toJSON"]);
}

#[test]
fn every_function_can_be_found_in_any_case_and_says_what_it_does() {
    for function in functions::TABLE {
        let found = functions::find(&function.name.to_uppercase()).expect("it is in the table");
        assert_eq!(found.name, function.name);
        assert!(!function.doc.is_empty() && function.min <= function.max);
    }
}

#[test]
fn depth_counts_operators_and_calls_but_not_groups_or_chains() {
    assert!(eval(&format!("{}true", "!".repeat(49))).is_ok());
    assert_eq!(failure(&format!("{}true", "!".repeat(50))).slug, error::TOO_DEEP);
    assert!(eval(&format!("{}1{}", "(".repeat(5000), ")".repeat(5000))).is_ok());
    assert!(eval(&["true"; 2000].join(" && ")).is_ok());
    assert!(eval(&format!("{}0{}", "0||(".repeat(2000), ")".repeat(2000))).is_ok());
    assert_eq!(failure(&["1"; 51].join(" == ")).slug, error::TOO_DEEP);
    assert_eq!(failure(&format!("list{}", ".a".repeat(50))).slug, error::TOO_DEEP);
}

#[test]
fn hostile_texts_end_in_errors_and_quickly() {
    assert_eq!(failure(&"!".repeat(MAX_LENGTH + 1)).slug, error::TOO_LONG);
    let pieces = [
        "!",
        "(",
        "[",
        "a.",
        "a[",
        "f(",
        "contains(",
        "1==",
        "!(",
        "'x",
        "a&&",
        "*",
        ",",
        ")",
        "]",
        "é",
        "-",
        ".",
        "{",
    ];
    for piece in pieces {
        let text = piece.repeat(MAX_LENGTH / piece.len());
        match eval(&text) {
            Err(error) => {
                assert!(error.message.len() < 1000 && error.at + error.len <= text.len(), "{piece}")
            }
            Ok(_) => unreachable!("`{piece}` repeated is no expression"),
        }
    }
    let alternating = format!("true{}", " && 1 || 0".repeat(2000));
    assert!(eval(&alternating).is_ok_and(|value| coerce::is_truthy(&value)));
}

#[test]
fn random_texts_never_break_the_parser() {
    let pieces = [
        "(",
        ")",
        "[",
        "]",
        ",",
        ".",
        "*",
        "!",
        "==",
        "!=",
        "<",
        ">=",
        "&&",
        "||",
        "'s'",
        "1",
        "-1",
        ".5",
        "null",
        "true",
        "github",
        "list",
        "t",
        "format(",
        "join(",
        "case(",
        "toJSON(",
        "contains(",
        " ",
        "'",
        "@",
        "é",
        "ref",
        "event",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut good = 0;
    for _ in 0..5_000 {
        let mut text = String::new();
        for _ in 0..12 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let choice = usize::try_from((state >> 20) % pieces.len() as u64).expect("small");
            text.push_str(pieces[choice]);
            match eval(&text) {
                Ok(_) => good += 1,
                Err(error) => assert!(error.at + error.len <= text.len(), "{text}"),
            }
        }
    }
    assert!(good > 1000, "the texts are too broken to test anything: {good}");
}

#[test]
fn memory_is_limited_over_all_values_of_an_expression() {
    let scope = World::new(&json!({"big": "x".repeat(200_000), "list": vec!["x".repeat(1000); 600]}));
    let run = |text: &str| parse(text).and_then(|expr| expr.eval(&scope));
    assert!(run("format('{0}{0}', big)").is_ok());
    for text in [
        "format('{0}{0}{0}', big)",
        "join(list)",
        "toJSON(list)",
        "format('{0}{1}', big, format('{0}{0}', big))",
    ] {
        assert_eq!(run(text).expect_err("too large").slug, error::TOO_LARGE, "{text}");
    }
}
