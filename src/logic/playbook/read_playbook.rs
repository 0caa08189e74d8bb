//! The outermost map of a playbook: everything but stages and inputs in detail.
//!
//! Not here: stages (`read_stage.rs`), inputs and secrets (`read_inputs.rs`), rules over the whole (`check.rs`).
//! Start with `Reader::playbook`.

use std::sync::Arc;
use std::time::Duration;

use super::contexts::Spot;
use super::decode::{Fields, Reader};
use super::fixed_ports;
use super::keys::Place;
use super::model::{Assertion, Defaults, Output, Playbook, Policy, Shell};
use super::overlaps;
use super::scalar::{self, Core};
use super::source::Span;
use super::tree::{Kind, NodeId};
use crate::logic::diag::Diagnostic;
use crate::logic::text;

/// Version of the language that is read.
pub(super) const VERSION: i64 = 3;
/// What `policy.cleanup-timeout` and a stage's are if nobody says so.
pub(super) const CLEANUP: Duration = Duration::from_secs(300);
/// Most cells of a matrix if nobody says so.
const MATRIX_LIMIT: u32 = 256;
/// Most cells of a matrix that may be asked for.
pub(super) const MATRIX_LIMIT_MOST: u32 = 10_000;

/// Shells that have a name.
pub(super) const SHELLS: [&str; 5] = ["bash", "sh", "pwsh", "python", "node"];

impl Reader<'_> {
    /// Reads the whole document.
    pub(super) fn playbook(&mut self) -> Option<Playbook> {
        let root = self.tree.root;
        if !matches!(self.tree.node(root).kind, Kind::Map(_)) {
            self.wrong(root, "the keys of a playbook, such as `version: 3` and `stages:`");
            return None;
        }
        let fields = self.fields(root, Place::Playbook)?;
        self.version(&fields);
        // What expressions may refer to has to be known before the first of them.
        let inputs = fields.get("inputs").map(|id| self.inputs(id)).unwrap_or_default();
        let secrets = fields.get("secrets").map(|id| self.secrets(id)).unwrap_or_default();
        let policy = fields.get("policy").map_or_else(default_policy, |id| self.policy(id));
        let defaults =
            fields.get("defaults").map(|id| self.defaults(id, Spot::PlaybookDefaults)).unwrap_or_default();
        let stages = self.stages(&fields, &defaults, &policy);
        let triggers = fields.get("on").map(|id| self.triggers(id, &inputs)).unwrap_or_default();
        let name = fields.get("name").and_then(|id| self.text(id, "text")).map(str::to_owned);
        let concurrency = fields.field("concurrency");
        let env = fields.get("env").map(|id| self.env(id, Spot::PlaybookEnv)).unwrap_or_default();
        for stage in &stages {
            self.check_caches(stage, &env, defaults.cache.as_ref().map(|rule| rule.span));
        }
        let is_callable = fields.get("on").is_some_and(|id| self.says_call(id));
        self.check_artifacts(&stages, is_callable);
        let is_only_called = fields.get("on").is_some_and(|id| self.says_only_call(id));
        if is_only_called {
            self.check_only_called(&fields);
        }
        for problem in overlaps::check(&stages).into_iter().chain(fixed_ports::check(&stages, &policy)) {
            self.report(problem);
        }
        let mut playbook = Playbook {
            name: Arc::from(name.unwrap_or_else(|| stem(&self.source.name).to_owned())),
            description: fields.get("description").and_then(|id| self.text(id, "text")).map(str::to_owned),
            category: fields.get("category").and_then(|id| self.text(id, "a word")).map(str::to_owned),
            tags: fields.get("tags").map(|id| self.words(id)).unwrap_or_default(),
            run_name: fields.get("run-name").and_then(|id| self.template(id, Spot::RunName, "text")),
            inputs,
            secrets,
            vars: fields.get("vars").map(|id| self.vars(id)).unwrap_or_default(),
            profiles: fields.get("profiles").map(|id| self.profiles(id, &stages)).unwrap_or_default(),
            env,
            defaults,
            policy,
            requires: fields.get("requires").map(|id| self.requires(id)).unwrap_or_default(),
            pre: fields.get("pre").map(|id| self.assertions(id, Spot::Pre)).unwrap_or_default(),
            post: fields.get("post").map(|id| self.assertions(id, Spot::Post)).unwrap_or_default(),
            stages,
            outputs: fields.get("outputs").map(|id| self.playbook_outputs(id)).unwrap_or_default(),
            triggers,
            concurrency: concurrency.and_then(|field| self.concurrency(field, Spot::PlaybookShare)),
            is_callable,
            is_only_called,
            called: Vec::new(),
            reads_of_calls: Vec::new(),
            reporting: fields.field("reporting").and_then(|field| self.reporting(field)),
        };
        playbook.reads_of_calls = std::mem::take(&mut self.known.reads_of_calls);
        Some(playbook)
    }

    fn version(&mut self, fields: &Fields) {
        let Some(id) = fields.get("version") else {
            let first = match &self.tree.node(self.tree.root).kind {
                Kind::Map(entries) => entries.first().map(|entry| self.tree.node(entry.key).span),
                Kind::Scalar(_) | Kind::Seq(_) => None,
            };
            self.report(
                Diagnostic::error(
                    "missing-version",
                    first.unwrap_or_default(),
                    "this playbook does not say its version",
                )
                .help("write `version: 3` at the top"),
            );
            return;
        };
        match self.scalar(id).map(scalar::resolve) {
            Some(Core::Int(VERSION)) => {}
            Some(Core::Int(_) | Core::Float(_)) => {
                let (span, found) = (self.span(id), self.found_words(id));
                self.report(
                    Diagnostic::error(
                        "wrong-version",
                        span,
                        format!("version {found} of the language is not known here"),
                    )
                    .help("write `version: 3` and check again; the keys of older versions differ"),
                );
            }
            _ => self.wrong_but(id, "the number 3", Some("write `version: 3`, without quotes".to_owned())),
        }
    }

    fn words(&mut self, id: NodeId) -> Vec<String> {
        self.texts(id, "a list of words").into_iter().map(|(word, _)| word.to_owned()).collect()
    }

    /// Reads `defaults` of a playbook or a stage.
    pub(super) fn defaults(&mut self, id: NodeId, spot: Spot) -> Defaults {
        let mut defaults = Defaults::default();
        let Some(fields) = self.fields(id, Place::Defaults) else { return defaults };
        if let Some(run) = fields.get("run").and_then(|id| self.fields(id, Place::DefaultsRun)) {
            defaults.shell = run.get("shell").and_then(|id| self.shell(id));
            defaults.working_directory =
                run.get("working-directory").and_then(|id| self.template(id, spot, "a path"));
        }
        defaults.timeout = fields.get("timeout").and_then(|id| self.duration(id));
        defaults.retry = fields.get("retry").and_then(|id| self.retry(id));
        defaults.cancel = fields.get("cancel").and_then(|id| self.cancel(id, None));
        defaults.on_interrupt = fields.get("on-interrupt").and_then(|id| self.on_interrupt(id));
        if let Some(field) = fields.field("cache") {
            if spot == Spot::PlaybookDefaults {
                defaults.cache = self.cache(field, None);
            } else {
                let message = "`defaults` of a stage have no `cache`";
                let problem = Diagnostic::error("misplaced-key", field.key, message);
                self.report(problem.help("write `cache` beside `defaults`"));
            }
        }
        defaults
    }

    /// Reads a shell: a known name, or a command line with `{0}` for the script.
    pub(super) fn shell(&mut self, id: NodeId) -> Option<Shell> {
        let shell = self.text(id, "a shell such as `bash`")?;
        let span = self.span(id);
        match shell {
            "bash" => return Some(Shell::Bash),
            "sh" => return Some(Shell::Sh),
            "pwsh" => return Some(Shell::Pwsh),
            "python" => return Some(Shell::Python),
            "node" => return Some(Shell::Node),
            "cmd" => {
                self.not_yet(span, "the shell `cmd`");
                return None;
            }
            _ => {}
        }
        if shell.contains("{0}") && !shell.trim_start().starts_with("{0}") {
            return Some(Shell::Custom(shell.to_owned()));
        }
        let problem = Diagnostic::error(
            "unknown-shell",
            span,
            format!("there is no shell `{}`", text::shortened(shell, 40)),
        );
        let help = match text::near_miss(shell, SHELLS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "write {}, or a command line with `{{0}}` for the script's path",
                text::listed_names(&SHELLS, "or")
            ),
        };
        self.report(problem.help(help));
        None
    }

    fn policy(&mut self, id: NodeId) -> Policy {
        let mut policy = default_policy();
        let Some(fields) = self.fields(id, Place::Policy) else { return policy };
        policy.timeout = fields.get("timeout").and_then(|id| self.duration(id));
        policy.cleanup_timeout =
            fields.get("cleanup-timeout").and_then(|id| self.duration(id)).unwrap_or(CLEANUP);
        policy.max_parallel = fields.get("max-parallel").and_then(|id| self.count(id, 100_000));
        policy.strict = fields.get("strict").and_then(|id| self.boolean(id)).unwrap_or(false);
        policy.matrix_limit = fields
            .get("matrix-limit")
            .and_then(|id| self.count(id, MATRIX_LIMIT_MOST))
            .unwrap_or(MATRIX_LIMIT);
        policy
    }

    fn assertions(&mut self, id: NodeId, spot: Spot) -> Vec<Assertion> {
        let mut assertions = Vec::new();
        for item in self.items(id, "a list of conditions, each with `if`") {
            let Some(fields) = self.fields(*item, Place::Assertion) else { continue };
            let span = self.span(*item);
            let name = fields.get("name").and_then(|id| self.text(id, "text")).map(str::to_owned);
            let message = fields.get("message").and_then(|id| self.template(id, spot, "text"));
            let Some(condition) = fields.get("if") else {
                self.missing(
                    span,
                    "a condition",
                    "if",
                    "write what has to hold, such as `if: inputs.channel != ''`",
                );
                continue;
            };
            let Some(condition) = self.condition(condition, spot) else { continue };
            let name = name.unwrap_or_else(|| condition.source.to_string());
            assertions.push(Assertion { name, condition, message, span });
        }
        assertions
    }

    fn playbook_outputs(&mut self, id: NodeId) -> Vec<Output> {
        let mut outputs: Vec<Output> = Vec::new();
        let mut known: std::collections::HashMap<String, Span> = std::collections::HashMap::new();
        for (name, span, value) in self.members(id, "a map of outputs") {
            if !self.check_id(name, span, "an output") {
                continue;
            }
            if let Some(first) = known.insert(name.to_ascii_lowercase(), span) {
                self.duplicate("output", name, span, first);
                continue;
            }
            let Some(fields) = self.fields(value, Place::Output) else { continue };
            let description =
                fields.get("description").and_then(|id| self.text(id, "text")).map(str::to_owned);
            let Some(value) = fields.get("value") else {
                self.missing(
                    span,
                    &format!("the output `{name}`"),
                    "value",
                    "write `value: ${{ stages.NAME.outputs.NAME }}`",
                );
                continue;
            };
            if let Some(value) = self.template(value, Spot::PlaybookOutput, "text") {
                outputs.push(Output { name: Arc::from(name), value, description });
            }
        }
        outputs
    }
}

fn default_policy() -> Policy {
    Policy {
        timeout: None,
        cleanup_timeout: CLEANUP,
        max_parallel: None,
        strict: false,
        matrix_limit: MATRIX_LIMIT,
    }
}

/// Returns a file's name without folder and ending.
fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    match file.rfind('.') {
        Some(dot) if dot > 0 => &file[..dot],
        _ => file,
    }
}
