//! The command line of what changes playbooks: `playbooks edit` and `fmt`.
//!
//! Not here: everything else (`args.rs`, which gives these on).

use clap::{Args, Subcommand, ValueEnum};

use super::args::{Values, axis};

/// Change a playbook by command, or by questions; its comments, order and style stay
///
/// Without a change to make, questions lead to some on a terminal, and the commands that do the same are printed.
/// What the change is about is changed and nothing else. The result is read again: if it is not what it should be, or the
/// playbook would have an error that it did not have, nothing is written.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  sortie playbooks edit ci          ask what is to be changed
  sortie playbooks edit ci add-stage lint --run 'make lint' --before test
  sortie playbooks edit ci rename-stage test unit-test
  sortie playbooks edit ci remove-stage lint --unlink
  sortie playbooks edit ci needs deploy --add lint,test
  sortie playbooks edit ci matrix test os=linux,macos --dry-run
  sortie playbooks edit ci input target --type choice --options staging,production

Exit code 0 if the playbook is as it was asked for, also if it was so before.")]
pub struct EditArgs {
    /// A file, or the name of a playbook of this project
    pub playbook: String,
    #[command(subcommand)]
    pub change: Option<EditCommand>,
    /// Show the change, write nothing
    #[arg(long, short = 'n', global = true)]
    pub dry_run: bool,
    /// Print what changed as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// Changes of a playbook.
#[derive(Debug, Subcommand)]
pub enum EditCommand {
    AddStage(AddStageArgs),
    /// Rename a stage, and what names it: needs, profiles, expressions
    #[command(after_help = "Examples:\n  sortie playbooks edit ci rename-stage test unit-test")]
    RenameStage {
        /// Its name
        old: String,
        /// Its new name
        new: String,
    },
    /// Remove a stage, with the comments above it
    #[command(after_help = "Examples:
  sortie playbooks edit ci remove-stage lint
  sortie playbooks edit ci remove-stage lint --unlink")]
    RemoveStage {
        /// Its name
        name: String,
        /// Take it out of the needs of others and out of profiles, too; without it a stage that is named is kept
        #[arg(long)]
        unlink: bool,
    },
    Needs(NeedsArgs),
    Matrix(MatrixArgs),
    Input(InputArgs),
    /// Rename an input, and all expressions that read it
    #[command(after_help = "Examples:\n  sortie playbooks edit ci rename-input target environment")]
    RenameInput {
        /// Its name
        old: String,
        /// Its new name
        new: String,
    },
    /// Remove an input that no expression reads
    #[command(after_help = "Examples:\n  sortie playbooks edit ci remove-input target")]
    RemoveInput {
        /// Its name
        name: String,
    },
}

/// Add a stage, at the end or beside another one
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  sortie playbooks edit ci add-stage lint --run 'make lint'
  sortie playbooks edit ci add-stage test --run 'make test' --needs build --matrix os=linux,macos
  sortie playbooks edit ci add-stage tools --script 0400-0499,!0410 --before build")]
pub struct AddStageArgs {
    /// Its name
    pub name: String,
    /// What it runs; several become steps, in this order
    #[arg(long, value_name = "COMMAND", required_unless_present = "script", allow_hyphen_values = true)]
    pub run: Vec<String>,
    /// Numbered scripts that it runs behind the commands, such as `0402` or `0400-0499,!0410`; several become steps
    #[arg(long, value_name = "SELECTORS")]
    pub script: Vec<String>,
    /// Stages that it needs
    #[arg(long, value_name = "STAGE,..", value_delimiter = ',')]
    pub needs: Vec<String>,
    /// Put it behind this stage
    #[arg(long, value_name = "STAGE", conflicts_with = "before")]
    pub after: Option<String>,
    /// Put it before this stage
    #[arg(long, value_name = "STAGE")]
    pub before: Option<String>,
    /// Give its matrix an axis
    #[arg(long, value_name = "AXIS=A,B", value_parser = axis)]
    pub matrix: Vec<(String, Values)>,
}

/// Change which stages one needs
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  sortie playbooks edit ci needs deploy --add lint,test --remove build
  sortie playbooks edit ci needs deploy --set test")]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args(["add", "remove", "set"]))]
pub struct NeedsArgs {
    /// The stage whose needs change
    pub stage: String,
    /// Stages that it needs, too
    #[arg(long, value_name = "STAGE,..", value_delimiter = ',')]
    pub add: Vec<String>,
    /// Stages that it does not need any more
    #[arg(long, value_name = "STAGE,..", value_delimiter = ',')]
    pub remove: Vec<String>,
    /// The stages that it needs, and no others
    #[arg(long, value_name = "STAGE,..", value_delimiter = ',', conflicts_with_all = ["add", "remove"])]
    pub set: Vec<String>,
}

/// Change the matrix of a stage
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  sortie playbooks edit ci matrix test os=linux,macos node=18,20
  sortie playbooks edit ci matrix test --remove node
  sortie playbooks edit ci matrix test --remove-all")]
#[command(
    override_usage = "sortie playbooks edit <PLAYBOOK> matrix <STAGE> [AXIS=A,B]... [--remove <AXIS,..>|--remove-all]"
)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args(["axes", "remove", "remove_all"]))]
pub struct MatrixArgs {
    /// The stage whose matrix changes
    pub stage: String,
    /// Axes with their values
    #[arg(value_name = "AXIS=A,B", value_parser = axis)]
    pub axes: Vec<(String, Values)>,
    /// Axes to remove
    #[arg(long, value_name = "AXIS,..", value_delimiter = ',')]
    pub remove: Vec<String>,
    /// Remove the whole matrix
    #[arg(long, conflicts_with_all = ["axes", "remove"])]
    pub remove_all: bool,
}

/// Add an input, or change what is named of one
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  sortie playbooks edit ci input target --type choice --options staging,production --default staging
  sortie playbooks edit ci input retries --type number --default 3
  sortie playbooks edit ci input target --required")]
pub struct InputArgs {
    /// Its name
    pub name: String,
    /// Kind of its value
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<Kind>,
    /// Its value if none is given
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub default: Option<String>,
    /// What a choice may be
    #[arg(long, value_name = "WORD,..", value_delimiter = ',')]
    pub options: Vec<String>,
    /// Whether a job needs a value for it
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub required: Option<bool>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
}

/// Kinds of inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    String,
    Number,
    Boolean,
    Choice,
    Json,
}

impl Kind {
    /// Returns the word that playbooks have for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Choice => "choice",
            Self::Json => "json",
        }
    }
}

/// Lay playbooks out; bare: all of this project
///
/// Layout only: steps of two columns, dashes below their key by one step, single blanks, no blanks at the ends of lines, at
/// most one blank line in a row. Values, comments, order, quotes and brackets stay; if they would not, the file is refused.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie fmt                        every playbook of this project
  sortie fmt ci playbooks/release.yml
  sortie fmt --check                exit code 1 if one would change, for CI
  sortie fmt - < draft.yml          from standard input to standard output")]
pub struct FmtArgs {
    /// Files, names of playbooks, or `-`
    pub playbooks: Vec<String>,
    /// Write nothing; name those that would change
    #[arg(long)]
    pub check: bool,
    /// Write nothing; show what would change
    #[arg(long)]
    pub diff: bool,
}
