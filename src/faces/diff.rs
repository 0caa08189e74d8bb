//! What changed between two texts, line by line.
//!
//! Not here: making the other text (`logic/author`).

use similar::TextDiff;

use super::out::{Out, Paint};

/// Lines that are shown around each change.
const AROUND: usize = 3;

/// Returns the difference as a patch of that file; empty if there is none.
#[must_use]
pub(super) fn unified(file: &str, old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    diff.unified_diff().context_radius(AROUND).header(&format!("a/{file}"), &format!("b/{file}")).to_string()
}

/// Prints the difference for people.
pub(super) fn print(out: &mut Out, file: &str, old: &str, new: &str) {
    lines(out.paint, file, old, new).into_iter().for_each(|line| out.line(line));
}

/// Returns the difference for people, line by line.
#[must_use]
pub(super) fn lines(paint: Paint, file: &str, old: &str, new: &str) -> Vec<String> {
    let has_returns = |text: &str| text.contains("\r\n");
    let both = has_returns(old) && has_returns(new);
    let painted = |line: &str| {
        let line = line.trim_end_matches('\n');
        // Where every line has one, nobody wants to see it.
        let line = if both { line.trim_end_matches('\r') } else { line };
        match line.as_bytes().first() {
            _ if line.starts_with("+++ ") || line.starts_with("--- ") => paint.bold(line),
            Some(b'+') => paint.added(line),
            Some(b'-') => paint.removed(line),
            Some(b'@' | b'\\') => paint.dim(line),
            _ => line.to_owned(),
        }
    };
    unified(file, old, new).split_inclusive('\n').map(painted).collect()
}
