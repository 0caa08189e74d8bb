//! A talk with a person: questions, each of which depends on the answers before, with a way back.
//!
//! Pure. A talk is written as if every question were answered at once: [`Asker`] gives the answers that there are, and stops at
//! the first one that is missing. Answers are kept as they were given and the questions are a function of them, so going back
//! is taking the last one away. Not here: what is asked (`author`, `plan/inputs/ask.rs`), how it looks (`faces/wizard`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is asked, and what came of it.
pub trait Talk {
    /// Returns the next question; nothing when all is said.
    fn question(&self) -> Option<Question>;

    /// Takes an answer to the next question; returns what is to be said about it.
    ///
    /// # Errors
    /// Why it will not do; nothing has changed then.
    fn answer(&mut self, reply: Reply) -> Result<Vec<String>, Wrong>;

    /// Says whether an answer to the next question would do, and takes nothing.
    ///
    /// # Errors
    /// Why it will not do.
    fn would_do(&self, reply: Reply) -> Result<(), Wrong>;

    /// Takes the last answer back, and says whether there was one. It is offered when the question comes again.
    fn back(&mut self) -> bool;

    /// Returns lines that say what an answer would come to, while it is typed.
    fn live(&self, _question: &Question, _typed: &str) -> Vec<String> {
        Vec::new()
    }
}

/// A talk that is nothing but its answers: whatever follows from them is found again each time.
pub trait Replayed: Clone {
    /// Returns the answers so far.
    fn replies(&self) -> &Replies;

    /// The same, to be changed.
    fn replies_mut(&mut self) -> &mut Replies;

    /// Goes through all questions.
    ///
    /// # Errors
    /// The first that has no answer, or an answer that will not do.
    fn replay(&self) -> Result<(), Stop>;

    /// Looks at the last answer, which has been taken already.
    ///
    /// # Errors
    /// Why it will not do.
    fn look(&self) -> Result<(), Wrong>;

    /// As [`Talk::live`].
    fn hints(&self, _question: &Question, _typed: &str) -> Vec<String> {
        Vec::new()
    }
}

impl<T: Replayed> Talk for T {
    fn question(&self) -> Option<Question> {
        let Err(Stop::Ask(mut question)) = self.replay() else { return None };
        question.before = self.replies().kept(&question.key);
        Some(*question)
    }

    fn answer(&mut self, reply: Reply) -> Result<Vec<String>, Wrong> {
        let Some(question) = self.question() else {
            return Err(Wrong::new("nothing is asked any more", "go on"));
        };
        let reply = question.settled(reply)?;
        self.replies_mut().push(question.key.clone(), reply.clone());
        if let Err(wrong) = self.look() {
            self.replies_mut().pop();
            return Err(wrong);
        }
        self.replies_mut().keep(question.key, reply);
        Ok(Vec::new())
    }

    fn would_do(&self, reply: Reply) -> Result<(), Wrong> {
        self.clone().answer(reply).map(|_| ())
    }

    fn back(&mut self) -> bool {
        self.replies_mut().pop()
    }

    fn live(&self, question: &Question, typed: &str) -> Vec<String> {
        self.hints(question, typed)
    }
}

/// Answers in their order, and all that was ever answered, for who goes back.
#[derive(Clone, Debug, Default)]
pub struct Replies {
    given: Vec<(String, Reply)>,
    kept: BTreeMap<String, Reply>,
}

impl Replies {
    /// Returns those that count.
    #[must_use]
    pub fn given(&self) -> &[(String, Reply)] {
        &self.given
    }

    /// Returns what was answered to a question before somebody went back.
    #[must_use]
    pub fn kept(&self, key: &str) -> Option<Reply> {
        self.kept.get(key).cloned()
    }

    /// Returns every answer that is offered when its question comes again.
    #[must_use]
    pub fn all_kept(&self) -> Vec<(String, Reply)> {
        self.kept.iter().map(|(key, reply)| (key.clone(), reply.clone())).collect()
    }

    /// Takes one more.
    pub fn push(&mut self, key: String, reply: Reply) {
        self.given.push((key, reply));
    }

    /// Offers an answer when its question comes again.
    pub fn keep(&mut self, key: String, reply: Reply) {
        self.kept.insert(key, reply);
    }

    /// Takes the last one away, and says whether there was one.
    pub fn pop(&mut self) -> bool {
        self.given.pop().is_some()
    }
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
    /// A line that nobody may see, neither now nor later.
    Hidden,
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

impl Question {
    /// Returns the reply with defaults filled in.
    ///
    /// # Errors
    /// If it is no answer to this question.
    pub fn settled(&self, reply: Reply) -> Result<Reply, Wrong> {
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
            (Kind::Hidden, Reply::Text(text)) if text.is_empty() => {
                Err(Wrong::new("this needs an answer", self.help.clone()))
            }
            // As it is: blanks may belong to it.
            (Kind::Hidden, reply @ Reply::Text(_)) => Ok(reply),
            _ => Err(Wrong::new("this is none of the choices", self.help.clone())),
        }
    }
}

/// Why there is no next line of the flow yet.
pub enum Stop {
    /// This has to be asked first.
    Ask(Box<Question>),
    /// The last answer will not do.
    Wrong(Wrong),
}

impl From<Wrong> for Stop {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

/// Gives the answers that there are.
pub struct Asker<'a> {
    replies: std::slice::Iter<'a, (String, Reply)>,
}

/// What every question has.
pub struct Ask<'q> {
    pub key: String,
    /// The flag that answers it; empty if there is none.
    pub flag: &'static str,
    pub text: &'q str,
    pub help: &'q str,
}

impl<'a> Asker<'a> {
    /// Begins with the first answer.
    #[must_use]
    pub fn new(replies: &'a [(String, Reply)]) -> Self {
        Self { replies: replies.iter() }
    }

    fn reply(&mut self, ask: &Ask<'_>, kind: Kind) -> Result<&'a Reply, Stop> {
        match self.replies.next() {
            Some((key, reply)) if *key == ask.key => Ok(reply),
            _ => Err(Stop::Ask(Box::new(Question {
                key: ask.key.clone(),
                flag: ask.flag,
                text: ask.text.to_owned(),
                help: ask.help.to_owned(),
                kind,
                before: None,
            }))),
        }
    }

    fn line(
        &mut self,
        ask: &Ask<'_>,
        default: &str,
        is_optional: bool,
        hints: Hints,
    ) -> Result<&'a str, Stop> {
        let kind = Kind::Text { default: default.to_owned(), is_optional, hints };
        match self.reply(ask, kind)? {
            Reply::Text(text) => Ok(text),
            _ => Ok(""),
        }
    }

    /// Asks for a line that has to be there.
    ///
    /// # Errors
    /// If it was not answered yet, as with all of them.
    pub fn text(&mut self, ask: &Ask<'_>, default: &str, hints: Hints) -> Result<&'a str, Stop> {
        self.line(ask, default, false, hints)
    }

    /// Asks for a line that may be empty.
    ///
    /// # Errors
    /// If it was not answered yet.
    pub fn maybe(&mut self, ask: &Ask<'_>, hints: Hints) -> Result<&'a str, Stop> {
        self.line(ask, "", true, hints)
    }

    /// Asks for one of them.
    ///
    /// # Errors
    /// If it was not answered yet.
    pub fn choice(&mut self, ask: &Ask<'_>, options: Vec<Choice>, default: usize) -> Result<&'a str, Stop> {
        match self.reply(ask, Kind::Choice { options, default })? {
            Reply::Choice(word) => Ok(word),
            _ => Ok(""),
        }
    }

    /// Asks for any of them.
    ///
    /// # Errors
    /// If it was not answered yet.
    pub fn many(
        &mut self,
        ask: &Ask<'_>,
        options: Vec<Choice>,
        chosen: Vec<usize>,
    ) -> Result<&'a [String], Stop> {
        match self.reply(ask, Kind::Many { options, chosen })? {
            Reply::Many(words) => Ok(words),
            _ => Ok(&[]),
        }
    }

    /// Asks for a yes or a no.
    ///
    /// # Errors
    /// If it was not answered yet.
    pub fn yes(&mut self, ask: &Ask<'_>, default: bool) -> Result<bool, Stop> {
        Ok(matches!(self.reply(ask, Kind::Yes { default })?, Reply::Yes(true)))
    }

    /// Asks for a line that nobody may see.
    ///
    /// # Errors
    /// If it was not answered yet.
    pub fn hidden(&mut self, ask: &Ask<'_>) -> Result<&'a str, Stop> {
        match self.reply(ask, Kind::Hidden)? {
            Reply::Text(text) => Ok(text),
            _ => Ok(""),
        }
    }
}

/// Returns choices with what they are.
#[must_use]
pub fn choices(all: &[(&str, &str)]) -> Vec<Choice> {
    all.iter().map(|(word, about)| Choice { word: (*word).to_owned(), about: (*about).to_owned() }).collect()
}
