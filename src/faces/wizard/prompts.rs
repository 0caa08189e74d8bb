//! Prompts that are drawn, with lists to choose from and hints while something is typed.
//!
//! Not here: the terminal's modes (`hold.rs`).

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::mpsc::{Sender, channel};

use inquire::autocompletion::{Autocomplete, Replacement};
use inquire::list_option::ListOption;
use inquire::ui::{Color, RenderConfig, StyleSheet, Styled};
use inquire::validator::{ErrorMessage, Validation};
use inquire::{
    Confirm, CustomUserError, InquireError, MultiSelect, Password, PasswordDisplayMode, Select, Text,
};

use super::{Asks, Said, refused, write_lines};
use crate::faces::out::Paint;
use crate::logic::talk::{Choice, Hints, Kind, Question, Reply, Talk};
use crate::logic::text::wrap::wrapped;

/// Choices that are shown at once.
const PAGE: usize = 9;

/// Asks by prompts.
pub(super) struct Prompts {
    look: RenderConfig<'static>,
}

impl Prompts {
    pub(super) fn new(paint: Paint) -> Self {
        let plain = RenderConfig::empty();
        let dim = StyleSheet::new().with_fg(Color::DarkGrey);
        let look = match paint.color {
            false => plain,
            true => RenderConfig::default_colored()
                .with_help_message(dim)
                .with_answer(StyleSheet::new().with_fg(Color::LightCyan))
                .with_canceled_prompt_indicator(Styled::new("(back)").with_style_sheet(dim)),
        };
        let mark = if paint.ascii { ">" } else { "✓" };
        let done = if paint.color { Styled::new(mark).with_fg(Color::LightGreen) } else { Styled::new(mark) };
        let mut errors = look.error_message;
        errors.prefix = Styled::new("!");
        let look = look.with_error_message(errors);
        Self { look: look.with_answered_prompt_prefix(done).with_prompt_prefix(Styled::new("?")) }
    }

    fn text(
        &self,
        talk: &dyn Talk,
        question: &Question,
        (default, hints): (&str, &Hints),
    ) -> Result<Reply, InquireError> {
        // What was typed: a line that only shows something is no answer, even if somebody has gone down to it.
        let typed = Rc::new(RefCell::new(String::new()));
        let is_word = matches!(hints, Hints::Words(_));
        let live = Live { talk, question, typed: Rc::clone(&typed), is_word };
        let meant = Rc::clone(&typed);
        let check = move |answer: &str| {
            let text =
                if is_word || meant.borrow().is_empty() { answer.to_owned() } else { meant.borrow().clone() };
            Ok(look(talk, Reply::Text(text)))
        };
        let mut prompt = Text::new(&question.text)
            .with_help_message(&question.help)
            .with_autocomplete(live)
            .with_page_size(PAGE)
            .with_validator(check)
            .with_render_config(self.look);
        if !default.is_empty() {
            prompt = prompt.with_default(default);
        }
        if let Some(Reply::Text(before)) = &question.before
            && before != default
        {
            prompt = prompt.with_initial_value(before);
        }
        let answer = prompt.prompt()?;
        let typed = typed.borrow();
        Ok(Reply::Text(if is_word || typed.is_empty() { answer } else { typed.clone() }))
    }

    fn choice(&self, question: &Question, options: &[Choice], default: usize) -> Result<Reply, InquireError> {
        let before = match &question.before {
            Some(Reply::Choice(word)) => options.iter().position(|it| it.word == *word),
            _ => None,
        };
        let chosen = Select::new(&question.text, shown(options))
            .with_help_message(&question.help)
            .with_starting_cursor(before.unwrap_or(default))
            .with_page_size(PAGE)
            .with_formatter(&|it: ListOption<&String>| options[it.index].word.clone())
            .with_render_config(self.look)
            .raw_prompt()?;
        Ok(Reply::Choice(options[chosen.index].word.clone()))
    }

    /// What will not do is said in the prompt, which goes on then with what was chosen.
    fn many(
        &self,
        talk: &dyn Talk,
        question: &Question,
        (options, chosen): (&[Choice], &[usize]),
    ) -> Result<Reply, InquireError> {
        let before: Option<Vec<usize>> = match &question.before {
            Some(Reply::Many(words)) => {
                Some(words.iter().filter_map(|it| options.iter().position(|o| o.word == *it)).collect())
            }
            _ => None,
        };
        let chosen = before.unwrap_or_else(|| chosen.to_vec());
        let words = |all: &[usize]| Reply::Many(all.iter().map(|at| options[*at].word.clone()).collect());
        let look_of_prompt = self.look;
        // The prompt wants to own whoever looks at answers, and the talk is somebody else's: so it has a thread of its own, and the
        // talk looks in this one.
        let (ask, asked) = channel::<(Vec<usize>, Sender<Validation>)>();
        let prompt = move || {
            let check = move |all: &[ListOption<&String>]| {
                let (tell, told) = channel();
                ask.send((all.iter().map(|it| it.index).collect(), tell))?;
                Ok(told.recv()?)
            };
            let found = MultiSelect::new(&question.text, shown(options))
                .with_help_message(&question.help)
                .with_default(&chosen)
                .with_page_size(PAGE)
                .with_validator(check)
                .with_formatter(&|all| match all {
                    [] => "nothing".to_owned(),
                    all => {
                        all.iter().map(|it| options[it.index].word.as_str()).collect::<Vec<_>>().join(", ")
                    }
                })
                .with_render_config(look_of_prompt)
                .raw_prompt()?;
            Ok(found.iter().map(|it| it.index).collect::<Vec<_>>())
        };
        std::thread::scope(|scope| {
            let prompt = std::thread::Builder::new().name("prompt".to_owned()).spawn_scoped(scope, prompt)?;
            for (chosen, tell) in asked {
                // Nobody hears it any more only if the prompt has ended.
                let _heard = tell.send(look(talk, words(&chosen)));
            }
            let gone = || io::Error::other("the prompt has ended");
            prompt.join().map_err(|_| InquireError::IO(gone()))?.map(|it| words(&it))
        })
    }

    fn yes(&self, question: &Question, default: bool) -> Result<Reply, InquireError> {
        let before = match &question.before {
            Some(Reply::Yes(before)) => *before,
            _ => default,
        };
        let mut prompt = Confirm::new(&question.text).with_default(before).with_render_config(self.look);
        // `y or n` stands behind the question already.
        if question.help.len() > "y or n".len() {
            prompt = prompt.with_help_message(&question.help);
        }
        Ok(Reply::Yes(prompt.prompt()?))
    }

    /// Nothing of what is typed is shown, not even how much it is.
    fn hidden(&self, question: &Question) -> Result<Reply, InquireError> {
        let prompt = Password::new(&question.text)
            .with_help_message(&question.help)
            .with_display_mode(PasswordDisplayMode::Hidden)
            .without_confirmation()
            .with_render_config(self.look);
        Ok(Reply::Text(prompt.prompt()?))
    }
}

impl Asks for Prompts {
    fn ask(&mut self, talk: &dyn Talk, question: &Question) -> io::Result<Said> {
        let (text, help) = (folded(&question.text, SIGN), folded(&question.help, BRACKETS));
        let question = &Question { text, help, ..question.clone() };
        let answered = match &question.kind {
            Kind::Text { default, hints, .. } => self.text(talk, question, (default, hints)),
            Kind::Choice { options, default } => self.choice(question, options, *default),
            Kind::Many { options, chosen } => self.many(talk, question, (options, chosen)),
            Kind::Yes { default } => self.yes(question, *default),
            Kind::Hidden => self.hidden(question),
        };
        match answered {
            Ok(reply) => Ok(Said::Reply(reply)),
            Err(InquireError::OperationCanceled) => Ok(Said::Back),
            Err(InquireError::OperationInterrupted) => {
                // What is said next would be written over the last line of the prompt.
                write!(io::stderr(), "\r\x1b[J")?;
                Ok(Said::Stop)
            }
            Err(InquireError::IO(error)) => Err(error),
            Err(other) => Err(io::Error::other(other.to_string())),
        }
    }

    fn mends(&self) -> bool {
        true
    }

    fn tell(&mut self, lines: &[String]) -> io::Result<()> {
        write_lines(lines)
    }
}

/// Columns in front of a question and of what is wrong with an answer.
const SIGN: usize = 2;
/// Columns of the brackets around help.
const BRACKETS: usize = 2;

/// Breaks a text between words where the terminal ends; prompts would break it within a word. So many columns of the first row
/// are taken already.
fn folded(text: &str, taken: usize) -> String {
    // Without a size the prompts themselves do not draw.
    let columns = crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
    wrapped(text, columns.saturating_sub(taken)).join("\n")
}

/// Looks at an answer before it is given.
fn look(talk: &dyn Talk, reply: Reply) -> Validation {
    match talk.would_do(reply) {
        Ok(()) => Validation::Valid,
        Err(wrong) => Validation::Invalid(ErrorMessage::Custom(folded(&refused(&wrong), SIGN))),
    }
}

/// Returns choices as they are listed, with what they are behind them.
fn shown(options: &[Choice]) -> Vec<String> {
    let width = options.iter().map(|it| it.word.len()).max().unwrap_or(0);
    let line = |it: &Choice| format!("{:width$}  {}", it.word, it.about).trim_end().to_owned();
    options.iter().map(line).collect()
}

/// Shows what is typed would come to.
#[derive(Clone)]
struct Live<'s> {
    talk: &'s dyn Talk,
    question: &'s Question,
    typed: Rc<RefCell<String>>,
    is_word: bool,
}

impl Autocomplete for Live<'_> {
    fn get_suggestions(&mut self, input: &str) -> Result<Vec<String>, CustomUserError> {
        input.clone_into(&mut self.typed.borrow_mut());
        Ok(self.talk.live(self.question, input))
    }

    fn get_completion(
        &mut self,
        _: &str,
        highlighted: Option<String>,
    ) -> Result<Replacement, CustomUserError> {
        Ok(highlighted.filter(|_| self.is_word))
    }
}
