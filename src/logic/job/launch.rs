//! From a step's state to all that an executor is given. A pure function of the state, so recovery needs no list.
//!
//! Not here: starting processes (`edges/keeper`).

use std::sync::Arc;

use super::effect::{KeepChildren, Launch, Program};
use super::report::AttemptKey;
use super::scope::{JobScope, ListStatus, Standing, environment};
use super::sidecar;
use super::simple::simple_command;
use super::state::JobState;
use crate::logic::cache::keyed;
use crate::logic::expr::{ExprError, Template};
use crate::logic::playbook::model::{Action, OnInterrupt, Shell, Step, Workspace};
use crate::logic::sidecar as errand;

#[cfg(test)]
#[path = "launch_tests.rs"]
mod tests;

/// Longest text that goes to a shell as an argument; beyond it a script file is written. Linux takes 128 KiB.
const LONGEST_ARGUMENT: usize = 100 * 1024;

/// Says whether a step's texts can be evaluated, without building everything where they are plain.
///
/// # Errors
/// The first expression that cannot be evaluated.
pub fn check(state: &JobState, key: AttemptKey, status: ListStatus) -> Result<(), ExprError> {
    let stage = &state.setting.plan.playbook.stages[state.cells[key.cell as usize].stage as usize];
    let model = &stage.steps.steps[key.step as usize];
    let Action::Run { text, .. } = &model.action else { return Ok(()) };
    let env = environment(state, key.cell, Some((key.step, status)))?;
    if let Some(part) = model.part {
        sidecar::started(state, key, part, &scope(state, key, status, &env))?;
    }
    if model.files.is_some() {
        super::files::started(state, key, &scope(state, key, status, &env))?;
        return Ok(());
    }
    if text.template.as_literal().is_none()
        || stage_dir(state, key, model).is_some_and(|t| t.as_literal().is_none())
    {
        let scope = scope(state, key, status, &env);
        text.template.eval_text(&scope)?;
        if let Some(dir) = stage_dir(state, key, model) {
            dir.eval_text(&scope)?;
        }
    }
    Ok(())
}

fn scope<'a>(
    state: &'a JobState,
    key: AttemptKey,
    status: ListStatus,
    env: &[(Arc<str>, Arc<str>)],
) -> JobScope<'a> {
    let standing = Standing::Cell { cell: key.cell, step: Some(key.step), status };
    let scope = JobScope::new(state, standing).with_secrets();
    let env = env.iter().map(|(k, v)| (k.clone(), crate::logic::value::Value::String(v.clone())));
    scope.set("env", crate::logic::value::Value::object(env.collect()));
    scope
}

pub(super) fn stage_dir<'a>(state: &'a JobState, key: AttemptKey, model: &'a Step) -> Option<&'a Template> {
    let at = state.cells[key.cell as usize].stage;
    let stage = &state.setting.plan.playbook.stages[at as usize];
    let playbook = state.setting.plan.home(at);
    if model.files.is_some() {
        return None;
    }
    let tree = &stage.steps;
    let action = tree.action_of(key.step as usize);
    let mut up = tree.around(key.step as usize).take_while(|&at| Some(at) != action);
    let nearest = up.find_map(|at| tree.steps[at].working_directory.as_ref());
    if action.is_some() {
        // What is around an action says nothing about its folders.
        return nearest.map(|text| &text.template);
    }
    nearest
        .or(stage.working_directory.as_ref())
        .or(stage.own_defaults().working_directory.as_ref())
        .or(playbook.defaults.working_directory.as_ref())
        .map(|text| &text.template)
}

/// Builds the order to start a try.
///
/// # Errors
/// An expression that cannot be evaluated; `check` finds it before the try is recorded.
pub fn launch(state: &JobState, key: AttemptKey) -> Result<Launch, ExprError> {
    let setting = &state.setting;
    let it = &state.cells[key.cell as usize];
    let stage = &setting.plan.playbook.stages[it.stage as usize];
    let model = &stage.steps.steps[key.step as usize];
    // What the status functions said when the step was started is recorded by its start; texts see a plain view.
    let status = ListStatus { failed: false, cancelled: it.stop.is_some() };
    let env = environment(state, key.cell, Some((key.step, status)))?;
    let (text, shell) = match &model.action {
        Action::Run { text, shell } => (text, shell),
        other => {
            let words = format!("a step with `{}` is not a command", other.word());
            return Err(ExprError::evaluation("not-a-command", words));
        }
    };
    let part = match model.part {
        Some(part) => sidecar::started(state, key, part, &scope(state, key, status, &env))?,
        None => None,
    };
    let files = match &model.files {
        Some(_) => super::files::started(state, key, &scope(state, key, status, &env))?,
        None => None,
    };
    let (command, dir): (Arc<str>, Option<Arc<str>>) = {
        let dir = stage_dir(state, key, model);
        match (text.template.as_literal(), dir.map(Template::as_literal)) {
            (Some(text), None) => (Arc::from(text), None),
            (Some(text), Some(Some(dir))) => (Arc::from(text), Some(Arc::from(dir))),
            _ => {
                let scope = scope(state, key, status, &env);
                let dir = dir.map(|dir| dir.eval_text(&scope)).transpose()?.map(Arc::from);
                (Arc::from(text.template.eval_text(&scope)?), dir)
            }
        }
    };
    let shell = effective_shell(state, it.stage, key.step, shell);
    let closed = super::recipe::closed(state, it.stage, key.step);
    // What runs the container is no part of it: `PATH` of a service is not that of the container engine.
    let is_container = part.as_ref().is_some_and(|part| part.is_container);
    let env = if is_container { environment(state, key.cell, None)? } else { env };
    let first = closed.iter().flatten().map(|(name, value)| (name.clone(), Some(value.clone())));
    let env = env.into_iter().map(|(k, v)| (k.to_string(), Some(v.to_string())));
    let mut env: Vec<(String, Option<String>)> = first.chain(env).collect();
    let paths = match model.undoes.and_then(|owner| super::undo::target(it, owner)) {
        Some(armed) => &armed.paths,
        None => &it.paths,
    };
    if !paths.is_empty() {
        let given = env.iter().rev().find(|(name, _)| name == "PATH").and_then(|(_, value)| value.clone());
        let mut added: Vec<String> = paths.iter().rev().map(ToString::to_string).collect();
        added.push(given.unwrap_or_else(|| setting.path.to_string()));
        env.push(("PATH".to_owned(), Some(added.join(":"))));
    }
    own_variables(state, key, model, &mut env);
    if closed.is_some() {
        same_in_all_jobs(&it.id, key.step, &mut env);
    }
    let (program, after_end) = match (part, files) {
        (_, Some((program, errand))) => {
            env.push((keyed::ERRAND.to_owned(), Some(errand)));
            (program, Vec::new())
        }
        (Some(mut part), None) => {
            env.push((errand::ERRAND.to_owned(), Some(std::mem::take(&mut part.errand))));
            let after = std::mem::take(&mut part.after);
            (part.program(|| program(&command, shell, setting.has_bash)), after)
        }
        (None, None) => (program(&command, shell, setting.has_bash), Vec::new()),
    };
    Ok(Launch {
        key,
        program,
        cwd: directory(state, key.cell, dir.as_deref()),
        env,
        log: log_path(key),
        tag: Arc::from(format!("{}.{}.{}", setting.job_id, key.cell, key.run)),
        // What is cached as one ends as a whole: what it left running would be missing after a hit.
        keep_children: if model.cache.is_some() { KeepChildren::StepEnd } else { model.keep_children },
        is_closed: closed.is_some(),
        is_last: is_last(state, key),
        after: it.after,
        is_extra: false,
        after_end,
    })
}

/// Says whether another cell may begin as soon as this try has exited with 0, written no step file and left nothing
/// behind: nothing can follow in its own cell then, and nothing more is to be decided about it.
pub(super) fn is_last(state: &JobState, key: AttemptKey) -> bool {
    let it = &state.cells[key.cell as usize];
    let stage = &state.setting.plan.playbook.stages[it.stage as usize];
    let model = &stage.steps.steps[key.step as usize];
    // Inside a block, a rescue may still follow.
    stage.steps.body.last() == Some(&(key.step as usize))
        // Something else of the cell may still run, or have failed.
        && !stage.steps.is_concurrent
        && !it.needs_sweep
        && stage.outputs.is_empty()
        // Its success must be safe from a power cut before anything builds on it.
        && !model.durable
        && model.ok_exit_codes.contains(&0)
        && !model.skip_exit_codes.contains(&0)
}

/// Takes note of a try whose success ends its stage: what needs the stage may be submitted behind it.
pub(super) fn lead(state: &mut JobState, key: AttemptKey) {
    let stage = state.cells[key.cell as usize].stage as usize;
    let has_dependents = !state.setting.plan.stages[stage].needed_by.is_empty();
    // What is cached is kept first, and artifacts are published.
    let is_held = super::cached::has_cache(state, state.cells[key.cell as usize].stage)
        || super::artifacts::has_any(state, state.cells[key.cell as usize].stage);
    if has_dependents && !is_held && is_last(state, key) {
        state.index.leads.insert(key);
    }
}

/// Returns where a try's log lies, below the job's folder.
#[must_use]
pub fn log_path(key: AttemptKey) -> String {
    format!("logs/{}.{}.{}.{}", key.cell, key.run, key.step, key.attempt)
}

/// Returns where a cell's scratch workspace lies, below the job's folder.
#[must_use]
pub fn scratch_path(cell: u32, run: u32) -> String {
    format!("work/{cell}.{run}")
}

pub(super) fn directory(state: &JobState, cell: u32, dir: Option<&str>) -> Arc<str> {
    let it = &state.cells[cell as usize];
    let scratch = state.setting.plan.playbook.stages[it.stage as usize].workspace == Workspace::Scratch;
    let base: Arc<str> = if scratch {
        Arc::from(format!("{}/{}", state.setting.dir, scratch_path(cell, it.run)))
    } else {
        state.setting.root.clone()
    };
    match dir {
        None => base,
        Some(dir) if dir.starts_with('/') => Arc::from(dir),
        Some(dir) => Arc::from(format!("{base}/{dir}")),
    }
}

/// Returns the variables that are the same for every step of a job. They hold over all that a playbook says.
#[must_use]
pub fn job_variables(job_id: &str, root: &str, program: &str) -> Vec<(String, String)> {
    [("SORTIE", "true"), ("SORTIE_JOB", job_id), ("SORTIE_WORKSPACE", root), ("SORTIE_EXE", program)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// What differs between jobs must not get into a result.
fn same_in_all_jobs(cell: &str, step: u32, env: &mut Vec<(String, Option<String>)>) {
    let name = format!("cached/{cell}/{step}");
    let identity = blake3::hash(name.as_bytes()).to_hex()[..32].to_owned();
    env.push(("SORTIE_IDEMPOTENCY_KEY".to_owned(), Some(identity)));
    env.push(("SORTIE_ATTEMPT".to_owned(), Some("1".to_owned())));
}

fn own_variables(state: &JobState, key: AttemptKey, model: &Step, env: &mut Vec<(String, Option<String>)>) {
    let setting = &state.setting;
    let it = &state.cells[key.cell as usize];
    let step = model.id.as_ref().map_or_else(|| (key.step + 1).to_string(), ToString::to_string);
    let mut identity = format!("{}/{}/{}", setting.job_id, it.id, key.step);
    let mut suffix = String::new();
    if let Some(owner) = model.undoes {
        // That of the step that it undoes, so that the two can be told to belong together.
        identity = format!("{}/{}/{owner}", setting.job_id, it.id);
        suffix = "-undo".to_owned();
        if let Some(armed) = super::undo::target(it, owner) {
            suffix = format!("-undo-{}", armed.number);
        }
    }
    let mut set = |name: &str, value: String| env.push((name.to_owned(), Some(value)));
    set("SORTIE_STAGE", state.stage_name(it.stage).to_owned());
    set("SORTIE_CELL", it.id.to_string());
    set("SORTIE_STEP", step);
    set("SORTIE_ATTEMPT", key.attempt.to_string());
    sidecar::variables(state, key.cell, &mut set);
    if let Some(path) = super::actions::path(state, key) {
        set("SORTIE_ACTION_PATH", path.clone());
        set("GITHUB_ACTION_PATH", path);
    }
    if model.on_interrupt == OnInterrupt::Resume && it.steps[key.step as usize].reruns > 0 {
        set("SORTIE_RESUMED", "1".to_owned());
    }
    let identity = &blake3::hash(identity.as_bytes()).to_hex()[..32];
    set("SORTIE_IDEMPOTENCY_KEY", format!("{identity}{suffix}"));
}

/// Returns what runs the text of a step.
pub(super) fn shell(state: &JobState, stage: u32, step: u32) -> &Shell {
    match &state.setting.plan.playbook.stages[stage as usize].steps.steps[step as usize].action {
        Action::Run { shell, .. } => effective_shell(state, stage, step, shell),
        _ => &Shell::Default,
    }
}

fn effective_shell<'a>(state: &'a JobState, stage: u32, step: u32, shell: &'a Shell) -> &'a Shell {
    let plan = &state.setting.plan;
    let model = &plan.playbook.stages[stage as usize];
    // An action says itself what runs its steps.
    let is_inside = model.steps.action_of(step as usize).is_some();
    let outer = [&model.own_defaults().shell, &plan.home(stage).defaults.shell].into_iter().flatten();
    [shell]
        .into_iter()
        .chain(outer.filter(|_| !is_inside))
        .find(|s| **s != Shell::Default)
        .unwrap_or(&Shell::Default)
}

/// Returns the name of the program that runs a text.
pub(super) fn shell_program(shell: &Shell, has_bash: bool) -> Option<String> {
    let argv = match program(":", shell, has_bash) {
        Program::Direct(argv) | Program::Script { argv, .. } => argv,
        Program::Simple { by_shell, .. } => by_shell,
    };
    argv.into_iter().next()
}

/// Returns the program for a text. `sh -c` and `bash -c` take it as an argument, which spares a file.
fn program(text: &str, shell: &Shell, has_bash: bool) -> Program {
    let direct = |argv: &[&str]| {
        let mut argv: Vec<String> = argv.iter().map(|&a| a.to_owned()).collect();
        argv.push(text.to_owned());
        Program::Direct(argv)
    };
    let script = |argv: &[&str], extension: &str| Program::Script {
        argv: argv.iter().map(|&a| a.to_owned()).collect(),
        text: text.to_owned(),
        extension: extension.to_owned(),
    };
    let is_long = text.len() > LONGEST_ARGUMENT;
    match shell {
        Shell::Default if has_bash && is_long => script(&["bash", "-e", "{0}"], "sh"),
        Shell::Default if has_bash => direct(&["bash", "-e", "-c"]),
        Shell::Default | Shell::Sh if is_long => script(&["sh", "-e", "{0}"], "sh"),
        Shell::Default | Shell::Sh => match (simple_command(text), direct(&["sh", "-e", "-c"])) {
            (Some(words), Program::Direct(by_shell)) => Program::Simple { words, by_shell },
            (_, by_shell) => by_shell,
        },
        Shell::Bash if is_long => script(&["bash", "--noprofile", "--norc", "-eo", "pipefail", "{0}"], "sh"),
        Shell::Bash => direct(&["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]),
        Shell::Pwsh => script(&["pwsh", "-command", ". '{0}'"], "ps1"),
        Shell::Python => script(&["python3", "{0}"], "py"),
        Shell::Node => script(&["node", "{0}"], "js"),
        Shell::Custom(line) => {
            let argv: Vec<&str> = line.split_whitespace().collect();
            script(&argv, "sh")
        }
    }
}
