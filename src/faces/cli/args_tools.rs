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
}
