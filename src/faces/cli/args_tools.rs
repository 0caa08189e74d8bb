//! The command line of what editors and shells need: `schema`, `completions`, `man`, `doctor`.
//!
//! Not here: what these commands do (one file each beside this one).

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Print the JSON Schema of playbooks, by which editors complete, explain and check
///
/// `sortie explain editors` says how to tell an editor about it.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie schema --out .vscode/playbook.schema.json
  sortie schema settings > sortie.schema.json
  sortie schema keymap --out ~/.config/sortie/keymap.schema.json
  sortie explain editors            settings for VS Code, Neovim, Helix and JetBrains")]
pub struct SchemaArgs {
    /// Of which files
    #[arg(value_name = "KIND", default_value = "playbook")]
    pub kind: SchemaKind,
    /// Write it to this file; folders above it are made
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Files that have a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// Playbooks
    #[default]
    Playbook,
    /// `action.yml` of an action
    Action,
    /// `sortie.yml`
    Settings,
    /// `keymap.yaml`, your own keys
    Keymap,
}

/// Print the script that makes a shell complete commands, playbooks, stages, jobs and inputs
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  source <(sortie completions bash)               in ~/.bashrc
  source <(sortie completions zsh)                in ~/.zshrc, behind compinit
  sortie completions fish | source                in ~/.config/fish/config.fish
  sortie completions --install                    into the folder where your shell looks
  sortie completions --install zsh")]
pub struct CompletionsArgs {
    /// The shell; with `--install`, that of the variable SHELL if none is named
    #[arg(required_unless_present = "install")]
    pub shell: Option<Shell>,
    /// Write it to where bash, zsh or fish looks for it, and say what else is needed; no file of yours is changed
    #[arg(long)]
    pub install: bool,
}

/// Shells that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
}

impl Shell {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Bash, Self::Zsh, Self::Fish, Self::Elvish, Self::Powershell];

    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Elvish => "elvish",
            Self::Powershell => "powershell",
        }
    }

    /// Says where the line goes that makes it complete.
    #[must_use]
    pub fn install(self) -> &'static str {
        match self {
            Self::Bash => "add this line to ~/.bashrc:  source <(sortie completions bash)",
            Self::Zsh => "add this line to ~/.zshrc, behind compinit:  source <(sortie completions zsh)",
            Self::Fish => "add this line to ~/.config/fish/config.fish:  sortie completions fish | source",
            Self::Elvish => {
                "add this line to ~/.config/elvish/rc.elv:  eval (sortie completions elvish | slurp)"
            }
            Self::Powershell => {
                "add this line to $PROFILE:  sortie completions powershell | Out-String | Invoke-Expression"
            }
        }
    }
}

/// Print the manual, or write a page for each command
///
/// On a terminal the page of sortie itself is shown by `man`, if that is there.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie man
  sortie man run                    the page of `sortie run`
  sortie man --out ~/.local/share/man/man1
  sortie man > sortie.1")]
pub struct ManArgs {
    /// Page of this command, such as `run` or `jobs retry`
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    pub command: Vec<String>,
    /// Write `sortie.1`, `sortie-run.1` and so on into this folder, which is made if it is not there
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Say what is there and what is not, each with a cure
///
/// Looks at the terminal, the project, the recorded jobs, the machine and the programs that playbooks need. It changes
/// nothing, and works where nothing else does: outside of any project, with broken settings, with a damaged store.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie doctor
  sortie doctor --json | jq '.findings[] | select(.level != \"ok\")'

Exit code 0 if nothing is a problem, else 5. Warnings and notes are none.")]
pub struct DoctorArgs {
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}
