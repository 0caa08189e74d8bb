//! Comments and places of a text, by the events of the parser alone.

use std::ops::Range;

use granit_parser::{Event, Parser, options};

/// A node: where it begins and ends, with a map's keys or a list's members.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub text: String,
    pub range: Range<usize>,
    pub pairs: Vec<(Self, Self)>,
    pub items: Vec<Self>,
}

impl Seen {
    pub(super) fn get(&self, key: &str) -> Option<&(Self, Self)> {
        self.pairs.iter().find(|(known, _)| known.text.eq_ignore_ascii_case(key))
    }
}

/// Returns the comments of a text with their places.
pub(crate) fn comments(text: &str) -> Vec<(usize, String)> {
    walk(text).1
}

/// Returns the values of a text with their places, and its comments with theirs.
pub(super) fn walk(text: &str) -> (Seen, Vec<(usize, String)>) {
    let options = options! { emit_comments: true, max_buffered_comment_events: usize::MAX };
    let mut comments = Vec::new();
    let mut open: Vec<(bool, usize, Vec<Seen>)> = Vec::new();
    let mut root = None;
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.expect("it is YAML");
        let range = span.start.byte_offset().unwrap()..span.end.byte_offset().unwrap();
        let seen = match event {
            Event::Scalar(words, ..) => {
                Seen { text: words.into_owned(), range, pairs: Vec::new(), items: Vec::new() }
            }
            Event::Comment(words, _) => {
                comments.push((range.start, words.trim_end().to_owned()));
                continue;
            }
            Event::Alias(_) => Seen { text: String::new(), range, pairs: Vec::new(), items: Vec::new() },
            Event::MappingStart(..) => {
                open.push((true, range.start, Vec::new()));
                continue;
            }
            Event::SequenceStart(..) => {
                open.push((false, range.start, Vec::new()));
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let (is_map, start, children) = open.pop().unwrap();
                // In block style the end is where the next thing begins.
                let is_flow = range.start < range.end;
                let last = children.last().map_or(start, |it| it.range.end);
                let range = start..if is_flow { range.end } else { last.max(start) };
                let mut seen = Seen { text: String::new(), range, pairs: Vec::new(), items: Vec::new() };
                if is_map {
                    seen.pairs = children.chunks(2).map(|it| (it[0].clone(), it[1].clone())).collect();
                } else {
                    seen.items = children;
                }
                seen
            }
            _ => continue,
        };
        match open.last_mut() {
            Some((_, _, children)) => children.push(seen),
            None => root = Some(seen),
        }
    }
    (root.expect("there is a value"), comments)
}

/// Returns the whole lines of an entry: with comments and blank lines right above, and those below that are indented farther.
pub(super) fn lines_of(text: &str, range: &Range<usize>) -> Range<usize> {
    let mut start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let column = range.start - start;
    while start > 0 {
        let above = text[..start - 1].rfind('\n').map_or(0, |at| at + 1);
        let line = text[above..start].trim();
        if !line.is_empty() && !line.starts_with('#') {
            break;
        }
        start = above;
    }
    let mut end = next_line(text, range.end.max(range.start + 1) - 1);
    while end < text.len() {
        let next = next_line(text, end);
        let line = &text[end..next];
        let indent = line.len() - line.trim_start().len();
        let is_below = line.trim_start().starts_with('#') && indent > column.saturating_sub(2);
        if !(line.trim().is_empty() || is_below) {
            break;
        }
        end = next;
    }
    start..end
}

fn next_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |found| at + found + 1)
}
