//! The command line of `keys`.
//!
//! Not here: what it does (`keys.rs`).

use std::path::PathBuf;

use clap::Args;

/// List the keys of the full screen and the launcher, with your own; or check a keymap
///
/// Your own keys stand in `~/.config/sortie/keymap.yaml`; `sortie help settings` says how to write it.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie keys                       what each key does, place by place; `*` marks what you changed
  sortie keys --check               what is wrong with your keymap; exit code 2 if something is
  sortie keys --check --file dotfiles/keymap.yaml
  sortie keys --json | jq -r '.bindings[] | select(.changed) | .action'")]
pub struct KeysArgs {
    /// Say what is wrong with the keymap, and nothing else; exit code 2 if something is, warnings apart
    #[arg(long)]
    pub check: bool,
    /// Read this file in place of your own
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}
