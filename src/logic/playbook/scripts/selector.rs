//! Selectors: `0402`, `0400-0499`, `04*`, `stage:Core`, `tag:lint`, each with `!` before it to take out, in lists.

use super::Script;
use crate::logic::text::shortened;

/// One selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    what: What,
    /// It takes out of what the others choose.
    pub is_out: bool,
    /// As it was written, without spaces around it.
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Number(u16),
    /// Both ends belong to it.
    Range(u16, u16),
    /// The first digits of four.
    Prefix(String),
    Stage(String),
    Tag(String),
}

/// What is wrong with a text that should be selectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// That part is no selector.
    NoSelector(String),
    /// A range ends before it begins.
    Backwards(String),
    /// All of them take out.
    OnlyOut,
    /// There is none.
    Nothing,
}

impl Wrong {
    /// Says it, and the way out.
    #[must_use]
    pub fn words(&self) -> (String, String) {
        let message = match self {
            Self::NoSelector(text) => format!("`{}` selects no scripts", shortened(text, 40)),
            Self::Backwards(text) => format!("the range `{text}` ends before it begins"),
            Self::OnlyOut => "these selectors only take out, and nothing chooses".to_owned(),
            Self::Nothing => "no script is selected".to_owned(),
        };
        let help =
            "selectors are `0402`, `0400-0499`, `04*`, `stage:NAME` and `tag:NAME`; `!` before one takes out";
        (message, help.to_owned())
    }
}

/// Reads selectors: a text of them, split at commas.
///
/// # Errors
/// The first part that is none.
pub fn selectors(text: &str) -> Result<Vec<Selector>, Wrong> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(selector).collect()
}

/// Says whether a word of a command line may mean scripts and nothing else.
#[must_use]
pub fn is_selection(text: &str) -> bool {
    match selectors(text) {
        Ok(all) => !all.is_empty(),
        Err(wrong) => matches!(wrong, Wrong::Backwards(_)),
    }
}

impl Selector {
    /// Says what cannot be right about a list of them as a whole.
    ///
    /// # Errors
    /// If nothing can be chosen by them.
    pub fn check(all: &[Self]) -> Result<(), Wrong> {
        match all {
            [] => Err(Wrong::Nothing),
            all if all.iter().all(|it| it.is_out) => Err(Wrong::OnlyOut),
            _ => Ok(()),
        }
    }

    /// Says whether it means a script.
    #[must_use]
    pub fn means(&self, script: &Script) -> bool {
        match &self.what {
            What::Number(number) => script.number == *number,
            What::Range(first, last) => (*first..=*last).contains(&script.number),
            What::Prefix(prefix) => format!("{:04}", script.number).starts_with(prefix),
            What::Stage(stage) => script.stage.as_ref().is_some_and(|it| it.eq_ignore_ascii_case(stage)),
            What::Tag(tag) => script.tags.iter().any(|it| it.eq_ignore_ascii_case(tag)),
        }
    }

    /// Returns the number, if it means a single one.
    #[must_use]
    pub fn number(&self) -> Option<u16> {
        match self.what {
            What::Number(number) => Some(number),
            _ => None,
        }
    }
}

fn selector(text: &str) -> Result<Selector, Wrong> {
    let (rest, is_out) = match text.strip_prefix('!') {
        Some(rest) => (rest.trim(), true),
        None => (text, false),
    };
    let no = || Wrong::NoSelector(text.to_owned());
    let what = if let Some(stage) = after(rest, "stage:") {
        What::Stage(stage.ok_or_else(no)?)
    } else if let Some(tag) = after(rest, "tag:") {
        What::Tag(tag.ok_or_else(no)?)
    } else if let Some(prefix) = rest.strip_suffix('*') {
        let is_fit = (1..=4).contains(&prefix.len()) && prefix.bytes().all(|it| it.is_ascii_digit());
        // A single digit is that of the hundreds, as in `4*` for `04*`.
        is_fit.then(|| What::Prefix(format!("{prefix:0>2}"))).ok_or_else(no)?
    } else if let Some((first, last)) = rest.split_once('-') {
        let (first, last) = (number(first).ok_or_else(no)?, number(last).ok_or_else(no)?);
        if last < first {
            return Err(Wrong::Backwards(text.to_owned()));
        }
        What::Range(first, last)
    } else {
        What::Number(number(rest).ok_or_else(no)?)
    };
    Ok(Selector { what, is_out, text: text.to_owned() })
}

/// Returns what stands behind a word, whatever case that has; inside, nothing if nothing stands there.
fn after(text: &str, word: &str) -> Option<Option<String>> {
    let head = text.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word))?;
    let rest = text[head.len()..].trim();
    Some((!rest.is_empty()).then(|| rest.to_owned()))
}

/// Reads a number of one to four digits.
fn number(text: &str) -> Option<u16> {
    let text = text.trim();
    let is_fit = (1..=4).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
    is_fit.then(|| text.parse().ok()).flatten()
}
