//! The outputs of a job by their names, and finding one of them.
//!
//! Not here: the file that has all of them (`brief.rs`).

use std::sync::Arc;

use super::model::{Pairs, Summary};
use crate::logic::text::near_miss;

/// An output, by its name from the job down: `NAME`, `STAGE.NAME`, `STAGE[k=v].NAME`, `STAGE[k=v]/STEP.NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub name: String,
    pub value: Arc<str>,
}

/// Returns all outputs, each by its full name. What a cell without a matrix has is told once, by its stage.
#[must_use]
pub fn outputs(it: &Summary) -> Vec<Output> {
    let mut all = Vec::new();
    let mut add = |place: &str, pairs: &Pairs| {
        for (name, value) in pairs {
            let name = if place.is_empty() { name.to_string() } else { format!("{place}.{name}") };
            all.push(Output { name, value: value.clone() });
        }
    };
    add("", &it.job.outputs);
    for stage in &it.stages {
        add(&stage.id, &stage.outputs);
        for cell in &stage.cells {
            if !cell.label.is_empty() {
                add(&cell.address, &cell.outputs);
            }
            for step in &cell.steps {
                add(&format!("{}/{}", cell.address, step.step), &step.outputs);
            }
        }
    }
    all
}

/// Finds an output by its name.
///
/// # Errors
/// If there is none of that name: what else there is, in words, as the way out.
pub fn find_output(it: &Summary, name: &str) -> Result<Output, Option<String>> {
    let all = outputs(it);
    // Without the spaces that addresses may have.
    let plain = |name: &str| name.replace(' ', "").to_ascii_lowercase();
    let wanted = plain(name);
    if let Some(found) = all.iter().find(|it| plain(&it.name) == wanted) {
        return Ok(found.clone());
    }
    if let Some(near) = near_miss(name, all.iter().map(|it| it.name.as_str())) {
        return Err(Some(format!("did you mean `{near}`?")));
    }
    // The name alone may be right, and its place wrong.
    let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    let namesakes: Vec<String> = all
        .iter()
        .filter(|it| last(&it.name) == last(name))
        .take(5)
        .map(|it| format!("`{}`", it.name))
        .collect();
    if !namesakes.is_empty() {
        return Err(Some(format!("there is {}", crate::logic::text::listed(&namesakes, "and"))));
    }
    Err(match &all[..] {
        [] => None,
        few => {
            let names: Vec<String> = few.iter().take(5).map(|it| format!("`{}`", it.name)).collect();
            let more = if few.len() > 5 { format!(" and {} more", few.len() - 5) } else { String::new() };
            Some(format!("there is {}{more}", names.join(", ")))
        }
    })
}
