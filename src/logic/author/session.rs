//! A wizard without a terminal: what is asked next, whether an answer will do, and the way back.
//!
//! Answers are kept as they were given, and the questions are a function of them, so going back is taking the last one away.
//! Not here: the questions (`flow.rs`), how they look (`faces/wizard`).

use serde::{Deserialize, Serialize};

use super::answers::{Answers, NewStage, Then};
use super::flow;
use super::live;
use super::template::Template;
use super::write;
use crate::logic::diag::{Diagnostic, Severity};
use crate::logic::playbook::scripts::Library;
use crate::logic::talk::{Asker, Question, Replies, Reply, Stop, Talk, Wrong};

/// What is known of the project.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Playbooks that are there, as they are called.
    pub names: Vec<String>,
    pub categories: Vec<String>,
    pub library: Library,
    pub templates: Vec<Template>,
    /// The time zone of this machine.
    pub zone: String,
}

/// Answers that somebody wants to go on with later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub replies: Vec<(String, Reply)>,
    /// What was answered before somebody went back, for when its question comes again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<(String, Reply)>,
}

impl Draft {
    /// Returns how many questions were answered, those included that somebody went back behind.
    #[must_use]
    pub fn answered(&self) -> usize {
        let is_new = |it: &&(String, Reply)| self.replies.iter().all(|(key, _)| *key != it.0);
        self.replies.len() + self.kept.iter().filter(is_new).count()
    }
}

/// The making of a playbook.
#[derive(Clone, Debug)]
pub struct Session<'w> {
    world: &'w World,
    replies: Replies,
    /// What the reader had to say after each of them.
    heard: Vec<Vec<String>>,
}

impl<'w> Session<'w> {
    /// Begins.
    #[must_use]
    pub fn new(world: &'w World) -> Self {
        Self { world, replies: Replies::default(), heard: Vec::new() }
    }

    /// Goes on with a draft, as far as its answers still do.
    #[must_use]
    pub fn of_draft(world: &'w World, draft: Draft) -> Self {
        let mut session = Self::new(world);
        let all = draft.kept.iter().chain(&draft.replies);
        all.for_each(|(key, reply)| session.offer(key, reply.clone()));
        for (key, reply) in draft.replies {
            let is_next = session.question().is_some_and(|it| it.key == key);
            if !is_next || session.answer(reply).is_err() {
                break;
            }
        }
        session
    }

    /// Returns what is to be kept for later.
    #[must_use]
    pub fn draft(&self) -> Draft {
        let replies = self.replies.given().to_vec();
        let kept = self.replies.all_kept().into_iter().filter(|it| !replies.contains(it)).collect();
        Draft { replies, kept }
    }

    /// Returns what is known so far.
    #[must_use]
    pub fn answers(&self) -> Answers {
        let mut answers = Answers::default();
        // Where it stopped is not of interest.
        let _stop = self.replay(&mut answers);
        answers
    }

    /// Returns what is to be done with the playbook, once all is said.
    #[must_use]
    pub fn then(&self) -> Option<Then> {
        let Some((_, Reply::Choice(word))) = self.replies.given().last() else { return None };
        let is_over = self.question().is_none();
        Then::ALL.iter().find(|(_, it)| it == word).map(|(then, _)| *then).filter(|_| is_over)
    }

    fn replay(&self, answers: &mut Answers) -> Result<(), Stop> {
        flow::flow(&mut Asker::new(self.replies.given()), self.world, answers)
    }

    /// Offers an answer for when its question comes.
    pub fn offer(&mut self, key: &str, reply: Reply) {
        self.replies.keep(key.to_owned(), reply);
    }

    /// Returns all that the reader has to say now.
    fn looked_at(&self) -> Result<Vec<String>, Wrong> {
        let mut answers = Answers::default();
        if let Err(Stop::Wrong(wrong)) = self.replay(&mut answers) {
            return Err(wrong);
        }
        let found = self.found(answers);
        if let Some(error) = found.iter().find(|it| it.severity == Severity::Error) {
            let help = error.help.clone().unwrap_or_else(|| format!("sortie explain {}", error.slug));
            return Err(Wrong::new(error.message.clone(), help));
        }
        Ok(found.into_iter().map(|it| it.message).collect())
    }

    /// Returns what the reader says about the playbook as far as it is known.
    fn found(&self, mut answers: Answers) -> Vec<Diagnostic> {
        if answers.stages.is_empty() {
            // Some stage there will be.
            answers.stages.push(NewStage { id: "stage".to_owned(), ..NewStage::default() });
        }
        let text = write::text(&answers, &self.world.templates);
        write::problems(&answers.name, &text, &self.world.library).1
    }
}

impl Talk for Session<'_> {
    fn question(&self) -> Option<Question> {
        let Err(Stop::Ask(mut question)) = self.replay(&mut Answers::default()) else { return None };
        question.before = self.replies.kept(&question.key);
        Some(*question)
    }

    fn answer(&mut self, reply: Reply) -> Result<Vec<String>, Wrong> {
        let Some(question) = self.question() else {
            return Err(Wrong::new("nothing is asked any more", "save it"));
        };
        let reply = question.settled(reply)?;
        self.replies.push(question.key.clone(), reply.clone());
        match self.looked_at() {
            Ok(heard) => {
                self.replies.keep(question.key, reply);
                let before = self.heard.last().map_or(&[][..], |it| &it[..]);
                let notes = heard.iter().filter(|it| !before.contains(it)).cloned().collect();
                self.heard.push(heard);
                Ok(notes)
            }
            Err(wrong) => {
                self.replies.pop();
                Err(wrong)
            }
        }
    }

    fn would_do(&self, reply: Reply) -> Result<(), Wrong> {
        self.clone().answer(reply).map(|_| ())
    }

    fn back(&mut self) -> bool {
        self.heard.pop();
        self.replies.pop()
    }

    fn live(&self, question: &Question, typed: &str) -> Vec<String> {
        live::lines(question, typed, &self.world.library)
    }
}
