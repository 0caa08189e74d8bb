//! `playbooks scripts`: the numbered scripts of a project, and what they say of themselves.

use serde_json::{Value as Json, json};

use super::table::Table;
use crate::engine;
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::playbook::scripts::Script;
use crate::logic::text::listed;

/// Runs the command.
///
/// # Errors
/// If a selector is none, or nothing is selected.
pub(super) fn scripts(
    context: &Context,
    wanted: &[String],
    as_json: bool,
    out: &mut Out,
) -> Result<Ending, Failure> {
    let library = engine::scripts::library(&context.project);
    let chosen: Vec<&Script> = if wanted.is_empty() {
        library.scripts.iter().collect()
    } else {
        library.meant(wanted).map_err(|(message, help)| Failure::usage(message).help(help))?
    };
    if as_json {
        out.line(Json::from(chosen.iter().map(|it| row(it)).collect::<Vec<_>>()).to_string());
        return Ok(Ending::Success);
    }
    if chosen.is_empty() {
        out.line(library.nothing());
    }
    let mut table = Table::default();
    for it in chosen {
        let tags =
            if it.tags.is_empty() { String::new() } else { format!("tags {}", listed(&it.tags, "and")) };
        let stage = it.stage.as_ref().map_or_else(String::new, |stage| format!("stage {stage}"));
        let names: Vec<String> = it.parameters.iter().map(|it| it.name.clone()).collect();
        let takes = if names.is_empty() { String::new() } else { format!("takes {}", listed(&names, "and")) };
        table.row([format!("{:04}", it.number), it.path.clone(), stage, tags, takes]);
    }
    table.print(out);
    Ok(Ending::Success)
}

fn row(script: &Script) -> Json {
    let parameters: Vec<Json> =
        script.parameters.iter().map(|it| json!({ "name": it.name, "switch": it.is_switch })).collect();
    json!({
        "number": format!("{:04}", script.number),
        "path": script.path,
        "name": script.name(),
        "stage": script.stage,
        "tags": script.tags,
        "parameters": parameters,
    })
}
