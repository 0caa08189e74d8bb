//! Steps with `cache-files`: what this program is asked to do when it is started as one of them.
//!
//! Such a step is a process like any other, so its log, signals, retries and crashes need nothing of their own. One of them puts
//! files back where it stands; another one, which no file names, is the last of its cell and saves them, unless the very key
//! was there. Not here: the files (`engine/cache/keyed`), reading (`playbook/read_files.rs`).

use super::effect::Program;
use super::event::{Cause, Outcome};
use super::report::AttemptKey;
use super::scope::JobScope;
use super::state::{CellState, JobState};
use crate::logic::cache::keyed::{self, FilesErrand, FilesTask, base_of, check_key};
use crate::logic::expr::{ExprError, Template};
use crate::logic::playbook::files::FilesPart;
use crate::logic::playbook::model::Text;
use crate::logic::value::Value;

/// Returns why files are not to be saved, although all went well.
pub(super) fn why_not(state: &JobState, it: &CellState, of: usize) -> Option<Cause> {
    let not = |text: &str| Some(Cause::Condition { text: text.to_owned() });
    if state.setting.plan.cache.off {
        return not("no `--no-cache`");
    }
    match it.steps[of].done() {
        Some(done) if done.outcome == Some(Outcome::Success) => {
            let is_hit = done.outputs.iter().any(|(name, value)| &**name == keyed::HIT && &**value == "true");
            if is_hit { not("cache-hit != 'true'") } else { None }
        }
        _ => not("the step that restores has run"),
    }
}

/// Returns the program and the errand of a step; nothing if it is another kind of step.
///
/// # Errors
/// An expression that cannot be evaluated, or a key or path that cannot be one.
pub(super) fn started(
    state: &JobState,
    attempt: AttemptKey,
    scope: &JobScope<'_>,
) -> Result<Option<(Program, String)>, ExprError> {
    let it = &state.cells[attempt.cell as usize];
    let model = &state.setting.plan.playbook.stages[it.stage as usize].steps.steps[attempt.step as usize];
    let Some(part) = &model.files else { return Ok(None) };
    let (task, paths, key) = match part {
        FilesPart::Restore(rule) => {
            let off = state.setting.plan.cache.off || state.setting.plan.cache.refresh;
            let key = text(&rule.key.template, scope)?;
            let key = key.trim().to_owned();
            checked(&key)?;
            let restore_keys = lines(&rule.restore_keys, scope)?;
            restore_keys.iter().try_for_each(|key| checked(key))?;
            let paths = lines(&rule.paths, scope)?;
            for path in &paths {
                let refused = |why| wrong(&format!("the path `{path}` cannot be kept: {why}"));
                base_of(path).map_err(refused)?;
            }
            (FilesTask::Restore { restore_keys, off }, paths, key)
        }
        FilesPart::Save(of) => {
            let outputs = it.steps[*of].done().map(|done| done.outputs.as_slice()).unwrap_or_default();
            let told = |name: &str| outputs.iter().find(|(known, _)| &**known == name).map(|it| &*it.1);
            let paths = told(keyed::PATHS).and_then(|text| serde_json::from_str(text).ok());
            let (Some(paths), Some(key)) = (paths, told(keyed::PRIMARY)) else {
                return Err(wrong("the step that restores has not told what is to be saved"));
            };
            (FilesTask::Save { replaces: state.setting.plan.cache.refresh }, paths, key.to_owned())
        }
    };
    let setting = &state.setting;
    let state_dir = setting.dir.rsplitn(3, '/').nth(2).unwrap_or_default();
    let errand = FilesErrand {
        task,
        root: setting.root.to_string(),
        folder: super::launch::directory(state, attempt.cell, None).to_string(),
        state: state_dir.to_owned(),
        dir: setting.dir.to_string(),
        job: number(&setting.facts),
        trust: setting.plan.cache.trust,
        paths,
        key,
    };
    let errand = serde_json::to_string(&errand).map_err(|error| wrong(&format!("no errand: {error}")))?;
    let program = Program::Direct(vec!["/proc/self/exe".to_owned(), keyed::COMMAND.to_owned()]);
    Ok(Some((program, errand)))
}

fn number(facts: &Value) -> u64 {
    let Value::Object(facts) = facts else { return 0 };
    let Some(Value::Object(run)) = facts.get("run") else { return 0 };
    run.get("number").and_then(|it| it.to_json().as_f64()).map_or(0, |it| it as u64)
}

fn wrong(message: &str) -> ExprError {
    ExprError::evaluation("cache-files", format!("cache-files: {message}"))
}

fn checked(key: &str) -> Result<(), ExprError> {
    check_key(key)
        .map_err(|why| wrong(&format!("`{}` cannot be a key: {why}", crate::logic::text::shortened(key, 60))))
}

fn text(template: &Template, scope: &JobScope<'_>) -> Result<String, ExprError> {
    match template.as_literal() {
        Some(literal) => Ok(literal.to_owned()),
        None => template.eval_text(scope),
    }
}

/// The lines of all texts: an expression may yield several.
fn lines(texts: &[Text], scope: &JobScope<'_>) -> Result<Vec<String>, ExprError> {
    let mut all = Vec::new();
    for it in texts {
        let text = text(&it.template, scope)?;
        all.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(all)
}
