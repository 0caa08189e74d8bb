//! The talk about what a job is started with: a question for each input and for each secret that nobody gave.
//!
//! Pure. What is right is decided where the command line decides it (`check`). Not here: which secrets are missing, and how
//! somebody is asked (`faces/asking.rs`).

use serde_json::Value as Json;

use super::{check, plain};
use crate::logic::playbook::model::{Input, InputKind};
use crate::logic::talk::{Ask, Asker, Choice, Hints, Replayed, Replies, Stop, Wrong};
use crate::logic::text::shortened;

/// Longest description of an input in its question.
const ABOUT: usize = 100;

/// What chooses no value.
const NONE: &str = "(none)";

/// A secret that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSecret {
    pub name: String,
    /// The environment variable that it would come from.
    pub variable: String,
}

/// What somebody said, in the order of the playbook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Inputs, as texts: those that are to be given besides what was given.
    pub inputs: Vec<(String, String)>,
    pub secrets: Vec<(String, String)>,
}

/// The talk.
#[derive(Clone, Debug)]
pub struct Starting<'p> {
    /// The inputs that are asked for.
    inputs: Vec<&'p Input>,
    given: &'p [(String, Json)],
    secrets: Vec<OpenSecret>,
    replies: Replies,
}

impl<'p> Starting<'p> {
    /// Asks for what is required and not given; with `all` for every input, with what is given on offer. What was given and is
    /// wrong is not asked for: it is told first.
    #[must_use]
    pub fn new(
        declared: &'p [Input],
        given: &'p [(String, Json)],
        secrets: Vec<OpenSecret>,
        all: bool,
    ) -> Self {
        let problems = check(declared, given).err().unwrap_or_default();
        let is_wrong = problems.iter().any(|it| it.slug != "missing-input");
        let is_open = |it: &&Input| {
            let is_given = given.iter().any(|(name, _)| name.eq_ignore_ascii_case(&it.name));
            all || (it.required && it.default.is_none() && !is_given)
        };
        let (inputs, secrets) = match is_wrong {
            true => (Vec::new(), Vec::new()),
            false => (declared.iter().filter(is_open).collect(), secrets),
        };
        Self { inputs, given, secrets, replies: Replies::default() }
    }

    /// Returns what was said so far.
    #[must_use]
    pub fn said(&self) -> Said {
        let mut said = Said::default();
        // Where it stopped is not of interest.
        let _stop = self.flow(&mut said);
        said
    }

    fn flow(&self, said: &mut Said) -> Result<(), Stop> {
        let mut asker = Asker::new(self.replies.given());
        for input in &self.inputs {
            if let Some(text) = self.input(&mut asker, input)? {
                said.inputs.push((input.name.to_string(), text));
            }
        }
        for secret in &self.secrets {
            let OpenSecret { name, variable } = secret;
            let text = format!("Value of the secret `{name}`?");
            let help = format!("not shown and not kept; `{variable}` gives it without a question");
            let ask = Ask { key: format!("secret.{name}"), flag: "", text: &text, help: &help };
            said.secrets.push((name.clone(), asker.hidden(&ask)?.to_owned()));
        }
        Ok(())
    }

    /// Returns the value that is to be given; nothing if it is what comes without.
    fn input(&self, asker: &mut Asker<'_>, input: &Input) -> Result<Option<String>, Stop> {
        let last = self.given.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(&input.name));
        let given = last.map(|(_, json)| plain(json));
        let default = input.default.as_ref().map(|it| plain(&it.to_json()));
        let offer = given.clone().or_else(|| default.clone());
        let (text, help) = (title(input), help(input));
        let ask = Ask { key: format!("input.{}", input.name), flag: "--input", text: &text, help: &help };
        let is_optional = !input.required || default.is_some();
        let said = match &input.kind {
            InputKind::Choice { options } => {
                let mut all: Vec<Choice> = options.iter().map(|it| choice(it)).collect();
                if is_optional && offer.is_none() && !options.iter().any(|it| it == NONE) {
                    all.insert(0, choice(NONE));
                }
                let at = offer.and_then(|offer| all.iter().position(|it| it.word == offer)).unwrap_or(0);
                asker.choice(&ask, all, at)?.to_owned()
            }
            InputKind::Boolean => asker.yes(&ask, offer.as_deref() == Some("true"))?.to_string(),
            InputKind::String { .. } | InputKind::Number | InputKind::Json => {
                let offer = offer.unwrap_or_default();
                let is_line = !offer.contains(['\n', '\r']);
                match is_optional {
                    // A text of several lines is no line to offer; without an answer it is what it is.
                    _ if !is_line => asker.maybe(&ask, Hints::None)?.to_owned(),
                    true if offer.is_empty() => asker.maybe(&ask, Hints::None)?.to_owned(),
                    _ => asker.text(&ask, &offer, Hints::None)?.to_owned(),
                }
            }
        };
        let is_silent = match (&given, &default) {
            (Some(given), _) => said == *given || said.is_empty(),
            (None, Some(default)) => said == *default || said.is_empty(),
            (None, None) => {
                said.is_empty() || (said == NONE && matches!(input.kind, InputKind::Choice { .. }))
            }
        };
        Ok((!is_silent).then_some(said))
    }
}

impl Replayed for Starting<'_> {
    fn replies(&self) -> &Replies {
        &self.replies
    }

    fn replies_mut(&mut self) -> &mut Replies {
        &mut self.replies
    }

    fn replay(&self) -> Result<(), Stop> {
        self.flow(&mut Said::default())
    }

    /// With the eyes of the command line.
    fn look(&self) -> Result<(), Wrong> {
        let mut said = Said::default();
        if let Err(Stop::Wrong(wrong)) = self.flow(&mut said) {
            return Err(wrong);
        }
        for input in &self.inputs {
            let Some((name, text)) = said.inputs.iter().find(|(name, _)| **name == *input.name) else {
                continue;
            };
            let given = [(name.clone(), Json::String(text.clone()))];
            if let Err(problems) = check(std::slice::from_ref(*input), &given)
                && let Some(problem) = problems.into_iter().next()
            {
                return Err(Wrong::new(problem.message, problem.help.unwrap_or_default()));
            }
        }
        Ok(())
    }
}

fn choice(word: &str) -> Choice {
    Choice { word: word.to_owned(), about: String::new() }
}

fn title(input: &Input) -> String {
    let about = input.description.as_deref().map(str::trim).unwrap_or_default();
    match about.lines().next() {
        Some(line) => format!("{}: {}", input.name, shortened(line, ABOUT)),
        None => format!("Value of `{}`?", input.name),
    }
}

fn help(input: &Input) -> String {
    match &input.kind {
        InputKind::String { pattern: Some(pattern) } => {
            format!("all of it matches `{}`", shortened(pattern, 60))
        }
        InputKind::String { pattern: None } => "a text".to_owned(),
        InputKind::Number => "a number such as `3` or `0.5`".to_owned(),
        InputKind::Boolean => "y or n".to_owned(),
        InputKind::Choice { .. } => "arrows choose, Enter goes on, Esc goes back".to_owned(),
        InputKind::Json => r#"JSON such as `{"key": 1}`"#.to_owned(),
    }
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
