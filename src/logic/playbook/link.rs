//! Follows calls to their files: each is read once, checked, and checked against who calls it.
//!
//! Not here: what a call says (`read_uses.rs`), whether it fits (`link_calls.rs`), reading files from the disk (`engine/library.rs`), putting called stages
//! into a plan (`logic/plan/call.rs`). Start with `link`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::call::{Call, DEEPEST};
use super::link_actions::ActionFile;
use super::link_calls::Called;
use super::model::{Playbook, Stage, Tool};
use super::source::{Source, Span, Unread};
use super::{Reading, finish};
use crate::logic::diag::{Diagnostic, Severity};
use crate::logic::text::plural;

/// A called file that was read.
pub(super) struct File {
    source: Source,
    pub(super) playbook: Option<Arc<Playbook>>,
    found: Vec<Diagnostic>,
}

/// Everything that was read on the way.
#[derive(Default)]
pub(super) struct Link {
    pub(super) files: BTreeMap<Arc<str>, File>,
    /// By their folders.
    pub(super) actions: BTreeMap<Arc<str>, ActionFile>,
    missing: Vec<Arc<str>>,
}

/// Reads what a playbook calls, directly or through others, and completes its reading.
pub(super) fn link(source: &Source, mut reading: Reading) -> Reading {
    if !reading.missing.is_empty() {
        // As below.
        reading.playbook = None;
        return reading;
    }
    let Some(playbook) = &mut reading.playbook else { return reading };
    let has_actions = |stage: &Stage| stage.steps.steps.iter().any(|step| step.composite.is_some());
    if playbook.stages.iter().all(|stage| stage.call.is_none() && !has_actions(stage)) {
        if playbook.is_callable && !source.is_stored() {
            let mut found = std::mem::take(&mut reading.diagnostics);
            Link::default().check_artifacts(playbook, &mut found);
            return sound(finish(reading.playbook, found));
        }
        return sound(reading);
    }
    let mut link = Link::default();
    let mut chain = Vec::new();
    let mut found = Vec::new();
    link.all_actions_of(source, playbook, &mut found);
    link.calls_of(source, playbook, &mut chain, &mut found);
    if !link.missing.is_empty() {
        // What is wrong can be said when all is there.
        reading.missing = link.missing;
        reading.playbook = None;
        return reading;
    }
    link.check_depth(playbook, &mut found);
    link.check_artifacts(playbook, &mut found);
    let mut playbook = reading.playbook.take();
    if let Some(it) = &mut playbook {
        it.requires
            .tools
            .extend(link.required(|playbook| playbook.requires.tools.clone(), &it.requires.tools));
        for file in link.files.values().filter_map(|file| file.playbook.as_ref()) {
            let known: Vec<String> = it.requires.env.iter().map(|(name, _)| name.clone()).collect();
            it.requires
                .env
                .extend(file.requires.env.iter().filter(|(name, _)| !known.contains(name)).cloned());
        }
        let files = link.files.iter();
        it.called = files.filter_map(|(path, file)| Some((path.clone(), file.playbook.clone()?))).collect();
    }
    // It ran like this: an output that is not there was empty, and a missing artifact was told when it was wanted.
    let forgive = |found: &mut Vec<Diagnostic>| {
        let is_grave = |it: &Diagnostic| !matches!(it.slug, "unknown-output" | "artifact-unknown");
        found.retain(|it| !source.is_stored() || is_error(it) && is_grave(it));
    };
    forgive(&mut found);
    link.files.values_mut().for_each(|file| forgive(&mut file.found));
    reading.diagnostics.extend(found);
    let mut reading = finish(playbook, reading.diagnostics);
    let files = link.files.into_values().map(|file| (file.source, file.found));
    let actions = link.actions.into_values().map(|file| (file.source, file.found));
    reading.called =
        files.chain(actions).map(|(source, found)| (source, finish(None, found).diagnostics)).collect();
    if reading.called.iter().any(|(_, found)| found.iter().any(is_error)) {
        reading.playbook = None;
    }
    sound(reading)
}

/// Lets errors take the playbook away.
fn sound(reading: Reading) -> Reading {
    let has_error = reading.diagnostics.iter().any(is_error);
    Reading { playbook: reading.playbook.filter(|_| !has_error), ..reading }
}

pub(super) fn is_error(found: &Diagnostic) -> bool {
    found.severity == Severity::Error
}

impl Link {
    /// Checks all calls of a file, and reads what they call; `chain` are the files on the way to it.
    fn calls_of(
        &mut self,
        source: &Source,
        playbook: &Playbook,
        chain: &mut Vec<Arc<str>>,
        found: &mut Vec<Diagnostic>,
    ) {
        for stage in &playbook.stages {
            let Some(call) = &stage.call else { continue };
            let path = &call.path;
            if let Some(at) = chain.iter().position(|known| known == path) {
                let names: Vec<String> =
                    chain[at..].iter().chain([path]).map(|path| format!("`./{path}`")).collect();
                found.push(
                    Diagnostic::error(
                        "call-cycle",
                        call.span,
                        format!("these playbooks call each other: {}", names.join(" → ")),
                    )
                    .label("closes the circle")
                    .help("remove one of these calls"),
                );
                continue;
            }
            if !self.files.contains_key(path) && !self.read(source, call, chain, found) {
                continue;
            }
            self.check_call(playbook, stage, call, found);
        }
    }

    /// Reads a called file and all that it calls; says whether it is there.
    fn read(
        &mut self,
        source: &Source,
        call: &Call,
        chain: &mut Vec<Arc<str>>,
        found: &mut Vec<Diagnostic>,
    ) -> bool {
        let path = &call.path;
        let text = match source.called_file(path) {
            None => {
                self.miss(path.clone());
                return false;
            }
            Some(Err(why)) => {
                found.push(unread(path, call.span, &why));
                return false;
            }
            Some(Ok(text)) => text,
        };
        let own = Source::new(path.clone(), text).with_called_of(source);
        let reading = super::read_alone(&own);
        reading.missing.into_iter().for_each(|path| self.miss(path));
        let mut inner = reading.diagnostics;
        let is_broken = inner.iter().any(is_error);
        let understood = reading.playbook.map(|mut playbook| {
            self.all_actions_of(&own, &mut playbook, &mut inner);
            Arc::new(playbook)
        });
        let playbook = understood.clone().filter(|_| !is_broken && !inner.iter().any(is_error));
        // It is known from here on, so that each file is read once.
        self.files.insert(path.clone(), File { source: own.clone(), playbook, found: inner.clone() });
        if let Some(playbook) = &understood {
            chain.push(path.clone());
            self.calls_of(&own, playbook, chain, &mut inner);
            chain.pop();
        }
        if let Some(file) = self.files.get_mut(path) {
            file.found = inner;
        }
        true
    }

    /// Takes note of a file that is needed and was not given.
    pub(super) fn miss(&mut self, path: Arc<str>) {
        if !self.missing.contains(&path) {
            self.missing.push(path);
        }
    }

    fn all_actions_of(&mut self, source: &Source, playbook: &mut Playbook, found: &mut Vec<Diagnostic>) {
        for stage in &mut playbook.stages {
            self.actions_of(source, &mut stage.steps, &mut Vec::new(), found);
        }
    }

    fn check_call(&self, caller: &Playbook, stage: &Stage, call: &Call, found: &mut Vec<Diagnostic>) {
        let Some(file) = self.files.get(&call.path) else { return };
        let path = &call.path;
        let Some(callee) = &file.playbook else {
            let errors = file.found.iter().filter(|it| is_error(it)).count().max(1);
            found.push(
                Diagnostic::error(
                    "call-broken",
                    call.span,
                    format!("`./{path}` cannot be called: it has {}", plural(errors, "error")),
                )
                .help("what is wrong is said with that file"),
            );
            return;
        };
        Called { caller, stage, call, callee }.check(found);
    }

    /// Refuses calls that go too deep; those of a circle have been refused already.
    fn check_depth(&self, root: &Playbook, found: &mut Vec<Diagnostic>) {
        let mut known = BTreeMap::new();
        for call in root.stages.iter().filter_map(|stage| stage.call.as_ref()) {
            let way = self.deepest(&call.path, &mut known, &mut Vec::new());
            if way.len() > DEEPEST {
                let names: Vec<String> = way.iter().map(|path| format!("`./{path}`")).collect();
                found.push(
                    Diagnostic::error(
                        "call-too-deep",
                        call.span,
                        format!("playbooks call each other more than {DEEPEST} deep: {}", names.join(" → ")),
                    )
                    .help("let one of them do what the one that it calls does"),
                );
            }
        }
    }

    /// Returns the longest way of calls that begins with a file.
    fn deepest(
        &self,
        path: &Arc<str>,
        known: &mut BTreeMap<Arc<str>, Vec<Arc<str>>>,
        chain: &mut Vec<Arc<str>>,
    ) -> Vec<Arc<str>> {
        if let Some(way) = known.get(path) {
            return way.clone();
        }
        if chain.contains(path) {
            return Vec::new();
        }
        chain.push(path.clone());
        let playbook = self.files.get(path).and_then(|file| file.playbook.as_ref());
        let calls = playbook.iter().flat_map(|it| &it.stages).filter_map(|stage| stage.call.as_ref());
        let below = calls.map(|call| self.deepest(&call.path, known, chain)).max_by_key(Vec::len);
        chain.pop();
        let way: Vec<Arc<str>> = std::iter::once(path.clone()).chain(below.unwrap_or_default()).collect();
        known.insert(path.clone(), way.clone());
        way
    }

    /// Tools that called files require and that are not required anyway.
    fn required(&self, of: impl Fn(&Playbook) -> Vec<Tool>, known: &[Tool]) -> Vec<Tool> {
        let mut more: Vec<Tool> = Vec::new();
        for tool in self.files.values().filter_map(|file| file.playbook.as_ref()).flat_map(|it| of(it)) {
            let is_same = |it: &Tool| it.name == tool.name && it.version == tool.version;
            if !known.iter().any(is_same) && !more.iter().any(is_same) {
                // Its place would be one of another file.
                more.push(Tool { span: Span::default(), ..tool });
            }
        }
        more
    }
}

pub(super) fn unread(path: &str, span: Span, why: &Unread) -> Diagnostic {
    match why {
        Unread::NotThere(near) => {
            let problem = Diagnostic::error(
                "call-not-found",
                span,
                format!("there is no file `{path}` in this project"),
            );
            problem.help(match near {
                Some(near) => format!("paths begin at the project's folder; did you mean `./{near}`?"),
                None => "paths begin at the project's folder, wherever the calling file is".to_owned(),
            })
        }
        Unread::Outside => {
            Diagnostic::error("call-not-local", span, format!("`{path}` leads out of this project"))
                .help("copy the file into the project")
        }
        Unread::Other(message) => {
            Diagnostic::error("call-not-found", span, format!("`{path}` cannot be read: {message}"))
                .help("make it readable, or call another file")
        }
    }
}
