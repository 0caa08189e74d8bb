//! `concurrency` of playbooks and stages, `locks` and `resources` of stages.
//!
//! Not here: who gets what, and when (`logic/claims`). Start with `Reader::concurrency`.

use std::sync::Arc;

use super::contexts::Spot;
use super::decode::{Field, Reader};
use super::keys::Place;
use super::share::{Concurrency, Lock, Reach, Resources};
use super::tree::{Kind, NodeId};
use crate::logic::diag::Diagnostic;

/// Most of anything that a stage may ask for.
pub(super) const MOST: i64 = 1_000_000;
pub(super) const REACHES: &[(&str, Reach)] = &[("project", Reach::Project), ("machine", Reach::Machine)];
pub(super) const LOCK_REACHES: &[(&str, Reach)] =
    &[("project", Reach::Project), ("machine", Reach::Machine), ("run", Reach::Run)];
/// Words of `queue`: whether only one waits.
pub(super) const QUEUES: &[(&str, bool)] = &[("single", true), ("max", false)];
/// Words of `mode` of a lock: whether it is shared.
pub(super) const LOCK_MODES: &[(&str, bool)] = &[("exclusive", false), ("shared", true)];
/// Names that `custom` of `resources` cannot have, because they are keys of their own.
pub(super) const OWN_NAMES: &[&str] = &["slots", "cpu", "memory", "jobs"];

impl Reader<'_> {
    /// Reads `concurrency`: its keys, or the name of the group alone.
    pub(super) fn concurrency(&mut self, field: Field, spot: Spot) -> Option<Concurrency> {
        let id = field.value;
        if self.scalar(id).is_some() {
            let group = self.group(id, spot)?;
            return Some(Concurrency {
                span: field.key,
                group,
                cancel_in_progress: false,
                is_single: false,
                reach: Reach::Project,
            });
        }
        let before = self.found.len();
        let fields = self.fields(id, Place::Concurrency)?;
        let Some(group) = fields.get("group") else {
            if self.found.len() == before {
                let span = self.span(id);
                self.missing(span, "`concurrency`", "group", "write `group: NAME`");
            }
            return None;
        };
        let group = self.group(group, spot);
        let cancels = fields.field("cancel-in-progress");
        let cancel_in_progress = cancels.and_then(|it| self.boolean(it.value)).unwrap_or(false);
        let queue = fields.field("queue");
        let word = queue.and_then(|it| self.word(it.value, QUEUES));
        if let (true, Some(false), Some(queue), Some(cancels)) = (cancel_in_progress, word, queue, cancels) {
            let message =
                "`queue: max` lets jobs wait for each other, and `cancel-in-progress` lets none wait";
            let problem = Diagnostic::error("queue-with-cancel", queue.key, message);
            self.report(problem.also(cancels.key, "the other one").help("keep one of the two"));
        }
        Some(Concurrency {
            span: field.key,
            group: group?,
            cancel_in_progress,
            // Who cancels what runs has no use for what waits.
            is_single: word.unwrap_or(cancel_in_progress),
            reach: fields.get("scope").and_then(|id| self.word(id, REACHES)).unwrap_or_default(),
        })
    }

    fn group(&mut self, id: NodeId, spot: Spot) -> Option<super::model::Text> {
        let is_empty = self.scalar(id).is_some_and(|it| it.text.trim().is_empty());
        if is_empty {
            self.wrong(id, "the name of a group");
            return None;
        }
        self.template(id, spot, "the name of a group")
    }

    /// Reads `locks`.
    pub(super) fn locks(&mut self, id: NodeId) -> Vec<Lock> {
        let items = match &self.tree.node(id).kind {
            Kind::Seq(items) => items.clone(),
            Kind::Scalar(_) if !self.is_null(id) => vec![id],
            Kind::Scalar(_) => return Vec::new(),
            Kind::Map(_) => {
                self.wrong_but(id, "a list of locks", Some("write `locks: [{name: NAME}]`".to_owned()));
                return Vec::new();
            }
        };
        let mut locks: Vec<Lock> = Vec::new();
        for item in items {
            let Some(lock) = self.lock(item) else { continue };
            let name = |it: &Lock| it.name.template.as_literal().map(str::to_owned);
            let twin = locks.iter().find(|it| name(it).is_some() && name(it) == name(&lock));
            if let Some(first) = twin.map(|it| it.name.span) {
                let message =
                    format!("the lock `{}` stands twice in the list", name(&lock).unwrap_or_default());
                let problem = Diagnostic::error("duplicate-id", lock.name.span, message);
                self.report(problem.also(first, "the first one").help("leave one of them out"));
                continue;
            }
            locks.push(lock);
        }
        locks
    }

    fn lock(&mut self, id: NodeId) -> Option<Lock> {
        let plain = |name| Lock { name, is_shared: false, reach: Reach::Project, wait: None };
        if self.scalar(id).is_some() {
            return self.lock_name(id).map(plain);
        }
        let before = self.found.len();
        let fields = self.fields(id, Place::Lock)?;
        let Some(name) = fields.get("name") else {
            if self.found.len() == before {
                let span = self.span(id);
                self.missing(span, "an entry of `locks`", "name", "write `name: NAME`");
            }
            return None;
        };
        let name = self.lock_name(name);
        let mode = fields.get("mode");
        let is_shared = mode.and_then(|id| self.word(id, LOCK_MODES));
        let reach = fields.get("scope").and_then(|id| self.word(id, LOCK_REACHES)).unwrap_or_default();
        let wait = fields.get("wait").and_then(|id| self.duration(id));
        Some(Lock { is_shared: is_shared.unwrap_or(false), reach, wait, ..plain(name?) })
    }

    fn lock_name(&mut self, id: NodeId) -> Option<super::model::Text> {
        if self.scalar(id).is_some_and(|it| it.text.trim().is_empty()) {
            self.wrong(id, "the name of a lock");
            return None;
        }
        self.template(id, Spot::StageShare, "the name of a lock")
    }

    /// Reads `resources`.
    pub(super) fn resources(&mut self, id: NodeId) -> Option<Resources> {
        let fields = self.fields(id, Place::Resources)?;
        let mut others = Vec::new();
        let slots = fields.get("slots").and_then(|id| self.whole(id, 1, MOST));
        if let Some(id) = fields.get("cpu") {
            let span = self.span(id);
            if let Some(cpu) = self.number(id, 0.001, 100_000.0) {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within bounds")]
                others.push((Arc::from("cpu"), (cpu * 1000.0).round() as u64, span));
            }
        }
        if let Some(id) = fields.get("memory") {
            let span = self.span(id);
            if let Some(bytes) = self.size(id) {
                others.push((Arc::from("memory"), bytes, span));
            }
        }
        if let Some(id) = fields.get("custom") {
            for (name, span, value) in self.members(id, "a map of numbers") {
                if OWN_NAMES.contains(&name) {
                    let message = format!("`{name}` is a key of `resources` itself, not of `custom`");
                    let problem = Diagnostic::error("misplaced-key", span, message);
                    self.report(problem.help("choose another name, or write it one level up"));
                } else if let Some(count) = self.whole(value, 0, MOST).and_then(|n| u64::try_from(n).ok()) {
                    others.push((Arc::from(name), count, span));
                }
            }
        }
        others.retain(|(_, amount, _)| *amount > 0);
        Some(Resources { slots: slots.and_then(|n| u32::try_from(n).ok()), others })
    }
}
