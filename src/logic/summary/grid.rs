//! A matrix as a table: the last axis is the columns, all others together are the rows.
//!
//! Not here: the grid of the screen, which can be turned and sliced (`logic/view/grid.rs`).

use std::collections::HashMap;

use serde_json::Value as Json;

use super::model::{Cell, Grid};

/// Most columns that are still read at a glance.
const COLUMNS: usize = 24;

/// Returns the table of the cells of a stage, if they have two axes at least and fit into one.
pub(super) fn of(cells: &[Cell]) -> Option<Grid> {
    let first = cells.first()?.matrix.as_object()?;
    let keys: Vec<&String> = first.keys().collect();
    let (last, others) = keys.split_last()?;
    if others.is_empty() || cells.len() < 3 {
        return None;
    }
    let mut columns: Vec<String> = Vec::new();
    let mut rows: Vec<(String, Vec<Option<usize>>)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (at, cell) in cells.iter().enumerate() {
        let matrix = cell.matrix.as_object()?;
        // One that an `include` added may have other axes: no table holds it.
        if matrix.len() != keys.len() {
            return None;
        }
        let column = printed(matrix.get(*last)?);
        let values: Option<Vec<String>> = others.iter().map(|key| matrix.get(*key).map(printed)).collect();
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
    Some(Grid { axes: (rows_axis, (*last).clone()), columns, rows })
}

fn printed(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
