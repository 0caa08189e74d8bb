//! A wizard without a terminal: what is asked next, whether an answer will do, and the way back.
//!
//! Answers are kept as they were given, and the questions are a function of them, so going back is taking the last one away.
//! Not here: the questions (`flow.rs`), how they look (`faces/wizard`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::answers::{Answers, NewStage, Then};
use super::flow::{self, Asker, Stop};
use super::template::Template;
use super::words;
use super::write;
use crate::logic::diag::{Diagnostic, Severity};
use crate::logic::playbook::scripts::{self, Library, Selector};
use crate::logic::text::{plural, shortened};

/// So many lines show what an answer would come to.
const LIVE_LINES: usize = 6;

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

/// Why an answer will not do, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub what: String,
    pub help: String,
}

impl Wrong {
    /// Says what and the way out.
    pub fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), help: help.into() }
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Tells it from all others of a session.
    pub key: String,
    /// The flag that answers it.
    pub flag: &'static str,
    pub text: String,
    /// What can be answered, in a line.
    pub help: String,
    pub kind: Kind,
    /// What was answered before somebody went back.
    pub before: Option<Reply>,
}

/// What can be answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A line. An empty one is the default, and no answer at all where that is empty and may be.
    Text {
        default: String,
        is_optional: bool,
        hints: Hints,
    },
    /// One of them.
    Choice {
        options: Vec<Choice>,
        default: usize,
    },
    /// Any of them.
    Many {
        options: Vec<Choice>,
        chosen: Vec<usize>,
    },
    Yes {
        default: bool,
    },
}

/// A thing to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub word: String,
    pub about: String,
}

/// What is shown below a line while it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hints {
    None,
    /// Words that it could be.
    Words(Vec<String>),
    /// The scripts that it selects.
    Scripts,
    /// The cells that it makes, times so many of the axes before.
    Cells(usize),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    Text(String),
    Choice(String),
    Many(Vec<String>),
    Yes(bool),
}

/// Answers that somebody wants to go on with later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub replies: Vec<(String, Reply)>,
}

/// The making of a playbook.
#[derive(Clone, Debug)]
pub struct Session<'w> {
    world: &'w World,
    replies: Vec<(String, Reply)>,
    /// What the reader had to say after each of them.
    heard: Vec<Vec<String>>,
    /// All that was ever answered, for who goes back.
    kept: BTreeMap<String, Reply>,
}

impl<'w> Session<'w> {
    /// Begins.
    #[must_use]
    pub fn new(world: &'w World) -> Self {
        Self { world, replies: Vec::new(), heard: Vec::new(), kept: BTreeMap::new() }
    }

    /// Goes on with a draft, as far as its answers still do.
    #[must_use]
    pub fn of_draft(world: &'w World, draft: Draft) -> Self {
        let mut session = Self::new(world);
        session.kept.extend(draft.replies.iter().cloned());
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
        Draft { replies: self.replies.clone() }
    }

    /// Returns how many questions were answered.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.replies.len()
    }

    /// Returns the next question; nothing when all is said.
    #[must_use]
    pub fn question(&self) -> Option<Question> {
        let Err(Stop::Ask(mut question)) = self.replay(&mut Answers::default()) else { return None };
        question.before = self.kept.get(&question.key).cloned();
        Some(*question)
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
        let Some((_, Reply::Choice(word))) = self.replies.last() else { return None };
        let is_over = self.question().is_none();
        Then::ALL.iter().find(|(_, it)| it == word).map(|(then, _)| *then).filter(|_| is_over)
    }

    fn replay(&self, answers: &mut Answers) -> Result<(), Stop> {
        flow::flow(&mut Asker::new(&self.replies, self.world), answers)
    }

    /// Takes an answer to the next question; returns what is to be said about it.
    ///
    /// # Errors
    /// Why it will not do; nothing has changed then.
    pub fn answer(&mut self, reply: Reply) -> Result<Vec<String>, Wrong> {
        let Some(question) = self.question() else {
            return Err(Wrong::new("nothing is asked any more", "save it"));
        };
        let reply = question.settled(reply)?;
        self.replies.push((question.key.clone(), reply.clone()));
        match self.looked_at() {
            Ok(heard) => {
                self.kept.insert(question.key, reply);
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

    /// Offers an answer for when its question comes.
    pub fn offer(&mut self, key: &str, reply: Reply) {
        self.kept.insert(key.to_owned(), reply);
    }

    /// Takes the last answer back, and says whether there was one. It is offered when the question comes again.
    pub fn back(&mut self) -> bool {
        self.heard.pop();
        self.replies.pop().is_some()
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

    /// Returns lines that say what an answer would come to, while it is typed.
    #[must_use]
    pub fn live(&self, question: &Question, typed: &str) -> Vec<String> {
        let Kind::Text { hints, .. } = &question.kind else { return Vec::new() };
        match hints {
            Hints::None => Vec::new(),
            Hints::Words(words) => {
                words.iter().filter(|it| it.starts_with(typed.trim())).take(LIVE_LINES).cloned().collect()
            }
            Hints::Scripts => selected(typed, &self.world.library),
            Hints::Cells(before) => cells(typed, *before),
        }
    }
}

impl Question {
    /// Returns the reply with defaults filled in.
    ///
    /// # Errors
    /// If it is no answer to this question.
    fn settled(&self, reply: Reply) -> Result<Reply, Wrong> {
        let is_known = |options: &[Choice], words: &[String]| {
            words.iter().all(|it| options.iter().any(|o| o.word == *it))
        };
        match (&self.kind, reply) {
            (Kind::Text { default, is_optional, .. }, Reply::Text(text)) => {
                let text = text.trim();
                let text = if text.is_empty() { default.as_str() } else { text };
                if text.is_empty() && !is_optional {
                    return Err(Wrong::new("this needs an answer", self.help.clone()));
                }
                Ok(Reply::Text(text.to_owned()))
            }
            (Kind::Choice { options, .. }, Reply::Choice(word))
                if is_known(options, std::slice::from_ref(&word)) =>
            {
                Ok(Reply::Choice(word))
            }
            (Kind::Many { options, .. }, Reply::Many(words)) if is_known(options, &words) => {
                // In the order of the options, each once, however somebody chose them.
                let chosen = options.iter().map(|it| &it.word).filter(|it| words.contains(it));
                Ok(Reply::Many(chosen.cloned().collect()))
            }
            (Kind::Yes { .. }, reply @ Reply::Yes(_)) => Ok(reply),
            _ => Err(Wrong::new("this is none of the choices", self.help.clone())),
        }
    }
}

fn selected(typed: &str, library: &Library) -> Vec<String> {
    let read = scripts::selectors(typed).and_then(|all| Selector::check(&all).map(|()| all));
    let all = match read {
        _ if typed.trim().is_empty() => {
            return vec![format!("{} in all", plural(library.scripts.len(), "script"))];
        }
        Ok(all) => all,
        Err(wrong) => return vec![wrong.words().0],
    };
    let found = match library.select(&all) {
        Ok(found) => found.scripts,
        Err(nothing) => return vec![scripts::no_scripts(&nothing, &all, library).0],
    };
    let mut lines: Vec<String> =
        found.iter().take(LIVE_LINES - 1).map(|it| shortened(&it.path, 70)).collect();
    match found.len().saturating_sub(lines.len()) {
        0 => {}
        more => lines.push(format!("and {more} more: {} in all", found.len())),
    }
    lines
}

fn cells(typed: &str, before: usize) -> Vec<String> {
    if typed.trim().is_empty() {
        return vec![format!("{} so far", plural(before, "cell"))];
    }
    match words::axis(typed) {
        Ok((name, values)) => {
            let all = before.saturating_mul(values.len());
            let values = plural(values.len(), "value");
            vec![format!("{name}: {values}, {} in all", plural(all, "cell"))]
        }
        Err(wrong) => vec![wrong.what],
    }
}
