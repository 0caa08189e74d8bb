//! What the playbooks of a project need: programs, shells, containers. Part of `doctor`.
//!
//! Start with `needs`.

use std::collections::BTreeMap;

use crate::engine::library;
use crate::faces::context::Context;
use crate::logic::doctor::{Playbooks, Wanted};
use crate::logic::plan::require::{self, Probe};
use crate::logic::playbook::model::{Action, Comparison, Playbook, Requires, Shell, Stage, Tool};
use crate::logic::playbook::source::Span;
use crate::logic::text::shortened;

/// Programs that sortie itself has a use for.
const OWN: [&str; 2] = ["git", "bash"];

/// Reads all playbooks of the project and asks the programs that they need for their versions.
pub(super) fn needs(context: &Context) -> Playbooks {
    let (project, root) = (&context.project, &context.project.root);
    let mut found = Playbooks::default();
    let mut wanted: BTreeMap<String, Vec<String>> =
        OWN.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
    let mut required: Vec<(String, Tool)> = Vec::new();
    for path in library::list(root) {
        found.count += 1;
        let name = library::name(root, &path);
        let reading = library::open(project, &path).ok().and_then(|opened| opened.reading.playbook);
        let Some(playbook) = reading else {
            found.broken.push(name);
            continue;
        };
        for tool in &playbook.requires.tools {
            wanted.entry(tool.name.clone()).or_default();
            required.push((name.clone(), tool.clone()));
        }
        for shell in shells(&playbook) {
            let by = wanted.entry(shell).or_default();
            if !by.contains(&name) {
                by.push(name.clone());
            }
        }
        if playbook.stages.iter().any(needs_container) {
            found.with_containers.push(name.clone());
        }
        if playbook.triggers.watch.is_some() {
            found.with_watches.push(name);
        }
    }
    found.programs = programs(context, wanted, required);
    let containers = (context.outside.containers)(context.settings.container_engine());
    found.containers = Some(containers.engine.ok_or(containers.problem));
    found
}

fn needs_container(stage: &Stage) -> bool {
    stage.steps.sidecars.iter().any(|it| it.process.is_none() && it.container.is_some())
}

/// Returns the names of the programs that run texts of a playbook.
fn shells(playbook: &Playbook) -> Vec<String> {
    let mut found = Vec::new();
    for step in playbook.stages.iter().flat_map(|stage| &stage.steps.steps) {
        let Action::Run { shell, .. } = &step.action else { continue };
        let name = match shell {
            // Each of them will do.
            Shell::Default | Shell::Sh => continue,
            Shell::Bash => "bash",
            Shell::Pwsh => "pwsh",
            Shell::Python => "python",
            Shell::Node => "node",
            Shell::Custom(line) => line.split_whitespace().next().unwrap_or_default(),
        };
        if !name.is_empty() && !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

fn programs(
    context: &Context,
    wanted: BTreeMap<String, Vec<String>>,
    required: Vec<(String, Tool)>,
) -> Vec<Wanted> {
    let names: Vec<String> = wanted.keys().cloned().collect();
    // Asked for its version, whatever that is.
    let any = |name: &String| Tool {
        name: name.clone(),
        version: Some((Comparison::GreaterOrEqual, "0".to_owned())),
        span: Span::default(),
    };
    let tools: Vec<Tool> = names.iter().map(any).collect();
    let probes = (context.outside.probe)(&tools);
    let mut found = Vec::new();
    for ((name, mut by), probe) in wanted.into_iter().zip(probes) {
        let mut problem = None;
        for (playbook, tool) in required.iter().filter(|(_, tool)| tool.name == name) {
            let requires = Requires { tools: vec![tool.clone()], platforms: Vec::new(), env: Vec::new() };
            let wrong = require::check(&requires, "", &|_| true, std::slice::from_ref(&probe));
            // That it is missing at all is told in one line for all who want it.
            if !matches!(probe, Probe::Missing) {
                problem = problem.or_else(|| wrong.into_iter().next().map(|it| it.message));
            }
            if !by.contains(playbook) {
                by.push(playbook.clone());
            }
        }
        let version = match probe {
            Probe::Missing => None,
            Probe::Printed(text) => Some(version_in(&text)),
            Probe::Unclear(_) => Some(String::new()),
        };
        found.push(Wanted { name, version, problem, by });
    }
    found
}

/// Returns the first version that a program names; nothing if it names none.
fn version_in(text: &str) -> String {
    let line = text.lines().find(|line| line.contains(|c: char| c.is_ascii_digit())).unwrap_or_default();
    let mut words = line.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')'));
    let is_version = |word: &str| {
        let digits = word.trim_start_matches('v');
        digits.starts_with(|c: char| c.is_ascii_digit()) && digits.contains('.')
    };
    words
        .find(|word| is_version(word))
        .map_or_else(String::new, |word| shortened(word.trim_start_matches('v'), 20))
}
