//! Which face shows a job: what was asked for, and what this terminal can do.
//!
//! Pure. Not here: the faces themselves, the facts (`app` collects them).

use super::context::Surroundings;

/// A face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The whole screen.
    Full,
    /// Bars below, lines above.
    Inline,
    /// A line for each thing that ends, and the output.
    Plain,
    /// An event a line.
    Json,
}

/// Chooses a face. `asked` is the setting `run.ui`; `auto` lets the terminal decide. Where what was asked for cannot be
/// had, the next best comes with a sentence that says why.
#[must_use]
pub fn choose(asked: &str, around: &Surroundings) -> (Face, Option<String>) {
    match asked {
        "json" => (Face::Json, None),
        "plain" => (Face::Plain, None),
        "inline" => match no_bars(around) {
            None => (Face::Inline, None),
            Some(why) => (Face::Plain, Some(format!("{why}, so the job is shown line by line"))),
        },
        "full" => match no_screen(around) {
            None => (Face::Full, None),
            Some(why) => {
                let (face, how) = match no_bars(around) {
                    None => (Face::Inline, "with bars"),
                    Some(_) => (Face::Plain, "line by line"),
                };
                (face, Some(format!("{why}, so the job is shown {how}")))
            }
        },
        _ if around.is_ci || around.is_accessible || no_bars(around).is_some() => (Face::Plain, None),
        _ => (Face::Inline, None),
    }
}

/// Says why a full screen cannot be had, if so.
#[must_use]
pub fn no_screen(around: &Surroundings) -> Option<&'static str> {
    if !around.stdout {
        Some("the full screen needs a terminal, and standard output is none")
    } else if !around.stdin {
        Some("the full screen needs a terminal, and standard input is none")
    } else if is_dumb(around) {
        Some("the full screen needs a terminal that can move its cursor, and TERM says that this one cannot")
    } else {
        None
    }
}

/// Says why a call without a command shows the help instead of the launcher, if so: without a screen, and where no person
/// is likely to press a key.
#[must_use]
pub fn no_launcher(around: &Surroundings) -> Option<&'static str> {
    no_screen(around).or(if around.is_ci {
        Some("the variable CI says that nobody sits here")
    } else if around.is_accessible {
        Some("the variable ACCESSIBLE asks for lines instead of screens")
    } else {
        None
    })
}

fn no_bars(around: &Surroundings) -> Option<&'static str> {
    if !around.stdout {
        Some("bars need a terminal, and standard output is none")
    } else if is_dumb(around) {
        Some("bars need a terminal that can move its cursor, and TERM says that this one cannot")
    } else {
        None
    }
}

fn is_dumb(around: &Surroundings) -> bool {
    around.term.is_empty() || around.term == "dumb"
}

#[cfg(test)]
mod tests {
    use super::{Face, choose, no_launcher};
    use crate::faces::context::Surroundings;

    fn terminal() -> Surroundings {
        Surroundings {
            stdin: true,
            stdout: true,
            stderr: true,
            term: "xterm".to_owned(),
            ..Surroundings::default()
        }
    }

    #[test]
    fn a_terminal_gets_what_it_can_show() {
        let here = terminal();
        assert_eq!(choose("auto", &here), (Face::Inline, None));
        assert_eq!(choose("full", &here), (Face::Full, None));
        assert_eq!(choose("json", &here), (Face::Json, None));
        for quiet in [
            Surroundings { is_ci: true, ..terminal() },
            Surroundings { is_accessible: true, ..terminal() },
            Surroundings { term: "dumb".to_owned(), ..terminal() },
            Surroundings { stdout: false, ..terminal() },
        ] {
            assert_eq!(choose("auto", &quiet).0, Face::Plain);
        }
    }

    #[test]
    fn what_cannot_be_had_is_told() {
        let (face, why) = choose("full", &Surroundings { stdin: false, ..terminal() });
        assert_eq!(face, Face::Inline);
        assert!(why.is_some_and(|why| why.contains("standard input")));
        let (face, why) = choose("full", &Surroundings { term: "dumb".to_owned(), ..terminal() });
        assert_eq!(face, Face::Plain);
        assert!(why.is_some_and(|why| why.contains("TERM")));
        let (face, why) = choose("inline", &Surroundings { stdout: false, ..terminal() });
        assert_eq!(face, Face::Plain);
        assert!(why.is_some_and(|why| why.contains("standard output")));
    }

    #[test]
    fn an_explicit_wish_is_stronger_than_what_is_guessed() {
        assert_eq!(choose("full", &Surroundings { is_ci: true, ..terminal() }), (Face::Full, None));
    }

    #[test]
    fn the_launcher_needs_a_screen_and_a_person() {
        assert_eq!(no_launcher(&terminal()), None);
        for (without, word) in [
            (Surroundings { stdin: false, ..terminal() }, "input"),
            (Surroundings { stdout: false, ..terminal() }, "output"),
            (Surroundings { term: "dumb".to_owned(), ..terminal() }, "TERM"),
            (Surroundings { is_ci: true, ..terminal() }, " CI "),
            (Surroundings { is_accessible: true, ..terminal() }, "ACCESSIBLE"),
        ] {
            assert!(no_launcher(&without).is_some_and(|why| why.contains(word)), "{without:?}");
        }
    }
}
