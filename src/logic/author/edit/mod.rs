//! Edits of a playbook by command: stages, needs, matrices and inputs, as changes of its text.
//!
//! Nothing but what an edit is about changes: comments, order, quotes, indentation and line breaks stay as they are, because
//! a change is a few bytes in, out or replaced (`pen.rs`), never a document written anew. What cannot be done so is refused
//! with its place. Whatever was done is then read again, compared with the same edit of the bare values (`expected.rs`), and
//! checked: no edit makes a playbook worse.
//!
//! Not here: files (`engine/library.rs`), the layout of a whole file (`author/format`). Start with `Edit` and `apply`.

mod change;
mod expected;
mod inputs;
mod lists;
mod outline;
mod part;
mod pen;
mod questions;
mod references;
mod stages;
mod talk;
mod tried;

#[cfg(test)]
pub(super) mod tests;

pub use change::{AddStage, Change, SetInput};
pub use outline::{InputOutline, Outline, StageOutline, outline};
pub use part::Part;
pub use talk::{Editing, Made, Subject, Then};
pub use tried::{Read, tried, worsened};

use super::layout::plain::Plain;
use super::layout::{Doc, span};
use crate::logic::diag::{Diagnostic, Severity};
use crate::logic::playbook::source::{Source, Span};
use crate::logic::playbook::{self, tree};
use pen::Pen;

/// A change that a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    AddStage {
        name: String,
        stage: NewStage,
        at: Spot,
    },
    /// Renames a stage with everything in the file that names it.
    RenameStage {
        from: String,
        to: String,
    },
    /// Removes a stage. What needs it keeps it, unless it is to be unlinked: then it goes from all lists that name it.
    RemoveStage {
        name: String,
        unlink: bool,
    },
    Needs {
        stage: String,
        change: Needs,
    },
    /// Adds an axis, or gives it these values.
    SetAxis {
        stage: String,
        axis: String,
        values: Vec<Part>,
    },
    RemoveAxis {
        stage: String,
        axis: String,
    },
    RemoveMatrix {
        stage: String,
    },
    /// Adds an input, or changes the keys that are named of the one that is there.
    SetInput {
        name: String,
        keys: Vec<(String, Part)>,
    },
    /// Renames an input with all expressions that name it.
    RenameInput {
        from: String,
        to: String,
    },
    RemoveInput {
        name: String,
    },
}

/// Where a stage goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Spot {
    /// Behind all stages.
    #[default]
    End,
    Before(String),
    After(String),
}

/// A change of the stages that one needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needs {
    Set(Vec<String>),
    Add(Vec<String>),
    Remove(Vec<String>),
}

/// A stage to add.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewStage {
    /// What it does; a single command becomes `run`, everything else `steps`.
    pub steps: Vec<NewStep>,
    pub needs: Vec<String>,
    pub matrix: Vec<(String, Vec<Part>)>,
    /// Further keys in their order, behind `needs` and `matrix`.
    pub keys: Vec<(String, Part)>,
}

/// A step of a stage to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewStep {
    Run(String),
    /// Selectors of numbered scripts.
    Script(Vec<String>),
}

/// A playbook after its edits.
#[derive(Clone, Debug)]
pub struct Edited {
    pub source: Source,
    /// What is wrong with it, none of which is an error that was not there before.
    pub diagnostics: Vec<Diagnostic>,
}

/// Why an edit is not made.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The text that the places are in: the one that was given or, if an edit would have made it wrong, what it would be.
    pub source: Source,
    pub problems: Vec<Diagnostic>,
    /// Whether the text is one that is written nowhere.
    pub is_after: bool,
}

/// Why a change cannot be made, with its place in the text as it is.
type Fault = Box<Diagnostic>;

/// Edits a playbook, one edit after the other; all of them or none.
///
/// # Errors
/// If one cannot be made, would change something else, or would make the playbook wrong.
pub fn apply(source: &Source, edits: &[Edit]) -> Result<Edited, Refusal> {
    let mut edited: Option<Edited> = None;
    for edit in edits {
        let known = edited.as_ref().map(|it| &it.diagnostics[..]);
        let before = edited.as_ref().map_or(source, |it| &it.source);
        if let Some(after) = one(before, known, edit)? {
            edited = Some(after);
        }
    }
    let as_it_is = || Edited { source: source.clone(), diagnostics: playbook::read(source).diagnostics };
    Ok(edited.unwrap_or_else(as_it_is))
}

/// Makes one edit; nothing if the text is what it asks for already. `known` is what is wrong with the text, if that was read.
fn one(source: &Source, known: Option<&[Diagnostic]>, edit: &Edit) -> Result<Option<Edited>, Refusal> {
    let refused = |problems: Vec<Diagnostic>| Refusal { source: source.clone(), problems, is_after: false };
    // What is no sound YAML has to be mended by hand: nobody can tell what would become of it.
    let unsound = unsound(source);
    if !unsound.is_empty() {
        return Err(refused(unsound));
    }
    let Some(doc) = Doc::parse(&source.text) else { return Err(refused(vec![not_understood()])) };
    let mut expected = Plain::of(&doc, doc.root);
    let mut draft = Draft { text: source.text.to_string() };
    if let Err(fault) = carry_out(edit, &mut draft) {
        // What is wrong with a later part of an edit has its place in the text that the first part made.
        let source = Source::new(source.name.clone(), draft.text.as_str());
        return Err(Refusal { source, problems: vec![*fault], is_after: false });
    }
    if draft.text == *source.text {
        return Ok(None);
    }
    let new = Source::new(source.name.clone(), draft.text).with_called_of(source);
    let after = |problems| Refusal { source: new.clone(), problems, is_after: true };
    let unsound = self::unsound(&new);
    if !unsound.is_empty() {
        return Err(after(unsound));
    }
    expected::edit(&mut expected, edit);
    let mut found = Doc::parse(&new.text).map(|doc| Plain::of(&doc, doc.root));
    found.iter_mut().for_each(expected::settle);
    expected::settle(&mut expected);
    if found.is_none_or(|found| found != expected) {
        return Err(refused(vec![changes_more(source, &new)]));
    }
    let diagnostics = playbook::read(&new).diagnostics;
    // Most playbooks have no errors, and what was wrong before does not matter then.
    if diagnostics.iter().any(|it| it.severity == Severity::Error) {
        let before = known.map_or_else(|| playbook::read(source).diagnostics, <[Diagnostic]>::to_vec);
        let worse = worsened(&before, &diagnostics);
        if !worse.is_empty() {
            return Err(after(worse));
        }
    }
    Ok(Some(Edited { source: new, diagnostics }))
}

/// Returns what makes a text no sound YAML.
#[must_use]
pub fn unsound(source: &Source) -> Vec<Diagnostic> {
    if source.text.len() > playbook::SIZE_LIMIT {
        return playbook::read(source).diagnostics;
    }
    let (tree, mut found) = tree::parse(source);
    if tree.is_none() && found.is_empty() {
        return playbook::read(source).diagnostics;
    }
    found.retain(|it| it.severity == Severity::Error);
    found
}

/// Says that an edit would have changed something that it is not about.
fn changes_more(old: &Source, new: &Source) -> Diagnostic {
    let same = old.text.bytes().zip(new.text.bytes()).take_while(|(a, b)| a == b).count();
    let same = (0..=same).rev().find(|at| old.text.is_char_boundary(*at)).unwrap_or(0);
    fault(span(same, same), "this change would change the meaning of something else, too")
        .help("the playbook is written in an unusual way here; make this change by hand")
}

fn not_understood() -> Diagnostic {
    fault(Span::default(), "the signs of this file cannot all be told, so nothing in it is touched")
        .help("make this change by hand")
}

fn fault(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("edit-not-possible", span, message)
}

/// A text that is changed step by step.
struct Draft {
    text: String,
}

impl Draft {
    fn step<T>(&mut self, change: impl FnOnce(&mut Pen<'_, '_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let doc = Doc::parse(&self.text).ok_or_else(|| Box::new(not_understood()))?;
        let mut pen = Pen::new(&doc);
        let answer = change(&mut pen)?;
        self.text = pen.finish();
        Ok(answer)
    }
}

fn carry_out(edit: &Edit, draft: &mut Draft) -> Result<(), Fault> {
    match edit {
        Edit::AddStage { name, stage, at } => draft.step(|pen| stages::add(pen, name, stage, at)),
        Edit::RenameStage { from, to } => draft.step(|pen| stages::rename(pen, from, to)),
        Edit::RemoveStage { name, unlink } => stages::remove(draft, name, *unlink),
        Edit::Needs { stage, change } => lists::needs(draft, stage, change),
        Edit::SetAxis { stage, axis, values } => lists::set_axis(draft, stage, axis, values),
        Edit::RemoveAxis { stage, axis } => draft.step(|pen| lists::remove_axis(pen, stage, axis)),
        Edit::RemoveMatrix { stage } => draft.step(|pen| lists::remove_matrix(pen, stage)),
        Edit::SetInput { name, keys } => inputs::set(draft, name, keys),
        Edit::RenameInput { from, to } => draft.step(|pen| inputs::rename(pen, from, to)),
        Edit::RemoveInput { name } => draft.step(|pen| inputs::remove(pen, name)),
    }
}
