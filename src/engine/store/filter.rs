//! Which jobs of the history are wanted: by playbook, outcome, state, time, actor, inputs.
//!
//! Not here: the rows themselves (`history.rs`).

use std::collections::HashMap;

use rusqlite::types::Value as Sql;
use rusqlite::{ToSql, params_from_iter};
use serde_json::Value as Json;

use super::history::{History, JobRow, read_request};
use super::journal::ROLLED_BACK;
use super::sources;
use crate::engine::EngineError;
use crate::logic::playbook::source::Source;
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;

/// What is asked of a job; what is empty asks nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Any of these: the playbook's path as jobs record it, its name, or the end of its path without extension.
    pub playbooks: Vec<String>,
    /// Any of `success failure cancelled skipped`.
    pub outcomes: Vec<String>,
    /// Any of `queued running paused frozen cancelling finished rolled-back interrupted`.
    pub states: Vec<String>,
    /// Begun then or later.
    pub since: Option<Timestamp>,
    /// Begun earlier.
    pub until: Option<Timestamp>,
    /// Ended then or later, or not at all.
    pub active_since: Option<Timestamp>,
    /// Numbers below this one.
    pub below: Option<u64>,
    /// Whoever started it.
    pub actor: Option<String>,
    /// Inputs with these values, given or by default.
    pub inputs: Vec<(String, String)>,
}

/// So many rows are looked at in one go where not all can be asked of the database.
const SLICE: usize = 256;

impl History {
    /// Returns the newest jobs that are wanted, the newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn query(&self, filter: &JobFilter, limit: usize) -> Result<Vec<JobRow>, EngineError> {
        let mut found = Vec::new();
        let mut below =
            filter.below.map_or(u32::MAX as usize, |it| usize::try_from(it).unwrap_or(usize::MAX));
        let mut defaults = HashMap::new();
        let is_exact = filter.states.is_empty() && filter.inputs.is_empty();
        let slice = if is_exact { limit } else { SLICE };
        while found.len() < limit {
            let (condition, values) = condition(filter, below);
            let rest = format!("WHERE {condition} ORDER BY number DESC LIMIT {}", slice.min(1 << 31));
            let bound: Vec<&dyn ToSql> = values.iter().map(|it| it as &dyn ToSql).collect();
            let rows = self.rows(&rest, params_from_iter(bound))?;
            let count = rows.len();
            for row in rows {
                below = usize::try_from(row.number).unwrap_or(0);
                let fits = (filter.states.is_empty() || filter.states.contains(&row.state))
                    && self.has_inputs(&row, &filter.inputs, &mut defaults)?;
                if fits {
                    found.push(row);
                }
            }
            if count < slice {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Names of all playbooks that have run, those of the newest jobs first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn playbooks(&self) -> Result<Vec<String>, EngineError> {
        let mut query =
            self.connection.prepare("SELECT name FROM jobs GROUP BY name ORDER BY max(number) DESC")?;
        let names = query.query_map([], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    fn has_inputs(
        &self,
        row: &JobRow,
        wanted: &[(String, String)],
        defaults: &mut HashMap<String, HashMap<String, String>>,
    ) -> Result<bool, EngineError> {
        if wanted.is_empty() {
            return Ok(true);
        }
        let (request, source): (String, String) = self
            .connection
            .prepare_cached(
                "SELECT request, text FROM jobs LEFT JOIN sources ON sources.id = source_id WHERE number = ?1",
            )?
            .query_row([row.number], |it| Ok((it.get(0)?, sources::text_in(it, 1).unwrap_or_default())))?;
        let given = read_request(&request)?.inputs;
        Ok(wanted.iter().all(|(name, value)| {
            if let Some((_, given)) = given.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)) {
                return text_of(given) == *value;
            }
            // Most jobs share a few playbooks, each of which is read once.
            if !defaults.contains_key(&source) {
                defaults.insert(source.clone(), defaults_of(&source));
            }
            defaults.get(&source).and_then(|it| it.get(&name.to_ascii_lowercase())) == Some(value)
        }))
    }
}

/// A value as it would be given on the command line.
fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn defaults_of(source: &str) -> HashMap<String, String> {
    let reading = crate::logic::playbook::read(&Source::from_stored("", source));
    let inputs = reading.playbook.map(|it| it.inputs).unwrap_or_default();
    let default = |value: &crate::logic::value::Value| text_of(&value.to_json());
    inputs
        .iter()
        .filter_map(|it| Some((it.name.to_ascii_lowercase(), it.default.as_ref().map(default)?)))
        .collect()
}

/// The states of jobs that have ended.
pub(super) const ENDED: [&str; 2] = ["finished", ROLLED_BACK];

/// What the database can be asked, for jobs below a number.
fn condition(filter: &JobFilter, below: usize) -> (String, Vec<Sql>) {
    let mut parts = vec!["number < ?".to_owned()];
    let mut values = vec![Sql::Integer(i64::try_from(below).unwrap_or(i64::MAX))];
    let mut any = |column: &str, of: &[String]| {
        if !of.is_empty() {
            let marks = vec!["?"; of.len()].join(", ");
            parts.push(format!("{column} IN ({marks})"));
            values.extend(of.iter().cloned().map(Sql::Text));
        }
    };
    any("outcome", &filter.outcomes);
    any("actor", filter.actor.as_slice());
    // Of those that have not ended there are few, and an index knows them.
    let ended: Vec<String> =
        filter.states.iter().filter(|it| ENDED.contains(&it.as_str())).cloned().collect();
    if ended.is_empty() && !filter.states.is_empty() {
        parts.push("finished IS NULL".to_owned());
    } else if ended.len() == filter.states.len() {
        any("state", &ended);
    }
    for (sign, point) in [(">=", filter.since), ("<", filter.until)] {
        if let Some(point) = point {
            parts.push(format!("created {sign} ?"));
            values.push(Sql::Integer(point.0));
        }
    }
    if let Some(point) = filter.active_since {
        parts.push("(finished IS NULL OR finished >= ?)".to_owned());
        values.push(Sql::Integer(point.0));
    }
    if !filter.playbooks.is_empty() {
        let one = "playbook = ? OR name = ? OR playbook LIKE ? ESCAPE '\\' OR playbook LIKE ? ESCAPE '\\'";
        parts.push(format!("({})", vec![one; filter.playbooks.len()].join(" OR ")));
        for it in &filter.playbooks {
            let tail = it
                .trim_end_matches(".yaml")
                .trim_end_matches(".yml")
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_");
            let ends = [format!("%/{tail}.yml"), format!("%/{tail}.yaml")];
            values.extend([it.clone(), it.clone()].into_iter().chain(ends).map(Sql::Text));
        }
    }
    (parts.join(" AND "), values)
}
