//! `uses` of stages: which playbook is called, and what it is given.
//!
//! Not here: the called file (`link.rs`), the other keys of a stage (`read_stage.rs`). Start with `Reader::stage_call`.

use std::collections::HashMap;
use std::sync::Arc;

use super::call::{Call, Given, GivenValue, Handed, HandedSecret};
use super::contexts::Spot;
use super::decode::{Fields, Reader};
use super::keys::{self, Place};
use super::read_stage::Header;
use super::scalar::{self, Core};
use super::source::Span;
use super::tree::{Kind, NodeId};
use crate::logic::diag::Diagnostic;
use crate::logic::text::{listed_names, shortened};

/// Keys of a stage that calls a playbook.
pub(super) const BESIDE: &[&str] = &[
    "id",
    "name",
    "needs",
    "if",
    "run-when",
    "strategy",
    "matrix",
    "timeout",
    "cleanup-timeout",
    "continue-on-error",
    "approve",
    "priority",
    "uses",
    "with",
    "secrets",
];

impl Reader<'_> {
    /// Reads `uses`, `with` and `secrets` of a stage.
    pub(super) fn stage_call(&mut self, fields: &Fields, header: &Header<'_>) -> Option<Box<Call>> {
        let Some(uses) = fields.field("uses") else {
            for name in ["with", "secrets"] {
                if let Some(field) = fields.field(name) {
                    let message =
                        format!("`{name}` of stage `{}` is for a playbook that it calls", header.id);
                    self.report(
                        Diagnostic::error("misplaced-key", field.key, message)
                            .help("add `uses: ./PATH`, or remove it"),
                    );
                }
            }
            return None;
        };
        for field in keys::of(Place::Stage).iter().filter_map(|key| fields.field(key.name)) {
            if !BESIDE.contains(&field.name) {
                self.beside_uses(field.name, field.key, header.id);
            }
        }
        let uses_text = self.text(uses.value, "the path of a playbook, such as `./lib/build.yml`");
        let path = uses_text.and_then(|text| self.called_path(uses.value, text, "playbook"));
        let with = fields.get("with").map(|id| self.given(id, Spot::StageWith)).unwrap_or_default();
        let secrets = fields.get("secrets").map(|id| self.handed(id)).unwrap_or_default();
        let span = self.span(uses.value);
        Some(Box::new(Call { span, path: path?, with, secrets }))
    }

    fn beside_uses(&mut self, name: &str, key: Span, stage: &str) {
        let help = match name {
            "run" | "steps" => {
                "a stage either calls a playbook or has steps of its own: make two stages of it"
            }
            "env" => "variables do not flow into a called playbook: hand the value over in `with`",
            "outputs" => "the outputs of a stage that calls are those of the called playbook: add it there",
            "retry" => "give `retry` to the stages or steps of the called playbook",
            "concurrency" | "locks" | "resources" => {
                "what waits for others while it holds something can block for ever: claim it in the stages of the \
                 called playbook"
            }
            _ => "give it to the stages of the called playbook",
        };
        let message = format!("`{name}` cannot stand beside `uses`, and stage `{stage}` has both");
        self.report(Diagnostic::error("call-key", key, message).help(help));
    }

    /// Returns a path from the project's folder, if one is written: from there, and inside of it.
    pub(super) fn called_path(&mut self, id: NodeId, text: &str, what: &str) -> Option<Arc<str>> {
        let span = self.span(id);
        let shown = shortened(text, 60);
        if text.contains("${{") {
            self.report(
                Diagnostic::error(
                    "call-not-local",
                    span,
                    "`uses` is the path of a file and has no expressions",
                )
                .help("write one stage for each file, and choose with `if`"),
            );
            return None;
        }
        let Some(rest) = text.strip_prefix("./") else {
            let is_plain = !text.contains('@') && !text.contains(':') && !text.starts_with(['/', '~', '.']);
            let problem = Diagnostic::error(
                "call-not-local",
                span,
                format!("`{shown}` is not a path of this project, and only those can be used"),
            );
            let help = if is_plain {
                format!("a path begins with `./`, at the project's folder: write `./{shown}`")
            } else {
                format!(
                    "copy the {what} into the project and write its path from the project's folder: `./PATH`"
                )
            };
            self.report(problem.help(help));
            return None;
        };
        let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") || parts.is_empty() {
            self.report(
                Diagnostic::error(
                    "call-not-local",
                    span,
                    format!("`{shown}` is not a path inside of this project"),
                )
                .help(format!("put the {what} into the project; paths begin at its folder and have no `..`")),
            );
            return None;
        }
        Some(Arc::from(parts.join("/")))
    }

    /// Reads `with`: values of any kind, with expressions in texts.
    pub(super) fn given(&mut self, id: NodeId, spot: Spot) -> Vec<Given> {
        let mut given: Vec<Given> = Vec::new();
        let mut known: HashMap<String, Span> = HashMap::new();
        for (name, span, value) in self.members(id, "a map of inputs") {
            if let Some(first) = known.insert(name.to_ascii_lowercase(), span) {
                self.duplicate("input", name, span, first);
                continue;
            }
            let is_text = self.scalar(value).is_some_and(|scalar| scalar.text.contains("${{"));
            let value = if is_text {
                let Some(text) = self.template(value, spot, "text") else { continue };
                GivenValue::Text(text)
            } else {
                let found = self.expressions_inside(value);
                if found {
                    let at = self.span(value);
                    self.report(
                        Diagnostic::error(
                            "wrong-type",
                            at,
                            format!("the value of `{name}` has expressions inside of a list or a map"),
                        )
                        .help("write all of it as one expression, such as `${{ fromJSON(...) }}`"),
                    );
                    continue;
                }
                GivenValue::Fixed(self.value(value).to_json())
            };
            given.push(Given { name: Arc::from(name), span, value });
        }
        given
    }

    fn expressions_inside(&self, id: NodeId) -> bool {
        match &self.tree.node(id).kind {
            Kind::Scalar(scalar) => scalar.text.contains("${{"),
            Kind::Seq(items) => items.iter().any(|item| self.expressions_inside(*item)),
            Kind::Map(entries) => entries.iter().any(|entry| self.expressions_inside(entry.value)),
        }
    }

    /// Reads `secrets` of a stage.
    fn handed(&mut self, id: NodeId) -> Handed {
        if let Some(scalar) = self.scalar(id) {
            if scalar.text == "inherit" {
                return Handed::All;
            }
            if scalar::resolve(scalar) != Core::Null {
                self.wrong(id, "`inherit`, or a map of secrets");
            }
            return Handed::Nothing;
        }
        let mut handed: Vec<HandedSecret> = Vec::new();
        let mut known: HashMap<String, Span> = HashMap::new();
        for (name, span, value) in self.members(id, "`inherit`, or a map of secrets") {
            if let Some(first) = known.insert(name.to_ascii_lowercase(), span) {
                self.duplicate("secret", name, span, first);
                continue;
            }
            let before = self.found.len();
            let Some(text) =
                self.template(value, Spot::StageSecrets, "a secret, such as `${{ secrets.TOKEN }}`")
            else {
                continue;
            };
            match secret_of(text.template.source()) {
                Some(ours) if self.found.len() == before => {
                    handed.push(HandedSecret { name: Arc::from(name), span, ours: Arc::from(ours) });
                }
                Some(_) => {}
                None => {
                    let mut names: Vec<String> = self.known.secrets.values().cloned().collect();
                    names.sort_unstable();
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    let problem = Diagnostic::error(
                        "call-secret",
                        text.span,
                        format!("the secret `{name}` is handed over as something else than a secret"),
                    );
                    let declared = match names.as_slice() {
                        [] => String::new(),
                        some => format!("; declared here: {}", listed_names(some, "and")),
                    };
                    self.report(problem.help(format!(
                        "write `${{{{ secrets.NAME }}}}` and nothing else, so that its value is masked{declared}"
                    )));
                }
            }
        }
        Handed::Named(handed)
    }

    /// Says whether `on` names `call` and nothing else.
    pub(super) fn says_only_call(&self, on: NodeId) -> bool {
        let is_alone = match &self.tree.node(on).kind {
            Kind::Scalar(_) => true,
            Kind::Seq(items) => items.len() == 1,
            Kind::Map(entries) => entries.len() == 1,
        };
        is_alone && self.says_call(on)
    }

    /// Warns of keys of a playbook that is only called, which count for jobs of its own.
    pub(super) fn check_only_called(&mut self, fields: &Fields) {
        for field in ["run-name", "reporting"].into_iter().filter_map(|name| fields.field(name)) {
            let message = format!(
                "`{}` counts only where a playbook is run by itself, and this one is called",
                field.name
            );
            let problem = Diagnostic::warning("call-ignored", field.key, message);
            let help = "remove it, or write `on: [manual, call]` if people run this playbook as well";
            self.report(problem.help(help));
        }
    }

    /// Says whether `on` names `call`.
    pub(super) fn says_call(&self, on: NodeId) -> bool {
        let is_call = |id: &NodeId| self.scalar(*id).is_some_and(|scalar| scalar.text == "call");
        match &self.tree.node(on).kind {
            Kind::Scalar(_) => is_call(&on),
            Kind::Seq(items) => items.iter().any(is_call),
            Kind::Map(entries) => entries.iter().any(|entry| self.tree.key(*entry) == "call"),
        }
    }
}

/// Returns the name in `${{ secrets.NAME }}`.
fn secret_of(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("${{")?.strip_suffix("}}")?.trim();
    let (context, name) = inner.split_once('.')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    (context.eq_ignore_ascii_case("secrets") && is_name).then_some(name)
}
