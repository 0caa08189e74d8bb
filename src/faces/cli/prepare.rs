//! What has to hold before a job starts: the request, the requirements, trust and secrets.
//!
//! Not here: the plan itself (`logic/plan`), starting (`run.rs`, `retry.rs`).

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use serde_json::Value as Json;

use super::args::{RequestArgs, Values};
use crate::engine::library;
use crate::faces::asking;
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::plan::inputs::ask::OpenSecret;
use crate::logic::plan::{CacheRequest, Plan, PlanProblem, PlanRequest, require, services};
use crate::logic::playbook::gate::GateRules;
use crate::logic::playbook::model::{Playbook, Secret, SecretFrom};
use crate::logic::sidecar::Containers;
use crate::logic::text::clean::written_out;
use crate::logic::text::plural;

/// Turns flags into a request.
///
/// # Errors
/// If the file of inputs cannot be read.
pub(super) fn request(context: &Context, args: &RequestArgs) -> Result<PlanRequest, Failure> {
    let mut inputs = match &args.inputs_file {
        Some(path) => inputs_file(path)?,
        None => Vec::new(),
    };
    inputs.extend(args.inputs.iter().map(|(name, value)| (name.clone(), Json::String(value.clone()))));
    Ok(PlanRequest {
        inputs,
        vars: args.vars.clone(),
        profile: args.profile.clone(),
        only: args.only.clone(),
        from: args.from.clone(),
        skip: args.skip.clone(),
        matrix: axes(&args.matrix)?,
        max_parallel: context.settings.max_parallel(),
        env_file: None,
        gates: GateRules {
            groups: context.settings.groups(),
            claims_count: context.settings.claims_count(),
            unattended: false,
        },
        totals: context.settings.totals(),
        priority: args.priority,
        cache: CacheRequest {
            off: args.no_cache,
            refresh: args.refresh,
            all: args.cache,
            files: args.cache_files.clone(),
            trust: context.settings.cache_trust(),
        },
        containers: Containers::default(),
        summary: None,
    })
}

/// Returns axes with their values.
///
/// # Errors
/// If one is given twice: which of both counts would be anybody's guess.
pub(super) fn axes(given: &[(String, Values)]) -> Result<Vec<(String, Vec<String>)>, Failure> {
    for (at, (axis, values)) in given.iter().enumerate() {
        if let Some((_, before)) = given[..at].iter().find(|(other, _)| other.eq_ignore_ascii_case(axis)) {
            let all = before.0.iter().chain(&values.0).map(String::as_str).collect::<Vec<_>>().join(",");
            return Err(Failure::usage(format!("the axis `{axis}` is given twice"))
                .help(format!("write all its values at once: {axis}={all}")));
        }
    }
    Ok(given.iter().map(|(axis, values)| (axis.clone(), values.0.clone())).collect())
}

fn inputs_file(path: &Path) -> Result<Vec<(String, Json)>, Failure> {
    let name = path.display();
    let text = library::read_text(path, "the file of inputs")?;
    let members: BTreeMap<String, Json> = serde_yaml::from_str(&text).map_err(|error| {
        Failure::usage(format!("the file of inputs `{name}` is not a map of names and values: {error}"))
    })?;
    Ok(members.into_iter().collect())
}

/// Looks for what runs the containers of a playbook's services, if it has any.
pub(super) fn containers(context: &Context, playbook: &Playbook, request: &mut PlanRequest) {
    let wanted = context.settings.container_engine();
    if services::need_containers(playbook, wanted != "auto") {
        request.containers = (context.outside.containers)(wanted);
    }
}

/// Reads the file of variables that a request names, if it names one.
///
/// # Errors
/// As of [`env_file`].
pub(super) fn env(request: &PlanRequest) -> Result<Vec<(String, String)>, Failure> {
    request.env_file.as_ref().map_or(Ok(Vec::new()), |path| env_file(Path::new(path)))
}

/// Reads a file of `NAME=value` lines; empty lines and comments are left out, quotes around a value go.
///
/// # Errors
/// If the file cannot be read or a line has another form.
fn env_file(path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let name = path.display();
    let text = library::read_text(path, "the file of variables")?;
    let mut variables = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let parts = line.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
        let Some((key, value)) =
            parts.filter(|(key, _)| !key.is_empty() && !key.contains(char::is_whitespace))
        else {
            return Err(Failure::usage(format!("{name}:{}: expected NAME=value", at + 1)));
        };
        variables.push((key.to_owned(), unquoted(value).to_owned()));
    }
    Ok(variables)
}

fn unquoted(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

/// Prints problems of a request or of the machine, and returns the failure that ends the command.
#[must_use]
pub(super) fn told(notes: &mut Out, problems: &[PlanProblem], ending: Ending) -> Failure {
    for problem in problems {
        notes.line(format!("error: {}", problem.message));
        if let Some(help) = &problem.help {
            notes.line(format!("help: {help}"));
        }
    }
    if problems.len() > 1 {
        notes.line(plural(problems.len(), "error"));
    }
    notes.flush();
    Failure::told(ending)
}

/// Prints what a person should know of a plan before it runs.
pub(super) fn warn(notes: &mut Out, plan: &Plan) {
    for warning in plan.warnings() {
        notes.line(format!("warning: {warning}"));
    }
    notes.flush();
}

/// Compares what a playbook requires with this machine.
#[must_use]
pub(super) fn unmet(context: &Context, playbook: &Playbook) -> Vec<PlanProblem> {
    let requires = &playbook.requires;
    if requires.tools.is_empty() && requires.platforms.is_empty() && requires.env.is_empty() {
        return Vec::new();
    }
    let probes = (context.outside.probe)(&requires.tools);
    let has_env = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    require::check(requires, std::env::consts::OS, &has_env, &probes)
}

/// What a person's yes stands for: these commands, of this project.
#[must_use]
pub(super) fn content_hash(root: &Path, commands: &[(&str, &str)]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in std::iter::once(root.as_os_str().as_encoded_bytes())
        .chain(commands.iter().flat_map(|(name, command)| [name.as_bytes(), command.as_bytes()]))
    {
        // The length in front keeps two lists with the same letters apart.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex().to_string()
}

/// Secrets with the commands that fetch them.
pub(super) type Commands<'a> = [(&'a str, &'a str)];

/// Asks whether a playbook of that name may run these commands; nothing if nobody can be asked.
pub(super) type Ask<'a> = &'a mut dyn FnMut(&str, &Commands<'_>) -> Option<bool>;

/// Makes sure that commands which fetch secrets may be run. `given` is the flag `--trust`.
///
/// # Errors
/// A refusal, unless the playbook has no such commands, a person said yes to them, or `--trust` is given.
pub(super) fn trust(
    context: &Context,
    playbook: &Playbook,
    given: bool,
    ask: Ask<'_>,
) -> Result<(), Failure> {
    let commands: Vec<(&str, &str)> = playbook
        .secrets
        .iter()
        .filter_map(|secret| match &secret.from {
            SecretFrom::Command(command) => Some((&*secret.name, command.as_str())),
            SecretFrom::Env(_) | SecretFrom::File(_) => None,
        })
        .collect();
    if commands.is_empty() || given {
        return Ok(());
    }
    let root = &context.project.root;
    let hash = content_hash(root, &commands);
    if (context.outside.is_trusted)(&hash) {
        return Ok(());
    }
    let name = &*playbook.name;
    match ask(name, &commands) {
        Some(true) => {}
        Some(false) => {
            return Err(Failure::refused(format!(
                "the playbook `{name}` was not trusted, so nothing was started"
            )));
        }
        None => {
            return Err(Failure::refused(format!(
                "the playbook `{name}` fetches secrets with {} of its own, and nobody has said yes to that yet",
                plural(commands.len(), "command")
            ))
            .help("read the playbook, then run it once on a terminal, or with --trust"));
        }
    }
    (context.outside.remember_trust)(&hash, &root.display().to_string())
        .map_err(|error| Failure::surroundings(format!("the answer cannot be remembered: {error}")))
}

/// Asks nobody.
pub(super) fn nobody(_: &str, _: &Commands<'_>) -> Option<bool> {
    None
}

/// Asks on the terminal, if there is one.
pub(super) fn here(name: &str, commands: &Commands<'_>) -> Option<bool> {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    is_terminal.then(|| ask(name, commands).unwrap_or(false))
}

fn ask(name: &str, commands: &Commands<'_>) -> std::io::Result<bool> {
    // A line is read here, which everybody wants to see while it is typed.
    asking::none_comes();
    let mut terminal = std::io::stderr().lock();
    writeln!(terminal, "The playbook `{name}` fetches secrets by running:")?;
    for (secret, command) in commands {
        // All of it: what is asked for here is run.
        let command = written_out(command.trim_end_matches('\n'), false).replace('\n', "\n    ");
        writeln!(terminal, "  {secret}: {command}")?;
    }
    write!(terminal, "Trust these commands? [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Reads the values of a playbook's secrets.
///
/// # Errors
/// If a required one cannot be had; all of them are told.
pub(super) fn secrets(
    context: &Context,
    playbook: &Playbook,
    notes: &mut Out,
) -> Result<Vec<(String, String)>, Failure> {
    if playbook.secrets.is_empty() {
        return Ok(Vec::new());
    }
    secrets_besides(context, playbook, Vec::new(), notes)
}

/// Returns the secrets that somebody could be asked for: required, and their environment variable is not set.
#[must_use]
pub(super) fn open_secrets(playbook: &Playbook) -> Vec<OpenSecret> {
    let open = |secret: &Secret| match &secret.from {
        SecretFrom::Env(variable) if secret.required && std::env::var_os(variable).is_none() => {
            Some(OpenSecret { name: secret.name.to_string(), variable: variable.clone() })
        }
        _ => None,
    };
    playbook.secrets.iter().filter_map(open).collect()
}

/// Reads the values of a playbook's secrets besides those that somebody has just said.
///
/// # Errors
/// As of [`secrets`].
pub(super) fn secrets_besides(
    context: &Context,
    playbook: &Playbook,
    mut said: Vec<(String, String)>,
    notes: &mut Out,
) -> Result<Vec<(String, String)>, Failure> {
    let is_said = |secret: &&Secret| said.iter().any(|(name, _)| **name == *secret.name);
    let rest: Vec<Secret> = playbook.secrets.iter().filter(|it| !is_said(it)).cloned().collect();
    if rest.is_empty() {
        return Ok(said);
    }
    (context.outside.secrets)(&context.project.root, &rest)
        .map(|found| {
            said.extend(found);
            said
        })
        .map_err(|problems| told(notes, &problems, Ending::Surroundings))
}
