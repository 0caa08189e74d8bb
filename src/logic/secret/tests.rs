//! What must never be seen, at every chunk border.

use super::{MaskStream, Masker};

fn masked(masker: &Masker, chunks: &[&[u8]]) -> Vec<u8> {
    let mut stream = MaskStream::default();
    let mut out = Vec::new();
    for chunk in chunks {
        masker.push(&mut stream, chunk, &mut out);
    }
    masker.finish(&mut stream, &mut out);
    assert!(stream.is_empty());
    out
}

fn text(masker: &Masker, input: &str) -> String {
    masker.mask_text(input)
}

/// Holds that no way of cutting the input in two or three changes the result, and returns it.
fn at_every_split(masker: &Masker, input: &str) -> String {
    let bytes = input.as_bytes();
    let whole = masked(masker, &[bytes]);
    for one in 0..=bytes.len() {
        assert_eq!(masked(masker, &[&bytes[..one], &bytes[one..]]), whole, "cut at {one}");
        for two in one..=bytes.len() {
            let cut = masked(masker, &[&bytes[..one], &bytes[one..two], &bytes[two..]]);
            assert_eq!(cut, whole, "cut at {one} and {two}");
        }
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(masked(masker, &single), whole, "byte by byte");
    String::from_utf8(whole).unwrap()
}

#[test]
fn a_secret_is_masked_at_every_chunk_border() {
    let masker = Masker::new(&["hunter2"]);
    assert_eq!(at_every_split(&masker, "a hunter2 and hunterhunter2x hunter"), "a *** and hunter***x hunter");
}

#[test]
fn the_longest_secret_wins_and_nothing_of_it_is_left() {
    let masker = Masker::new(&["abc", "abcdef"]);
    assert_eq!(at_every_split(&masker, "abcd abcdef abcde"), "***d *** ***de");
}

#[test]
fn overlapping_secrets_are_covered_by_one_mask() {
    let masker = Masker::new(&["abcd", "cdef", "efgh"]);
    assert_eq!(at_every_split(&masker, "x abcdefgh y cdefg abcdxefgh"), "x *** y ***g ***x***");
}

#[test]
fn a_secret_inside_another_leaves_nothing() {
    let masker = Masker::new(&["bcd", "abcde"]);
    assert_eq!(at_every_split(&masker, "abcde abcd bcde"), "*** a*** ***e");
}

#[test]
fn a_secret_that_repeats_itself_is_covered() {
    let masker = Masker::new(&["aaa"]);
    assert_eq!(at_every_split(&masker, "aa aaa aaaaaaaa aa"), "aa *** *** aa");
}

#[test]
fn empty_blank_and_very_short_secrets_are_ignored() {
    let masker = Masker::new(&["", "  ", "\n", "ab"]);
    assert!(masker.is_empty());
    assert_eq!(text(&masker, "abc  \n"), "abc  \n");
}

#[test]
fn each_line_of_a_secret_is_masked_alone() {
    let masker = Masker::new(&["-----BEGIN-----\nMIIEow\n}\nxyz\n-----END-----\n"]);
    assert_eq!(text(&masker, "MIIEow"), "***");
    assert_eq!(text(&masker, "got xyz } here"), "got *** } here");
    assert_eq!(at_every_split(&masker, "-----BEGIN-----\nMIIEow\n}\nxyz"), "***\n***\n}\n***");
    assert_eq!(text(&masker, "-----BEGIN-----\nMIIEow\n}\nxyz\n-----END-----"), "***");
}

#[test]
fn a_secret_with_a_line_break_at_its_end_is_masked_without_it() {
    let masker = Masker::new(&["token-1234\n"]);
    assert_eq!(text(&masker, "a token-1234 b"), "a *** b");
}

#[test]
fn base64_is_masked_in_all_three_alignments() {
    let secret = "s3cr3t/val?ue>>";
    let masker = Masker::new(&[secret]);
    for before in ["", "a", "ab", "abc", "user:"] {
        for after in ["", "z", "zz"] {
            let plain = format!("{before}{secret}{after}");
            let encoded = String::from_utf8(super::forms::base64(plain.as_bytes())).unwrap();
            let shown = text(&masker, &encoded);
            assert!(shown.contains("***"), "{plain} as {encoded} gave {shown}");
            // At most one character on either side shares bits with the neighbours.
            let left = shown.replace("***", "").len();
            assert!(left <= (before.len() + after.len()) * 4 / 3 + 4, "{encoded} gave {shown}");
        }
    }
}

#[test]
fn url_json_xml_and_hex_forms_are_masked() {
    let masker = Masker::new(&["p&ss \"w/ö<rd>"]);
    for form in [
        "p%26ss%20%22w%2F%C3%B6%3Crd%3E",
        "p%26ss%20%22w%2f%c3%b6%3crd%3e",
        "p%26ss+%22w%2F%C3%B6%3Crd%3E",
        "p%26ss%20%22w/%C3%B6%3Crd%3E",
        r#"p&ss \"w/ö<rd>"#,
        r#"p&ss \"w\/ö<rd>"#,
        r#"p&ss \"w/\u00f6<rd>"#,
        "p&amp;ss &quot;w/ö&lt;rd&gt;",
        "70267373202277 2fc3b63c72643e".replace(' ', "").as_str(),
    ] {
        assert_eq!(at_every_split(&masker, &format!("[{form}]")), "[***]", "{form}");
    }
}

#[test]
fn wrapped_base64_is_masked_on_each_line() {
    let secret = "0123456789".repeat(20);
    let masker = Masker::new(&[&secret]);
    let encoded = String::from_utf8(super::forms::base64(secret.as_bytes())).unwrap();
    for width in [64, 76] {
        let wrapped: Vec<&str> =
            encoded.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let shown = text(&masker, &wrapped.join("\n"));
        assert!(shown.lines().all(|line| line == "***"), "{shown}");
    }
}

#[test]
fn bytes_that_are_no_text_pass_unchanged() {
    let masker = Masker::new(&["secret"]);
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(masked(&masker, &[&bytes[..100], &bytes[100..]]), bytes);
}

#[test]
fn nothing_is_held_back_that_cannot_become_a_secret() {
    let masker = Masker::new(&["secret"]);
    let mut stream = MaskStream::default();
    let mut out = Vec::new();
    masker.push(&mut stream, b"password? ", &mut out);
    assert_eq!(out, b"password? ");
    masker.push(&mut stream, b"a sec", &mut out);
    assert_eq!(out, b"password? a ");
}

#[test]
fn patterns_may_change_while_bytes_are_held_back() {
    let old = Masker::new(&["secret"]);
    let new = Masker::new(&["secret", "second"]);
    let mut stream = MaskStream::default();
    let mut out = Vec::new();
    old.push(&mut stream, b"sec", &mut out);
    new.push(&mut stream, b"ond", &mut out);
    new.finish(&mut stream, &mut out);
    assert_eq!(out, b"***");
}
