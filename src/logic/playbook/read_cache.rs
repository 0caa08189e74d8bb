//! `cache` of stages and steps.
//!
//! Not here: what a result is known by (`logic/job/cached.rs`). Start with `Reader::cache`.

use std::sync::Arc;

use super::cache::{CacheMode, CacheRule};
use super::call::GivenValue;
use super::contexts::Spot;
use super::decode::{Field, Fields, Reader};
use super::keys::Place;
use super::model::{Action, Env, Stage, Step, Text, Workspace};
use super::source::Span;
use super::tree::NodeId;
use crate::logic::cache::Share;
use crate::logic::diag::Diagnostic;
use crate::logic::expr::{ContextUse, TemplateExpr};

/// Words of `mode`.
pub(super) const MODES: &[(&str, CacheMode)] = &[
    ("read-write", CacheMode { reads: true, writes: true }),
    ("read", CacheMode { reads: true, writes: false }),
    ("write", CacheMode { reads: false, writes: true }),
    ("off", CacheMode { reads: false, writes: false }),
];
/// Words of `share`.
pub(super) const SHARES: &[(&str, Share)] =
    &[("project", Share::Project), ("branch", Share::Branch), ("none", Share::None)];
/// Words of `secrets`: whether the result may hold some.
pub(super) const SECRETS: &[(&str, bool)] = &[("refuse", false), ("include", true)];

impl Reader<'_> {
    /// Reads `cache` of a stage, or takes what the playbook says of all of them.
    pub(super) fn stage_cache(&mut self, fields: &Fields, stage: &mut Stage, outer: Option<&CacheRule>) {
        let Some(field) = fields.field("cache") else {
            let has_own = stage.steps.steps.iter().any(|step| step.cache.is_some());
            stage.cache = outer.filter(|_| !has_own).map(|rule| Box::new(rule.clone()));
            return;
        };
        if self.scalar(field.value).is_some_and(|scalar| scalar.text == "false") {
            stage.is_never_cached = true;
        } else {
            stage.cache = self.cache(field, outer);
        }
    }

    /// Reads `cache`; `outer` is what holds where it says nothing.
    pub(super) fn cache(&mut self, field: Field, outer: Option<&CacheRule>) -> Option<Box<CacheRule>> {
        let before = self.found.len();
        let fields = self.fields(field.value, Place::Cache)?;
        let inputs = fields.get("inputs");
        let lacks_inputs = inputs.is_none() && outer.is_none();
        if lacks_inputs && self.found.len() == before {
            let span = self.span(field.value);
            let help = "write `inputs: [\"src/**\"]`, or `inputs: []` if the result depends on no file";
            self.missing(span, "`cache`", "inputs", help);
        }
        // Without inputs the other keys are looked at all the same.
        let mut rule = outer.cloned().unwrap_or_else(|| empty_rule(field.key));
        rule.span = field.key;
        if let Some(id) = inputs {
            rule.inputs = self.patterns(id, false);
        }
        if let Some(id) = fields.get("outputs") {
            rule.outputs = self.patterns(id, true);
        }
        if let Some(id) = fields.get("env") {
            rule.env = self.names(id);
        }
        if let Some(id) = fields.get("tools") {
            rule.tools = self.templates(id, "a command, or a list of them");
        }
        if let Some(id) = fields.get("key") {
            rule.key = self.template(id, Spot::StageShare, "text");
        }
        let set = |it: &mut bool, found: Option<bool>| *it = found.unwrap_or(*it);
        set(&mut rule.with_secrets, fields.get("secrets").and_then(|id| self.word(id, SECRETS)));
        set(&mut rule.outputs_exact, fields.get("outputs-exact").and_then(|id| self.boolean(id)));
        set(&mut rule.is_strict, fields.get("strict").and_then(|id| self.boolean(id)));
        set(&mut rule.failures, fields.get("failures").and_then(|id| self.boolean(id)));
        rule.mode = fields.get("mode").and_then(|id| self.word(id, MODES)).unwrap_or(rule.mode);
        rule.share = fields.get("share").and_then(|id| self.word(id, SHARES)).unwrap_or(rule.share);
        rule.max_size = fields.get("max-size").and_then(|id| self.size(id)).or(rule.max_size);
        if rule.failures && !rule.outputs.is_empty() {
            let span = fields.field("failures").map_or(field.key, |failures| failures.key);
            let message = "failures are kept only of what makes no files, and this has `outputs`";
            let problem = Diagnostic::error("cache-not-possible", span, message);
            self.report(problem.help("remove `failures`, or let a stage of its own do the check"));
        }
        (!lacks_inputs).then(|| Box::new(rule))
    }

    fn names(&mut self, id: NodeId) -> Vec<Arc<str>> {
        let names = self.texts(id, "the name of a variable, or a list of them");
        let mut known = Vec::new();
        for (name, span) in names {
            if name.is_empty() || name.contains(['=', '\0', ' ']) {
                let problem =
                    Diagnostic::error("bad-id", span, format!("`{name}` is not the name of a variable"));
                self.report(problem.help("write names only, such as `env: [CC, CFLAGS]`"));
                continue;
            }
            known.push(Arc::from(name));
        }
        known
    }

    fn templates(&mut self, id: NodeId, expected: &str) -> Vec<Text> {
        let single = [id];
        let items: &[NodeId] = if self.scalar(id).is_some() { &single } else { self.items(id, expected) };
        items.iter().copied().filter_map(|item| self.template(item, Spot::StageShare, expected)).collect()
    }

    fn patterns(&mut self, id: NodeId, are_outputs: bool) -> Vec<Text> {
        let texts = self.templates(id, "a pattern for files, or a list of them");
        self.check_patterns(&texts, are_outputs);
        texts
    }

    /// Reports a path that only a shell takes for one at home, and says whether it is one.
    pub(super) fn check_home(&mut self, text: &Text) -> bool {
        // The beginning is known even if expressions follow.
        let source = text.template.source();
        let is_home = source.strip_prefix('!').unwrap_or(source).split('/').next() == Some("~");
        // Jobs of earlier versions made a folder of that name.
        if !is_home || self.source.is_stored() {
            return false;
        }
        let message = format!("`{source}` is not at home: it would be in a folder `~` of the project");
        let problem = Diagnostic::error("bad-glob", text.span, message);
        self.report(problem.help(
            "name files of the project: copy there what is at home, or keep that by `cache-files`; a folder that is really \
             called `~` is `./~`",
        ));
        true
    }

    /// Reports patterns that are none, as far as they are known. Those of outputs are not git's files and not ours.
    pub(super) fn check_patterns(&mut self, texts: &[Text], are_outputs: bool) {
        for text in texts {
            if self.check_home(text) {
                continue;
            }
            let Some(pattern) = text.template.as_literal() else { continue };
            let plain = pattern.strip_prefix('!').unwrap_or(pattern);
            let leaves = plain.split('/').any(|part| part == "..");
            // Putting those back would take somebody's history away.
            let is_history = matches!(plain.split('/').next(), Some(".git" | ".sortie"));
            let is_refused = is_history && are_outputs && !pattern.starts_with('!');
            if plain.is_empty() || plain.starts_with('/') || leaves || is_refused {
                let message = format!("`{pattern}` does not name files of the project");
                let problem = Diagnostic::error("bad-glob", text.span, message);
                self.report(problem.help("write a path below the root of the project, such as `src/**`"));
            } else if plain.contains(['*', '?', '[', '{', '\\'])
                && let Err(error) = globset::Glob::new(plain)
            {
                let message = format!("`{pattern}` is not a pattern for files: {}", error.kind());
                self.report(Diagnostic::error("bad-glob", text.span, message));
            }
        }
    }

    /// Reports what keeps a stage, or a step of it, from being cached.
    pub(super) fn check_caches(&mut self, stage: &Stage, outer: &Env, of_all: Option<Span>) {
        if let Some(rule) = &stage.cache {
            let steps = &stage.steps.steps;
            let why = why_not_stage(stage).map(str::to_owned);
            let why = why.or_else(|| steps.iter().find_map(|step| why_not_step(step).map(str::to_owned)));
            let is_tried = rule.failures && stage.retry.is_some();
            let why = why.or_else(|| {
                is_tried.then(|| "it keeps `failures`, and its `retry` would not take them".to_owned())
            });
            self.refuse(rule, (stage, of_all), why);
            let texts = steps.iter().flat_map(texts_of).chain(stage_texts(stage, outer));
            self.check_texts(rule, texts);
        }
        for step in &stage.steps.steps {
            let Some(rule) = &step.cache else { continue };
            let why = (!step.action.is_run()).then_some("only a step with `run` has a result");
            let why = why.or_else(|| stage.cache.as_ref().map(|_| "its stage is cached as a whole"));
            let why = why.or_else(|| why_not_step(step)).or_else(|| why_not_stage(stage));
            self.refuse(rule, (stage, of_all), why.map(str::to_owned));
            self.check_texts(rule, texts_of(step).chain(stage_texts(stage, outer)));
        }
    }

    fn refuse(&mut self, rule: &CacheRule, (stage, of_all): (&Stage, Option<Span>), why: Option<String>) {
        let Some(why) = why else { return };
        if of_all == Some(rule.span) {
            let message = format!("`{}` cannot be cached: {why}", stage.id);
            let problem = Diagnostic::error("cache-not-possible", stage.span, message);
            let help = "write `cache: false` into the stage";
            self.report(problem.also(rule.span, "asks for caching of all stages").help(help));
            return;
        }
        let problem =
            Diagnostic::error("cache-not-possible", rule.span, format!("this cannot be cached: {why}"));
        self.report(problem.help("remove `cache`, or move that to a stage of its own"));
    }

    fn check_texts<'m>(&mut self, rule: &CacheRule, texts: impl Iterator<Item = Exprs<'m>>) {
        for text in texts {
            self.check_text(rule, text);
        }
        let own = rule.key.iter().chain(&rule.inputs).chain(&rule.outputs).chain(&rule.tools);
        for text in own {
            let help = "leave it out, or write what the result depends on in its place";
            self.warn_of_change(rule, (text.template.exprs(), text.span), help);
        }
    }

    fn check_text(&mut self, rule: &CacheRule, (parts, span): Exprs<'_>) {
        for part in parts {
            let uses = part.expr.contexts();
            if !rule.with_secrets && uses.iter().any(|it| it.name == "secrets") {
                let problem = Diagnostic::error(
                    "cache-with-secret",
                    span,
                    "what is cached uses a secret here, and its result may hold it",
                );
                let help =
                    "write `secrets: include` below `cache` if the result is no secret, or remove `cache`";
                self.report(problem.also(rule.span, "asks for caching").help(help));
                return;
            }
            let is_hashing = part.expr.functions().iter().any(|it| it.name.eq_ignore_ascii_case("hashFiles"));
            if is_hashing {
                let problem = Diagnostic::error(
                    "cache-not-possible",
                    span,
                    "`hashFiles` cannot stand in what is cached",
                );
                self.report(
                    problem
                        .also(rule.span, "asks for caching")
                        .help("name these files in `inputs` of `cache`"),
                );
                return;
            }
        }
        self.warn_of_change(rule, (parts, span), "remove one of the two");
    }

    /// Warns of a text that is another one in each job.
    fn warn_of_change(&mut self, rule: &CacheRule, (parts, span): Exprs<'_>, help: &str) {
        let changes = |it: &ContextUse| {
            let member = it.path.first().map(|member| member.to_ascii_lowercase());
            let moving = |names: &[&str]| member.as_deref().is_none_or(|it| names.contains(&it));
            match it.name.as_str() {
                "run" => moving(&["id", "number", "started-at", "dir", "attempt", "event"]),
                "github" => moving(&["run_id", "run_number", "run_attempt", "event"]),
                _ => false,
            }
        };
        let Some(found) = parts.iter().flat_map(|part| part.expr.contexts()).find(changes) else { return };
        let path: Vec<&str> =
            std::iter::once(found.name.as_str()).chain(found.path.iter().map(String::as_str)).collect();
        let message =
            format!("`{}` is another one in each job, so no earlier result will fit", path.join("."));
        let problem = Diagnostic::warning("cache-never-hits", span, message);
        self.report(problem.also(rule.span, "asks for caching").help(help));
    }
}

fn empty_rule(span: Span) -> CacheRule {
    CacheRule {
        span,
        inputs: Vec::new(),
        outputs: Vec::new(),
        env: Vec::new(),
        tools: Vec::new(),
        key: None,
        mode: CacheMode::default(),
        outputs_exact: true,
        with_secrets: false,
        max_size: None,
        share: Share::default(),
        is_strict: false,
        failures: false,
        whole_project: false,
    }
}

/// Expressions, and where they stand.
type Exprs<'m> = (&'m [TemplateExpr], Span);

fn stage_texts<'m>(stage: &'m Stage, outer: &'m Env) -> impl Iterator<Item = Exprs<'m>> {
    let env = outer.iter().chain(&stage.env).map(|(_, text)| text);
    env.chain(&stage.working_directory).map(|text| (text.template.exprs(), text.span))
}

/// Everything of a step that may say what comes of it.
pub fn texts_of(step: &Step) -> impl Iterator<Item = Exprs<'_>> {
    let run = match &step.action {
        Action::Run { text, .. } => Some(text),
        _ => None,
    };
    let given = step.composite.iter().flat_map(|it| &it.with).filter_map(|given| match &given.value {
        GivenValue::Text(text) => Some(text),
        GivenValue::Fixed(_) => None,
    });
    let texts = step.env.iter().map(|(_, text)| text).chain(run).chain(&step.working_directory).chain(given);
    let conditions = step.condition.iter().chain(&step.continue_on_error);
    let texts = texts.map(|text| (text.template.exprs(), text.span));
    texts.chain(conditions.map(|it| (it.condition.exprs(), it.span)))
}

/// Returns why nothing in a stage can be cached.
#[must_use]
pub fn why_not_stage(stage: &Stage) -> Option<&'static str> {
    let steps = &stage.steps;
    if stage.workspace == Workspace::Scratch {
        return Some("its files are in a folder of its own, which is new each time");
    }
    if stage.approve.is_some() {
        return Some("people decide whether it goes on");
    }
    if !stage.steps.sidecars.is_empty() {
        return Some("services run beside it");
    }
    (!steps.background.is_empty()).then_some("a step of it goes on in the background")
}

/// Returns why a step can neither be cached nor be part of what is.
#[must_use]
pub fn why_not_step(step: &Step) -> Option<&'static str> {
    match &step.action {
        Action::Approve(_) => return Some("people decide whether it goes on"),
        Action::Rollback => return Some("a step of it undoes others"),
        _ => {}
    }
    if step.files.is_some() {
        return Some("a step of it puts files of earlier jobs back, which are no part of its key");
    }
    if step.undo.is_some() || step.undoes.is_some() {
        return Some("a step of it can be undone, so it has to run");
    }
    step.durable.then_some("a step of it is `durable`, so it has to run")
}
