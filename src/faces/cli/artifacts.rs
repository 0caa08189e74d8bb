//! `jobs artifacts`: what a job keeps, and getting it.
//!
//! Not here: the doing (`engine/cache/artifacts`).

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::args::ArtifactsCommand;
use super::list::local_time;
use super::pick;
use super::table::Table;
use crate::engine::upkeep::{ArtifactFile, ArtifactKind, ArtifactState, get_artifact, look_at_artifact};
use crate::engine::{JobRow, clock};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::text::clean::written_out;
use crate::logic::text::{bytes_text, listed_names, near_miss, plural};
use crate::logic::view::{ArtifactView, JobView};

/// Runs a command.
///
/// # Errors
/// If there is no such job or artifact, or it cannot be had.
pub(super) fn artifacts(
    context: &Context,
    command: &ArtifactsCommand,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    match command {
        ArtifactsCommand::List { job, json } => {
            let row = pick::job(context, &history, job)?;
            let view = pick::view(&history, &row)?;
            if *json {
                list_json(context, &row, &view, out);
            } else {
                list(context, &row, &view, out, notes);
            }
            Ok(Ending::Success)
        }
        ArtifactsCommand::Get { job, name, to, overwrite, json } => {
            let row = pick::job(context, &history, job)?;
            let view = pick::view(&history, &row)?;
            let found = find(&row, &view, name)?;
            get(context, &row, found, (to.as_deref(), *overwrite, *json), out)
        }
    }
}

fn list(context: &Context, row: &JobRow, view: &JobView, out: &mut Out, notes: &mut Out) {
    let now = clock::now();
    let mut table = Table::default();
    let mut bytes = 0;
    for it in view.artifacts.published.values() {
        let artifact = &it.artifact;
        bytes += artifact.bytes;
        let (state, _) = look_at_artifact(&context.project, artifact, now);
        let until = local_time(artifact.until);
        table.row([
            written_out(&artifact.name, false).into_owned(),
            plural(artifact.files as usize, "file"),
            bytes_text(artifact.bytes),
            format!("by {}", written_out(&view.cell_name(it.cell), false)),
            match state {
                ArtifactState::There => format!("until {until}"),
                ArtifactState::Expired => format!("expired on {until}"),
                ArtifactState::Damaged => "damaged; `sortie cache verify` tells more".to_owned(),
            },
            format!("sha256:{}", &artifact.digest[..artifact.digest.len().min(12)]),
        ]);
    }
    table.print(out);
    let count = view.artifacts.published.len();
    if count == 0 {
        notes.line(format!(
            "job #{} has no artifacts; `artifacts: {{out: [...]}}` of a stage keeps some",
            row.number
        ));
    } else {
        out.line(format!("{}, {}", plural(count, "artifact"), bytes_text(bytes)));
    }
}

fn list_json(context: &Context, row: &JobRow, view: &JobView, out: &mut Out) {
    let now = clock::now();
    let all: Vec<Json> = view
        .artifacts
        .published
        .values()
        .map(|it| {
            let artifact = &it.artifact;
            let (state, files) = look_at_artifact(&context.project, artifact, now);
            json!({
                "name": artifact.name,
                "cell": view.cell_name(it.cell),
                "run": it.run,
                "state": state_word(state),
                "files": artifact.files,
                "bytes": artifact.bytes,
                "digest": format!("sha256:{}", artifact.digest),
                "until": artifact.until.rfc3339(),
                "entries": files.iter().map(file_json).collect::<Vec<_>>(),
            })
        })
        .collect();
    out.line(json!({ "job": row.number, "artifacts": all }).to_string());
}

fn state_word(state: ArtifactState) -> &'static str {
    match state {
        ArtifactState::There => "there",
        ArtifactState::Expired => "expired",
        ArtifactState::Damaged => "damaged",
    }
}

fn file_json(file: &ArtifactFile) -> Json {
    let path = file.path.to_string_lossy();
    match &file.kind {
        ArtifactKind::Folder => json!({ "path": path, "type": "folder" }),
        ArtifactKind::Link { target } => {
            json!({ "path": path, "type": "link", "target": target.to_string_lossy() })
        }
        ArtifactKind::File { bytes, sha256, is_executable } => json!({
            "path": path, "type": "file", "bytes": bytes, "sha256": sha256, "executable": is_executable,
        }),
    }
}

fn find<'v>(row: &JobRow, view: &'v JobView, name: &str) -> Result<&'v ArtifactView, Failure> {
    if let Some(found) = view.artifacts.published.get(name) {
        return Ok(found);
    }
    let names: Vec<&str> = view.artifacts.published.keys().map(|name| &**name).collect();
    let message = format!("job #{} has no artifact `{name}`", row.number);
    if pick::is_live(row) {
        // It may come yet, so it is no mistake of the person.
        return Err(Failure::refused(format!("{message} so far")).help("it has not ended; try again then"));
    }
    Err(Failure::usage(message).help(match near_miss(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "it has none at all".to_owned(),
        None => format!("it has {}", listed_names(&names, "and")),
    }))
}

fn get(
    context: &Context,
    row: &JobRow,
    found: &ArtifactView,
    (to, overwrites, as_json): (Option<&Path>, bool, bool),
    out: &mut Out,
) -> Result<Ending, Failure> {
    let artifact = &found.artifact;
    let to: PathBuf = to.map_or_else(|| PathBuf::from(&*artifact.name), Path::to_path_buf);
    let written = get_artifact(&context.project, artifact, &to, overwrites).map_err(|error| {
        let is_in_the_way = error.message.contains("would be replaced");
        let failure = Failure::from(error);
        if is_in_the_way {
            failure.help("take another folder with `--to DIR`, or say `--overwrite`")
        } else {
            failure
        }
    })?;
    if as_json {
        let done = json!({
            "job": row.number,
            "name": artifact.name,
            "to": to.to_string_lossy(),
            "files": artifact.files,
            "bytes": artifact.bytes,
            "written": written,
            "digest": format!("sha256:{}", artifact.digest),
        });
        out.line(done.to_string());
        return Ok(Ending::Success);
    }
    out.line(format!(
        "`{}` of job #{} is in `{}`: {}, {} written",
        written_out(&artifact.name, false),
        row.number,
        to.display(),
        plural(artifact.files as usize, "file"),
        written
    ));
    Ok(Ending::Success)
}
