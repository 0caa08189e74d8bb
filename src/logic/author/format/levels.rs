//! Which map or list in block style each place of a text belongs to, and the columns that it has and gets.

use super::super::layout::{Doc, Id};

/// A map or list in block style.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Level {
    start: usize,
    end: usize,
    /// The column that it has.
    pub old: usize,
    /// The column that it gets.
    pub new: usize,
}

impl Level {
    /// Moves a column with this level.
    pub(super) fn shifted(&self, column: usize) -> usize {
        (column + self.new).saturating_sub(self.old)
    }
}

/// All levels of a text, those of the outside before those of the inside.
#[derive(Debug)]
pub(super) struct Levels(Vec<(Level, Option<usize>)>);

impl Levels {
    /// Finds all levels; each stands a step to the right of the one that it is in.
    pub(super) fn of(doc: &Doc<'_>, step: usize) -> Self {
        let mut levels = Self(Vec::new());
        levels.add(doc, doc.root, None, 0, step);
        levels
    }

    fn add(&mut self, doc: &Doc<'_>, id: Id, parent: Option<usize>, new: usize, step: usize) {
        if !doc.is_collection(id) || doc.is_flow(id) {
            return;
        }
        let node = doc.node(id);
        let at = self.0.len();
        let level = Level { start: node.start, end: node.end, old: doc.column(node.start), new };
        self.0.push((level, parent));
        // A key may be a collection, too, behind a question mark.
        for pair in doc.pairs(id) {
            self.add(doc, pair.key, Some(at), new + step, step);
            self.add(doc, pair.value, Some(at), new + step, step);
        }
        for item in doc.items(id) {
            self.add(doc, item.value, Some(at), new + step, step);
        }
    }

    /// Returns the levels that a place is in, the innermost one last.
    pub(super) fn at(&self, place: usize) -> Vec<Level> {
        // Those that begin before it are in order; the last of them, or one that it is in, holds it.
        let mut at = self.0.partition_point(|(level, _)| level.start <= place).checked_sub(1);
        let mut found = Vec::new();
        while let Some(here) = at {
            let (level, parent) = self.0[here];
            if place < level.end {
                found.push(level);
            }
            at = parent;
        }
        found.reverse();
        found
    }
}
