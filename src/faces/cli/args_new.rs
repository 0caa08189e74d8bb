//! The grammar of `playbooks new`: its flags count in the order in which they stand, so they are read as they came.
//!
//! Not here: what a flag means (`logic/author`), what the command does (`new.rs`).

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::logic::author::{Flag, Then};

/// Make a new playbook, with questions or with flags
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie playbooks new              with questions; Esc goes back, Ctrl-C keeps a draft
  sortie playbooks new ci --from rust
  sortie playbooks new ci --run 'cargo test'
  sortie playbooks new ci --stage build --matrix os=linux,macos --run 'make OS=${{ matrix.os }}' \\
      --stage ship --needs build --approve 'Ship it?' --run ./ship.sh --then both
  sortie playbooks new lint --script '04*' --dry-run

Flags of a stage belong to the `--stage` before them, those of an input to the `--input` before
them. With a name and something to run nothing is asked.")]
pub struct NewArgs {
    /// How it is called; `deploy/web` lies in a folder of `playbooks`
    pub name: Option<String>,
    #[command(flatten)]
    pub said: Words,
    /// Ask all the same
    #[arg(long)]
    pub ask: bool,
    /// Print it, and write nothing
    #[arg(long, conflicts_with = "ask")]
    pub dry_run: bool,
    /// Print the file, its text and the flags that lead to it as JSON
    #[arg(long, conflicts_with = "ask")]
    pub json: bool,
}

/// Flags in the order in which they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Vec<(Flag, String)>);

/// A flag in the help: what stands for its value, and what it is for.
fn about(flag: Flag) -> (&'static str, &'static str) {
    match flag {
        Flag::Name => ("NAME", ""),
        Flag::Description => ("TEXT", "What it is for"),
        Flag::Category => ("WORD", "A word to group playbooks by"),
        Flag::From => ("TEMPLATE", "Start from a template, or from any playbook by its path"),
        Flag::Stage => ("NAME", "Begin a stage; without one the first is `build`"),
        Flag::Run => ("COMMAND", "What it runs; may be repeated"),
        Flag::Script => ("SELECTORS", "Numbered scripts that it runs, such as `0402` or `04*`"),
        Flag::Needs => ("STAGES", "Stages that have to pass before, with commas"),
        Flag::If => ("CONDITION", "When it runs"),
        Flag::Approve => ("QUESTION", "What people are asked before it begins"),
        Flag::Matrix => ("AXIS=A,B", "An axis of its matrix; may be repeated"),
        Flag::CacheInputs => ("GLOBS", "Files that its result depends on, with commas; it is cached"),
        Flag::CacheOutputs => ("GLOBS", "Files that it makes, with commas; it is cached"),
        Flag::Retry => ("N", "How many tries at most"),
        Flag::Timeout => ("DURATION", "How long it may take"),
        Flag::Input => ("NAME", "Begin an input"),
        Flag::Type => ("TYPE", "`string` (which it is without), `number`, `boolean`, `choice` or `json`"),
        Flag::Options => ("WORDS", "What a `choice` may be, with commas"),
        Flag::Default => ("VALUE", "Its value if none is given"),
        Flag::Required => ("", "A value has to be given"),
        Flag::InputDescription => ("TEXT", "What it is for"),
        Flag::Schedule => ("CRON", "Five fields: when it starts by itself"),
        Flag::Timezone => ("ZONE", "Zone of these fields; `UTC` without"),
        Flag::Summary => ("FORMATS", "Reports: `markdown`, `html`, `json`, `xml`, `csv`"),
        Flag::Then => ("WHAT", "`save` it, save and run `both`, or only `run` it; it is saved without"),
    }
}

fn heading(flag: Flag) -> &'static str {
    match flag {
        Flag::Stage
        | Flag::Run
        | Flag::Script
        | Flag::Needs
        | Flag::If
        | Flag::Approve
        | Flag::Matrix
        | Flag::CacheInputs
        | Flag::CacheOutputs
        | Flag::Retry
        | Flag::Timeout => "A stage",
        Flag::Input
        | Flag::Type
        | Flag::Options
        | Flag::Default
        | Flag::Required
        | Flag::InputDescription => "An input",
        _ => "The playbook",
    }
}

fn id(flag: Flag) -> &'static str {
    flag.word().trim_start_matches('-')
}

impl Args for Words {
    fn augment_args(command: Command) -> Command {
        Flag::ALL.into_iter().fold(command, |command, flag| {
            let (value, help) = about(flag);
            let arg = Arg::new(id(flag))
                .long(id(flag))
                .help(help)
                .help_heading(heading(flag))
                .action(ArgAction::Append);
            let arg = match flag {
                Flag::Required => arg.num_args(0).default_missing_value("true"),
                Flag::Then => {
                    arg.value_name(value).value_parser(["save", Then::Both.word(), Then::Run.word()])
                }
                _ => arg.value_name(value),
            };
            command.arg(arg)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Words {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut found: Vec<(usize, Flag, String)> = Vec::new();
        for flag in Flag::ALL {
            let values = matches.get_many::<String>(id(flag)).into_iter().flatten();
            let places = matches.indices_of(id(flag)).into_iter().flatten();
            found.extend(places.zip(values).map(|(place, value)| (place, flag, value.clone())));
        }
        found.sort_by_key(|(place, ..)| *place);
        Ok(Self(found.into_iter().map(|(_, flag, value)| (flag, value)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
