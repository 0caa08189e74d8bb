//! Logs that grow, that have no last line break, that are long.
#![expect(clippy::disallowed_methods, reason = "logs are written as a keeper would")]

use super::{Tail, copy, last_lines};

fn texts(lines: &[Vec<u8>]) -> Vec<&str> {
    lines.iter().map(|line| std::str::from_utf8(line).unwrap()).collect()
}

#[test]
fn a_growing_file_gives_whole_lines_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut tail = Tail::new(path.clone());
    let mut lines: Vec<Vec<u8>> = Vec::new();
    tail.read_to(10, &mut |line| lines.push(line.to_vec()));
    assert!(lines.is_empty());
    std::fs::write(&path, "one\ntw").unwrap();
    tail.read_to(6, &mut |line| lines.push(line.to_vec()));
    assert_eq!(texts(&lines), ["one"]);
    std::fs::write(&path, "one\ntwo\n\nthree").unwrap();
    tail.read_to(u64::MAX, &mut |line| lines.push(line.to_vec()));
    assert_eq!(texts(&lines), ["one", "two", ""]);
    tail.finish(&mut |line| lines.push(line.to_vec()));
    tail.finish(&mut |line| lines.push(line.to_vec()));
    assert_eq!(texts(&lines), ["one", "two", "", "three"]);
}

#[test]
fn a_line_without_end_comes_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, vec![b'x'; 600 * 1024]).unwrap();
    let (mut pieces, mut bytes) = (0, 0);
    let mut count = |line: &[u8]| {
        pieces += 1;
        bytes += line.len();
    };
    let mut tail = Tail::new(path);
    tail.read_to(u64::MAX, &mut count);
    tail.finish(&mut count);
    assert_eq!(bytes, 600 * 1024);
    assert!(pieces > 1);
}

#[test]
fn the_last_lines_are_found_from_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    assert_eq!(last_lines(&path, 3), (vec![], false));
    std::fs::write(&path, "").unwrap();
    assert_eq!(last_lines(&path, 3), (vec![], false));
    std::fs::write(&path, "a\nb\nc\nd").unwrap();
    let (lines, is_cut) = last_lines(&path, 3);
    assert_eq!((texts(&lines), is_cut), (vec!["b", "c", "d"], true));
    let many: String = (0..50_000).map(|n| format!("line {n}\n")).collect();
    std::fs::write(&path, many).unwrap();
    let (lines, is_cut) = last_lines(&path, 2);
    assert_eq!((texts(&lines), is_cut), (vec!["line 49998", "line 49999"], true));
}

#[test]
fn reading_can_begin_near_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let from = |lines: usize| {
        let mut tail = Tail::near_end(path.clone(), lines);
        let mut found: Vec<Vec<u8>> = Vec::new();
        tail.read_to(u64::MAX, &mut |line| found.push(line.to_vec()));
        tail.finish(&mut |line| found.push(line.to_vec()));
        found
    };
    assert!(from(3).is_empty());
    std::fs::write(&path, "a\nb\nc\nd").unwrap();
    assert_eq!(texts(&from(0)), ["d"]);
    assert_eq!(texts(&from(2)), ["b", "c", "d"]);
    assert_eq!(texts(&from(9)), ["a", "b", "c", "d"]);
    let many: String = (0..100_000).map(|n| format!("line {n}\n")).collect();
    std::fs::write(&path, many).unwrap();
    assert_eq!(texts(&from(2)), ["line 99998", "line 99999"]);
    assert!(from(0).is_empty());
    let far = from(50_000);
    assert!(far.len() > 1000 && far.len() < 50_000 && far[0].starts_with(b"line "));
}

#[test]
fn a_long_log_can_be_read_piece_by_piece() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let many: String = (0..100_000).map(|n| format!("line {n}\n")).collect();
    std::fs::write(&path, &many).unwrap();
    let (mut lines, mut pieces) = (0, 1);
    let mut tail = Tail::new(path);
    while tail.read_some(u64::MAX, &mut |_| lines += 1) {
        pieces += 1;
    }
    assert_eq!(lines, 100_000);
    assert!(pieces > 3);
}

#[test]
fn a_copy_stops_when_nobody_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, vec![b'x'; 600 * 1024]).unwrap();
    let mut seen = 0;
    copy(&path, &mut |bytes| {
        seen += bytes.len();
        false
    })
    .unwrap();
    assert!(seen > 0 && seen < 600 * 1024);
}
