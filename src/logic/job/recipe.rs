//! What a cached result is known by: all of a key that is not looked up in the world. What is cached runs in a closed
//! environment: what is not in the key is not there.
//!
//! Not here: when a result is looked for (`cached.rs`), files, programs and tools (`engine/cache`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::artifacts;
use super::cached::{before, rule};
use super::launch;
use super::report::AttemptKey;
use super::scope::{JobScope, ListStatus, Pairs, Standing, environment};
use super::state::JobState;
use crate::logic::cache::pattern;
use crate::logic::cache::reads::Makes;
use crate::logic::cache::{Closed, Field, Inputs, Recipe, Unit};
use crate::logic::expr::{ExprError, Template};
use crate::logic::plan::Plan;
use crate::logic::playbook::cache::CacheRule;
use crate::logic::playbook::call::GivenValue;
use crate::logic::playbook::model::{Action, Stage, Text};
use crate::logic::value::{Object, Value};

/// Returns the environment that a step starts from, if it is closed: nothing but this and what the playbook says.
#[must_use]
pub fn closed(state: &JobState, stage: u32, step: u32) -> Option<Vec<(String, String)>> {
    let plan = &state.setting.plan;
    let model = &plan.playbook.stages[stage as usize];
    let own = model.steps.steps[step as usize].cache.as_deref();
    let whole = model.cache.as_deref();
    if own.is_none() && whole.is_none() {
        let planned = plan.stages[stage as usize].cache.as_deref()?;
        return Some(base(state, [planned].into_iter()));
    }
    Some(base(state, own.into_iter().chain(whole)))
}

/// What everything that is cached has.
const ALWAYS: [&str; 4] = ["HOME", "PATH", "TMPDIR", "TZ"];

/// What tells programs which language they speak, which everybody may know.
const OF_LOCALE: [&str; 15] = [
    "LANG",
    "LANGUAGE",
    "LC_ADDRESS",
    "LC_ALL",
    "LC_COLLATE",
    "LC_CTYPE",
    "LC_IDENTIFICATION",
    "LC_MEASUREMENT",
    "LC_MESSAGES",
    "LC_MONETARY",
    "LC_NAME",
    "LC_NUMERIC",
    "LC_PAPER",
    "LC_TELEPHONE",
    "LC_TIME",
];

/// Members of `run` and `github` that are others in each job, or say where the project lies.
const OF_ONE_JOB: [&str; 11] = [
    "id",
    "number",
    "started-at",
    "dir",
    "attempt",
    "event",
    "name",
    "run_id",
    "run_number",
    "run_attempt",
    "workspace",
];

/// What belongs to a terminal or a session and not to a piece of work.
const OF_A_SESSION: [&str; 18] = [
    "COLUMNS",
    "COLORTERM",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "GPG_TTY",
    "INVOCATION_ID",
    "LINES",
    "OLDPWD",
    "PWD",
    "SHLVL",
    "STY",
    "TERM",
    "TERM_PROGRAM",
    "TMUX",
    "TMUX_PANE",
    "WAYLAND_DISPLAY",
    "WINDOWID",
    "_",
];

fn base<'a>(state: &JobState, rules: impl Iterator<Item = &'a CacheRule>) -> Vec<(String, String)> {
    let all = &state.setting.surroundings;
    let mut names: Vec<&str> = ALWAYS.to_vec();
    let mut is_whole = false;
    for rule in rules {
        names.extend(rule.env.iter().map(|name| &**name));
        is_whole |= rule.whole_project;
    }
    let is_wanted = |name: &str| if is_whole { !is_of_session(name) } else { names.contains(&name) };
    let mut env: Vec<(String, String)> = all.iter().filter(|(name, _)| is_wanted(name)).cloned().collect();
    let path = ("PATH".to_owned(), state.setting.path.to_string());
    match env.iter_mut().find(|(name, _)| name == "PATH") {
        Some(it) => *it = path,
        None => env.push(path),
    }
    if !is_whole && !names.contains(&"LANG") {
        env.push(("LANG".to_owned(), "C.UTF-8".to_owned()));
    }
    env.sort();
    env
}

fn is_of_session(name: &str) -> bool {
    OF_A_SESSION.contains(&name) || name.starts_with("SSH_") || name.starts_with("SORTIE_")
}

/// Returns what of the environment of whoever starts a job something that it caches may see.
#[must_use]
pub fn visible<'a>(plan: &Plan, surroundings: &'a [(String, String)]) -> Vec<&'a (String, String)> {
    let mut names = BTreeSet::from(ALWAYS);
    let mut is_whole = false;
    for rule in rules(plan) {
        names.extend(rule.env.iter().map(|name| &**name));
        is_whole |= rule.whole_project;
    }
    let is_seen = |name: &str| names.contains(name) || (is_whole && !is_of_session(name));
    surroundings.iter().filter(|(name, _)| is_seen(name)).collect()
}

/// What an environment is to hold: variables, and whether that is all of them.
type AskedFor = (Vec<Arc<str>>, bool);

/// What was put together for earlier recipes of the same job, and is the same for others.
#[derive(Debug, Default)]
pub struct Prepared {
    secrets: Option<Arc<[String]>>,
    closed: Vec<(AskedFor, Arc<Closed>)>,
}

impl Prepared {
    fn secrets(&mut self, state: &JobState) -> Arc<[String]> {
        Arc::clone(self.secrets.get_or_insert_with(|| secrets(&state.setting.secrets).into()))
    }

    /// The environment of a unit that has that rule. `added` is what earlier steps put in front of `PATH`.
    fn closed(&mut self, state: &JobState, unit: Unit, rule: &CacheRule, added: &[Arc<str>]) -> Arc<Closed> {
        let stage = state.cells[unit.cell as usize].stage;
        let steps = &state.setting.plan.playbook.stages[stage as usize].steps.steps;
        // Where steps have rules, theirs count as well.
        let is_common = unit.step.is_none() && steps.iter().all(|step| step.cache.is_none());
        let is_same = |(names, whole): &AskedFor| *names == rule.env && *whole == rule.whole_project;
        if let Some((_, known)) = self.closed.iter().find(|(asked, _)| is_common && is_same(asked)) {
            return Arc::clone(known);
        }
        let mut vars = closed(state, stage, unit.step.unwrap_or(0)).unwrap_or_default();
        if let (false, Some((_, path))) = (added.is_empty(), vars.iter_mut().find(|(name, _)| name == "PATH"))
        {
            // As the step will see it.
            let added: Vec<&str> = added.iter().rev().map(|path| &**path).collect();
            *path = format!("{}:{path}", added.join(":"));
        }
        let mut fields = Fields::new(self.secrets(state), false);
        for (name, value) in &vars {
            // Nobody knows what is in a variable of somebody's session: a digest of it will do.
            let is_known = ALWAYS.contains(&name.as_str()) || OF_LOCALE.contains(&name.as_str());
            fields.put_hidden(&format!("env {name}"), value, !is_known);
        }
        for name in &rule.env {
            if !vars.iter().any(|(known, _)| **known == **name) {
                fields.put(&format!("env {name}"), None);
            }
        }
        let made = Arc::new(Closed::new(vars, fields.all));
        if is_common {
            self.closed.push(((rule.env.clone(), rule.whole_project), Arc::clone(&made)));
        }
        made
    }
}

/// Returns all that a result is known by, as far as it is known here.
///
/// # Errors
/// An expression of the rule itself that cannot be evaluated.
pub fn recipe(state: &JobState, unit: Unit, prepared: &mut Prepared) -> Result<Recipe, ExprError> {
    let it = &state.cells[unit.cell as usize];
    let plan = &state.setting.plan;
    let model = &plan.playbook.stages[it.stage as usize];
    let Some((rule, _)) = rule(state, it.stage, unit.step) else {
        return Err(ExprError::evaluation("no-cache", "it has no cache"));
    };
    let standing = Standing::Cell { cell: unit.cell, step: unit.step, status: ListStatus::default() };
    let scope = JobScope::new(state, standing).with_secrets();
    let texts = |list: &[Text]| -> Result<Vec<String>, ExprError> {
        list.iter().map(|text| text.template.eval_text(&scope)).collect()
    };
    let mut fields = Fields::new(prepared.secrets(state), unit.step.is_none());
    fields.put("stage", Some(&model.id));
    if !it.matrix.is_null() {
        fields.put("matrix", Some(&canonical(&it.matrix)));
    }
    let added = if unit.step.is_some() { &it.paths[..] } else { &[] };
    let closed = prepared.closed(state, unit, rule, added);
    let mut programs = Vec::new();
    for step in 0..model.steps.steps.len() {
        let at = u32::try_from(step).unwrap_or(u32::MAX);
        if unit.step.is_none_or(|wanted| wanted == at) {
            fields.step(state, unit.cell, at, &mut programs)?;
        }
    }
    fields.artifacts(state, unit, &scope)?;
    fields.taken_before(state, it.stage)?;
    if fields.is_raw {
        fields.contexts(&scope, rule.with_secrets);
    }
    if rule.failures {
        // Who does not ask for failures is given none.
        fields.put("failures", Some("true"));
    }
    if let Some(key) = &rule.key {
        fields.put("key", Some(&key.template.eval_text(&scope)?));
    }
    let mut inputs = texts(&rule.inputs)?;
    if !rule.whole_project || !inputs.is_empty() {
        inputs.extend(scripts(model, unit));
    }
    let name = state.cell_name(unit.cell);
    let step = unit.step.map(|at| format!("/{}", super::follow::step_name(model, at as usize)));
    Ok(Recipe {
        name: format!("{}: {name}{}", plan.playbook.name, step.unwrap_or_default()),
        fields: fields.all,
        made: made_before(state, it.stage)?,
        inputs: if rule.whole_project { Inputs::Project(inputs) } else { Inputs::Globs(inputs) },
        outputs: texts(&rule.outputs)?,
        tools: texts(&rule.tools)?,
        closed,
        programs,
        outputs_exact: rule.outputs_exact,
        is_strict: rule.is_strict || rule.whole_project,
        max_size: rule.max_size,
        share: rule.share,
    })
}

/// Returns the patterns of the files that a unit is going to read, and of those that it is going to write.
///
/// # Errors
/// One that cannot be evaluated.
pub fn files(state: &JobState, unit: Unit) -> Result<(Vec<String>, Vec<String>), ExprError> {
    let it = &state.cells[unit.cell as usize];
    let Some((rule, _)) = rule(state, it.stage, unit.step) else { return Ok(Default::default()) };
    let standing = Standing::Cell { cell: unit.cell, step: unit.step, status: ListStatus::default() };
    let scope = JobScope::new(state, standing).with_secrets();
    let texts = |list: &[Text]| -> Result<Vec<String>, ExprError> {
        list.iter().map(|text| text.template.eval_text(&scope)).collect()
    };
    let inputs = if rule.whole_project { Vec::new() } else { texts(&rule.inputs)? };
    Ok((inputs, texts(&rule.outputs)?))
}

/// Returns the files of the scripts that a unit runs, as patterns: what is in them counts.
fn scripts(model: &Stage, unit: Unit) -> impl Iterator<Item = String> {
    let steps = model.steps.steps.iter().enumerate();
    let own = steps.filter(move |(at, _)| unit.step.is_none_or(|step| step as usize == *at));
    own.filter_map(|(_, step)| Some(pattern::escaped(&step.script.as_ref()?.path)))
}

/// Returns the outputs of all that comes before a stage that is cached only on request: git may ignore them, and what it reads of them
/// counts.
fn made_before(state: &JobState, stage: u32) -> Result<Vec<Vec<String>>, ExprError> {
    let mut made = Vec::new();
    let declares = |it: &Stage| it.cache.is_some() || it.steps.steps.iter().any(|step| step.cache.is_some());
    if !state.setting.plan.playbook.stages.iter().any(declares) {
        // Who comes before whom is much to find out for a large playbook.
        return Ok(made);
    }
    let cells = before(state, stage).flat_map(|at| state.stages[at as usize].cells.iter().copied());
    for cell in cells {
        let it = &state.cells[cell as usize];
        let steps = (0u32..).zip(&it.steps).map(|(step, _)| Some(step));
        for step in std::iter::once(None).chain(steps) {
            let (_, outputs) = files(state, Unit { cell, run: it.run, step })?;
            if !outputs.is_empty() && !made.contains(&outputs) {
                made.push(outputs);
            }
        }
    }
    Ok(made)
}

/// Returns the outputs of all caches of a plan, as far as they are known before anything runs.
#[must_use]
pub fn makes(plan: &Plan) -> Makes {
    let mut makes = Makes::default();
    for text in rules(plan).flat_map(|rule| &rule.outputs) {
        let source = text.template.source();
        match text.template.exprs().first() {
            None => makes.add(source),
            Some(first) => makes.add_beginning(&source[..first.start]),
        }
    }
    makes
}

fn rules(plan: &Plan) -> impl Iterator<Item = &CacheRule> {
    let stages = plan.playbook.stages.iter().zip(&plan.stages);
    stages.flat_map(|(model, planned)| {
        let of_steps = model.steps.steps.iter().filter_map(|step| step.cache.as_deref());
        model.cache.as_deref().or(planned.cache.as_deref()).into_iter().chain(of_steps)
    })
}

fn secrets(all: &Value) -> Vec<String> {
    let Value::Object(all) = all else { return Vec::new() };
    all.iter()
        .filter_map(|(_, value)| match value {
            Value::String(text) if !text.is_empty() => Some(text.to_string()),
            _ => None,
        })
        .collect()
}

struct Fields {
    all: Vec<Field>,
    secrets: Arc<[String]>,
    /// A text could not be evaluated, because it reads what the unit itself will make: all else that it may read counts.
    is_raw: bool,
    /// It is a cell as a whole, whose steps make what later ones read. Of a step alone everything is known.
    is_whole: bool,
}

impl Fields {
    fn new(secrets: Arc<[String]>, is_whole: bool) -> Self {
        Self { all: Vec::new(), secrets, is_raw: false, is_whole }
    }

    fn put(&mut self, name: &str, value: Option<&str>) {
        let holds = |value: &str| {
            // In a context it stands as JSON has it.
            let escaped = |secret: &str| serde_json::Value::from(secret).to_string();
            self.secrets
                .iter()
                .any(|it| value.contains(it.as_str()) || value.contains(escaped(it).trim_matches('"')))
        };
        let is_secret = value.is_some_and(holds);
        self.all.push(Field { name: name.to_owned(), value: value.map(str::to_owned), is_secret });
    }

    fn put_hidden(&mut self, name: &str, value: &str, is_hidden: bool) {
        self.put(name, Some(value));
        if let Some(field) = self.all.last_mut() {
            field.is_secret |= is_hidden;
        }
    }

    fn step(
        &mut self,
        state: &JobState,
        cell: u32,
        at: u32,
        programs: &mut Vec<String>,
    ) -> Result<(), ExprError> {
        let it = &state.cells[cell as usize];
        let model: &Stage = &state.setting.plan.playbook.stages[it.stage as usize];
        let step = &model.steps.steps[at as usize];
        let name = super::follow::step_name(model, at as usize);
        let members: Vec<String> = step.action.members().map(|at| at.to_string()).collect();
        self.put(&format!("step {name}"), Some(&format!("{} {}", step.action.word(), members.join(" "))));
        if let Some(condition) = &step.condition {
            self.put(&format!("if of step {name}"), Some(&condition.source));
            // Of a step alone it is known to hold.
            self.is_raw |= self.is_whole && !condition.condition.exprs().is_empty();
        }
        if !step.action.is_run() {
            for (variable, text) in &step.env {
                self.put(&format!("env {variable} of step {name}, as written"), Some(text.template.source()));
            }
        }
        if let Some(composite) = &step.composite {
            // What it is given, as it is written; its steps are in the list as well.
            let outputs = composite.action.iter().flat_map(|action| &action.outputs);
            let outputs = outputs.map(|it| (&it.name, it.value.template.source()));
            for (output, source) in outputs {
                self.put(&format!("output {output} of step {name}"), Some(source));
            }
            for given in &composite.with {
                let source = match &given.value {
                    GivenValue::Fixed(json) => canonical(json),
                    GivenValue::Text(text) => text.template.source().to_owned(),
                };
                self.put(&format!("input {} of step {name}", given.name), Some(&source));
            }
            self.is_raw = true;
        }
        let Action::Run { text, .. } = &step.action else { return Ok(()) };
        let status = ListStatus::default();
        let env = match environment(state, cell, Some((at, status))) {
            Ok(env) => env,
            Err(error) if error.wanted_hash.is_some() => return Err(error),
            Err(error) if !self.is_whole => return Err(error),
            Err(_) => {
                self.raw_env(state, cell, at, &name);
                Pairs::new()
            }
        };
        let is_known = !env.is_empty() || !self.is_raw;
        for (variable, value) in &env {
            self.put(&format!("env {variable} of step {name}"), Some(value));
        }
        let scope = JobScope::new(state, Standing::Cell { cell, step: Some(at), status }).with_secrets();
        let known = env.into_iter().map(|(k, v)| (k, Value::String(v)));
        scope.set("env", Value::object(known.collect::<Object>()));
        self.text(&format!("run of step {name}"), &text.template, (&scope, is_known))?;
        let key = AttemptKey { cell, run: it.run, step: at, attempt: 1 };
        if let Some(dir) = launch::stage_dir(state, key, step) {
            self.text(&format!("folder of step {name}"), dir, (&scope, is_known))?;
        }
        let shell = launch::shell(state, it.stage, at);
        self.put(&format!("shell of step {name}"), Some(&format!("{shell:?}")));
        let codes = format!("{:?} {:?}", step.ok_exit_codes, step.skip_exit_codes);
        self.put(&format!("exit codes of step {name}"), Some(&codes));
        if let Some(program) = launch::shell_program(shell, state.setting.has_bash)
            && !programs.contains(&program)
        {
            programs.push(program);
        }
        Ok(())
    }

    /// A text as it will be handed over; as it is written, if it reads what earlier steps of the same cell make.
    fn text(
        &mut self,
        name: &str,
        text: &Template,
        (scope, is_known): (&JobScope<'_>, bool),
    ) -> Result<(), ExprError> {
        let reads_steps = self.is_whole
            && text.exprs().iter().any(|part| {
                part.expr
                    .contexts()
                    .iter()
                    .any(|it| matches!(it.name.as_str(), "steps" | "job" | "stage" | "error"))
            });
        match text.eval_text(scope) {
            Ok(value) if !reads_steps && (is_known || text.as_literal().is_some()) => {
                self.put(name, Some(&value))
            }
            Err(error) if !self.is_whole => return Err(error),
            _ => {
                self.is_raw = true;
                self.put(name, Some(text.source()));
            }
        }
        Ok(())
    }

    /// What the cell takes from others, and what it is to publish.
    fn artifacts(&mut self, state: &JobState, unit: Unit, scope: &JobScope<'_>) -> Result<(), ExprError> {
        let it = &state.cells[unit.cell as usize];
        let model = &state.setting.plan.playbook.stages[it.stage as usize];
        let Some(own) = &model.artifacts else { return Ok(()) };
        let wants = artifacts::wants(state, unit.cell)
            .map_err(|message| ExprError::evaluation("no-artifact", message))?;
        for want in wants {
            let value = format!("{} in {}", want.artifact.digest, want.folder);
            self.put(&format!("artifact {}", want.artifact.name), Some(&value));
        }
        let outs = if self.is_whole { &own.out[..] } else { &[] };
        for (at, out) in outs.iter().enumerate() {
            let name = format!("artifact {} that it keeps", at + 1);
            self.put(&name, Some(&format!("hidden {}", out.with_hidden)));
            for text in &out.path {
                self.text(&format!("{name}, path"), &text.template, (scope, true))?;
            }
        }
        Ok(())
    }

    /// What those before a stage that is cached only on request have taken: it lies in the project, and git may ignore it.
    fn taken_before(&mut self, state: &JobState, stage: u32) -> Result<(), ExprError> {
        if state.setting.plan.playbook.stages.iter().all(|it| it.artifacts.is_none()) {
            return Ok(());
        }
        for cell in before(state, stage).flat_map(|at| state.stages[at as usize].cells.iter().copied()) {
            if !state.cells[cell as usize].parcels.has_taken {
                continue;
            }
            let wants = artifacts::wants(state, cell)
                .map_err(|message| ExprError::evaluation("no-artifact", message))?;
            for want in wants {
                let name = format!("artifact {} that {} takes", want.artifact.name, state.cell_name(cell));
                self.put(&name, Some(&format!("{} in {}", want.artifact.digest, want.folder)));
            }
        }
        Ok(())
    }

    fn raw_env(&mut self, state: &JobState, cell: u32, at: u32, name: &str) {
        self.is_raw = true;
        let model = &state.setting.plan.playbook.stages[state.cells[cell as usize].stage as usize];
        let home = state.setting.plan.home(state.cells[cell as usize].stage);
        let levels = [&home.env, &model.env, &model.steps.steps[at as usize].env];
        for (variable, text) in levels.into_iter().flatten() {
            self.put(&format!("env {variable} of step {name}"), Some(text.template.source()));
        }
        for (variable, value) in &state.setting.env {
            self.put_hidden(&format!("env {variable} of step {name}, given"), value, true);
        }
    }

    /// Everything that a text may read which does not come from the unit itself.
    fn contexts(&mut self, scope: &JobScope<'_>, with_secrets: bool) {
        for name in ["inputs", "vars", "needs", "strategy", "gate", "runner", "run", "github"] {
            if let Some(value) = scope.known(name) {
                let mut json = value.to_json();
                if let Some(members) = json.as_object_mut().filter(|_| matches!(name, "run" | "github")) {
                    members.retain(|member, _| !OF_ONE_JOB.contains(&member.as_str()));
                }
                self.put(&format!("context {name}"), Some(&canonical(&json)));
            }
        }
        if let Some(value) = scope.known("secrets").filter(|_| with_secrets) {
            self.put_hidden("context secrets", &canonical(&value.to_json()), true);
        }
    }
}

/// JSON whose text does not depend on the order of members.
fn canonical(json: &serde_json::Value) -> String {
    match json {
        serde_json::Value::Object(members) => {
            let mut members: Vec<(&String, &serde_json::Value)> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members: Vec<String> = members
                .into_iter()
                .map(|(name, value)| {
                    format!("{}:{}", serde_json::Value::from(name.as_str()), canonical(value))
                })
                .collect();
            format!("{{{}}}", members.join(","))
        }
        serde_json::Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        plain => plain.to_string(),
    }
}
