//! `config explain`: each setting, where its value comes from, and what it overrode.

use serde_json::{Value as Json, json};

use super::args::ConfigCommand;
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::settings::{self, Resolved, Setting};
use crate::logic::text::near_miss;

/// Runs the command.
///
/// # Errors
/// If there is no setting with the asked name.
pub(super) fn config(context: &Context, command: &ConfigCommand, out: &mut Out) -> Result<Ending, Failure> {
    let ConfigCommand::Explain { key, json } = command;
    if let Some(key) = key
        && settings::find(key).is_none()
    {
        let failure = Failure::usage(format!("there is no setting `{key}`"));
        return Err(match near_miss(key, settings::TABLE.iter().map(|setting| setting.key)) {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure.help("`sortie config explain` lists them all"),
        });
    }
    let rows: Vec<(&Setting, &Resolved)> = context
        .settings
        .iter()
        .filter(|(setting, _)| key.as_ref().is_none_or(|key| key == setting.key))
        .collect();
    if *json {
        let all: Vec<Json> = rows.iter().map(|(setting, row)| row_json(setting, row)).collect();
        out.line(Json::from(all).to_string());
        return Ok(Ending::Success);
    }
    for (setting, row) in rows {
        out.line(format!(
            "{} = {}  {}",
            out.paint.bold(setting.key),
            value(&row.value),
            out.paint.dim(&format!("({})", row.origin))
        ));
        out.line(format!("    {}", setting.about));
        for (weaker, origin) in &row.overrode {
            out.line(format!("    overrides {}  ({origin})", value(weaker)));
        }
        if key.is_some() {
            let flag = if setting.flag.is_empty() { String::new() } else { format!("{}, ", setting.flag) };
            out.line(format!(
                "    takes {}; set by {flag}{} or a file",
                settings::expected(setting),
                settings::variable(setting)
            ));
        }
    }
    Ok(Ending::Success)
}

fn value(text: &str) -> &str {
    if text.is_empty() { "(not set)" } else { text }
}

fn row_json(setting: &Setting, row: &Resolved) -> Json {
    let layers: Vec<Json> = row
        .overrode
        .iter()
        .map(|(value, origin)| json!({ "value": value, "origin": origin.to_string() }))
        .collect();
    json!({
        "key": setting.key,
        "value": row.value,
        "origin": row.origin.to_string(),
        "overrode": layers,
        "about": setting.about,
    })
}
