//! The questions that lead to edits of a playbook, in their order.
//!
//! Not here: looking at answers (`talk.rs`), what a change means and which flags say it (`change.rs`).

use super::change::{AddStage, Change, SetInput};
use super::outline::{InputOutline, Outline, StageOutline};
use super::talk::{Editing, Then, Told};
use super::{Part, Spot};
use crate::logic::author::words;
use crate::logic::talk::{Ask, Asker, Choice, Hints, Stop, Wrong, choices};

/// The choice of an input that is not there yet.
const NEW: &str = "(new)";

/// Types of inputs.
const TYPES: [(&str, &str); 5] = [
    ("string", "any text"),
    ("choice", "one of some words"),
    ("number", ""),
    ("boolean", "`true` or `false`"),
    ("json", "lists and maps"),
];

/// An axis of a matrix with its values.
type Axis = (String, Vec<String>);

/// Who asks, with the number of the edit.
struct One<'a, 'r> {
    asker: &'a mut Asker<'r>,
    number: usize,
}

impl<'r> One<'_, 'r> {
    fn key(&self, part: &str) -> String {
        format!("{}.{part}", self.number)
    }

    fn text(&mut self, part: &str, flag: &'static str, text: &str, help: &str) -> Result<&'r str, Stop> {
        self.asker.text(&Ask { key: self.key(part), flag, text, help }, "", Hints::None)
    }

    fn maybe(
        &mut self,
        part: &str,
        flag: &'static str,
        (text, help): (&str, &str),
        hints: Hints,
    ) -> Result<&'r str, Stop> {
        self.asker.maybe(&Ask { key: self.key(part), flag, text, help }, hints)
    }

    fn choice(&mut self, part: &str, text: &str, options: Vec<Choice>, at: usize) -> Result<&'r str, Stop> {
        let help = "arrows choose, Enter goes on, Esc goes back";
        self.asker.choice(&Ask { key: self.key(part), flag: "", text, help }, options, at)
    }

    fn many(
        &mut self,
        part: &str,
        (text, flag): (&str, &'static str),
        options: Vec<Choice>,
        chosen: Vec<usize>,
    ) -> Result<&'r [String], Stop> {
        let help = "Space chooses, Enter goes on";
        self.asker.many(&Ask { key: self.key(part), flag, text, help }, options, chosen)
    }

    fn yes(&mut self, part: &str, flag: &'static str, text: &str, default: bool) -> Result<bool, Stop> {
        self.asker.yes(&Ask { key: self.key(part), flag, text, help: "y or n" }, default)
    }
}

/// Asks all that there is to ask; what was said is in `told`.
pub(super) fn ask(asker: &mut Asker<'_>, editing: &Editing<'_>, told: &mut Told) -> Result<(), Stop> {
    for number in 1.. {
        let mut one = One { asker: &mut *asker, number };
        let outline = editing.outline(told);
        let change = change(&mut one, editing, &outline, told)?;
        editing.make(told, change)?;
        let mut look = 0;
        let then = loop {
            let part = if look == 0 { "then".to_owned() } else { format!("then.{look}") };
            let options = choices(&[
                ("write", "write the file"),
                ("another", "one more change"),
                ("yaml", "look at the whole file as it would be"),
                ("discard", "throw all changes away"),
            ]);
            match one.choice(&part, "What now?", options, 0)? {
                "yaml" => look += 1,
                other => break other,
            }
        };
        match then {
            "write" => told.then = Some(Then::Write),
            "discard" => told.then = Some(Then::Discard),
            _ => continue,
        }
        break;
    }
    Ok(())
}

fn named<'n>(names: impl Iterator<Item = &'n String>) -> Vec<Choice> {
    names.map(|it| Choice { word: it.clone(), about: String::new() }).collect()
}

fn change(
    one: &mut One<'_, '_>,
    editing: &Editing<'_>,
    outline: &Outline,
    told: &mut Told,
) -> Result<Change, Stop> {
    let (has_stages, has_inputs) = (!outline.stages.is_empty(), !outline.inputs.is_empty());
    let all = [
        ("add-stage", "something more to run", true),
        ("rename-stage", "with all that names it", has_stages),
        ("remove-stage", "with its comments", has_stages),
        ("needs", "what has to pass before a stage", has_stages),
        ("matrix", "for which values a stage runs", has_stages),
        ("input", "add an input, or change one", true),
        ("rename-input", "with all expressions that read it", has_inputs),
        ("remove-input", "one that nothing reads", has_inputs),
    ];
    let options: Vec<(&str, &str)> =
        all.into_iter().filter(|(_, _, can)| *can).map(|(word, about, _)| (word, about)).collect();
    match one.choice("what", "What is to be changed?", choices(&options), 0)? {
        "add-stage" => add_stage(one, editing, outline, told),
        "rename-stage" => {
            let old = stage(one, "Which stage?", outline)?.name.clone();
            let text = format!("New name of `{old}`?");
            let new = word(one.text("name", "", &text, "letters, digits, `_` and `-`")?)?;
            Ok(Change::RenameStage { old, new })
        }
        "remove-stage" => {
            let name = stage(one, "Which stage?", outline)?.name.clone();
            let bare = Change::RemoveStage { name: name.clone(), unlink: false };
            let Err(wrong) = editing.attempt(told, &bare) else { return Ok(bare) };
            let unlinked = Change::RemoveStage { name, unlink: true };
            // Where not even that helps, no question would.
            editing.attempt(told, &unlinked)?;
            let text = format!("{}. Take it out of there, too?", capital(&wrong.what));
            Ok(if one.yes("unlink", "--unlink", &text, true)? { unlinked } else { bare })
        }
        "needs" => needs(one, outline),
        "matrix" => matrix(one, outline, told),
        "input" => input(one, outline, told),
        "rename-input" => {
            let old = one.choice("input", "Which input?", inputs(outline), 0)?.to_owned();
            let text = format!("New name of `{old}`?");
            let new = word(one.text("name", "", &text, "expressions see it as `inputs.NAME`")?)?;
            Ok(Change::RenameInput { old, new })
        }
        _ => {
            let name = one.choice("input", "Which input?", inputs(outline), 0)?.to_owned();
            Ok(Change::RemoveInput { name })
        }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn inputs(outline: &Outline) -> Vec<Choice> {
    named(outline.inputs.iter().map(|it| &it.name))
}

fn stage<'o>(one: &mut One<'_, '_>, text: &str, outline: &'o Outline) -> Result<&'o StageOutline, Stop> {
    let name = one.choice("stage", text, named(outline.stages.iter().map(|it| &it.name)), 0)?;
    let found = outline.stages.iter().find(|it| it.name == name);
    found.ok_or_else(|| Wrong::new(format!("there is no stage `{name}`"), "choose another one").into())
}

/// Takes a name; one that looks like a flag could not be given by one.
fn word(text: &str) -> Result<String, Wrong> {
    if text.starts_with('-') {
        return Err(Wrong::new(format!("`{text}` begins with `-`, as flags do"), "take another name"));
    }
    Ok(text.to_owned())
}

/// Takes an axis as a command line does: values are what is between commas.
fn axis(text: &str) -> Result<Axis, Wrong> {
    words::axis(text)?;
    let (name, values) = text.split_once(['=', ':']).unwrap_or((text, ""));
    let values: Vec<String> =
        values.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect();
    Ok((word(name.trim())?, values))
}

/// Asks for axes until there are no more. Each is tried by what `with` makes of those so far.
fn axes(
    one: &mut One<'_, '_>,
    (flag, is_optional): (&'static str, bool),
    told: &mut Told,
    with: &dyn Fn(&[Axis]) -> Change,
) -> Result<Vec<Axis>, Stop> {
    let mut all: Vec<Axis> = Vec::new();
    for number in 1.. {
        let cells = all.iter().map(|(_, values)| values.len()).product();
        let part = format!("axis.{number}");
        let more = "Enter for no more";
        let typed = match number {
            1 if !is_optional => {
                let help = "a name and its values, such as `os=linux,macos`";
                let ask = Ask { key: one.key(&part), flag, text: "Which values?", help };
                one.asker.text(&ask, "", Hints::Cells(cells))?
            }
            1 => {
                let help = "a name and its values, such as `os=linux,macos`; Enter for no matrix";
                one.maybe(&part, flag, ("Values of its matrix?", help), Hints::Cells(cells))?
            }
            _ => one.maybe(&part, flag, ("Another axis?", more), Hints::Cells(cells))?,
        };
        if typed.is_empty() {
            break;
        }
        let axis = axis(typed)?;
        if all.iter().any(|(name, _)| name.eq_ignore_ascii_case(&axis.0)) {
            let what = format!("the axis `{}` was named already", axis.0);
            return Err(Wrong::new(what, "name each axis once").into());
        }
        all.push(axis);
        told.partial = Some(with(&all));
    }
    Ok(all)
}

fn add_stage(
    one: &mut One<'_, '_>,
    editing: &Editing<'_>,
    outline: &Outline,
    told: &mut Told,
) -> Result<Change, Stop> {
    // Something it will run; what that is comes last.
    let trial = |new: &AddStage| Change::AddStage(AddStage { run: vec!["true".to_owned()], ..new.clone() });
    let name = word(one.text("name", "", "Name of the stage?", "letters, digits, `_` and `-`")?)?;
    let mut new = AddStage { name, ..AddStage::default() };
    told.partial = Some(trial(&new));
    if !outline.stages.is_empty() {
        let mut spots = vec![(Spot::End, "at the end".to_owned())];
        for stage in &outline.stages {
            spots.push((Spot::Before(stage.name.clone()), format!("before {}", stage.name)));
            spots.push((Spot::After(stage.name.clone()), format!("after {}", stage.name)));
        }
        let chosen = one.choice("at", "Where does it stand?", named(spots.iter().map(|(_, it)| it)), 0)?;
        new.at = spots.iter().find(|(_, it)| it == chosen).map_or(Spot::End, |(spot, _)| spot.clone());
        told.partial = Some(trial(&new));
        let text = format!("What has to pass before `{}`?", new.name);
        let options = named(outline.stages.iter().map(|it| &it.name));
        new.needs = one.many("needs", (&text, "--needs"), options, Vec::new())?.to_vec();
        told.partial = Some(trial(&new));
    }
    let with = |all: &[Axis]| trial(&AddStage { matrix: all.to_vec(), ..new.clone() });
    new.matrix = axes(one, ("--matrix", true), told, &with)?;
    let work = match editing.library().scripts.is_empty() {
        true => "commands",
        false => {
            let options = choices(&[
                ("commands", "as in a shell"),
                ("scripts", "numbered scripts of this project"),
                ("both", "commands, then scripts"),
            ]);
            one.choice("work", "What does it run?", options, 0)?
        }
    };
    for number in 1.. {
        if work == "scripts" {
            break;
        }
        let part = format!("run.{number}");
        let command = match number {
            1 => one.text(&part, "--run", "Which command?", "as in a shell, such as `cargo build`")?,
            _ => {
                one.maybe(&part, "--run", ("And then?", "another command; Enter for no more"), Hints::None)?
            }
        };
        if command.is_empty() {
            break;
        }
        new.run.push(command.to_owned());
        told.partial = Some(Change::AddStage(new.clone()));
    }
    for number in 1.. {
        if work == "commands" {
            break;
        }
        let part = format!("script.{number}");
        let help = "such as `0402`, `0400-0499`, `04*`, `stage:NAME`, `tag:NAME`; `!` takes out";
        let selectors = match number {
            1 => {
                let ask = Ask { key: one.key(&part), flag: "--script", text: "Which scripts?", help };
                one.asker.text(&ask, "", Hints::Scripts)?
            }
            _ => one.maybe(&part, "--script", ("And then?", "more; Enter for no more"), Hints::Scripts)?,
        };
        if selectors.is_empty() {
            break;
        }
        new.script.push(selectors.to_owned());
        told.partial = Some(Change::AddStage(new.clone()));
    }
    Ok(Change::AddStage(new))
}

fn needs(one: &mut One<'_, '_>, outline: &Outline) -> Result<Change, Stop> {
    let stage = stage(one, "Of which stage?", outline)?;
    let others: Vec<&String> =
        outline.stages.iter().map(|it| &it.name).filter(|it| **it != stage.name).collect();
    let is_in = |all: &[String], name: &str| all.iter().any(|it| it.eq_ignore_ascii_case(name));
    let chosen = (0..others.len()).filter(|at| is_in(&stage.needs, others[*at])).collect();
    let text = format!("What has to pass before `{}`?", stage.name);
    let options = named(others.iter().copied());
    let wanted = one.many("needs", (&text, "--add, --remove, --set"), options, chosen)?;
    let add: Vec<String> = wanted.iter().filter(|it| !is_in(&stage.needs, it)).cloned().collect();
    let remove: Vec<String> = stage.needs.iter().filter(|it| !is_in(wanted, it)).cloned().collect();
    let name = stage.name.clone();
    Ok(match wanted.is_empty() && !stage.needs.is_empty() {
        true => Change::Needs { stage: name, set: vec![String::new()], add: Vec::new(), remove: Vec::new() },
        false => Change::Needs { stage: name, set: Vec::new(), add, remove },
    })
}

fn matrix(one: &mut One<'_, '_>, outline: &Outline, told: &mut Told) -> Result<Change, Stop> {
    let stage = stage(one, "Of which stage?", outline)?;
    let bare = |axes: &[Axis], remove: &[String], remove_all: bool| Change::Matrix {
        stage: stage.name.clone(),
        axes: axes.to_vec(),
        remove: remove.to_vec(),
        remove_all,
    };
    let mut ways = vec![("set", "add axes, or give them other values")];
    if !stage.axes.is_empty() {
        ways.push(("remove", "take axes away"));
    }
    if stage.has_matrix {
        ways.push(("remove-all", "it runs once, without a matrix"));
    }
    let way = match ways.len() {
        1 => "set",
        _ => one.choice("way", "What about its matrix?", choices(&ways), 0)?,
    };
    match way {
        "remove-all" => Ok(bare(&[], &[], true)),
        "remove" => {
            let options = named(stage.axes.iter().map(|(name, _)| name));
            let gone = one.many("axes", ("Which axes?", "--remove"), options, Vec::new())?;
            Ok(bare(&[], gone, false))
        }
        _ => {
            let all = axes(one, ("AXIS=A,B", false), told, &|all| bare(all, &[], false))?;
            Ok(bare(&all, &[], false))
        }
    }
}

/// What can be said of an input that is there.
const PARTS: [(&str, &str); 5] = [
    ("type", "the kind of its value"),
    ("options", "the words that it may be"),
    ("default", "its value if none is given"),
    ("required", "whether one has to be given"),
    ("description", "what it is for"),
];

fn input(one: &mut One<'_, '_>, outline: &Outline, told: &mut Told) -> Result<Change, Stop> {
    if !outline.inputs.is_empty() {
        let mut options = vec![Choice { word: NEW.to_owned(), about: "one more".to_owned() }];
        options.extend(inputs(outline));
        let chosen = one.choice("input", "Which input?", options, 0)?;
        if let Some(known) = outline.inputs.iter().find(|it| it.name == chosen && chosen != NEW) {
            return known_input(one, known);
        }
    }
    let name = word(one.text("name", "", "Name of the input?", "expressions see it as `inputs.NAME`")?)?;
    if outline.inputs.iter().any(|it| it.name.eq_ignore_ascii_case(&name)) {
        return Err(Wrong::new(format!("there is an input `{name}` already"), "take another name").into());
    }
    let mut new = SetInput { name, ..SetInput::default() };
    told.partial = Some(Change::Input(SetInput { kind: Some("string".to_owned()), ..new.clone() }));
    new.kind = Some(one.choice("type", "What kind of value?", choices(&TYPES), 0)?.to_owned());
    if new.kind.as_deref() == Some("choice") {
        // Not before the words are known: a choice without any is none.
        told.partial = None;
        new.options = options(one.text("options", "--options", "Which words?", "with commas")?)?;
    }
    told.partial = Some(Change::Input(new.clone()));
    let ask = ("Which value if none is given?", "Enter for none");
    let default = one.maybe("default", "--default", ask, Hints::None)?;
    if default.is_empty() {
        if one.yes("required", "--required", "Has one to be given?", true)? {
            new.required = Some(true);
        }
    } else {
        new.default = Some(default.to_owned());
    }
    told.partial = Some(Change::Input(new.clone()));
    let ask = ("What is it for?", "a sentence; Enter for none");
    let about = one.maybe("about", "--description", ask, Hints::None)?;
    new.description = (!about.is_empty()).then(|| about.to_owned());
    Ok(Change::Input(new))
}

fn options(text: &str) -> Result<Vec<String>, Wrong> {
    let all: Vec<String> =
        text.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect();
    match all.is_empty() {
        true => Err(Wrong::new("there is no word", "write words with commas between them")),
        false => Ok(all),
    }
}

fn known_input(one: &mut One<'_, '_>, known: &InputOutline) -> Result<Change, Stop> {
    let text = format!("What about `{}`?", known.name);
    let parts = one.many("parts", (&text, ""), choices(&PARTS), Vec::new())?;
    if parts.is_empty() {
        return Err(Wrong::new("nothing was chosen", "Space chooses; Esc goes back").into());
    }
    let mut new = SetInput { name: known.name.clone(), ..SetInput::default() };
    for part in parts {
        match part.as_str() {
            "type" => {
                let at = TYPES.iter().position(|(word, _)| *word == known.kind).unwrap_or(0);
                new.kind = Some(one.choice("type", "What kind of value?", choices(&TYPES), at)?.to_owned());
            }
            "options" => {
                let (key, help) = (one.key("options"), "with commas between them");
                let ask = Ask { key, flag: "--options", text: "Which words?", help };
                new.options = options(one.asker.text(&ask, &known.options.join(", "), Hints::None)?)?;
            }
            "default" => {
                let (key, help) = (one.key("default"), "of its type");
                let ask = Ask { key, flag: "--default", text: "Which value if none is given?", help };
                let before = known.default.as_deref().unwrap_or_default();
                let text = one.asker.text(&ask, before, Hints::None)?.to_owned();
                if new.kind.is_none() {
                    // A word that looks like a number is none where texts are wanted.
                    let is_taken_as_text = matches!(Part::guessed(&text), Part::Text(_));
                    let is_text = matches!(known.kind.as_str(), "string" | "choice");
                    let is_said = known.kind == "json" || (is_text && !is_taken_as_text);
                    new.kind = is_said.then(|| known.kind.clone());
                }
                new.default = Some(text);
            }
            "required" => {
                new.required =
                    Some(one.yes("required", "--required", "Has one to be given?", !known.required)?);
            }
            _ => {
                let (key, help) = (one.key("about"), "a sentence");
                let ask = Ask { key, flag: "--description", text: "What is it for?", help };
                new.description = Some(one.asker.text(&ask, &known.description, Hints::None)?.to_owned());
            }
        }
    }
    Ok(Change::Input(new))
}
