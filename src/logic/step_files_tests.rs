//! Tests of step files: both forms, line breaks, and everything that is refused.

use super::{MAX_VALUE, StepFileError, decode, forbidden_env, parse_pairs, parse_paths};

fn pairs(text: &str) -> Vec<(String, String)> {
    parse_pairs(text).expect("the text is good")
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn refused(text: &str) -> StepFileError {
    parse_pairs(text).expect_err("the text is bad")
}

#[test]
fn lines_and_blocks_give_pairs_in_the_order_written() {
    let text = "a=1\n\nb<<EOF\nx\n\ny\nEOF\nc=\n";
    assert_eq!(pairs(text), [pair("a", "1"), pair("b", "x\n\ny"), pair("c", "")]);
    assert_eq!(pairs(""), []);
    assert_eq!(pairs("a=1"), [pair("a", "1")]);
}

#[test]
fn the_first_mark_of_a_line_decides_its_form() {
    assert_eq!(pairs("a=b=c<<d"), [pair("a", "b=c<<d")]);
    assert_eq!(pairs("a<<x=y\nvalue\nx=y\n"), [pair("a", "value")]);
    assert_eq!(pairs("a<<x<<y\nvalue\nx<<y\n"), [pair("a", "value")]);
}

#[test]
fn a_block_may_be_empty_and_end_without_a_line_break() {
    assert_eq!(pairs("a<<EOF\nEOF\n"), [pair("a", "")]);
    assert_eq!(pairs("a<<EOF\n\nEOF"), [pair("a", "")]);
    assert_eq!(pairs("a<<EOF\n\n\nEOF"), [pair("a", "\n")]);
}

#[test]
fn what_looks_like_a_pair_inside_a_block_is_its_text() {
    assert_eq!(pairs("a<<EOF\nb=1\nc<<D\n EOF\nEOF\n"), [pair("a", "b=1\nc<<D\n EOF")]);
}

#[test]
fn carriage_returns_and_a_byte_order_mark_are_accepted() {
    assert_eq!(pairs("\u{feff}a=1\r\nb<<EOF\r\nx\r\ny\r\nEOF\r\n"), [pair("a", "1"), pair("b", "x\r\ny")]);
}

#[test]
fn the_last_value_of_a_name_counts() {
    assert_eq!(pairs("a=1\nb=2\na=3\n"), [pair("a", "3"), pair("b", "2")]);
}

#[test]
fn what_is_neither_form_names_its_line() {
    assert_eq!(refused("a=1\nnonsense\n").line, 2);
    assert!(refused("a=1\nnonsense\n").message.contains("`nonsense`"));
    assert_eq!(refused("=1\n").line, 1);
    assert_eq!(refused("<<EOF\nx\nEOF\n").line, 1);
    assert!(refused("a<<\nx\n").message.contains("delimiter"));
    assert!(refused("a=\0\n").message.contains("zero byte"));
}

#[test]
fn a_block_without_its_delimiter_on_its_own_line_is_refused() {
    for text in
        ["x=1\na<<EOF\nvalue\n", "x=1\na<<EOF\nvalueEOF\n", "x=1\na<<EOF", "x=1\na<<EOF\nvalue\nEOF \n"]
    {
        let error = refused(text);
        assert_eq!(error.line, 2, "{text:?}");
        assert!(error.message.contains("`EOF`"), "{text:?}");
    }
}

#[test]
fn a_value_over_the_limit_is_refused_and_one_at_it_is_kept() {
    let most = "v".repeat(MAX_VALUE);
    assert_eq!(pairs(&format!("a={most}"))[0].1.len(), MAX_VALUE);
    assert!(refused(&format!("a={most}v")).message.contains("1048576"));
    assert_eq!(refused(&format!("\na<<E\n{most}\n\nE\n")).line, 2);
}

#[test]
fn a_long_line_is_cut_in_messages() {
    let error = refused(&"é".repeat(5000));
    assert!(error.message.len() < 200);
    assert!(error.to_string().starts_with("line 1: "));
}

#[test]
fn paths_come_one_a_line_and_a_repeated_one_counts_last() {
    assert_eq!(parse_paths("/a\r\n\n/b\n/a\n").expect("good"), ["/b", "/a"]);
    assert_eq!(parse_paths("/a\n/b\0\n").expect_err("bad").line, 2);
}

#[test]
fn variables_of_the_runner_cannot_be_set() {
    for name in ["NODE_OPTIONS", "SORTIE_JOB", "GITHUB_TOKEN", "RUNNER_OS"] {
        assert!(forbidden_env(name), "{name}");
    }
    for name in ["PATH", "MY_GITHUB_TOKEN", "SORTIE", "node"] {
        assert!(!forbidden_env(name), "{name}");
    }
}

#[test]
fn other_encodings_are_refused() {
    assert_eq!(decode(b"\xef\xbb\xbfa=1"), Ok("a=1"));
    assert!(decode(b"\xff\xfea\0").expect_err("UTF-16").message.contains("UTF-16"));
    assert_eq!(decode(b"a=1\nb=\xe9\n").expect_err("Latin-1").line, 2);
}
