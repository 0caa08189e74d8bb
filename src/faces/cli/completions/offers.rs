//! What is offered for which argument.
//!
//! Not here: what the line says so far (`line.rs`). Start with `of`.

use std::collections::BTreeSet;

use clap::CommandFactory;
use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter};

use super::line::Line;
use crate::engine::{authoring, library, scripts};
use crate::faces::cli::args::Cli;
use crate::faces::cli::list::state_word;
use crate::faces::cli::{explain, guide};
use crate::logic::plan::matrix;
use crate::logic::playbook::INPUT_KINDS;
use crate::logic::playbook::model::{Input, InputKind, MatrixSource, Playbook, Stage};
use crate::logic::schedule::bundled_names;
use crate::logic::settings;
use crate::logic::text::shortened;
use crate::logic::value::Value;

/// Makes candidates for the word as far as it is written. Those that do not begin like it are left out by the caller.
pub(super) type Offer = fn(&Line, &str) -> Vec<CompletionCandidate>;

/// Most jobs that are offered, the newest ones.
const JOBS: usize = 50;
/// Most cells of one stage that are offered.
const CELLS: usize = 256;

/// Returns what is offered for an argument of a command; nothing where the shell or clap knows better.
pub(super) fn of(command: &str, argument: &str) -> Option<Offer> {
    Some(match (command, argument) {
        ("new", "from") => templates,
        ("new", "script") => selectors,
        ("new", "type") => input_types,
        ("new", "timezone") => zones,
        // All else is made up there.
        ("new", _) => return None,
        ("add-stage", "needs" | "after" | "before")
        | ("rename-stage", "old")
        | ("remove-stage", "name")
        | ("needs", "add" | "remove" | "set") => stage_names,
        ("add-stage", "script") => selectors,
        ("matrix", "axes") => axes,
        ("matrix", "remove") => axis_names,
        ("input" | "remove-input", "name") | ("rename-input", "old") => input_names,
        ("help", "words") => pages_and_commands,
        ("run" | "plan", "playbook") => playbooks_and_scripts,
        (_, "playbook" | "playbooks") => playbooks,
        (_, "more" | "selectors") => selectors,
        (_, "job" | "jobs") => jobs,
        (_, "address" | "only" | "from" | "skip" | "stage") => stages,
        (_, "inputs") => inputs,
        (_, "vars") => vars,
        (_, "profile") => profiles,
        (_, "matrix") => axes,
        (_, "types") => event_types,
        ("man", "command") => commands,
        ("explain", "key") => settings_keys,
        ("explain", "topic") => topics,
        _ => return None,
    })
}

fn candidate(text: impl Into<String>, help: impl AsRef<str>) -> CompletionCandidate {
    let help = Some(shortened(help.as_ref(), 60)).filter(|help| !help.is_empty());
    CompletionCandidate::new(text.into()).help(help.map(Into::into))
}

fn playbooks(line: &Line, current: &str) -> Vec<CompletionCandidate> {
    let Some(place) = line.place() else { return Vec::new() };
    let root = &place.project.root;
    let mut found: Vec<CompletionCandidate> = library::list(root)
        .iter()
        .map(|path| candidate(library::name(root, path), library::description(path).unwrap_or_default()))
        .collect();
    let is_named = found.iter().any(|it| it.get_value().to_string_lossy().starts_with(current));
    if !is_named || current.starts_with('.') || current.contains('/') {
        found.extend(PathCompleter::file().filter(is_playbook).complete(current.as_ref()));
    }
    found
}

fn is_playbook(path: &std::path::Path) -> bool {
    path.extension().is_some_and(|it| it == "yml" || it == "yaml")
}

fn playbooks_and_scripts(line: &Line, current: &str) -> Vec<CompletionCandidate> {
    let mut found = playbooks(line, current);
    // A project may have hundreds of scripts; whoever wants one begins with its number, or a word of selectors.
    if !current.is_empty() {
        found.extend(selectors(line, current));
    }
    found
}

fn selectors(line: &Line, current: &str) -> Vec<CompletionCandidate> {
    let Some(place) = line.place() else { return Vec::new() };
    let library = scripts::library(&place.project);
    let not = if current.starts_with('!') { "!" } else { "" };
    let (mut tags, mut stages) = (BTreeSet::new(), BTreeSet::new());
    let mut found = Vec::new();
    for script in &library.scripts {
        found.push(candidate(format!("{not}{:04}", script.number), script.name()));
        tags.extend(&script.tags);
        stages.extend(&script.stage);
    }
    found.extend(stages.iter().map(|name| candidate(format!("{not}stage:{name}"), "scripts of this stage")));
    found.extend(tags.iter().map(|name| candidate(format!("{not}tag:{name}"), "scripts with this tag")));
    found
}

/// Templates, and any playbook by its path.
fn templates(line: &Line, current: &str) -> Vec<CompletionCandidate> {
    let Some(place) = line.place() else { return Vec::new() };
    let known = authoring::templates(place.templates.as_deref());
    let mut found: Vec<CompletionCandidate> =
        known.iter().map(|it| candidate(&it.name, &it.description)).collect();
    found.extend(PathCompleter::file().filter(is_playbook).complete(current.as_ref()));
    found
}

fn input_types(_: &Line, _: &str) -> Vec<CompletionCandidate> {
    INPUT_KINDS.iter().map(|(name, _)| candidate(*name, "")).collect()
}

fn zones(_: &Line, _: &str) -> Vec<CompletionCandidate> {
    bundled_names().into_iter().map(|name| candidate(name, "")).collect()
}

fn jobs(line: &Line, _: &str) -> Vec<CompletionCandidate> {
    let rows = line.history().and_then(|history| history.jobs(JOBS).ok()).unwrap_or_default();
    if rows.is_empty() {
        return Vec::new();
    }
    let last = candidate("last", "the newest job");
    let numbers = rows.iter().map(|row| {
        let order = usize::try_from(u64::MAX - row.number).ok();
        candidate(row.number.to_string(), format!("{}, {}", row.name, state_word(row))).display_order(order)
    });
    std::iter::once(last.display_order(Some(0))).chain(numbers).collect()
}

/// Stages of the playbook or the job; behind the name of one, its cells.
fn stages(line: &Line, current: &str) -> Vec<CompletionCandidate> {
    let Some(playbook) = line.playbook() else { return Vec::new() };
    let mut found = Vec::new();
    for stage in &playbook.stages {
        let help = stage.name.as_ref().map_or("", |name| name.template.source());
        found.push(candidate(&*stage.id, help));
        if current.starts_with(&*stage.id) {
            let cells = cells(stage).into_iter();
            found.extend(cells.map(|cell| candidate(format!("{}[{cell}]", stage.id), "one cell")));
        }
    }
    found
}

fn stage_names(line: &Line, _: &str) -> Vec<CompletionCandidate> {
    let Some(playbook) = line.playbook() else { return Vec::new() };
    let help = |stage: &Stage| stage.name.as_ref().map_or("", |name| name.template.source()).to_owned();
    playbook.stages.iter().map(|stage| candidate(&*stage.id, help(stage))).collect()
}

fn input_names(line: &Line, _: &str) -> Vec<CompletionCandidate> {
    let Some(playbook) = line.playbook() else { return Vec::new() };
    let help = |input: &Input| input.description.clone().unwrap_or_default();
    playbook.inputs.iter().map(|input| candidate(&*input.name, help(input))).collect()
}

fn axis_names(line: &Line, _: &str) -> Vec<CompletionCandidate> {
    let Some(playbook) = line.playbook() else { return Vec::new() };
    all_axes(&playbook).into_keys().map(|name| candidate(name, "")).collect()
}

/// Axes and values of the cells of a stage, as far as they are known before it runs.
fn cells(stage: &Stage) -> Vec<String> {
    let matrix = stage.strategy.as_ref().map(|it| &it.matrix);
    let Some(MatrixSource::Fixed(value)) = matrix else { return Vec::new() };
    let found = matrix::expand(value, CELLS).map(|it| it.combinations).unwrap_or_default();
    // Without spaces, so that it is one word.
    found.into_iter().map(|it| it.label.replace(", ", ",")).filter(|it| !it.contains(' ')).collect()
}

fn inputs(line: &Line, current: &str) -> Vec<CompletionCandidate> {
    let Some(playbook) = line.playbook() else { return Vec::new() };
    let of_gates =
        playbook.stages.iter().filter_map(|stage| stage.approve.as_deref()).flat_map(|it| &it.inputs);
    playbook.inputs.iter().chain(of_gates).flat_map(|input| values(input, current)).collect()
}

/// The name of an input with `=`; behind that, what it may be.
fn values(input: &Input, current: &str) -> Vec<CompletionCandidate> {
    let start = format!("{}=", input.name);
    let help = input.description.as_deref().unwrap_or_default();
    if !current.starts_with(&start) {
        return vec![candidate(start, help)];
    }
    let options = match &input.kind {
        InputKind::Choice { options } => options.clone(),
        InputKind::Boolean => vec!["true".to_owned(), "false".to_owned()],
        InputKind::String { .. } | InputKind::Number | InputKind::Json => Vec::new(),
    };
    options.into_iter().map(|option| candidate(format!("{start}{option}"), "")).collect()
}

fn vars(line: &Line, _: &str) -> Vec<CompletionCandidate> {
    let Some(playbook) = line.playbook() else { return Vec::new() };
    playbook
        .vars
        .iter()
        .map(|(name, value)| candidate(format!("{name}="), value.to_json().to_string()))
        .collect()
}

fn profiles(line: &Line, _: &str) -> Vec<CompletionCandidate> {
    let Some(playbook) = line.playbook() else { return Vec::new() };
    let about = |it: &Option<String>| it.clone().unwrap_or_default();
    playbook.profiles.iter().map(|it| candidate(&*it.name, about(&it.description))).collect()
}

/// Axes with `=`; behind that, their values, also behind a comma.
fn axes(line: &Line, current: &str) -> Vec<CompletionCandidate> {
    let Some(playbook) = line.playbook() else { return Vec::new() };
    let Some((name, given)) = current.split_once('=') else {
        return all_axes(&playbook).into_keys().map(|name| candidate(format!("{name}="), "")).collect();
    };
    let before = given.rsplit_once(',').map_or("", |(before, _)| before);
    let comma = if before.is_empty() { "" } else { "," };
    let taken: Vec<&str> = before.split(',').collect();
    let values = all_axes(&playbook).remove(name).unwrap_or_default();
    let left = values.into_iter().filter(|value| !taken.contains(&value.as_str()));
    left.map(|value| candidate(format!("{name}={before}{comma}{value}"), "")).collect()
}

fn all_axes(playbook: &Playbook) -> std::collections::BTreeMap<String, BTreeSet<String>> {
    let mut all: std::collections::BTreeMap<String, BTreeSet<String>> = std::collections::BTreeMap::new();
    for stage in &playbook.stages {
        let matrix = stage.strategy.as_ref().map(|it| &it.matrix);
        let Some(MatrixSource::Fixed(Value::Object(axes))) = matrix else { continue };
        for (name, values) in axes.iter().filter(|(name, _)| !matches!(*name, "include" | "exclude")) {
            let Value::Array(values) = values else { continue };
            let texts = values.iter().map(|value| match value.to_json() {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            });
            all.entry(name.to_owned()).or_default().extend(texts);
        }
    }
    all
}

fn event_types(_: &Line, _: &str) -> Vec<CompletionCandidate> {
    explain::event_types().into_iter().map(|name| candidate(name, "")).collect()
}

fn commands(line: &Line, _: &str) -> Vec<CompletionCandidate> {
    below(line, "command")
}

/// The commands below those that an argument names.
fn below(line: &Line, argument: &str) -> Vec<CompletionCandidate> {
    let whole = Cli::command();
    let mut at = &whole;
    for name in line.values(argument) {
        let Some(inner) = at.find_subcommand(&name) else { return Vec::new() };
        at = inner;
    }
    let shown = at.get_subcommands().filter(|it| !it.is_hide_set());
    shown
        .map(|it| candidate(it.get_name(), it.get_about().map_or_else(String::new, ToString::to_string)))
        .collect()
}

fn pages_and_commands(line: &Line, _: &str) -> Vec<CompletionCandidate> {
    let is_first = line.values("words").is_empty();
    let pages = guide::all().filter(|_| is_first).map(|page| candidate(page.name, page.about));
    pages.chain(below(line, "words")).collect()
}

fn settings_keys(_: &Line, _: &str) -> Vec<CompletionCandidate> {
    settings::TABLE.iter().map(|setting| candidate(setting.key, setting.about)).collect()
}

fn topics(_: &Line, _: &str) -> Vec<CompletionCandidate> {
    explain::all_topics().into_iter().map(|(name, about)| candidate(name, about)).collect()
}
