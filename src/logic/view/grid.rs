//! A stage's cells as a grid: which of its axes are rows, columns and slices, and which cell stands where.
//!
//! Not here: how it is drawn (`faces`). Start with `Grid::new`. A grid holds no states, only places, so it stays true
//! until the stage starts anew; `total` asks the view. Every cell has a place, also those that
//! `include` added with keys that others do not have.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{JobView, Phase};
use crate::logic::job::event::Outcome;
use crate::logic::playbook::model::{MatrixSource, MixedMatrix};
use crate::logic::value::Value;

#[cfg(test)]
#[path = "grid_tests.rs"]
mod tests;

/// Stands for a value that a combination does not have.
const ABSENT: usize = usize::MAX;
/// How it is shown.
const ABSENT_SHOWN: &str = "-";

/// What a person may choose about a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrangement {
    /// How many times it was turned: first the last axis is the columns, then the one before it, and so on.
    pub turn: usize,
    /// Which slice is shown, from 0; one too many begins anew.
    pub slice: usize,
    /// With more rows than that, axes become slices.
    pub most_rows: usize,
}

impl Default for Arrangement {
    fn default() -> Self {
        Self { turn: 0, slice: 0, most_rows: 24 }
    }
}

/// A name of a matrix that tells its cells apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    pub name: String,
    /// In the order in which the playbook names them, else in that of the cells.
    pub values: Vec<String>,
}

/// How many of some cells ended well and badly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    pub passed: usize,
    pub failed: usize,
}

/// A stage's cells, arranged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Position in the plan.
    pub stage: u32,
    /// In the order of the matrix.
    pub axes: Vec<Axis>,
    /// Names that have the same value in all cells.
    pub fixed: Vec<(String, String)>,
    /// Positions in `axes`.
    pub row_axes: Vec<usize>,
    /// Position in `axes`; without one there is a single column.
    pub column_axis: Option<usize>,
    /// One text for each axis of the rows, and at least one.
    pub rows: Vec<Vec<String>>,
    /// Headings; a single column without an axis has none, which is empty text.
    pub columns: Vec<String>,
    /// The slice that is shown, from 0.
    pub slice: usize,
    /// Names and values that are the same in all cells of a slice; one without any if all axes are shown.
    pub slices: Vec<Vec<(String, String)>>,
    /// Row by row; none where the matrix has no such combination.
    places: Vec<Option<u32>>,
    /// The slice of each cell of the stage.
    slice_of: HashMap<u32, usize>,
}

impl Grid {
    /// Arranges the cells of a stage. Before it starts there are none, and no rows.
    #[must_use]
    pub fn new(view: &JobView, stage: u32, arrangement: Arrangement) -> Self {
        let cells = view.stages.get(stage as usize).map_or(&[][..], |it| &it.cells);
        let table = Table::new(view, stage, cells);
        let keys = table.axes();
        let (row_keys, column_key, slice_keys) = divide(&table, &keys, arrangement);

        let combinations = table.combinations(&slice_keys);
        let slice = if combinations.is_empty() { 0 } else { arrangement.slice % combinations.len() };
        let slice_at = |at: usize| {
            let wanted = table.ranks(at, &slice_keys);
            combinations.iter().position(|it| *it == wanted).unwrap_or(0)
        };
        let slice_of = (0..cells.len()).map(|at| (cells[at], slice_at(at))).collect();
        let shown: Vec<usize> = (0..cells.len()).filter(|at| slice_at(*at) == slice).collect();

        // All columns in every slice, so that paging through slices shifts nothing.
        let mut column_ranks: Vec<usize> = match column_key {
            Some(key) => (0..cells.len()).map(|at| table.rank(at, key)).collect(),
            None => vec![ABSENT],
        };
        column_ranks.sort_unstable();
        column_ranks.dedup();
        let columns = column_key.map_or_else(
            || vec![String::new()],
            |key| column_ranks.iter().map(|rank| table.shown(key, *rank)).collect(),
        );

        let column_of = |at: usize| {
            let rank = column_key.map_or(ABSENT, |key| table.rank(at, key));
            column_ranks.binary_search(&rank).unwrap_or(0)
        };
        let (lines, places) = lines(&table, &shown, &row_keys, columns.len(), &column_of);
        let stands_for_all = row_keys.is_empty() && column_key.is_some();
        let label = |line: &Line| table.row_label(view, stage, line, &row_keys, stands_for_all);
        let rows = lines.iter().map(label).collect();
        let places = places.into_iter().map(|at| at.map(|at| cells[at])).collect();
        let position = |key: &usize| keys.iter().position(|it| it == key).unwrap_or(0);
        Self {
            stage,
            fixed: table.fixed(),
            row_axes: row_keys.iter().map(position).collect(),
            column_axis: column_key.as_ref().map(position),
            rows,
            columns,
            slice,
            slices: combinations.iter().map(|ranks| table.named(&slice_keys, ranks)).collect(),
            places,
            slice_of,
            axes: keys.iter().map(|key| table.keys[*key].axis.clone()).collect(),
        }
    }

    /// Returns the cell at a place; none if the matrix has no such combination.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> Option<u32> {
        if column >= self.columns.len() {
            return None;
        }
        self.places.get(row * self.columns.len() + column).copied().flatten()
    }

    /// Returns row and column of a cell, if it is in the slice that is shown.
    #[must_use]
    pub fn place(&self, cell: u32) -> Option<(usize, usize)> {
        let at = self.places.iter().position(|it| *it == Some(cell))?;
        Some((at / self.columns.len(), at % self.columns.len()))
    }

    /// Returns the slice that a cell of the stage is in.
    #[must_use]
    pub fn slice_of(&self, cell: u32) -> Option<usize> {
        self.slice_of.get(&cell).copied()
    }

    /// Iterates over the cells of the slice that is shown, row by row.
    pub fn cells(&self) -> impl Iterator<Item = u32> {
        self.places.iter().copied().flatten()
    }

    /// Iterates over the cells of a row.
    pub fn row_cells(&self, row: usize) -> impl Iterator<Item = u32> {
        (0..self.columns.len()).filter_map(move |column| self.cell(row, column))
    }

    /// Iterates over the cells of a column.
    pub fn column_cells(&self, column: usize) -> impl Iterator<Item = u32> {
        (0..self.rows.len()).filter_map(move |row| self.cell(row, column))
    }

    /// Returns how many places of the slice have no cell.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.places.iter().filter(|it| it.is_none()).count()
    }
}

/// Counts those of some cells that ended well and badly.
#[must_use]
pub fn total(view: &JobView, cells: impl Iterator<Item = u32>) -> Total {
    let mut total = Total::default();
    for cell in cells.filter_map(|cell| view.cells.get(cell as usize)) {
        match cell.phase {
            Phase::Done(Outcome::Success) => total.passed += 1,
            Phase::Done(Outcome::Failure) => total.failed += 1,
            _ => {}
        }
    }
    total
}

/// Returns the values of a cell without their names, such as `linux stable`; the stage's name if it has none.
#[must_use]
pub fn short_name(view: &JobView, cell: u32) -> String {
    let Some(it) = view.cells.get(cell as usize) else { return String::new() };
    match it.matrix.as_object() {
        Some(values) if !values.is_empty() => {
            values.iter().map(|(_, value)| printed(value)).collect::<Vec<_>>().join(" ")
        }
        _ => view.stage_name(it.stage).to_owned(),
    }
}

/// A name of the matrix.
struct Key {
    axis: Axis,
    is_declared: bool,
}

/// The combinations of all cells, each value as its rank among those of its key.
struct Table<'v> {
    keys: Vec<Key>,
    /// For each cell the rank of each key, or `ABSENT`; shorter where later keys are absent.
    ranks: Vec<Vec<usize>>,
    cells: &'v [u32],
}

impl<'v> Table<'v> {
    fn new(view: &JobView, stage: u32, cells: &'v [u32]) -> Self {
        let declared = declared(view, stage);
        let mut table = Self { keys: Vec::new(), ranks: Vec::with_capacity(cells.len()), cells };
        let mut positions: HashMap<String, usize> = HashMap::new();
        let mut known: Vec<HashMap<String, usize>> = Vec::new();
        for cell in cells {
            let mut ranks = vec![ABSENT; table.keys.len()];
            let matrix = view.cells.get(*cell as usize).and_then(|it| it.matrix.as_object());
            for (name, value) in matrix.into_iter().flatten() {
                let key = *positions.entry(name.clone()).or_insert_with(|| {
                    let written = declared.iter().find(|it| it.name.eq_ignore_ascii_case(name));
                    let mut values = written.map_or_else(Vec::new, |axis| axis.values.clone());
                    // A value may be written twice, but has one rank.
                    let mut ranks_of = HashMap::new();
                    values.retain(|it| {
                        let next = ranks_of.len();
                        *ranks_of.entry(it.clone()).or_insert(next) == next
                    });
                    known.push(ranks_of);
                    let axis = Axis { name: name.clone(), values };
                    table.keys.push(Key { axis, is_declared: written.is_some() });
                    ranks.push(ABSENT);
                    table.keys.len() - 1
                });
                let values = &mut table.keys[key].axis.values;
                ranks[key] = *known[key].entry(printed(value)).or_insert_with_key(|text| {
                    values.push(text.clone());
                    values.len() - 1
                });
            }
            table.ranks.push(ranks);
        }
        table
    }

    fn rank(&self, at: usize, key: usize) -> usize {
        self.ranks[at].get(key).copied().unwrap_or(ABSENT)
    }

    fn ranks(&self, at: usize, keys: &[usize]) -> Vec<usize> {
        keys.iter().map(|key| self.rank(at, *key)).collect()
    }

    /// Returns the combinations that cells have of some keys, in the order of their values.
    fn combinations(&self, keys: &[usize]) -> Vec<Vec<usize>> {
        let mut all: Vec<Vec<usize>> = (0..self.cells.len()).map(|at| self.ranks(at, keys)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Returns the keys that tell cells apart: those that the playbook names, and of all others those that most cells
    /// have and that say more than the ones before them.
    fn axes(&self) -> Vec<usize> {
        let mut axes: Vec<usize> = Vec::new();
        for (key, it) in self.keys.iter().enumerate() {
            let has = |at: &usize| self.rank(*at, key) != ABSENT;
            let is_usual = (0..self.cells.len()).filter(has).count() * 2 >= self.cells.len();
            let varies = self.combinations(&[key]).len() > 1;
            let mut with = axes.clone();
            with.push(key);
            let tells_more = || self.combinations(&with).len() > self.combinations(&axes).len();
            if varies && (it.is_declared || (is_usual && tells_more())) {
                axes = with;
            }
        }
        axes
    }

    fn fixed(&self) -> Vec<(String, String)> {
        let fixed = |key| match self.combinations(&[key])[..] {
            [ref only] => Some((self.keys[key].axis.name.clone(), self.shown(key, only[0]))),
            _ => None,
        };
        (0..self.keys.len()).filter_map(fixed).collect()
    }

    fn shown(&self, key: usize, rank: usize) -> String {
        self.keys[key].axis.values.get(rank).cloned().unwrap_or_else(|| ABSENT_SHOWN.to_owned())
    }

    fn named(&self, keys: &[usize], ranks: &[usize]) -> Vec<(String, String)> {
        let pairs = keys.iter().zip(ranks);
        pairs.map(|(key, rank)| (self.keys[*key].axis.name.clone(), self.shown(*key, *rank))).collect()
    }

    /// A row that `stands_for_all` has all cells in it, as there is no axis for rows, and is called as its stage.
    fn row_label(
        &self,
        view: &JobView,
        stage: u32,
        line: &Line,
        keys: &[usize],
        stands_for_all: bool,
    ) -> Vec<String> {
        let mut label: Vec<String> =
            keys.iter().zip(&line.ranks).map(|(key, rank)| self.shown(*key, *rank)).collect();
        // Nothing of the axes says which combination this is, so all that it has is written.
        let mut is_told = false;
        if line.ranks.iter().all(|rank| *rank == ABSENT) {
            let written = view.cells.get(self.cells[line.first] as usize).map_or("", |it| &it.label);
            is_told = !written.is_empty() && !stands_for_all;
            let first = if is_told { written } else { view.stage_name(stage) };
            label = vec![String::new(); keys.len().max(1)];
            first.clone_into(&mut label[0]);
        }
        if line.twin > 0 && !is_told {
            label[0] = format!("{} #{}", label[0], line.twin + 1);
        }
        label
    }
}

/// A row before it has its label.
struct Line {
    ranks: Vec<usize>,
    /// Counts the rows of the same values, from 0: combinations may stand twice.
    twin: usize,
    /// Position of its first cell.
    first: usize,
}

/// Divides the axes into those of rows, columns and slices.
fn divide(
    table: &Table<'_>,
    keys: &[usize],
    arrangement: Arrangement,
) -> (Vec<usize>, Option<usize>, Vec<usize>) {
    let mut rows = keys.to_vec();
    let column = match rows.len() {
        0 => None,
        // A single axis goes downwards, where there is more room, until it is turned.
        1 if arrangement.turn.is_multiple_of(2) => None,
        count => Some(rows.remove(count - 1 - arrangement.turn % count)),
    };
    let mut slices = Vec::new();
    while rows.len() > 1 && table.combinations(&rows).len() > arrangement.most_rows {
        slices.extend(rows.pop());
    }
    slices.reverse();
    (rows, column, slices)
}

/// Gives each cell a row, and returns the rows with what stands in them.
fn lines(
    table: &Table<'_>,
    shown: &[usize],
    row_keys: &[usize],
    columns: usize,
    column_of: &dyn Fn(usize) -> usize,
) -> (Vec<Line>, Vec<Option<usize>>) {
    let mut twins: HashMap<(Vec<usize>, usize), usize> = HashMap::new();
    let mut placed: Vec<(Vec<usize>, usize, usize)> = Vec::with_capacity(shown.len());
    for &at in shown {
        let ranks = table.ranks(at, row_keys);
        let twin = twins.entry((ranks.clone(), column_of(at))).or_insert(0);
        placed.push((ranks, *twin, at));
        *twin += 1;
    }
    let mut order: Vec<usize> = (0..placed.len()).collect();
    order.sort_by(|one, other| placed[*one].cmp(&placed[*other]));
    let mut lines: Vec<Line> = Vec::new();
    let mut places: Vec<Option<usize>> = Vec::new();
    for index in order {
        let (ranks, twin, at) = &placed[index];
        if lines.last().is_none_or(|line| line.ranks != *ranks || line.twin != *twin) {
            lines.push(Line { ranks: ranks.clone(), twin: *twin, first: *at });
            places.resize(lines.len() * columns, None);
        }
        let start = (lines.len() - 1) * columns;
        places[start + column_of(*at)] = Some(*at);
    }
    (lines, places)
}

/// Returns the axes that the playbook names, with their values as far as they are written there; none if the whole
/// matrix is computed.
fn declared(view: &JobView, stage: u32) -> Vec<Axis> {
    let stage = view.playbook.stages.get(stage as usize);
    let matrix = stage.and_then(|stage| stage.strategy.as_ref()).map(|strategy| &strategy.matrix);
    let axis = |name: &str, values: Option<&Value>| {
        let values = values.map(Value::to_json);
        let values = values.as_ref().and_then(Json::as_array).into_iter().flatten().map(printed);
        Axis { name: name.to_owned(), values: values.collect() }
    };
    let mut axes: Vec<Axis> = match matrix {
        Some(MatrixSource::Fixed(Value::Object(object))) => {
            object.iter().map(|(name, value)| axis(name, Some(value))).collect()
        }
        Some(MatrixSource::Mixed(MixedMatrix::Map(entries))) => {
            entries.iter().map(|(name, it)| axis(name, written(it))).collect()
        }
        _ => Vec::new(),
    };
    axes.retain(|axis| !["include", "exclude"].contains(&axis.name.as_str()));
    axes
}

fn written(matrix: &MixedMatrix) -> Option<&Value> {
    match matrix {
        MixedMatrix::Value(value) => Some(value),
        MixedMatrix::Leaf(_) | MixedMatrix::List(_) | MixedMatrix::Map(_) => None,
    }
}

fn printed(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
