//! What is there and what is not, each with a cure: facts about the surroundings, judged.
//!
//! Not here: finding the facts (`edges/survey.rs`, `engine/store/examine.rs`), showing what came of it (`faces/cli/doctor.rs`).
//! Start with `Facts` and `judge`.

mod judge;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use judge::judge;

/// How much something matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    /// Nothing is wrong, and it is good to know.
    Note,
    /// Something will not work in some jobs, or may go wrong.
    Warning,
    /// Jobs cannot run, or not be recorded.
    Problem,
}

impl Level {
    /// Returns the word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What was found about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A word or two: what it is about.
    pub about: &'static str,
    pub level: Level,
    /// What was found, in words.
    pub says: String,
    /// The way out; there for all that is not ok.
    pub cure: Option<String>,
}

/// All that was found out.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub program: Program,
    pub terminal: Terminal,
    /// The project's root, and by what it was found: `.sortie`, `.git`, or nothing.
    pub root: (String, Option<&'static str>),
    pub machine: Machine,
    pub store: Store,
    /// What `store prune` keeps: jobs, time, bytes of logs.
    pub keep: (Option<usize>, Option<Duration>, Option<u64>),
    /// How this program is called, for cures about jobs: `sortie`, perhaps with `--state`.
    pub caller: String,
    /// What is wrong with settings, a line each.
    pub settings: Vec<String>,
    /// What is wrong with the theme, if anything.
    pub theme: (String, Option<String>),
    /// What is wrong with the keymap, if anything.
    pub keymap: Option<String>,
    pub playbooks: Playbooks,
}

/// This program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub version: &'static str,
    pub is_debug: bool,
    pub path: String,
}

/// The terminal, and what it comes to.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Terminal {
    /// Standard output is one.
    pub is_there: bool,
    pub term: String,
    /// Columns and rows.
    pub size: Option<(u16, u16)>,
    pub has_colors: bool,
    pub is_utf8: bool,
    /// Symbols are written in ASCII, as somebody asked.
    pub is_ascii: bool,
    /// How a job would be shown, in words, and why not otherwise.
    pub face: (&'static str, Option<String>),
}

/// What the system says.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    pub state: State,
    pub disk: Option<Disk>,
    /// What was tried, and how it failed.
    pub tried: Vec<(Trial, Result<(), String>)>,
    /// Files that may be open, now and at most.
    pub open_files: Option<(u64, u64)>,
    /// Processes of this user, at most.
    pub processes: Option<u64>,
    pub has_proc: bool,
    /// Folders and files that may be watched.
    pub watches: Option<u64>,
    /// Microseconds since 1970.
    pub now: i64,
    /// Name of the time zone, if it has one.
    pub zone: Option<String>,
    /// Processes that steps of ended jobs left, in words, with their numbers.
    pub left: Vec<(i32, String)>,
}

/// The folder `.sortie`.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub path: String,
    /// Permissions as the system has them, if it is there.
    pub mode: Option<u32>,
    /// It belongs to this user.
    pub is_own: bool,
    /// It can be written to; or the folder that it would be made in.
    pub is_writable: bool,
    pub bytes: u64,
    /// Bytes of kept results.
    pub cache_bytes: u64,
    /// There was too much to add it all up.
    pub is_more: bool,
}

/// The disk that it is on.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub free_bytes: u64,
    /// Kind of the file system: `ext4`.
    pub kind: String,
    pub is_read_only: bool,
}

/// Something that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// A socket in the folder of jobs.
    Socket,
    /// A lock on a file there.
    Lock,
    /// To become the parent of what steps leave behind.
    Subreaper,
    /// A process that holds steps: started, and ended again.
    Keeper,
}

/// The recorded jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// No job was ever run here.
    #[default]
    None,
    Whole(Recorded),
    /// Made by an earlier version, of that format; the next job brings it up to date.
    Older(i64),
    Newer(i64),
    /// It cannot be used, and the way out.
    Broken(String, Option<String>),
}

/// What a whole store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    pub format: i64,
    pub jobs: u64,
    pub live: u64,
    /// Jobs that have lost their engine.
    pub orphans: Vec<u64>,
}

/// What the playbooks of the project need.
#[derive(Clone, Debug, Default)]
pub struct Playbooks {
    pub count: usize,
    /// Names of those with errors.
    pub broken: Vec<String>,
    /// Programs with their versions, and where one is wanted that is not there or does not fit, why.
    pub programs: Vec<Wanted>,
    /// Names of playbooks with containers.
    pub with_containers: Vec<String>,
    /// What runs containers, or why nothing does.
    pub containers: Option<Result<String, String>>,
    /// Names of playbooks that start by themselves when files change.
    pub with_watches: Vec<String>,
}

/// A program that is wanted, or good to have.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub name: String,
    /// What it says of its version; nothing if it is not there.
    pub version: Option<String>,
    /// What it does not meet.
    pub problem: Option<String>,
    /// Names of the playbooks that want it.
    pub by: Vec<String>,
}

/// Says whether anything is a problem.
#[must_use]
pub fn has_problem(found: &[Finding]) -> bool {
    found.iter().any(|it| it.level == Level::Problem)
}
