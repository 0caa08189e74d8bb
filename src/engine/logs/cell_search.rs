//! Searching all tries of a cell: hits are rows of the whole sequence. Headings never match.
//!
//! Not here: the search of one file (`search.rs`).

use super::cell_log::CellLog;
use super::lines::Progress;
use super::query::Query;
use super::search::Search;

impl CellLog {
    /// Searches for this from now on, instead of what was searched for before.
    pub fn search(&mut self, query: Query) {
        for it in &mut self.tries {
            it.search = Some(Search::new(query.clone()));
        }
        self.query = Some(query);
    }

    /// Searches for nothing any more.
    pub fn clear_search(&mut self) {
        self.query = None;
        for it in &mut self.tries {
            it.search = None;
        }
    }

    /// What is searched for.
    #[must_use]
    pub fn query(&self) -> Option<&Query> {
        self.query.as_ref()
    }

    /// Searches up to `budget` further bytes, those of earlier tries first. Bytes that were added since the end of a
    /// log was seen are found by `advance`, and searched by the next call of this.
    ///
    /// `Unreadable` is about one of the tries; the others were searched all the same.
    pub fn search_advance(&mut self, budget: usize) -> Progress {
        let count = self.tries.len();
        let mut left = budget;
        let mut problem = None;
        for (index, it) in self.tries.iter_mut().enumerate() {
            let Some(search) = &mut it.search else { continue };
            if it.lines.is_at_end() && search.has_seen_all(&it.lines) {
                continue;
            }
            let before = search.looked();
            match search.advance(&mut it.lines, left) {
                Progress::More => return Progress::More,
                Progress::AtEnd => {}
                Progress::Unreadable(message) => problem = problem.or(Some(message)),
            }
            let looked = search.looked().saturating_sub(before);
            left = left.saturating_sub(usize::try_from(looked).unwrap_or(usize::MAX));
            if index + 1 < count {
                it.rest();
            }
        }
        problem.map_or(Progress::AtEnd, Progress::Unreadable)
    }

    /// Whether everything that is known was searched; so it is if nothing is searched for.
    #[must_use]
    pub fn search_is_done(&self) -> bool {
        self.tries.iter().all(|it| {
            it.search.as_ref().is_none_or(|search| it.lines.is_at_end() && search.has_seen_all(&it.lines))
        })
    }

    /// Lines that were searched.
    #[must_use]
    pub fn search_seen(&self) -> u64 {
        self.searches().map(|(_, search)| search.seen()).sum()
    }

    /// Rows that match, of those that were searched.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.searches().map(|(_, search)| search.count()).sum()
    }

    /// Whether this row matches.
    #[must_use]
    pub fn is_hit(&self, row: u64) -> bool {
        self.hit_rank(row).is_some()
    }

    /// The first row after this one that matches.
    #[must_use]
    pub fn next_hit_after(&self, row: u64) -> Option<u64> {
        // The row of line 0 is the one after the heading.
        self.searches().find_map(|(base, search)| {
            search.at_or_after(row.saturating_sub(base)).map(|line| base + 1 + line)
        })
    }

    /// The last row before this one that matches.
    #[must_use]
    pub fn last_hit_before(&self, row: u64) -> Option<u64> {
        let before = |(base, search): (u64, &Search)| {
            let line = row.checked_sub(base + 1)?;
            search.last_before(line).map(|line| base + 1 + line)
        };
        self.searches().filter_map(before).last()
    }

    /// Which of the rows that match this one is, from 1; nothing if it does not match.
    #[must_use]
    pub fn hit_rank(&self, row: u64) -> Option<u64> {
        let mut earlier = 0;
        for (base, it) in self.based() {
            let search = it.search.as_ref()?;
            if row < base + it.rows() {
                return search.rank(row.checked_sub(base + 1)?).map(|rank| earlier + rank);
            }
            earlier += search.count();
        }
        None
    }

    /// Each try's search, with the row of its heading.
    fn searches(&self) -> impl Iterator<Item = (u64, &Search)> {
        self.based().filter_map(|(base, it)| it.search.as_ref().map(|search| (base, search)))
    }
}
