//! Questions as plain lines, with numbers before the choices: for screen readers and terminals that draw nothing.
//!
//! Not here: which of the two is used (`mod.rs`).

use std::io::{self, BufRead, Write};

use super::{Asks, Said, hold};
use crate::faces::context::StartGuard;
use crate::logic::talk::{Choice, Kind, Question, Reply, Talk};

/// Asks by lines.
pub(super) struct Numbered {
    start_guard: StartGuard,
}

/// What goes back to the question before.
const BACK: &str = "<";

impl Numbered {
    pub(super) fn new(start_guard: StartGuard) -> Self {
        Self { start_guard }
    }

    /// Asks once, and returns what was typed or what an empty line means; nothing at the end of all lines.
    fn line(&self, talk: &dyn Talk, question: &Question) -> io::Result<Option<String>> {
        let is_hidden = question.kind == Kind::Hidden;
        // Before it is asked: some have their answer ready.
        let unseen = is_hidden.then(|| hold::Held::without_echo(self.start_guard)).transpose()?;
        let offered = shown(talk, question)?;
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line)?;
        drop(unseen);
        if is_hidden {
            // The Enter was not seen either.
            writeln!(io::stderr().lock())?;
        }
        let line = match is_hidden {
            // Blanks may belong to it.
            true => line.trim_end_matches(['\n', '\r']),
            false => line.trim(),
        };
        let is_offered = line.is_empty() && !is_hidden;
        Ok((read > 0).then(|| if is_offered { offered } else { line.to_owned() }))
    }
}

/// Writes a question, and returns what an empty line means.
fn shown(talk: &dyn Talk, question: &Question) -> io::Result<String> {
    let mut terminal = io::stderr().lock();
    writeln!(terminal, "{}", question.text)?;
    let (options, offered) = offered(question);
    for (at, it) in options.iter().enumerate() {
        let about = if it.about.is_empty() { String::new() } else { format!(": {}", it.about) };
        writeln!(terminal, "  {}. {}{about}", at + 1, it.word)?;
    }
    if let Kind::Text { .. } = question.kind {
        talk.live(question, "").iter().try_for_each(|it| writeln!(terminal, "  {it}"))?;
    }
    if !question.help.is_empty() && !matches!(question.kind, Kind::Choice { .. } | Kind::Many { .. }) {
        writeln!(terminal, "  {}", question.help)?;
    }
    let how = match &question.kind {
        Kind::Text { .. } => String::new(),
        Kind::Choice { .. } => "a number".to_owned(),
        Kind::Many { .. } => "numbers with commas, or 0 for none".to_owned(),
        Kind::Yes { .. } => "y or n".to_owned(),
        Kind::Hidden => "it is not shown".to_owned(),
    };
    let default = if offered.is_empty() { String::new() } else { format!("Enter: {offered}") };
    let hints: Vec<String> =
        [how, default, format!("{BACK} goes back")].into_iter().filter(|it| !it.is_empty()).collect();
    write!(terminal, "  ({}) > ", hints.join(", "))?;
    terminal.flush()?;
    Ok(offered)
}

impl Asks for Numbered {
    fn ask(&mut self, talk: &dyn Talk, question: &Question) -> io::Result<Said> {
        loop {
            let Some(line) = self.line(talk, question)? else { return Ok(Said::Stop) };
            if line == BACK {
                return Ok(Said::Back);
            }
            match reply(question, &line) {
                Ok(reply) => return Ok(Said::Reply(reply)),
                Err(why) => self.tell(&[why])?,
            }
        }
    }

    fn mends(&self) -> bool {
        // An empty line would give it again.
        false
    }

    fn tell(&mut self, lines: &[String]) -> io::Result<()> {
        let mut terminal = io::stderr().lock();
        lines.iter().try_for_each(|line| writeln!(terminal, "{line}"))?;
        terminal.flush()
    }
}

/// Returns the choices, and what an empty line means, as somebody would type it.
fn offered(question: &Question) -> (&[Choice], String) {
    let number =
        |options: &[Choice], word: &String| options.iter().position(|it| it.word == *word).map(|at| at + 1);
    let joined = |all: Vec<usize>| match all[..] {
        [] => "0".to_owned(),
        _ => all.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    };
    match (&question.kind, &question.before) {
        (Kind::Text { .. }, Some(Reply::Text(before))) => (&[], before.clone()),
        (Kind::Text { default, .. }, _) => (&[], default.clone()),
        (Kind::Choice { options, .. }, Some(Reply::Choice(word))) => {
            (options, number(options, word).unwrap_or(1).to_string())
        }
        (Kind::Choice { options, default }, _) => (options, (default + 1).to_string()),
        (Kind::Many { options, .. }, Some(Reply::Many(words))) => {
            (options, joined(words.iter().filter_map(|it| number(options, it)).collect()))
        }
        (Kind::Many { options, chosen }, _) => (options, joined(chosen.iter().map(|at| at + 1).collect())),
        (Kind::Yes { .. }, Some(Reply::Yes(yes))) | (Kind::Yes { default: yes }, _) => {
            (&[], if *yes { "y" } else { "n" }.to_owned())
        }
        (Kind::Hidden, _) => (&[], String::new()),
    }
}

/// Takes a line for an answer; or says why it is none.
fn reply(question: &Question, line: &str) -> Result<Reply, String> {
    let word = |options: &[Choice], it: &str, how: &str| {
        let at = it.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let found =
            at.and_then(|at| options.get(at)).or_else(|| options.iter().find(|option| option.word == it));
        found.map(|it| it.word.clone()).ok_or_else(|| format!("`{it}` is none of the numbers; {how}"))
    };
    match &question.kind {
        Kind::Text { .. } | Kind::Hidden => Ok(Reply::Text(line.to_owned())),
        Kind::Choice { options, .. } => {
            let how = format!("give a number from 1 to {}", options.len());
            word(options, line, &how).map(Reply::Choice)
        }
        Kind::Many { .. } if line == "0" => Ok(Reply::Many(Vec::new())),
        Kind::Many { options, .. } => {
            let how = format!("give numbers from 1 to {} with commas", options.len());
            let words = line.split([' ', ',']).filter(|it| !it.is_empty());
            words.map(|it| word(options, it, &how)).collect::<Result<_, _>>().map(Reply::Many)
        }
        Kind::Yes { .. } => match line.to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(Reply::Yes(true)),
            "n" | "no" => Ok(Reply::Yes(false)),
            _ => Err(format!("`{line}` is neither y nor n")),
        },
    }
}
