//! The command line of `help`.
//!
//! Not here: the pages (`guide.rs`).

use clap::Args;

/// Read how something is done, or the help of a command; bare: list all pages
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie help                       what there is to read
  sortie help getting-started
  sortie help run                   the same as `sortie run --help`
  sortie help matrix --raw > matrix.md

On a terminal a page that is longer than the screen goes through $PAGER, or `less`.")]
pub struct HelpArgs {
    /// The name of a page, or a command
    #[arg(value_name = "TOPIC")]
    pub words: Vec<String>,
    /// Print a page as it is written, in Markdown
    #[arg(long)]
    pub raw: bool,
    /// Print it as JSON
    #[arg(long, conflicts_with = "raw")]
    pub json: bool,
}
