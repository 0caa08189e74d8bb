//! Which playbooks fit what was typed, and how well.
//!
//! Pure. Not here: the order of the list without a filter (`state.rs`).

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::book::Book;

/// What a hit in a name is worth beyond one in a title or a tag, and that beyond one in a description.
const AHEAD: u32 = 1_000;

/// Returns the positions of the books that fit, the best first; equals stay in their order. Letters may be left out in
/// names, titles and tags; of a description, which is long enough to hold most letters somewhere, whole pieces count.
#[must_use]
pub(super) fn hits(books: &[Book], text: &str) -> Vec<usize> {
    let text = text.trim();
    if text.is_empty() {
        return (0..books.len()).collect();
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let fuzzy = Pattern::new(text, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
    let exact = Pattern::new(text, CaseMatching::Ignore, Normalization::Smart, AtomKind::Substring);
    let mut letters = Vec::new();
    let mut scored: Vec<(u32, usize)> = Vec::new();
    for (at, book) in books.iter().enumerate() {
        let mut score = |pattern: &Pattern, text: &str, ahead: u32| {
            pattern.score(Utf32Str::new(text, &mut letters), &mut matcher).map(|score| score + ahead)
        };
        let mut best = score(&fuzzy, &book.name, 2 * AHEAD);
        if let Some(good) = book.content.good() {
            let playbook = &good.playbook;
            best = best.max(score(&fuzzy, &playbook.name, AHEAD));
            for tag in &playbook.tags {
                best = best.max(score(&fuzzy, tag, AHEAD));
            }
            let about = playbook.description.as_deref().unwrap_or_default();
            best = best.max(score(&exact, about, 0));
        }
        scored.extend(best.map(|score| (score, at)));
    }
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, at)| at).collect()
}
