//! The command line of what is left of a job: its summary and its outputs.
//!
//! Not here: everything else (`args.rs`, which gives these on).

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::logic::summary::Format;

/// Print what a job came to: outcomes, causes, times, what was waited for, outputs, and what its steps wrote
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie jobs summary               of the last job, to read here
  sortie jobs summary 214 --format html --output report.html
  sortie jobs summary 214 --format junit > junit.xml
  sortie jobs summary last --format json | jq '.critical_path'

It is made from what is recorded, so it can be asked for as long as the job is kept, and also while
the job runs. `reporting` in a playbook, or `run --summary`, write it when the job ends.")]
pub struct SummaryArgs {
    /// Number, beginning of the id, or `last`
    #[arg(default_value = "last")]
    pub job: String,
    /// In which format; without it by the ending of `--output`, else text on a terminal and Markdown elsewhere
    #[arg(long, short, value_name = "FORMAT")]
    pub format: Option<Kind>,
    /// Write it to this file instead of standard output
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// The same as `--format json`
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
}

/// Formats of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// To read on a terminal
    Text,
    /// Markdown with tables
    #[value(alias = "markdown")]
    Md,
    /// One page that needs nothing else
    Html,
    /// Everything, for programs
    Json,
    /// JUnit XML, for what shows test results
    #[value(alias = "xml")]
    Junit,
    /// A row for each step
    Csv,
}

impl Kind {
    /// Returns the format of a file; nothing for text.
    #[must_use]
    pub fn format(self) -> Option<Format> {
        Some(match self {
            Self::Text => return None,
            Self::Md => Format::Markdown,
            Self::Html => Format::Html,
            Self::Json => Format::Json,
            Self::Junit => Format::Xml,
            Self::Csv => Format::Csv,
        })
    }
}

/// Print the outputs of a job, its stages, cells and steps, or a single one as it is
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie jobs outputs               all of the last job
  sortie jobs outputs 214 version   an output of the job itself, the value alone
  sortie jobs outputs 214 build.digest
  sortie jobs outputs 214 'build[os=linux].digest'
  sortie jobs outputs 214 build/compile.path
  sortie jobs outputs 214 --json    as in `result.json`

A name is written as `STAGE.NAME`, `STAGE[key=value].NAME` or `STAGE[key=value]/STEP.NAME`.")]
pub struct OutputsArgs {
    /// Number, beginning of the id, or `last`
    #[arg(default_value = "last")]
    pub job: String,
    /// The name of one output: its value is printed, and nothing else
    pub name: Option<String>,
    /// Print them as JSON
    #[arg(long)]
    pub json: bool,
}

/// Commands about artifacts.
#[derive(Subcommand, Clone, Debug)]
pub enum ArtifactsCommand {
    /// List the artifacts of a job: who keeps them, how large they are, until when they are kept
    #[command(after_help = "Examples:
  sortie jobs artifacts list              of the last job
  sortie jobs artifacts list 214 --json   with every file and its SHA-256

What is expired is listed as such for as long as the job is kept.")]
    List {
        /// Number, beginning of the id, or `last`
        #[arg(default_value = "last")]
        job: String,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Put the files of an artifact into a folder
    #[command(after_help = "Examples:
  sortie jobs artifacts get 214 dist              into the folder `dist`
  sortie jobs artifacts get last dist --to /tmp/x
  sortie jobs artifacts get last dist --to . --overwrite

All of its files are put there, or none. Files that are equal stay as they are, others are replaced
only with `--overwrite`.")]
    Get {
        /// Number, beginning of the id, or `last`
        job: String,
        /// Name of the artifact
        name: String,
        /// The folder that its files go to; without it one of its name
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// Replace files that are there and are other ones
        #[arg(long)]
        overwrite: bool,
        /// Print what was done as JSON
        #[arg(long)]
        json: bool,
    },
}
