//! The changing of a playbook by questions: what was changed so far, whether an answer will do, and the way back.
//!
//! What was answered is all that is kept; edits are a function of it, made in memory one after the other. Not here: the
//! questions (`questions.rs`), how they look (`faces/wizard`), writing (`engine/rewrite.rs`).

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::super::live;
use super::outline::{Outline, outline};
use super::questions;
use super::{Change, Read, tried};
use crate::logic::diag::Diagnostic;
use crate::logic::playbook::scripts::Library;
use crate::logic::playbook::source::Source;
use crate::logic::talk::{Asker, Question, Replayed, Replies, Stop, Wrong};

/// The playbook that is changed.
pub struct Subject<'w> {
    pub source: Source,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
    /// The numbered scripts of the project.
    pub library: &'w Library,
    pub read: Read<'w>,
}

/// An edit that was made.
#[derive(Clone, Debug)]
pub struct Made {
    pub change: Change,
    /// The text before it and behind it.
    pub before: Source,
    pub after: Source,
    /// What is wrong with it behind it.
    pub diagnostics: Vec<Diagnostic>,
}

/// What is to become of the edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Write,
    Discard,
}

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) made: Vec<Made>,
    /// The edit that is asked about, as far as it can be tried.
    pub(super) partial: Option<Change>,
    pub(super) then: Option<Then>,
}

type Tries = HashMap<(Arc<str>, String), Result<(Source, Vec<Diagnostic>), Wrong>>;

/// The changing of a playbook.
#[derive(Clone)]
pub struct Editing<'w> {
    subject: &'w Subject<'w>,
    replies: Replies,
    /// What was tried before comes to the same again.
    tries: Rc<RefCell<Tries>>,
    outlines: Rc<RefCell<HashMap<Arc<str>, Rc<Outline>>>>,
}

impl<'w> Editing<'w> {
    /// Begins.
    #[must_use]
    pub fn new(subject: &'w Subject<'w>) -> Self {
        Self { subject, replies: Replies::default(), tries: Rc::default(), outlines: Rc::default() }
    }

    /// Returns the edits that were made so far.
    #[must_use]
    pub fn made(&self) -> Vec<Made> {
        self.told().made
    }

    /// Returns what is to become of them, once all is said.
    #[must_use]
    pub fn then(&self) -> Option<Then> {
        self.told().then
    }

    /// Returns the text as it would be.
    #[must_use]
    pub fn text(&self) -> Source {
        self.told().made.pop().map_or_else(|| self.subject.source.clone(), |it| it.after)
    }

    fn told(&self) -> Told {
        let mut told = Told::default();
        // Where it stopped is not of interest.
        let _stop = self.follow(&mut told);
        told
    }

    fn follow(&self, told: &mut Told) -> Result<(), Stop> {
        questions::ask(&mut Asker::new(self.replies.given()), self, told)
    }

    pub(super) fn library(&self) -> &Library {
        self.subject.library
    }

    /// Returns what can be changed now.
    pub(super) fn outline(&self, told: &Told) -> Rc<Outline> {
        let source = told.made.last().map_or(&self.subject.source, |it| &it.after);
        let mut known = self.outlines.borrow_mut();
        Rc::clone(known.entry(Arc::clone(&source.text)).or_insert_with(|| Rc::new(outline(source))))
    }

    /// Makes one edit behind the others, and returns the text then.
    pub(super) fn attempt(&self, told: &Told, change: &Change) -> Result<(Source, Vec<Diagnostic>), Wrong> {
        let Subject { source, diagnostics, read, .. } = self.subject;
        let (source, known) =
            told.made.last().map_or((source, diagnostics), |it| (&it.after, &it.diagnostics));
        let key = (Arc::clone(&source.text), format!("{change:?}"));
        if let Some(known) = self.tries.borrow().get(&key) {
            return known.clone();
        }
        let tried = change.edits().and_then(|edits| {
            let made = tried(source, known, &edits, *read).map(|it| (it.source, it.diagnostics));
            made.map_err(|refusal| {
                refusal.problems.first().map_or_else(
                    || Wrong::new("this cannot be changed", "make this change by hand"),
                    |it| {
                        let more = || format!("sortie explain {}", it.slug);
                        Wrong::new(it.message.clone(), it.help.clone().unwrap_or_else(more))
                    },
                )
            })
        });
        self.tries.borrow_mut().insert(key, tried.clone());
        tried
    }

    /// Makes an edit for good.
    pub(super) fn make(&self, told: &mut Told, change: Change) -> Result<(), Wrong> {
        told.partial = None;
        let (after, diagnostics) = self.attempt(told, &change)?;
        let before = told.made.last().map_or_else(|| self.subject.source.clone(), |it| it.after.clone());
        if after.text == before.text {
            return Err(Wrong::new("nothing would change", "answer otherwise; Esc goes back"));
        }
        told.made.push(Made { change, before, after, diagnostics });
        Ok(())
    }
}

impl Replayed for Editing<'_> {
    fn replies(&self) -> &Replies {
        &self.replies
    }

    fn replies_mut(&mut self) -> &mut Replies {
        &mut self.replies
    }

    fn replay(&self) -> Result<(), Stop> {
        self.follow(&mut Told::default())
    }

    fn look(&self) -> Result<(), Wrong> {
        let mut told = Told::default();
        match self.follow(&mut told) {
            Err(Stop::Wrong(wrong)) => Err(wrong),
            _ => told.partial.take().map_or(Ok(()), |change| self.attempt(&told, &change).map(|_| ())),
        }
    }

    fn hints(&self, question: &Question, typed: &str) -> Vec<String> {
        live::lines(question, typed, self.subject.library)
    }
}
