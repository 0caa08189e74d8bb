//! `playbooks list` and `playbooks show`. Not here: `playbooks scripts` (`scripts.rs`), `playbooks new` (`new.rs`),
//! `playbooks edit` (`edit.rs`).

use serde_json::{Value as Json, json};

use super::args::PlaybooksCommand;
use super::opened;
use super::table::Table;
use crate::engine::library;
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::playbook::model::{Input, InputKind, Playbook, SecretFrom};
use crate::logic::text::{listed, shortened};

/// Runs the command; without a subcommand it lists.
///
/// # Errors
/// If a playbook cannot be found, read, or has errors.
pub(super) fn playbooks(
    context: &Context,
    command: Option<&PlaybooksCommand>,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    match command {
        None => list(context, false, out),
        Some(PlaybooksCommand::List { json }) => list(context, *json, out),
        Some(PlaybooksCommand::Show { playbook, json }) => {
            let (opened, playbook) = opened::open(&context.project, playbook, notes)?;
            show(&playbook, &opened.source.name, *json, out);
            Ok(Ending::Success)
        }
        Some(PlaybooksCommand::New(args)) => super::new::new(context, args, out, notes),
        Some(PlaybooksCommand::Templates { json }) => Ok(super::new::templates(context, *json, out)),
        Some(PlaybooksCommand::Scripts { selectors, json }) => {
            super::scripts::scripts(context, selectors, *json, out)
        }
        Some(PlaybooksCommand::Edit(args)) => super::edit::edit(context, args, out, notes),
    }
}

fn list(context: &Context, as_json: bool, out: &mut Out) -> Result<Ending, Failure> {
    let root = &context.project.root;
    let mut rows: Vec<Json> = Vec::new();
    for path in library::list(root) {
        let opened = library::open(&context.project, &path)?;
        let playbook = opened.reading.playbook.as_ref();
        rows.push(json!({
            "name": library::name(root, &path),
            "file": &*opened.source.name,
            "title": playbook.map(|it| &*it.name),
            "description": playbook.and_then(|it| it.description.as_deref()),
            "category": playbook.and_then(|it| it.category.as_deref()),
            "tags": playbook.map_or(&[][..], |it| &it.tags[..]),
            "stages": playbook.map(|it| it.stages.len()),
            "valid": playbook.is_some(),
        }));
    }
    if as_json {
        out.line(Json::from(rows).to_string());
        return Ok(Ending::Success);
    }
    if rows.is_empty() {
        out.line("this project has no playbooks; they belong into the folder `playbooks`");
    }
    let mut table = Table::default();
    for row in &rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let about =
            if row["valid"] == false { "has errors; sortie check".to_owned() } else { text("description") };
        let stages = row["stages"].as_u64().map_or_else(String::new, |n| {
            crate::logic::text::plural(usize::try_from(n).unwrap_or(0), "stage")
        });
        table.row([text("name"), stages, shortened(&about, 80)]);
    }
    table.print(out);
    Ok(Ending::Success)
}

fn show(playbook: &Playbook, file: &str, as_json: bool, out: &mut Out) {
    let object = describe(playbook, file);
    if as_json {
        out.line(object.to_string());
        return;
    }
    out.line(format!("{}  {}", out.paint.bold(&playbook.name), out.paint.dim(file)));
    if let Some(description) = &playbook.description {
        out.line(description.trim());
    }
    let mut table = Table::default();
    for input in &playbook.inputs {
        let default = match (&input.default, input.required) {
            (Some(value), _) => format!("default {}", value.to_json()),
            (None, true) => "required".to_owned(),
            (None, false) => String::new(),
        };
        let about = input.description.clone().unwrap_or_default();
        table.row(["input".to_owned(), input.name.to_string(), accepts(input), default, about]);
    }
    for secret in &playbook.secrets {
        let need = if secret.required { "required" } else { "" };
        table.row([
            "secret".to_owned(),
            secret.name.to_string(),
            from(&secret.from),
            need.to_owned(),
            String::new(),
        ]);
    }
    for profile in &playbook.profiles {
        let about = profile.description.clone().unwrap_or_default();
        let nothing = String::new;
        table.row(["profile".to_owned(), profile.name.to_string(), nothing(), nothing(), about]);
    }
    for stage in &playbook.stages {
        let needs: Vec<&str> = stage.needs.iter().map(|&need| &*playbook.stages[need].id).collect();
        let needs = if needs.is_empty() { String::new() } else { format!("needs {}", listed(&needs, "and")) };
        let kind = if stage.is_final { "final" } else { "stage" };
        let matrix = if stage.strategy.is_some() { "matrix" } else { "" };
        let name = stage.name.as_ref().map_or_else(String::new, |name| name.template.source().to_owned());
        table.row([kind.to_owned(), stage.id.to_string(), matrix.to_owned(), needs, name]);
    }
    table.print(out);
}

fn describe(playbook: &Playbook, file: &str) -> Json {
    let inputs: Vec<Json> = playbook
        .inputs
        .iter()
        .map(|input| {
            let options = match &input.kind {
                InputKind::Choice { options } => json!(options),
                _ => Json::Null,
            };
            json!({
                "name": &*input.name,
                "type": kind(&input.kind),
                "options": options,
                "required": input.required,
                "default": input.default.as_ref().map(crate::logic::value::Value::to_json),
                "description": input.description,
            })
        })
        .collect();
    let secrets: Vec<Json> = playbook
        .secrets
        .iter()
        .map(|secret| json!({ "name": &*secret.name, "required": secret.required, "from": from(&secret.from) }))
        .collect();
    let stages: Vec<Json> = playbook
        .stages
        .iter()
        .map(|stage| {
            json!({
                "stage": &*stage.id,
                "name": stage.name.as_ref().map(|name| name.template.source()),
                "needs": stage.needs.iter().map(|&need| &*playbook.stages[need].id).collect::<Vec<_>>(),
                "final": stage.is_final,
                "matrix": stage.strategy.is_some(),
                "steps": stage.steps.steps.iter().filter(|step| step.is_own()).count(),
            })
        })
        .collect();
    json!({
        "name": &*playbook.name,
        "file": file,
        "description": playbook.description,
        "category": playbook.category,
        "tags": playbook.tags,
        "inputs": inputs,
        "secrets": secrets,
        "tools": playbook.requires.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(),
        "profiles": playbook.profiles.iter().map(|it| json!({ "name": &*it.name, "description": it.description })).collect::<Vec<_>>(),
        "stages": stages,
        "outputs": playbook.outputs.iter().map(|output| &*output.name).collect::<Vec<_>>(),
    })
}

fn kind(kind: &InputKind) -> &'static str {
    match kind {
        InputKind::String { .. } => "string",
        InputKind::Number => "number",
        InputKind::Boolean => "boolean",
        InputKind::Choice { .. } => "choice",
        InputKind::Json => "json",
    }
}

fn accepts(input: &Input) -> String {
    match &input.kind {
        InputKind::Choice { options } => listed(options, "or"),
        InputKind::String { pattern: Some(pattern) } => format!("string matching {pattern}"),
        other => kind(other).to_owned(),
    }
}

fn from(from: &SecretFrom) -> String {
    match from {
        SecretFrom::Env(name) => format!("variable {name}"),
        SecretFrom::File(path) => format!("file {path}"),
        SecretFrom::Command(command) => format!("command {}", shortened(command, 40)),
    }
}
