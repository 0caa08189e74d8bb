//! Lines of files that grow, shrink, vanish and have long lines, against a model that holds everything.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::split::{Piece, Splitter};
use super::{CHUNK, LONGEST_LINE, Line, Lines, Progress};

/// An escape sequence without its end.
static BEGUN: LazyLock<regex::bytes::Regex> = LazyLock::new(|| {
    let begun = r"(?s-u)\A\x1b(\[[\x20-\x3f]*|[\]P_^X][^\x07]*|[()*+#])?\z";
    regex::bytes::Regex::new(begun).unwrap()
});

const FRAGMENTS: [&str; 32] = [
    "\n",
    "\n",
    "\n",
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\r\n",
    "\r",
    "\x1b[31m",
    "\x1b]0;title\x07",
    "é",
    "日",
    "😀",
    "\u{85}",
    "\u{212a}",
    " ",
    " ",
    "\t",
    "a",
    "b",
    "xk ",
    "foo",
    "foo",
    "Foo",
    "bar",
    "err",
    "12",
    "日日",
    "é😀",
    "xxxxxxxx",
    "",
];

/// Output as programs print it, and worse.
pub(in super::super) fn output() -> impl Strategy<Value = Vec<u8>> {
    // One number a fragment, as making texts of their own takes most of the time.
    prop::collection::vec(any::<u16>(), 0..400).prop_map(|numbers| {
        let mut bytes = Vec::new();
        for number in numbers {
            let [chosen, byte] = number.to_le_bytes();
            match FRAGMENTS.get(usize::from(chosen % 34)) {
                Some(text) => bytes.extend_from_slice(text.as_bytes()),
                None => bytes.push(byte),
            }
        }
        bytes
    })
}

/// All lines at once, by the rule as it is written down and not as it is done.
pub(in super::super) fn model(bytes: &[u8], longest: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut at = 0;
    for part in bytes.split_inclusive(|&b| b == b'\n') {
        let partial = part.last() != Some(&b'\n');
        let mut text = part.strip_suffix(b"\n").unwrap_or(part);
        let mut offset = at;
        let mut continued = false;
        let mut add = |offset: usize, bytes: &[u8], continued, partial| {
            let (number, offset, bytes) = (lines.len() as u64, offset as u64, bytes.to_vec());
            lines.push(Line { number, offset, bytes, continued, partial });
        };
        while text.len() > longest {
            let tears = |cut: usize| {
                let lengths = [(0xc2..=0xdf_u8, 2), (0xe0..=0xef, 3), (0xf0..=0xf4, 4)];
                let length = lengths.iter().find(|(leads, _)| leads.contains(&text[cut])).map_or(0, |l| l.1);
                let goes_on = text[cut + 1..=longest].iter().all(|b| (0x80..0xc0).contains(b));
                goes_on && cut + length > longest
            };
            let escape = text[longest.saturating_sub(32)..longest].iter().rposition(|&b| b == 0x1b);
            let escape = escape
                .map(|back| longest.saturating_sub(32) + back)
                .filter(|&cut| cut > 0 && BEGUN.is_match(&text[cut..longest]));
            let cut = escape.or_else(|| (longest - 3..longest).find(|&cut| tears(cut))).unwrap_or(longest);
            add(offset, &text[..cut], continued, false);
            (text, offset, continued) = (&text[cut..], offset + cut, true);
        }
        add(offset, text, continued, partial);
        at += part.len();
    }
    lines
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn to_end(lines: &mut Lines, budget: usize) {
    while lines.advance(budget) == Progress::More {}
    assert!(lines.is_at_end());
}

fn all(lines: &mut Lines) -> Vec<Line> {
    let mut read = Vec::new();
    lines.read(0, usize::MAX, &mut read);
    read
}

fn texts(lines: &mut Lines) -> Vec<String> {
    all(lines).iter().map(|line| String::from_utf8_lossy(&line.bytes).into_owned()).collect()
}

proptest! {
    #[test]
    fn lines_are_the_same_however_the_bytes_come(
        bytes in output(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        longest in 4_usize..40,
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let mut split = Splitter::new(longest as u64, 0, false);
        let mut pieces: Vec<Piece> = Vec::new();
        let mut from = 0;
        for cut in cuts {
            split.feed(&bytes[from..cut], |piece| pieces.push(piece));
            from = cut;
        }
        let expected = model(&bytes, longest);
        let whole: Vec<&Line> = expected.iter().filter(|line| !line.partial).collect();
        prop_assert_eq!(pieces.len(), whole.len());
        for (piece, line) in pieces.iter().zip(whole) {
            prop_assert_eq!((piece.start, piece.continued), (line.offset, line.continued));
            prop_assert_eq!((piece.end - piece.start) as usize, line.bytes.len());
        }
        // What was cut goes on, also for somebody who begins there.
        for piece in pieces.iter().step_by(1 + pieces.len() / 16) {
            let mut later = Splitter::new(longest as u64, piece.next, piece.next == piece.end);
            let mut rest = Vec::new();
            later.feed(&bytes[piece.next as usize..], |piece| rest.push(piece));
            let from = pieces.iter().position(|other| other.start == piece.next && other != piece);
            prop_assert_eq!(&rest[..], from.map_or(&[][..], |from| &pieces[from..]));
        }
    }

    #[test]
    fn no_character_is_torn(text in "[aé日😀]{0,200}", longest in 4_usize..20) {
        for line in model(text.as_bytes(), longest) {
            prop_assert!(std::str::from_utf8(&line.bytes).is_ok());
        }
    }

    #[test]
    fn every_line_of_a_growing_file_is_found_by_its_number(
        bytes in output(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        reads in prop::collection::vec((0_u64..300, 0_usize..100), 0..8),
        budget in prop_oneof![1_usize..20, Just(1000), Just(usize::MAX)],
        longest in prop_oneof![4_usize..40, Just(LONGEST_LINE)],
        rests in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut lines = Lines::with_longest(path.clone(), longest as u64);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let (mut from, mut read) = (0, vec![Line::default()]);
        for cut in cuts {
            append(&path, &bytes[from..cut]);
            from = cut;
            to_end(&mut lines, budget);
            if rests {
                lines.rest();
            }
            let expected = model(&bytes[..cut], longest);
            prop_assert_eq!((lines.count(), lines.bytes()), (expected.len() as u64, cut as u64));
            prop_assert_eq!(&all(&mut lines), &expected);
            for &(first, most) in &reads {
                lines.read(first, most, &mut read);
                let wanted = expected.iter().skip(first as usize).take(most).cloned().collect::<Vec<_>>();
                prop_assert_eq!(&read, &wanted);
            }
        }
        prop_assert_eq!(lines.restarts(), 0);
    }
}

#[test]
fn a_file_may_appear_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/log");
    let mut lines = Lines::new(path.clone());
    assert_eq!(lines.advance(100), Progress::AtEnd);
    assert_eq!((lines.count(), lines.bytes(), all(&mut lines)), (0, 0, vec![]));
    fs::create_dir(folder.path().join("deep")).unwrap();
    append(&path, b"one\ntw");
    assert_eq!(lines.advance(2), Progress::More);
    assert_eq!((lines.count(), lines.bytes()), (1, 2));
    assert_eq!(texts(&mut lines), ["on"]);
    assert_eq!(lines.advance(4), Progress::AtEnd);
    append(&path, b"o\n\n");
    assert_eq!(lines.advance(0), Progress::More);
    assert_eq!(lines.advance(100), Progress::AtEnd);
    assert_eq!(texts(&mut lines), ["one", "two", ""]);
    assert_eq!(lines.restarts(), 0);
}

#[test]
fn a_line_counts_from_its_first_byte_and_is_partial_until_its_break() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut lines = Lines::new(path.clone());
    for (added, count, is_partial) in [("", 0, None), ("a", 1, Some(true)), ("\n", 1, Some(false))] {
        append(&path, added.as_bytes());
        to_end(&mut lines, 100);
        let last = all(&mut lines).pop().map(|line| line.partial);
        assert_eq!((lines.count(), last), (count, is_partial), "{added:?}");
    }
}

#[test]
fn the_longest_line_is_whole_and_one_byte_more_is_a_second_piece() {
    let folder = tempfile::tempdir().unwrap();
    for (length, expected) in [
        (LONGEST_LINE, vec![LONGEST_LINE]),
        (LONGEST_LINE + 1, vec![LONGEST_LINE, 1]),
        (3 * LONGEST_LINE, vec![LONGEST_LINE; 3]),
    ] {
        for end in ["", "\n"] {
            let path = folder.path().join(format!("log-{length}-{}", end.len()));
            append(&path, &vec![b'x'; length]);
            append(&path, end.as_bytes());
            let mut lines = Lines::new(path);
            to_end(&mut lines, 1000);
            let read = all(&mut lines);
            assert_eq!(read.iter().map(|line| line.bytes.len()).collect::<Vec<_>>(), expected);
            let last = expected.len() - 1;
            for (at, line) in read.iter().enumerate() {
                assert_eq!((line.continued, line.partial), (at > 0, at == last && end.is_empty()));
            }
        }
    }
}

#[test]
fn many_long_lines_are_read_from_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let bytes: Vec<u8> = (0..150)
        .flat_map(|n| {
            [vec![b'a' + n % 26; usize::from(n) * 97 % 700], "é".repeat(9000).into_bytes(), b"\n".to_vec()]
        })
        .flatten()
        .collect();
    append(&path, &bytes);
    let mut lines = Lines::new(path);
    to_end(&mut lines, usize::MAX);
    let expected = model(&bytes, LONGEST_LINE);
    assert_eq!(lines.count(), expected.len() as u64);
    assert!(expected.len() > 250 && bytes.len() > 20 * CHUNK);
    let mut read = Vec::new();
    for first in (0..expected.len()).step_by(7) {
        lines.read(first as u64, 3, &mut read);
        assert_eq!(read, expected[first..(first + 3).min(expected.len())]);
    }
}

#[test]
fn a_file_that_shrank_or_was_replaced_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut lines = Lines::new(path.clone());
    fs::write(&path, "one\ntwo\nthree\n").unwrap();
    to_end(&mut lines, 100);
    fs::write(&path, "four\n").unwrap();
    let mut read = Vec::new();
    lines.read(2, 5, &mut read);
    assert_eq!(read, []);
    to_end(&mut lines, 100);
    assert_eq!((texts(&mut lines), lines.restarts()), (vec!["four".to_owned()], 1));

    fs::remove_file(&path).unwrap();
    to_end(&mut lines, 100);
    assert_eq!((lines.count(), lines.restarts()), (0, 2));
    fs::write(&path, "five\nsix\n").unwrap();
    to_end(&mut lines, 100);
    assert_eq!((texts(&mut lines), lines.restarts()), (vec!["five".to_owned(), "six".to_owned()], 2));

    // Another one in its place while nobody held the file.
    lines.rest();
    fs::write(folder.path().join("other"), "seven\neight\nnine\n").unwrap();
    fs::rename(folder.path().join("other"), &path).unwrap();
    assert_eq!(texts(&mut lines), Vec::<String>::new());
    to_end(&mut lines, 100);
    assert_eq!(
        (texts(&mut lines), lines.restarts()),
        (["seven", "eight", "nine"].map(str::to_owned).into(), 3)
    );
}

#[test]
fn what_is_no_file_is_told_in_words_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let words = |path: &Path| match Lines::new(path.to_owned()).advance(10) {
        Progress::Unreadable(message) => message.replace(&path.display().to_string(), "PATH"),
        other => format!("{other:?}"),
    };
    assert_eq!(words(folder.path()), "`PATH` is not a file");
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(words(&pipe), "`PATH` is not a file");
    fs::write(folder.path().join("file"), "x").unwrap();
    assert_eq!(
        words(&folder.path().join("file/log")),
        "`PATH` cannot be read: Not a directory (os error 20)"
    );
}
