//! Flags that say what the questions of the wizard ask, and what each of them means.
//!
//! Flags about a stage belong to the `--stage` before them, and those about an input to the `--input` before them. Not here:
//! reading a command line (`faces/cli/args_new.rs`).

use super::answers::{Answers, NewCache, NewInput, NewSchedule, NewStage, Then, Work};
use super::words;
use crate::logic::talk::Wrong;

/// A flag, or the name before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    Name,
    Description,
    Category,
    From,
    Stage,
    Run,
    Script,
    Needs,
    If,
    Approve,
    Matrix,
    CacheInputs,
    CacheOutputs,
    Retry,
    Timeout,
    Input,
    Type,
    Options,
    Default,
    Required,
    InputDescription,
    Schedule,
    Timezone,
    Summary,
    Then,
}

impl Flag {
    /// All that stand on a command line as flags.
    pub const ALL: [Self; 24] = [
        Self::Description,
        Self::Category,
        Self::From,
        Self::Stage,
        Self::Run,
        Self::Script,
        Self::Needs,
        Self::If,
        Self::Approve,
        Self::Matrix,
        Self::CacheInputs,
        Self::CacheOutputs,
        Self::Retry,
        Self::Timeout,
        Self::Input,
        Self::Type,
        Self::Options,
        Self::Default,
        Self::Required,
        Self::InputDescription,
        Self::Schedule,
        Self::Timezone,
        Self::Summary,
        Self::Then,
    ];

    /// Returns the flag as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Description => "--description",
            Self::Category => "--category",
            Self::From => "--from",
            Self::Stage => "--stage",
            Self::Run => "--run",
            Self::Script => "--script",
            Self::Needs => "--needs",
            Self::If => "--if",
            Self::Approve => "--approve",
            Self::Matrix => "--matrix",
            Self::CacheInputs => "--cache-inputs",
            Self::CacheOutputs => "--cache-outputs",
            Self::Retry => "--retry",
            Self::Timeout => "--timeout",
            Self::Input => "--input",
            Self::Type => "--type",
            Self::Options => "--options",
            Self::Default => "--default",
            Self::Required => "--required",
            Self::InputDescription => "--input-description",
            Self::Schedule => "--schedule",
            Self::Timezone => "--timezone",
            Self::Summary => "--summary",
            Self::Then => "--then",
        }
    }
}

fn stage_of(to: &mut Answers) -> &mut NewStage {
    if to.stages.is_empty() {
        to.stages.push(NewStage { id: "build".to_owned(), ..NewStage::default() });
    }
    let last = to.stages.len() - 1;
    &mut to.stages[last]
}

fn input_of(to: &mut Answers, flag: Flag) -> Result<&mut NewInput, Wrong> {
    let help = "write `--input NAME` before it";
    to.inputs.last_mut().ok_or_else(|| Wrong::new(format!("`{}` belongs to an input", flag.word()), help))
}

/// Adds what a flag says. Empty texts say nothing, but for `--cache-inputs`.
///
/// # Errors
/// If it cannot be meant like that; what the reader of playbooks finds is found by it.
pub fn put(to: &mut Answers, flag: Flag, text: &str) -> Result<(), Wrong> {
    let text = text.trim();
    if text.is_empty() && flag != Flag::CacheInputs {
        return Ok(());
    }
    let said = || text.to_owned();
    match flag {
        Flag::Name => {
            words::check_name(text)?;
            to.name = said();
        }
        Flag::Description => to.description = said(),
        Flag::Category => to.category = said(),
        Flag::From => to.template = Some(said()),
        Flag::Stage => to.stages.push(NewStage { id: said(), ..NewStage::default() }),
        Flag::Run | Flag::Script => put_work(stage_of(to), flag, text)?,
        Flag::Needs => stage_of(to).needs.extend(words::list(text)),
        Flag::If => stage_of(to).condition = Some(said()),
        Flag::Approve => stage_of(to).approve = Some(said()),
        Flag::Matrix => put_axis(stage_of(to), text)?,
        Flag::CacheInputs => {
            stage_of(to).cache.get_or_insert_with(NewCache::default).inputs.extend(words::list(text));
        }
        Flag::CacheOutputs => {
            stage_of(to).cache.get_or_insert_with(NewCache::default).outputs.extend(words::list(text));
        }
        Flag::Retry => stage_of(to).attempts = Some(said()),
        Flag::Timeout => stage_of(to).timeout = Some(said()),
        Flag::Input => {
            let kind = "string".to_owned();
            to.inputs.push(NewInput { name: said(), kind, ..NewInput::default() });
        }
        Flag::Type => input_of(to, flag)?.kind = said(),
        Flag::Options => input_of(to, flag)?.options.extend(words::list(text)),
        Flag::Default => put_default(input_of(to, flag)?, text)?,
        Flag::Required => input_of(to, flag)?.required = true,
        Flag::InputDescription => input_of(to, flag)?.description = said(),
        Flag::Schedule => to.schedule.get_or_insert_with(NewSchedule::default).cron = said(),
        Flag::Timezone => to.schedule.get_or_insert_with(NewSchedule::default).timezone = said(),
        Flag::Summary => to.reports.extend(words::list(text)),
        Flag::Then => {}
    }
    Ok(())
}

fn put_work(stage: &mut NewStage, flag: Flag, text: &str) -> Result<(), Wrong> {
    let both = || {
        let help = "give it a stage of its own: `--stage NAME`";
        Err(Wrong::new(format!("the stage `{}` has commands and scripts", stage.id), help))
    };
    match (flag, &mut stage.work) {
        (Flag::Run, Work::Commands(all)) => all.push(text.to_owned()),
        (Flag::Script, Work::Scripts(all)) => {
            all.push_str(", ");
            all.push_str(text);
        }
        (Flag::Script, Work::Commands(all)) if all.is_empty() => stage.work = Work::Scripts(text.to_owned()),
        _ => return both(),
    }
    Ok(())
}

fn put_axis(stage: &mut NewStage, text: &str) -> Result<(), Wrong> {
    let (name, values) = words::axis(text)?;
    if stage.axes.iter().any(|(it, _)| it.eq_ignore_ascii_case(&name)) {
        return Err(Wrong::new(format!("the matrix has an axis `{name}` already"), "name each axis once"));
    }
    stage.axes.push((name, values));
    Ok(())
}

fn put_default(input: &mut NewInput, text: &str) -> Result<(), Wrong> {
    let is_it = match input.kind.as_str() {
        "number" => serde_json::from_str::<serde_json::Number>(text).is_ok(),
        "boolean" => matches!(text, "true" | "false"),
        "json" => serde_json::from_str::<serde_json::Value>(text).is_ok(),
        _ => true,
    };
    if !is_it {
        let kind = &input.kind;
        let help = match kind.as_str() {
            "number" => "write a number, such as `3` or `0.5`",
            "boolean" => "write `true` or `false`",
            _ => "write JSON, such as `[1, 2]` or `{\"a\": true}`",
        };
        return Err(Wrong::new(format!("this is no value of the type `{kind}`"), help));
    }
    text.clone_into(&mut input.default);
    Ok(())
}

/// Words of a command line.
struct Words(Vec<String>);

impl Words {
    fn say(&mut self, flag: Flag, text: &str) {
        if text.is_empty() {
            return;
        }
        if text.starts_with('-') {
            self.0.push(format!("{}={text}", flag.word()));
        } else {
            self.0.extend([flag.word().to_owned(), text.to_owned()]);
        }
    }

    fn say_if(&mut self, flag: Flag, text: Option<&String>) {
        self.say(flag, text.map_or("", String::as_str));
    }

    fn stage(&mut self, stage: &NewStage) {
        self.say(Flag::Stage, &stage.id);
        match &stage.work {
            Work::Commands(all) => all.iter().for_each(|it| self.say(Flag::Run, it)),
            Work::Scripts(all) => self.say(Flag::Script, all),
        }
        self.say(Flag::Needs, &stage.needs.join(","));
        for (name, values) in &stage.axes {
            self.say(Flag::Matrix, &format!("{name}={}", values.join(",")));
        }
        if let Some(cache) = &stage.cache {
            if cache.inputs.is_empty() {
                // The result depends on no files, which has to be said.
                self.0.extend([Flag::CacheInputs.word().to_owned(), String::new()]);
            }
            self.say(Flag::CacheInputs, &cache.inputs.join(","));
            self.say(Flag::CacheOutputs, &cache.outputs.join(","));
        }
        self.say_if(Flag::Approve, stage.approve.as_ref());
        self.say_if(Flag::Retry, stage.attempts.as_ref());
        self.say_if(Flag::Timeout, stage.timeout.as_ref());
        self.say_if(Flag::If, stage.condition.as_ref());
    }

    fn input(&mut self, input: &NewInput) {
        self.say(Flag::Input, &input.name);
        self.say(Flag::Type, &input.kind);
        self.say(Flag::Options, &input.options.join(","));
        self.say(Flag::Default, &input.default);
        if input.required {
            self.0.push(Flag::Required.word().to_owned());
        }
        self.say(Flag::InputDescription, &input.description);
    }
}

/// Returns the name and the flags that lead to the same playbook, as words of a command line.
#[must_use]
pub fn flags(answers: &Answers, then: Then) -> Vec<String> {
    let mut words = Words(vec![answers.name.clone()]);
    words.say(Flag::Description, &answers.description);
    words.say(Flag::Category, &answers.category);
    words.say_if(Flag::From, answers.template.as_ref());
    answers.stages.iter().for_each(|it| words.stage(it));
    answers.inputs.iter().for_each(|it| words.input(it));
    if let Some(schedule) = &answers.schedule {
        words.say(Flag::Schedule, &schedule.cron);
        words.say(Flag::Timezone, &schedule.timezone);
    }
    words.say(Flag::Summary, &answers.reports.join(","));
    if then != Then::Save {
        words.say(Flag::Then, then.word());
    }
    words.0
}
