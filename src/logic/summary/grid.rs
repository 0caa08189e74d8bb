//! A matrix as a table: the axis with most values is the columns as long as they fit, all others together are the rows.
//!
//! Not here: the grid of the screen, which can be turned and sliced (`logic/view/grid.rs`).

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::model::{Cell, Grid};

/// Most columns that are still read at a glance.
const COLUMNS: usize = 12;

/// Returns the table of the cells of a stage, if they have two axes at least and fit into one.
pub(super) fn of(cells: &[Cell]) -> Option<Grid> {
    let first = cells.first()?.matrix.as_object()?;
    let keys: Vec<&String> = first.keys().collect();
    if keys.len() < 2 || cells.len() < 3 {
        return None;
    }
    let last = widest(cells, &keys)?;
    let others: Vec<&&String> = keys.iter().filter(|key| **key != last).collect();
    let mut columns: Vec<String> = Vec::new();
    let mut rows: Vec<(String, Vec<Option<usize>>)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (at, cell) in cells.iter().enumerate() {
        let matrix = cell.matrix.as_object()?;
        // One that an `include` added may have other axes: no table holds it.
        if matrix.len() != keys.len() {
            return None;
        }
        let column = printed(matrix.get(last)?);
        let values: Option<Vec<String>> = others.iter().map(|key| matrix.get(**key).map(printed)).collect();
        let row = values?.join(", ");
        let column = columns.iter().position(|it| *it == column).unwrap_or_else(|| {
            columns.push(column);
            columns.len() - 1
        });
        if columns.len() > COLUMNS {
            return None;
        }
        let row = *known.entry(row).or_insert_with_key(|row| {
            rows.push((row.clone(), Vec::new()));
            rows.len() - 1
        });
        let places = &mut rows[row].1;
        if places.len() <= column {
            places.resize(column + 1, None);
        }
        // Two cells in one place: again no table.
        if places[column].replace(at).is_some() {
            return None;
        }
    }
    rows.iter_mut().for_each(|(_, places)| places.resize(columns.len(), None));
    let rows_axis = others.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", ");
    Some(Grid { axes: (rows_axis, last.clone()), columns, rows })
}

/// Returns the axis with most values among those that fit; of equals the last.
fn widest<'a>(cells: &[Cell], keys: &[&'a String]) -> Option<&'a String> {
    let count = |key: &str| {
        let values = cells.iter().filter_map(|cell| cell.matrix.get(key)).map(printed);
        values.collect::<HashSet<_>>().len()
    };
    let fitting = keys.iter().map(|key| (count(key), *key)).filter(|(values, _)| *values <= COLUMNS);
    fitting.max_by_key(|(values, _)| *values).map(|(_, key)| key)
}

fn printed(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
