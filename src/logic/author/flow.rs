//! The questions of a new playbook, in their order.
//!
//! Not here: looking at answers (`session.rs`), what a flag means (`flags.rs`).

use super::answers::{Answers, Then};
use super::flags::{Flag, put};
use super::session::World;
use crate::logic::talk::{Ask, Asker, Choice, Hints, Stop, Wrong, choices};

fn ask<'q>(key: impl Into<String>, flag: Option<Flag>, text: &'q str, help: &'q str) -> Ask<'q> {
    Ask { key: key.into(), flag: flag.map_or("", Flag::word), text, help }
}

/// The word for a playbook that begins with nothing.
const EMPTY: &str = "nothing";

/// Asks all that there is to ask; what is known so far is in `to`.
pub(super) fn flow(asker: &mut Asker<'_>, world: &World, to: &mut Answers) -> Result<(), Stop> {
    top(asker, world, to)?;
    if to.template.is_none() {
        // Before the stages, whose expressions may speak of inputs.
        extras(asker, world, to)?;
        loop {
            stage(asker, world, to)?;
            let at = to.stages.len();
            if !asker
                .yes(&ask(format!("stage.{at}.more"), Some(Flag::Stage), "Another stage?", "y or n"), false)?
            {
                break;
            }
        }
    }
    let then = choices(&[
        ("save", "write the file"),
        ("both", "write the file, and run it"),
        ("run", "run it once, without a file"),
        ("discard", "throw it away"),
    ]);
    debug_assert_eq!(then.len(), Then::ALL.len());
    let question = ask("then", Some(Flag::Then), "What now?", "Esc goes back to the questions");
    asker.choice(&question, then, 0).map(|_| ())
}

fn top(asker: &mut Asker<'_>, world: &World, to: &mut Answers) -> Result<(), Stop> {
    let name = ask("name", None, "Name of the playbook?", "such as `ci`; `deploy/web` puts it into a folder");
    let name = asker.text(&name, "", Hints::None)?;
    put(to, Flag::Name, name)?;
    if world.names.iter().any(|it| it == name) {
        let help = format!("take another name, or change that one: sortie playbooks edit {name}");
        return Err(Wrong::new(format!("there is a playbook `{name}` already"), help).into());
    }
    let about = ask(
        "description",
        Some(Flag::Description),
        "What is it for?",
        "a sentence for lists; Enter for none",
    );
    put(to, Flag::Description, asker.maybe(&about, Hints::None)?)?;
    let category =
        ask("category", Some(Flag::Category), "Category?", "a word to group playbooks by; Enter for none");
    let words = Hints::Words(world.categories.clone());
    put(to, Flag::Category, asker.maybe(&category, words)?)?;
    let mut all = vec![Choice { word: EMPTY.to_owned(), about: "questions lead to the stages".to_owned() }];
    let templates = world.templates.iter();
    all.extend(templates.map(|it| Choice { word: it.name.clone(), about: it.description.clone() }));
    let from =
        ask("from", Some(Flag::From), "Start from?", "a template is a whole playbook, to be changed later");
    let from = asker.choice(&from, all, 0)?;
    if from != EMPTY {
        put(to, Flag::From, from)?;
    }
    Ok(())
}

/// What a stage can have besides its commands.
const MATRIX: &str = "matrix";
const CACHE: &str = "cache";
const APPROVAL: &str = "approval";
const RETRIES: &str = "retries";
const TIMEOUT: &str = "timeout";
const CONDITION: &str = "condition";

fn stage(asker: &mut Asker<'_>, world: &World, to: &mut Answers) -> Result<(), Stop> {
    let number = to.stages.len() + 1;
    let key = |part: &str| format!("stage.{number}.{part}");
    let default = ["build", "test", "deploy"].get(number - 1).copied().unwrap_or_default();
    let default = if to.stages.iter().any(|it| it.id == default) { "" } else { default };
    let text = format!("Name of stage {number}?");
    let id = ask(key("id"), Some(Flag::Stage), &text, "letters, digits, `_` and `-`");
    let id = asker.text(&id, default, Hints::None)?;
    if to.stages.iter().any(|it| it.id.eq_ignore_ascii_case(id)) {
        return Err(Wrong::new(format!("there is a stage `{id}` already"), "take another name").into());
    }
    let others: Vec<String> = to.stages.iter().map(|it| it.id.clone()).collect();
    put(to, Flag::Stage, id)?;
    if let Some(last) = others.len().checked_sub(1) {
        let text = format!("What has to pass before `{id}`?");
        let question = ask(
            key("needs"),
            Some(Flag::Needs),
            &text,
            "Space chooses, Enter goes on; none: it starts at once",
        );
        let options = others.iter().map(|it| Choice { word: it.clone(), about: String::new() }).collect();
        let needs = asker.many(&question, options, vec![last])?;
        put(to, Flag::Needs, &needs.join(","))?;
    }
    let options = choices(&[
        (MATRIX, "once for each combination of values"),
        (CACHE, "not again as long as nothing has changed"),
        (APPROVAL, "a person says yes before it begins"),
        (RETRIES, "tries again after a failure"),
        (TIMEOUT, "ends what takes too long"),
        (CONDITION, "runs only if something holds"),
    ]);
    let text = format!("What else has `{id}`?");
    let question = ask(key("else"), None, &text, "Space chooses, Enter goes on");
    let wanted = asker.many(&question, options, Vec::new())?;
    if [CACHE, APPROVAL].iter().all(|it| wanted.iter().any(|word| word == it)) {
        let help = "give the approval to a stage of its own, which needs this one";
        return Err(Wrong::new("what people decide about cannot come from the cache", help).into());
    }
    wanted.iter().try_for_each(|part| more(asker, to, part, &key))?;
    // Last, as commands may speak of all that.
    work((asker, world), to, id, &key)
}

/// Asks what a stage does.
fn work(
    (asker, world): (&mut Asker<'_>, &World),
    to: &mut Answers,
    id: &str,
    key: &dyn Fn(&str) -> String,
) -> Result<(), Stop> {
    if !world.library.scripts.is_empty() {
        let options = choices(&[
            ("commands", "as in a shell"),
            ("scripts", "numbered scripts of this project, by their numbers"),
        ]);
        let text = format!("What does `{id}` run?");
        let question = ask(key("work"), Some(Flag::Run), &text, "commands or scripts");
        if asker.choice(&question, options, 0)? == "scripts" {
            let help = "such as `0402`, `0400-0499`, `04*`, `stage:NAME`, `tag:NAME`; `!` takes out";
            let question = ask(key("scripts"), Some(Flag::Script), "Which scripts?", help);
            let selectors = asker.text(&question, "", Hints::Scripts)?;
            return Ok(put(to, Flag::Script, selectors)?);
        }
    }
    let axes: Vec<&str> =
        to.stages.last().into_iter().flat_map(|it| &it.axes).map(|(name, _)| name.as_str()).collect();
    let help = match axes.first() {
        None => "as in a shell, such as `cargo build`".to_owned(),
        Some(axis) => format!("as in a shell; `${{{{ matrix.{axis} }}}}` is the value of its cell"),
    };
    let text = format!("Command of `{id}`?");
    let question = ask(key("run.1"), Some(Flag::Run), &text, &help);
    put(to, Flag::Run, asker.text(&question, "", Hints::None)?)?;
    for number in 2.. {
        let part = format!("run.{number}");
        let question = ask(key(&part), Some(Flag::Run), "And then?", "another command; Enter for no more");
        match asker.maybe(&question, Hints::None)? {
            "" => break,
            command => put(to, Flag::Run, command)?,
        }
    }
    Ok(())
}

fn more(
    asker: &mut Asker<'_>,
    to: &mut Answers,
    part: &str,
    key: &dyn Fn(&str) -> String,
) -> Result<(), Stop> {
    match part {
        MATRIX => axes(asker, to, key),
        CACHE => {
            let help = "globs with commas, such as `src/**, Cargo.lock`; Enter: the command alone decides";
            let question =
                ask(key("cache-inputs"), Some(Flag::CacheInputs), "Which files does it depend on?", help);
            put(to, Flag::CacheInputs, asker.maybe(&question, Hints::None)?)?;
            let help = "globs with commas, such as `target/app`; Enter for none";
            let question =
                ask(key("cache-outputs"), Some(Flag::CacheOutputs), "Which files does it make?", help);
            Ok(put(to, Flag::CacheOutputs, asker.maybe(&question, Hints::None)?)?)
        }
        APPROVAL => {
            let question = ask(
                key("approve"),
                Some(Flag::Approve),
                "What are people asked?",
                "a question with yes or no",
            );
            Ok(put(to, Flag::Approve, asker.text(&question, "Go on?", Hints::None)?)?)
        }
        RETRIES => {
            let question = ask(
                key("retry"),
                Some(Flag::Retry),
                "How many tries at most?",
                "a number, the first try included",
            );
            Ok(put(to, Flag::Retry, asker.text(&question, "3", Hints::None)?)?)
        }
        TIMEOUT => {
            let question = ask(
                key("timeout"),
                Some(Flag::Timeout),
                "How long may it take?",
                "such as `90s`, `10m` or `1h30m`",
            );
            Ok(put(to, Flag::Timeout, asker.text(&question, "10m", Hints::None)?)?)
        }
        CONDITION => {
            let help = "an expression, such as `inputs.env == 'prod'` or `failure()`";
            let question = ask(key("if"), Some(Flag::If), "When does it run?", help);
            Ok(put(to, Flag::If, asker.text(&question, "success()", Hints::None)?)?)
        }
        _ => Ok(()),
    }
}

fn axes(asker: &mut Asker<'_>, to: &mut Answers, key: &dyn Fn(&str) -> String) -> Result<(), Stop> {
    for number in 1.. {
        let part = format!("axis.{number}");
        let cells = to.stages.last().map_or(1, |it| it.axes.iter().map(|(_, all)| all.len()).product());
        let (text, help) = match number {
            1 => ("Values of the matrix?", "a name and its values, such as `os=linux,macos`"),
            _ => (
                "Another axis?",
                "each value with each of the others, such as `rust=1.80,1.85`; Enter for no more",
            ),
        };
        let question = ask(key(&part), Some(Flag::Matrix), text, help);
        let typed = match number {
            1 => asker.text(&question, "", Hints::Cells(cells))?,
            _ => asker.maybe(&question, Hints::Cells(cells))?,
        };
        if typed.is_empty() {
            break;
        }
        put(to, Flag::Matrix, typed)?;
    }
    Ok(())
}

fn extras(asker: &mut Asker<'_>, world: &World, to: &mut Answers) -> Result<(), Stop> {
    let options = choices(&[
        ("schedule", "the clock starts it"),
        ("inputs", "values that somebody gives at the start"),
        ("summary", "reports that are written when it ends"),
    ]);
    let question = ask("extras", None, "What else has the playbook?", "Space chooses, Enter goes on");
    for part in asker.many(&question, options, Vec::new())? {
        match part.as_str() {
            "inputs" => inputs(asker, to)?,
            "schedule" => {
                let help = "minute, hour, day of the month, month, day of the week: `30 2 * * mon-fri`";
                let question = ask("schedule", Some(Flag::Schedule), "When does it start?", help);
                put(to, Flag::Schedule, asker.text(&question, "30 2 * * *", Hints::None)?)?;
                let zone = world.zone.clone();
                let question =
                    ask("timezone", Some(Flag::Timezone), "In which time zone?", "such as `Europe/Zurich`");
                put(to, Flag::Timezone, asker.text(&question, &zone, Hints::None)?)?;
            }
            _ => {
                let options = choices(&[
                    ("markdown", "for people and pull requests"),
                    ("html", "a page"),
                    ("json", "for programs"),
                    ("xml", "JUnit, for CI services"),
                    ("csv", "for tables"),
                ]);
                let question =
                    ask("summary", Some(Flag::Summary), "Which reports?", "Space chooses, Enter goes on");
                let formats = asker.many(&question, options, vec![0])?;
                put(to, Flag::Summary, &formats.join(","))?;
            }
        }
    }
    Ok(())
}

fn inputs(asker: &mut Asker<'_>, to: &mut Answers) -> Result<(), Stop> {
    for number in 1.. {
        let key = |part: &str| format!("input.{number}.{part}");
        let text = if number == 1 { "Name of the input?" } else { "Another input?" };
        let help = "expressions see it as `inputs.NAME`; Enter for no more";
        let question = ask(key("name"), Some(Flag::Input), text, help);
        let name = match number {
            1 => asker.text(&question, "", Hints::None)?,
            _ => asker.maybe(&question, Hints::None)?,
        };
        if name.is_empty() {
            break;
        }
        if to.inputs.iter().any(|it| it.name.eq_ignore_ascii_case(name)) {
            return Err(Wrong::new(format!("there is an input `{name}` already"), "take another name").into());
        }
        put(to, Flag::Input, name)?;
        let options = choices(&[
            ("string", "any text"),
            ("choice", "one of some words"),
            ("number", ""),
            ("boolean", "`true` or `false`"),
            ("json", "lists and maps"),
        ]);
        let question = ask(key("type"), Some(Flag::Type), "What kind of value?", "");
        let kind = asker.choice(&question, options, 0)?;
        // Not before the words are known: a choice without any is none.
        if kind != "choice" {
            put(to, Flag::Type, kind)?;
        } else {
            let question = ask(
                key("options"),
                Some(Flag::Options),
                "Which words?",
                "with commas, such as `staging, prod`",
            );
            let words = asker.text(&question, "", Hints::None)?;
            put(to, Flag::Type, kind)?;
            put(to, Flag::Options, words)?;
        }
        let question =
            ask(key("default"), Some(Flag::Default), "Which value if none is given?", "Enter for none");
        let default = asker.maybe(&question, Hints::None)?;
        put(to, Flag::Default, default)?;
        if default.is_empty() {
            let question = ask(key("required"), Some(Flag::Required), "Has one to be given?", "y or n");
            if asker.yes(&question, true)? {
                put(to, Flag::Required, "true")?;
            }
        }
        let question =
            ask(key("about"), Some(Flag::InputDescription), "What is it for?", "a sentence; Enter for none");
        put(to, Flag::InputDescription, asker.maybe(&question, Hints::None)?)?;
    }
    Ok(())
}
